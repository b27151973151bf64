//! Orders as a shop's own program posts them: JSON under the column names, or under names in `snake_case`; and the JSON Schema
//! that says so.
//!
//! A document is a whole order: what it does not hold is not known of the order afterwards. An unknown field changes nothing, but for one
//! that says that money went back.
//! What is unreadable and decides about money or about whose order it is refuses the order, with the reason, for somebody reads it.

mod schema;

use jiff::Timestamp;
use jiff::civil::DateTime;
use serde_json::{Map, Value};

use super::fields::{self, ShopContext, quoted, text};
use super::{Reading, Refusal};
use crate::domain::currency::Currency;
use crate::domain::money::Money;
use crate::domain::order::{Order, OrderLine, OrderState, PaymentState, column};
use crate::domain::words::excerpt;
use crate::import::values::{
    in_doubt, names_refunds, payment_state_of, payment_with_status, refund_state_of, state_of,
};

pub use schema::schema;

/// What a field holds, for the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Id,
    Text,
    Amount,
    Time,
    Count,
    Stars,
    Flag,
    State,
    Payment,
    Currency,
    Link,
    Phones,
    Lines,
    Address,
}

impl Kind {
    /// Whether an order without it could be shown to somebody else, or paid back wrongly.
    fn decides(self) -> bool {
        matches!(self, Self::Id | Self::Amount | Self::State | Self::Payment | Self::Currency | Self::Phones)
    }
}

/// A field: its column, the other names that it may have (letters and digits count, in any case), what it holds and means.
struct Field {
    column: &'static str,
    names: &'static [&'static str],
    kind: Kind,
    about: &'static str,
}

const fn field(column: &'static str, names: &'static [&'static str], kind: Kind, about: &'static str) -> Field {
    Field { column, names, kind, about }
}

/// What was paid back: it is no column of an order, and decides what its payment is.
const REFUNDED: &str = "Refunded Amount";

/// All fields, the friendliest of their other names first.
const FIELDS: &[Field] = &[
    field(
        column::ORDER_ID,
        &["order_id", "order_number", "id"],
        Kind::Id,
        "The order's identifier: the one that customers name.",
    ),
    field(column::DISPLAY_ID, &["display_id"], Kind::Text, "The number that customers know, where it is another one."),
    field(
        column::SHOP_ID,
        &["shop_id"],
        Kind::Text,
        "The identifier that your system uses inside, where it is another one.",
    ),
    field(
        column::UPDATED_AT,
        &["updated_at", "modified_at"],
        Kind::Time,
        "When you changed the order last. An older version never replaces a newer one; without it the order is of when it came.",
    ),
    field(column::CUSTOMER_ID, &["customer_id"], Kind::Text, "The customer's identifier."),
    field(column::CUSTOMER_NAME, &["customer_name"], Kind::Text, "The customer's name."),
    field(column::EMAIL, &["customer_email", "email"], Kind::Text, "The customer's e-mail address."),
    field(
        column::PHONE,
        &["customer_phone", "phone", "mobile"],
        Kind::Phones,
        "The customer's telephone number, best with + and the country code: the order answers to it.",
    ),
    field(column::OTHER_PHONES, &["other_phones"], Kind::Phones, "Further telephone numbers of the customer."),
    field(column::PLATFORM, &["platform", "channel"], Kind::Text, "The shop or app that the order was placed with."),
    field(
        column::PLACED,
        &["ordered_at", "placed_at", "created_at"],
        Kind::Time,
        "When it was placed; without an offset in [shop] timezone.",
    ),
    field(column::DATE, &["order_date"], Kind::Time, "The date of the order, where the time alone is known above."),
    field(column::CATEGORY, &["category"], Kind::Text, "What was bought, as the refund policy names it."),
    field(
        column::VALUE,
        &["total", "order_value", "value", "amount"],
        Kind::Amount,
        "What was paid, or is to be paid.",
    ),
    field(
        column::CURRENCY,
        &["currency"],
        Kind::Currency,
        "The currency of all amounts of the order; [shop] currency without it.",
    ),
    field(column::SHIPPING, &["shipping_fee", "shipping"], Kind::Amount, "What the delivery cost; part of the value."),
    field(column::TAX, &["tax"], Kind::Amount, "The taxes; part of the value."),
    field(column::DISCOUNT, &["discount"], Kind::Amount, "What was taken off; no longer part of the value."),
    field(column::ITEMS, &["items", "lines", "line_items"], Kind::Lines, "What was ordered."),
    field(
        column::STATUS,
        &["status", "delivery_status"],
        Kind::Text,
        "Where the order is, in your own words; known words also tell the state.",
    ),
    field(
        column::STATE,
        &["order_state", "state"],
        Kind::State,
        "Where it is, in the terms that decide what a customer may still do.",
    ),
    field(column::PAYMENT_METHOD, &["payment_method"], Kind::Text, "How it is paid, in your own words."),
    field(column::PAYMENT_STATUS, &["payment_status", "payment_state"], Kind::Payment, "What was paid."),
    field(
        REFUNDED,
        &["refunded_amount", "amount_refunded", "total_refunded"],
        Kind::Amount,
        "What was paid back of it already: then a person decides about more.",
    ),
    field(column::PAYMENT_ID, &["payment_id"], Kind::Text, "Where the refund provider finds the payment."),
    field(
        column::ADDRESS,
        &["address", "shipping_address"],
        Kind::Address,
        "Where it goes: a text, or an object of texts.",
    ),
    field(column::POSTAL_CODE, &["postal_code", "pincode", "zip"], Kind::Text, "The postal code of that address."),
    field(column::CARRIER, &["carrier"], Kind::Text, "Who brings it."),
    field(column::TRACKING_NUMBER, &["tracking_number"], Kind::Text, "The carrier's number."),
    field(column::TRACKING_URL, &["tracking_url"], Kind::Link, "Where customers follow it."),
    field(column::INVOICE_URL, &["invoice_url"], Kind::Link, "Where the customer finds the invoice."),
    field(column::DELIVERED_AT, &["delivered_at"], Kind::Time, "When it was delivered."),
    field(
        column::DELIVERY_MINUTES,
        &["delivery_minutes", "delivery_time_minutes"],
        Kind::Count,
        "Minutes from order to delivery.",
    ),
    field(column::DELAY, &["delayed", "delivery_delay"], Kind::Flag, "Whether the delivery was late."),
    field(column::FEEDBACK, &["feedback"], Kind::Text, "What the customer wrote."),
    field(column::RATING, &["rating", "service_rating"], Kind::Stars, "Stars from 1 to 5."),
    field(column::REFUND_REQUESTED, &["refund_requested"], Kind::Flag, "Whether the customer asked for money back."),
];

/// A name or word without what people write differently: case, spaces, underscores.
fn bare(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The fields of a document by their bare names.
struct Document<'a>(Vec<(String, &'a Value)>);

