//! Whether a device computes what the processor computes. A driver that is wrong says nothing: before a card is used, the two are
//! compared.

use std::panic::{AssertUnwindSafe, catch_unwind};

use burn::tensor::Device;
use serde::Serialize;

use crate::NluError;
use crate::data::batching::Row;
use crate::model::config::ModelConfig;
use crate::model::labels::Labels;
use crate::model::loaded::Model;
use crate::model::location::ModelLocation;
use crate::model::read_back::panicked;
use crate::model::scores::Scores;
use crate::model::weights::Weights;
use crate::packed::Objective;
use crate::serving::device::{ComputeDevice, DeviceChoice, find_device};
use crate::training::finish::TEXTS;
use crate::training::learner::Learner;
use crate::training::optimizer::{AdamW, Settings};
use crate::training::settings::Computation;

/// How far a logit of a card may be from that of the processor.
const TOLERANCE: f32 = 1e-3;
/// How far the norm of a gradient may be from that of the processor, as a share of it.
const GRADIENT_TOLERANCE: f64 = 1e-2;
/// Rows whose logits and gradient are compared before a training.
const ROWS: usize = 8;

/// A device that computed the same as the processor.
#[derive(Debug, Clone, Serialize)]
pub struct DeviceCheck {
    /// What it is called.
    pub device: String,
    /// Texts that were compared.
    pub cases: usize,
    /// Largest absolute difference of a logit.
    pub largest_difference: f32,
    /// Largest difference allowed.
    pub tolerance: f32,
}

/// Finds the device that was asked for and compares a model's logits on it with those of the processor.
///
/// # Errors
/// It was named and is not there, or computes something else; `auto` falls back to the processor instead.
pub fn device_for(location: &ModelLocation, choice: DeviceChoice) -> Result<ComputeDevice, NluError> {
    let device = find_device(choice)?;
    let Some(card) = device.card.clone() else { return Ok(device) };
    let difference = compared(|| model_difference(location, &card));
    judge(device, difference.map(|(_, found)| found))
}

/// Compares a model's logits on a device with those of the processor.
///
/// # Errors
/// There is no such device, or it computes something else.
pub fn check_device(location: &ModelLocation, choice: DeviceChoice) -> Result<DeviceCheck, NluError> {
    let device = ComputeDevice { named: true, ..find_device(choice)? };
    let Some(card) = device.card.clone() else {
        return Err(NluError::Device {
            reason: format!("there is no card to compare with the processor: {}", device.notice.unwrap_or(device.name)),
            hint: "name a card with --device wgpu or --device cuda".to_owned(),
        });
    };
    let (cases, largest_difference) = compared(|| model_difference(location, &card))?;
    let device = judge(device, Ok(largest_difference))?.name;
    Ok(DeviceCheck { device, cases, largest_difference, tolerance: TOLERANCE })
}

/// The same for the weights that a training begins with. The norm of a gradient is compared as well.
///
/// # Errors
/// As [`device_for`].
pub(crate) fn verified_for_training(
    device: ComputeDevice,
    config: &ModelConfig,
    weights: &Weights,
    labels: &Labels,
    rows: &[Row],
) -> Result<ComputeDevice, NluError> {
    let Some(card) = device.card.clone() else { return Ok(device) };
    let difference = compared(|| training_difference(&card, config, weights, labels, rows));
    judge(device, difference)
}

/// burn reports some failures of a device by a panic.
fn compared<T>(compare: impl FnOnce() -> Result<T, NluError>) -> Result<T, NluError> {
    catch_unwind(AssertUnwindSafe(compare)).unwrap_or_else(|panic| Err(panicked(panic.as_ref())))
}

/// The number of texts, and the largest difference of a logit, each text alone and all in one batch.
fn model_difference(location: &ModelLocation, card: &Device) -> Result<(usize, f32), NluError> {
    let [expected, found] = [Model::load(location)?, Model::load_on(location, card, true)?].map(|model| {
        let rows = TEXTS.iter().map(|text| model.tokenizer.encode(text)).collect::<Result<Vec<_>, _>>()?;
        let mut scores = model.scores(&rows)?;
        for row in &rows {
            scores.extend(model.scores(std::slice::from_ref(row))?);
        }
        Ok::<_, NluError>(scores)
    });
    Ok((TEXTS.len(), distance(&expected?, &found?)))
}

