//! Decides how this program speaks HTTP to others: time limits, no redirects, one provider of cryptography.
//!
//! It must never follow a redirect, which would carry a key to whoever answers, nor wait for an answer without end.

use std::time::Duration;

/// How long a connection may stay unused.
const IDLE: Duration = Duration::from_secs(60);

/// Why no client could be made.
#[derive(Debug, thiserror::Error)]
#[error("no HTTP client can be made: {0}")]
pub struct NetError(String);

impl NetError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        Some("the system gave no certificates or no sockets: install ca-certificates, or see its limits".to_owned())
    }
}

/// A client for another service. `connect`: how long connecting may take; `request`: how long a request may take in
/// all, `None` where the caller limits each of them.
///
/// # Errors
/// When the system's certificates cannot be used.
pub fn client(connect: Duration, request: Option<Duration>) -> Result<reqwest::Client, NetError> {
    provide_cryptography();
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("ecomres/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(connect)
        .pool_idle_timeout(IDLE)
        .redirect(reqwest::redirect::Policy::none());
    if let Some(request) = request {
        builder = builder.timeout(request);
    }
    builder.build().map_err(|error| NetError(innermost(&error)))
}

/// Sets the one provider of cryptography; where one is set already, this changes nothing.
pub fn provide_cryptography() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// What an error says at its root, where the cause is; the outer ones name addresses.
pub fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
