//! What was read becomes durable: orders are saved with everything of their body that is older left out, and each that cannot be
//! used is told with its reason. One of them never keeps the others from being saved.

use std::sync::Arc;

use jiff::SignedDuration;
use serde::Serialize;

use super::{Reading, Refusal, Source};
use crate::domain::ids::OrderId;
use crate::domain::order::{Order, OrderState};
use crate::domain::words::excerpt;
use crate::store::{Result, Store, UpsertOutcome};
use crate::telemetry::metric;

/// Orders that are saved together: others who write the store wait for no more of them at a time.
const TOGETHER: usize = 250;
/// How often a deletion is tried where the order changes meanwhile.
const TRIES: usize = 3;

/// The answer to a body: what became of each order.
#[derive(Debug, Default, Serialize)]
pub(super) struct Report {
    /// Orders that are in the store as they were sent, or newer.
    pub(super) accepted: u64,
    added: u64,
    updated: u64,
    unchanged: u64,
    /// A newer version was there.
    stale: u64,
    /// The shop deleted them: they are cancelled now.
    deleted: u64,
    /// What changes no order, such as a trial of the address.
    ignored: u64,
    /// Orders that cannot be used.
    pub(super) refused: Vec<Told>,
    /// What was left out of orders that were accepted.
    left_out: Vec<Told>,
}

/// Something about one order, for whoever sent it.
#[derive(Debug, Serialize)]
pub(super) struct Told {
    /// Its place in the body, from 0.
    index: usize,
    /// Its identifier, where it is known.
    id: Option<String>,
    field: &'static str,
    reason: String,
}

impl Told {
    fn new(index: usize, id: Option<String>, why: Refusal) -> Self {
        Self { index, id, field: why.field, reason: why.reason }
    }
}

/// Saves what was read of a body.
///
/// # Errors
/// When the store fails: then some of the orders may be saved, and the same body sent again completes it.
pub(super) async fn save(store: &Arc<dyn Store>, source: Source, readings: Vec<Reading>) -> Result<Report> {
    let mut report = Report::default();
    let mut orders: Vec<Order> = Vec::new();
    for (index, reading) in readings.into_iter().enumerate() {
        match reading {
            Reading::Order(order, left_out) => {
                if source != Source::Api {
                    // Nobody reads the answer.
                    for Refusal { field, .. } in &left_out {
                        tracing::warn!(
                            source = source.as_str(),
                            field,
                            "a value of an order cannot be read and is left out"
                        );
                    }
                }
                let told = left_out.into_iter().map(|why| Told::new(index, Some(order.id.as_str().to_owned()), why));
                report.left_out.extend(told);
                orders.push(*order);
            }
            Reading::Deleted(number) => {
                if delete(store, source, &number).await? {
                    report.deleted += 1;
                } else {
                    report.ignored += 1;
                }
            }
            Reading::Nothing(why) => {
                tracing::info!(source = source.as_str(), why, "nothing of an order changed");
                report.ignored += 1;
            }
            Reading::Refused { id, why } => {
                let (order, reason) = (id.as_deref().map(logged), logged(&without_contact(&why)));
                tracing::warn!(source = source.as_str(), order, field = why.field, reason, "an order cannot be used");
                report.refused.push(Told::new(index, id, why));
            }
        }
    }
    for together in orders.chunks(TOGETHER) {
        for outcome in store.upsert_orders(together).await? {
            match outcome {
                UpsertOutcome::Added => report.added += 1,
                UpsertOutcome::Updated => report.updated += 1,
                UpsertOutcome::Unchanged => report.unchanged += 1,
                UpsertOutcome::Stale => report.stale += 1,
            }
        }
    }
    report.accepted = report.added + report.updated + report.unchanged + report.stale;
    report.count(source);
    Ok(report)
}

/// A text of a delivery on one line of a log.
fn logged(text: &str) -> String {
    excerpt(text, 160).escape_debug().to_string()
}

/// A reason without what it quotes of how a customer is reached.
fn without_contact(why: &Refusal) -> String {
    let field = why.field.to_lowercase();
    match (why.reason.find('“'), why.reason.rfind('”')) {
        (Some(from), Some(to))
            if from < to && ["phone", "mail", "name", "address"].iter().any(|word| field.contains(word)) =>
        {
            format!("{}“…{}", &why.reason[..from], &why.reason[to..])
        }
        _ => why.reason.clone(),
    }
}

/// Cancels an order that the shop deleted; `false` where there is none, or it stays as it is. One that was delivered or given
/// back stays so: shops clear old orders away, and nothing of what happened to them was undone. What was paid stays on record.
async fn delete(store: &Arc<dyn Store>, source: Source, number: &str) -> Result<bool> {
    for _ in 0..TRIES {
        let found = match store.order_of_shop(number).await? {
            // As a file has it, which knows one number only: WooCommerce's two are the same, but for plug-ins that number anew.
            None if source == Source::WooCommerce => store.order(&OrderId::new(number)).await?,
            found => found,
        };
        let Some(mut order) = found else { return Ok(false) };
        match order.details.state {
            Some(OrderState::Delivered | OrderState::Returned | OrderState::Cancelled) => return Ok(false),
            _ => order.details.state = Some(OrderState::Cancelled),
        }
        order.status = Some("deleted in the shop".to_owned());
        // Newer than what is known, so that no earlier version brings it back, and older than whatever the shop does next.
        let after = order.details.updated_at.and_then(|at| at.checked_add(SignedDuration::from_millis(1)).ok());
        order.details.updated_at = after;
        if store.upsert_order(&order).await? != UpsertOutcome::Stale {
            return Ok(true);
        }
    }
    Ok(false)
}

impl Report {
    fn count(&self, source: Source) {
        for (result, count) in [
            ("added", self.added),
            ("updated", self.updated),
            ("unchanged", self.unchanged),
            ("stale", self.stale),
            ("deleted", self.deleted),
            ("ignored", self.ignored),
            ("refused", self.refused.len() as u64),
        ] {
            if count > 0 {
                metrics::counter!(metric::LIVE_ORDERS, "source" => source.as_str(), "result" => result)
                    .increment(count);
            }
        }
        tracing::debug!(
            source = source.as_str(),
            added = self.added,
            updated = self.updated,
            stale = self.stale,
            refused = self.refused.len(),
            "orders came"
        );
    }
}
