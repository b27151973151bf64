//! Decides how a linear layer's weights lie in memory and how a product with them is cut into parts.
//!
//! It must never change a weight: half-precision numbers stay what they are or become the same `f32`.

#![allow(unsafe_code)]

use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use super::Arithmetic;
use super::bytes::{ByteKernels, ByteProduct, GROUP};
use super::kernels::{Kernels, PANEL, Panel, Product, Then};
use super::memory::{Buffer, Number, Rows};
use super::source::Tensor;
use super::team::Team;

/// Multiplications below which one thread is faster than two.
const SMALL: usize = 1 << 15;

/// Rows of a part: their inputs and the panel stay in the second-level cache together.
const BAND: usize = 64;

/// Rows of bytes start on a cache line, and not all at the same place of a page.
const BYTE_STRIDE: usize = 64;

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
    Bytes { weights: Buffer<i8>, scales: Buffer<f32>, sums: Buffer<f32> },
}

/// Who computes, and memory for it.
pub(super) struct Workers {
    pub(super) kernels: &'static Kernels,
    pub(super) team: Team,
    bytes: &'static ByteKernels,
    rows: Buffer<u8>,
    ranges: Vec<[f32; 2]>,
}

impl Workers {
    /// Threads that use these kernels.
    pub(super) fn new(kernels: &'static Kernels, bytes: &'static ByteKernels, threads: usize) -> Self {
        Self { kernels, team: Team::new(threads), bytes, rows: Buffer::zeros(0), ranges: Vec::new() }
    }

    /// Threads that compute with plain numbers only.
    pub(super) fn full(kernels: &'static Kernels, threads: usize) -> Self {
        Self::new(kernels, super::bytes::available()[0], threads)
    }

    /// Names of the kernels.
    pub(super) fn instructions(&self) -> [&'static str; 2] {
        [self.kernels.name, self.bytes.name]
    }

    /// Rows as bytes, `stride` apart.
    fn quantize(&mut self, rows: &Rows, stride: usize) {
        self.rows.resize(rows.count() * stride);
        self.ranges.resize(rows.count(), [0.0; 2]);
        let bytes = self.bytes;
        let bands: Vec<_> =
            self.rows.chunks_mut(BAND * stride).zip(self.ranges.chunks_mut(BAND)).map(Mutex::new).collect();
        self.team.run(bands.len(), &|_, band| {
            let (to, ranges) = &mut *bands[band].lock().unwrap_or_else(PoisonError::into_inner);
            for (row, (to, range)) in to.chunks_mut(stride).zip(ranges.iter_mut()).enumerate() {
                *range = bytes.quantize(rows.row(band * BAND + row), to);
            }
        });
    }
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
    /// It is multiplied by other rows of the same shape.
    Times(&'a Rows),
}

impl Linear {
    /// Packs layers with the same inputs: pairs of a weight with one row per output and a bias.
    ///
    /// Where the processor has an instruction for it, half-precision weights stay as they are: half the memory to
    /// read, which for a short sentence is most of the time.
    ///
    /// With `Arithmetic::Int8` each output's weights are rounded to 255 steps of their own size.
    pub(super) fn pack(
        kernels: &Kernels,
        arithmetic: Arithmetic,
        inputs: usize,
        layers: &[(Tensor, Vec<f32>)],
    ) -> Self {
        let rows: Vec<(&Tensor, usize)> =
            layers.iter().flat_map(|(weight, bias)| (0..bias.len()).map(move |row| (weight, row))).collect();
        let outputs = rows.len();
        let mut bias = Buffer::zeros(outputs.next_multiple_of(PANEL));
        bias.iter_mut().zip(layers.iter().flat_map(|(_, bias)| bias)).for_each(|(to, from)| *to = *from);
        let weights = if arithmetic == Arithmetic::Int8 {
            pack_bytes(inputs, &rows)
        } else if kernels.half && layers.iter().all(|(weight, _)| weight.is_half()) {
            Panels::Half(pack(inputs, &rows, 0, Tensor::half_row))
        } else {
            Panels::Full(pack(inputs, &rows, 0.0, Tensor::row))
        };
        Self { weights, bias, inputs, outputs }
    }

    /// A layer of zeros, whose weights are still to be filled in.
    pub(super) fn zeros(inputs: usize, outputs: usize) -> Self {
        let padded = outputs.next_multiple_of(PANEL);
        Self { weights: Panels::Full(Buffer::zeros(padded * inputs)), bias: Buffer::zeros(padded), inputs, outputs }
    }

    /// The panels of a layer of plain numbers (none of another), and its bias; both rounded up to whole panels.
    pub(super) fn full_mut(&mut self) -> (&mut [f32], &mut [f32]) {
        match &mut self.weights {
            Panels::Full(weights) => (weights, &mut self.bias),
            _ => (&mut [], &mut self.bias),
        }
    }

