//! The tools: one catalogue for the language model and for MCP.
//!
//! It must never hold a rule about money or identity: a tool reads its arguments, calls the support service, and writes the
//! outcome as JSON.

mod actions;
mod arguments;
mod definitions;
mod outcome;
mod records;
mod remote;
mod remote_actions;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use serde_json::{Value, json};

use crate::domain::action::Wish;
use crate::domain::audit::{AuditPhase, AuditRecord, LEDGER};
use crate::domain::currency::ShopMoney;
use crate::domain::ids::{OrderId, Source, UserId, transport_phone};
use crate::domain::money::Decimal;
use crate::domain::order::PLACED_AT;
use crate::domain::ownership::Access;
use crate::domain::proposal::ProposalKind;
use crate::domain::sentences::Language;
use crate::domain::words::excerpt;
use crate::nlu::Classifier;
pub use crate::support::Context;
use crate::support::{HandoffRequest, SupportService};
pub use actions::{CancelArguments, ChangeArguments, ItemArgument, ItemArguments, ReturnArguments};
use arguments::read;
use definitions::named_amount;
pub use definitions::{
    CANCEL, CHANGE, CHECK_REFUND, CheckRefundArguments, FIND_ORDERS, FindOrdersArguments, HUMAN, HumanArguments,
    KNOWLEDGE, KnowledgeArguments, NAMES, ORDER, OrderArguments, REFUND, REFUND_STATUS, RETURN, RefundArguments,
    TRIAGE, ToolSpec, TriageArguments, catalogue,
};
pub use outcome::{Outcome, PHOTO_AWAITED};
pub use records::{RecordError, RecordName};
pub use remote::{ForeignTool, RemoteError, RemoteTools};

/// The most bytes of JSON that a call's arguments may hold: a customer's longest message fits.
const LARGEST_ARGUMENTS: usize = 262_144;

/// The most characters of a question that are read.
const LONGEST_QUERY: usize = 1_000;

/// What the model reads in place of every id.
const ID_IN_TRIAGE: &str = "ORD123456";

/// What a look at what would come of a call is called in the audit trail.
const FORESEE: &str = "foresee_action";

/// How far a wish goes.
#[derive(Debug, Clone, Copy)]
enum How {
    /// It is done; what the caller says goes back with it.
    Done(Option<Decimal>),
    /// It is only decided.
    Foreseen,
}

/// The result of a tool call: the documented JSON, and the same as a value that the agent can act on.
#[derive(Debug, Clone)]
pub struct ToolResult {
    /// The documented JSON.
    pub value: Value,
    /// What happened.
    pub outcome: Outcome,
}

/// All tools, over the support service and the classifier.
#[derive(Clone)]
pub struct Toolbox {
    support: SupportService,
    classifier: Arc<dyn Classifier>,
    offered: Arc<RwLock<Offered>>,
    remote: Option<Arc<dyn RemoteTools>>,
}

/// What may be called now: servers of third parties are connected to while others are served.
#[derive(Clone)]
struct Offered {
    specs: Arc<[ToolSpec]>,
    /// The same with an example of the shop's order ids.
    shown: Option<(String, Arc<[ToolSpec]>)>,
    foreign: HashMap<String, ForeignTool>,
}

impl Toolbox {
    /// The tools over a support service and a classifier.
    pub fn new(support: SupportService, classifier: Arc<dyn Classifier>) -> Self {
        let offered = Offered { specs: catalogue().into(), shown: None, foreign: HashMap::new() };
        Self { support, classifier, offered: Arc::new(RwLock::new(offered)), remote: None }
    }

    /// The same tools, run by another server. What the rules here forbid stays forbidden.
    #[must_use]
    pub fn with_remote(self, remote: Arc<dyn RemoteTools>) -> Self {
        Self { remote: Some(remote), ..self }
    }

    /// A toolbox of its own with tools of third parties added; those that are added to it later are not added to this one.
    #[must_use]
    pub fn with_foreign(self, tools: Vec<ForeignTool>) -> Self {
        let own = self.offered.read().unwrap_or_else(PoisonError::into_inner).clone();
        let own = Self { offered: Arc::new(RwLock::new(own)), ..self };
        own.add_foreign(tools);
        own
    }

