//! Orders, bindings and lookups. An order that is imported again keeps its binding.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use jiff::Timestamp;
use mongodb::bson::{Bson, Document, doc};

use super::super::{ImportMode, NAMED_ALIKE, OrderImport, Orders, Result};
use super::error::BackendError;
use super::id_forms;
use super::import::MongoImport;
use super::odd::{all_readable, readable};
use super::order_documents::{DISPLAY_KEY, PLACED_AT, TAILS, read_order, removable, replacing, write_order};
use super::original;
use super::schema::{BINDINGS, LOOKUPS, ORDERS};
use super::values::{date, is_text, optional_text, text, time, whole};
use super::{Base, MongoStore};
use crate::domain::action::Action;
use crate::domain::ids::{IdForms, OrderId, UserId};
use crate::domain::lookup::{self, LookupDecision};
use crate::domain::order::{Order, UpsertOutcome, column, name_key, settle};
use crate::domain::ownership::{Binding, Proof};
use crate::domain::phone::{self, Country};

/// The most orders of other programs that are looked at for one number.
const OF_OTHERS: i64 = 100;

async fn order(base: &Base, id: &OrderId) -> std::result::Result<Option<Order>, BackendError> {
    let orders = base.collection(ORDERS);
    let mut found = orders.find_one(doc! {column::ORDER_ID: id.as_str()}).await?;
    if found.is_none() {
        // As other programs may write it.
        found = orders.find_one(doc! {column::ORDER_ID: {"$in": original::written_ids(id)}}).await?;
    }
    found.as_ref().map(read_order).transpose()
}

/// The orders of a name. Other programs write a `Display ID` alone: as it is compared, or with `#`.
async fn named(base: &Base, key: &str) -> std::result::Result<Vec<OrderId>, BackendError> {
    let marked = format!("#{key}");
    let mut written: Vec<Bson> = [key, &marked].map(Bson::from).to_vec();
    written.extend(key.parse::<i64>().ok().map(Bson::Int64));
    let filters = [
        doc! {column::ORDER_ID: {"$in": [key, &marked]}},
        doc! {DISPLAY_KEY: key},
        doc! {column::DISPLAY_ID: {"$in": written}},
    ];
    let (orders, mut ids) = (base.collection(ORDERS), Vec::new());
    for filter in filters {
        let fields = doc! {column::ORDER_ID: 1};
        let found = orders.find(filter).projection(fields).limit(i64::from(NAMED_ALIKE)).await?;
        let found: Vec<Document> = found.try_collect().await?;
        ids.extend(all_readable(&found, ORDERS, |document| Ok(OrderId::new(&text(document, column::ORDER_ID)?))));
    }
    ids.sort_unstable();
    ids.dedup();
    ids.truncate(usize::try_from(NAMED_ALIKE).unwrap_or(usize::MAX));
    Ok(ids)
}

/// The order of an identifier of the shop's system. Other programs write numbers as numbers.
async fn of_shop(base: &Base, shop_id: &str) -> std::result::Result<Option<Order>, BackendError> {
    let mut written = vec![Bson::from(shop_id)];
    written.extend(shop_id.parse::<i64>().ok().map(Bson::Int64));
    let latest = doc! {column::UPDATED_AT: -1, column::ORDER_ID: 1};
    let found = base.collection(ORDERS).find_one(doc! {column::SHOP_ID: {"$in": written}}).sort(latest).await?;
    found.as_ref().map(read_order).transpose()
}

