use wiremock::matchers::method;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::super::fixtures;
use super::*;
use crate::domain::refund::idempotency_key;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

#[tokio::test]
async fn the_shop_is_told_by_a_signed_request_with_the_same_identifier_each_time() {
    let server = MockServer::start().await;
    Mock::given(method("POST")).respond_with(ResponseTemplate::new(204)).mount(&server).await;
    let provider = RefundWebhook::new(&server.uri(), &SecretString::from(SECRET)).unwrap();
    let payout = fixtures::payout(ProviderKind::Webhook, "order 4711");
    for _ in 0..2 {
        assert_eq!(provider.send(&payout).await, Sent::Has(Report::Pending { id: None }));
    }
    let requests = server.received_requests().await.unwrap();
    let verifier = Webhook::new(SECRET).unwrap();
    for request in &requests {
        assert_eq!(request.headers[HEADER_WEBHOOK_ID], idempotency_key("RFND_20260601100000_ORD000003", 1).as_str());
        verifier.verify(&request.body, &request.headers).unwrap();
        let mut forged = request.body.clone();
        forged[10] ^= 1;
        assert!(verifier.verify(&forged, &request.headers).is_err());
        let said: Value = serde_json::from_slice(&request.body).unwrap();
        assert_eq!(said["data"]["amount_minor"], 59_900);
        assert_eq!(said["data"]["confirm"], "/refunds/RFND_20260601100000_ORD000003");
    }
    server.reset().await;
    Mock::given(method("POST")).respond_with(ResponseTemplate::new(400)).mount(&server).await;
    assert!(matches!(provider.send(&payout).await, Sent::Unknown { .. }), "only a call back says that it is not paid");
}

#[test]
fn the_address_of_a_confirmation_is_one_whatever_the_orders_id_is() {
    for (id, path) in [
        ("RFND_1_ORD000003", "/refunds/RFND_1_ORD000003"),
        ("RFND_1_#1005", "/refunds/RFND_1_%231005"),
        ("RFND_1_A/B C?D+E%", "/refunds/RFND_1_A%2FB%20C%3FD%2BE%25"),
        ("RFND_1_402-123", "/refunds/RFND_1_402-123"),
    ] {
        assert_eq!(confirm_path(id), path);
        assert_eq!(confirm_path(id).parse::<axum::http::Uri>().unwrap().path(), path, "nothing ends it");
    }
}

#[test]
fn weak_secrets_and_odd_addresses_are_refused_in_words() {
    let wrong = |url: &str, secret: &str| RefundWebhook::new(url, &SecretString::from(secret)).err().unwrap();
    assert!(wrong("ftp://shop.example", SECRET).contains("ftp:"));
    assert!(wrong("shop", SECRET).contains("url"));
    assert!(wrong("https://shop.example", "whsec_c2hvcnQ=").contains("fewer than 24 bytes"));
    assert!(wrong("https://shop.example", "whsec_%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%").contains("not base64"));
    assert!(RefundWebhook::new("https://shop.example/refunds", &SecretString::from(SECRET)).is_ok());
}
