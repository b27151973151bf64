//! Proposals in each language: what is said of them, and their buttons.

use super::super::proposals;
use super::{AMOUNT, ORDER, Said};
use crate::domain::consent::{Answer, answer_about, answer_to};
use crate::domain::conversation::Offer;
use crate::domain::currency::Amount;
use crate::domain::ids::{IdPatterns, OrderId, QuoteId};
use crate::domain::order::Item;
use crate::domain::proposal::{ChangeField, Details, Meaning, OrderChange, ProposalKind, Resolution};
use crate::domain::sentences::Language;

/// What can be proposed, but for a refund.
const PROPOSED: [(ProposalKind, Option<Resolution>); 6] = [
    (ProposalKind::Cancel, None),
    (ProposalKind::Change, None),
    (ProposalKind::Return, None),
    (ProposalKind::Return, Some(Resolution::Refund)),
    (ProposalKind::Return, Some(Resolution::Replacement)),
    (ProposalKind::Return, Some(Resolution::Exchange)),
];

fn items() -> Vec<Item> {
    [("Milk", 2), ("Tea", 1), ("Bread", 1)]
        .map(|(name, quantity)| Item { sku: None, name: name.to_owned(), quantity })
        .to_vec()
}

/// Every kind of proposal, of a whole order and of items.
pub(super) fn proposed(language: Language) -> Vec<Said> {
    let mut said = Vec::new();
    let mut say = |name, text, values: &[&'static str]| said.push(Said { name, text, values: values.to_vec() });
    for (kind, resolution) in PROPOSED.into_iter().chain([(ProposalKind::Refund, None)]) {
        for items in [Vec::new(), items()] {
            let named = !items.is_empty() && matches!(kind, ProposalKind::Refund | ProposalKind::Return);
            let values: &[&'static str] = if named { &[ORDER, "2 × ", "Milk", "Tea", "Bread"] } else { &[ORDER] };
            for (wish, field) in [(None, None), (Some("WISH"), Some(ChangeField::Address))] {
                let details = Details {
                    items: items.clone(),
                    change: field.map(|field| OrderChange { field, value: "VALUE".to_owned() }),
                    resolution,
                    wish: wish.map(str::to_owned),
                };
                let refund = (kind == ProposalKind::Refund).then_some(AMOUNT);
                for amount in [refund, Some(AMOUNT)] {
                    let told = if kind == ProposalKind::Refund { &values[..1] } else { values };
                    say("proposals::offer", proposals::offer(language, kind, ORDER, &details, amount), values);
                    say("proposals::done", proposals::done(language, kind, ORDER, &details, amount), told);
                }
            }
        }
        say("proposals::already_done", proposals::already_done(language, kind, ORDER), &[ORDER]);
        say("proposals::refused", proposals::refused(language, kind, ORDER, "REASON"), &[ORDER, "REASON"]);
        say("proposals::yes", proposals::yes(language, kind, resolution).to_owned(), &[]);
        say("proposals::yes_for", proposals::yes_for(language, kind, resolution, ORDER), &[ORDER]);
        say("proposals::out_for_delivery", proposals::out_for_delivery(language, kind), &[]);
        say("proposals::delivered", proposals::delivered(language, kind), &[]);
        say("proposals::too_late", proposals::too_late(language, kind), &[]);
    }
    said
}

#[test]
fn a_button_below_a_proposal_is_a_plain_yes_to_it() {
    let patterns = IdPatterns::default();
    let amount = Amount::rupees(599);
    for language in Language::ALL {
        for (kind, resolution) in PROPOSED {
            let button = proposals::yes(language, kind, resolution);
            assert!(button.chars().count() <= 20, "{button}");
            let row = proposals::yes_for(language, kind, resolution, ORDER);
            assert!(row.chars().count() <= 24, "{row}");
            for money in [false, true] {
                let meaning = Meaning { kind, resolution, money };
                let refund = Offer::new(QuoteId::new("q1"), OrderId::new(ORDER), amount);
                let offer = Offer { kind, resolution, amount: money.then_some(amount), ..refund };
                for yes in [button, &row] {
                    assert_eq!(answer_about(yes, meaning, &patterns), Answer::Yes, "{yes}: {meaning:?}");
                    assert_eq!(answer_to(yes, std::slice::from_ref(&offer), &patterns), Answer::Yes, "{yes}");
                }
            }
        }
    }
}

#[test]
fn a_proposal_names_its_order_once() {
    for language in Language::ALL {
        for Said { name, text, .. } in proposed(language) {
            let order = ["order", "ऑर्डर", "pedido", "الطلب"];
            let named: usize = order.iter().map(|word| text.to_lowercase().matches(word).count()).sum();
            assert!(named <= 1, "{name} in {language:?}: {text}");
        }
    }
    let listed = |language, wish: Option<&str>| {
        let wish = wish.map(str::to_owned);
        let details = Details { items: items(), resolution: Some(Resolution::Exchange), wish, ..Details::default() };
        proposals::offer(language, ProposalKind::Return, ORDER, &details, None)
    };
    assert_eq!(
        listed(Language::English, None),
        "I can have 2 × Milk, Tea and Bread of order ORD000003 taken back and exchanged."
    );
    assert!(listed(Language::Hindi, None).ends_with("करवा सकता हूँ।"));
    assert!(listed(Language::Spanish, Some("talla M")).ends_with("y hagan el cambio: talla M"));
    let arabic = listed(Language::Arabic, None);
    assert!(arabic.contains("\u{2069}، \u{2068}Tea\u{2069} و\u{2068}Bread\u{2069} من"), "{arabic:?}");
    let return_of = |language| {
        let details = Details::default();
        proposals::offer(language, ProposalKind::Return, ORDER, &details, None)
    };
    assert_eq!(return_of(Language::Spanish), "Puedo pedir que recojan el pedido ORD000003.");
    assert_eq!(return_of(Language::Hinglish), "Main order ORD000003 wapas mangwa sakta hoon.");
}