/// The stored orders that new ones are, or may be, under another id.
async fn twins(base: &Base, new: &[Order]) -> std::result::Result<Vec<(OrderId, OrderId)>, BackendError> {
    let orders = base.collection(ORDERS);
    let ids: Vec<&str> = new.iter().map(|order| order.id.as_str()).collect();
    let fields = doc! {"_id": 0, column::ORDER_ID: 1};
    let there = orders.find(doc! {column::ORDER_ID: {"$in": &ids}}).projection(fields).await?;
    let there: Vec<Document> = there.try_collect().await?;
    let there: HashSet<String> = there.iter().filter_map(|one| text(one, column::ORDER_ID).ok()).collect();
    let mut by_key: HashMap<String, Vec<&Order>> = HashMap::new();
    for order in new.iter().filter(|order| !there.contains(order.id.as_str())) {
        for key in order.keys() {
            by_key.entry(key).or_default().push(order);
        }
    }
    if by_key.is_empty() {
        return Ok(Vec::new());
    }
    let keys: Vec<String> = by_key.keys().cloned().collect();
    let written: Vec<String> = keys.iter().flat_map(|key| [key.clone(), format!("#{key}")]).collect();
    let tails: Vec<String> =
        by_key.values().flatten().flat_map(|order| order.phones()).filter_map(phone::tail).collect();
    let filters = [
        doc! {column::ORDER_ID: {"$in": written}},
        doc! {DISPLAY_KEY: {"$in": &keys}},
        doc! {column::SHOP_ID: {"$in": &keys}},
        // Zeros that a spreadsheet dropped are found among the orders of the number.
        doc! {TAILS: {"$in": tails}},
    ];
    let mut twins: Vec<(OrderId, OrderId)> = Vec::new();
    for filter in filters {
        let found: Vec<Document> = orders.find(filter).await?.try_collect().await?;
        for known in all_readable(&found, ORDERS, read_order) {
            for order in known.keys().iter().filter_map(|key| by_key.get(key)).flatten() {
                if known.is_twin_of(order) && !twins.iter().any(|(id, _)| *id == order.id) {
                    twins.push((order.id.clone(), known.id.clone()));
                }
            }
        }
    }
    Ok(twins)
}

/// The orders of a number: ours by its last digits, and those of other programs where they write it as usual.
async fn of_number(
    base: &Base,
    (number, tail): (&str, &str),
    home: Country,
    limit: usize,
) -> std::result::Result<Vec<Order>, BackendError> {
    let orders = base.collection(ORDERS);
    let fits = |order: &Order| order.numbers(home).any(|own| own == number);
    let order = doc! {PLACED_AT: -1, column::ORDER_ID: -1};
    let mut ours = orders.find(doc! {TAILS: tail}).sort(order).await?;
    let mut found: Vec<Order> = Vec::new();
    while found.len() < limit
        && let Some(document) = ours.try_next().await?
    {
        found.extend(readable(read_order(&document), ORDERS, &document).filter(fits));
    }
    let mut written: Vec<Bson> = Vec::new();
    for text in phone::usual(number) {
        written.extend(text.parse::<i64>().ok().map(Bson::Int64));
        written.push(Bson::String(text));
    }
    for name in [column::PHONE, column::OTHER_PHONES] {
        let others: Vec<Document> =
            orders.find(doc! {name: {"$in": &written}}).limit(OF_OTHERS).await?.try_collect().await?;
        for other in all_readable(&others, ORDERS, read_order).into_iter().filter(fits) {
            if !found.iter().any(|known| known.id == other.id) {
                found.push(other);
            }
        }
    }
    found.sort_by(|one, other| (other.placed_at, &other.id).cmp(&(one.placed_at, &one.id)));
    found.truncate(limit);
    Ok(found)
}

