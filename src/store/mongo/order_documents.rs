//! The documents of `order_details`, under the column names of the original.

use mongodb::bson::{Bson, Document, doc};
use serde_json::Value;

use super::error::BackendError;
use super::odd;
use super::original::{PROCESSED, REFUND_AMOUNT, is_paid_back, is_paid_elsewhere};
use super::schema::ORDERS;
use super::values::{
    amount, date, from_yes_no, is_empty, local, optional_small, optional_text, optional_time, text, to_amount, yes_no,
};
use crate::domain::currency::Currency;
use crate::domain::ids::OrderId;
use crate::domain::money::Money;
use crate::domain::order::{Order, OrderDetails, OrderLine, PaymentState, column, name_key};
use crate::domain::phone;

/// When the order was placed, where that is known: ISO text of the shop's local time. The original has no such field.
pub(super) const PLACED_AT: &str = "placed_at";
/// The last digits of each telephone number, by which orders are found.
pub(super) const TAILS: &str = "phone_tails";
/// The number that customers know, as it is compared.
pub(super) const DISPLAY_KEY: &str = "display_key";

/// The fields that an order may lack, but for its telephone numbers: those stay where an order comes without.
pub(super) fn removable() -> impl Iterator<Item = &'static str> {
    let details = column::DETAILS.into_iter().filter(|name| ![column::OTHER_PHONES, column::UPDATED_AT].contains(name));
    [column::DATE, column::STATUS, DISPLAY_KEY].into_iter().chain(details)
}

/// What is told of a value that cannot be read: its field, and why.
type Odd<'a> = &'a mut dyn FnMut(&'static str, BackendError);

/// Reads an order, also one that another program wrote. A value that cannot be read counts as not known, and is named in the
/// log; only an order without an identifier cannot be read.
pub(super) fn read_order(document: &Document) -> std::result::Result<Order, BackendError> {
    let mut odd = |field: &'static str, _: BackendError| odd::passed_over(ORDERS, document, field);
    let order = columns(document, &mut odd)?;
    let mut details = details(document, &mut odd);
    if is_paid_elsewhere(document) {
        details.payment_state = Some(PaymentState::Refunded);
    }
    Ok(Order { details, ..order })
}

/// As [`read_order`], without the details but the currency.
pub(super) fn read_columns(document: &Document) -> std::result::Result<Order, BackendError> {
    columns(document, &mut |field, _| odd::passed_over(ORDERS, document, field))
}

/// Whether every value of an order can be read.
///
/// # Errors
/// The first that cannot.
pub(super) fn check_order(document: &Document) -> std::result::Result<(), BackendError> {
    let mut first = None;
    let mut odd = |_: &'static str, error: BackendError| {
        first.get_or_insert(error);
    };
    let order = columns(document, &mut odd)?;
    details(document, &mut odd);
    match first {
        Some(BackendError::Content(reason)) => Err(BackendError::Content(format!("order {}: {reason}", order.id))),
        Some(other) => Err(other),
        None => Ok(()),
    }
}

fn columns(document: &Document, odd: Odd<'_>) -> std::result::Result<Order, BackendError> {
    fn known<T: Default>(odd: Odd<'_>, field: &'static str, read: std::result::Result<T, BackendError>) -> T {
        read.unwrap_or_else(|error| {
            odd(field, error);
            T::default()
        })
    }
    let requested = if is_paid_back(document) { Ok(Some(true)) } else { yes_no(document, column::REFUND_REQUESTED) };
    let words = |odd: Odd<'_>, field: &'static str| known(odd, field, optional_text(document, field));
    Ok(Order {
        id: OrderId::new(&text(document, column::ORDER_ID)?),
        customer_id: words(odd, column::CUSTOMER_ID).unwrap_or_default(),
        platform: words(odd, column::PLATFORM).unwrap_or_default(),
        placed: words(odd, column::PLACED).unwrap_or_default(),
        placed_at: known(odd, PLACED_AT, placed_at(document)),
        delivery_minutes: known(odd, column::DELIVERY_MINUTES, optional_small(document, column::DELIVERY_MINUTES)),
        category: words(odd, column::CATEGORY).unwrap_or_default(),
        value: match (document.get(column::VALUE), currency(document)) {
            // An amount of a currency that is not known is not known.
            (value, currency) if is_empty(value) || currency.is_none() => None,
            // One that is not exact is not known: a person looks it up before anything is paid.
            (_, currency) => {
                known(odd, column::VALUE, amount(document, column::VALUE, currency.unwrap_or_default()).map(Some))
            }
        },
        feedback: words(odd, column::FEEDBACK).unwrap_or_default(),
        rating: known(odd, column::RATING, optional_small(document, column::RATING)),
        delayed: known(odd, column::DELAY, yes_no(document, column::DELAY)),
        refund_requested: known(odd, column::REFUND_REQUESTED, requested),
        phone: known(odd, column::PHONE, phone(document)),
        date: words(odd, column::DATE),
        status: words(odd, column::STATUS),
        // What the amount counts in belongs to it.
        details: OrderDetails {
            currency: currency(document).filter(|currency| *currency != Currency::INR),
            ..OrderDetails::default()
        },
    })
}

