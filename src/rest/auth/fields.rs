//! Reading the fields of a body: all of them, so that one response lists every issue in Better Auth's words.

use axum::http::Uri;
use chrono::Duration;
use serde_json::{Map, Value};

use super::{errors::AuthApiError, post::Post};
use crate::{
    error::{AuthError, Error},
    service::{
        auth::{Email, Login, NOT_REMEMBERED, PasswordChange, ProfilePatch, Registration, SESSION_LIFETIME},
        values::{MAX_USER_NAME, UserName},
    },
};

/// How many characters the URL of a picture has at most.
pub(in crate::rest) const MAX_IMAGE: usize = 2048;

/// What somebody signs in with.
pub(super) struct SignInForm {
    /// An address of a wrong form has a code of its own, which the handler returns after all other checks.
    pub(super) login: Result<Login, Error>,
    pub(super) callback_url: Option<String>,
}

/// The fields of a sign-up.
pub(super) fn sign_up_form<T>(post: &Post<T>) -> Result<Registration, AuthApiError> {
    let mut fields = FormFields::of(post, &["object", "record"])?;
    let name = fields.user_name();
    let email = fields.email("email");
    let password = fields.password();
    // Some front-ends send the picture itself: an account without it is better than none.
    let is_long = |it: &Value| it.as_str().is_some_and(|it| it.chars().nth(MAX_IMAGE).is_some());
    let is_left_out = fields.object.get("image").is_some_and(is_long);
    let image = if is_left_out { None } else { fields.optional_text("image", MAX_IMAGE) };
    let lasts = fields.session_length();
    let callback_url = fields.optional_text("callbackURL", MAX_IMAGE);
    match (name, email, password, fields.issues.is_empty()) {
        (Some(name), Some(email), Some(password), true) => {
            Ok(Registration { name, email, password, image, lasts, callback_url })
        }
        _ => Err(AuthApiError::Validation(fields.issues)),
    }
}

/// The fields of a sign-in.
pub(super) fn sign_in_form<T>(post: &Post<T>) -> Result<SignInForm, AuthApiError> {
    let mut fields = FormFields::of(post, &["object"])?;
    let email = fields.text("email", usize::MAX);
    let password = fields.text("password", usize::MAX);
    let callback_url = fields.optional_text("callbackURL", MAX_IMAGE).filter(|it| !it.is_empty());
    let lasts = fields.session_length();
    match (email, password, fields.issues.is_empty()) {
        (Some(email), Some(password), true) => {
            let email = Email::parse(&email).ok_or(Error::Auth(AuthError::InvalidEmail));
            Ok(SignInForm { login: email.map(|email| Login { email, password, lasts }), callback_url })
        }
        _ => Err(AuthApiError::Validation(fields.issues)),
    }
}

/// What confirms a deletion.
pub(super) struct DeleteUserForm {
    pub(super) password: Option<String>,
    pub(super) token: Option<String>,
    pub(super) callback_url: Option<String>,
}

/// An address, and where a mailed link leads on to.
pub(super) struct EmailForm {
    pub(super) email: Email,
    pub(super) target: Option<String>,
}

pub(super) fn delete_user_form<T>(post: &Post<T>) -> Result<DeleteUserForm, AuthApiError> {
    let mut fields = FormFields::of(post, &["object"])?;
    let callback_url = fields.optional_text("callbackURL", MAX_IMAGE);
    let password = fields.optional_text("password", usize::MAX);
    let token = fields.optional_text("token", MAX_IMAGE);
    fields.finish(DeleteUserForm { password, token, callback_url })
}

/// Both fields have names of their own on each route: that of the address, and that of the target.
pub(super) fn email_form<T>(post: &Post<T>, email: &str, target: &str) -> Result<EmailForm, AuthApiError> {
    let mut fields = FormFields::of(post, &["object"])?;
    let email = fields.email(email);
    let target = fields.optional_text(target, MAX_IMAGE);
    match email {
        Some(email) if fields.issues.is_empty() => Ok(EmailForm { email, target }),
        _ => Err(AuthApiError::Validation(fields.issues)),
    }
}

