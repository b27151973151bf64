//! Publishes signed heads of the audit trail, and watches that what was published is still there: whoever may write the
//! store can put an earlier trail in its place, and only what lies elsewhere tells.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::config::AuditConfig;
use crate::domain::audit::SignedHead;
use crate::net;
use crate::store::{Store, StoreError};

/// How often is looked whether there are entries enough.
const POLL: Duration = Duration::from_secs(5);
/// How long posting a head may take.
const POST: Duration = Duration::from_secs(10);

/// Publishes heads to the log, and posts them where the settings name an address.
pub(super) struct Anchor {
    store: Arc<dyn Store>,
    post: Option<(reqwest::Client, SecretString)>,
    every: Duration,
    entries: u64,
    /// Whether heads go to the log by default.
    logs: bool,
}

impl Anchor {
    /// As the settings say.
    ///
    /// # Errors
    /// When heads are to be posted, and no HTTP client can be made.
    pub(super) fn new(store: Arc<dyn Store>, settings: &AuditConfig) -> anyhow::Result<Self> {
        let url = settings.anchor_url.expose_secret().trim();
        let post = if url.is_empty() { None } else { Some((net::client(POST, Some(POST))?, url.to_owned().into())) };
        let every = Duration::from_secs(u64::from(settings.head_minutes) * 60);
        Ok(Self { store, post, every, entries: settings.head_entries.into(), logs: true })
    }

    /// Logs heads only where more detail is asked for: whoever starts a program over pipes may never read its log, and a full
    /// pipe would stall it.
    #[must_use]
    pub(super) fn without_log(self) -> Self {
        Self { logs: false, ..self }
    }

    /// Publishes until `stop`, and once more then.
    pub(super) async fn run(&self, stop: CancellationToken) {
        let mut last: Option<SignedHead> = None;
        let mut at = tokio::time::Instant::now();
        loop {
            let ending = tokio::select! {
                () = stop.cancelled() => true,
                () = tokio::time::sleep(POLL) => false,
            };
            match self.step(&mut last, at.elapsed() >= self.every, ending).await {
                Ok(true) => at = tokio::time::Instant::now(),
                Ok(false) => {}
                Err(error) => tracing::warn!(%error, "the end of the audit trail could not be published"),
            }
            if ending {
                return;
            }
        }
    }

    /// Publishes a head where there are entries enough, or some and it is time.
    async fn step(&self, last: &mut Option<SignedHead>, is_time: bool, ending: bool) -> Result<bool, StoreError> {
        let length = self.store.audit_length().await?;
        let known = last.as_ref().map_or(0, |head| head.seq);
        let enough = length.abs_diff(known) >= self.entries || is_time || ending || last.is_none();
        if !enough {
            return Ok(false);
        }
        if let Some(head) = last.as_ref()
            && let Some(why) = contradiction(self.store.as_ref(), head).await?
        {
            tracing::error!(%head, "the audit trail is not the one that was published: {why}");
        }
        let Some(head) = current_head(self.store.as_ref(), Timestamp::now()).await? else { return Ok(false) };
        if last.as_ref().is_some_and(|last| (last.seq, &last.hash) == (head.seq, &head.hash)) {
            return Ok(false);
        }
        if self.logs {
            tracing::info!(target: "audit_head", "{head}");
        } else {
            tracing::info!("{head}");
        }
        self.post(&head).await;
        *last = Some(head);
        Ok(true)
    }

    async fn post(&self, head: &SignedHead) {
        let Some((http, url)) = &self.post else { return };
        let (key, mac) = head.signature.as_ref().map_or((None, None), |(key, mac)| (Some(key), Some(mac)));
        let body = json!({
            "event": "audit.head", "seq": head.seq, "hash": head.hash, "at": head.at, "key": key, "mac": mac,
            "head": head.to_string(),
        });
        let posted = http.post(url.expose_secret()).json(&body).send().await;
        // The address may be a secret: it is not shown.
        match posted {
            Ok(answer) if answer.status().is_success() => {}
            Ok(answer) => tracing::warn!(status = answer.status().as_u16(), "[audit] anchor_url refused a head"),
            Err(error) => tracing::warn!(error = net::innermost(&error), "[audit] anchor_url does not answer"),
        }
    }
}

