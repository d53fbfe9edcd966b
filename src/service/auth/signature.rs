//! Signed values, as Better Auth signs its cookies.
//! See docs/contracts/better-auth.md#signed-values.

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::STANDARD};

/// Signs with `BETTER_AUTH_SECRET`.
#[derive(Clone)]
pub(super) struct Signer(hmac::Key);

/// Base64 of 32 bytes.
const SIGNATURE_LENGTH: usize = 44;

impl Signer {
    pub(super) fn new(secret: &str) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()))
    }

    /// `value.signature`, not yet percent-encoded.
    pub(super) fn seal(&self, value: &str) -> String {
        let signature = hmac::sign(&self.0, value.as_bytes());
        format!("{value}.{}", STANDARD.encode(signature))
    }

    /// The value of `value.signature`, plain or percent-encoded, if the signature holds; compared in constant time.
    pub(super) fn open(&self, signed: &str) -> Option<String> {
        let plain = decoded(signed)?;
        let (value, signature) = plain.rsplit_once('.')?;
        if signature.len() != SIGNATURE_LENGTH || !signature.ends_with('=') {
            return None;
        }
        let signature = STANDARD.decode(signature).ok()?;
        hmac::verify(&self.0, value.as_bytes(), &signature).ok()?;
        Some(value.to_owned())
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Signer(…)")
    }
}

fn decoded(text: &str) -> Option<String> {
    percent_encoding::percent_decode_str(text).decode_utf8().ok().map(|it| it.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "abcdefghijklmnopqrstuvwxyzABCDEF";
    const SIGNED: &str = "abcdefghijklmnopqrstuvwxyzABCDEF.YSYjbFBHay8sb4VfyTcnYgSRWnIvtc9mSUsA9a64Elg=";

    fn signer() -> Signer {
        Signer::new("docket-reference-secret-0123456789-ABCDEFGHIJ")
    }

    #[test]
    fn better_auths_own_signature_comes_out_and_goes_in() {
        assert_eq!(signer().seal(TOKEN), SIGNED);
        assert_eq!(signer().open(SIGNED).as_deref(), Some(TOKEN));
        assert_eq!(signer().open(&SIGNED.replace('=', "%3D")).as_deref(), Some(TOKEN));
        assert_eq!(signer().seal("true"), "true.3R/P9keF+p1tHau+/RGu2Dw3gG40r43dBEFjw6jNOa4=");
    }

    #[test]
    fn nothing_else_opens() {
        for text in ["", ".", TOKEN, &SIGNED.replace("AB", "BA"), &SIGNED.replace("YSY", "YSZ"), &SIGNED[..76], "%ff.x"]
        {
            assert_eq!(signer().open(text), None, "{text}");
        }
    }
}
