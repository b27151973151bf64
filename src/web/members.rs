//! Who is of the team: members whom the settings file names, which are shown only, and further ones, whom admins add here. Of a
//! password the store has the hash alone; it is made here and shown once.

use std::collections::HashSet;

use axum::extract::{Extension, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::{Markup, html};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::access::{Session, renewed};
use super::forms::Fields;
use super::users::{Member, Role, hash_password, normalize_name, wrong_name};
use super::{AppState, PageError, layout, setup};
use crate::domain::audit::AuditPhase;
use crate::domain::desk::{EntryKind, TeamEntry};
use crate::store::{Store, StoreError};
use crate::support::alerts::release_all_of;

/// Members who are added at most.
const MOST: usize = 200;
/// Characters of a password, and those that nobody takes for another: 20 of 32 are 100 bits.
const PASSWORD_CHARS: usize = 20;
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// The roles, the one first that most have.
const ROLES: [Role; 3] = [Role::Agent, Role::Admin, Role::Viewer];

/// What the store keeps of a member.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    role: String,
    password_hash: String,
}

/// A password that was made a moment ago.
pub(super) struct Secret {
    name: String,
    password: String,
}

/// Who was added, with the hashes of their passwords.
///
/// # Errors
/// When the store fails.
pub(super) async fn added(store: &dyn Store) -> Result<Vec<(Member, String)>, StoreError> {
    Ok(all(store).await?.into_iter().map(|one| (one.member, one.password_hash)).collect())
}

/// A member as the store has them.
struct Added {
    member: Member,
    password_hash: String,
    /// What is stored, as it is.
    value: String,
}

async fn all(store: &dyn Store) -> Result<Vec<Added>, StoreError> {
    let entries = store.entries(EntryKind::Member, Some("")).await?;
    let read = |entry: TeamEntry| {
        let Kept { role, password_hash } = serde_json::from_str(&entry.value).ok()?;
        let member = Member { name: entry.name, role: Role::parse(&role)? };
        Some(Added { member, password_hash, value: entry.value })
    };
    Ok(entries.into_iter().filter_map(read).collect())
}

fn new_secret(name: &str) -> Secret {
    let random: [u8; PASSWORD_CHARS] = rand::random();
    let sign = |byte: &u8| ALPHABET.get(usize::from(byte % 32)).map_or('x', |sign| char::from(*sign));
    Secret { name: name.to_owned(), password: random.iter().map(sign).collect() }
}

/// The members, with the forms that change them.
pub(super) async fn section(state: &AppState, session: &Session, secret: Option<&Secret>) -> Result<Markup, PageError> {
    let access = &state.settings.access;
    let away = state.store().entries(EntryKind::Away, None).await?;
    let away: HashSet<String> = away.into_iter().map(|one| one.owner).collect();
    let everybody = access.everybody();
    // The settings file is the reference. They are shown: once it names them no more, they would log in again.
    let mut hidden = all(state.store()).await?;
    hidden.retain(|one| access.is_of_file(&one.member.name));
    Ok(html! {
        section.card.facts #members {
            h2 { "Members" }
            @if let Some(secret) = secret {
                // It stays until the page is left: it cannot be loaded again.
                p.told #secret role="status" data-own="" {
                    "The password of " strong { (secret.name) } " is " code { (secret.password) }
                    ". It is shown this once: hand it over on a way that nobody else reads."
                }
            }
            @if !everybody.is_empty() {
                div.scroll tabindex="0" role="region" aria-label="Members" {
                    table {
                        thead { tr { th scope="col" { "Name" } th scope="col" { "Role" } th scope="col" { "Duty" } th scope="col" { "Login" } } }
                        tbody {
                            @for (member, of_file) in &everybody { (row(session, member, *of_file, away.contains(&member.name))) }
                            @for one in &hidden { (hidden_row(session, &one.member)) }
                        }
                    }
                }
            }
            @if session.logged_in {
                details data-key="new-member" open[everybody.is_empty()] {
                    summary { "Add a member" }
                    (form(session, "member", "", &html! {
                        label { "Name" input name="name" maxlength="40" required autocomplete="off"; }
                        label { "Role" (roles(Role::Agent)) }
                        button.second type="submit" { "Add, and make a password" }
                    }))
                }
            }
            p.note {
                "Members of " code { "[[dashboard.users]]" } " in the settings file are changed there. Viewers look, agents work on conversations, admins "
                "besides change settings and members."
                @if !session.logged_in { " Nobody logs in to this dashboard, so none is added here." }
            }
        }
    })
}

