//! What a member of the team changes in a conversation: take over, reply, return it to the bot. Replies leave through
//! the outbox only, and each change is on record before and after it.

use serde_json::{Value, json};

use crate::domain::alert::Alert;
use crate::domain::audit::AuditPhase;
use crate::domain::conversation::Conversation;
use crate::domain::desk::Note;
use crate::domain::ids::UserId;
use crate::domain::message::{Basis, ChatMessage, Role};
use crate::domain::outgoing::{Body, ChannelLimits, Outgoing, Template};
use crate::domain::sendable::{Refused, permitted};
use crate::store::{Result, Store};
use crate::support::handoff::{self, SAVE_ATTEMPTS};
use crate::support::{Actor, alerts};

/// What became of a change; also the word in the address of the page that follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Gone,
    Taken,
    Queued,
    Returned,
    Noted,
    Unfilled,
    Busy,
    Empty,
    Bot,
    NoTemplate,
    OptedOut,
}

impl Outcome {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::Taken => "taken",
            Self::Queued => "queued",
            Self::Returned => "returned",
            Self::Noted => "noted",
            Self::Unfilled => "unfilled",
            Self::Busy => "busy",
            Self::Empty => "empty",
            Self::Bot => "bot",
            Self::NoTemplate => "notemplate",
            Self::OptedOut => "optedout",
        }
    }
}

/// Silences the bot in a conversation.
pub(super) async fn take_over(store: &dyn Store, by: &Actor, user: &UserId) -> Result<Outcome> {
    handoff::take_over(store, by, user).await?;
    Ok(Outcome::Taken)
}

/// What the channel accepts of the team's replies.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules<'a> {
    pub(super) limits: &'a ChannelLimits,
    pub(super) template: Option<&'a Template>,
}

/// Queues a text of the team for the customer of a conversation that was taken over: as a template, where only that may be
/// sent. What may leave is decided again when it is sent.
pub(super) async fn reply(
    store: &dyn Store,
    by: &Actor,
    user: &UserId,
    text: &str,
    rules: Rules<'_>,
) -> Result<Outcome> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > rules.limits.text {
        return Ok(Outcome::Empty);
    }
    let pending = store.pending_alert(user).await?.filter(|alert| !alert.bot_answers);
    let Some(alert) = pending else { return Ok(Outcome::Bot) };
    let contact = store.contact(user).await?;
    let draft = Outgoing::text(user.clone(), 0, 0, text, by.now);
    let body = match permitted(&draft, &contact, rules.template, rules.limits.free_text_window, by.now) {
        Ok(Body::Template { .. }) if text.chars().count() > rules.limits.template_text => return Ok(Outcome::Empty),
        Ok(body) => body,
        Err(Refused::OptedOut { .. }) => return Ok(Outcome::OptedOut),
        Err(Refused::NoTemplate { .. } | Refused::NoText { .. }) => return Ok(Outcome::NoTemplate),
    };
    queue(store, by, &alert, text, body).await
}

/// As [`reply`], for a template that was chosen; the transcript holds its text.
pub(super) async fn reply_with(
    store: &dyn Store,
    by: &Actor,
    user: &UserId,
    (text, body): (&str, Body),
    rules: Rules<'_>,
) -> Result<Outcome> {
    let pending = store.pending_alert(user).await?.filter(|alert| !alert.bot_answers);
    let Some(alert) = pending else { return Ok(Outcome::Bot) };
    let draft = Outgoing { body: body.clone(), ..Outgoing::text(user.clone(), 0, 0, text, by.now) };
    let window = rules.limits.free_text_window;
    match permitted(&draft, &store.contact(user).await?, rules.template, window, by.now) {
        Ok(_) => queue(store, by, &alert, text, body).await,
        Err(Refused::OptedOut { .. }) => Ok(Outcome::OptedOut),
        Err(Refused::NoTemplate { .. } | Refused::NoText { .. }) => Ok(Outcome::NoTemplate),
    }
}

