//! Text that is never printed, and the secret that development makes and keeps.

use std::{
    fmt, fs,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// The file that keeps the development secret.
pub(super) const FILE: &str = ".docket-secret";

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

/// The development secret: read from its file, which is made with mode 0600 when it is not there.
pub(super) fn kept() -> io::Result<Secret> {
    match fs::read_to_string(FILE) {
        Ok(text) if !Secret::new(text.trim().to_owned()).is_weak() => return Ok(Secret::new(text.trim().to_owned())),
        Ok(_) => return Err(io::Error::new(io::ErrorKind::InvalidData, "it holds no secret of 32 bytes; delete it")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let text = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 36]>());
    let mut file = match fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(FILE) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return kept(),
        opened => opened?,
    };
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    Ok(Secret::new(text))
}
