//! Decides what every backend of the store must do: the cases are run against each of them.
//!
//! It must never know which backend it runs on.
//!
//! The cases are in files by what they are about; this one holds what they share.
//!
//! A backend calls `contract_tests!` with an expression that makes a [`Fresh`] store.

mod corrections;
mod figures;
mod inbox;
mod keeping;
mod money;
mod news;
mod orders;
mod outbox;
mod properties;
mod search;
mod talk;
mod team;

use std::collections::HashSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::domain::alert::{AlertStatus, Handling, Priority};
use crate::domain::audit::AuditPhase;
use crate::domain::caller::Caller;
use crate::domain::conversation::WaitingFor;
use crate::domain::ids::IdPatterns;
use crate::domain::message::{Basis, Role};
use crate::domain::money::{Money, Percent};
use crate::domain::refund::{RefundPolicy, RefundRequest};

pub(super) use self::{
    corrections::*, figures::*, inbox::*, keeping::*, money::*, news::*, orders::*, outbox::*, properties::*,
    search::*, talk::*, team::*,
};

/// An empty store, and a way to open it once more as another process would.
pub(in crate::store) struct Fresh {
    pub(super) store: Arc<dyn Store>,
    pub(super) again: Box<dyn Fn() -> Arc<dyn Store> + Send>,
}

/// Runs every case of the contract, each on its own store.
macro_rules! contract_tests {
    (@cases $attributes:tt $fresh:expr) => {
        $crate::store::contract::contract_tests!(@each $attributes $fresh;
            an_order_comes_back_as_it_was_imported, import_modes, nothing_of_an_import_shows_before_its_commit,
            imports_do_not_stop_other_writers, a_repeated_order_in_one_import, refunds_survive_every_import,
            a_refund_is_paid_once_under_64_tasks, refunds_are_listed_latest_first, the_latest_quote_of_an_identity,
            the_first_to_bind_wins, lookups_are_limited, messages_keep_their_order, conversations_have_versions,
            one_writer_of_a_version_wins, a_turn_is_saved_whole_or_not_at_all, a_telephone_number_survives_every_import, pending_alerts_are_merged, an_alert_is_told_of_once_in_each_way, alerts_are_listed_by_urgency,
            the_audit_chain_holds_under_concurrency, a_sound_store_is_healthy,
            accepted_messages_are_kept_once, a_batch_is_accepted_once_by_many, messages_are_claimed_in_their_order,
            the_earliest_due_conversation_is_claimed, one_of_many_gets_a_claim, a_claim_of_one_customer,
            a_lease_runs_out_and_is_renewed, a_turn_is_finished_whole_or_not_at_all,
            an_overtaken_claim_changes_nothing, a_changed_conversation_is_told_from_a_lost_claim,
            messages_that_arrive_during_the_work_make_the_next_turn, a_long_burst_is_answered_in_parts,
            failures_come_back_and_are_parked, a_new_message_revives_a_parked_conversation,
            a_released_claim_does_not_count, the_backlog_is_counted, listeners_hear_of_work,
            messages_are_sent_in_order, one_of_many_gets_a_message_to_send, a_parked_message_lets_later_ones_pass,
            an_overtaken_sender_changes_nothing, retried_messages_are_sent_again, every_kind_of_message_comes_back,
            news_of_a_message_never_goes_back, news_settles_a_message_whose_answer_was_lost,
            a_message_that_failed_later_is_parked, a_burst_is_waited_for, leases_and_order_hold_in_any_history,
            what_is_old_is_removed_and_what_waits_stays, one_process_at_a_time_removes_what_is_old,
            a_cut_audit_trail_holds, a_trail_at_odds_is_not_cut, a_forgotten_customer_is_gone,
            a_turn_in_work_brings_nothing_back, talk_is_counted_as_by_hand, orders_and_refunds_are_counted_as_by_hand,
            conversations_are_found, a_reply_of_the_team_is_kept_whole, what_happens_changes_the_mark,
            an_alert_is_claimed_by_one, a_settled_alert_keeps_its_note, a_settled_alert_is_opened_again,
            one_alert_of_a_customer_is_opened_again, alerts_are_found, alerts_follow_the_rules_in_any_history,
            conversations_are_found_by_order_and_mode, messages_are_looked_through_so_far_and_further, news_of_a_message_changes_the_mark,
            corrections_replace_and_add, nothing_is_corrected_that_is_not_there, unsure_messages_are_found
        );
    };
    (@each $attributes:tt $fresh:expr; $($case:ident),+) => {
        $($crate::store::contract::contract_tests!(@one $attributes $fresh; $case);)+
    };
    (@one [$($attribute:tt)*] $fresh:expr; $case:ident) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        $($attribute)*
        async fn $case() {
            $crate::store::contract::$case($fresh).await;
        }
    };
    (ignored $reason:literal, $fresh:expr) => {
        $crate::store::contract::contract_tests!(@cases [#[ignore = $reason]] $fresh);
    };
    ($fresh:expr) => {
        $crate::store::contract::contract_tests!(@cases [] $fresh);
    };
}
pub(super) use contract_tests;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_750_000_000 + second).unwrap()
}

fn id(number: u32) -> OrderId {
    OrderId::new(&format!("ORD{number:06}"))
}

fn user(number: u32) -> UserId {
    UserId::new(format!("user-{number}"))
}

pub(super) fn order(number: u32) -> Order {
    Order {
        id: id(number),
        customer_id: format!("CUST{number:04}"),
        platform: "JioMart".to_owned(),
        placed: "19:29.5".to_owned(),
        placed_at: None,
        delivery_minutes: Some(30),
        category: "Beverages".to_owned(),
        value: Money::from_rupees(599),
        feedback: "“Good”, they said;\nत्वरित 👍".to_owned(),
        rating: Some(5),
        delayed: Some(false),
        refund_requested: Some(true),
        phone: None,
        date: None,
        status: None,
    }
}

pub(super) fn approved(number: u32) -> ApprovedRefund {
    let policy = RefundPolicy {
        refused_categories: Vec::new(),
        shipping_fee: Percent::default(),
        max_automatic: None,
        window_days: None,
        quote_valid: SignedDuration::from_mins(30),
        estimated_arrival: String::new(),
    };
    let request = RefundRequest {
        order: &order(number),
        quote: None,
        caller: &Caller::Operator { name: "contract".to_owned() },
        amount: None,
        reason: "items missing",
        patterns: &IdPatterns::default(),
        now: at(i64::from(number)),
        local: jiff::civil::datetime(2026, 1, 1, 0, 0, 0, 0),
    };
    policy.approve(&request).unwrap()
}

async fn import(store: &Arc<dyn Store>, mode: ImportMode, orders: Vec<Order>) -> Written {
    let mut import = store.begin_import(mode).await.unwrap();
    let written = import.write(orders).await.unwrap();
    import.commit().await.unwrap();
    written
}

fn record(number: u64) -> AuditRecord {
    AuditRecord {
        at: at(0),
        actor: "system".to_owned(),
        action: "process_refund".to_owned(),
        phase: AuditPhase::Finished,
        arguments: serde_json::json!({"number": number, "text": "₹ “quoted”"}),
        result: serde_json::Value::Null,
    }
}
