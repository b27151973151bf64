//! Quotes, refunds and the audit trail.

use super::*;
use crate::domain::currency::{Amount, Currency};
use crate::domain::order::OrderDetails;
use crate::domain::refund::{Change, RefundState};
use crate::domain::retention::RetentionPolicy;
use crate::refunds::{Moved, change};

pub(in crate::store) async fn refunds_survive_every_import(fresh: TestStore) {
    let store = &fresh.store;
    import(store, ImportMode::Upsert, vec![order(1)]).await;
    let first = store.record_refund(approved(1)).await.unwrap();
    assert!(!first.already);
    assert_eq!(store.bind_order(&id(1), &user(1), at(0)).await.unwrap(), user(1));
    let quote = quote(1, Some(user(1)), 0);
    store.save_quote(&quote).await.unwrap();
    for (mode, orders) in [
        (ImportMode::Upsert, vec![order(1)]),
        (ImportMode::Append, vec![order(1)]),
        (ImportMode::Replace, vec![order(2)]),
        (ImportMode::Upsert, vec![order(1)]),
    ] {
        import(store, mode, orders).await;
        assert_eq!(store.refund_of(&id(1)).await.unwrap(), Some(first.refund.clone()), "{mode:?}");
        let again = store.record_refund(approved(1)).await.unwrap();
        assert_eq!(again, Recorded { refund: first.refund.clone(), already: true }, "{mode:?}");
        assert_eq!(store.bind_order(&id(1), &user(2), at(1)).await.unwrap(), user(1), "{mode:?}");
        assert_eq!(store.quote(&quote.id).await.unwrap(), Some(quote.clone()), "{mode:?}");
    }
}

pub(in crate::store) async fn a_refund_is_paid_once_under_64_tasks(fresh: TestStore) {
    let other = (fresh.again)();
    let tasks = (0..64).map(|number| {
        let store = if number % 2 == 0 { fresh.store.clone() } else { other.clone() };
        tokio::spawn(async move { store.record_refund(approved(3)).await.unwrap() })
    });
    let mut paid = 0;
    let mut seen = HashSet::new();
    for task in tasks.collect::<Vec<_>>() {
        let recorded = task.await.unwrap();
        paid += u32::from(!recorded.already);
        seen.insert(recorded.refund.transaction_id);
    }
    assert_eq!((paid, seen.len()), (1, 1));
    assert_eq!(fresh.store.refunds(10).await.unwrap().len(), 1);
}

pub(in crate::store) async fn refunds_are_listed_latest_first(fresh: TestStore) {
    for number in [2, 3, 1] {
        fresh.store.record_refund(approved(number)).await.unwrap();
    }
    let listed = fresh.store.refunds(2).await.unwrap();
    assert_eq!(listed.iter().map(|refund| refund.order_id.clone()).collect::<Vec<_>>(), [id(3), id(2)]);
    assert_eq!(fresh.store.refund_of(&id(2)).await.unwrap().as_ref(), listed.get(1));
    assert_eq!(fresh.store.refund_of(&id(9)).await.unwrap(), None);
}

pub(in crate::store) async fn amounts_keep_their_currency(fresh: TestStore) {
    let store = &fresh.store;
    for (number, code) in [(1, "KWD"), (2, "JPY"), (3, "USD")] {
        let currency = Currency::new(code).unwrap();
        let details = OrderDetails {
            currency: Some(currency),
            shipping: Some(Money::from_minor_units(7)),
            ..OrderDetails::default()
        };
        let sold = Order { value: Some(Money::from_minor_units(1_250)), details, ..order(number) };
        import(store, ImportMode::Upsert, vec![sold.clone()]).await;
        assert_eq!(store.order(&id(number)).await.unwrap(), Some(sold.clone()), "{code}");
        let quote = Proposal { currency, ..quote(number, None, 0) };
        store.save_quote(&quote).await.unwrap();
        assert_eq!(store.quote(&quote.id).await.unwrap(), Some(quote), "{code}");
        let paid =
            store.record_refund(approved_of(ProviderKind::Ledger, &sold, i64::from(number))).await.unwrap().refund;
        assert_eq!(paid.refunded(), Amount::new(Money::from_minor_units(1_250), currency));
        assert_eq!(store.refund_of(&id(number)).await.unwrap(), Some(paid), "{code}");
    }
    let listed = store.refunds(10).await.unwrap();
    assert_eq!(listed.iter().map(|refund| refund.currency.code()).collect::<Vec<_>>(), ["USD", "JPY", "KWD"]);
}

fn quote(number: u32, user_id: Option<UserId>, second: i64) -> Proposal {
    Proposal {
        id: QuoteId::new(format!("quote-{number}")),
        order_id: id(1),
        turn: user_id.as_ref().map(|_| 3),
        user_id,
        kind: crate::domain::proposal::ProposalKind::Refund,
        details: crate::domain::proposal::Details::default(),
        order_value: Money::from_rupees(599),
        amount: Money::from_minor_units(56_905),
        fee: Money::from_minor_units(2_995),
        currency: crate::domain::currency::Currency::INR,
        created_at: at(second),
        expires_at: Timestamp::MAX.round(jiff::Unit::Second).unwrap_or(at(second + 1_800)),
    }
}

