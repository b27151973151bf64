//! Refunds: offers, what was paid, and why not; never an amount that the caller does not hand in.

use std::fmt::Display;

use super::Language;
use crate::domain::currency::Currency;
use crate::domain::refund::RefundState;

/// What the shop keeps of an order's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShippingFee<'a> {
    /// What was paid for the order, as it is shown.
    pub order_value: &'a str,
    /// What the shop keeps, as it is shown.
    pub fee: &'a str,
}

/// Offers a refund. A question follows: [`shall_i_go_ahead`].
pub fn offer(language: Language, amount: impl Display, order: impl Display, kept: Option<ShippingFee<'_>>) -> String {
    match language {
        _ => {
            let detail = kept.map_or_else(String::new, |kept| {
                format!(" ({} less a shipping fee of {})", kept.order_value, kept.fee)
            });
            format!("I can refund {amount} for order {order}{detail}.")
        }
    }
}

/// Asks for consent to offers: to one, or to several.
pub fn shall_i_go_ahead(language: Language, offers: usize) -> &'static str {
    match (language, offers) {
        (_, 0 | 1) => "Shall I go ahead? Please reply yes or no.",
        (_, 2) => "Shall I go ahead? Reply yes for both, or yes with one order id, or no.",
        (_, _) => "Shall I go ahead? Reply yes for all, or yes with one order id, or no.",
    }
}

/// The customer wants only one of several offers.
pub fn only_that_one(language: Language) -> &'static str {
    match language {
        _ => "Only that one, then.",
    }
}

/// A question beside an open offer that has no written answer.
pub fn cannot_answer(language: Language) -> &'static str {
    match language {
        _ => "I can't answer that myself; say “agent” and I bring in a person who can.",
    }
}

/// The answer to an offer was neither yes nor no.
pub fn want_to_be_sure(language: Language) -> &'static str {
    match language {
        _ => "I want to be sure before I pay anything.",
    }
}

/// The offer that the customer accepted has expired, and is made again.
pub fn offer_expired(language: Language) -> &'static str {
    match language {
        _ => "That offer is no longer open, so let me make it again.",
    }
}

/// The customer declined one or several offers.
pub fn offer_declined(language: Language, offers: usize) -> &'static str {
    match (language, offers) {
        (_, 1) => {
            "No problem: I have not refunded anything, and your order stays as it is. Is there anything else I can do?"
        }
        (_, _) => {
            "No problem: I have not refunded anything, and each order stays as it is. Is there anything else I can do?"
        }
    }
}

/// The customer said that no refund is wanted.
pub fn not_wanted(language: Language) -> &'static str {
    match language {
        _ => "All right: nothing is refunded. Shall I bring in a member of our team instead? (yes / no)",
    }
}

/// Before the order id is asked for.
pub fn can_check(language: Language) -> &'static str {
    match language {
        _ => "I can check a refund for you.",
    }
}

/// The customer asked for a part of the money.
pub fn only_whole_orders(language: Language) -> &'static str {
    match language {
        _ => "I can only refund an order as a whole; for a part of it, say “agent” and a person decides.",
    }
}

/// How long the money takes, as a sentence of its own; empty where nobody knows.
fn arrives(arrival: Option<&str>) -> String {
    arrival.map_or_else(String::new, |arrival| format!(" It should arrive within {arrival}."))
}

/// A refund was paid now. `arrival`: how long the money takes.
pub fn paid(
    language: Language,
    amount: impl Display,
    order: impl Display,
    transaction: &str,
    arrival: Option<&str>,
) -> String {
    match language {
        _ => {
            let arrival = arrives(arrival);
            format!(
                "Done: {amount} for order {order} has been refunded.{arrival} Your transaction id is {transaction}."
            )
        }
    }
}

/// A refund was paid in this turn, in place of a reply that was held back.
pub fn paid_short(language: Language, amount: impl Display, order: impl Display, transaction: &str) -> String {
    match language {
        _ => format!("{amount} for order {order} has been refunded, transaction {transaction}."),
    }
}

/// A refund was paid earlier in this conversation, beside the order's status.
pub fn was_refunded(language: Language, amount: impl Display, order: impl Display, transaction: &str) -> String {
    match language {
        _ => format!("Order {order} was refunded: {amount}, transaction {transaction}."),
    }
}

/// A refund was requested now: nobody has paid yet. `arrival`: how long the money takes once it is paid.
pub fn requested(
    language: Language,
    amount: impl Display,
    order: impl Display,
    transaction: &str,
    arrival: Option<&str>,
) -> String {
    match language {
        _ => {
            let arrival = arrival
                .map_or_else(String::new, |arrival| format!(" Once it is paid, it should arrive within {arrival}."));
            format!(
                "I have requested the refund of {amount} for order {order}; it is not paid yet.{arrival} Your transaction id \
                 is {transaction}."
            )
        }
    }
}

/// How far a refund of before is.
pub fn progress(
    language: Language,
    state: RefundState,
    amount: impl Display,
    order: impl Display,
    transaction: &str,
) -> String {
    match (language, state) {
        (_, RefundState::Paid) => was_refunded(language, amount, order, transaction),
        (_, RefundState::Requested) => format!(
            "The refund of {amount} for order {order} has been requested and is not paid yet, transaction {transaction}."
        ),
        (_, RefundState::Submitted) => format!(
            "The refund of {amount} for order {order} is with the payment service, which has not confirmed yet that it is \
             paid, transaction {transaction}."
        ),
        (_, RefundState::Failed) => format!(
            "The refund of {amount} for order {order} could not be paid, transaction {transaction}. Our team looks into it."
        ),
    }
}

