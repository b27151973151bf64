//! Finds the ids of orders and customers in messages, and tells which of them are certain.
//!
//! It must never take an amount, a date or a telephone number for an order, nor a slip silently for what was meant.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use regex::Regex;
use serde::{Deserialize, Serialize};

use super::OrderId;
use super::context::{self, Said};
use super::family::{Family, Manner};
use super::forms::IdForms;
use super::plain::{Plain, plain, written};

/// The example of a customer id.
pub const CUSTOMER_EXAMPLE: &str = "CUST1234";
/// How many families may explain the same digits.
const MOST_CANDIDATES: usize = 4;
/// Digits that a telephone number has.
const PHONE: std::ops::RangeInclusive<usize> = 10..=13;

/// How certain it is that a part of a text names an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certainty {
    /// It does.
    Named,
    /// It does if the writer has such an order: nothing in the text says what the number is.
    IfOwn,
    /// It would, were letters digits: the writer is asked.
    Alike,
}

/// A part of a text that may name an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mention {
    /// The order, as the likeliest family writes it.
    pub id: OrderId,
    /// The same in other families, where they explain it as well.
    pub others: Vec<OrderId>,
    /// Where it stands, in bytes.
    pub range: Range<usize>,
    /// How certain it is.
    pub certainty: Certainty,
}

/// By which names a customer calls orders that have another id: `#1001`, and the id.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OrderNames(BTreeMap<OrderId, OrderId>);

impl OrderNames {
    /// Notes that a name is of an order.
    pub fn add(&mut self, name: OrderId, id: OrderId) {
        if name == id {
            return;
        }
        if self.0.len() >= 32 && !self.0.contains_key(&name) {
            self.0.pop_first();
        }
        self.0.insert(name, id);
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The order of a name; a name without an entry is the order's own id.
    pub fn id_of<'a>(&'a self, name: &'a OrderId) -> &'a OrderId {
        self.0.get(name).unwrap_or(name)
    }

    /// How the customer calls an order.
    pub fn name_of<'a>(&'a self, id: &'a OrderId) -> &'a OrderId {
        self.0.iter().find(|(_, known)| *known == id).map_or(id, |(name, _)| name)
    }

    /// The names and their orders.
    pub fn iter(&self) -> impl Iterator<Item = (&OrderId, &OrderId)> {
        self.0.iter()
    }
}

#[derive(Debug)]
struct Families {
    order: Vec<Family>,
    /// A pattern of the settings that is no list of families.
    pattern: Option<Regex>,
    customer: Regex,
    source: Source,
}

/// Where the families come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// A setting.
    Setting,
    /// The shop's ids.
    Learnt,
    /// Neither: those of the original system.
    Default,
}

/// What order and customer ids look like in text.
#[derive(Debug, Clone)]
pub struct IdPatterns {
    families: Arc<Families>,
    names: Arc<OrderNames>,
    /// Orders that the writer has or has named: a number that is one of them is one.
    own: Arc<BTreeSet<OrderId>>,
    /// Whether a message that is nothing but a number names an order.
    lone: bool,
}

#[expect(clippy::expect_used, reason = "constant patterns: the tests compile each of them")]
fn constant(pattern: &str) -> Regex {
    regex::RegexBuilder::new(pattern).case_insensitive(true).build().expect("the pattern compiles")
}

static CUSTOMER_DEFAULT: LazyLock<Regex> = LazyLock::new(|| constant(IdPatterns::CUSTOMER));

impl IdPatterns {
    /// The order pattern of the original system.
    pub const ORDER: &str = r"\bORD\d{6}\b";
    /// The customer pattern of the original system's data.
    pub const CUSTOMER: &str = r"\bCUST\d{3,10}\b";

    /// Compiles the two patterns; case is ignored. An empty order pattern stands for what [`Self::learnt`] is given.
    ///
    /// # Errors
    /// When a pattern is no regular expression.
    pub fn new(order: &str, customer: &str) -> Result<Self, regex::Error> {
        let build = |pattern: &str| regex::RegexBuilder::new(pattern).case_insensitive(true).build();
        let set = !order.trim().is_empty();
        let used = if set { order } else { Self::ORDER };
        let compiled = build(used)?;
        let families = Family::of_pattern(used);
        let pattern = if families.is_some() { None } else { Some(compiled) };
        let source = if set { Source::Setting } else { Source::Default };
        let order = families.unwrap_or_default();
        Ok(Self::of(Families { order, pattern, customer: build(customer)?, source }))
    }

