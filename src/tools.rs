//! Decides which tools there are and what they answer: one catalogue for the language model and for MCP.
//!
//! It must never hold a rule about money or identity: a tool reads its arguments, asks the desk and words the outcome.

mod arguments;
mod definitions;
mod outcome;
mod records;
mod remote;

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Value, json};

pub use crate::desk::Context;
use crate::desk::{Desk, HandOver};
use crate::domain::audit::{AuditPhase, AuditRecord};
use crate::domain::ids::OrderId;
use crate::domain::words::excerpt;
use crate::nlu::Classifier;
use arguments::read;
pub use definitions::{
    CHECK_REFUND, HUMAN, HumanArguments, ORDER, OrderArguments, REFUND, RefundArguments, TRIAGE, ToolSpec,
    TriageArguments, catalogue,
};
pub use outcome::Outcome;
pub use records::{RecordError, RecordName};
pub use remote::{ForeignTool, RemoteError, RemoteTools};

/// The most bytes of JSON that a call's arguments may hold: a customer's longest message fits.
const LARGEST_ARGUMENTS: usize = 262_144;

/// What a tool call came to: the documented JSON, and the same as a value that the agent can act on.
#[derive(Debug, Clone)]
pub struct ToolResult {
    /// The documented JSON.
    pub value: Value,
    /// What happened.
    pub outcome: Outcome,
}

/// All tools, over the desk and the model.
#[derive(Clone)]
pub struct Toolbox {
    desk: Desk,
    classifier: Arc<dyn Classifier>,
    specs: Arc<[ToolSpec]>,
    remote: Option<Arc<dyn RemoteTools>>,
    foreign: Arc<HashMap<String, ForeignTool>>,
}

impl Toolbox {
    /// The tools over a desk and a model.
    pub fn new(desk: Desk, classifier: Arc<dyn Classifier>) -> Self {
        Self { desk, classifier, specs: catalogue().into(), remote: None, foreign: Arc::default() }
    }

    /// The same tools, run by another server. What the rules here forbid stays forbidden.
    pub fn with_remote(self, remote: Arc<dyn RemoteTools>) -> Self {
        Self { remote: Some(remote), ..self }
    }

    /// The catalogue with tools of third parties added. One that is called like a tool that is there is left out.
    pub fn with_foreign(mut self, tools: Vec<ForeignTool>) -> Self {
        let mut specs = self.specs.to_vec();
        let mut foreign = HashMap::clone(&self.foreign);
        for tool in tools {
            if specs.iter().any(|spec| spec.name == tool.spec.name) {
                tracing::warn!(tool = %tool.spec.name, "there is a tool of this name already");
                continue;
            }
            specs.push(tool.spec.clone());
            foreign.insert(tool.spec.name.clone().into_owned(), tool);
        }
        self.specs = specs.into();
        self.foreign = Arc::new(foreign);
        self
    }

    /// The catalogue.
    pub fn specs(&self) -> &Arc<[ToolSpec]> {
        &self.specs
    }

    fn spec(&self, name: &str) -> Option<&ToolSpec> {
        self.specs.iter().find(|spec| spec.name == name)
    }

    /// The shop's rules behind the tools.
    pub fn desk(&self) -> &Desk {
        &self.desk
    }

    /// Whether the store behind the tools answers.
    pub async fn is_ready(&self) -> bool {
        self.desk.is_ready().await
    }

    /// Runs a tool and puts the call on record: before it runs, where it changes something, and after.
    pub async fn call(&self, context: &Context, name: &str, arguments: Value) -> ToolResult {
        // A model's arguments may be of any size; what is kept and read of them is not.
        let size = arguments.to_string().len();
        let oversized = size > LARGEST_ARGUMENTS;
        let arguments = if oversized { json!({"left_out": format!("{size} bytes")}) } else { arguments };
        // What another server did is in its own ledger: the trail here must not claim it for this one.
        let action = if self.remote.is_some() && !self.foreign.contains_key(name) {
            excerpt(&format!("elsewhere:{name}"), 64)
        } else {
            excerpt(name, 64)
        };
        let record = |phase, result| AuditRecord {
            at: context.now,
            actor: context.caller.actor(),
            action: action.clone(),
            phase,
            arguments: arguments.clone(),
            result,
        };
        let writes = !oversized && self.spec(name).is_some_and(|spec| spec.writes);
        if writes && let Err(error) = self.desk.put_on_record(&record(AuditPhase::Started, Value::Null)).await {
            return ToolResult::fault(name, &error);
        }
        let result = if oversized {
            ToolResult::wrong(format!("the arguments hold {size} bytes; {LARGEST_ARGUMENTS} are the most"))
        } else {
            self.run(context, name, arguments.clone()).await
        };
        let finished = record(AuditPhase::Finished, result.value.clone());
        let kept =
            if writes { self.desk.put_on_record(&finished).await } else { self.desk.note_on_record(&finished).await };
        match kept {
            // What a writing tool did stands, and its start is on record; anything else is not handed out unrecorded.
            Err(error) if !writes => ToolResult::fault(name, &error),
            Err(error) => {
                tracing::error!(tool = name, %error, "a finished call could not be put on record");
                result
            }
            Ok(()) => result,
        }
    }

