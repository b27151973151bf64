//! The channel against a stand-in for the Graph API.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::channels::{Channel, Fault, SendError, SendErrorKind};
use crate::domain::ids::{MessageId, UserId};
use crate::domain::outgoing::{Answered, Body, Outgoing, Receipt, Status};
use crate::domain::sendable::{Contact, Sendable};

const SENT: &str = "2026-06-01T10:00:00Z";

fn settings(url: &str) -> Settings {
    Settings {
        base_url: format!("{url}/"),
        version: "v25.0".into(),
        phone_ids: vec!["42".into(), "43".into()],
        token: "secret-token".to_owned().into(),
        template: Some(Template { name: "reply_waiting".into(), language: "en".into() }),
        rate: RateLimits::default(),
    }
}

/// A channel whose first pause is this long.
fn pausing(url: &str, milliseconds: u64) -> WhatsApp {
    WhatsApp::with_pause(settings(url), Duration::from_millis(milliseconds)).unwrap()
}

fn channel(url: &str) -> WhatsApp {
    pausing(url, 60_000)
}

fn to(user: &str, number: Option<&str>) -> Sendable {
    let now: Timestamp = SENT.parse().unwrap();
    let number = number.map(str::to_owned);
    let answers = Answered { message: MessageId::new("wamid.in"), at: now, quote: false, lag: None, number };
    let message = Outgoing { answers: Some(answers), ..Outgoing::text(UserId::new(user), 3, 0, "hello\nthere", now) };
    let window = SignedDuration::from_hours(24);
    Sendable::new(&message, &Contact::default(), None, window, now).unwrap()
}

fn message() -> Sendable {
    to("919876543210", None)
}

fn taken() -> ResponseTemplate {
    ResponseTemplate::new(200)
        .set_body_json(json!({"messaging_product": "whatsapp", "messages": [{"id": "wamid.out"}]}))
}

async fn server(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    let posts = Mock::given(method("POST")).and(path("/v25.0/42/messages"));
    posts.and(header("authorization", "Bearer secret-token")).respond_with(answer).mount(&server).await;
    server
}

async fn requests(server: &MockServer) -> Vec<Value> {
    server.received_requests().await.unwrap().iter().map(|request| request.body_json().unwrap()).collect()
}

#[tokio::test]
async fn a_text_is_sent_and_named() {
    let server = server(taken()).await;
    let sent = channel(&server.uri()).send(&message()).await.unwrap();
    assert_eq!(sent.0, "wamid.out");
    let requests = requests(&server).await;
    assert_eq!((&requests[0]["text"]["body"], &requests[0]["to"]), (&json!("hello\nthere"), &json!("919876543210")));
    assert_eq!(requests[0]["biz_opaque_callback_data"], "ecomres:3:0:919876543210");
}

async fn refusal(status: u16, code: i64, retry_after: Option<&str>) -> SendError {
    let error = json!({"error": {"message": "(#1) no", "type": "OAuthException", "code": code, "error_data": {"details": "why not"}}});
    let mut answer = ResponseTemplate::new(status).set_body_json(error);
    if let Some(seconds) = retry_after {
        answer = answer.insert_header("retry-after", seconds);
    }
    let server = server(answer).await;
    channel(&server.uri()).send(&message()).await.unwrap_err()
}

#[tokio::test]
async fn errors_mean_what_their_numbers_say() {
    let error = refusal(429, 130_429, Some("17")).await;
    assert_eq!((error.kind, error.retry_after), (SendErrorKind::Transient, Some(Duration::from_secs(17))));
    assert_eq!(error.reason, "why not (130429, HTTP 429)");
    assert_eq!(refusal(500, 131_000, None).await.retry_after, None);
    assert_eq!(refusal(400, 131_056, None).await.retry_after, Some(Duration::from_secs(6)), "the limit of a pair");
    let slow = refusal(400, 131_048, None).await;
    assert_eq!((slow.kind, slow.retry_after), (SendErrorKind::Transient, Some(Duration::from_mins(1))));
    for code in [131_026, 131_047, 131_049, 132_001] {
        assert_eq!(refusal(400, code, None).await.kind, SendErrorKind::Permanent, "{code}");
    }
    for code in [1, 10, 100, 200, 368, 131_030, 131_042, 131_045, 133_010] {
        let error = refusal(400, code, None).await;
        assert!(error.kind == SendErrorKind::Paused && error.retry_after.is_some(), "{code}");
    }
}

