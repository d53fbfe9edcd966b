// One database, two servers: what the real Better Auth wrote is opened by Docket, and what Docket writes is read by
// Better Auth (docs/contracts/better-auth.md#tables). Needs Docket's binary at DOCKET, and at DATABASE_URL a PostgreSQL
// database in which nothing is.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { bearer, jwt } from "better-auth/plugins";
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from "jose";
import pg from "pg";

const { DATABASE_URL, DOCKET } = process.env;
const SECRET = "a-secret-of-tests-0123456789-ABCDEFGHIJ";
// Both believe to be there, so that their tokens are each other's.
const URL = "http://auth.example";
const PASSWORDS = { ann: "password1234", bob: "ﬁancée①Å-Ⅳ ｐａｓｓ", cem: "x".repeat(128), dee: "😀😀😀😀", eve: " around " };

const pool = new pg.Pool({ connectionString: DATABASE_URL });
const reference = betterAuth({
  baseURL: URL,
  secret: SECRET,
  database: pool,
  telemetry: { enabled: false },
  emailAndPassword: { enabled: true, sendResetPassword: async ({ token }) => void (mailed = token) },
  plugins: [jwt(), bearer()],
});
let mailed, docket;
const people = {};
const mail = mkdtempSync(join(tmpdir(), "docket-mail-"));

/** A request to one of the two: a status, JSON, and the session it set. */
async function ask(server, path, { body, session, cookie } = {}) {
  const headers = { "content-type": "application/json", origin: URL };
  if (session) headers.authorization = `Bearer ${session}`;
  if (cookie) headers.cookie = cookie;
  const request = { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body), redirect: "manual" };
  const answer = server === reference ? await reference.handler(new Request(`${URL}${path}`, request)) : await fetch(`${server.base}${path}`, request);
  const text = await answer.text();
  const set = answer.headers.getSetCookie().map((it) => it.split(";")[0]).join("; ");
  return { status: answer.status, json: text && JSON.parse(text), cookie: set };
}

const auth = (server, path, more) => ask(server, `/api/auth${path}`, more);
const address = (name) => `${name}@example.com`;
const signIn = (server, name, password) => auth(server, "/sign-in/email", { body: { email: address(name), password } });

async function signUp(server, name, password) {
  const { json, cookie } = await auth(server, "/sign-up/email", { body: { name: `${name} é`, email: address(name), password } });
  return { ...json, cookie };
}

/** The key that signed a token, if the keys of a server verify it. */
async function signer(server, token) {
  const { json } = await auth(server, "/jwks");
  await jwtVerify(token, createLocalJWKSet(json), { issuer: URL, audience: URL });
  return decodeProtectedHeader(token).kid;
}

/** Starts Docket on the database. */
async function start() {
  const env = { ...process.env, PORT: "0", BETTER_AUTH_SECRET: SECRET, BETTER_AUTH_URL: URL, MAIL_FOLDER: mail, PASSWORD_HASH: "scrypt", RUST_LOG: "error" };
  const started = spawn(DOCKET, { env, stdio: ["ignore", "pipe", "inherit"] });
  let told = "";
  for await (const chunk of started.stdout) {
    told += chunk;
    // The last that it prints.
    const base = /health +(http:\S+)\/health/.exec(told)?.[1];
    if (base) return { process: started, base };
  }
  throw new Error(`Docket ended: ${told}`);
}

before(async () => {
  await (await getMigrations(reference.options)).runMigrations();
  // A column that belongs to somebody else.
  await pool.query(`alter table "user" add column shoe_size integer default 40`);
  for (const [name, password] of Object.entries(PASSWORDS)) people[name] = await signUp(reference, name, password);
  people.ann.jwt = (await auth(reference, "/token", { session: people.ann.token })).json.token;
  await auth(reference, "/request-password-reset", { body: { email: address("cem") } });
  docket = await start();
}, { timeout: 60_000 });

after(async () => {
  if (docket?.process.exitCode === null) {
    docket.process.kill("SIGTERM");
    await once(docket.process, "exit");
  }
  rmSync(mail, { recursive: true });
  await pool.end();
});

test("sessions, passwords, keys and links of Better Auth hold", async () => {
  for (const [name, password] of Object.entries(PASSWORDS)) {
    const { user, token, cookie } = people[name];
    for (const shown of [{ session: token }, { cookie }]) {
      const { json } = await auth(docket, "/get-session", shown);
      assert.deepEqual([json.user, json.session.token], [user, token], name);
    }
    assert.equal((await signIn(docket, name, password)).json.user?.id, user.id, name);
    assert.equal((await signIn(docket, name, `${password}!`)).json.code, password.length === 128 ? "PASSWORD_TOO_LONG" : "INVALID_EMAIL_OR_PASSWORD");
    assert.deepEqual((await ask(docket, `/api/${user.id}/tasks`, { session: token })).json, []);
  }
  const { user, token, jwt } = people.ann;
  assert.equal((await ask(docket, `/api/${user.id}/tasks`, { session: jwt })).status, 200);
  assert.equal(await signer(docket, jwt), await signer(reference, (await auth(docket, "/token", { session: token })).json.token));
  const reset = (password) => auth(docket, "/reset-password", { body: { newPassword: password, token: mailed } });
  assert.deepEqual([(await reset("another-horse-1")).status, (await reset("another-horse-2")).status], [200, 400]);
});

test("what Docket writes is read by Better Auth", async () => {
  const fay = await signUp(docket, "fay", "password1234");
  await auth(docket, "/change-password", { session: people.ann.token, body: { currentPassword: PASSWORDS.ann, newPassword: "another-horse-3" } });
  await auth(docket, "/update-user", { session: people.eve.token, body: { name: "Eve", image: "https://example.com/eve.png" } });
  await auth(docket, "/revoke-other-sessions", { session: people.bob.token, body: {} });
  for (const { user, token, cookie } of [fay, people.bob]) {
    for (const shown of [{ session: token }, { cookie }]) {
      const { json } = await auth(reference, "/get-session", shown);
      assert.deepEqual([json.user, json.session.token], [user, token]);
    }
  }
  const passwords = { ...PASSWORDS, ann: "another-horse-3", cem: "another-horse-1", fay: "password1234" };
  for (const [name, password] of Object.entries(passwords)) assert.equal((await signIn(reference, name, password)).status, 200, name);
  const eve = (await auth(reference, "/get-session", { session: people.eve.token })).json.user;
  assert.deepEqual([eve.name, eve.image], ["Eve", "https://example.com/eve.png"]);
  assert.equal(await signer(reference, (await auth(docket, "/token", { session: fay.token })).json.token), await signer(docket, people.ann.jwt));
  const { rows } = await pool.query(`select distinct shoe_size from "user"`);
  assert.deepEqual(rows, [{ shoe_size: 40 }]);
});

test("a link that Docket mailed is followed by Better Auth", async () => {
  await auth(docket, "/request-password-reset", { body: { email: address("dee") } });
  const find = () => readdirSync(mail).map((it) => readFileSync(join(mail, it), "utf8")).find((it) => it.includes(address("dee")));
  for (let tries = 0; tries < 100 && !find(); tries++) await new Promise((done) => setTimeout(done, 50));
  const token = /reset-password\/(\w+)/.exec(find().replace(/=\r?\n/g, ""))[1];
  assert.equal((await auth(reference, "/reset-password", { body: { newPassword: "another-horse-4", token } })).status, 200);
  assert.equal((await signIn(docket, "dee", "another-horse-4")).status, 200);
});
