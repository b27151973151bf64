//! A yes is bound to what the customer saw: the real program, signed webhooks, a stand-in for the Graph API.

use std::sync::atomic::{AtomicU32, Ordering};

use jiff::Timestamp;
use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, ResponseTemplate};

use crate::cli::{ecomres, run};
use crate::whatsapp::{Bot, holds, said};

/// Seconds by the clock of this machine.
fn now() -> i64 {
    Timestamp::now().as_second()
}

/// A message of a customer at a second of the channel's clock.
struct Message(Value);

impl Message {
    fn new(from: &str, second: i64, kind: &str, inside: &Value) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let id = format!("wamid.in.{from}.{}", NUMBER.fetch_add(1, Ordering::SeqCst));
        Self(json!({"from": from, "id": id, "timestamp": second.to_string(), "type": kind, kind: inside}))
    }

    fn text(from: &str, second: i64, text: &str) -> Self {
        Self::new(from, second, "text", &json!({"body": text}))
    }

    /// A pressed button, or a chosen row of a list.
    fn pressed(from: &str, kind: &str, id: &str, title: &str) -> Self {
        Self::new(from, now(), "interactive", &json!({"type": kind, kind: {"id": id, "title": title}}))
    }

    fn context(mut self, context: Value) -> Self {
        self.0["context"] = context;
        self
    }

    fn id(&self) -> &str {
        self.0["id"].as_str().unwrap()
    }

    async fn deliver(&self, bot: &Bot) {
        let from = self.0["from"].clone();
        bot.deliver(&json!({"messaging_product": "whatsapp", "contacts": [{"wa_id": from}], "messages": [self.0]}))
            .await;
    }
}

async fn status(bot: &Bot, id: &str, status: &str, second: i64, code: Option<u32>) {
    let errors: Vec<Value> = code.iter().map(|code| json!({"code": code, "title": "Message undeliverable"})).collect();
    bot.deliver(&json!({"statuses": [
        {"id": id, "status": status, "timestamp": second.to_string(), "recipient_id": "9", "errors": errors},
    ]}))
    .await;
}

/// Asks for a refund and waits for the offer, the customer's message with this number; returns the offer and its
/// identifier.
async fn offered(bot: &Bot, from: &str, number: usize, text: &str) -> (Value, String) {
    Message::text(from, now(), text).deliver(bot).await;
    let offer = bot.reply(from, number).await;
    holds(&said(&offer), &["I can refund", "Shall I go ahead?"]);
    (offer, bot.last_id().await)
}

fn no_refund(reply: &Value) {
    assert!(!said(reply).contains("RFND_"), "{reply:#}");
}

fn refunds(bot: &Bot) -> u32 {
    let store = rusqlite::Connection::open(bot.folder.path().join("shop.db")).unwrap();
    store.query_row("SELECT count(*) FROM refunds", [], |row| row.get(0)).unwrap()
}

