//! Decides how attention with dropout on its shares is computed forth and back, a sentence and a head at a time.
//!
//! It must never let a sentence see the tokens of another, nor keep the shares of one pass for the next: they are as
//! many as the square of the tokens, and computing them again costs little.

#![allow(unsafe_code)]

use std::sync::{Mutex, PoisonError};

use super::kernels::{MOST_ROWS, Outer, TrainingKernels};
use super::layer::transpose_into;
use super::{Buffer, PANEL, Rows, Sentences, Tools};
use crate::nlu::dropout::Mask;
use crate::nlu::packed::kernels::{Kernels, Panel, Product, Then};

/// What one thread needs for one head; it grows to the longest sentence.
pub(super) struct Scratch {
    /// One side of a product, in panels.
    panels: Buffer<f32>,
    /// Shares of attention: a row per query, a place per key.
    shares: Buffer<f32>,
    /// The same after dropout.
    dropped: Buffer<f32>,
    /// Gradients of the shares, then of the scores.
    gradient: Buffer<f32>,
    /// Sums of a product: a row per token.
    sums: Buffer<f32>,
    /// Rows that a panel is transposed from.
    rows: Vec<f32>,
}

/// Numbers of one head: tokens, their dimensions, and both rounded up to whole panels.
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
        Self { panels: none(), shares: none(), dropped: none(), gradient: none(), sums: none(), rows: Vec::new() }
    }

    fn resize(&mut self, size: Size) {
        self.panels.resize((size.tokens_up * size.dims).max(size.tokens * size.dims_up));
        // A strip may end behind the last row.
        for square in [&mut self.shares, &mut self.dropped, &mut self.gradient] {
            square.resize(size.tokens * size.tokens_up + MOST_ROWS);
        }
        self.sums.resize(size.tokens * size.dims_up);
    }

    /// Shares of each query among the keys, from `qkv` at the head's columns.
    fn attend(&mut self, kernels: &Kernels, at: &Place<'_>) {
        let Size { tokens, dims, tokens_up, .. } = at.size;
        self.transpose(at.size, at.qkv, at.first, at.dim + at.column);
        let (rows, stride) = (at.qkv.from(at.first, at.column), at.qkv.stride());
        multiply(kernels, (rows, stride), (tokens, dims), &self.panels, (&mut self.shares, tokens_up));
        kernels.softmax(&mut self.shares[..tokens * tokens_up], tokens_up, tokens, at.scale());
    }

    /// Multiplies the mask's factors into a matrix of queries and keys.
    fn drop(values: &mut [f32], at: &Place<'_>) {
        let Some(mask) = at.mask else { return };
        for (query, row) in values.chunks_mut(at.size.tokens_up).take(at.size.tokens).enumerate() {
            mask.apply(at.drawn + query * at.width, &mut row[..at.size.tokens]);
        }
    }

    /// Packs a head's columns of rows so that a product with them runs over the tokens.
    fn panels(&mut self, size: Size, rows: &Rows, first: usize, column: usize) {
        for token in 0..size.tokens {
            let numbers = &rows.row(first + token)[column..][..size.dims];
            for (panel, part) in numbers.chunks(PANEL).enumerate() {
                let to = &mut self.panels[(panel * size.tokens + token) * PANEL..][..PANEL];
                to[..part.len()].copy_from_slice(part);
                to[part.len()..].fill(0.0);
            }
        }
    }

    /// Packs a head's columns of rows so that a product with them runs over the dimensions. Places behind the last
    /// token keep old numbers: their sums go to places that nobody reads.
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

/// Where one head of one sentence is found.
struct Place<'a> {
    qkv: &'a Rows,
    /// Width of query, key and value of all heads.
    dim: usize,
    /// The sentence's first row.
    first: usize,
    /// The head's first column.
    column: usize,
    size: Size,
    mask: Option<&'a Mask>,
    /// The mask's number of the first query and key, and from one query to the next.
    drawn: usize,
    width: usize,
}

impl Place<'_> {
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
) -> impl Iterator<Item = Place<'a>> {
    let dim = qkv.width() / 3;
    let (first, last) = (sentences.starts[sentence], sentences.starts[sentence + 1]);
    let (width, size) = (sentences.width, Size::new(last - first, dim / heads));
    (0..heads).map(move |head| {
        let drawn = (sentence * heads + head) * width * width;
        Place { qkv, dim, first, column: head * size.dims, size, mask, drawn, width }
    })
}

