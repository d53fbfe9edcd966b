//! The only reader of the environment. Every setting is a field; every mistake is reported, all together.

mod choices;
mod database_url;
mod dotenv;
mod issuers;
mod legacy;
mod limits;
mod names;
mod origin;
mod quotas;
mod reader;
pub mod reference;
mod replicas;
mod rest;
mod secret;
mod source;
mod unused;
mod weak;

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    num::NonZero,
    path::PathBuf,
    thread,
    time::Duration,
};

use ipnet::IpNet;
use url::Url;

pub use self::{
    choices::{Environment, HttpEdition, JwtAlg, PasswordHash, SampleRatio},
    database_url::{Database, Postgres, SqliteFile},
    issuers::{TokenIssuer, TokenSettings, USER_CLAIMS, UserClaim},
    limits::Limits,
    quotas::Quotas,
    rest::RestSettings,
    secret::{SECRET_FILE, Secret},
    source::Chosen,
    weak::Weakness,
};
use self::{
    choices::{Host, Switch},
    reader::SettingsReader,
    source::Source,
};

/// How many days a key or a token may last at most.
const MAX_DAYS: u64 = 3650;

/// All settings, each with the variable that sets it; [`reference`] has defaults and bounds.
#[derive(Clone, Debug)]
pub struct Config {
    /// `DOCKET_ENV`: `development`, `staging` or `production`.
    pub environment: Environment,
    /// `HOST`: the address to listen on; `localhost` is 127.0.0.1.
    pub host: IpAddr,
    /// `PORT`: the port to listen on, 0 for a free one.
    pub port: u16,
    /// `DATABASE_URL`: a URL of SQLite's or PostgreSQL's; the file docket.db by default.
    pub database: Database,
    /// Whether `DATABASE_URL` was set.
    pub is_database_named: bool,
    /// `DATABASE_LISTEN_URL`: where instances hear from each other when `DATABASE_URL` leads to a pooler that gives
    /// each transaction another connection.
    pub database_listen: Option<Postgres>,
    /// `DATABASE_READ_URL`: replicas of `DATABASE_URL` at which the data of users is read, with commas between.
    pub database_reads: Vec<Postgres>,
    /// `DATABASE_MAX_CONNECTIONS`: how many connections there are, at least 4 on PostgreSQL.
    pub database_connections: u32,
    /// `TOKIO_WORKER_THREADS`: how many threads serve requests.
    pub workers: usize,
    /// `BETTER_AUTH_SECRET`: at least 32 bytes; development makes one and keeps it in the file .docket-secret.
    pub secret: Secret,
    /// Whether development made the secret just now.
    is_secret_new: bool,
    /// `BETTER_AUTH_URL`: the URL that clients see, of which `/api/auth` at the end is left out; its path is the one
    /// below which a proxy has Docket.
    pub base_url: Option<Url>,
    /// `CORS_ORIGINS`: origins of front-ends, or patterns such as `https://*.app.example`, with commas between.
    pub cors_origins: Vec<String>,
    /// `RATE_LIMIT`: `on` or `off`.
    pub rate_limit: bool,
    /// `DOCKET_REQUEST_LIMITS`: how much is answered in a minute, where `RATE_LIMIT` is on, if it differs from the usual,
    /// such as `user=6000, address=600`.
    pub quotas: Quotas,
    /// `JWT_ALG`: what signs access tokens: `EdDSA` or `HS256`.
    pub jwt_alg: JwtAlg,
    /// `JWT_KEY_DAYS`: after how many days a new key signs access tokens; 0 for never.
    pub jwt_key_days: u32,
    /// `PASSWORD_HASH`: what new passwords are hashed with: `argon2id`, or `scrypt` beside a Better Auth.
    pub password_hash: PasswordHash,
    /// `PASSWORD_CHECK`: `on` when new passwords may not be common or easy to guess.
    pub password_check: bool,
    /// `PASSWORD_WAIT_MS`: for how many milliseconds a password waits at most to be hashed before it is answered that
    /// there is too much to do.
    pub password_wait: Duration,
    /// `EMAIL_VERIFICATION`: `on` when nobody may sign in before a mailed link was followed.
    pub email_verification: bool,
    /// `DELETE_CONFIRMATION`: `on` when deleting an account takes a mailed link.
    pub delete_confirmation: bool,
    /// `SESSION_FRESH_AGE`: how many seconds a session counts as fresh, 0 for ever.
    pub session_fresh_age: u32,
    /// `CHANGE_EMAIL_CONFIRMATION`: `on` when a verified address gets a link first that confirms that it is to be
    /// changed.
    pub change_confirmation: bool,
    /// `PASSWORD_RESET_SESSIONS`: `keep` when other sessions go on after the password was set by a mailed link, or
    /// changed by a client that does not say whether they are to end, as Better Auth has it.
    pub reset_keeps_sessions: bool,
    /// `SMTP_URL`: the server that sends mail, such as `smtps://user:password@host`. Without it development writes
    /// mail to `MAIL_FOLDER` and the log, and other environments send none.
    pub smtp_url: Option<Secret>,
    /// `MAIL_FROM`: the sender of mail.
    pub mail_from: String,
    /// `MAIL_FOLDER`: where development writes mail.
    pub mail_folder: PathBuf,
    /// `TRUSTED_PROXIES`: addresses or networks whose `X-Forwarded-For` is trusted, with commas between.
    pub trusted_proxies: Vec<IpNet>,
    /// `DOCKET_LEGACY`: the kind of front-ends, which sets what they need and is not set: `fastapi`,
    /// `fastapi-envelope`, `fastapi-camel` or `nextjs`.
    pub legacy: Option<&'static str>,
    /// `DESCRIPTION_LENGTH`: how many characters a description of a task has at most, 1000 to 5000.
    pub max_description: usize,
    /// How the REST API looks to clients of the original back-ends.
    pub rest: RestSettings,
    /// Which access tokens are accepted that others sign.
    pub tokens: TokenSettings,
    /// `DOCKET_PLAYGROUND`: `on` or `off`, for the playground and introspection.
    pub playground: bool,
    /// `DOCKET_DOCS`: `on` or `off`, for `/docs` and `/openapi.json`.
    pub docs: bool,
    /// `DOCKET_APP`: `on` or `off`, for the app at `/app`.
    pub app: bool,
    /// `DOCKET_GRAPHQL_LIMITS`: limits of the GraphQL API that differ from the usual ones, such as
    /// `cost=40000, depth=10`.
    pub graphql_limits: Limits,
    /// `DOCKET_GRAPHQL_HTTP_PROFILE`: the edition of GraphQL over HTTP: `2025-05` or `2026-08`.
    pub graphql_http: HttpEdition,
    /// `DOCKET_PERSISTED_DOCUMENTS`: a file of documents by id, as graphql-codegen or Apollo's generator writes it.
    pub persisted_documents: Option<PathBuf>,
    /// `DOCKET_PERSISTED_MODE`: `allow` other documents too, or `only` those of the file.
    pub persisted_only: bool,
    /// `DOCKET_DRAIN_SECONDS`: how long requests are still taken after the signal to stop, so that a balancer notices.
    pub drain: Duration,
    /// `DOCKET_METRICS`: the address of a listener of its own that shows metrics to Prometheus, such as
    /// `127.0.0.1:9464`.
    pub metrics: Option<SocketAddr>,
    /// `OTEL_EXPORTER_OTLP_ENDPOINT`: where traces are sent by OTLP over HTTP, such as `http://localhost:4318`.
    pub traces: Option<Url>,
    /// `OTEL_TRACES_SAMPLER_ARG`: which share of the traces that begin here is sent.
    pub traces_share: SampleRatio,
    /// `DOCKET_INSTANCE`: what this instance is called in logs, metrics and traces.
    pub instance: String,
    /// `DOCKET_SLOW_STATEMENT_MS`: from how many milliseconds on a statement is logged as slow.
    pub slow_statement: Duration,
    /// `RUST_LOG`: what is logged, in the syntax of `tracing_subscriber::EnvFilter`.
    pub log_filter: String,
    /// Variables that are not read and look as if they should be, and settings that have no effect.
    pub warnings: Vec<String>,
}

