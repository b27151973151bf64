//! Orders, imports, and who may see an order.

use super::*;

pub(in crate::store) async fn an_order_comes_back_as_it_was_imported(fresh: TestStore) {
    let full = Order {
        placed_at: Some(jiff::civil::datetime(2025, 6, 1, 18, 5, 59, 0)),
        phone: Some("+91 11 0123 4567".to_owned()),
        date: Some("2025-06-01".to_owned()),
        status: Some("Out for delivery".to_owned()),
        value: Some(Money::from_minor_units(2_845)),
        ..order(1)
    };
    let bare = Order {
        delivery_minutes: None,
        rating: None,
        delayed: None,
        refund_requested: None,
        feedback: String::new(),
        ..order(2)
    };
    import(&fresh.store, ImportMode::Upsert, vec![full.clone(), bare.clone()]).await;
    for store in [fresh.store.clone(), (fresh.again)()] {
        assert_eq!(store.order(&id(1)).await.unwrap(), Some(full.clone()));
        assert_eq!(store.order(&id(2)).await.unwrap(), Some(bare.clone()));
        assert_eq!(store.order(&id(3)).await.unwrap(), None);
        assert_eq!(store.count_orders().await.unwrap(), 2);
    }
}

pub(in crate::store) async fn orders_are_read_by_their_ids(fresh: TestStore) {
    import(&fresh.store, ImportMode::Upsert, [4, 2, 5, 1, 3].map(order).to_vec()).await;
    let read = async |skipped, limit| {
        let orders = (fresh.again)().orders_by_id(skipped, limit).await.unwrap();
        orders.into_iter().map(|order| order.id).collect::<Vec<_>>()
    };
    assert_eq!(read(0, 2).await, [id(1), id(2)]);
    assert_eq!(read(2, 9).await, [id(3), id(4), id(5)]);
    assert!(read(5, 9).await.is_empty());
    assert_eq!(fresh.store.orders_by_id(0, 1).await.unwrap(), [order(1)], "whole");
}

pub(in crate::store) async fn import_modes(fresh: TestStore) {
    let store = &fresh.store;
    let changed = |number| Order { category: "Dairy".to_owned(), ..order(number) };
    let category = async |number| store.order(&id(number)).await.unwrap().map(|order| order.category);
    let written = import(store, ImportMode::Upsert, vec![order(1), order(2)]).await;
    assert_eq!(written, BatchOutcome { added: 2, ..BatchOutcome::default() });

    let written = import(store, ImportMode::Append, vec![changed(2), changed(3)]).await;
    assert_eq!(written, BatchOutcome { added: 1, kept: 1, ..BatchOutcome::default() });
    assert_eq!(category(2).await.as_deref(), Some("Beverages"));

    let written = import(store, ImportMode::Upsert, vec![changed(2), changed(4)]).await;
    assert_eq!(written, BatchOutcome { added: 1, updated: 1, ..BatchOutcome::default() });
    assert_eq!(category(2).await.as_deref(), Some("Dairy"));
    assert_eq!(store.count_orders().await.unwrap(), 4);

    let written = import(store, ImportMode::Replace, vec![order(2), order(9)]).await;
    assert_eq!(written, BatchOutcome { added: 2, ..BatchOutcome::default() });
    assert_eq!(category(2).await.as_deref(), Some("Beverages"));
    assert_eq!(category(1).await, None);
    assert_eq!(store.count_orders().await.unwrap(), 2);
}

pub(in crate::store) async fn nothing_of_an_import_shows_before_its_commit(fresh: TestStore) {
    let store = &fresh.store;
    import(store, ImportMode::Upsert, vec![order(1)]).await;
    for mode in [ImportMode::Upsert, ImportMode::Append, ImportMode::Replace] {
        let mut import = store.begin_import(mode).await.unwrap();
        import.write((2..3_000).map(order).collect()).await.unwrap();
        assert_eq!(store.count_orders().await.unwrap(), 1, "{mode:?}");
        assert_eq!((fresh.again)().order(&id(2)).await.unwrap(), None, "{mode:?}");
        drop(import);
        assert_eq!(store.count_orders().await.unwrap(), 1, "{mode:?}");
    }
    let written = import(store, ImportMode::Append, vec![order(2)]).await;
    assert_eq!(written.added, 1);
}

