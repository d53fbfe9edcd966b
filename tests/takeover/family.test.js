// A database of the original's family, made by SQLModel, passlib and argon2-cffi: taken over, its people sign in with
// their old passwords at the family's routes and see their tasks under the old ids (docs/takeover.md).
// Needs Docket's binary at DOCKET, a python with these packages at PYTHON, and the URL of a PostgreSQL server at POSTGRES.
import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import pg from "pg";

const { DOCKET, POSTGRES, PYTHON } = process.env;
const settings = (url) => ({
  ...process.env, PORT: "0", DATABASE_URL: url, BETTER_AUTH_SECRET: "a-secret-of-tests-0123456789-ABCDEFGHIJ",
  DOCKET_LEGACY: "fastapi", REST_UNKNOWN_FIELDS: "keep", RATE_LIMIT: "off", RUST_LOG: "error", PASSWORD_WAIT_MS: "5000",
});

/** Runs a command of Docket's: its exit code and what it says. */
function docket(url, ...command) {
  const { status, stdout, stderr } = spawnSync(DOCKET, command, { env: settings(url), encoding: "utf8" });
  return { status, said: stdout + stderr };
}

async function start(url) {
  const started = spawn(DOCKET, { env: settings(url), stdio: ["ignore", "pipe", "inherit"] });
  let told = "";
  for await (const chunk of started.stdout) {
    told += chunk;
    const base = /health +(http:\S+)\/health/.exec(told)?.[1];
    if (base) return { process: started, base };
  }
  throw new Error(`Docket ended: ${told}`);
}

async function postgres() {
  const name = `family_${process.pid}`;
  const admin = new pg.Client({ connectionString: POSTGRES });
  await admin.connect();
  await admin.query(`create database "${name}"`);
  await admin.end();
  const url = new URL(POSTGRES);
  url.pathname = `/${name}`;
  return { url: url.href, python: url.href.replace(/^postgres(ql)?:/, "postgresql+psycopg:") };
}

const sqlite = async (folder) => {
  const path = join(folder, "family.db");
  return { url: `sqlite://${path}`, python: `sqlite:///${path}` };
};

/** The commands of the guide, and what they say. */
function guide(url) {
  const commands = execFileSync("../block", ["docs/takeover.md", "docket adopt --apply"], { encoding: "utf8" });
  const script = `docket() { "$DOCKET" "$@"; }\n${commands.replace(/^export DATABASE_URL=.*$/m, "")}`;
  return spawnSync("bash", ["-c", script], { env: { ...settings(url), DOCKET }, encoding: "utf8" }).stdout;
}

async function check(url) {
  assert.match(docket(url, "migrate").said, /the table tasks is there already and not Docket's: docket adopt/);
  const survey = docket(url, "adopt");
  assert.equal(survey.status, 0, survey.said);
  for (const line of ["users: 5 rows, of which 4 can be taken", "1 with bcrypt", "1 with argon2", "1 with pbkdf2", "other columns, kept as unknown fields: category", "tasks: 5 rows, of which 3 can be taken", "Left alone: notes", "users 9: the e-mail address", "tasks 41: title: ", "tasks 42: its owner has no account", "Nothing was changed"]) {
    assert.ok(survey.said.includes(line), `${line}\n${survey.said}`);
  }
  assert.ok(!survey.said.includes("@"), survey.said);
  assert.match(docket(url, "adopt", "--apply").said, /3 rows cannot be taken: .*--skip-invalid/);
  const applied = docket(url, "adopt", "--apply", "--skip-invalid");
  assert.match(applied.said, /4 accounts and 3 tasks were taken over, 0 rows were here already, and 3 were left behind/);
  assert.match(guide(url), /0 accounts and 0 tasks were taken over, 7 rows were here already, and 3 were left behind/);
  assert.match(docket(url, "adopt", "--drop").said, /3 of the old rows are not in Docket: nothing is dropped/);
  assert.match(docket(url, "adopt").said, /What can be taken is in Docket/);
  const { process: server, base } = await start(url);
  try {
    const ask = async (path, { token, body } = {}) => {
      const headers = { ...(body && { "content-type": "application/json" }), ...(token && { authorization: `Bearer ${token}` }) };
      const answer = await fetch(`${base}${path}`, { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body) });
      return { status: answer.status, json: await answer.json() };
    };
    const signIn = (email, password) => ask("/api/auth/login", { body: { email, password } });
    // Twice: at the first the hash is replaced by one of Docket's.
    for (const _ of [1, 2]) {
      for (const [name, id] of [["ann", "3"], ["bob", "4"], ["cem", "7"]]) {
        const { status, json } = await signIn(`${name}@example.com`, `password-${name}`);
        assert.deepEqual([status, json.user?.id], [200, id], JSON.stringify(json));
        assert.equal((await signIn(`${name}@example.com`, "password-no")).status, 401);
      }
    }
    assert.equal((await signIn("dee@example.com", "passwörd-dee")).status, 401, "who was not active signs in by a reset only");
    const { json: ann } = await signIn("ann@example.com", "password-ann");
    const { json: tasks } = await ask(`/api/${ann.user.id}/tasks`, { token: ann.access_token });
    const milk = tasks.find((it) => it.id === 11);
    assert.deepEqual(
      { title: milk.title, priority: milk.priority, tags: milk.tags, category: milk.category, created: milk.created_at, updated: milk.updated_at },
      { title: "Buy milk", priority: "high", tags: ["errand", "home"], category: "shop", created: "2025-03-01T09:30:15.123456Z", updated: "2025-03-01T09:30:15.123456Z" },
    );
    const call = tasks.find((it) => it.id === 12);
    assert.deepEqual([tasks.length, call.completed, call.description.length, call.due_date], [2, true, 3000, "2030-01-31T12:30:00Z"]);
    const made = await ask(`/api/${ann.user.id}/tasks`, { token: ann.access_token, body: { title: "new" } });
    assert.ok(made.json.id > 40, "no number is given twice");
  } finally {
    server.kill("SIGTERM");
    await once(server, "exit");
  }
}

for (const kind of [sqlite, postgres]) {
  test(`a database of the family on ${kind.name}`, { timeout: 60_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), "docket-family-"));
    try {
      const { url, python } = await kind(folder);
      execFileSync(PYTHON, ["-W", "ignore", "family.py", python], { stdio: ["ignore", "inherit", "inherit"] });
      await check(url);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
}
