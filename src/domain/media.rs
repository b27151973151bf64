//! Files that customers' messages hold: what is known of each, how far it is, and what its bytes are. A file is named by the
//! digest of its content and judged by its content, never by what somebody says of it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::ids::{MessageId, OrderId, UserId};
use super::inbound::{Content, Inbound, Media};

/// Identifies a file. It follows from the message, so that a redelivery names the same one, and tells nothing of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MediaId(String);

impl MediaId {
    /// The file of a message: a message holds one at most.
    pub fn of(message: &MessageId) -> Self {
        Self(hex::encode(&Sha256::digest(message.as_str().as_bytes())[..16]))
    }

    /// Reads an identifier; `None` where it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        (text.len() == 32 && text.bytes().all(is_hex)).then(|| Self(text.to_owned()))
    }

    /// The identifier as text: 32 hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How far a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaState {
    /// Its content has to be fetched.
    Waiting,
    /// The content of a recording is there, and its words are to be written down.
    Unheard,
    /// The content is there, and nothing is left to do.
    Stored,
    /// It could not be fetched, and is no longer tried.
    Failed,
}

impl MediaState {
    /// The word used in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Unheard => "unheard",
            Self::Stored => "stored",
            Self::Failed => "failed",
        }
    }

    /// Reads the word used in the store.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Waiting, Self::Unheard, Self::Stored, Self::Failed].into_iter().find(|state| state.as_str() == text)
    }

    /// Whether something is left to do.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Waiting | Self::Unheard)
    }
}

/// What is known of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MediaFile {
    /// Its identifier.
    pub id: MediaId,
    /// The customer.
    pub user_id: UserId,
    /// The message that holds it.
    pub message: MessageId,
    /// What the channel calls it.
    pub kind: Media,
    /// The channel's identifier of the file.
    pub source: String,
    /// When the message arrived.
    pub at: Timestamp,
    /// How far it is.
    pub state: MediaState,
    /// How often it was claimed in this state: it outdates earlier claims.
    pub tries: u32,
    /// When it may be claimed; while somebody works on it, the end of the lease; afterwards, when it was done or given up.
    pub next_at: Timestamp,
    /// The type of its content, by its bytes.
    pub mime: Option<String>,
    /// Bytes of its content.
    pub size: Option<u64>,
    /// The SHA-256 of its content, in hexadecimal: what it is stored under.
    pub sha256: Option<String>,
    /// The words of a recording, as a service heard them.
    pub transcript: Option<String>,
    /// The order that it is evidence for.
    pub order_id: Option<OrderId>,
    /// Why the last try failed.
    pub error: Option<String>,
}

impl MediaFile {
    /// The file of a message that arrived, to be fetched at once; `None` where it holds none.
    pub fn of(message: &Inbound) -> Option<Self> {
        let Content::Media { media, file, .. } = &message.content else { return None };
        (!file.is_empty()).then(|| Self {
            id: MediaId::of(&message.id),
            user_id: message.user_id.clone(),
            message: message.id.clone(),
            kind: *media,
            source: file.clone(),
            at: message.received_at,
            state: MediaState::Waiting,
            tries: 0,
            next_at: message.received_at,
            mime: None,
            size: None,
            sha256: None,
            transcript: None,
            order_id: None,
            error: None,
        })
    }

    /// Whether it can show what happened to an order: a sticker and a recording cannot.
    pub fn is_evidence(&self) -> bool {
        self.kind.is_evidence()
    }

    /// The content's digest, where the content is there.
    pub fn content(&self) -> Option<&str> {
        self.sha256.as_deref().filter(|_| matches!(self.state, MediaState::Unheard | MediaState::Stored))
    }

    /// Whether a page may show it as a picture: by its content.
    pub fn is_picture(&self) -> bool {
        self.mime.as_deref().is_some_and(|mime| PICTURES.contains(&mime))
    }

    /// Whether a page may play it: by its content.
    pub fn is_recording(&self) -> bool {
        self.mime.as_deref().is_some_and(|mime| mime.starts_with("audio/"))
    }
}

/// The types of pictures that pages show, made anew without anything but their pixels.
const PICTURES: [&str; 3] = [JPEG, PNG, WEBP];
const JPEG: &str = "image/jpeg";
const PNG: &str = "image/png";
const WEBP: &str = "image/webp";
/// What is not recognised.
pub const UNKNOWN_TYPE: &str = "application/octet-stream";
/// How many of the first bytes tell the type.
pub const HEAD: usize = 64;

