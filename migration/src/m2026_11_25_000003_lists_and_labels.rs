//! Lists, labels, and the answers that are remembered for safe retries.

mod first_tasks;

use sea_orm_migration::prelude::*;

/// Makes `lists`, `labels`, `task_labels` and `answers`.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if !manager.has_column("tasks", "position").await? {
            first_tasks::bring_over(manager).await?;
        }
        crate::execute(manager, SQLITE, POSTGRES).await?;
        crate::execute(manager, INDEXES, INDEXES).await
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration("lists and labels are never dropped by a migration".into()))
    }
}

const SQLITE: &str = "
create table lists (
  id blob not null,
  user_id text not null,
  name text not null,
  colour text,
  position text not null,
  archived integer not null default 0,
  revision integer not null,
  created_at text not null,
  updated_at text not null,
  deleted_at text,
  primary key (user_id, id)
) without rowid;
create table labels (
  id blob not null,
  user_id text not null,
  name text not null,
  folded text not null,
  colour text,
  revision integer not null,
  created_at text not null,
  updated_at text not null,
  deleted_at text,
  primary key (user_id, id)
) without rowid;
create table task_labels (
  user_id text not null,
  task_id blob not null,
  label_id blob not null,
  place integer not null,
  primary key (user_id, task_id, label_id),
  foreign key (user_id, task_id) references tasks (user_id, id) on delete cascade,
  foreign key (user_id, label_id) references labels (user_id, id) on delete cascade
) without rowid;
create table answers (
  user_id text not null,
  key text not null,
  fingerprint blob not null,
  status integer not null default 0,
  headers text not null default '',
  body text not null default '',
  created_at text not null,
  primary key (user_id, key)
) without rowid;
";

const POSTGRES: &str = r#"
create table lists (
  id uuid not null,
  user_id text not null,
  name text not null,
  colour text,
  position text collate "C" not null,
  archived boolean not null default false,
  revision bigint not null,
  created_at timestamptz not null default current_timestamp,
  updated_at timestamptz not null default current_timestamp,
  deleted_at timestamptz,
  primary key (user_id, id)
);
create table labels (
  id uuid not null,
  user_id text not null,
  name text not null,
  folded text collate "C" not null,
  colour text,
  revision bigint not null,
  created_at timestamptz not null default current_timestamp,
  updated_at timestamptz not null default current_timestamp,
  deleted_at timestamptz,
  primary key (user_id, id)
);
create table task_labels (
  user_id text not null,
  task_id uuid not null,
  label_id uuid not null,
  place smallint not null,
  primary key (user_id, task_id, label_id),
  foreign key (user_id, task_id) references tasks (user_id, id) on delete cascade,
  foreign key (user_id, label_id) references labels (user_id, id) on delete cascade
);
create table answers (
  user_id text not null,
  key text not null,
  fingerprint bytea not null,
  status integer not null default 0,
  headers text not null default '',
  body text not null default '',
  created_at timestamptz not null,
  primary key (user_id, key)
);
"#;

const INDEXES: &str = "
create index lists_position on lists (user_id, position) where deleted_at is null;
create unique index lists_revision on lists (user_id, revision);
create index lists_deleted on lists (deleted_at) where deleted_at is not null;
create unique index labels_folded on labels (user_id, folded) where deleted_at is null;
create unique index labels_revision on labels (user_id, revision);
create index labels_deleted on labels (deleted_at) where deleted_at is not null;
create index task_labels_label on task_labels (user_id, label_id, task_id);
create index answers_created on answers (created_at);
";
