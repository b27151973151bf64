//! The HTTP client for other services: with time limits, one provider of cryptography, and without redirects.
//!
//! A redirect is never followed: it would carry an API key to another server.

use std::time::Duration;

/// How long an unused connection stays open.
const IDLE: Duration = Duration::from_mins(1);

/// A client that could not be created.
#[derive(Debug, thiserror::Error)]
#[error("no HTTP client can be made: {0}")]
pub struct NetError(String);

impl NetError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        Some("the system gave no certificates or no sockets: install ca-certificates, or see its limits".to_owned())
    }
}

/// A client for another service. `connect` limits connecting, `request` a whole request; `None` where the caller limits
/// each request.
///
/// # Errors
/// When the system's certificates cannot be used.
#[expect(clippy::disallowed_methods, reason = "only this module makes HTTP clients")]
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

/// Installs the provider of cryptography (`ring`); where one is installed already, this changes nothing.
pub fn provide_cryptography() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// The message of the innermost cause of an error. The outer messages can name addresses, which may hold secrets.
pub fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
