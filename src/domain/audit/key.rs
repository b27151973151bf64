//! The key that signs the audit trail, and signed heads.
//!
//! A chain of hashes can be computed anew by whoever may write the store. So every entry also carries an HMAC-SHA256
//! over its place, the hash before it and its content, with a key that is not in the store, and so does the saved end
//! of the chain. What no signature in the store can show, that the end was put back to an earlier one, published heads
//! do: place and hash of the last entry at a time, signed, in a log that lies elsewhere.

use std::fmt;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use hmac::{Hmac, Mac as _};
use jiff::Timestamp;
use regex::Regex;
use sha2::{Digest as _, Sha256};

/// The fewest bytes of a key.
pub const KEY_BYTES: usize = 32;
/// The action of an entry that begins a part of the trail that is signed with another key, or with one for the first
/// time.
pub const SIGNING: &str = "audit_key";

/// How the content of a signed entry begins.
pub(super) const SIGNED_PREFIX: &str = r#"{"mac":""#;
const KEY_PREFIX: &str = r#"","key":""#;
const MAC_LENGTH: usize = 64;
const ID_LENGTH: usize = 16;
/// What marks a published head in a line of a log.
const HEAD_MARK: &str = "ecomres-audit-head:1";

/// A key of the audit trail. Neither shown nor stored in a store; its identifier is.
#[derive(Clone)]
pub struct AuditKey {
    mac: Hmac<Sha256>,
    id: String,
}

impl AuditKey {
    /// The key of at least [`KEY_BYTES`] bytes.
    ///
    /// # Errors
    /// When there are fewer.
    pub fn new(bytes: &[u8]) -> Result<Self, String> {
        if bytes.len() < KEY_BYTES {
            return Err(format!("it holds {} bytes; {KEY_BYTES} are the fewest", bytes.len()));
        }
        let mac = Hmac::new_from_slice(bytes).map_err(|error| error.to_string())?;
        let digest = Sha256::new().chain_update("ecomres audit key id\0").chain_update(bytes).finalize();
        Ok(Self { mac, id: hex::encode(digest)[..ID_LENGTH].to_owned() })
    }

    /// Reads a key that is written in hexadecimal or base64.
    ///
    /// # Errors
    /// When it is neither, or too short. The error does not hold the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.len() >= KEY_BYTES
            && text.chars().all(|c| c.is_ascii_hexdigit())
            && let Ok(bytes) = hex::decode(text)
        {
            return Self::new(&bytes);
        }
        let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
        let alphabets = [&base64::alphabet::STANDARD, &base64::alphabet::URL_SAFE];
        let decoded =
            alphabets.into_iter().find_map(|alphabet| GeneralPurpose::new(alphabet, config).decode(text).ok());
        match decoded {
            Some(bytes) => Self::new(&bytes),
            None => Err(format!("it is neither hexadecimal nor base64 of at least {KEY_BYTES} bytes")),
        }
    }

    /// Names the key without telling it: 16 hexadecimal digits.
    pub fn id(&self) -> &str {
        &self.id
    }

    fn sign(&self, purpose: &str, seq: u64, hash: &str, rest: &str) -> String {
        let mut mac = self.mac.clone();
        for part in [purpose.as_bytes(), b"\0", &seq.to_be_bytes(), hash.as_bytes(), b"\0", rest.as_bytes()] {
            mac.update(part);
        }
        hex::encode(mac.finalize().into_bytes())
    }

    fn holds(&self, purpose: &str, seq: u64, hash: &str, rest: &str, signature: &str) -> bool {
        // Whoever checks knows the key: how long the comparison takes tells nobody anything.
        self.sign(purpose, seq, hash, rest) == signature
    }

    /// The signature of an entry: over its place, the hash before it, and its content without the signature.
    pub(super) fn sign_entry(&self, seq: u64, previous: &str, rest: &str) -> String {
        self.sign("ecomres audit entry", seq, previous, rest)
    }

    pub(super) fn signed_entry(&self, seq: u64, previous: &str, signature: &Signature<'_>) -> bool {
        signature.key == self.id && self.holds("ecomres audit entry", seq, previous, signature.rest, signature.mac)
    }

    /// The signature of the saved end of a chain.
    pub fn sign_end(&self, seq: u64, hash: &str) -> String {
        self.sign("ecomres audit end", seq, hash, "")
    }

    /// Whether a signature is that of a saved end.
    pub fn signed_end(&self, seq: u64, hash: &str, signature: &str) -> bool {
        self.holds("ecomres audit end", seq, hash, "", signature)
    }
}

impl fmt::Debug for AuditKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The signature that the content of an entry carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Signature<'a> {
    /// The key's identifier.
    pub(super) key: &'a str,
    mac: &'a str,
    /// The content without what stands before the key.
    rest: &'a str,
}

