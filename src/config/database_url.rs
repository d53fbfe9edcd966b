//! What `DATABASE_URL` may say: PostgreSQL's URLs as libpq, SQLAlchemy and Node write them, and SQLite's files. What is
//! not understood is refused by its name; a value is never repeated.

mod scheme;

use std::{
    collections::BTreeMap,
    fs::File,
    net::{IpAddr, Ipv6Addr},
    path::{Path, PathBuf},
};

use percent_encoding::percent_decode_str;
use url::form_urlencoded;

use super::Secret;

/// Where the data is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Database {
    /// A file of SQLite's.
    Sqlite(SqliteFile),
    /// A PostgreSQL server.
    Postgres(Postgres),
}

/// A file of SQLite's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqliteFile {
    /// Where it is; a path that is not absolute begins in the working directory.
    pub path: PathBuf,
    /// Whether it is made when it is not there: not with `mode=rw`.
    pub may_be_made: bool,
}

/// A PostgreSQL server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Postgres {
    /// The URL in the form that the driver understands as it is meant.
    pub url: Secret,
    /// Host and port, or the folder of the socket, for messages.
    pub address: String,
}

/// What is wrong with a URL, a sentence each, without any value of it.
type Faults = Vec<String>;

/// The variables that PostgreSQL's programs take what the URL leaves out from, with the parameters that they stand for.
pub(super) const VARIABLES: [(&str, &str); 24] = [
    ("PGHOSTADDR", "hostaddr"),
    ("PGHOST", "host"),
    ("PGPORT", "port"),
    ("PGUSER", "user"),
    ("PGPASSWORD", "password"),
    ("PGDATABASE", "dbname"),
    ("PGSSLMODE", "sslmode"),
    ("PGSSLROOTCERT", "sslrootcert"),
    ("PGSSLCERT", "sslcert"),
    ("PGSSLKEY", "sslkey"),
    ("PGAPPNAME", "application_name"),
    ("PGOPTIONS", "options"),
    ("PGCHANNELBINDING", "channel_binding"),
    ("PGGSSENCMODE", "gssencmode"),
    ("PGTARGETSESSIONATTRS", "target_session_attrs"),
    ("PGSSLNEGOTIATION", "sslnegotiation"),
    ("PGSERVICE", "service"),
    ("PGREQUIREAUTH", "require_auth"),
    ("PGREQUIREPEER", "requirepeer"),
    ("PGREQUIRESSL", "requiressl"),
    ("PGSSLCRL", "sslcrl"),
    ("PGSSLCRLDIR", "sslcrldir"),
    ("PGSSLMINPROTOCOLVERSION", "ssl_min_protocol_version"),
    ("PGSSLMAXPROTOCOLVERSION", "ssl_max_protocol_version"),
];

const MODES: [&str; 6] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

impl Database {
    /// Reads the URL; `variable` gives what it leaves out.
    pub(super) fn parse(url: &str, variable: impl Fn(&str) -> Option<String>) -> Result<Self, Faults> {
        if let Some(rest) = url.strip_prefix("sqlite:") {
            return SqliteFile::parse(rest, false).map(Self::Sqlite).map_err(|fault| vec![fault]);
        }
        for driver in ["sqlite+aiosqlite:", "sqlite+pysqlite:"] {
            if let Some(rest) = url.strip_prefix(driver) {
                return SqliteFile::parse(rest, true).map(Self::Sqlite).map_err(|fault| vec![fault]);
            }
        }
        match Postgres::parse(url, variable) {
            Some(parsed) => parsed.map(Self::Postgres),
            None => Err(vec!["must be a URL that starts with sqlite:, postgres: or postgresql:".to_owned()]),
        }
    }
}

impl Database {
    /// What stands for a database that cannot be read from its URL, until that is reported.
    pub(super) fn nowhere() -> Self {
        Self::Sqlite(SqliteFile { path: PathBuf::new(), may_be_made: false })
    }
}

