//! Reads webhooks `order.*` of WooCommerce, as they are.
//!
//! Their bodies are those of the REST API: <https://woocommerce.github.io/woocommerce-rest-api-docs/#orders>. `…_gmt` are times of
//! UTC without saying so, amounts are texts in the currency of the order, and the parts that were paid back are negative totals in
//! `refunds`. A deletion sends the identifier and nothing else (`WC_Webhook::build_payload`). Of a delivery only the body is signed, so
//! the topic in its headers decides nothing that the body does not show.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::fields::{self, ShopContext, text};
use super::{Reading, Refusal};
use crate::domain::currency::Currency;
use crate::domain::money::Money;
use crate::domain::order::{Order, OrderLine, OrderState, PaymentState, column};

/// Reads the body of a delivery that came at `now`; `topic` is the one of its header.
pub(super) fn read(body: &Value, topic: Option<&str>, shop: &ShopContext, now: Timestamp) -> Reading {
    if topic.is_some_and(|topic| !topic.starts_with("order.")) {
        return Reading::Nothing("its topic is not order.*");
    }
    let Some(fields) = body.as_object() else {
        return Reading::Refused { id: None, why: Refusal::new("body", "it is no JSON object") };
    };
    let number = text(&body["id"]);
    if let (Some(number), 1, Some("order.deleted")) = (&number, fields.len(), topic) {
        return Reading::Deleted(number.clone());
    }
    if fields.contains_key("code") && fields.contains_key("message") {
        // The user that the webhook belongs to may not read orders: `wc_get_container()->get_endpoint_data` answers an error.
        let reason = "the shop sent an error in place of the order: the user of the webhook may not read orders";
        return Reading::Refused { id: number, why: Refusal::new("body", reason) };
    }
    if matches!(text(&body["status"]).as_deref(), Some("checkout-draft" | "auto-draft" | "draft")) {
        return Reading::Nothing("it is a draft");
    }
    if !["status", "number", "total"].iter().any(|field| fields.contains_key(*field)) {
        let reason = "it holds no order";
        return Reading::Refused { id: number, why: Refusal::new("body", reason) };
    }
    let called = if text(&body["number"]).is_some() { &body["number"] } else { &body["id"] };
    match fields::order_id(called) {
        Ok(id) => {
            let (order, left_out) = order(Order::new(id), number, body, shop, now);
            Reading::Order(Box::new(order), left_out)
        }
        Err(why) => Reading::Refused { id: number, why },
    }
}

fn order(
    mut order: Order,
    number: Option<String>,
    body: &Value,
    shop: &ShopContext,
    now: Timestamp,
) -> (Order, Vec<Refusal>) {
    let mut left_out = Vec::new();
    let currency = fields::currency(&body["currency"], shop).map_err(|why| left_out.push(why)).ok();
    let mut amount = |field: &'static str, value: &Value| {
        fields::amount(field, value, currency).unwrap_or_else(|why| {
            left_out.push(why);
            None
        })
    };
    let returned = paid_back(body, currency);
    order.value = amount(column::VALUE, &body["total"]).map(|total| total.minus(returned));
    let details = &mut order.details;
    details.shipping = amount(column::SHIPPING, &body["shipping_total"]);
    details.tax = amount(column::TAX, &body["total_tax"]);
    details.discount = amount(column::DISCOUNT, &body["discount_total"]).filter(|discount| *discount > Money::ZERO);
    details.shop_id = number;
    details.currency = currency;
    // 0 is a guest.
    order.customer_id = text(&body["customer_id"]).filter(|id| id != "0").unwrap_or_default();
    "WooCommerce".clone_into(&mut order.platform);
    order.placed = text(&body["date_created"]).unwrap_or_default();
    order.placed_at = time(body, "date_created", shop).map(|at| fields::local(at, &shop.zone));
    let (bill, ship) = (&body["billing"], &body["shipping"]);
    order.details.customer_name = [ship, bill].into_iter().find_map(name);
    order.details.email = text(&bill["email"]);
    left_out.extend(fields::set_phones(&mut order, &[&bill["phone"], &ship["phone"]], shop.country));
    let status = text(&body["status"]).map(|status| status.trim_start_matches("wc-").to_owned());
    let details = &mut order.details;
    details.state = status.as_deref().and_then(state);
    details.payment_state = status.as_deref().and_then(|status| payment_state(status, body, returned));
    order.status = status;
    details.payment_method = text(&body["payment_method_title"]).or_else(|| text(&body["payment_method"]));
    details.payment_id = text(&body["transaction_id"]);
    let to = if text(&ship["address_1"]).is_some() { ship } else { bill };
    details.address = fields::joined(&[
        &to["address_1"],
        &to["address_2"],
        &to["city"],
        &to["state"],
        &to["postcode"],
        &to["country"],
    ]);
    details.postal_code = text(&to["postcode"]);
    details.lines = lines(body, currency);
    if let Some(parcel) = parcel(body) {
        details.carrier = text(&parcel["tracking_provider"]).or_else(|| text(&parcel["custom_tracking_provider"]));
        details.tracking_number = text(&parcel["tracking_number"]);
        details.tracking_url = fields::web_address(&parcel["custom_tracking_link"]);
    }
    details.updated_at = Some(fields::version(time(body, "date_modified", shop), now));
    (order, left_out)
}

