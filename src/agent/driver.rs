//! Carries out the effects that a turn asks for, and measures them. It must never skip an effect or add one.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::{Value, json};

use super::turn::{Answerer, Effect, Event, Incoming, Settings, Turn, asks_for_order};
use crate::domain::conversation::{Conversation, Triage, TriageCause, WaitingFor};
use crate::domain::danger;
use crate::domain::ids::{IdPatterns, OrderId};
use crate::domain::message::{Basis, ChatMessage};
use crate::llm::{ChatModel, ChatRequest};
use crate::support::Context;
use crate::tools::{HUMAN, NAMES, Outcome, TRIAGE, Toolbox};

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
    /// Its result.
    pub result: Value,
    /// How long it took.
    pub milliseconds: f64,
}

/// The outcome of a turn.
#[derive(Debug, Clone)]
pub struct TurnReport {
    /// The conversation as it is to be stored.
    pub conversation: Conversation,
    /// The reply to send; `None` while a person answers.
    pub reply: Option<String>,
    /// How the message was classified; `None` while a person answers and nothing was classified.
    pub triage: Option<Triage>,
    /// Why the message was classified, or not.
    pub cause: TriageCause,
    /// The tool calls, without triage.
    pub calls: Vec<CallRecord>,
    /// Why the guard held a reply back, as a label.
    pub guard: Option<&'static str>,
    /// Whether the message was classified, with which confidence, and which model wrote the reply.
    pub basis: Basis,
    /// What ids looked like.
    pub patterns: IdPatterns,
    /// How long the turn took.
    pub elapsed: Duration,
}

impl CallRecord {
    /// The tool, as a label of a metric: a model can invent names, and the number of labels stays bounded.
    pub fn label(&self) -> &'static str {
        NAMES.into_iter().find(|known| *known == self.tool).unwrap_or("other")
    }
}

impl TurnReport {
    /// Whether a person was asked for.
    pub fn asked_for_person(&self) -> bool {
        self.calls.iter().any(|call| call.tool == HUMAN && call.result.get("error").is_none())
    }
}

impl Agent {
    /// An agent that asks a model and acts through tools.
    pub fn new(toolbox: Toolbox, model: Arc<dyn ChatModel>, settings: Settings) -> Self {
        Self { toolbox, model, settings }
    }

    /// How long a customer waits for a person before the bot says so again.
    pub fn remind(&self) -> SignedDuration {
        self.settings.remind
    }

    /// When people of the team answer next, in the shop's time; none where they do now, or where nothing is said about it.
    pub fn next_opening(&self, now: Timestamp) -> Option<DateTime> {
        self.settings.hours.next_opening(now)
    }

    /// This agent where nobody can send a photo, or none is kept: none is asked for.
    #[must_use]
    pub fn without_photos(self) -> Self {
        Self { settings: Settings { needs_photo: Vec::new(), ..self.settings }, ..self }
    }

    /// Whether photos of what is wrong are needed.
    pub fn needs_photos(&self) -> bool {
        !self.settings.needs_photo.is_empty()
    }

