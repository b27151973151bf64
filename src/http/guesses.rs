//! How many wrong tokens one client may send: a token of few letters must not be found by trying. A long one cannot be, and
//! is let in whatever was tried before: otherwise strangers could lock everybody out who shares their address.
//!
//! Its memory is bounded: where too many clients guess, the one that began first is forgotten.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::client::Client;

/// The fewest characters of a token that opens a server: fewer are found by trying, whatever the limit is.
pub const SHORTEST_TOKEN: usize = 16;
/// A token of so many characters holds 128 bits or more where it is random. Nobody finds it by trying, so the right one is let in
/// whatever strangers behind the same address have tried.
const LONG_TOKEN: usize = 22;

/// Whether a token cannot be found by trying, and needs no limit.
pub fn is_long(token: &str) -> bool {
    token.trim().chars().count() >= LONG_TOKEN
}

/// Wrong tokens of a client within [`WINDOW`].
const MAX_GUESSES: u32 = 20;
/// The same of an address that many share: they must not lock each other out so easily.
const MAX_SHARED_GUESSES: u32 = 600;
const WINDOW: Duration = Duration::from_mins(1);
/// Clients whose guesses are counted at most.
const MAX_CLIENTS: usize = 10_000;

/// The wrong tokens of the last minute.
#[derive(Debug, Default)]
pub struct GuessLimit(Mutex<HashMap<IpAddr, (u32, Instant)>>);

impl GuessLimit {
    fn guesses(&self) -> MutexGuard<'_, HashMap<IpAddr, (u32, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a token of this client is looked at: after too many wrong ones none is for a while, not even the right one.
    pub fn may_guess(&self, client: &Client) -> bool {
        let most = if client.shared { MAX_SHARED_GUESSES } else { MAX_GUESSES };
        let guesses = self.guesses();
        guesses.get(&client.address).is_none_or(|(count, since)| *count < most || since.elapsed() >= WINDOW)
    }

    /// Counts a wrong token.
    pub fn record(&self, client: &Client) {
        let mut guesses = self.guesses();
        let now = Instant::now();
        if guesses.len() >= MAX_CLIENTS && !guesses.contains_key(&client.address) {
            guesses.retain(|_, (_, since)| since.elapsed() < WINDOW);
            if guesses.len() >= MAX_CLIENTS
                && let Some(oldest) = guesses.iter().min_by_key(|(_, (_, since))| *since).map(|(address, _)| *address)
            {
                guesses.remove(&oldest);
            }
        }
        let entry = guesses.entry(client.address).or_insert((0, now));
        if entry.1.elapsed() >= WINDOW {
            *entry = (0, now);
        }
        entry.0 = entry.0.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(address: [u8; 4], shared: bool) -> Client {
        Client { address: IpAddr::from(address), shared }
    }

    #[test]
    fn guesses_are_counted_by_client() {
        let limit = GuessLimit::default();
        let (one, other) = (client([10, 0, 0, 1], false), client([10, 0, 0, 2], false));
        for _ in 0..MAX_GUESSES {
            assert!(limit.may_guess(&one));
            limit.record(&one);
        }
        assert!(!limit.may_guess(&one) && limit.may_guess(&other));
    }

    #[test]
    fn those_behind_one_address_have_more_of_them() {
        let limit = GuessLimit::default();
        let proxy = client([127, 0, 0, 1], true);
        (0..MAX_SHARED_GUESSES - 1).for_each(|_| limit.record(&proxy));
        assert!(limit.may_guess(&proxy));
        limit.record(&proxy);
        assert!(!limit.may_guess(&proxy));
    }

    #[test]
    fn its_memory_is_bounded_and_nobody_new_is_locked_out() {
        let limit = GuessLimit::default();
        for number in 0..u32::try_from(MAX_CLIENTS).unwrap() + 500 {
            let client = Client { address: IpAddr::from(number.to_be_bytes()), shared: false };
            assert!(limit.may_guess(&client));
            limit.record(&client);
        }
        assert_eq!(limit.guesses().len(), MAX_CLIENTS);
    }
}
