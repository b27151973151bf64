//! Actions on orders.

use super::*;
use crate::domain::action::{ActionPolicy, ActionRequest, ApprovedAction, Ground, RefundOnReturn, Wish};
use crate::domain::ids::QuoteId;
use crate::domain::order::{Item, OrderState, PaymentState};
use crate::domain::proposal::{ChangeField, Details, OrderChange, ProposalKind, Resolution, agreed};
use crate::domain::refund::Refund;

fn refunds() -> RefundPolicy {
    RefundPolicy {
        refused_categories: Vec::new(),
        shipping_fee: Percent::default(),
        max_automatic: None,
        window_days: None,
        quote_valid: SignedDuration::from_mins(30),
        estimated_arrival: String::new(),
        provider: ProviderKind::Ledger,
        money: crate::domain::currency::ShopMoney::default(),
    }
}

/// What an operator may do to an order.
async fn approved_action(store: &Arc<dyn Store>, number: u32, action: &str, wish: &Wish) -> ApprovedAction {
    let order = store.order(&id(number)).await.unwrap().unwrap_or_else(|| order(number));
    let before = store.actions_of(&id(number)).await.unwrap();
    let refund = store.refund_of(&id(number)).await.unwrap();
    approve(&order, (&before, refund.as_ref()), action, wish)
}

pub(in crate::store) fn approve(
    order: &Order,
    (before, refund): (&[Action], Option<&Refund>),
    action: &str,
    wish: &Wish,
) -> ApprovedAction {
    let policy = ActionPolicy {
        return_window_days: 0,
        refund_on_return: if action.ends_with("now") { RefundOnReturn::AtOnce } else { RefundOnReturn::OnReceipt },
        ..ActionPolicy::default()
    };
    let caller = Caller::Operator { name: "contract".to_owned() };
    let patterns = IdPatterns::default();
    let consent = agreed(None, wish.kind, &order.id, &caller, &patterns, at(5)).unwrap();
    let ground = Ground { order, before, refund, local: jiff::civil::datetime(2026, 1, 1, 0, 0, 0, 0) };
    let request = ActionRequest { wish, named: None, caller: &caller, now: at(5), id: action };
    policy.approve(&refunds(), &consent, ground, &request).unwrap().unwrap()
}

fn wish(kind: ProposalKind, details: Details) -> Wish {
    Wish { kind, details, reason: "by mistake".to_owned() }
}

pub(in crate::store) fn cancel() -> Wish {
    wish(ProposalKind::Cancel, Details::default())
}

pub(in crate::store) fn address(value: &str) -> Wish {
    let change = Some(OrderChange { field: ChangeField::Address, value: value.to_owned() });
    wish(ProposalKind::Change, Details { change, ..Details::default() })
}

pub(in crate::store) fn back(resolution: Resolution) -> Wish {
    wish(ProposalKind::Return, Details { resolution: Some(resolution), ..Details::default() })
}

pub(in crate::store) fn young(number: u32) -> Order {
    let mut order = Order { delivery_minutes: None, ..order(number) };
    order.details.state = Some(OrderState::Placed);
    order.details.payment_state = Some(PaymentState::Paid);
    order.details.updated_at = Some(at(1));
    order
}

pub(in crate::store) async fn a_cancelled_order_is_paid_back_with_it(fresh: TestStore) {
    let store = &fresh.store;
    import(store, ImportMode::Upsert, vec![young(1)]).await;
    let done = store.record_action(approved_action(store, 1, "ACT_1", &cancel()).await).await.unwrap();
    assert!(!done.already);
    let refund = store.refund_of(&id(1)).await.unwrap().unwrap();
    assert_eq!((done.refund.as_ref(), refund.amount), (Some(&refund), Money::from_rupees(599)));
    assert_eq!(done.action.transaction_id.as_deref(), Some(refund.transaction_id.as_str()));
    let stored = store.order(&id(1)).await.unwrap().unwrap();
    assert_eq!((stored.reached(), stored.details.updated_at), (Some(OrderState::Cancelled), Some(at(5))));
    // What the shop sent before does not undo it; what it sends later holds, and the action stays.
    assert_eq!(store.upsert_order(&young(1)).await.unwrap(), UpsertOutcome::Stale);
    let mut newer = young(1);
    newer.details.updated_at = Some(at(9));
    assert_eq!(store.upsert_order(&newer).await.unwrap(), UpsertOutcome::Updated);
    assert_eq!(store.actions_of(&id(1)).await.unwrap(), std::slice::from_ref(&done.action));
    let again = approve(&newer, (&[], None), "ACT_2", &cancel());
    let again = store.record_action(again).await.unwrap();
    assert_eq!((again.already, &again.action, &again.refund), (true, &done.action, &done.refund));
    assert_eq!(store.refunds(9).await.unwrap().len(), 1);
    assert_eq!(store.refunds_of("operator:contract", at(0)).await.unwrap().len(), 1);
    assert_eq!(store.refunds_of("operator:contract", at(6)).await.unwrap(), []);
}

