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
CREATE TABLE seaql_migrations (version varchar not null primary key, applied_at bigint not null);
INSERT INTO seaql_migrations VALUES('m2026_11_24_000001_auth_tables',1764000000);
INSERT INTO seaql_migrations VALUES('m2026_11_24_000002_tasks',1764000000);
INSERT INTO seaql_migrations VALUES('m2026_11_25_000003_lists_and_labels',1764000000);
INSERT INTO seaql_migrations VALUES('m2026_11_29_000004_expiry_indexes',1796052751);
INSERT INTO seaql_migrations VALUES('m2026_11_29_000005_text_keys',1796052751);
INSERT INTO seaql_migrations VALUES('m2026_11_29_000006_links_of_users',1796052751);
INSERT INTO seaql_migrations VALUES('m2026_11_29_000007_plain_names',1796052752);
INSERT INTO seaql_migrations VALUES('m2026_11_30_000008_unseen_characters',1796052752);
INSERT INTO seaql_migrations VALUES('m2026_11_30_000009_database_epochs',1796052752);
INSERT INTO seaql_migrations VALUES('m2026_11_30_000010_completion_times',1796052752);
INSERT INTO seaql_migrations VALUES('m2026_11_30_000011_trash',1796052752);
INSERT INTO seaql_migrations VALUES('m2026_11_30_000012_extra_fields',1796052752);
INSERT INTO seaql_migrations VALUES('m2026_12_01_000013_fewer_indexes',1796080108);
INSERT INTO seaql_migrations VALUES('m2026_12_01_000014_numbers_of_owners',1796096700);
INSERT INTO seaql_migrations VALUES('m2026_12_01_000015_timelines',1796099700);
INSERT INTO seaql_migrations VALUES('m2026_12_01_000016_owners',1796129097);
CREATE TABLE IF NOT EXISTS "rateLimit" ("id" text not null primary key, "key" text not null unique, "count" integer not null, "lastRequest" bigint not null);
CREATE TABLE database_epochs (epoch text not null primary key, timeline bigint);
INSERT INTO database_epochs VALUES('ef22af10305a3549ee55eeb5',NULL);
CREATE TABLE owners (
  id integer primary key,
  user_id text not null unique
);
INSERT INTO owners VALUES(1498282604,'u1');
CREATE TABLE user_revisions (
  owner_id integer not null primary key references owners (id),
  revision bigint not null default 0,
  purged_through bigint not null default 0
);
INSERT INTO user_revisions VALUES(1498282604,7,0);
CREATE TABLE tasks (
  number integer not null primary key autoincrement,
  id blob not null,
  owner_id integer not null,
  parent_id blob,
  list_id blob,
  title text not null,
  description text,
  completed integer not null default 0,
  completed_at text,
  priority integer not null default 1,
  due_date text,
  due_at text,
  due_zone text,
  due_order text generated always as (coalesce(due_at, due_date || 'T00:00:00.000000Z')) virtual,
  position text not null,
  revision integer not null,
  created_at text not null,
  updated_at text not null,
  deleted_at text,
  title_key text not null default '',
  description_key text,
  extra text,
  unique (owner_id, id),
  check (due_date is null or due_at is null),
  check ((due_at is null) = (due_zone is null))
);
INSERT INTO tasks VALUES(1,X'00000000000000000000000000000001',1498282604,NULL,X'00000000000000000000000000000014','first','Grüße',1,'2025-11-24T11:00:00.000000Z',2,NULL,'2025-11-30T12:00:00.000000Z','UTC','0000000000003i',3,'2025-11-24T10:00:00.000000Z','2025-11-24T11:00:00.000000Z',NULL,'first','grüsse',NULL);
INSERT INTO tasks VALUES(2,X'00000000000000000000000000000002',1498282604,NULL,NULL,'second',NULL,0,NULL,1,NULL,NULL,NULL,'0000000000004i',4,'2025-11-24T11:00:00.000000Z','2025-11-24T11:00:00.000000Z',NULL,'second',NULL,NULL);
INSERT INTO tasks VALUES(4,X'00000000000000000000000000000004',1498282604,NULL,NULL,'fourth',NULL,0,NULL,0,'2030-01-31',NULL,NULL,'0000000000005i',5,'2025-11-24T12:00:00.000000Z','2025-11-24T12:00:00.000000Z',NULL,'fourth',NULL,NULL);
INSERT INTO tasks VALUES(5,X'00000000000000000000000000000005',1498282604,NULL,NULL,'deleted',NULL,0,NULL,1,NULL,NULL,NULL,'0000000000006i',7,'2025-11-24T12:00:00.000000Z','2025-11-24T13:00:00.000000Z','2026-11-20T00:00:00.000000Z','deleted',NULL,NULL);
CREATE TABLE lists (
  id blob not null,
  owner_id integer not null,
  name text not null,
  color text,
  position text not null,
  archived integer not null default 0,
  revision integer not null,
  created_at text not null,
  updated_at text not null,
  deleted_at text,
  primary key (owner_id, id)
) without rowid;
INSERT INTO lists VALUES(X'00000000000000000000000000000014',1498282604,'Haus','#a0b1c2','0000000000001i',0,1,'2025-11-24T10:00:00.000000Z','2025-11-24T10:00:00.000000Z',NULL);
CREATE TABLE labels (
  id blob not null,
  owner_id integer not null,
  name text not null,
  name_key text not null,
  color text,
  revision integer not null,
  created_at text not null,
  updated_at text not null,
  deleted_at text,
  primary key (owner_id, id)
) without rowid;
INSERT INTO labels VALUES(X'0000000000000000000000000000001e',1498282604,'Eilig','eilig',NULL,2,'2025-11-24T10:00:00.000000Z','2025-11-24T10:00:00.000000Z',NULL);
CREATE TABLE task_labels (
  owner_id integer not null,
  task_id blob not null,
  label_id blob not null,
  sort_order integer not null,
  primary key (owner_id, task_id, label_id),
  foreign key (owner_id, task_id) references tasks (owner_id, id) on delete cascade,
  foreign key (owner_id, label_id) references labels (owner_id, id) on delete cascade
) without rowid;
INSERT INTO task_labels VALUES(1498282604,X'00000000000000000000000000000001',X'0000000000000000000000000000001e',0);
CREATE TABLE idempotency_keys (
  owner_id integer not null,
  key text not null,
  fingerprint blob not null,
  status integer not null default 0,
  headers text not null default '',
  body text not null default '',
  created_at text not null,
  primary key (owner_id, key)
) without rowid;
PRAGMA writable_schema=ON;
INSERT INTO sqlite_schema(type,name,tbl_name,rootpage,sql)VALUES('table','tasks_search','tasks_search',0,'CREATE VIRTUAL TABLE tasks_search using fts5 (
  owner_id, title_key, description_key, content = ''tasks'', content_rowid = ''number'', tokenize = ''ascii''
)');
CREATE TABLE IF NOT EXISTS 'tasks_search_data'(id INTEGER PRIMARY KEY, block BLOB);
INSERT INTO tasks_search_data VALUES(1,X'04040401');
INSERT INTO tasks_search_data VALUES(10,X'000000000101010001010101');
INSERT INTO tasks_search_data VALUES(137438953473,X'0000005d0b3031343938323832363034010202010202020202010202010764656c65746564050601010201056669727374010601010202056f75727468040601010201076772c3bc737365010601020201067365636f6e64020601010204180e0c0c0e');
CREATE TABLE IF NOT EXISTS 'tasks_search_idx'(segid, term, pgno, PRIMARY KEY(segid, term)) WITHOUT ROWID;
INSERT INTO tasks_search_idx VALUES(1,X'',2);
CREATE TABLE IF NOT EXISTS 'tasks_search_docsize'(id INTEGER PRIMARY KEY, sz BLOB);
INSERT INTO tasks_search_docsize VALUES(1,X'010101');
INSERT INTO tasks_search_docsize VALUES(2,X'010100');
INSERT INTO tasks_search_docsize VALUES(4,X'010100');
INSERT INTO tasks_search_docsize VALUES(5,X'010100');
CREATE TABLE IF NOT EXISTS 'tasks_search_config'(k PRIMARY KEY, v) WITHOUT ROWID;
INSERT INTO tasks_search_config VALUES('version',4);
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('tasks',5);
CREATE INDEX "session_userId_idx" on "session" ("userId");
CREATE INDEX "account_userId_idx" on "account" ("userId");
CREATE INDEX "verification_identifier_idx" on "verification" ("identifier");
CREATE INDEX "session_expiresAt_idx" on "session" ("expiresAt");
CREATE INDEX "verification_expiresAt_idx" on "verification" ("expiresAt");
CREATE INDEX "rateLimit_lastRequest_idx" on "rateLimit" ("lastRequest");
CREATE INDEX "verification_value_idx" on "verification" ("value");
CREATE INDEX tasks_created on tasks (owner_id, created_at, number) where deleted_at is null;
CREATE INDEX tasks_completed_created on tasks (owner_id, completed, created_at, number) where deleted_at is null;
CREATE INDEX tasks_updated on tasks (owner_id, updated_at, number) where deleted_at is null;
CREATE INDEX tasks_priority on tasks (owner_id, priority, number) where deleted_at is null;
CREATE INDEX tasks_position on tasks (owner_id, position, number);
CREATE UNIQUE INDEX tasks_revision on tasks (owner_id, revision);
CREATE INDEX tasks_title on tasks (owner_id, title_key, number) where deleted_at is null;
CREATE INDEX tasks_completed_at on tasks (owner_id, completed_at, number) where completed_at is not null and deleted_at is null;
CREATE INDEX tasks_trash on tasks (owner_id, deleted_at, number) where deleted_at is not null;
CREATE INDEX tasks_list_position on tasks (owner_id, list_id, position, number) where list_id is not null and deleted_at is null;
CREATE INDEX tasks_parent_position on tasks (owner_id, parent_id, position, number) where parent_id is not null and deleted_at is null;
CREATE INDEX tasks_due_order on tasks (owner_id, due_order, number) where due_order is not null and deleted_at is null;
CREATE INDEX lists_position on lists (owner_id, position) where deleted_at is null;
CREATE UNIQUE INDEX lists_revision on lists (owner_id, revision);
CREATE UNIQUE INDEX labels_folded on labels (owner_id, name_key) where deleted_at is null;
CREATE UNIQUE INDEX labels_revision on labels (owner_id, revision);
CREATE INDEX task_labels_label on task_labels (owner_id, label_id, task_id);
CREATE INDEX tasks_deleted on tasks (deleted_at) where deleted_at is not null;
CREATE INDEX lists_deleted on lists (deleted_at) where deleted_at is not null;
CREATE INDEX labels_deleted on labels (deleted_at) where deleted_at is not null;
CREATE INDEX answers_created on idempotency_keys (created_at);
CREATE TRIGGER tasks_search_insert after insert on tasks begin
  insert into tasks_search (rowid, owner_id, title_key, description_key)
  values (new.number, new.owner_id, new.title_key, new.description_key);
end;
CREATE TRIGGER tasks_search_delete after delete on tasks begin
  insert into tasks_search (tasks_search, rowid, owner_id, title_key, description_key)
  values ('delete', old.number, old.owner_id, old.title_key, old.description_key);
end;
CREATE TRIGGER tasks_search_update after update of title_key, description_key on tasks begin
  insert into tasks_search (tasks_search, rowid, owner_id, title_key, description_key)
  values ('delete', old.number, old.owner_id, old.title_key, old.description_key);
  insert into tasks_search (rowid, owner_id, title_key, description_key)
  values (new.number, new.owner_id, new.title_key, new.description_key);
end;
PRAGMA writable_schema=OFF;
COMMIT;
