//! A question as the index reads it: for each of its words what it may be in the documents.
//!
//! It must never drop a word that says what is asked: a word that nothing stands for is kept, and lowers the coverage.

use std::collections::HashMap;

use super::index::Index;
use super::terms::{Term, Vocabulary, Weight, is_nearly};
use super::vectors::{self, Vector, nearness};
use super::{language, sounds};

/// A length of time.
pub(super) const TIME: u8 = 1;
/// An amount of money.
pub(super) const AMOUNT: u8 = 2;

/// Words of the documents that a word of a question may be near to, at most.
const NEIGHBOURS: usize = 40;
/// Two words that are less near than this have nothing to do with each other.
const FLOOR: f32 = 0.2;
/// What a word of like meaning counts at most beside the very word; what the subject counts, another subject that has to do with it,
/// and a mistyped word.
const SOFT: f32 = 0.74;
const SUBJECT: f32 = 0.9;
const RELATED: f32 = 0.66;
const NEARLY: f32 = 0.8;
/// What a word of little meaning counts in a heading.
const LIGHT_IN_HEADING: f32 = 0.4;
/// So many words are so common that one of them says least; from this many on a word says all that a word can.
const COMMON: f32 = 300.0;
const RARE: f32 = 3_000.0;
const LEAST: f32 = 0.3;

/// A word of a question.
pub(super) struct Wanted {
    /// Terms of the index, with what each counts.
    pub(super) any: Vec<(usize, f32)>,
    /// How much it says.
    pub(super) weight: Weight,
    /// Whether it, or its subject, stands in a document.
    pub(super) known: bool,
    /// How much it says among all words of the language, up to 1.
    pub(super) says: f32,
    /// Whether it is something that is done.
    pub(super) done: bool,
}

/// A question as the index reads it.
pub(super) struct Question {
    pub(super) wanted: Vec<Wanted>,
    /// Which kinds of answers are wanted.
    pub(super) kinds: u8,
    /// Whether it is in a language of no document.
    pub(super) foreign: bool,
    /// Whether yes or no answers it.
    pub(super) whether: bool,
}

/// The term of a subject.
pub(super) fn subject(name: &str) -> String {
    format!("#{name}")
}

/// Counts the terms of a text, and returns how many words it has. A term comes with a word of the text that it stands for.
pub(super) fn count_terms(text: &str, counts: &mut HashMap<String, (f32, Option<Vector>)>) -> f32 {
    count(text, counts, 1.0)
}

/// The same for a heading: words of little meaning count for less there.
pub(super) fn count_heading(text: &str, counts: &mut HashMap<String, (f32, Option<Vector>)>) {
    count(text, counts, LIGHT_IN_HEADING);
}

fn count(text: &str, counts: &mut HashMap<String, (f32, Option<Vector>)>, light: f32) -> f32 {
    let vocabulary = Vocabulary::shipped();
    let mut length = 0.0;
    for term in vocabulary.terms(text) {
        length += 1.0;
        let counted = if term.weight == Weight::Light { light } else { 1.0 };
        for concept in &term.concepts {
            let name = vocabulary.name(*concept);
            if !name.starts_with('?') {
                // The mean of several words is near to much.
                let vector = || vocabulary.vector(*concept).filter(|_| !name.contains('_'));
                counts.entry(subject(name)).or_insert_with(|| (0.0, vector())).0 += counted;
            }
        }
        if term.weight != Weight::None && !term.stem.is_empty() {
            counts.entry(term.stem).or_insert_with(|| (0.0, vectors::vector(&term.word))).0 += counted;
        }
    }
    length
}

impl Index {
    /// Reads a question.
    pub(super) fn read(&self, text: &str) -> Question {
        self.read_terms(text, Vocabulary::shipped().terms(text))
    }

    /// Reads a question whose terms are known.
    pub(super) fn read_terms(&self, text: &str, terms: Vec<Term>) -> Question {
        let vocabulary = Vocabulary::shipped();
        let known = |term: &Term| self.ids.contains_key(&term.stem);
        let meant: Vec<&Term> =
            terms.iter().filter(|term| term.weight == Weight::Full && !term.stem.is_empty()).collect();
        let foreign = text.chars().any(|c| !c.is_ascii() && c.is_alphabetic())
            || meant.iter().filter(|term| !known(term) && vectors::vector(&term.word).is_none()).count() * 2
                > meant.len()
                && meant.len() > 2
            || language::is_foreign(text);
        let mut question = Question { wanted: Vec::new(), kinds: 0, foreign, whether: language::asks_whether(text) };
        let mut seen: Vec<(String, Vec<usize>)> = Vec::new();
        for term in terms {
            let mut concepts = Vec::new();
            for concept in &term.concepts {
                match vocabulary.name(*concept) {
                    "?time" => question.kinds |= TIME,
                    "?money" => question.kinds |= AMOUNT,
                    _ => concepts.push(*concept),
                }
            }
            let asks_only = term.stem.is_empty() && concepts.is_empty();
            if term.weight == Weight::None && concepts.is_empty() || asks_only {
                continue;
            }
            let key = (term.stem.clone(), concepts.clone());
            if seen.contains(&key) {
                continue;
            }
            seen.push(key);
            question.wanted.push(self.wanted(&term, &concepts, foreign));
        }
        question
    }

