//! Decides who may see the dashboard and who may change something: host, session, token of the form.
//!
//! It must never tell why a password is wrong, compare a secret in a time that depends on it, or take a form without the
//! session's own token.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use argon2::Argon2;
use argon2::password_hash::{PasswordHash, PasswordHasher as _, PasswordVerifier as _, SaltString};
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Extension, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use secrecy::{ExposeSecret as _, SecretString};
use subtle::ConstantTimeEq as _;
use tokio::sync::Semaphore;

use super::forms::Fields;
use super::{Desk, layout};

const COOKIE: &str = "ecomres_session";
/// How long a session holds.
const LONGEST_SESSION: Duration = Duration::from_secs(12 * 3_600);
/// Sessions at once; the oldest goes where there are more.
const MOST_SESSIONS: usize = 1_000;
/// Failed logins from one address within [`WINDOW`].
const MOST_FAILURES: u32 = 5;
const WINDOW: Duration = Duration::from_secs(300);
/// Addresses that failures are kept of at most.
const MOST_ADDRESSES: usize = 10_000;
/// The largest form.
const LARGEST_FORM: usize = 64 * 1_024;

/// Why the dashboard cannot be guarded as the settings say.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// Nobody but this machine may look without a login.
    #[error("{0} can be reached from other machines, and the dashboard has neither password nor token")]
    NoLock(SocketAddr),
    /// What is set is no hash.
    #[error("[dashboard] password_hash is no argon2 hash: {0}")]
    NoHash(String),
    /// A password cannot be hashed.
    #[error("the password cannot be hashed: {0}")]
    Hashing(String),
}

impl AccessError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoLock(_) => {
                "set [dashboard] password_hash (ecomres dashboard --hash-password) or token, or listen at 127.0.0.1"
                    .into()
            }
            Self::NoHash(_) => "make one: ecomres dashboard --hash-password".into(),
            Self::Hashing(_) => "use another password".into(),
        })
    }
}

/// A hash of a password, for the settings: argon2id with the recommended costs.
///
/// # Errors
/// When it cannot be hashed.
pub fn hash_password(password: &str) -> Result<String, AccessError> {
    let failed = |error: argon2::password_hash::Error| AccessError::Hashing(error.to_string());
    let salt = SaltString::encode_b64(&rand::random::<[u8; 16]>()).map_err(failed)?;
    Ok(Argon2::default().hash_password(password.as_bytes(), &salt).map_err(failed)?.to_string())
}

struct Held {
    csrf: String,
    until: Instant,
}

/// Who may see the dashboard.
pub struct Access {
    password_hash: Option<String>,
    token: Option<SecretString>,
    hosts: Vec<String>,
    local: bool,
    sessions: Mutex<HashMap<String, Held>>,
    failures: Mutex<HashMap<IpAddr, (u32, Instant)>>,
    /// Passwords that are checked at once: each takes time and memory on purpose.
    checking: Semaphore,
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
}

