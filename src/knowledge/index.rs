//! Finds the passage that answers a question: BM25 over words, subjects and words of like meaning, and whether it covers what
//! was asked.
//!
//! It must never answer with anything but sentences of a document, nor with a passage that is about something else.

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use super::chunks::Chunk;
use super::question::{Question, Wanted, count_heading, count_terms, kinds_of};
use super::signals::{self, Asked, NEEDED, worth};
use super::terms::Weight;
use super::vectors::Vector;
use super::{BUILT_IN, language};

/// Passages that are given, at most.
const PASSAGES: usize = 3;
/// So many of the best chunks are looked at more closely.
pub(super) const CANDIDATES: usize = 8;
/// A further passage is worth at most so much less than the best one.
const ALIKE: f32 = 2.0;
/// Words of a large collection are rarer than those of a small one: as many chunks are assumed at least.
const FEWEST: usize = 24;
/// How often a word of the heading right above counts, and one of the headings above that.
const HEADING: f32 = 4.0;
const FAR: f32 = 1.1;
/// BM25: how soon repetitions count no more, and how much the length counts.
const K1: f32 = 1.02;
const B: f32 = 0.66;
/// What a word of little meaning counts in the coverage, and in the order; what a word without meaning counts in the order that
/// stands for a subject.
const LIGHT: f32 = 0.58;
const LIGHT_IN_ORDER: f32 = 0.6;
const NONE_IN_ORDER: f32 = 0.21;
/// What a word counts that no document has, as a share of the mean of those that are known: a subject that is not there makes a
/// question unanswerable. In a language of no document most words are unknown.
const UNKNOWN: f32 = 0.98;
const FOREIGN: f32 = 0.43;
/// The least mean that is assumed.
const LITTLE: f32 = 0.7;
/// What the wanted kind of answer adds to a score.
const KIND: f32 = 3.0;
/// How much of a score is the share of the question that is covered.
const BY_COVERAGE: f32 = 0.44;
/// A word that nothing in the documents is so near to is in none of them.
const NEAR: f32 = 0.3;
/// A chunk that holds something that is done holds it at least so well.
const DONE: f32 = 0.5;
/// A passage that may answer a question.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Passage {
    /// What it is called: the file and the line of its chunk.
    pub id: String,
    /// The document's title, and the headings above the passage.
    pub title: String,
    /// Sentences of the document, as they are written there.
    pub text: String,
    /// The file, and the line from which on it can be read there.
    pub source: String,
    /// How well it fits: the share of the question's words that it holds, from 0 to 1.
    pub score: f32,
    /// Which of the things that are asked it answers, from 0.
    pub part: usize,
}

impl Passage {
    /// Whether it is one of the answers that the program has without a folder.
    pub fn is_built_in(&self) -> bool {
        self.source == BUILT_IN
    }
}

/// All chunks of the shop, ready to be searched.
#[derive(Debug, Default)]
pub struct Index {
    chunks: Vec<Chunk>,
    /// What a chunk holds besides words: bits of `TIME` and `AMOUNT`.
    kinds: Vec<u8>,
    lengths: Vec<f32>,
    mean: f32,
    pub(super) ids: HashMap<String, usize>,
    /// For each term the chunks that have it, and how often.
    postings: Vec<Vec<(usize, f32)>>,
    /// Terms that have a vector, and their vectors one after the other.
    pub(super) with_vector: Vec<usize>,
    pub(super) vectors: Vec<f32>,
    /// The terms of what stands right above each chunk, once they were asked for.
    above: Vec<OnceLock<HashSet<usize>>>,
}

/// A chunk that holds a word of a question.
pub(super) struct Held {
    pub(super) chunk: usize,
    /// How often, by BM25.
    often: f32,
    /// How much of it.
    pub(super) share: f32,
}

/// What is found for a question.
pub(super) struct Found {
    /// The chunks that hold something of it, the best first.
    pub(super) hits: Vec<Hit>,
    /// What each word of the question counts.
    pub(super) weights: Vec<f32>,
    /// For each word of the question the chunks that hold it.
    pub(super) held: Vec<Vec<Held>>,
}

/// A chunk that may answer.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Hit {
    pub(super) chunk: usize,
    pub(super) score: f32,
    /// The share of the question that it holds.
    pub(super) covered: f32,
    /// The share of the question that no document holds.
    pub(super) absent: f32,
    /// How many things that are done it does not hold.
    pub(super) undone: f32,
}

