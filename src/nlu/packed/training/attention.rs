//! Attention with dropout on its probabilities, forward and backward, a sentence and a head at a time.
//!
//! The backward pass computes the probabilities again: there are as many as the square of the tokens, so that saving them
//! would cost more than the product.

#![expect(unsafe_code, reason = "kernels take pointers")]

use std::sync::{Mutex, PoisonError};

use super::kernels::{MAX_ROWS, Outer, TrainingKernels};
use super::layer::transpose_into;
use super::{Sentences, TrainingWorkspace};
use crate::model::dropout::Mask;
use crate::packed::kernels::{EpilogueOp, Kernels, PANEL, Panel, Product};
use crate::packed::memory::{Buffer, Rows};

/// Memory of one thread for one head; it grows to the longest sentence.
pub(super) struct Scratch {
    /// One factor of a product, in panels.
    panels: Buffer<f32>,
    /// Attention probabilities: a row per query, a column per key.
    probabilities: Buffer<f32>,
    /// The same after dropout.
    dropped: Buffer<f32>,
    /// Gradient of the probabilities, then of the scores.
    gradient: Buffer<f32>,
    /// Sums of a product: a row per token.
    sums: Buffer<f32>,
    /// Rows that a panel is transposed from.
    rows: Vec<f32>,
}

/// Size of one head: tokens, their dimensions, and both rounded up to whole panels.
#[derive(Clone, Copy)]
struct Size {
    tokens: usize,
    dims: usize,
    tokens_up: usize,
    dims_up: usize,
}

impl Size {
    fn new(tokens: usize, dims: usize) -> Self {
        Self { tokens, dims, tokens_up: tokens.next_multiple_of(PANEL), dims_up: dims.next_multiple_of(PANEL) }
    }
}

impl Scratch {
    pub(super) fn new() -> Self {
        let none = || Buffer::zeros(0);
        Self {
            panels: none(),
            probabilities: none(),
            dropped: none(),
            gradient: none(),
            sums: none(),
            rows: Vec::new(),
        }
    }

    fn resize(&mut self, size: Size) {
        self.panels.resize((size.tokens_up * size.dims).max(size.tokens * size.dims_up));
        // A strip may end beyond the last row.
        for square in [&mut self.probabilities, &mut self.dropped, &mut self.gradient] {
            square.resize(size.tokens * size.tokens_up + MAX_ROWS);
        }
        self.sums.resize(size.tokens * size.dims_up);
    }

    /// Probabilities of each query for the keys, from `qkv` at the head's columns.
    fn attend(&mut self, kernels: &Kernels, head: &Head<'_>) {
        let Size { tokens, dims, tokens_up, .. } = head.size;
        self.transpose(head.size, head.qkv, head.first, head.dim + head.column);
        let (rows, stride) = (head.qkv.from(head.first, head.column), head.qkv.stride());
        multiply(kernels, (rows, stride), (tokens, dims), &self.panels, (&mut self.probabilities, tokens_up));
        kernels.softmax(&mut self.probabilities[..tokens * tokens_up], tokens_up, tokens, head.scale());
    }

    /// Multiplies the mask's factors into a matrix of queries and keys.
    fn drop(values: &mut [f32], head: &Head<'_>) {
        let Some(mask) = head.mask else { return };
        for (query, row) in values.chunks_mut(head.size.tokens_up).take(head.size.tokens).enumerate() {
            mask.apply(head.mask_start + query * head.mask_stride, &mut row[..head.size.tokens]);
        }
    }

    /// Packs a head's columns of rows so that a product with them runs over the tokens.
    fn panels(&mut self, size: Size, rows: &Rows, first: usize, column: usize) {
        for token in 0..size.tokens {
            let numbers = &rows.row(first + token)[column..][..size.dims];
            for (panel, dims) in numbers.chunks(PANEL).enumerate() {
                let to = &mut self.panels[(panel * size.tokens + token) * PANEL..][..PANEL];
                to[..dims.len()].copy_from_slice(dims);
                to[dims.len()..].fill(0.0);
            }
        }
    }

