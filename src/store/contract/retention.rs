//! Retention and erasure.

use super::*;
use crate::domain::audit::{ERASED_CUSTOMER, FORGET};
use crate::domain::correction::Correction;
use crate::domain::ids::MessageId;
use crate::domain::inbound::{Content, Context, Inbound};
use crate::domain::outgoing::{Delivery, Outgoing};
use crate::domain::refund::Proposal;
use crate::domain::retention::RetentionPolicy;

const DAY: i64 = 24 * 3_600;
const LEASE: SignedDuration = SignedDuration::from_secs(30);

fn inbound(message: &str, asker: u32, second: i64) -> Inbound {
    Inbound {
        id: MessageId::new(message),
        user_id: user(asker),
        sent_at: at(second),
        received_at: at(second),
        number: None,
        content: Content::Text { text: format!("words of {}", user(asker)) },
        context: Context::default(),
    }
}

fn said(asker: u32, second: i64) -> ChatMessage {
    ChatMessage {
        user_id: user(asker),
        role: Role::User,
        text: format!("words of {}", user(asker)),
        at: at(second),
        turn: 1,
        intent: Some("other".to_owned()),
        sentiment: None,
        response_ms: None,
        basis: Basis::default(),
    }
}

fn correction(message: &ChatMessage) -> Correction {
    Correction { intent: Some("track_order".to_owned()), ..Correction::of(message, "operator:contract", at(9)) }
}

fn alert(asker: u32, second: i64) -> Alert {
    Alert {
        id: AlertId::new(format!("alert-{asker}")),
        user_id: user(asker),
        reason: "a person".to_owned(),
        last_message: format!("words of {}", user(asker)),
        priority: Priority::High,
        status: AlertStatus::Pending,
        created_at: at(second),
        bot_answers: false,
        handling: Handling::default(),
    }
}

/// A call that pays, as it is put on record.
fn payment(refund: &Refund, actor: &str, second: i64) -> AuditRecord {
    AuditRecord {
        at: at(second),
        actor: actor.to_owned(),
        action: "process_refund".to_owned(),
        phase: AuditPhase::Finished,
        arguments: serde_json::json!({"order_id": refund.order_id, "reason": "words"}),
        result: serde_json::json!({
            "status": "success", "transaction_id": refund.transaction_id, "amount_refunded": refund.refunded().to_json(),
        }),
    }
}

async fn claim(store: &Arc<dyn Store>, asker: u32, second: i64) -> Claim {
    store.claim(Some(&user(asker)), "tester", at(second), LEASE).await.unwrap().unwrap()
}

/// Answers what waits of a customer with this many replies.
async fn answer(store: &Arc<dyn Store>, asker: u32, second: i64, replies: u32) {
    let held = claim(store, asker, second).await;
    assert_eq!(store.finish(&held, &turn(&held, replies, second), at(second)).await.unwrap(), Finished::Saved);
}

fn turn(held: &Claim, replies: u32, second: i64) -> FinishedTurn {
    let whose = held.user_id.clone();
    FinishedTurn {
        conversation: Conversation { turn: 1, ..Conversation::new(whose.clone()) },
        said: Vec::new(),
        replies: Vec::new(),
        outgoing: (0..replies)
            .map(|sequence| Outgoing::text(whose.clone(), 1, sequence, "a reply", at(second)))
            .collect(),
    }
}

async fn run(store: &Arc<dyn Store>, keep: RetentionPolicy, second: i64) -> SweepReport {
    sweep(store.as_ref(), &keep, at(second), at(second)).await.unwrap().unwrap()
}

