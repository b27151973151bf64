//! Which requests the dashboard lets through: by host, session, role, and the CSRF token of a form.
//!
//! A failed login never says why, and a form is checked here before any handler sees it. Nobody is let in for where they seem to
//! come from: there is a password, a token, a link that whoever started the program was shown, or somebody said that nobody
//! else reaches this machine.

mod error;
mod login;
mod sessions;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::cookie::{Cookie, SameSite};
use jiff::Timestamp;
use secrecy::SecretString;
use tokio::sync::Semaphore;

pub use error::AccessError;
pub(super) use login::{log_in, log_out, login_page, renewed};
use sessions::StoredSession;

use super::attach::{self, Upload};
use super::forms::{Fields, encode};
use super::login_limit::LoginLimit;
use super::users::{Member, Role, SharedSecrets, TeamMember, Users, constant_time_eq};
use super::{AppState, layout, members};
use crate::http::host::{AllowedHosts, is_local};
use crate::http::local;
use crate::store::Store;
use crate::support::Actor;

const COOKIE: &str = "ecomres_session";
/// The cookie that a browser is known by which somebody has logged in with, and how long it is.
const DEVICE_COOKIE: &str = "ecomres_device";
const DEVICE_LIFETIME: Duration = Duration::from_hours(180 * 24);
/// Logins that wait for their passwords to be checked; more are told to come again.
const MAX_WAITING_LOGINS: usize = 32;
/// The forms for admins only. Every other form is for agents as well.
const ADMIN_FORMS: [&str; 10] = [
    "/alerts/reopen",
    "/alerts/resolve-many",
    "/knowledge/answer",
    "/settings/away",
    "/settings/check",
    "/settings/member",
    "/settings/password",
    "/settings/remove",
    "/settings/reply",
    "/settings/templates",
];
/// The largest form, and the largest one of somebody who has not logged in.
const MAX_FORM_BYTES: usize = 64 * 1_024;
const MAX_LOGIN_BYTES: usize = 4 * 1_024;
/// The type of a form, and the header with the token where a request is none.
const FORM: &str = "application/x-www-form-urlencoded";
const TOKEN: &str = "x-csrf";
/// The longest address that a login leads to.
const MAX_NEXT_BYTES: usize = 2_000;

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
    /// When it was last read who was added on the pages.
    read: Mutex<Option<Instant>>,
    /// Held while they are read: what was read earlier never comes over what was read later.
    reading: tokio::sync::Mutex<()>,
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
            read: Mutex::default(),
            reading: tokio::sync::Mutex::default(),
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

    /// The members who work on conversations.
    pub(super) fn members(&self) -> Vec<String> {
        let members = self.users.members().into_iter();
        members.filter(|member| member.role >= Role::Agent).map(|member| member.name).collect()
    }

    /// Everybody with a name, and whether the settings file names them.
    pub(super) fn everybody(&self) -> Vec<(Member, bool)> {
        let members = self.users.members().into_iter();
        members
            .map(|member| (self.users.is_of_file(&member.name), member))
            .map(|(file, member)| (member, file))
            .collect()
    }

    /// Whether the settings file names this member.
    pub(super) fn is_of_file(&self, name: &str) -> bool {
        self.users.is_of_file(name)
    }

    /// Reads who was added on the pages, where that is some seconds ago or `now` is wanted.
    pub(super) async fn read_added(&self, store: &dyn Store, at_once: bool) {
        const READ_FOR: Duration = Duration::from_secs(5);
        {
            let mut read = lock(&self.read);
            if !at_once && read.is_some_and(|at| at.elapsed() < READ_FOR) {
                return;
            }
            // Others go on with what is known meanwhile.
            *read = Some(Instant::now());
        }
        let _reading = self.reading.lock().await;
        match members::added(store).await {
            Ok(added) => {
                let changed = self.users.set_added(added);
                lock(&self.sessions).retain(|_, session| !changed.contains(&session.login));
            }
            // A short outage of the store locks nobody out.
            Err(error) => tracing::warn!(%error, "members cannot be read"),
        }
    }

    /// Whether a browser is one that this name was logged in with, and its number.
    fn known_device(&self, name: &str, headers: &HeaderMap) -> Option<String> {
        cookies(headers, DEVICE_COOKIE).find_map(|value| {
            let (number, mark) = value.split_once('.')?;
            let right = self.users.find(name)?.device_mark(name, number);
            constant_time_eq(&right, mark).then(|| number.to_owned())
        })
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

/// The values of the cookies of a name that a request brings, in their order: another host of the domain can add one of this
/// name, and a jar would keep only the last one.
fn cookies<'a>(headers: &'a HeaderMap, name: &'a str) -> impl Iterator<Item = String> + 'a {
    let values = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let cookies = values.flat_map(Cookie::split_parse).filter_map(Result::ok);
    cookies.filter(move |cookie| cookie.name() == name).map(|cookie| cookie.value().to_owned())
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
    let session = access.current(state.store(), request.headers(), state.now()).await;
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
        // A file comes as it is, with its fields in the address and the token in a header, which no form of another site can send.
        let is_form = parts.headers.get(header::CONTENT_TYPE).is_none_or(|kind| kind == FORM);
        let uploads = session.is_some() && path == attach::PATH && !is_form;
        let most = match session {
            Some(_) if uploads => attach::MAX_BYTES,
            Some(_) => MAX_FORM_BYTES,
            None => MAX_LOGIN_BYTES,
        };
        let Ok(bytes) = to_bytes(body, most).await else {
            return refuse(StatusCode::PAYLOAD_TOO_LARGE, "This form is too large.");
        };
        let fields = if uploads {
            Fields::read(parts.uri.query().unwrap_or_default())
        } else {
            Fields::read(&String::from_utf8_lossy(&bytes))
        };
        let given = parts.headers.get(TOKEN).filter(|_| uploads).and_then(|token| token.to_str().ok());
        let given = given.unwrap_or(if uploads { "" } else { fields.get("csrf") }).to_owned();
        if path != "/login" && !session.as_ref().is_some_and(|session| constant_time_eq(&session.csrf, &given)) {
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
        if uploads {
            request.extensions_mut().insert(Upload(bytes));
        }
        request.extensions_mut().insert(fields);
    }
    if let Some(session) = session {
        request.extensions_mut().insert(session);
    }
    next.run(request).await
}
