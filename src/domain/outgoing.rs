//! Decides what is kept of a message that is to be sent to a customer, and what a channel's news of it means.
//!
//! It must never have two identities: (customer, turn, sequence) names it for ever. What is known of it never goes back.

use std::fmt;

use jiff::Timestamp;
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
    /// How far it is.
    pub state: Delivery,
    /// How often sending it was begun. It only grows, so it is also the fencing number of an attempt.
    pub attempts: u32,
    /// When it is tried (queued), given up by its worker (sending), or was settled (sent, parked).
    pub next_at: Timestamp,
    /// What the channel calls it, once it was sent.
    pub provider_id: Option<String>,
    /// Why the last attempt failed.
    pub error: Option<String>,
    /// What it answers, where it answers something.
    #[serde(default)]
    pub answers: Option<Answered>,
    /// The latest that the channel told of it.
    #[serde(default)]
    pub receipt: Option<Receipt>,
}

/// What a message answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// The customer's latest message of the turn.
    pub message: MessageId,
    /// When the customer sent it.
    pub at: Timestamp,
    /// Whether to show which message is meant: where the turn held several.
    pub quote: bool,
}

/// What a message to a customer says. More kinds come with the channels that have them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Body {
    /// Plain text.
    Text {
        /// The text.
        text: String,
    },
    /// Text with up to three buttons to answer with.
    Buttons {
        /// The text.
        text: String,
        /// The buttons, at least one.
        buttons: Vec<Choice>,
    },
    /// Text with a list to choose from, up to ten rows.
    List {
        /// The text.
        text: String,
        /// What the button that opens the list says.
        button: String,
        /// The rows, at least one.
        rows: Vec<Choice>,
    },
    /// A text that the channel approved beforehand: the only kind that may open a conversation.
    Template {
        /// Its name.
        name: String,
        /// Its language, such as `en` or `en_US`.
        language: String,
        /// What its places are filled with.
        parameters: Vec<String>,
    },
    /// A sign on one of the customer's messages.
    Reaction {
        /// The sign.
        emoji: String,
        /// The message.
        to: MessageId,
    },
}

/// A way to answer: a button, or a row of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// What comes back when it is chosen.
    pub id: String,
    /// What it says.
    pub title: String,
}

impl Choice {
    /// A way to say `title`, about a quote.
    pub fn new(id: impl Into<String>, title: impl Into<String>) -> Self {
        Self { id: id.into(), title: title.into() }
    }
}

/// Characters that a plain text may have, on the channel that allows the fewest.
pub const LONGEST_TEXT: usize = 4_096;
/// Characters that a text with buttons or a list may have.
pub const LONGEST_WITH_CHOICES: usize = 1_024;

impl Body {
    /// What it says, as text.
    pub fn text(&self) -> &str {
        match self {
            Self::Text { text } | Self::Buttons { text, .. } | Self::List { text, .. } => text,
            Self::Template { parameters, name, .. } => parameters.first().unwrap_or(name),
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
            Self::Reaction { .. } => "reaction",
        }
    }
}

/// How far a message to a customer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// Waits for its time and for earlier messages of the same customer.
    Queued,
    /// A worker is sending it, until its lease runs out.
    Sending,
    /// The channel took it.
    Sent,
    /// Given up; later messages of the customer no longer wait for it.
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

    /// Whether it still waits, or is being sent.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Queued | Self::Sending)
    }
}

/// What a channel tells of a message after it took it, in the order in which it may happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Receipt {
    /// It is on its way.
    Sent,
    /// It did not arrive.
    Failed,
    /// It is on the customer's device.
    Delivered,
    /// The customer has seen it.
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

/// The identity of a message to a customer, as it travels with the message and comes back with news of it.
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
    /// Reads what [`Identity`]'s `Display` wrote; `None` for anything else.
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

/// News of a message to a customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// What the channel calls the message.
    pub provider_id: String,
    /// Which message it is, where the channel gave that back.
    pub identity: Option<Identity>,
    /// What happened.
    pub receipt: Receipt,
    /// When, by the channel's clock.
    pub at: Timestamp,
    /// The channel's number for what failed.
    pub code: Option<i64>,
    /// What failed, in words.
    pub error: Option<String>,
}

impl Outgoing {
    /// A text that waits to be sent from `now` on.
    pub fn text(user_id: UserId, turn: u64, sequence: u32, text: impl Into<String>, now: Timestamp) -> Self {
        Self::new(Identity { user_id, turn, sequence }, Body::Text { text: text.into() }, now)
    }

    /// A message that waits to be sent from `now` on.
    pub fn new(identity: Identity, body: Body, now: Timestamp) -> Self {
        Self {
            user_id: identity.user_id,
            turn: identity.turn,
            sequence: identity.sequence,
            body,
            state: Delivery::Queued,
            attempts: 0,
            next_at: now,
            provider_id: None,
            error: None,
            answers: None,
            receipt: None,
        }
    }

    /// Its identity.
    pub fn identity(&self) -> Identity {
        Identity { user_id: self.user_id.clone(), turn: self.turn, sequence: self.sequence }
    }

