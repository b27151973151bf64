//! Matrix products with weights and inputs of eight bits, for each kind of processor.
//!
//! No sum of products saturates: every variant gives the same integers.

#![expect(unsafe_code, reason = "vector instructions and raw pointers into panels and rows")]
#![expect(clippy::inline_always, reason = "a kernel must be inlined where its instructions are enabled")]
#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "sums of bytes are rounded to `f32` on purpose, and bytes are rounded from 0 to 255"
)]

use super::kernels::{EpilogueOp, PANEL, apply_epilogue};
use super::simd::{Portable, Simd};

/// Inputs whose products are added at once; a row's inputs are padded to a multiple.
pub(super) const GROUP: usize = 4;

/// Rows times one panel of weights, all of eight bits. A row stands for `scale · byte + minimum`, a weight for
/// `column_scale · byte`, so a sum is `scale · column_scale · Σ byte · byte + minimum · column_sum`.
pub(super) struct ByteProduct {
    /// The first row.
    pub(super) rows: *const u8,
    /// Distance between two rows, in bytes.
    pub(super) stride: usize,
    /// Number of rows.
    pub(super) count: usize,
    /// Scale and minimum of each row.
    pub(super) ranges: *const [f32; 2],
    /// Number of inputs, in groups of [`GROUP`].
    pub(super) groups: usize,
    /// For each group of inputs, the [`GROUP`] weights of each of [`PANEL`] outputs.
    pub(super) panel: *const i8,
    /// [`PANEL`] scales of the weights.
    pub(super) column_scales: *const f32,
    /// [`PANEL`] sums of the scaled weights of an output.
    pub(super) column_sums: *const f32,
    /// [`PANEL`] numbers to add.
    pub(super) bias: *const f32,
    /// Where the first row's sums go; [`PANEL`] are written for each row.
    pub(super) out: *mut f32,
    /// Distance between two rows of sums, in numbers.
    pub(super) out_stride: usize,
    /// What is done to the sums before they are stored.
    pub(super) epilogue: EpilogueOp,
}

/// The eight-bit computations of one kind of processor, which only [`available`] hands out.
pub(super) struct ByteKernels {
    /// The instructions used.
    pub(super) name: &'static str,
    product: unsafe fn(&ByteProduct),
    quantize: unsafe fn(&[f32], &mut [u8]) -> [f32; 2],
}

impl ByteKernels {
    /// Rows times a panel.
    ///
    /// # Safety
    /// All pointers are valid for the sizes that the product names, and nobody else accesses the sums meanwhile.
    pub(super) unsafe fn product(&self, product: &ByteProduct) {
        // SAFETY: kernels come from `available` only, which has checked the processor; the pointers are the caller's promise.
        unsafe { (self.product)(product) }
    }

    /// Spreads the range of a row's numbers over a byte; returns its scale and minimum. Where a number is NaN or infinite,
    /// the scale is NaN.
    ///
    /// # Panics
    /// The row is empty or longer than `out`.
    pub(super) fn quantize(&self, row: &[f32], out: &mut [u8]) -> [f32; 2] {
        // SAFETY: kernels come from `available` only, which has checked the processor.
        unsafe { (self.quantize)(row, out) }
    }
}

/// Dot products of bytes in the lanes of [`ByteDot::S`].
///
/// # Safety
/// As for [`Simd`]; `weights` reads four bytes for each lane, `inputs` four bytes, `store` writes one for each lane.
trait ByteDot {
    type S: Simd;
    /// Four weights for each lane.
    type W: Copy;
    /// The same four inputs for each lane.
    type X: Copy;
    /// Sums of products, 32 bits in each lane.
    type Sums: Copy;
    /// Rows of a product computed at once.
    const ROWS: usize;
    /// Sums of 0.
    unsafe fn zero() -> Self::Sums;
    /// Weights from memory.
    unsafe fn weights(from: *const i8) -> Self::W;
    /// Inputs from memory, the same in every lane.
    unsafe fn inputs(from: *const u8) -> Self::X;
    /// Adds four products to each sum.
    unsafe fn add(sums: Self::Sums, x: Self::X, w: Self::W) -> Self::Sums;
    /// The sums as floating-point numbers.
    unsafe fn floats(sums: Self::Sums) -> <Self::S as Simd>::V;
    /// Writes integers from 0 to 255 as bytes.
    unsafe fn store(to: *mut u8, v: <Self::S as Simd>::V);
}

