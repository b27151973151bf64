//! Reads a file once before its orders are read, to find out how its dates and amounts are written, and which orders have rows that do not
//! stand together.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};

use super::error::ImportError;
use super::field::{Field, Kind, is_currency, plain};
use super::given_back::GivenBack;
use super::header::Header;
use super::mapping::{Mapping, Samples, figure};
use super::preset::Preset;
use super::reader::Settings;
use super::row::{Readers, currency_of, is_decided, order_id};
use super::source::{Row, Table};
use super::values::{
    Ambiguous, AmountColumn, AmountEvidence, DateColumn, DateEvidence, DateOrder, currency_of_mark, is_missing,
};
use crate::domain::currency::Currency;
use crate::domain::ids::OrderId;
use crate::domain::money::Money;

/// Rows whose cells are looked at to find out what a column holds.
const SAMPLED: usize = 300;

/// The first cells of every column.
pub(super) fn samples(table: &Table, header: &Header) -> Result<Samples, ImportError> {
    let mut samples: Samples = vec![Vec::new(); header.names.len()];
    let mut rows = table.rows()?;
    let mut row = Row::default();
    let mut count = 0;
    while count < SAMPLED && rows.next(&mut row)? {
        if header.covers(&row) {
            continue;
        }
        count += 1;
        for (cell, sample) in row.cells.iter().zip(&mut samples) {
            if !cell.is_empty() {
                sample.push(cell.to_owned());
            }
        }
    }
    Ok(samples)
}

/// What is known of a file before its orders are read.
pub(super) struct Survey {
    /// Orders whose rows do not stand together, by the hash of their ids; where no row is an item, those of several rows.
    scattered: HashSet<u64>,
    hasher: RandomState,
    /// Rows whose id has a digit, and others that are about an order.
    ids: [u64; 2],
    /// Rows about money given back, and their orders.
    pub(super) given_back: GivenBack,
}

impl Survey {
    /// Whether the rows of this order are to be collected: rows of other orders may stand between them.
    pub(super) fn is_scattered(&self, id: &OrderId) -> bool {
        self.scattered.contains(&self.hasher.hash_one(id.as_str()))
    }

    /// Whether the ids of the file have digits: then a word in their place is none.
    pub(super) fn ids_have_digits(&self) -> bool {
        let [with, without] = self.ids;
        with > without
    }
}

impl Mapping {
    /// What says who ordered, and when.
    const OF_AN_ORDER: [Field; 8] = [
        Field::Placed,
        Field::Date,
        Field::CustomerName,
        Field::FirstName,
        Field::LastName,
        Field::CustomerId,
        Field::Email,
        Field::Phone,
    ];

    /// Whether the columns that say who ordered, and when, are all empty in a row; not where there are none.
    pub(super) fn is_of_nobody(&self, cells: &csv::StringRecord) -> bool {
        let mut columns = self.uses.iter().filter(|found| Self::OF_AN_ORDER.contains(&found.field)).peekable();
        columns.peek().is_some() && columns.all(|found| cells.get(found.column).is_none_or(is_missing))
    }

    /// Whether no column of the file says who ordered, or when.
    pub(super) fn has_nobody(&self) -> bool {
        !self.uses.iter().any(|found| Self::OF_AN_ORDER.contains(&found.field))
    }
}

