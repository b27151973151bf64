//! Puts the rows of one order together.

use super::{CellError, Draft, Readers, bad};
use crate::domain::money::Money;
use crate::domain::order::{Order, OrderState, PaymentState};
use crate::domain::phone;
use crate::import::field::{Field, plain};
use crate::import::mapping::{How, Mapping, is_vague_total};
use crate::import::preset::{Part, Preset};
use crate::import::values::{both_payments, state_of};

impl Readers {
    /// Adds a further row about the same order: what was empty is filled in, lines and parts of the total are added.
    pub(in crate::import) fn merge(&self, mapping: &Mapping, draft: &mut Draft, more: Draft) -> Result<(), CellError> {
        if let Some(reason) = stranger(&draft.order, &more.order) {
            return Err(CellError { column: None, reason });
        }
        if let (Some((one, _)), Some((other, column))) = (draft.total, more.total) {
            let name = mapping.names.get(column).map_or("Total", String::as_str);
            let id = &draft.order.id;
            let vague = is_vague_total(&plain(name)) && mapping.of(Field::Value).any(|found| found.how == How::Name);
            let said = if one != other {
                format!("the rows of order {id} give different totals: if it is the total of an item")
            } else if self.totals_differ {
                format!(
                    "the rows of other orders give different totals, so that of order {id} is not certain: if it is the total of an item"
                )
            } else if vague {
                format!(
                    "it may be the total of order {id} or that of an item: add --map \"{name}=Order Value (INR)\"; if it is of an item"
                )
            } else {
                String::new()
            };
            if !said.is_empty() {
                return Err(bad(column, format!("{said}, add --map \"{name}=Item Total\"")));
            }
        }
        draft.total = draft.total.or(more.total);
        for (part, amount) in more.parts {
            let sum = draft.parts.entry(part).or_insert(Money::ZERO);
            *sum = Money::from_minor_units(sum.minor_units().saturating_add(amount.minor_units()));
        }
        draft.incomplete |= more.incomplete;
        draft.refunded = draft.refunded.max(more.refunded);
        draft.cancelled |= more.cancelled;
        draft.left_out.values += more.left_out.values;
        draft.left_out.lines |= more.left_out.lines;
        draft.phones_left_out += more.phones_left_out;
        fill(&mut draft.order, more.order);
        Ok(())
    }

    #[expect(clippy::unused_self, reason = "one of the readers of rows")]
    /// Whether a further row is the same order once more, in a file in which no row is an item: the later one counts.
    ///
    /// # Errors
    /// When it may as well be another order, or an item of this one.
    pub(in crate::import) fn repeats(&self, known: &Draft, more: &Draft) -> Result<(), CellError> {
        if let Some(reason) = stranger(&known.order, &more.order) {
            return Err(CellError { column: None, reason });
        }
        let changed = [known, more].map(|draft| draft.order.details.updated_at);
        if let (Some((one, _)), Some((other, column))) = (known.total, more.total)
            && one != other
            && (changed.contains(&None) || changed[0] == changed[1])
        {
            let id = &known.order.id;
            return Err(bad(
                column,
                format!(
                    "the rows of order {id} give different totals: the order is left out; if each row is an item of it, say which \
                     column names the item, with --map \"COLUMN=Item Name\""
                ),
            ));
        }
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
        } else if details.delivered_at.is_some() && details.state.is_none() && order.status.is_none() {
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

/// Why two rows with one id are not of one order: one order has one customer, was placed once, and its numbers are one person's.
fn stranger(known: &Order, more: &Order) -> Option<String> {
    let differs = |one: &str, other: &str| {
        let (one, other) = (one.trim(), other.trim());
        !one.is_empty() && !other.is_empty() && one.to_lowercase() != other.to_lowercase()
    };
    let differ =
        |one: Option<&String>, other: Option<&String>| one.zip(other).is_some_and(|(one, other)| differs(one, other));
    let number = |text: &String| phone::tail(text).unwrap_or_else(|| text.clone());
    let phones = known.phone.as_ref().zip(more.phone.as_ref());
    let same_phone = phones.map(|(one, other)| {
        number(one) == number(other) || known.details.other_phones.iter().any(|one| number(one) == number(other))
    });
    let (details, more_details) = (&known.details, &more.details);
    let days = [known, more].map(|order| order.placed_at.map(jiff::civil::DateTime::date));
    let what = if matches!(days, [Some(one), Some(other)] if one != other) {
        "dates"
    } else if same_phone == Some(false) {
        "telephone numbers"
    } else if differs(&known.customer_id, &more.customer_id) {
        "customers"
    } else if differ(details.email.as_ref(), more_details.email.as_ref()) {
        "mail addresses"
    } else if same_phone.is_none()
        && details.email.is_none()
        && differ(details.customer_name.as_ref(), more_details.customer_name.as_ref())
    {
        "customers"
    } else {
        return None;
    };
    Some(format!(
        "the rows of order {} have different {what}: it is left out, since they may be two orders with one id",
        known.id
    ))
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
    details.payment_state = both_payments(details.payment_state, more_details.payment_state);
    option(&mut details.payment_id, more_details.payment_id);
    option(&mut details.address, more_details.address);
    option(&mut details.postal_code, more_details.postal_code);
    option(&mut details.carrier, more_details.carrier);
    option(&mut details.tracking_number, more_details.tracking_number);
    option(&mut details.tracking_url, more_details.tracking_url);
    option(&mut details.invoice_url, more_details.invoice_url);
    option(&mut details.delivered_at, more_details.delivered_at);
    details.updated_at = details.updated_at.max(more_details.updated_at);
}