impl Index {
    /// An index of chunks. Where several fit alike, the earlier one comes first.
    pub fn new(chunks: Vec<Chunk>) -> Self {
        let mut index = Self::default();
        for (at, chunk) in chunks.iter().enumerate() {
            let body = chunk.text();
            let mut counts: HashMap<String, (f32, Option<Vector>)> = HashMap::new();
            let length = count_terms(&body, &mut counts);
            // What stands right above it says most; a title of many sections says little of each.
            let path = [&chunk.title, &chunk.keywords].into_iter().chain(&chunk.headings);
            let depth = chunk.headings.len();
            let mut above: HashMap<String, (f32, Option<Vector>)> = HashMap::new();
            for (at, heading) in path.enumerate() {
                let is_near = at == depth + 1 || (depth == 0 && at == 0) || at == 1;
                let mut terms = HashMap::new();
                count_heading(heading, &mut terms);
                for (term, (count, vector)) in terms {
                    let best = above.entry(term).or_insert((0.0, vector));
                    best.0 = best.0.max(count.min(1.0) * if is_near { HEADING } else { FAR });
                }
            }
            for (term, (count, vector)) in above {
                counts.entry(term).or_insert((0.0, vector)).0 += count;
            }
            index.kinds.push(kinds_of(&body));
            index.lengths.push(length);
            for (term, (count, vector)) in counts {
                let next = index.ids.len();
                let id = *index.ids.entry(term).or_insert(next);
                if id == index.postings.len() {
                    index.postings.push(Vec::new());
                    if let Some(vector) = vector {
                        index.with_vector.push(id);
                        index.vectors.extend(vector);
                    }
                }
                index.postings[id].push((at, count));
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "a mean of counts")]
        let mean = index.lengths.iter().sum::<f32>() / chunks.len().max(1) as f32;
        index.mean = mean.max(1.0);
        index.above.resize_with(chunks.len(), OnceLock::new);
        index.chunks = chunks;
        index
    }

    /// The chunks, in their order.
    pub fn chunks(&self) -> &[Chunk] {
        &self.chunks
    }

    /// How rare a word is that so many chunks have.
    #[expect(clippy::cast_precision_loss, reason = "counts of chunks")]
    fn rarity(&self, with: f32) -> f32 {
        let all = self.chunks.len().max(FEWEST) as f32;
        (1.0 + (all - with + 0.5).max(0.0) / (with + 0.5)).ln()
    }

    /// How rare a term is, and how rare one can be.
    pub(super) fn rarity_of(&self, term: usize) -> f32 {
        #[expect(clippy::cast_precision_loss, reason = "counts of chunks")]
        self.rarity(self.postings[term].len() as f32)
    }

    pub(super) fn rarest(&self) -> f32 {
        self.rarity(1.0)
    }

    /// The terms of what stands right above a chunk.
    pub(super) fn above(&self, chunk: usize) -> &HashSet<usize> {
        self.above[chunk].get_or_init(|| signals::above(&self.chunks[chunk], &self.ids))
    }

    /// Passages that answer a question, the best first; none where no document does. Of two things that are asked both are answered,
    /// in their order. A folder's passages come before those that the program has without one.
    pub fn search(&self, question: &str) -> Vec<Passage> {
        let asked = language::questions(question);
        let whole = self.answer(question);
        let mut parts: Vec<Vec<Passage>> = Vec::new();
        for part in asked {
            let found = self.answer(part);
            // Both things may stand in one passage.
            let new = |first: &Passage| parts.iter().all(|other| other[0].id != first.id);
            if found.first().is_some_and(new) {
                parts.push(found);
            }
        }
        if parts.len() < 2 {
            // “It is my nephew's birthday. Do you wrap gifts?”: what is told beside the question is no part of it.
            return if whole.is_empty() { parts.pop().unwrap_or_default() } else { whole };
        }
        let both = parts.into_iter().enumerate().map(|(at, mut found)| Passage { part: at, ..found.swap_remove(0) });
        both.take(PASSAGES).collect()
    }

    fn answer(&self, text: &str) -> Vec<Passage> {
        let question = self.read(text);
        let found = self.hits(&question);
        let asked = Asked::new(&question, &found.weights);
        let best = found.hits.iter().take(CANDIDATES).enumerate();
        let mut answers: Vec<(f32, Hit)> = best
            .map(|(at, hit)| (worth(&self.signals(&asked, &found, at)), *hit))
            .filter(|(worth, _)| *worth >= NEEDED)
            .collect();
        let own = |hit: &Hit| !self.chunks[hit.chunk].built_in;
        answers.sort_by(|(a, one), (b, other)| own(other).cmp(&own(one)).then(b.total_cmp(a)));
        let Some((most, first)) = answers.first().copied() else { return Vec::new() };
        let alike = |(worth, hit): &&(f32, Hit)| own(hit) == own(&first) && *worth >= most - ALIKE;
        let best = answers.iter().filter(alike).take(PASSAGES);
        best.map(|(_, hit)| self.passage(*hit, &question, &found.weights)).collect()
    }

