//! Which tables and columns the statements need, as the entities have them, and how those of a database differ.

use std::collections::BTreeMap;

use entity::{
    account, database_epoch, idempotency_key, jwks, label, list, owner, rate_limit, session, task, task_label, user,
    user_revision, verification,
};
use sea_orm::{
    ColumnTrait, DbBackend, EntityTrait, IdenStatic, Iterable, PrimaryKeyToColumn, PrimaryKeyTrait,
    sea_query::ColumnType,
};

use crate::db::plain;

/// A table that statements are about.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) name: String,
    /// Whether Docket alone makes it: the others may be a Better Auth's.
    pub(super) is_own: bool,
    columns: Vec<Column>,
    /// The column that the database numbers.
    counted: Option<&'static str>,
}

#[derive(Clone, Debug)]
struct Column {
    name: &'static str,
    kind: Kind,
    may_be_null: bool,
}

/// What is in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Boolean,
    Small,
    Integer,
    Big,
    Instant,
    Date,
    Uuid,
    Bytes,
    Any,
}

/// A column as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// As the database calls its type.
    pub(super) kind: String,
    pub(super) may_be_null: bool,
    pub(super) has_default: bool,
    /// How many characters it holds at most, if it has a limit.
    pub(super) length: Option<i32>,
}

/// The columns of a table that were found, by name.
pub(super) type FoundTable = BTreeMap<String, Found>;

/// How many characters Docket writes into columns of Better Auth's tables at most; a limit that is lower would refuse
/// what it has accepted. Docket's own tables have none.
const LENGTHS: [(&str, &str, i32); 22] = [
    ("user", "id", 32),
    ("user", "name", 255),
    ("user", "email", 254),
    ("user", "image", 2048),
    ("session", "id", 32),
    ("session", "token", 32),
    ("session", "ipAddress", 45),
    ("session", "userAgent", 512),
    ("session", "userId", 32),
    ("account", "id", 32),
    ("account", "accountId", 32),
    ("account", "providerId", 10),
    ("account", "userId", 32),
    ("account", "password", 128),
    ("verification", "id", 32),
    ("verification", "identifier", 64),
    ("verification", "value", 32),
    ("jwks", "id", 32),
    ("jwks", "publicKey", 128),
    ("jwks", "privateKey", 512),
    ("rateLimit", "id", 32),
    ("rateLimit", "key", 128),
];

/// All tables.
pub(super) fn tables() -> Vec<Table> {
    vec![
        table::<user::Entity>(false),
        table::<session::Entity>(false),
        table::<account::Entity>(false),
        table::<verification::Entity>(false),
        table::<jwks::Entity>(false),
        table::<rate_limit::Entity>(false),
        table::<database_epoch::Entity>(true),
        table::<owner::Entity>(true),
        table::<user_revision::Entity>(true),
        table::<task::Entity>(true),
        table::<list::Entity>(true),
        table::<label::Entity>(true),
        table::<task_label::Entity>(true),
        table::<idempotency_key::Entity>(true),
    ]
}

fn table<E: EntityTrait>(is_own: bool) -> Table {
    let column = |it: E::Column| {
        let definition = it.def();
        Column { name: it.as_str(), kind: kind(definition.get_column_type()), may_be_null: definition.is_null() }
    };
    let keys = || E::PrimaryKey::iter().map(|key| key.into_column().as_str());
    Table {
        name: E::default().table_name().to_owned(),
        is_own,
        columns: E::Column::iter().map(column).collect(),
        counted: E::PrimaryKey::auto_increment().then(keys).and_then(|mut keys| keys.next()),
    }
}

fn kind(column: &ColumnType) -> Kind {
    match column {
        ColumnType::Text | ColumnType::String(_) | ColumnType::Char(_) => Kind::Text,
        ColumnType::Boolean => Kind::Boolean,
        ColumnType::SmallInteger => Kind::Small,
        ColumnType::Integer => Kind::Integer,
        ColumnType::BigInteger => Kind::Big,
        ColumnType::TimestampWithTimeZone | ColumnType::Timestamp | ColumnType::DateTime => Kind::Instant,
        ColumnType::Date => Kind::Date,
        ColumnType::Uuid => Kind::Uuid,
        ColumnType::Blob | ColumnType::Binary(_) | ColumnType::VarBinary(_) => Kind::Bytes,
        _ => Kind::Any,
    }
}