    fn of(families: Families) -> Self {
        Self { families: Arc::new(families), names: Arc::default(), own: Arc::default(), lone: true }
    }

    /// The same with the families of a shop's ids, unless a setting says what they look like, or there are none.
    #[must_use]
    pub fn learnt(&self, forms: &IdForms) -> Self {
        let order = forms.families();
        if self.families.source == Source::Setting || order.is_empty() {
            return self.clone();
        }
        let customer = self.families.customer.clone();
        Self::of(Families { order, pattern: None, customer, source: Source::Learnt })
    }

    /// The same for a writer who calls orders by these names, and has, or has named, these orders.
    #[must_use]
    pub fn knowing<'a>(&self, names: &OrderNames, own: impl IntoIterator<Item = &'a OrderId>) -> Self {
        let mut known: BTreeSet<OrderId> = own.into_iter().cloned().collect();
        known.extend(names.iter().map(|(name, _)| name.clone()));
        let (families, names) = (Arc::clone(&self.families), Arc::new(names.clone()));
        Self { families, names, own: Arc::new(known), lone: self.lone }
    }

    /// The same for a writer who can mean these orders as well.
    #[must_use]
    pub fn also_knowing<'a>(&self, orders: impl IntoIterator<Item = &'a OrderId>) -> Self {
        let mut known = BTreeSet::clone(&self.own);
        for order in orders {
            known.extend([order.clone(), self.names.name_of(order).clone()]);
        }
        Self { own: Arc::new(known), ..self.clone() }
    }

    /// How the writer calls an order.
    pub fn name_of<'a>(&'a self, id: &'a OrderId) -> &'a OrderId {
        self.names.name_of(id)
    }

    /// The same where something else was asked for, such as an amount: a number is an id only where the text calls it an
    /// order's, or it is one of the writer's own.
    #[must_use]
    pub fn without_lone_numbers(self) -> Self {
        Self { lone: false, ..self }
    }

    /// Where the families come from.
    pub fn source(&self) -> Source {
        self.families.source
    }

    /// The families, the one that customers know best first; none where a setting describes them in another way.
    pub fn families(&self) -> &[Family] {
        &self.families.order
    }

    /// An order id that looks like the shop's; made up. None where a setting describes them in a way that gives none.
    pub fn example(&self) -> Option<&str> {
        self.families.order.first().map(Family::example)
    }

    /// Whether an id is an example that the program itself shows.
    pub fn is_example(&self, id: &str) -> bool {
        id.eq_ignore_ascii_case(CUSTOMER_EXAMPLE)
            || self.families.order.iter().any(|family| family.example().eq_ignore_ascii_case(id))
    }

    /// What may name an order, in the order in which it stands. `asked`: the text answers the question for an id.
    pub fn mentions(&self, text: &str, asked: bool) -> Vec<Mention> {
        self.settled(Finder::new(self, text, asked).find())
    }

    /// Mentions with what is known of the writer's orders.
    fn settled(&self, mut found: Vec<Mention>) -> Vec<Mention> {
        found.sort_by_key(|mention| mention.range.start);
        for mention in &mut found {
            if mention.certainty == Certainty::IfOwn {
                let known = std::iter::once(&mention.id).chain(&mention.others).find(|id| self.own.contains(id));
                if let Some(known) = known.cloned() {
                    mention.certainty = Certainty::Named;
                    mention.id = known;
                }
            }
            mention.id = self.names.id_of(&mention.id).clone();
        }
        found
    }

    fn named(&self, text: &str, asked: bool) -> Vec<Mention> {
        let mut found = self.mentions(text, asked);
        found.retain(|mention| mention.certainty == Certainty::Named);
        found
    }

    /// The distinct orders that a text names, in their order of appearance.
    pub fn orders_in(&self, text: &str) -> Vec<OrderId> {
        self.orders_meant(text, false)
    }

    /// The same; where an order id was `asked` for, plain numbers count.
    pub fn orders_meant(&self, text: &str, asked: bool) -> Vec<OrderId> {
        let mut found: Vec<OrderId> = Vec::new();
        for mention in self.named(text, asked) {
            if !found.contains(&mention.id) {
                found.push(mention.id);
            }
        }
        found
    }

    /// Where a text names orders. A text that is nothing but a number names none here: it may be a telephone number.
    pub fn ids_in(&self, text: &str) -> Vec<Range<usize>> {
        let mut finder = Finder::new(self, text, false);
        finder.alone = false;
        let found = self.settled(finder.find());
        found.into_iter().filter(|found| found.certainty == Certainty::Named).map(|found| found.range).collect()
    }

    /// The order that a field which holds nothing else means.
    pub fn order_of(&self, field: &str) -> Option<OrderId> {
        let field = field.trim();
        let known = OrderId::new(field);
        if self.own.contains(&known) || self.names.0.contains_key(&known) {
            return Some(self.names.id_of(&known).clone());
        }
        let mut finder = Finder::new(self, field, true);
        // Nothing else can be meant.
        finder.others.clear();
        let first = self.settled(finder.find()).into_iter().next()?;
        let whole = first.range == (0..field.len()) && first.certainty != Certainty::Alike;
        whole.then_some(first.id)
    }

    /// The distinct customer identifiers in a text, in capitals.
    pub fn customers_in(&self, text: &str) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        for id in self.families.customer.find_iter(text).map(|hit| hit.as_str().to_uppercase()) {
            if !found.contains(&id) {
                found.push(id);
            }
        }
        found
    }

    /// Whether the whole text is one order identifier.
    pub fn is_order(&self, text: &str) -> bool {
        self.order_of(text).is_some()
    }

    /// The text with something else in place of each order that it names.
    pub fn replaced(&self, text: &str, mut with: impl FnMut(&OrderId) -> String) -> String {
        let mut out = String::with_capacity(text.len());
        let mut from = 0;
        for mention in self.named(text, false) {
            if mention.range.start < from {
                continue;
            }
            out.push_str(&text[from..mention.range.start]);
            out.push_str(&with(&mention.id));
            from = mention.range.end;
        }
        out.push_str(&text[from..]);
        out
    }

    /// The text without its order and customer identifiers.
    pub fn without_ids(&self, text: &str) -> String {
        self.with_ids_as(text, " ")
    }

    /// The text with one word in place of each order and customer identifier.
    pub fn with_ids_as(&self, text: &str, word: &str) -> String {
        let replaced = self.replaced(text, |_| word.to_owned());
        self.families.customer.replace_all(&replaced, regex::NoExpand(word)).into_owned()
    }
}

