//! Reading the fields of a body, all of them, so that one answer names every issue in Better Auth's words.

use serde_json::{Map, Value};

use super::{failure::Failure, post::Post};
use crate::{
    error::Error,
    service::auth::{Email, Login, Registration},
};

/// How many characters a name has at most.
const MAX_NAME: usize = 255;
/// How many characters the URL of a picture has at most.
const MAX_IMAGE: usize = 2048;

/// What somebody signs in with.
pub(super) struct SignInForm {
    /// An address of a wrong form has a code of its own, which the handler answers after all other checks.
    pub(super) login: Result<Login, Error>,
    pub(super) callback_url: Option<String>,
}

/// The fields of a sign-up.
pub(super) fn sign_up_form<T>(post: &Post<T>) -> Result<Registration, Failure> {
    let mut fields = Fields::of(post, true)?;
    let name = fields.text("name", MAX_NAME);
    let email = fields.email();
    let password = fields.password();
    let image = fields.optional_text("image", MAX_IMAGE);
    let is_remembered = fields.switch("rememberMe", true);
    fields.optional_text("callbackURL", MAX_IMAGE);
    match (name, email, password, fields.issues.is_empty()) {
        (Some(name), Some(email), Some(password), true) => {
            Ok(Registration { name, email, password, image, is_remembered })
        }
        _ => Err(Failure::Validation(fields.issues)),
    }
}

/// The fields of a sign-in.
pub(super) fn sign_in_form<T>(post: &Post<T>) -> Result<SignInForm, Failure> {
    let mut fields = Fields::of(post, false)?;
    let email = fields.text("email", usize::MAX);
    let password = fields.text("password", usize::MAX);
    let callback_url = fields.optional_text("callbackURL", MAX_IMAGE).filter(|it| !it.is_empty());
    let is_remembered = fields.switch("rememberMe", true);
    match (email, password, fields.issues.is_empty()) {
        (Some(email), Some(password), true) => {
            let email = Email::parse(&email).ok_or(Error::InvalidEmail);
            Ok(SignInForm { login: email.map(|email| Login { email, password, is_remembered }), callback_url })
        }
        _ => Err(Failure::Validation(fields.issues)),
    }
}

/// The password that confirms a deletion, if one was given.
pub(super) fn delete_user_form<T>(post: &Post<T>) -> Result<Option<String>, Failure> {
    let mut fields = Fields::of(post, false)?;
    let password = fields.optional_text("password", usize::MAX);
    if fields.issues.is_empty() { Ok(password) } else { Err(Failure::Validation(fields.issues)) }
}

struct Fields<'a> {
    object: &'a Map<String, Value>,
    issues: Vec<String>,
}

impl<'a> Fields<'a> {
    /// `is_record`: the schema also asks for a record, which has a message of its own.
    fn of<T>(post: &'a Post<T>, is_record: bool) -> Result<Self, Failure> {
        match post.body() {
            Some(Value::Object(object)) => Ok(Self { object, issues: Vec::new() }),
            other => {
                let kind = kind(other);
                let mut issues = vec![format!("[body] Invalid input: expected object, received {kind}")];
                if is_record {
                    issues.push(format!("[body] Invalid input: expected record, received {kind}"));
                }
                Err(Failure::Validation(issues))
            }
        }
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

    fn optional_text(&mut self, name: &str, most: usize) -> Option<String> {
        self.object.get(name).filter(|it| !it.is_null()).and_then(|_| self.text(name, most))
    }

    fn email(&mut self) -> Option<Email> {
        let text = self.text("email", usize::MAX)?;
        Email::parse(&text).or_else(|| self.issue("email", "Invalid email address"))
    }

    fn password(&mut self) -> Option<String> {
        let text = self.text("password", usize::MAX)?;
        if text.is_empty() {
            return self.issue("password", "Too small: expected string to have >=1 characters");
        }
        Some(text)
    }

    fn switch(&mut self, name: &str, default: bool) -> bool {
        match self.object.get(name) {
            None | Some(Value::Null) => default,
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
