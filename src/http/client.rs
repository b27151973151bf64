//! Who sent a request: the address of the client, also where a proxy stands before this program.
//!
//! A header is worth what its sender is worth. Only a proxy that the settings name may say whom it forwards for; from
//! anybody else such a header changes nothing but that the request is no local one (see [`super::local`]).

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use axum::http::{Extensions, HeaderMap};

/// Both ends of the connection that a request came over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ends {
    /// The other end.
    pub peer: SocketAddr,
    /// This end.
    pub local: SocketAddr,
}

/// Who sent a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Client {
    /// The address that limits go by. Of an IPv6 address the network: one person has all addresses of a `/64`.
    pub address: IpAddr,
    /// Whether many may be behind this address: it is a proxy's, or a program's on this machine that may be one. What one
    /// of them does must not be held against the others.
    pub shared: bool,
}

impl Client {
    /// The client of a request that [`super::serve`] took; one of an unknown address where something else did.
    pub fn of(extensions: &Extensions) -> Self {
        extensions.get().copied().unwrap_or(Self { address: IpAddr::from([0, 0, 0, 0]), shared: true })
    }
}

/// Addresses that begin with the same bits, such as `10.0.0.0/8`; one address alone stands for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    base: IpAddr,
    bits: u8,
}

impl Network {
    /// Whether it holds an address.
    pub fn contains(&self, address: IpAddr) -> bool {
        let same = |one: u128, other: u128, width: u8| {
            let rest = u32::from(width.saturating_sub(self.bits));
            one.checked_shr(rest).unwrap_or(0) == other.checked_shr(rest).unwrap_or(0)
        };
        match (self.base, address.to_canonical()) {
            (IpAddr::V4(base), IpAddr::V4(address)) => same(base.to_bits().into(), address.to_bits().into(), 32),
            (IpAddr::V6(base), IpAddr::V6(address)) => same(base.to_bits(), address.to_bits(), 128),
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = String;

    /// Reads an address, or an address and the number of its first bits that count. The error completes “…”.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("“{text}” is no address or network such as 10.0.0.5 or 10.0.0.0/8");
        let (address, bits) = match text.trim().split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u8>().map_err(|_| wrong())?)),
            None => (text.trim(), None),
        };
        let base = address.parse::<IpAddr>().map_err(|_| wrong())?;
        let base = if bits.is_none() { base.to_canonical() } else { base };
        let width = if base.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(width);
        if bits > width { Err(wrong()) } else { Ok(Self { base, bits }) }
    }
}

/// The header in which the trusted proxies name the client. Any other one comes from the client itself, who can write
/// anything into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClientHeader {
    /// `X-Forwarded-For: CLIENT, PROXY`, which most proxies add to.
    #[default]
    XForwardedFor,
    /// `Forwarded: for=CLIENT`, of RFC 7239.
    Forwarded,
    /// `X-Real-IP: CLIENT`.
    XRealIp,
}

impl ClientHeader {
    /// The header of this name, in any case.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::XForwardedFor, Self::Forwarded, Self::XRealIp]
            .into_iter()
            .find(|header| header.name().eq_ignore_ascii_case(name.trim()))
    }

    fn name(self) -> &'static str {
        match self {
            Self::XForwardedFor => "x-forwarded-for",
            Self::Forwarded => "forwarded",
            Self::XRealIp => "x-real-ip",
        }
    }

    /// The addresses that the header names, the nearest first; `None` for one that cannot be read.
    fn addresses(self, headers: &HeaderMap) -> Vec<Option<IpAddr>> {
        let values = headers.get_all(self.name()).iter().map(|value| value.to_str().unwrap_or_default());
        let elements: Vec<&str> = values.flat_map(|value| value.split(',')).collect();
        let address = |element: &&str| match self {
            Self::Forwarded => {
                let pairs = element.split(';').filter_map(|pair| pair.split_once('='));
                let mut named = pairs.filter(|(name, _)| name.trim().eq_ignore_ascii_case("for"));
                named.next().and_then(|(_, node)| node_address(node.trim().trim_matches('"')))
            }
            Self::XForwardedFor | Self::XRealIp => node_address(element.trim()),
        };
        elements.iter().rev().map(address).collect()
    }
}

/// The address of `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1` or `[2001:db8::1]:4711`.
fn node_address(node: &str) -> Option<IpAddr> {
    let address = node.parse().ok().or_else(|| node.parse::<SocketAddr>().ok().map(|address| address.ip()));
    let bracketed = || node.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    address.or_else(bracketed).map(|address: IpAddr| address.to_canonical())
}

/// Whose word about a client's address counts, and in which header it is.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies {
    networks: Vec<Network>,
    header: ClientHeader,
}

impl TrustedProxies {
    /// The proxies at these addresses, which name the client in this header.
    pub fn new(networks: Vec<Network>, header: ClientHeader) -> Self {
        Self { networks, header }
    }

    /// Whether an address is one of theirs.
    pub fn contain(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(address))
    }

    /// Who sent a request that came from `peer`: what the nearest proxies that are trusted say, one after the other, and of
    /// what stands before them nothing.
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> Client {
        let peer = peer.to_canonical();
        if !self.contain(peer) {
            // A proxy on this machine that nobody told of looks just like this.
            return Client { address: network_of(peer), shared: peer.is_loopback() };
        }
        let mut nearest = peer;
        for address in self.header.addresses(headers) {
            let Some(address) = address else { break };
            nearest = address;
            if !self.contain(address) {
                return Client { address: network_of(address), shared: false };
            }
        }
        Client { address: network_of(nearest), shared: true }
    }
}

