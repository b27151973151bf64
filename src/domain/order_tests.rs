use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::domain::currency::Currency;
use crate::testing::order;

/// Amounts that are exact as JSON numbers: above 2^52 minor units the doubles of JSON readers may be more than one apart.
fn money() -> impl Strategy<Value = Option<Money>> {
    prop::option::of((-4_000_000_000_000_000..=4_000_000_000_000_000_i64).prop_map(Money::from_minor_units))
}

/// A text of a cell: never empty.
fn cell() -> impl Strategy<Value = Option<String>> {
    prop::option::of("\\PC{0,12}[a-z0-9#]\\PC{0,3}")
}

fn state() -> impl Strategy<Value = Option<OrderState>> {
    prop::option::of(prop::sample::select(OrderState::ALL.map(|(_, state)| state).to_vec()))
}

fn payment() -> impl Strategy<Value = Option<PaymentState>> {
    prop::option::of(prop::sample::select(PaymentState::ALL.map(|(_, state)| state).to_vec()))
}

prop_compose! {
    fn line()(sku in cell(), name in cell(), quantity in 1..=u32::MAX, price in money()) -> OrderLine {
        OrderLine { sku, name: name.unwrap_or_else(|| "x".to_owned()), quantity, price }
    }
}

prop_compose! {
    fn details()(
        texts in prop::collection::vec(cell(), 11),
        other_phones in prop::collection::vec("[+0-9 ()-]{1,16}[0-9]", 0..3),
        states in (state(), payment()),
        lines in prop::collection::vec(line(), 0..4),
        amounts in (money(), money(), money()),
        currency in prop::option::of("[A-Z]{3}"),
        times in (prop::option::of(0..4_000_000_000_i64), prop::option::of(0..4_000_000_000_000_i64)),
    ) -> OrderDetails {
        let mut texts = texts.into_iter();
        let mut text = || texts.next().flatten();
        OrderDetails {
            display_id: text(),
            shop_id: text(),
            customer_name: text(),
            email: text(),
            other_phones,
            state: states.0,
            lines,
            shipping: amounts.0,
            tax: amounts.1,
            discount: amounts.2,
            currency: currency.and_then(|code| Currency::new(&code)),
            payment_method: text(),
            payment_state: states.1,
            payment_id: text(),
            address: text(),
            postal_code: text(),
            carrier: text(),
            tracking_number: text(),
            tracking_url: text(),
            invoice_url: text(),
            delivered_at: times.0.map(|second| {
                let at = Timestamp::from_second(second).unwrap();
                at.to_zoned(jiff::tz::TimeZone::UTC).datetime()
            }),
            updated_at: times.1.map(|millis| Timestamp::from_millisecond(millis).unwrap()),
        }
    }
}

proptest! {
    #[test]
    fn every_order_comes_back_from_its_json(details in details(), value in money()) {
        let whole = Order { value, details, ..order(7, "Dairy", 1) };
        let text = Value::Object(whole.to_json()).to_string();
        prop_assert_eq!(Order::from_json(&serde_json::from_str(&text).unwrap()), Some(whole));
    }

    #[test]
    fn no_odd_detail_fails_an_order(column in prop::sample::select(column::DETAILS.to_vec()), text in "\\PC{0,20}", number in any::<f64>()) {
        for value in [json!(text), json!(number), json!([text, number, null]), json!({"name": number}), json!([{"name": text, "quantity": number}]), json!(true)] {
            let mut stored = order(7, "Dairy", 1).to_json();
            stored.insert(column.to_owned(), value);
            prop_assert!(Order::from_json(&Value::Object(stored)).is_some());
        }
    }
}

#[test]
fn a_plain_order_is_the_originals_columns_alone() {
    let names: Vec<String> = order(7, "Dairy", 599).to_json().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, column::REQUIRED);
}

#[test]
fn details_of_other_programs_are_read_and_what_is_odd_is_named() {
    let stored = json!({
        "Order ID": "1", "Display ID": 1001, "Items": "[{\"sku\": 5, \"name\": \"Milk\", \"quantity\": \"2.0\", \"price\": \"64.50\"}]",
        "Other Phones": "+91 98450 12345", "Order State": "Out_For-Delivery", "Payment Status": "partially_refunded",
        "Shipping Fee": "Rs. 40", "Tax": "a lot", "Currency": "usd", "Carrier": "", "Delivered At": "tomorrow",
    });
    let mut odd = Vec::new();
    let details =
        OrderDetails::read(&stored, |amount| Money::from_json(amount, Currency::INR).ok(), |name| odd.push(name));
    assert_eq!(odd, [column::TAX, column::DELIVERED_AT]);
    let milk = OrderLine {
        sku: Some("5".into()),
        name: "Milk".into(),
        quantity: 2,
        price: Some(Money::from_minor_units(6_450)),
    };
    let read = OrderDetails {
        display_id: Some("1001".into()),
        other_phones: vec!["+91 98450 12345".into()],
        state: Some(OrderState::OutForDelivery),
        lines: vec![milk],
        shipping: Some(Money::from_rupees(40)),
        currency: Currency::new("USD"),
        payment_state: Some(PaymentState::PartiallyRefunded),
        ..OrderDetails::default()
    };
    assert_eq!(details, read);
}

#[test]
fn an_order_has_all_of_its_lines_or_none() {
    let milk = json!({"name": "Milk", "quantity": 1, "price": 58});
    for other in [
        json!({"quantity": 1}),
        json!({"name": "Rice", "quantity": 1.5, "price": 60}),
        json!({"name": "Rice", "price": "a lot"}),
        json!("Rice"),
        json!(null),
    ] {
        for items in [json!([milk, other]), json!(json!([milk, other]).to_string())] {
            let mut odd = Vec::new();
            let stored = json!({"Items": items});
            let amount = |amount: &Value| Money::from_json(amount, Currency::INR).ok();
            let details = OrderDetails::read(&stored, amount, |name| odd.push(name));
            assert_eq!((details.lines, odd), (Vec::new(), vec![column::ITEMS]), "{stored}");
        }
    }
}

#[test]
fn names_are_compared_without_case_and_mark() {
    for (name, key) in [(" #1001 ", "1001"), ("wc-12", "WC-12"), ("# 7", "7"), ("#", ""), ("", ""), ("##5", "5")] {
        assert_eq!(name_key(name), key);
    }
}
