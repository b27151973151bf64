//! The list of alerts, and the forms that change them. Only forms that the role of the session allows are shown.

use axum::extract::{Extension, RawQuery, State};
use axum::response::Redirect;
use maud::{Markup, html};

use super::access::Session;
use super::drafts::{self, Drafts};
use super::forms::{Fields, encode};
use super::{AppState, Inner, PageError, layout, media};
use crate::domain::alert::{Alert, AlertSearch, AlertStatus, Assigned, AssigneeFilter, Priority, Reopened};
use crate::domain::ids::AlertId;
use crate::domain::media::MediaFile;
use crate::support::{alerts, handoff, rating};

/// Alerts on a page, and that are resolved at once, at most.
const MAX_SHOWN: usize = 200;
/// The furthest page.
const MAX_PAGE: usize = 100;
/// Pending alerts that are searched for assignees.
const MAX_READ: u32 = 1_000;
/// Values of the filter “assignee” that are no names: no name begins with `@`.
const MINE: &str = "@mine";
const UNASSIGNED: &str = "@nobody";
/// The filters of the list, as parameters of its address.
const FILTERS: [&str; 4] = ["status", "priority", "assignee", "q"];

/// The filters as a query.
fn filter_query(fields: &Fields) -> String {
    let pairs = FILTERS.iter().filter_map(|name| Some(format!("{name}={}", encode(fields.some(name)?))));
    pairs.collect::<Vec<_>>().join("&")
}

