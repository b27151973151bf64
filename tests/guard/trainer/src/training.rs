//! Fits the weights of the guard's classifier to rows.

use std::collections::HashSet;
use std::path::Path;

use crate::features::{Features, features};
use crate::readable::fold;
use crate::subject::{HEAD, KIND_BITS, KNOWN_BITS, PARTS, SUBJECT_BITS, SUBJECTS, WORD_BITS, Weights, index, value};

/// The labels of the rows, in the order of `Subject::ALL`.
const LABELS: [&str; 8] = ["harmless", "money", "change", "person", "deadline", "done", "contact", "secret"];
/// How often every row is seen.
const EPOCHS: usize = 12;
/// The step of AdaGrad at the beginning; it falls to a tenth.
const STEP: f32 = 0.3;
/// How much the weights are drawn to 0.
const DECAY: f32 = 1e-5;
/// How much a false row counts beside a harmless one: what gets out costs more than what is held back.
const FALSE: f32 = 3.0;
/// How far the labels are trusted: each is taken for wrong with this probability, so that no row is learned by heart.
const DOUBT: f32 = 0.03;
/// Rows whose group falls into this one of so many parts choose the threshold.
const FOLDS: u64 = 5;
/// Harmless rows above this score are allowed by name.
const UNSURE: f32 = -1.5;
/// The share of false rows that the threshold may let out.
pub(crate) const LET_OUT: f32 = 0.02;

/// A row of the training data.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub language: String,
    pub group: String,
    pub label: usize,
    pub text: String,
    /// It stands among what is said in earnest, not among minimal pairs.
    pub everyday: bool,
}

/// Reads all training rows, file by file.
pub(crate) fn rows(folder: &Path) -> Vec<Row> {
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "csv"));
    files.sort();
    let mut rows = Vec::new();
    for file in files {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let everyday = name == "common" || name.starts_with("everyday") || name.starts_with("voices");
        for record in csv::Reader::from_path(&file).unwrap().records() {
            let record = record.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            let label = LABELS.iter().position(|label| *label == &record[2]);
            rows.push(Row {
                language: record[0].to_owned(),
                group: record[1].to_owned(),
                label: label.unwrap_or_else(|| panic!("{}: label {}", file.display(), &record[2])),
                text: record[3].to_owned(),
                everyday,
            });
        }
    }
    rows
}

/// The part that a group belongs to.
pub(crate) fn fold_of(group: &str, folds: u64) -> u64 {
    let hash = group
        .bytes()
        .fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3));
    ((hash ^ (hash >> 31)).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40) % folds
}

/// Weights in full precision.
pub(crate) struct Fitted {
    bias: f32,
    pub threshold: f32,
    words: Vec<f32>,
    kinds: Vec<f32>,
    by_subject: Vec<f32>,
    subject_bias: [f32; SUBJECTS],
    known: Vec<u8>,
    allowed: Vec<u32>,
}

struct Example {
    features: Features,
    label: usize,
}

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % limit
    }
}

/// A weight table with the squares of its gradients.
struct Table {
    weights: Vec<f32>,
    squares: Vec<f32>,
}

impl Table {
    fn new(length: usize) -> Self {
        Self { weights: vec![0.0; length], squares: vec![1e-6; length] }
    }

    fn step(&mut self, at: usize, error: f32, step: f32) {
        let gradient = error + DECAY * self.weights[at];
        self.squares[at] += gradient * gradient;
        self.weights[at] -= step * gradient / self.squares[at].sqrt();
    }
}

/// Fits the score and the subjects to rows.
pub(crate) fn fit(rows: &[Row]) -> Fitted {
    let mut known = vec![0; PARTS[3]];
    let examples: Vec<Example> = rows
        .iter()
        .map(|row| {
            let folded = fold(&row.text);
            let features = features(&folded);
            for hash in &features.pieces {
                let bit = index(*hash, KNOWN_BITS);
                known[bit / 8] |= 1 << (bit % 8);
            }
            Example { features, label: row.label }
        })
        .collect();
    let (mut words, mut kinds) = (Table::new(PARTS[0]), Table::new(PARTS[1]));
    let mut subjects = Table::new(PARTS[2]);
    let (mut bias, mut subject_bias) = (Table::new(1), Table::new(SUBJECTS));
    let mut order: Vec<usize> = (0..examples.len()).collect();
    let mut dice = Dice(0x00E0_C0DE);
    for epoch in 0..EPOCHS {
        let step = STEP * (1.0 - 0.9 * epoch as f32 / EPOCHS as f32);
        for at in (1..order.len()).rev() {
            order.swap(at, dice.below(at + 1));
        }
        for at in &order {
            let Example { features: Features { words: word, kinds: kind, .. }, label } = &examples[*at];
            let (word_value, kind_value) = (value(word.len()), KIND_VALUE * value(kind.len()));
            let score = bias.weights[0]
                + word_value * word.iter().map(|hash| words.weights[index(*hash, WORD_BITS)]).sum::<f32>()
                + kind_value * kind.iter().map(|hash| kinds.weights[index(*hash, KIND_BITS)]).sum::<f32>();
            let share = 1.0 / (1.0 + (-score).exp());
            let error = if *label == 0 { share - DOUBT } else { FALSE * (share - 1.0 + DOUBT) };
            word.iter().for_each(|hash| words.step(index(*hash, WORD_BITS), error * word_value, step));
            kind.iter().for_each(|hash| kinds.step(index(*hash, KIND_BITS), error * kind_value, step));
            bias.step(0, error, step * 0.2);
            if *label == 0 {
                continue;
            }
            let value = value(word.len() + kind.len());
            let logits: Vec<f32> = (0..SUBJECTS)
                .map(|subject| {
                    let hashes = word.iter().chain(kind);
                    let sum: f32 =
                        hashes.map(|hash| subjects.weights[index(*hash, SUBJECT_BITS) * SUBJECTS + subject]).sum();
                    subject_bias.weights[subject] + value * sum
                })
                .collect();
            let most = logits.iter().copied().fold(f32::MIN, f32::max);
            let total: f32 = logits.iter().map(|logit| (logit - most).exp()).sum();
            for (subject, logit) in logits.iter().enumerate() {
                let error = (logit - most).exp() / total - if *label == subject + 1 { 1.0 } else { 0.0 };
                for hash in word.iter().chain(kind) {
                    subjects.step(index(*hash, SUBJECT_BITS) * SUBJECTS + subject, error * value, step);
                }
                subject_bias.step(subject, error, step * 0.2);
            }
        }
    }
    Fitted {
        bias: bias.weights[0],
        threshold: 0.0,
        words: words.weights,
        kinds: kinds.weights,
        by_subject: subjects.weights,
        subject_bias: std::array::from_fn(|at| subject_bias.weights[at]),
        known,
        allowed: Vec::new(),
    }
}

