//! Reads a file once before its orders are read, to find out how its dates and amounts are written, and which orders have rows that do not
//! stand together.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};

use super::error::ImportError;
use super::field::{Field, Kind};
use super::header::Header;
use super::mapping::{Mapping, Samples};
use super::preset::Preset;
use super::reader::Settings;
use super::row::{Readers, is_decided, order_id};
use super::source::{Row, Table};
use super::values::{Ambiguous, AmountColumn, AmountEvidence, DateColumn, DateEvidence, DateOrder};
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
    /// Orders whose rows do not stand together, by the hash of their ids.
    scattered: HashSet<u64>,
    hasher: RandomState,
    /// Rows whose id has a digit, and others.
    ids: [u64; 2],
}

impl Survey {
    /// Whether rows of other orders stand between those of this one.
    pub(super) fn is_scattered(&self, id: &OrderId) -> bool {
        self.scattered.contains(&self.hasher.hash_one(id.as_str()))
    }

    /// Whether the ids of the file have digits: then a word in their place is none.
    pub(super) fn ids_have_digits(&self) -> bool {
        let [with, without] = self.ids;
        with > without
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
        let hasher = RandomState::new();
        let (mut seen, mut scattered) = (HashSet::new(), HashSet::new());
        let mut last = None;
        let mut taxes = TaxEvidence::default();
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
            let cell = |column: usize| row.cells.get(column).unwrap_or_default();
            for (column, evidence) in &mut dates {
                let text = cell(*column);
                if !text.is_empty() {
                    evidence.add(text);
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
            if let Some(text) = id.map(cell).filter(|text| !text.is_empty()) {
                let [with, without] = &mut ids;
                *(if text.contains(char::is_numeric) { with } else { without }) += 1;
                if !mapping.has_lines {
                    continue;
                }
                let Ok(id) = order_id(text) else { continue };
                let hash = hasher.hash_one(id.as_str());
                if last != Some(hash) && !seen.insert(hash) {
                    scattered.insert(hash);
                }
                last = Some(hash);
            }
        }
        let name = |column: usize| mapping.names.get(column).cloned().unwrap_or_default();
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
        let unit = unit(mapping, settings.currency);
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
        };
        Ok((readers, Survey { scattered, hasher, ids }))
    }
}

/// What all of them are.
fn agreed<T: PartialEq>(mut found: impl Iterator<Item = T>) -> Option<T> {
    let first = found.next()?;
    found.all(|other| other == first).then_some(first)
}

/// The currency that the column of totals names: `Total (USD)`. The original's column always names rupees.
fn unit(mapping: &Mapping, shop: Currency) -> Option<Currency> {
    let total = mapping.of(Field::Value).next().and_then(|found| mapping.names.get(found.column))?;
    let inside = total.split(['(', '[']).nth(1)?.trim_end_matches([')', ']', ' ']);
    let known = inside.len() == 3 && inside.bytes().all(|letter| letter.is_ascii_uppercase());
    let unit = Currency::new(inside).filter(|unit| known && *unit != shop)?;
    (mapping.preset != Some(Preset::Original)).then_some(unit)
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