impl SqliteFile {
    /// Reads what follows the scheme. SQLAlchemy, whose URLs name a driver, counts a fourth slash as the begin of an
    /// absolute path; to others three slashes are one already.
    fn parse(rest: &str, is_sqlalchemy: bool) -> Result<Self, String> {
        check_encoding(rest)?;
        let (path, parameters) = rest.split_once('?').unwrap_or((rest, ""));
        let (is_unsure, path) = path.strip_prefix("//").map_or((false, path), |path| (true, path));
        let path = percent_decode_str(path).decode_utf8().map_err(|_| "must be UTF-8".to_owned())?;
        let path = match path.strip_prefix('/').filter(|_| is_unsure) {
            Some(absolute) if absolute.starts_with('/') => absolute,
            Some(relative) if is_sqlalchemy || relative.starts_with("./") || relative.starts_with("../") => relative,
            Some("") => "",
            Some(_) if !is_absolute(&path) => {
                let advice = "write sqlite:///./x.db for a file that is found from the working directory, or \
                              sqlite:////folder/x.db for one that is found from the root";
                return Err(format!("leads to a folder or file that is not there; {advice}"));
            }
            _ => &path,
        };
        if path.is_empty() || path == ":memory:" || path.starts_with("file:") || path.contains('\0') {
            return Err("must name a file: there is no database in memory".to_owned());
        }
        if path.ends_with('/') || Path::new(path).is_dir() {
            return Err("must name a file, and names a folder".to_owned());
        }
        let mut may_be_made = true;
        for (name, value) in form_urlencoded::parse(parameters.as_bytes()) {
            match (&*name, &*value) {
                ("mode", "rwc") => may_be_made = true,
                ("mode", "rw") => may_be_made = false,
                ("mode", _) => return Err("has a mode that cannot be kept: rwc or rw".to_owned()),
                (name, _) => return Err(unknown(name)),
            }
        }
        Ok(Self { path: path.into(), may_be_made })
    }
}

/// Whether a path behind three slashes is one from the root: SQLAlchemy's begin in the working directory, and nothing
/// is to be made at the root by mistake.
fn is_absolute(path: &str) -> bool {
    let path = Path::new(path);
    match path.parent() {
        Some(folder) if folder != Path::new("/") => folder.is_dir(),
        _ => path.exists(),
    }
}

impl Postgres {
    /// Reads a URL of PostgreSQL's; none if it is something else.
    pub(super) fn parse(url: &str, variable: impl Fn(&str) -> Option<String>) -> Option<Result<Self, Faults>> {
        let Some(rest) = scheme::behind(url) else {
            return scheme::advice(url).map(|fault| Err(vec![fault.to_owned()]));
        };
        let mut read = Parameters::default();
        match check_encoding(rest) {
            Ok(()) => read.url(rest),
            Err(fault) => read.faults.push(fault),
        }
        for (name, parameter) in VARIABLES {
            if !read.known.contains_key(parameter)
                && let Some(value) = variable(name).filter(|it| !it.is_empty())
                && let Err(fault) = read.set(parameter, value)
            {
                read.faults.push(format!("{fault} ({name})"));
            }
        }
        Some(read.finish())
    }
}

/// The parameters of a URL, by the names that libpq has for them.
#[derive(Default)]
struct Parameters {
    known: BTreeMap<String, String>,
    faults: Faults,
}

