//! Messages to customers: their identity, their content, how far they are, and what a channel's status of them changes.
//! `(customer, turn, sequence)` identifies a message for ever, and a status never takes back what is known.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::ids::{MessageId, UserId};
use super::words::excerpt;

/// A message to a customer. `(user_id, turn, sequence)` is its identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outgoing {
    /// To whom.
    pub user_id: UserId,
    /// The turn of the conversation that it answers.
    pub turn: u64,
    /// Its place among the messages of that turn, from 0.
    pub sequence: u32,
    /// What it says.
    pub body: Body,
    /// The state of its delivery.
    pub state: Delivery,
    /// The number of attempts to send it. It only grows, so it is also the fencing token of an attempt.
    pub attempts: u32,
    /// How many of the attempts do not count towards giving up: the set-up kept the channel from accepting anything, or
    /// somebody asked for a new start.
    #[serde(default)]
    pub waived: u32,
    /// When the next attempt is due (queued), the lease ends (sending), or sending ended (sent, parked).
    pub next_at: Timestamp,
    /// The channel's identifier, once it was sent.
    pub provider_id: Option<String>,
    /// Why the last attempt failed.
    pub error: Option<String>,
    /// The message it replies to, if any.
    #[serde(default)]
    pub answers: Option<Answered>,
    /// The latest receipt of the channel.
    #[serde(default)]
    pub receipt: Option<Receipt>,
    /// When the channel accepted or delivered it, by the channel's clock, as the first such receipt says. A receipt that
    /// it was read tells no such time.
    #[serde(default)]
    pub sent_at: Option<Timestamp>,
}

/// The message that a reply answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// The customer's latest message of the turn.
    pub message: MessageId,
    /// When the customer sent it.
    pub at: Timestamp,
    /// Whether the channel quotes it: where the turn had several messages.
    pub quote: bool,
    /// The shortest time from the sending of a message of the turn, by the channel's clock, to its arrival, by ours. Our
    /// clock is ahead of the channel's by no more than this; negative where it is behind.
    #[serde(default)]
    pub lag: Option<SignedDuration>,
    /// The shop's number that the customer wrote to, by the channel's identifier: the reply leaves from there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
}

/// A template with one place, which the reply fills.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// Its name.
    pub name: String,
    /// Its language, such as `en` or `en_US`.
    pub language: String,
}

impl Template {
    /// The message that this template makes of a text.
    pub fn filled(&self, text: &str) -> Body {
        Body::Template { name: self.name.clone(), language: self.language.clone(), parameters: vec![text.to_owned()] }
    }
}

/// A template as the channel knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownTemplate {
    /// Its name.
    pub name: String,
    /// Its language, such as `en` or `en_US`.
    pub language: String,
    /// What the channel takes it for, such as `UTILITY`.
    pub category: String,
    /// What the channel says of it, such as `APPROVED`.
    pub status: String,
    /// Its text, with `{{1}}`, `{{2}}` and so on for its places.
    pub text: String,
    /// How many places its text has; `None` where it needs more than values for these, such as a picture.
    pub places: Option<usize>,
}

impl KnownTemplate {
    /// What names it: there may be one in each language.
    pub fn key(&self) -> String {
        format!("{} {}", self.name, self.language)
    }

    /// Whether the team may send it.
    pub fn is_ready(&self) -> bool {
        self.status == "APPROVED" && self.places.is_some()
    }

    /// Its text with these values in its places, as the customer reads it.
    pub fn text_with(&self, values: &[String]) -> String {
        // In one pass: what is filled in is never taken for a place.
        let mut parts = self.text.split("{{");
        let mut written = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (place, rest) = part.split_once("}}").unwrap_or((part, ""));
            let value = place.trim().parse::<usize>().ok().and_then(|place| values.get(place.checked_sub(1)?));
            if let Some(value) = value {
                written.push_str(value);
            } else {
                // As it stands.
                written.extend(["{{", place]);
                written.push_str(if place.len() < part.len() { "}}" } else { "" });
            }
            written.push_str(rest);
        }
        written
    }

    /// The message with these values.
    pub fn filled(&self, values: Vec<String>) -> Body {
        Body::Template { name: self.name.clone(), language: self.language.clone(), parameters: values }
    }
}

/// The content of a message to a customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Body {
    /// Plain text.
    Text {
        /// The text.
        text: String,
    },
    /// Text with reply buttons.
    Buttons {
        /// The text.
        text: String,
        /// The buttons, at least one.
        buttons: Vec<Choice>,
    },
    /// Text with a list to choose from.
    List {
        /// The text.
        text: String,
        /// The label of the button that opens the list.
        button: String,
        /// The rows, at least one.
        rows: Vec<Choice>,
    },
    /// A text that the channel approved beforehand: the only kind that may start a conversation.
    Template {
        /// Its name.
        name: String,
        /// Its language, such as `en` or `en_US`.
        language: String,
        /// The values of its parameters.
        parameters: Vec<String>,
    },
    /// A file of the team, with words below it where the channel shows some.
    File {
        /// What its content is stored under.
        sha256: String,
        /// Its type, by its content.
        mime: String,
        /// What it is called.
        name: String,
        /// The words.
        caption: String,
    },
    /// An emoji on one of the customer's messages.
    Reaction {
        /// The emoji.
        emoji: String,
        /// The message.
        to: MessageId,
    },
}