async fn upsert(base: &Base, new: &Order) -> std::result::Result<UpsertOutcome, BackendError> {
    let orders = base.collection(ORDERS);
    loop {
        let found = orders.find_one(doc! {column::ORDER_ID: new.id.as_str()}).await?;
        // One that cannot be read is replaced.
        let stored = found.as_ref().and_then(|document| readable(read_order(document), ORDERS, document));
        let (outcome, changed) = settle(stored.as_ref(), new);
        let Some(order) = changed else { return Ok(outcome) };
        let set = write_order(&order);
        let Some(found) = found else {
            // The server makes no second one: the index of the identifier is unique.
            match orders.insert_one(set).await.map_err(BackendError::from) {
                Ok(_) => {
                    original::mark_again(base, &[order.id.as_str().to_owned()]).await?;
                    return Ok(outcome);
                }
                Err(error) if error.is_duplicate() => super::pause().await,
                Err(error) => return Err(error),
            }
            continue;
        };
        let unset: Document =
            removable().filter(|name| !set.contains_key(name)).map(|name| (name.to_owned(), "".into())).collect();
        // Only where no newer one came since it was read: applied twice, the second time changes nothing.
        let changed_at = found.get(column::UPDATED_AT).cloned().unwrap_or(Bson::Null);
        let filter = doc! {column::ORDER_ID: new.id.as_str(), column::UPDATED_AT: changed_at};
        let mut update = doc! {"$set": set};
        if !unset.is_empty() {
            update.insert("$unset", unset);
        }
        let statements = replacing(&filter, update, false);
        let mut matched = 0;
        for statement in &statements {
            let (Ok(filter), Ok(update)) = (statement.get_document("q"), statement.get_document("u")) else { continue };
            matched = orders.update_many(filter.clone(), update.clone()).await?.matched_count;
        }
        if matched > 0 {
            return Ok(outcome);
        }
        super::pause().await;
    }
}

/// Makes of an order what it is after an action, however its identifier is written, and everywhere where the original's data holds
/// it twice. Applied twice, the second time changes nothing.
pub(super) async fn apply(base: &Base, action: &Action) -> std::result::Result<(), BackendError> {
    let written = doc! {column::ORDER_ID: {"$in": original::written_ids(&action.order_id)}};
    let found = base.collection(ORDERS).find(written).await?;
    let found: Vec<Document> = found.try_collect().await?;
    for document in found {
        apply_to(base, action, document).await?;
    }
    Ok(())
}

async fn apply_to(base: &Base, action: &Action, mut found: Document) -> std::result::Result<(), BackendError> {
    let orders = base.collection(ORDERS);
    loop {
        let Some(stored) = readable(read_order(&found), ORDERS, &found) else { return Ok(()) };
        // What the shop sent after it holds.
        let newer = stored.details.updated_at.is_some_and(|at| at.as_millisecond() > action.at.as_millisecond());
        let Some(order) = action.apply(&stored).filter(|_| !newer) else { return Ok(()) };
        // Only what the action changes is written: what cannot be read of the rest, or is written oddly, stays as it is.
        let (before, after) = (write_order(&stored), write_order(&order));
        let mut update = doc! {};
        let unset: Document =
            before.keys().filter(|name| !after.contains_key(name)).map(|name| (name.clone(), "".into())).collect();
        let set: Document = after.into_iter().filter(|(name, value)| before.get(name) != Some(value)).collect();
        for (name, fields) in [("$set", set), ("$unset", unset)] {
            if !fields.is_empty() {
                update.insert(name, fields);
            }
        }
        if update.is_empty() {
            return Ok(());
        }
        let id = found.get("_id").cloned();
        let changed_at = found.get(column::UPDATED_AT).cloned().unwrap_or(Bson::Null);
        let as_read = doc! {"_id": id.clone(), column::UPDATED_AT: changed_at};
        if orders.update_one(as_read, update).await?.matched_count > 0 {
            return Ok(());
        }
        super::pause().await;
        let Some(again) = orders.find_one(doc! {"_id": id}).await? else { return Ok(()) };
        found = again;
    }
}

async fn binding(base: &Base, id: &OrderId) -> std::result::Result<Option<Binding>, BackendError> {
    let found = base.collection(BINDINGS).find_one(doc! {"_id": id.as_str()}).await?;
    let read = |document: Document| -> std::result::Result<Binding, BackendError> {
        Ok(Binding {
            order_id: id.clone(),
            user_id: UserId::new(text(&document, "user_id")?),
            at: time(&document, "at")?,
            proof: optional_text(&document, "proof")?,
        })
    };
    found.map(read).transpose()
}

