//! The tools that do something to an order beside paying it back: their descriptions, and their outcomes as JSON.
//!
//! It must never hold a rule about who agreed, or what the policy allows.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::definitions::{flag, input, number, object, optional, text, words};
use super::{CANCEL, CHANGE, Outcome, RETURN, ToolResult, ToolSpec};
use crate::domain::action::{Action, ActionRefusal, Wish};
use crate::domain::currency::ShopMoney;
use crate::domain::ids::OrderId;
use crate::domain::order::{Item, NamedItem, Order};
use crate::domain::phone::{self, Country};
use crate::domain::proposal::{ChangeField, Details, OrderChange, Proposal, ProposalKind, Resolution};
use crate::domain::refund::{Refund, Refusal};
use crate::domain::sentences::{Language, proposals};
use crate::domain::words::excerpt;
use crate::support::ActionOutcome;

/// The most characters of what somebody wants changed.
const LONGEST_VALUE: usize = 300;

/// One item as a caller names it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct ItemArguments {
    /// What it is called.
    pub name: Option<String>,
    /// The shop's number of the article.
    pub sku: Option<String>,
    /// How many; all of it when left out.
    #[schemars(with = "Option<u32>", extend("minimum" = 1))]
    pub quantity: Option<u32>,
}

/// An item: an object, or its name alone.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum ItemArgument {
    /// Its name or number.
    Name(String),
    /// The documented object.
    Item(ItemArguments),
}

/// The items as the domain reads them.
///
/// # Errors
/// When one has neither a name nor a number.
pub(super) fn named(items: &[ItemArgument]) -> Result<Vec<NamedItem>, String> {
    let mut named = Vec::with_capacity(items.len());
    for item in items {
        let (name, quantity) = match item {
            ItemArgument::Name(name) => (Some(name.as_str()), None),
            ItemArgument::Item(item) => (item.sku.as_deref().or(item.name.as_deref()), item.quantity),
        };
        match name.map(str::trim).filter(|name| !name.is_empty()) {
            Some(name) => named.push(NamedItem { name: excerpt(name, 200), quantity }),
            None => {
                return Err("items: one has no name; give each item its name or sku, as the order has it".to_owned());
            }
        }
    }
    Ok(named)
}

/// Arguments of [`CANCEL`].
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CancelArguments {
    /// The order id, such as ORD000003.
    pub order_id: String,
    /// Why the customer does not want it, in a few words.
    #[serde(default)]
    pub reason: String,
    /// What was said to go back with it. It is only compared: the amount is computed.
    #[schemars(with = "Option<f64>")]
    pub amount: Option<Value>,
}

/// Arguments of [`CHANGE`].
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeArguments {
    /// The order id, such as ORD000003.
    pub order_id: String,
    /// The new delivery address, whole.
    pub address: Option<String>,
    /// When it should come instead.
    pub delivery_slot: Option<String>,
    /// The telephone number that the carrier should call.
    pub phone: Option<String>,
    /// What the carrier should know, such as where to leave it.
    pub instructions: Option<String>,
}

/// Arguments of [`RETURN`].
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReturnArguments {
    /// The order id, such as ORD000003.
    pub order_id: String,
    /// The items that go back, by name or sku as the order has them; the whole order when left out.
    #[serde(default)]
    #[schemars(with = "Option<Vec<ItemArguments>>")]
    pub items: Vec<ItemArgument>,
    /// What the customer wants for them.
    #[schemars(with = "String", extend("enum" = ["refund", "replacement", "exchange"]))]
    pub resolution: Resolution,
    /// Why, in a few words.
    #[serde(default)]
    pub reason: String,
    /// What the customer wants instead, in an exchange: another size, colour, article.
    pub details: Option<String>,
    /// What was said to go back with it. It is only compared: the amount is computed.
    #[schemars(with = "Option<f64>")]
    pub amount: Option<Value>,
}

