//! Actions on orders. An action is stored first, under the key of its wish, with the refund that it brings: of several callers
//! one gets it. What belongs to it (the order, the refund) is done afterwards, each part as often as it takes, by whoever made it
//! or, where that process died, by whoever finds it `pending`. One that cannot be completed holds up nothing else.

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use jiff::{SignedDuration, Timestamp};
use mongodb::bson::{self, Bson, Document, doc};

use super::super::{Actions, Closed, RecordedAction, Result};
use super::error::BackendError;
use super::odd::readable;
use super::schema::ACTIONS;
use super::values::date;
use super::{Base, MongoStore, events, ledger, orders};
use crate::domain::action::{Action, ApprovedAction, Done};
use crate::domain::event::Event;
use crate::domain::ids::{OrderId, UserId};
use crate::domain::refund::{ApprovedRefund, Refund};

type Read<T> = std::result::Result<T, BackendError>;

/// The action itself.
const ACTION: &str = "action";
/// The refund that belongs to it, until it is in the ledger.
const REFUND: &str = "refund";
/// True until all that belongs to it is done.
const PENDING: &str = "pending";
/// When it was tried last to complete what a process left.
const TRIED: &str = "tried_at";
/// How many are completed at a time.
const BATCH: i64 = 16;
/// How long one that could not be completed is left alone, so that it is not in the way of others.
const AGAIN: SignedDuration = SignedDuration::from_mins(1);

fn read(document: &Document) -> Read<Action> {
    let action = document.get_document(ACTION);
    let action = action.map_err(|_| BackendError::Content("the field action is missing".to_owned()))?;
    Ok(bson::deserialize_from_document(action.clone())?)
}

fn refund_in(document: &Document) -> Read<Option<Refund>> {
    match document.get(REFUND) {
        None | Some(Bson::Null) => Ok(None),
        Some(Bson::Document(refund)) => Ok(Some(bson::deserialize_from_document(refund.clone())?)),
        // Read as none, it would never be paid.
        Some(_) => Err(BackendError::Content("the field refund is no document".to_owned())),
    }
}

fn is_pending(document: &Document) -> bool {
    document.get_bool(PENDING).unwrap_or(false)
}

/// Whether an action can be read. One whose content went with its customer is as it should be.
pub(super) fn check(document: &Document) -> Read<()> {
    let erased = !document.contains_key(ACTION) && document.get("user_id") == Some(&Bson::Null);
    if erased { Ok(()) } else { read(document).and_then(|_| refund_in(document)).map(drop) }
}

pub(super) fn document(key: &str, action: &Action, refund: Option<&Refund>) -> Read<Document> {
    let mut document = doc! {
        "_id": key,
        "id": &action.id,
        "order_id": action.order_id.as_str(),
        "user_id": action.user_id.as_ref().map_or(Bson::Null, |user| Bson::String(user.as_str().to_owned())),
        "open": true,
        PENDING: true,
        ACTION: bson::serialize_to_document(action)?,
    };
    if let Some(refund) = refund {
        document.insert(REFUND, bson::serialize_to_document(refund)?);
    }
    Ok(document)
}

/// Puts the refund of an action into the ledger. None where another program paid the order back first, or where the order's one
/// refund is an earlier one for something else: nothing is paid for this action then.
async fn pay(base: &Base, action: &Action, refund: Refund) -> Read<Option<Refund>> {
    let (order, planned) = (refund.order_id.clone(), refund.transaction_id.clone());
    match ledger::record(base, refund).await {
        Ok(recorded) => Ok(action.paid_by(&planned, recorded.refund)),
        Err(BackendError::PaidElsewhere(_)) => {
            // An earlier refund of ours stays the order's.
            let held = ledger::refund_of(base, &order).await?;
            if held.is_none() {
                tracing::warn!(%order, "the refund of an action is left out: another program paid the order back");
            }
            Ok(held.and_then(|held| action.paid_by(&planned, held)))
        }
        Err(error) => Err(error),
    }
}

/// Does what belongs to a stored action, and returns the action and its refund.
pub(super) async fn complete(base: &Base, found: &Document) -> Read<(Action, Option<Refund>)> {
    let action = read(found)?;
    let key = found.get("_id").cloned().unwrap_or(Bson::Null);
    let planned = refund_in(found)?;
    // Only what was read is completed: a refund that came since is somebody else's to complete.
    let mut as_read = doc! {"_id": key.clone(), PENDING: true};
    match &planned {
        Some(refund) => as_read.insert(format!("{REFUND}.transaction_id"), &refund.transaction_id),
        None => as_read.insert(REFUND, Bson::Null),
    };
    orders::apply(base, &action).await?;
    let mut update = doc! {"$unset": {PENDING: "", REFUND: "", TRIED: ""}};
    let (transaction_id, refund) = match planned {
        Some(planned) => {
            let refund = pay(base, &action, planned).await?;
            let transaction_id = refund.as_ref().map(|refund| refund.transaction_id.clone());
            let told = transaction_id.as_ref().map_or(Bson::Null, |id| Bson::String(id.clone()));
            update.insert("$set", doc! {format!("{ACTION}.transaction_id"): told});
            (transaction_id, refund)
        }
        None => (action.transaction_id.clone(), None),
    };
    base.collection(ACTIONS).update_one(as_read, update).await?;
    events::move_soon(base, ACTIONS, key).await;
    Ok((Action { transaction_id, ..action }, refund))
}

