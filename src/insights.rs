//! Decides which figures the team is shown, in the report and on the dashboard alike.
//!
//! It must never change anything, nor show a number that does not come from what is stored.

mod html;
mod quality;
mod range;
mod sections;
mod shape;
mod talks;
mod text;

pub use crate::store::Talk;
pub use html::page;
pub use quality::{ModelFacts, ModelSource, TrainingFacts, TrainingScore};
pub use range::{Range, RangeError};
pub use sections::{Options, Part, build};
pub use shape::{Chart, Figure, Line, Section, Series, Table, Unit};
pub use talks::{TalkView, Turn, talks, view};
pub use text::{csv, markdown, plain};
