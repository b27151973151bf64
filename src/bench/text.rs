//! Makes texts alike before they are compared, and reads the patterns of cases: regular expressions that may name lists of
//! words (`<OUT>`), so that one pattern fits replies in every language.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

use regex::{Captures, Regex, RegexBuilder};
use unicode_normalization::UnicodeNormalization as _;

use crate::domain::{phone, words};

/// The lists of words, with what they mean.
const WORDS: &str = include_str!("words.tsv");
/// The language column of the line that says what a list means.
const MEANING: &str = "-";

/// A text without what may differ between two right replies: accents and other marks that people leave out, kinds of digits,
/// quotes and dashes, and how amounts are grouped (`1,299`, `₹1.299`, `₹60.00`).
pub fn plain(text: &str) -> String {
    static POINT: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"(?i)((?:\p{Sc}|\brs\.?|\binr)\s?\d{1,3})\.(\d{3})(\D|$)").ok());
    static NO_DECIMALS: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"(?i)((?:\p{Sc}|\brs\.?|\binr)\s?\d+)\.00?(\D|$)").ok());
    let mut text = without_commas(&alike(text));
    for (pattern, kept) in [(&POINT, "$1$2$3"), (&NO_DECIMALS, "$1$2")] {
        if let Some(pattern) = pattern.as_ref() {
            text = pattern.replace_all(&text, kept).into_owned();
        }
    }
    text
}

/// Letters and signs as they are compared, in texts and in patterns. ASCII letters keep their case: `\D` is not `\d`.
fn alike(text: &str) -> String {
    let letters = |c: char| c.to_lowercase().filter_map(words::plain).collect::<Vec<_>>();
    text.nfkc()
        .filter_map(phone::plain)
        .flat_map(|c| if c.is_ascii() { vec![c] } else { letters(c) })
        .map(|c| match c {
            '‘' => '\'',
            '“' | '”' => '"',
            other => other,
        })
        .collect()
}

/// Takes out the commas that group the digits of an amount: one with a digit before it, and two or three digits after it.
fn without_commas(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let digits_from = |start: usize| letters[start..].iter().take_while(|c| c.is_ascii_digit()).count();
    let groups = |at: usize| at > 0 && letters[at - 1].is_ascii_digit() && matches!(digits_from(at + 1), 2 | 3);
    let kept = letters.iter().enumerate().filter(|(at, c)| **c != ',' || !groups(*at));
    kept.map(|(_, c)| *c).collect()
}

/// A regular expression of a case. Case does not matter, and `.` is any character, also a line end.
#[derive(Debug, Clone)]
pub struct Pattern {
    source: String,
    /// All of these must be found.
    parts: Vec<Regex>,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// What is wrong with it, and what to do about it.
    pub fn new(source: &str) -> Result<Self, WrongPattern> {
        let parts = match in_any_order(source) {
            Some(parts) => parts,
            None => vec![source.to_owned()],
        };
        let parts = parts.iter().map(|part| compile(part, source)).collect::<Result<_, _>>()?;
        Ok(Self { source: source.to_owned(), parts })
    }

    /// Whether a text that [`plain`] made holds it.
    pub fn is_in(&self, plain: &str) -> bool {
        self.parts.iter().all(|part| part.is_match(plain))
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}/", self.source)
    }
}

/// What is wrong with a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongPattern {
    /// What.
    pub problem: String,
    /// What to do about it.
    pub hint: String,
}

fn compile(part: &str, source: &str) -> Result<Regex, WrongPattern> {
    let part = expand(part, source)?;
    RegexBuilder::new(&part).case_insensitive(true).dot_matches_new_line(true).build().map_err(|error| {
        let error = error.to_string();
        if error.contains("look-around") {
            return WrongPattern {
                problem: format!("/{source}/ looks around, which the regular expressions here cannot"),
                hint: "write two patterns, one in must and one in must_not; (?=.*one)(?=.*two) alone, for both in any order, \
                    is read"
                    .to_owned(),
            };
        }
        // The message shows the whole pattern with a mark below it; its last line says what is wrong.
        let why = error.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
        WrongPattern {
            problem: format!("/{source}/ is no regular expression: {why}"),
            hint: "a sign that stands for itself has a \\ before it, and in JSON two: \"₹60\\\\.50\"".to_owned(),
        }
    })
}

/// The parts of `(?=.*one)(?=.*two)`, which says no more than that both are there; none where it is anything else.
fn in_any_order(source: &str) -> Option<Vec<String>> {
    let mut parts = Vec::new();
    let mut rest = source;
    while let Some(inside) = rest.strip_prefix("(?=.*") {
        let end = closing(inside)?;
        parts.push(inside[..end].to_owned());
        rest = &inside[end + 1..];
    }
    (!parts.is_empty() && matches!(rest, "" | ".*")).then_some(parts)
}

