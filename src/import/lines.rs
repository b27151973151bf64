//! Lines of orders: what a cell with several items holds, and a second file with one line a row.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use super::error::{ImportError, RowError};
use super::field::{Field, plain};
use super::header::Header;
use super::mapping::{Choice, Mapping};
use super::reader::Settings;
use super::row::{LeftOut, Readers, order_id};
use super::source::{Input, Row, Table};
use super::summary::{FileSummary, summary_of};
use super::values::AmountColumn;
use crate::domain::currency::Currency;
use crate::domain::ids::OrderId;
use crate::domain::money::Money;
use crate::domain::order::OrderLine;
use crate::domain::words::excerpt;

/// The most lines of one order that are kept.
const MOST: usize = 1_000;
/// The most lines of a second file.
const MOST_IN_FILE: u64 = 3_000_000;

/// Whether a quantity says that nothing is left of a line: `0`, or `-1` of what was given back.
pub(super) fn is_gone(quantity: &str) -> bool {
    let quantity = quantity.trim();
    let digits = quantity.trim_matches(['0', '.', ',', ' ']).is_empty() && quantity.contains('0');
    digits || quantity.starts_with(['-', '−'])
}

/// How many; at least one.
pub(super) fn quantity(text: &str) -> Option<u32> {
    let whole = text
        .trim()
        .split_once(['.', ','])
        .map_or(text.trim(), |(whole, rest)| if rest.bytes().all(|digit| digit == b'0') { whole } else { "" });
    whole.parse().ok().filter(|count| *count > 0)
}

/// The price of one, where the price of all divides without a rest.
pub(super) fn of_one(total: Money, quantity: u32) -> Option<Money> {
    let quantity = i64::from(quantity);
    (quantity > 0 && total.minor_units() % quantity == 0)
        .then(|| Money::from_minor_units(total.minor_units() / quantity))
}

/// A line cannot be read. Those beside it would say that the order holds no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unreadable;

/// The lines that the text of a cell is: JSON, `name:Tea|quantity:2|total:20.00;…`, or `2 × Tea, Ghee x 1`.
///
/// # Errors
/// Where one of them cannot be read.
pub(super) fn parse(
    text: &str,
    amounts: AmountColumn,
    currency: Option<Currency>,
) -> Result<Vec<OrderLine>, Unreadable> {
    let text = text.trim();
    if text.starts_with('[') || text.starts_with('{') {
        let read = |one: &Value| object(one, amounts, currency);
        match serde_json::from_str(text) {
            Ok(Value::Array(list)) => return all(list.iter().map(read)),
            Ok(one @ Value::Object(_)) => return all([read(&one)]),
            _ => {}
        }
    }
    if text.contains('|') && text.contains(':') {
        let parts = text.split(';').filter(|part| !part.trim().is_empty());
        let keyed: Vec<_> = parts.map(|one| pairs(one, amounts, currency)).collect();
        // Where nothing is read so, it is written in another way.
        if keyed.iter().any(Result::is_ok) {
            return all(keyed);
        }
    }
    let parts = text.split(['\n', ';']).flat_map(split_counted).map(str::trim).filter(|part| !part.is_empty());
    Ok(parts.take(MOST).map(counted).collect())
}

/// The lines of which something is left; an error where one cannot be read.
fn all(read: impl IntoIterator<Item = Result<Option<OrderLine>, Unreadable>>) -> Result<Vec<OrderLine>, Unreadable> {
    let read: Vec<Option<OrderLine>> = read.into_iter().collect::<Result<_, _>>()?;
    Ok(read.into_iter().flatten().take(MOST).collect())
}

/// A comma parts items where a count stands at every part, or before what follows it: names hold commas, too, as in
/// `2× Filter Coffee, 1× Ghee, 500 ml`.
fn split_counted(text: &str) -> Vec<&str> {
    let is_counted = |part: &str| counted(part.trim()).name.len() < part.trim().len();
    if text.split(',').all(is_counted) {
        return text.split(',').collect();
    }
    let begins = |part: &str| {
        let part = part.trim_start();
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        let rest = part.get(digits..).unwrap_or_default().trim_start();
        digits > 0 && (rest.starts_with(['×', '*']) || rest.starts_with("x "))
    };
    if !begins(text) {
        return vec![text];
    }
    let (mut found, mut from) = (Vec::new(), 0);
    for (at, _) in text.match_indices(',') {
        if begins(&text[at + 1..]) {
            found.push(&text[from..at]);
            from = at + 1;
        }
    }
    found.push(&text[from..]);
    found
}

