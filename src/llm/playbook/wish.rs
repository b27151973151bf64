//! What is wished, from the model's reading of a message and from what the message says beside it.
//!
//! It must never make money of a complaint: only a wish for money is one.

use super::said::{Cue, Said};
use crate::domain::conversation::Triage;
use crate::domain::topic::intent;
use crate::domain::wish::Wish;

/// Below this confidence the topic is left aside and the intent decides.
const SURE_OF_TOPIC: f64 = 0.4;
/// From this confidence on the words of a message do not change what the model says is wished.
const CERTAIN: f64 = 0.6;
/// From this confidence on a message counts as urgent.
const URGENT: f64 = 0.5;

/// The wish of a message. `clarify_below`: the confidence below which the intent says nothing.
pub(super) fn of(triage: &Triage, said: &Said, clarify_below: f64) -> Wish {
    if triage.urgency == "danger" {
        return Wish::Danger;
    }
    let topic = (!triage.topic.is_empty() && triage.topic_confidence >= SURE_OF_TOPIC)
        .then(|| by_topic(&triage.topic, &triage.sentiment))
        .flatten();
    let read = match topic {
        Some(wish) => wish,
        None if triage.intent_confidence < clarify_below => Wish::Unsure,
        None => by_intent(triage, said),
    };
    let certain = topic.is_some() && triage.topic_confidence >= CERTAIN;
    // A person is called for a charge at once: then the intent has to be about a payment as well.
    let doubtful =
        matches!(read, Wish::DoubleCharge | Wish::WrongCharge) && !certain && triage.intent != intent::PAYMENT;
    let read = if doubtful { Wish::Unsure } else { read };
    let wish = refined(read, said, certain);
    let grave = triage.urgency == "serious" && triage.urgency_confidence >= URGENT;
    if grave && wish != Wish::Fraud { Wish::Serious } else { wish }
}

/// The wish of a topic; the labels are those of `data/LABELS.md`.
fn by_topic(topic: &str, sentiment: &str) -> Option<Wish> {
    Some(match topic {
        "track" => Wish::Track,
        "late" => Wish::Late,
        "not_received" => Wish::NotReceived,
        "missing_item" => Wish::MissingItem,
        "wrong_item" => Wish::WrongItem,
        "damaged_item" | "bad_quality" => Wish::Damaged,
        "cancel" => Wish::Cancel,
        "undo_cancel" => Wish::UndoCancel,
        "return" => Wish::Return,
        "exchange" => Wish::Exchange,
        "replacement" => Wish::Replacement,
        "refund_request" => Wish::RefundWhole,
        "partial_refund" => Wish::RefundPart,
        "refund_status" => Wish::RefundStatus,
        "address_change" => Wish::ChangeAddress,
        "slot_change" => Wish::ChangeSlot,
        "contact_change" => Wish::ChangeContact,
        "delivery_instructions" => Wish::Instructions,
        "item_change" | "reorder" => Wish::ItemChange,
        "double_charge" => Wish::DoubleCharge,
        "wrong_charge" => Wish::WrongCharge,
        "failed_payment" => Wish::FailedPayment,
        "coupon" => Wish::Coupon,
        "invoice" => Wish::Invoice,
        "wallet" | "payment_methods" | "product_question" | "price_stock" | "delivery_area" | "delivery_terms"
        | "policy_returns" | "policy_warranty" | "membership" | "account" | "privacy" | "store_hours"
        | "careers_business" | "app_issue" => Wish::Question,
        "human" => Wish::Human,
        "courier_conduct" | "staff_conduct" if sentiment == "positive" => Wish::Praise,
        "courier_conduct" | "staff_conduct" => Wish::Conduct,
        "praise" => Wish::Praise,
        "criticism" => Wish::Criticism,
        "fraud_report" => Wish::Fraud,
        "opt_out" => Wish::OptOut,
        "greeting" | "thanks" | "goodbye" | "chit_chat" => Wish::SmallTalk,
        "out_of_scope" => Wish::OutOfScope,
        "answer" => Wish::Unsure,
        _ => return None,
    })
}

