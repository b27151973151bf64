//! What a browser may notify a member of while they look elsewhere: who waits in their queues, what was assigned to them, where they
//! are mentioned, what is late. It names customers and queues, never what was written.

use axum::Json;
use axum::extract::{Extension, State};
use jiff::Timestamp;
use serde::Serialize;

use super::access::Session;
use super::conversation::address;
use super::queues::{Cases, Queue};
use super::{AppState, PageError};
use crate::domain::desk::PinKind;

/// Mentions that are looked at.
const MAX_MENTIONS: u32 = 100;

/// Something to notify of, once.
#[derive(Debug, Serialize)]
pub(super) struct Notice {
    /// The same for the same thing, however often it is asked for.
    key: String,
    /// What it is.
    title: &'static str,
    /// Whom it is about, and where they are.
    text: String,
    href: String,
}

/// All of them, and when to ask again though nothing changed.
#[derive(Debug, Serialize)]
pub(super) struct Notices {
    notices: Vec<Notice>,
    /// In milliseconds since 1970.
    again: Option<i64>,
}

pub(super) async fn list(
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
) -> Result<Json<Notices>, PageError> {
    let cases = Cases::read(&state, &session).await?;
    let (now, me) = (state.now(), session.name());
    let mut notices = Vec::new();
    for case in cases.of_people().filter(|case| case.snoozed.is_none()) {
        let (alert, user) = (&case.alert, &case.alert.user_id);
        let queue = match alert.handling.assignee.as_deref() {
            None => Queue::Unassigned,
            Some(name) if name == me => Queue::Mine,
            Some(_) => continue,
        };
        let text = format!("{user} · {}", queue.name());
        let mut add = |key: String, title| {
            notices.push(Notice { key, title, text: text.clone(), href: address(user, queue) });
        };
        if let Some(at) = alert.handling.claimed_at.filter(|_| queue == Queue::Mine) {
            add(format!("assigned {} {}", alert.id, at.as_millisecond()), "Assigned to you");
        }
        if let (Some(_), Some(at)) = (case.since, case.heard) {
            add(format!("message {user} {}", at.as_millisecond()), "New message");
        }
        if let Some(due) = case.due.filter(|due| due.at <= now) {
            add(format!("late {} {}", alert.id, due.aim.as_str()), "Overdue");
        }
    }
    for pin in state.store().pins(PinKind::Mention, Some(me), MAX_MENTIONS).await? {
        notices.push(Notice {
            key: format!("mention {} {}", pin.user_id, pin.at.as_millisecond()),
            title: "You are mentioned",
            text: format!("{} · {}", pin.user_id, Queue::Mentions.name()),
            href: address(&pin.user_id, Queue::Mentions),
        });
    }
    Ok(Json(Notices { notices, again: cases.next_back().map(Timestamp::as_millisecond) }))
}