/// `2 × Tea`, `2x Tea`, `Tea x 2`, `Tea (2)`.
fn counted(text: &str) -> OrderLine {
    let line = |name: &str, quantity| OrderLine { name: name.trim().to_owned(), quantity, ..OrderLine::default() };
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    if let (Ok(count @ 1..), Some(rest)) = (text.get(..digits).unwrap_or_default().parse(), text.get(digits..)) {
        let rest = rest.trim_start();
        let mark = rest
            .strip_prefix(['×', '*'])
            .or_else(|| rest.strip_prefix(['x', 'X']).filter(|rest| rest.starts_with(' ')));
        if let Some(name) = mark.filter(|name| !name.trim().is_empty()) {
            return line(name, count);
        }
    }
    let bare = text.strip_suffix(')').unwrap_or(text);
    let name = bare.trim_end_matches(|c: char| c.is_ascii_digit());
    if let (Ok(count @ 1..), true) = (bare.get(name.len()..).unwrap_or_default().parse(), name.len() > 1) {
        let name = name.trim_end();
        let counted = if bare.len() < text.len() {
            name.strip_suffix('(')
        } else {
            name.strip_suffix(['×', '*'])
                .or_else(|| name.strip_suffix([' ', '\u{A0}', 'x']).filter(|_| name.ends_with(" x")))
        };
        if let Some(name) = counted.filter(|name| !name.trim().is_empty()) {
            return line(name, count);
        }
    }
    line(text, 1)
}

fn pairs(text: &str, amounts: AmountColumn, currency: Option<Currency>) -> Result<Option<OrderLine>, Unreadable> {
    let found: HashMap<String, &str> = text
        .split('|')
        .filter_map(|pair| pair.split_once(':'))
        .map(|(key, value)| (plain(key), value.trim()))
        .collect();
    let get = |keys: &[&str]| keys.iter().find_map(|key| found.get(*key)).copied().filter(|value| !value.is_empty());
    build(&get, amounts, currency)
}

fn object(value: &Value, amounts: AmountColumn, currency: Option<Currency>) -> Result<Option<OrderLine>, Unreadable> {
    if let Some(text) = value.as_str() {
        return Ok(Some(counted(text.trim())));
    }
    let object = value.as_object().ok_or(Unreadable)?;
    let found: HashMap<String, String> =
        object.iter().map(|(key, value)| (plain(key), super::source::json::cell(value))).collect();
    let get = |keys: &[&str]| {
        keys.iter().find_map(|key| found.get(*key)).map(String::as_str).filter(|value| !value.is_empty())
    };
    build(&get, amounts, currency)
}

/// A line by the names of its parts; `None` where nothing of it is left. Half a kilogram is no number of pieces: such a line is one
/// piece, and what is known of its price is the total.
fn build<'a>(
    get: &impl Fn(&[&str]) -> Option<&'a str>,
    amounts: AmountColumn,
    currency: Option<Currency>,
) -> Result<Option<OrderLine>, Unreadable> {
    let name = get(&["name", "title", "productname", "itemname", "product", "item", "description"]);
    let sku = get(&["sku", "itemsku", "productsku", "code", "itemcode"]);
    let name = name.or(sku).ok_or(Unreadable)?;
    let written = get(&["currentquantity", "quantity", "qty", "count", "units", "itemquantity"]);
    if written.is_some_and(is_gone) {
        return Ok(None);
    }
    let whole = written.map_or(Some(1), quantity);
    let name = match (whole, written) {
        (None, Some(written)) => format!("{name} ({written})"),
        _ => name.to_owned(),
    };
    let amount = |keys: &[&str]| get(keys).and_then(|text| amounts.read(text, currency).ok().flatten());
    let price = amount(&["price", "unitprice", "itemprice", "cost", "itemcost"]).filter(|_| whole.is_some());
    let count = whole.unwrap_or(1);
    let price = price.or_else(|| of_one(amount(&["total", "linetotal", "subtotal", "amount", "itemtotal"])?, count));
    Ok(Some(OrderLine { sku: sku.map(str::to_owned), name, quantity: count, price }))
}

/// The lines of a second file, by order. Clones are the same file: what one of them gives out is used.
#[derive(Debug, Clone)]
pub struct LinesFile {
    by_order: Arc<Mutex<HashMap<OrderId, OfOrder>>>,
    /// Rows that could not be used.
    pub bad: Vec<RowError>,
    summary: FileSummary,
}

/// The lines of one order.
#[derive(Debug, Default)]
struct OfOrder {
    lines: Vec<OrderLine>,
    /// Where they stand.
    rows: Vec<(u64, Option<String>)>,
    /// Whether a row of them cannot be used: half of an order's lines would say that it holds no more.
    broken: bool,
    used: bool,
}

