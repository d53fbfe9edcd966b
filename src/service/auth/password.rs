//! Hashing passwords: argon2id for new ones, Better Auth's scrypt understood (contracts: Better Auth, 10).

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
use rayon_core::{ThreadPool, ThreadPoolBuilder};
use subtle::ConstantTimeEq;
use tokio::{
    sync::{Semaphore, oneshot},
    time,
};
use unicode_normalization::UnicodeNormalization;
use zxcvbn::{Score, zxcvbn};

use crate::{
    config,
    error::{AuthFault, Error},
};

/// OWASP's first choice: 19 MiB, two passes, one lane.
const PARAMS: Params = match Params::new(19_456, 2, 1, None) {
    Ok(params) => params,
    Err(_) => Params::DEFAULT,
};
/// How many hashes wait at most for each that is worked on; one more is refused.
const QUEUE: usize = 64;
/// How long a hash waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);
/// Password lengths are counted in UTF-16 code units, as JavaScript does.
const LENGTHS: std::ops::RangeInclusive<usize> = 8..=128;
/// N = 2^14, r = 16, p = 1: 32 MiB.
const SCRYPT: (u8, u32, u32) = (14, 16, 1);
/// How many bytes of key Better Auth's scrypt gives.
const SCRYPT_KEY: usize = 64;

/// How much of a core hashes leave to requests that want it: the niceness of their threads. Two of them on the core of one
/// thread that serves take an eighth of it.
const NICE: i32 = 12;

/// Hashes on as many threads as there are cores, which give way to requests, with memory that is used again.
#[derive(Debug)]
pub(super) struct Hasher {
    waiting: Semaphore,
    working: Arc<Semaphore>,
    threads: ThreadPool,
    memory: Arc<Mutex<Vec<Vec<Block>>>>,
    kind: config::PasswordHash,
    /// Whether hashes of the other kind are stored too, as far as is known.
    is_mixed: AtomicBool,
}

/// A password of an allowed length, normalised to NFKC.
#[derive(Clone)]
pub(super) struct Password(String);

impl Password {
    /// A password to be set.
    pub(super) fn new(text: &str) -> Result<Self, Error> {
        if text.encode_utf16().count() < *LENGTHS.start() {
            return Err(AuthFault::PasswordTooShort.into());
        }
        Self::shown(text)
    }

    /// Refuses what is tried first: passwords that leaked often, and simple patterns.
    pub(super) fn checked(self) -> Result<Self, Error> {
        match zxcvbn(&self.0, &[]).score() {
            Score::Zero | Score::One => Err(AuthFault::PasswordCompromised.into()),
            _ => Ok(self),
        }
    }

    /// A password that is shown; one that is too short is only a wrong one.
    pub(super) fn shown(text: &str) -> Result<Self, Error> {
        if text.encode_utf16().count() > *LENGTHS.end() {
            return Err(AuthFault::PasswordTooLong.into());
        }
        Ok(Self(text.nfkc().collect()))
    }
}

impl Hasher {
    /// A hasher that makes hashes of this kind; it understands both.
    pub(super) fn new(kind: config::PasswordHash) -> Result<Self, Error> {
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        let threads = ThreadPoolBuilder::new()
            .num_threads(cores)
            .thread_name(|number| format!("hash-{number}"))
            .start_handler(|_| give_way())
            .build()
            .map_err(Error::internal)?;
        Ok(Self {
            waiting: Semaphore::new(cores * (QUEUE + 1)),
            working: Arc::new(Semaphore::new(cores)),
            memory: Arc::default(),
            threads,
            kind,
            is_mixed: AtomicBool::new(false),
        })
    }

    /// The hash to store: in PHC string format, or as Better Auth writes it.
    pub(super) async fn hash(&self, password: Password) -> Result<String, Error> {
        self.hash_as(self.kind, password).await
    }

    async fn hash_as(&self, kind: config::PasswordHash, password: Password) -> Result<String, Error> {
        if kind == config::PasswordHash::Scrypt {
            return self.run(move |_| new_scrypt(&password)).await;
        }
        self.run(move |memory| {
            let salt = Salt::new(&rand::random::<[u8; 16]>()).map_err(Error::internal)?;
            let output = argon2id(&PARAMS, &password, salt.as_ref(), memory)?;
            let stored = PasswordHash {
                algorithm: Algorithm::Argon2id.ident(),
                version: Some(Version::V0x13.into()),
                params: ParamsString::try_from(&PARAMS).map_err(Error::internal)?,
                salt: Some(salt),
                hash: Some(output),
            };
            Ok(stored.to_string())
        })
        .await
    }

