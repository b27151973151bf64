//! Decides what an order is and under which names its parts are stored and returned.
//!
//! It must never rename a column: people's databases and files hold these names.

use jiff::civil::DateTime;
use serde_json::{Map, Value};

use super::ids::OrderId;
use super::money::Money;

/// The column names of the original system, in their order, and the three optional ones.
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
    /// What was paid, in Indian rupees.
    pub const VALUE: &str = "Order Value (INR)";
    /// What the customer wrote.
    pub const FEEDBACK: &str = "Customer Feedback";
    /// Stars from 1 to 5.
    pub const RATING: &str = "Service Rating";
    /// `Yes` or `No`.
    pub const DELAY: &str = "Delivery Delay";
    /// `Yes` or `No`.
    pub const REFUND_REQUESTED: &str = "Refund Requested";
    /// Optional: the telephone number the order answers to.
    pub const PHONE: &str = "Customer Phone";
    /// Optional: the date of the order.
    pub const DATE: &str = "Order Date";
    /// Optional: where the order is, in the shop's own words.
    pub const STATUS: &str = "Delivery Status";

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
    /// What was paid.
    pub value: Money,
    /// What the customer wrote.
    pub feedback: String,
    /// Stars from 1 to 5.
    pub rating: Option<u8>,
    /// Whether the delivery was late.
    pub delayed: Option<bool>,
    /// Whether the customer asked for money back when the data was taken.
    pub refund_requested: Option<bool>,
    /// The telephone number it answers to, as written.
    pub phone: Option<String>,
    /// `Order Date` as it was written.
    pub date: Option<String>,
    /// Where it is, in the shop's own words.
    pub status: Option<String>,
}

impl Order {
    /// Reads an order that is given under its column names, as [`Order::to_json`] does; `None` where the text is no order.
    /// The local time of the order is not told from its text here.
    pub fn from_json(value: &Value) -> Option<Self> {
        let text = |name: &str| value[name].as_str().map(str::to_owned);
        let yes = |name: &str| value[name].as_str().map(|word| word.eq_ignore_ascii_case("yes"));
        Some(Self {
            id: OrderId::new(value[column::ORDER_ID].as_str()?),
            customer_id: text(column::CUSTOMER_ID).unwrap_or_default(),
            platform: text(column::PLATFORM).unwrap_or_default(),
            placed: text(column::PLACED).unwrap_or_default(),
            placed_at: None,
            delivery_minutes: value[column::DELIVERY_MINUTES].as_u64().and_then(|minutes| minutes.try_into().ok()),
            category: text(column::CATEGORY).unwrap_or_default(),
            value: Money::from_json(&value[column::VALUE]).ok()?,
            feedback: text(column::FEEDBACK).unwrap_or_default(),
            rating: value[column::RATING].as_u64().and_then(|stars| stars.try_into().ok()),
            delayed: yes(column::DELAY),
            refund_requested: yes(column::REFUND_REQUESTED),
            phone: text(column::PHONE),
            date: text(column::DATE),
            status: text(column::STATUS),
        })
    }

    /// The order under its column names, in their order.
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
        map.insert(column::VALUE.into(), self.value.to_json());
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
        map
    }
}
