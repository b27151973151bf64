//! Amounts as payment services count them: whole numbers of a currency's smallest unit.

use crate::domain::currency::Currency;
use crate::domain::money::Money;
use crate::domain::refund::ProviderKind;

/// An amount in the smallest unit of its currency, as the provider counts; `None` where it cannot be expressed in it.
pub fn minor_units(amount: Money, currency: Currency, provider: ProviderKind) -> Option<i64> {
    let units = amount.minor_units();
    if provider == ProviderKind::Stripe { stripe_units(units, currency) } else { Some(units) }
}

/// Where Stripe counts otherwise than ISO 4217 (<https://docs.stripe.com/currencies>, “zero-decimal”, “three-decimal” and “special
/// cases”): MGA has no smaller unit there, ISK and UGX have two decimals that are zero, and of three decimals the last is zero.
fn stripe_units(units: i64, currency: Currency) -> Option<i64> {
    match currency.code() {
        "MGA" => (units % 100 == 0).then_some(units / 100),
        "ISK" | "UGX" => units.checked_mul(100),
        _ if currency.minor_units() == 3 => (units % 10 == 0).then_some(units),
        _ => Some(units),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_in_the_smallest_unit() {
        let units = |text: &str, code: &str, provider| {
            let currency = Currency::new(code).unwrap();
            minor_units(Money::parse(text, currency).unwrap(), currency, provider)
        };
        let stripe = |text: &str, code: &str| units(text, code, ProviderKind::Stripe);
        assert_eq!(stripe("599", "INR"), Some(59_900));
        assert_eq!(stripe("10.45", "USD"), Some(1_045));
        assert_eq!(stripe("500", "JPY"), Some(500));
        assert_eq!((stripe("5", "ISK"), stripe("7", "MGA"), stripe("7.5", "MGA")), (Some(500), Some(7), None));
        assert_eq!(stripe("5.12", "KWD"), Some(5_120));
        assert_eq!(stripe("5.125", "KWD"), None, "a third decimal is zero there");
        let razorpay = |text: &str, code: &str| units(text, code, ProviderKind::Razorpay);
        assert_eq!((razorpay("5", "ISK"), razorpay("7", "MGA")), (Some(5), Some(700)));
    }
}
