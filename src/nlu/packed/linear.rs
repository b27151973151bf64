//! The layout of a linear layer's weights in memory, and how a product with them is split into chunks.
//!
//! Packing changes no weight but to eight bits: half-precision numbers stay what they are or become the same `f32`.

#![expect(unsafe_code, reason = "chunks write to different columns of the same rows")]

use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use super::bytes::{ByteKernels, ByteProduct, GROUP};
use super::kernels::{EpilogueOp, Kernels, PANEL, Panel, Product};
use super::memory::{Buffer, Number, Rows};
use super::source::Tensor;
use super::thread_pool::ThreadPool;

/// Multiplications below which one thread is faster than two.
const MIN_SHARED_PRODUCTS: usize = 1 << 15;

/// Rows of a chunk: their inputs and the panel stay in the second-level cache together.
const ROW_BLOCK: usize = 64;

/// Alignment of rows of bytes, and the gap after each, so that not all start at the same offset of a page.
const BYTE_STRIDE: usize = 64;

/// How the products of the encoder's linear layers are computed when a model serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Arithmetic {
    /// In `f32`, with the weights as they are in the file: the same answers as in training.
    #[default]
    Full,
    /// With weights and inputs of eight bits and a scale for each output and each token: a third of the time with
    /// VNNI instructions (and no gain without them), half of the memory, confidences that differ in the second digit,
    /// and another label for about one message in 500.
    Int8,
}

/// Weights and bias of a linear layer, or of several with the same inputs side by side.
pub(super) struct Linear {
    weights: Panels,
    /// Zero after the last output.
    bias: Buffer<f32>,
    inputs: usize,
    outputs: usize,
}

enum Panels {
    Full(Buffer<f32>),
    Half(Buffer<u16>),
    Bytes { weights: Buffer<i8>, scales: Buffer<f32>, sums: Buffer<f32> },
}

/// Kernels, threads and scratch memory for products.
pub(super) struct Executor {
    pub(super) kernels: &'static Kernels,
    pub(super) pool: ThreadPool,
    bytes: &'static ByteKernels,
    rows: Buffer<u8>,
    ranges: Vec<[f32; 2]>,
}

impl Executor {
    /// A pool of `threads` threads that use these kernels.
    pub(super) fn new(kernels: &'static Kernels, bytes: &'static ByteKernels, threads: usize) -> Self {
        Self { kernels, pool: ThreadPool::new(threads), bytes, rows: Buffer::zeros(0), ranges: Vec::new() }
    }

    /// The same for products in `f32` only.
    pub(super) fn full(kernels: &'static Kernels, threads: usize) -> Self {
        Self::new(kernels, super::bytes::available()[0], threads)
    }

    /// Names of the kernels: for `f32` and for eight bits.
    pub(super) fn instructions(&self) -> [&'static str; 2] {
        [self.kernels.name, self.bytes.name]
    }

    /// Converts rows to bytes, `stride` apart.
    fn quantize(&mut self, rows: &Rows, stride: usize) {
        self.rows.resize(rows.count() * stride);
        self.ranges.resize(rows.count(), [0.0; 2]);
        let bytes = self.bytes;
        let blocks: Vec<_> =
            self.rows.chunks_mut(ROW_BLOCK * stride).zip(self.ranges.chunks_mut(ROW_BLOCK)).map(Mutex::new).collect();
        self.pool.run(blocks.len(), &|_, block| {
            let (to, ranges) = &mut *blocks[block].lock().unwrap_or_else(PoisonError::into_inner);
            for (row, (to, range)) in to.chunks_mut(stride).zip(ranges.iter_mut()).enumerate() {
                *range = bytes.quantize(rows.row(block * ROW_BLOCK + row), to);
            }
        });
    }
}

