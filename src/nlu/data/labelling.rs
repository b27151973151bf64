//! Turns rows of order and ticket files into training rows, each text once. Every row is counted: as labelled, as unlabelled
//! or as empty.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use serde::Serialize;

use crate::NluError;
use crate::data::label_rules::{LabelRules, RuleLabels};

/// A text with its labels.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LabelledText {
    /// The message.
    pub text: String,
    /// Its intent.
    pub intent: String,
    /// Its sentiment, where a rule gives one.
    pub sentiment: Option<String>,
    /// Name of the file it was first found in.
    pub source: String,
    /// Rows that hold it.
    pub rows: usize,
}

/// A text that no rule fits.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UnlabelledText {
    /// The message.
    pub text: String,
    /// The rating, or the other system's intent.
    pub given: String,
    /// Name of the file it was first found in.
    pub source: String,
    /// Rows that hold it.
    pub rows: usize,
    /// Why it has no label.
    pub reason: &'static str,
}

/// Counts of all rows.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Summary {
    /// Rows read.
    pub rows: usize,
    /// Rows without text.
    pub empty: usize,
    /// Rows that a rule labels.
    pub labelled_rows: usize,
    /// Distinct texts among them: the training rows.
    pub labelled_texts: usize,
    /// Rows that no rule fits.
    pub unlabelled_rows: usize,
    /// Distinct texts among them.
    pub unlabelled_texts: usize,
    /// Rows whose text has other labels more often: they follow the majority.
    pub outvoted_rows: usize,
    /// Training rows by intent.
    pub intents: BTreeMap<String, usize>,
    /// Training rows by sentiment; the empty one is "no sentiment".
    pub sentiments: BTreeMap<String, usize>,
}

/// Collects texts from files.
#[derive(Debug, Default)]
pub struct Labelling {
    texts: HashMap<String, usize>,
    found: Vec<TextVotes>,
    rows: usize,
    empty: usize,
}

/// The labels that the rows of one text got.
#[derive(Debug)]
struct TextVotes {
    text: String,
    source: String,
    votes: Vec<(RuleLabels, usize)>,
    /// Rows that no rule fits.
    unmatched: usize,
    given: String,
    reason: &'static str,
}

/// Names of the columns where they are not those of the rules.
#[derive(Debug, Clone, Default)]
pub struct LabelColumns {
    /// The message.
    pub text: Option<String>,
    /// The rating, or the other system's intent.
    pub given: Option<String>,
}

impl Labelling {
    /// Reads a file of orders.
    ///
    /// # Errors
    /// The file cannot be read or lacks a column.
    pub fn orders(&mut self, path: &Path, rules: &LabelRules, columns: &LabelColumns) -> Result<(), NluError> {
        let names = [(&columns.text, &rules.orders.text), (&columns.given, &rules.orders.rating)];
        self.file(path, names, "--rating-column", |text, rating| {
            let rating = rating.parse().ok();
            let reason = if rating.is_none() { "no rating and no rule without one" } else { "no rule fits" };
            (text.to_owned(), rules.orders.label(text, rating).ok_or(reason))
        })
    }

    /// Reads a file of support tickets.
    ///
    /// # Errors
    /// The file cannot be read or lacks a column.
    pub fn support(&mut self, path: &Path, rules: &LabelRules, columns: &LabelColumns) -> Result<(), NluError> {
        let names = [(&columns.text, &rules.support.text), (&columns.given, &rules.support.intent)];
        self.file(path, names, "--intent-column", |text, theirs| {
            let filled = rules.support.fill(text);
            let labels = rules.support.label(&filled, theirs);
            (filled, labels.ok_or("no rule for its intent"))
        })
    }

