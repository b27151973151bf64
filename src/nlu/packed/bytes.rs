//! Decides how products are computed with weights and inputs of eight bits, for each kind of processor.
//!
//! It must never let a sum of products saturate: every variant gives the same whole numbers.

#![allow(unsafe_code)]

use super::kernels::{PANEL, Then, finish};
use super::simd::{Portable, Simd};

/// Inputs whose products are added at once; a row's inputs are padded to a multiple.
pub(super) const GROUP: usize = 4;

/// Rows times one panel of weights, all of eight bits. A row stands for `scale · byte + least`, a weight for
/// `column_scale · byte`, so a sum is `scale · column_scale · Σ byte · byte + least · column_sum`.
pub(super) struct ByteProduct {
    /// The first row.
    pub(super) rows: *const u8,
    /// From one row to the next, in bytes.
    pub(super) stride: usize,
    /// Number of rows.
    pub(super) count: usize,
    /// Scale and least number of each row.
    pub(super) ranges: *const [f32; 2],
    /// Inputs, in groups of [`GROUP`].
    pub(super) groups: usize,
    /// For each group of inputs, the [`GROUP`] weights of each of [`PANEL`] outputs.
    pub(super) panel: *const i8,
    /// [`PANEL`] scales of the weights.
    pub(super) column_scales: *const f32,
    /// [`PANEL`] sums of the scaled weights of an output.
    pub(super) column_sums: *const f32,
    /// [`PANEL`] numbers to add.
    pub(super) bias: *const f32,
    /// Where the first row's sums go; [`PANEL`] are written.
    pub(super) out: *mut f32,
    /// From one row of sums to the next.
    pub(super) out_stride: usize,
    /// What is done to them first.
    pub(super) then: Then,
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
    /// All pointers are good for the sizes that the product names.
    pub(super) unsafe fn product(&self, product: &ByteProduct) {
        // SAFETY: whoever holds these kernels has them from `available`; the pointers are the caller's promise.
        unsafe { (self.product)(product) }
    }

    /// Spreads the range of a row's numbers over a byte; returns its scale and least number. Where a number is none,
    /// or infinite, the scale is no number either.
    pub(super) fn quantize(&self, row: &[f32], out: &mut [u8]) -> [f32; 2] {
        // SAFETY: whoever holds these kernels has them from `available`.
        unsafe { (self.quantize)(row, out) }
    }
}

/// Sums of products of bytes in the lanes of [`Dots::S`].
///
/// # Safety
/// As for [`Simd`]; `weights` needs four bytes for each lane, `inputs` four bytes, `store` one for each lane.
trait Dots {
    type S: Simd;
    /// Four weights for each lane.
    type W: Copy;
    /// The same four inputs for each lane.
    type X: Copy;
    /// Sums.
    type Sums: Copy;
    /// Rows of a product computed at once.
    const ROWS: usize;
    unsafe fn zero() -> Self::Sums;
    unsafe fn weights(from: *const i8) -> Self::W;
    unsafe fn inputs(from: *const u8) -> Self::X;
    unsafe fn add(sums: Self::Sums, x: Self::X, w: Self::W) -> Self::Sums;
    unsafe fn floats(sums: Self::Sums) -> <Self::S as Simd>::V;
    /// Whole numbers from 0 to 255 as bytes.
    unsafe fn store(to: *mut u8, v: <Self::S as Simd>::V);
}

struct Plain;

