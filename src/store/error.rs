//! The errors of a store, and the hint for each.
//!
//! An address is shown without its credentials.

use std::any::Any;
use std::collections::HashSet;
use std::sync::{LazyLock, Mutex, PoisonError};

/// Why an operation of a store failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file or its folder cannot be opened or written.
    #[error("the store {path} cannot be opened: {reason}")]
    Open {
        /// Which store.
        path: String,
        /// What the system says.
        reason: String,
    },
    /// There is no such file, and none is to be made.
    #[error("the store {path} does not exist")]
    Missing {
        /// Which store.
        path: String,
    },
    /// An empty name.
    #[error("the store's name is empty")]
    NoName,
    /// The file is no database, or is damaged.
    #[error("the store {path} is damaged or not a database of ecomres: {reason}")]
    Damaged {
        /// Which store.
        path: String,
        /// What was found.
        reason: String,
    },
    /// One document of a server cannot be read. Nothing else is affected.
    #[error("a document of {path} cannot be read: {reason}")]
    Odd {
        /// Which store.
        path: String,
        /// Which document, and what is wrong with it.
        reason: String,
    },
    /// Two databases hold data, and none is named.
    #[error("{path} holds data in two databases, {} and {}", names[0], names[1])]
    TwoDatabases {
        /// Which server.
        path: String,
        /// The two.
        names: [String; 2],
    },
    /// Written by a newer version of this program.
    #[error("the store {path} has schema version {found}; this program knows versions up to {known}")]
    Newer {
        /// Which store.
        path: String,
        /// The version in the store.
        found: i64,
        /// The newest version known here.
        known: i64,
    },
    /// Written by an older version of this program, and opened read-only.
    #[error("the store {path} has schema version {found}, and this program needs {known}")]
    Older {
        /// Which store.
        path: String,
        /// The version in the store.
        found: i64,
        /// The version that is needed.
        known: i64,
    },
    /// Something is there already, and is not to be overwritten.
    #[error("{path} is there already")]
    Exists {
        /// What.
        path: String,
    },
    /// A copy cannot be made at its place.
    #[error("the copy {path} cannot be made: {reason}")]
    Copy {
        /// The place.
        path: String,
        /// What is wrong with it.
        reason: String,
        /// What to do about it.
        hint: &'static str,
    },
    /// Another process held the lock of the store until the timeout.
    #[error("the store {path} is locked by another process (waited {seconds} s)")]
    Locked {
        /// Which store.
        path: String,
        /// How long was waited.
        seconds: u64,
    },
    /// The file with the key of the audit trail cannot be used.
    #[error("the key of the audit trail in {path} cannot be used: {reason}")]
    KeyFile {
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The audit trail is signed with another key than this process has, or this process has none.
    #[error("the audit trail of the store {path} is signed with the key {signed}, and {here}")]
    OtherKey {
        /// Which store.
        path: String,
        /// The key's identifier.
        signed: String,
        /// Which key this process has.
        here: String,
    },
    /// There is a key, and the audit trail does not end as it signed it, or is not signed at all.
    #[error(
        "the audit trail of the store {path} does not end as the key {key} signed it: it was removed or changed past this \
         program, or is older than the key"
    )]
    Unvouched {
        /// Which store.
        path: String,
        /// The identifier of the key that is here.
        key: String,
    },
    /// A key that signed the audit trail once, and was replaced.
    #[error("the key {key} signed the audit trail of the store {path} before another one took its place")]
    FormerKey {
        /// Which store.
        path: String,
        /// The key's identifier.
        key: String,
    },
    /// No space, or a read-only file.
    #[error("the store {path} cannot be written: {reason}")]
    Unwritable {
        /// Which store.
        path: String,
        /// What the system says.
        reason: String,
    },
    /// A connection string that cannot be used.
    #[error("the address of the store {path} cannot be used: {reason}")]
    Address {
        /// Scheme and hosts, without credentials.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No server answers, or the connection was lost.
    #[error("the store {path} cannot be reached: {reason}")]
    Unreachable {
        /// Which store, without credentials.
        path: String,
        /// What was found.
        reason: String,
    },
    /// The server answers and does not let this user in, or not do this.
    #[error("the store {path} refuses: {reason}")]
    Refused {
        /// Which store, without credentials.
        path: String,
        /// What was found.
        reason: String,
    },
    /// The server did not answer in time. Whether a write was applied is not known.
    #[error("the store {path} did not answer within {seconds} s while {doing}")]
    Slow {
        /// Which store, without credentials.
        path: String,
        /// What was being done.
        doing: &'static str,
        /// How long was waited.
        seconds: u64,
    },
    /// An operation on a file was asked of a server.
    #[error("the store {path} is on a server, and no file")]
    NoFile {
        /// Which store, without credentials.
        path: String,
    },
    /// The folder of media files holds the contents of another store.
    #[error("the folder {path} holds the files of another store's customers")]
    FolderOfAnother {
        /// The folder.
        path: String,
    },
    /// The connection string names a backend that this build does not have.
    #[error("the store “{uri}” needs a backend that this build does not have")]
    Unsupported {
        /// The connection string, without credentials.
        uri: String,
    },
    /// An error in this program: a thread or task of the store panicked. The transaction was rolled back.
    #[error("an error in the program stopped {doing}: {reason}")]
    Panicked {
        /// What was being done.
        doing: &'static str,
        /// The message of the panic.
        reason: String,
    },
    /// Anything else the backend reports.
    #[error("the store failed while {doing}: {reason}")]
    Backend {
        /// What was being done.
        doing: &'static str,
        /// What the backend says.
        reason: String,
    },
}