/// As [`bind`], for an identity that knew something of the order: a binding without a proof gives way.
async fn prove(
    base: &Base,
    id: &OrderId,
    user: &UserId,
    proof: Proof,
    at: Timestamp,
) -> std::result::Result<UserId, BackendError> {
    let bindings = base.collection(BINDINGS);
    loop {
        match binding(base, id).await? {
            Some(bound) if bound.is_final() => return Ok(bound.user_id),
            Some(bound) => {
                // Only where nobody changed it since: applied twice, the second time changes nothing.
                let filter = doc! {"_id": id.as_str(), "user_id": bound.user_id.as_str(), "proof": Bson::Null};
                let set = doc! {"user_id": user.as_str(), "at": date(at), "proof": proof.as_str()};
                bindings.update_one(filter, doc! {"$set": set}).await?;
            }
            None => {
                let document =
                    doc! {"_id": id.as_str(), "user_id": user.as_str(), "at": date(at), "proof": proof.as_str()};
                match bindings.insert_one(document).await.map_err(BackendError::from) {
                    Ok(_) => return Ok(user.clone()),
                    Err(error) if error.is_duplicate() => super::pause().await,
                    Err(error) => return Err(error),
                }
            }
        }
    }
}

async fn bind(base: &Base, id: &OrderId, user: &UserId, at: Timestamp) -> std::result::Result<UserId, BackendError> {
    let bindings = base.collection(BINDINGS);
    loop {
        if let Some(bound) = binding(base, id).await? {
            return Ok(bound.user_id);
        }
        let document = doc! {"_id": id.as_str(), "user_id": user.as_str(), "at": date(at)};
        match bindings.insert_one(document).await.map_err(BackendError::from) {
            Ok(_) => return Ok(user.clone()),
            // Another caller, or this very call, was first: the binding is read when a majority has it.
            Err(error) if error.is_duplicate() => super::pause().await,
            Err(error) => return Err(error),
        }
    }
}

