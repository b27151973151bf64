//! The transcript, conversations and alerts.

use super::*;

fn message(number: u64, asker: u32) -> ChatMessage {
    ChatMessage {
        user_id: user(asker),
        role: [Role::User, Role::Assistant, Role::Agent][usize::try_from(number % 3).unwrap()],
        text: format!("message {number}"),
        at: at(0),
        turn: number / 2,
        intent: number.is_multiple_of(2).then(|| "track_order".to_owned()),
        sentiment: number.is_multiple_of(2).then(|| "neutral".to_owned()),
        response_ms: (number % 2 == 1).then_some(12),
        basis: Basis::default(),
    }
}

pub(in crate::store) async fn messages_keep_their_order(fresh: TestStore) {
    let messages: Vec<ChatMessage> = (0..10).map(|number| message(number, 1)).collect();
    fresh.store.append_messages(&messages[..4]).await.unwrap();
    fresh.store.append_messages(&[message(77, 2)]).await.unwrap();
    (fresh.again)().append_messages(&messages[4..]).await.unwrap();
    fresh.store.append_messages(&[]).await.unwrap();
    assert_eq!(fresh.store.recent_messages(&user(1), 100).await.unwrap(), messages);
    assert_eq!(fresh.store.recent_messages(&user(1), 3).await.unwrap(), messages[7..]);
    assert!(fresh.store.recent_messages(&user(3), 3).await.unwrap().is_empty());
}

pub(in crate::store) async fn conversations_have_versions(fresh: TestStore) {
    let store = &fresh.store;
    assert_eq!(store.conversation(&user(1)).await.unwrap(), None);
    let mut conversation = Conversation::new(user(1));
    conversation.waiting_for = WaitingFor::Consent;
    conversation.last_message_at = Some(at(5));
    conversation.remember_orders(&[id(3)]);
    assert!(store.save_conversation(&conversation).await.unwrap());
    assert!(!store.save_conversation(&conversation).await.unwrap(), "version 0 means: none yet");
    let stored = (fresh.again)().conversation(&user(1)).await.unwrap().unwrap();
    assert_eq!(stored, Conversation { version: 1, ..conversation });
    assert!(store.save_conversation(&stored).await.unwrap());
    assert!(!store.save_conversation(&stored).await.unwrap(), "an older version");
    assert!(!store.save_conversation(&Conversation { version: 9, ..stored.clone() }).await.unwrap());
    assert!(!store.save_conversation(&Conversation { version: 9, user_id: user(2), ..stored }).await.unwrap());
    assert_eq!(store.conversation(&user(1)).await.unwrap().unwrap().version, 2);
}