pub(in crate::store) async fn old_data_is_removed_and_waiting_data_stays(fresh: TestStore) {
    let store = &fresh.store;
    let old: Vec<ChatMessage> = (0..1_100).map(|second| said(1, second)).collect();
    store.append_messages(&old).await.unwrap();
    store.append_messages(&[said(1, 40 * DAY), said(2, 40 * DAY)]).await.unwrap();
    for message in [said(1, 0), said(2, 40 * DAY)] {
        store.correct(&correction(&message)).await.unwrap();
    }
    for asker in 1..4 {
        store.open_alert(&alert(asker, 0)).await.unwrap();
    }
    store.resolve_alert(&AlertId::new("alert-1"), &resolved(at(5))).await.unwrap();
    store.resolve_alert(&AlertId::new("alert-2"), &resolved(at(40 * DAY))).await.unwrap();
    // The first is answered: one reply is sent, one is given up, one waits. The second waits, the third is parked.
    let messages = [inbound("a", 1, 0), inbound("b", 2, 0), inbound("c", 3, 0)];
    store.accept(&messages, at(0)).await.unwrap();
    answer(store, 1, 1, 3).await;
    let reply = store.claim_outgoing(None, at(2), LEASE).await.unwrap().unwrap();
    assert!(store.sent(&reply, "p", at(2)).await.unwrap());
    let reply = store.claim_outgoing(None, at(2), LEASE).await.unwrap().unwrap();
    assert!(store.send_failed(&reply, "no", None, at(2)).await.unwrap());
    let held = claim(store, 3, 3).await;
    assert!(store.fail(&held, "poison", None, at(3)).await.unwrap());

    let now = 41 * DAY;
    let nothing = SweepReport::none(at(now));
    assert_eq!(store.last_sweep().await.unwrap(), None);
    assert_eq!(run(store, RetentionPolicy::from_days(50, 50, 0), now).await, nothing, "nothing is so old");
    assert_eq!(run(store, RetentionPolicy::default(), now).await, nothing, "for ever");
    let swept = run(&(fresh.again)(), RetentionPolicy::from_days(30, 30, 0), now).await;
    assert_eq!(swept, SweepReport { chats: 1_100, corrections: 1, alerts: 1, inbox: 1, outbox: 1, ..nothing });
    assert_eq!(store.last_sweep().await.unwrap(), Some(swept));
    assert_eq!(run(store, RetentionPolicy::from_days(30, 30, 0), now).await, nothing);

    assert_eq!(store.recent_messages(&user(1), 9).await.unwrap(), [said(1, 40 * DAY)]);
    assert_eq!(store.alerts(9).await.unwrap().len(), 2, "one is pending, one was resolved lately");
    let states: Vec<Delivery> =
        store.outgoing_of(&user(1), 9).await.unwrap().into_iter().map(|reply| reply.state).collect();
    assert_eq!(states, [Delivery::Parked, Delivery::Queued]);
    let backlog = store.backlog().await.unwrap();
    assert_eq!((backlog.waiting, backlog.parked, backlog.unsent, backlog.unsent_parked), (1, 1, 1, 1));
    assert_eq!(claim(store, 2, now).await.messages, [inbound("b", 2, 0)]);
    assert_eq!(store.accept(&[inbound("c", 3, 0)], at(now)).await.unwrap().repeated, 1, "what is parked is known");
    assert!(store.conversation(&user(1)).await.unwrap().is_some());
}

pub(in crate::store) async fn one_process_at_a_time_removes_old_data(fresh: TestStore) {
    let (store, other) = (&fresh.store, (fresh.again)());
    let keep = RetentionPolicy::from_days(30, 30, 30);
    let tasks = (0..8).map(|number| {
        let store = if number % 2 == 0 { store.clone() } else { other.clone() };
        tokio::spawn(async move { store.begin_sweep(&format!("s{number}"), at(0), LEASE, at(-60)).await.unwrap() })
    });
    let mut begun = 0;
    for task in tasks.collect::<Vec<_>>() {
        begun += u32::from(task.await.unwrap());
    }
    assert_eq!(begun, 1);
    assert_eq!(sweep(other.as_ref(), &keep, at(29), at(29)).await.unwrap(), None, "somebody is at it");
    // It died: its lease runs out.
    let swept = sweep(other.as_ref(), &keep, at(31), at(-29)).await.unwrap();
    assert!(swept.is_some());
    assert_eq!(sweep(store.as_ref(), &keep, at(60), at(0)).await.unwrap(), None, "it was done a moment ago");
    assert!(sweep(store.as_ref(), &keep, at(100), at(40)).await.unwrap().is_some());
}

