//! Which activations a training step drops (dropout).
//!
//! The masks depend on nothing but the seed and the order of the calls: the same seed gives the same model.

use burn::tensor::{Distribution, Tensor, TensorData};
use rayon::prelude::*;

/// Source of dropout masks for one training step.
#[derive(Debug, Clone)]
pub(crate) struct Dropout {
    state: u64,
    /// The device draws the masks itself: others than those of the CPU, with the same rates.
    on_device: bool,
    /// The device's generator has this step's seed.
    seeded: bool,
}

/// Elements per parallel task.
const CHUNK: usize = 1 << 14;

/// The output function of `SplitMix64` (Steele, Lea and Flood, 2014).
fn mix(state: u64) -> u64 {
    let mut z = state.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

impl Dropout {
    /// Masks for one step; every step of a run has its own.
    pub(crate) fn new(seed: u64, step: u64) -> Self {
        Self { state: mix(seed ^ mix(step.wrapping_add(1))), on_device: false, seeded: false }
    }

    /// The same, drawn on the device, so that no mask is copied to it. The first one seeds the device's generator, which is the
    /// process's: no other thread may use it until the step's masks are drawn.
    pub(crate) fn on_device(seed: u64, step: u64) -> Self {
        Self { on_device: true, ..Self::new(seed, step) }
    }

    /// Sets each element to zero with probability `rate` and scales the others by `1 / (1 - rate)`.
    pub(crate) fn apply<const D: usize>(&mut self, x: Tensor<D>, rate: f64) -> Tensor<D> {
        if self.on_device && rate > 0.0 {
            if !std::mem::replace(&mut self.seeded, true) {
                x.device().seed(self.state);
            }
            let kept = x.random_like(Distribution::Bernoulli(1.0 - rate));
            return x * kept * (1.0 / (1.0 - rate));
        }
        let Some(mask) = self.next(rate) else { return x };
        let shape = x.shape();
        let mut factors = vec![0.0_f32; shape.num_elements()];
        factors.par_chunks_mut(CHUNK).enumerate().for_each(|(chunk, values)| mask.fill(chunk * CHUNK, values));
        let factors = Tensor::from_data(TensorData::new(factors, shape), &x.device());
        x * factors
    }

    /// The mask of the next tensor; `None` where nothing is dropped.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate lies within 0 and 1")]
    pub(crate) fn next(&mut self, rate: f64) -> Option<Mask> {
        if rate == 0.0 {
            return None;
        }
        self.state = mix(self.state);
        // 16 random bits an element: a rate is met to 1 part in 65,536.
        let threshold = (rate * 65_536.0).round() as u64;
        Some(Mask { start: self.state, threshold, scale: (1.0 / (1.0 - rate)) as f32 })
    }
}

/// What the elements of one tensor are multiplied with. Any of them can be asked for at any time, so that a mask need
/// not be stored for the backward pass, nor be computed where nothing is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mask {
    start: u64,
    threshold: u64,
    scale: f32,
}

impl Mask {
    /// The factors of the elements from `first` on.
    pub(crate) fn fill(&self, first: usize, factors: &mut [f32]) {
        let head = ((4 - first % 4) % 4).min(factors.len());
        let (ragged, whole) = factors.split_at_mut(head);
        self.four(first, ragged);
        for (at, four) in whole.chunks_mut(4).enumerate() {
            self.four(first + head + at * 4, four);
        }
    }

    /// Multiplies the elements from `first` on.
    pub(crate) fn apply(&self, first: usize, values: &mut [f32]) {
        let mut factors = [0.0; 64];
        for (at, few) in values.chunks_mut(factors.len()).enumerate() {
            let factors = &mut factors[..few.len()];
            self.fill(first + at * 64, factors);
            few.iter_mut().zip(factors).for_each(|(value, factor)| *value *= *factor);
        }
    }

    /// Up to four elements of one draw of 64 bits, 16 for each.
    fn four(&self, first: usize, factors: &mut [f32]) {
        let (group, within) = (first & !3, first % 4);
        let mut bits = mix(self.start.wrapping_add(group as u64)) >> (16 * within);
        for factor in factors {
            *factor = if (bits & 0xFFFF) < self.threshold { 0.0 } else { self.scale };
            bits >>= 16;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn factors(dropout: &mut Dropout, length: usize, rate: f64) -> Vec<f32> {
        let mut factors = vec![f32::NAN; length];
        dropout.next(rate).expect("a rate above 0").fill(0, &mut factors);
        factors
    }

    #[test]
    fn any_stretch_of_a_mask_is_that_of_the_whole() {
        let mask = Dropout::new(3, 1).next(0.3).expect("a rate above 0");
        let mut whole = vec![f32::NAN; 40];
        mask.fill(0, &mut whole);
        for first in 0..20 {
            for length in 0..20 {
                let mut stretch = vec![f32::NAN; length];
                mask.fill(first, &mut stretch);
                assert_eq!(stretch, whole[first..first + length]);
            }
        }
        assert!(Dropout::new(3, 1).next(0.0).is_none());
    }

    #[test]
    #[expect(clippy::cast_precision_loss, reason = "200,000 elements")]
    fn the_rate_is_met_and_the_mean_is_kept() {
        let mask = factors(&mut Dropout::new(7, 0), 200_000, 0.1);
        let dropped = mask.iter().filter(|value| **value == 0.0).count() as f64 / mask.len() as f64;
        let mean = mask.iter().map(|value| f64::from(*value)).sum::<f64>() / mask.len() as f64;
        assert!((dropped - 0.1).abs() < 0.005, "{dropped}");
        assert!((mean - 1.0).abs() < 0.006, "{mean}");
    }

    #[test]
    fn same_seed_and_step_same_masks_another_step_others() {
        let one = |seed, step| factors(&mut Dropout::new(seed, step), 1000, 0.5);
        assert_eq!(one(1, 2), one(1, 2));
        assert_ne!(one(1, 2), one(1, 3));
        assert_ne!(one(1, 2), one(2, 2));
        let mut twice = Dropout::new(1, 2);
        assert_ne!(factors(&mut twice, 1000, 0.5), factors(&mut twice, 1000, 0.5));
    }
}