impl<'a> Document<'a> {
    fn new(fields: &'a Map<String, Value>) -> Self {
        Self(fields.iter().map(|(name, value)| (bare(name), value)).collect())
    }

    /// Whether a field holds a text, a number or a flag, where it holds no list.
    ///
    /// # Errors
    /// Where it is a list or an object all the same: it says something, and would be taken as not known.
    fn check(&self, field: &Field) -> Result<(), Refusal> {
        let value = self.get(field.column);
        let fits = match (field.kind, value) {
            (Kind::Lines, _) | (Kind::Address, Value::Object(_)) | (Kind::Phones, Value::Array(_)) => true,
            (_, value) => !value.is_array() && !value.is_object(),
        };
        if fits {
            Ok(())
        } else {
            Err(Refusal::new(field.column, format!("{} is neither text nor number", quoted(value))))
        }
    }

    /// What fields with names that are not known here say of money that went back.
    fn unknown_refunds(&self) -> Option<&str> {
        let known = |name: &str| {
            FIELDS.iter().any(|field| bare(field.column) == name || field.names.iter().any(|other| bare(other) == name))
        };
        let tells = |value: &Value| match value {
            Value::Null | Value::Bool(false) => false,
            Value::Array(list) => !list.is_empty(),
            Value::Object(fields) => !fields.is_empty(),
            other => text(other).is_some_and(|text| refund_state_of(&text).is_some()),
        };
        let mut found = self.0.iter().filter(|(name, value)| names_refunds(name) && !known(name) && tells(value));
        found.next().map(|(name, _)| name.as_str())
    }

