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

/// What is read of a body.
pub(super) const FIELDS: [&str; 7] = ["email", "username", "password", "name", "full_name", "fullName", "image"];
/// What the name may be called. A user name is one too, if nothing else is.
const NAME: [&str; 3] = ["name", "full_name", "fullName"];
/// What the address may be called; forms of OAuth2 call it a user name.
const EMAIL: [&str; 2] = ["email", "username"];

/// The fields of a sign-up. A name that is absent is taken from the address.
pub(super) fn registration(object: &Map<String, Value>, lasts: Duration) -> Result<Registration, Vec<PydanticError>> {
    let mut fields = AccountFields { object, problems: Vec::new() };
    let email = fields.email().and_then(|text| {
        let email = Email::parse(text);
        email
            .is_none()
            .then(|| fields.problems.push(PydanticError::not_an_address(&["body", "email"]).of(&text.into())));
        email
    });
    let password = fields.password();
    let name = email.as_ref().and_then(|email| fields.name(email));
    let image = object.get("image").and_then(Value::as_str).filter(|it| it.len() <= MAX_IMAGE && !it.contains('\0'));
    match (name, email, password, fields.problems.is_empty()) {
        (Some(name), Some(email), Some(password), true) => {
            let image = image.map(str::to_owned);
            Ok(Registration { name, email, password, image, lasts, callback_url: None })
        }
        _ => Err(fields.problems),
    }
}

/// The fields of a sign-in; no login when the address is none, which then has no account.
pub(super) fn login(object: &Map<String, Value>, lasts: Duration) -> Result<Option<Login>, Vec<PydanticError>> {
    let mut fields = AccountFields { object, problems: Vec::new() };
    let email = fields.email();
    let user_name = fields.text("username").map(str::trim).filter(|it| !it.is_empty());
    if email.zip(user_name).is_some_and(|(email, name)| !name.eq_ignore_ascii_case(email)) {
        fields.refuse("username", "email");
    }
    let password = fields.password();
    match (email, password, fields.problems.is_empty()) {
        (Some(email), Some(password), true) => Ok(Email::parse(email).map(|email| Login { email, password, lasts })),
        _ => Err(fields.problems),
    }
}

/// The fields of a body, and what is wrong with them.
struct AccountFields<'a> {
    object: &'a Map<String, Value>,
    problems: Vec<PydanticError>,
}

impl<'a> AccountFields<'a> {
    /// A text, if it is there.
    fn text(&mut self, name: &str) -> Option<&'a str> {
        match self.object.get(name)? {
            Value::Null => None,
            Value::String(text) => Some(text),
            _ => {
                self.problems.push(PydanticError::not_a_string(&["body", name]));
                None
            }
        }
    }

    /// The first of these texts that is there; without one it is missing under the first name. Forms send what was not
    /// filled in as an empty text: it is not there, where another name can be.
    fn required(&mut self, names: &[&str]) -> Option<&'a str> {
        let is_left_out = |value: &Value| names.len() > 1 && value.as_str().is_some_and(|it| it.trim().is_empty());
        let is_there = |name: &&&str| self.object.get(**name).is_some_and(|it| !it.is_null() && !is_left_out(it));
        let Some(name) = names.iter().find(is_there) else {
            self.problems.push(PydanticError::missing(&["body", names[0]]));
            return None;
        };
        self.text(name)
    }

    fn email(&mut self) -> Option<&'a str> {
        self.required(&EMAIL).map(str::trim)
    }

    fn password(&mut self) -> Option<String> {
        self.required(&["password"]).map(str::to_owned)
    }

    fn name(&mut self, email: &Email) -> Option<UserName> {
        let mut found: Option<(&str, &str)> = None;
        for field in NAME {
            let Some(text) = self.text(field).map(str::trim).filter(|it| !it.is_empty()) else { continue };
            match found {
                Some((first, value)) if value != text => self.refuse(field, first),
                Some(_) => {}
                None => found = Some((field, text)),
            }
        }
        let user_name = self.text("username").map(str::trim).filter(|it| !it.is_empty());
        let is_email = |it: &str| it.eq_ignore_ascii_case(email.as_str());
        if user_name.is_some_and(|it| Email::parse(it).is_some() && !is_email(it)) {
            self.refuse("username", "email");
        }
        let found = found.or(user_name.map(|it| ("username", it)));
        let found = found.filter(|(_, text)| !is_email(text));
        let (field, text) = found.or(email.as_str().split('@').next().map(|it| ("name", it)))?;
        let refuse = |rule| self.problems.push(PydanticError::breaks(&["body", field], rule));
        UserName::parse(text).map_err(refuse).ok()
    }

    /// Refuses a field with another value than that of one that means the same: one of both would be left out.
    fn refuse(&mut self, field: &str, first: &str) {
        self.problems.push(PydanticError::contradicts(&["body", field], first));
    }
}
