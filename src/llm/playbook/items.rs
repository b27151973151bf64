//! Which articles of an order a message means: by their names, by what people call such things in other languages, and by
//! their sound in other scripts.
//!
//! It must never take an article for meant of which the message says that it is fine.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use serde_json::{Value, json};

use super::results;
use super::said::{Cue, Said, folded, folded_words, is_in, says};

static GOODS: LazyLock<HashMap<String, Vec<usize>>> = LazyLock::new(|| {
    let lines = include_str!("goods.txt").lines().filter(|line| !line.starts_with('#'));
    let mut goods: HashMap<String, Vec<usize>> = HashMap::new();
    for (number, line) in lines.enumerate() {
        for name in line.split_whitespace() {
            // A name of several parts is compared as one word.
            goods.entry(singular(&folded(name).replace('-', ""))).or_default().push(number);
        }
    }
    goods
});

/// Words for “only”.
const ONLY: &str = "only just sirf bas solo so apenas somente فقط सिर्फ केवल बस";

/// Words of names that are in too many of them, or only say how much it is.
const COMMON: &[&str] = &[
    "pcs", "pc", "pack", "packs", "packet", "set", "of", "the", "and", "with", "for", "kg", "gm", "gms", "ml", "ltr",
    "litre", "liter", "inch", "size", "mah", "spf", "tier", "cans", "can", "fresh", "new", "meal", "bowl", "slices",
    "slice", "bunch", "gel", "liquid", "combo", "box", "piece", "small", "large", "medium", "gb", "watt",
];

/// A line of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) name: String,
    pub(super) quantity: u64,
    /// The words of the name that tell it from others; the last is what it is.
    words: Vec<String>,
}

/// A line that is meant, and how many pieces of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Meant {
    pub(super) place: usize,
    pub(super) quantity: u64,
}

/// What a message means of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// It names nothing of it.
    Unnamed,
    /// All of it.
    Whole,
    /// These lines.
    Lines(Vec<Meant>),
}

/// The lines of an order, from the JSON of the order tools.
pub(super) fn lines(order: &Value, column: &str) -> Vec<Line> {
    let items = order.get(column).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    items
        .iter()
        .map(|item| {
            let name = results::field(item, "name").to_owned();
            let quantity = item.get("quantity").and_then(Value::as_u64).unwrap_or(1).max(1);
            let telling = |word: &String| {
                word.chars().count() >= 2
                    && !word.starts_with(|c: char| c.is_ascii_digit())
                    && !COMMON.contains(&word.as_str())
            };
            let all = folded_words(&name);
            let mut words: Vec<String> = all.iter().filter(|word| telling(word)).cloned().collect();
            if words.is_empty() {
                words = all.into_iter().filter(|word| word.chars().any(char::is_alphabetic)).collect();
            }
            Line { name, quantity, words }
        })
        .filter(|line| !line.name.is_empty())
        .collect()
}

/// How well a line is named: by what it is, or only by a word beside that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Named {
    Beside,
    ByWhatItIs,
}

/// Which lines a message means.
pub(super) fn meant(said: &Said, lines: &[Line]) -> Part {
    if lines.is_empty() {
        return Part::Unnamed;
    }
    let mut wished: HashMap<usize, (Named, u64)> = HashMap::new();
    let mut excluded: HashSet<usize> = HashSet::new();
    let (mut whole, mut both, mut all_of_it) = (false, false, false);
    for clause in &said.clauses {
        let fine = is_fine(clause) || is_all_that_came(clause, said);
        let named_here = named_lines(clause, lines);
        // “The tea is stale. My money for all of it”: the clause of the wish says how much of it.
        all_of_it |= !fine && named_here.is_empty() && says(clause, Cue::Money) && is_of_all(clause);
        for (place, named) in named_here {
            if fine {
                excluded.insert(place);
                continue;
            }
            let quantity = pieces(clause, &said.words, &lines[place]);
            let known = wished.entry(place).or_insert((named, quantity));
            known.0 = known.0.max(named);
            known.1 = known.1.min(quantity);
        }
        whole |= !fine && says(clause, Cue::Whole);
        both |= !fine && says(clause, Cue::Both);
    }
    // An article that is named as fine in one part, and as wished in another, is fine.
    wished.retain(|place, _| !excluded.contains(place));
    // “got instant instead of the filter coffee” does not mean the instant noodles.
    if wished.values().any(|(named, _)| *named == Named::ByWhatItIs) {
        wished.retain(|_, (named, _)| *named == Named::ByWhatItIs);
    }
    let single = lines.len() == 1;
    if all_of_it && excluded.is_empty() {
        return Part::Whole;
    }
    if whole
        && excluded.is_empty()
        && (wished.is_empty() || single || wished.len() == lines.len() || names_a_kind(said))
    {
        return Part::Whole;
    }
    if wished.is_empty() && both && lines.len() == 2 && excluded.is_empty() {
        return Part::Whole;
    }
    let is_last = excluded.len() + 1 == lines.len() && tells_of_another(said, lines);
    if wished.is_empty() && !excluded.is_empty() && excluded.len() < lines.len() && (whole || is_last) {
        let rest = (0..lines.len()).filter(|place| !excluded.contains(place));
        return Part::Lines(rest.map(|place| Meant { place, quantity: lines[place].quantity }).collect());
    }
    if single && wished.is_empty() && lines[0].quantity > 1 && excluded.is_empty() {
        let quantity = pieces(&said.words, &said.words, &lines[0]);
        if quantity < lines[0].quantity {
            return Part::Lines(vec![Meant { place: 0, quantity }]);
        }
    }
    if wished.is_empty() {
        return Part::Unnamed;
    }
    let mut meant: Vec<Meant> = wished.into_iter().map(|(place, (_, quantity))| Meant { place, quantity }).collect();
    meant.sort_by_key(|meant| meant.place);
    let all = meant.len() == lines.len() && meant.iter().all(|meant| meant.quantity == lines[meant.place].quantity);
    if all { Part::Whole } else { Part::Lines(meant) }
}

