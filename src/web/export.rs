//! Lists as CSV files, with the filters of their pages. What leaves is on record.

use axum::extract::{Extension, Path, RawQuery, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::access::Session;
use super::customer::order_status;
use super::forms::Fields;
use super::queues::{Cases, Queue};
use super::{AppState, PageError, alerts, conversations, pages};
use crate::domain::audit::{AuditPhase, AuditRecord};
use crate::domain::order::Order;
use crate::files::csv::Table;
use crate::insights::Range;

/// Rows of one file at most.
const MAX_ROWS: u32 = 20_000;
/// Orders of one file at most, and that are read at once.
const MAX_ORDERS: usize = 200_000;
const ORDERS_AT_ONCE: u32 = 5_000;
/// Conversations of one file at most: each is read by itself.
const MAX_CONVERSATIONS: usize = 2_000;

fn table(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> Result<(String, usize), PageError> {
    let mut table = Table::new();
    let written = (|| {
        table.row(header)?;
        let mut count = 0;
        for row in rows {
            table.row(row)?;
            count += 1;
        }
        Ok::<_, std::io::Error>((table.finish()?, count))
    })();
    written.map_err(|_| PageError::BadRequest("These rows cannot be written."))
}

pub(super) async fn file(
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, PageError> {
    // A page shows as much as somebody looks at; a file takes all of it away.
    if !session.may_change() {
        return Err(PageError::Forbidden("A file of a list takes the role “agent”."));
    }
    let fields = Fields::read(&query.unwrap_or_default());
    let (text, rows) = match name.as_str() {
        "alerts.csv" => of_alerts(&state, &session, &fields).await?,
        "refunds.csv" => of_refunds(&state).await?,
        "tasks.csv" => of_actions(&state).await?,
        "orders.csv" => of_orders(&state, &fields).await?,
        "conversations.csv" => of_conversations(&state, &session, &fields).await?,
        _ => return Err(PageError::NotFound),
    };
    let record = AuditRecord {
        at: state.now(),
        actor: session.actor(state.now()).actor(),
        action: "export".to_owned(),
        phase: AuditPhase::Finished,
        arguments: json!({"list": name, "filters": fields.filters()}),
        result: json!({"rows": rows}),
    };
    state.store().append_audit(&record).await?;
    let named = format!("attachment; filename=\"{name}\"");
    let headers = [(header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, named)];
    Ok((headers, text).into_response())
}

fn optional(text: Option<impl ToString>) -> String {
    text.map(|text| text.to_string()).unwrap_or_default()
}

async fn of_alerts(state: &AppState, session: &Session, fields: &Fields) -> Result<(String, usize), PageError> {
    let found = state.store().find_alerts(&alerts::search(fields, session), MAX_ROWS).await?;
    let header = [
        "alert_id",
        "customer",
        "priority",
        "status",
        "raised_at",
        "reason",
        "last_message",
        "assignee",
        "resolved_at",
        "resolved_by",
        "note",
    ];
    table(
        &header,
        found.into_iter().map(|alert| {
            let handling = alert.handling;
            vec![
                alert.id.as_str().to_owned(),
                alert.user_id.as_str().to_owned(),
                alert.priority.as_str().to_owned(),
                alert.status.as_str().to_owned(),
                alert.created_at.to_string(),
                alert.reason,
                alert.last_message,
                optional(handling.assignee),
                optional(handling.resolved_at),
                optional(handling.resolved_by),
                optional(handling.note),
            ]
        }),
    )
}

async fn of_refunds(state: &AppState) -> Result<(String, usize), PageError> {
    let header = ["order_id", "amount", "currency", "state", "at", "transaction_id", "reason", "actor", "simulated"];
    table(
        &header,
        state.store().refunds(MAX_ROWS).await?.into_iter().map(|refund| {
            vec![
                refund.order_id.as_str().to_owned(),
                refund.amount.to_json(refund.currency).to_string(),
                refund.currency.code().to_owned(),
                refund.state().as_str().to_owned(),
                refund.at.to_string(),
                refund.transaction_id.clone(),
                refund.reason.clone(),
                refund.actor.clone(),
                refund.is_simulated().to_string(),
            ]
        }),
    )
}

async fn of_actions(state: &AppState) -> Result<(String, usize), PageError> {
    let header = ["action_id", "kind", "order_id", "customer", "summary", "reason", "state", "at", "done_by"];
    table(
        &header,
        state.store().actions(false, MAX_ROWS).await?.into_iter().map(|action| {
            vec![
                action.id.clone(),
                action.kind.to_string(),
                action.order_id.as_str().to_owned(),
                optional(action.user_id.as_ref()),
                action.summary(),
                action.reason.clone(),
                action.state().to_owned(),
                action.at.to_string(),
                optional(action.done.map(|done| done.by)),
            ]
        }),
    )
}

/// The orders of a time and a platform, as the page “Analytics” counts them.
async fn of_orders(state: &AppState, fields: &Fields) -> Result<(String, usize), PageError> {
    let timed = ["range", "from", "to"].iter().any(|name| fields.some(name).is_some());
    let range = if timed { pages::range(fields)? } else { Range::All };
    let period = range.period(state.now(), &state.settings.zone, state.settings.gap);
    let (from, until) = period.local();
    let platform = fields.some("platform");
    let fits = |order: &Order| {
        // Orders without a date belong to no time but all of it.
        let timely = from.is_none_or(|from| order.placed_at.is_some_and(|at| from <= at && at < until));
        timely && platform.is_none_or(|platform| platform == order.platform)
    };
    let (store, count) = (state.store(), state.store().count_orders().await?);
    let (mut rows, mut skipped) = (Vec::new(), 0);
    while skipped < count && rows.len() < MAX_ORDERS {
        let orders = store.orders_by_id(skipped, ORDERS_AT_ONCE).await?;
        rows.extend(orders.iter().filter(|order| fits(order)).map(order_cells));
        skipped += u64::from(ORDERS_AT_ONCE);
    }
    rows.truncate(MAX_ORDERS);
    let header = [
        "order_id",
        "display_id",
        "customer_id",
        "customer_name",
        "platform",
        "placed_at",
        "category",
        "value",
        "currency",
        "status",
        "delivery_minutes",
        "delayed",
        "rating",
        "refund_requested",
        "feedback",
    ];
    table(&header, rows)
}

fn order_cells(order: &Order) -> Vec<String> {
    let details = &order.details;
    let currency = details.currency.unwrap_or_default();
    vec![
        order.id.as_str().to_owned(),
        optional(details.display_id.as_ref()),
        order.customer_id.clone(),
        optional(details.customer_name.as_ref()),
        order.platform.clone(),
        order.placed_at.map_or_else(|| order.placed.clone(), |at| at.to_string()),
        order.category.clone(),
        optional(order.value.map(|value| value.to_json(currency))),
        currency.code().to_owned(),
        order_status(order).to_owned(),
        optional(order.delivery_minutes),
        optional(order.delayed),
        optional(order.rating),
        optional(order.refund_requested),
        order.feedback.clone(),
    ]
}

async fn of_conversations(state: &AppState, session: &Session, fields: &Fields) -> Result<(String, usize), PageError> {
    let cases = Cases::read(state, session).await?;
    let queue = Queue::parse(fields.get("queue"));
    let rows = conversations::exported(state, session, fields, (queue, &cases, MAX_CONVERSATIONS)).await?;
    let header = [
        "customer",
        "last_message_at",
        "last_message_of",
        "last_message",
        "intent",
        "sentiment",
        "assignee",
        "tags",
        "waits_since",
        "undelivered",
        "opted_out",
    ];
    table(&header, rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_spreadsheet_takes_what_customers_wrote_for_a_formula() {
        let rows = [vec!["=cmd|' /C calc'!A0".to_owned(), "hello, \"you\"".to_owned()]];
        let (text, count) = table(&["one", "two"], rows).unwrap();
        assert_eq!((text.as_str(), count), ("one,two\n'=cmd|' /C calc'!A0,\"hello, \"\"you\"\"\"\n", 1));
    }
}
