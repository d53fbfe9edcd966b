// The families of legacy front-ends, as their fetch wrappers read answers (docs/contracts/legacy-rest.md). Needs a running
// Docket at DOCKET_URL; SHAPES says how it was started: "plain" or "legacy" (REST_DELETE=json REST_LIST=envelope), or
// "camel" (REST_CASE=camel).
import assert from "node:assert/strict";
import { test } from "node:test";

const base = process.env.DOCKET_URL ?? "http://localhost:8000";
const shapes = process.env.SHAPES ?? "plain";
const clients = { plain: [], legacy: [], camel: [] };

/** A new user's id and token, by the routes that the front-ends call. */
async function user() {
  const post = (path, body, headers = {}) =>
    fetch(`${base}/api/auth${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", origin: base, ...headers },
      body: JSON.stringify(body),
    }).then((answer) => answer.json());
  const email = `legacy-${Date.now()}-${Math.random()}@example.com`;
  const up = await post("/sign-up/email", { name: "Ann", email, password: "correct-horse-1" });
  const headers = { Authorization: `Bearer ${up.token}` };
  const { token } = await fetch(`${base}/api/auth/token`, { headers }).then((answer) => answer.json());
  return { id: up.user.id, token };
}

/** Sets the JSON content type on everything, also where there is no body, as all eight front-ends do. */
const wrapper = (token, read) => async (path, options = {}) => {
  const headers = { "Content-Type": "application/json", Authorization: `Bearer ${token}`, ...options.headers };
  const response = await fetch(`${base}${path}`, { ...options, headers, redirect: "error" });
  if (!response.ok) {
    const error = await response.json().catch(() => ({}));
    throw new Error(error.detail || `status ${response.status}`);
  }
  return read(response);
};
const jsonOr204 = (response) => (response.status === 204 ? undefined : response.json());
const alwaysJson = (response) => response.json();
const body = (value) => JSON.stringify(value);

clients.plain.push(["array readers", async () => {
  const { id, token } = await user();
  const api = wrapper(token, jsonOr204);
  const made = await api(`/api/${id}/tasks`, { method: "POST", body: body({ title: "water the plants" }) });
  assert.equal(typeof made.id, "number");
  const tasks = await api(`/api/${id}/tasks?status=all&sort=created`);
  assert.ok(Array.isArray(tasks));
  assert.deepEqual(tasks.map((task) => task.title), ["water the plants"]);
  assert.ok(!Number.isNaN(Date.parse(tasks[0].created_at)) && tasks[0].created_at.endsWith("Z"));
  const toggled = await api(`/api/${id}/tasks/${made.id}/complete`, { method: "PATCH" });
  assert.equal(toggled.completed, true);
  const changed = await api(`/api/${id}/tasks/${made.id}`, { method: "PUT", body: body({ description: "all" }) });
  assert.deepEqual([changed.title, changed.description, changed.completed], ["water the plants", "all", true]);
  assert.equal(await api(`/api/${id}/tasks/${made.id}`, { method: "DELETE" }), undefined);
  await assert.rejects(api(`/api/${id}/tasks/${made.id}`), /Task not found/);
  await assert.rejects(api(`/api/somebody-else/tasks`), /Access denied/);
}]);

clients.plain.push(["callers with a trailing slash", async () => {
  const { id, token } = await user();
  const api = wrapper(token, jsonOr204);
  const made = await api(`/api/${id}/tasks/`, { method: "POST", body: body({ title: "a" }) });
  assert.equal((await api(`/api/${id}/tasks/`)).length, 1);
  assert.equal((await api(`/api/${id}/tasks/${made.id}/complete/`, { method: "PATCH" })).completed, true);
  assert.equal((await api(`/api/tasks/${made.id}/`)).id, made.id);
  assert.equal(await api(`/api/tasks/${made.id}/`, { method: "DELETE" }), undefined);
}]);

clients.legacy.push(["readers of an envelope that cannot bear a 204", async () => {
  const { id, token } = await user();
  const api = wrapper(token, alwaysJson);
  const made = await api(`/api/${id}/tasks`, { method: "POST", body: body({ title: "a", priority: "high" }) });
  await api(`/api/${id}/tasks`, { method: "POST", body: body({ title: "b" }) });
  const { tasks, count, total } = await api(`/api/${id}/tasks?status_filter=pending&sort=created`);
  assert.deepEqual([tasks.length, count, total], [2, 2, 2]);
  const page = await api(`/api/${id}/tasks?page=2&page_size=1`);
  assert.deepEqual([page.tasks.length, page.page, page.page_size, page.total], [1, 2, 1, 2]);
  const gone = await api(`/api/${id}/tasks/${made.id}`, { method: "DELETE" });
  assert.deepEqual([gone.deleted, gone.deleted_id, gone.task_id, gone.id], [true, made.id, made.id, made.id]);
  assert.equal(typeof gone.message, "string");
}]);

clients.camel.push(["readers of camelCase", async () => {
  const { id, token } = await user();
  const api = wrapper(token, jsonOr204);
  const made = await api(`/api/${id}/tasks`, { method: "POST", body: body({ title: "a", dueDate: "2030-01-31" }) });
  assert.ok(new Date(made.createdAt) <= new Date() && new Date(made.updatedAt) <= new Date());
  assert.equal(new Date(made.dueDate).toISOString(), "2030-01-31T00:00:00.000Z");
  const [task] = await api(`/api/${id}/tasks?sort_by=createdAt&sort_order=desc`);
  assert.deepEqual([task.id, task.userId, task.created_at], [made.id, id, undefined]);
}]);

for (const [name, run] of clients[shapes]) test(name, run);
