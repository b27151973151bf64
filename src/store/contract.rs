//! The contract tests: every backend has to pass the same cases, which do not depend on the backend.
//!
//! The cases are in a file for each trait; this one holds what they share. A backend calls `contract_tests!` with an
//! expression that makes a [`TestStore`].

mod actions;
mod contacts;
mod conversations;
mod corrections;
mod desk;
mod events;
mod identities;
mod inbox;
mod knowledge_gaps;
mod media;
mod message_status;
mod money;
mod order_details;
mod orders;
mod outbox;
mod properties;
mod ratings;
mod retention;
mod search;
mod stats;
mod team;

use std::collections::HashSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::domain::action::Action;
use crate::domain::alert::{AlertStatus, Handling, Priority};
use crate::domain::audit::AuditPhase;
use crate::domain::caller::Caller;
use crate::domain::conversation::WaitingFor;
use crate::domain::ids::IdPatterns;
use crate::domain::message::{Basis, Role};
use crate::domain::money::{Money, Percent};
use crate::domain::refund::{ProviderKind, RefundPolicy, RefundRequest};

pub(super) use self::{
    actions::*, contacts::*, conversations::*, corrections::*, desk::*, events::*, identities::*, inbox::*,
    knowledge_gaps::*, media::*, message_status::*, money::*, order_details::*, orders::*, outbox::*, properties::*,
    ratings::*, retention::*, search::*, stats::*, team::*,
};

/// An empty store, and a way to open it once more as another process would.
pub(in crate::store) struct TestStore {
    pub(super) store: Arc<dyn Store>,
    pub(super) again: Box<dyn Fn() -> Arc<dyn Store> + Send>,
}

