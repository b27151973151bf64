//! The names of everything that is counted, and how it is shown to Prometheus.
//!
//! Labels are words of the program and names from its settings, never a text or an identity of a customer.

use std::sync::OnceLock;

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// Webhooks, by `result`: accepted, unsigned and unread (with `why`), malformed, failed.
pub const WEBHOOKS: &str = "ecomres_webhooks_total";
/// Orders that came while the program ran, by `source` (api, shopify, woocommerce) and `result`: added, updated, unchanged, stale,
/// deleted, ignored, refused.
pub const LIVE_ORDERS: &str = "ecomres_live_orders_total";
/// Requests with orders, by `source` and `result`: saved, failed, malformed, denied, and why a body was not received.
pub const ORDER_REQUESTS: &str = "ecomres_order_requests_total";
/// Messages of customers that were saved, by `kind`.
pub const MESSAGES: &str = "ecomres_messages_total";
/// Messages that came again and were dropped.
pub const REPEATED: &str = "ecomres_messages_repeated_total";
/// Elements of webhooks that were skipped.
pub const PASSED_OVER: &str = "ecomres_webhook_parts_passed_over_total";
/// Elements of webhooks that are of a number that is not the shop's.
pub const OF_OTHERS: &str = "ecomres_webhook_parts_of_other_numbers_total";
/// Wishes of customers about messages, by `wish`: stop, start.
pub const WISHES: &str = "ecomres_opt_out_wishes_total";
/// Turns, by `outcome`: answered, silent, lost, failed.
pub const TURNS: &str = "ecomres_turns_total";
/// Seconds that a turn took.
pub const TURN_SECONDS: &str = "ecomres_turn_seconds";
/// Classifications of messages, by `cause`; `cached` where the stored one was still valid.
pub const TRIAGE: &str = "ecomres_triage_total";
/// Tool calls, by `tool` and `result`: done, refused.
pub const TOOL_CALLS: &str = "ecomres_tool_calls_total";
/// Replies that the guard refused, by `what`.
pub const GUARD: &str = "ecomres_guard_hits_total";
/// Conversations that went to a person, by `by`: bot, team, failure.
pub const HAND_OVERS: &str = "ecomres_hand_overs_total";
/// Attempts to send, by `result`: sent, again, `gave_up`, paused; and by `kind`.
pub const SENDS: &str = "ecomres_sends_total";
/// Delivery receipts, by `receipt`.
pub const RECEIPTS: &str = "ecomres_receipts_total";
/// Refunds that changed their state, by `provider` and by the new `state`: requested, submitted, paid, failed.
pub const REFUNDS: &str = "ecomres_refunds_total";
/// Files of customers, by `kind` and `result`: stored, again, `gave_up`, heard, unheard.
pub const MEDIA: &str = "ecomres_media_total";
/// Notifications of alerts, by `result`: told, failed.
pub const NOTIFICATIONS: &str = "ecomres_alert_notifications_total";
/// Attempts to deliver an event, by `endpoint` and `result`: delivered, again, parked, gone.
pub const EVENTS: &str = "ecomres_events_total";
/// Events on their way to endpoints, by `state`: waiting, parked.
pub const UNDELIVERED_EVENTS: &str = "ecomres_events_undelivered";
/// Seconds since the oldest event happened that is still on its way.
pub const EVENT_AGE: &str = "ecomres_events_age_seconds";
/// Conversations, by `state`: waiting, `in_work`, parked.
pub const CONVERSATIONS: &str = "ecomres_conversations";
/// Seconds that the oldest due conversation waits.
pub const QUEUE_AGE: &str = "ecomres_queue_age_seconds";
/// Messages to customers, by `state`: unsent, parked.
pub const UNSENT: &str = "ecomres_outgoing";
/// Connections of clients that are open.
pub const CONNECTIONS: &str = "ecomres_connections";
/// Connections that the server closed, by `why`: displaced, late, refused.
pub const CONNECTIONS_CLOSED: &str = "ecomres_connections_closed_total";
/// Requests to the language model, by `model` and `result`.
pub const LLM_REQUESTS: &str = "ecomres_llm_requests_total";
/// Seconds that a request to the language model took, by `model`.
pub const LLM_REQUEST_SECONDS: &str = "ecomres_llm_request_seconds";
/// Tokens that the language model charged for, by `kind`: prompt, completion.
pub const LLM_TOKENS: &str = "ecomres_llm_tokens_total";
/// Turns that were answered without the language model, by `why`.
pub const LLM_DEGRADED: &str = "ecomres_llm_degraded_total";
/// 1 while requests to the language model are suspended after repeated errors, otherwise 0.
pub const LLM_BREAKER_OPEN: &str = "ecomres_llm_breaker_open";