    /// What a word of a question may be in the documents.
    fn wanted(&self, term: &Term, concepts: &[usize], foreign: bool) -> Wanted {
        let vocabulary = Vocabulary::shipped();
        let id = |name: &str| self.ids.get(name).copied();
        let mut any: Vec<(usize, f32)> = Vec::new();
        any.extend(id(&term.stem).filter(|_| !term.stem.is_empty()).map(|id| (id, 1.0)));
        let whole = if term.stem.is_empty() { 1.0 } else { SUBJECT };
        any.extend(concepts.iter().filter_map(|concept| Some((id(&subject(vocabulary.name(*concept)))?, whole))));
        let mut meant: Vec<usize> = concepts.to_vec();
        let own = vectors::vector(&term.word).filter(|_| concepts.is_empty() || !foreign);
        if any.is_empty() && concepts.is_empty() && own.is_none() && term.weight != Weight::Number {
            meant = vocabulary.concepts_like(&term.word);
            any.extend(meant.iter().filter_map(|concept| Some((id(&subject(vocabulary.name(*concept)))?, NEARLY))));
            let sounds = sounds::consonants(&term.word)
                .filter(|_| term.word.starts_with(|c| ('\u{900}'..='\u{97F}').contains(&c)));
            if let Some(sounds) = sounds {
                let alike =
                    |word: &str| word.is_ascii() && sounds::consonants(word).is_some_and(|other| other == sounds);
                any.extend(self.ids.iter().filter(|(word, _)| alike(word)).map(|(_, id)| (*id, NEARLY)));
            }
            let first = term.stem.chars().next();
            let close = self.ids.iter().filter(|(word, _)| word.chars().next() == first && is_nearly(&term.stem, word));
            any.extend(close.map(|(_, id)| (*id, NEARLY)));
        }
        let known = !any.is_empty();
        for other in concepts.iter().flat_map(|concept| vocabulary.related(*concept)) {
            if let Some(id) = id(&subject(vocabulary.name(*other))).filter(|id| any.iter().all(|(own, _)| own != id)) {
                any.push((id, RELATED));
            }
        }
        let vectors: Vec<Vector> =
            own.into_iter().chain(meant.iter().filter_map(|concept| vocabulary.vector(*concept))).collect();
        if term.weight != Weight::Number {
            self.add_neighbours(&vectors, &mut any);
        }
        let says = if concepts.is_empty() { says(&term.word) } else { 1.0 };
        Wanted {
            any,
            weight: term.weight,
            known,
            says,
            done: concepts.iter().any(|concept| vocabulary.is_done(*concept)),
        }
    }

    /// Adds the words of the documents that are near to one of several.
    fn add_neighbours(&self, vectors: &[Vector], any: &mut Vec<(usize, f32)>) {
        let mut near: Vec<(usize, f32)> = Vec::new();
        for (at, term) in self.with_vector.iter().enumerate() {
            let row = &self.vectors[at * vectors::DIMENSIONS..(at + 1) * vectors::DIMENSIONS];
            let best = vectors.iter().map(|vector| nearness(vector, row)).fold(0.0, f32::max);
            if best > FLOOR {
                near.push((*term, (SOFT * (best - FLOOR) / (1.0 - FLOOR)).min(SOFT)));
            }
        }
        near.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        near.truncate(NEIGHBOURS);
        for (term, factor) in near {
            if !any.iter().any(|(known, _)| *known == term) {
                any.push((term, factor));
            }
        }
    }
}

/// How much a word says: a common one less than a rare one.
fn says(word: &str) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "a rank below 30,000")]
    let rank = vectors::rank(word).map_or(f32::MAX, |rank| rank as f32);
    ((rank.max(1.0) / COMMON).ln() / (RARE / COMMON).ln()).clamp(LEAST, 1.0)
}

/// What a text holds besides its words.
pub(super) fn kinds_of(text: &str) -> u8 {
    const SPANS: [&str; 30] = [
        "day",
        "hour",
        "minute",
        "week",
        "month",
        "year",
        "din",
        "ghant",
        "mahin",
        "dia",
        "hora",
        "minuto",
        "semana",
        "mes",
        "ano",
        "दिन",
        "घंट",
        "मिनट",
        "हफ्त",
        "महीन",
        "साल",
        "يوم",
        "ايام",
        "ساع",
        "اسبوع",
        "شهر",
        "سنه",
        "o'clock",
        "pm",
        "am",
    ];
    let words = super::terms::folded_words(text);
    let number = |word: &String| word.chars().any(|c| c.is_ascii_digit());
    let numbers =
        ["one", "two", "three", "four", "five", "six", "seven", "ten", "uno", "dos", "tres", "dois", "एक", "दो"];
    let spans = |word: &String| SPANS.iter().any(|span| word.starts_with(span));
    let near = |at: usize| words[at + 1..].iter().take(3).any(spans);
    let time = words.iter().enumerate().any(|(at, word)| {
        (number(word) || numbers.contains(&word.as_str())) && (near(at) || word.ends_with("pm") || word.ends_with("am"))
    });
    let sign = text.contains(['₹', '$', '€', '£', '%'])
        || words.iter().any(|word| ["rs", "inr", "usd", "free", "gratis"].contains(&word.as_str()));
    let mut kinds = 0;
    if time {
        kinds |= TIME;
    }
    if sign {
        kinds |= AMOUNT;
    }
    kinds
}
