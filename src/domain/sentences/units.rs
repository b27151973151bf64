//! Dates, durations and names of states inside of sentences, in the words of each language.

use jiff::civil::Date;

use super::Language::{self, Arabic, English, Hindi, Hinglish, Portuguese, Spanish};
use super::ltr;
use crate::domain::order::OrderState;

/// The months, January first.
fn months(language: Language) -> [&'static str; 12] {
    match language {
        English | Hinglish => [
            "January",
            "February",
            "March",
            "April",
            "May",
            "June",
            "July",
            "August",
            "September",
            "October",
            "November",
            "December",
        ],
        Hindi => ["जनवरी", "फ़रवरी", "मार्च", "अप्रैल", "मई", "जून", "जुलाई", "अगस्त", "सितंबर", "अक्टूबर", "नवंबर", "दिसंबर"],
        Spanish => [
            "enero",
            "febrero",
            "marzo",
            "abril",
            "mayo",
            "junio",
            "julio",
            "agosto",
            "septiembre",
            "octubre",
            "noviembre",
            "diciembre",
        ],
        Portuguese => [
            "janeiro",
            "fevereiro",
            "março",
            "abril",
            "maio",
            "junho",
            "julho",
            "agosto",
            "setembro",
            "outubro",
            "novembro",
            "dezembro",
        ],
        Arabic => [
            "يناير",
            "فبراير",
            "مارس",
            "أبريل",
            "مايو",
            "يونيو",
            "يوليو",
            "أغسطس",
            "سبتمبر",
            "أكتوبر",
            "نوفمبر",
            "ديسمبر",
        ],
    }
}

/// A date as people say it. `with_year`: whether the year is said.
pub fn day(language: Language, date: Date, with_year: bool) -> String {
    let (day, year) = (date.day(), date.year());
    let month = usize::try_from(date.month() - 1).ok().and_then(|at| months(language).get(at).copied());
    let month = month.unwrap_or_default();
    match (language, with_year) {
        (English | Hinglish | Hindi | Arabic, false) => format!("{day} {month}"),
        (English | Hinglish | Hindi | Arabic, true) => format!("{day} {month} {year}"),
        (Spanish | Portuguese, false) => format!("{day} de {month}"),
        (Spanish | Portuguese, true) => format!("{day} de {month} de {year}"),
    }
}

/// Which form of a noun follows a number in Arabic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ArabicNumber {
    One,
    Two,
    /// From three to ten, also as the last part of a larger number.
    Few,
    Many,
    /// Whole hundreds, and those with one or two.
    Other,
}

impl ArabicNumber {
    fn of(count: u64) -> Self {
        match (count, count % 100) {
            (1, _) => Self::One,
            (2, _) => Self::Two,
            (_, 3..=10) => Self::Few,
            (_, 11..=99) => Self::Many,
            _ => Self::Other,
        }
    }

    /// The number with its noun, in the case that follows a preposition.
    fn with(count: u64, [one, two, few, many, other]: [&str; 5]) -> String {
        match Self::of(count) {
            Self::One => one.to_owned(),
            Self::Two => two.to_owned(),
            Self::Few => format!("{count} {few}"),
            Self::Many => format!("{count} {many}"),
            Self::Other => format!("{count} {other}"),
        }
    }
}

/// So many minutes, as they follow “in”.
pub(super) fn minutes(language: Language, count: u64) -> String {
    match language {
        English if count == 1 => "1 minute".to_owned(),
        English => format!("{count} minutes"),
        Hinglish => format!("{count} minute"),
        Hindi => format!("{count} मिनट"),
        Spanish | Portuguese if count == 1 => "1 minuto".to_owned(),
        Spanish | Portuguese => format!("{count} minutos"),
        Arabic => ArabicNumber::with(count, ["دقيقة واحدة", "دقيقتين", "دقائق", "دقيقة", "دقيقة"]),
    }
}

/// So many days, as they follow “within”.
pub(super) fn days(language: Language, count: u32) -> String {
    match (language, count) {
        (English, 1) => "1 day".to_owned(),
        (English, _) => format!("{count} days"),
        (Hinglish, _) => format!("{count} din"),
        (Hindi, _) => format!("{count} दिन"),
        (Spanish, 1) => "1 día".to_owned(),
        (Spanish, _) => format!("{count} días"),
        (Portuguese, 1) => "1 dia".to_owned(),
        (Portuguese, _) => format!("{count} dias"),
        (Arabic, _) => ArabicNumber::with(u64::from(count), ["يوم واحد", "يومين", "أيام", "يومًا", "يوم"]),
    }
}

