//! Orders, and the column names under which they are stored and returned. Databases and files of users contain these
//! names: they never change.

mod details;
mod items;
mod json;
mod payment;
mod twin;
mod upsert;

use std::fmt;

use jiff::civil::DateTime;
use serde_json::{Map, Value};

pub use self::details::{OrderDetails, OrderLine, OrderState, PaymentState};
pub use self::items::{Item, NamedItem};
pub use self::upsert::{UpsertOutcome, settle};

use super::currency::Currency;
use super::ids::OrderId;
use super::money::Money;
use super::phone::{self, Country};

/// The column names of the original system, in their order, and the optional ones.
pub mod column {
    /// The order's identifier.
    pub const ORDER_ID: &str = "Order ID";
    /// The customer's identifier.
    pub const CUSTOMER_ID: &str = "Customer ID";
    /// The shop or app the order was placed with.
    pub const PLATFORM: &str = "Platform";
    /// When the order was placed, as written in the source.
    pub const PLACED: &str = "Order Date & Time";
    /// Minutes from order to delivery.
    pub const DELIVERY_MINUTES: &str = "Delivery Time (Minutes)";
    /// What was bought.
    pub const CATEGORY: &str = "Product Category";
    /// What was paid, in the order's currency; in Indian rupees where it says none.
    pub const VALUE: &str = "Order Value (INR)";
    /// What the customer wrote.
    pub const FEEDBACK: &str = "Customer Feedback";
    /// Stars from 1 to 5.
    pub const RATING: &str = "Service Rating";
    /// `Yes` or `No`.
    pub const DELAY: &str = "Delivery Delay";
    /// `Yes` or `No`.
    pub const REFUND_REQUESTED: &str = "Refund Requested";
    /// Optional: the customer's telephone number.
    pub const PHONE: &str = "Customer Phone";
    /// Optional: the date of the order.
    pub const DATE: &str = "Order Date";
    /// Optional: where the order is, in the shop's own words.
    pub const STATUS: &str = "Delivery Status";
    /// Optional: the number that customers know, such as `#1001`.
    pub const DISPLAY_ID: &str = "Display ID";
    /// Optional: the identifier that the shop's system uses inside.
    pub const SHOP_ID: &str = "Shop Order ID";
    /// Optional: the customer's name.
    pub const CUSTOMER_NAME: &str = "Customer Name";
    /// Optional: the customer's e-mail address.
    pub const EMAIL: &str = "Customer Email";
    /// Optional: further telephone numbers of the customer, a list.
    pub const OTHER_PHONES: &str = "Other Phones";
    /// Optional: where the order is, one of the words of [`OrderState`](super::OrderState).
    pub const STATE: &str = "Order State";
    /// Optional: the lines, a list of objects with `sku`, `name`, `quantity` and `price`.
    pub const ITEMS: &str = "Items";
    /// Optional: what the delivery cost.
    pub const SHIPPING: &str = "Shipping Fee";
    /// Optional: the taxes.
    pub const TAX: &str = "Tax";
    /// Optional: what was taken off.
    pub const DISCOUNT: &str = "Discount";
    /// Optional: the ISO 4217 code of all amounts of the order.
    pub const CURRENCY: &str = "Currency";
    /// Optional: how it is paid, in the shop's own words.
    pub const PAYMENT_METHOD: &str = "Payment Method";
    /// Optional: what was paid, one of the words of [`PaymentState`](super::PaymentState).
    pub const PAYMENT_STATUS: &str = "Payment Status";
    /// Optional: the payment's identifier at a provider.
    pub const PAYMENT_ID: &str = "Payment ID";
    /// Optional: where it goes.
    pub const ADDRESS: &str = "Address";
    /// Optional: the postal code of the address.
    pub const POSTAL_CODE: &str = "Postal Code";
    /// Optional: who brings it.
    pub const CARRIER: &str = "Carrier";
    /// Optional: the carrier's number.
    pub const TRACKING_NUMBER: &str = "Tracking Number";
    /// Optional: where customers follow it.
    pub const TRACKING_URL: &str = "Tracking URL";
    /// Optional: where the customer finds the invoice.
    pub const INVOICE_URL: &str = "Invoice URL";
    /// Optional: when it was delivered, ISO text of the shop's local time.
    pub const DELIVERED_AT: &str = "Delivered At";
    /// Optional: when the shop changed it last, ISO text in UTC.
    pub const UPDATED_AT: &str = "Updated At";

