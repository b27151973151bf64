//! Finds the passage that answers a question: BM25 over words and subjects, and whether it covers what was asked.
//!
//! It must never answer with anything but sentences of a document, nor with a passage that is about something else.

use std::collections::HashMap;

use super::chunks::{Chunk, sentences};
use super::terms::{Term, Vocabulary, Weight, is_nearly};
use super::{BUILT_IN, language};

/// How much of the weight of a question's words a passage has to hold.
const COVERED: f32 = 0.6;
/// The same where it holds more than one of them.
const COVERED_BY_MORE: f32 = 0.5;
/// Passages that are given, at most.
const PASSAGES: usize = 3;
/// Characters of a passage, at most, unless one sentence has more.
const LONGEST: usize = 600;
/// Up to so many characters a chunk is given whole.
const WHOLE: usize = 320;
/// A further passage has at least this share of the best one's score.
const ALIKE: f32 = 0.6;
/// Words of a large collection are rarer than those of a small one: as many chunks are assumed at least.
const FEWEST: usize = 24;
/// How often a word of title, heading or keywords counts.
const HEADING: f32 = 2.5;
/// What a heading counts that has others below it.
const FAR: f32 = 0.3;
/// What a subject counts beside the very word.
const SUBJECT: f32 = 0.85;
/// What any of these counts at least in the coverage.
const HELD: f32 = 0.95;
/// What a mistyped word counts.
const NEARLY: f32 = 0.8;
/// What a word of little meaning counts.
const LIGHT: f32 = 0.25;
/// What a word counts that no document has, as a share of the mean of those that are known: a subject that is not there makes a
/// question unanswerable. In a language of no document most words are unknown.
const UNKNOWN: f32 = 1.15;
const FOREIGN: f32 = 0.5;
/// A word counts as known from this weight on.
const LITTLE: f32 = 0.7;
/// What the wanted kind of answer adds to a score.
const KIND: f32 = 1.2;
/// BM25: how soon repetitions count no more, and how much the length counts.
const K1: f32 = 1.2;
const B: f32 = 0.5;

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
    /// What a chunk holds besides words: bits of [`TIME`] and [`AMOUNT`].
    kinds: Vec<u8>,
    lengths: Vec<f32>,
    mean: f32,
    ids: HashMap<String, usize>,
    /// For each term the chunks that have it, and how often.
    postings: Vec<Vec<(usize, f32)>>,
}

/// A length of time.
const TIME: u8 = 1;
/// An amount of money.
const AMOUNT: u8 = 2;

/// A word of a question: what it may be in the documents, and how much it counts.
struct Wanted {
    /// Terms of the index, with what each counts.
    any: Vec<(usize, f32)>,
    /// What it counts in the coverage.
    weight: f32,
}

/// A question as the index reads it.
struct Question {
    wanted: Vec<Wanted>,
    kinds: u8,
    total: f32,
}

impl Index {
    /// An index of chunks. Where several fit alike, the earlier one comes first.
    pub fn new(chunks: Vec<Chunk>) -> Self {
        let mut index = Self::default();
        for (at, chunk) in chunks.iter().enumerate() {
            let body = chunk.text();
            let mut counts: HashMap<String, f32> = HashMap::new();
            let length = count_terms(&body, &mut counts);
            // What stands right above it says most; a title of many sections says little of each.
            let path = [&chunk.title, &chunk.keywords].into_iter().chain(&chunk.headings);
            let depth = chunk.headings.len();
            let mut above: HashMap<String, f32> = HashMap::new();
            for (at, heading) in path.enumerate() {
                let near = at == depth + 1 || (depth == 0 && at == 0) || at == 1;
                let mut terms = HashMap::new();
                count_terms(heading, &mut terms);
                for (term, _) in terms {
                    let best = above.entry(term).or_default();
                    *best = best.max(if near { HEADING } else { HEADING * FAR });
                }
            }
            for (term, count) in above {
                *counts.entry(term).or_default() += count;
            }
            index.kinds.push(kinds_of(&body));
            index.lengths.push(length);
            for (term, count) in counts {
                let next = index.ids.len();
                let id = *index.ids.entry(term).or_insert(next);
                if id == index.postings.len() {
                    index.postings.push(Vec::new());
                }
                index.postings[id].push((at, count));
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "a mean of counts")]
        let mean = index.lengths.iter().sum::<f32>() / chunks.len().max(1) as f32;
        index.mean = mean.max(1.0);
        index.chunks = chunks;
        index
    }

