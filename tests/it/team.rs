//! The support team at work: who may do what, and several people on the same alerts.

use std::time::Duration;

use ecomres::domain::alert::{Alert, AlertStatus, Handling, Priority};
use ecomres::domain::ids::{AlertId, OrderId, UserId};
use ecomres::domain::knowledge_gap::Unanswered;
use ecomres::domain::message::{Basis, ChatMessage, Role as Said};
use ecomres::domain::outgoing::{Receipt, Status};
use ecomres::http::connections::Connections;
use ecomres::web::{Access, Role, Settings, TeamMember, hash_password};
use futures_util::StreamExt as _;
use jiff::{SignedDuration, Timestamp};
use reqwest::StatusCode;
use secrecy::SecretString;

use crate::cli::{ecomres, run};
use crate::dashboard::{CUSTOMER, Page, csrf, encoded, served};
use crate::mcp::client::{piped, shop, terminate, wait};

/// Names with their roles; each one's token is `NAME-token`, and `desk` has a password besides.
const TEAM: [(&str, Role); 4] =
    [("auditor", Role::Viewer), ("desk", Role::Agent), ("night", Role::Agent), ("lead", Role::Admin)];

pub(crate) async fn team() -> Page {
    team_with(|settings| settings).await
}

/// The team with other settings.
pub(crate) async fn team_with(change: impl FnOnce(Settings) -> Settings) -> Page {
    let secret = |text: String| SecretString::from(text);
    let users: Vec<TeamMember> = TEAM
        .iter()
        .map(|(name, role)| TeamMember {
            name: (*name).to_owned(),
            role: *role,
            password_hash: secret(if *name == "desk" {
                hash_password("desk password").unwrap()
            } else {
                String::new()
            }),
            token: secret(format!("{name}-token")),
        })
        .collect();
    let (hash, token) = (secret(String::new()), secret("team-token".to_owned()));
    let access = |address| Access::with_users(address, &hash, &token, &[], &users).unwrap();
    served(&Connections::of_process(), access, change).await
}

/// Somebody who is logged in.
pub(crate) struct Member<'a> {
    page: &'a Page,
    cookie: String,
    csrf: String,
}

pub(crate) async fn log_in<'a>(page: &'a Page, name: &str, word: &str) -> Option<Member<'a>> {
    let answer = page.post("/login", &[("name", name), ("word", word)], "").await;
    if answer.status() != StatusCode::SEE_OTHER {
        return None;
    }
    let cookie = answer.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let mut member = Member { page, cookie, csrf: String::new() };
    member.csrf = csrf(&member.get("/alerts").await);
    Some(member)
}

impl Member<'_> {
    pub(crate) fn csrf(&self) -> &str {
        &self.csrf
    }

    pub(crate) fn cookie(&self) -> &str {
        &self.cookie
    }

    /// The stream of changes.
    pub(crate) async fn events(&self) -> reqwest::Response {
        self.events_of("/events").await
    }

    /// The same, of the page of a conversation.
    pub(crate) async fn events_of(&self, path: &str) -> reqwest::Response {
        let request = self.page.http.get(format!("{}{path}", self.page.url)).header("cookie", &self.cookie);
        request.timeout(Duration::from_mins(1)).send().await.unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> String {
        let request = self.page.http.get(format!("{}{path}", self.page.url)).header("cookie", &self.cookie);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        answer.text().await.unwrap()
    }

    /// Where a form leads to, or why it is refused.
    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Result<String, (StatusCode, String)> {
        let mut all = vec![("csrf", self.csrf.as_str())];
        all.extend(fields);
        let answer = self.page.post(path, &all, &self.cookie).await;
        if answer.status() == StatusCode::SEE_OTHER {
            return Ok(answer.headers()["location"].to_str().unwrap().to_owned());
        }
        Err((answer.status(), answer.text().await.unwrap()))
    }
}

