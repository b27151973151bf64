//! The index of the folder as it is now: files that changed are read anew when a question comes.
//!
//! It must never fail a question: a file that cannot be read is left out and logged, and what was read before stays.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use super::chunks::{Chunk, Translation};
use super::folder::{self, File, KnowledgeError};
use super::index::{Index, Passage};

/// How long the folder is not looked at again.
const LOOK: Duration = Duration::from_secs(2);

/// The documents of a shop.
#[derive(Debug, Default)]
pub struct Library {
    folder: Option<PathBuf>,
    built_in: Vec<Chunk>,
    /// None before the first question: most runs ask none.
    index: RwLock<Option<Arc<Index>>>,
    looked: Mutex<Looked>,
}

#[derive(Debug, Default)]
struct Looked {
    at: Option<Instant>,
    files: Vec<File>,
}

impl Library {
    /// The documents of a folder, before the answers that are there without one. A folder that is not there yet may come later.
    pub fn open(folder: Option<PathBuf>, built_in: Vec<Chunk>) -> Self {
        Self { folder, built_in, ..Self::default() }
    }

    /// The folder.
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// Passages that answer a question, the best first; none where no document does.
    pub fn search(&self, question: &str) -> Vec<Passage> {
        self.index().search(question)
    }

    /// A built-in answer that was found, in another language; none where it is not written in that. `language`: its code.
    pub fn translation(&self, passage: &Passage, language: &str) -> Option<&Translation> {
        let found = self.built_in.iter().find(|chunk| passage.is_built_in() && chunk.title == passage.title)?;
        found.translations.iter().find(|translation| translation.language == language)
    }

    /// Writes an answer into the folder; it is found from now on.
    ///
    /// # Errors
    /// When there is no folder or it cannot be written.
    pub fn add_answer(&self, question: &str, answer: &str) -> Result<(), KnowledgeError> {
        let Some(folder) = &self.folder else {
            return Err(KnowledgeError::Folder {
                path: "[knowledge] folder".to_owned(),
                reason: "it is not set".to_owned(),
            });
        };
        folder::add_answer(folder, question, answer)?;
        self.looked.lock().unwrap_or_else(PoisonError::into_inner).at = None;
        self.refresh();
        Ok(())
    }

    /// The index of the folder as it is.
    pub(super) fn index(&self) -> Arc<Index> {
        self.refresh();
        if let Some(index) = &*self.index.read().unwrap_or_else(PoisonError::into_inner) {
            return Arc::clone(index);
        }
        let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(index.get_or_insert_with(|| Arc::new(Index::new(self.built_in.clone()))))
    }

    /// Reads the folder again where it changed.
    fn refresh(&self) {
        let Some(folder) = &self.folder else { return };
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        if looked.at.is_some_and(|at| at.elapsed() < LOOK) {
            return;
        }
        looked.at = Some(Instant::now());
        let files = match folder::files(folder) {
            Ok(files) => files,
            Err(error) => {
                // It is a default place, or it was taken away: what was read stays.
                tracing::debug!(%error, "the documents could not be looked at");
                return;
            }
        };
        if files == looked.files {
            return;
        }
        let mut chunks = Vec::new();
        for file in &files {
            match folder::read(file) {
                Ok(read) => chunks.extend(read),
                Err(why) => tracing::warn!(file = ?file, why, "a document is left out"),
            }
        }
        tracing::info!(documents = files.len(), passages = chunks.len(), "the documents were read");
        chunks.extend(self.built_in.iter().cloned());
        let index = Arc::new(Index::new(chunks));
        looked.files = files;
        *self.index.write().unwrap_or_else(PoisonError::into_inner) = Some(index);
    }
}

#[cfg(test)]
mod tests {
    use super::super::built_in;
    use super::*;

    #[test]
    fn changes_are_seen_and_the_folder_comes_first() {
        let folder = tempfile::tempdir().unwrap();
        let hours = built_in("hours", "opening hours open", "You can write at any hour.");
        let library = Library::open(Some(folder.path().to_owned()), vec![hours]);
        assert_eq!(library.search("what are your opening hours?")[0].source, "built-in");
        assert!(library.search("is there parking?").is_empty());
        library.add_answer("Is there parking?", "Yes, behind the shop.").unwrap();
        assert_eq!(library.search("is there parking?")[0].text, "Yes, behind the shop.");
        std::fs::write(folder.path().join("hours.md"), "# Opening hours\n\nWe open at 9.\n").unwrap();
        library.looked.lock().unwrap().at = None;
        let found = library.search("what are your opening hours?");
        assert_eq!((found.len(), found[0].text.as_str()), (1, "We open at 9."));
        assert!(Library::open(None, Vec::new()).search("parking").is_empty());
    }
}
