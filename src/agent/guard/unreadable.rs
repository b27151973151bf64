//! Detects disguised letters: other fonts, mixed scripts, spaced and split words, digits for letters, encoded text.
//!
//! It must never let a claim pass because it is disguised: what cannot be read counts as said.

use std::sync::LazyLock;

use regex::Regex;

use super::readable::{is_leet, look_alike};
use crate::domain::pattern::pattern;

static SPACED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?:^|[^\w])(?:\p{L}\p{M}*(?:\s{1,3}|\s?[.\-_*·•|/+~,:;]{1,2}\s?)){4,}\p{L}\p{M}*(?:$|[^\w])")
});
static BLOB: LazyLock<Regex> = LazyLock::new(|| pattern(r"[A-Za-z0-9+/]{14,}={0,2}"));

/// Whether letters of the text are disguised. `known`: words that may look odd, such as transactions.
pub(super) fn is_disguised(text: &str, known: &[&str]) -> bool {
    text.chars().any(is_styled)
        || has_flag_letters(text)
        || has_mixed_scripts(text)
        || SPACED.is_match(text)
        || has_encoded_text(text, known)
        || has_split_words(text)
        || text.split_whitespace().any(|word| is_leet(&word.to_lowercase()) && !known.contains(&word))
        || has_many_marks(text)
}

/// Letters and digits of other fonts: their plain forms do for every message.
fn is_styled(c: char) -> bool {
    matches!(c,
        '\u{1D400}'..='\u{1D7FF}' | '\u{249C}'..='\u{24E9}' | '\u{FF21}'..='\u{FF3A}'
        | '\u{FF41}'..='\u{FF5A}' | '\u{2070}'..='\u{209C}' | '\u{B9}' | '\u{1D00}'..='\u{1DBF}' | '\u{250}'..='\u{2AF}'
        | '\u{2B0}'..='\u{2B8}' | '\u{2C60}'..='\u{2C7F}' | '\u{A720}'..='\u{A7FF}' | '\u{AB30}'..='\u{AB6F}'
        | '\u{1F100}'..='\u{1F16F}' | '\u{1F172}'..='\u{1F17D}' | '\u{1F180}'..='\u{1F18D}' | '\u{1F18F}' | '\u{1F190}'
        | '\u{1F19B}'..='\u{1F1AD}' | '\u{2160}'..='\u{2188}' | '\u{2800}'..='\u{28FF}' | '\u{13A0}'..='\u{13FF}')
}

/// Letters written with flags.
fn has_flag_letters(reply: &str) -> bool {
    let mut run = 0;
    reply.chars().any(|c| {
        run = if matches!(c, '\u{1F1E6}'..='\u{1F1FF}') {
            run + 1
        } else if c == ' ' {
            run
        } else {
            0
        };
        run > 4
    })
}

/// A word of Latin letters and of others that look like them, or one of look-alikes alone among Latin words.
fn has_mixed_scripts(text: &str) -> bool {
    let latin_words = |c: char| c.is_ascii_alphabetic();
    let latin = text.chars().filter(|c| latin_words(*c)).count();
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    text.split(|c: char| !c.is_alphabetic()).any(|word| {
        let others = word.chars().filter(|c| !c.is_ascii()).count();
        let alike = word.chars().filter(|c| look_alike(*c).is_some()).count();
        let foreign = |c: char| matches!(c, '\u{370}'..='\u{3FF}' | '\u{400}'..='\u{58F}' | '\u{2C80}'..='\u{2CFF}' | '\u{A4D0}'..='\u{A4FF}' | '\u{1F00}'..='\u{1FFF}' | '\u{10A0}'..='\u{10FF}');
        let mixed = word.chars().any(|c| c.is_ascii_alphabetic()) && word.chars().any(foreign);
        mixed || (others > 2 && alike == word.chars().count() && latin * 2 > letters)
    })
}

/// Letters with marks heaped on them.
fn has_many_marks(text: &str) -> bool {
    let marks = text
        .chars()
        .filter(|c| matches!(c, '\u{300}'..='\u{36F}' | '\u{1AB0}'..='\u{1AFF}' | '\u{20D0}'..='\u{20E2}'))
        .count();
    marks > 3 && marks * 3 > text.chars().filter(|c| c.is_alphabetic()).count()
}

