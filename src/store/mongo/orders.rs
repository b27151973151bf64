//! Decides how orders, bindings and lookups are kept.
//!
//! It must never rename a column of the original, nor let an order that is imported again lose its binding.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use mongodb::bson::{Bson, Document, doc};

use super::super::{ImportMode, OrderImport, Orders, Result};
use super::fault::Fault;
use super::import::MongoImport;
use super::schema::{BINDINGS, LOOKUPS, ORDERS};
use super::values::{
    date, from_yes_no, is_empty, local, optional_small, optional_text, rupees, says, text, time, to_rupees, whole,
    yes_no,
};
use super::{Base, MongoStore};
use crate::domain::ids::{OrderId, UserId};
use crate::domain::order::{Order, column};

/// The time within which the distinct orders an identity asks for are counted.
const LOOKUP_WINDOW: SignedDuration = SignedDuration::from_hours(24);
/// When the order was placed, where that is known: ISO text of the shop's clock. The original has no such field.
const PLACED_AT: &str = "placed_at";

/// An order from its document, whoever wrote it.
pub(super) fn read_order(document: &Document) -> std::result::Result<Order, Fault> {
    let id = text(document, column::ORDER_ID)?;
    let read = || -> std::result::Result<Order, Fault> {
        let words = |name: &str| optional_text(document, name).map(Option::unwrap_or_default);
        Ok(Order {
            id: OrderId::new(&id),
            customer_id: words(column::CUSTOMER_ID)?,
            platform: words(column::PLATFORM)?,
            placed: words(column::PLACED)?,
            placed_at: placed_at(document)?,
            delivery_minutes: optional_small(document, column::DELIVERY_MINUTES)?,
            category: words(column::CATEGORY)?,
            value: rupees(document, column::VALUE)?,
            feedback: words(column::FEEDBACK)?,
            rating: optional_small(document, column::RATING)?,
            delayed: yes_no(document, column::DELAY)?,
            refund_requested: yes_no(document, column::REFUND_REQUESTED)?,
            phone: phone(document)?,
            date: optional_text(document, column::DATE)?,
            status: optional_text(document, column::STATUS)?,
        })
    };
    read().map_err(|fault| match fault {
        Fault::Content(reason) => Fault::Content(format!("order {id}: {reason}")),
        other => other,
    })
}

/// The telephone number: pandas makes a float of a column of digits with empty cells.
fn phone(document: &Document) -> std::result::Result<Option<String>, Fault> {
    match document.get(column::PHONE) {
        Some(Bson::Double(number)) if number.fract() == 0.0 => Ok(Some(format!("{number:.0}"))),
        _ => optional_text(document, column::PHONE),
    }
}

fn placed_at(document: &Document) -> std::result::Result<Option<jiff::civil::DateTime>, Fault> {
    match document.get(PLACED_AT) {
        value if is_empty(value) => {}
        Some(Bson::String(text)) => {
            let parsed = text.parse().map(Some);
            return parsed.map_err(|error| Fault::Content(format!("the field {PLACED_AT} is no time: {error}")));
        }
        Some(Bson::DateTime(at)) => return Ok(local(*at)),
        _ => return Err(Fault::Content(format!("the field {PLACED_AT} is no time"))),
    }
    // Written by another program: what is plainly a date and time is taken for one, anything else stays text.
    Ok([column::PLACED, column::DATE].into_iter().find_map(|name| match document.get(name) {
        Some(Bson::DateTime(at)) => local(*at),
        Some(Bson::String(text)) => text.trim().parse().ok(),
        _ => None,
    }))
}

/// The fields of an order as they are set, and those that are removed. Without a telephone number the one that is there
/// stays: otherwise the next stranger to ask could claim an order that had an owner.
pub(super) fn write_order(order: &Order) -> (Document, Document) {
    let mut set = doc! {
        column::ORDER_ID: order.id.as_str(),
        column::CUSTOMER_ID: &order.customer_id,
        column::PLATFORM: &order.platform,
        column::PLACED: &order.placed,
        column::DELIVERY_MINUTES: order.delivery_minutes.map_or(Bson::Null, |minutes| Bson::Int64(minutes.into())),
        column::CATEGORY: &order.category,
        column::VALUE: to_rupees(order.value),
        column::FEEDBACK: &order.feedback,
        column::RATING: order.rating.map_or(Bson::Null, |stars| Bson::Int32(stars.into())),
        column::DELAY: from_yes_no(order.delayed),
        column::REFUND_REQUESTED: from_yes_no(order.refund_requested),
        PLACED_AT: order.placed_at.map_or(Bson::Null, |at| Bson::String(at.to_string())),
    };
    let mut unset = Document::new();
    if let Some(phone) = &order.phone {
        set.insert(column::PHONE, phone);
    }
    for (name, value) in [(column::DATE, &order.date), (column::STATUS, &order.status)] {
        match value {
            Some(value) => set.insert(name, value),
            None => unset.insert(name, ""),
        };
    }
    (set, unset)
}

