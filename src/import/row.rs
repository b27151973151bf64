//! Makes an order of a row, or of the several rows that are about it. An amount, identifier or telephone number that cannot be read is an
//! error of the row.

mod join;
mod payment;

use std::borrow::Cow;
use std::collections::HashMap;

use csv::StringRecord;
use jiff::civil::DateTime;
use jiff::{Timestamp, ToSpan as _};

use super::field::{Field, Kind};
use super::lines::{self, is_gone, of_one, quantity};
use super::mapping::{Mapping, Use};
use super::preset::{Part, Preset};
use super::reader::Settings;
use super::source::sheet::NO_VALUE;
use super::values::{AmountColumn, AmountError, DateColumn, is_missing, is_refund_processed, no_currency, placed_at};
use crate::domain::currency::Currency;
use crate::domain::ids::OrderId;
use crate::domain::money::Money;
use crate::domain::order::{Order, OrderLine, PaymentState};
use crate::domain::phone;
use crate::domain::words::excerpt;

/// The longest order identifier, in bytes.
const LONGEST_ID: usize = 64;

/// Why a row is not usable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CellError {
    pub(super) column: Option<usize>,
    pub(super) reason: String,
}

/// The text of a cell for a message.
fn quoted(text: &str) -> String {
    format!("“{}”", excerpt(text, 40))
}

fn bad(column: usize, reason: String) -> CellError {
    CellError { column: Some(column), reason }
}

/// The identifier that a text is.
pub(super) fn order_id(text: &str) -> Result<OrderId, String> {
    let text = unguarded(text);
    if text.is_empty() {
        return Err("the cell is empty".to_owned());
    }
    let shortened = |(number, exponent): (&str, &str)| {
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        digits(&number.replace(['.', ','], "")) && digits(exponent.strip_prefix('+').unwrap_or(exponent))
    };
    if text.split_once(['E', 'e']).is_some_and(shortened) {
        return Err(format!("{}: a spreadsheet has shortened it, and its last digits are lost", quoted(text)));
    }
    let error = text.starts_with('#')
        && text.ends_with(['!', '?', 'A'])
        && text.len() < 12
        && !text.contains(|c: char| c.is_ascii_digit());
    if text.len() > LONGEST_ID || text.contains(char::is_control) || error || is_missing(text) {
        return Err(format!("{} is no identifier", quoted(text)));
    }
    // pandas writes the whole numbers of a column with gaps as `1501.0`.
    let whole = text.strip_suffix(".0").filter(|whole| whole.bytes().all(|digit| digit.is_ascii_digit()));
    Ok(OrderId::new(whole.filter(|whole| !whole.is_empty()).unwrap_or(text)))
}

/// The text without the apostrophe by which spreadsheets and exports keep it from being read as a number or a formula.
fn unguarded(text: &str) -> &str {
    let inside =
        text.strip_prefix('\'').filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit() || "+-=@#".contains(c)));
    inside.unwrap_or(text).trim()
}

/// An error of a spreadsheet's formula.
fn is_error(text: &str) -> bool {
    text.starts_with('#')
        && [NO_VALUE, "#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NULL!", "#NUM!", "#DATA!"].contains(&text)
}

/// How the columns of a file are read.
#[derive(Debug, Clone)]
pub(super) struct Readers {
    pub(super) settings: Settings,
    /// By column.
    pub(super) dates: HashMap<usize, DateColumn>,
    /// By column.
    pub(super) amounts: HashMap<usize, AmountColumn>,
    /// How amounts inside lists of items are read.
    pub(super) plain_amounts: AmountColumn,
    /// Whether taxes come on top of the prices of an Amazon report; else these contain them.
    pub(super) taxes_on_top: bool,
    /// The currency that the name of the column of totals gives.
    pub(super) unit: Option<Currency>,
    /// The same, also where it is the shop's own.
    pub(super) said_unit: Option<Currency>,
    /// Whether the rows of some order have different totals: then none of them is certainly that of an order.
    pub(super) totals_differ: bool,
    /// Whether rows name another currency than the shop's: one that names none may be in that one, too.
    pub(super) other_currency: bool,
    /// Columns that the settings decide: their own values do not say how they are read.
    pub(super) by_settings: Vec<usize>,
}

