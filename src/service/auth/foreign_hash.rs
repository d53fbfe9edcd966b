//! Hashes that other back-ends have made: bcrypt, PBKDF2 as passlib writes it, and kinds of Argon2 that Docket does not
//! make. They are verified, and replaced at the next sign-in.

use std::num::NonZeroU32;

use argon2::{Algorithm, Argon2, Params, Version, password_hash::phc::PasswordHash};
use aws_lc_rs::{constant_time::verify_slices_are_equal, pbkdf2};
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};

/// The most that is computed for a hash: about a second. What costs more nobody signs in with.
const MAX_BCRYPT_COST: u32 = 14;
const MAX_ITERATIONS: u32 = 2_000_000;
const MAX_MEMORY_KIB: u32 = 131_072;
const MAX_PASSES: u32 = 16;
/// How many characters of a password bcrypt looks at, as it is made in Python.
const BCRYPT_BYTES: usize = 72;

/// A stored hash of a kind that Docket does not make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ForeignHash {
    /// `$2b$12$…`, whose cost is bounded.
    Bcrypt(String),
    /// `$pbkdf2-sha256$29000$salt$key`.
    Pbkdf2 { algorithm: Sha, iterations: NonZeroU32, salt: Vec<u8>, key: Vec<u8> },
    /// `$argon2i$…`, `$argon2d$…`, or `$argon2id$…` with other parameters than Docket's.
    Argon2(String),
}

/// What PBKDF2 hashes with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sha {
    One,
    Two256,
    Two512,
}

impl ForeignHash {
    /// The hash, if it is of one of these kinds and within the bounds.
    pub(super) fn parse(stored: &str) -> Option<Self> {
        let mut parts = stored.strip_prefix('$')?.split('$');
        let kind = parts.next()?;
        match kind {
            "2a" | "2b" | "2x" | "2y" => {
                let cost: u32 = parts.next()?.parse().ok()?;
                (cost <= MAX_BCRYPT_COST).then(|| Self::Bcrypt(stored.to_owned()))
            }
            "pbkdf2" | "pbkdf2-sha256" | "pbkdf2-sha512" => {
                let algorithm = match kind {
                    "pbkdf2" => Sha::One,
                    "pbkdf2-sha256" => Sha::Two256,
                    _ => Sha::Two512,
                };
                let iterations = parts.next()?.parse().ok().filter(|it: &NonZeroU32| it.get() <= MAX_ITERATIONS)?;
                let (salt, key) = (adapted(parts.next()?)?, adapted(parts.next()?)?);
                parts.next().is_none().then_some(Self::Pbkdf2 { algorithm, iterations, salt, key })
            }
            "argon2i" | "argon2d" | "argon2id" => {
                let params = Params::try_from(&PasswordHash::new(stored).ok()?).ok()?;
                let is_bounded = params.m_cost() <= MAX_MEMORY_KIB && params.t_cost() <= MAX_PASSES;
                is_bounded.then(|| Self::Argon2(stored.to_owned()))
            }
            _ => None,
        }
    }

    /// Whether it is of this password, as it was typed.
    pub(super) fn is_of(&self, password: &str) -> bool {
        match self {
            Self::Bcrypt(stored) => {
                let bytes = password.as_bytes();
                // The library refuses longer ones, of which Python's has looked at these bytes only.
                bcrypt::verify(&bytes[..bytes.len().min(BCRYPT_BYTES)], stored).unwrap_or_default()
            }
            Self::Pbkdf2 { algorithm, iterations, salt, key } => {
                pbkdf2::verify(algorithm.name(), *iterations, salt, password.as_bytes(), key).is_ok()
            }
            Self::Argon2(stored) => is_argon2(stored, password).unwrap_or_default(),
        }
    }
}

impl Sha {
    fn name(self) -> pbkdf2::Algorithm {
        match self {
            Self::One => pbkdf2::PBKDF2_HMAC_SHA1,
            Self::Two256 => pbkdf2::PBKDF2_HMAC_SHA256,
            Self::Two512 => pbkdf2::PBKDF2_HMAC_SHA512,
        }
    }
}

/// Base64 as passlib adapts it: a dot for the plus, and no padding.
fn adapted(text: &str) -> Option<Vec<u8>> {
    STANDARD_NO_PAD.decode(text.replace('.', "+")).ok()
}

