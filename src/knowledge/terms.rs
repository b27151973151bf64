//! What the words of a text mean to the search: folded, stemmed, with the subjects that they stand for in any of six languages.
//!
//! It must never learn from customers: the words are those of two files beside this one.

use std::collections::{HashMap, HashSet};
use std::sync::{LazyLock, OnceLock};

use unicode_normalization::UnicodeNormalization as _;

use super::stems::stem;
use super::vectors::{self, Vector};

/// What stands for other words in a phrase of `concepts.txt`, and for how many at most.
const GAP: &str = "_";
const LONGEST_GAP: usize = 3;
/// Begins a line of `concepts.txt` that says which subjects have to do with one.
const RELATED: char = '~';
/// Begins the name of something that is done.
const DONE: char = '!';
/// Letters from which on a word may be mistyped, and letters from which on twice.
const FUZZY: usize = 5;
const FUZZY_TWICE: usize = 9;

/// How much a word says about the subject of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    /// Nothing: “the”, “please”.
    None,
    /// A little: “arrive”, “order”.
    Light,
    /// It is a number.
    Number,
    /// It is what the question is about.
    Full,
}

/// A word, or a phrase that is one subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Term {
    /// As it is written, folded; empty for a phrase.
    pub(super) word: String,
    /// Its stem; empty for a phrase.
    pub(super) stem: String,
    /// The subjects that it stands for, by their places in `concepts.txt`.
    pub(super) concepts: Vec<usize>,
    /// How much it says.
    pub(super) weight: Weight,
}

/// A part of a text that stands for a subject.
#[derive(Debug, Clone)]
struct Pattern {
    words: Vec<Part>,
    /// Whether other words may stand between its words.
    gap: bool,
    concept: usize,
}

/// A word of a pattern.
#[derive(Debug, Clone)]
enum Part {
    /// This word in any form, by its stem.
    Word(Word),
    /// Every word that begins so.
    Start(String),
    /// Other words, or none.
    Gap,
}

/// A word as it is compared.
#[derive(Debug, Clone)]
struct Word {
    text: String,
    stem: String,
}

impl Word {
    fn new(text: String) -> Self {
        Self { stem: stem(&text), text }
    }
}

/// The words of the two files.
#[derive(Debug)]
pub(super) struct Vocabulary {
    names: Vec<String>,
    /// Whether it is something that is done.
    done: Vec<bool>,
    /// Subjects that have something to do with it.
    related: Vec<Vec<usize>>,
    /// Of the words that the names are made of, each computed when it is asked for.
    vectors: Vec<OnceLock<Option<Vector>>>,
    /// By the first letter.
    patterns: HashMap<char, Vec<Pattern>>,
    none: HashSet<String>,
    light: HashSet<String>,
}

static VOCABULARY: LazyLock<Vocabulary> =
    LazyLock::new(|| Vocabulary::read(include_str!("concepts.txt"), include_str!("stop_words.txt")));

