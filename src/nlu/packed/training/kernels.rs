//! Decides how the computations that only training needs are done, written once for every kind of vector.
//!
//! It must never run a variant that the processor was not asked about, and never allocate.

#![allow(unsafe_code)]

use super::super::kernels::{EPSILON, PANEL, erf, power};
use super::super::simd::{Portable, Simd};
use crate::nlu::optimizer::Coefficients;

/// Most rows of a tile, whatever the variant.
pub(super) const MOST_ROWS: usize = 12;

/// A sum of outer products: columns of one matrix times one panel of another.
pub(super) struct Outer {
    /// Numbers of the first row; those of one outer product are side by side.
    pub(super) strip: *const f32,
    /// From one row to the next.
    pub(super) step: usize,
    /// Rows of both.
    pub(super) depth: usize,
    /// `depth` rows of [`PANEL`] numbers.
    pub(super) panel: *const f32,
    /// [`TrainingKernels::rows`] rows of [`PANEL`] sums.
    pub(super) tile: *mut f32,
}

/// Normalises a row: what goes in, what comes out, gain and bias; gives one over the deviation.
type Normalize = unsafe fn(row: &mut [f32], out: &mut [f32], gamma: &[f32], beta: &[f32]) -> f32;

/// The gradient through it; `sums` gathers those of gain and bias.
type NormalizeBack = unsafe fn(gradient: &mut [f32], hat: &[f32], gamma: &[f32], scale: f32, sums: &mut [f32]);

/// The computations of one kind of processor; the functions need that kind, and only [`available`] hands them out.
pub(in super::super) struct TrainingKernels {
    /// Rows of a tile.
    pub(super) rows: usize,
    outer: unsafe fn(&Outer),
    gelu: unsafe fn(values: &mut [f32], slopes: &mut [f32]),
    normalize: Normalize,
    normalize_back: NormalizeBack,
    softmax_back: unsafe fn(shares: &[f32], gradient: &mut [f32], scale: f32),
    adamw: unsafe fn(Moved<'_>, &Coefficients),
    squares: unsafe fn(values: &[f32]) -> f32,
}

/// A stretch of weights with its gradient and moments; all of one length. Without a gradient it is zero.
pub(super) struct Moved<'a> {
    pub(super) values: &'a mut [f32],
    pub(super) gradient: Option<&'a [f32]>,
    pub(super) first: &'a mut [f32],
    pub(super) second: &'a mut [f32],
}

impl Moved<'_> {
    /// The same for a moment.
    pub(super) fn again(&mut self) -> Moved<'_> {
        Moved { values: self.values, gradient: self.gradient, first: self.first, second: self.second }
    }
}

impl TrainingKernels {
    /// Writes the tile.
    ///
    /// # Safety
    /// `strip` is good for [`Self::rows`] numbers at each of `depth` steps, the rest for the sizes named there.
    pub(super) unsafe fn outer(&self, outer: &Outer) {
        // SAFETY: whoever holds these kernels has them from `available`; the pointers are the caller's promise.
        unsafe { (self.outer)(outer) }
    }

    /// The exact GELU of `values`, in place, and its slope there.
    pub(super) fn gelu(&self, values: &mut [f32], slopes: &mut [f32]) {
        assert_eq!(values.len(), slopes.len());
        // SAFETY: whoever holds these kernels has them from `available`.
        unsafe { (self.gelu)(values, slopes) }
    }

    /// Brings a row to mean 0 and variance 1, in place, writes that times `gamma` plus `beta` to `out` and returns
    /// the factor that brought the variance to 1.
    pub(super) fn normalize(&self, row: &mut [f32], out: &mut [f32], gamma: &[f32], beta: &[f32]) -> f32 {
        assert!(!row.is_empty() && [out.len(), gamma.len(), beta.len()] == [row.len(); 3]);
        // SAFETY: whoever holds these kernels has them from `available`.
        unsafe { (self.normalize)(row, out, gamma, beta) }
    }