    /// Adds tools of third parties, for all that share this toolbox. One that is called like a tool that is there is left
    /// out.
    pub fn add_foreign(&self, tools: Vec<ForeignTool>) {
        let mut offered = self.offered.write().unwrap_or_else(PoisonError::into_inner);
        let mut specs = offered.specs.to_vec();
        for tool in tools {
            if specs.iter().any(|spec| spec.name == tool.spec.name) {
                tracing::warn!(tool = %tool.spec.name, "there is a tool of this name already");
                continue;
            }
            specs.push(tool.spec.clone());
            offered.foreign.insert(tool.spec.name.clone().into_owned(), tool);
        }
        offered.specs = specs.into();
        offered.shown = None;
    }

    /// The catalogue, as it is now. Its example of an order id is the shop's.
    pub fn specs(&self) -> Arc<[ToolSpec]> {
        let patterns = self.support.patterns();
        let offered = self.offered.read().unwrap_or_else(PoisonError::into_inner);
        let Some(example) = patterns.example().filter(|_| patterns.source() != Source::Default) else {
            return Arc::clone(&offered.specs);
        };
        if let Some((_, specs)) = offered.shown.as_ref().filter(|(known, _)| known == example) {
            return Arc::clone(specs);
        }
        let own = |spec: &ToolSpec| !offered.foreign.contains_key(spec.name.as_ref());
        let shown = |spec: &ToolSpec| if own(spec) { spec.with_example(example) } else { spec.clone() };
        let specs: Arc<[ToolSpec]> = offered.specs.iter().map(shown).collect();
        drop(offered);
        let mut offered = self.offered.write().unwrap_or_else(PoisonError::into_inner);
        offered.shown = Some((example.to_owned(), Arc::clone(&specs)));
        specs
    }

    fn spec(&self, name: &str) -> Option<ToolSpec> {
        self.specs().iter().find(|spec| spec.name == name).cloned()
    }

    fn foreign(&self, name: &str) -> Option<ForeignTool> {
        self.offered.read().unwrap_or_else(PoisonError::into_inner).foreign.get(name).cloned()
    }

    /// The support service behind the tools.
    pub fn support(&self) -> &SupportService {
        &self.support
    }

    /// Whether the store behind the tools answers.
    pub async fn is_ready(&self) -> bool {
        self.support.is_ready().await
    }

    /// Runs a tool and records the call in the audit trail: before it runs, where it writes, and after.
    pub async fn call(&self, context: &Context, name: &str, arguments: Value) -> ToolResult {
        // A model's arguments may be of any size; what is recorded and parsed of them is limited.
        let size = arguments.to_string().len();
        let oversized = size > LARGEST_ARGUMENTS;
        let arguments = if oversized { json!({"left_out": format!("{size} bytes")}) } else { arguments };
        // Another server records what it did itself: the audit trail here must not claim it.
        let action = if self.remote.is_some() && self.foreign(name).is_none() {
            excerpt(&format!("elsewhere:{name}"), 64)
        } else {
            excerpt(name, 64)
        };
        let writes = !oversized && self.spec(name).is_some_and(|spec| spec.writes);
        // On record is the order that the call is about, whatever it is called there: the ledger is held against that.
        let mut told = arguments.clone();
        if writes
            && self.foreign(name).is_none()
            && let Some(text) = told["order_id"].as_str()
            && let Ok(id) = self.order_id(context, text).await
        {
            told["order_id"] = id.as_str().into();
        }
        let record = |phase, result| AuditRecord {
            at: context.now,
            actor: context.caller.actor(),
            action: action.clone(),
            phase,
            arguments: told.clone(),
            result,
        };
        if writes && let Err(error) = self.support.append_audit(&record(AuditPhase::Started, Value::Null)).await {
            return ToolResult::failed(name, &error);
        }
        let result = if oversized {
            ToolResult::wrong(format!("the arguments hold {size} bytes; {LARGEST_ARGUMENTS} are the most"))
        } else {
            self.run(context, name, arguments).await
        };
        let mut said = result.value.clone();
        if let Outcome::Refunded { refund, already: false }
        | Outcome::Acted { refund: Some(refund), already: false, .. } = &result.outcome
            && let Some(said) = said.as_object_mut()
        {
            // The whole row but for how far it is, so that no column of the ledger can be changed unseen.
            said.insert(LEDGER.to_owned(), refund.unchanging());
        }
        let finished = record(AuditPhase::Finished, said);
        let recorded = if writes {
            self.support.append_audit(&finished).await
        } else {
            self.support.append_audit_without_sync(&finished).await
        };
        match recorded {
            // What a writing tool did cannot be undone, and its start is recorded; no other result is returned unrecorded.
            Err(error) if !writes => ToolResult::failed(name, &error),
            Err(error) => {
                tracing::error!(tool = name, %error, "a finished call could not be put on record");
                result
            }
            Ok(()) => result,
        }
    }

