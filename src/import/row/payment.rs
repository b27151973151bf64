//! What the cells of a row say of an order's payment, and of what was given back of it. Where they leave it open, it is unknown, so
//! that a person looks at it.

use super::{CellError, Cells, Draft, Readers, bad, quoted, yes_no};
use crate::domain::money::Money;
use crate::domain::order::PaymentState;
use crate::import::field::Field;
use crate::import::values::{
    both_payments, in_doubt, is_missing, payment_state_of, payment_with_status, refund_state_of, speaks_of_refund,
    state_of,
};

/// An amount without the sign or the brackets by which what went out is written.
fn unsigned(text: &str) -> &str {
    let text = text.trim();
    let inside = text.strip_prefix('(').and_then(|text| text.strip_suffix(')')).unwrap_or(text);
    inside.trim().trim_start_matches(['-', '−'])
}

impl Readers {
    /// The state of the order: the first column's, unless another one says that it is over.
    #[expect(clippy::unused_self, reason = "one of the readers of a row's cells")]
    pub(super) fn read_state(&self, cells: &Cells<'_>, draft: &mut Draft) {
        use crate::domain::order::OrderState::{Cancelled, Returned};
        let columns = cells.all(Field::State).chain(cells.all(Field::Status)).filter(|(_, text)| !is_missing(text));
        let told: Vec<_> = columns.map(|(found, text)| (found.column, text, state_of(text))).collect();
        let Some((column, text, first)) = told.first() else { return };
        let over = told.iter().find(|(.., state)| matches!(state, Some(Cancelled | Returned)));
        draft.order.details.state = over.map_or(*first, |(.., state)| *state);
        if let Some((_, text, _)) =
            over.filter(|(column, ..)| cells.mapping.of(Field::Status).any(|found| found.column == *column))
        {
            draft.order.status = Some((*text).to_owned());
        }
        if draft.order.has_unknown_status() {
            let reason =
                format!("{} is no status that is known here: refunds of such orders go to a person", quoted(text));
            draft.left_out.words.push(CellError { column: Some(*column), reason });
        }
    }

    /// What was paid, and what went back.
    pub(super) fn read_payment(&self, cells: &Cells<'_>, draft: &mut Draft) {
        self.read_refunded(cells, draft);
        let details = &mut draft.order.details;
        let mut payment = details.payment_state;
        if payment.is_none() {
            let first = cells.mapping.of(Field::PaymentState).next().map(|found| found.column);
            for (found, text) in cells.all(Field::PaymentState).filter(|(_, text)| !is_missing(text)) {
                let said = payment_state_of(text).or_else(|| match yes_no(text) {
                    Ok(Some(true)) => Some(PaymentState::Paid),
                    Ok(Some(false)) => Some(PaymentState::Pending),
                    // A further column may hold something else, such as how much was paid.
                    _ => (first == Some(found.column) || speaks_of_refund(text)).then_some(PaymentState::Unknown),
                });
                payment = both_payments(payment, said);
            }
            for (_, text) in cells.all(Field::State).chain(cells.all(Field::Status)) {
                payment = payment_with_status(payment, text);
            }
        }
        for (found, text) in cells.all(Field::RefundState) {
            let amount = self.amount(found.column, unsigned(text), details.currency);
            match amount {
                Ok(Some(Money::ZERO)) => {}
                Ok(Some(amount)) => draft.refunded = draft.refunded.max(Some(amount)),
                Ok(None) | Err(_) => {
                    if let Some(said) = refund_state_of(text) {
                        payment = both_payments(payment.filter(|known| *known != PaymentState::Paid), Some(said));
                    }
                }
            }
        }
        details.payment_state = if draft.doubtful { in_doubt(payment) } else { payment };
    }

    fn read_refunded(&self, cells: &Cells<'_>, draft: &mut Draft) {
        for (found, text) in cells.all(Field::RefundedAmount) {
            match self.amount(found.column, unsigned(text), draft.order.details.currency) {
                Ok(amount) => draft.refunded = draft.refunded.max(amount),
                Err(_) if refund_state_of(text).is_none() => {}
                Err(error) => {
                    draft.doubtful = true;
                    draft.left_out.values += 1;
                    let reason = format!("{}: whether the order is paid is taken as unknown", error.reason);
                    draft.left_out.notes.push(bad(found.column, reason));
                }
            }
        }
    }
}