    /// Turns the gradient of `out` into that of the row before normalization. `hat` is the normalized row, `sums`
    /// the gradient of `gamma` and then that of `beta`, which are added to.
    pub(super) fn normalize_back(
        &self,
        gradient: &mut [f32],
        hat: &[f32],
        gamma: &[f32],
        scale: f32,
        sums: &mut [f32],
    ) {
        let width = gradient.len();
        assert!(width > 0 && [hat.len(), gamma.len(), sums.len()] == [width, width, 2 * width]);
        // SAFETY: whoever holds these kernels has them from `available`.
        unsafe { (self.normalize_back)(gradient, hat, gamma, scale, sums) }
    }

    /// Turns the gradient of `softmax(scale · x)` into that of `x`; `shares` is the softmax.
    pub(super) fn softmax_back(&self, shares: &[f32], gradient: &mut [f32], scale: f32) {
        assert_eq!(shares.len(), gradient.len());
        // SAFETY: whoever holds these kernels has them from `available`.
        unsafe { (self.softmax_back)(shares, gradient, scale) }
    }

    /// One step of AdamW.
    pub(super) fn adamw(&self, moved: Moved<'_>, coefficients: &Coefficients) {
        let length = moved.values.len();
        assert!(moved.gradient.is_none_or(|gradient| gradient.len() == length));
        assert!([moved.first.len(), moved.second.len()] == [length; 2]);
        // SAFETY: whoever holds these kernels has them from `available`.
        unsafe { (self.adamw)(moved, coefficients) }
    }

    /// The sum of squares, in `f64` where it is too large for `f32`.
    pub(super) fn squares(&self, values: &[f32]) -> f64 {
        // SAFETY: whoever holds these kernels has them from `available`.
        let sum = f64::from(unsafe { (self.squares)(values) });
        if sum.is_finite() { sum } else { values.iter().map(|value| f64::from(*value).powi(2)).sum() }
    }
}

