//! The kernels that only training needs, written once for every kind of vector.
//!
//! A variant is only handed out after the processor was checked for its instructions. No kernel allocates.

#![expect(unsafe_code, reason = "vector instructions and raw pointers into strips and panels")]
#![expect(clippy::inline_always, reason = "a kernel must be inlined where its instructions are enabled")]
#![expect(clippy::cast_precision_loss, reason = "widths of layers are far below 2^24")]

use crate::packed::kernels::{EPSILON, PANEL, erf, exp2};
#[cfg(target_arch = "aarch64")]
use crate::packed::simd::Neon;
#[cfg(target_arch = "x86_64")]
use crate::packed::simd::{Avx2, Avx512};
use crate::packed::simd::{Portable, Simd};
use crate::training::optimizer::Coefficients;

/// Most rows of a tile, whatever the variant.
pub(super) const MAX_ROWS: usize = 12;

/// A sum of outer products: columns of one matrix times one panel of another.
pub(super) struct Outer {
    /// Numbers of the first row; those of one outer product are side by side.
    pub(super) strip: *const f32,
    /// Distance between two rows, in numbers.
    pub(super) step: usize,
    /// Number of rows of both.
    pub(super) depth: usize,
    /// `depth` rows of [`PANEL`] numbers.
    pub(super) panel: *const f32,
    /// [`TrainingKernels::rows`] rows of [`PANEL`] sums.
    pub(super) tile: *mut f32,
}

/// Layer normalization: input, output, gain and bias; returns one over the standard deviation.
type Normalize = unsafe fn(row: &mut [f32], out: &mut [f32], gamma: &[f32], beta: &[f32]) -> f32;

/// Its gradient; those of gain and bias are added to `sums`.
type NormalizeBackward = unsafe fn(gradient: &mut [f32], hat: &[f32], gamma: &[f32], scale: f32, sums: &mut [f32]);

/// The kernels of one kind of processor; the functions need its instructions, and only [`available`] hands them out.
pub(in super::super) struct TrainingKernels {
    /// Rows of a tile.
    pub(super) rows: usize,
    outer: unsafe fn(&Outer),
    gelu: unsafe fn(values: &mut [f32], derivatives: &mut [f32]),
    normalize: Normalize,
    normalize_backward: NormalizeBackward,
    softmax_backward: unsafe fn(probabilities: &[f32], gradient: &mut [f32], scale: f32),
    adamw: unsafe fn(ParameterSlice<'_>, &Coefficients),
    squares: unsafe fn(values: &[f32]) -> f32,
}

/// A slice of a parameter with its gradient and moments, all of one length. No gradient means zeros.
pub(super) struct ParameterSlice<'a> {
    pub(super) values: &'a mut [f32],
    pub(super) gradient: Option<&'a [f32]>,
    pub(super) first: &'a mut [f32],
    pub(super) second: &'a mut [f32],
}

impl ParameterSlice<'_> {
    /// The same with a shorter lifetime.
    pub(super) fn reborrow(&mut self) -> ParameterSlice<'_> {
        ParameterSlice { values: self.values, gradient: self.gradient, first: self.first, second: self.second }
    }
}

impl TrainingKernels {
    /// Writes the tile.
    ///
    /// # Safety
    /// `strip` is valid for [`Self::rows`] numbers at each of `depth` steps, the other pointers for the sizes named there, and
    /// nobody else accesses the tile meanwhile.
    pub(super) unsafe fn outer(&self, outer: &Outer) {
        // SAFETY: kernels come from `available` only, which has checked the processor; the pointers are the caller's promise.
        unsafe { (self.outer)(outer) }
    }

    /// The exact GELU of `values`, in place, and its derivative there.
    pub(super) fn gelu(&self, values: &mut [f32], derivatives: &mut [f32]) {
        assert_eq!(values.len(), derivatives.len());
        // SAFETY: kernels come from `available` only, which has checked the processor.
        unsafe { (self.gelu)(values, derivatives) }
    }

    /// Brings a row to mean 0 and variance 1, in place, writes that times `gamma` plus `beta` to `out` and returns
    /// the factor that brought the variance to 1.
    pub(super) fn normalize(&self, row: &mut [f32], out: &mut [f32], gamma: &[f32], beta: &[f32]) -> f32 {
        assert!(!row.is_empty() && [out.len(), gamma.len(), beta.len()] == [row.len(); 3]);
        // SAFETY: kernels come from `available` only, which has checked the processor.
        unsafe { (self.normalize)(row, out, gamma, beta) }
    }

    /// Turns the gradient of `out` into that of the row before normalization. `hat` is the normalized row, `sums`
    /// the gradient of `gamma` and then that of `beta`, which are added to.
    pub(super) fn normalize_backward(
        &self,
        gradient: &mut [f32],
        hat: &[f32],
        gamma: &[f32],
        scale: f32,
        sums: &mut [f32],
    ) {
        let width = gradient.len();
        assert!(width > 0 && [hat.len(), gamma.len(), sums.len()] == [width, width, 2 * width]);
        // SAFETY: kernels come from `available` only, which has checked the processor.
        unsafe { (self.normalize_backward)(gradient, hat, gamma, scale, sums) }
    }

