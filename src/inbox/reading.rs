//! Decides what the messages of a claim amount to: words for the agent, or something to acknowledge or to decline.
//!
//! It must never hand on words that were taken back, nor take anything but the customer's own words for theirs.

use crate::agent::Incoming;
use crate::domain::ids::{MessageId, QuoteId};
use crate::domain::inbound::{Content, Inbound, Media};

/// What is said to something that cannot be read.
pub(super) const DECLINED: &str = "I can only read text here, so I couldn't make use of that. Please write me what you need, or say “agent” and I bring in a person.";
/// The sign for a message that needs no words.
pub(super) const ACKNOWLEDGED: &str = "🙂";

/// The messages of one turn.
#[derive(Debug, Default)]
pub(super) struct Reading {
    /// What the customer wrote; empty where there are no words.
    pub(super) incoming: Incoming,
    /// Whether something came that cannot be read.
    pub(super) declined: bool,
    /// A message that is acknowledged with a sign.
    pub(super) acknowledged: Option<MessageId>,
    /// The latest message that a person of the shop wrote.
    pub(super) echo: Option<Inbound>,
}

impl Reading {
    /// Reads messages in their order.
    pub(super) fn of(messages: &[Inbound]) -> Self {
        let taken_back = |id: &MessageId| {
            messages.iter().any(|later| matches!(&later.content, Content::Deleted { original } if original == id))
        };
        // Of an edited message, what it says now counts, where it stood.
        let rewritten = |id: &MessageId| {
            messages.iter().rev().find_map(|later| match &later.content {
                Content::Edited { original, text } if original == id => Some(text.as_str()),
                _ => None,
            })
        };
        let mut reading = Self::default();
        for message in messages {
            if taken_back(&message.id) {
                continue;
            }
            let text = match &message.content {
                Content::Text { text } | Content::Button { text, .. } => rewritten(&message.id).unwrap_or(text),
                Content::Media { media: Media::Sticker, .. } => {
                    reading.acknowledged = Some(message.id.clone());
                    continue;
                }
                Content::Media { caption, .. } => rewritten(&message.id).unwrap_or(caption),
                Content::Order { text, .. } => text,
                Content::Location { .. } | Content::Contacts { .. } | Content::Unsupported { .. } => "",
                Content::Edited { original, text } => {
                    if text.trim().is_empty() || taken_back(original) || messages.iter().any(|one| one.id == *original)
                    {
                        continue;
                    }
                    text
                }
                Content::Reaction { .. } | Content::Deleted { .. } | Content::NumberChanged { .. } => continue,
                Content::Echo { .. } => {
                    reading.echo = Some(message.clone());
                    continue;
                }
            };
            if text.trim().is_empty() {
                reading.declined = true;
                continue;
            }
            reading.incoming.texts.push(text.to_owned());
            // Of several pressed buttons the last counts.
            if let Some(quote) = message.content.pressed() {
                reading.incoming.pressed = Some(QuoteId::new(quote));
            }
        }
        reading
    }

    /// Whether there are words to answer.
    pub(super) fn has_words(&self) -> bool {
        !self.incoming.texts.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::domain::ids::UserId;

    fn read(contents: &[(&str, Content)]) -> Reading {
        let message = |(id, content): &(&str, Content)| Inbound {
            id: MessageId::new(*id),
            user_id: UserId::new("91"),
            sent_at: Timestamp::UNIX_EPOCH,
            received_at: Timestamp::UNIX_EPOCH,
            content: content.clone(),
        };
        Reading::of(&contents.iter().map(message).collect::<Vec<_>>())
    }

    fn text(text: &str) -> Content {
        Content::Text { text: text.to_owned() }
    }

    fn edited(original: &str, text: &str) -> Content {
        Content::Edited { original: MessageId::new(original), text: text.to_owned() }
    }

    fn deleted(original: &str) -> Content {
        Content::Deleted { original: MessageId::new(original) }
    }

    #[test]
    fn what_was_edited_or_taken_back_counts_as_it_is_now() {
        let reading =
            read(&[("a", text("refund")), ("b", text("yes")), ("c", edited("a", "no refund")), ("d", deleted("b"))]);
        assert_eq!(reading.incoming.texts, ["no refund"]);
        let reading = read(&[("c", edited("answered long ago", "where is it?"))]);
        assert_eq!(reading.incoming.texts, ["where is it?"]);
        let reading = read(&[("a", text("yes")), ("c", edited("a", "well")), ("d", deleted("a"))]);
        assert!(!reading.has_words() && !reading.declined);
        assert!(!read(&[("d", deleted("long ago"))]).has_words());
    }

    #[test]
    fn a_caption_is_read_and_a_picture_without_one_declined() {
        let image = |caption: &str| Content::Media { media: Media::Image, caption: caption.into(), file: "1".into() };
        let reading = read(&[("a", image("it arrived torn")), ("b", image(""))]);
        assert_eq!((reading.incoming.texts.as_slice(), reading.declined), (&["it arrived torn".to_owned()][..], true));
        for content in [
            Content::Location { place: "Shop".into() },
            Content::Contacts { names: vec!["Lucía".into()] },
            Content::Order { text: String::new(), products: 2 },
            Content::Unsupported { what: "poll".into() },
        ] {
            let reading = read(&[("a", content)]);
            assert!(reading.declined && !reading.has_words());
        }
    }

    #[test]
    fn signs_are_no_words() {
        let reaction = Content::Reaction { emoji: "👍".into(), to: MessageId::new("offer") };
        let reading = read(&[("a", reaction)]);
        assert!(!reading.has_words() && !reading.declined && reading.acknowledged.is_none(), "and no yes");
        let sticker = Content::Media { media: Media::Sticker, caption: String::new(), file: "1".into() };
        assert_eq!(read(&[("s", sticker)]).acknowledged, Some(MessageId::new("s")));
        let reading = read(&[("a", text("hello")), ("e", Content::Echo { text: "I'll see to it, yes".into() })]);
        assert_eq!(reading.incoming.texts, ["hello"]);
        assert_eq!(reading.echo.unwrap().id, MessageId::new("e"));
    }

    #[test]
    fn the_last_pressed_button_counts() {
        let pressed = |quote: &str| Content::Button { text: "Yes, refund".into(), payload: quote.into() };
        let reading = read(&[("a", pressed("q1")), ("b", pressed("q2")), ("c", text("please"))]);
        assert_eq!(reading.incoming.pressed, Some(QuoteId::new("q2")));
        assert_eq!(reading.incoming.texts.len(), 3);
    }
}
