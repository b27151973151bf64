//! Decides whether a request may reach the tools: which host it names, which web page sent it, which token it carries.
//!
//! It must never tell why a token is wrong, nor compare it in a time that depends on its content.
//!
//! A web page that was loaded from an attacker's name can make that name point at this machine (DNS rebinding). The
//! browser still sends the attacker's name as `Host` and `Origin`: both are checked, so such a page gets nothing.

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq as _;

use super::{HttpOptions, is_local};

/// What a request must show.
pub(super) struct Gate {
    token: Option<SecretString>,
    hosts: Vec<String>,
    origins: Vec<String>,
    local: bool,
}

/// Why a request is turned away.
#[derive(Debug, PartialEq, Eq)]
enum Refused {
    Host,
    Origin,
    Token,
}

impl Gate {
    pub(super) fn new(options: &HttpOptions) -> Self {
        let lower = |names: &[String]| names.iter().map(|name| name.trim().to_ascii_lowercase()).collect();
        Self {
            token: options.token.clone(),
            hosts: lower(&options.allowed_hosts),
            origins: lower(&options.allowed_origins),
            local: options.local,
        }
    }

    fn check(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Refused> {
        let named = match headers.get(header::HOST) {
            Some(host) => host.to_str().ok().and_then(|host| host.parse().ok()),
            None => uri.authority().cloned(),
        };
        if !named.is_some_and(|host: axum::http::uri::Authority| self.is_ours(&host)) {
            return Err(Refused::Host);
        }
        for origin in headers.get_all(header::ORIGIN) {
            if !origin.to_str().is_ok_and(|origin| self.may_call(origin)) {
                return Err(Refused::Origin);
            }
        }
        match &self.token {
            Some(token) if !carries(headers, token) => Err(Refused::Token),
            _ => Ok(()),
        }
    }

    /// Whether a host is this server. An address in digits cannot be rebound; a name must be known.
    fn is_ours(&self, host: &axum::http::uri::Authority) -> bool {
        let name = bare(host.host());
        match name.parse::<IpAddr>() {
            Ok(address) => !self.local || is_local(address),
            Err(_) => {
                name == "localhost"
                    || self.hosts.contains(&name)
                    || self.hosts.contains(&host.as_str().to_ascii_lowercase())
            }
        }
    }

    fn may_call(&self, origin: &str) -> bool {
        let origin = origin.trim().to_ascii_lowercase();
        if self.origins.contains(&origin) {
            return true;
        }
        let Ok(uri) = origin.parse::<Uri>() else { return false };
        let web = matches!(uri.scheme_str(), Some("http" | "https"));
        let here =
            uri.host().map(bare).is_some_and(|name| name == "localhost" || name.parse::<IpAddr>().is_ok_and(is_local));
        self.local && web && here
    }
}

fn bare(host: &str) -> String {
    host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase()
}

fn carries(headers: &HeaderMap, token: &SecretString) -> bool {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let Some((scheme, given)) = value.to_str().ok().and_then(|value| value.split_once(' ')) else { return false };
    scheme.eq_ignore_ascii_case("bearer") && given.trim().as_bytes().ct_eq(token.expose_secret().as_bytes()).into()
}

/// Lets a request through, or answers why not.
pub(super) async fn check(State(gate): State<Arc<Gate>>, request: Request<Body>, next: Next) -> Response {
    match gate.check(request.uri(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(Refused::Token) => {
            let challenge = [(header::WWW_AUTHENTICATE, "Bearer realm=\"ecomres\"")];
            (StatusCode::UNAUTHORIZED, challenge, "a bearer token is needed: the server's MCP_TOKEN\n").into_response()
        }
        Err(refused) => {
            tracing::warn!(?refused, "a request was turned away");
            let told = if refused == Refused::Host {
                "this host name is not served; [mcp] allowed_hosts lists those that are\n"
            } else {
                "web pages of this origin may not call; [mcp] allowed_origins lists those that may\n"
            };
            (StatusCode::FORBIDDEN, told).into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio_util::sync::CancellationToken;

    use super::*;

    fn gate(local: bool, token: Option<&str>) -> Gate {
        Gate::new(&HttpOptions {
            token: token.map(|token| token.to_owned().into()),
            allowed_hosts: vec!["Tools.Example.com".into(), "proxy.example.com:8443".into()],
            allowed_origins: vec!["https://app.example.com".into()],
            local,
            requests_per_second: 1,
            stop: CancellationToken::new(),
        })
    }

    fn ask(gate: &Gate, headers: &[(&str, &str)]) -> Result<(), Refused> {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        gate.check(&Uri::from_static("/mcp"), &headers)
    }

    #[test]
    fn hosts_that_could_be_rebound_are_refused() {
        let here = gate(true, None);
        for host in [
            "localhost",
            "localhost:8001",
            "127.0.0.1:8001",
            "[::1]:8001",
            "tools.example.com",
            "proxy.example.com:8443",
        ] {
            assert_eq!(ask(&here, &[("host", host)]), Ok(()), "{host}");
        }
        for host in
            ["evil.example.com", "localhost.evil.com", "10.0.0.1", "proxy.example.com", "", "a b", "127.0.0.1.evil.com"]
        {
            assert_eq!(ask(&here, &[("host", host)]), Err(Refused::Host), "{host}");
        }
        assert_eq!(ask(&here, &[]), Err(Refused::Host));
        assert_eq!(ask(&gate(false, None), &[("host", "10.0.0.1:8001")]), Ok(()));
    }

    #[test]
    fn web_pages_call_only_where_they_are_allowed() {
        let (here, open) = (gate(true, None), gate(false, None));
        let from = |gate: &Gate, origin: &str| ask(gate, &[("host", "localhost"), ("origin", origin)]);
        for origin in ["http://localhost:6274", "http://127.0.0.1", "https://[::1]:1", "https://app.example.com"] {
            assert_eq!(from(&here, origin), Ok(()), "{origin}");
        }
        for origin in [
            "http://evil.example.com",
            "null",
            "http://localhost.evil.com",
            "file://localhost",
            "",
            "https://app.example.com:444",
        ] {
            assert_eq!(from(&here, origin), Err(Refused::Origin), "{origin}");
        }
        assert_eq!(from(&open, "http://localhost:6274"), Err(Refused::Origin), "another machine's localhost");
    }

    #[test]
    fn a_token_is_compared_whole() {
        let closed = gate(true, Some("s3cret"));
        let with = |value: &str| ask(&closed, &[("host", "localhost"), ("authorization", value)]);
        assert_eq!(with("Bearer s3cret"), Ok(()));
        assert_eq!(with("bearer s3cret"), Ok(()));
        for wrong in ["Bearer s3cre", "Bearer s3cret2", "Basic s3cret", "s3cret", "Bearer", "Bearer "] {
            assert_eq!(with(wrong), Err(Refused::Token), "{wrong}");
        }
        let twice = [("host", "localhost"), ("authorization", "Bearer x"), ("authorization", "Bearer s3cret")];
        assert_eq!(ask(&closed, &twice), Err(Refused::Token));
    }
}