    async fn run(&self, context: &Context, name: &str, arguments: Value) -> ToolResult {
        if let Some(tool) = self.foreign(name) {
            return tool.run(arguments).await;
        }
        let awaits =
            |order: &OrderId| context.caller.customer().is_some_and(|customer| customer.showing.lacks_photo_of(order));
        // What was offered while a photo was there that turned out to show nothing: the yes to it does nothing.
        if let Some(order) = self.confirmed(context, name, &arguments).await.filter(awaits) {
            return ToolResult::photo_awaited(order);
        }
        let ran = match &self.remote {
            Some(remote) => self.run_remote(remote.as_ref(), context, name, arguments).await,
            None => self.dispatch(context, name, arguments).await,
        };
        let result = ran.unwrap_or_else(ToolResult::wrong);
        // Wherever it was decided. What was proposed was not shown, so nobody can agree to it.
        match &result.outcome {
            Outcome::Quoted(proposal) | Outcome::Proposed(proposal)
                if matches!(proposal.kind, ProposalKind::Refund | ProposalKind::Return)
                    && awaits(&proposal.order_id) =>
            {
                ToolResult::photo_awaited(proposal.order_id.clone())
            }
            _ => result,
        }
    }

    /// The order that a call may pay back or take back at once: what is only asked about is decided first.
    async fn confirmed(&self, context: &Context, name: &str, arguments: &Value) -> Option<OrderId> {
        let customer = context.caller.customer()?;
        let writes = name == REFUND || (name == RETURN && customer.offers.is_some());
        let order = arguments["order_id"].as_str().filter(|_| writes && !customer.showing.faults.is_empty())?;
        self.order_id(context, order).await.ok()
    }

    /// What a call of [`CANCEL`] or [`RETURN`] would come to, without doing it: the amount that goes back is what a person is shown
    /// before they say yes. That somebody looked is on record.
    pub async fn foresee(&self, context: &Context, name: &str, arguments: Value) -> ToolResult {
        let spec = self.spec(name);
        let spec = spec.as_ref();
        let told = json!({"tool": name, "arguments": arguments.clone()});
        let foreseen = match name {
            _ if self.remote.is_some() => Err("what comes of it is decided elsewhere".to_owned()),
            CANCEL => match read::<CancelArguments>(spec, arguments) {
                Ok(wanted) => self.act(context, &wanted.order_id, &wanted.wish(), How::Foreseen).await,
                Err(error) => Err(error),
            },
            RETURN => match read::<ReturnArguments>(spec, arguments) {
                Ok(wanted) => self.give_back(context, &wanted, How::Foreseen).await,
                Err(error) => Err(error),
            },
            other => Err(self.no_such_tool(other)),
        };
        let result = foreseen.unwrap_or_else(ToolResult::wrong);
        let record = AuditRecord {
            at: context.now,
            actor: context.caller.actor(),
            action: FORESEE.to_owned(),
            phase: AuditPhase::Finished,
            arguments: told,
            result: result.value.clone(),
        };
        match self.support.append_audit_without_sync(&record).await {
            Ok(()) => result,
            Err(error) => ToolResult::failed(name, &error),
        }
    }

