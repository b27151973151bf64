//! Decides how quotes and refunds are kept.
//!
//! It must never keep two refunds of one order, nor remove one.

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use mongodb::bson::{Bson, Document, doc};

use super::super::{Ledger, Recorded, Result};
use super::fault::Fault;
use super::schema::{QUOTES, REFUNDS};
use super::values::{count, date, int, optional_text, paise, text, time};
use super::{Base, MongoStore};
use crate::domain::ids::{OrderId, QuoteId, UserId};
use crate::domain::refund::{ApprovedRefund, Quote, Refund};

type Read<T> = std::result::Result<T, Fault>;

fn optional(text: Option<&str>) -> Bson {
    text.map_or(Bson::Null, |text| Bson::String(text.to_owned()))
}

pub(super) fn read_quote(document: &Document) -> Read<Quote> {
    Ok(Quote {
        id: QuoteId::new(text(document, "_id")?),
        order_id: OrderId::new(&text(document, "order_id")?),
        user_id: optional_text(document, "user_id")?.map(UserId::new),
        order_value: paise(document, "order_value_paise")?,
        amount: paise(document, "amount_paise")?,
        fee: paise(document, "fee_paise")?,
        turn: match document.get("turn") {
            None | Some(Bson::Null) => None,
            Some(_) => Some(count(document, "turn")?),
        },
        created_at: time(document, "created_at")?,
        expires_at: time(document, "expires_at")?,
    })
}

fn read_refund(document: &Document) -> Read<Refund> {
    Ok(Refund {
        transaction_id: text(document, "transaction_id")?,
        order_id: OrderId::new(&text(document, "_id")?),
        amount: paise(document, "amount_paise")?,
        fee: paise(document, "fee_paise")?,
        quote_id: optional_text(document, "quote_id")?.map(QuoteId::new),
        reason: text(document, "reason")?,
        actor: text(document, "actor")?,
        at: time(document, "at")?,
    })
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

async fn record(base: &Base, refund: Refund) -> Read<Recorded> {
    // Names this call, so that a write that was applied and whose answer was lost is known again.
    let call = uuid::Uuid::now_v7().to_string();
    let document = doc! {
        "_id": refund.order_id.as_str(),
        "transaction_id": &refund.transaction_id,
        "amount_paise": refund.amount.paise(),
        "fee_paise": refund.fee.paise(),
        "quote_id": optional(refund.quote_id.as_ref().map(QuoteId::as_str)),
        "reason": &refund.reason,
        "actor": &refund.actor,
        "at": date(refund.at),
        "call": &call,
    };
    let refunds = base.collection(REFUNDS);
    match refunds.insert_one(document).await.map_err(Fault::from) {
        Ok(_) => {}
        Err(fault) if fault.is_duplicate() => {}
        Err(fault) => return Err(fault),
    }
    // What is stored is returned, also to the first caller: everybody gets the same. A refund that another call has just
    // written shows when a majority has it.
    loop {
        if let Some(stored) = refunds.find_one(doc! {"_id": refund.order_id.as_str()}).await? {
            let already = text(&stored, "call").ok() != Some(call);
            return Ok(Recorded { refund: read_refund(&stored)?, already });
        }
        super::pause().await;
    }
}

#[async_trait]
impl Ledger for MongoStore {
    async fn save_quote(&self, quote: &Quote) -> Result<()> {
        let quote = quote.clone();
        self.run("saving a quote", |base| async move {
            let document = doc! {
                "_id": quote.id.as_str(),
                "order_id": quote.order_id.as_str(),
                "user_id": optional(quote.user_id.as_ref().map(UserId::as_str)),
                "order_value_paise": quote.order_value.paise(),
                "amount_paise": quote.amount.paise(),
                "fee_paise": quote.fee.paise(),
                "turn": quote.turn.map_or(Bson::Null, |turn| Bson::Int64(int(turn))),
                "created_at": date(quote.created_at),
                "expires_at": date(quote.expires_at),
            };
            let filter = doc! {"_id": quote.id.as_str()};
            let quotes = base.collection(QUOTES);
            super::upserting(|| quotes.replace_one(filter.clone(), &document).upsert(true)).await?;
            Ok(())
        })
        .await
    }

    async fn latest_quote(&self, order: &OrderId, user: Option<&UserId>) -> Result<Option<Quote>> {
        let filter = doc! {"order_id": order.as_str(), "user_id": optional(user.map(UserId::as_str))};
        self.run("reading a quote", |base| async move {
            let latest = doc! {"created_at": -1, "_id": -1};
            let found = base.collection(QUOTES).find_one(filter).sort(latest).await?;
            found.as_ref().map(read_quote).transpose()
        })
        .await
    }

    async fn quote(&self, id: &QuoteId) -> Result<Option<Quote>> {
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

    async fn refunds(&self, limit: u32) -> Result<Vec<Refund>> {
        self.run("reading refunds", |base| async move {
            if limit == 0 { Ok(Vec::new()) } else { refunds(&base, limit.into()).await }
        })
        .await
    }
}
