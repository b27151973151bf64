//! Tests of the refund policy.

use proptest::prelude::*;

use super::record::expected_by;
use super::*;
use crate::domain::caller::Customer;
use crate::domain::consent::{self, Manner, Press};
use crate::domain::ids::UserId;
use crate::domain::order::{OrderDetails, OrderState};
use crate::testing::{live_offers, written};

fn order(category: &str, rupees: i64) -> Order {
    Order {
        id: OrderId::new("ORD000003"),
        customer_id: "CUST5506".into(),
        platform: "JioMart".into(),
        placed: "21:29.5".into(),
        placed_at: None,
        delivery_minutes: Some(25),
        category: category.into(),
        value: Some(Money::from_rupees(rupees)),
        feedback: String::new(),
        rating: Some(2),
        delayed: Some(false),
        refund_requested: Some(true),
        phone: None,
        date: None,
        status: None,
        details: crate::domain::order::OrderDetails::default(),
    }
}

fn policy() -> RefundPolicy {
    RefundPolicy {
        refused_categories: vec![],
        shipping_fee: Percent::default(),
        max_automatic: None,
        window_days: None,
        quote_valid: SignedDuration::from_mins(30),
        estimated_arrival: "3-5 business days".into(),
        provider: ProviderKind::Ledger,
        money: crate::domain::currency::ShopMoney::default(),
    }
}

fn grocery() -> RefundPolicy {
    RefundPolicy {
        refused_categories: vec!["beverages".into()],
        shipping_fee: Percent::from_basis_points(500),
        ..policy()
    }
}

fn customer(turn: u64, text: &str, offered: &[&str]) -> Caller {
    Caller::Customer(Customer {
        user: UserId::new("919876543210"),
        turn,
        text: text.into(),
        offers: live_offers(&offered.iter().map(|id| QuoteId::new(*id)).collect::<Vec<_>>().iter().collect::<Vec<_>>())
            .map(Box::new),
        language: crate::domain::sentences::Language::default(),
        said: vec![written()],
        named_orders: vec![OrderId::new("ORD000003")],
        proof_asked: false,
        showing: crate::domain::caller::Showing::default(),
        sent: text.into(),
        names: crate::domain::ids::OrderNames::default(),
        customer_ids: vec![],
    })
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + seconds).unwrap()
}

fn local(seconds: i64) -> DateTime {
    at(seconds).to_zoned(jiff::tz::TimeZone::UTC).datetime()
}

fn approve(
    policy: &RefundPolicy,
    order: &Order,
    quote: Option<&Proposal>,
    caller: &Caller,
    amount: Option<Decimal>,
) -> Result<ApprovedRefund, Denial> {
    let patterns = IdPatterns::default();
    policy.approve(&RefundRequest {
        order,
        quote,
        caller,
        items: &[],
        amount,
        reason: "items missing",
        patterns: &patterns,
        now: at(60),
        local: local(60),
    })
}

fn quote(policy: &RefundPolicy, order: &Order) -> Proposal {
    policy.quote(QuoteId::new("q1"), (order, &[]), &customer(1, "refund please", &[]), at(0), local(0)).unwrap()
}

#[test]
fn the_documented_order_is_refunded_in_full() {
    let order = order("Beverages", 599);
    let quote = quote(&policy(), &order);
    let refund = approve(&policy(), &order, Some(&quote), &customer(2, "yes", &["q1"]), None).unwrap().into_refund();
    assert_eq!(refund.amount, Money::from_rupees(599));
    assert_eq!(refund.transaction_id, "RFND_20231114221420_ORD000003");
}

#[test]
fn the_grocery_preset_refuses_and_keeps_a_fee() {
    assert!(matches!(grocery().decide(&order("Beverages", 599), local(0)), Verdict::Refused(Refusal::Category(_))));
    assert_eq!(
        grocery().decide(&order("Personal Care", 599), local(0)),
        Verdict::Eligible { amount: Money::from_minor_units(56_905), fee: Money::from_minor_units(2_995) }
    );
}

