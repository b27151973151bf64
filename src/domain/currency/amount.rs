//! An amount together with its currency: the only form in which amounts of different origin are compared.

use serde::{Deserialize, Serialize};

use super::Currency;
use crate::domain::money::Money;

/// An amount of a currency. It has no text of its own: [`ShopMoney`](super::ShopMoney) writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount {
    /// How much, in minor units of the currency.
    pub money: Money,
    /// Of which currency.
    pub currency: Currency,
}

impl Amount {
    /// So much of a currency.
    pub const fn new(money: Money, currency: Currency) -> Self {
        Self { money, currency }
    }

    /// So many whole rupees.
    pub const fn rupees(rupees: i64) -> Self {
        Self::new(Money::from_rupees(rupees), Currency::INR)
    }

    /// The amount in units of its currency as a JSON number: `599`, `28.45`.
    pub fn to_json(self) -> serde_json::Value {
        self.money.to_json(self.currency)
    }
}

/// As earlier versions stored it: the minor units alone are rupees' hundredths. Other currencies are written as `USD 59900`.
impl Serialize for Amount {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.currency == Currency::INR {
            return self.money.serialize(serializer);
        }
        serializer.collect_str(&format_args!("{} {}", self.currency, self.money.minor_units()))
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Stored {
            Rupees(Money),
            Named(String),
        }
        match Stored::deserialize(deserializer)? {
            Stored::Rupees(money) => Ok(Self::new(money, Currency::INR)),
            Stored::Named(text) => {
                let read = text.split_once(' ').and_then(|(code, units)| {
                    Some(Self::new(Money::from_minor_units(units.parse().ok()?), Currency::new(code)?))
                });
                read.ok_or_else(|| serde::de::Error::custom(format!("“{text}” is no amount of a currency")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_stored_as_before_and_comes_back() {
        let kwd = Currency::new("KWD").unwrap();
        for (amount, stored) in [
            (Amount::new(Money::from_rupees(599), Currency::INR), "59900"),
            (Amount::new(Money::from_minor_units(1_250), kwd), "\"KWD 1250\""),
            (Amount::new(Money::from_minor_units(-5), kwd), "\"KWD -5\""),
        ] {
            assert_eq!(serde_json::to_string(&amount).unwrap(), stored);
            assert_eq!(serde_json::from_str::<Amount>(stored).unwrap(), amount);
        }
        for odd in ["\"ABC 5\"", "\"KWD\"", "\"KWD x\"", "[]", "5.5"] {
            assert!(serde_json::from_str::<Amount>(odd).is_err(), "{odd}");
        }
    }
}