    /// The orders that a text names.
    pub fn orders_in(&self, text: &str) -> Vec<OrderId> {
        self.toolbox.support().patterns().orders_meant(text, false)
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
        let (conversation, settings) = self.recognise(conversation, incoming, now).await;
        let mut turn = Turn::new(settings, conversation, incoming, now);
        let context = |turn: &Turn| Context { caller: turn.caller().clone(), now };
        let mut calls = Vec::new();
        let mut events = vec![Event::Start];
        let mut reply = None;
        let mut basis = Basis::default();
        while let Some(event) = events.pop() {
            for effect in turn.handle(event) {
                match effect {
                    Effect::Triage(text) => {
                        let read = self.triage(&context(&turn), &text).await;
                        if let Some(read) = &read {
                            basis.reused = Some(false);
                            basis.intent_confidence = Some(read.intent_confidence);
                            basis.sentiment_confidence =
                                Some(read.sentiment_confidence).filter(|_| !read.sentiment.is_empty());
                        }
                        events.push(Event::Triaged(read));
                    }
                    Effect::AskModel(answerer) => {
                        if turn.cause() == TriageCause::Cached {
                            basis.reused = Some(true);
                        }
                        let request = ChatRequest {
                            facts: turn.facts(),
                            history: history.clone(),
                            rounds: turn.rounds().to_vec(),
                            tools: self.toolbox.specs(),
                            started,
                        };
                        let answer = match answerer {
                            Answerer::Model => self.model.chat(&request).await,
                            Answerer::Playbook => self.model.chat_by_playbook(&request).await,
                        };
                        if let Err(error) = &answer {
                            tracing::warn!(model = self.model.name(), %error, "no answer from the model");
                        }
                        // One round of the playbook makes the whole reply a degraded one.
                        if let Some(degraded) = answer.as_ref().ok().and_then(|answer| answer.degraded) {
                            basis.degraded = Some(basis.degraded.unwrap_or(false) || degraded);
                        }
                        events.push(Event::ModelReplied(answer.ok()));
                    }
                    Effect::CallTool(call) => {
                        let call_started = Instant::now();
                        let result = self.toolbox.call(&context(&turn), &call.name, call.arguments.clone()).await;
                        calls.push(CallRecord {
                            tool: call.name.clone(),
                            arguments: call.arguments.clone(),
                            result: result.value.clone(),
                            milliseconds: call_started.elapsed().as_secs_f64() * 1_000.0,
                        });
                        events.push(Event::ToolDone(call, Box::new(result)));
                    }
                    Effect::Reply(text) => reply = Some(text),
                    Effect::StaySilent => {}
                }
            }
        }
        let guard = turn.unsupported().map(|unsupported| {
            tracing::warn!(user = %turn.facts().conversation.user_id.masked(), what = unsupported.code(), "a reply was held back");
            unsupported.code()
        });
        let cause = turn.cause();
        let patterns = turn.facts().patterns;
        let conversation = turn.into_conversation();
        TurnReport {
            triage: conversation.triage.clone(),
            conversation,
            reply,
            cause,
            calls,
            guard,
            basis,
            patterns,
            elapsed: started.elapsed(),
        }
    }

    /// What ids look like in this turn, and which orders the names in it lead to.
    async fn recognise(
        &self,
        mut conversation: Conversation,
        incoming: &Incoming,
        now: Timestamp,
    ) -> (Conversation, Settings) {
        let support = self.toolbox.support();
        if let Err(error) = support.refresh_ids().await {
            tracing::warn!(%error, "what order ids look like could not be read: what was known holds");
        }
        if conversation.gap_before(now, self.settings.gap) {
            conversation.drop_questions();
        }
        let asked = asks_for_order(conversation.waiting_for);
        let mut own = Vec::new();
        // A number answers what was asked: an amount, the digits of a telephone number, a customer id.
        let answers = match conversation.waiting_for {
            WaitingFor::Consent | WaitingFor::Proof | WaitingFor::CustomerId => true,
            // After such a question a person was offered: it may still be answered.
            WaitingFor::Person => !conversation.order_ids.is_empty(),
            _ => false,
        };
        let as_asked = |patterns: IdPatterns| if answers { patterns.without_lone_numbers() } else { patterns };
        let general = as_asked(support.patterns());
        let names = &conversation.names;
        match support.recognise(&conversation.user_id, &incoming.text(), asked, names, &general).await {
            Ok(found) => {
                conversation.names = found.names;
                own = found.own;
            }
            Err(error) => tracing::warn!(%error, "the orders that a message names could not be looked up"),
        }
        let offered = conversation.offered.iter().map(|offer| &offer.order_id);
        let known = conversation.order_ids.iter().chain(&conversation.suggested).chain(offered).chain(&own);
        let patterns = support.patterns().knowing(&conversation.names, known);
        let patterns = as_asked(patterns);
        (conversation, Settings { patterns, ..self.settings.clone() })
    }

    async fn triage(&self, context: &Context, text: &str) -> Option<Triage> {
        let result = self.toolbox.call(context, TRIAGE, json!({"text": text})).await;
        match result.outcome {
            Outcome::Triaged(prediction) => {
                let head = |name: &str| {
                    let found = prediction.heads.get(name);
                    found.map(|head| (head.label.clone(), f64::from(head.confidence))).unwrap_or_default()
                };
                let (topic, topic_confidence) = head("topic");
                let ranked = prediction.ranked("urgency").iter().map(|one| (one.label.as_str(), one.confidence));
                let ranked: Vec<(&str, f32)> = ranked.collect();
                let (urgency, urgency_confidence) = danger::urgency(text, &ranked, (topic.as_str(), topic_confidence));
                Some(Triage {
                    intent: prediction.intent,
                    intent_confidence: f64::from(prediction.intent_confidence),
                    sentiment: prediction.sentiment,
                    sentiment_confidence: f64::from(prediction.sentiment_confidence),
                    topic,
                    topic_confidence,
                    urgency,
                    urgency_confidence,
                    at: context.now,
                })
            }
            _ => None,
        }
    }
}
