//! What the classifier sees of a sentence: its words, their neighbours, and pieces of words, as hashes.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use super::readable::fold;

/// The hashes of a sentence's features, each once, in ascending order.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Features {
    /// Of its words and their pieces.
    pub words: Vec<u64>,
    /// Of what its words are about.
    pub kinds: Vec<u64>,
    /// Pieces of the words alone, as often as they stand there: how many are known tells whether the language is.
    pub pieces: Vec<u64>,
    /// How far the sentence is from harmless by a secret that it speaks of.
    pub secrecy: f32,
    /// Names the sentence: the same words in the same order, whatever numbers stand in it.
    pub key: u32,
}

/// What the classifier sees of a folded sentence.
pub(super) fn features(folded: &str) -> Features {
    let tokens = tokens(folded);
    let mut found = Vec::with_capacity(tokens.len() * 40 + 8);
    let mut add = |kind: u8, parts: &[&str]| found.push(hash(kind, parts));
    let words: Vec<&str> = tokens.iter().map(|token| token.text.as_str()).collect();
    let stems: Vec<&str> = words.iter().map(|word| stem(word)).collect();
    for (at, token) in tokens.iter().enumerate() {
        add(1, &[words[at]]);
        let before = if at == 0 { "^" } else { words[at - 1] };
        add(2, &[before, words[at]]);
        if at + 1 == tokens.len() {
            add(2, &[words[at], "$"]);
        }
        if at >= 2 {
            add(3, &[words[at - 2], words[at - 1], words[at]]);
        } else if at == 1 {
            add(3, &["^", words[0], words[1]]);
        }
        for gap in 2..=PAIR {
            if at >= gap {
                add(4, &[stems[at - gap], stems[at]]);
            }
        }
        match token.kind {
            Kind::Word => pieces(&format!("<{}>", token.text), 2..=5, &mut add),
            Kind::Unspaced => pieces(&token.text, 1..=4, &mut add),
            Kind::Other => {}
        }
    }
    let mut about = Vec::new();
    let sets = Lexicon::shipped().kinds_of(&tokens);
    kinds(&tokens, &sets, &mut |kind, parts| about.push(hash(kind, parts)));
    for list in [&mut found, &mut about] {
        list.sort_unstable();
        list.dedup();
    }
    let spoken: Vec<&str> = words.into_iter().filter(|word| *word != "!").collect();
    let key = u32::try_from(hash(30, &spoken) >> 32).unwrap_or(0);
    Features { words: found, kinds: about, pieces: known_pieces(&tokens), secrecy: secrecy(&tokens, &sets), key }
}

/// How far a sentence is from harmless by a secret that it speaks of: nobody may be asked for one, in any words. A denial
/// is left to the classifier, and so is the pin code of an address.
fn secrecy(tokens: &[Token], sets: &[u32]) -> f32 {
    let postal = |at: usize| {
        let next = tokens.get(at + 1).map_or("", |token| token.text.as_str());
        matches!(tokens[at].text.as_str(), "pin" | "पिन") && matches!(next, "code" | "कोड")
    };
    let secret = (0..tokens.len()).any(|at| sets[at] & kind_bit('S') != 0 && !postal(at));
    let denied = sets.iter().any(|set| set & kind_bit('n') != 0);
    match (secret && !denied, tokens.iter().any(|token| token.text == "?")) {
        (false, _) => 0.0,
        (true, false) => 2.5,
        (true, true) => 100.0,
    }
}

/// What the words of a sentence are about, whatever its language: which kinds there are, which follow which, and how the
/// sentence is said.
fn kinds(tokens: &[Token], sets: &[u32], add: &mut impl FnMut(u8, &[&str])) {
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

/// Words that begin a clause, folded.
static JOINTS: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    "but so and because since although though until that which aber und denn weil sondern dass pero y \
    porque asi que mais et car donc mas pois ma perche quindi maar omdat но и а потому поэтому что لکن ولکن ولی لان \
    और लेकिन पर क्योंकि इसलिए aur lekin magar kyunki isliye tapi dan karena jadi ama ve cunku ale wiec nhung nen اور لیکن و اما"
        .split_whitespace()
        .collect()
});

