use axum::http::HeaderValue;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac as _};
use proptest::prelude::*;
use secrecy::SecretString;
use sha2::Sha256;
use tower::ServiceExt as _;

use super::super::fields::tests::{at, context};
use super::*;
use crate::domain::ids::OrderId;
use crate::domain::money::Money;
use crate::domain::order::{Order, OrderState};
use crate::store::sqlite::SqliteStore;

const TOKEN: &str = "a-token-of-more-than-22-letters";
const SECRET: &str = "hush-of-more-than-22-letters";

struct Shop {
    store: Arc<dyn Store>,
    routes: Router,
}

impl Shop {
    fn new() -> Self {
        let store: Arc<dyn Store> = Arc::new(SqliteStore::scratch().unwrap());
        let secret = SecretString::from(SECRET);
        let server = OrdersServer::new(OrdersSettings {
            store: Arc::clone(&store),
            lock: OrdersLock::find(&TOKEN.into(), &secret, &secret).unwrap(),
            shop: context(),
            clock: Arc::new(|| at("2026-12-01T00:00:00Z")),
        });
        Self { store, routes: routes(server) }
    }

    async fn send(&self, headers: &[(&str, &str)], body: impl Into<Body>) -> (StatusCode, Value) {
        let mut request = Request::builder().method("POST").uri("/orders");
        for (name, value) in headers {
            request = request.header(*name, HeaderValue::from_str(value).unwrap());
        }
        let answer = self.routes.clone().oneshot(request.body(body.into()).unwrap()).await.unwrap();
        let status = answer.status();
        let body = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap_or_else(|_| String::from_utf8_lossy(&body).into_owned().into()))
    }

    async fn post(&self, body: impl Into<Body>) -> (StatusCode, Value) {
        self.send(&[("authorization", &format!("Bearer {TOKEN}"))], body).await
    }

    async fn shopify(&self, topic: &str, body: &Value) -> (StatusCode, Value) {
        let body = body.to_string();
        self.send(&[("x-shopify-hmac-sha256", &signature(&body)), ("x-shopify-topic", topic)], body).await
    }

    async fn woocommerce(&self, topic: &str, body: &Value) -> (StatusCode, Value) {
        let body = body.to_string();
        self.send(&[("x-wc-webhook-signature", &signature(&body)), ("x-wc-webhook-topic", topic)], body).await
    }

    async fn order(&self, id: &str) -> Option<Order> {
        self.store.order(&OrderId::new(id)).await.unwrap()
    }
}

