//! What customers say of the team's work.

use super::*;
use crate::domain::rating::{Rating, Score};

fn asked(number: u32, asker: u32, second: i64) -> Rating {
    Rating {
        alert_id: AlertId::new(format!("ALERT_{number}")),
        user_id: user(asker),
        agent: "desk".to_owned(),
        asked_at: at(second),
        score: None,
        answered_at: None,
    }
}

pub(in crate::store) async fn a_customer_is_asked_once_and_answers_once(fresh: TestStore) {
    let (store, other) = (&fresh.store, (fresh.again)());
    let first = asked(1, 1, 1);
    let begun = futures_util::future::join_all((0..8).map(|place| {
        let (store, rating) = (if place % 2 == 0 { store } else { &other }, first.clone());
        async move { store.begin_rating(&rating).await.unwrap() }
    }));
    assert_eq!(begun.await.into_iter().filter(|begun| *begun).count(), 1, "one of many");
    assert!(store.begin_rating(&asked(2, 2, 2)).await.unwrap());
    assert!(store.begin_rating(&asked(3, 1, 3)).await.unwrap());
    assert!(!other.rate(&first.alert_id, &user(2), Score::Bad, at(4)).await.unwrap(), "another customer's");
    assert!(!other.rate(&AlertId::new("ALERT_9"), &user(1), Score::Bad, at(4)).await.unwrap());
    assert!(other.rate(&first.alert_id, &user(1), Score::Good, at(5)).await.unwrap());
    assert!(!store.rate(&first.alert_id, &user(1), Score::Bad, at(6)).await.unwrap(), "the first answer holds");
    let answered = Rating { score: Some(Score::Good), answered_at: Some(at(5)), ..first };
    assert_eq!(store.ratings(at(1), 9).await.unwrap(), [asked(3, 1, 3), asked(2, 2, 2), answered.clone()]);
    assert_eq!(other.ratings(at(2), 1).await.unwrap(), [asked(3, 1, 3)]);
    assert_eq!(personal_data(store.as_ref(), &user(1)).await.unwrap().ratings, [answered, asked(3, 1, 3)]);
    assert_eq!(store.sweep_step(Sweepable::Ratings, at(2), 9).await.unwrap(), 1);
    assert_eq!(forget(store.as_ref(), &user(1), &|| at(10)).await.unwrap().erased.ratings, 1);
    assert!(personal_data(store.as_ref(), &user(1)).await.unwrap().is_empty());
    assert_eq!(other.ratings(at(0), 9).await.unwrap(), [asked(2, 2, 2)]);
}
