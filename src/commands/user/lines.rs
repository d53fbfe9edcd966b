//! What is printed of users: the objects of `--json`.

use docket::service::operator::{ListedUser, NamedUser, UserTotals};
use serde::Serialize;

use crate::commands::output::instant;

/// A user of `docket user list`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UserLine {
    pub id: String,
    pub email: String,
    pub name: String,
    pub email_verified: bool,
    pub created_at: String,
    pub sessions: i64,
}

/// The answer of `docket user show`. What belongs to the account is null where that is elsewhere.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UserSummaryLine {
    pub id: String,
    pub email: Option<String>,
    pub name: Option<String>,
    pub email_verified: Option<bool>,
    pub created_at: Option<String>,
    pub updated_at: Option<String>,
    pub providers: Vec<String>,
    pub sessions: i64,
    pub last_session_at: Option<String>,
    pub open_tasks: i64,
    pub completed_tasks: i64,
    pub deleted_tasks: i64,
    pub lists: i64,
    pub labels: i64,
    pub stored_answers: i64,
    pub revision: i64,
    /// Units of requests in a minute, for each instance; null without a limit.
    pub quota: Option<u32>,
}

/// What a command has done to a user.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangeLine {
    pub id: String,
    pub email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sessions_ended: Option<u64>,
}

/// The answer of `docket user token`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenLine {
    pub id: String,
    pub token: String,
    pub expires_at: String,
}

impl From<ListedUser> for UserLine {
    fn from(ListedUser { user, sessions }: ListedUser) -> Self {
        Self {
            id: user.id.0,
            email: user.email,
            name: user.name,
            email_verified: user.email_verified,
            created_at: instant(user.created_at.utc()),
            sessions,
        }
    }
}

impl UserSummaryLine {
    /// What there is of a user who may ask for so many units a minute.
    pub fn new(user: NamedUser, totals: UserTotals, quota: Option<u32>) -> Self {
        let NamedUser { id, account } = user;
        let account = account.as_ref();
        Self {
            id: id.0,
            email: account.map(|it| it.email.clone()),
            name: account.map(|it| it.name.clone()),
            email_verified: account.map(|it| it.email_verified),
            created_at: account.map(|it| instant(it.created_at.utc())),
            updated_at: account.map(|it| instant(it.updated_at.utc())),
            providers: totals.providers,
            sessions: totals.sessions,
            last_session_at: totals.last_session.map(|it| instant(it.utc())),
            open_tasks: totals.open_tasks,
            completed_tasks: totals.completed_tasks,
            deleted_tasks: totals.deleted_tasks,
            lists: totals.lists,
            labels: totals.labels,
            stored_answers: totals.stored_answers,
            revision: totals.revision,
            quota,
        }
    }
}

impl ChangeLine {
    /// That something was done to the user.
    pub fn of(user: &NamedUser) -> Self {
        Self { id: user.id.0.clone(), email: user.account.as_ref().map(|it| it.email.clone()), ..Self::default() }
    }
}