/// A time of an order: the one of UTC, or the one in the shop's zone.
fn time(body: &Value, field: &str, shop: &ShopContext) -> Option<Timestamp> {
    let read = |value: &Value, zone: &TimeZone| fields::instant(column::UPDATED_AT, value, zone).ok().flatten();
    read(&body[format!("{field}_gmt")], &TimeZone::UTC).or_else(|| read(&body[field], &shop.zone))
}

fn name(of: &Value) -> Option<String> {
    let parts: Vec<String> = ["first_name", "last_name"].iter().filter_map(|part| text(&of[*part])).collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

fn paid_back(body: &Value, currency: Option<Currency>) -> Money {
    let refunds = body["refunds"].as_array().map(Vec::as_slice).unwrap_or_default();
    let total = |refund: &Value| {
        let total = text(&refund["total"])?;
        fields::amount(column::VALUE, &Value::from(total.trim_start_matches('-')), currency).ok()?
    };
    refunds
        .iter()
        .filter_map(total)
        .fold(Money::ZERO, |sum, total| Money::from_minor_units(sum.minor_units().saturating_add(total.minor_units())))
}

/// The states of WooCommerce: <https://woocommerce.com/document/managing-orders/order-statuses/>. A shop may add others, which
/// are only shown as they are. Money that went back says nothing of where the goods are.
fn state(status: &str) -> Option<OrderState> {
    match status {
        "pending" | "on-hold" | "failed" => Some(OrderState::Placed),
        "processing" => Some(OrderState::Confirmed),
        "completed" => Some(OrderState::Delivered),
        "cancelled" | "trash" => Some(OrderState::Cancelled),
        _ => None,
    }
}

#[expect(clippy::unnecessary_wraps, reason = "what the order holds")]
fn payment_state(status: &str, body: &Value, returned: Money) -> Option<PaymentState> {
    let paid = text(&body["date_paid_gmt"]).or_else(|| text(&body["date_paid"])).is_some();
    match status {
        "refunded" => Some(PaymentState::Refunded),
        "failed" => Some(PaymentState::Failed),
        // Also where how much it was cannot be read.
        _ if returned > Money::ZERO || body["refunds"].as_array().is_some_and(|refunds| !refunds.is_empty()) => {
            Some(PaymentState::PartiallyRefunded)
        }
        _ if paid => Some(PaymentState::Paid),
        _ => Some(PaymentState::Pending),
    }
}

/// The lines; none where one of them cannot be read, since the others would say that the order holds no more.
fn lines(body: &Value, currency: Option<Currency>) -> Vec<OrderLine> {
    let items = body["line_items"].as_array().map(Vec::as_slice).unwrap_or_default();
    let is_gone = |count: String| count.starts_with('-') || count.trim_matches(['0', '.']).is_empty();
    let left = items.iter().filter(|item| !text(&item["quantity"]).is_some_and(is_gone));
    left.map(|item| line(item, currency)).collect::<Option<_>>().unwrap_or_default()
}

fn line(item: &Value, currency: Option<Currency>) -> Option<OrderLine> {
    let name = plain(&text(&item["name"]).or_else(|| text(&item["sku"]))?);
    let count = text(&item["quantity"])?;
    let (whole, decimals) = count.split_once('.').unwrap_or((&count, ""));
    let whole = whole.parse().ok().filter(|count| *count > 0 && decimals.bytes().all(|digit| digit == b'0'));
    let amount = |field: &str| fields::amount(column::ITEMS, &item[field], currency).ok().flatten();
    // Extensions sell by weight: one and a half kilograms are one piece here, which costs their total.
    let (quantity, name) = match whole {
        Some(whole) => (whole, name),
        None => (1_u32, format!("{name} ({count})")),
    };
    // `price` is a number with all its decimals, where a total was divided: then it is rounded down.
    let exact = amount("price").filter(|_| whole.is_some());
    let share = || Some(Money::from_minor_units(amount("total")?.minor_units() / i64::from(quantity)));
    Some(OrderLine { sku: text(&item["sku"]), name, quantity, price: exact.or_else(share) })
}

/// A name without the HTML entities that `WooCommerce` writes into it.
fn plain(name: &str) -> String {
    let entities = [
        ("&ndash;", "–"),
        ("&mdash;", "—"),
        ("&times;", "×"),
        ("&nbsp;", " "),
        ("&quot;", "\""),
        ("&#039;", "'"),
        ("&#8211;", "–"),
        ("&amp;", "&"),
    ];
    entities.iter().fold(name.to_owned(), |name, (entity, plain)| name.replace(entity, plain))
}

/// The last parcel, as the extension “Shipment Tracking” keeps it: <https://woocommerce.com/document/shipment-tracking/>.
fn parcel(body: &Value) -> Option<&Value> {
    let meta = body["meta_data"].as_array()?;
    meta.iter().find(|entry| entry["key"] == "_wc_shipment_tracking_items")?["value"].as_array()?.last()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::fields::tests::{at, context};
    use super::*;

    /// An order as the documentation of the REST API shows it, cut down to what is read, and a few fields that are not.
    fn placed() -> Value {
        let text = r#"{
            "id": 1500, "parent_id": 0, "number": "1501", "order_key": "wc_order_58d2d042d1d", "created_via": "checkout", "version": "9.4.0",
            "status": "processing", "currency": "INR", "date_created": "2026-11-20T18:04:00", "date_created_gmt": "2026-11-20T12:34:00",
            "date_modified": "2026-11-20T18:05:10", "date_modified_gmt": "2026-11-20T12:35:10", "discount_total": "0.00",
            "shipping_total": "50.00", "total": "599.00", "total_tax": "0.00", "prices_include_tax": false, "customer_id": 26,
            "billing": {"first_name": "Asha", "last_name": "Rao", "address_1": "12 MG Road", "address_2": "", "city": "Bengaluru", "state": "KA",
                "postcode": "560001", "country": "IN", "email": "asha@example.com", "phone": "09876500001"},
            "shipping": {"first_name": "", "last_name": "", "address_1": "", "city": "", "postcode": "", "country": "", "phone": "+919876500002"},
            "payment_method": "razorpay", "payment_method_title": "Cards and UPI", "transaction_id": "pay_Ab12", "date_paid": "2026-11-20T18:05:00",
            "date_paid_gmt": "2026-11-20T12:35:00", "date_completed": null, "customer_note": "", "refunds": [],
            "meta_data": [{"id": 1, "key": "_wc_shipment_tracking_items", "value": [{"tracking_provider": "", "custom_tracking_provider": "Delhivery",
                "custom_tracking_link": "https://track.example/DL1", "tracking_number": "DL1", "date_shipped": 1763596800}]}],
            "line_items": [
                {"id": 1, "name": "Filter Coffee &ndash; 500 g", "sku": "FC-500", "quantity": 1, "subtotal": "349.00", "total": "349.00", "price": 349},
                {"id": 2, "name": "Tumbler", "sku": "", "quantity": 3, "total": "200.00", "price": 66.666666666}],
            "_links": {"self": [{"href": "https://shop.example/wp-json/wc/v3/orders/1500"}]}
        }"#;
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
        match read(body, Some("order.updated"), &context(), at("2026-12-01T00:00:00Z")) {
            Reading::Order(order, left_out) => (*order, left_out),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_order_is_read_whole() {
        let (order, left_out) = read_order(&placed());
        assert_eq!(left_out, []);
        assert_eq!((order.id.as_str(), order.details.shop_id.as_deref()), ("1501", Some("1500")));
        assert_eq!(order.value, Some(Money::from_rupees(599)));
        assert_eq!(order.placed_at, Some("2026-11-20T18:04:00".parse().unwrap()));
        assert_eq!((order.phone.as_deref(), order.customer_id.as_str()), (Some("09876500001"), "26"));
        let details = &order.details;
        assert_eq!(details.other_phones, ["+919876500002"]);
        assert_eq!(details.customer_name.as_deref(), Some("Asha Rao"));
        assert_eq!((details.state, details.payment_state), (Some(OrderState::Confirmed), Some(PaymentState::Paid)));
        assert_eq!(details.payment_id.as_deref(), Some("pay_Ab12"));
        assert_eq!(
            details.address.as_deref(),
            Some("12 MG Road, Bengaluru, KA, 560001, IN"),
            "where it is billed: there is no other"
        );
        assert_eq!(details.updated_at, Some(at("2026-11-20T12:35:10Z")));
        assert_eq!((details.carrier.as_deref(), details.tracking_number.as_deref()), (Some("Delhivery"), Some("DL1")));
        assert_eq!(details.tracking_url.as_deref(), Some("https://track.example/DL1"));
        assert_eq!(details.lines[0].name, "Filter Coffee – 500 g");
        assert_eq!(details.lines[0].price, Some(Money::from_rupees(349)));
        assert_eq!(
            details.lines[1].price,
            Some(Money::from_minor_units(6_666)),
            "three of them are never more than their total"
        );
    }

    #[test]
    fn states_are_those_of_the_documentation() {
        for (changes, state, payment) in [
            (
                json!({"status": "pending", "date_paid": null, "date_paid_gmt": null}),
                Some(OrderState::Placed),
                PaymentState::Pending,
            ),
            (
                json!({"status": "on-hold", "date_paid": null, "date_paid_gmt": null}),
                Some(OrderState::Placed),
                PaymentState::Pending,
            ),
            (json!({"status": "failed"}), Some(OrderState::Placed), PaymentState::Failed),
            (
                json!({"status": "processing", "date_paid": null, "date_paid_gmt": null}),
                Some(OrderState::Confirmed),
                PaymentState::Pending,
            ),
            (json!({"status": "wc-completed"}), Some(OrderState::Delivered), PaymentState::Paid),
            (json!({"status": "cancelled"}), Some(OrderState::Cancelled), PaymentState::Paid),
            (json!({"status": "trash"}), Some(OrderState::Cancelled), PaymentState::Paid),
            (json!({"status": "refunded", "refunds": [{"id": 1, "total": "-599.00"}]}), None, PaymentState::Refunded),
            (json!({"status": "awaiting-pickup"}), None, PaymentState::Paid),
            (
                json!({"refunds": [{"id": 1, "total": "-100.00"}]}),
                Some(OrderState::Confirmed),
                PaymentState::PartiallyRefunded,
            ),
            (
                json!({"refunds": [{"id": 1, "total": null}]}),
                Some(OrderState::Confirmed),
                PaymentState::PartiallyRefunded,
            ),
        ] {
            let (order, _) = read_order(&with(&changes));
            assert_eq!((order.details.state, order.details.payment_state), (state, Some(payment)), "{changes}");
        }
        let back = with(
            &json!({"refunds": [{"id": 1, "total": "-100.50"}, {"id": 2, "total": "-9"}, {"id": 3, "total": null}]}),
        );
        assert_eq!(read_order(&back).0.value, Some(Money::from_minor_units(48_950)));
        let more = with(&json!({"refunds": [{"id": 1, "total": "-1000.00"}]}));
        assert_eq!(read_order(&more).0.value, Some(Money::ZERO));
    }

    #[test]
    fn an_order_has_all_of_its_lines_or_none() {
        let tea = json!({"name": "Tea", "quantity": 1, "total": "10.00", "price": 10});
        let lines = |other: Value| {
            let (order, _) = read_order(&with(&json!({"line_items": [tea, other]})));
            let lines = order.details.lines.into_iter();
            lines.map(|line| (line.quantity, line.name, line.price.map(Money::minor_units))).collect::<Vec<_>>()
        };
        let tea_alone = || (1, "Tea".to_owned(), Some(1_000));
        let rice = json!({"name": "Rice", "quantity": 1.5, "total": "90.00", "price": 60});
        assert_eq!(lines(rice), [tea_alone(), (1, "Rice (1.5)".to_owned(), Some(9_000))]);
        assert_eq!(lines(json!({"name": "Rice", "quantity": 0, "total": "0.00"})), [tea_alone()]);
        assert_eq!(lines(json!({"name": "Rice", "quantity": "2.0", "total": "90"}))[1].0, 2);
        for other in [json!({"quantity": 1, "total": "90.00"}), json!({"name": "Rice"}), json!("Rice")] {
            assert_eq!(lines(other.clone()), [], "{other}");
        }
    }

    #[test]
    fn what_is_no_order_changes_nothing() {
        let now = at("2026-12-01T00:00:00Z");
        let delivered = |body: &Value, topic| read(body, Some(topic), &context(), now);
        assert_eq!(delivered(&json!({"id": 1_500}), "order.deleted"), Reading::Deleted("1500".to_owned()));
        assert!(
            matches!(delivered(&placed(), "order.deleted"), Reading::Order(..)),
            "a signed order under another topic"
        );
        assert!(matches!(delivered(&with(&json!({"status": "checkout-draft"})), "order.updated"), Reading::Nothing(_)));
        assert!(matches!(delivered(&placed(), "product.updated"), Reading::Nothing(_)));
        let denied = json!({"code": "woocommerce_rest_cannot_view", "message": "Sorry", "data": {"status": 401}});
        for (body, reason) in [
            (denied, "may not read orders"),
            (json!({}), "holds no order"),
            (json!({"total": "5"}), "there is none"),
            (json!("x"), "no JSON object"),
        ] {
            let Reading::Refused { why, .. } = delivered(&body, "order.updated") else { panic!("{body}") };
            assert!(why.reason.contains(reason), "{why:?}");
        }
    }

    #[test]
    fn an_order_without_a_number_is_called_by_its_identifier() {
        let (order, _) = read_order(&with(&json!({"number": null, "date_modified_gmt": null})));
        assert_eq!(order.id.as_str(), "1500");
        assert_eq!(order.details.updated_at, Some(at("2026-11-20T12:35:10Z")), "in the shop's zone");
    }

    proptest! {
        #[test]
        fn no_object_makes_it_panic(field in "[a-z_]{1,20}", text in "\\PC{0,40}", number in any::<f64>()) {
            for value in [json!(text), json!(number), json!([text, {"a": number}]), json!({"phone": text, "total": number})] {
                let mut body = placed();
                for name in ["billing", "line_items", "meta_data", "refunds", "date_modified_gmt", "total", "status", field.as_str()] {
                    body[name] = value.clone();
                    let _ = read(&body, None, &context(), Timestamp::UNIX_EPOCH);
                }
            }
        }
    }
}
