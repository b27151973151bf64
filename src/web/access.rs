//! Which requests the dashboard lets through: by host, session, role, and the CSRF token of a form.
//!
//! A failed login never says why, and a form is checked here before any handler sees it. Nobody is let in for where they seem to
//! come from: there is a password, a token, a link that whoever started the program was shown, or somebody said that nobody
//! else reaches this machine.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::body::{Body, to_bytes};
use axum::extract::{Extension, Query, Request, State};
use axum::http::{Extensions, HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use jiff::Timestamp;
use maud::{Markup, html};
use secrecy::SecretString;
use serde::Deserialize;
use tokio::sync::Semaphore;

use super::forms::{Fields, encode};
use super::login_limit::{Applicant, LoginLimit};
use super::users::{Member, Role, SharedSecrets, TeamMember, Users, constant_time_eq, normalize_name};
use super::{AppState, layout};
use crate::http::client::Client;
use crate::http::host::{AllowedHosts, is_local};
use crate::http::local;
use crate::support::Actor;

const COOKIE: &str = "ecomres_session";
/// The cookie that a browser is known by which somebody has logged in with, and how long it is.
const DEVICE_COOKIE: &str = "ecomres_device";
const DEVICE_LIFETIME: Duration = Duration::from_hours(180 * 24);
/// Logins that wait for their passwords to be checked; more are told to come again.
const MAX_WAITING_LOGINS: usize = 32;
/// How long a session is valid.
const SESSION_LIFETIME: Duration = Duration::from_hours(12);
/// Sessions at the same time; where there are more, the oldest is removed.
const MAX_SESSIONS: usize = 1_000;
/// The forms for admins only. Every other form is for agents as well.
const ADMIN_FORMS: [&str; 3] = ["/alerts/reopen", "/alerts/resolve-many", "/knowledge/answer"];
/// The largest form, and the largest one of somebody who has not logged in.
const MAX_FORM_BYTES: usize = 64 * 1_024;
const MAX_LOGIN_BYTES: usize = 4 * 1_024;
/// The longest address that a login leads to.
const MAX_NEXT_BYTES: usize = 2_000;

/// Settings that the dashboard cannot be protected with.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// Other machines could use the dashboard without a login.
    #[error("{0} can be reached from other machines, and the dashboard has neither password nor token nor users")]
    NoLogin(SocketAddr),
    /// Nothing opens the dashboard.
    #[error("the dashboard has neither password nor token nor users")]
    NoLock,
    /// Whoever is alone listens at an address of this machine only.
    #[error("{0} can be reached from other machines, and --i-am-alone is for this machine only")]
    NotAlone(SocketAddr),
    /// A password hash is no argon2 hash.
    #[error("{place} is no argon2 hash: {reason}")]
    InvalidHash {
        /// Which setting.
        place: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A user has no secret, or an invalid or duplicate name.
    #[error("[[dashboard.users]] {name}: {reason}")]
    InvalidUser {
        /// The name.
        name: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// A password cannot be hashed.
    #[error("the password cannot be hashed: {0}")]
    Hashing(String),
}

impl AccessError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoLogin(_) => {
                "set [dashboard] password_hash (ecomres dashboard --hash-password) or token, name [[dashboard.users]], or \
                 listen at 127.0.0.1"
                    .into()
            }
            Self::NoLock => "set [dashboard] password_hash (ecomres dashboard --hash-password) or token, or name \
                 [[dashboard.users]]; to try it out, --i-am-alone"
                .into(),
            Self::NotAlone(_) => "set [dashboard] password_hash or token instead, or listen at 127.0.0.1".into(),
            Self::InvalidUser { .. } => {
                "each needs a name, a role (viewer, agent or admin), and a password_hash or a token".into()
            }
            Self::InvalidHash { .. } => "make one: ecomres dashboard --hash-password".into(),
            Self::Hashing(_) => "use another password".into(),
        })
    }
}

/// A session of somebody who has logged in.
struct StoredSession {
    csrf: String,
    until: Instant,
    member: Member,
}

