//! Scaled dot-product attention (Vaswani et al., 2017), a sentence and a head at a time: no token attends to another
//! sentence.

#![expect(unsafe_code, reason = "heads write to different columns of the same rows")]

use std::sync::{Mutex, PoisonError};

use super::kernels::{EpilogueOp, Kernels, PANEL, Panel, Product};
use super::memory::{Buffer, Rows};
use super::thread_pool::ThreadPool;

/// Queries computed together, so that their scores stay in the first-level cache.
const QUERIES: usize = 32;

/// Memory of one thread for one head; it grows to the longest sentence.
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

/// The output, in which each chunk has columns and rows of its own.
struct Target(*mut f32);
// SAFETY: a pointer without an owner; `attend` ensures that no two chunks use the same elements.
unsafe impl Sync for Target {}

/// Attention of every token to the tokens of its sentence.
///
/// `qkv` holds query, key and value of each token side by side; sentence `i` is the rows `starts[i] .. starts[i + 1]`.
/// `scratch` holds one for each thread of the pool.
///
/// # Panics
/// The heads do not divide the width, or the sentences are not all rows.
pub(super) fn attend(
    kernels: &Kernels,
    pool: &mut ThreadPool,
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
    pool.run(sentences * heads, &|thread, chunk| {
        let target = &target;
        let (sentence, head) = (chunk / heads, chunk % heads);
        let (first, last) = (starts[sentence], starts[sentence + 1]);
        let mut scratch = scratch[thread].lock().unwrap_or_else(PoisonError::into_inner);
        scratch.reserve(last - first, dims);
        one_head(kernels, qkv, (first, last), (head * dims, dims), &mut scratch, |row, numbers| {
            // SAFETY: the row is one of the sentence's and the columns are the head's, both within `out`; no other chunk has
            // the same sentence and head. `numbers` are scratch memory, which does not overlap with `out`.
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
    // Columns after the last token or dimension keep stale numbers: their sums go to columns that nobody reads.
    for token in 0..tokens {
        let row = qkv.row(first + token);
        let panel = &mut scratch.keys[token / PANEL * PANEL * dims + token % PANEL..];
        let key = &row[dim + column..][..dims];
        panel.iter_mut().step_by(PANEL).zip(key).for_each(|(to, from)| *to = *from);
        let value = &row[2 * dim + column..][..dims];
        for (panel, dims) in value.chunks(PANEL).enumerate() {
            scratch.values[(panel * tokens + token) * PANEL..][..dims.len()].copy_from_slice(dims);
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "a head is far below 2^24 wide")]
    let scale = 1.0 / (dims as f32).sqrt();
    for from in (0..tokens).step_by(QUERIES) {
        let queries = QUERIES.min(tokens - from);
        let scores = &mut scratch.scores[..queries * tokens_up];
        for panel in (0..tokens_up).step_by(PANEL) {
            // SAFETY: `queries` rows from `first + from` with `dims` numbers at `column` are within `qkv`, and `reserve`
            // made room for the panel and the scores.
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
                    epilogue: EpilogueOp::None,
                });
            }
        }
        kernels.softmax(scores, tokens_up, tokens, scale);
        for panel in (0..dims_up).step_by(PANEL) {
            // SAFETY: as above; `tokens` numbers of a row of scores are used.
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
                    epilogue: EpilogueOp::None,
                });
            }
        }
        for query in 0..queries {
            write(first + from + query, &scratch.context[query * dims_up..][..dims]);
        }
    }
}
