//! Proposals of changes: the calls that make them, made again after a yes or beside an answer, and what came of them.
//!
//! It must never say that something was done which no result says.

use serde_json::{Value, json};

use super::notes::say;
use super::plan::{Plan, Step};
use super::{money, results};
use crate::domain::conversation::{Offer, PendingCall, WaitingFor};
use crate::domain::currency::ShopMoney;
use crate::domain::ids::OrderId;
use crate::domain::proposal::ProposalKind;
use crate::domain::refund::RefundState;
use crate::domain::sentences::{Language, actions, join, remedies};
use crate::domain::wish::Wish;
use crate::llm::{ChatReply, Notes};
use crate::tools::{CANCEL, CHANGE, RETURN};

/// The call that a proposal was made by; `None` where it is a refund, or not known exactly.
pub(super) fn call_of(offer: &Offer, reason: &str) -> Option<PendingCall> {
    let (order, details) = (&offer.order_id, &offer.details);
    let (tool, arguments) = match offer.kind {
        ProposalKind::Refund => return None,
        ProposalKind::Cancel => (CANCEL, json!({"order_id": order, "reason": reason})),
        ProposalKind::Change => {
            let change = details.change.as_ref()?;
            let mut arguments = json!({"order_id": order});
            arguments[change.field.as_str()] = change.value.as_str().into();
            (CHANGE, arguments)
        }
        ProposalKind::Return => {
            let mut arguments =
                json!({"order_id": order, "resolution": details.resolution?.as_str(), "reason": reason});
            if !details.items.is_empty() {
                arguments["items"] = serde_json::to_value(&details.items).ok()?;
            }
            if let Some(wish) = &details.wish {
                arguments["details"] = wish.as_str().into();
            }
            (RETURN, arguments)
        }
    };
    Some(PendingCall { tool: tool.to_owned(), arguments })
}

/// What a call is made for.
fn wish_of(call: &PendingCall) -> Wish {
    let has = |name: &str| call.arguments.get(name).is_some();
    match (call.tool.as_str(), results::field(&call.arguments, "resolution")) {
        (CANCEL, _) => Wish::Cancel,
        (RETURN, "replacement") => Wish::Replacement,
        (RETURN, "exchange") => Wish::Exchange,
        (RETURN, _) => Wish::Return,
        _ if has("address") => Wish::ChangeAddress,
        _ if has("delivery_slot") => Wish::ChangeSlot,
        _ if has("phone") => Wish::ChangeContact,
        _ => Wish::Instructions,
    }
}

/// Two replies of one turn as one; what either asks for stays open.
pub(super) fn joined(first: ChatReply, second: ChatReply) -> ChatReply {
    let text = format!("{}\n{}", first.text, second.text);
    let waits = |reply: &ChatReply| reply.notes.as_ref().is_some_and(|notes| notes.waiting_for != WaitingFor::Nothing);
    let (waits_first, waits_second) = (waits(&first), waits(&second));
    let mut reply = if waits_first && !waits_second { first.clone() } else { second };
    if waits_first
        && waits_second
        && let Some(of_first) = first.notes.and_then(|notes| notes.pending)
        && let Some(of_both) = reply.notes.as_mut().and_then(|notes| notes.pending.as_mut())
    {
        of_both.calls.splice(0..0, of_first.calls);
        of_both.orders.splice(0..0, of_first.orders);
    }
    reply.text = text;
    reply
}

impl Plan<'_> {
    /// Makes calls that were proposed: they do it after a yes, and propose it anew otherwise. `None` where there are none.
    pub(super) fn make_calls(&mut self, calls: &[PendingCall], lead: &str) -> Step<Option<ChatReply>> {
        let mut all: Option<ChatReply> = None;
        for call in calls {
            let lead = if all.is_none() { lead } else { "" };
            let next = self.propose(wish_of(call), &call.tool, call.arguments.clone(), lead)?;
            all = Some(match all {
                Some(before) => joined(before, next),
                None => next,
            });
        }
        Ok(all)
    }

    /// Calls a tool that changes something, and tells what came of it.
    pub(super) fn propose(&mut self, wish: Wish, tool: &str, arguments: Value, lead: &str) -> Step<ChatReply> {
        let language = self.language();
        let result = self.tool(tool, arguments.clone())?;
        let id = OrderId::new(results::field(&arguments, "order_id"));
        let shown = self.conversation().name_of(&id).clone();
        match results::field(result, "status") {
            "needs_confirmation" => {
                let summary = results::field(result, "summary");
                let asks = summary.trim_end().ends_with(['?', '؟']);
                let question = if asks { "" } else { actions::confirm(language) };
                let mut notes = self.notes(WaitingFor::Consent, false);
                if let Some(pending) = &mut notes.pending {
                    pending.wish = Some(wish);
                    pending.orders = vec![id];
                    pending.calls = vec![PendingCall { tool: tool.to_owned(), arguments }];
                }
                // What ends in the customer's own words is parted from the question.
                let ends = summary.ends_with(['.', '?', '!', '।', '؟']);
                let asked = if ends { join([summary, question]) } else { format!("{summary}\n{question}") };
                let text = if lead.ends_with('\n') { format!("{lead}{asked}") } else { join([lead, asked.as_str()]) };
                Ok(say(&text, notes))
            }
            "success" => {
                let text = done(language, self.money(), tool, (&arguments, result), &shown);
                Ok(say(&text, Notes::default()))
            }
            status if status.starts_with("already") => {
                Ok(say(&join([lead, actions::already_done(language, &shown).as_str()]), Notes::default()))
            }
            "refused" | "denied" => self.refused(wish, &id, result, lead),
            _ if results::is_not_found(result) => self.none_found(&[id]),
            _ => self.request_handoff("What the customer wants could not be done by the program", "medium"),
        }
    }
}

/// What a tool did, and how far the money is that belongs to it. `call`: its arguments and its result.
pub(in crate::llm) fn done(
    language: Language,
    shop: &ShopMoney,
    tool: &str,
    (arguments, result): (&Value, &Value),
    order: &OrderId,
) -> String {
    let resolution = results::field(arguments, "resolution");
    let what = match (tool, resolution) {
        (CANCEL, _) => actions::cancelled(language, order),
        (CHANGE, _) => actions::changed(language, order),
        (_, "replacement") => actions::replaced(language, order),
        (_, "exchange") => actions::exchanged(language, order),
        _ => actions::returned(language, order),
    };
    let transaction = results::field(result, "transaction_id");
    let back = match transaction {
        "" if tool == RETURN && matches!(resolution, "refund" | "") => match results::amount(result, "amount", shop) {
            none if none.is_empty() => String::new(),
            later => remedies::once_it_is_back(language, later),
        },
        "" => String::new(),
        _ if results::refund_state(result) == RefundState::Paid => {
            let amount = results::amount(result, "amount_refunded", shop);
            actions::goes_back(language, amount, transaction)
        }
        _ => money::refunded(language, shop, result, order),
    };
    join([what.as_str(), back.as_str()])
}