/// What each clause says, so that a denial, a condition or a question counts for its own clause only.
fn clauses(tokens: &[Token], sets: &[u32], add: &mut impl FnMut(u8, &[&str])) {
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

/// Kinds of little words.
const LITTLE: u32 = 0b1_1000_0000_0000_0001_1111;

/// The letters of the kinds in `lexicon.txt`.
const KINDS: &str = "npqiumbgrcthdflswovxzekS";
/// Kinds that only the program may speak of.
const CORE: u32 = 0b1001_1000_1111_1111_1110_0001;

fn kind_bit(kind: char) -> u32 {
    KINDS.find(kind).map_or(0, |at| 1 << at)
}

/// Words by what they are about. Little words of one language, written without accents, are little words of another that
/// mean something else, so a language's words count only where the sentence may be in it.
struct Lexicon {
    words: HashMap<String, Vec<Entry>>,
    prefixes: HashMap<String, Vec<Entry>>,
    /// Words of scripts without spaces: they stand inside of runs.
    inside: Vec<(String, u32)>,
    longest: usize,
    languages: usize,
}

/// What a word is about in one language.
#[derive(Debug, Clone, Copy)]
struct Entry {
    /// The number of the language, from 1; 0 stands for all.
    language: usize,
    kinds: u32,
}

/// English, whose words of things are said in all languages.
const ENGLISH: usize = 1;
/// Kinds of things and deeds.
const THINGS: u32 = 0b0000_0110_1111_1111_1110_0000;

static LEXICON: LazyLock<Lexicon> = LazyLock::new(|| Lexicon::read(include_str!("lexicon.txt")));

impl Lexicon {
    fn shipped() -> &'static Self {
        &LEXICON
    }

    fn read(text: &str) -> Self {
        let (words, prefixes) = (HashMap::new(), HashMap::new());
        let mut read = Self { words, prefixes, inside: Vec::new(), longest: 0, languages: 0 };
        let mut language = 0;
        for line in text.lines() {
            if line.starts_with("##") {
                read.languages += 1;
                language = read.languages;
            } else if line.starts_with('#') {
                language = 0;
            }
            let mut words = line.split_whitespace().filter(|_| !line.starts_with('#'));
            let kinds = words.next().and_then(|kind| kind.chars().next()).map_or(0, kind_bit);
            for word in words {
                let (word, prefix) = word.strip_suffix('*').map_or((word, false), |word| (word, true));
                let word: String = fold(word).chars().filter(|c| *c != '\'' && *c != '-').collect();
                if word.is_empty() {
                    continue;
                }
                if word.chars().any(is_unspaced) {
                    read.inside.push((word, kinds));
                    continue;
                }
                let entries = if prefix {
                    read.longest = read.longest.max(word.chars().count());
                    read.prefixes.entry(word).or_default()
                } else {
                    read.words.entry(word).or_default()
                };
                match entries.iter_mut().find(|entry| entry.language == language) {
                    Some(entry) => entry.kinds |= kinds,
                    None => entries.push(Entry { language, kinds }),
                }
            }
        }
        read
    }

    /// What each token is about, in the languages that the sentence may be in.
    fn kinds_of(&self, tokens: &[Token]) -> Vec<u32> {
        let meanings: Vec<Vec<Entry>> = tokens.iter().map(|token| self.meanings(token)).collect();
        let mut votes = vec![0_usize; self.languages + 1];
        let mut voted = vec![false; self.languages + 1];
        for meanings in &meanings {
            voted.fill(false);
            for entry in meanings {
                voted[entry.language] = true;
            }
            votes.iter_mut().zip(&voted).for_each(|(votes, voted)| *votes += usize::from(*voted));
        }
        let most = votes[1..].iter().copied().max().unwrap_or(0);
        let counted = |entry: &Entry| {
            if entry.language == 0 || votes[entry.language] * 5 >= most * 3 {
                entry.kinds
            } else if entry.language == ENGLISH {
                entry.kinds & THINGS
            } else {
                0
            }
        };
        meanings.iter().map(|meanings| meanings.iter().fold(0, |set, entry| set | counted(entry))).collect()
    }

    fn meanings(&self, token: &Token) -> Vec<Entry> {
        let mut found = Vec::new();
        let mut any = |kinds| found.push(Entry { language: 0, kinds });
        match token.kind {
            Kind::Unspaced => {
                self.inside
                    .iter()
                    .filter(|(word, _)| token.text.contains(word.as_str()))
                    .for_each(|entry| any(entry.1));
            }
            Kind::Word => {
                self.word(&token.text, &mut found);
                // Arabic writes “and”, “for”, “the” in one word with what follows.
                let mut rest = token.text.as_str();
                while let Some(next) = ["و", "ف", "ب", "ل", "ال", "س"].iter().find_map(|part| rest.strip_prefix(part))
                {
                    if next.chars().count() < 3 {
                        break;
                    }
                    self.word(next, &mut found);
                    rest = next;
                }
            }
            Kind::Other => match token.text.as_str() {
                "₹" => any(kind_bit('m')),
                "✅" | "✔" | "☑" | "👍" => any(kind_bit('f')),
                _ => {}
            },
        }
        found
    }

    fn word(&self, word: &str, found: &mut Vec<Entry>) {
        found.extend(self.words.get(word).into_iter().flatten());
        for (at, c) in word.char_indices().take(self.longest) {
            found.extend(self.prefixes.get(&word[..at + c.len_utf8()]).into_iter().flatten());
        }
    }
}

