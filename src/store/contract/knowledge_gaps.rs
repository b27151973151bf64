//! Questions that no document answered.

use super::*;
use crate::domain::knowledge_gap::Unanswered;

fn asked(asker: u32, turn: u64, question: &str) -> Unanswered {
    Unanswered {
        user_id: user(asker),
        turn,
        question: question.to_owned(),
        text: format!("{question}, please?"),
        at: at(i64::try_from(turn).unwrap()),
    }
}

pub(in crate::store) async fn unanswered_questions_are_kept_and_go(fresh: TestStore) {
    let (store, other) = (&fresh.store, (fresh.again)());
    let all = [asked(1, 1, "parking"), asked(1, 2, "parking"), asked(2, 3, "wifi")];
    for one in &all {
        store.record_unanswered(one).await.unwrap();
        // Asked again in the same turn.
        other.record_unanswered(&Unanswered { text: "else".to_owned(), ..one.clone() }).await.unwrap();
    }
    let latest: Vec<Unanswered> = all.iter().rev().cloned().collect();
    assert_eq!(other.unanswered(9).await.unwrap(), latest);
    assert_eq!(store.unanswered(1).await.unwrap(), latest[..1]);
    assert_eq!(store.sweep_step(Sweepable::Unanswered, at(2), 9).await.unwrap(), 1);
    assert_eq!(personal_data(store.as_ref(), &user(1)).await.unwrap().unanswered, all[1..2]);
    let receipt = forget(store.as_ref(), &user(1), &|| at(10)).await.unwrap();
    assert_eq!(receipt.erased.unanswered, 1);
    assert!(personal_data(store.as_ref(), &user(1)).await.unwrap().is_empty());
    assert_eq!(store.unanswered(9).await.unwrap(), latest[..1]);
}