/// Queues a message of the team for the customer of an alert, with what the transcript holds of it, on record.
pub(super) async fn queue(store: &dyn Store, by: &Actor, alert: &Alert, text: &str, body: Body) -> Result<Outcome> {
    let user = &alert.user_id;
    let arguments = json!({"user_id": user, "characters": text.chars().count(), "kind": body.kind()});
    by.record(store, "reply", arguments.clone(), AuditPhase::Started, Value::Null).await?;
    let mut outcome = Outcome::Busy;
    let mut turn = 0;
    for _ in 0..SAVE_ATTEMPTS {
        let stored = store.conversation(user).await?;
        let mut conversation = stored.unwrap_or_else(|| Conversation::new(user.clone()));
        conversation.follow_alert(Some(&alert.id));
        // A turn of its own: no message to the customer had its number.
        conversation.turn += 1;
        turn = conversation.turn;
        let said = ChatMessage {
            user_id: user.clone(),
            role: Role::Agent,
            text: text.to_owned(),
            at: by.now,
            turn,
            intent: None,
            sentiment: None,
            response_ms: None,
            basis: Basis::default(),
        };
        let outgoing = Outgoing { body: body.clone(), ..Outgoing::text(user.clone(), turn, 0, text, by.now) };
        if store.save_reply(&conversation, &said, &outgoing).await? {
            outcome = Outcome::Queued;
            break;
        }
    }
    let result = json!({"status": outcome.word(), "turn": turn});
    by.record(store, "reply", arguments, AuditPhase::Finished, result).await?;
    Ok(outcome)
}

/// Saves an internal note about a customer, of at most `longest` characters.
pub(super) async fn note(store: &dyn Store, by: &Actor, user: &UserId, text: &str, longest: usize) -> Result<Outcome> {
    let text = text.trim();
    let characters = text.chars().count();
    if text.is_empty() || characters > longest {
        return Ok(Outcome::Empty);
    }
    let arguments = json!({"user_id": user, "characters": characters});
    by.record(store, "note", arguments.clone(), AuditPhase::Started, Value::Null).await?;
    let note = Note { user_id: user.clone(), by: by.name.clone(), text: text.to_owned(), at: by.now };
    store.add_note(&note).await?;
    by.record(store, "note", arguments, AuditPhase::Finished, json!({"status": Outcome::Noted.word()})).await?;
    Ok(Outcome::Noted)
}

