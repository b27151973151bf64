//! The commands that remove what is old, and that hand out and erase one customer's data.

use std::path::Path;

use ecomres::domain::audit::{AuditPhase, AuditRecord};
use ecomres::domain::ids::{MessageId, OrderId, UserId};
use ecomres::domain::inbound::{Content, Context, Inbound};
use ecomres::domain::message::{Basis, ChatMessage, Role};
use ecomres::store::{Audit, Inbox, Orders, Store, Transcript, sqlite::SqliteStore};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::cli::{ecomres, run};

const CUSTOMER: &str = "919876543210";
const OTHER: &str = "919876543211";

fn days_ago(days: i64) -> Timestamp {
    Timestamp::now() - SignedDuration::from_hours(24 * days)
}

async fn talk(store: &SqliteStore, user: &str, days: i64) {
    let said = ChatMessage {
        user_id: UserId::new(user),
        role: Role::User,
        text: format!("my cat Minka of {user} ate it"),
        at: days_ago(days),
        turn: 1,
        intent: None,
        sentiment: None,
        response_ms: None,
        basis: Basis::default(),
    };
    store.append_messages(&[said]).await.unwrap();
    let message = Inbound {
        id: MessageId::new(format!("wamid-{user}")),
        user_id: UserId::new(user),
        sent_at: days_ago(days),
        received_at: days_ago(days),
        number: None,
        content: Content::Text { text: format!("my cat Minka of {user} ate it") },
        context: Context::default(),
    };
    store.accept(&[message], days_ago(days)).await.unwrap();
    let record = AuditRecord {
        at: days_ago(days),
        actor: format!("customer:{user}"),
        action: "query_order_database".to_owned(),
        phase: AuditPhase::Finished,
        arguments: json!({"order_id": "ORD000003"}),
        result: json!({"text": "my cat Minka"}),
    };
    store.append_audit(&record).await.unwrap();
    store.bind_order(&OrderId::new(&format!("ORD{days:06}")), &UserId::new(user), days_ago(days)).await.unwrap();
}

/// A store with two customers, one of long ago.
async fn shop(folder: &Path) -> SqliteStore {
    let store = SqliteStore::open(&folder.join("shop.db")).unwrap();
    talk(&store, CUSTOMER, 100).await;
    talk(&store, OTHER, 1).await;
    store
}

#[tokio::test]
async fn what_is_old_is_removed_where_days_are_set() {
    let folder = tempfile::tempdir().unwrap();
    let store = shop(folder.path()).await;
    let retention = |days: &str, arguments: &[&str]| {
        let mut command = ecomres(folder.path());
        command.args(["retention", "--store", "shop.db"]).args(arguments);
        run(command.env("ECOMRES_RETENTION__CHATS_DAYS", days).env("ECOMRES_RETENTION__AUDIT_DAYS", days))
    };
    let (code, out, err) = retention("0", &[]);
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.contains("for ever") && err.contains("hint:"), "{err}");
    let (code, out, err) = retention("30", &[]);
    assert_eq!((code, err.as_str()), (0, ""));
    // The trail is cut only where more than one entry goes.
    assert_eq!(out, "Removed: 1 messages of the transcript.\n");
    let (code, out, _) = retention("30", &["--json"]);
    assert_eq!((code, serde_json::from_str::<Value>(&out).unwrap()["chats"].as_u64()), (0, Some(0)));
    assert_eq!(store.recent_messages(&UserId::new(CUSTOMER), 9).await.unwrap().len(), 0);
    assert_eq!(store.recent_messages(&UserId::new(OTHER), 9).await.unwrap().len(), 1);
    assert_eq!(store.backlog().await.unwrap().waiting, 2, "what waits stays");
    let mut doctor = ecomres(folder.path());
    let (_, out, _) = run(doctor.args(["doctor", "--store", "shop.db"]).env("ECOMRES_RETENTION__CHATS_DAYS", "30"));
    assert!(out.contains("✅ retention  chats are kept for 30 days, answered messages for ever"), "{out}");
    assert!(out.contains("last sweep on 20"), "{out}");
    let (code, _, err) = run(ecomres(folder.path()).args(["retention", "--store", "typo.db"]));
    assert!(code == 1 && !folder.path().join("typo.db").exists(), "{err}");
}

