//! What a lead and an admin see: what needs somebody now, how the time before was, lists as files, the settings; and what the shop's
//! documents suggest to whoever answers.

use std::sync::Arc;

use ecomres::domain::audit::AuditEntry;
use ecomres::domain::ids::{OrderId, UserId};
use ecomres::domain::message::{Basis, ChatMessage, Role as Said};
use ecomres::domain::money::Money;
use ecomres::domain::order::Order;
use ecomres::store::{ImportMode, Store};
use ecomres::web::{CheckLine, SettingLine, Settings, Setup};
use jiff::{SignedDuration, Timestamp};
use reqwest::StatusCode;

use crate::dashboard::{CUSTOMER, encoded};
use crate::team::{log_in, team, team_with};

fn said(user: &str, role: Said, text: &str, at: Timestamp) -> ChatMessage {
    ChatMessage {
        user_id: UserId::new(user),
        role,
        text: text.to_owned(),
        at,
        turn: 1,
        intent: None,
        sentiment: None,
        response_ms: None,
        basis: Basis::default(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_document_suggests_a_reply_that_nobody_sends_by_itself() {
    let page = team().await;
    let desk = log_in(&page, "desk", "desk-token").await.unwrap();
    std::fs::create_dir_all(&page.documents).unwrap();
    let text = "# Gift wrapping\n\nWe wrap gifts in <red> paper for ₹50. Tell us before the order is packed.\n";
    std::fs::write(page.documents.join("gifts.md"), text).unwrap();
    let now = Timestamp::now();
    page.store.append_messages(&[said("91701", Said::User, "Do you wrap gifts?", now)]).await.unwrap();
    assert!(!desk.get("/conversation?user=91701").await.contains("id=\"suggestion\""), "the bot answers");
    desk.post("/conversation/take-over", &[("user", "91701")]).await.unwrap();
    // The folder is looked at again after two seconds.
    let begun = std::time::Instant::now();
    let mut shown = desk.get("/conversation?user=91701").await;
    while !shown.contains("id=\"suggestion\"") && begun.elapsed().as_secs() < 10 {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        shown = desk.get("/conversation?user=91701").await;
    }
    assert!(shown.contains("Suggested") && shown.contains("gifts.md"), "{shown}");
    assert!(shown.contains("data-suggested=\"") && shown.contains("We wrap gifts in &lt;red&gt; paper"), "{shown}");
    assert!(page.store.outgoing_of(&UserId::new("91701"), 9).await.unwrap().is_empty(), "nothing is sent");
    page.store.append_messages(&[said("91701", Said::Agent, "yes", now + SignedDuration::from_secs(1))]).await.unwrap();
    assert!(!desk.get("/conversation?user=91701").await.contains("id=\"suggestion\""), "it is answered");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_overview_says_what_needs_somebody_and_how_it_was_before() {
    let page = team().await;
    let lead = log_in(&page, "lead", "lead-token").await.unwrap();
    let now = Timestamp::now();
    let at = |hours| now - SignedDuration::from_hours(hours);
    let mut rows = vec![said("91701", Said::User, "hello", at(30))];
    rows.extend(["91702", "91703"].map(|user| said(user, Said::User, "hello", at(2))));
    page.store.append_messages(&rows).await.unwrap();
    let text = lead.get("/?range=24h").await;
    let unassigned = "href=\"/conversations?queue=unassigned\"><strong>1</strong> unassigned";
    assert!(text.contains(unassigned), "{text}");
    assert!(!text.contains("<strong>0</strong>"), "what is none is not shown");
    // Three customers after one.
    assert!(text.contains("▲ 200 %") && text.contains("compare with the time before"), "{text}");
    assert!(!lead.get("/?range=all").await.contains("compare with the time before"));
    lead.post("/alerts/resolve", &[("id", "ALERT_1")]).await.unwrap();
    assert!(lead.get("/?range=24h").await.contains("Nothing needs you now"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_are_files_that_no_spreadsheet_runs_and_are_on_record() {
    let page = team().await;
    let viewer = log_in(&page, "auditor", "auditor-token").await.unwrap();
    let desk = log_in(&page, "desk", "desk-token").await.unwrap();
    let now = Timestamp::now();
    page.store.append_messages(&[said("91701", Said::User, "=1+cmd|'x'!A0", now)]).await.unwrap();
    let file = async |path: &str| {
        let request = page.http.get(format!("{}/export/{path}", page.url)).header("cookie", desk.cookie());
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        assert_eq!(answer.headers()["content-type"], "text/csv; charset=utf-8");
        assert!(answer.headers()["content-disposition"].to_str().unwrap().starts_with("attachment; filename=\""));
        answer.text().await.unwrap()
    };
    let all = file("conversations.csv").await;
    assert!(all.starts_with("customer,last_message_at") && all.lines().count() >= 3, "{all}");
    assert!(all.contains(",'=1+cmd|'x'!A0,"), "{all}");
    let some = file(&format!("conversations.csv?user={}", encoded("91701"))).await;
    assert_eq!(some.lines().count(), 2, "the filters of the page: {some}");
    let alerts = file("alerts.csv?priority=high").await;
    assert!(alerts.contains(CUSTOMER) && alerts.contains("ALERT_1"), "{alerts}");
    assert_eq!(file("alerts.csv?priority=low").await.lines().count(), 1);
    assert!(
        file("refunds.csv").await.starts_with("order_id,amount") && file("tasks.csv").await.starts_with("action_id")
    );
    orders_leave_with_the_filters_of_their_page(page.store.as_ref(), &file).await;
    for (member, path, status) in
        [(&desk, "secrets.csv", StatusCode::NOT_FOUND), (&viewer, "alerts.csv", StatusCode::FORBIDDEN)]
    {
        let request = page.http.get(format!("{}/export/{path}", page.url)).header("cookie", member.cookie());
        assert_eq!(request.send().await.unwrap().status(), status, "{path}");
    }
    let entries = page.store.audit_entries(1, 99).await.unwrap();
    let records: Vec<_> = entries.iter().filter_map(AuditEntry::record).filter(|one| one.action == "export").collect();
    assert_eq!((records.len(), records[0].actor.as_str()), (9, "operator:desk"));
    assert_eq!(records[0].arguments["filters"], serde_json::json!({}));
    assert_eq!(records[1].arguments["filters"], serde_json::json!({"user": "91701"}), "which rows went is on record");
    assert!(desk.get("/conversations?tag=x").await.contains("/export/conversations.csv?tag=x"));
    assert!(!viewer.get("/conversations?tag=x").await.contains("/export/"));
}

async fn orders_leave_with_the_filters_of_their_page(store: &dyn Store, file: &impl AsyncFn(&str) -> String) {
    let order = |number: u32, platform: &str, day: i8| Order {
        platform: platform.to_owned(),
        placed_at: Some(jiff::civil::date(2026, 1, day).at(23, 30, 0, 0)),
        feedback: "=SUM(A1)".to_owned(),
        value: Some(Money::from_rupees(599)),
        ..Order::new(OrderId::new(&format!("ORD{number}")))
    };
    let undated = Order { placed_at: None, ..order(4, "Blinkit", 1) };
    let orders = vec![order(1, "Blinkit", 5), order(2, "Zepto", 5), order(3, "Blinkit", 6), undated];
    let mut import = store.begin_import(ImportMode::Upsert).await.unwrap();
    import.write(orders).await.unwrap();
    import.commit().await.unwrap();
    let ids =
        |text: &str| text.lines().skip(1).map(|row| row.split(',').next().unwrap().to_owned()).collect::<Vec<_>>();
    let all = file("orders.csv").await;
    assert_eq!(ids(&all), ["ORD1", "ORD2", "ORD3", "ORD4"]);
    assert!(all.contains(",599") && all.contains(",'=SUM(A1)"), "{all}");
    assert_eq!(ids(&file("orders.csv?platform=Blinkit&range=all").await), ["ORD1", "ORD3", "ORD4"]);
    let day = file("orders.csv?platform=Blinkit&from=2026-01-05&to=2026-01-05").await;
    assert_eq!(ids(&day), ["ORD1"], "of that day by the shop's clock, and none without a date: {day}");
}

struct Known;

impl Setup for Known {
    fn settings(&self) -> Vec<SettingLine> {
        let line = |key: &str, value: &str, from: &str| SettingLine {
            key: key.to_owned(),
            value: value.to_owned(),
            from: from.to_owned(),
        };
        vec![line("shop.country", "IN", "ecomres.toml"), line("triage.gap_hours", "24", "")]
    }

    fn check(&self) -> Vec<CheckLine> {
        let (part, found, hint) = ("store".to_owned(), "it <holds>".to_owned(), "look".to_owned());
        vec![CheckLine { verdict: "warning", part, found, hint }]
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn admins_see_the_settings_and_write_canned_replies_on_record() {
    let page = team_with(|settings| Settings { setup: Some(Arc::new(Known)), ..settings }).await;
    let (desk, lead) = (log_in(&page, "desk", "desk-token").await, log_in(&page, "lead", "lead-token").await);
    let (desk, lead) = (desk.unwrap(), lead.unwrap());
    let request = page.http.get(format!("{}/settings", page.url)).header("cookie", desk.cookie());
    assert_eq!(request.send().await.unwrap().status(), StatusCode::FORBIDDEN);
    let text = lead.get("/settings").await;
    for shown in ["shop.country", "ecomres.toml", "triage.gap_hours", "front", "/late", "viewer"] {
        assert_eq!(text.contains(shown), shown != "front", "{shown}: {text}");
    }
    let (status, checked) = lead.post("/settings/check", &[]).await.unwrap_err();
    assert!(status == StatusCode::OK && checked.contains("it &lt;holds&gt;") && checked.contains("look"), "{checked}");
    assert_eq!(
        lead.post("/settings/reply", &[("name", "La te"), ("text", "x")]).await.unwrap_err().0,
        StatusCode::BAD_REQUEST
    );
    let save = async |name: &str, text: &str| {
        let place = lead.post("/settings/reply", &[("name", name), ("text", text)]).await.unwrap();
        assert_eq!(place, "/settings?told=saved");
    };
    let chat = format!("/conversation?user={}", encoded(CUSTOMER));
    desk.post("/conversation/take-over", &[("user", CUSTOMER)]).await.unwrap();
    assert!(desk.get(&chat).await.contains("data-name=\"late\""));
    save("late", "It is late, {name}.").await;
    save("hours", "We are here from 9 to 6.").await;
    let text = desk.get(&chat).await;
    assert!(text.contains("It is late, {name}.") && text.contains("data-name=\"hours\""), "{text}");
    save("late", "").await;
    assert!(!desk.get(&chat).await.contains("data-name=\"late\""), "removed on the page, though the file has one");
    let entries = page.store.audit_entries(1, 99).await.unwrap();
    let records = entries.iter().filter_map(AuditEntry::record).filter(|one| one.action == "canned_reply");
    let told: Vec<_> = records.map(|one| (one.actor, one.arguments["text"].as_str().unwrap().to_owned())).collect();
    assert_eq!(told.len(), 6, "before and after");
    assert_eq!(told[0], ("operator:lead".to_owned(), "It is late, {name}.".to_owned()));
}