    /// The chunks, in their order.
    pub fn chunks(&self) -> &[Chunk] {
        &self.chunks
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of chunks")]
    fn rarity(&self, chunks: usize) -> f32 {
        let all = self.chunks.len().max(FEWEST) as f32;
        let with = chunks as f32;
        (1.0 + (all - with + 0.5).max(0.0) / (with + 0.5)).ln()
    }

    /// Passages that answer a question, the best first; none where no document does. A folder's passages come before those that
    /// the program has without one.
    pub fn search(&self, question: &str) -> Vec<Passage> {
        // “It is my nephew's birthday. Do you wrap gifts?”: what is told beside the question is no part of it.
        let asked = language::questions(question).into_iter().map(|part| (part, COVERED));
        let ways = [(question, COVERED)].into_iter().chain(asked).chain([(question, COVERED_BY_MORE)]);
        ways.map(|(part, needed)| self.answer(part, needed)).find(|found| !found.is_empty()).unwrap_or_default()
    }

    fn answer(&self, question: &str, needed: f32) -> Vec<Passage> {
        let question = self.read(question);
        if question.total <= 0.0 {
            return Vec::new();
        }
        // For each chunk its score and the weight of the words that it holds.
        let mut found = vec![(0.0_f32, 0.0_f32); self.chunks.len()];
        let mut best = found.clone();
        let mut touched = Vec::new();
        let mut words = vec![0_u8; self.chunks.len()];
        for wanted in &question.wanted {
            for (term, factor) in &wanted.any {
                let rarity = self.rarity(self.postings[*term].len());
                for (chunk, count) in &self.postings[*term] {
                    let long = 1.0 - B + B * self.lengths[*chunk] / self.mean;
                    let score = factor * rarity * count * (K1 + 1.0) / (count + K1 * long);
                    let (highest, held) = &mut best[*chunk];
                    if *held == 0.0 {
                        touched.push(*chunk);
                        words[*chunk] += u8::from(wanted.weight > LITTLE);
                    }
                    (*highest, *held) = (highest.max(score), held.max(factor.max(HELD)));
                }
            }
            // A word of little meaning moves the order a little.
            let share = if wanted.weight > 0.0 { 1.0 } else { 0.3 };
            for chunk in touched.drain(..) {
                let (score, held) = std::mem::take(&mut best[chunk]);
                found[chunk].0 += share * score;
                found[chunk].1 += held * wanted.weight;
            }
        }
        let mut fitting: Vec<(usize, f32, f32)> = found
            .into_iter()
            .enumerate()
            .filter(|(_, (_, held))| *held > 0.0)
            .map(|(chunk, (score, held))| {
                let kinds = f32::from(u8::try_from((self.kinds[chunk] & question.kinds).count_ones()).unwrap_or(0));
                let covered = (held / question.total).min(1.0);
                // What covers more of the question is better than what repeats one word of it.
                (chunk, (score + KIND * kinds) * (0.4 + 0.6 * covered), covered)
            })
            .filter(|(chunk, _, covered)| *covered >= if words[*chunk] > 1 { needed } else { COVERED })
            .collect();
        fitting.sort_by(|(a, score_a, _), (b, score_b, _)| {
            let built_in = |chunk: usize| self.chunks[chunk].built_in;
            built_in(*a).cmp(&built_in(*b)).then(score_b.total_cmp(score_a)).then(a.cmp(b))
        });
        let Some(&(first, top, _)) = fitting.first() else { return Vec::new() };
        let own = self.chunks[first].built_in;
        let alike =
            |(chunk, score, _): &&(usize, f32, f32)| self.chunks[*chunk].built_in == own && *score >= top * ALIKE;
        fitting
            .iter()
            .filter(alike)
            .take(PASSAGES)
            .map(|(chunk, _, covered)| self.passage(*chunk, *covered, &question))
            .collect()
    }

    fn read(&self, text: &str) -> Question {
        let vocabulary = Vocabulary::shipped();
        let terms = vocabulary.terms(text);
        let known = |term: &Term| self.ids.contains_key(&term.stem);
        let meant: Vec<&Term> = terms.iter().filter(|term| term.weight == Weight::Full).collect();
        // A question in a language of no document: of words that are no subject, most are unknown.
        let plain: Vec<&&Term> = meant.iter().filter(|term| !term.stem.is_empty()).collect();
        let foreign = text.chars().any(|c| !c.is_ascii() && c.is_alphabetic())
            || plain.iter().filter(|term| !known(term)).count() * 2 > plain.len() && plain.len() > 2
            || language::is_foreign(text);
        let mut question = Question { wanted: Vec::new(), kinds: 0, total: 0.0 };
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
            question.wanted.push(self.wanted(&term, &concepts));
        }
        // A word that no document has weighs about as much as those that are known.
        let known: Vec<f32> = question.wanted.iter().map(|one| one.weight).filter(|weight| *weight > LITTLE).collect();
        #[expect(clippy::cast_precision_loss, reason = "a mean of a few words")]
        let mean = known.iter().sum::<f32>() / known.len().max(1) as f32;
        let unknown = if foreign { FOREIGN } else { UNKNOWN } * mean.max(LITTLE);
        for wanted in &mut question.wanted {
            if wanted.weight < 0.0 {
                wanted.weight = unknown;
            }
            question.total += wanted.weight;
        }
        question
    }