/// An IPv4 address as it is; of an IPv6 address its `/64`.
pub(super) fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};
    use proptest::prelude::*;

    use super::*;

    fn proxies(networks: &[&str], header: ClientHeader) -> TrustedProxies {
        TrustedProxies::new(networks.iter().map(|network| network.parse().unwrap()).collect(), header)
    }

    fn from(proxies: &TrustedProxies, peer: &str, headers: &[(&str, &str)]) -> (String, bool) {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap()))
            .collect();
        let client = proxies.client(peer.parse().unwrap(), &headers);
        (client.address.to_string(), client.shared)
    }

    #[test]
    fn only_a_trusted_proxy_names_the_client() {
        let none = TrustedProxies::default();
        let named = [("x-forwarded-for", "203.0.113.9")];
        assert_eq!(from(&none, "198.51.100.1", &named), ("198.51.100.1".into(), false));
        assert_eq!(from(&none, "127.0.0.1", &named), ("127.0.0.1".into(), true), "it may be a proxy nobody told of");
        let known = proxies(&["127.0.0.1", "10.0.0.0/8"], ClientHeader::XForwardedFor);
        assert_eq!(from(&known, "127.0.0.1", &named), ("203.0.113.9".into(), false));
        assert_eq!(from(&known, "::ffff:127.0.0.1", &named), ("203.0.113.9".into(), false));
        assert_eq!(from(&known, "198.51.100.1", &named), ("198.51.100.1".into(), false));
        // What the client wrote itself stands before what the proxy added.
        let forged = [("x-forwarded-for", "127.0.0.1, 1.2.3.4"), ("x-forwarded-for", "203.0.113.9, 10.1.2.3")];
        assert_eq!(from(&known, "127.0.0.1", &forged), ("203.0.113.9".into(), false));
        // Another header than the one that the proxies use is the client's own.
        assert_eq!(from(&known, "127.0.0.1", &[("forwarded", "for=1.2.3.4")]), ("127.0.0.1".into(), true));
    }

    #[test]
    fn a_proxy_that_names_nobody_is_shared() {
        let known = proxies(&["10.0.0.0/8"], ClientHeader::XForwardedFor);
        for value in ["", "unknown", "x, unknown", "203.0.113.9, garbage"] {
            assert_eq!(from(&known, "10.1.1.1", &[("x-forwarded-for", value)]), ("10.1.1.1".into(), true), "{value}");
        }
        assert_eq!(from(&known, "10.1.1.1", &[]), ("10.1.1.1".into(), true));
    }

    #[test]
    fn every_notation_of_an_address_is_read() {
        let known = proxies(&["127.0.0.1"], ClientHeader::Forwarded);
        for (value, client) in [
            ("for=192.0.2.60;proto=http;by=203.0.113.43", "192.0.2.60"),
            ("for=192.0.2.43, For=\"[2001:db8:cafe::17]:4711\"", "2001:db8:cafe::"),
            ("proto=https;for=\"192.0.2.60:80\"", "192.0.2.60"),
        ] {
            assert_eq!(from(&known, "127.0.0.1", &[("forwarded", value)]), (client.into(), false), "{value}");
        }
        let real = proxies(&["127.0.0.1"], ClientHeader::XRealIp);
        assert_eq!(from(&real, "127.0.0.1", &[("x-real-ip", "2001:db8::5")]), ("2001:db8::".into(), false));
        assert_eq!(ClientHeader::parse(" x-forwarded-FOR"), Some(ClientHeader::XForwardedFor));
        assert_eq!(ClientHeader::parse("via"), None);
    }

    #[test]
    fn networks_are_read_or_refused() {
        for (network, inside, outside) in [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.1"),
            ("192.0.2.7", "192.0.2.7", "192.0.2.8"),
            ("::1", "::1", "127.0.0.1"),
            ("::ffff:192.0.2.7", "192.0.2.7", "192.0.2.8"),
            ("2001:db8::/32", "2001:db8:1::1", "2001:db9::1"),
        ] {
            let network: Network = network.parse().unwrap();
            assert!(network.contains(inside.parse().unwrap()) && !network.contains(outside.parse().unwrap()));
        }
        let all: Network = "0.0.0.0/0".parse().unwrap();
        assert!(all.contains("8.8.8.8".parse().unwrap()));
        for wrong in ["", "localhost", "10.0.0.0/33", "10.0.0.0/", "10.0.0/8", "::/129"] {
            assert!(wrong.parse::<Network>().unwrap_err().contains("no address or network"), "{wrong}");
        }
    }

    proptest! {
        /// Whatever a client writes, it is never taken for another one than the trusted proxy saw.
        #[test]
        fn nothing_that_a_client_writes_changes_its_address(
            written in "[ -~]{0,80}",
            header in prop::sample::select(vec!["x-forwarded-for", "forwarded", "x-real-ip", "via"]),
        ) {
            let known = proxies(&["127.0.0.1"], ClientHeader::XForwardedFor);
            let mut headers = vec![(header, written.as_str())];
            headers.push(("x-forwarded-for", "203.0.113.9"));
            prop_assert_eq!(from(&known, "127.0.0.1", &headers), ("203.0.113.9".to_owned(), false));
            headers.pop();
            prop_assert_eq!(from(&known, "198.51.100.1", &headers), ("198.51.100.1".to_owned(), false));
        }
    }
}
