//! Finds links, telephone numbers and addresses, however they are written.
//!
//! It must never depend on a list of known schemes or top-level domains alone: whatever reads as an address is one.

use std::sync::LazyLock;

use regex::Regex;
use unicode_normalization::UnicodeNormalization;

use super::readable::{digit, is_invisible, look_alike};
use crate::domain::currency::{SIGN_AFTER, SIGN_BEFORE};
use crate::domain::ids::IdPatterns;
use crate::domain::pattern::pattern;

/// Top-level domains that are no words: after a space or as a word they still end an address.
const DOMAINS: &str = r"(?:com|net|org|info|biz|xyz|shop|store|online|site|website|live|club|dev|app|link|click|top|vip|icu|cc|tv|io|ly|co|gg|tk|ru|cn|in|uk|us|de|fr|es|br|pk|bd|lk|np|ae|sa|ng|ke|za|au|ca|eu|support|help|services?|pay|money|cash|page|tech|cloud|digital|global|world|today|win|loan|bank|finance|market|email|chat|care|sale|buzz|fun|space|fit|gle|gl|gd|рф|рус|укр|भारत|中国|中國|公司|网址|在线|한국|ไทย|مصر|السعودية|امارات|ভারত|இந்தியா|భారత్)";

static SCHEME: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b[a-z][a-z0-9+.\-]{1,24}\s?:\s?/\s?/\s?\S+|\bh\W?[tx]\W?[tx]\W?p\W?s?\s?:\S*|\b(?:upi|tel|sms|smsto|mailto|whatsapp|intent|tg|geo|callto|skype|viber|data|javascript|market|bitcoin|sip|facetime|line|weixin|paytm|phonepe|gpay|tez)\s?:\s?/{0,2}\s?[\w+@][^\s]*",
    )
});
static DOTTED: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"[\p{L}\p{M}\p{N}_-]+(?:[.．｡。][\p{L}\p{M}\p{N}_-]+)+(?:[/?#:]\S*)?"));
static NUMERIC: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b\d{1,3}(?:\.\d{1,3}){3}\b"));
static SPACED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"(?i)[\p{{L}}\p{{N}}-]{{2,}}(?:\s+\.\s*[\p{{L}}]{{2,}}|\s*\.\s+(?:com|net|org|info|biz|xyz|shop|store|online|site|io|ly|app|link|click|ru|cn|co\s*\.\s*(?:in|uk))\b)|[\p{{L}}\p{{N}}-]{{2,}}\s+(?:dot|punto|punkt|ponto|point|kropka|nokta|titik|dott|точка|тчк|डॉट|नुक्ता|نقطة|ڈاٹ|点|點|ドット|점|จุด|ডট|டாட்|డాట్)\s+{DOMAINS}(?:\b|$)"
    ))
});
static BRACKETED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)[\p{L}\p{N}._-]+\s*[\[({<«]\s*(?:\.|dot|d0t|punto|punkt|ponto|point|точка|डॉट|at|@|arroba|ät|собака)\s*[\])}>»]\s*[\p{L}\p{N}._-]+",
    )
});
static AT: LazyLock<Regex> = LazyLock::new(|| pattern(r"[\p{L}\p{N}._%+-]*\s?[@＠﹫]\s?[\p{L}][\p{L}\p{N}._-]*"));
static AT_WORD: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"(?i)[\p{{L}}\p{{N}}._-]+\s+(?:at|arroba|ät)\s+[\p{{L}}\p{{N}}-]+\s*(?:\.|\bdot\b|\bpunto\b)\s*{DOMAINS}\b|\b[\p{{L}}\p{{N}}._-]+\s+at\s+(?:gmail|yahoo|hotmail|outlook|proton\w*|ok\w+|ybl|paytm|upi)\b"
    ))
});
/// What is looked for first, because it is quick: without it the patterns above find nothing.
static DOT_WORD: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?i)dot|punt|ponto|point|kropka|nokta|titik|точка|тчк|डॉट|नुक्ता|نقطة|ڈاٹ|点|點|ドット|점|จุด|ডট|டாட்|డాట్")
});
static SPACED_DOT: LazyLock<Regex> = LazyLock::new(|| pattern(r"\s\.|\.\s"));
static DOT_INSIDE: LazyLock<Regex> = LazyLock::new(|| pattern(r"[^\s.][.．｡。][^\s.]"));
static AT_WORDS: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)\s(?:at|arroba|ät)\s"));
static DIGITS: LazyLock<Regex> = LazyLock::new(|| pattern(r"\+?\(?\d(?:[ ().\-–—‑·•_*,/|~']{0,3}\d){4,}"));
static DATE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"^\(?(?:(?:19|20)\d{2}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.](?:19|20)\d{2})(?:\D|$)")
});
/// A currency before digits, or after them: they are an amount.
static MONEY: LazyLock<Regex> = LazyLock::new(|| pattern(&format!(r"(?i){SIGN_BEFORE}\s*$")));
static MONEY_AFTER: LazyLock<Regex> = LazyLock::new(|| pattern(&format!(r"(?i)^\s*{SIGN_AFTER}")));

