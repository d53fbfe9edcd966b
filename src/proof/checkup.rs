//! What a database says of itself, for `docket doctor`. Nothing is changed.

use chrono::{DateTime, Utc};
use migration::{Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};

use crate::db::{Connection, Db, ROLE_LIMIT, file};

const MAY_CREATE: &str = "select coalesce(has_schema_privilege(current_schema(), 'create'), false)";

/// What was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkup {
    /// Its name and version.
    pub version: String,
    /// What time it has.
    pub clock: DateTime<Utc>,
    /// That the file is damaged, and what to do, if it is.
    pub damage: Option<String>,
    /// Migrations that are still to be applied.
    pub pending: usize,
    /// Migrations that this program does not know.
    pub unknown: Vec<String>,
    /// Why an answered write may be lost with the power, if it may.
    pub volatile: Option<&'static str>,
    /// How many connections Docket's role may have, if something limits it.
    pub connections: Option<i32>,
    /// Whether Docket's role may make tables.
    pub may_create: bool,
    /// Whether Docket's role may do anything at all.
    pub is_superuser: bool,
}

/// Asks the database about itself.
pub async fn checkup(db: &Db) -> Result<Checkup, DbErr> {
    Question(db.reader()).checkup().await
}

/// Whether migrations of this Docket are still to be applied.
pub async fn is_behind(db: &Db) -> bool {
    let applied = Question(db.reader()).applied().await;
    known_migrations().iter().any(|it| !applied.contains(it))
}

fn known_migrations() -> Vec<String> {
    Migrator::migrations().iter().map(|it| it.name().to_owned()).collect()
}

/// What is asked goes through it.
struct Question<'a>(&'a Connection);

impl Question<'_> {
    async fn checkup(&self) -> Result<Checkup, DbErr> {
        let is_sqlite = self.0.get_database_backend() == DbBackend::Sqlite;
        let version = if is_sqlite { "select 'SQLite ' || sqlite_version()" } else { "select version()" };
        let clock = if is_sqlite {
            "select strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"
        } else {
            "select to_char(now() at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"
        };
        let damage = match is_sqlite {
            true => match self.words("pragma quick_check(1)").await {
                Ok(words) => words.into_iter().find(|it| it != "ok").map(|it| file::damaged(&it)),
                Err(error) => Some(file::damage_of(&error).ok_or(error)?),
            },
            false => None,
        };
        let (applied, known) = (self.applied().await, known_migrations());
        Ok(Checkup {
            version: self.word(version).await?,
            clock: self.word(clock).await?.parse().map_err(|_| DbErr::Type("the database's clock".into()))?,
            damage,
            pending: known.iter().filter(|it| !applied.contains(it)).count(),
            unknown: applied.into_iter().filter(|it| !known.contains(it)).collect(),
            volatile: if is_sqlite { None } else { self.volatile().await? },
            connections: if is_sqlite { None } else { self.limit().await? },
            may_create: is_sqlite || self.truth(MAY_CREATE).await?,
            is_superuser: !is_sqlite && self.word("select current_setting('is_superuser')").await? == "on",
        })
    }

    /// The names of the migrations that are applied: none without their table.
    async fn applied(&self) -> Vec<String> {
        self.words("select version from seaql_migrations").await.unwrap_or_default()
    }

    async fn limit(&self) -> Result<Option<i32>, DbErr> {
        let row = self.0.query_one_raw(Statement::from_string(self.0.get_database_backend(), ROLE_LIMIT)).await?;
        row.map_or(Ok(None), |row| row.try_get_by_index(0))
    }

    async fn volatile(&self) -> Result<Option<&'static str>, DbErr> {
        if self.word("select current_setting('fsync')").await? == "off" {
            return Ok(Some("fsync is off"));
        }
        let is_off = self.word("select current_setting('synchronous_commit')").await? == "off";
        Ok(is_off.then_some("synchronous_commit is off"))
    }

    async fn truth(&self, sql: &str) -> Result<bool, DbErr> {
        let row = self.0.query_one_raw(Statement::from_string(self.0.get_database_backend(), sql)).await?;
        row.map_or(Ok(false), |row| row.try_get_by_index(0))
    }

    async fn word(&self, sql: &str) -> Result<String, DbErr> {
        let words = self.words(sql).await?;
        words.into_iter().next().ok_or_else(|| DbErr::RecordNotFound("the database said nothing".into()))
    }

    async fn words(&self, sql: &str) -> Result<Vec<String>, DbErr> {
        let rows = self.0.query_all_raw(Statement::from_string(self.0.get_database_backend(), sql)).await?;
        rows.iter().map(|row| row.try_get_by_index(0)).collect()
    }
}
