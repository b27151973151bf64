//! The settings, for admins: what is set and where it was set, what the program finds when it checks itself, who may log in, and the
//! canned replies, which are written here. The settings file stays the reference of everything else.

use std::sync::Arc;

use axum::extract::{Extension, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde_json::{Value, json};

use super::access::Session;
use super::canned;
use super::forms::Fields;
use super::{AppState, PageError, layout};
use super::{members, templates};
use crate::domain::audit::AuditPhase;
use crate::domain::desk::{EntryKind, LONGEST_NAME, TeamEntry};
use crate::domain::outgoing::KnownTemplate;

/// One setting as it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingLine {
    /// Its key, such as `team.resolve_hours`.
    pub key: String,
    /// Its value; of what may be a secret only whether it is set.
    pub value: String,
    /// Where it was set; empty: nowhere, the default holds.
    pub from: String,
}

/// What the program found of one of its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckLine {
    /// `ok`, `warning` or `broken`.
    pub verdict: &'static str,
    /// Which part.
    pub part: String,
    /// What was found.
    pub found: String,
    /// What to do about it; empty: nothing.
    pub hint: String,
}

/// The settings and the checks of the program.
pub trait Setup: Send + Sync {
    /// Every setting, by its key.
    fn settings(&self) -> Vec<SettingLine>;
    /// Checks every part; this takes a moment, and blocks.
    fn check(&self) -> Vec<CheckLine>;
    /// Whether the templates of the shop's account can be read.
    fn has_templates(&self) -> bool {
        false
    }
    /// Reads them, or says why not; this takes a moment, and blocks.
    ///
    /// # Errors
    /// When they cannot be read.
    fn templates(&self) -> Result<Vec<KnownTemplate>, String> {
        Ok(Vec::new())
    }
}

fn refused() -> Response {
    let told = "The settings are shown to admins only.";
    (StatusCode::FORBIDDEN, layout::message("Not allowed", told)).into_response()
}

pub(super) async fn page(
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
    RawQuery(query): RawQuery,
) -> Result<Response, PageError> {
    if !session.may_administer() {
        return Ok(refused());
    }
    let fields = Fields::read(&query.unwrap_or_default());
    Ok(shown(&state, &session, &fields, (None, None)).await?.into_response())
}

pub(super) async fn check(
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
) -> Result<Markup, PageError> {
    let setup = state.settings.setup.as_ref().map(Arc::clone).ok_or(PageError::NotFound)?;
    let found = tokio::task::spawn_blocking(move || setup.check()).await;
    let found = found.map_err(|_| PageError::BadRequest("The check was cut off: the log says why."))?;
    shown(&state, &session, &Fields::default(), (Some(&found), None)).await
}

/// The page, with what a check found, or the password of a member, which is shown this once.
pub(super) async fn shown(
    state: &AppState,
    session: &Session,
    fields: &Fields,
    (found, secret): (Option<&[CheckLine]>, Option<&members::Secret>),
) -> Result<Markup, PageError> {
    let replies = canned::all(state).await?;
    let setup = state.settings.setup.as_ref();
    let settings = setup.map(|setup| setup.settings()).unwrap_or_default();
    let (set, default): (Vec<_>, Vec<_>) = settings.into_iter().partition(|line| !line.from.is_empty());
    let main = html! {
        div.heading { h1 { "Settings" } p.about { "the settings file is the reference; canned replies and further members are kept here" } }
        (layout::notice(fields))
        section.card.facts #replies-card {
            h2 { "Canned replies" }
            @for reply in &replies { div.reply data-key=(reply.name) { (reply_form(session, &reply.name, &reply.text)) } }
            details data-key="new-reply" { summary { "Another one" } (reply_form(session, "", "")) }
            p.note { code { "{name}" } " and " code { "{order_id}" } " are filled in where they are known. A reply without words is removed." }
        }
        (members::section(state, session, secret).await?)
        (templates::section(state, session))
        @if setup.is_some() {
            section.card.facts #checked {
                h2 { "Check" }
                // It stays when the page is brought up to date: that does not check again.
                div #found data-own="" {
                    @for line in found.unwrap_or_default() {
                        p {
                            span.chip.(match line.verdict { "ok" => "good", "broken" => "high", _ => "medium" }) { (line.verdict) }
                            " " strong { (line.part) } " " (line.found)
                            @if !line.hint.is_empty() { br; span.note { (line.hint) } }
                        }
                    }
                }
                form.act method="post" action="/settings/check" {
                    (layout::csrf(session))
                    button.second type="submit" { "Check every part now" }
                }
            }
            section.card.facts #set { h2 { "Set" } (lines(&set)) @if set.is_empty() { p.note { "Nothing: the defaults hold." } } }
            details.card data-key="defaults" { summary { "Defaults that hold" } (lines(&default)) }
        }
    };
    Ok(layout::page("/settings", "Settings", session, state.pending().await?, &main))
}

fn lines(lines: &[SettingLine]) -> Markup {
    html! {
        @if !lines.is_empty() {
            div.scroll tabindex="0" role="region" aria-label="Settings" {
                table {
                    thead { tr { th scope="col" { "Setting" } th scope="col" { "Value" } th scope="col" { "From" } } }
                    tbody { @for line in lines { tr { th scope="row" { (line.key) } td { (line.value) } td { (line.from) } } } }
                }
            }
        }
    }
}

fn reply_form(session: &Session, name: &str, text: &str) -> Markup {
    html! {
        form.act method="post" action="/settings/reply" {
            (layout::csrf(session))
            @if name.is_empty() {
                label { "Name, typed after a slash" input name="name" maxlength=(LONGEST_NAME) required pattern="[a-z0-9-]+"; }
            } @else {
                input type="hidden" name="name" value=(name);
            }
            label {
                @if name.is_empty() { "Text" } @else { "/" (name) }
                textarea name="text" rows="2" { (text) }
            }
            button.second type="submit" { "Save" }
        }
    }
}

pub(super) async fn save_reply(
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
    Extension(fields): Extension<Fields>,
) -> Result<Redirect, PageError> {
    let (name, text) = (fields.get("name"), fields.get("text"));
    let plain = |c: char| c.is_lowercase() || c.is_numeric() || c == '-';
    if name.is_empty() || name.chars().count() > LONGEST_NAME || !name.chars().all(plain) {
        return Err(PageError::BadRequest("The name has to be 1 to 40 small letters, digits or “-”."));
    }
    if text.chars().count() > state.settings.limits.text {
        return Err(PageError::BadRequest("The text is longer than a message may be."));
    }
    let (store, actor) = (state.store(), session.actor(state.now()));
    // The whole text: a reply that customers get is the shop's own word.
    let arguments = json!({"name": name, "text": text});
    actor.record(store, "canned_reply", arguments.clone(), AuditPhase::Started, Value::Null).await?;
    let entry = TeamEntry {
        kind: EntryKind::Reply,
        owner: String::new(),
        name: name.to_owned(),
        value: text.to_owned(),
        at: state.now(),
    };
    store.save_entry(&entry).await?;
    actor.record(store, "canned_reply", arguments, AuditPhase::Finished, json!({"status": "success"})).await?;
    Ok(Redirect::to("/settings?told=saved"))
}