fn row(session: &Session, member: &Member, of_file: bool, away: bool) -> Markup {
    let (name, own) = (member.name.as_str(), member.name == session.name());
    html! {
        tr data-key=(name) {
            th scope="row" { (name) @if own { " (you)" } }
            td {
                @if of_file || own { (member.role.as_str()) }
                @else {
                    (form(session, "member", name, &html! {
                        input type="hidden" name="known" value="yes";
                        label { span.hidden { "Role of " (name) } (roles(member.role)) }
                        button.second.small type="submit" { "Set" }
                    }))
                }
            }
            td {
                @if member.role < Role::Agent { "–" }
                @else {
                    (form(session, "away", name, &html! {
                        input type="hidden" name="state" value=(if away { "on" } else { "away" });
                        span { @if away { "away" } @else { "on" } }
                        button.second.small type="submit" aria-label=(format!("{name} is {}", if away { "back" } else { "away" })) {
                            @if away { "Is back" } @else { "Is away" }
                        }
                    }))
                }
            }
            td {
                @if of_file { "settings file" }
                @else {
                    (form(session, "password", name, &html! {
                        button.second.small type="submit" aria-label=(format!("New password for {name}")) { "New password" }
                    }))
                    @if !own { (remove_form(session, name, ", and end their sessions")) }
                }
            }
        }
    }
}

/// Somebody who was added here, and whom the settings file names since.
fn hidden_row(session: &Session, member: &Member) -> Markup {
    html! {
        tr data-key=(format!("hidden-{}", member.name)) {
            th scope="row" { (member.name) }
            td { (member.role.as_str()) }
            td { "–" }
            td {
                "added here, and hidden by the settings file: they can log in again where it no longer names them "
                (remove_form(session, &member.name, " as added here"))
            }
        }
    }
}

fn remove_form(session: &Session, name: &str, what: &str) -> Markup {
    html! {
        details data-key=(format!("remove-{name}")) {
            summary { "Remove" }
            (form(session, "remove", name, &html! {
                button.danger.small type="submit" { "Remove " (name) (what) }
            }))
        }
    }
}

fn roles(chosen: Role) -> Markup {
    html! {
        select name="role" {
            @for role in ROLES { option value=(role.as_str()) selected[role == chosen] { (role.as_str()) } }
        }
    }
}

fn form(session: &Session, action: &str, name: &str, inner: &Markup) -> Markup {
    html! {
        form.pin method="post" action=(format!("/settings/{action}")) {
            (layout::csrf(session))
            @if !name.is_empty() { input type="hidden" name="name" value=(name); }
            (inner)
        }
    }
}

/// Whom a form names of those who were added here.
async fn named(state: &AppState, fields: &Fields) -> Result<Added, PageError> {
    let name = normalize_name(fields.get("name"));
    let found = all(state.store()).await?.into_iter().find(|one| one.member.name == name);
    found.ok_or(PageError::BadRequest("Nobody of this name was added here."))
}

/// Whom a form names of those who were added here, and whom the settings file does not name.
async fn changeable(state: &AppState, fields: &Fields) -> Result<Added, PageError> {
    let found = named(state, fields).await?;
    if state.settings.access.is_of_file(&found.member.name) {
        return Err(PageError::BadRequest("The settings file names this member: change them there."));
    }
    Ok(found)
}

