use proptest::prelude::*;
use serde_json::json;

use super::super::fields::tests::{at, context};
use super::*;

fn now() -> Timestamp {
    at("2026-12-01T00:00:00Z")
}

fn read_order(document: &Value) -> Order {
    match read(document, &context(), now()) {
        Reading::Order(order, _) => *order,
        other => panic!("{document}: {other:?}"),
    }
}

fn refusal(document: &Value) -> Refusal {
    match read(document, &context(), now()) {
        Reading::Refused { why, .. } => why,
        other => panic!("{document}: {other:?}"),
    }
}

#[test]
fn columns_and_friendly_names_are_one() {
    let friendly = json!({
        "order_id": "shop-1001", "customer_phone": "+91 98765 00001", "total": "599.00", "currency": "inr", "status": "Out for delivery",
        "items": [{"sku": 7, "name": "Ghee", "qty": "2", "price": 279.5}, {"name": "Rice"}], "ordered_at": "2026-11-20T18:04:00+05:30",
        "updated_at": "2026-11-20T12:40:00Z", "rating": "5.0", "delayed": true, "category": "Dairy", "payment_status": "paid",
        "tracking_url": "https://track.example/1", "address": {"street": "12 MG Road", "city": "Bengaluru"}, "unheard_of": {"x": [1]},
    });
    let columns = json!({
        "Order ID": "SHOP-1001", "Customer Phone": "+91 98765 00001", "Order Value (INR)": 599, "Currency": "INR", "Delivery Status": "Out for delivery",
        "Items": "[{\"sku\": \"7\", \"name\": \"Ghee\", \"quantity\": 2, \"price\": \"279.50\"}, {\"name\": \"Rice\", \"quantity\": 1}]",
        "Order Date & Time": "2026-11-20T18:04:00+05:30", "Updated At": "2026-11-20T18:10:00+05:30", "Service Rating": 5, "Delivery Delay": "Yes",
        "Product Category": "Dairy", "Payment Status": "Paid", "Tracking URL": "https://track.example/1", "Address": "12 MG Road, Bengaluru", "x": null,
    });
    let order = read_order(&friendly);
    assert_eq!(order, read_order(&columns));
    assert_eq!(order.id.as_str(), "SHOP-1001");
    assert_eq!(order.details.state, Some(OrderState::OutForDelivery));
    assert_eq!(order.value, Some(Money::from_rupees(599)));
    assert_eq!(order.placed_at, Some("2026-11-20T18:04:00".parse().unwrap()));
    assert_eq!(order.details.lines.len(), 2);
    assert_eq!(order.details.lines[0].price, Some(Money::from_minor_units(27_950)));
}

#[test]
fn an_identifier_is_enough_and_nulls_are_nothing() {
    let document =
        json!({"orderId": 1001, "total": null, "items": null, "updated_at": "", "customer_phone": " ", "rating": null});
    let mut expected = Order::new(crate::domain::ids::OrderId::new("1001"));
    expected.details.updated_at = Some(now());
    expected.details.currency = Some(Currency::INR);
    assert_eq!(read_order(&document), expected);
    assert_eq!(read_order(&json!({"id": 5, "order_id": "A1"})).id.as_str(), "A1", "its own name goes first");
}

#[test]
fn the_originals_time_without_a_date_is_kept_as_text() {
    let order = read_order(&json!({"Order ID": "ORD000003", "Order Date & Time": "19:29.5"}));
    assert_eq!((order.placed.as_str(), order.placed_at), ("19:29.5", None));
    let Reading::Order(_, left_out) = read(&json!({"id": 1, "placed_at": "20/11/2026"}), &context(), now()) else {
        panic!()
    };
    assert_eq!(left_out[0].field, column::PLACED);
    for odd in ["never", "12/01/2026"] {
        let Reading::Order(order, left_out) = read(&json!({"id": 1, "order_date": odd}), &context(), now()) else {
            panic!("{odd}")
        };
        assert_eq!((order.placed_at, left_out.len(), left_out[0].field), (None, 1, column::DATE), "{odd}");
    }
    let dated = read_order(&json!({"id": 1, "Order Date & Time": "18:30", "order_date": "2026-11-20"}));
    assert_eq!(dated.placed_at, Some("2026-11-20T18:30:00".parse().unwrap()));
}

