//! Files that customers' messages hold: what is known of each, how far it is, and what its bytes are. A file is named by the
//! digest of its content and judged by its content, never by what somebody says of it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::ids::{MessageId, OrderId, UserId};
use super::inbound::{Content, Inbound, Media};
use super::view::{Shows, View};

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
    /// The content of a photo is there, and a service is to look at it.
    Unseen,
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
            Self::Unseen => "unseen",
            Self::Stored => "stored",
            Self::Failed => "failed",
        }
    }

    /// Reads the word used in the store.
    pub fn parse(text: &str) -> Option<Self> {
        let all = [Self::Waiting, Self::Unheard, Self::Unseen, Self::Stored, Self::Failed];
        all.into_iter().find(|state| state.as_str() == text)
    }

    /// Whether something is left to do.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Waiting | Self::Unheard | Self::Unseen)
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
    /// Of several files that arrived at that moment, which was sent first: messages are shown in that order.
    pub place: u32,
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
    /// What a service saw in a photo.
    pub seen: Option<View>,
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
            place: 0,
            state: MediaState::Waiting,
            tries: 0,
            next_at: message.received_at,
            mime: None,
            size: None,
            sha256: None,
            transcript: None,
            seen: None,
            order_id: None,
            error: None,
        })
    }

    /// The files of messages that arrived together, each with its place.
    pub fn all(messages: &[Inbound]) -> Vec<Self> {
        let mut messages: Vec<&Inbound> = messages.iter().collect();
        // As turns read them.
        messages.sort_by_key(|message| message.sent_at);
        let files = messages.into_iter().filter_map(Self::of);
        (0..).zip(files).map(|(place, file)| Self { place, ..file }).collect()
    }

    /// Whether it can show what happened to an order: a sticker and a recording cannot.
    pub fn is_evidence(&self) -> bool {
        self.kind.is_evidence() && !self.is_of_team()
    }

    /// A file that the team sends, whose content is there under this digest.
    pub fn of_team(
        user_id: UserId,
        message: MessageId,
        (mime, size): (&str, u64),
        sha256: &str,
        at: Timestamp,
    ) -> Self {
        Self {
            id: MediaId::of(&message),
            user_id,
            message,
            kind: sent_as(mime).unwrap_or(Media::Document),
            source: String::new(),
            place: 0,
            at,
            state: MediaState::Stored,
            tries: 0,
            next_at: at,
            mime: Some(mime.to_owned()),
            size: Some(size),
            sha256: Some(sha256.to_owned()),
            transcript: None,
            seen: None,
            order_id: None,
            error: None,
        }
    }

    /// Whether the team sent it: a channel names every file of a customer.
    pub fn is_of_team(&self) -> bool {
        self.source.is_empty()
    }

    /// Whether it can show a fault: a photo or a video that came or is coming, of which no service says that it has nothing to do
    /// with an order.
    pub fn shows_a_fault(&self) -> bool {
        matches!(self.kind, Media::Image | Media::Video)
            && self.state != MediaState::Failed
            && self.seen.as_ref().is_none_or(|view| view.shows != Shows::Unrelated)
    }

    /// The content's digest, where the content is there.
    pub fn content(&self) -> Option<&str> {
        self.sha256
            .as_deref()
            .filter(|_| matches!(self.state, MediaState::Unheard | MediaState::Unseen | MediaState::Stored))
    }

    /// Where the team's pages hand its content out.
    pub fn path(&self) -> String {
        format!("/media/{}", self.id.as_str())
    }

    /// Whether a page may show it as a picture: by its content.
    pub fn is_picture(&self) -> bool {
        self.mime.as_deref().is_some_and(is_picture)
    }

    /// Whether a page may play it: by its content.
    pub fn is_recording(&self) -> bool {
        self.mime.as_deref().is_some_and(|mime| mime.starts_with("audio/"))
    }
}

/// How many files there are of each kind: “2 photos, 1 voice message”.
pub fn counted(files: &[MediaFile]) -> String {
    let count = |kind: Media| files.iter().filter(|file| file.kind == kind).count();
    let counts = Media::ALL.into_iter().map(|kind| (kind, count(kind))).filter(|(_, count)| *count > 0);
    counts.map(|(kind, count)| format!("{count} {}", kind.counted(count))).collect::<Vec<_>>().join(", ")
}

/// The types of pictures that pages show, made anew without anything but their pixels.
const PICTURES: [&str; 3] = [JPEG, PNG, WEBP];

/// Whether a content of this type is decoded as a picture.
pub fn is_picture(mime: &str) -> bool {
    PICTURES.contains(&mime)
}

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

/// As what a file of a type is sent; `None`: it is not sent.
pub fn sent_as(mime: &str) -> Option<Media> {
    match mime {
        JPEG | PNG => Some(Media::Image),
        "video/mp4" => Some(Media::Video),
        "audio/ogg" | "audio/amr" | "audio/mpeg" | "audio/aac" | "audio/mp4" => Some(Media::Audio),
        "application/pdf" => Some(Media::Document),
        _ => None,
    }
}

/// The largest file that the team sends as that, in bytes: no more than Meta takes, and no more than goes through in time.
pub fn largest_sent(kind: Media) -> usize {
    const MEGABYTE: usize = 1_024 * 1_024;
    if kind == Media::Image { 5 * MEGABYTE } else { 16 * MEGABYTE }
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