#[test]
fn window_and_limit_hold() {
    let windowed = RefundPolicy { window_days: Some(7), ..policy() };
    let mut dated = order("Dairy", 100);
    let refused = windowed.decide(&dated, local(0));
    assert_eq!(refused, Verdict::Refused(Refusal::DateUnknown { days: 7 }), "an unknown date is in no window");
    assert!(matches!(policy().decide(&dated, local(0)), Verdict::Eligible { .. }));
    dated.value = None;
    assert_eq!(policy().decide(&dated, local(0)), Verdict::Refused(Refusal::ValueUnknown));
    let mut dated = order("Dairy", 100);
    dated.placed_at = Some(local(-8 * 86_400));
    assert_eq!(windowed.decide(&dated, local(0)), Verdict::Refused(Refusal::TooLate { days: 7 }));
    dated.placed_at = Some(local(-6 * 86_400));
    assert!(matches!(windowed.decide(&dated, local(0)), Verdict::Eligible { .. }));
    dated.placed_at = Some(local(86_400));
    assert!(matches!(windowed.decide(&dated, local(0)), Verdict::Eligible { .. }), "of a zone that is ahead");
    for later in [86_401, 365 * 86_400] {
        dated.placed_at = Some(local(later));
        assert_eq!(windowed.decide(&dated, local(0)), Verdict::Refused(Refusal::DateUnknown { days: 7 }), "{later}");
    }

    let limited = RefundPolicy { max_automatic: Some(Money::from_rupees(500)), ..policy() };
    assert!(matches!(limited.decide(&order("Dairy", 500), local(0)), Verdict::Eligible { .. }));
    let Verdict::Refused(refusal) = limited.decide(&order("Dairy", 501), local(0)) else { panic!("above the limit") };
    assert!(refusal.needs_person());
    let euros = |order: Order| Order {
        details: OrderDetails { currency: Currency::new("EUR"), ..OrderDetails::default() },
        ..order
    };
    let foreign = euros(order("Dairy", 5));
    let Verdict::Refused(refusal) = limited.decide(&foreign, local(0)) else { panic!("in another currency") };
    assert!(refusal.needs_person());
    assert_eq!(
        refusal.reason(Language::English, &ShopMoney::default()),
        "Refunds of orders in Euro (EUR) are decided by a member of the team."
    );
    let offer = policy().quote(QuoteId::new("q1"), (&foreign, &[]), &customer(1, "", &[]), at(0), local(0)).unwrap();
    assert_eq!(offer.refunded(), Amount::new(Money::from_rupees(5), Currency::new("EUR").unwrap()));
    let relabelled = approve(&policy(), &order("Dairy", 5), Some(&offer), &customer(2, "yes", &["q1"]), None);
    assert_eq!(relabelled.unwrap_err(), Denial::QuoteOutdated, "five euros are not five rupees");
    assert_eq!(policy().decide(&order("Dairy", 0), local(0)), Verdict::Refused(Refusal::NothingPaid));
}

#[test]
fn what_was_not_paid_or_is_paid_back_already_is_not_refunded() {
    use OrderState::{Cancelled, Delivered, OutForDelivery, Returned};
    use PaymentState::{Failed, Paid, PartiallyRefunded, Pending, Refunded, Unknown};
    let decide = |state, payment_state| {
        let mut order = order("Dairy", 100);
        (order.details.state, order.details.payment_state) = (state, payment_state);
        match policy().decide(&order, local(0)) {
            Verdict::Eligible { amount, .. } => Ok(amount),
            Verdict::Refused(refusal) => Err(refusal),
        }
    };
    for (state, payment) in [
        (None, None),
        (Some(Delivered), None),
        (None, Some(Paid)),
        (Some(OutForDelivery), Some(Paid)),
        (Some(Delivered), Some(Paid)),
    ] {
        assert_eq!(decide(state, payment), Ok(Money::from_rupees(100)), "{state:?} {payment:?}");
    }
    for (state, payment, refusal, person) in [
        (None, Some(Pending), Refusal::NothingPaid, false),
        (Some(OutForDelivery), Some(Pending), Refusal::NothingPaid, false),
        (Some(Cancelled), Some(Pending), Refusal::NothingPaid, false),
        (Some(Delivered), Some(Failed), Refusal::NothingPaid, false),
        (Some(Delivered), Some(Pending), Refusal::PaidUnknown, true),
        (Some(Returned), Some(Pending), Refusal::PaidUnknown, true),
        (Some(Delivered), Some(Unknown), Refusal::PaidUnknown, true),
        (None, Some(Unknown), Refusal::PaidUnknown, true),
        (Some(Delivered), Some(Refunded), Refusal::RefundedByShop, false),
        (Some(Cancelled), Some(Refunded), Refusal::RefundedByShop, false),
        (None, Some(PartiallyRefunded), Refusal::PartlyRefundedByShop, true),
        (Some(OutForDelivery), None, Refusal::PaidUnknown, true),
        (Some(Cancelled), None, Refusal::Closed(Cancelled), true),
        (Some(Cancelled), Some(Paid), Refusal::Closed(Cancelled), true),
        (Some(Returned), None, Refusal::Closed(Returned), true),
    ] {
        assert_eq!(refusal.needs_person(), person, "{refusal:?}");
        assert_eq!(decide(state, payment), Err(refusal), "{state:?} {payment:?}");
    }
}

