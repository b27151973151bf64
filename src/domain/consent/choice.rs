//! Which of several offered orders a message means. Nothing is guessed: a message that contradicts itself, asks, or is
//! ambiguous chooses nothing.

use super::{QUESTION_MARKS, without_tag_questions, words};
use crate::domain::ids::{IdPatterns, OrderId};

/// Words that exclude the orders after them.
const EXCLUDE_BEFORE: &[&str] = &[
    "not",
    "except",
    "excluding",
    "without",
    "don't",
    "dont",
    "skip",
    "leave",
    "minus",
    "neither",
    "excepto",
    "salvo",
    "menos",
    "sin",
    "exceto",
    "sem",
    "الا",
    "ماعدا",
    "بدون",
    "ليس",
];
/// Words that exclude the order before them.
const EXCLUDE_AFTER: &[&str] = &[
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
/// Words that exclude the order before them; before an order they are ambiguous (“no, ORD000004” may ask for it).
const AMBIGUOUS: &[&str] = &["no", "nahi", "nahin", "nhi", "na", "naa", "नहीं", "नही", "ना", "não", "nao", "لا"];
/// Words that end an exclusion.
const END_EXCLUSION: &[&str] = &[
    "but",
    "yes",
    "haan",
    "lekin",
    "par",
    "instead",
    "only",
    "just",
    "sirf",
    "bas",
    "सिर्फ",
    "बस",
    "pero",
    "sino",
    "sí",
    "solo",
    "sólo",
    "solamente",
    "mas",
    "sim",
    "só",
    "somente",
    "apenas",
    "لكن",
    "نعم",
    "فقط",
];
const ALL: &[&str] = &[
    "both",
    "dono",
    "all",
    "sab",
    "sabhi",
    "saare",
    "दोनों",
    "सब",
    "सभी",
    "ambos",
    "ambas",
    "todos",
    "todas",
    "كلاهما",
    "كليهما",
    "الكل",
    "كلها",
];
/// Words before and after an ordinal that chooses; after [`ONE`] nothing else is needed.
const BEFORE_ORDINAL: &[&str] = &[
    "the", "only", "just", "sirf", "bas", "yes", "haan", "ok", "okay", "not", "except", "but", "and", "aur", "no",
    "nahi", "instead", "el", "la", "o", "solo", "sólo", "só", "apenas", "sí", "sim", "نعم", "فقط",
];
const AFTER_ORDINAL: &[&str] = &[
    "order", "only", "please", "refund", "kar", "karo", "kardo", "instead", "ka", "ke", "ko", "hi", "nahi", "mat",
    "and", "solo", "por", "فقط",
];
const ONE: &[&str] = &["one", "wala", "wali", "waala", "waali", "vala", "वाला"];

/// Which of the offered orders a message chooses (“only ORD000007”, “yes except ORD000007”, “the second one”, “both”),
/// in the order of the offer. Empty when it names none, contradicts itself, or asks.
///
/// This is no consent: what it returns has to be offered again, or agreed to by a message that
/// [`agrees_to`](super::agrees_to) accepts.
pub fn chosen_orders(text: &str, offered: &[OrderId], patterns: &IdPatterns) -> Vec<OrderId> {
    if text.contains(QUESTION_MARKS) {
        return Vec::new();
    }
    // Identifiers of any form become single words; those that were not offered become one that means nothing.
    let place_of = |id: &OrderId| {
        let place = offered.iter().position(|order| order == id).map_or("elsewhere".to_owned(), token);
        format!(" {place} ")
    };
    let text = patterns.also_knowing(offered).replaced(text, place_of).to_lowercase();
    let none = vec![Named::No; offered.len()];
    let mut choice = Choice { chosen: none.clone(), excluded: none, ambiguous: false };
    for clause in text.split([',', '.', ';', '!', '\n', '।', '،', '؛']) {
        choice.read(&without_tag_questions(&words(clause)), offered);
    }
    choice.orders(offered)
}

/// The word that stands for the offered order at a place.
fn token(place: usize) -> String {
    format!("offered{place}order")
}

/// How an order was chosen or excluded; naming it by itself outweighs naming all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Named {
    No,
    /// With all others.
    WithAll,
    ByItself,
}