    /// What a word of a question may be in the documents.
    fn wanted(&self, term: &Term, concepts: &[usize]) -> Wanted {
        let vocabulary = Vocabulary::shipped();
        let id = |name: &str| self.ids.get(name).copied();
        let mut any: Vec<(usize, f32)> = Vec::new();
        any.extend(id(&term.stem).filter(|_| !term.stem.is_empty()).map(|id| (id, 1.0)));
        let whole = if term.stem.is_empty() { 1.0 } else { SUBJECT };
        any.extend(concepts.iter().filter_map(|concept| Some((id(&subject(vocabulary.name(*concept)))?, whole))));
        if any.is_empty() && concepts.is_empty() && term.weight != Weight::Number {
            any.extend(
                vocabulary
                    .concepts_like(&term.stem)
                    .into_iter()
                    .filter_map(|concept| Some((id(&subject(vocabulary.name(concept)))?, SUBJECT * NEARLY))),
            );
            let first = term.stem.chars().next();
            let close = self.ids.iter().filter(|(word, _)| word.chars().next() == first && is_nearly(&term.stem, word));
            any.extend(close.map(|(_, id)| (*id, NEARLY)));
        }
        let rarity = any.iter().map(|(term, _)| self.rarity(self.postings[*term].len())).reduce(f32::max);
        let weight = match (rarity, term.weight) {
            // A word of little meaning that nobody wrote says nothing.
            (_, Weight::None | Weight::Number) | (None, Weight::Light) => 0.0,
            (Some(rarity), Weight::Light) => LIGHT * rarity,
            (Some(rarity), Weight::Full) => rarity,
            // It is weighed when the others are.
            (None, Weight::Full) => -1.0,
        };
        Wanted { any, weight }
    }

    /// The part of a chunk that answers the question.
    fn passage(&self, chunk: usize, covered: f32, question: &Question) -> Passage {
        let chunk = &self.chunks[chunk];
        let line = chunk.line.to_string();
        let place = format!("{}:{}", chunk.source, if chunk.built_in { &chunk.title } else { &line });
        let whole = chunk.text();
        let text = if whole.chars().count() <= WHOLE { whole } else { self.excerpt(chunk, question) };
        let source = if chunk.built_in { chunk.source.clone() } else { place.clone() };
        Passage { id: place, title: chunk.heading(), text, source, score: (covered * 1_000.0).round() / 1_000.0 }
    }