/// Every address that takes a form, as the router names them.
fn forms() -> Vec<&'static str> {
    let routes =
        include_str!("../../src/web.rs").lines().filter(|line| line.contains(".route(") && line.contains("post("));
    let paths: Vec<&str> = routes.map(|line| line.split('"').nth(1).unwrap()).collect();
    assert!(paths.len() >= 10 && paths.contains(&"/conversation/reply"), "{paths:?}");
    paths.into_iter().filter(|path| !["/login", "/logout"].contains(path)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_form_requires_its_role() {
    let page = team().await;
    let before = page.store.audit_length().await.unwrap();
    for path in forms() {
        let nobody = page.post(path, &[("csrf", "0")], "").await;
        assert_eq!(nobody.status(), StatusCode::UNAUTHORIZED, "{path} without a login");
    }
    for (name, role) in TEAM {
        let member = log_in(&page, name, &format!("{name}-token")).await.unwrap();
        for path in forms() {
            let allowed = match role {
                Role::Viewer => false,
                Role::Agent => ![
                    "/alerts/reopen",
                    "/alerts/resolve-many",
                    "/knowledge/answer",
                    "/settings/away",
                    "/settings/check",
                    "/settings/member",
                    "/settings/password",
                    "/settings/remove",
                    "/settings/reply",
                    "/settings/templates",
                ]
                .contains(&path),
                Role::Admin => true,
            };
            // Nothing is named, so what is allowed is refused for that.
            let answer = member.post(path, &[]).await;
            let refused = matches!(&answer, Err((StatusCode::FORBIDDEN, _)));
            assert_eq!(refused, !allowed, "{path} as {name}: {answer:?}");
            if let Err((StatusCode::FORBIDDEN, told)) = answer {
                assert!(
                    told.contains(name) && told.contains(role.as_str()) && told.contains("takes the role"),
                    "{told}"
                );
            }
            let stolen = page.post(path, &[("csrf", "0")], &member.cookie).await;
            assert_eq!(stolen.status(), StatusCode::FORBIDDEN, "{path} without the token of its session");
        }
        assert!(member.post("/logout", &[]).await.unwrap().ends_with("/login"), "{name} may always leave");
    }
    assert_eq!(page.store.audit_length().await.unwrap(), before, "nothing was changed by all this");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_sees_everything_and_no_form() {
    let page = team().await;
    let chat = format!("/conversation?user={}", encoded(CUSTOMER));
    let viewer = log_in(&page, "auditor", "auditor-token").await.unwrap();
    for path in ["/", "/alerts", "/alerts?status=all", "/conversations", &chat, "/analytics", "/audit"] {
        let text = viewer.get(path).await;
        let forms = text.matches("method=\"post\"").count();
        assert_eq!((forms, text.matches("action=\"/logout\"").count()), (1, 1), "{path}: only the way out");
        assert!(text.contains("auditor · viewer"), "{path}");
    }
    assert!(viewer.get("/alerts").await.contains("ALERT_1") && viewer.get(&chat).await.contains("a person answers"));
    let agent = log_in(&page, "desk", "desk-token").await.unwrap().get("/alerts").await;
    assert!(agent.contains("action=\"/alerts/claim\"") && !agent.contains("resolve-many"), "{agent}");
    let lead = log_in(&page, "lead", "lead-token").await.unwrap().get("/alerts").await;
    assert!(lead.contains("resolve-many") && lead.contains("type=\"checkbox\""), "{lead}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_logs_in_with_their_own_secret() {
    let page = team().await;
    let (status, form) = page.get("/login").await;
    assert!(status == StatusCode::OK && form.contains("name=\"name\"") && form.contains("type=\"password\""), "{form}");
    assert!(log_in(&page, "Desk", "desk password").await.is_some(), "names are taken in any case");
    assert!(log_in(&page, "", "team-token").await.is_some(), "the one of the whole team stays");
    for (name, word) in [("desk", "night-token"), ("night", "desk password"), ("auditor", ""), ("", "desk-token")] {
        assert!(log_in(&page, name, word).await.is_none(), "{name} {word}");
    }
    // Whoever may log in cannot guess at somebody else without end. From an address that many may share there are more guesses.
    for _ in 0..30 {
        assert!(log_in(&page, "lead", "guess").await.is_none());
        assert!(log_in(&page, "desk", "desk-token").await.is_some());
    }
    let right = page.post("/login", &[("name", "lead"), ("word", "lead-token")], "").await;
    assert_eq!(right.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(log_in(&page, "desk", "desk-token").await.is_some(), "others are not locked out by it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_that_no_document_answers_is_answered_on_the_page() {
    let page = team().await;
    let one = Unanswered {
        user_id: UserId::new(CUSTOMER),
        turn: 1,
        question: ecomres::knowledge::normalised("is there a <b>sauna</b>"),
        text: "is there a <b>sauna</b>".to_owned(),
        at: Timestamp::now(),
    };
    page.store.record_unanswered(&one).await.unwrap();
    let (desk, lead) = (log_in(&page, "desk", "desk-token").await, log_in(&page, "lead", "lead-token").await);
    let (desk, lead) = (desk.unwrap(), lead.unwrap());
    let text = desk.get("/quality").await;
    assert!(text.contains("is there a &lt;b&gt;sauna") && !text.contains("/knowledge/answer"), "{text}");
    assert!(lead.get("/quality").await.contains("action=\"/knowledge/answer\""));
    let fields = [("question", "Is there a sauna?"), ("answer", "Yes, on the roof.")];
    let place = lead.post("/knowledge/answer", &fields).await.unwrap();
    assert_eq!(place, "/quality?told=answered#gaps");
    let text = lead.get("/quality?told=answered").await;
    assert!(text.contains("The answer is written") && text.contains("Nothing was asked"), "{text}");
    let written = std::fs::read_to_string(page.documents.join("answers.md")).unwrap();
    assert!(written.contains("## Is there a sauna?\n\nYes, on the roof.\n"), "{written}");
    let entries = page.store.audit_entries(1, 99).await.unwrap();
    let noted = entries.iter().filter(|entry| entry.content.contains("answer_gap") && entry.content.contains("lead"));
    assert_eq!(noted.count(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alert_is_claimed_taken_over_released_and_reopened() {
    let page = team().await;
    let desk = log_in(&page, "desk", "desk-token").await.unwrap();
    let night = log_in(&page, "night", "night-token").await.unwrap();
    let lead = log_in(&page, "lead", "lead-token").await.unwrap();
    let id = [("id", "ALERT_1"), ("back", "assignee=%40nobody&q=script&evil=//example.com")];
    let (one, two) = tokio::join!(desk.post("/alerts/claim", &id), night.post("/alerts/claim", &id));
    let (one, two) = (one.unwrap(), two.unwrap());
    assert!(one.starts_with("/alerts?assignee=%40nobody&q=script&told=") && !one.contains("evil"), "{one}");
    assert!(one.contains("told=claimed") != two.contains("told=claimed"), "one wins: {one} {two}");
    let (winner, loser, other, place) =
        if one.contains("claimed") { ("desk", &night, &desk, two) } else { ("night", &desk, &night, one) };
    assert!(place.contains("told=held"), "{place}");
    assert!(loser.get(&place).await.contains(&format!("{winner} was faster")), "and the other is told who");
    let list = loser.get("/alerts").await;
    assert!(list.contains(&format!("Take it from {winner}")) && !other.get("/alerts").await.contains("Take it from"));
    for (filter, there) in [("@mine", true), ("@nobody", false), (winner, true), ("lead", false)] {
        let list = other.get(&format!("/alerts?assignee={}", encoded(filter))).await;
        assert_eq!(list.contains("data-id=\"ALERT_1\""), there, "{filter}");
    }
    let stale = loser.post("/alerts/claim", &[("id", "ALERT_1"), ("from", "lead")]).await.unwrap();
    assert!(stale.contains("told=held"), "only from whom it says: {stale}");
    let taken = loser.post("/alerts/claim", &[("id", "ALERT_1"), ("from", winner), ("place", "/conversation")]).await;
    let taken = taken.unwrap();
    assert!(taken.starts_with("/conversation?user=") && taken.contains("told=claimed"), "{taken}");
    let chat = loser.get(&taken).await;
    assert!(
        chat.contains("You are the assignee of the alert") && chat.contains("yours") && chat.contains("Release"),
        "{chat}"
    );
    assert!(other.post("/alerts/release", &[("id", "ALERT_1")]).await.unwrap().contains("told=held"), "not theirs");
    assert!(loser.post("/alerts/release", &[("id", "ALERT_1")]).await.unwrap().contains("told=released"));

    let resolved = desk.post("/alerts/resolve", &[("id", "ALERT_1"), ("note", "explained <b>twice</b>")]).await;
    assert!(resolved.unwrap().contains("told=resolved"));
    let list = lead.get("/alerts?status=resolved").await;
    assert!(list.contains("Resolved by desk") && list.contains("explained &lt;b&gt;twice"), "{list}");
    assert!(
        list.contains("action=\"/alerts/reopen\"") && !desk.get("/alerts?status=resolved").await.contains("reopen")
    );
    assert!(lead.post("/alerts/reopen", &[("id", "ALERT_1")]).await.unwrap().contains("told=reopened"));
    let user = UserId::new(CUSTOMER);
    let again = page.store.pending_alert(&user).await.unwrap().unwrap();
    assert_eq!((again.handling.assignee, again.handling.reopened_by.as_deref()), (None, Some("lead")));
    let conversation = page.store.conversation(&user).await.unwrap().unwrap();
    assert!(matches!(conversation.mode, ecomres::domain::conversation::Mode::HandedOver { .. }), "the bot is silent");
    let audit = lead.get("/audit").await;
    for told in ["operator:desk", "operator:night", "operator:lead", "claim_alert", "release_alert", "reopen_alert"] {
        assert!(audit.contains(told), "{told}");
    }
    assert_eq!(page.store.check_audit().await.unwrap().broken, None);
}

async fn raise(page: &Page, number: u32) -> AlertId {
    let alert = Alert {
        id: AlertId::new(format!("ALERT_more_{number}")),
        user_id: UserId::new(format!("customer-{number}")),
        reason: "asked for a person".to_owned(),
        last_message: "a person please".to_owned(),
        priority: Priority::Low,
        status: AlertStatus::Pending,
        created_at: Timestamp::now(),
        bot_answers: false,
        handling: Handling::default(),
    };
    page.store.open_alert(&alert).await.unwrap().id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn selected_alerts_are_resolved_at_once() {
    let page = team().await;
    let lead = log_in(&page, "lead", "lead-token").await.unwrap();
    for number in 1..=3 {
        raise(&page, number).await;
    }
    let told = lead.post("/alerts/resolve-many", &[]).await.unwrap_err();
    assert!(told.0 == StatusCode::BAD_REQUEST && told.1.contains("No alert is selected"), "{told:?}");
    let ids = [("id", "ALERT_more_1"), ("id", "ALERT_more_3"), ("id", "unknown"), ("note", "told by mail")];
    let place = lead.post("/alerts/resolve-many", &ids).await.unwrap();
    assert!(lead.get(&place).await.contains("2 resolved, 1 were resolved before"), "{place}");
    for (number, pending) in [(1, false), (2, true), (3, false)] {
        let kept = page.store.alert(&AlertId::new(format!("ALERT_more_{number}"))).await.unwrap().unwrap();
        assert_eq!((kept.status == AlertStatus::Pending, kept.handling.note.is_none()), (pending, pending), "{number}");
    }
    // Of one customer there is one pending alert: an earlier one stays resolved.
    let user = UserId::new("customer-1");
    let newer = Alert { id: AlertId::new("ALERT_newer"), ..page.store.alerts(9).await.unwrap().remove(0) };
    let newer = Alert { user_id: user.clone(), status: AlertStatus::Pending, handling: Handling::default(), ..newer };
    page.store.open_alert(&newer).await.unwrap();
    let place = lead.post("/alerts/reopen", &[("id", "ALERT_more_1")]).await.unwrap();
    assert!(lead.get(&place).await.contains("has another pending alert"), "{place}");
    assert_eq!(page.store.pending_alert(&user).await.unwrap().unwrap().id, newer.id);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conversations_are_found_by_all_that_is_known_of_them() {
    let page = team().await;
    let viewer = log_in(&page, "auditor", "auditor-token").await.unwrap();
    let day = |text: &str| text.parse::<Timestamp>().unwrap();
    let said = |user: &str, at: Timestamp, intent: &str, sentiment: &str| ChatMessage {
        user_id: UserId::new(user),
        role: Said::User,
        text: format!("hello from {user}"),
        at,
        turn: 1,
        intent: Some(intent.to_owned()),
        sentiment: Some(sentiment.to_owned()),
        response_ms: None,
        basis: Basis::default(),
    };
    // Days are the shop's: 20:00 in London is the next day in India.
    let rows = [
        said("early", day("2026-01-30T20:00:00Z"), "track_order", "neutral"),
        said("late", day("2026-01-31T20:00:00Z"), "refund_request", "negative"),
    ];
    page.store.append_messages(&rows).await.unwrap();
    page.store.bind_order(&OrderId::new("ORD000077"), &UserId::new("early"), rows[0].at).await.unwrap();
    for (query, early, late) in [
        ("", true, true),
        ("q=hello+from+late", false, true),
        ("user=earl", true, false),
        ("order=ord000077", true, false),
        ("from=2026-01-31&to=2026-01-31", true, false),
        ("from=2026-02-01&to=2026-02-01", false, true),
        ("from=2026-02-02", false, false),
        ("to=2026-01-30", false, false),
        ("intent=track_order", true, false),
        ("sentiment=negative&intent=refund_request", false, true),
        ("mode=person", false, false),
        ("mode=bot&to=2026-02-01", true, true),
    ] {
        let text = viewer.get(&format!("/conversations?{query}")).await;
        // What is searched for goes on to the conversation, which shows where it is said.
        let there = |user: &str| text.contains(&format!("href=\"/conversation?user={user}"));
        assert_eq!((there("early"), there("late")), (early, late), "{query}");
    }
    let request = page.http.get(format!("{}/conversations?from=soon", page.url)).header("cookie", &viewer.cookie);
    assert_eq!(request.send().await.unwrap().status(), StatusCode::BAD_REQUEST);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_delivery_state_of_a_reply_follows_the_channel() {
    let page = team().await;
    let desk = log_in(&page, "desk", "desk-token").await.unwrap();
    let chat = format!("/conversation?user={}", encoded(CUSTOMER));
    let text = desk.get(&chat).await;
    assert!(text.contains("You may write freely for 23 h 5"), "the window is shown: {text}");
    desk.post("/conversation/reply", &[("user", CUSTOMER), ("text", "A person here.")]).await.unwrap();
    assert!(desk.get(&chat).await.contains("waits to be sent"));
    let now = Timestamp::now();
    let claimed = page.store.claim_outgoing(None, now, SignedDuration::from_secs(30)).await.unwrap().unwrap();
    assert!(page.store.sent(&claimed, "p-1", now).await.unwrap());
    let request = page.http.get(format!("{}/events", page.url)).header("cookie", &desk.cookie);
    let mut events = request.send().await.unwrap().bytes_stream();
    assert!(String::from_utf8_lossy(&events.next().await.unwrap().unwrap()).contains("hello"));
    tokio::time::sleep(Duration::from_millis(1_300)).await;
    for (receipt, sign) in [(Receipt::Delivered, "✓✓</span> delivered"), (Receipt::Read, "✓✓</span> read")] {
        let status = Status {
            provider_id: "p-1".to_owned(),
            identity: None,
            receipt,
            at: Some(now),
            code: None,
            error: None,
            again: false,
            number: None,
        };
        page.store.follow_status(&status, now).await.unwrap().unwrap();
        let told = tokio::time::timeout(Duration::from_secs(2), events.next()).await.unwrap().unwrap().unwrap();
        let told = String::from_utf8_lossy(&told).into_owned();
        assert!(told.contains("event: change") && told.contains("\"pending\":1,\"high\":1"), "{told}");
        let text = desk.get(&chat).await;
        assert!(text.contains(sign), "{receipt:?}: {text}");
    }
}

#[test]
fn users_are_set_up_in_the_settings() {
    let folder = shop();
    let settings = |users: &str| std::fs::write(folder.path().join("ecomres.toml"), users).unwrap();
    let told = || {
        let (code, _, err) = run(ecomres(folder.path()).args(["dashboard", "--store", "shop.db", "--bind", "0.0.0.0"]));
        assert_eq!(code, 1, "{err}");
        err
    };
    settings("[[dashboard.users]]\nname = \"desk\"\nrole = \"boss\"\ntoken = \"s3cret-of-the-desk\"\n");
    let err = told();
    assert!(err.contains("the role of desk must be viewer or agent or admin") && !err.contains("s3cret"), "{err}");
    settings("[[dashboard.users]]\nname = \"desk\"\nrole = \"agent\"\npassword_hash = \"plain\"\n");
    assert!(told().contains("[[dashboard.users]] desk: password_hash is no argon2 hash"));
    settings("[[dashboard.users]]\nname = \"a b\"\nrole = \"agent\"\ntoken = \"s3cret-of-the-desk\"\n");
    assert!(told().contains("a name is 1 to 40 letters"));
    settings("[[dashboard.users]]\nname = \"desk\"\nrole = \"agent\"\ntoken = \"s3cret-of-the-desk\"\n");
    // Members who log in are a lock: other machines may be served.
    let mut command = ecomres(folder.path());
    let mut child =
        piped(command.args(["dashboard", "--store", "shop.db", "--bind", "0.0.0.0", "--port", "0"])).spawn().unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stderr.take().unwrap()));
    let url = lines.find_map(|line| line.unwrap().split_once("dashboard at ").map(|(_, url)| url.to_owned())).unwrap();
    let url = url.replace("0.0.0.0", "127.0.0.1");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let form = runtime.block_on(async {
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        http.get(format!("{url}login")).send().await.unwrap().text().await.unwrap()
    });
    assert!(form.contains("name=\"name\"") && form.contains("required"), "{form}");
    terminate(&child);
    assert_eq!(wait(&mut child, Duration::from_secs(20)), Some(0));
}

#[test]
fn the_terminal_claims_resolves_and_reopens_alerts() {
    let folder = shop();
    let alerts =
        |arguments: &[&str]| run(ecomres(folder.path()).arg("alerts").args(arguments).args(["--store", "shop.db"]));
    let store = ecomres::store::open(folder.path().join("shop.db").to_str().unwrap()).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let alert = Alert {
        id: AlertId::new("ALERT_1"),
        user_id: UserId::new("919876500001"),
        reason: "asked for a person".to_owned(),
        last_message: "a person please".to_owned(),
        priority: Priority::High,
        status: AlertStatus::Pending,
        created_at: Timestamp::now(),
        bot_answers: false,
        handling: Handling::default(),
    };
    runtime.block_on(store.open_alert(&alert)).unwrap();
    let (code, out, err) = alerts(&["claim", "ALERT_1", "--by", "Desk"]);
    assert!(code == 0 && out.contains("ALERT_1 is yours, desk"), "{out} {err}");
    let (code, _, err) = alerts(&["claim", "ALERT_1", "--by", "night"]);
    assert!(code == 1 && err.contains("desk is the assignee of ALERT_1") && err.contains("--from desk"), "{err}");
    assert_eq!(alerts(&["claim", "ALERT_1", "--by", "night", "--from", "desk"]).0, 0);
    assert_eq!(alerts(&["release", "ALERT_1", "--by", "desk"]).0, 1);
    let (_, out, _) = alerts(&["list", "--assignee", "night"]);
    assert!(out.contains("ALERT_1") && out.contains("with night"), "{out}");
    assert_eq!(alerts(&["list", "--unassigned"]).1, "");
    let (code, out, err) = alerts(&["resolve", "ALERT_1", "--note", "explained", "--json"]);
    assert!(code == 0 && out.contains("\"status\":\"resolved\""), "{out} {err}");
    assert_eq!(alerts(&["list"]).1, "");
    let (_, out, _) = alerts(&["list", "--all"]);
    assert!(out.contains("resolved by terminal") && out.contains(": explained"), "{out}");
    let (code, out, _) = alerts(&["reopen", "ALERT_1", "--by", "lead"]);
    assert!(code == 0 && out.contains("the bot is silent for 919876500001"), "{out}");
    let (_, out, _) = alerts(&["list", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((json["note"].as_str(), json["reopened_by"].as_str()), (Some("explained"), Some("lead")), "{json}");
    assert!(json.get("assignee").is_none(), "{json}");
    let (code, _, err) = alerts(&["reopen", "ALERT_9"]);
    assert!(code == 1 && err.contains("ALERT_9") && err.contains("hint:"), "{err}");
    let (_, out, _) = run(ecomres(folder.path()).args(["report", "audit", "--verify", "--store", "shop.db"]));
    assert!(!out.contains("broken"), "{out}");
}
