//! Decides how the `llm` and `privacy` sections say that a remote language model is used.
//!
//! It must never show the key.

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

/// The remote language model.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LlmConfig {
    /// The API key; empty: the playbook answers.
    pub api_key: SecretString,
    /// Where the service is.
    pub base_url: String,
    /// The model.
    pub model: String,
    /// The model that is asked where the first cannot answer; empty: none.
    pub fallback_model: String,
    /// From 0 to 2.
    pub temperature: f64,
    /// The most tokens of an answer.
    pub max_tokens: u32,
    /// How long models that think are to think; empty: not said.
    pub reasoning_effort: String,
    /// Seconds that one request may take.
    pub timeout_seconds: u32,
    /// Seconds that all requests of a turn may take.
    pub turn_seconds: u32,
    /// Seconds that connecting may take.
    pub connect_seconds: u32,
    /// Tokens of a request, about.
    pub token_budget: u32,
    /// Tokens of a tool's result, about.
    pub result_tokens: u32,
    /// Failures in a row after which the model is left alone.
    pub breaker_failures: u32,
    /// For how many seconds.
    pub breaker_seconds: u32,
}

impl LlmConfig {
    /// Whether there is a key, so that a remote model is asked at all.
    pub fn is_remote(&self) -> bool {
        !self.api_key.expose_secret().trim().is_empty()
    }

    /// The models in the order they are asked.
    pub fn models(&self) -> Vec<String> {
        let mut models = vec![self.model.trim().to_owned()];
        let fallback = self.fallback_model.trim();
        if !fallback.is_empty() && fallback != models[0] {
            models.push(fallback.to_owned());
        }
        models
    }
}

/// What a remote model does not see.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrivacyConfig {
    /// Whether personal data is hidden from it.
    pub mask: bool,
}
