//! What the messages of a claim amount to: text for the agent, or something to acknowledge or to decline. Deleted
//! messages are ignored, and only the customer's own words count as theirs: what a text quotes of others is left out.

use std::borrow::Cow;

use crate::agent::Incoming;
use crate::domain::consent::{Manner, Press, Said, own_words};
use crate::domain::ids::MessageId;
use crate::domain::inbound::{Content, Inbound, Media};

/// The messages of one turn.
#[expect(clippy::struct_excessive_bools, reason = "each says what else the messages hold")]
#[derive(Debug, Default)]
pub(super) struct ParsedMessages {
    /// What the customer wrote; empty where there is no text.
    pub(super) incoming: Incoming,
    /// Whether there is content that cannot be read.
    pub(super) unreadable: bool,
    /// Whether there is a recording whose words nobody wrote down.
    pub(super) unheard: bool,
    /// Whether there is an order from the channel's catalogue.
    pub(super) cart: bool,
    /// Whether a form of the shop's was filled in.
    pub(super) form: bool,
    /// Photos, videos and documents, with a caption or without.
    pub(super) evidence: Vec<Media>,
    /// A message to acknowledge with a reaction.
    pub(super) acknowledged: Option<MessageId>,
    /// The latest message that a member of the team wrote.
    pub(super) echo: Option<Inbound>,
}

impl ParsedMessages {
    /// Parses messages, which must be in their order.
    pub(super) fn parse(messages: &[Inbound]) -> Self {
        let is_deleted = |id: &MessageId| {
            messages.iter().any(|later| matches!(&later.content, Content::Deleted { original } if original == id))
        };
        // An edited message counts with its new text, in its old place.
        let edited_text = |id: &MessageId| {
            messages.iter().rev().find_map(|later| match &later.content {
                Content::Edited { original, text } if original == id => Some(text.as_str()),
                _ => None,
            })
        };
        let mut parsed = Self::default();
        for message in messages {
            if is_deleted(&message.id) {
                continue;
            }
            let edited = edited_text(&message.id);
            let text = match &message.content {
                Content::Text { text } | Content::Button { text, .. } => edited.unwrap_or(text),
                Content::Media { media: Media::Sticker, .. } => {
                    parsed.acknowledged = Some(message.id.clone());
                    parsed.hold(message);
                    continue;
                }
                Content::Media { media: Media::Audio, .. } => {
                    parsed.unheard = true;
                    parsed.hold(message);
                    continue;
                }
                Content::Media { media, caption, .. } => {
                    parsed.evidence.push(*media);
                    let caption = edited.unwrap_or(caption);
                    if own_words(caption).trim().is_empty() {
                        parsed.acknowledged = Some(message.id.clone());
                        parsed.hold(message);
                        continue;
                    }
                    caption
                }
                Content::Voice { text } => text,
                Content::Order { text, .. } => {
                    parsed.cart = true;
                    if text.trim().is_empty() {
                        parsed.hold(message);
                        continue;
                    }
                    text
                }
                Content::Location { .. } | Content::Contacts { .. } => {
                    parsed.incoming.given = message.content.given();
                    parsed.hold(message);
                    continue;
                }
                Content::Form { .. } => {
                    parsed.form = true;
                    parsed.hold(message);
                    continue;
                }
                Content::Unsupported { .. } => "",
                Content::Edited { original, text } => {
                    if text.trim().is_empty() || is_deleted(original) || messages.iter().any(|one| one.id == *original)
                    {
                        continue;
                    }
                    text
                }
                Content::Reaction { .. } | Content::Deleted { .. } | Content::NumberChanged { .. } => continue,
                Content::Echo { .. } => {
                    parsed.echo = Some(message.clone());
                    continue;
                }
            };
            let own = own_words(text);
            if own.trim().is_empty() {
                parsed.unreadable = true;
                parsed.hold(message);
                continue;
            }
            let in_part = matches!(own, Cow::Owned(_))
                || matches!(message.content, Content::Media { .. } | Content::Order { .. });
            parsed.incoming.sent.push(match &message.content {
                Content::Media { .. } | Content::Order { .. } => message.content.transcript_text().into_owned(),
                _ => own.clone().into_owned(),
            });
            parsed.incoming.texts.push(own.into_owned());
            let press = message.content.pressed().map(Press::read);
            if press.is_some() {
                parsed.incoming.pressed.clone_from(&press);
            }
            let manner = match press {
                _ if edited.is_some() || matches!(message.content, Content::Edited { .. }) => Manner::Edited,
                _ if message.context.forwarded || message.context.from_elsewhere => Manner::Forwarded,
                _ if matches!(message.content, Content::Voice { .. }) => Manner::ByVoice,
                _ if in_part => Manner::InPart,
                Some(press) => Manner::Pressed(press),
                None => Manner::Written,
            };
            parsed.incoming.said.push(said(message, manner));
        }
        parsed
    }

