//! Which language a customer writes in, from the letters and the words of a message.
//!
//! The words of languages in Latin letters, and their runs of three letters, have weights that `tests/language/make.py` makes of
//! the training rows.
//!
//! It must never decide what is answered. A text that tells too little (an order id, “ok”, an emoji) decides nothing.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::LazyLock;

use super::sentences::Language;

/// The language of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spoken {
    /// One that customers are answered in.
    Ours(Language),
    /// Another one: its name in English, where the letters tell it.
    Other(Option<&'static str>),
}

/// How much each word, and each run of three letters, speaks for a language: ten times the log-odds.
const FEATURES: &str = include_str!("language/features.tsv");
/// The languages of the table's columns, all of them in Latin letters.
const LATIN: [Spoken; 5] = [
    Spoken::Ours(Language::English),
    Spoken::Ours(Language::Hinglish),
    Spoken::Ours(Language::Spanish),
    Spoken::Ours(Language::Portuguese),
    Spoken::Other(None),
];
/// By how much a language must be ahead of the next one.
const AHEAD: i32 = 40;
/// The same in a text of one word: “hi” is a greeting, and a word of Hindi.
const AHEAD_IN_ONE_WORD: i32 = 60;
/// The same for a language in which nobody is answered: a customer is not sent to a person over a rare word.
const FAR_AHEAD: i32 = 150;
/// How many features of a text must be known for that.
const MANY: usize = 12;

type Table = HashMap<&'static str, [i32; 5]>;

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let line = |line: &'static str| {
        let mut fields = line.split('\t');
        let feature = fields.next()?;
        let mut weights = [0; 5];
        for weight in &mut weights {
            *weight = fields.next()?.parse().ok()?;
        }
        Some((feature, weights))
    };
    FEATURES.lines().filter(|line| !line.starts_with('#')).filter_map(line).collect()
});

/// The language of a text in Latin letters, where it is ahead of the others.
fn latin(text: &str) -> Option<Spoken> {
    let (mut sums, mut known, mut words) = ([0_i32; 5], 0, 0);
    let mut add = |feature: &str| {
        if let Some(weights) = TABLE.get(feature) {
            known += 1;
            sums.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += weight);
        }
    };
    // What holds a digit is an id, a size or an amount.
    for token in text.to_lowercase().split_whitespace().filter(|token| !token.contains(char::is_numeric)) {
        for word in token.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty()) {
            words += 1;
            add(&format!("={word}"));
            let edged: Vec<char> = format!("^{word}$").chars().collect();
            for run in edged.windows(3) {
                add(&run.iter().collect::<String>());
            }
        }
    }
    let mut ranked: Vec<(i32, Spoken)> = sums.into_iter().zip(LATIN).collect();
    ranked.sort_by_key(|(sum, _)| Reverse(*sum));
    let ahead = ranked[0].0 - ranked[1].0;
    let needed = match ranked[0].1 {
        Spoken::Other(_) => FAR_AHEAD,
        Spoken::Ours(_) if words == 1 => AHEAD_IN_ONE_WORD,
        Spoken::Ours(_) => AHEAD,
    };
    let enough = !matches!(ranked[0].1, Spoken::Other(_)) || known >= MANY;
    (ahead >= needed && enough).then_some(ranked[0].1)
}

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

/// Words of Marathi that no Hindi has: one of them tells.
const MARATHI: [&str; 7] = ["आहे", "आहेत", "मला", "पाहिजे", "आणि", "अजून", "माझ्या"];
/// Words of Marathi that may also stand in Hindi, as a dialect or a slip of the finger: two of them tell.
const MOSTLY_MARATHI: [&str; 19] = [
    "नाही",
    "नाहीत",
    "माझी",
    "माझा",
    "माझे",
    "माझं",
    "तुमची",
    "कधी",
    "कुठे",
    "झाली",
    "झाला",
    "झाले",
    "झालं",
    "हवे",
    "हवं",
    "होतं",
    "आली",
    "आलं",
    "आलेत",
];
/// Letters that Urdu has and Arabic has not.
const URDU: &str = "ٹڈڑںےھہگچپ";

/// Country codes of telephone numbers whose holders mostly write one language of ours, by that language. Where several are
/// common, as around the Gulf and in India, a number tells nothing.
const COUNTRIES: [(Language, &[&str]); 2] = [
    (
        Language::Spanish,
        &[
            "34", "51", "52", "53", "54", "56", "57", "58", "502", "503", "504", "505", "506", "507", "591", "593",
            "595", "598",
        ],
    ),
    (Language::Portuguese, &["55", "351", "244", "258"]),
];
/// The fewest digits of a telephone number with its country code.
const FEWEST_DIGITS: usize = 11;

/// The language that a customer most likely writes, by the country code of their number, before any message has told.
pub fn of_number(number: &str) -> Option<Language> {
    let digits = number.trim_start_matches('+');
    if digits.len() < FEWEST_DIGITS || !digits.chars().all(|c| c.is_ascii_digit()) {
        return None;
    }
    let is_of = |codes: &[&str]| codes.iter().any(|code| digits.starts_with(code));
    COUNTRIES.iter().find(|(_, codes)| is_of(codes)).map(|(language, _)| *language)
}

