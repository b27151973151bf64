//! Reads the JSON of tool results. A field that is missing is empty, never a guess.

use serde_json::Value;

use crate::domain::currency::{Amount, Currency, ShopMoney};
use crate::domain::money::Money;
use crate::domain::order::{OrderState, column};
use crate::domain::refund::RefundState;
use crate::domain::sentences::Language;
use crate::domain::sentences::orders::{self, OrderSummary};

/// A text field of a tool result.
pub(super) fn field<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default().trim()
}

/// An amount field of a tool result, as it is shown to people. A result without a currency is in rupees, as that of an order
/// without one.
pub(super) fn amount(value: &Value, name: &str, shop: &ShopMoney) -> String {
    let said = [column::CURRENCY, "currency"].iter().find_map(|name| value.get(name)?.as_str());
    let Some(currency) = said.map_or(Some(Currency::INR), Currency::new) else { return String::new() };
    let money = value.get(name).and_then(|value| Money::from_json(value, currency).ok());
    money.map(|money| shop.show(Amount::new(money, currency))).unwrap_or_default()
}

/// How far the refund is that a result tells of. A server that says nothing of states has paid.
pub(super) fn refund_state(value: &Value) -> RefundState {
    RefundState::parse(field(value, "state")).unwrap_or_default()
}

/// Where an order is, from the JSON of the order tool.
pub fn status(language: Language, shop: &ShopMoney, order: &Value) -> String {
    let delay = field(order, column::DELAY);
    let late = if delay.eq_ignore_ascii_case("yes") {
        Some(true)
    } else if delay.eq_ignore_ascii_case("no") {
        Some(false)
    } else {
        None
    };
    // A date that can be read in two ways is not shown: the customer would read it in their own.
    let day = |text: &str| match super::which_order::date(language, text, None) {
        Some(day) => day,
        None if text.chars().any(char::is_alphabetic) => text.to_owned(),
        None => String::new(),
    };
    let delivered_on = day(field(order, column::DELIVERED_AT).split(['T', ' ']).next().unwrap_or_default());
    let date = day(field(order, column::DATE));
    let summary = OrderSummary {
        id: field(order, column::ORDER_ID),
        category: field(order, column::CATEGORY),
        value: &amount(order, column::VALUE, shop),
        platform: field(order, column::PLATFORM),
        status: field(order, column::STATUS),
        state: state(order),
        carrier: field(order, column::CARRIER),
        tracking_number: field(order, column::TRACKING_NUMBER),
        tracking_url: field(order, column::TRACKING_URL),
        delivered_on: &delivered_on,
        delivery_minutes: order.get(column::DELIVERY_MINUTES).and_then(Value::as_u64),
        late,
        date: &date,
    };
    orders::status(language, summary)
}

/// Whether a result says that there is no such order for the customer.
pub(super) fn is_not_found(value: &Value) -> bool {
    field(value, "code") == "not_found"
}

/// Whether an order of this state has not left yet.
pub(super) fn can_be_cancelled(state: OrderState) -> bool {
    matches!(state, OrderState::Placed | OrderState::Confirmed | OrderState::Packed | OrderState::Delayed)
}

/// Whether an order is on record as not delivered yet, and goes on.
pub(super) fn is_under_way(order: &Value) -> bool {
    state(order).is_some_and(|state| can_be_cancelled(state) || state == OrderState::OutForDelivery)
}

/// Where the order is, as all shops say it.
pub(super) fn state(order: &Value) -> Option<OrderState> {
    OrderState::parse(field(order, column::STATE))
}

/// Whether the record says that the order has arrived.
pub(super) fn is_delivered(order: &Value) -> bool {
    if let Some(state) = state(order) {
        return state == OrderState::Delivered;
    }
    let status = field(order, column::STATUS).to_lowercase();
    if status.is_empty() {
        order.get(column::DELIVERY_MINUTES).is_some_and(Value::is_number)
    } else {
        status == "delivered"
    }
}

/// Whether an order was called off, or went back.
pub(super) fn has_ended(order: &Value) -> bool {
    matches!(state(order), Some(OrderState::Cancelled | OrderState::Returned))
}

/// Whether the record says that the order was late.
pub(super) fn was_late(order: &Value) -> bool {
    field(order, column::DELAY).eq_ignore_ascii_case("yes") || state(order) == Some(OrderState::Delayed)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_status_says_only_what_is_on_record() {
        let order = json!({"Order ID": "ORD000001", "Product Category": "Dairy", "Order Value (INR)": 382, "Platform": "JioMart",
            "Delivery Time (Minutes)": 30, "Delivery Delay": "No"});
        assert_eq!(
            status(Language::English, &ShopMoney::default(), &order),
            "Order ORD000001 (Dairy, ₹382, JioMart): delivered in 30 minutes, on time."
        );
        let open = json!({"Order ID": "ORD000001", "Product Category": "Dairy", "Order Value (INR)": 382, "Delivery Status": "Out for delivery",
            "Delivery Delay": "Yes", "Order Date": "2026-06-01"});
        assert_eq!(
            status(Language::English, &ShopMoney::default(), &open),
            "Order ORD000001 (Dairy, ₹382): its status is “Out for delivery”, and it is marked as late (ordered on 1 June 2026)."
        );
        let on_its_way = json!({"Order ID": "ORD000001", "Order State": "out for delivery", "Delivery Status": "fulfilled", "Carrier": "Delhivery",
            "Tracking Number": "AWB77", "Tracking URL": "https://track.example/AWB77", "Delivery Delay": "Yes"});
        assert_eq!(
            status(Language::English, &ShopMoney::default(), &on_its_way),
            "Order ORD000001: it is on its way with Delhivery, and it is marked as late. You can follow it here: https://track.example/AWB77 (tracking number AWB77)."
        );
        assert!(!is_delivered(&on_its_way) && was_late(&on_its_way));
        let state = |state: &str| json!({"Order ID": "ORD000001", "Order State": state, "Delivered At": "2026-06-02T09:30:00", "Tracking URL": "javascript:x"});
        for (word, said) in [
            ("placed", "Order ORD000001: it has been placed."),
            ("confirmed", "Order ORD000001: it is confirmed."),
            ("packed", "Order ORD000001: it is packed."),
            ("delayed", "Order ORD000001: it is delayed."),
            ("delivered", "Order ORD000001: delivered on 2 June 2026."),
            ("cancelled", "Order ORD000001: it was cancelled."),
            ("returned", "Order ORD000001: it was returned."),
        ] {
            assert_eq!(status(Language::English, &ShopMoney::default(), &state(word)), said);
            assert_eq!(is_delivered(&state(word)), word == "delivered");
        }
        let bare = json!({"Order ID": "ORD000001", "Order Value (INR)": 5});
        assert_eq!(
            status(Language::English, &ShopMoney::default(), &bare),
            "Order ORD000001 (₹5): there is no delivery on record yet."
        );
    }
}
