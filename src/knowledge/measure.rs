//! How well the documents answer questions of which it is known what answers them.
//!
//! It must never count an answer as right because it sounds right: what is right is written beside the question.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::chunks::Chunk;
use super::index::Passage;
use super::library::Library;

/// A question, and what answers it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// What it is called.
    pub id: String,
    /// The folder within the folder of documents in which it is asked; empty: that one.
    #[serde(default)]
    pub folder: String,
    /// The code of its language.
    #[serde(default)]
    pub language: String,
    /// What the customer writes.
    pub question: String,
    /// What answers it: a passage for each thing that is asked. Empty: no document does.
    pub passages: Vec<Place>,
    /// Other passages that would be right in the place of the first one.
    #[serde(default)]
    pub or: Vec<Place>,
    /// What the passage that is given has to say, in any case of letters.
    #[serde(default)]
    pub holds: String,
    /// To which part of the questions it belongs, such as those by which thresholds are chosen.
    #[serde(default)]
    pub part: String,
}

/// A place in the documents.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The file.
    pub document: String,
    /// The heading right above the passage.
    pub heading: String,
}

impl Place {
    pub(super) fn is_of(&self, passage: &Passage) -> bool {
        let file = passage.source.rsplit_once(':').map_or(passage.source.as_str(), |(file, _)| file);
        let heading = passage.title.rsplit(" › ").next().unwrap_or_default();
        file == self.document && heading == self.heading
    }
}

/// Questions, one JSON object on each line.
///
/// # Errors
/// When a line is none: its number, and what is wrong.
pub fn questions(text: &str) -> Result<Vec<Asked>, String> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines.map(|(at, line)| serde_json::from_str(line).map_err(|error| format!("line {}: {error}", at + 1))).collect()
}

/// What was wrong with the answer to a question.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Mistake {
    /// The question's name.
    pub id: String,
    /// What was asked.
    pub question: String,
    /// What is wrong.
    pub what: Wrong,
    /// The passages that were found, the best first.
    pub found: Vec<String>,
}

/// Kinds of mistakes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Wrong {
    /// A passage answers it, and none was found.
    NotFound,
    /// Another passage came first.
    AnotherFirst,
    /// The right passage, but not the part of it that answers.
    WithoutTheAnswer,
    /// Two things were asked, and one was answered.
    HalfAnswered,
    /// No document answers it, and one was given.
    MadeUp,
}

impl std::fmt::Display for Wrong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NotFound => "no passage was found",
            Self::AnotherFirst => "another passage came first",
            Self::WithoutTheAnswer => "what is given of the passage does not answer",
            Self::HalfAnswered => "one of two things was answered",
            Self::MadeUp => "answered, though no document answers it",
        })
    }
}

/// Counts of a language.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Tally {
    /// Questions that a document answers.
    pub answerable: u32,
    /// Of these, those whose right passage came first.
    pub first: u32,
}

/// How questions were answered. All figures but the time are counts of questions.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Measured {
    /// Questions that a document answers.
    pub answerable: u32,
    /// Of these: the right passage came first.
    pub first: u32,
    /// It was among the three that are given at most.
    pub among: u32,
    /// It came first, and what is given of it holds the answer.
    pub told: u32,
    /// Nothing was found.
    pub not_found: u32,
    /// Questions that ask two things.
    pub double: u32,
    /// Of these: both passages were given.
    pub both: u32,
    /// Questions that no document answers.
    pub unanswerable: u32,
    /// Of these: answered nevertheless.
    pub made_up: u32,
    /// The first passages by the language of the question.
    pub languages: BTreeMap<String, Tally>,
    /// What was wrong.
    pub mistakes: Vec<Mistake>,
    /// The mean time of a search.
    pub each: Duration,
}

/// Asks the documents of a folder. `built_in`: the answers that are there without documents.
pub fn measure(folder: &Path, asked: &[Asked], built_in: &[Chunk]) -> Measured {
    let mut libraries: BTreeMap<&str, Library> = BTreeMap::new();
    let mut measured = Measured::default();
    let mut spent = Duration::ZERO;
    for one in asked {
        let library = libraries
            .entry(one.folder.as_str())
            .or_insert_with(|| Library::open(Some(folder.join(&one.folder)), built_in.to_vec()));
        let begun = Instant::now();
        let found = library.search(&one.question);
        spent += begun.elapsed();
        measured.count(one, &found);
    }
    measured.each = spent / u32::try_from(asked.len().max(1)).unwrap_or(u32::MAX);
    measured
}

