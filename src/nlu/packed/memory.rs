//! Decides where numbers lie: on cache lines of their own, in rows that end where a panel ends.
//!
//! It must never hand out memory that holds no numbers yet.

#![allow(unsafe_code)]

use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

use super::kernels::PANEL;
use super::team::Team;

/// Types that every pattern of bits is a value of.
///
/// # Safety
/// Only types without padding and without invalid values; their size divides 64.
pub(super) unsafe trait Number: Copy {}
// SAFETY: every pattern of 32 bits is a number.
unsafe impl Number for f32 {}
// SAFETY: every pattern of 16 bits is a number.
unsafe impl Number for u16 {}
// SAFETY: every pattern of 8 bits is a number.
unsafe impl Number for u8 {}
// SAFETY: every pattern of 8 bits is a number.
unsafe impl Number for i8 {}

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; 64]);

/// A slice that starts on a cache line: a vector's load then touches one line, not two.
pub(super) struct Buffer<T: Number> {
    lines: Vec<Line>,
    length: usize,
    kind: PhantomData<T>,
}

impl<T: Number> Buffer<T> {
    /// `length` zeros.
    pub(super) fn zeros(length: usize) -> Self {
        Self { lines: vec![Line([0; 64]); (length * size_of::<T>()).div_ceil(64)], length, kind: PhantomData }
    }

    /// Makes room for `length` numbers; what they are is left open.
    pub(super) fn resize(&mut self, length: usize) {
        let lines = (length * size_of::<T>()).div_ceil(64);
        if lines > self.lines.len() {
            self.lines.resize(lines, Line([0; 64]));
        }
        self.length = length;
    }
}

impl<T: Number> Deref for Buffer<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        // SAFETY: the lines hold at least `length` numbers, all bytes are initialized, a line is aligned for `T`, and
        // every pattern of bits is a `T`.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.length) }
    }
}

impl<T: Number> DerefMut for Buffer<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as for `deref`; the borrow of `self` is exclusive, and every `T` is a valid pattern of bytes.
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

    /// `count` rows of `width` numbers; what they are is left open.
    pub(super) fn resize(&mut self, count: usize, width: usize) {
        // One line more than the panels need: rows a multiple of 4 KiB apart would compete for the same few places in
        // the first-level cache.
        (self.count, self.width, self.stride) = (count, width, width.next_multiple_of(PANEL) + 16);
        self.numbers.resize(count * self.stride);
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// From one row to the next.
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

    /// All numbers from a column of a row on, those between the rows included.
    pub(super) fn from(&self, row: usize, column: usize) -> &[f32] {
        &self.numbers[row * self.stride + column..]
    }

    /// All numbers, those between the rows included.
    pub(super) fn all_mut(&mut self) -> &mut [f32] {
        &mut self.numbers
    }

    /// A few rows at a time, `stride` apart.
    pub(super) fn bands(&mut self, rows: usize) -> std::slice::ChunksMut<'_, f32> {
        self.numbers.chunks_mut(rows * self.stride)
    }

    /// Does something to every row, shared by the team where there are more than `few`.
    pub(super) fn each(&mut self, team: &mut Team, few: usize, work: impl Fn(&mut [f32]) + Sync) {
        if self.count <= few {
            (0..self.count).for_each(|row| work(self.row_mut(row)));
            return;
        }
        let bands: Vec<Mutex<&mut [f32]>> = self.numbers.chunks_mut(few.max(1) * self.stride).map(Mutex::new).collect();
        team.run(bands.len(), &|_, band| {
            let mut band = bands[band].lock().unwrap_or_else(PoisonError::into_inner);
            band.chunks_exact_mut(self.stride).for_each(|row| work(&mut row[..self.width]));
        });
    }

    pub(super) fn as_ptr(&self) -> *const f32 {
        self.numbers.as_ptr()
    }

    pub(super) fn as_mut_ptr(&mut self) -> *mut f32 {
        self.numbers.as_mut_ptr()
    }
}
