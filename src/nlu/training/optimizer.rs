//! `AdamW` (Loshchilov and Hutter, 2019) with one learning rate per parameter and the gradient's norm clipped over all
//! parameters. No step is taken on a gradient that is not finite.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Device, Gradients, Tensor};
use rayon::prelude::*;

use crate::NluError;
use crate::model::distilbert::Network;
use crate::model::read_back::{read_on_cpu, read_values};
use crate::model::weights::{StoredTensor, Weights, transpose};

/// Values per parallel task.
const CHUNK: usize = 1 << 15;

/// Settings of [`AdamW`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    pub(crate) beta1: f32,
    pub(crate) beta2: f32,
    pub(crate) epsilon: f32,
    /// Decoupled decay of the linear layers' weights; embeddings, biases and norms are not decayed.
    pub(crate) weight_decay: f32,
    /// Largest norm over all gradients.
    pub(crate) clip: f32,
}

/// First and second moment of one parameter's gradient.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Moments {
    pub(crate) first: Vec<f32>,
    pub(crate) second: Vec<f32>,
}

impl Moments {
    /// Puts those of one parameter into a checkpoint.
    pub(crate) fn save(&self, name: &str, weights: &mut Weights) {
        weights.put(format!("first.{name}"), [self.first.len()], self.first.clone());
        weights.put(format!("second.{name}"), [self.second.len()], self.second.clone());
    }
}

/// Everything that one step of one parameter depends on besides its values, gradient and moments.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Coefficients {
    pub(crate) beta1: f32,
    pub(crate) beta2: f32,
    pub(crate) epsilon: f32,
    /// `1 / (1 - beta1^step)`.
    pub(crate) correct1: f32,
    /// `1 / (1 - beta2^step)`.
    pub(crate) correct2: f32,
    /// Factor on the gradient that clips its norm.
    pub(crate) scale: f32,
    /// Factor on the value before the step.
    pub(crate) decay: f32,
    /// Learning rate.
    pub(crate) rate: f32,
}

impl Coefficients {
    /// One step of one weight.
    pub(crate) fn update_one(&self, value: &mut f32, gradient: f32, first: &mut f32, second: &mut f32) {
        let gradient = gradient * self.scale;
        *first = self.beta1 * *first + (1.0 - self.beta1) * gradient;
        *second = self.beta2 * *second + (1.0 - self.beta2) * gradient * gradient;
        let step = *first * self.correct1 / ((*second * self.correct2).sqrt() + self.epsilon);
        *value = *value * self.decay - self.rate * step;
    }
}

/// The optimizer's state. burn's `AdamW` makes about ten passes over the weights for each step; this one makes one.
#[derive(Debug)]
pub(crate) struct AdamW {
    settings: Settings,
    moments: BTreeMap<String, Moments>,
    step: i32,
}

/// Gradients by parameter name, in burn's layout.
pub(crate) type NamedGradients = BTreeMap<String, Vec<f32>>;

impl AdamW {
    pub(crate) fn new(settings: Settings) -> Self {
        Self { settings, moments: BTreeMap::new(), step: 0 }
    }

    /// Takes one step and returns the network and the norm of the gradient before clipping. Where that is not finite,
    /// the network comes back as it was. `rate` gives a parameter's learning rate.
    pub(crate) fn step(
        &mut self,
        network: Network,
        gradients: NamedGradients,
        rate: impl Fn(&str) -> f64,
        device: &Device,
    ) -> (Network, f64) {
        let norm = norm(&gradients);
        let Some(scale) = self.begin(norm) else { return (network, norm) };
        let path = Path::of(&network);
        let update = Update { optimizer: self, gradients, scale, rate, device, path };
        (network.map(&mut { update }), norm)
    }

    /// Puts the moments into a checkpoint.
    pub(crate) fn save(&self, weights: &mut Weights) {
        for (name, moments) in &self.moments {
            moments.save(name, weights);
        }
    }

    /// Hands the state to another optimizer: the settings, the number of steps, the moments.
    pub(crate) fn hand_over(&mut self) -> (Settings, i32, BTreeMap<String, Moments>) {
        (self.settings, self.step, std::mem::take(&mut self.moments))
    }

    /// Takes the moments out of a checkpoint; `step` is the number of steps taken so far.
    pub(crate) fn restore(&mut self, weights: &mut Weights, step: usize) {
        self.step = i32::try_from(step).unwrap_or(i32::MAX);
        let take = |weights: &mut Weights, prefix: &str| -> BTreeMap<String, Vec<f32>> {
            let names: Vec<String> = weights.tensors.keys().filter(|name| name.starts_with(prefix)).cloned().collect();
            names
                .into_iter()
                .filter_map(|name| {
                    let stored = weights.tensors.remove(&name)?;
                    Some((name[prefix.len()..].to_owned(), stored.values))
                })
                .collect()
        };
        let first = take(weights, "first.");
        let mut second = take(weights, "second.");
        self.moments = first
            .into_iter()
            .filter_map(|(name, first)| {
                let second = second.remove(&name)?;
                Some((name, Moments { first, second }))
            })
            .collect();
    }

