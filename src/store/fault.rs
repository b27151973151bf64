//! Decides how a store says what it could not do, and what helps.
//!
//! It must never name a password: an address is shown without its credentials.

/// Why a store could not do what was asked.
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
    /// Written by an older version of this program, and only to be looked at.
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
    /// Another process kept the store locked for longer than was waited.
    #[error("the store {path} is locked by another process (waited {seconds} s)")]
    Locked {
        /// Which store.
        path: String,
        /// How long was waited.
        seconds: u64,
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
    /// The server did not answer in time. Whether a write was kept is not known.
    #[error("the store {path} did not answer within {seconds} s while {doing}")]
    Slow {
        /// Which store, without credentials.
        path: String,
        /// What was being done.
        doing: &'static str,
        /// How long was waited.
        seconds: u64,
    },
    /// Only a file can be treated so.
    #[error("the store {path} is on a server, and no file")]
    NoFile {
        /// Which store, without credentials.
        path: String,
    },
    /// The connection string names a backend that this build does not have.
    #[error("the store “{uri}” needs a backend that this build does not have")]
    Unsupported {
        /// The connection string, without credentials.
        uri: String,
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
    /// What to do about it.
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
            Self::Newer { .. } => Some("use the program version that wrote the store, or a newer one".into()),
            Self::Older { path, .. } => Some(format!(
                "copy it first: ecomres backup COPY.db --store {path}; then any command that writes brings it up to \
                 date, such as: ecomres inbox retry --all --store {path}"
            )),
            Self::Exists { .. } => Some("name another file, or overwrite it with --yes".into()),
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
            Self::NoFile { .. } => Some("copy it with the tools of the server, such as mongodump".into()),
            Self::Unsupported { .. } => {
                Some("name a file or a mongodb:// address with --store".into())
            }
            Self::Backend { .. } => None,
        }
    }
}

/// The result of every store call.
pub type Result<T> = std::result::Result<T, StoreError>;