pub(super) fn change_password_form<T>(post: &Post<T>) -> Result<PasswordChange, AuthApiError> {
    let mut fields = FormFields::of(post, &["object"])?;
    let new = fields.text("newPassword", usize::MAX);
    let current = fields.text("currentPassword", usize::MAX);
    let is_said = fields.object.contains_key("revokeOtherSessions");
    let ends_sessions = is_said.then(|| fields.switch("revokeOtherSessions", false));
    match (current, new, fields.issues.is_empty()) {
        (Some(current), Some(new), true) => Ok(PasswordChange { current, new, ends_sessions }),
        _ => Err(AuthApiError::Validation(fields.issues)),
    }
}

/// The new password, and the token if it is not in the query; an empty one is none.
pub(super) fn reset_form<T>(post: &Post<T>) -> Result<(String, Option<String>), AuthApiError> {
    let mut fields = FormFields::of(post, &["object"])?;
    let password = fields.text("newPassword", usize::MAX);
    let token = fields.optional_text("token", MAX_IMAGE);
    match password {
        Some(password) if fields.issues.is_empty() => Ok((password, token.filter(|it| !it.is_empty()))),
        _ => Err(AuthApiError::Validation(fields.issues)),
    }
}

/// The fields of a profile. Other fields are ignored, but an address is an error.
pub(super) fn update_user_form(record: &Map<String, Value>) -> Result<ProfilePatch, AuthApiError> {
    let mut fields = FormFields { object: record, issues: Vec::new() };
    if fields.object.get("email").is_some_and(is_truthy) {
        return Err(AuthApiError::EmailElsewhere);
    }
    let name = fields.object.contains_key("name").then(|| fields.user_name()).flatten();
    let image = match fields.object.get("image") {
        None => None,
        Some(Value::Null) => Some(None),
        Some(_) => fields.text("image", MAX_IMAGE).map(Some),
    };
    if name.is_none() && image.is_none() && fields.issues.is_empty() {
        return Err(AuthApiError::NothingToUpdate);
    }
    fields.finish(ProfilePatch { name, image })
}

/// What could be said to the provider of a login; there is none.
pub(super) fn sign_out_form<T>(post: &Post<T>) -> Result<(), AuthApiError> {
    if post.body().is_none() {
        return Ok(());
    }
    let mut fields = FormFields::of(post, &["object"])?;
    fields.optional_text("callbackURL", MAX_IMAGE);
    fields.switch("disableRedirect", false);
    fields.optional_text("state", MAX_IMAGE);
    fields.finish(())
}

/// A record, whatever is in it, which is all that a schema of fields that are declared elsewhere can ask for.
pub(super) fn record<T>(post: &Post<T>) -> Result<&Map<String, Value>, AuthApiError> {
    FormFields::of(post, &["record"]).map(|it| it.object)
}

/// Whether a provider is named; there is none that it could be.
pub(super) fn social_form<T>(post: &Post<T>) -> Result<(), AuthApiError> {
    let mut fields = FormFields::of(post, &["object"])?;
    fields.optional_text("callbackURL", MAX_IMAGE);
    if !fields.object.get("provider").is_some_and(Value::is_string) {
        fields.issues.push("[body.provider] Invalid input".into());
    }
    fields.finish(())
}

/// One field that must be there.
pub(super) fn required<T>(post: &Post<T>, name: &str) -> Result<String, AuthApiError> {
    let mut fields = FormFields::of(post, &["object"])?;
    fields.text(name, usize::MAX).ok_or(AuthApiError::Validation(fields.issues))
}

/// The parameters of a query string; the first value of a name counts.
pub(super) struct QueryParameters<'a>(&'a str);

impl<'a> QueryParameters<'a> {
    pub(super) fn of(uri: &'a Uri) -> Self {
        Self(uri.query().unwrap_or_default())
    }

