//! [`AdamW`](crate::training::optimizer::AdamW) as tensor operations, for a graphics card: weights, gradients and moments never
//! leave it, and whether a step is taken is decided there as well.
//!
//! The mathematics are those of `optimizer`. The norm is summed in `f32`, so that one above 1e19 counts as not finite.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Bool, Device, Gradients, Tensor, TensorData};

use crate::NluError;
use crate::model::distilbert::Network;
use crate::model::read_back::read_all;
use crate::model::weights::Weights;
use crate::training::optimizer::{AdamW, Moments, Path, Settings, is_decayed};

/// Gradients by parameter name. Vectors are matrices of one row.
pub(super) type CardGradients = BTreeMap<String, Tensor<2>>;

/// The state of the optimizer on a card.
pub(super) struct CardAdamW {
    settings: Settings,
    /// First and second moment of each parameter that had a gradient.
    moments: BTreeMap<String, [Tensor<2>; 2]>,
    /// Moments of a checkpoint whose parameters have not had a gradient since.
    saved: BTreeMap<String, Moments>,
    /// `beta1` and `beta2` to the power of the steps taken.
    powers: [Tensor<1>; 2],
}

impl CardAdamW {
    /// Takes over the state of the host's optimizer. `device` is one without automatic differentiation.
    pub(super) fn new(optimizer: &mut AdamW, device: &Device) -> Self {
        let (settings, steps, saved) = optimizer.hand_over();
        let power = |beta: f32| Tensor::from_data(TensorData::new(vec![beta.powi(steps)], [1]), device);
        let powers = [settings.beta1, settings.beta2].map(power);
        Self { settings, moments: BTreeMap::new(), saved, powers }
    }

    /// Takes one step; returns the network and the norm of the gradient before clipping, which is still on the card. Where it
    /// is not finite, the network comes back as it was.
    pub(super) fn step(
        &mut self,
        network: Network,
        gradients: CardGradients,
        rate: impl Fn(&str) -> f64,
        device: &Device,
    ) -> (Network, Tensor<1>) {
        let squares: Vec<Tensor<1>> = gradients.values().map(|values| values.clone().square().sum()).collect();
        let norm = if squares.is_empty() { Tensor::zeros([1], device) } else { Tensor::cat(squares, 0).sum().sqrt() };
        // A comparison is false for what is no number, and no driver may assume otherwise: `x != x` it may.
        let is_finite = norm.clone().lower_elem(f32::MAX);
        let taken = is_finite.clone().float();
        let clip = ((norm.clone() + 1e-6).recip() * self.settings.clip).clamp_max(1.0);
        let Settings { beta1, beta2, epsilon, weight_decay, .. } = self.settings;
        let [power1, power2] = &mut self.powers;
        for (power, beta) in [(&mut *power1, beta1), (&mut *power2, beta2)] {
            *power = power.clone() * (-(taken.clone() * (1.0 - beta)) + 1.0);
        }
        // Before the first step that is taken the powers are 1, and the moments 0.
        let correct = |power: &Tensor<1>| scalar((-power.clone() + 1.0).clamp_min(1e-7).recip());
        let share = |beta: f32| scalar(taken.clone() * (1.0 - beta));
        let step = Step {
            clip: scalar(clip),
            skipped: is_finite.bool_not().reshape([1, 1]),
            taken: scalar(taken.clone()),
            shares: [share(beta1), share(beta2)],
            corrections: [correct(power1), correct(power2)],
            epsilon,
            weight_decay,
        };
        let path = Path::of(&network);
        (network.map(&mut Update { optimizer: self, gradients, step, rate, path }), norm)
    }

    /// Reads the moments back and puts them into a checkpoint.
    ///
    /// # Errors
    /// The device failed.
    pub(super) fn save(&self, weights: &mut Weights) -> Result<(), NluError> {
        let both: Vec<Tensor<2>> = self.moments.values().flatten().cloned().collect();
        let mut values = read_all(both)?.into_iter();
        for name in self.moments.keys() {
            if let (Some(first), Some(second)) = (values.next(), values.next()) {
                Moments { first, second }.save(name, weights);
            }
        }
        for (name, moments) in &self.saved {
            moments.save(name, weights);
        }
        Ok(())
    }