/// Encoded text.
fn has_encoded_text(reply: &str, known: &[&str]) -> bool {
    BLOB.find_iter(reply).any(|hit| {
        let text = hit.as_str();
        let digits = text.bytes().any(|byte| byte.is_ascii_digit());
        let inside = text[1..].bytes().any(|byte| byte.is_ascii_uppercase())
            && text.bytes().any(|byte| byte.is_ascii_lowercase());
        let hexadecimal = text.len() >= 20 && digits && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        (text.ends_with('=') || (inside && (digits || text.len() >= 20)) || hexadecimal)
            && !known.iter().any(|known| known.contains(text))
    })
}

/// The words that matter, written with signs between or digits for letters: they show where all else is taken out.
fn has_split_words(reply: &str) -> bool {
    let words = ["refund", "escalat", "reimburs"];
    let folded = |c: char| match c {
        '3' | '€' => 'e',
        '0' => 'o',
        '1' | '!' | '|' => 'i',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        c => c.to_ascii_lowercase(),
    };
    let lower = reply.to_lowercase();
    // Words are joined within a line only, and only over signs and single spaces inside of short pieces.
    let joined: String = reply.chars().map(folded).filter(|c| c.is_ascii_alphabetic() || *c == ' ').collect();
    let pieces: String =
        joined
            .split(' ')
            .collect::<Vec<_>>()
            .windows(2)
            .map(|pair| {
                if pair[0].len() <= 5 && pair[1].len() <= 5 {
                    format!("{}{} ", pair[0], pair[1])
                } else {
                    String::new()
                }
            })
            .collect();
    words.iter().any(|word| {
        let plain = lower.matches(word).count();
        joined.matches(word).count() > plain || (plain == 0 && pieces.contains(word) && !pieces.contains("arefund"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disguised_letters_are_seen() {
        for reply in [
            "Your order has been 𝗿𝗲𝗳𝘂𝗻𝗱𝗲𝗱.",
            "It was ｒｅｆｕｎｄｅｄ",
            "It was ⓡⓔⓕⓤⓝⓓⓔⓓ",
            "It was rеfunded",
            "r e f u n d e d",
            "R.E.F.U.N.D.E.D!",
            "your money is r-e-f-u-n-d-e-d now",
            "🇷🇪🇫🇺🇳🇩🇪🇩",
            "Status: UmVmdW5kIGFwcHJvdmVk",
            "Status: UmVmdW5kZWQgNTAwMA==",
            "it has been r3funded",
            "it has been re-fun-ded",
            "it has been ref unded",
            "ʀᴇғᴜɴᴅᴇᴅ",
            "в о з в р а т",
            "r̸̢e̴̡f̷̧u̸̧n̵̨d̶̢e̸̡d̵̢",
            "c4ncelled it",
            "рауоr",
        ] {
            assert!(is_disguised(reply, &[]), "{reply}");
        }
    }

    #[test]
    fn plain_replies_are_read() {
        for reply in [
            "Done: ₹599 for order ORD000003 has been refunded. Your transaction id is RFND_20260101120000_ORD000003.",
            "Aapka order ORD000003 kal deliver hua tha. Aur kuch madad chahiye?",
            "आपका ऑर्डर कल पहुँच गया था। क्या मैं और मदद करूँ?",
            "வணக்கம்! உங்கள் ஆர்டர் எண் என்ன?",
            "¡Hola! ¿Cuál es su número de pedido?",
            "Hello! 👋 😊 ❤️ 🇮🇳 I'm the assistant, e.g. for orders.",
            "Are funds missing? Is it a b c?",
            "Your refund of ₹599 is possible. Shall I go ahead? (yes / no)",
            "The refundable amount: ₹599.",
            "Ваш заказ доставлен.",
            "Ο αριθμός της παραγγελίας;",
            "Your 2nd order at 3pm, 5kg, 24x7.",
        ] {
            assert!(!is_disguised(reply, &["RFND_20260101120000_ORD000003"]), "{reply}");
        }
    }
}