/// The wish of an intent, where the model tells no topic: what the words say decides between its parts.
fn by_intent(triage: &Triage, said: &Said) -> Wish {
    match triage.intent.as_str() {
        intent::TRACK => Wish::Track,
        intent::DELAY if said.has(Cue::Delivered) && said.has(Cue::Not) => Wish::NotReceived,
        intent::DELAY => Wish::Late,
        intent::CONTENT => complaint(said).unwrap_or(Wish::Damaged),
        intent::REFUND if said.cancels() => Wish::Cancel,
        intent::REFUND if said.asks_where_money_is() => Wish::RefundStatus,
        intent::REFUND if said.has(Cue::Return) && !said.wants_money() => Wish::Return,
        intent::REFUND => Wish::RefundWhole,
        intent::MANAGE if said.withdraws() && !said.has(Cue::Instructions) => Wish::UndoCancel,
        intent::MANAGE if said.has(Cue::Exchange) => Wish::Exchange,
        intent::MANAGE if said.has(Cue::Address) => Wish::ChangeAddress,
        intent::MANAGE if said.has(Cue::Phone) => Wish::ChangeContact,
        intent::MANAGE if said.has(Cue::Instructions) => Wish::Instructions,
        intent::MANAGE if said.has(Cue::Slot) => Wish::ChangeSlot,
        intent::MANAGE => Wish::ItemChange,
        intent::PAYMENT if said.has(Cue::Coupon) => Wish::Coupon,
        intent::PAYMENT if said.has(Cue::Invoice) && !said.has(Cue::Money) => Wish::Invoice,
        intent::PAYMENT if said.has(Cue::Twice) => Wish::DoubleCharge,
        intent::PAYMENT if said.has(Cue::Failed) => Wish::FailedPayment,
        intent::PAYMENT => Wish::WrongCharge,
        intent::FEEDBACK if triage.sentiment == "positive" => Wish::Praise,
        intent::FEEDBACK if triage.sentiment == "negative" && said.has(Cue::Conduct) => Wish::Conduct,
        intent::FEEDBACK => Wish::Criticism,
        intent::HUMAN => Wish::Human,
        _ => Wish::Question,
    }
}

/// Which fault of what came is told of.
pub(super) fn complaint(said: &Said) -> Option<Wish> {
    if said.has(Cue::Damaged) {
        return Some(Wish::Damaged);
    }
    if said.has(Cue::Wrong) {
        return Some(Wish::WrongItem);
    }
    said.misses().then_some(Wish::MissingItem)
}

/// The wish, narrowed by what the message says.
fn refined(read: Wish, said: &Said, certain: bool) -> Wish {
    let another = said.has(Cue::Replacement);
    match read {
        // “Rather the money than another one.”
        Wish::Replacement | Wish::Exchange if said.prefers_money() => Wish::RefundWhole,
        // What goes back and is to bring no money is exchanged.
        Wish::Return if said.declines_money() && without_money(said) == Wish::Criticism => Wish::Exchange,
        // Money that is refused is no wish for it, and no refusal of everything else.
        Wish::RefundWhole | Wish::RefundPart | Wish::Return if said.declines_money() => without_money(said),
        Wish::RefundWhole | Wish::RefundPart if said.asks_where_money_is() && !certain => Wish::RefundStatus,
        Wish::RefundWhole | Wish::ItemChange if said.cancels() => Wish::Cancel,
        Wish::Cancel if said.withdraws() && !said.cancels() => Wish::UndoCancel,
        Wish::MissingItem | Wish::WrongItem | Wish::Damaged | Wish::NotReceived if said.wants_money() => {
            Wish::RefundWhole
        }
        Wish::Late if said.wants_money() && !certain => Wish::RefundWhole,
        // Who has sent it back asks what became of the money.
        Wish::Return if said.asks_where_money_is() => Wish::RefundStatus,
        Wish::Return if said.has(Cue::Exchange) && !said.refuses(Cue::Exchange) && !said.wants_money() => {
            Wish::Exchange
        }
        // “Where is the one? And the other is broken, I want its price.”
        Wish::Track if said.wants_money() && complaint(said).is_some() => Wish::RefundWhole,
        // The goods are to go back for their money.
        Wish::RefundWhole if said.gives_back() && complaint(said).is_none() => Wish::Return,
        Wish::MissingItem | Wish::WrongItem | Wish::Damaged if another || said.asks_to_send() => Wish::Replacement,
        Wish::ItemChange | Wish::Question | Wish::Unsure if another && complaint(said).is_some() => Wish::Replacement,
        Wish::Question | Wish::Unsure | Wish::OutOfScope
            if !certain && (said.looks_for_order() || said.has(Cue::AllOrders) && said.words.len() <= 9) =>
        {
            Wish::Track
        }
        Wish::Damaged if said.has(Cue::Repair) => Wish::Question,
        Wish::ItemChange if said.has(Cue::Exchange) => Wish::Exchange,
        Wish::Unsure => from_words(said).unwrap_or(Wish::Unsure),
        other => other,
    }
}