/// The largest difference of a logit on a few rows.
fn training_difference(
    card: &Device,
    config: &ModelConfig,
    weights: &Weights,
    labels: &Labels,
    rows: &[Row],
) -> Result<f32, NluError> {
    let mut config = config.clone();
    (config.dropout, config.attention_dropout, config.classifier_dropout) = (0.0, 0.0, 0.0);
    let texts: Vec<&[u32]> = rows.iter().take(ROWS).map(|row| row.ids.as_slice()).collect();
    if texts.is_empty() {
        return Ok(f32::INFINITY);
    }
    let sizes = labels.sizes();
    #[expect(clippy::cast_precision_loss, reason = "a few rows and labels")]
    let of_head = |(_, labels): &(String, usize)| {
        let each = 1.0 / (texts.len() * labels).max(1) as f32;
        // The first label is likelier than the others, so that no gradient is zero.
        let target = |place: usize| if place.is_multiple_of(*labels) { 2.0 * each } else { each };
        Some((0..texts.len() * labels).map(target).collect())
    };
    let objective =
        Objective { targets: sizes.iter().map(of_head).collect(), weights: vec![1.0; sizes.len()], batch_weight: 1.0 };
    let words = weights.rows("distilbert.embeddings.word_embeddings.weight").unwrap_or(config.vocab_size);
    let computed = |device: Option<Device>| {
        let mut learner = Learner::new((Computation::Own, device), &config, words, &sizes, &mut weights.clone())?;
        let scores = learner.scores(&texts)?;
        learner.accumulate_gradients(&texts, &objective, 0, 0)?;
        let settings = Settings { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0, clip: 1.0 };
        let norm = match learner.update(&mut AdamW::new(settings), |_| 0.0) {
            Some(norm) => norm,
            None => learner.figures(true)?.first().map_or(f64::NAN, |figures| figures.gradient_norm),
        };
        Ok::<_, NluError>((scores, norm))
    };
    let ((expected, norm), (found, on_card)) = (computed(None)?, computed(Some(card.clone()))?);
    gradients_agree(norm, on_card)?;
    Ok(distance(&expected, &found))
}

fn gradients_agree(norm: f64, on_card: f64) -> Result<(), NluError> {
    // Where even the processor has no number, the logits have told already.
    let agree = (norm - on_card).abs() <= GRADIENT_TOLERANCE * norm + 1e-6 || !norm.is_finite();
    agree.then_some(()).ok_or_else(|| NluError::Device {
        reason: format!("the norm of a gradient is {on_card:.4e} on it and {norm:.4e} on the processor"),
        hint: "install another driver for the card, or use --device cpu".to_owned(),
    })
}

/// Largest absolute difference of a logit; infinite where the counts differ or one is no number.
fn distance(expected: &[Scores], found: &[Scores]) -> f32 {
    let logits = |scores: &[Scores]| scores.iter().flatten().flatten().copied().collect::<Vec<f32>>();
    let (expected, found) = (logits(expected), logits(found));
    if expected.len() != found.len() {
        return f32::INFINITY;
    }
    let differences = expected.iter().zip(&found).map(|(a, b)| (a - b).abs());
    differences.fold(0.0, |a, b| if b.is_nan() { f32::INFINITY } else { a.max(b) })
}

