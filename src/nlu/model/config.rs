//! What `config.json` means: the encoder's sizes, how a sentence vector is pooled, and the
//! temperatures that calibrate the confidences.
//!
//! No size is guessed: a missing or impossible value is an error that names the key.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::NluError;
use crate::model::location::ModelLocation;

/// How the keys of temperatures end: `intent_temperature`.
const TEMPERATURE: &str = "_temperature";

/// Name of the file with the settings.
pub(crate) const CONFIG: &str = "config.json";

/// How one vector per sentence is made from the vectors of its tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pooling {
    /// The vector of the first token, as in BERT's classifiers.
    #[default]
    Cls,
    /// The mean over all tokens of the sentence, as in sentence encoders.
    Mean,
}

impl std::fmt::Display for Pooling {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Cls => "cls",
            Self::Mean => "mean",
        })
    }
}

/// The activation between the two feed-forward layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// `x · Φ(x)` with the exact Gaussian distribution function (Hendrycks and Gimpel, 2016).
    Gelu,
    /// `max(x, 0)`.
    Relu,
}

/// Sizes and settings of a DistilBERT encoder with its classifiers.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelConfig {
    /// Width of a token's vector.
    pub dim: usize,
    /// Number of transformer layers.
    pub n_layers: usize,
    /// Attention heads per layer; divides `dim`.
    pub n_heads: usize,
    /// Width between the two feed-forward layers.
    pub hidden_dim: usize,
    /// Rows of the word embedding.
    pub vocab_size: usize,
    /// Longest input in tokens.
    pub max_position_embeddings: usize,
    /// Feed-forward activation.
    pub activation: Activation,
    /// Dropout after the embeddings and the feed-forward layers, while training.
    pub dropout: f64,
    /// Dropout on attention weights, while training.
    pub attention_dropout: f64,
    /// Dropout before the classifiers, while training.
    pub classifier_dropout: f64,
    /// How the sentence vector is made.
    pub pooling: Pooling,
    /// Divisors of each head's logits before the softmax (Guo et al., 2017), by the head's name.
    temperatures: BTreeMap<String, f32>,
    /// Confidence of the first head below which its label is better withheld, fitted on the validation rows; `None` where
    /// nothing was.
    pub abstain_below: Option<f32>,
    /// Whether Indic and Arabic letters are read as Latin ones; a training keeps what its base model does.
    pub transliterate: bool,
    /// Keys of the file that mean nothing here; written again with the others.
    extra: Map<String, Value>,
}

const HINT: &str =
    "this must be the config.json of a DistilBERT model; a BERT encoder needs `ecomres model convert` first";

impl ModelConfig {
    /// Reads the `config.json` of a model.
    ///
    /// # Errors
    /// The file is missing, is not JSON, or lacks or contradicts a size.
    pub fn read(location: impl Into<ModelLocation>) -> Result<Self, NluError> {
        let location = location.into();
        let path = location.path(CONFIG);
        let map: Map<String, Value> = serde_json::from_slice(&location.read(CONFIG)?)
            .map_err(|error| NluError::format(&path, format!("is not a JSON object: {error}"), HINT))?;
        Self::from_json(map, &path)
    }

