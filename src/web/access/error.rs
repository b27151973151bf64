//! Settings that the dashboard cannot be protected with.

use std::net::SocketAddr;

/// Settings that the dashboard cannot be protected with.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// Other machines could use the dashboard without a login.
    #[error("{0} can be reached from other machines, and the dashboard has neither password nor token nor users")]
    NoLogin(SocketAddr),
    /// Nothing opens the dashboard.
    #[error("the dashboard has neither password nor token nor users")]
    NoLock,
    /// Whoever is alone listens at an address of this machine only.
    #[error("{0} can be reached from other machines, and --i-am-alone is for this machine only")]
    NotAlone(SocketAddr),
    /// A password hash is no argon2 hash.
    #[error("{place} is no argon2 hash: {reason}")]
    InvalidHash {
        /// Which setting.
        place: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A user has no secret, or an invalid or duplicate name.
    #[error("[[dashboard.users]] {name}: {reason}")]
    InvalidUser {
        /// The name.
        name: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// A password cannot be hashed.
    #[error("the password cannot be hashed: {0}")]
    Hashing(String),
}

impl AccessError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoLogin(_) => {
                "set [dashboard] password_hash (ecomres dashboard --hash-password) or token, name [[dashboard.users]], or \
                 listen at 127.0.0.1"
                    .into()
            }
            Self::NoLock => "set [dashboard] password_hash (ecomres dashboard --hash-password) or token, or name \
                 [[dashboard.users]]; to try it out, --i-am-alone"
                .into(),
            Self::NotAlone(_) => "set [dashboard] password_hash or token instead, or listen at 127.0.0.1".into(),
            Self::InvalidUser { .. } => {
                "each needs a name, a role (viewer, agent or admin), and a password_hash or a token".into()
            }
            Self::InvalidHash { .. } => "make one: ecomres dashboard --hash-password".into(),
            Self::Hashing(_) => "use another password".into(),
        })
    }
}
