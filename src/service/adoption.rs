//! Taking over accounts and tasks from tables that are not Docket's, for `docket adopt`, and a user's data for whoever runs
//! Docket, for `docket export --user` and `docket import --user`. Nobody is signed in there, so this is the one way to a
//! user's data without a [`super::auth::CurrentUser`], and no request leads here.

use std::collections::BTreeMap;

use entity::{
    id::{LabelId, ListId, TaskId, UserId},
    text::name_key,
    time::Millis,
    user,
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QuerySelect,
    SqlErr,
};
use sha2::{Digest, Sha256};
use uuid::Builder;

use super::{
    Services,
    auth::{Email, credential},
    import::LabelImport,
    labels::{LabelSelection, NewLabel},
    owners::{give_number, known_owner, owner_of},
    user_data::UserData,
    values::UserName,
};
use crate::error::{AuthError, Error};

/// An account of somebody else's.
#[derive(Clone, Debug)]
pub struct AdoptedAccount {
    /// Its id there, which stays.
    pub id: UserId,
    /// Its address, of which there is one account.
    pub email: Email,
    /// What it is called.
    pub name: UserName,
    /// Whether its address was verified.
    pub is_verified: bool,
    /// URL of a picture.
    pub image: Option<String>,
    /// The hash of its password, as it is there. Without one nobody signs in until a new password is set.
    pub password: Option<String>,
    /// When it was made.
    pub created_at: Millis,
}

/// Takes over.
#[derive(Clone, Copy, Debug)]
pub struct Adoption<'a> {
    services: &'a Services,
}

impl Services {
    /// Takes over accounts and tasks.
    pub fn adoption(&self) -> Adoption<'_> {
        Adoption { services: self }
    }
}

impl<'a> Adoption<'a> {
    /// Makes the account, unless it is there already; whether it was made.
    pub async fn account(self, account: AdoptedAccount) -> Result<bool, Error> {
        let db = &self.services.db;
        let there = user::Entity::find().filter(user::Column::Id.eq(account.id.clone()));
        if there.count(db.reader()).await? > 0 {
            return Ok(false);
        }
        let AdoptedAccount { id, email, name, is_verified, image, password, created_at } = account;
        let row = user::Model {
            id: id.clone(),
            name: name.into(),
            email: email.as_str().to_owned(),
            email_verified: is_verified,
            image,
            created_at,
            updated_at: created_at,
        };
        db.transaction(async |transaction| {
            row.clone().into_active_model().insert(transaction.connection()).await.map_err(|cause| {
                match cause.sql_err() {
                    Some(SqlErr::UniqueConstraintViolation(_)) => AuthError::EmailTaken.into(),
                    _ => Error::from(cause),
                }
            })?;
            give_number(transaction.connection(), &id).await?;
            if let Some(hash) = &password {
                credential(&id, hash.clone(), created_at).into_active_model().insert(transaction.connection()).await?;
            }
            Ok::<_, Error>(())
        })
        .await?;
        Ok(true)
    }

    /// All of a user's data.
    pub async fn data(self, user: &UserId) -> Result<UserData<'a>, Error> {
        Ok(UserData::new(self.services.scope(owner_of(&self.services.db, user).await?)))
    }

    /// The user with that id or e-mail address. One whose account is elsewhere has an id alone, and data.
    pub async fn find_user(self, name: &str) -> Result<Option<UserId>, Error> {
        let id = UserId(name.to_owned());
        let reader = self.services.db.reader();
        if known_owner(&self.services.db, &id).await?.is_some() {
            return Ok(Some(id));
        }
        let email = Email::parse(&name.trim().to_lowercase()).map(|it| user::Column::Email.eq(it.as_str()));
        let ids = user::Entity::find().select_only().column(user::Column::Id);
        let named = Condition::any().add(user::Column::Id.eq(id)).add_option(email);
        Ok(ids.filter(named).into_tuple().one(reader).await?)
    }

    /// Gives no task that number or a lower one any more.
    pub async fn skip_task_numbers(self, last: i64) -> Result<(), Error> {
        Ok(self.services.db.skip_task_numbers(last).await?)
    }
}

/// The id of a task that has none of its own kind: always the same for what it is called there.
pub fn task_id(name: &str) -> TaskId {
    TaskId(derived(&format!("task {name}")))
}

/// The id of a user's list of that name: always the same.
pub fn list_id(owner: &UserId, name_key: &str) -> ListId {
    ListId(derived(&format!("list {owner} {name_key}")))
}

/// The id of a user's label of that name: always the same.
fn label_id(owner: &UserId, name_key: &str) -> LabelId {
    LabelId(derived(&format!("label {owner} {name_key}")))
}

/// The labels of these names, and their ids, each once.
pub fn labels_named(owner: &UserId, names: LabelSelection) -> (Vec<LabelImport>, Vec<LabelId>) {
    let LabelSelection::Names(names) = names else { return Default::default() };
    let mut each = BTreeMap::new();
    let mut ids = Vec::new();
    for name in names {
        let id = label_id(owner, &name_key(name.as_str()));
        if each.insert(id, LabelImport { id, draft: NewLabel { id: Some(id), name, color: None } }).is_none() {
            ids.push(id);
        }
    }
    (each.into_values().collect(), ids)
}

fn derived(from: &str) -> uuid::Uuid {
    let hash = Sha256::digest(format!("docket adopt {from}"));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    Builder::from_random_bytes(bytes).into_uuid()
}
