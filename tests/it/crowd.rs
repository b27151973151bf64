//! A shop that has been busy for six weeks: orders, and customers whose conversations are written through the store's own
//! methods. The same seed gives the same customers, up to the moment that they are counted back from.

use std::path::{Path, PathBuf};

use ecomres::domain::alert::{Alert, AlertStatus, Handling, Priority, Resolution};
use ecomres::domain::audit::{AuditPhase, AuditRecord};
use ecomres::domain::caller::Caller;
use ecomres::domain::conversation::Conversation;
use ecomres::domain::ids::{AlertId, IdPatterns, OrderId, UserId};
use ecomres::domain::message::{Basis, ChatMessage, Role};
use ecomres::domain::money::Percent;
use ecomres::domain::outgoing::Outgoing;
use ecomres::domain::refund::{ProviderKind, RefundPolicy, RefundRequest};
use ecomres::store::Store;
use futures_util::StreamExt as _;
use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use rand::rngs::SmallRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use serde_json::json;

use crate::cli::{ecomres, run};

/// Messages that are written at once.
const BATCH: usize = 20_000;
/// How far back the conversations go.
const DAYS: i64 = 45;

/// What customers write, what it is read as, and what they are told.
const TALK: &[(&str, &str, &str, &str)] = &[
    ("where is my order {}?", "track_order", "neutral", "Order {} is on its way and should arrive within 20 minutes."),
    ("{} kab aayega", "track_order", "neutral", "Order {} left the store and is about ten minutes away."),
    (
        "{} is more than an hour late!!",
        "report_delivery_delay",
        "negative",
        "I'm sorry: order {} was held up. It comes today.",
    ),
    (
        "two items of {} are missing, and the milk has leaked",
        "report_order_content_issue",
        "negative",
        "I'm sorry to hear that. I can check a refund for order {}: shall I?",
    ),
    (
        "I want my money back for {}",
        "request_refund",
        "negative",
        "I can check a refund for order {}. Shall I go ahead?",
    ),
    ("please change the address of {}", "manage_order", "neutral", "Order {} is packed already, so its address stays."),
    (
        "I was charged twice for {} 😡",
        "report_payment_issue",
        "negative",
        "I'm sorry. I ask a colleague to look at {}.",
    ),
    ("great service, thank you! 🙏", "provide_feedback_on_service", "positive", "Thank you, that is good to hear!"),
    (
        "let me talk to a person",
        "request_human_agent",
        "negative",
        "I have asked a colleague, who will write to you here.",
    ),
    ("when do you open on Sunday?", "other", "neutral", "We deliver every day from 6 in the morning to midnight."),
];

/// The 100,000 real orders, which are kept beside the repository; `None` where they are not.
pub(crate) fn real_orders() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/orders_100k.csv");
    path.is_file().then_some(path)
}

/// Imports the real orders into a store, or as many generated ones.
pub(crate) fn import_orders(folder: &Path, store: &str) {
    let file = real_orders().unwrap_or_else(|| {
        println!("../shared is missing: 100,000 generated orders instead of the real ones");
        let (code, _, err) =
            run(ecomres(folder).args(["sample", "orders", "--rows", "100000", "--out", "orders.csv", "--quiet"]));
        assert_eq!(code, 0, "{err}");
        folder.join("orders.csv")
    });
    let (code, _, err) = run(ecomres(folder).arg("import").arg(file).args(["--store", store, "--quiet"]));
    assert_eq!(code, 0, "{err}");
}

fn customer(number: u64) -> UserId {
    UserId::new(format!("9198{:08}", number * 7_919 % 100_000_000))
}

/// One customer's conversations, the oldest first.
fn conversations(rng: &mut SmallRng, number: u64, now: Timestamp) -> Vec<ChatMessage> {
    let user_id = customer(number);
    let mut messages = Vec::new();
    // More of them lately: the shop grows.
    let reach: f64 = rng.random::<f64>() * rng.random::<f64>().sqrt();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "a random moment of the last days"
    )]
    let mut at = now - SignedDuration::from_secs(30 + (reach * (DAYS * 86_400) as f64) as i64);
    for turn in 1..=rng.random_range(2..=6) {
        let (said, intent, sentiment, answer) = TALK.choose(rng).unwrap();
        let order = format!("ORD{:06}", rng.random_range(1..=100_000));
        let message = |role, text: String, at, response_ms| ChatMessage {
            user_id: user_id.clone(),
            role,
            text,
            at,
            turn,
            intent: (role == Role::User).then(|| (*intent).to_owned()),
            sentiment: (role == Role::User).then(|| (*sentiment).to_owned()),
            response_ms,
            basis: Basis::default(),
        };
        messages.push(message(Role::User, said.replace("{}", &order), at, None));
        // Most are answered at once, some slowly.
        let slow = if rng.random_ratio(1, 25) { 9_000 } else { 0 };
        let taken = rng.random_range(180..2_400) + slow + rng.random_range(0..400);
        let answered = at + SignedDuration::from_millis(taken);
        if answered < now {
            messages.push(message(Role::Assistant, answer.replace("{}", &order), answered, u64::try_from(taken).ok()));
        }
        let pause = if rng.random_ratio(1, 5) { rng.random_range(26..90) * 3_600 } else { rng.random_range(20..600) };
        at += SignedDuration::from_secs(pause);
        if at >= now {
            break;
        }
    }
    messages
}