/// No special instructions.
struct PortableDot;

impl ByteDot for PortableDot {
    type S = Portable;
    type W = [[i8; 4]; 4];
    type X = [u8; 4];
    type Sums = [i32; 4];
    const ROWS: usize = 4;
    #[inline(always)]
    unsafe fn zero() -> [i32; 4] {
        [0; 4]
    }
    #[inline(always)]
    unsafe fn weights(from: *const i8) -> Self::W {
        // SAFETY: 16 bytes are the caller's promise; the read may be unaligned.
        unsafe { from.cast::<Self::W>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn inputs(from: *const u8) -> [u8; 4] {
        // SAFETY: four bytes are the caller's promise; the read may be unaligned.
        unsafe { from.cast::<[u8; 4]>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn add(sums: [i32; 4], x: [u8; 4], w: Self::W) -> [i32; 4] {
        std::array::from_fn(|lane| sums[lane] + (0..4).map(|k| i32::from(x[k]) * i32::from(w[lane][k])).sum::<i32>())
    }
    #[inline(always)]
    unsafe fn floats(sums: [i32; 4]) -> [f32; 4] {
        sums.map(|sum| sum as f32)
    }
    #[inline(always)]
    unsafe fn store(to: *mut u8, v: [f32; 4]) {
        // SAFETY: four bytes are the caller's promise; the write may be unaligned.
        unsafe { to.cast::<[u8; 4]>().write_unaligned(v.map(|x| x as u8)) }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::super::simd::{Avx2, Avx512};
    use super::ByteDot;
    use std::arch::x86_64::{
        __m256, __m256i, __m512, __m512i, _mm_packs_epi32, _mm_packus_epi16, _mm_storel_epi64, _mm_storeu_si128,
        _mm256_add_epi32, _mm256_and_si256, _mm256_andnot_si256, _mm256_castsi256_si128, _mm256_cvtepi32_ps,
        _mm256_cvtps_epi32, _mm256_dpbusd_avx_epi32, _mm256_extracti128_si256, _mm256_loadu_si256, _mm256_madd_epi16,
        _mm256_maddubs_epi16, _mm256_set1_epi16, _mm256_set1_epi32, _mm256_setzero_si256, _mm512_cvtepi32_ps,
        _mm512_cvtps_epi32, _mm512_cvtusepi32_epi8, _mm512_dpbusd_epi32, _mm512_loadu_si512, _mm512_set1_epi32,
        _mm512_setzero_si512,
    };

    /// AVX-512F with VNNI.
    pub(super) struct Vnni512;

    // SAFETY of every block below: AVX-512F, AVX-512VNNI and the memory are the promise of the trait's callers.
    impl ByteDot for Vnni512 {
        type S = Avx512;
        type W = __m512i;
        type X = __m512i;
        type Sums = __m512i;
        const ROWS: usize = 12;
        #[inline(always)]
        unsafe fn zero() -> __m512i {
            // SAFETY: see above.
            unsafe { _mm512_setzero_si512() }
        }
        #[inline(always)]
        unsafe fn weights(from: *const i8) -> __m512i {
            // SAFETY: see above.
            unsafe { _mm512_loadu_si512(from.cast()) }
        }
        #[inline(always)]
        unsafe fn inputs(from: *const u8) -> __m512i {
            // SAFETY: see above; the read may be unaligned.
            unsafe { _mm512_set1_epi32(from.cast::<i32>().read_unaligned()) }
        }
        #[inline(always)]
        unsafe fn add(sums: __m512i, x: __m512i, w: __m512i) -> __m512i {
            // SAFETY: see above.
            unsafe { _mm512_dpbusd_epi32(sums, x, w) }
        }
        #[inline(always)]
        unsafe fn floats(sums: __m512i) -> __m512 {
            // SAFETY: see above.
            unsafe { _mm512_cvtepi32_ps(sums) }
        }
        #[inline(always)]
        unsafe fn store(to: *mut u8, v: __m512) {
            // SAFETY: see above; the write may be unaligned.
            unsafe { _mm_storeu_si128(to.cast(), _mm512_cvtusepi32_epi8(_mm512_cvtps_epi32(v))) }
        }
    }

    /// What both AVX2 variants share: eight lanes.
    macro_rules! eight_lanes {
        () => {
            type S = Avx2;
            type W = __m256i;
            type Sums = __m256i;
            #[inline(always)]
            unsafe fn zero() -> __m256i {
                // SAFETY: AVX2 is the promise of the trait's callers.
                unsafe { _mm256_setzero_si256() }
            }
            #[inline(always)]
            unsafe fn weights(from: *const i8) -> __m256i {
                // SAFETY: AVX2 and the memory are the promise of the trait's callers.
                unsafe { _mm256_loadu_si256(from.cast()) }
            }
            #[inline(always)]
            unsafe fn floats(sums: __m256i) -> __m256 {
                // SAFETY: AVX2 is the promise of the trait's callers.
                unsafe { _mm256_cvtepi32_ps(sums) }
            }
            #[inline(always)]
            unsafe fn store(to: *mut u8, v: __m256) {
                // SAFETY: AVX2 and the memory are the promise of the trait's callers; the write may be unaligned.
                unsafe {
                    let whole = _mm256_cvtps_epi32(v);
                    let pairs = _mm_packs_epi32(_mm256_castsi256_si128(whole), _mm256_extracti128_si256::<1>(whole));
                    _mm_storel_epi64(to.cast(), _mm_packus_epi16(pairs, pairs));
                }
            }
        };
    }

    /// AVX2 with AVX-VNNI.
    pub(super) struct AvxVnni;

    impl ByteDot for AvxVnni {
        eight_lanes!();
        type X = __m256i;
        const ROWS: usize = 6;
        #[inline(always)]
        unsafe fn inputs(from: *const u8) -> __m256i {
            // SAFETY: AVX2 and the memory are the promise of the trait's callers; the read may be unaligned.
            unsafe { _mm256_set1_epi32(from.cast::<i32>().read_unaligned()) }
        }
        #[inline(always)]
        unsafe fn add(sums: __m256i, x: __m256i, w: __m256i) -> __m256i {
            // SAFETY: AVX-VNNI is the promise of the trait's callers.
            unsafe { _mm256_dpbusd_avx_epi32(sums, x, w) }
        }
    }

    /// AVX2 alone. Its product of bytes adds pairs with 16 bits, too few for the sum of two products; so every other input
    /// of a pair is set to 0.
    pub(super) struct Avx2Pairs;

    impl ByteDot for Avx2Pairs {
        eight_lanes!();
        type X = (__m256i, __m256i);
        const ROWS: usize = 4;
        #[inline(always)]
        unsafe fn inputs(from: *const u8) -> Self::X {
            // SAFETY: AVX2 and the memory are the promise of the trait's callers; the read may be unaligned.
            unsafe {
                let x = _mm256_set1_epi32(from.cast::<i32>().read_unaligned());
                let even = _mm256_set1_epi16(0x00ff);
                (_mm256_and_si256(x, even), _mm256_andnot_si256(even, x))
            }
        }
        #[inline(always)]
        unsafe fn add(sums: __m256i, (even, odd): Self::X, w: __m256i) -> __m256i {
            // SAFETY: AVX2 is the promise of the trait's callers.
            unsafe {
                let one = _mm256_set1_epi16(1);
                let even = _mm256_madd_epi16(_mm256_maddubs_epi16(even, w), one);
                let odd = _mm256_madd_epi16(_mm256_maddubs_epi16(odd, w), one);
                _mm256_add_epi32(sums, _mm256_add_epi32(even, odd))
            }
        }
    }
}

macro_rules! variant {
    ($module:ident, $dots:ty, $name:literal $(, $feature:literal)*) => {
        mod $module {
            use super::*;
            $(#[target_feature(enable = $feature)])*
            unsafe fn product(product: &ByteProduct) {
                // SAFETY: the instructions are enabled in this function; the pointers are valid by the caller's promise.
                unsafe { super::product::<$dots>(product) }
            }
            $(#[target_feature(enable = $feature)])*
            unsafe fn quantize(row: &[f32], out: &mut [u8]) -> [f32; 2] {
                // SAFETY: the instructions are enabled in this function.
                unsafe { super::quantize::<$dots>(row, out) }
            }
            pub(super) static KERNELS: ByteKernels = ByteKernels { name: $name, product, quantize };
        }
    };
}

#[cfg(target_arch = "x86_64")]
variant!(vnni512, super::x86::Vnni512, "AVX-512 VNNI", "avx512f", "avx512vnni");
#[cfg(target_arch = "x86_64")]
variant!(avx_vnni, super::x86::AvxVnni, "AVX-VNNI", "avx2", "fma", "f16c", "avxvnni");
#[cfg(target_arch = "x86_64")]
variant!(avx2, super::x86::Avx2Pairs, "AVX2", "avx2", "fma", "f16c");
variant!(portable, PortableDot, "portable");

/// The variants this processor can run, the fastest first; never empty.
pub(super) fn available() -> Vec<&'static ByteKernels> {
    let mut found = Vec::new();
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vnni") {
            found.push(&vnni512::KERNELS);
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("f16c") {
            if is_x86_feature_detected!("avxvnni") {
                found.push(&avx_vnni::KERNELS);
            }
            found.push(&avx2::KERNELS);
        }
    }
    found.push(&portable::KERNELS);
    found
}

/// See [`ByteKernels::product`].
#[inline(always)]
unsafe fn product<D: ByteDot>(product: &ByteProduct) {
    let blocks = product.count.div_ceil(D::ROWS);
    let mut first = 0;
    for block in 0..blocks {
        let rows = (product.count - first) / (blocks - block);
        // SAFETY: rows `first .. first + rows` are among the product's; the rest is the caller's promise.
        unsafe {
            match rows {
                1 => some_rows::<D, 1>(product, first),
                2 => some_rows::<D, 2>(product, first),
                3 => some_rows::<D, 3>(product, first),
                4 => some_rows::<D, 4>(product, first),
                5 if D::ROWS >= 5 => some_rows::<D, 5>(product, first),
                6 if D::ROWS >= 6 => some_rows::<D, 6>(product, first),
                7 if D::ROWS >= 7 => some_rows::<D, 7>(product, first),
                8 if D::ROWS >= 8 => some_rows::<D, 8>(product, first),
                9 if D::ROWS >= 9 => some_rows::<D, 9>(product, first),
                10 if D::ROWS >= 10 => some_rows::<D, 10>(product, first),
                11 if D::ROWS >= 11 => some_rows::<D, 11>(product, first),
                _ if D::ROWS >= 12 => some_rows::<D, 12>(product, first),
                _ => unreachable!("a block has at most {} rows", D::ROWS),
            }
        }
        first += rows;
    }
}

/// `R` rows times the panel, two vectors of columns at a time, all their sums in registers.
#[inline(always)]
unsafe fn some_rows<D: ByteDot, const R: usize>(product: &ByteProduct, first: usize) {
    let lanes = <D::S as Simd>::LANES;
    for column in (0..PANEL).step_by(2 * lanes) {
        // SAFETY: the caller promises the instructions, `R` rows of `groups` groups from `first`, `groups` groups of the
        // panel, and the ranges, sums and the epilogue's rows; 2 · LANES divides PANEL, so that both vectors at `column`
        // are the panel's. `panel` is only read in the `groups` steps.
        unsafe {
            let stride = product.stride;
            let rows = product.rows.add(first * stride);
            let mut panel = product.panel.add(column * GROUP);
            let mut sums = [[D::zero(); 2]; R];
            for group in 0..product.groups {
                super::kernels::prefetch_ahead::<D::S>(panel.cast(), 2 * lanes * GROUP);
                let left = D::weights(panel);
                let right = D::weights(panel.add(lanes * GROUP));
                for (r, [a, b]) in sums.iter_mut().enumerate() {
                    let x = D::inputs(rows.add(r * stride + group * GROUP));
                    *a = D::add(*a, x, left);
                    *b = D::add(*b, x, right);
                }
                // Not `add`: the last step leaves the pointer beyond the panel, where it is not read.
                panel = panel.wrapping_add(PANEL * GROUP);
            }
            for (r, sums) in sums.into_iter().enumerate() {
                let row = first + r;
                let [scale, minimum] = *product.ranges.add(row);
                for (vector, sum) in sums.into_iter().enumerate() {
                    let column = column + vector * lanes;
                    let scales = D::S::mul(D::S::splat(scale), D::S::load(product.column_scales.add(column)));
                    let rest = D::S::load(product.bias.add(column));
                    let rest = D::S::fma(D::S::splat(minimum), D::S::load(product.column_sums.add(column)), rest);
                    let sum =
                        apply_epilogue::<D::S>(product.epilogue, D::S::fma(D::floats(sum), scales, rest), row, column);
                    D::S::store(product.out.add(row * product.out_stride + column), sum);
                }
            }
        }
    }
}

/// See [`ByteKernels::quantize`].
#[inline(always)]
unsafe fn quantize<D: ByteDot>(row: &[f32], out: &mut [u8]) -> [f32; 2] {
    let lanes = <D::S as Simd>::LANES;
    let width = row.len();
    assert!(width > 0 && out.len() >= width);
    let whole = width - width % lanes;
    let (mut min, mut max) = (f32::INFINITY, f32::NEG_INFINITY);
    // 0 · x is 0 for a finite x, and NaN for all others.
    let mut nan = 0.0;
    for x in &row[whole..] {
        (min, max, nan) = (min.min(*x), max.max(*x), nan + 0.0 * x);
    }
    // SAFETY: the instructions are the caller's promise; vectors are loaded and stored at multiples of LANES below
    // `whole`, which is within both slices.
    unsafe {
        if whole > 0 {
            let (mut low, mut high) = (D::S::load(row.as_ptr()), D::S::load(row.as_ptr()));
            let zero = D::S::splat(0.0);
            let mut nans = zero;
            for at in (0..whole).step_by(lanes) {
                let x = D::S::load(row.as_ptr().add(at));
                (low, high, nans) = (D::S::min(low, x), D::S::max(high, x), D::S::fma(x, zero, nans));
            }
            nan += D::S::reduce_sum(nans);
            let negated = D::S::sub(zero, low);
            (min, max) = (min.min(-D::S::reduce_max(negated)), max.max(D::S::reduce_max(high)));
        }
        let range = max - min;
        let factor = if range > 0.0 { 255.0 / range } else { 0.0 };
        let (low, factors) = (D::S::splat(min), D::S::splat(factor));
        for at in (0..whole).step_by(lanes) {
            let x = D::S::load(row.as_ptr().add(at));
            D::store(out.as_mut_ptr().add(at), D::S::round(D::S::mul(D::S::sub(x, low), factors)));
        }
        for (x, out) in row[whole..].iter().zip(&mut out[whole..]) {
            *out = ((x - min) * factor).round_ties_even() as u8;
        }
        [range / 255.0 + nan, min]
    }
}
