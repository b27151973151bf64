//! Which labels a model knows, in the order in which its classifiers number them.
//!
//! Labels are never renumbered: the order is part of the weights.

use serde_json::{Map, Value};

use crate::NluError;
use crate::model::location::ModelLocation;

/// Name of the file with the labels.
pub(crate) const LABELS: &str = "label_info.json";

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

/// The head that says what a message wants: the first, where a model has it.
pub const INTENT: &str = "intent";
/// The head that says how a message sounds: the next.
pub const SENTIMENT: &str = "sentiment";

/// One classifier of a model, and its labels in the order of its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// What it is called, such as `intent`: the tensors are `NAME_classifier.weight` and `.bias`.
    pub name: String,
    /// Its labels, never empty.
    pub labels: Vec<String>,
}

/// The heads of a model, at least one: intent and sentiment first, as far as there are such.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labels {
    /// The heads, in their order.
    pub heads: Vec<Head>,
}

/// The number of rows of each head's classifier, by the head's name.
pub(crate) type HeadSizes = Vec<(String, usize)>;

/// Under which key the names of the heads are.
const HEADS: &str = "heads";

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
    /// Heads of these names, in the order in which a model has them.
    pub fn new(heads: impl IntoIterator<Item = (String, Vec<String>)>) -> Self {
        let mut heads: Vec<Head> = heads.into_iter().map(|(name, labels)| Head { name, labels }).collect();
        heads.sort_by_key(|head| rank(&head.name));
        Self { heads }
    }

    /// The intents and sentiments of this project.
    pub fn of_this_project() -> Self {
        let own = |labels: &[&str]| labels.iter().map(|label| (*label).to_owned()).collect();
        Self::new([(INTENT.to_owned(), own(&INTENTS)), (SENTIMENT.to_owned(), own(&SENTIMENTS))])
    }

    /// The labels of a head; none where there is no such head.
    pub fn of(&self, head: &str) -> &[String] {
        self.heads.iter().find(|one| one.name == head).map_or(&[], |one| &one.labels)
    }

    /// The rows of each classifier.
    pub(crate) fn sizes(&self) -> HeadSizes {
        self.heads.iter().map(|head| (head.name.clone(), head.labels.len())).collect()
    }

    /// Reads the `label_info.json` of a model: lists, or maps from number to label or from label to number. Those of intents and
    /// sentiments may be under any of the names that are common for them, those of a head `NAME` under `NAME_labels`; which other heads
    /// there are is listed under `heads`.
    ///
    /// # Errors
    /// The file is missing, is not JSON, or holds no usable list of labels; the message says which keys were found.
    pub fn read(location: &ModelLocation) -> Result<Self, NluError> {
        Self::parse(&location.read(LABELS)?).map_err(|reason| {
            NluError::format(
                &location.path(LABELS),
                reason,
                "expected {\"intent_labels\": [\"…\"], \"sentiment_labels\": [\"…\"]} in the order of the classifiers' rows",
            )
        })
    }

    fn parse(text: &[u8]) -> Result<Self, String> {
        let map: Map<String, Value> =
            serde_json::from_slice(text).map_err(|error| format!("is not a JSON object: {error}"))?;
        let mut others = Vec::new();
        match map.get(HEADS) {
            None => {}
            Some(Value::Array(names)) => {
                for name in names {
                    let name = name.as_str().filter(|name| is_name(name));
                    let name = name
                        .ok_or_else(|| format!("{HEADS}: expected names of letters, digits and _, found {names:?}"))?;
                    if ![INTENT, SENTIMENT].contains(&name) {
                        others.push(name.to_owned());
                    }
                }
            }
            Some(other) => return Err(format!("{HEADS}: expected a list of names, found {other}")),
        }
        let mut heads = Vec::new();
        let mut read = |name: &str, keys: &[String]| {
            let Some(key) = keys.iter().find(|key| map.contains_key(key.as_str())) else { return Ok(false) };
            let labels = ordered(&map[key]).map_err(|reason| format!("{key}: {reason}"))?;
            // The original writes an empty list for a task that it was not trained on.
            if labels.is_empty() && name != SENTIMENT {
                return Err(format!("{key} is empty"));
            }
            if !labels.is_empty() {
                heads.push((name.to_owned(), labels));
            }
            Ok(true)
        };
        let usual = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>();
        let intents = read(INTENT, &usual(&INTENT_KEYS))?;
        let sentiments = read(SENTIMENT, &usual(&SENTIMENT_KEYS))?;
        let found = || map.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        if !intents && !sentiments && others.is_empty() {
            return Err(format!("holds no intent labels, only the keys: {}", found()));
        }
        for name in &others {
            let keys = [format!("{name}_labels"), format!("{name}_label_map")];
            if !read(name, &keys)? {
                return Err(format!("{HEADS} names {name:?}, and there is no {}, only the keys: {}", keys[0], found()));
            }
        }
        let mut seen = std::collections::HashSet::new();
        match heads.iter().find(|(name, _)| !seen.insert(name.clone())) {
            Some((name, _)) => Err(format!("{HEADS} names {name:?} twice")),
            None if heads.is_empty() => Err("every list of labels is empty".to_owned()),
            None => Ok(Self::new(heads)),
        }
    }

    /// The content of `label_info.json`: objects from label to number, as the original writes them and inverts them.
    pub fn to_json(&self) -> Value {
        let mut map = Map::new();
        for head in &self.heads {
            let numbered = head.labels.iter().enumerate();
            let numbered: Map<String, Value> = numbered.map(|(number, label)| (label.clone(), number.into())).collect();
            map.insert(format!("{}_labels", head.name), numbered.into());
            map.insert(format!("num_{}s", head.name), head.labels.len().into());
        }
        let names: Vec<&str> = self.heads.iter().map(|head| head.name.as_str()).collect();
        // The original knows two heads, and no list of them.
        if names.iter().any(|name| rank(name) > 1) || names.first() != Some(&INTENT) {
            map.insert(HEADS.to_owned(), names.into());
        }
        Value::Object(map)
    }
}

