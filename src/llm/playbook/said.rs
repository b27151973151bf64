//! What a message says beside its reading by the model: words and phrases of six languages that decide between neighbouring
//! wishes, such as money that is wished from money that is refused.
//!
//! It must never find a wish by itself where the model reads one plainly: it only narrows what the model says.

use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization as _;

pub(super) use super::cues::Cue;
use super::cues::TABLE;

/// A part of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Word(String),
    Begins(String),
    Holds(String),
    Ends(String),
    Any,
    Number,
    Gap,
}

impl Part {
    fn read(token: &str) -> Self {
        match token {
            ".." => Self::Gap,
            "#" => Self::Number,
            "*" => Self::Any,
            _ => match (token.strip_prefix('*'), token.strip_suffix('*')) {
                (Some(_), Some(_)) => Self::Holds(folded(token.trim_matches('*'))),
                (Some(end), None) => Self::Ends(folded(end)),
                (None, Some(stem)) => Self::Begins(folded(stem)),
                (None, None) => Self::Word(folded(token)),
            },
        }
    }

    fn fits(&self, word: &str) -> bool {
        match self {
            Self::Word(own) => word == own,
            Self::Begins(stem) => word.starts_with(stem.as_str()),
            Self::Holds(inside) => word.contains(inside.as_str()),
            Self::Ends(end) => word.ends_with(end.as_str()),
            Self::Any | Self::Gap => true,
            Self::Number => word.chars().all(|c| c.is_ascii_digit()),
        }
    }
}

static CUES: LazyLock<Vec<(Cue, Vec<Vec<Part>>)>> = LazyLock::new(|| {
    let phrases = |text: &str| -> Vec<Vec<Part>> {
        let phrases = text.split(',').map(str::trim).filter(|phrase| !phrase.is_empty());
        phrases.map(|phrase| phrase.split_whitespace().map(Part::read).collect()).collect()
    };
    TABLE.iter().map(|(cue, text)| (*cue, phrases(text))).collect()
});

/// Words between the two ends of a gap, at most.
const GAP: usize = 3;

/// Whether a pattern fits at the beginning of the words; how many words it takes.
fn fits(pattern: &[Part], words: &[String]) -> Option<usize> {
    let Some((first, rest)) = pattern.split_first() else { return Some(0) };
    if *first == Part::Gap {
        return (0..=GAP.min(words.len())).find_map(|skipped| Some(skipped + fits(rest, &words[skipped..])?));
    }
    let word = words.first()?;
    if !first.fits(word) {
        return None;
    }
    Some(1 + fits(rest, &words[1..])?)
}

/// A word as it is compared: lower case, without accents and signs that people leave out, other scripts' digits as ours.
pub(super) fn folded(text: &str) -> String {
    let decomposed = text.nfkd().filter(|c| !dropped(*c)).map(letter);
    decomposed.nfc().flat_map(char::to_lowercase).collect()
}

fn dropped(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36F}' | '\u{64B}'..='\u{65F}' | '\u{670}' | '\u{640}' | '\u{93C}' | '\u{9BC}' | '\u{ABC}')
        || matches!(c, '\u{200B}'..='\u{200F}' | '\u{FE00}'..='\u{FE0F}' | '\'' | '’' | '‘' | '`')
}

fn letter(c: char) -> char {
    match c {
        'أ' | 'إ' | 'آ' | 'ٱ' => 'ا',
        'ى' | 'ئ' => 'ي',
        'ة' => 'ه',
        'ؤ' => 'و',
        '\u{901}' => '\u{902}',
        _ => match c.to_digit(10) {
            Some(_) => c,
            None => digit(c),
        },
    }
}

/// A decimal digit of another script as the ASCII one.
fn digit(c: char) -> char {
    const ZEROS: [u32; 12] = [0x660, 0x6F0, 0x966, 0x9E6, 0xA66, 0xAE6, 0xB66, 0xBE6, 0xC66, 0xCE6, 0xD66, 0xFF10];
    let code = u32::from(c);
    ZEROS
        .iter()
        .find(|zero| (**zero..**zero + 10).contains(&code))
        .and_then(|zero| char::from_digit(code - zero, 10))
        .unwrap_or(c)
}

/// Whether a character belongs to a word; the signs that join the consonants of Indic scripts do.
fn in_word(c: char) -> bool {
    c.is_alphanumeric()
        || matches!(
            c,
            '\u{94D}' | '\u{9CD}' | '\u{A4D}' | '\u{ACD}' | '\u{B4D}' | '\u{BCD}' | '\u{C4D}' | '\u{CCD}' | '\u{D4D}'
        )
}

