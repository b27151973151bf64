//! What may leave for a customer now. [`Sendable`] is the only thing that a channel takes, and [`Sendable::new`] the only
//! way to one: the window of free text and the customer's wish to be left alone hold on every path, by construction.

use jiff::{SignedDuration, Timestamp};

use super::ids::UserId;
use super::opt_out::Preference;
use super::outgoing::{Body, Outgoing, Template};
use super::rating::is_question;

/// A message of the customer, as far as it matters for what may be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// When it was sent, by the channel's clock.
    pub at: Timestamp,
    /// The shop's number that it was sent to, where that is known.
    pub number: Option<String>,
}

/// What is known of a customer at the moment of sending.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contact {
    /// The customer's latest message; `None` where there is none.
    pub heard: Option<Heard>,
    /// The customer's latest wish about messages.
    pub preference: Option<Preference>,
}

impl Contact {
    /// Until when the shop may write any text; `None` where the customer never wrote.
    pub fn free_until(&self, window: SignedDuration) -> Option<Timestamp> {
        self.heard.as_ref().and_then(|heard| heard.at.checked_add(window).ok())
    }

    /// When the customer asked to be left alone, unless they asked for messages again since.
    pub fn opted_out(&self) -> Option<Timestamp> {
        self.preference.as_ref().filter(|preference| preference.stopped).map(|preference| preference.at)
    }
}

/// Why a message must not leave.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Only a template may be sent, and none is set.
    #[error("the customer wrote more than {hours} hours ago, and no template is set")]
    NoTemplate {
        /// The length of the window in hours.
        hours: i64,
    },
    /// Only a template may be sent, and this cannot be written as one.
    #[error("the customer wrote more than {hours} hours ago, when only a template may be sent")]
    NoText {
        /// The length of the window in hours.
        hours: i64,
    },
    /// The customer asked to be left alone, and has not written since.
    #[error("the customer opted out of messages on {} and has not written since", .since.strftime("%Y-%m-%d %H:%M:%SZ"))]
    OptedOut {
        /// When.
        since: Timestamp,
    },
}

impl Refused {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NoTemplate { .. } => "name an approved template in [whatsapp] template",
            Self::NoText { .. } => "write a text instead",
            Self::OptedOut { .. } => "answer when they write again; START undoes it",
        }
    }
}

/// The content that may leave for a customer at `now` for a message. Within `window` after the customer's latest message that is
/// the message's own; later it is `template`, filled with the text. Nothing but a prompt reply leaves for a customer who
/// opted out and has not written since. The question about the team's work leaves as itself or not at all, and never after an
/// opt-out.
///
/// # Errors
/// Why nothing may.
pub fn permitted(
    message: &Outgoing,
    contact: &Contact,
    template: Option<&Template>,
    window: SignedDuration,
    now: Timestamp,
) -> Result<Body, Refused> {
    if Sendable::is_prompt_reply(message, window, now) {
        return Ok(message.body.clone());
    }
    let heard = contact.heard.as_ref().map(|heard| heard.at);
    let latest = heard.max(message.answers.as_ref().map(|answers| answers.at));
    let open = latest.is_some_and(|at| at.saturating_add(window).is_ok_and(|end| now < end));
    let is_template = matches!(message.body, Body::Template { .. });
    if let Some(since) = contact.opted_out() {
        let wrote_since = heard.is_some_and(|heard| heard > since);
        // A template is never needed for a reply, so it is the shop's own idea.
        if !open || is_template || !wrote_since || is_question(&message.body) {
            return Err(Refused::OptedOut { since });
        }
    }
    if open || is_template {
        return Ok(message.body.clone());
    }
    let hours = window.as_hours();
    // What a template is filled with is text.
    if matches!(message.body, Body::Reaction { .. } | Body::File { .. }) || is_question(&message.body) {
        return Err(Refused::NoText { hours });
    }
    let template = template.ok_or(Refused::NoTemplate { hours })?;
    Ok(template.filled(message.body.text()))
}

/// A message that may leave now, with the content that it leaves with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sendable {
    message: Outgoing,
    body: Body,
    number: Option<String>,
    address: UserId,
}

