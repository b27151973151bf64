//! Which actions the shop's policy allows: by where an order is, what was paid, how long ago it came, and what was done to it
//! before. Nothing is guessed: what is not known goes to a person.

use std::collections::BTreeMap;

use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp};

use super::super::caller::Caller;
use super::super::currency::{Amount, ShopMoney};
use super::super::money::{Decimal, Money};
use super::super::order::{Item, Order, OrderState};
use super::super::proposal::{Agreed, ChangeField, Details, OrderChange, Proposal, ProposalKind, Resolution};
use super::super::refund::{Refund, RefundPolicy, RefundState, Refusal, Verdict, has_come, is_amount};
use super::super::sentences::{Language, proposals, refunds};
use super::{Action, ApprovedAction, key};
use crate::domain::ids::QuoteId;

/// When the money of a return is paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RefundOnReturn {
    /// Once the shop says that it has what goes back.
    #[default]
    OnReceipt,
    /// With the request.
    AtOnce,
}

/// The shop's rules for what is done to orders, from the `policy` section of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionPolicy {
    /// An order can be called off before it comes here.
    pub cancel_until: OrderState,
    /// As well, for changes.
    pub change_until: OrderState,
    /// Days after the delivery in which something can go back; 0: for ever.
    pub return_window_days: u32,
    /// As well, by category.
    pub return_windows: BTreeMap<String, u32>,
    /// Categories of which a photo has to be seen before something goes back: a person looks at it.
    pub photo_required: Vec<String>,
    /// Categories, or words in the name of an article, that never go back.
    pub never_returned: Vec<String>,
    /// Refunds of one customer in a month without a person; 0: any number.
    pub monthly_refunds: u32,
    /// What one customer gets in a month without a person, in the shop's currency.
    pub monthly_amount: Option<Money>,
    /// Whether another article is sent for one that goes back.
    pub exchange: bool,
    /// Whether the same article is sent once more.
    pub replacement: bool,
    /// When the money of a return is paid.
    pub refund_on_return: RefundOnReturn,
}

impl Default for ActionPolicy {
    fn default() -> Self {
        Self {
            cancel_until: OrderState::OutForDelivery,
            change_until: OrderState::OutForDelivery,
            return_window_days: 30,
            return_windows: BTreeMap::new(),
            photo_required: Vec::new(),
            never_returned: Vec::new(),
            monthly_refunds: 0,
            monthly_amount: None,
            exchange: true,
            replacement: true,
            refund_on_return: RefundOnReturn::OnReceipt,
        }
    }
}

/// What somebody wants done to an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// What; anything but a refund.
    pub kind: ProposalKind,
    /// What it is about.
    pub details: Details,
    /// Why.
    pub reason: String,
}

/// Why something is not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ActionRefusal {
    /// It is on its way.
    OutForDelivery,
    /// The customer has it.
    Delivered,
    /// It was called off.
    Cancelled,
    /// It is too late by the shop's rules, although it is not on its way.
    TooLate,
    /// It is not known where it is.
    StateUnknown,
    /// It is not there yet, so it cannot go back.
    NotDelivered,
    /// The days have passed.
    WindowPassed {
        /// How many they are.
        days: u32,
    },
    /// Only what came on a known day goes back.
    DateUnknown {
        /// In how many days.
        days: u32,
    },
    /// Such articles never go back.
    NeverReturned {
        /// What they are called.
        what: String,
    },
    /// A person has to see a photo first.
    NeedsPhoto,
    /// It went back before, or is going back.
    UnderWay,
    /// The shop does not do that.
    Unsupported(Resolution),
    /// Another amount goes back than the caller says was agreed to.
    OtherAmount {
        /// The one that goes back.
        right: Amount,
    },
    /// What belongs to it as money cannot be decided here.
    Money(Refusal),
}