/// The device if it is right; else an error where it was named, and the processor where it was not.
fn judge(device: ComputeDevice, difference: Result<f32, NluError>) -> Result<ComputeDevice, NluError> {
    let reason = match difference {
        Ok(difference) if difference <= TOLERANCE => return Ok(device),
        Ok(difference) => format!(
            "computes wrongly: a logit differs from the processor's by {difference:.1e}, allowed {TOLERANCE:.0e}"
        ),
        // What is wrong with the model or the data, and not with the device, is told as it is.
        Err(error) if !matches!(error, NluError::Device { .. }) => return Err(error),
        Err(error) => format!("cannot be used: {error}"),
    };
    let name = match device.driver() {
        Some(driver) => format!("{} (driver {driver})", device.name),
        None => device.name.clone(),
    };
    if device.named {
        return Err(NluError::Device {
            reason: format!("--device {name} {reason}"),
            hint: "install another driver for the card, or use --device cpu".to_owned(),
        });
    }
    Ok(ComputeDevice::cpu_because(&format!("{name} {reason}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn card(named: bool) -> ComputeDevice {
        ComputeDevice { card: Some(Device::flex()), named, name: "wgpu: A Card".to_owned(), notice: None }
    }

    fn tiny() -> ModelLocation {
        (&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/tiny-model")).into()
    }

    #[test]
    fn a_device_that_computes_wrongly_is_refused_or_left_for_the_processor() {
        for wrong in [0.1, f32::INFINITY] {
            let error = judge(card(true), Ok(wrong)).unwrap_err();
            assert!(error.to_string().starts_with("--device wgpu: A Card"), "{error}");
            assert!(error.to_string().contains("computes wrongly") && !error.is_internal(), "{error}");
            assert!(error.hint().unwrap().contains("--device cpu"));
            let other = judge(card(false), Ok(wrong)).unwrap();
            assert!(other.card.is_none());
            assert!(other.notice.unwrap().starts_with("computing on the processor (wgpu: A Card computes wrongly"));
        }
        assert!(judge(card(true), Ok(TOLERANCE)).unwrap().card.is_some());
        let failed = || panicked(&"wgpu error: lost\n  the device");
        assert!(judge(card(true), Err(failed())).unwrap_err().to_string().contains("wgpu error: lost the device"));
        assert!(judge(card(false), Err(failed())).unwrap().card.is_none());
        let missing = NluError::Missing { path: "model.safetensors".into() };
        assert!(matches!(judge(card(false), Err(missing)), Err(NluError::Missing { .. })));
    }

    #[test]
    fn a_panic_of_the_device_is_an_error() {
        let error = compared::<()>(|| panic!("no memory left")).unwrap_err();
        assert!(matches!(&error, NluError::Device { reason, .. } if reason.contains("no memory left")), "{error}");
    }

    #[test]
    fn a_wrong_gradient_is_told_as_one() {
        assert!(gradients_agree(2.0, 2.01).is_ok());
        for wrong in [2.5, 0.0, f64::NAN, f64::INFINITY] {
            let error = judge(card(true), gradients_agree(2.0, wrong).map(|()| 0.0)).unwrap_err();
            assert!(error.to_string().contains("the norm of a gradient is"), "{error}");
        }
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "infinity is exact")]
    fn differences_are_seen_wherever_they_are() {
        let scores = |logit: f32| vec![vec![vec![1.0, 2.0], vec![logit]], vec![vec![0.0, 0.0], vec![0.5]]];
        assert!((distance(&scores(3.0), &scores(3.5)) - 0.5).abs() < 1e-6);
        assert_eq!(distance(&scores(3.0), &scores(f32::NAN)), f32::INFINITY);
        assert_eq!(distance(&scores(3.0), &scores(3.0)[..1]), f32::INFINITY);
    }

    #[test]
    fn the_computation_of_a_card_is_that_of_the_processor() {
        let (cases, difference) = model_difference(&tiny(), &Device::flex()).unwrap();
        assert!(cases == TEXTS.len() && difference > 0.0 && difference < 1e-4, "{difference}");
    }

    #[test]
    fn a_training_compares_logits_and_gradient() {
        let location = tiny();
        let model = Model::load(&location).unwrap();
        let row = |text: &&str| Row { ids: model.tokenizer.encode(text).unwrap(), augmented: vec![], labels: vec![] };
        let rows: Vec<Row> = TEXTS.iter().map(row).collect();
        let mut weights = Weights::of(&location).unwrap();
        let compare =
            |weights: &Weights| verified_for_training(card(true), &model.config, weights, &model.labels, &rows);
        assert!(compare(&weights).unwrap().card.is_some());
        // Weights that are no numbers give logits that are none: nothing can be compared, so the device is not used.
        let bias = weights.tensors.get_mut("distilbert.embeddings.LayerNorm.bias").unwrap();
        bias.values[0] = f32::NAN;
        assert!(compare(&weights).unwrap_err().to_string().contains("computes wrongly"));
    }
}
