//! What words are about, in many languages (`lexicon.txt`).

use std::collections::HashMap;
use std::sync::LazyLock;

use super::readable::fold;
use super::tokens::{Kind, Token, is_unspaced};

/// Kinds of little words.
pub(super) const LITTLE: u32 = 0b1_1000_0000_0000_0001_1111;

/// The letters of the kinds in `lexicon.txt`.
pub(super) const KINDS: &str = "npqiumbgrcthdflswovxzekS";
/// Kinds that only the program may speak of.
pub(super) const CORE: u32 = 0b1001_1000_1111_1111_1110_0001;

pub(super) fn kind_bit(kind: char) -> u32 {
    KINDS.find(kind).map_or(0, |at| 1 << at)
}

/// Words by what they are about. Little words of one language, written without accents, are little words of another that
/// mean something else, so a language's words count only where the sentence may be in it.
pub(super) struct Lexicon {
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
    pub(super) fn shipped() -> &'static Self {
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
    pub(super) fn kinds_of(&self, tokens: &[Token]) -> Vec<u32> {
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