macro_rules! variant {
    ($module:ident, $simd:ty $(, $feature:literal)*) => {
        mod $module {
            // SAFETY of every block below: the features are on in the function around it; the caller vouches for
            // pointers and lengths.
            use super::*;
            $(#[target_feature(enable = $feature)])*
            unsafe fn outer(outer: &Outer) {
                // SAFETY: see above.
                unsafe { super::outer::<$simd>(outer) }
            }
            $(#[target_feature(enable = $feature)])*
            unsafe fn gelu(values: &mut [f32], slopes: &mut [f32]) {
                // SAFETY: see above.
                unsafe { super::gelu::<$simd>(values, slopes) }
            }
            $(#[target_feature(enable = $feature)])*
            unsafe fn normalize(row: &mut [f32], out: &mut [f32], gamma: &[f32], beta: &[f32]) -> f32 {
                // SAFETY: see above.
                unsafe { super::normalize::<$simd>(row, out, gamma, beta) }
            }
            $(#[target_feature(enable = $feature)])*
            unsafe fn normalize_back(gradient: &mut [f32], hat: &[f32], gamma: &[f32], scale: f32, sums: &mut [f32]) {
                // SAFETY: see above.
                unsafe { super::normalize_back::<$simd>(gradient, hat, gamma, scale, sums) }
            }
            $(#[target_feature(enable = $feature)])*
            unsafe fn softmax_back(shares: &[f32], gradient: &mut [f32], scale: f32) {
                // SAFETY: see above.
                unsafe { super::softmax_back::<$simd>(shares, gradient, scale) }
            }
            $(#[target_feature(enable = $feature)])*
            unsafe fn adamw(moved: Moved<'_>, coefficients: &Coefficients) {
                // SAFETY: see above.
                unsafe { super::adamw::<$simd>(moved, coefficients) }
            }
            $(#[target_feature(enable = $feature)])*
            unsafe fn squares(values: &[f32]) -> f32 {
                // SAFETY: see above.
                unsafe { super::squares::<$simd>(values) }
            }
            pub(super) static KERNELS: TrainingKernels = TrainingKernels {
                rows: <$simd>::ROWS,
                outer,
                gelu,
                normalize,
                normalize_back,
                softmax_back,
                adamw,
                squares,
            };
        }
    };
}

#[cfg(target_arch = "x86_64")]
variant!(avx512, super::super::super::simd::Avx512, "avx512f");
#[cfg(target_arch = "x86_64")]
variant!(avx2, super::super::super::simd::Avx2, "avx2", "fma", "f16c");
#[cfg(target_arch = "aarch64")]
variant!(neon, super::super::super::simd::Neon, "neon");
variant!(portable, Portable);

/// The variants this processor can run, the fastest first, in the order of those of the forward pass.
pub(in super::super) fn available() -> Vec<&'static TrainingKernels> {
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

/// See [`TrainingKernels::outer`].
#[inline(always)]
unsafe fn outer<S: Simd>(outer: &Outer) {
    for column in (0..PANEL).step_by(2 * S::LANES) {
        // SAFETY: 2 · LANES divides PANEL; the caller vouches for the instructions and the pointers.
        unsafe {
            match S::ROWS {
                4 => tile::<S, 4>(outer, column),
                6 => tile::<S, 6>(outer, column),
                12 => tile::<S, 12>(outer, column),
                other => unreachable!("no variant has {other} rows"),
            }
        }
    }
}

/// `R` rows times two vectors of columns, all sums in registers.
#[inline(always)]
unsafe fn tile<S: Simd, const R: usize>(outer: &Outer, column: usize) {
    // SAFETY: the caller vouches for the instructions, for `R` numbers of the strip at each step, and for two vectors
    // at `column` in each row of panel and tile.
    unsafe {
        let (mut strip, mut panel) = (outer.strip, outer.panel.add(column));
        let mut sums = [[S::splat(0.0); 2]; R];
        for _ in 0..outer.depth {
            let left = S::load(panel);
            let right = S::load(panel.add(S::LANES));
            for (r, [a, b]) in sums.iter_mut().enumerate() {
                let x = S::splat(*strip.add(r));
                *a = S::fma(x, left, *a);
                *b = S::fma(x, right, *b);
            }
            // The last step leaves both behind the end, where they are not read.
            strip = strip.wrapping_add(outer.step);
            panel = panel.wrapping_add(PANEL);
        }
        for (r, [a, b]) in sums.into_iter().enumerate() {
            let to = outer.tile.add(r * PANEL + column);
            S::store(to, a);
            S::store(to.add(S::LANES), b);
        }
    }
}

/// The largest multiple of the lanes that is not above a length.
#[inline(always)]
fn whole<S: Simd>(length: usize) -> usize {
    length - length % S::LANES
}

/// See [`TrainingKernels::gelu`]. What is left over goes through a vector of its own.
#[inline(always)]
unsafe fn gelu<S: Simd>(values: &mut [f32], slopes: &mut [f32]) {
    let end = whole::<S>(values.len());
    // SAFETY: the caller vouches for the instructions; below `end` vectors are within both slices, and no variant has
    // more lanes than `rest` has places.
    unsafe {
        for at in (0..end).step_by(S::LANES) {
            gelu_vector::<S>(values.as_mut_ptr().add(at), slopes.as_mut_ptr().add(at));
        }
        let (mut rest, mut rest_slopes) = ([0.0; 16], [0.0; 16]);
        let left = values.len() - end;
        rest[..left].copy_from_slice(&values[end..]);
        gelu_vector::<S>(rest.as_mut_ptr(), rest_slopes.as_mut_ptr());
        values[end..].copy_from_slice(&rest[..left]);
        slopes[end..].copy_from_slice(&rest_slopes[..left]);
    }
}

#[inline(always)]
unsafe fn gelu_vector<S: Simd>(value: *mut f32, slope: *mut f32) {
    // SAFETY: the caller vouches for the instructions and for a vector at both places.
    unsafe {
        let x = S::load(value);
        let half = S::splat(0.5);
        let phi = S::fma(half, erf::<S>(S::mul(x, S::splat(std::f32::consts::FRAC_1_SQRT_2))), half);
        let bell = power::<S>(S::mul(S::mul(x, x), S::splat(-0.5 * std::f32::consts::LOG2_E)));
        S::store(value, S::mul(x, phi));
        S::store(slope, S::fma(S::mul(x, S::splat(0.398_942_3)), bell, phi));
    }
}

/// See [`TrainingKernels::normalize`].
#[inline(always)]
unsafe fn normalize<S: Simd>(row: &mut [f32], out: &mut [f32], gamma: &[f32], beta: &[f32]) -> f32 {
    let width = row.len();
    let end = whole::<S>(width);
    // SAFETY: the caller vouches for the instructions and that all slices have one length; vectors are loaded and
    // stored at multiples of LANES below `end`.
    unsafe {
        let mut sum = S::splat(0.0);
        for at in (0..end).step_by(S::LANES) {
            sum = S::add(sum, S::load(row.as_ptr().add(at)));
        }
        let mean = (S::total(sum) + row[end..].iter().sum::<f32>()) / width as f32;
        let means = S::splat(mean);
        let mut squares = S::splat(0.0);
        for at in (0..end).step_by(S::LANES) {
            let difference = S::sub(S::load(row.as_ptr().add(at)), means);
            squares = S::fma(difference, difference, squares);
        }
        let rest: f32 = row[end..].iter().map(|x| (x - mean) * (x - mean)).sum();
        let scale = 1.0 / ((S::total(squares) + rest) / width as f32 + EPSILON).sqrt();
        let scales = S::splat(scale);
        for at in (0..end).step_by(S::LANES) {
            let hat = S::mul(S::sub(S::load(row.as_ptr().add(at)), means), scales);
            S::store(row.as_mut_ptr().add(at), hat);
            let scaled = S::fma(hat, S::load(gamma.as_ptr().add(at)), S::load(beta.as_ptr().add(at)));
            S::store(out.as_mut_ptr().add(at), scaled);
        }
        for at in end..width {
            row[at] = (row[at] - mean) * scale;
            out[at] = row[at] * gamma[at] + beta[at];
        }
        scale
    }
}

/// See [`TrainingKernels::normalize_back`]: with `g = gradient · gamma`, `scale · (g - mean(g) - hat · mean(g · hat))`.
#[inline(always)]
unsafe fn normalize_back<S: Simd>(gradient: &mut [f32], hat: &[f32], gamma: &[f32], scale: f32, sums: &mut [f32]) {
    let width = gradient.len();
    let end = whole::<S>(width);
    let (gammas, betas) = sums.split_at_mut(width);
    // SAFETY: the caller vouches for the instructions and the lengths; vectors are loaded and stored at multiples of
    // LANES below `end`.
    unsafe {
        let (mut mean, mut along) = (S::splat(0.0), S::splat(0.0));
        for at in (0..end).step_by(S::LANES) {
            let (d, x) = (S::load(gradient.as_ptr().add(at)), S::load(hat.as_ptr().add(at)));
            S::store(gammas.as_mut_ptr().add(at), S::fma(d, x, S::load(gammas.as_ptr().add(at))));
            S::store(betas.as_mut_ptr().add(at), S::add(d, S::load(betas.as_ptr().add(at))));
            let g = S::mul(d, S::load(gamma.as_ptr().add(at)));
            S::store(gradient.as_mut_ptr().add(at), g);
            mean = S::add(mean, g);
            along = S::fma(g, x, along);
        }
        let (mut mean, mut along) = (S::total(mean), S::total(along));
        for at in end..width {
            gammas[at] += gradient[at] * hat[at];
            betas[at] += gradient[at];
            gradient[at] *= gamma[at];
            mean += gradient[at];
            along += gradient[at] * hat[at];
        }
        mean /= width as f32;
        along /= width as f32;
        let (means, alongs, scales) = (S::splat(mean), S::splat(-along), S::splat(scale));
        for at in (0..end).step_by(S::LANES) {
            let g = S::sub(S::load(gradient.as_ptr().add(at)), means);
            let g = S::fma(alongs, S::load(hat.as_ptr().add(at)), g);
            S::store(gradient.as_mut_ptr().add(at), S::mul(g, scales));
        }
        for at in end..width {
            gradient[at] = (gradient[at] - mean - along * hat[at]) * scale;
        }
    }
}

/// See [`TrainingKernels::softmax_back`]: `scale · shares · (gradient - sum(gradient · shares))`.
#[inline(always)]
unsafe fn softmax_back<S: Simd>(shares: &[f32], gradient: &mut [f32], scale: f32) {
    let end = whole::<S>(shares.len());
    // SAFETY: the caller vouches for the instructions and that both slices have one length; vectors are loaded and
    // stored at multiples of LANES below `end`.
    unsafe {
        let mut sum = S::splat(0.0);
        for at in (0..end).step_by(S::LANES) {
            sum = S::fma(S::load(shares.as_ptr().add(at)), S::load(gradient.as_ptr().add(at)), sum);
        }
        let rest: f32 = shares[end..].iter().zip(&gradient[end..]).map(|(share, gradient)| share * gradient).sum();
        let sum = S::total(sum) + rest;
        let (sums, scales) = (S::splat(sum), S::splat(scale));
        for at in (0..end).step_by(S::LANES) {
            let difference = S::sub(S::load(gradient.as_ptr().add(at)), sums);
            let share = S::mul(scales, S::load(shares.as_ptr().add(at)));
            S::store(gradient.as_mut_ptr().add(at), S::mul(share, difference));
        }
        for (share, gradient) in shares[end..].iter().zip(&mut gradient[end..]) {
            *gradient = scale * share * (*gradient - sum);
        }
    }
}

/// See [`TrainingKernels::adamw`].
#[inline(always)]
unsafe fn adamw<S: Simd>(moved: Moved<'_>, coefficients: &Coefficients) {
    let Moved { values, gradient, first, second } = moved;
    let end = whole::<S>(values.len());
    // SAFETY: the caller vouches for the instructions and that all slices have one length; vectors are loaded and
    // stored at multiples of LANES below `end`.
    unsafe {
        let c = coefficients;
        // No closures: they would be compiled without the instructions.
        let (beta1, rest1) = (S::splat(c.beta1), S::splat(1.0 - c.beta1));
        let (beta2, rest2) = (S::splat(c.beta2), S::splat(1.0 - c.beta2));
        let (correct1, correct2) = (S::splat(c.correct1), S::splat(c.correct2));
        let (epsilon, scale) = (S::splat(c.epsilon), S::splat(c.scale));
        let (decay, rate) = (S::splat(c.decay), S::splat(-c.rate));
        for at in (0..end).step_by(S::LANES) {
            let g = match gradient {
                Some(gradient) => S::mul(S::load(gradient.as_ptr().add(at)), scale),
                None => S::splat(0.0),
            };
            let m = S::fma(beta1, S::load(first.as_ptr().add(at)), S::mul(rest1, g));
            let v = S::fma(beta2, S::load(second.as_ptr().add(at)), S::mul(S::mul(rest2, g), g));
            S::store(first.as_mut_ptr().add(at), m);
            S::store(second.as_mut_ptr().add(at), v);
            let step = S::div(S::mul(m, correct1), S::add(S::sqrt(S::mul(v, correct2)), epsilon));
            let value = S::mul(S::load(values.as_ptr().add(at)), decay);
            S::store(values.as_mut_ptr().add(at), S::fma(rate, step, value));
        }
    }
    for at in end..values.len() {
        let gradient = gradient.map_or(0.0, |gradient| gradient[at]);
        coefficients.move_one(&mut values[at], gradient, &mut first[at], &mut second[at]);
    }
}

/// See [`TrainingKernels::squares`].
#[inline(always)]
unsafe fn squares<S: Simd>(values: &[f32]) -> f32 {
    let end = whole::<S>(values.len());
    // SAFETY: the caller vouches for the instructions; vectors are loaded at multiples of LANES below `end`.
    unsafe {
        let mut sum = S::splat(0.0);
        for at in (0..end).step_by(S::LANES) {
            let x = S::load(values.as_ptr().add(at));
            sum = S::fma(x, x, sum);
        }
        S::total(sum) + values[end..].iter().map(|x| x * x).sum::<f32>()
    }
}
