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
const AND: &[&str] = &["and", "aur", "और", "व", "y", "e", "و", "plus"];

/// What a word has to say for a joined “و” before it to be the word “and”: many words begin with that letter.
const JOINED: &[Cue] = &[
    Cue::Money,
    Cue::Wants,
    Cue::Not,
    Cue::Cancel,
    Cue::Where,
    Cue::Came,
    Cue::Replacement,
    Cue::Exchange,
    Cue::Return,
];

/// Whether a list holds a word.
pub(super) fn is_in(list: &str, word: &str) -> bool {
    list.split_whitespace().any(|known| known == word)
}

/// A text in which the Portuguese “é” (is) stays another word than “e” (and) when accents are left out.
fn told_apart(text: &str) -> String {
    let text: String = text.nfc().collect();
    let words = text.split_inclusive(|c: char| !c.is_alphanumeric()).map(|word| {
        let bare = word.trim_end_matches(|c: char| !c.is_alphanumeric());
        if matches!(bare, "é" | "É") { format!("eh{}", &word[bare.len()..]) } else { word.to_owned() }
    });
    words.collect()
}

/// The words of a clause, and each joined “و” by itself.
fn with_and_apart(words: &[String]) -> Vec<String> {
    let mut apart = Vec::with_capacity(words.len());
    for word in words {
        match word.strip_prefix('و').map(|rest| [rest.to_owned()]) {
            Some(rest) if !rest[0].is_empty() && JOINED.iter().any(|cue| says(&rest, *cue)) => {
                apart.push("و".to_owned());
                apart.extend(rest);
            }
            _ => apart.push(word.clone()),
        }
    }
    apart
}

/// The clauses of a text: what stands between punctuation, and between words such as “but”.
fn clauses(text: &str) -> Vec<Vec<String>> {
    let text = folded(text);
    let marks = [',', '.', ';', '!', '?', '\n', '।', '؟', '،', '…', '¿', '¡', '(', ')', '—', '–'];
    let mut clauses: Vec<Vec<String>> = Vec::new();
    for part in text.split(marks) {
        let words = folded_words(part);
        let mut from = 0;
        for at in 0..=words.len() {
            if words.get(at).is_none_or(|word| BETWEEN.contains(&word.as_str()) && !is_on(&words, at)) {
                clauses.extend((from < at).then(|| words[from..at].to_vec()));
                from = at + 1;
            }
        }
    }
    clauses
}

/// Whether the Hindi “par” (but) says where something is left: “gate par chhod do”.
fn is_on(words: &[String], at: usize) -> bool {
    matches!(words[at].as_str(), "par" | "पर") && words.get(at + 1).is_some_and(|next| is_leaving(next))
}

/// The clauses of a text, parted at “and” as well.
fn things(text: &str) -> Vec<Vec<String>> {
    let clauses: Vec<Vec<String>> = clauses(&told_apart(text)).iter().map(|clause| with_and_apart(clause)).collect();
    let things = clauses.iter().flat_map(|clause| clause.split(|word| AND.contains(&word.as_str())));
    things.filter(|thing| !thing.is_empty()).map(<[String]>::to_vec).collect()
}

/// A message, word by word.
#[derive(Debug, Clone)]
pub(super) struct Said {
    pub(super) words: Vec<String>,
    /// The same in parts that say one thing each.
    pub(super) clauses: Vec<Vec<String>>,
    /// The clauses, parted at “and” as well: “where is the one, and refund the other” are two things.
    pub(super) things: Vec<Vec<String>>,
    pub(super) question: bool,
}

impl Said {
    pub(super) fn new(text: &str) -> Self {
        let question = text.contains(['?', '؟', '¿']);
        Self { words: folded_words(text), clauses: clauses(text), things: things(text), question }
    }

    /// Whether it says this.
    pub(super) fn has(&self, cue: Cue) -> bool {
        says(&self.words, cue)
    }

    /// The parts of it that say this; all of it where none does.
    pub(super) fn parts_with(&self, cue: Cue) -> Self {
        let with = |parts: &[Vec<String>]| parts.iter().filter(|part| says(part, cue)).cloned().collect::<Vec<_>>();
        let clauses = with(&self.clauses);
        if clauses.is_empty() {
            return self.clone();
        }
        Self { words: clauses.concat(), things: with(&self.things), clauses, question: self.question }
    }

    /// Whether it asks.
    pub(super) fn asks(&self) -> bool {
        const ASKING: &str = "\
            how what when where which who why can could do does is are will kaise kab kya kitna kitne kitni kaun kahan que \
            como cuando donde cual cuanto cuanta puedo qual quando onde quanto posso voces هل كم متي كيف ما ماذا اين \
            क्या कब कैसे कितना कितने कितनी कौन कहां";
        let first = self.words.first().is_some_and(|first| is_in(ASKING, first));
        let last = self.words.last().is_some_and(|last| ["kya", "क्या"].contains(&last.as_str()));
        self.question || first || last
    }

    /// Whether it asks where something is that was ordered: “where do I find the bill of my order” asks for a page.
    pub(super) fn looks_for_order(&self) -> bool {
        const HOW_TO: &str =
            "do can should could puedo posso se consigo encuentro encontro karu karun karoon dekhu milega";
        let asked = |at: usize| self.words[at + 1..].iter().take(2).all(|next| !is_in(HOW_TO, next));
        let elsewhere = self.has(Cue::Invoice) || self.has(Cue::Coupon) || self.has(Cue::Money);
        !elsewhere && self.has(Cue::Order) && places(&self.words, Cue::Place).into_iter().any(asked)
    }