/// What of a row is left out, or read in another way than it is written, although the row is used.
#[derive(Debug, Clone, Default)]
pub(super) struct LeftOut {
    /// How many values cannot be read, and are left out.
    pub(super) values: u64,
    /// What is said about it.
    pub(super) notes: Vec<CellError>,
    /// What is said once for all rows of which it is true.
    pub(super) words: Vec<CellError>,
    /// Whether a line of the order cannot be read. Then it has none: those beside it would say that it holds no more.
    pub(super) lines: bool,
}

impl LeftOut {
    /// A value that cannot be read.
    #[expect(clippy::needless_pass_by_value, reason = "it is over with the error")]
    fn value(&mut self, error: CellError) {
        self.values += 1;
        let reason = format!("{}: left out", error.reason);
        self.notes.push(CellError { reason, ..error });
    }

    fn note(&mut self, column: Option<usize>, reason: String) {
        self.notes.push(CellError { column, reason });
    }
}

/// An order of which rows are still to come.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    pub(super) order: Order,
    /// The cell of the total, and its column.
    total: Option<(Money, usize)>,
    parts: HashMap<Part, Money>,
    /// Whether an amount of a part is not known.
    incomplete: bool,
    refunded: Option<Money>,
    /// Whether something that cannot be read may say that money went back.
    pub(super) doubtful: bool,
    cancelled: bool,
    /// Values that cannot be read and are left out.
    pub(super) left_out: LeftOut,
    /// Telephone numbers that are left out.
    pub(super) phones_left_out: u64,
}

/// The cells of one row.
struct Cells<'a> {
    mapping: &'a Mapping,
    cells: &'a StringRecord,
}

impl<'a> Cells<'a> {
    fn at(&self, column: usize) -> &'a str {
        let text = self.cells.get(column).unwrap_or_default();
        if is_error(text) { "" } else { text }
    }

    /// The cells of a field that are not empty.
    fn all(&self, field: Field) -> impl Iterator<Item = (&'a Use, &'a str)> + use<'a, '_> {
        self.mapping.of(field).map(|found| (found, self.at(found.column))).filter(|(_, text)| !text.is_empty())
    }

    fn first(&self, field: Field) -> Option<(usize, &'a str)> {
        self.all(field).next().map(|(found, text)| (found.column, text))
    }

    fn text(&self, field: Field) -> Option<String> {
        self.first(field).map(|(_, text)| text).filter(|text| !is_missing(text)).map(str::to_owned)
    }

    /// A date of a column whose name says that it is in UTC says so, too.
    fn dated(&self, column: usize, text: &'a str) -> Cow<'a, str> {
        let utc = self.mapping.utc.contains(&column);
        if utc && text.ends_with(|c: char| c.is_ascii_digit()) && !text.contains('+') {
            return Cow::Owned(format!("{text}Z"));
        }
        Cow::Borrowed(text)
    }
}

impl Readers {
    fn strict(&self, mapping: &Mapping) -> bool {
        mapping.preset == Some(Preset::Original) || self.settings.strict_values
    }

    fn amount(&self, column: usize, text: &str, currency: Option<Currency>) -> Result<Option<Money>, CellError> {
        let reader = self.amounts.get(&column).unwrap_or(&self.plain_amounts);
        reader.read(text, currency).map_err(|error| {
            let hint = if matches!(error, AmountError::Ambiguous { .. }) {
                ", or add --decimal comma or --decimal point"
            } else {
                ""
            };
            bad(column, format!("{error}{hint}"))
        })
    }

