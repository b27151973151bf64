//! The resources: orders, conversations and the refund policy as JSON. They are read through the tools, which write each
//! access to the audit trail.

use rmcp::model::{CacheScope, ErrorData, ReadResourceResult, Resource, ResourceContents, ResourceTemplate};
use serde_json::json;

use crate::domain::words::excerpt;
use crate::tools::{Context, RecordError, RecordName, Toolbox};

const SCHEME: &str = "ecomres://";
const POLICY: &str = "ecomres://policy/refund";
const JSON: &str = "application/json";

/// The resources with a fixed address.
pub(super) fn list() -> Vec<Resource> {
    vec![
        Resource::new(POLICY, "refund_policy")
            .with_title("Refund policy")
            .with_description("The rules about refunds that hold now: categories, fee, limit, window, arrival.")
            .with_mime_type(JSON),
    ]
}

/// The resources whose address holds a name.
pub(super) fn templates() -> Vec<ResourceTemplate> {
    vec![
        ResourceTemplate::new("ecomres://orders/{id}", "order")
            .with_title("An order")
            .with_description("The order under its column names, by its id; signs such as # are written as %23.")
            .with_mime_type(JSON),
        ResourceTemplate::new("ecomres://conversations/{user}", "conversation")
            .with_title("A conversation")
            .with_description("What a customer and the shop said to each other last, by the customer's id.")
            .with_mime_type(JSON),
    ]
}

/// The record that an address names.
fn name_of(uri: &str) -> Option<RecordName> {
    if uri == POLICY {
        return Some(RecordName::RefundPolicy);
    }
    let (kind, name) = uri.strip_prefix(SCHEME)?.split_once('/')?;
    let name = decode(name).filter(|name| !name.trim().is_empty())?;
    match kind {
        "orders" => Some(RecordName::Order(name)),
        "conversations" => Some(RecordName::Conversation(name)),
        _ => None,
    }
}

/// Decodes percent signs (RFC 3986, section 2.1); `None` where that is malformed. Not `form_urlencoded`: in a path `+` is
/// itself, and a malformed escape names nothing.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        if *first == b'%' {
            bytes.extend(hex::decode(tail.get(..2)?).ok()?);
            rest = &tail[2..];
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).ok()
}

/// Reads a resource.
///
/// # Errors
/// Not found for an address that names nothing; the reason for one that is wrong.
pub(super) async fn read(toolbox: &Toolbox, uri: &str, context: &Context) -> Result<ReadResourceResult, ErrorData> {
    let missing = || {
        ErrorData::resource_not_found(format!("there is no resource {}", excerpt(uri, 200)), Some(json!({"uri": uri})))
    };
    let name = name_of(uri).ok_or_else(missing)?;
    match toolbox.read_record(context, &name).await {
        Ok(record) => {
            let text = serde_json::to_string_pretty(&record).unwrap_or_default();
            let contents = ResourceContents::text(text, uri).with_mime_type(JSON);
            // Orders and conversations change and are about one person: no cache in between may store them.
            Ok(ReadResourceResult::new(vec![contents]).with_ttl_ms(0).with_cache_scope(CacheScope::Private))
        }
        Err(RecordError::NotFound) => Err(missing()),
        Err(RecordError::Wrong(why)) => Err(ErrorData::invalid_params(why, Some(json!({"uri": uri})))),
        Err(RecordError::Failed) => Err(ErrorData::internal_error("the record cannot be read now", None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_name_records() {
        assert_eq!(name_of("ecomres://policy/refund"), Some(RecordName::RefundPolicy));
        assert_eq!(name_of("ecomres://orders/ORD000003"), Some(RecordName::Order("ORD000003".into())));
        assert_eq!(name_of("ecomres://conversations/a%20b%2Fc"), Some(RecordName::Conversation("a b/c".into())));
        for wrong in [
            "",
            "ecomres://",
            "ecomres://orders/",
            "ecomres://orders/%zz",
            "ecomres://orders/%f",
            "ecomres://orders/%ff",
            "ecomres://orders/%+f",
            "file:///etc/passwd",
            "ecomres://policy/other",
            "ecomres://other/x",
        ] {
            assert_eq!(name_of(wrong), None, "{wrong}");
        }
    }
}
