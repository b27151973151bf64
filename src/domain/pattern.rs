//! Compiles regular expressions that are constants of the program. A pattern from a setting never comes here: it can be
//! wrong, and that is an error.

use regex::Regex;

/// A constant pattern.
#[expect(clippy::expect_used, reason = "patterns are constants, and the tests use each of them")]
pub(crate) fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the pattern compiles")
}