/// Words that stand before a dot without an address beginning there.
const ABBREVIATIONS: [&str; 16] =
    ["rs", "mr", "mrs", "ms", "dr", "st", "no", "nr", "vs", "sr", "sra", "jr", "prof", "approx", "inr", "etc"];

/// The links, telephone numbers and addresses of a text, as they are written there.
pub(super) fn contacts(text: &str, patterns: &IdPatterns) -> Vec<String> {
    let text = unstyled(text);
    let mut found: Vec<String> = Vec::new();
    let has = |signs: &[char]| text.contains(signs);
    let digits = text.contains(|c: char| c.is_ascii_digit());
    let dot = has(&['.', '．', '｡', '。']);
    for (pattern, possible) in [
        (&*SCHEME, has(&[':'])),
        (&*NUMERIC, digits && dot),
        (&*SPACED, DOT_WORD.is_match(&text) || (dot && SPACED_DOT.is_match(&text))),
        (&*BRACKETED, has(&['[', '(', '{', '<', '«'])),
        (&*AT, has(&['@', '＠', '﹫'])),
        (&*AT_WORD, AT_WORDS.is_match(&text)),
    ] {
        if possible {
            found.extend(pattern.find_iter(&text).map(|hit| trimmed(hit.as_str())));
        }
    }
    if dot && DOT_INSIDE.is_match(&text) {
        found.extend(DOTTED.find_iter(&text).map(|hit| trimmed(hit.as_str())).filter(|hit| is_domain(hit)));
    }
    if !digits {
        return found;
    }
    let ids = patterns.ids_in(&text);
    for hit in DIGITS.find_iter(&text) {
        let shown = hit.as_str();
        let before = &text[..hit.start()];
        let joined = before.ends_with(|c: char| c.is_alphanumeric() || c == '_')
            || text[hit.end()..].starts_with(|c: char| c.is_alphabetic() || c == '_');
        // An id that the words around it call one; the digits alone may be anything.
        let an_id = ids.iter().any(|id| id.start < hit.end() && hit.start() < id.end)
            || !patterns.customers_in(shown).is_empty();
        if !(joined
            || an_id
            || DATE.is_match(shown)
            || MONEY.is_match(before)
            || MONEY_AFTER.is_match(&text[hit.end()..]))
        {
            found.push(shown.trim().to_owned());
        }
    }
    found
}

/// The digits of a contact that is a number.
pub(super) fn digits_of(contact: &str) -> Option<String> {
    let number = contact.chars().all(|c| !c.is_alphabetic());
    number.then(|| contact.chars().filter(char::is_ascii_digit).collect())
}

/// Whether a contact is a link.
pub(super) fn is_link(contact: &str) -> bool {
    !contact.contains('@') && contact.chars().any(char::is_alphabetic)
}

fn trimmed(hit: &str) -> String {
    hit.trim().trim_end_matches(['.', ',', ')', '!', '?', ':', ';']).to_owned()
}

/// The text with plain letters and digits in their case, and Latin letters for those that look like them.
fn unstyled(text: &str) -> String {
    let plain: String = text.chars().filter(|c| !is_invisible(*c)).nfkc().map(digit).collect();
    let mixed =
        |word: &str| word.chars().any(|c| c.is_ascii_alphabetic()) && word.chars().any(|c| look_alike(c).is_some());
    plain
        .split_inclusive(char::is_whitespace)
        .map(
            |word| {
                if mixed(word) { word.chars().map(|c| look_alike(c).unwrap_or(c)).collect() } else { word.to_owned() }
            },
        )
        .collect()
}