/// As [`complete`], where others do not wait for this one: `None` where it cannot be completed, which is logged.
async fn try_to_complete(base: &Base, found: &Document) -> Read<Option<(Action, Option<Refund>)>> {
    match complete(base, found).await {
        Ok(completed) => Ok(Some(completed)),
        Err(error) if error.is_transient() => Err(error),
        Err(error) => {
            let action = found.get_str("id").unwrap_or_default();
            let error = error.into_error(&base.shown, "completing an action", base.settings.operation);
            tracing::error!(action, %error, "an action cannot be completed; it is tried again");
            Ok(None)
        }
    }
}

/// Completes what processes left undone because they died.
pub(super) async fn complete_pending(base: &Base, now: Timestamp) -> Read<()> {
    let actions = base.collection(ACTIONS);
    let before = date(now.saturating_sub(AGAIN).unwrap_or(Timestamp::MIN));
    let left = doc! {PENDING: true, "$or": [{TRIED: Bson::Null}, {TRIED: {"$lte": before}}]};
    let found = actions.find(left).sort(doc! {TRIED: 1}).limit(BATCH).await?;
    let found: Vec<Document> = found.try_collect().await?;
    for document in &found {
        // Noted before: the next call begins with others, also where this one ends in the middle.
        let own = doc! {"_id": document.get("_id").cloned(), PENDING: true};
        if actions.update_one(own, doc! {"$set": {TRIED: date(now)}}).await?.matched_count > 0 {
            try_to_complete(base, document).await?;
        }
    }
    Ok(())
}

/// The action of a document, completed.
async fn whole(base: &Base, found: &Document) -> Read<(Action, Option<Refund>)> {
    if is_pending(found) {
        return complete(base, found).await;
    }
    let action = read(found)?;
    let refund = match &action.transaction_id {
        Some(transaction) => {
            let refund = ledger::refund_of(base, &action.order_id).await?;
            refund.filter(|refund| refund.transaction_id == *transaction)
        }
        None => None,
    };
    Ok((action, refund))
}

async fn record(base: &Base, approved: ApprovedAction) -> Read<RecordedAction> {
    let (action, key, refund) = approved.into_parts();
    let actions = base.collection(ACTIONS);
    let mut made = document(&key, &action, refund.as_ref())?;
    events::attach(&mut made, events::made(base, |id| Event::of_action(id, &action))?);
    match actions.insert_one(made).await.map_err(BackendError::from) {
        Ok(_) => {}
        Err(error) if error.is_duplicate() => {}
        Err(error) => return Err(error),
    }
    loop {
        if let Some(stored) = actions.find_one(doc! {"_id": &key}).await? {
            let (stored, refund) = whole(base, &stored).await?;
            // This very call, applied twice, is the first one.
            let already = stored.id != action.id;
            return Ok(RecordedAction { action: stored, refund, already });
        }
        super::pause().await;
    }
}

async fn find(base: &Base, filter: Document, latest: bool, limit: i64) -> Read<Vec<Action>> {
    let order = if latest {
        doc! {"id": -1}
    } else {
        doc! {"id": 1}
    };
    let found = base.collection(ACTIONS).find(filter).sort(order).limit(limit).await?;
    let documents: Vec<Document> = found.try_collect().await?;
    let mut actions = Vec::with_capacity(documents.len());
    for document in &documents {
        if let Some(action) = readable(read(document), ACTIONS, document) {
            let completed = if is_pending(document) { try_to_complete(base, document).await? } else { None };
            actions.push(completed.map_or(action, |(action, _)| action));
        }
    }
    Ok(actions)
}

async fn close(base: &Base, id: &str, done: &Done, refund: Option<Refund>) -> Read<Option<Closed>> {
    let actions = base.collection(ACTIONS);
    let Some(found) = actions.find_one(doc! {"id": id}).await? else { return Ok(None) };
    let (action, _) = whole(base, &found).await?;
    let key = found.get("_id").cloned().unwrap_or(Bson::Null);
    let mut set = doc! {format!("{ACTION}.done"): bson::serialize_to_document(done)?, "open": false};
    if let Some(refund) = &refund {
        set.insert(REFUND, bson::serialize_to_document(refund)?);
        set.insert(PENDING, true);
    }
    // Only where it is open: applied twice, the second time changes nothing.
    let update = doc! {"$set": set};
    let changed = actions.update_one(doc! {"_id": key.clone(), "open": true}, update).await?.matched_count > 0;
    let Some(found) = actions.find_one(doc! {"_id": key}).await? else { return Ok(None) };
    let (stored, paid) = whole(base, &found).await?;
    let mine = changed || stored.done.as_ref() == Some(done);
    let paid = paid.filter(|_| mine && action.transaction_id.is_none());
    Ok(Some(Closed { action: stored, refund: paid, already: !mine }))
}

