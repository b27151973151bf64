//! Whether a request may reach the tools: by its lock, the host that it names, and the web page that sent it.
//!
//! The token is compared in constant time, and how many wrong ones a client may send is limited. Without a token only direct
//! requests of this machine are let in, and only where whoever started the server said that nobody else reaches it.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{Extensions, HeaderMap, StatusCode, Uri, Version, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq as _;

use super::{HttpOptions, Lock};
use crate::http::client::Client;
use crate::http::guesses::{GuessLimit, is_long};
use crate::http::host::{AllowedHosts, is_local_host};
use crate::http::local::{self, NotLocal};

/// What requests are checked against.
pub(super) struct Gate {
    lock: Lock,
    hosts: AllowedHosts,
    origins: Vec<String>,
    local: bool,
    guesses: GuessLimit,
}

/// Why a request is refused.
#[derive(Debug, PartialEq, Eq)]
enum Refused {
    Host,
    Origin,
    Token,
    TooManyGuesses,
    NotLocal(NotLocal),
}

impl Gate {
    pub(super) fn new(options: &HttpOptions) -> Self {
        let origins = options.allowed_origins.iter().map(|origin| origin.trim().to_ascii_lowercase());
        Self {
            lock: options.lock.clone(),
            hosts: AllowedHosts::new(&options.allowed_hosts, options.local),
            origins: origins.collect(),
            local: options.local,
            guesses: GuessLimit::default(),
        }
    }

    fn check(&self, extensions: &Extensions, version: Version, uri: &Uri, headers: &HeaderMap) -> Result<(), Refused> {
        match &self.lock {
            Lock::Token(_) if !self.hosts.permit(uri, headers) => return Err(Refused::Host),
            Lock::Token(_) => {}
            Lock::Alone => local::check(extensions.get(), version, uri, headers).map_err(Refused::NotLocal)?,
        }
        for origin in headers.get_all(header::ORIGIN) {
            if !origin.to_str().is_ok_and(|origin| self.allows_origin(origin)) {
                return Err(Refused::Origin);
            }
        }
        let Lock::Token(token) = &self.lock else { return Ok(()) };
        let client = Client::of(extensions);
        let right = has_token(headers, token);
        if right && is_long(token.expose_secret()) {
            return Ok(());
        }
        if !self.guesses.may_guess(&client) {
            return Err(Refused::TooManyGuesses);
        }
        if right {
            return Ok(());
        }
        // A request without any token guesses nothing.
        if headers.contains_key(header::AUTHORIZATION) {
            self.guesses.record(&client);
        }
        Err(Refused::Token)
    }

    fn allows_origin(&self, origin: &str) -> bool {
        let origin = origin.trim().to_ascii_lowercase();
        if self.origins.contains(&origin) {
            return true;
        }
        // An origin is a scheme, a host and a port. What holds more is none, whatever host is read from it.
        let Some((scheme, rest)) = origin.split_once("://") else { return false };
        let Ok(authority) = rest.parse::<Authority>() else { return false };
        let web = ["http", "https"].contains(&scheme);
        let bare = authority.as_str() == rest && !rest.contains('@');
        let here = is_local_host(authority.host());
        self.local && web && bare && here
    }
}

fn has_token(headers: &HeaderMap, token: &SecretString) -> bool {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let Some((scheme, given)) = value.to_str().ok().and_then(|value| value.split_once(' ')) else { return false };
    scheme.eq_ignore_ascii_case("bearer") && given.trim().as_bytes().ct_eq(token.expose_secret().as_bytes()).into()
}

