//! Decides which sentences of a language model may leave: only those that are harmless, and whose amounts, orders and
//! numbers come from tool results.
//!
//! It must never change a sentence: it lets it pass or names why not. What was done is said by sentences of the program,
//! which `compose.rs` puts in.

mod amounts;
mod contacts;
mod features;
mod kinds;
mod lexicon;
mod readable;
mod shop_texts;
mod subject;
mod text;
mod tokens;
mod unreadable;

use std::sync::LazyLock;

use regex::Regex;

pub use amounts::Meaning;
pub use shop_texts::ShopTexts;
use subject::{PIECES, Reading, Subject, Weights};
pub use text::amounts_in;
pub(super) use text::sentences;
use text::{Literals, Parsed};

use crate::domain::conversation::Known;
use crate::domain::currency::{Amount, ShopMoney};
use crate::domain::ids::{IdPatterns, OrderId};
use crate::domain::order::Order;
use crate::domain::pattern::pattern;
use crate::domain::refund::{Denial, Refund, Refusal};
use crate::tools::Outcome;

/// Why a sentence may not leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unsupported {
    /// An amount of money that no tool gave, or not for this order.
    Amount(String),
    /// A transaction that no tool gave.
    Transaction(String),
    /// It says that money was, is being or will be paid.
    RefundClaim,
    /// It says that an order or account was changed: no tool does that.
    ChangeClaim,
    /// It speaks of persons who know, come, call or write.
    HandoffClaim,
    /// It says until when something happens.
    Deadline,
    /// It says that something unnamed is done.
    Done,
    /// It asks for a secret, a payment or access.
    Secret,
    /// An order or customer that is not this customer's.
    Order(String),
    /// A link, a telephone number, an address for messages or payments.
    Contact(String),
    /// It cannot be checked: disguised letters, or a language that nobody checked.
    Unreadable,
}

impl Unsupported {
    /// A short word for counters.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Amount(_) => "amount",
            Self::Transaction(_) => "transaction",
            Self::RefundClaim => "refund_claim",
            Self::ChangeClaim => "change_claim",
            Self::HandoffClaim => "hand_over_claim",
            Self::Deadline => "deadline",
            Self::Done => "done_claim",
            Self::Secret => "secret",
            Self::Order(_) => "order",
            Self::Contact(_) => "contact",
            Self::Unreadable => "unreadable",
        }
    }
}

/// The amounts that a tool outcome gives, and for which order: from its values, never from its texts.
pub fn amounts_of(outcome: &Outcome) -> Vec<(Option<OrderId>, Amount)> {
    let of = |order: &OrderId, amounts: &[Amount]| {
        amounts.iter().map(|amount| (Some(order.clone()), *amount)).collect::<Vec<_>>()
    };
    let of_order =
        |order: &Order| of(&order.id, order.value.map(|value| Amount::new(value, order.currency())).as_slice());
    match outcome {
        Outcome::Order(order) => of_order(order),
        Outcome::Orders(orders) => orders.iter().flat_map(of_order).collect(),
        Outcome::Proposed(proposal) => match proposal.money() {
            Some(amount) => of(&proposal.order_id, &[amount]),
            None => Vec::new(),
        },
        Outcome::Acted { action, refund, .. } => {
            let amounts = action.amount.into_iter().chain(refund.as_ref().map(Refund::refunded));
            of(&action.order_id, &amounts.collect::<Vec<_>>())
        }
        Outcome::Quoted(quote) => {
            let amounts = [quote.order_value, quote.amount, quote.fee];
            of(&quote.order_id, &amounts.map(|amount| Amount::new(amount, quote.currency)))
        }
        Outcome::Refused(_, Refusal::AboveLimit { limit })
        | Outcome::Denied(_, Denial::Policy(Refusal::AboveLimit { limit })) => vec![(None, *limit)],
        Outcome::Denied(order, Denial::WrongAmount { right }) => of(order, &[*right]),
        Outcome::Refunded { refund, .. } | Outcome::RefundStatus(_, Some(refund)) => {
            of(&refund.order_id, &[refund.refunded()])
        }
        _ => Vec::new(),
    }
}

/// The orders that a tool outcome shows to the customer.
pub fn shown_by(outcome: &Outcome) -> Vec<&OrderId> {
    match outcome {
        Outcome::Order(order) => vec![&order.id],
        Outcome::Orders(orders) => orders.iter().map(|order| &order.id).collect(),
        Outcome::Quoted(quote) | Outcome::Proposed(quote) => vec![&quote.order_id],
        Outcome::Acted { action, .. } => vec![&action.order_id],
        Outcome::Declined(order, ..) | Outcome::Refused(order, _) | Outcome::RefundStatus(order, _) => vec![order],
        Outcome::Refunded { refund, .. } => vec![&refund.order_id],
        _ => Vec::new(),
    }
}

