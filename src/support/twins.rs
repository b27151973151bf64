//! Money of an order that is in the store under two ids: what went back under one of them never goes back under the other by
//! itself.

use std::collections::BTreeMap;

use crate::domain::ids::OrderId;
use crate::domain::order::Order;
use crate::domain::phone::Country;
use crate::domain::refund::Refusal;
use crate::store::{Result, Store};

/// Orders of a number that are looked at.
const OF_NUMBER: u32 = 100;

/// Whether an order is in the store under another id as well, and money went back there, is on its way back, or was promised.
/// `home`: the country of numbers without a country code; without it orders are found by their names only.
///
/// # Errors
/// When the store fails.
pub(super) async fn is_refunded_elsewhere(store: &dyn Store, order: &Order, home: Option<Country>) -> Result<bool> {
    let mut found: BTreeMap<OrderId, Order> = BTreeMap::new();
    for key in order.keys() {
        for id in store.orders_named(&key).await? {
            if id != order.id && !found.contains_key(&id) {
                found.extend(store.order(&id).await?.map(|other| (id, other)));
            }
        }
        found.extend(store.order_of_shop(&key).await?.map(|other| (other.id.clone(), other)));
    }
    if let Some(home) = home {
        for number in order.numbers(home) {
            let others = store.orders_of_number(&number, home, OF_NUMBER).await?;
            found.extend(others.into_iter().map(|other| (other.id.clone(), other)));
        }
    }
    for twin in found.values().filter(|other| order.is_twin_of(other)) {
        if Refusal::may_have_gone_back(twin)
            || store.refund_of(&twin.id).await?.is_some()
            || store.actions_of(&twin.id).await?.iter().any(|action| action.amount.is_some())
        {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use crate::domain::caller::Caller;
    use crate::domain::ids::OrderId;
    use crate::domain::order::{OrderState, PaymentState};
    use crate::domain::proposal::{Details, ProposalKind};
    use crate::domain::refund::{Denial, Refusal};
    use crate::support::actions::ActionOutcome;
    use crate::support::{Context, PayOutcome};
    use crate::testing::Shop;

    #[tokio::test]
    async fn the_money_of_one_order_goes_back_under_one_id() {
        let shop = Shop::open().await;
        let of = |id: &str, phone: Option<&str>, state: PaymentState| {
            let mut order = crate::testing::order(1, "Dairy", 599);
            order.id = OrderId::new(id);
            order.phone = phone.map(str::to_owned);
            order.details.payment_state = Some(state);
            order
        };
        let own = Some("9876543210");
        let mut open = of("1005", own, PaymentState::Paid);
        open.details.state = Some(OrderState::Confirmed);
        let orders = [
            of("#1001", own, PaymentState::Paid),
            of("1001", own, PaymentState::Paid),
            of("000042", own, PaymentState::Paid),
            of("42", own, PaymentState::Paid),
            of("#1003", None, PaymentState::Refunded),
            of("1003", None, PaymentState::Paid),
            of("1004", own, PaymentState::Paid),
            of("#1005", own, PaymentState::PartiallyRefunded),
            of("#1006", own, PaymentState::Unknown),
            of("1006", own, PaymentState::Paid),
            of("#1007", own, PaymentState::Pending),
            of("1007", own, PaymentState::Paid),
            open,
        ];
        shop.store.upsert_orders(&orders).await.unwrap();
        let support = shop.support();
        let desk = Context { caller: Caller::Operator { name: "desk".into() }, now: shop.now };
        let pay = async |id: &str| support.pay(&desk, (&OrderId::new(id), &[]), None, "").await.unwrap();
        let twin = PayOutcome::Denied(Denial::Policy(Refusal::RefundedTwin));
        assert!(matches!(pay("#1001").await, PayOutcome::Paid(_)));
        assert_eq!(pay("1001").await, twin);
        assert!(matches!(pay("42").await, PayOutcome::Paid(_)));
        assert_eq!(pay("000042").await, twin, "its customer's orders show it");
        assert_eq!(pay("1003").await, twin, "the shop paid it back");
        assert_eq!(pay("1006").await, twin, "whether the money of one went back is not known");
        assert!(matches!(pay("1004").await, PayOutcome::Paid(_)));
        assert!(matches!(pay("1007").await, PayOutcome::Paid(_)), "one was imported before it was paid");
        let wish = crate::domain::action::Wish {
            kind: ProposalKind::Cancel,
            details: Details::default(),
            reason: String::new(),
        };
        let cancelled = support.act(&desk, &OrderId::new("1005"), &wish, None).await.unwrap();
        assert_eq!(cancelled, ActionOutcome::Refused(Refusal::RefundedTwin.into()));
        assert!(Refusal::RefundedTwin.needs_person());
    }
}
