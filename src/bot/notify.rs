//! Decides who hears of a new alert, and sees to it that they do.
//!
//! It must never lose one because the other side was away, nor tell of one again after that succeeded, whatever restarts and
//! however many processes run: what was told is kept with the alert. One gap is left: a process that dies after the other
//! side took it and before that was kept; the other side sees the same identifier again.

mod mail;
mod post;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;

use crate::domain::alert::{Alert, AlertStatus};
use crate::inbox::Clock;
use crate::store::{Store, StoreError};
use crate::telemetry::metric;
pub use mail::Mail;
pub use post::Post;

/// How often new alerts are looked for.
const EVERY: Duration = Duration::from_secs(2);
/// How old an alert may be that is told for the first time: whoever sets this up on an old store is not flooded.
const OLDEST: SignedDuration = SignedDuration::from_hours(24);
/// How long one attempt has, after which another process may try.
const TRY: SignedDuration = SignedDuration::from_secs(30);
/// How many pending alerts are looked through.
const LIMIT: u32 = 500;

/// Nobody can be told this way.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {reason}")]
pub struct NotifyError {
    what: &'static str,
    reason: String,
    hint: &'static str,
}

impl NotifyError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        Some(self.hint.to_owned())
    }
}

/// A way of telling somebody of an alert.
#[async_trait]
pub trait Way: Send + Sync {
    /// A word for it; what was told is kept under it.
    fn name(&self) -> &'static str;
    /// Tells of an alert, or says why that failed. It is asked again later.
    async fn tell(&self, alert: &Alert) -> Result<(), String>;
}

/// Tells of new alerts.
pub struct Notifier {
    store: Arc<dyn Store>,
    ways: Vec<Box<dyn Way>>,
    clock: Clock,
}

impl Notifier {
    /// A notifier that tells in these ways.
    pub fn new(store: Arc<dyn Store>, ways: Vec<Box<dyn Way>>, clock: Clock) -> Self {
        Self { store, ways, clock }
    }

    /// Tells until `stop`.
    pub async fn run(&self, stop: CancellationToken) {
        if self.ways.is_empty() {
            return;
        }
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                looked = self.look() => {
                    if let Err(error) = looked {
                        tracing::warn!(%error, "alerts cannot be read; trying again");
                    }
                }
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(EVERY) => {}
            }
        }
    }

    async fn look(&self) -> Result<(), StoreError> {
        let alerts = self.store.alerts(LIMIT).await?;
        let since = (self.clock)().saturating_sub(OLDEST).unwrap_or(Timestamp::MIN);
        for alert in alerts.iter().filter(|alert| alert.status == AlertStatus::Pending && alert.created_at >= since) {
            for way in &self.ways {
                self.tell(alert, way.as_ref()).await?;
            }
        }
        Ok(())
    }

    async fn tell(&self, alert: &Alert, way: &dyn Way) -> Result<(), StoreError> {
        let now = (self.clock)();
        let until = now.saturating_add(TRY).unwrap_or(Timestamp::MAX);
        if !self.store.begin_notice(&alert.id, way.name(), now, until).await? {
            return Ok(());
        }
        let limit = Duration::try_from(TRY).unwrap_or(EVERY);
        let told = tokio::time::timeout(limit, way.tell(alert)).await;
        let result = match told.unwrap_or_else(|_| Err("no answer in time".to_owned())) {
            Ok(()) => {
                self.store.end_notice(&alert.id, way.name()).await?;
                "told"
            }
            Err(why) => {
                tracing::warn!(
                    alert = alert.id.as_str(),
                    way = way.name(),
                    why,
                    "nobody could be told of an alert; trying again"
                );
                "failed"
            }
        };
        metrics::counter!(metric::NOTIFICATIONS, "result" => result, "way" => way.name()).increment(1);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::domain::alert::{Handling, Priority};
    use crate::domain::ids::{AlertId, UserId};
    use crate::store::sqlite::SqliteStore;

    /// Fails once, then takes everything.
    #[derive(Default)]
    struct Shaky(Arc<Mutex<Vec<String>>>);

    #[async_trait]
    impl Way for Shaky {
        fn name(&self) -> &'static str {
            "shaky"
        }

        async fn tell(&self, alert: &Alert) -> Result<(), String> {
            let mut told = self.0.lock().unwrap();
            told.push(alert.id.to_string());
            if told.len() == 1 { Err("away".to_owned()) } else { Ok(()) }
        }
    }

    #[tokio::test]
    async fn an_alert_is_told_until_it_is_taken_and_then_no_more_also_after_a_restart() {
        let store: Arc<dyn Store> = Arc::new(SqliteStore::scratch().unwrap());
        let begin: Timestamp = "2026-06-01T10:00:00Z".parse().unwrap();
        let alert = |id: &str, user: &str, hours: i64| Alert {
            id: AlertId::new(id),
            user_id: UserId::new(user),
            reason: "upset".into(),
            last_message: "hello".into(),
            priority: Priority::High,
            status: AlertStatus::Pending,
            created_at: begin - SignedDuration::from_hours(hours),
            handling: Handling::default(),
        };
        store.open_alert(&alert("ALERT_1", "a", 0)).await.unwrap();
        store.open_alert(&alert("ALERT_OLD", "b", 25)).await.unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let at = |second: i64| {
            let now = begin + SignedDuration::from_secs(second);
            let ways: Vec<Box<dyn Way>> = vec![Box::new(Shaky(Arc::clone(&heard)))];
            // Each is a process of its own.
            Notifier::new(Arc::clone(&store), ways, Arc::new(move || now))
        };
        at(0).look().await.unwrap();
        at(1).look().await.unwrap();
        assert_eq!(heard.lock().unwrap().len(), 1, "whoever tried has some time");
        for second in [31, 32, 90, 3_600] {
            at(second).look().await.unwrap();
        }
        assert_eq!(*heard.lock().unwrap(), ["ALERT_1", "ALERT_1"]);
    }
}
