//! Reads the answers of payment services over HTTP, whatever comes: what is not understood is unknown, never a failure.

use std::time::Duration;

use reqwest::{RequestBuilder, Response, StatusCode, Url};
use serde_json::Value;

use crate::domain::words::excerpt;
use crate::net::{self, NetError};

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long a request may take. Payment services answer within seconds; who waits longer looks it up.
const REQUEST: Duration = Duration::from_secs(20);
/// The largest answer that is read, in bytes: a hundred refunds with their notes.
const LARGEST: usize = 4 * 1024 * 1024;

/// A client for a payment service.
pub(super) fn client() -> Result<reqwest::Client, NetError> {
    net::client(CONNECT, Some(REQUEST))
}

/// What came of a request.
pub(super) enum Answer {
    /// An answer with its JSON (null where it is none).
    Came(StatusCode, Value),
    /// Nothing left: there is no connection.
    NotSent(String),
    /// It left, and no whole answer came.
    Lost(String),
}

pub(super) async fn ask(request: RequestBuilder) -> Answer {
    match request.send().await {
        Ok(response) => {
            let status = response.status();
            match body(response).await {
                Ok(value) => Answer::Came(status, value),
                Err(reason) => Answer::Lost(reason),
            }
        }
        Err(error) => {
            let connecting = error.is_connect() || error.is_builder();
            let reason = net::innermost(&error.without_url());
            if connecting { Answer::NotSent(reason) } else { Answer::Lost(reason) }
        }
    }
}

async fn body(mut response: Response) -> Result<Value, String> {
    let mut bytes = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if bytes.len() + chunk.len() > LARGEST => return Err("the answer is too large".to_owned()),
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) => return Ok(serde_json::from_slice(&bytes).unwrap_or(Value::Null)),
            Err(error) => return Err(net::innermost(&error.without_url())),
        }
    }
}

/// An address with parameters.
pub(super) fn with_query(address: &str, parameters: &[(&str, &str)]) -> String {
    format!("{address}?{}", form(parameters))
}

/// Parameters as a form holds them.
pub(super) fn form(parameters: &[(&str, &str)]) -> String {
    let mut url = Url::parse("form:/").ok();
    if let Some(url) = &mut url {
        url.query_pairs_mut().extend_pairs(parameters);
    }
    url.as_ref().and_then(Url::query).unwrap_or_default().to_owned()
}

/// What a service says is wrong, shortened.
pub(super) fn said(status: StatusCode, text: Option<&str>) -> String {
    match text.map(str::trim).filter(|text| !text.is_empty()) {
        Some(text) => format!("{} (HTTP {})", excerpt(text, 300), status.as_u16()),
        None => format!("HTTP {}", status.as_u16()),
    }
}

/// A text field that is not empty.
pub(super) fn text(value: &Value, name: &str) -> Option<String> {
    value[name].as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// The address of a service without a slash at its end.
pub(super) fn base(url: &str) -> String {
    url.trim().trim_end_matches('/').to_owned()
}
