//! Where events are delivered: which addresses are allowed, and with what they are signed. Neither addresses nor secrets are
//! shown.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use standardwebhooks::Webhook;

use crate::domain::event::{EventType, SigningSecret};
use crate::http::host::is_local_host;
use crate::store::EventRoute;

/// What to do about a wrong address.
const WHERE: &str = "write its url as https://HOST/PATH; http:// is for addresses of this machine only";
/// What to do about a wrong secret.
const SECRET: &str =
    "ecomres events secret makes one: ECOMRES_EVENTS_SECRET=whsec_… in .env, and the same at the receiver";

/// An endpoint that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("events cannot be delivered to the endpoint {name}: {reason}")]
pub struct EndpointError {
    name: String,
    reason: String,
    hint: &'static str,
}

impl EndpointError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        Some(self.hint.to_owned())
    }
}

/// What the settings say of an endpoint.
#[derive(Debug, Clone)]
pub struct EndpointSettings {
    /// Its name.
    pub name: String,
    /// Its address.
    pub url: SecretString,
    /// The secrets that deliveries are signed with: the present one, and those of before. Empty ones do not count.
    pub secrets: Vec<SecretString>,
    /// The types and groups of types that it gets; empty: all.
    pub types: Vec<String>,
}

/// An endpoint.
pub struct Endpoint {
    name: String,
    url: reqwest::Url,
    types: Vec<EventType>,
    signers: Vec<Webhook>,
}

impl Endpoint {
    /// The endpoint of the settings.
    ///
    /// # Errors
    /// When the address is none that events may leave to, there is no secret, or a type is unknown.
    pub fn new(settings: &EndpointSettings) -> Result<Self, EndpointError> {
        let failed = |reason: String, hint| EndpointError { name: settings.name.clone(), reason, hint };
        let url = reqwest::Url::parse(settings.url.expose_secret().trim())
            .map_err(|error| failed(format!("its address cannot be read: {error}"), WHERE))?;
        let host = url.host_str().unwrap_or_default();
        match url.scheme() {
            "https" if !host.is_empty() => {}
            "http" if is_local_host(host) => {}
            "http" => {
                return Err(failed(
                    "its address begins with http://, and is not one of this machine: anybody on the way could read what is sent"
                        .to_owned(),
                    WHERE,
                ));
            }
            other => return Err(failed(format!("its address begins with {other}:"), WHERE)),
        }
        let set = settings.secrets.iter().map(SecretString::expose_secret).filter(|text| !text.trim().is_empty());
        let mut signers = Vec::new();
        for text in set {
            let secret = SigningSecret::parse(text).map_err(|why| failed(format!("its secret: {why}"), SECRET))?;
            let signer = Webhook::from_bytes(secret.bytes().to_vec());
            signers.push(signer.map_err(|error| failed(format!("its secret: {error}"), SECRET))?);
        }
        if signers.is_empty() {
            return Err(failed(
                "it has no secret, so its receiver could not tell whether a request comes from here".to_owned(),
                SECRET,
            ));
        }
        let mut types = Vec::new();
        for pattern in &settings.types {
            let matching = EventType::matching(pattern);
            if matching.is_empty() {
                let hint = "ecomres events schema lists the types; * is all";
                return Err(failed(format!("there is no type “{pattern}”"), hint));
            }
            types.extend(matching.into_iter().filter(|known| !types.contains(known)).collect::<Vec<_>>());
        }
        if types.is_empty() {
            types.extend(EventType::ALL);
        }
        Ok(Self { name: settings.name.clone(), url, types, signers })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its host, with the port where it is not the usual one: what may be shown of the address.
    pub fn host(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        self.url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// Its address, to send to.
    pub(super) fn url(&self) -> &reqwest::Url {
        &self.url
    }

    /// A digest of the address: another address is another endpoint.
    pub fn target(&self) -> String {
        hex::encode(&Sha256::digest(self.url.as_str().as_bytes())[..16])
    }

    /// Which events it gets.
    pub fn route(&self) -> EventRoute {
        EventRoute { endpoint: self.name.clone(), types: self.types.clone() }
    }

    /// The signatures of a request, one for each secret, with spaces between. `second` is when the attempt is made, in
    /// seconds since 1970.
    pub(super) fn sign(&self, id: &str, second: i64, body: &[u8]) -> String {
        // Signing fails only where the body is not UTF-8, and JSON is.
        let signatures: Vec<String> =
            self.signers.iter().filter_map(|signer| signer.sign(id, second, body).ok()).collect();
        signatures.join(" ")
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("name", &self.name).field("host", &self.host()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

    fn endpoint(url: &str, secrets: &[&str], types: &[&str]) -> Result<Endpoint, EndpointError> {
        Endpoint::new(&EndpointSettings {
            name: "erp".to_owned(),
            url: url.into(),
            secrets: secrets.iter().map(|text| SecretString::from(*text)).collect(),
            types: types.iter().map(|text| (*text).to_owned()).collect(),
        })
    }

    #[test]
    fn plain_http_stays_on_this_machine() {
        for url in [
            "https://a.example/x",
            "https://10.0.0.5:8443/x",
            "http://localhost:1/x",
            "http://127.0.0.1/",
            "http://[::1]:9/",
        ] {
            assert!(endpoint(url, &[KEY], &[]).is_ok(), "{url}");
        }
        for url in [
            "http://a.example/s3cret",
            "http://10.0.0.5/s3cret",
            "http://localhost.evil.example/s3cret",
            "http://127.0.0.1.nip.example/s3cret",
            "ftp://a.example/s3cret",
            "file:///s3cret",
            "s3cret",
            "",
        ] {
            let error = endpoint(url, &[KEY], &[]).unwrap_err();
            assert!(!error.to_string().contains("s3cret") && error.hint().is_some(), "{url}: {error}");
        }
    }

    #[test]
    fn an_endpoint_needs_a_secret_and_known_types_and_shows_neither_address_nor_secret() {
        for secrets in [&[][..], &[" "], &["whsec_c2hvcnQ="], &[KEY, "hunter2"]] {
            let error = endpoint("https://a.example/s3cret", secrets, &[]).unwrap_err().to_string();
            assert!(error.contains("secret") && !error.contains("hunter2"), "{error}");
        }
        assert!(endpoint("https://a.example", &[KEY], &["orders.*"]).is_err());
        let whole = endpoint("https://me:pass@a.example:8443/s3cret", &[KEY], &["refund.*", "refund.paid"]).unwrap();
        assert_eq!((whole.route().types.len(), whole.host().as_str()), (4, "a.example:8443"));
        let shown = format!("{whole:?}");
        assert!(!shown.contains("s3cret") && !shown.contains("pass") && !shown.contains("C2FV"), "{shown}");
    }

    #[test]
    fn the_specifications_own_example_is_signed_alike_and_every_secret_signs() {
        let body = br#"{"email":"test@example.com","username":"test_user"}"#;
        let one = endpoint("https://a.example", &[KEY], &[]).unwrap();
        let signed = one.sign("msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", 1_649_367_553, body);
        assert_eq!(signed, "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=");
        let other = SigningSecret::write(&[7; 32]);
        let two = endpoint("https://a.example", &[&other, KEY, ""], &[]).unwrap();
        let both = two.sign("msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", 1_649_367_553, body);
        assert_eq!(both.split(' ').count(), 2);
        assert!(both.ends_with(&signed), "{both}");
    }
}
