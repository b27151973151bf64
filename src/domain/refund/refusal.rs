//! Why an order is not refunded automatically, and how a customer is told.

use super::super::currency::{Amount, Currency, ShopMoney};
use super::super::order::{Order, OrderState, PaymentState};
use super::super::sentences::{self, Language};

/// Why an order is not refunded automatically.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The category is excluded.
    Category(String),
    /// The window has passed.
    TooLate {
        /// Its length in days.
        days: u32,
    },
    /// Only orders of a known date are refunded, and this one's is not known.
    DateUnknown {
        /// The length of the window in days.
        days: u32,
    },
    /// What was paid is not known.
    ValueUnknown,
    /// Nothing was paid.
    NothingPaid,
    /// The payment that would be paid back is not known here.
    PaymentUnknown,
    /// Whether it was paid is not known: no payment is on record and nothing shows that there was one, or its state is a word
    /// that is not known here.
    PaidUnknown,
    /// Where it is is told by a word that is not known here: it may say that the money went back.
    StatusUnknown,
    /// The shop paid everything back already.
    RefundedByShop,
    /// The shop paid a part back already.
    PartlyRefundedByShop,
    /// It was called off or given back: whether the shop pays it back by itself is for a person to look up.
    Closed(OrderState),
    /// The amount is for a person to decide.
    AboveLimit {
        /// The largest automatic refund.
        limit: Amount,
    },
    /// The limit of automatic refunds is in the shop's own currency, and the order in another: a person compares them.
    OtherCurrency {
        /// The currency of the order.
        currency: Currency,
    },
    /// The shop is paying it back already.
    RefundUnderWay,
    /// The shop tried to pay it back, and that did not succeed.
    RefundFailedByShop,
    /// The item is not one of the order, or it is not clear which one is meant.
    ItemUnknown {
        /// What was named.
        name: String,
    },
    /// What the items cost is not known.
    ItemPriceUnknown,
    /// Another part of the order was refunded: a person decides about further ones.
    SecondPart,
    /// The same order is in the store under another id, and its money went back there, or may have.
    RefundedTwin,
    /// What goes back to the shop is on its way already.
    ReturnUnderWay,
    /// The customer got as much in a month as the shop pays without a person.
    MonthLimit,
    /// Another server decided, in its own words.
    Elsewhere {
        /// Its reason.
        reason: String,
    },
}

impl Refusal {
    /// The refusal of an order whose money, as its payment or state says, is not in the shop or may be on its way back already.
    /// Where neither is on record, nothing is refused here: whether the money is there at all is [`Order::is_paid`]'s to tell.
    pub(super) fn by_state(order: &Order) -> Option<Self> {
        let state = order.details.state;
        match order.details.payment_state {
            Some(PaymentState::Refunded) => return Some(Self::RefundedByShop),
            Some(PaymentState::RefundProcessing) => return Some(Self::RefundUnderWay),
            Some(PaymentState::RefundFailed) => return Some(Self::RefundFailedByShop),
            Some(PaymentState::PartiallyRefunded) => return Some(Self::PartlyRefundedByShop),
            // Cash on delivery is often never recorded.
            Some(PaymentState::Pending) if matches!(state, Some(OrderState::Delivered | OrderState::Returned)) => {
                return Some(Self::PaidUnknown);
            }
            Some(PaymentState::Pending | PaymentState::Failed) => return Some(Self::NothingPaid),
            // It may as well be a word for money that is on its way back.
            Some(PaymentState::Unknown) => return Some(Self::PaidUnknown),
            Some(PaymentState::Paid) | None => {}
        }
        if order.has_unknown_status() {
            return Some(Self::StatusUnknown);
        }
        state.filter(|state| matches!(state, OrderState::Cancelled | OrderState::Returned)).map(Self::Closed)
    }

    /// Whether what is on record of an order leaves it open that its money went back, or is on its way.
    pub fn may_have_gone_back(order: &Order) -> bool {
        Self::by_state(order).is_some_and(|refusal| refusal != Self::NothingPaid)
    }

    /// Whether a person may still decide otherwise.
    pub fn needs_person(&self) -> bool {
        matches!(
            self,
            Self::AboveLimit { .. }
                | Self::OtherCurrency { .. }
                | Self::DateUnknown { .. }
                | Self::ValueUnknown
                | Self::PaymentUnknown
                | Self::PaidUnknown
                | Self::StatusUnknown
                | Self::PartlyRefundedByShop
                | Self::RefundFailedByShop
                | Self::ItemPriceUnknown
                | Self::SecondPart
                | Self::RefundedTwin
                | Self::MonthLimit
                | Self::Closed(_)
        )
    }

    /// A short word for it, in JSON.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Category(_) => "never_returned",
            Self::TooLate { .. } => "window_passed",
            Self::NothingPaid => "unpaid",
            Self::Closed(OrderState::Cancelled) => "cancelled",
            Self::RefundedByShop
            | Self::RefundUnderWay
            | Self::RefundFailedByShop
            | Self::RefundedTwin
            | Self::ReturnUnderWay
            | Self::Closed(_) => "under_way",
            Self::AboveLimit { .. }
            | Self::OtherCurrency { .. }
            | Self::PartlyRefundedByShop
            | Self::SecondPart
            | Self::MonthLimit => "limit",
            Self::ItemUnknown { .. } => "item_unknown",
            Self::DateUnknown { .. }
            | Self::ValueUnknown
            | Self::PaymentUnknown
            | Self::PaidUnknown
            | Self::StatusUnknown
            | Self::ItemPriceUnknown
            | Self::Elsewhere { .. } => "unsupported",
        }
    }

    /// The reason as a sentence for the customer.
    pub fn reason(&self, language: Language, money: &ShopMoney) -> String {
        match self {
            Self::Category(category) => sentences::refunds::category_excluded(language, category),
            Self::TooLate { days } => sentences::refunds::window_passed(language, *days),
            Self::DateUnknown { days } => sentences::refunds::date_unknown(language, *days),
            Self::ValueUnknown => sentences::refunds::value_unknown(language).to_owned(),
            Self::NothingPaid => sentences::refunds::nothing_paid(language).to_owned(),
            Self::PaymentUnknown => sentences::refunds::payment_unknown(language).to_owned(),
            Self::PaidUnknown => sentences::refunds::paid_unknown(language).to_owned(),
            Self::StatusUnknown => sentences::refunds::status_unknown(language).to_owned(),
            Self::RefundedByShop => sentences::refunds::refunded_by_shop(language).to_owned(),
            Self::PartlyRefundedByShop => sentences::refunds::partly_refunded_by_shop(language).to_owned(),
            Self::Closed(state) => sentences::refunds::closed(language, *state),
            Self::AboveLimit { limit } => sentences::refunds::above_limit(language, money.show(*limit)),
            Self::OtherCurrency { currency } => sentences::refunds::other_currency(language, *currency),
            Self::RefundUnderWay => sentences::proposals::refund_under_way(language),
            Self::RefundFailedByShop => sentences::proposals::refund_failed(language),
            Self::ItemUnknown { name } => sentences::proposals::item_unknown(language, name),
            Self::ItemPriceUnknown => sentences::proposals::item_price_unknown(language),
            Self::SecondPart => sentences::proposals::second_part(language),
            Self::RefundedTwin => sentences::proposals::refunded_twin(language),
            Self::ReturnUnderWay => sentences::proposals::return_under_way(language),
            Self::MonthLimit => sentences::proposals::month_limit(language),
            Self::Elsewhere { reason } => reason.clone(),
        }
    }
}
