//! A row as JSON: what columns hold, and what JSON has for it.

use std::{collections::BTreeMap, fmt};

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IdenStatic, Iterable, ModelTrait, Value, sea_query::ColumnType,
};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use uuid::Uuid;

/// The columns of a row, by their names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Row(BTreeMap<String, Json>);

/// Its JSON, the same whatever wrote it.
impl fmt::Display for Row {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&serde_json::to_string(&self.0).map_err(|_| fmt::Error)?)
    }
}

/// How many digits behind the second the instants of a table have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Precision {
    /// Of Docket's own tables.
    Micros,
    /// Of Better Auth's tables.
    Millis,
}

impl Row {
    pub(super) fn of<E: EntityTrait>(model: &E::Model) -> Self
    where
        E::Model: ModelTrait<Entity = E>,
    {
        Self(E::Column::iter().map(|column| (column.as_str().to_owned(), json(model.get(column)))).collect())
    }

    /// The row for a statement that inserts it.
    pub(super) fn model<E: EntityTrait>(&self, precision: Precision) -> Result<E::ActiveModel, String>
    where
        E::ActiveModel: ActiveModelTrait<Entity = E>,
    {
        let mut model = <E::ActiveModel as ActiveModelTrait>::default();
        for column in E::Column::iter() {
            let name = column.as_str();
            let wrong = || format!("the column {name} has no value of its type");
            let value = self.value(column, precision).ok_or_else(wrong)?;
            model.try_set(column, value).map_err(|_| wrong())?;
        }
        let strange = self.0.keys().find(|name| !E::Column::iter().any(|it| it.as_str() == *name));
        strange.map_or(Ok(model), |name| Err(format!("there is no column {name}")))
    }

    /// What a column holds.
    pub(super) fn value<C: ColumnTrait>(&self, column: C, precision: Precision) -> Option<Value> {
        let json = self.0.get(column.as_str())?;
        let definition = column.def();
        match json {
            Json::Null if !definition.is_null() => None,
            json => value(definition.get_column_type(), precision, json),
        }
    }
}

fn json(value: Value) -> Json {
    match value {
        Value::Bool(it) => it.into(),
        Value::SmallInt(it) => it.into(),
        Value::Int(it) => it.into(),
        Value::BigInt(it) => it.into(),
        Value::String(it) => it.into(),
        Value::Uuid(it) => it.map(|it| it.to_string()).into(),
        Value::ChronoDate(it) => it.map(|it| it.to_string()).into(),
        Value::ChronoDateTimeUtc(it) => it.map(|it| it.to_rfc3339_opts(SecondsFormat::Micros, true)).into(),
        Value::ChronoDateTimeWithTimeZone(it) => {
            it.map(|it| it.to_utc().to_rfc3339_opts(SecondsFormat::Millis, true)).into()
        }
        // No column has another type.
        _ => Json::Null,
    }
}

fn value(column: &ColumnType, precision: Precision, json: &Json) -> Option<Value> {
    fn of<T>(json: &Json, read: impl FnOnce(&Json) -> Option<T>) -> Option<Option<T>> {
        if json.is_null() { Some(None) } else { read(json).map(Some) }
    }
    let text = |json: &Json| json.as_str().map(str::to_owned);
    Some(match column {
        ColumnType::Boolean => of(json, Json::as_bool)?.into(),
        ColumnType::SmallInteger => of(json, |it| i16::try_from(it.as_i64()?).ok())?.into(),
        ColumnType::Integer => of(json, |it| i32::try_from(it.as_i64()?).ok())?.into(),
        ColumnType::BigInteger => of(json, Json::as_i64)?.into(),
        ColumnType::Uuid => of(json, |it| it.as_str()?.parse::<Uuid>().ok())?.into(),
        ColumnType::Date => of(json, |it| it.as_str()?.parse::<NaiveDate>().ok())?.into(),
        ColumnType::TimestampWithTimeZone => {
            let instant = of(json, |it| it.as_str()?.parse::<DateTime<Utc>>().ok())?;
            match precision {
                Precision::Micros => instant.into(),
                Precision::Millis => instant.map(|it| it.fixed_offset()).into(),
            }
        }
        _ => of(json, text)?.into(),
    })
}
