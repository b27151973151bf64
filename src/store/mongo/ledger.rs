//! Quotes and refunds. An order has at most one refund, and no refund is ever removed.

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use jiff::{SignedDuration, Timestamp};
use mongodb::bson::{self, Bson, Document, doc};
use mongodb::options::ReturnDocument;

use super::super::{Ledger, Recorded, Result};
use super::error::BackendError;
use super::odd::{all_readable, readable};
use super::original;
use super::schema::{QUOTES, REFUNDS};
use super::values::{count, currency, date, int, later, minor_units, optional_text, optional_time, text, time};
use super::{Base, MongoStore, events};
use crate::domain::event::Event;
use crate::domain::ids::{OrderId, QuoteId, UserId};
use crate::domain::proposal::{Details, ProposalKind};
use crate::domain::refund::{ApprovedRefund, Progress, Proposal, ProviderKind, Refund, RefundState, Route};

type Read<T> = std::result::Result<T, BackendError>;

/// The currency of the amounts, which are in its minor units; their fields are called as when there were only rupees.
pub(super) const CURRENCY: &str = "currency";

fn optional(text: Option<&str>) -> Bson {
    text.map_or(Bson::Null, |text| Bson::String(text.to_owned()))
}

pub(super) fn read_quote(document: &Document) -> Read<Proposal> {
    Ok(Proposal {
        id: QuoteId::new(text(document, "_id")?),
        kind: match optional_text(document, "kind")? {
            None => ProposalKind::Refund,
            Some(word) => ProposalKind::parse(&word)
                .ok_or_else(|| BackendError::Content(format!("“{word}” is no kind of a proposal")))?,
        },
        details: match document.get_document("details") {
            Ok(details) => bson::deserialize_from_document(details.clone())?,
            Err(_) => Details::default(),
        },
        order_id: OrderId::new(&text(document, "order_id")?),
        user_id: optional_text(document, "user_id")?.map(UserId::new),
        order_value: minor_units(document, "order_value_paise")?,
        amount: minor_units(document, "amount_paise")?,
        fee: minor_units(document, "fee_paise")?,
        currency: currency(document, CURRENCY)?,
        turn: match document.get("turn") {
            None | Some(Bson::Null) => None,
            Some(_) => Some(count(document, "turn")?),
        },
        created_at: time(document, "created_at")?,
        expires_at: time(document, "expires_at")?,
    })
}

pub(super) fn read_refund(document: &Document) -> Read<Refund> {
    Ok(Refund {
        transaction_id: text(document, "transaction_id")?,
        order_id: OrderId::new(&text(document, "_id")?),
        amount: minor_units(document, "amount_paise")?,
        fee: minor_units(document, "fee_paise")?,
        currency: currency(document, CURRENCY)?,
        quote_id: optional_text(document, "quote_id")?.map(QuoteId::new),
        reason: text(document, "reason")?,
        actor: text(document, "actor")?,
        at: time(document, "at")?,
        items: match document.get_array("items") {
            Ok(items) => bson::deserialize_from_bson(Bson::Array(items.clone()))?,
            Err(_) => Vec::new(),
        },
        route: match document.get_document("route") {
            Ok(route) => bson::deserialize_from_document(route.clone())?,
            Err(_) => Route::default(),
        },
        progress: read_progress(document)?,
    })
}

/// A refund of before there were providers was paid when it was recorded.
fn read_progress(document: &Document) -> Read<Progress> {
    let progress = match document.get_document("progress") {
        Ok(progress) => bson::deserialize_from_document(progress.clone())?,
        Err(_) => Progress::begin(ProviderKind::Ledger, time(document, "at")?),
    };
    let state = match optional_text(document, "state")? {
        None => RefundState::Paid,
        Some(word) => RefundState::parse(&word)
            .ok_or_else(|| BackendError::Content(format!("“{word}” is no state of a refund")))?,
    };
    let version = if document.contains_key("version") { count(document, "version")? } else { 0 };
    Ok(Progress { state, next_at: optional_time(document, "next_at")?, version, ..progress })
}

/// The fields that say how far a refund is. What is not due has no `next_at`.
fn progress_fields(progress: &Progress) -> Read<(Document, Document)> {
    let mut set = doc! {"progress": bson::serialize_to_document(progress)?, "state": progress.state.as_str()};
    match progress.next_at {
        Some(at) => {
            set.insert("next_at", date(at));
            Ok((set, Document::new()))
        }
        None => Ok((set, doc! {"next_at": ""})),
    }
}

pub(super) async fn refund_of(base: &Base, order: &OrderId) -> Read<Option<Refund>> {
    let found = base.collection(REFUNDS).find_one(doc! {"_id": order.as_str()}).await?;
    found.as_ref().map(read_refund).transpose()
}