fn is_argon2(stored: &str, password: &str) -> Option<bool> {
    let stored = PasswordHash::new(stored).ok()?;
    let algorithm = Algorithm::try_from(stored.algorithm.as_str()).ok()?;
    let version = stored.version.and_then(|it| Version::try_from(it).ok()).unwrap_or(Version::V0x10);
    let params = Params::try_from(&stored).ok()?;
    let expected = stored.hash?;
    let mut found = vec![0; expected.as_bytes().len()];
    let argon2 = Argon2::new(algorithm, version, params);
    argon2.hash_password_into(password.as_bytes(), stored.salt?.as_ref(), &mut found).ok()?;
    Some(verify_slices_are_equal(&found, expected.as_bytes()).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_of(password: &str, stored: &str) -> Option<bool> {
        ForeignHash::parse(stored).map(|it| it.is_of(password))
    }

    /// Made by passlib 1.7.4 and argon2-cffi 25.1.
    #[test]
    fn hashes_that_python_has_made_verify() {
        for (password, stored) in [
            ("correct-hörse", "$2b$04$Dovyn7yVDIAFQUpuMmqjVODII15jzP7mXE3E13huEz/BB5QyyWZ/G"),
            ("correct-hörse", "$2a$04$3pUDkX2z6zhLFmY7ia45oOBa80W7TmSUN5P19gqec1kQezsOQy3k."),
            ("correct-hörse", "$2y$04$Fw3vGzX/oqArHA.vkiHh.eB0zdVL3VCzHBK/cpVWR0rlJ.A3o5NQO"),
            (&"x".repeat(80), "$2b$04$g9Af6h6uTsndRu92QHFJl.e60U9t3BPs6w1tXCxz8GWSQlYvwHMDS"),
            ("correct-hörse", "$pbkdf2-sha256$1000$8d77v/eekxKCEKJ0LoXwPg$2dmkGY8VJoL65t7i0ImfI8.hG4HmSPd852dMwrS4RFo"),
            (
                "correct-hörse",
                "$pbkdf2-sha512$1000$LaUU4pwzhvB.T4lxrjXG.A$b2CTvIdAcYQ1OydvH.YAsP7qNa4TFez7cKH40/72pCFFqQFYoQV7G6zOtsk0yybVD015Mt6aYkQobcLBrqbjRg",
            ),
            ("correct-hörse", "$pbkdf2$1000$ee.ds/beW2vN2bv3/v9/jw$7FbFud4pCEMIS6WJFQrS6FbhrJ0"),
            (
                "correct-hörse",
                "$argon2i$v=19$m=1024,t=1,p=4$Jhrj1DLp+iCbCit2mjjHeg$MruKR2bH02knkbkia+rLxGwCBKpypcAfvr64UG+rbSA",
            ),
            (
                "correct-hörse",
                "$argon2d$v=19$m=1024,t=1,p=4$gSa8lxF4ObBgGdBxDtLOhQ$zTNbdAw4kecNx+qSAOUtWTz2gJpMezSd1sT2CAKyEKo",
            ),
            ("correct-hörse", "$argon2id$v=19$m=1024,t=1,p=8$Kz7JFbvF+RZpiLEFRIbL1g$dSytJ9zhGEdxwsC0X8Id6w"),
        ] {
            assert_eq!(is_of(password, stored), Some(true), "{stored}");
            assert_eq!(is_of(&format!("y{password}"), stored), Some(false), "{stored}");
        }
    }

    #[test]
    fn what_costs_too_much_or_is_none_of_these_is_not_tried() {
        for stored in [
            "",
            "$",
            "$2b$",
            "$2b$31$abcdefghijklmnopqrstuuKqzWKmkP7p4bVwSxMGPb1bJc4bNfyPO",
            "$pbkdf2-sha256$0$c2FsdA$a2V5",
            "$pbkdf2-sha256$4000000000$c2FsdA$a2V5",
            "$pbkdf2-sha256$1000$c2FsdA",
            "$argon2id$v=19$m=4194304,t=2,p=1$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAA",
            "plain text",
        ] {
            assert_eq!(ForeignHash::parse(stored), None, "{stored}");
        }
    }
}