/// Whether words with dots between are an address, and not abbreviations, a decimal or the end of a sentence.
fn is_domain(hit: &str) -> bool {
    if hit.contains(['/', '?', '#', ':']) {
        return true;
    }
    let labels: Vec<&str> = hit.split(['.', '．', '｡', '。']).collect();
    let (Some(first), Some(last)) = (labels.first(), labels.last()) else { return false };
    let previous = labels[labels.len() - 2];
    let short =
        labels.iter().all(|label| label.chars().count() <= 2) && labels.iter().any(|label| label.chars().count() == 1);
    let letters = last.chars().filter(|c| c.is_alphabetic()).count();
    let abbreviated = labels.len() == 2 && ABBREVIATIONS.contains(&first.to_lowercase().as_str());
    if letters < 2 || !last.starts_with(char::is_alphabetic) || short || abbreviated {
        return false;
    }
    // “Thanks.In a minute”: a sentence begins. “Evil.Com”: none does.
    let title = last.starts_with(char::is_uppercase) && last.chars().skip(1).all(char::is_lowercase);
    let words = [
        "in", "it", "is", "me", "my", "so", "to", "us", "be", "no", "do", "at", "as", "we", "by", "an", "am", "la",
        "de", "es", "live", "help", "today", "top", "click", "link", "pay", "please",
    ];
    let lower = last.to_lowercase();
    if title && previous.ends_with(char::is_lowercase) {
        return !words.contains(&lower.as_str()) && is_top_level(&lower);
    }
    // Scripts without capitals: two sentences without a space are usual.
    let caseless = last.chars().any(|c| c.is_alphabetic() && !c.is_lowercase() && !c.is_uppercase());
    if caseless { is_top_level(&lower) || hit.chars().any(|c| c.is_ascii_alphabetic()) } else { true }
}

fn is_top_level(word: &str) -> bool {
    static WHOLE: LazyLock<Regex> = LazyLock::new(|| pattern(&format!("^{DOMAINS}$")));
    WHOLE.is_match(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<String> {
        contacts(text, &IdPatterns::default())
    }

    #[test]
    fn an_address_is_one_however_it_is_written() {
        for text in [
            "pay at https://evil.example/x",
            "see www.evil.example",
            "go to refunds-now.com/claim please",
            "evil[.]com",
            "evil .com",
            "evil . com",
            "evil dot com",
            "EVIL.COM",
            "Evil.Com",
            "ｅｖｉｌ．ｃｏｍ",
            "еvil.сom",
            "hxxps://evil.example",
            "https : // evil.example",
            "upi://pay?pa=x",
            "tg://resolve?x=1",
            "magnet+x://a",
            "t.me/evil",
            "bit.ly/3xYz",
            "evil.भारत",
            "пример.рф",
            "evil.museum",
            "10.20.30.40",
            "call +91 98765 43210",
            "call 1800 123 4567",
            "call 9 8 7 6 5 4 3 2 1 0",
            "ring ९८७६५४३२१०",
            "dial 98765",
            "mail help@evil.example",
            "pay to thief@okbank",
            "care [at] evil [dot] support",
            "help at evil dot com",
            "write to @evil_support",
            "wa.me/919876543210",
            "Telegram: tg:evil",
        ] {
            assert!(!of(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_none() {
        for text in [
            "Your order ORD000003 came on 2026-06-01 at 10:30.",
            "It came on 01.06.2026.",
            "RFND_20260101120000_ORD000003",
            "Thanks.In a minute I can tell more, e.g. the status.",
            "₹12,34,567.00 is a lot",
            "Mr.Sharma has 2.5 kg at 7 a.m. or 5 p.m.",
            "It looks like ORD123456 or CUST1234.",
            "It came in 25 minutes... ok",
            "आपका ऑर्डर पहुँच गया है.और कुछ?",
            "Rs.599 of Rs. 1299",
            "Shall I bring one in? (yes / no)",
        ] {
            assert!(of(text).is_empty(), "{text}: {:?}", of(text));
        }
    }
}