#[tokio::test]
async fn a_customer_is_handed_their_data_and_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let store = shop(folder.path()).await;
    let forget =
        |arguments: &[&str]| run(ecomres(folder.path()).args(["forget", "--store", "shop.db"]).args(arguments));
    let (code, out, err) = forget(&["91987654321", "--yes"]);
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.contains("nothing is kept of 91987654321 in shop.db") && err.contains("hint:"), "{err}");
    let (code, out, err) = forget(&[CUSTOMER]);
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.contains("needs a yes") && err.contains("--yes"), "{err}");
    for written in ["+91 98765 43210", "+91-98765-43210", "98765 43210"] {
        let (_, _, err) = forget(&[written]);
        assert!(err.contains(&format!("what is kept of {CUSTOMER} needs a yes")), "{written}: {err}");
    }
    assert!(!forget(&[CUSTOMER, "--yes", "--out", "no/folder/x.json"]).2.is_empty());
    assert_eq!(store.recent_messages(&UserId::new(CUSTOMER), 9).await.unwrap().len(), 1, "nothing was erased");

    let (code, out, err) = forget(&[CUSTOMER, "--yes", "--out", "data.json", "--json"]);
    assert_eq!((code, err.as_str()), (0, ""));
    let told: Value = serde_json::from_str(&out).unwrap();
    let reference = told["reference"].as_str().unwrap();
    assert_eq!((reference.len(), told["salt"].as_str().map(str::len)), (64, Some(32)));
    assert_eq!((told["erased"]["chats"].as_u64(), told["erased"]["audit"].as_u64()), (Some(1), Some(1)));
    let data: Value = serde_json::from_slice(&std::fs::read(folder.path().join("data.json")).unwrap()).unwrap();
    assert_eq!(data["user_id"], CUSTOMER);
    for part in ["chats", "inbox", "bindings", "audit"] {
        assert_eq!(data[part].as_array().map(Vec::len), Some(1), "{part}: {data:#}");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(folder.path().join("data.json")).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "nobody else may read it");
    }

    // Not a word is left in the file, nor in its log.
    for file in ["shop.db", "shop.db-wal"] {
        let bytes = std::fs::read(folder.path().join(file)).unwrap();
        let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
        assert!(!holds(CUSTOMER), "{file} still holds who it was");
        assert!(file != "shop.db" || holds(OTHER), "the other one stays");
    }
    let (code, out, err) = run(ecomres(folder.path()).args(["report", "audit", "--verify", "--store", "shop.db"]));
    assert_eq!((code, err.as_str()), (0, ""));
    // One of them says that the trail is signed from there on.
    assert!(out.contains("5 entries, 1 of them erased for customers who were forgotten"), "{out}");
    let (_, out, _) = run(ecomres(folder.path()).args(["report", "audit", "--store", "shop.db"]));
    assert!(out.contains("forget") && out.contains(&reference[..16]) && !out.contains(CUSTOMER), "{out}");
    assert_eq!(forget(&[CUSTOMER, "--yes"]).0, 1, "there is nothing left");

    // To standard output, and nothing else goes there.
    let (code, out, err) = forget(&[OTHER, "--yes"]);
    assert_eq!(code, 0, "{err}");
    assert_eq!(serde_json::from_str::<Value>(&out).unwrap()["user_id"], OTHER);
    assert!(err.contains("Erased: 1 messages of the transcript") && err.contains("Salt"), "{err}");
    assert_eq!(store.health().await.unwrap().problems, Vec::<String>::new());
}
