//! The sessions of clients of the older generation: how many there may be, and which ends for a new one.
//!
//! Each holds memory until its client ends it, which many never do, or until it was silent for [`EXPIRY`].

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::Stream;
use rmcp::model::{ClientJsonRpcMessage, ServerJsonRpcMessage};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::session::{ServerSseMessage, SessionId, SessionManager};

/// After this time without a request a session ends; its client is told with 404, and begins a new one.
const EXPIRY: Duration = Duration::from_mins(5);
/// How long a session waits for its first request.
const FIRST_REQUEST: Duration = Duration::from_secs(10);
/// Sessions at the same time; where there are more, the one that was silent for the longest ends.
const MAX_SESSIONS: usize = 400;

/// All sessions of the server.
#[derive(Debug)]
pub(super) struct Sessions {
    inner: LocalSessionManager,
    /// When each was last used.
    used: Mutex<HashMap<SessionId, Instant>>,
    most: usize,
}

impl Default for Sessions {
    fn default() -> Self {
        Self::at_most(MAX_SESSIONS)
    }
}

type Error = <LocalSessionManager as SessionManager>::Error;

impl Sessions {
    fn at_most(most: usize) -> Self {
        let mut inner = LocalSessionManager::default();
        inner.session_config.keep_alive = Some(EXPIRY);
        inner.session_config.init_timeout = Some(FIRST_REQUEST);
        Self { inner, used: Mutex::default(), most }
    }

    fn used(&self) -> MutexGuard<'_, HashMap<SessionId, Instant>> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn touch(&self, id: &SessionId) {
        if let Some(used) = self.used().get_mut(id) {
            *used = Instant::now();
        }
    }

    /// Takes those off the list that have to end before another one may begin.
    fn surplus(&self) -> Vec<SessionId> {
        let mut used = self.used();
        let mut surplus = Vec::new();
        while used.len() >= self.most {
            let Some(oldest) = used.iter().min_by_key(|(_, used)| **used).map(|(id, _)| id.clone()) else { break };
            used.remove(&oldest);
            surplus.push(oldest);
        }
        surplus
    }
}

impl SessionManager for Sessions {
    type Error = Error;
    type Transport = <LocalSessionManager as SessionManager>::Transport;

    async fn create_session(&self) -> Result<(SessionId, Self::Transport), Error> {
        for id in self.surplus() {
            // What it was doing runs to its end; one that has ended by itself is no fault.
            let _ = self.inner.close_session(&id).await;
        }
        let (id, transport) = self.inner.create_session().await?;
        self.used().insert(id.clone(), Instant::now());
        Ok((id, transport))
    }

    async fn initialize_session(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<ServerJsonRpcMessage, Error> {
        self.inner.initialize_session(id, message).await
    }

    async fn has_session(&self, id: &SessionId) -> Result<bool, Error> {
        self.touch(id);
        self.inner.has_session(id).await
    }

    async fn close_session(&self, id: &SessionId) -> Result<(), Error> {
        self.used().remove(id);
        self.inner.close_session(id).await
    }

    async fn create_stream(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Error> {
        self.inner.create_stream(id, message).await
    }

    async fn accept_message(&self, id: &SessionId, message: ClientJsonRpcMessage) -> Result<(), Error> {
        self.inner.accept_message(id, message).await
    }

    async fn create_standalone_stream(
        &self,
        id: &SessionId,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Error> {
        self.inner.create_standalone_stream(id).await
    }

    async fn resume(
        &self,
        id: &SessionId,
        last_event_id: String,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Error> {
        self.inner.resume(id, last_event_id).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_session_that_was_silent_for_the_longest_ends_for_a_new_one() {
        let sessions = Sessions::at_most(3);
        let mut begun = Vec::new();
        for _ in 0..3 {
            begun.push(sessions.create_session().await.unwrap());
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        assert!(sessions.has_session(&begun[0].0).await.unwrap(), "the first is used again");
        begun.push(sessions.create_session().await.unwrap());
        let mut there = Vec::new();
        for (id, _) in &begun {
            there.push(sessions.has_session(id).await.unwrap());
        }
        assert_eq!(there, [true, false, true, true]);
        sessions.close_session(&begun[0].0).await.unwrap();
        assert_eq!(sessions.inner.sessions.read().await.len(), 2);
        assert_eq!(sessions.used().len(), 2);
    }

    #[tokio::test]
    async fn a_thousand_more_take_no_more_memory() {
        let sessions = Sessions::at_most(10);
        for _ in 0..1_000 {
            sessions.create_session().await.unwrap();
        }
        assert_eq!(sessions.inner.sessions.read().await.len(), 10);
        assert_eq!(sessions.used().len(), 10);
    }
}