/// The type of a content by its first bytes ([`HEAD`] are enough). Only what pages show or play, and what services hear, is
/// recognised: everything else is handed out as a file.
pub fn sniffed(head: &[u8]) -> &'static str {
    let at = |from: usize, what: &[u8]| head.get(from..from + what.len()) == Some(what);
    let riff = |kind: &[u8]| at(0, b"RIFF") && at(8, kind);
    match head {
        [0xFF, 0xD8, 0xFF, ..] => JPEG,
        _ if at(0, b"\x89PNG\r\n\x1a\n") => PNG,
        _ if riff(b"WEBP") => WEBP,
        _ if at(0, b"OggS") => "audio/ogg",
        _ if riff(b"WAVE") => "audio/wav",
        _ if at(0, b"#!AMR") => "audio/amr",
        _ if at(0, b"ID3") => "audio/mpeg",
        // ADTS has no layer, MPEG audio has one.
        [0xFF, second, ..] if second & 0xF6 == 0xF0 => "audio/aac",
        [0xFF, second, ..] if second & 0xE0 == 0xE0 && second & 0x06 != 0 => "audio/mpeg",
        _ if at(4, b"ftypM4A") || at(4, b"ftypM4B") => "audio/mp4",
        _ if at(4, b"ftyp") => "video/mp4",
        _ if at(0, b"%PDF-") => "application/pdf",
        _ => UNKNOWN_TYPE,
    }
}

/// As [`sniffed`], of a file that the channel calls so: in an MP4 that came as a recording there is sound.
pub fn type_of(kind: Media, head: &[u8]) -> &'static str {
    match (kind, sniffed(head)) {
        (Media::Audio, "video/mp4") => "audio/mp4",
        (_, mime) => mime,
    }
}

/// The end of a file's name for a type; services of transcription go by it.
pub fn extension(mime: &str) -> &'static str {
    match mime {
        JPEG => "jpg",
        PNG => "png",
        WEBP => "webp",
        "audio/ogg" => "ogg",
        "audio/wav" => "wav",
        "audio/amr" => "amr",
        "audio/mpeg" => "mp3",
        "audio/aac" => "aac",
        "audio/mp4" => "m4a",
        "video/mp4" => "mp4",
        "application/pdf" => "pdf",
        _ => "bin",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_told_by_the_content_alone() {
        for (head, mime) in [
            (&b"\xFF\xD8\xFF\xE1\x00\x10Exif"[..], "image/jpeg"),
            (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "image/png"),
            (b"RIFF\x10\x00\x00\x00WEBPVP8 ", "image/webp"),
            (b"RIFF\x10\x00\x00\x00WAVEfmt ", "audio/wav"),
            (b"OggS\x00\x02", "audio/ogg"),
            (b"#!AMR\n", "audio/amr"),
            (b"ID3\x04", "audio/mpeg"),
            (b"\xFF\xFB\x90\x00", "audio/mpeg"),
            (b"\xFF\xF1\x50\x80", "audio/aac"),
            (b"\x00\x00\x00\x1cftypM4A ", "audio/mp4"),
            (b"\x00\x00\x00\x1cftypisom", "video/mp4"),
            (b"%PDF-1.7", "application/pdf"),
            (b"<!DOCTYPE html><script>", UNKNOWN_TYPE),
            (b"<svg onload=alert(1)>", UNKNOWN_TYPE),
            (b"GIF89a", UNKNOWN_TYPE),
            (b"RIFF", UNKNOWN_TYPE),
            (b"", UNKNOWN_TYPE),
        ] {
            assert_eq!(sniffed(head), mime, "{head:?}");
        }
    }

    #[test]
    fn a_file_is_named_by_its_message_and_tells_nothing_of_it() {
        let id = MediaId::of(&MessageId::new("wamid.1"));
        assert_eq!(id, MediaId::of(&MessageId::new("wamid.1")));
        assert_ne!(id, MediaId::of(&MessageId::new("wamid.2")));
        assert_eq!(MediaId::parse(id.as_str()), Some(id));
        for wrong in ["", "../../etc/passwd", "0123456789ABCDEF0123456789ABCDEF", "0123456789abcdef0123456789abcde/"] {
            assert_eq!(MediaId::parse(wrong), None, "{wrong}");
        }
    }
}