    /// Packs a head's columns of rows so that a product with them runs over the dimensions. Columns after the last
    /// token keep stale numbers: their sums go to columns that nobody reads.
    fn transpose(&mut self, size: Size, rows: &Rows, first: usize, column: usize) {
        self.rows.resize(PANEL * size.dims, 0.0);
        for from in (0..size.tokens).step_by(PANEL) {
            let count = PANEL.min(size.tokens - from);
            for (token, to) in self.rows.chunks_exact_mut(size.dims).take(count).enumerate() {
                to.copy_from_slice(&rows.row(first + from + token)[column..][..size.dims]);
            }
            let panel = &mut self.panels[from * size.dims..][..PANEL * size.dims];
            transpose_into(panel, &self.rows[..count * size.dims], size.dims);
        }
    }
}

/// One head of one sentence.
struct Head<'a> {
    qkv: &'a Rows,
    /// Width of query, key and value of all heads.
    dim: usize,
    /// The sentence's first row.
    first: usize,
    /// The head's first column.
    column: usize,
    size: Size,
    mask: Option<&'a Mask>,
    /// Index in the mask of the first query and key, and the distance between two queries.
    mask_start: usize,
    mask_stride: usize,
}

impl Head<'_> {
    #[expect(clippy::cast_precision_loss, reason = "a head is far below 2^24 wide")]
    fn scale(&self) -> f32 {
        1.0 / (self.size.dims as f32).sqrt()
    }
}

/// All heads of a sentence, one after the other.
fn heads<'a>(
    qkv: &'a Rows,
    sentences: &Sentences,
    heads: usize,
    mask: Option<&'a Mask>,
    sentence: usize,
) -> impl Iterator<Item = Head<'a>> {
    let dim = qkv.width() / 3;
    let (first, last) = (sentences.starts[sentence], sentences.starts[sentence + 1]);
    let (width, size) = (sentences.width, Size::new(last - first, dim / heads));
    (0..heads).map(move |head| {
        let mask_start = (sentence * heads + head) * width * width;
        Head { qkv, dim, first, column: head * size.dims, size, mask, mask_start, mask_stride: width }
    })
}

/// The context of each token; `qkv` holds query, key and value of each side by side.
pub(super) fn attend(
    workspace: &mut TrainingWorkspace,
    qkv: &Rows,
    sentences: &Sentences,
    head_count: usize,
    mask: Option<&Mask>,
    out: &mut Rows,
) {
    out.resize(qkv.count(), qkv.width() / 3);
    let stride = out.stride();
    let (forward, scratch) = (workspace.executor.kernels, &workspace.scratch);
    workspace.executor.pool.for_each(sentences.split(out), |thread, sentence, out| {
        let scratch = &mut *scratch[thread].lock().unwrap_or_else(PoisonError::into_inner);
        for head in heads(qkv, sentences, head_count, mask, sentence) {
            let Size { tokens, dims, tokens_up, dims_up } = head.size;
            scratch.resize(head.size);
            scratch.attend(forward, &head);
            Scratch::drop(&mut scratch.probabilities, &head);
            scratch.panels(head.size, qkv, head.first, 2 * head.dim + head.column);
            let probabilities = (&scratch.probabilities[..], tokens_up);
            multiply(forward, probabilities, (tokens, tokens), &scratch.panels, (&mut scratch.sums, dims_up));
            copy(&scratch.sums, dims_up, dims, out, stride, head.column);
        }
    });
}