impl Readers {
    /// Reads a file once, to find out how its dates and amounts are written.
    #[expect(clippy::too_many_lines, reason = "one column after the other")]
    pub(super) fn decide(
        file: &str,
        table: &Table,
        header: &Header,
        mapping: &Mapping,
        settings: &Settings,
    ) -> Result<(Self, Survey), ImportError> {
        let of = |kind: Kind| {
            let used = mapping.uses.iter().filter(move |found| found.field.kind() == kind && is_decided(found.field));
            used.map(|found| found.column)
        };
        let mut dates: HashMap<usize, DateEvidence> =
            of(Kind::Date).map(|column| (column, DateEvidence::new(settings.context.clone()))).collect();
        let mut amounts: HashMap<usize, AmountEvidence> = of(Kind::Amount)
            .chain(mapping.parts.iter().map(|(column, _)| *column))
            .map(|column| (column, AmountEvidence::default()))
            .collect();
        let id = mapping.of(Field::OrderId).next().map(|found| found.column);
        let mut ids = [0; 2];
        let mut given_back = GivenBack::new(mapping);
        let hasher = RandomState::new();
        let (mut seen, mut scattered) = (HashSet::new(), HashSet::new());
        let mut last = None;
        let mut taxes = TaxEvidence::default();
        let total = mapping.of(Field::Value).next().filter(|_| mapping.has_lines).map(|found| found.column);
        let mut totals: HashMap<u64, String> = HashMap::new();
        let mut totals_differ = false;
        let currency_cell = mapping.of(Field::Currency).next().map(|found| found.column);
        let mut other_currency = false;
        let is_sheet = matches!(table, Table::Sheet(_));
        let mut swaps: HashMap<usize, SwapEvidence> = HashMap::new();
        let part = |wanted: &str| {
            mapping.parts.iter().find(|(column, _)| mapping.names.get(*column).is_some_and(|name| name == wanted))
        };
        let (price, tax) = (part("item-price"), part("item-tax"));
        let mut rows = table.rows()?;
        let mut row = Row::default();
        while rows.next(&mut row)? {
            if header.covers(&row) {
                continue;
            }
            given_back.add(&row.cells);
            let cell = |column: usize| row.cells.get(column).unwrap_or_default();
            for (column, evidence) in &mut dates {
                let text = cell(*column);
                if !text.is_empty() {
                    evidence.add(text);
                    if is_sheet {
                        swaps.entry(*column).or_default().add(text);
                    }
                }
            }
            for (column, evidence) in &mut amounts {
                let text = cell(*column);
                if !text.is_empty() {
                    evidence.add(text);
                }
            }
            if let (Some((price, _)), Some((tax, _))) = (price, tax) {
                taxes.add(
                    cell(*price),
                    cell(*tax),
                    mapping.of(Field::Currency).next().map_or("", |found| cell(found.column)),
                );
            }
            if let Some(text) = currency_cell.map(cell).filter(|text| !is_missing(text)) {
                other_currency |= currency_of(text) != Some(settings.currency);
            }
            if let Some(text) = id.map(cell).filter(|text| !text.is_empty()) {
                let [with, without] = &mut ids;
                if text.contains(char::is_numeric) {
                    *with += 1;
                } else if !mapping.is_of_nobody(&row.cells) {
                    *without += 1;
                }
                // What was given back is no second row of its order.
                if given_back.column(&row.cells).is_some() {
                    continue;
                }
                let Ok(id) = order_id(text) else { continue };
                let hash = hasher.hash_one(id.as_str());
                if (last != Some(hash) || !mapping.has_lines) && !seen.insert(hash) {
                    scattered.insert(hash);
                }
                last = Some(hash);
                // One order whose rows have different totals shows that the column holds those of the items.
                if let Some(text) = total.map(cell).filter(|text| !totals_differ && !is_missing(text)) {
                    let text = figure(text);
                    totals_differ = totals.entry(hash).or_insert_with(|| text.clone()) != &text;
                }
            }
        }
        let name = |column: usize| mapping.names.get(column).cloned().unwrap_or_default();
        if let Some((column, [text, date])) =
            swaps.iter().filter_map(|(column, found)| Some((*column, found.examples()?))).min()
        {
            return Err(ImportError::SwappedDates { file: file.to_owned(), column: name(column), text, date });
        }
        let mut columns: Vec<(usize, Result<DateColumn, Ambiguous>)> =
            dates.into_iter().map(|(column, evidence)| (column, evidence.decide())).collect();
        columns.sort_by_key(|(column, _)| *column);
        // What one column leaves open, the others of the file may show, where they agree.
        let orders = columns.iter().filter_map(|(_, reader)| reader.as_ref().ok().and_then(DateColumn::order));
        let order = agreed(orders.filter(|order| *order != DateOrder::YearFirst));
        let (mut decided, mut by_settings) = (HashMap::new(), Vec::new());
        for (column, reader) in columns {
            if reader.is_err() && settings.dates.is_some() {
                by_settings.push(column);
            }
            let reader = reader.or_else(|error| {
                let order = settings.dates.or(order.filter(|order| error.orders.contains(order)));
                order.map(|order| DateColumn::in_order(order, &settings.context)).ok_or(error)
            });
            let reader = reader.map_err(|error| ImportError::AmbiguousDates {
                file: file.to_owned(),
                column: name(column),
                why: error.to_string(),
            })?;
            decided.insert(column, reader);
        }
        let said = unit(file, mapping, settings.currency)?;
        let unit = said.filter(|unit| *unit != settings.currency);
        let currency = unit.unwrap_or(settings.currency);
        let shared = settings.decimal.or(agreed(amounts.values().filter_map(|evidence| evidence.mark(currency))));
        let mark = |evidence: &AmountEvidence| evidence.mark(currency).or(shared);
        let open = amounts.iter().filter(|(_, evidence)| evidence.is_open(currency)).map(|(column, _)| *column);
        by_settings.extend(open.filter(|_| settings.decimal.is_some()));
        by_settings.sort_unstable();
        let amounts = amounts
            .iter()
            .map(|(column, evidence)| {
                let reader = AmountColumn::with_mark(mark(evidence), currency);
                (*column, reader.mixed(evidence.names_another(currency)))
            })
            .collect();
        let readers = Self {
            settings: settings.clone(),
            dates: decided,
            amounts,
            plain_amounts: AmountColumn::with_mark(shared, currency),
            by_settings,
            taxes_on_top: taxes.on_top(),
            unit,
            said_unit: said,
            totals_differ,
            other_currency,
        };
        Ok((readers, Survey { scattered, hasher, ids, given_back }))
    }
}

