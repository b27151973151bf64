//! Where events of the shop are delivered, in the settings. Neither secrets nor addresses are shown: an address may be a secret
//! itself.

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use toml::Value;

use crate::domain::event::{EventType, SigningSecret};

/// The name of the endpoint that `[events] url` sets.
pub const FIRST_ENDPOINT: &str = "shop";

/// The `events` section.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventsConfig {
    /// The address of the first endpoint; empty: none.
    pub url: SecretString,
    /// The secret of every endpoint that has none of its own; empty: none.
    pub secret: SecretString,
    /// The secret before, with which deliveries are signed as well; empty: none.
    pub previous_secret: SecretString,
    /// The types that the first endpoint gets.
    pub types: Vec<String>,
    /// Whether payloads hold the customer's identity.
    pub customer_identity: bool,
    /// Seconds that an endpoint may take to answer.
    pub timeout_seconds: u32,
    /// Further endpoints.
    pub endpoints: Vec<EndpointConfig>,
}

/// An endpoint, one `[[events.endpoints]]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndpointConfig {
    /// Its name.
    pub name: String,
    /// Its address.
    pub url: SecretString,
    /// Its secret; empty: that of the section.
    #[serde(default)]
    pub secret: SecretString,
    /// The secret before; empty: none, or that of the section where the secret is.
    #[serde(default)]
    pub previous_secret: SecretString,
    /// The types that it gets; empty: all.
    #[serde(default)]
    pub types: Vec<String>,
}

impl EventsConfig {
    /// Whether there is an endpoint.
    pub fn is_on(&self) -> bool {
        !self.url.expose_secret().trim().is_empty() || !self.endpoints.is_empty()
    }

    /// All endpoints, each with the secrets that hold for it.
    pub fn all_endpoints(&self) -> Vec<EndpointConfig> {
        let first = EndpointConfig {
            name: FIRST_ENDPOINT.to_owned(),
            url: self.url.clone(),
            secret: SecretString::default(),
            previous_secret: SecretString::default(),
            types: self.types.clone(),
        };
        let first = Some(first).filter(|first| !first.url.expose_secret().trim().is_empty());
        let mut endpoints: Vec<EndpointConfig> = first.into_iter().chain(self.endpoints.iter().cloned()).collect();
        for endpoint in &mut endpoints {
            if endpoint.secret.expose_secret().trim().is_empty() {
                endpoint.secret = self.secret.clone();
                if endpoint.previous_secret.expose_secret().trim().is_empty() {
                    endpoint.previous_secret = self.previous_secret.clone();
                }
            }
        }
        endpoints
    }
}

/// Checks a secret, which may be empty. The error completes “the setting …”.
pub(super) fn check_secret(text: &str) -> Result<(), String> {
    if text.trim().is_empty() {
        return Ok(());
    }
    let read = SigningSecret::parse(text).map(drop);
    read.map_err(|why| format!("cannot be used as a secret: {why}; ecomres events secret makes one"))
}

/// Checks the name of a type or of a group of types. The error completes “the setting …”.
pub(super) fn check_type(name: &str) -> Result<(), String> {
    if !EventType::matching(name).is_empty() {
        return Ok(());
    }
    let known = EventType::ALL.map(EventType::as_str);
    let suggestion = super::setting::suggestion(name, known.iter().map(|known| (*known).to_owned()));
    let name = crate::domain::words::excerpt(name, 60);
    Err(format!(
        "names the type “{name}”, which there is not{suggestion}; there are: {}, and * for all",
        known.join(", ")
    ))
}

const KEYS: [&str; 5] = ["name", "url", "secret", "previous_secret", "types"];

