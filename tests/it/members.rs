//! Members who are added on the settings page: what they may do, how they log in, and when that ends. Those of the settings file are
//! shown, and changed by nobody.

use ecomres::domain::audit::AuditEntry;
use ecomres::domain::desk::{EntryKind, TeamEntry};
use ecomres::domain::ids::{AlertId, UserId};
use ecomres::domain::message::{Basis, ChatMessage, Role as Said};
use futures_util::StreamExt as _;
use jiff::Timestamp;
use reqwest::StatusCode;

use std::time::Duration;

use crate::team::{log_in, team};

/// The password that a page shows once.
fn password(page: &str) -> String {
    let told = page.split("id=\"secret\"").nth(1).unwrap();
    told.split("<code>").nth(1).unwrap().split("</code>").next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_admin_adds_members_who_log_in_until_they_are_removed() {
    let page = team().await;
    let lead = log_in(&page, "lead", "lead-token").await.unwrap();
    assert!(lead.get("/settings").await.contains("settings file"), "members of the file are shown");
    for (name, role) in [("desk", "agent"), ("a b", "agent"), ("", "agent"), ("dashboard", "agent"), ("mia", "owner")] {
        let (status, told) = lead.post("/settings/member", &[("name", name), ("role", role)]).await.unwrap_err();
        assert_eq!(status, StatusCode::BAD_REQUEST, "{name} {role}: {told}");
    }
    let (status, shown) = lead.post("/settings/member", &[("name", "Mia"), ("role", "viewer")]).await.unwrap_err();
    assert_eq!(status, StatusCode::OK, "{shown}");
    let word = password(&shown);
    assert!(!lead.get("/settings").await.contains(&word), "shown once");
    let kept = page.store.entries(EntryKind::Member, None).await.unwrap();
    assert!(kept.len() == 1 && kept[0].value.contains("$argon2id$") && !kept[0].value.contains(&word), "{kept:?}");

    let mia = log_in(&page, "mia", &word).await.unwrap();
    assert!(mia.get("/alerts").await.contains("mia · viewer"));
    assert_eq!(mia.post("/alerts/claim", &[("id", "ALERT_1")]).await.unwrap_err().0, StatusCode::FORBIDDEN);
    // Another role ends what was begun with the former one.
    let role = [("name", "mia"), ("role", "agent"), ("known", "yes")];
    assert_eq!(lead.post("/settings/member", &role).await.unwrap(), "/settings?told=saved");
    assert_eq!(mia.post("/alerts/claim", &[("id", "ALERT_1")]).await.unwrap_err().0, StatusCode::UNAUTHORIZED);
    let mia = log_in(&page, "mia", &word).await.unwrap();
    mia.post("/alerts/claim", &[("id", "ALERT_1")]).await.unwrap();
    assert!(lead.get("/alerts").await.contains("with mia"), "alerts can be theirs");

    let (_, shown) = lead.post("/settings/password", &[("name", "mia")]).await.unwrap_err();
    let new = password(&shown);
    assert_ne!(new, word);
    assert!(log_in(&page, "mia", &word).await.is_none(), "the former one is over");
    assert_eq!(mia.post("/alerts/release", &[("id", "ALERT_1")]).await.unwrap_err().0, StatusCode::UNAUTHORIZED);
    let mia = log_in(&page, "mia", &new).await.unwrap();
    assert_eq!(mia.post("/settings/remove", &[("name", "mia")]).await.unwrap_err().0, StatusCode::FORBIDDEN);

    lead.post("/settings/away", &[("name", "mia"), ("state", "away")]).await.unwrap();
    assert!(mia.get("/team").await.contains("You are away"));
    for name in ["desk", "nobody"] {
        let refused = lead.post("/settings/remove", &[("name", name)]).await.unwrap_err();
        assert_eq!(refused.0, StatusCode::BAD_REQUEST, "{name} was not added here");
    }
    lead.post("/settings/remove", &[("name", "mia")]).await.unwrap();
    assert!(log_in(&page, "mia", &new).await.is_none());
    assert_eq!(mia.post("/alerts/release", &[("id", "ALERT_1")]).await.unwrap_err().0, StatusCode::UNAUTHORIZED);
    assert!(!lead.get("/settings").await.contains("New password for mia"));
    assert!(page.store.entries(EntryKind::Away, Some("mia")).await.unwrap().is_empty());
    let alert = page.store.alert(&AlertId::new("ALERT_1")).await.unwrap().unwrap();
    assert_eq!(alert.handling.assignee, None, "what they had goes back to the team");

    let entries = page.store.audit_entries(1, 99).await.unwrap();
    let all: Vec<_> = entries.iter().filter_map(AuditEntry::record).collect();
    let released = all.iter().rfind(|one| one.action == "release_alert" && one.arguments["from"] == "mia").unwrap();
    assert_eq!(released.actor, "operator:lead");
    let records: Vec<_> = all.into_iter().filter(|one| one.action == "member").collect();
    let changes: Vec<_> = records.iter().step_by(2).map(|one| one.arguments["change"].as_str().unwrap()).collect();
    assert_eq!(changes, ["added", "role", "password", "removed"]);
    assert!(records.iter().all(|one| one.actor == "operator:lead"));
    let all = serde_json::to_string(&records.iter().map(|one| &one.arguments).collect::<Vec<_>>()).unwrap();
    assert!(!all.contains("argon2") && !all.contains(&word) && !all.contains(&new), "{all}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_admin_who_was_added_neither_removes_nor_demotes_themselves() {
    let page = team().await;
    let lead = log_in(&page, "lead", "lead-token").await.unwrap();
    let (_, shown) = lead.post("/settings/member", &[("name", "mia"), ("role", "admin")]).await.unwrap_err();
    let mia = log_in(&page, "mia", &password(&shown)).await.unwrap();
    let role = [("name", "mia"), ("role", "agent"), ("known", "yes")];
    assert_eq!(mia.post("/settings/member", &role).await.unwrap_err().0, StatusCode::BAD_REQUEST);
    assert_eq!(mia.post("/settings/remove", &[("name", "mia")]).await.unwrap_err().0, StatusCode::BAD_REQUEST);
    let text = mia.get("/settings").await;
    assert!(text.contains("mia (you)") && !text.contains("Remove mia"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_who_becomes_a_viewer_has_no_conversations() {
    let page = team().await;
    let lead = log_in(&page, "lead", "lead-token").await.unwrap();
    let (_, shown) = lead.post("/settings/member", &[("name", "mia"), ("role", "agent")]).await.unwrap_err();
    let mia = log_in(&page, "mia", &password(&shown)).await.unwrap();
    mia.post("/alerts/claim", &[("id", "ALERT_1")]).await.unwrap();
    let assignee = async || page.store.alert(&AlertId::new("ALERT_1")).await.unwrap().unwrap().handling.assignee;
    let role = async |role: &str| {
        lead.post("/settings/member", &[("name", "mia"), ("role", role), ("known", "yes")]).await.unwrap();
    };
    role("admin").await;
    assert_eq!(assignee().await.as_deref(), Some("mia"), "admins work on conversations, too");
    role("viewer").await;
    assert_eq!(assignee().await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_changes_of_a_member_at_once_none_is_lost() {
    let page = team().await;
    let lead = log_in(&page, "lead", "lead-token").await.unwrap();
    let add = async || match lead.post("/settings/member", &[("name", "zoe"), ("role", "agent")]).await {
        Err((StatusCode::OK, shown)) => Some(password(&shown)),
        _ => None,
    };
    let (one, other) = tokio::join!(add(), add());
    let words: Vec<String> = [one, other].into_iter().flatten().collect();
    assert_eq!(words.len(), 1, "there is one of this name, and one password");
    assert!(log_in(&page, "zoe", &words[0]).await.is_some());
    // A password takes a moment: whoever is removed meanwhile does not come back with it.
    let zoe = [("name", "zoe")];
    let (renewed, removed) = tokio::join!(lead.post("/settings/password", &zoe), lead.post("/settings/remove", &zoe));
    assert_eq!(removed.unwrap(), "/settings?told=saved");
    assert!(page.store.entries(EntryKind::Member, None).await.unwrap().is_empty(), "{renewed:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_admin_who_renews_their_own_password_sees_it_and_goes_on() {
    let page = team().await;
    let lead = log_in(&page, "lead", "lead-token").await.unwrap();
    let (_, shown) = lead.post("/settings/member", &[("name", "mia"), ("role", "admin")]).await.unwrap_err();
    let mia = log_in(&page, "mia", &password(&shown)).await.unwrap();
    let fields = [("csrf", mia.csrf()), ("name", "mia")];
    let answer = page.post("/settings/password", &fields, mia.cookie()).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let cookie = answer.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let shown = answer.text().await.unwrap();
    assert!(log_in(&page, "mia", &password(&shown)).await.is_some());
    let request = page.http.get(format!("{}/settings", page.url)).header("cookie", &cookie);
    let again = request.send().await.unwrap();
    assert_eq!(again.status(), StatusCode::OK, "the page can be loaded again");
    let token = |text: &str| text.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    assert_eq!(token(&again.text().await.unwrap()), token(&shown), "its forms can be sent");
    let refused = mia.post("/alerts/claim", &[("id", "ALERT_1")]).await.unwrap_err();
    assert_eq!(refused.0, StatusCode::UNAUTHORIZED, "every session of before is over");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whom_the_settings_file_hides_can_be_removed() {
    let page = team().await;
    let (desk, lead) =
        (log_in(&page, "desk", "desk-token").await.unwrap(), log_in(&page, "lead", "lead-token").await.unwrap());
    desk.post("/alerts/claim", &[("id", "ALERT_1")]).await.unwrap();
    let hash = ecomres::web::hash_password("from before").unwrap();
    for (name, role) in [("desk", "admin"), ("lead", "admin")] {
        let value = serde_json::json!({"role": role, "password_hash": hash}).to_string();
        let (owner, name, at) = (String::new(), name.to_owned(), Timestamp::now());
        page.store.save_entry(&TeamEntry { kind: EntryKind::Member, owner, name, value, at }).await.unwrap();
    }
    assert!(log_in(&page, "desk", "from before").await.is_none(), "the file is the reference");
    let text = lead.get("/settings").await;
    assert!(text.contains("Remove desk as added here") && text.contains("hidden by the settings file"), "{text}");
    for path in ["/settings/password", "/settings/member"] {
        let fields = [("name", "desk"), ("role", "viewer"), ("known", "yes")];
        assert_eq!(lead.post(path, &fields).await.unwrap_err().0, StatusCode::BAD_REQUEST, "{path}");
    }
    for name in ["desk", "lead"] {
        lead.post("/settings/remove", &[("name", name)]).await.unwrap();
    }
    assert!(page.store.entries(EntryKind::Member, None).await.unwrap().is_empty());
    assert!(!lead.get("/settings").await.contains("as added here"));
    desk.post("/alerts/release", &[("id", "ALERT_1")]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_page_is_told_ends_with_its_session() {
    let page = team().await;
    let lead = log_in(&page, "lead", "lead-token").await.unwrap();
    let (_, shown) = lead.post("/settings/member", &[("name", "mia"), ("role", "agent")]).await.unwrap_err();
    let mia = log_in(&page, "mia", &password(&shown)).await.unwrap();
    let (mut ends, mut goes_on) = (mia.events().await.bytes_stream(), lead.events().await.bytes_stream());
    for events in [&mut ends, &mut goes_on] {
        let first = events.next().await.unwrap().unwrap();
        assert!(String::from_utf8_lossy(&first).contains("hello"));
    }
    lead.post("/settings/remove", &[("name", "mia")]).await.unwrap();
    // The store is looked at once a second: what comes after that is told.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let (user_id, text, at) = (UserId::new("91709"), "hello".to_owned(), Timestamp::now());
    let (intent, sentiment, response_ms, basis) = (None, None, None, Basis::default());
    let said = ChatMessage { user_id, role: Said::User, text, at, turn: 1, intent, sentiment, response_ms, basis };
    page.store.append_messages(&[said]).await.unwrap();
    let told = tokio::time::timeout(Duration::from_secs(5), goes_on.next()).await.unwrap().unwrap().unwrap();
    assert!(String::from_utf8_lossy(&told).contains("change"));
    let rest = tokio::time::timeout(Duration::from_secs(5), ends.collect::<Vec<_>>()).await.unwrap();
    let rest: Vec<String> = rest.iter().flatten().map(|part| String::from_utf8_lossy(part).into_owned()).collect();
    assert!(!rest.concat().contains("change"), "{rest:?}");
}
