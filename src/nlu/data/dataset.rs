//! Labelled rows from CSV files, without duplicates, and their split into training and validation rows. A paraphrase group is
//! never split, and every row that is left out is counted.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use rand::seq::SliceRandom;
use rand::{SeedableRng, rngs::StdRng};
use serde::Serialize;

use crate::model::inspect::{FileInfo, describe_file};
use crate::model::labels::{INTENT, SENTIMENT};
use crate::{Labels, NluError};

/// The usual names of a column of messages, the first that is there counts: also those of public collections.
const TEXT: [&str; 8] =
    ["text", "message", "instruction", "utterance", "sentence", "query", "review", "customer_message"];
/// The usual names of a column of intents.
const INTENTS: [&str; 4] = ["intent", "intent_label", "label_intent", "customer_intent"];
/// The usual names of a column of sentiments.
const SENTIMENTS: [&str; 4] = ["sentiment", "sentiment_label", "label_sentiment", "customer_sentiment"];

/// The heads that are looked for in a file where none is named.
pub const USUAL_HEADS: [&str; 4] = [INTENT, SENTIMENT, "topic", "urgency"];

/// The column with the labels of one head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeadColumn {
    /// The head.
    pub head: String,
    /// The column; usually `HEAD` or `HEAD_label`.
    pub column: Option<String>,
    /// Whether a file without it is refused.
    pub needed: bool,
}

impl HeadColumn {
    /// A head whose column has one of the usual names, and may be absent.
    pub fn usual(head: &str) -> Self {
        Self { head: head.to_owned(), column: None, needed: false }
    }

    fn names(&self) -> Vec<String> {
        if let Some(column) = &self.column {
            return vec![column.clone()];
        }
        match self.head.as_str() {
            INTENT => INTENTS.map(str::to_owned).to_vec(),
            SENTIMENT => SENTIMENTS.map(str::to_owned).to_vec(),
            head => vec![head.to_owned(), format!("{head}_label")],
        }
    }

    fn flag(&self) -> String {
        match self.head.as_str() {
            INTENT | SENTIMENT => format!("--{}-column NAME", self.head),
            head => format!("--head {head}=NAME"),
        }
    }
}

/// Names of the columns; `None` means the usual names.
#[derive(Debug, Clone)]
pub struct Columns {
    /// The message; usually `text`, `message` or `instruction`.
    pub text: Option<String>,
    /// The labels of each head.
    pub heads: Vec<HeadColumn>,
    /// Rows of one group stay together in a split; usually `group`.
    pub group: Option<String>,
}

impl Default for Columns {
    fn default() -> Self {
        Self { text: None, heads: USUAL_HEADS.map(HeadColumn::usual).to_vec(), group: None }
    }
}

impl Columns {
    /// Names the column of a head, which must be there then; a head that was not looked for is added.
    #[must_use]
    pub fn with(mut self, head: &str, column: Option<String>) -> Self {
        let new = HeadColumn { head: head.to_owned(), column, needed: true };
        match self.heads.iter_mut().find(|one| one.head == head) {
            Some(known) => *known = new,
            None => self.heads.push(new),
        }
        self
    }

    /// The same columns for these heads only, such as those of a model.
    #[must_use]
    pub fn for_heads<'a>(&self, heads: impl IntoIterator<Item = &'a str>) -> Self {
        let known = |head: &str| self.heads.iter().find(|one| one.head == head).cloned();
        let heads = heads.into_iter().map(|head| known(head).unwrap_or_else(|| HeadColumn::usual(head))).collect();
        Self { heads, ..self.clone() }
    }
}

/// One labelled message.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    /// The message as it was written.
    pub text: String,
    /// Its labels in the order of [`Dataset::heads`], where it is labelled.
    pub labels: Vec<Option<String>>,
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
    /// Place and labels of the row that stayed.
    pub kept: String,
    /// Place and labels of the row that was left out.
    pub dropped: String,
}

