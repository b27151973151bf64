//! Decides where weights and their gradients lie while they are trained, and carries out AdamW's steps on them.
//!
//! It must never let a weight without a gradient move, nor change a layout that a checkpoint holds.

use std::path::PathBuf;

use super::kernels::{Moved, TrainingKernels};
use crate::nlu::NluError;
use crate::nlu::optimizer::AdamW;
use crate::nlu::packed::team::Team;
use crate::nlu::weights::{Weights, transpose};

/// Weights per part of a step.
const CHUNK: usize = 1 << 15;

/// Weights whose squares are added up in `f32`.
const FEW: usize = 1 << 12;

/// A row of an embedding that has no gradient in this step.
const NONE: u32 = u32::MAX;

/// One tensor of weights. A linear layer's has one row per input, as burn's has.
pub(super) struct Parameter {
    name: String,
    shape: Vec<usize>,
    pub(super) values: Vec<f32>,
    gradient: Vec<f32>,
    /// Whether this step has a gradient for it.
    present: bool,
    rows: Option<UsedRows>,
}

/// Which rows of an embedding a step uses: `gradient` holds only theirs.
struct UsedRows {
    /// The place of each row in `gradient`, or [`NONE`].
    places: Vec<u32>,
    /// The rows in `gradient`, in its order.
    used: Vec<u32>,
    /// Rows that ever had a gradient. The others have no moments, so that a step would leave them as they are.
    live: Vec<bool>,
    /// Whether `live` knows of the moments that came with a checkpoint.
    informed: bool,
}

impl Parameter {
    pub(super) fn dense(name: String, shape: Vec<usize>, values: Vec<f32>) -> Self {
        Self { name, shape, values, gradient: Vec::new(), present: false, rows: None }
    }

    pub(super) fn embedding(name: String, shape: [usize; 2], values: Vec<f32>) -> Self {
        let rows =
            UsedRows { places: vec![NONE; shape[0]], used: Vec::new(), live: vec![false; shape[0]], informed: false };
        Self { name, shape: shape.to_vec(), values, gradient: Vec::new(), present: false, rows: Some(rows) }
    }

    fn width(&self) -> usize {
        self.shape.last().copied().unwrap_or(1)
    }

    /// Forgets the gradient.
    pub(super) fn clear(&mut self) {
        self.present = false;
        if let Some(rows) = &mut self.rows {
            rows.used.drain(..).for_each(|row| rows.places[row as usize] = NONE);
            self.gradient.clear();
        }
    }

    /// The gradient to write to, and whether to add to what it holds.
    pub(super) fn gradient_mut(&mut self) -> (&mut [f32], bool) {
        self.gradient.resize(self.values.len(), 0.0);
        (&mut self.gradient, std::mem::replace(&mut self.present, true))
    }

    /// Adds to the gradient of one row of an embedding.
    pub(super) fn add_row(&mut self, row: usize, gradient: &[f32]) {
        let Some(rows) = &mut self.rows else { return };
        self.present = true;
        if rows.places[row] == NONE {
            rows.places[row] = rows.used.len() as u32;
            rows.used.push(row as u32);
            self.gradient.extend_from_slice(gradient);
            return;
        }
        let sum = &mut self.gradient[rows.places[row] as usize * gradient.len()..][..gradient.len()];
        sum.iter_mut().zip(gradient).for_each(|(sum, more)| *sum += more);
    }

    /// The gradient with all its rows, for a comparison.
    #[cfg(test)]
    pub(super) fn whole_gradient(&self) -> Option<(String, Vec<f32>)> {
        if !self.present {
            return None;
        }
        let mut whole = vec![0.0; self.values.len()];
        match &self.rows {
            None => whole.copy_from_slice(&self.gradient),
            Some(rows) => {
                let width = self.width();
                for (row, values) in rows.used.iter().zip(self.gradient.chunks(width)) {
                    whole[*row as usize * width..][..width].copy_from_slice(values);
                }
            }
        }
        Some((self.name.clone(), whole))
    }
}