    fn from_json(mut map: Map<String, Value>, path: &Path) -> Result<Self, NluError> {
        let fail = |reason: String| NluError::format(path, reason, HINT);
        let kind = map.get("model_type").and_then(Value::as_str).unwrap_or("distilbert");
        if kind != "distilbert" {
            return Err(fail(format!("model_type is {kind:?}, expected \"distilbert\"")));
        }
        let mut size = |key: &str| match map.remove(key) {
            None => Err(fail(format!("has no key {key:?}"))),
            Some(value) => match value.as_u64().and_then(|number| usize::try_from(number).ok()) {
                Some(number @ 1..=1_000_000) => Ok(number),
                _ => Err(fail(format!("{key} is {value}, expected a whole number from 1 to 1000000"))),
            },
        };
        let (dim, n_layers, n_heads, hidden_dim) =
            (size("dim")?, size("n_layers")?, size("n_heads")?, size("hidden_dim")?);
        let (vocab_size, max_position_embeddings) = (size("vocab_size")?, size("max_position_embeddings")?);
        if !dim.is_multiple_of(n_heads) {
            return Err(fail(format!("dim {dim} is not a multiple of n_heads {n_heads}")));
        }
        if max_position_embeddings < 3 {
            return Err(fail(format!("max_position_embeddings is {max_position_embeddings}, expected at least 3")));
        }
        let mut rate = |key: &str, default: f64| match map.remove(key) {
            None | Some(Value::Null) => Ok(default),
            Some(value) => match value.as_f64() {
                Some(number) if (0.0..1.0).contains(&number) => Ok(number),
                _ => Err(fail(format!("{key} is {value}, expected a number from 0 to below 1"))),
            },
        };
        let dropout = rate("dropout", 0.1)?;
        let attention_dropout = rate("attention_dropout", 0.1)?;
        let classifier_dropout = rate("classifier_dropout", 0.1)?;
        let mut temperatures = BTreeMap::new();
        let keys: Vec<String> = map.keys().filter(|key| key.ends_with(TEMPERATURE)).cloned().collect();
        for key in keys {
            match map.remove(&key).map(|value| (value.as_f64(), value)) {
                None | Some((_, Value::Null)) => {}
                Some((Some(number), _)) if (0.01..=100.0).contains(&number) => {
                    temperatures.insert(key[..key.len() - TEMPERATURE.len()].to_owned(), single(number));
                }
                Some((_, value)) => {
                    return Err(fail(format!("{key} is {value}, expected a number from 0.01 to 100")));
                }
            }
        }
        let transliterate = match map.remove("transliterate") {
            None | Some(Value::Null) => false,
            Some(Value::Bool(flag)) => flag,
            Some(value) => return Err(fail(format!("transliterate is {value}, expected true or false"))),
        };
        let abstain_below = match map.remove("abstain_below") {
            None | Some(Value::Null) => None,
            Some(value) => match value.as_f64() {
                Some(number) if (0.0..=1.0).contains(&number) => Some(single(number)),
                _ => return Err(fail(format!("abstain_below is {value}, expected a number from 0 to 1"))),
            },
        };
        let activation = match map.remove("activation").as_ref().map(|value| value.as_str().unwrap_or("")) {
            None | Some("gelu") => Activation::Gelu,
            Some("relu") => Activation::Relu,
            Some(other) => return Err(fail(format!("activation is {other:?}, expected \"gelu\" or \"relu\""))),
        };
        let pooling = match map.remove("pooling").as_ref().map(|value| value.as_str().unwrap_or("")) {
            None | Some("cls") => Pooling::Cls,
            Some("mean") => Pooling::Mean,
            Some(other) => return Err(fail(format!("pooling is {other:?}, expected \"cls\" or \"mean\""))),
        };
        Ok(Self {
            dim,
            n_layers,
            n_heads,
            hidden_dim,
            vocab_size,
            max_position_embeddings,
            activation,
            dropout,
            attention_dropout,
            classifier_dropout,
            pooling,
            temperatures,
            abstain_below,
            transliterate,
            extra: map,
        })
    }

    /// Sizes of a BERT encoder (`model_type: "bert"`) as those of the DistilBERT that computes the same numbers.
    ///
    /// # Errors
    /// The file is missing, is not JSON, is not a BERT's, or uses relative positions or another activation.
    #[expect(clippy::float_cmp, reason = "both are read from the same decimal digits")]
    pub(crate) fn read_bert(location: &ModelLocation, pooling: Pooling) -> Result<Self, NluError> {
        let path = location.path(CONFIG);
        let hint = "the source must be a BERT encoder folder in the Hugging Face layout";
        let source: Map<String, Value> = serde_json::from_slice(&location.read(CONFIG)?)
            .map_err(|error| NluError::format(&path, format!("is not a JSON object: {error}"), hint))?;
        let model_type = source.get("model_type").and_then(Value::as_str).unwrap_or("");
        if model_type != "bert" {
            return Err(NluError::format(&path, format!("model_type is {model_type:?}, expected \"bert\""), hint));
        }
        if let Some(kind) = source.get("position_embedding_type").and_then(Value::as_str)
            && kind != "absolute"
        {
            return Err(NluError::format(&path, format!("position_embedding_type {kind:?} has no counterpart"), hint));
        }
        if let Some(epsilon) = source.get("layer_norm_eps").and_then(Value::as_f64)
            && epsilon != 1e-12
        {
            return Err(NluError::format(&path, format!("layer_norm_eps is {epsilon}, DistilBERT has 1e-12"), hint));
        }
        let mut map = Map::new();
        map.insert("model_type".into(), "distilbert".into());
        map.insert("architectures".into(), Value::Array(vec!["DistilBertModel".into()]));
        for (from, to) in [
            ("hidden_size", "dim"),
            ("num_hidden_layers", "n_layers"),
            ("num_attention_heads", "n_heads"),
            ("intermediate_size", "hidden_dim"),
            ("vocab_size", "vocab_size"),
            ("max_position_embeddings", "max_position_embeddings"),
            ("hidden_act", "activation"),
            ("hidden_dropout_prob", "dropout"),
            ("attention_probs_dropout_prob", "attention_dropout"),
            ("pad_token_id", "pad_token_id"),
            ("initializer_range", "initializer_range"),
        ] {
            if let Some(value) = source.get(from) {
                map.insert(to.into(), value.clone());
            }
        }
        map.insert("pooling".into(), pooling.to_string().into());
        Self::from_json(map, &path)
    }

