//! Decides in which shapes figures are handed on: single figures, series and tables, each with its unit.
//!
//! It must never round what is handed on: only what is shown is rounded.

use serde::Serialize;
use serde_json::{Value, json};

use crate::domain::money::Money;

/// What a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Things.
    Count,
    /// Indian rupees.
    Rupees,
    /// A part of a whole, from 0 to 1.
    Share,
    /// Milliseconds.
    Milliseconds,
    /// Minutes.
    Minutes,
    /// Stars from 1 to 5.
    Stars,
    /// A number without a unit.
    Ratio,
}

impl Unit {
    /// A value as it is shown; what is not known is a dash.
    pub fn show(self, value: Option<f64>) -> String {
        let Some(value) = value.filter(|value| value.is_finite()) else { return "—".to_owned() };
        match self {
            Self::Count => whole(value),
            Self::Rupees => rupees(value),
            Self::Share => format!("{:.1} %", value * 100.0),
            Self::Milliseconds if value < 1_000.0 => format!("{value:.0} ms"),
            Self::Milliseconds => format!("{:.1} s", value / 1_000.0),
            Self::Minutes => format!("{value:.1} min"),
            Self::Stars => format!("{value:.2}"),
            Self::Ratio => format!("{value:.3}"),
        }
    }
}

/// A whole number with the grouping of India.
#[allow(clippy::cast_possible_truncation)]
fn whole(value: f64) -> String {
    Money::from_rupees(value.round() as i64).to_string().replace('₹', "")
}

#[allow(clippy::cast_possible_truncation)]
fn rupees(value: f64) -> String {
    Money::from_paise((value * 100.0).round() as i64).to_string()
}

/// An amount in rupees.
#[allow(clippy::cast_precision_loss)]
pub(super) fn in_rupees(amount: Money) -> f64 {
    amount.paise() as f64 / 100.0
}

/// A count as a number.
#[allow(clippy::cast_precision_loss)]
pub(super) fn number(count: u64) -> f64 {
    count as f64
}

/// One figure.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figure {
    /// Its name in JSON and CSV.
    pub key: &'static str,
    /// Its name for people.
    pub label: &'static str,
    /// What it counts.
    pub unit: Unit,
    /// The number; `None`: there is nothing to tell it from.
    pub value: Option<f64>,
    /// What goes with it, or empty.
    pub note: String,
}

impl Figure {
    pub(super) fn new(key: &'static str, label: &'static str, unit: Unit, value: Option<f64>) -> Self {
        Self { key, label, unit, value, note: String::new() }
    }

    pub(super) fn count(key: &'static str, label: &'static str, count: u64) -> Self {
        Self::new(key, label, Unit::Count, Some(number(count)))
    }

    pub(super) fn with(self, note: impl Into<String>) -> Self {
        Self { note: note.into(), ..self }
    }

    /// As it is shown.
    pub fn shown(&self) -> String {
        self.unit.show(self.value)
    }
}

/// How a series is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Chart {
    /// Parts of a whole.
    Donut,
    /// Bars, one for each name.
    Bars,
    /// Lines over time.
    Lines,
    /// Bars over time, on top of each other.
    Stack,
}

/// One line of a series.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Line {
    /// Its name.
    pub name: String,
    /// A value for each label.
    pub values: Vec<Option<f64>>,
}

/// Values under names or points in time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Series {
    /// Its name in JSON and CSV.
    pub key: &'static str,
    /// Its heading.
    pub title: &'static str,
    /// How it is drawn.
    pub chart: Chart,
    /// What the values count.
    pub unit: Unit,
    /// What the values are of.
    pub labels: Vec<String>,
    /// The values.
    pub lines: Vec<Line>,
}

impl Series {
    /// With one line.
    pub(super) fn one(
        key: &'static str,
        title: &'static str,
        chart: Chart,
        unit: Unit,
        values: impl IntoIterator<Item = (String, Option<f64>)>,
    ) -> Self {
        let (labels, values) = values.into_iter().unzip();
        Self { key, title, chart, unit, labels, lines: vec![Line { name: title.to_owned(), values }] }
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty() || self.lines.iter().all(|line| line.values.iter().all(Option::is_none))
    }
}

/// Rows of text under headings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Table {
    /// Its name in JSON and CSV.
    pub key: &'static str,
    /// Its heading.
    pub title: &'static str,
    /// What the columns are called.
    pub columns: Vec<&'static str>,
    /// The rows; as many cells as there are columns.
    pub rows: Vec<Vec<String>>,
}

/// A part of the report, or of a page.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// Its name in JSON and CSV.
    pub key: &'static str,
    /// Its heading.
    pub title: &'static str,
    /// Which time it is about, in words.
    pub about: String,
    /// Single figures.
    pub figures: Vec<Figure>,
    /// Series.
    pub series: Vec<Series>,
    /// Tables.
    pub tables: Vec<Table>,
    /// What has to be known beside.
    pub notes: Vec<String>,
}

impl Section {
    pub(super) fn new(key: &'static str, title: &'static str, about: String) -> Self {
        Self { key, title, about, figures: Vec::new(), series: Vec::new(), tables: Vec::new(), notes: Vec::new() }
    }

    /// Everything in it, as JSON.
    pub fn to_json(&self) -> Value {
        let figures: serde_json::Map<String, Value> =
            self.figures.iter().map(|figure| (figure.key.to_owned(), json!(figure.value))).collect();
        let series: serde_json::Map<String, Value> = self
            .series
            .iter()
            .map(|series| {
                let lines: serde_json::Map<String, Value> =
                    series.lines.iter().map(|line| (line.name.clone(), json!(line.values))).collect();
                (series.key.to_owned(), json!({"unit": series.unit, "labels": series.labels, "lines": lines}))
            })
            .collect();
        let tables: serde_json::Map<String, Value> = self
            .tables
            .iter()
            .map(|table| {
                let rows = table.rows.iter().map(|row| {
                    let cells = table.columns.iter().zip(row).map(|(name, cell)| ((*name).to_owned(), json!(cell)));
                    Value::Object(cells.collect())
                });
                (table.key.to_owned(), Value::Array(rows.collect()))
            })
            .collect();
        json!({
            "section": self.key, "range": self.about, "figures": figures, "series": series, "tables": tables,
            "notes": self.notes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_shown_with_their_unit() {
        assert_eq!(Unit::Count.show(Some(1_234_567.0)), "12,34,567");
        assert_eq!(Unit::Rupees.show(Some(123_456.5)), "₹1,23,456.50");
        assert_eq!(Unit::Share.show(Some(0.123_4)), "12.3 %");
        assert_eq!(Unit::Milliseconds.show(Some(950.4)), "950 ms");
        assert_eq!(Unit::Milliseconds.show(Some(1_250.0)), "1.2 s");
        assert_eq!(Unit::Stars.show(None), "—");
        assert_eq!(Unit::Count.show(Some(f64::NAN)), "—");
    }
}