#[tokio::test]
async fn what_cannot_be_reached_is_tried_again() {
    let server = server(ResponseTemplate::new(502).set_body_string("<html>bad gateway")).await;
    let error = channel(&server.uri()).send(&message()).await.unwrap_err();
    assert_eq!((error.kind, error.reason.as_str()), (SendErrorKind::Transient, "no reason given (HTTP 502)"));
    let gone = channel("http://127.0.0.1:9").send(&message()).await.unwrap_err();
    assert_eq!(gone.kind, SendErrorKind::Transient);
    assert!(!gone.reason.contains("42") && !gone.reason.contains("secret"), "{}", gone.reason);
    assert!(WhatsApp::new(settings("no address")).is_err());
}

#[tokio::test]
async fn a_refused_token_pauses_everything_until_it_is_accepted_again() {
    let server = MockServer::start().await;
    let expired =
        ResponseTemplate::new(401).set_body_json(json!({"error": {"message": "Session has expired", "code": 190}}));
    Mock::given(method("POST")).respond_with(expired).up_to_n_times(1).mount(&server).await;
    Mock::given(method("POST")).respond_with(taken()).mount(&server).await;
    let channel = pausing(&server.uri(), 300);
    assert_eq!(channel.unavailable_reason(), None);
    assert_eq!(channel.send(&message()).await.unwrap_err().kind, SendErrorKind::Paused);
    assert!(
        channel
            .unavailable_reason()
            .unwrap()
            .contains("42: sending is paused, the access token is not accepted: Session has expired")
    );
    assert!(channel.may_send(), "the other number may");
    let paused = channel.send(&message()).await.unwrap_err();
    assert!(paused.kind == SendErrorKind::Paused && paused.retry_after.is_some());
    channel.show_typing(&UserId::new("91"), &MessageId::new("m"), None).await;
    assert_eq!(requests(&server).await.len(), 1, "nothing else was tried");
    tokio::time::sleep(Duration::from_millis(350)).await;
    channel.send(&message()).await.unwrap();
    assert_eq!(channel.unavailable_reason(), None);
}

#[tokio::test]
async fn a_reply_leaves_from_the_number_that_was_written_to() {
    let server = MockServer::start().await;
    Mock::given(method("POST")).respond_with(taken()).mount(&server).await;
    let channel = channel(&server.uri());
    for number in [None, Some("43"), Some("42"), Some("gone")] {
        channel.send(&to("91", number)).await.unwrap();
    }
    let requests = server.received_requests().await.unwrap();
    let paths: Vec<_> = requests.iter().map(|request| request.url.path().to_owned()).collect();
    assert_eq!(paths, ["/v25.0/42/messages", "/v25.0/43/messages", "/v25.0/42/messages", "/v25.0/42/messages"]);
    assert!(WhatsApp::new(Settings { phone_ids: Vec::new(), ..settings(&server.uri()) }).is_err());
}

#[tokio::test]
async fn a_refused_trial_waits_longer_and_one_message_at_a_time_tries() {
    let server = MockServer::start().await;
    let billing = json!({"error": {"message": "Business eligibility payment issue", "code": 131_042}});
    let refused = ResponseTemplate::new(400).set_body_json(billing);
    Mock::given(method("POST")).respond_with(refused).up_to_n_times(2).mount(&server).await;
    Mock::given(method("POST")).respond_with(taken()).mount(&server).await;
    let channel = pausing(&server.uri(), 100);
    let kind = async || channel.send(&message()).await.map(drop).map_err(|error| error.kind);
    assert_eq!(kind().await, Err(SendErrorKind::Paused));
    tokio::time::sleep(Duration::from_millis(150)).await;
    let message = message();
    let (one, two) = tokio::join!(channel.send(&message), channel.send(&message));
    assert!(one.is_err() && two.is_err());
    assert_eq!(requests(&server).await.len(), 2, "one tried");
    tokio::time::sleep(Duration::from_millis(250)).await;
    assert_eq!(kind().await, Ok(()));
    assert_eq!((channel.unavailable_reason(), kind().await), (None, Ok(())));
}

