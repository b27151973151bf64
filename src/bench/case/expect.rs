//! What must come of a conversation: one way, or any of several.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::bench::fields::{Field, Given as _, Wrong};
use crate::bench::language::{self, Code};
use crate::bench::text::Pattern;
use crate::domain::ids::OrderId;
use crate::tools::NAMES;

/// What must come of a conversation.
#[derive(Debug, Clone)]
pub struct Expect {
    /// The right ends; one is enough.
    pub ways: Vec<Way>,
    /// How often the same reply may come.
    pub same: usize,
    /// How many messages the customer may need.
    pub max_turns: Option<usize>,
    /// Whether a message may stay without a reply.
    pub silence_ok: bool,
    /// Whether a reply may say that something was done which no tool did.
    pub claims_ok: bool,
}

/// How a conversation is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The question is answered.
    Answered,
    /// Something is done.
    Acted,
    /// A person is brought in.
    HandedOver,
    /// What is wished is refused, and why.
    DeclinedRightly,
}

/// One right end.
#[derive(Debug, Clone)]
pub struct Way {
    /// How it ends.
    pub outcome: Outcome,
    /// Calls that must succeed.
    pub needs: Vec<Need>,
    /// Calls that must not succeed; with a scripted line, not in answer to it.
    pub forbid: Vec<(Wanted, Option<usize>)>,
    /// Tools that may change something although nobody needs it.
    pub may: Vec<String>,
    /// What is paid back.
    pub money: Amounts,
    /// How a person is brought in, where one is.
    pub handover: Option<Handover>,
    /// Whether a person may be brought in all the same.
    pub handover_ok: bool,
    /// What some reply must say.
    pub must: Vec<Look>,
    /// What no reply may say.
    pub must_not: Vec<Look>,
    /// The languages in which replies may be written; empty: any.
    pub lang: Vec<Code>,
    /// From which scripted line on they must be.
    pub lang_from: usize,
}

/// A call that must succeed, or one of several.
#[derive(Debug, Clone)]
pub enum Need {
    /// This one.
    Call(Wanted),
    /// Any of these.
    Any(Vec<Need>),
}

/// A call of a tool.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The tool.
    pub tool: &'static str,
    /// What its arguments must be.
    pub args: Vec<(String, Argument)>,
    /// The same as the case says it, for messages.
    pub said: String,
}

/// What an argument must be.
#[derive(Debug, Clone)]
pub enum Argument {
    /// This text.
    Is(String),
    /// A text that holds this.
    Holds(Pattern),
    /// Any of these.
    Any(Vec<Argument>),
    /// All of these.
    All(Vec<Argument>),
    /// Exactly these items of the order, by name or by sku.
    Items(Vec<String>),
    /// Something of all that is changed is this.
    Change(Box<Argument>),
}

/// What is paid back, in the units of the orders' currencies.
#[derive(Debug, Clone, PartialEq)]
pub enum Amounts {
    /// In total, one of these.
    Total(Vec<f64>),
    /// By order.
    ByOrder(BTreeMap<OrderId, f64>),
}

impl Default for Amounts {
    fn default() -> Self {
        Self::Total(vec![0.0])
    }
}

impl Amounts {
    /// The most that is right.
    pub fn most(&self) -> f64 {
        match self {
            Self::Total(amounts) => amounts.iter().copied().fold(0.0, f64::max),
            Self::ByOrder(amounts) => amounts.values().sum(),
        }
    }
}

/// How a person is brought in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Handover {
    /// After so many attempts of the customer at most; with `at_once`, in answer to this scripted line at the latest.
    pub by: usize,
    /// Not before so many attempts.
    pub not_before: Option<usize>,
    /// In answer to a scripted line.
    pub at_once: bool,
    /// With which priority.
    pub priority: Option<&'static str>,
}

/// What is looked for in replies.
#[derive(Debug, Clone)]
pub struct Look {
    /// The words.
    pub pattern: Pattern,
    /// Only in the replies to this scripted line, and to what follows it before the next.
    pub at: Option<usize>,
    /// Only from the reply to this scripted line on.
    pub from: Option<usize>,
}

const OUTCOMES: &[&str] = &["answered", "acted", "handed_over", "declined_rightly"];
const PRIORITIES: &[&str] = &["high", "medium", "low"];
/// Fields of one way.
const WAY: &[&str] =
    &["outcome", "needs", "forbid", "may", "money", "handover", "handover_ok", "must", "must_not", "lang", "lang_from"];
/// Fields of the whole.
const WHOLE: &[&str] = &[
    "outcome",
    "needs",
    "forbid",
    "may",
    "money",
    "handover",
    "handover_ok",
    "must",
    "must_not",
    "lang",
    "lang_from",
    "any",
    "same",
    "max_turns",
    "silence_ok",
    "claims_ok",
];