impl Default for IdPatterns {
    fn default() -> Self {
        let order = Family::of_pattern(Self::ORDER).unwrap_or_default();
        let customer = CUSTOMER_DEFAULT.clone();
        Self::of(Families { order, pattern: None, customer, source: Source::Default })
    }
}

/// The patterns of a running program: they change when the shop's orders do.
#[derive(Debug, Clone)]
pub struct LivePatterns {
    set: IdPatterns,
    now: Arc<RwLock<(IdForms, IdPatterns)>>,
}

impl LivePatterns {
    /// Begins with what the settings say.
    pub fn new(set: IdPatterns) -> Self {
        Self { now: Arc::new(RwLock::new((IdForms::default(), set.clone()))), set }
    }

    /// Whether what is learnt makes a difference: a setting overrides it.
    pub fn learns(&self) -> bool {
        self.set.source() != Source::Setting
    }

    /// The patterns as they are now.
    pub fn now(&self) -> IdPatterns {
        self.now.read().unwrap_or_else(PoisonError::into_inner).1.clone()
    }

    /// Takes over what is known of the shop's ids.
    pub fn learn(&self, forms: &IdForms) {
        if self.now.read().unwrap_or_else(PoisonError::into_inner).0 == *forms {
            return;
        }
        let patterns = self.set.learnt(forms);
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = (forms.clone(), patterns);
    }
}