    /// Turns the gradient of `softmax(scale · x)` into that of `x`; `probabilities` is the softmax.
    pub(super) fn softmax_backward(&self, probabilities: &[f32], gradient: &mut [f32], scale: f32) {
        assert_eq!(probabilities.len(), gradient.len());
        // SAFETY: kernels come from `available` only, which has checked the processor.
        unsafe { (self.softmax_backward)(probabilities, gradient, scale) }
    }

    /// One step of `AdamW`.
    pub(super) fn adamw(&self, moved: ParameterSlice<'_>, coefficients: &Coefficients) {
        let length = moved.values.len();
        assert!(moved.gradient.is_none_or(|gradient| gradient.len() == length));
        assert!([moved.first.len(), moved.second.len()] == [length; 2]);
        // SAFETY: kernels come from `available` only, which has checked the processor.
        unsafe { (self.adamw)(moved, coefficients) }
    }

    /// The sum of squares, in `f64` where it is too large for `f32`.
    pub(super) fn squares(&self, values: &[f32]) -> f64 {
        // SAFETY: kernels come from `available` only, which has checked the processor.
        let sum = f64::from(unsafe { (self.squares)(values) });
        if sum.is_finite() { sum } else { values.iter().map(|value| f64::from(*value).powi(2)).sum() }
    }
}

