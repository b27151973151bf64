//! Logging in and out.

use axum::extract::{Extension, Query, State};
use axum::http::{Extensions, HeaderMap, HeaderName, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use axum_extra::extract::cookie::CookieJar;
use jiff::Timestamp;
use maud::{Markup, html};
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;

use super::sessions::SESSION_LIFETIME;
use super::{Access, COOKIE, DEVICE_COOKIE, DEVICE_LIFETIME, Session, cookie, own_path, random};
use crate::http::client::Client;
use crate::store::{Result as StoreResult, Store};
use crate::web::forms::Fields;
use crate::web::login_limit::Applicant;
use crate::web::users::{Credentials, normalize_name};
use crate::web::{AppState, PageError, layout};

fn login_form(access: &Access, name: &str, next: Option<&str>, warning: Option<&str>) -> Markup {
    let users = &access.users;
    layout::without_tabs(
        "Log in",
        &html! {
            form.login.card method="post" action="/login" {
                h1 { "Support dashboard" }
                @if let Some(warning) = warning { p.warning role="alert" { (warning) } }
                @if access.link.is_some() {
                    p { "Open the link that the program showed when it started. To log in with a password, set one." }
                }
                @if users.has_named() {
                    label for="name" { "Name" @if users.has_shared() { " (empty: the team’s password)" } }
                    input #name name="name" autocomplete="username" maxlength="40" value=(name)
                        required[!users.has_shared()] autofocus;
                }
                label for="word" { "Password or token" }
                input #word name="word" type="password" autocomplete="current-password" required
                    autofocus[!users.has_named()];
                @if let Some(next) = next { input type="hidden" name="next" value=(next); }
                button type="submit" { "Log in" }
            }
        },
    )
}

/// The query of the link that logs in.
#[derive(Debug, Deserialize)]
pub(in crate::web) struct Link {
    key: Option<String>,
    next: Option<String>,
}

pub(in crate::web) async fn login_page(
    State(state): State<AppState>,
    session: Option<Extension<Session>>,
    Query(link): Query<Link>,
    extensions: Extensions,
    headers: HeaderMap,
) -> Response {
    let access = &state.settings.access;
    let next = link.next.as_deref().and_then(own_path);
    if session.is_some() {
        return Redirect::to(next.unwrap_or("/")).into_response();
    }
    match link.key.filter(|_| access.link.is_some()) {
        // Its secret is the token of the team, which only the link shows.
        Some(key) => {
            attempt(
                (access, state.store(), state.now()),
                &extensions,
                &headers,
                &Login { name: "", secret: &key, next },
            )
            .await
        }
        None => login_form(access, "", next, None).into_response(),
    }
}

pub(in crate::web) async fn log_in(
    State(state): State<AppState>,
    extensions: Extensions,
    headers: HeaderMap,
    Extension(fields): Extension<Fields>,
) -> Response {
    let name = normalize_name(fields.get("name"));
    let login = Login { name: &name, secret: fields.get("word"), next: fields.some("next").and_then(own_path) };
    attempt((&state.settings.access, state.store(), state.now()), &extensions, &headers, &login).await
}

/// What somebody logs in with, and the page that they want.
pub(super) struct Login<'a> {
    pub(super) name: &'a str,
    pub(super) secret: &'a str,
    pub(super) next: Option<&'a str>,
}

