//! The new value of a change: an address, a time, a telephone number, a word to whoever brings it.
//!
//! It must never make a value up: what a message does not hold is asked for.

use std::sync::LazyLock;

use regex::Regex;

use super::said::{Cue, Said, folded, folded_words, is_in, says};
use crate::domain::ids::IdPatterns;
use crate::domain::pattern::pattern;
use crate::domain::wish::Wish;

/// The argument of the tool that holds the new value.
pub(super) fn argument(wish: Wish) -> &'static str {
    match wish {
        Wish::ChangeAddress => "address",
        Wish::ChangeSlot => "delivery_slot",
        Wish::ChangeContact => "phone",
        _ => "instructions",
    }
}

/// The new value that a message holds, for the customer's order. `asked`: the message answers the question for it.
pub(super) fn value(wish: Wish, text: &str, patterns: &IdPatterns, asked: bool) -> Option<String> {
    match wish {
        Wish::ChangeAddress => address(text, patterns, asked),
        Wish::ChangeSlot => slot(text, patterns, asked),
        Wish::ChangeContact => phone(text, patterns),
        _ => instructions(text, patterns, asked),
    }
}

/// Sizes as they stand on clothes.
const SIZES: &str =
    "xs s m l xl xxl xxxl 2xl 3xl 4xl 5xl small medium large pequena pequeno mediana medio grande chhota bada";
/// Words before a size.
const BEFORE_SIZE: &str = "size sizes talla tamanho numero number uk eu us साइज साइज़ नंबर مقاس قياس";
/// Words between a wish and what is wished.
const ARTICLES: &str = "a an the un una uno um uma one";
/// Words before a size or a colour that is wished, and behind one.
const WISHED_BEFORE: &str = "for to into in want need with by por para pelo pela em quero quiero";
const WISHED_BEHIND: &str = "chahiye chaiye instead चाहिए";
/// Colours.
const COLOURS: &str = "\
    black white red blue green yellow grey gray pink brown beige purple orange navy maroon kala safed lal neela hara peela gulabi bhura \
    negro negra blanco blanca rojo roja azul verde amarillo amarilla gris rosa marron preto preta branco branca vermelho vermelha \
    amarelo amarela cinza काला काली सफेद लाल नीला नीली हरा हरी पीला गुलाबी اسود سوداء ابيض بيضاء احمر حمراء ازرق زرقاء اخضر خضراء";

/// The size or colour that a message names in place of what came; none where it names several, or none that is known.
pub(super) fn variant(text: &str) -> Option<String> {
    let words: Vec<&str> =
        text.split_whitespace().map(|word| word.trim_matches(|c: char| !c.is_alphanumeric())).collect();
    let known = |at: usize| {
        let folded = folded(words[at]);
        let before = at.checked_sub(1).is_some_and(|before| is_in(BEFORE_SIZE, &super::said::folded(words[before])));
        let number = before && !folded.is_empty() && folded.len() <= 3 && folded.chars().all(|c| c.is_ascii_digit());
        // A single letter may be a word, or what is left of one.
        let letter = folded.chars().count() == 1 && !before && words[at].chars().any(char::is_lowercase);
        (number || is_in(SIZES, &folded) || is_in(COLOURS, &folded)) && !letter
    };
    let mut found = (0..words.len()).filter(|at| known(*at));
    let (first, more) = (found.next()?, found.next());
    let sized = first.checked_sub(1).filter(|before| is_in(BEFORE_SIZE, &folded(words[*before])));
    let from = sized.unwrap_or(first);
    // “It is too small” says what it is, not what is wished.
    let before = words[..from].iter().rev().map(|word| folded(word)).find(|word| !is_in(ARTICLES, word));
    let behind = words.get(first + 1).map(|word| folded(word));
    let wished = before.is_some_and(|word| is_in(WISHED_BEFORE, &word))
        || behind.is_some_and(|word| is_in(WISHED_BEHIND, &word));
    (more.is_none() && wished).then(|| words[from..=first].join(" "))
}