/// Checks the endpoints of a settings file. The error completes “events.endpoints …”.
pub(super) fn check(endpoints: &[Value]) -> Result<(), String> {
    let mut names = vec![FIRST_ENDPOINT];
    for (index, endpoint) in endpoints.iter().enumerate() {
        let wrong = |why: String| format!("number {}: {why}", index + 1);
        let endpoint =
            endpoint.as_table().ok_or_else(|| wrong("it must be a section [[events.endpoints]]".to_owned()))?;
        if let Some(unknown) = endpoint.keys().find(|key| !KEYS.contains(&key.as_str())) {
            return Err(wrong(format!("there is no “{unknown}”; there are: {}", KEYS.join(", "))));
        }
        let text = |key: &str| match endpoint.get(key) {
            None => Ok(""),
            Some(Value::String(text)) => Ok(text.trim()),
            Some(_) => Err(wrong(format!("{key} must be text in quotes"))),
        };
        let name = text("name")?;
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if name.is_empty() || name.len() > 40 || !name.chars().all(plain) {
            return Err(wrong("name must be 1 to 40 letters, digits, _ or -".to_owned()));
        }
        if names.contains(&name) {
            let reserved = if name == FIRST_ENDPOINT { ": that of [events] url" } else { "" };
            return Err(wrong(format!("there is another endpoint of the name {name}{reserved}")));
        }
        names.push(name);
        if text("url")?.is_empty() {
            return Err(wrong(format!("{name} needs a url")));
        }
        for key in ["secret", "previous_secret"] {
            check_secret(text(key)?).map_err(|why| wrong(format!("{key} of {name} {why}")))?;
        }
        let types = match endpoint.get("types") {
            None => &[][..],
            Some(Value::Array(types)) => types,
            Some(_) => return Err(wrong(format!("types of {name} must be a list such as [\"refund.*\"]"))),
        };
        for known in types {
            let known = known.as_str().ok_or_else(|| wrong(format!("types of {name} must be texts in quotes")))?;
            check_type(known).map_err(|why| wrong(format!("{name} {why}")))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

    #[test]
    fn wrong_endpoints_are_named_without_their_secrets() {
        let checked = |toml: &str| check(toml::from_str::<toml::Table>(toml).unwrap()["endpoints"].as_array().unwrap());
        let whole = format!(
            "[[endpoints]]\nname = 'erp'\nurl = 'https://a.example/h1dden'\nsecret = '{SECRET}'\ntypes = ['refund.*']\n"
        );
        assert_eq!(checked(&whole), Ok(()));
        for (toml, expected) in [
            ("endpoints = ['x']", "number 1: it must be a section"),
            (&whole.replace("secret", "key"), "there is no “key”"),
            (&whole.replace("erp", "a b"), "name must be"),
            (&whole.replace("erp", "shop"), "another endpoint of the name shop: that of [events] url"),
            (&whole.replace("https://a.example/h1dden", " "), "erp needs a url"),
            (&whole.replace(SECRET, "whsec_c2hvcnQ="), "secret of erp cannot be used as a secret: it has 5 bytes"),
            (&whole.replace("whsec_", "sk_"), "it does not begin with whsec_"),
            (
                &whole.replace("refund.*", "refund.payd"),
                "“refund.payd”, which there is not; did you mean “refund.paid”?",
            ),
            (&whole.replace("['refund.*']", "'refund.*'"), "types of erp must be a list"),
            (&whole.replace("'refund.*'", "5"), "types of erp must be texts"),
            (&format!("{whole}{whole}"), "number 2: there is another endpoint of the name erp"),
        ] {
            let error = checked(toml).unwrap_err();
            assert!(error.contains(expected) && !error.contains("C2FVsBQ") && !error.contains("h1dden"), "{error}");
        }
    }

    #[test]
    fn an_endpoint_without_a_secret_has_that_of_the_section() {
        let config: EventsConfig = toml::from_str(
            "url = 'https://a.example'\nsecret = 'one'\nprevious_secret = 'zero'\ntypes = ['*']\ncustomer_identity = false\n\
             timeout_seconds = 20\n[[endpoints]]\nname = 'b'\nurl = 'https://b.example'\nsecret = 'two'\n\
             [[endpoints]]\nname = 'c'\nurl = 'https://c.example'\n",
        )
        .unwrap();
        let all = config.all_endpoints();
        let shown: Vec<_> = all
            .iter()
            .map(|one| (one.name.as_str(), one.secret.expose_secret(), one.previous_secret.expose_secret()))
            .collect();
        assert_eq!(shown, [("shop", "one", "zero"), ("b", "two", ""), ("c", "one", "zero")]);
        assert!(config.is_on() && !format!("{config:?}").contains("example"));
    }
}
