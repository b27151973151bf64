//! One attempt to deliver an event: one request, without redirects, and what its answer means.

use std::time::Duration;

use jiff::fmt::rfc2822;
use jiff::{SignedDuration, Timestamp};
use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use standardwebhooks::{HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP};

use super::Endpoint;
use crate::domain::event::Event;
use crate::net::{self, NetError};

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(10);
/// The longest wait that an endpoint may ask for.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(24);

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The endpoint has it: it answered with this status, 200 to 299.
    Delivered(u16),
    /// It has it not, or said nothing that can be read.
    Failed {
        /// Why, without the address.
        reason: String,
        /// The wait that the endpoint asks for.
        retry_after: Option<SignedDuration>,
    },
    /// It wants no more events: 410.
    Gone,
}

/// Sends events.
#[derive(Debug, Clone)]
pub struct Courier {
    http: reqwest::Client,
    identity: bool,
}

impl Courier {
    /// Sends with a limit of time for each request. `identity`: whether the customer's identity is in what is sent.
    ///
    /// # Errors
    /// When the system gives no certificates.
    pub fn new(timeout: Duration, identity: bool) -> Result<Self, NetError> {
        Ok(Self { http: net::client(CONNECT.min(timeout), Some(timeout))?, identity })
    }

    /// Sends an event once. The body is the same at every attempt, the time of the attempt and the signature are not.
    pub async fn deliver(&self, endpoint: &Endpoint, event: &Event, now: Timestamp) -> Outcome {
        let (id, second) = (event.id.as_str(), now.as_second());
        let body = event.payload(self.identity).to_string();
        let request = self
            .http
            .post(endpoint.url().clone())
            .header(CONTENT_TYPE, "application/json")
            .header(HEADER_WEBHOOK_ID, id)
            .header(HEADER_WEBHOOK_TIMESTAMP, second)
            .header(HEADER_WEBHOOK_SIGNATURE, endpoint.sign(id, second, body.as_bytes()))
            .body(body);
        match request.send().await {
            Ok(answer) => read(answer.status(), answer.headers(), now),
            Err(error) => {
                let reason = if error.is_timeout() {
                    "no answer in time".to_owned()
                } else {
                    net::innermost(&error.without_url())
                };
                Outcome::Failed { reason, retry_after: None }
            }
        }
    }
}

fn read(status: StatusCode, headers: &HeaderMap, now: Timestamp) -> Outcome {
    let code = status.as_u16();
    let reason = match status {
        _ if status.is_success() => return Outcome::Delivered(code),
        StatusCode::GONE => return Outcome::Gone,
        _ if status.is_redirection() => format!("it answers {code}: a redirect, which is not followed"),
        _ => format!("it answers {code}"),
    };
    Outcome::Failed { reason, retry_after: retry_after(headers, now) }
}

/// The wait that a `Retry-After` header asks for: seconds, or a date.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<SignedDuration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = if let Ok(seconds) = text.parse::<u32>() {
        SignedDuration::from_secs(seconds.into())
    } else {
        let date = rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
        date.duration_since(now)
    };
    (wait > SignedDuration::ZERO).then(|| wait.min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_200_to_299_is_a_delivery() {
        let now = Timestamp::UNIX_EPOCH;
        for code in 100..600_u16 {
            let outcome = read(StatusCode::from_u16(code).unwrap(), &HeaderMap::new(), now);
            match code {
                200..=299 => assert_eq!(outcome, Outcome::Delivered(code)),
                410 => assert_eq!(outcome, Outcome::Gone),
                _ => assert!(matches!(outcome, Outcome::Failed { .. }), "{code}"),
            }
        }
    }

    #[test]
    fn a_wait_is_read_in_seconds_or_as_a_date() {
        let now: Timestamp = "2026-06-01T10:00:00Z".parse().unwrap();
        let wait = |text: &str| {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]);
            retry_after(&headers, now).map(|wait| wait.as_secs())
        };
        assert_eq!((wait("120"), wait(" 7 "), wait("Mon, 01 Jun 2026 10:02:00 GMT")), (Some(120), Some(7), Some(120)));
        assert_eq!(wait("4000000000"), Some(86_400), "no longer than a day");
        for none in ["0", "-5", "soon", "", "Mon, 01 Jun 2026 09:00:00 GMT", "99999999999999999999"] {
            assert_eq!(wait(none), None, "{none}");
        }
    }
}