/// Words before an address that are no part of it.
const BEFORE_ADDRESS: &str = "\
    change update the my delivery address of for order to is new please pls plz need want i send sent deliver \
    it this instead can you ka ki ko pata badal badalkar kar do karo naya nayi hai cambiar cambien necesito \
    quiero la el direccion del de pedido a nueva es por favor mudar o endereco para novo quero preciso e पता \
    बदल दीजिए दें दो कर नया का की को में है ऑर्डर के लिए غير غيروا العنوان عنوان الي الجديد الطلب اريد تغيير \
    هو لطلب من sorry hi hello kindly on in at sir bhai office home mein me par pe wala wale bhej bhejo dena \
    dijiye kariye yeh ye";

/// Where the new address begins, in languages that say “the address … to …”.
static AFTER_ADDRESS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:address\b[^.?!\n:\d]{0,60}?\s(?:to|is now|should be)|(?:direcci[oó]n|endere[cç]o)\b[^.?!\n:\d]{0,60}?\s(?:(?-i:a)|para))\s+(\S.*\d.*)$",
    )
});

fn address(text: &str, patterns: &IdPatterns, asked: bool) -> Option<String> {
    let bare = without_ids(text, patterns);
    // “And change the address to …”: what is said before is about something else.
    let bare = AFTER_ADDRESS
        .captures(&bare)
        .and_then(|found| found.get(1))
        .map_or(bare.clone(), |rest| rest.as_str().trim().to_owned());
    // What follows a colon is the address, where it is more than a word.
    let after = bare
        .split_once([':', '：'])
        .map(|(_, after)| after.trim())
        .filter(|after| after.split_whitespace().count() >= 2);
    let candidate = after.map_or_else(|| without_leading(&bare), str::to_owned);
    let candidate = trimmed(&candidate);
    let words = folded_words(&candidate);
    // An address has a number of a house or a postal code; an answer to the question may do with words.
    let numbered = words.iter().any(|word| word.chars().any(|c| c.is_ascii_digit()));
    let telling = words.iter().filter(|word| !is_in(BEFORE_ADDRESS, word)).count();
    (telling >= 2 && (numbered || (asked && telling >= 3))).then_some(candidate)
}

/// The text from the first word on that belongs to an address.
fn without_leading(text: &str) -> String {
    let mut rest = text.trim();
    while let Some(first) = rest.split_whitespace().next() {
        let words = folded_words(first);
        let skipped = words.is_empty() || words.iter().all(|word| is_in(BEFORE_ADDRESS, word));
        if !skipped {
            break;
        }
        rest = rest[rest.find(first).unwrap_or(0) + first.len()..].trim_start();
    }
    rest.to_owned()
}

/// Words that tell a time.
const SAYING: &str = "\
    tomorrow today tonight morning evening afternoon night noon am pm monday tuesday wednesday thursday \
    friday saturday sunday weekend next after before kal aaj parso shaam sham subah dopahar raat baje baad \
    somvar manana hoy tarde noche lunes martes miercoles jueves viernes sabado domingo amanha hoje manha \
    noite segunda terca quarta quinta sexta horas hora غدا بكره اليوم مساء صباحا الصباح المساء الجمعه السبت \
    الاحد الاثنين الثلاثاء الاربعاء الخميس कल आज परसों शाम सुबह दोपहर रात बजे बाद सोमवार मंगलवार बुधवार \
    गुरुवार शुक्रवार शनिवार रविवार";

fn slot(text: &str, patterns: &IdPatterns, asked: bool) -> Option<String> {
    let bare = without_ids(text, patterns);
    let said = Said::new(&bare);
    let clock = |word: &str| {
        let rest = word.trim_start_matches(|c: char| c.is_ascii_digit());
        rest.len() < word.len() && ["am", "pm", "h", ""].contains(&rest)
    };
    let tells = said.words.iter().any(|word| is_in(SAYING, word) || clock(word));
    (tells || (asked && said.words.len() >= 2)).then(|| trimmed(&bare))
}

