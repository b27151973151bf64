//! A small classifier of what a sentence says: something harmless, or something that only the program may say.
//!
//! It is linear over hashed pieces of words and their neighbours (`features.rs`). Its weights are made from
//! `data/guard/*.csv` and are never edited.

use std::sync::LazyLock;

use super::features::{Features, features};

/// What a sentence asserts or asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    /// Nothing that needs evidence: a question, a denial, an offer on a condition, warmth, an order's status.
    Harmless,
    /// That money was, is being or will be paid.
    Money,
    /// That an order or account was, is being or will be changed.
    Change,
    /// That a person was asked, knows, or will come, call or write.
    Person,
    /// Until when something will happen.
    Deadline,
    /// That something unnamed is done.
    Done,
    /// Where else to turn to: a link, an address, a number.
    Contact,
    /// A secret, a payment or access that the customer is to give.
    Secret,
}

impl Subject {
    pub(super) const ALL: [Self; 8] = [
        Self::Harmless,
        Self::Money,
        Self::Change,
        Self::Person,
        Self::Deadline,
        Self::Done,
        Self::Contact,
        Self::Secret,
    ];
}

/// What the classifier makes of a sentence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Reading {
    /// How far it is from harmless: above 0 it may not leave.
    pub score: f32,
    /// What it speaks of; where it may leave, `Harmless`.
    pub subject: Subject,
    /// The share of its pieces that no checked text has, from 0 to 1.
    pub unknown: f32,
    /// How many pieces that is a share of.
    pub pieces: usize,
}

/// Bits of a hash that name the weight of a piece of a word.
pub(super) const WORD_BITS: u32 = 20;
/// Bits of a hash that name the weights of what words are about.
pub(super) const KIND_BITS: u32 = 16;
/// Bits of a hash that name the weights of the subjects.
pub(super) const SUBJECT_BITS: u32 = 13;
/// Bits of a hash that name a known piece.
pub(super) const KNOWN_BITS: u32 = 19;
/// Subjects that may not leave.
pub(super) const SUBJECTS: usize = 7;
/// The score of a sentence that was checked word by word.
const SURE: f32 = -10.0;
/// Fewer pieces say nothing about the language.
pub(super) const PIECES: usize = 8;
/// The share of unknown pieces that is usual in a language that was checked, and what each share above it adds to the score.
const USUAL: f32 = 0.3;
const STRANGE: f32 = 5.0;
/// Numbers before the weights: bias, threshold and scales of the score, scale and biases of the subjects.
pub(super) const HEAD: usize = 5 + SUBJECTS;
/// How many weights or bytes each part has.
pub(super) const PARTS: [usize; 4] = [1 << WORD_BITS, 1 << KIND_BITS, SUBJECTS << SUBJECT_BITS, (1 << KNOWN_BITS) / 8];

static SHIPPED: LazyLock<Weights> = LazyLock::new(|| Weights::read(include_bytes!("weights.bin")));

/// The weights of the classifier.
#[derive(Debug)]
pub(super) struct Weights {
    head: [f32; HEAD],
    words: Vec<i8>,
    kinds: Vec<i8>,
    by_subject: Vec<i8>,
    known: Vec<u8>,
    /// Harmless sentences that the sums alone would not be sure of, in ascending order.
    allowed: Vec<u32>,
}