/// The actions of a customer.
pub(super) async fn of_user(base: &Base, user: &UserId) -> Read<Vec<Action>> {
    find(base, doc! {"user_id": user.as_str()}, false, 0).await
}

/// Gives one customer the actions of another, those since a time or all.
pub(super) async fn rebind(base: &Base, from: &UserId, to: &UserId, since: Option<Timestamp>) -> Read<()> {
    for action in of_user(base, from).await? {
        if since.is_none_or(|since| action.at >= since) {
            let set = doc! {"user_id": to.as_str(), format!("{ACTION}.user_id"): to.as_str()};
            base.collection(ACTIONS).update_one(doc! {"id": &action.id}, doc! {"$set": set}).await?;
        }
    }
    Ok(())
}

/// What is left of a customer's actions when they are forgotten, and how many there were. What cannot be completed before stays
/// pending, without the customer.
pub(super) async fn erase(base: &Base, user: &UserId) -> Read<u64> {
    let mine = doc! {"user_id": user.as_str()};
    let found: Vec<Document> = base.collection(ACTIONS).find(mine).await?.try_collect().await?;
    for document in &found {
        let Some(key) = document.get("_id").cloned() else { continue };
        if is_pending(document) {
            // So that the events of its refund are among those that are erased.
            try_to_complete(base, document).await?;
        }
        events::move_out(base, ACTIONS, key.clone()).await?;
        let (mut set, mut unset) = (doc! {"user_id": Bson::Null}, events::fields());
        if let Ok(action) = read(document) {
            let stored = document.get_document(ACTION).cloned().unwrap_or_default();
            let left = bson::serialize_to_document(&action.without_customer())?;
            // Each field by itself: what others write into the action meanwhile stays.
            let gone = stored.keys().filter(|name| !left.contains_key(name));
            unset.extend(gone.map(|name| (format!("{ACTION}.{name}"), "".into())));
            let changed = left.into_iter().filter(|(name, value)| stored.get(name) != Some(value));
            set.extend(changed.map(|(name, value)| (format!("{ACTION}.{name}"), value)));
        } else {
            // Nobody can read it, or complete it: it is gone.
            let id = document.get_str("id").unwrap_or_default();
            tracing::error!(action = id, "an action that cannot be read went with its customer");
            unset.extend(doc! {ACTION: "", REFUND: "", PENDING: "", TRIED: ""});
        }
        base.collection(ACTIONS).update_one(doc! {"_id": key}, doc! {"$set": set, "$unset": unset}).await?;
    }
    Ok(found.len() as u64)
}

#[async_trait]
impl Actions for MongoStore {
    async fn record_action(&self, approved: ApprovedAction) -> Result<RecordedAction> {
        self.run("recording an action", |base| async move { record(&base, approved).await }).await
    }

    async fn actions_of(&self, order: &OrderId) -> Result<Vec<Action>> {
        let filter = doc! {"order_id": order.as_str()};
        self.run("reading the actions of an order", |base| async move { find(&base, filter, false, 0).await }).await
    }

    async fn actions_for(&self, user: &UserId) -> Result<Vec<Action>> {
        let user = user.clone();
        self.run("reading the actions of a customer", |base| async move { of_user(&base, &user).await }).await
    }

    async fn action(&self, id: &str) -> Result<Option<Action>> {
        let filter = doc! {"id": id};
        self.run("reading an action", |base| async move { Ok(find(&base, filter, false, 1).await?.pop()) }).await
    }

    async fn actions(&self, open: bool, limit: u32) -> Result<Vec<Action>> {
        let filter = if open {
            doc! {"open": true}
        } else {
            doc! {}
        };
        self.run("reading actions", |base| async move {
            if limit == 0 { Ok(Vec::new()) } else { find(&base, filter, true, limit.into()).await }
        })
        .await
    }

    async fn close_action(
        &self,
        id: &str,
        by: &str,
        at: Timestamp,
        refund: Option<ApprovedRefund>,
    ) -> Result<Option<Closed>> {
        let (id, done) = (id.to_owned(), Done { by: by.to_owned(), at });
        let refund = refund.map(ApprovedRefund::into_refund);
        self.run("closing an action", |base| async move { close(&base, &id, &done, refund).await }).await
    }
}
