//! Writes a text as plainly as it can be read, so that no disguise changes what it is judged by: letters of other fonts,
//! look-alikes, marks, invisible characters, digits for letters and digits of other scripts become plain ones.
//!
//! It must never be what is sent: only what is looked at.

use unicode_normalization::UnicodeNormalization;

/// The text in plain lower-case letters and digits. Signs and spaces stay where they are.
pub(super) fn fold(text: &str) -> String {
    if text.is_ascii() {
        return words_unmasked(&text.replace(|c: char| is_invisible(c), "").to_ascii_lowercase().replace('`', "'"));
    }
    let plain: String = text.chars().filter(|c| !is_invisible(*c)).map(styled).collect();
    let decomposed = plain.nfkd().filter(|c| !is_mark(*c)).map(|c| digit(letter(c)));
    let lower: String = decomposed.nfc().flat_map(char::to_lowercase).map(letter).collect();
    let lower: String = lower.nfkd().filter(|c| !is_mark(*c)).nfc().collect();
    words_unmasked(&lower)
}

/// Characters without a shape of their own.
pub(super) fn is_invisible(c: char) -> bool {
    (c.is_control() && c != '\n')
        || matches!(
            c,
            '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{3164}'
        )
        || matches!(c, '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{FFA0}')
        || matches!(c, '\u{2060}'..='\u{206F}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFF0}'..='\u{FFFC}')
        || matches!(c, '\u{E000}'..='\u{F8FF}' | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{10FFFF}')
}

/// Marks above, below and through letters. Vowel signs of Indic scripts are letters here.
pub(super) fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36F}' | '\u{483}'..='\u{489}' | '\u{591}'..='\u{5C7}' | '\u{610}'..='\u{61A}')
        || matches!(c, '\u{64B}'..='\u{65F}' | '\u{670}' | '\u{640}' | '\u{6D6}'..='\u{6ED}' | '\u{93C}' | '\u{9BC}')
        || matches!(c, '\u{A3C}' | '\u{ABC}' | '\u{B3C}' | '\u{1AB0}'..='\u{1AFF}' | '\u{1DC0}'..='\u{1DFF}')
        || matches!(c, '\u{20D0}'..='\u{20FF}' | '\u{FE20}'..='\u{FE2F}' | '\u{3099}'..='\u{309A}')
}

/// Letters in boxes and circles that Unicode gives no plain form, and letters written with flags.
fn styled(c: char) -> char {
    let from = |first: u32| char::from_u32(u32::from('a') + (u32::from(c) - first)).unwrap_or(c);
    match c {
        '\u{1F150}'..='\u{1F169}' => from(0x1F150),
        '\u{1F170}'..='\u{1F189}' => from(0x1F170),
        '\u{1F1E6}'..='\u{1F1FF}' => from(0x1F1E6),
        '’' | '‘' | 'ʼ' | '`' | '´' => '\'',
        '₨' | '৳' | '௹' | '૱' | '௺' => '₹',
        '٪' => '%',
        other => other,
    }
}

/// Letters that are a plain one with a stroke, a small capital or turned.
fn letter(c: char) -> char {
    match c {
        'ı' | 'ɪ' | 'ɩ' | 'ɨ' => 'i',
        'ł' | 'ʟ' | 'ɫ' | 'ƚ' => 'l',
        'ø' | 'ᴏ' | 'ɔ' | 'ɵ' => 'o',
        'đ' | 'ð' | 'ᴅ' | 'ɖ' | 'ɗ' => 'd',
        'ħ' | 'ʜ' | 'ɦ' => 'h',
        'ŧ' | 'ᴛ' | 'ʈ' => 't',
        'ᴀ' | 'ɑ' | 'ɐ' => 'a',
        'ʙ' | 'ɓ' | 'ƀ' => 'b',
        'ᴄ' | 'ƈ' => 'c',
        'ᴇ' | 'ə' | 'ɛ' | 'ǝ' | 'ɘ' => 'e',
        'ғ' | 'ꜰ' | 'ƒ' => 'f',
        'ɢ' | 'ɡ' | 'ǥ' => 'g',
        'ᴊ' | 'ʝ' | 'ɉ' => 'j',
        'ᴋ' | 'ƙ' => 'k',
        'ᴍ' | 'ɱ' => 'm',
        'ɴ' | 'ɲ' | 'ŋ' => 'n',
        'ᴘ' | 'ƥ' => 'p',
        'ꞯ' => 'q',
        'ʀ' | 'ɹ' | 'ɾ' => 'r',
        'ꜱ' | 'ʂ' => 's',
        'ᴜ' | 'ʊ' | 'ʉ' => 'u',
        'ᴠ' | 'ʋ' => 'v',
        'ᴡ' | 'ɯ' => 'w',
        'ʏ' | 'ɏ' => 'y',
        'ᴢ' | 'ʐ' | 'ƶ' => 'z',
        'ي' | 'ى' => 'ی',
        'ك' => 'ک',
        'ة' => 'ه',
        other => other,
    }
}

