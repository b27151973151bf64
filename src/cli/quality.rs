//! Facts about the model for reports and pages. A folder that cannot be read is only a warning.

use std::sync::{Arc, Mutex, PoisonError};

use super::{Global, app};
use crate::config::Config;
use crate::insights::{ModelFacts, ModelSource, TrainingFacts, TrainingScore};
use crate::nlu::{Fingerprint, ModelLocation, ModelSummary, NluError, TrainingScores};

/// Facts about the model that the flag or the settings name; `None`, and a warning, where it cannot be read.
pub(super) fn facts(global: &Global, config: &Config) -> Option<Arc<ModelFacts>> {
    (source(global, config).facts)()
}

/// The facts for a server: the folder is read again when its files have changed.
pub(super) fn source(global: &Global, config: &Config) -> ModelSource {
    let location = match app::configured_model(global, config) {
        Ok(location) => Some(location),
        Err(error) => {
            tracing::warn!("the model cannot be read: {error}");
            None
        }
    };
    let cached: Mutex<Option<(Fingerprint, Option<Arc<ModelFacts>>)>> = Mutex::default();
    let facts = move || {
        let location = location.as_ref()?;
        let current = Fingerprint::of(location);
        let mut cached = cached.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((before, facts)) = cached.as_ref()
            && *before == current
        {
            return facts.clone();
        }
        let facts = match read(location) {
            Ok(facts) => Some(Arc::new(facts)),
            Err(error) => {
                tracing::warn!(folder = %location, %error, "the model cannot be read");
                None
            }
        };
        *cached = Some((current, facts.clone()));
        facts
    };
    ModelSource { clarify_below: config.triage.clarify_below, facts: Arc::new(facts) }
}

fn read(location: &ModelLocation) -> Result<ModelFacts, NluError> {
    let summary = ModelSummary::read(location)?;
    let score = |task: String, scores: &TrainingScores| TrainingScore {
        task,
        rows: scores.rows,
        accuracy: scores.accuracy,
        f1_macro: scores.f1_macro,
        calibration_error: scores.calibration_error,
    };
    Ok(ModelFacts {
        folder: location.to_string(),
        sha256: summary.sha256,
        network: summary.network,
        intents: summary.intents,
        sentiments: summary.sentiments,
        other_heads: summary.other_heads,
        training: summary.training.map(|training| TrainingFacts {
            scores: [("Intent", training.intent_scores), ("Sentiment", training.sentiment_scores)]
                .into_iter()
                .filter_map(|(head, scores)| Some((head.to_owned(), scores?)))
                .chain(training.other_scores)
                .map(|(head, scores)| score(head, &scores))
                .collect(),
            rows: training.rows,
            intents: training.intents,
        }),
    })
}
