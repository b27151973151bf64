//! Decides what a customer's message wants (intent) and how it sounds (sentiment).
//!
//! It must never decide what to do about a message, and it is the only module that names burn.
