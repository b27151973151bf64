//! The signature check of webhooks: `X-Hub-Signature-256`, over the raw bytes of the body, in constant time.

use hmac::{Hmac, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

/// The header's name.
pub const HEADER: &str = "x-hub-signature-256";

/// Why a webhook is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The signature is missing.
    #[error("the webhook has no signature")]
    Missing,
    /// It is not `sha256=` and 64 hexadecimal digits, or there are several.
    #[error("the webhook's signature is malformed")]
    Malformed,
    /// It belongs to another body or another secret.
    #[error("the webhook's signature is wrong")]
    Wrong,
}

impl Refused {
    /// The label for metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Malformed => "malformed",
            Self::Wrong => "wrong",
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        Some("check that APP_SECRET is the secret of the app that the webhook is subscribed to".to_owned())
    }
}

/// Checks the signature of a body. `headers` are all values of the header.
///
/// # Errors
/// When it is not signed with this secret.
pub fn check<'a>(
    secret: &SecretString,
    body: &[u8],
    headers: impl IntoIterator<Item = &'a [u8]>,
) -> Result<(), Refused> {
    let given = given(headers)?;
    if bool::from(sign(secret, body).ct_eq(&given)) { Ok(()) } else { Err(Refused::Wrong) }
}

/// The signature that the headers give, before anything of the body is there.
///
/// # Errors
/// When they give none, more than one, or something else.
pub fn given<'a>(headers: impl IntoIterator<Item = &'a [u8]>) -> Result<[u8; 32], Refused> {
    let mut headers = headers.into_iter();
    let given = headers.next().ok_or(Refused::Missing)?;
    if headers.next().is_some() {
        return Err(Refused::Malformed);
    }
    given.strip_prefix(b"sha256=").and_then(digest).ok_or(Refused::Malformed)
}

/// The signature of a body.
#[expect(clippy::expect_used, clippy::missing_panics_doc, reason = "HMAC accepts keys of any length")]
pub fn sign(secret: &SecretString, body: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()).expect("any length is a key");
    mac.update(body);
    mac.finalize().into_bytes().into()
}

fn digest(text: &[u8]) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(text, &mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn header(secret: &SecretString, body: &[u8]) -> Vec<u8> {
        format!("sha256={}", hex::encode(sign(secret, body))).into_bytes()
    }

    #[test]
    fn a_known_signature() {
        let secret = SecretString::from("key");
        let hex = b"sha256=f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8";
        let body = b"The quick brown fox jumps over the lazy dog";
        assert_eq!(check(&secret, body, [&hex[..]]), Ok(()));
        assert_eq!(check(&secret, &body[1..], [&hex[..]]), Err(Refused::Wrong));
        assert_eq!(check(&SecretString::from("kex"), body, [&hex[..]]), Err(Refused::Wrong));
        assert_eq!(check(&secret, body, [&hex.to_ascii_uppercase()[..]]), Err(Refused::Malformed), "SHA256=");
        assert_eq!(check(&secret, body, [&hex[..], &hex[..]]), Err(Refused::Malformed));
        assert_eq!(check(&secret, body, []), Err(Refused::Missing));
    }

    proptest! {
        #[test]
        fn only_the_very_bytes_pass(body in proptest::collection::vec(any::<u8>(), 1..200), place in any::<prop::sample::Index>(), bit in 0..8_u8) {
            let secret = SecretString::from("secret");
            let signed = header(&secret, &body);
            prop_assert_eq!(check(&secret, &body, [signed.as_slice()]), Ok(()));
            let mut changed = body.clone();
            changed[place.index(body.len())] ^= 1 << bit;
            prop_assert_eq!(check(&secret, &changed, [signed.as_slice()]), Err(Refused::Wrong));
        }

        #[test]
        fn anything_may_be_sent_as_a_signature(header in proptest::collection::vec(any::<u8>(), 0..90)) {
            prop_assert!(check(&SecretString::from("secret"), b"body", [header.as_slice()]).is_err());
        }
    }
}
