//! Typing errors for training messages, so that a model is robust to misspellings. Numbers (order ids and amounts) stay as
//! they are, no message becomes empty, and the same seed gives the same errors.

use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng, rngs::SmallRng};

/// Neighbours of each letter on a QWERTY keyboard, from `a` to `z`.
const NEIGHBOURS: [&str; 26] = [
    "qsz", "vgn", "xvd", "sfe", "wrd", "dgr", "fht", "gjy", "uok", "hku", "jli", "kop", "nk", "bmh", "ipl", "ol", "wa",
    "etf", "adw", "ryg", "yij", "cbf", "qes", "zcs", "tuh", "xas",
];

/// A message with typing errors: each word is left out (40 %) or misspelt (60 %) with the probability `rate`. From a message
/// of one or two words none is left out.
pub(crate) fn with_typos(text: &str, rate: f64, seed: u64) -> String {
    let mut random = SmallRng::seed_from_u64(seed);
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut typed = Vec::with_capacity(words.len());
    for word in &words {
        if !random.random_bool(rate) {
            typed.push((*word).to_owned());
        } else if words.len() <= 2 || random.random_bool(0.6) {
            typed.push(misspelt(word, &mut random));
        }
    }
    if typed.is_empty() { text.to_owned() } else { typed.join(" ") }
}

/// A word with one typing error; words with a digit and words without two letters in a row stay as they are.
fn misspelt(word: &str, random: &mut SmallRng) -> String {
    let letters: Vec<char> = word.chars().collect();
    // The first letter is seldom mistyped, and readers rely on it.
    let places: Vec<usize> = (1..letters.len())
        .filter(|at| letters[*at].is_ascii_alphabetic() && letters[at - 1].is_ascii_alphabetic())
        .collect();
    let Some(&at) = places.choose(random) else { return word.to_owned() };
    if letters.iter().any(char::is_ascii_digit) {
        return word.to_owned();
    }
    let mut typed = letters;
    match random.random_range(0..5) {
        0 => typed.swap(at - 1, at),
        1 => typed.insert(at, typed[at]),
        2 => typed[at] = neighbour(typed[at], random),
        3 => {
            typed.remove(at);
        }
        // Chat spelling leaves vowels out: "ordr", "plz", "nhi".
        _ => {
            let vowels: Vec<usize> = places.iter().copied().filter(|at| "aeiouAEIOU".contains(typed[*at])).collect();
            typed.remove(vowels.choose(random).copied().unwrap_or(at));
        }
    }
    typed.into_iter().collect()
}

fn neighbour(letter: char, random: &mut SmallRng) -> char {
    let around = NEIGHBOURS[usize::from(letter.to_ascii_lowercase() as u8 - b'a')].as_bytes();
    around.choose(random).map_or(letter, |other| char::from(*other))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_text_stays_a_message_and_the_same_seed_gives_the_same_errors(text in "\\PC*", seed: u64, rate in 0.0..1.0) {
            let typed = with_typos(&text, rate, seed);
            prop_assert_eq!(typed.trim().is_empty(), text.trim().is_empty());
            prop_assert_eq!(typed, with_typos(&text, rate, seed));
        }

        #[test]
        fn numbers_are_never_mistyped(seed: u64) {
            let typed = with_typos("where is ORD123456 for rs499 ordered 12/05", 0.9, seed);
            for word in typed.split(' ').filter(|word| word.chars().any(|c| c.is_ascii_digit())) {
                prop_assert!(["ORD123456", "rs499", "12/05"].contains(&word), "{}", word);
            }
        }
    }

    #[test]
    #[expect(clippy::cast_precision_loss, reason = "small counts")]
    fn about_as_many_words_change_as_asked_for() {
        let text = "please tell me where exactly that parcel might have gone today";
        let words: Vec<&str> = text.split(' ').collect();
        let unchanged: usize = (0..1000)
            .map(|seed| with_typos(text, 0.2, seed).split(' ').filter(|word| words.contains(word)).count())
            .sum();
        let share = unchanged as f64 / (1000 * words.len()) as f64;
        assert!((0.78..0.84).contains(&share), "{share}");
        assert_eq!(with_typos(text, 0.0, 1), text);
    }
}