    fn date(&self, cells: &Cells<'_>, field: Field, left_out: &mut LeftOut) -> Option<DateTime> {
        let (column, text) = cells.first(field)?;
        match self.dates.get(&column)?.read(&cells.dated(column, text)) {
            Ok(found) => found,
            Err(error) => {
                left_out.value(bad(column, error.to_string()));
                None
            }
        }
    }

    /// The item of a row in its columns with this number; `None` where there is none, or none of it is left, which is said in
    /// `left_out`. An error says what is wrong.
    pub(super) fn line(
        &self,
        mapping: &Mapping,
        cells: &StringRecord,
        slot: usize,
        currency: Option<Currency>,
        left_out: &mut LeftOut,
    ) -> Result<Option<OrderLine>, String> {
        let cell = |field| {
            let mut found = mapping
                .of(field)
                .filter(|found| found.slot == slot)
                .map(|found| (found.column, cells.get(found.column)));
            found.find_map(|(column, text)| Some((column, text.filter(|text| !text.is_empty() && !is_error(text))?)))
        };
        let sku = cell(Field::ItemSku).map(|(_, text)| unguarded(text)).filter(|text| !is_missing(text));
        let Some(name) = cell(Field::ItemName).map(|(_, text)| text).filter(|text| !is_missing(text)).or(sku) else {
            let named = [Field::ItemName, Field::ItemSku].into_iter().flat_map(|field| mapping.of(field));
            let mut amounts = [Field::ItemPrice, Field::ItemTotal].into_iter().filter_map(cell);
            let priced = amounts.find(|(_, text)| !is_missing(text) && !is_gone(text));
            if let Some((column, _)) = priced.filter(|_| named.into_iter().any(|found| found.slot == slot)) {
                left_out.lines = true;
                left_out.note(Some(column), "the item has no name: the order is left without lines".to_owned());
            }
            return Ok(None);
        };
        let written = cell(Field::ItemQuantity);
        let (count, name) = match (written, written.and_then(|(_, text)| quantity(text))) {
            (None, _) => (1, name.to_owned()),
            (Some(_), Some(count)) => (count, name.to_owned()),
            (Some((column, text)), None) if is_gone(text) => {
                let reason = format!("the quantity is {}: the line {} is left out", quoted(text), quoted(name));
                left_out.values += 1;
                left_out.note(Some(column), reason);
                return Ok(None);
            }
            // Half a kilogram is no number of pieces.
            (Some((column, text)), None) => {
                let kept = format!("{name} ({text})");
                left_out.note(
                    Some(column),
                    format!("{} is no whole number of pieces: the line is kept as 1 × {}", quoted(text), quoted(&kept)),
                );
                (1, kept)
            }
        };
        let amount = |field| {
            let Some((column, text)) = cell(field) else { return Ok(None) };
            self.amount(column, text, currency).map_err(|error| {
                format!("{}: {}", mapping.names.get(column).map_or("price", String::as_str), error.reason)
            })
        };
        let price = match amount(Field::ItemPrice)? {
            Some(price) => Some(price),
            None => amount(Field::ItemTotal)?.and_then(|total| of_one(total, count)),
        };
        Ok(Some(OrderLine { sku: sku.map(str::to_owned), name, quantity: count, price }))
    }

