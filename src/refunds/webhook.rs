//! Refunds through the shop's own program: it is told by a signed request (Standard Webhooks,
//! <https://github.com/standard-webhooks/standard-webhooks>), and calls back when it has paid or will not.
//!
//! The identifier of the request, `webhook-id`, is the idempotency key: a request that comes again with the same one is the same
//! refund. So it is sent until the program says that it has it, and the program has to recognise it.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use standardwebhooks::{HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP, Webhook};

use super::answers::{Answer, ask, client, said};
use super::{Found, Payout, RefundProvider, Report, Sent};
use crate::domain::refund::ProviderKind;

/// The shortest secret, in bytes, as the standard recommends.
const SHORTEST_SECRET: usize = 24;
/// How long `doctor` waits for a connection.
const CHECK: Duration = Duration::from_secs(5);

/// The shop's own program.
pub struct RefundWebhook {
    http: reqwest::Client,
    url: Url,
    signer: Webhook,
}

/// What signs, and checks what is signed, with a secret of the settings.
pub(super) fn signer(secret: &SecretString) -> Result<Webhook, String> {
    let secret = secret.expose_secret().trim();
    let whole = secret.strip_prefix("whsec_").unwrap_or(secret);
    // Base64 holds six bits a letter.
    if whole.trim_end_matches('=').len() * 6 / 8 < SHORTEST_SECRET {
        return Err(format!("it holds fewer than {SHORTEST_SECRET} bytes"));
    }
    Webhook::new(secret).map_err(|_| "it is not base64".to_owned())
}

impl RefundWebhook {
    /// The program at an address, with the secret that both sides know.
    ///
    /// # Errors
    /// What is wrong with address or secret, in words.
    pub fn new(url: &str, secret: &SecretString) -> Result<Self, String> {
        let parsed = Url::parse(url.trim()).map_err(|error| format!("[refund.webhook] url: {error}"))?;
        if !matches!(parsed.scheme(), "http" | "https") {
            return Err(format!("[refund.webhook] url begins with “{}:”", parsed.scheme()));
        }
        let signer = signer(secret).map_err(|why| format!("[refund.webhook] secret: {why}"))?;
        Ok(Self { http: client().map_err(|error| error.to_string())?, url: parsed, signer })
    }
}

/// What is posted.
fn body(payout: &Payout, now: Timestamp) -> Value {
    let refund = &payout.refund;
    json!({
        "type": "refund.requested",
        "timestamp": now.to_string(),
        "data": {
            "id": refund.transaction_id,
            "attempt": refund.progress.attempt,
            "order_id": refund.order_id,
            "amount": refund.amount.to_json(refund.currency),
            "amount_minor": payout.units,
            "currency": refund.currency,
            "payment_id": refund.route.payment_id,
            "reason": refund.reason,
            "requested_at": refund.at.to_string(),
            "confirm": confirm_path(&refund.transaction_id),
        },
    })
}

/// Where a refund is confirmed: an order's id may hold `#`, `/` or anything else that ends a path.
fn confirm_path(transaction: &str) -> String {
    let encoded: String = form_urlencoded::byte_serialize(transaction.as_bytes()).collect();
    format!("/refunds/{}", encoded.replace('+', "%20"))
}

#[async_trait]
impl RefundProvider for RefundWebhook {
    fn kind(&self) -> ProviderKind {
        ProviderKind::Webhook
    }

    async fn send(&self, payout: &Payout) -> Sent {
        let now = Timestamp::now();
        let (id, text) = (payout.refund.idempotency_key(), body(payout, now).to_string());
        let signature = match self.signer.sign(&id, now.as_second(), text.as_bytes()) {
            Ok(signature) => signature,
            Err(error) => return Sent::TurnedAway { reason: error.to_string() },
        };
        let request = self.http.post(self.url.clone()).body(text).header("content-type", "application/json");
        let request = request
            .header(HEADER_WEBHOOK_ID, id)
            .header(HEADER_WEBHOOK_TIMESTAMP, now.as_second())
            .header(HEADER_WEBHOOK_SIGNATURE, signature);
        match ask(request).await {
            Answer::Came(status, _) if status.is_success() => Sent::Has(Report::Pending { id: None }),
            // Whatever else it says, it may have it already: it is told again, under the same identifier.
            Answer::Came(status, _) => Sent::Unknown { reason: said(status, None) },
            Answer::NotSent(reason) => Sent::TurnedAway { reason },
            Answer::Lost(reason) => Sent::Unknown { reason },
        }
    }

    async fn look_up(&self, _: &Payout) -> Found {
        Found::CannotBeAsked
    }

    async fn check(&self) -> Result<String, String> {
        let host = self.url.host_str().unwrap_or_default();
        let port = self.url.port_or_known_default().unwrap_or(443);
        let connected = tokio::time::timeout(CHECK, tokio::net::TcpStream::connect((host, port))).await;
        match connected {
            Ok(Ok(_)) => Ok(format!("{host} can be reached; nothing was posted")),
            Ok(Err(error)) => Err(format!("{host} cannot be reached: {error}")),
            Err(_) => Err(format!("{host} did not answer for {} s", CHECK.as_secs())),
        }
    }
}

#[cfg(test)]
#[path = "webhook_tests.rs"]
mod tests;
