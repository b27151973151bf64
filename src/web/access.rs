//! Decides which requests the dashboard lets through, and what whoever sends them may do: host, session, role, token of the
//! form.
//!
//! It must never tell why a login is wrong, nor take a form without the session's own token or from somebody whose role
//! may not change anything.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Extension, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use maud::{Markup, html};
use secrecy::SecretString;

use super::forms::Fields;
use super::people::{Member, People, Role, Shared, User, same};
use super::{Desk, layout};
use crate::desk::team::By;

const COOKIE: &str = "ecomres_session";
/// How long a session holds.
const LONGEST_SESSION: Duration = Duration::from_secs(12 * 3_600);
/// Sessions at once; the oldest goes where there are more.
const MOST_SESSIONS: usize = 1_000;
/// Failed logins from one address under one name within [`WINDOW`], and under all names.
const MOST_FAILURES: u32 = 5;
const MOST_OF_ADDRESS: u32 = 30;
const WINDOW: Duration = Duration::from_secs(300);
/// Addresses and names that failures are kept of at most.
const MOST_KEPT: usize = 10_000;
/// Where only who leads the team may go. Every other form is for those who may change anything at all.
const FOR_LEADS: [&str; 2] = ["/alerts/reopen", "/alerts/resolve-many"];
/// The largest form.
const LARGEST_FORM: usize = 64 * 1_024;

/// Why the dashboard cannot be guarded as the settings say.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// Nobody but this machine may look without a login.
    #[error("{0} can be reached from other machines, and the dashboard has neither password nor token nor users")]
    NoLock(SocketAddr),
    /// What is set is no hash.
    #[error("{place} is no argon2 hash: {reason}")]
    NoHash {
        /// Which setting.
        place: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A member of the team without anything to log in with, or with a name or role that cannot be.
    #[error("[[dashboard.users]] {name}: {reason}")]
    NoUser {
        /// Whom.
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
            Self::NoLock(_) => {
                "set [dashboard] password_hash (ecomres dashboard --hash-password) or token, name [[dashboard.users]], or \
                 listen at 127.0.0.1"
                    .into()
            }
            Self::NoUser { .. } => {
                "each needs a name, a role (viewer, agent or admin), and a password_hash or a token".into()
            }
            Self::NoHash { .. } => "make one: ecomres dashboard --hash-password".into(),
            Self::Hashing(_) => "use another password".into(),
        })
    }
}

struct Held {
    csrf: String,
    until: Instant,
    member: Member,
}

/// Failed logins, the first of them and how many.
type Failures = HashMap<(IpAddr, Option<String>), (u32, Instant)>;

/// Who may see the dashboard.
pub struct Access {
    people: People,
    hosts: Vec<String>,
    local: bool,
    sessions: Mutex<HashMap<String, Held>>,
    failures: Mutex<Failures>,
    /// The token of forms where nobody logs in.
    open_csrf: String,
}

/// What a request that was let through has.
#[derive(Debug, Clone)]
pub(super) struct Session {
    /// What its forms carry.
    pub(super) csrf: String,
    /// Whether there is a login to leave.
    pub(super) logged_in: bool,
    /// Who it is.
    member: Member,
}

impl Session {
    /// Whether it may change anything: show no form where it may not. Forms themselves are refused before any handler.
    pub(super) fn may_change(&self) -> bool {
        self.member.role >= Role::Agent
    }

    /// Whether it may do what only who leads the team does: open settled alerts again, settle many at once.
    pub(super) fn may_lead(&self) -> bool {
        self.member.role >= Role::Admin
    }

    /// Under which name its work is known to the others.
    pub(super) fn name(&self) -> &str {
        &self.member.name
    }

    /// What it may do, as a word.
    pub(super) fn role(&self) -> &'static str {
        self.member.role.as_str()
    }

    /// Who does something, and when: [`By::actor`] is who is put on record, `operator:NAME`.
    pub(super) fn by(&self, now: Timestamp) -> By {
        By { name: self.member.name.clone(), now }
    }
}