    /// The paragraph of a chunk that holds most of the question, with a neighbour that holds what is missing; of a long one the
    /// sentences.
    fn excerpt(&self, chunk: &Chunk, question: &Question) -> String {
        let held: Vec<Vec<f32>> = chunk.paragraphs.iter().map(|text| self.held(text, question)).collect();
        let Some(best) = most(&held) else { return String::new() };
        let length = |text: &str| text.chars().count();
        let paragraph = &chunk.paragraphs[best];
        if length(paragraph) > LONGEST {
            return self.window(paragraph, question);
        }
        let mut range = best..best + 1;
        for neighbour in [best.checked_add(1), best.checked_sub(1)].into_iter().flatten() {
            let Some(text) = chunk.paragraphs.get(neighbour) else { continue };
            let more: f32 = held[neighbour].iter().zip(&held[best]).map(|(there, here)| (there - here).max(0.0)).sum();
            let size: usize = chunk.paragraphs[range.clone()].iter().map(|text| length(text)).sum();
            if more > 0.2 * question.total && size + length(text) < LONGEST {
                range = range.start.min(neighbour)..range.end.max(neighbour + 1);
            }
        }
        // “We bring it to:” alone is no answer.
        if paragraph.trim_end().ends_with(':') && range.end < chunk.paragraphs.len() {
            range.end += 1;
        }
        chunk.paragraphs[range].join("\n")
    }

    /// The sentences of a long paragraph around the one that holds most of the question.
    fn window(&self, paragraph: &str, question: &Question) -> String {
        let sentences = sentences(paragraph);
        let held: Vec<Vec<f32>> = sentences.iter().map(|text| self.held(text, question)).collect();
        let Some(best) = most(&held) else { return String::new() };
        let mut range = best..best + 1;
        let mut size = sentences[best].chars().count();
        loop {
            let before = range.start.checked_sub(1);
            let after = Some(range.end).filter(|end| *end < sentences.len());
            let gain = |at: Option<usize>| at.map_or(-1.0, |at| held[at].iter().sum::<f32>());
            let fits = |at: Option<usize>| at.filter(|at| size + sentences[*at].chars().count() <= LONGEST);
            let (first, second) = if gain(before) > gain(after) { (before, after) } else { (after, before) };
            let Some(next) = fits(first).or(fits(second)) else { break };
            size += sentences[next].chars().count();
            range = range.start.min(next)..range.end.max(next + 1);
        }
        sentences[range].concat().trim().to_owned()
    }

    /// How much of each word of the question a text holds.
    fn held(&self, text: &str, question: &Question) -> Vec<f32> {
        let mut counts = HashMap::new();
        count_terms(text, &mut counts);
        let ids: Vec<usize> = counts.keys().filter_map(|term| self.ids.get(term).copied()).collect();
        let kinds = kinds_of(text) & question.kinds;
        let of_kind = f32::from(u8::try_from(kinds.count_ones()).unwrap_or(0)) * 0.5;
        let share = |wanted: &Wanted| {
            let best = wanted.any.iter().filter(|(id, _)| ids.contains(id)).map(|(_, factor)| *factor);
            best.fold(0.0, f32::max) * wanted.weight.max(0.1)
        };
        question.wanted.iter().map(share).chain([of_kind]).collect()
    }
}

/// The place with the highest sum, the first of several.
fn most(held: &[Vec<f32>]) -> Option<usize> {
    let sums = held.iter().map(|held| held.iter().sum::<f32>());
    let best = sums.enumerate().fold(None, |best: Option<(usize, f32)>, (at, sum)| match best {
        Some((_, highest)) if highest >= sum => best,
        _ => Some((at, sum)),
    });
    best.map(|(at, _)| at)
}

/// The term of a subject.
fn subject(name: &str) -> String {
    format!("#{name}")
}

/// Counts the terms of a text, and returns how many words it has.
fn count_terms(text: &str, counts: &mut HashMap<String, f32>) -> f32 {
    let vocabulary = Vocabulary::shipped();
    let mut length = 0.0;
    for term in vocabulary.terms(text) {
        length += 1.0;
        for concept in &term.concepts {
            let name = vocabulary.name(*concept);
            if !name.starts_with('?') {
                *counts.entry(subject(name)).or_default() += 1.0;
            }
        }
        if term.weight != Weight::None && !term.stem.is_empty() {
            *counts.entry(term.stem).or_default() += 1.0;
        }
    }
    length
}

/// What a text holds besides its words.
fn kinds_of(text: &str) -> u8 {
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

#[cfg(test)]
#[path = "index_tests.rs"]
mod tests;