async fn order(base: &Base, id: &OrderId) -> std::result::Result<Option<Order>, Fault> {
    let found = base.collection(ORDERS).find_one(doc! {column::ORDER_ID: id.as_str()}).await?;
    found.as_ref().map(read_order).transpose()
}

async fn binding(base: &Base, id: &OrderId) -> std::result::Result<Option<UserId>, Fault> {
    let found = base.collection(BINDINGS).find_one(doc! {"_id": id.as_str()}).await?;
    found.map(|document| text(&document, "user_id").map(UserId::new)).transpose()
}

async fn bind(base: &Base, id: &OrderId, user: &UserId, at: Timestamp) -> std::result::Result<UserId, Fault> {
    let bindings = base.collection(BINDINGS);
    loop {
        if let Some(user) = binding(base, id).await? {
            return Ok(user); // A binding never changes.
        }
        let document = doc! {"_id": id.as_str(), "user_id": user.as_str(), "at": date(at)};
        match bindings.insert_one(document).await.map_err(Fault::from) {
            Ok(_) => return Ok(user.clone()),
            // Somebody else, or this very call, was first: what a majority has of it is read.
            Err(fault) if fault.is_duplicate() => super::pause().await,
            Err(fault) => return Err(fault),
        }
    }
}

async fn note(base: &Base, id: &OrderId, user: &UserId, at: Timestamp, limit: u32) -> std::result::Result<bool, Fault> {
    let lookups = base.collection(LOOKUPS);
    let since = at.saturating_sub(LOOKUP_WINDOW).unwrap_or(Timestamp::MIN);
    loop {
        let found = lookups.find_one(doc! {"_id": user.as_str()}).await?;
        let mut noted = Vec::new();
        for entry in found.iter().flat_map(|document| document.get_array("orders")).flatten() {
            let entry = entry.as_document().ok_or_else(|| Fault::Content("a lookup is no document".to_owned()))?;
            if time(entry, "at")? > since {
                noted.push(entry.clone());
            }
        }
        if noted.iter().any(|entry| says(entry, "id", id.as_str())) {
            return Ok(true);
        }
        if noted.len() >= usize::try_from(limit).unwrap_or(usize::MAX) {
            return Ok(false);
        }
        noted.push(doc! {"id": id.as_str(), "at": date(at)});
        // The version decides: applied twice, the second time changes nothing, and the order is found noted.
        let saved = match found {
            None => {
                let document = doc! {"_id": user.as_str(), "version": 1_i64, "orders": noted};
                match lookups.insert_one(document).await.map_err(Fault::from) {
                    Ok(_) => true,
                    Err(fault) if fault.is_duplicate() => false,
                    Err(fault) => return Err(fault),
                }
            }
            Some(document) => {
                let version = whole(&document, "version")?;
                let update = doc! {"$set": {"version": version + 1, "orders": noted}};
                let filter = doc! {"_id": user.as_str(), "version": version};
                lookups.update_one(filter, update).await?.matched_count == 1
            }
        };
        if saved {
            return Ok(true);
        }
        super::pause().await;
    }
}

#[async_trait]
impl Orders for MongoStore {
    async fn order(&self, id: &OrderId) -> Result<Option<Order>> {
        let id = id.clone();
        self.run("reading an order", |base| async move { order(&base, &id).await }).await
    }

    async fn count_orders(&self) -> Result<u64> {
        // The collection's own count: it may be off for a while after a server crashed, and needs no scan.
        self.run("counting orders", |base| async move { Ok(base.collection(ORDERS).estimated_document_count().await?) })
            .await
    }

    async fn begin_import(&self, mode: ImportMode) -> Result<Box<dyn OrderImport>> {
        Ok(Box::new(MongoImport::begin(self.base.clone(), mode, Arc::clone(&self.orders.imports))?))
    }

    async fn binding(&self, id: &OrderId) -> Result<Option<UserId>> {
        let id = id.clone();
        self.run("reading a binding", |base| async move { binding(&base, &id).await }).await
    }

    async fn bind_order(&self, id: &OrderId, user: &UserId, at: Timestamp) -> Result<UserId> {
        let (id, user) = (id.clone(), user.clone());
        self.run("binding an order", |base| async move { bind(&base, &id, &user, at).await }).await
    }

    async fn note_lookup(&self, id: &OrderId, user: &UserId, at: Timestamp, limit: u32) -> Result<bool> {
        let (id, user) = (id.clone(), user.clone());
        self.run("noting a lookup", |base| async move { note(&base, &id, &user, at, limit).await }).await
    }
}