/// What all of them are.
fn agreed<T: PartialEq>(mut found: impl Iterator<Item = T>) -> Option<T> {
    let first = found.next()?;
    found.all(|other| other == first).then_some(first)
}

/// What a column's name says that its amounts are, other than an amount of the currency.
const SCALES: &[&str] = &[
    "paise",
    "paisa",
    "cents",
    "cent",
    "pence",
    "thousand",
    "thousands",
    "000",
    "lakh",
    "lakhs",
    "lac",
    "lacs",
    "crore",
    "crores",
    "million",
    "millions",
    "mio",
    "tausend",
    "tsd",
    "miles",
    "millones",
    "milhares",
    "mil",
    "k",
];

/// The currency that the column of totals names: `Total (USD)`, `Total USD`, `Total (€)`. The original's column always names rupees,
/// and says nothing.
fn unit(file: &str, mapping: &Mapping, shop: Currency) -> Result<Option<Currency>, ImportError> {
    let Some(total) = mapping.of(Field::Value).next().and_then(|found| mapping.names.get(found.column)) else {
        return Ok(None);
    };
    if mapping.preset == Some(Preset::Original) || plain(total) == plain(Field::Value.name()) {
        return Ok(None);
    }
    let refused =
        |why: String, hint: String| Err(ImportError::Unit { file: file.to_owned(), column: total.clone(), why, hint });
    let (before, inside) = total.split_once(['(', '[']).unwrap_or((total, ""));
    let words = |text: &str| -> Vec<String> {
        let words = text.split(|c: char| c.is_whitespace() || "()[],;:/_\'’`".contains(c));
        words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
    };
    let (before, inside) = (words(before), words(inside));
    let last = before.last().filter(|_| before.len() > 1);
    if let Some(scale) =
        inside.iter().chain(last).find(|word| SCALES.contains(&word.trim_matches('.').to_lowercase().as_str()))
    {
        let hint = format!(
            "write whole amounts of the currency into the column and name it “Total”, or add --map \"{}=ignore\"",
            total.replace('"', "\\\"")
        );
        return refused(format!("its name says “{scale}”, and amounts are read as they are written"), hint);
    }
    let mut marks: Vec<&String> = inside.iter().filter(|word| is_currency(word)).collect();
    if let [only] = inside.as_slice()
        && !["all", "top", "try", "pen", "mad", "cup"].contains(&only.as_str())
    {
        marks = vec![only];
    }
    marks.extend(last.filter(|word| is_currency(word)));
    let Some(mark) = marks.iter().find(|mark| currency_of_mark(mark, shop).is_some()) else { return Ok(None) };
    match currency_of_mark(mark, shop).flatten() {
        Some(currency) => Ok(Some(currency)),
        None => refused(
            format!("“{mark}” in its name is the sign of several currencies, and of {shop}, the shop's own, it is not"),
            "write the code of the currency instead, such as “Total (USD)”, or set [shop] currency".to_owned(),
        ),
    }
}

