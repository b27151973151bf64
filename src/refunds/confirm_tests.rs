use axum::http::Method;
use serde_json::Value;
use standardwebhooks::{HEADER_WEBHOOK_ID, HEADER_WEBHOOK_TIMESTAMP};
use tower::ServiceExt as _;

use super::*;
use crate::domain::caller::Caller;
use crate::domain::ids::OrderId;
use crate::support::{Context, PayOutcome};
use crate::testing::Shop;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

struct Desk {
    shop: Shop,
    routes: Router,
}

impl Desk {
    async fn open() -> Self {
        let shop = Shop::with(|config| config.refund.provider = "webhook".to_owned()).await;
        let now = shop.now;
        let clock: super::super::job::Clock = Arc::new(move || now);
        let confirmations = Confirmations::new(Arc::clone(&shop.store), &SecretString::from(SECRET), clock).unwrap();
        Self { shop, routes: routes(confirmations) }
    }

    async fn request(&self, order: u32) -> Refund {
        let operator = Context { caller: Caller::Operator { name: "x".into() }, now: self.shop.now };
        let id = OrderId::new(&format!("ORD{order:06}"));
        match self.shop.support().pay(&operator, (&id, &[]), None, "").await.unwrap() {
            PayOutcome::Paid(recorded) => recorded.refund,
            other => panic!("{other:?}"),
        }
    }

    async fn post(
        &self,
        transaction: &str,
        body: &Value,
        sign: impl Fn(&str) -> Option<String>,
    ) -> (StatusCode, Value) {
        let text = body.to_string();
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(format!("/refunds/{transaction}"))
            .header(HEADER_WEBHOOK_ID, "msg_1")
            .header(HEADER_WEBHOOK_TIMESTAMP, Timestamp::now().as_second());
        if let Some(signature) = sign(&text) {
            request = request.header(HEADER_WEBHOOK_SIGNATURE, signature);
        }
        let response = self.routes.clone().oneshot(request.body(Body::from(text)).unwrap()).await.unwrap();
        let status = response.status();
        let bytes = axum::body::to_bytes(response.into_body(), 9_999).await.unwrap();
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }
}

#[expect(clippy::unnecessary_wraps, reason = "what it is compared with or passed as is optional")]
fn signed(text: &str) -> Option<String> {
    let signer = Webhook::new(SECRET).unwrap();
    Some(signer.sign("msg_1", Timestamp::now().as_second(), text.as_bytes()).unwrap())
}

#[tokio::test]
async fn a_signed_confirmation_settles_its_refund_once() {
    let desk = Desk::open().await;
    let (paid, failed) = (desk.request(3).await, desk.request(4).await);
    let (id, other) = (paid.transaction_id.as_str(), failed.transaction_id.as_str());
    let body = json!({"id": id, "status": "paid", "reference": "utr-4711"});
    assert_eq!(desk.post(id, &body, |_| None).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(desk.post(id, &body, |_| signed("another body")).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(desk.post(other, &body, signed).await.0, StatusCode::BAD_REQUEST, "it is a confirmation of another one");
    assert_eq!(desk.shop.store.refund(id).await.unwrap().unwrap().state(), RefundState::Requested);
    for _ in 0..2 {
        let (status, said) = desk.post(id, &body, signed).await;
        assert_eq!((status, said["state"].as_str()), (StatusCode::OK, Some("paid")));
    }
    let stored = desk.shop.store.refund(id).await.unwrap().unwrap();
    assert_eq!(stored.progress.provider_id.as_deref(), Some("utr-4711"));
    let body = json!({"id": id, "status": "failed", "reason": "x"});
    assert_eq!(desk.post(id, &body, signed).await.0, StatusCode::CONFLICT, "it was paid");
    let body = json!({"id": other, "status": "failed", "reason": "the account is closed"});
    assert_eq!(desk.post(other, &body, signed).await.0, StatusCode::OK);
    let stored = desk.shop.store.refund(other).await.unwrap().unwrap();
    assert_eq!(stored.progress.reason.as_deref(), Some("the account is closed"));
    let (status, said) = desk.post(other, &json!({"id": other, "status": "sent"}), signed).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(said["error"].as_str().unwrap().contains("must be paid or failed"));
    let unknown = json!({"id": "RFND_X", "status": "paid"});
    assert_eq!(desk.post("RFND_X", &unknown, signed).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_confirmation_is_about_its_attempt() {
    let desk = Desk::open().await;
    let id = desk.request(3).await.transaction_id;
    let store = desk.shop.store.as_ref();
    let state = async || store.refund(&id).await.unwrap().unwrap().state();
    let say = async |attempt: Option<u32>, status: &str| {
        let mut body = json!({"id": id, "status": status});
        if let Some(attempt) = attempt {
            body["attempt"] = attempt.into();
        }
        desk.post(&id, &body, signed).await
    };
    assert_eq!(say(Some(1), "failed").await.0, StatusCode::OK);
    let failed = store.refund(&id).await.unwrap().unwrap();
    change(store, "operator:x", &failed, Change::Again, desk.shop.now).await.unwrap();
    // The first confirmation comes again, while the second attempt may be paid.
    let (status, said) = say(Some(1), "failed").await;
    assert_eq!((status, said["state"].as_str()), (StatusCode::OK, Some("requested")));
    assert_eq!(say(None, "failed").await.0, StatusCode::BAD_REQUEST, "it may be the first one");
    assert_eq!(say(Some(3), "paid").await.0, StatusCode::BAD_REQUEST);
    assert_eq!((state().await, store.alerts(9).await.unwrap().len()), (RefundState::Requested, 0));
    assert_eq!(say(Some(2), "failed").await.0, StatusCode::OK);
    assert_eq!(state().await, RefundState::Failed);
    // What is paid after all is somebody's business, once.
    for _ in 0..2 {
        assert_eq!(say(Some(2), "paid").await.0, StatusCode::CONFLICT);
    }
    let alerts = store.alerts(9).await.unwrap();
    assert_eq!((alerts.len(), alerts[0].reason.matches("says that it was paid").count()), (1, 1), "{alerts:?}");
    let failed = store.refund(&id).await.unwrap().unwrap();
    change(store, "operator:x", &failed, Change::Again, desk.shop.now).await.unwrap();
    assert_eq!(say(Some(1), "paid").await.0, StatusCode::OK, "the first attempt was paid after all");
    assert_eq!(state().await, RefundState::Paid);
}