fn random() -> String {
    let bytes: [u8; 32] = rand::random();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Access {
    /// A lock for a dashboard that listens at `address`: a hashed password, a token, either or none. `hosts` are names that
    /// it is reached by besides localhost and addresses in digits.
    ///
    /// # Errors
    /// When other machines reach the address and there is no lock, or the hash is none.
    pub fn new(
        address: SocketAddr,
        password_hash: &SecretString,
        token: &SecretString,
        hosts: &[String],
    ) -> Result<Self, AccessError> {
        Self::with_users(address, password_hash, token, hosts, &[])
    }

    /// As [`Access::new`], with members of the team who log in by their names. The password and the token that belong to
    /// nobody stay: whoever has them leads the team.
    ///
    /// # Errors
    /// As [`Access::new`], and when a member cannot be.
    pub fn with_users(
        address: SocketAddr,
        password_hash: &SecretString,
        token: &SecretString,
        hosts: &[String],
        users: &[User],
    ) -> Result<Self, AccessError> {
        let people = People::new(&Shared { password_hash, token }, users)?;
        let local = crate::mcp::http::is_local(address.ip());
        if !local && !people.log_in() {
            return Err(AccessError::NoLock(address));
        }
        Ok(Self {
            people,
            hosts: hosts.iter().map(|host| host.trim().to_ascii_lowercase()).collect(),
            local,
            sessions: Mutex::default(),
            failures: Mutex::default(),
            open_csrf: random(),
        })
    }

    /// Whether a request names this server: without a login, a page of another name must not reach this machine (DNS
    /// rebinding).
    fn is_ours(&self, headers: &HeaderMap) -> bool {
        if !self.local {
            return true;
        }
        let Some(host) = headers.get(header::HOST).and_then(|host| host.to_str().ok()) else { return false };
        let Ok(authority) = host.parse::<axum::http::uri::Authority>() else { return false };
        let name = authority.host().trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        name == "localhost"
            || self.hosts.contains(&name)
            || name.parse::<IpAddr>().is_ok_and(crate::mcp::http::is_local)
    }

    fn session(&self, headers: &HeaderMap) -> Option<Session> {
        if !self.people.log_in() {
            return Some(Session { csrf: self.open_csrf.clone(), logged_in: false, member: Member::unnamed() });
        }
        let key = cookie(headers)?;
        let mut sessions = locked(&self.sessions);
        sessions.retain(|_, held| held.until > Instant::now());
        let held = sessions.get(key)?;
        Some(Session { csrf: held.csrf.clone(), logged_in: true, member: held.member.clone() })
    }

    fn begin(&self, member: Member) -> String {
        let key = random();
        let mut sessions = locked(&self.sessions);
        if sessions.len() >= MOST_SESSIONS
            && let Some(oldest) = sessions.iter().min_by_key(|(_, held)| held.until).map(|(key, _)| key.clone())
        {
            sessions.remove(&oldest);
        }
        sessions.insert(key.clone(), Held { csrf: random(), until: Instant::now() + LONGEST_SESSION, member });
        key
    }

    /// Whether an address may try again under a name.
    fn may_try(&self, from: IpAddr, name: &str) -> bool {
        let mut failures = locked(&self.failures);
        failures.retain(|_, (_, since)| since.elapsed() < WINDOW);
        let fewer =
            |key: &(IpAddr, Option<String>), most: u32| failures.get(key).is_none_or(|(count, _)| *count < most);
        fewer(&(from, Some(name.to_owned())), MOST_FAILURES)
            && fewer(&(from, None), MOST_OF_ADDRESS)
            && failures.len() < MOST_KEPT
    }

    fn failed(&self, from: IpAddr, name: &str) {
        let mut failures = locked(&self.failures);
        for key in [(from, Some(name.to_owned())), (from, None)] {
            failures.entry(key).or_insert((0, Instant::now())).0 += 1;
        }
    }

    /// A login that was counted as failed was none. What failed under other names stays: who may log in must not guess
    /// somebody else's password without end.
    fn succeeded(&self, from: IpAddr, name: &str) {
        let mut failures = locked(&self.failures);
        failures.remove(&(from, Some(name.to_owned())));
        if let Some((count, _)) = failures.get_mut(&(from, None)) {
            *count = count.saturating_sub(1);
        }
    }
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let values = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(name, value)| (name == COOKIE).then_some(value))
}

/// Whether a form comes from a page of this server, as far as the browser says.
fn from_here(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    match text(header::ORIGIN) {
        None => true,
        Some(origin) => {
            let bare = origin.split_once("://").map(|(_, host)| host);
            bare.is_some() && bare == text(header::HOST)
        }
    }
}

fn refused(status: StatusCode, told: &str) -> Response {
    (status, layout::bare("Not allowed", told)).into_response()
}

