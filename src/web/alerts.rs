//! Decides how requests for a person are listed, and which forms stand beside each.
//!
//! It must never change an alert that was not named, nor show a form that the role of whoever looks does not allow.

use axum::extract::{Extension, RawQuery, State};
use axum::response::Redirect;
use maud::{Markup, html};

use super::access::Session;
use super::forms::{Fields, encode};
use super::{Desk, Inner, Trouble, layout};
use crate::desk::team;
use crate::domain::alert::{Alert, AlertSearch, AlertStatus, Assigned, Priority, Reopened, Whose};
use crate::domain::ids::AlertId;

/// Alerts that are shown, and that are settled at once.
const MOST_SHOWN: u32 = 200;
/// Pending alerts that are looked through for who looks after any.
const MOST_READ: u32 = 1_000;
/// Signs that no name of the team begins with.
const MINE: &str = "@mine";
const NOBODYS: &str = "@nobody";
/// What a list is narrowed by, as it stands in its address.
const FILTERS: [&str; 4] = ["status", "priority", "assignee", "q"];

/// The part of an address that says what a list is narrowed by.
fn narrowed(fields: &Fields) -> String {
    let pairs = FILTERS.iter().filter_map(|name| Some(format!("{name}={}", encode(fields.some(name)?))));
    pairs.collect::<Vec<_>>().join("&")
}

fn search(fields: &Fields, session: &Session) -> AlertSearch {
    AlertSearch {
        status: match fields.some("status").unwrap_or("pending") {
            "all" => None,
            word => Some(AlertStatus::parse(word).unwrap_or(AlertStatus::Pending)),
        },
        priority: Priority::parse(fields.get("priority")),
        whose: match fields.get("assignee") {
            "" => None,
            MINE => Some(Whose::Of(session.name().to_owned())),
            NOBODYS => Some(Whose::Nobodys),
            name => Some(Whose::Of(name.to_owned())),
        },
        text: fields.get("q").to_owned(),
    }
}

fn select(name: &str, label: &str, chosen: &str, options: &[(&str, &str)]) -> Markup {
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
}

/// Who looks after a pending alert.
async fn assignees(desk: &Inner) -> Result<Vec<String>, Trouble> {
    let pending = AlertSearch { status: Some(AlertStatus::Pending), ..AlertSearch::default() };
    let alerts = desk.store().find_alerts(&pending, MOST_READ).await?;
    let mut names: Vec<String> = alerts.into_iter().filter_map(|alert| alert.handling.assignee).collect();
    names.sort();
    names.dedup();
    Ok(names)
}

pub(super) async fn list(
    State(desk): State<Desk>,
    Extension(session): Extension<Session>,
    RawQuery(query): RawQuery,
) -> Result<Markup, Trouble> {
    let fields = Fields::read(&query.unwrap_or_default());
    let search = search(&fields, &session);
    let mut found = desk.store().find_alerts(&search, MOST_SHOWN + 1).await?;
    let more = found.len() > MOST_SHOWN as usize;
    found.truncate(MOST_SHOWN as usize);
    let mut names = assignees(&desk).await?;
    if let Some(Whose::Of(name)) = &search.whose
        && fields.get("assignee") != MINE
        && !names.contains(name)
    {
        names.push(name.clone());
    }
    let mut whose = vec![("", "anybody"), (MINE, "me"), (NOBODYS, "nobody")];
    whose.extend(names.iter().map(|name| (name.as_str(), name.as_str())));
    let status = search.status.map_or("all", AlertStatus::as_str);
    let back = narrowed(&fields);
    let many = session.may_lead() && found.iter().any(|alert| alert.status == AlertStatus::Pending);
    let main = html! {
        div.heading { h1 { "Alerts" } p.about { "customers who wait for a person" } }
        (told(&desk, &fields).await?)
        form.filters method="get" action="/alerts" {
            (select("status", "Status", status, &[("pending", "pending"), ("resolved", "settled"), ("all", "all")]))
            (select("priority", "Priority", fields.get("priority"),
                &[("", "any"), ("high", "high"), ("medium", "medium"), ("low", "low")]))
            (select("assignee", "Looked after by", fields.get("assignee"), &whose))
            label { "Text or customer " input type="search" name="q" value=(fields.get("q")); }
            button type="submit" { "Filter" }
        }
        p.count { @if more { "more than " } (found.len()) " found" @if more { ", " (MOST_SHOWN) " shown" } }
        @if found.is_empty() { p.nothing { "Nobody waits for a person here." } }
        @if many { (settle_many(&session, &back)) }
        div.list {
            @for alert in &found { (card(&desk, &session, alert, &back)) }
        }
    };
    Ok(layout::page("/alerts", "Alerts", &session, desk.pending().await?, main))
}

/// The form that ticked alerts belong to.
fn settle_many(session: &Session, back: &str) -> Markup {
    html! {
        form.resolve.card #many method="post" action="/alerts/resolve-many" {
            (layout::csrf(session))
            input type="hidden" name="back" value=(back);
            label { span.hidden { "Note for all ticked" } input name="note" maxlength="2000" placeholder="What was done, for all that are ticked"; }
            button.second type="submit" { "Settle the ticked" }
        }
    }
}

