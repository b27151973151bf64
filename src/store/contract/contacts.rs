//! Customers as receivers of messages: when they wrote, what they want, what did not reach them; and tallies.

use super::inbox::{LEASE, accept, claim, text, turn_of};
use super::*;
use crate::domain::ids::MessageId;
use crate::domain::inbound::{Content, Inbound};
use crate::domain::opt_out::{Preference, Source};
use crate::domain::outgoing::{Delivery, Outgoing, Receipt, Status};
use crate::domain::sendable::Heard;
use crate::store::{OTHER_NUMBERS, Tally};

fn wish(stopped: bool, second: i64, message: &str) -> Preference {
    Preference { stopped, at: at(second), source: Source::Message, message: Some(MessageId::new(message)) }
}

/// Finishes a turn whose only reply is in the outbox, and says something that is found.
async fn reply(store: &Arc<dyn Store>, asker: u32, second: i64) {
    accept(store, &format!("of {asker} at {second}"), asker, second).await;
    let held = claim(store, second).await.unwrap();
    let mut turn = turn_of(store, &held, "a reply").await;
    turn.said.iter_mut().chain(&mut turn.replies).for_each(|said| said.at = at(second));
    turn.outgoing.iter_mut().for_each(|message| message.next_at = at(second));
    assert_eq!(store.finish(&held, &turn, at(second)).await.unwrap(), Finished::Saved);
}

async fn next(store: &Arc<dyn Store>, second: i64) -> Outgoing {
    store.claim_outgoing(None, at(second), LEASE).await.unwrap().unwrap()
}

fn failed(id: &str, again: bool) -> Status {
    Status {
        provider_id: id.to_owned(),
        identity: None,
        receipt: Receipt::Failed,
        at: Some(at(0)),
        code: None,
        error: Some("why".to_owned()),
        again,
        number: None,
    }
}

pub(in crate::store) async fn the_latest_message_of_a_customer_is_known(fresh: TestStore) {
    let store = &fresh.store;
    assert_eq!(store.last_inbound(&user(1)).await.unwrap(), None);
    let of = |id: &str, second, content| Inbound { content, number: Some("7".to_owned()), ..text(id, 1, second) };
    let messages = [
        of("b", 20, Content::Text { text: "hi".to_owned() }),
        text("a", 1, 10),
        of("c", 30, Content::Echo { text: "the team".to_owned() }),
        of("d", 31, Content::NumberChanged { new: user(9) }),
        text("other", 2, 99),
    ];
    store.accept(&messages, at(100)).await.unwrap();
    let heard = (fresh.again)().last_inbound(&user(1)).await.unwrap();
    assert_eq!(heard, Some(Heard { at: at(20), number: Some("7".to_owned()) }));
    // Of this customer: both are due at the same moment.
    let claimed = store.claim(Some(&user(1)), "w", at(100), LEASE).await.unwrap().unwrap();
    let numbers: Vec<_> = claimed.messages.iter().map(|message| message.number.as_deref()).collect();
    assert_eq!(numbers, [None, Some("7"), Some("7"), Some("7")]);
    // Where the inbox holds nothing any more, the transcript does.
    let said = ChatMessage {
        user_id: user(3),
        role: Role::User,
        text: "hello".to_owned(),
        at: at(50),
        turn: 1,
        intent: None,
        sentiment: None,
        response_ms: None,
        basis: Basis::default(),
    };
    store.append_messages(&[said.clone(), ChatMessage { role: Role::Agent, at: at(60), ..said }]).await.unwrap();
    assert_eq!(store.contact(&user(3)).await.unwrap().heard, Some(Heard { at: at(50), number: None }));
}

pub(in crate::store) async fn a_wish_about_messages_outlives_its_customer(fresh: TestStore) {
    let (store, other) = (&fresh.store, (fresh.again)());
    assert_eq!(store.record_preference(&user(1), &wish(false, 5, "start")).await.unwrap(), None, "nothing to undo");
    let out = wish(true, 10, "stop");
    assert_eq!(store.record_preference(&user(1), &out).await.unwrap(), Some(out.clone()));
    assert_eq!(other.record_preference(&user(1), &out).await.unwrap(), Some(out.clone()), "again");
    assert_eq!(other.record_preference(&user(1), &wish(false, 9, "late")).await.unwrap(), Some(out.clone()));
    let later = other.record_preference(&user(1), &wish(true, 20, "stop 2")).await.unwrap().unwrap();
    assert_eq!(later, Preference { at: at(20), ..out.clone() }, "the first one changed it");
    assert_eq!(store.preference(&user(1)).await.unwrap(), Some(later));
    assert_eq!(store.preference(&user(2)).await.unwrap(), None);

    accept(store, "a", 1, 20).await;
    assert!(personal_data(store.as_ref(), &user(1)).await.unwrap().preference.is_some());
    forget(store.as_ref(), &user(1), &|| at(30)).await.unwrap();
    assert!(personal_data(store.as_ref(), &user(1)).await.unwrap().is_empty());
    let kept = store.preference(&user(1)).await.unwrap().unwrap();
    assert_eq!((kept.stopped, kept.at, kept.message), (true, at(20), None), "it is still respected");
    let none = store.find_conversations(&Search { opted_out: true, ..Search::default() }, 9, 99).await.unwrap();
    assert!(none.users.is_empty(), "it names nobody");
    let back = wish(false, 40, "start");
    assert_eq!(store.record_preference(&user(1), &back).await.unwrap(), Some(back));
}

