//! What a customer wrote themselves: a text without what it quotes or forwards of others.
//!
//! Nobody agrees to a refund, names an order or asks for anything by quoting a mail. So what is left out here counts for
//! nothing but the transcript. Nothing is ever added, and no line is changed.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;

use crate::domain::pattern::pattern;

/// The line above a quoted mail, as programs for mail write it: “On 1 June 2026 at 10:00, A Person <a@example.com> wrote:”.
/// Its beginning and its verb are of one language; between them stands who and when. It may be wrapped.
static ATTRIBUTION: LazyLock<Regex> = LazyLock::new(|| {
    // In these the name stands before the verb.
    let before = [
        ("on", "wrote|writes"),
        ("le", "a écrit|a ecrit|écrit"),
        ("el", "escribió|escribio"),
        ("em|no dia|a", "escreveu"),
        ("il(?: giorno)?", "ha scritto"),
    ];
    // And in these after it.
    let after =
        [("am|um", "schrieb(?:en)?"), ("op", "schreef"), ("den", "skrev"), ("w dniu|dnia", "pisze|napisał|napisała")];
    let before = before.map(|(begins, verb)| format!(r"(?:{begins})\s.{{0,300}}?(?:{verb})"));
    let after = after.map(|(begins, verb)| format!(r"(?:{begins})\s.{{0,200}}?(?:{verb})(?:\s.{{0,120}})?"));
    pattern(&format!(r"(?is)^\s*(?:{}|{})\s*[:：]\s*$", before.join("|"), after.join("|")))
});

/// The same in languages where nothing tells its beginning: one line.
static VERB_AT_END: LazyLock<Regex> = LazyLock::new(|| {
    let verbs =
        "пишет|писал|писала|написал|написала|ने लिखा|लिखते हैं|写道|寫道|のメール|さんが書きました|yazdı|menulis|كتب";
    pattern(&format!(r"(?i)\S.{{0,300}}(?:{verbs})\s*[:：]\s*$"))
});

/// The customer's own words, not those of somebody else.
static OWN: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)\b(?:i|we) (?:wrote|writes?)\s*:|schrieb (?:ich|wir)\s*:"));

/// A line that names a sender by an address and ends with a colon, in any language: “‹a@example.com›:”.
static ADDRESSED: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)<\S+@\S+>.{0,60}[:：]\s*$"));

/// The line above a forwarded or an original message: a phrase between dashes, or one that programs put there without.
static DIVIDER: LazyLock<Regex> = LazyLock::new(|| {
    let phrases = "original message|original appointment|forwarded message|forwarded by.*|reply message|\
        ursprüngliche nachricht|weitergeleitete nachricht|message d.origine|message original|message transféré|\
        mensaje original|mensaje reenviado|mensagem original|mensagem encaminhada|messaggio originale|\
        messaggio inoltrato|oorspronkelijk bericht|doorgestuurd bericht|исходное сообщение|пересылаемое сообщение|\
        मूल संदेश|अग्रेषित संदेश|forwarded|quoted text|quoted message";
    pattern(&format!(
        r"(?i)^\s*(?:[-–—_*=]{{2,}}\s*(?:{phrases})\s*[-–—_*=]{{0,}}|begin forwarded message\s*:|anfang der weitergeleiteten nachricht\s*:|inizio messaggio inoltrato\s*:|début du message réexpédié\s*:|(?:fwd|fw|wg)\s*:.*)\s*$"
    ))
});

/// A field of the head of a mail. Two of them in a row, one of which says from whom, begin a quoted mail.
static FIELD: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)^\s*\*?(?P<name>from|sent|date|to|cc|subject|von|gesendet|datum|an|betreff|de|envoyé|à|objet|para|enviado|asunto|assunto|fecha|data|da|inviato|oggetto|van|aan|onderwerp|от|кому|тема|дата)\s*\*?\s*:\*?\s*\S",
    )
});
static SENDER: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)^\s*\*?(?:from|von|de|da|van|от)\s*\*?\s*:"));

/// Lines that an attribution may be wrapped over.
const WRAPPED: usize = 3;

fn is_quoted(line: &str) -> bool {
    let line = line.trim_start_matches(|c: char| c.is_whitespace() || is_invisible(c));
    line.starts_with(['>', '＞']) || line.starts_with("&gt;")
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}

/// How many lines from here on announce a quoted mail; 0 where none do.
fn announces(lines: &[&str]) -> usize {
    let Some(first) = lines.first().filter(|line| !line.trim().is_empty()) else { return 0 };
    if DIVIDER.is_match(first) || VERB_AT_END.is_match(first) || ADDRESSED.is_match(first) {
        return 1;
    }
    for count in 1..=WRAPPED.min(lines.len()) {
        if count > 1 && (lines[count - 1].trim().is_empty() || is_quoted(lines[count - 1])) {
            break;
        }
        let joined = lines[..count].join(" ");
        if ATTRIBUTION.is_match(&joined) && !OWN.is_match(&joined) {
            return count;
        }
    }
    let fields = lines.iter().take_while(|line| FIELD.is_match(line)).count();
    let sender = lines[..fields].iter().any(|line| SENDER.is_match(line));
    if fields >= 2 && sender { fields } else { 0 }
}

