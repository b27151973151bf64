//! A server that is away, slow, or whose answers are lost: a proxy stands between.
//!
//! They must never wait longer than the store says it waits.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::turns::{LEASE, at, inbound, said};
use super::*;
use crate::domain::alert::{Alert, AlertStatus, Assigned, Handling, Priority, Reopened};
use crate::domain::audit::{AuditPhase, AuditRecord};
use crate::domain::conversation::Conversation;
use crate::domain::ids::{AlertId, OrderId, UserId};
use crate::domain::outgoing::Outgoing;
use crate::store::contract::{approved, order, resolved};
use crate::store::{
    Alerts as _, Audit as _, Conversations as _, Finished, FinishedTurn, ImportMode, Inbox as _, Ledger as _,
    Orders as _, Outbox as _, Transcript as _,
};

/// Stands between the driver and the server.
struct Proxy {
    port: u16,
    /// Whether connections are cut and none is taken.
    away: Arc<AtomicBool>,
    /// How long each answer is held back, in milliseconds.
    slow: Arc<AtomicU64>,
    /// The next command of this name reaches the server, and its answer is lost with the connection.
    lose: Arc<Mutex<Option<&'static str>>>,
}

impl Proxy {
    fn start() -> Self {
        let uri = uri();
        let server = uri.split("://").nth(1).unwrap().split(['/', '?']).next().unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = Self {
            port: listener.local_addr().unwrap().port(),
            away: Arc::default(),
            slow: Arc::default(),
            lose: Arc::default(),
        };
        let (away, slow, lose) = (proxy.away.clone(), proxy.slow.clone(), proxy.lose.clone());
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let Ok(client) = client else { return };
                if away.load(Ordering::SeqCst) {
                    continue;
                }
                let Ok(server) = TcpStream::connect(server.as_str()) else { continue };
                let lost = Arc::new(AtomicBool::new(false));
                let (from, to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                let (lose, losing, gone) = (lose.clone(), lost.clone(), away.clone());
                std::thread::spawn(move || {
                    copy(from, to, &gone, |bytes| {
                        let mut lose = lose.lock().unwrap();
                        if let Some(name) = *lose
                            && bytes.windows(name.len() + 1).any(|contains_pattern| {
                                contains_pattern[..name.len()] == *name.as_bytes() && contains_pattern[name.len()] == 0
                            })
                        {
                            *lose = None;
                            losing.store(true, Ordering::SeqCst);
                        }
                        true
                    });
                });
                let (slow, gone) = (slow.clone(), away.clone());
                std::thread::spawn(move || {
                    copy(server, client, &gone, |_| {
                        std::thread::sleep(Duration::from_millis(slow.load(Ordering::SeqCst)));
                        !lost.load(Ordering::SeqCst)
                    });
                });
            }
        });
        proxy
    }

    fn uri(&self) -> String {
        let address = SocketAddr::from(([127, 0, 0, 1], self.port));
        format!("mongodb://{address}/?directConnection=true")
    }

    fn open(&self, scratch: &Scratch) -> MongoStore {
        MongoStore::open(&self.uri(), &hasty(scratch)).unwrap()
    }

    fn lose_answer(&self, command: &'static str) {
        *self.lose.lock().unwrap() = Some(command);
    }

    fn lost_it(&self) {
        assert!(self.lose.lock().unwrap().is_none(), "no such command was sent: the test no longer sees it");
    }
}

fn copy(mut from: TcpStream, mut to: TcpStream, away: &AtomicBool, pass: impl Fn(&[u8]) -> bool) {
    from.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let count = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {
                if away.load(Ordering::SeqCst) {
                    break;
                }
                continue;
            }
            Err(_) => break,
        };
        if away.load(Ordering::SeqCst) || !pass(&buffer[..count]) || to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}

fn hasty(scratch: &Scratch) -> MongoSettings {
    MongoSettings { connect: Duration::from_secs(2), operation: Duration::from_secs(20), ..scratch.settings() }
}

