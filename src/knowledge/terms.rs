//! What the words of a text mean to the search: folded, stemmed, with the subjects that they stand for in any of six languages.
//!
//! It must never learn from customers: the words are those of two files beside this one.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization as _;

/// What stands for other words in a phrase of `concepts.txt`, and for how many at most.
const GAP: &str = "_";
const LONGEST_GAP: usize = 3;
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
        let mut vocabulary =
            Self { names: Vec::new(), patterns: HashMap::new(), none: HashSet::new(), light: HashSet::new() };
        for line in concepts.lines().filter(|line| !line.starts_with('#')) {
            let Some((name, words)) = line.split_once(':') else { continue };
            let concept = vocabulary.names.len();
            vocabulary.names.push(name.trim().to_owned());
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

    /// The words and phrases of a text.
    pub(super) fn terms(&self, text: &str) -> Vec<Term> {
        let words: Vec<Word> = folded_words(text).into_iter().map(Word::new).collect();
        let mut terms = Vec::with_capacity(words.len());
        let mut at = 0;
        while at < words.len() {
            let (length, mut concepts) = self.concepts_at(&words[at..]);
            if length > 1 {
                // A phrase that only says what kind of answer is wanted may hold other words' beginnings.
                terms.push(Term { stem: String::new(), concepts, weight: Weight::Full });
                at += length;
                continue;
            }
            let Word { text: word, stem } = &words[at];
            let weight = if word.chars().any(|c| c.is_ascii_digit()) && word.chars().all(|c| !c.is_alphabetic()) {
                Weight::Number
            } else if self.none.contains(word) || word.chars().count() == 1 {
                Weight::None
            } else if self.light.contains(word) {
                Weight::Light
            } else {
                Weight::Full
            };
            concepts.dedup();
            terms.push(Term { stem: stem.clone(), concepts, weight });
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

/// The stem of a word: English endings, and plurals of Spanish and Portuguese. Words of other scripts stay as they are.
pub(super) fn stem(word: &str) -> String {
    if !word.bytes().all(|byte| byte.is_ascii_lowercase()) || word.len() < 4 {
        return word.to_owned();
    }
    let mut stem = word.to_owned();
    for (ending, instead, least) in [
        ("ations", "", 4),
        ("ation", "", 4),
        ("ments", "", 4),
        ("ment", "", 4),
        ("iness", "y", 3),
        ("ness", "", 4),
        ("ically", "ic", 3),
        ("ability", "able", 3),
        ("ables", "", 4),
        ("able", "", 4),
        ("ible", "", 4),
        ("ously", "ous", 3),
        ("fully", "ful", 3),
        ("ingly", "", 3),
        ("ings", "", 3),
        ("ing", "", 3),
        ("ies", "y", 2),
        ("ied", "y", 2),
        ("edly", "", 3),
        ("ed", "", 3),
        ("ions", "", 4),
        ("ion", "", 4),
        ("sses", "ss", 2),
        ("xes", "x", 2),
        ("ches", "ch", 2),
        ("shes", "sh", 2),
        ("es", "e", 3),
        ("ss", "ss", 2),
        ("us", "us", 2),
        ("s", "", 3),
        ("ly", "", 4),
    ] {
        if let Some(rest) = word.strip_suffix(ending)
            && rest.len() >= least
            && rest.bytes().any(|letter| b"aeiouy".contains(&letter))
        {
            stem = format!("{rest}{instead}");
            break;
        }
    }
    // “cancelled”, “shipping”: one letter of two; “charge” and “charging” end alike.
    let bytes = stem.as_bytes();
    if let [.., a, b] = bytes
        && a == b
        && !b"aeiou".contains(a)
        && stem.len() > 3
    {
        stem.pop();
    }
    if stem.len() > 4 && stem.ends_with('e') {
        stem.pop();
    }
    if stem.len() > 3 && stem.ends_with('y') {
        stem.pop();
        stem.push('i');
    }
    stem
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
    fn forms_of_a_word_have_one_stem() {
        for forms in [
            ["cancel", "cancelled", "cancelling", "cancels"],
            ["deliver", "delivered", "delivering", "delivers"],
            ["charge", "charges", "charged", "charging"],
            ["delivery", "deliveries", "delivery", "deliveries"],
            ["return", "returned", "returnable", "returning"],
            ["install", "installation", "installing", "installs"],
            ["box", "boxes", "box", "boxed"],
        ] {
            let stems: HashSet<String> = forms.into_iter().map(stem).collect();
            assert_eq!(stems.len(), 1, "{stems:?}");
        }
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