    fn file(
        &mut self,
        path: &Path,
        [text, given]: [(&Option<String>, &Vec<String>); 2],
        flag: &str,
        label: impl Fn(&str, &str) -> (String, Result<RuleLabels, &'static str>),
    ) -> Result<(), NluError> {
        let fail = |error: csv::Error| {
            let line = error.position().map_or(1, csv::Position::line);
            match error.into_kind() {
                csv::ErrorKind::Io(error) => NluError::io(path, error),
                kind => NluError::data(
                    format!("{}:{line}: {kind:?}", path.display()),
                    "save the file as comma-separated text with a header line",
                ),
            }
        };
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_path(path).map_err(fail)?;
        let header = reader.byte_headers().map_err(fail)?.clone();
        let names: Vec<String> = header.iter().map(cell_text).collect();
        let find = |(asked, usual): (&Option<String>, &Vec<String>), flag: &str| {
            let wanted: Vec<&String> = asked.as_ref().map_or_else(|| usual.iter().collect(), |name| vec![name]);
            wanted.iter().find_map(|wanted| names.iter().position(|name| name.eq_ignore_ascii_case(wanted))).ok_or_else(
                || {
                    let wanted: Vec<&str> = wanted.iter().map(|name| name.as_str()).collect();
                    NluError::data(
                        format!("{}: no column {}, found {}", path.display(), wanted.join(" or "), names.join(", ")),
                        format!("name the column with {flag}"),
                    )
                },
            )
        };
        let (text, given) = (find(text, "--text-column")?, find(given, flag)?);
        let source = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let mut record = csv::ByteRecord::new();
        while reader.read_byte_record(&mut record).map_err(fail)? {
            let cell = |at: usize| record.get(at).map(cell_text).unwrap_or_default();
            let (message, given) = (cell(text), cell(given));
            self.rows += 1;
            if message.is_empty() {
                self.empty += 1;
                continue;
            }
            let (message, labels) = label(&message, &given);
            self.add(message, labels, given, &source);
        }
        Ok(())
    }

    fn add(&mut self, text: String, labels: Result<RuleLabels, &'static str>, given: String, source: &str) {
        let at = *self.texts.entry(text.clone()).or_insert(self.found.len());
        if at == self.found.len() {
            let source = source.to_owned();
            self.found.push(TextVotes {
                text,
                source,
                votes: Vec::new(),
                unmatched: 0,
                given: String::new(),
                reason: "",
            });
        }
        let found = &mut self.found[at];
        match labels {
            Ok(labels) => match found.votes.iter_mut().find(|(known, _)| *known == labels) {
                Some((_, count)) => *count += 1,
                None => found.votes.push((labels, 1)),
            },
            Err(reason) => {
                if found.unmatched == 0 {
                    (found.given, found.reason) = (given, reason);
                }
                found.unmatched += 1;
            }
        }
    }

    /// The training rows, the texts without label, and the counts. A text whose rows disagree gets the labels of most
    /// of them, and is unlabelled where no rule fits most.
    pub fn finish(self) -> (Vec<LabelledText>, Vec<UnlabelledText>, Summary) {
        let mut summary = Summary { rows: self.rows, empty: self.empty, ..Summary::default() };
        let (mut labelled, mut unlabelled) = (Vec::new(), Vec::new());
        for found in self.found {
            let all = found.unmatched + found.votes.iter().map(|(_, count)| count).sum::<usize>();
            // The first of equals, so that the order of the rows decides.
            let best = found.votes.into_iter().rev().max_by_key(|(_, count)| *count);
            if let Some((labels, count)) = best.filter(|(_, count)| *count >= found.unmatched) {
                summary.labelled_rows += all;
                summary.outvoted_rows += all - count;
                *summary.intents.entry(labels.intent.clone()).or_default() += 1;
                *summary.sentiments.entry(labels.sentiment.clone().unwrap_or_default()).or_default() += 1;
                let (text, source) = (found.text, found.source);
                let RuleLabels { intent, sentiment } = labels;
                labelled.push(LabelledText { text, intent, sentiment, source, rows: all });
            } else {
                summary.unlabelled_rows += all;
                summary.outvoted_rows += all - found.unmatched;
                let TextVotes { text, given, source, reason, .. } = found;
                unlabelled.push(UnlabelledText { text, given, source, rows: all, reason });
            }
        }
        (summary.labelled_texts, summary.unlabelled_texts) = (labelled.len(), unlabelled.len());
        (labelled, unlabelled, summary)
    }
}

/// A cell as text: bytes that are no UTF-8 become replacement characters.
fn cell_text(cell: &[u8]) -> String {
    String::from_utf8_lossy(cell).trim_start_matches('\u{FEFF}').trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::label_rules::LABEL_RULES;

    fn labels(intent: &str) -> RuleLabels {
        RuleLabels { intent: intent.to_owned(), sentiment: None }
    }

    #[test]
    fn the_majority_decides_and_every_row_is_counted() {
        let mut labelling = Labelling::default();
        for (text, label) in [
            ("a", Ok(labels("x"))),
            ("a", Ok(labels("y"))),
            ("a", Ok(labels("y"))),
            ("b", Err("unknown")),
            ("b", Err("unknown")),
            ("b", Ok(labels("x"))),
            ("c", Ok(labels("x"))),
            ("c", Ok(labels("y"))),
        ] {
            labelling.rows += 1;
            labelling.add(text.to_owned(), label, "5".to_owned(), "file");
        }
        let (labelled, unlabelled, summary) = labelling.finish();
        let found: Vec<_> = labelled.iter().map(|one| (one.text.as_str(), one.intent.as_str(), one.rows)).collect();
        assert_eq!(found, [("a", "y", 3), ("c", "x", 2)]);
        assert_eq!((unlabelled[0].text.as_str(), unlabelled[0].rows, unlabelled[0].reason), ("b", 3, "unknown"));
        assert_eq!((summary.rows, summary.labelled_rows + summary.unlabelled_rows, summary.outvoted_rows), (8, 8, 3));
    }

    #[test]
    fn a_missing_column_is_an_error_with_those_found() {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("orders.csv");
        std::fs::write(&path, "id,stars\n1,5\n").expect("written");
        let rules = LabelRules::parse(LABEL_RULES, "shipped").expect("rules");
        let error = Labelling::default().orders(&path, &rules, &LabelColumns::default()).expect_err("no text");
        assert!(error.to_string().contains("no column customer feedback or feedback"), "{error}");
        assert!(error.to_string().contains("found id, stars"), "{error}");
        assert!(error.hint().expect("hint").contains("--text-column"));
    }
}