/// Who may use the dashboard.
pub struct Access {
    users: Users,
    /// Whether nobody has to log in, because somebody said that nobody else reaches this machine. Then only its own direct
    /// requests are let in.
    alone: bool,
    /// What the link holds that logs in, where there is one.
    link: Option<String>,
    /// The names that it may be reached by; `None` where others reach it, who have to log in.
    hosts: Option<AllowedHosts>,
    waiting: Semaphore,
    sessions: Mutex<HashMap<String, StoredSession>>,
    limit: LoginLimit,
    /// The CSRF token of forms where nobody logs in.
    shared_csrf: String,
}

/// What a request that was let through has.
#[derive(Debug, Clone)]
pub(super) struct Session {
    /// The token that its forms carry.
    pub(super) csrf: String,
    /// Whether somebody has logged in, and can log out.
    pub(super) logged_in: bool,
    member: Member,
}

impl Session {
    /// Whether it may change anything. Pages show no form where it may not; a form that is sent anyway is refused before
    /// any handler.
    pub(super) fn may_change(&self) -> bool {
        self.member.role >= Role::Agent
    }

    /// Whether it may reopen resolved alerts and resolve many at once.
    pub(super) fn may_administer(&self) -> bool {
        self.member.role >= Role::Admin
    }

    /// The name that others see, as assignee for example.
    pub(super) fn name(&self) -> &str {
        &self.member.name
    }

    /// The word for its role.
    pub(super) fn role(&self) -> &'static str {
        self.member.role.as_str()
    }

    /// Who acts, and when: in the audit trail `operator:NAME`.
    pub(super) fn actor(&self, now: Timestamp) -> Actor {
        Actor { name: self.member.name.clone(), now }
    }
}

fn random() -> String {
    hex::encode(rand::random::<[u8; 32]>())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Access {
    /// Access to a dashboard that listens at `address`: by an argon2 hash of a password, a token, or either (empty: none).
    /// `hosts` are names that it is reached by besides localhost and addresses in digits.
    ///
    /// # Errors
    /// When no login is set, or the hash is no argon2 hash.
    pub fn new(
        address: SocketAddr,
        password_hash: &SecretString,
        token: &SecretString,
        hosts: &[String],
    ) -> Result<Self, AccessError> {
        Self::with_users(address, password_hash, token, hosts, &[])
    }

    /// As [`Access::new`], with users who log in by their names. The password and the token of the whole team remain valid:
    /// whoever has them is an admin.
    ///
    /// # Errors
    /// As [`Access::new`], and when a user has an invalid name or no secret.
    pub fn with_users(
        address: SocketAddr,
        password_hash: &SecretString,
        token: &SecretString,
        hosts: &[String],
        users: &[TeamMember],
    ) -> Result<Self, AccessError> {
        let users = Users::new(&SharedSecrets { password_hash, token }, users)?;
        let local = is_local(address.ip());
        match (users.login_required(), local) {
            (true, _) => Ok(Self::of(users, local.then(|| AllowedHosts::new(hosts, local)))),
            (false, true) => Err(AccessError::NoLock),
            (false, false) => Err(AccessError::NoLogin(address)),
        }
    }

    fn of(users: Users, hosts: Option<AllowedHosts>) -> Self {
        Self {
            users,
            alone: false,
            link: None,
            hosts,
            waiting: Semaphore::new(MAX_WAITING_LOGINS),
            sessions: Mutex::default(),
            limit: LoginLimit::default(),
            shared_csrf: random(),
        }
    }

    /// Access by a link alone, which holds a secret that is made now: whoever starts the program is to be shown the path and
    /// query that are returned.
    ///
    /// # Errors
    /// When other machines reach the address.
    pub fn by_link(address: SocketAddr, hosts: &[String]) -> Result<(Self, String), AccessError> {
        if !is_local(address.ip()) {
            return Err(AccessError::NoLogin(address));
        }
        let key = random();
        let access = Self::new(address, &SecretString::from(String::new()), &key.clone().into(), hosts)?;
        let path = format!("/login?key={key}");
        Ok((Self { link: Some(key), ..access }, path))
    }

    /// Access without a login, for direct requests of this machine: somebody has said that nobody else reaches it.
    ///
    /// # Errors
    /// When other machines reach the address.
    pub fn alone(address: SocketAddr) -> Result<Self, AccessError> {
        if !is_local(address.ip()) {
            return Err(AccessError::NotAlone(address));
        }
        let empty = SecretString::from(String::new());
        let users = Users::new(&SharedSecrets { password_hash: &empty, token: &empty }, &[])?;
        Ok(Self { alone: true, ..Self::of(users, None) })
    }

    /// Whether a browser is one that this name was logged in with, and its number.
    fn known_device(&self, name: &str, headers: &HeaderMap) -> Option<String> {
        cookies(headers, DEVICE_COOKIE).find_map(|value| {
            let (number, mark) = value.split_once('.')?;
            let right = self.users.device_mark(name, number)?;
            constant_time_eq(&right, mark).then(|| number.to_owned())
        })
    }

    fn session(&self, headers: &HeaderMap) -> Option<Session> {
        if self.alone {
            return Some(Session { csrf: self.shared_csrf.clone(), logged_in: false, member: Member::unnamed() });
        }
        let mut sessions = lock(&self.sessions);
        sessions.retain(|_, session| session.until > Instant::now());
        let session = cookies(headers, COOKIE).find_map(|key| sessions.get(key.as_str()))?;
        Some(Session { csrf: session.csrf.clone(), logged_in: true, member: session.member.clone() })
    }

    /// Starts a session and returns its key.
    fn start_session(&self, member: Member) -> String {
        let key = random();
        let mut sessions = lock(&self.sessions);
        if sessions.len() >= MAX_SESSIONS
            && let Some(oldest) = sessions.iter().min_by_key(|(_, session)| session.until).map(|(key, _)| key.clone())
        {
            sessions.remove(&oldest);
        }
        sessions
            .insert(key.clone(), StoredSession { csrf: random(), until: Instant::now() + SESSION_LIFETIME, member });
        key
    }
}

/// A cookie for the pages below a path; `max_age` zero removes it.
fn cookie(name: &'static str, value: String, path: &'static str, max_age: Duration) -> Cookie<'static> {
    Cookie::build((name, value))
        .path(path)
        .http_only(true)
        .same_site(SameSite::Strict)
        .max_age(max_age.try_into().unwrap_or_default())
        .build()
}