async fn note(
    base: &Base,
    id: &OrderId,
    user: &UserId,
    at: Timestamp,
    limit: u32,
) -> std::result::Result<bool, BackendError> {
    let lookups = base.collection(LOOKUPS);
    let since = lookup::window_start(at);
    loop {
        let found = lookups.find_one(doc! {"_id": user.as_str()}).await?;
        let mut noted = Vec::new();
        for entry in found.iter().flat_map(|document| document.get_array("orders")).flatten() {
            let entry =
                entry.as_document().ok_or_else(|| BackendError::Content("a lookup is no document".to_owned()))?;
            // One whose time is odd counts: the limit holds.
            if time(entry, "at").is_ok_and(|at| at <= since) {
                continue;
            }
            {
                noted.push(entry.clone());
            }
        }
        let counted = noted.iter().any(|entry| is_text(entry, "id", id.as_str()));
        match lookup::decide(counted, noted.len() as u64, limit) {
            LookupDecision::Counted => return Ok(true),
            LookupDecision::Refuse => return Ok(false),
            LookupDecision::Count => {}
        }
        noted.push(doc! {"id": id.as_str(), "at": date(at)});
        // The version decides: applied twice, the second time changes nothing, and the order is found noted.
        let saved = match found {
            None => {
                let document = doc! {"_id": user.as_str(), "version": 1_i64, "orders": noted};
                match lookups.insert_one(document).await.map_err(BackendError::from) {
                    Ok(_) => true,
                    Err(error) if error.is_duplicate() => false,
                    Err(error) => return Err(error),
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

    async fn orders_named(&self, name: &str) -> Result<Vec<OrderId>> {
        let key = name_key(name);
        if key.is_empty() {
            return Ok(Vec::new());
        }
        self.run("finding an order", |base| async move { named(&base, &key).await }).await
    }

    async fn order_of_shop(&self, shop_id: &str) -> Result<Option<Order>> {
        let shop_id = shop_id.to_owned();
        self.run("finding an order", |base| async move { of_shop(&base, &shop_id).await }).await
    }

    async fn twins_of(&self, orders: &[Order]) -> Result<Vec<(OrderId, OrderId)>> {
        let orders = orders.to_vec();
        self.run("finding orders under another id", |base| async move { twins(&base, &orders).await }).await
    }

    async fn orders_of_number(&self, number: &str, home: Country, limit: u32) -> Result<Vec<Order>> {
        let Some((number, tail)) = phone::searched(number) else { return Ok(Vec::new()) };
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let find = |base: Base| async move { of_number(&base, (&number, &tail), home, limit).await };
        self.run("finding the orders of a number", find).await
    }

    async fn upsert_orders(&self, orders: &[Order]) -> Result<Vec<UpsertOutcome>> {
        let mut outcomes = Vec::with_capacity(orders.len());
        for order in orders {
            let (order, added) = (order.clone(), order.clone());
            let save = |base: Base| async move { upsert(&base, &order).await };
            let outcome = self.run("saving an order", save).await?;
            if outcome == UpsertOutcome::Added {
                self.run("saving an order", |base| async move { id_forms::learn_one(&base, &added).await }).await?;
            }
            outcomes.push(outcome);
        }
        Ok(outcomes)
    }

    async fn order_id_forms(&self) -> Result<IdForms> {
        self.run("reading the forms of order ids", |base| async move { id_forms::read(&base).await }).await
    }

    async fn orders_by_id(&self, skipped: u64, limit: u32) -> Result<Vec<Order>> {
        self.run("reading orders", |base| async move {
            let orders = base.collection(ORDERS);
            let sorted = orders.find(doc! {}).sort(doc! {column::ORDER_ID: 1});
            let found: Vec<Document> = sorted.skip(skipped).limit(i64::from(limit)).await?.try_collect().await?;
            Ok(all_readable(&found, ORDERS, read_order))
        })
        .await
    }

    async fn count_orders(&self) -> Result<u64> {
        // The count in the metadata of the collection needs no scan; it may be wrong for a while after a server
        // crashed.
        self.run("counting orders", |base| async move { Ok(base.collection(ORDERS).estimated_document_count().await?) })
            .await
    }

    async fn begin_import(&self, mode: ImportMode) -> Result<Box<dyn OrderImport>> {
        Ok(Box::new(MongoImport::begin(self.base.clone(), mode, Arc::clone(&self.order_stats_cache.imports))?))
    }

    async fn binding_of(&self, id: &OrderId) -> Result<Option<Binding>> {
        let id = id.clone();
        self.run("reading a binding", |base| async move { binding(&base, &id).await }).await
    }

    async fn bound_orders(&self, user: &UserId, limit: u32) -> Result<Vec<OrderId>> {
        let filter = doc! {"user_id": user.as_str()};
        self.run("reading the orders of a customer", |base| async move {
            let found = base.collection(BINDINGS).find(filter).await?;
            let bound: Vec<Document> = found.try_collect().await?;
            let mut bound =
                all_readable(&bound, BINDINGS, |one| Ok((time(one, "at")?, OrderId::new(&text(one, "_id")?))));
            bound.sort_by(|one, other| other.0.cmp(&one.0).then(one.1.cmp(&other.1)));
            Ok(bound.into_iter().map(|(_, order)| order).take(limit as usize).collect())
        })
        .await
    }

    async fn prove_binding(&self, id: &OrderId, user: &UserId, proof: Proof, at: Timestamp) -> Result<UserId> {
        let (id, user) = (id.clone(), user.clone());
        self.run("binding an order", |base| async move { prove(&base, &id, &user, proof, at).await }).await
    }

    async fn unbind_order(&self, id: &OrderId) -> Result<Option<Binding>> {
        let id = id.clone();
        self.run("removing a binding", |base| async move {
            let bound = binding(&base, &id).await?;
            base.collection(BINDINGS).delete_one(doc! {"_id": id.as_str()}).await?;
            Ok(bound)
        })
        .await
    }

    async fn bind_order(&self, id: &OrderId, user: &UserId, at: Timestamp) -> Result<UserId> {
        let (id, user) = (id.clone(), user.clone());
        self.run("binding an order", |base| async move { bind(&base, &id, &user, at).await }).await
    }

    async fn try_record_lookup(&self, id: &OrderId, user: &UserId, at: Timestamp, limit: u32) -> Result<bool> {
        let (id, user) = (id.clone(), user.clone());
        self.run("noting a lookup", |base| async move { note(&base, &id, &user, at, limit).await }).await
    }
}
