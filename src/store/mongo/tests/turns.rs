//! What a process leaves behind when it dies in the middle of something, and what was done to the trail behind the
//! store's back.
//!
//! They must never leave a store behind that the checks of the trail call sound and is not.

use jiff::{SignedDuration, Timestamp};
use mongodb::bson::{Document, doc};

use super::super::chats::{Commit, Committed, commit};
use super::*;
use crate::domain::audit::{AuditCheck, AuditPhase, AuditRecord};
use crate::domain::conversation::Conversation;
use crate::domain::ids::{MessageId, UserId};
use crate::domain::inbound::{Content, Context, Inbound};
use crate::domain::message::{Basis, ChatMessage, Role};
use crate::domain::outgoing::Outgoing;
use crate::store::{Accepted, Audit as _, Claim, Conversations as _, Inbox as _, Outbox as _, Transcript as _};

pub(super) const LEASE: SignedDuration = SignedDuration::from_secs(30);

pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_750_000_000 + second).unwrap()
}

pub(super) fn inbound(id: &str, user: &str, second: i64) -> Inbound {
    Inbound {
        id: MessageId::new(id),
        user_id: UserId::new(user),
        sent_at: at(second),
        received_at: at(second),
        number: None,
        content: Content::Text { text: format!("text of {id}") },
        context: Context::default(),
    }
}

pub(super) fn said(user: &str, text: &str) -> ChatMessage {
    ChatMessage {
        user_id: UserId::new(user),
        role: Role::Assistant,
        text: text.to_owned(),
        at: at(1),
        turn: 1,
        intent: None,
        sentiment: None,
        response_ms: None,
        basis: Basis::default(),
    }
}

async fn claim(store: &MongoStore, second: i64) -> Option<Claim> {
    store.claim(None, "tester", at(second), LEASE).await.unwrap()
}

fn turn(claim: &Claim) -> Commit {
    let user = claim.user_id.as_str();
    let outgoing = Outgoing::text(claim.user_id.clone(), 1, 0, "a reply", at(1));
    Commit {
        conversation: Conversation { turn: 1, ..Conversation::new(claim.user_id.clone()) },
        rows: vec![said(user, "a reply")],
        outgoing: vec![outbox::write(&claim.user_id, &outgoing).unwrap()],
        answered: claim.messages.iter().map(|message| message.id.as_str().to_owned()).collect(),
        fence: Some(i64::try_from(claim.fence).unwrap()),
    }
}

#[tokio::test]
#[ignore = "needs a server: tests/mongo.sh starts one and sets TEST_MONGO_URI"]
async fn an_interrupted_distribution_is_completed_by_the_next_operation() {
    let scratch = Scratch::new();
    let store = scratch.open();
    store.accept(&[inbound("a", "u", 0)], at(0)).await.unwrap();
    let held = claim(&store, 0).await.unwrap();
    let kept = turn(&held);
    // The process dies right after the one update that keeps the turn.
    assert_eq!(raw(&store, |base| async move { commit(&base, &kept).await }).await, Committed::Saved);
    assert!(!store.renew(&held, at(1), LEASE).await.unwrap(), "the claim is closed");
    let user = UserId::new("u");
    assert_eq!(store.recent_messages(&user, 9).await.unwrap().len(), 1, "it is read from where it is");
    assert_eq!(store.conversation(&user).await.unwrap().unwrap().version, 1);
    assert_eq!(store.outgoing_of(&user, 9).await.unwrap(), []);
    assert_eq!(claim(&store, 29).await, None, "until the lease ends");
    store.accept(&[inbound("b", "u", 29)], at(29)).await.unwrap();
    let next = claim(&scratch.open(), 30).await.unwrap();
    assert_eq!(next.messages, [inbound("b", "u", 29)], "what was answered does not come back");
    assert_eq!(store.outgoing_of(&user, 9).await.unwrap().len(), 1);
    assert_eq!(store.recent_messages(&user, 9).await.unwrap().len(), 1);
    let sent = store.claim_outgoing(None, at(30), LEASE).await.unwrap().unwrap();
    assert!(store.sent(&sent, "p", at(30)).await.unwrap());
}

#[tokio::test]
#[ignore = "needs a server: tests/mongo.sh starts one and sets TEST_MONGO_URI"]
async fn an_interrupted_distribution_does_not_stop_the_next_turn() {
    let scratch = Scratch::new();
    let store = scratch.open();
    let mut saved = Commit {
        conversation: Conversation::new(UserId::new("u")),
        rows: vec![said("u", "first")],
        outgoing: Vec::new(),
        answered: Vec::new(),
        fence: None,
    };
    let conversation = saved.conversation.clone();
    raw(&store, |base| async move { commit(&base, &saved).await }).await;
    saved = Commit { conversation, rows: Vec::new(), outgoing: Vec::new(), answered: Vec::new(), fence: None };
    saved.conversation.version = 1;
    assert!(store.save_turn(&saved.conversation, &[said("u", "second")]).await.unwrap());
    let read = store.recent_messages(&UserId::new("u"), 9).await.unwrap();
    assert_eq!(read.iter().map(|message| message.text.as_str()).collect::<Vec<_>>(), ["first", "second"]);
}