pub(in crate::store) async fn a_trimmed_audit_trail_holds(fresh: TestStore) {
    let store = &fresh.store;
    let keep = RetentionPolicy::from_days(0, 0, 10);
    // A refund of each of 30 days, its call on record.
    for day in 0..30 {
        let paid = store.record_refund(approved(u32::try_from(day * DAY).unwrap() + 1)).await.unwrap().refund;
        store.append_audit(&payment(&paid, "operator:contract", day * DAY + 1)).await.unwrap();
    }
    assert_eq!(run(store, keep, 5 * DAY).await.audit, 0, "nothing is so old");
    let swept = run(store, keep, 30 * DAY).await;
    // Cut at the beginning of a day.
    assert_eq!((swept.audit, swept.trail_broken), (20, false));
    let holds = async |removed, entries| {
        for store in [store.clone(), (fresh.again)()] {
            let expected = AuditCheck { removed, ..AuditCheck::whole(entries) };
            assert_eq!(store.check_audit().await.unwrap(), expected);
            assert_eq!(store.check_refunds().await.unwrap(), None);
        }
    };
    holds(20, 11).await;
    let rest = store.audit_entries(1, 100).await.unwrap();
    assert_eq!((rest.len(), rest[0].seq, store.audit_length().await.unwrap()), (11, 21, 31));
    assert_eq!(store.refunds(100).await.unwrap().len(), 30);
    assert_eq!(run(store, keep, 30 * DAY).await.audit, 0, "once a day");
    // An order of before the cut is asked for again, and a new one is paid.
    let again = store.record_refund(approved(1)).await.unwrap();
    assert!(again.already);
    let asked = AuditRecord {
        result: serde_json::json!({"status": "already_refunded"}),
        ..payment(&again.refund, "operator:x", 30 * DAY)
    };
    store.append_audit(&asked).await.unwrap();
    let paid = store.record_refund(approved(u32::try_from(31 * DAY).unwrap())).await.unwrap().refund;
    store.append_audit(&payment(&paid, "operator:contract", 31 * DAY)).await.unwrap();
    holds(20, 13).await;
    assert_eq!(run(store, keep, 36 * DAY).await.audit, 6);
    holds(26, 8).await;
    assert_eq!(run(store, keep, 90 * DAY).await.audit, 8, "all of it but the record of that");
    holds(34, 1).await;
    assert_eq!(run(store, keep, 180 * DAY).await.audit, 0, "a record of a removal alone is not replaced for ever");
    store.append_audit(&record(1)).await.unwrap();
    holds(34, 2).await;
}

pub(in crate::store) async fn a_differing_trail_is_not_trimmed(fresh: TestStore) {
    let store = &fresh.store;
    for number in 0..3 {
        store.append_audit(&record(number)).await.unwrap();
    }
    store.record_refund(approved(1)).await.unwrap();
    let swept = run(store, RetentionPolicy::from_days(0, 0, 10), 90 * DAY).await;
    assert_eq!((swept.audit, swept.trail_broken), (0, true), "the ledger holds what nobody has on record");
    assert_eq!(store.audit_entries(1, 9).await.unwrap().len(), 3);
}

/// One of everything of a customer; the refund is of `order`.
async fn fill(store: &Arc<dyn Store>, asker: u32, order: u32) {
    store.append_messages(&[said(asker, 0), said(asker, 1)]).await.unwrap();
    assert!(store.correct(&correction(&said(asker, 0))).await.unwrap());
    store.open_alert(&alert(asker, 0)).await.unwrap();
    store.bind_order(&id(order), &user(asker), at(0)).await.unwrap();
    store.try_record_lookup(&id(order), &user(asker), at(0), 5).await.unwrap();
    let quote = Proposal {
        id: QuoteId::new(format!("quote-{asker}")),
        order_id: id(order),
        turn: Some(1),
        user_id: Some(user(asker)),
        kind: crate::domain::proposal::ProposalKind::Refund,
        details: crate::domain::proposal::Details::default(),
        order_value: Money::from_rupees(599),
        amount: Money::from_rupees(599),
        fee: Money::ZERO,
        currency: crate::domain::currency::Currency::INR,
        created_at: at(0),
        expires_at: at(1_800),
    };
    store.save_quote(&quote).await.unwrap();
    store.accept(&[inbound(&format!("first-{asker}"), asker, 0)], at(0)).await.unwrap();
    answer(store, asker, 1, 2).await;
    store.accept(&[inbound(&format!("second-{asker}"), asker, 2)], at(2)).await.unwrap();
    let paid = store.record_refund(approved(order)).await.unwrap().refund;
    store.append_audit(&payment(&paid, &format!("customer:{}", user(asker)), 3)).await.unwrap();
    let read = AuditRecord {
        action: "read_conversation".to_owned(),
        arguments: serde_json::json!({"user_id": user(asker)}),
        ..record(1)
    };
    store.append_audit(&read).await.unwrap();
}

