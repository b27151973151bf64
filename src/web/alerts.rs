//! Decides how requests for a person are listed and settled on a page.
//!
//! It must never settle an alert that was not named.

use axum::extract::{Extension, RawQuery, State};
use axum::response::Redirect;
use maud::{Markup, html};

use super::access::Session;
use super::forms::{Fields, encode};
use super::{Desk, Trouble, actions, layout};
use crate::domain::alert::{Alert, AlertStatus};
use crate::domain::ids::AlertId;

/// Alerts that are looked at, and those that are shown.
const MOST_READ: u32 = 2_000;
const MOST_SHOWN: usize = 200;

pub(super) async fn list(
    State(desk): State<Desk>,
    Extension(session): Extension<Session>,
    RawQuery(query): RawQuery,
) -> Result<Markup, Trouble> {
    let fields = Fields::read(&query.unwrap_or_default());
    let status = fields.some("status").unwrap_or("pending");
    let (priority, text) = (fields.get("priority"), fields.get("q").to_lowercase());
    let fits = |alert: &&Alert| {
        let said = || [&alert.reason, &alert.last_message].iter().any(|said| said.to_lowercase().contains(&text));
        (status == "all" || alert.status.as_str() == status)
            && (priority.is_empty() || alert.priority.as_str() == priority)
            && (text.is_empty() || alert.user_id.as_str().to_lowercase().contains(&text) || said())
    };
    let alerts = desk.store().alerts(MOST_READ).await?;
    let found: Vec<&Alert> = alerts.iter().filter(fits).collect();
    let select = |name: &str, label: &str, chosen: &str, options: &[(&str, &str)]| {
        html! {
            label {
                (label) " "
                select name=(name) {
                    @for (value, shown) in options {
                        option value=(value) selected[*value == chosen] { (shown) }
                    }
                }
            }
        }
    };
    let main = html! {
        div.heading { h1 { "Alerts" } p.about { "customers who wait for a person" } }
        (layout::told(&fields))
        form.filters method="get" action="/alerts" {
            (select("status", "Status", status, &[("pending", "pending"), ("resolved", "settled"), ("all", "all")]))
            (select("priority", "Priority", priority, &[("", "any"), ("high", "high"), ("medium", "medium"), ("low", "low")]))
            label { "Text or customer " input type="search" name="q" value=(fields.get("q")); }
            button type="submit" { "Filter" }
        }
        p.count { (found.len()) " found" @if found.len() > MOST_SHOWN { ", " (MOST_SHOWN) " shown" } }
        @if found.is_empty() { p.nothing { "Nobody waits for a person here." } }
        div.list {
            @for alert in found.iter().take(MOST_SHOWN) { (card(&desk, &session, alert)) }
        }
    };
    Ok(layout::page("/alerts", "Alerts", &session, desk.pending().await?, main))
}

fn card(desk: &Desk, session: &Session, alert: &Alert) -> Markup {
    let pending = alert.status == AlertStatus::Pending;
    html! {
        article.card.alert data-id=(alert.id.as_str()) {
            div.line {
                span.chip.(alert.priority.as_str()) { (alert.priority.as_str()) }
                @if !pending { span.chip { "settled" } }
                a.who href=(format!("/conversation?user={}", encode(alert.user_id.as_str()))) { (alert.user_id.as_str()) }
                (layout::time(alert.created_at, &desk.settings.zone))
            }
            p { (alert.reason) }
            @if !alert.last_message.is_empty() { blockquote { (alert.last_message) } }
            @if pending && session.may_change() {
                form.resolve method="post" action="/alerts/resolve" {
                    (layout::csrf(session))
                    input type="hidden" name="id" value=(alert.id.as_str());
                    label { span.hidden { "Note" } input name="note" maxlength="2000" placeholder="What was done (goes on record)"; }
                    button type="submit" { "Settle" }
                }
            }
        }
    }
}

pub(super) async fn resolve(
    State(desk): State<Desk>,
    Extension(session): Extension<Session>,
    Extension(fields): Extension<Fields>,
) -> Result<Redirect, Trouble> {
    let id = fields.some("id").ok_or(Trouble::Wrong("No alert is named."))?;
    let outcome =
        actions::resolve(desk.store(), &session.actor(), &AlertId::new(id), fields.get("note"), desk.now()).await?;
    Ok(Redirect::to(&format!("/alerts?told={}", outcome.word())))
}
