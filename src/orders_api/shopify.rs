//! Reads webhooks `orders/*` of Shopify, as they are.
//!
//! Their bodies are those of the REST resource Order: <https://shopify.dev/docs/api/webhooks/latest> and
//! <https://shopify.dev/docs/api/admin-rest/latest/resources/order>. Amounts are texts in the shop's currency (`currency`); after
//! an edit or a refund the `current_…` fields tell what is left. Of a delivery only the body is signed, so the topic and the
//! time in its headers decide nothing that the body does not show.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::fields::{self, ShopContext, text};
use super::{Reading, Refusal};
use crate::domain::currency::Currency;
use crate::domain::ids::OrderId;
use crate::domain::money::Money;
use crate::domain::order::{Order, OrderLine, OrderState, PaymentState, column};

/// What the headers of a delivery say.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Delivery<'a> {
    /// `X-Shopify-Topic`.
    pub(super) topic: Option<&'a str>,
    /// `X-Shopify-Triggered-At`, which a retried delivery keeps.
    pub(super) triggered_at: Option<&'a str>,
    /// `X-Shopify-Test`: the trial of the admin's pages, of an order that never was.
    pub(super) test: bool,
}

/// Reads the body of a delivery that came at `now`.
pub(super) fn read(body: &Value, delivery: Delivery<'_>, shop: &ShopContext, now: Timestamp) -> Reading {
    if delivery.test {
        return Reading::Nothing("it is a trial of Shopify's");
    }
    if delivery.topic.is_some_and(|topic| !topic.starts_with("orders/")) {
        return Reading::Nothing("its topic is not orders/*");
    }
    let Some(fields) = body.as_object() else {
        return refused(None, Refusal::new("body", "it is no JSON object"));
    };
    let number = text(&body["id"]);
    // `orders/delete` sends the identifier and nothing else.
    if let (Some(number), None) = (&number, text(&body["name"])) {
        let alone = !["order_number", "line_items", "created_at"].iter().any(|field| fields.contains_key(*field));
        return match delivery.topic {
            Some("orders/delete") if alone => Reading::Deleted(number.clone()),
            _ if alone => Reading::Nothing("it holds no order"),
            _ => refused(Some(number.clone()), Refusal::new(column::ORDER_ID, "the order has no name such as #1001")),
        };
    }
    if number.is_none() {
        return Reading::Nothing("it holds no order");
    }
    let id = match fields::order_id(&body["name"]) {
        Ok(id) => id,
        Err(why) => return refused(number, why),
    };
    order(id, number, body, delivery, shop, now)
}

fn refused(id: Option<String>, why: Refusal) -> Reading {
    Reading::Refused { id, why }
}