/// How much what words are about counts beside the words.
const KIND_VALUE: f32 = 0.6;

impl Fitted {
    /// The weights as they are shipped: one byte each.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let (words, word_scale) = bytes_of(&self.words);
        let (kinds, kind_scale) = bytes_of(&self.kinds);
        let (by_subject, subject_scale) = bytes_of(&self.by_subject);
        let mut head = vec![self.bias, self.threshold, word_scale, kind_scale * KIND_VALUE, subject_scale];
        head.extend(self.subject_bias);
        assert_eq!(head.len(), HEAD);
        let head: Vec<u8> = head.into_iter().flat_map(f32::to_le_bytes).collect();
        let allowed = self.allowed.iter().flat_map(|key| key.to_le_bytes()).collect();
        [head, words, kinds, by_subject, self.known.clone(), allowed].concat()
    }
}

fn bytes_of(weights: &[f32]) -> (Vec<u8>, f32) {
    let largest = weights.iter().fold(f32::MIN_POSITIVE, |most, weight| most.max(weight.abs()));
    let scale = largest / 127.0;
    (weights.iter().map(|weight| ((weight / scale).round() as i8).cast_unsigned()).collect(), scale)
}

/// A row and its score by weights that have not seen its group.
#[derive(Debug, Clone)]
pub(crate) struct Scored {
    pub row: Row,
    pub score: f32,
    /// The share of its pieces that are not known, from 0 to 1, where there are enough of them.
    pub unknown: Option<f32>,
}

/// Rows with their scores, each by weights that have not seen its group. Rows that were put together from frames
/// (`frames.csv`) are not among them: they are too much alike.
pub(crate) fn unseen(rows: &[Row]) -> Vec<Scored> {
    let mut found = Vec::new();
    for part in 0..FOLDS {
        let (held, rest): (Vec<Row>, Vec<Row>) =
            rows.iter().cloned().partition(|row| fold_of(&row.group, FOLDS) == part);
        let weights = Weights::read(&fit(&rest).bytes());
        for row in held.into_iter().filter(|row| !row.group.contains("-frame")) {
            let reading = weights.read_sentence(&fold(&row.text));
            let unknown = (reading.pieces >= 8).then_some(reading.unknown);
            found.push(Scored { row, score: reading.score, unknown });
        }
    }
    found
}

/// The threshold at which this share of the false rows gets out.
pub(crate) fn threshold(scored: &[Scored], share: f32) -> f32 {
    let mut scores: Vec<f32> =
        scored.iter().filter(|scored| scored.row.label != 0).map(|scored| scored.score).collect();
    scores.sort_by(f32::total_cmp);
    scores[((scores.len() as f32 * share) as usize).min(scores.len() - 1)]
}

/// Weights of all rows, with the threshold that unseen groups chose.
pub(crate) fn fitted(rows: &[Row], unseen: &[Scored]) -> Fitted {
    let mut fitted = Fitted { threshold: threshold(unseen, LET_OUT), ..fit(rows) };
    let weights = Weights::read(&fitted.bytes());
    let key = |row: &&Row| features(&fold(&row.text)).key;
    let false_ones: HashSet<u32> = rows.iter().filter(|row| row.label != 0).map(|row| key(&row)).collect();
    let unsure = |row: &&Row| row.label == 0 && weights.read_sentence(&fold(&row.text)).score > UNSURE;
    fitted.allowed = rows.iter().filter(unsure).map(|row| key(&row)).filter(|key| !false_ones.contains(key)).collect();
    fitted.allowed.sort_unstable();
    fitted.allowed.dedup();
    println!("{} sentences are allowed as they are", fitted.allowed.len());
    fitted
}
