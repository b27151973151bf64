//! What is known of a customer, beside their conversation: orders, refunds, what was done, earlier hand-overs, language, opt-out.

use futures_util::try_join;
use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};

use super::forms::encode;
use super::{Inner, PageError, alerts, layout};
use crate::domain::action::Action;
use crate::domain::alert::{Alert, AlertSearch, AlertStatus};
use crate::domain::currency::Amount;
use crate::domain::desk::Note;
use crate::domain::ids::{OrderId, UserId};
use crate::domain::message::{ChatMessage, Role};
use crate::domain::order::{Order, OrderState};
use crate::domain::refund::Refund;
use crate::domain::words::excerpt;
use crate::insights::{ConversationView, MAX_MESSAGES};
use crate::support::identities;

/// Orders, and earlier hand-overs, that are shown of a customer.
const MAX_ORDERS: usize = 10;
const MAX_ALERTS: u32 = 200;
const SHOWN_ALERTS: usize = 10;
/// Messages that earlier conversations are looked for in, and how many of them are shown.
const REACH: u32 = 3 * MAX_MESSAGES;
const SHOWN_SESSIONS: usize = 6;
/// Internal notes that are shown again beside the conversation.
const SHOWN_NOTES: usize = 5;

/// What is known of a customer.
pub(super) struct Customer {
    orders: Vec<Order>,
    refunds: Vec<Refund>,
    actions: Vec<Action>,
    alerts: Vec<Alert>,
    /// Identities and telephone numbers that lead to them, beside the one that the conversation has.
    identities: Vec<UserId>,
    sessions: Vec<Earlier>,
}

/// An earlier session: when it began, how many messages it had, what the customer wrote first, and on which page it is.
struct Earlier {
    at: Timestamp,
    messages: usize,
    first: String,
    page: usize,
}

/// The sessions of messages, the oldest of which come first; a new one begins after `gap` without a word of the customer. The latest
/// session first.
fn sessions(messages: &[ChatMessage], gap: SignedDuration) -> Vec<Earlier> {
    let mut found: Vec<Earlier> = Vec::new();
    let mut heard: Option<Timestamp> = None;
    for (place, message) in messages.iter().enumerate() {
        let of_customer = message.role == Role::User;
        if of_customer && heard.is_none_or(|at| message.at.duration_since(at) >= gap) {
            let page = (messages.len() - 1 - place) / MAX_MESSAGES as usize + 1;
            found.push(Earlier { at: message.at, messages: 0, first: excerpt(&message.text, 80), page });
        }
        if of_customer {
            heard = Some(message.at);
        }
        if let Some(session) = found.last_mut() {
            session.messages += 1;
        }
    }
    found.reverse();
    found
}

/// The address of the page of an order.
pub(super) fn order_address(id: &OrderId) -> String {
    format!("/order?id={}", encode(id.as_str()))
}

/// A link to an order.
pub(super) fn order_link(id: &OrderId) -> Markup {
    html! { a href=(order_address(id)) { (id) } }
}

/// A link to a conversation.
pub(super) fn customer_link(user: &UserId) -> Markup {
    html! { a.who href=(format!("/conversation?user={}", encode(user.as_str()))) { (user) } }
}

/// The name that customers know an order by.
pub(super) fn order_name(order: &Order) -> &str {
    order.details.display_id.as_deref().unwrap_or(order.id.as_str())
}

/// Where an order is: in the shop's own words, where it has some.
pub(super) fn order_status(order: &Order) -> &str {
    let state = || order.details.state.map(OrderState::as_str);
    order.status.as_deref().filter(|status| !status.is_empty()).or_else(state).unwrap_or("status not known")
}

