//! Reading one variable after the other, and remembering what is wrong with each.

use std::{
    borrow::Cow, cell::RefCell, collections::BTreeSet, fs, net::IpAddr, ops::RangeInclusive, path::PathBuf,
    str::FromStr, time::Duration,
};

use ipnet::IpNet;
use tracing_subscriber::{EnvFilter, filter::LevelFilter};
use url::Url;

use super::{
    Config, Mistakes,
    choices::Environment,
    database_url::{Database, Postgres, VARIABLES},
    limits::{parts, shown},
    names::{self, Misnamed},
    origin, secret,
    secret::Secret,
    source::{self, BYTE_ORDER_MARK},
    weak::is_local,
};

const DEFAULT_DATABASE: &str = "sqlite://docket.db?mode=rwc";
const DEFAULT_ORIGIN: &str = "http://localhost:3000";
/// The front-ends of a developer. Who can serve a page there runs programs on this machine, which can do more than a page;
/// and cookies do not tell ports apart.
const LOCAL_ORIGINS: [&str; 3] = ["http://localhost:*", "http://127.0.0.1:*", "http://[::1]:*"];
/// Three lines for each migration are left out: a line says that they are applied.
const DEFAULT_LOG: &str = "info,sea_orm_migration=warn,sqlx::postgres::notice=warn";
/// Where Better Auth is below the URL that it is given, which may name that place too.
const AUTH_PATH: &str = "/api/auth";
/// What the paths of Docket itself begin with.
const OWN_PATHS: [&str; 13] = [
    ".well-known",
    "api",
    "app",
    "auth",
    "docs",
    "graphiql",
    "graphql",
    "guides",
    "health",
    "openapi.json",
    "schema.graphql",
    "tasks",
    "todos",
];

/// A source of variables, and the mistakes that were found in it.
pub(super) struct SettingsReader<V> {
    var: V,
    /// Every name that was asked for: the settings that there are.
    known: RefCell<BTreeSet<String>>,
    pub(super) mistakes: Vec<String>,
    /// What a setting is that is not set, where a kind of front-ends wants another value than the usual one.
    pub(super) profile: &'static [(&'static str, &'static str)],
}