/// Lets a request through, or answers why not.
pub(super) async fn check(State(gate): State<Arc<Gate>>, request: Request<Body>, next: Next) -> Response {
    let refused = match gate.check(request.extensions(), request.version(), request.uri(), request.headers()) {
        Ok(()) => return next.run(request).await,
        Err(refused) => refused,
    };
    tracing::warn!(?refused, "a request was refused");
    let message = match refused {
        Refused::Token => {
            let challenge = [(header::WWW_AUTHENTICATE, "Bearer realm=\"ecomres\"")];
            let message = "a bearer token is needed: the server's MCP_TOKEN\n";
            return (StatusCode::UNAUTHORIZED, challenge, message).into_response();
        }
        Refused::TooManyGuesses => {
            let later = [(header::RETRY_AFTER, "60")];
            let message = "too many wrong tokens came from this address; try again in a minute\n";
            return (StatusCode::TOO_MANY_REQUESTS, later, message).into_response();
        }
        Refused::Host => "this host name is not served; [mcp] allowed_hosts lists those that are\n".to_owned(),
        Refused::Origin => {
            "web pages of this origin may not call; [mcp] allowed_origins lists those that may\n".to_owned()
        }
        Refused::NotLocal(why) => format!(
            "the server was started with --i-am-alone, without a token, and serves only programs on its machine; this request \
             is refused because {why}. To serve others set MCP_TOKEN\n"
        ),
    };
    (StatusCode::FORBIDDEN, message).into_response()
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::http::client::Ends;

    fn gate(local: bool, token: Option<&str>) -> Gate {
        Gate::new(&HttpOptions {
            lock: token.map_or(Lock::Alone, |token| Lock::Token(token.to_owned().into())),
            allowed_hosts: vec!["Tools.Example.com".into(), "proxy.example.com:8443".into()],
            allowed_origins: vec!["https://app.example.com".into()],
            local,
            requests_per_second: 1,
            stop: CancellationToken::new(),
        })
    }

    /// A request of a program on this machine.
    fn own(shared: bool) -> Extensions {
        let mut extensions = Extensions::new();
        extensions.insert(Ends { peer: "127.0.0.1:4".parse().unwrap(), local: "127.0.0.1:8001".parse().unwrap() });
        extensions.insert(Client { address: IpAddr::from([10, 0, 0, 1]), shared });
        extensions
    }

    fn check(gate: &Gate, headers: &[(&str, &str)]) -> Result<(), Refused> {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        gate.check(&own(true), Version::HTTP_11, &Uri::from_static("/mcp"), &headers)
    }

    const RIGHT: (&str, &str) = ("authorization", "Bearer s3cret");

    #[test]
    fn hosts_that_could_be_rebound_are_refused() {
        let local = gate(true, Some("s3cret"));
        for host in ["localhost:8001", "127.0.0.1:8001", "tools.example.com", "proxy.example.com:8443"] {
            assert_eq!(check(&local, &[("host", host), RIGHT]), Ok(()), "{host}");
        }
        for host in ["evil.example.com", "10.0.0.1", "proxy.example.com", "x@localhost:8001"] {
            assert_eq!(check(&local, &[("host", host), RIGHT]), Err(Refused::Host), "{host}");
        }
        assert_eq!(check(&local, &[RIGHT]), Err(Refused::Host));
        assert_eq!(check(&gate(false, Some("s3cret")), &[("host", "10.0.0.1:8001"), RIGHT]), Ok(()));
    }

    #[test]
    fn without_a_token_only_direct_requests_of_this_machine_pass() {
        let open = gate(true, None);
        assert_eq!(check(&open, &[("host", "127.0.0.1:8001")]), Ok(()));
        assert_eq!(check(&open, &[("host", "tools.example.com")]), Err(Refused::NotLocal(NotLocal::Host)));
        let forwarded = check(&open, &[("host", "127.0.0.1:8001"), ("x-forwarded-for", "127.0.0.1")]);
        assert!(matches!(forwarded, Err(Refused::NotLocal(NotLocal::Forwarded(_)))), "{forwarded:?}");
        let headers = HeaderMap::from_iter([(header::HOST, "127.0.0.1:8001".parse().unwrap())]);
        let unknown = open.check(&Extensions::new(), Version::HTTP_11, &Uri::from_static("/mcp"), &headers);
        assert_eq!(unknown, Err(Refused::NotLocal(NotLocal::Address)));
    }

    #[test]
    fn web_pages_call_only_where_they_are_allowed() {
        let (local, open) = (gate(true, Some("s3cret")), gate(false, Some("s3cret")));
        let from = |gate: &Gate, origin: &str| check(gate, &[("host", "localhost"), ("origin", origin), RIGHT]);
        for origin in ["http://localhost:6274", "http://127.0.0.1", "https://[::1]:1", "https://app.example.com"] {
            assert_eq!(from(&local, origin), Ok(()), "{origin}");
        }
        for origin in [
            "http://evil.example.com",
            "null",
            "http://localhost.evil.com",
            "file://localhost",
            "",
            "https://app.example.com:444",
            "http://localhost@evil.example.com",
            "http://localhost:80@evil.example.com",
            "http://evil.example.com@localhost",
            "http://evil.example.com:80@localhost:6274",
            "http://@localhost",
            "http://localhost/",
            "http://localhost/evil.example.com",
            "http://localhost?evil.example.com",
            "http://localhost#evil.example.com",
            "http://localhost\\@evil.example.com",
            "http://localhost:6274,http://evil.example.com",
        ] {
            assert_eq!(from(&local, origin), Err(Refused::Origin), "{origin}");
        }
        assert_eq!(from(&open, "http://localhost:6274"), Err(Refused::Origin), "another machine's localhost");
    }

    #[test]
    fn a_token_is_compared_whole() {
        let closed = gate(true, Some("s3cret"));
        let with = |value: &str| check(&closed, &[("host", "localhost"), ("authorization", value)]);
        assert_eq!(with("Bearer s3cret"), Ok(()));
        assert_eq!(with("bearer s3cret"), Ok(()));
        for wrong in ["Bearer s3cre", "Bearer s3cret2", "Basic s3cret", "s3cret", "Bearer", "Bearer "] {
            assert_eq!(with(wrong), Err(Refused::Token), "{wrong}");
        }
        let twice = [("host", "localhost"), ("authorization", "Bearer x"), ("authorization", "Bearer s3cret")];
        assert_eq!(check(&closed, &twice), Err(Refused::Token));
    }

    #[test]
    fn wrong_tokens_of_a_client_are_limited() {
        let closed = gate(true, Some("s3cret"));
        let with = |value: Option<&str>| {
            let mut headers = HeaderMap::from_iter([(header::HOST, "localhost".parse().unwrap())]);
            headers.extend(value.map(|value| (header::AUTHORIZATION, value.parse().unwrap())));
            closed.check(&own(false), Version::HTTP_11, &Uri::from_static("/mcp"), &headers)
        };
        for _ in 0..100 {
            assert_eq!(with(None), Err(Refused::Token), "none is no guess");
        }
        let refused: Vec<Refused> =
            (0..30).map(|number| with(Some(&format!("Bearer {number}"))).unwrap_err()).collect();
        assert_eq!((&refused[0], &refused[29]), (&Refused::Token, &Refused::TooManyGuesses));
        assert_eq!(with(Some("Bearer s3cret")), Err(Refused::TooManyGuesses), "a guess must not show by its outcome");
        let mut other = own(false);
        other.insert(Client { address: IpAddr::from([10, 0, 0, 2]), shared: false });
        let headers =
            [("host", "localhost"), RIGHT].map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        let served = closed.check(&other, Version::HTTP_11, &Uri::from_static("/mcp"), &headers.into_iter().collect());
        assert_eq!(served, Ok(()), "others are served");
    }

    #[test]
    fn strangers_lock_nobody_out_who_has_a_long_token() {
        let long = "k3yThatNobodyEverGuesses";
        let closed = gate(true, Some(long));
        for number in 0..1_000 {
            let wrong = format!("Bearer {number}");
            assert!(check(&closed, &[("host", "localhost"), ("authorization", &wrong)]).is_err());
        }
        let right = format!("Bearer {long}");
        assert_eq!(check(&closed, &[("host", "localhost"), ("authorization", &right)]), Ok(()));
        let wrong = check(&closed, &[("host", "localhost"), ("authorization", "Bearer x")]);
        assert_eq!(wrong, Err(Refused::TooManyGuesses), "wrong ones are counted all the same");
    }
}
