//! What the words of a sentence are about, as features: which kinds there are, which follow which, and what each clause says.

use super::lexicon::{CORE, KINDS, LITTLE, kind_bit};
use super::tokens::{Kind, Token};

/// What the words of a sentence are about, whatever its language: which kinds there are, which follow which, and how the
/// sentence is said.
pub(super) fn kinds(tokens: &[Token], sets: &[u32], add: &mut impl FnMut(u8, &[&str])) {
    let all = sets.iter().fold(0, |all, set| all | set);
    let asked = tokens.iter().rev().take(3).any(|token| token.text == "?");
    let manner = match (asked, all & kind_bit('n') != 0, all & kind_bit('p') != 0) {
        (false, false, false) => "s",
        (true, false, false) => "q",
        (false, true, false) => "n",
        (true, true, false) => "qn",
        (false, false, true) => "p",
        (true, false, true) => "qp",
        (false, true, true) => "np",
        (true, true, true) => "qnp",
    };
    add(6, &[manner]);
    let name = |at: usize| &KINDS[at..=at];
    let in_set = |set: u32| (0..KINDS.len()).filter(move |at| set & (1 << at) != 0);
    for one in in_set(all) {
        add(7, &[name(one)]);
        add(8, &[manner, name(one)]);
        for other in in_set(all).filter(|other| *other > one) {
            add(10, &[name(one), name(other)]);
            add(11, &[manner, name(one), name(other)]);
            for third in in_set(all & CORE).filter(|third| *third > other) {
                add(12, &[name(one), name(other), name(third)]);
            }
        }
    }
    // Which kind follows which, over words of no kind.
    let known: Vec<u32> = sets.iter().copied().filter(|set| *set != 0).collect();
    skeleton(tokens, sets, add);
    clauses(tokens, sets, add);
    for pair in known.windows(2) {
        for one in in_set(pair[0]) {
            for other in in_set(pair[1]) {
                add(13, &[name(one), name(other)]);
            }
        }
    }
    for triple in known.windows(3) {
        let count = triple.iter().map(|set| set.count_ones()).product::<u32>();
        if count <= 12 {
            for one in in_set(triple[0]) {
                for other in in_set(triple[1]) {
                    for third in in_set(triple[2]) {
                        add(14, &[name(one), name(other), name(third)]);
                    }
                }
            }
        }
    }
    if let (Some(first), Some(last)) = (known.first(), known.last()) {
        in_set(*first).for_each(|at| add(15, &[name(at)]));
        in_set(*last).for_each(|at| add(16, &[name(at)]));
    }
    let length = match tokens.iter().filter(|token| token.kind != Kind::Other).count() {
        0..=1 => "1",
        2 => "2",
        3..=4 => "3",
        5..=8 => "5",
        9..=14 => "9",
        _ => "15",
    };
    add(17, &[length]);
    add(17, &[length, manner]);
    if tokens.len() <= 6 {
        in_set(all).for_each(|at| add(18, &[name(at), length]));
    }
}

/// What each clause says, so that a denial, a condition or a question counts for its own clause only.
pub(super) fn clauses(tokens: &[Token], sets: &[u32], add: &mut impl FnMut(u8, &[&str])) {
    let name = |at: usize| &KINDS[at..=at];
    let in_set = |set: u32| (0..KINDS.len()).filter(move |at| set & (1 << at) != 0);
    let last = tokens.last().map_or(0, |token| token.clause);
    let asked = tokens.iter().any(|token| token.text == "?");
    // What is said outright, and in how many clauses.
    let (mut asserted, mut outright) = (0, 0);
    let mut from = 0;
    while from < tokens.len() {
        let clause = tokens[from].clause;
        let to = (from..tokens.len()).find(|at| tokens[*at].clause != clause).unwrap_or(tokens.len());
        let all = sets[from..to].iter().fold(0, |all, set| all | set);
        let asks = asked && (clause + 1 >= last || tokens[from..to].iter().any(|token| token.text == "?"));
        let manner = match (asks, all & kind_bit('n') != 0, all & kind_bit('p') != 0) {
            (true, _, _) => "q",
            (_, true, _) => "n",
            (_, _, true) => "p",
            _ => "s",
        };
        if manner == "s" {
            asserted |= all & CORE;
            outright += 1;
        }
        let whose = match (all & kind_bit('i') != 0, all & kind_bit('u') != 0) {
            (true, true) => "iu",
            (true, false) => "i",
            (false, true) => "u",
            (false, false) => "-",
        };
        for one in in_set(all) {
            add(21, &[manner, name(one)]);
            add(21, &[manner, whose, name(one)]);
            for other in in_set(all).filter(|other| *other > one) {
                add(22, &[manner, name(one), name(other)]);
                for third in in_set(all & CORE).filter(|third| *third > other) {
                    add(22, &[manner, name(one), name(other), name(third)]);
                }
            }
        }
        add(23, &[manner, tokens[from].text.as_str()]);
        if all & CORE == 0 {
            add(23, &[manner, "-"]);
        }
        from = to;
    }
    let words = few(tokens.iter().filter(|token| token.kind != Kind::Other).count());
    let core = few(sets.iter().filter(|set| **set & CORE != 0).count());
    add(24, &[core]);
    add(24, &[core, words]);
    add(24, &["a", few(in_set(asserted).count()), words]);
    for one in in_set(asserted) {
        add(25, &[name(one)]);
        for other in in_set(asserted).filter(|other| *other > one) {
            add(25, &[name(one), name(other)]);
        }
    }
    if asserted == 0 {
        add(25, &["-"]);
        add(25, &["-", words]);
    }
    add(26, &[few(outright)]);
}

/// A count, the coarser the larger it is.
fn few(count: usize) -> &'static str {
    match count {
        0 => "0",
        1 => "1",
        2 => "2",
        3 => "3",
        4..=5 => "4",
        6..=8 => "6",
        _ => "9",
    }
}

/// The sentence with its little words as they are, and all others by what they are about.
fn skeleton(tokens: &[Token], sets: &[u32], add: &mut impl FnMut(u8, &[&str])) {
    let shown: Vec<String> = tokens
        .iter()
        .zip(sets)
        .map(|(token, set)| {
            if *set & LITTLE != 0 && token.kind == Kind::Word || token.kind == Kind::Other {
                token.text.clone()
            } else {
                (0..KINDS.len()).filter(|at| set & (1 << at) != 0).map(|at| &KINDS[at..=at]).collect()
            }
        })
        .collect();
    let shown: Vec<&str> = std::iter::once("^").chain(shown.iter().map(String::as_str)).chain(["$"]).collect();
    for length in 2..=4 {
        for run in shown.windows(length) {
            add(19, run);
        }
    }
    for run in shown.windows(3) {
        add(20, &[run[0], run[2]]);
    }
}