impl Customer {
    pub(super) async fn read(state: &Inner, talk: &ConversationView) -> Result<Self, PageError> {
        let (store, user) = (state.store(), &talk.user_id);
        let actor = format!("customer:{user}");
        let search =
            AlertSearch { status: Some(AlertStatus::Resolved), text: user.to_string(), ..AlertSearch::default() };
        let (orders, mut refunds, mut alerts, identities, messages) = try_join!(
            orders(state, talk),
            async { Ok::<_, PageError>(store.refunds_of(&actor, Timestamp::MIN).await?) },
            async { Ok::<_, PageError>(store.find_alerts(&search, MAX_ALERTS).await?) },
            async { Ok::<_, PageError>(store.identities_of(user).await?) },
            async { Ok::<_, PageError>(store.recent_messages(user, REACH).await?) }
        )?;
        let identities = identities.into_iter().map(|one| one.identity).filter(|one| one != user).collect();
        let sessions = sessions(&messages, state.settings.gap);
        alerts.retain(|alert| alert.user_id == *user);
        alerts.truncate(SHOWN_ALERTS);
        let mut actions = Vec::new();
        for order in &orders {
            if let Some(refund) = store.refund_of(&order.id).await?
                && refunds.iter().all(|known| known.transaction_id != refund.transaction_id)
            {
                refunds.push(refund);
            }
            actions.extend(store.actions_of(&order.id).await?);
        }
        Ok(Self { orders, refunds, actions, alerts, identities, sessions })
    }

    /// The order that a reply is most likely about, and the customer's name: what canned replies are filled with.
    pub(super) fn known(&self, talk: &ConversationView) -> (Option<&str>, Option<&str>) {
        let last = talk.conversation.as_ref().and_then(|conversation| conversation.order_ids.last());
        let order = self.orders.iter().find(|order| Some(&order.id) == last).or(self.orders.first());
        let name = self.orders.iter().find_map(|order| order.details.customer_name.as_deref());
        (order.map(order_name), name)
    }

    pub(super) fn pane(&self, state: &Inner, talk: &ConversationView, notes: &[Note]) -> Markup {
        let zone = &state.settings.zone;
        let language = talk.conversation.as_ref().and_then(|conversation| conversation.language);
        html! {
            section.card.facts #about {
                h2 { "Customer" }
                dl {
                    @if let (_, Some(name)) = self.known(talk) { dt { "Name" } dd { (name) } }
                    dt { "Number" }
                    dd { (number(&talk.user_id)) @for other in &self.identities { br; (number(other)) } }
                    dt { "Language" } dd { (language.map_or("not known", crate::domain::sentences::Language::code)) }
                    dt { "Messages" }
                    dd {
                        @match talk.contact.opted_out() {
                            Some(since) => { "opted out " (layout::time(since, zone)) }
                            None => "wanted",
                        }
                    }
                    @if let Some(heard) = &talk.contact.heard { dt { "Wrote last" } dd { (layout::time(heard.at, zone)) } }
                }
            }
            section.card.facts #orders {
                h2 { "Orders" }
                @if self.orders.is_empty() { p.note { "No order is known to be theirs." } }
                @for order in &self.orders { (order_part(state, (order, &talk.user_id))) }
                @if self.orders.len() >= MAX_ORDERS { p.note { "The latest " (MAX_ORDERS) "." } }
            }
            @if !self.refunds.is_empty() {
                section.card.facts #refunds { h2 { "Refunds" } @for refund in &self.refunds { (refund_line(state, refund)) } }
            }
            @if !self.actions.is_empty() {
                section.card.facts #done { h2 { "Done for orders" } @for action in &self.actions { (action_line(state, action)) } }
            }
            @if !notes.is_empty() {
                section.card.facts #noted {
                    h2 { "Notes" }
                    @for note in notes.iter().rev().take(SHOWN_NOTES) {
                        p data-key=(note.at.as_microsecond()) {
                            (excerpt(&note.text, 200)) br;
                            span.note { (note.by) " · " (layout::time(note.at, zone)) }
                        }
                    }
                }
            }
            @if self.sessions.len() > 1 {
                section.card.facts #earlier {
                    h2 { "Earlier conversations" }
                    @for session in self.sessions.iter().skip(1).take(SHOWN_SESSIONS) {
                        p data-key=(session.at.as_microsecond()) {
                            a href=(format!("/conversation?user={}&page={}", encode(talk.user_id.as_str()), session.page)) {
                                (layout::time(session.at, zone))
                            }
                            " · " (session.messages) " messages" br;
                            span.note { (session.first) }
                        }
                    }
                }
            }
            section.card.facts #handovers {
                h2 { "Earlier hand-overs" }
                @if self.alerts.is_empty() { p.note { "None." } }
                @for alert in &self.alerts {
                    div data-key=(alert.id.as_str()) {
                        p { (alert.reason) " " (layout::time(alert.created_at, zone)) }
                        (alerts::history(state, alert))
                    }
                }
            }
        }
    }
}

