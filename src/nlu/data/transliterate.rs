//! Indic and Arabic letters as the Latin ones in which the same words are typed on telephones: “मेरा ऑर्डर” as “mera order”.
//!
//! An English vocabulary has single letters of these scripts at most, so that what it knows of a word in one script helps
//! with no other. Hindi is often typed in Latin letters, and messages of both kinds become alike here. The result is read by
//! the model only; nobody is ever shown it. A model has it where its `config.json` says `"transliterate": true`.

use std::borrow::Cow;

/// English words as they are written in Devanagari, since what they sound like there is far from how they are spelt.
const LOANWORDS: &str = include_str!("loanwords.txt");

/// The first code points of the scripts that Unicode arranges as ISCII does: a letter has the same place in each.
/// `true` where a vowel that is not written is silent at the end of a word.
const INDIC: [(u32, bool); 9] = [
    (0x0900, true),  // Devanagari
    (0x0980, true),  // Bengali
    (0x0A00, true),  // Gurmukhi
    (0x0A80, true),  // Gujarati
    (0x0B00, true),  // Oriya
    (0x0B80, false), // Tamil
    (0x0C00, false), // Telugu
    (0x0C80, false), // Kannada
    (0x0D00, false), // Malayalam
];

/// What a letter of an Indic script is, by its place in the Devanagari block.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Letter {
    Consonant(&'static str),
    /// At the begin of a syllable.
    Vowel(&'static str),
    /// After a consonant, in place of its own vowel.
    Sign(&'static str),
    /// The consonant before has no vowel.
    Virama,
    Nasal,
    Nukta,
    Other(&'static str),
}

fn letter(place: u32) -> Letter {
    use Letter::{Consonant, Nasal, Nukta, Other, Sign, Virama, Vowel};
    const CONSONANTS: [&str; 37] = [
        "k", "kh", "g", "gh", "n", "ch", "chh", "j", "jh", "n", "t", "th", "d", "dh", "n", "t", "th", "d", "dh", "n",
        "n", "p", "f", "b", "bh", "m", "y", "r", "r", "l", "l", "l", "v", "sh", "sh", "s", "h",
    ];
    const DIGITS: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
    match place {
        0x15..=0x39 => Consonant(CONSONANTS[place as usize - 0x15]),
        0x58 => Consonant("q"),
        0x59 => Consonant("kh"),
        0x5A => Consonant("gh"),
        0x5B => Consonant("z"),
        0x5C => Consonant("d"),
        0x5D => Consonant("dh"),
        0x5E => Consonant("f"),
        0x5F => Consonant("y"),
        0x04 | 0x05 => Vowel("a"),
        0x06 => Vowel("aa"),
        0x07 | 0x08 => Vowel("i"),
        0x09 | 0x0A => Vowel("u"),
        0x0B | 0x60 => Vowel("ri"),
        0x0D..=0x0F => Vowel("e"),
        0x10 => Vowel("ai"),
        0x11..=0x13 => Vowel("o"),
        0x14 => Vowel("au"),
        0x3E => Sign("a"),
        0x3F | 0x40 => Sign("i"),
        0x41 | 0x42 => Sign("u"),
        0x43 | 0x44 => Sign("ri"),
        0x45..=0x47 => Sign("e"),
        0x48 => Sign("ai"),
        0x49..=0x4B => Sign("o"),
        0x4C => Sign("au"),
        0x4D => Virama,
        // Gurmukhi doubles the next consonant with 0x71, and has its nasal at 0x70.
        0x01 | 0x02 | 0x70 => Nasal,
        0x3C => Nukta,
        0x03 => Other("h"),
        0x50 => Other("om"),
        0x64 | 0x65 => Other("."),
        0x66..=0x6F => Other(DIGITS[place as usize - 0x66]),
        _ => Other(""),
    }
}

/// The script block of an Indic letter: its first code point, and whether the last vowel is silent.
fn block(c: char) -> Option<(u32, bool)> {
    let code = u32::from(c);
    INDIC.into_iter().find(|(first, _)| (*first..*first + 0x80).contains(&code))
}

fn arabic(c: char) -> Option<&'static str> {
    Some(match c {
        'ا' | 'أ' | 'إ' | 'آ' | 'ٱ' | 'ى' | 'ة' | 'ع' | '\u{064E}' => "a",
        'ب' => "b",
        'ت' | 'ط' | 'ٹ' => "t",
        'ث' => "th",
        'ج' => "j",
        'ح' | 'ه' | 'ہ' | 'ھ' | 'ۃ' => "h",
        'خ' => "kh",
        'د' | 'ض' | 'ڈ' => "d",
        'ذ' => "dh",
        'ر' | 'ڑ' => "r",
        'ز' | 'ظ' => "z",
        'س' | 'ص' => "s",
        'ش' => "sh",
        'غ' => "gh",
        'ف' => "f",
        'ق' => "q",
        'ك' | 'ک' => "k",
        'ل' => "l",
        'م' => "m",
        'ن' | 'ں' => "n",
        'و' | 'ؤ' => "w",
        'ي' | 'ئ' | 'ی' => "y",
        'پ' => "p",
        'چ' => "ch",
        'ژ' => "zh",
        'گ' => "g",
        'ڤ' => "v",
        'ے' => "e",
        'ء' | 'ـ' | '\u{064B}'..='\u{064D}' | '\u{0651}'..='\u{065F}' | '\u{0670}' => "",
        '\u{064F}' => "u",
        '\u{0650}' => "i",
        '؟' => "?",
        '،' | '؛' => ",",
        '۔' => ".",
        '٠' | '۰' => "0",
        '١' | '۱' => "1",
        '٢' | '۲' => "2",
        '٣' | '۳' => "3",
        '٤' | '۴' => "4",
        '٥' | '۵' => "5",
        '٦' | '۶' => "6",
        '٧' | '۷' => "7",
        '٨' | '۸' => "8",
        '٩' | '۹' => "9",
        _ => return None,
    })
}

/// A text with the letters of these scripts as Latin ones; other letters stay.
pub(crate) fn transliterate(text: &str) -> Cow<'_, str> {
    // Joiners only tell how letters are drawn.
    let is_joiner = |c: char| matches!(c, '\u{200C}' | '\u{200D}');
    if !text.chars().any(|c| block(c).is_some() || arabic(c).is_some()) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut word = String::new();
    let mut kind = None;
    for c in text.chars() {
        let next = match (block(c), arabic(c)) {
            (Some((first, _)), _) => Some(first),
            (None, Some(_)) => Some(0),
            _ if kind.is_some() && is_joiner(c) => continue,
            _ => None,
        };
        if next != kind {
            flush(&mut out, &mut word, kind);
            kind = next;
        }
        match next {
            Some(_) => word.push(c),
            None => out.push(c),
        }
    }
    flush(&mut out, &mut word, kind);
    Cow::Owned(out)
}

fn flush(out: &mut String, word: &mut String, kind: Option<u32>) {
    match kind {
        None => {}
        Some(0) => arabic_word(out, word),
        Some(first) => indic_word(out, word, first),
    }
    word.clear();
}

/// The article is a word of its own: what stands behind it is the same word as without.
fn arabic_word(out: &mut String, word: &str) {
    let rest = word.strip_prefix("ال").filter(|rest| rest.chars().count() >= 3);
    if rest.is_some() {
        out.push_str("al ");
    }
    rest.unwrap_or(word).chars().filter_map(arabic).for_each(|letters| out.push_str(letters));
}

/// A consonant or none, and the vowel behind it or none; what is no syllable is a consonant without vowel.
#[derive(Debug, Default)]
struct Syllable {
    consonant: String,
    vowel: Option<&'static str>,
    /// Whether the vowel is the consonant's own, which is not written.
    inherent: bool,
    nasal: bool,
}

fn indic_word(out: &mut String, word: &str, first: u32) {
    if first == 0x0900
        && let Some(english) = loanword(word)
    {
        out.push_str(english);
        return;
    }
    let silent = INDIC.into_iter().any(|(block, silent)| block == first && silent);
    let mut syllables: Vec<Syllable> = Vec::new();
    for c in word.chars() {
        match letter(u32::from(c) - first) {
            Letter::Consonant(letters) => {
                // Bengali writes the sound of v and b alike, and Gujarati and the south keep ph.
                syllables.push(Syllable {
                    consonant: letters.to_owned(),
                    vowel: Some("a"),
                    inherent: true,
                    nasal: false,
                });
            }
            Letter::Vowel(letters) => {
                syllables.push(Syllable { vowel: Some(letters), ..Syllable::default() });
            }
            Letter::Sign(letters) => match syllables.last_mut() {
                Some(last) => (last.vowel, last.inherent) = (Some(letters), false),
                None => syllables.push(Syllable { vowel: Some(letters), ..Syllable::default() }),
            },
            Letter::Virama => {
                if let Some(last) = syllables.last_mut() {
                    (last.vowel, last.inherent) = (None, false);
                }
            }
            Letter::Nasal => {
                if let Some(last) = syllables.last_mut() {
                    last.nasal = true;
                }
            }
            Letter::Nukta => {
                if let Some(last) = syllables.last_mut() {
                    dotted(&mut last.consonant);
                }
            }
            Letter::Other(letters) => {
                syllables.push(Syllable { consonant: letters.to_owned(), ..Syllable::default() });
            }
        }
    }
    if silent {
        delete_silent(&mut syllables);
    }
    for (at, syllable) in syllables.iter().enumerate() {
        out.push_str(&syllable.consonant);
        out.push_str(syllable.vowel.unwrap_or(""));
        if syllable.nasal {
            let next = syllables.get(at + 1).map_or("", |next| next.consonant.as_str());
            // At the end of a word it is hardly ever typed after these vowels: “nahi”, “hai”, but “kahan”.
            match next.chars().next() {
                Some('p' | 'f' | 'b' | 'm') => out.push('m'),
                None if matches!(syllable.vowel, Some("i" | "e" | "ai")) => {}
                Some(_) | None => out.push('n'),
            }
        }
    }
}

/// The letter with a dot below: other sounds, from Persian and Hindi.
fn dotted(consonant: &mut String) {
    let other = match consonant.as_str() {
        "k" => "q",
        "j" | "jh" => "z",
        _ => return,
    };
    other.clone_into(consonant);
}

/// Vowels that are not written are not spoken either at the end of a word, nor between a vowel and a consonant with one:
/// “कर·ना” is karna, “मद·द” is madad.
fn delete_silent(syllables: &mut [Syllable]) {
    let last = syllables.len().saturating_sub(1);
    for at in (1..syllables.len()).rev() {
        if !syllables[at].inherent || syllables[at].nasal {
            continue;
        }
        let before = syllables[at - 1].vowel.is_some();
        let end = at == last;
        let between = !end && before && syllables[at + 1].vowel.is_some() && !syllables[at + 1].consonant.is_empty();
        if end && (before || at > 1) || between {
            syllables[at].vowel = None;
        }
    }
}

fn loanword(word: &str) -> Option<&'static str> {
    use std::collections::HashMap;
    use std::sync::LazyLock;
    static WORDS: LazyLock<HashMap<&'static str, &'static str>> = LazyLock::new(|| {
        LOANWORDS
            .lines()
            .filter_map(|line| line.split_once(' '))
            .map(|(word, english)| (word, english.trim()))
            .collect()
    });
    WORDS.get(word).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hindi_is_typed_as_people_type_it() {
        for (text, latin) in [
            ("मेरा ऑर्डर कहाँ है?", "mera order kahan hai?"),
            ("मुझे पैसे वापस चाहिए", "mujhe paise wapas chahie"),
            ("करना", "karna"),
            ("मदद", "madad"),
            ("नहीं", "nahi"),
            ("रिफंड कब तक आएगा", "refund kab tak aaega"),
            ("ज़रूरी", "zaruri"),
            ("न", "na"),
            ("ORD१२३४", "ORD1234"),
        ] {
            assert_eq!(transliterate(text), latin, "{text}");
        }
    }

    #[test]
    fn other_scripts_become_latin_too() {
        for (text, latin) in [
            ("أين طلبي؟", "ayn tlby?"),
            ("الطلب رقم ٤٥", "al tlb rqm 45"),
            ("আমার অর্ডার", "aamar ardar"),
            ("મારો ઓર્ડર ક્યાં છે", "maro ordar kyan chhe"),
            ("என் ஆர்டர்", "en aartar"),
            ("నా ఆర్డర్", "na aardar"),
        ] {
            let found = transliterate(text);
            assert!(found.is_ascii(), "{text}: {found}");
            assert_eq!(found, latin, "{text}");
        }
    }

    #[test]
    fn what_is_latin_is_left_alone() {
        for text in ["¿dónde está mi pedido?", "where is it 😡", "Где заказ", ""] {
            assert!(matches!(transliterate(text), Cow::Borrowed(same) if same == text), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_becomes_one_without_these_letters(text in "[\\u0600-\\u06FF\\u0900-\\u0D7Fa-z \\u200C\\u200D]{0,40}") {
            let latin = transliterate(&text);
            assert!(!latin.chars().any(|c| block(c).is_some() || arabic(c).is_some()), "{text} → {latin}");
        }
    }
}