/// Whether words mean all that was ordered: “a full refund” may be that of one article.
fn is_of_all(clause: &[String]) -> bool {
    const ALL: &str = "\
        everything whole entire tudo todo todos entero inteiro sab sabka poora poore pura poori सब सबका पूरा पूरे पूरी الكل كل كامل كاملا";
    let all_of = clause.windows(2).any(|pair| pair[0] == "all" && is_in("of the my", &pair[1]));
    all_of || clause.iter().any(|word| is_in(ALL, word))
}

/// Whether a message tells of a fault first, and then of something that is fine: the fault is of something else. “I got the
/// kettle, it is broken” tells of the kettle.
fn tells_of_another(said: &Said, lines: &[Line]) -> bool {
    let first = |holds: &dyn Fn(&[String]) -> bool| said.clauses.iter().position(|clause| holds(clause));
    let fault = first(&|clause| [Cue::Damaged, Cue::Wrong, Cue::Missing].iter().any(|cue| says(clause, *cue)));
    let fine =
        first(&|clause| (is_fine(clause) || is_all_that_came(clause, said)) && !named_lines(clause, lines).is_empty());
    matches!((fault, fine), (Some(fault), Some(fine)) if fault < fine)
}

/// Whether a message says of a part that it is as it should be: what it complains of is another part then.
pub(super) fn spares_a_part(said: &Said) -> bool {
    said.clauses.len() > 1 && said.clauses.iter().any(|clause| is_fine(clause))
}

/// Whether a message names a line, whatever it says of it.
pub(super) fn names(said: &Said, line: &Line) -> bool {
    !named_lines(&said.words, std::slice::from_ref(line)).is_empty()
}

/// Whether a message names what several articles are together: “all the fruit”.
fn names_a_kind(said: &Said) -> bool {
    const KINDS: &[&str] = &["fruit", "vegetable", "food"];
    let of = |word: &str| GOODS.get(word).cloned().unwrap_or_default();
    let kinds: Vec<usize> = KINDS.iter().flat_map(|kind| of(kind)).collect();
    said.words.iter().any(|word| of(&singular(word)).iter().any(|good| kinds.contains(good)))
}

/// Whether a part of a message says that what it names is as it should be.
fn is_fine(clause: &[String]) -> bool {
    let bad = [Cue::Damaged, Cue::Missing, Cue::Wrong].iter().any(|cue| says(clause, *cue));
    let refused = says(clause, Cue::Not);
    says(clause, Cue::Fine) && !bad && !refused && !says(clause, Cue::Money)
}

/// Whether a part of a message only names what came: “the cable is missing, only the charger”, “no scarf, the shirts came”.
fn is_all_that_came(clause: &[String], said: &Said) -> bool {
    let came = says(clause, Cue::Came) && !says(clause, Cue::Not);
    let only = came || clause.first().is_some_and(|first| is_in(ONLY, first));
    let wishes = [Cue::Money, Cue::Missing, Cue::Wants, Cue::Damaged, Cue::Wrong].iter().any(|cue| says(clause, *cue));
    only && !wishes && said.misses()
}

