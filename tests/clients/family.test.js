// How the front-ends of the original's family speak (docs/contracts/legacy-rest.md): each shape, its request, and what the
// client reads of the answer. Needs a Docket at DOCKET_URL that was started with DOCKET_LEGACY=fastapi RATE_LIMIT=off.
// The tokens of others are checked by tests/it/issuers.rs. Credentials in a query string, which one member sends, are not
// taken: every log on the way would have the password.
import assert from "node:assert/strict";
import { before, test } from "node:test";

const base = process.env.DOCKET_URL ?? "http://localhost:8000";
const PASSWORD = "correct-horse-1";
const address = () => `family-${Date.now()}-${Math.random()}@example.com`;
const json = (value) => ({ headers: { "Content-Type": "application/json" }, body: JSON.stringify(value) });
const form = (fields) => ({ body: new URLSearchParams(fields) });
const multipart = (fields) => {
  const body = new FormData();
  for (const [name, value] of Object.entries(fields)) body.append(name, value);
  return { body };
};

/** Status and body of an answer; every answer of these routes that has a body has JSON. */
async function ask(method, path, { token, headers, ...options } = {}) {
  const authorization = token ? { Authorization: `Bearer ${token}` } : {};
  const answer = await fetch(`${base}${path}`, { method, redirect: "error", ...options, headers: { ...authorization, ...headers } });
  const text = await answer.text();
  return { status: answer.status, body: text ? JSON.parse(text) : undefined };
}

async function expect(status, method, path, options) {
  const answer = await ask(method, path, options);
  assert.equal(answer.status, status, `${method} ${path}: ${JSON.stringify(answer.body)}`);
  return answer.body;
}

const PREFIXES = ["/api/auth", "/api/v1/auth", "/auth"];
// Sign-up, sign-in, sign-out, whose, and the bodies of both.
const ACCOUNTS = [
  ["register", "login", "logout", "me", (email) => json({ email, password: PASSWORD, name: "Ann" }), (email) => json({ email, password: PASSWORD })],
  ["signup", "signin", "signout", "session", (email) => json({ email, password: PASSWORD, full_name: "Ann" }), (email) => form({ username: email, password: PASSWORD })],
  ["sign-up", "sign-in", "logout", "me", (email) => json({ email, password: PASSWORD, username: "Ann" }), (email) => multipart({ username: email, password: PASSWORD })],
];

for (const prefix of PREFIXES) {
  for (const [up, into, out, whose, registration, login] of ACCOUNTS) {
    test(`${prefix}: ${up}, ${into}, ${whose}, ${out}`, async () => {
      const email = address();
      const made = await expect(201, "POST", `${prefix}/${up}`, registration(email));
      assert.deepEqual([made.token_type, made.user.email, made.user.name], ["bearer", email, "Ann"]);
      assert.equal(typeof (await expect(400, "POST", `${prefix}/${up}`, registration(email))).detail, "string");
      const signedIn = await expect(200, "POST", `${prefix}/${into}`, login(email));
      const token = signedIn.access_token ?? signedIn.token;
      assert.equal(signedIn.token, token);
      const me = await expect(200, "GET", `${prefix}/${whose}`, { token });
      assert.deepEqual([me.id, me.email, me.user.name], [made.user.id, email, "Ann"]);
      await expect(200, "POST", `${prefix}/${out}`, { token });
      assert.equal(typeof (await expect(401, "GET", `${prefix}/${whose}`, { token })).detail, "string");
      const wrong = await expect(401, "POST", `${prefix}/${into}`, json({ email, password: "another-horse-1" }));
      assert.equal(typeof wrong.detail, "string");
      assert.ok(Array.isArray((await expect(422, "POST", `${prefix}/${up}`, json({ email: "none" }))).detail));
    });
  }
}

test("a picture of a megabyte and a half does not stop a sign-up", async () => {
  const image = `data:image/png;base64,${"A".repeat(1_500_000)}`;
  await expect(201, "POST", "/api/auth/register", json({ email: address(), password: PASSWORD, name: "Ann", image }));
});

let user, token;
before(async () => {
  ({ user, token } = await expect(201, "POST", "/auth/register", json({ email: address(), password: PASSWORD, name: "Ann" })));
});

const PATHS = ["/api/{id}/tasks", "/api/tasks", "/api/v1/tasks", "/api/v1/{id}/tasks", "/api/todos", "/api/v1/todos", "/todos", "/tasks", "/api/users/{id}/tasks"];
const at = (path) => path.replace("{id}", user.id);
const create = async (path, task) => expect(201, "POST", at(path), { token, ...json(task) });

