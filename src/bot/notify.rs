//! Decides who hears of a new alert, and sees to it that they do.
//!
//! It must never lose one because the other side was away, nor tell of one again after that succeeded, whatever restarts and
//! however many processes run: what was told is kept with the alert. One gap is left: a process that dies after the other
//! side took it and before that was kept; the other side sees the same identifier again.

mod mail;
mod post;

use std::cmp::Reverse;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;

use crate::domain::alert::Alert;
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
/// How many alerts are taken at a time; the others come with the next look.
const LIMIT: u32 = 100;

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

    /// Tells until `stop`. The ways go side by side: one whose other side does not answer delays no other.
    pub async fn run(&self, stop: CancellationToken) {
        let ways = self.ways.iter().map(|way| self.run_way(way.as_ref(), &stop));
        futures_util::future::join_all(ways).await;
    }

    async fn run_way(&self, way: &dyn Way, stop: &CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                looked = self.look(way) => {
                    if let Err(error) = looked {
                        tracing::warn!(%error, way = way.name(), "alerts cannot be read; trying again");
                    }
                }
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(EVERY) => {}
            }
        }
    }

    /// Tells of what is not told yet, the most urgent first, until something fails: whoever is away is asked again once
    /// in each look, with the next alert, and not once for each alert.
    async fn look(&self, way: &dyn Way) -> Result<(), StoreError> {
        let now = (self.clock)();
        let since = now.saturating_sub(OLDEST).unwrap_or(Timestamp::MIN);
        let mut alerts = self.store.untold_alerts(way.name(), since, now, LIMIT).await?;
        alerts.sort_by_key(|alert| (Reverse(alert.priority), alert.created_at));
        for alert in &alerts {
            if !self.tell(alert, way).await? {
                break;
            }
        }
        Ok(())
    }

    /// Tells of one alert, where nobody else does; `false` where that failed.
    async fn tell(&self, alert: &Alert, way: &dyn Way) -> Result<bool, StoreError> {
        let now = (self.clock)();
        let until = now.saturating_add(TRY).unwrap_or(Timestamp::MAX);
        if !self.store.begin_notice(&alert.id, way.name(), now, until).await? {
            return Ok(true);
        }
        let limit = Duration::try_from(TRY).unwrap_or(EVERY);
        let told = tokio::time::timeout(limit, way.tell(alert)).await;
        let told = told.unwrap_or_else(|_| Err("no answer in time".to_owned()));
        match &told {
            Ok(()) => self.store.end_notice(&alert.id, way.name()).await?,
            Err(why) => tracing::warn!(
                alert = alert.id.as_str(),
                way = way.name(),
                why,
                "nobody could be told of an alert; trying again"
            ),
        }
        let result = if told.is_ok() { "told" } else { "failed" };
        metrics::counter!(metric::NOTIFICATIONS, "result" => result, "way" => way.name()).increment(1);
        Ok(told.is_ok())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::domain::alert::{AlertStatus, Handling, Priority};
    use crate::domain::ids::{AlertId, UserId};
    use crate::store::sqlite::SqliteStore;

    /// Fails for a while, then takes everything.
    struct Shaky {
        heard: Mutex<Vec<String>>,
        failures: usize,
    }

    impl Shaky {
        fn new(failures: usize) -> Self {
            Self { heard: Mutex::default(), failures }
        }

        fn heard(&self) -> Vec<String> {
            self.heard.lock().unwrap().clone()
        }
    }

    #[async_trait]
    impl Way for Shaky {
        fn name(&self) -> &'static str {
            "shaky"
        }

        async fn tell(&self, alert: &Alert) -> Result<(), String> {
            let mut heard = self.heard.lock().unwrap();
            heard.push(alert.id.to_string());
            if heard.len() <= self.failures { Err("away".to_owned()) } else { Ok(()) }
        }
    }

    fn begin() -> Timestamp {
        "2026-06-01T10:00:00Z".parse().unwrap()
    }

    fn alert(id: &str, user: &str, priority: Priority, hours: i64) -> Alert {
        Alert {
            id: AlertId::new(id),
            user_id: UserId::new(user),
            reason: "upset".into(),
            last_message: "hello".into(),
            priority,
            status: AlertStatus::Pending,
            created_at: begin() - SignedDuration::from_hours(hours),
            handling: Handling::default(),
        }
    }

    /// A notifier at a second; each is a process of its own.
    fn at(store: &Arc<dyn Store>, second: i64) -> Notifier {
        let now = begin() + SignedDuration::from_secs(second);
        Notifier::new(Arc::clone(store), Vec::new(), Arc::new(move || now))
    }

    #[tokio::test]
    async fn an_alert_is_told_until_it_is_taken_and_then_no_more_also_after_a_restart() {
        let store: Arc<dyn Store> = Arc::new(SqliteStore::scratch().unwrap());
        store.open_alert(&alert("ALERT_1", "a", Priority::High, 0)).await.unwrap();
        store.open_alert(&alert("ALERT_OLD", "b", Priority::High, 25)).await.unwrap();
        let way = Shaky::new(1);
        at(&store, 0).look(&way).await.unwrap();
        at(&store, 1).look(&way).await.unwrap();
        assert_eq!(way.heard().len(), 1, "whoever tried has some time");
        for second in [31, 32, 90, 3_600] {
            at(&store, second).look(&way).await.unwrap();
        }
        assert_eq!(way.heard(), ["ALERT_1", "ALERT_1"]);
    }

    #[tokio::test]
    async fn whoever_is_away_is_asked_once_in_a_look_and_every_alert_is_told_in_the_end_the_urgent_first() {
        let store: Arc<dyn Store> = Arc::new(SqliteStore::scratch().unwrap());
        let count = usize::try_from(LIMIT).unwrap() + 20;
        for number in 0..count {
            let id = format!("ALERT_{number}");
            store.open_alert(&alert(&id, &id, Priority::Low, 2)).await.unwrap();
        }
        let way = Shaky::new(2);
        at(&store, 0).look(&way).await.unwrap();
        at(&store, 2).look(&way).await.unwrap();
        assert_eq!(way.heard().len(), 2);
        store.open_alert(&alert("URGENT", "u", Priority::High, 1)).await.unwrap();
        for second in [4, 6, 40] {
            at(&store, second).look(&way).await.unwrap();
        }
        let mut heard = way.heard();
        assert!(heard[2..].iter().position(|id| id == "URGENT").unwrap() < 3, "{heard:?}");
        assert_eq!(heard.len(), count + 3, "two were asked twice");
        heard.sort();
        heard.dedup();
        assert_eq!(heard.len(), count + 1);
    }
}
