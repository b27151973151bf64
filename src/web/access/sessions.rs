//! Sessions of those who have logged in: in memory, and in the store, so that they survive a restart. What is stored opens nothing:
//! it is a digest of the key, sealed with the secrets that the login was made with, so that it ends when they change. Where the secret
//! is a short token the seal would tell it to whoever tries all of them, so such a session is in memory alone.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::HeaderMap;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{Access, COOKIE, Session, cookies, lock, random};
use crate::domain::desk::{EntryKind, TeamEntry};
use crate::store::{Result, Store};
use crate::web::users::{Credentials, Member, constant_time_eq};

/// How long a session is valid.
pub(super) const SESSION_LIFETIME: Duration = Duration::from_hours(12);
/// Sessions at the same time; where there are more, the oldest is removed.
const MAX_SESSIONS: usize = 1_000;
/// How long a session that another process may have ended is taken for one.
const CHECKED_FOR: SignedDuration = SignedDuration::from_secs(30);
/// The name of a session's entry: its owner is the digest of its key.
const ENTRY: &str = "key";

/// A session of somebody who has logged in.
pub(super) struct StoredSession {
    csrf: String,
    until: Instant,
    /// The name of the login; empty: the secret of the whole team.
    pub(super) login: String,
    /// What it was begun with.
    known: Arc<Credentials>,
    /// When it was last found in the store; `None` where it is in memory alone.
    checked: Option<Timestamp>,
}

/// What the store holds of a session.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    /// The name of the login; empty: the secret of the whole team.
    login: String,
    /// Until when it holds.
    until: Timestamp,
    /// What only the server can have made, while the secrets of the login are the same.
    seal: String,
}

