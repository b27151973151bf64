//! A part of an order: which of its lines is meant, and what was paid for it. Nothing is guessed: what fits two lines is
//! neither.

use serde::{Deserialize, Serialize};

use super::{Order, OrderLine};
use crate::domain::money::Money;

/// Some of one line of an order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Item {
    /// The shop's number of the article.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    /// What it is called.
    pub name: String,
    /// How many.
    pub quantity: u32,
}

/// An item as somebody names it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NamedItem {
    /// Its name or number.
    pub name: String,
    /// How many; all of the line where that is not said.
    pub quantity: Option<u32>,
}

fn words(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).map(|word| word.strip_suffix('s').unwrap_or(&word).to_owned()).collect()
}

impl OrderLine {
    fn has_sku(&self, name: &str) -> bool {
        self.sku.as_deref().is_some_and(|sku| sku.trim().eq_ignore_ascii_case(name.trim()))
    }
}

impl Order {
    /// The line that a name means.
    fn line(&self, name: &str) -> Option<usize> {
        let wanted = words(name);
        if wanted.is_empty() {
            return None;
        }
        let lines = &self.details.lines;
        let only = |fits: &dyn Fn(&OrderLine) -> bool| {
            let mut found = lines.iter().enumerate().filter(|(_, line)| fits(line)).map(|(place, _)| place);
            (found.next(), found.next())
        };
        let fits: [&dyn Fn(&OrderLine) -> bool; 3] =
            [&|line| line.has_sku(name), &|line| words(&line.name) == wanted, &|line| {
                let known = words(&line.name);
                wanted.iter().all(|word| known.contains(word))
            }];
        fits.into_iter().find_map(|fits| match only(fits) {
            (Some(one), None) => Some(Some(one)),
            (Some(_), Some(_)) => Some(None),
            (None, _) => None,
        })?
    }

    /// The items that are meant, in the order of the lines; none where they are all that was ordered.
    ///
    /// # Errors
    /// The name that no line has, or several have, or of which so many were not ordered.
    pub fn items_named(&self, named: &[NamedItem]) -> Result<Vec<Item>, String> {
        let lines = &self.details.lines;
        let mut counts = vec![0_u32; lines.len()];
        for one in named {
            let place = self.line(&one.name).ok_or_else(|| one.name.clone())?;
            let (line, count) = (&lines[place], &mut counts[place]);
            *count = count.saturating_add(one.quantity.unwrap_or(line.quantity));
            if *count > line.quantity || one.quantity == Some(0) {
                return Err(one.name.clone());
            }
        }
        if lines.iter().zip(&counts).all(|(line, count)| line.quantity == *count) {
            return Ok(Vec::new());
        }
        let meant = lines.iter().zip(counts).filter(|(_, count)| *count > 0);
        Ok(meant.map(|(line, quantity)| Item { sku: line.sku.clone(), name: line.name.clone(), quantity }).collect())
    }

    /// What was paid for some items: their prices, less their share of what was taken off the order. `None` where that is not
    /// known.
    pub fn price_of(&self, items: &[Item]) -> Option<Money> {
        let value = self.value?.minor_units();
        let lines = &self.details.lines;
        let of = |line: &OrderLine, quantity: u32| line.price?.minor_units().checked_mul(quantity.into());
        let mut part = 0_i64;
        for item in items {
            let line = lines.iter().find(|line| line.sku == item.sku && line.name == item.name)?;
            part = part.checked_add(of(line, item.quantity)?)?;
        }
        let all = lines.iter().try_fold(0_i64, |sum, line| sum.checked_add(of(line, line.quantity)?));
        let goods = value.saturating_sub(self.details.shipping.map_or(0, Money::minor_units));
        let part = match all {
            Some(all) if all > goods && all > 0 => {
                i64::try_from(i128::from(part) * i128::from(goods.max(0)) / i128::from(all)).ok()?
            }
            // Where a price is missing, it is not known what a discount was taken off.
            None if self.details.discount.is_some_and(|discount| discount > Money::ZERO) => return None,
            Some(_) | None => part,
        };
        Some(Money::from_minor_units(part.min(value)))
    }