    /// Reads a row.
    pub(super) fn read(&self, mapping: &Mapping, cells: &StringRecord, id: OrderId) -> Result<Draft, CellError> {
        let cells = Cells { mapping, cells };
        let mut order = Order::new(id);
        let mut left_out = LeftOut::default();
        for found in mapping.uses.iter().filter(|found| found.field != Field::OrderId) {
            let text = cells.cells.get(found.column).unwrap_or_default();
            if text == NO_VALUE {
                let reason = "the formula has no value in the file: open it in a spreadsheet program, save it, and import it again";
                left_out.value(bad(found.column, reason.to_owned()));
            } else if is_error(text) && !is_missing(text) {
                left_out.value(bad(found.column, format!("{} is an error of a formula", quoted(text))));
            }
        }
        let strict = self.strict(mapping);
        order.customer_id =
            cells.first(Field::CustomerId).map(|(_, text)| unguarded(text).to_owned()).unwrap_or_default();
        let written = |field| cells.first(field).map(|(_, text)| text.to_owned()).unwrap_or_default();
        (order.platform, order.category) = (written(Field::Platform), written(Field::Category));
        order.feedback = written(Field::Feedback);
        order.status = cells.text(Field::Status);
        self.read_dates(&cells, &mut order, &mut left_out);
        self.read_facts(&cells, &mut order, strict, &mut left_out)?;
        let phones_left_out = self.read_phones(&cells, &mut order)?;
        let mut draft = Draft {
            order,
            total: None,
            parts: HashMap::new(),
            incomplete: false,
            refunded: None,
            doubtful: false,
            cancelled: cells.first(Field::CancelledAt).is_some_and(|(_, text)| !is_missing(text)),
            left_out,
            phones_left_out,
        };
        self.read_details(&cells, &mut draft);
        self.read_amounts(&cells, &mut draft, strict)?;
        self.read_payment(&cells, &mut draft);
        self.read_lines(&cells, &mut draft)?;
        Ok(draft)
    }

    fn read_dates(&self, cells: &Cells<'_>, order: &mut Order, left_out: &mut LeftOut) {
        let (placed, date) = (cells.first(Field::Placed), cells.first(Field::Date));
        order.placed = placed.map(|(_, text)| text.to_owned()).unwrap_or_default();
        order.date = date.map(|(_, text)| text.to_owned());
        let with = |found: Option<(usize, &'_ str)>| {
            let (column, text) = found?;
            Some((self.dates.get(&column)?, cells.dated(column, text).into_owned()))
        };
        let columns = [placed, date];
        let (placed, date) = (with(placed), with(date));
        let read = [&placed, &date];
        let date = date.as_ref().map(|(column, text)| (*column, text.as_str()));
        order.placed_at = match (&placed, date) {
            (Some((column, text)), date) => placed_at((column, text), date).unwrap_or_default(),
            (None, Some((column, text))) => column.read(text).unwrap_or_default(),
            (None, None) => None,
        };
        // Nobody has placed an order that is still to come: it was read wrongly, or written so.
        let latest = self.settings.context.today.saturating_add(1.day());
        if order.placed_at.is_some_and(|placed| placed.date() > latest) {
            order.placed_at = None;
            if let Some((column, text)) = columns.into_iter().flatten().next() {
                left_out.note(Some(column), format!("{} is still to come: kept as text", quoted(text)));
            }
            return;
        }
        // The original's data has times without a day in every row: they are counted.
        if order.placed_at.is_some() || cells.mapping.preset == Some(Preset::Original) {
            return;
        }
        for (column, found) in columns.into_iter().zip(read) {
            let error = found.as_ref().and_then(|(reader, text)| reader.read(text).err());
            if let (Some((column, _)), Some(error)) = (column, error) {
                left_out.note(Some(column), format!("{error}: kept as text"));
            }
        }
    }

