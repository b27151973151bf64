//! The inbox: accepting messages, claims, and their outcomes.

use std::time::{Duration, Instant};

use super::*;
use crate::domain::ids::MessageId;
use crate::domain::inbound::{Content, Context, Inbound};
use crate::domain::outgoing::Outgoing;

pub(super) const LEASE: SignedDuration = SignedDuration::from_secs(30);

/// A message that arrived the moment it was sent.
pub(super) fn text(id: &str, asker: u32, sent: i64) -> Inbound {
    Inbound {
        id: MessageId::new(id),
        user_id: user(asker),
        sent_at: at(sent),
        received_at: at(sent),
        number: None,
        content: Content::Text { text: format!("text of {id}") },
        context: Context::default(),
    }
}

pub(super) async fn accept(store: &Arc<dyn Store>, id: &str, asker: u32, sent: i64) {
    let accepted = store.accept(&[text(id, asker, sent)], at(sent)).await.unwrap();
    assert_eq!(accepted, Accepted { new: 1, repeated: 0 });
}

pub(super) async fn claim(store: &Arc<dyn Store>, second: i64) -> Option<Claim> {
    store.claim(None, "tester", at(second), LEASE).await.unwrap()
}

pub(super) fn ids(claim: &Claim) -> Vec<&str> {
    claim.messages.iter().map(|message| message.id.as_str()).collect()
}

/// The turn of a claim, with one reply, on the conversation as it is stored.
pub(super) async fn turn_of(store: &Arc<dyn Store>, claim: &Claim, reply: &str) -> FinishedTurn {
    let stored = store.conversation(&claim.user_id).await.unwrap();
    let mut conversation = stored.unwrap_or_else(|| Conversation::new(claim.user_id.clone()));
    conversation.turn += 1;
    let turn = conversation.turn;
    let said = |role, text: &str| ChatMessage {
        user_id: claim.user_id.clone(),
        role,
        text: text.to_owned(),
        at: at(1),
        turn,
        intent: None,
        sentiment: None,
        response_ms: None,
        basis: Basis::default(),
    };
    FinishedTurn {
        conversation,
        said: claim.messages.iter().map(|message| said(Role::User, message.content.text())).collect(),
        replies: vec![said(Role::Assistant, reply)],
        outgoing: vec![Outgoing::text(claim.user_id.clone(), turn, 0, reply, at(1))],
    }
}

async fn finish(store: &Arc<dyn Store>, claim: &Claim, second: i64) -> Finished {
    let turn = turn_of(store, claim, "a reply").await;
    store.finish(claim, &turn, at(second)).await.unwrap()
}

async fn said(store: &Arc<dyn Store>, asker: u32) -> Vec<String> {
    let messages = store.recent_messages(&user(asker), 100).await.unwrap();
    messages.into_iter().map(|message| message.text).collect()
}

async fn state(store: &Arc<dyn Store>) -> Vec<Unfinished> {
    store.unfinished(10).await.unwrap()
}

pub(in crate::store) async fn accepted_messages_are_saved_once(fresh: TestStore) {
    let store = &fresh.store;
    let button = Inbound {
        content: Content::Button { text: "Yes 👍 “ok”".to_owned(), payload: "QUOTE_1".to_owned() },
        ..text("b", 1, 2)
    };
    let batch = [text("a", 1, 1), button.clone(), text("a", 1, 3)];
    assert_eq!(store.accept(&batch, at(3)).await.unwrap(), Accepted { new: 2, repeated: 1 });
    assert_eq!(store.accept(&[], at(3)).await.unwrap(), Accepted::default());
    let other = (fresh.again)();
    let changed = Inbound { content: Content::Text { text: "changed".to_owned() }, ..text("a", 2, 9) };
    assert_eq!(other.accept(&[changed], at(9)).await.unwrap(), Accepted { new: 0, repeated: 1 });
    let held = claim(&other, 9).await.unwrap();
    assert_eq!(held.messages, [text("a", 1, 1), button], "as it came the first time");
    assert_eq!((held.user_id.clone(), held.attempt, held.more), (user(1), 1, false));
    assert_eq!(finish(store, &held, 9).await, Finished::Saved);
    assert_eq!(store.accept(&[text("a", 1, 1)], at(10)).await.unwrap(), Accepted { new: 0, repeated: 1 });
    assert_eq!(claim(store, 1_000).await, None, "answered messages stay known, and do not come back");
    assert_eq!(state(store).await, []);
}

