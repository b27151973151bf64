//! Layer normalization over all rows, forward and backward. No result depends on the number of threads.

use super::TrainingWorkspace;
use super::parameters::Parameter;
use crate::packed::memory::Rows;

/// Rows of a chunk.
const ROW_BLOCK: usize = 32;

/// Layer normalization: the index of its gamma among the parameters; its beta is the next.
pub(super) struct Norm(pub(super) usize);

/// What the backward pass needs of the forward pass.
pub(super) struct Normalized {
    /// x̂: the input rows, brought to mean 0 and variance 1.
    pub(super) hat: Rows,
    /// The factor that brought the variance to 1.
    scales: Vec<f32>,
}

impl Normalized {
    pub(super) fn new() -> Self {
        Self { hat: Rows::new(), scales: Vec::new() }
    }
}

impl Norm {
    /// Normalizes `saved.hat` in place and writes the output. `before` and `after` get each row with its number and may
    /// change it before and after normalization.
    pub(super) fn forward(
        &self,
        workspace: &mut TrainingWorkspace,
        parameters: &[Parameter],
        saved: &mut Normalized,
        out: &mut Rows,
        before: impl Fn(usize, &mut [f32]) + Sync,
        after: impl Fn(usize, &mut [f32]) + Sync,
    ) {
        let Normalized { hat, scales } = saved;
        let (width, stride) = (hat.width(), hat.stride());
        out.resize(hat.count(), width);
        scales.resize(hat.count(), 0.0);
        let (gamma, beta) = (&parameters[self.0].values, &parameters[self.0 + 1].values);
        let kernels = workspace.kernels;
        let blocks =
            hat.row_blocks(ROW_BLOCK).zip(out.row_blocks(ROW_BLOCK).zip(scales.chunks_mut(ROW_BLOCK))).collect();
        workspace.executor.pool.for_each(blocks, |_, block, (rows, (out, scales))| {
            let rows = rows.chunks_mut(stride).zip(out.chunks_mut(stride).zip(scales.iter_mut()));
            for (number, (row, (out, scale))) in rows.enumerate() {
                let (number, row, out) = (block * ROW_BLOCK + number, &mut row[..width], &mut out[..width]);
                before(number, row);
                *scale = kernels.normalize(row, out, gamma, beta);
                after(number, out);
            }
        });
    }

    /// Turns the gradient of the output into that of the input. `before` is the gradient of what `after` did.
    pub(super) fn backward(
        &self,
        workspace: &mut TrainingWorkspace,
        parameters: &mut [Parameter],
        saved: &Normalized,
        gradient: &mut Rows,
        before: impl Fn(usize, &mut [f32]) + Sync,
    ) {
        let (width, stride) = (gradient.width(), gradient.stride());
        let kernels = workspace.kernels;
        let gamma = &parameters[self.0].values;
        workspace.sums.resize(2 * width * gradient.count().div_ceil(ROW_BLOCK));
        workspace.sums.fill(0.0);
        let blocks = gradient.row_blocks(ROW_BLOCK).zip(workspace.sums.chunks_exact_mut(2 * width)).collect();
        workspace.executor.pool.for_each(blocks, |_, block, (rows, sums)| {
            for (number, row) in rows.chunks_mut(stride).enumerate() {
                let (number, row) = (block * ROW_BLOCK + number, &mut row[..width]);
                before(number, row);
                kernels.normalize_backward(row, saved.hat.row(number), gamma, saved.scales[number], sums);
            }
        });
        for (parameter, columns) in [0..width, width..2 * width].into_iter().enumerate() {
            let (to, add) = parameters[self.0 + parameter].gradient_mut();
            if !add {
                to.fill(0.0);
            }
            for block in workspace.sums.chunks_exact(2 * width) {
                to.iter_mut().zip(&block[columns.clone()]).for_each(|(to, sum)| *to += sum);
            }
        }
    }
}
