//! A circuit breaker: after failures in a row no requests are sent for a while, then one trial decides.
//!
//! Our own and not a crate's: those wrap the future of a request and read a clock themselves, while here a request also
//! ends with the turn's deadline, the playbook answers meanwhile, and tests set the time. It must never let more than one
//! trial through before the service has answered.

use std::time::{Duration, Instant};

/// The settings of a [`Breaker`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Failures in a row after which it opens.
    pub failures: u32,
    /// How long it stays open, and how long a trial may take.
    pub pause: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// All requests are allowed.
    Closed { failures: u32 },
    /// No request is allowed until then.
    Open { until: Instant },
    /// One trial is under way; if it never ends, another is allowed then.
    Trial { until: Instant },
}

/// A circuit breaker without a clock of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breaker {
    settings: Settings,
    state: State,
}

impl Breaker {
    /// A closed breaker.
    pub fn new(settings: Settings) -> Self {
        Self { settings, state: State::Closed { failures: 0 } }
    }

    /// Whether a request may be sent now. After the pause the first one that asks becomes the trial.
    pub fn allows(&mut self, now: Instant) -> bool {
        match self.state {
            State::Closed { .. } => true,
            State::Open { until } | State::Trial { until } if now < until => false,
            State::Open { .. } | State::Trial { .. } => {
                self.state = State::Trial { until: now + self.settings.pause };
                true
            }
        }
    }

    /// The service answered.
    pub fn succeeded(&mut self) {
        self.state = State::Closed { failures: 0 };
    }

    /// The service failed. Returns whether this opened the breaker.
    pub fn failed(&mut self, now: Instant) -> bool {
        let failures = match self.state {
            State::Closed { failures } => failures.saturating_add(1),
            State::Trial { .. } => self.settings.failures,
            // A request from before it opened.
            State::Open { .. } => return false,
        };
        if failures < self.settings.failures {
            self.state = State::Closed { failures };
            return false;
        }
        self.state = State::Open { until: now + self.settings.pause };
        true
    }

    /// Whether requests are refused.
    pub fn is_open(&self, now: Instant) -> bool {
        matches!(self.state, State::Open { until } | State::Trial { until } if now < until)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SETTINGS: Settings = Settings { failures: 3, pause: Duration::from_secs(30) };

    #[derive(Debug, Clone, Copy)]
    enum Event {
        Ask,
        Success,
        RequestError,
        Wait(u64),
    }

    fn event() -> impl Strategy<Value = Event> {
        prop_oneof![
            3 => Just(Event::Ask),
            1 => Just(Event::Success),
            3 => Just(Event::RequestError),
            2 => (0..40_u64).prop_map(Event::Wait),
        ]
    }

    #[test]
    fn it_opens_waits_tries_once_and_closes() {
        let mut now = Instant::now();
        let mut breaker = Breaker::new(SETTINGS);
        assert!(!breaker.failed(now) && !breaker.failed(now) && breaker.allows(now));
        assert!(breaker.failed(now));
        assert!(!breaker.allows(now) && breaker.is_open(now));
        now += SETTINGS.pause;
        assert!(breaker.allows(now), "the trial");
        assert!(!breaker.allows(now), "a second one beside it");
        assert!(breaker.failed(now), "a trial that fails opens it at once");
        now += SETTINGS.pause;
        assert!(breaker.allows(now));
        breaker.succeeded();
        assert!(breaker.allows(now) && !breaker.is_open(now));
    }

    proptest! {
        #[test]
        fn open_means_open_and_one_trial_at_a_time(events in proptest::collection::vec(event(), 0..200)) {
            let start = Instant::now();
            let mut now = start;
            let mut breaker = Breaker::new(SETTINGS);
            let mut row = 0_u32;
            let mut opened: Option<Instant> = None;
            let mut trial: Option<Instant> = None;
            for event in events {
                match event {
                    Event::Wait(seconds) => now += Duration::from_secs(seconds),
                    Event::Success => {
                        breaker.succeeded();
                        (row, opened, trial) = (0, None, None);
                        prop_assert!(breaker.allows(now), "a success lets all through");
                    }
                    Event::RequestError => {
                        row += 1;
                        if breaker.failed(now) {
                            prop_assert!(row >= SETTINGS.failures, "opened after {} failures", row);
                            (opened, trial) = (Some(now), None);
                        }
                    }
                    Event::Ask => {
                        let allowed = breaker.allows(now);
                        if let Some(at) = opened {
                            let paused = now.duration_since(at) < SETTINGS.pause;
                            let tried = trial.is_some_and(|at| now.duration_since(at) < SETTINGS.pause);
                            prop_assert_eq!(allowed, !paused && !tried);
                            if allowed {
                                trial = Some(now);
                            }
                        } else {
                            prop_assert!(allowed && row < SETTINGS.failures);
                        }
                    }
                }
            }
            now += SETTINGS.pause;
            prop_assert!(breaker.allows(now), "it is never open for ever");
        }
    }
}
