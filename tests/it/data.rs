//! What `data/README.md` says of the training data: labels, groups, no copy of a test sentence.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::shared;

struct Row {
    text: String,
    intent: String,
    sentiment: String,
    group: String,
}

fn read(name: &str) -> Vec<Row> {
    read_file(&Path::new(env!("CARGO_MANIFEST_DIR")).join(name))
}

fn read_file(path: &Path) -> Vec<Row> {
    let mut reader = csv::Reader::from_path(path).unwrap();
    let header = reader.headers().unwrap().clone();
    let column = |name: &str| header.iter().position(|column| column == name);
    let (text, intent, sentiment) = (column("text").unwrap(), column("intent").unwrap(), column("sentiment").unwrap());
    let group = column("group");
    reader
        .records()
        .map(|record| {
            let record = record.unwrap();
            Row {
                text: record[text].to_owned(),
                intent: record[intent].to_owned(),
                sentiment: record[sentiment].to_owned(),
                group: group.map(|group| record[group].to_owned()).unwrap_or_default(),
            }
        })
        .collect()
}

fn plain(text: &str) -> String {
    let words: Vec<String> = text
        .split(|c: char| !c.is_alphanumeric() && c != '\'')
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    words.join(" ")
}

/// The sentences that the accuracy of the shipped model is measured with: no row may be near one of them.
const TEST_SENTENCES: &str = "data/nlu_eval_45.csv";
const FILES: [&str; 7] = [
    "data/train.csv",
    "data/train_hinglish.csv",
    "data/train_languages.csv",
    "data/train_more.csv",
    "data/train_further.csv",
    "data/validation.csv",
    "data/test.csv",
];

#[test]
fn labels_are_those_of_the_guide_and_every_row_is_distinct() {
    let (mut texts, mut total) = (BTreeSet::new(), 0);
    let mut intents: BTreeMap<String, usize> = BTreeMap::new();
    for file in FILES {
        for row in read(file) {
            total += 1;
            let known = |labels: &[&str], label: &str| label.is_empty() || labels.contains(&label);
            assert!(known(&ecomres::nlu::INTENTS, &row.intent), "{file}: {}", row.intent);
            assert!(known(&ecomres::nlu::SENTIMENTS, &row.sentiment), "{file}: {}", row.sentiment);
            assert!(!row.text.trim().is_empty() && !row.group.is_empty(), "{file}: {}", row.text);
            assert!(texts.insert(row.text.to_lowercase()), "{file}: twice: {}", row.text);
            if !row.intent.is_empty() {
                *intents.entry(row.intent).or_default() += 1;
            }
        }
    }
    assert!(total >= 6_000, "{total} rows");
    assert!(intents.len() == 9 && intents.values().all(|count| *count >= 400), "{intents:?}");
}

#[test]
fn no_paraphrase_group_is_on_both_sides_of_a_split() {
    let mut owner: BTreeMap<String, &str> = BTreeMap::new();
    for file in FILES {
        for row in read(file) {
            let side = if file.starts_with("data/train") { "training" } else { file };
            let first = *owner.entry(row.group.clone()).or_insert(side);
            assert_eq!(first, side, "group {} is in both", row.group);
        }
    }
}

/// Neither a copy of a test sentence nor one with few letters or words changed.
#[test]
#[ignore = "reads ../shared: .ci/run runs it"]
fn no_row_is_close_to_a_test_sentence() {
    let tested: Vec<String> = read_file(&shared(TEST_SENTENCES)).iter().map(|row| plain(&row.text)).collect();
    assert_eq!(tested.len(), 45);
    let words = |text: &str| text.split(' ').map(str::to_owned).collect::<BTreeSet<String>>();
    let mut close = Vec::new();
    for file in FILES {
        for row in read(file) {
            let text = plain(&row.text);
            for sentence in &tested {
                let letters = strsim::normalized_damerau_levenshtein(&text, sentence);
                let (a, b) = (words(&text), words(sentence));
                let (common, all) = (a.intersection(&b).count(), a.union(&b).count());
                if letters >= 0.8 || 4 * common >= 3 * all {
                    close.push(format!("{file}: “{}” is close to “{sentence}”", row.text));
                }
            }
        }
    }
    assert!(close.is_empty(), "{}", close.join("\n"));
}