    /// Notes a message that holds no words to answer.
    fn hold(&mut self, message: &Inbound) {
        self.incoming.sent.push(message.content.transcript_text().into_owned());
        self.incoming.said.push(said(message, Manner::InPart));
    }

    /// Whether something is there that words do not hold.
    pub(super) fn holds_more_than_words(&self) -> bool {
        self.unreadable || self.needs_person() || self.incoming.given.is_some() || !self.evidence.is_empty()
    }

    /// Whether something is there that only a person can use.
    pub(super) fn needs_person(&self) -> bool {
        self.unheard || self.cart || self.form
    }

    /// Where no files are kept, nobody sees or hears them: they cannot be read.
    pub(super) fn without_files(&mut self) {
        self.unreadable |= self.unheard || (!self.evidence.is_empty() && !self.has_text());
        self.unheard = false;
        self.evidence.clear();
    }

    /// Whether there is text to answer.
    pub(super) fn has_text(&self) -> bool {
        !self.incoming.texts.is_empty()
    }
}

/// What is known of a message beside its words.
pub(super) fn said(message: &Inbound, manner: Manner) -> Said {
    Said {
        sent_at: message.sent_at,
        received_at: message.received_at,
        number: message.number.clone(),
        about: message.context.about.clone(),
        manner,
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::domain::ids::{QuoteId, UserId};
    use crate::domain::inbound::{Context, Given};

    fn parse(contents: &[(&str, Content)]) -> ParsedMessages {
        let message = |(id, content): &(&str, Content)| Inbound {
            id: MessageId::new(*id),
            user_id: UserId::new("91"),
            sent_at: Timestamp::UNIX_EPOCH,
            received_at: Timestamp::UNIX_EPOCH,
            number: None,
            content: content.clone(),
            context: Context::default(),
        };
        ParsedMessages::parse(&contents.iter().map(message).collect::<Vec<_>>())
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
    fn edited_and_deleted_messages_count_as_they_are_now() {
        let parsed =
            parse(&[("a", text("refund")), ("b", text("yes")), ("c", edited("a", "no refund")), ("d", deleted("b"))]);
        assert_eq!(parsed.incoming.texts, ["no refund"]);
        let parsed = parse(&[("c", edited("answered long ago", "where is it?"))]);
        assert_eq!(parsed.incoming.texts, ["where is it?"]);
        let parsed = parse(&[("a", text("yes")), ("c", edited("a", "well")), ("d", deleted("a"))]);
        assert!(!parsed.has_text() && !parsed.unreadable);
        assert!(!parse(&[("d", deleted("long ago"))]).has_text());
    }

    #[test]
    fn a_caption_is_read_and_a_picture_is_evidence() {
        let media = |media, caption: &str| Content::Media { media, caption: caption.into(), file: "1".into() };
        let image = |caption: &str| media(Media::Image, caption);
        let parsed = parse(&[("a", image("it arrived torn")), ("b", image("")), ("c", media(Media::Document, ""))]);
        assert_eq!((parsed.incoming.texts.as_slice(), parsed.unreadable), (&["it arrived torn".to_owned()][..], false));
        assert_eq!(parsed.evidence, [Media::Image, Media::Image, Media::Document]);
        // Where nobody keeps files, nobody sees them.
        let mut alone = parse(&[("b", image("")), ("v", media(Media::Audio, ""))]);
        assert!(alone.unheard && !alone.unreadable && alone.holds_more_than_words());
        alone.without_files();
        assert!(alone.unreadable && !alone.unheard && alone.evidence.is_empty());
        let mut beside = parse(&[("a", image("it arrived torn"))]);
        beside.without_files();
        assert!(!beside.unreadable && beside.has_text());
        let parsed = parse(&[("a", Content::Unsupported { what: "poll".into() })]);
        assert!(parsed.unreadable && !parsed.has_text());
    }

    #[test]
    fn what_is_given_is_no_words_and_agrees_to_nothing() {
        let place = Content::Location { place: "12 Lake Road, Pune".into() };
        let parsed = parse(&[("a", place.clone())]);
        assert_eq!(parsed.incoming.given, Some(Given::Place("12 Lake Road, Pune".into())));
        assert!(!parsed.unreadable && !parsed.has_text() && parsed.holds_more_than_words());
        assert!(!parse(&[("y", text("yes")), ("a", place)]).incoming.is_answer());
        let card = Content::Contacts { names: vec!["Lucía".into()] };
        assert_eq!(parse(&[("a", card)]).incoming.given, Some(Given::Contact(None)));
        let cart = Content::Order { text: String::new(), products: 2, lines: Vec::new() };
        let parsed = parse(&[("a", cart)]);
        assert!(parsed.cart && !parsed.unreadable && !parsed.has_text());
        let parsed = parse(&[("a", Content::Form { lines: vec!["ok: yes".into()] })]);
        assert!(parsed.form && parsed.needs_person() && parsed.holds_more_than_words());
        assert!(!parsed.unreadable && !parsed.has_text());
    }

    #[test]
    fn all_that_was_sent_is_quoted_in_its_order() {
        let parsed = parse(&[
            ("a", text("my new address")),
            ("b", Content::Location { place: "12 Lake Road".into() }),
            ("c", Content::Media { media: Media::Image, caption: "the door".into(), file: "1".into() }),
            ("d", Content::Order { text: String::new(), products: 1, lines: vec!["2 × di9".into()] }),
            ("e", text("thanks\n> quoted")),
        ]);
        let sent = "my new address\n[location] 12 Lake Road\n[image] the door\n[order of 1 products]\n2 × di9\nthanks";
        assert_eq!(parsed.incoming.sent_text(), sent);
    }

    #[test]
    fn a_recording_is_read_as_its_words_and_agrees_to_nothing() {
        let spoken = |text: &str| Content::Voice { text: text.to_owned() };
        let parsed = parse(&[("a", spoken("yes, refund"))]);
        assert_eq!(parsed.incoming.texts, ["yes, refund"]);
        assert_eq!(parsed.incoming.said[0].manner, Manner::ByVoice);
        assert!(!parsed.incoming.is_answer() && parsed.incoming.is_by_voice());
        assert!(parse(&[("a", text("well")), ("b", spoken("yes"))]).incoming.is_by_voice());
        assert!(!parse(&[("a", text("yes"))]).incoming.is_by_voice());
        // What stands beside it may say something else.
        let image = Content::Media { media: Media::Image, caption: String::new(), file: "1".into() };
        let parsed = parse(&[("a", spoken("yes")), ("b", image)]);
        assert!(!parsed.incoming.is_by_voice() && !parsed.incoming.is_answer());
        assert_eq!(spoken("yes").transcript_text(), "🎤 yes");
    }

    #[test]
    fn reactions_and_stickers_are_no_text() {
        let reaction = Content::Reaction { emoji: "👍".into(), to: MessageId::new("offer") };
        let parsed = parse(&[("a", reaction)]);
        assert!(!parsed.has_text() && !parsed.unreadable && parsed.acknowledged.is_none(), "and no yes");
        let sticker = Content::Media { media: Media::Sticker, caption: String::new(), file: "1".into() };
        assert_eq!(parse(&[("s", sticker)]).acknowledged, Some(MessageId::new("s")));
        let parsed = parse(&[("a", text("hello")), ("e", Content::Echo { text: "I'll see to it, yes".into() })]);
        assert_eq!(parsed.incoming.texts, ["hello"]);
        assert_eq!(parsed.echo.unwrap().id, MessageId::new("e"));
    }

    #[test]
    fn the_last_pressed_button_counts() {
        let pressed = |quote: &str| Content::Button { text: "Yes, refund".into(), payload: format!("yes:{quote}") };
        let parsed = parse(&[("a", pressed("q1")), ("b", pressed("q2")), ("c", text("please"))]);
        assert_eq!(parsed.incoming.pressed, Some(Press::Yes(vec![QuoteId::new("q2")])));
        assert_eq!(parsed.incoming.texts.len(), 3);
        assert!(parsed.incoming.is_answer());
    }

    #[test]
    fn how_a_message_came_about_goes_with_its_words() {
        let manners = |contents: &[(&str, Content)]| {
            parse(contents).incoming.said.into_iter().map(|said| said.manner).collect::<Vec<_>>()
        };
        let foreign = Content::Button { text: "Yes".into(), payload: "CONFIRM".into() };
        assert_eq!(manners(&[("a", text("yes")), ("b", foreign)]), [Manner::Written, Manner::Pressed(Press::Foreign)]);
        assert_eq!(manners(&[("a", text("well")), ("b", edited("a", "yes"))]), [Manner::Edited]);
        assert_eq!(manners(&[("b", edited("long ago", "yes"))]), [Manner::Edited]);
        let forwarded = Inbound {
            id: MessageId::new("f"),
            user_id: UserId::new("91"),
            sent_at: Timestamp::UNIX_EPOCH,
            received_at: Timestamp::UNIX_EPOCH,
            content: text("yes"),
            context: Context { about: Some(MessageId::new("w")), forwarded: true, ..Context::default() },
            number: Some("42".into()),
        };
        let clicked = Inbound {
            content: text("yes"),
            context: Context { from_elsewhere: true, ..Context::default() },
            ..forwarded.clone()
        };
        assert_eq!(ParsedMessages::parse(&[clicked]).incoming.said[0].manner, Manner::Forwarded);
        let said = ParsedMessages::parse(&[forwarded]).incoming.said.remove(0);
        assert_eq!((said.manner, said.about), (Manner::Forwarded, Some(MessageId::new("w"))));
        assert_eq!(said.number.as_deref(), Some("42"));
        // Beside words that are all of a message, what words do not hold.
        let media = |media, caption: &str| Content::Media { media, caption: caption.into(), file: "1".into() };
        for other in [
            media(Media::Audio, ""),
            media(Media::Image, ""),
            media(Media::Document, "yes"),
            media(Media::Sticker, ""),
            Content::Order { text: "yes".into(), products: 2, lines: Vec::new() },
            Content::Order { text: String::new(), products: 2, lines: Vec::new() },
            Content::Form { lines: vec!["agreed: yes".into()] },
            Content::Location { place: "Shop".into() },
            Content::Contacts { names: vec!["A".into()] },
            Content::Unsupported { what: "poll".into() },
            text("yes\n> but with the fee?"),
            text("yes\nOn the one condition that you wrote:\nno fee"),
            text("> no"),
        ] {
            let shown = format!("{other:?}");
            assert_eq!(manners(&[("a", text("yes")), ("b", other)]), [Manner::Written, Manner::InPart], "{shown}");
        }
    }

    #[test]
    fn what_a_mail_quotes_is_not_the_customers() {
        let parsed = parse(&[("a", text("where is it?\n> yes, refund ORD000005")), ("b", text("> yes"))]);
        assert_eq!(parsed.incoming.texts, ["where is it?"]);
        assert!(parsed.unreadable && parsed.incoming.said.iter().all(|said| said.manner == Manner::InPart));
    }
}
