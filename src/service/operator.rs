//! What whoever runs Docket may know of all users, for `docket user` and `docket stats`. Nobody is signed in there, and
//! no request leads here. What changes accounts is in `service::auth`.

pub mod statistics;

use std::collections::HashMap;

use entity::{
    account,
    id::{OwnerId, UserId},
    idempotency_key, label, list, session, task,
    time::Millis,
    user, user_revision,
};
use sea_orm::{
    ColumnTrait, EntityTrait, Order, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Select,
    sea_query::{Expr, ExprTrait, LikeExpr, SimpleExpr},
};

use super::{Services, auth::Email, owners::known_owner};
use crate::{
    error::Error,
    telemetry::{OPERATOR, SecurityEvent},
};

/// What operators ask for.
#[derive(Clone, Copy, Debug)]
pub struct Operator<'a> {
    services: &'a Services,
}

/// Which users are listed, by address.
#[derive(Clone, Debug, Default)]
pub struct UserFilter {
    /// Only addresses that contain this text, in any case.
    pub contains: Option<String>,
    /// Only addresses behind this one.
    pub after: Option<String>,
}

/// A user of a list.
#[derive(Clone, Debug)]
pub struct ListedUser {
    /// The account.
    pub user: user::Model,
    /// How many sessions have not ended.
    pub sessions: i64,
}

/// Whom a command names. A user whose account is elsewhere has an id and data alone.
#[derive(Clone, Debug)]
pub struct NamedUser {
    /// The id.
    pub id: UserId,
    /// The account, if it is here.
    pub account: Option<user::Model>,
}

/// What there is of a user.
#[derive(Clone, Debug, Default)]
pub struct UserTotals {
    /// The ways to sign in: `credential`, or the name of an OAuth provider.
    pub providers: Vec<String>,
    /// How many sessions have not ended.
    pub sessions: i64,
    /// When the last of them was extended, which use does once a day.
    pub last_session: Option<Millis>,
    /// How many tasks are not completed.
    pub open_tasks: i64,
    /// How many tasks are completed.
    pub completed_tasks: i64,
    /// How many tasks are deleted and not yet purged.
    pub deleted_tasks: i64,
    /// How many lists there are.
    pub lists: i64,
    /// How many labels there are.
    pub labels: i64,
    /// How many answers are stored for requests with an `Idempotency-Key`.
    pub stored_answers: i64,
    /// The revision of the last write.
    pub revision: i64,
}

/// How many users one statement reads.
pub const USERS_AT_ONCE: u64 = 500;

impl NamedUser {
    /// The address, or the id of a user whose account is elsewhere.
    pub fn name(&self) -> &str {
        self.account.as_ref().map_or(&self.id.0, |it| &it.email)
    }
}

impl Services {
    /// What operators ask for.
    pub fn operator(&self) -> Operator<'_> {
        Operator { services: self }
    }
}

impl Operator<'_> {
    /// The user with that id or e-mail address.
    pub async fn find(self, name: &str) -> Result<Option<NamedUser>, Error> {
        let Some(id) = self.services.adoption().find_user(name).await? else { return Ok(None) };
        let account = self.services.db.reader().row(user::Entity::find_by_id(id.clone())).await?;
        Ok(Some(NamedUser { id, account }))
    }

    /// At most so many users, and at most [`USERS_AT_ONCE`], in the order of their addresses.
    pub async fn users(self, filter: &UserFilter, limit: u64) -> Result<Vec<ListedUser>, Error> {
        let reader = self.services.db.reader();
        let users: Vec<user::Model> = user::Entity::find()
            .apply_if(filter.contains.as_deref(), |users, text| users.filter(contains(text)))
            .apply_if(filter.after.as_deref(), |users, after| users.filter(user::Column::Email.gt(after)))
            .order_by(user::Column::Email, Order::Asc)
            .limit(Ord::min(limit, USERS_AT_ONCE))
            .all(reader)
            .await?;
        let ids = users.iter().map(|user| user.id.clone());
        let live = session::Entity::find()
            .select_only()
            .column(session::Column::UserId)
            .expr(Expr::col(session::Column::Id).count())
            .filter(session::Column::UserId.is_in(ids))
            .filter(session::Column::ExpiresAt.gt(Millis::now()))
            .group_by(session::Column::UserId);
        let live: Vec<(UserId, i64)> = live.into_tuple().all(reader).await?;
        let live: HashMap<UserId, i64> = live.into_iter().collect();
        let listed = |user: user::Model| ListedUser { sessions: live.get(&user.id).copied().unwrap_or(0), user };
        Ok(users.into_iter().map(listed).collect())
    }

    /// What there is of a user.
    pub async fn totals(self, user: &UserId) -> Result<UserTotals, Error> {
        let reader = self.services.db.reader();
        let mine = || session::Entity::find().filter(session::Column::UserId.eq(user.clone()));
        let live = || mine().filter(session::Column::ExpiresAt.gt(Millis::now()));
        let last = live().order_by_desc(session::Column::UpdatedAt).limit(1);
        let providers = account::Entity::find()
            .select_only()
            .column(account::Column::ProviderId)
            .filter(account::Column::UserId.eq(user.clone()))
            .order_by_asc(account::Column::CreatedAt);
        let owner = known_owner(&self.services.db, user).await?.unwrap_or(OwnerId::NOBODY);
        let tasks = || task::Entity::find().filter(task::Column::OwnerId.eq(owner));
        let present = |is_completed: bool| {
            tasks().filter(task::Column::DeletedAt.is_null()).filter(task::Column::Completed.eq(is_completed))
        };
        let lists = list::Entity::find().filter(list::Column::OwnerId.eq(owner));
        let labels = label::Entity::find().filter(label::Column::OwnerId.eq(owner));
        let answers = idempotency_key::Entity::find().filter(idempotency_key::Column::OwnerId.eq(owner));
        let revision = user_revision::Entity::find_by_id(owner).one(reader).await?;
        Ok(UserTotals {
            providers: providers.into_tuple().all(reader).await?,
            sessions: self.count(live()).await?,
            last_session: reader.row::<session::Model>(last).await?.map(|session| session.updated_at),
            open_tasks: self.count(present(false)).await?,
            completed_tasks: self.count(present(true)).await?,
            deleted_tasks: self.count(tasks().filter(task::Column::DeletedAt.is_not_null())).await?,
            lists: self.count(lists.filter(list::Column::DeletedAt.is_null())).await?,
            labels: self.count(labels.filter(label::Column::DeletedAt.is_null())).await?,
            stored_answers: self.count(answers).await?,
            revision: revision.map_or(0, |row| row.revision),
        })
    }

    /// Remembers in the log of security events that an operator looked at accounts: at one, or at all.
    pub fn log_reading(self, user: Option<&UserId>) {
        SecurityEvent::AccountRead.log(user.map_or("all", |id| &id.0), OPERATOR);
    }

    /// How many rows there are.
    async fn count<E: EntityTrait>(self, rows: Select<E>) -> Result<i64, Error> {
        let count = rows.select_only().expr(Expr::cust("count(*)")).into_tuple();
        Ok(count.one(self.services.db.reader()).await?.unwrap_or(0))
    }
}

/// Whether an address contains a text, of which every character stands for itself.
fn contains(text: &str) -> SimpleExpr {
    let text = text.to_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    Expr::col(user::Column::Email).like(LikeExpr::new(format!("%{text}%")).escape('\\'))
}

/// The address as it is stored, if the text is one; the text otherwise.
pub fn stored_address(text: &str) -> String {
    Email::parse(text).map_or_else(|| text.to_lowercase(), |email| email.as_str().to_owned())
}