impl Table {
    /// Columns of instants, which SQLite may have in any form.
    pub(super) fn instants(&self) -> impl Iterator<Item = &'static str> {
        self.columns.iter().filter(|it| it.kind == Kind::Instant).map(|it| it.name)
    }

    /// What statements would stumble over, a sentence each. Before migrations Better Auth's tables may be without columns
    /// that its older versions have not made.
    pub(super) fn differences(&self, backend: DbBackend, found: &FoundTable, is_migrated: bool) -> Vec<String> {
        let name = &self.name;
        let mut differences = Vec::new();
        for wanted in &self.columns {
            let column = wanted.name;
            match found.get(column) {
                None if !is_migrated && !self.is_own && wanted.may_be_null => {}
                None => {
                    let like = found.keys().find(|it| plain(it) == plain(column));
                    let like = like.map(|it| format!(", but {it}")).unwrap_or_default();
                    differences.push(format!("the table {name} has no column {column}{like}"));
                }
                Some(it) if !wanted.kind.is(backend, &it.kind) => {
                    let (kind, wanted) = (&it.kind, wanted.kind.name(backend));
                    differences.push(format!("the column {column} of the table {name} is {kind}; it must be {wanted}"));
                }
                Some(it) if wanted.may_be_null && !it.may_be_null => {
                    differences.push(format!("the column {column} of the table {name} must allow null"));
                }
                Some(it) if self.counted == Some(column) && backend != DbBackend::Sqlite && !it.has_default => {
                    differences
                        .push(format!("the column {column} of the table {name} must be numbered by the database"));
                }
                Some(it) => differences.extend(self.too_short(column, it)),
            }
        }
        differences.extend(self.strangers(found));
        differences
    }

    /// What is said of a column that holds fewer characters than are written.
    fn too_short(&self, column: &str, found: &Found) -> Option<String> {
        let (name, length) = (&self.name, found.length?);
        let written = LENGTHS.iter().find(|it| it.0 == name && it.1 == column).map(|it| it.2);
        let wanted = match written {
            Some(written) if length < written => format!("at least {written}"),
            None if self.is_own => "any number of them".to_owned(),
            _ => return None,
        };
        Some(format!("the column {column} of the table {name} holds {length} characters; it must hold {wanted}"))
    }

    /// Columns that Docket does not know and that need a value.
    fn strangers(&self, found: &FoundTable) -> Vec<String> {
        let name = &self.name;
        let is_ours = |name: &str| self.columns.iter().any(|it| it.name == name);
        let is_in_the_way = |column: &str, it: &Found| !is_ours(column) && !it.may_be_null && !it.has_default;
        let strangers = found.iter().filter(|(column, it)| is_in_the_way(column, it));
        let sentence = |(column, _): (&String, &Found)| {
            format!(
                "the column {column} of the table {name}, which Docket does not know, must allow null or have a default"
            )
        };
        strangers.map(sentence).collect()
    }
}

impl Kind {
    /// Whether values of it can be in a column of that type.
    fn is(self, backend: DbBackend, found: &str) -> bool {
        self == Self::Any
            || self
                .types(backend)
                .iter()
                .any(|it| if backend == DbBackend::Sqlite { *it == affinity(found) } else { *it == found })
    }

    /// The types that will do, the best first.
    fn types(self, backend: DbBackend) -> &'static [&'static str] {
        if backend == DbBackend::Sqlite {
            return match self {
                Self::Text => &["text"],
                Self::Boolean | Self::Small | Self::Integer | Self::Big => &["integer", "numeric"],
                Self::Instant => &["text", "numeric", "integer", "real"],
                Self::Date => &["text", "numeric"],
                Self::Uuid | Self::Bytes => &["blob"],
                Self::Any => &[],
            };
        }
        match self {
            Self::Text => &["text", "character varying"],
            Self::Boolean => &["boolean"],
            Self::Small => &["smallint"],
            Self::Integer => &["integer"],
            Self::Big => &["bigint"],
            Self::Instant => &["timestamp with time zone", "timestamp without time zone"],
            Self::Date => &["date"],
            Self::Uuid => &["uuid"],
            Self::Bytes => &["bytea"],
            Self::Any => &[],
        }
    }

    fn name(self, backend: DbBackend) -> &'static str {
        self.types(backend).first().copied().unwrap_or_default()
    }
}

/// The affinity of a column of SQLite's by its declared type (SQLite, Datatypes, 3.1).
fn affinity(declared: &str) -> &'static str {
    let declared = declared.to_ascii_uppercase();
    let has = |words: &[&str]| words.iter().any(|word| declared.contains(word));
    if has(&["INT"]) {
        "integer"
    } else if has(&["CHAR", "CLOB", "TEXT"]) {
        "text"
    } else if declared.is_empty() || has(&["BLOB"]) {
        "blob"
    } else if has(&["REAL", "FLOA", "DOUB"]) {
        "real"
    } else {
        "numeric"
    }
}
