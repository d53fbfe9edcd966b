//! Password hashing: argon2id for new passwords, Better Auth's scrypt and hashes of other back-ends to verify old ones.
//! See docs/contracts/better-auth.md#passwords.

use std::{
    num::NonZero,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::phc::{Output, ParamsString, PasswordHash, Salt},
};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use entity::text::nfkc;
use rayon_core::{ThreadPool, ThreadPoolBuilder};
use tokio::sync::oneshot;
use zxcvbn::{Score, zxcvbn};

use super::{foreign_hash::ForeignHash, password_queue::Turns};
use crate::{
    config,
    error::{AuthError, Error},
};

/// OWASP's first choice: 19 MiB, two passes, one lane.
const PARAMS: Params = match Params::new(19_456, 2, 1, None) {
    Ok(params) => params,
    Err(_) => Params::DEFAULT,
};
/// How many characters of a new password are looked at: what begins with so many that are easy to guess is refused. The
/// time that it takes to look at them grows fast with their number, and beyond this is more than that of hashing.
const MAX_CHECKED: usize = 16;
/// Password lengths are counted in UTF-16 code units, as JavaScript does.
pub const PASSWORD_LENGTH: std::ops::RangeInclusive<usize> = 8..=128;
/// N = 2^14, r = 16, p = 1: 32 MiB.
const SCRYPT: (u8, u32, u32) = (14, 16, 1);
/// How many bytes of key Better Auth's scrypt gives.
const SCRYPT_KEY: usize = 64;

/// How much of a core hashes leave to requests that want it: the niceness of their threads. Two of them on the core of one
/// thread that serves take an eighth of it.
const HASHING_NICENESS: i32 = 12;

/// Hashes on as many threads as there are cores, which give way to requests, with memory that is used again.
#[derive(Debug)]
pub(super) struct Hasher {
    turns: Turns,
    threads: ThreadPool,
    memory: Arc<Mutex<Vec<Vec<Block>>>>,
    kind: config::PasswordHash,
    /// Whether new passwords may not be easy to guess.
    is_checking: bool,
    /// Whether hashes of the other kind are stored too, as far as is known.
    is_mixed: AtomicBool,
    /// A hash of another back-end's that was stored last, as far as is known.
    foreign: Mutex<Option<ForeignHash>>,
}

/// A stored hash that a password is the one of.
#[derive(Debug)]
pub(super) struct VerifiedHash {
    pub(super) stored: String,
    /// What is to take its place, if it is of an older kind.
    pub(super) renewed: Option<String>,
}

/// A password of an allowed length.
#[derive(Clone)]
pub(super) struct Password {
    /// Normalised to NFKC.
    normal: String,
    /// As it was typed, which is what other back-ends hash.
    typed: String,
}

impl Password {
    /// A password to be set.
    pub(super) fn new(text: &str) -> Result<Self, Error> {
        if text.encode_utf16().count() < *PASSWORD_LENGTH.start() {
            return Err(AuthError::PasswordTooShort.into());
        }
        Self::shown(text)
    }

    /// Refuses what is tried first: passwords that leaked often, and simple patterns.
    fn check(&self) -> Result<(), Error> {
        let start: String = self.normal.chars().take(MAX_CHECKED).collect();
        match zxcvbn(&start, &[]).score() {
            Score::Zero | Score::One => Err(AuthError::PasswordCompromised.into()),
            _ => Ok(()),
        }
    }

    /// A password that is shown; one that is too short is only a wrong one.
    pub(super) fn shown(text: &str) -> Result<Self, Error> {
        if text.encode_utf16().count() > *PASSWORD_LENGTH.end() {
            return Err(AuthError::PasswordTooLong.into());
        }
        Ok(Self { normal: nfkc(text), typed: text.to_owned() })
    }
}

impl Hasher {
    /// A hasher that makes hashes of this kind; it understands both. Nobody waits longer than that for a turn.
    pub(super) fn new(kind: config::PasswordHash, max_wait: Duration, is_checking: bool) -> Result<Self, Error> {
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        let threads = ThreadPoolBuilder::new()
            .num_threads(cores)
            .thread_name(|number| format!("hash-{number}"))
            .start_handler(|_| give_way())
            .build()
            .map_err(Error::internal)?;
        Ok(Self {
            turns: Turns::new(cores, max_wait),
            memory: Arc::default(),
            threads,
            kind,
            is_checking,
            is_mixed: AtomicBool::new(false),
            foreign: Mutex::default(),
        })
    }