/// What is left of dates that a spreadsheet read with day and month exchanged: those with days up to 12 became dates, the others
/// stayed texts.
#[derive(Debug, Default)]
struct SwapEvidence {
    /// A date whose day is up to 12, and whether one has a later day.
    early: Option<String>,
    late: bool,
    /// A text one of whose first two numbers is above 12, and whether there is one that can be read in two ways.
    text: Option<String>,
    either: bool,
}

impl SwapEvidence {
    fn add(&mut self, text: &str) {
        let day = text.split([' ', 'T']).next().unwrap_or_default();
        let numbers: Vec<Option<u32>> = day.split(['-', '/', '.']).map(|part| part.parse().ok()).collect();
        match numbers.as_slice() {
            [Some(1_000..), Some(_), Some(day)] if *day > 12 => self.late = true,
            [Some(1_000..), Some(_), Some(_)] => drop(self.early.get_or_insert_with(|| text.to_owned())),
            [Some(one), Some(other), Some(_)] if (*one > 12) != (*other > 12) => {
                self.text.get_or_insert_with(|| text.to_owned());
            }
            [Some(_), Some(_), Some(_)] => self.either = true,
            _ => {}
        }
    }

    /// A text and a date, where the dates are not to be believed.
    fn examples(&self) -> Option<[String; 2]> {
        if self.late || self.either {
            return None;
        }
        Some([self.text.clone()?, self.early.clone()?])
    }
}

/// Whether the prices of an Amazon report contain the taxes: in the United States and Canada they come on top, elsewhere they are mostly inside.
/// The rates show it: 68.58 of 640 is 12 % of what is left, and no rate of the whole.
#[derive(Debug, Default)]
struct TaxEvidence {
    inside: u32,
    on_top: u32,
}

impl TaxEvidence {
    fn add(&mut self, price: &str, tax: &str, currency: &str) {
        let cents =
            |text: &str| Money::parse(text, Currency::new(currency).unwrap_or_default()).ok().map(Money::minor_units);
        let (Some(price), Some(tax)) = (cents(price), cents(tax)) else { return };
        if tax <= 0 || price <= tax {
            return;
        }
        if ["USD", "CAD"].contains(&currency) {
            self.on_top += 1;
            return;
        }
        // Rates are multiples of a quarter of a percent; the tax is rounded to a cent.
        let is_rate = |base: i64| (4..=160).any(|quarters: i64| (base * quarters - tax * 400).abs() <= 200);
        match (is_rate(price - tax), is_rate(price)) {
            (true, false) => self.inside += 1,
            (false, true) => self.on_top += 1,
            _ => {}
        }
    }

    /// In doubt the smaller total.
    fn on_top(&self) -> bool {
        self.on_top > self.inside
    }
}
