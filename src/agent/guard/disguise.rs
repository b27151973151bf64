//! Decides whether a reply is written so that its words can be read: plain letters, in languages this program knows.
//!
//! It must never let a claim pass because it is disguised: what cannot be read counts as said.

use std::sync::LazyLock;

use regex::Regex;

use super::text::pattern;

static SPACED: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)(?:^|[^\w])(?:[a-z](?:\s{1,2}|\s?[.\-_*·•|/+~,]\s?)){4,}[a-z](?:$|[^\w])"));
static BLOB: LazyLock<Regex> = LazyLock::new(|| pattern(r"[A-Za-z0-9+/]{14,}={0,2}"));
/// Words about money in languages whose sentences are not understood here.
static FOREIGN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?ix) \b(?:reembols|rembours|remboursé|r[üu]ckerstatt|erstatte|zur[üu]ckgezahlt|devoluci|devuelt|devolv|rimbors|reintegr|terugbetal|zwrot|zwróc|pengembalian|dikembalikan|dinero|dinheiro|l'argent|argent\b|geld\b|soldi\b|uang\b|iade\b|återbetal|refusi)\w*
        | \b(?:panam|thirumba?|thiruppi\w*|taka\b|pherot|pherat|ferot|parat\b|dabbu\w*|tirigi|tirugu|vapasu|hana\b|marupavati|pacha\b|pachha|kasu\b)\w*
        | টাকা|ফেরত|রিফান্ড|பண(?:ம்|த்தை)|திரும்ப|திருப்பி|ரீஃ?ப[ஃ]?ண்ட்|డబ్బు|రీఫండ్|రిఫండ్|వాపసు|తిరిగి|ಹಣ|ಮರುಪಾವತಿ|ರೀಫಂಡ್|ರಿಫಂಡ್|ವಾಪಸ|പണം|റീഫണ്ട്|തിരികെ|પૈસા|રિફંડ|રીફંડ|પરત|પાછા|ਪੈਸੇ|ਰਿਫੰਡ|ਵਾਪਸ|ଟଙ୍କା|ଫେରସ୍ତ|ରିଫଣ୍ଡ|رقم|واپس|ریفنڈ|پیسے|استرداد|المبلغ|возврат|возвращ|вернул|деньги|退款|退钱|退回|返金|환불",
    )
});

/// A reply that says something in letters that cannot be read, or not in these languages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Disguise {
    /// The letters are not what they look like.
    Letters,
    /// It is about money, in a language that is not understood here.
    Language,
}

/// What of a reply cannot be read. `known`: words that may look odd, such as transactions.
pub(super) fn found(reply: &str, known: &[&str]) -> Option<Disguise> {
    let odd = reply.chars().any(styled) || flags(reply) || mixed(reply);
    if odd || SPACED.is_match(reply) || blob(reply, known) || split_up(reply) {
        return Some(Disguise::Letters);
    }
    FOREIGN.is_match(reply).then_some(Disguise::Language)
}

/// Letters and digits of other fonts: their plain forms do for every message.
fn styled(c: char) -> bool {
    matches!(c,
        '\u{1D400}'..='\u{1D7FF}' | '\u{2460}'..='\u{24FF}' | '\u{2776}'..='\u{2793}' | '\u{FF21}'..='\u{FF3A}'
        | '\u{FF41}'..='\u{FF5A}' | '\u{2070}'..='\u{209C}' | '\u{B9}' | '\u{1D00}'..='\u{1DBF}' | '\u{250}'..='\u{2AF}'
        | '\u{2B0}'..='\u{2B8}' | '\u{2C60}'..='\u{2C7F}' | '\u{A720}'..='\u{A7FF}' | '\u{AB30}'..='\u{AB6F}'
        | '\u{1F100}'..='\u{1F16F}' | '\u{1F172}'..='\u{1F17D}' | '\u{1F180}'..='\u{1F18D}' | '\u{1F18F}' | '\u{1F190}'
        | '\u{1F19B}'..='\u{1F1AD}' | '\u{2160}'..='\u{2188}' | '\u{2800}'..='\u{28FF}' | '\u{13A0}'..='\u{13FF}')
}

/// Letters written with flags.
fn flags(reply: &str) -> bool {
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

/// A word of Latin letters and of others that look like them.
fn mixed(reply: &str) -> bool {
    reply.split(|c: char| !c.is_alphabetic()).any(|word| {
        let latin = word.chars().any(|c| c.is_ascii_alphabetic());
        let alike = |c: char| {
            matches!(c, '\u{370}'..='\u{3FF}' | '\u{400}'..='\u{52F}' | '\u{531}'..='\u{58F}' | '\u{2C80}'..='\u{2CFF}' | '\u{A4D0}'..='\u{A4FF}' | '\u{1F00}'..='\u{1FFF}' | '\u{10A0}'..='\u{10FF}')
        };
        latin && word.chars().any(alike)
    })
}

/// Encoded text.
fn blob(reply: &str, known: &[&str]) -> bool {
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
fn split_up(reply: &str) -> bool {
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
        ] {
            assert_eq!(found(reply, &[]), Some(Disguise::Letters), "{reply}");
        }
    }

    #[test]
    fn money_in_languages_that_are_not_understood_is_seen() {
        for reply in [
            "Su reembolso ha sido procesado.",
            "Votre argent a été remboursé.",
            "Ihr Geld wurde zurückgezahlt.",
            "உங்கள் பணம் திரும்ப அனுப்பப்பட்டது",
            "আপনার টাকা ফেরত দেওয়া হয়েছে",
            "మీ డబ్బు తిరిగి పంపబడింది",
            "Ungal panam thirumba anuppiten",
            "आपका पैसा, 退款已处理",
            "Ваши деньги отправлены",
        ] {
            assert_eq!(found(reply, &[]), Some(Disguise::Language), "{reply}");
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
        ] {
            assert_eq!(found(reply, &["RFND_20260101120000_ORD000003"]), None, "{reply}");
        }
    }
}
