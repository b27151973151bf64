//! Matrix products with fused activations, softmax and layer normalization, written once for every kind of vector, and the
//! choice of the kind that this processor has.
//!
//! A variant is only handed out after the processor was checked for its instructions. No kernel allocates.

#![expect(unsafe_code, reason = "vector instructions and raw pointers into panels and rows")]
#![expect(clippy::inline_always, reason = "a kernel must be inlined where its instructions are enabled")]
#![expect(clippy::cast_precision_loss, reason = "widths of layers are far below 2^24")]

#[cfg(target_arch = "aarch64")]
use super::simd::Neon;
#[cfg(target_arch = "x86_64")]
use super::simd::{Avx2, Avx512};
use super::simd::{Portable, Simd};

/// Columns of a panel: two cache lines of `f32`.
pub(super) const PANEL: usize = 32;

/// Bytes of a cache line.
const CACHE_LINE: usize = 64;

/// How far ahead of a product its weights are prefetched, in bytes. The hardware prefetcher stops at the end of every page;
/// for a short sentence, whose weights come from main memory, prefetching a page ahead is worth a third of the time.
const PREFETCH_DISTANCE: usize = 4096;

/// `LayerNorm`'s epsilon in DistilBERT (and BERT).
pub(super) const EPSILON: f32 = 1e-12;

/// One panel of weights: for each input, the weights of [`PANEL`] outputs side by side.
#[derive(Clone, Copy)]
pub(super) enum Panel {
    /// 32-bit numbers.
    Full(*const f32),
    /// IEEE half-precision numbers.
    Half(*const u16),
}

/// What is done to a sum before it is stored.
#[derive(Clone, Copy)]
pub(super) enum EpilogueOp {
    /// Nothing.
    None,
    /// `x · Φ(x)`.
    Gelu,
    /// `max(x, 0)`.
    Relu,
    /// The numbers of other rows, `stride` apart, are added.
    Add { rows: *const f32, stride: usize },
    /// It is multiplied by the numbers of other rows, `stride` apart.
    Multiply { rows: *const f32, stride: usize },
}

/// Rows times one panel.
pub(super) struct Product {
    /// The first row.
    pub(super) rows: *const f32,
    /// Distance between two rows, in numbers.
    pub(super) stride: usize,
    /// Number of rows.
    pub(super) count: usize,
    /// Length of the dot products: numbers that are used of a row, rows of the panel.
    pub(super) depth: usize,
    /// The weights.
    pub(super) panel: Panel,
    /// [`PANEL`] numbers to add, or null.
    pub(super) bias: *const f32,
    /// Where the first row's sums go; [`PANEL`] are written for each row.
    pub(super) out: *mut f32,
    /// Distance between two rows of sums, in numbers.
    pub(super) out_stride: usize,
    /// What is done to the sums before they are stored.
    pub(super) epilogue: EpilogueOp,
}

/// The computations of one kind of processor.
///
/// The functions need the instructions of their variant; only [`available`] hands out variants, after a check.
pub(super) struct Kernels {
    /// The instructions used.
    pub(super) name: &'static str,
    /// Whether half-precision weights are converted by an instruction.
    pub(super) half: bool,
    /// Rows times a panel.
    product: unsafe fn(&Product),
    /// `softmax(scale · x)` of the first `columns` numbers of every row; `values` holds rows of `stride` numbers, a
    /// multiple of [`PANEL`]. The numbers after the columns are overwritten.
    softmax: unsafe fn(values: &mut [f32], stride: usize, columns: usize, scale: f32),
    /// Layer normalization of one row.
    normalize: unsafe fn(row: &mut [f32], gamma: &[f32], beta: &[f32]),
}

impl Kernels {
    /// Rows times a panel.
    ///
    /// # Safety
    /// All pointers are valid for the sizes that the product names, and nobody else accesses the sums meanwhile.
    pub(super) unsafe fn product(&self, product: &Product) {
        // SAFETY: kernels come from `available` only, which has checked the processor; the pointers are the caller's promise.
        unsafe { (self.product)(product) }
    }

