//! What may be done to an order, as a table: where it is, what was paid, how long ago it came, what is wanted.

use jiff::civil::date;

use super::*;
use crate::domain::caller::Customer;
use crate::domain::ids::{IdPatterns, OrderId, OrderNames, UserId};
use crate::domain::money::Percent;
use crate::domain::order::{OrderLine, PaymentState};
use crate::domain::proposal::agreed;
use crate::domain::refund::{Denial, ProviderKind};

fn refunds() -> RefundPolicy {
    RefundPolicy {
        refused_categories: Vec::new(),
        shipping_fee: Percent::default(),
        max_automatic: None,
        window_days: None,
        quote_valid: SignedDuration::from_mins(30),
        estimated_arrival: "3-5 business days".to_owned(),
        provider: ProviderKind::Ledger,
        money: ShopMoney::default(),
    }
}

fn order(state: Option<OrderState>, payment: Option<PaymentState>) -> Order {
    let mut order = crate::testing::order(3, "Dairy", 262);
    order.delivery_minutes = None;
    order.details.state = state;
    order.details.payment_state = payment;
    order.details.delivered_at = Some(date(2026, 5, 20).at(9, 0, 0, 0));
    let line = |name: &str, quantity, price| OrderLine {
        name: name.to_owned(),
        quantity,
        price: Some(Money::from_rupees(price)),
        ..OrderLine::default()
    };
    order.details.lines = vec![line("Toned Milk", 2, 58), line("Brown Bread", 1, 50), line("Eggs", 1, 96)];
    order
}

fn local(day: i8) -> DateTime {
    date(2026, 6, day).at(10, 0, 0, 0)
}

fn now() -> Timestamp {
    "2026-06-01T10:00:00Z".parse().unwrap()
}

fn operator() -> Caller {
    Caller::Operator { name: "desk".to_owned() }
}

fn wish(kind: ProposalKind, details: Details) -> Wish {
    Wish { kind, details, reason: "changed my mind".to_owned() }
}

fn back(resolution: Resolution, items: Vec<Item>) -> Wish {
    wish(ProposalKind::Return, Details { items, resolution: Some(resolution), ..Details::default() })
}

fn address(value: &str) -> Wish {
    let change = Some(OrderChange { field: ChangeField::Address, value: value.to_owned() });
    wish(ProposalKind::Change, Details { change, ..Details::default() })
}

fn item(name: &str, quantity: u32) -> Item {
    Item { sku: None, name: name.to_owned(), quantity }
}

