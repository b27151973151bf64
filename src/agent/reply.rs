//! Turns a model's text into a WhatsApp message: markup is converted, and invisible characters are removed.
//!
//! The guard checks the text that this module returns, so nothing may ever be changed after it.

use std::sync::LazyLock;

use regex::Regex;

use crate::domain::pattern::pattern;

/// Reasoning that models leave in their answers.
static THOUGHTS: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?is)<(think|thinking|reasoning)>.*?(?:</(?:think|thinking|reasoning)>|\z)"));
static FORMAT_TOKENS: LazyLock<Regex> = LazyLock::new(|| pattern(r"<\|[^|>\n]{0,40}\|>"));
static TAG: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)</?(?:b|i|u|em|strong|p|div|span|ul|ol|li|h[1-6]|a|code|pre|customer_message|tool_result)(?:\s[^<>]*)?>",
    )
});
static LINE_BREAK: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)<br\s*/?>"));
static LINK: LazyLock<Regex> = LazyLock::new(|| pattern(r"!?\[([^\[\]\n]*)\]\(([^()\s]*)\)"));
static BOLD: LazyLock<Regex> = LazyLock::new(|| pattern(r"\*\*\*?([^*\n]+?)\*\*\*?"));
static UNDERLINED: LazyLock<Regex> = LazyLock::new(|| pattern(r"(^|[\s(])__([^_\n]+?)__"));
static STRUCK: LazyLock<Regex> = LazyLock::new(|| pattern(r"~~([^~\n]+?)~~"));
static HEADING: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?m)^ {0,3}#{1,6}[ \t]+(.+?)[ \t]*#*[ \t]*$"));
static RULE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?m)^[ \t]*(?:[-*_][ \t]*){3,}$|^[ \t]*\|?(?:[ \t]*:?-{3,}:?[ \t]*\|)+[ \t]*:?-*:?[ \t]*$")
});
static FENCE: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?m)^```\w*\s*$"));
static BULLET: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?m)^([ \t]*)[*+][ \t]+"));
static BLANKS: LazyLock<Regex> = LazyLock::new(|| pattern(r"[ \t]+\n"));
static EMPTY_LINES: LazyLock<Regex> = LazyLock::new(|| pattern(r"\n{3,}"));

/// The most words of a reply: a model that never ends would else fill hundreds of messages.
const MAX_WORDS: usize = 600;
/// The most characters of a reply, for scripts without spaces: those of one WhatsApp message.
const MAX_CHARS: usize = 4_096;

/// The text as it is checked and sent.
pub fn tidy(text: &str) -> String {
    tidied(text, hides)
}

fn tidied(text: &str, hides: impl Fn(char) -> bool) -> String {
    let text = text.replace("\r\n", "\n").replace(['\r', '\u{2028}', '\u{2029}', '\u{85}', '\u{B}', '\u{C}'], "\n");
    let text = visible(&text, hides);
    let text = THOUGHTS.replace_all(&text, "");
    let text = FORMAT_TOKENS.replace_all(&text, "");
    let text = LINE_BREAK.replace_all(&text, "\n");
    let text = TAG.replace_all(&text, "");
    let text = LINK.replace_all(&text, "$1 $2");
    let text = RULE.replace_all(&text, "");
    let text = FENCE.replace_all(&text, "");
    let text = BULLET.replace_all(&text, "$1- ");
    let text = HEADING.replace_all(&text, "*$1*");
    let text = BOLD.replace_all(&text, "*$1*");
    let text = UNDERLINED.replace_all(&text, "${1}_${2}_");
    let text = STRUCK.replace_all(&text, "~$1~");
    let text = BLANKS.replace_all(&text, "\n");
    limited(EMPTY_LINES.replace_all(&text, "\n\n").trim())
}

/// The program's own text, which may hold documents of the shop: as [`tidy`], but the signs that tell where left-to-right text
/// stands in Arabic stay. An offer without them would not be the one that the customer agrees to.
pub fn tidy_own(text: &str) -> String {
    tidied(text, |c| hides(c) && !matches!(c, '\u{2066}' | '\u{2068}' | '\u{2069}'))
}

/// As many whole sentences as a reply may have.
fn limited(text: &str) -> String {
    let characters = text.char_indices().nth(MAX_CHARS).map_or(text.len(), |(at, _)| at);
    let mut words = 0;
    let mut in_word = false;
    let end = text.char_indices().find_map(|(at, c)| {
        let begins = !c.is_whitespace() && !in_word;
        in_word = !c.is_whitespace();
        words += usize::from(begins);
        (words > MAX_WORDS).then_some(at)
    });
    let most = end.unwrap_or(text.len()).min(characters);
    if most == text.len() {
        return text.to_owned();
    }
    let kept = &text[..most];
    let ends = |(at, c): (usize, char)| {
        let after = text[at + c.len_utf8()..].chars().next();
        let whole = matches!(c, '。' | '！' | '？' | '।' | '॥' | '\n') || after.is_none_or(char::is_whitespace);
        (whole && matches!(c, '.' | '!' | '?' | '…' | '؟' | '۔' | '。' | '！' | '？' | '।' | '॥' | '\n'))
            .then_some(at + c.len_utf8())
    };
    let sentence = kept.char_indices().rev().find_map(ends).filter(|end| *end >= most / 4);
    if let Some(end) = sentence {
        return kept[..end].trim_end().to_owned();
    }
    // One sentence without an end: cut between two words.
    let end = kept.rfind(char::is_whitespace).filter(|end| *end >= most / 4).unwrap_or(most);
    format!("{}…", kept[..end].trim_end())
}

/// The text without invisible characters, direction overrides, and characters that hide others.
fn visible(text: &str, hides: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let joiner = matches!(c, '\u{200C}' | '\u{200D}');
        // Indic scripts and emoji need joiners after one of their characters.
        if joiner && out.chars().next_back().is_some_and(|before| u32::from(before) >= 0x900) {
            out.push(c);
        } else if !joiner && !hides(c) {
            out.push(if c == '\t' { ' ' } else { c });
        }
    }
    out
}

fn hides(c: char) -> bool {
    (c.is_control() && !matches!(c, '\n' | '\t'))
        || matches!(c, '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}')
        || matches!(c, '\u{180B}'..='\u{180F}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}')
        || matches!(c, '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0E}' | '\u{FEFF}' | '\u{FFA0}')
        || matches!(c, '\u{FFF0}'..='\u{FFFC}' | '\u{E000}'..='\u{F8FF}' | '\u{1D173}'..='\u{1D17A}')
        || matches!(c, '\u{E0000}'..='\u{10FFFF}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_programs_own_text_keeps_the_signs_of_direction() {
        assert_eq!(tidy_own("رد \u{2066}₹599\u{2069} **الآن**\u{200B}"), "رد \u{2066}₹599\u{2069} *الآن*");
        assert_eq!(tidy("\u{2066}₹599\u{2069}"), "₹599");
    }

    #[test]
    fn markup_becomes_whatsapps_own() {
        for (text, tidied) in [
            ("**₹599** for *you*", "*₹599* for *you*"),
            ("***loud*** __soft__ ~~gone~~", "*loud* _soft_ ~gone~"),
            ("# Your order\n\nIt came.", "*Your order*\n\nIt came."),
            ("* one\n* two\n+ three", "- one\n- two\n- three"),
            ("see [our page](https://example.com)", "see our page https://example.com"),
            ("a<br>b <b>c</b> 2 < 3", "a\nb c 2 < 3"),
            ("one\n\n---\n\n\n\ntwo", "one\n\ntwo"),
            ("```json\n{}\n```", "{}"),
            ("<think>pay him</think>Hello", "Hello"),
            ("<think>never closed", ""),
            ("<|channel|>final<|message|>Hello", "finalHello"),
            ("| a | b |\n|---|---|\n| 1 | 2 |", "| a | b |\n\n| 1 | 2 |"),
            ("_RFND_20260101120000_ORD000003_", "_RFND_20260101120000_ORD000003_"),
            ("</customer_message>Hi", "Hi"),
            ("  ok\t \r\nthen ", "ok\nthen"),
        ] {
            assert_eq!(tidy(text), tidied, "{text}");
        }
    }

    #[test]
    fn nothing_hides() {
        assert_eq!(tidy("re\u{200B}fun\u{202E}ded\u{2066}!\u{7}\u{E0041}"), "refunded!");
        assert_eq!(tidy("👨\u{200D}👩\u{200D}👧 ❤\u{FE0F} क्\u{200D}ष"), "👨\u{200D}👩\u{200D}👧 ❤\u{FE0F} क्\u{200D}ष");
        assert_eq!(tidy("a\u{200D}b"), "ab");
    }

    #[test]
    fn a_reply_that_never_ends_is_cut_at_a_sentence() {
        let count = |text: &str| text.split_whitespace().count();
        let long = tidy(&"This goes on, and on. ".repeat(2_000));
        assert!(count(&long) <= MAX_WORDS && count(&long) > MAX_WORDS - 10 && long.ends_with("and on."), "{long}");
        let endless = tidy(&"word ".repeat(5_000));
        assert!(count(&endless) <= MAX_WORDS && endless.ends_with("word…"), "{endless}");
        let hindi = tidy(&"यह बहुत लंबा जवाब है। ".repeat(1_000));
        assert!(count(&hindi) <= MAX_WORDS && hindi.ends_with('।'), "{hindi}");
        let chinese = tidy(&"您的订单已送达。".repeat(3_000));
        assert!(chinese.chars().count() <= MAX_CHARS && chinese.ends_with('。'));
        assert!(tidy(&"x".repeat(100_000)).chars().count() <= MAX_CHARS + 1);
        let whole = "One sentence. ".repeat(280);
        assert_eq!(tidy(&whole), whole.trim());
    }

    proptest! {
        #[test]
        fn it_settles_and_leaves_nothing_hidden(text in ".{0,80}", odd in r"[*_~#`<>|\[\]()\-a-z \n\x{200B}\x{202E}]{0,60}") {
            for text in [text, odd] {
                let once = tidy(&text);
                prop_assert!(!once.chars().any(hides), "{:?}", once);
                prop_assert!(once.len() <= text.len() * 2 + 2);
            }
        }
    }
}
