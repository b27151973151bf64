//! Refunds through Stripe, by its published API: <https://docs.stripe.com/api/refunds>.
//!
//! Every refund carries our reference in its metadata, so that it is found again whatever became of the answer. Stripe also tells
//! of refunds by webhook (`refund.updated`); nothing here depends on that: they are asked for until they are settled.

use async_trait::async_trait;
use reqwest::{RequestBuilder, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use super::answers::{Answer, ask, base, client, form, said, text, with_query};
use super::{Found, Payout, RefundProvider, Report, Sent};
use crate::domain::refund::{ProviderKind, Refund, reference};
use crate::net::NetError;

/// Refunds of one answer, the most that Stripe gives (<https://docs.stripe.com/api/pagination>).
const PAGE: &str = "100";
/// Pages that are read: a payment has few refunds.
const MOST_PAGES: usize = 10;
/// The metadata by which a refund is recognised as ours, and by which its attempt is.
const REFERENCE: &str = "ecomres_refund";
const ATTEMPT: &str = "ecomres_attempt";

/// Stripe, with the shop's key.
pub struct Stripe {
    http: reqwest::Client,
    url: String,
    key: SecretString,
}

impl Stripe {
    /// Stripe at an address, `https://api.stripe.com`, with a secret or restricted key.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn new(url: &str, key: SecretString) -> Result<Self, NetError> {
        Ok(Self { http: client()?, url: base(url), key })
    }

    fn signed(&self, request: RequestBuilder) -> RequestBuilder {
        request.bearer_auth(self.key.expose_secret().trim())
    }

    /// A page of the refunds of a payment, the latest first.
    async fn page(&self, payment: &str, after: Option<&str>) -> Result<Value, String> {
        let mut query = vec![(payment_field(payment), payment), ("limit", PAGE)];
        query.extend(after.map(|id| ("starting_after", id)));
        let request = self.http.get(with_query(&format!("{}/v1/refunds", self.url), &query));
        read(ask(self.signed(request)).await)
    }
}

/// A payment is a payment intent or, in older integrations, a charge.
fn payment_field(payment: &str) -> &'static str {
    if payment.starts_with("pi_") { "payment_intent" } else { "charge" }
}

fn read(answer: Answer) -> Result<Value, String> {
    match answer {
        Answer::Came(StatusCode::OK, value) if value.is_object() => Ok(value),
        Answer::Came(status, value) => Err(said(status, value["error"]["message"].as_str())),
        Answer::NotSent(reason) | Answer::Lost(reason) => Err(reason),
    }
}

/// What a refund object says (<https://docs.stripe.com/api/refunds/object>, `status`).
fn report(value: &Value) -> Option<Report> {
    let id = text(value, "id");
    Some(match value["status"].as_str()? {
        "pending" | "requires_action" => Report::Pending { id },
        "succeeded" => Report::Paid { id },
        status @ ("failed" | "canceled") => {
            Report::Failed { id, reason: text(value, "failure_reason").unwrap_or_else(|| status.to_owned()) }
        }
        _ => return None,
    })
}

/// What the refunds of a payment say of ours: one that was paid or is under way counts, whichever attempt made it; one that
/// failed counts for its own attempt.
fn ours(refund: &Refund, listed: &[Value]) -> Option<Report> {
    let reference = reference(&refund.transaction_id);
    let attempt = refund.progress.attempt.to_string();
    let mut best = None;
    for value in listed.iter().filter(|value| value["metadata"][REFERENCE] == reference.as_str()) {
        match report(value) {
            Some(Report::Paid { id }) => return Some(Report::Paid { id }),
            Some(pending @ Report::Pending { .. }) => best = Some(pending),
            Some(failed) if value["metadata"][ATTEMPT] == attempt.as_str() => best = best.or(Some(failed)),
            _ => {}
        }
    }
    best
}