/// The rows of a few files.
#[derive(Debug, Clone, Default)]
pub struct Dataset {
    /// The heads that some row has a label of.
    pub heads: Vec<String>,
    /// The rows in the order of the files.
    pub examples: Vec<Example>,
    /// The files with their hashes.
    pub files: Vec<FileInfo>,
    /// Rows left out because the same text with the same labels came before.
    pub duplicates: usize,
    /// Rows left out because the same text with other labels came before.
    pub conflicts: Vec<Conflict>,
    /// Rows without text, or without any label.
    pub unlabelled: usize,
}

impl Dataset {
    /// Reads CSV files with a header line. Other columns are ignored; an empty cell means "not
    /// labelled".
    ///
    /// # Errors
    /// A file is missing, is not UTF-8, has no column of texts or of labels, a row of another length, or no usable row.
    pub fn read(paths: &[PathBuf], columns: &Columns) -> Result<Self, NluError> {
        let heads = columns.heads.iter().map(|one| one.head.clone()).collect();
        let mut dataset = Self { heads, ..Self::default() };
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
        dataset.drop_unused_heads();
        Ok(dataset)
    }

    fn drop_unused_heads(&mut self) {
        let used: Vec<bool> =
            (0..self.heads.len()).map(|at| self.examples.iter().any(|row| row.labels[at].is_some())).collect();
        let keep = |at: usize| used[at];
        self.heads = std::mem::take(&mut self.heads)
            .into_iter()
            .enumerate()
            .filter(|(at, _)| keep(*at))
            .map(|(_, name)| name)
            .collect();
        for row in &mut self.examples {
            let labels = std::mem::take(&mut row.labels).into_iter().enumerate();
            row.labels = labels.filter(|(at, _)| keep(*at)).map(|(_, label)| label).collect();
        }
    }