/// Mean of a sentence's word vectors from the shipped model, rare words weighing more, of length 1.
struct Embedding {
    tokenizer: tokenizers::Tokenizer,
    vectors: Vec<f32>,
    width: usize,
    weights: Vec<f32>,
}

impl Embedding {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "fewer than 2^24 rows; weights near 1"
    )]
    fn new<'a>(texts: impl Iterator<Item = &'a str>) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("model");
        let mut tokenizer = tokenizers::Tokenizer::from_file(folder.join("tokenizer.json")).unwrap();
        tokenizer.with_padding(None);
        let bytes = std::fs::read(folder.join("model.safetensors")).unwrap();
        let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        let words = file.tensor("distilbert.embeddings.word_embeddings.weight").unwrap();
        let width = words.shape()[1];
        let mut vectors: Vec<f32> =
            words.data().chunks(2).map(|two| half::f16::from_le_bytes([two[0], two[1]]).to_f32()).collect();
        // All vectors share a large common part, which would make everything alike.
        let rows = vectors.len() / width;
        for column in 0..width {
            let mean = (0..rows).map(|row| vectors[row * width + column]).sum::<f32>() / rows as f32;
            (0..rows).for_each(|row| vectors[row * width + column] -= mean);
        }
        let (mut counts, mut total) = (vec![0_u32; rows], 0);
        for text in texts {
            let ids: BTreeSet<u32> = tokenizer.encode_fast(text, false).unwrap().get_ids().iter().copied().collect();
            for id in ids {
                counts[id as usize] += 1;
            }
            total += 1;
        }
        let weights =
            counts.iter().map(|count| (f64::from(total) / f64::from(1 + count)).ln().max(0.1) as f32).collect();
        Self { tokenizer, vectors, width, weights }
    }

    fn of(&self, text: &str) -> Vec<f32> {
        let mut sum = vec![0.0_f32; self.width];
        for id in self.tokenizer.encode_fast(text, false).unwrap().get_ids() {
            let (start, weight) = (*id as usize * self.width, self.weights[*id as usize]);
            sum.iter_mut().zip(&self.vectors[start..]).for_each(|(sum, value)| *sum += weight * value);
        }
        let norm = sum.iter().map(|value| value * value).sum::<f32>().sqrt().max(1e-9);
        for value in &mut sum {
            *value /= norm;
        }
        sum
    }
}

/// Nor one that says the same in nearly the same words: the cosine of a row's vector and a test sentence's is below 0.95.
#[test]
#[ignore = "reads ../shared: .ci/run runs it"]
fn no_row_has_nearly_the_vector_of_a_test_sentence() {
    let rows: Vec<(&str, Row)> =
        FILES.iter().flat_map(|file| read(file).into_iter().map(move |row| (*file, row))).collect();
    let embedding = Embedding::new(rows.iter().map(|(_, row)| row.text.as_str()));
    let cosine = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    let tested: Vec<(String, Vec<f32>)> =
        read_file(&shared(TEST_SENTENCES)).into_iter().map(|row| (row.text.clone(), embedding.of(&row.text))).collect();
    assert_eq!(tested.len(), 45);
    // The measure sees what it is meant to see.
    let near = cosine(&embedding.of("Where is my order?"), &embedding.of("where is my order please"));
    let far = cosine(&embedding.of("Where is my order?"), &embedding.of("the milk had turned sour"));
    assert!(near > 0.8 && far < 0.5, "{near} {far}");
    let mut close = Vec::new();
    for (file, row) in &rows {
        let vector = embedding.of(&row.text);
        for (sentence, other) in &tested {
            let likeness = cosine(&vector, other);
            if likeness >= 0.95 {
                close.push(format!("{likeness:.3} {file}: “{}” is close to “{sentence}”", row.text));
            }
        }
    }
    assert!(close.is_empty(), "{}", close.join("\n"));
}
