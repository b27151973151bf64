//! Whether a number may send: closed while the set-up (token, account, billing, registration) keeps everything from being
//! accepted. Then one message at a time tries, after waits that double; the first that goes through opens it again.
//!
//! Where the failure was reported after the message had been accepted, an acceptance proves nothing: then the gate opens when
//! the trial is reported as sent, or when no failure of it was reported for a whole wait.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// The wait before the first trial, unless a test says otherwise.
pub(super) const FIRST_WAIT: Duration = Duration::from_secs(5);
/// The longest wait between trials.
const LONGEST_WAIT: Duration = Duration::from_mins(2);
/// How long a trial may take: after that, another message may try.
const TRIAL: Duration = Duration::from_secs(10);
/// How long others wait for the outcome of a trial.
const SHORT_WAIT: Duration = Duration::from_secs(1);
/// So often a message is refused for what looks like the set-up while others are accepted in between: then it is the
/// message's own fault.
const SUSPECT_ROUNDS: u32 = 5;
/// Messages whose refusals are remembered, at most.
const MAX_SUSPECTS: usize = 1_000;

/// Whether a number may send.
#[derive(Debug)]
pub(super) struct Gate {
    first_wait: Duration,
    closed: Option<Closed>,
    /// How many messages were accepted.
    accepted: u64,
    /// Messages that were refused: how many had been accepted then, and in how many rounds.
    suspects: HashMap<String, (u64, u32)>,
}

#[derive(Debug)]
struct Closed {
    reason: String,
    /// The next trial.
    until: Instant,
    wait: Duration,
    /// A message tries at this moment, or its outcome is not known yet.
    trying: bool,
    proof: Proof,
}

/// What opens the gate.
#[derive(Debug)]
enum Proof {
    /// A message that is accepted.
    Accepted,
    /// A message that is reported as sent: the identifier of the one that was accepted on trial.
    Reported(Option<String>),
}

impl Gate {
    /// An open gate.
    pub(super) fn new(first_wait: Duration) -> Self {
        Self { first_wait, closed: None, accepted: 0, suspects: HashMap::new() }
    }

    /// Why it is closed.
    pub(super) fn reason(&self) -> Option<&str> {
        self.closed.as_ref().map(|closed| closed.reason.as_str())
    }

    /// Whether a message may try at `now`.
    pub(super) fn lets_in(&self, now: Instant) -> bool {
        self.closed.as_ref().is_none_or(|closed| now >= closed.until)
    }

    /// While no message may try: the reason, and the time until one may.
    pub(super) fn keeps_out(&self, now: Instant) -> Option<(String, Duration)> {
        let closed = self.closed.as_ref().filter(|closed| now < closed.until)?;
        // While one tries, its outcome is a matter of a moment.
        let wait = if closed.trying { SHORT_WAIT } else { closed.until - now };
        Some((closed.reason.clone(), wait))
    }

    /// Begins an attempt; while the gate is closed and no trial is due, the reason and the time until one is. Of several
    /// callers one tries.
    pub(super) fn enter(&mut self, now: Instant) -> Result<(), (String, Duration)> {
        if let Some(kept_out) = self.keeps_out(now) {
            return Err(kept_out);
        }
        let Some(closed) = self.closed.as_mut() else { return Ok(()) };
        // Nothing was reported of the last trial for a whole wait: it went through.
        if matches!(closed.proof, Proof::Reported(Some(_))) {
            self.open();
            return Ok(());
        }
        closed.trying = true;
        closed.until = now + closed.wait.max(TRIAL);
        Ok(())
    }

    /// The channel refused a message for the set-up. Returns the time until the next trial.
    pub(super) fn refused(&mut self, reason: &str, now: Instant) -> Duration {
        self.close(reason, Proof::Accepted, now)
    }

    /// A message that was accepted is reported to have failed for the set-up.
    pub(super) fn reported(&mut self, reason: &str, now: Instant) {
        self.close(reason, Proof::Reported(None), now);
    }

    fn close(&mut self, reason: &str, proof: Proof, now: Instant) -> Duration {
        let first = self.first_wait;
        let closed = self.closed.get_or_insert_with(|| {
            tracing::error!(reason, "sending is paused: the set-up does not allow it");
            Closed { reason: String::new(), until: now + first, wait: first, trying: false, proof: Proof::Accepted }
        });
        reason.clone_into(&mut closed.reason);
        if closed.trying || matches!(closed.proof, Proof::Reported(Some(_))) {
            closed.wait = closed.wait.saturating_mul(2).min(LONGEST_WAIT.max(first));
            closed.until = now + closed.wait;
            closed.trying = false;
        }
        closed.proof = match (&closed.proof, proof) {
            // An acceptance proves nothing any more.
            (Proof::Reported(_), _) | (_, Proof::Reported(_)) => Proof::Reported(None),
            (Proof::Accepted, Proof::Accepted) => Proof::Accepted,
        };
        closed.until.saturating_duration_since(now)
    }

