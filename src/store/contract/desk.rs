//! Drafts and notes of the team.

use super::*;
use crate::domain::desk::{Draft, EntryKind, Note, Pin, PinKind, TeamEntry};

fn draft(by: &str, asker: u32, field: &str, text: &str, second: i64) -> Draft {
    Draft { by: by.to_owned(), user_id: user(asker), field: field.to_owned(), text: text.to_owned(), at: at(second) }
}

fn note(asker: u32, text: &str, second: i64) -> Note {
    Note { user_id: user(asker), by: "desk".to_owned(), text: text.to_owned(), at: at(second) }
}

pub(in crate::store) async fn drafts_are_kept_and_go(fresh: TestStore) {
    let (store, other) = (&fresh.store, (fresh.again)());
    let reply = draft("desk", 1, "reply", "Dear “you”,\nyour parcel 👍", 1);
    let (note, of_another) = (draft("desk", 1, "note", "called twice", 2), draft("night", 1, "reply", "hello", 3));
    for one in [&reply, &note, &of_another, &draft("desk", 2, "reply", "soon", 4)] {
        store.save_draft(one).await.unwrap();
    }
    let fields = async |by: &str| {
        let found = other.drafts_of(by, 9).await.unwrap();
        found.iter().map(|one| format!("{} {} {}", one.user_id, one.field, one.text)).collect::<Vec<_>>()
    };
    let first = format!("user-1 reply {}", reply.text);
    assert_eq!(fields("desk").await, ["user-2 reply soon", "user-1 note called twice", first.as_str()]);
    assert_eq!(store.drafts_of("desk", 1).await.unwrap().len(), 1);
    assert_eq!(other.drafts_of("night", 9).await.unwrap(), [of_another]);
    // One for each person, customer and field; without words there is none.
    other.save_draft(&Draft { text: "better".to_owned(), at: at(5), ..reply.clone() }).await.unwrap();
    assert_eq!(fields("desk").await[0], "user-1 reply better");
    store.save_draft(&Draft { text: String::new(), ..reply }).await.unwrap();
    store.save_draft(&draft("nobody", 9, "reply", "", 1)).await.unwrap();
    assert_eq!(fields("desk").await, ["user-2 reply soon", "user-1 note called twice"]);
    assert_eq!(store.sweep_step(Sweepable::Drafts, at(3), 9).await.unwrap(), 1, "the older ones go with the chats");
    let data = personal_data(store.as_ref(), &user(1)).await.unwrap();
    assert_eq!(data.drafts.iter().map(|one| one.by.as_str()).collect::<Vec<_>>(), ["night"]);
    let receipt = forget(store.as_ref(), &user(1), &|| at(10)).await.unwrap();
    assert_eq!(receipt.erased.drafts, 1);
    assert!(fields("night").await.is_empty());
    assert_eq!(fields("desk").await, ["user-2 reply soon"]);
}

pub(in crate::store) async fn the_orders_of_a_customer_are_listed(fresh: TestStore) {
    let store = &fresh.store;
    for (order, asker, second) in [(1, 1, 10), (2, 1, 20), (3, 2, 30)] {
        store.bind_order(&id(order), &user(asker), at(second)).await.unwrap();
    }
    assert_eq!(store.bound_orders(&user(1), 9).await.unwrap(), [id(2), id(1)]);
    assert_eq!(store.bound_orders(&user(1), 1).await.unwrap(), [id(2)]);
    assert!(store.bound_orders(&user(9), 9).await.unwrap().is_empty());
}

pub(in crate::store) async fn internal_notes_are_kept_and_go(fresh: TestStore) {
    let (store, other) = (&fresh.store, (fresh.again)());
    let all = [note(1, "called, no answer", 1), note(1, "called again", 2), note(2, "VIP", 3)];
    for one in all.iter().rev() {
        store.add_note(one).await.unwrap();
        other.add_note(one).await.unwrap();
    }
    assert_eq!(other.notes_of(&user(1), 9).await.unwrap(), all[..2]);
    assert_eq!(store.notes_of(&user(1), 1).await.unwrap(), all[1..2], "the latest");
    assert_eq!(store.sweep_step(Sweepable::Notes, at(2), 9).await.unwrap(), 1);
    assert_eq!(personal_data(store.as_ref(), &user(1)).await.unwrap().notes, all[1..2]);
    assert_eq!(forget(store.as_ref(), &user(1), &|| at(10)).await.unwrap().erased.notes, 1);
    assert!(personal_data(store.as_ref(), &user(1)).await.unwrap().is_empty());
    assert_eq!(store.notes_of(&user(2), 9).await.unwrap(), all[2..]);
}