    pub(super) fn get(&self, name: &str) -> Option<String> {
        let mut pairs = form_urlencoded::parse(self.0.as_bytes());
        pairs.find(|(it, _)| it == name).map(|(_, value)| value.into_owned())
    }

    pub(super) fn required(&self, name: &str) -> Result<String, AuthApiError> {
        self.get(name).ok_or_else(|| {
            let issue = format!("[query.{name}] Invalid input: expected string, received undefined");
            AuthApiError::Validation(vec![issue])
        })
    }
}

struct FormFields<'a> {
    object: &'a Map<String, Value>,
    issues: Vec<String>,
}

impl<'a> FormFields<'a> {
    /// `wanted`: what the route's schema calls an object, each of which has a message of its own.
    fn of<T>(post: &'a Post<T>, wanted: &[&str]) -> Result<Self, AuthApiError> {
        let Some(Value::Object(object)) = post.body() else {
            let found = kind(post.body());
            let issue = |it: &&str| format!("[body] Invalid input: expected {it}, received {found}");
            return Err(AuthApiError::Validation(wanted.iter().map(issue).collect()));
        };
        Ok(Self { object, issues: Vec::new() })
    }

    fn text(&mut self, name: &str, most: usize) -> Option<String> {
        let text = match self.object.get(name) {
            Some(Value::String(text)) => text,
            other => return self.issue(name, &format!("Invalid input: expected string, received {}", kind(other))),
        };
        if text.contains('\0') {
            return self.issue(name, "Invalid input: U+0000 is not allowed");
        }
        if text.chars().count() > most {
            return self.issue(name, &format!("Too big: expected string to have <={most} characters"));
        }
        Some(text.clone())
    }

    fn user_name(&mut self) -> Option<UserName> {
        let text = self.text("name", MAX_USER_NAME)?;
        UserName::parse(&text).or_else(|rule| self.issue("name", &format!("Invalid input: {rule}")).ok_or(())).ok()
    }

    /// A text that may be absent, but not null.
    fn optional_text(&mut self, name: &str, most: usize) -> Option<String> {
        self.object.get(name).and_then(|_| self.text(name, most))
    }

    fn email(&mut self, name: &str) -> Option<Email> {
        let text = self.text(name, usize::MAX)?;
        Email::parse(&text).or_else(|| self.issue(name, "Invalid email address"))
    }

    fn finish<T>(self, form: T) -> Result<T, AuthApiError> {
        if self.issues.is_empty() { Ok(form) } else { Err(AuthApiError::Validation(self.issues)) }
    }

    fn password(&mut self) -> Option<String> {
        let text = self.text("password", usize::MAX)?;
        if text.is_empty() {
            return self.issue("password", "Too small: expected string to have >=1 characters");
        }
        Some(text)
    }

    /// How long a session lasts that is to be remembered or not.
    fn session_length(&mut self) -> Duration {
        if self.switch("rememberMe", true) { SESSION_LIFETIME } else { NOT_REMEMBERED }
    }

    fn switch(&mut self, name: &str, default: bool) -> bool {
        match self.object.get(name) {
            None => default,
            Some(Value::Bool(is_on)) => *is_on,
            other => {
                let text = format!("Invalid input: expected boolean, received {}", kind(other));
                self.issue::<bool>(name, &text).unwrap_or(default)
            }
        }
    }

    fn issue<T>(&mut self, name: &str, text: &str) -> Option<T> {
        self.issues.push(format!("[body.{name}] {text}"));
        None
    }
}

/// Whether JavaScript takes it for true.
pub(super) fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(is_on) => *is_on,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}

fn kind(value: Option<&Value>) -> &'static str {
    match value {
        None => "undefined",
        Some(Value::Null) => "null",
        Some(Value::Bool(_)) => "boolean",
        Some(Value::Number(_)) => "number",
        Some(Value::String(_)) => "string",
        Some(Value::Array(_)) => "array",
        Some(Value::Object(_)) => "object",
    }
}
