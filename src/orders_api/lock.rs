//! Who may send orders: a program with the token, or a shop whose system signs what it sends.
//!
//! What can be checked before a body is received is; what is signed is read only once the signature of the raw bytes fits.

use axum::http::{HeaderMap, HeaderName, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use super::Source;
use crate::http::client::Client;
use crate::http::guesses::{GuessLimit, is_long};

/// Base64 of the HMAC-SHA256 of the body, keyed with the app's client secret: <https://shopify.dev/docs/apps/build/webhooks/verify-deliveries>.
const SHOPIFY: HeaderName = HeaderName::from_static("x-shopify-hmac-sha256");
/// The same with the webhook's own secret: `WC_Webhook::generate_signature`, <https://woocommerce.github.io/woocommerce-rest-api-docs/#webhooks>.
const WOOCOMMERCE: HeaderName = HeaderName::from_static("x-wc-webhook-signature");
/// The largest body of the request that WooCommerce sends when a webhook is saved, in bytes.
const LONGEST_PING: usize = 64;

/// What opens the address: any of the three.
#[derive(Debug, Clone)]
pub struct OrdersLock {
    token: Option<SecretString>,
    shopify: Vec<SecretString>,
    woocommerce: Option<SecretString>,
}

/// What a request shows of itself before its body is there.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// The token, which is right.
    Token,
    /// A signature, which has to be checked over the body.
    Signature(Source, [u8; 32]),
    /// Nothing; it may be WooCommerce's trial of the address, which it sends without a signature.
    MaybePing,
}

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Denied {
    /// It has neither a token nor a signature.
    Nothing,
    /// The token is another one, or there is none in the settings.
    Token,
    /// It is no signature, or several.
    Malformed(Source),
    /// The signature belongs to another body or secret.
    Wrong(Source),
    /// The settings have no secret of this shop system.
    NoSecret(Source),
    /// Too many were wrong before.
    TooManyGuesses,
}

impl OrdersLock {
    /// The lock of these settings, each of which may be empty; `None` where all are: then nothing is served. `shopify` may
    /// hold several secrets with commas between.
    pub fn find(token: &SecretString, shopify: &SecretString, woocommerce: &SecretString) -> Option<Self> {
        let set = |secret: &str| Some(secret.trim()).filter(|secret| !secret.is_empty()).map(SecretString::from);
        let lock = Self {
            token: set(token.expose_secret()),
            shopify: shopify.expose_secret().split(',').filter_map(set).collect(),
            woocommerce: set(woocommerce.expose_secret()),
        };
        (lock.token.is_some() || !lock.shopify.is_empty() || lock.woocommerce.is_some()).then_some(lock)
    }

    /// Whose orders are taken, for the line that says so.
    pub fn opened_by(&self) -> Vec<&'static str> {
        let kinds = [
            (self.token.is_some(), "a token"),
            (!self.shopify.is_empty(), "Shopify's signature"),
            (self.woocommerce.is_some(), "WooCommerce's signature"),
        ];
        kinds.into_iter().filter_map(|(set, name)| set.then_some(name)).collect()
    }

    fn secrets(&self, source: Source) -> &[SecretString] {
        match source {
            Source::Api => &[],
            Source::Shopify => &self.shopify,
            Source::WooCommerce => self.woocommerce.as_slice(),
        }
    }

    /// Looks at a request before its body is received.
    pub(super) fn look(&self, headers: &HeaderMap, client: &Client, guesses: &GuessLimit) -> Result<Shown, Denied> {
        for (name, source) in [(SHOPIFY, Source::Shopify), (WOOCOMMERCE, Source::WooCommerce)] {
            let mut given = headers.get_all(&name).iter();
            let Some(first) = given.next() else { continue };
            let secrets = self.secrets(source);
            if secrets.is_empty() {
                return Err(Denied::NoSecret(source));
            }
            if given.next().is_some() {
                return Err(Denied::Malformed(source));
            }
            let given = digest(first.as_bytes()).ok_or(Denied::Malformed(source))?;
            let guessable = secrets.iter().any(|secret| !is_long(secret.expose_secret()));
            if guessable && !guesses.may_guess(client) {
                return Err(Denied::TooManyGuesses);
            }
            return Ok(Shown::Signature(source, given));
        }
        if !headers.contains_key(header::AUTHORIZATION) {
            return if self.may_be_ping(headers) { Ok(Shown::MaybePing) } else { Err(Denied::Nothing) };
        }
        let right = self.token.as_ref().filter(|token| has_token(headers, token));
        if right.is_some_and(|token| is_long(token.expose_secret())) {
            return Ok(Shown::Token);
        }
        if !guesses.may_guess(client) {
            return Err(Denied::TooManyGuesses);
        }
        if right.is_some() {
            return Ok(Shown::Token);
        }
        guesses.record(client);
        Err(Denied::Token)
    }

    /// Checks a signature over the raw bytes of a body.
    pub(super) fn check(
        &self,
        source: Source,
        given: [u8; 32],
        body: &[u8],
        client: &Client,
        guesses: &GuessLimit,
    ) -> Result<(), Denied> {
        // All are computed, whichever fits.
        let fits = self.secrets(source).iter().fold(false, |fits, secret| {
            let same: bool = sign(secret, body).ct_eq(&given).into();
            fits | same
        });
        if fits {
            return Ok(());
        }
        guesses.record(client);
        Err(Denied::Wrong(source))
    }

    /// Whether a request may be the one that WooCommerce tries an address with when a webhook is saved: a form without a
    /// signature (`WC_Webhook::deliver_ping`). The webhook is only used where the answer is 200.
    fn may_be_ping(&self, headers: &HeaderMap) -> bool {
        let of = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        let form = of(header::CONTENT_TYPE).is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
        let length = of(header::CONTENT_LENGTH).and_then(|length| length.parse::<usize>().ok());
        self.woocommerce.is_some() && form && length.is_some_and(|length| length <= LONGEST_PING)
    }
}

