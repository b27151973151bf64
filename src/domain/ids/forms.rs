//! Which forms the ids of a shop's orders have, learnt from the ids themselves: letters, signs, and how many digits stand
//! where. It must never keep an id: what is known of a form is counts and lengths, and the example is made up.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::family::Family;
use crate::domain::order::Order;

/// Longer texts are no ids that anybody would write.
const LONGEST: usize = 64;
/// Shapes that are kept; of more, those that were seen least often go.
const MOST_SHAPES: usize = 64;
/// Families that are looked for, the most frequent first.
const MOST_FAMILIES: usize = 8;
/// Families that differ only in their letters, before any letters are taken.
const MOST_WORDS: usize = 6;
/// A shape that was seen less often than this, and in fewer than one of [`ODD_OF`] ids, is a slip and no family.
const ODD: u64 = 3;
const ODD_OF: u64 = 200;

/// A part of an id. Lengths are in characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// These letters (small), or what a pattern names word for word.
    Text(String),
    /// One sign that is neither letter nor digit.
    Sign(char),
    /// Digits.
    Digits {
        /// How many at least.
        least: u8,
        /// How many at most.
        most: u8,
        /// Whether some begin with a zero: then their number does not grow.
        padded: bool,
        /// The year that all of them are, if they are one.
        year: Option<u16>,
    },
    /// Any letters.
    Letters {
        /// How many at least.
        least: u8,
        /// How many at most.
        most: u8,
    },
    /// Letters and digits in any order.
    Code {
        /// How many at least.
        least: u8,
        /// How many at most.
        most: u8,
    },
}

/// Ids that are alike but for their digits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Shape {
    parts: Vec<Part>,
    /// Ids of this shape.
    count: u64,
    /// How many of them are what customers know, beside another id.
    shown: u64,
}

/// What is known of the forms of a shop's order ids.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct IdForms {
    shapes: Vec<Shape>,
    /// Ids that were seen.
    seen: u64,
    /// Ids without a digit, or too long: no message is searched for those.
    unusable: u64,
}

impl IdForms {
    /// The forms of these ids.
    pub fn of<'a>(ids: impl IntoIterator<Item = &'a str>) -> Self {
        let mut forms = Self::default();
        for id in ids {
            forms.observe(id, false);
        }
        forms
    }

    /// Takes an id into account; `shown`: customers know the order by it, and there is another id besides. Returns whether
    /// that is worth saving: what is looked for may be different now.
    pub fn observe(&mut self, id: &str, shown: bool) -> bool {
        let parts = parts(id);
        self.seen += 1;
        if let Some(parts) = parts {
            return self.add(Shape { parts, count: 1, shown: u64::from(shown) });
        }
        self.unusable += 1;
        self.unusable == 1
    }

    /// Takes an order into account, by its id and by what customers know; returns what [`Self::observe`] does.
    pub fn observe_order(&mut self, order: &Order) -> bool {
        let by_id = self.observe(order.id.as_str(), false);
        let shown = order.details.display_id.as_deref().filter(|shown| *shown != order.id.as_str());
        let by_name = shown.is_some_and(|shown| self.observe(shown, true));
        by_id || by_name
    }

    /// Takes into account what is known from elsewhere.
    pub fn merge(&mut self, other: Self) {
        self.seen += other.seen;
        self.unusable += other.unusable;
        for shape in other.shapes {
            self.add(shape);
        }
    }

    /// Ids that were seen, repeated ones counted again.
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// Ids that no message is searched for: they have no digit, or are too long.
    pub fn unusable(&self) -> u64 {
        self.unusable
    }

    fn add(&mut self, shape: Shape) -> bool {
        for known in &mut self.shapes {
            if let Some(parts) = joined(&known.parts, &shape.parts) {
                // Few of a shape may be slips; from some number on only wider lengths make a difference.
                let rare = known.count < 4 * ODD || known.shown < shape.shown;
                let changed = parts != known.parts;
                known.parts = parts;
                known.count += shape.count;
                known.shown += shape.shown;
                return changed || rare;
            }
        }
        if self.shapes.len() >= MOST_SHAPES {
            let least = (0..self.shapes.len()).min_by_key(|at| self.shapes[*at].count);
            if let Some(least) = least.filter(|at| self.shapes[*at].count <= shape.count) {
                self.shapes.swap_remove(least);
            } else {
                return false;
            }
        }
        self.shapes.push(shape);
        true
    }

    /// The families that messages are searched for, the one that customers know best first.
    pub fn families(&self) -> Vec<Family> {
        let mut groups: BTreeMap<String, Vec<&Shape>> = BTreeMap::new();
        for shape in &self.shapes {
            groups.entry(outline(&shape.parts)).or_default().push(shape);
        }
        let mut families = Vec::new();
        for group in groups.into_values() {
            let all: u64 = group.iter().map(|shape| shape.count).sum();
            let codes: u64 = group.iter().filter(|shape| has_code(&shape.parts)).map(|shape| shape.count).sum();
            if codes * 5 >= all && codes > 0 {
                // Letters and digits at random: some look regular by chance.
                families.push(gathered(&group, by_chunks));
                continue;
            }
            let mut alike: BTreeMap<String, Vec<&Shape>> = BTreeMap::new();
            for shape in group {
                alike.entry(kinds(&shape.parts)).or_default().push(shape);
            }
            for shapes in alike.into_values() {
                if shapes.len() > MOST_WORDS {
                    families.push(gathered(&shapes, any_letters));
                } else {
                    families.extend(shapes.into_iter().cloned());
                }
            }
        }
        families.retain(|family| family.count >= ODD || family.count * ODD_OF >= self.seen);
        families.sort_by_key(|family| (std::cmp::Reverse((family.shown > 0, family.count)), outline(&family.parts)));
        families.truncate(MOST_FAMILIES);
        families.into_iter().map(|shape| Family::new(shape.parts, shape.count)).collect()
    }
}

