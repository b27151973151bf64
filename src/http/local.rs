//! Whether a request comes from a program on this machine, straight to this server.
//!
//! It is the one place that decides so, and what it says is never enough to open anything: a proxy on this machine can
//! forward a stranger's request so that nothing shows it. Only where somebody said that nobody else reaches this machine
//! (`--i-am-alone`) is a request that passes here let in without a lock; all others are refused even then.

use std::fmt;

use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, Uri, Version, header};

use super::client::Ends;
use super::host::{is_local, is_local_host};

/// Why a request is not one of this machine's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotLocal {
    /// The other end, or this one, is an address that other machines reach.
    Address,
    /// It names another host, or none.
    Host,
    /// This header says that it was forwarded.
    Forwarded(HeaderName),
    /// No browser and no MCP client speaks HTTP/1.0; proxies do.
    OldProtocol,
}

impl fmt::Display for NotLocal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address => f.write_str("it came from another machine"),
            Self::Host => f.write_str("its Host is not the address and port that this server listens at"),
            Self::Forwarded(name) => write!(f, "its header “{name}” says that a proxy forwarded it"),
            Self::OldProtocol => f.write_str("it is HTTP/1.0, which only proxies speak"),
        }
    }
}

/// Parts of the names of headers that only somebody between client and server adds.
const PARTS: [&str; 8] =
    ["forward", "proxy", "real-ip", "client-ip", "connecting-ip", "remote-ip", "remote-addr", "cluster-client"];
/// How the headers of content networks, clouds, tunnels and proxies begin.
const PREFIXES: [&str; 32] = [
    "cf-",
    "cdn-",
    "fly-",
    "fastly-",
    "akamai-",
    "incap-",
    "ngrok-",
    "tailscale-",
    "x-akamai-",
    "x-amz",
    "x-appengine-",
    "x-arr-",
    "x-azure-",
    "x-cache",
    "x-cdn",
    "x-client-",
    "x-cloud-",
    "x-edge-",
    "x-envoy-",
    "x-gateway-",
    "x-google-",
    "x-haproxy",
    "x-host",
    "x-http-host",
    "x-nf-",
    "x-nginx",
    "x-original-",
    "x-railway-",
    "x-render-",
    "x-request-id",
    "x-varnish",
    "x-vercel-",
];
/// And those whose whole name says it.
const NAMES: [&str; 6] = ["via", "max-forwards", "surrogate-capability", "x-scheme", "x-sucuri-clientip", "x-traefik"];

/// Whether a header of this name shows that a request was forwarded.
fn tells_of_a_proxy(name: &HeaderName) -> bool {
    let name = name.as_str();
    NAMES.contains(&name)
        || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        || PARTS.iter().any(|part| name.contains(part))
}

/// Whether nothing says that a request comes from anywhere but this machine.
///
/// # Errors
/// What says so.
pub fn check(ends: Option<&Ends>, version: Version, uri: &Uri, headers: &HeaderMap) -> Result<(), NotLocal> {
    let ends = ends.ok_or(NotLocal::Address)?;
    if !is_local(ends.peer.ip()) || !is_local(ends.local.ip()) {
        return Err(NotLocal::Address);
    }
    if let Some(name) = headers.keys().find(|name| tells_of_a_proxy(name)) {
        return Err(NotLocal::Forwarded(name.clone()));
    }
    let mut hosts = headers.get_all(header::HOST).iter();
    let named = hosts.next().and_then(|host| host.to_str().ok()).and_then(|host| host.parse::<Authority>().ok());
    let whole = named.is_some_and(|host| is_own_name(&host, ends.local.port())) && hosts.next().is_none();
    if !whole || uri.authority().is_some_and(|host| !is_own_name(host, ends.local.port())) {
        return Err(NotLocal::Host);
    }
    if version < Version::HTTP_11 {
        return Err(NotLocal::OldProtocol);
    }
    Ok(())
}