/// All refunds, at most `limit` (0: no limit), the latest first.
pub(super) async fn refunds(base: &Base, limit: i64) -> Read<Vec<Refund>> {
    let found = base.collection(REFUNDS).find(doc! {}).sort(doc! {"at": -1, "_id": -1}).limit(limit).await?;
    let documents: Vec<Document> = found.try_collect().await?;
    documents.iter().map(read_refund).collect()
}

/// The latest refunds that can be read. Whoever checks the ledger needs [`refunds`], which fails where one cannot.
async fn readable_refunds(base: &Base, filter: Document, limit: i64) -> Read<Vec<Refund>> {
    let found = base.collection(REFUNDS).find(filter).sort(doc! {"at": -1, "_id": -1}).limit(limit).await?;
    let documents: Vec<Document> = found.try_collect().await?;
    Ok(all_readable(&documents, REFUNDS, read_refund))
}

pub(super) async fn record(base: &Base, refund: Refund) -> Read<Recorded> {
    // Identifies this call, so that a write that was applied and whose answer was lost is recognised.
    let call = uuid::Uuid::now_v7().to_string();
    let mut document = doc! {
        "_id": refund.order_id.as_str(),
        "transaction_id": &refund.transaction_id,
        "amount_paise": refund.amount.minor_units(),
        "fee_paise": refund.fee.minor_units(),
        CURRENCY: refund.currency.code(),
        "quote_id": optional(refund.quote_id.as_ref().map(QuoteId::as_str)),
        "reason": &refund.reason,
        "actor": &refund.actor,
        "at": date(refund.at),
        "call": &call,
    };
    if refund.route != Route::default() {
        document.insert("route", bson::serialize_to_document(&refund.route)?);
    }
    if !refund.items.is_empty() {
        document.insert("items", bson::serialize_to_bson(&refund.items)?);
    }
    if !refund.is_simulated() {
        document.extend(progress_fields(&refund.progress)?.0);
        document.insert("version", 0_i64);
    }
    let event = events::made(base, |id| Some(Event::of_refund(id, &refund)))?;
    events::attach(&mut document, event);
    let refunds = base.collection(REFUNDS);
    // First the mark that the original looks for. Where the ledger has a refund already, that one is marked below.
    if refunds.find_one(doc! {"_id": refund.order_id.as_str()}).await?.is_none() {
        original::mark(base, &refund).await?;
    }
    match refunds.insert_one(document).await.map_err(BackendError::from) {
        Ok(_) => events::move_soon(base, REFUNDS, refund.order_id.as_str()).await,
        Err(error) if error.is_duplicate() => {}
        Err(error) => return Err(error),
    }
    // The stored refund is returned, also to the first caller: every caller gets the same. A refund that another call
    // has just written is visible when a majority has it.
    loop {
        if let Some(stored) = refunds.find_one(doc! {"_id": refund.order_id.as_str()}).await? {
            let already = text(&stored, "call").ok() != Some(call);
            let stored = read_refund(&stored)?;
            if already {
                // Of two callers at the same time the other may have been paid for: its mark is the right one.
                original::mark(base, &stored).await?;
            }
            return Ok(Recorded { refund: stored, already });
        }
        super::pause().await;
    }
}

/// Claims the refund that has been due for longest. The version decides between callers; it is there in every refund that is due.
async fn claim(base: &Base, now: Timestamp, until: Timestamp) -> Read<Option<Refund>> {
    let refunds = base.collection(REFUNDS);
    loop {
        let due = doc! {"next_at": {"$lte": date(now)}};
        let Some(document) = refunds.find_one(due).sort(doc! {"next_at": 1}).await? else { return Ok(None) };
        let mut filter = doc! {};
        for name in ["_id", "version", "next_at"] {
            filter.insert(name, document.get(name).cloned());
        }
        let update = doc! {"$set": {"next_at": date(until)}, "$inc": {"version": 1_i64}};
        let taken = refunds.find_one_and_update(filter, update).return_document(ReturnDocument::After).await?;
        let Some(taken) = taken else { continue };
        if let Some(refund) = readable(read_refund(&taken), REFUNDS, &taken) {
            return Ok(Some(refund));
        }
        // Others that are due do not wait for one that nobody can read; it stays claimed for the time of the lease.
    }
}

async fn advance(base: &Base, refund: &Refund, progress: &Progress) -> Read<bool> {
    let before = refund.progress.version;
    let (mut set, unset) = progress_fields(progress)?;
    set.insert("version", int(before + 1));
    let mut update = doc! {"$set": set};
    if !unset.is_empty() {
        update.insert("$unset", unset);
    }
    if progress.state != refund.progress.state {
        let after = Refund { progress: progress.clone(), ..refund.clone() };
        events::push(&mut update, events::made(base, |id| Some(Event::of_refund(id, &after)))?);
    }
    let version = if before == 0 {
        doc! {"$in": [0_i64, Bson::Null]}
    } else {
        doc! {"$eq": int(before)}
    };
    let filter = doc! {"_id": refund.order_id.as_str(), "version": version};
    let advanced = base.collection(REFUNDS).update_one(filter, update).await?.matched_count > 0;
    if advanced {
        events::move_soon(base, REFUNDS, refund.order_id.as_str()).await;
    }
    Ok(advanced)
}

