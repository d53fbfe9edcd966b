//! `docket doctor`: looks at the configuration and at everything it leads to, and says what to do. Nothing is changed but
//! by [`fix()`].

mod fix;

use std::{fmt, time::Instant};

use chrono::{TimeDelta, Utc};

pub use self::fix::fix;
use crate::{
    config::{Config, Database, Environment, JwtAlg, SqliteFile},
    db::{self, AuthTables, Db},
    error::{Error, causes},
    mail::Mailer,
    proof::{self, Checkup, Extent},
    server::base_url,
    service::Services,
};

/// How far the clocks of this machine and of the database may be apart.
const APART: TimeDelta = TimeDelta::seconds(2);

/// How well something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// As it should be.
    Good,
    /// It works, and should be looked at.
    Doubtful,
    /// It does not work.
    Bad,
    /// It was mended just now.
    Done,
}

/// Something that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How well it is.
    pub level: Level,
    /// What it is.
    pub what: &'static str,
    /// What was found, and what to do about it.
    pub text: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.level {
            Level::Good => "good",
            Level::Doubtful => "look",
            Level::Bad => "BAD ",
            Level::Done => "done",
        };
        write!(formatter, "{level}  {:<14}{}", self.what, self.text)
    }
}

/// Looks at everything.
pub async fn examine(config: &Config) -> Vec<Finding> {
    let mut findings = configuration(config);
    match database(config).await {
        Ok((found, Some(db))) => {
            findings.extend(found);
            findings.push(keys(config, db).await.unwrap_or_else(|error| bad("keys", causes(&error))));
        }
        Ok((found, None)) => findings.extend(found),
        Err(error) => findings.push(match db::file::path(config) {
            // What is wrong with a file is said with its name.
            Some(_) => bad("database", causes(&error)),
            None => {
                let (cause, advice) =
                    (causes(&error), "is the server there, and are name and password in DATABASE_URL right?");
                bad("database", if cause.contains("pooler") { cause } else { format!("{cause}; {advice}") })
            }
        }),
    }
    findings.extend(files(config));
    findings.push(mail(config).await);
    findings.push(origins(config));
    findings.push(rest(config));
    findings
}

fn configuration(config: &Config) -> Vec<Finding> {
    let weak = config.weaknesses().into_iter().map(|it| it.to_string());
    let all: Vec<Finding> =
        weak.chain(config.warnings.iter().cloned()).map(|it| doubtful("configuration", it)).collect();
    if all.is_empty() {
        return vec![good("configuration", format!("{}, and nothing to say against it", config.environment))];
    }
    all
}

/// What is found, and the database, if it is there and has its tables.
async fn database(config: &Config) -> Result<(Vec<Finding>, Option<Db>), Error> {
    if let Database::Sqlite(file) = &config.database
        && db::file::is_empty(&file.path)
    {
        return Ok((vec![absent(file)], None));
    }
    let db = db::connect(config).await?;
    let start = Instant::now();
    db.ping().await?;
    let time = start.elapsed();
    let found = proof::checkup(&db).await?;
    let version = found.version.split(" on ").next().unwrap_or_default();
    let mut findings = vec![match (&found.damage, found.volatile) {
        (Some(damage), _) => bad("database", damage.clone()),
        (None, Some(why)) => doubtful("database", format!("{why}: what was answered may be lost with the power")),
        (None, None) => good("database", format!("{version}, answers in {time:.1?}")),
    }];
    if found.is_superuser {
        let advice = "Docket's role is a superuser; give it one that owns its database and no more";
        findings.push(doubtful("database", advice.to_owned()));
    }
    if let Some(limit) = found.connections.filter(|limit| i64::from(*limit) <= i64::from(config.database_connections)) {
        let wanted = config.database_connections;
        let advice = format!(
            "DATABASE_MAX_CONNECTIONS is {wanted} and one more listens, but Docket's role may have {limit}, of all \
             instances together: fewer are used; raise the limit or lower the setting"
        );
        findings.push(doubtful("database", advice));
    }
    if let Some(difference) = db.auth_tables().and_then(AuthTables::difference) {
        findings.push(good("accounts", format!("the tables are a Better Auth's: {difference}")));
    }
    findings.extend(proof::obstacles(&db, Extent::Whole).await?.into_iter().flatten().map(|it| bad("database", it)));
    findings.extend(proof::warnings(&db).await?.into_iter().map(|it| doubtful("database", it)));
    if config.database_listen.is_some() {
        findings.push(match db.notifier().send_echo().await {
            Ok(()) if let Some(obstacle) = db.listening_obstacle().await? => bad("listening", obstacle.to_owned()),
            Ok(()) => good("listening", "the server of DATABASE_LISTEN_URL takes notifications".to_owned()),
            Err(error) => bad("listening", format!("DATABASE_LISTEN_URL: {}", causes(&error))),
        });
    }
    for (address, found) in db.look_at_replicas().await {
        findings.push(match found {
            Ok(lag) => good("replica", format!("{address} is read, {lag:.1?} behind")),
            Err(reason) => doubtful("replica", format!("DATABASE_READ_URL: {address} is not read: {reason}")),
        });
    }
    findings.push(migrations(&found));
    findings.push(clock(&found));
    let is_usable = found.pending == 0 && found.unknown.is_empty();
    Ok((findings, is_usable.then_some(db)))
}

