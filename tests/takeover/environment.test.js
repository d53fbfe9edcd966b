// The URLs that managed databases, poolers and other programs hand out: each connects, or is refused with what to change
// (docs/takeover.md#urls). Needs Docket's binary at DOCKET, PostgreSQL, PgBouncer and openssl.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { startCluster, startPooler } from "./cluster.mjs";

const PASSWORD = encodeURIComponent("p@ss:w/rd");
let cluster;

before(async () => void (cluster = await startCluster()), { timeout: 60_000 });
after(() => cluster?.stop());

/** Brings the schema up to date: what Docket says, and whether it went well. */
function migrate(url, more = {}) {
  const env = { PATH: process.env.PATH, DATABASE_URL: url, BETTER_AUTH_SECRET: "a-secret-of-tests-0123456789-ABCDEFGHIJ", RUST_LOG: "error", ...more };
  const { status, stdout, stderr } = spawnSync(process.env.DOCKET, ["migrate"], { env, encoding: "utf8", cwd: cluster.folder });
  return { isGood: status === 0, said: stdout + stderr };
}

test("what managed databases and other programs hand out connects, encrypted as it says", () => {
  const { port, socket, authority } = cluster;
  const at = `docket:${PASSWORD}@localhost:${port}`;
  for (const [whose, url, more] of [
    ["Render, Railway, Fly", `postgresql://${at}/postgres`],
    ["Heroku", `postgres://${at}/postgres`, { PGSSLMODE: "require" }],
    ["Supabase, AWS", `postgresql://${at}/postgres?sslmode=require`],
    ["AWS with its authority", `postgres://${at}/postgres?sslmode=verify-full&sslrootcert=${authority}`],
    ["DigitalOcean", `postgresql://${at}/postgres?sslmode=require&connect_timeout=10`],

    ["Cloud Run", `postgresql://docket@/postgres?host=${socket}&port=${port}`],
    ["SQLAlchemy and asyncpg", `postgresql+asyncpg://${at}/postgres?ssl=require`],
    ["SQLAlchemy and psycopg", `postgresql+psycopg://${at}/postgres?sslmode=require`],
    ["libpq's variables", "postgresql:///", { PGHOST: "localhost", PGPORT: String(port), PGUSER: "docket", PGPASSWORD: "p@ss:w/rd", PGDATABASE: "postgres", PGSSLMODE: "verify-full", PGSSLROOTCERT: authority }],
  ]) {
    const { isGood, said } = migrate(url, more);
    assert.ok(isGood, `${whose}: ${said}`);
  }
});

test("a schema of its own is where the URL says", () => {
  const { port, socket, sql } = cluster;
  sql("create schema app");
  const url = `postgresql://docket@/postgres?host=${socket}&port=${port}&options=-c%20search_path%3Dapp`;
  assert.ok(migrate(url).isGood, migrate(url).said);
  sql("select 1 / (select count(*) from app.tasks limit 1 offset 1)");
  sql("drop schema app cascade");
});

test("what cannot be kept is refused with what to change, and without the password", () => {
  const { port, stranger } = cluster;
  const at = `docket:${PASSWORD}@localhost:${port}`;
  for (const [url, reason] of [
    [`postgresql://${at}/postgres?sslmode=require&channel_binding=require`, /channel_binding .*leave it out, and keep sslmode=verify-full/],
    [`postgresql://${at}/postgres?sslmode=require&pgbouncer=true&connection_limit=1`, /pgbouncer, which is not understood; leave it out[^]*connection_limit/],
    [`postgresql://${at}/postgres?sslmode=verify-full&sslrootcert=${stranger}`, /localhost:\d+: .*(certificate|UnknownIssuer)/],
    [`postgresql://${at.replace("localhost", "127.0.0.1")}/postgres?sslmode=verify-full&sslrootcert=${cluster.authority}`, /127.0.0.1:\d+: .*certificate/],
    [`postgresql://docket:wrong@localhost:${port}/postgres`, /localhost:\d+: password authentication failed/],
    [`postgresql://plain@localhost:${port}/postgres?sslmode=verify-full&sslrootcert=${cluster.authority}`, /localhost:\d+: .*(pg_hba|authentication)/],
    [`postgresql://${at}/absent`, /localhost:\d+: database "absent" does not exist/],
    [`postgresql://docket:p@ss:w/rd@localhost:${port}/postgres`, /percent-encoded/],
    [`postgresql://docket@localhost:1/postgres`, /localhost:1: Connection refused/],
    [`mysql://docket@localhost/x`, /must be a URL that starts with sqlite:, postgres: or postgresql:/],
  ]) {
    const { isGood, said } = migrate(url);
    assert.ok(!isGood, url);
    assert.match(said, reason);
    assert.ok(said.includes("DATABASE_URL") && !said.includes("p@ss") && !said.includes(PASSWORD) && !said.includes("wrong"), said);
  }
});

test("a pooler that takes no parameters at the start works in session mode, and is refused in transaction mode", async () => {
  const [session, transaction] = [await startPooler(cluster), await startPooler(cluster, "pool_mode = transaction")];
  try {
    const url = (pooler) => `postgresql://docket@127.0.0.1:${pooler.port}/postgres`;
    const good = migrate(url(session));
    assert.ok(good.isGood, good.said);
    const bad = migrate(url(transaction));
    assert.ok(!bad.isGood);
    assert.match(bad.said, /is a pooler in transaction mode.*use its session mode, or PgBouncer 1.21/);
  } finally {
    session.stop();
    transaction.stop();
  }
});