/// A reply button, or a row of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// The identifier that comes back when it is chosen.
    pub id: String,
    /// The label.
    pub title: String,
}

impl Choice {
    /// A choice with this identifier and label.
    pub fn new(id: impl Into<String>, title: impl Into<String>) -> Self {
        Self { id: id.into(), title: title.into() }
    }
}

/// What a channel accepts. Lengths are in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChannelLimits {
    /// The longest plain text.
    pub text: usize,
    /// The longest text with buttons or a list.
    pub text_with_choices: usize,
    /// Buttons below one text.
    pub buttons: usize,
    /// The longest label of a button.
    pub button_title: usize,
    /// The longest identifier of a button.
    pub button_id: usize,
    /// Rows of one list.
    pub rows: usize,
    /// The longest label of a row.
    pub row_title: usize,
    /// The longest identifier of a row.
    pub row_id: usize,
    /// The longest text that fills a template.
    pub template_text: usize,
    /// How long after a message of the customer anything but a template may be sent.
    pub free_text_window: SignedDuration,
}

impl Body {
    /// Its text: of a template the first parameter, of a reaction the emoji.
    pub fn text(&self) -> &str {
        match self {
            Self::Text { text } | Self::Buttons { text, .. } | Self::List { text, .. } => text,
            Self::Template { parameters, name, .. } => parameters.first().unwrap_or(name),
            Self::File { name, caption, .. } => {
                if caption.is_empty() {
                    name
                } else {
                    caption
                }
            }
            Self::Reaction { emoji, .. } => emoji,
        }
    }

    /// The word for its kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Text { .. } => "text",
            Self::Buttons { .. } => "buttons",
            Self::List { .. } => "list",
            Self::Template { .. } => "template",
            Self::File { .. } => "file",
            Self::Reaction { .. } => "reaction",
        }
    }
}

/// The state of delivery of a message to a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// Waits until it is due, and for earlier messages of the same customer.
    Queued,
    /// A worker is sending it, until its lease ends.
    Sending,
    /// The channel accepted it.
    Sent,
    /// Not sent: the last attempt failed. Later messages of the customer no longer wait for it.
    Parked,
}

impl Delivery {
    /// The word used in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Parked => "parked",
        }
    }

    /// Reads the word used in the store.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Queued, Self::Sending, Self::Sent, Self::Parked].into_iter().find(|state| state.as_str() == text)
    }

    /// Whether it waits or is being sent.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Queued | Self::Sending)
    }
}

/// What a channel reports of a message after it accepted it, in the order in which it may happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Receipt {
    /// It is on its way.
    Sent,
    /// It could not be delivered.
    Failed,
    /// It was delivered to the customer's device.
    Delivered,
    /// The customer read it.
    Read,
    /// It was deleted.
    Deleted,
}

impl Receipt {
    /// All of them, in their order.
    pub const ALL: [Self; 5] = [Self::Sent, Self::Failed, Self::Delivered, Self::Read, Self::Deleted];

    /// The word used in the store and by channels.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Deleted => "deleted",
        }
    }

    /// Reads the word used in the store and by channels.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|receipt| receipt.as_str() == text)
    }
}

/// The identity of a message to a customer. It is sent with the message and comes back with its statuses.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Identity {
    /// To whom.
    pub user_id: UserId,
    /// The turn.
    pub turn: u64,
    /// The place in the turn.
    pub sequence: u32,
}

impl Identity {
    /// Parses the `Display` format; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix("ecomres:")?.splitn(3, ':');
        let (turn, sequence) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let user = parts.next().filter(|user| !user.is_empty())?;
        Some(Self { user_id: UserId::new(user), turn, sequence })
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ecomres:{}:{}:{}", self.turn, self.sequence, self.user_id)
    }
}

/// A channel's status report of a message to a customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The channel's identifier of the message.
    pub provider_id: String,
    /// The message's own identity, where the channel returned it.
    pub identity: Option<Identity>,
    /// What happened.
    pub receipt: Receipt,
    /// When, by the channel's clock, where it says so.
    pub at: Option<Timestamp>,
    /// The channel's error code.
    pub code: Option<i64>,
    /// The error in words.
    pub error: Option<String>,
    /// Whether the failure is the set-up's and not the message's: then it is sent again once the set-up is mended.
    pub again: bool,
    /// The shop's number that sent it, by the channel's identifier, where the channel says so.
    pub number: Option<String>,
}