pub(in crate::store) async fn imports_do_not_stop_other_writers(fresh: TestStore) {
    let mut import = fresh.store.begin_import(ImportMode::Upsert).await.unwrap();
    import.write((1..100).map(order).collect()).await.unwrap();
    for store in [fresh.store.clone(), (fresh.again)()] {
        store.append_audit(&record(0)).await.unwrap();
    }
    import.write((100..200).map(order).collect()).await.unwrap();
    import.commit().await.unwrap();
    assert_eq!(fresh.store.count_orders().await.unwrap(), 199);
}

pub(in crate::store) async fn a_repeated_order_in_one_import(fresh: TestStore) {
    let store = &fresh.store;
    let later = || Order { category: "Dairy".to_owned(), ..order(1) };
    for (mode, wins) in
        [(ImportMode::Append, "Beverages"), (ImportMode::Replace, "Dairy"), (ImportMode::Upsert, "Dairy")]
    {
        import(store, ImportMode::Replace, vec![order(7)]).await;
        let mut import = store.begin_import(mode).await.unwrap();
        let written = import.write(vec![order(1), later()]).await.unwrap();
        assert_eq!(written, BatchOutcome { added: 1, repeated: 1, ..BatchOutcome::default() }, "{mode:?}");
        assert_eq!(import.write(vec![order(2)]).await.unwrap().added, 1);
        import.commit().await.unwrap();
        assert_eq!(store.order(&id(1)).await.unwrap().unwrap().category, wins, "{mode:?}");
    }
}

pub(in crate::store) async fn the_first_to_bind_wins(fresh: TestStore) {
    let other = (fresh.again)();
    let tasks: Vec<_> = (0..32)
        .map(|number| {
            let store = if number % 2 == 0 { fresh.store.clone() } else { other.clone() };
            tokio::spawn(async move { store.bind_order(&id(1), &user(number), at(0)).await.unwrap() })
        })
        .collect();
    let mut winners = HashSet::new();
    for task in tasks {
        winners.insert(task.await.unwrap());
    }
    assert_eq!(winners.len(), 1, "{winners:?}");
    assert_eq!(
        fresh.store.bind_order(&id(1), &user(99), at(9_000_000)).await.unwrap(),
        winners.into_iter().next().unwrap()
    );
    assert_eq!(fresh.store.bind_order(&id(2), &user(99), at(0)).await.unwrap(), user(99));
}

pub(in crate::store) async fn lookups_are_limited(fresh: TestStore) {
    let store = &fresh.store;
    let day = 24 * 3_600;
    let ask =
        async |number, asker, second| store.try_record_lookup(&id(number), &user(asker), at(second), 2).await.unwrap();
    assert!(ask(1, 1, 0).await);
    assert!(ask(1, 1, 1).await, "the same order again");
    assert!(ask(2, 1, 2).await);
    assert!(!ask(3, 1, 3).await, "a third order");
    assert!(!ask(3, 1, 4).await, "refused is not noted");
    assert!(ask(2, 1, 5).await, "known orders stay open");
    assert!(ask(3, 2, 5).await, "another identity has its own count");
    assert!(ask(3, 1, day).await, "the first order is 24 hours old");
    assert!(!ask(1, 1, day + 1).await);

    let other = (fresh.again)();
    let tasks: Vec<_> = (0..20)
        .map(|number| {
            let store = if number % 2 == 0 { fresh.store.clone() } else { other.clone() };
            tokio::spawn(async move { store.try_record_lookup(&id(number), &user(7), at(0), 5).await.unwrap() })
        })
        .collect();
    let mut allowed = 0;
    for task in tasks {
        allowed += u32::from(task.await.unwrap());
    }
    assert_eq!(allowed, 5);
}

pub(in crate::store) async fn a_telephone_number_survives_every_import(fresh: TestStore) {
    let with_phone = Order { phone: Some("+91 11 0000 0001".to_owned()), ..order(1) };
    let without = Order { phone: None, ..order(1) };
    assert_eq!(without.id, with_phone.id);
    for mode in [ImportMode::Upsert, ImportMode::Replace, ImportMode::Append] {
        import(&fresh.store, ImportMode::Upsert, vec![with_phone.clone()]).await;
        import(&fresh.store, mode, vec![without.clone()]).await;
        assert_eq!(fresh.store.order(&without.id).await.unwrap().unwrap().phone, with_phone.phone, "{mode:?}");
    }
    let moved = Order { phone: Some("+91 11 0000 0002".to_owned()), ..order(1) };
    import(&fresh.store, ImportMode::Upsert, vec![moved.clone()]).await;
    assert_eq!(fresh.store.order(&moved.id).await.unwrap().unwrap().phone, moved.phone, "a new one replaces it");
}

