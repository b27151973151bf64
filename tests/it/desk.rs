//! The pages as an inbox that a team works in: nothing that was typed is lost, links survive the login, everything is found and
//! reached, and what is known of a customer stands beside their conversation.

use std::time::Duration;

use ecomres::domain::desk::Draft;
use ecomres::domain::ids::{OrderId, UserId};
use ecomres::domain::message::{Basis, ChatMessage, Role as Said};
use ecomres::domain::money::Money;
use ecomres::domain::opt_out::{Preference, Source};
use ecomres::domain::order::{Order, OrderLine, OrderState};
use ecomres::store::{ImportMode, forget};
use futures_util::StreamExt as _;
use jiff::{SignedDuration, Timestamp};
use reqwest::StatusCode;

use crate::dashboard::{CUSTOMER, Page, encoded};
use crate::team::{log_in, team};

fn chat() -> String {
    format!("/conversation?user={}", encoded(CUSTOMER))
}

fn said(user: &str, role: Said, text: &str, at: Timestamp, turn: u64) -> ChatMessage {
    ChatMessage {
        user_id: UserId::new(user),
        role,
        text: text.to_owned(),
        at,
        turn,
        intent: None,
        sentiment: None,
        response_ms: None,
        basis: Basis::default(),
    }
}

async fn drafts(page: &Page, by: &str) -> Vec<String> {
    let found = page.store.drafts_of(by, 9).await.unwrap();
    found.iter().map(|Draft { field, text, .. }| format!("{field}: {text}")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_draft_survives_until_it_is_sent() {
    let page = team().await;
    let (desk, night) = (log_in(&page, "desk", "desk-token").await, log_in(&page, "night", "night-token").await);
    let (desk, night) = (desk.unwrap(), night.unwrap());
    let save = async |field: &str, text: &str| {
        let fields = [("user", CUSTOMER), ("field", field), ("text", text)];
        desk.post("/conversation/draft", &fields).await.unwrap_err()
    };
    let words = "Dear <b>you</b>,\nit is on its way";
    assert_eq!(save("reply", words).await.0, StatusCode::NO_CONTENT);
    assert_eq!(save("resolve", "called <twice>").await.0, StatusCode::NO_CONTENT);
    let shown = "Dear &lt;b&gt;you&lt;/b&gt;,\nit is on its way</textarea>";
    assert!(desk.get(&chat()).await.contains(shown));
    assert!(!night.get(&chat()).await.contains("it is on its way"), "others have their own");
    assert!(desk.get("/conversations").await.contains(">draft<"));
    assert!(desk.get("/alerts").await.contains("value=\"called &lt;twice&gt;\""));
    // A reply that is refused stays, in red; one that is sent is no draft any more.
    let too_long = "x".repeat(4_097);
    let place = desk.post("/conversation/reply", &[("user", CUSTOMER), ("text", &too_long)]).await.unwrap();
    assert!(place.ends_with("told=empty"), "{place}");
    let text = desk.get(&place).await;
    assert!(text.contains("class=\"warning\" role=\"alert\" data-told=\"empty\""), "{text}");
    assert!(text.contains(&too_long), "the words are there");
    let place = desk.post("/conversation/reply", &[("user", CUSTOMER), ("text", "Dear {name}, hello")]).await.unwrap();
    assert!(place.ends_with("told=unfilled") && desk.get(&place).await.contains("fill in what stands in braces"));
    let place = desk.post("/conversation/reply", &[("user", CUSTOMER), ("text", "hello")]).await.unwrap();
    assert!(place.ends_with("told=queued"), "{place}");
    assert_eq!(drafts(&page, "desk").await, ["resolve: called <twice>"]);
    // What waits while somebody gives the conversation back is not lost either.
    assert_eq!(save("reply", "half a sent").await.0, StatusCode::NO_CONTENT);
    night.post("/conversation/return", &[("user", CUSTOMER), ("note", "done")]).await.unwrap();
    assert!(desk.get(&chat()).await.contains("Your draft is kept: “half a sent”"));
    let place = desk.post("/conversation/reply", &[("user", CUSTOMER), ("text", "half a sentence")]).await.unwrap();
    assert!(place.ends_with("told=bot"), "{place}");
    assert!(drafts(&page, "desk").await.contains(&"reply: half a sentence".to_owned()));
    // Only for customers that there are, and for fields that there are.
    for (user, field, status) in [
        ("stranger", "reply", StatusCode::NOT_FOUND),
        (CUSTOMER, "password", StatusCode::BAD_REQUEST),
        ("", "reply", StatusCode::BAD_REQUEST),
    ] {
        let fields = [("user", user), ("field", field), ("text", "hello")];
        assert_eq!(desk.post("/conversation/draft", &fields).await.unwrap_err().0, status, "{user} {field}");
    }
    assert_eq!(save("reply", &"x".repeat(10_001)).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(save("resolve", "").await.0, StatusCode::NO_CONTENT);
    assert_eq!(drafts(&page, "desk").await, ["reply: half a sentence"]);
    forget(page.store.as_ref(), &UserId::new(CUSTOMER), &Timestamp::now).await.unwrap();
    assert!(drafts(&page, "desk").await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn notes_are_for_the_team_only() {
    let page = team().await;
    let desk = log_in(&page, "desk", "desk-token").await.unwrap();
    let place =
        desk.post("/conversation/note", &[("user", CUSTOMER), ("note", "knows <i>the owner</i>")]).await.unwrap();
    assert!(place.ends_with("told=noted"), "{place}");
    let viewer = log_in(&page, "auditor", "auditor-token").await.unwrap();
    let text = viewer.get(&chat()).await;
    assert!(text.contains("knows &lt;i&gt;the owner&lt;/i&gt;") && text.contains("Internal note · desk"), "{text}");
    assert!(page.store.outgoing_of(&UserId::new(CUSTOMER), 9).await.unwrap().is_empty(), "nothing is sent");
    let said = page.store.recent_messages(&UserId::new(CUSTOMER), 9).await.unwrap();
    assert!(!said.iter().any(|message| message.text.contains("owner")), "no model reads it");
    let entries = page.store.audit_entries(1, 99).await.unwrap();
    let noted: Vec<_> = entries.iter().filter(|entry| entry.content.contains("\"note\"")).collect();
    assert!(noted.len() == 2 && !noted.iter().any(|entry| entry.content.contains("owner")), "before and after");
    let place = desk.post("/conversation/note", &[("user", CUSTOMER), ("note", "  ")]).await.unwrap();
    assert!(place.ends_with("told=empty"), "{place}");
    let stranger = desk.post("/conversation/note", &[("user", "stranger"), ("note", "x")]).await.unwrap_err();
    assert_eq!(stranger.0, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_page_hears_that_the_connection_is_there() {
    let page = team().await;
    let desk = log_in(&page, "desk", "desk-token").await.unwrap();
    let answer = desk.events().await;
    let mut events = answer.bytes_stream();
    assert!(String::from_utf8_lossy(&events.next().await.unwrap().unwrap()).contains("event: hello"));
    let told = tokio::time::timeout(Duration::from_secs(25), events.next()).await.unwrap().unwrap().unwrap();
    assert!(String::from_utf8_lossy(&told).contains("event: tick"), "{told:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_survives_the_login() {
    let page = team().await;
    let place = async |path: &str| {
        let answer = page.http.get(format!("{}{path}", page.url)).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        answer.headers()["location"].to_str().unwrap().to_owned()
    };
    let to = place(&format!("{}&page=2", chat())).await;
    assert_eq!(to, format!("/login?next={}", encoded(&format!("{}&page=2", chat()))));
    assert_eq!(place("/").await, "/login");
    let (_, form) = page.get(&to).await;
    let next = form.split("name=\"next\" value=\"").nth(1).unwrap().split('"').next().unwrap().replace("&amp;", "&");
    let sent = async |next: &str, word: &str| {
        let fields = [("name", "desk"), ("word", word), ("next", next)];
        page.post("/login", &fields, "").await
    };
    let wrong = sent(&next, "wrong").await;
    assert_eq!(wrong.status(), StatusCode::UNAUTHORIZED);
    assert!(wrong.text().await.unwrap().contains("name=\"next\""), "also after a mistake");
    let right = sent(&format!("{next}#hit"), "desk-token").await;
    assert_eq!(right.headers()["location"].to_str().unwrap(), format!("{}&page=2#hit", chat()));
    let cookie = right.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let again = page.http.get(format!("{}{to}", page.url)).header("cookie", &cookie).send().await.unwrap();
    assert_eq!(again.headers()["location"].to_str().unwrap(), format!("{}&page=2", chat()), "who is logged in goes on");
    for elsewhere in ["//evil.example", "https://evil.example/", "/\\evil.example", "/logout"] {
        assert_eq!(sent(elsewhere, "desk-token").await.headers()["location"], "/", "{elsewhere}");
    }
    // A form of an ended session says that nothing is lost, and leads back.
    let request =
        page.http.post(format!("{}/conversation/reply", page.url)).header("referer", format!("{}{}", page.url, chat()));
    let ended = request.body("user=x&text=hello").send().await.unwrap();
    assert_eq!(ended.status(), StatusCode::UNAUTHORIZED);
    let text = ended.text().await.unwrap();
    assert!(
        text.contains("kept in this browser") && text.contains(&format!("/login?next={}", encoded(&chat()))),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_is_found_in_any_writing_and_a_word_leads_to_its_message() {
    let page = team().await;
    let viewer = log_in(&page, "auditor", "auditor-token").await.unwrap();
    let now = Timestamp::now();
    let at = |minutes: i64| now - SignedDuration::from_mins(minutes);
    let mut rows = vec![said("919876500002", Said::User, "where is my blue <b>Teapot</b>?", at(900), 1)];
    rows.extend(
        (0..250).map(|turn| {
            said("919876500002", Said::User, "hello again", at(800 - turn), u64::try_from(turn).unwrap() + 2)
        }),
    );
    rows.push(said("919876500003", Said::User, "98765 00002 is not mine", at(1), 1));
    page.store.append_messages(&rows).await.unwrap();
    for text in
        ["+91 98765 00002", "+91 98765-00002", "098765 00002", "0091 98765 00002", "919876500002", "+91 98765000"]
    {
        for name in ["q", "user"] {
            let list = viewer.get(&format!("/conversations?{name}={}", encoded(text))).await;
            assert!(list.contains("href=\"/conversation?user=919876500002"), "{name}={text}: {list}");
        }
    }
    let list = viewer.get("/conversations?q=teapot").await;
    assert!(list.contains("&lt;b&gt;<mark>Teapot</mark>&lt;/b&gt;"), "what was found is shown: {list}");
    let link = list.split("href=\"").find(|rest| rest.starts_with("/conversation?")).unwrap();
    let link = link.split('"').next().unwrap().replace("&amp;", "&");
    assert!(link.ends_with("&q=teapot&page=2#hit"), "{link}");
    let text = viewer.get(link.trim_end_matches("#hit")).await;
    assert!(text.contains("id=\"hit\"") && text.contains("<mark>Teapot</mark>"), "{text}");
    assert!(text.contains("To the latest messages") && !text.contains("Earlier messages"), "{text}");
    let latest = viewer.get("/conversation?user=919876500002").await;
    assert!(latest.contains("Earlier messages") && !latest.contains("Teapot") && !latest.contains("id=\"hit\""));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_go_on_where_they_are_cut() {
    let page = team().await;
    let viewer = log_in(&page, "auditor", "auditor-token").await.unwrap();
    let now = Timestamp::now();
    let user = |number: i64| format!("9198765{number:05}");
    let rows: Vec<_> = (0..120)
        .map(|number| said(&user(number), Said::User, "hello", now - SignedDuration::from_mins(number + 1), 1))
        .collect();
    page.store.append_messages(&rows).await.unwrap();
    let mut found = std::collections::BTreeSet::new();
    let mut place = "/conversations?intent=&q=hello".to_owned();
    let mut pages = 0;
    loop {
        let list = viewer.get(&place).await;
        pages += 1;
        found.extend((0..120).filter(|number| list.contains(&format!("user={}", user(*number)))));
        let Some((before, _)) = list.split_once("\">Next page") else { break };
        place = before.rsplit_once("href=\"").unwrap().1.replace("&amp;", "&");
    }
    assert_eq!((pages, found.len()), (3, 120));
    for number in 0..205 {
        let by = ecomres::domain::audit::AuditRecord {
            at: now,
            actor: "system".to_owned(),
            action: "test".to_owned(),
            phase: ecomres::domain::audit::AuditPhase::Finished,
            arguments: serde_json::json!({"number": format!("x{number}x")}),
            result: serde_json::Value::Null,
        };
        page.store.append_audit(&by).await.unwrap();
    }
    let first = viewer.get("/audit?q=test").await;
    assert!(first.contains("x204x") && !first.contains("x104x"));
    let place = first.split_once("\">Older entries").unwrap().0.rsplit_once("href=\"").unwrap().1.replace("&amp;", "&");
    let second = viewer.get(&place).await;
    assert!(second.contains("x104x") && second.contains("x5x") && !second.contains("x204x") && !second.contains("x4x"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queues_hold_what_waits_the_longest_wait_first() {
    let page = team().await;
    let desk = log_in(&page, "desk", "desk-token").await.unwrap();
    let now = Timestamp::now();
    let at = |minutes: i64| now - SignedDuration::from_mins(minutes);
    let rows = [
        said("late", Said::User, "hello?", at(50), 1),
        said("later", Said::User, "anybody?", at(90), 1),
        said("answered", Said::User, "a question", at(300), 1),
        said("answered", Said::Agent, "an answer", at(200), 2),
        said("bots", Said::User, "thanks", at(10), 1),
        said("bots", Said::Assistant, "you are welcome", at(9), 1),
    ];
    page.store.append_messages(&rows).await.unwrap();
    for user in ["late", "later", "answered"] {
        desk.post("/conversation/take-over", &[("user", user)]).await.unwrap();
    }
    let id = page.store.pending_alert(&UserId::new("late")).await.unwrap().unwrap().id;
    desk.post("/alerts/claim", &[("id", id.as_str())]).await.unwrap();
    let users = async |queue: &str| {
        let list = desk.get(&format!("/conversations?queue={queue}")).await;
        let links = list.split("<a class=\"talk line\" href=\"/conversation?user=").skip(1);
        links.map(|rest| rest.split(['"', '&']).next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let attacker = encoded(CUSTOMER);
    for user in ["later", "answered"] {
        let alert = page.store.pending_alert(&UserId::new(user)).await.unwrap().unwrap();
        assert_eq!(alert.handling.assignee.as_deref(), Some("desk"), "who takes over has it");
        desk.post("/alerts/release", &[("id", alert.id.as_str())]).await.unwrap();
    }
    assert_eq!(users("waiting").await, ["later", "late"], "the customer's last word, the longest wait first");
    assert_eq!(users("unassigned").await, ["later", attacker.as_str(), "answered"]);
    assert_eq!(users("mine").await, ["late"]);
    assert_eq!(users("bot").await, ["bots"]);
    assert_eq!(users("all").await.len(), 5);
    let list = desk.get("/conversations?queue=waiting").await;
    for count in [
        "Unassigned <span class=\"badge\">3<",
        "Mine <span class=\"badge\">1<",
        "Waiting for us <span class=\"badge\">2<",
    ] {
        assert!(list.contains(count), "{count}: {list}");
    }
    assert!(list.contains("waits since"), "{list}");
    // Within a queue one goes on to the next.
    let first = desk.get("/conversation?user=later&queue=waiting").await;
    assert!(first.contains("rel=\"next\" href=\"/conversation?user=late&amp;queue=waiting\""), "{first}");
    let place =
        desk.post("/conversation/reply", &[("user", "later"), ("queue", "waiting"), ("text", "hi")]).await.unwrap();
    assert_eq!(place, "/conversation?user=later&queue=waiting&told=queued");
    assert_eq!(users("waiting").await, ["late"]);
    assert_eq!(users("waiting&q=nothing+like+this").await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_known_of_a_customer_stands_beside_the_conversation() {
    let page = team().await;
    let desk = log_in(&page, "desk", "desk-token").await.unwrap();
    let user = "919876500007";
    let now = Timestamp::now();
    page.store.append_messages(&[said(user, Said::User, "hello", now, 1)]).await.unwrap();
    let mut order = Order::new(OrderId::new("ORD000071"));
    order.phone = Some("+91 98765 00007".to_owned());
    order.value = Some(Money::from_rupees(599));
    order.placed_at = Some(jiff::civil::datetime(2026, 1, 5, 10, 0, 0, 0));
    order.details.display_id = Some("#1071".to_owned());
    order.details.customer_name = Some("Mia".to_owned());
    order.details.state = Some(OrderState::Packed);
    order.details.lines =
        vec![OrderLine { sku: Some("T-1".to_owned()), name: "<b>Teapot</b>".to_owned(), quantity: 2, price: None }];
    let bound = Order::new(OrderId::new("ORD000072"));
    let mut import = page.store.begin_import(ImportMode::Upsert).await.unwrap();
    import.write(vec![order, bound]).await.unwrap();
    import.commit().await.unwrap();
    page.store.bind_order(&OrderId::new("ORD000072"), &UserId::new(user), now).await.unwrap();
    let wish =
        Preference { stopped: true, at: now - SignedDuration::from_hours(3), source: Source::Channel, message: None };
    page.store.record_preference(&UserId::new(user), &wish).await.unwrap();
    desk.post("/conversation/take-over", &[("user", user)]).await.unwrap();
    desk.post("/conversation/return", &[("user", user), ("note", "called <back>")]).await.unwrap();
    let text = desk.get(&format!("/conversation?user={user}")).await;
    for shown in [
        "href=\"/order?id=ORD000071&amp;user=919876500007\">#1071</a>",
        "packed",
        "2 × &lt;b&gt;Teapot&lt;/b&gt;",
        "href=\"/order?id=ORD000072&amp;user=919876500007\"",
        "+919876500007",
        "opted out",
        "Earlier hand-overs",
        "called &lt;back&gt;",
    ] {
        assert!(text.contains(shown), "{shown}: {text}");
    }
    let order = desk.get("/order?id=%231071").await;
    for shown in ["&lt;b&gt;Teapot&lt;/b&gt;", "T-1", "₹599", "Mia", "/conversations?order=ORD000071"] {
        assert!(order.contains(shown), "{shown}: {order}");
    }
    let bound = desk.get("/order?id=ORD000072").await;
    assert!(bound.contains(&format!("href=\"/conversation?user={user}\"")), "{bound}");
    let request = page.http.get(format!("{}/order?id=ORD9", page.url)).header("cookie", desk.cookie());
    assert_eq!(request.send().await.unwrap().status(), StatusCode::NOT_FOUND);
    // Canned replies are filled in with what is known.
    page.store.record_preference(&UserId::new(user), &Preference { stopped: false, at: now, ..wish }).await.unwrap();
    desk.post("/conversation/take-over", &[("user", user)]).await.unwrap();
    let text = desk.get(&format!("/conversation?user={user}")).await;
    assert!(text.contains("data-name=\"late\" data-text=\"Dear Mia, #1071 is late.\""), "{text}");
}