/// The gradient of query, key and value from that of the context.
pub(super) fn attend_backward(
    workspace: &mut TrainingWorkspace,
    qkv: &Rows,
    context: &Rows,
    sentences: &Sentences,
    head_count: usize,
    mask: Option<&Mask>,
    out: &mut Rows,
) {
    out.resize(qkv.count(), qkv.width());
    let stride = out.stride();
    let (forward, kernels, scratch) = (workspace.executor.kernels, workspace.kernels, &workspace.scratch);
    workspace.executor.pool.for_each(sentences.split(out), |thread, sentence, out| {
        let scratch = &mut *scratch[thread].lock().unwrap_or_else(PoisonError::into_inner);
        for head in heads(qkv, sentences, head_count, mask, sentence) {
            let Size { tokens, dims, tokens_up, dims_up } = head.size;
            let square = tokens * tokens_up;
            scratch.resize(head.size);
            scratch.attend(forward, &head);
            scratch.dropped[..square].copy_from_slice(&scratch.probabilities[..square]);
            Scratch::drop(&mut scratch.dropped, &head);
            // Gradient of the probabilities after dropout, and before it.
            scratch.transpose(head.size, qkv, head.first, 2 * head.dim + head.column);
            let rows = (context.from(head.first, head.column), context.stride());
            multiply(forward, rows, (tokens, dims), &scratch.panels, (&mut scratch.gradient, tokens_up));
            Scratch::drop(&mut scratch.gradient, &head);
            // Gradient of the value.
            scratch.panels(head.size, context, head.first, head.column);
            outer(kernels, (&scratch.dropped, tokens_up), head.size, &scratch.panels, &mut scratch.sums);
            copy(&scratch.sums, dims_up, dims, out, stride, 2 * head.dim + head.column);
            // Gradient of the scores.
            let rows = scratch.probabilities.chunks_exact(tokens_up).zip(scratch.gradient.chunks_exact_mut(tokens_up));
            for (probabilities, gradient) in rows.take(tokens) {
                kernels.softmax_backward(&probabilities[..tokens], &mut gradient[..tokens], head.scale());
            }
            scratch.panels(head.size, qkv, head.first, head.dim + head.column);
            let rows = (&scratch.gradient[..], tokens_up);
            multiply(forward, rows, (tokens, tokens), &scratch.panels, (&mut scratch.sums, dims_up));
            copy(&scratch.sums, dims_up, dims, out, stride, head.column);
            scratch.panels(head.size, qkv, head.first, head.column);
            outer(kernels, (&scratch.gradient, tokens_up), head.size, &scratch.panels, &mut scratch.sums);
            copy(&scratch.sums, dims_up, dims, out, stride, head.dim + head.column);
        }
    });
}

/// Copies a row of sums per token to a head's columns.
fn copy(sums: &[f32], dims_up: usize, dims: usize, out: &mut [f32], stride: usize, column: usize) {
    for (out, sums) in out.chunks_mut(stride).zip(sums.chunks(dims_up)) {
        out[column..][..dims].copy_from_slice(&sums[..dims]);
    }
}

/// `count` rows of `depth` numbers times as many panels as make up a row of sums.
fn multiply(
    kernels: &Kernels,
    (rows, stride): (&[f32], usize),
    (count, depth): (usize, usize),
    panels: &[f32],
    (out, out_stride): (&mut [f32], usize),
) {
    assert!(rows.len() >= (count - 1) * stride + depth);
    assert!(panels.len() >= depth * out_stride && out.len() >= count * out_stride && out_stride.is_multiple_of(PANEL));
    for column in (0..out_stride).step_by(PANEL) {
        let panel = Panel::Full(panels[column * depth..].as_ptr());
        let (rows, bias, epilogue) = (rows.as_ptr(), std::ptr::null(), EpilogueOp::None);
        let out = out[column..].as_mut_ptr();
        // SAFETY: rows, panels and sums are checked above.
        unsafe { kernels.product(&Product { rows, stride, count, depth, panel, bias, out, out_stride, epilogue }) };
    }
}

/// The sum over the queries of the outer products of their rows, `step` apart, with the rows of the panels.
fn outer(kernels: &TrainingKernels, (rows, step): (&[f32], usize), size: Size, panels: &[f32], sums: &mut [f32]) {
    let Size { tokens, dims_up, .. } = size;
    assert!(rows.len() >= tokens * step + MAX_ROWS && step >= tokens && panels.len() >= tokens * dims_up);
    let mut tile = [0.0; MAX_ROWS * PANEL];
    for column in (0..dims_up).step_by(PANEL) {
        for first in (0..tokens).step_by(kernels.rows) {
            let (strip, panel) = (rows[first..].as_ptr(), panels[column * tokens..].as_ptr());
            // SAFETY: the last strip ends at most MAX_ROWS numbers beyond the last row, which is checked above, as the
            // panels are; the tile has room for the highest strip.
            unsafe { kernels.outer(&Outer { strip, step, depth: tokens, panel, tile: tile.as_mut_ptr() }) };
            let to = sums[first * dims_up..].chunks_mut(dims_up).zip(tile.chunks_exact(PANEL));
            for (to, tile) in to.take(kernels.rows.min(tokens - first)) {
                to[column..][..PANEL].copy_from_slice(tile);
            }
        }
    }
}

/// One scratch for each thread.
pub(super) fn scratch(threads: usize) -> Vec<Mutex<Scratch>> {
    (0..threads).map(|_| Mutex::new(Scratch::new())).collect()
}