pub(in crate::store) async fn a_batch_is_accepted_once_by_many(fresh: TestStore) {
    let other = (fresh.again)();
    let tasks: Vec<_> = (0..16)
        .map(|number| {
            let store = if number % 2 == 0 { fresh.store.clone() } else { other.clone() };
            tokio::spawn(async move {
                let batch: Vec<_> = (0..20).map(|id| text(&format!("m{id}"), id % 4, i64::from(id))).collect();
                store.accept(&batch, at(50)).await.unwrap().new
            })
        })
        .collect();
    let mut new = 0;
    for task in tasks {
        new += task.await.unwrap();
    }
    assert_eq!(new, 20);
    let mut claimed = 0;
    while let Some(held) = claim(&fresh.store, 60).await {
        claimed += held.messages.len();
        assert_eq!(finish(&fresh.store, &held, 60).await, Finished::Saved);
    }
    assert_eq!(claimed, 20);
}

pub(in crate::store) async fn messages_are_claimed_in_their_order(fresh: TestStore) {
    let store = &fresh.store;
    for (id, sent) in [("d", 9), ("b", 5), ("a", 4), ("c", 5), ("e", 9)] {
        accept(store, id, 1, sent).await;
    }
    // One batch, whose order is the order of arrival.
    store.accept(&[text("g", 1, 9), text("f", 1, 9), text("0", 1, -50)], at(9)).await.unwrap();
    assert_eq!(ids(&claim(store, 9).await.unwrap()), ["0", "a", "b", "c", "d", "e", "g", "f"]);
}

pub(in crate::store) async fn the_earliest_due_conversation_is_claimed(fresh: TestStore) {
    let store = &fresh.store;
    for (id, asker, sent) in [("a", 3, 5), ("b", 1, 6), ("c", 2, 7), ("d", 3, 8)] {
        accept(store, id, asker, sent).await;
    }
    assert_eq!(claim(store, 4).await, None, "nothing is due yet");
    let mut order = Vec::new();
    while let Some(held) = claim(store, 10).await {
        order.push((held.user_id.clone(), held.messages.len()));
    }
    assert_eq!(order, [(user(3), 2), (user(1), 1), (user(2), 1)]);
}

pub(in crate::store) async fn one_of_many_gets_a_claim(fresh: TestStore) {
    for asker in 0..12 {
        accept(&fresh.store, &format!("m{asker}"), asker, i64::from(asker)).await;
    }
    let other = (fresh.again)();
    let tasks: Vec<_> = (0..16)
        .map(|number| {
            let store = if number % 2 == 0 { fresh.store.clone() } else { other.clone() };
            tokio::spawn(async move {
                let mut taken = Vec::new();
                while let Some(held) = store.claim(None, &format!("w{number}"), at(20), LEASE).await.unwrap() {
                    taken.push(held.user_id);
                }
                taken
            })
        })
        .collect();
    let mut taken = Vec::new();
    for task in tasks {
        taken.extend(task.await.unwrap());
    }
    assert_eq!(taken.len(), 12, "{taken:?}");
    assert_eq!(taken.into_iter().collect::<HashSet<_>>().len(), 12);
}

pub(in crate::store) async fn a_claim_of_one_customer(fresh: TestStore) {
    let store = &fresh.store;
    accept(store, "a", 1, 1).await;
    accept(store, "b", 2, 5).await;
    let only = async |asker, second| store.claim(Some(&user(asker)), "w", at(second), LEASE).await.unwrap();
    assert_eq!(only(2, 4).await, None, "not due yet");
    assert_eq!(only(3, 9).await, None);
    let held = only(2, 5).await.unwrap();
    assert_eq!((held.user_id.clone(), held.worker.as_str()), (user(2), "w"));
    assert_eq!(only(2, 6).await, None, "it is held");
    assert_eq!(claim(store, 6).await.unwrap().user_id, user(1));
    assert!(only(2, 36).await.unwrap().fence > held.fence, "its lease ran out");
}

pub(in crate::store) async fn a_lease_runs_out_and_is_renewed(fresh: TestStore) {
    let store = &fresh.store;
    accept(store, "a", 1, 0).await;
    let first = claim(store, 0).await.unwrap();
    assert_eq!(first.until, at(30));
    assert_eq!(claim(store, 29).await, None);
    assert!(store.renew(&first, at(29), LEASE).await.unwrap());
    assert_eq!(claim(store, 58).await, None);
    // A lease that ran out and that nobody took is renewed all the same.
    assert!(store.renew(&first, at(70), LEASE).await.unwrap());
    let other = (fresh.again)();
    let second = claim(&other, 100).await.unwrap();
    assert!(second.fence > first.fence);
    assert_eq!((second.attempt, ids(&second)), (2, vec!["a"]));
    assert!(!store.renew(&first, at(100), LEASE).await.unwrap(), "somebody else has it");
    assert!(store.renew(&second, at(100), LEASE).await.unwrap());
    assert!(matches!(&state(store).await[0].state, WorkState::InWork { worker, until }
        if worker == "tester" && *until == at(130)));
}

