//! Decides what is kept of a message that a customer sent, until it is answered and after.
//!
//! It must never lose the channel's own identifier: a redelivery is known by it alone.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ids::{MessageId, UserId};

/// A message from a customer, as the channel handed it over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inbound {
    /// The channel's identifier; a redelivery has the same.
    pub id: MessageId,
    /// Who wrote, as the transport says; of an echo, to whom it was written.
    pub user_id: UserId,
    /// When it was sent, by the channel's clock: messages of one turn are read in this order.
    pub sent_at: Timestamp,
    /// When it reached this program, by its own clock.
    pub received_at: Timestamp,
    /// What it holds.
    pub content: Content,
}

/// What a message holds. More kinds come with the channels that have them.
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
        /// What the button carries, as it was sent with the reply: the identifier of a quote.
        payload: String,
    },
    /// A picture, a recording, a file.
    Media {
        /// Which kind.
        media: Media,
        /// What was written under it; empty where nothing was.
        caption: String,
        /// What the channel calls the file.
        file: String,
    },
    /// A place on the map.
    Location {
        /// Its name, address and coordinates.
        place: String,
    },
    /// Entries of an address book.
    Contacts {
        /// The names.
        names: Vec<String>,
    },
    /// A basket of the channel's own shop.
    Order {
        /// What was written with it; empty where nothing was.
        text: String,
        /// How many different products it holds.
        products: u32,
    },
    /// A reaction to a message.
    Reaction {
        /// The sign; empty where a reaction was taken back.
        emoji: String,
        /// The message it is about.
        to: MessageId,
    },
    /// An earlier message, written anew.
    Edited {
        /// The message.
        original: MessageId,
        /// What it says now.
        text: String,
    },
    /// An earlier message was taken back.
    Deleted {
        /// The message.
        original: MessageId,
    },
    /// The customer writes from another number from now on.
    NumberChanged {
        /// The new identity.
        new: UserId,
    },
    /// A person of the shop wrote to the customer from another device.
    Echo {
        /// What was written, or a word for it.
        text: String,
    },
    /// Something that the channel, or this program, does not know.
    Unsupported {
        /// The channel's word for it.
        what: String,
    },
}

/// What kind of file a message holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Media {
    /// A picture.
    Image,
    /// A moving picture.
    Video,
    /// A recording.
    Audio,
    /// Any other file.
    Document,
    /// A small picture instead of a word.
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
}

impl Content {
    /// What the customer said, as text; empty where it holds no words of theirs.
    pub fn text(&self) -> &str {
        match self {
            Self::Text { text } | Self::Button { text, .. } | Self::Order { text, .. } | Self::Edited { text, .. } => {
                text
            }
            Self::Media { caption, .. } => caption,
            _ => "",
        }
    }

    /// What a pressed button carries.
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

    /// How the transcript shows it: the words, with a mark for what is not words.
    pub fn told(&self) -> Cow<'_, str> {
        match self {
            Self::Text { text } | Self::Button { text, .. } => Cow::Borrowed(text),
            Self::Echo { text } => Cow::Borrowed(text),
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
        assert_eq!((image("torn").text(), image("torn").told().as_ref()), ("torn", "[image] torn"));
        assert_eq!((image("").text(), image("").told().as_ref()), ("", "[image]"));
        let reaction = Content::Reaction { emoji: "👍".into(), to: MessageId::new("m") };
        assert_eq!((reaction.text(), reaction.told().as_ref(), reaction.pressed()), ("", "[reaction] 👍", None));
        let echo = Content::Echo { text: "I'll see to it".into() };
        assert_eq!((echo.text(), echo.told().as_ref()), ("", "I'll see to it"), "never taken for the customer's words");
    }
}
