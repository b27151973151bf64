//! Leaves the rows of the word embedding that the data does not use out of a training; the result is that of training all
//! rows.

use crate::NluError;
use crate::data::batching::Row;
use crate::model::config::ModelConfig;
use crate::model::weights::Weights;

/// The rows of the word embedding that the data uses.
///
/// A row that no text uses has no gradient ever, so `AdamW` without decay leaves it as it is: training only the used
/// rows gives the same model, and saves half of all weights from being read and written at every step.
pub(crate) struct Vocabulary {
    used: Vec<u32>,
    whole: Vec<f32>,
}

const WORDS: &str = "distilbert.embeddings.word_embeddings.weight";

impl Vocabulary {
    /// Takes the unused rows out of `weights` and renumbers the tokens.
    pub(crate) fn shrink(
        weights: &mut Weights,
        config: &ModelConfig,
        train: &mut [Row],
        validation: &mut [Row],
    ) -> Result<Self, NluError> {
        let whole = weights.take(WORDS, &[config.vocab_size, config.dim])?;
        let mut place = vec![u32::MAX; config.vocab_size];
        for row in train.iter().chain(validation.iter()) {
            row.ids.iter().chain(row.augmented.iter().flatten()).for_each(|id| place[*id as usize] = 0);
        }
        let used: Vec<u32> = (0_u32..).zip(&place).filter(|(_, place)| **place == 0).map(|(id, _)| id).collect();
        let mut values = Vec::with_capacity(used.len() * config.dim);
        for (number, id) in (0_u32..).zip(&used) {
            place[*id as usize] = number;
            let start = *id as usize * config.dim;
            values.extend_from_slice(&whole[start..start + config.dim]);
        }
        for row in train.iter_mut().chain(validation) {
            row.ids.iter_mut().chain(row.augmented.iter_mut().flatten()).for_each(|id| *id = place[*id as usize]);
        }
        weights.put(WORDS, [used.len(), config.dim], values);
        Ok(Self { used, whole })
    }

    /// Rows in use.
    pub(crate) fn rows(&self) -> usize {
        self.used.len()
    }

    /// Puts the trained rows back among the others.
    pub(crate) fn grow(&self, weights: &mut Weights, config: &ModelConfig) {
        let Some(trained) = weights.tensors.remove(WORDS) else { return };
        let mut whole = self.whole.clone();
        for (id, row) in self.used.iter().zip(trained.values.chunks(config.dim)) {
            let start = *id as usize * config.dim;
            whole[start..start + config.dim].copy_from_slice(row);
        }
        weights.put(WORDS, [config.vocab_size, config.dim], whole);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shrunk_and_grown_is_the_same_with_the_trained_rows_in_place() {
        let text = r#"{"dim": 2, "n_layers": 1, "n_heads": 1, "hidden_dim": 2, "vocab_size": 6,
            "max_position_embeddings": 8}"#;
        let dir = tempfile::tempdir().expect("temporary folder");
        std::fs::write(dir.path().join("config.json"), text).expect("written");
        let config = ModelConfig::read(dir.path()).expect("valid");
        let mut weights = Weights::empty("test");
        weights.put(WORDS, [6, 2], (0..12_u8).map(f32::from).collect());
        let row = |ids: &[u32]| Row { ids: ids.to_vec(), augmented: Vec::new(), labels: Vec::new() };
        let (mut train, mut validation) = ([row(&[5, 1, 5])], [row(&[3])]);
        let vocabulary = Vocabulary::shrink(&mut weights, &config, &mut train, &mut validation).expect("shrunk");
        assert_eq!(vocabulary.rows(), 3);
        assert_eq!((&train[0].ids[..], &validation[0].ids[..]), (&[2, 0, 2][..], &[1][..]));
        assert_eq!(weights.tensors[WORDS].values, [2.0, 3.0, 6.0, 7.0, 10.0, 11.0]);
        weights.put(WORDS, [3, 2], vec![-2.0, -3.0, -6.0, -7.0, -10.0, -11.0]);
        vocabulary.grow(&mut weights, &config);
        let expected = [0.0, 1.0, -2.0, -3.0, 4.0, 5.0, -6.0, -7.0, 8.0, 9.0, -10.0, -11.0];
        assert_eq!(weights.tensors[WORDS].values, expected);
    }
}