/// What is done to the sums of a product before they are stored.
#[derive(Clone, Copy)]
pub(super) enum Epilogue<'a> {
    /// Nothing.
    None,
    /// The exact GELU.
    Gelu,
    /// `max(x, 0)`.
    Relu,
    /// Other rows of the same shape are added.
    Add(&'a Rows),
    /// They are multiplied by other rows of the same shape.
    Multiply(&'a Rows),
}

impl Linear {
    /// Packs layers with the same inputs: pairs of a weight with one row per output and a bias.
    ///
    /// Where the processor has an instruction for it, half-precision weights stay as they are: reading half the memory
    /// is what most of the time is spent on for a short sentence.
    ///
    /// With `Arithmetic::Int8` each output's weights are rounded to integers from -127 to 127 times a scale of their own.
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

    /// A layer of zeros in `f32`, to be filled through [`Linear::full_mut`].
    pub(super) fn zeros(inputs: usize, outputs: usize) -> Self {
        let padded = outputs.next_multiple_of(PANEL);
        Self { weights: Panels::Full(Buffer::zeros(padded * inputs)), bias: Buffer::zeros(padded), inputs, outputs }
    }

    /// The panels of a layer in `f32` (empty for another), and its bias; both rounded up to whole panels.
    pub(super) fn full_mut(&mut self) -> (&mut [f32], &mut [f32]) {
        match &mut self.weights {
            Panels::Full(weights) => (weights, &mut self.bias),
            _ => (&mut [], &mut self.bias),
        }
    }

    /// `out = rows · weights + bias`, with the epilogue applied.
    ///
    /// # Panics
    /// The rows are not `inputs` wide, or the epilogue's rows have another shape than `out`.
    pub(super) fn multiply(&self, executor: &mut Executor, rows: &Rows, epilogue: Epilogue<'_>, out: &mut Rows) {
        assert_eq!(rows.width(), self.inputs, "the rows must be as wide as the layer's inputs");
        out.resize(rows.count(), self.outputs);
        let byte_stride = self.inputs.next_multiple_of(BYTE_STRIDE) + BYTE_STRIDE;
        if matches!(self.weights, Panels::Bytes { .. }) {
            executor.quantize(rows, byte_stride);
        }
        let Executor { kernels, pool, bytes, rows: byte_rows, ranges } = executor;
        let count = rows.count();
        if count == 0 {
            return;
        }
        let op = match epilogue {
            Epilogue::None => EpilogueOp::None,
            Epilogue::Gelu => EpilogueOp::Gelu,
            Epilogue::Relu => EpilogueOp::Relu,
            Epilogue::Add(other) | Epilogue::Multiply(other) => {
                assert!(other.count() == count && other.width() == self.outputs, "both must be rows of one shape");
                let (rows, stride) = (other.as_ptr(), other.stride());
                if matches!(epilogue, Epilogue::Add(_)) {
                    EpilogueOp::Add { rows, stride }
                } else {
                    EpilogueOp::Multiply { rows, stride }
                }
            }
        };
        let panels = self.outputs.div_ceil(PANEL);
        let small = count * self.inputs * self.outputs < MIN_SHARED_PRODUCTS;
        let blocks = if small { 1 } else { count.div_ceil(ROW_BLOCK) };
        // With many blocks of rows the weights are read once for each anyway: whole blocks keep the inputs in the cache.
        let grouped = if small || blocks >= 4 * pool.threads() { panels } else { 1 };
        let groups = panels.div_ceil(grouped);
        let (stride, out_stride) = (rows.stride(), out.stride());
        let shared = Shared { rows: rows.as_ptr(), out: out.as_mut_ptr(), op };
        pool.run(blocks * groups, &|_, chunk| {
            let shared = &shared;
            let (block, group) = (chunk / groups, chunk % groups);
            let (first, last) = (count * block / blocks, count * (block + 1) / blocks);
            for panel in group * grouped..((group + 1) * grouped).min(panels) {
                let column = panel * PANEL;
                let bias = self.bias[column..].as_ptr();
                // SAFETY: rows `first .. last` are within `rows`, their bytes and ranges, `out` and the epilogue's rows,
                // which have `count` rows; each is `inputs` wide or has room for all panels, as `Rows` rounds its
                // stride up to whole panels and weights, scales, sums and bias are rounded up alike. Another chunk has
                // other rows or other columns, and `rows` and the epilogue's rows are borrowed, so nobody writes to them.
                unsafe {
                    let out = shared.out.add(first * out_stride + column);
                    let epilogue = match shared.op {
                        EpilogueOp::Add { rows, stride } => {
                            EpilogueOp::Add { rows: rows.add(first * stride + column), stride }
                        }
                        EpilogueOp::Multiply { rows, stride } => {
                            EpilogueOp::Multiply { rows: rows.add(first * stride + column), stride }
                        }
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
                        epilogue,
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
                            epilogue,
                        }),
                    }
                }
            }
        });
    }
}

/// Addresses that the chunks of a product share.
struct Shared {
    rows: *const f32,
    out: *mut f32,
    op: EpilogueOp,
}
// SAFETY: pointers without an owner; `multiply` ensures that no two chunks write to the same elements, and that nobody
// writes to what they read.
unsafe impl Sync for Shared {}

/// Panels of [`PANEL`] outputs; columns after the last output hold zero.
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
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "weights are rounded to integers from -127 to 127, and their sum to `f32`"
)]
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
            // A NaN among the weights must show in the results, or damage would go unnoticed.
            let scale = if numbers.iter().all(|number| number.is_finite()) { largest / 127.0 } else { f32::NAN };
            let factor = if largest > 0.0 { 127.0 / largest } else { 0.0 };
            let mut sum = 0_i32;
            for (group, four) in numbers.chunks(GROUP).enumerate() {
                for (byte, number) in panel[(group * PANEL + column) * GROUP..].iter_mut().zip(four) {
                    *byte = (number * factor).round() as i8;
                    sum += i32::from(*byte);
                }
            }
            (scales[column], sums[column]) = (scale, scale * sum as f32);
        }
    });
    Panels::Bytes { weights, scales, sums }
}