impl<V: Fn(&str) -> Option<String>> SettingsReader<V> {
    pub(super) fn new(var: V) -> Self {
        Self { var, known: RefCell::default(), mistakes: Vec::new(), profile: &[] }
    }

    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.known.borrow_mut().insert(name.to_owned());
        let of_profile = || self.profile.iter().find(|(it, _)| *it == name).map(|(_, value)| (*value).to_owned());
        (self.var)(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()).or_else(of_profile)
    }

    /// The settings, if nothing is wrong with them.
    pub(super) fn finish(self, config: Config) -> Result<Config, Mistakes> {
        if self.mistakes.is_empty() { Ok(config) } else { Err(Mistakes(self.mistakes)) }
    }

    /// The names of all settings that were read.
    #[cfg(test)]
    pub(super) fn names(&self) -> BTreeSet<String> {
        self.known.borrow().clone()
    }

    /// Whether there is a setting of that name. To be asked when all were read.
    pub(super) fn knows(&self, name: &str) -> bool {
        self.known.borrow().contains(name)
    }

    /// Refuses names of ours that are no settings, and gives a warning for each that may be somebody else's.
    pub(super) fn check_names<'a>(&mut self, names: impl Iterator<Item = &'a str>) -> Vec<String> {
        let known = self.known.borrow();
        let is_set = |name: &str| (self.var)(name).is_some_and(|it| !it.trim().is_empty());
        let mut warnings = Vec::new();
        for name in names.filter(|name| !known.contains(*name)) {
            match names::examine(name, &known, is_set) {
                Some(Misnamed::Mistake(text)) => self.mistakes.push(text),
                Some(Misnamed::Warning(text)) => warnings.push(text),
                None => {}
            }
        }
        warnings
    }

    /// A text that may be kept in a file, which the variable with `_FILE` behind its name names.
    pub(super) fn secret_text(&mut self, name: &str) -> Option<String> {
        let file = self.text(&format!("{name}_FILE"));
        match (self.text(name), file) {
            (Some(_), Some(_)) => {
                self.mistake(&format!("{name}_FILE"), &format!("absent when {name} is set"));
                None
            }
            (None, Some(path)) => match fs::read_to_string(path) {
                Ok(text) => {
                    let text = text.trim_start_matches(BYTE_ORDER_MARK).trim();
                    if let Some(doubt) = source::doubt(text) {
                        self.mistakes.push(format!("{name}_FILE: the value {doubt}"));
                    }
                    Some(text.to_owned()).filter(|text| !text.is_empty())
                }
                Err(_) => {
                    self.mistake(&format!("{name}_FILE"), "a file that can be read");
                    None
                }
            },
            (text, None) => text,
        }
    }

    pub(super) fn mistake(&mut self, name: &str, wanted: &str) {
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

    /// A number of something, between two bounds.
    pub(super) fn number<T: TryFrom<u64>>(
        &mut self,
        name: &str,
        default: T,
        bounds: RangeInclusive<u64>,
        unit: &str,
    ) -> T {
        let Some(text) = self.text(name) else { return default };
        let number = text.parse().ok().filter(|number| bounds.contains(number));
        number.and_then(|number| T::try_from(number).ok()).unwrap_or_else(|| {
            self.mistake(name, &format!("a number of {unit} from {} to {}", bounds.start(), bounds.end()));
            default
        })
    }

    pub(super) fn milliseconds(&mut self, name: &str, default: u64, most: u64) -> Duration {
        Duration::from_millis(self.number(name, default, 0..=most, "milliseconds"))
    }

    /// Names and numbers with commas between, of which the problem says which is meant.
    pub(super) fn pairs<T: FromStr<Err = String>>(&mut self, name: &str, default: T, wanted: &str) -> T {
        match self.text(name).map(|text| text.parse()) {
            None => default,
            Some(Ok(value)) => value,
            Some(Err(problem)) => {
                self.mistake(name, &format!("{wanted}{problem}"));
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

    /// The database, and whether it was named.
    pub(super) fn database(&mut self) -> (Database, bool) {
        let given = self.secret_text("DATABASE_URL");
        let read = |url: &str| Database::parse(url, |name| self.text(name));
        let read = read(given.as_deref().unwrap_or(DEFAULT_DATABASE));
        // Whatever the database is, these are names of settings.
        VARIABLES.iter().for_each(|(name, _)| drop(self.text(name)));
        let database = read.unwrap_or_else(|faults| {
            self.mistakes.extend(faults.into_iter().map(|fault| format!("DATABASE_URL: {fault}")));
            Database::nowhere()
        });
        (database, given.is_some())
    }

    pub(super) fn listen_url(&mut self) -> Option<Postgres> {
        let url = self.secret_text("DATABASE_LISTEN_URL")?;
        let wanted = || vec!["must be a URL that starts with postgres: or postgresql:".to_owned()];
        match Postgres::parse(&url, |name| self.text(name)).unwrap_or_else(|| Err(wanted())) {
            Ok(postgres) => Some(postgres),
            Err(faults) => {
                self.mistakes.extend(faults.into_iter().map(|fault| format!("DATABASE_LISTEN_URL: {fault}")));
                None
            }
        }
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

    /// One of these words; none for the usual one.
    pub(super) fn one_of(&mut self, name: &str, usual: &str, others: &[&'static str]) -> Option<&'static str> {
        let text = self.text(name).filter(|it| it != usual)?;
        let known = others.iter().find(|it| **it == text).copied();
        if known.is_none() {
            self.mistake(name, &format!("{usual}, or one of {}", others.join(", ")));
        }
        known
    }

    pub(super) fn url(&mut self, name: &str) -> Option<Url> {
        let text = self.text(name)?;
        let url = Url::parse(&text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        if url.is_none() {
            self.mistake(name, "an http or https URL");
        }
        url
    }

    /// The URL that clients see. Its path is the one below which a proxy has Docket, without a slash at its end.
    pub(super) fn base_url(&mut self) -> Option<Url> {
        let mut url = self.url("BETTER_AUTH_URL")?;
        let is_bare = url.query().is_none() && url.fragment().is_none();
        let has_user = !url.username().is_empty() || url.password().is_some();
        let path = url.path().trim_end_matches('/');
        let path = path.strip_suffix(AUTH_PATH).unwrap_or(path).to_owned();
        if !is_bare || has_user || !is_prefix(&path) {
            let wanted = "the URL of a host, or of a path below which a proxy has Docket, such as \
                          https://app.example/docket: no parameters, letters and digits, and none of Docket's own paths";
            self.mistake("BETTER_AUTH_URL", wanted);
        }
        url.set_path(&path);
        Some(url)
    }

    /// The file of documents, and whether there are no others.
    pub(super) fn persisted(&mut self) -> (Option<PathBuf>, bool) {
        const FILE: &str = "DOCKET_PERSISTED_DOCUMENTS";
        const MODE: &str = "DOCKET_PERSISTED_MODE";
        let (file, is_only) = (self.text(FILE).map(PathBuf::from), self.either(MODE, "allow", "only"));
        if is_only && file.is_none() {
            self.mistake(MODE, &format!("absent without {FILE}: every document would be refused"));
        }
        (file, is_only)
    }

    /// Where traces are sent, by the one protocol that there is.
    pub(super) fn traces(&mut self) -> Option<Url> {
        let url = self.url("OTEL_EXPORTER_OTLP_ENDPOINT");
        for name in ["OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"] {
            if self.text(name).is_some_and(|it| it != "http/protobuf") && url.is_some() {
                self.mistake(name, "http/protobuf, which collectors take at port 4318");
            }
        }
        url
    }

    pub(super) fn log_filter(&mut self) -> String {
        const EXPECTED_FORM: &str = "a filter such as info or docket=debug,warn";
        let text = self.text("RUST_LOG").unwrap_or_else(|| DEFAULT_LOG.into());
        // A word alone would be a target, of which everything is logged, and of all others nothing.
        let is_level = |word: &str| word.is_empty() || word.contains('=') || word.parse::<LevelFilter>().is_ok();
        if let Some(word) = text.split(',').map(str::trim).find(|word| !is_level(word)) {
            self.mistake("RUST_LOG", &format!("{EXPECTED_FORM}; {} is no level", shown(word)));
        } else if EnvFilter::try_new(&text).is_err() {
            self.mistake("RUST_LOG", EXPECTED_FORM);
        }
        text
    }

    pub(super) fn smtp_url(&mut self) -> Option<Secret> {
        let text = self.secret_text("SMTP_URL")?;
        let url = Url::parse(&text).ok().filter(|url| matches!(url.scheme(), "smtp" | "smtps") && url.has_host());
        let Some(url) = url else {
            self.mistake("SMTP_URL", "a URL such as smtps://user:password@host");
            return Some(Secret::new(text));
        };
        // The transport leaves out what it does not know, and would send the password in plain text.
        let is_known = |(name, value): (Cow<'_, str>, Cow<'_, str>)| {
            url.scheme() == "smtp" && name == "tls" && matches!(&*value, "required" | "opportunistic")
        };
        if !url.query_pairs().all(is_known) || url.query_pairs().count() > 1 || url.fragment().is_some() {
            self.mistake("SMTP_URL", "without parameters, but for smtp://…?tls=required or ?tls=opportunistic");
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

    /// The parts of a list; nothing when it is not set.
    pub(super) fn list(&mut self, name: &str, wanted: &str) -> Vec<String> {
        let Some(text) = self.text(name) else { return Vec::new() };
        match parts(&text) {
            Some(parts) => parts.into_iter().map(str::to_owned).collect(),
            None => {
                self.mistake(name, wanted);
                Vec::new()
            }
        }
    }

    pub(super) fn networks(&mut self) -> Vec<IpNet> {
        const NAME: &str = "TRUSTED_PROXIES";
        const EXPECTED_FORM: &str = "addresses or networks such as 10.0.0.0/8, with commas between";
        let mut networks = Vec::new();
        for text in self.list(NAME, EXPECTED_FORM) {
            match text.parse().or_else(|_| text.parse().map(|address: IpAddr| IpNet::from(address))) {
                Ok(network) => networks.push(network),
                Err(_) => self.mistake(NAME, EXPECTED_FORM),
            }
        }
        networks
    }

    /// The origins of front-ends. Some are taken for granted, but not in production: all ports of the machine where a
    /// developer calls Docket there.
    pub(super) fn origins(&mut self, environment: Environment, base_url: Option<&Url>) -> Vec<String> {
        const NAME: &str = "CORS_ORIGINS";
        const EXPECTED_FORM: &str = "origins such as https://app.example or https://*.app.example, without a path and with \
                              commas between";
        if self.text(NAME).is_none() && environment != Environment::Production {
            let is_local = environment == Environment::Development && base_url.is_none_or(is_local);
            let origins = if is_local { LOCAL_ORIGINS.as_slice() } else { &[DEFAULT_ORIGIN] };
            return origins.iter().map(|it| (*it).to_owned()).collect();
        }
        let mut origins = Vec::new();
        for text in self.list(NAME, EXPECTED_FORM) {
            match origin::parse(&text) {
                Some(origin) => origins.push(origin),
                None => self.mistake(NAME, EXPECTED_FORM),
            }
        }
        origins
    }
}

/// Whether Docket can be below that path. One that begins as its own paths do would be taken for one of those.
fn is_prefix(path: &str) -> bool {
    let is_letter = |it: char| it.is_ascii_alphanumeric() || matches!(it, '-' | '_' | '.' | '~');
    let mut segments = path.split('/').skip(1);
    let is_own = segments.clone().next().is_some_and(|first| OWN_PATHS.contains(&first));
    !is_own && segments.all(|it| !it.is_empty() && it.chars().all(is_letter))
}
