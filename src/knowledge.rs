//! What the shop has written for its customers: documents of a folder, cut into passages that can be found by a question.
//!
//! It must never answer with words that no document holds: what is not found is `None`, and counted as a gap.

mod blocks;
mod chunks;
mod examples;
mod excerpt;
mod folder;
mod index;
mod language;
mod library;
mod measure;
mod question;
mod signals;
mod sounds;
mod stems;
mod terms;
mod vectors;

pub use chunks::{Chunk, Translation};
pub use examples::examples;
pub use folder::{ANSWERS, Checked, Imported, KnowledgeError, Problem, add_answer, check, import};
pub use index::{Index, Passage};
pub use library::Library;
pub use measure::{Asked, Measured, Mistake, Place, Tally, Wrong, measure, questions};
pub use terms::normalised;

/// The source of answers that the program has without a folder.
const BUILT_IN: &str = "built-in";

/// A question and its answer that need no file: found by its title and keywords.
pub fn built_in(title: &str, keywords: &str, answer: &str) -> Chunk {
    Chunk {
        source: BUILT_IN.to_owned(),
        line: 0,
        title: title.to_owned(),
        headings: Vec::new(),
        paragraphs: vec![answer.to_owned()],
        keywords: keywords.to_owned(),
        built_in: true,
        translations: Vec::new(),
    }
}
