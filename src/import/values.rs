//! Reads the values of a column: dates, amounts, states and telephone numbers. What a column's own values do not decide
//! is refused, never guessed. Pure: no I/O, no clock.

mod amounts;
mod date_text;
mod date_words;
mod dates;
mod marks;
mod refund_words;
mod states;

pub use self::amounts::{AmountColumn, AmountError, AmountEvidence, DecimalMark};
pub(super) use self::amounts::{is_negative, no_currency};
pub use self::dates::{Ambiguous, DateColumn, DateContext, DateEvidence, DateOrder, Unreadable, placed_at};
pub(super) use self::marks::{currency_of_mark, is_currency_mark};
pub use self::refund_words::{
    both_payments, in_doubt, is_kind_of_refund, names_refunds, names_returns, payment_with_status, refund_state_of,
    speaks_of_refund,
};
pub use self::states::{is_refund_processed, payment_state_of, state_of};

/// Whether a cell says that the value is not known.
pub fn is_missing(text: &str) -> bool {
    let text = text.trim();
    ["", "-", "--", "—", "–", "nan", "null", "none", "n/a", "na", "#n/a", "nat", "nil", "\\n", "undefined"]
        .iter()
        .any(|word| text.eq_ignore_ascii_case(word))
}
