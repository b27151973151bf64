//! Decides which activations a training step drops.
//!
//! It must never depend on anything but the seed and the order of the calls: the same seed gives the same model.

use burn::tensor::{Tensor, TensorData};
use rayon::prelude::*;

/// Source of dropout masks for one training step.
#[derive(Debug, Clone)]
pub(crate) struct Dropout {
    state: u64,
}

/// Elements per parallel task.
const CHUNK: usize = 1 << 14;

/// The output function of SplitMix64 (Steele, Lea and Flood, 2014).
fn mix(state: u64) -> u64 {
    let mut z = state.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

impl Dropout {
    /// Masks for one step; every step of a run has its own.
    pub(crate) fn new(seed: u64, step: u64) -> Self {
        Self { state: mix(seed ^ mix(step.wrapping_add(1))) }
    }

    /// Sets each element to zero with probability `rate` and scales the others by `1 / (1 - rate)`.
    pub(crate) fn apply<const D: usize>(&mut self, x: Tensor<D>, rate: f64) -> Tensor<D> {
        if rate == 0.0 {
            return x;
        }
        let shape = x.shape();
        let mask = self.mask(shape.num_elements(), rate);
        let mask = Tensor::from_data(TensorData::new(mask, shape), &x.device());
        x * mask
    }

    fn mask(&mut self, length: usize, rate: f64) -> Vec<f32> {
        self.state = mix(self.state);
        let start = self.state;
        let keep = (1.0 / (1.0 - rate)) as f32;
        // 16 random bits an element: a rate is met to 1 part in 65,536.
        let threshold = (rate * 65_536.0).round() as u64;
        let mut mask = vec![0.0_f32; length];
        mask.par_chunks_mut(CHUNK).enumerate().for_each(|(chunk, values)| {
            let base = start.wrapping_add((chunk * CHUNK) as u64);
            for (at, four) in values.chunks_mut(4).enumerate() {
                let mut bits = mix(base.wrapping_add(at as u64 * 4));
                for value in four {
                    *value = if (bits & 0xFFFF) < threshold { 0.0 } else { keep };
                    bits >>= 16;
                }
            }
        });
        mask
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_met_and_the_mean_is_kept() {
        let mask = Dropout::new(7, 0).mask(200_000, 0.1);
        let dropped = mask.iter().filter(|value| **value == 0.0).count() as f64 / mask.len() as f64;
        let mean = mask.iter().map(|value| f64::from(*value)).sum::<f64>() / mask.len() as f64;
        assert!((dropped - 0.1).abs() < 0.005, "{dropped}");
        assert!((mean - 1.0).abs() < 0.006, "{mean}");
    }

    #[test]
    fn same_seed_and_step_same_masks_another_step_others() {
        let one = |seed, step| Dropout::new(seed, step).mask(1000, 0.5);
        assert_eq!(one(1, 2), one(1, 2));
        assert_ne!(one(1, 2), one(1, 3));
        assert_ne!(one(1, 2), one(2, 2));
        let mut twice = Dropout::new(1, 2);
        assert_ne!(twice.mask(1000, 0.5), twice.mask(1000, 0.5));
    }
}
