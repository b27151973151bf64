//! Puts the rows of one order together.

use super::{CellError, Draft, Readers, bad};
use crate::domain::money::Money;
use crate::domain::order::{Order, OrderState, PaymentState};
use crate::import::mapping::Mapping;
use crate::import::preset::{Part, Preset};
use crate::import::values::state_of;

impl Readers {
    #[expect(clippy::unused_self, reason = "one of the readers of rows")]
    /// Adds a further row about the same order: what was empty is filled in, lines and parts of the total are added.
    pub(in crate::import) fn merge(&self, mapping: &Mapping, draft: &mut Draft, more: Draft) -> Result<(), CellError> {
        if let (Some((one, _)), Some((other, column))) = (draft.total, more.total)
            && one != other
        {
            let name = mapping.names.get(column).map_or("Total", String::as_str);
            let reason = format!(
                "the rows of order {} give different totals: if it is the total of an item, add --map \"{name}=Item Total\"",
                draft.order.id
            );
            return Err(bad(column, reason));
        }
        draft.total = draft.total.or(more.total);
        for (part, amount) in more.parts {
            let sum = draft.parts.entry(part).or_insert(Money::ZERO);
            *sum = Money::from_minor_units(sum.minor_units().saturating_add(amount.minor_units()));
        }
        draft.incomplete |= more.incomplete;
        draft.refunded = draft.refunded.or(more.refunded);
        draft.cancelled |= more.cancelled;
        draft.left_out.values += more.left_out.values;
        draft.left_out.lines |= more.left_out.lines;
        draft.phones_left_out += more.phones_left_out;
        fill(&mut draft.order, more.order);
        Ok(())
    }

    /// The order of a draft.
    pub(in crate::import) fn finish(&self, mapping: &Mapping, draft: Draft) -> Order {
        let mut order = draft.order;
        order.value = draft.total.map(|(total, _)| total);
        let part = |part| draft.parts.get(&part).copied();
        if let (Some(price), None) = (part(Part::Price), order.value) {
            let details = &mut order.details;
            (details.shipping, details.tax, details.discount) =
                (part(Part::Shipping), part(Part::Tax), part(Part::Discount));
            let paise = |part: Option<Money>| part.map_or(0, Money::minor_units);
            let tax = if self.taxes_on_top { paise(details.tax) } else { 0 };
            let sum = price.minor_units().saturating_add(paise(details.shipping)).saturating_add(tax)
                - paise(details.discount);
            order.value = Some(Money::from_minor_units(sum)).filter(|sum| *sum >= Money::ZERO && !draft.incomplete);
        }
        let details = &mut order.details;
        if draft.left_out.lines {
            details.lines.clear();
        }
        if mapping.preset == Some(Preset::Shopify) && order.status.is_none() {
            details.state = details.state.or_else(|| state_of("unfulfilled"));
        }
        if mapping.preset == Some(Preset::WooCommerce) && details.payment_state.is_none() {
            details.payment_state = order.status.as_deref().and_then(woocommerce_payment);
        }
        if draft.cancelled {
            details.state = Some(OrderState::Cancelled);
        } else if details.delivered_at.is_some() && details.state.is_none() {
            details.state = Some(OrderState::Delivered);
        }
        if let Some(refunded) = draft.refunded.filter(|refunded| *refunded > Money::ZERO) {
            let whole = order.value.is_some_and(|value| refunded >= value);
            details.payment_state = Some(if whole { PaymentState::Refunded } else { PaymentState::PartiallyRefunded });
        }
        order
    }
}

/// `WooCommerce` has no state of the payment of its own; a status in which an order may or may not be paid says nothing.
fn woocommerce_payment(status: &str) -> Option<PaymentState> {
    match status.trim().to_lowercase().trim_start_matches("wc-") {
        "completed" => Some(PaymentState::Paid),
        "refunded" => Some(PaymentState::Refunded),
        "failed" => Some(PaymentState::Failed),
        "pending" | "pending payment" | "on-hold" | "on hold" => Some(PaymentState::Pending),
        _ => None,
    }
}

/// Fills in what the first rows of an order left empty.
fn fill(order: &mut Order, more: Order) {
    fn text(known: &mut String, more: String) {
        if known.is_empty() {
            *known = more;
        }
    }
    fn option<T>(known: &mut Option<T>, more: Option<T>) {
        if known.is_none() {
            *known = more;
        }
    }
    text(&mut order.customer_id, more.customer_id);
    text(&mut order.platform, more.platform);
    text(&mut order.placed, more.placed);
    text(&mut order.category, more.category);
    text(&mut order.feedback, more.feedback);
    option(&mut order.placed_at, more.placed_at);
    option(&mut order.delivery_minutes, more.delivery_minutes);
    option(&mut order.rating, more.rating);
    option(&mut order.delayed, more.delayed);
    option(&mut order.refund_requested, more.refund_requested);
    option(&mut order.date, more.date);
    option(&mut order.status, more.status);
    let (details, more_details) = (&mut order.details, more.details);
    // A number that only a later row has may be that of another recipient.
    let phones = more.phone.into_iter().chain(more_details.other_phones);
    for phone in phones {
        if order.phone.is_none() {
            order.phone = Some(phone);
        } else if order.phone.as_ref() != Some(&phone) && !details.other_phones.contains(&phone) {
            details.other_phones.push(phone);
        }
    }
    details.lines.extend(more_details.lines);
    option(&mut details.display_id, more_details.display_id);
    option(&mut details.shop_id, more_details.shop_id);
    option(&mut details.customer_name, more_details.customer_name);
    option(&mut details.email, more_details.email);
    option(&mut details.state, more_details.state);
    option(&mut details.shipping, more_details.shipping);
    option(&mut details.tax, more_details.tax);
    option(&mut details.discount, more_details.discount);
    option(&mut details.currency, more_details.currency);
    option(&mut details.payment_method, more_details.payment_method);
    option(&mut details.payment_state, more_details.payment_state);
    option(&mut details.payment_id, more_details.payment_id);
    option(&mut details.address, more_details.address);
    option(&mut details.postal_code, more_details.postal_code);
    option(&mut details.carrier, more_details.carrier);
    option(&mut details.tracking_number, more_details.tracking_number);
    option(&mut details.tracking_url, more_details.tracking_url);
    option(&mut details.delivered_at, more_details.delivered_at);
    details.updated_at = details.updated_at.max(more_details.updated_at);
}
