//! Calls of tools in a conversation: one line that says what was done, and what was asked and answered below it.

use maud::{Markup, html};
use serde_json::Value;

use super::layout;
use crate::domain::audit::AuditRecord;

/// What came of a refund, in words: only what a provider paid is paid.
fn refund(result: &Value, (order, amount): (&str, Option<String>)) -> String {
    let text = |name: &str| result.get(name).and_then(Value::as_str).unwrap_or_default();
    let simulated = result.get("simulated").and_then(Value::as_bool).unwrap_or_default();
    let Some(amount) = amount.filter(|_| ["success", "already_refunded"].contains(&text("status"))) else {
        let why = text("message");
        let was = format!("was to pay {order} back");
        return if why.is_empty() { was } else { format!("{was}: {why}") };
    };
    let state = if simulated { "simulated" } else { text("state") };
    if text("status") == "already_refunded" {
        return format!("found a refund of {amount} of {order} on record: {state}").trim_end_matches(": ").to_owned();
    }
    match state {
        "paid" => format!("paid {amount} of {order} back"),
        "simulated" => format!("noted {amount} of {order} as paid back: no money is moved"),
        "failed" => format!("could not pay {amount} of {order} back"),
        _ => format!("asked for {amount} of {order} to be paid back"),
    }
}

/// What a call did, in words: what it was about, and what came of it.
fn said(call: &AuditRecord) -> String {
    let text = |of: &Value, name: &str| of.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let order = match text(&call.arguments, "order_id") {
        order if order.is_empty() => "an order".to_owned(),
        order => order,
    };
    let result = &call.result;
    let money = |name: &str| {
        let amount = result.get(name).filter(|amount| amount.is_number()).map(Value::to_string);
        amount.map(|amount| format!("{amount} {}", text(result, "currency")))
    };
    let done = match call.action.as_str() {
        "smart_triage_nlu" => {
            let read = [text(result, "intent"), text(result, "sentiment")].map(|label| layout::in_words(&label));
            format!("read the message: {}", read.join(", "))
        }
        "query_order_database" => format!("looked {order} up"),
        "find_orders" => match result.get("orders").and_then(Value::as_array).map(Vec::len) {
            Some(count) => format!("looked for the customer’s orders: {count}"),
            None => "looked for the customer’s orders".to_owned(),
        },
        "check_refund_eligibility" => match (result.get("eligible").and_then(Value::as_bool), money("refund_amount")) {
            (Some(true), Some(amount)) => format!("found that {amount} of {order} may go back"),
            (Some(false), _) if result.get("state").is_some() => {
                format!("found a refund of {order} on record: {}", text(result, "state"))
            }
            (Some(false), _) => format!("found that nothing of {order} may go back"),
            _ => format!("asked whether {order} may be paid back"),
        },
        "process_refund" => refund(result, (&order, money("amount_refunded"))),
        "cancel_order" => format!("was to call {order} off"),
        "change_order" => format!("was to change {order}"),
        "return_order" => format!("was to take {order} back"),
        "refund_status" => format!("looked how far the refund of {order} is"),
        "search_knowledge" => match result.get("answerable").and_then(Value::as_bool) {
            Some(true) => "found an answer in the shop’s documents".to_owned(),
            Some(false) => "found no answer in the shop’s documents".to_owned(),
            None => "searched the shop’s documents".to_owned(),
        },
        "request_human_intervention" => "asked for a person".to_owned(),
        other => layout::in_words(other),
    };
    match text(result, "error") {
        error if error.is_empty() => done,
        error => format!("{done}: {error}"),
    }
}

/// A call, folded into its line.
pub(super) fn shown(call: &AuditRecord, key: &str) -> Markup {
    let who = call.actor.strip_prefix("operator:").unwrap_or("Bot");
    html! {
        details.call data-key=(key) {
            summary title="From the latest 5,000 entries of the audit trail" { (who) " " (said(call)) }
            p.note { code { (call.action) } }
            pre { (serde_json::to_string_pretty(&call.arguments).unwrap_or_default()) }
            pre { (serde_json::to_string_pretty(&call.result).unwrap_or_default()) }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::audit::AuditPhase;

    #[test]
    fn a_call_is_a_sentence() {
        let call = |action: &str, result: Value| {
            said(&AuditRecord {
                at: jiff::Timestamp::UNIX_EPOCH,
                actor: "customer:1".to_owned(),
                action: action.to_owned(),
                phase: AuditPhase::Finished,
                arguments: json!({"order_id": "ORD1"}),
                result,
            })
        };
        assert_eq!(call("query_order_database", json!({"Order ID": "ORD1"})), "looked ORD1 up");
        assert_eq!(call("query_order_database", json!({"error": "It is not."})), "looked ORD1 up: It is not.");
        let offered = json!({"eligible": true, "refund_amount": 599, "currency": "INR"});
        assert_eq!(call("check_refund_eligibility", offered), "found that 599 INR of ORD1 may go back");
        assert_eq!(call("process_refund", Value::Null), "was to pay ORD1 back");
        let denied = json!({"status": "denied", "code": "expired", "message": "Ask again."});
        assert_eq!(call("process_refund", denied), "was to pay ORD1 back: Ask again.");
        let refunded = |status: &str, state: &str, simulated: bool| {
            let result = json!({
                "status": status, "amount_refunded": 599, "currency": "INR", "state": state, "simulated": simulated,
            });
            call("process_refund", result)
        };
        assert_eq!(refunded("success", "paid", false), "paid 599 INR of ORD1 back");
        for (state, simulated) in [("requested", false), ("submitted", false), ("failed", false), ("paid", true)] {
            let told = refunded("success", state, simulated);
            assert!(!told.starts_with("paid "), "{state}: {told}");
        }
        assert_eq!(refunded("success", "requested", false), "asked for 599 INR of ORD1 to be paid back");
        let before = "found a refund of 599 INR of ORD1 on record: failed";
        assert_eq!(refunded("already_refunded", "failed", false), before);
        let under_way = json!({"eligible": false, "state": "submitted", "already_refunded": false});
        assert_eq!(call("check_refund_eligibility", under_way), "found a refund of ORD1 on record: submitted");
        assert_eq!(
            call("smart_triage_nlu", json!({"intent": "track_order", "sentiment": "neutral"})),
            "read the message: track order, neutral"
        );
        assert_eq!(call("other_tool", Value::Null), "other tool");
    }
}
