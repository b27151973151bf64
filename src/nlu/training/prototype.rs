//! The initial classifiers of a training: each label's prototype is the mean vector that the base encoder gives to its
//! training messages. Random classifiers would distort the encoder in the first steps, and a small file has too few steps to
//! repair that (Kumar et al., 2022, “Fine-Tuning can Distort Pretrained Features”).

use crate::NluError;
use crate::data::batching::Row;
use crate::model::config::ModelConfig;
use crate::model::labels::Labels;
use crate::model::weights::Weights;
use crate::serving::device::ComputeDevice;
use crate::training::learner::Learner;
use crate::training::settings::Computation;

/// Messages of a label that its mean is taken of.
const MAX_PER_LABEL: usize = 32;
/// The head that gives back the encoder's vector.
const IDENTITY: &str = "identity";
/// Messages computed together.
const GROUP: usize = 32;
/// The smallest scale that is tried, the factor to the next one, and how many there are.
const SCALES: (f32, f32, i32) = (0.01, 1.4, 26);

/// The linear layer `logits = weight · vector + bias`, a row of `weight` per label.
#[derive(Debug, PartialEq)]
struct Classifier {
    weight: Vec<f32>,
    bias: Vec<f32>,
}

/// Replaces the classifiers of all heads in `weights`.
///
/// # Errors
/// The encoder cannot be computed with.
pub(crate) fn init_classifiers(
    weights: &mut Weights,
    config: &ModelConfig,
    (computation, located): (Computation, &ComputeDevice),
    rows: &[Row],
    labels: &Labels,
) -> Result<(), NluError> {
    let sizes = labels.sizes();
    let mut counts: Vec<Vec<usize>> = sizes.iter().map(|(_, count)| vec![0; *count]).collect();
    let mut chosen: Vec<&Row> = Vec::new();
    for row in rows {
        let mut wanted = false;
        for (label, counts) in row.labels.iter().zip(&mut counts) {
            if let Some(label) = label.filter(|label| counts[*label] < MAX_PER_LABEL) {
                counts[label] += 1;
                wanted = true;
            }
        }
        if wanted {
            chosen.push(row);
        }
    }
    chosen.sort_by_key(|row| row.ids.len());
    let vectors = vectors(weights, config, (computation, located), &chosen)?;
    for (head, (name, count)) in sizes.into_iter().enumerate() {
        let labelled: Vec<(usize, &[f32])> = chosen
            .iter()
            .zip(&vectors)
            .filter_map(|(row, vector)| Some((row.labels[head]?, vector.as_slice())))
            .collect();
        if count > 0 && !labelled.is_empty() {
            let Classifier { weight, bias } = classifier(&labelled, count, config.dim);
            weights.put(format!("{name}_classifier.weight"), [count, config.dim], weight);
            weights.put(format!("{name}_classifier.bias"), [count], bias);
        }
    }
    Ok(())
}

/// The encoder's vectors: the logits of a classifier that is the identity.
fn vectors(
    weights: &Weights,
    config: &ModelConfig,
    (computation, located): (Computation, &ComputeDevice),
    rows: &[&Row],
) -> Result<Vec<Vec<f32>>, NluError> {
    let dim = config.dim;
    let mut weights = weights.clone();
    let identity = (0..dim * dim).map(|place| if place % (dim + 1) == 0 { 1.0 } else { 0.0 }).collect();
    weights.put(format!("{IDENTITY}_classifier.weight"), [dim, dim], identity);
    weights.put(format!("{IDENTITY}_classifier.bias"), [dim], vec![0.0; dim]);
    let words = weights.tensors.get("distilbert.embeddings.word_embeddings.weight");
    let words = words.and_then(|words| words.shape.first().copied()).unwrap_or(config.vocab_size);
    let device = (computation, located.card.clone());
    let mut encoder = Learner::new(device, config, words, &[(IDENTITY.to_owned(), dim)], &mut weights)?;
    let mut vectors = Vec::with_capacity(rows.len());
    for group in rows.chunks(GROUP) {
        let ids: Vec<&[u32]> = group.iter().map(|row| row.ids.as_slice()).collect();
        vectors.extend(encoder.scores(&ids)?.into_iter().flatten());
    }
    Ok(vectors)
}