macro_rules! variant {
    ($module:ident, $simd:ty $(, $feature:literal)*) => {
        mod $module {
            // SAFETY of every block below: the instructions are enabled in the function around it; pointers and lengths are
            // the caller's promise.
            use super::*;
            $(#[target_feature(enable = $feature)])*
            unsafe fn outer(outer: &Outer) {
                // SAFETY: see above.
                unsafe { super::outer::<$simd>(outer) }
            }
            $(#[target_feature(enable = $feature)])*
            unsafe fn gelu(values: &mut [f32], derivatives: &mut [f32]) {
                // SAFETY: see above.
                unsafe { super::gelu::<$simd>(values, derivatives) }
            }
            $(#[target_feature(enable = $feature)])*
            unsafe fn normalize(row: &mut [f32], out: &mut [f32], gamma: &[f32], beta: &[f32]) -> f32 {
                // SAFETY: see above.
                unsafe { super::normalize::<$simd>(row, out, gamma, beta) }
            }
            $(#[target_feature(enable = $feature)])*
            unsafe fn normalize_backward(gradient: &mut [f32], hat: &[f32], gamma: &[f32], scale: f32, sums: &mut [f32]) {
                // SAFETY: see above.
                unsafe { super::normalize_backward::<$simd>(gradient, hat, gamma, scale, sums) }
            }
            $(#[target_feature(enable = $feature)])*
            unsafe fn softmax_backward(probabilities: &[f32], gradient: &mut [f32], scale: f32) {
                // SAFETY: see above.
                unsafe { super::softmax_backward::<$simd>(probabilities, gradient, scale) }
            }
            $(#[target_feature(enable = $feature)])*
            unsafe fn adamw(moved: ParameterSlice<'_>, coefficients: &Coefficients) {
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
                normalize_backward,
                softmax_backward,
                adamw,
                squares,
            };
        }
    };
}

#[cfg(target_arch = "x86_64")]
variant!(avx512, Avx512, "avx512f");
#[cfg(target_arch = "x86_64")]
variant!(avx2, Avx2, "avx2", "fma", "f16c");
#[cfg(target_arch = "aarch64")]
variant!(neon, Neon, "neon");
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
        // SAFETY: 2 · LANES divides PANEL; instructions and pointers are the caller's promise.
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
    // SAFETY: the caller promises the instructions, `R` numbers of the strip at each step, and two vectors at `column` in
    // each row of panel and tile. Strip and panel are only read in the `depth` steps.
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
            // Not `add`: the last step leaves both pointers beyond the end, where they are not read.
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

/// See [`TrainingKernels::gelu`]. The remainder is copied to a vector of its own.
#[inline(always)]
unsafe fn gelu<S: Simd>(values: &mut [f32], derivatives: &mut [f32]) {
    let end = whole::<S>(values.len());
    // SAFETY: the instructions are the caller's promise; below `end` vectors are within both slices, and no variant has
    // more lanes than `rest` has elements.
    unsafe {
        for at in (0..end).step_by(S::LANES) {
            gelu_vector::<S>(values.as_mut_ptr().add(at), derivatives.as_mut_ptr().add(at));
        }
        let (mut rest, mut rest_derivatives) = ([0.0; 16], [0.0; 16]);
        let left = values.len() - end;
        rest[..left].copy_from_slice(&values[end..]);
        gelu_vector::<S>(rest.as_mut_ptr(), rest_derivatives.as_mut_ptr());
        values[end..].copy_from_slice(&rest[..left]);
        derivatives[end..].copy_from_slice(&rest_derivatives[..left]);
    }
}

#[inline(always)]
unsafe fn gelu_vector<S: Simd>(value: *mut f32, derivative: *mut f32) {
    // SAFETY: the instructions and a vector at both addresses are the caller's promise.
    unsafe {
        let x = S::load(value);
        let half = S::splat(0.5);
        let phi = S::fma(half, erf::<S>(S::mul(x, S::splat(std::f32::consts::FRAC_1_SQRT_2))), half);
        let density = exp2::<S>(S::mul(S::mul(x, x), S::splat(-0.5 * std::f32::consts::LOG2_E)));
        S::store(value, S::mul(x, phi));
        S::store(derivative, S::fma(S::mul(x, S::splat(0.398_942_3)), density, phi));
    }
}

/// See [`TrainingKernels::normalize`].
#[inline(always)]
unsafe fn normalize<S: Simd>(row: &mut [f32], out: &mut [f32], gamma: &[f32], beta: &[f32]) -> f32 {
    let width = row.len();
    let end = whole::<S>(width);
    // SAFETY: the instructions and slices of one length are the caller's promise; vectors are loaded and stored at
    // multiples of LANES below `end`.
    unsafe {
        let mut sum = S::splat(0.0);
        for at in (0..end).step_by(S::LANES) {
            sum = S::add(sum, S::load(row.as_ptr().add(at)));
        }
        let mean = (S::reduce_sum(sum) + row[end..].iter().sum::<f32>()) / width as f32;
        let means = S::splat(mean);
        let mut squares = S::splat(0.0);
        for at in (0..end).step_by(S::LANES) {
            let difference = S::sub(S::load(row.as_ptr().add(at)), means);
            squares = S::fma(difference, difference, squares);
        }
        let rest: f32 = row[end..].iter().map(|x| (x - mean) * (x - mean)).sum();
        let scale = 1.0 / ((S::reduce_sum(squares) + rest) / width as f32 + EPSILON).sqrt();
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

/// See [`TrainingKernels::normalize_backward`]: with `g = gradient · gamma`, `scale · (g - mean(g) - hat · mean(g · hat))`.
#[inline(always)]
unsafe fn normalize_backward<S: Simd>(gradient: &mut [f32], hat: &[f32], gamma: &[f32], scale: f32, sums: &mut [f32]) {
    let width = gradient.len();
    let end = whole::<S>(width);
    let (gammas, betas) = sums.split_at_mut(width);
    // SAFETY: the instructions and the lengths are the caller's promise; vectors are loaded and stored at multiples of
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
        let (mut mean, mut along) = (S::reduce_sum(mean), S::reduce_sum(along));
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

/// See [`TrainingKernels::softmax_backward`]: `scale · p · (gradient - sum(gradient · p))` with the probabilities `p`.
#[inline(always)]
unsafe fn softmax_backward<S: Simd>(probabilities: &[f32], gradient: &mut [f32], scale: f32) {
    let end = whole::<S>(probabilities.len());
    // SAFETY: the instructions and slices of one length are the caller's promise; vectors are loaded and stored at
    // multiples of LANES below `end`.
    unsafe {
        let mut sum = S::splat(0.0);
        for at in (0..end).step_by(S::LANES) {
            sum = S::fma(S::load(probabilities.as_ptr().add(at)), S::load(gradient.as_ptr().add(at)), sum);
        }
        let rest: f32 = probabilities[end..].iter().zip(&gradient[end..]).map(|(p, gradient)| p * gradient).sum();
        let sum = S::reduce_sum(sum) + rest;
        let (sums, scales) = (S::splat(sum), S::splat(scale));
        for at in (0..end).step_by(S::LANES) {
            let difference = S::sub(S::load(gradient.as_ptr().add(at)), sums);
            let p = S::mul(scales, S::load(probabilities.as_ptr().add(at)));
            S::store(gradient.as_mut_ptr().add(at), S::mul(p, difference));
        }
        for (p, gradient) in probabilities[end..].iter().zip(&mut gradient[end..]) {
            *gradient = scale * p * (*gradient - sum);
        }
    }
}

/// See [`TrainingKernels::adamw`].
#[inline(always)]
unsafe fn adamw<S: Simd>(moved: ParameterSlice<'_>, coefficients: &Coefficients) {
    let ParameterSlice { values, gradient, first, second } = moved;
    let end = whole::<S>(values.len());
    // SAFETY: the instructions and slices of one length are the caller's promise; vectors are loaded and stored at
    // multiples of LANES below `end`.
    unsafe {
        let c = coefficients;
        // No closures: the instructions are not enabled in them.
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
        coefficients.update_one(&mut values[at], gradient, &mut first[at], &mut second[at]);
    }
}

/// See [`TrainingKernels::squares`].
#[inline(always)]
unsafe fn squares<S: Simd>(values: &[f32]) -> f32 {
    let end = whole::<S>(values.len());
    // SAFETY: the instructions are the caller's promise; vectors are loaded at multiples of LANES below `end`.
    unsafe {
        let mut sum = S::splat(0.0);
        for at in (0..end).step_by(S::LANES) {
            let x = S::load(values.as_ptr().add(at));
            sum = S::fma(x, x, sum);
        }
        S::reduce_sum(sum) + values[end..].iter().map(|x| x * x).sum::<f32>()
    }
}