/// Whether a form comes from a page of this server, as far as the browser says (`Origin`).
fn is_same_origin(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    match text(header::ORIGIN) {
        None => true,
        Some(origin) => {
            let host = origin.split_once("://").map(|(_, host)| host);
            host.is_some() && host == text(header::HOST)
        }
    }
}

fn refuse(status: StatusCode, message: &str) -> Response {
    (status, layout::message("Not allowed", message)).into_response()
}

/// A path of this server that a login may lead to: an address that somebody was sent must not lead elsewhere.
fn own_path(text: &str) -> Option<&str> {
    let here = text.starts_with('/') && !text.starts_with("//") && !text.contains('\\');
    let page = !["/login", "/logout", "/events", "/assets/"].iter().any(|path| text.starts_with(path));
    let plain = text.len() <= MAX_NEXT_BYTES && text.bytes().all(|byte| byte.is_ascii_graphic());
    (here && page && plain && text != "/").then_some(text)
}

/// The address of the login, which leads to a page afterwards.
fn login_address(next: Option<&str>) -> String {
    next.and_then(own_path).map_or_else(|| "/login".to_owned(), |next| format!("/login?next={}", encode(next)))
}

/// The page of this server that a form was sent from, as the browser says.
fn sent_from(headers: &HeaderMap) -> Option<String> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let (_, address) = text(header::REFERER)?.split_once("://")?;
    let (host, path) = address.split_at(address.find('/')?);
    (text(header::HOST) == Some(host)).then(|| path.to_owned())
}

/// The role that a form needs.
fn required_role(path: &str) -> Role {
    match path {
        "/login" | "/logout" => Role::Viewer,
        path if ADMIN_FORMS.contains(&path) => Role::Admin,
        _ => Role::Agent,
    }
}

