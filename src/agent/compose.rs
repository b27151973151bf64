//! Puts a reply together: what the tools did is said by sentences of the program, beside what may leave of a model's text.
//!
//! It must never let a model word an offer, a payment or a hand-over: it places the program's words where the model put a
//! marker, or after its text where it forgot one.

use std::sync::LazyLock;

use regex::Regex;

use super::guard::{self, Evidence, Unsupported};
use crate::domain::action::Action;
use crate::domain::conversation::PaidRefund;
use crate::domain::currency::{Amount, ShopMoney};
use crate::domain::ids::OrderId;
use crate::domain::pattern::pattern;
use crate::domain::proposal::{Proposal, ProposalKind};
use crate::domain::refund::{Refund, RefundState};
use crate::domain::sentences::{Language, handoff, proposals, refunds};

/// A piece of a reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// Words of the program, from tool results.
    Program(String),
    /// Words of a language model that were judged harmless.
    Free(String),
}

/// A refund that a tool paid or reported in this turn.
#[derive(Debug, Clone)]
pub(super) struct Paid {
    /// The refund.
    pub refund: Refund,
    /// Whether it had been paid before.
    pub already: bool,
    /// How long the money takes, in the shop's words.
    pub arrival: Option<String>,
}

/// Something else that a tool did to an order, or told of, in this turn.
#[derive(Debug, Clone)]
pub(super) struct Acted {
    /// What.
    pub action: Action,
    /// Whether it had been done before.
    pub already: bool,
}

/// What the tools did in the turn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Happened<'a> {
    /// The language of the program's sentences.
    pub language: Language,
    /// How the program writes amounts.
    pub money: &'a ShopMoney,
    /// What was proposed: refunds, and whatever else.
    pub quotes: &'a [Proposal],
    /// The refunds that were paid, now or before.
    pub paid: &'a [Paid],
    /// Whether a person was asked for.
    pub handed_over: bool,
    /// The orders that the policy refuses to refund, with the reason.
    pub refused: &'a [(OrderId, String)],
    /// What else was done, now or before.
    pub acted: &'a [Acted],
    /// Why something else than a refund is not done.
    pub declined: &'a [(OrderId, String)],
    /// Where the orders are that were looked up.
    pub statuses: &'a [(OrderId, String)],
    /// Whether the customer speaks of a refund.
    pub wants_refund: bool,
}

/// A reply that may be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Composed {
    /// Its text.
    pub text: String,
    /// Whether it puts the quotes of the turn to the customer.
    pub offers: bool,
    /// Whether it offers a person because something was held back.
    pub offers_person: bool,
    /// Whether it tells what was done or decided: an offer, a payment, a hand-over, a refusal that the model announced.
    pub tells: bool,
    /// Why something of the model's text was held back.
    pub held: Option<Unsupported>,
}

/// A place for words of the program.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Marker {
    Offer,
    Refund,
    Handoff,
    Refusal,
    Done,
    Order(String),
    Unknown,
}

enum Piece<'a> {
    Free(&'a str),
    Marker(Marker),
}

static MARKER: LazyLock<Regex> = LazyLock::new(|| pattern(r"\[\[\s*([A-Za-z_-]{0,20})[\s:]*([^\[\]\n]{0,60}?)\s*\]\]"));

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut found = Vec::new();
    let mut from = 0;
    for hit in MARKER.captures_iter(text) {
        let Some(whole) = hit.get(0) else { continue };
        found.extend(guard::sentences(&text[from..whole.start()]).into_iter().map(Piece::Free));
        from = whole.end();
        found.push(Piece::Marker(match hit[1].to_lowercase().as_str() {
            "offer" | "quote" => Marker::Offer,
            "refund" | "refunded" | "paid" | "refund-status" | "refund_status" => Marker::Refund,
            "handoff" | "person" | "human" => Marker::Handoff,
            "refusal" | "refused" => Marker::Refusal,
            "done" | "action" => Marker::Done,
            "order" | "status" => Marker::Order(hit[2].to_uppercase()),
            _ => Marker::Unknown,
        }));
    }
    found.extend(guard::sentences(&text[from..]).into_iter().map(Piece::Free));
    found
}

impl Composed {
    /// Whether something of the model's reply is missing, and the program has nothing of the turn to tell in its place.
    pub(super) fn leaves_a_gap(&self) -> bool {
        !self.tells && (self.held.is_some() || self.offers_person)
    }
}