fn order(
    id: OrderId,
    number: Option<String>,
    body: &Value,
    delivery: Delivery<'_>,
    shop: &ShopContext,
    now: Timestamp,
) -> Reading {
    let mut left_out = Vec::new();
    let currency = fields::currency(&body["currency"], shop).map_err(|why| left_out.push(why)).ok();
    let mut order = Order::new(id);
    let mut amount = |field: &'static str, value: &Value| {
        fields::amount(field, value, currency).unwrap_or_else(|why| {
            left_out.push(why);
            None
        })
    };
    order.value = amount(column::VALUE, current(body, "total_price"));
    let details = &mut order.details;
    details.tax = amount(column::TAX, current(body, "total_tax"));
    details.discount =
        amount(column::DISCOUNT, current(body, "total_discounts")).filter(|discount| *discount > Money::ZERO);
    details.shipping = amount(column::SHIPPING, shipping(body));
    details.shop_id = number;
    details.currency = currency;
    let customer = &body["customer"];
    order.customer_id = text(&customer["id"]).unwrap_or_default();
    "Shopify".clone_into(&mut order.platform);
    order.placed = text(&body["created_at"]).unwrap_or_default();
    order.placed_at = time(body, "created_at", shop).map(|at| fields::local(at, &shop.zone));
    let names = [&body["shipping_address"], &body["billing_address"], customer];
    order.details.customer_name = names.into_iter().find_map(name);
    order.details.email =
        text(&body["email"]).or_else(|| text(&body["contact_email"])).or_else(|| text(&customer["email"]));
    let phones =
        [&body["phone"], &customer["phone"], &body["billing_address"]["phone"], &body["shipping_address"]["phone"]];
    left_out.extend(fields::set_phones(&mut order, &phones, shop.country));
    let (state, status) = state(body);
    order.status = Some(status);
    let details = &mut order.details;
    details.state = Some(state);
    details.lines = lines(body, currency);
    details.payment_state = payment_state(body);
    details.payment_method = payment_method(body);
    let to = &body["shipping_address"];
    details.address =
        fields::joined(&[&to["address1"], &to["address2"], &to["city"], &to["province"], &to["zip"], &to["country"]]);
    details.postal_code = text(&to["zip"]);
    if let Some(parcel) = sent(body).last() {
        details.carrier = text(&parcel["tracking_company"]);
        details.tracking_number = text(one(parcel, "tracking_number", "tracking_numbers"));
        details.tracking_url = fields::web_address(one(parcel, "tracking_url", "tracking_urls"));
    }
    let changed = time(body, "updated_at", shop);
    details.updated_at = Some(fields::version(changed.map(|at| within_the_second(at, delivery)), now));
    Reading::Order(Box::new(order), left_out)
}

/// `current_NAME`, where the API version has it.
fn current<'a>(body: &'a Value, name: &str) -> &'a Value {
    let current = &body[format!("current_{name}")];
    if current.is_null() { &body[name] } else { current }
}

fn shipping(body: &Value) -> &Value {
    let set = &body["total_shipping_price_set"]["shop_money"]["amount"];
    if set.is_null() { &body["shipping_lines"][0]["price"] } else { set }
}

fn time(body: &Value, field: &str, shop: &ShopContext) -> Option<Timestamp> {
    fields::instant(column::UPDATED_AT, &body[field], &shop.zone).ok().flatten()
}

/// `updated_at` counts whole seconds, and several deliveries may be of one. The time at which a delivery was triggered tells
/// them apart; it is not signed, so it counts within the second only.
fn within_the_second(changed: Timestamp, delivery: Delivery<'_>) -> Timestamp {
    let triggered = delivery.triggered_at.and_then(|at| at.trim().parse::<Timestamp>().ok());
    let Some(triggered) = triggered.filter(|_| changed.subsec_nanosecond() == 0) else { return changed };
    // Stores keep milliseconds.
    let after = triggered.duration_since(changed).clamp(SignedDuration::ZERO, SignedDuration::from_millis(999));
    changed.checked_add(SignedDuration::from_millis(i64::try_from(after.as_millis()).unwrap_or(0))).unwrap_or(changed)
}

fn name(of: &Value) -> Option<String> {
    let parts: Vec<String> = ["first_name", "last_name"].iter().filter_map(|part| text(&of[*part])).collect();
    if parts.is_empty() { text(&of["name"]) } else { Some(parts.join(" ")) }
}

/// The parcels, without those that were called off.
fn sent(body: &Value) -> Vec<&Value> {
    let parcels = body["fulfillments"].as_array().map(Vec::as_slice).unwrap_or_default();
    let off = ["cancelled", "error", "failure"];
    parcels
        .iter()
        .filter(|parcel| !text(&parcel["status"]).is_some_and(|status| off.contains(&status.as_str())))
        .collect()
}

fn one<'a>(parcel: &'a Value, single: &str, several: &str) -> &'a Value {
    if text(&parcel[single]).is_some() { &parcel[single] } else { &parcel[several][0] }
}

