//! Asks customers about the team's work, and keeps what they answer. A customer is asked once for each alert, only where a person
//! wrote to them, only within the channel's window, and never after an opt-out.

use jiff::Timestamp;

use crate::domain::alert::{Alert, AlertStatus};
use crate::domain::conversation::Conversation;
use crate::domain::ids::{AlertId, UserId};
use crate::domain::message::{Basis, ChatMessage, Role};
use crate::domain::outgoing::{Body, ChannelLimits, Choice, Outgoing};
use crate::domain::rating::{LABEL, Rating, Score, press};
use crate::domain::sendable::permitted;
use crate::domain::sentences::{Language, rating as sentences};
use crate::store::{Result, Store};

/// Messages in which the team's own are looked for.
const REACH: u32 = 100;

/// Asks the customer of an alert that was just resolved; `false` where they are not asked.
///
/// # Errors
/// When the store fails.
pub async fn ask(store: &dyn Store, limits: &ChannelLimits, id: &AlertId, now: Timestamp) -> Result<bool> {
    let Some(alert) = store.alert(id).await? else { return Ok(false) };
    if alert.status != AlertStatus::Resolved || !alert.is_of_customer() || !was_answered(store, &alert).await? {
        return Ok(false);
    }
    let user = &alert.user_id;
    let contact = store.contact(user).await?;
    // Also where they have written since: a reply may leave for them, but this is the shop's own wish.
    if contact.opted_out().is_some() {
        return Ok(false);
    }
    // Free text or nothing: no template is spent on this.
    let draft = Outgoing::text(user.clone(), 0, 0, "", now);
    if !matches!(permitted(&draft, &contact, None, limits.free_text_window, now), Ok(Body::Text { .. })) {
        return Ok(false);
    }
    let agent = alert.handling.resolved_by.clone().unwrap_or_default();
    let rating = Rating {
        alert_id: alert.id.clone(),
        user_id: user.clone(),
        agent,
        asked_at: now,
        score: None,
        answered_at: None,
    };
    if !store.begin_rating(&rating).await? {
        return Ok(false);
    }
    for _ in 0..super::handoff::SAVE_ATTEMPTS {
        let mut conversation = store.conversation(user).await?.unwrap_or_else(|| Conversation::new(user.clone()));
        let language = Language::of(&conversation);
        let text = sentences::question(language);
        conversation.turn += 1;
        let turn = conversation.turn;
        let buttons = Score::ALL.map(|score| Choice::new(press(&alert.id, score), sentences::label(language, score)));
        let said = ChatMessage {
            user_id: user.clone(),
            role: Role::Assistant,
            text: text.to_owned(),
            at: now,
            turn,
            intent: Some(LABEL.to_owned()),
            sentiment: None,
            response_ms: None,
            basis: Basis::default(),
        };
        let body = Body::Buttons { text: text.to_owned(), buttons: buttons.into() };
        let outgoing = Outgoing { body, ..Outgoing::text(user.clone(), turn, 0, text, now) };
        if store.save_reply(&conversation, &said, &outgoing).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a person wrote to the customer since the alert was raised.
async fn was_answered(store: &dyn Store, alert: &Alert) -> Result<bool> {
    let messages = store.recent_messages(&alert.user_id, REACH).await?;
    Ok(messages.iter().any(|message| message.role == Role::Agent && message.at >= alert.created_at))
}

/// Keeps what a customer answered, once.
///
/// # Errors
/// When the store fails.
pub async fn answered(
    store: &dyn Store,
    user: &UserId,
    (alert, score): (&AlertId, Score),
    now: Timestamp,
) -> Result<bool> {
    store.rate(alert, user, score, now).await
}
