//! One family of order ids, such as `ORD123456` or `#1001`: whether a text holds one of them at a place, however it is
//! written there. It must never decide whether what is written there means an order: that needs what stands around it.

use regex_syntax::hir::{Class, Hir, HirKind};

use super::forms::Part;
use super::plain::joins;

/// Digits that a number grows by before the forms are learnt again.
const GROWTH: u8 = 1;
/// The longest run of a pattern that names no end.
const ENDLESS: u8 = 20;
/// Places that are tried for one id that begins at one place: enough for what people write.
const MOST_STEPS: u32 = 400;

/// How exactly an id has to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// As it is.
    Exact,
    /// With spaces or other signs between its parts and digits, or without its own.
    Loose,
    /// With letters that look like digits.
    Alike,
}

/// An id that may stand at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hit {
    /// Where it ends, in characters.
    pub(super) end: usize,
    /// The id as its family writes it.
    pub(super) id: String,
}

/// Ids that are alike but for their digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Family {
    parts: Vec<Part>,
    count: u64,
    example: String,
    stands_alone: bool,
    /// What customers write without the letters and signs before it; empty where that is the same, or not certain.
    tail: Vec<Part>,
    /// What stands before the tail.
    head: String,
}

impl Family {
    pub(super) fn new(parts: Vec<Part>, count: u64) -> Self {
        let example = example(&parts);
        let mut parts = parts;
        if let Some(Part::Digits { least, most, padded: false, .. }) = parts.last_mut()
            && *least >= 3
        {
            *most = most.saturating_add(GROWTH);
        }
        let stands_alone = stands_alone(&parts);
        let fixed = |part: &&Part| matches!(part, Part::Text(_) | Part::Sign(_));
        let before = parts.iter().take_while(fixed).count();
        let rest = &parts[before..];
        let numbers = !rest.is_empty() && rest.iter().all(|part| matches!(part, Part::Digits { .. } | Part::Sign(_)));
        let (tail, head) = if before > 0 && numbers {
            let written = |part: &Part| match part {
                Part::Text(text) => text.to_uppercase(),
                Part::Sign(sign) => sign.to_string(),
                _ => String::new(),
            };
            (rest.to_vec(), parts[..before].iter().map(written).collect())
        } else {
            (Vec::new(), String::new())
        };
        Self { parts, count, example, stands_alone, tail, head }
    }

    /// The families that a regular expression describes, as far as it is as simple as that.
    pub(super) fn of_pattern(pattern: &str) -> Option<Vec<Self>> {
        let hir = regex_syntax::ParserBuilder::new().unicode(true).build().parse(pattern).ok()?;
        let families = read(&hir, vec![Vec::new()])?.into_iter().map(|parts| {
            let usable = parts.iter().any(|part| matches!(part, Part::Digits { .. } | Part::Code { .. }));
            usable.then(|| {
                // What a pattern says is all that it means: no number grows.
                let mut family = Self::new(parts.clone(), 0);
                family.parts = parts;
                if !family.tail.is_empty() {
                    family.tail = family.parts[family.parts.len() - family.tail.len()..].to_vec();
                }
                family
            })
        });
        families.collect()
    }

    /// An id that looks like those of the family; made up.
    pub fn example(&self) -> &str {
        &self.example
    }

    /// How many ids were seen of it; 0 where a setting describes it.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Whether one is found anywhere. Others count as ids only where the words around them say so.
    pub fn stands_alone(&self) -> bool {
        self.stands_alone
    }

    /// Whether any letters may stand in it: then its signs have to be there.
    pub(super) fn has_any_letters(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Letters { .. } | Part::Code { .. }))
    }

    /// Whether it is nothing but digits.
    pub(super) fn is_number(&self) -> bool {
        self.parts.iter().all(|part| matches!(part, Part::Digits { .. }))
    }

    /// Whether it has no letters.
    pub(super) fn has_no_letters(&self) -> bool {
        self.parts.iter().all(|part| matches!(part, Part::Digits { .. } | Part::Sign(_)))
    }

    /// The ids that may stand at a place, the likeliest first.
    pub(super) fn at(&self, text: &[char], at: usize, manner: Manner) -> Vec<Hit> {
        let fits = |hit: &Hit| {
            !self.has_no_letters() || !goes_on(text, at, hit.end) || self.parts.starts_with(&[Part::Sign('#')])
        };
        let mut hits = matches(&self.parts, text, at, manner, "");
        hits.retain(fits);
        hits
    }

    /// The ids whose digits alone may stand at a place.
    pub(super) fn tail_at(&self, text: &[char], at: usize, manner: Manner) -> Vec<Hit> {
        if self.tail.is_empty() {
            return Vec::new();
        }
        let mut hits = matches(&self.tail, text, at, manner, &self.head);
        hits.retain(|hit| !goes_on(text, at, hit.end));
        hits
    }
}

