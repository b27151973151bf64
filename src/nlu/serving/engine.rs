//! One thread owns the model, behind a bounded queue, and computes waiting messages in batches.
//!
//! Nothing is computed on the caller's thread; a batch that fails never ends the thread.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use crate::model::loaded::{Model, ModelInfo};
use crate::model::scores::Scores;
use crate::packed::Arithmetic;
use crate::serving::device::ComputeDevice;
use crate::{Classifier, ModelLocation, NluError, Prediction};

/// Messages that may wait. Even at 10 ms a message the last one waits about 2.5 s, as long as a customer's phone shows
/// "typing" without worry.
const QUEUE: usize = 256;

/// Messages taken from the queue together. Beyond this a CPU gains nothing and the first one waits for the last.
const MICRO_BATCH: usize = 16;

/// Tokens computed together, a longer text alone: enough to occupy all cores, in little memory.
const MICRO_BATCH_TOKENS: usize = 1024;

/// The same with padding on a graphics card, which is idle with less.
const CARD_BATCH_TOKENS: usize = 1 << 15;

/// Where a result goes: a closure, because a thread and a task wait differently.
type Reply = Box<dyn FnOnce(Result<Vec<Prediction>, NluError>) + Send>;

struct Job {
    texts: Vec<String>,
    reply: Reply,
}

/// Handle to a loaded model. Cheap to clone; the model is freed when the last handle is dropped.
#[derive(Clone)]
pub struct Engine {
    queue: SyncSender<Job>,
    info: Arc<ModelInfo>,
    device: Arc<str>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("location", &self.info.location).finish_non_exhaustive()
    }
}

impl Engine {
    /// Loads a model and computes one short text, so that the first customer does not pay for first use.
    ///
    /// # Errors
    /// A file of the model is missing, damaged or contradicts another.
    pub fn load(location: impl Into<ModelLocation>) -> Result<Self, NluError> {
        Self::load_with(location, Arithmetic::default())
    }

    /// Like [`Engine::load`], with a choice of how the products are computed.
    ///
    /// # Errors
    /// A file of the model is missing, damaged or contradicts another.
    pub fn load_with(location: impl Into<ModelLocation>, arithmetic: Arithmetic) -> Result<Self, NluError> {
        Self::start(Model::serve(location, arithmetic)?, "cpu")
    }

    /// Like [`Engine::load`], on a device that [`device_for`](crate::device_for) found: a card computes with burn.
    ///
    /// # Errors
    /// A file of the model is missing, damaged or contradicts another.
    pub fn load_on(location: impl Into<ModelLocation>, device: &ComputeDevice) -> Result<Self, NluError> {
        match &device.card {
            None => Self::load(location),
            Some(card) => Self::start(Model::load_on(location, card, true)?, &device.name),
        }
    }

    fn start(model: Model, device: &str) -> Result<Self, NluError> {
        check_finite(&model, &model.scores(&[model.tokenizer.encode("warm up")?])?)?;
        let info = Arc::new(model.info.clone());
        let (queue, jobs) = sync_channel(QUEUE);
        std::thread::Builder::new()
            .name("nlu".to_owned())
            .spawn(move || serve(&model, &jobs))
            .map_err(|error| NluError::Internal(format!("its thread cannot start: {error}")))?;
        Ok(Self { queue, info, device: device.into() })
    }

    /// What computes: `cpu`, or a card by its kind and name.
    pub fn device(&self) -> &str {
        &self.device
    }

    /// What was loaded.
    pub fn info(&self) -> &ModelInfo {
        &self.info
    }

    /// Classifies one text, waiting for a place in the queue. Must not be called on an async runtime's thread; there,
    /// use [`Classifier::classify`].
    ///
    /// # Errors
    /// The model has stopped or failed.
    pub fn classify_blocking(&self, text: &str) -> Result<Prediction, NluError> {
        let mut predictions = self.classify_batch_blocking(&[text.to_owned()])?;
        predictions.pop().ok_or(NluError::Stopped)
    }

    /// Classifies many texts, in their order; like [`Engine::classify_blocking`].
    ///
    /// # Errors
    /// The model has stopped or failed.
    pub fn classify_batch_blocking(&self, texts: &[String]) -> Result<Vec<Prediction>, NluError> {
        let (sender, receiver) = sync_channel(1);
        // A receiver that is gone means nobody wants the answer any more.
        let reply = Box::new(move |result| drop(sender.send(result)));
        self.queue.send(Job { texts: texts.to_vec(), reply }).map_err(|_| NluError::Stopped)?;
        receiver.recv().map_err(|_| NluError::Stopped)?
    }
}