    /// The value of a column: under its own name, else under the first of its other names that is there.
    fn get(&self, column: &str) -> &'a Value {
        let other = FIELDS.iter().find(|field| field.column == column).map_or(&[][..], |field| field.names);
        let names = std::iter::once(column).chain(other.iter().copied());
        let found = names.filter_map(|name| {
            let name = bare(name);
            self.0.iter().find(|(known, value)| *known == name && !value.is_null()).map(|(_, value)| *value)
        });
        found.into_iter().next().unwrap_or(&Value::Null)
    }

    fn text(&self, column: &str) -> Option<String> {
        text(self.get(column))
    }
}

/// Whether an object has the identifier of an order.
pub(super) fn names_an_order(fields: &Map<String, Value>) -> bool {
    !Document::new(fields).get(column::ORDER_ID).is_null()
}

/// Reads one document that came at `now`.
pub(super) fn read(document: &Value, shop: &ShopContext, now: Timestamp) -> Reading {
    let Some(fields) = document.as_object() else {
        let reason = format!("{} is no order: send objects", quoted(document));
        return Reading::Refused { id: None, why: Refusal::new("body", reason) };
    };
    let document = Document::new(fields);
    let given = document.get(column::ORDER_ID);
    match order(&document, shop, now) {
        Ok((order, left_out)) => Reading::Order(Box::new(order), left_out),
        Err(why) => Reading::Refused { id: text(given), why },
    }
}

fn order(document: &Document<'_>, shop: &ShopContext, now: Timestamp) -> Result<(Order, Vec<Refusal>), Refusal> {
    let mut order = Order::new(fields::order_id(document.get(column::ORDER_ID))?);
    let mut shapes = Vec::new();
    for field in FIELDS {
        match document.check(field) {
            Err(why) if field.kind.decides() => return Err(why),
            Err(why) => shapes.push(why),
            Ok(()) => {}
        }
    }
    let mut left_out = Vec::new();
    let currency = fields::currency(document.get(column::CURRENCY), shop)?;
    let amount = |column: &'static str| fields::certain_amount(column, document.get(column), currency);
    let plain = |column: &str| document.text(column).unwrap_or_default();
    order.customer_id = plain(column::CUSTOMER_ID);
    order.platform = plain(column::PLATFORM);
    order.placed = plain(column::PLACED);
    order.date = document.text(column::DATE);
    order.category = plain(column::CATEGORY);
    order.value = amount(column::VALUE)?;
    order.feedback = plain(column::FEEDBACK);
    order.status = document.text(column::STATUS);
    order.delivery_minutes = count(column::DELIVERY_MINUTES, document)?;
    order.rating = match count(column::RATING, document)? {
        None => None,
        Some(stars @ 1..=5) => u8::try_from(stars).ok(),
        Some(other) => return Err(Refusal::new(column::RATING, format!("“{other}” is not from 1 to 5"))),
    };
    order.delayed = flag(column::DELAY, document)?;
    order.refund_requested = flag(column::REFUND_REQUESTED, document)?;
    place(&mut order, document, shop, now, &mut left_out);
    let first = match document.get(column::PHONE) {
        Value::Array(list) => list.clone(),
        one => vec![one.clone()],
    };
    let others = phones(document.get(column::OTHER_PHONES));
    let found: Vec<&Value> = first.iter().chain(&others).collect();
    // An order with the number of somebody else would be shown to them.
    if let Some(why) = fields::set_phones(&mut order, &found, shop.country).into_iter().next() {
        return Err(why);
    }
    let details = &mut order.details;
    details.display_id = document.text(column::DISPLAY_ID);
    details.shop_id = document.text(column::SHOP_ID);
    details.customer_name = document.text(column::CUSTOMER_NAME);
    details.email = document.text(column::EMAIL);
    details.state = state(document)?.or_else(|| order.status.as_deref().and_then(state_of));
    details.lines = lines(document.get(column::ITEMS), currency)?;
    details.shipping = amount(column::SHIPPING)?;
    details.tax = amount(column::TAX)?;
    details.discount = amount(column::DISCOUNT)?;
    details.currency = Some(currency);
    details.payment_method = document.text(column::PAYMENT_METHOD);
    pay(&mut order, document, amount(REFUNDED)?, &mut shapes)?;
    let details = &mut order.details;
    details.payment_id = document.text(column::PAYMENT_ID);
    details.address = match document.get(column::ADDRESS) {
        Value::Object(parts) => fields::joined(&parts.values().collect::<Vec<_>>()),
        other => text(other),
    };
    details.postal_code = document.text(column::POSTAL_CODE);
    details.carrier = document.text(column::CARRIER);
    details.tracking_number = document.text(column::TRACKING_NUMBER);
    for (name, address) in
        [(column::TRACKING_URL, &mut details.tracking_url), (column::INVOICE_URL, &mut details.invoice_url)]
    {
        let link = document.get(name);
        *address = fields::web_address(link);
        if address.is_none() && text(link).is_some() {
            left_out.push(Refusal::new(name, format!("{} is no address such as https://…", quoted(link))));
        }
    }
    details.delivered_at = fields::instant(column::DELIVERED_AT, document.get(column::DELIVERED_AT), &shop.zone)?
        .map(|at| fields::local(at, &shop.zone));
    if order.has_unknown_status() {
        let value = quoted(document.get(column::STATUS));
        let reason = format!(
            "{value} is no status that is known here: refunds of the order go to a person, unless order_state says where it is"
        );
        left_out.push(Refusal::new(column::STATUS, reason));
    }
    let details = &mut order.details;
    let changed = fields::instant(column::UPDATED_AT, document.get(column::UPDATED_AT), &shop.zone)?;
    details.updated_at = Some(fields::version(changed, now));
    left_out.extend(shapes);
    Ok((order, left_out))
}