/// Whether ids of these parts are ids wherever they stand: chance and other numbers do not look like that.
fn stands_alone(parts: &[Part]) -> bool {
    let mut letters = 0;
    let (mut digits, mut runs, mut any, mut code, mut signs, mut hash) = (0, 0, false, 0, 0, false);
    for part in parts {
        match part {
            Part::Text(text) => letters += text.chars().filter(|c| c.is_alphabetic()).count(),
            Part::Sign(sign) => {
                signs += 1;
                hash |= *sign == '#' && runs == 0;
            }
            Part::Digits { least, .. } => {
                digits += usize::from(*least);
                runs += 1;
            }
            Part::Letters { .. } => any = true,
            Part::Code { least, .. } => code += usize::from(*least),
        }
    }
    let named = (letters >= 2 && digits + code >= 3) || (letters == 1 && digits >= 5) || (hash && digits >= 3);
    let grouped = runs >= 2 && signs >= 1 && digits >= 11;
    let coded = code > 0 && signs >= 1 && digits + code >= 7;
    if any { signs >= 1 && digits + code >= 5 } else { named || grouped || coded }
}

/// Whether digits go on before or after a part of a text: then it is a piece of a longer number.
fn goes_on(text: &[char], from: usize, to: usize) -> bool {
    let digit = |at: Option<usize>| at.and_then(|at| text.get(at)).is_some_and(char::is_ascii_digit);
    let sign = |at: Option<usize>| at.and_then(|at| text.get(at)).copied().unwrap_or('\n');
    let before = matches!(sign(from.checked_sub(1)), '.' | ',' | '-' | '/' | ':' | '+') && digit(from.checked_sub(2));
    let plus = sign(from.checked_sub(1)) == '+';
    let after = matches!(sign(Some(to)), '.' | ',' | '-' | '/' | ':') && digit(Some(to + 1));
    // “1001,1002” are two; “1,001” and “1001,50” are one.
    let group = |at: usize, step: isize| {
        let mut count = 0;
        let mut place = Some(at);
        while digit(place) {
            count += 1;
            place = place.and_then(|place| place.checked_add_signed(step));
        }
        count
    };
    let before = before && !(sign(from.checked_sub(1)) == ',' && group(from.saturating_sub(2), -1) >= 4);
    let after = after && !(sign(Some(to)) == ',' && group(to + 1, 1) >= 4);
    before || after || plus
}

/// What an id of these parts looks like.
fn example(parts: &[Part]) -> String {
    let mut text = String::new();
    for part in parts {
        let cycle = |signs: &str, length: u8| signs.chars().cycle().take(length.into()).collect::<String>();
        match part {
            Part::Text(letters) => text += &letters.to_uppercase(),
            Part::Sign(sign) => text.push(*sign),
            Part::Digits { year: Some(year), .. } => text += &year.to_string(),
            Part::Digits { most, .. } if *most <= 4 => text += &"1001"[..usize::from(*most)],
            // A pattern may name no end.
            Part::Digits { least, most, .. } if *most >= ENDLESS => text += &cycle("1234567890", (*least).max(4)),
            Part::Digits { most, .. } => text += &cycle("1234567890", *most),
            Part::Letters { most, .. } => text += &cycle("ABCDEFGH", *most),
            Part::Code { most, .. } => text += &cycle("A1B2C3D4", *most),
        }
    }
    text
}

/// Alternatives of a pattern that are read.
const MOST_ALTERNATIVES: usize = 16;

