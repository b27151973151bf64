//! Trains the classifier of `src/agent/guard` from `data/guard/*.csv` and writes its weights and reference scores there.
//! Rows of `tests/guard/*.csv` are never trained on, nor do they choose anything.

#[path = "../../../../src/agent/guard/features.rs"]
mod features;
#[path = "../../../../src/agent/guard/kinds.rs"]
mod kinds;
#[path = "../../../../src/agent/guard/lexicon.rs"]
mod lexicon;
#[path = "../../../../src/agent/guard/readable.rs"]
mod readable;
#[path = "../../../../src/agent/guard/subject.rs"]
mod subject;
#[path = "../../../../src/agent/guard/tokens.rs"]
mod tokens;
mod training;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use readable::fold;
use subject::Weights;
use training::{LET_OUT, Row, Scored, fitted, rows, unseen};

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..");
    let rows = rows(&root.join("data/guard"));
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "score") {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            let reading = Weights::shipped().read_sentence(&fold(&line));
            println!("{:6.2} {:<9} {:.2} {line}", reading.score, format!("{:?}", reading.subject), reading.unknown);
        }
        return;
    }
    let unseen = unseen(&rows);
    report(&rows, &unseen, arguments.iter().any(|argument| argument == "errors"));
    if !arguments.is_empty() {
        return;
    }
    let bytes = fitted(&rows, &unseen).bytes();
    let weights = Weights::read(&bytes);
    let mut reference = String::from("score,subject,text\n");
    for row in rows.iter().step_by(rows.len() / 60) {
        let reading = weights.read_sentence(&fold(&row.text));
        let text = row.text.replace('"', "\"\"");
        let _ = writeln!(reference, "{:.4},{:?},\"{text}\"", reading.score, reading.subject);
    }
    let folder = root.join("src/agent/guard");
    std::fs::write(folder.join("weights.bin"), bytes).expect("the weights can be written");
    std::fs::write(folder.join("reference.csv"), reference).expect("the reference scores can be written");
}

/// What the weights make of groups that they have not seen: at several thresholds, and by language at the chosen one.
fn report(rows: &[Row], unseen: &[Scored], errors: bool) {
    let harmless = rows.iter().filter(|row| row.label == 0).count();
    println!("{} rows, {harmless} harmless", rows.len());
    let harmless = |everyday: bool| {
        unseen.iter().filter(move |scored| scored.row.label == 0 && (!everyday || scored.row.everyday))
    };
    for share in [0.01, 0.02, 0.03, 0.05, 0.08, 0.1] {
        let threshold = training::threshold(unseen, share);
        let held = |everyday: bool| {
            let held = harmless(everyday).filter(|scored| scored.score >= threshold).count();
            100.0 * held as f32 / harmless(everyday).count().max(1) as f32
        };
        let (all, everyday) = (held(false), held(true));
        println!(
            "out {:4.1} %  held {all:4.1} %, of the everyday ones {everyday:4.1} %  at {threshold:.2}",
            share * 100.0
        );
    }
    let mut unknown: Vec<f32> = unseen.iter().filter_map(|scored| scored.unknown).collect();
    unknown.sort_by(f32::total_cmp);
    let at = |share: f32| unknown[(unknown.len() as f32 * share) as usize];
    println!("unknown pieces: {:.2} at half, {:.2} at 99 %, {:.2} at 99.8 % of the rows", at(0.5), at(0.99), at(0.998));
    let threshold = training::threshold(unseen, LET_OUT);
    let mut languages: BTreeMap<&str, [usize; 4]> = BTreeMap::new();
    let mut wrong: Vec<&Scored> = Vec::new();
    for scored in unseen {
        let counts = languages.entry(&scored.row.language).or_default();
        let held = scored.score >= threshold;
        match (scored.row.label == 0, held) {
            (true, held) => {
                counts[0] += 1;
                counts[1] += usize::from(held);
            }
            (false, held) => {
                counts[2] += 1;
                counts[3] += usize::from(!held);
            }
        }
        if held == (scored.row.label == 0) {
            wrong.push(scored);
        }
    }
    println!("at {threshold:.2}, by language: harmless rows, held back; false rows, let out");
    for (language, [harmless, held, false_, out]) in languages {
        println!("{language:<9}{harmless:>6}{held:>6}{false_:>6}{out:>6}");
    }
    if errors {
        wrong.sort_by(|a, b| a.score.total_cmp(&b.score));
        for Scored { row, score, .. } in wrong {
            println!("{score:.2} {} {} {} {}", row.language, row.group, row.label, row.text);
        }
    }
}
