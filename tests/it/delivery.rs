//! What leaves for customers, and what does not: errors of the set-up, failures that are reported later, other numbers of the
//! account, and customers who want no messages.

use std::sync::atomic::AtomicU32;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, ResponseTemplate};

use crate::cli::{ecomres, run};
use crate::mcp::client::shop;
use crate::whatsapp::{Bot, Taken, holds, said};

const CUSTOMERS: [&str; 3] = ["919811000001", "919811000002", "919811000003"];

/// Waits until the bot is ready, or not.
async fn readiness(bot: &Bot, wanted: u16) -> String {
    let begun = Instant::now();
    loop {
        let (code, text) = bot.get("/readyz").await;
        if code == wanted {
            return text;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{code}: {text}");
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
}

async fn refuse_everything(bot: &Bot, status: u16, error: Value) {
    bot.graph.reset().await;
    let refused = ResponseTemplate::new(status).set_body_json(json!({"error": error}));
    Mock::given(method("POST")).and(path("/v25.0/42/messages")).respond_with(refused).mount(&bot.graph).await;
    let alerts = Mock::given(method("POST")).and(path("/alerts"));
    alerts.respond_with(ResponseTemplate::new(200)).mount(&bot.graph).await;
}

async fn accept_everything(bot: &Bot) {
    bot.graph.reset().await;
    Mock::given(method("POST")).respond_with(Taken(AtomicU32::new(500))).mount(&bot.graph).await;
}

/// What `ecomres inbox list` tells.
fn inbox(bot: &Bot) -> Value {
    let (code, out, err) = run(ecomres(bot.folder.path()).args(["inbox", "list", "--json", "--store", "shop.db"]));
    assert_eq!(code, 0, "{err}");
    serde_json::from_str(&out).unwrap()
}

/// Waits until something of what `ecomres inbox list` tells is so.
async fn until(bot: &Bot, what: impl Fn(&Value) -> bool) -> Value {
    let begun = Instant::now();
    loop {
        let found = inbox(bot);
        if what(&found) {
            return found;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "{found:#}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_of_the_set_up_pause_sending_raise_one_alert_and_lose_nothing() {
    let mut bot = Bot::start(&["bot"], &[]).await;
    refuse_everything(&bot, 400, json!({"code": 133_010, "message": "Account not registered"})).await;
    for customer in CUSTOMERS {
        bot.write(customer, "where is my order ORD000001").await;
    }
    let why = readiness(&bot, 503).await;
    holds(&why, &["whatsapp: ", "Account not registered", "133010"]);
    let found = until(&bot, |found| found["backlog"]["unsent"] == 3).await;
    assert_eq!(found["backlog"]["unsent_parked"], 0);
    let alerts = bot.alerts();
    assert_eq!(alerts.len(), 1, "{alerts:#?}");
    holds(alerts[0]["reason"].as_str().unwrap(), &["Nothing can be sent", "Account not registered"]);
    assert_eq!(alerts[0]["priority"], "high");
    accept_everything(&bot).await;
    for customer in CUSTOMERS {
        holds(&said(&bot.reply(customer, 1).await), &["ORD000001"]);
    }
    readiness(&bot, 200).await;
    until(&bot, |found| found["backlog"]["unsent"] == 0 && found["backlog"]["unsent_parked"] == 0).await;
    assert!(bot.alerts().is_empty(), "it is resolved: {:#?}", bot.alerts());
    assert_eq!(bot.end(), Some(0));
}

/// A status of the message to a customer.
fn status(request: &Value, word: &str, code: i64) -> Value {
    let errors = if code == 0 { json!([]) } else { json!([{"code": code, "title": "it failed"}]) };
    json!({"metadata": {"phone_number_id": "42"}, "statuses": [{
        "id": "wamid.x", "status": word, "timestamp": Timestamp::now().as_second().to_string(),
        "biz_opaque_callback_data": request["biz_opaque_callback_data"], "errors": errors,
    }]})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_reported_failure_alerts_and_marks_the_message() {
    let mut bot = Bot::start(&["bot"], &[]).await;
    let codes = [131_026, 131_049, 130_472, 999_999];
    let mut to = Vec::new();
    for (number, _) in codes.iter().enumerate() {
        let customer = format!("91981200000{number}");
        bot.write(&customer, "where is my order ORD000001").await;
        to.push((bot.reply(&customer, 1).await, customer));
    }
    until(&bot, |found| found["backlog"]["unsent"] == 0).await;
    for ((request, customer), code) in to.iter().zip(codes) {
        // The identifier is the one that the channel gave it.
        let mut failed = status(request, "failed", code);
        let number = CUSTOMERS.len() + to.iter().position(|(_, one)| one == customer).unwrap() - CUSTOMERS.len();
        failed["statuses"][0]["id"] = format!("wamid.out.{number}").into();
        bot.deliver(&failed).await;
        bot.deliver(&failed).await;
    }
    let alerts = bot.alerts();
    assert_eq!(alerts.len(), codes.len(), "{alerts:#?}");
    for ((_, customer), code) in to.iter().zip(codes) {
        let of = alerts.iter().find(|alert| alert["user_id"] == *customer).unwrap();
        holds(of["reason"].as_str().unwrap(), &["could not be delivered", &code.to_string()]);
    }
    assert_eq!(inbox(&bot)["backlog"]["unsent_parked"], codes.len());
    assert_eq!(bot.get("/readyz").await.0, 200, "these are no errors of the set-up");
    assert_eq!(bot.end(), Some(0));
    let (code, out, err) =
        run(ecomres(bot.folder.path()).args(["report", "overview", "--json", "--range", "all", "--store", "shop.db"]));
    assert_eq!(code, 0, "{err}");
    holds(&out, &["undelivered"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reported_failure_of_the_set_up_is_sent_again() {
    let mut bot = Bot::start(&["bot"], &[]).await;
    bot.write(CUSTOMERS[0], "where is my order ORD000001").await;
    let request = bot.reply(CUSTOMERS[0], 1).await;
    until(&bot, |found| found["backlog"]["unsent"] == 0).await;
    let mut failed = status(&request, "failed", 131_042);
    failed["statuses"][0]["id"] = "wamid.out.0".into();
    bot.deliver(&failed).await;
    bot.deliver(&failed).await;
    holds(&readiness(&bot, 503).await, &["131042"]);
    let alerts = bot.alerts();
    assert!(alerts.len() == 1 && alerts[0]["user_id"] != CUSTOMERS[0], "no customer's: {alerts:#?}");
    let again = bot.reply(CUSTOMERS[0], 2).await;
    assert_eq!(said(&again), said(&request));
    until(&bot, |found| found["backlog"]["unsent"] == 0).await;
    let mut sent = status(&again, "sent", 0);
    sent["statuses"][0]["id"] = "wamid.out.1".into();
    bot.deliver(&sent).await;
    readiness(&bot, 200).await;
    assert!(bot.alerts().is_empty());
    assert_eq!(bot.end(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reply_that_is_too_late_is_given_to_the_team_where_no_template_is_set() {
    let mut bot = Bot::start(&["bot"], &[]).await;
    let mut value = bot.message(CUSTOMERS[0], "text", &json!({"body": "where is my order ORD000001"}));
    value["messages"][0]["timestamp"] = (Timestamp::now().as_second() - 25 * 3_600).to_string().into();
    bot.deliver(&value).await;
    until(&bot, |found| found["backlog"]["unsent_parked"] == 1).await;
    bot.silence(CUSTOMERS[0], 0).await;
    let alerts = bot.alerts();
    assert_eq!(alerts.len(), 1, "{alerts:#?}");
    holds(alerts[0]["reason"].as_str().unwrap(), &["could not be delivered", "no template is set"]);
    assert_eq!(bot.end(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_number_of_the_account_is_counted_and_not_answered() {
    let mut bot = Bot::start(&["bot"], &[("PHONE_ID", "42, 43")]).await;
    let posts = Mock::given(method("POST")).and(path("/v25.0/43/messages"));
    posts.respond_with(Taken(AtomicU32::new(900))).mount(&bot.graph).await;
    let to = |customer: &str, number: &str, text: &str| {
        let mut value = bot.message(customer, "text", &json!({"body": text}));
        value["metadata"] = json!({"display_phone_number": "1555", "phone_number_id": number});
        value
    };
    bot.deliver(&to(CUSTOMERS[0], "4711", "I want a refund for ORD000003")).await;
    bot.deliver(&to(CUSTOMERS[0], "4711", "I want to talk to a human agent")).await;
    // What the button “Test” of Meta's pages sends.
    let sample = json!({
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "16505551111", "phone_number_id": "123456123"},
        "contacts": [{"profile": {"name": "test user name"}, "wa_id": "16315551181"}],
        "messages": [{"from": "16315551181", "id": "ABGGFlA5Fpa", "timestamp": "1504902988", "type": "text", "text": {"body": "this is a text message"}}],
    });
    bot.deliver(&sample).await;
    bot.deliver(&to(CUSTOMERS[1], "43", "where is my order ORD000001")).await;
    holds(&said(&bot.reply(CUSTOMERS[1], 1).await), &["ORD000001"]);
    bot.silence(CUSTOMERS[0], 0).await;
    bot.silence("16315551181", 0).await;
    let requests = bot.graph.received_requests().await.unwrap();
    let to_second = requests.iter().filter(|request| request.url.path() == "/v25.0/43/messages").count();
    assert!(to_second >= 1, "the reply leaves from the number that was written to");
    assert!(!requests.iter().any(|request| request.url.path() == "/v25.0/42/messages"));
    assert!(bot.alerts().is_empty());
    holds(&bot.get("/metrics").await.1, &["ecomres_webhook_parts_of_other_numbers_total 3"]);
    assert_eq!(inbox(&bot)["of_other_numbers"], 3);
    assert_eq!(bot.end(), Some(0));
    let (_, out, _) = run(ecomres(bot.folder.path()).args(["doctor", "--store", "shop.db"]));
    holds(&out, &["numbers", "3 parts"]);
}

#[test]
fn four_variables_are_enough() {
    let folder = shop();
    let mut command = ecomres(folder.path());
    for name in ["VERIFY_TOKEN", "APP_SECRET", "ACCESS_TOKEN", "PHONE_ID"] {
        command.env(name, "42");
    }
    let (_, out, _) = run(command.args(["doctor", "--store", "shop.db"]));
    holds(&out, &["✅ whatsapp   all four variables are set"]);
    let mut command = ecomres(folder.path());
    let (_, out, _) = run(command.env("PHONE_ID", "42").args(["doctor", "--store", "shop.db"]));
    holds(&out, &["❌ whatsapp", "VERIFY_TOKEN, APP_SECRET, ACCESS_TOKEN are missing"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_opt_out_is_confirmed_once_and_start_undoes_it() {
    let mut bot = Bot::start(&["bot"], &[]).await;
    let customer = CUSTOMERS[0];
    bot.write(customer, "stop my order ORD000001 please").await;
    assert!(!said(&bot.reply(customer, 1).await).contains("START"), "that is about the order");
    bot.write(customer, "Stop messaging me!").await;
    holds(&said(&bot.reply(customer, 2).await), &["won't get any more messages", "START"]);
    bot.write(customer, "unsubscribe").await;
    bot.silence(customer, 2).await;
    bot.write(customer, "where is my order ORD000001").await;
    holds(&said(&bot.reply(customer, 3).await), &["ORD000001"]);
    bot.write(customer, "start").await;
    holds(&said(&bot.reply(customer, 4).await), &["hear from us again", "STOP"]);
    // In the settings of WhatsApp: recorded, and WhatsApp itself confirms it.
    let stated = json!({"metadata": {"phone_number_id": "42"}, "contacts": [{"wa_id": customer}], "user_preferences": [{
        "wa_id": customer, "detail": "User requested to stop marketing messages", "category": "marketing_messages",
        "value": "stop", "timestamp": Timestamp::now().as_second() + 5,
    }]});
    bot.deliver(&stated).await;
    bot.deliver(&stated).await;
    bot.silence(customer, 4).await;
    holds(&bot.get("/metrics").await.1, &[r#"ecomres_opt_out_wishes_total{wish="stop"} 2"#]);
    bot.write(CUSTOMERS[1], "I need a person").await;
    bot.reply(CUSTOMERS[1], 1).await;
    bot.write(CUSTOMERS[1], "إيقاف").await;
    holds(&said(&bot.reply(CUSTOMERS[1], 2).await), &["START"]);
    assert_eq!(bot.end(), Some(0));
    let (code, out, err) = run(ecomres(bot.folder.path()).args(["report", "audit", "--verify", "--store", "shop.db"]));
    assert_eq!(code, 0, "{out}{err}");
    let database = rusqlite::Connection::open(bot.folder.path().join("shop.db")).unwrap();
    let wishes: i64 = database
        .query_row("SELECT count(*) FROM audit WHERE content LIKE '%messages_preference%'", [], |row| row.get(0))
        .unwrap();
    assert_eq!(wishes, 4);
}