impl Parameters {
    /// Reads what follows the scheme.
    fn url(&mut self, rest: &str) {
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, behind) = rest.split_at(end);
        let (path, parameters) = behind.split_once('?').unwrap_or((behind, ""));
        let is_port = |port: &str| port.bytes().all(|it| it.is_ascii_digit()) || port.contains(']');
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        let is_cut = !host.rsplit_once(':').is_none_or(|(_, port)| is_port(port));
        if behind.contains('#') || (is_cut && behind.contains('@')) {
            let fault = "has a / ? # or @ in user name or password that must be percent-encoded (%2F %3F %23 %40)";
            return self.faults.push(fault.to_owned());
        }
        let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (user, password) = user.split_once(':').unwrap_or((user, ""));
        let (host, port) = match host.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, port),
            _ => (host, ""),
        };
        let host = host.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or(host);
        let parts = [("user", user), ("password", password), ("host", host), ("port", port)];
        for (name, part) in parts.into_iter().chain([("dbname", path.trim_start_matches('/'))]) {
            match percent_decode_str(part).decode_utf8() {
                Ok(value) if value.is_empty() => {}
                Ok(value) => self.add(name, value.into_owned()),
                Err(_) => self.faults.push(format!("has a {name} that is not UTF-8")),
            }
        }
        for (name, value) in form_urlencoded::parse(parameters.as_bytes()) {
            self.add(&name, value.into_owned());
        }
    }

    fn add(&mut self, name: &str, value: String) {
        if let Err(fault) = self.set(name, value) {
            self.faults.push(fault);
        }
    }

    /// Takes one parameter, or says what is wrong with it.
    fn set(&mut self, name: &str, value: String) -> Result<(), String> {
        let (name, value) = match name {
            "ssl" => ("sslmode", mode(&value).to_owned()),
            // As Node has it: encrypted, whoever answers.
            "ssl-mode" | "sslmode" if value == "no-verify" => ("sslmode", "require".to_owned()),
            "ssl-mode" => ("sslmode", value),
            "ssl-root-cert" | "ssl-ca" => ("sslrootcert", value),
            "ssl-cert" => ("sslcert", value),
            "ssl-key" => ("sslkey", value),
            "database" => ("dbname", value),
            "username" => ("user", value),
            name => (name, value),
        };
        let is_number = || value.parse::<u32>().is_ok();
        let is_good = match name {
            "user" | "password" | "dbname" | "application_name" | "options" => !value.contains('\0'),
            "sslrootcert" | "sslcert" | "sslkey" if !is_certificate(name, &value) => {
                return Err(format!("has an {name} that names no file that can be read"));
            }
            "sslrootcert" | "sslcert" | "sslkey" => true,
            "host" => is_host(&value),
            "hostaddr" => value.parse::<IpAddr>().is_ok(),
            "port" => value.parse::<u16>().is_ok_and(|port| port > 0),
            "sslmode" => MODES.contains(&value.as_str()),
            "statement-cache-capacity" => is_number(),
            // What is kept anyway, and not for the driver: a connection is given up after two seconds.
            "connect_timeout" => is_number(),
            "channel_binding" => matches!(&*value, "prefer" | "disable"),
            "gssencmode" => matches!(&*value, "prefer" | "disable"),
            "sslnegotiation" => value == "postgres",
            "target_session_attrs" => matches!(&*value, "any" | "read-write" | "primary"),
            "client_encoding" => matches!(&*value.to_ascii_lowercase(), "utf8" | "utf-8" | "auto"),
            name if name.starts_with("options[") && name.ends_with(']') => true,
            name => return Err(unknown(name)),
        };
        if !is_good {
            // As managed databases hand it out.
            let advice = match (name, &*value) {
                ("host" | "hostaddr" | "port", value) if value.contains(',') => {
                    ": several servers are named; name the primary alone, or what leads to it"
                }
                ("channel_binding", "require") => ": leave it out, and keep sslmode=verify-full",
                ("target_session_attrs", _) => ": leave it out, and name the primary",
                _ => "",
            };
            return Err(format!("has a {name} that is not understood, or that cannot be kept{advice}"));
        }
        match self.known.insert(name.to_owned(), value) {
            Some(before) if before != self.known[name] => Err(format!("has {name} twice")),
            _ => Ok(()),
        }
    }

    /// The URL for the driver, which understands everything as a parameter.
    fn finish(mut self) -> Result<Postgres, Faults> {
        let mode = self.known.get("sslmode").map(String::as_str);
        let is_strict = mode.is_some_and(|mode| mode.starts_with("verify"));
        match self.known.get("sslrootcert").map(String::as_str) {
            // Those that the driver brings along.
            Some("system") => {
                if mode.is_some_and(|mode| mode != "verify-full") {
                    self.faults.push("has an sslmode that is too weak for sslrootcert=system: verify-full".to_owned());
                }
                self.known.remove("sslrootcert");
                self.known.insert("sslmode".to_owned(), "verify-full".to_owned());
            }
            // As libpq has it: who names a root certificate wants it to count.
            Some(_) if mode == Some("require") => {
                self.known.insert("sslmode".to_owned(), "verify-ca".to_owned());
            }
            Some(_) if !is_strict => {
                self.faults.push("has an sslrootcert without an sslmode that uses it: verify-full".to_owned());
            }
            _ => {}
        }
        if let Some(address) = self.known.remove("hostaddr") {
            // A certificate would be compared with the address instead of the name.
            if is_strict && self.known.contains_key("host") {
                self.faults.push("has a hostaddr beside a host whose certificate is to be verified".to_owned());
            }
            self.known.insert("host".to_owned(), address);
        }
        if !self.faults.is_empty() {
            return Err(self.faults);
        }
        let address = address(&self.known);
        let not_for_the_driver = [
            "connect_timeout",
            "channel_binding",
            "gssencmode",
            "sslnegotiation",
            "target_session_attrs",
            "client_encoding",
        ];
        self.known.retain(|name, _| !not_for_the_driver.contains(&name.as_str()));
        let parameters = form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.known).finish();
        Ok(Postgres { url: Secret::new(format!("postgres:///?{parameters}")), address })
    }
}