pub(in crate::store) async fn pins_are_kept_and_go(fresh: TestStore) {
    let (store, other) = (&fresh.store, (fresh.again)());
    let pin = |asker, kind, name: &str, second| Pin {
        user_id: user(asker),
        kind,
        name: name.to_owned(),
        by: "desk".to_owned(),
        at: at(second),
        until: (kind == PinKind::Snooze).then(|| at(second + 100)),
    };
    let snooze = pin(1, PinKind::Snooze, "", 3);
    let all = [
        pin(1, PinKind::Mention, "night", 4),
        snooze.clone(),
        pin(1, PinKind::Tag, "damaged", 2),
        pin(1, PinKind::Tag, "टूटा", 1),
    ];
    for one in all.iter().rev().chain([&pin(2, PinKind::Tag, "damaged", 5)]) {
        store.save_pin(one).await.unwrap();
        other.save_pin(one).await.unwrap();
    }
    assert_eq!(other.pins_of(&user(1)).await.unwrap(), all);
    let named = async |kind, name, limit| {
        let found = other.pins(kind, name, limit).await.unwrap();
        found.iter().map(|pin| format!("{} {}", pin.user_id, pin.name)).collect::<Vec<_>>()
    };
    assert_eq!(named(PinKind::Tag, Some("damaged"), 9).await, ["user-2 damaged", "user-1 damaged"], "the latest first");
    assert_eq!(named(PinKind::Tag, None, 2).await, ["user-2 damaged", "user-1 damaged"]);
    assert_eq!(named(PinKind::Mention, Some("desk"), 9).await, Vec::<String>::new());
    assert_eq!(named(PinKind::Mention, Some("night"), 9).await, ["user-1 night"]);
    // One for each customer, kind and name.
    let longer = Pin { until: Some(at(900)), at: at(6), by: "night".to_owned(), ..snooze };
    store.save_pin(&longer).await.unwrap();
    assert_eq!(other.pins(PinKind::Snooze, None, 9).await.unwrap(), [longer]);
    assert!(other.remove_pin(&user(1), PinKind::Snooze, "").await.unwrap());
    assert!(!store.remove_pin(&user(1), PinKind::Snooze, "").await.unwrap(), "it is gone");
    assert!(!store.remove_pin(&user(2), PinKind::Mention, "damaged").await.unwrap(), "that is another kind");
    assert_eq!(store.sweep_step(Sweepable::Pins, at(2), 9).await.unwrap(), 1);
    let data = personal_data(store.as_ref(), &user(1)).await.unwrap();
    assert_eq!(data.pins.iter().map(|pin| pin.name.as_str()).collect::<Vec<_>>(), ["night", "damaged"]);
    assert_eq!(forget(store.as_ref(), &user(1), &|| at(10)).await.unwrap().erased.pins, 2);
    assert!(personal_data(store.as_ref(), &user(1)).await.unwrap().is_empty());
    assert_eq!(named(PinKind::Tag, None, 9).await, ["user-2 damaged"]);
}