/// Writes about so many messages of customers, in the order of their times, and returns how many there are.
pub(crate) async fn write_messages(store: &dyn Store, count: usize, now: Timestamp) -> usize {
    let mut rng = SmallRng::seed_from_u64(8_501);
    let mut messages = Vec::with_capacity(count + 16);
    for number in 1.. {
        if messages.len() >= count {
            break;
        }
        messages.extend(conversations(&mut rng, number, now));
    }
    messages.sort_by_key(|message| message.at);
    for batch in messages.chunks(BATCH) {
        store.append_messages(batch).await.unwrap();
    }
    messages.len()
}

/// The same messages, those of a customer together and many customers at once: for a server, where each call waits.
pub(crate) async fn write_customers(store: &dyn Store, count: usize, now: Timestamp) -> usize {
    let mut rng = SmallRng::seed_from_u64(8_501);
    let mut customers = Vec::new();
    let mut total = 0;
    for number in 1.. {
        if total >= count {
            break;
        }
        let messages = conversations(&mut rng, number, now);
        total += messages.len();
        customers.push(messages);
    }
    let work = customers.chunks(50).map(|some| async move { store.append_messages(&some.concat()).await.unwrap() });
    futures_util::stream::iter(work).buffer_unordered(8).collect::<Vec<()>>().await;
    total
}

/// Customers who wrote last have a remembered conversation, a reply on its way, calls of tools on record; some wait for a
/// person, some refunds were paid.
pub(crate) async fn write_business(store: &dyn Store, now: Timestamp) {
    let search = ecomres::store::Search::default();
    let latest = store.find_conversations(&search, 240, 1_000).await.unwrap().users;
    let work = latest.iter().enumerate().map(|(index, user)| async move {
        let last = store.recent_messages(user, 4).await.unwrap();
        let turn = last.last().map_or(1, |message| message.turn);
        let mut conversation = Conversation::new(user.clone());
        let asks = index % 3 == 0;
        conversation.turn = turn + u64::from(asks);
        let ended = last.last().map_or(now, |message| message.at);
        let asked = ChatMessage {
            user_id: user.clone(),
            role: Role::Agent,
            text: "Has that been sorted out? Write here whenever something is missing.".to_owned(),
            at: ended + SignedDuration::from_secs(1),
            turn: turn + 1,
            intent: None,
            sentiment: None,
            response_ms: None,
            basis: Basis::default(),
        };
        if asks {
            let sent = Outgoing::text(user.clone(), turn + 1, 0, asked.text.as_str(), asked.at);
            assert!(store.save_reply(&conversation, &asked, &sent).await.unwrap());
        } else {
            assert!(store.save_conversation(&conversation).await.unwrap());
        }
        let record = AuditRecord {
            at: ended,
            actor: format!("customer:{user}"),
            action: "query_order_database".to_owned(),
            phase: AuditPhase::Finished,
            arguments: json!({"order_id": format!("ORD{:06}", index + 1)}),
            result: json!({"Order ID": format!("ORD{:06}", index + 1), "Order Value (INR)": 599 + index}),
        };
        store.append_audit(&record).await.unwrap();
        if index % 4 == 1 {
            let age = i64::try_from(index).unwrap() * 137;
            let alert = Alert {
                id: AlertId::new(format!("ALERT_{index:04}")),
                user_id: user.clone(),
                reason: ["The customer asked for a person", "A payment was taken twice", "The policy needs a person"]
                    [index % 3]
                    .to_owned(),
                last_message: last.first().map(|message| message.text.clone()).unwrap_or_default(),
                priority: [Priority::Medium, Priority::High, Priority::Low][index / 4 % 3],
                status: AlertStatus::Pending,
                created_at: now - SignedDuration::from_secs(age),
                bot_answers: false,
                handling: Handling::default(),
            };
            store.open_alert(&alert).await.unwrap();
            if index > 120 {
                let at = now - SignedDuration::from_secs(age / 3);
                store.resolve_alert(&alert.id, &Resolution { at, by: None, note: String::new() }).await.unwrap();
            }
        }
    });
    join_all(work).await;
    join_all((1..=180).map(|number| pay(store, number, now))).await;
}

async fn pay(store: &dyn Store, number: u32, now: Timestamp) {
    let policy = RefundPolicy {
        refused_categories: Vec::new(),
        shipping_fee: Percent::default(),
        max_automatic: None,
        window_days: None,
        quote_valid: SignedDuration::from_mins(30),
        estimated_arrival: String::new(),
        provider: ProviderKind::Ledger,
        money: ecomres::domain::currency::ShopMoney::default(),
    };
    let Some(order) = store.order(&OrderId::new(&format!("ORD{:06}", number * 13))).await.unwrap() else { return };
    let request = RefundRequest {
        order: &order,
        quote: None,
        caller: &Caller::Operator { name: "crowd".to_owned() },
        items: &[],
        amount: None,
        reason: ["items missing", "arrived late", "damaged on arrival", "wrong item"][number as usize % 4],
        patterns: &IdPatterns::default(),
        now: now - SignedDuration::from_hours(i64::from(number * number) % (DAYS * 24)),
        local: jiff::civil::datetime(2026, 1, 1, 0, 0, 0, 0),
    };
    let refund = store.record_refund(policy.approve(&request).unwrap()).await.unwrap().refund;
    let record = AuditRecord {
        at: refund.at,
        actor: "crowd".to_owned(),
        action: "process_refund".to_owned(),
        phase: AuditPhase::Finished,
        arguments: json!({"order_id": refund.order_id, "reason": refund.reason}),
        result: json!({
            "status": "success", "transaction_id": refund.transaction_id, "amount_refunded": refund.refunded().to_json(),
        }),
    };
    store.append_audit(&record).await.unwrap();
}