impl Sendable {
    /// Whether a message can be judged by itself: it replies to a message of the customer that is within the window. Nothing
    /// else has to be known then.
    pub fn is_prompt_reply(message: &Outgoing, window: SignedDuration, now: Timestamp) -> bool {
        let within = |at: Timestamp| at.saturating_add(window).is_ok_and(|end| now < end);
        message.answers.as_ref().is_some_and(|answers| within(answers.at))
            && !matches!(message.body, Body::Template { .. })
    }

    /// What may be sent of `message` at `now`, by the rules of [`permitted`].
    ///
    /// # Errors
    /// Why it must not be sent.
    pub fn new(
        message: &Outgoing,
        contact: &Contact,
        template: Option<&Template>,
        window: SignedDuration,
        now: Timestamp,
    ) -> Result<Self, Refused> {
        let body = permitted(message, contact, template, window, now)?;
        let answered = message.answers.as_ref().and_then(|answers| answers.number.clone());
        let number = answered.or_else(|| contact.heard.as_ref().and_then(|heard| heard.number.clone()));
        Ok(Self { message: message.clone(), body, number, address: message.user_id.clone() })
    }

    /// The message, as it was queued.
    pub fn message(&self) -> &Outgoing {
        &self.message
    }

    /// The same message to another address of the customer, such as their number of today.
    #[must_use]
    pub fn addressed_to(self, address: UserId) -> Self {
        Self { address, ..self }
    }

    /// Where it goes to: an identity of the customer.
    pub fn address(&self) -> &UserId {
        &self.address
    }

    /// The content that leaves, which may differ from the message's own.
    pub fn body(&self) -> &Body {
        &self.body
    }

