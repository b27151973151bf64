//! Holds what `data/README.md` says of the training data: labels, groups, no copy of a test sentence.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

struct Row {
    text: String,
    intent: String,
    sentiment: String,
    group: String,
}

fn read(name: &str) -> Vec<Row> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
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

const FILES: [&str; 3] = ["data/train.csv", "data/validation.csv", "data/test.csv"];

#[test]
fn labels_are_those_of_the_guide_and_every_row_is_distinct() {
    let (mut texts, mut total) = (BTreeSet::new(), 0);
    let mut intents: BTreeMap<String, usize> = BTreeMap::new();
    for file in FILES {
        for row in read(file) {
            total += 1;
            assert!(ecomres::nlu::INTENTS.contains(&row.intent.as_str()), "{file}: {}", row.intent);
            assert!(ecomres::nlu::SENTIMENTS.contains(&row.sentiment.as_str()), "{file}: {}", row.sentiment);
            assert!(!row.text.trim().is_empty() && !row.group.is_empty(), "{file}: {}", row.text);
            assert!(texts.insert(row.text.to_lowercase()), "{file}: twice: {}", row.text);
            *intents.entry(row.intent).or_default() += 1;
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
            let first = *owner.entry(row.group.clone()).or_insert(file);
            assert_eq!(first, file, "group {} is in both", row.group);
        }
    }
}

/// Neither a copy of a test sentence nor one with few letters or words changed.
#[test]
fn no_row_is_close_to_a_test_sentence() {
    let name = "../shared/data/nlu_eval_45.csv";
    if !Path::new(env!("CARGO_MANIFEST_DIR")).join(name).exists() {
        eprintln!("not run: {name} is not there");
        return;
    }
    let tested: Vec<String> = read(name).iter().map(|row| plain(&row.text)).collect();
    assert_eq!(tested.len(), 45);
    let words = |text: &str| text.split(' ').map(str::to_owned).collect::<BTreeSet<String>>();
    let mut close = Vec::new();
    for file in FILES {
        for row in read(file) {
            let text = plain(&row.text);
            for sentence in &tested {
                let letters = strsim::normalized_damerau_levenshtein(&text, sentence);
                let (a, b) = (words(&text), words(sentence));
                let shared = a.intersection(&b).count() as f64 / a.union(&b).count() as f64;
                if letters >= 0.8 || shared >= 0.75 {
                    close.push(format!("{file}: “{}” is close to “{sentence}”", row.text));
                }
            }
        }
    }
    assert!(close.is_empty(), "{}", close.join("\n"));
}