    /// `out = rows · weights + bias`, and what comes after.
    pub(super) fn multiply(&self, workers: &mut Workers, rows: &Rows, after: After<'_>, out: &mut Rows) {
        assert_eq!(rows.width(), self.inputs, "the rows are not what the layer takes");
        out.resize(rows.count(), self.outputs);
        let byte_stride = self.inputs.next_multiple_of(BYTE_STRIDE) + BYTE_STRIDE;
        if matches!(self.weights, Panels::Bytes { .. }) {
            workers.quantize(rows, byte_stride);
        }
        let Workers { kernels, team, bytes, rows: byte_rows, ranges } = workers;
        let count = rows.count();
        let then = match after {
            After::Nothing => Then::Store,
            After::Gelu => Then::Gelu,
            After::Relu => Then::Relu,
            After::Add(other) | After::Times(other) => {
                assert!(other.count() == count && other.width() == self.outputs, "both must be rows of one shape");
                let (rows, stride) = (other.as_ptr(), other.stride());
                if matches!(after, After::Add(_)) { Then::Add { rows, stride } } else { Then::Times { rows, stride } }
            }
        };
        let panels = self.outputs.div_ceil(PANEL);
        let small = count * self.inputs * self.outputs < SMALL;
        let bands = if small { 1 } else { count.div_ceil(BAND) };
        // With many bands the weights are read once for each anyway: whole bands keep the inputs in the cache.
        let grouped = if small || bands >= 4 * team.threads() { panels } else { 1 };
        let groups = panels.div_ceil(grouped);
        let (stride, out_stride) = (rows.stride(), out.stride());
        let shared = Shared { rows: rows.as_ptr(), out: out.as_mut_ptr(), then };
        team.run(bands * groups, &|_, part| {
            let shared = &shared;
            let (band, group) = (part / groups, part % groups);
            let (first, last) = (count * band / bands, count * (band + 1) / bands);
            for panel in group * grouped..((group + 1) * grouped).min(panels) {
                let column = panel * PANEL;
                let bias = self.bias[column..].as_ptr();
                // SAFETY: rows `first .. last` are within `rows`, their bytes and ranges, `out` and the rows to add,
                // which have `count` rows; each is `inputs` wide or has room for all panels, as `Rows` rounds its
                // stride up to whole panels and weights, scales, sums and bias are rounded up alike. Another part has
                // other rows or other columns, and `rows` and the rows to add are borrowed, so nobody writes to them.
                unsafe {
                    let out = shared.out.add(first * out_stride + column);
                    let then = match shared.then {
                        Then::Add { rows, stride } => Then::Add { rows: rows.add(first * stride + column), stride },
                        Then::Times { rows, stride } => Then::Times { rows: rows.add(first * stride + column), stride },
                        other => other,
                    };
                    let full = |panel| Product {
                        rows: shared.rows.add(first * stride),
                        stride,
                        count: last - first,
                        depth: self.inputs,
                        panel,
                        bias,
                        out,
                        out_stride,
                        then,
                    };
                    match &self.weights {
                        Panels::Full(weights) => {
                            kernels.product(&full(Panel::Full(weights[column * self.inputs..].as_ptr())));
                        }
                        Panels::Half(weights) => {
                            kernels.product(&full(Panel::Half(weights[column * self.inputs..].as_ptr())));
                        }
                        Panels::Bytes { weights, scales, sums } => bytes.product(&ByteProduct {
                            rows: byte_rows[first * byte_stride..].as_ptr(),
                            stride: byte_stride,
                            count: last - first,
                            ranges: ranges[first..].as_ptr(),
                            groups: self.inputs.div_ceil(GROUP),
                            panel: weights[column * self.inputs.next_multiple_of(GROUP)..].as_ptr(),
                            column_scales: scales[column..].as_ptr(),
                            column_sums: sums[column..].as_ptr(),
                            bias,
                            out,
                            out_stride,
                            then,
                        }),
                    }
                }
            }
        });
    }
}

/// Addresses that the parts of a product use together.
struct Shared {
    rows: *const f32,
    out: *mut f32,
    then: Then,
}
// SAFETY: bare addresses; `multiply` sees to it that no two parts write to the same places, and that nobody writes
// where they read.
unsafe impl Sync for Shared {}

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

/// Panels of bytes, with each output's scale and the sum of its scaled weights.
fn pack_bytes(inputs: usize, rows: &[(&Tensor, usize)]) -> Panels {
    let padded = rows.len().next_multiple_of(PANEL);
    let size = PANEL * inputs.next_multiple_of(GROUP);
    let mut weights = Buffer::<i8>::zeros(padded / PANEL * size);
    let (mut scales, mut sums) = (Buffer::zeros(padded), Buffer::zeros(padded));
    let panels = weights.par_chunks_exact_mut(size).zip(rows.par_chunks(PANEL));
    let factors = scales.par_chunks_mut(PANEL).zip(sums.par_chunks_mut(PANEL));
    panels.zip(factors).for_each(|((panel, rows), (scales, sums))| {
        let mut numbers = vec![0.0; inputs];
        for (column, (tensor, row)) in rows.iter().enumerate() {
            tensor.row(*row, &mut numbers);
            let largest = numbers.iter().fold(0.0_f32, |largest, number| largest.max(number.abs()));
            // No number among the weights must be no number among the sums, or damage would go unnoticed.
            let scale = if numbers.iter().all(|number| number.is_finite()) { largest / 127.0 } else { f32::NAN };
            let factor = if largest > 0.0 { 127.0 / largest } else { 0.0 };
            let mut sum = 0_i32;
            for (group, four) in numbers.chunks(GROUP).enumerate() {
                for (place, number) in panel[(group * PANEL + column) * GROUP..].iter_mut().zip(four) {
                    *place = (number * factor).round() as i8;
                    sum += i32::from(*place);
                }
            }
            (scales[column], sums[column]) = (scale, scale * sum as f32);
        }
    });
    Panels::Bytes { weights, scales, sums }
}
