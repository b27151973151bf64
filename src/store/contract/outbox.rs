//! The outbox: the order of messages, and claims on them.

use super::inbox::{LEASE, accept, claim, turn_of};
use super::*;
use crate::domain::outgoing::{Delivery, Outgoing};

/// Finishes a turn whose replies are in the outbox, one for each text.
async fn reply(store: &Arc<dyn Store>, asker: u32, second: i64, texts: &[&str]) {
    accept(store, &format!("of {asker} at {second}"), asker, second).await;
    let held = claim(store, second).await.unwrap();
    let mut turn = turn_of(store, &held, "").await;
    let number = turn.conversation.turn;
    turn.outgoing =
        (0..).zip(texts).map(|(place, text)| Outgoing::text(user(asker), number, place, *text, at(second))).collect();
    assert_eq!(store.finish(&held, &turn, at(second)).await.unwrap(), Finished::Saved);
}

async fn next(store: &Arc<dyn Store>, second: i64) -> Option<Outgoing> {
    store.claim_outgoing(None, at(second), LEASE).await.unwrap()
}

pub(in crate::store) async fn messages_are_sent_in_order(fresh: TestStore) {
    let store = &fresh.store;
    reply(store, 1, 0, &["one", "two"]).await;
    reply(store, 2, 1, &["other"]).await;
    reply(store, 1, 2, &["three"]).await;
    let one = next(store, 5).await.unwrap();
    assert_eq!((one.body.text(), one.state, one.attempts, one.next_at), ("one", Delivery::Sending, 1, at(35)));
    let other = next(&(fresh.again)(), 5).await.unwrap();
    assert_eq!(other.body.text(), "other", "a customer's messages leave one after the other");
    assert_eq!(next(store, 5).await, None);
    assert!(store.sent(&other, "p-9", at(6)).await.unwrap());
    assert!(store.send_failed(&one, "busy", Some(at(100)), at(7)).await.unwrap());
    assert_eq!(next(store, 99).await, None, "the later ones wait for it");
    let only = store.claim_outgoing(Some(&user(1)), at(99), LEASE).await.unwrap();
    assert_eq!(only, None);
    let again = store.claim_outgoing(Some(&user(1)), at(100), LEASE).await.unwrap().unwrap();
    assert_eq!((again.body.text(), again.attempts, again.error.as_deref()), ("one", 2, Some("busy")));
    assert!(store.sent(&again, "p-1", at(101)).await.unwrap());
    for (text, id) in [("two", "p-2"), ("three", "p-3")] {
        let message = next(store, 101).await.unwrap();
        assert_eq!(message.body.text(), text);
        assert_eq!(next(store, 101).await, None);
        assert!(store.sent(&message, id, at(102)).await.unwrap());
    }
    assert_eq!(next(store, 10_000).await, None);
    let all = (fresh.again)().outgoing_of(&user(1), 10).await.unwrap();
    let listed: Vec<_> = all
        .iter()
        .map(|message| (message.turn, message.sequence, message.state, message.provider_id.as_deref(), message.next_at))
        .collect();
    assert_eq!(
        listed,
        [
            (1, 0, Delivery::Sent, Some("p-1"), at(101)),
            (1, 1, Delivery::Sent, Some("p-2"), at(102)),
            (2, 0, Delivery::Sent, Some("p-3"), at(102)),
        ]
    );
    assert!(all.iter().all(|message| message.error.is_none()));
    assert_eq!(store.outgoing_of(&user(1), 1).await.unwrap(), all[2..], "the last ones");
}

pub(in crate::store) async fn one_of_many_gets_a_message_to_send(fresh: TestStore) {
    for asker in 0..8 {
        reply(&fresh.store, asker, i64::from(asker), &["one", "two"]).await;
    }
    let other = (fresh.again)();
    let tasks: Vec<_> = (0..16)
        .map(|number| {
            let store = if number % 2 == 0 { fresh.store.clone() } else { other.clone() };
            tokio::spawn(async move {
                let mut taken = Vec::new();
                while let Some(message) = next(&store, 20).await {
                    assert!(store.sent(&message, "id", at(20)).await.unwrap());
                    taken.push((message.user_id, message.sequence));
                }
                taken
            })
        })
        .collect();
    let mut taken = Vec::new();
    for task in tasks {
        taken.extend(task.await.unwrap());
    }
    // A worker may see nothing while another holds the first of two: then that one takes the second.
    assert_eq!(taken.len(), 16, "{taken:?}");
    assert_eq!(taken.into_iter().collect::<HashSet<_>>().len(), 16);
}

