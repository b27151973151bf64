//! The status of messages, debouncing, and every kind of message body.

use super::inbox::{LEASE, claim, ids, text, turn_of};
use super::*;
use crate::domain::ids::MessageId;
use crate::domain::inbound::{Context, Inbound};
use crate::domain::outgoing::{Answered, Body, Choice, Delivery, Identity, Outgoing, Receipt, Status};

/// A turn whose outgoing messages are these.
async fn answer(store: &Arc<dyn Store>, asker: u32, second: i64, bodies: Vec<Body>) -> Vec<Outgoing> {
    super::inbox::accept(store, &format!("to {asker} at {second}"), asker, second).await;
    let held = claim(store, second).await.unwrap();
    let mut turn = turn_of(store, &held, "").await;
    let number = turn.conversation.turn;
    let message = |(sequence, body)| Outgoing {
        answers: Some(Answered {
            message: MessageId::new("m"),
            at: at(second),
            quote: sequence == 0,
            lag: Some(SignedDuration::from_millis(-1_500)),
            number: None,
        }),
        ..Outgoing::new(Identity { user_id: user(asker), turn: number, sequence }, body, at(second))
    };
    turn.outgoing = (0..).zip(bodies).map(message).collect();
    assert_eq!(store.finish(&held, &turn, at(second)).await.unwrap(), Finished::Saved);
    turn.outgoing
}

fn plain(text: &str) -> Body {
    Body::Text { text: text.to_owned() }
}

async fn next(store: &Arc<dyn Store>, second: i64) -> Option<Outgoing> {
    store.claim_outgoing(None, at(second), LEASE).await.unwrap()
}

fn status(provider: &str, identity: Option<Identity>, receipt: Receipt) -> Status {
    let error = (receipt == Receipt::Failed).then(|| "too late".to_owned());
    Status {
        provider_id: provider.to_owned(),
        identity,
        receipt,
        at: Some(at(0)),
        code: None,
        error,
        again: false,
        number: None,
    }
}

pub(in crate::store) async fn every_kind_of_message_comes_back(fresh: TestStore) {
    let choices = vec![Choice::new("yes:q1", "Yes, refund"), Choice::new("no:q1", "No 👎")];
    let bodies = vec![
        plain("₹599 “quoted”"),
        Body::Buttons { text: "Shall I?".into(), buttons: choices.clone() },
        Body::List { text: "Which?".into(), button: "Choose".into(), rows: choices },
        Body::Template { name: "news".into(), language: "en_US".into(), parameters: vec!["one".into()] },
        Body::Reaction { emoji: "🙂".into(), to: MessageId::new("wamid.1") },
    ];
    let queued = answer(&fresh.store, 1, 0, bodies).await;
    let stored = (fresh.again)().outgoing_of(&user(1), 10).await.unwrap();
    assert_eq!(stored, queued);
}

pub(in crate::store) async fn a_message_status_never_goes_back(fresh: TestStore) {
    let store = &fresh.store;
    answer(store, 1, 0, vec![plain("one"), plain("two")]).await;
    let one = next(store, 1).await.unwrap();
    assert!(store.sent(&one, "p-1", at(2)).await.unwrap());
    let reported = |receipt| status("p-1", None, receipt);
    assert_eq!(store.follow_status(&status("unknown", None, Receipt::Read), at(3)).await.unwrap(), None);
    let stranger = Identity { user_id: user(9), turn: 1, sequence: 0 };
    assert_eq!(store.follow_status(&status("p-1", Some(stranger), Receipt::Read), at(3)).await.unwrap(), None);
    let delivered = store.follow_status(&reported(Receipt::Delivered), at(3)).await.unwrap().unwrap();
    assert_eq!(
        (delivered.receipt, delivered.state, delivered.next_at),
        (Some(Receipt::Delivered), Delivery::Sent, at(2))
    );
    let other = (fresh.again)();
    for late in [Receipt::Sent, Receipt::Delivered] {
        assert_eq!(other.follow_status(&reported(late), at(4)).await.unwrap(), None, "{late:?}");
    }
    assert!(other.follow_status(&reported(Receipt::Read), at(4)).await.unwrap().is_some());
    let stored = store.outgoing_of(&user(1), 9).await.unwrap();
    assert_eq!((stored[0].receipt, stored[0].provider_id.as_deref()), (Some(Receipt::Read), Some("p-1")));
    assert_eq!(stored[1].receipt, None);
    assert_eq!(next(store, 5).await.unwrap().body.text(), "two", "the queue goes on as it was");
}

