//! The `llm` and `privacy` sections: how a remote language model is used.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use crate::domain::address::without_credentials;

/// The remote language model.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LlmConfig {
    /// The API key; empty: the playbook answers.
    pub api_key: SecretString,
    /// The URL of the service.
    pub base_url: String,
    /// The model.
    pub model: String,
    /// The model that is used where the first fails; empty: none.
    pub fallback_model: String,
    /// The model that writes recordings down; empty: none does.
    pub transcribe_model: String,
    /// The model that looks at photos; empty: none does.
    pub vision_model: String,
    /// The temperature, from 0 to 2.
    pub temperature: f64,
    /// The most tokens of an answer.
    pub max_tokens: u32,
    /// The effort of reasoning models; empty: their default.
    pub reasoning_effort: String,
    /// Seconds that one request may take.
    pub timeout_seconds: u32,
    /// Seconds that all requests of a turn may take.
    pub turn_seconds: u32,
    /// Seconds that connecting may take.
    pub connect_seconds: u32,
    /// The approximate number of tokens of a request.
    pub token_budget: u32,
    /// The approximate number of tokens of a tool's result.
    pub result_tokens: u32,
    /// Errors in a row after which the circuit breaker opens.
    pub breaker_failures: u32,
    /// For how many seconds it stays open.
    pub breaker_seconds: u32,
}

impl fmt::Debug for LlmConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL may hold a password.
        let url = without_credentials(&self.base_url);
        f.debug_struct("LlmConfig").field("base_url", &url).field("model", &self.model).finish_non_exhaustive()
    }
}

impl LlmConfig {
    /// Whether there is a key, so that a remote model is used.
    pub fn is_remote(&self) -> bool {
        !self.api_key.expose_secret().trim().is_empty()
    }

    /// The model that writes recordings down; `None` where there is no service for it.
    pub fn transcribes_with(&self) -> Option<&str> {
        Some(self.transcribe_model.trim()).filter(|model| self.is_remote() && !model.is_empty())
    }

    /// The model that looks at photos; `None` where there is no service for it.
    pub fn sees_with(&self) -> Option<&str> {
        Some(self.vision_model.trim()).filter(|model| self.is_remote() && !model.is_empty())
    }

    /// The models in the order in which they are used.
    pub fn models(&self) -> Vec<String> {
        let mut models = vec![self.model.trim().to_owned()];
        let fallback = self.fallback_model.trim();
        if !fallback.is_empty() && fallback != models[0] {
            models.push(fallback.to_owned());
        }
        models
    }
}

/// What is hidden from a remote model.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrivacyConfig {
    /// Whether personal data is masked.
    pub mask: bool,
}