    #[expect(clippy::unused_self, reason = "one of the readers of a row's cells")]
    fn read_facts(
        &self,
        cells: &Cells<'_>,
        order: &mut Order,
        strict: bool,
        left_out: &mut LeftOut,
    ) -> Result<(), CellError> {
        let mut kept = |outcome: Result<Option<u32>, CellError>| match outcome {
            Err(error) if strict => Err(error),
            Err(error) => {
                left_out.value(error);
                Ok(None)
            }
            Ok(found) => Ok(found),
        };
        let whole = |field, what: &str, fits: fn(&u32) -> bool| match cells.first(field) {
            Some((column, text)) => whole(text, what, fits).map_err(|reason| bad(column, reason)),
            None => Ok(None),
        };
        let yes_no = |field| match cells.first(field) {
            Some((column, text)) => yes_no(text).map(|yes| yes.map(u32::from)).map_err(|reason| bad(column, reason)),
            None => Ok(None),
        };
        order.delivery_minutes = kept(whole(Field::DeliveryMinutes, "a whole number of minutes", |_| true))?;
        let rating =
            kept(whole(Field::Rating, "a whole number of stars from 1 to 5", |stars| (1..=5).contains(stars)))?;
        order.rating = rating.and_then(|stars| u8::try_from(stars).ok());
        order.delayed = kept(yes_no(Field::Delay))?.map(|yes| yes == 1);
        // What the original writes once it has paid.
        let paid_back = cells.first(Field::RefundRequested).is_some_and(|(_, text)| is_refund_processed(text));
        if paid_back {
            order.refund_requested = Some(true);
            order.details.payment_state = Some(PaymentState::Refunded);
        } else {
            order.refund_requested = kept(yes_no(Field::RefundRequested))?.map(|yes| yes == 1);
        }
        Ok(())
    }

    /// The first telephone number is the customer's: an order with the number of somebody else would be shown to them. Further ones that
    /// cannot be read are left out, and counted.
    fn read_phones(&self, cells: &Cells<'_>, order: &mut Order) -> Result<u64, CellError> {
        let mut left_out = 0;
        let mut known: Vec<String> = Vec::new();
        for (found, text) in cells.all(Field::Phone).filter(|(_, text)| !is_missing(text)) {
            let Some(country) = self.settings.country else {
                if order.phone.is_none() {
                    order.phone = Some(text.to_owned());
                }
                continue;
            };
            match (phone::read(text, country), order.phone.is_none()) {
                (Ok(number), true) => {
                    order.phone = Some(text.to_owned());
                    known.push(number);
                }
                (Err(error), true) => return Err(bad(found.column, format!("{}: {error}", quoted(text)))),
                (Ok(number), false) if !known.contains(&number) => {
                    order.details.other_phones.push(text.to_owned());
                    known.push(number);
                }
                (Ok(_), false) => {}
                (Err(_), false) => left_out += 1,
            }
        }
        for (_, text) in cells.all(Field::OtherPhones).filter(|(_, text)| !is_missing(text)) {
            match self.settings.country.map(|country| phone::read_all(text, country)) {
                Some(Ok(numbers)) => {
                    for number in numbers.into_iter().filter(|number| !known.contains(number)).collect::<Vec<_>>() {
                        order.details.other_phones.push(format!("+{number}"));
                        known.push(number);
                    }
                }
                Some(Err(_)) => left_out += 1,
                None => order.details.other_phones.push(text.to_owned()),
            }
        }
        Ok(left_out)
    }

    fn read_details(&self, cells: &Cells<'_>, draft: &mut Draft) {
        let details = &mut draft.order.details;
        details.shop_id =
            cells.first(Field::ShopId).map(|(_, text)| unguarded(text).to_owned()).filter(|id| !is_missing(id));
        details.display_id = cells.first(Field::DisplayId).map(|(_, text)| unguarded(text).to_owned());
        let both = [cells.text(Field::FirstName), cells.text(Field::LastName)];
        let both = both.into_iter().flatten().collect::<Vec<_>>().join(" ");
        details.customer_name = cells.text(Field::CustomerName).or(Some(both).filter(|name| !name.is_empty()));
        details.email = cells.text(Field::Email).filter(|text| text.contains('@'));
        details.payment_method = cells.text(Field::PaymentMethod);
        details.payment_id =
            cells.first(Field::PaymentId).map(|(_, text)| unguarded(text).to_owned()).filter(|id| !is_missing(id));
        details.carrier = cells.text(Field::Carrier);
        details.tracking_number = cells.first(Field::TrackingNumber).map(|(_, text)| unguarded(text).to_owned());
        let link = |text: &String| text.starts_with("https://") || text.starts_with("http://");
        details.tracking_url = cells.text(Field::TrackingUrl).filter(link);
        details.invoice_url = cells.text(Field::InvoiceUrl).filter(link);
        details.postal_code = cells.first(Field::PostalCode).map(|(_, text)| unguarded(text).to_owned());
        let mut address: Vec<String> = Vec::new();
        for field in [Field::Address, Field::Address2, Field::City, Field::Region, Field::Country] {
            let part = cells.text(field).map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "));
            address.extend(part.filter(|part| !address.contains(part)));
        }
        details.address = Some(address.join(", ")).filter(|address| !address.is_empty());
        details.delivered_at = self.date(cells, Field::DeliveredAt, &mut draft.left_out);
        details.updated_at = self.moment(cells, Field::UpdatedAt, &mut draft.left_out);
        self.read_state(cells, draft);
    }

