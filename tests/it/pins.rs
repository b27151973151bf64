//! What the team pins to conversations, and how its members see each other: tags, snoozes, mentions, saved views, assignees, who
//! looks and who types.

use std::time::Duration;

use ecomres::domain::desk::{Pin, PinKind};
use ecomres::domain::ids::{AlertId, UserId};
use ecomres::domain::message::{Basis, ChatMessage, Role as Said};
use ecomres::web::Settings;
use futures_util::StreamExt as _;
use jiff::{SignedDuration, Timestamp};
use reqwest::StatusCode;

use crate::dashboard::{CUSTOMER, encoded};
use crate::team::{Member, log_in, team, team_with};

pub(crate) fn said(user: &str, text: &str, at: Timestamp) -> ChatMessage {
    ChatMessage {
        user_id: UserId::new(user),
        role: Said::User,
        text: text.to_owned(),
        at,
        turn: 1,
        intent: None,
        sentiment: None,
        response_ms: None,
        basis: Basis::default(),
    }
}

/// The customers of a list, in its order.
async fn listed(member: &Member<'_>, query: &str) -> Vec<String> {
    let list = member.get(&format!("/conversations?{query}")).await;
    let links = list.split("<a class=\"talk line\" href=\"/conversation?user=").skip(1);
    links.map(|rest| rest.split(['"', '&']).next().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tags_find_conversations_and_views_keep_filters() {
    let page = team().await;
    let (desk, night) = (log_in(&page, "desk", "desk-token").await, log_in(&page, "night", "night-token").await);
    let (desk, night) = (desk.unwrap(), night.unwrap());
    page.store.append_messages(&[said("91700", "hello", Timestamp::now())]).await.unwrap();
    for (user, tag) in [(CUSTOMER, "VIP <b>guest</b>"), (CUSTOMER, "late"), ("91700", "Late!")] {
        let place = desk.post("/conversation/tag", &[("user", user), ("tag", tag)]).await.unwrap();
        assert!(place.ends_with("told=tagged"), "{place}");
    }
    let place = desk.post("/conversation/tag", &[("user", CUSTOMER), ("tag", "!!")]).await.unwrap();
    assert!(place.ends_with("told=notag") && desk.get(&place).await.contains("class=\"warning\""), "{place}");
    let stranger = desk.post("/conversation/tag", &[("user", "stranger"), ("tag", "x")]).await.unwrap_err();
    assert_eq!(stranger.0, StatusCode::NOT_FOUND);
    let chat = format!("/conversation?user={}", encoded(CUSTOMER));
    let text = night.get(&chat).await;
    assert!(text.contains("/conversations?tag=vip-b-guest-b") && text.contains("Remove the tag late"), "{text}");
    assert!(!log_in(&page, "auditor", "auditor-token").await.unwrap().get(&chat).await.contains("Remove the tag"));
    assert_eq!(listed(&night, "tag=late").await, ["91700", &encoded(CUSTOMER)], "the latest tag first");
    assert_eq!(listed(&night, "tag=late&queue=unassigned").await, [encoded(CUSTOMER)]);
    assert_eq!(listed(&night, "tag=late&queue=bot").await, ["91700"]);
    assert_eq!(listed(&night, "tag=late&q=hello").await, ["91700"]);
    assert!(listed(&night, "tag=nothing").await.is_empty());
    desk.post("/conversation/untag", &[("user", "91700"), ("tag", "late")]).await.unwrap();
    assert_eq!(listed(&night, "tag=late").await, [encoded(CUSTOMER)]);
    // A view is its member's, and holds no words and no customer.
    let fields = [("name", "Late ones"), ("query", "tag=late&queue=unassigned&q=919876&user=9198")];
    assert_eq!(desk.post("/views/save", &fields).await.unwrap(), "/conversations?queue=unassigned&tag=late");
    let list = desk.get("/conversations").await;
    assert!(list.contains("href=\"/conversations?queue=unassigned&amp;tag=late\"") && list.contains("Late ones"));
    assert!(!night.get("/conversations").await.contains("Late ones"));
    assert!(desk.get("/conversations?tag=late").await.contains("Save these filters as"));
    let refused = desk.post("/views/save", &[("name", "x"), ("query", "q=hello")]).await.unwrap_err();
    assert_eq!(refused.0, StatusCode::BAD_REQUEST);
    night.post("/views/remove", &[("name", "Late ones")]).await.unwrap();
    assert!(desk.get("/conversations").await.contains("Late ones"), "nobody else removes it");
    desk.post("/views/remove", &[("name", "Late ones")]).await.unwrap();
    assert!(!desk.get("/conversations").await.contains("Late ones"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snoozed_conversation_comes_back_by_itself_and_when_the_customer_writes() {
    let page = team().await;
    let desk = log_in(&page, "desk", "desk-token").await.unwrap();
    let user = UserId::new("91700");
    let now = Timestamp::now();
    page.store.append_messages(&[said("91700", "where is it?", now - SignedDuration::from_mins(9))]).await.unwrap();
    desk.post("/conversation/take-over", &[("user", "91700")]).await.unwrap();
    assert_eq!(listed(&desk, "queue=mine").await, ["91700"]);
    let place = desk.post("/conversation/snooze", &[("user", "91700"), ("for", "3h")]).await.unwrap();
    assert!(place.ends_with("told=snoozed"), "{place}");
    assert!(listed(&desk, "queue=mine").await.is_empty() && listed(&desk, "queue=waiting").await.is_empty());
    assert_eq!(listed(&desk, "queue=snoozed").await, ["91700"]);
    let list = desk.get("/conversations").await;
    assert!(list.contains("data-again=\"") && list.contains("queue=snoozed"), "the page looks again then: {list}");
    assert!(desk.get("/conversation?user=91700").await.contains("Snoozed by desk"));
    // Its time is over.
    let pin = page.store.pins_of(&user).await.unwrap().remove(0);
    page.store.save_pin(&Pin { until: Some(now), ..pin.clone() }).await.unwrap();
    assert_eq!(listed(&desk, "queue=mine").await, ["91700"]);
    // The customer wrote.
    page.store.save_pin(&pin).await.unwrap();
    assert!(listed(&desk, "queue=mine").await.is_empty());
    page.store.append_messages(&[said("91700", "hello?", pin.at + SignedDuration::from_secs(1))]).await.unwrap();
    assert_eq!(listed(&desk, "queue=mine").await, ["91700"]);
    // Somebody wakes it.
    desk.post("/conversation/snooze", &[("user", "91700"), ("for", "tomorrow")]).await.unwrap();
    page.store.append_messages(&[]).await.unwrap();
    let place = desk.post("/conversation/wake", &[("user", "91700")]).await.unwrap();
    assert!(place.ends_with("told=woken") && page.store.pins_of(&user).await.unwrap().is_empty(), "{place}");
    let past = [("user", "91700"), ("for", "time"), ("until", "2020-01-01T10:00")];
    assert!(desk.post("/conversation/snooze", &past).await.unwrap().ends_with("told=notime"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_note_asks_a_member_to_look() {
    let page = team().await;
    let (desk, night) = (log_in(&page, "desk", "desk-token").await, log_in(&page, "night", "night-token").await);
    let (desk, night) = (desk.unwrap(), night.unwrap());
    assert!(!night.get("/conversations").await.contains("queue=mentions"));
    let fields = [("user", CUSTOMER), ("note", "@night please call them. mail@lead.example")];
    desk.post("/conversation/note", &fields).await.unwrap();
    assert_eq!(listed(&night, "queue=mentions").await, [encoded(CUSTOMER)]);
    assert!(night.get("/conversations").await.contains("queue=mentions"));
    assert!(!log_in(&page, "lead", "lead-token").await.unwrap().get("/conversations").await.contains("queue=mentions"));
    let chat = format!("/conversation?user={}", encoded(CUSTOMER));
    assert!(night.get(&chat).await.contains("<strong>desk</strong> mentioned you"));
    assert!(!desk.get(&chat).await.contains("mentioned you"));
    night.post("/conversation/seen", &[("user", CUSTOMER)]).await.unwrap();
    assert!(listed(&night, "queue=mentions").await.is_empty());
    assert!(page.store.pins(PinKind::Mention, None, 9).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alert_is_assigned_to_any_member_who_works_on_alerts() {
    let page = team().await;
    let lead = log_in(&page, "lead", "lead-token").await.unwrap();
    let chat = format!("/conversation?user={}", encoded(CUSTOMER));
    let text = lead.get(&chat).await;
    assert!(text.contains("<option value=\"night\">") && !text.contains("<option value=\"auditor\">"), "{text}");
    let assign = async |from: &str, to: &str| {
        let fields = [("id", "ALERT_1"), ("from", from), ("to", to), ("place", "/conversation")];
        lead.post("/alerts/assign", &fields).await
    };
    let place = assign("", "night").await.unwrap();
    assert!(place.contains("told=assigned") && lead.get(&place).await.contains("night is the assignee"), "{place}");
    let assignee = async || page.store.alert(&AlertId::new("ALERT_1")).await.unwrap().unwrap().handling.assignee;
    assert_eq!(assignee().await.as_deref(), Some("night"));
    // Only from whoever has it.
    assert!(assign("desk", "lead").await.unwrap().contains("told=held"));
    assert_eq!(assignee().await.as_deref(), Some("night"));
    assert!(assign("night", "desk").await.unwrap().contains("told=assigned"));
    for nobody in ["auditor", "stranger", ""] {
        assert_eq!(assign("desk", nobody).await.unwrap_err().0, StatusCode::BAD_REQUEST, "{nobody}");
    }
    let entries = page.store.audit_entries(1, 99).await.unwrap();
    let named = entries.iter().filter_map(ecomres::domain::audit::AuditEntry::record);
    let told: Vec<_> = named.filter(|record| record.action == "assign_alert").map(|record| record.arguments).collect();
    assert_eq!((told.len(), told[0]["to"].as_str(), told[2]["from"].as_str()), (4, Some("night"), Some("night")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_see_who_looks_and_who_types() {
    let page = team().await;
    let (desk, night) = (log_in(&page, "desk", "desk-token").await, log_in(&page, "night", "night-token").await);
    one_sees_the_other(&desk.unwrap(), &night.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_see_each_other_at_the_pages_of_two_servers_on_one_store() {
    let page = team().await;
    let store = std::sync::Arc::clone(&page.store);
    let second = team_with(|settings| Settings { store, ..settings }).await;
    let (desk, night) = (log_in(&page, "desk", "desk-token").await, log_in(&second, "night", "night-token").await);
    one_sees_the_other(&desk.unwrap(), &night.unwrap()).await;
}

async fn one_sees_the_other(desk: &Member<'_>, night: &Member<'_>) {
    let chat = format!("/events?user={}", encoded(CUSTOMER));
    let mut stream = desk.events_of(&chat).await.bytes_stream();
    let mut told = async |wanted: &str| {
        let wait = async {
            loop {
                let part = String::from_utf8_lossy(&stream.next().await.unwrap().unwrap()).into_owned();
                if part.contains("event: who") && part.contains(wanted) {
                    return;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(10), wait).await.unwrap_or_else(|_| panic!("{wanted} was not told"));
    };
    let other = night.events_of(&chat).await;
    let mut seen = other.bytes_stream();
    told("[{\"name\":\"night\",\"types\":false}]").await;
    seen.next().await.unwrap().unwrap();
    assert_eq!(night.post("/conversation/typing", &[("user", CUSTOMER)]).await.unwrap_err().0, StatusCode::NO_CONTENT);
    told("[{\"name\":\"night\",\"types\":true}]").await;
    // Whoever goes on is told again.
    night.post("/conversation/typing", &[("user", CUSTOMER)]).await.unwrap_err();
    told("[{\"name\":\"night\",\"types\":true}]").await;
    drop(seen);
    told("data: []").await;
}