    /// The channel accepted a message.
    pub(super) fn accepted(&mut self, provider_id: &str, now: Instant) {
        self.accepted += 1;
        let Some(closed) = self.closed.as_mut() else { return };
        match &mut closed.proof {
            Proof::Accepted => self.open(),
            Proof::Reported(trial) => {
                if closed.trying {
                    *trial = Some(provider_id.to_owned());
                    closed.trying = false;
                    closed.until = now + closed.wait;
                }
            }
        }
    }

    /// A message is reported as sent.
    pub(super) fn confirmed(&mut self, provider_id: &str) {
        let trial =
            matches!(&self.closed, Some(Closed { proof: Proof::Reported(Some(trial)), .. }) if trial == provider_id);
        if trial {
            self.open();
        }
    }

    fn open(&mut self) {
        if self.closed.take().is_some() {
            tracing::warn!("the set-up is mended: sending goes on");
        }
    }

    /// Notes that a message was refused for what may be the set-up; `true` where others went through in between so often
    /// that it is the message's own fault.
    pub(super) fn suspect(&mut self, message: &str) -> bool {
        if self.suspects.len() >= MAX_SUSPECTS && !self.suspects.contains_key(message) {
            self.suspects.clear();
        }
        let accepted = self.accepted;
        let (since, rounds) = self.suspects.entry(message.to_owned()).or_insert((accepted, 0));
        if *since < accepted {
            (*since, *rounds) = (accepted, *rounds + 1);
        }
        let own = *rounds >= SUSPECT_ROUNDS;
        if own {
            self.suspects.remove(message);
        }
        own
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAIT: Duration = Duration::from_secs(1);

    #[test]
    fn one_tries_after_waits_that_double_and_its_acceptance_opens() {
        let begun = Instant::now();
        let after = |seconds: u64| begun + Duration::from_secs(seconds);
        let mut gate = Gate::new(WAIT);
        assert!(gate.enter(begun).is_ok() && gate.lets_in(begun));
        gate.refused("billing", begun);
        gate.refused("billing", begun);
        assert_eq!(gate.enter(begun), Err(("billing".to_owned(), WAIT)), "many at once are one refusal");
        assert!(!gate.lets_in(begun) && gate.lets_in(after(1)));
        assert!(gate.enter(after(1)).is_ok());
        assert!(gate.enter(after(1)).is_err(), "one tries");
        assert_eq!(gate.refused("billing", after(1)), Duration::from_secs(2));
        assert!(gate.enter(after(3)).is_ok());
        assert_eq!(gate.refused("billing", after(3)), Duration::from_secs(4));
        assert!(gate.enter(after(7)).is_ok());
        gate.accepted("p", after(7));
        assert_eq!(gate.reason(), None);
        assert_eq!(gate.enter(after(7)), Ok(()));
    }

    #[test]
    fn a_lost_trial_lets_another_one_try() {
        let begun = Instant::now();
        let mut gate = Gate::new(WAIT);
        gate.refused("token", begun);
        assert!(gate.enter(begun + WAIT).is_ok());
        assert!(gate.enter(begun + TRIAL + WAIT / 2).is_err());
        assert!(gate.enter(begun + WAIT + TRIAL).is_ok());
    }

    #[test]
    fn after_a_reported_failure_an_acceptance_proves_nothing() {
        let begun = Instant::now();
        let after = |seconds: u64| begun + Duration::from_secs(seconds);
        let mut gate = Gate::new(WAIT);
        gate.reported("payment", begun);
        gate.accepted("sent before", begun);
        assert!(gate.reason().is_some());
        assert!(gate.enter(after(1)).is_ok());
        gate.accepted("trial", after(1));
        assert!(gate.enter(after(1)).is_err(), "its news is waited for");
        gate.reported("payment", after(1));
        assert!(gate.enter(after(2)).is_err() && gate.enter(after(3)).is_ok(), "it failed, too: a longer wait");
        gate.accepted("next", after(3));
        gate.confirmed("sent before");
        assert!(gate.reason().is_some());
        gate.confirmed("next");
        assert_eq!(gate.reason(), None);
        gate.reported("payment", after(10));
        assert!(gate.enter(after(11)).is_ok());
        gate.accepted("again", after(11));
        assert!(gate.enter(after(12)).is_ok() && gate.reason().is_none(), "no news for a whole wait");
    }

    #[test]
    fn a_message_that_is_refused_while_others_pass_is_at_fault_itself() {
        let mut gate = Gate::new(WAIT);
        let now = Instant::now();
        for _ in 0..20 {
            assert!(!gate.suspect("odd"), "nothing else went through");
        }
        let mut rounds = 0;
        loop {
            gate.accepted("p", now);
            rounds += 1;
            if gate.suspect("odd") {
                break;
            }
            assert!(!gate.suspect("another") || rounds > SUSPECT_ROUNDS);
        }
        assert_eq!(rounds, SUSPECT_ROUNDS);
    }
}