pub(in crate::store) async fn an_action_is_done_once_by_many(fresh: TestStore) {
    let other = (fresh.again)();
    let order = young(1);
    import(&fresh.store, ImportMode::Upsert, vec![order.clone()]).await;
    let tasks = (0..24).map(|number| {
        let store = if number % 2 == 0 { fresh.store.clone() } else { other.clone() };
        let approved = approve(&order, (&[], None), &format!("ACT_{number:03}"), &cancel());
        let refund = (number % 3 == 0).then(|| approved_of(ProviderKind::Ledger, &order, 5));
        tokio::spawn(async move {
            // Refunds by another way at the same time.
            if let Some(refund) = refund {
                store.record_refund(refund).await.unwrap();
            }
            store.record_action(approved).await.unwrap()
        })
    });
    let (mut first, mut seen) = (0, HashSet::new());
    for task in tasks.collect::<Vec<_>>() {
        let recorded = task.await.unwrap();
        first += u32::from(!recorded.already);
        seen.insert(recorded.action.id);
    }
    assert_eq!((first, seen.len()), (1, 1));
    assert_eq!(fresh.store.refunds(9).await.unwrap().len(), 1);
    assert_eq!(fresh.store.actions(true, 9).await.unwrap().len(), 1);
}

pub(in crate::store) async fn changes_and_returns_are_listed_and_done(fresh: TestStore) {
    let store = &fresh.store;
    import(store, ImportMode::Upsert, vec![young(1), order(2), order(3)]).await;
    for (number, action, wish) in [
        (1, "ACT_1", address("9 Hill View")),
        (1, "ACT_2", address("10 Hill View")),
        (1, "ACT_3", address("9 Hill View")),
        (2, "ACT_4", back(Resolution::Replacement)),
        (3, "ACT_5_now", back(Resolution::Refund)),
    ] {
        let done = store.record_action(approved_action(store, number, action, &wish).await).await.unwrap();
        assert!(!done.already, "{action}");
        assert_eq!((done.action.details, done.refund.is_some()), (wish.details, action.ends_with("now")));
    }
    let stored = store.order(&id(1)).await.unwrap().unwrap();
    assert_eq!(stored.details.address.as_deref(), Some("9 Hill View"));
    let ids = |actions: Vec<Action>| actions.into_iter().map(|action| action.id).collect::<Vec<_>>();
    assert_eq!(ids(store.actions(true, 9).await.unwrap()), ["ACT_5_now", "ACT_4", "ACT_3", "ACT_2", "ACT_1"]);
    assert_eq!(ids(store.actions_of(&id(1)).await.unwrap()), ["ACT_1", "ACT_2", "ACT_3"]);
    let closed = store.close_action("ACT_4", "desk", at(8), None).await.unwrap().unwrap();
    assert_eq!((closed.already, closed.action.state()), (false, "done"));
    let again = store.close_action("ACT_4", "night", at(9), None).await.unwrap().unwrap();
    assert_eq!((again.already, again.action), (true, closed.action));
    assert_eq!(store.close_action("ACT_9", "desk", at(8), None).await.unwrap(), None);
    assert_eq!(store.action("ACT_9").await.unwrap(), None);
    assert_eq!(ids(store.actions(true, 2).await.unwrap()), ["ACT_5_now", "ACT_3"]);
    assert_eq!(store.actions(false, 9).await.unwrap().len(), 5);
}

pub(in crate::store) async fn the_money_of_a_return_goes_back_when_it_is_there(fresh: TestStore) {
    let store = &fresh.store;
    import(store, ImportMode::Upsert, vec![order(1)]).await;
    let done = store.record_action(approved_action(store, 1, "ACT_1", &back(Resolution::Refund)).await).await.unwrap();
    assert!(done.action.owes_money() && done.refund.is_none());
    assert_eq!(store.refund_of(&id(1)).await.unwrap(), None);
    let pay = || refunds().approve_return(&order(1), &done.action, "operator:desk", at(20));
    let closed = store.close_action("ACT_1", "desk", at(20), pay()).await.unwrap().unwrap();
    let refund = store.refund_of(&id(1)).await.unwrap();
    assert!(refund.is_some() && closed.refund == refund && !closed.already);
    assert_eq!(closed.action.transaction_id, refund.map(|refund| refund.transaction_id));
    let again = store.close_action("ACT_1", "desk", at(30), pay()).await.unwrap().unwrap();
    assert!(again.already && store.refunds(9).await.unwrap().len() == 1);
}

/// An order of bread and milk.
fn basket(number: u32) -> Order {
    let line = |name: &str, price| crate::domain::order::OrderLine {
        name: name.to_owned(),
        quantity: 1,
        price: Some(Money::from_rupees(price)),
        ..Default::default()
    };
    let mut order = order(number);
    order.details.lines = vec![line("Bread", 50), line("Milk", 549)];
    order
}

fn back_alone(name: &str) -> Wish {
    let items = vec![Item { sku: None, name: name.to_owned(), quantity: 1 }];
    wish(ProposalKind::Return, Details { items, resolution: Some(Resolution::Refund), ..Details::default() })
}