#[async_trait]
impl RefundProvider for Stripe {
    fn kind(&self) -> ProviderKind {
        ProviderKind::Stripe
    }

    async fn send(&self, payout: &Payout) -> Sent {
        let refund = &payout.refund;
        let Some(payment) = refund.route.payment_id.as_deref() else {
            return Sent::Refused { reason: "the order has no payment".to_owned() };
        };
        let (units, attempt) = (payout.units.to_string(), refund.progress.attempt.to_string());
        let body = form(&[
            (payment_field(payment), payment),
            ("amount", &units),
            ("reason", "requested_by_customer"),
            (&format!("metadata[{REFERENCE}]"), &reference(&refund.transaction_id)),
            (&format!("metadata[{ATTEMPT}]"), &attempt),
            ("metadata[transaction_id]", &refund.transaction_id),
            ("metadata[order_id]", refund.order_id.as_str()),
        ]);
        let request = self.signed(self.http.post(format!("{}/v1/refunds", self.url)));
        let request = request.header("Idempotency-Key", refund.idempotency_key());
        match ask(request.header("content-type", "application/x-www-form-urlencoded").body(body)).await {
            Answer::NotSent(reason) => Sent::TurnedAway { reason },
            Answer::Lost(reason) => Sent::Unknown { reason },
            Answer::Came(status, value) => {
                let why = said(status, value["error"]["message"].as_str());
                match status.as_u16() {
                    200..=299 => report(&value).map_or_else(|| Sent::Unknown { reason: why }, Sent::Has),
                    // Not carried out: keys (<https://docs.stripe.com/api/errors>), or too many requests.
                    401 | 403 | 429 => Sent::TurnedAway { reason: why },
                    // Another request with this key is being carried out, or one with other parameters was.
                    409 => Sent::Unknown { reason: why },
                    400..=499 if value["error"]["type"] == "idempotency_error" => Sent::Unknown { reason: why },
                    400..=499 if value["error"].is_object() => Sent::Refused { reason: why },
                    // A saved 500 comes again under the same key: it is looked up.
                    _ => Sent::Unknown { reason: why },
                }
            }
        }
    }

    async fn look_up(&self, payout: &Payout) -> Found {
        let refund = &payout.refund;
        let Some(payment) = refund.route.payment_id.as_deref() else { return Found::Nothing };
        if let Some(id) = &refund.progress.provider_id {
            let request = self.signed(self.http.get(format!("{}/v1/refunds/{id}", self.url)));
            return match read(ask(request).await) {
                Ok(value) => report(&value)
                    .map_or_else(|| Found::Unknown { reason: "the refund has no status".to_owned() }, Found::Has),
                Err(reason) => Found::Unknown { reason },
            };
        }
        let mut listed: Vec<Value> = Vec::new();
        for _ in 0..MOST_PAGES {
            let after = listed.last().and_then(|last| text(last, "id"));
            let page = match self.page(payment, after.as_deref()).await {
                Ok(page) => page,
                Err(reason) => return Found::Unknown { reason },
            };
            let Some(data) = page["data"].as_array() else {
                return Found::Unknown { reason: "the list of refunds cannot be read".to_owned() };
            };
            listed.extend(data.iter().cloned());
            if page["has_more"] != true {
                return ours(refund, &listed).map_or(Found::Nothing, Found::Has);
            }
        }
        ours(refund, &listed)
            .map_or_else(|| Found::Unknown { reason: "the payment has too many refunds".to_owned() }, Found::Has)
    }

    async fn check(&self) -> Result<String, String> {
        let list = self.http.get(with_query(&format!("{}/v1/refunds", self.url), &[("limit", "1")]));
        read(ask(self.signed(list)).await)?;
        let mode = if self.key.expose_secret().contains("_live_") { "live" } else { "test" };
        Ok(format!("the key is accepted ({mode} mode) and may read refunds"))
    }
}

#[cfg(test)]
#[path = "stripe_tests.rs"]
mod tests;