for (const path of PATHS) {
  test(`tasks at ${path}`, async () => {
    const made = await create(path, { title: path });
    assert.deepEqual([typeof made.id, made.title, made.completed, made.status], ["number", path, false, "pending"]);
    const list = await expect(200, "GET", at(path), { token });
    assert.ok(Array.isArray(list) && list.some(({ id }) => id === made.id));
    const one = `${at(path)}/${made.id}`;
    assert.equal((await expect(200, "GET", one, { token })).title, path);
    assert.equal((await expect(200, "PUT", one, { token, ...json({ title: "changed" }) })).title, "changed");
    assert.equal(await expect(204, "DELETE", one, { token }), undefined);
    assert.equal(typeof (await expect(404, "GET", one, { token })).detail, "string");
    assert.equal(typeof (await expect(401, "GET", at(path))).detail, "string");
  });
}

// Method, what follows the task, and the body.
const TOGGLES = [
  ["PATCH", "/complete"],
  ["PATCH", "/complete?completed=true"],
  ["PATCH", "/complete", { completed: true }],
  ["PATCH", "/status", { status: "completed" }],
  ["PATCH", "/status", { completed: true }],
  ["PATCH", "/toggle"],
  ["POST", "/toggle"],
  ["PATCH", "/toggle-status"],
];

for (const [method, path, body] of TOGGLES) {
  test(`${method} ${path} ${JSON.stringify(body) ?? ""}`, async () => {
    const { id } = await create("/api/{id}/tasks", { title: "toggled" });
    const toggled = await expect(200, method, `${at("/api/{id}/tasks")}/${id}${path}`, { token, ...(body ? json(body) : {}) });
    assert.deepEqual([toggled.completed, toggled.status], [true, "completed"]);
  });
}

// What is sent, and what the client reads.
const VALUES = [
  [{ priority: "High" }, { priority: "high" }],
  [{ tags: null, completed: null }, { tags: [], completed: false }],
  [{ is_completed: true }, { completed: true }],
  [{ isCompleted: true }, { completed: true }],
  [{ done: true }, { completed: true }],
  [{ status: "completed" }, { completed: true, status: "completed" }],
  [{ due_date: 1893456000 }, { due_date: "2030-01-01T00:00:00Z" }],
  [{ due_date: "2030-01-01T12:00:00" }, { due_date: "2030-01-01T12:00:00Z" }],
  [{ due_date: "" }, { due_date: null }],
  [{ description: "x".repeat(5000) }, { description: "x".repeat(5000) }],
  [{ category: "home", reminder: { minutes: 5 } }, { category: "home", reminder: { minutes: 5 } }],
];

for (const [sent, read] of VALUES) {
  test(`a task with ${JSON.stringify(sent).slice(0, 60)}`, async () => {
    const made = await create("/api/{id}/tasks", { title: "values", ...sent });
    for (const task of [made, await expect(200, "GET", `${at("/api/{id}/tasks")}/${made.id}`, { token })]) {
      const shown = Object.fromEntries(Object.keys(read).map((name) => [name, task[name]]));
      if (shown.due_date) shown.due_date = new Date(shown.due_date).toISOString().replace(".000Z", "Z");
      assert.deepEqual(shown, read);
    }
  });
}

test("tags, statistics, and the shape that a client asks for", async () => {
  await create("/api/{id}/tasks", { title: "tagged", tags: ["home"], due_date: "2030-01-01" });
  const tags = await expect(200, "GET", at("/api/{id}/tags"), { token });
  assert.ok(Array.isArray(tags) && tags.includes("home"));
  const statistics = await expect(200, "GET", at("/api/{id}/statistics"), { token });
  assert.equal(statistics.total, statistics.completed + statistics.pending);
  const headers = { Accept: "application/json; list=envelope; case=camel" };
  const { tasks, total } = await expect(200, "GET", at("/api/{id}/tasks"), { token, headers });
  assert.ok(total >= tasks.length && tasks.some(({ dueDate }) => dueDate));
});

test("no page stays blank", async () => {
  assert.ok((await fetch(`${base}/`).then((answer) => answer.text())).length > 0);
  for (const path of ["/api/nowhere", "/api/auth/nowhere", "/api/v1/auth/nowhere", "/auth/nowhere"]) {
    assert.equal(typeof (await expect(404, "GET", path)).detail, "string");
  }
  assert.equal(typeof (await expect(405, "GET", "/auth/login")).detail, "string");
});
