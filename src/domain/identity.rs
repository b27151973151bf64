//! The identities of one customer: a telephone number, another one after it was changed, and the identity that WhatsApp gives
//! to customers whose number it does not show. The one that wrote first names the customer for ever; the others lead to it.
//!
//! Only what the channel itself says joins identities, never what a customer writes.

use jiff::Timestamp;
use jiff::civil::DateTime;

use super::ids::{MessageId, UserId, transport_phone};
use super::phone;

/// Which customer writes under an identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// What the channel says.
    pub identity: UserId,
    /// The customer, by the identity that wrote first.
    pub customer: UserId,
    /// Since when.
    pub at: Timestamp,
}

/// A number that a customer gave up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberChange {
    /// The channel's message that said so: it counts once.
    pub event: MessageId,
    /// The former number.
    pub old: UserId,
    /// What the customer has now.
    pub new: UserId,
    /// The customer; before it is recorded, the former number.
    pub customer: UserId,
    /// When.
    pub at: Timestamp,
}

/// Two identities of which the channel says, in one message, that they are one person's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SamePerson {
    /// The message.
    pub event: MessageId,
    /// The telephone number.
    pub number: UserId,
    /// The identity without a number.
    pub scoped: UserId,
    /// When.
    pub at: Timestamp,
}

/// A number of a customer, and from when and until when it was theirs; `None`: not known to have begun, or ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnNumber {
    /// The digits, as [`phone::of_identity`] has them.
    pub number: String,
    /// From when; somebody else had it before.
    pub from: Option<DateTime>,
    /// Until when.
    pub until: Option<DateTime>,
}

impl OwnNumber {
    /// Whether an order with this number is the customer's. `placed` is the shop's local time. An order without a date is that
    /// of the one who had the number first.
    pub fn owns(&self, number: &str, placed: Option<DateTime>) -> bool {
        self.number == number
            && match placed {
                Some(placed) => {
                    self.from.is_none_or(|from| placed >= from) && self.until.is_none_or(|until| placed < until)
                }
                None => self.from.is_none(),
            }
    }
}

/// The numbers of a customer. `identities` lead to the customer, `changes` are those of the customer and those that name one of
/// the numbers as the former one; `local` gives the shop's time.
pub fn numbers_of(
    customer: &UserId,
    identities: &[Identity],
    changes: &[NumberChange],
    local: impl Fn(Timestamp) -> DateTime,
) -> Vec<OwnNumber> {
    let given_up =
        |identity: &UserId| changes.iter().filter(|change| change.old == *identity).map(|change| change.at).max();
    let mut current: Vec<&UserId> = identities.iter().map(|identity| &identity.identity).collect();
    // Nobody was ever joined to it: it is its own identity.
    if identities.is_empty() && given_up(customer).is_none() {
        current.push(customer);
    }
    let held = current.into_iter().filter_map(|identity| {
        let from = given_up(identity).max(acquired(customer, identity, identities, changes));
        Some(OwnNumber { number: phone::of_identity(identity)?, from: from.map(&local), until: None })
    });
    let former = changes.iter().filter(|change| change.customer == *customer).filter_map(|change| {
        Some(OwnNumber { number: phone::of_identity(&change.old)?, from: None, until: Some(local(change.at)) })
    });
    held.chain(former).collect()
}

/// Since when a number is a customer's who had another one before: it was somebody else's until then, whether or not they
/// ever wrote. `None`: it is the customer's first.
fn acquired(
    customer: &UserId,
    identity: &UserId,
    identities: &[Identity],
    changes: &[NumberChange],
) -> Option<Timestamp> {
    let since = identities.iter().find(|one| one.identity == *identity)?.at;
    let named = named_by(customer);
    let is_other = |number: &UserId| number != identity && transport_phone(number).is_some();
    let had_other = is_other(&named)
        || changes.iter().any(|change| change.customer == *customer && is_other(&change.old))
        || (named != *identity && identities.iter().any(|one| is_other(&one.identity) && one.at < since));
    had_other.then_some(since)
}

/// The identity that a customer is named by.
fn named_by(customer: &UserId) -> UserId {
    UserId::new(customer.as_str().split(HEIR).next().unwrap_or_default())
}

/// Where a customer is written to: at their latest number, else under the identity without one.
pub fn address(customer: &UserId, identities: &[Identity]) -> UserId {
    let latest = identities.iter().max_by_key(|identity| (transport_phone(&identity.identity).is_some(), identity.at));
    match latest {
        Some(latest) => latest.identity.clone(),
        None => named_by(customer),
    }
}

/// What follows a number in the name of a customer who got it after somebody else.
const HEIR: char = '~';

/// The name of the customer who gets a number after somebody else gave it up.
pub fn heir(number: &UserId, event: &MessageId) -> UserId {
    use sha2::{Digest as _, Sha256};
    let digest = Sha256::digest(event.as_str().as_bytes());
    UserId::new(format!("{number}{HEIR}{}", hex::encode(&digest[..4])))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> UserId {
        UserId::new(text)
    }

    fn second(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn local(at: Timestamp) -> DateTime {
        at.to_zoned(jiff::tz::TimeZone::UTC).datetime()
    }

    fn leads(identity: &str, customer: &str, at: i64) -> Identity {
        Identity { identity: id(identity), customer: id(customer), at: second(at) }
    }

    #[test]
    fn a_customer_nobody_was_joined_to_has_their_own_number() {
        let numbers = numbers_of(&id("918123456789"), &[], &[], local);
        assert!(numbers[0].owns("918123456789", None) && numbers[0].owns("918123456789", Some(local(second(5)))));
        assert!(!numbers[0].owns("918123456780", None));
        assert!(numbers_of(&id("IN.1"), &[], &[], local).is_empty());
        assert_eq!(address(&id("IN.1"), &[]), id("IN.1"));
    }

    #[test]
    fn a_number_that_was_given_up_owns_what_was_bought_with_it() {
        let (old, new) = ("918123456789", "918123450000");
        let change = NumberChange {
            event: MessageId::new("m"),
            old: id(old),
            new: id(new),
            customer: id(old),
            at: second(1_000_000),
        };
        let owns = |numbers: &[OwnNumber], number: &str, placed: Option<i64>| {
            numbers.iter().any(|own| own.owns(number, placed.map(|at| local(second(at)))))
        };
        let moved = numbers_of(&id(old), &[leads(new, old, 1_000_000)], std::slice::from_ref(&change), local);
        assert!(owns(&moved, old, None) && owns(&moved, old, Some(999_999)) && owns(&moved, new, Some(1_000_001)));
        assert!(!owns(&moved, old, Some(1_000_001)), "it is somebody else's by then");
        assert!(!owns(&moved, new, Some(999_999)) && !owns(&moved, new, None), "the number was somebody else's before");
        let heir = heir(&id(old), &change.event);
        let after = numbers_of(&heir, &[leads(old, heir.as_str(), 1_000_000)], &[change], local);
        assert!(owns(&after, old, Some(1_000_001)) && !owns(&after, old, Some(999_999)) && !owns(&after, old, None));
        assert!(!owns(&after, new, Some(1_000_001)));
        assert_eq!(address(&heir, &[]), id(old));
        assert_eq!(address(&id(old), &[leads("IN.1", old, 3), leads(new, old, 2)]), id(new), "a number first");
    }
}
