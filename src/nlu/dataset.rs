//! Decides which rows of which files are trained on or tested with, and which of them validate.
//!
//! It must never let the two halves of a split share a paraphrase group, and never drop a row without counting it.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use rand::seq::SliceRandom;
use rand::{SeedableRng, rngs::StdRng};
use serde::Serialize;

use super::inspect::{FileInfo, describe_file};
use super::{Labels, NluError};

/// Names of the columns; `None` means the usual names, and for all but the text that the column may be absent.
#[derive(Debug, Clone, Default)]
pub struct Columns {
    /// The message; usually `text`.
    pub text: Option<String>,
    /// Its intent; usually `intent` or `intent_label`.
    pub intent: Option<String>,
    /// Its sentiment; usually `sentiment` or `sentiment_label`.
    pub sentiment: Option<String>,
    /// Rows of one group stay together in a split; usually `group`.
    pub group: Option<String>,
}

/// One labelled message.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    /// The message as it was written.
    pub text: String,
    /// Its intent, where it is labelled.
    pub intent: Option<String>,
    /// Its sentiment, where it is labelled.
    pub sentiment: Option<String>,
    /// Its paraphrase group.
    pub group: Option<String>,
    /// Index into [`Dataset::files`].
    pub file: usize,
    /// Line in the file, from 1.
    pub line: u64,
}

/// Two rows with the same text and different labels.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Conflict {
    /// The text.
    pub text: String,
    /// Place and labels of the row that was kept.
    pub kept: String,
    /// Place and labels of the row that was left out.
    pub dropped: String,
}

/// The rows of a few files.
#[derive(Debug, Clone, Default)]
pub struct Dataset {
    /// The rows in the order of the files.
    pub examples: Vec<Example>,
    /// The files with their hashes.
    pub files: Vec<FileInfo>,
    /// Rows left out because the same text with the same labels came before.
    pub duplicates: usize,
    /// Rows left out because the same text with other labels came before.
    pub conflicts: Vec<Conflict>,
    /// Rows without text, or with neither label.
    pub unlabelled: usize,
}

impl Dataset {
    /// Reads CSV files with a header line. Columns that are not asked for are ignored; an empty cell means "not
    /// labelled".
    ///
    /// # Errors
    /// A file is missing, is not UTF-8, has no text or intent column, a row of another length, or no usable row.
    pub fn read(paths: &[PathBuf], columns: &Columns) -> Result<Self, NluError> {
        let mut dataset = Self::default();
        for path in paths {
            dataset.read_file(path, columns)?;
        }
        if dataset.examples.is_empty() {
            let names = paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
            return Err(NluError::data(
                format!("{names}: no labelled row ({} rows without text or label)", dataset.unlabelled),
                "the file needs a header line and rows under it",
            ));
        }
        Ok(dataset)
    }