    /// `softmax(scale · x)` of the first `columns` numbers of every row, in place; see the field.
    ///
    /// # Panics
    /// `columns` is 0 or above `stride`, or `stride` is no multiple of [`PANEL`].
    pub(super) fn softmax(&self, values: &mut [f32], stride: usize, columns: usize, scale: f32) {
        // SAFETY: kernels come from `available` only, which has checked the processor.
        unsafe { (self.softmax)(values, stride, columns, scale) }
    }

    /// Layer normalization of one row, in place.
    ///
    /// # Panics
    /// The row is empty, or `gamma` or `beta` has another length.
    pub(super) fn normalize(&self, row: &mut [f32], gamma: &[f32], beta: &[f32]) {
        // SAFETY: kernels come from `available` only, which has checked the processor.
        unsafe { (self.normalize)(row, gamma, beta) }
    }
}

macro_rules! variant {
    ($module:ident, $simd:ty, $name:literal, half: $half:literal $(, $feature:literal)*) => {
        mod $module {
            use super::*;
            $(#[target_feature(enable = $feature)])*
            unsafe fn product(product: &Product) {
                // SAFETY: the instructions are enabled in this function; the pointers are valid by the caller's promise.
                unsafe { super::product::<$simd>(product) }
            }
            $(#[target_feature(enable = $feature)])*
            unsafe fn softmax(values: &mut [f32], stride: usize, columns: usize, scale: f32) {
                // SAFETY: the instructions are enabled in this function.
                unsafe { super::softmax::<$simd>(values, stride, columns, scale) }
            }
            $(#[target_feature(enable = $feature)])*
            unsafe fn normalize(row: &mut [f32], gamma: &[f32], beta: &[f32]) {
                // SAFETY: the instructions are enabled in this function.
                unsafe { super::normalize::<$simd>(row, gamma, beta) }
            }
            pub(super) static KERNELS: Kernels = Kernels { name: $name, half: $half, product, softmax, normalize };
        }
    };
}

#[cfg(target_arch = "x86_64")]
variant!(avx512, Avx512, "AVX-512", half: true, "avx512f");
#[cfg(target_arch = "x86_64")]
variant!(avx2, Avx2, "AVX2", half: true, "avx2", "fma", "f16c");
#[cfg(target_arch = "aarch64")]
variant!(neon, Neon, "NEON", half: false, "neon");
variant!(portable, Portable, "portable", half: false);

/// The variants this processor can run, the fastest first; never empty.
pub(super) fn available() -> Vec<&'static Kernels> {
    let mut found = Vec::new();
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") {
            found.push(&avx512::KERNELS);
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("f16c") {
            found.push(&avx2::KERNELS);
        }
    }
    #[cfg(target_arch = "aarch64")]
    if std::arch::is_aarch64_feature_detected!("neon") {
        found.push(&neon::KERNELS);
    }
    found.push(&portable::KERNELS);
    found
}

/// Numbers that weights are stored as.
trait Weight: Copy {
    /// [`Simd::LANES`] of them as `f32`.
    ///
    /// # Safety
    /// As for [`Simd::load`].
    unsafe fn load<S: Simd>(from: *const Self) -> S::V;
}

impl Weight for f32 {
    #[inline(always)]
    unsafe fn load<S: Simd>(from: *const Self) -> S::V {
        // SAFETY: the caller promises the same.
        unsafe { S::load(from) }
    }
}

impl Weight for u16 {
    #[inline(always)]
    unsafe fn load<S: Simd>(from: *const Self) -> S::V {
        // SAFETY: the caller promises the same.
        unsafe { S::load_half(from) }
    }
}

/// See [`Kernels::product`].
#[inline(always)]
unsafe fn product<S: Simd>(product: &Product) {
    // SAFETY: instructions and pointers are the caller's promise.
    unsafe {
        match product.panel {
            Panel::Full(panel) => all_rows::<S, f32>(product, panel),
            Panel::Half(panel) => all_rows::<S, u16>(product, panel),
        }
    }
}

/// Splits the rows into blocks of nearly the same height, none above what the registers hold.
#[inline(always)]
unsafe fn all_rows<S: Simd, W: Weight>(product: &Product, panel: *const W) {
    let blocks = product.count.div_ceil(S::ROWS);
    let mut first = 0;
    for block in 0..blocks {
        let rows = (product.count - first) / (blocks - block);
        // SAFETY: rows `first .. first + rows` are among the product's; the rest is the caller's promise.
        unsafe {
            match rows {
                1 => some_rows::<S, W, 1>(product, panel, first),
                2 => some_rows::<S, W, 2>(product, panel, first),
                3 => some_rows::<S, W, 3>(product, panel, first),
                4 => some_rows::<S, W, 4>(product, panel, first),
                5 if S::ROWS >= 5 => some_rows::<S, W, 5>(product, panel, first),
                6 if S::ROWS >= 6 => some_rows::<S, W, 6>(product, panel, first),
                7 if S::ROWS >= 7 => some_rows::<S, W, 7>(product, panel, first),
                8 if S::ROWS >= 8 => some_rows::<S, W, 8>(product, panel, first),
                9 if S::ROWS >= 9 => some_rows::<S, W, 9>(product, panel, first),
                10 if S::ROWS >= 10 => some_rows::<S, W, 10>(product, panel, first),
                11 if S::ROWS >= 11 => some_rows::<S, W, 11>(product, panel, first),
                _ if S::ROWS >= 12 => some_rows::<S, W, 12>(product, panel, first),
                _ => unreachable!("a block has at most {} rows", S::ROWS),
            }
        }
        first += rows;
    }
}

/// `R` rows times the whole panel, two vectors of columns at a time.
#[inline(always)]
unsafe fn some_rows<S: Simd, W: Weight, const R: usize>(product: &Product, panel: *const W, first: usize) {
    for column in (0..PANEL).step_by(2 * S::LANES) {
        // SAFETY: 2 · LANES divides PANEL, so that all columns are the panel's; the rest is the caller's promise.
        unsafe { block::<S, W, R>(product, panel.add(column), first, column) }
    }
}

/// `R` rows times two vectors of columns, all sums in registers.
#[inline(always)]
unsafe fn block<S: Simd, W: Weight, const R: usize>(
    product: &Product,
    mut panel: *const W,
    first: usize,
    column: usize,
) {
    // SAFETY: the caller promises the instructions, `R` rows from `first` with `depth` numbers in each, `depth` rows of the
    // panel, and two vectors at `column` of each row of the panel, the bias, the sums and the epilogue's rows. `panel` is
    // only read in the `depth` steps.
    unsafe {
        let stride = product.stride;
        let rows = product.rows.add(first * stride);
        let mut sums = [[S::splat(0.0); 2]; R];
        for k in 0..product.depth {
            prefetch_ahead::<S>(panel.cast(), 2 * S::LANES * size_of::<W>());
            let left = W::load::<S>(panel);
            let right = W::load::<S>(panel.add(S::LANES));
            for (r, [a, b]) in sums.iter_mut().enumerate() {
                let x = S::splat(*rows.add(r * stride + k));
                *a = S::fma(x, left, *a);
                *b = S::fma(x, right, *b);
            }
            // Not `add`: the last step leaves the pointer beyond the panel, where it is not read.
            panel = panel.wrapping_add(PANEL);
        }
        for (r, sums) in sums.into_iter().enumerate() {
            for (vector, mut sum) in sums.into_iter().enumerate() {
                let column = column + vector * S::LANES;
                if !product.bias.is_null() {
                    sum = S::add(sum, S::load(product.bias.add(column)));
                }
                sum = apply_epilogue::<S>(product.epilogue, sum, first + r, column);
                S::store(product.out.add((first + r) * product.out_stride + column), sum);
            }
        }
    }
}

/// Prefetches the weights a page ahead of those at `panel`, of which a step takes `bytes`.
///
/// # Safety
/// The processor has the instructions of `S`.
#[inline(always)]
pub(super) unsafe fn prefetch_ahead<S: Simd>(panel: *const u8, bytes: usize) {
    let ahead = panel.wrapping_add(PREFETCH_DISTANCE);
    // SAFETY: the instructions are the caller's promise; a prefetch may name any address.
    unsafe {
        S::prefetch(ahead);
        if bytes > CACHE_LINE {
            S::prefetch(ahead.wrapping_add(CACHE_LINE));
        }
    }
}

/// Applies the epilogue to the sums of a row from a column on.
///
/// # Safety
/// The processor has the instructions of `S`, and the epilogue's rows hold a vector at this row and column.
#[inline(always)]
pub(super) unsafe fn apply_epilogue<S: Simd>(epilogue: EpilogueOp, sum: S::V, row: usize, column: usize) -> S::V {
    // SAFETY: the caller promises the same.
    unsafe {
        match epilogue {
            EpilogueOp::None => sum,
            EpilogueOp::Gelu => gelu::<S>(sum),
            EpilogueOp::Relu => S::max(S::splat(0.0), sum),
            EpilogueOp::Add { rows, stride } => S::add(sum, S::load(rows.add(row * stride + column))),
            EpilogueOp::Multiply { rows, stride } => S::mul(sum, S::load(rows.add(row * stride + column))),
        }
    }
}

/// `x · Φ(x)`, within 1e-6.
#[inline(always)]
unsafe fn gelu<S: Simd>(x: S::V) -> S::V {
    // SAFETY: the instructions are the caller's promise.
    unsafe {
        let half = S::mul(x, S::splat(0.5));
        S::fma(half, erf::<S>(S::mul(x, S::splat(std::f32::consts::FRAC_1_SQRT_2))), half)
    }
}

/// The error function, a rational minimax approximation on [-4, 4] (as in the Eigen library).
///
/// # Safety
/// The processor has the instructions of `S`.
#[inline(always)]
pub(super) unsafe fn erf<S: Simd>(x: S::V) -> S::V {
    const P: [f32; 7] = [
        -2.726_142_3e-10,
        2.770_681_4e-8,
        -2.101_024e-6,
        -5.692_506_4e-5,
        -7.349_906_4e-4,
        -2.954_6e-3,
        -1.609_603_3e-2,
    ];
    const Q: [f32; 5] = [-1.456_607_2e-5, -2.133_740_6e-4, -1.682_827e-3, -7.373_329e-3, -1.426_473_9e-2];
    // SAFETY: the instructions are the caller's promise.
    unsafe {
        let z = S::max(S::min(x, S::splat(4.0)), S::splat(-4.0));
        let square = S::mul(z, z);
        let mut p = S::splat(P[0]);
        for coefficient in &P[1..] {
            p = S::fma(p, square, S::splat(*coefficient));
        }
        let mut q = S::splat(Q[0]);
        for coefficient in &Q[1..] {
            q = S::fma(q, square, S::splat(*coefficient));
        }
        S::div(S::mul(z, p), q)
    }
}

/// `2^x` for x ≤ 0, to the last digits of `f32`; results below 2⁻¹²⁶ become 2⁻¹²⁶.
///
/// # Safety
/// The processor has the instructions of `S`.
#[inline(always)]
pub(super) unsafe fn exp2<S: Simd>(x: S::V) -> S::V {
    // The series of 2^f = e^(f · ln 2) around 0, for |f| ≤ 1/2.
    const SERIES: [f32; 7] =
        [1.525_273_4e-5, 1.540_353e-4, 1.333_355_8e-3, 9.618_129e-3, 5.550_411e-2, 2.402_265e-1, 6.931_472e-1];
    // SAFETY: the instructions are the caller's promise.
    unsafe {
        let x = S::max(S::splat(-126.0), x);
        let integer = S::round(x);
        let rest = S::sub(x, integer);
        let mut sum = S::splat(SERIES[0]);
        for coefficient in &SERIES[1..] {
            sum = S::fma(sum, rest, S::splat(*coefficient));
        }
        S::mul(S::fma(sum, rest, S::splat(1.0)), S::power_of_two(integer))
    }
}

/// See [`Kernels::softmax`].
#[inline(always)]
unsafe fn softmax<S: Simd>(values: &mut [f32], stride: usize, columns: usize, scale: f32) {
    assert!(columns > 0 && columns <= stride && stride.is_multiple_of(PANEL));
    let width = columns.next_multiple_of(S::LANES);
    for row in values.chunks_exact_mut(stride) {
        row[columns..width].fill(f32::NEG_INFINITY);
        let row = row.as_mut_ptr();
        // SAFETY: the instructions are the caller's promise; `width` is a whole number of vectors and, as LANES divides
        // PANEL and PANEL the stride, within the row.
        unsafe {
            let mut largest = S::load(row);
            for at in (S::LANES..width).step_by(S::LANES) {
                largest = S::max(largest, S::load(row.add(at)));
            }
            let factor = S::splat(scale * std::f32::consts::LOG2_E);
            let largest = S::splat(S::reduce_max(largest));
            let mut sum = S::splat(0.0);
            for at in (0..width).step_by(S::LANES) {
                let value = exp2::<S>(S::mul(S::sub(S::load(row.add(at)), largest), factor));
                S::store(row.add(at), value);
                sum = S::add(sum, value);
            }
            let inverse = S::splat(1.0 / S::reduce_sum(sum));
            for at in (0..width).step_by(S::LANES) {
                S::store(row.add(at), S::mul(S::load(row.add(at)), inverse));
            }
        }
    }
}

/// See [`Kernels::normalize`].
#[inline(always)]
unsafe fn normalize<S: Simd>(row: &mut [f32], gamma: &[f32], beta: &[f32]) {
    let width = row.len();
    assert!(width > 0 && gamma.len() == width && beta.len() == width);
    let whole = width - width % S::LANES;
    // SAFETY: the instructions are the caller's promise; vectors are loaded and stored at multiples of LANES below
    // `whole`, which is within all three slices.
    unsafe {
        let mut sum = S::splat(0.0);
        for at in (0..whole).step_by(S::LANES) {
            sum = S::add(sum, S::load(row.as_ptr().add(at)));
        }
        let mean = (S::reduce_sum(sum) + row[whole..].iter().sum::<f32>()) / width as f32;
        let means = S::splat(mean);
        let mut squares = S::splat(0.0);
        for at in (0..whole).step_by(S::LANES) {
            let difference = S::sub(S::load(row.as_ptr().add(at)), means);
            squares = S::fma(difference, difference, squares);
        }
        let rest: f32 = row[whole..].iter().map(|x| (x - mean) * (x - mean)).sum();
        let scale = 1.0 / ((S::reduce_sum(squares) + rest) / width as f32 + EPSILON).sqrt();
        let scales = S::splat(scale);
        for at in (0..whole).step_by(S::LANES) {
            let difference = S::sub(S::load(row.as_ptr().add(at)), means);
            let scaled = S::mul(S::mul(difference, scales), S::load(gamma.as_ptr().add(at)));
            S::store(row.as_mut_ptr().add(at), S::add(scaled, S::load(beta.as_ptr().add(at))));
        }
        for at in whole..width {
            row[at] = (row[at] - mean) * scale * gamma[at] + beta[at];
        }
    }
}
