//! Takes a folded sentence apart into words, numbers and signs, and into clauses.

use std::collections::HashSet;
use std::sync::LazyLock;

/// Words that begin a clause, folded.
static JOINTS: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    "but so and because since although though until that which aber und denn weil sondern dass pero y \
    porque asi que mais et car donc mas pois ma perche quindi maar omdat но и а потому поэтому что لکن ولکن ولی لان \
    और लेकिन पर क्योंकि इसलिए aur lekin magar kyunki isliye tapi dan karena jadi ama ve cunku ale wiec nhung nen اور لیکن و اما"
        .split_whitespace()
        .collect()
});

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Letters between spaces.
    Word,
    /// Letters of a script without spaces.
    Unspaced,
    /// A number, a sign, an identifier.
    Other,
}

#[derive(Debug)]
pub(super) struct Token {
    pub(super) text: String,
    pub(super) kind: Kind,
    /// The number of the clause that it stands in.
    pub(super) clause: usize,
}

/// Words, numbers and signs that matter. A number counts by its length, an identifier by being one.
pub(super) fn tokens(folded: &str) -> Vec<Token> {
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
pub(super) fn is_unspaced(c: char) -> bool {
    matches!(u32::from(c),
        0xE00..=0xEFF | 0x1000..=0x109F | 0x1780..=0x17FF | 0x3040..=0x30FF | 0x3400..=0x9FFF | 0x20000..=0x2FFFF)
        && !c.is_numeric()
}