/// What is said of a file that is not there, or in which is nothing.
fn absent(file: &SqliteFile) -> Finding {
    let path = file.path.display();
    if let Some(why) = db::file::without_log(&file.path) {
        return bad("database", format!("{path}: {why}; a server that still runs has lost it"));
    }
    if let Some(why) = db::file::out_of_reach(&file.path) {
        return bad("database", format!("{path}: {why}"));
    }
    let is = if file.path.exists() { "is empty" } else { "is not there" };
    if !file.path.exists() && !file.may_be_made {
        return bad("database", format!("{path} {is}, and its mode in DATABASE_URL makes none"));
    }
    if db::file::was_there(&file.path) {
        let advice = "if nobody meant that, restore a backup; the next start begins anew";
        return doubtful("database", format!("{path} {is}, and Docket has worked with it: {advice}"));
    }
    good("database", format!("{path} {is} yet; the first start makes it"))
}

fn migrations(found: &Checkup) -> Finding {
    match (found.unknown.first(), found.pending) {
        (Some(newest), _) => bad(
            "migrations",
            format!("the schema was made by a newer Docket ({newest}): run that one, or restore a backup of before"),
        ),
        (None, 0) => good("migrations", "all applied".to_owned()),
        (None, pending) if !found.may_create => bad(
            "migrations",
            format!(
                "{pending} to be applied, and Docket's role may make no tables in the schema of its search_path: run \
                 docket migrate as a role that may"
            ),
        ),
        (None, pending) => {
            doubtful("migrations", format!("{pending} to be applied: start Docket, or run docket migrate"))
        }
    }
}

fn clock(found: &Checkup) -> Finding {
    let apart = (Utc::now() - found.clock).abs();
    if apart > APART {
        let advice = "tokens and sessions go by this machine's: set both by NTP";
        return bad("clock", format!("{} s from the database's; {advice}", apart.num_seconds()));
    }
    good("clock", format!("{} ms from the database's", apart.num_milliseconds()))
}

async fn keys(config: &Config, db: Db) -> Result<Finding, Error> {
    if config.jwt_alg == JwtAlg::Hs256 {
        return Ok(good("keys", "access tokens are signed with BETTER_AUTH_SECRET (HS256)".to_owned()));
    }
    let services = Services::new(db, config, &base_url(config, config.port)?)?;
    let (all, opened) = services.auth().count_keys().await?;
    services.close().await?;
    Ok(match (all, opened) {
        (0, _) => good("keys", "none yet; the first token makes one".to_owned()),
        (_, 0) => bad(
            "keys",
            "none can be opened: BETTER_AUTH_SECRET is not the one they were sealed with; tokens will get a new key"
                .to_owned(),
        ),
        (all, opened) => good("keys", format!("{opened} of {all} can sign")),
    })
}

/// Files that others on this machine may read and should not.
fn files(config: &Config) -> impl Iterator<Item = Finding> {
    fix::open_files(config).into_iter().map(|path| {
        let path = path.display();
        let advice = "which holds sessions or the secret: docket doctor --fix, or chmod 600";
        doubtful("files", format!("others on this machine may read {path}, {advice} {path}"))
    })
}

async fn mail(config: &Config) -> Finding {
    let mailer = match Mailer::new(config) {
        Ok(mailer) => mailer,
        Err(error) => return bad("mail", causes(&error)),
    };
    match mailer.reach().await {
        Ok(place) if mailer.is_on() => good("mail", place),
        Ok(nowhere) => doubtful("mail", nowhere),
        Err(problem) => bad("mail", problem),
    }
}

fn origins(config: &Config) -> Finding {
    let base =
        config.base_url.as_ref().map_or_else(|| "localhost".to_owned(), |url| url.origin().ascii_serialization());
    match config.cors_origins.as_slice() {
        [] => doubtful("origins", format!("clients see {base}; CORS_ORIGINS allows no front-end elsewhere")),
        all => good("origins", format!("clients see {base}; front-ends at {}", all.join(", "))),
    }
}

fn rest(config: &Config) -> Finding {
    let kind = config.legacy.map_or_else(String::new, |name| format!("for front-ends of the kind {name}: "));
    // See docs/rest.md#what-the-log-names.
    let is_named = config.environment == Environment::Development;
    let log =
        if is_named { "; where another setting would help a request, its line of the log has setting=" } else { "" };
    match config.rest_differences().as_slice() {
        [] => good("REST", format!("{kind}the usual shapes and paths{log}")),
        all => good("REST", format!("{kind}{}{log}", all.join(", "))),
    }
}

fn good(what: &'static str, text: String) -> Finding {
    Finding { level: Level::Good, what, text }
}

fn doubtful(what: &'static str, text: String) -> Finding {
    Finding { level: Level::Doubtful, what, text }
}

fn bad(what: &'static str, text: String) -> Finding {
    Finding { level: Level::Bad, what, text }
}
