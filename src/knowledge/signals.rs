//! What tells whether a chunk answers a question, as numbers that mean the same in every shop, and what they are worth.
//!
//! It must never look at anything but the question and the documents. `tests/knowledge/answers.py` learns the weights.

use std::collections::{HashMap, HashSet};

use super::chunks::Chunk;
use super::index::{Found, Index};
use super::question::{Question, count_terms};

/// A text that holds at least this share of a word holds the word itself, or its subject; less is only of like meaning.
const ITSELF: f32 = 0.79;
/// A term that stands for at least this share of a word of the question is asked for.
const ASKED: f32 = 0.5;

/// How many numbers there are.
pub(super) const COUNT: usize = 10;
/// What they are called.
pub(super) const NAMES: [&str; COUNT] =
    ["score", "covered", "itself", "absent", "undone", "first", "lead", "heading", "of_heading", "whether"];
/// What each is worth, in their order.
const WEIGHTS: [f32; COUNT] = [4.079, 5.530, 1.339, -1.762, -3.586, 0.502, 0.930, -1.148, 2.811, -1.116];
/// What a chunk has to make up for: most answer nothing.
const BASE: f32 = -6.990;
/// What it is worth besides that a chunk holds all that is asked, word for word: of a short question little else can be held.
const WHOLE: f32 = 1.0;
/// So much is all of it.
const ALL: f32 = 0.97;
/// A chunk that is worth less does not answer.
pub(super) const NEEDED: f32 = -0.1;

/// The numbers, by their places in `NAMES`.
pub(super) type Signals = [f32; COUNT];

/// How much speaks for an answer: against that of another chunk the logarithm of the odds, against 0 those that none answers.
pub(super) fn worth(signals: &Signals) -> f32 {
    let [_, covered, itself, _, undone, ..] = signals;
    let whole = if covered.min(*itself) >= ALL && *undone == 0.0 { WHOLE } else { 0.0 };
    BASE + whole + signals.iter().zip(WEIGHTS).map(|(signal, weight)| signal * weight).sum::<f32>()
}

/// The terms of what stands right above a chunk.
pub(super) fn above(chunk: &Chunk, ids: &HashMap<String, usize>) -> HashSet<usize> {
    let mut counts = HashMap::new();
    for text in [chunk.headings.last().unwrap_or(&chunk.title), &chunk.keywords] {
        count_terms(text, &mut counts);
    }
    counts.keys().filter_map(|term| ids.get(term).copied()).collect()
}

/// A question's words by the terms that stand for them.
pub(super) struct Asked<'a> {
    question: &'a Question,
    weights: &'a [f32],
    total: f32,
    by_term: HashMap<usize, Vec<(usize, f32)>>,
}

impl<'a> Asked<'a> {
    /// `weights`: what each word of the question counts.
    pub(super) fn new(question: &'a Question, weights: &'a [f32]) -> Self {
        let mut by_term: HashMap<usize, Vec<(usize, f32)>> = HashMap::new();
        for (word, wanted) in question.wanted.iter().enumerate() {
            for (term, factor) in &wanted.any {
                by_term.entry(*term).or_default().push((word, *factor));
            }
        }
        Self { question, weights, total: weights.iter().sum::<f32>().max(f32::MIN_POSITIVE), by_term }
    }

    /// The share of the question that some terms hold.
    fn held(&self, terms: &HashSet<usize>) -> f32 {
        let mut held = vec![0.0_f32; self.weights.len()];
        for (word, factor) in terms.iter().filter_map(|term| self.by_term.get(term)).flatten() {
            held[*word] = held[*word].max(*factor);
        }
        held.iter().zip(self.weights).map(|(held, weight)| held * weight).sum::<f32>() / self.total
    }

    /// Whether a term stands for a word of the question, or nearly.
    fn asks_for(&self, term: usize) -> bool {
        self.by_term.get(&term).is_some_and(|words| words.iter().any(|(_, factor)| *factor >= ASKED))
    }
}

impl Index {
    /// The numbers of one of the chunks that were found. `at`: its place among the hits.
    pub(super) fn signals(&self, asked: &Asked, found: &Found, at: usize) -> Signals {
        let hit = &found.hits[at];
        let holds =
            |held: &[super::index::Held]| held.iter().any(|held| held.chunk == hit.chunk && held.share >= ITSELF);
        let itself = found.held.iter().zip(asked.weights).filter(|(held, _)| holds(held));
        let source = &self.chunks()[hit.chunk].source;
        let of_another = found.hits.iter().find(|other| self.chunks()[other.chunk].source != *source);
        let other = of_another.map_or(0.0, |other| other.score);
        let above = self.above(hit.chunk);
        let rarity = |terms: &mut dyn Iterator<Item = &usize>| terms.map(|term| self.rarity_of(*term)).sum::<f32>();
        let asked_for = rarity(&mut above.iter().filter(|term| asked.asks_for(**term)));
        [
            hit.score / self.rarest(),
            hit.covered,
            itself.map(|(_, weight)| weight).sum::<f32>() / asked.total,
            hit.absent,
            hit.undone,
            f32::from(u8::from(at == 0)),
            ((hit.score - other) / hit.score.max(other).max(f32::MIN_POSITIVE)).clamp(-1.0, 1.0),
            asked.held(above),
            asked_for / rarity(&mut above.iter()).max(f32::MIN_POSITIVE),
            f32::from(u8::from(asked.question.whether)),
        ]
    }
}