    /// The columns every order file has.
    pub const REQUIRED: [&str; 11] = [
        ORDER_ID,
        CUSTOMER_ID,
        PLATFORM,
        PLACED,
        DELIVERY_MINUTES,
        CATEGORY,
        VALUE,
        FEEDBACK,
        RATING,
        DELAY,
        REFUND_REQUESTED,
    ];
    /// The columns a file may have.
    pub const OPTIONAL: [&str; 3] = [PHONE, DATE, STATUS];
    /// The columns of [`OrderDetails`](super::OrderDetails), in their order.
    pub const DETAILS: [&str; 22] = [
        DISPLAY_ID,
        SHOP_ID,
        CUSTOMER_NAME,
        EMAIL,
        OTHER_PHONES,
        STATE,
        ITEMS,
        SHIPPING,
        TAX,
        DISCOUNT,
        CURRENCY,
        PAYMENT_METHOD,
        PAYMENT_STATUS,
        PAYMENT_ID,
        ADDRESS,
        POSTAL_CODE,
        CARRIER,
        TRACKING_NUMBER,
        TRACKING_URL,
        INVOICE_URL,
        DELIVERED_AT,
        UPDATED_AT,
    ];
}

/// The field of [`Order::placed_at`] in JSON between programs of this kind: the columns hold only what the shop wrote of it.
pub const PLACED_AT: &str = "placed_at";

/// A name of an order as it is compared: an id, or the number that customers know, without letters' case and a leading `#`.
pub fn name_key(name: &str) -> String {
    name.trim().trim_start_matches('#').trim_start().to_uppercase()
}

/// One order. Empty cells are empty texts or `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Its identifier.
    pub id: OrderId,
    /// The customer's identifier.
    pub customer_id: String,
    /// The shop or app.
    pub platform: String,
    /// `Order Date & Time` as it was written.
    pub placed: String,
    /// When it was placed, where the text (or `Order Date`) holds a date: local time of the shop.
    pub placed_at: Option<DateTime>,
    /// Minutes from order to delivery.
    pub delivery_minutes: Option<u32>,
    /// What was bought.
    pub category: String,
    /// What was paid, in the currency of the order; `None` where that is not known.
    pub value: Option<Money>,
    /// What the customer wrote.
    pub feedback: String,
    /// Stars from 1 to 5.
    pub rating: Option<u8>,
    /// Whether the delivery was late.
    pub delayed: Option<bool>,
    /// Whether the customer asked for money back when the data was taken.
    pub refund_requested: Option<bool>,
    /// The customer's telephone number, as written.
    pub phone: Option<String>,
    /// `Order Date` as it was written.
    pub date: Option<String>,
    /// Where it is, in the shop's own words.
    pub status: Option<String>,
    /// What it has besides these columns.
    pub details: OrderDetails,
}

impl Order {
    /// An order of which nothing but its identifier is known.
    pub fn new(id: OrderId) -> Self {
        Self {
            id,
            customer_id: String::new(),
            platform: String::new(),
            placed: String::new(),
            placed_at: None,
            delivery_minutes: None,
            category: String::new(),
            value: None,
            feedback: String::new(),
            rating: None,
            delayed: None,
            refund_requested: None,
            phone: None,
            date: None,
            status: None,
            details: OrderDetails::default(),
        }
    }

    /// The currency of all its amounts. An order that says none is in rupees, as the original's column says and as all orders
    /// were before there was a choice: what reads orders of a shop with another currency fills it in.
    pub fn currency(&self) -> Currency {
        self.details.currency.unwrap_or(Currency::INR)
    }

    /// The order with a currency: its own, or else the shop's. Rupees stay unsaid.
    #[must_use]
    pub fn with_currency_of(mut self, shop: Currency) -> Self {
        self.details.currency = self.details.currency.or(Some(shop).filter(|shop| *shop != Currency::INR));
        self
    }

    /// The customer's telephone numbers, as written.
    pub fn phones(&self) -> impl Iterator<Item = &str> {
        let all = self.phone.as_deref().into_iter().chain(self.details.other_phones.iter().map(String::as_str));
        all.filter(|phone| !phone.trim().is_empty())
    }

    /// The customer's telephone numbers: digits with the country code. Those that cannot be read are left out.
    pub fn numbers(&self, home: Country) -> impl Iterator<Item = String> {
        self.phones().filter_map(move |phone| phone::read(phone, home).ok())
    }

