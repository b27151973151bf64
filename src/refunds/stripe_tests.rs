//! The fake is written from Stripe's documentation: <https://docs.stripe.com/api/refunds/object>,
//! <https://docs.stripe.com/api/refunds/create>, <https://docs.stripe.com/api/errors>.

use serde_json::json;
use wiremock::matchers::{body_string_contains, header, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::super::fixtures;
use super::*;
use crate::domain::refund::{Change, idempotency_key};

const TRANSACTION: &str = "RFND_20260601100000_ORD000003";

fn payout() -> Payout {
    fixtures::payout(ProviderKind::Stripe, "pi_3Mk1")
}

fn stripe(server: &MockServer) -> Stripe {
    Stripe::new(&format!("{}/", server.uri()), SecretString::from("sk_test_4711")).unwrap()
}

/// A refund object as the documentation shows it, with our metadata.
fn object(id: &str, status: &str, attempt: &str) -> Value {
    json!({
        "id": id, "object": "refund", "amount": 59_900, "balance_transaction": null, "charge": "ch_1", "created": 1_692_942_318,
        "currency": "inr", "payment_intent": "pi_3Mk1", "reason": "requested_by_customer", "receipt_number": null, "status": status,
        "metadata": {"ecomres_refund": reference(TRANSACTION), "ecomres_attempt": attempt},
    })
}

async fn posts(answer: ResponseTemplate) -> Sent {
    let server = MockServer::start().await;
    Mock::given(method("POST")).and(path("/v1/refunds")).respond_with(answer).mount(&server).await;
    stripe(&server).send(&payout()).await
}

#[tokio::test]
async fn a_refund_is_asked_for_under_its_key() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/v1/refunds"))
        .and(header("authorization", "Bearer sk_test_4711"))
        .and(header("idempotency-key", idempotency_key(TRANSACTION, 1).as_str()))
        .and(header("content-type", "application/x-www-form-urlencoded"))
        .and(body_string_contains("payment_intent=pi_3Mk1&amount=59900&reason=requested_by_customer"))
        .and(body_string_contains(format!("metadata%5Becomres_refund%5D={}", reference(TRANSACTION))))
        .respond_with(ResponseTemplate::new(200).set_body_json(object("re_1", "pending", "1")))
        .expect(1)
        .mount(&server)
        .await;
    let sent = stripe(&server).send(&payout()).await;
    assert_eq!(sent, Sent::Has(Report::Pending { id: Some("re_1".to_owned()) }));
    let charge = fixtures::payout(ProviderKind::Stripe, "ch_1");
    assert!(matches!(stripe(&server).send(&charge).await, Sent::Unknown { .. }), "a charge is another field");
}

#[tokio::test]
async fn every_answer_is_what_it_says_and_no_more() {
    let id = || Some("re_1".to_owned());
    for (status, report) in [
        ("pending", Report::Pending { id: id() }),
        ("requires_action", Report::Pending { id: id() }),
        ("succeeded", Report::Paid { id: id() }),
        ("failed", Report::Failed { id: id(), reason: "failed".to_owned() }),
        ("canceled", Report::Failed { id: id(), reason: "canceled".to_owned() }),
    ] {
        let answer = ResponseTemplate::new(200).set_body_json(object("re_1", status, "1"));
        assert_eq!(posts(answer).await, Sent::Has(report), "{status}");
    }
    let error = |kind: &str| json!({"error": {"type": kind, "message": "Charge ch_1 has already been refunded."}});
    let answer = |code, kind: &str| ResponseTemplate::new(code).set_body_json(error(kind));
    let refused = posts(answer(400, "invalid_request_error")).await;
    assert_eq!(refused, Sent::Refused { reason: "Charge ch_1 has already been refunded. (HTTP 400)".to_owned() });
    for code in [401, 403, 429] {
        assert!(matches!(posts(answer(code, "api_error")).await, Sent::TurnedAway { .. }), "{code}");
    }
    for (code, kind) in [(409, "idempotency_error"), (400, "idempotency_error"), (500, "api_error"), (503, "api_error")]
    {
        assert!(matches!(posts(answer(code, kind)).await, Sent::Unknown { .. }), "{code} {kind}");
    }
    for odd in ["", "[]", "{\"id\":\"re_1\"", "{\"status\":\"vanished\"}", "<html>"] {
        let answer = ResponseTemplate::new(200).set_body_string(odd);
        assert!(matches!(posts(answer).await, Sent::Unknown { .. }), "{odd}");
    }
    assert!(matches!(posts(ResponseTemplate::new(404).set_body_string("a proxy")).await, Sent::Unknown { .. }));
    let nowhere = Stripe::new("http://127.0.0.1:1", SecretString::from("sk_test_4711")).unwrap();
    assert!(matches!(nowhere.send(&payout()).await, Sent::TurnedAway { .. }), "nothing left");
}