impl Vocabulary {
    /// The shipped words.
    pub(super) fn shipped() -> &'static Self {
        &VOCABULARY
    }

    fn read(concepts: &str, stop_words: &str) -> Self {
        let mut vocabulary = Self {
            names: Vec::new(),
            done: Vec::new(),
            related: Vec::new(),
            vectors: Vec::new(),
            patterns: HashMap::new(),
            none: HashSet::new(),
            light: HashSet::new(),
        };
        let lines = || concepts.lines().filter(|line| !line.starts_with('#'));
        for line in lines().filter(|line| !line.starts_with(RELATED)) {
            let Some((name, words)) = line.split_once(':') else { continue };
            let concept = vocabulary.names.len();
            let bare = name.trim().trim_start_matches(DONE);
            vocabulary.names.push(bare.to_owned());
            vocabulary.done.push(name.starts_with(DONE));
            vocabulary.vectors.push(OnceLock::new());
            for phrase in words.split(',') {
                let part = |word: &str| match word.strip_suffix('*') {
                    None if word == GAP => Part::Gap,
                    Some(start) => Part::Start(folded_words(start).concat()),
                    None => Part::Word(Word::new(folded_words(word).concat())),
                };
                let words: Vec<Part> = phrase.split_whitespace().map(part).collect();
                let gap = words.iter().any(|part| matches!(part, Part::Gap));
                let first = match words.first() {
                    Some(Part::Word(Word { text, .. }) | Part::Start(text)) => text.chars().next(),
                    _ => None,
                };
                if let Some(first) = first {
                    vocabulary.patterns.entry(first).or_default().push(Pattern { words, gap, concept });
                }
            }
        }
        vocabulary.related = vec![Vec::new(); vocabulary.names.len()];
        for line in lines().filter_map(|line| line.strip_prefix(RELATED)) {
            let Some((name, others)) = line.split_once(':') else { continue };
            let place = |name: &str| vocabulary.names.iter().position(|known| known == name.trim());
            let Some(one) = place(name) else { continue };
            for other in others.split(',').filter_map(place) {
                vocabulary.related[one].push(other);
                vocabulary.related[other].push(one);
            }
        }
        for line in stop_words.lines().filter(|line| !line.starts_with('#')) {
            match line.strip_prefix("light:") {
                Some(line) => vocabulary.light.extend(folded_words(line)),
                None => vocabulary.none.extend(folded_words(line)),
            }
        }
        vocabulary
    }

    /// The names of the subjects. One that begins with `?` is what kind of answer is wanted.
    pub(super) fn name(&self, concept: usize) -> &str {
        self.names.get(concept).map_or("", String::as_str)
    }

    /// Whether a subject is something that is done, such as selling: a passage about the rest of a question does not answer it.
    pub(super) fn is_done(&self, concept: usize) -> bool {
        self.done.get(concept).copied().unwrap_or_default()
    }

    /// Subjects that have something to do with one.
    pub(super) fn related(&self, concept: usize) -> &[usize] {
        self.related.get(concept).map_or(&[], Vec::as_slice)
    }

    /// How a subject's English words lie among all words.
    pub(super) fn vector(&self, concept: usize) -> Option<Vector> {
        let name = self.names.get(concept)?;
        *self.vectors.get(concept)?.get_or_init(|| vectors::mean(name.split('_')))
    }

    /// The words and phrases of a text.
    pub(super) fn terms(&self, text: &str) -> Vec<Term> {
        let words: Vec<Word> = folded_words(text).into_iter().map(Word::new).collect();
        let mut terms = Vec::with_capacity(words.len());
        let mut at = 0;
        while at < words.len() {
            let (length, mut concepts) = self.concepts_at(&words[at..]);
            if length > 1 {
                // A phrase that only says what kind of answer is wanted may hold other words' beginnings.
                terms.push(Term { word: String::new(), stem: String::new(), concepts, weight: Weight::Full });
                at += length;
                continue;
            }
            let Word { text: word, stem } = &words[at];
            let weight = if word.chars().filter(char::is_ascii_digit).count()
                >= if word.chars().any(char::is_alphabetic) { 3 } else { 1 }
            {
                Weight::Number
            } else if self.none.contains(word) || word.chars().count() == 1 {
                Weight::None
            } else if self.light.contains(word) {
                Weight::Light
            } else {
                Weight::Full
            };
            concepts.dedup();
            terms.push(Term { word: word.clone(), stem: stem.clone(), concepts, weight });
            at += 1;
        }
        terms
    }

    /// How many words a phrase at the beginning has, and the subjects that it stands for: the longest phrase counts.
    fn concepts_at(&self, words: &[Word]) -> (usize, Vec<usize>) {
        let first = words.first().and_then(|word| word.text.chars().next());
        let Some(patterns) = first.and_then(|first| self.patterns.get(&first)) else { return (1, Vec::new()) };
        let mut longest = 1;
        let mut found = Vec::new();
        let mut apart = Vec::new();
        for pattern in patterns {
            if pattern.gap {
                // What stands between its words counts for itself.
                if length_of(&pattern.words, words).is_some() {
                    apart.push(pattern.concept);
                }
                continue;
            }
            let Some(length) = length_of(&pattern.words, words).filter(|length| *length >= longest) else { continue };
            if length > longest {
                found.clear();
                longest = length;
            }
            if !found.contains(&pattern.concept) {
                found.push(pattern.concept);
            }
        }
        apart.retain(|concept| !found.contains(concept));
        found.extend(apart);
        (longest, found)
    }

    /// The subjects of a word that is nearly one of the files.
    pub(super) fn concepts_like(&self, word: &str) -> Vec<usize> {
        let mut found: Vec<usize> = Vec::new();
        for pattern in word.chars().next().and_then(|first| self.patterns.get(&first)).into_iter().flatten() {
            if let [Part::Word(Word { text: known, .. }) | Part::Start(known)] = pattern.words.as_slice()
                && is_nearly(word, known)
                && !found.contains(&pattern.concept)
            {
                found.push(pattern.concept);
            }
        }
        found
    }
}

