//! Splits a reply into messages and adds the choices below an offer: choices that say nothing but yes or no, and only
//! below a reply that offers something.

use crate::domain::consent::{Press, is_shown};
use crate::domain::conversation::{Conversation, MessagePlace, Mode, Offer, WaitingFor};
use crate::domain::ids::QuoteId;
use crate::domain::outgoing::{Body, ChannelLimits, Choice, split};
use crate::domain::proposal::ProposalKind;
use crate::domain::sentences::{Language, channel, proposals};

/// The messages of a reply, in their order. `conversation` is the one after the turn; its offers are noted with the
/// message that shows them, and those that the last message does not show are dropped: nobody can agree to them.
pub(super) fn bodies(text: &str, conversation: &mut Conversation, limits: &ChannelLimits) -> Vec<Body> {
    let plain = |text: &str| split(text, limits.text).into_iter().map(|text| Body::Text { text });
    let with_choices = match conversation.mode {
        Mode::Bot => choices(&conversation.offered, Language::of(conversation), limits),
        Mode::HandedOver { .. } => None,
    };
    if conversation.waiting_for == WaitingFor::WhichOrder && conversation.mode == Mode::Bot {
        return match order_choices(text, conversation, limits) {
            Some(body) => vec![body],
            None => plain(text).collect(),
        };
    }
    let shows_all = |text: &str| conversation.offered.iter().all(|offer| is_shown(offer, text));
    let (before, last) = ending(text, limits.text_with_choices);
    let bodies: Vec<Body> = match with_choices {
        // What was offered stands in one message, with the choices below it.
        Some(with_choices) if shows_all(last) => plain(before).chain([with_choices(last.to_owned())]).collect(),
        _ if conversation.offered.is_empty() => plain(text).collect(),
        _ => {
            let (before, last) = ending(text, limits.text);
            plain(before).chain(plain(last)).collect()
        }
    };
    let shown = bodies.last().map_or("", |body| body.text());
    let sequence = u32::try_from(bodies.len().saturating_sub(1)).unwrap_or(u32::MAX);
    let place = MessagePlace { turn: conversation.turn, sequence };
    conversation.offered.retain(|offer| is_shown(offer, shown));
    for offer in &mut conversation.offered {
        offer.shown_in = Some(place);
    }
    if conversation.offered.is_empty() && conversation.waiting_for == WaitingFor::Consent {
        conversation.waiting_for = WaitingFor::Nothing;
    }
    bodies
}

/// The longest end of a text, from the beginning of a line or a sentence on, that has at most `longest` characters, and
/// what stands before it. Where no line and no sentence begins so late, all of it stands before.
fn ending(text: &str, longest: usize) -> (&str, &str) {
    let text = text.trim();
    let length = text.chars().count();
    if length <= longest {
        return ("", text);
    }
    let (mut previous, mut sentence_ended) = (' ', false);
    for (place, (at, c)) in text.char_indices().enumerate() {
        let begins = !c.is_whitespace() && (previous == '\n' || (previous.is_whitespace() && sentence_ended));
        if begins && length - place <= longest {
            return (&text[..at], &text[at..]);
        }
        if !c.is_whitespace() {
            sentence_ended = matches!(c, '.' | '!' | '?' | '।' | '…');
        }
        previous = c;
    }
    (text, "")
}

/// The question which order is meant, with the orders to choose from. A choice agrees to nothing: it names an order. `None`
/// where the text or one of the choices does not fit: then the customer answers in words.
fn order_choices(text: &str, conversation: &Conversation, limits: &ChannelLimits) -> Option<Body> {
    let language = Language::of(conversation);
    if text.chars().count() > limits.text_with_choices {
        return None;
    }
    let text = text.to_owned();
    match conversation.suggested.as_slice() {
        [] => None,
        [one] => {
            let button = |press: Press, title: &str| Some(Choice::new(press.id(limits.button_id)?, title));
            let buttons = vec![
                button(Press::Order(one.clone()), channel::yes(language))?,
                button(Press::OtherOrder, channel::no(language))?,
            ];
            Some(Body::Buttons { text, buttons })
        }
        several => {
            let row = |press: Press, title: &str| Some(Choice::new(press.id(limits.row_id)?, title));
            let orders = several.iter();
            let mut rows: Vec<Choice> = orders
                .map(|order| row(Press::Order(order.clone()), conversation.name_of(order).as_str()))
                .collect::<Option<_>>()?;
            rows.push(row(Press::OtherOrder, channel::another_order(language))?);
            let fits =
                rows.len() <= limits.rows && rows.iter().all(|row| row.title.chars().count() <= limits.row_title);
            fits.then(|| Body::List { text, button: channel::choose(language).to_owned(), rows })
        }
    }
}

type WithChoices = Box<dyn FnOnce(String) -> Body>;

