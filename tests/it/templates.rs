//! The templates of the shop's account: read from the Graph API, listed for admins, chosen and filled where free text may not be
//! sent any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use axum::{Json, Router};
use ecomres::channels::whatsapp::Account;
use ecomres::domain::ids::UserId;
use ecomres::domain::message::{Basis, ChatMessage, Role as Said};
use ecomres::domain::outgoing::{Body, KnownTemplate};
use ecomres::web::{CheckLine, SettingLine, Settings, Setup};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::team::{Member, log_in, team_with};

#[derive(serde::Deserialize)]
struct Asked {
    after: Option<String>,
}

/// The Graph API, as far as it is about templates: two pages, for whoever has the token.
async fn graph(
    State(works): State<Arc<AtomicBool>>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> (StatusCode, Json<Value>) {
    if headers["authorization"] != "Bearer secret-token" || !works.load(Ordering::Relaxed) {
        let error = json!({"error": {"message": "Invalid OAuth access token", "code": 190}});
        return (StatusCode::UNAUTHORIZED, Json(error));
    }
    let one = |name: &str, status: &str, text: &str| json!({"name": name, "language": "en", "category": "UTILITY", "status": status, "components": [{"type": "BODY", "text": text}]});
    let page = if asked.after.as_deref() == Some("p2") {
        json!({"data": [one("back", "APPROVED", "Hello.")], "paging": {"cursors": {"after": "p3"}}})
    } else {
        json!({"data": [one("late", "APPROVED", "Dear {{1}}, {{2}} is late."), one("old", "REJECTED", "No.")],
            "paging": {"cursors": {"after": "p2"}, "next": "https://graph.example/?access_token=secret-token"}})
    };
    (StatusCode::OK, Json(page))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn templates_are_read_page_by_page() {
    let works = Arc::new(AtomicBool::new(true));
    let app = Router::new().route("/v25.0/777/message_templates", get(graph)).with_state(Arc::clone(&works));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    let token = "secret-token".to_owned().into();
    let account = Account { base_url, version: "v25.0".to_owned(), id: "777".to_owned(), token };
    let found = account.templates().await.unwrap();
    let told: Vec<_> = found.iter().map(|one| (one.name.as_str(), one.places, one.is_ready())).collect();
    assert_eq!(told, [("back", Some(0), true), ("late", Some(2), true), ("old", Some(0), false)]);
    works.store(false, Ordering::Relaxed);
    let why = account.templates().await.unwrap_err();
    assert!(why.contains("Invalid OAuth") && why.contains("401") && !why.contains("secret-token"), "{why}");
}

/// They can be read once, and no more.
#[derive(Default)]
struct Templates(AtomicU32);

impl Setup for Templates {
    fn settings(&self) -> Vec<SettingLine> {
        Vec::new()
    }

    fn check(&self) -> Vec<CheckLine> {
        Vec::new()
    }

    fn has_templates(&self) -> bool {
        true
    }

    fn templates(&self) -> Result<Vec<KnownTemplate>, String> {
        if self.0.fetch_add(1, Ordering::Relaxed) > 0 {
            return Err("no connection".to_owned());
        }
        let one = |name: &str, status: &str, text: &str, places| KnownTemplate {
            name: name.to_owned(),
            language: "en".to_owned(),
            category: "UTILITY".to_owned(),
            status: status.to_owned(),
            text: text.to_owned(),
            places,
        };
        Ok(vec![
            one("late", "APPROVED", "Dear {{1}}, <b>{{2}}</b> is late.", Some(2)),
            one("picture", "APPROVED", "Look.", None),
            one("old", "REJECTED", "No.", Some(0)),
        ])
    }
}

/// A page, once it holds something that is read in the background.
async fn with(member: &Member<'_>, path: &str, wanted: &str) -> String {
    for _ in 0..100 {
        let text = member.get(path).await;
        if text.contains(wanted) {
            return text;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{path} never holds {wanted}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_team_chooses_a_template_and_fills_its_places() {
    let setup = Some(Arc::new(Templates::default()) as Arc<dyn Setup>);
    let page = team_with(|settings| Settings { setup, template: None, ..settings }).await;
    let (desk, lead) = (log_in(&page, "desk", "desk-token").await, log_in(&page, "lead", "lead-token").await);
    let (desk, lead) = (desk.unwrap(), lead.unwrap());
    let listed = with(&lead, "/settings", "Dear {{1}}").await;
    for shown in ["utility", "approved", "rejected", "not offered here", "&lt;b&gt;{{2}}"] {
        assert!(listed.contains(shown), "{shown}: {listed}");
    }
    let user = UserId::new("91703");
    page.store.append_messages(&[late()]).await.unwrap();
    desk.post("/conversation/take-over", &[("user", "91703")]).await.unwrap();
    let chat = desk.get("/conversation?user=91703").await;
    assert!(chat.contains("name=\"template\" value=\"late en\"") && chat.contains("name=\"place2\""), "{chat}");
    assert!(!chat.contains("picture") && !chat.contains("old en") && !chat.contains("None is set"), "{chat}");
    let form = chat.split("class=\"template\"").nth(1).unwrap().split("</form>").next().unwrap();
    assert!(form.contains("data-undo") && form.contains("class=\"undo\""), "it waits a moment as replies do: {form}");
    desk.post("/conversation/draft", &[("user", "91703"), ("field", "reply"), ("text", "half a reply")])
        .await
        .unwrap_err();
    let send = async |template: &str, one: &str, two: &str| {
        let fields = [("user", "91703"), ("template", template), ("place1", one), ("place2", two)];
        desk.post("/conversation/reply", &fields).await
    };
    for (template, one, two) in
        [("late en", "Mia", ""), ("old en", "", ""), ("picture en", "", ""), ("else en", "a", "b")]
    {
        assert!(send(template, one, two).await.is_err(), "{template}");
    }
    assert!(page.store.outgoing_of(&user, 9).await.unwrap().is_empty(), "nothing was sent");
    send("late en", "Mi<a", "").await.unwrap_err();
    let chat = desk.get("/conversation?user=91703").await;
    assert!(chat.contains("value=\"Mi&lt;a\""), "what was typed is kept: {chat}");
    assert!(send("late en", "Mia {{2}}", "#1001").await.unwrap().ends_with("told=queued"));
    let sent = page.store.outgoing_of(&user, 9).await.unwrap().remove(0);
    let parameters = vec!["Mia {{2}}".to_owned(), "#1001".to_owned()];
    assert_eq!(sent.body, Body::Template { name: "late".to_owned(), language: "en".to_owned(), parameters });
    let said = page.store.recent_messages(&user, 1).await.unwrap().remove(0);
    assert_eq!((said.role, said.text.as_str()), (Said::Agent, "Dear Mia {{2}}, <b>#1001</b> is late."));
    let drafts = page.store.drafts_of("desk", 9).await.unwrap();
    let drafts: Vec<_> = drafts.iter().map(|draft| (draft.field.as_str(), draft.text.as_str())).collect();
    assert_eq!(drafts, [("reply", "half a reply")], "what was typed was sent, and the reply is no part of it");
}

fn late() -> ChatMessage {
    ChatMessage {
        user_id: UserId::new("91703"),
        role: Said::User,
        text: "hello".to_owned(),
        at: Timestamp::now() - SignedDuration::from_hours(30),
        turn: 1,
        intent: None,
        sentiment: None,
        response_ms: None,
        basis: Basis::default(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn templates_stay_when_they_cannot_be_read_again() {
    let setup = Some(Arc::new(Templates::default()) as Arc<dyn Setup>);
    let page = team_with(|settings| Settings { setup, template: None, ..settings }).await;
    let (desk, lead) = (log_in(&page, "desk", "desk-token").await, log_in(&page, "lead", "lead-token").await);
    let (desk, lead) = (desk.unwrap(), lead.unwrap());
    page.store.append_messages(&[late()]).await.unwrap();
    desk.post("/conversation/take-over", &[("user", "91703")]).await.unwrap();
    // No page was shown yet, as after a restart: what is chosen is read first.
    let fields = [("user", "91703"), ("template", "late en"), ("place1", "Mia"), ("place2", "#1001")];
    assert!(desk.post("/conversation/reply", &fields).await.unwrap().ends_with("told=queued"));
    lead.post("/settings/templates", &[]).await.unwrap();
    let listed = with(&lead, "/settings", "They cannot be read from Meta: no connection").await;
    assert!(listed.contains("Dear {{1}}") && listed.contains("read before"), "{listed}");
    let chat = desk.get("/conversation?user=91703").await;
    assert!(chat.contains("value=\"late en\""), "it can still be chosen: {chat}");
}