/// Lets a request through, or answers why not. Forms are read here, so that none is accepted without its token.
pub(super) async fn check(State(state): State<AppState>, mut request: Request<Body>, next: Next) -> Response {
    let access = &state.settings.access;
    let path = request.uri().path().to_owned();
    if path == "/healthz" || path == "/readyz" {
        return next.run(request).await;
    }
    if access.alone
        && let Err(why) = local::check(request.extensions().get(), request.version(), request.uri(), request.headers())
    {
        tracing::warn!(%why, "a request was refused");
        let message = format!(
            "This dashboard was started with --i-am-alone, without a login, and serves only this machine. The request is refused \
             because {why}. To serve others set [dashboard] password_hash or token, or name [[dashboard.users]]."
        );
        return refuse(StatusCode::FORBIDDEN, &message);
    }
    if access.hosts.as_ref().is_some_and(|hosts| !hosts.permit(request.uri(), request.headers())) {
        return refuse(
            StatusCode::FORBIDDEN,
            "This host name is not served; [dashboard] allowed_hosts lists those that are.",
        );
    }
    state.warm();
    let session = access.session(request.headers());
    let public = path == "/login" || path.starts_with("/assets/");
    if session.is_none() && !public {
        let here = request.uri().path_and_query().map(ToString::to_string);
        return match *request.method() {
            Method::GET if path != "/events" => Redirect::to(&login_address(here.as_deref())).into_response(),
            _ => {
                let again = login_address(sent_from(request.headers()).as_deref());
                let told =
                    "The session has ended: log in again. Replies and notes that you typed are kept in this browser.";
                let page = layout::message_with_link("Not allowed", told, &again, "Log in");
                (StatusCode::UNAUTHORIZED, page).into_response()
            }
        };
    }
    if request.method() == Method::POST {
        if !is_same_origin(request.headers()) {
            return refuse(StatusCode::FORBIDDEN, "This form comes from another site.");
        }
        let (parts, body) = request.into_parts();
        let most = if session.is_some() { MAX_FORM_BYTES } else { MAX_LOGIN_BYTES };
        let Ok(bytes) = to_bytes(body, most).await else {
            return refuse(StatusCode::PAYLOAD_TOO_LARGE, "This form is too large.");
        };
        let fields = Fields::read(&String::from_utf8_lossy(&bytes));
        if path != "/login"
            && !session.as_ref().is_some_and(|session| constant_time_eq(&session.csrf, fields.get("csrf")))
        {
            let told = "This form is not of this session: load the page again. What you typed is kept in this browser.";
            let back = sent_from(&parts.headers);
            let back = back.as_deref().and_then(own_path).unwrap_or("/");
            let page = layout::message_with_link("Not allowed", told, back, "Load the page again");
            return (StatusCode::FORBIDDEN, page).into_response();
        }
        let needed = required_role(&path);
        if let Some(session) = session.as_ref().filter(|session| session.member.role < needed) {
            tracing::warn!(who = session.name(), role = session.role(), path, "a form was refused");
            let message = format!(
                "You are logged in as {} with the role “{}”, which may not do this; it takes the role “{}”.",
                session.name(),
                session.role(),
                needed.as_str()
            );
            return refuse(StatusCode::FORBIDDEN, &message);
        }
        request = Request::from_parts(parts, Body::empty());
        request.extensions_mut().insert(fields);
    }
    if let Some(session) = session {
        request.extensions_mut().insert(session);
    }
    next.run(request).await
}

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
pub(super) struct Link {
    key: Option<String>,
    next: Option<String>,
}

pub(super) async fn login_page(
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
        Some(key) => attempt(access, &extensions, &headers, &Login { name: "", secret: &key, next }).await,
        None => login_form(access, "", next, None).into_response(),
    }
}

pub(super) async fn log_in(
    State(state): State<AppState>,
    extensions: Extensions,
    headers: HeaderMap,
    Extension(fields): Extension<Fields>,
) -> Response {
    let name = normalize_name(fields.get("name"));
    let login = Login { name: &name, secret: fields.get("word"), next: fields.some("next").and_then(own_path) };
    attempt(&state.settings.access, &extensions, &headers, &login).await
}

/// What somebody logs in with, and the page that they want.
struct Login<'a> {
    name: &'a str,
    secret: &'a str,
    next: Option<&'a str>,
}

/// Logs somebody in, or shows the form again.
async fn attempt(access: &Access, extensions: &Extensions, headers: &HeaderMap, login: &Login<'_>) -> Response {
    let Login { name, secret, next } = *login;
    // What strangers behind the same address have tried locks nobody out who has a long token or the link.
    if let Some(member) = access.users.by_long_token(name, secret) {
        return logged_in(access, headers, login, member);
    }
    let device = access.known_device(name, headers);
    let known = device.is_some();
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
    let member = if known {
        access.users.authenticate_known(name, secret).await
    } else {
        let Ok(_waiting) = access.waiting.try_acquire() else {
            return later("5", "Many try to log in at the moment: try again.");
        };
        access.users.authenticate(name, secret).await
    };
    let Some(member) = member else {
        tracing::warn!("a login to the dashboard failed");
        return (StatusCode::UNAUTHORIZED, login_form(access, name, next, Some("That is not right."))).into_response();
    };
    access.limit.record_success(&applicant, name);
    logged_in(access, headers, login, member)
}

