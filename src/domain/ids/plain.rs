//! A text as plainly as it can be written: small letters, ASCII digits and dashes, nothing that is not seen. It must never
//! lose where a character stood in the text that was written.

use std::ops::Range;

use unicode_normalization::UnicodeNormalization as _;

use crate::domain::phone;

/// A character of the plain text, and its place in the text that was written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plain {
    pub(super) sign: char,
    start: usize,
    end: usize,
}

/// A text, character by character.
pub(super) fn plain(text: &str) -> Vec<Plain> {
    let mut found = Vec::with_capacity(text.len());
    for (start, c) in text.char_indices() {
        if let Some(sign) = plain_char(c) {
            found.push(Plain { sign, start, end: start + c.len_utf8() });
        }
    }
    found
}

/// Where a part of the plain text stood.
pub(super) fn written(plain: &[Plain], part: &Range<usize>) -> Range<usize> {
    let start = plain.get(part.start).map_or(0, |first| first.start);
    let end = part.end.checked_sub(1).and_then(|last| plain.get(last)).map_or(start, |last| last.end);
    start..end.max(start)
}

fn plain_char(c: char) -> Option<char> {
    if c.is_ascii() {
        return Some(match c {
            '\r' => '\n',
            '\t' | '\u{B}' | '\u{C}' => ' ',
            c => c.to_ascii_lowercase(),
        });
    }
    if let Some(digit) = phone::digit(c) {
        return Some(digit);
    }
    match c {
        '\u{AD}'
        | '\u{34F}'
        | '\u{61C}'
        | '\u{180B}'..='\u{180F}'
        | '\u{200B}'..='\u{200F}'
        | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}'
        | '\u{FEFF}'
        | '\u{FE00}'..='\u{FE0F}'
        | '\u{20E3}'
        | '\u{E0000}'..='\u{E0FFF}' => None,
        '\u{2010}'..='\u{2015}' | '\u{2043}' | '\u{2212}' | '\u{FE58}' | '\u{FE63}' | '\u{FF0D}' => Some('-'),
        '№' | '＃' | '﹟' => Some('#'),
        '\u{2028}' | '\u{2029}' | '\u{85}' => Some('\n'),
        c if c.is_whitespace() => Some(' '),
        c => {
            // Letters of other widths and fonts; what becomes several characters stays as it is.
            let mut same = std::iter::once(c).nfkc();
            let one = same.next().filter(|_| same.next().is_none()).unwrap_or(c);
            let mut lower = one.to_lowercase();
            Some(lower.next().filter(|_| lower.next().is_none()).unwrap_or(one))
        }
    }
}

/// Whether a character beside an identifier makes it a part of a longer word or number. Scripts without capitals are
/// written without spaces, so that a letter of theirs does not.
pub(super) fn joins(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c.is_lowercase() || c.is_uppercase()
}