/// The pieces of the words alone.
fn known_pieces(tokens: &[Token]) -> Vec<u64> {
    let mut found = Vec::new();
    for token in tokens {
        match token.kind {
            Kind::Word if token.text.chars().count() > 1 => {
                pieces(&format!("<{}>", token.text), 5..=5, &mut |_, parts| found.push(hash(9, parts)));
            }
            Kind::Unspaced => pieces(&token.text, 2..=2, &mut |_, parts| found.push(hash(9, parts))),
            _ => {}
        }
    }
    found
}

/// How far the words of a pair stand apart at most.
const PAIR: usize = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Letters between spaces.
    Word,
    /// Letters of a script without spaces.
    Unspaced,
    /// A number, a sign, an identifier.
    Other,
}

#[derive(Debug)]
struct Token {
    text: String,
    kind: Kind,
    /// The number of the clause that it stands in.
    clause: usize,
}

/// Words, numbers and signs that matter. A number counts by its length, an identifier by being one.
fn tokens(folded: &str) -> Vec<Token> {
    let mut found: Vec<Token> = Vec::new();
    let chars: Vec<char> = folded.chars().collect();
    let mut at = 0;
    let mut clause = 0;
    let mut fresh = false;
    while at < chars.len() {
        let c = chars[at];
        let from = at;
        if is_unspaced(c) {
            while at < chars.len() && is_unspaced(chars[at]) {
                at += 1;
            }
            found.push(Token { text: chars[from..at].iter().collect(), kind: Kind::Unspaced, clause });
        } else if is_letter(c) || c.is_numeric() {
            while at < chars.len()
                && !is_unspaced(chars[at])
                && (is_letter(chars[at])
                    || chars[at].is_numeric()
                    || (matches!(chars[at], '\'' | '_') && at + 1 < chars.len() && is_letter(chars[at + 1])))
            {
                at += 1;
            }
            for mut token in word(&chars[from..at]) {
                if fresh && JOINTS.contains(token.text.as_str()) {
                    clause += 1;
                }
                fresh = true;
                token.clause = clause;
                found.push(token);
            }
        } else {
            at += 1;
            if fresh && ends_clause(c) {
                clause += 1;
                fresh = false;
            }
            if matches!(c, '?' | '؟' | '？' | '!' | '！' | '$' | '¢'..='¥' | '₠'..='⃀' | '%' | '+' | '@' | ':' | '"' | '“')
                || u32::from(c) >= 0x2190
            {
                let c = match c {
                    '؟' | '？' => '?',
                    '！' => '!',
                    '$' | '¢'..='¥' | '₠'..='⃀' => '₹',
                    c => c,
                };
                found.push(Token { text: c.to_string(), kind: Kind::Other, clause });
            }
        }
    }
    found
}