/// How long money takes, as the shop says it in English (“3-5 business days”), in the customer's language. What is said in
/// other words stays as it is.
pub fn arrival(language: Language, said: &str) -> String {
    let number = |text: &str| !text.is_empty() && text.len() <= 3 && text.bytes().all(|byte| byte.is_ascii_digit());
    let plain = said.trim().to_lowercase().replace(['–', '—'], "-").replace(" to ", "-").replace(" - ", "-");
    let words: Vec<&str> = plain.split_whitespace().collect();
    let (range, working) = match words[..] {
        [range, "day" | "days"] => (range, false),
        [range, "business" | "working", "day" | "days"] => (range, true),
        _ => ("", false),
    };
    if language == English || range.is_empty() || !range.split('-').all(number) || range.matches('-').count() > 1 {
        return if language == Arabic { ltr(said) } else { said.to_owned() };
    }
    let last: u32 = range.rsplit('-').next().and_then(|last| last.parse().ok()).unwrap_or(0);
    let one = range == "1";
    match (language, working) {
        (English, _) => said.to_owned(),
        (Hinglish, true) => format!("{range} working days"),
        (Hinglish, false) => format!("{range} din"),
        (Hindi, true) => format!("{range} कार्य दिवस"),
        (Hindi, false) => format!("{range} दिन"),
        (Spanish, true) if one => "1 día hábil".to_owned(),
        (Spanish, true) => format!("{range} días hábiles"),
        (Spanish, false) if one => "1 día".to_owned(),
        (Spanish, false) => format!("{range} días"),
        (Portuguese, true) if one => "1 dia útil".to_owned(),
        (Portuguese, true) => format!("{range} dias úteis"),
        (Portuguese, false) if one => "1 dia".to_owned(),
        (Portuguese, false) => format!("{range} dias"),
        (Arabic, working) => {
            let noun = match (range.contains('-'), ArabicNumber::of(u64::from(last)), working) {
                (false, ArabicNumber::One, true) => return "يوم عمل واحد".to_owned(),
                (false, ArabicNumber::One, false) => return "يوم واحد".to_owned(),
                (false, ArabicNumber::Two, true) => return "يومي عمل".to_owned(),
                (false, ArabicNumber::Two, false) => return "يومين".to_owned(),
                (_, ArabicNumber::One | ArabicNumber::Two | ArabicNumber::Few, true) => "أيام عمل",
                (_, ArabicNumber::One | ArabicNumber::Two | ArabicNumber::Few, false) => "أيام",
                (_, _, true) => "يوم عمل",
                (_, ArabicNumber::Many, false) => "يومًا",
                (_, ArabicNumber::Other, false) => "يوم",
            };
            format!("{} {noun}", ltr(range))
        }
    }
}

/// The state of an order as an adjective of it.
pub fn state(language: Language, state: OrderState) -> &'static str {
    use OrderState::{Cancelled, Confirmed, Delayed, Delivered, OutForDelivery, Packed, Placed, Returned};
    let words = match state {
        Placed => ["placed", "place ho chuka", "दर्ज", "realizado", "realizado", "مسجَّل"],
        Confirmed => ["confirmed", "confirmed", "पुष्ट", "confirmado", "confirmado", "مؤكَّد"],
        Packed => ["packed", "packed", "पैक", "preparado", "embalado", "مُجهَّز"],
        OutForDelivery => ["out for delivery", "raste mein", "रास्ते में", "en camino", "a caminho", "في الطريق"],
        Delayed => ["delayed", "late", "विलंबित", "retrasado", "atrasado", "متأخر"],
        Delivered => ["delivered", "delivered", "डिलीवर", "entregado", "entregue", "تم تسليمه"],
        Cancelled => ["cancelled", "cancelled", "रद्द", "cancelado", "cancelado", "ملغى"],
        Returned => ["returned", "returned", "वापस", "devuelto", "devolvido", "مُرجَع"],
    };
    language.pick(words)
}
