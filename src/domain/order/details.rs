//! What an order has besides the original's columns: all of it is optional, and files of shops fill in what they have.

use jiff::Timestamp;
use jiff::civil::DateTime;

use crate::domain::currency::Currency;
use crate::domain::money::Money;

/// Where an order is, in the terms that all shops share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OrderState {
    /// It was placed, and not confirmed yet.
    Placed,
    /// The shop accepted it.
    Confirmed,
    /// It is packed, and not with a carrier yet.
    Packed,
    /// It is on its way.
    OutForDelivery,
    /// It is later than was promised.
    Delayed,
    /// The customer has it.
    Delivered,
    /// It was called off.
    Cancelled,
    /// The customer gave it back.
    Returned,
}

impl OrderState {
    /// How far an order is that goes the usual way; none where it will not be delivered any more.
    pub fn step(self) -> Option<u8> {
        match self {
            Self::Placed => Some(0),
            Self::Confirmed => Some(1),
            Self::Packed | Self::Delayed => Some(2),
            Self::OutForDelivery => Some(3),
            Self::Delivered => Some(4),
            Self::Cancelled | Self::Returned => None,
        }
    }

    /// Every state, with its word in JSON and in the stores.
    pub const ALL: [(&'static str, Self); 8] = [
        ("placed", Self::Placed),
        ("confirmed", Self::Confirmed),
        ("packed", Self::Packed),
        ("out for delivery", Self::OutForDelivery),
        ("delayed", Self::Delayed),
        ("delivered", Self::Delivered),
        ("cancelled", Self::Cancelled),
        ("returned", Self::Returned),
    ];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(_, state)| *state == self).map_or("", |(word, _)| word)
    }

    /// The state of a word of [`OrderState::ALL`]; letters' case, `_` and `-` do not matter. The words of shops are read
    /// by the import.
    pub fn parse(word: &str) -> Option<Self> {
        let word = plain(word);
        Self::ALL.iter().find(|(known, _)| *known == word).map(|(_, state)| *state)
    }
}

fn plain(word: &str) -> String {
    word.trim().to_lowercase().replace(['_', '-'], " ")
}

/// What was paid of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PaymentState {
    /// Nothing yet: also cash on delivery before the delivery.
    Pending,
    /// Everything.
    Paid,
    /// A part was paid back.
    PartiallyRefunded,
    /// Everything was paid back.
    Refunded,
    /// The payment did not succeed, or was voided.
    Failed,
    /// Everything is on its way back.
    RefundProcessing,
    /// It was to be paid back, and that did not succeed.
    RefundFailed,
    /// The shop says something of it in a word that is not known here: a dispute, a loan, a word of another language.
    Unknown,
}

impl PaymentState {
    /// Every state, with its word in JSON and in the stores.
    pub const ALL: [(&'static str, Self); 8] = [
        ("pending", Self::Pending),
        ("paid", Self::Paid),
        ("partially refunded", Self::PartiallyRefunded),
        ("refunded", Self::Refunded),
        ("failed", Self::Failed),
        ("refund processing", Self::RefundProcessing),
        ("refund failed", Self::RefundFailed),
        ("unknown", Self::Unknown),
    ];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(_, state)| *state == self).map_or("", |(word, _)| word)
    }

    /// The state of a word of [`PaymentState::ALL`]; letters' case, `_` and `-` do not matter.
    pub fn parse(word: &str) -> Option<Self> {
        let word = plain(word);
        Self::ALL.iter().find(|(known, _)| *known == word).map(|(_, state)| *state)
    }
}

/// One line of an order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OrderLine {
    /// The shop's number of the article.
    pub sku: Option<String>,
    /// What it is called.
    pub name: String,
    /// How many; at least one.
    pub quantity: u32,
    /// The price of one, in the currency of the order.
    pub price: Option<Money>,
}

/// What an order has besides the original's columns.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OrderDetails {
    /// The number that customers know, where it differs from the order's id: `#1001`.
    pub display_id: Option<String>,
    /// The identifier that the shop's system uses inside, where it is another one: a webhook that says that an order was deleted
    /// names nothing else.
    pub shop_id: Option<String>,
    /// The customer's name.
    pub customer_name: Option<String>,
    /// The customer's e-mail address.
    pub email: Option<String>,
    /// Further telephone numbers of the customer, beside `Order::phone`.
    pub other_phones: Vec<String>,
    /// Where it is.
    pub state: Option<OrderState>,
    /// What was ordered.
    pub lines: Vec<OrderLine>,
    /// What the delivery cost; part of the order's value.
    pub shipping: Option<Money>,
    /// The taxes; part of the order's value.
    pub tax: Option<Money>,
    /// What was taken off; no longer part of the order's value.
    pub discount: Option<Money>,
    /// The currency of all amounts of the order. Rupees where there is none, as before there was a choice: whoever reads orders
    /// from elsewhere fills in the shop's, see `Order::with_currency_of`.
    pub currency: Option<Currency>,
    /// How it is paid, in the shop's own words.
    pub payment_method: Option<String>,
    /// What was paid.
    pub payment_state: Option<PaymentState>,
    /// Where refund providers find the payment: Razorpay's or Stripe's identifier.
    pub payment_id: Option<String>,
    /// Where it goes, as one text.
    pub address: Option<String>,
    /// The postal code of that address.
    pub postal_code: Option<String>,
    /// Who brings it.
    pub carrier: Option<String>,
    /// The carrier's number.
    pub tracking_number: Option<String>,
    /// Where customers follow it; `https` or `http`.
    pub tracking_url: Option<String>,
    /// Where they find its invoice; `https` or `http`.
    pub invoice_url: Option<String>,
    /// When it was delivered: local time of the shop.
    pub delivered_at: Option<DateTime>,
    /// When the shop changed it last: what is older never replaces what is newer.
    pub updated_at: Option<Timestamp>,
}
