//! Whether the money of an order is in the shop, as far as its data tells.

use super::{Order, OrderState, PaymentState};

/// Words that name a way of paying with the order itself.
const PREPAID: &[&str] = &[
    "apple",
    "bhim",
    "bizum",
    "card",
    "cards",
    "cashfree",
    "ccavenue",
    "cartao",
    "cartão",
    "gpay",
    "google",
    "klarna",
    "mada",
    "mastercard",
    "mercadopago",
    "netbanking",
    "online",
    "paypal",
    "paytm",
    "payu",
    "phonepe",
    "pix",
    "prepaid",
    "razorpay",
    "rupay",
    "stripe",
    "tarjeta",
    "upi",
    "visa",
    "wallet",
    "wallets",
];
/// Words that may stand beside those. Any other may turn them into something else: “card on delivery”.
const BESIDE: &[&str] = &[
    "and", "banking", "by", "credit", "crédito", "credito", "de", "debit", "débito", "debito", "e", "net", "or", "pay",
    "payment", "payments", "secure", "via", "with", "y",
];

/// Whether a way of paying, in the shop's own words, takes the money with the order. Only where every word of it is known.
fn is_prepaid(method: &str) -> bool {
    let lower = method.to_lowercase();
    let words: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    words.iter().any(|word| PREPAID.contains(word))
        && words.iter().all(|word| PREPAID.contains(word) || BESIDE.contains(word))
}

impl Order {
    /// Whether what was to be paid is in the shop. Where no payment is on record, it is for what was delivered, since cash is
    /// taken at the door, and for what the shop accepted and was paid with the order. An order of which neither is known may
    /// still have to be paid.
    pub fn is_paid(&self) -> bool {
        use OrderState::{Confirmed, Delayed, Delivered, OutForDelivery, Packed, Returned};
        match (self.details.payment_state, self.reached()) {
            (Some(state), _) => state == PaymentState::Paid,
            (None, Some(Delivered | Returned)) => true,
            (None, Some(Confirmed | Packed | OutForDelivery | Delayed)) => {
                self.details.payment_method.as_deref().is_some_and(is_prepaid)
            }
            (None, _) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_of_paying_is_known_word_by_word() {
        for method in [
            "UPI",
            "Cards and UPI",
            "Credit Card/Debit Card/NetBanking",
            "razorpay",
            "Google Pay",
            "PayPal",
            "Prepaid",
            "Tarjeta de crédito",
            "Cartão de débito",
            "Pix",
        ] {
            assert!(is_prepaid(method), "{method}");
        }
        for method in [
            "",
            "COD",
            "Cash on delivery",
            "Card on delivery",
            "UPI on delivery",
            "Razorpay COD",
            "Pay later",
            "Pay",
            "Credit",
            "Payment",
            "Bank transfer",
            "Contra entrega",
            "Tarjeta a la entrega",
            "الدفع عند الاستلام",
        ] {
            assert!(!is_prepaid(method), "{method}");
        }
    }

    #[test]
    fn without_a_record_what_was_delivered_or_accepted_with_its_money_is_paid() {
        let paid = |state, method: Option<&str>| {
            let mut order = crate::testing::order(3, "Dairy", 100);
            order.delivery_minutes = None;
            order.details.state = state;
            order.details.payment_method = method.map(str::to_owned);
            order.is_paid()
        };
        for (_, state) in OrderState::ALL {
            let delivered = matches!(state, OrderState::Delivered | OrderState::Returned);
            let accepted = !matches!(state, OrderState::Placed | OrderState::Cancelled);
            assert_eq!(paid(Some(state), None), delivered, "{state}");
            assert_eq!(paid(Some(state), Some("Cash on delivery")), delivered, "{state}");
            assert_eq!(paid(Some(state), Some("UPI")), accepted, "{state}");
        }
        assert!(!paid(None, Some("UPI")) && !paid(None, None));
        let original = crate::testing::order(3, "Dairy", 100);
        assert!(original.is_paid(), "the original's columns are of delivered orders");
    }
}
