//! Answers general questions from the shop's documents, and keeps those of customers that no document answers.
//!
//! It must never answer with anything but what a document says.

use std::sync::Arc;

use super::{Context, SupportService};
use crate::domain::knowledge_gap::{KnowledgeGap, Unanswered, without_particulars};
use crate::domain::sentences::{Language, identification};
use crate::knowledge::{Library, Passage, normalised};
use crate::store::{Store, StoreError};

/// Stands in built-in answers for an order id like those of the shop.
const EXAMPLE: &str = "ORD123456";
/// A question of fewer words that say something is none: a greeting, or a name.
const FEWEST: usize = 2;
/// The latest unanswered questions that are counted.
const LATEST: u32 = 20_000;

impl SupportService {
    /// The same with the shop's documents.
    #[must_use]
    pub fn with_knowledge(self, library: Arc<Library>) -> Self {
        Self { library, ..self }
    }

    /// The shop's documents.
    pub fn library(&self) -> &Arc<Library> {
        &self.library
    }

    /// Passages of the shop's documents that answer a question; none where no document does: then a customer's question is kept
    /// as a gap. A built-in answer is in the language of the conversation, where it is written in that; documents of the shop are
    /// quoted as they are.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn search_knowledge(&self, context: &Context, query: &str) -> Result<Vec<Passage>, StoreError> {
        let patterns = self.patterns_for(&context.caller);
        let bare = patterns.without_ids(query);
        let library = Arc::clone(&self.library);
        // Reads files where some changed.
        let searched = tokio::task::spawn_blocking(move || library.search(&bare)).await;
        let mut found = searched.unwrap_or_else(|error| {
            tracing::error!(%error, "the documents could not be searched");
            Vec::new()
        });
        let language = context.caller.language();
        for passage in found.iter_mut().filter(|passage| passage.is_built_in()) {
            let translation = self.library.translation(passage, language.code());
            let written_in = if translation.is_some() { language } else { Language::English };
            if let Some(translation) = translation {
                passage.title.clone_from(&translation.title);
                passage.text.clone_from(&translation.text);
            }
            let example = identification::like_an_order_id(written_in, patterns.example());
            passage.text = passage.text.replace(EXAMPLE, &example);
        }
        if found.is_empty() {
            self.record_gap(context, query).await?;
        }
        Ok(found)
    }

    /// Keeps a question that was not answered, where a customer asked it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn record_gap(&self, context: &Context, query: &str) -> Result<(), StoreError> {
        let Some(customer) = context.caller.customer() else { return Ok(()) };
        let text = without_particulars(query, &self.patterns_for(&context.caller));
        let question = normalised(&text);
        if question.split(' ').filter(|word| !word.is_empty()).count() < FEWEST {
            return Ok(());
        }
        let one = Unanswered { user_id: customer.user.clone(), turn: customer.turn, question, text, at: context.now };
        self.store.record_unanswered(&one).await
    }
}

/// What customers asked and no document answers now, the most frequent first. `all`: also what is answered by now.
///
/// # Errors
/// When the store fails.
pub async fn gaps(store: &dyn Store, library: &Library, all: bool) -> Result<Vec<KnowledgeGap>, StoreError> {
    let mut gaps = KnowledgeGap::count(store.unanswered(LATEST).await?);
    if !all {
        gaps.retain(|gap| gap.examples.first().is_none_or(|text| library.search(text).is_empty()));
    }
    Ok(gaps)
}
