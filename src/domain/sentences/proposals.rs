//! What is done to an order on a customer's word: what is proposed, what was done, and why not. Never an amount or an order
//! that the caller does not hand in.

mod offers;

use std::fmt::Display;

use super::Language;
use crate::domain::order::Item;
use crate::domain::proposal::{ChangeField, Details, ProposalKind, Resolution};
pub use offers::offer;

/// A sentence that is written in English so far, in whatever language the customer is answered.
fn english(_language: Language, text: impl Into<String>) -> String {
    text.into()
}

/// Items, such as `2 × Milk and Bread`; `the whole order` where none are named.
fn listed(items: &[Item]) -> String {
    let named: Vec<String> = items
        .iter()
        .map(|item| if item.quantity == 1 { item.name.clone() } else { format!("{} × {}", item.quantity, item.name) })
        .collect();
    match named.as_slice() {
        [] => "the whole order".to_owned(),
        [one] => one.clone(),
        [before @ .., last] => format!("{} and {last}", before.join(", ")),
    }
}

fn field(field: ChangeField) -> &'static str {
    match field {
        ChangeField::Address => "delivery address",
        ChangeField::DeliverySlot => "delivery time",
        ChangeField::Phone => "phone number for the delivery",
        ChangeField::Instructions => "delivery instructions",
    }
}

/// What was done: one sentence. `later`: what the customer will get once the shop has what goes back.
pub fn done(
    language: Language,
    kind: ProposalKind,
    order: impl Display,
    details: &Details,
    later: Option<&str>,
) -> String {
    let items = listed(&details.items);
    let text = match (kind, details.resolution, &details.change) {
        (ProposalKind::Refund, ..) => format!("The refund of order {order} is on record."),
        (ProposalKind::Cancel, ..) => format!("Order {order} is cancelled."),
        (ProposalKind::Change, _, Some(change)) => {
            format!("The {} of order {order} is changed as you wished.", field(change.field))
        }
        (ProposalKind::Change, _, None) => format!("Order {order} is changed."),
        (ProposalKind::Return, Some(Resolution::Replacement), _) => {
            format!("The replacement of {items} of order {order} is arranged.")
        }
        (ProposalKind::Return, Some(Resolution::Exchange), _) => {
            format!("The exchange of {items} of order {order} is arranged.")
        }
        (ProposalKind::Return, _, _) => {
            let refund = later.map_or_else(String::new, |amount| {
                format!(" You get {amount} back once our team has it and has checked it.")
            });
            format!("The return of {items} of order {order} is arranged.{refund}")
        }
    };
    english(language, text)
}

/// It was done before.
pub fn already_done(language: Language, kind: ProposalKind, order: impl Display) -> String {
    let text = match kind {
        ProposalKind::Refund => format!("Order {order} has been refunded already."),
        ProposalKind::Cancel => format!("Order {order} is cancelled already."),
        ProposalKind::Change => format!("That change of order {order} is on record already."),
        ProposalKind::Return => format!("That return of order {order} is arranged already."),
    };
    english(language, text)
}

/// Something is not done; `reason` is one of the reasons below.
pub fn refused(language: Language, kind: ProposalKind, order: impl Display, reason: &str) -> String {
    let what = match kind {
        ProposalKind::Refund => "refund",
        ProposalKind::Cancel => "cancel",
        ProposalKind::Change => "change",
        ProposalKind::Return => "arrange a return for",
    };
    english(language, format!("I can't {what} order {order} myself: {reason}"))
}

/// Button: agrees to a proposal that is no refund.
pub fn yes(_language: Language, kind: ProposalKind, resolution: Option<Resolution>) -> &'static str {
    match (kind, resolution) {
        (ProposalKind::Refund, _) => "Yes, refund",
        (ProposalKind::Cancel, _) => "Yes, cancel it",
        (ProposalKind::Change, _) => "Yes, change it",
        (ProposalKind::Return, Some(Resolution::Replacement)) => "Yes, replace it",
        (ProposalKind::Return, Some(Resolution::Exchange)) => "Yes, exchange it",
        (ProposalKind::Return, _) => "Yes, return it",
    }
}