async fn lists(data: Vec<Value>, payout: &Payout) -> Found {
    let server = MockServer::start().await;
    let page = json!({"object": "list", "url": "/v1/refunds", "has_more": false, "data": data});
    Mock::given(method("GET"))
        .and(path("/v1/refunds"))
        .and(query_param("payment_intent", "pi_3Mk1"))
        .respond_with(ResponseTemplate::new(200).set_body_json(page))
        .mount(&server)
        .await;
    stripe(&server).look_up(payout).await
}

#[tokio::test]
async fn a_refund_is_found_by_its_metadata_whichever_attempt_made_it() {
    let id = |id: &str| Some(id.to_owned());
    let mut others = object("re_9", "succeeded", "1");
    others["metadata"] = json!({});
    assert_eq!(lists(vec![others.clone()], &payout()).await, Found::Nothing, "somebody else's");
    let failed = object("re_1", "failed", "1");
    let found = lists(vec![others, failed.clone()], &payout()).await;
    assert_eq!(found, Found::Has(Report::Failed { id: id("re_1"), reason: "failed".to_owned() }));
    let mut again = payout();
    let at = again.refund.at;
    let lost = again.refund.progress.after(Change::Failed { id: None, reason: "x".to_owned() }, at).unwrap();
    again.refund.progress = lost.after(Change::Again, at).unwrap();
    assert_eq!(lists(vec![failed.clone()], &again).await, Found::Nothing, "the first attempt failed: a second may pay");
    let late = lists(vec![failed, object("re_2", "succeeded", "1")], &again).await;
    assert_eq!(late, Found::Has(Report::Paid { id: id("re_2") }), "the first attempt was paid after all");
}

#[tokio::test]
async fn all_pages_are_read_before_there_is_none() {
    let server = MockServer::start().await;
    let mut others = object("re_8", "succeeded", "1");
    others["metadata"] = json!({});
    let list = |more: bool, data: Vec<Value>| {
        ResponseTemplate::new(200).set_body_json(json!({"object": "list", "has_more": more, "data": data}))
    };
    Mock::given(query_param("starting_after", "re_8"))
        .respond_with(list(false, vec![object("re_1", "succeeded", "1")]))
        .with_priority(1)
        .mount(&server)
        .await;
    Mock::given(method("GET")).respond_with(list(true, vec![others])).mount(&server).await;
    let found = stripe(&server).look_up(&payout()).await;
    assert_eq!(found, Found::Has(Report::Paid { id: Some("re_1".to_owned()) }));
    server.reset().await;
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"data": {}})))
        .mount(&server)
        .await;
    assert!(matches!(stripe(&server).look_up(&payout()).await, Found::Unknown { .. }), "no list is not an empty one");
}

#[tokio::test]
async fn a_known_refund_is_asked_for_by_its_identifier() {
    let server = MockServer::start().await;
    Mock::given(path("/v1/refunds/re_1"))
        .respond_with(ResponseTemplate::new(200).set_body_json(object("re_1", "succeeded", "1")))
        .mount(&server)
        .await;
    let mut known = payout();
    let at = known.refund.at;
    known.refund.progress = known.refund.progress.after(Change::Accepted { id: Some("re_1".to_owned()) }, at).unwrap();
    assert_eq!(stripe(&server).look_up(&known).await, Found::Has(Report::Paid { id: Some("re_1".to_owned()) }));
}

#[tokio::test]
async fn keys_are_checked_without_moving_money() {
    let server = MockServer::start().await;
    let list = json!({"object": "list", "has_more": false, "data": []});
    Mock::given(method("GET"))
        .and(path("/v1/refunds"))
        .and(query_param("limit", "1"))
        .and(header("authorization", "Bearer sk_test_4711"))
        .respond_with(ResponseTemplate::new(200).set_body_json(list))
        .mount(&server)
        .await;
    assert!(stripe(&server).check().await.unwrap().contains("test mode"));
    let wrong = Stripe::new(&server.uri(), SecretString::from("sk_live_wrong")).unwrap();
    let said = wrong.check().await.unwrap_err();
    assert!(!said.contains("sk_live"), "{said}");
    assert!(server.received_requests().await.unwrap().iter().all(|request| request.method.as_str() == "GET"));
}