/// Returns a conversation to the bot: its pending alert is resolved.
pub(super) async fn give_back(store: &dyn Store, by: &Actor, user: &UserId, note: &str) -> Result<Outcome> {
    match store.pending_alert(user).await? {
        Some(alert) if alerts::resolve(store, by, &alert.id, note).await? => Ok(Outcome::Returned),
        _ => Ok(Outcome::Gone),
    }
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::*;
    use crate::channels::whatsapp::LIMITS;
    use crate::domain::conversation::Mode;
    use crate::domain::ids::MessageId;
    use crate::domain::inbound::{Content, Context, Inbound};
    use crate::domain::opt_out::{Preference, Source};
    use crate::domain::outgoing::Delivery;
    use crate::store::sqlite::SqliteStore;
    use crate::store::{
        Alerts as _, Audit as _, Contacts as _, Conversations as _, Inbox as _, Outbox as _, Transcript as _,
    };

    fn heard(user: &UserId, id: &str, at: Timestamp) -> Inbound {
        Inbound {
            id: MessageId::new(id),
            user_id: user.clone(),
            sent_at: at,
            received_at: at,
            number: None,
            context: Context::default(),
            content: Content::Text { text: "hello?".to_owned() },
        }
    }

    #[tokio::test]
    async fn outside_the_window_a_template_is_queued_and_nothing_without_one() {
        let store = SqliteStore::scratch().unwrap();
        let user = UserId::new("919876500002");
        let now = Timestamp::from_second(1_750_000_000).unwrap();
        let by = Actor { name: "desk".to_owned(), now };
        let template = Template { name: "reply_waiting".to_owned(), language: "en".to_owned() };
        let reply = async |template: Option<&Template>, text: &str| {
            reply(&store, &by, &user, text, Rules { limits: &LIMITS, template }).await.unwrap()
        };
        take_over(&store, &by, &user).await.unwrap();
        assert_eq!(reply(None, "hello").await, Outcome::NoTemplate, "a customer who never wrote");
        store.accept(&[heard(&user, "old", now - SignedDuration::from_hours(25))], now).await.unwrap();
        assert_eq!(reply(None, "hello").await, Outcome::NoTemplate);
        assert_eq!(reply(Some(&template), &"x".repeat(1_001)).await, Outcome::Empty);
        assert_eq!(reply(Some(&template), "your parcel").await, Outcome::Queued);
        store.accept(&[heard(&user, "new", now - SignedDuration::from_hours(1))], now).await.unwrap();
        assert_eq!(reply(Some(&template), "freely").await, Outcome::Queued);
        let wish = |stopped, hours: i64| Preference {
            stopped,
            at: now - SignedDuration::from_mins(60 * hours - 30_i64),
            source: Source::Channel,
            message: None,
        };
        store.record_preference(&user, &wish(true, 1)).await.unwrap();
        assert_eq!(reply(Some(&template), "an offer!").await, Outcome::OptedOut);
        let kinds: Vec<_> = store.outgoing_of(&user, 9).await.unwrap().iter().map(|sent| sent.body.kind()).collect();
        assert_eq!(kinds, ["template", "text"]);
    }

    #[tokio::test]
    async fn a_conversation_is_taken_over_answered_and_given_back() {
        let store = SqliteStore::scratch().unwrap();
        let user = UserId::new("919876500001");
        let by = Actor { name: "desk".to_owned(), now: Timestamp::from_second(1_750_000_000).unwrap() };
        let rules = Rules { limits: &LIMITS, template: None };
        let reply = async |text: &str| reply(&store, &by, &user, text, rules).await.unwrap();
        store.accept(&[heard(&user, "m", by.now)], by.now).await.unwrap();
        assert_eq!(reply("hello").await, Outcome::Bot, "the bot has it");
        let mut conversation = Conversation::new(user.clone());
        conversation.turn = 4;
        assert!(store.save_conversation(&conversation).await.unwrap());
        assert_eq!(take_over(&store, &by, &user).await.unwrap(), Outcome::Taken);
        let alert = store.pending_alert(&user).await.unwrap().unwrap();
        assert_eq!(take_over(&store, &by, &user).await.unwrap(), Outcome::Taken);
        assert_eq!(store.pending_alert(&user).await.unwrap().unwrap().id, alert.id, "once");
        assert_eq!(reply("  ").await, Outcome::Empty);
        assert_eq!(reply(&"x".repeat(LIMITS.text + 1)).await, Outcome::Empty);
        assert_eq!(reply(" A person here. ").await, Outcome::Queued);
        let sent = store.outgoing_of(&user, 9).await.unwrap();
        assert_eq!((sent.len(), sent[0].turn, sent[0].state), (1, 5, Delivery::Queued));
        assert_eq!(store.recent_messages(&user, 9).await.unwrap()[0].role, Role::Agent);
        let kept = store.conversation(&user).await.unwrap().unwrap();
        assert_eq!((kept.turn, kept.mode), (5, Mode::HandedOver { alert_id: alert.id.clone() }));
        assert_eq!(give_back(&store, &by, &user, "done").await.unwrap(), Outcome::Returned);
        assert_eq!(give_back(&store, &by, &user, "done").await.unwrap(), Outcome::Gone);
        let check = store.check_audit().await.unwrap();
        assert_eq!((check.entries, check.broken), (8, None), "each change before and after");
        let entries = store.audit_entries(1, 99).await.unwrap();
        assert!(!entries.iter().any(|entry| entry.content.contains("A person here")), "no message text");
    }
}