/// One search of one text.
struct Finder<'a> {
    patterns: &'a IdPatterns,
    asked: bool,
    /// Whether a text that is nothing but a number is one.
    alone: bool,
    plain: Vec<Plain>,
    signs: Vec<char>,
    /// The plain text, and where its characters begin in it.
    text: String,
    places: Vec<usize>,
    /// What is no id, in characters.
    others: Vec<Range<usize>>,
    found: Vec<(Range<usize>, OrderId, Vec<OrderId>, Certainty)>,
    original: &'a str,
}

impl<'a> Finder<'a> {
    fn new(patterns: &'a IdPatterns, original: &'a str, asked: bool) -> Self {
        let plain = plain(original);
        let signs: Vec<char> = plain.iter().map(|plain| plain.sign).collect();
        let text: String = signs.iter().collect();
        let mut places = Vec::with_capacity(signs.len() + 1);
        let mut place = 0;
        for sign in &signs {
            places.push(place);
            place += sign.len_utf8();
        }
        places.push(place);
        let at = |byte: usize| places.partition_point(|place| *place < byte);
        let others = context::others(&text).into_iter().map(|part| at(part.start)..at(part.end)).collect();
        Self { patterns, asked, alone: patterns.lone, plain, signs, text, places, others, found: Vec::new(), original }
    }

    fn find(mut self) -> Vec<Mention> {
        let mut mentions: Vec<Mention> = Vec::new();
        if let Some(pattern) = &self.patterns.families.pattern {
            mentions.extend(pattern.find_iter(self.original).filter(|hit| !hit.is_empty()).map(|hit| Mention {
                id: OrderId::new(hit.as_str()),
                others: Vec::new(),
                range: hit.range(),
                certainty: Certainty::Named,
            }));
        }
        if self.signs.iter().any(char::is_ascii_digit) {
            for (manner, tails) in [
                (Manner::Exact, false),
                (Manner::Loose, false),
                (Manner::Exact, true),
                (Manner::Loose, true),
                (Manner::Alike, false),
                (Manner::Alike, true),
            ] {
                self.pass(manner, tails);
            }
        }
        self.settle();
        let written_at = |part: &Range<usize>| written(&self.plain, part);
        mentions.extend(self.found.iter().map(|(part, id, others, certainty)| Mention {
            id: id.clone(),
            others: others.clone(),
            range: written_at(part),
            certainty: *certainty,
        }));
        mentions
    }

    /// Looks for ids that are written in one manner, where nothing was found yet.
    fn pass(&mut self, manner: Manner, tails: bool) {
        let mut at = 0;
        while at < self.signs.len() {
            if let Some(taken) = self.found.iter().find(|(part, ..)| part.contains(&at)) {
                at = taken.0.end;
                continue;
            }
            at = self.at(at, manner, tails).unwrap_or(at + 1);
        }
    }

    /// Looks for an id that begins at one place; returns where it ends.
    fn at(&mut self, at: usize, manner: Manner, tails: bool) -> Option<usize> {
        let mut first: Option<(Range<usize>, OrderId, Certainty)> = None;
        let mut others = Vec::new();
        for family in &self.patterns.families.order {
            let hits = if tails { family.tail_at(&self.signs, at, manner) } else { family.at(&self.signs, at, manner) };
            for hit in hits {
                let part = at..hit.end;
                if self.found.iter().any(|(known, ..)| part.start < known.end && known.start < part.end) {
                    continue;
                }
                let Some(certainty) = self.certainty(family, &part, manner, tails) else { continue };
                let id = OrderId::new(&hit.id);
                match &first {
                    None => first = Some((part, id, certainty)),
                    Some((known, ..)) if *known == part && others.len() < MOST_CANDIDATES => others.push(id),
                    Some(_) => {}
                }
                break;
            }
        }
        let (part, id, certainty) = first?;
        let end = part.end;
        self.found.push((part, id, others, certainty));
        Some(end)
    }