pub(in crate::store) async fn a_turn_is_finished_whole_or_not_at_all(fresh: TestStore) {
    let store = &fresh.store;
    accept(store, "a", 1, 0).await;
    accept(store, "b", 1, 1).await;
    let held = claim(store, 1).await.unwrap();
    let turn = turn_of(store, &held, "the reply").await;
    assert_eq!(store.finish(&held, &turn, at(2)).await.unwrap(), Finished::Saved);
    let other = (fresh.again)();
    let stored = other.conversation(&user(1)).await.unwrap().unwrap();
    assert_eq!(stored, Conversation { version: 1, ..turn.conversation.clone() });
    assert_eq!(said(&other, 1).await, ["text of a", "text of b", "the reply"]);
    assert_eq!(other.outgoing_of(&user(1), 10).await.unwrap(), turn.outgoing);
    assert_eq!(store.finish(&held, &turn, at(3)).await.unwrap(), Finished::Lost, "it is closed");
    assert!(!store.renew(&held, at(3), LEASE).await.unwrap());
    assert!(!store.fail(&held, "late", None, at(3)).await.unwrap());
    assert!(!store.release(&held, at(3)).await.unwrap());
    assert_eq!(said(store, 1).await.len(), 3);
    assert_eq!((claim(store, 1_000).await, state(store).await), (None, vec![]));

    accept(store, "c", 1, 2_000).await;
    let next = claim(store, 2_000).await.unwrap();
    assert!(next.fence > held.fence);
    assert_eq!((next.attempt, ids(&next)), (1, vec!["c"]));
}

pub(in crate::store) async fn an_overtaken_claim_changes_nothing(fresh: TestStore) {
    let store = &fresh.store;
    accept(store, "a", 1, 0).await;
    let slow = claim(store, 0).await.unwrap();
    let stale = turn_of(store, &slow, "too late").await;
    let quick = claim(&(fresh.again)(), 30).await.unwrap();
    assert_eq!(store.finish(&slow, &stale, at(31)).await.unwrap(), Finished::Lost);
    assert!(!store.fail(&slow, "late", None, at(31)).await.unwrap());
    assert!(!store.fail(&slow, "late", Some(at(31)), at(31)).await.unwrap());
    assert!(!store.release(&slow, at(31)).await.unwrap());
    assert_eq!(store.conversation(&user(1)).await.unwrap(), None);
    assert!(said(store, 1).await.is_empty());
    assert!(store.outgoing_of(&user(1), 9).await.unwrap().is_empty());
    assert_eq!(claim(store, 40).await, None, "it is still held by the other");
    assert_eq!(finish(store, &quick, 41).await, Finished::Saved);
    assert_eq!(store.finish(&slow, &stale, at(42)).await.unwrap(), Finished::Lost);
    assert_eq!(said(store, 1).await, ["text of a", "a reply"]);
}

pub(in crate::store) async fn a_changed_conversation_differs_from_a_lost_claim(fresh: TestStore) {
    let store = &fresh.store;
    accept(store, "a", 1, 0).await;
    let held = claim(store, 0).await.unwrap();
    let stale = turn_of(store, &held, "on what was there before").await;
    // Somebody without a claim, such as the team.
    assert!(store.save_conversation(&Conversation::new(user(1))).await.unwrap());
    assert_eq!(store.finish(&held, &stale, at(1)).await.unwrap(), Finished::Changed);
    assert!(said(store, 1).await.is_empty() && store.outgoing_of(&user(1), 9).await.unwrap().is_empty());
    assert!(store.renew(&held, at(1), LEASE).await.unwrap(), "the claim is current");
    assert_eq!(finish(store, &held, 2).await, Finished::Saved);
    assert_eq!(store.conversation(&user(1)).await.unwrap().unwrap().version, 2);
}

