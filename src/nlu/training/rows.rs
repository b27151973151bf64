//! The rows that a training works on: read, split, tokenized, with misspellings.

use std::collections::HashSet;

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::NluError;
use crate::data::augment::with_typos;
use crate::data::batching::Row;
use crate::data::dataset::{Dataset, Example};
use crate::model::labels::{Head, Labels};
use crate::model::tokenizer::Tokenizer;
use crate::training::settings::TrainOptions;

/// What a training works on.
pub(crate) struct Rows {
    pub(crate) train: Dataset,
    pub(crate) validation: Dataset,
    pub(crate) labels: Labels,
    pub(crate) single_labels: Vec<String>,
}

/// Reads, cleans and splits the rows.
pub(crate) fn read_data(options: &TrainOptions) -> Result<Rows, NluError> {
    let mut train = Dataset::read(&options.data, &options.columns)?;
    train.deduplicate();
    let (labels, single_labels) = (train.labels()?, train.single_labels());
    if !options.validation.is_empty() {
        let heads = labels.heads.iter().map(|head| head.name.as_str());
        let validation = Dataset::read(&options.validation, &options.columns.for_heads(heads))?;
        return Ok(Rows { train, validation, labels, single_labels });
    }
    let (rows, aside) = train.split(options.val_split, options.seed);
    let pick = |rows: &[usize]| rows.iter().map(|row| train.examples[*row].clone()).collect();
    let (heads, files) = (train.heads.clone(), train.files.clone());
    let validation = Dataset { heads, examples: pick(&aside), files, ..Dataset::default() };
    train.examples = pick(&rows);
    Ok(Rows { train, validation, labels, single_labels })
}

/// Validation rows whose text is trained on as well: they make the scores look better than they are.
pub(crate) fn shared_texts(train: &Dataset, validation: &Dataset) -> usize {
    let known: HashSet<&str> = train.examples.iter().map(|row| row.text.as_str()).collect();
    validation.examples.iter().filter(|row| known.contains(row.text.as_str())).count()
}

/// Tokenizes rows and numbers their labels.
///
/// # Errors
/// A label that no training row has.
pub(crate) fn encode(tokenizer: &Tokenizer, dataset: &Dataset, labels: &Labels) -> Result<Vec<Row>, NluError> {
    let number = |row: &Example, head: &Head| match dataset.label(row, &head.name) {
        None => Ok(None),
        Some(label) => head.labels.iter().position(|one| one == label).map(Some).ok_or_else(|| {
            NluError::data(
                format!("{}: label {label:?} does not occur in the training rows", dataset.place(row)),
                "add training rows with it, or remove it from the validation file",
            )
        }),
    };
    dataset
        .examples
        .par_iter()
        .map(|row| {
            Ok(Row {
                ids: tokenizer.encode(&row.text)?,
                augmented: Vec::new(),
                labels: labels.heads.iter().map(|head| number(row, head)).collect::<Result<_, _>>()?,
            })
        })
        .collect()
}

/// Adds the training rows with misspellings of each epoch.
pub(crate) fn augment(
    tokenizer: &Tokenizer,
    train: &Dataset,
    rows: &mut [Row],
    epochs: usize,
    options: &TrainOptions,
) -> Result<(), NluError> {
    if options.augment == 0.0 {
        return Ok(());
    }
    rows.par_iter_mut().zip(&train.examples).enumerate().try_for_each(|(number, (row, example))| {
        let seed = |epoch| options.seed ^ ((number * epochs + epoch) as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let encode = |epoch| tokenizer.encode(&with_typos(&example.text, options.augment, seed(epoch)));
        row.augmented = (0..epochs).map(encode).collect::<Result<_, _>>()?;
        Ok(())
    })
}

/// Hash of the data, the base model and every setting that changes the result.
pub(crate) fn fingerprint(options: &TrainOptions, base: &str, train: &Dataset, validation: &Dataset) -> String {
    let mut hash = Sha256::new();
    hash.update(serde_json::to_string(options).unwrap_or_default());
    hash.update(base);
    for dataset in [train, validation] {
        hash.update(format!("{:?}", dataset.heads));
        for row in &dataset.examples {
            hash.update(format!("{:?}", (&row.text, &row.labels)));
        }
    }
    format!("{:x}", hash.finalize())
}
