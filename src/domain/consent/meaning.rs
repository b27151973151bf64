//! What a yes may say of what it agrees to: “yes, cancel it” agrees to a cancellation and refuses a refund. The words that name
//! a proposal stand in it for the words of a refund, which the vocabulary knows.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;

use super::vocabulary::Role;
use super::{Answer, ParsedAnswer, answer, names_no_other};
use crate::domain::conversation::Offer;
use crate::domain::ids::IdPatterns;
use crate::domain::pattern::pattern;
use crate::domain::proposal::{Details, Meaning, Proposal, ProposalKind, Resolution};

/// What stands for the proposal in an answer.
const REFUND: &str = "refund";
/// The words of an exchange that a yes may repeat, at most.
const MOST_AGAIN: usize = 3;

static CANCEL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:cancel|cancell?ed|cancell?ation|cancel(?:ar|arlo|arla|a|e)|cancél(?:alo|ala)|anular|anul[ae]|anúl(?:alo|ala)|radd|rad|कैंसिल|कैंसल|रद्द|ألغ|ألغه|ألغها|إلغاء|الغاء|الغي|الغيه|ألغي|ألغيه)\b",
    )
});
static CHANGE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:change|changed|update|updated|cambiar|cámbi(?:alo|ala)|cambialo|mudar|muda|mude|alterar|altere|badal|badlo|बदल|बदलो|बदलें|غير|غيره|غيرها|تغيير)\b",
    )
});
static RETURN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?i)\b(?:return|returned|devolver|devolución|devolução|lautao|lauta|वापसी|लौटा|إرجاع|ارجاع|أرجعه)\b")
});
static REPLACEMENT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:return|replace|replaced|replacement|reemplazo|reemplazar|substituir|substituição|repor|reposição|रिप्लेस|استبدال|استبدله)\b",
    )
});
static EXCHANGE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?i)\b(?:return|exchange|exchanged|swap|cambio|cambiar|troca|trocar|एक्सचेंज|استبدال|استبدله|تبديل)\b")
});

/// The words that name what is proposed; those of a refund are in the vocabulary.
fn names(meaning: Meaning) -> Option<&'static Regex> {
    match (meaning.kind, meaning.resolution) {
        (ProposalKind::Refund, _) => None,
        (ProposalKind::Cancel, _) => Some(&CANCEL),
        (ProposalKind::Change, _) => Some(&CHANGE),
        (ProposalKind::Return, Some(Resolution::Replacement)) => Some(&REPLACEMENT),
        (ProposalKind::Return, Some(Resolution::Exchange)) => Some(&EXCHANGE),
        (ProposalKind::Return, Some(Resolution::Refund) | None) => Some(&RETURN),
    }
}

static CLAUSES: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)[,،;؛.!\n।]|\band\b"));

/// Whether a clause turns what is proposed upon itself, as “cancel the cancellation” does, or cancels its money, as “cancel the
/// refund” does: with one word in the place of all of them these would read as a repeated yes.
fn undoes(text: &str, kind: ProposalKind, names: &Regex) -> bool {
    CLAUSES.split(text).any(|clause| match names.find_iter(clause).count() {
        0 => false,
        1 => {
            kind == ProposalKind::Cancel
                && ParsedAnswer::parse(&names.replace_all(clause, " ")).any(&[Role::Refund, Role::Money])
        }
        _ => true,
    })
}

/// Classifies a message as the answer to a proposal, as [`answer`] does to a refund. A yes that speaks of money is none to what
/// pays none.
pub fn answer_about(text: &str, meaning: Meaning, patterns: &IdPatterns) -> Answer {
    let Some(names) = names(meaning) else { return answer(text, patterns) };
    if !meaning.money {
        let said = ParsedAnswer::parse(&patterns.without_ids(text));
        if said.any(&[Role::Refund, Role::Money]) && answer(text, patterns) != Answer::No {
            return Answer::Unclear;
        }
    }
    match answer(&names.replace_all(text, REFUND), patterns) {
        Answer::Yes if undoes(&patterns.without_ids(text), meaning.kind, names) => Answer::Unclear,
        answer => answer,
    }
}