/// Whether the body of such a request is that of a trial.
pub(super) fn is_ping(body: &[u8]) -> bool {
    let number = body.strip_prefix(b"webhook_id=");
    body.len() <= LONGEST_PING
        && number.is_some_and(|number| !number.is_empty() && number.iter().all(u8::is_ascii_digit))
}

fn has_token(headers: &HeaderMap, token: &SecretString) -> bool {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let Some((scheme, given)) = value.to_str().ok().and_then(|value| value.split_once(' ')) else { return false };
    scheme.eq_ignore_ascii_case("bearer") && given.trim().as_bytes().ct_eq(token.expose_secret().as_bytes()).into()
}

#[expect(clippy::expect_used, reason = "HMAC accepts keys of any length")]
fn sign(secret: &SecretString, body: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()).expect("any length is a key");
    mac.update(body);
    mac.finalize().into_bytes().into()
}

fn digest(text: &[u8]) -> Option<[u8; 32]> {
    STANDARD.decode(text.trim_ascii()).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    const TOKEN: &str = "a-token-of-more-than-22-letters";

    fn lock() -> OrdersLock {
        OrdersLock::find(&TOKEN.into(), &"old-secret-of-the-app, hush".into(), &"".into()).unwrap()
    }

    fn client() -> Client {
        Client { address: IpAddr::from([10, 0, 0, 1]), shared: false }
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(HeaderName::from_static(name), value.parse().unwrap());
        }
        headers
    }

    fn look(lock: &OrdersLock, pairs: &[(&'static str, &str)]) -> Result<Shown, Denied> {
        lock.look(&headers(pairs), &client(), &GuessLimit::default())
    }

    /// The vector of RFC 4231, test case 2, and its base64.
    #[test]
    fn a_known_signature() {
        let body = b"what do ya want for nothing?";
        let expected = hex::decode("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843").unwrap();
        let given = digest(b"W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=").unwrap();
        assert_eq!(given[..], expected);
        assert_eq!(sign(&"Jefe".into(), body)[..], expected);
        let lock = OrdersLock::find(&"".into(), &"".into(), &"Jefe".into()).unwrap();
        let guesses = GuessLimit::default();
        let check = |body: &[u8], given| lock.check(Source::WooCommerce, given, body, &client(), &guesses);
        assert_eq!(check(body, given), Ok(()));
        assert_eq!(check(&body[1..], given), Err(Denied::Wrong(Source::WooCommerce)));
        let mut other = given;
        other[31] ^= 1;
        assert_eq!(check(body, other), Err(Denied::Wrong(Source::WooCommerce)));
        assert_eq!(lock.check(Source::Shopify, given, body, &client(), &guesses), Err(Denied::Wrong(Source::Shopify)));
    }

    #[test]
    fn any_of_several_secrets_fits() {
        let (lock, body, guesses) = (lock(), b"{}", GuessLimit::default());
        for (secret, fits) in
            [("hush", true), ("old-secret-of-the-app", true), ("old-secret-of-the-app, hush", false), ("", false)]
        {
            let given = sign(&secret.into(), body);
            assert_eq!(lock.check(Source::Shopify, given, body, &client(), &guesses).is_ok(), fits, "{secret}");
        }
    }

    #[test]
    fn what_shows_nothing_is_refused_before_its_body() {
        let lock = lock();
        let signature = STANDARD.encode([7; 32]);
        let right = format!("Bearer {TOKEN}");
        for (pairs, expected) in [
            (vec![], Err(Denied::Nothing)),
            (vec![("authorization", right.as_str())], Ok(Shown::Token)),
            (vec![("authorization", "Bearer another")], Err(Denied::Token)),
            (vec![("authorization", TOKEN)], Err(Denied::Token)),
            (vec![("authorization", right.as_str()), ("authorization", right.as_str())], Err(Denied::Token)),
            (vec![("x-shopify-hmac-sha256", signature.as_str())], Ok(Shown::Signature(Source::Shopify, [7; 32]))),
            (vec![("x-shopify-hmac-sha256", "AAAA")], Err(Denied::Malformed(Source::Shopify))),
            (vec![("x-shopify-hmac-sha256", "")], Err(Denied::Malformed(Source::Shopify))),
            (
                vec![("x-shopify-hmac-sha256", signature.as_str()), ("x-shopify-hmac-sha256", signature.as_str())],
                Err(Denied::Malformed(Source::Shopify)),
            ),
            (vec![("x-wc-webhook-signature", signature.as_str())], Err(Denied::NoSecret(Source::WooCommerce))),
            // Without a secret of WooCommerce's there is nothing to try out.
            (
                vec![("content-type", "application/x-www-form-urlencoded"), ("content-length", "13")],
                Err(Denied::Nothing),
            ),
        ] {
            assert_eq!(look(&lock, &pairs), expected, "{pairs:?}");
        }
    }

    #[test]
    fn the_trial_of_an_address_is_small_and_holds_a_number_only() {
        let lock = OrdersLock::find(&"".into(), &"".into(), &"a secret of WooCommerce's".into()).unwrap();
        let form = ("content-type", "application/x-www-form-urlencoded; charset=UTF-8");
        assert_eq!(look(&lock, &[form, ("content-length", "13")]), Ok(Shown::MaybePing));
        assert_eq!(look(&lock, &[form, ("content-length", "65")]), Err(Denied::Nothing));
        assert_eq!(look(&lock, &[form]), Err(Denied::Nothing), "its length is not announced");
        assert_eq!(look(&lock, &[form, ("content-length", "13"), ("authorization", "Bearer x")]), Err(Denied::Token));
        assert!(is_ping(b"webhook_id=12"));
        for other in [&b"webhook_id="[..], b"webhook_id=1&x=2", b"webhook_id=x", b"", b"{}"] {
            assert!(!is_ping(other), "{other:?}");
        }
    }

    #[test]
    fn guesses_are_limited_and_a_long_token_is_let_in_all_the_same() {
        let guesses = GuessLimit::default();
        let short = OrdersLock::find(&"of-16-characters".into(), &"of-16-characters".into(), &"".into()).unwrap();
        let (right, wrong) =
            (headers(&[("authorization", "Bearer of-16-characters")]), headers(&[("authorization", "Bearer x")]));
        assert_eq!(short.look(&right, &client(), &guesses), Ok(Shown::Token));
        while short.look(&wrong, &client(), &guesses) == Err(Denied::Token) {}
        assert_eq!(short.look(&right, &client(), &guesses), Err(Denied::TooManyGuesses));
        let signed = headers(&[("x-shopify-hmac-sha256", &STANDARD.encode([7; 32]))]);
        assert_eq!(short.look(&signed, &client(), &guesses), Err(Denied::TooManyGuesses));
        let long = OrdersLock::find(&TOKEN.into(), &"".into(), &"".into()).unwrap();
        let right = headers(&[("authorization", &format!("Bearer {TOKEN}"))]);
        assert_eq!(long.look(&right, &client(), &guesses), Ok(Shown::Token));
    }

    #[test]
    fn without_any_of_the_three_nothing_is_served() {
        assert!(OrdersLock::find(&" ".into(), &", ,".into(), &"".into()).is_none());
        assert_eq!(lock().opened_by(), ["a token", "Shopify's signature"]);
        assert!(!format!("{:?}", lock()).contains("hush"));
    }
}
