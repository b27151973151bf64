//! The channel against a stand-in for the Graph API.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::channels::{Channel, SendError, Verdict};
use crate::domain::ids::{MessageId, UserId};
use crate::domain::outgoing::{Answered, Outgoing};

const SENT: &str = "2026-06-01T10:00:00Z";

fn settings(url: &str, template: Option<&str>) -> Settings {
    Settings {
        base_url: format!("{url}/"),
        version: "v25.0".into(),
        phone_id: "42".into(),
        token: "secret-token".to_owned().into(),
        template: template.map(|name| Template { name: name.into(), language: "en".into() }),
        limits: Limits::default(),
    }
}

fn channel(url: &str, template: Option<&str>, hours: i64) -> WhatsApp {
    let now: Timestamp = SENT.parse().unwrap();
    let now = now + SignedDuration::from_hours(hours);
    WhatsApp::new(settings(url, template), Arc::new(move || now)).unwrap()
}

fn message() -> Outgoing {
    let now = SENT.parse().unwrap();
    let answers = Answered { message: MessageId::new("wamid.in"), at: now, quote: false };
    Outgoing { answers: Some(answers), ..Outgoing::text(UserId::new("919876543210"), 3, 0, "hello\nthere", now) }
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

async fn heard(server: &MockServer) -> Vec<Value> {
    server.received_requests().await.unwrap().iter().map(|request| request.body_json().unwrap()).collect()
}

#[tokio::test]
async fn a_text_is_sent_and_named() {
    let server = server(taken()).await;
    let sent = channel(&server.uri(), None, 1).send(&message()).await.unwrap();
    assert_eq!(sent.0, "wamid.out");
    let heard = heard(&server).await;
    assert_eq!((&heard[0]["text"]["body"], &heard[0]["to"]), (&json!("hello\nthere"), &json!("919876543210")));
    assert_eq!(heard[0]["biz_opaque_callback_data"], "ecomres:3:0:919876543210");
}

async fn refusal(status: u16, code: i64, retry_after: Option<&str>) -> SendError {
    let error = json!({"error": {"message": "(#1) no", "type": "OAuthException", "code": code, "error_data": {"details": "why not"}}});
    let mut answer = ResponseTemplate::new(status).set_body_json(error);
    if let Some(seconds) = retry_after {
        answer = answer.insert_header("retry-after", seconds);
    }
    let server = server(answer).await;
    channel(&server.uri(), None, 1).send(&message()).await.unwrap_err()
}

#[tokio::test]
async fn errors_mean_what_their_numbers_say() {
    let error = refusal(429, 130_429, Some("17")).await;
    assert_eq!((error.verdict, error.retry_after), (Verdict::Again, Some(Duration::from_secs(17))));
    assert_eq!(error.reason, "why not (130429, HTTP 429)");
    assert_eq!(refusal(500, 131_000, None).await.retry_after, None);
    assert_eq!(refusal(400, 131_056, None).await.retry_after, Some(Duration::from_secs(6)), "the limit of a pair");
    let slow = refusal(400, 131_048, None).await;
    assert_eq!((slow.verdict, slow.retry_after), (Verdict::Again, Some(Duration::from_secs(60))));
    for code in [131_026, 131_047, 131_049, 368, 132_001, 100] {
        assert_eq!(refusal(400, code, None).await.verdict, Verdict::GiveUp, "{code}");
    }
}

#[tokio::test]
async fn what_cannot_be_reached_is_tried_again() {
    let server = server(ResponseTemplate::new(502).set_body_string("<html>bad gateway")).await;
    let error = channel(&server.uri(), None, 1).send(&message()).await.unwrap_err();
    assert_eq!((error.verdict, error.reason.as_str()), (Verdict::Again, "no reason given (HTTP 502)"));
    let gone = channel("http://127.0.0.1:9", None, 1).send(&message()).await.unwrap_err();
    assert_eq!(gone.verdict, Verdict::Again);
    assert!(!gone.reason.contains("42") && !gone.reason.contains("secret"), "{}", gone.reason);
    assert!(WhatsApp::new(settings("no address", None), Arc::new(Timestamp::now)).is_err());
}

#[tokio::test]
async fn token_trouble_pauses_everything_until_it_is_accepted_again() {
    let server = MockServer::start().await;
    let expired =
        ResponseTemplate::new(401).set_body_json(json!({"error": {"message": "Session has expired", "code": 190}}));
    Mock::given(method("POST")).respond_with(expired).up_to_n_times(1).mount(&server).await;
    Mock::given(method("POST")).respond_with(taken()).mount(&server).await;
    let mut channel = channel(&server.uri(), None, 1);
    channel.pause = Duration::from_millis(300);
    assert_eq!(channel.trouble(), None);
    assert_eq!(channel.send(&message()).await.unwrap_err().verdict, Verdict::Paused);
    assert!(channel.trouble().unwrap().contains("Session has expired"));
    let held_back = channel.send(&message()).await.unwrap_err();
    assert!(held_back.verdict == Verdict::Paused && held_back.retry_after.is_some());
    channel.working_on(&UserId::new("91"), &MessageId::new("m")).await;
    assert_eq!(heard(&server).await.len(), 1, "nothing else was tried");
    tokio::time::sleep(Duration::from_millis(350)).await;
    channel.send(&message()).await.unwrap();
    assert_eq!(channel.trouble(), None);
}

#[tokio::test]
async fn outside_the_window_only_a_template_leaves() {
    let server = server(taken()).await;
    let error = channel(&server.uri(), None, 24).send(&message()).await.unwrap_err();
    assert_eq!(error.verdict, Verdict::GiveUp);
    assert!(error.reason.contains("no template"), "{error}");
    assert!(heard(&server).await.is_empty());
    channel(&server.uri(), Some("reply_waiting"), 23).send(&message()).await.unwrap();
    channel(&server.uri(), Some("reply_waiting"), 24).send(&message()).await.unwrap();
    let heard = heard(&server).await;
    assert_eq!((&heard[0]["type"], &heard[1]["type"]), (&json!("text"), &json!("template")));
    assert_eq!(heard[1]["template"]["components"][0]["parameters"][0]["text"], "hello there", "one line");
}

#[tokio::test]
async fn work_is_shown_as_read_and_being_written() {
    let server = server(ResponseTemplate::new(200).set_body_json(json!({"success": true}))).await;
    channel(&server.uri(), None, 1).working_on(&UserId::new("91"), &MessageId::new("wamid.in")).await;
    assert_eq!(
        heard(&server).await,
        [
            json!({"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.in", "typing_indicator": {"type": "text"}})
        ]
    );
}