/// Where the digits of a script begin.
const ZEROS: [u32; 20] = [
    0x660, 0x6F0, 0x7C0, 0x966, 0x9E6, 0xA66, 0xAE6, 0xB66, 0xBE6, 0xC66, 0xCE6, 0xD66, 0xDE6, 0xE50, 0xED0, 0xF20,
    0x1040, 0x17E0, 0x1810, 0xFF10,
];

/// The plain digit.
pub(super) fn digit(c: char) -> char {
    let value = ZEROS.iter().map(|zero| u32::from(c).wrapping_sub(*zero)).find(|value| *value < 10);
    value.and_then(|value| char::from_digit(value, 10)).unwrap_or(c)
}

/// The Latin letter that a Cyrillic, Greek, Armenian or Cherokee one looks like.
pub(super) fn look_alike(c: char) -> Option<char> {
    Some(match c {
        'а' | 'α' => 'a',
        'в' | 'β' => 'b',
        'с' | 'ϲ' => 'c',
        'ԁ' => 'd',
        'е' | 'є' | 'ε' => 'e',
        'ԍ' => 'g',
        'һ' | 'н' | 'հ' | 'η' => 'h',
        'і' | 'ї' | 'ι' => 'i',
        'ј' => 'j',
        'к' | 'κ' => 'k',
        'ӏ' | 'լ' => 'l',
        'м' | 'μ' => 'm',
        'п' | 'ո' | 'ν' => 'n',
        'о' | 'ο' | 'օ' | 'σ' => 'o',
        'р' | 'ρ' => 'p',
        'ԛ' => 'q',
        'г' | 'ѓ' => 'r',
        'ѕ' | 'տ' => 's',
        'т' | 'τ' => 't',
        'и' | 'ս' | 'υ' | 'џ' => 'u',
        'ѵ' => 'v',
        'ш' | 'ԝ' | 'ω' | 'щ' => 'w',
        'х' | 'χ' => 'x',
        'у' | 'γ' => 'y',
        'ʒ' | 'ζ' => 'z',
        _ => return None,
    })
}

/// The letter that a digit or sign stands for inside of a word.
fn leet(c: char) -> Option<char> {
    Some(match c {
        '0' => 'o',
        '1' | '!' | '|' => 'i',
        '3' | '€' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        '8' => 'b',
        _ => return None,
    })
}

/// Words of look-alikes and of digits for letters, in plain letters.
fn words_unmasked(text: &str) -> String {
    let latin = text.chars().filter(char::is_ascii_alphabetic).count();
    let mostly_latin = latin * 2 > text.chars().filter(|c| c.is_alphabetic()).count();
    let mut out = String::with_capacity(text.len());
    for word in text.split_inclusive(|c: char| c.is_whitespace()) {
        let mut has_latin = false;
        let (mut others, mut alike) = (0, 0);
        for c in word.chars().filter(|c| c.is_alphabetic()) {
            if c.is_ascii() {
                has_latin = true;
            } else {
                others += 1;
                alike += usize::from(look_alike(c).is_some());
            }
        }
        let unmask = others > 0 && alike == others && (has_latin || mostly_latin);
        let leetspeak = is_leet(word);
        for c in word.chars() {
            let c = if unmask { look_alike(c).unwrap_or(c) } else { c };
            out.push(if leetspeak { leet(c).unwrap_or(c) } else { c });
        }
    }
    out
}

/// Whether a word is written with digits or signs between its letters.
pub(super) fn is_leet(word: &str) -> bool {
    let word = word.trim_matches(|c: char| !c.is_alphanumeric() && !matches!(c, '$' | '@' | '€'));
    let word: Vec<char> = word.chars().collect();
    let letters = word.iter().filter(|c| c.is_ascii_alphabetic()).count();
    if letters < 3 || word.len() > 24 || word.iter().any(|c| matches!(c, '/' | ':' | '.' | '_')) {
        return false;
    }
    let inside = |at: usize| {
        let near = |c: Option<&char>| c.is_some_and(char::is_ascii_alphabetic);
        leet(word[at]).is_some() && near(word.get(at + 1)) && at.checked_sub(1).is_some_and(|at| near(word.get(at)))
    };
    (0..word.len()).any(inside)
}