/// When it was placed. What cannot have been is told.
fn place(order: &mut Order, document: &Document<'_>, shop: &ShopContext, now: Timestamp, left_out: &mut Vec<Refusal>) {
    let mut time = |column: &'static str| {
        fields::instant(column, document.get(column), &shop.zone).unwrap_or_else(|why| {
            left_out.push(why);
            None
        })
    };
    let placed = time(column::PLACED).map(|at| fields::local(at, &shop.zone));
    let found = placed.or_else(|| date(document, shop));
    order.placed_at = found.filter(|at| fields::is_plausible(*at, now, &shop.zone));
    // A time alone, as the original's data has it, is no reason to tell anything where the date stands beside it.
    if order.placed_at.is_some() {
        left_out.clear();
    } else if found.is_some() {
        let (column, value) = [column::PLACED, column::DATE]
            .map(|column| (column, document.get(column)))
            .into_iter()
            .find(|(_, value)| !value.is_null())
            .unwrap_or((column::PLACED, &Value::Null));
        left_out.push(Refusal::new(column, format!("{} is before 1990 or still to come", quoted(value))));
    } else if order.date.is_some() {
        let value = document.get(column::DATE);
        left_out.push(Refusal::new(column::DATE, format!("{} is no date such as 2026-11-20", quoted(value))));
    }
}

/// What was paid, and what went back. Where that is not clear, nobody is paid back without a person.
fn pay(
    order: &mut Order,
    document: &Document<'_>,
    refunded: Option<Money>,
    shapes: &mut Vec<Refusal>,
) -> Result<(), Refusal> {
    let details = &mut order.details;
    details.payment_state = payment(document)?;
    if let Some(status) = &order.status {
        details.payment_state = payment_with_status(details.payment_state, status);
    }
    if let Some(name) = document.unknown_refunds() {
        details.payment_state = in_doubt(details.payment_state);
        let reason = format!(
            "“{}” may say that money went back: whether the order is paid is taken as unknown",
            excerpt(name, 40)
        );
        shapes.push(Refusal::new(column::PAYMENT_STATUS, reason));
    }
    if let Some(back) = refunded.filter(|back| *back > Money::ZERO) {
        let whole = order.value.is_some_and(|value| back >= value);
        details.payment_state = Some(if whole { PaymentState::Refunded } else { PaymentState::PartiallyRefunded });
    }
    Ok(())
}

/// `Order Date`, with the time of day of `Order Date & Time` where that holds one alone.
fn date(document: &Document<'_>, shop: &ShopContext) -> Option<DateTime> {
    let value = document.get(column::DATE);
    let at = text(value)?;
    let day: DateTime = match at.parse::<jiff::civil::Date>() {
        Ok(day) => day.to_datetime(jiff::civil::Time::midnight()),
        Err(_) => fields::local(fields::instant(column::DATE, value, &shop.zone).ok()??, &shop.zone),
    };
    let time = document.text(column::PLACED).and_then(|time| time.parse::<jiff::civil::Time>().ok());
    Some(time.map_or(day, |time| day.date().to_datetime(time)))
}

