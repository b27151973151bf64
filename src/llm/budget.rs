//! How much of a conversation fits into a request: the oldest messages are left out first.
//!
//! An estimate of our own and not a tokenizer: each model has another one, most are not published, and the service counts
//! by its own. It must never leave out the instructions, the customer's newest message or this turn's tool results.

use crate::domain::words::excerpt;

/// Tokens of a message besides its text.
const MESSAGE_OVERHEAD: u64 = 4;

/// About how many tokens a text has: a quarter of its ASCII characters, and one for each other character (scripts of
/// India take up to two, emoji up to three; the budget leaves room).
pub fn tokens(text: &str) -> u64 {
    let plain = text.bytes().filter(u8::is_ascii).count() as u64;
    let other = text.chars().filter(|c| !c.is_ascii()).count() as u64;
    plain.div_ceil(4) + other + MESSAGE_OVERHEAD
}

/// A text cut to about so many tokens.
pub fn capped(text: &str, most: u64) -> String {
    if tokens(text) <= most {
        return text.to_owned();
    }
    let mut left = most.saturating_sub(MESSAGE_OVERHEAD) * 4;
    let mut characters = 0;
    for c in text.chars() {
        let cost = if c.is_ascii() { 1 } else { 4 };
        if cost > left {
            break;
        }
        left -= cost;
        characters += 1;
    }
    excerpt(text, characters)
}

/// How many of the newest messages fit: their costs, the oldest first, into what is left of the budget.
pub fn newest_that_fit(costs: &[u64], left: u64) -> usize {
    let mut sum = 0_u64;
    costs
        .iter()
        .rev()
        .take_while(|cost| {
            sum = sum.saturating_add(**cost);
            sum <= left
        })
        .count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn other_scripts_cost_more() {
        assert_eq!(tokens("abcdefgh"), 2 + MESSAGE_OVERHEAD);
        assert_eq!(tokens("नमस्ते"), 6 + MESSAGE_OVERHEAD);
        assert_eq!(tokens(""), MESSAGE_OVERHEAD);
    }

    #[test]
    fn the_oldest_goes_first() {
        assert_eq!(newest_that_fit(&[50, 10, 10], 25), 2);
        assert_eq!(newest_that_fit(&[1, 50, 1], 25), 1, "what follows a gap is not sent either");
        assert_eq!(newest_that_fit(&[], 25), 0);
    }

    proptest! {
        #[test]
        fn a_capped_text_fits(text in ".{0,400}", most in 5..60_u64) {
            let capped = capped(&text, most);
            // The ellipsis may cost one more.
            prop_assert!(tokens(&capped) <= most + 1, "{} > {}", tokens(&capped), most);
            prop_assert!(text.starts_with(capped.trim_end_matches('…')));
        }
    }
}