    /// Runs a tool; an error says what is wrong with the call.
    async fn dispatch(&self, context: &Context, name: &str, arguments: Value) -> Result<ToolResult, String> {
        let spec = self.spec(name);
        let spec = spec.as_ref();
        match name {
            TRIAGE => Ok(self.triage(&read(spec, arguments)?).await),
            ORDER => self.order(context, &read(spec, arguments)?).await,
            FIND_ORDERS => self.find_orders(context, &read(spec, arguments)?).await,
            CHECK_REFUND => self.check_refund(context, &read(spec, arguments)?).await,
            REFUND => self.refund(context, &read(spec, arguments)?).await,
            REFUND_STATUS => self.refund_status(context, &read(spec, arguments)?).await,
            CANCEL => {
                let arguments: CancelArguments = read(spec, arguments)?;
                let named = named_amount(arguments.amount.as_ref())?;
                self.act(context, &arguments.order_id, &arguments.wish(), How::Done(named)).await
            }
            CHANGE => {
                let arguments: ChangeArguments = read(spec, arguments)?;
                let wish = arguments.wish(self.support.rules().country)?;
                self.act(context, &arguments.order_id, &wish, How::Done(None)).await
            }
            RETURN => {
                let arguments: ReturnArguments = read(spec, arguments)?;
                let named = named_amount(arguments.amount.as_ref())?;
                self.give_back(context, &arguments, How::Done(named)).await
            }
            KNOWLEDGE => self.search_knowledge(context, &read(spec, arguments)?).await,
            HUMAN => self.human(context, read(spec, arguments)?).await,
            other => Err(self.no_such_tool(other)),
        }
    }

    fn no_such_tool(&self, name: &str) -> String {
        let specs = self.specs();
        let known: Vec<&str> = specs.iter().map(|spec| spec.name.as_ref()).collect();
        format!("there is no tool “{}”; there are: {}", excerpt(name, 64), known.join(", "))
    }

    async fn triage(&self, arguments: &TriageArguments) -> ToolResult {
        // An id is no word of the customer's: read as words, it changes what they seem to want.
        let text = self.support.patterns().with_ids_as(&arguments.text, ID_IN_TRIAGE);
        match self.classifier.classify(&text).await {
            Ok(prediction) => ToolResult::triaged(prediction),
            Err(error) => ToolResult::failed(TRIAGE, &error),
        }
    }

    async fn order(&self, context: &Context, arguments: &OrderArguments) -> Result<ToolResult, String> {
        let id = self.order_id(context, &arguments.order_id).await?;
        Ok(match self.support.record_lookup(context, &id, Access::See).await {
            Ok(Some(seen)) => {
                let placed = seen.order.placed_at.map(|at| at.to_string());
                let mut result = ToolResult::order(seen);
                // Another program that asks for its customers decides whose the order was at that time.
                if context.caller.customer().is_none() {
                    result.value[PLACED_AT] = placed.into();
                }
                result
            }
            Ok(None) => ToolResult::not_found(id),
            Err(error) => ToolResult::failed(ORDER, &error),
        })
    }

    async fn find_orders(&self, context: &Context, arguments: &FindOrdersArguments) -> Result<ToolResult, String> {
        let user = Self::whose_orders(context, arguments)?;
        Ok(match self.support.own_orders(&user).await {
            Ok(orders) => ToolResult::orders(orders),
            Err(error) => ToolResult::failed(FIND_ORDERS, &error),
        })
    }

    /// Whose orders are listed: in a conversation the customer's, whatever the arguments say.
    fn whose_orders(context: &Context, arguments: &FindOrdersArguments) -> Result<UserId, String> {
        if let Some(customer) = context.caller.customer() {
            return Ok(customer.user.clone());
        }
        let named = arguments.user_id.as_deref().unwrap_or_default().trim();
        let user = UserId::new(named.strip_prefix('+').unwrap_or(named));
        match transport_phone(&user) {
            Some(_) => Ok(user),
            None => Err(format!(
                "user_id: “{}” is no telephone number; give the customer's WhatsApp number with its country code, such as \
                 919845012345",
                excerpt(named, 40)
            )),
        }
    }

    async fn check_refund(&self, context: &Context, arguments: &CheckRefundArguments) -> Result<ToolResult, String> {
        let id = self.order_id(context, &arguments.order_id).await?;
        let named = actions::named(&arguments.items)?;
        Ok(match self.support.create_quote(context, &id, &named).await {
            Ok(outcome) => ToolResult::quoted(id, outcome, &self.support.rules().policy.money),
            Err(error) => ToolResult::failed(CHECK_REFUND, &error),
        })
    }

    async fn refund(&self, context: &Context, arguments: &RefundArguments) -> Result<ToolResult, String> {
        let id = self.order_id(context, &arguments.order_id).await?;
        let amount = named_amount(arguments.amount.as_ref())?;
        let named = actions::named(&arguments.items)?;
        let reason = excerpt(arguments.reason.trim(), 500);
        Ok(match self.support.pay(context, (&id, &named), amount, &reason).await {
            Ok(outcome) => {
                let policy = &self.support.rules().policy;
                ToolResult::paid(id, outcome, &policy.estimated_arrival, &policy.money)
            }
            Err(error) => ToolResult::failed(REFUND, &error),
        })
    }

