//! The book against what the database holds, whatever came and went.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use mongodb::bson::doc;

use super::super::insights::conversations_from_database;
use super::super::schema::{CHATS, ORDERS};
use super::{Scratch, raw};
use crate::domain::ids::UserId;
use crate::domain::message::{Basis, ChatMessage, Role};
use crate::domain::stats::{ConversationStats, Period};
use crate::store::mongo::MongoStore;
use crate::store::{Insights as _, Transcript as _};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_750_000_000 + second).unwrap()
}

fn said(number: i64) -> ChatMessage {
    ChatMessage {
        user_id: UserId::new(format!("user-{}", number % 17)),
        role: [Role::User, Role::Assistant, Role::Agent][usize::try_from(number % 5 / 2).unwrap()],
        text: "text".to_owned(),
        at: at(number * 61),
        turn: u64::try_from(number / 3).unwrap(),
        intent: (number % 2 == 0).then(|| format!("intent-{}", number % 4)),
        sentiment: (number % 3 == 0).then(|| "neutral".to_owned()),
        response_ms: (number % 5 == 3).then_some(u64::try_from(number).unwrap()),
        basis: Basis { intent_confidence: (number % 4 == 1).then_some(0.5), ..Basis::default() },
    }
}

fn sorted(mut stats: ConversationStats) -> ConversationStats {
    stats.responses.sort_unstable();
    stats.response_points.values_mut().for_each(|taken| taken.sort_unstable());
    stats
}

async fn check(store: &MongoStore, doing: &str) {
    for from in [None, Some(200), Some(900)] {
        let period = Period {
            from: from.map(|from: i64| at(from * 61)),
            until: at(5_000_000),
            zone: TimeZone::get("Asia/Kolkata").unwrap(),
            gap: SignedDuration::from_hours(1),
        };
        let counted = store.conversation_stats(&period, &[]).await.unwrap();
        let of = period.clone();
        let read = raw(store, |base| async move { conversations_from_database(&base, &of, &[]).await }).await;
        assert_eq!(sorted(counted), sorted(read), "{doing}, from {:?}", period.from);
    }
}

/// Orders that other programs wrote are counted at once where there are more or fewer, and else within a hundred times
/// as long as reading them takes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server: tests/mongo.sh starts one and sets TEST_MONGO_URI"]
async fn orders_of_other_programs_are_counted() {
    let scratch = Scratch::new();
    let store = scratch.open();
    let period = Period { from: None, until: at(5_000_000), zone: TimeZone::UTC, gap: SignedDuration::from_hours(1) };
    let count = async |platform: Option<&str>| store.order_stats(&period, platform).await.unwrap().total.orders;
    assert_eq!(count(None).await, 0);
    let row = |id: &str, platform: &str| doc! {"Order ID": id, "Platform": platform, "Order Value (INR)": 5};
    let rows = vec![row("ORD000001", "JioMart"), row("ORD000002", "Blinkit")];
    raw(&store, |base| async move { Ok(base.collection(ORDERS).insert_many(rows).await?) }).await;
    assert_eq!((count(None).await, count(Some("Blinkit")).await, count(Some("none")).await), (2, 1, 0));
    raw(&store, |base| async move {
        let change = doc! {"$set": {"Platform": "Blinkit"}};
        Ok(base.collection(ORDERS).update_one(doc! {"Order ID": "ORD000001"}, change).await?)
    })
    .await;
    let begun = std::time::Instant::now();
    while count(Some("Blinkit")).await < 2 {
        assert!(begun.elapsed() < std::time::Duration::from_secs(30));
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server: tests/mongo.sh starts one and sets TEST_MONGO_URI"]
async fn the_book_counts_what_the_database_holds_whatever_came_and_went() {
    let scratch = Scratch::new();
    let store = scratch.open();
    check(&store, "nothing").await;
    store.append_messages(&(0..400).map(said).collect::<Vec<_>>()).await.unwrap();
    check(&store, "some").await;
    store.append_messages(&(400..700).map(said).collect::<Vec<_>>()).await.unwrap();
    check(&store, "more").await;
    // Of another program, in times of other types, within the last minutes.
    raw(&store, |base| async move {
        let seconds = at(700 * 61).as_second();
        let of = |user: &str, role: &str| doc! {"user_id": user, "role": role, "content": "text"};
        let mut rows = vec![of("user-1", "user"), of("user-1", "assistant"), of("other", "customer")];
        rows[0].insert("timestamp", f64::from(i32::try_from(seconds).unwrap()) + 0.5);
        rows[1].insert("timestamp", at(700 * 61 + 2).to_string());
        rows[2].insert("timestamp", seconds + 3);
        base.collection(CHATS).insert_many(rows).await?;
        Ok(())
    })
    .await;
    check(&store, "of another program").await;
    // The rest of what everything took has to be over before everything is read again.
    let later = || tokio::time::sleep(std::time::Duration::from_secs(3));
    store.append_messages(&[said(3)]).await.unwrap();
    later().await;
    check(&store, "one that is late").await;
    raw(&store, |base| async move {
        base.collection(CHATS).delete_many(doc! {"user_id": "user-3"}).await?;
        Ok(())
    })
    .await;
    later().await;
    check(&store, "a customer less").await;
    store.append_messages(&(701..760).map(said).collect::<Vec<_>>()).await.unwrap();
    check(&store, "more again").await;
}
