//! When failed work is tried again, and when it is given up. Every wait has random jitter, so that many failures of one
//! moment are not retried in one moment. The waits are stored as due times in the
//! store, where any process may pick the work up: this is no retry loop around a future.

use jiff::SignedDuration;

/// Exponential backoff with jitter and a limit of attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The longest wait after the first failed attempt; it doubles with each further one.
    pub first: SignedDuration,
    /// The upper bound of all waits.
    pub longest: SignedDuration,
    /// The total number of attempts, after which the work is parked; at least one is made.
    pub attempts: u32,
}

impl Backoff {
    /// For turns: 8 attempts over about two minutes.
    pub const TURNS: Self =
        Self { first: SignedDuration::from_secs(1), longest: SignedDuration::from_mins(1), attempts: 8 };
    /// For sending: 10 attempts over about half an hour.
    pub const SENDING: Self =
        Self { first: SignedDuration::from_secs(2), longest: SignedDuration::from_mins(10), attempts: 10 };

    /// The wait after failed attempt number `attempt` (1 is the first), or `None` where it was the last. `jitter` is
    /// from 0 to 1: the wait is between half of the doubled time and all of it.
    pub fn wait(&self, attempt: u32, jitter: f64) -> Option<SignedDuration> {
        if attempt >= self.attempts {
            return None;
        }
        let longest = self.longest.as_secs_f64().max(0.0);
        let doubled = self.first.as_secs_f64().max(0.0) * 2_f64.powi(attempt.saturating_sub(1).min(60).cast_signed());
        let seconds = doubled.min(longest) * (0.5 + jitter.clamp(0.0, 1.0) / 2.0);
        Some(SignedDuration::try_from_secs_f64(seconds).unwrap_or(self.longest))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_end() {
        let backoff =
            Backoff { first: SignedDuration::from_secs(2), longest: SignedDuration::from_secs(10), attempts: 6 };
        let waits: Vec<_> = (1..=6).map(|attempt| backoff.wait(attempt, 1.0).map(|wait| wait.as_secs())).collect();
        assert_eq!(waits, [Some(2), Some(4), Some(8), Some(10), Some(10), None]);
        assert_eq!(backoff.wait(2, 0.0), Some(SignedDuration::from_secs(2)), "half, without jitter");
    }

    proptest! {
        #[test]
        fn a_wait_is_within_its_bounds(attempt in 1_u32..100_000, jitter in 0.0_f64..=1.0, first in 0_i64..1_000_000) {
            let backoff = Backoff { first: SignedDuration::from_millis(first), attempts: u32::MAX, ..Backoff::TURNS };
            let wait = backoff.wait(attempt, jitter).unwrap();
            prop_assert!(wait >= SignedDuration::ZERO && wait <= backoff.longest);
            let later = backoff.wait(attempt + 1, jitter).unwrap();
            prop_assert!(later >= wait, "never shorter with the same jitter");
        }
    }
}
