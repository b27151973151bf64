//! `POST /refunds/{transaction}`: the shop's own program says that it paid a refund, or will not.
//!
//! Nothing of a body counts before its signature was checked (Standard Webhooks, with the secret that requests are signed with), and
//! the body names the refund itself: a confirmation of one is none of another.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use jiff::Timestamp;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;
use standardwebhooks::{HEADER_WEBHOOK_SIGNATURE, Webhook, WebhookError};
use tower_http::timeout::TimeoutLayer;

use super::webhook::signer;
use super::{Moved, change};
use crate::domain::refund::{Change, ProviderKind, Refund, RefundState};
use crate::domain::words::excerpt;
use crate::http::body::BodyPlaces;
use crate::store::{Result as StoreResult, Store};
use crate::support::handoff;

/// The largest confirmation, in bytes.
const LARGEST: usize = 64 * 1024;
/// Bytes of all confirmations together that are coming in.
const MOST_BYTES: usize = 4 * 1024 * 1024;
/// How long a confirmation may take to come in, and to be stored.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
const TIMEOUT: Duration = Duration::from_secs(25);
/// How often it is tried again to store one while others change the refund.
const ATTEMPTS: u32 = 8;

/// Takes the confirmations of the shop's program.
#[derive(Clone)]
pub struct Confirmations(Arc<Inner>);

struct Inner {
    store: Arc<dyn Store>,
    verifier: Webhook,
    bodies: Arc<BodyPlaces>,
    clock: super::job::Clock,
}

impl Confirmations {
    /// Confirmations that are signed with this secret.
    ///
    /// # Errors
    /// What is wrong with the secret, in words.
    pub fn new(store: Arc<dyn Store>, secret: &SecretString, clock: super::job::Clock) -> Result<Self, String> {
        let verifier = signer(secret).map_err(|why| format!("[refund.webhook] secret: {why}"))?;
        Ok(Self(Arc::new(Inner { store, verifier, bodies: BodyPlaces::new(MOST_BYTES), clock })))
    }
}

/// The route `/refunds/{transaction}`.
pub fn routes(confirmations: Confirmations) -> Router {
    Router::new()
        .route("/refunds/{transaction}", post(confirm))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, TIMEOUT))
        .with_state(confirmations)
}

/// What the shop's program says.
#[derive(Debug, Deserialize)]
struct Confirmation {
    /// The refund: the transaction of the address.
    id: String,
    /// `paid` or `failed`.
    status: String,
    /// Why it failed.
    #[serde(default)]
    reason: String,
    /// The program's own identifier of the payment.
    #[serde(default)]
    reference: Option<String>,
    /// Which attempt it is about, as the request said.
    #[serde(default)]
    attempt: Option<u32>,
}

fn refuse(status: StatusCode, error: impl Into<String>) -> Response {
    (status, Json(json!({"error": error.into()}))).into_response()
}