/// Where a head of this name stands.
fn rank(name: &str) -> usize {
    [INTENT, SENTIMENT].iter().position(|known| *known == name).unwrap_or(2)
}

/// Whether a head may be called so: the name is a part of the tensors' names.
pub fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 40
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        && name != "distilbert"
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
                    (_, value) => match value.as_u64().and_then(|number| usize::try_from(number).ok()) {
                        Some(number) => Ok((number, key.clone())),
                        None => Err(format!("{key:?}: {value} pairs no label with a number")),
                    },
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
        let two = |one: &str, other: &str| vec![one.to_owned(), other.to_owned()];
        let expected = Labels::new([("sentiment".to_owned(), two("x", "y")), ("intent".to_owned(), two("a", "b"))]);
        for text in [
            r#"{"intent_labels": ["a", "b"], "sentiment_labels": ["x", "y"]}"#,
            r#"{"intent_labels": {"1": "b", "0": "a"}, "sentiment_labels": {"0": "x", "1": "y"}}"#,
            r#"{"intent_label_map": {"b": 1, "a": 0}, "sentiment_label_map": {"y": 1, "x": 0}}"#,
            r#"{"id2intent": {"0": "a", "1": "b"}, "sentiment2id": {"x": 0, "y": 1}, "other": 3}"#,
        ] {
            assert_eq!(Labels::parse(text.as_bytes()).as_ref(), Ok(&expected), "{text}");
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
            (
                r#"{"intent_labels": ["a"], "heads": ["intent", "topic"]}"#,
                "heads names \"topic\", and there is no topic_labels",
            ),
            (r#"{"intent_labels": ["a"], "heads": ["a b"]}"#, "expected names of letters"),
            (r#"{"intent_labels": ["a"], "heads": ["t", "t"], "t_labels": ["x"]}"#, "names \"t\" twice"),
            (r#"{"sentiment_labels": []}"#, "every list of labels is empty"),
            ("[", "is not a JSON object"),
        ] {
            let error = Labels::parse(text.as_bytes()).expect_err(text);
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn written_and_read_again_is_the_same() {
        let labels = Labels::of_this_project();
        let json = labels.to_json();
        assert_eq!(json["intent_labels"]["track_order"], 8, "an object, whose items can be walked");
        assert_eq!(Labels::parse(json.to_string().as_bytes()), Ok(labels));
        let topics = ("topic".to_owned(), vec!["late".to_owned(), "lost".to_owned()]);
        for more in [vec![topics.clone()], vec![topics, ("sentiment".to_owned(), vec!["sad".to_owned()])]] {
            for first in [Vec::new(), vec![("intent".to_owned(), vec!["a".to_owned()])]] {
                let labels = Labels::new(more.clone().into_iter().chain(first));
                assert_eq!(Labels::parse(labels.to_json().to_string().as_bytes()), Ok(labels));
            }
        }
    }

    #[test]
    fn a_model_may_know_sentiments_only() {
        let labels = Labels::parse(br#"{"sentiment_labels": ["bad", "good"]}"#).expect("one head");
        assert_eq!((labels.heads.len(), labels.of("sentiment").len(), labels.of("intent").len()), (1, 2, 0));
        let labels = Labels::parse(br#"{"intent_labels": ["a", "b"], "sentiment_labels": []}"#).expect("intents");
        assert_eq!(labels.sizes(), [("intent".to_owned(), 2)]);
    }
}
