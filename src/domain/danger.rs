//! Whether the words of a message tell that somebody's body or safety is in danger: a second opinion beside the model's.
//!
//! A word alone says little (“burning” is a hand, a pizza or a hole in a pocket). So words stand for kinds, in a file for each
//! language (`danger/english.txt` …), and `danger/rules.txt` says which kinds tell of a danger where they stand close together:
//! a part of the body and a burn, a device and smoke, who delivers and a threat.
//!
//! It must never read only one language of a message that may be in several: what is missed is somebody hurt.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::language::{self, Spoken};
use super::sentences::Language;
use super::topic;
use super::words::words;

/// The label of `urgency` with which somebody's body or safety cannot wait.
pub const DANGER: &str = "danger";
/// The label of what can wait.
const NORMAL: &str = "normal";

/// What the words of a message tell of a danger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Told {
    /// Nothing.
    Nothing,
    /// A single word that also stands in messages about dangers.
    Hint,
    /// Something that is a danger where the model reads a little of one as well.
    Perhaps,
    /// A danger, whatever the model reads.
    Surely,
}

/// The model's probability of danger from which on a person is called at once: by itself, with a hint, and where the words tell of
/// a danger perhaps. Chosen on `data/validation.csv` and the tuning half of `tests/danger/messages.jsonl`;
/// `cargo test --test it danger:: -- --ignored --nocapture` prints what comes of them on rows that they were not chosen on.
const BY_ITSELF: f32 = 0.8;
const WITH_A_HINT: f32 = 0.2;
const WITH_WORDS: f32 = 0.03;

/// Whether a message tells of a danger, by its words and by the model's probability of one, where the model has read it.
pub fn is_danger(told: Told, probability: Option<f32>) -> bool {
    let enough = match told {
        Told::Surely => return true,
        Told::Perhaps => WITH_WORDS,
        Told::Hint => WITH_A_HINT,
        Told::Nothing => BY_ITSELF,
    };
    probability.is_some_and(|probability| probability >= enough)
}

/// From this confidence in the topic on a message is an errand of the shop, such as a cancellation or a question.
const SURE_OF_ERRAND: f64 = 0.6;

/// How urgent a message is by its words and by the model's reading of urgency, the likeliest label first: the label, and how
/// likely the model holds it. `topic`: what the message is about, and how sure the model is of that.
///
/// On the rows of `data/validation.csv` and `data/test.csv` the errands spare nine of 101 needless calls of a person, and no
/// danger that was found before is missed.
pub fn urgency(text: &str, ranked: &[(&str, f32)], topic: (&str, f64)) -> (String, f64) {
    let (likeliest, confidence) = ranked.first().copied().unwrap_or_default();
    let is_errand = topic.1 >= SURE_OF_ERRAND && topic::is_errand(topic.0);
    let told = match told(text) {
        // A single word of an errand that the model does not hold to be a danger.
        Told::Hint if is_errand && likeliest == NORMAL => Told::Nothing,
        told => told,
    };
    let probability = ranked.iter().find(|(label, _)| *label == DANGER).map(|(_, probability)| *probability);
    if is_danger(told, probability) {
        return (DANGER.to_owned(), f64::from(probability.unwrap_or_default()));
    }
    if likeliest != DANGER {
        return (likeliest.to_owned(), f64::from(confidence));
    }
    // What is not believed to be a danger is grave all the same, unless it is an errand.
    match ranked.iter().find(|(label, _)| *label != DANGER) {
        Some((label, confidence)) if is_errand => ((*label).to_owned(), f64::from(*confidence)),
        _ => ("serious".to_owned(), f64::from(confidence)),
    }
}

/// What the words of a message tell.
pub fn told(text: &str) -> Told {
    let words: Vec<Forms> = folded(text).into_iter().map(forms).collect();
    let spoken = language::spoken(text);
    // Customers mix Hindi, in either script, with English: these are read together.
    let only = match spoken {
        Some(Spoken::Ours(Language::English | Language::Hinglish | Language::Hindi)) => Some(0),
        Some(Spoken::Ours(Language::Spanish)) => Some(1),
        Some(Spoken::Ours(Language::Portuguese)) => Some(2),
        Some(Spoken::Ours(Language::Arabic)) => Some(3),
        _ => None,
    };
    let read = VOCABULARIES.iter().enumerate().filter(|(at, _)| only.is_none_or(|only| only == *at));
    read.map(|(_, vocabulary)| vocabulary.told(&words)).max().unwrap_or(Told::Nothing)
}

/// A word of a message, and what it may be without what Arabic joins to it; empty where it was taken out.
type Forms = Vec<String>;

