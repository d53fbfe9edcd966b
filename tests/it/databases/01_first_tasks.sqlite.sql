PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE IF NOT EXISTS "user" (
  "id" text not null primary key,
  "name" text not null,
  "email" text not null unique,
  "emailVerified" integer not null,
  "image" text,
  "createdAt" date not null,
  "updatedAt" date not null
);
INSERT INTO user VALUES('u1','Ann','ann@example.com',0,NULL,'2025-11-24T10:00:00.000Z','2025-11-24T10:00:00.000Z');
CREATE TABLE IF NOT EXISTS "session" (
  "id" text not null primary key,
  "expiresAt" date not null,
  "token" text not null unique,
  "createdAt" date not null,
  "updatedAt" date not null,
  "ipAddress" text,
  "userAgent" text,
  "userId" text not null references "user" ("id") on delete cascade
);
CREATE TABLE IF NOT EXISTS "account" (
  "id" text not null primary key,
  "accountId" text not null,
  "providerId" text not null,
  "userId" text not null references "user" ("id") on delete cascade,
  "accessToken" text,
  "refreshToken" text,
  "idToken" text,
  "accessTokenExpiresAt" date,
  "refreshTokenExpiresAt" date,
  "scope" text,
  "password" text,
  "createdAt" date not null,
  "updatedAt" date not null
);
INSERT INTO account VALUES('a1','u1','credential','u1',NULL,NULL,NULL,NULL,NULL,NULL,'$argon2id$v=19$m=19456,t=2,p=1$DehYHR4cyxGEb7CETRheQg$Cut0dP4a9HKgDpJDTX0GKvfYJPJxpWuIEfr6ittKueI','2025-11-24T10:00:00.000Z','2025-11-24T10:00:00.000Z');
CREATE TABLE IF NOT EXISTS "verification" (
  "id" text not null primary key,
  "identifier" text not null,
  "value" text not null,
  "expiresAt" date not null,
  "createdAt" date not null,
  "updatedAt" date not null
);
CREATE TABLE IF NOT EXISTS "jwks" (
  "id" text not null primary key,
  "publicKey" text not null,
  "privateKey" text not null,
  "createdAt" date not null,
  "expiresAt" date,
  "alg" text,
  "crv" text
);
CREATE TABLE tasks (
  number integer not null primary key autoincrement,
  id blob not null,
  user_id text not null,
  title text not null,
  description text,
  completed integer not null default 0,
  completed_at text,
  priority integer not null default 1,
  due text,
  created_at text not null,
  updated_at text not null,
  unique (user_id, id)
);
INSERT INTO tasks VALUES(1,X'00000000000000000000000000000001','u1','first','Grüße',1,'2025-11-24T11:00:00.000000Z',2,'2025-11-30T12:00:00.000000Z','2025-11-24T10:00:00.000000Z','2025-11-24T11:00:00.000000Z');
INSERT INTO tasks VALUES(2,X'00000000000000000000000000000002','u1','second',NULL,0,NULL,1,NULL,'2025-11-24T11:00:00.000000Z','2025-11-24T11:00:00.000000Z');
INSERT INTO tasks VALUES(4,X'00000000000000000000000000000004','u1','fourth',NULL,0,NULL,0,NULL,'2025-11-24T12:00:00.000000Z','2025-11-24T12:00:00.000000Z');
CREATE TABLE seaql_migrations (version varchar not null primary key, applied_at bigint not null);
INSERT INTO seaql_migrations VALUES('m2026_11_24_000001_auth_tables',1764000000);
INSERT INTO seaql_migrations VALUES('m2026_11_24_000002_tasks',1764000000);
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('tasks',5);
CREATE INDEX "session_userId_idx" on "session" ("userId");
CREATE INDEX "account_userId_idx" on "account" ("userId");
CREATE INDEX "verification_identifier_idx" on "verification" ("identifier");
CREATE INDEX tasks_created on tasks (user_id, created_at, number);
CREATE INDEX tasks_completed_created on tasks (user_id, completed, created_at, number);
CREATE INDEX tasks_updated on tasks (user_id, updated_at, number);
CREATE INDEX tasks_title on tasks (user_id, lower(title), number);
CREATE INDEX tasks_priority on tasks (user_id, priority, number);
CREATE INDEX tasks_due on tasks (user_id, coalesce(due, '9999-12-31T23:59:59.999999Z'), number);
CREATE INDEX tasks_due_desc on tasks (user_id, coalesce(due, '0001-01-01T00:00:00.000000Z'), number);
COMMIT;