struct Choice {
    chosen: Vec<Named>,
    excluded: Vec<Named>,
    ambiguous: bool,
}

impl Choice {
    fn read(&mut self, said: &[String], offered: &[OrderId]) {
        let (mut excluding, mut either, mut last): (bool, bool, Vec<(usize, Named)>) = (false, false, Vec::new());
        for (at, word) in said.iter().enumerate() {
            let word = word.as_str();
            let before = at.checked_sub(1).map(|before| said[before].as_str());
            if word.starts_with("cancel") {
                // “Cancel the first one” may drop its refund or ask for it.
                self.ambiguous = true;
            } else if EXCLUDE_BEFORE.contains(&word) {
                excluding = true;
            } else if END_EXCLUSION.contains(&word) {
                self.ambiguous |= before == Some("not");
                (excluding, either) = (false, false);
            } else if AMBIGUOUS.contains(&word) || EXCLUDE_AFTER.contains(&word) {
                for (index, named) in last.drain(..) {
                    self.chosen[index] = Named::No;
                    self.excluded[index] = named;
                }
                either = AMBIGUOUS.contains(&word) && !excluding;
            } else if let Some(meant) = meant(said, at, offered) {
                self.ambiguous |= either && !said[at..].iter().any(|word| word == "instead");
                let named = if meant.len() > 1 { Named::WithAll } else { Named::ByItself };
                for index in &meant {
                    let list = if excluding { &mut self.excluded } else { &mut self.chosen };
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
        let places = || self.chosen.iter().zip(&self.excluded);
        let contradicts = places().any(|pair| pair == (&Named::ByItself, &Named::ByItself));
        let names_none = places().all(|pair| pair == (&Named::No, &Named::No));
        if self.ambiguous || contradicts || names_none {
            return Vec::new();
        }
        let chooses = self.chosen.iter().any(|chosen| *chosen != Named::No);
        let is_chosen = |(chosen, excluded): (&Named, &Named)| {
            if chooses { chosen > excluded } else { *excluded == Named::No }
        };
        offered.iter().zip(places()).filter(|(_, place)| is_chosen(*place)).map(|(id, _)| id.clone()).collect()
    }
}

/// The indices of the offered orders that the word at a place means; `None` where it means none.
fn meant(said: &[String], at: usize, offered: &[OrderId]) -> Option<Vec<usize>> {
    let word = said[at].as_str();
    let named = |(index, id): (usize, &OrderId)| word == token(index) || *id == OrderId::new(word);
    if let Some(index) = offered.iter().enumerate().position(named) {
        return Some(vec![index]);
    }
    let next = said.get(at + 1).map(String::as_str);
    let before = at.checked_sub(1).map(|before| said[before].as_str());
    if ALL.contains(&word) {
        // “All good” and “all my money” are not about orders.
        let unrelated =
            matches!(next, Some("good" | "fine" | "theek" | "my" | "is" | "are")) || before == Some("that's");
        return (!unrelated).then(|| (0..offered.len()).collect());
    }
    let place = match word {
        "first" | "1st" | "former" | "pehla" | "pehle" | "pehli" | "पहला" | "पहले" | "primero" | "primera"
        | "primeiro" | "primeira" | "الاول" | "الاولي" => 0,
        "second" | "2nd" | "dusra" | "doosra" | "dusre" | "doosre" | "dusri" | "doosri" | "दूसरा" | "दूसरे"
        | "segundo" | "segunda" | "الثاني" | "الثانيه" => 1,
        "third" | "3rd" | "teesra" | "tisra" | "teesre" | "तीसरा" | "tercero" | "tercera" | "terceiro" | "terceira"
        | "الثالث" | "الثالثه" => 2,
        "last" | "latter" | "aakhri" | "akhri" | "último" | "última" | "الاخير" | "الاخيره" => {
            offered.len().checked_sub(1)?
        }
        _ => return None,
    };
    let fits = next.is_some_and(|next| ONE.contains(&next))
        || (before.is_none_or(|before| BEFORE_ORDINAL.contains(&before))
            && next.is_none_or(|next| AFTER_ORDINAL.contains(&next)));
    (fits && place < offered.len()).then(|| vec![place])
}