/// The words of the program that a turn can need, each used once.
struct Sentences<'a> {
    happened: Happened<'a>,
    evidence: Evidence<'a>,
    /// Whether some that tell what was done or decided were used.
    told: bool,
    used: Vec<Marker>,
    orders: Vec<&'a OrderId>,
}

impl Sentences<'_> {
    fn refunds(&mut self) -> Option<Part> {
        if !self.first(Marker::Refund) {
            return None;
        }
        let Happened { language, money, .. } = self.happened;
        let mut lines: Vec<String> = self
            .happened
            .paid
            .iter()
            .map(|Paid { refund, already, arrival }| {
                let Refund { order_id, transaction_id, .. } = refund;
                let arrival = arrival.as_deref();
                let amount = money.show(refund.refunded());
                match (refund.state(), *already) {
                    (RefundState::Paid, true) => refunds::no_second_refund(language, amount, order_id, transaction_id),
                    (RefundState::Paid, false) => refunds::paid(language, amount, order_id, transaction_id, arrival),
                    (RefundState::Requested, false) => {
                        refunds::requested(language, amount, order_id, transaction_id, arrival)
                    }
                    (state, _) => refunds::progress(language, state, amount, order_id, transaction_id),
                }
            })
            .collect();
        if lines.is_empty() {
            let told = |refund: &PaidRefund| {
                let amount = money.show(refund.amount);
                refunds::progress(language, refund.state, amount, &refund.order_id, &refund.transaction_id)
            };
            lines.extend(looked_at(&self.evidence).map(told));
        }
        self.tell(&lines)
    }

    fn handoff(&mut self) -> Option<Part> {
        let wanted = self.happened.handed_over && self.first(Marker::Handoff);
        if wanted { self.tell(&[handoff::done(self.happened.language).to_owned()]) } else { None }
    }

    fn refusals(&mut self) -> Option<Part> {
        if !self.first(Marker::Refusal) {
            return None;
        }
        let language = self.happened.language;
        let refused = self.happened.refused.iter();
        let refused = refused.map(|(order, reason)| refunds::refused(language, order, reason));
        let lines: Vec<String> = refused.chain(self.happened.declined.iter().map(|(_, line)| line.clone())).collect();
        self.tell(&lines)
    }

    fn acted(&mut self) -> Option<Part> {
        if !self.first(Marker::Done) {
            return None;
        }
        let Happened { language, money, acted, .. } = self.happened;
        let line = |Acted { action, already }: &Acted| {
            let (kind, order, details) = (action.kind, &action.order_id, &action.details);
            if *already {
                return proposals::already_done(language, kind, order);
            }
            let later = action.amount.filter(|_| action.owes_money()).map(|amount| money.show(amount));
            proposals::done(language, kind, order, details, later.as_deref())
        };
        let lines: Vec<String> = acted.iter().map(line).collect();
        self.tell(&lines)
    }

    /// Whether these words are wanted for the first time.
    fn first(&mut self, words: Marker) -> bool {
        let first = !self.used.contains(&words);
        if first {
            self.used.push(words);
        }
        first
    }

    fn tell(&mut self, lines: &[String]) -> Option<Part> {
        self.told |= !lines.is_empty();
        program(lines)
    }

    /// Where one order is, or, without an id, where all are.
    fn statuses(&mut self, id: &str) -> Option<Part> {
        let mut lines = Vec::new();
        for (order, status) in self.happened.statuses {
            if (id.is_empty() || order.as_str() == id) && !self.orders.contains(&order) {
                self.orders.push(order);
                lines.push(status.clone());
            }
        }
        program(&lines)
    }

    fn offer(&self) -> Option<Part> {
        let Happened { language, money, .. } = self.happened;
        let mut lines: Vec<String> = self.happened.quotes.iter().map(|quote| offer(language, money, quote)).collect();
        lines.push(refunds::shall_i_go_ahead(language, self.happened.quotes.len()).to_owned());
        program(&lines)
    }
}