/// The lines that words name.
fn named_lines(clause: &[String], lines: &[Line]) -> Vec<(usize, Named)> {
    let mut found: Vec<(usize, Named)> = Vec::new();
    for (place, line) in lines.iter().enumerate() {
        let Some((is, beside)) = line.words.split_last() else { continue };
        let joined = line.words.concat();
        let as_one = clause.iter().any(|word| singular(word) == singular(&joined))
            || clause
                .windows(2)
                .any(|pair| singular(&pair.concat()) == singular(&joined) || line.words.contains(&pair.concat()));
        if as_one || clause.iter().any(|word| same(word, is)) {
            found.push((place, Named::ByWhatItIs));
        } else if beside.iter().any(|own| clause.iter().any(|word| same(word, own))) {
            found.push((place, Named::Beside));
        }
    }
    found
}

/// How many pieces of a line are meant: all, unless the message counts.
fn pieces(clause: &[String], all: &[String], line: &Line) -> u64 {
    let whole = line.quantity;
    if whole < 2 {
        return whole;
    }
    let joined: Vec<String> = if clause.is_empty() { all.to_vec() } else { clause.to_vec() };
    if says(&joined, Cue::Both) || says(all, Cue::Both) {
        return whole;
    }
    let counts: Vec<u64> = all.iter().filter_map(|word| count(word)).filter(|count| *count < whole).collect();
    let Some(some) = counts.first().copied() else {
        return if says(all, Cue::One) && whole == 2 { 1 } else { whole };
    };
    // “Only one came”: the others are meant.
    let came = says(all, Cue::Came)
        && all
            .iter()
            .any(|word| ["only", "sirf", "bas", "solo", "so", "apenas", "فقط", "सिर्फ", "केवल"].contains(&word.as_str()));
    if came && whole > some && !says(all, Cue::Missing) || (came && whole == 2) { whole - some } else { some }
}

/// A number of pieces.
fn count(word: &str) -> Option<u64> {
    let said = match word {
        "one" | "ek" | "uno" | "una" | "um" | "uma" | "एक" | "واحد" | "واحده" => 1,
        "two" | "do" | "dos" | "dois" | "duas" | "दो" | "اثنين" => 2,
        "three" | "teen" | "tres" | "तीन" | "ثلاثه" => 3,
        "four" | "char" | "cuatro" | "quatro" | "चार" | "اربعه" => 4,
        _ => return word.parse().ok().filter(|number| (1..100).contains(number)),
    };
    Some(said)
}

/// Whether two words name the same thing.
fn same(said: &str, own: &str) -> bool {
    if said.chars().count() < 2 {
        return false;
    }
    let (one, other) = (singular(said), singular(own));
    if one == other {
        return true;
    }
    let common = |goods: &Vec<usize>| GOODS.get(&other).is_some_and(|own| own.iter().any(|good| goods.contains(good)));
    let names_it = |name: &str| GOODS.get(name).is_some_and(common);
    if names_it(&one) || prefixless(&one).is_some_and(names_it) {
        return true;
    }
    if !GOODS.contains_key(&one) && hindi_singular(&one).is_some_and(|one| names_it(&one)) {
        return true;
    }
    // A known word is not another one with a slip in it.
    if said.is_ascii() && own.is_ascii() {
        let long = one.len().min(other.len());
        let slip = long >= 4 && one.len().max(other.len()) >= 5;
        let known = GOODS.contains_key(&one);
        return !known
            && ((slip && differ_by_one(&one, &other))
                || (long >= 5 && (one.starts_with(&other) || other.starts_with(&one))));
    }
    let (one, other) = (sound(prefixless(&one).unwrap_or(&one)), sound(&other));
    one.chars().count() >= 3 && one == other
}

/// An Arabic word without the article and what is joined before it.
fn prefixless(word: &str) -> Option<&str> {
    ["وال", "بال", "لل", "ال", "و", "ب"]
        .iter()
        .find_map(|prefix| word.strip_prefix(prefix))
        .filter(|rest| rest.chars().count() >= 2)
}

/// A Hindi word for several things as it is for one: “parde” is “parda”.
fn hindi_singular(word: &str) -> Option<String> {
    let latin = word.strip_suffix('e').map(|stem| format!("{stem}a"));
    latin.or_else(|| word.strip_suffix('े').map(|stem| format!("{stem}ा")))
}