/// What is tested here is not when a person is asked in.
const PATIENT: [(&str, &str); 2] =
    [("ECOMRES_ESCALATION__FAILURES", "1000"), ("ECOMRES_ESCALATION__VERY_NEGATIVE", "1")];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_button_that_this_program_did_not_make_agrees_to_nothing() {
    let mut bot = Bot::start(&["bot"], &PATIENT).await;
    let (asha, binu) = ("919876510001", "919876510002");
    offered(&bot, asha, 1, "I want a refund for ORD000001").await;
    let template = json!({"text": "Yes", "payload": "CONFIRM_SLOT"});
    Message::new(asha, now(), "button", &template).context(json!({"id": "wamid.campaign"})).deliver(&bot).await;
    let again = bot.reply(asha, 2).await;
    no_refund(&again);
    holds(&said(&again), &["ORD000001", "Shall I go ahead?"]);
    // Not even where its payload looks like one of ours.
    let id = again["interactive"]["action"]["buttons"][0]["reply"]["id"].as_str().unwrap().to_owned();
    Message::new(asha, now(), "button", &json!({"text": "Yes", "payload": id})).deliver(&bot).await;
    no_refund(&bot.reply(asha, 3).await);

    offered(&bot, binu, 1, "I want a refund for ORD000002").await;
    Message::pressed(binu, "list_reply", "slot_1", "Yes").deliver(&bot).await;
    let again = bot.reply(binu, 2).await;
    no_refund(&again);
    // And the button below the question that was asked once more pays.
    let id = again["interactive"]["action"]["buttons"][0]["reply"]["id"].as_str().unwrap();
    Message::pressed(binu, "button_reply", id, "Yes, refund")
        .context(json!({"id": bot.last_id().await}))
        .deliver(&bot)
        .await;
    holds(&said(&bot.reply(binu, 3).await), &["RFND_", "ORD000002"]);
    assert_eq!(refunds(&bot), 1);
    assert_eq!(bot.end(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_offer_that_was_not_delivered_cannot_be_agreed_to() {
    let mut bot = Bot::start(&["bot"], &PATIENT).await;
    let asha = "919876520001";
    let (_, id) = offered(&bot, asha, 1, "I want a refund for ORD000001").await;
    status(&bot, &id, "failed", now(), Some(131_026)).await;
    Message::text(asha, now(), "yes").deliver(&bot).await;
    let again = bot.reply(asha, 2).await;
    no_refund(&again);
    holds(&said(&again), &["ORD000001", "Shall I go ahead?"]);
    let id = bot.last_id().await;
    status(&bot, &id, "sent", now(), None).await;
    status(&bot, &id, "delivered", now(), None).await;
    Message::text(asha, now(), "yes").deliver(&bot).await;
    holds(&said(&bot.reply(asha, 3).await), &["RFND_", "ORD000001"]);
    assert_eq!(bot.end(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_yes_from_before_the_offer_does_not_pay_however_late_it_comes() {
    let mut bot = Bot::start(&["bot"], &PATIENT).await;
    // Before the channel told when it took the offer.
    let asha = "919876530001";
    offered(&bot, asha, 1, "I want a refund for ORD000001").await;
    Message::text(asha, now() - 40, "yes").deliver(&bot).await;
    no_refund(&bot.reply(asha, 2).await);
    // And after it did.
    let id = bot.last_id().await;
    status(&bot, &id, "sent", now(), None).await;
    Message::text(asha, now() - 4, "yes").deliver(&bot).await;
    no_refund(&bot.reply(asha, 3).await);
    let id = bot.last_id().await;
    status(&bot, &id, "sent", now(), None).await;
    Message::text(asha, now(), "yes").deliver(&bot).await;
    holds(&said(&bot.reply(asha, 4).await), &["RFND_"]);

    // Our clock may be wrong by any time: an hour ahead, and as much behind, with and without the channel's word.
    for (number, (shift, told)) in
        [(-3_600, true), (-3_600, false), (3_600, true), (3_600, false)].into_iter().enumerate()
    {
        let customer = format!("91987654000{number}");
        Message::text(&customer, now() + shift, &format!("refund for ORD00000{}", [2, 3, 4, 6][number]))
            .deliver(&bot)
            .await;
        holds(&said(&bot.reply(&customer, 1).await), &["Shall I go ahead?"]);
        if told {
            status(&bot, &bot.last_id().await, "sent", now() + shift, None).await;
        }
        // As the customer reads it.
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        Message::text(&customer, now() + shift, "yes").deliver(&bot).await;
        let paid = bot.reply(&customer, 2).await;
        holds(&said(&paid), &["RFND_"]);
    }
    assert_eq!(bot.end(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_an_answer_to_the_offer_itself_agrees_to_it() {
    let mut bot = Bot::start(&["bot"], &PATIENT).await;
    let asha = "919876550001";
    let hello = Message::text(asha, now(), "hello");
    hello.deliver(&bot).await;
    bot.reply(asha, 1).await;
    let greeting = bot.last_id().await;
    let (_, _) = offered(&bot, asha, 2, "I want a refund for ORD000001").await;
    let yes = |context: Value| Message::text(asha, now(), "yes").context(context);
    let mut number = 2;
    for other in [
        json!({"from": "15550001111", "id": greeting}),
        json!({"id": hello.id()}),
        json!({"id": "wamid.nobody-knows"}),
        json!({"forwarded": true}),
        json!({"frequently_forwarded": true}),
    ] {
        yes(other).deliver(&bot).await;
        number += 1;
        let again = bot.reply(asha, number).await;
        no_refund(&again);
        holds(&said(&again), &["ORD000001", "Shall I go ahead?"]);
    }
    // An earlier message that is edited into a yes.
    let edit = json!({"original_message_id": hello.id(), "message": {"type": "text", "text": {"body": "yes"}}});
    Message::new(asha, now(), "edit", &edit).deliver(&bot).await;
    no_refund(&bot.reply(asha, number + 1).await);
    // A mail that quotes one.
    Message::text(asha, now(), "> yes, refund ORD000001\nwhen would it come?").deliver(&bot).await;
    let again = bot.reply(asha, number + 2).await;
    no_refund(&again);
    let (_, id) = offered(&bot, asha, number + 3, "I want a refund for ORD000001").await;
    yes(json!({"from": "15550001111", "id": id})).deliver(&bot).await;
    holds(&said(&bot.reply(asha, number + 4).await), &["RFND_", "ORD000001"]);
    assert_eq!(bot.end(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_team_says_in_between_ends_an_offer() {
    let mut bot = Bot::start(&["bot"], &PATIENT).await;
    let asha = "919876560001";
    offered(&bot, asha, 1, "I want a refund for ORD000001").await;
    bot.deliver(&json!({"message_echoes": [
        {"from": "1555", "to": asha, "id": "wamid.echo", "timestamp": now().to_string(), "type": "text",
         "text": {"body": "Shall I send you a voucher instead?"}},
    ]}))
    .await;
    let alerts = bot.alerts();
    let id = alerts[0]["id"].as_str().unwrap();
    bot.silence(asha, 1).await;
    assert_eq!(run(ecomres(bot.folder.path()).args(["alerts", "resolve", id, "--store", "shop.db"])).0, 0);
    Message::text(asha, now(), "yes").deliver(&bot).await;
    no_refund(&bot.reply(asha, 2).await);
    assert_eq!(refunds(&bot), 0);
    assert_eq!(bot.end(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn yes_to_all_of_an_older_list_agrees_to_nothing_of_a_newer_one() {
    let mut bot = Bot::start(&["bot"], &PATIENT).await;
    let asha = "919876570001";
    let rows = |offer: &Value| offer["interactive"]["action"]["sections"][0]["rows"].as_array().unwrap().clone();
    let (older, _) = offered(&bot, asha, 1, "I want a refund for ORD000001 and ORD000002").await;
    let (newer, _) = offered(&bot, asha, 2, "I want a refund for ORD000001 and ORD000002 please").await;
    let all =
        |rows: &[Value]| (rows[2]["id"].as_str().unwrap().to_owned(), rows[2]["title"].as_str().unwrap().to_owned());
    let (older, newer) = (all(&rows(&older)), all(&rows(&newer)));
    assert!(older.0 != newer.0 && older.1 == "Yes, both" && older.0.matches("QUOTE_").count() == 2, "{older:?}");
    Message::pressed(asha, "list_reply", &older.0, &older.1).deliver(&bot).await;
    let again = bot.reply(asha, 3).await;
    no_refund(&again);
    let (id, title) = all(&rows(&again));
    // The newer one is an older one by now, too.
    Message::pressed(asha, "list_reply", &newer.0, &newer.1).deliver(&bot).await;
    let latest = bot.reply(asha, 4).await;
    no_refund(&latest);
    assert_ne!(all(&rows(&latest)).0, id);
    let (id, _) = all(&rows(&latest));
    Message::pressed(asha, "list_reply", &id, &title).deliver(&bot).await;
    let paid = said(&bot.reply(asha, 5).await);
    assert_eq!(paid.matches("RFND_").count(), 2, "{paid}");
    assert_eq!(bot.end(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reply_to_a_message_is_about_its_orders() {
    let mut bot = Bot::start(&["bot"], &PATIENT).await;
    let asha = "919876580001";
    let first = Message::text(asha, now(), "Where is my order ORD000001?");
    first.deliver(&bot).await;
    bot.reply(asha, 1).await;
    let about_first = bot.last_id().await;
    Message::text(asha, now(), "and where is ORD000002?").deliver(&bot).await;
    bot.reply(asha, 2).await;
    let wish = Message::text(asha, now(), "I want a refund for this one");
    wish.context(json!({"from": "15550001111", "id": about_first})).deliver(&bot).await;
    let offer = said(&bot.reply(asha, 3).await);
    assert!(offer.contains("ORD000001") && !offer.contains("ORD000002"), "{offer}");
    Message::text(asha, now(), "and where is ORD000002?").deliver(&bot).await;
    bot.reply(asha, 4).await;
    // The customer's own message says as well which one is meant.
    let wish = Message::text(asha, now(), "please give me my money back for this");
    wish.context(json!({"id": first.id()})).deliver(&bot).await;
    let offer = said(&bot.reply(asha, 5).await);
    assert!(offer.contains("ORD000001") && !offer.contains("ORD000002"), "{offer}");
    // What the text itself names is meant all the same.
    let wish = Message::text(asha, now(), "I want a refund for ORD000002 instead");
    wish.context(json!({"id": first.id()})).deliver(&bot).await;
    let offer = said(&bot.reply(asha, 6).await);
    assert!(offer.contains("ORD000002") && !offer.contains("ORD000001"), "{offer}");
    assert_eq!(bot.end(), Some(0));
}

/// Sends several messages at once: they are one turn.
async fn burst(bot: &Bot, messages: &[&Message]) {
    let from = messages[0].0["from"].clone();
    let messages: Vec<&Value> = messages.iter().map(|message| &message.0).collect();
    bot.deliver(&json!({"messaging_product": "whatsapp", "contacts": [{"wa_id": from}], "messages": messages})).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_yes_with_something_beside_it_is_asked_about_once_more() {
    let mut bot = Bot::start(&["bot"], &PATIENT).await;
    let (asha, binu) = ("919876590001", "919876590002");
    let yes = || Message::text(asha, now(), "yes");
    let mut clicked = yes();
    clicked.0["referral"] = json!({"source_url": "https://ad.example", "source_type": "ad"});
    let alone = [
        Message::new(asha, now(), "image", &json!({"id": "1", "caption": "yes"})),
        Message::text(asha, now(), "yes\n> but not to my card"),
        Message::text(asha, now(), "yes\n\nOn Mon, 3 May, Shop <help@shop.example> wrote:\n> Shall I go ahead?"),
        yes().context(json!({"referred_product": {"catalog_id": "1", "product_retailer_id": "2"}})),
        clicked,
    ];
    let beside = [
        Message::new(asha, now(), "audio", &json!({"id": "1", "voice": true})),
        Message::new(asha, now(), "image", &json!({"id": "1"})),
        Message::new(asha, now(), "document", &json!({"id": "1", "filename": "a.pdf"})),
        Message::new(asha, now(), "location", &json!({"latitude": 1, "longitude": 2})),
        Message::new(asha, now(), "order", &json!({"text": "", "product_items": [{}]})),
        Message::new(asha, now(), "unsupported", &json!({})),
    ];
    offered(&bot, asha, 1, "I want a refund for ORD000001").await;
    let mut number = 1;
    for message in &alone {
        message.deliver(&bot).await;
        number += 1;
        let again = bot.reply(asha, number).await;
        no_refund(&again);
        holds(&said(&again), &["ORD000001", "Shall I go ahead?"]);
    }
    for message in &beside {
        burst(&bot, &[&yes(), message]).await;
        number += 1;
        let again = bot.reply(asha, number).await;
        no_refund(&again);
        holds(&said(&again), &["ORD000001", "Shall I go ahead?"]);
    }
    yes().deliver(&bot).await;
    holds(&said(&bot.reply(asha, number + 1).await), &["RFND_", "ORD000001"]);
    // And a wish about messages.
    for (place, wish) in ["STOP MESSAGES", "unsubscribe", "STOP"].into_iter().enumerate() {
        offered(&bot, binu, 2 * place + 1, "I want a refund for ORD000002").await;
        burst(&bot, &[&Message::text(binu, now(), "yes"), &Message::text(binu, now(), wish)]).await;
        no_refund(&bot.reply(binu, 2 * place + 2).await);
    }
    assert_eq!(refunds(&bot), 1);
    assert_eq!(bot.end(), Some(0));
}

/// Waits until the program has noted under which identifier the channel took a message.
async fn noted(bot: &Bot, id: &str) {
    let store = rusqlite::Connection::open(bot.folder.path().join("shop.db")).unwrap();
    for _ in 0..500 {
        let count =
            store.query_row("SELECT count(*) FROM outbox WHERE provider_id = ?1", [id], |row| row.get::<_, u32>(0));
        if count.unwrap() > 0 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("{id} is not noted");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_happens_to_the_offer_afterwards_ends_it() {
    let mut bot = Bot::start(&["bot"], &PATIENT).await;
    let asha = "919876600001";
    let (_, mut id) = offered(&bot, asha, 1, "I want a refund for ORD000001").await;
    let mut number = 1;
    let echo = |kind: &str, inside: Value| {
        json!({"message_echoes": [{"from": "1555", "to": asha, "id": format!("wamid.echo.{kind}"), "timestamp": now().to_string(),
            "type": kind, kind: inside}]})
    };
    for step in ["edit", "revoke", "failed"] {
        noted(&bot, &id).await;
        match step {
            "edit" => {
                let new = json!({"type": "text", "text": {"body": "Please wait"}});
                bot.deliver(&echo(step, json!({"original_message_id": id, "message": new}))).await;
            }
            "revoke" => bot.deliver(&echo(step, json!({"original_message_id": id}))).await,
            _ => {
                assert!(bot.alerts().is_empty());
                for news in ["sent", "delivered", "read"] {
                    status(&bot, &id, news, now(), None).await;
                }
                status(&bot, &id, "failed", now(), Some(131_026)).await;
                status(&bot, &id, "read", now(), None).await;
                let alerts = bot.alerts();
                assert_eq!(alerts.len(), 1, "{alerts:#?}");
                holds(alerts[0]["reason"].as_str().unwrap(), &["could not be delivered"]);
            }
        }
        Message::text(asha, now(), "yes").deliver(&bot).await;
        number += 1;
        let again = bot.reply(asha, number).await;
        no_refund(&again);
        holds(&said(&again), &["ORD000001", "Shall I go ahead?"]);
        id = bot.last_id().await;
    }
    assert_eq!(refunds(&bot), 0);
    Message::text(asha, now(), "yes").deliver(&bot).await;
    holds(&said(&bot.reply(asha, number + 1).await), &["RFND_", "ORD000001"]);
    assert_eq!(bot.end(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_offer_is_agreed_to_in_the_chat_that_shows_it() {
    let mut bot = Bot::start(&["bot"], &[("PHONE_ID", "42, 43"), PATIENT[0], PATIENT[1]]).await;
    let posts = Mock::given(method("POST")).and(path("/v25.0/43/messages"));
    posts
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"messages": [{"id": "wamid.of-43"}]})))
        .mount(&bot.graph)
        .await;
    let asha = "919876610001";
    let to = async |number: &str, text: &str| {
        let mut value = bot.message(asha, "text", &json!({"body": text}));
        value["metadata"] = json!({"display_phone_number": "1555", "phone_number_id": number});
        bot.deliver(&value).await;
    };
    to("42", "I want a refund for ORD000001").await;
    holds(&said(&bot.reply(asha, 1).await), &["Shall I go ahead?"]);
    to("43", "yes").await;
    let again = bot.reply(asha, 2).await;
    no_refund(&again);
    holds(&said(&again), &["ORD000001", "Shall I go ahead?"]);
    to("43", "yes").await;
    holds(&said(&bot.reply(asha, 3).await), &["RFND_", "ORD000001"]);
    assert_eq!(bot.end(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stop_is_a_no_to_an_offer_and_else_a_wish_of_the_customers_own() {
    let mut bot = Bot::start(&["bot"], &PATIENT).await;
    let (asha, binu) = ("919876620001", "919876620002");
    let stops = async || bot.get("/metrics").await.1.contains(r#"ecomres_opt_out_wishes_total{wish="stop"}"#);
    for (place, no) in ["stop", "Quit!", "cancel"].into_iter().enumerate() {
        offered(&bot, asha, 2 * place + 1, "I want a refund for ORD000001").await;
        Message::text(asha, now(), no).deliver(&bot).await;
        holds(&said(&bot.reply(asha, 2 * place + 2).await), &["I have not refunded anything"]);
    }
    Message::text(asha, now(), "STOP").context(json!({"forwarded": true})).deliver(&bot).await;
    assert!(!said(&bot.reply(asha, 7).await).contains("won't get any more messages"));
    assert!(!stops().await);
    // The button below a template is one, also while something is offered.
    offered(&bot, binu, 1, "I want a refund for ORD000002").await;
    let button = Message::new(binu, now(), "button", &json!({"text": "Stop promotions", "payload": "STOP"}));
    button.context(json!({"id": "wamid.campaign"})).deliver(&bot).await;
    holds(&said(&bot.reply(binu, 2).await), &["won't get any more messages"]);
    assert!(stops().await && refunds(&bot) == 0);
    assert_eq!(bot.end(), Some(0));
}