    /// The message after news of it, or `None` where the news changes nothing: it is about an earlier attempt, or older
    /// than what is known. News that it left settles a message that was still to be sent: then the answer of the channel
    /// was lost. News that it failed parks one that was sent; one that is to be sent again is.
    pub fn follow(&self, status: &Status, now: Timestamp) -> Option<Self> {
        let named = self.provider_id.as_deref().filter(|known| !known.is_empty());
        let of_another_attempt = named.is_some_and(|known| known != status.provider_id);
        if of_another_attempt || self.receipt.is_some_and(|known| known >= status.receipt) {
            return None;
        }
        let mut next = Self { receipt: Some(status.receipt), ..self.clone() };
        if status.receipt == Receipt::Failed {
            let error = status.error.clone().unwrap_or_else(|| "the channel says that it failed".to_owned());
            next.error = Some(excerpt(&error, 500));
            if self.state == Delivery::Sent {
                (next.state, next.next_at) = (Delivery::Parked, now);
            }
        } else {
            next.provider_id = Some(status.provider_id.clone());
            if self.state != Delivery::Sent {
                (next.state, next.next_at, next.error) = (Delivery::Sent, now, None);
            }
        }
        Some(next)
    }
}

/// Splits a text into parts of at most `longest` characters: between paragraphs or sentences where there are any, else
/// between words, else anywhere. Nothing but white space is lost.
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
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn message(state: Delivery) -> Outgoing {
        Outgoing { state, ..Outgoing::text(UserId::new("91"), 3, 0, "hello", Timestamp::UNIX_EPOCH) }
    }

    fn news(receipt: Receipt, id: &str) -> Status {
        Status {
            provider_id: id.to_owned(),
            identity: None,
            receipt,
            at: Timestamp::UNIX_EPOCH,
            code: None,
            error: Some("why".to_owned()),
        }
    }

    #[test]
    fn news_that_it_left_settles_a_message_whose_answer_was_lost() {
        for state in [Delivery::Queued, Delivery::Sending, Delivery::Parked] {
            let settled = message(state).follow(&news(Receipt::Delivered, "p"), Timestamp::MAX).unwrap();
            assert_eq!((settled.state, settled.provider_id.as_deref()), (Delivery::Sent, Some("p")));
            let failed = message(state).follow(&news(Receipt::Failed, "p"), Timestamp::MAX).unwrap();
            assert_eq!((failed.state, failed.provider_id), (state, None), "it is tried again, or stays parked");
        }
    }

    #[test]
    fn a_sent_message_that_failed_is_parked_and_an_earlier_attempt_says_nothing() {
        let sent = Outgoing { provider_id: Some("p".to_owned()), ..message(Delivery::Sent) };
        let failed = sent.follow(&news(Receipt::Failed, "p"), Timestamp::MAX).unwrap();
        assert_eq!(
            (failed.state, failed.error.as_deref(), failed.next_at),
            (Delivery::Parked, Some("why"), Timestamp::MAX)
        );
        assert_eq!(sent.follow(&news(Receipt::Read, "another"), Timestamp::MAX), None);
        let arrived = failed.follow(&news(Receipt::Delivered, "p"), Timestamp::MAX).unwrap();
        assert_eq!((arrived.state, arrived.error), (Delivery::Sent, None), "it arrived all the same");
    }

    #[test]
    fn texts_are_split_at_sentences() {
        let text = format!("{} One more. {}", "A sentence. ".repeat(3).trim_end(), "word ".repeat(5));
        assert_eq!(
            split(&text, 40),
            ["A sentence. A sentence. A sentence.", "One more. word word word word word"].map(str::to_owned)
        );
        assert_eq!(split("a\nb", 4), ["a\nb"]);
        assert_eq!(split("first line\nsecond", 12), ["first line", "second"]);
        assert_eq!(split("₹₹₹₹₹", 2), ["₹₹", "₹₹", "₹"]);
        assert!(split("  ", 2).is_empty());
    }

    proptest! {
        #[test]
        fn parts_are_short_and_lose_nothing(text in "[a-zé₹👍.!? \n]{0,300}", longest in 1_usize..60) {
            let parts = split(&text, longest);
            for part in &parts {
                prop_assert!(part.chars().count() <= longest && !part.trim().is_empty());
            }
            let bare = |text: &str| text.split_whitespace().collect::<String>();
            prop_assert_eq!(bare(&parts.concat()), bare(&text));
        }

        #[test]
        fn receipts_never_go_back(order in proptest::collection::vec(0_usize..5, 0..12)) {
            let mut known = Outgoing { provider_id: Some("p".to_owned()), ..message(Delivery::Sent) };
            for place in order {
                if let Some(next) = known.follow(&news(Receipt::ALL[place], "p"), Timestamp::UNIX_EPOCH) {
                    prop_assert!(next.receipt > known.receipt);
                    known = next;
                }
            }
        }

        #[test]
        fn an_identity_comes_back(user in "[A-Z.:0-9a-z]{1,40}", turn in any::<u64>(), sequence in any::<u32>()) {
            let identity = Identity { user_id: UserId::new(user), turn, sequence };
            prop_assert_eq!(Identity::parse(&identity.to_string()), Some(identity));
        }

        #[test]
        fn anything_else_is_no_identity(text in ".{0,60}") {
            if let Some(identity) = Identity::parse(&text) {
                prop_assert!(text.starts_with("ecomres:") && !identity.user_id.as_str().is_empty());
            }
        }
    }
}
