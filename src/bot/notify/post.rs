//! Posts alerts as JSON to an address of the shop.
//!
//! Errors never show the address: such addresses are often secret themselves.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::{AlertSink, NotifyError};
use crate::domain::alert::Alert;
use crate::domain::media::MediaFile;
use crate::net;

/// How long connecting, and the whole request, may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Posts alerts as JSON.
pub struct WebhookSink {
    http: reqwest::Client,
    url: String,
}

impl WebhookSink {
    /// Posts to an address.
    ///
    /// # Errors
    /// When the address is no URL with `http` or `https`.
    pub fn new(url: &str) -> Result<Self, NotifyError> {
        let failed = |reason: String| NotifyError {
            what: "alerts cannot be posted",
            reason,
            hint: "write [alerts] webhook_url as https://HOST/PATH, or leave it empty",
        };
        let parsed = reqwest::Url::parse(url).map_err(|error| failed(error.to_string()))?;
        if !matches!(parsed.scheme(), "http" | "https") {
            return Err(failed(format!("the address begins with “{}:”", parsed.scheme())));
        }
        let http = net::client(REQUEST_TIMEOUT, Some(REQUEST_TIMEOUT)).map_err(|error| failed(error.to_string()))?;
        Ok(Self { http, url: url.to_owned() })
    }
}

#[async_trait]
impl AlertSink for WebhookSink {
    fn name(&self) -> &'static str {
        "post"
    }

    async fn notify(&self, alert: &Alert, files: &[MediaFile]) -> Result<(), String> {
        let id = alert.id.as_str();
        let request = self.http.post(&self.url).header("idempotency-key", id).json(&notification(alert, files));
        let answer = request.send().await.map_err(|error| error.without_url().to_string())?;
        if answer.status().is_success() { Ok(()) } else { Err(format!("HTTP {}", answer.status().as_u16())) }
    }
}

fn notification(alert: &Alert, files: &[MediaFile]) -> Value {
    // The dashboard hands the contents out, to whoever is logged in.
    let file = |file: &MediaFile| json!({"id": file.id, "kind": file.kind, "at": file.at, "path": file.path()});
    json!({
        "event": "alert.raised",
        "alert_id": alert.id,
        "user_id": alert.user_id,
        "reason": alert.reason,
        "last_message": alert.last_message,
        "priority": alert.priority,
        "status": alert.status,
        "created_at": alert.created_at,
        "media": files.iter().map(file).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use wiremock::matchers::{body_partial_json, header};
    use wiremock::{Mock, MockServer, ResponseTemplate};

    use super::*;

    #[test]
    fn what_the_customer_sent_is_named_and_not_told() {
        let photo = super::super::mail::tests::file(crate::domain::inbound::Media::Image, "wamid.1");
        let told = notification(&super::super::mail::tests::alert(), std::slice::from_ref(&photo));
        assert_eq!(told["media"][0]["kind"], "image");
        assert_eq!(told["media"][0]["path"], format!("/media/{}", photo.id.as_str()));
        assert_eq!(told["media"][0].as_object().unwrap().len(), 4);
    }

    #[tokio::test]
    async fn an_alert_is_posted_with_its_identifier() {
        let server = MockServer::start().await;
        Mock::given(header("idempotency-key", "ALERT_1"))
            .and(body_partial_json(json!({"alert_id": "ALERT_1", "priority": "high", "event": "alert.raised"})))
            .respond_with(ResponseTemplate::new(204))
            .mount(&server)
            .await;
        let alert = super::super::mail::tests::alert();
        WebhookSink::new(&server.uri()).unwrap().notify(&alert, &[]).await.unwrap();
        let elsewhere = Alert { id: crate::domain::ids::AlertId::new("ALERT_2"), ..alert };
        assert_eq!(WebhookSink::new(&server.uri()).unwrap().notify(&elsewhere, &[]).await, Err("HTTP 404".to_owned()));
        for wrong in ["no address", "ftp://host/", ""] {
            assert!(WebhookSink::new(wrong).is_err(), "{wrong}");
        }
    }
}