/// The telephone number: pandas makes a float of a column of digits with empty cells.
fn phone(document: &Document) -> std::result::Result<Option<String>, BackendError> {
    match document.get(column::PHONE) {
        Some(Bson::Double(number)) if number.fract() == 0.0 => Ok(Some(format!("{number:.0}"))),
        _ => optional_text(document, column::PHONE),
    }
}

fn placed_at(document: &Document) -> std::result::Result<Option<jiff::civil::DateTime>, BackendError> {
    match document.get(PLACED_AT) {
        value if is_empty(value) => {}
        Some(Bson::String(text)) => {
            let parsed = text.parse().map(Some);
            return parsed.map_err(|error| BackendError::Content(format!("the field {PLACED_AT} is no time: {error}")));
        }
        Some(Bson::DateTime(at)) => return Ok(local(*at)),
        _ => return Err(BackendError::Content(format!("the field {PLACED_AT} is no time"))),
    }
    // Written by another program: a text that parses as a date and time is one, anything else stays text.
    Ok([column::PLACED, column::DATE].into_iter().find_map(|name| match document.get(name) {
        Some(Bson::DateTime(at)) => local(*at),
        Some(Bson::String(text)) => text.trim().parse().ok(),
        _ => None,
    }))
}

/// The currency of an order's amounts; `None` where what it names is no currency.
fn currency(document: &Document) -> Option<Currency> {
    match document.get(column::CURRENCY) {
        value if is_empty(value) => Some(Currency::INR),
        Some(Bson::String(text)) => Currency::parse(text).ok(),
        _ => None,
    }
}

fn details(document: &Document, odd: Odd<'_>) -> OrderDetails {
    let mut found = serde_json::Map::new();
    for name in column::DETAILS {
        match document.get(name) {
            value if is_empty(value) => {}
            Some(Bson::DateTime(at)) if name == column::DELIVERED_AT => {
                found.insert(name.into(), local(*at).map_or(Value::Null, |at| at.to_string().into()));
            }
            Some(value) if name != column::UPDATED_AT => {
                found.insert(name.into(), plain(value));
            }
            _ => {}
        }
    }
    let currency = currency(document);
    let mut details = OrderDetails::read(
        &Value::Object(found),
        |amount| Money::from_json(amount, currency?).ok(),
        |name| {
            odd(name, BackendError::Content(format!("the field {name} holds what cannot be read")));
        },
    );
    details.updated_at = optional_time(document, column::UPDATED_AT).unwrap_or_else(|error| {
        odd(column::UPDATED_AT, error);
        None
    });
    details
}

/// A value as JSON, as other programs mean it.
fn plain(value: &Bson) -> Value {
    match value {
        Bson::Int32(number) => (*number).into(),
        Bson::Int64(number) => (*number).into(),
        Bson::Double(number) if number.fract() == 0.0 && number.abs() < 9e15 => format!("{number:.0}").into(),
        Bson::Double(number) => serde_json::Number::from_f64(*number).map_or(Value::Null, Value::Number),
        Bson::Decimal128(number) => number.to_string().into(),
        Bson::String(text) => text.as_str().into(),
        Bson::Boolean(flag) => (*flag).into(),
        Bson::Array(list) => list.iter().map(plain).collect(),
        Bson::Document(inner) => {
            Value::Object(inner.iter().map(|(name, value)| (name.clone(), plain(value))).collect())
        }
        Bson::ObjectId(id) => id.to_hex().into(),
        Bson::DateTime(at) => at.try_to_rfc3339_string().unwrap_or_default().into(),
        _ => Value::Null,
    }
}

fn write_line(line: &OrderLine, currency: Currency) -> Bson {
    let mut document = Document::new();
    if let Some(sku) = &line.sku {
        document.insert("sku", sku);
    }
    document.insert("name", &line.name);
    document.insert("quantity", i64::from(line.quantity));
    if let Some(price) = line.price {
        document.insert("price", to_amount(price, currency));
    }
    Bson::Document(document)
}

/// What finds an order by its telephone numbers.
pub(super) fn tails(order: &Order) -> Vec<String> {
    let mut tails: Vec<String> = order.phones().filter_map(phone::tail).collect();
    tails.sort_unstable();
    tails.dedup();
    tails
}