#[test]
fn a_status_that_is_not_known_goes_to_a_person() {
    for (status, state, refusal) in [
        (None, None, None),
        (Some("Delivered"), Some(OrderState::Delivered), None),
        (Some("delivered"), None, None),
        (Some(" "), None, None),
        (Some("Return & Refund completed"), None, Some(Refusal::StatusUnknown)),
        (Some("Closed by the hub"), None, Some(Refusal::StatusUnknown)),
    ] {
        let mut order = order("Dairy", 100);
        (order.status, order.details.state) = (status.map(str::to_owned), state);
        order.details.payment_state = Some(PaymentState::Paid);
        let refused = match policy().decide(&order, local(0)) {
            Verdict::Eligible { .. } => None,
            Verdict::Refused(refusal) => Some(refusal),
        };
        assert_eq!(refused, refusal, "{status:?}");
        assert!(refused.is_none_or(|refusal| refusal.needs_person()));
    }
}

#[test]
fn every_condition_of_consent_is_needed() {
    let order = order("Beverages", 599);
    let offer = quote(&policy(), &order);
    let deny = |quote: Option<&Proposal>, caller: &Caller| approve(&policy(), &order, quote, caller, None).unwrap_err();
    assert_eq!(deny(None, &customer(2, "yes", &["q1"])), Denial::NoQuote);
    assert_eq!(deny(Some(&offer), &customer(1, "yes", &["q1"])), Denial::SameTurn);
    assert_eq!(deny(Some(&offer), &customer(2, "refund me now or else", &["q1"])), Denial::NoConsent);
    assert_eq!(deny(Some(&offer), &customer(3, "yes", &[])), Denial::NothingOffered);
    assert_eq!(deny(Some(&offer), &customer(3, "yes", &["q2"])), Denial::NoConsent);
    assert_eq!(deny(Some(&offer), &customer(2, "yes ORD000004", &["q1"])), Denial::NoConsent);
    let expired = Proposal { expires_at: at(60), ..offer.clone() };
    assert_eq!(deny(Some(&expired), &customer(2, "yes", &["q1"])), Denial::QuoteExpired);
    let elsewhere = Proposal { user_id: Some(UserId::new("someone else")), ..offer.clone() };
    assert_eq!(deny(Some(&elsewhere), &customer(2, "yes", &["q1"])), Denial::NoQuote);
    let other_order = Proposal { order_id: OrderId::new("ORD000004"), ..offer.clone() };
    assert_eq!(deny(Some(&other_order), &customer(2, "yes", &["q1"])), Denial::NoQuote);
    let outdated = Proposal { amount: Money::from_rupees(10), ..offer };
    assert_eq!(deny(Some(&outdated), &customer(2, "yes", &["q1"])), Denial::QuoteOutdated);
}

#[test]
fn a_pressed_button_agrees_to_its_own_quote_only() {
    let order = order("Beverages", 599);
    let offer = quote(&policy(), &order);
    let press = |id: &str, text: &str, offered: &[&str]| {
        let Caller::Customer(mut caller) = customer(5, text, offered) else { unreachable!() };
        caller.said[0].manner = Manner::Pressed(Press::Yes(vec![QuoteId::new(id)]));
        approve(&policy(), &order, Some(&offer), &Caller::Customer(caller), None)
    };
    assert!(press("q1", "Yes, refund", &["q1", "q2"]).is_ok());
    assert_eq!(press("q2", "Yes, refund", &["q1", "q2"]).unwrap_err(), Denial::NoConsent);
    assert_eq!(press("q1", "Yes\nno wait, don't refund it!", &["q1"]).unwrap_err(), Denial::NoConsent);
    assert_eq!(press("q1", "Yes, refund", &[]).unwrap_err(), Denial::NothingOffered, "declined meanwhile");
    assert_eq!(press("q2", "Yes, refund", &["q1"]).unwrap_err(), Denial::NoConsent, "of an older message");
}