impl StoreError {
    /// What to do about it, in one sentence.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Open { .. } => {
                Some("check that the folder exists and may be written, or name another file with --store PATH".into())
            }
            Self::Missing { path } => Some(format!(
                "name an existing file with --store PATH, or make it: ecomres import FILE.csv --store {path}"
            )),
            Self::NoName => Some("name a file, such as --store ecomres.db".into()),
            Self::Damaged { path, .. } => {
                Some(format!("move {path} away and restore a backup, or name another file with --store PATH"))
            }
            Self::Odd { .. } => {
                Some("nothing else is affected; ecomres doctor names every such document: mend it where you can".into())
            }
            Self::TwoDatabases { path, names } => {
                Some(format!("name one: MONGO_URI={path}/{} or MONGO_URI={path}/{}", names[0], names[1]))
            }
            Self::Newer { .. } => Some("use the program version that wrote the store, or a newer one".into()),
            Self::Older { path, .. } => Some(format!(
                "copy it first: ecomres backup COPY.db --store {path}; then any command that writes brings it up to \
                 date, such as: ecomres inbox retry --all --store {path}"
            )),
            Self::Exists { .. } => Some("name another file, or overwrite it with --yes".into()),
            Self::Copy { hint, .. } => Some((*hint).to_owned()),
            Self::Locked { .. } => Some("wait for the other process, or end it, and try again".into()),
            Self::Unwritable { .. } => {
                Some("free some space or give write permission, then try again: nothing was lost".into())
            }
            Self::Address { .. } => Some(
                "write it as mongodb://USER:PASSWORD@HOST:PORT/DATABASE, with / : @ ? in the password as %2F %3A %40 %3F"
                    .into(),
            ),
            Self::Unreachable { .. } => Some(
                "check that the server runs and the address in MONGO_URI or --store is right, then try again: what was \
                 acknowledged is kept"
                    .into(),
            ),
            Self::Refused { .. } => {
                Some("check user, password and authSource in the address, and that the user may read and write".into())
            }
            Self::Slow { .. } => Some(
                "try again: doing the same twice does no harm; [store] timeout_seconds says how long is waited".into(),
            ),
            Self::KeyFile { .. } => Some(
                "it has to hold 32 bytes or more in hexadecimal or base64, and be readable by this user; [audit] key_file or \
                 ECOMRES_AUDIT_KEY names another"
                    .into(),
            ),
            Self::OtherKey { .. } => Some(
                "give every process of one store the same key (ECOMRES_AUDIT_KEY, [audit] key_file, or the file \
                 STORE.audit-key); where the key is lost: ecomres audit-key --begin"
                    .into(),
            ),
            Self::Unvouched { .. } => Some(
                "nothing is written or paid until somebody looked: ecomres report audit --verify --heads LOG shows what is \
                 there; ecomres audit-key --begin is your word that it goes on from there"
                    .into(),
            ),
            Self::FormerKey { .. } => Some(
                "a key that was given up is not trusted again: make a new one (openssl rand -hex 32), or give this process the \
                 one that signs now"
                    .into(),
            ),
            Self::FolderOfAnother { path } => Some(format!(
                "name a folder of this store's own in [media] folder; only where this store was moved, or the other one is gone for \
                 good, remove {path}/.store: then this store takes the folder, and removes every file there that it does not know"
            )),
            Self::NoFile { .. } => Some("copy it with the tools of the server, such as mongodump".into()),
            Self::Unsupported { .. } => {
                Some("name a file or a mongodb:// address with --store".into())
            }
            Self::Panicked { .. } | Self::Backend { .. } => None,
        }
    }
}

/// What a panic said, for an error message.
pub(super) fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "unknown cause".to_owned())
}

/// The result of every store call.
pub type Result<T> = std::result::Result<T, StoreError>;
/// How many things are named in the log at most: each once.
const NAMED: usize = 1_000;

/// Whether something that cannot be read is found for the first time: each search finds it again, and the log names it once.
pub(super) fn is_first(name: &str) -> bool {
    static SAID: LazyLock<Mutex<HashSet<String>>> = LazyLock::new(Mutex::default);
    let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
    said.len() < NAMED && said.insert(name.to_owned())
}
