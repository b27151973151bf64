//! Decides which labels a model knows and in which order its classifiers number them.
//!
//! It must never renumber labels: the order is part of the weights.

use std::path::Path;

use serde_json::{Map, Value};

use super::NluError;

/// The intents of this project, in the order a fresh classifier numbers them.
pub const INTENTS: [&str; 9] = [
    "manage_order",
    "other",
    "provide_feedback_on_service",
    "report_delivery_delay",
    "report_order_content_issue",
    "report_payment_issue",
    "request_human_agent",
    "request_refund",
    "track_order",
];

/// The sentiments of this project, in the order a fresh classifier numbers them.
pub const SENTIMENTS: [&str; 3] = ["negative", "neutral", "positive"];

/// The labels of both classifiers, in the order of their rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labels {
    /// Intents, never empty.
    pub intents: Vec<String>,
    /// Sentiments; empty where the model was trained on intents only.
    pub sentiments: Vec<String>,
}

const INTENT_KEYS: [&str; 8] = [
    "intent_labels",
    "intent_label_map",
    "intents",
    "intent_id2label",
    "id2intent",
    "intent_label2id",
    "intent2id",
    "intent_mapping",
];
const SENTIMENT_KEYS: [&str; 8] = [
    "sentiment_labels",
    "sentiment_label_map",
    "sentiments",
    "sentiment_id2label",
    "id2sentiment",
    "sentiment_label2id",
    "sentiment2id",
    "sentiment_mapping",
];

impl Labels {
    /// The label set of this project.
    pub fn of_this_project() -> Self {
        Self { intents: INTENTS.map(str::to_owned).to_vec(), sentiments: SENTIMENTS.map(str::to_owned).to_vec() }
    }

    /// Reads `label_info.json`: lists, or maps from number to label or from label to number, under any of the names
    /// that are common for them.
    ///
    /// # Errors
    /// The file is missing, is not JSON, or holds no usable list of intents; the message says which keys were found.
    pub fn read(dir: &Path) -> Result<Self, NluError> {
        let path = dir.join("label_info.json");
        let text = std::fs::read_to_string(&path).map_err(|error| NluError::io(&path, error))?;
        Self::parse(&text).map_err(|reason| {
            NluError::format(
                &path,
                reason,
                "expected {\"intent_labels\": [\"…\"], \"sentiment_labels\": [\"…\"]} in the order of the classifiers' rows",
            )
        })
    }

    fn parse(text: &str) -> Result<Self, String> {
        let map: Map<String, Value> =
            serde_json::from_str(text).map_err(|error| format!("is not a JSON object: {error}"))?;
        let found = || map.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        let pick = |keys: &[&'static str]| keys.iter().find_map(|key| map.get(*key).map(|value| (*key, value)));
        let Some((key, value)) = pick(&INTENT_KEYS) else {
            return Err(format!("holds no intent labels, only the keys: {}", found()));
        };
        let intents = ordered(value).map_err(|reason| format!("{key}: {reason}"))?;
        if intents.is_empty() {
            return Err(format!("{key} is empty"));
        }
        let sentiments = match pick(&SENTIMENT_KEYS) {
            None => Vec::new(),
            Some((key, value)) => ordered(value).map_err(|reason| format!("{key}: {reason}"))?,
        };
        Ok(Self { intents, sentiments })
    }

    /// The text of `label_info.json`.
    pub fn to_json(&self) -> Value {
        serde_json::json!({
            "intent_labels": self.intents,
            "sentiment_labels": self.sentiments,
            "num_intents": self.intents.len(),
            "num_sentiments": self.sentiments.len(),
        })
    }
}

/// Labels in the order of their numbers.
fn ordered(value: &Value) -> Result<Vec<String>, String> {
    let labels = match value {
        Value::Array(items) => items
            .iter()
            .map(|item| item.as_str().map(str::to_owned).ok_or_else(|| format!("{item} is not a label")))
            .collect::<Result<Vec<_>, _>>()?,
        Value::Object(map) => {
            let mut numbered = map
                .iter()
                .map(|(key, value)| match (key.parse::<usize>(), value) {
                    (Ok(number), Value::String(label)) => Ok((number, label.clone())),
                    (_, Value::Number(number)) if number.is_u64() => {
                        Ok((number.as_u64().unwrap_or(0) as usize, key.clone()))
                    }
                    _ => Err(format!("{key:?}: {value} pairs no label with a number")),
                })
                .collect::<Result<Vec<_>, _>>()?;
            numbered.sort();
            if let Some((at, (number, label))) = numbered.iter().enumerate().find(|(at, (number, _))| at != number) {
                return Err(format!("label {label:?} has number {number} where {at} was expected"));
            }
            numbered.into_iter().map(|(_, label)| label).collect()
        }
        other => return Err(format!("expected a list or a map, found {other}")),
    };
    let mut seen = std::collections::HashSet::new();
    match labels.iter().find(|label| !seen.insert(label.as_str())) {
        Some(twice) => Err(format!("label {twice:?} is there twice")),
        None => Ok(labels),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_maps_in_both_directions_are_the_same() {
        let expected = Labels { intents: vec!["a".into(), "b".into()], sentiments: vec!["x".into(), "y".into()] };
        for text in [
            r#"{"intent_labels": ["a", "b"], "sentiment_labels": ["x", "y"]}"#,
            r#"{"intent_labels": {"1": "b", "0": "a"}, "sentiment_labels": {"0": "x", "1": "y"}}"#,
            r#"{"intent_label_map": {"b": 1, "a": 0}, "sentiment_label_map": {"y": 1, "x": 0}}"#,
            r#"{"id2intent": {"0": "a", "1": "b"}, "sentiment2id": {"x": 0, "y": 1}, "other": 3}"#,
        ] {
            assert_eq!(Labels::parse(text).as_ref(), Ok(&expected), "{text}");
        }
    }

    #[test]
    fn numbers_above_nine_are_not_sorted_as_text() {
        let map: Map<String, Value> = (0..12).map(|n| (n.to_string(), Value::String(format!("l{n}")))).collect();
        let labels = ordered(&Value::Object(map)).expect("valid");
        assert_eq!(labels[2], "l2");
        assert_eq!(labels[11], "l11");
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        for (text, expected) in [
            (r#"{"classes": ["a"]}"#, "only the keys: classes"),
            (r#"{"intent_labels": {"0": "a", "2": "b"}}"#, "label \"b\" has number 2 where 1 was expected"),
            (r#"{"intent_labels": ["a", "a"]}"#, "label \"a\" is there twice"),
            (r#"{"intent_labels": []}"#, "is empty"),
            (r#"{"intent_labels": 4}"#, "expected a list or a map"),
            ("[", "is not a JSON object"),
        ] {
            let error = Labels::parse(text).expect_err(text);
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn written_and_read_again_is_the_same() {
        let labels = Labels::of_this_project();
        assert_eq!(Labels::parse(&labels.to_json().to_string()), Ok(labels));
    }
}
