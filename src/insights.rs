//! The stats and conversations that the report and the dashboard show. Nothing here changes the store.

mod conversations;
mod elements;
mod html;
mod model;
mod options;
mod quality;
mod range;
mod sections;
mod text;

pub use crate::store::ConversationSummary;
pub use conversations::{ConversationView, MAX_MESSAGES, Turn, view};
pub use elements::{Chart, Line, Section, Series, Stat, Table, Unit};
pub use html::page;
pub use model::{ModelFacts, ModelSource, TrainingFacts, TrainingScore};
pub use options::{Options, ReportSection};
pub use range::{Range, RangeError};
pub use sections::build;
pub use text::{csv, markdown, plain};
