//! Cuts documents into pieces that can answer a question: by headings and paragraphs.
//!
//! It must never cut inside of a sentence, nor change one.

use super::blocks::{Block, Kind};

/// Words from which on a chunk is large enough to end before the next paragraph.
const ENOUGH: usize = 60;
/// Words that a chunk has at most, unless one sentence has more.
const MOST: usize = 160;
/// Words from which on a paragraph with a heading of its own ends the chunk before it.
const SHORT: usize = 15;

/// A part of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// The file within the folder, or where else it is from.
    pub source: String,
    /// The line in which it begins, from 1.
    pub line: usize,
    /// The document's title.
    pub title: String,
    /// The headings above it, the highest first, without the title.
    pub headings: Vec<String>,
    /// Its paragraphs.
    pub paragraphs: Vec<String>,
    /// Further words by which it is found.
    pub keywords: String,
    /// Whether it is one of the answers that the program has without a folder.
    pub built_in: bool,
    /// A built-in answer in other languages.
    pub translations: Vec<Translation>,
}

/// A built-in answer in another language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Translation {
    /// The code of the language.
    pub language: String,
    /// The answer's title.
    pub title: String,
    /// The answer.
    pub text: String,
}

impl Chunk {
    /// Title and headings, for people.
    pub fn heading(&self) -> String {
        let mut path = vec![self.title.as_str()];
        path.extend(self.headings.iter().map(String::as_str));
        path.join(" › ")
    }

    /// Its whole text.
    pub fn text(&self) -> String {
        self.paragraphs.join("\n")
    }
}

/// Cuts a document. `source`: where it is from; its title is given, or its first heading, or its name.
pub(super) fn cut(source: &str, title: Option<String>, blocks: Vec<Block>) -> Vec<Chunk> {
    let mut blocks = blocks.into_iter().peekable();
    let title = title.or_else(|| match blocks.peek() {
        Some(Block { kind: Kind::Heading(_), text, .. }) => Some(text.clone()),
        _ => None,
    });
    let title = title.unwrap_or_else(|| name_of(source));
    let mut chunks = Vec::new();
    let mut path: Vec<(usize, String)> = Vec::new();
    let mut open: Option<Chunk> = None;
    for Block { text, line, kind } in blocks {
        match kind {
            Kind::Heading(level) => {
                chunks.extend(open.take());
                path.retain(|(above, _)| *above < level);
                if text != title {
                    path.push((level, text));
                }
            }
            Kind::Text | Kind::Titled { .. } => {
                let begin = |line| Chunk {
                    source: source.to_owned(),
                    line,
                    title: title.clone(),
                    headings: path.iter().map(|(_, text)| text.clone()).collect(),
                    paragraphs: Vec::new(),
                    keywords: String::new(),
                    built_in: false,
                    translations: Vec::new(),
                };
                let own = match kind {
                    Kind::Titled { heading } => text.get(..heading).unwrap_or_default(),
                    _ => "",
                };
                for part in parts(&text) {
                    let (has, more) = (open.as_ref().map_or(0, words_of), count(&part));
                    let titled = !own.is_empty() && has >= SHORT;
                    if titled || (has >= ENOUGH && has + more > MOST) || has + more > MOST + ENOUGH {
                        chunks.extend(open.take());
                    }
                    let chunk = open.get_or_insert_with(|| begin(line));
                    if part.starts_with(own) && !own.is_empty() {
                        let between = if chunk.keywords.is_empty() { "" } else { " " };
                        chunk.keywords.push_str(between);
                        chunk.keywords.push_str(own);
                    }
                    chunk.paragraphs.push(part);
                }
            }
        }
    }
    chunks.extend(open);
    chunks
}

