use proptest::prelude::*;

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_780_000_000 + second).unwrap()
}

fn requested() -> Progress {
    Progress::begin(ProviderKind::Stripe, at(0))
}

fn because(text: &str) -> String {
    text.to_owned()
}

#[test]
fn the_ledger_is_paid_at_once_and_nobody_has_anything_to_do() {
    let paid = Progress::begin(ProviderKind::Ledger, at(0));
    assert_eq!((paid.state, paid.step(), paid.next_at, paid.untold), (RefundState::Paid, Step::Rest, None, false));
}

#[test]
fn a_refund_goes_from_the_request_to_the_money() {
    let sent = requested().after(Change::Sending, at(1)).unwrap();
    assert_eq!((requested().step(), sent.step()), (Step::Submit, Step::LookUp), "what was sent is looked up");
    let submitted = sent.after(Change::Accepted { id: Some("re_1".to_owned()) }, at(2)).unwrap();
    assert_eq!((submitted.state, submitted.step()), (RefundState::Submitted, Step::Poll));
    let same = submitted.after(Change::Unchanged, at(100)).unwrap();
    assert_eq!(same.next_at, Some(at(100) + SignedDuration::from_millis(9_800)), "a tenth of its age");
    let paid = same.after(Change::Paid { id: None }, at(110)).unwrap();
    assert_eq!(
        (paid.state, paid.provider_id.as_deref(), paid.step()),
        (RefundState::Paid, Some("re_1"), Step::Announce)
    );
    let told = paid.after(Change::Told, at(111)).unwrap();
    assert_eq!((told.step(), told.next_at), (Step::Rest, None));
}

#[test]
fn what_was_turned_away_is_as_if_it_was_never_sent_and_what_is_unknown_is_not() {
    let sent = requested().after(Change::Sending, at(1)).unwrap();
    let turned_away = sent.after(Change::NotSent { reason: because("wrong key") }, at(2)).unwrap();
    assert_eq!((turned_away.step(), turned_away.sent_at), (Step::Submit, None));
    let unknown = sent.after(Change::Unknown { reason: because("cut") }, at(2)).unwrap();
    let again = unknown.after(Change::Sending, at(3)).unwrap();
    let turned_away = again.after(Change::NotSent { reason: because("wrong key") }, at(4)).unwrap();
    assert_eq!((turned_away.step(), turned_away.sent_at), (Step::LookUp, Some(at(1))), "the first may have been paid");
}

#[test]
fn what_was_sent_a_moment_ago_may_still_arrive_also_where_it_was_sent_before() {
    let minute = |minute: i64| at(60 * minute);
    assert!(!requested().may_still_arrive(at(0)), "nothing was sent");
    let sent = requested().after(Change::Sending, minute(0)).unwrap();
    assert!(sent.may_still_arrive(minute(9)) && !sent.may_still_arrive(minute(10)));
    let unknown = sent.after(Change::Unknown { reason: because("cut") }, minute(1)).unwrap();
    let again = unknown.after(Change::Sending, minute(30)).unwrap();
    assert!(again.may_still_arrive(minute(31)) && !again.may_still_arrive(minute(40)), "the latest request counts");
    let before = Progress { last_sent_at: None, ..sent.clone() };
    assert!(before.may_still_arrive(minute(9)), "of an earlier version only the first is known");
    let away = sent.after(Change::NotSent { reason: because("no connection") }, minute(1)).unwrap();
    assert!(!away.may_still_arrive(minute(2)), "nothing left");
    let attempt = again.after(Change::Found { paid: false, note: because("not there") }, minute(50)).unwrap();
    assert!(!attempt.after(Change::Again, minute(51)).unwrap().may_still_arrive(minute(51)));
}

#[test]
fn a_key_that_the_provider_may_have_forgotten_is_not_used_again() {
    let lifetime = ProviderKind::Stripe.key_lifetime();
    let sent = requested().after(Change::Sending, at(0)).unwrap();
    assert!(sent.may_send(lifetime, at(22 * 3_600)));
    assert!(!sent.may_send(lifetime, at(23 * 3_600)));
    assert!(!sent.may_send(lifetime, at(-10)), "a clock that went back proves nothing");
    assert!(sent.may_send(ProviderKind::Webhook.key_lifetime(), at(900 * 3_600)));
    assert!(sent.after(Change::Unknown { reason: because("cut") }, at(1)).unwrap().is_stuck(at(31 * 60)));
}

#[test]
fn only_a_person_leads_out_of_a_failure_and_with_another_key() {
    let failed = requested().after(Change::Failed { id: None, reason: because("closed account") }, at(1)).unwrap();
    assert_eq!(failed.step(), Step::Announce);
    for change in [Change::Sending, Change::Accepted { id: None }, Change::Paid { id: None }, Change::Unchanged] {
        assert!(failed.after(change.clone(), at(2)).is_err(), "{change:?}");
    }
    let again = failed.after(Change::Again, at(3)).unwrap();
    assert_eq!((again.state, again.attempt, again.step()), (RefundState::Requested, 2, Step::LookUp));
    assert_ne!(idempotency_key("RFND_1", 1), idempotency_key("RFND_1", 2));
    assert_eq!(idempotency_key("RFND_20260101000000_ORD000001", 1).len(), 40);
    assert!(requested().after(Change::Again, at(3)).is_err(), "nothing failed");
    let paid = failed.after(Change::Found { paid: true, note: because("by bank transfer") }, at(4)).unwrap();
    assert!(paid.after(Change::Again, at(5)).is_err());
    assert!(paid.after(Change::Found { paid: false, note: because("it came back") }, at(5)).is_ok());
}

