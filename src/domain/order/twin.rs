//! One order under two ids: `#1001` of an export and `1001` of a sheet, `000042` and what a spreadsheet leaves of it.

use std::collections::BTreeSet;

use super::{Order, name_key};
use crate::domain::phone;

/// A name of an order as files of other programs may write it: without the zeros that a spreadsheet drops.
fn stripped(key: &str) -> Option<&str> {
    let digits = key.bytes().all(|byte| byte.is_ascii_digit());
    let bare = key.trim_start_matches('0');
    (digits && !bare.is_empty() && bare != key).then_some(bare)
}

/// The digits of a name that has letters in front of them only: `ORD-1001` is `1001`.
fn digits(key: &str) -> Option<&str> {
    let digits = key.trim_start_matches(|c: char| !c.is_ascii_digit());
    let bare = digits.trim_start_matches('0');
    (bare.len() >= 3 && digits.bytes().all(|byte| byte.is_ascii_digit())).then_some(bare)
}

/// Whether two sets have something in common; `None` where one of them is empty.
fn meet(one: &BTreeSet<String>, other: &BTreeSet<String>) -> Option<bool> {
    (!one.is_empty() && !other.is_empty()).then(|| !one.is_disjoint(other))
}

impl Order {
    /// The names under which other files may hold this order, as they are compared.
    pub fn keys(&self) -> BTreeSet<String> {
        let details = &self.details;
        let written = [Some(self.id.as_str()), details.display_id.as_deref(), details.shop_id.as_deref()];
        let mut keys: BTreeSet<String> = written.into_iter().flatten().map(name_key).collect();
        let bare: Vec<String> = keys.iter().filter_map(|key| stripped(key)).map(str::to_owned).collect();
        keys.extend(bare);
        keys.remove("");
        keys
    }

    /// Whether another order is, or may be, this one under another id. One name that means both is not enough where both the
    /// customer and the amount differ: a shop's inner numbers run beside the numbers that customers know.
    pub fn is_twin_of(&self, other: &Self) -> bool {
        if self.id == other.id {
            return false;
        }
        let differs =
            self.value.zip(other.value).is_some_and(|(one, other)| one != other) || self.currency() != other.currency();
        let tails = |order: &Self| -> BTreeSet<String> { order.phones().filter_map(phone::tail).collect() };
        let said = |text: Option<&str>| -> BTreeSet<String> {
            text.map(|text| text.trim().to_lowercase()).filter(|text| !text.is_empty()).into_iter().collect()
        };
        let facts = [
            meet(&tails(self), &tails(other)),
            meet(&said(self.details.email.as_deref()), &said(other.details.email.as_deref())),
            meet(&said(Some(&self.customer_id)), &said(Some(&other.customer_id))),
        ];
        let same_person = facts.contains(&Some(true));
        if !self.keys().is_disjoint(&other.keys()) {
            let dates = self.placed_at.zip(other.placed_at);
            let other_date = dates.is_some_and(|(one, other)| one.date() != other.date());
            let other_person = !same_person && (facts.contains(&Some(false)) || other_date);
            return !(other_person && differs);
        }
        // Letters in front of the number are a sign only where the rest agrees.
        let (one, other) = (self.keys(), other.keys());
        let plain = |keys: &BTreeSet<String>| keys.iter().filter_map(|key| digits(key)).map(str::to_owned).collect();
        let (one, other): (BTreeSet<String>, BTreeSet<String>) = (plain(&one), plain(&other));
        same_person && !differs && meet(&one, &other) == Some(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::OrderId;
    use crate::domain::money::Money;

    fn order(id: &str, phone: &str, rupees: i64) -> Order {
        let mut order = Order::new(OrderId::new(id));
        order.phone = Some(phone.to_owned()).filter(|phone| !phone.is_empty());
        order.value = Some(Money::from_rupees(rupees));
        order
    }

    #[test]
    fn one_order_under_two_ids() {
        let named = |mut order: Order, display: &str, shop: &str| {
            order.details.display_id = Some(display.to_owned()).filter(|id| !id.is_empty());
            order.details.shop_id = Some(shop.to_owned()).filter(|id| !id.is_empty());
            order
        };
        let (own, others) = ("9876543210", "9876543211");
        for (one, other, is) in vec![
            (order("#1001", own, 599), order("1001", "+919876543210", 599), true),
            (order("000042", own, 599), order("42", own, 599), true),
            (order("000042", "", 599), order("42", "", 599), true),
            (named(order("4500000001", own, 599), "1001", ""), order("1001", own, 599), true),
            (named(order("#1001", own, 599), "", "450000000001"), order("450000000001", "", 599), true),
            // The value of one is another, or its customer is: it may still be the same order.
            (order("#1001", own, 599), order("1001", own, 500), true),
            (order("#1001", own, 599), order("1001", others, 599), true),
            // The inner number of one is the number of somebody else's.
            (named(order("1001", own, 599), "", "1502"), order("1502", others, 899), false),
            (order("ORD-1001", own, 599), order("1001", own, 599), true),
            (order("ORD-1001", own, 599), order("1001", others, 599), false),
            (order("A1", own, 599), order("B1", own, 599), false),
            (order("1001", own, 599), order("1002", own, 599), false),
            (order("1001", own, 599), order("1001", own, 599), false),
        ] {
            assert_eq!(one.is_twin_of(&other), is, "{one:?} {other:?}");
            assert_eq!(other.is_twin_of(&one), is, "{other:?} {one:?}");
        }
    }
}