/// Several actions that were decided on at the same time, before any of them was stored.
pub(in crate::store) async fn the_refund_of_another_part_pays_no_action(fresh: TestStore) {
    let store = &fresh.store;
    import(store, ImportMode::Upsert, vec![basket(1), basket(2), basket(3)]).await;
    let approved = |number, action: &str, name: &str| approve(&basket(number), (&[], None), action, &back_alone(name));
    // Paid with the receipt.
    let bread = store.record_action(approved(1, "ACT_1", "Bread")).await.unwrap().action;
    let milk = store.record_action(approved(1, "ACT_2", "Milk")).await.unwrap().action;
    let pay = |action: &Action| refunds().approve_return(&basket(1), action, "operator:desk", at(20));
    let closed = store.close_action("ACT_1", "desk", at(20), pay(&bread)).await.unwrap().unwrap();
    assert_eq!(closed.refund.map(|refund| refund.amount), Some(Money::from_rupees(50)));
    let closed = store.close_action("ACT_2", "desk", at(20), pay(&milk)).await.unwrap().unwrap();
    assert_eq!((closed.refund, closed.already), (None, false));
    assert!(closed.action.leaves_money(), "{:?}", closed.action);
    assert_eq!(store.action("ACT_2").await.unwrap(), Some(closed.action.clone()));
    let again = store.close_action("ACT_2", "desk", at(30), pay(&milk)).await.unwrap().unwrap();
    assert_eq!((again.action, again.refund, again.already), (closed.action, None, true));
    // Paid at once.
    let bread = store.record_action(approved(2, "ACT_3_now", "Bread")).await.unwrap();
    assert_eq!(bread.action.transaction_id, bread.refund.map(|refund| refund.transaction_id));
    for (action, already) in [("ACT_4_now", false), ("ACT_5_now", true)] {
        let milk = store.record_action(approved(2, action, "Milk")).await.unwrap();
        assert_eq!((milk.refund, milk.already), (None, already), "{action}");
        assert!(milk.action.transaction_id.is_none() && milk.action.owes_money());
        assert_eq!(store.action("ACT_4_now").await.unwrap(), Some(milk.action));
    }
    assert_eq!(store.refunds(9).await.unwrap().len(), 2);
    // The refund of the whole order holds the money of its parts.
    let whole = store.record_refund(approved_of(ProviderKind::Ledger, &basket(3), 5)).await.unwrap().refund;
    let milk = store.record_action(approved(3, "ACT_6_now", "Milk")).await.unwrap();
    assert_eq!(milk.action.transaction_id.as_ref(), Some(&whole.transaction_id));
    assert_eq!(milk.refund, Some(whole));
}

pub(in crate::store) async fn the_actions_of_a_customer_are_found(fresh: TestStore) {
    let store = &fresh.store;
    let of_customer = |number: u32, action: &str, user: &str| {
        let wish = back_alone("Bread");
        let stored = basket(number);
        let policy = ActionPolicy { return_window_days: 0, ..ActionPolicy::default() };
        let ground =
            Ground { order: &stored, before: &[], refund: None, local: jiff::civil::datetime(2026, 1, 1, 0, 0, 0, 0) };
        let asks = crate::testing::customer(user, 1, "please", &[], at(5)).caller;
        let asked = ActionRequest { wish: &wish, named: None, caller: &asks, now: at(5), id: action };
        let proposal = policy.propose(&refunds(), QuoteId::new(action), ground, &asked).unwrap();
        let yes = crate::testing::customer(user, 2, "yes", &[&proposal.id], at(6)).caller;
        let patterns = IdPatterns::default();
        let consent = agreed(Some(&proposal), wish.kind, &stored.id, &yes, &patterns, at(6)).unwrap();
        let request = ActionRequest { caller: &yes, now: at(6), ..asked };
        policy.approve(&refunds(), &consent, ground, &request).unwrap().unwrap()
    };
    import(store, ImportMode::Upsert, (1..=4).map(basket).collect()).await;
    for (number, action, user) in [(1, "ACT_1", "one"), (2, "ACT_2", "two"), (3, "ACT_3", "one")] {
        assert!(!store.record_action(of_customer(number, action, user)).await.unwrap().already);
    }
    store.record_action(approve(&basket(4), (&[], None), "ACT_4", &back_alone("Bread"))).await.unwrap();
    let ids = async |user: &str| {
        let actions = store.actions_for(&UserId::new(user)).await.unwrap();
        actions.into_iter().map(|action| action.id).collect::<Vec<_>>()
    };
    assert_eq!(
        (ids("one").await, ids("two").await),
        (vec!["ACT_1".to_owned(), "ACT_3".to_owned()], vec!["ACT_2".to_owned()])
    );
    assert!(ids("three").await.is_empty());
    store.rebind(&UserId::new("two"), &UserId::new("one"), None).await.unwrap();
    assert_eq!((ids("one").await.len(), ids("two").await.len()), (3, 0));
}
