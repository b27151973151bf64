//! Tells other processes that serve the same store who is at which conversation here, and hears it of them: one entry in the store for
//! each process, which is outdated after moments. Customers are in it as digests. Nothing is written or read while no
//! conversation is open here.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use super::AppState;
use super::presence::Other;
use crate::domain::desk::{EntryKind, TeamEntry};
use crate::store::{Result, Store};

/// How often it is looked at.
const PAUSE: Duration = Duration::from_secs(2);
/// How often an entry is written again that did not change.
const AGAIN: Duration = Duration::from_secs(15);
/// An entry that is older says nothing, and one that is much older is of a process that ended without a word.
const HOLDS: SignedDuration = SignedDuration::from_secs(40);
const ENDED: SignedDuration = SignedDuration::from_mins(5);

/// Who is at which conversation, by the digest of the customer.
type There = BTreeMap<String, Vec<Other>>;

/// What this process has told.
struct Told {
    process: String,
    last: Option<(There, Instant)>,
}

/// Tells and hears until the server ends.
pub(super) fn watch(state: &AppState) {
    let state = state.clone();
    tokio::spawn(async move {
        let mut told = Told { process: hex::encode(rand::random::<[u8; 16]>()), last: None };
        loop {
            tokio::select! {
                () = state.settings.stop.cancelled() => break,
                () = tokio::time::sleep(PAUSE) => {}
            }
            let here = state.presence.here();
            match told.share(state.store(), here, state.now()).await {
                Ok(Some(elsewhere)) => state.presence.set_elsewhere(elsewhere),
                Ok(None) => {}
                Err(error) => tracing::warn!(%error, "other processes cannot be told who looks at conversations"),
            }
        }
        _ = told.share(state.store(), There::new(), state.now()).await;
    });
}

impl Told {
    /// Writes who is here, where that changed or is some time ago, and returns who is elsewhere; `None` while nobody is here.
    async fn share(&mut self, store: &dyn Store, here: There, now: Timestamp) -> Result<Option<There>> {
        if here.is_empty() {
            if self.last.take().is_some() {
                store.remove_entry(EntryKind::Presence, &self.process, "").await?;
                return Ok(Some(There::new()));
            }
            return Ok(None);
        }
        if self.last.as_ref().is_none_or(|(last, at)| *last != here || at.elapsed() >= AGAIN) {
            let value = serde_json::to_string(&here).unwrap_or_default();
            let (owner, name) = (self.process.clone(), String::new());
            store.save_entry(&TeamEntry { kind: EntryKind::Presence, owner, name, value, at: now }).await?;
            self.last = Some((here, Instant::now()));
        }
        let mut elsewhere = There::new();
        for entry in store.entries(EntryKind::Presence, None).await?.into_iter().filter(|one| one.owner != self.process)
        {
            let age = now.duration_since(entry.at);
            if age > ENDED {
                store.remove_entry(EntryKind::Presence, &entry.owner, &entry.name).await?;
            } else if age <= HOLDS {
                for (user, others) in serde_json::from_str::<There>(&entry.value).unwrap_or_default() {
                    elsewhere.entry(user).or_default().extend(others);
                }
            }
        }
        Ok(Some(elsewhere))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Desk as _;
    use crate::store::sqlite::SqliteStore;

    #[tokio::test]
    async fn processes_hear_of_each_other_for_moments() {
        let store = SqliteStore::scratch().unwrap();
        let process = |name: &str| Told { process: name.to_owned(), last: None };
        let there = |name: &str| -> There {
            serde_json::from_value(serde_json::json!({"91": [{"name": name, "types": false}]})).unwrap()
        };
        let at = |second| Timestamp::from_second(second).unwrap();
        let (mut one, mut other) = (process("one"), process("other"));
        assert_eq!(one.share(&store, There::new(), at(0)).await.unwrap(), None, "nothing is open");
        assert!(store.entries(EntryKind::Presence, None).await.unwrap().is_empty());
        assert_eq!(one.share(&store, there("desk"), at(0)).await.unwrap(), Some(There::new()));
        assert_eq!(other.share(&store, there("night"), at(1)).await.unwrap(), Some(there("desk")));
        assert_eq!(one.share(&store, there("desk"), at(2)).await.unwrap(), Some(there("night")));
        assert_eq!(
            one.share(&store, there("desk"), at(42)).await.unwrap(),
            Some(There::new()),
            "nothing was heard for long"
        );
        assert_eq!(store.entries(EntryKind::Presence, None).await.unwrap().len(), 2);
        one.share(&store, there("desk"), at(400)).await.unwrap();
        assert_eq!(store.entries(EntryKind::Presence, None).await.unwrap().len(), 1, "the other one is gone");
        assert_eq!(
            one.share(&store, There::new(), at(401)).await.unwrap(),
            Some(There::new()),
            "whoever left is told at once"
        );
        assert!(store.entries(EntryKind::Presence, None).await.unwrap().is_empty());
    }
}