/// The words of a text, folded.
pub(super) fn folded_words(text: &str) -> Vec<String> {
    let text = folded(text);
    text.split(|c: char| !in_word(c)).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Words that part what is said of one thing from what is said of the next.
const BETWEEN: &[&str] = &["but", "par", "lekin", "magar", "pero", "mas", "porem", "لكن", "लेकिन", "पर", "मगर"];

/// Words that join two things which are said.
const AND: &[&str] = &["and", "aur", "और"];

/// A message, word by word.
#[derive(Debug, Clone)]
pub(super) struct Said {
    pub(super) words: Vec<String>,
    /// The same in parts that say one thing each.
    pub(super) clauses: Vec<Vec<String>>,
    pub(super) question: bool,
}

impl Said {
    pub(super) fn new(text: &str) -> Self {
        let folded_text = folded(text);
        let parts =
            folded_text.split([',', '.', ';', '!', '?', '\n', '।', '؟', '،', '…', '¿', '¡', '(', ')', '—', '–']);
        let mut clauses: Vec<Vec<String>> = Vec::new();
        for part in parts {
            let words = folded_words(part);
            for clause in words.split(|word| BETWEEN.contains(&word.as_str())) {
                if !clause.is_empty() {
                    clauses.push(clause.to_vec());
                }
            }
        }
        Self { words: folded_words(text), clauses, question: text.contains(['?', '؟', '¿']) }
    }

    /// Whether it says this.
    pub(super) fn has(&self, cue: Cue) -> bool {
        says(&self.words, cue)
    }

    /// The parts of it that say this; all of it where none does.
    pub(super) fn parts_with(&self, cue: Cue) -> Self {
        let clauses: Vec<Vec<String>> = self.clauses.iter().filter(|clause| says(clause, cue)).cloned().collect();
        if clauses.is_empty() {
            return self.clone();
        }
        Self { words: clauses.concat(), clauses, question: self.question }
    }

    /// Whether it asks.
    pub(super) fn asks(&self) -> bool {
        const ASKING: &[&str] = &[
            "how",
            "what",
            "when",
            "where",
            "which",
            "who",
            "why",
            "can",
            "could",
            "do",
            "does",
            "is",
            "are",
            "will",
            "kaise",
            "kab",
            "kya",
            "kitna",
            "kitne",
            "kitni",
            "kaun",
            "kahan",
            "que",
            "como",
            "cuando",
            "donde",
            "cual",
            "cuanto",
            "cuanta",
            "puedo",
            "qual",
            "quando",
            "onde",
            "quanto",
            "posso",
            "voces",
            "هل",
            "كم",
            "متى",
            "كيف",
            "ما",
            "ماذا",
            "اين",
            "क्या",
            "कब",
            "कैसे",
            "कितना",
            "कितने",
            "कितनी",
            "कौन",
            "कहां",
        ];
        let first = self.words.first().is_some_and(|first| ASKING.contains(&first.as_str()));
        let last = self.words.last().is_some_and(|last| ["kya", "क्या"].contains(&last.as_str()));
        self.question || first || last
    }

    /// Whether it says that no money is wished.
    pub(super) fn declines_money(&self) -> bool {
        self.near_money(|around| says(around, Cue::Not) && !says(around, Cue::Came) && !says(around, Cue::Where))
            && !self.asks_where_money_is()
    }

    /// Whether it asks where money is that should have come, or says that it has not come.
    pub(super) fn asks_where_money_is(&self) -> bool {
        self.near_money(|around| {
            let came = says(around, Cue::Came);
            (says(around, Cue::Not) && came)
                || asks_where(around)
                || (self.question && came && !says(around, Cue::Wants))
        })
    }

    /// Whether it wishes money.
    pub(super) fn wants_money(&self) -> bool {
        self.has(Cue::Money) && !self.declines_money() && !self.asks_where_money_is()
    }

    /// Whether a clause with money in it is like that, in the words around it.
    fn near_money(&self, is_so: impl Fn(&[String]) -> bool) -> bool {
        // “Where is the one, and refund the other” are two things.
        let parts = self.clauses.iter().flat_map(|clause| clause.split(|word| AND.contains(&word.as_str())));
        parts.into_iter().any(|part: &[String]| {
            places(part, Cue::Money).into_iter().any(|at| {
                let around = &part[at.saturating_sub(5)..part.len().min(at + 5)];
                is_so(around)
            })
        })
    }

    /// Whether it takes something back that was wished before.
    pub(super) fn withdraws(&self) -> bool {
        self.has(Cue::Leave)
    }

    /// Whether it calls an order off: a cancellation that happened, or that is refused, is none.
    pub(super) fn cancels(&self) -> bool {
        const PAST: &[&str] =
            &["cancelled", "canceled", "cancelado", "cancelada", "cancelaram", "cancelaron", "cancelou"];
        self.clauses.iter().any(|clause| {
            places(clause, Cue::Cancel).into_iter().any(|at| {
                let past = PAST.contains(&clause[at].as_str());
                let hua = clause
                    .get(at + 1)
                    .is_some_and(|next| ["hua", "hui", "ho", "हुआ", "हुई", "हो"].contains(&next.as_str()))
                    && !says(&clause[at..], Cue::Wants);
                let before = &clause[at.saturating_sub(2)..at];
                let after = &clause[at + 1..clause.len().min(at + 2)];
                let refused =
                    before.iter().any(|word| ["dont", "not", "un", "nao", "no", "لا", "never"].contains(&word.as_str()))
                        || after.iter().any(|word| ["mat", "मत", "nahi", "नहीं"].contains(&word.as_str()));
                !past && !hua && !refused
            })
        })
    }

    /// Whether most letters of a text are of scripts in which nothing here is read.
    pub(super) fn is_foreign(text: &str) -> bool {
        let letters = text.chars().filter(|c| c.is_alphabetic());
        let (mut all, mut foreign) = (0_usize, 0_usize);
        for c in letters {
            all += 1;
            let read = c.is_ascii()
                || matches!(c, '\u{C0}'..='\u{24F}' | '\u{1E00}'..='\u{1EFF}' | '\u{900}'..='\u{97F}' | '\u{600}'..='\u{6FF}')
                || matches!(c, '\u{750}'..='\u{77F}' | '\u{FB50}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFF}' | 'ª' | 'º');
            foreign += usize::from(!read);
        }
        foreign * 2 > all && foreign >= 2
    }
}

/// Whether words hold a phrase.
pub(super) fn says(words: &[String], cue: Cue) -> bool {
    !places(words, cue).is_empty()
}

/// Where phrases begin.
/// Whether it is asked where money is: “where is it and refund the other” asks for something else.
fn asks_where(words: &[String]) -> bool {
    const AND: [&str; 9] = ["and", "aur", "y", "e", "também", "और", "व", "و", "plus"];
    let (asked, money) = (places(words, Cue::Where), places(words, Cue::Money));
    asked.iter().any(|at| {
        money.iter().any(|other| {
            let between = &words[*at.min(other)..*at.max(other)];
            !between.iter().any(|word| AND.contains(&word.as_str()))
        })
    })
}

fn places(words: &[String], cue: Cue) -> Vec<usize> {
    let patterns = CUES.iter().find(|(own, _)| *own == cue).map(|(_, patterns)| patterns);
    let at = |from: &usize| patterns.into_iter().flatten().any(|pattern| fits(pattern, &words[*from..]).is_some());
    (0..words.len()).filter(at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_refund_is_told_from_a_missing_one() {
        for text in [
            "no refund needed, just letting you know",
            "i don't want money, send it again",
            "mujhe refund nahi chahiye",
            "mujhe paisa nahi chahiye bas jaldi bhijwao",
            "no quiero el reembolso",
            "não quero dinheiro de volta",
            "لا أريد استرداد المبلغ",
            "मुझे पैसे नहीं चाहिए",
        ] {
            let said = Said::new(text);
            assert!(said.declines_money() && !said.wants_money() && !said.asks_where_money_is(), "{text}");
        }
        for text in [
            "no refund received",
            "i have not got my refund",
            "refund abhi tak nahi aaya",
            "no me ha llegado el dinero",
            "cadê meu dinheiro",
            "لم يصل المبلغ",
            "पैसे अभी तक नहीं आए",
        ] {
            let said = Said::new(text);
            assert!(said.asks_where_money_is() && !said.declines_money() && !said.wants_money(), "{text}");
        }
        for text in
            ["money back please", "uska paisa do", "quiero un reembolso", "أريد استرجاع المبلغ", "पूरे पैसे लौटा दीजिए"]
        {
            assert!(Said::new(text).wants_money(), "{text}");
        }
    }

    #[test]
    fn a_cancellation_is_told_from_one_that_happened_or_is_refused() {
        for text in ["cancel ORD1 please", "order cancel kar do", "cancela el altavoz", "रद्द कर दें", "أريد إلغاء الطلب"]
        {
            assert!(Said::new(text).cancels(), "{text}");
        }
        for text in ["it was cancelled by you", "order cancel hua tha", "don't cancel it", "cancel mat karo"] {
            assert!(!Said::new(text).cancels(), "{text}");
        }
    }

    #[test]
    fn no_phrase_is_empty() {
        let empty =
            CUES.iter().filter(|(cue, patterns)| patterns.iter().any(Vec::is_empty) || says(&["zzz".to_owned()], *cue));
        assert_eq!(empty.count(), 0);
    }

    #[test]
    fn words_of_all_scripts_are_whole() {
        assert_eq!(folded_words("रद्द कर दें, ऑर्डर ९"), ["रद्द", "कर", "दें", "ऑर्डर", "9"].map(folded));
        assert_eq!(folded_words("São ¿qué? l’été"), ["sao", "que", "lete"]);
        assert!(
            Said::is_foreign("என் ஆர்டர் ORD610155 எங்கே") && !Said::is_foreign("मेरा ऑर्डर ORD1") && !Said::is_foreign("??")
        );
    }
}
