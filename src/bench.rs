//! Scripted conversations that a shop holds its program against: what a case says, the customer who plays it, the judge, and the table.
//!
//! It must never answer a message itself: whoever answers is handed in (`talk::Shop`).

pub mod case;
pub mod dates;
mod fields;
pub mod judge;
pub mod language;
pub mod log;
pub mod table;
pub mod talk;
pub mod text;