/// What a reply is compared with.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// What the tools returned in this conversation.
    pub known: &'a Known,
    /// The orders that the customer named.
    pub orders: &'a [OrderId],
    /// The customer identifiers that the customer wrote.
    pub customers: &'a [String],
    /// What the customer wrote in this turn.
    pub customer_text: &'a str,
    /// What the tools returned in this turn, as text: long numbers may be repeated from here.
    pub results: &'a str,
    /// The shop's own texts.
    pub shop_texts: &'a ShopTexts,
    /// The patterns of identifiers.
    pub patterns: &'a IdPatterns,
    /// The shop's own currency, and how it writes amounts.
    pub money: &'a ShopMoney,
}

impl<'a> Evidence<'a> {
    /// The names of the orders that may be named, each with its order: the id itself, and what the customer calls it.
    fn order_names(&self) -> Vec<(&'a str, &'a str)> {
        let paid = self.known.refunds.iter().map(|refund| &refund.order_id);
        let orders = self.orders.iter().chain(&self.known.orders).chain(paid);
        let names = |id: &'a OrderId| [(id.as_str(), id.as_str()), (self.patterns.name_of(id).as_str(), id.as_str())];
        orders.flat_map(names).collect()
    }
}

/// Whether each piece of a model's text may leave, and why not. Pieces are judged alone, and short ones also together with
/// those that follow, so that nothing is said in instalments.
pub fn judge(pieces: &[&str], evidence: &Evidence<'_>) -> Vec<Result<(), Unsupported>> {
    let mut verdicts = Vec::with_capacity(pieces.len());
    let mut orders = Vec::new();
    let known = Literals::new(evidence.known.transactions(), []);
    for piece in pieces {
        let parsed = Parsed::new(piece, evidence.money, Some(evidence.patterns), &known);
        verdicts.push(facts(piece, &parsed, &orders, &known, evidence).and_then(|()| said(piece, evidence)));
        if !parsed.orders.is_empty() {
            orders = parsed.orders;
        }
    }
    // Words that are spread over short lines or sentences.
    let short = |piece: &&str| (1..=SHORT).contains(&piece.split_whitespace().count());
    for from in 0..pieces.len() {
        for to in from + 2..=pieces.len().min(from + 6) {
            let run = &pieces[from..to];
            if !run.iter().all(short) || verdicts[from..to].iter().any(Result::is_err) {
                break;
            }
            let joined = run
                .iter()
                .map(|piece| piece.trim().trim_end_matches(['.', '!', '…', '。', '।']))
                .collect::<Vec<_>>()
                .join(" ");
            if run[..run.len() - 1].iter().any(|piece| ends_sentence(piece)) && run.len() > 2 {
                break;
            }
            if let Err(unsupported) = said_joined(&joined, evidence) {
                verdicts[from..to].fill(Err(unsupported));
            }
        }
    }
    verdicts
}

/// Whether all of a model's text may leave as it is.
///
/// # Errors
/// The first reason why not.
pub fn check(text: &str, evidence: &Evidence<'_>) -> Result<(), Unsupported> {
    judge(&sentences(text), evidence).into_iter().find(Result::is_err).unwrap_or(Ok(()))
}

/// A piece of at most so many words is also read together with its neighbours.
const SHORT: usize = 3;

fn ends_sentence(piece: &str) -> bool {
    piece.trim_end().ends_with(['.', '!', '?', '…', '。', '।', '؟', '？', '！'])
}

/// Whether a text of the program holds only facts that the tools gave. Its wording is its own.
///
/// # Errors
/// The first thing it says without evidence.
pub fn check_program(text: &str, evidence: &Evidence<'_>) -> Result<(), Unsupported> {
    let mut orders = Vec::new();
    // The program writes ids only from what it knows: a plain number that is one is no amount, whatever stands around it.
    let known = Literals::new(evidence.known.transactions(), evidence.order_names());
    for sentence in sentences(text) {
        let parsed = Parsed::new(sentence, evidence.money, Some(evidence.patterns), &known);
        references_and_identifiers(sentence, &parsed, &known, evidence)?;
        amounts(&parsed, &orders, evidence)?;
        if !parsed.orders.is_empty() {
            orders = parsed.orders;
        }
    }
    Ok(())
}