/// How many words a pattern takes at the beginning, if it fits there.
fn length_of(pattern: &[Part], words: &[Word]) -> Option<usize> {
    let Some((part, rest)) = pattern.split_first() else { return Some(0) };
    if matches!(part, Part::Gap) {
        return (0..=LONGEST_GAP.min(words.len())).find_map(|gap| Some(gap + length_of(rest, &words[gap..])?));
    }
    let word = words.first()?;
    let fits = match part {
        Part::Start(start) => word.text.starts_with(start.as_str()),
        Part::Word(known) => word.text == known.text || word.stem == known.stem,
        Part::Gap => false,
    };
    if fits { Some(1 + length_of(rest, &words[1..])?) } else { None }
}

/// Whether a word is another one with a slip of the finger in it.
pub(super) fn is_nearly(word: &str, known: &str) -> bool {
    let (length, other) = (word.chars().count(), known.chars().count());
    let allowed = match length.min(other) {
        0..FUZZY => return false,
        FUZZY..FUZZY_TWICE => 1,
        _ => 2,
    };
    length.abs_diff(other) <= allowed && strsim::damerau_levenshtein(word, known) <= allowed
}

/// The words of a text: in lower case, without accents, vowel signs of Arabic and the like; numbers without their
/// separators.
pub(super) fn folded_words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let letters: Vec<char> = text.nfkd().collect();
    for (at, &c) in letters.iter().enumerate() {
        match c {
            // Accents; Arabic's vowel signs, hamza and tatweel; the dot of Devanagari; joiners; apostrophes.
            '\u{300}'..='\u{36F}'
            | '\u{64B}'..='\u{655}'
            | '\u{670}'
            | '\u{640}'
            | '\u{93C}'
            | '\u{200C}'
            | '\u{200D}'
            | '\''
            | '’' => {}
            'ى' => word.push('ي'),
            'ة' => word.push('ه'),
            'ٱ' => word.push('ا'),
            // Signs of Devanagari are no letters to Unicode.
            '\u{900}'..='\u{963}' => word.push(c),
            ',' | '.' if between_digits(&letters, at) => {
                // “6,000” is “6000”, “14.5” stays.
                let thousands = letters[at + 1..].iter().take_while(|c| c.is_ascii_digit()).count() >= 2;
                if !thousands || c == '.' {
                    word.push('.');
                }
            }
            c if c.is_alphanumeric() => match c.to_digit(10) {
                Some(_) => word.push(c),
                // “25kg” is a number and its unit.
                None if word.chars().all(|c| c.is_ascii_digit() || c == '.') && !word.is_empty() => {
                    finish(&mut word, &mut words);
                    word.extend(c.to_lowercase().map(latin_digit));
                }
                None => word.extend(c.to_lowercase().map(latin_digit)),
            },
            _ => finish(&mut word, &mut words),
        }
    }
    finish(&mut word, &mut words);
    words
}

