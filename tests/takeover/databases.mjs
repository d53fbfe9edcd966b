// Databases as Better Auth makes them: by its own migration in six versions, and by Prisma's and Drizzle's schemas.
import { sqliteTable, text as sqliteText, integer } from "drizzle-orm/sqlite-core";
import { boolean, pgTable, text, timestamp } from "drizzle-orm/pg-core";
import { drizzle as drizzlePg } from "drizzle-orm/node-postgres";
import { drizzle as drizzleSqlite } from "drizzle-orm/sqlite-proxy";
import { SqliteDialect } from "kysely";
import Sqlite from "libsql";

export const VERSIONS = ["1.2", "1.3", "1.4", "1.5", "1.6", "1.7"];

const TABLES = {
  user: { id: "key", name: "text", email: "unique", emailVerified: "boolean", image: "text?", createdAt: "time", updatedAt: "time" },
  session: { id: "key", expiresAt: "time", token: "unique", createdAt: "time", updatedAt: "time", ipAddress: "text?", userAgent: "text?", userId: "user" },
  account: {
    id: "key", accountId: "text", providerId: "text", userId: "user", accessToken: "text?", refreshToken: "text?", idToken: "text?",
    accessTokenExpiresAt: "time?", refreshTokenExpiresAt: "time?", scope: "text?", password: "text?", createdAt: "time", updatedAt: "time",
  },
  verification: { id: "key", identifier: "text", value: "text", expiresAt: "time", createdAt: "time", updatedAt: "time" },
  jwks: { id: "key", publicKey: "text", privateKey: "text", createdAt: "time", expiresAt: "time?", alg: "text?", crv: "text?" },
};

const snake = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const same = (name) => name;

/** The statements that make the tables, with the types of `types`, under the names that `column` and `table` give. */
function ddl(types, { column = same, table = same } = {}) {
  return Object.entries(TABLES).map(([name, columns]) => {
    const lines = Object.entries(columns).map(([it, kind]) => {
      const base = kind.replace("?", "");
      const type = types[base] ?? types.text;
      const rest = { key: " primary key", unique: " unique", user: ` references "${table("user")}" ("id") on delete cascade` }[base] ?? "";
      return `"${column(it)}" ${type}${kind.endsWith("?") ? "" : " not null"}${rest}`;
    });
    return `create table "${table(name)}" (${lines.join(", ")})`;
  });
}

/** A schema of Drizzle's with the same names. */
function schema(make, kinds, { column = same, table = same, key = same } = {}) {
  const tables = {};
  for (const [name, columns] of Object.entries(TABLES)) {
    const its = Object.entries(columns).map(([it, kind]) => {
      const made = (kinds[kind.replace("?", "")] ?? kinds.text)(column(it));
      return [it, kind === "key" ? made.primaryKey() : kind.endsWith("?") ? made : made.notNull()];
    });
    tables[key(name)] = make(table(name), Object.fromEntries(its));
  }
  return tables;
}

const PG_KINDS = { text: (it) => text(it), boolean: (it) => boolean(it), time: (it) => timestamp(it) };
const sqliteKinds = (mode) => ({
  text: (it) => sqliteText(it),
  boolean: (it) => integer(it, { mode: "boolean" }),
  time: (it) => integer(it, { mode }),
});
const plural = (name) => (name === "jwks" ? name : `${name}s`);

// The jwt() of older versions has fewer columns of keys than later ones.
const own = (version) => ({ name: `Better Auth ${version}, its own migration`, version, isOwn: true });
const ownOnSqlite = (version) => ({ ...own(version), adapter: (file) => ({ dialect: new SqliteDialect({ database: file }), type: "sqlite" }) });

/** Cases on PostgreSQL. `statements` make the tables, `adapter` is what Better Auth writes through. */
export const POSTGRES = [
  ...VERSIONS.map(own),
  {
    name: "Prisma's schema: timestamp(3)",
    version: "1.7",
    statements: ddl({ text: "text", boolean: "boolean", time: "timestamp(3)" }),
  },
  {
    name: "Drizzle's schema: snake_case and timestamp",
    version: "1.7",
    statements: ddl({ text: "text", boolean: "boolean", time: "timestamp" }, { column: snake }),
    adapter: (pool, adapter) => adapter(drizzlePg(pool), { provider: "pg", schema: schema(pgTable, PG_KINDS, { column: snake }) }),
  },
  {
    name: "Drizzle's schema in the plural",
    version: "1.6",
    userTable: "users",
    statements: ddl({ text: "text", boolean: "boolean", time: "timestamp" }, { column: snake, table: plural }),
    adapter: (pool, adapter) => {
      const tables = schema(pgTable, PG_KINDS, { column: snake, table: plural, key: plural });
      return adapter(drizzlePg(pool), { provider: "pg", usePlural: true, schema: { ...tables, jwkss: tables.jwks } });
    },
  },
];

const sqliteCase = (name, types, mode, names) => ({
  name,
  version: "1.7",
  statements: ddl(types, names),
  adapter: (file, adapter) => adapter(proxied(file), { provider: "sqlite", schema: schema(sqliteTable, sqliteKinds(mode), names) }),
});

/** Cases on SQLite. */
export const SQLITE = [
  ...VERSIONS.map(ownOnSqlite),
  sqliteCase("Drizzle's schema: seconds", { text: "text", boolean: "integer", time: "integer" }, "timestamp", { column: snake }),
  sqliteCase("Drizzle's schema: milliseconds", { text: "text", boolean: "integer", time: "integer" }, "timestamp_ms", { column: snake }),
  sqliteCase("Prisma's schema: DATETIME of milliseconds", { text: "TEXT", boolean: "BOOLEAN", time: "DATETIME" }, "timestamp_ms"),
  sqliteCase("REAL", { text: "text", boolean: "integer", time: "real" }, "timestamp_ms"),
];

/** Drizzle on a file: rows as arrays of values. */
function proxied(file) {
  return drizzleSqlite(async (sql, values, method) => {
    const statement = file.prepare(sql);
    if (method === "run") return { rows: [], ...statement.run(...values) };
    const rows = statement.raw().all(...values);
    return { rows: method === "get" ? rows[0] : rows };
  });
}

/** SQLite as Better Auth and Drizzle want it: libsql has the interface of better-sqlite3. */
export const openSqlite = (path) => new Sqlite(path);