/// A refund that was requested before was paid now; nobody asked.
pub fn paid_since(
    language: Language,
    amount: impl Display,
    order: impl Display,
    transaction: &str,
    arrival: Option<&str>,
) -> String {
    match language {
        _ => {
            let arrival = arrives(arrival);
            format!("The refund of {amount} for order {order} has been paid, transaction {transaction}.{arrival}")
        }
    }
}

/// A refund that was requested before could not be paid; nobody asked. The team was alerted.
pub fn failed_since(language: Language, amount: impl Display, order: impl Display, transaction: &str) -> String {
    match language {
        _ => format!(
            "I'm sorry: the refund of {amount} for order {order} could not be paid, transaction {transaction}. Our team has \
             been told and looks into it."
        ),
    }
}

/// Reason: the refund of this order could not be paid before.
pub fn failed_before(language: Language) -> &'static str {
    match language {
        _ => "The refund of this order could not be paid; our team looks into it.",
    }
}

/// Reason: the refund of this order has been requested.
pub fn under_way(language: Language) -> &'static str {
    match language {
        _ => "The refund of this order has been requested and is not paid yet.",
    }
}

/// Reason: the payment that would be paid back is not known.
pub fn payment_unknown(language: Language) -> &'static str {
    match language {
        _ => "How this order was paid is not known here, so our team decides how it is refunded.",
    }
}

/// A refund was paid earlier, in place of an offer.
pub fn already_refunded(language: Language, amount: impl Display, order: impl Display, transaction: &str) -> String {
    match language {
        _ => format!("Order {order} has already been refunded: {amount}, transaction {transaction}."),
    }
}

/// A refund was paid earlier, in place of a payment.
pub fn no_second_refund(language: Language, amount: impl Display, order: impl Display, transaction: &str) -> String {
    match language {
        _ => format!(
            "Order {order} was refunded before: {amount}, transaction {transaction}. A second refund is not possible."
        ),
    }
}

/// No refund of these orders is on record.
pub fn none_on_record(language: Language, orders: &[String]) -> String {
    match language {
        _ => format!("There is no refund on record for {}.", orders.join(", ")),
    }
}

/// The policy refuses; `reason` is one of the reasons below, or another server's.
pub fn refused(language: Language, order: impl Display, reason: &str) -> String {
    match language {
        _ => format!("I can't refund order {order} myself: {reason}"),
    }
}

/// Offers a person after the policy refused.
pub fn person_to_review(language: Language) -> &'static str {
    match language {
        _ => "A member of our team can look at it once more. Shall I bring one in? (yes / no)",
    }
}

/// A refund that the customer agreed to was not paid.
pub fn not_paid(language: Language, order: impl Display, reason: &str) -> String {
    match language {
        _ => format!("I could not refund order {order}: {reason}"),
    }
}

/// Reason: the policy refunds the order.
pub fn eligible(language: Language) -> &'static str {
    match language {
        _ => "The order is eligible for a refund under the shop's policy.",
    }
}

/// Reason: the order has been refunded.
pub fn order_already_refunded(language: Language) -> &'static str {
    match language {
        _ => "This order has already been refunded.",
    }
}

/// Reason: the category is excluded.
pub fn category_excluded(language: Language, category: &str) -> String {
    match language {
        _ => format!("{category} orders cannot be refunded under the shop's policy."),
    }
}

/// Reason: the window of so many days has passed.
pub fn window_passed(language: Language, days: u32) -> String {
    match language {
        _ => format!("Refunds can be asked for within {days} days of the order."),
    }
}

/// Reason: refunds have a window, and the date of this order is not known.
pub fn date_unknown(language: Language, days: u32) -> String {
    match language {
        _ => format!(
            "Refunds can be asked for within {days} days of the order, and the date of this order is not known: our team decides."
        ),
    }
}

/// Reason: what was paid is not known.
pub fn value_unknown(language: Language) -> &'static str {
    match language {
        _ => "What was paid for this order is not known here: our team decides.",
    }
}

/// Reason: nothing was paid.
pub fn nothing_paid(language: Language) -> &'static str {
    match language {
        _ => "Nothing was paid for this order.",
    }
}

/// Reason: whether the order was paid is not known.
pub fn paid_unknown(language: Language) -> &'static str {
    match language {
        _ => "No payment for this order is on record here: our team looks into it.",
    }
}

/// Reason: the shop paid everything back already.
pub fn refunded_by_shop(language: Language) -> &'static str {
    match language {
        _ => "This order is on record as refunded already.",
    }
}

/// Reason: the shop paid a part back already.
pub fn partly_refunded_by_shop(language: Language) -> &'static str {
    match language {
        _ => "A part of this order is on record as refunded already: our team decides about the rest.",
    }
}

/// Reason: the order was called off or given back.
pub fn closed(language: Language, state: impl Display) -> String {
    match language {
        _ => format!("This order is on record as {state}: our team looks into the money for it."),
    }
}

/// Reason: a person decides on refunds above the limit.
pub fn above_limit(language: Language, limit: impl Display) -> String {
    match language {
        _ => format!("Refunds above {limit} are decided by a member of the team."),
    }
}

/// Reason: the limit of automatic refunds is in another currency than the order.
pub fn other_currency(language: Language, currency: Currency) -> String {
    match language {
        _ => {
            format!("Refunds of orders in {} ({currency}) are decided by a member of the team.", currency.name())
        }
    }
}

/// Reason: another amount than the policy's was named.
pub fn wrong_amount(language: Language, right: impl Display) -> String {
    match language {
        _ => format!("The amount for this order is {right}, no other."),
    }
}

/// Reason: another server denied the refund and gave no reason.
pub fn denied(language: Language) -> &'static str {
    match language {
        _ => "The refund was denied.",
    }
}
