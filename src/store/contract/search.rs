//! Searching conversations.

use std::collections::BTreeSet;

use super::stats::{HOUR, period, rows};
use super::*;

pub(in crate::store) async fn conversations_are_found(fresh: TestStore) {
    fresh.store.append_messages(&rows()).await.unwrap();
    let find = async |search: Search, limit| {
        let found = fresh.store.find_conversations(&search, limit, 1_000).await.unwrap();
        assert_eq!(found.unsearched_before, None);
        found.users.iter().map(|user| user.as_str().to_owned()).collect::<Vec<_>>()
    };
    // The slower a customer writes, the later the last message.
    assert_eq!(find(Search::default(), 2).await, ["user-5", "user-4"]);
    assert_eq!(find(Search::default(), 100).await.len(), 5);
    let text = |text: &str| Search { text: text.to_owned(), ..Search::default() };
    assert_eq!(find(text("ord003007"), 9).await, ["user-3"]);
    assert_eq!(find(text("USER-2"), 9).await, ["user-2"]);
    assert_eq!(find(text("100%_SURE"), 9).await.len(), 5);
    assert!(find(text("100%sure"), 9).await.is_empty(), "nothing in a search stands for something else");
    assert!(find(text(".*"), 9).await.is_empty());
    assert!(find(text("' OR 1=1 --"), 9).await.is_empty());
    let intent = |intent: &str| Search { intent: Some(intent.to_owned()), ..Search::default() };
    assert_eq!(find(intent("refund_request"), 9).await.len(), 5);
    assert!(find(intent("refund"), 9).await.is_empty());
    let late = Search { from: Some(at(150 * HOUR)), sentiment: Some("neutral".to_owned()), ..Search::default() };
    let expected: BTreeSet<String> = rows()
        .iter()
        .filter(|row| row.at >= at(150 * HOUR) && row.sentiment.as_deref() == Some("neutral"))
        .map(|row| row.user_id.as_str().to_owned())
        .collect();
    assert!(!expected.is_empty() && expected.len() < 5);
    assert_eq!(find(late, 9).await.into_iter().collect::<BTreeSet<_>>(), expected);
}

pub(in crate::store) async fn conversations_are_found_by_order_and_mode(fresh: TestStore) {
    let store = &fresh.store;
    let said = |asker: u32, second: i64, text: &str| ChatMessage {
        user_id: user(asker),
        role: Role::User,
        text: text.to_owned(),
        at: at(second),
        turn: 1,
        intent: Some(format!("intent_{}", asker % 2)),
        sentiment: Some("neutral".to_owned()),
        response_ms: None,
        basis: Basis::default(),
    };
    let rows = [said(1, 10, "where is ord000007?"), said(2, 20, "hello"), said(3, 30, "hi"), said(4, 40, "ORD000008")];
    store.append_messages(&rows).await.unwrap();
    store.bind_order(&id(7), &user(2), at(20)).await.unwrap();
    let quote = Proposal {
        id: QuoteId::new("q"),
        order_id: id(7),
        user_id: Some(user(3)),
        kind: crate::domain::proposal::ProposalKind::Refund,
        details: crate::domain::proposal::Details::default(),
        order_value: Money::from_rupees(1),
        amount: Money::from_rupees(1),
        fee: Money::ZERO,
        currency: crate::domain::currency::Currency::INR,
        turn: Some(1),
        created_at: at(0),
        expires_at: at(9),
    };
    store.save_quote(&quote).await.unwrap();
    // One that was made to an operator belongs to nobody.
    store.save_quote(&Proposal { id: QuoteId::new("p"), user_id: None, ..quote }).await.unwrap();
    let find = async |search: Search| {
        let found = store.find_conversations(&search, 9, 1_000).await.unwrap();
        found
            .users
            .iter()
            .map(|user| user.as_str().trim_start_matches("user-").to_owned())
            .collect::<Vec<_>>()
            .join(" ")
    };
    let any = Search::default;
    let order = |number: u32| Search { order: Some(id(number)), ..any() };
    assert_eq!(find(order(7)).await, "3 2 1", "named, bound or quoted");
    assert_eq!(find(order(8)).await, "4");
    assert_eq!(find(order(9)).await, "");
    assert_eq!(find(Search { text: "hello".to_owned(), ..order(7) }).await, "2");
    assert_eq!(find(Search { user: "SER-3".to_owned(), ..order(7) }).await, "3");
    assert_eq!(find(Search { user: "ello".to_owned(), ..any() }).await, "", "what was said is no identity");
    assert_eq!(find(Search { from: Some(at(20)), until: Some(at(40)), ..any() }).await, "3 2");
    assert_eq!(find(Search { until: Some(at(20)), ..any() }).await, "1");
    assert_eq!(find(Search { intent: Some("intent_0".to_owned()), until: Some(at(40)), ..any() }).await, "2");
    let answered = |by: AnsweredBy| Search { answered_by: Some(by), ..any() };
    assert_eq!(find(answered(AnsweredBy::Person)).await, "");
    for (number, asker) in [(1, 2), (2, 4)] {
        store.open_alert(&super::conversations::alert(number, asker, Priority::Low)).await.unwrap();
    }
    assert_eq!(find(answered(AnsweredBy::Person)).await, "4 2");
    assert_eq!(find(answered(AnsweredBy::Bot)).await, "3 1");
    assert_eq!(find(Search { answered_by: Some(AnsweredBy::Person), ..order(7) }).await, "2");
    store.resolve_alert(&AlertId::new("alert-2"), &resolved(at(50))).await.unwrap();
    assert_eq!(find(answered(AnsweredBy::Person)).await, "2");
}