/// Whether what an exchange is for may be left out of an answer: a few words, none of which agrees, refuses, or names a proposal.
fn may_be_repeated(wish: &str) -> bool {
    const REFUSING: &[&str] =
        &["not", "no", "none", "without", "never", "sin", "sem", "nada", "nahi", "नहीं", "لا", "بدون"];
    let said = ParsedAnswer::parse(wish);
    let plain = said.roles.is_empty() && !said.yes_sign && !said.no_sign;
    let names = [&CANCEL, &CHANGE, &RETURN, &REPLACEMENT, &EXCHANGE].iter().any(|names| names.is_match(wish));
    let refuses = wish.split_whitespace().any(|word| REFUSING.contains(&word.to_lowercase().as_str()));
    !wish.is_empty() && wish.split_whitespace().count() <= MOST_AGAIN && plain && !names && !refuses
}

/// A text without what an exchange is for, where that was shown in a few words: “yes, exchange it for XL” says again what was
/// proposed.
fn without_details<'a>(text: &'a str, details: &Details) -> Cow<'a, str> {
    let Some(shown) = details.wish.as_deref().map(str::trim).filter(|wish| may_be_repeated(wish)) else {
        return Cow::Borrowed(text);
    };
    let before = r"(?:\b(?:for|to|in|with|por|para|em|en|a|an|the|un|una|uno|um|uma|size|talla|tamanho)\s+)*";
    // No letter behind an apostrophe: “yes, I'm fine” does not repeat the size M.
    match Regex::new(&format!(r"(?i)(^|[^\w'’]){before}{}($|[^\w'’])", regex::escape(shown))) {
        Ok(shown) => shown.replace_all(text, "$1 $2"),
        Err(_) => Cow::Borrowed(text),
    }
}

/// Classifies a message as the answer to offers: a yes to one of them is a yes.
pub fn answer_to(text: &str, offered: &[Offer], patterns: &IdPatterns) -> Answer {
    let mut meanings: Vec<(Meaning, &Details)> =
        offered.iter().map(|offer| (offer.meaning(), &offer.details)).collect();
    meanings.dedup();
    let answers: Vec<Answer> = meanings
        .into_iter()
        .map(|(meaning, details)| answer_about(&without_details(text, details), meaning, patterns))
        .collect();
    match answers.as_slice() {
        [] => answer(text, patterns),
        answers if answers.contains(&Answer::Yes) => Answer::Yes,
        answers if answers.contains(&Answer::No) => Answer::No,
        _ => Answer::Unclear,
    }
}

