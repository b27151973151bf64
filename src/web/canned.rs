//! Canned replies: texts of the settings with fields, filled in with what is known of a conversation.

use maud::{Markup, html};

use super::{Inner, PageError};
use crate::domain::desk::EntryKind;

/// A text that the team sends often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CannedReply {
    /// What is typed after a slash to get it.
    pub name: String,
    /// The text, with `{order_id}` and `{name}` where they are to be filled in.
    pub text: String,
}

/// All of them, by their names: one that was written on the pages holds in place of that of the settings file.
pub(super) async fn all(state: &Inner) -> Result<Vec<CannedReply>, PageError> {
    let own = state.store().entries(EntryKind::Reply, Some("")).await?;
    let own: Vec<CannedReply> = own.into_iter().map(|one| CannedReply { name: one.name, text: one.value }).collect();
    let file = state.settings.replies.iter().filter(|reply| own.iter().all(|one| one.name != reply.name)).cloned();
    let mut all: Vec<CannedReply> = file.chain(own.iter().cloned()).collect();
    // One without words was removed on the pages.
    all.retain(|reply| !reply.text.is_empty());
    all.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(all)
}

/// The fields that a text may have.
const FIELDS: [&str; 2] = ["{order_id}", "{name}"];

/// A text with its fields filled in, as far as they are known.
fn filled(text: &str, (order, name): (Option<&str>, Option<&str>)) -> String {
    // In one pass: what is filled in is never taken for a field.
    let mut rest = text;
    let mut written = String::new();
    while let Some((place, field)) = FIELDS.iter().filter_map(|field| Some((rest.find(field)?, *field))).min() {
        let value = if field == "{name}" { name } else { order };
        written.push_str(rest.get(..place).unwrap_or_default());
        written.push_str(value.unwrap_or(field));
        rest = rest.get(place + field.len()..).unwrap_or_default();
    }
    written.push_str(rest);
    written
}

/// Whether a reply still has a field that nobody filled in.
pub(super) fn has_gap(text: &str) -> bool {
    FIELDS.iter().any(|field| text.contains(field))
}

/// The list that opens with a slash in a reply, and with its button; nothing where there are none.
pub(super) fn list(replies: &[CannedReply], known: (Option<&str>, Option<&str>)) -> Markup {
    html! {
        @if !replies.is_empty() {
            button.quiet #replies type="button" aria-controls="canned" { "Canned replies" }
            div.canned #canned role="group" aria-label="Canned replies" hidden {
                @for reply in replies {
                    @let text = filled(&reply.text, known);
                    button.second type="button" data-name=(reply.name) data-text=(text) { strong { "/" (reply.name) } " " (text) }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_filled_in_once_and_what_is_not_known_stays() {
        let text = "Dear {name}, {order_id} is late, {name}. {else}";
        assert_eq!(filled(text, (Some("#1001"), Some("Mia"))), "Dear Mia, #1001 is late, Mia. {else}");
        assert_eq!(filled(text, (None, Some("{order_id}"))), "Dear {order_id}, {order_id} is late, {order_id}. {else}");
        assert_eq!(filled("{order_id}", (Some("#1"), None)), "#1");
        assert!(has_gap("Dear {name}") && !has_gap("Dear {nam}"));
    }
}