/// Every mistake in the environment, a line each, by variable name and without the value.
#[derive(Debug, thiserror::Error)]
#[error("the configuration is not valid:\n  {}", .0.join("\n  "))]
pub struct Mistakes(pub Vec<String>);

impl Config {
    /// Reads the file `.env` of the working directory and the environment, which wins; what was chosen on the command line
    /// stands above both.
    pub fn from_env(chosen: &Chosen) -> Result<Self, Mistakes> {
        let mut config = Self::from_source(&Source::read(chosen)?)?;
        if config.workers == 0 {
            config.workers = thread::available_parallelism().map_or(1, NonZero::get);
        }
        Ok(config)
    }

    /// Reads the settings where it is known which variables there are, so that none is overlooked.
    fn from_source(source: &Source) -> Result<Self, Mistakes> {
        let mut read = SettingsReader::new(|name| source.value(name));
        let mut config = Self::read(&mut read);
        config.warnings = read.check_names(source.names());
        config.warnings.extend(source.unseen(|name| read.knows(name)));
        config.warnings.extend(config.unused_settings(source));
        let doubts = source.doubts(|name| read.knows(name));
        read.mistakes.extend(doubts);
        read.finish(config)
    }

    /// Reads the settings from any source of variables.
    pub fn from_vars(var: impl Fn(&str) -> Option<String>) -> Result<Self, Mistakes> {
        let mut read = SettingsReader::new(var);
        let config = Self::read(&mut read);
        read.finish(config)
    }

