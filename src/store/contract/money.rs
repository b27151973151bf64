//! Quotes, refunds and the audit trail.

use super::*;

pub(in crate::store) async fn refunds_survive_every_import(fresh: Fresh) {
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

pub(in crate::store) async fn a_refund_is_paid_once_under_64_tasks(fresh: Fresh) {
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

pub(in crate::store) async fn refunds_are_listed_latest_first(fresh: Fresh) {
    for number in [2, 3, 1] {
        fresh.store.record_refund(approved(number)).await.unwrap();
    }
    let listed = fresh.store.refunds(2).await.unwrap();
    assert_eq!(listed.iter().map(|refund| refund.order_id.clone()).collect::<Vec<_>>(), [id(3), id(2)]);
    assert_eq!(fresh.store.refund_of(&id(2)).await.unwrap().as_ref(), listed.get(1));
    assert_eq!(fresh.store.refund_of(&id(9)).await.unwrap(), None);
}

fn quote(number: u32, user_id: Option<UserId>, second: i64) -> Quote {
    Quote {
        id: QuoteId::new(format!("quote-{number}")),
        order_id: id(1),
        turn: user_id.as_ref().map(|_| 3),
        user_id,
        order_value: Money::from_rupees(599),
        amount: Money::from_paise(56_905),
        fee: Money::from_paise(2_995),
        created_at: at(second),
        expires_at: Timestamp::MAX.round(jiff::Unit::Second).unwrap_or(at(second + 1_800)),
    }
}

pub(in crate::store) async fn the_latest_quote_of_an_identity(fresh: Fresh) {
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

pub(in crate::store) async fn the_audit_chain_holds_under_concurrency(fresh: Fresh) {
    assert_eq!(fresh.store.check_audit().await.unwrap(), AuditCheck::whole(0));
    let other = (fresh.again)();
    let tasks: Vec<_> = (0..60)
        .map(|number| {
            let store = if number % 2 == 0 { fresh.store.clone() } else { other.clone() };
            tokio::spawn(async move {
                // One that need not be on the disk at once is in the same chain.
                let entry = record(number);
                if number % 2 == 0 { store.append_audit(&entry).await } else { store.note_audit(&entry).await }.unwrap()
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

pub(in crate::store) async fn a_sound_store_is_healthy(fresh: Fresh) {
    let health = fresh.store.health().await.unwrap();
    assert_eq!(health.problems, Vec::<String>::new());
    assert!(!health.backend.is_empty() && !health.location.is_empty() && health.schema > 0, "{health:?}");
}