#[test]
fn another_amount_is_refused_with_the_right_one() {
    let order = order("Beverages", 599);
    let offer = quote(&policy(), &order);
    let yes = customer(2, "yes", &["q1"]);
    let asked = |rupees: &str| approve(&policy(), &order, Some(&offer), &yes, Some(number(rupees)));
    assert_eq!(asked("5999").unwrap_err(), Denial::WrongAmount { right: Amount::rupees(599) });
    assert_eq!(asked("599.005").unwrap_err(), Denial::WrongAmount { right: Amount::rupees(599) });
    assert!(asked("599").is_ok());
}

fn number(text: &str) -> Decimal {
    Decimal::parse(text).unwrap()
}

#[test]
fn an_operator_needs_no_quote_but_the_policy_holds() {
    let operator = Caller::Operator { name: "console".into() };
    assert!(approve(&policy(), &order("Beverages", 599), None, &operator, None).is_ok());
    assert!(matches!(approve(&grocery(), &order("Beverages", 599), None, &operator, None), Err(Denial::Policy(_))));
    assert!(matches!(
        approve(&policy(), &order("Beverages", 599), None, &operator, Some(number("600"))),
        Err(Denial::WrongAmount { .. })
    ));
}

proptest! {
    #[test]
    fn never_more_than_was_paid(paise in 0..10_000_000_i64, points in 0..=10_000_u32) {
        let policy = RefundPolicy { shipping_fee: Percent::from_basis_points(points), ..policy() };
        let order = Order { value: Some(Money::from_minor_units(paise)), ..order("Dairy", 0) };
        if let Verdict::Eligible { amount, fee } = policy.decide(&order, local(0)) {
            prop_assert!(amount > Money::ZERO && Some(amount) <= order.value);
            prop_assert_eq!(amount.minor_units() + fee.minor_units(), order.value.map_or(0, Money::minor_units));
        }
    }

    #[test]
    fn no_message_without_a_yes_is_ever_paid(text in "[a-z ]{0,40}") {
        let order = order("Beverages", 599);
        let offer = quote(&policy(), &order);
        let paid = approve(&policy(), &order, Some(&offer), &customer(2, &text, &["q1"]), None).is_ok();
        let yes = consent::answer(&text, &IdPatterns::default()) == consent::Answer::Yes;
        prop_assert_eq!(paid, yes);
    }
}

#[test]
fn the_day_of_the_money_is_the_last_that_the_shop_names() {
    // 2026-06-04 is a Thursday.
    let from = jiff::civil::date(2026, 6, 4);
    for (text, day) in [
        ("3-5 business days", Some("2026-06-11")),
        ("1 working day", Some("2026-06-05")),
        ("up to 7 days", Some("2026-06-11")),
        ("48 hours", Some("2026-06-06")),
        ("two weeks", None),
        ("2 weeks", Some("2026-06-18")),
        ("soon", None),
        ("99999999999999 days", None),
        ("", None),
    ] {
        assert_eq!(expected_by(text, from).map(|day| day.to_string()).as_deref(), day, "{text}");
    }
}

#[test]
fn an_order_without_a_payment_of_the_service_goes_to_a_person() {
    let policy = RefundPolicy { provider: ProviderKind::Razorpay, ..policy() };
    let mut order = order("Dairy", 100);
    let refused = Verdict::Refused(Refusal::PaymentUnknown);
    assert_eq!(policy.decide(&order, local(0)), refused);
    order.details.payment_id = Some("COD".to_owned());
    assert_eq!(policy.decide(&order, local(0)), refused);
    order.details.payment_id = Some("pay_1".to_owned());
    assert!(matches!(policy.decide(&order, local(0)), Verdict::Eligible { .. }));
    assert!(Refusal::PaymentUnknown.needs_person());
}
