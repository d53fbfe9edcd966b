//! Private keys at rest: XChaCha20-Poly1305 under SHA-256 of the secret, as Better Auth does it.

use chacha20poly1305::{
    XChaCha20Poly1305, XNonce,
    aead::{Aead, KeyInit},
};
use sha2::{Digest, Sha256};

use crate::error::Error;

/// Seals and opens private keys.
pub(super) struct Seal(XChaCha20Poly1305);

/// How many bytes of nonce precede the ciphertext.
const NONCE: usize = 24;

impl Seal {
    pub(super) fn new(secret: &str) -> Self {
        let key: [u8; 32] = Sha256::digest(secret.as_bytes()).into();
        Self(XChaCha20Poly1305::new((&key).into()))
    }

    /// A JSON string literal of the hex of nonce, ciphertext and tag.
    pub(super) fn close(&self, plain: &[u8]) -> Result<String, Error> {
        let nonce: [u8; NONCE] = rand::random();
        let sealed = self.0.encrypt(XNonce::from_slice(&nonce), plain).map_err(|_| Error::internal("no seal"))?;
        Ok(format!("\"{}{}\"", hex::encode(nonce), hex::encode(sealed)))
    }

    /// What was sealed; a plain JWK (`disablePrivateKeyEncryption`) is taken as it is.
    pub(super) fn open(&self, stored: &str) -> Option<Vec<u8>> {
        match serde_json::from_str(stored).ok()? {
            serde_json::Value::String(sealed) => {
                let bytes = hex::decode(sealed).ok()?;
                let (nonce, sealed) = bytes.split_at_checked(NONCE)?;
                self.0.decrypt(XNonce::from_slice(nonce), sealed).ok()
            }
            serde_json::Value::Object(_) => Some(stored.as_bytes().to_vec()),
            _ => None,
        }
    }
}

impl std::fmt::Debug for Seal {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Seal(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "docket-reference-secret-0123456789-ABCDEFGHIJ";

    #[test]
    fn what_better_auth_sealed_opens() {
        let sealed = "\"477b69e3bbd429b5abb5e02961a933c477b824015dfd3bb7cb90fa13bb1680e0e61c376ed3ecf59d0efc21b681\"";
        assert_eq!(Seal::new(SECRET).open(sealed).as_deref(), Some(&b"hello"[..]));
        assert_eq!(Seal::new("another secret").open(sealed), None);
    }

    #[test]
    fn what_we_seal_opens_and_differs_each_time() {
        let seal = Seal::new(SECRET);
        let (one, two) = (seal.close(b"key").unwrap(), seal.close(b"key").unwrap());
        assert_ne!(one, two);
        assert_eq!(seal.open(&one).as_deref(), Some(&b"key"[..]));
    }

    #[test]
    fn what_is_not_sealed_does_not_open() {
        for text in ["", "\"\"", "\"zz\"", "\"abc\"", "7", "nonsense"] {
            assert_eq!(Seal::new(SECRET).open(text), None, "{text}");
        }
    }
}