/// A word without the ending of a plural.
fn singular(word: &str) -> String {
    if !word.is_ascii() || word.len() < 4 {
        return word.to_owned();
    }
    for (ending, stands_for) in
        [("ies", "y"), ("oes", "o"), ("sses", "ss"), ("ches", "ch"), ("shes", "sh"), ("xes", "x")]
    {
        if let Some(stem) = word.strip_suffix(ending) {
            return format!("{stem}{stands_for}");
        }
    }
    match word.strip_suffix('s') {
        Some(stem) if !stem.ends_with('s') => stem.to_owned(),
        _ => word.to_owned(),
    }
}

/// Whether two words differ by one letter: another, one more, one less, or two that changed places.
fn differ_by_one(one: &str, other: &str) -> bool {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let start = one.iter().zip(&other).take_while(|(a, b)| a == b).count();
    let end = one[start..].iter().rev().zip(other[start..].iter().rev()).take_while(|(a, b)| a == b).count();
    let (left, right) = (one.len() - start - end, other.len() - start - end);
    match (left, right) {
        (0 | 1, 0 | 1) => true,
        (2, 2) => one[start] == other[start + 1] && one[start + 1] == other[start],
        _ => false,
    }
}

/// The consonants of a word as they sound, so that “शैम्पू” and “shampoo” are the same.
fn sound(word: &str) -> String {
    let mut sound = String::new();
    let letters: Vec<char> = word.chars().collect();
    let mut at = 0;
    while at < letters.len() {
        let (c, next) = (letters[at], letters.get(at + 1).copied().unwrap_or(' '));
        let (heard, taken) = match (c, next) {
            ('c', 'h') | ('t', 's') => ("c", 2),
            ('s' | 'z', 'h') => ("s", 2),
            ('p', 'h') => ("f", 2),
            ('c', 'k') => ("k", 2),
            ('c', 'e' | 'i' | 'y') => ("s", 1),
            ('b' | 'd' | 'g' | 'j' | 'k' | 't', 'h') => (one_letter(c), 2),
            _ => (one_letter(c), 1),
        };
        at += taken;
        if !(heard.len() == 1 && sound.ends_with(heard)) {
            sound.push_str(heard);
        }
    }
    sound
}

/// How a letter sounds; vowels are left out.
fn one_letter(c: char) -> &'static str {
    match c {
        'b' | 'p' | 'ब' | 'भ' | 'प' | 'ب' | 'ব' | 'ভ' | 'પ' | 'બ' => "b",
        'c' | 'k' | 'q' | 'क' | 'ख' | 'ك' | 'ق' | 'خ' | 'ক' | 'খ' | 'ક' => "k",
        'd' | 't' | 'ट' | 'ठ' | 'ड' | 'ढ' | 'त' | 'थ' | 'द' | 'ध' | 'ت' | 'ط' | 'د' | 'ض' | 'ث' | 'ذ' | 'ট' | 'ত'
        | 'দ' | 'ড' => "t",
        'f' | 'फ' | 'ف' => "f",
        'g' | 'ग' | 'घ' | 'غ' | 'গ' => "g",
        'h' | 'ह' | 'ه' | 'ح' => "h",
        'j' | 'z' | 'ज' | 'झ' | 'ز' | 'ج' | 'ظ' | 'জ' => "j",
        'l' | 'ल' | 'ل' | 'ল' => "l",
        'm' | 'म' | 'م' | 'ম' => "m",
        'n' | 'न' | 'ण' | 'ं' | 'ن' | 'ন' | 'ङ' | 'ञ' => "n",
        'r' | 'र' | 'ر' | 'র' | 'ऋ' => "r",
        's' | 'श' | 'ष' | 'स' | 'س' | 'ش' | 'ص' | 'স' | 'শ' => "s",
        'v' | 'w' | 'व' => "v",
        'x' => "ks",
        'च' | 'छ' => "c",
        _ => "",
    }
}

/// The lines as an argument of a tool: none where all of it is meant.
pub(super) fn argument(part: &Part, lines: &[Line]) -> Vec<Value> {
    let Part::Lines(meant) = part else { return Vec::new() };
    meant.iter().map(|meant| json!({"name": lines[meant.place].name, "quantity": meant.quantity})).collect()
}

/// Articles of an argument, as they are told to the customer.
pub(super) fn shown(items: &[Value]) -> String {
    let one = |item: &Value| {
        let name = results::field(item, "name").to_owned();
        match item.get("quantity").and_then(Value::as_u64) {
            Some(quantity) if quantity > 1 => format!("{quantity} × {name}"),
            _ => name,
        }
    };
    items.iter().map(one).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
#[path = "items_tests.rs"]
mod tests;