/// The fields of an order to set. What [`removable`] names beside them is to be removed.
pub(super) fn write_order(order: &Order) -> Document {
    let currency = order.currency();
    let mut set = doc! {
        column::ORDER_ID: order.id.as_str(),
        column::CUSTOMER_ID: &order.customer_id,
        column::PLATFORM: &order.platform,
        column::PLACED: &order.placed,
        column::DELIVERY_MINUTES: order.delivery_minutes.map_or(Bson::Null, |minutes| Bson::Int64(minutes.into())),
        column::CATEGORY: &order.category,
        column::VALUE: order.value.map_or(Bson::Null, |value| to_amount(value, currency)),
        column::FEEDBACK: &order.feedback,
        column::RATING: order.rating.map_or(Bson::Null, |stars| Bson::Int32(stars.into())),
        column::DELAY: from_yes_no(order.delayed),
        // What was asked for and paid back elsewhere is so for the original as well.
        column::REFUND_REQUESTED: match (order.refund_requested, order.details.payment_state) {
            (Some(true), Some(PaymentState::Refunded)) => Bson::from(PROCESSED),
            (requested, _) => from_yes_no(requested),
        },
        PLACED_AT: order.placed_at.map_or(Bson::Null, |at| Bson::String(at.to_string())),
    };
    for (name, value) in [(column::PHONE, &order.phone), (column::DATE, &order.date), (column::STATUS, &order.status)] {
        if let Some(value) = value {
            set.insert(name, value);
        }
    }
    let details = &order.details;
    let texts = [
        (column::DISPLAY_ID, &details.display_id),
        (column::SHOP_ID, &details.shop_id),
        (column::CUSTOMER_NAME, &details.customer_name),
        (column::EMAIL, &details.email),
        (column::PAYMENT_METHOD, &details.payment_method),
        (column::PAYMENT_ID, &details.payment_id),
        (column::ADDRESS, &details.address),
        (column::POSTAL_CODE, &details.postal_code),
        (column::CARRIER, &details.carrier),
        (column::TRACKING_NUMBER, &details.tracking_number),
        (column::TRACKING_URL, &details.tracking_url),
        (column::INVOICE_URL, &details.invoice_url),
    ];
    for (name, value) in texts {
        if let Some(value) = value {
            set.insert(name, value);
        }
    }
    let amounts =
        [(column::SHIPPING, details.shipping), (column::TAX, details.tax), (column::DISCOUNT, details.discount)];
    for (name, amount) in amounts {
        if let Some(amount) = amount {
            set.insert(name, to_amount(amount, currency));
        }
    }
    if !details.other_phones.is_empty() {
        set.insert(column::OTHER_PHONES, details.other_phones.clone());
    }
    if let Some(state) = details.state {
        set.insert(column::STATE, state.as_str());
    }
    if !details.lines.is_empty() {
        set.insert(column::ITEMS, details.lines.iter().map(|line| write_line(line, currency)).collect::<Vec<_>>());
    }
    if let Some(currency) = details.currency {
        set.insert(column::CURRENCY, currency.code());
    }
    if let Some(state) = details.payment_state {
        set.insert(column::PAYMENT_STATUS, state.as_str());
    }
    if let Some(at) = details.delivered_at {
        set.insert(column::DELIVERED_AT, at.to_string());
    }
    if let Some(at) = details.updated_at {
        set.insert(column::UPDATED_AT, date(at));
    }
    if let Some(key) = details.display_id.as_deref().map(name_key).filter(|key| !key.is_empty()) {
        set.insert(DISPLAY_KEY, key);
    }
    let tails = tails(order);
    if !tails.is_empty() {
        set.insert(TAILS, tails);
    }
    set
}

/// The statements that replace a stored order, as the command `update` takes them. What it says of refunds is replaced only where
/// nothing was paid back: else the original, or this program, would pay again.
pub(super) fn replacing(filter: &Document, mut update: Document, upsert: bool) -> Vec<Document> {
    let requested = update.get_document_mut("$set").ok().and_then(|set| set.remove(column::REFUND_REQUESTED));
    let mut statements = Vec::with_capacity(2);
    if let Some(requested) = requested {
        if upsert {
            update.insert("$setOnInsert", doc! {column::REFUND_REQUESTED: requested.clone()});
        }
        let mut unpaid = filter.clone();
        unpaid.insert(REFUND_AMOUNT, Bson::Null);
        unpaid.insert(column::REFUND_REQUESTED, doc! {"$nin": [PROCESSED, requested.clone()]});
        let set = doc! {"$set": {column::REFUND_REQUESTED: requested}};
        statements.push(doc! {"q": unpaid, "u": set, "upsert": false, "multi": true});
    }
    statements.push(doc! {"q": filter.clone(), "u": update, "upsert": upsert, "multi": true});
    statements
}
