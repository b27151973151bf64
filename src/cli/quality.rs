//! Decides which model folder the team is told of, and when it is read anew.
//!
//! It must never keep a page or a report from being shown because the folder cannot be read.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Global, app};
use crate::config::Config;
use crate::insights::{ModelFacts, ModelSource, TrainingFacts, TrainingScore};
use crate::nlu::{self, Fingerprint, NluError, TrainingScores};

/// What is known of the model that the flag or the settings name; `None`, and a warning, where it cannot be read.
pub(super) fn facts(global: &Global, config: &Config) -> Option<Arc<ModelFacts>> {
    (source(global, config).facts)()
}

/// The same again and again: the folder is read when its files are others than before.
pub(super) fn source(global: &Global, config: &Config) -> ModelSource {
    let folder = match app::configured_model(global, config) {
        Ok(folder) => Some(folder),
        Err(error) => {
            tracing::warn!("nothing can be told of the model: {error:#}");
            None
        }
    };
    let known: Mutex<Option<(Fingerprint, Option<Arc<ModelFacts>>)>> = Mutex::default();
    let facts = move || {
        let folder = folder.as_deref()?;
        let seen = Fingerprint::of(folder);
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((before, facts)) = known.as_ref()
            && *before == seen
        {
            return facts.clone();
        }
        let facts = match read(folder) {
            Ok(facts) => Some(Arc::new(facts)),
            Err(error) => {
                tracing::warn!(folder = %folder.display(), %error, "nothing can be told of the model");
                None
            }
        };
        *known = Some((seen, facts.clone()));
        facts
    };
    ModelSource { clarify_below: config.triage.clarify_below, facts: Arc::new(facts) }
}

fn read(folder: &Path) -> Result<ModelFacts, NluError> {
    let facts = nlu::facts(folder)?;
    let score = |task: &'static str, scores: &Option<TrainingScores>| {
        scores.as_ref().map(|scores| TrainingScore {
            task,
            rows: scores.rows,
            accuracy: scores.accuracy,
            f1_macro: scores.f1_macro,
            calibration_error: scores.calibration_error,
        })
    };
    Ok(ModelFacts {
        folder: folder.display().to_string(),
        sha256: facts.sha256,
        network: facts.network,
        intents: facts.intents,
        sentiments: facts.sentiments,
        training: facts.training.map(|training| TrainingFacts {
            scores: score("Intent", &training.intent_scores)
                .into_iter()
                .chain(score("Sentiment", &training.sentiment_scores))
                .collect(),
            rows: training.rows,
            intents: training.intents,
        }),
    })
}