fn digest(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

/// The CSRF token of a session: known to whoever has its key.
fn csrf_of(key: &str) -> String {
    digest(&format!("forms of {key}"))
}

impl Access {
    pub(super) fn session(&self, headers: &HeaderMap) -> Option<Session> {
        if self.alone {
            return Some(Session { csrf: self.shared_csrf.clone(), logged_in: false, member: Member::unnamed() });
        }
        let mut sessions = lock(&self.sessions);
        sessions.retain(|_, session| session.until > Instant::now());
        // Whoever was removed, or has another role or password by now, has none any more.
        let holds = |session: &&StoredSession| self.users.still_holds(&session.login, &session.known);
        let session = cookies(headers, COOKIE).find_map(|key| sessions.get(key.as_str()).filter(holds))?;
        let (csrf, member) = (session.csrf.clone(), session.known.member().clone());
        Some(Session { csrf, logged_in: true, member })
    }

    /// The session of a request, also where it began in another process or before a restart. One that another process ended is
    /// none any more.
    pub(in crate::web) async fn current(
        &self,
        store: &dyn Store,
        headers: &HeaderMap,
        now: Timestamp,
    ) -> Option<Session> {
        self.read_added(store, false).await;
        self.check_again(store, headers, now).await;
        match self.session(headers) {
            Some(session) => Some(session),
            None => self.restored(store, headers, now).await,
        }
    }

    /// Looks into the store whether the session of a request is still there, and drops it where it is gone.
    async fn check_again(&self, store: &dyn Store, headers: &HeaderMap, now: Timestamp) {
        let is_due = |session: &StoredSession| {
            session.checked.is_some_and(|at| at.saturating_add(CHECKED_FOR).is_ok_and(|end| end <= now))
        };
        let due: Vec<String> = {
            let sessions = lock(&self.sessions);
            cookies(headers, COOKIE).filter(|key| sessions.get(key.as_str()).is_some_and(is_due)).collect()
        };
        for key in due {
            match store.entries(EntryKind::Session, Some(&digest(&key))).await {
                Ok(entries) if entries.is_empty() => _ = lock(&self.sessions).remove(key.as_str()),
                Ok(_) => {
                    if let Some(session) = lock(&self.sessions).get_mut(key.as_str()) {
                        session.checked = Some(now);
                    }
                }
                // A short outage of the store logs nobody out.
                Err(error) => tracing::warn!(%error, "sessions cannot be read"),
            }
        }
    }

    /// The session of a request that began in another process, or before a restart.
    pub(in crate::web) async fn restored(
        &self,
        store: &dyn Store,
        headers: &HeaderMap,
        now: Timestamp,
    ) -> Option<Session> {
        if self.alone {
            return None;
        }
        for key in cookies(headers, COOKIE).filter(|key| key.len() == 2 * 32).take(2) {
            let owner = digest(&key);
            let entries = store.entries(EntryKind::Session, Some(&owner)).await;
            let entries = entries.inspect_err(|error| tracing::warn!(%error, "sessions cannot be read")).ok()?;
            let kept = entries.first().and_then(|entry| serde_json::from_str::<Kept>(&entry.value).ok());
            let Some(kept) = kept.filter(|kept| now < kept.until) else { continue };
            let Some(known) = self.users.find(&kept.login) else { continue };
            let sealed = known.session_seal(&kept.login, &owner);
            if !sealed.is_some_and(|seal| constant_time_eq(&seal, &kept.seal)) {
                continue;
            }
            let left = kept.until.duration_since(now).unsigned_abs().min(SESSION_LIFETIME);
            self.hold(&key, (&kept.login, &known), (left, Some(now)));
            return self.session(headers);
        }
        None
    }

    /// Starts a session of whoever logged in by a name with what was found, and returns its key. `None` where that is not what it
    /// takes any more: checking a password takes a moment, in which an admin may have changed the member.
    ///
    /// # Errors
    /// When it cannot be stored.
    pub(super) async fn start_session(
        &self,
        store: &dyn Store,
        (login, known): (&str, &Arc<Credentials>),
        now: Timestamp,
    ) -> Result<Option<String>> {
        if !self.users.still_holds(login, known) {
            return Ok(None);
        }
        let key = random();
        let owner = digest(&key);
        let lifetime = SignedDuration::try_from(SESSION_LIFETIME).unwrap_or_default();
        let until = now.saturating_add(lifetime).unwrap_or(Timestamp::MAX);
        // Of what was checked: where it changes from here on, neither the stored session nor the one in memory is one.
        let seal = known.session_seal(login, &owner);
        let checked = seal.is_some().then_some(now);
        if let Some(seal) = seal {
            forget_ended(store, now).await?;
            let kept = Kept { login: login.to_owned(), until, seal };
            let value = serde_json::to_string(&kept).unwrap_or_default();
            let entry = TeamEntry { kind: EntryKind::Session, owner, name: ENTRY.to_owned(), value, at: now };
            store.save_entry(&entry).await?;
        }
        self.hold(&key, (login, known), (SESSION_LIFETIME, checked));
        Ok(Some(key))
    }

    /// What a request with this key has, which was started a moment ago.
    pub(super) fn started(key: &str, member: Member) -> Session {
        Session { csrf: csrf_of(key), logged_in: true, member }
    }

    fn hold(
        &self,
        key: &str,
        (login, known): (&str, &Arc<Credentials>),
        (lifetime, checked): (Duration, Option<Timestamp>),
    ) {
        let mut sessions = lock(&self.sessions);
        if sessions.len() >= MAX_SESSIONS
            && let Some(oldest) = sessions.iter().min_by_key(|(_, session)| session.until).map(|(key, _)| key.clone())
        {
            sessions.remove(&oldest);
        }
        let (csrf, login, until) = (csrf_of(key), login.to_owned(), Instant::now() + lifetime);
        let session = StoredSession { csrf, until, login, known: Arc::clone(known), checked };
        sessions.insert(key.to_owned(), session);
    }

    /// Ends the sessions of a request.
    ///
    /// # Errors
    /// When the store fails: then it may come back after a restart.
    pub(super) async fn end_sessions(&self, store: &dyn Store, headers: &HeaderMap) -> Result<()> {
        for key in cookies(headers, COOKIE) {
            lock(&self.sessions).remove(key.as_str());
            store.remove_entry(EntryKind::Session, &digest(&key), ENTRY).await?;
        }
        Ok(())
    }
}

/// Removes stored sessions that have ended.
async fn forget_ended(store: &dyn Store, now: Timestamp) -> Result<()> {
    for entry in store.entries(EntryKind::Session, None).await? {
        let kept = serde_json::from_str::<Kept>(&entry.value);
        if !kept.is_ok_and(|kept| now < kept.until) {
            store.remove_entry(EntryKind::Session, &entry.owner, &entry.name).await?;
        }
    }
    Ok(())
}