impl Weights {
    /// The shipped weights.
    pub(super) fn shipped() -> &'static Self {
        &SHIPPED
    }

    /// Reads weights as the trainer (`tests/guard/trainer`) writes them. What is missing counts as 0, so that everything is held back.
    pub(super) fn read(bytes: &[u8]) -> Self {
        let mut head = [0.0; HEAD];
        for (number, four) in head.iter_mut().zip(bytes.chunks_exact(4)) {
            *number = f32::from_le_bytes([four[0], four[1], four[2], four[3]]);
        }
        let mut from = HEAD * 4;
        let mut part = |length: usize| {
            let mut part = bytes.get(from..).unwrap_or_default().to_vec();
            part.resize(length, 0);
            from += length;
            part
        };
        let [words, kinds, by_subject, known] = PARTS.map(&mut part);
        let allowed = bytes.get(from..).unwrap_or_default().chunks_exact(4);
        let allowed = allowed.map(|four| u32::from_le_bytes([four[0], four[1], four[2], four[3]])).collect();
        let signed = |bytes: Vec<u8>| bytes.into_iter().map(u8::cast_signed).collect();
        Self { head, words: signed(words), kinds: signed(kinds), by_subject: signed(by_subject), known, allowed }
    }

    /// Reads a folded sentence.
    pub(super) fn read_sentence(&self, folded: &str) -> Reading {
        let Features { words, kinds, pieces, secrecy, key } = features(folded);
        let [bias, threshold, word_scale, kind_scale, subject_scale, ..] = self.head;
        let sum = |hashes: &[u64], weights: &[i8], bits: u32| {
            hashes.iter().map(|hash| i32::from(weights[index(*hash, bits)])).sum::<i32>()
        };
        let words_say = f32_of(sum(&words, &self.words, WORD_BITS)) * word_scale * value(words.len());
        let kinds_say = f32_of(sum(&kinds, &self.kinds, KIND_BITS)) * kind_scale * value(kinds.len());
        let unknown = pieces.iter().filter(|hash| !self.knows(**hash)).count();
        let unknown_share = share(unknown, pieces.len());
        // What is said in words that nobody checked may be anything.
        let strange = if pieces.len() < PIECES { 0.0 } else { STRANGE * (unknown_share - USUAL).max(0.0) };
        let sure = self.allowed.binary_search(&key).is_ok();
        let score = if sure { SURE } else { bias + words_say + kinds_say + secrecy + strange - threshold };
        let subject = match (score < 0.0, secrecy > 0.0) {
            (true, _) => Subject::Harmless,
            (false, true) => Subject::Secret,
            (false, false) => self.likeliest(&words, &kinds, subject_scale),
        };
        Reading { score, subject, unknown: unknown_share, pieces: pieces.len() }
    }

    /// The subject that is likeliest of those that may not leave.
    fn likeliest(&self, words: &[u64], kinds: &[u64], scale: f32) -> Subject {
        let mut subjects = [0_i32; SUBJECTS];
        for hash in words.iter().chain(kinds) {
            let row = index(*hash, SUBJECT_BITS) * SUBJECTS;
            for (total, weight) in subjects.iter_mut().zip(&self.by_subject[row..row + SUBJECTS]) {
                *total += i32::from(*weight);
            }
        }
        let scale = scale * value(words.len() + kinds.len());
        let logits = (0..SUBJECTS).map(|at| f32_of(subjects[at]) * scale + self.head[5 + at]).enumerate();
        logits.max_by(|a, b| a.1.total_cmp(&b.1)).map_or(Subject::Money, |(at, _)| Subject::ALL[at + 1])
    }

    fn knows(&self, hash: u64) -> bool {
        let bit = index(hash, KNOWN_BITS);
        self.known[bit / 8] & (1 << (bit % 8)) != 0
    }
}

/// What each of so many features counts: a long sentence says more than a short one, but not in proportion.
pub(super) fn value(features: usize) -> f32 {
    1.0 / share(features.max(1), 1).sqrt()
}

/// The place that a hash names.
pub(super) fn index(hash: u64, bits: u32) -> usize {
    usize::try_from(hash & ((1 << bits) - 1)).unwrap_or(0)
}

#[expect(clippy::cast_precision_loss, reason = "sums of a few thousand bytes")]
fn f32_of(sum: i32) -> f32 {
    sum as f32
}

#[expect(clippy::cast_precision_loss, reason = "counts of a few thousand")]
fn share(part: usize, whole: usize) -> f32 {
    if whole == 0 { 0.0 } else { part as f32 / whole as f32 }
}

#[cfg(test)]
mod tests {
    use super::super::readable::fold;
    use super::*;

    #[test]
    fn the_shipped_weights_give_the_reference_scores() {
        let mut seen = 0;
        for record in csv::Reader::from_reader(include_str!("reference.csv").as_bytes()).records() {
            let record = record.unwrap();
            let reading = Weights::shipped().read_sentence(&fold(&record[2]));
            let score: f32 = record[0].parse().unwrap();
            assert!((reading.score - score).abs() < 0.001, "{}: {} instead of {score}", &record[2], reading.score);
            assert_eq!(format!("{:?}", reading.subject), record[1], "{}", &record[2]);
            seen += 1;
        }
        assert!(seen >= 60, "{seen}");
    }

    #[test]
    fn the_shipped_weights_are_whole_and_small() {
        let bytes = include_bytes!("weights.bin").len();
        let tables = HEAD * 4 + PARTS.iter().sum::<usize>();
        assert!(bytes > tables && (bytes - tables).is_multiple_of(4), "{bytes}");
        assert!(bytes < 1_400_000, "{bytes}");
    }

    #[test]
    fn missing_weights_let_nothing_out() {
        let reading = Weights::read(&[]).read_sentence("hello");
        assert!(reading.score >= 0.0, "{reading:?}");
    }
}
