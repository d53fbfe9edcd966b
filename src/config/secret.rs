//! Text that is never printed, and the secret that development makes and keeps.

use std::{
    fmt, fs,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// The file that keeps the development secret.
pub const SECRET_FILE: &str = ".docket-secret";

/// RFC 7518, section 3.2: a key of at least the size of the hash.
const LEAST_BYTES: usize = 32;

/// Text that `Debug` does not show.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Hides the text.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// Shows the text; for the one place that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether it is too short, or has too few different characters to be random.
    pub(super) fn is_weak(&self) -> bool {
        let mut different: Vec<char> = self.0.chars().collect();
        different.sort_unstable();
        different.dedup();
        self.0.len() < LEAST_BYTES || different.len() < 10
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(…)")
    }
}

/// What to say when the file is of no use.
pub(super) fn unusable(error: &io::Error) -> String {
    format!("BETTER_AUTH_SECRET: the file {SECRET_FILE} cannot be used: {error}")
}

/// A secret that nobody knows.
pub(super) fn made() -> Secret {
    Secret::new(URL_SAFE_NO_PAD.encode(rand::random::<[u8; 36]>()))
}

/// The development secret of the file, if there is one.
pub(super) fn kept() -> io::Result<Option<Secret>> {
    match fs::read_to_string(SECRET_FILE).map(|text| Secret::new(text.trim().to_owned())) {
        Ok(secret) if !secret.is_weak() => Ok(Some(secret)),
        Ok(_) => Err(io::Error::new(io::ErrorKind::InvalidData, "it holds no secret of 32 bytes; delete it")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Keeps a secret in the file, whole and with mode 0600. If another process was faster, its secret is the one.
pub(super) fn keep(secret: Secret) -> io::Result<Secret> {
    let draft = format!("{SECRET_FILE}.{}", std::process::id());
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    let written = file.write_all(secret.0.as_bytes()).and_then(|()| file.sync_all());
    let linked = written.and_then(|()| fs::hard_link(&draft, SECRET_FILE));
    fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(kept()?.unwrap_or(secret)),
        linked => linked.map(|()| secret),
    }
}