    /// Begins a step with a gradient of this norm: the factor that clips it, or `None` where the norm is not finite and no
    /// step may be taken.
    #[expect(clippy::cast_possible_truncation, reason = "a factor needs no more digits than an `f32` has")]
    pub(crate) fn begin(&mut self, norm: f64) -> Option<f32> {
        norm.is_finite().then(|| {
            self.step += 1;
            (f64::from(self.settings.clip) / (norm + 1e-6)).min(1.0) as f32
        })
    }

    /// Coefficients of the current step for one parameter.
    pub(crate) fn coefficients(&self, name: &str, scale: f32, rate: f32) -> Coefficients {
        let Settings { beta1, beta2, epsilon, weight_decay, .. } = self.settings;
        let decay = if is_decayed(name) { 1.0 - rate * weight_decay } else { 1.0 };
        let correct1 = 1.0 / (1.0 - beta1.powi(self.step));
        let correct2 = 1.0 / (1.0 - beta2.powi(self.step));
        Coefficients { beta1, beta2, epsilon, correct1, correct2, scale, decay, rate }
    }

    /// The moments of one parameter of `length` weights.
    pub(crate) fn moments(&mut self, name: &str, length: usize) -> &mut Moments {
        self.moments
            .entry(name.to_owned())
            .or_insert_with(|| Moments { first: vec![0.0; length], second: vec![0.0; length] })
    }

    fn update(&mut self, name: &str, values: &mut [f32], gradient: &[f32], scale: f32, rate: f32) {
        let coefficients = self.coefficients(name, scale, rate);
        let moments = self.moments(name, values.len());
        values
            .par_chunks_mut(CHUNK)
            .zip(gradient.par_chunks(CHUNK))
            .zip(moments.first.par_chunks_mut(CHUNK).zip(moments.second.par_chunks_mut(CHUNK)))
            .for_each(|((values, gradient), (first, second))| {
                for (((value, gradient), first), second) in values.iter_mut().zip(gradient).zip(first).zip(second) {
                    coefficients.update_one(value, *gradient, first, second);
                }
            });
    }
}

pub(crate) fn is_decayed(name: &str) -> bool {
    name.ends_with(".weight") && !name.contains("embeddings") && !name.contains("norm")
}

/// Euclidean norm over all gradients; partial sums are added in a fixed order, so that it is the same every time.
fn norm(gradients: &NamedGradients) -> f64 {
    let square = |values: &[f32]| values.iter().map(|value| f64::from(*value) * f64::from(*value)).sum::<f64>();
    let sums = gradients.values().flat_map(|values| {
        let chunks: Vec<f64> = values.par_chunks(CHUNK).map(square).collect();
        chunks
    });
    sums.sum::<f64>().sqrt()
}

/// Adds gradients of another slice of a batch.
pub(crate) fn accumulate(total: &mut NamedGradients, more: NamedGradients) {
    for (name, values) in more {
        match total.get_mut(&name) {
            None => {
                total.insert(name, values);
            }
            Some(sum) => sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += value),
        }
    }
}

/// Takes the gradients of a network's parameters out of burn's container.
pub(crate) fn named_gradients(network: &Network, gradients: Gradients) -> NamedGradients {
    let mut visitor = TakeGradients { gradients, named: BTreeMap::new(), path: Path::of(network) };
    network.visit(&mut visitor);
    visitor.named
}

/// The network's weights under their names and in the layout of the Hugging Face format.
///
/// # Errors
/// They cannot be read back from the device.
pub(crate) fn export(network: &Network, path: impl Into<std::path::PathBuf>) -> Result<Weights, NluError> {
    let mut visitor = Export { weights: Weights::empty(path), path: Path::of(network), failure: None };
    network.visit(&mut visitor);
    visitor.failure.map_or(Ok(visitor.weights), Err)
}

/// The fields on the path to a parameter, and the names of the heads.
#[derive(Debug)]
pub(crate) struct Path {
    fields: Vec<String>,
    heads: Vec<String>,
}

impl Path {
    pub(crate) fn of(network: &Network) -> Self {
        Self { fields: Vec::new(), heads: network.head_names().to_vec() }
    }

    pub(crate) fn enter(&mut self, field: &str) {
        self.fields.push(field.to_owned());
    }

    pub(crate) fn leave(&mut self) {
        self.fields.pop();
    }