    /// Whether something is not there: “pasand nahi aaya” says that it is not liked.
    pub(super) fn misses(&self) -> bool {
        self.clauses.iter().any(|clause| says(clause, Cue::Missing) && !says(clause, Cue::Disliked))
    }

    /// Whether it asks for something to be sent: “can I send you a photo” does not.
    pub(super) fn asks_to_send(&self) -> bool {
        const OTHERWISE: &str = "i ill we did why dont photo photos pic pics picture video back link otp";
        places(&self.words, Cue::Send).into_iter().any(|at| {
            let near = &self.words[at.saturating_sub(3)..self.words.len().min(at + 5)];
            !near.iter().any(|word| is_in(OTHERWISE, word))
        })
    }

    /// Whether goods are to be given back: “return my money” gives nothing back.
    pub(super) fn gives_back(&self) -> bool {
        self.clauses.iter().flat_map(|clause| clause.split(|word| AND.contains(&word.as_str()))).any(|thing| {
            let done = thing.iter().any(|word| is_in("returned lautaya lautayi lautaye devuelto devolvi लौटाया", word));
            says(thing, Cue::Return) && !says(thing, Cue::Money) && !done
        })
    }

    /// Whether it begins by taking something back: “leave it, we used it”.
    pub(super) fn begins_with_leaving(&self) -> bool {
        let first = self.clauses.first();
        first.is_some_and(|first| first.len() <= 6 && !places(first, Cue::Leave).is_empty()) && self.withdraws()
    }

    /// Whether it takes something back that was wished before. “Leave it at the gate” takes nothing back.
    pub(super) fn withdraws(&self) -> bool {
        // “I don't want to keep it” and “do I keep it?” take nothing back.
        const TURNED: &str = "dont not do should can nahi nao no لا";
        let turned = |at: usize| self.words[at.saturating_sub(3)..at].iter().any(|word| is_in(TURNED, word));
        let keeps = |at: usize| self.words[at..].iter().take(4).any(|word| word.starts_with("keep"));
        let plainly = places(&self.words, Cue::Leave)
            .into_iter()
            .any(|at| !(is_leaving(&self.words[at]) || keeps(at) && turned(at)));
        let left = |clause: &Vec<String>| {
            let leaving = places(clause, Cue::Leave).into_iter().filter(|at| is_leaving(&clause[*at]));
            leaving.into_iter().any(|at| !is_left_somewhere(clause, at))
        };
        plainly || self.clauses.iter().any(left)
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

/// How words begin that leave a thing where it is, or somewhere.
const LEAVING: &[&str] =
    &["leave", "keep", "drop", "let", "rehne", "rahne", "chhod", "chod", "dej", "deix", "اترك", "रहने", "छोड"];

fn is_leaving(word: &str) -> bool {
    LEAVING.iter().any(|stem| word.starts_with(stem))
}

/// Whether a thing is left somewhere: a place is named right behind, or, where verbs come last, right before.
fn is_left_somewhere(clause: &[String], at: usize) -> bool {
    const BEFORE_PLACES: &str = "\
        at with on near by under behind outside inside in beside downstairs upstairs en con junto debajo afuera fuera na no nas \
        nos com dentro embaixo perto عند مع في امام بجانب خارج داخل علي لدي";
    const AFTER_PLACES: &str = "pe par mein me paas pass ko bahar andar neeche saath पर में पास को बाहर अंदर नीचे साथ";
    let behind = clause[at + 1..].iter().take(4).any(|word| is_in(BEFORE_PLACES, word));
    let before = at.checked_sub(1).is_some_and(|before| is_in(AFTER_PLACES, &clause[before]));
    behind || before
}

/// Whether a phrase stands at a place.
pub(super) fn says_at(words: &[String], at: usize, cue: Cue) -> bool {
    let patterns = CUES.iter().find(|(own, _)| *own == cue).map(|(_, patterns)| patterns);
    patterns.into_iter().flatten().any(|pattern| fits(pattern, &words[at..]).is_some())
}

/// Where phrases begin.
pub(super) fn places(words: &[String], cue: Cue) -> Vec<usize> {
    (0..words.len()).filter(|at| says_at(words, *at, cue)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_somewhere_is_not_left_as_it_is() {
        for text in [
            "leave it at the gate",
            "keep it with the guard please",
            "gate pe chhod do",
            "guard ke paas rehne do",
            "déjalo en la portería",
            "deixa o pedido na portaria",
            "اتركه عند الباب",
            "गेट पर छोड़ दो",
        ] {
            assert!(!Said::new(text).withdraws(), "{text}");
        }
        for text in [
            "leave it",
            "never mind, leave it, I am at work",
            "keep it as it is",
            "wait, no",
            "rehne do",
            "déjalo",
            "deixa pra lá",
            "اتركه",
            "रहने दो",
            "olvídalo, no quiero nada",
        ] {
            assert!(Said::new(text).withdraws(), "{text}");
        }
    }

    #[test]
    fn and_parts_what_is_said_in_every_language() {
        for (text, count) in [
            ("where is my order and refund me", 2),
            ("order kahan hai aur paisa wapas karo", 2),
            ("¿dónde está y quiero mi dinero?", 2),
            ("onde está o pedido e quero o dinheiro", 2),
            ("أين طلبي وأريد استرداد المبلغ", 2),
            ("وصل الطلب", 1),
            ("onde é que está meu dinheiro", 1),
            ("o reembolso não é necessário", 1),
        ] {
            assert_eq!(Said::new(text).things.len(), count, "{text}");
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
