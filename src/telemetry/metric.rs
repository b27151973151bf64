//! Decides what is counted, under which names, and how it is shown to Prometheus.
//!
//! It must never hold a text or an identity in a label: labels are words of the program.

use std::sync::OnceLock;

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// Webhooks, by `result`: accepted, unsigned (with `why`), malformed, failed.
pub const WEBHOOKS: &str = "ecomres_webhooks_total";
/// Messages of customers that were kept, by `kind`.
pub const MESSAGES: &str = "ecomres_messages_total";
/// Messages that were known already.
pub const REPEATED: &str = "ecomres_messages_repeated_total";
/// Parts of webhooks that were passed over.
pub const PASSED_OVER: &str = "ecomres_webhook_parts_passed_over_total";
/// Turns, by `outcome`: answered, silent, lost, failed.
pub const TURNS: &str = "ecomres_turns_total";
/// Seconds that a turn took.
pub const TURN_SECONDS: &str = "ecomres_turn_seconds";
/// Readings of messages, by `cause`; `cached` where the stored one still held.
pub const TRIAGE: &str = "ecomres_triage_total";
/// Tool calls, by `tool` and `result`: done, refused.
pub const TOOL_CALLS: &str = "ecomres_tool_calls_total";
/// Replies that were held back, by `what`.
pub const GUARD: &str = "ecomres_guard_hits_total";
/// Conversations that went to a person, by `by`: bot, team, failure.
pub const HAND_OVERS: &str = "ecomres_hand_overs_total";
/// Attempts to send, by `result`: sent, again, gave_up, paused; and by `kind`.
pub const SENDS: &str = "ecomres_sends_total";
/// News of messages, by `receipt`.
pub const RECEIPTS: &str = "ecomres_receipts_total";
/// Notifications of alerts, by `result`: told, failed.
pub const NOTIFICATIONS: &str = "ecomres_alert_notifications_total";
/// Conversations, by `state`: waiting, in_work, parked.
pub const CONVERSATIONS: &str = "ecomres_conversations";
/// Seconds that the oldest due conversation waits.
pub const QUEUE_AGE: &str = "ecomres_queue_age_seconds";
/// Messages to customers, by `state`: unsent, parked.
pub const UNSENT: &str = "ecomres_outgoing";

/// Upper ends of the ranges that durations are counted in, in seconds.
const SECONDS: [f64; 12] = [0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0];

/// Starts counting in this process, once; what was counted can be shown through the handle.
pub fn start() -> PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    let begin = || {
        let builder = PrometheusBuilder::new();
        let builder = builder.set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS);
        let recorder = builder.unwrap_or_else(|_| PrometheusBuilder::new()).build_recorder();
        let handle = recorder.handle();
        // Somebody else's recorder stays; then nothing is shown here.
        let _ = metrics::set_global_recorder(recorder);
        describe();
        handle
    };
    HANDLE.get_or_init(begin).clone()
}

fn describe() {
    for (name, text) in [
        (WEBHOOKS, "Webhooks that came"),
        (MESSAGES, "Messages of customers that were kept"),
        (REPEATED, "Messages that came again and were dropped"),
        (PASSED_OVER, "Parts of webhooks that were passed over: groups, unknown parts"),
        (TURNS, "Turns that ended"),
        (TRIAGE, "Turns by whether and why the message was read afresh"),
        (TOOL_CALLS, "Tool calls"),
        (GUARD, "Replies that were held back"),
        (HAND_OVERS, "Conversations that went to a person"),
        (SENDS, "Attempts to send"),
        (RECEIPTS, "News of messages to customers"),
        (NOTIFICATIONS, "Notifications of alerts"),
    ] {
        describe_counter!(name, Unit::Count, text);
    }
    describe_histogram!(TURN_SECONDS, Unit::Seconds, "Time that a turn took, the language model's included");
    describe_gauge!(CONVERSATIONS, Unit::Count, "Conversations with unanswered messages");
    describe_gauge!(QUEUE_AGE, Unit::Seconds, "How long the oldest due conversation waits");
    describe_gauge!(UNSENT, Unit::Count, "Messages to customers that were not sent");
}