/// Whether the facts of a sentence have evidence. `before`: the orders named last.
fn facts(
    sentence: &str,
    parsed: &Parsed,
    before: &[String],
    ids: &Literals,
    evidence: &Evidence<'_>,
) -> Result<(), Unsupported> {
    let Evidence { known, shop_texts, .. } = *evidence;
    amounts(parsed, before, evidence)?;
    if let Some(share) = shop_texts::shares(sentence).into_iter().find(|share| !shop_texts.holds_share(share)) {
        return Err(Unsupported::Amount(share));
    }
    references_and_identifiers(sentence, parsed, ids, evidence)?;
    if let Some(order) = unshown_order(parsed, known, evidence.patterns) {
        return Err(Unsupported::Order(order));
    }
    if let Some(code) = shop_texts::coupon(sentence).filter(|_| !shop_texts.holds_sentence(sentence)) {
        return Err(Unsupported::Transaction(code));
    }
    let holds = |contact: &str| {
        let number = contacts::digits_of(contact);
        let in_results = number.as_ref().is_some_and(|digits| only_digits(evidence.results).contains(digits.as_str()));
        let written = !contacts::is_link(contact) && evidence.customer_text.contains(contact);
        shop_texts.holds_contact(contact) || in_results || written
    };
    match contacts::contacts(sentence, evidence.patterns).into_iter().find(|contact| !holds(contact)) {
        Some(contact) => Err(Unsupported::Contact(contact)),
        None => Ok(()),
    }
}

fn only_digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// Amounts must come from tools or the shop's texts; in a sentence about orders, from those orders.
fn amounts(parsed: &Parsed, before: &[String], evidence: &Evidence<'_>) -> Result<(), Unsupported> {
    let Evidence { known, shop_texts, .. } = *evidence;
    let about = if parsed.orders.is_empty() { before } else { &parsed.orders };
    for (shown, meaning) in &parsed.amounts {
        let is_meant = |amount: &&Amount| meaning.is(**amount, evidence.money);
        let here = |amount: &Amount| {
            let tied: Vec<&OrderId> = known.orders_of(*amount).collect();
            about.is_empty()
                || tied.is_empty()
                || tied.iter().any(|order| about.iter().any(|id| id.eq_ignore_ascii_case(order.as_str())))
        };
        let supported = shop_texts.amounts().iter().any(|amount| is_meant(&amount))
            || known.amounts.iter().filter(is_meant).any(here);
        if !supported {
            return Err(Unsupported::Amount(shown.clone()));
        }
    }
    Ok(())
}

fn references_and_identifiers(
    sentence: &str,
    parsed: &Parsed,
    ids: &Literals,
    evidence: &Evidence<'_>,
) -> Result<(), Unsupported> {
    // The known ones are taken out already.
    if let Some(reference) = parsed.references.first() {
        return Err(Unsupported::Transaction(reference.clone()));
    }
    identifiers(sentence, ids, evidence)
}

/// Orders and customers of a reply must be those that the customer named, or examples that texts of the shop show.
fn identifiers(sentence: &str, ids: &Literals, evidence: &Evidence<'_>) -> Result<(), Unsupported> {
    let text = ids.taken_out(&text::plain(sentence), &mut Vec::new());
    let text = ORDER_PLACEHOLDER.replace_all(&text, " ").replace('_', " ");
    for order in evidence.patterns.orders_in(&text) {
        // Those that a tool has shown are the customer's as well: orders of their number need not be named.
        let own = evidence.orders.contains(&order) || evidence.known.orders.contains(&order);
        if !own
            && evidence.known.refunds.iter().all(|refund| refund.order_id != order)
            && !evidence.patterns.is_example(order.as_str())
        {
            return Err(Unsupported::Order(order.to_string()));
        }
    }
    for customer in evidence.patterns.customers_in(&text) {
        if !evidence.customers.contains(&customer) && !evidence.patterns.is_example(&customer) {
            return Err(Unsupported::Order(customer));
        }
    }
    Ok(())
}

/// What a sentence about an order that was not shown may do with it.
static ASIDE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\?|\b(?:not|no|never|cannot|unable|need|send|share|check|checking|look|looking|find|search|confirm|tell|give|help|sorry|nahi|nahin|bata|bhej\w*|dekh\w*|can|could|shall|will|let)\b|n't\b|नहीं|भेज|बता|देख|चाहिए",
    )
});
static ORDER_PLACEHOLDER: LazyLock<Regex> = LazyLock::new(|| pattern(r"@\d+"));