/// Row of a list: agrees to a proposal for one order.
pub fn yes_for(_language: Language, kind: ProposalKind, resolution: Option<Resolution>, order: impl Display) -> String {
    let what = match (kind, resolution) {
        (ProposalKind::Refund, _) => "refund",
        (ProposalKind::Cancel, _) => "cancel",
        (ProposalKind::Change, _) => "change",
        (ProposalKind::Return, Some(Resolution::Replacement)) => "replace",
        (ProposalKind::Return, Some(Resolution::Exchange)) => "exchange",
        (ProposalKind::Return, _) => "return",
    };
    format!("Yes, {what} {order}")
}

/// The order is on its way.
pub fn out_for_delivery(language: Language, kind: ProposalKind) -> String {
    let what = if kind == ProposalKind::Cancel { "cancelled" } else { "changed" };
    english(language, format!("it is already out for delivery, so it can't be {what} any more."))
}

/// The customer has the order.
pub fn delivered(language: Language, kind: ProposalKind) -> String {
    let what = if kind == ProposalKind::Cancel { "cancelled" } else { "changed" };
    english(language, format!("it has been delivered already, so it can't be {what} any more."))
}

/// The order was called off.
pub fn cancelled(language: Language) -> String {
    english(language, "it is cancelled.")
}

/// The shop's rules say that it is too late.
pub fn too_late(language: Language, kind: ProposalKind) -> String {
    let what = if kind == ProposalKind::Cancel { "cancelled" } else { "changed" };
    english(language, format!("it is too far along to be {what}."))
}

/// It is not known where the order is.
pub fn state_unknown(language: Language) -> String {
    english(language, "I can't see how far it is, so a member of our team has to look at it.")
}

/// The order is not there yet.
pub fn not_delivered(language: Language) -> String {
    english(language, "it has not been delivered yet.")
}

/// The days of returns have passed.
pub fn return_window_passed(language: Language, days: u32) -> String {
    english(language, format!("it can be returned within {days} days of its delivery, and these have passed."))
}

/// The day of the delivery is not known.
pub fn delivery_date_unknown(language: Language, days: u32) -> String {
    english(
        language,
        format!(
            "it can be returned within {days} days, and I can't see when it came, so a member of our team decides."
        ),
    )
}

/// Such articles never go back.
pub fn never_returned(language: Language, what: &str) -> String {
    english(language, format!("{what} can't be returned."))
}

/// A person has to see a photo.
pub fn needs_photo(language: Language) -> String {
    english(language, "a member of our team has to see a photo of it first.")
}

/// What goes back is on its way already, or was paid back.
pub fn return_under_way(language: Language) -> String {
    english(language, "a return or refund of it is under way already.")
}

/// The shop does not replace, or exchange.
pub fn not_done_here(language: Language, resolution: Resolution) -> String {
    let what = match resolution {
        Resolution::Refund => "refunds",
        Resolution::Replacement => "replacements",
        Resolution::Exchange => "exchanges",
    };
    english(language, format!("the shop makes no {what}."))
}

/// The shop is paying it back.
pub fn refund_under_way(language: Language) -> String {
    english(language, "its refund is under way already.")
}

/// The shop could not pay it back.
pub fn refund_failed(language: Language) -> String {
    english(language, "its refund did not go through, so a member of our team has to look at it.")
}

/// The item is not known.
pub fn item_unknown(language: Language, name: &str) -> String {
    english(language, format!("I can't tell which item of it “{name}” is, or so many were not ordered."))
}

/// What the item cost is not known.
pub fn item_price_unknown(language: Language) -> String {
    english(language, "I can't see what the item cost, so a member of our team decides.")
}

/// Another part was refunded.
pub fn second_part(language: Language) -> String {
    english(language, "another part of it was refunded before, so a member of our team decides about the rest.")
}

/// The customer got much back in a month.
pub fn month_limit(language: Language) -> String {
    english(language, "a member of our team decides about further refunds this month.")
}