    /// The hash of a new password, unless it is refused. To find that out takes about as long as to hash it, and the same
    /// turn.
    pub(super) async fn hash_new(&self, password: Password, asker: &str) -> Result<String, Error> {
        let (kind, is_checking) = (self.kind, self.is_checking);
        self.run(asker, move |memory| {
            if is_checking {
                password.check()?;
            }
            new_hash(kind, &password, memory)
        })
        .await
    }

    /// Whether the password is the one of the stored hash; compared in constant time.
    pub(super) async fn verify(&self, password: Password, stored: String, asker: &str) -> Result<bool, Error> {
        self.note_kind(&stored);
        self.run(asker, move |memory| is_of(&password, &stored, memory)).await
    }

    /// As `verify`; with a hash to take the place of a stored one that is of an older kind, made in the same turn.
    pub(super) async fn verify_and_renew(
        &self,
        password: Password,
        stored: String,
        asker: &str,
    ) -> Result<Option<VerifiedHash>, Error> {
        self.note_kind(&stored);
        let kind = self.kind;
        self.run(asker, move |memory| {
            if !is_of(&password, &stored, memory)? {
                return Ok(None);
            }
            let is_old = needs_rehash(kind, &stored);
            let renewed = is_old.then(|| new_hash(kind, &password, memory)).transpose()?;
            Ok(Some(VerifiedHash { stored, renewed }))
        })
        .await
    }

    fn note_kind(&self, stored: &str) {
        match foreign(stored) {
            Some(hash) => *self.foreign.lock().unwrap_or_else(PoisonError::into_inner) = Some(hash),
            None if kind_of(stored) != self.kind => self.is_mixed.store(true, Ordering::Relaxed),
            None => {}
        }
    }

    /// Takes the time that is left to take when a password is wrong, which was compared with `tried`, or with nothing:
    /// nobody is to learn by it whether there is a hash, or of which kind.
    pub(super) async fn waste(&self, password: &Password, tried: Option<&str>, asker: &str) -> Result<(), Error> {
        for kind in untried(self.kind, self.is_mixed.load(Ordering::Relaxed), tried) {
            let password = password.clone();
            self.run(asker, move |memory| new_hash(kind, &password, memory)).await?;
        }
        let hash = self.foreign.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(hash) = hash.filter(|_| tried.and_then(foreign).is_none()) {
            let password = password.clone();
            self.run(asker, move |_| Ok(hash.is_of(&password.typed))).await?;
        }
        Ok(())
    }

    /// How many passwords are being hashed, and how many wait for it.
    pub(super) fn now(&self) -> (usize, usize) {
        self.turns.now()
    }

    async fn run<T: Send + 'static>(
        &self,
        asker: &str,
        work: impl FnOnce(&mut Vec<Block>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let turn = self.turns.take(asker).await?;
        let pool = Arc::clone(&self.memory);
        let (done, result) = oneshot::channel();
        self.threads.spawn(move || {
            let mut memory = pool.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
            let result = work(&mut memory);
            pool.lock().unwrap_or_else(PoisonError::into_inner).push(memory);
            // The turn ends with the work, even when nobody waits for its result any more.
            drop(turn);
            let _ = done.send(result);
        });
        result.await.map_err(Error::internal)?
    }
}

/// The hash to store: in PHC string format, or as Better Auth writes it.
fn new_hash(kind: config::PasswordHash, password: &Password, memory: &mut Vec<Block>) -> Result<String, Error> {
    if kind == config::PasswordHash::Scrypt {
        return new_scrypt(password);
    }
    let salt = Salt::new(&rand::random::<[u8; 16]>()).map_err(Error::internal)?;
    let output = argon2id(&PARAMS, password, salt.as_ref(), memory)?;
    let stored = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(&PARAMS).map_err(Error::internal)?,
        salt: Some(salt),
        hash: Some(output),
    };
    Ok(stored.to_string())
}

fn is_of(password: &Password, stored: &str, memory: &mut Vec<Block>) -> Result<bool, Error> {
    match (foreign(stored), scrypt_parts(stored)) {
        (Some(hash), _) => Ok(hash.is_of(&password.typed)),
        (None, Some((salt, key))) => Ok(is_scrypt(password, salt, key)),
        (None, None) => is_argon2id(password, stored, memory),
    }
}

/// The hash, if another back-end has made it.
fn foreign(stored: &str) -> Option<ForeignHash> {
    ForeignHash::parse(stored).filter(|_| !is_own(stored))
}

/// Whether Docket makes hashes of that kind, with these parameters or lower ones.
fn is_own(stored: &str) -> bool {
    let params = PasswordHash::new(stored).ok().and_then(|it| Params::try_from(&it).ok());
    let is_low =
        |it: Params| it.m_cost() <= PARAMS.m_cost() && it.t_cost() <= PARAMS.t_cost() && it.p_cost() <= PARAMS.p_cost();
    stored.starts_with("$argon2id$") && params.is_some_and(is_low)
}

