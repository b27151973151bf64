//! What became of all conversations, in figures.

use std::collections::BTreeMap;

use serde::Serialize;

use super::case::Case;
use super::judge::{Kind, Reason};
use super::log::{self, Entry};

/// A conversation, and what is wrong with it.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// The case.
    pub case: Case,
    /// What happened.
    pub log: Vec<Entry>,
    /// What is wrong; nothing where it passes.
    pub wrong: Vec<Reason>,
}

impl Verdict {
    /// Whether the whole of what is expected holds.
    pub fn passed(&self) -> bool {
        self.wrong.is_empty()
    }

    fn is_wrong(&self, kinds: &[Kind]) -> bool {
        self.wrong.iter().any(|reason| kinds.contains(&reason.kind))
    }

    /// Whether nothing but the language is wrong.
    fn passed_but_for_language(&self) -> bool {
        self.wrong.iter().all(|reason| reason.kind == Kind::Language)
    }

    /// Whether a person was brought in.
    pub fn has_person(&self) -> bool {
        log::person(&self.log).is_some()
    }

    /// What was done for the customer, each tool once.
    pub fn done(&self) -> Vec<&str> {
        let calls = log::calls(&self.log).map(|(_, call)| call).filter(|call| call.writes() && call.succeeded());
        let mut done: Vec<&str> = calls.map(|call| call.tool.as_str()).collect();
        done.sort_unstable();
        done.dedup();
        done
    }

    /// What was paid back, by order.
    pub fn paid(&self) -> BTreeMap<String, f64> {
        log::paid(&self.log)
    }

    /// How it ended, in a word.
    pub fn seen(&self) -> &'static str {
        if self.has_person() {
            "handed_over"
        } else if self.done().is_empty() {
            "talked"
        } else {
            "acted"
        }
    }
}

/// The figures of some conversations.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// How many there are.
    pub cases: usize,
    /// Of them: the whole of what is expected holds.
    pub passed: usize,
    /// Only the language of replies is wrong.
    pub only_language_wrong: usize,
    /// Some right end has no person in it.
    pub could_be_resolved: usize,
    /// Of these: passed without a person.
    pub resolved: usize,
    /// Of these: passed with a person, where that is as good.
    pub person_as_good: usize,
    /// Of these: failed, and ended with a person.
    pub needless_person: usize,
    /// Only a person is right.
    pub need_person: usize,
    /// Of these: passed.
    pub rightly_handed_over: usize,
    /// Too much was paid, too little, or none where some was due.
    pub money_wrong: usize,
    /// Of these: more than is right.
    pub money_too_much: usize,
    /// A person is to come with priority high.
    pub danger: usize,
    /// Of these: nobody came at once, or not with priority high.
    pub danger_missed: usize,
    /// The same reply came again and again.
    pub loops: usize,
    /// Something failed.
    pub faults: usize,
}

impl Figures {
    /// Counts conversations.
    pub fn of<'a>(verdicts: impl IntoIterator<Item = &'a Verdict>) -> Self {
        let mut figures = Self::default();
        for verdict in verdicts {
            figures.add(verdict);
        }
        figures
    }

    fn add(&mut self, verdict: &Verdict) {
        let (expect, passed, person) = (&verdict.case.expect, verdict.passed(), verdict.has_person());
        let count = |counted: &mut usize, is_so: bool| *counted += usize::from(is_so);
        self.cases += 1;
        count(&mut self.passed, passed);
        count(&mut self.only_language_wrong, !passed && verdict.passed_but_for_language());
        let could = expect.could_be_resolved();
        count(&mut self.could_be_resolved, could);
        count(&mut self.resolved, could && passed && !person);
        count(&mut self.person_as_good, could && passed && person);
        count(&mut self.needless_person, could && !passed && person);
        count(&mut self.need_person, !could);
        count(&mut self.rightly_handed_over, !could && passed);
        let money = verdict.is_wrong(&[Kind::Money]);
        let paid: f64 = verdict.paid().values().sum();
        count(&mut self.money_wrong, money);
        count(&mut self.money_too_much, money && paid > expect.most_money());
        let danger = expect.is_danger();
        count(&mut self.danger, danger);
        count(&mut self.danger_missed, danger && verdict.is_wrong(&[Kind::NoPerson, Kind::Priority]));
        count(&mut self.loops, verdict.is_wrong(&[Kind::Loop]));
        count(&mut self.faults, verdict.is_wrong(&[Kind::Fault]));
    }

    /// How many of a hundred pass.
    pub fn pass_rate(&self) -> f64 {
        percent(self.passed, self.cases)
    }
}