/// Whether a host is `localhost` or an address of this machine alone, with this port and nothing else.
fn is_own_name(host: &Authority, port: u16) -> bool {
    let plain = !host.as_str().contains('@');
    let named = host.port().map_or(Some(80), |port| port.as_str().parse().ok());
    plain && is_local_host(host.host()) && named == Some(port)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ends(peer: &str, local: &str) -> Ends {
        Ends { peer: peer.parse().unwrap(), local: local.parse().unwrap() }
    }

    fn checked(headers: &[(&str, &str)]) -> Result<(), NotLocal> {
        let own = ends("127.0.0.1:40000", "127.0.0.1:8000");
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        check(Some(&own), Version::HTTP_11, &Uri::from_static("/mcp"), &headers)
    }

    #[test]
    fn a_direct_request_of_this_machine_is_local() {
        for host in ["127.0.0.1:8000", "localhost:8000", "LOCALHOST:8000", "[::1]:8000", "127.1.2.3:8000"] {
            assert_eq!(checked(&[("host", host), ("user-agent", "x"), ("accept", "*/*")]), Ok(()), "{host}");
        }
    }

    #[test]
    fn another_host_or_port_or_none_is_not() {
        for host in [
            "127.0.0.1",
            "127.0.0.1:8001",
            "localhost",
            "shop.example.com",
            "shop.example.com:8000",
            "127.0.0.1.evil.example:8000",
            "localhost@evil.example:8000",
            "x@127.0.0.1:8000",
            "0.0.0.0:8000",
            "10.0.0.1:8000",
            "127.0.0.1:",
            "",
        ] {
            assert_eq!(checked(&[("host", host)]), Err(NotLocal::Host), "{host}");
        }
        assert_eq!(checked(&[]), Err(NotLocal::Host));
        assert_eq!(checked(&[("host", "localhost:8000"), ("host", "localhost:8000")]), Err(NotLocal::Host));
        let headers = HeaderMap::from_iter([(header::HOST, "localhost:8000".parse().unwrap())]);
        let absolute = Uri::from_static("http://evil.example/mcp");
        let own = ends("127.0.0.1:40000", "127.0.0.1:8000");
        assert_eq!(check(Some(&own), Version::HTTP_11, &absolute, &headers), Err(NotLocal::Host));
    }

    #[test]
    fn whatever_says_that_it_was_forwarded_is_believed() {
        for name in [
            "Forwarded",
            "X-Forwarded-For",
            "X-Forwarded-Proto",
            "X-Forwarded-Host",
            "X-Forward-For",
            "X-Original-Forwarded-For",
            "X-Real-IP",
            "X-Client-IP",
            "True-Client-IP",
            "Via",
            "CF-Connecting-IP",
            "CF-Ray",
            "CDN-Loop",
            "Fly-Client-IP",
            "Fastly-Client-IP",
            "X-Original-Host",
            "X-Envoy-External-Address",
            "Akamai-Origin-Hop",
            "X-Cluster-Client-IP",
            "X-ProxyUser-IP",
            "Proxy-Connection",
            "X-Azure-ClientIP",
            "X-Amzn-Trace-Id",
            "X-AppEngine-User-IP",
            "Ngrok-Trace-Id",
            "Tailscale-User-Login",
            "X-Request-Id",
            "Incap-Client-IP",
            "X-Remote-Addr",
            "X-Vercel-Id",
        ] {
            let told = checked(&[("host", "127.0.0.1:8000"), (name, "1")]);
            assert_eq!(told, Err(NotLocal::Forwarded(name.parse().unwrap())), "{name}");
            assert!(told.unwrap_err().to_string().contains(&name.to_ascii_lowercase()));
        }
    }

    #[test]
    fn what_browsers_and_clients_send_says_nothing_of_a_proxy() {
        for name in [
            "accept",
            "accept-encoding",
            "accept-language",
            "authorization",
            "cache-control",
            "connection",
            "content-type",
            "content-length",
            "cookie",
            "dnt",
            "if-none-match",
            "last-event-id",
            "mcp-session-id",
            "mcp-protocol-version",
            "mcp-method",
            "mcp-name",
            "origin",
            "pragma",
            "priority",
            "range",
            "referer",
            "sec-fetch-mode",
            "sec-ch-ua",
            "te",
            "transfer-encoding",
            "upgrade-insecure-requests",
            "user-agent",
            "traceparent",
            "x-hub-signature-256",
        ] {
            assert_eq!(checked(&[("host", "127.0.0.1:8000"), (name, "1")]), Ok(()), "{name}");
        }
    }

    #[test]
    fn addresses_and_old_protocols_count() {
        let headers = HeaderMap::from_iter([(header::HOST, "127.0.0.1:8000".parse().unwrap())]);
        let asked = |ends: Option<Ends>, version| check(ends.as_ref(), version, &Uri::from_static("/"), &headers);
        assert_eq!(asked(None, Version::HTTP_11), Err(NotLocal::Address));
        for (peer, local) in [("10.0.0.1:1", "127.0.0.1:8000"), ("127.0.0.1:1", "10.0.0.2:8000")] {
            assert_eq!(asked(Some(ends(peer, local)), Version::HTTP_11), Err(NotLocal::Address));
        }
        let own = ends("[::ffff:127.0.0.1]:1", "[::ffff:127.0.0.1]:8000");
        assert_eq!(asked(Some(own), Version::HTTP_11), Ok(()));
        assert_eq!(asked(Some(own), Version::HTTP_10), Err(NotLocal::OldProtocol));
    }

    proptest! {
        #[test]
        fn no_odd_host_is_taken_for_this_machine(host in "[!-~]{0,40}") {
            let value = host.parse::<axum::http::HeaderValue>().unwrap();
            let headers = HeaderMap::from_iter([(header::HOST, value)]);
            let own = ends("127.0.0.1:40000", "127.0.0.1:8000");
            if check(Some(&own), Version::HTTP_11, &Uri::from_static("/"), &headers).is_ok() {
                let name = host.strip_suffix(":8000").unwrap();
                prop_assert!(is_local_host(name), "{host}");
            }
        }
    }
}
