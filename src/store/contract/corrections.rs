//! Corrected labels, and messages that the model was unsure of.

use super::*;
use crate::domain::correction::Correction;

fn read(asker: u32, turn: u64, text: &str, confidence: Option<f64>) -> ChatMessage {
    ChatMessage {
        user_id: user(asker),
        role: Role::User,
        text: text.to_owned(),
        at: at(i64::try_from(turn).unwrap()),
        turn,
        intent: Some("other".to_owned()),
        sentiment: Some("neutral".to_owned()),
        response_ms: None,
        basis: Basis {
            intent_confidence: confidence,
            sentiment_confidence: confidence,
            reused: confidence.map(|_| false),
            degraded: None,
        },
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the type of the fields of a correction")]
fn label(text: &str) -> Option<String> {
    Some(text.to_owned())
}

pub(in crate::store) async fn corrections_replace_and_add(fresh: TestStore) {
    let (store, other) = (&fresh.store, (fresh.again)());
    let said = [read(1, 1, "₹ “where” is it", Some(0.3)), read(1, 1, "and when?", Some(0.3)), read(2, 5, "no", None)];
    store.append_messages(&said).await.unwrap();
    assert_eq!(store.recent_messages(&user(1), 9).await.unwrap(), said[..2], "what a reading rests on comes back");
    assert!(store.corrections_of(&user(1)).await.unwrap().is_empty());
    let first = Correction { intent: label("track_order"), ..Correction::of(&said[0], "operator:a", at(10)) };
    assert!(store.correct(&first).await.unwrap());
    assert_eq!(other.corrections_of(&user(1)).await.unwrap(), std::slice::from_ref(&first));
    // The same message again: the other label is added, then the first one replaced.
    let again = Correction { sentiment: label("negative"), ..Correction::of(&said[0], "operator:b", at(11)) };
    assert!(other.correct(&again).await.unwrap());
    let third = Correction { intent: label("request_refund"), ..Correction::of(&said[0], "operator:c", at(12)) };
    assert!(store.correct(&third).await.unwrap());
    let whole = Correction { sentiment: label("negative"), ..third.clone() };
    assert_eq!(other.corrections_of(&user(1)).await.unwrap(), std::slice::from_ref(&whole));
    let part = Correction { intent: label("track_order"), ..Correction::of(&said[1], "operator:a", at(13)) };
    let late = Correction { intent: label("other"), ..Correction::of(&said[2], "operator:a", at(14)) };
    assert!(store.correct(&part).await.unwrap() && store.correct(&late).await.unwrap());
    assert_eq!(store.corrections_of(&user(1)).await.unwrap().len(), 2, "another part of the same turn");
    let all = store.corrections(None, at(99)).await.unwrap();
    assert_eq!((all.len(), all.last()), (3, Some(&late)));
    assert_eq!(store.corrections(Some(at(2)), at(6)).await.unwrap(), [late]);
    assert!(store.corrections(Some(at(2)), at(5)).await.unwrap().is_empty());
    // Of many at the same time no label is lost.
    let tasks: Vec<_> = (0..16)
        .map(|number| {
            let store = if number % 2 == 0 { store.clone() } else { other.clone() };
            let mut one = Correction::of(&said[1], "operator:x", at(20));
            if number % 2 == 0 {
                one.intent = label("even");
            } else {
                one.sentiment = label("odd");
            }
            tokio::spawn(async move { store.correct(&one).await.unwrap() })
        })
        .collect();
    for task in tasks {
        assert!(task.await.unwrap());
    }
    let kept = store.corrections_of(&user(1)).await.unwrap();
    let kept = kept.iter().find(|one| one.text == "and when?").unwrap();
    assert_eq!((kept.intent.as_deref(), kept.sentiment.as_deref()), (Some("even"), Some("odd")));
}

pub(in crate::store) async fn nothing_is_corrected_that_is_not_there(fresh: TestStore) {
    let store = &fresh.store;
    let said = read(1, 1, "where is it", None);
    let reply = ChatMessage { role: Role::Assistant, text: "there".to_owned(), ..said.clone() };
    store.append_messages(&[said.clone(), reply.clone()]).await.unwrap();
    for message in [
        ChatMessage { turn: 2, ..said.clone() },
        ChatMessage { text: "where is".to_owned(), ..said.clone() },
        ChatMessage { user_id: user(2), ..said.clone() },
        reply,
    ] {
        let one = Correction { intent: label("track_order"), ..Correction::of(&message, "operator:a", at(9)) };
        assert!(!store.correct(&one).await.unwrap(), "{message:?}");
    }
    assert!(store.corrections(None, at(99)).await.unwrap().is_empty());
    // A page that was open while the customer was forgotten.
    forget(store.as_ref(), &user(1), &|| at(5)).await.unwrap();
    let one = Correction { intent: label("track_order"), ..Correction::of(&said, "operator:a", at(9)) };
    assert!(!store.correct(&one).await.unwrap());
    assert!(personal_data(store.as_ref(), &user(1)).await.unwrap().is_empty());
}

pub(in crate::store) async fn unsure_messages_are_found(fresh: TestStore) {
    let store = &fresh.store;
    let said: Vec<ChatMessage> = [(1, Some(0.9)), (2, Some(0.2)), (3, None), (4, Some(0.45)), (5, Some(0.1))]
        .into_iter()
        .map(|(turn, confidence)| read(1, turn, &format!("message {turn}"), confidence))
        .collect();
    store.append_messages(&said).await.unwrap();
    let found = async |below, limit| {
        let found = store.unsure_messages(below, limit).await.unwrap();
        found.into_iter().map(|message| message.turn).collect::<Vec<_>>()
    };
    assert_eq!(found(0.45, 9).await, [5, 2]);
    assert_eq!(found(0.95, 9).await, [5, 2, 4, 1]);
    assert_eq!(found(0.95, 2).await, [5, 2]);
    assert!(found(0.05, 9).await.is_empty() && found(0.95, 0).await.is_empty());
    assert_eq!(store.unsure_messages(0.15, 1).await.unwrap(), said[4..]);
}