    /// Where it is, as far as that is known. What is late and has a carrier is on its way.
    pub fn reached(&self) -> Option<OrderState> {
        let details = &self.details;
        let sent = details.carrier.is_some() || details.tracking_number.is_some() || details.tracking_url.is_some();
        let arrived = details.delivered_at.is_some() || self.delivery_minutes.is_some();
        match details.state {
            Some(OrderState::Delayed) if sent => Some(OrderState::OutForDelivery),
            Some(state) => Some(state),
            None => {
                let told = self.status.as_deref().filter(|status| !status.trim().is_empty());
                match told {
                    Some(status) => OrderState::parse(status),
                    None => arrived.then_some(OrderState::Delivered),
                }
            }
        }
    }

    /// Whether the shop says where it is with a word that means nothing here: it may as well be one for what came back.
    pub fn has_unknown_status(&self) -> bool {
        let told = self.status.as_deref().filter(|status| !status.trim().is_empty());
        self.details.state.is_none() && told.is_some_and(|status| OrderState::parse(status).is_none())
    }

    /// What customers call it: the number that they know, or else its identifier.
    pub fn shown_id(&self) -> &str {
        self.details.display_id.as_deref().unwrap_or(self.id.as_str())
    }

    /// Reads an order from JSON with its column names, as [`Order::to_json`] writes it; `None` where it is not an
    /// order. `placed_at` is that of [`PLACED_AT`], which is beside the columns: their text is not parsed here. A detail that cannot
    /// be read is left out.
    pub fn from_json(value: &Value) -> Option<Self> {
        let text = |name: &str| value[name].as_str().map(str::to_owned);
        let yes = |name: &str| value[name].as_str().map(|word| word.eq_ignore_ascii_case("yes"));
        let currency = OrderDetails::currency_in(value);
        Some(Self {
            id: OrderId::new(value[column::ORDER_ID].as_str()?),
            customer_id: text(column::CUSTOMER_ID).unwrap_or_default(),
            platform: text(column::PLATFORM).unwrap_or_default(),
            placed: text(column::PLACED).unwrap_or_default(),
            placed_at: value[PLACED_AT].as_str().and_then(|text| text.parse().ok()),
            delivery_minutes: value[column::DELIVERY_MINUTES].as_u64().and_then(|minutes| minutes.try_into().ok()),
            category: text(column::CATEGORY).unwrap_or_default(),
            value: match (&value[column::VALUE], currency) {
                // An amount of a currency that is not known is not known.
                (Value::Null, _) | (_, None) => None,
                (amount, Some(currency)) => Some(Money::from_json(amount, currency).ok()?),
            },
            feedback: text(column::FEEDBACK).unwrap_or_default(),
            rating: value[column::RATING].as_u64().and_then(|stars| stars.try_into().ok()),
            delayed: yes(column::DELAY),
            refund_requested: yes(column::REFUND_REQUESTED),
            phone: text(column::PHONE),
            date: text(column::DATE),
            status: text(column::STATUS),
            details: OrderDetails::read(value, |amount| Money::from_json(amount, currency?).ok(), |_| {}),
        })
    }

    /// The order as JSON with its column names, in their order.
    pub fn to_json(&self) -> Map<String, Value> {
        let yes_no = |flag: Option<bool>| match flag {
            Some(true) => Value::from("Yes"),
            Some(false) => Value::from("No"),
            None => Value::Null,
        };
        let mut map = Map::new();
        map.insert(column::ORDER_ID.into(), self.id.as_str().into());
        map.insert(column::CUSTOMER_ID.into(), self.customer_id.as_str().into());
        map.insert(column::PLATFORM.into(), self.platform.as_str().into());
        map.insert(column::PLACED.into(), self.placed.as_str().into());
        map.insert(column::DELIVERY_MINUTES.into(), self.delivery_minutes.into());
        map.insert(column::CATEGORY.into(), self.category.as_str().into());
        map.insert(column::VALUE.into(), self.value.map_or(Value::Null, |value| value.to_json(self.currency())));
        map.insert(column::FEEDBACK.into(), self.feedback.as_str().into());
        map.insert(column::RATING.into(), self.rating.into());
        map.insert(column::DELAY.into(), yes_no(self.delayed));
        map.insert(column::REFUND_REQUESTED.into(), yes_no(self.refund_requested));
        for (name, value) in [(column::PHONE, &self.phone), (column::DATE, &self.date), (column::STATUS, &self.status)]
        {
            if let Some(value) = value {
                map.insert(name.into(), value.as_str().into());
            }
        }
        self.details.write(&mut map, |amount| amount.to_json(self.currency()));
        map
    }
}

impl fmt::Display for OrderState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for PaymentState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
#[path = "order_tests.rs"]
mod tests;