    /// Whether two lists of items have one in common; an empty list is all of the order.
    pub fn overlap(&self, one: &[Item], other: &[Item]) -> bool {
        if one.is_empty() || other.is_empty() {
            return true;
        }
        one.iter().any(|item| {
            let ordered = |line: &&OrderLine| line.sku == item.sku && line.name == item.name;
            let ordered = self.details.lines.iter().find(ordered).map_or(0, |line| line.quantity);
            let taken = |items: &[Item]| {
                let same = items.iter().filter(|known| known.sku == item.sku && known.name == item.name);
                same.map(|known| known.quantity).fold(0_u32, u32::saturating_add)
            };
            taken(other) > 0 && taken(one).saturating_add(taken(other)) > ordered
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::order::OrderDetails;

    fn order(value: i64, discount: i64) -> Order {
        let line = |sku: &str, name: &str, quantity, price| OrderLine {
            sku: Some(sku.to_owned()),
            name: name.to_owned(),
            quantity,
            price: Some(Money::from_rupees(price)),
        };
        let lines = vec![
            line("MLK", "Toned Milk 1 L", 2, 58),
            line("BRD", "Brown Bread 400 g", 1, 50),
            line("BUT", "Butter Bread", 1, 96),
        ];
        let discount = Some(Money::from_rupees(discount));
        let details = OrderDetails { lines, discount, ..OrderDetails::default() };
        Order { value: Some(Money::from_rupees(value)), details, ..crate::testing::order(3, "Dairy", value) }
    }

    fn named(names: &[(&str, Option<u32>)]) -> Vec<NamedItem> {
        names.iter().map(|(name, quantity)| NamedItem { name: (*name).to_owned(), quantity: *quantity }).collect()
    }

    #[test]
    fn a_name_means_one_line_or_none() {
        let order = order(262, 0);
        let found = |names: &[(&str, Option<u32>)]| {
            let items = order.items_named(&named(names));
            items.map(|items| items.into_iter().map(|item| (item.sku.unwrap(), item.quantity)).collect::<Vec<_>>())
        };
        let milk = |count| Ok(vec![("MLK".to_owned(), count)]);
        assert_eq!(found(&[("mlk", Some(1))]), milk(1));
        assert_eq!(found(&[("toned milk", None)]), milk(2));
        assert_eq!(found(&[("Milks", Some(2))]), milk(2));
        assert_eq!(found(&[("brown bread", None)]), Ok(vec![("BRD".to_owned(), 1)]));
        assert_eq!(found(&[("milk", None), ("BRD", None), ("BUT", Some(1))]), Ok(vec![]), "all of it");
        for wrong in [("bread", None), ("eggs", None), ("milk", Some(3)), ("milk", Some(0)), ("", None), ("!", None)] {
            assert_eq!(found(&[wrong]), Err(wrong.0.to_owned()), "{wrong:?}");
        }
        assert_eq!(found(&[("milk", Some(1)), ("MLK", Some(2))]), Err("MLK".to_owned()), "three of two");
    }

    #[test]
    fn a_part_costs_its_share_and_never_more_than_was_paid() {
        let paid = |order: &Order, names: &[(&str, Option<u32>)]| {
            order.price_of(&order.items_named(&named(names)).unwrap()).map(Money::minor_units)
        };
        assert_eq!(paid(&order(262, 0), &[("milk", Some(1))]), Some(5_800));
        assert_eq!(paid(&order(131, 131), &[("milk", Some(1)), ("BRD", None)]), Some(5_400), "half was taken off");
        assert_eq!(paid(&order(20, 0), &[("BUT", None)]), Some(732), "its share of what was paid");
        let mut unknown = order(262, 0);
        unknown.details.lines[2].price = None;
        assert_eq!(paid(&unknown, &[("milk", Some(1))]), Some(5_800));
        assert_eq!(paid(&unknown, &[("BUT", None)]), None);
        unknown.details.discount = Some(Money::from_rupees(10));
        assert_eq!(paid(&unknown, &[("milk", Some(1))]), None);
    }

    #[test]
    fn items_overlap_where_more_is_meant_than_was_ordered() {
        let order = order(262, 0);
        let of = |names: &[(&str, Option<u32>)]| order.items_named(&named(names)).unwrap();
        let (one, two, bread) = (of(&[("milk", Some(1))]), of(&[("milk", None)]), of(&[("BRD", None)]));
        assert!(!order.overlap(&one, &one) && !order.overlap(&one, &bread));
        assert!(order.overlap(&one, &two) && order.overlap(&bread, &bread) && order.overlap(&[], &one));
    }
}