fn count(column: &'static str, document: &Document<'_>) -> Result<Option<u32>, Refusal> {
    let Some(text) = document.text(column) else { return Ok(None) };
    // `5.0`, as programs write whole numbers of columns with gaps.
    let (whole, decimals) = text.split_once('.').unwrap_or((&text, ""));
    let whole = whole.parse().ok().filter(|_| decimals.bytes().all(|digit| digit == b'0'));
    whole.map(Some).ok_or_else(|| Refusal::new(column, format!("{} is no whole number", quoted(document.get(column)))))
}

fn flag(column: &'static str, document: &Document<'_>) -> Result<Option<bool>, Refusal> {
    let Some(text) = document.text(column) else { return Ok(None) };
    match text.to_lowercase().as_str() {
        "yes" | "true" | "1" | "y" => Ok(Some(true)),
        "no" | "false" | "0" | "n" => Ok(Some(false)),
        _ => Err(Refusal::new(column, format!("{} is neither Yes nor No", quoted(document.get(column))))),
    }
}

fn state(document: &Document<'_>) -> Result<Option<OrderState>, Refusal> {
    let Some(text) = document.text(column::STATE) else { return Ok(None) };
    OrderState::parse(&text).or_else(|| state_of(&text)).map(Some).ok_or_else(|| {
        let words = OrderState::ALL.map(|(word, _)| word).join(", ");
        Refusal::new(column::STATE, format!("{} is none of: {words}", quoted(document.get(column::STATE))))
    })
}

fn payment(document: &Document<'_>) -> Result<Option<PaymentState>, Refusal> {
    let Some(text) = document.text(column::PAYMENT_STATUS) else { return Ok(None) };
    PaymentState::parse(&text).or_else(|| payment_state_of(&text)).map(Some).ok_or_else(|| {
        let words = PaymentState::ALL.map(|(word, _)| word).join(", ");
        Refusal::new(
            column::PAYMENT_STATUS,
            format!("{} is none of: {words}", quoted(document.get(column::PAYMENT_STATUS))),
        )
    })
}

fn phones(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(list) => list.clone(),
        Value::String(text) => text.split([',', ';']).map(|number| Value::from(number.trim())).collect(),
        other => vec![other.clone()],
    }
}

/// The lines, from a list or from its text, as a cell of a file holds it.
fn lines(value: &Value, currency: Currency) -> Result<Vec<OrderLine>, Refusal> {
    let wrong = |reason: String| Refusal::new(column::ITEMS, reason);
    let parsed;
    let list = match value {
        Value::Null => return Ok(Vec::new()),
        Value::String(text) if text.trim().is_empty() => return Ok(Vec::new()),
        Value::String(text) => {
            parsed = serde_json::from_str::<Value>(text).map_err(|_| wrong(format!("{} is no list", quoted(value))))?;
            parsed.as_array()
        }
        other => other.as_array(),
    };
    let list = list.ok_or_else(|| wrong(format!("{} is no list", quoted(value))))?;
    list.iter()
        .enumerate()
        .map(|(at, item)| line(item, currency).map_err(|reason| wrong(format!("number {}: {reason}", at + 1))))
        .collect()
}

fn line(item: &Value, currency: Currency) -> Result<OrderLine, String> {
    let fields = item.as_object().ok_or("it is no object")?;
    let fields: Vec<(String, &Value)> = fields.iter().map(|(name, value)| (bare(name), value)).collect();
    let get = |names: &[&str]| {
        let found =
            names.iter().find_map(|name| fields.iter().find(|(known, value)| known == name && !value.is_null()));
        found.map_or(&Value::Null, |(_, value)| *value)
    };
    let sku = text(get(&["sku"]));
    let name = text(get(&["name", "title", "product"])).or_else(|| sku.clone()).ok_or("it has no name")?;
    let quantity = match text(get(&["quantity", "qty"])) {
        None => 1,
        Some(text) => {
            let whole = text.strip_suffix(".0").unwrap_or(&text);
            whole.parse().ok().filter(|count| *count > 0).ok_or_else(|| format!("the quantity is “{text}”"))?
        }
    };
    let price =
        fields::certain_amount(column::ITEMS, get(&["price", "unitprice"]), currency).map_err(|why| why.reason)?;
    Ok(OrderLine { sku, name, quantity, price })
}

#[cfg(test)]
#[path = "document_tests.rs"]
mod tests;