/// The context of each token; `qkv` holds query, key and value of each side by side.
pub(super) fn attend(
    tools: &mut Tools,
    qkv: &Rows,
    sentences: &Sentences,
    head_count: usize,
    mask: Option<&Mask>,
    out: &mut Rows,
) {
    out.resize(qkv.count(), qkv.width() / 3);
    let stride = out.stride();
    let (forward, scratch) = (tools.workers.kernels, &tools.scratch);
    tools.workers.team.share(sentences.split(out), |worker, sentence, out| {
        let scratch = &mut *scratch[worker].lock().unwrap_or_else(PoisonError::into_inner);
        for at in heads(qkv, sentences, head_count, mask, sentence) {
            let Size { tokens, dims, tokens_up, dims_up } = at.size;
            scratch.resize(at.size);
            scratch.attend(forward, &at);
            Scratch::drop(&mut scratch.shares, &at);
            scratch.panels(at.size, qkv, at.first, 2 * at.dim + at.column);
            let shares = (&scratch.shares[..], tokens_up);
            multiply(forward, shares, (tokens, tokens), &scratch.panels, (&mut scratch.sums, dims_up));
            copy(&scratch.sums, dims_up, dims, out, stride, at.column);
        }
    });
}

/// The gradient of query, key and value from that of the context.
pub(super) fn attend_back(
    tools: &mut Tools,
    qkv: &Rows,
    context: &Rows,
    sentences: &Sentences,
    head_count: usize,
    mask: Option<&Mask>,
    out: &mut Rows,
) {
    out.resize(qkv.count(), qkv.width());
    let stride = out.stride();
    let (forward, kernels, scratch) = (tools.workers.kernels, tools.kernels, &tools.scratch);
    tools.workers.team.share(sentences.split(out), |worker, sentence, out| {
        let scratch = &mut *scratch[worker].lock().unwrap_or_else(PoisonError::into_inner);
        for at in heads(qkv, sentences, head_count, mask, sentence) {
            let Size { tokens, dims, tokens_up, dims_up } = at.size;
            let square = tokens * tokens_up;
            scratch.resize(at.size);
            scratch.attend(forward, &at);
            scratch.dropped[..square].copy_from_slice(&scratch.shares[..square]);
            Scratch::drop(&mut scratch.dropped, &at);
            // Gradient of the shares after dropout, and before it.
            scratch.transpose(at.size, qkv, at.first, 2 * at.dim + at.column);
            let rows = (context.from(at.first, at.column), context.stride());
            multiply(forward, rows, (tokens, dims), &scratch.panels, (&mut scratch.gradient, tokens_up));
            Scratch::drop(&mut scratch.gradient, &at);
            // Gradient of the value.
            scratch.panels(at.size, context, at.first, at.column);
            outer(kernels, (&scratch.dropped, tokens_up), at.size, &scratch.panels, &mut scratch.sums);
            copy(&scratch.sums, dims_up, dims, out, stride, 2 * at.dim + at.column);
            // Gradient of the scores.
            let rows = scratch.shares.chunks_exact(tokens_up).zip(scratch.gradient.chunks_exact_mut(tokens_up));
            for (shares, gradient) in rows.take(tokens) {
                kernels.softmax_back(&shares[..tokens], &mut gradient[..tokens], at.scale());
            }
            scratch.panels(at.size, qkv, at.first, at.dim + at.column);
            let rows = (&scratch.gradient[..], tokens_up);
            multiply(forward, rows, (tokens, tokens), &scratch.panels, (&mut scratch.sums, dims_up));
            copy(&scratch.sums, dims_up, dims, out, stride, at.column);
            scratch.panels(at.size, qkv, at.first, at.column);
            outer(kernels, (&scratch.gradient, tokens_up), at.size, &scratch.panels, &mut scratch.sums);
            copy(&scratch.sums, dims_up, dims, out, stride, at.dim + at.column);
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
        let (rows, bias, then) = (rows.as_ptr(), std::ptr::null(), Then::Store);
        let out = out[column..].as_mut_ptr();
        // SAFETY: rows, panels and sums are checked above.
        unsafe { kernels.product(&Product { rows, stride, count, depth, panel, bias, out, out_stride, then }) };
    }
}

/// The sum over the queries of the outer products of their rows, `step` apart, with the rows of the panels.
fn outer(kernels: &TrainingKernels, (rows, step): (&[f32], usize), size: Size, panels: &[f32], sums: &mut [f32]) {
    let Size { tokens, dims_up, .. } = size;
    assert!(rows.len() >= tokens * step + MOST_ROWS && step >= tokens && panels.len() >= tokens * dims_up);
    let mut tile = [0.0; MOST_ROWS * PANEL];
    for column in (0..dims_up).step_by(PANEL) {
        for first in (0..tokens).step_by(kernels.rows) {
            let (strip, panel) = (rows[first..].as_ptr(), panels[column * tokens..].as_ptr());
            // SAFETY: the last strip's last numbers are at most MOST_ROWS behind the last row, which is checked above
            // as the panels are; the tile has room for the highest.
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
