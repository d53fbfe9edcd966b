//! Listing and rotating the signing keys, for `docket keys`.

use chrono::{DateTime, Utc};
use entity::{jwks, time::Millis};
use sea_orm::{ActiveModelTrait, ColumnTrait, Condition, EntityTrait, IntoActiveModel, QueryFilter, sea_query::Expr};

use super::{Keys, PUBLISHED_AFTER_USE, PUBLISHED_BEFORE_USE, newest_first, public_key};
use crate::{
    db::Db,
    error::Error,
    service::auth::Auth,
    telemetry::{OPERATOR, SecurityEvent},
};

/// What a key is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// It signs access tokens.
    Signs,
    /// It is published, and will sign in an hour at most.
    Next,
    /// It is published and verifies tokens that it signed.
    Verifies,
    /// It signs no more and is published no more. It verifies as long as it is there.
    Ended,
    /// It was sealed with another secret, and only verifies.
    Sealed,
    /// It is of an algorithm that Docket does not use.
    Foreign,
}

/// A key, without what is secret in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedKey {
    /// The `kid`.
    pub id: String,
    /// `EdDSA`, or what the row says.
    pub algorithm: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it stops to sign, if it does.
    pub expires_at: Option<DateTime<Utc>>,
    /// What it is used for.
    pub state: KeyState,
}

/// What a rotation came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RotatedKeys {
    /// The id of the new key.
    pub id: String,
    /// From when on it signs.
    pub signs_from: DateTime<Utc>,
    /// Ids of keys that were removed.
    pub removed: Vec<String>,
}

impl Auth<'_> {
    /// All keys, newest first.
    pub async fn list_keys(self) -> Result<Vec<ListedKey>, Error> {
        self.material.keys.list(self.db).await
    }

    /// Makes a key that will sign. The others sign until it does, and verify afterwards; or they are removed.
    pub async fn rotate_keys(self, removes_others: bool) -> Result<RotatedKeys, Error> {
        self.material.keys.rotate(self.db, removes_others).await
    }
}

impl Keys {
    async fn list(&self, db: &Db) -> Result<Vec<ListedKey>, Error> {
        let signing = self.ring(db.reader()).await?.signing.map(|key| key.id.clone());
        let now = Utc::now();
        let rows = newest_first(db.reader()).await?;
        // Those in front of the one that signs are newer.
        let mut is_newer = true;
        Ok(rows
            .into_iter()
            .map(|row| {
                let signs = signing.as_ref() == Some(&row.id);
                is_newer &= !signs;
                let state = if signs { KeyState::Signs } else { self.state(&row, is_newer, now) };
                listed(row, state)
            })
            .collect())
    }

    fn state(&self, row: &jwks::Model, is_newer: bool, now: DateTime<Utc>) -> KeyState {
        let end = row.expires_at.map(Millis::utc);
        match public_key(row) {
            None => KeyState::Foreign,
            Some(_) if end.is_some_and(|end| end + PUBLISHED_AFTER_USE <= now) => KeyState::Ended,
            Some(_) if end.is_some_and(|end| end <= now) => KeyState::Verifies,
            Some(_) if self.open(row).is_none() => KeyState::Sealed,
            Some(_) if is_newer => KeyState::Next,
            Some(_) => KeyState::Verifies,
        }
    }

    async fn rotate(&self, db: &Db, removes_others: bool) -> Result<RotatedKeys, Error> {
        let rotated = db.transaction(async |transaction| {
            transaction.lock_keys().await?;
            let connection = transaction.connection();
            let now = Utc::now();
            let rows = newest_first(connection).await?;
            let others: Vec<String> =
                rows.iter().filter(|row| public_key(row).is_some()).map(|row| row.id.clone()).collect();
            let id = self.make(now)?.into_active_model().insert(connection).await?.id;
            let these = jwks::Column::Id.is_in(others.iter().map(String::as_str));
            if removes_others {
                jwks::Entity::delete_many().filter(these).exec(connection).await?;
                return Ok(RotatedKeys { id, signs_from: now, removed: others });
            }
            let signing = self.ring(connection).await?.signing.filter(|key| key.id != id);
            let published = Millis::from(now + PUBLISHED_BEFORE_USE);
            let signs_from =
                signing.map_or(now, |key| key.expires_at.map_or(published, |end| end.min(published)).utc());
            // They sign until the new one has been published long enough.
            let end = Millis::from(signs_from);
            let ends_later =
                Condition::any().add(jwks::Column::ExpiresAt.is_null()).add(jwks::Column::ExpiresAt.gt(end));
            jwks::Entity::update_many()
                .filter(these)
                .filter(ends_later)
                .col_expr(jwks::Column::ExpiresAt, Expr::value(end))
                .exec(connection)
                .await?;
            Ok::<_, Error>(RotatedKeys { id, signs_from, removed: Vec::new() })
        });
        let rotated = rotated.await?;
        SecurityEvent::KeyCreated.log(&rotated.id, OPERATOR);
        rotated.removed.iter().for_each(|id| SecurityEvent::KeyRemoved.log(id, OPERATOR));
        Ok(rotated)
    }
}

fn listed(row: jwks::Model, state: KeyState) -> ListedKey {
    ListedKey {
        id: row.id,
        algorithm: row.alg.unwrap_or_else(|| "EdDSA".to_owned()),
        created_at: row.created_at.utc(),
        expires_at: row.expires_at.map(Millis::utc),
        state,
    }
}