/// Several shapes as one.
fn gathered(shapes: &[&Shape], join: fn(&[Part], &[Part]) -> Vec<Part>) -> Shape {
    let mut whole = Shape { parts: Vec::new(), count: 0, shown: 0 };
    for shape in shapes {
        let with = if whole.count == 0 { &shape.parts } else { &whole.parts };
        whole.parts = join(with, &shape.parts);
        whole.count += shape.count;
        whole.shown += shape.shown;
    }
    whole
}

fn length(text: &str) -> u8 {
    u8::try_from(text.chars().count()).unwrap_or(u8::MAX)
}

/// The parts of an id; `None` where it has no digit, or is none.
fn parts(id: &str) -> Option<Vec<Part>> {
    let plain: String = super::plain::plain(id.trim()).iter().map(|plain| plain.sign).collect();
    let length_fits = (1..=LONGEST).contains(&plain.chars().count());
    if !length_fits || !plain.contains(|c: char| c.is_ascii_digit()) || plain.contains(char::is_control) {
        return None;
    }
    let mut parts = Vec::new();
    for chunk in chunks(&plain) {
        let digit = |c: char| c.is_ascii_digit();
        let word = chunk.trim_end_matches(digit);
        let tail = chunk.trim_start_matches(digit);
        if !chunk.starts_with(char::is_alphanumeric) {
            parts.extend(chunk.chars().map(Part::Sign));
        } else if !word.contains(digit) {
            parts.extend(text_part(word));
            parts.extend(digits_part(&chunk[word.len()..]));
        } else if !tail.contains(digit) {
            parts.extend(digits_part(&chunk[..chunk.len() - tail.len()]));
            parts.extend(text_part(tail));
        } else {
            parts.push(Part::Code { least: length(chunk), most: length(chunk) });
        }
    }
    Some(parts)
}

fn text_part(text: &str) -> Option<Part> {
    (!text.is_empty()).then(|| Part::Text(text.to_owned()))
}

fn digits_part(digits: &str) -> Option<Part> {
    let count = length(digits);
    let year = digits.parse().ok().filter(|year| count == 4 && (1990..2100).contains(year));
    let padded = count > 1 && digits.starts_with('0');
    (count > 0).then_some(Part::Digits { least: count, most: count, padded, year })
}

/// Letters and digits that stand together, and what is between them.
fn chunks(plain: &str) -> Vec<&str> {
    let (mut found, mut from) = (Vec::new(), 0);
    let mut last = None;
    for (at, c) in plain.char_indices() {
        if last.is_some_and(|last: bool| last != c.is_alphanumeric()) {
            found.push(&plain[from..at]);
            from = at;
        }
        last = Some(c.is_alphanumeric());
    }
    found.push(&plain[from..]);
    found
}

