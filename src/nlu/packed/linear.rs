//! Decides how a linear layer's weights lie in memory and how a product with them is cut into parts.
//!
//! It must never change a weight: half-precision numbers stay what they are or become the same `f32`.

#![allow(unsafe_code)]

use rayon::prelude::*;

use super::kernels::{Kernels, PANEL, Panel, Product, Then};
use super::memory::{Buffer, Number, Rows};
use super::source::Tensor;
use super::team::Team;

/// Multiplications below which one thread is faster than two.
const SMALL: usize = 1 << 15;

/// Rows of a part: their inputs and the panel stay in the second-level cache together.
const BAND: usize = 64;

/// Weights and bias of a linear layer, or of several with the same inputs side by side.
pub(super) struct Linear {
    weights: Panels,
    /// Zero behind the last output.
    bias: Buffer<f32>,
    inputs: usize,
    outputs: usize,
}

enum Panels {
    Full(Buffer<f32>),
    Half(Buffer<u16>),
}

/// What follows the product.
#[derive(Clone, Copy)]
pub(super) enum After<'a> {
    /// Nothing.
    Nothing,
    /// The exact GELU.
    Gelu,
    /// `max(x, 0)`.
    Relu,
    /// Other rows of the same shape are added.
    Add(&'a Rows),
}

/// Memory that parts of a product write to, each to columns and rows of its own.
struct Target(*mut f32);
// SAFETY: a bare address; `multiply` sees to it that no two parts use the same places.
unsafe impl Sync for Target {}

/// Memory that all parts of a product read.
struct Origin(*const f32);
// SAFETY: a bare address; nobody writes there during the product.
unsafe impl Sync for Origin {}

impl Linear {
    /// Packs layers with the same inputs: pairs of a weight with one row per output and a bias.
    ///
    /// Where the processor has an instruction for it, half-precision weights stay as they are: half the memory to
    /// read, which for a short sentence is most of the time.
    pub(super) fn pack(kernels: &Kernels, inputs: usize, layers: &[(Tensor, Vec<f32>)]) -> Self {
        let rows: Vec<(&Tensor, usize)> =
            layers.iter().flat_map(|(weight, bias)| (0..bias.len()).map(move |row| (weight, row))).collect();
        let outputs = rows.len();
        let mut bias = Buffer::zeros(outputs.next_multiple_of(PANEL));
        bias.iter_mut().zip(layers.iter().flat_map(|(_, bias)| bias)).for_each(|(to, from)| *to = *from);
        let weights = if kernels.half && layers.iter().all(|(weight, _)| weight.is_half()) {
            Panels::Half(pack(inputs, &rows, 0, Tensor::half_row))
        } else {
            Panels::Full(pack(inputs, &rows, 0.0, Tensor::row))
        };
        Self { weights, bias, inputs, outputs }
    }

    /// `out = rows · weights + bias`, and what comes after.
    pub(super) fn multiply(&self, kernels: &Kernels, team: &mut Team, rows: &Rows, after: After<'_>, out: &mut Rows) {
        assert_eq!(rows.width(), self.inputs, "the rows are not what the layer takes");
        out.resize(rows.count(), self.outputs);
        let count = rows.count();
        let then = match after {
            After::Nothing => Then::Store,
            After::Gelu => Then::Gelu,
            After::Relu => Then::Relu,
            After::Add(other) => {
                assert!(other.count() == count && other.width() == self.outputs, "only rows of one shape can be added");
                Then::Add { rows: other.as_ptr(), stride: other.stride() }
            }
        };
        let panels = self.outputs.div_ceil(PANEL);
        let bands = count.div_ceil(BAND).max(1);
        let small = count * self.inputs * self.outputs < SMALL;
        let grouped = match () {
            () if small => panels,
            // With many bands the weights are read once for each anyway: whole bands keep the inputs in the cache.
            () if bands >= 4 * team.threads() => panels,
            () => 1,
        };
        let groups = panels.div_ceil(grouped);
        let bands = if small { 1 } else { bands };
        let (from, to) = (Origin(rows.as_ptr()), Target(out.as_mut_ptr()));
        let then = Adding(then);
        let (stride, out_stride) = (rows.stride(), out.stride());
        team.run(bands * groups, &|_, part| {
            let (from, to, then) = (&from, &to, &then);
            let (band, group) = (part / groups, part % groups);
            let (first, last) = (count * band / bands, count * (band + 1) / bands);
            for panel in group * grouped..((group + 1) * grouped).min(panels) {
                let column = panel * PANEL;
                // SAFETY: rows `first .. last` are within `rows`, `out` and the rows
                // to add, which have `count` rows; each is `inputs` wide or has room for all panels, as `Rows` rounds
                // its stride up to whole panels and `weights` and `bias` are rounded up alike. Another part has other
                // rows or other columns, and `rows` and the rows to add are borrowed, so nobody writes to them.
                unsafe {
                    let weights = match &self.weights {
                        Panels::Full(weights) => Panel::Full(weights[column * self.inputs..].as_ptr()),
                        Panels::Half(weights) => Panel::Half(weights[column * self.inputs..].as_ptr()),
                    };
                    kernels.product(&Product {
                        rows: from.0.add(first * stride),
                        stride,
                        count: last - first,
                        depth: self.inputs,
                        panel: weights,
                        bias: self.bias[column..].as_ptr(),
                        out: to.0.add(first * out_stride + column),
                        out_stride,
                        then: match then.0 {
                            Then::Add { rows, stride } => Then::Add { rows: rows.add(first * stride + column), stride },
                            other => other,
                        },
                    });
                }
            }
        });
    }
}

/// A [`Then`] that threads share.
struct Adding(Then);
// SAFETY: a bare address that is only read, see `Origin`.
unsafe impl Sync for Adding {}

/// Panels of [`PANEL`] outputs; places behind the last output hold zero.
fn pack<T: Number + Send + Sync>(
    inputs: usize,
    rows: &[(&Tensor, usize)],
    zero: T,
    read: fn(&Tensor, usize, &mut [T]),
) -> Buffer<T> {
    let mut packed = Buffer::zeros(rows.len().next_multiple_of(PANEL) * inputs);
    packed.par_chunks_exact_mut(PANEL * inputs).zip(rows.par_chunks(PANEL)).for_each(|(panel, rows)| {
        let mut numbers = vec![zero; inputs];
        for (column, (tensor, row)) in rows.iter().enumerate() {
            read(tensor, *row, &mut numbers);
            panel[column..].iter_mut().step_by(PANEL).zip(&numbers).for_each(|(to, from)| *to = *from);
        }
    });
    packed
}
