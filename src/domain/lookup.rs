//! The limit of distinct orders that one identity may ask for, so that order ids cannot be guessed by trying many.
//! Every backend takes the window and the decision from here.

use jiff::{SignedDuration, Timestamp};

use super::ids::{OrderId, UserId};

/// The time within which the distinct orders are counted.
const WINDOW: SignedDuration = SignedDuration::from_hours(24);

/// What becomes of a lookup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookupDecision {
    /// The order was counted within the window already: it is allowed and not counted again.
    Counted,
    /// It is allowed, and counts from now on.
    Count,
    /// It is over the limit: it is neither allowed nor counted.
    Refuse,
}

/// Lookups after this time count at `now`; earlier ones can be removed.
pub fn window_start(now: Timestamp) -> Timestamp {
    now.saturating_sub(WINDOW).unwrap_or(Timestamp::MIN)
}

/// Decides about a lookup: `counted` says whether this order was counted within the window, `distinct` how many orders
/// of the same identity were.
pub fn decide(counted: bool, distinct: u64, limit: u32) -> LookupDecision {
    if counted {
        LookupDecision::Counted
    } else if distinct >= u64::from(limit) {
        LookupDecision::Refuse
    } else {
        LookupDecision::Count
    }
}

/// Under which name the answers are counted that a customer gives for orders.
pub fn answers_of(user: &UserId) -> UserId {
    UserId::new(format!("{user}/answers"))
}

/// Under which names the answers are counted that anybody gives for an order, and the identities that ask for it.
pub fn strangers_of(order: &OrderId) -> (UserId, UserId) {
    (UserId::new(format!("order/{order}/answers")), UserId::new(format!("order/{order}/identities")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_new_orders_count_against_the_limit() {
        assert_eq!(decide(false, 1, 2), LookupDecision::Count);
        assert_eq!(decide(false, 2, 2), LookupDecision::Refuse);
        assert_eq!(decide(true, 2, 2), LookupDecision::Counted);
        assert_eq!(decide(false, 0, 0), LookupDecision::Refuse);
        let now = Timestamp::from_second(100_000).unwrap();
        assert_eq!(window_start(now), Timestamp::from_second(100_000 - 86_400).unwrap());
        assert_eq!(window_start(Timestamp::MIN), Timestamp::MIN);
    }
}