pub(in crate::store) async fn messages_that_arrive_during_the_work_make_the_next_turn(fresh: TestStore) {
    let store = &fresh.store;
    accept(store, "a", 1, 0).await;
    let first = claim(store, 0).await.unwrap();
    accept(store, "b", 1, 5).await;
    accept(store, "x", 2, 6).await;
    // Sent before everything that was answered, and late: it is in the next turn.
    store.accept(&[text("c", 1, -9)], at(7)).await.unwrap();
    assert_eq!(state(store).await.len(), 2);
    assert_eq!(finish(store, &first, 8).await, Finished::Saved);
    assert_eq!(claim(store, 8).await.unwrap().user_id, user(2), "it is due since the finish");
    let second = claim(store, 8).await.unwrap();
    assert_eq!((ids(&second), second.attempt), (vec!["c", "b"], 1));
    // A redelivery of what is being answered is no news.
    store.accept(&[text("a", 1, 0), text("b", 1, 5)], at(9)).await.unwrap();
    assert_eq!(finish(store, &second, 9).await, Finished::Saved);
    assert_eq!(claim(store, 9).await, None);
}

pub(in crate::store) async fn a_long_burst_is_answered_in_parts(fresh: TestStore) {
    let store = &fresh.store;
    let all: Vec<Inbound> = (0..=MAX_CLAIMED_MESSAGES * 2).map(|number| text(&format!("m{number:04}"), 1, 0)).collect();
    store.accept(&all, at(0)).await.unwrap();
    let mut sizes = Vec::new();
    let mut seen = Vec::new();
    while let Some(held) = claim(store, 1).await {
        sizes.push((held.messages.len(), held.more));
        seen.extend(held.messages.clone());
        assert_eq!(finish(store, &held, 1).await, Finished::Saved);
    }
    assert_eq!(sizes, [(MAX_CLAIMED_MESSAGES, true), (MAX_CLAIMED_MESSAGES, true), (1, false)]);
    assert_eq!(seen, all);
}

pub(in crate::store) async fn failures_come_back_and_are_parked(fresh: TestStore) {
    let store = &fresh.store;
    accept(store, "a", 1, 0).await;
    let first = claim(store, 0).await.unwrap();
    assert!(store.fail(&first, "no luck", Some(at(20)), at(1)).await.unwrap());
    assert!(!store.fail(&first, "again", None, at(1)).await.unwrap(), "the claim is closed");
    let waiting = state(store).await.remove(0);
    assert_eq!(
        (waiting.state, waiting.attempts, waiting.error.as_deref(), waiting.messages, waiting.since),
        (WorkState::Waiting { due: at(20) }, 1, Some("no luck"), 1, at(0))
    );
    accept(store, "b", 1, 5).await;
    assert_eq!(claim(store, 19).await, None, "a new message does not shorten the wait");
    let second = claim(store, 20).await.unwrap();
    assert_eq!((second.attempt, ids(&second)), (2, vec!["a", "b"]));
    assert!(store.fail(&second, "no more", None, at(21)).await.unwrap());
    assert_eq!(claim(store, 10_000).await, None);
    let parked = state(store).await.remove(0);
    assert_eq!((parked.state, parked.attempts, parked.messages), (WorkState::Parked { at: at(21) }, 2, 2));
    assert_eq!(parked.error.as_deref(), Some("no more"));

    accept(store, "c", 2, 30).await;
    assert_eq!(store.retry_parked(Some(&user(2)), at(30)).await.unwrap(), 0);
    assert_eq!(store.retry_parked(Some(&user(1)), at(40)).await.unwrap(), 1);
    assert_eq!(store.retry_parked(None, at(40)).await.unwrap(), 0, "none is left");
    let list = state(store).await;
    assert_eq!(list.iter().map(|entry| entry.user_id.clone()).collect::<Vec<_>>(), [user(2), user(1)]);
    assert_eq!(list[1].error.as_deref(), Some("no more"), "visible until it is finished");
    assert_eq!(claim(store, 40).await.unwrap().user_id, user(2));
    let third = claim(store, 40).await.unwrap();
    assert_eq!((third.attempt, ids(&third)), (1, vec!["a", "b"]));
    assert!(third.fence > second.fence);
    assert_eq!(finish(store, &third, 41).await, Finished::Saved);
    assert!(state(store).await.iter().all(|entry| entry.user_id != user(1)));
}

