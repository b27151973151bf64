//! Drafts and notes of the team.

use super::*;
use crate::domain::desk::{Draft, Note};

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