pub(in crate::store) async fn messages_are_scanned_in_steps(fresh: TestStore) {
    let store = &fresh.store;
    let said = |number: u32| ChatMessage {
        user_id: user(number % 20),
        role: Role::User,
        text: if number % 20 == 7 { "a needle".to_owned() } else { "hay".to_owned() },
        at: at(i64::from(number.min(90))),
        turn: 1,
        intent: Some(format!("intent_{}", number % 2)),
        sentiment: Some("neutral".to_owned()),
        response_ms: None,
        basis: Basis::default(),
    };
    // The last eleven were written in one moment.
    store.append_messages(&(0..=100).map(said).collect::<Vec<_>>()).await.unwrap();
    let any = Search::default;
    let find = async |search: &Search, depth| {
        let found = store.find_conversations(search, 9, depth).await.unwrap();
        let users: Vec<_> =
            found.users.iter().map(|user| user.as_str().trim_start_matches("user-").to_owned()).collect();
        (users.join(" "), found.unsearched_before)
    };
    let needle = Search { text: "needle".to_owned(), ..any() };
    assert_eq!(find(&needle, 1_000).await, ("7".to_owned(), None));
    assert_eq!(find(&needle, 101).await.1, None, "there are no more");
    // 90 to 100 hold none; 87 does. The search continues from moment to moment until nothing is left.
    let mut search = Search { until: None, ..needle.clone() };
    let (mut steps, mut found) = (0, Vec::new());
    loop {
        let (users, before) = find(&search, 5).await;
        found.push(users);
        steps += 1;
        let Some(before) = before else { break };
        assert!(search.until.is_none_or(|until| before < until), "it goes on");
        search.until = Some(before);
    }
    assert!((15..=25).contains(&steps), "{steps}");
    assert_eq!(found.iter().filter(|users| *users == "7").count(), 5, "{found:?}");
    // The same, too, where the stats cache tells the cutoff.
    let first = find(&needle, 5).await;
    store.conversation_stats(&period(None, 1_000 * HOUR), &[]).await.unwrap();
    assert_eq!(find(&needle, 5).await, first);
    let of_none = Search { intent: Some("intent_9".to_owned()), ..needle.clone() };
    assert_eq!(find(&of_none, 5).await, (String::new(), None));
    // A customer with that identity, and one who waits for a person, is found however far back.
    for (text, who) in [("user-3", "3"), ("user-15", "15")] {
        assert_eq!(find(&Search { user: text.to_owned(), ..any() }, 2).await.0, who);
        assert_eq!(find(&Search { text: text.to_owned(), ..any() }, 2).await.0, who);
    }
    store.bind_order(&id(7), &user(4), at(20)).await.unwrap();
    assert_eq!(find(&Search { order: Some(id(7)), ..any() }, 2).await.0, "4");
    store.open_alert(&super::conversations::alert(1, 7, Priority::Low)).await.unwrap();
    let waits = Search { answered_by: Some(AnsweredBy::Person), ..needle.clone() };
    assert_eq!(find(&waits, 2).await, ("7".to_owned(), None));
    let listed = store.conversation_summaries(&[user(7), user(99), user(3)]).await.unwrap();
    let names: Vec<_> = listed.iter().map(|summary| summary.user_id.clone()).collect();
    assert_eq!(names, [user(7), user(99), user(3)]);
    assert_eq!(listed[0].last, store.recent_messages(&user(7), 1).await.unwrap().pop());
    assert_eq!(listed[0].alert, store.pending_alert(&user(7)).await.unwrap());
    assert!(listed[0].last.is_some() && listed[0].alert.is_some() && listed[2].alert.is_none());
    assert_eq!((&listed[1].last, &listed[1].conversation, &listed[1].alert), (&None, &None, &None));
    assert_eq!(find(&Search { answered_by: Some(AnsweredBy::Bot), ..needle.clone() }, 1_000).await.0, "");
    // Only messages that match otherwise count as scanned.
    let odd = Search { intent: Some("intent_1".to_owned()), ..needle };
    assert_eq!(find(&odd, 50).await, ("7".to_owned(), None));
    // A search that an index serves is complete.
    let intent = Search { intent: Some("intent_0".to_owned()), ..any() };
    assert_eq!(find(&intent, 2).await.1, None);
}