/// The language of a message; `None` where the text tells too little.
pub fn spoken(text: &str) -> Option<Spoken> {
    let letters = |fits: &dyn Fn(char) -> bool| text.chars().filter(|c| fits(*c)).count();
    let latin_letters =
        letters(&|c| c.is_alphabetic() && u32::from(c) < 0x0250 || ('\u{1E00}'..='\u{1EFF}').contains(&c));
    let devanagari = letters(&|c| ('\u{0900}'..='\u{097F}').contains(&c) && c.is_alphabetic());
    let arabic = letters(&|c| ('\u{0600}'..='\u{06FF}').contains(&c) && c.is_alphabetic());
    let (other, name) = SCRIPTS
        .iter()
        .map(|(range, name)| (letters(&|c| range.contains(&c) && c.is_alphabetic()), *name))
        .max_by_key(|(count, _)| *count)
        .unwrap_or_default();
    // English words and ids stand among the letters of any language: a third of them decides.
    let least = |count: usize| count >= 2 && count * 2 >= latin_letters;
    if least(devanagari) && devanagari >= arabic.max(other) {
        return Some(if is_marathi(text) { Spoken::Other(Some("Marathi")) } else { Spoken::Ours(Language::Hindi) });
    }
    if least(arabic) && arabic >= other {
        let urdu = text.chars().filter(|c| URDU.contains(*c)).count();
        return Some(if urdu >= 2 { Spoken::Other(Some("Urdu")) } else { Spoken::Ours(Language::Arabic) });
    }
    if least(other) {
        return Some(Spoken::Other(Some(name)));
    }
    latin(text)
}

/// Whether a text in Devanagari is Marathi, not Hindi.
fn is_marathi(text: &str) -> bool {
    let words: Vec<&str> = text.split(|c: char| !c.is_alphabetic() && !is_sign(c)).collect();
    let has = |word: &&str| words.contains(word);
    MARATHI.iter().any(has) || MOSTLY_MARATHI.iter().filter(|word| has(word)).count() > 1
}

/// Whether a character is a vowel sign or another mark inside of a Devanagari word.
fn is_sign(c: char) -> bool {
    ('\u{0900}'..='\u{097F}').contains(&c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_decide_where_they_can() {
        for (text, spoken_in) in [
            ("मेरा ऑर्डर कहाँ है", Spoken::Ours(Language::Hindi)),
            ("मेरा order ORD000003 कहाँ है", Spoken::Ours(Language::Hindi)),
            ("गैस गीज़र से बेटा बेहोश होते होते बचा", Spoken::Ours(Language::Hindi)),
            ("आर्डर नाही चाही अब", Spoken::Ours(Language::Hindi)),
            ("माझी ऑर्डर कधी येणार आहे", Spoken::Other(Some("Marathi"))),
            ("माझी ऑर्डर कुठे", Spoken::Other(Some("Marathi"))),
            ("أين طلبي ORD000003", Spoken::Ours(Language::Arabic)),
            ("میرا آرڈر کہاں ہے", Spoken::Other(Some("Urdu"))),
            ("என் ஆர்டர் எங்கே", Spoken::Other(Some("Tamil"))),
            ("Где мой заказ", Spoken::Other(Some("Russian"))),
            ("我的订单在哪里", Spoken::Other(Some("Chinese"))),
        ] {
            assert_eq!(spoken(text), Some(spoken_in), "{text}");
        }
    }

    #[test]
    fn a_number_tells_where_one_language_is_common() {
        for (number, language) in [
            ("34611004122", Some(Language::Spanish)),
            ("+5511970004143", Some(Language::Portuguese)),
            ("50760004143", Some(Language::Spanish)),
            ("919000040001", None),
            ("971501004142", None),
            ("15005550123", None),
            ("5511", None),
            ("US.5511970004143", None),
        ] {
            assert_eq!(of_number(number), language, "{number}");
        }
    }

    #[test]
    fn words_tell_languages_in_latin_letters() {
        for (text, language) in [
            ("where is my parcel, it should be here", Language::English),
            ("mera parcel kahan hai bhai", Language::Hinglish),
            ("ORD000003 cancel kar do", Language::Hinglish),
            ("¿dónde está mi pedido ORD000003?", Language::Spanish),
            ("hola", Language::Spanish),
            ("cadê minha encomenda, vocês não responderam", Language::Portuguese),
            ("obrigada", Language::Portuguese),
        ] {
            assert_eq!(spoken(text), Some(Spoken::Ours(language)), "{text}");
        }
        assert_eq!(spoken("wo ist meine Bestellung, ich warte seit einer Woche"), Some(Spoken::Other(None)));
        for text in ["ORD000003", "no", "hi", "ok", "sim", "🙏🙏", "", "599", "Xyzzy"] {
            assert_eq!(spoken(text), None, "{text}");
        }
    }

    #[test]
    fn no_hindi_is_taken_for_another_language() {
        let rows = [
            include_str!("../../data/train_hinglish.csv"),
            include_str!("../../data/train_languages.csv"),
            include_str!("../../data/train_more.csv"),
        ];
        let mut hindi = 0_usize;
        for rows in rows {
            let mut rows = csv::Reader::from_reader(rows.as_bytes());
            let column = |name: &str, headers: &csv::StringRecord| headers.iter().position(|one| one == name).unwrap();
            let headers = rows.headers().unwrap().clone();
            let (text, language) = (column("text", &headers), column("language", &headers));
            for row in rows.records().map(Result::unwrap).filter(|row| row[language] == *"hi") {
                hindi += 1;
                assert!(!matches!(spoken(&row[text]), Some(Spoken::Other(_))), "{}", &row[text]);
            }
        }
        assert!(hindi > 1_000, "{hindi}");
    }

    #[test]
    fn every_line_of_the_table_is_read() {
        assert_eq!(TABLE.len(), FEATURES.lines().count() - 1);
    }
}
