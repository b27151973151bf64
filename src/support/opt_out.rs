//! Records that a customer wants no messages, or messages again.

use jiff::Timestamp;
use serde_json::json;

use crate::domain::audit::{AuditPhase, AuditRecord};
use crate::domain::ids::UserId;
use crate::domain::opt_out::Preference;
use crate::store::{Result, Store};
use crate::telemetry::metric;

/// Records a wish, in the store and in the audit trail, and returns what holds then. An older wish, or one that changes nothing,
/// leaves no entry.
///
/// # Errors
/// When the store fails.
pub async fn record(store: &dyn Store, user: &UserId, wish: &Preference, now: Timestamp) -> Result<Option<Preference>> {
    let known = store.preference(user).await?;
    let stopped = known.as_ref().is_some_and(|known| known.stopped);
    if Preference::after(known.as_ref(), wish).is_some_and(|next| next.stopped != stopped) {
        let word = if wish.stopped { "stop" } else { "start" };
        metrics::counter!(metric::WISHES, "wish" => word).increment(1);
        tracing::info!(
            user = user.masked(),
            word,
            source = wish.source.as_str(),
            "a customer said which messages they want"
        );
        let entry = AuditRecord {
            at: now,
            actor: crate::domain::caller::actor_of(user),
            action: "messages_preference".to_owned(),
            phase: AuditPhase::Finished,
            arguments: json!({"user_id": user, "wish": word, "source": wish.source, "said_at": wish.at}),
            result: json!({"status": if wish.stopped { "opted_out" } else { "opted_in" }}),
        };
        // On record before it holds.
        store.append_audit(&entry).await?;
    }
    store.record_preference(user, wish).await
}