    async fn run(&self, context: &Context, name: &str, arguments: Value) -> ToolResult {
        if let Some(tool) = self.foreign.get(name) {
            return tool.run(arguments).await;
        }
        let ran = match &self.remote {
            Some(remote) => self.run_remote(remote.as_ref(), context, name, arguments).await,
            None => self.dispatch(context, name, arguments).await,
        };
        ran.unwrap_or_else(ToolResult::wrong)
    }

    /// Runs a tool; an error says what is wrong with the call.
    async fn dispatch(&self, context: &Context, name: &str, arguments: Value) -> Result<ToolResult, String> {
        match name {
            TRIAGE => Ok(self.triage(&read(self.spec(name), arguments)?).await),
            ORDER => self.order(context, &read(self.spec(name), arguments)?).await,
            CHECK_REFUND => self.check_refund(context, &read(self.spec(name), arguments)?).await,
            REFUND => self.refund(context, &read(self.spec(name), arguments)?).await,
            HUMAN => self.human(context, read(self.spec(name), arguments)?).await,
            other => Err(self.no_such_tool(other)),
        }
    }

    fn no_such_tool(&self, name: &str) -> String {
        let known: Vec<&str> = self.specs.iter().map(|spec| spec.name.as_ref()).collect();
        format!("there is no tool “{}”; there are: {}", excerpt(name, 64), known.join(", "))
    }

    async fn triage(&self, arguments: &TriageArguments) -> ToolResult {
        match self.classifier.classify(&arguments.text).await {
            Ok(prediction) => ToolResult::triaged(prediction),
            Err(error) => ToolResult::fault(TRIAGE, &error),
        }
    }

    async fn order(&self, context: &Context, arguments: &OrderArguments) -> Result<ToolResult, String> {
        let id = self.order_id(&arguments.order_id)?;
        Ok(match self.desk.look_up(context, &id).await {
            Ok(Some(order)) => ToolResult::order(order),
            Ok(None) => ToolResult::not_found(id),
            Err(error) => ToolResult::fault(ORDER, &error),
        })
    }

    async fn check_refund(&self, context: &Context, arguments: &OrderArguments) -> Result<ToolResult, String> {
        let id = self.order_id(&arguments.order_id)?;
        Ok(match self.desk.quote(context, &id).await {
            Ok(outcome) => ToolResult::quoted(id, outcome),
            Err(error) => ToolResult::fault(CHECK_REFUND, &error),
        })
    }

    async fn refund(&self, context: &Context, arguments: &RefundArguments) -> Result<ToolResult, String> {
        let id = self.order_id(&arguments.order_id)?;
        let amount = arguments.amount()?;
        let reason = excerpt(arguments.reason.trim(), 500);
        Ok(match self.desk.pay(context, &id, amount, &reason).await {
            Ok(outcome) => ToolResult::paid(id, outcome, &self.desk.rules().policy.estimated_arrival),
            Err(error) => ToolResult::fault(REFUND, &error),
        })
    }

    async fn human(&self, context: &Context, arguments: HumanArguments) -> Result<ToolResult, String> {
        let request = Self::hand_over_request(context, arguments)?;
        Ok(match self.desk.hand_over(context, request).await {
            Ok(alert) => ToolResult::handed_over(alert),
            Err(error) => ToolResult::fault(HUMAN, &error),
        })
    }

    fn hand_over_request(context: &Context, arguments: HumanArguments) -> Result<HandOver, String> {
        let request = HandOver {
            id: None,
            user_id: arguments.user_id.unwrap_or_default(),
            reason: arguments.reason,
            last_message: arguments.last_message.unwrap_or_default(),
            priority: arguments.priority.unwrap_or_default(),
        };
        if context.caller.customer().is_none() && request.user_id.trim().is_empty() {
            return Err("user_id: it is empty; name the customer whose conversation needs a person".to_owned());
        }
        Ok(request)
    }

    fn order_id(&self, text: &str) -> Result<OrderId, String> {
        if self.desk.rules().patterns.is_order(text) {
            return Ok(OrderId::new(text));
        }
        Err(format!("order_id: “{}” is no order id; one looks like ORD000003", excerpt(text.trim(), 40)))
    }
}

#[cfg(test)]
mod tests;
