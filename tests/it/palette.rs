//! What the command palette and the browser's notifications are told, and the emoji of the composer.

use ecomres::domain::ids::OrderId;
use ecomres::domain::order::Order;
use ecomres::domain::target::Targets;
use ecomres::web::Settings;
use jiff::{SignedDuration, Timestamp};
use reqwest::StatusCode;
use serde_json::Value;

use crate::dashboard::{CUSTOMER, encoded};
use crate::pins::said;
use crate::team::{Member, log_in, team, team_with};

async fn asked(member: &Member<'_>, path: &str) -> Value {
    serde_json::from_str(&member.get(path).await).unwrap()
}

/// Kind and address of what is found.
async fn found(member: &Member<'_>, wanted: &str) -> Vec<(String, String)> {
    let rows = asked(member, &format!("/find?q={}", encoded(wanted))).await;
    let text = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
    rows.as_array().unwrap().iter().map(|row| (text(row, "kind"), text(row, "href"))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_palette_finds_conversations_orders_queues_and_own_views() {
    let page = team().await;
    assert_eq!(page.get("/find?q=1").await.0, StatusCode::SEE_OTHER, "nothing without a login");
    let (desk, night) = (log_in(&page, "desk", "desk-token").await, log_in(&page, "night", "night-token").await);
    let (desk, night) = (desk.unwrap(), night.unwrap());
    page.store.append_messages(&[said("919876500002", "hello", Timestamp::now())]).await.unwrap();
    page.store.upsert_order(&Order::new(OrderId::new("ORD7"))).await.unwrap();
    let pair = |kind: &str, href: &str| (kind.to_owned(), href.to_owned());
    let talk = pair("Conversation", "/conversation?user=919876500002");
    for wanted in ["919876500002", "+91 98765 00002", "98765 00002"] {
        assert_eq!(found(&desk, wanted).await, std::slice::from_ref(&talk), "{wanted}");
    }
    let attacker = format!("/conversation?user={}", encoded(CUSTOMER));
    assert_eq!(found(&desk, CUSTOMER).await, [pair("Conversation", &attacker)]);
    assert_eq!(found(&desk, "ORD7").await, [pair("Order", "/order?id=ORD7")]);
    assert!(found(&desk, "nothing like it").await.is_empty());
    desk.post("/views/save", &[("name", "angry"), ("query", "sentiment=negative")]).await.unwrap();
    let always = found(&desk, "").await;
    assert!(always.contains(&pair("Queue", "/conversations?queue=mine")), "{always:?}");
    let view = pair("View", "/conversations?sentiment=negative");
    assert!(always.contains(&view) && !found(&night, "").await.contains(&view), "views are everybody's own");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn notices_tell_of_queues_and_never_of_words() {
    let targets = Targets { first_reply: Some(SignedDuration::from_mins(5)), ..Targets::default() };
    let page = team_with(|settings| Settings { targets, ..settings }).await;
    let (desk, night) = (log_in(&page, "desk", "desk-token").await, log_in(&page, "night", "night-token").await);
    let (desk, night) = (desk.unwrap(), night.unwrap());
    let titles = |told: &Value| {
        let rows = told["notices"].as_array().unwrap().iter();
        rows.map(|row| format!("{} {}", row["title"].as_str().unwrap(), row["text"].as_str().unwrap()))
            .collect::<Vec<_>>()
    };
    let now = Timestamp::now();
    page.store.append_messages(&[said(CUSTOMER, "the secret word", now)]).await.unwrap();
    let told = asked(&desk, "/notices").await;
    assert_eq!(titles(&told), [format!("New message {CUSTOMER} · Unassigned")]);
    assert!(!told.to_string().contains("secret word"));
    assert!(told["again"].as_i64().unwrap() > now.as_millisecond(), "what was promised is late then");
    let again = asked(&night, "/notices").await;
    assert_eq!(told["notices"][0]["key"], again["notices"][0]["key"], "the same is told once");
    // Another message is another notice; whoever is assigned, or mentioned, is told of it, and nobody else any more.
    page.store.append_messages(&[said(CUSTOMER, "hello?", now + SignedDuration::from_secs(1))]).await.unwrap();
    desk.post("/alerts/assign", &[("id", "ALERT_1"), ("to", "night")]).await.unwrap();
    desk.post("/conversation/note", &[("user", CUSTOMER), ("note", "@desk @night look, the secret word")])
        .await
        .unwrap();
    let told = asked(&night, "/notices").await;
    let at = |queue: &str| format!("{CUSTOMER} · {queue}");
    let expected = [
        format!("Assigned to you {}", at("Mine")),
        format!("New message {}", at("Mine")),
        format!("You are mentioned {}", at("Mentions")),
    ];
    assert_eq!(titles(&told), expected);
    assert_ne!(told["notices"][1]["key"], again["notices"][0]["key"]);
    assert!(!told.to_string().contains("secret word"));
    assert_eq!(titles(&asked(&desk, "/notices").await), [expected[2].clone()]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alert_that_is_late_is_told_of() {
    let targets = Targets { first_reply: Some(SignedDuration::from_secs(1)), ..Targets::default() };
    let page = team_with(|settings| Settings { targets, ..settings }).await;
    let desk = log_in(&page, "desk", "desk-token").await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    let told = asked(&desk, "/notices").await.to_string();
    assert!(told.contains("Overdue"), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_composer_has_emoji_and_the_list_of_its_queue_is_beside_it() {
    let page = team().await;
    let desk = log_in(&page, "desk", "desk-token").await.unwrap();
    page.store.append_messages(&[said("91702", "I wait", Timestamp::now())]).await.unwrap();
    desk.post("/conversation/take-over", &[("user", "91702")]).await.unwrap();
    let chat = desk.get("/conversation?user=91702&queue=mine").await;
    assert!(chat.contains("data-emoji=\"📦\"") && chat.contains("aria-label=\"parcel package order\""), "{chat}");
    let listed = chat.split("id=\"listed\"").nth(1).unwrap().split("</section>").next().unwrap();
    assert!(listed.contains("href=\"/conversation?user=91702&amp;queue=mine\" aria-current=\"true\""), "{listed}");
    assert!(!listed.contains(&encoded(CUSTOMER)), "of this queue alone: {listed}");
    let all = desk.get("/conversation?user=91702").await;
    assert!(all.split("id=\"listed\"").nth(1).unwrap().contains(&encoded(CUSTOMER)), "all of them");
    let viewer = log_in(&page, "auditor", "auditor-token").await.unwrap();
    assert!(!viewer.get("/conversation?user=91702").await.contains("data-emoji"));
}

/// What a browser loads of scripts and styles, without the charts, stays small.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scripts_and_styles_are_small() {
    let page = team().await;
    let (_, login) = page.get("/login").await;
    let mut packed = 0;
    let parts = login.split(['"']).filter(|part| part.starts_with("/assets/") && !part.contains("icon"));
    let names: Vec<&str> = parts.collect();
    assert!(names.len() >= 9, "{names:?}");
    for name in names {
        let request = page.http.get(format!("{}{name}", page.url)).header("accept-encoding", "gzip");
        let answer = request.send().await.unwrap();
        packed += answer.bytes().await.unwrap().len();
    }
    assert!((10_000..120_000).contains(&packed), "{packed} bytes");
}