fn between_digits(letters: &[char], at: usize) -> bool {
    let digit = |at: Option<usize>| at.and_then(|at| letters.get(at)).is_some_and(char::is_ascii_digit);
    digit(at.checked_sub(1)) && digit(at.checked_add(1))
}

/// A digit of Devanagari or Arabic as the digit that it is.
fn latin_digit(c: char) -> char {
    let digit = match c {
        '\u{966}'..='\u{96F}' => u32::from(c) - 0x966,
        '\u{660}'..='\u{669}' => u32::from(c) - 0x660,
        _ => return c,
    };
    char::from_digit(digit, 10).unwrap_or(c)
}

fn finish(word: &mut String, words: &mut Vec<String>) {
    if word.is_empty() {
        return;
    }
    let found = std::mem::take(word);
    // The article and prepositions of Arabic are written onto the word.
    let bare = ["وال", "بال", "لل", "ال"].iter().find_map(|prefix| {
        let rest = found.strip_prefix(prefix)?;
        (rest.chars().count() >= 3).then(|| rest.to_owned())
    });
    words.push(bare.unwrap_or(found));
}

/// A question by which alike ones are counted together: its words that say something, in order. Empty where there are none.
pub fn normalised(text: &str) -> String {
    let vocabulary = Vocabulary::shipped();
    let mut words: Vec<String> = folded_words(text)
        .into_iter()
        .filter(|word| !vocabulary.none.contains(word) && word.chars().count() > 1)
        .filter(|word| !word.chars().any(|c| c.is_ascii_digit()))
        .collect();
    words.dedup();
    words.truncate(16);
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn concepts_of(text: &str) -> Vec<&'static str> {
        let vocabulary = Vocabulary::shipped();
        let terms = vocabulary.terms(text);
        terms.iter().flat_map(|term| term.concepts.iter().map(|concept| vocabulary.name(*concept))).collect()
    }

    #[test]
    fn words_are_folded() {
        assert_eq!(folded_words("¿Cuánto cuesta el ENVÍO?"), ["cuanto", "cuesta", "el", "envio"]);
        assert_eq!(folded_words("₹6,000 and 14.5 % don’t"), ["6000", "and", "14.5", "dont"]);
        assert_eq!(folded_words("रिफ़ंड कब मिलेगा"), ["रिफंड", "कब", "मिलेगा"]);
        assert_eq!(folded_words("التوصيل إلى المدينة"), ["توصيل", "الي", "مدينه"]);
    }

    #[test]
    fn a_subject_is_the_same_in_every_language() {
        for text in ["reembolso", "money back", "paisa wapas kab", "रिफंड", "estorno", "استرداد"] {
            assert!(concepts_of(text).contains(&"refund"), "{text}: {:?}", concepts_of(text));
        }
        for text in ["gift card", "tarjeta de regalo", "cartão presente", "गिफ्ट कार्ड", "بطاقة هدية"]
        {
            assert!(concepts_of(text).contains(&"gift_card"), "{text}: {:?}", concepts_of(text));
        }
        assert!(concepts_of("how long does it take").contains(&"?time"));
    }

    #[test]
    fn slips_are_seen() {
        let vocabulary = Vocabulary::shipped();
        assert!(!vocabulary.concepts_like("waranty").is_empty());
        assert!(vocabulary.concepts_like("zebra").is_empty());
        assert!(is_nearly("instalation", "installation") && !is_nearly("cash", "dash"));
    }

    #[test]
    fn alike_questions_are_one() {
        assert_eq!(normalised("Do you have parking?"), normalised("do you HAVE  parking please"));
        assert_eq!(normalised("is it there?"), "");
        assert_eq!(normalised("parking for order 12345"), "parking order");
    }
}