/// Logs somebody in, or shows the form again.
pub(super) async fn attempt(
    state: (&Access, &dyn Store, Timestamp),
    extensions: &Extensions,
    headers: &HeaderMap,
    login: &Login<'_>,
) -> Response {
    let (access, ..) = state;
    let Login { name, secret, next } = *login;
    // What strangers behind the same address have tried locks nobody out who has a long token or the link.
    if let Some(known) = access.users.by_long_token(name, secret) {
        return logged_in(state, headers, login, &known).await;
    }
    let device = access.known_device(name, headers);
    let came_before = device.is_some();
    let applicant = device.map_or_else(|| Applicant::Client(Client::of(extensions)), Applicant::Device);
    let later = |seconds: &'static str, warning: &str| {
        let page = login_form(access, name, next, Some(warning));
        (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, seconds)], page).into_response()
    };
    if !access.limit.may_attempt(&applicant, name) {
        return later("300", "Too many attempts: wait five minutes.");
    }
    // Counted before it is checked: many requests at the same time give no more attempts.
    access.limit.record_failure(&applicant, name);
    let found = if came_before {
        access.users.authenticate_known(name, secret).await
    } else {
        let Ok(_waiting) = access.waiting.try_acquire() else {
            return later("5", "Many try to log in at the moment: try again.");
        };
        access.users.authenticate(name, secret).await
    };
    let Some(known) = found else {
        tracing::warn!("a login to the dashboard failed");
        return wrong(access, login);
    };
    access.limit.record_success(&applicant, name);
    if !name.is_empty() && !access.is_of_file(name) {
        // While the password was checked another process may have removed the member, too.
        access.read_added(state.1, true).await;
    }
    logged_in(state, headers, login, &known).await
}

fn wrong(access: &Access, login: &Login<'_>) -> Response {
    let form = login_form(access, login.name, login.next, Some("That is not right."));
    (StatusCode::UNAUTHORIZED, form).into_response()
}

/// What a browser keeps of a login.
type Cookies = AppendHeaders<[(HeaderName, String); 2]>;

async fn logged_in(
    state: (&Access, &dyn Store, Timestamp),
    headers: &HeaderMap,
    login: &Login<'_>,
    known: &Arc<Credentials>,
) -> Response {
    match begin(state, headers, (login.name, known)).await {
        Ok(Some((_, cookies))) => (cookies, Redirect::to(login.next.unwrap_or("/"))).into_response(),
        Ok(None) => wrong(state.0, login),
        Err(error) => PageError::Store(error).into_response(),
    }
}

/// Begins the session of a request anew, for a member whose secrets were just changed by themselves: the one before is over.
///
/// # Errors
/// When the store fails.
pub(in crate::web) async fn renewed(
    state: (&Access, &dyn Store, Timestamp),
    headers: &HeaderMap,
    name: &str,
) -> StoreResult<Option<(Session, Cookies)>> {
    let (access, store, _) = state;
    access.end_sessions(store, headers).await?;
    match access.users.find(name) {
        Some(known) => begin(state, headers, (name, &known)).await,
        None => Ok(None),
    }
}

/// Starts a session, and marks the browser as one that this name was logged in with.
async fn begin(
    (access, store, now): (&Access, &dyn Store, Timestamp),
    headers: &HeaderMap,
    (name, known): (&str, &Arc<Credentials>),
) -> StoreResult<Option<(Session, Cookies)>> {
    let secure = headers.get("x-forwarded-proto").is_some_and(|scheme| scheme == "https");
    let number = random();
    let mark = known.device_mark(name, &number);
    let Some(key) = access.start_session(store, (name, known), now).await? else { return Ok(None) };
    let session = Access::started(&key, known.member().clone());
    let cookies = [
        cookie(COOKIE, key, "/", SESSION_LIFETIME),
        cookie(DEVICE_COOKIE, format!("{number}.{mark}"), "/login", DEVICE_LIFETIME),
    ];
    let cookies = cookies.map(|mut cookie| {
        cookie.set_secure(secure);
        (header::SET_COOKIE, cookie.to_string())
    });
    Ok(Some((session, AppendHeaders(cookies))))
}

pub(in crate::web) async fn log_out(State(state): State<AppState>, headers: HeaderMap) -> Response {
    if let Err(error) = state.settings.access.end_sessions(state.store(), &headers).await {
        return PageError::Store(error).into_response();
    }
    let removal = cookie(COOKIE, String::new(), "/", Duration::ZERO);
    (CookieJar::new().add(removal), Redirect::to("/login")).into_response()
}
