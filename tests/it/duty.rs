//! Who is on, what customers were promised, and what they say of it: deadlines in the list, the rota, and the question after an alert
//! is resolved.

use ecomres::domain::alert::{Alert, Priority, Quoted};
use ecomres::domain::ids::{AlertId, UserId};
use ecomres::domain::message::{Basis, ChatMessage, Role as Said};
use ecomres::domain::opt_out::{Preference, Source};
use ecomres::domain::outgoing::Body;
use ecomres::domain::rating::{Score, read_press};
use ecomres::domain::target::Targets;
use ecomres::store::Store;
use ecomres::support::duty;
use ecomres::web::Settings;
use jiff::{SignedDuration, Timestamp};
use reqwest::StatusCode;

use crate::dashboard::CUSTOMER;
use crate::team::{log_in, team, team_with};

async fn said(store: &dyn Store, user: &str, role: Said, minutes: i64) {
    let message = ChatMessage {
        user_id: UserId::new(user),
        role,
        text: "hello".to_owned(),
        at: Timestamp::now() - SignedDuration::from_mins(minutes),
        turn: 1,
        intent: None,
        sentiment: None,
        response_ms: None,
        basis: Basis::default(),
    };
    store.append_messages(&[message]).await.unwrap();
}

async fn raise(store: &dyn Store, user: &str, minutes: i64) {
    let at = Timestamp::now() - SignedDuration::from_mins(minutes);
    let (id, message) = (AlertId::new(format!("ALERT_{user}")), Quoted::FromCustomer("hello"));
    let alert = Alert::raise(id, UserId::new(user), "why", message, Priority::Low, at);
    store.open_alert(&alert).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_promised_shows_and_what_is_late_comes_first_and_is_urgent() {
    let first_reply = Some(SignedDuration::from_mins(30));
    let resolution = Some(SignedDuration::from_hours(8));
    let targets = Targets { first_reply, resolution, ..Targets::default() };
    let page = team_with(|settings| Settings { targets: targets.clone(), ..settings }).await;
    let desk = log_in(&page, "desk", "desk-token").await.unwrap();
    let store = page.store.as_ref();
    for (user, minutes) in [("91701", 200), ("91702", 40), ("91703", 10)] {
        said(store, user, Said::User, minutes).await;
        raise(store, user, minutes).await;
    }
    // The one that waits longest was answered, so that a resolution is due.
    said(store, "91701", Said::Agent, 190).await;
    said(store, "91701", Said::User, 180).await;
    let list = desk.get("/conversations?queue=unassigned").await;
    let links = list.split("<a class=\"talk line\" href=\"/conversation?user=").skip(1);
    let users: Vec<_> = links.map(|rest| rest.split(['"', '&']).next().unwrap().to_owned()).collect();
    assert_eq!(users[..3], ["91702", "91701", "91703"], "the late one, then by their wait");
    assert!(
        list.contains("first reply overdue<span") && list.contains("resolution due") && list.contains("data-again=")
    );
    assert!(desk.get("/conversation?user=91702").await.contains("first reply overdue<span"));
    assert!(desk.get("/conversation?user=91701").await.contains("resolution due"));
    let text = desk.get("/team").await;
    assert!(text.contains("Promised: a first reply within 30 min, a resolution within 8 h 0 min."), "{text}");
    // Without the job of the server, which works by itself.
    let raised = duty::raise_overdue(store, &targets, Timestamp::now()).await.unwrap();
    let alert = store.alert(&AlertId::new("ALERT_91702")).await.unwrap().unwrap();
    assert!(raised <= 1 && alert.priority == Priority::High && alert.reason.contains("no first reply within 30 min"));
    assert_eq!(store.alert(&AlertId::new("ALERT_91703")).await.unwrap().unwrap().priority, Priority::Low);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_away_gets_no_alerts() {
    let page = team().await;
    let (desk, lead) = (log_in(&page, "desk", "desk-token").await, log_in(&page, "lead", "lead-token").await);
    let (desk, lead) = (desk.unwrap(), lead.unwrap());
    assert_eq!(desk.post("/team/away", &[("state", "away")]).await.unwrap(), "/team?told=away");
    let text = lead.get("/team").await;
    assert!(text.contains("desk <span class=\"chip\">away</span>"), "{text}");
    assert_eq!(desk.post("/team/away", &[("state", "gone")]).await.unwrap_err().0, StatusCode::BAD_REQUEST);
    let members = ["desk", "lead"];
    duty::assign_new(page.store.as_ref(), &members, Timestamp::now()).await.unwrap();
    let assignee = async || page.store.alert(&AlertId::new("ALERT_1")).await.unwrap().unwrap().handling.assignee;
    assert_eq!(assignee().await.as_deref(), Some("lead"));
    lead.post("/alerts/release", &[("id", "ALERT_1")]).await.unwrap();
    desk.post("/team/away", &[("state", "on")]).await.unwrap();
    duty::assign_new(page.store.as_ref(), &members, Timestamp::now()).await.unwrap();
    assert_eq!(assignee().await, None, "what somebody released is left to the team");
    raise(page.store.as_ref(), "91701", 1).await;
    duty::assign_new(page.store.as_ref(), &members, Timestamp::now()).await.unwrap();
    let other = page.store.alert(&AlertId::new("ALERT_91701")).await.unwrap().unwrap();
    assert_eq!(other.handling.assignee.as_deref(), Some("desk"), "both have none: by their names");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customer_is_asked_once_how_the_team_did() {
    let page = team().await;
    let desk = log_in(&page, "desk", "desk-token").await.unwrap();
    let store = page.store.as_ref();
    let asked = async |user: &str| {
        let sent = store.outgoing_of(&UserId::new(user), 99).await.unwrap();
        let questions = sent.into_iter().filter_map(|sent| match sent.body {
            Body::Buttons { buttons, .. } => Some(buttons),
            _ => None,
        });
        questions.collect::<Vec<_>>()
    };
    let settle = async |user: &str, minutes: i64, answers: bool| {
        said(store, user, Said::User, minutes).await;
        desk.post("/conversation/take-over", &[("user", user)]).await.unwrap();
        if answers {
            said(store, user, Said::Agent, 0).await;
        }
        desk.post("/conversation/return", &[("user", user), ("note", "done")]).await.unwrap();
    };
    settle("91701", 5, true).await;
    let buttons = asked("91701").await;
    assert_eq!(buttons.len(), 1);
    let scores: Vec<Score> = buttons[0].iter().map(|button| read_press(&button.id).unwrap().1).collect();
    assert_eq!(scores, [Score::Good, Score::Fair, Score::Bad]);
    settle("91702", 5, false).await;
    assert!(asked("91702").await.is_empty(), "nobody of the team wrote");
    settle("91703", 25 * 60, true).await;
    assert!(asked("91703").await.is_empty(), "outside the window");
    let stop = Preference { stopped: true, at: Timestamp::now(), source: Source::Channel, message: None };
    store.record_preference(&UserId::new("91704"), &stop).await.unwrap();
    settle("91704", 5, true).await;
    assert!(asked("91704").await.is_empty(), "they want no messages");
    let stop = Preference { at: Timestamp::now() - SignedDuration::from_mins(9), ..stop };
    store.record_preference(&UserId::new("91705"), &stop).await.unwrap();
    settle("91705", 5, true).await;
    assert!(asked("91705").await.is_empty(), "they have written since, which asks for an answer and for no question");
    // Once for each alert, also where it is reopened and resolved again.
    let (alert, _) = read_press(&buttons[0][0].id).unwrap();
    let lead = log_in(&page, "lead", "lead-token").await.unwrap();
    lead.post("/alerts/reopen", &[("id", alert.as_str())]).await.unwrap();
    desk.post("/alerts/resolve", &[("id", alert.as_str())]).await.unwrap();
    assert_eq!(asked("91701").await.len(), 1);
    // What they say shows by who resolved it.
    assert!(store.rate(&alert, &UserId::new("91701"), Score::Good, Timestamp::now()).await.unwrap());
    let text = desk.get("/team").await;
    let row = text.split("data-key=\"desk\"").nth(1).unwrap().split("</tr>").next().unwrap();
    assert!(row.contains("1 / 0 / 0") && row.contains("100 % of 1"), "{row}");
    assert!(text.contains("1 customers were asked") && !text.contains(CUSTOMER));
}