    fn moment(&self, cells: &Cells<'_>, field: Field, left_out: &mut LeftOut) -> Option<Timestamp> {
        let (column, text) = cells.first(field)?;
        // A text with an offset is exact also where the clocks go back.
        if let Ok(exact) = cells.dated(column, text).parse() {
            return Some(exact);
        }
        let local = self.date(cells, field, left_out)?;
        self.settings.context.zone.to_ambiguous_zoned(local).compatible().ok().map(|at| at.timestamp())
    }

    /// Refuses a total whose currency its row leaves open, or contradicts.
    fn check_currency(&self, cells: &Cells<'_>) -> Result<(), CellError> {
        let Some((total, _)) = cells.first(Field::Value).filter(|(_, text)| !is_missing(text)) else { return Ok(()) };
        let named = cells.first(Field::Currency).filter(|(_, text)| !is_missing(text));
        if let (Some((column, text)), Some(unit)) = (named, self.said_unit)
            && currency_of(text) != Some(unit)
        {
            let name = cells.mapping.names.get(total).map_or("Total", String::as_str);
            return Err(bad(column, format!("{}, and the column “{name}” is in {unit}", quoted(text))));
        }
        let column = cells.mapping.of(Field::Currency).next().map(|found| found.column);
        match column.filter(|_| named.is_none() && self.other_currency && self.said_unit.is_none()) {
            Some(column) => {
                Err(bad(column, "the cell is empty, and other rows name a currency that is not the shop's".to_owned()))
            }
            None => Ok(()),
        }
    }

    fn read_amounts(&self, cells: &Cells<'_>, draft: &mut Draft, strict: bool) -> Result<(), CellError> {
        let currency = match cells.first(Field::Currency).filter(|(_, text)| !is_missing(text)) {
            Some((column, text)) => Some(
                currency_of(text)
                    .ok_or_else(|| bad(column, format!("{} is no currency code such as INR or EUR", quoted(text))))?,
            ),
            // An order that says none is in rupees: one of another shop says its own.
            None => self.unit.or_else(|| Some(self.settings.currency).filter(|own| *own != Currency::INR)),
        };
        draft.order.details.currency = currency;
        self.check_currency(cells)?;
        let named = cells.first(Field::Currency).is_some_and(|(_, text)| !is_missing(text));
        // Where a cell of the column says “€”, one that says nothing may be in euros as well.
        let amount = |column: usize, text: &str| {
            if !named && self.amounts.get(&column).is_some_and(|reader| reader.lacks_currency(text)) {
                return Err(bad(column, no_currency(text, self.settings.currency)));
            }
            self.amount(column, text, currency)
        };
        match cells.first(Field::Value) {
            Some((column, text)) => {
                let total = amount(column, text)?;
                if total.is_none() && strict {
                    return Err(bad(column, "the cell is empty".to_owned()));
                }
                draft.total = total.map(|total| (total, column));
            }
            None if strict => {
                if let Some(found) = cells.mapping.of(Field::Value).next() {
                    return Err(bad(found.column, "the cell is empty".to_owned()));
                }
            }
            None => {}
        }
        for (column, part) in &cells.mapping.parts {
            let text = cells.at(*column);
            let text = if *part == Part::Discount { text.trim_start_matches('-') } else { text };
            match amount(*column, text)? {
                Some(amount) => {
                    let sum = draft.parts.entry(*part).or_insert(Money::ZERO);
                    *sum = Money::from_minor_units(sum.minor_units().saturating_add(amount.minor_units()));
                }
                // Reports leave the price of pending and cancelled items out.
                None if *part == Part::Price
                    && cells.mapping.names.get(*column).is_some_and(|name| name == "item-price") =>
                {
                    draft.incomplete = true;
                }
                None => {}
            }
        }
        let mut optional = |field: Field, signed: bool| {
            let (column, text) = cells.first(field)?;
            let text = if signed { text.trim_start_matches(['-', '−']) } else { text };
            amount(column, text).unwrap_or_else(|error| {
                draft.left_out.value(error);
                None
            })
        };
        let (shipping, tax) = (optional(Field::Shipping, false), optional(Field::Tax, false));
        let discount = optional(Field::Discount, true);
        let details = &mut draft.order.details;
        (details.shipping, details.tax, details.discount) = (shipping, tax, discount);
        Ok(())
    }

