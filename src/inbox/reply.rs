//! Decides in which messages a reply leaves: how it is split, and which choices stand below an offer.
//!
//! It must never put a choice below a reply that offers nothing, nor one whose words say more than yes or no.

use crate::domain::conversation::{Conversation, Mode, Offer};
use crate::domain::outgoing::{Body, Choice, LONGEST_TEXT, LONGEST_WITH_CHOICES, split};

/// Rows of a list at most, and characters in one.
const ROWS: usize = 10;
const ROW: usize = 24;

/// The messages of a reply, in their order. `conversation` is the one after the turn.
pub(super) fn bodies(text: &str, conversation: &Conversation) -> Vec<Body> {
    let choices = match conversation.mode {
        Mode::Bot => choices(&conversation.offered),
        Mode::HandedOver { .. } => None,
    };
    let Some(with_choices) = choices else {
        return split(text, LONGEST_TEXT).into_iter().map(|text| Body::Text { text }).collect();
    };
    let mut parts = split(text, LONGEST_WITH_CHOICES);
    let last = parts.pop().unwrap_or_default();
    let mut bodies: Vec<Body> = parts.into_iter().map(|text| Body::Text { text }).collect();
    bodies.push(with_choices(last));
    bodies
}

type WithChoices = Box<dyn FnOnce(String) -> Body>;

/// The ways to answer offers. Each names its quote: whoever presses it later, or in another chat, agrees to nothing else.
fn choices(offered: &[Offer]) -> Option<WithChoices> {
    let yes = |offer: &Offer| format!("yes:{}", offer.quote_id);
    match offered {
        [] => None,
        [only] => {
            let buttons =
                vec![Choice::new(yes(only), "Yes, refund"), Choice::new(format!("no:{}", only.quote_id), "No")];
            Some(Box::new(|text| Body::Buttons { text, buttons }))
        }
        several => {
            let mut rows: Vec<Choice> = several
                .iter()
                .map(|offer| Choice::new(yes(offer), format!("Yes, refund {}", offer.order_id)))
                .collect();
            // These two speak of all offers, and so of no single quote.
            rows.push(Choice::new("all:yes", if several.len() == 2 { "Yes, both" } else { "Yes, all" }));
            rows.push(Choice::new("all:no", "No"));
            let fits = rows.len() <= ROWS && rows.iter().all(|row| row.title.chars().count() <= ROW);
            // Where they do not fit, words do.
            fits.then(|| Box::new(|text| Body::List { text, button: "Choose".to_owned(), rows }) as WithChoices)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::consent::{Answer, agrees_to, answer};
    use crate::domain::ids::{AlertId, IdPatterns, OrderId, QuoteId, UserId};
    use crate::domain::money::Money;

    fn offering(orders: &[&str]) -> Conversation {
        let mut conversation = Conversation::new(UserId::new("91"));
        let offer =
            |order: &&str| Offer { quote_id: QuoteId::new(format!("Q-{order}")), order_id: OrderId::new(order) };
        conversation.offered = orders.iter().map(offer).collect();
        conversation
    }

    #[test]
    fn an_offer_has_buttons_that_name_its_quote_and_agree_in_words() {
        let bodies = bodies("I can refund ₹599 for order ORD000003.", &offering(&["ORD000003"]));
        let [Body::Buttons { text, buttons }] = bodies.as_slice() else { panic!("{bodies:?}") };
        assert!(text.contains("₹599"));
        assert_eq!(buttons[0], Choice::new("yes:Q-ORD000003", "Yes, refund"));
        let patterns = IdPatterns::default();
        assert!(agrees_to(&buttons[0].title, &OrderId::new("ORD000003"), Money::from_rupees(599), &patterns));
        assert_eq!((buttons[1].id.as_str(), answer(&buttons[1].title, &patterns)), ("no:Q-ORD000003", Answer::No));
    }

    #[test]
    fn several_offers_have_a_list_whose_rows_agree_to_one_or_all() {
        let bodies = bodies("Which?", &offering(&["ORD000004", "ORD000005"]));
        let [Body::List { rows, .. }] = bodies.as_slice() else { panic!("{bodies:?}") };
        let patterns = IdPatterns::default();
        let agrees =
            |row: &Choice, order: &str| agrees_to(&row.title, &OrderId::new(order), Money::from_rupees(1), &patterns);
        assert_eq!(rows.len(), 4);
        assert!(agrees(&rows[0], "ORD000004") && !agrees(&rows[0], "ORD000005"));
        assert!(agrees(&rows[2], "ORD000004") && agrees(&rows[2], "ORD000005"));
        assert_eq!(answer(&rows[3].title, &patterns), Answer::No);
        let many: Vec<String> = (0..9).map(|number| format!("ORD{number:06}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert!(matches!(self::bodies("Which?", &offering(&many)).as_slice(), [Body::Text { .. }]), "too many rows");
    }

    #[test]
    fn a_long_reply_is_split_and_a_person_needs_no_buttons() {
        let long = "A sentence of some length. ".repeat(300);
        let parts = bodies(&long, &offering(&[]));
        assert!(parts.len() == 2 && parts.iter().all(|part| part.text().chars().count() <= LONGEST_TEXT));
        let parts = bodies(&long[..2_000], &offering(&["ORD000003"]));
        assert!(matches!(parts.as_slice(), [Body::Text { .. }, Body::Buttons { .. }]), "below the last one only");
        let mut handed_over = offering(&["ORD000003"]);
        handed_over.mode = Mode::HandedOver { alert_id: AlertId::new("a") };
        assert!(matches!(bodies("A person answers.", &handed_over).as_slice(), [Body::Text { .. }]));
    }
}
