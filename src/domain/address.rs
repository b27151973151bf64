//! Addresses as they may be shown: without the user, the password, the path and what follows it, which can all be secret.

/// Scheme and hosts of an address.
pub fn without_credentials(address: &str) -> String {
    match address.split_once("://") {
        Some((scheme, _)) => format!("{scheme}://{}", hosts(address)),
        None => hosts(address).to_owned(),
    }
}

/// The hosts of an address, with their ports.
pub fn hosts(address: &str) -> &str {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    // A password may hold any of `/?#@` unescaped: only what follows the last `@` is shown.
    let hosts = rest.rsplit('@').next().unwrap_or_default();
    hosts.split(['/', '?', '#', '\\']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_the_host_is_shown() {
        for (address, shown) in [
            ("https://api.example.com/v1", "https://api.example.com"),
            ("https://me:pa/s?s@word@api.example.com:8443/v1?key=secret", "https://api.example.com:8443"),
            ("mongodb://u:p@one:1,two:2/db", "mongodb://one:1,two:2"),
            ("u:p@host", "host"),
            ("", ""),
        ] {
            assert_eq!(without_credentials(address), shown, "{address}");
        }
    }

    proptest! {
        #[test]
        fn no_password_is_shown(scheme in "[a-z+]{1,8}", user in "[a-z]{1,6}", password in "Z[A-Z0-9/?#:@%]{3,12}Z", rest in "(/[a-z]{0,5})?(\\?k=ZZZZ)?") {
            let shown = without_credentials(&format!("{scheme}://{user}:{password}@host:1{rest}"));
            prop_assert_eq!(shown, format!("{scheme}://host:1"));
        }
    }
}
