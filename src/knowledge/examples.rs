//! What the search sees of questions of which it is known what answers them: `tests/knowledge/answers.py` learns from it when a
//! passage answers.
//!
//! It must never reach the search: what is learnt stands in `signals.rs`.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::chunks::Chunk;
use super::index::{CANDIDATES, Index, Passage};
use super::library::Library;
use super::measure::Asked;
use super::terms::{Term, Vocabulary};
use super::{language, signals};

/// How often each question is read, and of how many of a hundred words the subjects are unknown but for the first time.
const ROUNDS: u32 = 4;
const UNKNOWN: u32 = 30;

/// The best chunks for each question and for each part of it that asks something, as the search sees them, and whether they answer it:
/// with all documents, and without those that do.
pub fn examples(folder: &Path, asked: &[Asked], built_in: &[Chunk]) -> Vec<Value> {
    let mut libraries: BTreeMap<&str, Library> = BTreeMap::new();
    let mut examples = Vec::new();
    for one in asked {
        let library = libraries
            .entry(one.folder.as_str())
            .or_insert_with(|| Library::open(Some(folder.join(&one.folder)), built_in.to_vec()));
        let index = library.index();
        let texts: Vec<&str> = [one.question.as_str()].into_iter().chain(language::questions(&one.question)).collect();
        for (part, text) in texts.iter().enumerate() {
            examples.push(example(&index, one, text, (part, 0), false));
        }
        for round in 1..ROUNDS {
            examples.push(example(&index, one, &one.question, (0, round), false));
        }
        let answers = |chunk: &Chunk| one.passages.iter().chain(&one.or).any(|place| place.document == chunk.source);
        if !one.passages.is_empty() {
            let rest: Vec<Chunk> = index.chunks().iter().filter(|chunk| !answers(chunk)).cloned().collect();
            let rest = Index::new(rest);
            examples.extend((0..ROUNDS).map(|round| example(&rest, one, &one.question, (0, round), true)));
        }
    }
    examples
}

fn example(index: &Index, one: &Asked, text: &str, (part, round): (usize, u32), left_out: bool) -> Value {
    let question = index.read_terms(text, terms(text, round));
    let found = index.hits(&question);
    let seen = signals::Asked::new(&question, &found.weights);
    let candidates = found.hits.iter().take(CANDIDATES).enumerate().map(|(at, hit)| {
        let chunk = &index.chunks()[hit.chunk];
        let place = Passage {
            id: String::new(),
            title: chunk.heading(),
            text: String::new(),
            source: format!("{}:{}", chunk.source, chunk.line),
            score: 0.0,
            part: 0,
        };
        let right = !left_out && one.passages.iter().chain(&one.or).any(|wanted| wanted.is_of(&place));
        let values = index.signals(&seen, &found, at);
        let named: Map<String, Value> =
            signals::NAMES.iter().zip(values).map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        json!({
            "source": place.source, "text": chunk.text(), "built_in": chunk.built_in, "right": right, "signals": named,
        })
    });
    json!({
        "id": one.id, "folder": one.folder, "language": one.language, "set": one.part, "text": text, "part": part,
        "round": round, "answerable": !one.passages.is_empty(), "left_out": left_out, "candidates": candidates.collect::<Vec<_>>(),
    })
}

/// The terms of a text; in a later round some words stand for no subject, as those of the next shop's customers will.
fn terms(text: &str, round: u32) -> Vec<Term> {
    let mut terms = Vocabulary::shipped().terms(text);
    for term in terms.iter_mut().filter(|term| round > 0 && !term.stem.is_empty()) {
        // FNV: the same words in every run.
        let seed = 0x811c_9dc5_u32 ^ round.wrapping_mul(0x9e37_79b9);
        let hash = term.word.bytes().fold(seed, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        if (hash >> 8) % 100 < UNKNOWN {
            term.concepts.clear();
        }
    }
    terms
}