/// Upper bounds of the histogram buckets of durations, in seconds.
const SECONDS: [f64; 12] = [0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0];

/// Installs the recorder of this process, once; the handle renders what was counted.
pub fn start() -> PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    let begin = || {
        let builder = PrometheusBuilder::new();
        let builder = builder.set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS);
        let recorder = builder.unwrap_or_else(|_| PrometheusBuilder::new()).build_recorder();
        let handle = recorder.handle();
        // A recorder that is already installed stays; then this handle renders nothing.
        let _ = metrics::set_global_recorder(recorder);
        describe();
        handle
    };
    HANDLE.get_or_init(begin).clone()
}

fn describe() {
    for (name, text) in [
        (WEBHOOKS, "Webhooks that came"),
        (LIVE_ORDERS, "Orders that came over POST /orders"),
        (ORDER_REQUESTS, "Requests with orders"),
        (MESSAGES, "Messages of customers that were saved"),
        (REPEATED, "Messages that came again and were dropped"),
        (PASSED_OVER, "Elements of webhooks that were skipped: groups, unknown elements"),
        (OF_OTHERS, "Elements of webhooks that are of a number that is not the shop's"),
        (WISHES, "Wishes of customers to get no messages, or messages again"),
        (TURNS, "Turns that ended"),
        (TRIAGE, "Turns by whether and why the message was read afresh"),
        (TOOL_CALLS, "Tool calls"),
        (GUARD, "Replies that the guard refused"),
        (HAND_OVERS, "Conversations that went to a person"),
        (SENDS, "Attempts to send"),
        (RECEIPTS, "Delivery receipts of messages to customers"),
        (REFUNDS, "Refunds that changed their state"),
        (MEDIA, "Files of customers that were fetched, and recordings that were heard"),
        (NOTIFICATIONS, "Notifications of alerts"),
        (EVENTS, "Attempts to deliver events to the shop's other systems"),
        (CONNECTIONS_CLOSED, "Connections that were closed for others, for their time, or at once"),
        (LLM_REQUESTS, "Requests to the language model"),
        (LLM_TOKENS, "Tokens that the language model charged for"),
        (LLM_DEGRADED, "Turns that were answered without the language model"),
    ] {
        describe_counter!(name, Unit::Count, text);
    }
    describe_histogram!(TURN_SECONDS, Unit::Seconds, "Time that a turn took, the language model's included");
    describe_histogram!(LLM_REQUEST_SECONDS, Unit::Seconds, "Time that a request to the language model took");
    describe_gauge!(LLM_BREAKER_OPEN, Unit::Count, "1 while requests to the language model are suspended");
    describe_gauge!(CONVERSATIONS, Unit::Count, "Conversations with unanswered messages");
    describe_gauge!(QUEUE_AGE, Unit::Seconds, "How long the oldest due conversation waits");
    describe_gauge!(CONNECTIONS, Unit::Count, "Connections of clients that are open");
    describe_gauge!(UNDELIVERED_EVENTS, Unit::Count, "Events that are not at their endpoints yet");
    describe_gauge!(EVENT_AGE, Unit::Seconds, "How long ago the oldest event happened that is still on its way");
    describe_gauge!(UNSENT, Unit::Count, "Messages to customers that were not sent");
}