    fn read(read: &mut SettingsReader<impl Fn(&str) -> Option<String>>) -> Self {
        let legacy = read.read_profile();
        let environment = read.parsed("DOCKET_ENV", Environment::Development, "development, staging or production");
        let production = environment == Environment::Production;
        let (secret, is_secret_new) = read.secret(environment);
        let (database, is_database_named) = read.database();
        let base_url = read.base_url();
        let cors_origins = read.origins(environment, base_url.as_ref());
        let (persisted_documents, persisted_only) = read.persisted();
        Self {
            environment,
            host: read.parsed("HOST", Host(Ipv4Addr::LOCALHOST.into()), Host::FORM).0,
            port: read.parsed("PORT", 8000, "a port from 0 to 65535"),
            database_reads: read.replica_urls(&database),
            database,
            is_database_named,
            database_listen: read.listen_url(),
            database_connections: read.number("DATABASE_MAX_CONNECTIONS", 20, 1..=10_000, "connections"),
            workers: read.number("TOKIO_WORKER_THREADS", 0, 1..=1024, "threads"),
            secret,
            is_secret_new,
            base_url,
            cors_origins,
            rate_limit: read.parsed("RATE_LIMIT", Switch(production), "on or off").0,
            quotas: read.pairs("DOCKET_REQUEST_LIMITS", Quotas::default(), "names and numbers such as user=6000"),
            jwt_alg: read.parsed("JWT_ALG", JwtAlg::EdDsa, "EdDSA or HS256"),
            jwt_key_days: read.number("JWT_KEY_DAYS", 0, 0..=MAX_DAYS, "days"),
            password_hash: read.parsed("PASSWORD_HASH", PasswordHash::Argon2id, "argon2id or scrypt"),
            password_check: read.parsed("PASSWORD_CHECK", Switch(false), "on or off").0,
            password_wait: read.milliseconds("PASSWORD_WAIT_MS", 1000, 60_000),
            email_verification: read.parsed("EMAIL_VERIFICATION", Switch(false), "on or off").0,
            delete_confirmation: read.parsed("DELETE_CONFIRMATION", Switch(false), "on or off").0,
            session_fresh_age: read.number("SESSION_FRESH_AGE", 86_400, 0..=31_536_000, "seconds"),
            change_confirmation: read.parsed("CHANGE_EMAIL_CONFIRMATION", Switch(true), "on or off").0,
            reset_keeps_sessions: read.either("PASSWORD_RESET_SESSIONS", "end", "keep"),
            smtp_url: read.smtp_url(),
            mail_from: read.mail_from(),
            mail_folder: read.text("MAIL_FOLDER").unwrap_or_else(|| ".docket-mail".into()).into(),
            trusted_proxies: read.networks(),
            legacy,
            max_description: read.number("DESCRIPTION_LENGTH", 1000, 1000..=5000, "characters"),
            rest: RestSettings::read(read),
            tokens: TokenSettings::read(read),
            playground: read.parsed("DOCKET_PLAYGROUND", Switch(!production), "on or off").0,
            docs: read.parsed("DOCKET_DOCS", Switch(true), "on or off").0,
            app: read.parsed("DOCKET_APP", Switch(!production), "on or off").0,
            graphql_limits: read.pairs("DOCKET_GRAPHQL_LIMITS", Limits::default(), Limits::FORM),
            graphql_http: read.parsed("DOCKET_GRAPHQL_HTTP_PROFILE", HttpEdition::May2025, "2025-05 or 2026-08"),
            persisted_documents,
            persisted_only,
            drain: Duration::from_secs(read.number("DOCKET_DRAIN_SECONDS", environment.drain(), 0..=300, "seconds")),
            metrics: read.optional("DOCKET_METRICS", "an address and port such as 127.0.0.1:9464"),
            traces: read.traces(),
            traces_share: read.parsed("OTEL_TRACES_SAMPLER_ARG", SampleRatio::default(), "a share from 0 to 1"),
            instance: read.text("DOCKET_INSTANCE").or(read.text("HOSTNAME")).unwrap_or_else(|| "docket".into()),
            slow_statement: read.milliseconds("DOCKET_SLOW_STATEMENT_MS", 200, 3_600_000),
            log_filter: read.log_filter(),
            warnings: Vec::new(),
        }
    }

    /// Whether people see what this server has: its first page and the guides.
    pub fn has_guides(&self) -> bool {
        self.playground || self.app
    }

    /// Keeps a secret that development made for the next start; to be done before anything is signed or sealed by it.
    pub fn keep_secret(&mut self) -> Result<(), Mistakes> {
        if self.is_secret_new {
            self.secret =
                secret::keep(self.secret.clone()).map_err(|error| Mistakes(vec![secret::unusable(&error)]))?;
            self.is_secret_new = false;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