async fn confirm(
    State(Confirmations(inner)): State<Confirmations>,
    Path(transaction): Path<String>,
    request: Request<Body>,
) -> Response {
    let (head, body) = request.into_parts();
    // Without a signature nothing of the body is received.
    if !head.headers.contains_key(HEADER_WEBHOOK_SIGNATURE) {
        return refuse(StatusCode::UNAUTHORIZED, "sign the request: webhook-id, webhook-timestamp, webhook-signature");
    }
    let received = match inner.bodies.receive(&head.headers, body, LARGEST, BODY_TIMEOUT).await {
        Ok(received) => received,
        Err(error) => return error.into_response(),
    };
    if let Err(error) = inner.verifier.verify(&received.bytes, &head.headers) {
        tracing::warn!(%error, "a confirmation of a refund was refused");
        let why = match error {
            WebhookError::TimestampTooOldError | WebhookError::FutureTimestampError => {
                "the time of the request is more than five minutes off"
            }
            _ => "the signature does not fit",
        };
        return refuse(StatusCode::UNAUTHORIZED, why);
    }
    let said: Confirmation = match serde_json::from_slice(&received.bytes) {
        Ok(said) => said,
        Err(error) => return refuse(StatusCode::BAD_REQUEST, format!("the body cannot be read: {error}")),
    };
    if said.id != transaction {
        return refuse(StatusCode::BAD_REQUEST, "“id” is another refund than the one of the address");
    }
    let id = said.reference.map(|reference| excerpt(reference.trim(), 200)).filter(|id| !id.is_empty());
    let (wanted, what) = match said.status.as_str() {
        "paid" => (RefundState::Paid, Change::Paid { id }),
        "failed" => {
            let reason = excerpt(said.reason.trim(), 300);
            let reason = if reason.is_empty() { "the shop's program gave no reason".to_owned() } else { reason };
            (RefundState::Failed, Change::Failed { id, reason })
        }
        other => {
            let found = excerpt(other, 40);
            return refuse(StatusCode::BAD_REQUEST, format!("“status” is “{found}”; it must be paid or failed"));
        }
    };
    match settle(inner.store.as_ref(), (&transaction, said.attempt), wanted, &what, (inner.clock)()).await {
        Ok(Settled::Is(refund)) => Json(json!({"id": refund.transaction_id, "state": refund.state()})).into_response(),
        Ok(Settled::NoAttempt) => refuse(
            StatusCode::BAD_REQUEST,
            "say in “attempt” which of the requested attempts failed: the number of the request",
        ),
        Ok(Settled::Unknown) => refuse(StatusCode::NOT_FOUND, "there is no such refund for this program"),
        Ok(Settled::Otherwise(state)) => refuse(StatusCode::CONFLICT, format!("the refund is {}", state.as_str())),
        Ok(Settled::Busy) => again(),
        Err(error) => {
            tracing::error!(%error, "a confirmation of a refund could not be stored");
            again()
        }
    }
}

fn again() -> Response {
    let later = [(header::RETRY_AFTER, "5")];
    (StatusCode::SERVICE_UNAVAILABLE, later, Json(json!({"error": "it could not be stored, send it again"})))
        .into_response()
}

/// What became of a confirmation.
enum Settled {
    /// The refund is what was said.
    Is(Box<Refund>),
    /// There is no such refund, or another provider pays it.
    Unknown,
    /// There was no such attempt, or several, and which of them failed was not said.
    NoAttempt,
    /// It was settled otherwise before.
    Otherwise(RefundState),
    /// Others changed it each time.
    Busy,
}

async fn settle(
    store: &dyn Store,
    (transaction, attempt): (&str, Option<u32>),
    wanted: RefundState,
    what: &Change,
    now: Timestamp,
) -> StoreResult<Settled> {
    for _ in 0..ATTEMPTS {
        let Some(refund) = store.refund(transaction).await? else { return Ok(Settled::Unknown) };
        if refund.route.provider != ProviderKind::Webhook {
            return Ok(Settled::Unknown);
        }
        let latest = refund.progress.attempt;
        let failed = wanted == RefundState::Failed;
        // Any attempt that was paid is the one payment.
        if attempt.is_some_and(|attempt| attempt > latest) || (failed && attempt.is_none() && latest > 1) {
            return Ok(Settled::NoAttempt);
        }
        // That an earlier one failed is known, and says nothing of the one that may be paid now.
        let outdated = failed && attempt.is_some_and(|attempt| attempt < latest);
        if refund.state() == wanted || outdated {
            return Ok(Settled::Is(Box::new(refund)));
        }
        if refund.state() == RefundState::Failed {
            handoff::report_paid_after_failure(store, &refund, now).await?;
        }
        if refund.state().is_settled() {
            return Ok(Settled::Otherwise(refund.state()));
        }
        match change(store, "provider:webhook", &refund, what.clone(), now).await? {
            Moved::Done(refund) => return Ok(Settled::Is(refund)),
            Moved::Impossible(_) | Moved::Overtaken => {}
        }
    }
    Ok(Settled::Busy)
}

#[cfg(test)]
#[path = "confirm_tests.rs"]
mod tests;