/// The parts that a regular expression describes, after each of the beginnings; `None` where it describes more.
fn read(hir: &Hir, mut all: Vec<Vec<Part>>) -> Option<Vec<Vec<Part>>> {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => {
            let text = std::str::from_utf8(&literal.0).ok()?.to_lowercase();
            for parts in &mut all {
                for c in text.chars() {
                    match parts.last_mut() {
                        Some(Part::Text(text)) if c.is_alphanumeric() => text.push(c),
                        _ if c.is_alphanumeric() => parts.push(Part::Text(c.to_string())),
                        _ => parts.push(Part::Sign(c)),
                    }
                }
            }
        }
        HirKind::Class(class) => {
            let part = of_class(class, 1, 1)?;
            for parts in &mut all {
                parts.push(part.clone());
            }
        }
        HirKind::Repetition(repetition) => {
            let least = u8::try_from(repetition.min).ok()?;
            let most = repetition.max.map_or(Some(least.max(ENDLESS)), |most| u8::try_from(most).ok())?;
            match repetition.sub.kind() {
                HirKind::Class(class) => {
                    let part = of_class(class, least, most)?;
                    for parts in &mut all {
                        parts.push(part.clone());
                    }
                }
                // A sign that may be left out: it may always be.
                HirKind::Literal(literal) if (least, most) == (0, 1) && literal.0.len() == 1 => {
                    let sign = char::from(literal.0[0]);
                    if sign.is_alphanumeric() {
                        return None;
                    }
                    all.iter_mut().filter(|parts| !parts.is_empty()).for_each(|parts| parts.push(Part::Sign(sign)));
                }
                _ => return None,
            }
        }
        HirKind::Capture(capture) => all = read(&capture.sub, all)?,
        HirKind::Concat(pieces) => {
            for piece in pieces {
                all = read(piece, all)?;
            }
        }
        HirKind::Alternation(branches) => {
            let read: Option<Vec<_>> = branches.iter().map(|branch| read(branch, all.clone())).collect();
            all = read?.into_iter().flatten().collect();
        }
    }
    (all.len() <= MOST_ALTERNATIVES).then_some(all)
}

fn of_class(class: &Class, least: u8, most: u8) -> Option<Part> {
    let Class::Unicode(class) = class else { return None };
    let has = |c: char| class.ranges().iter().any(|range| (range.start()..=range.end()).contains(&c));
    let all = |mut of: std::ops::RangeInclusive<char>| of.all(has);
    let digits = all('0'..='9');
    let letters = all('a'..='z') || all('A'..='Z');
    let more = has('-') || has(' ') || has('.');
    match (digits, letters) {
        _ if more => None,
        (true, false) => Some(Part::Digits { least, most, padded: true, year: None }),
        (false, true) => Some(Part::Letters { least, most }),
        (true, true) => Some(Part::Code { least, most }),
        (false, false) => None,
    }
}

/// The ids of these parts that may stand at a place, the likeliest first. `before` is how they begin.
fn matches(parts: &[Part], text: &[char], at: usize, manner: Manner, before: &str) -> Vec<Hit> {
    // Quick: most places of a text begin nothing.
    let may_begin = text.get(at).is_some_and(|c| match parts.first() {
        Some(Part::Digits { .. }) => c.is_ascii_digit() || (manner == Manner::Alike && digit_alike(*c).is_some()),
        Some(Part::Text(letters)) => letters.starts_with(*c) || manner == Manner::Alike,
        Some(Part::Sign(sign)) => c == sign,
        Some(Part::Letters { .. } | Part::Code { .. }) => c.is_alphanumeric(),
        None => false,
    });
    if !may_begin {
        return Vec::new();
    }
    let begins = at.checked_sub(1).is_none_or(|before| !joins(text[before]));
    let letter_or_digit = !matches!(parts.first(), Some(Part::Sign(_)));
    if letter_or_digit && !begins {
        return Vec::new();
    }
    let has_letters = parts.iter().any(|part| matches!(part, Part::Text(_) | Part::Letters { .. }));
    let mut walk = Walk { text, manner, has_letters, steps: 0, hits: Vec::new() };
    walk.parts(parts, at, &State { id: before.to_owned(), alike: 0, digits: 0, previous: None });
    walk.hits
}

/// What was read of an id so far.
#[derive(Clone)]
struct State<'a> {
    id: String,
    /// Letters that were taken for digits.
    alike: usize,
    /// Real digits.
    digits: usize,
    previous: Option<&'a Part>,
}

struct Walk<'a> {
    text: &'a [char],
    manner: Manner,
    has_letters: bool,
    steps: u32,
    hits: Vec<Hit>,
}