#[tokio::test]
async fn a_failure_that_is_reported_later_pauses_where_it_is_the_set_ups() {
    let server = server(taken()).await;
    let channel = pausing(&server.uri(), 100);
    let status = |receipt, code, id: &str| Status {
        provider_id: id.to_owned(),
        identity: None,
        receipt,
        at: Some(SENT.parse().unwrap()),
        code,
        error: Some("why".to_owned()),
        again: false,
        number: Some("42".to_owned()),
    };
    for code in [None, Some(131_026), Some(131_049), Some(130_472), Some(131_030)] {
        assert_eq!(channel.note_status(&status(Receipt::Failed, code, "p")), Fault::Message, "{code:?}");
    }
    assert_eq!(channel.unavailable_reason(), None);
    assert_eq!(channel.note_status(&status(Receipt::Failed, Some(131_042), "p")), Fault::SetUp);
    assert_eq!(channel.send(&message()).await.unwrap_err().kind, SendErrorKind::Paused);
    tokio::time::sleep(Duration::from_millis(150)).await;
    channel.send(&message()).await.unwrap();
    assert!(channel.unavailable_reason().is_some(), "that it was accepted proves nothing");
    channel.note_status(&status(Receipt::Sent, None, "wamid.out"));
    assert_eq!(channel.unavailable_reason(), None);
}

#[tokio::test]
async fn work_is_shown_as_read_and_being_written() {
    let server = server(ResponseTemplate::new(200).set_body_json(json!({"success": true}))).await;
    channel(&server.uri()).show_typing(&UserId::new("91"), &MessageId::new("wamid.in"), None).await;
    assert_eq!(
        requests(&server).await,
        [
            json!({"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.in", "typing_indicator": {"type": "text"}})
        ]
    );
}

#[tokio::test]
async fn a_file_is_uploaded_before_the_message_that_names_it() {
    let server = MockServer::start().await;
    let uploaded = ResponseTemplate::new(200).set_body_json(json!({"id": "media-7"}));
    Mock::given(method("POST")).and(path("/v25.0/42/media")).respond_with(uploaded).expect(1).mount(&server).await;
    let sent = ResponseTemplate::new(200).set_body_json(json!({"messages": [{"id": "wamid.1"}]}));
    Mock::given(method("POST")).and(path("/v25.0/42/messages")).respond_with(sent).expect(1).mount(&server).await;
    let files: crate::channels::whatsapp::FileSource =
        std::sync::Arc::new(|digest: &str| Ok((digest == "there").then(|| b"%PDF-1.7".to_vec())));
    let file = |sha256: &str, user: &str| {
        let body = Body::File {
            sha256: sha256.to_owned(),
            mime: "application/pdf".to_owned(),
            name: "invoice.pdf".to_owned(),
            caption: "Your invoice".to_owned(),
        };
        let now = Timestamp::now();
        let message = Outgoing { body, ..Outgoing::text(UserId::new(user), 1, 0, "", now) };
        let heard = Some(crate::domain::sendable::Heard { at: now, number: None });
        let contact = crate::domain::sendable::Contact { heard, preference: None };
        Sendable::new(&message, &contact, None, LIMITS.free_text_window, now).unwrap()
    };
    let channel = channel(&server.uri()).with_files(Some(files));
    assert_eq!(channel.send(&file("there", "919876543210")).await.unwrap().0, "wamid.1");
    let requests = server.received_requests().await.unwrap();
    let form = String::from_utf8_lossy(&requests[0].body).into_owned();
    assert!(form.contains("filename=\"invoice.pdf\"") && form.contains("%PDF-1.7"), "{form}");
    let message: Value = serde_json::from_slice(&requests[1].body).unwrap();
    let expected = json!({"caption": "Your invoice", "filename": "invoice.pdf", "id": "media-7"});
    assert_eq!((message["type"].as_str(), &message["document"]), (Some("document"), &expected));
    let gone = channel.send(&file("gone", "919876543211")).await.unwrap_err();
    assert!(gone.kind == SendErrorKind::Permanent && gone.reason.contains("not there any more"), "{gone:?}");
}