    fn read_lines(&self, cells: &Cells<'_>, draft: &mut Draft) -> Result<(), CellError> {
        let currency = draft.order.details.currency;
        let mut slots: Vec<usize> =
            cells.mapping.uses.iter().filter(|found| found.field.of_line()).map(|found| found.slot).collect();
        slots.sort_unstable();
        slots.dedup();
        for slot in slots {
            let line = self.line(cells.mapping, cells.cells, slot, currency, &mut draft.left_out);
            draft.order.details.lines.extend(line.map_err(|reason| CellError { column: None, reason })?);
        }
        for (found, text) in cells.all(Field::Items).filter(|(_, text)| !is_missing(text)) {
            if let Ok(lines) = lines::parse(text, self.plain_amounts, currency) {
                draft.order.details.lines.extend(lines);
            } else {
                draft.left_out.lines = true;
                draft.left_out.value(bad(found.column, format!("{} holds an item that cannot be read", quoted(text))));
            }
        }
        Ok(())
    }
}

/// The currency of a cell: a code, or a sign that only one currency has.
pub(super) fn currency_of(text: &str) -> Option<Currency> {
    let text = text.trim();
    let sign = match text.to_lowercase().trim_end_matches('.') {
        "₹" | "rs" => "INR",
        "€" => "EUR",
        "£" => "GBP",
        _ => text,
    };
    Currency::new(sign)
}

/// Whether a column's cells are read by what the whole column shows.
pub(super) fn is_decided(field: Field) -> bool {
    matches!(field.kind(), Kind::Date | Kind::Amount) && field != Field::CancelledAt
}

fn whole(text: &str, what: &str, fits: impl Fn(&u32) -> bool) -> Result<Option<u32>, String> {
    if is_missing(text) {
        return Ok(None);
    }
    // Spreadsheets and pandas write whole numbers of columns with gaps as `5.0`.
    let (number, decimals) = text.split_once('.').unwrap_or((text, ""));
    let number = Some(number)
        .filter(|number| !number.starts_with('+') && decimals.bytes().all(|digit| digit == b'0'))
        .and_then(|number| number.parse().ok())
        .filter(fits);
    match number {
        Some(number) => Ok(Some(number)),
        None => Err(format!("{} is not {what}", quoted(text))),
    }
}

fn yes_no(text: &str) -> Result<Option<bool>, String> {
    let is = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    if is_missing(text) {
        Ok(None)
    } else if is(&["yes", "y", "true", "t", "1", "1.0"]) {
        Ok(Some(true))
    } else if is(&["no", "n", "false", "f", "0", "0.0"]) {
        Ok(Some(false))
    } else {
        Err(format!("{} is neither Yes nor No", quoted(text)))
    }
}