fn word(chars: &[char]) -> Vec<Token> {
    let digits = chars.iter().filter(|c| c.is_numeric()).count();
    let text: String = chars.iter().filter(|c| **c != '\'').collect();
    if digits == 0 {
        return vec![Token { text, kind: Kind::Word, clause: 0 }];
    }
    let number = if digits < 3 { "0" } else { "000" };
    let letters: String = text.chars().filter(|c| !c.is_numeric()).collect();
    if letters.is_empty() {
        return vec![Token { text: number.to_owned(), kind: Kind::Other, clause: 0 }];
    }
    if digits >= 3 {
        return vec![Token { text: "#id".to_owned(), kind: Kind::Other, clause: 0 }];
    }
    vec![
        Token { text: number.to_owned(), kind: Kind::Other, clause: 0 },
        Token { text: letters, kind: Kind::Word, clause: 0 },
    ]
}

/// Signs between clauses.
fn ends_clause(c: char) -> bool {
    matches!(c, ',' | ';' | ':' | '.' | '!' | '?' | '(' | '–' | '—' | '、' | '，' | '。' | '；' | '：')
        || matches!(c, '،' | '؛' | '।' | '？' | '！')
}

/// Letters, and the vowel signs that belong to them.
fn is_letter(c: char) -> bool {
    c.is_alphabetic() || matches!(u32::from(c), 0x900..=0xDFF | 0x200C..=0x200D)
}

/// Letters of scripts that are written without spaces.
fn is_unspaced(c: char) -> bool {
    matches!(u32::from(c),
        0xE00..=0xEFF | 0x1000..=0x109F | 0x1780..=0x17FF | 0x3040..=0x30FF | 0x3400..=0x9FFF | 0x20000..=0x2FFFF)
        && !c.is_numeric()
}

/// The first letters of a word.
fn stem(word: &str) -> &str {
    word.char_indices().nth(4).map_or(word, |(at, _)| &word[..at])
}

fn pieces(word: &str, lengths: std::ops::RangeInclusive<usize>, add: &mut impl FnMut(u8, &[&str])) {
    let places: Vec<usize> = word.char_indices().map(|(at, _)| at).chain([word.len()]).collect();
    for length in lengths {
        for from in 0..places.len().saturating_sub(length) {
            add(5, &[&word[places[from]..places[from + length]]]);
        }
    }
}

/// FNV-1a over the parts, mixed so that the low bits can be taken.
fn hash(kind: u8, parts: &[&str]) -> u64 {
    let mut value = 0xCBF2_9CE4_8422_2325_u64 ^ u64::from(kind);
    for part in parts {
        for byte in part.bytes().chain([0]) {
            value = (value ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
        }
    }
    value ^= value >> 32;
    value = value.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    value ^ (value >> 29)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The features of what a sentence's clauses say.
    fn of(sentence: &str) -> Vec<u64> {
        let tokens = tokens(sentence);
        let sets = Lexicon::shipped().kinds_of(&tokens);
        let mut found = Vec::new();
        clauses(&tokens, &sets, &mut |kind, parts| found.push(hash(kind, parts)));
        found
    }

    #[test]
    fn a_denial_counts_for_its_own_clause() {
        let money_said = hash(25, &["m"]);
        assert!(of("i can not cancel it, but money was paid").contains(&money_said));
        assert!(of("i can not cancel it but money was paid").contains(&money_said));
        assert!(!of("money was not paid").contains(&money_said));
        assert!(!of("was money paid?").contains(&money_said));
        assert!(!of("if money was paid").contains(&money_said));
    }

    #[test]
    fn a_word_counts_in_the_languages_that_the_sentence_may_be_in() {
        let condition = |text: &str| {
            let sets = Lexicon::shipped().kinds_of(&tokens(&fold(text)));
            sets.iter().any(|set| set & kind_bit('p') != 0)
        };
        assert!(!condition("The order went to the shop."));
        assert!(condition("Em có thể xem đơn hàng của chị."));
        assert!(!condition("I was told of the loss of the box."));
        assert!(condition("Agar aapka order der se hai to main dekh leta hoon."));
    }

    #[test]
    fn clauses_end_at_signs_and_joints() {
        let clauses = |text: &str| tokens(text).iter().map(|token| token.clause).collect::<Vec<_>>();
        assert_eq!(clauses("no, it left and arrived"), [0, 1, 1, 2, 2]);
        assert_eq!(clauses("and so"), [0, 1]);
        assert_eq!(clauses(""), [0; 0]);
    }
}