/// An order that no tool has shown, in a sentence that says something about it.
fn unshown_order(parsed: &Parsed, known: &Known, patterns: &IdPatterns) -> Option<String> {
    let unknown = |order: &&String| {
        let shown = known.orders.iter().map(OrderId::as_str);
        let paid = known.refunds.iter().map(|refund| refund.order_id.as_str());
        patterns.is_order(order.as_str())
            && !patterns.is_example(order)
            && shown.chain(paid).all(|shown| !shown.eq_ignore_ascii_case(order))
    };
    let order = parsed.orders.iter().find(unknown)?;
    let rest = ORDER_PLACEHOLDER.replace_all(&parsed.rest, " ");
    let says = rest.split_whitespace().filter(|word| word.chars().any(char::is_alphanumeric)).count() > 2;
    (says && !ASIDE.is_match(&parsed.rest)).then(|| order.clone())
}

/// Whether a sentence is about nothing that only the program may say, in any writing.
fn said(sentence: &str, evidence: &Evidence<'_>) -> Result<(), Unsupported> {
    if evidence.shop_texts.holds_sentence(sentence) {
        return Ok(());
    }
    let transactions: Vec<&str> = evidence.known.transactions().collect();
    if unreadable::is_disguised(sentence, &transactions) {
        return Err(Unsupported::Unreadable);
    }
    // What the shop wrote is its own word; what stands beside it is the model's.
    let beside = evidence.shop_texts.beside_quotes(sentence);
    said_joined(beside.as_deref().unwrap_or(sentence), evidence)
}

/// Whether a sign stands for “done”.
fn says_done(text: &str) -> bool {
    text.chars().any(|c| "✅✔☑💸💰🤑".contains(c))
}

fn said_joined(sentence: &str, evidence: &Evidence<'_>) -> Result<(), Unsupported> {
    let sentence = without_ids(sentence, evidence.patterns);
    let folded = readable::fold(&sentence);
    if !folded.chars().any(char::is_alphanumeric) {
        // Signs alone say nothing, but for those that stand for “done”.
        return if says_done(&folded) { Err(Unsupported::Done) } else { Ok(()) };
    }
    let weights = Weights::shipped();
    let reading = weights.read_sentence(&folded);
    refused(reading)?;
    // The same with what stands inside of words taken out, “re-fun-ded”, and with letters that stand apart, “o t p”.
    for joined in [without_signs_in_words(&folded), with_letters_joined(&folded)] {
        if joined != folded {
            refused(weights.read_sentence(&joined))?;
        }
    }
    Ok(())
}

/// The largest share of unknown pieces of a sentence in a language that was checked.
const UNKNOWN: f32 = 0.9;

fn refused(reading: Reading) -> Result<(), Unsupported> {
    if reading.pieces >= PIECES && reading.unknown > UNKNOWN {
        return Err(Unsupported::Unreadable);
    }
    if reading.score < 0.0 {
        return Ok(());
    }
    Err(match reading.subject {
        Subject::Harmless | Subject::Money => Unsupported::RefundClaim,
        Subject::Change => Unsupported::ChangeClaim,
        Subject::Person => Unsupported::HandoffClaim,
        Subject::Deadline => Unsupported::Deadline,
        Subject::Done => Unsupported::Done,
        Subject::Contact => Unsupported::Contact(String::new()),
        Subject::Secret => Unsupported::Secret,
    })
}

/// Order and customer ids as one word that every shop's ids are read as.
fn without_ids(sentence: &str, patterns: &IdPatterns) -> String {
    patterns.with_ids_as(sentence, "ORD000000")
}

fn without_signs_in_words(folded: &str) -> String {
    let chars: Vec<char> = folded.chars().collect();
    let letter = |at: Option<usize>| at.and_then(|at| chars.get(at)).is_some_and(|c| c.is_alphabetic());
    let inside = |at: usize| {
        matches!(chars[at], '-' | '.' | '_' | '·' | '•' | '/' | '|' | '*' | '~' | '+' | '‐' | '‑' | '–')
            && letter(at.checked_sub(1))
            && letter(Some(at + 1))
    };
    (0..chars.len()).filter(|at| !inside(*at)).map(|at| chars[at]).collect()
}

/// Three letters or more that stand alone, as one word.
fn with_letters_joined(folded: &str) -> String {
    static LETTERS: LazyLock<Regex> = LazyLock::new(|| {
        pattern(r"(?:^|[^\p{L}\p{M}\p{N}'])(\p{L}(?:[\s.\-_]{1,2}\p{L}){2,})(?:$|[^\p{L}\p{M}\p{N}'])")
    });
    let joined = |hit: &regex::Captures<'_>| {
        let letters: String = hit[1].chars().filter(|c| c.is_alphabetic()).collect();
        hit[0].replacen(&hit[1], &letters, 1)
    };
    LETTERS.replace_all(folded, joined).into_owned()
}

#[cfg(test)]
#[path = "guard_tests.rs"]
mod tests;
