//! Decides when a service that keeps failing is left alone, and when it is tried again.
//!
//! It must never let more than one trial through while it does not know whether the service is back.

use std::time::{Duration, Instant};

/// How a [`Breaker`] goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Failures in a row after which it opens.
    pub failures: u32,
    /// How long it stays open; as long is a trial waited for.
    pub pause: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// All is let through.
    Closed { failures: u32 },
    /// Nothing is let through until then.
    Open { until: Instant },
    /// One trial is under way; were it never to come back, another may go then.
    Trial { until: Instant },
}

/// A circuit breaker: a state machine without a clock of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breaker {
    settings: Settings,
    state: State,
}

impl Breaker {
    /// One that lets all through.
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
            // One that was sent before it opened.
            State::Open { .. } => return false,
        };
        if failures < self.settings.failures {
            self.state = State::Closed { failures };
            return false;
        }
        self.state = State::Open { until: now + self.settings.pause };
        true
    }

    /// Whether the service is being left alone.
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
        Failure,
        Wait(u64),
    }

    fn event() -> impl Strategy<Value = Event> {
        prop_oneof![
            3 => Just(Event::Ask),
            1 => Just(Event::Success),
            3 => Just(Event::Failure),
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
                    Event::Failure => {
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
