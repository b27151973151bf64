//! Buffers of numbers that start on a cache line, and rows of them that are padded to whole panels.
//!
//! All memory is initialized: what is not written yet holds zeros or stale numbers.

#![expect(unsafe_code, reason = "cache lines are viewed as numbers")]

use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

use super::kernels::PANEL;
use super::thread_pool::ThreadPool;

/// Types of which every bit pattern is a value.
///
/// # Safety
/// Only types without padding and without invalid values; their size divides 64.
pub(super) unsafe trait Number: Copy {}
// SAFETY: every pattern of 32 bits is a value.
unsafe impl Number for f32 {}
// SAFETY: every pattern of 16 bits is a value.
unsafe impl Number for u16 {}
// SAFETY: every pattern of 8 bits is a value.
unsafe impl Number for u8 {}
// SAFETY: every pattern of 8 bits is a value.
unsafe impl Number for i8 {}

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct CacheLine([u8; 64]);

/// A slice that starts on a cache line: a vector's load then touches one line, not two.
pub(super) struct Buffer<T: Number> {
    lines: Vec<CacheLine>,
    length: usize,
    kind: PhantomData<T>,
}

impl<T: Number> Buffer<T> {
    /// Cache lines that hold `length` numbers; more than there can be where their bytes cannot be counted.
    fn lines(length: usize) -> usize {
        length.checked_mul(size_of::<T>()).map_or(usize::MAX, |bytes| bytes.div_ceil(64))
    }

    /// `length` zeros.
    pub(super) fn zeros(length: usize) -> Self {
        Self { lines: vec![CacheLine([0; 64]); Self::lines(length)], length, kind: PhantomData }
    }

    /// Makes room for `length` numbers, whose values are unspecified.
    pub(super) fn resize(&mut self, length: usize) {
        let lines = Self::lines(length);
        if lines > self.lines.len() {
            self.lines.resize(lines, CacheLine([0; 64]));
        }
        self.length = length;
    }
}

impl<T: Number> Deref for Buffer<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        // SAFETY: the lines hold at least `length` numbers, all bytes are initialized, a line is aligned for `T`, and
        // every bit pattern is a `T`.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.length) }
    }
}

impl<T: Number> DerefMut for Buffer<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as for `deref`; the borrow of `self` is exclusive, and a `T` has no padding, so that all bytes stay initialized.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.length) }
    }
}

/// Rows of `width` numbers, each with room for whole panels.
pub(super) struct Rows {
    numbers: Buffer<f32>,
    count: usize,
    width: usize,
    stride: usize,
}

impl Rows {
    /// No rows yet.
    pub(super) fn new() -> Self {
        Self { numbers: Buffer::zeros(0), count: 0, width: 0, stride: 0 }
    }

    /// `count` rows of `width` numbers, whose values are unspecified.
    pub(super) fn resize(&mut self, count: usize, width: usize) {
        // One cache line more than the panels need: rows a multiple of 4 KiB apart would map to the same few sets of the
        // first-level cache.
        (self.count, self.width, self.stride) = (count, width, width.next_multiple_of(PANEL) + 16);
        self.numbers.resize(count * self.stride);
    }

    /// Number of rows.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Numbers in a row.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// Distance between two rows, in numbers.
    pub(super) fn stride(&self) -> usize {
        self.stride
    }

    /// The numbers of one row.
    pub(super) fn row(&self, row: usize) -> &[f32] {
        &self.numbers[row * self.stride..][..self.width]
    }

    /// The numbers of one row.
    pub(super) fn row_mut(&mut self, row: usize) -> &mut [f32] {
        &mut self.numbers[row * self.stride..][..self.width]
    }

    /// All numbers from a column of a row on, the padding of the rows included.
    pub(super) fn from(&self, row: usize, column: usize) -> &[f32] {
        &self.numbers[row * self.stride + column..]
    }

    /// All numbers, the padding of the rows included.
    pub(super) fn all_mut(&mut self) -> &mut [f32] {
        &mut self.numbers
    }

    /// Blocks of a few rows, `stride` apart.
    pub(super) fn row_blocks(&mut self, rows: usize) -> std::slice::ChunksMut<'_, f32> {
        self.numbers.chunks_mut(rows * self.stride)
    }

    /// Calls `apply` with every row, on all threads of the pool where there are more rows than `block`.
    pub(super) fn for_each(&mut self, pool: &mut ThreadPool, block: usize, apply: impl Fn(&mut [f32]) + Sync) {
        if self.count <= block {
            (0..self.count).for_each(|row| apply(self.row_mut(row)));
            return;
        }
        let blocks: Vec<Mutex<&mut [f32]>> =
            self.numbers.chunks_mut(block.max(1) * self.stride).map(Mutex::new).collect();
        pool.run(blocks.len(), &|_, block| {
            let mut block = blocks[block].lock().unwrap_or_else(PoisonError::into_inner);
            block.chunks_exact_mut(self.stride).for_each(|row| apply(&mut row[..self.width]));
        });
    }

    pub(super) fn as_ptr(&self) -> *const f32 {
        self.numbers.as_ptr()
    }

    pub(super) fn as_mut_ptr(&mut self) -> *mut f32 {
        self.numbers.as_mut_ptr()
    }
}
