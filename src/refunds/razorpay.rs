//! Refunds through Razorpay, by its published API: <https://razorpay.com/docs/api/refunds/>.
//!
//! Every refund carries our reference in its notes, so that it is found again whatever became of the answer.

use async_trait::async_trait;
use reqwest::{RequestBuilder, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use super::answers::{Answer, ask, base, client, said, text, with_query};
use super::{Found, Payout, RefundProvider, Report, Sent};
use crate::domain::refund::{ProviderKind, Refund, reference};
use crate::net::NetError;

/// Refunds of one answer, the most that Razorpay gives.
const PAGE: usize = 100;
/// Pages that are read: a payment has few refunds.
const MOST_PAGES: usize = 10;
/// The notes by which a refund is recognised as ours, and by which its attempt is.
const REFERENCE: &str = "ecomres_refund";
const ATTEMPT: &str = "ecomres_attempt";

/// Razorpay, with the shop's keys.
pub struct Razorpay {
    http: reqwest::Client,
    url: String,
    key_id: String,
    key_secret: SecretString,
}

impl Razorpay {
    /// Razorpay at an address, `https://api.razorpay.com`, with a key.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn new(url: &str, key_id: &str, key_secret: SecretString) -> Result<Self, NetError> {
        Ok(Self { http: client()?, url: base(url), key_id: key_id.trim().to_owned(), key_secret })
    }

    fn signed(&self, request: RequestBuilder) -> RequestBuilder {
        request.basic_auth(&self.key_id, Some(self.key_secret.expose_secret().trim()))
    }
}

fn read(answer: Answer) -> Result<Value, String> {
    match answer {
        Answer::Came(StatusCode::OK, value) if value.is_object() => Ok(value),
        Answer::Came(status, value) => Err(said(status, value["error"]["description"].as_str())),
        Answer::NotSent(reason) | Answer::Lost(reason) => Err(reason),
    }
}

/// What a refund entity says (<https://razorpay.com/docs/api/refunds/entity>, `status`).
fn report(value: &Value) -> Option<Report> {
    let id = text(value, "id");
    Some(match value["status"].as_str()? {
        "pending" => Report::Pending { id },
        "processed" => Report::Paid { id },
        "failed" => Report::Failed { id, reason: "Razorpay could not pay it".to_owned() },
        _ => return None,
    })
}

/// As at Stripe: one that was paid or is under way counts, whichever attempt made it.
fn ours(refund: &Refund, listed: &[Value]) -> Option<Report> {
    let reference = reference(&refund.transaction_id);
    let attempt = refund.progress.attempt.to_string();
    let mut best = None;
    for value in listed.iter().filter(|value| value["notes"][REFERENCE] == reference.as_str()) {
        match report(value) {
            Some(Report::Paid { id }) => return Some(Report::Paid { id }),
            Some(pending @ Report::Pending { .. }) => best = Some(pending),
            Some(failed) if value["notes"][ATTEMPT] == attempt.as_str() => best = best.or(Some(failed)),
            _ => {}
        }
    }
    best
}

#[async_trait]
impl RefundProvider for Razorpay {
    fn kind(&self) -> ProviderKind {
        ProviderKind::Razorpay
    }

    async fn send(&self, payout: &Payout) -> Sent {
        let refund = &payout.refund;
        let Some(payment) = refund.route.payment_id.as_deref() else {
            return Sent::Refused { reason: "the order has no payment".to_owned() };
        };
        let body = json!({
            "amount": payout.units,
            "speed": "normal",
            "receipt": refund.idempotency_key(),
            "notes": {
                REFERENCE: reference(&refund.transaction_id),
                ATTEMPT: refund.progress.attempt.to_string(),
                "transaction_id": refund.transaction_id,
                "order_id": refund.order_id,
            },
        });
        let request = self.signed(self.http.post(format!("{}/v1/payments/{payment}/refund", self.url)));
        match ask(request.header("X-Refund-Idempotency", refund.idempotency_key()).json(&body)).await {
            Answer::NotSent(reason) => Sent::TurnedAway { reason },
            Answer::Lost(reason) => Sent::Unknown { reason },
            Answer::Came(status, value) => {
                let description = value["error"]["description"].as_str();
                let why = said(status, description);
                match status.as_u16() {
                    200..=299 => report(&value).map_or_else(|| Sent::Unknown { reason: why }, Sent::Has),
                    401 | 403 | 429 => Sent::TurnedAway { reason: why },
                    // A prior request with this key is still being processed
                    // (<https://razorpay.com/docs/api/refunds/normal-refunds-idempotent>), or one with another body was.
                    409 => Sent::Unknown { reason: why },
                    400..=499 if description.is_some_and(|text| text.contains("idempotency")) => {
                        Sent::Unknown { reason: why }
                    }
                    400..=499 if value["error"].is_object() => Sent::Refused { reason: why },
                    _ => Sent::Unknown { reason: why },
                }
            }
        }
    }

    async fn look_up(&self, payout: &Payout) -> Found {
        let refund = &payout.refund;
        let Some(payment) = refund.route.payment_id.as_deref() else { return Found::Nothing };
        let refunds = format!("{}/v1/payments/{payment}/refunds", self.url);
        if let Some(id) = &refund.progress.provider_id {
            return match read(ask(self.signed(self.http.get(format!("{refunds}/{id}")))).await) {
                Ok(value) => report(&value)
                    .map_or_else(|| Found::Unknown { reason: "the refund has no status".to_owned() }, Found::Has),
                Err(reason) => Found::Unknown { reason },
            };
        }
        let mut listed: Vec<Value> = Vec::new();
        for page in 0..MOST_PAGES {
            let (count, skip) = (PAGE.to_string(), (page * PAGE).to_string());
            let request = self.http.get(with_query(&refunds, &[("count", &count), ("skip", &skip)]));
            let value = match read(ask(self.signed(request)).await) {
                Ok(value) => value,
                Err(reason) => return Found::Unknown { reason },
            };
            let Some(items) = value["items"].as_array() else {
                return Found::Unknown { reason: "the list of refunds cannot be read".to_owned() };
            };
            listed.extend(items.iter().cloned());
            if items.len() < PAGE {
                return ours(refund, &listed).map_or(Found::Nothing, Found::Has);
            }
        }
        ours(refund, &listed)
            .map_or_else(|| Found::Unknown { reason: "the payment has too many refunds".to_owned() }, Found::Has)
    }

    async fn check(&self) -> Result<String, String> {
        let list = self.http.get(with_query(&format!("{}/v1/payments", self.url), &[("count", "1")]));
        read(ask(self.signed(list)).await)?;
        let mode = if self.key_id.contains("_live_") { "live" } else { "test" };
        Ok(format!("the key {} is accepted ({mode} mode)", self.key_id))
    }
}

#[cfg(test)]
#[path = "razorpay_tests.rs"]
mod tests;