    async fn act(&self, context: &Context, order: &str, wish: &Wish, how: How) -> Result<ToolResult, String> {
        let id = self.order_id(context, order).await?;
        let outcome = match how {
            How::Done(named) => self.support.act(context, &id, wish, named).await,
            How::Foreseen => self.support.foresee(context, &id, wish).await,
        };
        Ok(match outcome {
            Ok(outcome) => ToolResult::acted((id, wish), outcome, self.words(context)),
            Err(error) => ToolResult::failed(wish.kind.as_str(), &error),
        })
    }

    async fn give_back(&self, context: &Context, arguments: &ReturnArguments, how: How) -> Result<ToolResult, String> {
        let id = self.order_id(context, &arguments.order_id).await?;
        let order = match self.support.record_lookup(context, &id, Access::Money).await {
            Ok(seen) => seen.map(|seen| seen.order),
            Err(error) => return Ok(ToolResult::failed(RETURN, &error)),
        };
        match arguments.wish(order.as_ref())? {
            Ok(wish) => self.act(context, id.as_str(), &wish, how).await,
            Err(refusal) => {
                let (language, money, _) = self.words(context);
                Ok(ToolResult::declined(id, ProposalKind::Return, refusal, (language, money)))
            }
        }
    }

    /// In which words a result is put.
    fn words(&self, context: &Context) -> (Language, &ShopMoney, &str) {
        let policy = &self.support.rules().policy;
        (context.caller.language(), &policy.money, &policy.estimated_arrival)
    }

    async fn refund_status(&self, context: &Context, arguments: &OrderArguments) -> Result<ToolResult, String> {
        let id = self.order_id(context, &arguments.order_id).await?;
        Ok(match self.support.refund_status(context, &id).await {
            Ok(found) => ToolResult::refund_status(id, found, &self.support.rules().policy.estimated_arrival),
            Err(error) => ToolResult::failed(REFUND_STATUS, &error),
        })
    }

    async fn search_knowledge(&self, context: &Context, arguments: &KnowledgeArguments) -> Result<ToolResult, String> {
        let query = Self::query(arguments)?;
        Ok(match self.support.search_knowledge(context, &query).await {
            Ok(passages) => ToolResult::knowledge(passages),
            Err(error) => ToolResult::failed(KNOWLEDGE, &error),
        })
    }

    fn query(arguments: &KnowledgeArguments) -> Result<String, String> {
        match arguments.query.trim() {
            "" => Err("query: it is empty; give the customer's question".to_owned()),
            query => Ok(excerpt(query, LONGEST_QUERY)),
        }
    }

    async fn human(&self, context: &Context, arguments: HumanArguments) -> Result<ToolResult, String> {
        let request = Self::handoff_request(context, arguments)?;
        Ok(match self.support.request_handoff(context, request).await {
            Ok(alert) => ToolResult::handed_over(alert),
            Err(error) => ToolResult::failed(HUMAN, &error),
        })
    }

    fn handoff_request(context: &Context, arguments: HumanArguments) -> Result<HandoffRequest, String> {
        let request = HandoffRequest {
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

    /// The order that an argument names. A member of the team may name any order that there is, by its id or by the number
    /// that customers know.
    async fn order_id(&self, context: &Context, text: &str) -> Result<OrderId, String> {
        if context.caller.customer().is_none() {
            let refreshed = self.support.refresh_ids().await;
            match self.support.order_called(text).await {
                Ok(Some(id)) => return Ok(id),
                Ok(None) => {}
                Err(error) => tracing::warn!(%error, "an order could not be looked up by its name"),
            }
            if let Err(error) = refreshed {
                tracing::warn!(%error, "what order ids look like could not be read");
            }
        }
        let patterns = self.support.patterns_for(&context.caller);
        patterns.order_of(text).ok_or_else(|| {
            let like = patterns.example().map_or(String::new(), |example| format!("; one looks like {example}"));
            format!("order_id: “{}” is no order id{like}", excerpt(text.trim(), 40))
        })
    }
}

#[cfg(test)]
mod tests;
