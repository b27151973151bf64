//! Decides how the tokens of a sentence attend to each other: scaled dot products (Vaswani et al., 2017), a sentence
//! and a head at a time.
//!
//! It must never let a sentence see the tokens of another.

#![allow(unsafe_code)]

use std::sync::{Mutex, PoisonError};

use super::kernels::{Kernels, PANEL, Panel, Product, Then};
use super::memory::{Buffer, Rows};
use super::team::Team;

/// Queries computed together, so that their scores stay in the first-level cache.
const QUERIES: usize = 32;

/// What one thread needs for one head; it grows to the longest sentence.
pub(super) struct Scratch {
    /// Keys, transposed, in panels of [`PANEL`] tokens.
    keys: Buffer<f32>,
    /// Values in panels of [`PANEL`] dimensions.
    values: Buffer<f32>,
    scores: Buffer<f32>,
    context: Buffer<f32>,
}

impl Scratch {
    pub(super) fn new() -> Self {
        let none = || Buffer::zeros(0);
        Self { keys: none(), values: none(), scores: none(), context: none() }
    }

    fn reserve(&mut self, tokens: usize, dims: usize) {
        let (tokens_up, dims_up) = (tokens.next_multiple_of(PANEL), dims.next_multiple_of(PANEL));
        for (buffer, length) in [
            (&mut self.keys, tokens_up * dims),
            (&mut self.values, tokens * dims_up),
            (&mut self.scores, QUERIES * tokens_up),
            (&mut self.context, QUERIES * dims_up),
        ] {
            if buffer.len() < length {
                *buffer = Buffer::zeros(length);
            }
        }
    }
}

/// Memory that heads write to, each to columns and rows of its own.
struct Target(*mut f32);
// SAFETY: a bare address; `attend` sees to it that no two parts use the same places.
unsafe impl Sync for Target {}

/// Attention of every token to the tokens of its sentence.
///
/// `qkv` holds query, key and value of each token side by side; sentence `i` is the rows `starts[i] .. starts[i + 1]`.
/// `scratch` holds one for each thread of the team.
pub(super) fn attend(
    kernels: &Kernels,
    team: &mut Team,
    qkv: &Rows,
    starts: &[usize],
    heads: usize,
    scratch: &[Mutex<Scratch>],
    out: &mut Rows,
) {
    let dim = qkv.width() / 3;
    let dims = dim / heads;
    assert!(dims > 0 && dims * heads * 3 == qkv.width(), "query, key and value of every head have the same width");
    assert!(starts.is_sorted() && starts.last().is_some_and(|end| *end == qkv.count()), "sentences are all rows");
    out.resize(qkv.count(), dim);
    let (target, out_stride) = (Target(out.as_mut_ptr()), out.stride());
    let sentences = starts.len() - 1;
    team.run(sentences * heads, &|worker, part| {
        let target = &target;
        let (sentence, head) = (part / heads, part % heads);
        let (first, last) = (starts[sentence], starts[sentence + 1]);
        let mut scratch = scratch[worker].lock().unwrap_or_else(PoisonError::into_inner);
        scratch.reserve(last - first, dims);
        one_head(kernels, qkv, (first, last), (head * dims, dims), &mut scratch, |row, numbers| {
            // SAFETY: the row is one of the sentence's and the columns are the head's, both within `out`; no other
            // part has the same sentence and head.
            unsafe {
                let place = target.0.add(row * out_stride + head * dims);
                place.copy_from_nonoverlapping(numbers.as_ptr(), numbers.len());
            }
        });
    });
}

/// The context of each token of one sentence in one head.
fn one_head(
    kernels: &Kernels,
    qkv: &Rows,
    (first, last): (usize, usize),
    (column, dims): (usize, usize),
    scratch: &mut Scratch,
    write: impl Fn(usize, &[f32]),
) {
    let dim = qkv.width() / 3;
    let tokens = last - first;
    let (tokens_up, dims_up) = (tokens.next_multiple_of(PANEL), dims.next_multiple_of(PANEL));
    // Places behind the last token or dimension keep old numbers: their sums go to places that nobody reads.
    for token in 0..tokens {
        let row = qkv.row(first + token);
        let panel = &mut scratch.keys[token / PANEL * PANEL * dims + token % PANEL..];
        let key = &row[dim + column..][..dims];
        panel.iter_mut().step_by(PANEL).zip(key).for_each(|(to, from)| *to = *from);
        let value = &row[2 * dim + column..][..dims];
        for (panel, part) in value.chunks(PANEL).enumerate() {
            scratch.values[(panel * tokens + token) * PANEL..][..part.len()].copy_from_slice(part);
        }
    }
    let scale = 1.0 / (dims as f32).sqrt();
    for from in (0..tokens).step_by(QUERIES) {
        let queries = QUERIES.min(tokens - from);
        let scores = &mut scratch.scores[..queries * tokens_up];
        for panel in (0..tokens_up).step_by(PANEL) {
            // SAFETY: `queries` rows from `first + from` with `dims` numbers at
            // `column` are within `qkv`, and `reserve` made room for the panel and the scores.
            unsafe {
                kernels.product(&Product {
                    rows: qkv.as_ptr().add((first + from) * qkv.stride() + column),
                    stride: qkv.stride(),
                    count: queries,
                    depth: dims,
                    panel: Panel::Full(scratch.keys[panel * dims..].as_ptr()),
                    bias: std::ptr::null(),
                    out: scores[panel..].as_mut_ptr(),
                    out_stride: tokens_up,
                    then: Then::Store,
                });
            }
        }
        kernels.softmax(scores, tokens_up, tokens, scale);
        for panel in (0..dims_up).step_by(PANEL) {
            // SAFETY: as above; a row of scores has `tokens` numbers that count.
            unsafe {
                kernels.product(&Product {
                    rows: scores.as_ptr(),
                    stride: tokens_up,
                    count: queries,
                    depth: tokens,
                    panel: Panel::Full(scratch.values[panel * tokens..].as_ptr()),
                    bias: std::ptr::null(),
                    out: scratch.context[panel..].as_mut_ptr(),
                    out_stride: dims_up,
                    then: Then::Store,
                });
            }
        }
        for query in 0..queries {
            write(first + from + query, &scratch.context[query * dims_up..][..dims]);
        }
    }
}