/// What is wished by somebody who wants no money.
fn without_money(said: &Said) -> Wish {
    if said.has(Cue::Repair) {
        return Wish::Question;
    }
    if said.has(Cue::Exchange) {
        return Wish::Exchange;
    }
    if said.has(Cue::Replacement) || said.asks_to_send() {
        return Wish::Replacement;
    }
    if said.has(Cue::Remedy) {
        return Wish::Late;
    }
    complaint(said).unwrap_or(Wish::Criticism)
}

/// What words alone say plainly, where the model is not sure of anything.
fn from_words(said: &Said) -> Option<Wish> {
    if said.has(Cue::Person) {
        return Some(Wish::Human);
    }
    if said.cancels() {
        return Some(Wish::Cancel);
    }
    if said.asks_where_money_is() {
        return Some(Wish::RefundStatus);
    }
    if said.wants_money() && said.has(Cue::Wants) {
        return Some(Wish::RefundWhole);
    }
    if said.has(Cue::Exchange) && said.has(Cue::Wants) {
        return Some(Wish::Exchange);
    }
    if said.has(Cue::Replacement) {
        return Some(Wish::Replacement);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(intent: &str, topic: &str, sure: f64) -> Triage {
        Triage {
            intent: intent.to_owned(),
            intent_confidence: 0.9,
            sentiment: "neutral".to_owned(),
            sentiment_confidence: 0.9,
            topic: topic.to_owned(),
            topic_confidence: sure,
            urgency: "normal".to_owned(),
            urgency_confidence: 0.9,
            ..Triage::default()
        }
    }

    fn wish(triage: &Triage, text: &str) -> Wish {
        of(triage, &Said::new(text), 0.45)
    }

    #[test]
    fn a_topic_is_the_wish() {
        for (topic, wished) in [
            ("track", Wish::Track),
            ("double_charge", Wish::DoubleCharge),
            ("partial_refund", Wish::RefundPart),
            ("store_hours", Wish::Question),
            ("courier_conduct", Wish::Conduct),
        ] {
            assert_eq!(wish(&read("other", topic, 0.9), "something"), wished, "{topic}");
        }
    }

    #[test]
    fn without_a_topic_the_intent_decides_and_the_words() {
        for (intent, text, wished) in [
            (intent::REFUND, "I want a refund", Wish::RefundWhole),
            (intent::REFUND, "cancel it please", Wish::Cancel),
            (intent::REFUND, "where is my refund", Wish::RefundStatus),
            (intent::REFUND, "I want to return the kettle", Wish::Return),
            (intent::CONTENT, "two items were missing", Wish::MissingItem),
            (intent::CONTENT, "got the wrong one", Wish::WrongItem),
            (intent::CONTENT, "it is broken, refund it", Wish::RefundWhole),
            (intent::MANAGE, "change my address", Wish::ChangeAddress),
            (intent::MANAGE, "add one more milk", Wish::ItemChange),
            (intent::MANAGE, "leave it at the gate", Wish::Instructions),
            (intent::MANAGE, "no need to ring the bell, gate pe chhod do", Wish::Instructions),
            (intent::MANAGE, "never mind, keep it", Wish::UndoCancel),
            (intent::PAYMENT, "charged twice", Wish::DoubleCharge),
        ] {
            for topic in [("", 0.0), ("praise", 0.2)] {
                assert_eq!(wish(&read(intent, topic.0, topic.1), text), wished, "{text}");
            }
        }
        let unsure = Triage { intent_confidence: 0.2, ..read(intent::TRACK, "", 0.0) };
        assert_eq!(wish(&unsure, "hmm"), Wish::Unsure);
        assert_eq!(wish(&unsure, "get me a manager"), Wish::Human);
    }

    #[test]
    fn what_is_refused_or_liked_less_is_not_wished() {
        let replacement = read(intent::REFUND, "replacement", 0.5);
        assert_eq!(wish(&replacement, "I'd rather have the 300 than another lamp"), Wish::RefundWhole);
        assert_eq!(wish(&replacement, "I'd rather have another lamp than the 300"), Wish::Replacement);
        let back = read(intent::REFUND, "return", 0.9);
        assert_eq!(wish(&back, "I don't want another size, just give it back"), Wish::Return);
        assert_eq!(wish(&back, "it does not fit, I want another size"), Wish::Exchange);
        assert_eq!(wish(&back, "dusra size nahi chahiye, wapas le lo"), Wish::Return);
        assert_eq!(wish(&back, "the L is too wide. Is M there? keep the money"), Wish::Exchange);
        assert_eq!(
            wish(&read(intent::REFUND, "refund_request", 0.9), "you keep my money, refund it"),
            Wish::RefundWhole
        );
    }

    #[test]
    fn a_charge_that_is_doubtful_calls_nobody() {
        assert_eq!(wish(&read(intent::OTHER, "double_charge", 0.5), "I ordered two lamps"), Wish::Unsure);
        assert_eq!(wish(&read(intent::OTHER, "double_charge", 0.8), "I ordered two lamps"), Wish::DoubleCharge);
        assert_eq!(wish(&read(intent::PAYMENT, "double_charge", 0.5), "charged for two lamps"), Wish::DoubleCharge);
    }

    #[test]
    fn refused_money_is_another_wish() {
        let refund = read(intent::REFUND, "refund_request", 0.9);
        assert_eq!(wish(&refund, "I don't want a refund, send it again"), Wish::Replacement);
        assert_eq!(wish(&refund, "mujhe refund nahi chahiye, repair karwani hai"), Wish::Question);
        assert_eq!(wish(&refund, "no refund needed, just letting you know the cap was cracked"), Wish::Damaged);
        assert_eq!(wish(&read(intent::REFUND, "", 0.0), "no refund received till now"), Wish::RefundStatus);
        assert_eq!(wish(&refund, "refund me"), Wish::RefundWhole);
        assert_eq!(wish(&refund, "it doesn't work i want refund"), Wish::RefundWhole);
        assert_eq!(wish(&refund, "the paneer was spoiled, no refund, I want fresh paneer"), Wish::Replacement);
    }

    #[test]
    fn a_complaint_alone_is_no_wish_for_money() {
        let missing = read(intent::CONTENT, "missing_item", 0.9);
        assert_eq!(wish(&missing, "there was no butter in the bag"), Wish::MissingItem);
        assert_eq!(wish(&missing, "butter missing, money back"), Wish::RefundWhole);
        assert_eq!(wish(&missing, "butter missing, send me the butter"), Wish::Replacement);
    }

    #[test]
    fn danger_and_what_is_grave_come_first() {
        let danger = Triage { urgency: "danger".to_owned(), ..read(intent::REFUND, "refund_request", 0.9) };
        assert_eq!(wish(&danger, "refund it"), Wish::Danger);
        // What is likely enough to be one is decided where the message is read.
        let none = Triage { urgency: String::new(), ..danger };
        assert_eq!(wish(&none, "refund it"), Wish::RefundWhole);
        let serious = Triage { urgency: "serious".to_owned(), ..read(intent::OTHER, "criticism", 0.9) };
        assert_eq!(wish(&serious, "see you in court"), Wish::Serious);
    }
}