/// The choices for offers. Each names the quotes that it is about, so that pressing it later, or in another chat, agrees
/// to nothing else. `None` where there are no offers, or not all of the choices fit: then the customer answers in words.
fn choices(offered: &[Offer], language: Language, limits: &ChannelLimits) -> Option<WithChoices> {
    let ids = |offers: &[Offer]| offers.iter().map(|offer| offer.quote_id.clone()).collect::<Vec<QuoteId>>();
    match offered {
        [] => None,
        [one] => {
            let id = |press: Press| press.id(limits.button_id);
            let yes = match one.kind {
                ProposalKind::Refund => channel::yes_refund(language),
                kind => proposals::yes(language, kind, one.resolution),
            };
            let buttons = vec![
                Choice::new(id(Press::Yes(ids(offered)))?, yes),
                Choice::new(id(Press::No(ids(offered)))?, channel::no(language)),
            ];
            Some(Box::new(|text| Body::Buttons { text, buttons }))
        }
        several => {
            let id = |press: Press| press.id(limits.row_id);
            let mut rows = Vec::new();
            for offer in several {
                let yes = Press::Yes(vec![offer.quote_id.clone()]);
                let title = match offer.kind {
                    ProposalKind::Refund => channel::yes_refund_order(language, &offer.order_id),
                    kind => proposals::yes_for(language, kind, offer.resolution, &offer.order_id),
                };
                rows.push(Choice::new(id(yes)?, title));
            }
            rows.push(Choice::new(id(Press::Yes(ids(several)))?, channel::yes_to_all(language, several.len())));
            rows.push(Choice::new(id(Press::No(ids(several)))?, channel::no(language)));
            let fits =
                rows.len() <= limits.rows && rows.iter().all(|row| row.title.chars().count() <= limits.row_title);
            let button = channel::choose(language).to_owned();
            fits.then(|| Box::new(|text| Body::List { text, button, rows }) as WithChoices)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::channels::whatsapp::LIMITS;
    use crate::domain::consent::{Answer, agrees_to, answer};
    use crate::domain::currency::Amount;
    use crate::domain::ids::{AlertId, IdPatterns, OrderId, UserId};

    fn offering(orders: &[&str]) -> Conversation {
        let mut conversation = Conversation::new(UserId::new("91"));
        let offer =
            |order: &&str| Offer::new(QuoteId::new(format!("Q-{order}")), OrderId::new(order), Amount::rupees(599));
        conversation.offered = orders.iter().map(offer).collect();
        conversation.turn = 3;
        conversation
    }

    fn text_of(orders: &[&str]) -> String {
        let line = |order: &&str| format!("I can refund ₹599 for order {order}.\n");
        orders.iter().map(line).collect::<String>() + "Shall I go ahead?"
    }

    #[test]
    fn an_offer_has_buttons_that_name_its_quote_and_agree_in_words() {
        let mut conversation = offering(&["ORD000003"]);
        let bodies = bodies(&text_of(&["ORD000003"]), &mut conversation, &LIMITS);
        let [Body::Buttons { text, buttons }] = bodies.as_slice() else { panic!("{bodies:?}") };
        assert!(text.contains("₹599"));
        assert_eq!(buttons[0], Choice::new("yes:Q-ORD000003", "Yes, refund"));
        let patterns = IdPatterns::default();
        assert!(agrees_to(&buttons[0].title, &OrderId::new("ORD000003"), Amount::rupees(599), &patterns));
        assert_eq!((buttons[1].id.as_str(), answer(&buttons[1].title, &patterns)), ("no:Q-ORD000003", Answer::No));
        assert_eq!(conversation.offered[0].shown_in, Some(MessagePlace { turn: 3, sequence: 0 }));
    }

    #[test]
    fn suggested_orders_are_choices_that_agree_to_nothing() {
        let mut conversation = Conversation::new(UserId::new("91"));
        conversation.waiting_for = WaitingFor::WhichOrder;
        conversation.suggested = vec![OrderId::new("#1002")];
        let one = bodies("Is it about order #1002?", &mut conversation, &LIMITS);
        let [Body::Buttons { buttons, .. }] = one.as_slice() else { panic!("{one:?}") };
        assert_eq!(buttons[..], [Choice::new("order:#1002", "Yes"), Choice::new("other-order", "No")]);
        conversation.suggested.push(OrderId::new("6001"));
        conversation.names.add(OrderId::new("#1001"), OrderId::new("6001"));
        let two = bodies("Is it about order #1002?", &mut conversation, &LIMITS);
        let [Body::List { rows, .. }] = two.as_slice() else { panic!("{two:?}") };
        let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
        assert_eq!(ids, ["order:#1002", "order:6001", "other-order"]);
        assert_eq!(rows[1].title, "#1001", "as the customer knows it");
        assert!(rows.iter().all(|row| answer(&row.title, &IdPatterns::default()) != Answer::Yes));
        let long = bodies(&"x ".repeat(2_000), &mut conversation, &LIMITS);
        assert!(long.iter().all(|body| matches!(body, Body::Text { .. })), "{long:?}");
    }

    #[test]
    fn several_offers_have_a_list_whose_rows_agree_to_one_or_all() {
        let orders = ["ORD000004", "ORD000005"];
        let bodies = bodies(&text_of(&orders), &mut offering(&orders), &LIMITS);
        let [Body::List { rows, .. }] = bodies.as_slice() else { panic!("{bodies:?}") };
        let patterns = IdPatterns::default();
        let agrees =
            |row: &Choice, order: &str| agrees_to(&row.title, &OrderId::new(order), Amount::rupees(1), &patterns);
        assert_eq!(rows.len(), 4);
        assert!(agrees(&rows[0], "ORD000004") && !agrees(&rows[0], "ORD000005"));
        assert!(agrees(&rows[2], "ORD000004") && agrees(&rows[2], "ORD000005"));
        assert_eq!(answer(&rows[3].title, &patterns), Answer::No);
        let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
        assert_eq!(
            ids,
            ["yes:Q-ORD000004", "yes:Q-ORD000005", "yes:Q-ORD000004,Q-ORD000005", "no:Q-ORD000004,Q-ORD000005"]
        );
    }

    #[test]
    fn where_the_choices_do_not_fit_the_customer_answers_in_words() {
        let many: Vec<String> = (0..9).map(|number| format!("ORD{number:06}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let mut conversation = offering(&many);
        let bodies = bodies(&text_of(&many), &mut conversation, &LIMITS);
        assert!(matches!(bodies.as_slice(), [Body::Text { .. }]), "too many rows");
        assert!(conversation.offered.iter().all(|offer| offer.shown_in.is_some()), "shown all the same");
        let mut long = offering(&["ORD000003", "ORD000004"]);
        for offer in &mut long.offered {
            offer.quote_id = QuoteId::new("q".repeat(120));
        }
        let bodies = super::bodies(&text_of(&["ORD000003", "ORD000004"]), &mut long, &LIMITS);
        assert!(matches!(bodies.as_slice(), [Body::Text { .. }]), "identifiers too long for a row");
    }

    #[test]
    fn a_long_reply_ends_with_its_offers_and_a_person_needs_no_buttons() {
        let sentence = "A sentence of some length. ";
        let long = sentence.repeat(300);
        let messages = bodies(&long, &mut offering(&[]), &LIMITS);
        assert!(messages.len() == 2 && messages.iter().all(|body| body.text().chars().count() <= LIMITS.text));
        let mut conversation = offering(&["ORD000003"]);
        let messages =
            bodies(&format!("{}{}", sentence.repeat(80), text_of(&["ORD000003"])), &mut conversation, &LIMITS);
        let [Body::Text { .. }, Body::Buttons { text, .. }] = messages.as_slice() else { panic!("{messages:?}") };
        assert!(text.contains("ORD000003") && text.ends_with("ahead?") && text.starts_with("A sentence"), "{text}");
        assert_eq!(conversation.offered[0].shown_in, Some(MessagePlace { turn: 3, sequence: 1 }));
        // Between an offer and the end stands more than fits below buttons: no buttons then, and one message.
        let mut conversation = offering(&["ORD000003"]);
        let messages =
            bodies(&format!("{}{}", text_of(&["ORD000003"]), sentence.repeat(80)), &mut conversation, &LIMITS);
        assert!(matches!(messages.as_slice(), [Body::Text { .. }]) && conversation.offered.len() == 1);
        // And where no single message can show it, it is no offer.
        let mut conversation = offering(&["ORD000003"]);
        conversation.waiting_for = WaitingFor::Consent;
        bodies(&format!("{}{}", text_of(&["ORD000003"]), sentence.repeat(300)), &mut conversation, &LIMITS);
        assert_eq!((conversation.offered.len(), conversation.waiting_for), (0, WaitingFor::Nothing));
        let mut handed_over = offering(&["ORD000003"]);
        handed_over.mode = Mode::HandedOver { alert_id: AlertId::new("a") };
        assert!(matches!(bodies("A person answers.", &mut handed_over, &LIMITS).as_slice(), [Body::Text { .. }]));
    }

    proptest! {
        #[test]
        fn an_ending_is_as_long_as_it_may_be(text in "[a-z.?! \n₹]{0,120}", longest in 1..60_usize) {
            let (before, last) = ending(&text, longest);
            prop_assert_eq!(format!("{before}{last}"), text.trim());
            prop_assert!(last.chars().count() <= longest);
        }

        #[test]
        fn what_is_offered_stands_in_the_last_message(lead in "[a-z. \n]{0,3000}", count in 1..4_usize, tail in "[a-z. \n]{0,1500}") {
            let orders: Vec<String> = (0..count).map(|number| format!("ORD{number:06}")).collect();
            let orders: Vec<&str> = orders.iter().map(String::as_str).collect();
            let mut conversation = offering(&orders);
            let text = format!("{lead}\n{}\n{tail}", text_of(&orders));
            let bodies = bodies(&text, &mut conversation, &LIMITS);
            let last = bodies.last().unwrap();
            let place = MessagePlace { turn: 3, sequence: u32::try_from(bodies.len() - 1).unwrap() };
            for offer in &conversation.offered {
                prop_assert!(offer.shown_in == Some(place) && last.text().contains(offer.order_id.as_str()));
            }
            // They fit into one message here, so none is lost.
            prop_assert_eq!(conversation.offered.len(), count);
        }
    }
}