fn card(desk: &Inner, session: &Session, alert: &Alert, back: &str) -> Markup {
    let pending = alert.status == AlertStatus::Pending;
    html! {
        article.card.alert data-id=(alert.id.as_str()) {
            div.line {
                @if pending && session.may_lead() {
                    input type="checkbox" form="many" name="id" value=(alert.id.as_str())
                        aria-label=(format!("Tick the alert of {}", alert.user_id));
                }
                span.chip.(alert.priority.as_str()) { (alert.priority.as_str()) }
                @if !pending { span.chip { "settled" } }
                a.who href=(format!("/conversation?user={}", encode(alert.user_id.as_str()))) { (alert.user_id.as_str()) }
                (holder(session, alert))
                (layout::time(alert.created_at, &desk.settings.zone))
            }
            p { (alert.reason) }
            @if !alert.last_message.is_empty() { blockquote { (alert.last_message) } }
            (history(desk, alert))
            @if session.may_change() { (forms(desk, session, alert, "/alerts", back)) }
        }
    }
}

/// Who looks after an alert.
pub(super) fn holder(session: &Session, alert: &Alert) -> Markup {
    html! {
        @match alert.handling.assignee.as_deref() {
            Some(name) if name == session.name() => { span.chip.good { "yours" } }
            Some(name) => { span.chip { "with " (name) } }
            None if alert.status == AlertStatus::Pending => { span.chip { "nobody’s" } }
            None => {}
        }
    }
}

/// How an alert was settled, and opened again.
pub(super) fn history(desk: &Inner, alert: &Alert) -> Markup {
    let (handling, zone) = (&alert.handling, &desk.settings.zone);
    html! {
        @if let Some(at) = handling.resolved_at {
            p.note {
                "Settled" @if let Some(name) = &handling.resolved_by { " by " (name) } " " (layout::time(at, zone))
                @if let Some(note) = &handling.note { ": " (note) }
            }
        }
        @if let Some(at) = handling.reopened_at {
            p.note {
                "Opened again" @if let Some(name) = &handling.reopened_by { " by " (name) } " " (layout::time(at, zone))
            }
        }
    }
}

/// A form that does something to an alert. `place` is the page that follows, `back` what it is narrowed by.
fn act(session: &Session, alert: &Alert, (action, place, back): (&str, &str, &str), inner: &Markup) -> Markup {
    html! {
        form.resolve method="post" action=(format!("/alerts/{action}")) {
            (layout::csrf(session))
            input type="hidden" name="id" value=(alert.id.as_str());
            input type="hidden" name="place" value=(place);
            input type="hidden" name="back" value=(back);
            (inner)
        }
    }
}

/// What somebody may do about who looks after an alert.
pub(super) fn claiming(desk: &Inner, session: &Session, alert: &Alert, place: &str, back: &str) -> Markup {
    let act = |action: &str, inner: &Markup| act(session, alert, (action, place, back), inner);
    match alert.handling.assignee.as_deref() {
        None => act("claim", &html! { button.second type="submit" { "Claim" } }),
        Some(name) if name == session.name() => act("release", &html! { button.second type="submit" { "Release" } }),
        // Nobody's work is taken by a slip: it is said whose it is, and taken only as long as it is theirs.
        Some(name) => html! {
            details.take {
                summary { "Take from " (name) }
                (act("claim", &html! {
                    p.note {
                        (name) " looks after this alert"
                        @if let Some(since) = alert.handling.claimed_at {
                            " since " (layout::time(since, &desk.settings.zone))
                        }
                        ". Taking it is put on record."
                    }
                    input type="hidden" name="from" value=(name);
                    button.second type="submit" { "Take it from " (name) }
                }))
            }
        },
    }
}

fn forms(desk: &Inner, session: &Session, alert: &Alert, place: &str, back: &str) -> Markup {
    let act = |action: &str, inner: &Markup| act(session, alert, (action, place, back), inner);
    if alert.status == AlertStatus::Resolved {
        return html! {
            @if session.may_lead() { (act("reopen", &html! { button.second type="submit" { "Open again" } })) }
        };
    }
    html! {
        (claiming(desk, session, alert, place, back))
        (act("resolve", &html! {
            label { span.hidden { "Note" } input name="note" maxlength="2000" placeholder="What was done (stays with the alert)"; }
            button type="submit" { "Settle" }
        }))
    }
}

