//! Who looks at a conversation and who types in it, so that two members do not answer the same customer. What the pages of this process
//! show is known at once; where several processes serve one store, `shared` tells the others.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{Extension, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::sync::watch;

use super::access::Session;
use super::forms::Fields;
use super::{AppState, PageError};
use crate::domain::ids::UserId;

/// How long somebody counts as typing after a key.
const TYPES: Duration = Duration::from_secs(8);
/// The longest identity that is kept, in bytes.
const LONGEST: usize = 200;

struct Looker {
    number: u64,
    name: String,
    typed: Option<Instant>,
}

/// All open conversations.
#[derive(Default)]
pub(super) struct Presence {
    open: Mutex<HashMap<UserId, Vec<Looker>>>,
    next: AtomicU64,
    changes: watch::Sender<u64>,
    /// Those at the pages of other processes, by the digest of the customer.
    elsewhere: Mutex<BTreeMap<String, Vec<Other>>>,
}

/// Another member at the same conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Other {
    name: String,
    types: bool,
}

/// What stands for a customer where others read it.
fn digest(user: &UserId) -> String {
    hex::encode(&Sha256::digest(user.as_str().as_bytes())[..16])
}

/// One open page of a conversation; it is no longer open when this is dropped.
pub(super) struct Looking {
    presence: Arc<Presence>,
    user: UserId,
    number: u64,
    name: String,
}

impl Looker {
    fn types(&self) -> bool {
        self.typed.is_some_and(|at| at.elapsed() < TYPES)
    }
}

/// Adds somebody to a list, or that they type.
fn add(others: &mut Vec<Other>, name: &str, types: bool) {
    match others.iter_mut().find(|other| other.name == name) {
        Some(other) => other.types |= types,
        None => others.push(Other { name: name.to_owned(), types }),
    }
}

impl Presence {
    fn open(&self) -> MutexGuard<'_, HashMap<UserId, Vec<Looker>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn changed(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    /// Somebody opens a conversation.
    pub(super) fn look(self: &Arc<Self>, user: &str, name: &str) -> Option<Looking> {
        if user.is_empty() || user.len() > LONGEST {
            return None;
        }
        let (user, number) = (UserId::new(user), self.next.fetch_add(1, Ordering::Relaxed));
        let looker = Looker { number, name: name.to_owned(), typed: None };
        self.open().entry(user.clone()).or_default().push(looker);
        self.changed();
        Some(Looking { presence: Arc::clone(self), user, number, name: name.to_owned() })
    }

    /// Tells of every change.
    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Who is at which conversation of this process, once each.
    pub(super) fn here(&self) -> BTreeMap<String, Vec<Other>> {
        let mut here = BTreeMap::new();
        for (user, lookers) in self.open().iter() {
            let mut others: Vec<Other> = Vec::new();
            for looker in lookers {
                add(&mut others, &looker.name, looker.types());
            }
            here.insert(digest(user), others);
        }
        here
    }

    /// Who is at the pages of other processes now.
    pub(super) fn set_elsewhere(&self, now: BTreeMap<String, Vec<Other>>) {
        let mut elsewhere = self.elsewhere.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever goes on typing is told again: pages forget it after a moment.
        if *elsewhere != now || now.values().flatten().any(|other| other.types) {
            *elsewhere = now;
            drop(elsewhere);
            self.changed();
        }
    }

    fn typed(&self, user: &UserId, name: &str) {
        for looker in self.open().get_mut(user).into_iter().flatten().filter(|looker| looker.name == name) {
            looker.typed = Some(Instant::now());
        }
        self.changed();
    }
}

impl Looking {
    /// The others, once each, by their names.
    pub(super) fn others(&self) -> Vec<Other> {
        let open = self.presence.open();
        let mut others: Vec<Other> = Vec::new();
        for looker in open.get(&self.user).into_iter().flatten().filter(|looker| looker.name != self.name) {
            add(&mut others, &looker.name, looker.types());
        }
        drop(open);
        let elsewhere = self.presence.elsewhere.lock().unwrap_or_else(PoisonError::into_inner);
        for other in elsewhere.get(&digest(&self.user)).into_iter().flatten().filter(|other| other.name != self.name) {
            add(&mut others, &other.name, other.types);
        }
        others.sort_by(|one, other| one.name.cmp(&other.name));
        others
    }

    /// Whether these have to be told though they were told before: somebody goes on typing.
    pub(super) fn goes_on(others: &[Other]) -> bool {
        others.iter().any(|other| other.types)
    }
}

impl Drop for Looking {
    fn drop(&mut self) {
        let mut open = self.presence.open();
        if let Some(lookers) = open.get_mut(&self.user) {
            lookers.retain(|looker| looker.number != self.number);
            if lookers.is_empty() {
                open.remove(&self.user);
            }
        }
        drop(open);
        self.presence.changed();
    }
}

pub(super) async fn types(
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
    Extension(fields): Extension<Fields>,
) -> Result<StatusCode, PageError> {
    let user = fields.some("user").map(UserId::new).ok_or(PageError::BadRequest("No customer is named."))?;
    state.presence.typed(&user, session.name());
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_looks_and_types_is_known_until_they_leave() {
        let presence = Arc::new(Presence::default());
        let names = |looking: &Looking| {
            let others = looking.others();
            others.iter().map(|other| format!("{} {}", other.name, other.types)).collect::<Vec<_>>()
        };
        let desk = presence.look("91", "desk").unwrap();
        let (night, again) = (presence.look("91", "night").unwrap(), presence.look("91", "night").unwrap());
        let elsewhere = presence.look("92", "lead").unwrap();
        let changes = presence.changes();
        assert_eq!((names(&desk), names(&night)), (vec!["night false".to_owned()], vec!["desk false".to_owned()]));
        assert!(names(&elsewhere).is_empty());
        presence.typed(&UserId::new("91"), "night");
        assert!(changes.has_changed().unwrap());
        assert_eq!(names(&desk), ["night true"]);
        drop(night);
        assert_eq!(names(&desk), ["night true"], "one page is still open");
        drop(again);
        assert!(names(&desk).is_empty());
        // Whoever is at the pages of another process counts as well, where it is the same customer.
        let elsewhere = |user: &str, types| {
            BTreeMap::from([(digest(&UserId::new(user)), vec![Other { name: "day".to_owned(), types }])])
        };
        presence.set_elsewhere(elsewhere("92", true));
        assert!(names(&desk).is_empty());
        presence.set_elsewhere(elsewhere("91", true));
        assert_eq!(names(&desk), ["day true"]);
        assert_eq!(presence.here()[&digest(&UserId::new("91"))], [Other { name: "desk".to_owned(), types: false }]);
        presence.set_elsewhere(BTreeMap::new());
        drop(desk);
        assert_eq!(presence.open().len(), 1);
        assert!(presence.look("", "desk").is_none() && presence.look(&"9".repeat(201), "desk").is_none());
    }
}
