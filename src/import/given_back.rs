//! Rows that are about money given back: the total is below zero, or a column such as `Type` calls the row a refund. They are no
//! orders. What is known of the payment of their orders is not the whole truth any more, whichever of the rows comes first.

use std::collections::HashSet;

use csv::StringRecord;

use super::field::{Field, plain};
use super::mapping::Mapping;
use super::row::order_id;
use super::values::{is_kind_of_refund, is_missing, is_negative};

/// Names of columns that say what a row is.
const KINDS: &[&str] = &[
    "type",
    "rowtype",
    "recordtype",
    "transactiontype",
    "entrytype",
    "ordertype",
    "documenttype",
    "doctype",
    "vouchertype",
    "invoicetype",
    "posttype",
    "kind",
    "typ",
    "belegart",
    "tipo",
    "tipodepedido",
];
/// Names of columns that say of which other row's order a row is.
const PARENTS: &[&str] = &[
    "parentorderid",
    "parentid",
    "parentorder",
    "parentordernumber",
    "originalorder",
    "originalorderid",
    "originalordernumber",
    "relatedorder",
    "relatedorderid",
    "refundedorder",
    "refundedorderid",
    "orderparent",
    "postparent",
];
/// Words of a column that are remembered: it has few.
const WORDS: usize = 32;

/// What a file says of money given back.
#[derive(Debug, Default)]
pub(super) struct GivenBack {
    ids: Vec<usize>,
    total: Option<usize>,
    kinds: Vec<usize>,
    parents: Vec<usize>,
    /// Words of the columns that say what a row is, and whether each is one for a refund.
    words: Vec<(String, bool)>,
    /// Orders of which money was given back.
    orders: HashSet<String>,
}

/// An id without the sign that one export writes and another leaves out.
fn bare(id: &str) -> &str {
    id.trim_start_matches('#')
}

impl GivenBack {
    pub(super) fn new(mapping: &Mapping) -> Self {
        let named = |names: &[&str]| {
            let columns = mapping.names.iter().enumerate().filter(|(_, name)| names.contains(&plain(name).as_str()));
            let free = columns.filter(|(column, _)| !mapping.uses.iter().any(|used| used.column == *column));
            free.map(|(column, _)| column).collect()
        };
        Self {
            ids: mapping.of(Field::OrderId).map(|found| found.column).collect(),
            total: mapping.of(Field::Value).next().map(|found| found.column),
            kinds: named(KINDS),
            parents: named(PARENTS),
            ..Self::default()
        }
    }

    /// The column by which a row is about money given back.
    pub(super) fn column(&mut self, cells: &StringRecord) -> Option<usize> {
        let total = self.total.filter(|column| cells.get(*column).is_some_and(is_negative));
        total.or_else(|| {
            let kinds = std::mem::take(&mut self.kinds);
            let found =
                kinds.iter().find(|column| cells.get(**column).is_some_and(|text| self.is_refund(text))).copied();
            self.kinds = kinds;
            found
        })
    }

    fn is_refund(&mut self, text: &str) -> bool {
        if let Some((_, known)) = self.words.iter().find(|(word, _)| word == text) {
            return *known;
        }
        let is = is_kind_of_refund(text);
        if self.words.len() < WORDS {
            self.words.push((text.to_owned(), is));
        }
        is
    }

    /// Takes in a row. All rows should be, before the first order is read.
    pub(super) fn add(&mut self, cells: &StringRecord) {
        if self.column(cells).is_none() {
            return;
        }
        let columns = self.ids.iter().chain(&self.parents);
        let texts = columns.filter_map(|column| cells.get(*column)).filter(|text| !is_missing(text));
        self.orders.extend(texts.filter_map(|text| Some(bare(order_id(text).ok()?.as_str()).to_owned())));
    }

    /// Whether money of an order was given back.
    pub(super) fn concerns(&self, id: &str) -> bool {
        !self.orders.is_empty() && self.orders.contains(bare(id))
    }
}
