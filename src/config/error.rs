//! Errors of settings. The value of a secret is never shown.

use std::path::PathBuf;

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A settings file does not exist or cannot be read.
    #[error("the settings file {path} cannot be read: {reason}")]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// A line of `.env` is no assignment.
    #[error("{path} cannot be read: {reason}")]
    DotEnv {
        /// Which file.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// A key or value is invalid.
    #[error("{0}")]
    Invalid(String),
}

impl ConfigError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Unreadable { path, .. } if path.file_name().is_some_and(|name| name == ".env") => {
                "give it read permission as a plain UTF-8 file, or move it away".into()
            }
            Self::Unreadable { .. } => {
                "name an existing file with --config, or leave the flag out for the defaults".into()
            }
            Self::DotEnv { .. } => "write one NAME=value a line; put values with spaces or # into quotes".into(),
            Self::Invalid(_) => "all settings with their meaning: ecomres doctor --settings".into(),
        })
    }
}