/// A telephone number: at least seven digits that are no order id.
fn phone(text: &str, patterns: &IdPatterns) -> Option<String> {
    let bare = without_ids(text, patterns);
    let digits = |c: char| c.is_numeric() || matches!(c, '+' | ' ' | '-' | '(' | ')');
    let mut best: Option<String> = None;
    for part in bare.split(|c: char| !digits(c)) {
        let number: String = folded(part).chars().filter(|c| c.is_ascii_digit() || *c == '+').collect();
        let count = number.chars().filter(char::is_ascii_digit).count();
        if (7..=15).contains(&count) && best.as_ref().is_none_or(|known| known.len() < number.len()) {
            best = Some(number);
        }
    }
    best
}

fn instructions(text: &str, patterns: &IdPatterns, asked: bool) -> Option<String> {
    let bare = without_ids(text, patterns);
    let said = Said::new(&bare);
    let tells = says(&said.words, Cue::Instructions);
    ((tells && said.words.len() >= 3) || (asked && said.words.len() >= 2)).then(|| trimmed(&bare))
}

fn without_ids(text: &str, patterns: &IdPatterns) -> String {
    let bare = patterns.without_ids(text);
    bare.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn trimmed(text: &str) -> String {
    text.trim()
        .trim_matches(|c: char| {
            matches!(c, ',' | ';' | ':' | '-' | '?' | '!' | '.' | '।' | '–' | '—') || c.is_whitespace()
        })
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(wish: Wish, text: &str) -> Option<String> {
        value(wish, text, &IdPatterns::default(), false)
    }

    #[test]
    fn addresses_are_taken_whole() {
        for (text, address) in [
            (
                "send ORD610105 to my office instead: 4th Floor, Orchid Tower, 22 Residency Road, Bengaluru 560038",
                "4th Floor, Orchid Tower, 22 Residency Road, Bengaluru 560038",
            ),
            ("change the address of ORD610129 to 9 Hill View, Pune 411045", "9 Hill View, Pune 411045"),
            (
                "has it come? and change the address of the lamp order to 9 Lake Road, Nagpur 440022",
                "9 Lake Road, Nagpur 440022",
            ),
            (
                "cambiar la dirección del pedido ORD610132: apartamento 7C, Lotus Residency, Bengaluru 560102",
                "apartamento 7C, Lotus Residency, Bengaluru 560102",
            ),
        ] {
            assert_eq!(found(Wish::ChangeAddress, text).as_deref(), Some(address), "{text}");
        }
        assert_eq!(found(Wish::ChangeAddress, "please change my delivery address of ORD610105"), None);
    }

    #[test]
    fn the_size_or_colour_that_is_wished_is_found() {
        for (text, wished) in [
            ("can I exchange it for an XL instead?", Some("XL")),
            ("swap it for size 42 please", Some("size 42")),
            ("size M chahiye", Some("size M")),
            ("it is too small, I want to exchange it", None),
            ("me queda grande, quiero cambiarlo", None),
            ("I got the red one, exchange it", None),
            ("exchange it please, not black", None),
            ("¿lo cambian por uno azul?", Some("azul")),
            ("I need another size", None),
            ("not black, I want the blue one", None),
            ("what's the matter, exchange it", None),
        ] {
            assert_eq!(variant(text).as_deref(), wished, "{text}");
        }
    }

    #[test]
    fn times_numbers_and_notes_are_found_or_asked_for() {
        assert!(
            found(Wish::ChangeSlot, "can ORD610123 come tomorrow between 6 and 8")
                .unwrap()
                .contains("tomorrow between 6 and 8")
        );
        assert_eq!(found(Wish::ChangeSlot, "change the slot of ORD610123 please"), None);
        assert_eq!(found(Wish::ChangeContact, "नया नंबर 9123400567 है").as_deref(), Some("9123400567"));
        assert_eq!(found(Wish::ChangeContact, "नया नंबर ९१२३४००५६७ है").as_deref(), Some("9123400567"));
        assert_eq!(found(Wish::ChangeContact, "change my number for ORD610112"), None);
        assert!(found(Wish::Instructions, "ghanti na bajaye, gate pe chhod de").unwrap().contains("ghanti na bajaye"));
        assert_eq!(found(Wish::Instructions, "add a note"), None);
    }
}