    fn certainty(&self, family: &Family, part: &Range<usize>, manner: Manner, tails: bool) -> Option<Certainty> {
        let bytes = self.places[part.start]..self.places[part.end];
        let strong = family.stands_alone() && !tails && (manner == Manner::Exact || !family.has_any_letters());
        let number = tails || family.has_no_letters();
        let other = number && self.others.iter().any(|other| part.start < other.end && other.start < part.end);
        let digits = self.signs[part.clone()].iter().filter(|c| c.is_ascii_digit()).count();
        let with_hash = self.signs.get(part.start) == Some(&'#');
        let like_phone =
            number && !with_hash && PHONE.contains(&digits) && (tails || family.is_number() || manner != Manner::Exact);
        let neighbour = number && !with_hash && self.is_piece(part);
        if strong && !other && (!like_phone || manner == Manner::Exact) && !neighbour {
            return Some(if manner == Manner::Alike { Certainty::Alike } else { Certainty::Named });
        }
        let said = context::said(&self.text, &bytes);
        let named = match said {
            Said::Other => return None,
            Said::Order => !other || strong,
            _ if other => return None,
            _ if neighbour => return None,
            // Where something else was asked for, “it was 1299” answers that.
            Said::Number => (!like_phone || self.asked) && (self.patterns.lone || self.is_numbered(part)),
            Said::Nothing => self.asked,
        };
        if named && neighbour && said != Said::Order && !self.asked {
            return None;
        }
        match (named, manner) {
            (true, Manner::Alike) => Some(Certainty::Alike),
            (true, _) => Some(Certainty::Named),
            (false, Manner::Exact) => Some(Certainty::IfOwn),
            // The whole message may still be it.
            (false, Manner::Loose) if self.alone && !like_phone && context::is_all(&self.text, &[bytes]) => {
                Some(Certainty::Named)
            }
            (false, _) => None,
        }
    }

    /// Whether the sign of a number stands before a part, or begins it.
    fn is_numbered(&self, part: &Range<usize>) -> bool {
        let hash = |place: usize| self.signs.get(place) == Some(&'#');
        hash(part.start) || part.start.checked_sub(1).is_some_and(hash)
    }

    /// Whether digits stand right beside a number, with one space between: then it is a piece of a longer one.
    fn is_piece(&self, part: &Range<usize>) -> bool {
        let free = |place: usize| !self.others.iter().any(|other| other.contains(&place));
        let digit = |place: Option<usize>| {
            place.is_some_and(|at| self.signs.get(at).is_some_and(char::is_ascii_digit) && free(at))
        };
        let gap =
            |place: Option<usize>| place.and_then(|at| self.signs.get(at)).is_some_and(|c| matches!(c, ' ' | '-'));
        let before = part.start.checked_sub(1);
        let length = |from: usize, forward: bool| {
            let digits = |c: &&char| c.is_ascii_digit();
            if forward {
                self.signs[from..].iter().take_while(digits).count()
            } else {
                self.signs[..=from].iter().rev().take_while(digits).count()
            }
        };
        let own = self.signs[part.clone()].iter().filter(|c| c.is_ascii_digit()).count();
        // Of the same length they are two ids, unless together they are a telephone number.
        let two = |other: usize| other == own && !PHONE.contains(&(other + own));
        let left = before.and_then(|at| at.checked_sub(1)).filter(|at| gap(before) && digit(Some(*at)));
        let right = Some(part.end + 1).filter(|at| gap(Some(part.end)) && digit(Some(*at)));
        left.is_some_and(|at| !two(length(at, false))) || right.is_some_and(|at| !two(length(at, true)))
    }

    /// Numbers of which nothing is said are ids where the message is nothing but them.
    fn settle(&mut self) {
        let bytes = |part: &Range<usize>| self.places[part.start]..self.places[part.end];
        let parts: Vec<Range<usize>> = self.found.iter().map(|(part, ..)| bytes(part)).collect();
        if !self.alone || parts.is_empty() || !context::is_all(&self.text, &parts) {
            return;
        }
        for (part, _, _, certainty) in &mut self.found {
            let digits = self.signs[part.clone()].iter().filter(|c| c.is_ascii_digit()).count();
            if *certainty == Certainty::IfOwn && !PHONE.contains(&digits) {
                *certainty = Certainty::Named;
            }
        }
    }
}