    /// What is found for a question.
    pub(super) fn hits(&self, question: &Question) -> Found {
        let held = self.held_by_chunks(question);
        let rarities: Vec<f32> =
            held.iter().map(|chunks| self.rarity(chunks.iter().map(|held| held.share).sum())).collect();
        let weights = self.weights(question, &rarities);
        let total: f32 = weights.iter().sum();
        if total <= 0.0 {
            return Found { hits: Vec::new(), weights, held };
        }
        let nowhere = |wanted: &Wanted| wanted.any.iter().all(|(_, factor)| *factor < NEAR);
        let in_none = question.wanted.iter().zip(&weights).filter(|(wanted, _)| nowhere(wanted));
        let absent = in_none.map(|(_, weight)| weight).sum::<f32>() / total;
        let mut found = vec![Hit { absent, ..Hit::default() }; self.chunks.len()];
        for (((wanted, chunks), weight), rarity) in question.wanted.iter().zip(&held).zip(&weights).zip(&rarities) {
            let share = match wanted.weight {
                Weight::Full => wanted.says,
                Weight::Light => LIGHT_IN_ORDER,
                Weight::None | Weight::Number => NONE_IN_ORDER,
            };
            if wanted.done {
                for hit in &mut found {
                    hit.undone += 1.0;
                }
            }
            for held in chunks {
                let hit = &mut found[held.chunk];
                hit.score += share * rarity * held.often;
                hit.covered += held.share * weight;
                if wanted.done && held.share >= DONE {
                    hit.undone -= 1.0;
                }
            }
        }
        for (chunk, hit) in found.iter_mut().enumerate() {
            let kinds = f32::from(u8::try_from((self.kinds[chunk] & question.kinds).count_ones()).unwrap_or(0));
            hit.chunk = chunk;
            hit.covered = (hit.covered / total).min(1.0);
            // What covers more of the question is better than what repeats one word of it.
            hit.score = (hit.score + KIND * kinds) * (1.0 - BY_COVERAGE + BY_COVERAGE * hit.covered);
        }
        found.retain(|hit| hit.covered > 0.0);
        found.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.chunk.cmp(&b.chunk)));
        Found { hits: found, weights, held }
    }

    /// For each word of a question the chunks that hold it.
    fn held_by_chunks(&self, question: &Question) -> Vec<Vec<Held>> {
        let mut best = vec![(0.0_f32, 0.0_f32); self.chunks.len()];
        let of_word = |wanted: &Wanted| {
            let mut touched = Vec::new();
            for (term, factor) in &wanted.any {
                for (chunk, count) in &self.postings[*term] {
                    let long = 1.0 - B + B * self.lengths[*chunk] / self.mean;
                    let (often, share) = &mut best[*chunk];
                    if *share == 0.0 {
                        touched.push(*chunk);
                    }
                    *often = often.max(factor * count * (K1 + 1.0) / (count + K1 * long));
                    *share = share.max(*factor);
                }
            }
            let take = |chunk| {
                let (often, share) = std::mem::take(&mut best[chunk]);
                Held { chunk, often, share }
            };
            touched.into_iter().map(take).collect()
        };
        question.wanted.iter().map(of_word).collect()
    }

    /// What each word of a question counts in the coverage.
    fn weights(&self, question: &Question, rarities: &[f32]) -> Vec<f32> {
        let full = |wanted: &Wanted| wanted.weight == Weight::Full && wanted.known;
        let known: Vec<f32> = question
            .wanted
            .iter()
            .zip(rarities)
            .filter(|(wanted, _)| full(wanted))
            .map(|(_, rarity)| *rarity)
            .collect();
        #[expect(clippy::cast_precision_loss, reason = "a mean of a few words")]
        let mean = if known.is_empty() { self.rarity(1.0) } else { known.iter().sum::<f32>() / known.len() as f32 };
        let weight = |(wanted, rarity): (&Wanted, &f32)| match wanted.weight {
            Weight::None | Weight::Number => 0.0,
            // A word of little meaning that nobody wrote says nothing.
            Weight::Light if wanted.any.is_empty() => 0.0,
            Weight::Light => LIGHT * rarity,
            Weight::Full if wanted.known => wanted.says * rarity,
            Weight::Full if wanted.any.is_empty() && question.foreign => FOREIGN * mean,
            Weight::Full => wanted.says * UNKNOWN * mean.max(LITTLE),
        };
        question.wanted.iter().zip(rarities).map(weight).collect()
    }

    fn passage(&self, hit: Hit, question: &Question, weights: &[f32]) -> Passage {
        let chunk = &self.chunks[hit.chunk];
        let line = chunk.line.to_string();
        let place = format!("{}:{}", chunk.source, if chunk.built_in { &chunk.title } else { &line });
        let text = self.excerpt(chunk, question, weights);
        let source = if chunk.built_in { chunk.source.clone() } else { place.clone() };
        Passage {
            id: place,
            title: chunk.heading(),
            text,
            source,
            score: (hit.covered * 1_000.0).round() / 1_000.0,
            part: 0,
        }
    }
}

#[cfg(test)]
#[path = "index_tests.rs"]
mod tests;