#[async_trait::async_trait]
impl Classifier for Engine {
    /// Refuses with [`NluError::Overloaded`] at once when the queue is full.
    async fn classify(&self, text: &str) -> Result<Prediction, NluError> {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let reply = Box::new(move |result| drop(sender.send(result)));
        self.queue.try_send(Job { texts: vec![text.to_owned()], reply }).map_err(|error| match error {
            TrySendError::Full(_) => NluError::Overloaded { waiting: QUEUE },
            TrySendError::Disconnected(_) => NluError::Stopped,
        })?;
        let mut predictions = receiver.await.map_err(|_| NluError::Stopped)??;
        predictions.pop().ok_or(NluError::Stopped)
    }
}

/// The thread's loop: takes one job and whatever else waits already, up to a micro-batch.
fn serve(model: &Model, jobs: &Receiver<Job>) {
    while let Ok(first) = jobs.recv() {
        let mut rows = first.texts.len();
        let mut taken = vec![first];
        while rows < MICRO_BATCH {
            let Ok(job) = jobs.try_recv() else { break };
            rows += job.texts.len();
            taken.push(job);
        }
        answer(model, taken);
    }
}

fn answer(model: &Model, jobs: Vec<Job>) {
    let texts: Vec<&str> = jobs.iter().flat_map(|job| job.texts.iter().map(String::as_str)).collect();
    let mut results = match compute(model, &texts) {
        Ok(predictions) => predictions.into_iter(),
        Err(error) => {
            let message = error.to_string();
            for job in jobs {
                (job.reply)(Err(NluError::Internal(message.clone())));
            }
            return;
        }
    };
    for job in jobs {
        let share = results.by_ref().take(job.texts.len()).collect();
        (job.reply)(Ok(share));
    }
}

/// Refuses logits that are no numbers: damaged weights must not become a confidence that is stored.
fn check_finite(model: &Model, scores: &[Scores]) -> Result<(), NluError> {
    if scores.iter().flatten().flatten().all(|logit| logit.is_finite()) {
        return Ok(());
    }
    let reason = "the weights give logits that are no finite numbers";
    Err(NluError::format(
        model.info.location.name(),
        reason,
        "the weights are damaged; take the folder from its source again",
    ))
}

/// Predictions in the order of the texts, computed in groups of at most [`MICRO_BATCH_TOKENS`].
fn compute(model: &Model, texts: &[&str]) -> Result<Vec<Prediction>, NluError> {
    let work = || {
        let rows = texts.iter().map(|text| model.tokenizer.encode(text)).collect::<Result<Vec<_>, _>>()?;
        if model.is_on_card() {
            return compute_on_card(model, &rows);
        }
        let mut predictions = Vec::with_capacity(rows.len());
        let mut rest = rows.as_slice();
        while !rest.is_empty() {
            let mut tokens = 0;
            let fits = rest.iter().take_while(|row| {
                tokens += row.len();
                tokens <= MICRO_BATCH_TOKENS
            });
            let (group, later) = rest.split_at(fits.count().max(1));
            let scores = model.scores(group)?;
            check_finite(model, &scores)?;
            predictions.extend(scores.iter().map(|scores| model.predict(scores)));
            rest = later;
        }
        Ok(predictions)
    };
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let message = panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
            .unwrap_or_else(|| "unknown cause".to_owned());
        Err(NluError::Internal(message))
    })
}

/// Predictions in the order of the rows, computed in groups of similar length and at most [`CARD_BATCH_TOKENS`].
fn compute_on_card(model: &Model, rows: &[Vec<u32>]) -> Result<Vec<Prediction>, NluError> {
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by_key(|row| rows[*row].len());
    let mut predictions = vec![Prediction::default(); rows.len()];
    let mut rest = order.as_slice();
    while !rest.is_empty() {
        let fits = rest.iter().enumerate().take_while(|(at, row)| (at + 1) * rows[**row].len() <= CARD_BATCH_TOKENS);
        let (group, later) = rest.split_at(fits.count().max(1));
        let ids: Vec<&[u32]> = group.iter().map(|row| rows[*row].as_slice()).collect();
        let scores = model.scores(&ids)?;
        check_finite(model, &scores)?;
        for (row, scores) in group.iter().zip(&scores) {
            predictions[*row] = model.predict(scores);
        }
        rest = later;
    }
    Ok(predictions)
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    #[test]
    fn a_card_answers_in_the_order_of_the_texts() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/tiny-model");
        let texts = ["my order is late and I want my money back please", "hi", "", "where is my order", "thank you"];
        let [card, cpu] = [Model::load_on(&folder, &Device::flex(), true), Model::load(&folder)]
            .map(|model| compute(&model.expect("loaded"), &texts).expect("computed"));
        assert_eq!(card.len(), texts.len());
        for (one, other) in card.iter().zip(&cpu) {
            assert_eq!(one.intent, other.intent);
            assert!((one.intent_confidence - other.intent_confidence).abs() < 1e-4);
        }
        let confidences: std::collections::BTreeSet<u32> =
            card.iter().map(|one| one.intent_confidence.to_bits()).collect();
        assert!(confidences.len() > 3, "the texts tell the order: {confidences:?}");
    }
}