pub(in crate::store) async fn a_status_closes_a_message_whose_answer_was_lost(fresh: TestStore) {
    let store = &fresh.store;
    answer(store, 1, 0, vec![plain("one"), plain("two"), plain("three")]).await;
    let one = next(store, 1).await.unwrap();
    let closed =
        store.follow_status(&status("p-1", Some(one.identity()), Receipt::Sent), at(2)).await.unwrap().unwrap();
    assert_eq!((closed.state, closed.provider_id.as_deref()), (Delivery::Sent, Some("p-1")));
    assert!(!store.sent(&one, "p-1", at(3)).await.unwrap(), "it is closed");
    assert!(!store.send_failed(&one, "late", None, at(3)).await.unwrap());
    let two = next(store, 3).await.unwrap();
    assert_eq!(two.body.text(), "two", "the next one no longer waits for it");
    assert!(store.send_failed(&two, "no answer", Some(at(100)), at(4)).await.unwrap());
    store.follow_status(&status("p-2", Some(two.identity()), Receipt::Delivered), at(5)).await.unwrap().unwrap();
    let three = next(&(fresh.again)(), 6).await.unwrap();
    assert_eq!(three.body.text(), "three", "it is not sent again");
    assert!(store.sent(&three, "p-3", at(7)).await.unwrap());
    assert_eq!(next(store, 1_000).await, None);
    assert_eq!(store.backlog().await.unwrap().unsent, 0);
}

pub(in crate::store) async fn a_message_that_failed_later_is_parked(fresh: TestStore) {
    let store = &fresh.store;
    answer(store, 1, 0, vec![plain("one"), plain("two")]).await;
    let one = next(store, 1).await.unwrap();
    assert!(store.sent(&one, "p-1", at(2)).await.unwrap());
    let failed =
        store.follow_status(&status("p-1", Some(one.identity()), Receipt::Failed), at(3)).await.unwrap().unwrap();
    assert_eq!((failed.state, failed.error.as_deref(), failed.next_at), (Delivery::Parked, Some("too late"), at(3)));
    assert_eq!(store.parked_outgoing(9).await.unwrap(), [failed]);
    assert_eq!(store.retry_outgoing(None, at(4)).await.unwrap(), 1);
    let again = next(store, 4).await.unwrap();
    assert_eq!((again.body.text(), again.receipt, again.provider_id.clone()), ("one", None, None));
    assert!(store.sent(&again, "p-9", at(5)).await.unwrap());
    let old = status("p-1", Some(one.identity()), Receipt::Failed);
    assert_eq!(store.follow_status(&old, at(6)).await.unwrap(), None, "news of the earlier attempt");
    assert!(store.follow_status(&status("p-9", None, Receipt::Delivered), at(6)).await.unwrap().is_some());
    assert_eq!(next(store, 7).await.unwrap().body.text(), "two");
}

