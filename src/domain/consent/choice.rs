//! Decides of which of several offered orders a message speaks.
//!
//! It must never guess: what contradicts itself, asks, or may mean either narrows nothing down.

use super::{QUESTION_MARKS, untagged, words};
use crate::domain::ids::{IdPatterns, OrderId};

/// Words before the orders they leave out.
const LEAVE_OUT_BEFORE: &[&str] =
    &["not", "except", "excluding", "without", "don't", "dont", "skip", "leave", "minus", "neither"];
/// Words after the order they leave out.
const LEAVE_OUT_AFTER: &[&str] = &[
    "mat",
    "chhodkar",
    "chodkar",
    "chhodke",
    "chodke",
    "chhod",
    "chod",
    "alawa",
    "alava",
    "siwa",
    "siva",
    "rehne",
    "छोड",
    "मत",
    "अलावा",
];
/// Words that leave out the order before them, and before an order may also begin a wish (“no, ORD000004”).
const EITHER: &[&str] = &["no", "nahi", "nahin", "nhi", "na", "naa", "नहीं", "नही", "ना"];
/// Words that end what is left out.
const AFRESH: &[&str] = &["but", "yes", "haan", "lekin", "par", "instead", "only", "just", "sirf", "bas", "सिर्फ", "बस"];
const ALL: &[&str] = &["both", "dono", "all", "sab", "sabhi", "saare", "दोनों", "सब", "सभी"];
/// Words before and after an ordinal that chooses; after [`ONE`] nothing else is needed.
const BEFORE_ORDINAL: &[&str] = &[
    "the", "only", "just", "sirf", "bas", "yes", "haan", "ok", "okay", "not", "except", "but", "and", "aur", "no",
    "nahi", "instead",
];
const AFTER_ORDINAL: &[&str] = &[
    "order", "only", "please", "refund", "kar", "karo", "kardo", "instead", "ka", "ke", "ko", "hi", "nahi", "mat",
    "and",
];
const ONE: &[&str] = &["one", "wala", "wali", "waala", "waali", "vala", "वाला"];

/// Of which of the offered orders a message speaks (“only ORD000007”, “yes except ORD000007”, “the second one”, “both”),
/// in the order of the offer. Empty when it does not say, contradicts itself, or asks.
///
/// It is no consent: what it returns has to be offered anew, or agreed to by a message that
/// [`agrees_to`](super::agrees_to) accepts.
pub fn narrowed(text: &str, offered: &[OrderId], patterns: &IdPatterns) -> Vec<OrderId> {
    if text.contains(QUESTION_MARKS) {
        return Vec::new();
    }
    let mut text = text.to_lowercase();
    // Identifiers of any form become single words; those that were not offered fall away.
    for id in patterns.orders_in(&text) {
        let place = offered.iter().position(|order| *order == id).map_or("elsewhere".to_owned(), token);
        text = text.replace(&id.as_str().to_lowercase(), &format!(" {place} "));
    }
    let none = vec![Named::No; offered.len()];
    let mut choice = Choice { chosen: none.clone(), left_out: none, unsure: false };
    for clause in text.split([',', '.', ';', '!', '\n', '।']) {
        choice.read(&untagged(words(clause)), offered);
    }
    choice.orders(offered)
}

/// The word that stands for the offered order at a place.
fn token(place: usize) -> String {
    format!("offered{place}order")
}

/// How an order was chosen or left out; what is said of it alone outweighs what is said of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Named {
    No,
    /// With all others.
    WithAll,
    ByItself,
}

struct Choice {
    chosen: Vec<Named>,
    left_out: Vec<Named>,
    unsure: bool,
}

impl Choice {
    fn read(&mut self, said: &[String], offered: &[OrderId]) {
        let (mut leaving, mut either, mut last): (bool, bool, Vec<(usize, Named)>) = (false, false, Vec::new());
        for (at, word) in said.iter().enumerate() {
            let word = word.as_str();
            let before = at.checked_sub(1).map(|before| said[before].as_str());
            if word.starts_with("cancel") {
                // “Cancel the first one” may drop its refund or ask for it.
                self.unsure = true;
            } else if LEAVE_OUT_BEFORE.contains(&word) {
                leaving = true;
            } else if AFRESH.contains(&word) {
                self.unsure |= before == Some("not");
                (leaving, either) = (false, false);
            } else if EITHER.contains(&word) || LEAVE_OUT_AFTER.contains(&word) {
                for (index, named) in last.drain(..) {
                    self.chosen[index] = Named::No;
                    self.left_out[index] = named;
                }
                either = EITHER.contains(&word) && !leaving;
            } else if let Some(meant) = meant(said, at, offered) {
                self.unsure |= either && !said[at..].iter().any(|word| word == "instead");
                let named = if meant.len() > 1 { Named::WithAll } else { Named::ByItself };
                for index in &meant {
                    let list = if leaving { &mut self.left_out } else { &mut self.chosen };
                    list[*index] = list[*index].max(named);
                }
                if !matches!(before, Some("and" | "aur")) {
                    last.clear();
                }
                last.extend(meant.into_iter().map(|index| (index, named)));
            }
        }
    }

    fn orders(&self, offered: &[OrderId]) -> Vec<OrderId> {
        let places = || self.chosen.iter().zip(&self.left_out);
        let contradicts = places().any(|pair| pair == (&Named::ByItself, &Named::ByItself));
        let silent = places().all(|pair| pair == (&Named::No, &Named::No));
        if self.unsure || contradicts || silent {
            return Vec::new();
        }
        let chooses = self.chosen.iter().any(|chosen| *chosen != Named::No);
        let kept = |(chosen, left_out): (&Named, &Named)| {
            if chooses { chosen > left_out } else { *left_out == Named::No }
        };
        offered.iter().zip(places()).filter(|(_, place)| kept(*place)).map(|(id, _)| id.clone()).collect()
    }
}

/// The offered orders that the word at a place means; none where it is no such word.
fn meant(said: &[String], at: usize, offered: &[OrderId]) -> Option<Vec<usize>> {
    let word = said[at].as_str();
    let named = |(index, id): (usize, &OrderId)| word == token(index) || *id == OrderId::new(word);
    if let Some(index) = offered.iter().enumerate().position(named) {
        return Some(vec![index]);
    }
    let next = said.get(at + 1).map(String::as_str);
    let before = at.checked_sub(1).map(|before| said[before].as_str());
    if ALL.contains(&word) {
        // “All good” and “all my money” speak of no orders.
        let idle = matches!(next, Some("good" | "fine" | "theek" | "my" | "is" | "are")) || before == Some("that's");
        return (!idle).then(|| (0..offered.len()).collect());
    }
    let place = match word {
        "first" | "1st" | "former" | "pehla" | "pehle" | "pehli" | "पहला" | "पहले" => 0,
        "second" | "2nd" | "dusra" | "doosra" | "dusre" | "doosre" | "dusri" | "doosri" | "दूसरा" | "दूसरे" => {
            1
        }
        "third" | "3rd" | "teesra" | "tisra" | "teesre" | "तीसरा" => 2,
        "last" | "latter" | "aakhri" | "akhri" => offered.len().checked_sub(1)?,
        _ => return None,
    };
    let fits = next.is_some_and(|next| ONE.contains(&next))
        || (before.is_none_or(|before| BEFORE_ORDINAL.contains(&before))
            && next.is_none_or(|next| AFTER_ORDINAL.contains(&next)));
    (fits && place < offered.len()).then(|| vec![place])
}
