// One database, two servers: what the real Better Auth wrote is opened by Docket, and what Docket writes is read by
// Better Auth, in six versions of it and with Prisma's and Drizzle's schemas (docs/contracts/better-auth.md#tables).
// Needs Docket's binary at DOCKET, and at POSTGRES the URL of a server on which databases can be made.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from "jose";
import pg from "pg";
import { POSTGRES, SQLITE, openSqlite } from "./databases.mjs";

const SECRET = "a-secret-of-tests-0123456789-ABCDEFGHIJ";
// Both believe to be there, so that their tokens are each other's.
const BASE = "http://auth.example";
const PASSWORDS = { ann: "password1234", bob: "ﬁancée①Å-Ⅳ ｐａｓｓ", cem: " around 😀 " };

/** A PostgreSQL database of its own: its URL, what Better Auth takes, and a way to run statements. */
async function postgres(name) {
  const admin = new pg.Client({ connectionString: process.env.POSTGRES });
  await admin.connect();
  await admin.query(`create database "${name}"`);
  await admin.end();
  const url = new URL(process.env.POSTGRES);
  url.pathname = `/${name}`;
  const pool = new pg.Pool({ connectionString: url.href, max: 3 });
  return { url: url.href, handle: pool, run: async (sql) => (await pool.query(sql)).rows, close: () => pool.end() };
}

/** A SQLite file of its own. */
async function sqlite(folder) {
  const path = join(folder, "auth.db");
  const file = openSqlite(path);
  file.exec("pragma journal_mode = wal; pragma busy_timeout = 5000; pragma foreign_keys = on");
  const run = async (sql) => (/^select/i.test(sql) ? file.prepare(sql).all() : void file.exec(sql));
  return { url: `sqlite://${path}`, handle: file, run, close: async () => file.close() };
}

/** Better Auth on a database. */
async function reference({ version, isOwn, statements, adapter }, database, mailed) {
  const of = (path) => import(`better-auth-${version}${path}`);
  const { betterAuth } = await of("");
  const { bearer, jwt } = await of("/plugins");
  const { drizzleAdapter } = await of("/adapters/drizzle");
  const auth = betterAuth({
    baseURL: BASE,
    secret: SECRET,
    database: adapter ? adapter(database.handle, drizzleAdapter) : database.handle,
    telemetry: { enabled: false },
    rateLimit: { enabled: false },
    logger: { level: "error" },
    emailAndPassword: { enabled: true, sendResetPassword: async ({ token }) => void mailed.push(token) },
    plugins: [jwt(), bearer()],
  });
  if (isOwn) {
    const { getMigrations } = await of("/db/migration").catch(() => of("/db"));
    await (await getMigrations(auth.options)).runMigrations();
  } else {
    for (const statement of statements) await database.run(statement);
  }
  return auth;
}

/** Starts Docket on the database. */
async function start(url, mail) {
  const env = {
    ...process.env, PORT: "0", DATABASE_URL: url, BETTER_AUTH_SECRET: SECRET, BETTER_AUTH_URL: BASE, MAIL_FOLDER: mail,
    PASSWORD_HASH: "scrypt", RATE_LIMIT: "off", RUST_LOG: "error", DOCKET_ENV: "development", PASSWORD_WAIT_MS: "5000",
  };
  const started = spawn(process.env.DOCKET, { env, stdio: ["ignore", "pipe", "inherit"] });
  let told = "";
  for await (const chunk of started.stdout) {
    told += chunk;
    // The last that it prints.
    const base = /health +(http:\S+)\/health/.exec(told)?.[1];
    if (base) return { process: started, base };
  }
  throw new Error(`Docket ended: ${told}`);
}

/** What both servers are asked: a status, JSON, and the cookies that were set. */
async function ask(server, path, { body, session, cookie } = {}) {
  const headers = { "content-type": "application/json", origin: BASE };
  if (session) headers.authorization = `Bearer ${session}`;
  if (cookie) headers.cookie = cookie;
  const request = { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body), redirect: "manual" };
  const answer = server.handler
    ? await server.handler(new Request(`${BASE}${path}`, request))
    : await fetch(`${server.base}${path}`, request);
  const text = await answer.text();
  const set = answer.headers.getSetCookie().map((it) => it.split(";")[0]).join("; ");
  return { status: answer.status, json: text && JSON.parse(text), cookie: set };
}

const auth = (server, path, more) => ask(server, `/api/auth${path}`, more);
const address = (name) => `${name}@example.com`;
const signIn = (server, name, password) => auth(server, "/sign-in/email", { body: { email: address(name), password } });

async function signUp(server, name, password) {
  const { status, json, cookie } = await auth(server, "/sign-up/email", { body: { name: `${name} é`, email: address(name), password } });
  assert.equal(status, 200, JSON.stringify(json));
  // Some versions answer with less than the user.
  const session = (await auth(server, "/get-session", { cookie })).json;
  assert.equal(session.session.token, json.token);
  return { user: session.user, token: json.token, cookie };
}

/** The key that signed a token, if the keys of a server verify it. */
async function signer(server, token) {
  const { json } = await auth(server, "/jwks");
  await jwtVerify(token, createLocalJWKSet(json), { issuer: BASE, audience: BASE });
  return decodeProtectedHeader(token).kid;
}

const shared = ({ id, name, email, emailVerified, image, createdAt, updatedAt }) => ({
  id, name, email, emailVerified, image: image ?? null,
  // Some hold whole seconds.
  createdAt: Math.floor(new Date(createdAt) / 1000), updatedAt: Math.floor(new Date(updatedAt) / 1000),
});

