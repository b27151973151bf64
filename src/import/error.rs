//! Errors of files and rows, with file, line and column as far as they are known.

use std::fmt;

use serde::Serialize;

use super::field::recognized;
use crate::domain::words::excerpt;
use crate::store::StoreError;

/// Why an import stopped. Nothing of it is applied.
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
    /// Reading failed midway.
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
    /// JSON without an object.
    #[error("{file} is JSON, and holds no objects that could be orders")]
    NoObjects {
        /// Which file.
        file: String,
    },
    /// Binary content.
    #[error("{file} is not a text file{}", guess.map(|kind| format!(": it looks like {kind}")).unwrap_or_default())]
    NotText {
        /// Which file.
        file: String,
        /// What it looks like.
        guess: Option<&'static str>,
    },
    /// Something else under the name of a table.
    #[error("{file} is no table of orders: it is {what}")]
    NoTable {
        /// Which file.
        file: String,
        /// What it is.
        what: &'static str,
    },
    /// A workbook that cannot be read.
    #[error("{file} cannot be read as a workbook: {reason}")]
    Workbook {
        /// Which file.
        file: String,
        /// Why.
        reason: String,
    },
    /// No column holds the order's identifier for certain.
    #[error("{file}: no column is certainly “Order ID”; the header{line} holds {}", quoted(found), line = at(*line))]
    NoId {
        /// Which file.
        file: String,
        /// The line of the header; 0 where there is none.
        line: u64,
        /// The columns that are there.
        found: Vec<String>,
        /// The column that it may be.
        near: Option<String>,
    },
    /// A column is there twice.
    #[error("{file}: the header names column “{column}” more than once")]
    DuplicateColumn {
        /// Which file.
        file: String,
        /// Which column.
        column: String,
    },
    /// A column of `--map` is not there.
    #[error("{file}: there is no column “{column}”; the header holds {}", quoted(found))]
    NoColumn {
        /// Which file.
        file: String,
        /// Which column.
        column: String,
        /// The columns that are there.
        found: Vec<String>,
    },
    /// Several columns can be the total of an order, and they differ.
    #[error(
        "{file}: {} can each be the total of an order, and they differ: {examples}",
        columns.iter().map(|column| format!("“{}”", excerpt(column, 40))).collect::<Vec<_>>().join(" and ")
    )]
    SeveralTotals {
        /// Which file.
        file: String,
        /// The columns.
        columns: [String; 2],
        /// A cell of each.
        examples: String,
    },
    /// The settings say that one column is the order's id, and another one's name says so.
    #[error(
        "{file}: “{kept}” is “Order ID” as [import.columns] of the settings say, and “{named}” is as its name says: which one is it here?"
    )]
    TwoIds {
        /// Which file.
        file: String,
        /// The column of the settings.
        kept: String,
        /// The column whose name says it.
        named: String,
    },
    /// In which unit the amounts of a column are is not certain, or not one that is read.
    #[error("{file}: column “{column}”: {why}")]
    Unit {
        /// Which file.
        file: String,
        /// Which column.
        column: String,
        /// What is wrong.
        why: String,
        /// What to do about it.
        hint: String,
    },
    /// A spreadsheet seems to have read some of the dates of a column with day and month exchanged.
    #[error(
        "{file}: column “{column}”: its texts, such as {text}, have days above 12 only, and its dates, such as {date}, days up to 12 only: \
         a spreadsheet that expects day and month the other way round leaves a column so, and its dates are wrong"
    )]
    SwappedDates {
        /// Which file.
        file: String,
        /// Which column.
        column: String,
        /// One of its texts.
        text: String,
        /// One of its dates.
        date: String,
    },
    /// The dates of a column can be read in two ways.
    #[error("{file}: column “{column}”: it is not certain whether the day or the month comes first: {why}")]
    AmbiguousDates {
        /// Which file.
        file: String,
        /// Which column.
        column: String,
        /// What its cells can be.
        why: String,
    },
    /// A file of lines in which no column is the order's id, or none names an item.
    #[error(
        "{file}: a file of lines needs an order's id and the name or SKU of an item in every row; the header holds {}",
        quoted(found)
    )]
    NoLines {
        /// Which file.
        file: String,
        /// The columns that are there.
        found: Vec<String>,
    },
    /// With `strict`: the first bad row.
    #[error("{0}")]
    BadRow(Box<RowError>),
    /// There were rows, and none of them was usable.
    #[error("no row of {files} can be used; the first bad one is {first}")]
    AllBad {
        /// Which files.
        files: String,
        /// What is wrong with the first.
        first: Box<RowError>,
    },
    /// An empty file would empty the store.
    #[error("{files} holds no orders, and replacing would leave the store without any")]
    NothingToReplaceWith {
        /// Which files.
        files: String,
    },
    /// It was asked to stop.
    #[error("the import was interrupted: nothing was written")]
    Interrupted,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn at(line: u64) -> String {
    if line > 1 { format!(" in line {line}") } else { String::new() }
}

