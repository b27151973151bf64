//! Decides who hears of a new alert: an address that every alert is posted to once it is raised.
//!
//! It must never lose one because the other side was away: it is posted again until it is taken, with the same identifier.
//!
//! What was told is remembered in this process only: after a restart, pending alerts of the last hour are told again.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::domain::alert::{Alert, AlertStatus};
use crate::inbox::Clock;
use crate::net;
use crate::store::{Store, StoreError};
use crate::telemetry::metric;

/// How often new alerts are looked for.
const EVERY: Duration = Duration::from_secs(2);
/// How old an alert may be that is told for the first time.
const OLDEST: SignedDuration = SignedDuration::from_hours(1);
/// How many pending alerts are looked through.
const LIMIT: u32 = 500;

/// The address for notifications is none.
#[derive(Debug, thiserror::Error)]
#[error("alerts cannot be posted to “{url}”: {reason}")]
pub struct NotifyError {
    url: String,
    reason: String,
}

impl NotifyError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        Some("write [alerts] webhook_url as https://HOST/PATH, or leave it empty".to_owned())
    }
}

/// Posts new alerts.
pub struct Notifier {
    store: Arc<dyn Store>,
    http: reqwest::Client,
    url: String,
    clock: Clock,
}

impl Notifier {
    /// A notifier that posts to an address.
    ///
    /// # Errors
    /// When the address is none.
    pub fn new(store: Arc<dyn Store>, url: &str, clock: Clock) -> Result<Self, NotifyError> {
        let failed = |reason: String| NotifyError { url: url.to_owned(), reason };
        reqwest::Url::parse(url).map_err(|error| failed(error.to_string()))?;
        let limit = Duration::from_secs(10);
        let http = net::client(limit, Some(limit)).map_err(|error| failed(error.to_string()))?;
        Ok(Self { store, http, url: url.to_owned(), clock })
    }

    /// Posts until `stop`.
    pub async fn run(&self, stop: CancellationToken) {
        let mut told = HashSet::new();
        loop {
            if let Err(error) = self.look(&mut told).await {
                tracing::warn!(%error, "alerts cannot be read; trying again");
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(EVERY) => {}
            }
        }
    }

    async fn look(&self, told: &mut HashSet<String>) -> Result<(), StoreError> {
        let alerts = self.store.alerts(LIMIT).await?;
        let pending = || alerts.iter().filter(|alert| alert.status == AlertStatus::Pending);
        // What is settled need not be remembered.
        told.retain(|id| pending().any(|alert| alert.id.as_str() == id));
        let since = (self.clock)().saturating_sub(OLDEST).unwrap_or(Timestamp::MIN);
        for alert in pending() {
            if told.contains(alert.id.as_str()) || alert.created_at < since {
                continue;
            }
            let result = match self.tell(alert).await {
                Ok(()) => {
                    told.insert(alert.id.as_str().to_owned());
                    "told"
                }
                Err(why) => {
                    tracing::warn!(alert = alert.id.as_str(), why, "an alert could not be posted; trying again");
                    "failed"
                }
            };
            metrics::counter!(metric::NOTIFICATIONS, "result" => result).increment(1);
        }
        Ok(())
    }

    async fn tell(&self, alert: &Alert) -> Result<(), String> {
        let id = alert.id.as_str();
        let request = self.http.post(&self.url).header("idempotency-key", id).json(&notification(alert));
        let answer = request.send().await.map_err(|error| error.without_url().to_string())?;
        if answer.status().is_success() { Ok(()) } else { Err(format!("HTTP {}", answer.status().as_u16())) }
    }
}

fn notification(alert: &Alert) -> Value {
    json!({
        "event": "alert.raised",
        "alert_id": alert.id,
        "user_id": alert.user_id,
        "reason": alert.reason,
        "last_message": alert.last_message,
        "priority": alert.priority,
        "status": alert.status,
        "created_at": alert.created_at,
    })
}

#[cfg(test)]
mod tests {
    use wiremock::matchers::{body_partial_json, header};
    use wiremock::{Mock, MockServer, ResponseTemplate};

    use super::*;
    use crate::domain::alert::{Handling, Priority};
    use crate::domain::ids::{AlertId, UserId};
    use crate::store::sqlite::SqliteStore;

    #[tokio::test]
    async fn an_alert_is_posted_until_it_is_taken_and_then_no_more() {
        let server = MockServer::start().await;
        Mock::given(header("idempotency-key", "ALERT_1"))
            .respond_with(ResponseTemplate::new(503))
            .up_to_n_times(1)
            .mount(&server)
            .await;
        Mock::given(body_partial_json(json!({"alert_id": "ALERT_1", "priority": "high", "event": "alert.raised"})))
            .respond_with(ResponseTemplate::new(204))
            .expect(1)
            .mount(&server)
            .await;
        let store: Arc<dyn Store> = Arc::new(SqliteStore::scratch().unwrap());
        let now: Timestamp = "2026-06-01T10:00:00Z".parse().unwrap();
        let alert = |id: &str, user: &str, hours: i64| Alert {
            id: AlertId::new(id),
            user_id: UserId::new(user),
            reason: "upset".into(),
            last_message: "hello".into(),
            priority: Priority::High,
            status: AlertStatus::Pending,
            created_at: now - SignedDuration::from_hours(hours),
            handling: Handling::default(),
        };
        store.open_alert(&alert("ALERT_1", "a", 0)).await.unwrap();
        store.open_alert(&alert("ALERT_OLD", "b", 2)).await.unwrap();
        let notifier = Notifier::new(Arc::clone(&store), &server.uri(), Arc::new(move || now)).unwrap();
        let mut told = HashSet::new();
        for _ in 0..3 {
            notifier.look(&mut told).await.unwrap();
        }
        assert_eq!(server.received_requests().await.unwrap().len(), 2);
        store.resolve_alert(&AlertId::new("ALERT_1"), now).await.unwrap();
        notifier.look(&mut told).await.unwrap();
        assert!(told.is_empty(), "nothing is remembered for ever");
        assert!(Notifier::new(store, "no address", Arc::new(move || now)).is_err());
    }
}
