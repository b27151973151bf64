//! What the shop's documents say to the question of a customer, offered to whoever answers. It is never sent by itself.

use std::sync::Arc;

use maud::{Markup, html};

use super::Inner;
use crate::domain::message::Role;
use crate::insights::ConversationView;
use crate::knowledge::Passage;

/// The longest question that is searched for, in characters.
const LONGEST: usize = 1_000;

/// What the customer wrote since our last word.
fn question(talk: &ConversationView) -> String {
    let said: Vec<_> = talk.turns.iter().flat_map(|turn| &turn.said).collect();
    let after = said.iter().rposition(|message| message.role != Role::User).map_or(0, |place| place + 1);
    let words: Vec<&str> = said.iter().skip(after).map(|message| message.text.trim()).collect();
    words.join("\n").chars().take(LONGEST).collect()
}

/// The passage that fits best; `None` where no document of the shop answers, or a question is not waiting.
pub(super) async fn of(state: &Inner, talk: &ConversationView) -> Option<Passage> {
    if talk.alert.as_ref().is_none_or(|alert| alert.bot_answers) {
        return None;
    }
    let question = question(talk);
    if question.is_empty() {
        return None;
    }
    let library = Arc::clone(&state.settings.library);
    // Reads files where some changed.
    let found = tokio::task::spawn_blocking(move || library.search(&question)).await.ok()?;
    found.into_iter().find(|passage| !passage.is_built_in())
}

/// The suggestion, with the button that puts it into the reply.
pub(super) fn shown(passage: &Passage) -> Markup {
    html! {
        div.suggestion #suggestion {
            p.note { strong { "Suggested" } " from " (passage.source) @if !passage.title.is_empty() { ": " (passage.title) } }
            blockquote { (passage.text) }
            button.second.small type="button" data-suggested=(passage.text) { "Put it into the reply" }
        }
    }
}
