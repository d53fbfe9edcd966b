//! Reading what somebody signs up or in with, by the names of the original back-ends.

use chrono::Duration;
use serde_json::{Map, Value};

use crate::{
    rest::{auth::MAX_IMAGE, pydantic::PydanticError},
    service::{
        auth::{Email, Login, Registration},
        values::UserName,
    },
};

/// What the address may be called; forms of OAuth2 call it a user name.
const EMAIL: [&str; 2] = ["email", "username"];
/// What the name may be called.
const NAME: [&str; 4] = ["name", "full_name", "fullName", "username"];

/// The fields of a sign-up. A name that is absent is taken from the address.
pub(super) fn registration(object: &Map<String, Value>, lasts: Duration) -> Result<Registration, Vec<PydanticError>> {
    let mut problems = Vec::new();
    let email = text(object, &EMAIL, &mut problems).and_then(|it| {
        let email = Email::parse(it.trim());
        email.is_none().then(|| problems.push(PydanticError::not_an_address(&["body", "email"]).of(&it.into())));
        email
    });
    let password = text(object, &["password"], &mut problems).map(str::to_owned);
    let name = email.as_ref().and_then(|email| name(object, email, &mut problems));
    let image = object.get("image").and_then(Value::as_str).filter(|it| it.len() <= MAX_IMAGE && !it.contains('\0'));
    match (name, email, password, problems.is_empty()) {
        (Some(name), Some(email), Some(password), true) => {
            let image = image.map(str::to_owned);
            Ok(Registration { name, email, password, image, lasts, callback_url: None })
        }
        _ => Err(problems),
    }
}

/// The fields of a sign-in; no login when the address is none, which then has no account.
pub(super) fn login(object: &Map<String, Value>, lasts: Duration) -> Result<Option<Login>, Vec<PydanticError>> {
    let mut problems = Vec::new();
    let email = text(object, &EMAIL, &mut problems);
    let password = text(object, &["password"], &mut problems);
    match (email, password) {
        (Some(email), Some(password)) => {
            let password = password.to_owned();
            Ok(Email::parse(email.trim()).map(|email| Login { email, password, lasts }))
        }
        _ => Err(problems),
    }
}

/// The text of the first of these fields that is there; all are errors under the first name.
fn text<'a>(object: &'a Map<String, Value>, names: &[&str], problems: &mut Vec<PydanticError>) -> Option<&'a str> {
    let loc = ["body", names[0]];
    let value = names.iter().filter_map(|name| object.get(*name)).find(|it| !it.is_null());
    problems.push(match value {
        Some(Value::String(text)) => return Some(text),
        Some(_) => PydanticError::not_a_string(&loc),
        None => PydanticError::missing(&loc),
    });
    None
}

fn name(object: &Map<String, Value>, email: &Email, problems: &mut Vec<PydanticError>) -> Option<UserName> {
    let is_address = |it: &str| it.eq_ignore_ascii_case(email.as_str());
    let names = NAME.iter().filter_map(|name| object.get(*name)?.as_str()).map(str::trim);
    let name = names.into_iter().find(|it| !it.is_empty() && !is_address(it));
    let name = name.or(email.as_str().split('@').next())?;
    let refuse = |rule| problems.push(PydanticError::breaks(&["body", "name"], rule));
    UserName::parse(name).map_err(refuse).ok()
}
