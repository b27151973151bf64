//! What the command palette finds on the server: queues and saved views, conversations by number, orders by their ids. Pages, and
//! what can be done on the open page, the script finds itself.

use std::collections::HashSet;

use axum::Json;
use axum::extract::{Extension, RawQuery, State};
use serde::Serialize;

use super::access::Session;
use super::conversation::address;
use super::customer::{order_address, order_name, order_status};
use super::forms::Fields;
use super::queues::Queue;
use super::search::number;
use super::{AppState, PageError};
use crate::domain::desk::EntryKind;
use crate::domain::ids::{OrderId, UserId};
use crate::store::Search;

/// Of each kind that many are found at most.
const MOST: usize = 6;
/// The longest text that is searched for, in characters.
const LONGEST: usize = 100;

/// A place to go to.
#[derive(Debug, Serialize)]
pub(super) struct Found {
    kind: &'static str,
    label: String,
    href: String,
}

impl Found {
    fn new(kind: &'static str, label: impl Into<String>, href: String) -> Self {
        Self { kind, label: label.into(), href }
    }
}

pub(super) async fn find(
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
    RawQuery(query): RawQuery,
) -> Result<Json<Vec<Found>>, PageError> {
    let fields = Fields::read(&query.unwrap_or_default());
    let wanted: String = fields.get("q").chars().take(LONGEST).collect();
    let mut found = Vec::new();
    if wanted.is_empty() {
        // What there is always: the script looks through it by itself.
        found.extend(
            Queue::EACH
                .iter()
                .map(|(_, word, name)| Found::new("Queue", *name, format!("/conversations?queue={word}"))),
        );
        let views = state.store().entries(EntryKind::View, Some(session.name())).await?;
        found.extend(
            views.into_iter().map(|view| Found::new("View", view.name, format!("/conversations?{}", view.value))),
        );
        return Ok(Json(found));
    }
    found.extend(conversations(&state, &wanted).await?);
    found.extend(orders(&state, &wanted).await?);
    Ok(Json(found))
}

/// Conversations whose customer this may be.
async fn conversations(state: &AppState, wanted: &str) -> Result<Vec<Found>, PageError> {
    let store = state.store();
    let user = UserId::new(wanted);
    let mut users = Vec::new();
    if store.conversation(&user).await?.is_some() || !store.recent_messages(&user, 1).await?.is_empty() {
        users.push(user);
    }
    if let Some(number) = number(wanted) {
        let search = Search { user: number, ..Search::default() };
        let limit = u32::try_from(MOST).unwrap_or(u32::MAX);
        users.extend(store.find_conversations(&search, limit, store.search_limit()).await?.users);
    }
    let mut seen = HashSet::new();
    users.retain(|user| seen.insert(user.clone()));
    users.truncate(MOST);
    Ok(users.iter().map(|user| Found::new("Conversation", user.as_str(), address(user, Queue::All))).collect())
}

/// Orders that are called so.
async fn orders(state: &AppState, wanted: &str) -> Result<Vec<Found>, PageError> {
    let store = state.store();
    let mut ids = vec![OrderId::new(wanted)];
    ids.extend(store.orders_named(wanted).await?);
    let mut seen = HashSet::new();
    ids.retain(|id| seen.insert(id.clone()));
    let mut found = Vec::new();
    for id in ids.iter().take(MOST) {
        if let Some(order) = store.order(id).await? {
            let label = format!("{}, {}", order_name(&order), order_status(&order));
            found.push(Found::new("Order", label, order_address(&order.id)));
        }
    }
    Ok(found)
}