#[async_trait]
impl Ledger for MongoStore {
    async fn save_quote(&self, quote: &Proposal) -> Result<()> {
        let quote = quote.clone();
        self.run("saving a quote", |base| async move {
            let mut document = doc! {
                "_id": quote.id.as_str(),
                "kind": quote.kind.as_str(),
                "order_id": quote.order_id.as_str(),
                "user_id": optional(quote.user_id.as_ref().map(UserId::as_str)),
                "order_value_paise": quote.order_value.minor_units(),
                "amount_paise": quote.amount.minor_units(),
                "fee_paise": quote.fee.minor_units(),
                CURRENCY: quote.currency.code(),
                "turn": quote.turn.map_or(Bson::Null, |turn| Bson::Int64(int(turn))),
                "created_at": date(quote.created_at),
                "expires_at": date(quote.expires_at),
            };
            if !quote.details.is_empty() {
                document.insert("details", bson::serialize_to_document(&quote.details)?);
            }
            let filter = doc! {"_id": quote.id.as_str()};
            let quotes = base.collection(QUOTES);
            super::upsert_with_retry(|| quotes.replace_one(filter.clone(), &document).upsert(true)).await?;
            Ok(())
        })
        .await
    }

    async fn latest_quote(&self, order: &OrderId, user: Option<&UserId>) -> Result<Option<Proposal>> {
        let filter = doc! {
            "order_id": order.as_str(), "user_id": optional(user.map(UserId::as_str)),
            "kind": {"$in": [Bson::Null, Bson::from(ProposalKind::Refund.as_str())]},
        };
        self.run("reading a quote", |base| async move {
            let latest = doc! {"created_at": -1, "_id": -1};
            let found = base.collection(QUOTES).find_one(filter).sort(latest).await?;
            found.as_ref().map(read_quote).transpose()
        })
        .await
    }

    async fn quote(&self, id: &QuoteId) -> Result<Option<Proposal>> {
        let filter = doc! {"_id": id.as_str()};
        self.run("reading a quote", |base| async move {
            let found = base.collection(QUOTES).find_one(filter).await?;
            found.as_ref().map(read_quote).transpose()
        })
        .await
    }

    async fn refund_of(&self, order: &OrderId) -> Result<Option<Refund>> {
        let order = order.clone();
        self.run("reading a refund", |base| async move { refund_of(&base, &order).await }).await
    }

    async fn record_refund(&self, approved: ApprovedRefund) -> Result<Recorded> {
        let refund = approved.into_refund();
        self.run("recording a refund", |base| async move { record(&base, refund).await }).await
    }

    async fn refunds_of(&self, actor: &str, since: Timestamp) -> Result<Vec<Refund>> {
        let filter = doc! {"actor": actor, "at": {"$gte": date(since)}};
        self.run("reading refunds", |base| async move { readable_refunds(&base, filter, 0).await }).await
    }

    async fn refunds(&self, limit: u32) -> Result<Vec<Refund>> {
        self.run("reading refunds", |base| async move {
            if limit == 0 { Ok(Vec::new()) } else { readable_refunds(&base, doc! {}, limit.into()).await }
        })
        .await
    }

    async fn refund(&self, transaction: &str) -> Result<Option<Refund>> {
        let filter = doc! {"transaction_id": transaction};
        self.run("reading a refund", |base| async move {
            let found = base.collection(REFUNDS).find_one(filter).await?;
            found.as_ref().map(read_refund).transpose()
        })
        .await
    }

    async fn refunds_in(&self, states: &[RefundState], limit: u32) -> Result<Vec<Refund>> {
        let mut words: Vec<Bson> = states.iter().map(|state| Bson::String(state.as_str().to_owned())).collect();
        if states.contains(&RefundState::Paid) {
            words.push(Bson::Null);
        }
        self.run("reading refunds", |base| async move {
            let filter = doc! {"state": {"$in": words}};
            if limit == 0 { Ok(Vec::new()) } else { readable_refunds(&base, filter, limit.into()).await }
        })
        .await
    }

    async fn claim_refund(&self, now: Timestamp, lease: SignedDuration) -> Result<Option<Refund>> {
        self.run("claiming a refund", |base| async move {
            // Refunds whose actions were cut off are among those that are due.
            super::actions::complete_pending(&base, now).await?;
            claim(&base, now, later(now, lease)).await
        })
        .await
    }

    async fn advance_refund(&self, refund: &Refund, progress: &Progress) -> Result<bool> {
        let (refund, progress) = (refund.clone(), progress.clone());
        self.run("storing how far a refund is", |base| async move { advance(&base, &refund, &progress).await }).await
    }
}
