//! Documents that cannot be read: each is passed over and named, and never spoils a list, a report or a page.
//!
//! Other programs write into the same database, and an import by hand leaves NaN, null or another type where a value
//! should be. A document that is asked for by its key is an error of that one call; among many it is passed over.

use std::time::{Duration, Instant};

use futures_util::TryStreamExt as _;
use mongodb::bson::{Bson, Document, doc};

use super::super::error::is_first;
use super::error::BackendError;
use super::order_documents::check_order;
use super::schema::{
    ACTIONS, ALERTS, CHATS, CONVERSATIONS, CORRECTIONS, DRAFTS, HISTORY, INBOX, KNOWLEDGE_GAPS, MEDIA, NOTES, ORDERS,
    OUTBOX, PINS, QUOTES, RATINGS, REFUNDS,
};
use super::{Base, actions, chats, corrections, desk, inbox, knowledge_gaps, ledger, media, outbox, ratings};
use crate::domain::ids::UserId;

type Read<T> = Result<T, BackendError>;

/// How long `doctor` searches.
const SEARCH: Duration = Duration::from_secs(30);

/// What a document holds; `None` where it cannot be read, which is logged once for each document.
pub(super) fn readable<T>(read: Read<T>, collection: &'static str, document: &Document) -> Option<T> {
    let error = match read {
        Ok(value) => return Some(value),
        Err(error) => error,
    };
    let name = format!("{collection} {}", name(document));
    if is_first(&name) {
        tracing::warn!(document = name, reason = reason(&error), "a document cannot be read: it is passed over");
    }
    None
}

/// Names a field that cannot be read, once for each document: the rest of the document counts.
pub(super) fn passed_over(collection: &'static str, document: &Document, field: &'static str) {
    let name = format!("{collection} {}", name(document));
    if is_first(&format!("{name} {field}")) {
        tracing::warn!(document = name, field, "a value cannot be read: it is passed over");
    }
}

/// What documents hold, without those that cannot be read.
pub(super) fn all_readable<T>(
    documents: &[Document],
    collection: &'static str,
    read: impl Fn(&Document) -> Read<T>,
) -> Vec<T> {
    documents.iter().filter_map(|document| readable(read(document), collection, document)).collect()
}

fn reason(error: &BackendError) -> String {
    match error {
        BackendError::Content(reason) => reason.clone(),
        _ => "it cannot be read".to_owned(),
    }
}

/// A document's key as it may be logged: one that begins with a customer's number tells only its end.
fn name(document: &Document) -> String {
    match document.get("_id") {
        Some(Bson::ObjectId(id)) => id.to_hex(),
        Some(Bson::String(id)) => match id.split_once('/') {
            Some((user, rest)) => format!("{}/{rest}", UserId::new(user).masked()),
            None if id.chars().filter(char::is_ascii_digit).count() >= 8 => UserId::new(id.as_str()).masked(),
            None => id.clone(),
        },
        Some(other) => other.to_string(),
        None => "without a key".to_owned(),
    }
}

/// The documents that cannot be read, in words, by collection. Where there are very many documents, not all are looked
/// at.
pub(super) async fn find_all(base: &Base) -> Read<Vec<String>> {
    type Reader = fn(&Base, &Document) -> Read<()>;
    let readers: [(&'static str, Reader); 17] = [
        (ORDERS, |_, document| check_order(document)),
        (CHATS, |base, document| base.message(document).map(drop)),
        (HISTORY, |base, document| base.message(document).map(drop)),
        (CONVERSATIONS, |_, document| chats::read_conversation(document).map(drop)),
        (ALERTS, |base, document| base.alert(document).map(drop)),
        (CORRECTIONS, |_, document| corrections::read(document).map(drop)),
        (KNOWLEDGE_GAPS, |_, document| knowledge_gaps::read(document).map(drop)),
        (DRAFTS, |_, document| desk::read_draft(document).map(drop)),
        (NOTES, |_, document| desk::read_note(document).map(drop)),
        (RATINGS, |_, document| ratings::read(document).map(drop)),
        (PINS, |_, document| desk::read_pin(document).map(drop)),
        (MEDIA, |_, document| media::read(document).map(drop)),
        (INBOX, |_, document| inbox::read_inbound(document).map(drop)),
        (OUTBOX, |_, document| outbox::read(document).map(drop)),
        (QUOTES, |_, document| ledger::read_quote(document).map(drop)),
        (REFUNDS, |_, document| ledger::read_refund(document).map(drop)),
        (ACTIONS, |_, document| actions::check(document)),
    ];
    let begun = Instant::now();
    let mut told = Vec::new();
    for (collection, read) in readers {
        let (mut odd, mut first) = (0_u64, None);
        let mut found = base.collection(collection).find(doc! {}).batch_size(10_000).await?;
        while begun.elapsed() < SEARCH
            && let Some(document) = found.try_next().await?
        {
            if let Err(error) = read(base, &document) {
                odd += 1;
                first.get_or_insert_with(|| format!("{}: {}", name(&document), reason(&error)));
            }
        }
        if let Some(first) = first {
            told.push(format!("{odd} in {collection}, such as {first}"));
        }
    }
    Ok(told)
}
