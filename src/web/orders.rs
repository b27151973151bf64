//! The page of one order: what is known of it, its lines, its refund, what was done to it, and whose it is.

use axum::extract::{Extension, RawQuery, State};
use maud::{Markup, html};

use super::access::Session;
use super::customer::{action_line, customer_link, order_name, order_status, refund_line};
use super::forms::{Fields, encode};
use super::{AppState, PageError, layout, media, order_actions};
use crate::domain::currency::Amount;
use crate::domain::ids::OrderId;
use crate::domain::order::{Order, PaymentState};
use crate::domain::ownership::ERASED;

pub(super) async fn page(
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
    RawQuery(query): RawQuery,
) -> Result<Markup, PageError> {
    let fields = Fields::read(&query.unwrap_or_default());
    let named = fields.some("id").ok_or(PageError::NotFound)?;
    let store = state.store();
    let mut id = OrderId::new(named);
    let mut order = store.order(&id).await?;
    if order.is_none() {
        // By the name that customers know.
        if let [one] = store.orders_named(named).await?.as_slice() {
            id = one.clone();
            order = store.order(&id).await?;
        }
    }
    let (refund, actions, binding) =
        futures_util::try_join!(store.refund_of(&id), store.actions_of(&id), store.binding_of(&id))?;
    if order.is_none() && refund.is_none() && actions.is_empty() {
        return Err(PageError::NotFound);
    }
    let files = media::of_order(&state, &id).await?;
    let title = order.as_ref().map_or(id.as_str(), order_name).to_owned();
    let main = html! {
        div.heading {
            p.back { a href="/conversations" { "← Conversations" } }
            h1 { (title) }
            @if let Some(order) = &order { p.about { span.chip { (order_status(order)) } } }
        }
        (layout::notice(&fields))
        @match &order {
            Some(order) => { (facts(&state, order)) (order_actions::forms(&state, &session, order, fields.some("user"))) }
            None => p.note { "The order itself is not in the store." },
        }
        section.card.facts #whose {
            h2 { "Customer" }
            @if let Some(bound) = binding.filter(|bound| !bound.user_id.as_str().starts_with(ERASED)) {
                p { "Bound to " (customer_link(&bound.user_id)) " " (layout::time(bound.at, &state.settings.zone)) }
            }
            p { a href=(format!("/conversations?order={}", encode(id.as_str()))) { "Conversations about it" } }
        }
        @if !files.is_empty() { section.card.facts #evidence { h2 { "What customers sent" } (media::links(&files)) } }
        @if let Some(refund) = &refund { section.card.facts #refund { h2 { "Refund" } (refund_line(&state, refund)) } }
        @if !actions.is_empty() {
            section.card.facts #actions { h2 { "Done for it" } @for action in &actions { (action_line(&state, action)) } }
        }
    };
    Ok(layout::page("/conversations", &title, &session, state.pending().await?, &main))
}

fn facts(state: &AppState, order: &Order) -> Markup {
    let details = &order.details;
    let money = |value| state.settings.money.show(Amount::new(value, details.currency.unwrap_or_default()));
    let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let rows = [
        ("Order", text(order.id.as_str())),
        ("Placed", order.placed_at.map(|at| at.strftime("%-d %b %Y, %H:%M").to_string()).or(text(&order.placed))),
        ("Platform", text(&order.platform)),
        ("Category", text(&order.category)),
        ("Total", order.value.map(money)),
        ("Shipping", details.shipping.map(money)),
        ("Tax", details.tax.map(money)),
        ("Discount", details.discount.map(money)),
        ("Payment", details.payment_state.map(|state| PaymentState::as_str(state).to_owned())),
        ("Payment method", details.payment_method.clone()),
        ("Customer", details.customer_name.clone()),
        ("Customer’s number in the shop", text(&order.customer_id)),
        ("Telephone", order.phone.clone()),
        ("E-mail", details.email.clone()),
        ("Address", details.address.clone()),
        ("Carrier", details.carrier.clone()),
        ("Tracking number", details.tracking_number.clone()),
        ("Delivered", details.delivered_at.map(|at| at.strftime("%-d %b %Y, %H:%M").to_string())),
        ("Rating", order.rating.map(|stars| format!("{stars} of 5"))),
        ("Feedback", text(&order.feedback)),
    ];
    html! {
        section.card.facts #order {
            h2 { "Order" }
            dl { @for (name, value) in rows { @if let Some(value) = value { dt { (name) } dd { (value) } } } }
        }
        @if !details.lines.is_empty() {
            section.card #lines {
                h3 { "Lines" }
                div.scroll tabindex="0" role="region" aria-label="Lines of the order" {
                    table {
                        thead {
                            tr {
                                th.n scope="col" { "Quantity" } th scope="col" { "Article" } th scope="col" { "SKU" }
                                th.n scope="col" { "Price" }
                            }
                        }
                        tbody {
                            @for line in &details.lines {
                                tr {
                                    td.n { (line.quantity) }
                                    td { (line.name) }
                                    td { (line.sku.as_deref().unwrap_or("—")) }
                                    td.n { (line.price.map_or_else(|| "—".to_owned(), money)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
