//! Decides how layer normalization is computed forth and back over all rows.
//!
//! It must never let a result depend on how many threads there are.

use super::parameters::Parameter;
use super::{Rows, Tools};

/// Rows of a part.
const BAND: usize = 32;

/// Layer normalization: the number of its gamma among the parameters; its beta is the next.
pub(super) struct Norm(pub(super) usize);

/// What the way back needs of the way forth.
pub(super) struct Normalized {
    /// The rows before, brought to mean 0 and variance 1.
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
    /// Normalizes `kept.hat` in place and writes what comes out. `before` and `after` are told the number of each row
    /// and may change it before it is normalized and after.
    pub(super) fn forth(
        &self,
        tools: &mut Tools,
        parameters: &[Parameter],
        kept: &mut Normalized,
        out: &mut Rows,
        before: impl Fn(usize, &mut [f32]) + Sync,
        after: impl Fn(usize, &mut [f32]) + Sync,
    ) {
        let Normalized { hat, scales } = kept;
        let (width, stride) = (hat.width(), hat.stride());
        out.resize(hat.count(), width);
        scales.resize(hat.count(), 0.0);
        let (gamma, beta) = (&parameters[self.0].values, &parameters[self.0 + 1].values);
        let kernels = tools.kernels;
        let bands = hat.bands(BAND).zip(out.bands(BAND).zip(scales.chunks_mut(BAND))).collect();
        tools.workers.team.share(bands, |_, band, (rows, (out, scales))| {
            let rows = rows.chunks_mut(stride).zip(out.chunks_mut(stride).zip(scales.iter_mut()));
            for (number, (row, (out, scale))) in rows.enumerate() {
                let (number, row, out) = (band * BAND + number, &mut row[..width], &mut out[..width]);
                before(number, row);
                *scale = kernels.normalize(row, out, gamma, beta);
                after(number, out);
            }
        });
    }

    /// Turns the gradient of what came out into that of what went in. `before` undoes what `after` did.
    pub(super) fn back(
        &self,
        tools: &mut Tools,
        parameters: &mut [Parameter],
        kept: &Normalized,
        gradient: &mut Rows,
        before: impl Fn(usize, &mut [f32]) + Sync,
    ) {
        let (width, stride) = (gradient.width(), gradient.stride());
        let kernels = tools.kernels;
        let gamma = &parameters[self.0].values;
        tools.sums.resize(2 * width * gradient.count().div_ceil(BAND));
        tools.sums.fill(0.0);
        let bands = gradient.bands(BAND).zip(tools.sums.chunks_exact_mut(2 * width)).collect();
        tools.workers.team.share(bands, |_, band, (rows, sums)| {
            for (number, row) in rows.chunks_mut(stride).enumerate() {
                let (number, row) = (band * BAND + number, &mut row[..width]);
                before(number, row);
                kernels.normalize_back(row, kept.hat.row(number), gamma, kept.scales[number], sums);
            }
        });
        for (part, columns) in [0..width, width..2 * width].into_iter().enumerate() {
            let (to, add) = parameters[self.0 + part].gradient_mut();
            if !add {
                to.fill(0.0);
            }
            for band in tools.sums.chunks_exact(2 * width) {
                to.iter_mut().zip(&band[columns.clone()]).for_each(|(to, sum)| *to += sum);
            }
        }
    }
}