#[test]
fn payments_of_others_are_not_paid_back() {
    assert!(ProviderKind::Stripe.takes_payment(Some("pi_3")) && ProviderKind::Stripe.takes_payment(Some("ch_3")));
    assert!(!ProviderKind::Stripe.takes_payment(Some("pay_3")) && !ProviderKind::Razorpay.takes_payment(None));
    assert!(ProviderKind::Razorpay.takes_payment(Some("pay_3")) && ProviderKind::Webhook.takes_payment(None));
}

/// A provider that pays, answers late, answers nothing, forgets keys after 24 hours, and is asked by any number of workers.
#[derive(Default)]
struct Provider {
    /// Refunds that were paid, with the attempt that made them.
    paid: Vec<u32>,
    /// Refunds that it refused to pay.
    refused: Vec<u32>,
    /// When each key was first used.
    keys: std::collections::BTreeMap<u32, Timestamp>,
}

impl Provider {
    /// A request arrives: it is carried out once for each key that is known.
    fn receive(&mut self, attempt: u32, pays: bool, now: Timestamp) {
        if self.keys.get(&attempt).is_some_and(|used| now.duration_since(*used) < SignedDuration::from_hours(24)) {
            return;
        }
        self.keys.insert(attempt, now);
        if pays { self.paid.push(attempt) } else { self.refused.push(attempt) }
    }
}

#[derive(Debug, Clone, Copy)]
enum Fault {
    None,
    /// The process dies before the request leaves.
    DiesBefore,
    /// The request arrives; the answer does not, or the process dies.
    AnswerLost,
    /// The request arrives only after the next things have happened.
    Late,
    /// It is turned away.
    TurnedAway,
}

fn fault() -> impl Strategy<Value = (Fault, bool, i64)> {
    let kind = prop_oneof![
        Just(Fault::None),
        Just(Fault::DiesBefore),
        Just(Fault::AnswerLost),
        Just(Fault::Late),
        Just(Fault::TurnedAway)
    ];
    (kind, proptest::bool::weighted(0.7), prop_oneof![1..120_i64, 1..100_000_i64])
}

proptest! {
    #[test]
    fn nothing_is_paid_twice_whatever_happens(faults in proptest::collection::vec(fault(), 1..60)) {
        let lifetime = ProviderKind::Stripe.key_lifetime();
        let mut provider = Provider::default();
        let mut stored = requested();
        let mut now = at(0);
        // Requests that are on their way, for an hour at most: connections do not live longer.
        let mut late: Vec<(u32, bool, Timestamp)> = Vec::new();
        for (fault, pays, wait) in faults {
            now = now.saturating_add(SignedDuration::from_secs(wait)).unwrap();
            for (attempt, pays, sent) in std::mem::take(&mut late) {
                let limit = sent.saturating_add(SignedDuration::from_mins(30)).unwrap();
                provider.receive(attempt, pays, now.min(limit));
            }
            let step = stored.step();
            let found = provider.paid.first().copied();
            let send = match step {
                Step::Submit => true,
                Step::LookUp => match found {
                    Some(_) => {
                        stored = stored.after(Change::Paid { id: None }, now).unwrap();
                        false
                    }
                    None if provider.refused.contains(&stored.attempt) => {
                        stored = stored.after(Change::Failed { id: None, reason: because("refused") }, now).unwrap();
                        false
                    }
                    None => stored.may_send(lifetime, now),
                },
                _ => {
                    // A person tries a failed one again.
                    if stored.state == RefundState::Failed {
                        stored = stored.after(Change::Again, now).unwrap();
                    }
                    false
                }
            };
            if !send {
                continue;
            }
            stored = stored.after(Change::Sending, now).unwrap();
            match fault {
                Fault::DiesBefore => {}
                Fault::TurnedAway => stored = stored.after(Change::NotSent { reason: because("429") }, now).unwrap(),
                Fault::Late => late.push((stored.attempt, pays, now)),
                Fault::AnswerLost => {
                    provider.receive(stored.attempt, pays, now);
                    stored = stored.after(Change::Unknown { reason: because("cut") }, now).unwrap();
                }
                Fault::None => {
                    provider.receive(stored.attempt, pays, now);
                    let change = if provider.paid.is_empty() {
                        Change::Failed { id: None, reason: because("refused") }
                    } else {
                        Change::Paid { id: None }
                    };
                    stored = stored.after(change, now).unwrap();
                }
            }
        }
        prop_assert!(provider.paid.len() <= 1, "{:?}", provider.paid);
        prop_assert_eq!(stored.state == RefundState::Paid && provider.paid.is_empty(), false);
    }
}