impl Expect {
    /// Reads it; `lines`: how many scripted lines there are.
    pub(in crate::bench) fn read(field: &Field, lines: usize) -> Result<Self, Wrong> {
        field.only(WHOLE)?;
        let same = field.get("same").read(|field| field.count().map(Some))?.unwrap_or(2);
        let max_turns = field.get("max_turns").read(|field| field.count().map(Some))?;
        let silence_ok = field.get("silence_ok").read(Field::flag)?;
        let claims_ok = field.get("claims_ok").read(Field::flag)?;
        let ways = match field.get("any")? {
            None => vec![way(field, None, lines)?],
            Some(any) => any
                .each()
                .iter()
                .map(|one| {
                    one.only(WAY)?;
                    way(one, Some(field), lines)
                })
                .collect::<Result<Vec<_>, _>>()?,
        };
        if ways.is_empty() {
            return Err(
                field.wrong("any holds no way", r#"such as [{"outcome": "answered"}, {"outcome": "handed_over"}]"#)
            );
        }
        Ok(Self { ways, same, max_turns, silence_ok, claims_ok })
    }

    /// Whether some right end has no person in it.
    pub fn could_be_resolved(&self) -> bool {
        self.ways.iter().any(|way| way.outcome != Outcome::HandedOver)
    }

    /// Whether a person is to come with priority high: somebody may come to harm.
    pub fn is_danger(&self) -> bool {
        self.ways.iter().any(|way| way.handover.is_some_and(|handover| handover.priority == Some("high")))
    }

    /// The most money that is right.
    pub fn most_money(&self) -> f64 {
        self.ways.iter().map(|way| way.money.most()).fold(0.0, f64::max)
    }

    /// The orders that something is to be done to.
    pub(in crate::bench) fn orders(&self) -> Vec<OrderId> {
        fn of(need: &Need, found: &mut Vec<OrderId>) {
            match need {
                Need::Any(needs) => needs.iter().for_each(|need| of(need, found)),
                Need::Call(wanted) => {
                    for (name, argument) in &wanted.args {
                        if name == "order_id"
                            && let Argument::Is(order) = argument
                        {
                            found.push(OrderId::new(order));
                        }
                    }
                }
            }
        }
        let mut found = Vec::new();
        for way in &self.ways {
            way.needs.iter().for_each(|need| of(need, &mut found));
            if let Amounts::ByOrder(amounts) = &way.money {
                found.extend(amounts.keys().cloned());
            }
        }
        found
    }
}

/// One way; where it is one of several, it is laid over what holds for all of them.
fn way<'a>(field: &Field<'a>, all: Option<&Field<'a>>, lines: usize) -> Result<Way, Wrong> {
    let given = |name: &str| -> Result<Option<Field<'a>>, Wrong> {
        match field.get(name)? {
            Some(own) => Ok(Some(own)),
            None => all.map_or(Ok(None), |all| all.get(name)),
        }
    };
    // These are added to what holds for all.
    let both = |name: &str| -> Result<Vec<Field<'a>>, Wrong> {
        let fields = [all.map_or(Ok(None), |all| all.get(name))?, field.get(name)?];
        Ok(fields.iter().flatten().flat_map(Field::each).collect())
    };
    let looks =
        |name: &str| -> Result<Vec<Look>, Wrong> { both(name)?.iter().map(|field| look(field, lines)).collect() };
    let Some(outcome) = given("outcome")? else {
        return Err(field.wrong("it does not say the outcome", format!("there are {}", OUTCOMES.join(", "))));
    };
    let way = Way {
        outcome: match outcome.one_of(OUTCOMES)? {
            "acted" => Outcome::Acted,
            "handed_over" => Outcome::HandedOver,
            "declined_rightly" => Outcome::DeclinedRightly,
            _ => Outcome::Answered,
        },
        needs: given("needs").read(|field| field.each().iter().map(need).collect())?,
        forbid: both("forbid")?.iter().map(|field| forbidden(field, lines)).collect::<Result<_, _>>()?,
        may: given("may")
            .read(|field| field.each().iter().map(|field| field.one_of(&NAMES).map(str::to_owned)).collect())?,
        money: given("money").read(amounts)?,
        handover: given("handover").read(|field| handover(field, lines).map(Some))?,
        handover_ok: given("handover_ok").read(Field::flag)?,
        must: looks("must")?,
        must_not: looks("must_not")?,
        lang: given("lang").read(|field| field.each().iter().map(code).collect())?,
        lang_from: given("lang_from").read(|field| line(field, lines).map(Some))?.unwrap_or(1),
    };
    if way.outcome == Outcome::Acted && given("needs")?.is_none() && given("money")?.is_none() {
        return Err(field.wrong("it says that something is done, and not what", "name it in needs or money"));
    }
    Ok(way)
}

