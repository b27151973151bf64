//! Where an order is and what can be done about it; never a fact that the caller does not hand in.

use super::Language;
use crate::domain::order::OrderState;

/// What is on record about an order. Empty texts are not on record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OrderSummary<'a> {
    /// Its id.
    pub id: &'a str,
    /// Its category.
    pub category: &'a str,
    /// What was paid, as it is shown.
    pub value: &'a str,
    /// The shop or app it was placed with.
    pub platform: &'a str,
    /// Its status, in the shop's words.
    pub status: &'a str,
    /// Its status, where it is one of those that all shops share: it goes before the shop's words.
    pub state: Option<OrderState>,
    /// Who brings it.
    pub carrier: &'a str,
    /// The carrier's number.
    pub tracking_number: &'a str,
    /// Where its way can be followed.
    pub tracking_url: &'a str,
    /// The date of the delivery.
    pub delivered_on: &'a str,
    /// Minutes from order to delivery.
    pub delivery_minutes: Option<u64>,
    /// Whether the delivery was late.
    pub late: Option<bool>,
    /// The date of the order.
    pub date: &'a str,
}

/// Where an order is.
pub fn status(language: Language, order: OrderSummary<'_>) -> String {
    let about = [order.category, order.value, order.platform];
    let about = about.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(", ");
    let OrderSummary { id, status, date, state, delivered_on, .. } = order;
    let open = match state {
        Some(OrderState::Delivered | OrderState::Cancelled | OrderState::Returned) => false,
        Some(_) => true,
        None => !status.is_empty() && !status.to_lowercase().contains("delivered"),
    };
    match language {
        _ => {
            let about = if about.is_empty() { String::new() } else { format!(" ({about})") };
            let with = match order.carrier {
                "" => String::new(),
                carrier => format!(" with {carrier}"),
            };
            let delivery = match order.delivery_minutes {
                _ if state == Some(OrderState::Placed) => "it has been placed".to_owned(),
                _ if state == Some(OrderState::Confirmed) => "it is confirmed".to_owned(),
                _ if state == Some(OrderState::Packed) => "it is packed".to_owned(),
                _ if state == Some(OrderState::OutForDelivery) => format!("it is on its way{with}"),
                _ if state == Some(OrderState::Delayed) => "it is delayed".to_owned(),
                _ if state == Some(OrderState::Cancelled) => "it was cancelled".to_owned(),
                _ if state == Some(OrderState::Returned) => "it was returned".to_owned(),
                _ if open => format!("its status is “{status}”"),
                Some(minutes) => format!("delivered in {minutes} minutes"),
                None if !delivered_on.is_empty() && state.is_some() => format!("delivered on {delivered_on}"),
                None if status.is_empty() && state.is_none() => "there is no delivery on record yet".to_owned(),
                None => "it has been delivered".to_owned(),
            };
            let delay = match order.late {
                _ if matches!(state, Some(OrderState::Delayed | OrderState::Cancelled | OrderState::Returned)) => "",
                Some(true) if open => ", and it is marked as late",
                Some(true) => ", later than planned",
                Some(false) if !open && order.delivery_minutes.is_some() => ", on time",
                _ => "",
            };
            let date = if date.is_empty() { String::new() } else { format!(" (ordered on {date})") };
            let number = order.tracking_number;
            let link = ["https://", "http://"].iter().any(|scheme| order.tracking_url.starts_with(scheme));
            let follow = match (link, number) {
                _ if !open => String::new(),
                (true, "") => format!(" You can follow it here: {}", order.tracking_url),
                (true, number) => {
                    format!(" You can follow it here: {} (tracking number {number}).", order.tracking_url)
                }
                (false, "") => String::new(),
                (false, number) => format!(" Its tracking number is {number}."),
            };
            format!("Order {id}{about}: {delivery}{delay}{date}.{follow}")
        }
    }
}

/// Offers a person or a refund for an order that is on record as delivered.
pub fn never_arrived(language: Language) -> &'static str {
    match language {
        _ => {
            "If it never reached you, a member of our team can look into it. Shall I bring one in? (yes / no) For your money back just say “refund”."
        }
    }
}

/// How to ask for a refund or a person after a late delivery.
pub fn money_back_or_person(language: Language) -> &'static str {
    match language {
        _ => "If you would rather have your money back, just say “refund”; for a person, say “agent”.",
    }
}

/// Only a person can change an order.
pub fn cannot_change(language: Language) -> &'static str {
    match language {
        _ => "I can't change an order myself, but a member of our team can.",
    }
}

/// Only a person can see payments.
pub fn cannot_see_payments(language: Language) -> &'static str {
    match language {
        _ => "I can't see payments myself, but a member of our team can check this with you.",
    }
}

/// Only a person can send a replacement.
pub fn cannot_replace(language: Language) -> &'static str {
    match language {
        _ => "I can't send a replacement myself, but a member of our team can see to it.",
    }
}

/// The store or a tool failed.
pub fn records_unavailable(language: Language) -> &'static str {
    match language {
        _ => {
            "I can't reach our records right now: this is a technical problem on our side. Please write again in a few minutes."
        }
    }
}