#[test]
fn what_decides_about_money_or_people_refuses_the_order() {
    for (document, field, reason) in [
        (json!({"total": 5}), column::ORDER_ID, "there is none"),
        (json!({"id": ""}), column::ORDER_ID, "there is none"),
        (json!({"id": 1e30}), column::ORDER_ID, "send it as text"),
        (json!({"id": "x".repeat(65)}), column::ORDER_ID, "no identifier"),
        (json!({"id": ["1"]}), column::ORDER_ID, "there is none"),
        (json!({"id": 1, "total": "many"}), column::VALUE, "“many” is not an amount"),
        (json!({"id": 1, "total": "-5"}), column::VALUE, "is negative"),
        (json!({"id": 1, "total": "599,00", "currency": "EUR"}), column::VALUE, "is not an amount in EUR"),
        (json!({"id": 1, "total": "€599"}), column::VALUE, "is not an amount in INR"),
        (json!({"id": 1, "total": "1.250", "currency": "EUR"}), column::VALUE, "can be 1250 or 1.250"),
        (json!({"id": 1, "items": [{"name": "a", "price": "12,50"}]}), "Items", "is not an amount"),
        (json!({"id": true}), column::ORDER_ID, "no identifier"),
        (json!({"id": 1, "phone": {"number": "+919876500001"}}), column::PHONE, "an object"),
        (json!({"id": 1, "phone": ["12"]}), column::PHONE, "no telephone number"),
        (json!({"id": 1, "payment_status": ["refunded"]}), "Payment Status", "a list"),
        (json!({"id": 1, "currency": ["EUR"]}), "Currency", "a list"),
        (json!({"id": 1, "updated_at": "20261120"}), column::UPDATED_AT, "no time such as"),
        (json!({"id": 1, "total": {"amount": 5}}), column::VALUE, "an object"),
        (json!({"id": 1, "total": 1.005}), column::VALUE, "two decimals"),
        (json!({"id": 1, "currency": "rupees"}), "Currency", "three letters"),
        (json!({"id": 1, "phone": "12"}), column::PHONE, "no telephone number"),
        (json!({"id": 1, "other_phones": ["+91 98765 00001", "x"]}), column::PHONE, "letters"),
        (json!({"id": 1, "updated_at": "soon"}), column::UPDATED_AT, "no time such as"),
        (json!({"id": 1, "delivered_at": "soon"}), "Delivered At", "no time such as"),
        (json!({"id": 1, "items": "Ghee"}), "Items", "no list"),
        (json!({"id": 1, "items": [{"name": "a"}, {"name": "b", "quantity": 0}]}), "Items", "number 2: the quantity"),
        (json!({"id": 1, "items": [{"name": "a", "price": -1}]}), "Items", "negative"),
        (json!({"id": 1, "order_state": "somewhere"}), "Order State", "is none of: placed, confirmed"),
        (json!({"id": 1, "payment_status": "maybe"}), "Payment Status", "is none of: pending"),
        (json!({"id": 1, "rating": 6}), column::RATING, "not from 1 to 5"),
        (json!({"id": 1, "delayed": "late"}), column::DELAY, "neither Yes nor No"),
        (json!("x"), "body", "send objects"),
        (json!(null), "body", "send objects"),
    ] {
        let why = refusal(&document);
        assert_eq!(why.field, field, "{document}");
        assert!(why.reason.contains(reason), "{document}: {}", why.reason);
    }
}

