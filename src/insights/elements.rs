//! The elements of a section: stats, series and tables, each with its unit. Values are rounded only for display.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use crate::domain::currency::{Currency, ShopMoney};
use crate::domain::money::Money;

/// What a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Things.
    Count,
    /// The shop's own currency, in its units.
    Money(ShopMoney),
    /// A share of a total, from 0 to 1.
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
    /// The locale in which amounts are written; `None` of what is no amount.
    pub fn locale(&self) -> Option<&'static str> {
        match self {
            Self::Money(shop) => Some(shop.locale()),
            _ => None,
        }
    }

    /// A value for display; a dash where it is not known.
    pub fn show(self, value: Option<f64>) -> String {
        let Some(value) = value.filter(|value| value.is_finite()) else { return "—".to_owned() };
        match self {
            Self::Count => whole(value),
            Self::Money(shop) => shown(value, shop),
            Self::Share => format!("{:.1} %", value * 100.0),
            Self::Milliseconds if value < 1_000.0 => format!("{value:.0} ms"),
            Self::Milliseconds => format!("{:.1} s", value / 1_000.0),
            Self::Minutes => format!("{value:.1} min"),
            Self::Stars => format!("{value:.2}"),
            Self::Ratio => format!("{value:.3}"),
        }
    }
}

impl Serialize for Unit {
    /// In words; a currency by its code, but for rupees, which were the only one.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            Self::Count => "count",
            Self::Money(shop) if shop.currency() == Currency::INR => "rupees",
            Self::Money(shop) => shop.currency().code(),
            Self::Share => "share",
            Self::Milliseconds => "milliseconds",
            Self::Minutes => "minutes",
            Self::Stars => "stars",
            Self::Ratio => "ratio",
        })
    }
}

/// A whole number with Indian digit grouping.
#[expect(clippy::cast_possible_truncation, reason = "counts of a shop are far below 2^63; `as` saturates")]
fn whole(value: f64) -> String {
    ShopMoney::default().show_count(value.round() as i64)
}

#[expect(clippy::cast_possible_truncation, reason = "amounts of a shop are far below 2^63; `as` saturates")]
fn shown(value: f64, shop: ShopMoney) -> String {
    let units = value * 10_f64.powi(shop.currency().minor_units().cast_signed());
    shop.show(shop.own(Money::from_minor_units(units.round() as i64)))
}

/// A count as a number.
#[expect(clippy::cast_precision_loss, reason = "counts are below 2^53")]
pub(super) fn number(count: u64) -> f64 {
    count as f64
}

/// A single number.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Stat {
    /// Its name in JSON and CSV.
    pub key: &'static str,
    /// Its name for people.
    pub label: &'static str,
    /// What it counts.
    pub unit: Unit,
    /// The number; `None` where it is not known.
    pub value: Option<f64>,
    /// A note, or empty.
    pub note: String,
}

impl Stat {
    pub(super) fn new(key: &'static str, label: &'static str, unit: Unit, value: Option<f64>) -> Self {
        Self { key, label, unit, value, note: String::new() }
    }

    pub(super) fn count(key: &'static str, label: &'static str, count: u64) -> Self {
        Self::new(key, label, Unit::Count, Some(number(count)))
    }

    pub(super) fn with(self, note: impl Into<String>) -> Self {
        Self { note: note.into(), ..self }
    }

    /// The value for display.
    pub fn shown(&self) -> String {
        self.unit.show(self.value)
    }
}

/// How a series is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Chart {
    /// Shares of a total.
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
    /// The name or point in time of each value.
    pub labels: Vec<String>,
    /// The values.
    pub lines: Vec<Line>,
}

impl Series {
    /// A series with one line.
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

    /// Whether it has no values.
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
    /// The rows, with a cell for each column.
    pub rows: Vec<Vec<String>>,
}

/// A section of the report, or of a page.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// Its name in JSON and CSV.
    pub key: &'static str,
    /// Its heading.
    pub title: &'static str,
    /// Its range, in words.
    pub about: String,
    /// Single numbers.
    pub stats: Vec<Stat>,
    /// Series.
    pub series: Vec<Series>,
    /// Tables.
    pub tables: Vec<Table>,
    /// Notes.
    pub notes: Vec<String>,
}

impl Section {
    pub(super) fn new(key: &'static str, title: &'static str, about: String) -> Self {
        Self { key, title, about, stats: Vec::new(), series: Vec::new(), tables: Vec::new(), notes: Vec::new() }
    }

    /// Everything in it, as JSON.
    pub fn to_json(&self) -> Value {
        let stats: serde_json::Map<String, Value> =
            self.stats.iter().map(|stat| (stat.key.to_owned(), json!(stat.value))).collect();
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
            "section": self.key, "range": self.about, "figures": stats, "series": series, "tables": tables,
            "notes": self.notes,
        })
    }
}

/// Values by name, the largest first.
pub(super) fn ranked(map: &BTreeMap<String, u64>) -> Vec<(String, Option<f64>)> {
    let mut sorted: Vec<(&String, &u64)> = map.iter().collect();
    sorted.sort_by(|one, other| other.1.cmp(one.1).then(one.0.cmp(other.0)));
    sorted.into_iter().map(|(name, count)| (name.clone(), Some(number(*count)))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_shown_with_their_unit() {
        assert_eq!(Unit::Count.show(Some(1_234_567.0)), "12,34,567");
        assert_eq!(Unit::Money(ShopMoney::default()).show(Some(123_456.5)), "₹1,23,456.50");
        let kuwait = ShopMoney::new(Currency::new("KWD").unwrap(), None);
        assert_eq!(Unit::Money(kuwait).show(Some(1.25)), "KWD\u{A0}1.250");
        let units = serde_json::to_value([Unit::Money(ShopMoney::default()), Unit::Money(kuwait), Unit::Milliseconds]);
        assert_eq!(units.unwrap(), json!(["rupees", "KWD", "milliseconds"]));
        assert_eq!(Unit::Share.show(Some(0.123_4)), "12.3 %");
        assert_eq!(Unit::Milliseconds.show(Some(950.4)), "950 ms");
        assert_eq!(Unit::Milliseconds.show(Some(1_250.0)), "1.2 s");
        assert_eq!(Unit::Stars.show(None), "—");
        assert_eq!(Unit::Count.show(Some(f64::NAN)), "—");
    }
}