    /// The parameter's name in the Hugging Face layout.
    pub(crate) fn name(&self) -> String {
        if let [field, number, rest] = self.fields.as_slice()
            && field == "heads"
            && let Some(head) = number.parse().ok().and_then(|number: usize| self.heads.get(number))
        {
            return format!("{head}_classifier.{rest}");
        }
        let name = self.fields.join(".");
        let name = name.replace("embeddings.layer_norm", "embeddings.LayerNorm");
        match (name.strip_suffix(".gamma"), name.strip_suffix(".beta")) {
            (Some(norm), _) => format!("{norm}.weight"),
            (_, Some(norm)) => format!("{norm}.bias"),
            _ => name,
        }
    }
}

struct TakeGradients {
    gradients: Gradients,
    named: NamedGradients,
    path: Path,
}

impl ModuleVisitor for TakeGradients {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.leave();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = param.val().grad_remove(&mut self.gradients)
            && let Ok(values) = read_values(gradient)
        {
            self.named.insert(self.path.name(), values);
        }
    }
}

struct Export {
    weights: Weights,
    path: Path,
    failure: Option<NluError>,
}

impl ModuleVisitor for Export {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.leave();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let tensor = param.val();
        let mut shape = tensor.dims().to_vec();
        let mut values = match read_values(tensor.inner()) {
            Ok(values) => values,
            Err(error) => return self.failure = Some(error),
        };
        let name = self.path.name();
        if let [inputs, outputs] = shape[..]
            && !name.contains("embeddings")
        {
            values = transpose(&values, inputs, outputs);
            shape = vec![outputs, inputs];
        }
        self.weights.tensors.insert(name, StoredTensor { shape, values });
    }
}

struct Update<'a, F> {
    optimizer: &'a mut AdamW,
    gradients: NamedGradients,
    scale: f32,
    rate: F,
    device: &'a Device,
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
        #[expect(clippy::cast_possible_truncation, reason = "a learning rate needs no more digits than an `f32` has")]
        let rate = (self.rate)(&name) as f32;
        let (id, tensor, mapper) = param.consume();
        // Nothing else holds the weights now, so the bytes move out and back without a copy.
        let mut data = read_on_cpu(tensor.inner());
        if let Ok(values) = data.as_mut_slice::<f32>() {
            self.optimizer.update(&name, values, &gradient, self.scale, rate);
        }
        let tensor = Tensor::from_data(data, self.device).require_grad();
        Param::from_mapped_value(id, tensor, mapper)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two steps of `torch.optim.AdamW(lr=0.1, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01)` on 1.0 with
    /// gradients 0.5 and -0.25, by hand.
    #[test]
    fn steps_are_those_of_the_paper() {
        let settings = Settings { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.01, clip: 1.0 };
        let mut optimizer = AdamW::new(settings);
        let mut value = [1.0_f32];
        let (mut first, mut second, mut exact) = (0.0_f64, 0.0_f64, 1.0_f64);
        for (power, gradient) in [(1, 0.5_f32), (2, -0.25)] {
            optimizer.step += 1;
            optimizer.update("ffn.lin1.weight", &mut value, &[gradient], 1.0, 0.1);
            let gradient = f64::from(gradient);
            first = 0.9 * first + 0.1 * gradient;
            second = 0.999 * second + 0.001 * gradient * gradient;
            let (m, v) = (first / (1.0 - 0.9_f64.powi(power)), second / (1.0 - 0.999_f64.powi(power)));
            exact = exact * (1.0 - 0.1 * 0.01) - 0.1 * m / (v.sqrt() + 1e-8);
            assert!((f64::from(value[0]) - exact).abs() < 1e-5, "{} {exact}", value[0]);
        }
    }

    #[test]
    fn only_linear_weights_are_decayed() {
        for (name, decayed) in [
            ("distilbert.transformer.layer.0.ffn.lin1.weight", true),
            ("intent_classifier.weight", true),
            ("distilbert.transformer.layer.0.ffn.lin1.bias", false),
            ("distilbert.transformer.layer.0.sa_layer_norm.weight", false),
            ("distilbert.embeddings.LayerNorm.weight", false),
            ("distilbert.embeddings.word_embeddings.weight", false),
        ] {
            assert_eq!(is_decayed(name), decayed, "{name}");
        }
    }

    #[test]
    fn gradients_of_two_parts_add_up() {
        let mut total = BTreeMap::from([("a".to_owned(), vec![1.0, 2.0])]);
        accumulate(&mut total, BTreeMap::from([("a".to_owned(), vec![3.0, 4.0]), ("b".to_owned(), vec![5.0])]));
        assert_eq!(total, BTreeMap::from([("a".to_owned(), vec![4.0, 6.0]), ("b".to_owned(), vec![5.0])]));
        assert!((norm(&total) - (16.0_f64 + 36.0 + 25.0).sqrt()).abs() < 1e-9);
    }
}