pub(in crate::store) async fn what_consent_rests_on_comes_back(fresh: TestStore) {
    let store = &fresh.store;
    let other = (fresh.again)();
    // What a message refers to.
    let about = Context { about: Some(MessageId::new("p-1")), forwarded: true, from_elsewhere: true };
    let reply = Inbound { context: about, ..text("reply", 7, 0) };
    store.accept(&[reply.clone(), text("plain", 7, 1)], at(1)).await.unwrap();
    let held = claim(&other, 1).await.unwrap();
    assert_eq!(held.messages, [reply.clone(), text("plain", 7, 1)]);
    let turn = turn_of(store, &held, "").await;
    assert_eq!(store.finish(&held, &turn, at(1)).await.unwrap(), Finished::Saved);
    let found = async |asker, id: &str| other.accepted_message(&user(asker), &MessageId::new(id)).await.unwrap();
    assert_eq!(found(7, "reply").await, Some(reply), "answered ones too");
    assert_eq!((found(8, "reply").await, found(7, "nobody's").await), (None, None));
    while let Some(message) = next(store, 2).await {
        assert!(store.sent(&message, "p-0", at(2)).await.unwrap());
    }

    // When the channel accepted a message, by its own clock: as the first receipt says that tells it.
    let lag = Some(SignedDuration::from_millis(-1_500));
    let queued = answer(store, 1, 10, vec![plain("one"), plain("two"), plain("three")]).await;
    assert_eq!(queued[0].answers.as_ref().unwrap().lag, lag);
    let told = |provider: &str, receipt, second| Status { at: Some(at(second)), ..status(provider, None, receipt) };
    let one = next(store, 11).await.unwrap();
    assert!(store.sent(&one, "p-1", at(12)).await.unwrap());
    assert_eq!(other.outgoing_with(&user(1), "p-1").await.unwrap().unwrap().sent_at, None);
    store.follow_status(&told("p-1", Receipt::Sent, 400), at(13)).await.unwrap().unwrap();
    store.follow_status(&told("p-1", Receipt::Delivered, 402), at(14)).await.unwrap().unwrap();
    let first = other.outgoing_with(&user(1), "p-1").await.unwrap().unwrap();
    assert_eq!((first.body.text(), first.sent_at, first.next_at), ("one", Some(at(400)), at(12)));
    assert_eq!(first.answers.unwrap().lag, lag);
    assert_eq!(other.outgoing_with(&user(2), "p-1").await.unwrap(), None, "another's");
    assert_eq!(other.outgoing_with(&user(1), "p-9").await.unwrap(), None);
    // A receipt without a time, or that it was read, tells none.
    let two = next(store, 15).await.unwrap();
    assert!(store.sent(&two, "p-2", at(15)).await.unwrap());
    store.follow_status(&Status { at: None, ..told("p-2", Receipt::Sent, 0) }, at(16)).await.unwrap().unwrap();
    store.follow_status(&told("p-2", Receipt::Read, 500), at(16)).await.unwrap().unwrap();
    assert_eq!(other.outgoing_with(&user(1), "p-2").await.unwrap().unwrap().sent_at, None);
    // What is sent once more has no time of the attempt before.
    let three = next(store, 17).await.unwrap();
    store
        .follow_status(&Status { identity: Some(three.identity()), ..told("p-3", Receipt::Sent, 600) }, at(18))
        .await
        .unwrap();
    let failed = store.follow_status(&told("p-3", Receipt::Failed, 601), at(18)).await.unwrap().unwrap();
    assert_eq!((failed.state, failed.sent_at), (Delivery::Parked, Some(at(600))));
    assert_eq!(store.retry_outgoing(None, at(19)).await.unwrap(), 1);
    let again = next(&other, 19).await.unwrap();
    assert_eq!((again.body.text(), again.sent_at), ("three", None));
}

pub(in crate::store) async fn messages_are_debounced(fresh: TestStore) {
    let store = &fresh.store;
    let debounce = Debounce { quiet: SignedDuration::from_secs(2), longest: SignedDuration::from_secs(5) };
    let write = async |id: &str, second: i64| {
        let accepted = store.accept_debounced(&[text(id, 1, second)], at(second), debounce).await.unwrap();
        assert_eq!(accepted.new, 1);
    };
    write("a", 0).await;
    assert_eq!(claim(store, 1).await, None);
    write("b", 1).await;
    assert_eq!(claim(&(fresh.again)(), 2).await, None, "it waits for as long after the latest one");
    let held = claim(&(fresh.again)(), 3).await.unwrap();
    assert_eq!(ids(&held), ["a", "b"]);
    write("c", 4).await;
    let turn = turn_of(store, &held, "both").await;
    assert_eq!(store.finish(&held, &turn, at(4)).await.unwrap(), Finished::Saved);
    let held = claim(store, 4).await.unwrap();
    assert!(store.fail(&held, "failed", Some(at(20)), at(5)).await.unwrap());
    write("d", 19).await;
    let held = claim(store, 20).await.unwrap();
    assert_eq!(ids(&held), ["c", "d"], "what is tried again keeps its time");
    let turn = turn_of(store, &held, "both").await;
    assert_eq!(store.finish(&held, &turn, at(20)).await.unwrap(), Finished::Saved);
    for second in 30..36 {
        write(&format!("at {second}"), second).await;
    }
    assert_eq!(claim(store, 34).await, None);
    assert_eq!(claim(store, 35).await.unwrap().messages.len(), 6, "not for ever");
}