impl ActionRefusal {
    /// A short word for it, in JSON.
    pub fn code(&self) -> &'static str {
        match self {
            Self::OutForDelivery => "out_for_delivery",
            Self::Delivered => "delivered",
            Self::Cancelled => "cancelled",
            Self::TooLate => "too_late",
            Self::StateUnknown | Self::DateUnknown { .. } | Self::Unsupported(_) => "unsupported",
            Self::NotDelivered => "not_delivered",
            Self::WindowPassed { .. } => "window_passed",
            Self::NeverReturned { .. } => "never_returned",
            Self::NeedsPhoto => "needs_photo",
            Self::UnderWay => "under_way",
            Self::OtherAmount { .. } => "wrong_amount",
            Self::Money(refusal) => refusal.code(),
        }
    }

    /// Whether a person may still decide otherwise.
    pub fn needs_person(&self) -> bool {
        match self {
            Self::StateUnknown | Self::DateUnknown { .. } | Self::NeedsPhoto => true,
            Self::Money(refusal) => refusal.needs_person(),
            _ => false,
        }
    }

    /// The reason as a sentence for the customer.
    pub fn reason(&self, language: Language, kind: ProposalKind, money: &ShopMoney) -> String {
        match self {
            Self::OutForDelivery => proposals::out_for_delivery(language, kind),
            Self::Delivered => proposals::delivered(language, kind),
            Self::Cancelled => proposals::cancelled(language),
            Self::TooLate => proposals::too_late(language, kind),
            Self::StateUnknown => proposals::state_unknown(language),
            Self::NotDelivered => proposals::not_delivered(language),
            Self::WindowPassed { days } => proposals::return_window_passed(language, *days),
            Self::DateUnknown { days } => proposals::delivery_date_unknown(language, *days),
            Self::NeverReturned { what } => proposals::never_returned(language, what),
            Self::NeedsPhoto => proposals::needs_photo(language),
            Self::UnderWay => proposals::return_under_way(language),
            Self::Unsupported(resolution) => proposals::not_done_here(language, *resolution),
            Self::OtherAmount { right } => refunds::wrong_amount(language, money.show(*right)),
            Self::Money(refusal) => refusal.reason(language, money),
        }
    }
}

impl From<Refusal> for ActionRefusal {
    fn from(refusal: Refusal) -> Self {
        Self::Money(refusal)
    }
}

/// What an action is decided on.
#[derive(Debug, Clone, Copy)]
pub struct Ground<'a> {
    /// The order as it is stored now.
    pub order: &'a Order,
    /// What was done to it before, the first first.
    pub before: &'a [Action],
    /// Its refund, if there is one.
    pub refund: Option<&'a Refund>,
    /// The time on the shop's clock.
    pub local: DateTime,
}

/// Everything that an approval depends on, beside the ground.
#[derive(Debug, Clone, Copy)]
pub struct ActionRequest<'a> {
    /// What is wanted.
    pub wish: &'a Wish,
    /// The amount that the caller says goes back with it, in units of the order's currency; another one is refused.
    pub named: Option<Decimal>,
    /// Who asks.
    pub caller: &'a Caller,
    /// The time.
    pub now: Timestamp,
    /// The identifier of the action.
    pub id: &'a str,
}

/// The money that belongs to an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Payment {
    value: Money,
    amount: Money,
    fee: Money,
    /// Whether it is paid with the action.
    at_once: bool,
}