/// What becomes of a member.
enum Change<'a> {
    /// They are added, where there is nobody of this name.
    Add(&'a Kept),
    /// What is stored of them is replaced, where it is still the same.
    Replace(&'a Added, &'a Kept),
    Remove,
}

impl Change<'_> {
    /// Whether it was done; not where somebody else was faster.
    async fn apply(&self, state: &AppState, name: &str) -> Result<bool, StoreError> {
        let store = state.store();
        let (before, kept) = match self {
            Self::Add(kept) => (None, kept),
            Self::Replace(before, kept) => (Some(before.value.as_str()), kept),
            Self::Remove => return store.remove_entry(EntryKind::Member, "", name).await,
        };
        let value = serde_json::to_string(kept).unwrap_or_default();
        let (owner, name) = (String::new(), name.to_owned());
        store.replace_entry(before, &TeamEntry { kind: EntryKind::Member, owner, name, value, at: state.now() }).await
    }

    /// Whether the member works on conversations afterwards.
    fn works_on(&self) -> bool {
        let role = match self {
            Self::Add(kept) | Self::Replace(_, kept) => Role::parse(&kept.role),
            Self::Remove => None,
        };
        role.is_some_and(|role| role >= Role::Agent)
    }
}

/// Changes a member, on record before and after, and from then on for every request. What they had to do goes back to the team where
/// they work on conversations no more.
async fn change(
    state: &AppState,
    session: &Session,
    arguments: Value,
    name: &str,
    what: Change<'_>,
) -> Result<(), PageError> {
    let (store, actor) = (state.store(), session.actor(state.now()));
    actor.record(store, "member", arguments.clone(), AuditPhase::Started, Value::Null).await?;
    let done = what.apply(state, name).await?;
    let status = if done { "success" } else { "changed_meanwhile" };
    actor.record(store, "member", arguments, AuditPhase::Finished, json!({"status": status})).await?;
    state.settings.access.read_added(store, true).await;
    if !done {
        return Err(PageError::BadRequest("Somebody else changed this member meanwhile: load the page again."));
    }
    // Another of the same name, in the settings file, goes on.
    if !what.works_on() && !state.settings.access.is_of_file(name) {
        store.remove_entry(EntryKind::Away, name, "").await?;
        release_all_of(store, &actor, name).await?;
    }
    Ok(())
}

async fn hashed(password: &str) -> Result<String, PageError> {
    let password = password.to_owned();
    let hashed = tokio::task::spawn_blocking(move || hash_password(&password)).await;
    hashed.ok().and_then(Result::ok).ok_or(PageError::BadRequest("No password can be made at the moment."))
}

/// Adds a member, or gives one another role.
pub(super) async fn save(
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
    Extension(fields): Extension<Fields>,
) -> Result<Response, PageError> {
    let role =
        Role::parse(fields.get("role")).ok_or(PageError::BadRequest("Choose a role: viewer, agent or admin."))?;
    if fields.some("known").is_some() {
        let before = changeable(&state, &fields).await?;
        let (name, password_hash) = (&before.member.name, before.password_hash.clone());
        if name == session.name() {
            return Err(PageError::BadRequest("Nobody changes their own role: ask another admin."));
        }
        let kept = Kept { role: role.as_str().to_owned(), password_hash };
        let arguments = json!({"name": name, "change": "role", "role": kept.role});
        change(&state, &session, arguments, name, Change::Replace(&before, &kept)).await?;
        return Ok(Redirect::to("/settings?told=saved").into_response());
    }
    if !session.logged_in {
        return Err(PageError::BadRequest("Nobody logs in to this dashboard: set a password or a token first."));
    }
    let name = normalize_name(fields.get("name"));
    if wrong_name(&name).is_some() {
        return Err(PageError::BadRequest("A name has 1 to 40 letters, digits, points, dashes or underscores."));
    }
    let known = added(state.store()).await?;
    let taken = state.settings.access.everybody().into_iter().any(|(member, _)| member.name == name);
    if taken || known.iter().any(|(member, _)| member.name == name) {
        return Err(PageError::BadRequest("There is a member of this name."));
    }
    if known.len() >= MOST {
        return Err(PageError::BadRequest("There are as many members as there may be: remove one first."));
    }
    let secret = new_secret(&name);
    let kept = Kept { role: role.as_str().to_owned(), password_hash: hashed(&secret.password).await? };
    let arguments = json!({"name": name, "change": "added", "role": kept.role});
    change(&state, &session, arguments, &name, Change::Add(&kept)).await?;
    Ok(setup::shown(&state, &session, &Fields::default(), (None, Some(&secret))).await?.into_response())
}

