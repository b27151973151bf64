//! Decides nothing: it carries out the effects that a turn asks for, and times them.
//!
//! It must never skip an effect or run one that the turn did not ask for.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::turn::{Effect, Event, Incoming, Settings, Turn};
use crate::desk::Context;
use crate::domain::conversation::{Conversation, Triage, TriageCause};
use crate::domain::message::{Basis, ChatMessage};
use crate::llm::{ChatModel, ChatRequest};
use crate::tools::{Outcome, TRIAGE, Toolbox};

/// Runs turns with a model and tools.
#[derive(Clone)]
pub struct Agent {
    toolbox: Toolbox,
    model: Arc<dyn ChatModel>,
    settings: Settings,
}

/// A tool call that was made.
#[derive(Debug, Clone, Serialize)]
pub struct CallRecord {
    /// The tool.
    pub tool: String,
    /// Its arguments.
    pub arguments: Value,
    /// Its JSON.
    pub result: Value,
    /// How long it took.
    pub milliseconds: f64,
}

/// What a turn came to.
#[derive(Debug, Clone)]
pub struct TurnReport {
    /// The conversation as it is to be stored.
    pub conversation: Conversation,
    /// What is to be sent; `None` while a person answers.
    pub reply: Option<String>,
    /// What the turn was understood as; `None` while a person answers and nothing was read.
    pub triage: Option<Triage>,
    /// Why the message was read, or not.
    pub cause: TriageCause,
    /// The calls that were made, triage left out.
    pub calls: Vec<CallRecord>,
    /// What the guard stopped, as a short word.
    pub guard: Option<&'static str>,
    /// Whether the message was read, how surely, and who wrote the reply.
    pub basis: Basis,
    /// How long it all took.
    pub elapsed: Duration,
}

impl Agent {
    /// An agent that thinks with a model and acts through tools.
    pub fn new(toolbox: Toolbox, model: Arc<dyn ChatModel>, settings: Settings) -> Self {
        Self { toolbox, model, settings }
    }

    /// Runs one turn.
    pub async fn run(
        &self,
        conversation: Conversation,
        history: Vec<ChatMessage>,
        incoming: &Incoming,
        now: Timestamp,
    ) -> TurnReport {
        let started = Instant::now();
        let mut turn = Turn::new(self.settings.clone(), conversation, incoming, now);
        let context = Context { caller: turn.caller().clone(), now };
        let mut calls = Vec::new();
        let mut events = vec![Event::Start];
        let mut reply = None;
        let mut basis = Basis::default();
        while let Some(event) = events.pop() {
            for effect in turn.handle(event) {
                match effect {
                    Effect::Triage(text) => {
                        let read = self.triage(&context, &text).await;
                        if let Some(read) = &read {
                            basis.reused = Some(false);
                            basis.intent_confidence = Some(read.intent_confidence);
                            basis.sentiment_confidence =
                                Some(read.sentiment_confidence).filter(|_| !read.sentiment.is_empty());
                        }
                        events.push(Event::Triaged(read));
                    }
                    Effect::AskModel => {
                        if turn.cause() == TriageCause::Cached {
                            basis.reused = Some(true);
                        }
                        let request = ChatRequest {
                            facts: turn.facts(),
                            history: history.clone(),
                            rounds: turn.rounds().to_vec(),
                            tools: Arc::clone(self.toolbox.specs()),
                            begun: started,
                        };
                        let answer = self.model.chat(&request).await;
                        if let Err(error) = &answer {
                            tracing::warn!(model = self.model.name(), %error, "no answer from the model");
                        }
                        // One round of the playbook makes the reply the playbook's.
                        if let Some(degraded) = answer.as_ref().ok().and_then(|answer| answer.degraded) {
                            basis.degraded = Some(basis.degraded.unwrap_or(false) || degraded);
                        }
                        events.push(Event::ModelSaid(answer.ok()));
                    }
                    Effect::CallTool(call) => {
                        let begun = Instant::now();
                        let result = self.toolbox.call(&context, &call.name, call.arguments.clone()).await;
                        calls.push(CallRecord {
                            tool: call.name.clone(),
                            arguments: call.arguments.clone(),
                            result: result.value.clone(),
                            milliseconds: begun.elapsed().as_secs_f64() * 1_000.0,
                        });
                        events.push(Event::ToolDone(call, Box::new(result)));
                    }
                    Effect::Reply(text) => reply = Some(text),
                    Effect::StaySilent => {}
                }
            }
        }
        let guard = turn.uncovered().map(|uncovered| {
            tracing::warn!(user = %turn.facts().conversation.user_id.masked(), what = uncovered.code(), "a reply was held back");
            uncovered.code()
        });
        let cause = turn.cause();
        let conversation = turn.into_conversation();
        TurnReport {
            triage: conversation.triage.clone(),
            conversation,
            reply,
            cause,
            calls,
            guard,
            basis,
            elapsed: started.elapsed(),
        }
    }

    async fn triage(&self, context: &Context, text: &str) -> Option<Triage> {
        let result = self.toolbox.call(context, TRIAGE, json!({"text": text})).await;
        match result.outcome {
            Outcome::Triaged(prediction) => Some(Triage {
                intent: prediction.intent,
                intent_confidence: f64::from(prediction.intent_confidence),
                sentiment: prediction.sentiment,
                sentiment_confidence: f64::from(prediction.sentiment_confidence),
                at: context.now,
            }),
            _ => None,
        }
    }
}