impl ActionPolicy {
    /// The action of before that did the same already.
    pub fn done_before<'a>(&self, wish: &Wish, before: &'a [Action]) -> Option<&'a Action> {
        let mut same = before.iter().rev().filter(|action| action.kind == wish.kind);
        match wish.kind {
            ProposalKind::Cancel => same.next(),
            // The last change of a field holds: one that was made and taken back can be made again.
            ProposalKind::Change => {
                let field = |details: &Details| details.change.as_ref().map(|change| change.field);
                same.find(|action| field(&action.details) == field(&wish.details))
                    .filter(|action| action.details.is_same(&wish.details))
            }
            ProposalKind::Return => same.find(|action| action.details.is_same(&wish.details)),
            ProposalKind::Refund => None,
        }
    }

    /// The proposal to do what is wanted, where the policy allows it.
    ///
    /// # Errors
    /// Why it is not done.
    pub fn propose(
        &self,
        refunds: &RefundPolicy,
        id: QuoteId,
        ground: Ground<'_>,
        request: &ActionRequest<'_>,
    ) -> Result<Proposal, ActionRefusal> {
        let paid = self.decide(refunds, ground, request.wish)?;
        let customer = request.caller.customer();
        Ok(Proposal {
            id,
            kind: request.wish.kind,
            details: request.wish.details.clone(),
            order_id: ground.order.id.clone(),
            user_id: customer.map(|customer| customer.user.clone()),
            order_value: paid.value,
            amount: paid.amount,
            fee: paid.fee,
            currency: ground.order.currency(),
            turn: customer.map(|customer| customer.turn),
            created_at: request.now,
            expires_at: refunds.expiry(request.now),
        })
    }

    /// Approves what was agreed to, or says why not. This is the only way to an [`ApprovedAction`]. `None`: it is no longer what
    /// was agreed to, and has to be proposed anew.
    ///
    /// # Errors
    /// Why it is not done.
    pub fn approve(
        &self,
        refunds: &RefundPolicy,
        agreed: &Agreed<'_>,
        ground: Ground<'_>,
        request: &ActionRequest<'_>,
    ) -> Result<Option<ApprovedAction>, ActionRefusal> {
        let (wish, order) = (request.wish, ground.order);
        let paid = self.decide(refunds, ground, wish)?;
        let customer = request.caller.customer();
        if customer.is_some() {
            let same = |proposal: &Proposal| {
                proposal.kind == wish.kind
                    && proposal.order_id == order.id
                    && proposal.details.is_same(&wish.details)
                    && (proposal.amount, proposal.currency) == (paid.amount, order.currency())
            };
            if !agreed.proposal().is_some_and(same) {
                return Ok(None);
            }
        }
        let right = Amount::new(paid.amount, order.currency());
        if request.named.is_some_and(|named| !is_amount(named, right)) {
            return Err(ActionRefusal::OtherAmount { right });
        }
        let items = match wish.kind {
            ProposalKind::Return => wish.details.items.as_slice(),
            _ => &[],
        };
        let why = (request.caller, wish.reason.as_str(), request.now);
        let refund = paid.at_once.then(|| refunds.approve_with(agreed, order, (paid.amount, paid.fee, items), why));
        let changes = ground.before.iter().filter(|action| action.kind == ProposalKind::Change).count();
        let amount = (paid.amount > Money::ZERO).then_some(right);
        Ok(Some(ApprovedAction {
            action: Action {
                id: request.id.to_owned(),
                kind: wish.kind,
                order_id: order.id.clone(),
                user_id: customer.map(|customer| customer.user.clone()),
                actor: request.caller.actor(),
                reason: wish.reason.clone(),
                details: wish.details.clone(),
                amount,
                transaction_id: None,
                at: request.now,
                done: None,
            },
            key: key(wish.kind, &order.id, &wish.details, changes),
            refund,
        }))
    }

    fn decide(&self, refunds: &RefundPolicy, ground: Ground<'_>, wish: &Wish) -> Result<Payment, ActionRefusal> {
        let cancelled = ground.before.iter().any(|action| action.kind == ProposalKind::Cancel);
        if cancelled || ground.order.reached() == Some(OrderState::Cancelled) {
            return Err(ActionRefusal::Cancelled);
        }
        match wish.kind {
            ProposalKind::Cancel => {
                Self::before(ground.order, self.cancel_until)?;
                Self::decide_cancellation(refunds, ground)
            }
            ProposalKind::Change => {
                // Whom the carrier calls, and what they are to know, reaches them on the way as well.
                let reaches = |change: &OrderChange| {
                    matches!(change.field, ChangeField::Phone | ChangeField::Instructions)
                        && self.change_until == OrderState::Delivered
                };
                let until = if wish.details.change.as_ref().is_some_and(reaches) {
                    OrderState::Delivered
                } else {
                    self.change_until
                };
                Self::before(ground.order, until)?;
                Ok(Payment::default())
            }
            ProposalKind::Return => self.decide_return(refunds, ground, &wish.details),
            ProposalKind::Refund => Err(ActionRefusal::StateUnknown),
        }
    }

    /// Whether an order has not come to a state yet.
    fn before(order: &Order, until: OrderState) -> Result<(), ActionRefusal> {
        let reached = order.reached().ok_or(ActionRefusal::StateUnknown)?;
        match (reached.step(), until.step()) {
            (Some(reached), Some(until)) if reached < until => Ok(()),
            _ => Err(match reached {
                OrderState::OutForDelivery => ActionRefusal::OutForDelivery,
                OrderState::Delivered | OrderState::Returned => ActionRefusal::Delivered,
                OrderState::Cancelled => ActionRefusal::Cancelled,
                _ => ActionRefusal::TooLate,
            }),
        }
    }

    fn decide_cancellation(refunds: &RefundPolicy, ground: Ground<'_>) -> Result<Payment, ActionRefusal> {
        match ground.refund {
            Some(refund) if refund.state() == RefundState::Failed => Err(Refusal::RefundFailedByShop.into()),
            // The rest of its money is for a person.
            Some(refund) if !refund.items.is_empty() => Err(Refusal::SecondPart.into()),
            Some(_) => Ok(Payment::default()),
            None if promises_money(ground) => Err(Refusal::SecondPart.into()),
            None => {
                let amount = refunds.decide_cancellation(ground.order)?.unwrap_or_default();
                Ok(Payment { value: amount, amount, fee: Money::ZERO, at_once: amount > Money::ZERO })
            }
        }
    }

    fn decide_return(
        &self,
        refunds: &RefundPolicy,
        ground: Ground<'_>,
        details: &Details,
    ) -> Result<Payment, ActionRefusal> {
        let order = ground.order;
        match order.reached() {
            Some(OrderState::Delivered) => {}
            Some(OrderState::Returned) => return Err(ActionRefusal::UnderWay),
            Some(_) => return Err(ActionRefusal::NotDelivered),
            None => return Err(ActionRefusal::StateUnknown),
        }
        let resolution = details.resolution.unwrap_or(Resolution::Refund);
        match resolution {
            Resolution::Replacement if !self.replacement => return Err(ActionRefusal::Unsupported(resolution)),
            Resolution::Exchange if !self.exchange => return Err(ActionRefusal::Unsupported(resolution)),
            _ => {}
        }
        if let Some(what) = self.never_returned(order, &details.items) {
            return Err(ActionRefusal::NeverReturned { what });
        }
        self.within_window(order, ground.local)?;
        if goes_back(ground, &details.items) {
            return Err(ActionRefusal::UnderWay);
        }
        if let Some(refund) = ground.refund
            && order.overlap(&refund.items, &details.items)
        {
            return Err(ActionRefusal::UnderWay);
        }
        if self.photo_required.iter().any(|category| is_same(category, &order.category)) {
            return Err(ActionRefusal::NeedsPhoto);
        }
        if resolution != Resolution::Refund {
            return Ok(Payment::default());
        }
        // An order has one refund: what comes back second is for a person, also where the first is still awaited.
        if ground.refund.is_some() || promises_money(ground) {
            return Err(Refusal::SecondPart.into());
        }
        match refunds.decide_part(order, &details.items, ground.local) {
            Verdict::Refused(refusal) => Err(refusal.into()),
            Verdict::Eligible { amount, fee } => {
                let at_once = self.refund_on_return == RefundOnReturn::AtOnce;
                Ok(Payment { value: order.value.unwrap_or_default(), amount, fee, at_once })
            }
        }
    }

    /// What of the order never goes back, if it is meant.
    fn never_returned(&self, order: &Order, items: &[Item]) -> Option<String> {
        if self.never_returned.iter().any(|word| is_same(word, &order.category)) {
            return Some(order.category.clone());
        }
        let named = items.iter().map(|item| item.name.as_str());
        let all = order.details.lines.iter().map(|line| line.name.as_str()).filter(|_| items.is_empty());
        named.chain(all).find(|name| self.never_returned.iter().any(|word| holds(name, word))).map(str::to_owned)
    }

    fn within_window(&self, order: &Order, now: DateTime) -> Result<(), ActionRefusal> {
        let own = self.return_windows.iter().find(|(category, _)| is_same(category, &order.category));
        let days = own.map_or(self.return_window_days, |(_, days)| *days);
        if days == 0 {
            return Ok(());
        }
        // Where the day of the delivery is not known, the order's own is the earliest that it can be.
        let from = order.details.delivered_at.or(order.placed_at);
        let Some(from) = from.filter(|from| has_come(*from, now)) else {
            return Err(ActionRefusal::DateUnknown { days });
        };
        let limit = from.saturating_add(SignedDuration::from_hours(24 * i64::from(days)));
        if now > limit { Err(ActionRefusal::WindowPassed { days }) } else { Ok(()) }
    }

    /// Whether a customer got, or was promised, as much since a month as the shop pays without a person, this amount included.
    pub fn is_over_limit(&self, money: &ShopMoney, since: &[Amount], amount: Amount) -> bool {
        let count = u32::try_from(since.len()).unwrap_or(u32::MAX);
        if self.monthly_refunds > 0 && count >= self.monthly_refunds {
            return true;
        }
        self.monthly_amount.is_some_and(|limit| {
            let own = |amount: &Amount| amount.currency == money.currency();
            let amounts: Vec<Amount> = since.iter().copied().chain([amount]).collect();
            let sum = amounts.iter().map(|amount| amount.money.minor_units()).fold(0_i64, i64::saturating_add);
            !amounts.iter().all(own) || sum > limit.minor_units()
        })
    }
}

