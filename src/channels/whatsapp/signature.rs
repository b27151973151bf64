//! Decides whether a webhook was signed with the app's secret: `X-Hub-Signature-256`, over the bytes as they came.
//!
//! It must never look into the body, nor compare in a time that depends on where the signatures differ.

use hmac::{Hmac, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

/// The header's name.
pub const HEADER: &str = "x-hub-signature-256";

/// Why a webhook is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// There is no signature.
    #[error("the webhook has no signature")]
    Missing,
    /// It is not `sha256=` and 64 hexadecimal digits, or there are several.
    #[error("the webhook's signature is malformed")]
    Malformed,
    /// It is of another body or another secret.
    #[error("the webhook's signature is wrong")]
    Wrong,
}

impl Refused {
    /// The word for it, for counters.
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

/// Checks the signature of a body. `headers` are all values of the header that came.
///
/// # Errors
/// When it is not signed with this secret.
pub fn check<'a>(
    secret: &SecretString,
    body: &[u8],
    headers: impl IntoIterator<Item = &'a [u8]>,
) -> Result<(), Refused> {
    let mut headers = headers.into_iter();
    let given = headers.next().ok_or(Refused::Missing)?;
    if headers.next().is_some() {
        return Err(Refused::Malformed);
    }
    let given = given.strip_prefix(b"sha256=").and_then(digest).ok_or(Refused::Malformed)?;
    if bool::from(sign(secret, body).ct_eq(&given)) { Ok(()) } else { Err(Refused::Wrong) }
}

/// The signature of a body.
pub fn sign(secret: &SecretString, body: &[u8]) -> [u8; 32] {
    // HMAC takes keys of any length: there is no error to be had.
    #[allow(clippy::expect_used)]
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()).expect("any length is a key");
    mac.update(body);
    mac.finalize().into_bytes().into()
}

fn digest(hex: &[u8]) -> Option<[u8; 32]> {
    if hex.len() != 64 {
        return None;
    }
    let mut bytes = [0; 32];
    for (place, pair) in hex.chunks_exact(2).enumerate() {
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        bytes[place] = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn header(secret: &SecretString, body: &[u8]) -> Vec<u8> {
        let hex: String = sign(secret, body).iter().map(|byte| format!("{byte:02x}")).collect();
        format!("sha256={hex}").into_bytes()
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