/// Where the order is, and the shop's word for it. What was handed to a carrier in part counts as on its way: what the customer
/// may still change or cancel depends on it.
fn state(body: &Value) -> (OrderState, String) {
    if text(&body["cancelled_at"]).is_some() {
        return (OrderState::Cancelled, "cancelled".to_owned());
    }
    let fulfilment = text(&body["fulfillment_status"]);
    let status = fulfilment.clone().unwrap_or_else(|| "unfulfilled".to_owned());
    let parcels = sent(body);
    let steps: Vec<Option<String>> = parcels.iter().map(|parcel| text(&parcel["shipment_status"])).collect();
    let all = |word: &str| !steps.is_empty() && steps.iter().all(|step| step.as_deref() == Some(word));
    match fulfilment.as_deref() {
        Some("fulfilled") if all("delivered") => (OrderState::Delivered, "delivered".to_owned()),
        Some("restocked") => (OrderState::Cancelled, status),
        Some("fulfilled" | "partial") => {
            let step = steps.into_iter().flatten().next_back();
            (OrderState::OutForDelivery, step.unwrap_or(status))
        }
        _ if text(&body["financial_status"]).as_deref() == Some("pending")
            && body["confirmed"] != Value::Bool(true) =>
        {
            (OrderState::Placed, status)
        }
        _ => (OrderState::Confirmed, status),
    }
}

fn payment_state(body: &Value) -> Option<PaymentState> {
    match text(&body["financial_status"])?.as_str() {
        "pending" | "authorized" | "partially_paid" => Some(PaymentState::Pending),
        "paid" => Some(PaymentState::Paid),
        "partially_refunded" => Some(PaymentState::PartiallyRefunded),
        "refunded" => Some(PaymentState::Refunded),
        "voided" | "expired" => Some(PaymentState::Failed),
        _ => Some(PaymentState::Unknown),
    }
}

fn payment_method(body: &Value) -> Option<String> {
    let names = body["payment_gateway_names"].as_array().map(Vec::as_slice).unwrap_or_default();
    fields::joined(&names.iter().collect::<Vec<_>>()).or_else(|| text(&body["gateway"]))
}

