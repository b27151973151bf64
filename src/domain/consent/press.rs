//! What a pressed button or a chosen row says. Its identifier holds the quotes that it is about, one by one: a choice
//! that stood below another message, or that another program made, never agrees to what is offered now.

use crate::domain::ids::{OrderId, QuoteId};

/// Between the quotes of one identifier.
const SEPARATOR: char = ',';
/// How the identifier of a choice of an order begins, and that of the choice of none.
const ORDER: &str = "order:";
const OTHER_ORDER: &str = "other-order";

/// What a pressed button, or a chosen row of a list, says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Press {
    /// Yes to exactly these quotes.
    Yes(Vec<QuoteId>),
    /// No to these quotes.
    No(Vec<QuoteId>),
    /// This order is meant: it answers a question, and agrees to nothing.
    Order(OrderId),
    /// None of the orders that were suggested is meant.
    OtherOrder,
    /// This program made no such choice: the button of a template, of a campaign, of another program.
    Foreign,
}

impl Press {
    /// Reads the identifier that came back with a choice.
    pub fn read(id: &str) -> Self {
        let quotes = |ids: &str| -> Option<Vec<QuoteId>> {
            let quotes: Vec<&str> = ids.split(SEPARATOR).collect();
            let whole = quotes.iter().all(|id| !id.is_empty() && !id.contains(char::is_whitespace));
            whole.then(|| quotes.into_iter().map(QuoteId::new).collect())
        };
        let yes = id.strip_prefix("yes:").and_then(quotes).map(Self::Yes);
        let no = || id.strip_prefix("no:").and_then(quotes).map(Self::No);
        let order = || {
            let order =
                id.strip_prefix(ORDER).filter(|order| !order.is_empty() && OrderId::new(order).as_str() == *order);
            order.map(|order| Self::Order(OrderId::new(order)))
        };
        let other = || (id == OTHER_ORDER).then_some(Self::OtherOrder);
        yes.or_else(no).or_else(order).or_else(other).unwrap_or(Self::Foreign)
    }

    /// The identifier of a choice, of at most `longest` characters. `None` where it is longer, or would be read as
    /// something else: then there is no such choice, and the customer answers in words.
    pub fn id(&self, longest: usize) -> Option<String> {
        let of = |word: &str, quotes: &[QuoteId]| {
            let ids: Vec<&str> = quotes.iter().map(QuoteId::as_str).collect();
            format!("{word}{}", ids.join(&SEPARATOR.to_string()))
        };
        let id = match self {
            Self::Yes(quotes) => of("yes:", quotes),
            Self::No(quotes) => of("no:", quotes),
            Self::Order(order) => format!("{ORDER}{order}"),
            Self::OtherOrder => OTHER_ORDER.to_owned(),
            Self::Foreign => return None,
        };
        (id.chars().count() <= longest && Self::read(&id) == *self).then_some(id)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_identifiers_of_this_program_say_anything() {
        let ids = |ids: &[&str]| ids.iter().map(|id| QuoteId::new(*id)).collect::<Vec<_>>();
        assert_eq!(Press::read("yes:q1"), Press::Yes(ids(&["q1"])));
        assert_eq!(Press::read("yes:q1,q2"), Press::Yes(ids(&["q1", "q2"])));
        assert_eq!(Press::read("no:q1"), Press::No(ids(&["q1"])));
        for foreign in
            ["", "yes", "yes:", "yes:q1,", "yes:,q1", "yes: q1", "YES:q1", "all:yes", "slot_1", "q1", " yes:q1"]
        {
            assert_eq!(Press::read(foreign), Press::Foreign, "{foreign}");
        }
    }

    #[test]
    fn a_choice_that_does_not_fit_is_none() {
        let quote = |number: u32| QuoteId::new(format!("QUOTE_{number:032}"));
        let of = |count: u32| Press::Yes((0..count).map(quote).collect());
        assert_eq!(of(1).id(200).map(|id| id.len()), Some(42));
        assert_eq!(of(5).id(200).map(|id| id.len()), Some(198), "five in a row of WhatsApp");
        assert_eq!(of(6).id(200), None);
        assert_eq!(Press::Yes(vec![]).id(200), None);
        assert_eq!(Press::Yes(vec![QuoteId::new("a,b")]).id(200), None, "it would be read as two");
        assert_eq!(Press::Yes(vec![QuoteId::new("a b")]).id(200), None);
        for press in [Press::Order(OrderId::new("#1001")), Press::Order(OrderId::new("402-1, 2")), Press::OtherOrder] {
            assert_eq!(Press::read(&press.id(200).unwrap()), press);
        }
        assert_eq!((Press::read("order:"), Press::read("order:ord1")), (Press::Foreign, Press::Foreign));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_as_it_was(ids in proptest::collection::vec(".{0,6}", 0..4), yes: bool, longest in 0..40_usize) {
            let quotes: Vec<QuoteId> = ids.iter().map(QuoteId::new).collect();
            let press = if yes { Press::Yes(quotes) } else { Press::No(quotes) };
            if let Some(id) = press.id(longest) {
                prop_assert!(id.chars().count() <= longest);
                prop_assert_eq!(Press::read(&id), press);
            }
        }
    }
}