/// Whether some of these items go back, or went back, already.
fn goes_back(ground: Ground<'_>, items: &[Item]) -> bool {
    let mut back: Vec<Item> = Vec::new();
    for action in ground.before.iter().filter(|action| action.kind == ProposalKind::Return) {
        if action.details.items.is_empty() {
            return true;
        }
        back.extend(action.details.items.iter().cloned());
    }
    !back.is_empty() && ground.order.overlap(&back, items)
}

/// Whether a return of before has money, paid or to be paid.
fn promises_money(ground: Ground<'_>) -> bool {
    ground.before.iter().any(|action| action.kind == ProposalKind::Return && action.amount.is_some())
}

impl Ground<'_> {
    /// Why some of these items, or all of the order where none are named, are not paid back by themselves: what was done to the
    /// order before has its own money.
    pub fn refuses_refund(&self, items: &[Item]) -> Option<Refusal> {
        // The shop may have sent the order again as it was before.
        if self.before.iter().any(|action| action.kind == ProposalKind::Cancel) {
            return Some(Refusal::Closed(OrderState::Cancelled));
        }
        if goes_back(*self, items) {
            return Some(Refusal::ReturnUnderWay);
        }
        promises_money(*self).then_some(Refusal::SecondPart)
    }
}

fn is_same(one: &str, other: &str) -> bool {
    !one.trim().is_empty() && one.trim().to_lowercase() == other.trim().to_lowercase()
}

/// Whether a name holds a word, or several in their order.
fn holds(name: &str, word: &str) -> bool {
    let plain = |text: &str| {
        let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        format!(" {} ", words.map(str::to_lowercase).collect::<Vec<_>>().join(" "))
    };
    let word = plain(word);
    !word.trim().is_empty() && plain(name).contains(&word)
}

#[cfg(test)]
#[path = "policy_tests.rs"]
mod tests;
