//! The contents of a webhook: messages and echoes for the inbox, statuses of messages that were sent, wishes of customers about
//! messages. Unknown fields,
//! entries and messages are skipped and counted; they never affect the rest.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::domain::identity::{NumberChange, SamePerson};
use crate::domain::ids::{MessageId, UserId, transport_phone};
use crate::domain::inbound::{Content, Context, Inbound, Media, PLACE_PARTS};
use crate::domain::opt_out::{Preference, Source};
use crate::domain::outgoing::{Identity, Receipt, Status};
use crate::domain::words::excerpt;
use crate::http::lenient;

/// The contents of one webhook.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    /// Messages of customers, in the order of the webhook.
    pub messages: Vec<Inbound>,
    /// Messages of the team to customers from another device; the customer is the `user_id`.
    pub echoes: Vec<Inbound>,
    /// Statuses of messages to customers.
    pub statuses: Vec<Status>,
    /// Wishes about messages that customers said in the settings of WhatsApp.
    pub preferences: Vec<Stated>,
    /// Customers who have another number now.
    pub number_changes: Vec<NumberChange>,
    /// Numbers and other identities that are one customer's.
    pub same: Vec<SamePerson>,
    /// How many were skipped: groups, samples, and what could not be read.
    pub passed_over: u32,
    /// How many were of numbers that are not the shop's.
    pub of_others: u32,
}

/// A customer's wish about messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stated {
    /// The customer.
    pub user_id: UserId,
    /// The wish.
    pub preference: Preference,
    /// The shop's number that it is about.
    pub number: Option<String>,
}

impl Batch {
    /// Takes away, and counts, what is of numbers that are not among `own`: an account may have several, and each
    /// webhook of the account comes here. Where Meta names no number, it is the shop's.
    pub fn keep_own(&mut self, own: &[String]) {
        let before = self.len();
        let is_own = |number: &Option<String>| number.as_ref().is_none_or(|number| own.contains(number));
        self.messages.retain(|message| is_own(&message.number));
        self.echoes.retain(|echo| is_own(&echo.number));
        self.statuses.retain(|status| is_own(&status.number));
        self.preferences.retain(|stated| is_own(&stated.number));
        // What a message says of identities goes with the message.
        let kept = |event: &MessageId| self.messages.iter().any(|message| message.id == *event);
        self.number_changes.retain(|change| kept(&change.event));
        self.same.retain(|same| kept(&same.event));
        self.of_others += u32::try_from(before - self.len()).unwrap_or(u32::MAX);
    }

    fn len(&self) -> usize {
        self.messages.len() + self.echoes.len() + self.statuses.len() + self.preferences.len()
    }
}