/// The end of the trail, signed where the key is there; `None` where there are no entries.
///
/// # Errors
/// When the store fails.
pub(super) async fn current_head(store: &dyn Store, now: Timestamp) -> Result<Option<SignedHead>, StoreError> {
    let length = store.audit_length().await?;
    let entry = store.audit_entries(length, 1).await?.pop().filter(|_| length > 0);
    let key = store.audit_key();
    Ok(entry.map(|entry| SignedHead::new(entry.seq, &entry.hash, now, key.as_ref().map(|loaded| &loaded.key))))
}

/// How a trail contradicts a head that was published of it, if it does.
///
/// # Errors
/// When the store fails.
pub(super) async fn contradiction(store: &dyn Store, head: &SignedHead) -> Result<Option<String>, StoreError> {
    let day = head.at.strftime("%Y-%m-%d %H:%M:%SZ");
    let length = store.audit_length().await?;
    if let Some(entry) = store.audit_entries(head.seq, 1).await?.pop().filter(|entry| entry.seq == head.seq) {
        if entry.hash == head.hash {
            return Ok(None);
        }
        return Ok(Some(format!("entry {} is another one than the one published on {day}", head.seq)));
    }
    match store.checkpoint().await? {
        Some(cut) if cut.seq == head.seq && cut.hash != head.hash => {
            Ok(Some(format!("entry {}, which was removed for its age, was another one on {day}", head.seq)))
        }
        Some(cut) if cut.seq >= head.seq => Ok(None),
        _ => Ok(Some(format!("it ends at entry {length}, and on {day} it had {} entries", head.seq))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use wiremock::matchers::{body_partial_json, path};
    use wiremock::{Mock, MockServer, ResponseTemplate};

    use super::*;
    use crate::config::Config;
    use crate::domain::audit::{AuditPhase, AuditRecord};
    use crate::store::sqlite::SqliteStore;

    async fn append(store: &dyn Store) {
        let record = AuditRecord {
            at: Timestamp::UNIX_EPOCH,
            actor: "system".to_owned(),
            action: "import".to_owned(),
            phase: AuditPhase::Finished,
            arguments: Value::Null,
            result: Value::Null,
        };
        store.append_audit(&record).await.unwrap();
    }

    #[tokio::test]
    async fn heads_are_posted_when_there_is_something_new() {
        let server = MockServer::start().await;
        Mock::given(path("/heads"))
            .and(body_partial_json(json!({"event": "audit.head"})))
            .respond_with(ResponseTemplate::new(204))
            .mount(&server)
            .await;
        let store: Arc<dyn Store> = Arc::new(SqliteStore::scratch().unwrap());
        let mut settings = Config::defaults().unwrap().audit;
        settings.anchor_url = format!("{}/heads", server.uri()).into();
        settings.head_entries = 2;
        let anchor = Anchor::new(Arc::clone(&store), &settings).unwrap();
        let mut last = None;
        assert!(!anchor.step(&mut last, true, false).await.unwrap(), "there are no entries");
        for (appended, is_time, ending, published) in [
            (1, false, false, true),
            (0, true, true, false),
            (1, false, false, false),
            (1, false, false, true),
            (1, true, false, true),
            (1, false, true, true),
        ] {
            for _ in 0..appended {
                append(store.as_ref()).await;
            }
            assert_eq!(anchor.step(&mut last, is_time, ending).await.unwrap(), published, "{last:?}");
        }
        let posted = server.received_requests().await.unwrap();
        let places: Vec<u64> =
            posted.iter().map(|request| request.body_json::<Value>().unwrap()["seq"].as_u64().unwrap()).collect();
        assert_eq!(places, [1, 3, 4, 5]);
        let body: Value = posted[3].body_json().unwrap();
        let head = SignedHead::find_in(body["head"].as_str().unwrap()).remove(0);
        assert_eq!(contradiction(store.as_ref(), &head).await.unwrap(), None);
        let other = SignedHead { hash: "0".repeat(64), ..head.clone() };
        assert!(contradiction(store.as_ref(), &other).await.unwrap().unwrap().contains("another one"));
        let later = SignedHead { seq: 9, ..head };
        assert!(contradiction(store.as_ref(), &later).await.unwrap().unwrap().contains("ends at entry 5"));
    }
}