/// The nearest mean vector as a linear layer. Logits are squared distances times a scale, less what all labels have in
/// common; the scale is the one under which the labels are likeliest.
fn classifier(labelled: &[(usize, &[f32])], labels: usize, dim: usize) -> Classifier {
    let mut means = vec![vec![0.0_f32; dim]; labels];
    let mut counts = vec![0.0_f32; labels];
    let mut centre = vec![0.0_f32; dim];
    for (label, vector) in labelled {
        counts[*label] += 1.0;
        means[*label].iter_mut().zip(*vector).for_each(|(sum, value)| *sum += value);
    }
    for (mean, count) in means.iter_mut().zip(&counts).filter(|(_, count)| **count > 0.0) {
        for sum in mean.iter_mut() {
            *sum /= count;
        }
        centre.iter_mut().zip(&*mean).for_each(|(sum, value)| *sum += value);
    }
    #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^24 labels")]
    let known = counts.iter().filter(|count| **count > 0.0).count().max(1) as f32;
    for sum in &mut centre {
        *sum /= known;
    }
    for (mean, count) in means.iter_mut().zip(&counts) {
        // A label without a row gets the logit of the centre: 0.
        let factor = if *count > 0.0 { 1.0 } else { 0.0 };
        mean.iter_mut().zip(&centre).for_each(|(value, centre)| *value = factor * (*value - centre));
    }
    let biases: Vec<f32> = means.iter().map(|mean| -dot(mean, &centre) - dot(mean, mean) / 2.0).collect();
    let logits: Vec<(usize, Vec<f32>)> = labelled
        .iter()
        .map(|(label, vector)| {
            (*label, means.iter().zip(&biases).map(|(mean, bias)| dot(mean, vector) + bias).collect())
        })
        .collect();
    let (first, factor, steps) = SCALES;
    let scales = (0..steps).map(|step| first * factor.powi(step));
    let losses = scales.map(|scale| (scale, logits.iter().map(|(label, row)| loss(row, *label, scale)).sum::<f64>()));
    let scale = losses.min_by(|a, b| a.1.total_cmp(&b.1)).map_or(1.0, |(scale, _)| scale);
    Classifier {
        weight: means.iter().flatten().map(|value| value * scale).collect(),
        bias: biases.iter().map(|bias| bias * scale).collect(),
    }
}

fn dot(one: &[f32], other: &[f32]) -> f32 {
    one.iter().zip(other).map(|(a, b)| a * b).sum()
}

/// Cross-entropy of one row.
fn loss(logits: &[f32], label: usize, scale: f32) -> f64 {
    let scaled = |logit: &f32| f64::from(logit * scale);
    let largest = logits.iter().map(scaled).fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = logits.iter().map(|logit| (scaled(logit) - largest).exp()).sum();
    largest + sum.ln() - scaled(&logits[label])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn winner(classifier: &Classifier, vector: &[f32]) -> usize {
        let rows = classifier.weight.chunks(vector.len()).zip(&classifier.bias);
        let logits: Vec<f32> = rows.map(|(weight, bias)| dot(weight, vector) + bias).collect();
        (0..logits.len()).max_by(|a, b| logits[*a].total_cmp(&logits[*b])).unwrap()
    }

    #[test]
    fn the_nearest_mean_wins() {
        let rows: [(usize, [f32; 3]); 6] = [
            (0, [1.0, 0.1, 5.0]),
            (0, [1.2, -0.1, 5.0]),
            (1, [-0.1, 1.0, 5.0]),
            (1, [0.1, 1.2, 5.0]),
            (3, [-1.0, -1.0, 5.0]),
            (3, [-1.2, -1.0, 5.0]),
        ];
        let labelled: Vec<(usize, &[f32])> = rows.iter().map(|(label, vector)| (*label, vector.as_slice())).collect();
        let found = classifier(&labelled, 4, 3);
        for (label, vector) in &rows {
            assert_eq!(winner(&found, vector), *label, "{found:?}");
        }
        // Halfway between two means both are as likely.
        let logit = |label: usize, vector: &[f32]| dot(&found.weight[label * 3..][..3], vector) + found.bias[label];
        let middle = [0.55, 0.55, 5.0];
        assert!((logit(0, &middle) - logit(1, &middle)).abs() < 1e-3);
        assert_eq!((&found.weight[6..9], found.bias[2]), ([0.0; 3].as_slice(), 0.0), "no row has the label");
        assert!(found.weight.iter().chain(&found.bias).all(|value| value.is_finite()));
    }

    #[test]
    fn identical_vectors_give_no_preference() {
        let same = [0.3_f32, 0.4];
        let found = classifier(&[(0, &same), (1, &same)], 2, 2);
        assert!(
            found.weight.iter().all(|value| value.abs() < 1e-6) && found.bias.iter().all(|value| value.abs() < 1e-6)
        );
        let one = classifier(&[(0, &same)], 1, 2);
        assert!(one.weight.iter().all(|value| value.is_finite()));
    }
}
