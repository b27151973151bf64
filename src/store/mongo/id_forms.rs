//! What is known of the forms of order ids: one document of `meta`. It must never hold an id.
//!
//! Other programs write orders as well: where their number has changed by more than was learnt, all ids are looked at again.

use futures_util::TryStreamExt as _;
use mongodb::bson::{Document, doc};

use super::Base;
use super::error::BackendError;
use super::schema::{META, ORDERS};
use super::values::whole;
use crate::domain::ids::IdForms;
use crate::domain::order::{Order, column};

type Read<T> = std::result::Result<T, BackendError>;

const DOCUMENT: &str = "order_id_forms";
/// How many orders more or fewer make no difference, and which share of them.
const FEW: u64 = 20;
const SHARE: u64 = 10;

struct Saved {
    forms: IdForms,
    /// Orders in the database when they were saved.
    orders: u64,
    version: i64,
}

async fn saved(base: &Base) -> Read<Option<Saved>> {
    let Some(document) = base.collection(META).find_one(doc! {"_id": DOCUMENT}).await? else { return Ok(None) };
    let read = || -> Option<Saved> {
        Some(Saved {
            forms: serde_json::from_str(document.get_str("forms").ok()?).ok()?,
            orders: whole(&document, "orders").ok()?.try_into().ok()?,
            version: whole(&document, "version").ok()?,
        })
    };
    Ok(read())
}

async fn orders(base: &Base) -> Read<u64> {
    Ok(base.collection(ORDERS).estimated_document_count().await?)
}

/// Saves forms over those of a version (`None`: over whatever is there); `false` where another writer was faster.
async fn save(base: &Base, forms: &IdForms, over: Option<i64>) -> Read<bool> {
    let forms = serde_json::to_string(forms).unwrap_or_default();
    let orders = i64::try_from(orders(base).await?).unwrap_or(i64::MAX);
    let set = doc! {"$set": {"forms": forms, "orders": orders}, "$inc": {"version": 1_i64}};
    let meta = base.collection(META);
    match over {
        Some(version) => {
            let filter = doc! {"_id": DOCUMENT, "version": version};
            Ok(meta.update_one(filter, set).await?.matched_count == 1)
        }
        None => match meta.update_one(doc! {"_id": DOCUMENT}, set).upsert(true).await.map_err(BackendError::from) {
            Ok(_) => Ok(true),
            Err(error) if error.is_duplicate() => Ok(false),
            Err(error) => Err(error),
        },
    }
}

/// Looks at the ids of all orders.
async fn of_all(base: &Base) -> Read<IdForms> {
    let fields = doc! {"_id": 0, column::ORDER_ID: 1, column::DISPLAY_ID: 1};
    let mut found = base.collection(ORDERS).find(doc! {}).projection(fields).batch_size(10_000).await?;
    let mut forms = IdForms::default();
    while let Some(document) = found.try_next().await? {
        let text = |document: &Document, name: &str| document.get_str(name).ok().map(str::to_owned);
        let Some(id) = text(&document, column::ORDER_ID) else { continue };
        forms.observe(&id, false);
        if let Some(shown) = text(&document, column::DISPLAY_ID).filter(|shown| *shown != id) {
            forms.observe(&shown, true);
        }
    }
    Ok(forms)
}

/// The forms as they are known, looked at anew where they cannot be right any more.
pub(super) async fn read(base: &Base) -> Read<IdForms> {
    let now = orders(base).await?;
    if let Some(saved) = saved(base).await? {
        let apart = now.abs_diff(saved.orders);
        if apart <= FEW || apart * SHARE <= now {
            return Ok(saved.forms);
        }
    }
    let forms = of_all(base).await?;
    // Who may only read looks again the next time.
    if let Err(error) = save(base, &forms, None).await {
        tracing::debug!(?error, "the forms of order ids are not saved");
    }
    Ok(forms)
}

/// Learns from what an import holds; `instead`: nothing of before is left.
pub(super) async fn learn(base: &Base, new: &IdForms, instead: bool) -> Read<()> {
    loop {
        let known = if instead { None } else { saved(base).await? };
        let (forms, over) = match known {
            Some(Saved { mut forms, version, .. }) => {
                forms.merge(new.clone());
                (forms, Some(version))
            }
            None if instead => (new.clone(), None),
            // Orders that nobody looked at may be there.
            None => (of_all(base).await?, None),
        };
        if save(base, &forms, over).await? {
            return Ok(());
        }
        super::pause().await;
    }
}

/// Learns from an order that was added; nothing where all are to be looked at yet.
pub(super) async fn learn_one(base: &Base, order: &Order) -> Read<()> {
    while let Some(Saved { mut forms, version, .. }) = saved(base).await? {
        if !forms.observe_order(order) || save(base, &forms, Some(version)).await? {
            break;
        }
        super::pause().await;
    }
    Ok(())
}