pub(in crate::store) async fn a_new_message_revives_a_parked_conversation(fresh: TestStore) {
    let store = &fresh.store;
    for (id, asker) in [("a", 1), ("b", 2)] {
        accept(store, id, asker, 0).await;
        let held = claim(store, 0).await.unwrap();
        assert!(store.fail(&held, "poison", None, at(i64::from(asker))).await.unwrap());
    }
    store.accept(&[text("a", 1, 0)], at(5)).await.unwrap();
    let parked = state(store).await;
    assert_eq!(parked.iter().map(|entry| entry.user_id.clone()).collect::<Vec<_>>(), [user(1), user(2)]);
    assert_eq!(claim(store, 6).await, None, "a redelivery is no new message");
    accept(store, "c", 1, 7).await;
    let revived = state(store).await.remove(1);
    assert_eq!(
        (revived.user_id, revived.state, revived.attempts, revived.error),
        (user(1), WorkState::Waiting { due: at(7) }, 0, None)
    );
    let held = claim(store, 7).await.unwrap();
    assert_eq!((held.attempt, ids(&held)), (1, vec!["a", "c"]));
    assert_eq!(claim(store, 7).await, None, "the other one stays parked");
}

pub(in crate::store) async fn a_released_claim_does_not_count(fresh: TestStore) {
    let store = &fresh.store;
    accept(store, "a", 1, 0).await;
    let first = claim(store, 0).await.unwrap();
    assert!(store.release(&first, at(3)).await.unwrap());
    assert!(!store.release(&first, at(3)).await.unwrap());
    assert_eq!(claim(store, 2).await, None);
    let second = claim(store, 3).await.unwrap();
    assert_eq!((second.attempt, ids(&second)), (1, vec!["a"]));
    assert!(second.fence > first.fence);
}

pub(in crate::store) async fn the_backlog_is_counted(fresh: TestStore) {
    let store = &fresh.store;
    assert_eq!(store.backlog().await.unwrap(), Backlog::default());
    for (id, asker, sent) in [("a", 1, 1), ("b", 2, 2), ("c", 3, 3), ("d", 4, 4), ("e", 4, 4), ("f", 5, 5)] {
        accept(store, id, asker, sent).await;
    }
    let first = claim(store, 9).await.unwrap();
    assert!(store.fail(&first, "no", None, at(9)).await.unwrap());
    claim(store, 9).await.unwrap();
    let third = claim(store, 9).await.unwrap();
    assert_eq!(finish(store, &third, 9).await, Finished::Saved);
    let backlog = store.backlog().await.unwrap();
    let expected = Backlog { waiting: 2, in_work: 1, parked: 1, oldest: Some(at(4)), unsent: 1, unsent_parked: 0 };
    assert_eq!(backlog, expected);
    let message = store.claim_outgoing(None, at(9), LEASE).await.unwrap().unwrap();
    assert_eq!(store.backlog().await.unwrap().unsent, 1, "being sent is not sent");
    assert!(store.send_failed(&message, "no", None, at(9)).await.unwrap());
    assert_eq!(store.backlog().await.unwrap(), Backlog { unsent: 0, unsent_parked: 1, ..expected });
    assert_eq!(store.unfinished(2).await.unwrap().len(), 2);
    let states: Vec<_> = state(store).await.into_iter().map(|entry| (entry.user_id, entry.messages)).collect();
    assert_eq!(states, [(user(1), 1), (user(4), 2), (user(5), 1), (user(2), 1)], "parked first, then by due time");
}

pub(in crate::store) async fn listeners_hear_of_work(fresh: TestStore) {
    let store = &fresh.store;
    let long = Duration::from_secs(20);
    let mut listener = store.listen();
    let begun = Instant::now();
    listener.wait(Duration::from_millis(30)).await;
    assert!(begun.elapsed() >= Duration::from_millis(30), "nothing has happened");
    accept(store, "a", 1, 0).await;
    listener.wait(long).await;
    let mut both = (store.listen(), listener.clone());
    let sleeper = tokio::spawn(async move {
        tokio::join!(both.0.wait(long), both.1.wait(long));
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    let held = claim(store, 0).await.unwrap();
    assert_eq!(finish(store, &held, 0).await, Finished::Saved);
    sleeper.await.unwrap();
    listener.wait(long).await;
    let message = store.claim_outgoing(None, at(9), LEASE).await.unwrap().unwrap();
    assert!(store.send_failed(&message, "no", None, at(9)).await.unwrap());
    accept(store, "b", 2, 0).await;
    let held = claim(store, 0).await.unwrap();
    assert!(store.fail(&held, "no", None, at(0)).await.unwrap());
    listener.wait(long).await;
    let mut late = store.listen();
    assert_eq!(store.retry_parked(None, at(1)).await.unwrap(), 1);
    late.wait(long).await;
    let mut later = store.listen();
    assert_eq!(store.retry_outgoing(None, at(1)).await.unwrap(), 1);
    later.wait(long).await;
    assert!(begun.elapsed() < long, "a wait ended only by its limit");
}