#[tokio::test]
#[ignore = "needs a server: tests/mongo.sh starts one and sets TEST_MONGO_URI"]
async fn a_message_whose_conversation_was_not_made_ready_is_repaired_by_its_redelivery() {
    let scratch = Scratch::new();
    let store = scratch.open();
    let forget = |store: &MongoStore, update: Document| {
        let conversations = store.base.collection("conversations");
        driver::wait(async move {
            conversations.update_many(doc! {}, update).await.unwrap();
            Ok(())
        })
        .unwrap();
    };
    store.accept(&[inbound("a", "u", 0)], at(0)).await.unwrap();
    // As if the process had died between the two.
    raw(&store, |base| async move { Ok(base.collection("conversations").delete_many(doc! {}).await?) }).await;
    assert_eq!(claim(&store, 1).await, None);
    let again = store.accept(&[inbound("a", "u", 0)], at(2)).await.unwrap();
    assert_eq!(again, Accepted { new: 0, repeated: 1 });
    let held = claim(&store, 2).await.unwrap();
    assert_eq!(held.messages, [inbound("a", "u", 0)]);

    // And where it was parked meanwhile.
    assert!(store.fail(&held, "poison", None, at(3)).await.unwrap());
    store.accept(&[inbound("a", "u", 0)], at(4)).await.unwrap();
    assert_eq!(claim(&store, 5).await, None, "the message was one of those that failed");
    store.accept(&[inbound("b", "u", 6)], at(6)).await.unwrap();
    forget(
        &store,
        doc! {"$unset": {"due": ""}, "$set": {"parked_at": super::super::values::date(at(3)), "last_arrived": 0_i64}},
    );
    store.accept(&[inbound("b", "u", 6)], at(7)).await.unwrap();
    assert_eq!(claim(&store, 7).await.unwrap().messages.len(), 2);
}

#[tokio::test]
#[ignore = "needs a server: tests/mongo.sh starts one and sets TEST_MONGO_URI"]
async fn a_queue_whose_head_was_not_moved_is_repaired() {
    let scratch = Scratch::new();
    let store = scratch.open();
    let user = UserId::new("u");
    let messages: Vec<Document> = (0..2)
        .map(|sequence| outbox::write(&user, &Outgoing::text(user.clone(), 1, sequence, "text", at(0))).unwrap())
        .collect();
    let owner = user.clone();
    raw(&store, |base| async move { outbox::insert(&base, &owner, messages).await }).await;
    let first = store.claim_outgoing(None, at(0), LEASE).await.unwrap().unwrap();
    assert_eq!(first.sequence, 0);
    // As if the process had died before it moved the head.
    raw(&store, |base| async move {
        let update = doc! {
            "$set": {"state": "sent", "unmoved": true}, "$unset": {"head": "", "pending": ""},
        };
        Ok(base.collection("outbox").update_one(doc! {"_id": "u/1/0"}, update).await?)
    })
    .await;
    assert_eq!(store.claim_outgoing(None, at(1), LEASE).await.unwrap().unwrap().sequence, 1);
}

type Tampering = fn(Base) -> futures_util::future::BoxFuture<'static, std::result::Result<(), BackendError>>;

#[tokio::test]
#[ignore = "needs a server: tests/mongo.sh starts one and sets TEST_MONGO_URI"]
async fn what_was_done_to_the_trail_behind_the_stores_back_is_found() {
    let record = AuditRecord {
        at: Timestamp::UNIX_EPOCH,
        actor: "system".to_owned(),
        action: "import".to_owned(),
        phase: AuditPhase::Finished,
        arguments: serde_json::Value::Null,
        result: serde_json::Value::Null,
    };
    let ways: [(&str, u64, Tampering); 5] = [
        ("the end is cut off", 4, |base| {
            Box::pin(async move {
                base.collection("audit").delete_many(doc! {"_id": {"$gt": 3}}).await?;
                Ok(())
            })
        }),
        ("all is removed", 1, |base| {
            Box::pin(async move {
                base.collection("audit").delete_many(doc! {}).await?;
                Ok(())
            })
        }),
        ("one is removed", 3, |base| {
            Box::pin(async move {
                base.collection("audit").delete_one(doc! {"_id": 2}).await?;
                Ok(())
            })
        }),
        ("one is edited", 2, |base| {
            Box::pin(async move {
                base.collection("audit").update_one(doc! {"_id": 2}, doc! {"$set": {"content": "{}"}}).await?;
                Ok(())
            })
        }),
        ("the head is removed", 5, |base| {
            Box::pin(async move {
                base.collection("audit_head").delete_many(doc! {}).await?;
                Ok(())
            })
        }),
    ];
    for (told, place, tampering) in ways {
        let scratch = Scratch::new();
        let store = scratch.open();
        for _ in 0..5 {
            store.append_audit(&record).await.unwrap();
        }
        assert_eq!(store.check_audit().await.unwrap(), AuditCheck::whole(5));
        raw(&store, tampering).await;
        assert_eq!(store.check_audit().await.unwrap().broken.map(|(place, _)| place), Some(place), "{told}");
        store.append_audit(&record).await.unwrap();
        store.append_audit(&record).await.unwrap();
        if told != "the head is removed" {
            assert!(store.check_audit().await.unwrap().broken.is_some(), "{told}: it is not covered by what follows");
        }
    }
}
