//! Weights and their gradients while they are trained, and the steps of `AdamW` on them. A parameter without a gradient is
//! not changed by a step.

use std::path::PathBuf;

use super::kernels::{ParameterSlice, TrainingKernels};
use crate::NluError;
use crate::model::weights::{Weights, transpose};
use crate::packed::thread_pool::ThreadPool;
use crate::training::optimizer::AdamW;

/// Weights per chunk of a step.
const CHUNK: usize = 1 << 15;

/// Weights whose squares are summed in `f32`.
const SQUARES: usize = 1 << 12;

/// A row of an embedding that has no gradient in this step.
const NO_SLOT: u32 = u32::MAX;

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
    /// The index of each row in `gradient`, or [`NO_SLOT`].
    slots: Vec<u32>,
    /// The rows in `gradient`, in its order.
    used: Vec<u32>,
    /// Rows that ever had a gradient. The others have no moments, so that a step would not change them.
    live: Vec<bool>,
    /// Whether `live` includes the rows with moments from a checkpoint.
    live_known: bool,
}

impl Parameter {
    pub(super) fn dense(name: String, shape: Vec<usize>, values: Vec<f32>) -> Self {
        Self { name, shape, values, gradient: Vec::new(), present: false, rows: None }
    }

    pub(super) fn embedding(name: String, shape: [usize; 2], values: Vec<f32>) -> Self {
        let rows = UsedRows {
            slots: vec![NO_SLOT; shape[0]],
            used: Vec::new(),
            live: vec![false; shape[0]],
            live_known: false,
        };
        Self { name, shape: shape.to_vec(), values, gradient: Vec::new(), present: false, rows: Some(rows) }
    }

    fn width(&self) -> usize {
        self.shape.last().copied().unwrap_or(1)
    }

    /// Clears the gradient.
    pub(super) fn clear(&mut self) {
        self.present = false;
        if let Some(rows) = &mut self.rows {
            rows.used.drain(..).for_each(|row| rows.slots[row as usize] = NO_SLOT);
            self.gradient.clear();
        }
    }

    /// The gradient to write to, and whether to add to what it holds.
    pub(super) fn gradient_mut(&mut self) -> (&mut [f32], bool) {
        self.gradient.resize(self.values.len(), 0.0);
        (&mut self.gradient, std::mem::replace(&mut self.present, true))
    }

    /// Adds to the gradient of one row of an embedding.
    #[expect(clippy::cast_possible_truncation, reason = "an embedding has fewer than 2^32 rows")]
    pub(super) fn add_row(&mut self, row: usize, gradient: &[f32]) {
        let Some(rows) = &mut self.rows else { return };
        self.present = true;
        if rows.slots[row] == NO_SLOT {
            rows.slots[row] = rows.used.len() as u32;
            rows.used.push(row as u32);
            self.gradient.extend_from_slice(gradient);
            return;
        }
        let sum = &mut self.gradient[rows.slots[row] as usize * gradient.len()..][..gradient.len()];
        sum.iter_mut().zip(gradient).for_each(|(sum, more)| *sum += more);
    }

    /// The name and the gradient with all its rows.
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

/// Takes a linear layer's weight and bias; the file has one row of the weight per output.
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
pub(super) fn norm(parameters: &[Parameter], kernels: &TrainingKernels, pool: &mut ThreadPool) -> f64 {
    let present = parameters.iter().filter(|parameter| parameter.present);
    let chunks: Vec<(&[f32], f64)> =
        present.flat_map(|parameter| parameter.gradient.chunks(CHUNK)).map(|values| (values, 0.0)).collect();
    let chunks = pool.for_each(chunks, |_, _, (values, sum)| {
        *sum = values.chunks(SQUARES).map(|values| kernels.squares(values)).sum();
    });
    chunks.iter().map(|(_, sum)| sum).sum::<f64>().sqrt()
}

/// Takes one step with the gradients that are present; `rate` gives a parameter's learning rate. Returns the norm of the
/// gradient before clipping; where that is not finite, nothing has changed.
pub(super) fn update(
    parameters: &mut [Parameter],
    kernels: &TrainingKernels,
    pool: &mut ThreadPool,
    optimizer: &mut AdamW,
    rate: impl Fn(&str) -> f64,
) -> f64 {
    let norm = norm(parameters, kernels, pool);
    let Some(scale) = optimizer.begin(norm) else { return norm };
    for parameter in parameters.iter_mut().filter(|parameter| parameter.present) {
        #[expect(clippy::cast_possible_truncation, reason = "a learning rate needs no more digits than an `f32` has")]
        let coefficients = optimizer.coefficients(&parameter.name, scale, rate(&parameter.name) as f32);
        let moments = optimizer.moments(&parameter.name, parameter.values.len());
        let width = parameter.width();
        let Parameter { values, gradient, rows, .. } = parameter;
        let Some(rows) = rows else {
            let chunks = values.chunks_mut(CHUNK).zip(gradient.chunks(CHUNK));
            let moments = moments.first.chunks_mut(CHUNK).zip(moments.second.chunks_mut(CHUNK));
            let chunks = chunks.zip(moments).map(|((values, gradient), (first, second))| ParameterSlice {
                values,
                gradient: Some(gradient),
                first,
                second,
            });
            pool.for_each(chunks.collect(), |_, _, chunk| kernels.adamw(chunk.reborrow(), &coefficients));
            continue;
        };
        if !rows.live_known {
            let second = moments.second.chunks(width);
            rows.live.iter_mut().zip(second).for_each(|(live, row)| *live = row.iter().any(|moment| *moment != 0.0));
            rows.live_known = true;
        }
        rows.used.iter().for_each(|row| rows.live[*row as usize] = true);
        let count = (CHUNK / width).max(1);
        let chunks = values.chunks_mut(count * width).zip(rows.slots.chunks(count).zip(rows.live.chunks(count)));
        let moments = moments.first.chunks_mut(count * width).zip(moments.second.chunks_mut(count * width));
        pool.for_each(chunks.zip(moments).collect(), |_, _, ((values, (slots, live)), (first, second))| {
            let rows = values.chunks_mut(width).zip(first.chunks_mut(width).zip(second.chunks_mut(width)));
            for ((values, (first, second)), (slot, live)) in rows.zip(slots.iter().zip(*live)) {
                if *live {
                    let gradient = (*slot != NO_SLOT).then(|| &gradient[*slot as usize * width..][..width]);
                    kernels.adamw(ParameterSlice { values, gradient, first, second }, &coefficients);
                }
            }
        });
    }
    norm
}