pub(in crate::store) async fn the_latest_quote_of_an_identity(fresh: TestStore) {
    let store = &fresh.store;
    let quotes =
        [quote(1, Some(user(1)), 10), quote(2, Some(user(1)), 20), quote(3, Some(user(2)), 30), quote(4, None, 40)];
    for quote in &quotes {
        store.save_quote(quote).await.unwrap();
    }
    assert_eq!(store.latest_quote(&id(1), Some(&user(1))).await.unwrap().as_ref(), Some(&quotes[1]));
    assert_eq!(store.latest_quote(&id(1), Some(&user(2))).await.unwrap().as_ref(), Some(&quotes[2]));
    assert_eq!(store.latest_quote(&id(1), None).await.unwrap().as_ref(), Some(&quotes[3]));
    assert_eq!(store.latest_quote(&id(1), Some(&user(9))).await.unwrap(), None);
    assert_eq!(store.latest_quote(&id(2), Some(&user(1))).await.unwrap(), None);
    assert_eq!(store.quote(&quotes[0].id).await.unwrap().as_ref(), Some(&quotes[0]));
    assert_eq!(store.quote(&QuoteId::new("none")).await.unwrap(), None);
}

pub(in crate::store) async fn the_audit_chain_holds_under_concurrency(fresh: TestStore) {
    assert_eq!(fresh.store.check_audit().await.unwrap(), AuditCheck::whole(0));
    let other = (fresh.again)();
    let tasks: Vec<_> = (0..60)
        .map(|number| {
            let store = if number % 2 == 0 { fresh.store.clone() } else { other.clone() };
            tokio::spawn(async move {
                // One that need not be on the disk at once is in the same chain.
                let entry = record(number);
                if number % 2 == 0 {
                    store.append_audit(&entry).await
                } else {
                    store.append_audit_without_sync(&entry).await
                }
                .unwrap()
            })
        })
        .collect();
    let mut places = HashSet::new();
    for task in tasks {
        places.insert(task.await.unwrap().seq);
    }
    assert_eq!(places.len(), 60);
    for store in [fresh.store.clone(), (fresh.again)()] {
        assert_eq!(store.check_audit().await.unwrap(), AuditCheck::whole(60));
    }
    let some = fresh.store.audit_entries(59, 10).await.unwrap();
    assert_eq!(some.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [59, 60]);
    assert_eq!(some[0].record().unwrap().action, "process_refund");
    assert_eq!(fresh.store.audit_entries(1, 3).await.unwrap().len(), 3);
}

pub(in crate::store) async fn a_sound_store_is_healthy(fresh: TestStore) {
    let health = fresh.store.health().await.unwrap();
    assert_eq!(health.problems, Vec::<String>::new());
    assert!(!health.backend.is_empty() && !health.location.is_empty() && health.schema > 0, "{health:?}");
}

pub(in crate::store) async fn a_due_refund_is_claimed_by_one(fresh: TestStore) {
    let store = &fresh.store;
    let other = (fresh.again)();
    let lease = SignedDuration::from_secs(60);
    store.record_refund(approved(1)).await.unwrap();
    assert_eq!(store.claim_refund(at(9_999), lease).await.unwrap(), None, "the ledger's own is done");
    for number in [3, 2] {
        let recorded = store.record_refund(approved_through(ProviderKind::Stripe, number)).await.unwrap();
        assert_eq!(recorded.refund.route.payment_id, Some(format!("pi_{number}")));
        assert_eq!(store.refund_of(&id(number)).await.unwrap(), Some(recorded.refund.clone()));
        assert_eq!(store.refund(&recorded.refund.transaction_id).await.unwrap(), Some(recorded.refund));
    }
    assert_eq!(store.claim_refund(at(1), lease).await.unwrap(), None, "none is due yet");
    let tasks = (0..16).map(|number| {
        let store = if number % 2 == 0 { store.clone() } else { other.clone() };
        tokio::spawn(async move { store.claim_refund(at(10), lease).await.unwrap() })
    });
    let mut claimed = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        claimed.extend(task.await.unwrap());
    }
    claimed.sort_by(|one, other| one.order_id.cmp(&other.order_id));
    assert_eq!(claimed.iter().map(|refund| refund.order_id.clone()).collect::<Vec<_>>(), [id(2), id(3)]);
    let held = claimed.remove(0);
    assert_eq!((held.progress.version, held.progress.next_at), (1, Some(at(70))));
    let sent = held.progress.after(Change::Sending, at(11)).unwrap();
    assert!(store.advance_refund(&held, &sent).await.unwrap());
    assert!(!other.advance_refund(&held, &sent).await.unwrap(), "it was changed since");
    let now = other.refund_of(&id(2)).await.unwrap().unwrap();
    assert_eq!((now.progress.version, now.progress.requests, now.progress.sent_at), (2, 1, Some(at(11))));
    // A claim that was lost changes nothing.
    let mut taken = other.claim_refund(at(70), lease).await.unwrap().unwrap();
    if taken.order_id != id(2) {
        // Both leases ended at the same moment.
        taken = other.claim_refund(at(70), lease).await.unwrap().unwrap();
    }
    assert_eq!((taken.order_id.clone(), taken.progress.version), (id(2), 3));
    assert!(!store.advance_refund(&now, &sent).await.unwrap());
    let paid = taken.progress.after(Change::Paid { id: Some("re_1".to_owned()) }, at(71)).unwrap();
    let paid = paid.after(Change::Told, at(71)).unwrap();
    assert!(store.advance_refund(&taken, &paid).await.unwrap());
    let states = [RefundState::Requested, RefundState::Submitted];
    let open = store.refunds_in(&states, 9).await.unwrap();
    assert_eq!(open.iter().map(|refund| refund.order_id.clone()).collect::<Vec<_>>(), [id(3)]);
    let paid = store.refunds_in(&[RefundState::Paid], 9).await.unwrap();
    assert_eq!(paid.iter().map(|refund| refund.order_id.clone()).collect::<Vec<_>>(), [id(2), id(1)]);
    assert_eq!(store.claim_refund(at(9_999), lease).await.unwrap().map(|refund| refund.order_id), Some(id(3)));
    assert_eq!(store.claim_refund(at(9_999), lease).await.unwrap(), None, "what was told is due no more");
    // Only what was paid counts as paid.
    let everything = super::stats::period(None, 99_999);
    let stats = store.refund_stats(&everything, None).await.unwrap();
    assert_eq!((stats.total.refunds, stats.simulated), (2, 1));
}