/// The number of a scripted line.
fn line(field: &Field, lines: usize) -> Result<usize, Wrong> {
    let line = field.count()?;
    if line > lines {
        return Err(field.wrong(format!("there is no line {line}"), format!("turns holds {lines}; the first is 1")));
    }
    Ok(line)
}

fn look(field: &Field, lines: usize) -> Result<Look, Wrong> {
    if !field.value.is_object() {
        return Ok(Look { pattern: field.pattern()?, at: None, from: None });
    }
    field.only(&["re", "at", "from"])?;
    let place = |name: &str| field.get(name).read(|field| line(field, lines).map(Some));
    Ok(Look { pattern: field.need("re", r#""out for delivery""#)?.pattern()?, at: place("at")?, from: place("from")? })
}

fn code(field: &Field) -> Result<Code, Wrong> {
    let text = field.text()?;
    language::code(text).ok_or_else(|| {
        let known: Vec<&str> = language::codes().collect();
        field.wrong(format!("“{text}” is no language that is told apart"), format!("there are {}", known.join(", ")))
    })
}

fn handover(field: &Field, lines: usize) -> Result<Handover, Wrong> {
    field.only(&["by", "not_before", "at_once", "priority"])?;
    let at_once = field.get("at_once").read(Field::flag)?;
    let by = field.get("by").read(|field| if at_once { line(field, lines) } else { field.count() }.map(Some))?;
    Ok(Handover {
        by: by.unwrap_or(2),
        not_before: field.get("not_before").read(|field| field.count().map(Some))?,
        at_once,
        priority: field.get("priority").read(|field| field.one_of(PRIORITIES).map(Some))?,
    })
}

fn amounts(field: &Field) -> Result<Amounts, Wrong> {
    if field.value.is_object() {
        let by_order = field.fields()?.map(|(order, field)| Ok((OrderId::new(order), field.amount()?)));
        return Ok(Amounts::ByOrder(by_order.collect::<Result<_, Wrong>>()?));
    }
    Ok(Amounts::Total(field.each().iter().map(Field::amount).collect::<Result<_, _>>()?))
}

fn need(field: &Field) -> Result<Need, Wrong> {
    match field.get("any")? {
        None => Ok(Need::Call(wanted(field, &["tool", "args"])?)),
        Some(any) => {
            field.only(&["any"])?;
            Ok(Need::Any(any.each().iter().map(need).collect::<Result<_, _>>()?))
        }
    }
}

fn forbidden(field: &Field, lines: usize) -> Result<(Wanted, Option<usize>), Wrong> {
    if !field.value.is_object() {
        let tool = field.one_of(&NAMES)?;
        return Ok((Wanted { tool, args: Vec::new(), said: tool.to_owned() }, None));
    }
    let at = field.get("at").read(|field| line(field, lines).map(Some))?;
    Ok((wanted(field, &["tool", "args", "at"])?, at))
}

fn wanted(field: &Field, known: &[&str]) -> Result<Wanted, Wrong> {
    field.only(known)?;
    let tool = field.need("tool", r#""process_refund""#)?.one_of(&NAMES)?;
    let Some(given) = field.get("args")? else {
        return Ok(Wanted { tool, args: Vec::new(), said: tool.to_owned() });
    };
    let args = given.fields()?.map(|(name, field)| {
        let argument = match name {
            "items" => Argument::Items(field.texts()?),
            "change" => Argument::Change(Box::new(argument(&field)?)),
            _ => argument(&field)?,
        };
        Ok((name.to_owned(), argument))
    });
    let args = args.collect::<Result<Vec<_>, Wrong>>()?;
    Ok(Wanted { tool, args, said: format!("{tool} {}", given.value) })
}

fn argument(field: &Field) -> Result<Argument, Wrong> {
    let several = |field: &Field| field.each().iter().map(argument).collect::<Result<Vec<_>, _>>();
    match field.value {
        Value::Array(_) => Ok(Argument::Any(several(field)?)),
        Value::Object(_) => {
            field.only(&["all"])?;
            Ok(Argument::All(several(&field.need("all", r#"["~orchid", "~560048"]"#)?)?))
        }
        Value::String(text) => match text.strip_prefix('~') {
            Some(pattern) => field.pattern_of(pattern).map(Argument::Holds),
            None => Ok(Argument::Is(text.clone())),
        },
        other => Ok(Argument::Is(other.to_string())),
    }
}
