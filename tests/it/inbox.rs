//! The commands that show and retry parked work, and that copy a store.

use ecomres::domain::conversation::Conversation;
use ecomres::domain::ids::{MessageId, UserId};
use ecomres::domain::inbound::{Content, Context, Inbound};
use ecomres::domain::outgoing::Outgoing;
use ecomres::store::{FinishedTurn, Inbox, Outbox, Store, sqlite::SqliteStore};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::cli::{ecomres, run};

const LEASE: SignedDuration = SignedDuration::from_secs(30);

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_780_000_000 + second).unwrap()
}

fn message(id: &str, user: &str, second: i64) -> Inbound {
    Inbound {
        id: MessageId::new(id),
        user_id: UserId::new(user),
        sent_at: at(second),
        received_at: at(second),
        number: None,
        content: Content::Text { text: "hello".to_owned() },
        context: Context::default(),
    }
}

/// A store with one conversation in each state, and a reply that was given up.
async fn fill(store: &SqliteStore) {
    let user = |number: u32| format!("91987654321{number}");
    for (number, second) in [(1, 1), (2, 2), (3, 3), (4, 4)] {
        store.accept(&[message(&format!("m{number}"), &user(number), second)], at(second)).await.unwrap();
    }
    let claim = async || store.claim(None, "worker-1", at(5), LEASE).await.unwrap().unwrap();
    let first = claim().await;
    let error = "the store failed while answering: a fault\u{1b}[31m in the program";
    assert!(store.fail(&first, error, None, at(6)).await.unwrap());
    let second = claim().await;
    let conversation = Conversation { turn: 1, ..Conversation::new(second.user_id.clone()) };
    let outgoing = vec![Outgoing::text(second.user_id.clone(), 1, 0, "Hello!\nHow can I help?", at(5))];
    let turn = FinishedTurn { conversation, said: Vec::new(), replies: Vec::new(), outgoing };
    store.finish(&second, &turn, at(7)).await.unwrap();
    let reply = store.claim_outgoing(None, at(8), LEASE).await.unwrap().unwrap();
    assert!(store.send_failed(&reply, "this number is not on WhatsApp", None, at(9)).await.unwrap());
    claim().await;
}

#[tokio::test]
async fn parked_work_is_shown_and_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("shop.db")).unwrap();
    fill(&store).await;
    let inbox = |arguments: &[&str]| {
        let arguments = ["inbox"].iter().chain(arguments).chain(&["--store", "shop.db"]).copied().collect::<Vec<_>>();
        run(ecomres(folder.path()).args(arguments))
    };
    let (code, out, err) = inbox(&["list"]);
    assert_eq!((code, err.as_str()), (0, ""));
    insta::assert_snapshot!("inbox_list", out);
    let (code, out, _) = inbox(&["list", "--json"]);
    assert_eq!(code, 0);
    let found: Value = serde_json::from_str(&out).unwrap();
    insta::assert_json_snapshot!("inbox_list_json", found);

    let (code, out, err) = inbox(&["retry", "919876543214"]);
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.contains("nothing of 919876543214 is parked") && err.contains("hint:"), "{err}");
    assert_eq!(inbox(&["retry"]).0, 2);
    assert_eq!(inbox(&["retry", " "]).0, 1);
    assert_eq!(inbox(&["retry", "919876543211"]).1, "Tried again: 1 conversation, 0 replies.\n");
    assert_eq!(inbox(&["retry", "--all", "--json"]).1, "{\"conversations\":0,\"replies\":1}\n");
    let backlog = store.backlog().await.unwrap();
    assert_eq!((backlog.waiting, backlog.parked, backlog.unsent, backlog.unsent_parked), (2, 0, 1, 0));
    let (code, _, err) = run(ecomres(folder.path()).args(["inbox", "retry", "--all", "--store", "typo.db"]));
    assert!(code == 1 && err.contains("typo.db does not exist"), "{err}");
    assert!(!folder.path().join("typo.db").exists());
}

#[tokio::test]
async fn a_backup_is_made_beside_and_overwrites_nothing_unasked() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("shop.db")).unwrap();
    fill(&store).await;
    let backup =
        |arguments: &[&str]| run(ecomres(folder.path()).args(["backup", "--store", "shop.db"]).args(arguments));
    let (code, out, err) = backup(&["copy.db"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.starts_with("copy.db holds all of shop.db: ") && out.ends_with("intact.\n"), "{out}");
    let (code, out, err) = backup(&["copy.db"]);
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.contains("copy.db is there already") && err.contains("--yes"), "{err}");
    let (code, out, _) = backup(&["copy.db", "--yes", "--json"]);
    assert_eq!(code, 0);
    let told: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(told["file"], "copy.db");
    assert!(told["schema"].as_i64() >= Some(9), "{told}");
    for (arguments, expected) in [
        (vec!["shop.db", "--yes"], "the store itself"),
        (vec!["no/folder/copy.db"], "the folder no/folder does not exist"),
        (vec!["."], "the copy . cannot be made: it is a folder"),
        (vec![".", "--yes"], "name a file in it"),
        (vec!["other.db", "--store", "typo.db"], "typo.db does not exist"),
        (vec!["other.db", "--store", "mongodb://user:secret@host/x"], "mongodb://host"),
    ] {
        let named = if arguments.contains(&"--store") { vec![] } else { vec!["--store", "shop.db"] };
        let (code, out, err) = run(ecomres(folder.path()).arg("backup").args(named).args(&arguments));
        assert_eq!((code, out.as_str()), (1, ""), "{err}");
        assert!(err.contains(expected) && err.contains("hint:") && !err.contains("secret"), "{err}");
    }
    let copy = SqliteStore::open(&folder.path().join("copy.db")).unwrap();
    assert_eq!(copy.unfinished(9).await.unwrap(), store.unfinished(9).await.unwrap());
    assert_eq!(copy.health().await.unwrap().problems, Vec::<String>::new());
    let (_, out, _) = run(ecomres(folder.path()).args(["doctor", "--store", "copy.db"]));
    assert!(out.contains("⚠️  inbox") && out.contains("1 parked") && out.contains("ecomres inbox list"), "{out}");
}