fn random() -> String {
    let bytes: [u8; 32] = rand::random();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn same(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
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
        let set =
            |secret: &SecretString| Some(secret.expose_secret().trim().to_owned()).filter(|text| !text.is_empty());
        let password_hash = set(password_hash);
        if let Some(hash) = &password_hash {
            PasswordHash::new(hash).map_err(|error| AccessError::NoHash(error.to_string()))?;
        }
        let token = set(token).map(SecretString::from);
        let local = crate::mcp::http::is_local(address.ip());
        if !local && password_hash.is_none() && token.is_none() {
            return Err(AccessError::NoLock(address));
        }
        Ok(Self {
            password_hash,
            token,
            hosts: hosts.iter().map(|host| host.trim().to_ascii_lowercase()).collect(),
            local,
            sessions: Mutex::default(),
            failures: Mutex::default(),
            checking: Semaphore::new(2),
            open_csrf: random(),
        })
    }

    fn is_locked(&self) -> bool {
        self.password_hash.is_some() || self.token.is_some()
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
        if !self.is_locked() {
            return Some(Session { csrf: self.open_csrf.clone(), logged_in: false });
        }
        let key = cookie(headers)?;
        let mut sessions = locked(&self.sessions);
        sessions.retain(|_, held| held.until > Instant::now());
        let held = sessions.get(key)?;
        Some(Session { csrf: held.csrf.clone(), logged_in: true })
    }

    fn begin(&self) -> String {
        let key = random();
        let mut sessions = locked(&self.sessions);
        if sessions.len() >= MOST_SESSIONS
            && let Some(oldest) = sessions.iter().min_by_key(|(_, held)| held.until).map(|(key, _)| key.clone())
        {
            sessions.remove(&oldest);
        }
        sessions.insert(key.clone(), Held { csrf: random(), until: Instant::now() + LONGEST_SESSION });
        key
    }

    /// Whether an address may try again.
    fn may_try(&self, from: IpAddr) -> bool {
        let mut failures = locked(&self.failures);
        failures.retain(|_, (_, since)| since.elapsed() < WINDOW);
        failures.get(&from).is_none_or(|(count, _)| *count < MOST_FAILURES) && failures.len() < MOST_ADDRESSES
    }

    fn failed(&self, from: IpAddr) {
        locked(&self.failures).entry(from).or_insert((0, Instant::now())).0 += 1;
    }

    async fn opens(&self, word: &str) -> bool {
        if self.token.as_ref().is_some_and(|token| same(token.expose_secret(), word)) {
            return true;
        }
        let Some(hash) = self.password_hash.clone() else { return false };
        let Ok(_permit) = self.checking.acquire().await else { return false };
        let word = word.to_owned();
        let checked = tokio::task::spawn_blocking(move || {
            PasswordHash::new(&hash).is_ok_and(|hash| Argon2::default().verify_password(word.as_bytes(), &hash).is_ok())
        });
        checked.await.unwrap_or(false)
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

fn refused(status: StatusCode, told: &'static str) -> Response {
    (status, layout::bare("Not allowed", told)).into_response()
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
        request = Request::from_parts(parts, Body::empty());
        request.extensions_mut().insert(fields);
    }
    if let Some(session) = session {
        request.extensions_mut().insert(session);
    }
    next.run(request).await
}

fn form(told: Option<&str>) -> Markup {
    layout::outside(
        "Log in",
        html! {
            form.login.card method="post" action="/login" {
                h1 { "Support dashboard" }
                @if let Some(told) = told { p.warning role="alert" { (told) } }
                label for="word" { "Password or token" }
                input #word name="word" type="password" autocomplete="current-password" required autofocus;
                button type="submit" { "Log in" }
            }
        },
    )
}

pub(super) async fn login_page(State(desk): State<Desk>, session: Option<Extension<Session>>) -> Response {
    if session.is_some() || !desk.settings.access.is_locked() {
        return Redirect::to("/").into_response();
    }
    form(None).into_response()
}

pub(super) async fn log_in(
    State(desk): State<Desk>,
    peer: Option<Extension<ConnectInfo<SocketAddr>>>,
    headers: HeaderMap,
    Extension(fields): Extension<Fields>,
) -> Response {
    let access = &desk.settings.access;
    let from = peer.map_or(IpAddr::from([0, 0, 0, 0]), |Extension(ConnectInfo(peer))| peer.ip().to_canonical());
    if !access.may_try(from) {
        let told = form(Some("Too many attempts: wait five minutes."));
        return (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "300")], told).into_response();
    }
    // Counted before it is checked: many at the same time are not more tries.
    access.failed(from);
    if !access.opens(fields.get("word")).await {
        tracing::warn!("a login to the dashboard failed");
        return (StatusCode::UNAUTHORIZED, form(Some("That is not right."))).into_response();
    }
    locked(&access.failures).remove(&from);
    let secure = headers.get("x-forwarded-proto").is_some_and(|scheme| scheme == "https");
    let cookie = format!(
        "{COOKIE}={}; Path=/; HttpOnly; SameSite=Strict; Max-Age={}{}",
        access.begin(),
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
        assert!(matches!(access("127.0.0.1:1", "plain", ""), Err(AccessError::NoHash(_))));
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

    #[tokio::test]
    async fn a_password_opens_by_its_hash_and_a_token_by_itself() {
        let hash = hash_password("correct horse").unwrap();
        assert!(hash.starts_with("$argon2id$"));
        let locked = access("0.0.0.0:1", &hash, "t0ken").unwrap();
        assert!(locked.opens("correct horse").await && locked.opens("t0ken").await);
        assert!(!locked.opens("correct").await && !locked.opens("").await && !locked.opens(&hash).await);
        assert!(locked.session(&HeaderMap::new()).is_none());
        let key = locked.begin();
        let with = |value: String| HeaderMap::from_iter([(header::COOKIE, value.parse().unwrap())]);
        assert!(locked.session(&with(format!("a=b; {COOKIE}={key}"))).is_some());
        assert!(locked.session(&with(format!("{COOKIE}={key}0"))).is_none());
    }

    #[test]
    fn a_flood_of_logins_is_stopped() {
        let locked = access("0.0.0.0:1", "", "t").unwrap();
        let (one, other) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        for _ in 0..MOST_FAILURES {
            assert!(locked.may_try(one));
            locked.failed(one);
        }
        assert!(!locked.may_try(one) && locked.may_try(other));
    }
}