/// Where the bracket closes that was opened before a text.
fn closing(text: &str) -> Option<usize> {
    let (mut open, mut class, mut escaped) = (1, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '[' => class = true,
            ']' => class = false,
            '(' if !class => open += 1,
            ')' if !class => {
                open -= 1;
                if open == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

/// Puts the lists in the place of their names, and makes the rest as texts are.
fn expand(part: &str, source: &str) -> Result<String, WrongPattern> {
    static NAME: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new("<([A-Z][A-Z_]*)>").ok());
    let Some(name) = NAME.as_ref() else { return Ok(alike(part)) };
    let unknown = name.captures_iter(part).find(|found| !LISTS.contains_key(&found[1]));
    if let Some(unknown) = unknown {
        let known: Vec<&str> = lists().map(|(name, _)| name).collect();
        return Err(WrongPattern {
            problem: format!("/{source}/ names a list of words that is not there: <{}>", &unknown[1]),
            hint: format!("there are {}; or write the words themselves", known.join(", ")),
        });
    }
    let words = |found: &Captures| LISTS.get(&found[1]).map(|list| list.pattern.clone()).unwrap_or_default();
    Ok(alike(&name.replace_all(part, words)))
}

/// A list of words.
#[derive(Debug, Default)]
struct List {
    meaning: &'static str,
    pattern: String,
}

static LISTS: LazyLock<BTreeMap<&'static str, List>> = LazyLock::new(|| {
    let mut lists: BTreeMap<&str, List> = BTreeMap::new();
    for line in WORDS.lines().filter(|line| !line.starts_with('#')) {
        let mut fields = line.splitn(3, '\t');
        let (Some(name), Some(language), Some(text)) = (fields.next(), fields.next(), fields.next()) else { continue };
        let list = lists.entry(name).or_default();
        if language == MEANING {
            list.meaning = text;
        } else {
            let alternative = if list.pattern.is_empty() { "" } else { "|" };
            list.pattern.push_str(alternative);
            list.pattern.push_str(text);
        }
    }
    for list in lists.values_mut() {
        list.pattern = format!("(?:{})", list.pattern);
    }
    lists
});

/// The lists of words that patterns may name, and what each means.
pub fn lists() -> impl Iterator<Item = (&'static str, &'static str)> {
    LISTS.iter().map(|(name, list)| (*name, list.meaning))
}

/// Whether a text that [`plain`] made holds words of a list; a list that is not there is in no text.
pub fn holds(list: &'static str, plain: &str) -> bool {
    static READ: LazyLock<BTreeMap<&'static str, Pattern>> = LazyLock::new(|| {
        LISTS.keys().filter_map(|name| Some((*name, Pattern::new(&format!("<{name}>")).ok()?))).collect()
    });
    READ.get(list).is_some_and(|pattern| pattern.is_in(plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_in_two_ways_is_one() {
        for (text, as_compared) in [
            ("₹1,299 and Rs. 1,29,999", "₹1299 and Rs. 129999"),
            ("₹ 1.299, ₹60.00", "₹ 1299, ₹60"),
            ("₹60.50, 1.299", "₹60.50, 1.299"),
            ("on the 3, 12 and 20", "on the 3, 12 and 20"),
            ("١٢٣ और १२", "123 और 12"),
            ("Dirección, NÃO — can’t", "Direccion, NaO - can't"),
        ] {
            assert_eq!(plain(text), as_compared, "{text}");
        }
        assert_eq!(plain("مُجهَّز"), plain("مجهز"));
    }

    #[test]
    fn patterns_are_compared_as_texts_are() {
        let found = |pattern: &str, text: &str| Pattern::new(pattern).unwrap().is_in(&plain(text));
        assert!(found("DEVOLUÇÃO", "a devolucao foi feita"));
        assert!(found(r"\b1299\b", "You paid ₹1,299."));
        assert!(found("one.*two", "One\nTWO"));
        assert!(!found(r"\D{4}", "1234"), "the case of a class matters");
        assert!(found("(?=.*orchid)(?=.*5600(3|4)8)", "560048, Orchid Tower"));
        assert!(!found("(?=.*orchid)(?=.*5600(3|4)8)", "Orchid Tower"));
    }

    #[test]
    fn lists_hold_the_words_of_the_program_in_every_language() {
        use crate::domain::order::OrderState;
        use crate::domain::sentences::{Language, handoff, opt_out, small_talk, units};
        for language in Language::ALL {
            for (state, list) in [
                (OrderState::Placed, "PLACED"),
                (OrderState::Confirmed, "PLACED"),
                (OrderState::Packed, "PACKED"),
                (OrderState::OutForDelivery, "OUT"),
                (OrderState::Delayed, "DELAYED"),
                (OrderState::Delivered, "DELIVERED"),
                (OrderState::Cancelled, "CANCELLED"),
                (OrderState::Returned, "RETURNED"),
            ] {
                let said = units::state(language, state);
                assert!(holds(list, &plain(said)), "{list} lacks “{said}”");
            }
            assert!(holds("PERSON", &plain(handoff::done(language))), "{language:?}");
            assert!(holds("THANKS", &plain(small_talk::you_are_welcome(language))), "{language:?}");
            assert!(holds("HELP_ASK", &plain(small_talk::greeting(language))), "{language:?}");
            assert!(!holds("CLAIM", &plain(handoff::done(language))), "{language:?}");
        }
        assert!(holds("OPTED_OUT", &plain(opt_out::stopped(crate::domain::opt_out::Tongue::English))));
        assert!(!holds("NO_SUCH_LIST", "anything"));
    }

    #[test]
    fn every_list_says_what_it_means_and_is_read() {
        let lines = WORDS.lines().filter(|line| !line.starts_with('#'));
        assert!(lines.clone().all(|line| line.split('\t').count() == 3));
        assert!(lists().count() >= 18);
        for (name, meaning) in lists() {
            assert!(!meaning.is_empty(), "{name}");
            assert!(Pattern::new(&format!("<{name}>")).is_ok(), "{name}: {:?}", Pattern::new(&format!("<{name}>")));
        }
    }

    #[test]
    fn a_wrong_pattern_is_told_with_a_way_out() {
        let wrong = |pattern: &str| Pattern::new(pattern).unwrap_err();
        let around = wrong("(?<!not )delivered");
        assert!(around.problem.contains("looks around") && around.hint.contains("must_not"), "{around:?}");
        let list = wrong("<OUTSIDE>");
        assert!(list.problem.contains("<OUTSIDE>") && list.hint.contains("OUT, "), "{list:?}");
        let open = wrong("(open");
        assert!(open.problem.contains("unclosed group"), "{open:?}");
    }
}