/// The sentence that shows a proposal.
pub(super) fn offer(language: Language, money: &ShopMoney, quote: &Proposal) -> String {
    if quote.kind != ProposalKind::Refund || !quote.details.items.is_empty() {
        let amount = quote.money().map(|amount| money.show(amount));
        return proposals::offer(language, quote.kind, &quote.order_id, &quote.details, amount.as_deref());
    }
    let show = |amount| money.show(Amount::new(amount, quote.currency));
    let (order_value, fee) = (show(quote.order_value), show(quote.fee));
    let kept =
        (quote.order_value != quote.amount).then_some(refunds::ShippingFee { order_value: &order_value, fee: &fee });
    refunds::offer(language, show(quote.amount), &quote.order_id, kept)
}

/// The refunds that a tool told of in this turn: how far one of before is, may have changed since.
fn looked_at<'a>(evidence: &Evidence<'a>) -> impl Iterator<Item = &'a PaidRefund> {
    let results = evidence.results;
    evidence.known.refunds.iter().filter(move |refund| results.contains(&refund.transaction_id))
}

fn program(lines: &[String]) -> Option<Part> {
    (!lines.is_empty()).then(|| Part::Program(lines.join("\n")))
}

/// Composes a reply of a model's text and of what the tools did.
pub(super) fn compose(reply: &str, happened: Happened<'_>, evidence: Evidence<'_>) -> Composed {
    let language = happened.language;
    let pieces = pieces(reply);
    let free: Vec<&str> = pieces
        .iter()
        .filter_map(|piece| match piece {
            Piece::Free(text) => Some(*text),
            Piece::Marker(_) => None,
        })
        .collect();
    let mut verdicts = guard::judge(&free, &evidence).into_iter();
    let mut words = Sentences { happened, evidence, told: false, used: Vec::new(), orders: Vec::new() };
    let mut parts: Vec<Part> = Vec::new();
    let mut held = None;
    let mut dropped = false;
    // Whatever else is proposed was wished for in so many words.
    let mut wants_offer =
        happened.wants_refund || happened.quotes.iter().any(|proposal| proposal.kind != ProposalKind::Refund);
    for piece in &pieces {
        match piece {
            Piece::Marker(Marker::Offer) => wants_offer = true,
            Piece::Marker(Marker::Refund) => parts.extend(words.refunds()),
            Piece::Marker(Marker::Handoff) => parts.extend(words.handoff()),
            Piece::Marker(Marker::Refusal) => parts.extend(words.refusals()),
            Piece::Marker(Marker::Done) => parts.extend(words.acted()),
            Piece::Marker(Marker::Order(id)) => parts.extend(words.statuses(id)),
            Piece::Marker(Marker::Unknown) => {}
            Piece::Free(text) => match verdicts.next().unwrap_or(Err(Unsupported::Unreadable)) {
                Ok(()) => {
                    wants_offer |= speaks_of_refund(text);
                    parts.push(Part::Free((*text).to_owned()));
                }
                Err(unsupported) => {
                    dropped = true;
                    wants_offer |= happened.quotes.iter().any(|quote| words_offer(text, quote, evidence.money));
                    match unsupported {
                        Unsupported::RefundClaim
                            if !happened.paid.is_empty() || looked_at(&evidence).next().is_some() =>
                        {
                            parts.extend(words.refunds());
                        }
                        Unsupported::HandoffClaim if happened.handed_over => parts.extend(words.handoff()),
                        Unsupported::ChangeClaim | Unsupported::Done if !happened.acted.is_empty() => {
                            parts.extend(words.acted());
                        }
                        Unsupported::ChangeClaim if !happened.declined.is_empty() => parts.extend(words.refusals()),
                        Unsupported::Done if happened.handed_over || !happened.paid.is_empty() => {}
                        unsupported => held = held.or(Some(unsupported)),
                    }
                }
            },
        }
    }
    // What was done is told in any case.
    if !happened.acted.is_empty() {
        parts.extend(words.acted());
    }
    if !happened.paid.is_empty() {
        parts.extend(words.refunds());
    }
    parts.extend(words.handoff());
    let offers = !happened.quotes.is_empty() && !happened.handed_over && wants_offer;
    // What only fills a gap below tells nothing that the customer was waiting for.
    let tells = offers || words.told;
    let told = parts.iter().any(|part| matches!(part, Part::Program(_)));
    let mut offers_person = false;
    if held.is_some() && !told && !offers {
        let facts: Vec<Part> = words.refusals().into_iter().chain(words.statuses("")).collect();
        offers_person = true;
        parts.extend(facts);
        parts.push(Part::Program(handoff::offer_unconfirmed(language).to_owned()));
    }
    // Beside a gap nothing may depend on it; beside an offer nothing may turn its question round.
    let stays = |text: &str| held.is_none() && (!offers || is_warmth(text));
    parts.retain(|part| matches!(part, Part::Program(_)) || matches!(part, Part::Free(text) if stays(text)));
    if offers {
        parts.extend(words.offer());
    }
    let letters = |part: &Part| matches!(part, Part::Free(text) if text.chars().any(char::is_alphanumeric));
    let says = parts.iter().any(|part| matches!(part, Part::Program(_)) || letters(part));
    if !says && (dropped || reply.contains("[[") || parts.is_empty()) {
        offers_person = true;
        parts = vec![Part::Program(handoff::offer_unconfirmed(language).to_owned())];
    }
    Composed { text: text_of(&parts), offers, offers_person, tells, held }
}

