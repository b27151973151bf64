//! Orders in JSON, as the interfaces of shops give them. The objects are written from their descriptions.

use serde_json::{Value, json};

use super::*;
use crate::domain::money::Money;
use crate::domain::order::{OrderState, PaymentState};
use crate::domain::phone::Country;

fn read(value: &Value) -> Result<Order, String> {
    let settings = Settings { country: Country::parse("IN"), ..Settings::default() };
    let input = Input::stream("a.json", json!([value]).to_string().as_bytes()).unwrap();
    let mut reader = OrderReader::with(&input, &settings).map_err(|error| error.to_string())?;
    reader.read_next().unwrap().unwrap().map_err(|error| error.to_string())
}

#[test]
fn an_order_of_shopify() {
    let order = read(&json!({
        "id": 6_001_234_567_890_u64, "name": "#1001", "order_number": 1001, "email": "a@example.com", "phone": null,
        "created_at": "2026-11-20T18:04:00+05:30", "updated_at": "2026-11-21T10:00:00+05:30", "cancelled_at": null,
        "currency": "INR", "total_price": "599.00", "subtotal_price": "549.00", "total_tax": "0.00", "total_discounts": "0.00",
        "total_shipping_price_set": {"shop_money": {"amount": "50.00", "currency_code": "INR"}},
        "financial_status": "paid", "fulfillment_status": "fulfilled", "payment_gateway_names": ["razorpay"],
        "customer": {"id": 77, "first_name": "A", "last_name": "B", "phone": "+919000000001"},
        "shipping_address": {"name": "A B", "address1": "1 Long Road", "address2": null, "city": "Pune", "zip": "411001", "country": "India",
            "phone": "+91 90000 00001"},
        "line_items": [
            {"id": 1, "sku": "C5", "title": "Filter Coffee", "quantity": 1, "price": "349.00"},
            {"id": 2, "sku": "", "title": "Steel Tumbler", "quantity": 2, "price": "100.00"}
        ],
        "fulfillments": [{"tracking_company": "Delhivery", "tracking_number": "DL1", "tracking_url": "https://track.example/DL1"}],
        "something_new": {"deep": [1, {"x": 2}]}
    }))
    .unwrap();
    let details = &order.details;
    assert_eq!((order.id.as_str(), order.value), ("#1001", Some(Money::from_rupees(599))));
    assert_eq!(order.phone.as_deref(), Some("+919000000001"));
    assert!(details.other_phones.is_empty(), "the same number twice");
    assert_eq!((details.shipping, details.payment_state), (Some(Money::from_rupees(50)), Some(PaymentState::Paid)));
    assert_eq!(details.customer_name.as_deref(), Some("A B"));
    assert_eq!(details.payment_method.as_deref(), Some("razorpay"));
    assert_eq!(details.address.as_deref(), Some("1 Long Road, Pune, India"));
    assert_eq!((details.postal_code.as_deref(), details.carrier.as_deref()), (Some("411001"), Some("Delhivery")));
    assert_eq!(details.tracking_url.as_deref(), Some("https://track.example/DL1"));
    assert_eq!(details.updated_at, Some("2026-11-21T04:30:00Z".parse().unwrap()));
    let lines: Vec<_> = details.lines.iter().map(|line| (line.quantity, line.name.as_str(), line.price)).collect();
    assert_eq!(
        lines,
        [(1, "Filter Coffee", Some(Money::from_rupees(349))), (2, "Steel Tumbler", Some(Money::from_rupees(100)))]
    );
    assert_eq!(details.lines[1].sku, None);
}

#[test]
fn a_word_about_the_payment_that_is_not_known_is_no_payment() {
    for (word, state) in [
        (json!("paid"), Some(PaymentState::Paid)),
        (json!("yes"), Some(PaymentState::Paid)),
        (json!("under arbitration"), Some(PaymentState::Unknown)),
        (json!("n/a"), None),
        (json!(null), None),
    ] {
        let order = read(&json!({"order id": "1001", "status": "delivered", "payment status": word})).unwrap();
        assert_eq!(order.details.payment_state, state, "{word}");
        assert_eq!(order.is_paid(), state.is_none_or(|state| state == PaymentState::Paid), "{word}");
    }
}

#[test]
fn an_order_of_woocommerce() {
    let order = read(&json!({
        "id": 727, "parent_id": 0, "number": "1501", "status": "completed", "currency": "INR", "date_created": "2026-11-20T18:05:00",
        "date_created_gmt": "2026-11-20T12:35:00", "date_modified": "2026-11-20T18:06:00", "date_modified_gmt": "2026-11-20T12:36:00",
        "discount_total": "10.00", "shipping_total": "40.00", "total": "599.00", "total_tax": "12.00", "customer_id": 26,
        "billing": {"first_name": "A", "last_name": "B", "address_1": "2 Short Road", "city": "Pune", "postcode": "411001",
            "email": "a@example.com", "phone": "09876543210"},
        "shipping": {"first_name": "A", "address_1": "", "phone": ""},
        "payment_method": "cod", "payment_method_title": "Cash on delivery", "transaction_id": "",
        "line_items": [{"id": 1, "name": "Ghee", "sku": "G1", "quantity": 3, "price": 193, "total": "579.00"}]
    }))
    .unwrap();
    let details = &order.details;
    assert_eq!((order.id.as_str(), details.display_id.as_deref()), ("1501", None));
    assert_eq!((order.value, order.phone.as_deref()), (Some(Money::from_rupees(599)), Some("09876543210")));
    assert_eq!((details.state, details.payment_state), (Some(OrderState::Delivered), Some(PaymentState::Paid)));
    assert_eq!(details.payment_method.as_deref(), Some("Cash on delivery"));
    assert_eq!(details.updated_at, Some("2026-11-20T12:36:00Z".parse().unwrap()));
    assert_eq!(order.placed_at.unwrap().to_string(), "2026-11-20T18:05:00");
    assert_eq!(details.address.as_deref(), Some("2 Short Road, Pune"));
    assert_eq!(details.lines[0].price, Some(Money::from_rupees(193)));
}

#[test]
fn an_order_with_names_of_any_shop() {
    let order = read(
        &json!({"order_number": "A-17", "total": 12.5, "phone": "98765 43210", "status": "shipped", "unknown": [[1]]}),
    );
    let order = order.unwrap();
    assert_eq!((order.id.as_str(), order.value), ("A-17", Some(Money::from_minor_units(1250))));
    assert_eq!(order.details.state, Some(OrderState::OutForDelivery));
    assert!(read(&json!({"total": 5})).unwrap_err().contains("no column is certainly “Order ID”"));
    let error = read(&json!({"order_id": "A1", "phone": "12"})).unwrap_err();
    assert!(error.starts_with("a.json:1: phone: “12”"), "{error}");
}

#[test]
fn what_is_written_as_json_is_read_back() {
    let mut order = Order::new(crate::domain::ids::OrderId::new("ORD000001"));
    order.value = Some(Money::from_minor_units(1250));
    order.placed = "2026-11-20 18:05".to_owned();
    order.rating = Some(4);
    let read = read(&Value::Object(order.to_json())).unwrap();
    assert_eq!((read.id, read.value, read.rating), (order.id, order.value, order.rating));
}