/// Starts a session, and marks the browser as one that this name was logged in with.
fn logged_in(access: &Access, headers: &HeaderMap, login: &Login<'_>, member: Member) -> Response {
    let secure = headers.get("x-forwarded-proto").is_some_and(|scheme| scheme == "https");
    let number = random();
    let mark = access.users.device_mark(login.name, &number).unwrap_or_default();
    let cookies = [
        cookie(COOKIE, access.start_session(member), "/", SESSION_LIFETIME),
        cookie(DEVICE_COOKIE, format!("{number}.{mark}"), "/login", DEVICE_LIFETIME),
    ];
    let cookies = cookies.map(|mut cookie| {
        cookie.set_secure(secure);
        (header::SET_COOKIE, cookie.to_string())
    });
    (AppendHeaders(cookies), Redirect::to(login.next.unwrap_or("/"))).into_response()
}

/// The values of the cookies of a name that a request brings, in their order: another host of the domain can add one of this
/// name, and a jar would keep only the last one.
fn cookies<'a>(headers: &'a HeaderMap, name: &'a str) -> impl Iterator<Item = String> + 'a {
    let values = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let cookies = values.flat_map(Cookie::split_parse).filter_map(Result::ok);
    cookies.filter(move |cookie| cookie.name() == name).map(|cookie| cookie.value().to_owned())
}

pub(super) async fn log_out(State(state): State<AppState>, headers: HeaderMap) -> Response {
    for key in cookies(&headers, COOKIE) {
        lock(&state.settings.access.sessions).remove(key.as_str());
    }
    let removal = cookie(COOKIE, String::new(), "/", Duration::ZERO);
    (CookieJar::new().add(removal), Redirect::to("/login")).into_response()
}

#[cfg(test)]
mod tests {
    use axum::http::Uri;

    use super::*;

    fn access(address: &str, hash: &str, token: &str) -> Result<Access, AccessError> {
        Access::new(
            address.parse().unwrap(),
            &hash.to_owned().into(),
            &token.to_owned().into(),
            &["shop.example".into()],
        )
    }

    #[test]
    fn nothing_is_served_without_a_lock() {
        assert!(matches!(access("127.0.0.1:1", "", ""), Err(AccessError::NoLock)));
        assert!(matches!(access("[::1]:1", "", " "), Err(AccessError::NoLock)));
        let (here, everywhere) = ("127.0.0.1:1".parse().unwrap(), "0.0.0.0:1".parse().unwrap());
        assert!(Access::alone(here).is_ok() && Access::by_link(here, &[]).is_ok());
        assert!(matches!(Access::alone(everywhere), Err(AccessError::NotAlone(_))));
        assert!(matches!(Access::by_link(everywhere, &[]), Err(AccessError::NoLogin(_))));
        assert!(matches!(access("0.0.0.0:1", "", " "), Err(AccessError::NoLogin(_))));
        assert!(access("0.0.0.0:1", "", "token").is_ok());
        assert!(matches!(access("127.0.0.1:1", "plain", ""), Err(AccessError::InvalidHash { .. })));
    }

    #[test]
    fn names_that_could_be_rebound_are_refused() {
        let permits = |access: &Access, host: &str| {
            let headers = HeaderMap::from_iter([(header::HOST, host.parse().unwrap())]);
            access.hosts.as_ref().is_none_or(|hosts| hosts.permit(&Uri::from_static("/"), &headers))
        };
        let open = access("127.0.0.1:1", "", "token").unwrap();
        for host in ["localhost:8501", "127.0.0.1", "[::1]:8501", "shop.example"] {
            assert!(permits(&open, host), "{host}");
        }
        for host in ["evil.example", "localhost.evil.example", "10.0.0.1"] {
            assert!(!permits(&open, host), "{host}");
        }
        assert!(permits(&access("0.0.0.0:1", "", "token").unwrap(), "any.example"), "whoever comes has to log in");
    }