pub(in crate::store) async fn one_writer_of_a_version_wins(fresh: TestStore) {
    let other = (fresh.again)();
    let tasks: Vec<_> = (0..16)
        .map(|number| {
            let store = if number % 2 == 0 { fresh.store.clone() } else { other.clone() };
            tokio::spawn(async move {
                let mut saved = 0;
                while saved < 5 {
                    let current = store.conversation(&user(1)).await.unwrap();
                    let mut next = current.unwrap_or_else(|| Conversation::new(user(1)));
                    next.turn += 1;
                    saved += u32::from(store.save_conversation(&next).await.unwrap());
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let end = fresh.store.conversation(&user(1)).await.unwrap().unwrap();
    assert_eq!((end.turn, end.version), (80, 80), "no turn was lost");
}

pub(in crate::store) async fn a_turn_is_saved_whole_or_not_at_all(fresh: TestStore) {
    let store = &fresh.store;
    let mut conversation = Conversation::new(user(1));
    let reply = |text: &str| ChatMessage {
        user_id: user(1),
        role: Role::Assistant,
        text: text.to_owned(),
        at: at(1),
        turn: 1,
        intent: None,
        sentiment: None,
        response_ms: Some(3),
        basis: Basis::default(),
    };
    assert!(store.save_turn(&conversation, &[reply("first")]).await.unwrap());
    assert!(!store.save_turn(&conversation, &[reply("overtaken")]).await.unwrap());
    conversation.version = 1;
    assert!(store.save_turn(&conversation, &[reply("second")]).await.unwrap());
    let said: Vec<String> =
        store.recent_messages(&user(1), 10).await.unwrap().into_iter().map(|message| message.text).collect();
    assert_eq!(said, ["first", "second"]);
}

pub(super) fn alert(number: u32, asker: u32, priority: Priority) -> Alert {
    Alert {
        id: AlertId::new(format!("alert-{number}")),
        user_id: user(asker),
        reason: format!("reason {number}"),
        last_message: format!("message {number}"),
        priority,
        status: AlertStatus::Pending,
        created_at: at(i64::from(number)),
        bot_answers: false,
        handling: Handling::default(),
    }
}

pub(in crate::store) async fn an_alert_is_sent_once_through_each_channel(fresh: TestStore) {
    let store = &fresh.store;
    let first = alert(1, 1, Priority::High);
    store.open_alert(&first).await.unwrap();
    assert!(!store.begin_notice(&AlertId::new("none"), "mail", at(0), at(60)).await.unwrap(), "there is no such alert");
    let unsent = async |channel: &str, since: i64, now: i64| -> Vec<String> {
        let found = store.unsent_alerts(channel, at(since), at(now), 10).await.unwrap();
        found.iter().map(|alert| alert.id.to_string()).collect()
    };
    assert_eq!(unsent("mail", 1, 0).await, ["alert-1"]);
    assert!(unsent("mail", 2, 0).await.is_empty(), "it is too old");
    let other = (fresh.again)();
    let tasks: Vec<_> = (0..8)
        .map(|number| {
            let store = if number % 2 == 0 { fresh.store.clone() } else { other.clone() };
            let id = first.id.clone();
            tokio::spawn(async move { store.begin_notice(&id, "mail", at(0), at(60)).await.unwrap() })
        })
        .collect();
    let mut taken = 0;
    for task in tasks {
        taken += u32::from(task.await.unwrap());
    }
    assert_eq!(taken, 1, "one takes it on");
    assert!(unsent("mail", 0, 59).await.is_empty(), "it is claimed");
    assert_eq!(unsent("mail", 0, 60).await, ["alert-1"], "its claim expired");
    assert_eq!(unsent("post", 0, 0).await, ["alert-1"], "each channel by itself");
    assert!(store.begin_notice(&first.id, "post", at(0), at(60)).await.unwrap(), "each channel by itself");
    assert!(!store.begin_notice(&first.id, "mail", at(59), at(119)).await.unwrap(), "it is claimed");
    assert!(store.begin_notice(&first.id, "mail", at(60), at(120)).await.unwrap(), "its claim expired");
    store.end_notice(&first.id, "mail").await.unwrap();
    assert!(!other.begin_notice(&first.id, "mail", at(100_000), at(100_060)).await.unwrap(), "sent once, permanently");
    assert!(unsent("mail", 0, 100_000).await.is_empty(), "it was sent");
    store.end_notice(&AlertId::new("none"), "mail").await.unwrap();
    assert_eq!(store.alert(&first.id).await.unwrap(), Some(first.clone()), "the alert is as it was");

    store.resolve_alert(&first.id, &resolved(at(200))).await.unwrap();
    assert!(unsent("post", 0, 100_000).await.is_empty(), "a resolved alert is not sent");
    let next = alert(2, 1, Priority::Low);
    store.open_alert(&next).await.unwrap();
    store.open_alert(&alert(3, 3, Priority::Low)).await.unwrap();
    assert_eq!(store.unsent_alerts("mail", at(0), at(200), 1).await.unwrap().len(), 1, "as many as asked for");
    assert_eq!(unsent("mail", 3, 200).await, ["alert-3"]);
    store.open_alert(&alert(4, 4, Priority::High)).await.unwrap();
    assert_eq!(unsent("mail", 0, 200).await[0], "alert-4", "urgent ones come first");
    assert!(store.begin_notice(&next.id, "mail", at(200), at(260)).await.unwrap(), "the next one is sent, too");
    assert!(
        !store.begin_notice(&first.id, "mail", at(200), at(260)).await.unwrap(),
        "and the one before is not sent again"
    );
}

pub(in crate::store) async fn pending_alerts_are_merged(fresh: TestStore) {
    let store = &fresh.store;
    let first = alert(1, 1, Priority::Medium);
    assert_eq!(store.open_alert(&first).await.unwrap(), first);
    assert_eq!(store.pending_alert(&user(1)).await.unwrap(), Some(first.clone()));
    let merged = |reasons: &str, last: u32, priority| Alert {
        reason: reasons.to_owned(),
        last_message: format!("message {last}"),
        priority,
        ..first.clone()
    };
    let calmer = merged("reason 1 | reason 2", 2, Priority::Medium);
    assert_eq!(store.open_alert(&alert(2, 1, Priority::Low)).await.unwrap(), calmer, "never less urgent");
    let urgent = merged("reason 1 | reason 2 | reason 3", 3, Priority::High);
    assert_eq!(store.open_alert(&alert(3, 1, Priority::High)).await.unwrap(), urgent, "every reason stays");
    assert_eq!(store.open_alert(&alert(3, 1, Priority::High)).await.unwrap(), urgent, "and its reason is added once");
    assert_eq!(store.alert(&first.id).await.unwrap(), Some(urgent.clone()));
    assert_eq!(store.alert(&AlertId::new("alert-2")).await.unwrap(), None);

    assert!(store.resolve_alert(&first.id, &resolved(at(50))).await.unwrap());
    assert!(!store.resolve_alert(&first.id, &resolved(at(51))).await.unwrap(), "resolved once");
    assert!(!store.resolve_alert(&AlertId::new("none"), &resolved(at(51))).await.unwrap());
    assert_eq!(store.pending_alert(&user(1)).await.unwrap(), None);
    let resolved_alert = store.alert(&first.id).await.unwrap().unwrap();
    let handling = Handling { resolved_at: Some(at(50)), ..Handling::default() };
    assert_eq!(resolved_alert, Alert { status: AlertStatus::Resolved, handling, ..urgent });

    let next = alert(4, 1, Priority::Low);
    assert_eq!(store.open_alert(&next).await.unwrap(), next, "a resolved alert is not reopened");

    let other = (fresh.again)();
    let tasks: Vec<_> = (0..16)
        .map(|number| {
            let store = if number % 2 == 0 { fresh.store.clone() } else { other.clone() };
            tokio::spawn(async move { store.open_alert(&alert(100 + number, 5, Priority::High)).await.unwrap().id })
        })
        .collect();
    let mut ids = HashSet::new();
    for task in tasks {
        ids.insert(task.await.unwrap());
    }
    assert_eq!(ids.len(), 1);
}

pub(in crate::store) async fn alerts_are_listed_by_urgency(fresh: TestStore) {
    let store = &fresh.store;
    for (number, priority) in [(1, Priority::Low), (4, Priority::High), (3, Priority::High), (2, Priority::Medium)] {
        store.open_alert(&alert(number, number, priority)).await.unwrap();
    }
    store.resolve_alert(&AlertId::new("alert-3"), &resolved(at(9))).await.unwrap();
    let listed = async |limit| {
        let alerts = store.alerts(limit).await.unwrap();
        alerts.into_iter().map(|alert| alert.id.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(listed(10).await, ["alert-4", "alert-2", "alert-1", "alert-3"]);
    assert_eq!(listed(2).await, ["alert-4", "alert-2"]);
}