fn has_code(parts: &[Part]) -> bool {
    parts.iter().any(|part| matches!(part, Part::Code { .. }))
}

/// The signs of a shape, with one letter for what stands between.
fn outline(parts: &[Part]) -> String {
    let mut text = String::new();
    for part in parts {
        match part {
            Part::Sign(sign) => text.push(*sign),
            _ if text.ends_with('a') => {}
            _ => text.push('a'),
        }
    }
    text
}

fn kinds(parts: &[Part]) -> String {
    let kind = |part: &Part| match part {
        Part::Sign(sign) => *sign,
        Part::Text(_) | Part::Letters { .. } => 'a',
        Part::Digits { .. } => '0',
        Part::Code { .. } => 'x',
    };
    parts.iter().map(kind).collect()
}

/// Two shapes as one, where they differ in nothing but lengths.
fn joined(one: &[Part], other: &[Part]) -> Option<Vec<Part>> {
    let pairs = one.iter().zip(other);
    let parts: Option<Vec<Part>> = pairs.map(|(one, other)| joined_part(one, other)).collect();
    parts.filter(|_| one.len() == other.len())
}

fn joined_part(one: &Part, other: &Part) -> Option<Part> {
    match (one, other) {
        (
            Part::Digits { least, most, padded, year },
            Part::Digits { least: less, most: more, padded: zeros, year: then },
        ) => Some(Part::Digits {
            least: *least.min(less),
            most: *most.max(more),
            padded: *padded || *zeros,
            year: year.filter(|year| Some(*year) == *then),
        }),
        (Part::Code { least, most }, Part::Code { least: less, most: more }) => {
            Some(Part::Code { least: *least.min(less), most: *most.max(more) })
        }
        (one, other) => (one == other).then(|| one.clone()),
    }
}

fn span(part: &Part) -> (u8, u8) {
    match part {
        Part::Text(text) => (length(text), length(text)),
        Part::Sign(_) => (1, 1),
        Part::Digits { least, most, .. } | Part::Letters { least, most } | Part::Code { least, most } => {
            (*least, *most)
        }
    }
}

/// Shapes of the same kinds of parts, whatever their letters are.
fn any_letters(one: &[Part], other: &[Part]) -> Vec<Part> {
    let both = |one: &Part, other: &Part| {
        joined_part(one, other).unwrap_or_else(|| {
            let ((least, most), (less, more)) = (span(one), span(other));
            Part::Letters { least: least.min(less), most: most.max(more) }
        })
    };
    one.iter().zip(other).map(|(one, other)| both(one, other)).collect()
}

/// Shapes with the same signs, whatever stands between them.
fn by_chunks(one: &[Part], other: &[Part]) -> Vec<Part> {
    let chunks = |parts: &[Part]| -> Vec<Vec<Part>> {
        let mut found: Vec<Vec<Part>> = Vec::new();
        for part in parts {
            match (part, found.last_mut()) {
                (Part::Sign(_), _) | (_, None) => found.push(vec![part.clone()]),
                (_, Some(chunk)) if matches!(chunk[0], Part::Sign(_)) => found.push(vec![part.clone()]),
                (_, Some(chunk)) => chunk.push(part.clone()),
            }
        }
        found
    };
    let whole = |parts: &[Part]| {
        let add = |(least, most): (u8, u8), part: &Part| {
            let (less, more) = span(part);
            (least.saturating_add(less), most.saturating_add(more))
        };
        parts.iter().fold((0, 0), add)
    };
    let both = |one: &[Part], other: &[Part]| match (one, other) {
        ([one @ (Part::Sign(_) | Part::Digits { .. })], [other]) if joined_part(one, other).is_some() => {
            joined_part(one, other).into_iter().collect::<Vec<_>>()
        }
        (one, other) => {
            let ((least, most), (less, more)) = (whole(one), whole(other));
            vec![Part::Code { least: least.min(less), most: most.max(more) }]
        }
    };
    chunks(one).iter().zip(chunks(other).iter()).flat_map(|(one, other)| both(one, other)).collect()
}