    /// Whether the password is the one of the stored hash; compared in constant time.
    pub(super) async fn verify(&self, password: Password, stored: String) -> Result<bool, Error> {
        if kind_of(&stored) != self.kind {
            self.is_mixed.store(true, Ordering::Relaxed);
        }
        self.run(move |memory| match scrypt_parts(&stored) {
            Some((salt, key)) => Ok(is_scrypt(&password, salt, key)),
            None => is_argon2id(&password, &stored, memory),
        })
        .await
    }

    /// Takes the time that is left to take when a password is wrong, which was compared with `tried`, or with nothing:
    /// nobody is to learn by it whether there is a hash, or of which kind.
    pub(super) async fn waste(&self, password: &Password, tried: Option<&str>) -> Result<(), Error> {
        for kind in untried(self.kind, self.is_mixed.load(Ordering::Relaxed), tried) {
            self.hash_as(kind, password.clone()).await?;
        }
        Ok(())
    }

    /// How many passwords are being hashed, and how many wait for it.
    pub(super) fn now(&self) -> (usize, usize) {
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        let working = cores.saturating_sub(self.working.available_permits());
        let all = (cores * (QUEUE + 1)).saturating_sub(self.waiting.available_permits());
        (working, all.saturating_sub(working))
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Vec<Block>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let _place = self.waiting.try_acquire().map_err(|_| Error::Busy)?;
        let turn = time::timeout(PATIENCE, Arc::clone(&self.working).acquire_owned())
            .await
            .map_err(|_| Error::Busy)?
            .map_err(Error::internal)?;
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

/// A hash keeps a core busy for tens of milliseconds; whoever waits for it can wait a little longer.
fn give_way() {
    #[cfg(target_os = "linux")]
    if let Err(cause) = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICE) {
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
        .hash_password_into_with_memory(password.0.as_bytes(), salt, &mut output, &mut memory[..blocks])
        .map_err(Error::internal)?;
    Output::new(&output).map_err(Error::internal)
}

fn is_argon2id(password: &Password, stored: &str, memory: &mut Vec<Block>) -> Result<bool, Error> {
    let Ok(stored) = PasswordHash::new(stored) else { return Ok(false) };
    let (Ok(params), Some(salt), Some(expected)) = (Params::try_from(&stored), &stored.salt, &stored.hash) else {
        return Ok(false);
    };
    if stored.algorithm != Algorithm::Argon2id.ident() || params.m_cost() > PARAMS.m_cost() * 4 {
        return Ok(false);
    }
    let found = argon2id(&params, password, salt.as_ref(), memory)?;
    Ok(bool::from(found.as_bytes().ct_eq(expected.as_bytes())))
}

fn is_scrypt(password: &Password, salt: &str, key: &str) -> bool {
    scrypt_key(password, salt).is_some_and(|found| bool::from(found.as_bytes().ct_eq(key.as_bytes())))
}

fn new_scrypt(password: &Password) -> Result<String, Error> {
    let salt = hex(&rand::random::<[u8; 16]>());
    let key = scrypt_key(password, &salt).ok_or_else(|| Error::internal("scrypt refuses its parameters"))?;
    Ok(format!("{salt}:{key}"))
}

/// The salt is the 32 hex characters themselves, not the bytes that they spell.
fn scrypt_key(password: &Password, salt: &str) -> Option<String> {
    let (log_n, r, p) = SCRYPT;
    let params = scrypt::Params::new(log_n, r, p, SCRYPT_KEY).ok()?;
    let mut key = [0; SCRYPT_KEY];
    scrypt::scrypt(password.0.as_bytes(), salt.as_bytes(), &params, &mut key).ok()?;
    Some(hex(&key))
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

/// Whether a hash is to be replaced at the next sign-in: never by one that a Better Auth beside us cannot read.
pub(super) fn needs_rehash(kind: config::PasswordHash, stored: &str) -> bool {
    kind == config::PasswordHash::Argon2id && kind_of(stored) != kind
}

/// Lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str) -> Password {
        Password::shown(text).unwrap()
    }

    #[tokio::test]
    async fn better_auths_own_hashes_verify() {
        for (text, stored) in [
            (
                "password1234",
                "477199940b820b268747f9abc20a9048:6c6f0d1b1c6b827d609502dbfdc0e58a2d47ef26072f7f091c81fc55c7872e979e31d3d6078a057525009fa28536f6602ff1dd5619738b48ebdb37387c08ee94",
            ),
            (
                "ﬁancée①Å-Ⅳ ｐａｓｓ",
                "63b8b063c5df52e2723567b099494350:8323bbb1d50773dec26fb908afd1b8f4e0b0e377e8c7d27d70ceadbea2fb6b5ac98e26876cb4be496fa901eb1d1ca8f849d7d8a0fd47093d79bb03e47c99fcf2",
            ),
            (
                "fiancée1Å-IV pass",
                "63b8b063c5df52e2723567b099494350:8323bbb1d50773dec26fb908afd1b8f4e0b0e377e8c7d27d70ceadbea2fb6b5ac98e26876cb4be496fa901eb1d1ca8f849d7d8a0fd47093d79bb03e47c99fcf2",
            ),
        ] {
            let hasher = Hasher::new(config::PasswordHash::Argon2id).unwrap();
            assert!(hasher.verify(password(text), stored.into()).await.unwrap(), "{text}");
            assert!(!hasher.verify(password("password1235"), stored.into()).await.unwrap(), "{text}");
        }
    }

    #[tokio::test]
    async fn a_new_hash_is_argon2id_with_owasps_parameters_and_salted() {
        let hasher = Hasher::new(config::PasswordHash::Argon2id).unwrap();
        let stored = hasher.hash(password("correct-horse-1")).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert_ne!(stored, hasher.hash(password("correct-horse-1")).await.unwrap());
        assert!(hasher.verify(password("correct-horse-1"), stored.clone()).await.unwrap());
        assert!(!hasher.verify(password("correct-horse-2"), stored).await.unwrap());
    }

    #[tokio::test]
    async fn what_is_no_hash_verifies_nothing() {
        let hasher = Hasher::new(config::PasswordHash::Argon2id).unwrap();
        for stored in ["", "x", "$argon2id$", "a:b", "$argon2i$v=19$m=19456,t=2,p=1$AAAAAAAAAAA$AAAAAAAAAAAAAAAA"] {
            assert!(!hasher.verify(password("correct-horse-1"), stored.into()).await.unwrap(), "{stored}");
        }
    }

    #[tokio::test]
    async fn beside_a_better_auth_new_hashes_are_its_own() {
        let hasher = Hasher::new(config::PasswordHash::Scrypt).unwrap();
        let stored = hasher.hash(password("correct-horse-1")).await.unwrap();
        let (salt, key) = stored.split_once(':').unwrap();
        assert_eq!((salt.len(), key.len()), (32, 128));
        assert!(hasher.verify(password("correct-horse-1"), stored.clone()).await.unwrap());
        assert!(!needs_rehash(config::PasswordHash::Scrypt, &stored));
        assert!(needs_rehash(config::PasswordHash::Argon2id, &stored));
    }

    #[tokio::test]
    async fn a_wrong_password_is_hashed_in_each_way_in_which_it_may_be_stored() {
        use config::PasswordHash::{Argon2id, Scrypt};
        let (argon2id, scrypt) = (Some("$argon2id$v=19$m=19456,t=2,p=1$AAAA$AAAA"), Some("aa:bb"));
        for (kind, is_mixed, tried, expected) in [
            (Argon2id, false, None, vec![Argon2id]),
            (Argon2id, false, argon2id, vec![]),
            (Scrypt, false, None, vec![Scrypt]),
            (Scrypt, false, scrypt, vec![]),
            (Argon2id, true, None, vec![Argon2id, Scrypt]),
            (Argon2id, true, argon2id, vec![Scrypt]),
            (Argon2id, true, scrypt, vec![Argon2id]),
            (Scrypt, true, argon2id, vec![Scrypt]),
        ] {
            assert_eq!(untried(kind, is_mixed, tried).collect::<Vec<_>>(), expected, "{kind:?} {is_mixed} {tried:?}");
        }
        let hasher = Hasher::new(Argon2id).unwrap();
        hasher.verify(password("correct-horse-1"), "$argon2id$".into()).await.unwrap();
        assert!(!hasher.is_mixed.load(Ordering::Relaxed));
        hasher.verify(password("correct-horse-1"), "aa:bb".into()).await.unwrap();
        assert!(hasher.is_mixed.load(Ordering::Relaxed));
    }

    #[test]
    fn what_is_tried_first_is_refused() {
        for common in ["password1", "12345678", "qwertyuiop", "aaaaaaaa", "iloveyou1"] {
            let refused = Password::new(common).unwrap().checked();
            assert!(matches!(refused, Err(Error::Auth(AuthFault::PasswordCompromised))), "{common}");
        }
        assert!(Password::new("correct-horse-1").unwrap().checked().is_ok());
    }

    #[test]
    fn lengths_are_counted_in_utf16_code_units() {
        assert!(Password::new("😀😀😀😀").is_ok());
        assert!(matches!(Password::new("😀😀😀é"), Err(Error::Auth(AuthFault::PasswordTooShort))));
        assert!(matches!(Password::new(&"x".repeat(129)), Err(Error::Auth(AuthFault::PasswordTooLong))));
    }
}