/// A word, and where it is Arabic the same without “and”, “so”, and the article with what is joined before it.
fn forms(word: String) -> Forms {
    let mut forms = vec![word];
    let bare = forms[0].strip_prefix(['و', 'ف']).filter(|rest| rest.chars().count() >= 3).map(str::to_owned);
    forms.extend(bare);
    let joined =
        forms.last().and_then(|last| ["بال", "كال", "لل", "ال"].iter().find_map(|joined| last.strip_prefix(joined)));
    let noun = joined.filter(|rest| rest.chars().count() >= 3).map(str::to_owned);
    forms.extend(noun);
    forms
}

/// The words of a text as they are compared.
fn folded(text: &str) -> Vec<String> {
    let fold = |word: String| {
        // “I'll” is not “ill”.
        let word = word.strip_suffix("'ll").unwrap_or(&word);
        let letters = word.chars().filter(|c| *c != '\'');
        letters.map(|c| if c == '\u{901}' { '\u{902}' } else { c }).collect::<String>()
    };
    words(text).into_iter().map(fold).filter(|word| !word.is_empty()).collect()
}

/// A part of a phrase.
#[derive(Debug)]
enum Part {
    Word(String),
    Begins(String),
    Ends(String),
    Holds(String),
    /// Up to `GAP` words.
    Gap,
}

/// Words that a gap stands for, at most.
const GAP: usize = 3;

impl Part {
    /// The parts of a token: several where a sign inside it parts words.
    fn read(token: &str) -> Vec<Self> {
        if token == "_" {
            return vec![Self::Gap];
        }
        let words = folded(token.trim_matches('*'));
        let last = words.len().saturating_sub(1);
        let part = |(at, word)| match (at == 0 && token.starts_with('*'), at == last && token.ends_with('*')) {
            (true, true) => Self::Holds(word),
            (true, false) => Self::Ends(word),
            (false, true) => Self::Begins(word),
            (false, false) => Self::Word(word),
        };
        words.into_iter().enumerate().map(part).collect()
    }

    fn fits(&self, forms: &[String]) -> bool {
        forms.iter().any(|word| match self {
            Self::Word(own) => word == own,
            Self::Begins(stem) => word.starts_with(stem.as_str()),
            Self::Ends(end) => word.ends_with(end.as_str()),
            Self::Holds(inside) => word.contains(inside.as_str()),
            Self::Gap => true,
        })
    }
}

/// Where a phrase that begins at a place ends. What was taken out fits none.
fn end_of(phrase: &[Part], words: &[Forms], at: usize) -> Option<usize> {
    let Some((first, rest)) = phrase.split_first() else { return Some(at) };
    if matches!(first, Part::Gap) {
        return (0..=GAP).find_map(|skipped| end_of(rest, words, at + skipped));
    }
    let fits = words.get(at).is_some_and(|forms| first.fits(forms));
    if fits { end_of(rest, words, at + 1) } else { None }
}

/// Phrases, each with its kind, by the letter with which they begin; those that may begin with any under none.
#[derive(Debug, Default)]
struct Phrases(HashMap<Option<char>, Vec<(usize, Vec<Part>)>>);

impl Phrases {
    fn add(&mut self, kind: usize, phrase: Vec<Part>) {
        let letter = match phrase.first() {
            Some(Part::Word(word) | Part::Begins(word)) => word.chars().next(),
            _ => None,
        };
        self.0.entry(letter).or_default().push((kind, phrase));
    }

    /// All places of words: of which kind, from where, up to where.
    fn places(&self, words: &[Forms]) -> Vec<(usize, Place)> {
        let mut places = Vec::new();
        for (from, forms) in words.iter().enumerate() {
            let mut letters: Vec<Option<char>> = forms.iter().map(|form| form.chars().next()).chain([None]).collect();
            letters.sort_unstable();
            letters.dedup();
            for (kind, phrase) in letters.iter().filter_map(|letter| self.0.get(letter)).flatten() {
                places.extend(end_of(phrase, words, from).map(|to| (*kind, Place { from, to })));
            }
        }
        places
    }
}

/// Words from one place up to another, without the latter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    from: usize,
    to: usize,
}

/// Kinds that tell of a danger together.
#[derive(Debug)]
struct Rule {
    told: Told,
    /// From the first to the last word, at most so many.
    span: usize,
    /// One of each has to be there.
    kinds: Vec<Vec<usize>>,
    /// None of them may be there.
    without: Vec<usize>,
}

impl Rule {
    /// `level span: kind|kind kind -kind`.
    fn read(line: &str) -> Option<Self> {
        let (head, body) = line.split_once(':')?;
        let (level, span) = head.split_once(' ')?;
        let told = match level {
            "surely" => Told::Surely,
            "perhaps" => Told::Perhaps,
            "hint" => Told::Hint,
            _ => return None,
        };
        let (without, with): (Vec<&str>, Vec<&str>) = body.split_whitespace().partition(|word| word.starts_with('-'));
        let known = |name: &str| KINDS.get(name.trim_start_matches('-')).copied();
        Some(Self {
            told,
            span: span.trim().parse().ok()?,
            kinds: with.iter().map(|word| word.split('|').filter_map(known).collect()).collect(),
            without: without.iter().filter_map(|word| known(word)).collect(),
        })
    }