/// What an operator gets: what comes back, or why nothing is done.
fn tried(policy: &ActionPolicy, ground: Ground<'_>, wish: &Wish) -> Result<(Action, Option<Refund>), &'static str> {
    let caller = operator();
    let request = ActionRequest { wish, named: None, caller: &caller, now: now(), id: "ACT_1" };
    let patterns = IdPatterns::default();
    let consent = agreed(None, wish.kind, &ground.order.id, &caller, &patterns, now()).unwrap();
    match policy.approve(&refunds(), &consent, ground, &request) {
        Ok(approved) => {
            let (action, _, refund) = approved.unwrap().into_parts();
            Ok((action, refund))
        }
        Err(refusal) => {
            assert!(!refusal.reason(Language::English, wish.kind, &ShopMoney::default()).is_empty());
            Err(refusal.code())
        }
    }
}

fn ground<'a>(order: &'a Order, before: &'a [Action]) -> Ground<'a> {
    Ground { order, before, refund: None, local: local(1) }
}

#[test]
fn every_state_and_payment_decides_a_cancellation() {
    use OrderState as S;
    use PaymentState as P;
    let payments = [
        None,
        Some(P::Pending),
        Some(P::Paid),
        Some(P::PartiallyRefunded),
        Some(P::Refunded),
        Some(P::Failed),
        Some(P::RefundProcessing),
        Some(P::RefundFailed),
        Some(P::Unknown),
    ];
    for (state, late) in [
        (Some(S::Placed), None),
        (Some(S::Confirmed), None),
        (Some(S::Packed), None),
        (Some(S::Delayed), None),
        (Some(S::OutForDelivery), Some("out_for_delivery")),
        (Some(S::Delivered), Some("delivered")),
        (Some(S::Cancelled), Some("cancelled")),
        (Some(S::Returned), Some("delivered")),
    ] {
        for payment in payments {
            let order = order(state, payment);
            let tried =
                tried(&ActionPolicy::default(), ground(&order, &[]), &wish(ProposalKind::Cancel, Details::default()));
            let paid = tried.map(|(_, refund)| refund.map(|refund| refund.amount.minor_units()));
            let expected = match (late, payment) {
                (Some(code), _) => Err(code),
                (None, Some(P::Paid)) => Ok(Some(26_200)),
                // Cash on delivery is not paid before the delivery.
                (None, None | Some(P::Unknown)) => Err("unsupported"),
                (None, Some(P::Pending | P::Failed | P::Refunded)) => Ok(None),
                (None, Some(P::PartiallyRefunded)) => Err("limit"),
                (None, Some(P::RefundProcessing | P::RefundFailed)) => Err("under_way"),
            };
            assert_eq!(paid, expected, "{state:?} {payment:?}");
        }
    }
    let mut unknown = order(None, Some(P::Paid));
    unknown.details.delivered_at = None;
    unknown.status = Some("somewhere".to_owned());
    let cancel = wish(ProposalKind::Cancel, Details::default());
    assert_eq!(tried(&ActionPolicy::default(), ground(&unknown, &[]), &cancel).unwrap_err(), "unsupported");
    let mut late = order(Some(S::Delayed), Some(P::Paid));
    late.details.carrier = Some("Delhivery".to_owned());
    assert_eq!(tried(&ActionPolicy::default(), ground(&late, &[]), &cancel).unwrap_err(), "out_for_delivery");
    let early = ActionPolicy { cancel_until: S::Packed, ..ActionPolicy::default() };
    assert_eq!(tried(&early, ground(&order(Some(S::Packed), None), &[]), &cancel).unwrap_err(), "too_late");
    assert!(tried(&early, ground(&order(Some(S::Confirmed), Some(P::Paid)), &[]), &cancel).is_ok());
}

#[test]
fn a_cancellation_pays_nothing_that_may_not_have_been_received() {
    let cancel = wish(ProposalKind::Cancel, Details::default());
    let paid = |refunds: &RefundPolicy, state, method: Option<&str>, payment: Option<&str>| {
        let mut order = order(Some(state), None);
        order.details.payment_method = method.map(str::to_owned);
        order.details.payment_id = payment.map(str::to_owned);
        refunds.decide_cancellation(&order)
    };
    let all = Ok(Some(Money::from_rupees(262)));
    let unknown = Err(Refusal::PaidUnknown);
    let ledger = refunds();
    assert_eq!(paid(&ledger, OrderState::Confirmed, Some("Cards and UPI"), None), all);
    for method in [None, Some("Cash on delivery"), Some("COD"), Some("UPI on delivery")] {
        assert_eq!(paid(&ledger, OrderState::Confirmed, method, Some("pay_1")), unknown, "{method:?}");
    }
    assert_eq!(paid(&ledger, OrderState::Placed, Some("UPI"), None), unknown, "it may wait for its payment");
    assert!(Refusal::PaidUnknown.needs_person());
    // A service pays back no more than it took.
    let razorpay = RefundPolicy { provider: ProviderKind::Razorpay, ..refunds() };
    assert_eq!(paid(&razorpay, OrderState::Placed, None, Some("pay_1")), all);
    assert_eq!(paid(&razorpay, OrderState::Placed, None, Some("COD")), unknown);
    let undecided = order(Some(OrderState::Confirmed), None);
    let refused = tried(&ActionPolicy::default(), ground(&undecided, &[]), &cancel);
    assert_eq!(refused.unwrap_err(), "unsupported");
}

#[test]
fn an_order_has_the_money_of_one_return() {
    let policy = ActionPolicy::default();
    let stored = order(Some(OrderState::Delivered), Some(PaymentState::Paid));
    let of = |name| vec![item(name, 1)];
    let (bread, refund) = tried(&policy, ground(&stored, &[]), &back(Resolution::Refund, of("Brown Bread"))).unwrap();
    assert!(refund.is_none() && bread.owes_money(), "it waits for the bread");
    let before = [bread.clone()];
    let milk = |resolution| tried(&policy, ground(&stored, &before), &back(resolution, of("Toned Milk")));
    assert_eq!(milk(Resolution::Refund).unwrap_err(), "limit", "a second part is for a person");
    assert_eq!(milk(Resolution::Replacement).unwrap().0.amount, None, "which costs no money");
    let refuses = |before: &[Action], items: &[Item]| ground(&stored, before).refuses_refund(items);
    assert_eq!(refuses(&before, &of("Toned Milk")), Some(Refusal::SecondPart));
    assert_eq!(refuses(&before, &of("Brown Bread")), Some(Refusal::ReturnUnderWay));
    assert_eq!(refuses(&[], &of("Brown Bread")), None);
    let again = [Action { amount: None, ..bread.clone() }];
    assert_eq!(refuses(&again, &of("Toned Milk")), None, "something was sent for it");
    let cancelled = [Action { kind: ProposalKind::Cancel, amount: None, details: Details::default(), ..bread.clone() }];
    assert_eq!(refuses(&cancelled, &[]), Some(Refusal::Closed(OrderState::Cancelled)));
    let young = order(Some(OrderState::Placed), Some(PaymentState::Paid));
    let cancel = wish(ProposalKind::Cancel, Details::default());
    assert_eq!(tried(&policy, ground(&young, &before), &cancel).unwrap_err(), "limit");
    // Which refund of an order is the money of an action.
    let refund = |items: Vec<Item>| {
        let at_once = ActionPolicy { refund_on_return: RefundOnReturn::AtOnce, ..ActionPolicy::default() };
        tried(&at_once, ground(&stored, &[]), &back(Resolution::Refund, items)).unwrap().1.unwrap()
    };
    let its_own = refund(of("Brown Bread"));
    let planned = its_own.transaction_id.clone();
    assert!(
        bread.paid_by(&planned, its_own.clone()).is_some() && bread.paid_by("RFND_0", refund(Vec::new())).is_some()
    );
    for other in [refund(of("Toned Milk")), its_own] {
        assert!(bread.paid_by("RFND_0", other).is_none(), "an earlier refund, be it for as much of the same");
    }
    let done = Action { done: Some(crate::domain::action::Done { by: "desk".to_owned(), at: now() }), ..bread };
    assert!(done.leaves_money() && !Action { transaction_id: Some("RFND_1".to_owned()), ..done }.leaves_money());
}

#[test]
fn the_money_of_a_return_is_not_paid_twice() {
    let stored = |payment| order(Some(OrderState::Returned), payment);
    let delivered = order(Some(OrderState::Delivered), Some(PaymentState::Paid));
    let wanted = back(Resolution::Refund, vec![item("Brown Bread", 1)]);
    let (action, _) = tried(&ActionPolicy::default(), ground(&delivered, &[]), &wanted).unwrap();
    for (_, payment) in PaymentState::ALL {
        let paid = refunds().approve_return(&stored(Some(payment)), &action, "operator:desk", now());
        assert_eq!(paid.is_some(), payment == PaymentState::Paid, "{payment}");
    }
    assert!(refunds().approve_return(&stored(None), &action, "operator:desk", now()).is_some());
}

#[test]
fn an_order_is_called_off_once_and_nothing_is_done_to_it_afterwards() {
    let policy = ActionPolicy::default();
    let stored = order(Some(OrderState::Placed), Some(PaymentState::Paid));
    let cancel = wish(ProposalKind::Cancel, Details::default());
    let (action, refund) = tried(&policy, ground(&stored, &[]), &cancel).unwrap();
    assert_eq!(action.transaction_id, refund.map(|refund| refund.transaction_id));
    let cancelled = action.apply(&stored).unwrap();
    assert_eq!(cancelled.reached(), Some(OrderState::Cancelled));
    assert_eq!(cancelled.details.updated_at, Some(now()));
    // Also where the shop sends it again as it was.
    let before = [action];
    assert_eq!(policy.done_before(&cancel, &before), Some(&before[0]));
    for wish in [address("9 Hill View"), back(Resolution::Refund, Vec::new())] {
        assert_eq!(tried(&policy, ground(&stored, &before), &wish).unwrap_err(), "cancelled");
    }
}

#[test]
fn an_order_is_changed_until_it_leaves_and_back_again() {
    let policy = ActionPolicy::default();
    let stored = order(Some(OrderState::Packed), None);
    let one = address("9 Hill View,  Pune 411045");
    let (first, refund) = tried(&policy, ground(&stored, &[]), &one).unwrap();
    assert_eq!(refund, None);
    assert_eq!(first.apply(&stored).unwrap().details.address.as_deref(), Some("9 Hill View,  Pune 411045"));
    let before = vec![first.clone()];
    assert!(policy.done_before(&address("9 hill view, pune 411045"), &before).is_some());
    assert!(policy.done_before(&address("10 Hill View"), &before).is_none());
    let (second, _) = tried(&policy, ground(&stored, &before), &address("10 Hill View")).unwrap();
    let before = [first, second];
    assert!(policy.done_before(&one, &before).is_none(), "it was changed since");
    let key = |before: &[Action]| {
        let caller = operator();
        let request = ActionRequest { wish: &one, named: None, caller: &caller, now: now(), id: "ACT_1" };
        let patterns = IdPatterns::default();
        let consent = agreed(None, one.kind, &stored.id, &caller, &patterns, now()).unwrap();
        policy.approve(&refunds(), &consent, ground(&stored, before), &request).unwrap().unwrap().into_parts().1
    };
    assert_ne!(key(&before), key(&[]));
    assert_eq!(key(&[]), key(&[]));
    for (state, code) in [(OrderState::OutForDelivery, "out_for_delivery"), (OrderState::Delivered, "delivered")] {
        assert_eq!(tried(&policy, ground(&order(Some(state), None), &[]), &one).unwrap_err(), code);
    }
    let phone = OrderChange { field: ChangeField::Phone, value: "9123400567".to_owned() };
    let phone = wish(ProposalKind::Change, Details { change: Some(phone), ..Details::default() });
    let (action, _) = tried(&policy, ground(&stored, &[]), &phone).unwrap();
    assert_eq!(action.apply(&stored), None, "whose order it is does not change");
}

#[test]
fn what_was_delivered_goes_back_within_its_window() {
    let policy = ActionPolicy {
        return_windows: BTreeMap::from([("electronics".to_owned(), 10)]),
        never_returned: vec!["eggs".to_owned(), "Cakes".to_owned()],
        photo_required: vec!["Furniture".to_owned()],
        exchange: false,
        ..ActionPolicy::default()
    };
    let bread = || vec![item("Brown Bread", 1)];
    let delivered = order(Some(OrderState::Delivered), Some(PaymentState::Paid));
    let money = |order: &Order, wish: &Wish| {
        tried(&policy, ground(order, &[]), wish).map(|(action, refund)| {
            assert_eq!(refund, None, "paid once it is there");
            action.amount.map(|amount| amount.money.minor_units())
        })
    };
    assert_eq!(money(&delivered, &back(Resolution::Refund, bread())), Ok(Some(5_000)));
    assert_eq!(money(&delivered, &back(Resolution::Replacement, bread())), Ok(None));
    assert_eq!(money(&delivered, &back(Resolution::Exchange, bread())), Err("unsupported"));
    assert_eq!(money(&delivered, &back(Resolution::Refund, vec![item("Eggs", 1)])), Err("never_returned"));
    assert_eq!(money(&delivered, &back(Resolution::Refund, Vec::new())), Err("never_returned"));
    for (category, code) in
        [("Cakes", "never_returned"), ("Furniture", "needs_photo"), ("Electronics", "window_passed")]
    {
        let other = Order { category: category.to_owned(), ..delivered.clone() };
        assert_eq!(money(&other, &back(Resolution::Replacement, bread())), Err(code));
    }
    for state in [OrderState::Placed, OrderState::OutForDelivery, OrderState::Delayed] {
        let other = order(Some(state), Some(PaymentState::Paid));
        assert_eq!(money(&other, &back(Resolution::Refund, bread())), Err("not_delivered"), "{state:?}");
    }
    for (payment, code) in [
        (PaymentState::Refunded, "under_way"),
        (PaymentState::RefundProcessing, "under_way"),
        (PaymentState::Failed, "unpaid"),
    ] {
        let other = order(Some(OrderState::Delivered), Some(payment));
        assert_eq!(money(&other, &back(Resolution::Refund, bread())), Err(code));
    }
    let mut undated = delivered.clone();
    undated.details.delivered_at = None;
    assert_eq!(money(&undated, &back(Resolution::Refund, bread())), Err("unsupported"));
    undated.details.delivered_at = Some(date(2031, 1, 1).at(9, 0, 0, 0));
    assert_eq!(money(&undated, &back(Resolution::Refund, bread())), Err("unsupported"), "it is still to come");
    let late = Ground { local: date(2026, 6, 20).at(0, 0, 0, 0), ..ground(&delivered, &[]) };
    assert_eq!(tried(&policy, late, &back(Resolution::Refund, bread())).unwrap_err(), "window_passed");
}

#[test]
fn what_went_back_does_not_go_back_again() {
    let policy = ActionPolicy { refund_on_return: RefundOnReturn::AtOnce, ..ActionPolicy::default() };
    let stored = order(Some(OrderState::Delivered), Some(PaymentState::Paid));
    let bread = back(Resolution::Refund, vec![item("Brown Bread", 1)]);
    let (action, refund) = tried(&policy, ground(&stored, &[]), &bread).unwrap();
    let refund = refund.unwrap();
    assert_eq!((refund.amount, refund.items.clone()), (Money::from_rupees(50), vec![item("Brown Bread", 1)]));
    let before = [action];
    assert!(policy.done_before(&bread, &before).is_some());
    let with = Ground { refund: Some(&refund), ..ground(&stored, &before) };
    let milk = |resolution| back(resolution, vec![item("Toned Milk", 1)]);
    assert_eq!(
        tried(&policy, with, &back(Resolution::Replacement, bread.details.items.clone())).unwrap_err(),
        "under_way"
    );
    assert_eq!(tried(&policy, with, &milk(Resolution::Refund)).unwrap_err(), "limit", "a second part is for a person");
    assert!(tried(&policy, with, &milk(Resolution::Replacement)).is_ok());
    assert_eq!(with.refuses_refund(&[]), Some(Refusal::ReturnUnderWay));
    assert_eq!(with.refuses_refund(&bread.details.items), Some(Refusal::ReturnUnderWay));
    let cancel = wish(ProposalKind::Cancel, Details::default());
    let young = order(Some(OrderState::Placed), Some(PaymentState::Paid));
    let with = Ground { refund: Some(&refund), ..ground(&young, &[]) };
    assert_eq!(tried(&policy, with, &cancel).unwrap_err(), "limit", "the rest is for a person");
    let whole = Refund { items: Vec::new(), ..refund };
    let with = Ground { refund: Some(&whole), ..ground(&young, &[]) };
    assert_eq!(tried(&policy, with, &cancel).unwrap().1, None, "it was paid back before");
}

#[test]
fn a_customer_without_a_live_proposal_agrees_to_nothing_and_a_month_has_a_limit() {
    let caller = Caller::Customer(Customer {
        user: UserId::new("919876543210"),
        turn: 2,
        text: "yes".to_owned(),
        language: Language::English,
        offers: None,
        said: vec![crate::testing::written()],
        named_orders: vec![OrderId::new("ORD000003")],
        names: OrderNames::default(),
        customer_ids: Vec::new(),
        proof_asked: false,
        showing: crate::domain::caller::Showing::default(),
        sent: "yes".to_owned(),
    });
    for kind in ProposalKind::ALL {
        let none = agreed(None, kind, &OrderId::new("ORD000003"), &caller, &IdPatterns::default(), now());
        assert_eq!(none.unwrap_err(), Denial::NoQuote);
    }
    let money = ShopMoney::default();
    let rupees = |rupees| Amount::rupees(rupees);
    let policy = ActionPolicy { monthly_amount: Some(Money::from_rupees(500)), ..ActionPolicy::default() };
    assert!(!policy.is_over_limit(&money, &[], rupees(500)) && policy.is_over_limit(&money, &[], rupees(501)));
    let stored = order(Some(OrderState::Placed), Some(PaymentState::Paid));
    let (_, refund) = tried(&policy, ground(&stored, &[]), &wish(ProposalKind::Cancel, Details::default())).unwrap();
    let got = [refund.unwrap().refunded()];
    assert!(policy.is_over_limit(&money, &got, rupees(239)) && !policy.is_over_limit(&money, &got, rupees(238)));
    let once = ActionPolicy { monthly_refunds: 1, ..ActionPolicy::default() };
    assert!(once.is_over_limit(&money, &got, rupees(1)) && !once.is_over_limit(&money, &[], rupees(1)));
    assert!(!ActionPolicy::default().is_over_limit(&money, &got, rupees(1_000_000)));
}