/// The role that a form wants.
fn wanted(path: &str) -> Role {
    match path {
        "/login" | "/logout" => Role::Viewer,
        path if FOR_LEADS.contains(&path) => Role::Admin,
        _ => Role::Agent,
    }
}

/// Lets a request through, or says why not. Forms are read here, so that none is taken without its token.
pub(super) async fn check(State(desk): State<Desk>, mut request: Request<Body>, next: Next) -> Response {
    let access = &desk.settings.access;
    let path = request.uri().path().to_owned();
    if path == "/healthz" || path == "/readyz" {
        return next.run(request).await;
    }
    if !access.is_ours(request.headers()) {
        return refused(
            StatusCode::FORBIDDEN,
            "This host name is not served; [dashboard] allowed_hosts lists those that are.",
        );
    }
    desk.warm();
    let session = access.session(request.headers());
    let public = path == "/login" || path.starts_with("/assets/");
    if session.is_none() && !public {
        return match *request.method() {
            Method::GET if path != "/events" => Redirect::to("/login").into_response(),
            _ => refused(StatusCode::UNAUTHORIZED, "The session has ended: log in again."),
        };
    }
    if request.method() == Method::POST {
        if !from_here(request.headers()) {
            return refused(StatusCode::FORBIDDEN, "This form comes from another site.");
        }
        let (parts, body) = request.into_parts();
        let Ok(bytes) = to_bytes(body, LARGEST_FORM).await else {
            return refused(StatusCode::PAYLOAD_TOO_LARGE, "This form is too large.");
        };
        let fields = Fields::read(&String::from_utf8_lossy(&bytes));
        if path != "/login" && !session.as_ref().is_some_and(|session| same(&session.csrf, fields.get("csrf"))) {
            return refused(StatusCode::FORBIDDEN, "This form is not of this session: load the page again.");
        }
        let wanted = wanted(&path);
        if let Some(session) = session.as_ref().filter(|session| session.member.role < wanted) {
            tracing::warn!(who = session.name(), role = session.role(), path, "a form was refused");
            let told = format!(
                "You are logged in as {} with the role “{}”, which may look but not do this; it takes the role “{}”.",
                session.name(),
                session.role(),
                wanted.as_str()
            );
            return refused(StatusCode::FORBIDDEN, &told);
        }
        request = Request::from_parts(parts, Body::empty());
        request.extensions_mut().insert(fields);
    }
    if let Some(session) = session {
        request.extensions_mut().insert(session);
    }
    next.run(request).await
}

fn form(access: &Access, name: &str, told: Option<&str>) -> Markup {
    let people = &access.people;
    layout::outside(
        "Log in",
        html! {
            form.login.card method="post" action="/login" {
                h1 { "Support dashboard" }
                @if let Some(told) = told { p.warning role="alert" { (told) } }
                @if people.named() {
                    label for="name" { "Name" @if people.shared() { " (empty: the team’s password)" } }
                    input #name name="name" autocomplete="username" maxlength="40" value=(name)
                        required[!people.shared()] autofocus;
                }
                label for="word" { "Password or token" }
                input #word name="word" type="password" autocomplete="current-password" required
                    autofocus[!people.named()];
                button type="submit" { "Log in" }
            }
        },
    )
}

pub(super) async fn login_page(State(desk): State<Desk>, session: Option<Extension<Session>>) -> Response {
    let access = &desk.settings.access;
    if session.is_some() || !access.people.log_in() {
        return Redirect::to("/").into_response();
    }
    form(access, "", None).into_response()
}