    /// The label of a row for a head.
    pub fn label<'a>(&self, row: &'a Example, head: &str) -> Option<&'a str> {
        let at = self.heads.iter().position(|one| one == head)?;
        row.labels.get(at)?.as_deref()
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
        let find = |wanted: &[String], flag: &str, needed: bool| {
            let found = wanted.iter().find_map(|name| names.iter().position(|have| have.eq_ignore_ascii_case(name)));
            match found {
                None if needed => Err(NluError::data(
                    format!("{}: no column {}, found {}", path.display(), wanted.join(" or "), names.join(", ")),
                    format!("name the column with {flag}"),
                )),
                found => Ok(found),
            }
        };
        let usual = |given: &Option<String>, names: &[&str]| {
            given.clone().map_or_else(|| names.iter().map(|name| (*name).to_owned()).collect(), |name| vec![name])
        };
        let text = find(&usual(&columns.text, &TEXT), "--text-column", true)?;
        let group = find(&usual(&columns.group, &["group"]), "--group-column", columns.group.is_some())?;
        let heads = columns.heads.iter().map(|one| find(&one.names(), &one.flag(), one.needed || one.column.is_some()));
        let heads = heads.collect::<Result<Vec<_>, _>>()?;
        if let Some(first) = columns.heads.first().filter(|_| heads.iter().all(Option::is_none)) {
            find(&first.names(), &first.flag(), true)?;
        }
        for record in reader.records() {
            let record = record.map_err(fail)?;
            let cell = |column: Option<usize>| {
                column.and_then(|at| record.get(at)).map(str::trim).filter(|cell| !cell.is_empty()).map(str::to_owned)
            };
            let example = Example {
                text: cell(text).unwrap_or_default(),
                labels: heads.iter().map(|at| cell(*at)).collect(),
                group: cell(group),
                file,
                line: record.position().map_or(0, csv::Position::line),
            };
            if example.text.is_empty() || example.labels.iter().all(Option::is_none) {
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
        let mut unique: Vec<Example> = Vec::with_capacity(self.examples.len());
        for example in std::mem::take(&mut self.examples) {
            let Some(&at) = first.get(&example.text) else {
                first.insert(example.text.clone(), unique.len());
                unique.push(example);
                continue;
            };
            let before = &mut unique[at];
            let mut pairs = before.labels.iter().zip(&example.labels);
            if pairs.any(|(one, other)| one.is_some() && other.is_some() && one != other) {
                let describe = |one: &Example| {
                    let labels: Vec<&str> = one.labels.iter().map(|label| label.as_deref().unwrap_or("-")).collect();
                    format!("{}:{} {}", self.files[one.file].name, one.line, labels.join("/"))
                };
                self.conflicts.push(Conflict {
                    text: example.text.clone(),
                    kept: describe(before),
                    dropped: describe(&example),
                });
            } else {
                self.duplicates += 1;
                for (label, more) in before.labels.iter_mut().zip(example.labels) {
                    *label = label.take().or(more);
                }
            }
        }
        self.examples = unique;
    }

    /// The labels that occur, sorted, of every head.
    ///
    /// # Errors
    /// A head has only one label: too few to tell apart.
    pub fn labels(&self) -> Result<Labels, NluError> {
        let mut heads = Vec::with_capacity(self.heads.len());
        for (at, head) in self.heads.iter().enumerate() {
            let found: BTreeSet<&str> = self.examples.iter().filter_map(|row| row.labels[at].as_deref()).collect();
            if found.len() < 2 {
                let found = found.first().map_or("none".to_owned(), |label| format!("only {label:?}"));
                return Err(NluError::data(
                    format!("the data has {found} as {head}, a classifier needs two"),
                    format!("add rows with other labels, or name the column with {}", HeadColumn::usual(head).flag()),
                ));
            }
            heads.push((head.clone(), found.into_iter().map(str::to_owned).collect()));
        }
        Ok(Labels::new(heads))
    }

    /// The places and labels of rows whose label no other row has: they can be learnt from, and not checked.
    pub fn single_labels(&self) -> Vec<String> {
        let mut single = Vec::new();
        for (at, head) in self.heads.iter().enumerate() {
            let mut counts: BTreeMap<&str, (usize, &Example)> = BTreeMap::new();
            for row in &self.examples {
                if let Some(label) = row.labels[at].as_deref() {
                    counts.entry(label).or_insert((0, row)).0 += 1;
                }
            }
            let once = counts.into_iter().filter(|(_, (count, _))| *count == 1);
            single.extend(once.map(|(label, (_, row))| format!("{}: {head} {label:?}", self.place(row))));
        }
        single
    }

    /// Splits row numbers into training and validation, by group, about `share` of the rows of each label of the first head to
    /// the second.
    ///
    /// A row without a group is a group of its own. Every label of that head keeps rows to train on.
    pub fn split(&self, share: f64, seed: u64) -> (Vec<usize>, Vec<usize>) {
        let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (row, example) in self.examples.iter().enumerate() {
            let key = match &example.group {
                Some(group) => format!("g{group}"),
                None => format!("r{row:09}"),
            };
            groups.entry(key).or_default().push(row);
        }
        let mut by_label: BTreeMap<&str, Vec<Vec<usize>>> = BTreeMap::new();
        let label = |row: usize| self.examples[row].labels.first().and_then(Option::as_deref).unwrap_or("");
        for rows in groups.into_values() {
            let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
            for row in &rows {
                *counts.entry(label(*row)).or_default() += 1;
            }
            let main = counts.into_iter().max_by_key(|(_, count)| *count).map_or("", |(label, _)| label);
            by_label.entry(main).or_default().push(rows);
        }
        let mut random = StdRng::seed_from_u64(seed);
        let mut left: HashMap<&str, usize> = HashMap::new();
        for row in 0..self.examples.len() {
            *left.entry(label(row)).or_default() += 1;
        }
        let (mut train, mut validation) = (Vec::new(), Vec::new());
        for mut groups in by_label.into_values() {
            groups.shuffle(&mut random);
            let total: usize = groups.iter().map(Vec::len).sum();
            #[expect(
                clippy::cast_precision_loss,
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a share of a count of rows, far below 2^52"
            )]
            let wanted = (total as f64 * share).round() as usize;
            let mut taken = 0;
            for rows in groups {
                let mut own: HashMap<&str, usize> = HashMap::new();
                for row in &rows {
                    *own.entry(label(*row)).or_default() += 1;
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
        let first = &data.examples[0];
        assert_eq!((data.label(first, "intent"), data.label(first, "sentiment")), (Some("one"), None));
        assert_eq!(data.heads, ["intent", "sentiment"]);
        assert_eq!(data.examples[1].line, 3);
    }

    #[test]
    fn errors_name_file_line_and_columns() {
        let other = Columns::default().with("intent", Some("category".into()));
        for (text, columns, expected) in [
            ("", Columns::default(), "no column text"),
            ("text,intent\n", Columns::default(), "no labelled row"),
            ("text,category\na,b\n", Columns::default(), "or customer_intent, found text, category"),
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
    fn duplicates_are_merged_and_conflicts_counted() {
        let text = "text,intent,sentiment\na,x,\na,x,good\na,y,good\nb,x,bad\nb,x,bad\n";
        let mut data = read(text, &Columns::default()).expect("read");
        data.deduplicate();
        assert_eq!((data.examples.len(), data.duplicates, data.conflicts.len()), (2, 2, 1));
        assert_eq!(data.label(&data.examples[0], "sentiment"), Some("good"));
        assert_eq!(data.conflicts[0].kept, "data.csv:2 x/good");
        assert_eq!(data.conflicts[0].dropped, "data.csv:4 y/good");
    }

    #[test]
    fn labels_that_cannot_be_learned_are_refused() {
        for (text, expected) in [
            ("text,intent\na,x\nb,x\n", "only \"x\" as intent"),
            ("text,intent,sentiment\na,x,s\nb,y,s\n", "only \"s\" as sentiment"),
        ] {
            let error = read(text, &Columns::default()).expect("read").labels().expect_err(text);
            assert!(error.to_string().contains(expected), "{error}");
        }
    }

    #[test]
    fn a_label_that_occurs_once_is_learnt_from_and_told() {
        let data = read("text,intent\na,x\nb,x\nc,y\n", &Columns::default()).expect("read");
        assert_eq!(data.labels().expect("two labels").of("intent").len(), 2);
        assert_eq!(data.single_labels(), ["data.csv:4: intent \"y\""]);
        assert!(data.split(0.5, 1).0.contains(&2), "to be learnt from");
    }

    #[test]
    fn any_heads_are_read_from_the_columns_that_are_named() {
        let text = "text,sentiment,Area,mood_label\na,good,bank,x\nb,bad,,\nc,,shop,y\n";
        let data = read(text, &Columns::default()).expect("read");
        assert_eq!(data.heads, ["sentiment"], "one head is enough");
        let columns = Columns::default().with("area", None).with("mood", None);
        let data = read(text, &columns).expect("read");
        assert_eq!(data.heads, ["sentiment", "area", "mood"]);
        assert_eq!(data.label(&data.examples[1], "area"), None);
        let only = Columns::default().for_heads(["mood"]);
        assert_eq!(read(text, &only).expect("read").heads, ["mood"]);
        let error = read(text, &Columns::default().with("place", Some("where".into()))).expect_err("no such column");
        assert!(error.to_string().contains("no column where, found text, sentiment, Area, mood_label"), "{error}");
    }

    #[test]
    fn a_split_keeps_groups_together_and_every_label_in_training() {
        let rows: Vec<String> = (0..300).map(|row| format!("t{row},i{},g{}\n", row % 3, row / 4)).collect();
        let mut text = format!("text,intent,group\n{}", rows.concat());
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
