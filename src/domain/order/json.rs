//! Details of an order as JSON, under their column names. Reading is lenient: what cannot be read is left out and named,
//! and never fails an order.

use serde_json::{Map, Value, json};

use super::{OrderDetails, OrderLine, OrderState, PaymentState, column};
use crate::domain::currency::Currency;
use crate::domain::money::Money;

/// Words of a cell that holds nothing.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => false,
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A count of at least one: other programs write numbers as texts, and whole numbers as `2.0`.
fn quantity(value: &Value) -> Option<u32> {
    if is_empty(value) {
        return Some(1);
    }
    let number = text(value)?;
    let (whole, decimals) = number.trim().split_once('.').unwrap_or((number.trim(), ""));
    let fits = decimals.bytes().all(|digit| digit == b'0');
    whole.parse().ok().filter(|count| fits && *count > 0)
}

fn line(value: &Value, amount: &impl Fn(&Value) -> Option<Money>) -> Option<OrderLine> {
    if !value.is_object() {
        return None;
    }
    let words = |name: &str| Some(&value[name]).filter(|value| !is_empty(value)).and_then(text);
    let (sku, name) = (words("sku"), words("name"));
    if sku.is_none() && name.is_none() {
        return None;
    }
    let price = match &value["price"] {
        price if is_empty(price) => None,
        price => Some(amount(price)?),
    };
    Some(OrderLine { sku, name: name.unwrap_or_default(), quantity: quantity(&value["quantity"])?, price })
}

impl OrderDetails {
    /// Adds those that are known, under their column names; `money`: how amounts are written.
    pub fn write(&self, map: &mut Map<String, Value>, money: impl Fn(Money) -> Value) {
        let line = |line: &OrderLine| {
            let mut one = Map::new();
            if let Some(sku) = &line.sku {
                one.insert("sku".into(), sku.as_str().into());
            }
            one.insert("name".into(), line.name.as_str().into());
            one.insert("quantity".into(), line.quantity.into());
            if let Some(price) = line.price {
                one.insert("price".into(), money(price));
            }
            Value::Object(one)
        };
        let text = |text: &Option<String>| text.as_deref().map(Value::from);
        let values = [
            text(&self.display_id),
            text(&self.shop_id),
            text(&self.customer_name),
            text(&self.email),
            (!self.other_phones.is_empty()).then(|| json!(self.other_phones)),
            self.state.map(|state| state.as_str().into()),
            (!self.lines.is_empty()).then(|| self.lines.iter().map(line).collect()),
            self.shipping.map(&money),
            self.tax.map(&money),
            self.discount.map(&money),
            self.currency.map(|currency| currency.code().into()),
            text(&self.payment_method),
            self.payment_state.map(|state| state.as_str().into()),
            text(&self.payment_id),
            text(&self.address),
            text(&self.postal_code),
            text(&self.carrier),
            text(&self.tracking_number),
            text(&self.tracking_url),
            text(&self.invoice_url),
            self.delivered_at.map(|at| at.to_string().into()),
            self.updated_at.map(|at| at.to_string().into()),
        ];
        for (name, value) in column::DETAILS.into_iter().zip(values) {
            if let Some(value) = value {
                map.insert(name.into(), value);
            }
        }
    }

    /// The currency of the amounts in an object with column names: rupees where it names none, `None` where what it names is no
    /// currency.
    pub fn currency_in(value: &Value) -> Option<Currency> {
        match &value[column::CURRENCY] {
            value if is_empty(value) => Some(Currency::INR),
            value => Currency::parse(value.as_str()?).ok(),
        }
    }

    /// Reads them from an object with column names. `amount`: how amounts are read; `odd` hears the column of each value
    /// that cannot be read, also of a single line.
    pub fn read(value: &Value, amount: impl Fn(&Value) -> Option<Money>, mut odd: impl FnMut(&'static str)) -> Self {
        let mut details = Self::default();
        for name in column::DETAILS {
            let value = &value[name];
            if !is_empty(value) && details.set(name, value, &amount).is_none() {
                odd(name);
            }
        }
        details
    }

    /// Sets the detail of a column; `None` where the value, or a part of it, cannot be read.
    fn set(&mut self, name: &str, value: &Value, amount: &impl Fn(&Value) -> Option<Money>) -> Option<()> {
        match name {
            column::DISPLAY_ID => self.display_id = Some(text(value)?),
            column::SHOP_ID => self.shop_id = Some(text(value)?),
            column::CUSTOMER_NAME => self.customer_name = Some(text(value)?),
            column::EMAIL => self.email = Some(text(value)?),
            column::OTHER_PHONES => {
                let phones = match value {
                    Value::Array(phones) => phones.iter().map(text).collect(),
                    one => vec![text(one)],
                };
                let all = phones.iter().all(Option::is_some);
                self.other_phones = phones.into_iter().flatten().collect();
                return all.then_some(());
            }
            column::STATE => self.state = Some(OrderState::parse(value.as_str()?)?),
            column::ITEMS => {
                // Files and other programs hold the list as a text.
                let parsed = value.as_str().and_then(|text| serde_json::from_str::<Value>(text).ok());
                let lines = parsed.as_ref().unwrap_or(value).as_array()?;
                // All of them or none: those beside one that cannot be read would say that the order holds no more.
                self.lines = lines.iter().map(|one| line(one, amount)).collect::<Option<_>>()?;
            }
            column::SHIPPING => self.shipping = Some(amount(value)?),
            column::TAX => self.tax = Some(amount(value)?),
            column::DISCOUNT => self.discount = Some(amount(value)?),
            column::CURRENCY => self.currency = Some(Currency::parse(value.as_str()?).ok()?),
            column::PAYMENT_METHOD => self.payment_method = Some(text(value)?),
            column::PAYMENT_STATUS => {
                let word = text(value).filter(|word| !word.trim().is_empty())?;
                let known = PaymentState::parse(&word);
                // Whoever pays back must know that something is said of the payment.
                self.payment_state = Some(known.unwrap_or(PaymentState::Unknown));
                return known.map(|_| ());
            }
            column::PAYMENT_ID => self.payment_id = Some(text(value)?),
            column::ADDRESS => self.address = Some(text(value)?),
            column::POSTAL_CODE => self.postal_code = Some(text(value)?),
            column::CARRIER => self.carrier = Some(text(value)?),
            column::TRACKING_NUMBER => self.tracking_number = Some(text(value)?),
            column::TRACKING_URL => self.tracking_url = Some(text(value)?),
            column::INVOICE_URL => self.invoice_url = Some(text(value)?),
            column::DELIVERED_AT => self.delivered_at = Some(value.as_str()?.trim().parse().ok()?),
            column::UPDATED_AT => self.updated_at = Some(value.as_str()?.trim().parse().ok()?),
            _ => {}
        }
        Some(())
    }
}