pub(in crate::store) async fn a_proven_binding_takes_over(fresh: TestStore) {
    let store = &fresh.store;
    let proof = async |order, asker, second| {
        store.prove_binding(&id(order), &user(asker), Proof::Amount, at(second)).await.unwrap()
    };
    assert_eq!(store.binding_of(&id(1)).await.unwrap(), None);
    assert_eq!(store.bind_order(&id(1), &user(1), at(0)).await.unwrap(), user(1));
    assert_eq!(store.binding_of(&id(1)).await.unwrap().unwrap().proof, None);
    assert_eq!(proof(1, 2, 5).await, user(2), "who knows something goes first");
    assert_eq!(proof(1, 3, 6).await, user(2), "and stays");
    assert_eq!(proof(1, 2, 7).await, user(2));
    assert_eq!(store.bind_order(&id(1), &user(1), at(8)).await.unwrap(), user(2));
    let bound = Binding { order_id: id(1), user_id: user(2), at: at(5), proof: Some("amount".to_owned()) };
    for store in [fresh.store.clone(), (fresh.again)()] {
        assert_eq!(store.binding_of(&id(1)).await.unwrap(), Some(bound.clone()));
    }
    assert_eq!(store.unbind_order(&id(1)).await.unwrap(), Some(bound));
    assert_eq!(store.unbind_order(&id(1)).await.unwrap(), None);
    assert_eq!(proof(1, 3, 9).await, user(3));

    // What an erased customer had is nobody's, whatever somebody knows of it.
    store.bind_order(&id(2), &user(4), at(0)).await.unwrap();
    store.erase_data_of(&user(4), at(1)).await.unwrap();
    assert!(proof(2, 5, 2).await.as_str().starts_with("erased/"));

    let tasks: Vec<_> = (0..16)
        .map(|number| {
            let store = if number % 2 == 0 { fresh.store.clone() } else { (fresh.again)() };
            tokio::spawn(
                async move { store.prove_binding(&id(3), &user(number), Proof::CustomerId, at(0)).await.unwrap() },
            )
        })
        .collect();
    let mut winners = HashSet::new();
    for task in tasks {
        winners.insert(task.await.unwrap());
    }
    assert_eq!(winners.len(), 1, "{winners:?}");
}

pub(in crate::store) async fn the_forms_of_ids_are_learnt_with_the_orders(fresh: TestStore) {
    let named = |id: &str| Order { id: OrderId::new(id), ..order(1) };
    let examples = async |store: &Arc<dyn Store>| {
        let forms = store.order_id_forms().await.unwrap();
        forms.families().iter().map(|family| family.example().to_owned()).collect::<Vec<_>>()
    };
    let again = (fresh.again)();
    assert!(examples(&fresh.store).await.is_empty());
    import(&fresh.store, ImportMode::Upsert, vec![named("#1001"), named("#1002"), named("#1003")]).await;
    // A process that runs sees what another one imports and upserts.
    for store in [&fresh.store, &again] {
        assert_eq!(examples(store).await, ["#1001"]);
    }
    let sent: Vec<Order> = ["EXT-10001", "EXT-10002", "EXT-10003"].map(named).to_vec();
    again.upsert_orders(&sent).await.unwrap();
    again.upsert_orders(&sent).await.unwrap();
    for store in [&fresh.store, &again] {
        assert_eq!(examples(store).await, ["#1001", "EXT-12345"]);
    }
    assert_eq!(fresh.store.order_id_forms().await.unwrap().seen(), 6, "what was there already is not counted again");
    let mut shown = named("5000000001");
    shown.details.display_id = Some("W-77001".to_owned());
    again.upsert_order(&shown).await.unwrap();
    import(&fresh.store, ImportMode::Replace, vec![shown]).await;
    for store in [&fresh.store, &again] {
        assert_eq!(examples(store).await, ["W-12345", "1234567890"], "what customers know comes first");
    }
}