pub(in crate::store) async fn pins_of_conversations_that_go_on_stay(fresh: TestStore) {
    let store = &fresh.store;
    let pin = |asker, kind, name: &str, until: Option<i64>| Pin {
        user_id: user(asker),
        kind,
        name: name.to_owned(),
        by: "desk".to_owned(),
        at: at(i64::from(asker)),
        until: until.map(at),
    };
    for one in [
        pin(1, PinKind::Snooze, "", Some(900)),
        pin(2, PinKind::Tag, "vip", None),
        pin(3, PinKind::Tag, "vip", None),
        pin(4, PinKind::Tag, "gone", None),
        pin(5, PinKind::Snooze, "", Some(50)),
        pin(6, PinKind::Tag, "settled", None),
    ] {
        store.save_pin(&one).await.unwrap();
    }
    let raise = |asker| {
        let message = crate::domain::alert::Quoted::FromCustomer("hello");
        Alert::raise(AlertId::new(format!("alert-{asker}")), user(asker), "why", message, Priority::Low, at(1))
    };
    for asker in [2, 6] {
        store.open_alert(&raise(asker)).await.unwrap();
    }
    store.resolve_alert(&AlertId::new("alert-6"), &resolved(at(2))).await.unwrap();
    let said = |asker, second| ChatMessage {
        user_id: user(asker),
        role: Role::User,
        text: "hello".to_owned(),
        at: at(second),
        turn: 1,
        intent: None,
        sentiment: None,
        response_ms: None,
        basis: Basis::default(),
    };
    store.append_messages(&[said(3, 100), said(4, 99)]).await.unwrap();
    // The oldest are those that stay: they hide none behind them.
    assert_eq!(store.sweep_step(Sweepable::Pins, at(100), 2).await.unwrap(), 2);
    assert_eq!(store.sweep_step(Sweepable::Pins, at(100), 2).await.unwrap(), 1);
    assert_eq!(store.sweep_step(Sweepable::Pins, at(100), 2).await.unwrap(), 0);
    for (asker, stays) in [(1, true), (2, true), (3, true), (4, false), (5, false), (6, false)] {
        assert_eq!(!store.pins_of(&user(asker)).await.unwrap().is_empty(), stays, "{asker}");
    }
}

pub(in crate::store) async fn members_keep_entries(fresh: TestStore) {
    let (store, other) = (&fresh.store, (fresh.again)());
    let entry = |kind, owner: &str, name: &str, value: &str| TeamEntry {
        kind,
        owner: owner.to_owned(),
        name: name.to_owned(),
        value: value.to_owned(),
        at: at(1),
    };
    for one in [
        entry(EntryKind::View, "night", "angry", "sentiment=negative"),
        entry(EntryKind::View, "desk", "late ones", "tag=late&queue=waiting"),
        entry(EntryKind::View, "desk", "VIP", "tag=vip"),
        entry(EntryKind::Away, "desk", "", ""),
    ] {
        store.save_entry(&one).await.unwrap();
    }
    let views = async |owner| {
        let found = other.entries(EntryKind::View, owner).await.unwrap();
        found.iter().map(|one| format!("{} {} {}", one.owner, one.name, one.value)).collect::<Vec<_>>()
    };
    assert_eq!(views(Some("desk")).await, ["desk VIP tag=vip", "desk late ones tag=late&queue=waiting"]);
    assert_eq!(views(None).await.len(), 3);
    assert!(views(Some("nobody")).await.is_empty());
    let again = TeamEntry { at: at(2), ..entry(EntryKind::View, "desk", "VIP", "tag=vip&mode=person") };
    other.save_entry(&again).await.unwrap();
    assert_eq!(store.entries(EntryKind::View, Some("desk")).await.unwrap()[0], again, "in its place");
    assert!(other.remove_entry(EntryKind::View, "desk", "VIP").await.unwrap());
    assert!(!store.remove_entry(EntryKind::View, "desk", "VIP").await.unwrap());
    assert!(!store.remove_entry(EntryKind::Away, "night", "").await.unwrap(), "nobody else's");
    assert_eq!(views(Some("desk")).await.len(), 1);
    assert_eq!(other.entries(EntryKind::Away, None).await.unwrap().len(), 1);
    // Of two who saw the same, one changes it.
    let mia = |value: &str| entry(EntryKind::Member, "", "mia", value);
    assert!(!store.replace_entry(Some("one"), &mia("two")).await.unwrap(), "there is none");
    assert!(store.replace_entry(None, &mia("one")).await.unwrap());
    assert!(!other.replace_entry(None, &mia("first")).await.unwrap(), "somebody was faster");
    assert!(other.replace_entry(Some("one"), &mia("two")).await.unwrap());
    assert!(!store.replace_entry(Some("one"), &mia("three")).await.unwrap(), "it is another one by now");
    assert_eq!(other.entries(EntryKind::Member, None).await.unwrap(), [mia("two")]);
    assert!(store.remove_entry(EntryKind::Member, "", "mia").await.unwrap());
    assert!(!other.replace_entry(Some("two"), &mia("back")).await.unwrap(), "what is gone stays gone");
    assert!(other.entries(EntryKind::Member, None).await.unwrap().is_empty());
}
