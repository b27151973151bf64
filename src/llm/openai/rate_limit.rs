//! How long to wait before the next request, by the rate-limit headers of earlier answers.
//!
//! Our own and not a rate limiter's crate: those hold to a quota that is configured here, while these limits are the
//! service's and change with every answer. It must never let a request out earlier than the service allows.

use std::time::{Duration, Instant};

use reqwest::header::HeaderMap;

/// The limits of one model, as its service last reported them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct RateLimit {
    /// No request before this time.
    until: Option<Instant>,
    /// Tokens left, and when they are reset.
    tokens: Option<(u64, Instant)>,
}

impl RateLimit {
    /// Takes the headers of an answer; `limited`: the service refused because of its limits.
    pub(super) fn update(&mut self, headers: &HeaderMap, limited: bool, now: Instant) {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let number = |name: &str| text(name).and_then(|text| text.trim().parse::<u64>().ok());
        let span = |name: &str| text(name).and_then(span);
        let mut until = None;
        if let (Some(0), Some(reset)) = (number("x-ratelimit-remaining-requests"), span("x-ratelimit-reset-requests")) {
            until = Some(now + reset);
        }
        if let (Some(left), Some(reset)) = (number("x-ratelimit-remaining-tokens"), span("x-ratelimit-reset-tokens")) {
            self.tokens = Some((left, now + reset));
        }
        if limited && let Some(wait) = retry_after(headers) {
            until = until.max(Some(now + wait));
        }
        self.until = until.or(self.until.filter(|until| *until > now));
    }

    /// How long a request of about so many tokens has to wait.
    pub(super) fn wait(&self, tokens: u64, now: Instant) -> Duration {
        let until = self.until.into_iter();
        let short = self.tokens.filter(|(left, _)| *left < tokens).map(|(_, reset)| reset);
        until.chain(short).max().map_or(Duration::ZERO, |until| until.saturating_duration_since(now))
    }
}

/// The seconds of `retry-after`, five minutes at most.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("retry-after")?.to_str().ok()?;
    let seconds = text.trim().parse::<f64>().ok()?;
    Duration::try_from_secs_f64(seconds).ok().map(|wait| wait.min(MAX_SPAN))
}

/// The longest time that is believed.
const MAX_SPAN: Duration = Duration::from_mins(5);

/// Reads `6s`, `1.57s`, `2m59.56s`, `1h2m`, `120ms` and plain seconds.
fn span(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut sum = 0.0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(rest.len());
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let unit = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        sum += number
            * match &rest[..unit] {
                "ms" => 0.001,
                "s" | "" => 1.0,
                "m" => 60.0,
                "h" => 3_600.0,
                "d" => 86_400.0,
                _ => return None,
            };
        rest = &rest[unit..];
    }
    Duration::try_from_secs_f64(sum).ok().map(|span| span.min(MAX_SPAN))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn spans_are_read() {
        for (text, milliseconds) in
            [("6s", 6_000), ("1.57s", 1_570), ("2m59.5s", 179_500), ("120ms", 120), ("7", 7_000), ("1h", 300_000)]
        {
            assert_eq!(span(text), Some(Duration::from_millis(milliseconds)), "{text}");
        }
        for text in ["", "soon", "1x", "s", "-1s", "."] {
            assert_eq!(span(text), None, "{text}");
        }
    }

    #[test]
    fn limits_are_kept_to() {
        let now = Instant::now();
        let mut limit = RateLimit::default();
        assert_eq!(limit.wait(5_000, now), Duration::ZERO);
        let tokens = [("x-ratelimit-remaining-tokens", "1000"), ("x-ratelimit-reset-tokens", "1.5s")];
        limit.update(&headers(&tokens), false, now);
        assert_eq!(limit.wait(900, now), Duration::ZERO);
        assert_eq!(limit.wait(5_000, now), Duration::from_millis(1_500));
        assert_eq!(limit.wait(5_000, now + Duration::from_secs(2)), Duration::ZERO);
        let requests = [("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", "6s")];
        limit.update(&headers(&requests), false, now);
        assert_eq!(limit.wait(1, now), Duration::from_secs(6));
        limit.update(&headers(&[("retry-after", "10")]), true, now);
        assert_eq!(limit.wait(1, now), Duration::from_secs(10));
        limit.update(&headers(&[]), false, now);
        assert_eq!(limit.wait(1, now), Duration::from_secs(10), "an answer that says nothing changes nothing");
    }
}
