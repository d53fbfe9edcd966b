//! What changes nothing: list, show, token.

use docket::{
    config::Config,
    operators,
    service::{
        Services,
        operator::{USERS_AT_ONCE, UserFilter, stored_address},
    },
};

use super::lines::{TokenLine, UserLine, UserSummaryLine};
use crate::commands::{
    Done,
    output::{Output, OutputError, instant, shown},
};

/// Prints users while they are read, some hundreds at a time.
pub async fn list(
    services: &Services,
    output: &mut Output,
    email: Option<String>,
    after: Option<String>,
    limit: Option<u64>,
) -> Done {
    let mut filter = UserFilter { contains: email, after: after.as_deref().map(stored_address) };
    let mut left = limit.unwrap_or(u64::MAX);
    services.operator().log_reading(None);
    output.heading(&format!("{:<10}  {:<8}  {:>8}  {:<32}  email, name", "created", "verified", "sessions", "id"))?;
    while left > 0 {
        let some = services.operator().users(&filter, left.min(USERS_AT_ONCE)).await?;
        let Some(last) = some.last() else { break };
        filter.after = Some(last.user.email.clone());
        left -= some.len() as u64;
        for user in some {
            print(output, user.into())?;
        }
    }
    Ok(())
}

fn print(output: &mut Output, line: UserLine) -> Result<(), OutputError> {
    let UserLine { id, email, name, email_verified, created_at, sessions } = &line;
    let (day, verified) = (created_at.get(..10).unwrap_or(created_at), yes_or_no(*email_verified));
    let (id, email, name) = (shown(id), shown(email), shown(name));
    let text = format!("{day}  {verified:<8}  {sessions:>8}  {id:<32}  {email}  {name}");
    output.print(&line, text.trim_end())
}

/// Prints an account, and how much belongs to it.
pub async fn show(services: &Services, output: &mut Output, config: &Config, user: &str) -> Done {
    let user = operators::find(services, user).await?;
    let totals = services.operator().totals(&user.id).await?;
    services.operator().log_reading(Some(&user.id));
    let quota = config.rate_limit.then_some(config.quotas.user.get());
    let line = UserSummaryLine::new(user, totals, quota);
    output.print(&line, &summary(&line))?;
    Ok(())
}

fn summary(line: &UserSummaryLine) -> String {
    let email = match (&line.email, line.email_verified) {
        (Some(email), Some(true)) => format!("{}, verified", shown(email)),
        (Some(email), _) => format!("{}, not verified", shown(email)),
        (None, _) => "none: the account is elsewhere".to_owned(),
    };
    let sessions = match &line.last_session_at {
        Some(at) => format!("{}, the last used on {}", line.sessions, at.get(..10).unwrap_or(at)),
        None => line.sessions.to_string(),
    };
    let ways = if line.providers.is_empty() { "none".to_owned() } else { line.providers.join(", ") };
    let (open, completed, deleted) = (line.open_tasks, line.completed_tasks, line.deleted_tasks);
    let quota = line.quota.map_or("no limit".to_owned(), |units| format!("{units} units a minute"));
    let lines = [
        ("id", shown(&line.id)),
        ("email", email),
        ("name", line.name.as_deref().map(shown).unwrap_or_default()),
        ("created", line.created_at.clone().unwrap_or_default()),
        ("changed", line.updated_at.clone().unwrap_or_default()),
        ("signs in by", ways),
        ("sessions", sessions),
        ("tasks", format!("{open} open, {completed} completed, {deleted} deleted")),
        ("lists", line.lists.to_string()),
        ("labels", line.labels.to_string()),
        ("answers", format!("{} stored for requests with an Idempotency-Key", line.stored_answers)),
        ("revision", line.revision.to_string()),
        ("requests", quota),
    ];
    lines.map(|(name, value)| format!("{name:<12}{value}").trim_end().to_owned()).join("\n")
}

/// Prints an access token, and nothing else for people.
pub async fn token(services: &Services, output: &mut Output, user: &str) -> Done {
    let user = operators::find(services, user).await?;
    let account = user.account.ok_or("the account of this user is elsewhere, and so are its tokens")?;
    let issued = services.auth().issue_token(&account).await?;
    let line = TokenLine { id: account.id.0, token: issued.token, expires_at: instant(issued.expires_at) };
    Ok(output.reveal(&line, &line.token, "the access token could not be printed")?)
}

fn yes_or_no(is_so: bool) -> &'static str {
    if is_so { "yes" } else { "no" }
}