impl<'a> Signature<'a> {
    /// Reads the signature of a content; `None` where it carries none.
    pub(super) fn of(content: &'a str) -> Option<Self> {
        let after = content.strip_prefix(SIGNED_PREFIX)?;
        let (mac, rest) = after.split_at_checked(MAC_LENGTH)?;
        let key = rest.strip_prefix(KEY_PREFIX)?.get(..ID_LENGTH)?;
        Some(Self { key, mac, rest })
    }
}

/// Place and hash of the last entry at a time, for others to keep. Signed where the trail is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedHead {
    /// The place of the last entry.
    pub seq: u64,
    /// Its hash.
    pub hash: String,
    /// When.
    pub at: Timestamp,
    /// The key's identifier and the signature.
    pub signature: Option<(String, String)>,
}

impl SignedHead {
    /// The head of a chain.
    pub fn new(seq: u64, hash: &str, at: Timestamp, key: Option<&AuditKey>) -> Self {
        let signature = key.map(|key| (key.id().to_owned(), key.sign("ecomres audit head", seq, hash, &stamp(at))));
        Self { seq, hash: hash.to_owned(), at, signature }
    }

    /// Whether it was signed with this key.
    pub fn is_signed_by(&self, key: &AuditKey) -> bool {
        self.signature.as_ref().is_some_and(|(id, signature)| {
            id == key.id() && key.holds("ecomres audit head", self.seq, &self.hash, &stamp(self.at), signature)
        })
    }

    /// The heads in a text, such as a log: each stands anywhere in a line.
    pub fn find_in(text: &str) -> Vec<Self> {
        #[expect(clippy::expect_used, reason = "a constant pattern, which a test compiles")]
        static HEAD: LazyLock<Regex> = LazyLock::new(|| {
            let pattern =
                format!(r"{HEAD_MARK}:(\d{{1,19}}):([0-9a-f]{{64}}):(\d{{1,16}}):(none|[0-9a-f]{{16}}:[0-9a-f]{{64}})");
            Regex::new(&pattern).expect("a valid pattern")
        });
        HEAD.captures_iter(text)
            .filter_map(|found| {
                Some(Self {
                    seq: found[1].parse().ok()?,
                    hash: found[2].to_owned(),
                    at: Timestamp::from_millisecond(found[3].parse().ok()?).ok()?,
                    signature: found[4].split_once(':').map(|(key, mac)| (key.to_owned(), mac.to_owned())),
                })
            })
            .collect()
    }
}

impl fmt::Display for SignedHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{HEAD_MARK}:{}:{}:{}:", self.seq, self.hash, stamp(self.at))?;
        match &self.signature {
            Some((key, mac)) => write!(f, "{key}:{mac}"),
            None => f.write_str("none"),
        }
    }
}

fn stamp(at: Timestamp) -> String {
    at.as_millisecond().max(0).to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keys_are_read_in_either_way_and_never_shown() {
        let bytes: Vec<u8> = (0..40).collect();
        let wanted = AuditKey::new(&bytes).unwrap();
        let padded = base64::engine::general_purpose::STANDARD.encode(&bytes);
        for text in [hex::encode(&bytes), hex::encode_upper(&bytes), padded.clone(), format!(" {padded}\n")] {
            assert_eq!(AuditKey::parse(&text).unwrap().id(), wanted.id(), "{text}");
        }
        assert_eq!(AuditKey::parse(padded.trim_end_matches('=')).unwrap().id(), wanted.id());
        let shown = format!("{wanted:?}");
        assert!(shown.contains(wanted.id()) && !shown.contains(&hex::encode(&bytes)[..8]), "{shown}");
        for short in ["", "secret", "00ff", &hex::encode([7; 31]), "not base64 at all, but quite long all the same"] {
            let why = AuditKey::parse(short).unwrap_err();
            assert!(short.len() < 5 || !why.contains(short), "{why}");
        }
    }

    proptest! {
        #[test]
        fn a_head_is_found_in_any_line_and_fits_its_key_alone(seq in any::<u32>(), hash in "[0-9a-f]{64}", at in 0..4_000_000_000_000_i64, before in "[^\n]{0,20}", signed: bool) {
            let (key, other) = (AuditKey::new(&[1; 32]).unwrap(), AuditKey::new(&[2; 32]).unwrap());
            let head = SignedHead::new(seq.into(), &hash, Timestamp::from_millisecond(at).unwrap(), signed.then_some(&key));
            let line = format!("{before} {{\"message\":\"{head}\"}}\n{head}");
            let found = SignedHead::find_in(&line);
            prop_assert_eq!(&found, &[head.clone(), head.clone()]);
            prop_assert_eq!(head.is_signed_by(&key), signed);
            prop_assert!(!head.is_signed_by(&other));
            for changed in [SignedHead { seq: head.seq + 1, ..head.clone() }, SignedHead { hash: "0".repeat(64), ..head.clone() }] {
                prop_assert!(!changed.is_signed_by(&key) || changed == head);
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in ".{0,200}") {
            let _ = (AuditKey::parse(&text), SignedHead::find_in(&text));
            let content = format!("{SIGNED_PREFIX}{text}");
            let _ = Signature::of(&content);
        }
    }
}
