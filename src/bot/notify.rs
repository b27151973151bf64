//! Notifies the team of new alerts, again and again until the receiver accepts.
//!
//! What was sent is stored with the alert, so that no restart and no second process sends it twice. One gap is left: where a
//! process dies between the receiver's answer and storing it, the receiver gets the same identifier again.

mod mail;
mod post;

use std::cmp::Reverse;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;

use crate::domain::alert::Alert;
use crate::domain::media::MediaFile;
use crate::inbox::Clock;
use crate::store::{Store, StoreError};
use crate::support::alerts;
use crate::telemetry::metric;
pub use mail::MailSink;
pub use post::WebhookSink;

/// How often new alerts are searched for.
const POLL_INTERVAL: Duration = Duration::from_secs(2);
/// How old an alert may be that is sent for the first time: setting this up on an old store causes no flood.
const MAX_FIRST_AGE: SignedDuration = SignedDuration::from_hours(24);
/// How long one attempt may take, after which another process may try.
const ATTEMPT: SignedDuration = SignedDuration::from_secs(30);
/// How many alerts are read at a time; the others follow with the next poll.
const BATCH: u32 = 100;

/// A sink that cannot be set up.
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

/// A way to send a notification of an alert.
#[async_trait]
pub trait AlertSink: Send + Sync {
    /// A word for it, under which it is stored that an alert was sent.
    fn name(&self) -> &'static str;
    /// Sends a notification, with the files that belong to the alert.
    ///
    /// # Errors
    /// Why that failed, in one sentence. It is tried again later.
    async fn notify(&self, alert: &Alert, files: &[MediaFile]) -> Result<(), String>;
}

/// Sends new alerts to sinks.
pub struct AlertNotifier {
    store: Arc<dyn Store>,
    sinks: Vec<Box<dyn AlertSink>>,
    clock: Clock,
}

impl AlertNotifier {
    /// A notifier with these sinks.
    pub fn new(store: Arc<dyn Store>, sinks: Vec<Box<dyn AlertSink>>, clock: Clock) -> Self {
        Self { store, sinks, clock }
    }

    /// Works until `stop` is cancelled. The sinks are independent: one whose receiver does not answer delays no other.
    pub async fn run(&self, stop: CancellationToken) {
        let sinks = self.sinks.iter().map(|sink| self.run_sink(sink.as_ref(), &stop));
        futures_util::future::join_all(sinks).await;
    }