/// A title from the name of a file.
fn name_of(source: &str) -> String {
    let file = source.rsplit('/').next().unwrap_or(source);
    let bare = file.rsplit_once('.').map_or(file, |(name, _)| name);
    let words = bare.replace(['-', '_'], " ");
    let mut letters = words.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

fn words_of(chunk: &Chunk) -> usize {
    chunk.paragraphs.iter().map(|paragraph| count(paragraph)).sum()
}

fn count(text: &str) -> usize {
    text.split_whitespace().count()
}

/// A paragraph, or where it is long its sentences in groups.
fn parts(text: &str) -> Vec<String> {
    if count(text) <= MOST {
        return vec![text.to_owned()];
    }
    let mut parts: Vec<String> = Vec::new();
    let mut open = String::new();
    for sentence in sentences(text) {
        if !open.is_empty() && count(&open) + count(sentence) > MOST {
            parts.push(std::mem::take(&mut open).trim_end().to_owned());
        }
        open.push_str(sentence);
    }
    parts.push(open.trim_end().to_owned());
    parts.retain(|part| !part.is_empty());
    parts
}

/// Short words after which a point ends no sentence.
const ABBREVIATIONS: [&str; 16] =
    ["rs", "no", "e.g", "i.e", "etc", "approx", "max", "min", "mr", "mrs", "dr", "st", "vs", "a.m", "p.m", "incl"];

/// The sentences of a text, each with what stands behind it: together they are the text.
pub(super) fn sentences(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut begin = 0;
    let mut letters = text.char_indices().peekable();
    while let Some((at, c)) = letters.next() {
        let after = at + c.len_utf8();
        let ends = match c {
            '\n' | '।' | '؟' | '。' => true,
            '.' | '!' | '?' | '…' => {
                let next = letters.peek().is_none_or(|(_, next)| next.is_whitespace());
                let word = text[begin..at].rsplit(char::is_whitespace).next().unwrap_or_default().to_lowercase();
                let word = word.trim_start_matches(|c: char| !c.is_alphanumeric());
                // “p.m.” may end a sentence: what follows says so.
                let goes_on =
                    text[after..].trim_start().chars().next().is_some_and(|c| c.is_lowercase() || c.is_numeric());
                next && !(c == '.' && ABBREVIATIONS.contains(&word) && (goes_on || !word.ends_with('m')))
            }
            _ => false,
        };
        if !ends {
            continue;
        }
        let mut end = after;
        while let Some((at, next)) = letters.peek().copied() {
            if !next.is_whitespace() {
                break;
            }
            end = at + next.len_utf8();
            letters.next();
        }
        found.push(&text[begin..end]);
        begin = end;
    }
    if begin < text.len() {
        found.push(&text[begin..]);
    }
    found.retain(|sentence| !sentence.trim().is_empty());
    found
}

#[cfg(test)]
mod tests {
    use super::super::blocks::of_markdown;
    use super::*;

    fn chunks(text: &str) -> Vec<Chunk> {
        let (title, blocks) = of_markdown(text);
        cut("guides/size-guide.md", title, blocks)
    }

    #[test]
    fn a_chunk_knows_its_place() {
        let chunks =
            chunks("# Sizes\n\nAll in cm.\n\n## Shoes\n\nEU sizes.\n\n### Kids\n\nSmall.\n\n## Shirts\n\nLoose.\n");
        let seen: Vec<(usize, String, String)> =
            chunks.iter().map(|chunk| (chunk.line, chunk.heading(), chunk.text())).collect();
        let expected = [
            (3, "Sizes", "All in cm."),
            (7, "Sizes › Shoes", "EU sizes."),
            (11, "Sizes › Shoes › Kids", "Small."),
            (15, "Sizes › Shirts", "Loose."),
        ];
        assert_eq!(seen, expected.map(|(line, path, text)| (line, path.to_owned(), text.to_owned())));
        assert_eq!(cut("guides/size-guide.md", None, of_markdown("Text.").1)[0].title, "Size guide");
    }

    #[test]
    fn the_heading_of_a_paragraph_finds_it() {
        let text = "# Paying\n\n**Paid twice.** It comes back by itself within a week of the day on which you paid it twice.\n\n**Cash.** Never.";
        let found: Vec<(String, String)> =
            chunks(text).into_iter().map(|chunk| (chunk.text(), chunk.keywords)).collect();
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!(found[0].1, "Paid twice.");
        assert_eq!(found[1], ("Cash. Never.".to_owned(), "Cash.".to_owned()));
    }

    #[test]
    fn paragraphs_are_joined_and_long_ones_cut_between_sentences() {
        let sentence = "This sentence has exactly seven words here. ";
        let long = sentence.repeat(60);
        let text = format!("# T\n\n{}\n\n{}\n\n{long}\n", sentence.repeat(4), sentence.repeat(4));
        let chunks = chunks(&text);
        assert!(chunks.len() >= 3, "{}", chunks.len());
        for chunk in &chunks {
            assert!(words_of(chunk) <= MOST + ENOUGH, "{}", words_of(chunk));
            assert!(chunk.text().ends_with("here."), "{}", chunk.text());
        }
        assert_eq!(chunks.iter().map(words_of).sum::<usize>(), 68 * 7);
    }

    #[test]
    fn sentences_end_where_they_end() {
        let text = "It costs Rs. 500, e.g. by card. Open till 5 p.m. on Sundays! क्या है। Yes?\nNo";
        let found: Vec<&str> = sentences(text).into_iter().map(str::trim).collect();
        assert_eq!(found, ["It costs Rs. 500, e.g. by card.", "Open till 5 p.m. on Sundays!", "क्या है।", "Yes?", "No"]);
        assert_eq!(sentences(text).concat(), text);
    }
}
