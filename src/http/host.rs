//! Which addresses and host names are this machine's, and which a request may name.
//!
//! A web page that was loaded from an attacker's name can make that name point at this machine (DNS rebinding). The
//! browser still sends the attacker's name as `Host`, so a server that checks it answers such a page with a refusal.

use std::net::IpAddr;

use axum::http::uri::Authority;
use axum::http::{HeaderMap, Uri, header};

/// Whether only this machine reaches an address: 127.0.0.0/8 and `::1`, also written as `::ffff:127.0.0.1`.
pub fn is_local(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

/// Whether the host of a URI is `localhost` or an address that only this machine reaches.
pub fn is_local_host(host: &str) -> bool {
    let name = bare(host);
    name == "localhost" || name.parse().is_ok_and(is_local)
}

/// The names that a server may be reached by. An address in digits cannot be rebound; a name must be listed.
#[derive(Debug, Clone)]
pub struct AllowedHosts {
    names: Vec<String>,
    local: bool,
}

impl AllowedHosts {
    /// `localhost` and `names`: each a host, or a host with its port. Where the server is `local`, that is bound to this
    /// machine only, the addresses of this machine as well; otherwise every address.
    pub fn new(names: &[String], local: bool) -> Self {
        Self { names: names.iter().map(|name| name.trim().to_ascii_lowercase()).collect(), local }
    }

    /// Whether a request names this server, by its `Host` header and its URI: by one of them, and by no other name in the
    /// other.
    pub fn permit(&self, uri: &Uri, headers: &HeaderMap) -> bool {
        let mut hosts = headers.get_all(header::HOST).iter();
        let by_header = hosts.next().map(|host| host.to_str().ok().and_then(|host| host.parse::<Authority>().ok()));
        let by_uri = uri.authority().cloned();
        let named = by_header.is_some() || by_uri.is_some();
        named
            && hosts.next().is_none()
            && by_header.is_none_or(|host| host.is_some_and(|host| self.contain(&host)))
            && by_uri.is_none_or(|host| self.contain(&host))
    }

    fn contain(&self, host: &Authority) -> bool {
        if host.as_str().contains('@') {
            return false;
        }
        let name = bare(host.host());
        match name.parse::<IpAddr>() {
            Ok(address) => !self.local || is_local(address) || self.names.contains(&name),
            Err(_) => {
                name == "localhost"
                    || self.names.contains(&name)
                    || self.names.contains(&host.as_str().to_ascii_lowercase())
            }
        }
    }
}

/// A host without the brackets of an IPv6 address, in small letters.
fn bare(host: &str) -> String {
    host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(local: bool) -> AllowedHosts {
        AllowedHosts::new(&[" Shop.Example.com".to_owned(), "proxy.example.com:8443".to_owned()], local)
    }

    fn names(hosts: &AllowedHosts, host: &str) -> bool {
        hosts.permit(&Uri::from_static("/mcp"), &HeaderMap::from_iter([(header::HOST, host.parse().unwrap())]))
    }

    #[test]
    fn loopback_addresses_are_local_in_every_notation() {
        for address in ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"] {
            assert!(is_local(address.parse().unwrap()) && is_local_host(address), "{address}");
        }
        for address in ["0.0.0.0", "::", "10.0.0.1", "::ffff:10.0.0.1", "fe80::1"] {
            assert!(!is_local(address.parse().unwrap()) && !is_local_host(address), "{address}");
        }
        assert!(is_local_host("LocalHost") && is_local_host("[::1]"));
        assert!(!is_local_host("localhost.evil.com") && !is_local_host("") && !is_local_host("127.0.0.1.evil.com"));
    }

    #[test]
    fn hosts_that_could_be_rebound_are_refused() {
        let local = hosts(true);
        for host in [
            "localhost",
            "localhost:8001",
            "127.0.0.1:8001",
            "[::1]:8001",
            "shop.example.com",
            "SHOP.example.com:1",
            "proxy.example.com:8443",
        ] {
            assert!(names(&local, host), "{host}");
        }
        let forwarded = AllowedHosts::new(&["192.168.1.5".to_owned()], true);
        assert!(
            names(&forwarded, "192.168.1.5:8501") && !names(&forwarded, "192.168.1.6"),
            "an address that is listed"
        );
        for host in
            ["evil.example.com", "localhost.evil.com", "10.0.0.1", "proxy.example.com", "", "a b", "127.0.0.1.evil.com"]
        {
            assert!(!names(&local, host), "{host}");
        }
    }

    #[test]
    fn a_server_for_other_machines_is_reached_by_any_address_but_not_by_any_name() {
        let open = hosts(false);
        assert!(names(&open, "10.0.0.1:8001") && names(&open, "shop.example.com"));
        assert!(!names(&open, "evil.example.com"));
    }

    #[test]
    fn without_a_header_the_uri_names_the_host() {
        let permit = |uri: &'static str| hosts(true).permit(&Uri::from_static(uri), &HeaderMap::new());
        assert!(permit("http://localhost/mcp"));
        assert!(!permit("http://evil.example.com/mcp") && !permit("/mcp"));
    }
}