/// Whether a message plainly agrees to a proposal, and names no other order and no other amount.
pub(super) fn agrees_to_proposal(text: &str, proposal: &Proposal, patterns: &IdPatterns) -> bool {
    let order = &proposal.order_id;
    let patterns = &patterns.also_knowing([order]);
    let text = &*without_details(text, &proposal.details);
    answer_about(text, proposal.meaning(), patterns) == Answer::Yes
        && names_no_other(text, order, proposal.money(), patterns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_yes_may_repeat_what_an_exchange_was_shown_to_be_for() {
        let offer = |wish: &str| Offer {
            order_id: crate::domain::ids::OrderId::new("ORD000001"),
            kind: ProposalKind::Return,
            details: Details {
                resolution: Some(Resolution::Exchange),
                wish: Some(wish.to_owned()),
                ..Details::default()
            },
            resolution: Some(Resolution::Exchange),
            quote_id: crate::domain::ids::QuoteId::new("Q1"),
            amount: None,
            shown_in: None,
            says: None,
        };
        let said = |text: &str| answer_to(text, &[offer("XL")], &IdPatterns::default());
        for text in ["yes, exchange it for XL", "yes XL please", "yes, exchange it for an XL"] {
            assert_eq!(said(text), Answer::Yes, "{text}");
        }
        for (wish, text) in [
            ("no", "ok, no"),
            ("not sure", "ok, not sure"),
            ("exchange", "ok, exchange the exchange"),
            ("M", "yes, I'm fine"),
            ("S", "yes, it's fine"),
        ] {
            let plainly = answer_to(text, &[], &IdPatterns::default());
            assert_eq!(
                answer_to(text, &[offer(wish)], &IdPatterns::default()) == Answer::Yes,
                plainly == Answer::Yes,
                "{text}"
            );
        }
        assert_eq!(answer_to("no", &[offer("no")], &IdPatterns::default()), Answer::No);
        assert_eq!(answer_to("yes, exchange it for size 42", &[offer("size 42")], &IdPatterns::default()), Answer::Yes);
        for text in ["yes, exchange it for L", "yes, XL and a refund", "yes but not XL", "XL"] {
            assert_ne!(said(text), Answer::Yes, "{text}");
        }
    }

    #[test]
    fn a_yes_names_what_it_agrees_to_or_nothing() {
        let of = |kind, resolution, money| Meaning { kind, resolution, money };
        let cancel = of(ProposalKind::Cancel, None, true);
        let change = of(ProposalKind::Change, None, false);
        let back = of(ProposalKind::Return, Some(Resolution::Refund), true);
        let again = of(ProposalKind::Return, Some(Resolution::Replacement), false);
        let other = of(ProposalKind::Return, Some(Resolution::Exchange), false);
        let all = [Meaning::REFUND, cancel, change, back, again, other];
        let answers = |text: &str| all.map(|meaning| answer_about(text, meaning, &IdPatterns::default()));
        let (y, n, u) = (Answer::Yes, Answer::No, Answer::Unclear);
        for (text, said) in [
            ("yes", [y; 6]),
            ("haan kar do", [y; 6]),
            ("no", [n; 6]),
            ("yes, cancel it", [u, y, u, u, u, u]),
            ("haan cancel kar do", [u, y, u, u, u, u]),
            ("yes, change it", [u, u, y, u, u, u]),
            ("yes, return it", [u, u, u, y, y, y]),
            ("yes, replace it", [u, u, u, u, y, u]),
            ("yes, exchange it", [u, u, u, u, u, y]),
            ("yes, refund it", [y, y, u, y, u, u]),
            ("don't cancel", [u, n, u, u, u, u]),
            ("cancel mat karo", [u, n, u, u, u, u]),
            ("cancel", [n, u, n, n, n, n]),
            ("yes, cancel it?", [u; 6]),
            ("yes but to another address", [u; 6]),
            ("yes, cancel it and refund it", [u, y, u, u, u, u]),
            ("yes, cancel it, please cancel", [u, y, u, u, u, u]),
            // What turns a cancellation upon itself, or upon its money.
            ("ok, cancel the cancellation", [u; 6]),
            ("ok cancel cancellation", [u; 6]),
            ("yes, cancel the refund", [u; 6]),
            ("ok, change the change", [u; 6]),
            ("ok, return the return", [u; 6]),
            ("haan cancellation cancel kar do", [u; 6]),
            ("haan refund cancel kar do", [u; 6]),
            ("haan paise cancel kar do", [u; 6]),
            ("हाँ कैंसिल को रद्द कर दो", [u; 6]),
            ("हाँ रिफंड कैंसिल कर दो", [u; 6]),
            ("sí, cancela el reembolso", [u; 6]),
            ("sí, anula cancelar", [u; 6]),
            ("sim, cancele o reembolso", [u; 6]),
            ("sim, cancela o dinheiro", [u; 6]),
            ("نعم، ألغ إلغاء", [u; 6]),
            ("نعم، إلغاء الاسترداد", [u; 6]),
        ] {
            assert_eq!(answers(text), said, "{text}");
        }
    }
}