/// Takes a linear layer's weight, which the file has one row per output of.
pub(super) fn linear(
    weights: &mut Weights,
    name: &str,
    inputs: usize,
    outputs: usize,
) -> Result<[Parameter; 2], NluError> {
    let (weight, bias) = (format!("{name}.weight"), format!("{name}.bias"));
    let values = transpose(&weights.take(&weight, &[outputs, inputs])?, outputs, inputs);
    let bias_values = weights.take(&bias, &[outputs])?;
    Ok([Parameter::dense(weight, vec![inputs, outputs], values), Parameter::dense(bias, vec![outputs], bias_values)])
}

/// The weights in the layout of the Hugging Face format.
pub(super) fn export(parameters: &[Parameter], path: impl Into<PathBuf>) -> Weights {
    let mut weights = Weights::empty(path);
    for parameter in parameters {
        match (&parameter.shape[..], &parameter.rows) {
            ([inputs, outputs], None) => {
                let values = transpose(&parameter.values, *inputs, *outputs);
                weights.put(parameter.name.clone(), [*outputs, *inputs], values);
            }
            _ => weights.put(parameter.name.clone(), parameter.shape.clone(), parameter.values.clone()),
        }
    }
    weights
}

/// Euclidean norm over all gradients; partial sums are added in a fixed order, so that it is the same every time.
pub(super) fn norm(parameters: &[Parameter], kernels: &TrainingKernels, team: &mut Team) -> f64 {
    let present = parameters.iter().filter(|parameter| parameter.present);
    let parts: Vec<(&[f32], f64)> =
        present.flat_map(|parameter| parameter.gradient.chunks(CHUNK)).map(|part| (part, 0.0)).collect();
    let parts = team.share(parts, |_, _, (values, sum)| {
        *sum = values.chunks(FEW).map(|few| kernels.squares(few)).sum();
    });
    parts.iter().map(|(_, sum)| sum).sum::<f64>().sqrt()
}

/// Takes one step with the gradients there are; `rate` gives a parameter's learning rate. Returns the norm of the
/// gradient before clipping; where that is not finite, nothing has changed.
pub(super) fn update(
    parameters: &mut [Parameter],
    kernels: &TrainingKernels,
    team: &mut Team,
    optimizer: &mut AdamW,
    rate: impl Fn(&str) -> f64,
) -> f64 {
    let norm = norm(parameters, kernels, team);
    let Some(scale) = optimizer.begin(norm) else { return norm };
    for parameter in parameters.iter_mut().filter(|parameter| parameter.present) {
        let coefficients = optimizer.coefficients(&parameter.name, scale, rate(&parameter.name) as f32);
        let moments = optimizer.moments(&parameter.name, parameter.values.len());
        let width = parameter.width();
        let Parameter { values, gradient, rows, .. } = parameter;
        let Some(rows) = rows else {
            let chunks = values.chunks_mut(CHUNK).zip(gradient.chunks(CHUNK));
            let moments = moments.first.chunks_mut(CHUNK).zip(moments.second.chunks_mut(CHUNK));
            let parts = chunks.zip(moments).map(|((values, gradient), (first, second))| Moved {
                values,
                gradient: Some(gradient),
                first,
                second,
            });
            team.share(parts.collect(), |_, _, part| kernels.adamw(part.again(), &coefficients));
            continue;
        };
        if !rows.informed {
            let second = moments.second.chunks(width);
            rows.live.iter_mut().zip(second).for_each(|(live, row)| *live = row.iter().any(|moment| *moment != 0.0));
            rows.informed = true;
        }
        rows.used.iter().for_each(|row| rows.live[*row as usize] = true);
        let few = (CHUNK / width).max(1);
        let chunks = values.chunks_mut(few * width).zip(rows.places.chunks(few).zip(rows.live.chunks(few)));
        let moments = moments.first.chunks_mut(few * width).zip(moments.second.chunks_mut(few * width));
        team.share(chunks.zip(moments).collect(), |_, _, ((values, (places, live)), (first, second))| {
            let rows = values.chunks_mut(width).zip(first.chunks_mut(width).zip(second.chunks_mut(width)));
            for ((values, (first, second)), (place, live)) in rows.zip(places.iter().zip(*live)) {
                if *live {
                    let gradient = (*place != NONE).then(|| &gradient[*place as usize * width..][..width]);
                    kernels.adamw(Moved { values, gradient, first, second }, &coefficients);
                }
            }
        });
    }
    norm
}
