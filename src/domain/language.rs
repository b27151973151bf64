//! Which language a customer writes in, from the letters of a message and from what the model says of it.
//!
//! It must never decide what is answered. A text that tells too little (an order id, “ok”, an emoji) decides nothing.

use super::sentences::Language;

/// The language of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spoken {
    /// One that customers are answered in.
    Ours(Language),
    /// Another one: its name in English, where the letters tell it.
    Other(Option<&'static str>),
}

/// What the model's head for languages says of a message.
#[derive(Debug, Clone, Copy)]
pub struct Guess<'a> {
    /// The label: a language tag, or `other`.
    pub label: &'a str,
    /// Its probability.
    pub confidence: f64,
}

/// A guess counts from here on, in a text of several words.
const SURE: f64 = 0.7;
/// In a text of one or two words, which often reads alike in several languages.
const VERY_SURE: f64 = 0.9;

/// Scripts of one language each that a shop's customers may write in, as ranges of code points.
const SCRIPTS: [(std::ops::RangeInclusive<char>, &str); 15] = [
    ('\u{0370}'..='\u{03FF}', "Greek"),
    ('\u{0400}'..='\u{052F}', "Russian"),
    ('\u{0590}'..='\u{05FF}', "Hebrew"),
    ('\u{0980}'..='\u{09FF}', "Bengali"),
    ('\u{0A00}'..='\u{0A7F}', "Punjabi"),
    ('\u{0A80}'..='\u{0AFF}', "Gujarati"),
    ('\u{0B00}'..='\u{0B7F}', "Odia"),
    ('\u{0B80}'..='\u{0BFF}', "Tamil"),
    ('\u{0C00}'..='\u{0C7F}', "Telugu"),
    ('\u{0C80}'..='\u{0CFF}', "Kannada"),
    ('\u{0D00}'..='\u{0D7F}', "Malayalam"),
    ('\u{0E00}'..='\u{0E7F}', "Thai"),
    ('\u{3040}'..='\u{30FF}', "Japanese"),
    ('\u{4E00}'..='\u{9FFF}', "Chinese"),
    ('\u{AC00}'..='\u{D7AF}', "Korean"),
];

/// Words that Marathi has and Hindi has not.
const MARATHI: [&str; 16] = [
    "आहे",
    "नाही",
    "मला",
    "माझी",
    "माझा",
    "माझे",
    "माझं",
    "कधी",
    "कुठे",
    "झाली",
    "झाला",
    "पाहिजे",
    "हवे",
    "हवा",
    "होते",
    "आली",
];
/// Letters that Urdu has and Arabic has not.
const URDU: &str = "ٹڈڑںےھہگچپ";

/// The language of a message; `None` where the text tells too little.
pub fn spoken(text: &str, guess: Option<Guess<'_>>) -> Option<Spoken> {
    let letters = |fits: &dyn Fn(char) -> bool| text.chars().filter(|c| fits(*c)).count();
    let latin = letters(&|c| c.is_alphabetic() && u32::from(c) < 0x0250 || ('\u{1E00}'..='\u{1EFF}').contains(&c));
    let devanagari = letters(&|c| ('\u{0900}'..='\u{097F}').contains(&c) && c.is_alphabetic());
    let arabic = letters(&|c| ('\u{0600}'..='\u{06FF}').contains(&c) && c.is_alphabetic());
    let (other, name) = SCRIPTS
        .iter()
        .map(|(range, name)| (letters(&|c| range.contains(&c) && c.is_alphabetic()), *name))
        .max_by_key(|(count, _)| *count)
        .unwrap_or_default();
    // English words and ids stand among the letters of any language: a third of them decides.
    let least = |count: usize| count >= 2 && count * 2 >= latin;
    if least(devanagari) && devanagari >= arabic.max(other) {
        let marathi = text.split(|c: char| !c.is_alphabetic() && !is_sign(c)).any(|word| MARATHI.contains(&word));
        return Some(if marathi { Spoken::Other(Some("Marathi")) } else { Spoken::Ours(Language::Hindi) });
    }
    if least(arabic) && arabic >= other {
        let urdu = text.chars().filter(|c| URDU.contains(*c)).count();
        return Some(if urdu >= 2 { Spoken::Other(Some("Urdu")) } else { Spoken::Ours(Language::Arabic) });
    }
    if least(other) {
        return Some(Spoken::Other(Some(name)));
    }
    let guess = guess?;
    let words = text.split_whitespace().filter(|word| word.chars().all(char::is_alphabetic)).count();
    let needed = match words {
        0 => return None,
        1 | 2 => VERY_SURE,
        _ => SURE,
    };
    if guess.confidence < needed {
        return None;
    }
    // What the model takes for Hindi here is Hindi in Latin letters.
    Some(match guess.label {
        "en" => Spoken::Ours(Language::English),
        "hi-Latn" | "hi" => Spoken::Ours(Language::Hinglish),
        "es" => Spoken::Ours(Language::Spanish),
        "pt" => Spoken::Ours(Language::Portuguese),
        "ar" => Spoken::Ours(Language::Arabic),
        _ => Spoken::Other(None),
    })
}

/// Whether a character is a vowel sign or another mark inside of a Devanagari word.
fn is_sign(c: char) -> bool {
    ('\u{0900}'..='\u{097F}').contains(&c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guess(label: &str, confidence: f64) -> Option<Guess<'_>> {
        Some(Guess { label, confidence })
    }

    #[test]
    fn letters_decide_where_they_can() {
        for (text, spoken_in) in [
            ("मेरा ऑर्डर कहाँ है", Spoken::Ours(Language::Hindi)),
            ("मेरा order ORD000003 कहाँ है", Spoken::Ours(Language::Hindi)),
            ("माझी ऑर्डर कधी येणार आहे", Spoken::Other(Some("Marathi"))),
            ("أين طلبي ORD000003", Spoken::Ours(Language::Arabic)),
            ("میرا آرڈر کہاں ہے", Spoken::Other(Some("Urdu"))),
            ("என் ஆர்டர் எங்கே", Spoken::Other(Some("Tamil"))),
            ("Где мой заказ", Spoken::Other(Some("Russian"))),
            ("我的订单在哪里", Spoken::Other(Some("Chinese"))),
        ] {
            assert_eq!(spoken(text, None), Some(spoken_in), "{text}");
            assert_eq!(spoken(text, guess("en", 1.0)), Some(spoken_in), "{text}");
        }
    }

    #[test]
    fn the_model_tells_languages_in_latin_letters() {
        let found = |text, label, confidence| spoken(text, guess(label, confidence));
        assert_eq!(found("dónde está mi pedido", "es", 0.8), Some(Spoken::Ours(Language::Spanish)));
        assert_eq!(found("mera order kahan hai", "hi", 0.8), Some(Spoken::Ours(Language::Hinglish)));
        assert_eq!(found("wo ist meine Bestellung", "other", 0.8), Some(Spoken::Other(None)));
        assert_eq!(found("where is it now", "en", 0.6), None);
        assert_eq!(found("ok", "pt", 0.8), None, "one word");
        assert_eq!(found("obrigada", "pt", 0.95), Some(Spoken::Ours(Language::Portuguese)));
        assert_eq!(found("ORD000003", "en", 1.0), None, "no word");
        assert_eq!(spoken("hello there friend", None), None);
        assert_eq!(spoken("🙏🙏", guess("en", 1.0)), None);
    }
}