/** Whether a server knows a session, by its token and by its cookie. */
async function knows(server, { user, token, cookie }) {
  for (const shown of [{ session: token }, { cookie }]) {
    const { json } = await auth(server, "/get-session", shown);
    assert.ok(json, "the session is not known");
    assert.deepEqual([shared(json.user), json.session.token], [shared(user), token]);
  }
}

async function opens(better, docket, people, mailed) {
  for (const [name, password] of Object.entries(PASSWORDS)) {
    await knows(docket, people[name]);
    assert.equal((await signIn(docket, name, password)).json.user?.id, people[name].user.id, name);
    assert.equal((await signIn(docket, name, `${password}!`)).json.code, "INVALID_EMAIL_OR_PASSWORD");
    assert.deepEqual((await ask(docket, `/api/${people[name].user.id}/tasks`, { session: people[name].token })).json, []);
  }
  const { user, token, jwt } = people.ann;
  assert.equal((await ask(docket, `/api/${user.id}/tasks`, { session: jwt })).status, 200);
  assert.equal(await signer(docket, jwt), await signer(better, (await auth(docket, "/token", { session: token })).json.token));
  const reset = (newPassword) => auth(docket, "/reset-password", { body: { newPassword, token: mailed.at(-1) } });
  assert.deepEqual([(await reset("another-horse-1")).status, (await reset("another-horse-2")).status], [200, 400]);
}

async function writes(better, docket, people, mail) {
  const fay = await signUp(docket, "fay", "password1234");
  await auth(docket, "/change-password", { session: people.ann.token, body: { currentPassword: PASSWORDS.ann, newPassword: "another-horse-3" } });
  await auth(docket, "/update-user", { session: people.bob.token, body: { name: "Bob", image: "https://example.com/bob.png" } });
  await knows(better, fay);
  const bob = (await auth(better, "/get-session", { session: people.bob.token })).json.user;
  assert.deepEqual([bob.name, bob.image], ["Bob", "https://example.com/bob.png"]);
  for (const [name, password] of Object.entries({ ...PASSWORDS, ann: "another-horse-3", cem: "another-horse-1", fay: "password1234" })) {
    assert.equal((await signIn(better, name, password)).status, 200, name);
  }
  assert.equal(await signer(better, (await auth(docket, "/token", { session: fay.token })).json.token), await signer(docket, people.ann.jwt));
  await auth(docket, "/sign-out", { session: fay.token, body: {} });
  assert.equal((await auth(better, "/get-session", { session: fay.token })).json, null);
  await auth(docket, "/request-password-reset", { body: { email: address("fay") } });
  const find = () => readdirSync(mail).map((it) => readFileSync(join(mail, it), "utf8")).find((it) => it.includes(address("fay")) && it.includes("reset-password"));
  for (let tries = 0; tries < 100 && !find(); tries++) await new Promise((done) => setTimeout(done, 50));
  const token = /reset-password\/(\w+)/.exec(find().replace(/=\r?\n/g, ""))[1];
  assert.equal((await auth(better, "/reset-password", { body: { newPassword: "another-horse-4", token } })).status, 200);
  assert.equal((await signIn(docket, "fay", "another-horse-4")).status, 200);
}

/** A session whose time is over is over for both, whoever made it. */
async function ends(better, docket) {
  const { internalAdapter } = await better.$context;
  for (const [maker, name] of [[better, "gus"], [docket, "hal"]]) {
    const { token } = await signUp(maker, name, "password1234");
    await internalAdapter.updateSession(token, { expiresAt: new Date(Date.now() - 60_000) });
    assert.equal((await auth(docket, "/get-session", { session: token })).json, null, name);
    assert.equal((await auth(better, "/get-session", { session: token })).json, null, name);
  }
}

for (const [kind, cases] of [["PostgreSQL", POSTGRES], ["SQLite", SQLITE]]) {
  cases.forEach((shape, number) =>
    test(`${shape.name}, on ${kind}`, { timeout: 60_000 }, async () => {
      const folder = mkdtempSync(join(tmpdir(), "docket-takeover-"));
      const mail = join(folder, "mail");
      mkdirSync(mail, { mode: 0o700 });
      const database = kind === "SQLite" ? await sqlite(folder) : await postgres(`takeover_${process.pid}_${number}`);
      const mailed = [];
      let docket;
      try {
        const better = await reference(shape, database, mailed);
        const people = {};
        // A column that belongs to somebody else.
        await database.run(`alter table "${shape.userTable ?? "user"}" add column shoe_size integer default 40`);
        for (const [name, password] of Object.entries(PASSWORDS)) people[name] = await signUp(better, name, password);
        people.ann.jwt = (await auth(better, "/token", { session: people.ann.token })).json.token;
        // The name of the route before 1.4.
        const forgotten = { body: { email: address("cem"), redirectTo: "/reset" } };
        const asked = await auth(better, "/request-password-reset", forgotten);
        if (asked.status === 404) await auth(better, "/forget-password", forgotten);
        docket = await start(database.url, mail);
        await opens(better, docket, people, mailed);
        await writes(better, docket, people, mail);
        await ends(better, docket);
        const sizes = await database.run(`select distinct shoe_size from "${shape.userTable ?? "user"}"`);
        assert.deepEqual(sizes, [{ shoe_size: 40 }]);
      } finally {
        if (docket?.process.exitCode === null) {
          docket.process.kill("SIGTERM");
          await once(docket.process, "exit");
        }
        await database.close();
        rmSync(folder, { recursive: true });
      }
    }),
  );
}
