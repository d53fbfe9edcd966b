//! What hashes are, and which passwords are refused.

use super::*;

fn password(text: &str) -> Password {
    Password::shown(text).unwrap()
}

fn hasher(kind: config::PasswordHash) -> Hasher {
    Hasher::new(kind, Duration::from_secs(10), false).unwrap()
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
        let hasher = hasher(config::PasswordHash::Argon2id);
        assert!(hasher.verify(password(text), stored.into(), "ann").await.unwrap(), "{text}");
        assert!(!hasher.verify(password("password1235"), stored.into(), "ann").await.unwrap(), "{text}");
    }
}

#[tokio::test]
async fn a_new_hash_is_argon2id_with_owasps_parameters_and_salted() {
    let hasher = hasher(config::PasswordHash::Argon2id);
    let stored = hasher.hash_new(password("correct-horse-1"), "ann").await.unwrap();
    assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
    assert_ne!(stored, hasher.hash_new(password("correct-horse-1"), "ann").await.unwrap());
    assert!(hasher.verify(password("correct-horse-1"), stored.clone(), "ann").await.unwrap());
    assert!(!hasher.verify(password("correct-horse-2"), stored, "ann").await.unwrap());
}

#[tokio::test]
async fn what_is_no_hash_verifies_nothing() {
    let hasher = hasher(config::PasswordHash::Argon2id);
    for stored in ["", "x", "$argon2id$", "a:b", "$argon2i$v=19$m=19456,t=2,p=1$AAAAAAAAAAA$AAAAAAAAAAAAAAAA"] {
        assert!(!hasher.verify(password("correct-horse-1"), stored.into(), "ann").await.unwrap(), "{stored}");
    }
}

#[tokio::test]
async fn beside_a_better_auth_new_hashes_are_its_own() {
    let hasher = hasher(config::PasswordHash::Scrypt);
    let stored = hasher.hash_new(password("correct-horse-1"), "ann").await.unwrap();
    let (salt, key) = stored.split_once(':').unwrap();
    assert_eq!((salt.len(), key.len()), (32, 128));
    assert!(hasher.verify(password("correct-horse-1"), stored.clone(), "ann").await.unwrap());
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
    let hasher = hasher(Argon2id);
    hasher.verify(password("correct-horse-1"), "$argon2id$".into(), "ann").await.unwrap();
    assert!(!hasher.is_mixed.load(Ordering::Relaxed));
    hasher.verify(password("correct-horse-1"), "aa:bb".into(), "ann").await.unwrap();
    assert!(hasher.is_mixed.load(Ordering::Relaxed));
}

#[test]
fn what_is_tried_first_is_refused() {
    for common in ["password1", "12345678", "qwertyuiop", "aaaaaaaa", "iloveyou1", &"a".repeat(128)] {
        let refused = Password::new(common).unwrap().check();
        assert!(matches!(refused, Err(Error::Auth(AuthError::PasswordCompromised))), "{common}");
    }
    assert!(Password::new("correct-horse-1").unwrap().check().is_ok());
}

#[test]
fn lengths_are_counted_in_utf16_code_units() {
    assert!(Password::new("😀😀😀😀").is_ok());
    assert!(matches!(Password::new("😀😀😀é"), Err(Error::Auth(AuthError::PasswordTooShort))));
    assert!(matches!(Password::new(&"x".repeat(129)), Err(Error::Auth(AuthError::PasswordTooLong))));
}