    /// The shop's number that it leaves from, where the customer wrote to a particular one.
    pub fn number(&self) -> Option<&str> {
        self.number.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::ids::{AlertId, MessageId};
    use crate::domain::opt_out::Source;
    use crate::domain::outgoing::{Answered, Choice, Identity};
    use crate::domain::rating::{Score, press};

    const WINDOW: SignedDuration = SignedDuration::from_hours(24);

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_780_000_000 + minute * 60).unwrap()
    }

    fn message(body: Body, answers: Option<i64>) -> Outgoing {
        let identity = Identity { user_id: UserId::new("91"), turn: 1, sequence: 0 };
        let answers = answers.map(|minute| Answered {
            message: MessageId::new("m"),
            at: at(minute),
            quote: false,
            lag: None,
            number: None,
        });
        Outgoing { answers, ..Outgoing::new(identity, body, at(0)) }
    }

    fn contact(heard: Option<i64>, stopped: Option<(bool, i64)>) -> Contact {
        Contact {
            heard: heard.map(|minute| Heard { at: at(minute), number: Some("7".to_owned()) }),
            preference: stopped.map(|(stopped, minute)| Preference {
                stopped,
                at: at(minute),
                source: Source::Message,
                message: None,
            }),
        }
    }

    fn text() -> Body {
        Body::Text { text: "hello".to_owned() }
    }

    #[test]
    fn a_message_that_waited_past_the_window_leaves_as_a_template_only() {
        let template = Template { name: "news".to_owned(), language: "en".to_owned() };
        let late = 24 * 60;
        let send = |template: Option<&Template>, now: i64| {
            Sendable::new(&message(text(), Some(0)), &contact(Some(0), None), template, WINDOW, at(now))
        };
        assert_eq!(send(None, late - 1).unwrap().body(), &text());
        assert_eq!(send(None, late), Err(Refused::NoTemplate { hours: 24 }));
        assert!(
            matches!(send(Some(&template), late).unwrap().body(), Body::Template { parameters, .. } if parameters == &["hello"])
        );
        let reaction = Body::Reaction { emoji: "🙂".to_owned(), to: MessageId::new("m") };
        let reaction =
            Sendable::new(&message(reaction, Some(0)), &contact(None, None), Some(&template), WINDOW, at(late));
        assert_eq!(reaction, Err(Refused::NoText { hours: 24 }));
    }

    #[test]
    fn the_question_about_the_team_is_worth_no_template_and_is_no_answer_to_an_opt_out() {
        let template = Template { name: "news".to_owned(), language: "en".to_owned() };
        let alert = AlertId::new("ALERT_1");
        let buttons = Score::ALL.map(|score| Choice::new(press(&alert, score), "x")).to_vec();
        let question = Body::Buttons { text: "How did we do?".to_owned(), buttons };
        let send = |body: &Body, contact: &Contact, now: i64| {
            permitted(&message(body.clone(), None), contact, Some(&template), WINDOW, at(now))
        };
        assert_eq!(send(&question, &contact(Some(0), None), 24 * 60 - 1), Ok(question.clone()));
        assert_eq!(send(&question, &contact(Some(0), None), 24 * 60), Err(Refused::NoText { hours: 24 }));
        let back = contact(Some(11), Some((true, 10)));
        assert_eq!(
            send(&question, &back, 12),
            Err(Refused::OptedOut { since: at(10) }),
            "they wrote, and want no question"
        );
        let buttons = vec![Choice::new("yes:q1", "Yes")];
        let offer = Body::Buttons { text: "Shall I?".to_owned(), buttons };
        assert!(matches!(send(&offer, &contact(Some(0), None), 24 * 60), Ok(Body::Template { .. })));
        assert_eq!(send(&offer, &back, 12), Ok(offer));
    }

    #[test]
    fn the_team_writes_freely_only_to_whom_they_heard_of_today() {
        let send =
            |heard, now: i64| Sendable::new(&message(text(), None), &contact(heard, None), None, WINDOW, at(now));
        assert!(send(None, 0).is_err(), "a customer who never wrote");
        assert_eq!(send(Some(0), 1).unwrap().number(), Some("7"), "from the number that the customer wrote to");
        assert!(send(Some(0), 24 * 60).is_err());
    }

    #[test]
    fn nothing_is_proactive_after_an_opt_out() {
        let template = Template { name: "news".to_owned(), language: "en".to_owned() };
        let send = |message: &Outgoing, contact: &Contact, now: i64| {
            Sendable::new(message, contact, Some(&template), WINDOW, at(now))
        };
        let out = Some((true, 10));
        let reply = message(text(), Some(10));
        assert!(send(&reply, &contact(Some(10), out), 11).is_ok(), "the confirmation itself");
        let refused = Err(Refused::OptedOut { since: at(10) });
        let by_team = message(text(), None);
        assert_eq!(send(&by_team, &contact(Some(10), out), 11), refused);
        assert_eq!(send(&by_team, &contact(Some(9), out), 11), refused, "what was asked before");
        assert!(send(&by_team, &contact(Some(11), out), 12).is_ok(), "they wrote again");
        assert_eq!(send(&by_team, &contact(Some(11), out), 5_000), refused, "too late: it would be a template");
        assert_eq!(send(&message(template.filled("x"), Some(11)), &contact(Some(11), out), 12), refused);
        assert!(send(&by_team, &contact(Some(9), Some((false, 10))), 12).is_ok(), "START undid it");
    }

    proptest! {
        /// Whatever is queued, whenever: free text leaves only within the window, and nothing of the shop's own after an
        /// opt-out.
        #[test]
        fn the_window_and_the_opt_out_hold_in_every_case(
            answers in proptest::option::of(0_i64..4_000),
            heard in proptest::option::of(0_i64..4_000),
            preference in proptest::option::of((any::<bool>(), 0_i64..4_000)),
            kind in 0..3_u8,
            has_template in any::<bool>(),
            now in 0_i64..6_000,
        ) {
            let template = Template { name: "news".to_owned(), language: "en".to_owned() };
            let body = match kind {
                0 => text(),
                1 => Body::Reaction { emoji: "🙂".to_owned(), to: MessageId::new("m") },
                _ => template.filled("x"),
            };
            let contact = contact(heard, preference);
            let sent = Sendable::new(&message(body, answers), &contact, has_template.then_some(&template), WINDOW, at(now));
            let open = |minute: Option<i64>| minute.is_some_and(|minute| now - minute < 24 * 60);
            if let Ok(sent) = sent {
                let free = !matches!(sent.body(), Body::Template { .. });
                prop_assert!(!free || open(answers) || open(heard));
                if let Some((true, since)) = preference {
                    prop_assert!(free && (open(answers) || heard.is_some_and(|heard| heard > since)));
                }
            }
        }
    }
}
