//! How many failed logins a client may have, under one name and under all names.
//!
//! A browser that somebody has logged in with is known by a cookie, and counted by itself: what strangers try from the same
//! address locks nobody out who works there. An address that many share, such as a proxy's, has no limit under all names.
//! Its memory is bounded: where too much would be counted, what was counted first is forgotten, and nobody is refused for it.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::http::client::Client;

/// Failed logins of one client under one name within [`WINDOW`]; the same from an address that many share; and of one client
/// under all names.
const MAX_FAILURES: u32 = 5;
const MAX_SHARED_FAILURES: u32 = 30;
const MAX_FAILURES_OF_CLIENT: u32 = 30;
const WINDOW: Duration = Duration::from_mins(5);
/// Pairs of client and name whose failures are counted at most.
const MAX_KEYS: usize = 10_000;

/// Who tries to log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Applicant {
    /// Somebody at an address.
    Client(Client),
    /// A browser that this name was logged in with before, by its own number.
    Device(String),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Source {
    Address(IpAddr),
    Device(String),
}

/// Failed logins by source and name (`None`: under all names): how many, and when the first was.
type Failures = HashMap<(Source, Option<String>), (u32, Instant)>;

/// The limit of failed logins.
#[derive(Default)]
pub(super) struct LoginLimit(Mutex<Failures>);

impl Applicant {
    fn source(&self) -> Source {
        match self {
            Self::Client(client) => Source::Address(client.address),
            Self::Device(number) => Source::Device(number.clone()),
        }
    }

    /// Failures that it may have under one name, and under all names.
    fn limits(&self) -> (u32, u32) {
        match self {
            Self::Client(client) if client.shared => (MAX_SHARED_FAILURES, u32::MAX),
            Self::Client(_) | Self::Device(_) => (MAX_FAILURES, MAX_FAILURES_OF_CLIENT),
        }
    }
}

impl LoginLimit {
    fn failures(&self) -> MutexGuard<'_, Failures> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether somebody may try to log in under a name once more.
    pub(super) fn may_attempt(&self, who: &Applicant, name: &str) -> bool {
        let (of_name, of_all) = who.limits();
        let failures = self.failures();
        let below = |name: Option<String>, limit: u32| {
            let known = failures.get(&(who.source(), name));
            known.is_none_or(|(count, since)| *count < limit || since.elapsed() >= WINDOW)
        };
        below(Some(name.to_owned()), of_name) && below(None, of_all)
    }

    /// Counts a failed login.
    pub(super) fn record_failure(&self, who: &Applicant, name: &str) {
        let mut failures = self.failures();
        if failures.len() >= MAX_KEYS {
            failures.retain(|_, (_, since)| since.elapsed() < WINDOW);
        }
        for key in [(who.source(), Some(name.to_owned())), (who.source(), None)] {
            if failures.len() >= MAX_KEYS
                && !failures.contains_key(&key)
                && let Some(oldest) = failures.iter().min_by_key(|(_, (_, since))| *since).map(|(key, _)| key.clone())
            {
                failures.remove(&oldest);
            }
            let entry = failures.entry(key).or_insert((0, Instant::now()));
            if entry.1.elapsed() >= WINDOW {
                *entry = (0, Instant::now());
            }
            entry.0 = entry.0.saturating_add(1);
        }
    }

    /// Takes back a failure that was counted ahead. Failures under other names remain: somebody who can log in must not get
    /// unlimited guesses at somebody else's password.
    pub(super) fn record_success(&self, who: &Applicant, name: &str) {
        let mut failures = self.failures();
        failures.remove(&(who.source(), Some(name.to_owned())));
        if let Some((count, _)) = failures.get_mut(&(who.source(), None)) {
            *count = count.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(last: u8, shared: bool) -> Applicant {
        Applicant::Client(Client { address: IpAddr::from([10, 0, 0, last]), shared })
    }

    #[test]
    fn a_flood_of_logins_is_stopped() {
        let limit = LoginLimit::default();
        let (one, other) = (client(1, false), client(2, false));
        for _ in 0..MAX_FAILURES {
            assert!(limit.may_attempt(&one, "lead"));
            limit.record_failure(&one, "lead");
        }
        assert!(
            !limit.may_attempt(&one, "lead") && limit.may_attempt(&other, "lead") && limit.may_attempt(&one, "desk")
        );
        // Logging in oneself gives no further guesses at somebody else's password.
        limit.record_failure(&one, "desk");
        limit.record_success(&one, "desk");
        assert!(!limit.may_attempt(&one, "lead") && limit.may_attempt(&one, "desk"));
        for number in 0..MAX_FAILURES_OF_CLIENT {
            limit.record_failure(&one, &format!("name{number}"));
        }
        assert!(
            !limit.may_attempt(&one, "desk") && limit.may_attempt(&other, "desk"),
            "names do not multiply the attempts"
        );
    }

    #[test]
    fn what_strangers_do_from_a_proxys_address_locks_no_team_out() {
        let limit = LoginLimit::default();
        let proxy = client(1, true);
        for number in 0..1_000 {
            limit.record_failure(&proxy, &format!("name{number}"));
        }
        assert!(limit.may_attempt(&proxy, "desk"), "others' names are others' names");
        for _ in 0..MAX_SHARED_FAILURES {
            assert!(limit.may_attempt(&proxy, "lead"));
            limit.record_failure(&proxy, "lead");
        }
        assert!(!limit.may_attempt(&proxy, "lead"), "guesses at one name are limited all the same");
        let known = Applicant::Device("a browser of lead's".to_owned());
        assert!(limit.may_attempt(&known, "lead"), "who has logged in there before is none of them");
        (0..MAX_FAILURES).for_each(|_| limit.record_failure(&known, "lead"));
        assert!(!limit.may_attempt(&known, "lead"), "a cookie gives no unlimited guesses either");
    }

    #[test]
    fn its_memory_is_bounded_and_nobody_is_refused_for_it() {
        let limit = LoginLimit::default();
        for number in 0..MAX_KEYS + 100 {
            limit.record_failure(&client(1, true), &number.to_string());
        }
        assert!(limit.failures().len() <= MAX_KEYS);
        assert!(limit.may_attempt(&client(2, false), "lead"));
    }
}
