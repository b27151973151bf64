//! What the team pins to conversations: tags, snoozes, mentions. Each change is on record before and after it.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Actor;
use crate::domain::desk::{MOST_TAGS, Pin, PinKind};
use crate::domain::ids::UserId;
use crate::store::{Result, Store};

async fn recorded(
    store: &dyn Store,
    actor: &Actor,
    action: &str,
    arguments: Value,
    change: impl Future<Output = Result<bool>>,
) -> Result<bool> {
    actor.record_start(store, action, &arguments).await?;
    let changed = change.await?;
    let result = json!({"status": if changed { "success" } else { "nothing_changed" }});
    actor.record_end(store, action, arguments, result).await?;
    Ok(changed)
}

/// Adds a tag to a conversation; `false` where it has it already, or has as many as there may be.
///
/// # Errors
/// When the store fails.
pub async fn tag(store: &dyn Store, actor: &Actor, user: &UserId, tag: &str) -> Result<bool> {
    let pins = store.pins_of(user).await?;
    let mut tags = pins.iter().filter(|pin| pin.kind == PinKind::Tag);
    if tags.clone().count() >= MOST_TAGS || tags.any(|pin| pin.name == tag) {
        return Ok(false);
    }
    let pin = pinned(actor, user, PinKind::Tag, tag);
    recorded(store, actor, "tag", json!({"user_id": user, "tag": tag}), async {
        store.save_pin(&pin).await.map(|()| true)
    })
    .await
}

/// Removes a tag; `false` where there is none.
///
/// # Errors
/// When the store fails.
pub async fn untag(store: &dyn Store, actor: &Actor, user: &UserId, tag: &str) -> Result<bool> {
    let arguments = json!({"user_id": user, "tag": tag});
    recorded(store, actor, "untag", arguments, store.remove_pin(user, PinKind::Tag, tag)).await
}

/// Puts a conversation away until a time, or until the customer writes.
///
/// # Errors
/// When the store fails.
pub async fn snooze(store: &dyn Store, actor: &Actor, user: &UserId, until: Timestamp) -> Result<()> {
    let pin = Pin { until: Some(until), ..pinned(actor, user, PinKind::Snooze, "") };
    let arguments = json!({"user_id": user, "until": until});
    recorded(store, actor, "snooze", arguments, async { store.save_pin(&pin).await.map(|()| true) }).await?;
    Ok(())
}

/// Ends a snooze; `false` where there is none.
///
/// # Errors
/// When the store fails.
pub async fn wake(store: &dyn Store, actor: &Actor, user: &UserId) -> Result<bool> {
    recorded(store, actor, "wake", json!({"user_id": user}), store.remove_pin(user, PinKind::Snooze, "")).await
}

/// Asks members to look at a conversation: they are mentioned in a note, which is on record itself. Who is asked is on record as
/// well: what a note says is not.
///
/// # Errors
/// When the store fails.
pub async fn mention(store: &dyn Store, actor: &Actor, user: &UserId, members: &[&str]) -> Result<()> {
    for member in members {
        let pin = pinned(actor, user, PinKind::Mention, member);
        recorded(store, actor, "mention", json!({"user_id": user, "member": member}), async {
            store.save_pin(&pin).await.map(|()| true)
        })
        .await?;
    }
    Ok(())
}

fn pinned(actor: &Actor, user: &UserId, kind: PinKind, name: &str) -> Pin {
    Pin { user_id: user.clone(), kind, name: name.to_owned(), by: actor.name.clone(), at: actor.now, until: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::SqliteStore;
    use crate::store::{Audit as _, Desk as _};

    #[tokio::test]
    async fn tags_and_snoozes_are_on_record_and_tags_are_limited() {
        let store = SqliteStore::scratch().unwrap();
        let user = UserId::new("919876500001");
        let by = Actor { name: "desk".to_owned(), now: Timestamp::from_second(1_750_000_000).unwrap() };
        assert!(tag(&store, &by, &user, "late").await.unwrap());
        assert!(!tag(&store, &by, &user, "late").await.unwrap(), "once");
        snooze(&store, &by, &user, by.now).await.unwrap();
        assert!(wake(&store, &by, &user).await.unwrap() && !wake(&store, &by, &user).await.unwrap());
        for number in 1..MOST_TAGS {
            assert!(tag(&store, &by, &user, &format!("tag-{number}")).await.unwrap());
        }
        assert!(!tag(&store, &by, &user, "one-too-many").await.unwrap());
        assert!(untag(&store, &by, &user, "late").await.unwrap() && !untag(&store, &by, &user, "late").await.unwrap());
        assert_eq!(store.pins_of(&user).await.unwrap().len(), MOST_TAGS - 1);
        let entries = store.audit_entries(1, 999).await.unwrap();
        let of = |action: &str| entries.iter().filter(|entry| entry.record().unwrap().action == action).count();
        assert_eq!([of("tag"), of("untag"), of("snooze"), of("wake")], [2 * MOST_TAGS, 4, 2, 4]);
        mention(&store, &by, &user, &["night", "lead"]).await.unwrap();
        let entries = store.audit_entries(1, 999).await.unwrap();
        let records =
            entries.iter().filter_map(crate::domain::audit::AuditEntry::record).filter(|one| one.action == "mention");
        let told: Vec<_> = records.map(|one| one.arguments["member"].as_str().unwrap().to_owned()).collect();
        assert_eq!(told, ["night", "night", "lead", "lead"], "before and after");
    }
}