/// What a change led to, by the word in the address. What is told of an alert is read anew: an address proves nothing.
pub(super) async fn told(desk: &Inner, fields: &Fields) -> Result<Markup, Trouble> {
    let alert = match fields.some("alert") {
        Some(id) => desk.store().alert(&AlertId::new(id)).await?,
        None => None,
    };
    let holder = alert.as_ref().and_then(|alert| alert.handling.assignee.as_deref());
    let number = |name: &str| fields.get(name).parse::<u32>().unwrap_or(0);
    let told = match (fields.get("told"), &alert) {
        ("claimed", Some(alert)) => format!("You look after the alert of {} now.", alert.user_id),
        ("released", Some(alert)) => format!("The alert of {} is nobody’s again.", alert.user_id),
        ("held", Some(alert)) => match holder {
            Some(name) => format!("{name} was faster: the alert of {} is theirs.", alert.user_id),
            None => format!("The alert of {} is nobody’s by now: claim it if you want it.", alert.user_id),
        },
        ("reopened", Some(alert)) => format!("The alert of {} is open again: the bot is silent.", alert.user_id),
        ("other", Some(alert)) => {
            format!("{} has another pending alert, and there can be one only: it stays settled.", alert.user_id)
        }
        ("open", _) => "This alert is open already.".to_owned(),
        ("many", _) => {
            format!("{} settled, {} were settled before.", number("settled"), number("gone"))
        }
        _ => return Ok(layout::told(fields)),
    };
    let warns = ["held", "other"].contains(&fields.get("told"));
    Ok(html! {
        @if warns { p.warning role="alert" { (told) } } @else { p.told role="status" { (told) } }
    })
}

fn named(fields: &Fields) -> Result<AlertId, Trouble> {
    fields.some("id").map(AlertId::new).ok_or(Trouble::Wrong("No alert is named."))
}

/// The page that a form came from, with what is told there.
async fn back(desk: &Inner, fields: &Fields, id: &AlertId, told: &str) -> Result<Redirect, Trouble> {
    let told = format!("told={told}&alert={}", encode(id.as_str()));
    if fields.get("place") == "/conversation"
        && let Some(alert) = desk.store().alert(id).await?
    {
        return Ok(Redirect::to(&format!("/conversation?user={}&{told}", encode(alert.user_id.as_str()))));
    }
    Ok(to_list(fields, &told))
}

fn to_list(fields: &Fields, told: &str) -> Redirect {
    // Read and written anew, so that a form leads nowhere else.
    let narrowed = narrowed(&Fields::read(fields.get("back")));
    let more = if narrowed.is_empty() { String::new() } else { format!("{narrowed}&") };
    Redirect::to(&format!("/alerts?{more}{told}"))
}

fn word(assigned: &Assigned, done: &'static str) -> &'static str {
    match assigned {
        Assigned::Done(_) => done,
        Assigned::Held(_) => "held",
        Assigned::Gone => "gone",
    }
}

pub(super) async fn claim(
    State(desk): State<Desk>,
    Extension(session): Extension<Session>,
    Extension(fields): Extension<Fields>,
) -> Result<Redirect, Trouble> {
    let id = named(&fields)?;
    let assigned = team::claim(desk.store(), &session.by(desk.now()), &id, fields.some("from")).await?;
    back(&desk, &fields, &id, word(&assigned, "claimed")).await
}

pub(super) async fn release(
    State(desk): State<Desk>,
    Extension(session): Extension<Session>,
    Extension(fields): Extension<Fields>,
) -> Result<Redirect, Trouble> {
    let id = named(&fields)?;
    let assigned = team::release(desk.store(), &session.by(desk.now()), &id).await?;
    back(&desk, &fields, &id, word(&assigned, "released")).await
}

pub(super) async fn resolve(
    State(desk): State<Desk>,
    Extension(session): Extension<Session>,
    Extension(fields): Extension<Fields>,
) -> Result<Redirect, Trouble> {
    let id = named(&fields)?;
    let settled = team::settle(desk.store(), &session.by(desk.now()), &id, fields.get("note")).await?;
    Ok(to_list(&fields, if settled { "told=resolved" } else { "told=gone" }))
}

pub(super) async fn resolve_many(
    State(desk): State<Desk>,
    Extension(session): Extension<Session>,
    Extension(fields): Extension<Fields>,
) -> Result<Redirect, Trouble> {
    let (mut settled, mut gone) = (0_u32, 0_u32);
    let ids: Vec<&str> = fields.all("id").collect();
    if ids.is_empty() {
        return Err(Trouble::Wrong("No alert is ticked: tick those that are to be settled."));
    }
    if ids.len() > MOST_SHOWN as usize {
        return Err(Trouble::Wrong("That are too many alerts at once."));
    }
    for id in ids {
        let done = team::settle(desk.store(), &session.by(desk.now()), &AlertId::new(id), fields.get("note")).await?;
        *(if done { &mut settled } else { &mut gone }) += 1;
    }
    Ok(to_list(&fields, &format!("told=many&settled={settled}&gone={gone}")))
}

pub(super) async fn reopen(
    State(desk): State<Desk>,
    Extension(session): Extension<Session>,
    Extension(fields): Extension<Fields>,
) -> Result<Redirect, Trouble> {
    let id = named(&fields)?;
    let told = match team::reopen(desk.store(), &session.by(desk.now()), &id).await? {
        Reopened::Done(_) => "reopened",
        Reopened::Pending(_) => "open",
        Reopened::Other(_) => "other",
        Reopened::Gone => return Err(Trouble::Missing),
    };
    back(&desk, &fields, &id, told).await
}