    /// The divisor of a head's logits; 1 leaves them alone.
    pub fn temperature(&self, head: &str) -> f32 {
        self.temperatures.get(head).copied().unwrap_or(1.0)
    }

    /// Sets what calibrates the confidences: the temperatures by head, and the threshold of the first.
    pub(crate) fn calibrate(&mut self, temperatures: BTreeMap<String, f32>, abstain_below: Option<f32>) {
        (self.temperatures, self.abstain_below) = (temperatures, abstain_below);
    }

    /// The `config.json` text of this model.
    pub fn to_json(&self) -> Value {
        let mut map = Map::new();
        map.insert("model_type".into(), "distilbert".into());
        map.insert("architectures".into(), Value::Array(vec!["DistilBertModel".into()]));
        map.insert("dim".into(), self.dim.into());
        map.insert("n_layers".into(), self.n_layers.into());
        map.insert("n_heads".into(), self.n_heads.into());
        map.insert("hidden_dim".into(), self.hidden_dim.into());
        map.insert("vocab_size".into(), self.vocab_size.into());
        map.insert("max_position_embeddings".into(), self.max_position_embeddings.into());
        let activation = match self.activation {
            Activation::Gelu => "gelu",
            Activation::Relu => "relu",
        };
        map.insert("activation".into(), activation.into());
        map.insert("dropout".into(), self.dropout.into());
        map.insert("attention_dropout".into(), self.attention_dropout.into());
        map.insert("classifier_dropout".into(), self.classifier_dropout.into());
        map.insert("pooling".into(), self.pooling.to_string().into());
        for (head, temperature) in &self.temperatures {
            map.insert(format!("{head}{TEMPERATURE}"), f64::from(*temperature).into());
        }
        if self.transliterate {
            map.insert("transliterate".into(), true.into());
        }
        if let Some(threshold) = self.abstain_below {
            map.insert("abstain_below".into(), f64::from(threshold).into());
        }
        for (key, value) in &self.extra {
            map.entry(key.clone()).or_insert_with(|| value.clone());
        }
        Value::Object(map)
    }
}

/// The nearest `f32`.
#[expect(clippy::cast_possible_truncation, reason = "temperatures and thresholds need six digits")]
fn single(number: f64) -> f32 {
    number as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<ModelConfig, NluError> {
        ModelConfig::from_json(serde_json::from_str(text).expect("test JSON"), Path::new("config.json"))
    }

    const GOOD: &str = r#"{"dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 64, "vocab_size": 100,
        "max_position_embeddings": 64, "activation": "gelu", "torch_dtype": "float32"}"#;

    #[test]
    #[expect(clippy::float_cmp, reason = "defaults are exact")]
    fn defaults_are_the_originals() {
        let config = parse(GOOD).expect("valid");
        assert_eq!(config.pooling, Pooling::Cls);
        assert_eq!(config.temperature("intent"), 1.0);
        assert_eq!((config.dropout, config.abstain_below), (0.1, None));
    }

    #[test]
    fn written_and_read_again_is_the_same() {
        let config = parse(&GOOD.replace("\"dim\"", "\"abstain_below\": 0.5, \"dim\"")).expect("valid");
        assert_eq!(config.abstain_below, Some(0.5));
        let again = parse(&config.to_json().to_string()).expect("valid");
        assert_eq!(again.to_json(), config.to_json());
        assert_eq!(again.to_json()["torch_dtype"], "float32");
    }

    #[test]
    fn errors_name_the_key_and_the_value() {
        for (from, to, expected) in [
            ("\"dim\": 32", "\"dim\": 0", "dim is 0"),
            ("\"dim\": 32", "\"dimension\": 32", "has no key \"dim\""),
            ("\"n_heads\": 4", "\"n_heads\": 5", "dim 32 is not a multiple of n_heads 5"),
            ("\"dim\": 32", "\"dim\": 32, \"abstain_below\": 2", "abstain_below is 2"),
            ("\"dim\": 32", "\"dim\": 32, \"transliterate\": 1", "transliterate is 1"),
            ("\"gelu\"", "\"silu\"", "activation is \"silu\""),
            ("\"dim\": 32", "\"dim\": 32, \"pooling\": \"max\"", "pooling is \"max\""),
            ("\"dim\": 32", "\"dim\": 32, \"model_type\": \"bert\"", "model_type is \"bert\""),
        ] {
            let error = parse(&GOOD.replace(from, to)).expect_err(to);
            assert!(error.to_string().contains(expected), "{error}");
            assert!(error.hint().is_some());
        }
    }
}
