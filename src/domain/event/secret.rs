//! The secrets that deliveries are signed with, as Standard Webhooks write them: `whsec_` and 24 to 64 bytes in base64.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const PREFIX: &str = "whsec_";
/// The fewest and the most bytes of a secret, by the specification.
const LENGTHS: std::ops::RangeInclusive<usize> = 24..=64;

/// Why a text is no secret. The text is never shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// It is another kind of text.
    #[error("it does not begin with whsec_")]
    Prefix,
    /// What follows is not base64.
    #[error("what follows whsec_ is not base64")]
    Base64,
    /// It is too short or too long.
    #[error("it has {0} bytes; from {start} to {end} are allowed", start = LENGTHS.start(), end = LENGTHS.end())]
    Length(usize),
}

/// A secret that deliveries are signed with.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningSecret(Vec<u8>);

impl SigningSecret {
    /// Reads a secret: `whsec_…`.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        let encoded = text.trim().strip_prefix(PREFIX).ok_or(SecretError::Prefix)?;
        let bytes = STANDARD.decode(encoded).map_err(|_| SecretError::Base64)?;
        if LENGTHS.contains(&bytes.len()) { Ok(Self(bytes)) } else { Err(SecretError::Length(bytes.len())) }
    }

    /// The secret of random bytes, as it is written.
    pub fn write(random: &[u8; 32]) -> String {
        format!("{PREFIX}{}", STANDARD.encode(random))
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret(…)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_secret_is_told_without_it() {
        for (text, error) in [
            ("", SecretError::Prefix),
            ("C2FVsBQIhrscChlQIMV+b5sSYspob7oD", SecretError::Prefix),
            ("whsec_not base64", SecretError::Base64),
            ("whsec_", SecretError::Length(0)),
            ("whsec_c2hvcnQ=", SecretError::Length(5)),
        ] {
            assert_eq!(SigningSecret::parse(text), Err(error), "{text}");
        }
        assert_eq!(SecretError::Length(5).to_string(), "it has 5 bytes; from 24 to 64 are allowed");
        let secret = SigningSecret::parse(" whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD\n").unwrap();
        assert_eq!((secret.bytes().len(), format!("{secret:?}").as_str()), (24, "SigningSecret(…)"));
    }

    proptest! {
        #[test]
        fn a_written_secret_is_read(random in any::<[u8; 32]>(), junk in ".{0,80}") {
            let read = SigningSecret::parse(&SigningSecret::write(&random)).unwrap();
            prop_assert_eq!(read.bytes(), &random[..]);
            let _ = SigningSecret::parse(&junk);
        }
    }
}