    /// The moments of one parameter.
    fn take_moments(&mut self, name: &str, like: &Tensor<2>) -> [Tensor<2>; 2] {
        if let Some(moments) = self.moments.remove(name) {
            return moments;
        }
        let zeros = || Tensor::zeros(like.dims(), &like.device());
        let Some(Moments { first, second }) = self.saved.remove(name) else { return [zeros(), zeros()] };
        [first, second].map(|values| Tensor::from_data(TensorData::new(values, like.dims()), &like.device()))
    }
}

fn scalar(value: Tensor<1>) -> Tensor<2> {
    value.reshape([1, 1])
}

/// A tensor as a matrix; one of one axis is its only row.
fn matrix<const D: usize>(tensor: Tensor<D>) -> Tensor<2> {
    let shape = tensor.dims();
    let columns = shape[D - 1];
    tensor.reshape([shape[..D - 1].iter().product::<usize>(), columns])
}

/// What all parameters share in one step, as matrices of one value on the card.
struct Step {
    /// Factor on the gradient that clips its norm.
    clip: Tensor<2>,
    /// True where no step is taken.
    skipped: Tensor<2, Bool>,
    /// 1 where a step is taken, else 0.
    taken: Tensor<2>,
    /// `1 - beta` where a step is taken, else 0.
    shares: [Tensor<2>; 2],
    /// `1 / (1 - beta^step)`.
    corrections: [Tensor<2>; 2],
    epsilon: f32,
    weight_decay: f32,
}

impl Step {
    /// One step of one parameter.
    fn update(
        &self,
        decayed: bool,
        rate: f64,
        value: Tensor<2>,
        gradient: Tensor<2>,
        moments: [Tensor<2>; 2],
    ) -> (Tensor<2>, [Tensor<2>; 2]) {
        let skipped = self.skipped.clone().expand(gradient.dims());
        let gradient = (gradient * self.clip.clone()).mask_fill(skipped, 0.0);
        let [first, second] = moments;
        let moment = |before: Tensor<2>, new: Tensor<2>, share: &Tensor<2>| {
            before * (-share.clone() + 1.0) + new * share.clone()
        };
        let first = moment(first, gradient.clone(), &self.shares[0]);
        let second = moment(second, gradient.square(), &self.shares[1]);
        let [correct1, correct2] = &self.corrections;
        let root = (second.clone() * correct2.clone()).sqrt() + self.epsilon;
        let move_by = first.clone() * correct1.clone() / root * (self.taken.clone() * rate);
        let value =
            if decayed { value * (-(self.taken.clone() * (rate * f64::from(self.weight_decay))) + 1.0) } else { value };
        (value - move_by, [first, second])
    }
}

struct Update<'a, F> {
    optimizer: &'a mut CardAdamW,
    gradients: CardGradients,
    step: Step,
    rate: F,
    path: Path,
}

impl<F: Fn(&str) -> f64> ModuleMapper for Update<'_, F> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.leave();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let name = self.path.name();
        let Some(gradient) = self.gradients.remove(&name) else { return param };
        let rate = (self.rate)(&name);
        let (id, tensor, mapper) = param.consume();
        let shape = tensor.dims();
        let value = matrix(tensor.inner());
        let moments = self.optimizer.take_moments(&name, &value);
        let (value, moments) = self.step.update(is_decayed(&name), rate, value, gradient, moments);
        self.optimizer.moments.insert(name, moments);
        Param::from_mapped_value(id, value.reshape(shape).autodiff().require_grad(), mapper)
    }
}

/// Adds the gradients of a network's parameters to those of batches before, on the device.
pub(super) fn collect(network: &Network, gradients: Gradients, total: &mut CardGradients) {
    network.visit(&mut Collect { gradients, total, path: Path::of(network) });
}

struct Collect<'a> {
    gradients: Gradients,
    total: &'a mut CardGradients,
    path: Path,
}

impl ModuleVisitor for Collect<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.leave();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some(gradient) = param.val().grad_remove(&mut self.gradients) else { return };
        let (name, gradient) = (self.path.name(), matrix(gradient));
        let sum = match self.total.remove(&name) {
            Some(before) => before + gradient,
            None => gradient,
        };
        self.total.insert(name, sum);
    }
}