pub(in crate::store) async fn what_did_not_reach_a_customer_is_found(fresh: TestStore) {
    let store = &fresh.store;
    for asker in 1..=4 {
        reply(store, asker, i64::from(asker)).await;
    }
    let one = next(store, 10).await;
    assert!(store.send_failed(&one, "no", None, at(11)).await.unwrap());
    let two = next(store, 12).await;
    assert!(store.sent(&two, "p-2", at(13)).await.unwrap());
    store.follow_status(&failed("p-2", false), at(14)).await.unwrap().unwrap();
    store.record_preference(&user(2), &wish(true, 15, "m")).await.unwrap();
    store.record_preference(&user(3), &wish(true, 15, "m")).await.unwrap();
    store.record_preference(&user(3), &wish(false, 16, "n")).await.unwrap();
    store.record_preference(&user(4), &wish(true, 15, "m")).await.unwrap();
    let find = async |search: Search| {
        let found = (fresh.again)().find_conversations(&search, 9, 99).await.unwrap();
        found.users.iter().map(|user| user.as_str()[5..].to_owned()).collect::<Vec<_>>().join(" ")
    };
    let any = Search::default;
    assert_eq!(find(Search { undelivered: true, ..any() }).await, "2 1");
    assert_eq!(find(Search { opted_out: true, ..any() }).await, "4 2");
    assert_eq!(find(Search { opted_out: true, undelivered: true, ..any() }).await, "2");
    assert_eq!(find(Search { undelivered: true, user: "ser-1".to_owned(), ..any() }).await, "1");
    assert_eq!(find(Search { undelivered: true, answered_by: Some(AnsweredBy::Bot), ..any() }).await, "2 1");
    assert_eq!(find(Search { undelivered: true, answered_by: Some(AnsweredBy::Person), ..any() }).await, "");
    let summaries = store.conversation_summaries(&[user(1), user(2), user(3)]).await.unwrap();
    let marks: Vec<_> = summaries.iter().map(|summary| (summary.undelivered, summary.opted_out)).collect();
    assert_eq!(marks, [(1, None), (1, Some(at(15))), (0, None)]);
    assert_eq!(store.retry_outgoing(Some(&user(1)), at(20)).await.unwrap(), 1);
    assert_eq!((store.undelivered(&user(1)).await.unwrap(), store.undelivered(&user(2)).await.unwrap()), (0, 1));
}

pub(in crate::store) async fn what_the_set_up_is_to_blame_for_is_no_attempt(fresh: TestStore) {
    let store = &fresh.store;
    reply(store, 1, 0).await;
    for round in 1..=20_i64 {
        let message = next(store, round).await;
        assert_eq!((message.attempts, message.counted_attempts()), (u32::try_from(round).unwrap(), 1));
        assert!(store.postpone(&message, "billing", at(round + 1), at(round)).await.unwrap());
        assert!(!store.postpone(&message, "billing", at(round + 1), at(round)).await.unwrap(), "its claim is over");
    }
    let waits = store.outgoing_of(&user(1), 9).await.unwrap().remove(0);
    assert_eq!((waits.state, waits.error.as_deref()), (Delivery::Queued, Some("billing")));
    let message = next(store, 30).await;
    assert!(store.send_failed(&message, "busy", Some(at(31)), at(30)).await.unwrap());
    let message = next(store, 31).await;
    assert_eq!(message.counted_attempts(), 2, "an error of its own counts");
    assert!(store.sent(&message, "p-1", at(32)).await.unwrap());

    // It failed after it had been accepted, and that is the set-up's fault, too: it is sent again, before what is later.
    reply(store, 1, 40).await;
    let other = (fresh.again)();
    let again = other.follow_status(&failed("p-1", true), at(41)).await.unwrap().unwrap();
    assert_eq!((again.state, again.receipt), (Delivery::Queued, Some(Receipt::Failed)));
    assert_eq!(other.follow_status(&failed("p-1", true), at(41)).await.unwrap(), None);
    let message = next(&other, 42).await;
    assert_eq!((message.turn, message.counted_attempts()), (1, 1));
    assert!(store.sent(&message, "p-2", at(43)).await.unwrap());
    assert_eq!(next(store, 44).await.turn, 2);
    let sent = store.outgoing_of(&user(1), 9).await.unwrap().remove(0);
    assert_eq!((sent.state, sent.receipt, sent.error), (Delivery::Sent, None, None));
}

pub(in crate::store) async fn tallies_add_up(fresh: TestStore) {
    let store = &fresh.store;
    assert_eq!(store.counted(OTHER_NUMBERS).await.unwrap(), None);
    let counting = (0..20).map(|number| {
        let store = if number % 2 == 0 { store.clone() } else { (fresh.again)() };
        tokio::spawn(async move { store.count(OTHER_NUMBERS, 3, at(number)).await })
    });
    for counted in futures_util::future::join_all(counting).await {
        counted.unwrap().unwrap();
    }
    assert_eq!(store.counted(OTHER_NUMBERS).await.unwrap(), Some(Tally { count: 60, last: at(19) }));
    assert_eq!(store.counted("something else").await.unwrap(), None);
}
