//! The fake is written from Razorpay's documentation: <https://razorpay.com/docs/api/refunds/normal-refunds-idempotent>,
//! <https://razorpay.com/docs/api/refunds/entity>.

use wiremock::matchers::{body_partial_json, header, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::super::fixtures;
use super::*;
use crate::domain::refund::idempotency_key;

const TRANSACTION: &str = "RFND_20260601100000_ORD000003";

fn payout() -> Payout {
    fixtures::payout(ProviderKind::Razorpay, "pay_29QQ")
}

fn razorpay(server: &MockServer) -> Razorpay {
    Razorpay::new(&server.uri(), "rzp_test_1", SecretString::from("s3cret")).unwrap()
}

/// A refund entity as the documentation shows it, with our notes.
fn entity(id: &str, status: &str) -> Value {
    json!({
        "id": id, "entity": "refund", "amount": 59_900, "currency": "INR", "payment_id": "pay_29QQ", "receipt": null,
        "notes": {"ecomres_refund": reference(TRANSACTION), "ecomres_attempt": "1"}, "acquirer_data": {"arn": null},
        "created_at": 1_597_078_866, "batch_id": null, "status": status, "speed_processed": "normal", "speed_requested": "normal",
    })
}

#[tokio::test]
async fn a_refund_is_asked_for_under_its_key() {
    let server = MockServer::start().await;
    let key = idempotency_key(TRANSACTION, 1);
    Mock::given(method("POST"))
        .and(path("/v1/payments/pay_29QQ/refund"))
        // rzp_test_1:s3cret
        .and(header("authorization", "Basic cnpwX3Rlc3RfMTpzM2NyZXQ="))
        .and(header("x-refund-idempotency", key.as_str()))
        .and(body_partial_json(json!({"amount": 59_900, "speed": "normal", "receipt": key})))
        .respond_with(ResponseTemplate::new(200).set_body_json(entity("rfnd_1", "processed")))
        .expect(1)
        .mount(&server)
        .await;
    assert_eq!(razorpay(&server).send(&payout()).await, Sent::Has(Report::Paid { id: Some("rfnd_1".to_owned()) }));
    assert!(key.len() >= 10 && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_'));
}

#[tokio::test]
async fn every_answer_is_what_it_says_and_no_more() {
    let error = |text: &str| json!({"error": {"code": "BAD_REQUEST_ERROR", "description": text}});
    let again = "Different request with the same idempotency key has already been processed.";
    for (code, body, expected) in [
        (200, entity("rfnd_1", "pending"), "pending"),
        (200, entity("rfnd_1", "failed"), "failed"),
        (200, json!({"entity": "refund"}), "unknown"),
        (400, error("The payment has been fully refunded already"), "refused"),
        (400, error(again), "unknown"),
        (400, json!([]), "unknown"),
        (401, error("Authentication failed"), "turned away"),
        (429, error("Too many requests"), "turned away"),
        (409, error("in progress"), "unknown"),
        (500, error("server error"), "unknown"),
        (504, json!(null), "unknown"),
    ] {
        let server = MockServer::start().await;
        Mock::given(method("POST")).respond_with(ResponseTemplate::new(code).set_body_json(&body)).mount(&server).await;
        let sent = match razorpay(&server).send(&payout()).await {
            Sent::Has(Report::Pending { .. }) => "pending",
            Sent::Has(Report::Paid { .. }) => "paid",
            Sent::Has(Report::Failed { .. }) => "failed",
            Sent::Refused { .. } => "refused",
            Sent::TurnedAway { .. } => "turned away",
            Sent::Unknown { .. } => "unknown",
        };
        assert_eq!(sent, expected, "{code} {body}");
    }
}

#[tokio::test]
async fn a_refund_is_found_by_its_notes_on_any_page() {
    let server = MockServer::start().await;
    let mut other = entity("rfnd_9", "processed");
    other["notes"] = json!([]);
    let page = |items: Vec<Value>| {
        ResponseTemplate::new(200).set_body_json(json!({"entity": "collection", "count": items.len(), "items": items}))
    };
    Mock::given(path("/v1/payments/pay_29QQ/refunds"))
        .and(query_param("skip", "100"))
        .respond_with(page(vec![entity("rfnd_1", "processed")]))
        .with_priority(1)
        .mount(&server)
        .await;
    Mock::given(path("/v1/payments/pay_29QQ/refunds"))
        .respond_with(page(vec![other.clone(); 100]))
        .mount(&server)
        .await;
    assert_eq!(razorpay(&server).look_up(&payout()).await, Found::Has(Report::Paid { id: Some("rfnd_1".to_owned()) }));
    server.reset().await;
    Mock::given(method("GET")).respond_with(page(vec![other])).mount(&server).await;
    assert_eq!(razorpay(&server).look_up(&payout()).await, Found::Nothing);
    server.reset().await;
    assert!(matches!(razorpay(&server).look_up(&payout()).await, Found::Unknown { .. }), "404 is not an empty list");
}

#[tokio::test]
async fn keys_are_checked_without_moving_money() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path("/v1/payments"))
        .and(query_param("count", "1"))
        .respond_with(
            ResponseTemplate::new(200).set_body_json(json!({"entity": "collection", "count": 0, "items": []})),
        )
        .mount(&server)
        .await;
    assert_eq!(razorpay(&server).check().await.unwrap(), "the key rzp_test_1 is accepted (test mode)");
    server.reset().await;
    let error = json!({"error": {"code": "BAD_REQUEST_ERROR", "description": "Authentication failed"}});
    Mock::given(method("GET")).respond_with(ResponseTemplate::new(401).set_body_json(error)).mount(&server).await;
    let said = razorpay(&server).check().await.unwrap_err();
    assert_eq!(said, "Authentication failed (HTTP 401)");
}
