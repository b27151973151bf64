//! A model for tests that gives prepared answers. It must never be reachable from a command.

use std::collections::VecDeque;
use std::sync::Mutex;

use async_trait::async_trait;

use super::{ChatModel, ChatReply, ChatRequest, LlmError};

/// A model that gives its answers one after the other, and fails when they are used up.
#[derive(Debug, Default)]
pub struct Scripted {
    answers: Mutex<VecDeque<ChatReply>>,
}

impl Scripted {
    /// A model with these answers.
    pub fn new(answers: impl IntoIterator<Item = ChatReply>) -> Self {
        Self { answers: Mutex::new(answers.into_iter().collect()) }
    }
}

#[async_trait]
impl ChatModel for Scripted {
    fn name(&self) -> &'static str {
        "scripted"
    }

    async fn chat(&self, _request: &ChatRequest) -> Result<ChatReply, LlmError> {
        let mut answers = self.answers.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        answers.pop_front().ok_or_else(|| LlmError::Unavailable("the script has ended".into()))
    }
}