    fn read_file(&mut self, path: &Path, columns: &Columns) -> Result<(), NluError> {
        let file = self.files.len();
        self.files.push(describe_file(path)?);
        let fail = |error: csv::Error| {
            let line = error.position().map_or(1, csv::Position::line);
            let reason = match error.kind() {
                csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                    format!("has {len} fields, the header has {expected_len}")
                }
                csv::ErrorKind::Utf8 { .. } => "is not UTF-8".to_owned(),
                _ => error.to_string(),
            };
            NluError::data(
                format!("{}:{line}: {reason}", path.display()),
                "save the file as comma-separated UTF-8, with quotes around texts that hold commas",
            )
        };
        let mut reader = csv::ReaderBuilder::new().from_path(path).map_err(fail)?;
        let header = reader.headers().map_err(fail)?.clone();
        let names: Vec<String> =
            header.iter().map(|name| name.trim_start_matches('\u{FEFF}').trim().to_owned()).collect();
        let find = |given: &Option<String>, usual: &[&str], flag: &str, needed: bool| {
            let wanted: Vec<&str> = given.as_deref().map_or_else(|| usual.to_vec(), |name| vec![name]);
            let found = wanted.iter().find_map(|name| names.iter().position(|have| have.eq_ignore_ascii_case(name)));
            match found {
                None if needed || given.is_some() => Err(NluError::data(
                    format!("{}: no column {}, found {}", path.display(), wanted.join(" or "), names.join(", ")),
                    format!("name the column with {flag}"),
                )),
                found => Ok(found),
            }
        };
        let text = find(&columns.text, &["text"], "--text-column", true)?;
        let intent = find(&columns.intent, &["intent", "intent_label"], "--intent-column", false)?;
        let sentiment = find(&columns.sentiment, &["sentiment", "sentiment_label"], "--sentiment-column", false)?;
        let group = find(&columns.group, &["group"], "--group-column", false)?;
        if intent.is_none() && sentiment.is_none() {
            find(&columns.intent, &["intent", "intent_label"], "--intent-column", true)?;
        }
        for record in reader.records() {
            let record = record.map_err(fail)?;
            let cell = |column: Option<usize>| {
                column.and_then(|at| record.get(at)).map(str::trim).filter(|cell| !cell.is_empty()).map(str::to_owned)
            };
            let example = Example {
                text: cell(text).unwrap_or_default(),
                intent: cell(intent),
                sentiment: cell(sentiment),
                group: cell(group),
                file,
                line: record.position().map_or(0, csv::Position::line),
            };
            if example.text.is_empty() || (example.intent.is_none() && example.sentiment.is_none()) {
                self.unlabelled += 1;
            } else {
                self.examples.push(example);
            }
        }
        Ok(())
    }

    /// `file:line` of a row.
    pub fn place(&self, example: &Example) -> String {
        let name = self.files.get(example.file).map_or("", |file| file.name.as_str());
        format!("{name}:{}", example.line)
    }

    /// Leaves out rows whose text came before; a label the first row lacks is taken from the later one.
    pub fn deduplicate(&mut self) {
        let mut first: HashMap<String, usize> = HashMap::new();
        let mut kept: Vec<Example> = Vec::with_capacity(self.examples.len());
        for example in std::mem::take(&mut self.examples) {
            let Some(&at) = first.get(&example.text) else {
                first.insert(example.text.clone(), kept.len());
                kept.push(example);
                continue;
            };
            let clash = |a: &Option<String>, b: &Option<String>| a.is_some() && b.is_some() && a != b;
            let before = &mut kept[at];
            if clash(&before.intent, &example.intent) || clash(&before.sentiment, &example.sentiment) {
                let tell = |one: &Example| {
                    let label = |label: &Option<String>| label.clone().unwrap_or_else(|| "-".to_owned());
                    format!("{} {}/{}", self.files[one.file].name, label(&one.intent), label(&one.sentiment))
                };
                let (old, new) = (tell(before), tell(&example));
                self.conflicts.push(Conflict {
                    text: example.text.clone(),
                    kept: old.replacen(' ', &format!(":{} ", before.line), 1),
                    dropped: new.replacen(' ', &format!(":{} ", example.line), 1),
                });
            } else {
                self.duplicates += 1;
                before.intent = before.intent.take().or(example.intent);
                before.sentiment = before.sentiment.take().or(example.sentiment);
            }
        }
        self.examples = kept;
    }

    /// The labels that occur, sorted.
    ///
    /// # Errors
    /// No intent at all, only one, or one that occurs a single time: nothing could be learned of it.
    pub fn labels(&self) -> Result<Labels, NluError> {
        let count = |pick: fn(&Example) -> &Option<String>| {
            let mut counts: BTreeMap<&str, (usize, &Example)> = BTreeMap::new();
            for example in &self.examples {
                if let Some(label) = pick(example) {
                    counts.entry(label).or_insert((0, example)).0 += 1;
                }
            }
            counts
        };
        let mut sets = Vec::new();
        for (task, counts) in [("intent", count(|e| &e.intent)), ("sentiment", count(|e| &e.sentiment))] {
            if let Some((label, (_, example))) = counts.iter().find(|(_, (count, _))| *count < 2) {
                return Err(NluError::data(
                    format!("{}: {task} {label:?} occurs only once", self.place(example)),
                    "a label needs two rows at least, one to learn from and one to check with; add rows or remove it",
                ));
            }
            if counts.len() == 1 || (task == "intent" && counts.is_empty()) {
                let found = counts.keys().next().map_or("none".to_owned(), |label| format!("only {label:?}"));
                return Err(NluError::data(
                    format!("the data has {found} as {task}, a classifier needs two"),
                    format!("add rows with other labels, or name the column with --{task}-column"),
                ));
            }
            sets.push(counts.into_keys().map(str::to_owned).collect::<Vec<_>>());
        }
        let sentiments = sets.pop().unwrap_or_default();
        Ok(Labels { intents: sets.pop().unwrap_or_default(), sentiments })
    }

    /// Splits row numbers into training and validation, by group, about `share` of each intent's rows to the second.
    ///
    /// A row without a group is a group of its own. Every intent keeps rows to train on.
    pub fn split(&self, share: f64, seed: u64) -> (Vec<usize>, Vec<usize>) {
        let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (row, example) in self.examples.iter().enumerate() {
            let key = match &example.group {
                Some(group) => format!("g{group}"),
                None => format!("r{row:09}"),
            };
            groups.entry(key).or_default().push(row);
        }
        let mut by_intent: BTreeMap<&str, Vec<Vec<usize>>> = BTreeMap::new();
        let intent = |row: usize| self.examples[row].intent.as_deref().unwrap_or("");
        for rows in groups.into_values() {
            let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
            for row in &rows {
                *counts.entry(intent(*row)).or_default() += 1;
            }
            let main = counts.into_iter().max_by_key(|(_, count)| *count).map_or("", |(label, _)| label);
            by_intent.entry(main).or_default().push(rows);
        }
        let mut random = StdRng::seed_from_u64(seed);
        let mut left: HashMap<&str, usize> = HashMap::new();
        for row in 0..self.examples.len() {
            *left.entry(intent(row)).or_default() += 1;
        }
        let (mut train, mut validation) = (Vec::new(), Vec::new());
        for mut groups in by_intent.into_values() {
            groups.shuffle(&mut random);
            let total: usize = groups.iter().map(Vec::len).sum();
            let wanted = (total as f64 * share).round() as usize;
            let mut taken = 0;
            for rows in groups {
                let mut own: HashMap<&str, usize> = HashMap::new();
                for row in &rows {
                    *own.entry(intent(*row)).or_default() += 1;
                }
                let spares = own.iter().all(|(label, count)| left[label] > *count);
                if taken < wanted && spares {
                    taken += rows.len();
                    for (label, count) in own {
                        left.entry(label).and_modify(|rest| *rest -= count);
                    }
                    validation.extend(rows);
                } else {
                    train.extend(rows);
                }
            }
        }
        train.sort_unstable();
        validation.sort_unstable();
        (train, validation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn read(text: &str, columns: &Columns) -> Result<Dataset, NluError> {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("data.csv");
        std::fs::write(&path, text).expect("written");
        Dataset::read(&[path], columns)
    }

    #[test]
    fn empty_cells_are_unlabelled_and_other_columns_ignored() {
        let data = read(
            "\u{FEFF}Text,intent_label,x,sentiment_label\n\"a, b\",one,9,\nc,,9,good\n,one,9,good\nd,,9,\n",
            &Columns::default(),
        )
        .expect("read");
        assert_eq!(data.examples.len(), 2);
        assert_eq!(data.unlabelled, 2);
        assert_eq!(data.examples[0].text, "a, b");
        assert_eq!((data.examples[0].intent.as_deref(), data.examples[0].sentiment.as_deref()), (Some("one"), None));
        assert_eq!(data.examples[1].line, 3);
    }

    #[test]
    fn errors_name_file_line_and_columns() {
        let other = Columns { intent: Some("category".into()), ..Columns::default() };
        for (text, columns, expected) in [
            ("", Columns::default(), "no column text"),
            ("text,intent\n", Columns::default(), "no labelled row"),
            ("text,category\na,b\n", Columns::default(), "no column intent or intent_label, found text, category"),
            ("text,intent\na,b\n", other, "no column category, found text, intent"),
            ("text,intent\na,b\nc\n", Columns::default(), "data.csv:3: has 1 fields, the header has 2"),
        ] {
            let error = read(text, &columns).expect_err(text);
            assert!(error.to_string().contains(expected), "{error}");
            assert!(error.hint().is_some());
        }
        let error = Dataset::read(&["/no/such.csv".into()], &Columns::default()).expect_err("missing");
        assert!(error.to_string().contains("/no/such.csv does not exist"), "{error}");
    }

    #[test]
    fn duplicates_are_merged_and_conflicts_told() {
        let text = "text,intent,sentiment\na,x,\na,x,good\na,y,good\nb,x,bad\nb,x,bad\n";
        let mut data = read(text, &Columns::default()).expect("read");
        data.deduplicate();
        assert_eq!((data.examples.len(), data.duplicates, data.conflicts.len()), (2, 2, 1));
        assert_eq!(data.examples[0].sentiment.as_deref(), Some("good"));
        assert_eq!(data.conflicts[0].kept, "data.csv:2 x/good");
        assert_eq!(data.conflicts[0].dropped, "data.csv:4 y/good");
    }

    #[test]
    fn labels_that_cannot_be_learned_are_refused() {
        for (text, expected) in [
            ("text,intent\na,x\nb,x\nc,y\n", "data.csv:4: intent \"y\" occurs only once"),
            ("text,intent\na,x\nb,x\n", "only \"x\" as intent"),
            ("text,sentiment\na,x\nb,x\nc,y\nd,y\n", "has none as intent"),
        ] {
            let error = read(text, &Columns::default()).expect("read").labels().expect_err(text);
            assert!(error.to_string().contains(expected), "{error}");
        }
    }

    #[test]
    fn a_split_keeps_groups_together_and_every_label_in_training() {
        let mut text = "text,intent,group\n".to_owned();
        for row in 0..300 {
            text += &format!("t{row},i{},g{}\n", row % 3, row / 4);
        }
        text += "rare one,rare,ga\nrare two,rare,ga\n";
        let data = read(&text, &Columns::default()).expect("read");
        let (train, validation) = data.split(0.2, 1);
        assert_eq!(train.len() + validation.len(), 302);
        assert!((50..75).contains(&validation.len()), "{}", validation.len());
        let groups =
            |rows: &[usize]| rows.iter().filter_map(|row| data.examples[*row].group.clone()).collect::<HashSet<_>>();
        assert!(groups(&train).is_disjoint(&groups(&validation)));
        assert!(train.contains(&300) && train.contains(&301));
        assert_eq!(data.split(0.2, 1), (train.clone(), validation));
        assert_ne!(data.split(0.2, 2).0, train);
        assert_eq!(data.split(0.0, 1).1, Vec::<usize>::new());
    }
}
