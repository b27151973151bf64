//! Decides when failed work is tried again, and when it is given up.
//!
//! It must never let many failures of one moment come back in one moment: every wait is spread by chance.

use jiff::SignedDuration;

/// How often, and after how long, failed work is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The longest wait after the first failure; it doubles with each further one.
    pub first: SignedDuration,
    /// No wait is longer.
    pub longest: SignedDuration,
    /// The attempts in all, after which the work is given up; at least one is made.
    pub attempts: u32,
}

impl Backoff {
    /// For turns: 8 attempts over about two minutes.
    pub const TURNS: Self =
        Self { first: SignedDuration::from_secs(1), longest: SignedDuration::from_mins(1), attempts: 8 };
    /// For sending: 10 attempts over about half an hour.
    pub const SENDING: Self =
        Self { first: SignedDuration::from_secs(2), longest: SignedDuration::from_mins(10), attempts: 10 };

    /// The wait after failed attempt number `attempt` (1 is the first), or `None` where it was the last. `luck` is from
    /// 0 to 1: the wait is between half of the doubled time and all of it.
    pub fn wait(&self, attempt: u32, luck: f64) -> Option<SignedDuration> {
        if attempt >= self.attempts {
            return None;
        }
        let longest = self.longest.as_secs_f64().max(0.0);
        let doubled = self.first.as_secs_f64().max(0.0) * 2_f64.powi(attempt.saturating_sub(1).min(60).cast_signed());
        let seconds = doubled.min(longest) * (0.5 + luck.clamp(0.0, 1.0) / 2.0);
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
        assert_eq!(backoff.wait(2, 0.0), Some(SignedDuration::from_secs(2)), "half, with no luck");
    }

    proptest! {
        #[test]
        fn a_wait_is_within_its_bounds(attempt in 1_u32..100_000, luck in 0.0_f64..=1.0, first in 0_i64..1_000_000) {
            let backoff = Backoff { first: SignedDuration::from_millis(first), attempts: u32::MAX, ..Backoff::TURNS };
            let wait = backoff.wait(attempt, luck).unwrap();
            prop_assert!(wait >= SignedDuration::ZERO && wait <= backoff.longest);
            let later = backoff.wait(attempt + 1, luck).unwrap();
            prop_assert!(later >= wait, "never shorter with the same luck");
        }
    }
}