fn record() -> AuditRecord {
    AuditRecord {
        at: at(0),
        actor: "system".to_owned(),
        action: "import".to_owned(),
        phase: AuditPhase::Finished,
        arguments: serde_json::Value::Null,
        result: serde_json::Value::Null,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server: tests/mongo.sh starts one and sets TEST_MONGO_URI"]
async fn an_answer_that_is_lost_changes_no_outcome() {
    let scratch = Scratch::new();
    let proxy = Proxy::start();
    let store = proxy.open(&scratch);
    let (user, id) = (UserId::new("u"), OrderId::new("ORD000001"));

    proxy.lose_answer("insert");
    assert!(!store.record_refund(approved(1)).await.unwrap().already, "this call paid it");
    proxy.lost_it();
    assert!(store.record_refund(approved(1)).await.unwrap().already);
    proxy.lose_answer("insert");
    assert_eq!(store.bind_order(&id, &user, at(0)).await.unwrap(), user);
    proxy.lost_it();
    for command in ["insert", "update"] {
        proxy.lose_answer(command);
        store.append_audit(&record()).await.unwrap();
        proxy.lost_it();
    }
    assert_eq!(store.check_audit().await.unwrap().entries, 2);
    assert_eq!(store.check_audit().await.unwrap().broken, None);
    proxy.lose_answer("insert");
    assert!(store.try_record_lookup(&id, &user, at(0), 1).await.unwrap());
    proxy.lost_it();

    for command in ["update", "insert"] {
        let stored = store.conversation(&user).await.unwrap();
        let conversation = stored.unwrap_or_else(|| Conversation::new(user.clone()));
        proxy.lose_answer(command);
        assert!(store.save_turn(&conversation, &[said("u", command)]).await.unwrap());
        proxy.lost_it();
    }
    proxy.lose_answer("findAndModify");
    store.append_messages(&[said("u", "more")]).await.unwrap();
    proxy.lost_it();
    assert_eq!(store.recent_messages(&user, 9).await.unwrap().len(), 3);

    let alert = Alert {
        id: AlertId::new("alert"),
        user_id: user.clone(),
        reason: "reason".to_owned(),
        last_message: "!".to_owned(),
        priority: Priority::Low,
        status: AlertStatus::Pending,
        created_at: at(0),
        bot_answers: false,
        handling: Handling::default(),
    };
    proxy.lose_answer("insert");
    assert_eq!(store.open_alert(&alert).await.unwrap(), alert);
    proxy.lost_it();
    proxy.lose_answer("update");
    assert!(matches!(store.assign_alert(&alert.id, None, Some("one"), at(1)).await.unwrap(), Assigned::Done(_)));
    proxy.lost_it();
    proxy.lose_answer("update");
    assert!(store.resolve_alert(&alert.id, &resolved(at(1))).await.unwrap());
    proxy.lost_it();
    proxy.lose_answer("update");
    assert!(matches!(store.reopen_alert(&alert.id, "lead", at(2)).await.unwrap(), Reopened::Done(_)));
    proxy.lost_it();
    assert!(store.resolve_alert(&alert.id, &resolved(at(3))).await.unwrap());
    let later = Alert { id: AlertId::new("later"), reason: "later".to_owned(), ..alert.clone() };
    proxy.lose_answer("update");
    assert_eq!(store.open_alert(&later).await.unwrap(), later);
    proxy.lost_it();
    assert!(store.resolve_alert(&later.id, &resolved(at(4))).await.unwrap());
    // Twice an update: a copy of the one that goes, and the place of the other.
    for command in ["update", "delete"] {
        for id in [&alert.id, &later.id] {
            proxy.lose_answer(command);
            assert!(matches!(store.reopen_alert(id, "lead", at(5)).await.unwrap(), Reopened::Done(_)), "{command}");
            proxy.lost_it();
            assert!(store.resolve_alert(id, &resolved(at(6))).await.unwrap());
            assert_eq!(store.alerts(9).await.unwrap().len(), 2);
        }
    }

    for (message, command) in [("a", "insert"), ("b", "update")] {
        proxy.lose_answer(command);
        let accepted = store.accept(&[inbound(message, "u", 0)], at(0)).await.unwrap();
        assert_eq!(accepted.new + accepted.repeated, 1);
        proxy.lost_it();
    }
    let claim = store.claim(None, "tester", at(1), LEASE).await.unwrap().unwrap();
    assert_eq!(claim.messages.len(), 2);
    let conversation = store.conversation(&user).await.unwrap().unwrap();
    let turn = FinishedTurn {
        conversation,
        said: vec![said("u", "said")],
        replies: vec![said("u", "reply")],
        outgoing: vec![Outgoing::text(user.clone(), 1, 0, "reply", at(1))],
    };
    proxy.lose_answer("update");
    assert_eq!(store.finish(&claim, &turn, at(1)).await.unwrap(), Finished::Saved);
    proxy.lost_it();
    assert_eq!(store.finish(&claim, &turn, at(1)).await.unwrap(), Finished::Lost, "another call is not this one");
    assert_eq!(store.recent_messages(&user, 9).await.unwrap().len(), 5);
    let message = store.claim_outgoing(None, at(1), LEASE).await.unwrap().unwrap();
    proxy.lose_answer("update");
    assert!(store.sent(&message, "p", at(1)).await.unwrap());
    proxy.lost_it();
    assert_eq!(store.claim_outgoing(None, at(100), LEASE).await.unwrap(), None);
    assert_eq!(store.claim(None, "tester", at(1_000), LEASE).await.unwrap(), None, "everything is answered");
}

#[tokio::test]
#[ignore = "needs a server: tests/mongo.sh starts one and sets TEST_MONGO_URI"]
async fn a_server_that_is_away_is_named_and_found_again() {
    let scratch = Scratch::new();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let begun = Instant::now();
    let error = MongoStore::open(&format!("mongodb://bot:s3cret@{closed}/shop"), &hasty(&scratch)).unwrap_err();
    let told = format!("{error} {:?}", error.hint());
    assert!(matches!(error, StoreError::Unreachable { .. }), "{told}");
    assert!(told.contains("connection refused") && !told.contains("s3cret") && !told.contains("bot"), "{told}");
    assert!(begun.elapsed() < Duration::from_secs(10));

    let proxy = Proxy::start();
    let store = proxy.open(&scratch);
    store.append_audit(&record()).await.unwrap();
    proxy.away.store(true, Ordering::SeqCst);
    let error = store.append_audit(&record()).await.unwrap_err();
    assert!(matches!(error, StoreError::Unreachable { .. }), "{error}");
    proxy.away.store(false, Ordering::SeqCst);
    store.append_audit(&record()).await.unwrap();
    assert_eq!(store.check_audit().await.unwrap().broken, None, "without opening the store again");
}

#[tokio::test]
#[ignore = "needs a server: tests/mongo.sh starts one and sets TEST_MONGO_URI"]
async fn a_slow_server_is_not_waited_for_without_end() {
    let scratch = Scratch::new();
    let proxy = Proxy::start();
    let settings = MongoSettings { operation: Duration::from_secs(2), ..hasty(&scratch) };
    drop(scratch.open());
    let store = MongoStore::open(&proxy.uri(), &settings).unwrap();
    store.record_refund(approved(1)).await.unwrap();
    proxy.slow.store(5_000, Ordering::SeqCst);
    let error = store.record_refund(approved(2)).await.unwrap_err();
    assert!(matches!(error, StoreError::Slow { seconds: 2, .. }), "{error}");
    proxy.slow.store(0, Ordering::SeqCst);
    let again = store.record_refund(approved(2)).await.unwrap();
    assert_eq!(again.refund.order_id, OrderId::new("ORD000002"));
    assert_eq!(store.refunds(9).await.unwrap().len(), 2, "paid once, whichever of the two did it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server: tests/mongo.sh starts one and sets TEST_MONGO_URI"]
async fn an_import_goes_on_after_its_connection_broke() {
    let scratch = Scratch::new();
    let proxy = Proxy::start();
    let store = proxy.open(&scratch);
    let mut import = store.begin_import(ImportMode::Upsert).await.unwrap();
    for first in [1, 3_001, 6_001] {
        import.write((first..first + 3_000).map(order).collect()).await.unwrap();
    }
    proxy.away.store(true, Ordering::SeqCst);
    let away = Arc::clone(&proxy.away);
    let back = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_secs(4));
        away.store(false, Ordering::SeqCst);
    });
    import.commit().await.unwrap();
    back.join().unwrap();
    assert_eq!(store.count_orders().await.unwrap(), 9_000);

    // A batch that was written and not acknowledged is written again.
    let mut import = store.begin_import(ImportMode::Upsert).await.unwrap();
    import.write((9_001..9_101).map(order).collect()).await.unwrap();
    proxy.lose_answer("insert");
    import.commit().await.unwrap();
    proxy.lost_it();
    assert_eq!(store.count_orders().await.unwrap(), 9_100);
}
