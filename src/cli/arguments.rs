//! Arguments that several commands take, and how their values are checked.
#![expect(clippy::doc_markdown, reason = "the docs of arguments are the help, which shows backticks")]

use clap::ValueEnum;

use crate::nlu::{Columns, INTENT, Pooling, Precision, SENTIMENT, is_name};

/// Names of the columns in data files.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct ColumnOptions {
    /// Column with the message [default: text]
    #[arg(long, value_name = "NAME", help_heading = "Columns")]
    text_column: Option<String>,
    /// Column with the intent [default: intent or intent_label]
    #[arg(long, value_name = "NAME", help_heading = "Columns")]
    intent_column: Option<String>,
    /// Column with the sentiment [default: sentiment or sentiment_label, where there is one]
    #[arg(long, value_name = "NAME", help_heading = "Columns")]
    sentiment_column: Option<String>,
    /// A head and its column, for each head that there is to be; the others are left out then [default column: NAME or NAME_label]
    #[arg(long, value_name = "NAME[=COLUMN]", help_heading = "Columns", value_parser = head)]
    head: Vec<(String, Option<String>)>,
    /// Column with the paraphrase group, whose rows stay together [default: group, where there is one]
    #[arg(long, value_name = "NAME", help_heading = "Columns")]
    group_column: Option<String>,
}

impl From<ColumnOptions> for Columns {
    fn from(options: ColumnOptions) -> Self {
        let mut columns = Self { text: options.text_column, group: options.group_column, ..Self::default() };
        for (head, column) in [(INTENT, options.intent_column), (SENTIMENT, options.sentiment_column)] {
            if column.is_some() {
                columns = columns.with(head, column);
            }
        }
        if options.head.is_empty() {
            return columns;
        }
        columns = columns.for_heads(options.head.iter().map(|(head, _)| head.as_str()));
        for (head, column) in options.head {
            let known = columns.heads.iter().find(|one| one.head == head).and_then(|one| one.column.clone());
            columns = columns.with(&head, column.or(known));
        }
        columns
    }
}

/// `NAME` or `NAME=COLUMN`.
fn head(text: &str) -> Result<(String, Option<String>), String> {
    let (name, column) = text.split_once('=').map_or((text, None), |(name, column)| (name, Some(column.to_owned())));
    if !is_name(name) {
        return Err("a head is named by small letters, digits and _, at most 40".to_owned());
    }
    if column.as_ref().is_some_and(|column| column.trim().is_empty()) {
        return Err(format!("there is no column after {name}="));
    }
    Ok((name.to_owned(), column))
}

/// Number formats that can be written.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Dtype {
    /// 16 bits: half the size, differences in the fourth digit
    F16,
    /// 32 bits
    F32,
}

impl From<Dtype> for Precision {
    fn from(dtype: Dtype) -> Self {
        match dtype {
            Dtype::F16 => Self::F16,
            Dtype::F32 => Self::F32,
        }
    }
}

/// How one vector is made of a sentence.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Pool {
    /// The first token's vector
    Cls,
    /// The mean of all tokens' vectors
    Mean,
}

impl From<Pool> for Pooling {
    fn from(pool: Pool) -> Self {
        match pool {
            Pool::Cls => Self::Cls,
            Pool::Mean => Self::Mean,
        }
    }
}

fn number(text: &str) -> Result<f64, String> {
    text.parse::<f64>().ok().filter(|value| value.is_finite()).ok_or_else(|| "expected a number".to_owned())
}

/// A number above 0.
pub(super) fn positive(text: &str) -> Result<f64, String> {
    number(text).and_then(|value| if value > 0.0 { Ok(value) } else { Err("expected a number above 0".to_owned()) })
}

/// A number from 0 to 1.
pub(super) fn share(text: &str) -> Result<f64, String> {
    number(text)
        .and_then(|value| if (0.0..=1.0).contains(&value) { Ok(value) } else { Err("expected 0 to 1".to_owned()) })
}

/// The same as `f32`.
#[expect(clippy::cast_possible_truncation, reason = "confidences are f32")]
pub(super) fn confidence(text: &str) -> Result<f32, String> {
    share(text).map(|share| share as f32)
}

/// A number from 0 to below 1.
pub(super) fn below_one(text: &str) -> Result<f64, String> {
    number(text)
        .and_then(|value| if (0.0..1.0).contains(&value) { Ok(value) } else { Err("expected 0 to below 1".to_owned()) })
}

/// Reads what is put on record with an act of the team's: why, or how somebody knows.
pub(super) fn why(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() {
        Err("it is empty; say why, or how you know, for whoever reads the record".to_owned())
    } else {
        Ok(text.to_owned())
    }
}