/// A text without what it quotes: lines that begin with “>”, and a mail below “… wrote:”, “Original Message” and the
/// like. Where lines with “>” follow such an announcement, the quotation ends with them; otherwise with the text.
pub fn own_words(text: &str) -> Cow<'_, str> {
    let lines: Vec<&str> = text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)).collect();
    let mut own: Vec<&str> = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        if is_quoted(lines[at]) {
            at += 1;
            continue;
        }
        let announced = announces(&lines[at..]);
        if announced == 0 {
            own.push(lines[at]);
            at += 1;
            continue;
        }
        at += announced;
        let below = lines[at..].iter().position(|line| !line.trim().is_empty()).map(|blank| at + blank);
        match below {
            // Only the lines with “>” are quoted: an answer may stand below them.
            Some(below) if is_quoted(lines[below]) => at = below,
            _ => break,
        }
    }
    if own.len() == lines.len() { Cow::Borrowed(text) } else { Cow::Owned(own.join("\n").trim().to_owned()) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_others_wrote_is_left_out() {
        for (text, own) in [
            ("yes\n> Shall I refund ORD000005?", "yes"),
            ("> I want a refund for ORD000005\nwhat is this about?", "what is this about?"),
            (">> yes\n>no", ""),
            ("  > yes\nhello", "hello"),
            ("\u{200B}> yes\nhello", "hello"),
            (
                "Where is it?\n\nOn Mon, 1 June 2026 at 10:00, Help <help@shop.example> wrote:\n> Your order ORD000005\n> came",
                "Where is it?",
            ),
            ("Where is it?\nOn 1 June the shop wrote:\nplease refund ORD000005, yes", "Where is it?"),
            (
                "On Mon, 1 June 2026 at 10:00, The Help Desk\n<help@shop.example> wrote:\n> yes\n\nNo, it is not there",
                "No, it is not there",
            ),
            ("Nein.\nAm 01.06.2026 um 10:00 schrieb Hilfe <hilfe@laden.example>:\n\nja, bitte", "Nein."),
            ("Am Montag schrieb der Laden:\nyes", ""),
            ("Bonjour\nLe lun. 1 juin 2026 à 10:00, Aide <aide@b.example> a écrit :\noui", "Bonjour"),
            ("Hola\nEl lun, 1 jun 2026, Ayuda escribió:\nsí", "Hola"),
            ("रुकिए\nसोम, 1 जून 2026 को Shop <a@b.example> ने लिखा:\nहाँ", "रुकिए"),
            ("等等\n2026年6月1日 店铺 <a@b.example> 写道：\n是", "等等"),
            ("see below\n-----Original Message-----\nFrom: A\nyes", "see below"),
            ("see below\n---------- Forwarded message ---------\nyes", "see below"),
            ("see\nBegin forwarded message:\n\nyes", "see"),
            ("see\nFrom: Asha <asha@mail.example>\nSent: Monday\nTo: Help\nSubject: refund ORD000005\n\nyes", "see"),
            ("see\n*Von:* Asha\n*Gesendet:* Montag\nja", "see"),
            ("FW: refund ORD000005\nyes", ""),
        ] {
            assert_eq!(own_words(text), own, "{text}");
        }
    }

    #[test]
    fn what_customers_write_stays() {
        for text in [
            "",
            "yes",
            "I paid more than > 500 rupees",
            "it says -> delivered, and it is not",
            "On Monday I wrote that ORD000003 is missing, and nobody answered",
            "From Mumbai to Pune: where is it?",
            "From: Mumbai",
            "my order:\nORD000003",
            "order ORD000003\r\n--\r\nAsha",
            "Am I right that it came late?",
            "a note:\nit was wet",
            "I wrote:\nno refund, please",
            "On Monday I wrote:\nORD000003 is missing",
            "On Monday I said it was this one:\nORD000003",
            "El pedido no llegó:\nORD000003",
        ] {
            assert_eq!(own_words(text), text, "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_is_added_and_it_settles(lines in proptest::collection::vec(
            prop_oneof![
                Just("> yes".to_owned()), Just("On 1 June, X wrote:".to_owned()), Just(String::new()),
                Just("-----Original Message-----".to_owned()), Just("From: a@b.example".to_owned()),
                Just("Subject: x".to_owned()), "[a-z> :]{0,12}", ".{0,20}",
            ], 0..8,
        )) {
            let text = lines.join("\n");
            let own = own_words(&text).into_owned();
            let mut rest = text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line).trim());
            for line in own.split('\n').filter(|line| !line.trim().is_empty()) {
                prop_assert!(rest.any(|whole| whole == line.trim()), "{line:?} of {text:?}");
                prop_assert!(!is_quoted(line), "{line:?}");
            }
        }

        #[test]
        fn an_order_that_stands_in_a_quotation_only_is_not_named(own in "[a-z ]{1,20}", before: bool) {
            let quoted = "> about ORD000005: yes";
            let text = if before { format!("{quoted}\n{own}") } else { format!("{own}\n{quoted}") };
            prop_assert!(!own_words(&text).contains("ORD000005"));
            prop_assert!(own_words(&text).contains(own.trim()));
        }

        #[test]
        fn below_an_announcement_nothing_counts(announced in 0..6_usize, below in "[a-z0-9 \n]{0,60}") {
            let announcement = [
                "On 1 June 2026 at 10:00 Shop <a@b.example> wrote:",
                "Am 1. Juni 2026 schrieb Laden:",
                "-----Original Message-----",
                "---------- Forwarded message ----------",
                "From: Asha\nDate: Monday\nSubject: yes",
                "Asha <asha@mail.example>:",
            ][announced];
            let text = format!("hello\n{announcement}\n{below}");
            prop_assert_eq!(own_words(&text), "hello");
        }
    }
}
