//! The exact GELU, forward and backward.
//!
//! Never its tanh approximation: pretrained weights expect the error function.

use burn::tensor::{Tensor, TensorData};
use rayon::prelude::*;

use crate::model::read_back::read_on_cpu;

/// Values per parallel task; below this one core is faster.
const CHUNK: usize = 1 << 14;

/// The error function, a rational minimax approximation on [-4, 4] (as in the Eigen library), within 4e-7 of the
/// exact value.
fn erf(x: f32) -> f32 {
    let x = x.clamp(-4.0, 4.0);
    let square = x * x;
    let mut p = -2.726_142_3e-10_f32;
    for coefficient in [2.770_681_4e-8, -2.101_024e-6, -5.692_506_4e-5, -7.349_906_4e-4, -2.954_6e-3, -1.609_603_3e-2] {
        p = p * square + coefficient;
    }
    let mut q = -1.456_607_2e-5_f32;
    for coefficient in [-2.133_740_6e-4, -1.682_827e-3, -7.373_329e-3, -1.426_473_9e-2] {
        q = q * square + coefficient;
    }
    x * p / q
}

/// The standard normal distribution function.
fn phi(x: f32) -> f32 {
    0.5 * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2))
}

/// `x · Φ(x)` on every element, in place where the tensor is not shared.
///
/// burn's own `gelu` calls the scalar error function of the C library on one core, which costs a third of a training
/// step; this is the same function to the last digits of `f32`. A graphics card has [`gelu_on_card`].
pub(crate) fn gelu(x: Tensor<2>) -> Tensor<2> {
    if x.is_autodiff() {
        return gelu_tracked(x);
    }
    let device = x.device();
    let mut data = read_on_cpu(x);
    if let Ok(values) = data.as_mut_slice::<f32>() {
        let apply = |chunk: &mut [f32]| chunk.iter_mut().for_each(|value| *value *= phi(*value));
        if values.len() <= CHUNK { apply(values) } else { values.par_chunks_mut(CHUNK).for_each(apply) }
    }
    Tensor::from_data(data, &device)
}

/// The same where the values stay on the device. Written out: the gradient of burn's own `gelu` is that of the tanh
/// approximation.
pub(crate) fn gelu_on_card(x: Tensor<2>) -> Tensor<2> {
    let half = x.clone() * 0.5;
    half.clone() + half * (x * std::f64::consts::FRAC_1_SQRT_2).erf()
}

/// The same with a gradient. Value and slope are computed here, and `x · slope + (value - x · slope)` hands both to
/// automatic differentiation: the second term is constant to it.
fn gelu_tracked(x: Tensor<2>) -> Tensor<2> {
    let device = x.device();
    let shape = x.shape();
    let mut slope = read_on_cpu(x.clone().inner());
    let mut rest = vec![0.0_f32; shape.num_elements()];
    if let Ok(slope) = slope.as_mut_slice::<f32>() {
        let apply = |(slope, rest): (&mut [f32], &mut [f32])| {
            for (slope, rest) in slope.iter_mut().zip(rest) {
                let x = *slope;
                let phi = phi(x);
                let bell = 0.398_942_3 * (-0.5 * x * x).exp();
                *slope = phi + x * bell;
                *rest = x * phi - x * *slope;
            }
        };
        slope.par_chunks_mut(CHUNK).zip(rest.par_chunks_mut(CHUNK)).for_each(apply);
    }
    let slope = Tensor::<2>::from_data(slope, &device);
    let rest = Tensor::<2>::from_data(TensorData::new(rest, shape), &device);
    x * slope + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::read_back::read_values;
    use burn::tensor::Device;

    /// The error function by its Taylor series, in f64.
    fn erf_series(x: f64) -> f64 {
        let (mut term, mut sum) = (x, x);
        for n in 1..200 {
            term *= -x * x / f64::from(n);
            sum += term / f64::from(2 * n + 1);
        }
        sum * 2.0 / std::f64::consts::PI.sqrt()
    }

    #[test]
    #[expect(clippy::cast_possible_truncation, reason = "what is tested takes f32")]
    fn the_error_function_is_exact_to_f32() {
        for step in -500..=500 {
            let x = f64::from(step) / 100.0;
            let exact = if x.abs() > 4.5 { x.signum() } else { erf_series(x) };
            assert!((f64::from(erf(x as f32)) - exact).abs() < 4e-7, "{x}: {} {exact}", erf(x as f32));
        }
    }

    #[test]
    fn value_and_gradient_are_those_of_the_definition() {
        for (gelu, name) in [(gelu as fn(_) -> _, "cpu"), (gelu_on_card, "card")] {
            value_and_gradient(gelu, name);
        }
    }

    fn value_and_gradient(gelu: fn(Tensor<2>) -> Tensor<2>, name: &str) {
        let values: Vec<f32> = (-40_i16..=40).map(|n| f32::from(n) / 10.0).collect();
        let count = values.len();
        let plain = gelu(Tensor::from_data(TensorData::new(values.clone(), [1, count]), &Device::flex()));
        let x = Tensor::<2>::from_data(TensorData::new(values.clone(), [1, count]), &Device::flex().autodiff())
            .require_grad();
        let tracked = gelu(x.clone());
        let gradients = tracked.clone().sum().backward();
        let slope = read_values(x.grad(&gradients).expect("gradient")).expect("f32");
        let plain = read_values(plain).expect("f32");
        let tracked = read_values(tracked).expect("f32");
        for (n, x) in values.iter().enumerate() {
            let exact = |x: f64| 0.5 * x * (1.0 + erf_series(x / std::f64::consts::SQRT_2));
            let x = f64::from(*x);
            let difference = (exact(x + 1e-4) - exact(x - 1e-4)) / 2e-4;
            assert!((f64::from(plain[n]) - exact(x)).abs() < 2e-6, "{name}");
            assert!((f64::from(tracked[n]) - exact(x)).abs() < 2e-6, "{name}");
            assert!((f64::from(slope[n]) - difference).abs() < 1e-5, "{name}, {x}: {} {difference}", slope[n]);
        }
    }
}