/// The parts as one text, a space or the model's own line breaks between.
fn text_of(parts: &[Part]) -> String {
    let mut out = String::new();
    for part in parts {
        match part {
            Part::Free(text) => {
                if !out.is_empty() && !out.ends_with(char::is_whitespace) && !text.starts_with(char::is_whitespace) {
                    out.push(' ');
                }
                let after_space = out.ends_with(' ');
                out.push_str(if after_space { text.trim_start_matches(' ') } else { text });
            }
            Part::Program(text) => {
                let kept = out.trim_end_matches([' ', '\n']).len();
                let lines = out[kept..].matches('\n').count();
                out.truncate(kept);
                if !out.is_empty() {
                    out.push_str(if lines > 0 || text.contains('\n') { "\n" } else { " " });
                }
                out.push_str(text);
                out.push(' ');
            }
        }
    }
    out.trim().to_owned()
}

/// Words for a refund, by which a model speaks of the offer itself.
static REFUND: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)refund|money back|reimburs|reembols|devoluci|devolv|rembours|erstatt|rückzahl|rimbors|terugbeta|zwrot|zwrócić|\biade\b|pengembalian|hoàn tiền|возврат|вернуть|w[ao]pas|vapas|waapas|वापस|रिफंड|रिफ़ंड|ফেরত|রিফান্ড|பணம்|ரீஃபண்ட்|రీఫండ్|రిఫండ్|ರಿಫಂಡ್|റീഫണ്ട്|રિફંડ|ਰਿਫੰਡ|رقم|واپس|ریفنڈ|استرداد|استرجاع|退款|退钱|退錢|返金|환불|คืนเงิน|\p{Sc}",
    )
});

fn speaks_of_refund(text: &str) -> bool {
    REFUND.is_match(text)
}

/// Whether a sentence is a model's own wording of an offer: it names order and amount of a quote, and a refund.
fn words_offer(text: &str, quote: &Proposal, money: &ShopMoney) -> bool {
    let order = text.to_uppercase().contains(quote.order_id.as_str());
    order && speaks_of_refund(text) && {
        let amounts = guard::amounts_in(text, money);
        amounts.iter().any(|(_, meaning)| meaning.is(quote.refunded(), money))
    }
}

/// Words by which a sentence can tell the customer what an answer means.
static ANSWERS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)\b(?:yes|no|ok|okay|reply|replies|answer|confirm|agree|say|saying|write|type|press|tap|button|below|following|next|question|otherwise|stop|decline|cancel|haan|nahi|bolo|likho|sí|si|ja|nein|oui|non|sim|não|да|нет|если|ответ\w*)\b|हाँ|हां|नहीं|लिख|जवाब|نعم|لا|回复|回答|是|否|["“”«»]"#,
    )
});

/// Whether a sentence is only a kind word: short, without a question, a number, the refund, or what an answer means.
fn is_warmth(text: &str) -> bool {
    let asks = text.contains(['?', '؟', '？', ':']);
    let words = text.split_whitespace().count();
    words <= 20
        && !asks
        && !text.chars().any(char::is_numeric)
        && text.chars().any(char::is_alphanumeric)
        && !speaks_of_refund(text)
        && !ANSWERS.is_match(text)
}

#[cfg(test)]
#[path = "compose_tests.rs"]
mod tests;