fn plain(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl CancelArguments {
    pub(super) fn wish(&self) -> Wish {
        let reason = excerpt(self.reason.trim(), 500);
        Wish { kind: ProposalKind::Cancel, details: Details::default(), reason }
    }
}

impl ChangeArguments {
    pub(super) fn wish(&self, country: Country) -> Result<Wish, String> {
        let given = [
            (ChangeField::Address, &self.address),
            (ChangeField::DeliverySlot, &self.delivery_slot),
            (ChangeField::Phone, &self.phone),
            (ChangeField::Instructions, &self.instructions),
        ];
        let given: Vec<(ChangeField, String)> =
            given.into_iter().filter_map(|(field, value)| Some((field, plain(value.as_deref()?)))).collect();
        let [(field, value)] = given.as_slice() else {
            return Err("give exactly one of address, delivery_slot, phone, instructions".to_owned());
        };
        let name = field.as_str();
        if value.is_empty() || value.chars().count() > LONGEST_VALUE {
            return Err(format!("{name}: it is empty or has more than {LONGEST_VALUE} characters"));
        }
        if *field == ChangeField::Phone && phone::read(value, country).is_err() {
            return Err(format!("{name}: “{}” is no telephone number", excerpt(value, 40)));
        }
        let change = Some(OrderChange { field: *field, value: value.clone() });
        Ok(Wish {
            kind: ProposalKind::Change,
            details: Details { change, ..Details::default() },
            reason: String::new(),
        })
    }
}

impl ReturnArguments {
    /// What is wanted. `order`: none where it was not found, so that nothing is read of it.
    pub(super) fn wish(&self, order: Option<&Order>) -> Result<Result<Wish, ActionRefusal>, String> {
        let named = named(&self.items)?;
        let items = match order.map(|order| order.items_named(&named)) {
            Some(Ok(items)) => items,
            Some(Err(name)) => return Ok(Err(Refusal::ItemUnknown { name }.into())),
            None => Vec::new(),
        };
        let wish = self.details.as_deref().map(plain).filter(|wish| !wish.is_empty());
        let wish = wish.filter(|_| self.resolution == Resolution::Exchange).map(|wish| excerpt(&wish, LONGEST_VALUE));
        Ok(Ok(Wish {
            kind: ProposalKind::Return,
            details: Details { items, resolution: Some(self.resolution), wish, ..Details::default() },
            reason: excerpt(self.reason.trim(), 500),
        }))
    }
}

/// Items as JSON.
pub(super) fn items_json(items: &[Item]) -> Value {
    serde_json::to_value(items).unwrap_or_default()
}

fn described(value: &mut Map<String, Value>, order: &OrderId, kind: ProposalKind, details: &Details) {
    value.insert("kind".into(), kind.as_str().into());
    value.insert("order_id".into(), order.as_str().into());
    if let Value::Object(details) = serde_json::to_value(details).unwrap_or_default() {
        value.extend(details);
    }
}

impl ToolResult {
    pub(super) fn acted(
        (order, wish): (OrderId, &Wish),
        outcome: ActionOutcome,
        (language, money, arrival): (Language, &ShopMoney, &str),
    ) -> Self {
        match outcome {
            ActionOutcome::NotFound => Self {
                value: json!({
                    "status": "refused", "code": "not_found", "reason": super::outcome::not_found_text(&order),
                    "error": super::outcome::not_found_text(&order),
                }),
                outcome: Outcome::NotFound(order),
            },
            ActionOutcome::Refused(refusal) => Self::declined(order, wish.kind, refusal, (language, money)),
            ActionOutcome::Proposed(proposal) => Self::proposed(proposal, (language, money)),
            ActionOutcome::Done { action, refund, already } => {
                Self::done((action, refund, already), (language, money, arrival))
            }
        }
    }

    pub(super) fn declined(
        order: OrderId,
        kind: ProposalKind,
        refusal: ActionRefusal,
        (language, money): (Language, &ShopMoney),
    ) -> Self {
        let value = json!({
            "status": "refused", "code": refusal.code(), "reason": refusal.reason(language, kind, money), "kind": kind,
            "order_id": order.as_str(), "needs_person": refusal.needs_person(),
        });
        Self { value, outcome: Outcome::Declined(order, kind, refusal) }
    }

    fn proposed(proposal: Proposal, (language, money): (Language, &ShopMoney)) -> Self {
        let amount = proposal.money();
        let shown = amount.map(|amount| money.show(amount));
        let summary =
            proposals::offer(language, proposal.kind, &proposal.order_id, &proposal.details, shown.as_deref());
        let mut value = Map::new();
        value.insert("status".into(), "needs_confirmation".into());
        value.insert("proposal_id".into(), proposal.id.as_str().into());
        described(&mut value, &proposal.order_id, proposal.kind, &proposal.details);
        value.insert("summary".into(), summary.into());
        if let Some(amount) = amount {
            value.insert("amount".into(), amount.to_json());
            value.insert("currency".into(), amount.currency.code().into());
        }
        value.insert("expires_at".into(), proposal.expires_at.to_string().into());
        Self { value: Value::Object(value), outcome: Outcome::Proposed(proposal) }
    }

    fn done(
        (action, refund, already): (Action, Option<Refund>, bool),
        (language, money, arrival): (Language, &ShopMoney, &str),
    ) -> Self {
        let mut value = Map::new();
        value.insert("status".into(), if already { "already_done" } else { "success" }.into());
        value.insert("action_id".into(), action.id.as_str().into());
        described(&mut value, &action.order_id, action.kind, &action.details);
        let later = action.amount.filter(|_| action.owes_money()).map(|amount| money.show(amount));
        let summary = if already {
            proposals::already_done(language, action.kind, &action.order_id)
        } else {
            proposals::done(language, action.kind, &action.order_id, &action.details, later.as_deref())
        };
        value.insert("summary".into(), summary.into());
        if let Some(amount) = action.amount {
            value.insert("amount".into(), amount.to_json());
            value.insert("currency".into(), amount.currency.code().into());
        }
        if let Some(refund) = &refund {
            value.insert("transaction_id".into(), refund.transaction_id.as_str().into());
            value.insert("amount_refunded".into(), refund.refunded().to_json());
            value.insert("currency".into(), refund.currency.code().into());
            value.insert("state".into(), refund.state().as_str().into());
            value.insert("simulated".into(), refund.is_simulated().into());
            value.insert("estimated_arrival".into(), arrival.into());
        }
        Self { value: Value::Object(value), outcome: Outcome::Acted { action, refund, already } }
    }
}

fn output() -> Value {
    object(
        json!({
            "status": words("What became of it: needs_confirmation means that nothing was changed.",
                &["needs_confirmation", "success", "refused", "already_done", "error"]),
            "kind": words("What it is.", &["cancel", "change", "return"]),
            "order_id": text("The order."),
            "proposal_id": text("What the customer has to agree to."),
            "summary": text("What is proposed, or was done, as a sentence for the customer."),
            "amount": number("What the customer gets back, in the order's currency; absent where no money goes back."),
            "currency": text("The currency of all amounts, by ISO 4217, such as INR."),
            "expires_at": text("Until when it can be agreed to, in UTC."),
            "items": {"type": "array", "items": {"type": "object"}, "description": "The items; the whole order where absent."},
            "change": {"type": "object", "description": "What is changed: field and value."},
            "resolution": text("What the customer gets for what goes back."),
            "wish": text("What the customer wants instead."),
            "action_id": text("What the team sees in its list."),
            "transaction_id": text("The refund that belongs to it."),
            "amount_refunded": number("What was paid back with it."),
            "state": text("How far that refund is: requested is not paid."),
            "simulated": flag("Whether no money moves: the shop has no payment service here."),
            "estimated_arrival": text("When the money arrives."),
            "code": text("Why not, as a short word."),
            "reason": text("Why not, as a sentence for the customer."),
            "needs_person": flag("Whether a person may still decide otherwise."),
            "error": optional("string", "The order was not found."),
        }),
        &["status"],
    )
}

/// What the description of each of these tools says of the customer's consent.
pub(super) const ASKS: &str = "The first call changes nothing and gives needs_confirmation: the customer is asked for a plain yes. \
    Call it again with the same arguments only in the turn in which they plainly agree.";
/// The same for programs that act for the team.
pub(super) const AT_ONCE: &str = "The first call does it, with the money that belongs to it: call it only once the customer has \
    plainly agreed, or the shop wants it.";

fn spec(name: &'static str, title: &'static str, what: &str, input: Value, destructive: bool) -> ToolSpec {
    ToolSpec {
        name: name.into(),
        title: title.into(),
        description: format!("{what} {ASKS}").into(),
        input,
        output: output(),
        writes: true,
        idempotent: true,
        destructive,
    }
}

pub(super) fn cancel() -> ToolSpec {
    spec(
        CANCEL,
        "Cancel an order",
        "Cancels an order that is not out for delivery yet, and pays back what was paid.",
        input::<CancelArguments>(),
        true,
    )
}

pub(super) fn change() -> ToolSpec {
    spec(
        CHANGE,
        "Change an order",
        "Changes exactly one of address, delivery_slot, phone, instructions of an order that is not out for delivery yet.",
        input::<ChangeArguments>(),
        false,
    )
}

pub(super) fn give_back() -> ToolSpec {
    spec(
        RETURN,
        "Return an order",
        "Arranges that delivered items go back, for a refund, the same once more (replacement) or something else (exchange).",
        input::<ReturnArguments>(),
        false,
    )
}