fn signature(body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

/// A body that would never end: whoever reads it fails the test by its time.
fn endless() -> Body {
    Body::from_stream(futures_util::stream::pending::<Result<Bytes, std::io::Error>>())
}

#[tokio::test]
async fn strangers_are_refused_before_their_body_comes() {
    let shop = Shop::new();
    for headers in [
        vec![],
        vec![("authorization", "Bearer wrong")],
        vec![("authorization", "Basic YTpi")],
        vec![("x-shopify-hmac-sha256", "no base64 of 32 bytes")],
        vec![("x-wc-webhook-signature", "")],
        vec![("content-type", "application/x-www-form-urlencoded"), ("content-length", "1000")],
    ] {
        let answer = tokio::time::timeout(Duration::from_secs(5), shop.send(&headers, endless())).await;
        assert_eq!(answer.expect("the body is not waited for").0, StatusCode::UNAUTHORIZED, "{headers:?}");
    }
    assert_eq!(shop.store.count_orders().await.unwrap(), 0);
}

#[tokio::test]
async fn one_many_and_an_envelope() {
    let shop = Shop::new();
    let (status, report) = shop.post(r#"{"order_id": "A1", "total": "599.00"}"#).await;
    assert_eq!((status, &report["accepted"], &report["added"]), (StatusCode::OK, &json!(1), &json!(1)));
    assert_eq!(shop.order("a1").await.unwrap().value, Some(Money::from_rupees(599)));
    let (status, report) = shop.post(r#"[{"order_id": "A1", "total": 600}, {"Order ID": "A2"}]"#).await;
    assert_eq!((status, &report["updated"], &report["added"]), (StatusCode::OK, &json!(1), &json!(1)));
    let (status, report) = shop.post(r#"{"shop": "x", "orders": [{"order_id": "A3"}], "more": [[]]}"#).await;
    assert_eq!((status, &report["added"]), (StatusCode::OK, &json!(1)));
    let (status, report) = shop.post(r#"{"order_id": "A1", "orders": [], "total": 601}"#).await;
    assert_eq!((status, &report["updated"]), (StatusCode::OK, &json!(1)), "an order with a field of that name");
    let (status, report) = shop.post("[]").await;
    assert_eq!((status, &report["accepted"]), (StatusCode::OK, &json!(0)));
    assert_eq!(shop.store.count_orders().await.unwrap(), 3);
}

#[tokio::test]
async fn one_bad_order_keeps_no_other_out() {
    let shop = Shop::new();
    let (status, report) = shop
        .post(r#"[{"order_id": "A1", "total": "many"}, {"order_id": "A2", "placed_at": "soon"}, 5, {"total": 1}]"#)
        .await;
    assert_eq!(status, StatusCode::MULTI_STATUS);
    assert_eq!(report["accepted"], 1);
    let refused: Vec<_> =
        report["refused"].as_array().unwrap().iter().map(|one| (one["index"].clone(), one["id"].clone())).collect();
    assert_eq!(refused, [(json!(0), json!("A1")), (json!(2), json!(null)), (json!(3), json!(null))]);
    let reason = report["refused"][0]["reason"].as_str().unwrap();
    assert!(reason.starts_with("“many” is not an amount in INR"), "{reason}");
    assert_eq!((&report["left_out"][0]["id"], &report["left_out"][0]["index"]), (&json!("A2"), &json!(1)));
    let (status, report) = shop.post(r#"[{"order_id": "A1", "total": "many"}]"#).await;
    assert_eq!((status, &report["accepted"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!(0)));
}

#[tokio::test]
async fn a_value_that_no_parser_holds_is_told() {
    let shop = Shop::new();
    let (status, report) = shop.post(r#"{"order_id": "A1", "total": 1e400}"#).await;
    assert_eq!((status, &report["accepted"]), (StatusCode::OK, &json!(1)), "{report}");
    assert_eq!(report["left_out"][0]["field"], "body", "{report}");
}

#[tokio::test]
async fn rubbish_is_told_and_changes_nothing() {
    let shop = Shop::new();
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for body in [
        "",
        "{",
        "5",
        "\"x\"",
        "null",
        "[1,",
        "{}",
        "order_id=1",
        "\u{0}\u{1}",
        "<order/>",
        "[{\"order_id\": \"A1\"}] and more",
        &deep,
    ] {
        let (status, report) = shop.post(body.to_owned()).await;
        assert!(status.is_client_error(), "{}: {status} {report}", crate::domain::words::excerpt(body, 30));
    }
    let (status, _) = shop.post(vec![b' '; LARGEST_BODY + 1]).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(shop.store.count_orders().await.unwrap(), 0);
}

#[tokio::test]
async fn an_unknown_field_fails_no_order_whatever_it_holds() {
    let shop = Shop::new();
    for (number, odd) in [
        "null",
        "1e999",
        "\"\\ud800\"",
        "\"\u{1}\"",
        &format!("{}{}", "[".repeat(500), "]".repeat(500)),
        "{\"order_id\": 7}",
    ]
    .iter()
    .enumerate()
    {
        let body = format!(r#"{{"order_id": "A{number}", "note": {odd}, "total": "5"}}"#);
        let (status, report) = shop.post(body).await;
        assert_eq!((status, &report["accepted"]), (StatusCode::OK, &json!(1)), "{odd}: {report}");
    }
    let (status, _) = shop.post(&b"[{\"order_id\": \"B1\", \"note\": \"\xff\"}, {\"order_id\": \"B2\"}]"[..]).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(shop.store.count_orders().await.unwrap(), 8);
}

#[tokio::test]
async fn ten_thousand_orders_in_one_body() {
    let shop = Shop::new();
    let order = |number: u32| {
        json!({"order_id": format!("T{number}"), "total": "599.00", "phone": "+91 98765 00001", "updated_at": "2026-11-20T12:00:00Z",
        "items": [{"sku": "A", "name": "Filter Coffee", "quantity": 1, "price": "349.00"}]})
    };
    let body = Value::from((0..10_000).map(order).collect::<Vec<_>>()).to_string();
    let (status, report) = shop.post(body.clone()).await;
    assert_eq!((status, &report["added"]), (StatusCode::OK, &json!(10_000)));
    let (_, report) = shop.post(body).await;
    assert_eq!(
        (&report["unchanged"], &report["accepted"]),
        (&json!(10_000), &json!(10_000)),
        "once more changes nothing"
    );
    assert_eq!(shop.store.count_orders().await.unwrap(), 10_000);
}

fn shopify_order(updated: &str, total: &str) -> Value {
    json!({"id": 6_001, "name": "#1001", "created_at": "2026-11-20T18:04:00+05:30", "updated_at": updated, "currency": "INR", "total_price": total,
        "financial_status": "paid", "fulfillment_status": null, "cancelled_at": null, "line_items": []})
}

#[tokio::test]
async fn webhooks_are_taken_as_they_are() {
    let shop = Shop::new();
    let order = shopify_order("2026-11-20T18:05:00+05:30", "599.00");
    let (status, report) = shop.shopify("orders/create", &order).await;
    assert_eq!((status, &report["added"]), (StatusCode::OK, &json!(1)));
    let woo = json!({"id": 1_500, "number": "1501", "status": "processing", "total": "279.00", "currency": "INR",
        "date_created_gmt": "2026-11-20T12:34:00", "date_modified_gmt": "2026-11-20T12:35:10", "billing": {"phone": "09876500001"}});
    let (status, report) = shop.woocommerce("order.created", &woo).await;
    assert_eq!((status, &report["added"]), (StatusCode::OK, &json!(1)));
    assert_eq!(shop.order("1501").await.unwrap().phone.as_deref(), Some("09876500001"));
    // A signature of another body, and one of the other shop system's header.
    let (body, wrong) = (order.to_string(), signature("another"));
    assert_eq!(shop.send(&[("x-shopify-hmac-sha256", &wrong)], body.clone()).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(shop.send(&[("x-hub-signature-256", &signature(&body))], body).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn what_a_shop_sends_in_vain_is_answered_so_that_its_webhook_stays() {
    let shop = Shop::new();
    for body in ["", "{", "[]", "{}", "{\"id\": 1, \"line_items\": []}", "\"x\""] {
        let (status, _) = shop
            .send(&[("x-shopify-hmac-sha256", &signature(body)), ("x-shopify-topic", "orders/create")], body.to_owned())
            .await;
        assert_eq!(status, StatusCode::OK, "{body}");
        let (status, _) = shop
            .send(
                &[("x-wc-webhook-signature", &signature(body)), ("x-wc-webhook-topic", "order.created")],
                body.to_owned(),
            )
            .await;
        assert_eq!(status, StatusCode::OK, "{body}");
    }
    assert_eq!(shop.store.count_orders().await.unwrap(), 0);
}

#[tokio::test]
async fn woocommerce_may_try_the_address_out() {
    let shop = Shop::new();
    let form =
        |length: &'static str| [("content-type", "application/x-www-form-urlencoded"), ("content-length", length)];
    assert_eq!(shop.send(&form("13"), "webhook_id=12").await.0, StatusCode::OK);
    assert_eq!(shop.send(&form("10"), "order_id=1").await.0, StatusCode::UNAUTHORIZED);
    // What is announced as short and is not.
    assert_eq!(shop.send(&form("13"), vec![b'1'; 1_000]).await.0, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_deleted_order_is_cancelled_and_one_that_was_delivered_stays_so() {
    let shop = Shop::new();
    shop.shopify("orders/create", &shopify_order("2026-11-20T18:05:00+05:30", "599.00")).await;
    let (status, report) = shop.shopify("orders/delete", &json!({"id": 6_001})).await;
    assert_eq!((status, &report["deleted"]), (StatusCode::OK, &json!(1)));
    let order = shop.order("#1001").await.unwrap();
    assert_eq!((order.details.state, order.value), (Some(OrderState::Cancelled), Some(Money::from_rupees(599))));
    // The first version, delivered again, does not bring it back; the next change does.
    let (_, report) = shop.shopify("orders/create", &shopify_order("2026-11-20T18:05:00+05:30", "599.00")).await;
    assert_eq!(report["stale"], 1);
    let (_, report) = shop.shopify("orders/delete", &json!({"id": 6_001})).await;
    assert_eq!(report["deleted"], 0, "once");
    let (_, report) = shop.shopify("orders/updated", &shopify_order("2026-11-20T18:05:01+05:30", "599.00")).await;
    assert_eq!(report["updated"], 1);
    let (_, report) = shop.shopify("orders/delete", &json!({"id": 999})).await;
    assert_eq!((&report["deleted"], &report["ignored"]), (&json!(0), &json!(1)));

    let woo = json!({"id": 1_500, "number": "SEQ-1", "status": "completed", "total": "279.00", "date_modified_gmt": "2026-11-20T12:35:10"});
    shop.woocommerce("order.updated", &woo).await;
    let (_, report) = shop.woocommerce("order.deleted", &json!({"id": 1_500})).await;
    assert_eq!(report["deleted"], 0);
    assert_eq!(shop.order("SEQ-1").await.unwrap().details.state, Some(OrderState::Delivered));
}

/// A version of one of a few orders: which, when it was changed, what it was worth then, and over which way it came.
fn versions() -> impl Strategy<Value = Vec<(u8, u16, u8)>> {
    proptest::collection::hash_map((0..3_u8, 0..400_u16), 0..3_u8, 1..12)
        .prop_map(|versions| versions.into_iter().map(|((order, second), way)| (order, second, way)).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever order versions come in, however often, one by one or many at once: the latest of each order is what stays.
    #[test]
    fn any_order_of_versions_ends_the_same(
        (versions, again) in versions().prop_flat_map(|versions| {
            let twice = [versions.clone(), versions.clone()].concat();
            (Just(versions), Just(twice).prop_shuffle())
        }),
        together in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let time = |second: u16| Timestamp::from_second(1_763_600_000 + i64::from(second)).unwrap().to_string();
        let total = |second: u16| format!("{second}.00");
        runtime.block_on(async {
            let shop = Shop::new();
            if together {
                let list: Vec<_> = again.iter().map(|(order, second, _)| json!({"order_id": format!("#{order}"), "total": total(*second), "updated_at": time(*second)})).collect();
                assert_eq!(shop.post(Value::from(list).to_string()).await.0, StatusCode::OK);
            } else {
                for (order, second, way) in again {
                    let (id, at) = (format!("#{order}"), time(second));
                    let (status, _) = match way {
                        0 => shop.post(json!({"order_id": id, "total": total(second), "updated_at": at}).to_string()).await,
                        1 => shop.shopify("orders/updated", &json!({"id": order, "name": id, "total_price": total(second), "updated_at": at})).await,
                        _ => shop.woocommerce("order.updated", &json!({"id": order, "number": id, "total": total(second), "date_modified_gmt": at.trim_end_matches('Z')})).await,
                    };
                    assert_eq!(status, StatusCode::OK);
                }
            }
            for order in 0..3_u8 {
                let latest = versions.iter().filter(|version| version.0 == order).map(|version| version.1).max();
                let kept = shop.order(&format!("#{order}")).await.map(|order| order.value);
                assert_eq!(kept, latest.map(|second| Some(Money::from_rupees(second.into()))));
            }
        });
    }
}
