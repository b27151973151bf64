//! A transport that makes something of every answer to `server/discover`: one that is none of the protocol's (some servers
//! answer anything with `{}`) means that the server is older, and one that comes after `initialize` was sent is too late.

use rmcp::model::{ClientRequest, ErrorCode, ErrorData, JsonRpcMessage, RequestId, ServerJsonRpcMessage, ServerResult};
use rmcp::service::{RoleClient, RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::Transport;
use serde_json::Value;

/// See the module.
pub(super) struct Probing<T> {
    inner: T,
    /// The ids of the requests for discovery.
    asked: Vec<RequestId>,
    /// Whether the handshake of before was begun.
    initializing: bool,
}

impl<T> Probing<T> {
    pub(super) fn new(inner: T) -> Self {
        Self { inner, asked: Vec::new(), initializing: false }
    }

    fn asked(&self, id: &RequestId) -> bool {
        // Some servers give a number back as a text.
        let text = |id: &RequestId| match id.clone().into_json_value() {
            Value::String(text) => text,
            number => number.to_string(),
        };
        self.asked.iter().any(|asked| text(asked) == text(id))
    }

    /// What becomes of a message; `None`: it is passed over.
    fn sort(&self, message: RxJsonRpcMessage<RoleClient>) -> Option<RxJsonRpcMessage<RoleClient>> {
        let id = match &message {
            JsonRpcMessage::Response(response) => Some(response.id.clone()),
            JsonRpcMessage::Error(error) => error.id.clone(),
            _ => None,
        };
        let Some(id) = id.filter(|id| self.asked(id)) else { return Some(message) };
        if self.initializing {
            tracing::debug!("an answer to server/discover came late");
            return None;
        }
        match message {
            JsonRpcMessage::Response(response) if !matches!(response.result, ServerResult::DiscoverResult(_)) => {
                let error = ErrorData::new(ErrorCode::METHOD_NOT_FOUND, "server/discover has no result", None);
                Some(ServerJsonRpcMessage::error(error, Some(id)))
            }
            other => Some(other),
        }
    }
}

impl<T: Transport<RoleClient>> Transport<RoleClient> for Probing<T> {
    type Error = T::Error;

    fn send(
        &mut self,
        item: TxJsonRpcMessage<RoleClient>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        if let JsonRpcMessage::Request(request) = &item {
            match &request.request {
                ClientRequest::DiscoverRequest(_) => self.asked.push(request.id.clone()),
                ClientRequest::InitializeRequest(_) => self.initializing = true,
                _ => {}
            }
        }
        self.inner.send(item)
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleClient>> {
        loop {
            let message = self.inner.receive().await?;
            if let Some(message) = self.sort(message) {
                return Some(message);
            }
        }
    }

    async fn close(&mut self) -> Result<(), Self::Error> {
        self.inner.close().await
    }
}