/// What is still of the order: what was taken out of it, or given back, is not. Where nothing is left, all that was. None where a
/// line cannot be read, since the others would say that the order holds no more.
fn lines(body: &Value, currency: Option<Currency>) -> Vec<OrderLine> {
    let items = body["line_items"].as_array().map(Vec::as_slice).unwrap_or_default();
    let read = |field: fn(&Value) -> &Value| -> Option<Vec<OrderLine>> {
        let lines = items.iter().filter(|item| field(item).as_u64() != Some(0)).map(|item| {
            let quantity = field(item).as_u64().and_then(|count| u32::try_from(count).ok())?;
            let name = text(&item["name"]).or_else(|| text(&item["title"])).or_else(|| text(&item["sku"]))?;
            let price = fields::amount(column::ITEMS, &item["price"], currency).ok().flatten();
            Some(OrderLine { sku: text(&item["sku"]), name, quantity, price })
        });
        lines.collect()
    };
    let left =
        read(|item| if item["current_quantity"].is_null() { &item["quantity"] } else { &item["current_quantity"] });
    let lines = if left.as_ref().is_some_and(Vec::is_empty) { read(|item| &item["quantity"]) } else { left };
    lines.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::fields::tests::{at, context};
    use super::*;

    /// An order as the documentation of the webhooks shows it, cut down to what is read, and a few fields that are not.
    pub(super) fn placed() -> Value {
        let text = r##"{
            "id": 5678901234567, "admin_graphql_api_id": "gid://shopify/Order/5678901234567", "name": "#1001",
            "order_number": 1001, "number": 1, "email": "asha@example.com", "contact_email": "asha@example.com",
            "created_at": "2026-11-20T18:04:00+05:30", "updated_at": "2026-11-20T18:05:10+05:30", "cancelled_at": null,
            "cancel_reason": null, "closed_at": null, "confirmed": true, "currency": "INR", "presentment_currency": "INR",
            "financial_status": "paid", "fulfillment_status": null, "gateway": null, "phone": null, "test": false,
            "payment_gateway_names": ["razorpay"], "total_price": "599.00", "current_total_price": "599.00",
            "subtotal_price": "549.00", "total_tax": "28.52", "current_total_tax": "28.52", "total_discounts": "0.00",
            "total_shipping_price_set": {"shop_money": {"amount": "50.00", "currency_code": "INR"}},
            "shipping_lines": [{"title": "Standard", "price": "50.00"}],
            "customer": {"id": 7001, "first_name": "Asha", "last_name": "Rao", "phone": "+919876500001", "email": "asha@example.com"},
            "billing_address": {"first_name": "Asha", "last_name": "Rao", "phone": "098765 00001", "zip": "560001"},
            "shipping_address": {"first_name": "Ravi", "last_name": "Rao", "phone": "+91 98765 00002", "address1": "12 MG Road",
                "address2": null, "city": "Bengaluru", "province": "Karnataka", "zip": "560001", "country": "India"},
            "line_items": [
                {"id": 1, "sku": "FC-500", "name": "Filter Coffee - 500 g", "title": "Filter Coffee", "quantity": 1, "current_quantity": 1, "price": "349.00"},
                {"id": 2, "sku": "", "name": "Steel Tumbler", "quantity": 2, "current_quantity": 2, "price": "100.00"}],
            "fulfillments": [], "note_attributes": [{"name": "x", "value": {"deep": [1, 2]}}], "tags": ""
        }"##;
        serde_json::from_str(text).unwrap()
    }

    fn with(changes: &Value) -> Value {
        let mut body = placed();
        for (name, value) in changes.as_object().unwrap() {
            body[name] = value.clone();
        }
        body
    }

    fn read_order(body: &Value) -> (Order, Vec<Refusal>) {
        match read(
            body,
            Delivery { topic: Some("orders/updated"), ..Delivery::default() },
            &context(),
            at("2026-12-01T00:00:00Z"),
        ) {
            Reading::Order(order, left_out) => (*order, left_out),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_order_is_read_whole() {
        let (order, left_out) = read_order(&placed());
        assert_eq!(left_out, []);
        assert_eq!((order.id.as_str(), order.details.shop_id.as_deref()), ("#1001", Some("5678901234567")));
        assert_eq!(order.value, Some(Money::from_rupees(599)));
        assert_eq!(order.placed_at, Some("2026-11-20T18:04:00".parse().unwrap()));
        assert_eq!(order.phone.as_deref(), Some("+919876500001"));
        assert_eq!(order.details.other_phones, ["+91 98765 00002"], "each number once");
        assert_eq!(order.customer_id, "7001");
        let details = &order.details;
        assert_eq!(details.customer_name.as_deref(), Some("Ravi Rao"), "whom it is sent to");
        assert_eq!(details.currency.map(|currency| currency.to_string()).as_deref(), Some("INR"));
        assert_eq!(details.shipping, Some(Money::from_rupees(50)));
        assert_eq!((details.tax, details.discount), (Some(Money::from_minor_units(2_852)), None));
        assert_eq!((details.state, details.payment_state), (Some(OrderState::Confirmed), Some(PaymentState::Paid)));
        assert_eq!(details.payment_method.as_deref(), Some("razorpay"));
        assert_eq!(details.address.as_deref(), Some("12 MG Road, Bengaluru, Karnataka, 560001, India"));
        assert_eq!(details.updated_at, Some(at("2026-11-20T12:35:10Z")));
        let line = |sku: Option<&str>, name: &str, quantity, rupees| OrderLine {
            sku: sku.map(str::to_owned),
            name: name.to_owned(),
            quantity,
            price: Some(Money::from_rupees(rupees)),
        };
        assert_eq!(
            details.lines,
            [line(Some("FC-500"), "Filter Coffee - 500 g", 1, 349), line(None, "Steel Tumbler", 2, 100)]
        );
    }

    #[test]
    fn where_it_is_follows_from_its_parcels() {
        let parcel = |step: Value| {
            json!([{"status": "cancelled", "shipment_status": "delivered"}, {"status": "success", "shipment_status": step,
            "tracking_company": "Delhivery", "tracking_numbers": ["DL1"], "tracking_urls": ["https://track.example/DL1"]}])
        };
        for (changes, state, status) in [
            (json!({"financial_status": "pending", "confirmed": false}), OrderState::Placed, "unfulfilled"),
            (json!({}), OrderState::Confirmed, "unfulfilled"),
            (
                json!({"fulfillment_status": "partial", "fulfillments": parcel(json!(null))}),
                OrderState::OutForDelivery,
                "partial",
            ),
            (
                json!({"fulfillment_status": "partial", "fulfillments": parcel(json!("delivered"))}),
                OrderState::OutForDelivery,
                "delivered",
            ),
            (json!({"fulfillment_status": "fulfilled"}), OrderState::OutForDelivery, "fulfilled"),
            (
                json!({"fulfillment_status": "fulfilled", "fulfillments": parcel(json!("in_transit"))}),
                OrderState::OutForDelivery,
                "in_transit",
            ),
            (
                json!({"fulfillment_status": "fulfilled", "fulfillments": parcel(json!("delivered"))}),
                OrderState::Delivered,
                "delivered",
            ),
            (json!({"fulfillment_status": "restocked"}), OrderState::Cancelled, "restocked"),
            (
                json!({"cancelled_at": "2026-11-21T10:00:00+05:30", "fulfillment_status": "fulfilled"}),
                OrderState::Cancelled,
                "cancelled",
            ),
        ] {
            let (order, _) = read_order(&with(&changes));
            assert_eq!((order.details.state, order.status.as_deref()), (Some(state), Some(status)), "{changes}");
        }
        let (order, _) =
            read_order(&with(&json!({"fulfillment_status": "fulfilled", "fulfillments": parcel(json!("in_transit"))})));
        assert_eq!(order.details.carrier.as_deref(), Some("Delhivery"));
        assert_eq!(order.details.tracking_number.as_deref(), Some("DL1"));
        assert_eq!(order.details.tracking_url.as_deref(), Some("https://track.example/DL1"));
    }

    #[test]
    fn a_payment_of_a_kind_that_is_not_known_is_not_taken_for_one() {
        let (order, _) =
            read_order(&with(&json!({"financial_status": "in_dispute", "fulfillment_status": "fulfilled"})));
        assert_eq!(order.details.payment_state, Some(PaymentState::Unknown));
        assert!(!order.is_paid());
    }

    #[test]
    fn what_was_given_back_is_no_longer_of_its_value() {
        let body =
            with(&json!({"current_total_price": "399.00", "financial_status": "partially_refunded", "line_items": [
            {"name": "Filter Coffee", "quantity": 1, "current_quantity": 1, "price": "349.00"},
            {"name": "Steel Tumbler", "quantity": 2, "current_quantity": 0, "price": "100.00"}]}));
        let (order, _) = read_order(&body);
        assert_eq!(order.value, Some(Money::from_rupees(399)));
        assert_eq!(order.details.payment_state, Some(PaymentState::PartiallyRefunded));
        assert_eq!(order.details.lines.len(), 1);
        let mut all = body;
        all["line_items"][0]["current_quantity"] = json!(0);
        assert_eq!(read_order(&all).0.details.lines.len(), 2, "what it was of");
    }

    #[test]
    fn an_order_has_all_of_its_lines_or_none() {
        let tea = json!({"name": "Tea", "quantity": 2, "current_quantity": 1, "price": "10.00"});
        for other in [
            json!({"quantity": 1, "price": "90.00"}),
            json!({"name": "Rice", "quantity": 1.5, "price": "60.00"}),
            json!({"name": "Rice", "quantity": 1, "current_quantity": "one", "price": "90.00"}),
            json!("Rice"),
        ] {
            let (order, _) = read_order(&with(&json!({"line_items": [tea, other]})));
            assert_eq!(order.details.lines, [], "{other}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_left_out_and_the_order_is_taken() {
        let body = with(
            &json!({"total_price": "many", "current_total_price": null, "currency": "rupees", "customer": null, "line_items": {"a": 1},
            "billing_address": null, "shipping_address": {"phone": "ask my brother", "zip": 560_001}, "created_at": "yesterday", "fulfillments": null,
            "payment_gateway_names": null, "updated_at": null}),
        );
        let (order, left_out) = read_order(&body);
        let fields: Vec<_> = left_out.iter().map(|refusal| refusal.field).collect();
        assert_eq!(fields, [column::CURRENCY, column::PHONE], "of a currency that nobody knows there are no amounts");
        assert!(left_out.iter().all(|refusal| !refusal.reason.contains("brother")), "{left_out:?}");
        assert_eq!((order.value, order.phone.as_deref(), order.placed_at), (None, None, None));
        assert_eq!(order.details.postal_code.as_deref(), Some("560001"));
        assert_eq!(order.details.updated_at, Some(at("2026-12-01T00:00:00Z")), "when it came");
    }

    #[test]
    fn what_is_no_order_changes_nothing() {
        let now = at("2026-12-01T00:00:00Z");
        let delivered =
            |body: &Value, topic| read(body, Delivery { topic: Some(topic), ..Delivery::default() }, &context(), now);
        assert_eq!(delivered(&json!({"id": 77}), "orders/delete"), Reading::Deleted("77".to_owned()));
        // A signed order with another topic in its headers is no deletion.
        assert!(matches!(delivered(&placed(), "orders/delete"), Reading::Order(..)));
        for (body, topic) in [
            (json!({"id": 77}), "orders/updated"),
            (json!({"order_edit": {"id": 1}}), "orders/edited"),
            (json!({}), "orders/create"),
            (placed(), "products/update"),
        ] {
            assert!(matches!(delivered(&body, topic), Reading::Nothing(_)), "{topic} {body}");
        }
        assert!(matches!(delivered(&json!([1]), "orders/create"), Reading::Refused { .. }));
        assert!(matches!(
            delivered(&json!({"id": 1, "line_items": []}), "orders/create"),
            Reading::Refused { id: Some(_), .. }
        ));
        let trial = Delivery { topic: Some("orders/create"), test: true, ..Delivery::default() };
        assert!(matches!(read(&placed(), trial, &context(), now), Reading::Nothing(_)));
    }

    proptest! {
        #[test]
        fn deliveries_of_one_second_are_told_apart_and_never_reach_the_next(
            second in 1_700_000_000_i64..1_800_000_000, offset in -10_000_000_000_i64..10_000_000_000, later in 1_i64..1_000_000_000,
        ) {
            let changed = Timestamp::from_second(second).unwrap();
            let triggered = |nanos: i64| changed.checked_add(SignedDuration::from_nanos(nanos)).unwrap().to_string();
            let (one, two) = (triggered(offset), triggered(offset + later));
            let version = |at: &str| within_the_second(changed, Delivery { triggered_at: Some(at), ..Delivery::default() });
            prop_assert!(version(&one) <= version(&two));
            prop_assert!(version(&one) >= changed && version(&two) < Timestamp::from_second(second + 1).unwrap());
        }

        #[test]
        fn no_object_makes_it_panic(field in "[a-z_]{1,20}", text in "\\PC{0,40}", number in any::<f64>()) {
            for value in [json!(text), json!(number), json!([text, {"a": number}]), json!({"phone": text, "amount": number})] {
                let mut body = placed();
                for name in ["customer", "line_items", "fulfillments", "shipping_address", "updated_at", "total_price", field.as_str()] {
                    body[name] = value.clone();
                    let _ = read(&body, Delivery::default(), &context(), Timestamp::UNIX_EPOCH);
                }
            }
        }
    }
}