pub(super) fn search(fields: &Fields, session: &Session) -> AlertSearch {
    AlertSearch {
        status: match fields.some("status").unwrap_or("pending") {
            "all" => None,
            word => Some(AlertStatus::parse(word).unwrap_or(AlertStatus::Pending)),
        },
        priority: Priority::parse(fields.get("priority")),
        assignee: match fields.get("assignee") {
            "" => None,
            MINE => Some(AssigneeFilter::Named(session.name().to_owned())),
            UNASSIGNED => Some(AssigneeFilter::Unassigned),
            name => Some(AssigneeFilter::Named(name.to_owned())),
        },
        text: fields.get("q").to_owned(),
        resolved_since: None,
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

/// The assignees of pending alerts.
async fn assignees(state: &Inner) -> Result<Vec<String>, PageError> {
    let pending = AlertSearch { status: Some(AlertStatus::Pending), ..AlertSearch::default() };
    let alerts = state.store().find_alerts(&pending, MAX_READ).await?;
    let mut names: Vec<String> = alerts.into_iter().filter_map(|alert| alert.handling.assignee).collect();
    names.sort();
    names.dedup();
    Ok(names)
}

pub(super) async fn list(
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
    RawQuery(query): RawQuery,
) -> Result<Markup, PageError> {
    let fields = Fields::read(&query.unwrap_or_default());
    let search = search(&fields, &session);
    let page = fields.get("page").parse::<usize>().unwrap_or(1).clamp(1, MAX_PAGE);
    let limit = u32::try_from(page * MAX_SHOWN + 1).unwrap_or(u32::MAX);
    let mut found = state.store().find_alerts(&search, limit).await?;
    let more = found.len() > page * MAX_SHOWN;
    found.drain(..found.len().min((page - 1) * MAX_SHOWN));
    found.truncate(MAX_SHOWN);
    let mut names = assignees(&state).await?;
    if let Some(AssigneeFilter::Named(name)) = &search.assignee
        && fields.get("assignee") != MINE
        && !names.contains(name)
    {
        names.push(name.clone());
    }
    let mut whose = vec![("", "anybody"), (MINE, "me"), (UNASSIGNED, "nobody")];
    whose.extend(names.iter().map(|name| (name.as_str(), name.as_str())));
    let status = search.status.map_or("all", AlertStatus::as_str);
    let filters = filter_query(&fields);
    let drafts = Drafts::of(&state, &session).await?;
    let files = media::of_alerts(&state, &found).await?;
    let many = session.may_administer() && found.iter().any(|alert| alert.status == AlertStatus::Pending);
    let main = html! {
        div.heading { h1 { "Alerts" } p.about { "customers who wait for a person" } }
        (notice(&state, &fields).await?)
        form.filters method="get" action="/alerts" {
            (select("status", "Status", status, &[("pending", "pending"), ("resolved", "resolved"), ("all", "all")]))
            (select("priority", "Priority", fields.get("priority"),
                &[("", "any"), ("high", "high"), ("medium", "medium"), ("low", "low")]))
            (select("assignee", "Assignee", fields.get("assignee"), &whose))
            label { "Text or customer " input type="search" name="q" value=(fields.get("q")); }
            button type="submit" { "Filter" }
        }
        @if session.may_change() { p.note { a href=(format!("/export/alerts.csv?{filters}")) download="" { "As CSV" } } }
        p.count { (found.len()) @if more || page > 1 { " on this page" } @else { " found" } }
        @if found.is_empty() { p.nothing { "Nobody waits for a person here." } }
        @if many { (resolve_many_form(&session, &filters)) }
        div.list {
            @for (alert, files) in found.iter().zip(&files) { (card(&state, &session, (alert, files), &drafts, &filters)) }
        }
        (layout::paging(&format!("/alerts?{filters}&page"), page, more))
    };
    Ok(layout::page("/alerts", "Alerts", &session, state.pending().await?, &main))
}

/// The form that the checkboxes of the alerts belong to.
fn resolve_many_form(session: &Session, back: &str) -> Markup {
    html! {
        form.resolve.card #many method="post" action="/alerts/resolve-many" {
            (layout::csrf(session))
            input type="hidden" name="back" value=(back);
            label { span.hidden { "Note for all selected" } input name="note" maxlength="2000" placeholder="What was done, for all that are selected"; }
            button.second type="submit" { "Resolve the selected" }
        }
    }
}

fn card(
    state: &Inner,
    session: &Session,
    (alert, files): (&Alert, &[MediaFile]),
    drafts: &Drafts,
    back: &str,
) -> Markup {
    let pending = alert.status == AlertStatus::Pending;
    html! {
        article.card.alert data-id=(alert.id.as_str()) {
            div.line {
                @if pending && session.may_administer() {
                    input type="checkbox" form="many" name="id" value=(alert.id.as_str())
                        aria-label=(format!("Select the alert of {}", alert.user_id));
                }
                span.chip.(alert.priority.as_str()) { (alert.priority.as_str()) }
                @if !pending { span.chip { "resolved" } }
                @if alert.user_id.as_str() == handoff::SET_UP {
                    span.who { "The set-up of WhatsApp" }
                } @else if alert.user_id.as_str() == handoff::EVENTS {
                    span.who { "Events for other systems" }
                } @else {
                    a.who href=(format!("/conversation?user={}", encode(alert.user_id.as_str()))) { (alert.user_id.as_str()) }
                }
                (assignee(session, alert))
                (layout::time(alert.created_at, &state.settings.zone))
            }
            p { (alert.reason) }
            @if !alert.last_message.is_empty() { blockquote { (alert.last_message) } }
            (media::links(files))
            (history(state, alert))
            @if session.may_change() { (forms(state, session, alert, drafts, back)) }
        }
    }
}

/// The assignee of an alert.
pub(super) fn assignee(session: &Session, alert: &Alert) -> Markup {
    html! {
        @match alert.handling.assignee.as_deref() {
            Some(name) if name == session.name() => { span.chip.good { "yours" } }
            Some(name) => { span.chip { "with " (name) } }
            None if alert.status == AlertStatus::Pending => { span.chip { "unassigned" } }
            None => {}
        }
    }
}

/// How an alert was resolved, and reopened.
pub(super) fn history(state: &Inner, alert: &Alert) -> Markup {
    let (handling, zone) = (&alert.handling, &state.settings.zone);
    html! {
        @if let Some(at) = handling.resolved_at {
            p.note {
                "Resolved" @if let Some(name) = &handling.resolved_by { " by " (name) } " " (layout::time(at, zone))
                @if let Some(note) = &handling.note { ": " (note) }
            }
        }
        @if let Some(at) = handling.reopened_at {
            p.note {
                "Reopened" @if let Some(name) = &handling.reopened_by { " by " (name) } " " (layout::time(at, zone))
            }
        }
    }
}

/// A form that changes an alert. `place` is the page that follows, `back` its filters.
fn alert_form(session: &Session, alert: &Alert, (action, place, back): (&str, &str, &str), inner: &Markup) -> Markup {
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

/// The form that claims, releases or takes an alert.
pub(super) fn claim_form(state: &Inner, session: &Session, alert: &Alert, place: &str, back: &str) -> Markup {
    let act = |action: &str, inner: &Markup| alert_form(session, alert, (action, place, back), inner);
    match alert.handling.assignee.as_deref() {
        None => act("claim", &html! { button.second type="submit" { "Claim" } }),
        Some(name) if name == session.name() => act("release", &html! { button.second type="submit" { "Release" } }),
        // Not taken by accident: the form names the assignee, and takes the alert only from them.
        Some(name) => html! {
            details.take {
                summary { "Take from " (name) }
                (act("claim", &html! {
                    p.note {
                        (name) " is the assignee of this alert"
                        @if let Some(since) = alert.handling.claimed_at {
                            " since " (layout::time(since, &state.settings.zone))
                        }
                        ". Taking it is recorded in the audit trail."
                    }
                    input type="hidden" name="from" value=(name);
                    button.second type="submit" { "Take it from " (name) }
                }))
            }
        },
    }
}

/// The form that assigns an alert to any member; nothing where the settings name none.
pub(super) fn assign_form(state: &Inner, session: &Session, alert: &Alert, place: &str, back: &str) -> Markup {
    let assignee = alert.handling.assignee.as_deref();
    let members = state.settings.access.members();
    html! {
        @if members.iter().any(|name| Some(name.as_str()) != assignee) {
            (alert_form(session, alert, ("assign", place, back), &html! {
                @if let Some(name) = assignee { input type="hidden" name="from" value=(name); }
                label {
                    span.hidden { "Assign to" }
                    select name="to" {
                        @for name in members.iter().filter(|name| Some(name.as_str()) != assignee) {
                            option value=(name) { (name) @if name == session.name() { " (me)" } }
                        }
                    }
                }
                button.second type="submit" { "Assign" }
            }))
        }
    }
}

fn forms(state: &Inner, session: &Session, alert: &Alert, drafts: &Drafts, back: &str) -> Markup {
    let act = |action: &str, inner: &Markup| alert_form(session, alert, (action, "/alerts", back), inner);
    if alert.status == AlertStatus::Resolved {
        return html! {
            @if session.may_administer() { (act("reopen", &html! { button.second type="submit" { "Reopen" } })) }
        };
    }
    html! {
        (claim_form(state, session, alert, "/alerts", back))
        (assign_form(state, session, alert, "/alerts", back))
        (act("resolve", &html! {
            (drafts.note_field(&alert.user_id, "resolve", "What was done (stays with the alert)"))
            button type="submit" { "Resolve" }
        }))
    }
}

/// The notice about a change, by the word in the address. The state of an alert is read again: an address proves nothing.
pub(super) async fn notice(state: &Inner, fields: &Fields) -> Result<Markup, PageError> {
    let alert = match fields.some("alert") {
        Some(id) => state.store().alert(&AlertId::new(id)).await?,
        None => None,
    };
    let assignee = alert.as_ref().and_then(|alert| alert.handling.assignee.as_deref());
    let number = |name: &str| fields.get(name).parse::<u32>().unwrap_or(0);
    let text = match (fields.get("told"), &alert) {
        ("claimed", Some(alert)) => format!("You are the assignee of the alert of {} now.", alert.user_id),
        ("assigned", Some(alert)) => {
            format!("{} is the assignee of the alert of {} now.", assignee.unwrap_or("Nobody"), alert.user_id)
        }
        ("released", Some(alert)) => format!("The alert of {} is unassigned again.", alert.user_id),
        ("held", Some(alert)) => match assignee {
            Some(name) => format!("{name} was faster and is the assignee of the alert of {}.", alert.user_id),
            None => format!("The alert of {} is unassigned by now: claim it if you want it.", alert.user_id),
        },
        ("reopened", Some(alert)) => format!("The alert of {} is pending again: the bot is silent.", alert.user_id),
        ("other", Some(alert)) => {
            format!("{} has another pending alert, and there can be one only: it stays resolved.", alert.user_id)
        }
        ("open", _) => "This alert is pending already.".to_owned(),
        ("many", _) => {
            format!("{} resolved, {} were resolved before.", number("resolved"), number("gone"))
        }
        _ => return Ok(layout::notice(fields)),
    };
    let word = fields.get("told");
    Ok(layout::told(word, &text, ["held", "other"].contains(&word)))
}

fn alert_id(fields: &Fields) -> Result<AlertId, PageError> {
    fields.some("id").map(AlertId::new).ok_or(PageError::BadRequest("No alert is named."))
}

/// The page that a form came from, with a notice.
async fn redirect_back(state: &Inner, fields: &Fields, id: &AlertId, word: &str) -> Result<Redirect, PageError> {
    let notice = format!("told={word}&alert={}", encode(id.as_str()));
    if fields.get("place") == "/conversation"
        && let Some(alert) = state.store().alert(id).await?
    {
        return Ok(Redirect::to(&format!("/conversation?user={}&{notice}", encode(alert.user_id.as_str()))));
    }
    Ok(redirect_to_list(fields, &notice))
}

/// The list with its filters, and a notice.
fn redirect_to_list(fields: &Fields, notice: &str) -> Redirect {
    // Parsed and encoded again, so that a form leads nowhere else.
    let filters = filter_query(&Fields::read(fields.get("back")));
    let more = if filters.is_empty() { String::new() } else { format!("{filters}&") };
    Redirect::to(&format!("/alerts?{more}{notice}"))
}

fn outcome_word(assigned: &Assigned, done: &'static str) -> &'static str {
    match assigned {
        Assigned::Done(_) => done,
        Assigned::Held(_) => "held",
        Assigned::Gone => "gone",
    }
}

pub(super) async fn claim(
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
    Extension(fields): Extension<Fields>,
) -> Result<Redirect, PageError> {
    let id = alert_id(&fields)?;
    let assigned = alerts::claim(state.store(), &session.actor(state.now()), &id, fields.some("from")).await?;
    redirect_back(&state, &fields, &id, outcome_word(&assigned, "claimed")).await
}

pub(super) async fn assign(
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
    Extension(fields): Extension<Fields>,
) -> Result<Redirect, PageError> {
    let (id, to) = (alert_id(&fields)?, fields.get("to"));
    if !state.settings.access.members().iter().any(|name| name == to) {
        return Err(PageError::BadRequest("There is no such member who works on alerts."));
    }
    let actor = session.actor(state.now());
    let assigned = alerts::assign_to(state.store(), &actor, &id, fields.some("from"), to).await?;
    redirect_back(&state, &fields, &id, outcome_word(&assigned, "assigned")).await
}

pub(super) async fn release(
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
    Extension(fields): Extension<Fields>,
) -> Result<Redirect, PageError> {
    let id = alert_id(&fields)?;
    let assigned = alerts::release(state.store(), &session.actor(state.now()), &id).await?;
    redirect_back(&state, &fields, &id, outcome_word(&assigned, "released")).await
}

pub(super) async fn resolve(
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
    Extension(fields): Extension<Fields>,
) -> Result<Redirect, PageError> {
    let id = alert_id(&fields)?;
    let resolved = alerts::resolve(state.store(), &session.actor(state.now()), &id, fields.get("note")).await?;
    if resolved && state.settings.ask_rating {
        rating::ask(state.store(), &state.settings.limits, &id, state.now()).await?;
    }
    if resolved && let Some(alert) = state.store().alert(&id).await? {
        drafts::keep(&state, &session, &alert.user_id, "resolve", "").await?;
    }
    Ok(redirect_to_list(&fields, if resolved { "told=resolved" } else { "told=gone" }))
}

pub(super) async fn resolve_many(
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
    Extension(fields): Extension<Fields>,
) -> Result<Redirect, PageError> {
    let (mut resolved, mut gone) = (0_u32, 0_u32);
    let ids: Vec<&str> = fields.all("id").collect();
    if ids.is_empty() {
        return Err(PageError::BadRequest("No alert is selected: select those that are to be resolved."));
    }
    if ids.len() > MAX_SHOWN {
        return Err(PageError::BadRequest("Too many alerts are selected."));
    }
    for id in ids {
        let done =
            alerts::resolve(state.store(), &session.actor(state.now()), &AlertId::new(id), fields.get("note")).await?;
        *(if done { &mut resolved } else { &mut gone }) += 1;
    }
    Ok(redirect_to_list(&fields, &format!("told=many&resolved={resolved}&gone={gone}")))
}

pub(super) async fn reopen(
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
    Extension(fields): Extension<Fields>,
) -> Result<Redirect, PageError> {
    let id = alert_id(&fields)?;
    let word = match alerts::reopen(state.store(), &session.actor(state.now()), &id).await? {
        Reopened::Done(_) => "reopened",
        Reopened::Pending(_) => "open",
        Reopened::Other(_) => "other",
        Reopened::Gone => return Err(PageError::NotFound),
    };
    redirect_back(&state, &fields, &id, word).await
}
