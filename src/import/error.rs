//! Decides how it is said that a file or a row cannot be used.
//!
//! It must never leave out where: file, line and column as far as they are known.

use std::fmt;

use serde::Serialize;

use crate::store::StoreError;

/// Why an import stopped. Nothing of it is kept.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file cannot be opened.
    #[error("{file} cannot be opened: {reason}")]
    Open {
        /// Which file.
        file: String,
        /// What the system says.
        reason: String,
    },
    /// Reading failed on the way.
    #[error("{file}:{line}: cannot be read on: {reason}")]
    Read {
        /// Which file.
        file: String,
        /// The line that was reached.
        line: u64,
        /// What the system says.
        reason: String,
    },
    /// Not even a header.
    #[error("{file} is empty")]
    Empty {
        /// Which file.
        file: String,
    },
    /// Binary content, such as a spreadsheet.
    #[error("{file} is not a text file{}", guess.map(|kind| format!(": it looks like {kind}")).unwrap_or_default())]
    NotText {
        /// Which file.
        file: String,
        /// What it looks like.
        guess: Option<&'static str>,
    },
    /// The header lacks columns.
    #[error("{file}: {} missing; the header holds {}", missing_columns(missing), quoted(found))]
    MissingColumns {
        /// Which file.
        file: String,
        /// The columns that are not there.
        missing: Vec<&'static str>,
        /// The columns that are.
        found: Vec<String>,
        /// Names in the header that come close, each with the column it may stand for.
        near: Vec<(String, &'static str)>,
    },
    /// A column is there twice.
    #[error("{file}: the header names column “{column}” more than once")]
    DuplicateColumn {
        /// Which file.
        file: String,
        /// Which column.
        column: &'static str,
    },
    /// With `strict`: the first bad row.
    #[error("{0}")]
    BadRow(RowError),
    /// There were rows, and none of them could be used.
    #[error("no row of {files} can be used; the first bad one is {first}")]
    AllBad {
        /// Which files.
        files: String,
        /// What is wrong with the first.
        first: RowError,
    },
    /// An empty file would empty the store.
    #[error("{files} holds no orders, and replacing would leave the store without any")]
    NothingToReplaceWith {
        /// Which files.
        files: String,
    },
    /// Somebody wished it to stop.
    #[error("the import was interrupted: nothing was written")]
    Interrupted,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ImportError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Open { .. } => Some("name a CSV file that can be read, or - for standard input".into()),
            Self::Read { .. } => Some("nothing was written; check the file and try again".into()),
            Self::Empty { .. } => Some("the first line must name the columns; see `ecomres sample orders`".into()),
            Self::NotText { .. } => Some("save the table as CSV (UTF-8) and import that file".into()),
            Self::MissingColumns { near, .. } if near.is_empty() => {
                Some("see `ecomres sample orders --rows 1` for all columns".into())
            }
            Self::MissingColumns { near, .. } => {
                let renamed: Vec<String> =
                    near.iter().map(|(found, column)| format!("rename “{found}” to “{column}”")).collect();
                Some(format!("{}?", renamed.join(", ")))
            }
            Self::DuplicateColumn { .. } => Some("remove or rename one of the two".into()),
            Self::BadRow(_) => {
                Some("nothing was written; correct the row, or leave --strict out to skip bad rows".into())
            }
            Self::AllBad { .. } => Some("nothing was written; correct the file".into()),
            Self::NothingToReplaceWith { .. } => Some("nothing was changed; check that this is the right file".into()),
            Self::Interrupted => Some("the orders are as they were before; start the import again".into()),
            Self::Store(error) => error.hint(),
        }
    }
}

fn quoted(names: &[impl AsRef<str>]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("“{}”", name.as_ref())).collect();
    quoted.join(", ")
}

fn missing_columns(missing: &[&'static str]) -> String {
    match missing {
        [one] => format!("column “{one}” is"),
        many => format!("columns {} are", quoted(many)),
    }
}

/// Why a row cannot be used: shown as `file:line: column: what and why`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RowError {
    /// Which file.
    pub file: String,
    /// The line of the file in which the row starts, from 1.
    pub line: u64,
    /// Which column, where it is about one.
    pub column: Option<&'static str>,
    /// What was found and why it cannot be used.
    pub reason: String,
}

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.file, self.line)?;
        if let Some(column) = self.column {
            write!(f, "{column}: ")?;
        }
        f.write_str(&self.reason)
    }
}