pub(super) async fn log_in(
    State(desk): State<Desk>,
    peer: Option<Extension<ConnectInfo<SocketAddr>>>,
    headers: HeaderMap,
    Extension(fields): Extension<Fields>,
) -> Response {
    let access = &desk.settings.access;
    let from = peer.map_or(IpAddr::from([0, 0, 0, 0]), |Extension(ConnectInfo(peer))| peer.ip().to_canonical());
    let name = super::people::folded(fields.get("name"));
    if !access.may_try(from, &name) {
        let told = form(access, &name, Some("Too many attempts: wait five minutes."));
        return (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "300")], told).into_response();
    }
    // Counted before it is checked: many at the same time are not more tries.
    access.failed(from, &name);
    let Some(member) = access.people.opens(&name, fields.get("word")).await else {
        tracing::warn!("a login to the dashboard failed");
        return (StatusCode::UNAUTHORIZED, form(access, &name, Some("That is not right."))).into_response();
    };
    access.succeeded(from, &name);
    let secure = headers.get("x-forwarded-proto").is_some_and(|scheme| scheme == "https");
    let cookie = format!(
        "{COOKIE}={}; Path=/; HttpOnly; SameSite=Strict; Max-Age={}{}",
        access.begin(member),
        LONGEST_SESSION.as_secs(),
        if secure { "; Secure" } else { "" }
    );
    ([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response()
}

pub(super) async fn log_out(State(desk): State<Desk>, headers: HeaderMap) -> Response {
    if let Some(key) = cookie(&headers) {
        locked(&desk.settings.access.sessions).remove(key);
    }
    let gone = format!("{COOKIE}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0");
    ([(header::SET_COOKIE, gone)], Redirect::to("/login")).into_response()
}

#[cfg(test)]
mod tests {
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
    fn without_a_lock_only_this_machine_is_served() {
        assert!(access("127.0.0.1:1", "", "").is_ok() && access("[::1]:1", "", "").is_ok());
        assert!(matches!(access("0.0.0.0:1", "", " "), Err(AccessError::NoLock(_))));
        assert!(access("0.0.0.0:1", "", "token").is_ok());
        assert!(matches!(access("127.0.0.1:1", "plain", ""), Err(AccessError::NoHash { .. })));
    }

    #[test]
    fn names_that_could_be_rebound_are_refused() {
        let open = access("127.0.0.1:1", "", "").unwrap();
        let host = |host: &str| open.is_ours(&HeaderMap::from_iter([(header::HOST, host.parse().unwrap())]));
        assert!(host("localhost:8501") && host("127.0.0.1") && host("[::1]:8501") && host("shop.example"));
        assert!(!host("evil.example") && !host("localhost.evil.example") && !host("10.0.0.1"));
        assert!(!open.is_ours(&HeaderMap::new()));
    }

    #[test]
    fn forms_of_other_sites_are_told_by_their_origin() {
        let headers = |origin: &str| {
            HeaderMap::from_iter([
                (header::HOST, "localhost:8501".parse().unwrap()),
                (header::ORIGIN, origin.parse().unwrap()),
            ])
        };
        assert!(from_here(&headers("http://localhost:8501")) && from_here(&HeaderMap::new()));
        assert!(!from_here(&headers("http://localhost:9")) && !from_here(&headers("null")));
    }

    #[test]
    fn a_session_is_known_by_its_cookie() {
        let locked = access("0.0.0.0:1", "", "t0ken").unwrap();
        assert!(locked.session(&HeaderMap::new()).is_none());
        let key = locked.begin(Member::unnamed());
        let with = |value: String| HeaderMap::from_iter([(header::COOKIE, value.parse().unwrap())]);
        assert!(locked.session(&with(format!("a=b; {COOKIE}={key}"))).is_some());
        assert!(locked.session(&with(format!("{COOKIE}={key}0"))).is_none());
    }

    #[test]
    fn without_a_login_this_machine_leads() {
        let open = access("127.0.0.1:1", "", "").unwrap().session(&HeaderMap::new()).unwrap();
        assert!(open.may_change() && open.may_lead() && !open.logged_in);
        assert_eq!(open.by(Timestamp::UNIX_EPOCH).actor(), "operator:dashboard");
    }

    #[test]
    fn every_form_but_those_of_the_login_wants_a_role() {
        assert_eq!((wanted("/logout"), wanted("/alerts/claim")), (Role::Viewer, Role::Agent));
        assert_eq!((wanted("/alerts/reopen"), wanted("/whatever/comes")), (Role::Admin, Role::Agent));
    }

    #[test]
    fn a_flood_of_logins_is_stopped() {
        let locked = access("0.0.0.0:1", "", "t").unwrap();
        let (one, other) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        for _ in 0..MOST_FAILURES {
            assert!(locked.may_try(one, "lead"));
            locked.failed(one, "lead");
        }
        assert!(!locked.may_try(one, "lead") && locked.may_try(other, "lead") && locked.may_try(one, "desk"));
        // Logging in oneself gives no further guesses at somebody else's password.
        locked.failed(one, "desk");
        locked.succeeded(one, "desk");
        assert!(!locked.may_try(one, "lead") && locked.may_try(one, "desk"));
        for number in 0..MOST_OF_ADDRESS {
            locked.failed(one, &format!("name{number}"));
        }
        assert!(!locked.may_try(one, "desk") && locked.may_try(other, "desk"), "names do not multiply the tries");
    }
}