/// The body is not a JSON object.
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
/// When the body is not a JSON object.
pub fn read(body: &[u8], now: Timestamp) -> Result<Batch, Malformed> {
    let (root, replaced) = lenient::parse(body).map_err(|error| Malformed(error.to_string()))?;
    if replaced != lenient::Replaced::default() {
        tracing::warn!(?replaced, "parts of a webhook could not be read and were replaced; the rest is worked on");
    }
    if !root.is_object() {
        return Err(Malformed("it is no JSON object".to_owned()));
    }
    let mut batch = Batch::default();
    // The samples that the button “Test” of Meta's pages sends are of an account with this identifier.
    let (samples, entries): (Vec<&Value>, Vec<&Value>) =
        list(&root, "entry").iter().partition(|entry| text(entry, "id").is_some_and(|id| id == "0"));
    batch.passed_over += u32::try_from(samples.len()).unwrap_or(u32::MAX);
    for change in entries.into_iter().flat_map(|entry| list(entry, "changes")) {
        let value = &change["value"];
        for message in list(value, "messages") {
            match read_message(message, value, now) {
                Some(inbound) => {
                    batch.same.extend(same_person(message, value, &inbound));
                    batch.number_changes.extend(number_change(&inbound));
                    batch.messages.push(inbound);
                }
                None => batch.passed_over += 1,
            }
        }
        for echo in list(value, "message_echoes") {
            match (read_echo(echo, value, now), taken_back(echo, value, now)) {
                (Some(echo), _) => batch.echoes.push(echo),
                (None, Some(status)) => batch.statuses.push(status),
                (None, None) => batch.passed_over += 1,
            }
        }
        for status in list(value, "statuses") {
            match read_status(status, value, now) {
                Some(status) => batch.statuses.push(status),
                None => batch.passed_over += 1,
            }
        }
        for preference in list(value, "user_preferences") {
            match read_preference(preference, value, now) {
                Some(preference) => batch.preferences.push(preference),
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

/// A text field, trimmed; a number counts as text. `None` where it is empty or missing.
fn text(value: &Value, name: &str) -> Option<String> {
    let text = match value.get(name)? {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

fn text_or_empty(value: &Value, name: &str) -> String {
    text(value, name).unwrap_or_default()
}

/// The time by the channel's clock; `now` where it is missing, or more than a day ahead.
fn time(value: &Value, now: Timestamp) -> Timestamp {
    told_time(value, now).unwrap_or(now)
}

/// The time by the channel's clock; none where it is missing, or more than a day ahead.
fn told_time(value: &Value, now: Timestamp) -> Option<Timestamp> {
    let seconds = text(value, "timestamp").and_then(|text| text.parse().ok());
    let sent = seconds.and_then(|seconds| Timestamp::from_second(seconds).ok());
    let latest = now.saturating_add(SignedDuration::from_hours(24)).unwrap_or(now);
    sent.filter(|sent| *sent <= latest)
}

fn identity(text: &str) -> UserId {
    UserId::new(text.strip_prefix('+').unwrap_or(text))
}

/// The first of these fields of a message that names a person.
fn named(message: &Value, fields: &[&str]) -> Option<UserId> {
    fields.iter().find_map(|field| text(message, field)).map(|text| identity(&text))
}

/// The sender of a message: the number, else the identity of customers without a visible number.
fn sender(message: &Value, value: &Value) -> Option<UserId> {
    let contact = || match list(value, "contacts") {
        // With several, the sender is not known.
        [only] => named(only, &["wa_id", "user_id"]),
        _ => None,
    };
    named(message, &["from", "from_user_id"]).or_else(contact)
}

/// The shop's number that a webhook is about.
fn number(value: &Value) -> Option<String> {
    text(&value["metadata"], "phone_number_id")
}

/// The number and the other identity of a sender, where the message carries both.
fn same_person(message: &Value, value: &Value, inbound: &Inbound) -> Option<SamePerson> {
    let of = |part: &Value, number: &str, scoped: &str| Some((named(part, &[number])?, named(part, &[scoped])?));
    let (number, scoped) = if let Content::NumberChanged { new } = &inbound.content {
        of(&message["system"], "wa_id", "user_id").filter(|(number, _)| number == new)?
    } else {
        let contact = || match list(value, "contacts") {
            [only] => of(only, "wa_id", "user_id")
                .filter(|(number, scoped)| inbound.user_id == *number || inbound.user_id == *scoped),
            _ => None,
        };
        of(message, "from", "from_user_id").or_else(contact)?
    };
    let plain = transport_phone(&number).is_some() && transport_phone(&scoped).is_none();
    plain.then(|| SamePerson { event: inbound.id.clone(), number, scoped, at: inbound.sent_at })
}

fn number_change(inbound: &Inbound) -> Option<NumberChange> {
    let Content::NumberChanged { new } = &inbound.content else { return None };
    let old = inbound.user_id.clone();
    let numbers = transport_phone(&old).is_some() && transport_phone(new).is_some();
    let change =
        NumberChange { event: inbound.id.clone(), customer: old.clone(), old, new: new.clone(), at: inbound.sent_at };
    numbers.then_some(change)
}

fn in_group(message: &Value) -> bool {
    text(message, "group_id").is_some()
        || text(message, "recipient_type").is_some_and(|kind| kind == "group")
        || text(message, "from").is_some_and(|from| from.ends_with("@g.us"))
}

/// The message's identifier; without one, a digest of its contents, so that a redelivery has the same.
fn identifier(message: &Value) -> MessageId {
    MessageId::new(text(message, "id").unwrap_or_else(|| {
        let digest = Sha256::digest(message.to_string().as_bytes());
        format!("made-{}", hex::encode(&digest[..16]))
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
        number: number(value),
        content: content(message)?,
        context: context(message),
    })
}

/// What a message replies to, and where it was begun.
fn context(message: &Value) -> Context {
    let context = &message["context"];
    let says = |name: &str| match context.get(name) {
        Some(Value::Bool(set)) => *set,
        // A number or a text that says so: a yes is only taken where nothing does.
        Some(Value::Null) | None => false,
        Some(_) => true,
    };
    Context {
        about: text(context, "id").map(MessageId::new),
        forwarded: says("forwarded") || says("frequently_forwarded"),
        from_elsewhere: says("referred_product") || message.get("referral").is_some_and(|referral| !referral.is_null()),
    }
}

fn read_echo(echo: &Value, value: &Value, now: Timestamp) -> Option<Inbound> {
    if !echo.is_object() || in_group(echo) {
        return None;
    }
    let text = match content(echo)? {
        // Editing or deleting a message is no answer to the customer.
        Content::Edited { .. } | Content::Deleted { .. } | Content::Reaction { .. } => return None,
        content => content.transcript_text().into_owned(),
    };
    Some(Inbound {
        id: identifier(echo),
        user_id: named(echo, &["to", "to_user_id"])?,
        sent_at: time(echo, now),
        received_at: now,
        number: number(value),
        content: Content::Echo { text },
        context: Context::default(),
    })
}

/// The news of a message that the team edited or deleted from another device: what was sent stands there no longer.
fn taken_back(echo: &Value, value: &Value, now: Timestamp) -> Option<Status> {
    if !echo.is_object() || in_group(echo) {
        return None;
    }
    let (Content::Edited { original, .. } | Content::Deleted { original }) = content(echo)? else { return None };
    Some(Status {
        provider_id: original.as_str().to_owned(),
        identity: None,
        receipt: Receipt::Deleted,
        at: told_time(echo, now),
        code: None,
        error: None,
        again: false,
        number: number(value),
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
        // A button of a template: its payload is the template author's, never a choice of ours.
        "button" => match text(inside, "text").or_else(|| text(inside, "payload")) {
            Some(text) => Content::Button { text, payload: String::new() },
            None => unknown("empty button"),
        },
        "interactive" => {
            let kind = text_or_empty(inside, "type");
            let reply = inside.get(kind.as_str()).unwrap_or(&Value::Null);
            if kind == "nfm_reply" {
                return Some(form(reply));
            }
            match text(reply, "title") {
                Some(title) => Content::Button { text: title, payload: text_or_empty(reply, "id") },
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
            let names = list(message, "contacts").iter().filter_map(card);
            Content::Contacts { names: names.take(20).map(|name| excerpt(&name, 160)).collect() }
        }
        "order" => {
            let items = list(inside, "product_items");
            let products = u32::try_from(items.len()).unwrap_or(u32::MAX);
            let lines = items.iter().filter_map(cart_line).take(MOST_LINES).collect();
            Content::Order { text: text_or_empty(inside, "text"), products, lines }
        }
        "reaction" => {
            Content::Reaction { emoji: text_or_empty(inside, "emoji"), to: MessageId::new(text(inside, "message_id")?) }
        }
        "edit" => edited(inside)?,
        "revoke" => Content::Deleted { original: MessageId::new(text(inside, "original_message_id")?) },
        "system" => match text(inside, "type")?.as_str() {
            "user_changed_number" | "customer_changed_number" => {
                Content::NumberChanged { new: named(inside, &["wa_id", "new_wa_id", "user_id"])? }
            }
            // The customer's telephone was set up anew, and others: nothing was written.
            _ => return None,
        },
        // The customer opened the chat, and wrote nothing yet.
        "request_welcome" => return None,
        "unsupported" | "unknown" => {
            let error = list(message, "errors").first().unwrap_or(&Value::Null);
            let title = text(error, "title").unwrap_or_else(|| kind.clone());
            unknown(format!("{title} {}", text_or_empty(error, "code")).trim_end())
        }
        other => unknown(other),
    })
}

fn media(media: Media, inside: &Value) -> Content {
    Content::Media { media, caption: text_or_empty(inside, "caption"), file: text_or_empty(inside, "id") }
}

/// A contact card: the name, and the numbers as they were typed.
fn card(contact: &Value) -> Option<String> {
    let name = text(&contact["name"], "formatted_name");
    let numbers: Vec<String> = list(contact, "phones")
        .iter()
        .filter_map(|phone| text(phone, "phone").or_else(|| text(phone, "wa_id")))
        .take(5)
        .collect();
    match (name, numbers.is_empty()) {
        (Some(name), true) => Some(name),
        (Some(name), false) => Some(format!("{name} ({})", numbers.join(", "))),
        (None, false) => Some(numbers.join(", ")),
        (None, true) => None,
    }
}

/// The most products, or fields of a form, that are kept.
const MOST_LINES: usize = 40;

/// One product of a cart: how many, the shop's name of it, and the price of one.
fn cart_line(item: &Value) -> Option<String> {
    let name = excerpt(&text(item, "product_retailer_id")?, 100);
    let quantity = text(item, "quantity").unwrap_or_else(|| "1".to_owned());
    let price = text(item, "item_price").map(|price| format!(" at {} {}", price, text_or_empty(item, "currency")));
    Some(excerpt(format!("{quantity} × {name}{}", price.unwrap_or_default()).trim_end(), 160))
}

/// What was filled into a form: Meta sends it as JSON in a text.
fn form(reply: &Value) -> Content {
    let filled = text(reply, "response_json").and_then(|filled| serde_json::from_str::<Value>(&filled).ok());
    let shown = |value: &Value| match value {
        Value::String(text) => text.trim().to_owned(),
        other => other.to_string(),
    };
    let lines: Vec<String> = filled
        .as_ref()
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        // It identifies the form and is of no use to anybody who reads it.
        .filter(|(name, value)| *name != "flow_token" && !value.is_null())
        .map(|(name, value)| format!("{}: {}", excerpt(name, 80), excerpt(&shown(value), 500)))
        .take(MOST_LINES)
        .collect();
    if lines.is_empty() {
        Content::Form { lines: text(reply, "body").into_iter().map(|body| excerpt(&body, 500)).collect() }
    } else {
        Content::Form { lines }
    }
}

fn place(inside: &Value) -> String {
    let named = [text(inside, "name"), text(inside, "address")];
    let mut texts: Vec<String> = named.into_iter().flatten().map(|text| excerpt(&text, 200)).collect();
    if let (Some(latitude), Some(longitude)) = (text(inside, "latitude"), text(inside, "longitude")) {
        texts.push(format!("{latitude}, {longitude}"));
    }
    texts.join(PLACE_PARTS)
}

fn edited(inside: &Value) -> Option<Content> {
    let original = MessageId::new(text(inside, "original_message_id")?);
    // The new version is a message of its own, of any kind.
    let text = content(&inside["message"]).map(|new| new.text().to_owned()).unwrap_or_default();
    Some(Content::Edited { original, text })
}

fn read_preference(stated: &Value, value: &Value, now: Timestamp) -> Option<Stated> {
    if text(stated, "category").is_some_and(|category| category != "marketing_messages") {
        return None;
    }
    let stopped = match text(stated, "value")?.as_str() {
        "stop" => true,
        "resume" => false,
        _ => return None,
    };
    let of_contact = || sender(&Value::Null, value);
    let user_id = named(stated, &["wa_id", "user_id"]).or_else(of_contact)?;
    let preference = Preference { stopped, at: time(stated, now), source: Source::Channel, message: None };
    Some(Stated { user_id, preference, number: number(value) })
}

fn read_status(status: &Value, value: &Value, now: Timestamp) -> Option<Status> {
    if in_group(status) {
        return None;
    }
    let receipt = match text(status, "status")?.as_str() {
        // A voice message that was played.
        "played" => Receipt::Read,
        word => Receipt::parse(word)?,
    };
    let error = list(status, "errors").first();
    let describe = |error: &Value| {
        let what =
            text(&error["error_data"], "details").or_else(|| text(error, "message")).or_else(|| text(error, "title"));
        format!("{} ({})", what.unwrap_or_else(|| "it failed".to_owned()), text_or_empty(error, "code"))
    };
    Some(Status {
        provider_id: text(status, "id")?,
        identity: text(status, "biz_opaque_callback_data").as_deref().and_then(Identity::parse),
        receipt,
        at: told_time(status, now),
        code: error.and_then(|error| text(error, "code")).and_then(|code| code.parse().ok()),
        error: error.map(describe),
        again: false,
        number: number(value),
    })
}

#[cfg(test)]
#[path = "payload_tests.rs"]
mod tests;