/// The orders of a customer: by their numbers, bound to them, and named by them where they were shown to them; the latest first.
async fn orders(state: &Inner, talk: &ConversationView) -> Result<Vec<Order>, PageError> {
    let (store, user, zone) = (state.store(), &talk.user_id, &state.settings.zone);
    let mut found: Vec<Order> = Vec::new();
    let limit = u32::try_from(MAX_ORDERS).unwrap_or(u32::MAX);
    for own in identities::numbers_of(store, user, |at| zone.to_datetime(at)).await? {
        let orders = store.orders_of_number(&own.number, state.settings.home, limit).await?;
        found.extend(orders.into_iter().filter(|order| own.owns(&own.number, order.placed_at)));
    }
    let shown = talk.conversation.iter().flat_map(|conversation| conversation.known.orders.iter().cloned());
    let mut ids: Vec<OrderId> = store.bound_orders(user, limit).await?;
    ids.extend(shown);
    for id in ids {
        if found.iter().all(|order| order.id != id)
            && let Some(order) = store.order(&id).await?
        {
            found.push(order);
        }
    }
    found.sort_by(|one, other| (other.placed_at, &other.id).cmp(&(one.placed_at, &one.id)));
    found.dedup_by(|one, other| one.id == other.id);
    found.truncate(MAX_ORDERS);
    Ok(found)
}

/// An identity as people read it: a telephone number with its sign.
fn number(user: &UserId) -> String {
    let text = user.as_str();
    let is_number = text.len() >= 8 && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { format!("+{text}") } else { text.to_owned() }
}

fn order_part(state: &Inner, (order, user): (&Order, &UserId)) -> Markup {
    let money = &state.settings.money;
    let amount = |value| money.show(Amount::new(value, order.details.currency.unwrap_or_default()));
    html! {
        div.order data-key=(order.id) {
            p {
                a href=(format!("{}&user={}", order_address(&order.id), encode(user.as_str()))) { (order_name(order)) } " " span.chip { (order_status(order)) }
                @if let Some(value) = order.value { " " (amount(value)) }
                @if let Some(placed) = order.placed_at { " · " (placed.strftime("%-d %b %Y").to_string()) }
            }
            @if !order.details.lines.is_empty() {
                ul { @for line in &order.details.lines { li { (line.quantity) " × " (line.name) } } }
            } @else if !order.category.is_empty() {
                p.note { (order.category) }
            }
        }
    }
}

pub(super) fn refund_line(state: &Inner, refund: &Refund) -> Markup {
    html! {
        p {
            (state.settings.money.show(refund.refunded())) " " span.chip { (refund.state().as_str()) } " for "
            (order_link(&refund.order_id)) " " (layout::time(refund.at, &state.settings.zone))
            @if !refund.reason.is_empty() { br; span.note { "“" (refund.reason) "”" } }
            br; span.note { (refund.transaction_id) @if refund.is_simulated() { ", simulated: no money moved" } }
        }
    }
}

pub(super) fn action_line(state: &Inner, action: &Action) -> Markup {
    html! {
        p {
            span.chip { (action.kind) } " " (action.summary()) " (" (order_link(&action.order_id)) ", " (action.state()) ") "
            (layout::time(action.at, &state.settings.zone))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::message::Basis;

    #[test]
    fn a_session_begins_after_the_customers_silence() {
        let said = |role, hour: i64, text: &str| ChatMessage {
            user_id: UserId::new("1"),
            role,
            text: text.to_owned(),
            at: Timestamp::from_second(3_600 * hour).unwrap(),
            turn: 1,
            intent: None,
            sentiment: None,
            response_ms: None,
            basis: Basis::default(),
        };
        let messages = [
            said(Role::Assistant, 0, "a message of the shop's"),
            said(Role::User, 1, "one"),
            said(Role::Assistant, 20, "an answer"),
            said(Role::User, 24, "still the first"),
            said(Role::User, 48, "two"),
        ];
        let found = sessions(&messages, SignedDuration::from_hours(24));
        let found: Vec<_> = found.iter().map(|one| (one.first.as_str(), one.messages, one.page)).collect();
        assert_eq!(found, [("two", 1, 1), ("one", 3, 1)]);
        assert!(sessions(&[], SignedDuration::from_hours(24)).is_empty());
        assert_eq!(
            (number(&UserId::new("919876500001")), number(&UserId::new("IN.x"))),
            ("+919876500001".into(), "IN.x".into())
        );
    }
}
