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
        /// Each product with its quantity and price, as the team reads it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        lines: Vec<String>,
    },
    /// What was filled into a form of the shop's that the channel shows.
    Form {
        /// Each field with what was filled in.
        lines: Vec<String>,
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

/// What a customer gives that is no words, and that an order can be changed to where they agree to that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Given {
    /// A place on the map, as an address.
    Place(String),
    /// Contact cards, with the telephone number where there is just one.
    Contact(Option<String>),
    /// The photo that was asked for.
    Photo,
}

impl Given {
    /// As the transcript shows it.
    pub fn transcript_text(&self) -> String {
        match self {
            Self::Place(place) => format!("[location] {place}"),
            Self::Contact(Some(number)) => format!("[contacts] {number}"),
            Self::Contact(None) => "[contacts]".to_owned(),
            Self::Photo => "[image]".to_owned(),
        }
    }

    /// What it is, without anything of the customer's.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Place(_) => "[location]",
            Self::Contact(_) => "[contacts]",
            Self::Photo => "[image]",
        }
    }
}

/// What parts a place's name, address and position.
pub const PLACE_PARTS: &str = "; ";

/// Whether a text is a position on the map and nothing else: two coordinates.
pub fn is_position(text: &str) -> bool {
    let is_number = |part: &str| part.trim().parse::<f64>().is_ok_and(f64::is_finite);
    text.split_once(',').is_some_and(|(one, other)| is_number(one) && is_number(other))
}

/// A place as an address: its name and address, and its position only where there is neither.
fn address_of(place: &str) -> String {
    match place.rsplit_once(PLACE_PARTS) {
        Some((named, position)) if is_position(position) => named.replace(PLACE_PARTS, ", "),
        _ => place.replace(PLACE_PARTS, ", "),
    }
}

/// The number of a contact card, where there is one card with one number. A card without a name is its number alone, which may
/// have parentheses of its own.
fn number_of(names: &[String]) -> Option<String> {
    let [card] = names else { return None };
    number_in(card).or_else(|| number_in(in_last_parentheses(card)?))
}

/// A telephone number without what parts its digits; `None` where it is something else.
fn number_in(text: &str) -> Option<String> {
    let text = text.trim();
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let is_number = digits >= 7
        && text.chars().all(|c| c.is_ascii_digit() || "+-() .".contains(c))
        && !text.trim_start_matches('+').contains('+');
    is_number.then(|| text.chars().filter(|c| c.is_ascii_digit() || *c == '+').collect())
}

/// What stands in the parentheses with which a text ends.
fn in_last_parentheses(text: &str) -> Option<&str> {
    let within = text.trim_end().strip_suffix(')')?;
    let mut open = 0_usize;
    for (place, c) in within.char_indices().rev() {
        match c {
            ')' => open += 1,
            '(' if open == 0 => return Some(&within[place + 1..]),
            '(' => open -= 1,
            _ => {}
        }
    }
    None
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
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Image, Self::Video, Self::Document, Self::Audio, Self::Sticker];

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

    /// The word for so many of them, as people say it.
    pub fn counted(self, count: usize) -> String {
        let word = match self {
            Self::Image => "photo",
            Self::Video => "video",
            Self::Audio => "voice message",
            Self::Document => "document",
            Self::Sticker => "sticker",
        };
        if count == 1 { word.to_owned() } else { format!("{word}s") }
    }

    /// Whether it can show what happened to an order: a sticker and a recording cannot.
    pub fn is_evidence(self) -> bool {
        matches!(self, Self::Image | Self::Video | Self::Document)
    }

    /// Reads the word for it.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|media| media.as_str() == text)
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

    /// What an order can be changed to that is no words.
    pub fn given(&self) -> Option<Given> {
        match self {
            Self::Location { place } => Some(Given::Place(address_of(place))),
            Self::Contacts { names } => Some(Given::Contact(number_of(names))),
            _ => None,
        }
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
            Self::Form { .. } => "form",
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
            Self::Order { text, products, lines } => {
                let cart = format!("[order of {products} products] {text}");
                Cow::Owned([&[cart.trim_end().to_owned()], lines.as_slice()].concat().join("\n"))
            }
            Self::Form { lines } => Cow::Owned([&["[form]".to_owned()], lines.as_slice()].concat().join("\n")),
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
    fn a_place_and_a_contact_card_can_be_what_an_order_is_changed_to() {
        for (place, address) in [
            (
                "Philz Coffee; 101 Forest Ave, Palo Alto, CA 94301; 37.44221, -122.16166",
                "Philz Coffee, 101 Forest Ave, Palo Alto, CA 94301",
            ),
            ("12 Lake Road, Pune; 18.52, 73.85", "12 Lake Road, Pune"),
            ("18.52, 73.85", "18.52, 73.85"),
            ("12 Lake Road", "12 Lake Road"),
        ] {
            let given = Content::Location { place: place.to_owned() }.given();
            assert_eq!(given, Some(Given::Place(address.to_owned())));
        }
        for (cards, number) in [
            (&["Lucía Gómez (+1 (983) 555-2319)"][..], Some("+19835552319")),
            (&["+91 98765 00001"], Some("+919876500001")),
            (&["+1 (983) 555-2319"], Some("+19835552319")),
            (&["Lucía (Pune) (919876500001)"], Some("919876500001")),
            (&["Lucía (mi casa (+1 (983) 555-2319)"], Some("+19835552319")),
            // Which of two is meant is asked.
            (&["Lucía (+91 98765 00001, 919876500002)"], None),
            (&["Lucía (919876500001)", "Ana (919876500002)"], None),
            (&["Lucía"], None),
            (&["Lucía 919876500001)"], None),
            (&["98765 + 00001"], None),
        ] {
            let names = cards.iter().map(|card| (*card).to_owned()).collect();
            assert_eq!(
                Content::Contacts { names }.given(),
                Some(Given::Contact(number.map(str::to_owned))),
                "{cards:?}"
            );
        }
    }

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