    #[test]
    fn forms_of_other_sites_are_recognised_by_their_origin() {
        let headers = |origin: &str| {
            HeaderMap::from_iter([
                (header::HOST, "localhost:8501".parse().unwrap()),
                (header::ORIGIN, origin.parse().unwrap()),
            ])
        };
        assert!(is_same_origin(&headers("http://localhost:8501")) && is_same_origin(&HeaderMap::new()));
        assert!(!is_same_origin(&headers("http://localhost:9")) && !is_same_origin(&headers("null")));
    }

    #[test]
    fn a_login_leads_to_pages_of_this_server_only() {
        for path in ["/alerts?status=all", "/conversation?user=91%3Cb%3E&told=x#m3", "/?range=24h"] {
            assert_eq!(own_path(path), Some(path));
        }
        let long = format!("/{}", "x".repeat(MAX_NEXT_BYTES));
        for path in [
            "",
            "/",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/a\r\nb",
            "/a b",
            "/login?next=/",
            "/logout",
            &long,
        ] {
            assert_eq!(own_path(path), None, "{path:?}");
        }
        assert_eq!(login_address(Some("/alerts?q=a%20b")), "/login?next=%2Falerts%3Fq%3Da%2520b");
        assert_eq!(login_address(Some("//evil.example")), "/login");
    }

    #[test]
    fn a_session_is_known_by_its_cookie() {
        let closed = access("0.0.0.0:1", "", "t0ken").unwrap();
        assert!(closed.session(&HeaderMap::new()).is_none());
        let key = closed.start_session(Member::unnamed());
        let with = |value: String| HeaderMap::from_iter([(header::COOKIE, value.parse().unwrap())]);
        assert!(closed.session(&with(format!("a=b; {COOKIE}={key}"))).is_some());
        assert!(closed.session(&with(format!("{COOKIE}={key}0"))).is_none());
    }

    #[test]
    fn whoever_is_alone_is_an_admin() {
        let open = Access::alone("127.0.0.1:1".parse().unwrap()).unwrap().session(&HeaderMap::new()).unwrap();
        assert!(open.may_change() && open.may_administer() && !open.logged_in);
        assert_eq!(open.actor(Timestamp::UNIX_EPOCH).actor(), "operator:dashboard");
    }

    #[test]
    fn a_browser_is_known_by_what_only_the_server_could_have_marked() {
        let closed = access("0.0.0.0:1", "", "t0ken").unwrap();
        let mark = closed.users.device_mark("", "17").unwrap();
        let known = |access: &Access, name: &str, value: String| {
            let cookie = format!("{DEVICE_COOKIE}={value}").parse().unwrap();
            access.known_device(name, &HeaderMap::from_iter([(header::COOKIE, cookie)]))
        };
        assert_eq!(known(&closed, "", format!("17.{mark}")), Some("17".to_owned()));
        assert_eq!(known(&closed, "", format!("18.{mark}")), None, "the mark of another number");
        assert_eq!(known(&closed, "lead", format!("17.{mark}")), None, "of another name");
        assert_eq!(known(&access("0.0.0.0:1", "", "changed").unwrap(), "", format!("17.{mark}")), None);
        assert_eq!(known(&closed, "", "17".to_owned()), None);
    }

    #[tokio::test]
    async fn strangers_lock_nobody_out_who_has_the_link() {
        let (closed, link) = Access::by_link("127.0.0.1:1".parse().unwrap(), &[]).unwrap();
        let key = link.split_once('=').unwrap().1;
        let status = async |secret: &str| {
            let login = Login { name: "", secret, next: None };
            attempt(&closed, &Extensions::new(), &HeaderMap::new(), &login).await.status()
        };
        let mut last = StatusCode::OK;
        for number in 0..40 {
            last = status(&format!("wrong-{number}")).await;
        }
        assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(status(key).await, StatusCode::SEE_OTHER);
        assert_eq!(status(&key[1..]).await, StatusCode::TOO_MANY_REQUESTS, "a part of it is a wrong one");
    }

    #[test]
    fn every_form_but_those_of_the_login_needs_a_role() {
        assert_eq!((required_role("/logout"), required_role("/alerts/claim")), (Role::Viewer, Role::Agent));
        assert_eq!((required_role("/alerts/reopen"), required_role("/whatever/comes")), (Role::Admin, Role::Agent));
    }
}