#[test]
fn what_speaks_of_money_given_back_is_never_plainly_paid() {
    use PaymentState::{Paid, PartiallyRefunded, Refunded, Unknown};
    for (document, payment) in [
        (json!({"status": "Refunded"}), Some(Unknown)),
        (json!({"status": "Return & Refund completed"}), Some(Unknown)),
        (json!({"status": "Delivered"}), Some(Paid)),
        (json!({"refunds": [{"amount": 599}]}), Some(Unknown)),
        (json!({"refund_status": "done", "refunds": []}), Some(Unknown)),
        (json!({"refunds": [], "refund_total": 0, "refunded": false, "refundable": true}), Some(Paid)),
        (json!({"refunded_amount": "599.00"}), Some(Refunded)),
        (json!({"total_refunded": 5}), Some(PartiallyRefunded)),
        (json!({"refunded_amount": 0, "refund_requested": true}), Some(Paid)),
    ] {
        let mut whole = json!({"id": 1, "total": 599, "payment_status": "paid"});
        whole.as_object_mut().unwrap().extend(document.as_object().unwrap().clone());
        assert_eq!(read_order(&whole).details.payment_state, payment, "{document}");
    }
}

#[test]
fn a_value_of_another_shape_is_taken_or_told() {
    let order = read_order(&json!({"id": 1, "phone": ["+91 98765 00001", "+91 98765 00002"]}));
    assert_eq!(order.phone.as_deref(), Some("+91 98765 00001"));
    assert_eq!(order.details.other_phones, ["+91 98765 00002"]);
    let document = json!({"id": 1, "customer_name": {"first": "Asha"}, "placed_at": "2031-01-01"});
    let Reading::Order(order, left_out) = read(&document, &context(), now()) else { panic!() };
    let fields: Vec<_> = left_out.iter().map(|why| why.field).collect();
    assert_eq!((order.placed_at, fields), (None, vec![column::PLACED, column::CUSTOMER_NAME]));
    let Reading::Order(_, left_out) = read(&json!({"id": 1, "status": "Settled by hub"}), &context(), now()) else {
        panic!()
    };
    assert!(left_out[0].field == column::STATUS && left_out[0].reason.contains("go to a person"));
    for (at, there) in [("2026-12-01T18:00:00Z", true), ("2026-12-03", false), ("1900-01-01", false)] {
        let order = read_order(&json!({"id": 1, "placed_at": at}));
        assert_eq!(order.placed_at.is_some(), there, "{at}");
    }
}

#[test]
fn no_two_fields_have_one_name_and_all_are_in_the_schema() {
    let mut names: Vec<String> = FIELDS
        .iter()
        .flat_map(|field| std::iter::once(field.column).chain(field.names.iter().copied()))
        .map(bare)
        .collect();
    let all = names.len();
    names.sort();
    names.dedup();
    // `order_id` and “Order ID” are one name of one field; others would be of two.
    let own = FIELDS.iter().filter(|field| field.names.iter().any(|name| bare(name) == bare(field.column))).count();
    assert_eq!(names.len(), all - own);
    let schema = schema();
    assert_eq!(schema["$defs"]["order"]["properties"].as_object().unwrap().len(), FIELDS.len());
    for column in column::REQUIRED.iter().chain(&column::OPTIONAL) {
        assert!(FIELDS.iter().any(|field| field.column == *column), "{column}");
    }
}

proptest! {
    #[test]
    fn nothing_makes_it_panic(field in prop::sample::select(FIELDS.iter().map(|field| field.column).collect::<Vec<_>>()), text in "\\PC{0,60}", number in any::<f64>(), whole in any::<i64>()) {
        for value in [json!(text), json!(number), json!(whole), json!([text, number, {"name": text, "qty": whole}]), json!({"a": text})] {
            let _ = read(&json!({"id": 1, field: value}), &context(), now());
            let _ = read(&json!({ text.clone(): value }), &context(), now());
        }
    }
}