fn percent(part: usize, whole: usize) -> f64 {
    let float = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    100.0 * float(part) / float(whole.max(1))
}

/// The figures of each group, in the order in which groups come first.
pub fn groups<'a>(verdicts: &'a [Verdict], name: impl Fn(&'a Case) -> &'a str) -> Vec<(&'a str, Figures)> {
    let mut groups: Vec<(&str, Vec<&Verdict>)> = Vec::new();
    for verdict in verdicts {
        let name = name(&verdict.case);
        match groups.iter_mut().find(|(known, _)| *known == name) {
            Some((_, members)) => members.push(verdict),
            None => groups.push((name, vec![verdict])),
        }
    }
    groups.into_iter().map(|(name, members)| (name, Figures::of(members))).collect()
}

/// How many conversations are wrong in each way, the most frequent first.
pub fn kinds(verdicts: &[Verdict]) -> Vec<(Kind, usize)> {
    let mut counts: BTreeMap<Kind, usize> = BTreeMap::new();
    for verdict in verdicts {
        let mut kinds: Vec<Kind> = verdict.wrong.iter().map(|reason| reason.kind).collect();
        kinds.sort_unstable();
        kinds.dedup();
        for kind in kinds {
            *counts.entry(kind).or_default() += 1;
        }
    }
    let mut counts: Vec<(Kind, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counts
}

/// The most characters of a group's name.
const NAME: usize = 26;

/// The table of the groups, with a line for all.
pub fn lines(title: &str, groups: &[(&str, Figures)], all: &Figures) -> Vec<String> {
    let heads = ["cases", "pass", "%", "resolved", "handed over", "money", "danger", "loops", "faults"];
    let widths = [6, 6, 5, 10, 12, 7, 8, 7, 8];
    let line = |name: &str, cells: &[String]| {
        let name: String = name.chars().take(NAME).collect();
        let cells = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:>width$}"));
        format!("{name:NAME$}{}", cells.collect::<String>())
    };
    let of = |part: usize, whole: usize| if whole == 0 { "-".to_owned() } else { format!("{part}/{whole}") };
    let cells = |figures: &Figures| {
        [
            figures.cases.to_string(),
            figures.passed.to_string(),
            format!("{:.0}", figures.pass_rate()),
            of(figures.resolved, figures.could_be_resolved),
            of(figures.rightly_handed_over, figures.need_person),
            figures.money_wrong.to_string(),
            of(figures.danger_missed, figures.danger),
            figures.loops.to_string(),
            figures.faults.to_string(),
        ]
    };
    let mut lines = vec![line(title, &heads.map(str::to_owned))];
    lines.extend(groups.iter().map(|(name, figures)| line(name, &cells(figures))));
    lines.push("-".repeat(NAME + widths.iter().sum::<usize>()));
    lines.push(line("all", &cells(all)));
    lines
}

/// The figures in sentences.
pub fn sentences(all: &Figures, kinds: &[(Kind, usize)]) -> Vec<String> {
    let of = |part: usize, whole: usize| format!("{part} of {whole} ({:.0} %)", percent(part, whole));
    let mut lines = vec![
        format!(
            "passed: {}; besides, only the language was wrong in {}",
            of(all.passed, all.cases),
            all.only_language_wrong
        ),
        format!(
            "resolved without a person, of those that could be: {}; another {} went to a person where that is as good",
            of(all.resolved, all.could_be_resolved),
            all.person_as_good
        ),
        format!("rightly handed over, of those that need a person: {}", of(all.rightly_handed_over, all.need_person)),
        format!(
            "money wrong: {} (more than is right: {}); danger missed: {} of {}; loops: {}; could be resolved, and ended with a person: {}",
            all.money_wrong, all.money_too_much, all.danger_missed, all.danger, all.loops, all.needless_person
        ),
    ];
    if !kinds.is_empty() {
        let kinds: Vec<String> = kinds.iter().map(|(kind, count)| format!("{} {count}", kind.words())).collect();
        lines.push(format!("why cases failed (a case may count for several): {}", kinds.join(", ")));
    }
    lines
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
