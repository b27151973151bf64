//! What words say about money that goes back, wherever they stand: as the state of a payment or of an order, as the name of a
//! column, as the kind of a row. Each of them makes it doubtful that an order is plainly paid.

use super::is_missing;
use super::states::{payment_state_of, squeezed};
use crate::domain::order::PaymentState;

/// Parts of words that say that money goes back, without spaces and punctuation, in lower case.
const GIVEN_BACK: &str = "refund chargeback chargedback moneyback erstatt rembours reembols estorn rimbors terugbetaa iadeedil dikembalikan \
     zwróc zwrot возврат возвращ استرداد مسترد استرجاع रिफंड रिफ़ंड धनवापसी पैसेवापस 返金 退款 환불";

/// Words of a column about refunds or returns that say that there was none.
const NOTHING_BACK: &str = "no n false none nil na notrefunded norefund norefunds unrefunded notreturned noreturn noreturns norefundrequested \
     noreturnrequested notrequested notapplicable notinitiated nein keine nichterstattet non aucun nonremboursé ninguno \
     sinreembolso noreembolsado não nenhum semreembolso nessuno nonrimborsato नहीं لا";

/// Whether a text speaks of money that goes back.
pub fn speaks_of_refund(text: &str) -> bool {
    let phrase = squeezed(text);
    GIVEN_BACK.split_ascii_whitespace().any(|part| phrase.contains(part))
}

/// Whether a name, of a column or a field, is one of what was given back.
pub fn names_refunds(name: &str) -> bool {
    const OTHERWISE: &str = "refundable policy window eligib deadline until";
    speaks_of_refund(name) && !OTHERWISE.split_ascii_whitespace().any(|part| squeezed(name).contains(part))
}

/// Whether a name, of a column, is one of what was sent back.
pub fn names_returns(name: &str) -> bool {
    const OTHERWISE: &str =
        "returnable address policy window eligib deadline until label url link carrier days date tracking";
    let name = squeezed(name);
    ["return", "retour", "devoluc", "devoluç"].iter().any(|part| name.contains(part))
        && !OTHERWISE.split_ascii_whitespace().any(|part| name.contains(part))
}

/// Whether a word for the state of a payment is about money that goes back.
const fn is_about_refund(state: PaymentState) -> bool {
    use PaymentState::{PartiallyRefunded, RefundFailed, RefundProcessing, Refunded};
    matches!(state, Refunded | PartiallyRefunded | RefundProcessing | RefundFailed)
}

/// What was paid, where one word says `one` and another `other`. What they contradict each other about is not known: then a
/// person looks at it.
pub fn both_payments(one: Option<PaymentState>, other: Option<PaymentState>) -> Option<PaymentState> {
    use PaymentState::{Failed, PartiallyRefunded, Pending, Refunded, Unknown};
    match (one, other) {
        (None, said) | (said, None) => said,
        (Some(one), Some(other)) if one == other => Some(one),
        (Some(one @ (Pending | Failed)), Some(Pending | Failed)) => Some(one),
        (Some(Refunded | PartiallyRefunded), Some(Refunded | PartiallyRefunded)) => Some(PartiallyRefunded),
        _ => Some(Unknown),
    }
}

/// What was paid, where something that cannot be read may say that money went back.
pub fn in_doubt(payment: Option<PaymentState>) -> Option<PaymentState> {
    payment.filter(|state| is_about_refund(*state)).or(Some(PaymentState::Unknown))
}

/// What was paid, where `status` is the shop's word for where the order is: one that speaks of money that goes back is held
/// against what else is said of the payment.
pub fn payment_with_status(payment: Option<PaymentState>, status: &str) -> Option<PaymentState> {
    if payment.is_some_and(|known| known != PaymentState::Paid) || !speaks_of_refund(status) {
        return payment;
    }
    let said = payment_state_of(status).filter(|state| is_about_refund(*state));
    both_payments(payment, said.or(Some(PaymentState::Unknown)))
}

/// What a cell of a column about refunds or returns, or a field of a document with such a name, says of the payment. `None`
/// where it says that there was none. An amount is not looked at here.
pub fn refund_state_of(text: &str) -> Option<PaymentState> {
    let phrase = squeezed(text);
    let number = text.chars().all(|c| matches!(c, '0' | '.' | ',' | '-' | ' '));
    if is_missing(text) || number || NOTHING_BACK.split_ascii_whitespace().any(|word| word == phrase) {
        return None;
    }
    Some(payment_state_of(text).filter(|state| is_about_refund(*state)).unwrap_or(PaymentState::Unknown))
}

/// Whether a row of this kind is about money that is given back, as its column `Type` says.
pub fn is_kind_of_refund(text: &str) -> bool {
    const KINDS: &str = "return returns returned salesreturn credit creditnote creditmemo reversal reversed gutschrift storno retoure avoir \
     notedecredit notadecrédito notadecredito devolución devolucion devolução devolucao reso resi notadicredito वापसी \
     रिटर्न مرتجع إرجاع";
    speaks_of_refund(text) || KINDS.split_ascii_whitespace().any(|kind| kind == squeezed(text))
}

#[cfg(test)]
mod tests {
    use super::super::states::PAYMENTS;
    use super::*;

    #[test]
    fn what_speaks_of_money_that_goes_back_is_never_plainly_paid() {
        use PaymentState::{Paid, PartiallyRefunded, Pending, RefundProcessing, Refunded, Unknown};
        for (status, payment, expected) in [
            ("Refunded", Some(Paid), Some(Unknown)),
            ("Return & Refund completed", Some(Paid), Some(Unknown)),
            ("Erstattet", Some(Paid), Some(Unknown)),
            ("Zurückerstattet", Some(Paid), Some(Unknown)),
            ("Partially Refunded", None, Some(PartiallyRefunded)),
            ("Refunded", None, Some(Refunded)),
            ("Refunded", Some(Pending), Some(Pending)),
            ("Reembolso en curso", None, Some(Unknown)),
            ("Delivered", Some(Paid), Some(Paid)),
            ("Delivered", None, None),
        ] {
            assert_eq!(payment_with_status(payment, status), expected, "{status} {payment:?}");
        }
        for (_, phrases) in PAYMENTS.iter().filter(|(state, _)| is_about_refund(*state)) {
            assert!(phrases.split_ascii_whitespace().all(speaks_of_refund), "{phrases}");
        }
        for (cell, expected) in [
            ("No", None),
            ("0.00", None),
            ("-", None),
            ("Not refunded", None),
            ("Refunded", Some(Refunded)),
            ("refund initiated", Some(RefundProcessing)),
            ("Yes", Some(Unknown)),
            ("Returned & refunded", Some(Unknown)),
            ("2026-11-30", Some(Unknown)),
            ("paid", Some(Unknown)),
        ] {
            assert_eq!(refund_state_of(cell), expected, "{cell}");
        }
        for one in PaymentState::ALL.map(|(_, state)| state) {
            for other in PaymentState::ALL.map(|(_, state)| state) {
                let both = both_payments(Some(one), Some(other));
                assert_eq!(both == Some(Paid), one == Paid && other == Paid, "{one:?} {other:?}");
            }
        }
        assert!(
            is_kind_of_refund("shop_order_refund") && is_kind_of_refund("Credit Note") && is_kind_of_refund("RETURN")
        );
        assert!(
            !is_kind_of_refund("Order") && !is_kind_of_refund("shop_order") && !is_kind_of_refund("Return address")
        );
    }
}