/// A share of questions in percent, with one decimal; 0 of 0 is 0.
fn percent(count: u32, of: u32) -> f64 {
    (f64::from(count) / f64::from(of.max(1)) * 1_000.0).round() / 10.0
}

impl Measured {
    /// The figures: counts, shares in percent, and milliseconds per search.
    pub fn to_json(&self) -> Value {
        let milliseconds = (self.each.as_secs_f64() * 1e6).round() / 1e3;
        let languages = self.languages.iter().map(|(language, tally)| {
            let value = json!({
                "answerable": tally.answerable, "first": tally.first, "first_percent": percent(tally.first, tally.answerable),
            });
            (language.clone(), value)
        });
        json!({
            "answerable": self.answerable,
            "first": self.first, "first_percent": percent(self.first, self.answerable),
            "among_three": self.among, "among_three_percent": percent(self.among, self.answerable),
            "with_the_answer": self.told, "with_the_answer_percent": percent(self.told, self.answerable),
            "not_found": self.not_found, "not_found_percent": percent(self.not_found, self.answerable),
            "double": self.double, "both_answered": self.both,
            "unanswerable": self.unanswerable,
            "made_up": self.made_up, "made_up_percent": percent(self.made_up, self.unanswerable),
            "languages": languages.collect::<Map<_, _>>(),
            "milliseconds_per_search": milliseconds,
        })
    }

    /// The figures for people.
    pub fn lines(&self) -> Vec<String> {
        let line =
            |name: &str, count: u32, of: u32| format!("{name:<48}{:>6.1} %  ({count} of {of})", percent(count, of));
        let mut lines = vec![
            line("the right passage first", self.first, self.answerable),
            line("the right passage among three", self.among, self.answerable),
            line("what is given of it holds the answer", self.told, self.answerable),
            line("“don't know” although a document answers", self.not_found, self.answerable),
            line("both of two things answered", self.both, self.double),
            line("answered although no document does", self.made_up, self.unanswerable),
        ];
        for (language, tally) in &self.languages {
            lines.push(line(&format!("the right passage first, {language}"), tally.first, tally.answerable));
        }
        lines.push(format!("{:<48}{:>6.2} ms", "a search", self.each.as_secs_f64() * 1e3));
        lines
    }

    fn count(&mut self, one: &Asked, found: &[Passage]) {
        let wrong = if one.passages.is_empty() {
            self.unanswerable += 1;
            self.made_up += u32::from(!found.is_empty());
            (!found.is_empty()).then_some(Wrong::MadeUp)
        } else {
            self.count_answerable(one, found)
        };
        if let Some(what) = wrong {
            let found = found.iter().map(|passage| format!("{} ({})", passage.title, passage.source)).collect();
            self.mistakes.push(Mistake { id: one.id.clone(), question: one.question.clone(), what, found });
        }
    }

    fn count_answerable(&mut self, one: &Asked, found: &[Passage]) -> Option<Wrong> {
        let right = |passage: &&Passage| one.passages.iter().chain(&one.or).any(|place| place.is_of(passage));
        let holds = |passage: &Passage| passage.text.to_lowercase().contains(&one.holds.to_lowercase());
        let first = found.first().filter(right);
        let double = one.passages.len() > 1;
        let both = double && one.passages.iter().all(|place| found.iter().any(|passage| place.is_of(passage)));
        // Of two things that are asked either may come first.
        let told = first.is_some_and(holds) || double && first.is_some() && found.iter().any(holds);
        let tally = self.languages.entry(one.language.clone()).or_default();
        tally.answerable += 1;
        tally.first += u32::from(first.is_some());
        self.answerable += 1;
        self.first += u32::from(first.is_some());
        self.among += u32::from(found.iter().any(|passage| right(&passage)));
        self.told += u32::from(told);
        self.not_found += u32::from(found.is_empty());
        self.double += u32::from(double);
        self.both += u32::from(both);
        match first {
            _ if found.is_empty() => Some(Wrong::NotFound),
            None => Some(Wrong::AnotherFirst),
            Some(_) if !told => Some(Wrong::WithoutTheAnswer),
            Some(_) if double && !both => Some(Wrong::HalfAnswered),
            Some(_) => None,
        }
    }
}