    /// Whether it holds. `places` are those of each kind.
    fn holds(&self, places: &[Vec<Place>]) -> bool {
        let there = |kinds: &Vec<usize>| kinds.iter().any(|kind| !places[*kind].is_empty());
        let all = self.kinds.iter().all(there);
        all && !there(&self.without) && self.fits(0, &mut Vec::with_capacity(self.kinds.len()), places)
    }

    /// Whether places for the kinds from the `next` one on go with those that were taken.
    fn fits(&self, next: usize, taken: &mut Vec<Place>, places: &[Vec<Place>]) -> bool {
        let Some(kinds) = self.kinds.get(next) else { return true };
        for place in kinds.iter().flat_map(|kind| &places[*kind]) {
            let apart = taken.iter().all(|other| place.to <= other.from || other.to <= place.from);
            let from = taken.iter().map(|other| other.from).fold(place.from, usize::min);
            let to = taken.iter().map(|other| other.to).fold(place.to, usize::max);
            // A phrase alone may be as long as it is.
            let close = self.kinds.len() == 1 || to - from <= self.span + 1;
            if apart && close {
                taken.push(*place);
                if self.fits(next + 1, taken, places) {
                    return true;
                }
                taken.pop();
            }
        }
        false
    }
}

/// Words that are read together.
#[derive(Debug)]
struct Vocabulary {
    /// Figures of speech and goods: their words are taken out before the others are looked for.
    taken_out: Phrases,
    phrases: Phrases,
}

/// The kind of what is taken out.
const NONE: &str = "none";

impl Vocabulary {
    fn read(files: &[&str]) -> Self {
        let (mut taken_out, mut phrases) = (Phrases::default(), Phrases::default());
        for (name, list) in files.iter().flat_map(|file| lines(file)).filter_map(|line| line.split_once(':')) {
            let list = list.split(',').map(|phrase| phrase.split_whitespace().flat_map(Part::read).collect());
            for phrase in list.filter(|phrase: &Vec<Part>| !phrase.is_empty()) {
                match KINDS.get(name) {
                    _ if name == NONE => taken_out.add(0, phrase),
                    Some(kind) => phrases.add(*kind, phrase),
                    None => {}
                }
            }
        }
        Self { taken_out, phrases }
    }

    fn told(&self, words: &[Forms]) -> Told {
        let mut words = words.to_vec();
        for (_, place) in self.taken_out.places(&words) {
            words[place.from..place.to].iter_mut().for_each(Vec::clear);
        }
        let mut places = vec![Vec::new(); KINDS.len()];
        for (kind, place) in self.phrases.places(&words) {
            places[kind].push(place);
        }
        let holding = RULES.iter().filter(|rule| rule.holds(&places));
        holding.map(|rule| rule.told).max().unwrap_or(Told::Nothing)
    }
}

/// The lines of a file that say something.
fn lines(file: &str) -> impl Iterator<Item = &str> {
    file.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

const RULE_LINES: &str = include_str!("danger/rules.txt");

/// The kinds that rules name.
static KINDS: LazyLock<HashMap<&str, usize>> = LazyLock::new(|| {
    let bodies = lines(RULE_LINES).filter_map(|line| line.split_once(':')).map(|(_, body)| body);
    let mut names: Vec<&str> =
        bodies.flat_map(|body| body.split([' ', '|', '-'])).filter(|name| !name.is_empty()).collect();
    names.sort_unstable();
    names.dedup();
    names.into_iter().enumerate().map(|(at, name)| (name, at)).collect()
});

static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| lines(RULE_LINES).filter_map(Rule::read).collect());

/// English with Hindi, Spanish, Portuguese, Arabic, and the languages in which nobody is answered: each is read when a message
/// may be in it.
static VOCABULARIES: [LazyLock<Vocabulary>; 5] = [
    LazyLock::new(|| Vocabulary::read(FILES[0])),
    LazyLock::new(|| Vocabulary::read(FILES[1])),
    LazyLock::new(|| Vocabulary::read(FILES[2])),
    LazyLock::new(|| Vocabulary::read(FILES[3])),
    LazyLock::new(|| Vocabulary::read(FILES[4])),
];

const FILES: [&[&str]; 5] = [
    &[include_str!("danger/english.txt"), include_str!("danger/hinglish.txt"), include_str!("danger/hindi.txt")],
    &[include_str!("danger/spanish.txt")],
    &[include_str!("danger/portuguese.txt")],
    &[include_str!("danger/arabic.txt")],
    &[include_str!("danger/others.txt")],
];

#[cfg(test)]
#[path = "danger_tests.rs"]
mod tests;