impl Dots for Plain {
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
        // SAFETY: the caller vouches for 16 bytes; the read may be unaligned.
        unsafe { from.cast::<Self::W>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn inputs(from: *const u8) -> [u8; 4] {
        // SAFETY: the caller vouches for four bytes; the read may be unaligned.
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
        // SAFETY: the caller vouches for four bytes; the write may be unaligned.
        unsafe { to.cast::<[u8; 4]>().write_unaligned(v.map(|x| x as u8)) }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::super::simd::{Avx2, Avx512};
    use super::Dots;
    use std::arch::x86_64::*;

    /// AVX-512F with VNNI.
    pub(super) struct Vnni512;

    // SAFETY of every block below: the trait's callers vouch for AVX-512F, AVX-512VNNI and the memory.
    impl Dots for Vnni512 {
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
                // SAFETY: the trait's callers vouch for AVX2.
                unsafe { _mm256_setzero_si256() }
            }
            #[inline(always)]
            unsafe fn weights(from: *const i8) -> __m256i {
                // SAFETY: the trait's callers vouch for AVX2 and the memory.
                unsafe { _mm256_loadu_si256(from.cast()) }
            }
            #[inline(always)]
            unsafe fn floats(sums: __m256i) -> __m256 {
                // SAFETY: the trait's callers vouch for AVX2.
                unsafe { _mm256_cvtepi32_ps(sums) }
            }
            #[inline(always)]
            unsafe fn store(to: *mut u8, v: __m256) {
                // SAFETY: the trait's callers vouch for AVX2 and the memory; the write may be unaligned.
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

    impl Dots for AvxVnni {
        eight_lanes!();
        type X = __m256i;
        const ROWS: usize = 6;
        #[inline(always)]
        unsafe fn inputs(from: *const u8) -> __m256i {
            // SAFETY: the trait's callers vouch for AVX2 and the memory; the read may be unaligned.
            unsafe { _mm256_set1_epi32(from.cast::<i32>().read_unaligned()) }
        }
        #[inline(always)]
        unsafe fn add(sums: __m256i, x: __m256i, w: __m256i) -> __m256i {
            // SAFETY: the trait's callers vouch for AVX-VNNI.
            unsafe { _mm256_dpbusd_avx_epi32(sums, x, w) }
        }
    }

    /// AVX2 alone. Its product of bytes adds pairs with 16 bits, too few for two products; so it gets inputs of which
    /// every other one is zero.
    pub(super) struct Pairs;

    impl Dots for Pairs {
        eight_lanes!();
        type X = (__m256i, __m256i);
        const ROWS: usize = 4;
        #[inline(always)]
        unsafe fn inputs(from: *const u8) -> Self::X {
            // SAFETY: the trait's callers vouch for AVX2 and the memory; the read may be unaligned.
            unsafe {
                let x = _mm256_set1_epi32(from.cast::<i32>().read_unaligned());
                let even = _mm256_set1_epi16(0x00ff);
                (_mm256_and_si256(x, even), _mm256_andnot_si256(even, x))
            }
        }
        #[inline(always)]
        unsafe fn add(sums: __m256i, (even, odd): Self::X, w: __m256i) -> __m256i {
            // SAFETY: the trait's callers vouch for AVX2.
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
                // SAFETY: the features are on in this function; the caller vouches for the pointers.
                unsafe { super::product::<$dots>(product) }
            }
            $(#[target_feature(enable = $feature)])*
            unsafe fn quantize(row: &[f32], out: &mut [u8]) -> [f32; 2] {
                // SAFETY: the features are on in this function.
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
variant!(pairs, super::x86::Pairs, "AVX2", "avx2", "fma", "f16c");
variant!(plain, Plain, "portable");

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
            found.push(&pairs::KERNELS);
        }
    }
    found.push(&plain::KERNELS);
    found
}

/// See [`ByteKernels::product`].
#[inline(always)]
unsafe fn product<D: Dots>(product: &ByteProduct) {
    let blocks = product.count.div_ceil(D::ROWS);
    let mut first = 0;
    for block in 0..blocks {
        let rows = (product.count - first) / (blocks - block);
        // SAFETY: rows `first .. first + rows` are among the product's, for which the caller vouches.
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

/// `R` rows times the panel, two vectors of columns after the other, all their sums in registers.
#[inline(always)]
unsafe fn some_rows<D: Dots, const R: usize>(product: &ByteProduct, first: usize) {
    let lanes = <D::S as Simd>::LANES;
    for column in (0..PANEL).step_by(2 * lanes) {
        // SAFETY: the caller vouches for the instructions, for `R` rows of `groups` groups from `first`, for as many
        // groups of the panel, and for the ranges, sums and added rows; 2 · LANES divides PANEL, so that both vectors
        // at `column` are the panel's.
        unsafe {
            let stride = product.stride;
            let rows = product.rows.add(first * stride);
            let mut panel = product.panel.add(column * GROUP);
            let mut sums = [[D::zero(); 2]; R];
            for group in 0..product.groups {
                super::kernels::fetch_ahead::<D::S>(panel.cast(), 2 * lanes * GROUP);
                let left = D::weights(panel);
                let right = D::weights(panel.add(lanes * GROUP));
                for (r, [a, b]) in sums.iter_mut().enumerate() {
                    let x = D::inputs(rows.add(r * stride + group * GROUP));
                    *a = D::add(*a, x, left);
                    *b = D::add(*b, x, right);
                }
                panel = panel.add(PANEL * GROUP);
            }
            for (r, sums) in sums.into_iter().enumerate() {
                let row = first + r;
                let [scale, least] = *product.ranges.add(row);
                for (half, sum) in sums.into_iter().enumerate() {
                    let column = column + half * lanes;
                    let scales = D::S::mul(D::S::splat(scale), D::S::load(product.column_scales.add(column)));
                    let rest = D::S::load(product.bias.add(column));
                    let rest = D::S::fma(D::S::splat(least), D::S::load(product.column_sums.add(column)), rest);
                    let sum = finish::<D::S>(product.then, D::S::fma(D::floats(sum), scales, rest), row, column);
                    D::S::store(product.out.add(row * product.out_stride + column), sum);
                }
            }
        }
    }
}

/// See [`ByteKernels::quantize`].
#[inline(always)]
unsafe fn quantize<D: Dots>(row: &[f32], out: &mut [u8]) -> [f32; 2] {
    let lanes = <D::S as Simd>::LANES;
    let width = row.len();
    assert!(width > 0 && out.len() >= width);
    let whole = width - width % lanes;
    let (mut least, mut most) = (f32::INFINITY, f32::NEG_INFINITY);
    // Nothing times a number is nothing, times anything else it is no number.
    let mut poison = 0.0;
    for x in &row[whole..] {
        (least, most, poison) = (least.min(*x), most.max(*x), poison + 0.0 * x);
    }
    // SAFETY: the caller vouches for the instructions; vectors are loaded and stored at multiples of LANES below
    // `whole`, which is within both slices.
    unsafe {
        if whole > 0 {
            let (mut low, mut high) = (D::S::load(row.as_ptr()), D::S::load(row.as_ptr()));
            let zero = D::S::splat(0.0);
            let mut poisons = zero;
            for at in (0..whole).step_by(lanes) {
                let x = D::S::load(row.as_ptr().add(at));
                (low, high, poisons) = (D::S::min(low, x), D::S::max(high, x), D::S::fma(x, zero, poisons));
            }
            poison += D::S::total(poisons);
            let negated = D::S::sub(zero, low);
            (least, most) = (least.min(-D::S::largest(negated)), most.max(D::S::largest(high)));
        }
        let range = most - least;
        let factor = if range > 0.0 { 255.0 / range } else { 0.0 };
        let (low, factors) = (D::S::splat(least), D::S::splat(factor));
        for at in (0..whole).step_by(lanes) {
            let x = D::S::load(row.as_ptr().add(at));
            D::store(out.as_mut_ptr().add(at), D::S::round(D::S::mul(D::S::sub(x, low), factors)));
        }
        for (x, out) in row[whole..].iter().zip(&mut out[whole..]) {
            *out = ((x - least) * factor).round_ties_even() as u8;
        }
        [range / 255.0 + poison, least]
    }
}