/// A word of a command line, in quotes where a shell would split it.
fn argument(column: &str, field: &str) -> String {
    format!("--map \"{}={field}\"", column.replace('"', "\\\""))
}

impl ImportError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Open { .. } => {
                Some("name a file that can be read (CSV, XLSX, ODS, JSON), or - for standard input".into())
            }
            Self::Read { .. } => Some("nothing was written; check the file and try again".into()),
            Self::Empty { .. } => Some("the first line must name the columns; see `ecomres sample orders`".into()),
            Self::NoObjects { .. } => {
                Some("it must be an array of orders, or an object with such an array inside".into())
            }
            Self::NoTable { what: "a compressed file" | "an archive", .. } => {
                Some("unpack it, and import the file inside".into())
            }
            Self::NoTable { .. } => {
                Some("open it, save the table in it as CSV (UTF-8) or XLSX, and import that file".into())
            }
            Self::NotText { .. } => Some("save the table as CSV (UTF-8) or XLSX, and import that file".into()),
            Self::Workbook { .. } => Some("open it and save it as XLSX or CSV (UTF-8), without a password".into()),
            Self::NoId { near: Some(near), .. } => {
                Some(format!("if “{near}” is what customers write, add {}", argument(near, "Order ID")))
            }
            Self::NoId { found, .. } => {
                let free = |name: &&String| !name.is_empty() && recognized(name).is_none();
                let example = found.iter().find(free).map_or("COLUMN", String::as_str);
                Some(format!("say which column it is, such as {}", argument(example, "Order ID")))
            }
            Self::DuplicateColumn { .. } => Some("remove or rename one of the two".into()),
            Self::NoColumn { .. } => Some("write the name as it stands in the file, before the =".into()),
            Self::SeveralTotals { columns: [one, _], .. } => {
                Some(format!("say which one it is, such as {}", argument(one, "Order Value (INR)")))
            }
            Self::TwoIds { named, .. } => Some(format!(
                "add {}, or {} where the settings are right",
                argument(named, "Order ID"),
                argument(named, "ignore")
            )),
            Self::Unit { hint, .. } => Some(hint.clone()),
            Self::SwappedDates { column, .. } => Some(format!(
                "import the file from which the spreadsheet was made, or correct the column; {} leaves it out",
                argument(column, "ignore")
            )),
            Self::AmbiguousDates { .. } => Some("add --dates day-first or --dates month-first".into()),
            Self::NoLines { .. } => Some("name them with --map, such as --map \"Product=Item Name\"".into()),
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
    let shown = names.iter().filter(|name| !name.as_ref().is_empty()).take(30);
    let mut quoted: Vec<String> = shown.map(|name| format!("“{}”", excerpt(name.as_ref(), 40))).collect();
    if names.len() > 30 {
        quoted.push("…".to_owned());
    }
    quoted.join(", ")
}

/// Why a row cannot be used: shown as `file:line: column: what and why`, or `file: sheet “Orders” row 7: column: what and why`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RowError {
    /// Which file.
    pub file: String,
    /// Which sheet of it, in a workbook.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    /// The line of the file (or row of the sheet) in which the row starts, from 1.
    pub line: u64,
    /// Which column, where it is about one, by its name in the file.
    pub column: Option<String>,
    /// What was found and why it cannot be used.
    pub reason: String,
}

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.sheet {
            Some(sheet) => write!(f, "{}: sheet “{sheet}” row {}: ", self.file, self.line)?,
            None => write!(f, "{}:{}: ", self.file, self.line)?,
        }
        if let Some(column) = &self.column {
            write!(f, "{column}: ")?;
        }
        f.write_str(&self.reason)
    }
}