    async fn run_sink(&self, sink: &dyn AlertSink, stop: &CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                polled = self.poll(sink) => {
                    if let Err(error) = polled {
                        tracing::warn!(%error, sink = sink.name(), "alerts cannot be read; trying again");
                    }
                }
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(POLL_INTERVAL) => {}
            }
        }
    }

    /// Sends what was not sent yet, the most urgent first, until one attempt fails: a receiver that is not reachable gets one
    /// attempt in each poll, not one for each alert.
    async fn poll(&self, sink: &dyn AlertSink) -> Result<(), StoreError> {
        let now = (self.clock)();
        let since = now.saturating_sub(MAX_FIRST_AGE).unwrap_or(Timestamp::MIN);
        let mut alerts = self.store.unsent_alerts(sink.name(), since, now, BATCH).await?;
        alerts.sort_by_key(|alert| (Reverse(alert.priority), alert.created_at));
        for alert in &alerts {
            if !self.notify(alert, sink).await? {
                break;
            }
        }
        Ok(())
    }

    /// Sends one alert, unless another process does; `false` where that failed.
    async fn notify(&self, alert: &Alert, sink: &dyn AlertSink) -> Result<bool, StoreError> {
        let now = (self.clock)();
        let until = now.saturating_add(ATTEMPT).unwrap_or(Timestamp::MAX);
        if !self.store.begin_notice(&alert.id, sink.name(), now, until).await? {
            return Ok(true);
        }
        let files = alerts::media_of(self.store.as_ref(), alert).await?;
        let limit = Duration::try_from(ATTEMPT).unwrap_or(POLL_INTERVAL);
        let sent = tokio::time::timeout(limit, sink.notify(alert, &files)).await;
        let sent = sent.unwrap_or_else(|_| Err("no answer in time".to_owned()));
        match &sent {
            Ok(()) => self.store.end_notice(&alert.id, sink.name()).await?,
            Err(why) => tracing::warn!(
                alert = alert.id.as_str(),
                sink = sink.name(),
                why,
                "an alert could not be sent; trying again"
            ),
        }
        let result = if sent.is_ok() { "told" } else { "failed" };
        metrics::counter!(metric::NOTIFICATIONS, "result" => result, "way" => sink.name()).increment(1);
        Ok(sent.is_ok())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::mail::tests::file;
    use super::*;
    use crate::domain::alert::{AlertStatus, Handling, Priority};
    use crate::domain::ids::{AlertId, UserId};
    use crate::domain::inbound::Media;
    use crate::domain::media::counted;
    use crate::store::sqlite::SqliteStore;

    /// Fails for a while, then accepts everything.
    struct FlakySink {
        sent: Mutex<Vec<String>>,
        failures: usize,
    }

    impl FlakySink {
        fn new(failures: usize) -> Self {
            Self { sent: Mutex::default(), failures }
        }

        fn sent(&self) -> Vec<String> {
            self.sent.lock().unwrap().clone()
        }
    }

    #[async_trait]
    impl AlertSink for FlakySink {
        fn name(&self) -> &'static str {
            "shaky"
        }

        async fn notify(&self, alert: &Alert, files: &[MediaFile]) -> Result<(), String> {
            let mut sent = self.sent.lock().unwrap();
            sent.push(if files.is_empty() { alert.id.to_string() } else { counted(files) });
            if sent.len() <= self.failures { Err("away".to_owned()) } else { Ok(()) }
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
            bot_answers: false,
            handling: Handling::default(),
        }
    }

    /// A notifier at a second; each is a process of its own.
    fn at(store: &Arc<dyn Store>, second: i64) -> AlertNotifier {
        let now = begin() + SignedDuration::from_secs(second);
        AlertNotifier::new(Arc::clone(store), Vec::new(), Arc::new(move || now))
    }

    #[tokio::test]
    async fn an_alert_is_sent_until_it_is_accepted_and_then_no_more_also_after_a_restart() {
        let store: Arc<dyn Store> = Arc::new(SqliteStore::scratch().unwrap());
        store.open_alert(&alert("ALERT_1", "a", Priority::High, 0)).await.unwrap();
        store.open_alert(&alert("ALERT_OLD", "b", Priority::High, 25)).await.unwrap();
        let sink = FlakySink::new(1);
        at(&store, 0).poll(&sink).await.unwrap();
        at(&store, 1).poll(&sink).await.unwrap();
        assert_eq!(sink.sent().len(), 1, "an attempt has some time");
        for second in [31, 32, 90, 3_600] {
            at(&store, second).poll(&sink).await.unwrap();
        }
        assert_eq!(sink.sent(), ["ALERT_1", "ALERT_1"]);
    }

    #[tokio::test]
    async fn what_the_customer_sent_goes_with_the_alert() {
        let store: Arc<dyn Store> = Arc::new(SqliteStore::scratch().unwrap());
        let alert = Alert { user_id: UserId::new("919876543210"), ..alert("ALERT_1", "", Priority::High, 0) };
        store.open_alert(&alert).await.unwrap();
        let old = MediaFile { at: begin() - SignedDuration::from_hours(25), ..file(Media::Video, "old") };
        let photos = ["one", "two"].map(|id| MediaFile { at: begin(), ..file(Media::Image, id) });
        store.note_media(&[vec![old], photos.to_vec()].concat()).await.unwrap();
        let sink = FlakySink::new(0);
        at(&store, 1).poll(&sink).await.unwrap();
        assert_eq!(sink.sent(), ["2 photos"]);
    }

    #[tokio::test]
    async fn an_unreachable_sink_gets_one_attempt_in_each_poll_and_every_alert_in_the_end_the_urgent_first() {
        let store: Arc<dyn Store> = Arc::new(SqliteStore::scratch().unwrap());
        let count = usize::try_from(BATCH).unwrap() + 20;
        for number in 0..count {
            let id = format!("ALERT_{number}");
            store.open_alert(&alert(&id, &id, Priority::Low, 2)).await.unwrap();
        }
        let sink = FlakySink::new(2);
        at(&store, 0).poll(&sink).await.unwrap();
        at(&store, 2).poll(&sink).await.unwrap();
        assert_eq!(sink.sent().len(), 2);
        store.open_alert(&alert("URGENT", "u", Priority::High, 1)).await.unwrap();
        for second in [4, 6, 40] {
            at(&store, second).poll(&sink).await.unwrap();
        }
        let mut sent = sink.sent();
        assert!(sent[2..].iter().position(|id| id == "URGENT").unwrap() < 3, "{sent:?}");
        assert_eq!(sent.len(), count + 3, "two were sent twice");
        sent.sort();
        sent.dedup();
        assert_eq!(sent.len(), count + 1);
    }
}