/// Makes a new password: the one before, and every session that it began, are over. Whoever makes their own goes on with a new
/// session: else nobody would see the password.
pub(super) async fn new_password(
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
    headers: HeaderMap,
    Extension(fields): Extension<Fields>,
) -> Result<Response, PageError> {
    let before = changeable(&state, &fields).await?;
    let Member { name, role } = &before.member;
    let secret = new_secret(name);
    let kept = Kept { role: role.as_str().to_owned(), password_hash: hashed(&secret.password).await? };
    let arguments = json!({"name": name, "change": "password"});
    change(&state, &session, arguments, name, Change::Replace(&before, &kept)).await?;
    let told = async |session: &Session| setup::shown(&state, session, &Fields::default(), (None, Some(&secret))).await;
    if name == session.name()
        && let Some((session, cookies)) =
            renewed((&state.settings.access, state.store(), state.now()), &headers, name).await?
    {
        return Ok((cookies, told(&session).await?).into_response());
    }
    Ok(told(&session).await?.into_response())
}

pub(super) async fn remove(
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
    Extension(fields): Extension<Fields>,
) -> Result<Redirect, PageError> {
    let name = named(&state, &fields).await?.member.name;
    if name == session.name() && !state.settings.access.is_of_file(&name) {
        return Err(PageError::BadRequest("Nobody removes themselves: ask another admin."));
    }
    change(&state, &session, json!({"name": name, "change": "removed"}), &name, Change::Remove).await?;
    Ok(Redirect::to("/settings?told=saved"))
}

/// Says that a member is away, or on again.
async fn set_away(state: &AppState, session: &Session, (name, word): (&str, &str)) -> Result<(), PageError> {
    if !["away", "on"].contains(&word) {
        return Err(PageError::BadRequest("Nothing is said: away or on."));
    }
    let (store, actor) = (state.store(), session.actor(state.now()));
    let own = name == session.name();
    let arguments = if own { json!({"state": word}) } else { json!({"state": word, "member": name}) };
    actor.record(store, "duty", arguments.clone(), AuditPhase::Started, Value::Null).await?;
    if word == "away" {
        let (kind, owner, name, value) = (EntryKind::Away, name.to_owned(), String::new(), String::new());
        store.save_entry(&TeamEntry { kind, owner, name, value, at: state.now() }).await?;
    } else {
        store.remove_entry(EntryKind::Away, name, "").await?;
    }
    actor.record(store, "duty", arguments, AuditPhase::Finished, json!({"status": "success"})).await?;
    Ok(())
}

/// For oneself.
pub(super) async fn own_away(
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
    Extension(fields): Extension<Fields>,
) -> Result<Redirect, PageError> {
    let word = fields.get("state");
    set_away(&state, &session, (session.name(), word)).await?;
    Ok(Redirect::to(&format!("/team?told={word}")))
}

/// For any member.
pub(super) async fn away(
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
    Extension(fields): Extension<Fields>,
) -> Result<Redirect, PageError> {
    let name = normalize_name(fields.get("name"));
    if !state.settings.access.members().contains(&name) {
        return Err(PageError::BadRequest("There is no member of this name who works on conversations."));
    }
    set_away(&state, &session, (&name, fields.get("state"))).await?;
    Ok(Redirect::to("/settings?told=saved"))
}
