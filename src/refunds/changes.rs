//! Stores how far a refund is. A change of its state is on record before it is made, and after.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::domain::audit::{AuditPhase, AuditRecord, REFUND_STATE};
use crate::domain::refund::{Change, Impossible, Refund};
use crate::store::{Result, Store};
use crate::telemetry::metric;

/// What became of a change.
#[derive(Debug, Clone, PartialEq)]
pub enum Moved {
    /// It is stored; the refund as it is now.
    Done(Box<Refund>),
    /// Another writer was faster: nothing is stored.
    Overtaken,
    /// The state does not allow it: nothing is stored.
    Impossible(Impossible),
}

/// Applies a change to a refund as it was read, for `actor`.
///
/// # Errors
/// When the store fails: then it may be stored or not.
pub async fn change(store: &dyn Store, actor: &str, refund: &Refund, change: Change, now: Timestamp) -> Result<Moved> {
    let next = match refund.progress.after(change, now) {
        Ok(next) => next,
        Err(impossible) => return Ok(Moved::Impossible(impossible)),
    };
    let (from, to) = (refund.progress.state, next.state);
    let moved = from != to;
    let arguments = json!({
        "order_id": refund.order_id,
        "transaction_id": refund.transaction_id,
        "provider": refund.route.provider,
        "attempt": next.attempt,
        "from": from,
        "to": to,
    });
    let record = |phase, result| AuditRecord {
        at: now,
        actor: actor.to_owned(),
        action: REFUND_STATE.to_owned(),
        phase,
        arguments: arguments.clone(),
        result,
    };
    if moved {
        store.append_audit(&record(AuditPhase::Started, Value::Null)).await?;
    }
    let mut stored = store.advance_refund(refund, &next).await?;
    if !stored && moved {
        // The answer to a write that was made may have been lost and the write tried again: what is there decides.
        let held = store.refund(&refund.transaction_id).await?.map(|held| held.progress);
        stored = held.is_some_and(|held| {
            held.version == refund.progress.version + 1 && held.state == to && held.attempt == next.attempt
        });
    }
    if moved {
        let status = if stored { "success" } else { "superseded" };
        let result = json!({"status": status, "provider_id": next.provider_id, "reason": next.reason});
        store.append_audit(&record(AuditPhase::Finished, result)).await?;
    }
    if !stored {
        return Ok(Moved::Overtaken);
    }
    if moved {
        metrics::counter!(metric::REFUNDS, "provider" => refund.route.provider.as_str(), "state" => to.as_str())
            .increment(1);
        tracing::info!(
            order = %refund.order_id,
            transaction = refund.transaction_id,
            from = from.as_str(),
            to = to.as_str(),
            "a refund goes on"
        );
    }
    let mut refund = refund.clone();
    refund.progress = next;
    refund.progress.version += 1;
    Ok(Moved::Done(Box::new(refund)))
}