impl LinesFile {
    /// Reads a file with an order's id, and name or SKU, quantity and price of an item in every row.
    ///
    /// # Errors
    /// When it cannot be read, or no column is the order's id or names the item.
    pub fn read(input: &Input, settings: &Settings) -> Result<Self, ImportError> {
        let table = Table::new(input, settings.hint().as_deref(), &|rows| super::header::score(rows, &[]))?;
        let header = Header::find(input.name(), &table, &[])?;
        let choices: Vec<Choice> =
            settings.choices.iter().map(|choice| Choice { required: false, ..choice.clone() }).collect();
        let samples = super::survey::samples(&table, &header)?;
        let mut mapping = Mapping::new(input.name(), &header.names, &samples, None, &choices)?;
        // In a file of lines, the name of a row is an item's.
        if !mapping.has(Field::ItemName) && !mapping.has(Field::ItemSku) {
            mapping
                .uses
                .iter_mut()
                .filter(|found| found.field == Field::CustomerName)
                .for_each(|found| found.field = Field::ItemName);
        }
        let item = mapping.has(Field::ItemName) || mapping.has(Field::ItemSku);
        if !mapping.has(Field::OrderId) || !item {
            return Err(ImportError::NoLines { file: input.name().to_owned(), found: header.names });
        }
        let readers = Readers::decide(input.name(), &table, &header, &mapping, settings)?.0;
        let mut summary = summary_of(input, &table, &header, &mapping, &readers, &samples);
        let (mut by_order, mut bad) = (HashMap::<OrderId, OfOrder>::new(), Vec::new());
        let mut rows = table.rows()?;
        let mut row = Row::default();
        while rows.next(&mut row)? {
            if header.covers(&row) {
                continue;
            }
            summary.rows += 1;
            let error = |column: Option<usize>, reason: &str| RowError {
                file: input.name().to_owned(),
                sheet: table.sheet(&row).map(str::to_owned),
                line: row.line,
                column: column.and_then(|column| mapping.names.get(column).cloned()),
                reason: excerpt(reason, 200),
            };
            let mut ids = mapping.of(Field::OrderId).map(|found| (found.column, row.cells.get(found.column)));
            let (column, id) = ids.find_map(|(column, id)| Some((column, id.filter(|id| !id.is_empty())?))).unzip();
            let id = match order_id(id.unwrap_or_default()) {
                Ok(id) => id,
                Err(reason) => {
                    let column = column.or(mapping.of(Field::OrderId).next().map(|found| found.column));
                    bad.push(error(column, &reason));
                    continue;
                }
            };
            let mut left_out = LeftOut::default();
            let read = readers.line(&mapping, &row.cells, 0, None, &mut left_out);
            let notes = left_out.notes.into_iter();
            let of_order = by_order.entry(id.clone()).or_default();
            match read {
                Ok(Some(line)) => {
                    for note in notes {
                        summary.note(error(note.column, &note.reason));
                    }
                    summary.lines += 1;
                    if of_order.lines.len() < MOST {
                        of_order.lines.push(line);
                        of_order.rows.push((row.line, table.sheet(&row).map(str::to_owned)));
                    }
                }
                // What was given back, or taken out of the order.
                Ok(None) if notes.len() > 0 && !left_out.lines => {
                    bad.extend(notes.map(|note| error(note.column, &note.reason)));
                }
                Ok(None) => {
                    of_order.broken = true;
                    bad.push(error(None, &format!("the row names no item: order {id} is left without lines")));
                }
                Err(reason) => {
                    of_order.broken = true;
                    bad.push(error(None, &format!("{reason}: order {id} is left without lines")));
                }
            }
            if summary.lines > MOST_IN_FILE {
                return Err(input.failed(row.line, &"a file of lines is kept in memory, and this one is too long"));
            }
        }
        summary.bad_rows = bad.len() as u64;
        Ok(Self { by_order: Arc::new(Mutex::new(by_order)), bad, summary })
    }

    /// The lines of an order: none where one of them cannot be used.
    pub(super) fn of(&self, id: &OrderId) -> Option<Vec<OrderLine>> {
        let mut by_order = self.by_order.lock().unwrap_or_else(PoisonError::into_inner);
        let of_order = by_order.get_mut(id)?;
        of_order.used = true;
        Some(if of_order.broken { Vec::new() } else { of_order.lines.clone() })
    }