impl Walk<'_> {
    fn parts(&mut self, parts: &[Part], at: usize, state: &State<'_>) {
        self.steps += 1;
        if self.steps > MOST_STEPS {
            return;
        }
        let Some((part, rest)) = parts.split_first() else {
            let ends = self.text.get(at).is_none_or(|after| !joins(*after));
            // Somebody who writes letters for digits writes some digits, too.
            let alike = self.manner != Manner::Alike
                || (state.alike > 0 && state.digits > 0 && state.digits * 2 >= state.alike);
            // An id without a digit is a word.
            if ends && alike && state.digits > 0 {
                self.hits.push(Hit { end: at, id: state.id.clone() });
            }
            return;
        };
        let begins = state.previous.is_none();
        let next = |walk: &mut Self, at: usize, read: &str, alike: usize, digits: usize| {
            let state = State {
                id: format!("{}{read}", state.id),
                alike: state.alike + alike,
                digits: state.digits + digits,
                previous: Some(part),
            };
            walk.parts(rest, at, &state);
        };
        // Between letters and digits people put what they like.
        let adjoins =
            !matches!(part, Part::Sign(_)) && state.previous.is_some_and(|part| !matches!(part, Part::Sign(_)));
        let at = if adjoins && self.manner != Manner::Exact { self.gap(at) } else { at };
        match part {
            Part::Text(letters) => {
                let mut alike = 0;
                let mut place = at;
                for c in letters.chars() {
                    match self.text.get(place) {
                        Some(found) if *found == c => {}
                        Some(found) if self.manner == Manner::Alike && looks_like(*found, c) => alike += 1,
                        _ => return,
                    }
                    place += 1;
                }
                next(self, place, &letters.to_uppercase(), alike, 0);
            }
            Part::Sign(sign) => {
                let read = sign.to_string();
                let there = self.text.get(at) == Some(sign);
                if self.manner == Manner::Exact || begins {
                    if there {
                        let after = at + 1;
                        let spaced = self.manner != Manner::Exact && self.text.get(after) == Some(&' ');
                        next(self, after + usize::from(spaced), &read, 0, 0);
                    }
                } else {
                    let after = self.gap(at);
                    next(self, after, &read, 0, 0);
                }
            }
            Part::Digits { least, most, .. } => {
                let ends = self.digit_ends(at, (*least).into(), (*most).into(), rest.first());
                for Run { end, digits, alike } in ends {
                    let real = digits.len() - alike;
                    next(self, end, &digits, alike, real);
                }
            }
            Part::Letters { least, most } | Part::Code { least, most } => {
                let letters_only = matches!(part, Part::Letters { .. });
                let fits = |c: &&char| if letters_only { c.is_alphabetic() } else { c.is_alphanumeric() };
                let run: String = self.text[at.min(self.text.len())..].iter().take_while(fits).collect();
                let length = run.chars().count();
                if (usize::from(*least)..=usize::from(*most)).contains(&length) {
                    let digits = run.chars().filter(char::is_ascii_digit).count();
                    next(self, at + length, &run.to_uppercase(), 0, digits);
                }
            }
        }
    }

    /// The place after a few signs that may stand between the parts of an id.
    fn gap(&self, at: usize) -> usize {
        let signs = |c: &&char| matches!(c, ' ' | '#' | ':' | '.' | '_' | '-' | '/');
        let count = self.text[at.min(self.text.len())..].iter().take_while(signs).take(4).count();
        if count > 3 { at } else { at + count }
    }

    /// Where so many digits may end, the longest first, but where they stand together before those that are spaced.
    fn digit_ends(&self, at: usize, least: usize, most: usize, after: Option<&Part>) -> Vec<Run> {
        let digit = |c: char| match self.manner {
            Manner::Alike => c.is_ascii_digit().then_some((c, 0)).or_else(|| Some((digit_alike(c)?, 1))),
            _ => c.is_ascii_digit().then_some((c, 0)),
        };
        let mut found = Vec::new();
        let (mut place, mut digits, mut alike) = (at, String::new(), 0);
        while let Some((c, other)) = self.text.get(place).copied().and_then(digit) {
            digits.push(c);
            alike += other;
            place += 1;
            let next_is_digit = self.text.get(place).copied().and_then(digit).is_some();
            // Without the sign after them, digits go on in the next part.
            let splits = matches!(after, Some(Part::Sign(_))) && self.manner == Manner::Loose;
            if (least..=most).contains(&digits.len()) && (!next_is_digit || splits) {
                found.push(Run { end: place, digits: digits.clone(), alike });
            }
            if digits.len() >= most {
                break;
            }
            // A dash within digits is one of a date or a range, but where letters say that it is an id.
            let spaced = self.text.get(place).is_some_and(|c| *c == ' ' || (*c == '-' && self.has_letters));
            if !next_is_digit && spaced && self.manner == Manner::Loose {
                place += 1;
            }
        }
        found.reverse();
        found
    }
}

struct Run {
    end: usize,
    digits: String,
    alike: usize,
}

/// The digit that a letter looks like.
fn digit_alike(c: char) -> Option<char> {
    match c {
        'o' | 'о' | 'ο' => Some('0'),
        'l' | 'i' | '|' | 'ı' | 'і' => Some('1'),
        _ => None,
    }
}

fn looks_like(written: char, meant: char) -> bool {
    digit_alike(written).is_some_and(|digit| digit == meant || digit_alike(meant) == Some(digit))
        || (written.is_ascii_digit() && digit_alike(meant) == Some(written))
}