pub(in crate::store) async fn the_states_of_refunds_are_held_against_the_trail(fresh: TestStore) {
    let store = &fresh.store;
    let refund = store.record_refund(approved_through(ProviderKind::Stripe, 1)).await.unwrap().refund;
    let call = AuditRecord {
        at: at(1),
        arguments: serde_json::json!({"order_id": refund.order_id}),
        result: serde_json::json!({
            "status": "success", "transaction_id": refund.transaction_id, "amount_refunded": refund.amount.to_json(refund.currency),
            "ledger": refund.unchanging(),
        }),
        ..record(1)
    };
    store.append_audit(&call).await.unwrap();
    let moved = async |refund: &Refund, what: Change, second: i64| match change(
        store.as_ref(),
        "system",
        refund,
        what,
        at(second),
    )
    .await
    .unwrap()
    {
        Moved::Done(refund) => *refund,
        other => panic!("{other:?}"),
    };
    let agrees = async || {
        assert_eq!(store.check_audit().await.unwrap().broken, None);
        assert_eq!(store.check_refunds().await.unwrap(), None);
    };
    agrees().await;
    let submitted = moved(&refund, Change::Accepted { id: Some("re_1".to_owned()) }, 2).await;
    agrees().await;
    let late = change(store.as_ref(), "system", &refund, Change::Paid { id: None }, at(3)).await.unwrap();
    assert_eq!(late, Moved::Overtaken);
    agrees().await;
    // What is old is cut while the refund is under way; then it goes on.
    store.append_audit(&AuditRecord { at: at(4), ..record(2) }).await.unwrap();
    let month = 30 * 24 * 3_600;
    let swept =
        sweep(store.as_ref(), &RetentionPolicy::from_days(0, 0, 10), at(month), at(month)).await.unwrap().unwrap();
    assert!(swept.audit > 3 && !swept.trail_broken, "{swept:?}");
    agrees().await;
    let paid = moved(&submitted, Change::Paid { id: None }, month + 1).await;
    agrees().await;
    // A process that died between the ledger and the end of its record.
    let begun = AuditRecord {
        at: at(month + 2),
        action: "refund_state".to_owned(),
        phase: AuditPhase::Started,
        arguments: serde_json::json!({"order_id": refund.order_id, "from": "paid", "to": "failed"}),
        ..record(3)
    };
    store.append_audit(&begun).await.unwrap();
    let failed =
        paid.progress.after(Change::Found { paid: false, note: "it came back".to_owned() }, at(month + 2)).unwrap();
    assert!(store.advance_refund(&paid, &failed).await.unwrap());
    agrees().await;
    let failed = store.refund_of(&refund.order_id).await.unwrap().unwrap();
    let forged = failed.progress.after(Change::Found { paid: true, note: String::new() }, at(month + 3)).unwrap();
    assert!(store.advance_refund(&failed, &forged).await.unwrap());
    // The last change on record that was finished says that it is paid: this one agrees by chance.
    agrees().await;
    let forged = store.refund_of(&refund.order_id).await.unwrap().unwrap();
    let lost = Progress { state: RefundState::Submitted, ..forged.progress.clone() };
    assert!(store.advance_refund(&forged, &lost).await.unwrap());
    let (_, why) = store.check_refunds().await.unwrap().unwrap();
    assert!(why.contains("is submitted, and the entries that it is paid"), "{why}");
}
