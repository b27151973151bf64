//! The templates of an account: which there are, what Meta says of them, and what has to be filled in. The token is never shown.

use std::collections::BTreeSet;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use super::error_code::ApiError;
use crate::domain::outgoing::KnownTemplate;
use crate::domain::words::excerpt;
use crate::net;

/// The timeout of one request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(8);
/// Templates of one answer, and answers that are read at most.
const AT_ONCE: u32 = 100;
const MAX_PAGES: usize = 10;

/// An account at Meta.
#[derive(Debug, Clone)]
pub struct Account {
    /// The address of the Graph API.
    pub base_url: String,
    /// Its version.
    pub version: String,
    /// The id of the account.
    pub id: String,
    /// The access token.
    pub token: SecretString,
}

impl Account {
    /// Reads its templates.
    ///
    /// # Errors
    /// Why they cannot be read, in one sentence.
    pub async fn templates(&self) -> Result<Vec<KnownTemplate>, String> {
        let http = net::client(Duration::from_secs(4), Some(REQUEST_TIMEOUT)).map_err(|error| error.to_string())?;
        let (base, version, id) = (self.base_url.trim_end_matches('/'), &self.version, &self.id);
        let url = format!("{base}/{version}/{id}/message_templates");
        let url = reqwest::Url::parse(&url).map_err(|error| format!("{url} is no address: {error}"))?;
        let mut found = Vec::new();
        let mut after: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let mut page = url.clone();
            page.query_pairs_mut()
                .append_pair("fields", "name,language,category,status,parameter_format,components")
                .append_pair("limit", &AT_ONCE.to_string());
            // The place is taken from the answer, its address is not: it holds the token.
            if let Some(after) = after.take() {
                page.query_pairs_mut().append_pair("after", &after);
            }
            let request = http.get(page).bearer_auth(self.token.expose_secret());
            let told = |error: reqwest::Error| excerpt(&net::innermost(&error.without_url()), 300);
            let answer = request.send().await.map_err(told)?;
            let status = answer.status();
            let body: Value = serde_json::from_slice(&answer.bytes().await.map_err(told)?).unwrap_or(Value::Null);
            if !status.is_success() || body.get("error").is_some() {
                return Err(format!("{} (HTTP {})", ApiError::of(&body["error"]).told(), status.as_u16()));
            }
            let data = body["data"].as_array().ok_or("the answer holds no templates")?;
            found.extend(data.iter().filter_map(read));
            let has_more = body["paging"].get("next").is_some();
            after = body["paging"]["cursors"]["after"].as_str().filter(|_| has_more).map(str::to_owned);
            if after.is_none() {
                break;
            }
        }
        found.sort_by_key(KnownTemplate::key);
        Ok(found)
    }
}

/// One template of an answer; `None` where it has no name or no text.
fn read(value: &Value) -> Option<KnownTemplate> {
    let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
    let components = value["components"].as_array()?;
    let kind = |one: &Value| one["type"].as_str().unwrap_or_default().to_ascii_uppercase();
    let body = components.iter().find(|one| kind(one) == "BODY")?;
    let written = body["text"].as_str()?.to_owned();
    let places = places(&written).filter(|_| {
        // What else would have to be filled in: a header with a place or a file, an address or a code of a button.
        let plain = |one: &Value| {
            let text = one["text"].as_str().unwrap_or_default();
            match kind(one).as_str() {
                "BODY" | "FOOTER" => true,
                "HEADER" => one["format"].as_str().is_none_or(|format| format == "TEXT") && !text.contains("{{"),
                "BUTTONS" => one["buttons"].as_array().is_some_and(|buttons| buttons.iter().all(is_plain_button)),
                _ => false,
            }
        };
        text("parameter_format") != "NAMED" && components.iter().all(plain)
    });
    let name = Some(text("name")).filter(|name| !name.is_empty())?;
    let (language, category, status) = (text("language"), text("category"), text("status"));
    Some(KnownTemplate { name, language, category, status, text: written, places })
}

fn is_plain_button(button: &Value) -> bool {
    let url = button["url"].as_str().unwrap_or_default();
    matches!(button["type"].as_str(), Some("QUICK_REPLY" | "PHONE_NUMBER" | "URL")) && !url.contains("{{")
}

/// How many places a text has; `None` where they are not numbered from one on.
fn places(text: &str) -> Option<usize> {
    let mut numbers = BTreeSet::new();
    for part in text.split("{{").skip(1) {
        numbers.insert(part.split_once("}}")?.0.trim().parse::<usize>().ok()?);
    }
    numbers.iter().copied().eq(1..=numbers.len()).then_some(numbers.len())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_template_says_what_has_to_be_filled_in() {
        let template = |components: Value| {
            read(
                &json!({"name": "late", "language": "en", "category": "UTILITY", "status": "APPROVED", "components": components}),
            )
        };
        let body = |text: &str| json!({"type": "BODY", "text": text});
        let known =
            template(json!([body("Dear {{1}}, {{2}} is late, {{1}}."), {"type": "FOOTER", "text": "The shop"}]))
                .unwrap();
        assert_eq!((known.places, known.is_ready(), known.key().as_str()), (Some(2), true, "late en"));
        let values = ["Mia {{2}}".to_owned(), "#1001".to_owned()];
        assert_eq!(known.text_with(&values), "Dear Mia {{2}}, #1001 is late, Mia {{2}}.");
        assert_eq!(template(json!([body("Hello.")])).unwrap().places, Some(0));
        let buttons = |button: Value| json!([body("Hello."), {"type": "BUTTONS", "buttons": [button]}]);
        assert_eq!(template(buttons(json!({"type": "QUICK_REPLY", "text": "Yes"}))).unwrap().places, Some(0));
        for more in [
            buttons(json!({"type": "URL", "url": "https://shop.example/{{1}}"})),
            buttons(json!({"type": "COPY_CODE"})),
            json!([body("Hello."), {"type": "HEADER", "format": "IMAGE"}]),
            json!([body("Hello."), {"type": "HEADER", "format": "TEXT", "text": "For {{1}}"}]),
            json!([body("Hello {{name}}.")]),
            json!([body("Hello {{2}}.")]),
        ] {
            let known = template(more.clone()).unwrap();
            assert!(known.places.is_none() && !known.is_ready(), "{more}");
        }
        assert_eq!(template(json!([{"type": "FOOTER", "text": "no body"}])), None);
    }
}
