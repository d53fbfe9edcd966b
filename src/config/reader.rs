//! Reading one variable after the other, and remembering what is wrong with each.

use std::{fs, net::IpAddr, str::FromStr};

use ipnet::IpNet;
use url::Url;

use super::{choices::Environment, secret, secret::Secret};

const DEFAULT_DATABASE: &str = "sqlite://docket.db?mode=rwc";
const DEFAULT_ORIGIN: &str = "http://localhost:3000";

/// A source of variables, and the mistakes that were found in it.
pub(super) struct Reader<V> {
    var: V,
    pub(super) mistakes: Vec<String>,
}

impl<V: Fn(&str) -> Option<String>> Reader<V> {
    pub(super) fn new(var: V) -> Self {
        Self { var, mistakes: Vec::new() }
    }

    pub(super) fn text(&self, name: &str) -> Option<String> {
        (self.var)(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    /// A text that may be kept in a file, which the variable with `_FILE` behind its name names.
    fn secret_text(&mut self, name: &str) -> Option<String> {
        let file = self.text(&format!("{name}_FILE"));
        match (self.text(name), file) {
            (Some(_), Some(_)) => {
                self.mistake(&format!("{name}_FILE"), &format!("absent when {name} is set"));
                None
            }
            (None, Some(path)) => match fs::read_to_string(path) {
                Ok(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
                Err(_) => {
                    self.mistake(&format!("{name}_FILE"), "a file that can be read");
                    None
                }
            },
            (text, None) => text,
        }
    }

    fn mistake(&mut self, name: &str, wanted: &str) {
        self.mistakes.push(format!("{name}: must be {wanted}"));
    }

    pub(super) fn parsed<T: FromStr>(&mut self, name: &str, default: T, wanted: &str) -> T {
        match self.text(name).map(|text| text.parse()) {
            None => default,
            Some(Ok(value)) => value,
            Some(Err(_)) => {
                self.mistake(name, wanted);
                default
            }
        }
    }

    /// A value that need not be given.
    pub(super) fn optional<T: FromStr>(&mut self, name: &str, wanted: &str) -> Option<T> {
        let value = self.text(name)?.parse().ok();
        if value.is_none() {
            self.mistake(name, wanted);
        }
        value
    }

    pub(super) fn database_url(&mut self) -> Secret {
        let given = self.secret_text("DATABASE_URL").unwrap_or_else(|| DEFAULT_DATABASE.into());
        let url = plain(&given);
        if !url.starts_with("sqlite:") && !is_postgres(&url) {
            self.mistake("DATABASE_URL", "a URL that starts with sqlite:, postgres: or postgresql:");
        }
        Secret::new(url)
    }

    pub(super) fn listen_url(&mut self) -> Option<Secret> {
        let url = plain(&self.secret_text("DATABASE_LISTEN_URL")?);
        if !is_postgres(&url) {
            self.mistake("DATABASE_LISTEN_URL", "a URL that starts with postgres: or postgresql:");
        }
        Some(Secret::new(url))
    }

    /// The secret, and whether development made it just now.
    pub(super) fn secret(&mut self, environment: Environment) -> (Secret, bool) {
        let given = self.secret_text("BETTER_AUTH_SECRET");
        match given.map(Secret::new) {
            Some(secret) => {
                if secret.is_weak() {
                    self.mistake("BETTER_AUTH_SECRET", "at least 32 bytes that nobody can guess");
                }
                return (secret, false);
            }
            None if environment == Environment::Development => match secret::kept() {
                Ok(Some(secret)) => return (secret, false),
                Ok(None) => {}
                Err(error) => self.mistakes.push(secret::unusable(&error)),
            },
            None => self.mistake("BETTER_AUTH_SECRET", "set, to at least 32 bytes that nobody can guess"),
        }
        (secret::made(), true)
    }

    /// Whether the second of two words was chosen instead of the first.
    pub(super) fn either(&mut self, name: &str, usual: &str, other: &str) -> bool {
        match self.text(name) {
            Some(text) if text == other => true,
            Some(text) if text != usual => {
                self.mistake(name, &format!("{usual} or {other}"));
                false
            }
            _ => false,
        }
    }

    pub(super) fn url(&mut self, name: &str) -> Option<Url> {
        let text = self.text(name)?;
        let url = Url::parse(&text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        if url.is_none() {
            self.mistake(name, "an http or https URL");
        }
        url
    }

    pub(super) fn smtp_url(&mut self) -> Option<Secret> {
        let text = self.secret_text("SMTP_URL")?;
        let is_url = Url::parse(&text).is_ok_and(|url| matches!(url.scheme(), "smtp" | "smtps") && url.has_host());
        if !is_url {
            self.mistake("SMTP_URL", "a URL such as smtps://user:password@host");
        }
        Some(Secret::new(text))
    }

    pub(super) fn mail_from(&mut self) -> String {
        let text = self.text("MAIL_FROM").unwrap_or_else(|| "Docket <docket@localhost>".into());
        if text.parse::<lettre::message::Mailbox>().is_err() {
            self.mistake("MAIL_FROM", "an address such as Docket <docket@app.example>");
        }
        text
    }

    pub(super) fn networks(&mut self) -> Vec<IpNet> {
        let listed = self.text("TRUSTED_PROXIES").unwrap_or_default();
        let mut networks = Vec::new();
        for text in listed.split(',').map(str::trim).filter(|text| !text.is_empty()) {
            match text.parse().or_else(|_| text.parse().map(|address: IpAddr| IpNet::from(address))) {
                Ok(network) => networks.push(network),
                Err(_) => {
                    self.mistake("TRUSTED_PROXIES", "addresses or networks such as 10.0.0.0/8, with commas between")
                }
            }
        }
        networks
    }

    pub(super) fn origins(&mut self) -> Vec<String> {
        let listed = self.text("CORS_ORIGINS").unwrap_or_else(|| DEFAULT_ORIGIN.into());
        let mut origins = Vec::new();
        for text in listed.split(',').map(str::trim).filter(|text| !text.is_empty()) {
            match Url::parse(text).map(|url| url.origin()) {
                Ok(origin) if origin.is_tuple() => origins.push(origin.ascii_serialization()),
                _ => self.mistake("CORS_ORIGINS", "origins such as https://app.example, with commas between"),
            }
        }
        origins
    }
}

/// The original's users have the name of their Python driver in the URL.
fn plain(url: &str) -> String {
    url.replacen("postgresql+asyncpg://", "postgresql://", 1)
}

fn is_postgres(url: &str) -> bool {
    ["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme))
}