/// A hash keeps a core busy for tens of milliseconds; whoever waits for it can wait a little longer.
fn give_way() {
    #[cfg(target_os = "linux")]
    if let Err(cause) = rustix::process::setpriority_process(Some(rustix::thread::gettid()), HASHING_NICENESS) {
        tracing::warn!(%cause, "hashing does not give way to requests");
    }
}

fn argon2id(params: &Params, password: &Password, salt: &[u8], memory: &mut Vec<Block>) -> Result<Output, Error> {
    let blocks = params.block_count();
    if memory.len() < blocks {
        memory.resize(blocks, Block::default());
    }
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
    let mut output = [0; Params::DEFAULT_OUTPUT_LEN];
    argon2
        .hash_password_into_with_memory(password.normal.as_bytes(), salt, &mut output, &mut memory[..blocks])
        .map_err(Error::internal)?;
    Output::new(&output).map_err(Error::internal)
}

fn is_argon2id(password: &Password, stored: &str, memory: &mut Vec<Block>) -> Result<bool, Error> {
    let Ok(stored) = PasswordHash::new(stored) else { return Ok(false) };
    let (Ok(params), Some(salt), Some(expected)) = (Params::try_from(&stored), &stored.salt, &stored.hash) else {
        return Ok(false);
    };
    if stored.algorithm != Algorithm::Argon2id.ident() || params.m_cost() > PARAMS.m_cost() {
        return Ok(false);
    }
    let found = argon2id(&params, password, salt.as_ref(), memory)?;
    Ok(verify_slices_are_equal(found.as_bytes(), expected.as_bytes()).is_ok())
}

fn is_scrypt(password: &Password, salt: &str, key: &str) -> bool {
    scrypt_key(password, salt).is_some_and(|found| verify_slices_are_equal(found.as_bytes(), key.as_bytes()).is_ok())
}

fn new_scrypt(password: &Password) -> Result<String, Error> {
    let salt = hex::encode(rand::random::<[u8; 16]>());
    let key = scrypt_key(password, &salt).ok_or_else(|| Error::internal("scrypt refuses its parameters"))?;
    Ok(format!("{salt}:{key}"))
}

/// The salt is the 32 hex characters themselves, not the bytes that they spell.
fn scrypt_key(password: &Password, salt: &str) -> Option<String> {
    let (log_n, r, p) = SCRYPT;
    let params = scrypt::Params::new(log_n, r, p, SCRYPT_KEY).ok()?;
    let mut key = [0; SCRYPT_KEY];
    scrypt::scrypt(password.normal.as_bytes(), salt.as_bytes(), &params, &mut key).ok()?;
    Some(hex::encode(key))
}

/// Salt and key of a hash of Better Auth's; one of ours is in PHC string format, which has no colon.
fn scrypt_parts(stored: &str) -> Option<(&str, &str)> {
    stored.split_once(':')
}

fn kind_of(stored: &str) -> config::PasswordHash {
    match scrypt_parts(stored) {
        Some(_) => config::PasswordHash::Scrypt,
        None => config::PasswordHash::Argon2id,
    }
}

/// The kinds of hashes that may be stored beside the one that was tried: the kind that is made here, and the other one if
/// there are both.
fn untried(
    kind: config::PasswordHash,
    is_mixed: bool,
    tried: Option<&str>,
) -> impl Iterator<Item = config::PasswordHash> {
    let tried = tried.map(kind_of);
    [config::PasswordHash::Argon2id, config::PasswordHash::Scrypt]
        .into_iter()
        .filter(move |it| (is_mixed || *it == kind) && Some(*it) != tried)
}

/// What made a stored hash, for people.
pub fn hash_kind(stored: &str) -> &'static str {
    match (ForeignHash::parse(stored), scrypt_parts(stored)) {
        (Some(ForeignHash::Bcrypt(_)), _) => "bcrypt",
        (Some(ForeignHash::Pbkdf2 { .. }), _) => "pbkdf2",
        (Some(ForeignHash::Argon2(_)), _) => "argon2",
        (None, Some((salt, _))) if salt.len() == 32 => "Better Auth's scrypt",
        _ => "hashes that Docket cannot verify",
    }
}

/// Whether a hash is to be replaced at the next sign-in: never by one that a Better Auth beside us cannot read.
fn needs_rehash(kind: config::PasswordHash, stored: &str) -> bool {
    foreign(stored).is_some() || (kind == config::PasswordHash::Argon2id && kind_of(stored) != kind)
}

#[cfg(test)]
mod tests;
