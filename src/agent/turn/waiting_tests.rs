//! What a customer who waits for a person is answered.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::SignedDuration;

use crate::agent::{Incoming, TurnReport};
use crate::domain::conversation::Mode;
use crate::domain::ids::UserId;
use crate::domain::sentences::{Language, choices};
use crate::inbox::Worker;
use crate::nlu::{Classifier, HeadPrediction, NluError, Prediction, Scored};
use crate::testing::{Shop, WordList};
use crate::tools::Toolbox;

/// Word lists, and danger where a message speaks of smoke.
struct WithDanger;

#[async_trait]
impl Classifier for WithDanger {
    async fn classify(&self, text: &str) -> Result<Prediction, NluError> {
        let label = if text.contains("smoke") { "danger" } else { "normal" }.to_owned();
        let labels = vec![Scored { label: label.clone(), confidence: 0.9 }];
        let urgency = HeadPrediction { label, confidence: 0.9, labels };
        let heads = BTreeMap::from([("urgency".to_owned(), urgency)]);
        Ok(Prediction { heads, ..WordList.classify(text).await? })
    }
}

async fn say(shop: &Shop, worker: &Worker, text: &str, minutes: i64) -> TurnReport {
    let now = shop.now + SignedDuration::from_mins(minutes);
    worker.take_turn(&UserId::new("a"), &Incoming::typed(text), now).await.unwrap()
}

async fn waiting() -> (Shop, Worker) {
    let shop = Shop::open().await;
    let toolbox = Toolbox::new(shop.support(), Arc::new(WithDanger));
    let worker = shop.worker_over(toolbox, shop.playbook());
    let handed = say(&shop, &worker, "get me a manager please", 0).await;
    assert!(matches!(handed.conversation.mode, Mode::HandedOver { .. }), "{:?}", handed.reply);
    (shop, worker)
}

#[tokio::test]
async fn another_subject_is_answered_and_the_matter_itself_is_the_teams() {
    let (shop, worker) = waiting().await;
    let silent = say(&shop, &worker, "I said a manager, where is the manager", 1).await;
    assert_eq!(silent.reply, None);
    let answered = say(&shop, &worker, "where is my order ORD000002", 2).await;
    assert!(answered.reply.as_ref().is_some_and(|reply| reply.contains("ORD000002")), "{:?}", answered.reply);
    assert!(matches!(answered.conversation.mode, Mode::HandedOver { .. }), "a person still comes");
    assert_eq!(say(&shop, &worker, "ok thanks", 3).await.reply, None);
}

#[tokio::test]
async fn nothing_is_offered_while_a_person_is_awaited() {
    let (shop, worker) = waiting().await;
    let told = say(&shop, &worker, "I want my money back for ORD000003", 1).await;
    assert!(told.conversation.offered.is_empty(), "{:?}", told.reply);
    assert_eq!(told.calls.last().unwrap().tool, crate::tools::HUMAN);
    assert!(told.reply.is_some());
    say(&shop, &worker, "yes", 2).await;
    assert!(shop.store.refunds(9).await.unwrap().is_empty());
    assert_eq!(shop.store.alerts(9).await.unwrap().len(), 1, "it is the same matter for the team");
}

#[tokio::test]
async fn danger_is_answered_once_whoever_works_on_the_matter() {
    let (shop, worker) = waiting().await;
    let danger = choices::danger(Language::English);
    let warned = say(&shop, &worker, "smoke comes out of the heater", 1).await;
    assert!(warned.reply.as_ref().is_some_and(|reply| reply.starts_with(danger)), "{:?}", warned.reply);
    assert_eq!(warned.calls.last().unwrap().arguments["priority"], "high");
    assert_eq!(say(&shop, &worker, "still smoke", 2).await.reply, None);
}

#[tokio::test]
async fn words_tell_of_a_danger_that_the_model_misses() {
    let (shop, worker) = waiting().await;
    let warned = say(&shop, &worker, "the glass cut my son, he is bleeding", 1).await;
    assert!(warned.reply.as_ref().is_some_and(|reply| reply.starts_with(choices::danger(Language::English))));
    assert_eq!(warned.calls.last().unwrap().arguments["priority"], "high");
    assert_eq!(say(&shop, &worker, "it is bleeding a lot", 2).await.reply, None, "told once");
}

#[tokio::test]
async fn fraud_is_warned_of_also_while_a_person_is_awaited() {
    let (shop, worker) = waiting().await;
    let said = "someone from your company called and asked for my OTP";
    let warned = say(&shop, &worker, said, 1).await;
    assert!(warned.reply.as_ref().is_some_and(|reply| reply.contains("OTP")), "{:?}", warned.reply);
    assert_eq!(say(&shop, &worker, said, 2).await.reply, None);
}

#[tokio::test]
async fn whoever_works_on_the_matter_answers_it_until_nothing_is_heard_of_them() {
    let (shop, worker) = waiting().await;
    let alert = shop.store.alerts(9).await.unwrap().remove(0);
    let claimed_at = shop.now + SignedDuration::from_mins(1);
    shop.store.assign_alert(&alert.id, None, Some("asha"), claimed_at).await.unwrap();
    assert_eq!(say(&shop, &worker, "where is my order ORD000002", 2).await.reply, None, "a person is on it");
    let warned = say(&shop, &worker, "smoke comes out of the heater", 3).await;
    assert!(warned.reply.as_ref().is_some_and(|reply| reply.starts_with(choices::danger(Language::English))));
    let late = say(&shop, &worker, "hello? the manager?", 4 + 4 * 60).await;
    assert_eq!(late.reply.as_deref(), Some(choices::still_waiting(Language::English)));
    assert_eq!(say(&shop, &worker, "hello?", 5 + 4 * 60).await.reply, None, "told once in so many hours");
}

#[tokio::test]
async fn two_matters_stay_the_teams_and_a_question_about_another_order_is_answered() {
    let (shop, worker) = waiting().await;
    say(&shop, &worker, "where is my order ORD000002", 1).await;
    assert_eq!(say(&shop, &worker, "and the manager? I want a manager", 2).await.reply, None);
    let stored = shop.store.conversation(&UserId::new("a")).await.unwrap().unwrap();
    assert_eq!(stored.handed_over_for.as_deref(), Some(crate::domain::topic::intent::HUMAN));
}

#[tokio::test]
async fn out_of_hours_the_customer_hears_when_somebody_answers() {
    let shop = Shop::with(|config| config.escalation.hours = vec!["Mon-Fri 18:00-20:00".to_owned()]).await;
    let worker = shop.worker_with(shop.playbook());
    // 10:00 in UTC is 15:30 in Kolkata, on a Monday.
    let handed = say(&shop, &worker, "get me a manager please", 0).await;
    let reply = handed.reply.unwrap();
    assert!(reply.ends_with("Our team answers again on 1 June at 18:00."), "{reply}");
}