    /// Rows about orders that no file of orders holds.
    pub(super) fn orphans(&self) -> Vec<RowError> {
        let by_order = self.by_order.lock().unwrap_or_else(PoisonError::into_inner);
        let mut rows: Vec<RowError> = by_order
            .iter()
            .filter(|(_, of_order)| !of_order.used)
            .flat_map(|(id, of_order)| {
                of_order.rows.iter().map(move |(line, sheet)| RowError {
                    file: self.summary.file.clone(),
                    sheet: sheet.clone(),
                    line: *line,
                    column: None,
                    reason: format!("there is no order {id} among those that are imported"),
                })
            })
            .collect();
        rows.sort_by(|one, other| (&one.sheet, one.line).cmp(&(&other.sheet, other.line)));
        rows
    }

    /// How messages call the file.
    pub(super) fn name(&self) -> &str {
        &self.summary.file
    }

    /// What the file was, and the counts of its rows.
    pub fn summary(&self) -> FileSummary {
        let mut summary = self.summary.clone();
        let orphans = self.orphans().len() as u64;
        summary.bad_rows += orphans;
        summary.lines = summary.lines.saturating_sub(orphans);
        summary
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<(u32, String, Option<i64>, Option<String>)> {
        let amounts = AmountColumn::with_mark(None, Currency::INR);
        let found = parse(text, amounts, None).unwrap();
        found.into_iter().map(|line| (line.quantity, line.name, line.price.map(Money::minor_units), line.sku)).collect()
    }

    #[test]
    fn items_as_programs_write_them() {
        let line =
            |quantity, name: &str, price, sku: Option<&str>| (quantity, name.to_owned(), price, sku.map(str::to_owned));
        let json =
            r#"[{"sku":"T1","title":"Tea, green","quantity":2,"price":"12.50"},{"name":"Ghee","qty":1,"total":279}]"#;
        assert_eq!(lines(json), [line(2, "Tea, green", Some(1250), Some("T1")), line(1, "Ghee", Some(27_900), None)]);
        let pairs = "name:Tea|product_id:7|sku:T1|quantity:2|total:25.00;name:Ghee|quantity:3|total:10.00";
        assert_eq!(lines(pairs), [line(2, "Tea", Some(1250), Some("T1")), line(3, "Ghee", None, None)]);
        assert_eq!(lines("2× Ghee, 1× Tea"), [line(2, "Ghee", None, None), line(1, "Tea", None, None)]);
        assert_eq!(lines("Ghee x 2\nTea"), [line(2, "Ghee", None, None), line(1, "Tea", None, None)]);
        let three = [line(2, "Filter Coffee", None, None), line(1, "Ghee, 500 ml", None, None)];
        assert_eq!(lines("2× Filter Coffee, 1× Ghee, 500 ml"), three);
        assert_eq!(lines("Rice, 5 kg"), [line(1, "Rice, 5 kg", None, None)]);
        assert_eq!(lines("3x5 cards"), [line(1, "3x5 cards", None, None)]);
        assert_eq!(lines("Box 12"), [line(1, "Box 12", None, None)]);
        assert_eq!(lines(""), []);
    }

    /// One item of two would be the whole order, and its price would be all that was paid.
    #[test]
    fn a_line_that_cannot_be_read_leaves_none_beside_it() {
        let line = |name: &str, price: Option<i64>| (1, name.to_owned(), price, None);
        let tea = || line("Tea", Some(1_000));
        for (text, whole) in [
            ("name:Rice|quantity:1.5|total:90;name:Tea|quantity:1|total:10", "Rice (1.5)"),
            (
                r#"[{"name":"Rice","quantity":"1.5 kg","total":90},{"name":"Tea","quantity":1,"total":10}]"#,
                "Rice (1.5 kg)",
            ),
        ] {
            assert_eq!(lines(text), [line(whole, Some(9_000)), tea()], "{text}");
        }
        let unit = r#"[{"name":"Rice","quantity":1.5,"price":60},{"name":"Tea","price":10}]"#;
        assert_eq!(lines(unit), [line("Rice (1.5)", None), tea()], "what one and a half cost is not said");
        let amounts = AmountColumn::with_mark(None, Currency::INR);
        for text in [
            "name:Tea|quantity:1|total:10;quantity:1|total:90",
            "name:Tea|quantity:1|total:10; and more",
            r#"[{"name":"Tea","total":10},{"quantity":1,"total":90}]"#,
            r#"[{"name":"Tea","total":10},null]"#,
            r#"[{"name":"Tea","total":10},7]"#,
        ] {
            assert_eq!(parse(text, amounts, None), Err(Unreadable), "{text}");
        }
        // What was taken out of the order is no part of it.
        for gone in ["0", "0.0", "-1"] {
            assert_eq!(lines(&format!("name:Rice|quantity:{gone}|total:0;name:Tea|total:10;")), [tea()], "{gone}");
        }
    }
}