/// What is listened on, as it is written in messages.
fn address(known: &BTreeMap<String, String>) -> String {
    let host = known.get("host").map_or("the local server", String::as_str);
    let port = known.get("port").map_or("5432", String::as_str);
    if host.parse::<Ipv6Addr>().is_ok() { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// Refuses a `%` that begins no byte in hexadecimal: programs differ about what it means.
fn check_encoding(text: &str) -> Result<(), String> {
    let is_byte = |it: &str| it.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
    match text.split('%').skip(1).all(is_byte) {
        true => Ok(()),
        false => Err("has a % that is not followed by two hexadecimal digits; write %25 for %".to_owned()),
    }
}

/// Whether certificates or a key are where the driver looks for them: in a file, or in the value itself.
fn is_certificate(name: &str, value: &str) -> bool {
    let is_file = || File::open(value).is_ok_and(|file| file.metadata().is_ok_and(|it| !it.is_dir()));
    (name == "sslrootcert" && value == "system") || value.trim().starts_with("-----BEGIN") || is_file()
}

/// What `ssl` means, as `sslmode` says it: never less than the program meant that the URL was written for.
fn mode(ssl: &str) -> &str {
    match ssl {
        "true" | "True" | "1" | "on" | "yes" => "verify-full",
        "false" | "False" | "0" | "off" | "no" => "disable",
        "no-verify" => "require",
        mode => mode,
    }
}

/// A name, an address or the folder of a socket; several are no host.
fn is_host(host: &str) -> bool {
    let is_name = |it: char| it.is_ascii_alphanumeric() || matches!(it, '.' | '-' | '_');
    host.starts_with('/') || host.parse::<IpAddr>().is_ok() || (!host.is_empty() && host.chars().all(is_name))
}

/// A name that may be a piece of a password is not repeated.
fn unknown(name: &str) -> String {
    let is_harmless = |it: char| it.is_ascii_alphanumeric() || matches!(it, '_' | '-');
    if name.len() <= 32 && !name.is_empty() && name.chars().all(is_harmless) {
        format!("has the parameter {name}, which is not understood; leave it out")
    } else {
        "has a parameter that is not understood; leave it out".to_owned()
    }
}

#[cfg(test)]
mod tests;