impl Outgoing {
    /// A text that is due from `now` on.
    pub fn text(user_id: UserId, turn: u64, sequence: u32, text: impl Into<String>, now: Timestamp) -> Self {
        Self::new(Identity { user_id, turn, sequence }, Body::Text { text: text.into() }, now)
    }

    /// A message that is due from `now` on.
    pub fn new(identity: Identity, body: Body, now: Timestamp) -> Self {
        Self {
            user_id: identity.user_id,
            turn: identity.turn,
            sequence: identity.sequence,
            body,
            state: Delivery::Queued,
            attempts: 0,
            waived: 0,
            next_at: now,
            provider_id: None,
            error: None,
            answers: None,
            receipt: None,
            sent_at: None,
        }
    }

    /// How many attempts count towards giving up.
    pub fn counted_attempts(&self) -> u32 {
        self.attempts.saturating_sub(self.waived)
    }

    /// Its identity.
    pub fn identity(&self) -> Identity {
        Identity { user_id: self.user_id.clone(), turn: self.turn, sequence: self.sequence }
    }

    /// The message after a status report, or `None` where the report changes nothing: it is about an earlier attempt,
    /// or older than the known receipt. A report that it left marks a message that was still to be sent as sent: the
    /// channel's response was lost. A report that it failed parks a message that was sent or is being sent; one that is
    /// due again stays due. Where the failure is the set-up's, the message is queued again instead, unless it had arrived.
    pub fn with_status(&self, status: &Status, now: Timestamp) -> Option<Self> {
        let known_id = self.provider_id.as_deref().filter(|known| !known.is_empty());
        let of_another_attempt = known_id.is_some_and(|known| known != status.provider_id);
        if of_another_attempt {
            return None;
        }
        if status.receipt == Receipt::Failed
            && self.state == Delivery::Sent
            && matches!(self.receipt, Some(Receipt::Delivered | Receipt::Read))
        {
            // Not on each of the customer's devices, or not to the right one. It is not sent again by itself, and what is
            // known stays known: old news that comes again does not undo this.
            let error = status.error.as_deref().unwrap_or("the channel says that it failed after it arrived");
            let error = Some(excerpt(error, 500));
            return Some(Self { state: Delivery::Parked, error, next_at: now, ..self.clone() });
        }
        if self.receipt.is_some_and(|known| known >= status.receipt) {
            return None;
        }
        let mut next = Self { receipt: Some(status.receipt), ..self.clone() };
        if status.receipt == Receipt::Failed {
            let error = status.error.clone().unwrap_or_else(|| "the channel says that it failed".to_owned());
            next.error = Some(excerpt(&error, 500));
            // One that is being sent: the report was faster than the channel's answer.
            if matches!(self.state, Delivery::Sent | Delivery::Sending) {
                next.next_at = now;
                if status.again {
                    (next.state, next.provider_id, next.waived) = (Delivery::Queued, None, self.attempts);
                } else {
                    next.state = Delivery::Parked;
                }
            }
        } else {
            next.provider_id = Some(status.provider_id.clone());
            if matches!(status.receipt, Receipt::Sent | Receipt::Delivered) {
                next.sent_at = next.sent_at.or(status.at);
            }
            if self.state != Delivery::Sent {
                (next.state, next.next_at, next.error) = (Delivery::Sent, now, None);
            }
        }
        Some(next)
    }
}

/// Splits a text into pieces of at most `longest` characters: between paragraphs or sentences where possible, else
/// between words, else anywhere. Only white space is dropped.
pub fn split(text: &str, longest: usize) -> Vec<String> {
    let longest = longest.max(1);
    let mut parts = Vec::new();
    let mut rest = text.trim();
    while let Some((limit, _)) = rest.char_indices().nth(longest) {
        // What follows a break may begin right after the limit.
        let window = &rest[..limit];
        let boundary = |found: usize| rest[found..].starts_with(char::is_whitespace) && found > 0;
        let paragraph = window.rfind('\n').filter(|found| *found > limit / 2);
        let sentence = || {
            let ends = window.char_indices().filter(|(_, c)| matches!(c, '.' | '!' | '?' | '।' | '…'));
            ends.map(|(found, c)| found + c.len_utf8()).rfind(|end| boundary(*end))
        };
        let word = || {
            let whole = boundary(limit).then_some(limit);
            whole.or_else(|| window.rfind(char::is_whitespace).filter(|found| *found > 0))
        };
        let end = paragraph.or_else(sentence).or_else(word).unwrap_or(limit);
        parts.push(rest[..end].trim_end().to_owned());
        rest = rest[end..].trim_start();
    }
    if !rest.is_empty() {
        parts.push(rest.to_owned());
    }
    parts
}

#[cfg(test)]
#[path = "outgoing_tests.rs"]
mod tests;
