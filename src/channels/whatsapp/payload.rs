//! Decides what a webhook holds: messages and echoes for the inbox, news of messages that were sent.
//!
//! It must never let what it does not know spoil the rest: an odd field, entry or message is passed over, and counted.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::wire;
use crate::domain::ids::{MessageId, UserId};
use crate::domain::inbound::{Content, Inbound, Media};
use crate::domain::outgoing::{Identity, Receipt, Status};
use crate::domain::words::excerpt;

/// What one webhook holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    /// What customers sent, in the order of the webhook.
    pub messages: Vec<Inbound>,
    /// What the team wrote to customers from another device; the customer is the `user_id`.
    pub echoes: Vec<Inbound>,
    /// News of messages to customers.
    pub statuses: Vec<Status>,
    /// What was passed over: groups, and what could not be read.
    pub passed_over: u32,
}

/// The body is no JSON object.
#[derive(Debug, thiserror::Error)]
#[error("the webhook cannot be read: {0}")]
pub struct Malformed(String);

impl Malformed {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        Some("whoever knows APP_SECRET sends something else than webhooks".to_owned())
    }
}

/// Reads a webhook that arrived at `now`.
///
/// # Errors
/// When the body is no JSON object.
pub fn read(body: &[u8], now: Timestamp) -> Result<Batch, Malformed> {
    let root: Value = serde_json::from_slice(body).map_err(|error| Malformed(error.to_string()))?;
    if !root.is_object() {
        return Err(Malformed("it is no JSON object".to_owned()));
    }
    let mut batch = Batch::default();
    for change in list(&root, "entry").iter().flat_map(|entry| list(entry, "changes")) {
        let value = &change["value"];
        for message in list(value, "messages") {
            match read_message(message, value, now) {
                Some(message) => batch.messages.push(message),
                None => batch.passed_over += 1,
            }
        }
        for echo in list(value, "message_echoes") {
            match read_echo(echo, now) {
                Some(echo) => batch.echoes.push(echo),
                None => batch.passed_over += 1,
            }
        }
        for status in list(value, "statuses") {
            match read_status(status, now) {
                Some(status) => batch.statuses.push(status),
                None => batch.passed_over += 1,
            }
        }
        batch.passed_over += u32::try_from(list(value, "groups").len()).unwrap_or(u32::MAX);
    }
    Ok(batch)
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A field that is text, or a number where somebody wrote one instead; `None` where there is nothing in it.
fn text(value: &Value, name: &str) -> Option<String> {
    let text = match value.get(name)? {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

fn words(value: &Value, name: &str) -> String {
    text(value, name).unwrap_or_default()
}

/// When something happened, by the channel's clock; ours where it gives none, or one that cannot be.
fn time(value: &Value, now: Timestamp) -> Timestamp {
    let seconds = text(value, "timestamp").and_then(|text| text.parse().ok());
    let sent = seconds.and_then(|seconds| Timestamp::from_second(seconds).ok());
    let latest = now.saturating_add(SignedDuration::from_hours(24)).unwrap_or(now);
    sent.filter(|sent| *sent <= latest).unwrap_or(now)
}

fn identity(text: String) -> UserId {
    UserId::new(text.strip_prefix('+').unwrap_or(&text))
}

/// The first of these fields of a message that names somebody.
fn named(message: &Value, fields: &[&str]) -> Option<UserId> {
    fields.iter().find_map(|field| text(message, field)).map(identity)
}

/// Who sent a message: by number, else by the identity that customers without a visible number have.
fn sender(message: &Value, value: &Value) -> Option<UserId> {
    let contact = || match list(value, "contacts") {
        // With several, it is not known whose this is.
        [only] => named(only, &["wa_id", "user_id"]),
        _ => None,
    };
    named(message, &["from", "from_user_id"]).or_else(contact)
}

fn in_group(message: &Value) -> bool {
    text(message, "group_id").is_some()
        || text(message, "recipient_type").is_some_and(|kind| kind == "group")
        || text(message, "from").is_some_and(|from| from.ends_with("@g.us"))
}

/// The message's identifier; one made of what it holds where it has none, so that a redelivery has the same.
fn identifier(message: &Value) -> MessageId {
    MessageId::new(text(message, "id").unwrap_or_else(|| {
        let digest = Sha256::digest(message.to_string().as_bytes());
        let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        format!("made-{hex}")
    }))
}

fn read_message(message: &Value, value: &Value, now: Timestamp) -> Option<Inbound> {
    if !message.is_object() || in_group(message) {
        return None;
    }
    Some(Inbound {
        id: identifier(message),
        user_id: sender(message, value)?,
        sent_at: time(message, now),
        received_at: now,
        content: content(message)?,
    })
}

fn read_echo(echo: &Value, now: Timestamp) -> Option<Inbound> {
    if !echo.is_object() || in_group(echo) {
        return None;
    }
    let said = match content(echo)? {
        // Tidying up is no answer.
        Content::Edited { .. } | Content::Deleted { .. } | Content::Reaction { .. } => return None,
        content => content.told().into_owned(),
    };
    Some(Inbound {
        id: identifier(echo),
        user_id: named(echo, &["to", "to_user_id"])?,
        sent_at: time(echo, now),
        received_at: now,
        content: Content::Echo { text: said },
    })
}

fn content(message: &Value) -> Option<Content> {
    let kind = text(message, "type").unwrap_or_else(|| "unknown".to_owned());
    let inside = message.get(kind.as_str()).unwrap_or(&Value::Null);
    let unknown = |what: &str| Content::Unsupported { what: excerpt(what, 80) };
    Some(match kind.as_str() {
        "text" => match text(inside, "body") {
            Some(text) => Content::Text { text },
            None => unknown("empty text"),
        },
        // A button of a template: it carries what the template's author wrote, never a quote.
        "button" => match text(inside, "text").or_else(|| text(inside, "payload")) {
            Some(text) => Content::Text { text },
            None => unknown("empty button"),
        },
        "interactive" => {
            let kind = words(inside, "type");
            let reply = inside.get(kind.as_str()).unwrap_or(&Value::Null);
            match text(reply, "title") {
                Some(title) => wire::chosen(&words(reply, "id"), &title),
                None => unknown(&format!("interactive {kind}")),
            }
        }
        "image" => media(Media::Image, inside),
        "video" => media(Media::Video, inside),
        "audio" | "voice" => media(Media::Audio, inside),
        "document" => media(Media::Document, inside),
        "sticker" => media(Media::Sticker, inside),
        "location" => Content::Location { place: place(inside) },
        "contacts" => {
            let names = list(message, "contacts").iter().filter_map(|contact| text(&contact["name"], "formatted_name"));
            Content::Contacts { names: names.take(20).map(|name| excerpt(&name, 80)).collect() }
        }
        "order" => {
            let products = u32::try_from(list(inside, "product_items").len()).unwrap_or(u32::MAX);
            Content::Order { text: words(inside, "text"), products }
        }
        "reaction" => {
            Content::Reaction { emoji: words(inside, "emoji"), to: MessageId::new(text(inside, "message_id")?) }
        }
        "edit" => edited(inside)?,
        "revoke" => Content::Deleted { original: MessageId::new(text(inside, "original_message_id")?) },
        "system" => Content::NumberChanged { new: named(inside, &["wa_id", "new_wa_id", "user_id"])? },
        // Somebody opened the chat, and wrote nothing yet.
        "request_welcome" => return None,
        "unsupported" | "unknown" => {
            let error = list(message, "errors").first().unwrap_or(&Value::Null);
            let title = text(error, "title").unwrap_or_else(|| kind.clone());
            unknown(format!("{title} {}", words(error, "code")).trim_end())
        }
        other => unknown(other),
    })
}

fn media(media: Media, inside: &Value) -> Content {
    Content::Media { media, caption: words(inside, "caption"), file: words(inside, "id") }
}

fn place(inside: &Value) -> String {
    let named = [text(inside, "name"), text(inside, "address")];
    let mut parts: Vec<String> = named.into_iter().flatten().map(|part| excerpt(&part, 200)).collect();
    if let (Some(latitude), Some(longitude)) = (text(inside, "latitude"), text(inside, "longitude")) {
        parts.push(format!("{latitude}, {longitude}"));
    }
    parts.join("; ")
}

fn edited(inside: &Value) -> Option<Content> {
    let original = MessageId::new(text(inside, "original_message_id")?);
    // The new version is a message of its own, of any kind.
    let text = content(&inside["message"]).map(|new| new.text().to_owned()).unwrap_or_default();
    Some(Content::Edited { original, text })
}

fn read_status(status: &Value, now: Timestamp) -> Option<Status> {
    if in_group(status) {
        return None;
    }
    let receipt = match text(status, "status")?.as_str() {
        // A recording that was listened to.
        "played" => Receipt::Read,
        word => Receipt::parse(word)?,
    };
    let error = list(status, "errors").first();
    let told = |error: &Value| {
        let what =
            text(&error["error_data"], "details").or_else(|| text(error, "message")).or_else(|| text(error, "title"));
        format!("{} ({})", what.unwrap_or_else(|| "it failed".to_owned()), words(error, "code"))
    };
    Some(Status {
        provider_id: text(status, "id")?,
        identity: text(status, "biz_opaque_callback_data").as_deref().and_then(Identity::parse),
        receipt,
        at: time(status, now),
        code: error.and_then(|error| text(error, "code")).and_then(|code| code.parse().ok()),
        error: error.map(told),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn now() -> Timestamp {
        "2026-06-01T10:00:00Z".parse().unwrap()
    }

    fn webhook(value: &Value) -> Vec<u8> {
        json!({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}]})
            .to_string()
            .into_bytes()
    }

    fn one(message: &Value) -> Option<Content> {
        let value = json!({"contacts": [{"wa_id": "9198"}], "messages": [message]});
        read(&webhook(&value), now()).unwrap().messages.pop().map(|message| message.content)
    }

    fn of(kind: &str, inside: &Value) -> Option<Content> {
        one(&json!({"from": "9198", "id": "m", "timestamp": "1780000000", "type": kind, kind: inside}))
    }

    #[test]
    fn every_kind_of_message() {
        let said = |text: &str| Some(Content::Text { text: text.into() });
        assert_eq!(of("text", &json!({"body": "hi"})), said("hi"));
        assert_eq!(of("button", &json!({"payload": "P", "text": "Stop"})), said("Stop"));
        let pressed = json!({"type": "button_reply", "button_reply": {"id": "yes:q1", "title": "Yes, refund"}});
        assert_eq!(
            of("interactive", &pressed),
            Some(Content::Button { text: "Yes, refund".into(), payload: "q1".into() })
        );
        let row =
            json!({"type": "list_reply", "list_reply": {"id": "priority", "title": "Express", "description": "d"}});
        assert_eq!(of("interactive", &row), said("Express"));
        for (kind, media) in [
            ("image", Media::Image),
            ("video", Media::Video),
            ("audio", Media::Audio),
            ("voice", Media::Audio),
            ("document", Media::Document),
            ("sticker", Media::Sticker),
        ] {
            let expected = Content::Media { media, caption: "torn".into(), file: "9".into() };
            assert_eq!(of(kind, &json!({"id": "9", "caption": "torn"})), Some(expected));
        }
        let place = json!({"latitude": 37.5, "longitude": -122, "name": "Shop"});
        assert_eq!(of("location", &place), Some(Content::Location { place: "Shop; 37.5, -122".into() }));
        let contacts = of("contacts", &json!([{"name": {"formatted_name": "Lucía"}}, {}]));
        assert_eq!(contacts, Some(Content::Contacts { names: vec!["Lucía".into()] }));
        let order = of("order", &json!({"text": "", "product_items": [{}, {}]}));
        assert_eq!(order, Some(Content::Order { text: String::new(), products: 2 }));
        let reaction = of("reaction", &json!({"message_id": "w", "emoji": "👍"}));
        assert_eq!(reaction, Some(Content::Reaction { emoji: "👍".into(), to: MessageId::new("w") }));
        let edit = json!({"original_message_id": "w", "message": {"type": "text", "text": {"body": "new"}}});
        assert_eq!(of("edit", &edit), Some(Content::Edited { original: MessageId::new("w"), text: "new".into() }));
        let deleted = of("revoke", &json!({"original_message_id": "w"}));
        assert_eq!(deleted, Some(Content::Deleted { original: MessageId::new("w") }));
        let system = of("system", &json!({"body": "…", "wa_id": "1219", "type": "user_changed_number"}));
        assert_eq!(system, Some(Content::NumberChanged { new: UserId::new("1219") }));
        assert_eq!(of("poll", &json!({})), Some(Content::Unsupported { what: "poll".into() }));
        assert_eq!(of("request_welcome", &json!({})), None);
    }

    #[test]
    fn a_customer_without_a_number_is_known_by_another_identity() {
        let value = json!({
            "contacts": [{"profile": {"name": "J"}, "user_id": "CO.1"}],
            "messages": [{"from_user_id": "CO.1", "id": "a", "type": "text", "text": {"body": "hi"}},
                         {"id": "b", "type": "text", "text": {"body": "hi"}}],
        });
        let read = read(&webhook(&value), now()).unwrap();
        assert!(read.messages.len() == 2 && read.messages.iter().all(|message| message.user_id == UserId::new("CO.1")));
        assert_eq!(read.messages[0].sent_at, now(), "ours where it has no time");
    }

    #[test]
    fn groups_are_passed_over_and_the_rest_of_the_batch_is_not() {
        let good = json!({"from": "+9198", "id": "good", "type": "text", "text": {"body": "hi"}});
        let value = json!({
            "messages": [{"from": "9198", "group_id": "g", "id": "a", "type": "text", "text": {"body": "hi"}}, 7, good.clone(), null, {}],
            "statuses": [{"id": "s", "status": "brand-new"}, {"id": "s", "status": "read", "group_id": "g"}, {"id": "s", "status": "read"}],
        });
        let whole =
            json!({"entry": [5, {"changes": "no"}, {"changes": [{"value": value}, {"value": {"messages": [good]}}]}]});
        let batch = read(whole.to_string().as_bytes(), now()).unwrap();
        let ids: Vec<_> =
            batch.messages.iter().map(|message| (message.id.as_str(), message.user_id.as_str())).collect();
        assert_eq!(ids, [("good", "9198"), ("good", "9198")]);
        assert_eq!((batch.statuses.len(), batch.passed_over), (1, 6));
    }

    #[test]
    fn what_a_person_wrote_is_an_echo_and_tidying_up_is_none() {
        let value = json!({"message_echoes": [
            {"from": "1555", "to": "9198", "id": "e", "timestamp": "1780000000", "type": "text", "text": {"body": "I'll see"}},
            {"from": "1555", "to": "9198", "id": "f", "type": "revoke", "revoke": {"original_message_id": "e"}},
        ]});
        let batch = read(&webhook(&value), now()).unwrap();
        assert_eq!((batch.echoes.len(), batch.passed_over, batch.messages.len()), (1, 1, 0));
        assert_eq!(batch.echoes[0].user_id, UserId::new("9198"));
        assert_eq!(batch.echoes[0].content, Content::Echo { text: "I'll see".into() });
    }

    #[test]
    fn news_names_its_message_and_says_what_failed() {
        let value = json!({"statuses": [{
            "id": "wamid.1", "status": "failed", "timestamp": 1_780_000_000, "recipient_id": "9198",
            "biz_opaque_callback_data": "ecomres:3:0:9198",
            "errors": [{"code": 131_047, "title": "t", "error_data": {"details": "More than 24 hours"}}],
        }]});
        let status = read(&webhook(&value), now()).unwrap().statuses.remove(0);
        assert_eq!((status.receipt, status.code), (Receipt::Failed, Some(131_047)));
        assert_eq!(status.error.as_deref(), Some("More than 24 hours (131047)"));
        assert_eq!(status.identity.unwrap().turn, 3);
    }

    #[test]
    fn a_message_without_an_identifier_has_the_same_one_again() {
        let value =
            json!({"messages": [{"from": "9198", "timestamp": "1780000000", "type": "text", "text": {"body": "hi"}}]});
        let read = || read(&webhook(&value), now()).unwrap().messages.remove(0).id;
        assert_eq!(read(), read());
        assert!(read().as_str().starts_with("made-"));
    }

    fn anything() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".{0,12}".prop_map(Value::from),
            prop_oneof!["text", "image", "interactive", "edit", "button_reply", "failed", "9198"].prop_map(Value::from),
        ];
        let name = prop_oneof![
            "entry",
            "changes",
            "value",
            "messages",
            "statuses",
            "message_echoes",
            "contacts",
            "type",
            "text",
            "body",
            "from",
            "to",
            "id",
            "timestamp",
            "interactive",
            "button_reply",
            "title",
            "edit",
            "message",
            "errors",
            "status",
        ];
        leaf.prop_recursive(7, 200, 6, move |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                proptest::collection::vec((name.clone(), inner), 0..6)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn anything_may_come(body in proptest::collection::vec(any::<u8>(), 0..200), value in anything()) {
            let _ = read(&body, now());
            prop_assert_eq!(read(value.to_string().as_bytes(), now()).is_ok(), value.is_object());
        }

        #[test]
        fn a_good_message_is_read_whatever_stands_beside_it(odd in anything(), odder in anything(), place in 0..3_usize) {
            let mut messages = vec![odd, odder.clone()];
            messages.insert(place.min(2), json!({"from": "9198", "id": "good", "type": "text", "text": {"body": "hi"}, "new": odder}));
            let batch = read(&webhook(&json!({"messages": messages, "statuses": odder, "contacts": odder})), now()).unwrap();
            prop_assert!(batch.messages.iter().any(|message| message.id.as_str() == "good"));
        }
    }
}