pub(in crate::store) async fn an_erased_customer_is_gone(fresh: TestStore) {
    let store = &fresh.store;
    // The name of one is the beginning of the other's.
    for (asker, order) in [(1, 1), (11, 2)] {
        fill(store, asker, order).await;
    }
    let kept = personal_data(store.as_ref(), &user(11)).await.unwrap();
    let data = personal_data(store.as_ref(), &user(1)).await.unwrap();
    assert_eq!((data.chats.len(), data.inbox.len(), data.outbox.len(), data.alerts.len()), (2, 2, 2, 1));
    assert_eq!((data.bindings.len(), data.lookups.len(), data.quotes.len(), data.audit.len()), (1, 1, 1, 2));
    assert_eq!(data.corrections, [correction(&said(1, 0))]);
    assert_eq!(data.inbox.iter().map(|kept| kept.answered).collect::<Vec<_>>(), [true, false]);
    assert!(data.conversation.is_some() && !data.is_empty());
    assert!(serde_json::to_string(&data).unwrap().contains("words of user-1"));

    let refunds = store.refunds(9).await.unwrap();
    let receipt = forget(store.as_ref(), &user(1), &|| at(10)).await.unwrap();
    let gone = receipt.erased;
    assert_eq!((gone.chats, gone.conversations, gone.inbox, gone.outbox, gone.alerts), (2, 1, 2, 2, 1));
    assert_eq!(gone.corrections, 1);
    assert_eq!((gone.bindings, gone.lookups, gone.quotes, gone.audit, gone.held_until), (1, 1, 1, 2, None));
    for store in [store.clone(), (fresh.again)()] {
        assert!(personal_data(store.as_ref(), &user(1)).await.unwrap().is_empty());
        assert_eq!(personal_data(store.as_ref(), &user(11)).await.unwrap(), kept, "nobody else is touched");
        assert_eq!(store.refunds(9).await.unwrap(), refunds, "the ledger stays");
        assert_eq!(store.check_audit().await.unwrap(), AuditCheck { erased: 2, ..AuditCheck::whole(6) });
        assert_eq!(store.check_refunds().await.unwrap(), None, "and still agrees with the trail");
    }
    let trail = store.audit_entries(1, 99).await.unwrap();
    assert_eq!(trail.iter().filter(|entry| entry.mentions(&user(1))).count(), 0);
    assert_eq!(trail.iter().filter(|entry| entry.content.contains(ERASED_CUSTOMER)).count(), 1);
    let noted: Vec<AuditRecord> =
        trail.iter().filter_map(AuditEntry::record).filter(|record| record.action == FORGET).collect();
    assert!(noted.len() == 2 && noted.iter().all(|record| record.arguments["reference"] == *receipt.reference));
    assert!(!trail.iter().any(|entry| entry.content.contains(&receipt.salt)), "the salt is not stored");
    let bound = store.bind_order(&id(1), &user(5), at(11)).await.unwrap();
    assert!(bound != user(5) && bound != user(1), "the order is nobody else's now: {bound}");
    assert_eq!(store.backlog().await.unwrap().unsent, 2, "only the other's");
    // A customer who writes again is a new one.
    store.accept(&[inbound("third", 1, 20)], at(20)).await.unwrap();
    assert_eq!(claim(store, 1, 20).await.messages, [inbound("third", 1, 20)]);
    answer(store, 1, 100, 1).await;
}

pub(in crate::store) async fn a_turn_in_work_brings_nothing_back(fresh: TestStore) {
    let (store, worker) = (&fresh.store, (fresh.again)());
    // Leases end by the clock that is shown: this one shows the real time.
    let now = Timestamp::now;
    store.accept(&[inbound("a", 1, 0)], now()).await.unwrap();
    let lease = SignedDuration::from_millis(400);
    let held = worker.claim(Some(&user(1)), "worker", now(), lease).await.unwrap().unwrap();
    let late = {
        let (worker, held) = (worker.clone(), held.clone());
        tokio::spawn(async move {
            tokio::time::sleep(std::time::Duration::from_millis(150)).await;
            // What its tools still do before it hears.
            worker.open_alert(&alert(1, 0)).await.unwrap();
            let record = AuditRecord { actor: format!("customer:{}", user(1)), ..record(1) };
            worker.append_audit(&record).await.unwrap();
            (
                worker.renew(&held, Timestamp::now(), lease).await.unwrap(),
                worker.finish(&held, &turn(&held, 1, 0), Timestamp::now()).await.unwrap(),
            )
        })
    };
    let receipt = forget(store.as_ref(), &user(1), &now).await.unwrap();
    assert_eq!(late.await.unwrap(), (false, Finished::Lost));
    assert!(receipt.erased.held_until.is_some(), "the lease is reported");
    assert_eq!((receipt.erased.alerts, receipt.erased.audit), (1, 1), "what was written late went too");
    assert!(personal_data(store.as_ref(), &user(1)).await.unwrap().is_empty());
    // The customer writes again while the old worker still lives.
    store.accept(&[inbound("b", 1, 1)], now()).await.unwrap();
    let next = store.claim(Some(&user(1)), "other", now(), LEASE).await.unwrap().unwrap();
    assert_ne!(next.fence, held.fence);
    assert_eq!(worker.finish(&held, &turn(&held, 1, 0), now()).await.unwrap(), Finished::Lost);
    assert!(!worker.fail(&held, "no", None, now()).await.unwrap() && !worker.release(&held, now()).await.unwrap());
    assert_eq!(store.finish(&next, &turn(&next, 1, 1), now()).await.unwrap(), Finished::Saved);
    assert_eq!(store.check_audit().await.unwrap().broken, None);
}
