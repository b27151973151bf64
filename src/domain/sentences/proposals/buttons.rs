//! The buttons and rows below proposals. Their words must never agree to more than the proposal: the consent check reads them
//! as if the customer had typed them.

use std::fmt::Display;

use super::super::Language::{self, Arabic, English, Hindi, Hinglish, Portuguese, Spanish};
use super::super::channel;
use crate::domain::proposal::{ProposalKind, Resolution};

/// Button: agrees to a proposal.
pub fn yes(language: Language, kind: ProposalKind, resolution: Option<Resolution>) -> &'static str {
    let words = match (kind, resolution) {
        (ProposalKind::Refund, _) => return channel::yes_refund(language),
        (ProposalKind::Cancel, _) => {
            ["Yes, cancel it", "Haan, cancel", "हाँ, रद्द करें", "Sí, cancelar", "Sim, cancelar", "نعم، إلغاء"]
        }
        (ProposalKind::Change, _) => {
            ["Yes, change it", "Haan, change", "हाँ, बदलें", "Sí, cambiar", "Sim, alterar", "نعم، تغيير"]
        }
        (ProposalKind::Return, Some(Resolution::Replacement)) => {
            ["Yes, replace it", "Haan, replace", "हाँ, रिप्लेस करें", "Sí, reemplazar", "Sim, repor", "نعم، استبدال"]
        }
        (ProposalKind::Return, Some(Resolution::Exchange)) => {
            ["Yes, exchange it", "Haan, exchange", "हाँ, एक्सचेंज करें", "Sí, cambiar", "Sim, trocar", "نعم، تبديل"]
        }
        (ProposalKind::Return, Some(Resolution::Refund) | None) => {
            ["Yes, return it", "Haan, return", "हाँ, वापस करें", "Sí, devolver", "Sim, devolver", "نعم، إرجاع"]
        }
    };
    language.pick(words)
}

/// Row of a list: agrees to a proposal for one order.
pub fn yes_for(language: Language, kind: ProposalKind, resolution: Option<Resolution>, order: impl Display) -> String {
    let words = yes(language, kind, resolution);
    // A row has 24 characters, and the order stands for “it”.
    let words = match language {
        English => words.trim_end_matches(" it"),
        Hindi => words.trim_end_matches(" करें"),
        Hinglish | Spanish | Portuguese | Arabic => words,
    };
    format!("{words} {order}")
}