pub(in crate::store) async fn a_parked_message_lets_later_ones_pass(fresh: TestStore) {
    let store = &fresh.store;
    reply(store, 1, 0, &["one", "two"]).await;
    let one = next(store, 1).await.unwrap();
    assert!(store.send_failed(&one, "not on the network", None, at(2)).await.unwrap());
    let parked = store.parked_outgoing(10).await.unwrap();
    assert_eq!(parked.len(), 1);
    assert_eq!((parked[0].state, parked[0].next_at), (Delivery::Parked, at(2)));
    assert_eq!(parked[0].error.as_deref(), Some("not on the network"));
    let two = next(store, 2).await.unwrap();
    assert_eq!(two.body.text(), "two");
    assert!(store.sent(&two, "p", at(3)).await.unwrap());
    assert_eq!(next(store, 1_000).await, None);
    reply(store, 1, 2_000, &["three"]).await;
    assert_eq!(next(store, 2_000).await.unwrap().body.text(), "three");
}

pub(in crate::store) async fn an_overtaken_sender_changes_nothing(fresh: TestStore) {
    let store = &fresh.store;
    reply(store, 1, 0, &["one", "two"]).await;
    let slow = next(store, 0).await.unwrap();
    assert_eq!(next(store, 29).await, None);
    let quick = next(&(fresh.again)(), 30).await.unwrap();
    assert_eq!((quick.body.text(), quick.attempts), ("one", 2), "its lease ran out");
    assert!(!store.sent(&slow, "slow", at(31)).await.unwrap());
    assert!(!store.send_failed(&slow, "slow", None, at(31)).await.unwrap());
    assert!(!store.send_failed(&slow, "slow", Some(at(31)), at(31)).await.unwrap());
    assert!(store.sent(&quick, "quick", at(32)).await.unwrap());
    assert!(!store.sent(&quick, "twice", at(33)).await.unwrap(), "it is closed");
    assert!(!store.sent(&slow, "slow", at(33)).await.unwrap());
    assert_eq!(store.outgoing_of(&user(1), 9).await.unwrap()[0].provider_id.as_deref(), Some("quick"));
}

pub(in crate::store) async fn retried_messages_are_sent_again(fresh: TestStore) {
    let store = &fresh.store;
    for (asker, second) in [(1, 0), (2, 10)] {
        reply(store, asker, second, &["one", "two"]).await;
        for _ in 0..2 {
            let message = next(store, second).await.unwrap();
            assert!(store.send_failed(&message, "down", None, at(second)).await.unwrap());
        }
    }
    reply(store, 1, 20, &["three"]).await;
    assert_eq!(store.parked_outgoing(3).await.unwrap().len(), 3);
    assert_eq!(store.retry_outgoing(Some(&user(3)), at(30)).await.unwrap(), 0);
    assert_eq!(store.retry_outgoing(Some(&user(1)), at(30)).await.unwrap(), 2);
    assert_eq!(next(store, 29).await, None, "they come first, and are due from then on");
    for (text, attempts) in [("one", 2), ("two", 2), ("three", 1)] {
        let message = next(store, 30).await.unwrap();
        assert_eq!((message.body.text(), message.attempts), (text, attempts));
        assert!(store.sent(&message, "p", at(30)).await.unwrap());
    }
    assert_eq!(next(store, 30).await, None);
    assert_eq!(store.retry_outgoing(None, at(40)).await.unwrap(), 2);
    assert_eq!(store.retry_outgoing(None, at(40)).await.unwrap(), 0);
    assert_eq!(next(store, 40).await.unwrap().user_id, user(2));
}
