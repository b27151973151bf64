//! Messages from customers. Each keeps the channel's own identifier: redeliveries are recognised by it alone.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ids::{MessageId, UserId};

/// A message from a customer, as the channel delivered it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inbound {
    /// The channel's identifier; a redelivery has the same.
    pub id: MessageId,
    /// The customer, as the transport says: the sender; of an echo, the receiver.
    pub user_id: UserId,
    /// When it was sent, by the channel's clock: messages of one turn are processed in this order.
    pub sent_at: Timestamp,
    /// When it arrived, by the clock of this program.
    pub received_at: Timestamp,
    /// The shop's number that it was sent to, by the channel's identifier, where the channel says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// What it contains.
    pub content: Content,
    /// What it refers to, and whether it was written elsewhere.
    #[serde(default)]
    pub context: Context,
}

/// What a message refers to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Context {
    /// The message that it replies to: one to the customer, or one of the customer's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<MessageId>,
    /// Whether it was forwarded from another chat.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub forwarded: bool,
    /// Whether it was begun from something else than this chat: a product of the catalogue, an advertisement.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub from_elsewhere: bool,
}

/// The content of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Content {
    /// Written text.
    Text {
        /// What was written.
        text: String,
    },
    /// A pressed reply button, or a chosen row of a list.
    Button {
        /// What the button says.
        text: String,
        /// The identifier that came back with it; empty where it is not of a choice that this program could have made.
        payload: String,
    },
    /// A picture, a recording, a file.
    Media {
        /// Which kind.
        media: Media,
        /// The caption; empty where there is none.
        caption: String,
        /// The channel's identifier of the file.
        file: String,
    },
    /// A recording of the customer's voice, as a service heard it. Channels deliver it as [`Content::Media`]; a turn reads it so.
    Voice {
        /// The words.
        text: String,
    },
    /// A place on the map.
    Location {
        /// Its name, address and coordinates.
        place: String,
    },
    /// Contact cards.
    Contacts {
        /// The names, each with the numbers of its card.
        names: Vec<String>,
    },
    /// A cart of the channel's own catalogue.
    Order {
        /// The text with it; empty where there is none.
        text: String,
        /// How many different products it holds.
        products: u32,
    },
    /// A reaction to a message.
    Reaction {
        /// The emoji; empty where a reaction was removed.
        emoji: String,
        /// The message it is about.
        to: MessageId,
    },
    /// An earlier message, edited.
    Edited {
        /// The message.
        original: MessageId,
        /// What it says now.
        text: String,
    },
    /// An earlier message was deleted.
    Deleted {
        /// The message.
        original: MessageId,
    },
    /// The customer changed the number.
    NumberChanged {
        /// The new identity.
        new: UserId,
    },
    /// A member of the team wrote to the customer from another device.
    Echo {
        /// The text, as the transcript shows it.
        text: String,
    },
    /// A kind that the channel, or this program, does not support.
    Unsupported {
        /// The channel's word for it.
        what: String,
    },
}

/// What marks the words of a recording in the transcript.
pub const VOICE_SIGN: &str = "🎤 ";

/// What kind of file a message holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Media {
    /// A picture.
    Image,
    /// A video.
    Video,
    /// A voice message, or other audio.
    Audio,
    /// Any other file.
    Document,
    /// A sticker.
    Sticker,
}

impl Media {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Video => "video",
            Self::Audio => "audio",
            Self::Document => "document",
            Self::Sticker => "sticker",
        }
    }

    /// Whether it can show what happened to an order: a sticker and a recording cannot.
    pub fn is_evidence(self) -> bool {
        matches!(self, Self::Image | Self::Video | Self::Document)
    }

    /// Reads the word for it.
    pub fn parse(text: &str) -> Option<Self> {
        let all = [Self::Image, Self::Video, Self::Audio, Self::Document, Self::Sticker];
        all.into_iter().find(|media| media.as_str() == text)
    }
}

impl Content {
    /// The customer's own text; empty where there is none.
    pub fn text(&self) -> &str {
        match self {
            Self::Text { text }
            | Self::Voice { text }
            | Self::Button { text, .. }
            | Self::Order { text, .. }
            | Self::Edited { text, .. } => text,
            Self::Media { caption, .. } => caption,
            _ => "",
        }
    }

    /// Whether the customer wrote it: that opens the window in which the shop may write freely.
    pub fn is_from_customer(&self) -> bool {
        !matches!(self, Self::Echo { .. } | Self::NumberChanged { .. } | Self::Deleted { .. })
    }

    /// The payload of a pressed button.
    pub fn pressed(&self) -> Option<&str> {
        match self {
            Self::Button { payload, .. } => Some(payload),
            _ => None,
        }
    }

    /// The word for its kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Text { .. } => "text",
            Self::Button { .. } => "button",
            Self::Media { media, .. } => media.as_str(),
            Self::Voice { .. } => Media::Audio.as_str(),
            Self::Location { .. } => "location",
            Self::Contacts { .. } => "contacts",
            Self::Order { .. } => "order",
            Self::Reaction { .. } => "reaction",
            Self::Edited { .. } => "edited",
            Self::Deleted { .. } => "deleted",
            Self::NumberChanged { .. } => "number_changed",
            Self::Echo { .. } => "echo",
            Self::Unsupported { .. } => "unsupported",
        }
    }

    /// The text of the transcript: what was written, with a label in brackets for what is not text.
    pub fn transcript_text(&self) -> Cow<'_, str> {
        match self {
            Self::Text { text } | Self::Button { text, .. } | Self::Echo { text } => Cow::Borrowed(text),
            Self::Voice { text } => Cow::Owned(format!("{VOICE_SIGN}{text}")),
            Self::Media { caption, .. } => Cow::Owned(format!("[{}] {caption}", self.kind()).trim_end().to_owned()),
            Self::Location { place } => Cow::Owned(format!("[location] {place}").trim_end().to_owned()),
            Self::Contacts { names } => Cow::Owned(format!("[contacts] {}", names.join(", ")).trim_end().to_owned()),
            Self::Order { text, products } => {
                Cow::Owned(format!("[order of {products} products] {text}").trim_end().to_owned())
            }
            Self::Reaction { emoji, .. } if emoji.is_empty() => Cow::Borrowed("[reaction taken back]"),
            Self::Reaction { emoji, .. } => Cow::Owned(format!("[reaction] {emoji}")),
            Self::Edited { text, .. } => Cow::Owned(format!("[edited] {text}").trim_end().to_owned()),
            Self::Deleted { .. } => Cow::Borrowed("[message deleted]"),
            Self::NumberChanged { new } => Cow::Owned(format!("[number changed to {}]", new.masked())),
            Self::Unsupported { what } => Cow::Owned(format!("[unsupported: {what}]")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_words_is_shown_and_never_read() {
        let image = |caption: &str| Content::Media { media: Media::Image, caption: caption.into(), file: "9".into() };
        assert_eq!((image("torn").text(), image("torn").transcript_text().as_ref()), ("torn", "[image] torn"));
        assert_eq!((image("").text(), image("").transcript_text().as_ref()), ("", "[image]"));
        let reaction = Content::Reaction { emoji: "👍".into(), to: MessageId::new("m") };
        assert_eq!(
            (reaction.text(), reaction.transcript_text().as_ref(), reaction.pressed()),
            ("", "[reaction] 👍", None)
        );
        let echo = Content::Echo { text: "I'll see to it".into() };
        assert_eq!(
            (echo.text(), echo.transcript_text().as_ref()),
            ("", "I'll see to it"),
            "never taken for the customer's words"
        );
    }
}