/// Runs every case of the contract, each on its own store.
macro_rules! contract_tests {
    (@cases $attributes:tt $fresh:expr) => {
        $crate::store::contract::contract_tests!(@each $attributes $fresh;
            an_order_comes_back_as_it_was_imported, the_forms_of_ids_are_learnt_with_the_orders, every_detail_of_an_order_comes_back, orders_are_read_by_their_ids, orders_are_found_by_every_name, orders_under_another_id_are_found, an_order_is_found_by_what_the_shop_calls_it,
            orders_are_found_by_their_numbers, an_order_is_replaced_by_a_newer_one_only, the_newest_of_many_upserts_stays, import_modes, nothing_of_an_import_shows_before_its_commit,
            imports_do_not_stop_other_writers, a_repeated_order_in_one_import, refunds_survive_every_import,
            a_refund_is_paid_once_under_64_tasks, amounts_keep_their_currency, refunds_are_listed_latest_first, a_due_refund_is_claimed_by_one,
            the_states_of_refunds_are_held_against_the_trail, the_latest_quote_of_an_identity,
            a_cancelled_order_is_paid_back_with_it, an_action_is_done_once_by_many, changes_and_returns_are_listed_and_done,
            the_money_of_a_return_goes_back_when_it_is_there, the_refund_of_another_part_pays_no_action, the_actions_of_a_customer_are_found,
            the_first_to_bind_wins, a_proven_binding_takes_over, identities_lead_to_a_customer,
            a_change_of_number_counts_once, what_one_identity_did_goes_to_another, lookups_are_limited, messages_keep_their_order, conversations_have_versions,
            one_writer_of_a_version_wins, a_turn_is_saved_whole_or_not_at_all, a_telephone_number_survives_every_import, pending_alerts_are_merged, an_alert_is_sent_once_through_each_channel, alerts_are_listed_by_urgency,
            the_audit_chain_holds_under_concurrency, a_sound_store_is_healthy,
            accepted_messages_are_saved_once, a_batch_is_accepted_once_by_many, messages_are_claimed_in_their_order,
            the_earliest_due_conversation_is_claimed, one_of_many_gets_a_claim, a_claim_of_one_customer,
            a_lease_runs_out_and_is_renewed, a_turn_is_finished_whole_or_not_at_all,
            an_overtaken_claim_changes_nothing, a_changed_conversation_differs_from_a_lost_claim,
            messages_that_arrive_during_the_work_make_the_next_turn, a_long_burst_is_answered_in_parts,
            failures_come_back_and_are_parked, a_new_message_revives_a_parked_conversation,
            a_released_claim_does_not_count, the_backlog_is_counted, listeners_hear_of_work,
            messages_are_sent_in_order, one_of_many_gets_a_message_to_send, a_parked_message_lets_later_ones_pass,
            an_overtaken_sender_changes_nothing, retried_messages_are_sent_again, every_kind_of_message_comes_back,
            a_message_status_never_goes_back, a_status_closes_a_message_whose_answer_was_lost,
            a_message_that_failed_later_is_parked, what_consent_rests_on_comes_back, messages_are_debounced, leases_and_order_hold_in_any_history,
            old_data_is_removed_and_waiting_data_stays, one_process_at_a_time_removes_old_data,
            a_trimmed_audit_trail_holds, a_differing_trail_is_not_trimmed, an_erased_customer_is_gone,
            a_turn_in_work_brings_nothing_back, conversations_are_counted, orders_and_refunds_are_counted,
            conversations_are_found, a_reply_of_the_team_is_saved_whole, every_change_changes_the_token,
            an_alert_is_claimed_by_one, a_resolved_alert_keeps_its_note, a_resolved_alert_is_reopened,
            one_alert_of_a_customer_is_reopened, alerts_are_found, alerts_follow_the_rules_in_any_history,
            conversations_are_found_by_order_and_mode, messages_are_scanned_in_steps, a_message_status_changes_the_token,
            corrections_replace_and_add, nothing_is_corrected_that_is_not_there, unsure_messages_are_found, unanswered_questions_are_kept_and_go,
            media_files_are_noted_once_and_claimed_by_one, media_files_belong_to_orders_and_go, contents_go_with_the_last_file_that_has_them,
            files_of_one_moment_keep_their_order, evidence_of_a_pending_alert_outlives_retention, a_store_has_one_name,
            photos_that_are_looked_at_keep_nobody_waiting,
            drafts_are_kept_and_go, internal_notes_are_kept_and_go, pins_are_kept_and_go, pins_of_conversations_that_go_on_stay, members_keep_entries, a_customer_is_asked_once_and_answers_once, the_orders_of_a_customer_are_listed,
            the_latest_message_of_a_customer_is_known, a_wish_about_messages_outlives_its_customer,
            what_did_not_reach_a_customer_is_found, what_the_set_up_is_to_blame_for_is_no_attempt, tallies_add_up,
            an_event_is_stored_with_its_fact_and_only_with_it, many_facts_of_one_customer_lose_no_event, every_state_of_a_refund_is_an_event,
            one_of_many_claims_an_event, a_failed_event_comes_back_and_is_parked_and_retried,
            endpoints_get_the_types_that_they_want, an_endpoint_is_closed_until_somebody_retries_it,
            delivered_events_are_removed_and_others_stay, an_erased_customers_events_name_nobody
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
        value: Some(Money::from_rupees(599)),
        feedback: "“Good”, they said;\nत्वरित 👍".to_owned(),
        rating: Some(5),
        delayed: Some(false),
        refund_requested: Some(true),
        phone: None,
        date: None,
        status: None,
        details: crate::domain::order::OrderDetails::default(),
    }
}

pub(super) fn approved(number: u32) -> ApprovedRefund {
    approved_through(ProviderKind::Ledger, number)
}

/// As well, with the provider who pays it.
pub(super) fn approved_through(provider: ProviderKind, number: u32) -> ApprovedRefund {
    let mut order = order(number);
    order.details.payment_id = Some(format!("pi_{number}"));
    approved_of(provider, &order, i64::from(number))
}

/// The refund of an order.
fn approved_of(provider: ProviderKind, order: &Order, second: i64) -> ApprovedRefund {
    let policy = RefundPolicy {
        refused_categories: Vec::new(),
        shipping_fee: Percent::default(),
        max_automatic: None,
        window_days: None,
        quote_valid: SignedDuration::from_mins(30),
        estimated_arrival: String::new(),
        provider,
        money: crate::domain::currency::ShopMoney::default(),
    };
    let request = RefundRequest {
        order,
        quote: None,
        caller: &Caller::Operator { name: "contract".to_owned() },
        items: &[],
        amount: None,
        reason: "items missing",
        patterns: &IdPatterns::default(),
        now: at(second),
        local: jiff::civil::datetime(2026, 1, 1, 0, 0, 0, 0),
    };
    policy.approve(&request).unwrap()
}

/// A resolution without a person and a note.
pub(super) fn resolved(at: Timestamp) -> Resolution {
    Resolution { at, by: None, note: String::new() }
}

async fn import(store: &Arc<dyn Store>, mode: ImportMode, orders: Vec<Order>) -> BatchOutcome {
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
