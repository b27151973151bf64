//! What the classifier sees of a sentence: its words, their neighbours, and pieces of words, as hashes.

use super::kinds::kinds;
use super::lexicon::{Lexicon, kind_bit};
use super::tokens::{Kind, Token, tokens};

/// The hashes of a sentence's features, each once, in ascending order.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Features {
    /// Of its words and their pieces.
    pub words: Vec<u64>,
    /// Of what its words are about.
    pub kinds: Vec<u64>,
    /// Pieces of the words alone, as often as they stand there: how many are known tells whether the language is.
    pub pieces: Vec<u64>,
    /// How far the sentence is from harmless by a secret that it speaks of.
    pub secrecy: f32,
    /// Names the sentence: the same words in the same order, whatever numbers stand in it.
    pub key: u32,
}

/// What the classifier sees of a folded sentence.
pub(super) fn features(folded: &str) -> Features {
    let tokens = tokens(folded);
    let mut found = Vec::with_capacity(tokens.len() * 40 + 8);
    let mut add = |kind: u8, parts: &[&str]| found.push(hash(kind, parts));
    let words: Vec<&str> = tokens.iter().map(|token| token.text.as_str()).collect();
    let stems: Vec<&str> = words.iter().map(|word| stem(word)).collect();
    for (at, token) in tokens.iter().enumerate() {
        add(1, &[words[at]]);
        let before = if at == 0 { "^" } else { words[at - 1] };
        add(2, &[before, words[at]]);
        if at + 1 == tokens.len() {
            add(2, &[words[at], "$"]);
        }
        if at >= 2 {
            add(3, &[words[at - 2], words[at - 1], words[at]]);
        } else if at == 1 {
            add(3, &["^", words[0], words[1]]);
        }
        for gap in 2..=PAIR {
            if at >= gap {
                add(4, &[stems[at - gap], stems[at]]);
            }
        }
        match token.kind {
            Kind::Word => pieces(&format!("<{}>", token.text), 2..=5, &mut add),
            Kind::Unspaced => pieces(&token.text, 1..=4, &mut add),
            Kind::Other => {}
        }
    }
    let mut about = Vec::new();
    let sets = Lexicon::shipped().kinds_of(&tokens);
    kinds(&tokens, &sets, &mut |kind, parts| about.push(hash(kind, parts)));
    for list in [&mut found, &mut about] {
        list.sort_unstable();
        list.dedup();
    }
    let spoken: Vec<&str> = words.into_iter().filter(|word| *word != "!").collect();
    let key = u32::try_from(hash(30, &spoken) >> 32).unwrap_or(0);
    Features { words: found, kinds: about, pieces: known_pieces(&tokens), secrecy: secrecy(&tokens, &sets), key }
}

/// How far a sentence is from harmless by a secret that it speaks of: nobody may be asked for one, in any words. A denial
/// is left to the classifier, and so is the pin code of an address.
fn secrecy(tokens: &[Token], sets: &[u32]) -> f32 {
    let postal = |at: usize| {
        let next = tokens.get(at + 1).map_or("", |token| token.text.as_str());
        matches!(tokens[at].text.as_str(), "pin" | "पिन") && matches!(next, "code" | "कोड")
    };
    let secret = (0..tokens.len()).any(|at| sets[at] & kind_bit('S') != 0 && !postal(at));
    let denied = sets.iter().any(|set| set & kind_bit('n') != 0);
    match (secret && !denied, tokens.iter().any(|token| token.text == "?")) {
        (false, _) => 0.0,
        (true, false) => 2.5,
        (true, true) => 100.0,
    }
}

/// The pieces of the words alone.
fn known_pieces(tokens: &[Token]) -> Vec<u64> {
    let mut found = Vec::new();
    for token in tokens {
        match token.kind {
            Kind::Word if token.text.chars().count() > 1 => {
                pieces(&format!("<{}>", token.text), 5..=5, &mut |_, parts| found.push(hash(9, parts)));
            }
            Kind::Unspaced => pieces(&token.text, 2..=2, &mut |_, parts| found.push(hash(9, parts))),
            _ => {}
        }
    }
    found
}

/// How far the words of a pair stand apart at most.
const PAIR: usize = 4;

/// The first letters of a word.
fn stem(word: &str) -> &str {
    word.char_indices().nth(4).map_or(word, |(at, _)| &word[..at])
}

fn pieces(word: &str, lengths: std::ops::RangeInclusive<usize>, add: &mut impl FnMut(u8, &[&str])) {
    let places: Vec<usize> = word.char_indices().map(|(at, _)| at).chain([word.len()]).collect();
    for length in lengths {
        for from in 0..places.len().saturating_sub(length) {
            add(5, &[&word[places[from]..places[from + length]]]);
        }
    }
}

/// FNV-1a over the parts, mixed so that the low bits can be taken.
fn hash(kind: u8, parts: &[&str]) -> u64 {
    let mut value = 0xCBF2_9CE4_8422_2325_u64 ^ u64::from(kind);
    for part in parts {
        for byte in part.bytes().chain([0]) {
            value = (value ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
        }
    }
    value ^= value >> 32;
    value = value.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    value ^ (value >> 29)
}

#[cfg(test)]
mod tests {
    use super::super::kinds::clauses;
    use super::super::readable::fold;
    use super::*;

    /// The features of what a sentence's clauses say.
    fn of(sentence: &str) -> Vec<u64> {
        let tokens = tokens(sentence);
        let sets = Lexicon::shipped().kinds_of(&tokens);
        let mut found = Vec::new();
        clauses(&tokens, &sets, &mut |kind, parts| found.push(hash(kind, parts)));
        found
    }

    #[test]
    fn a_denial_counts_for_its_own_clause() {
        let money_said = hash(25, &["m"]);
        assert!(of("i can not cancel it, but money was paid").contains(&money_said));
        assert!(of("i can not cancel it but money was paid").contains(&money_said));
        assert!(!of("money was not paid").contains(&money_said));
        assert!(!of("was money paid?").contains(&money_said));
        assert!(!of("if money was paid").contains(&money_said));
    }

    #[test]
    fn a_word_counts_in_the_languages_that_the_sentence_may_be_in() {
        let condition = |text: &str| {
            let sets = Lexicon::shipped().kinds_of(&tokens(&fold(text)));
            sets.iter().any(|set| set & kind_bit('p') != 0)
        };
        assert!(!condition("The order went to the shop."));
        assert!(condition("Em có thể xem đơn hàng của chị."));
        assert!(!condition("I was told of the loss of the box."));
        assert!(condition("Agar aapka order der se hai to main dekh leta hoon."));
    }

    #[test]
    fn clauses_end_at_signs_and_joints() {
        let clauses = |text: &str| tokens(text).iter().map(|token| token.clause).collect::<Vec<_>>();
        assert_eq!(clauses("no, it left and arrived"), [0, 1, 1, 2, 2]);
        assert_eq!(clauses("and so"), [0, 1]);
        assert_eq!(clauses(""), [0; 0]);
    }
}
