//! What a number format shows beside the digits of a cell: the currency of an amount, the zeros and letters of an id.

use std::str::Chars;

use crate::import::values::is_currency_mark;

/// What a format adds to a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shown {
    /// A currency: a sign, an abbreviation or a code.
    Currency(String),
    /// Text before the digits, and how many digits there are at least.
    Digits { before: String, least: usize },
}

impl Shown {
    /// What the format with this code adds; `None` where the digits are all that matters.
    pub(super) fn of(code: &str) -> Option<Self> {
        let mut chars = code.chars();
        let (mut before, mut after, mut digits) = (String::new(), String::new(), String::new());
        while let Some(c) = chars.next() {
            let literal = match c {
                ';' => break,
                '"' => chars.by_ref().take_while(|c| *c != '"').collect(),
                '\\' => chars.next().map(String::from).unwrap_or_default(),
                // Space as wide as a character, and a character that fills the cell.
                '_' | '*' => {
                    chars.next();
                    continue;
                }
                '[' => match symbol(&mut chars) {
                    Some(symbol) => return Some(Self::Currency(symbol)),
                    None => continue,
                },
                '0' | '#' | '?' | '.' | ',' | '%' | 'E' | 'e' => {
                    // `000-0000` has text inside.
                    if !after.trim().is_empty() {
                        return currency(&before).or_else(|| currency(&after));
                    }
                    digits.push(c);
                    continue;
                }
                '@' | 'G' | 'g' => return None,
                other => other.to_string(),
            };
            if digits.is_empty() { &mut before } else { &mut after }.push_str(&literal);
        }
        if let Some(currency) = currency(&before).or_else(|| currency(&after)) {
            return Some(currency);
        }
        let zeros = !digits.is_empty() && digits.bytes().all(|digit| digit == b'0');
        let adds = digits.len() > 1 || !before.trim().is_empty();
        (zeros && adds && after.trim().is_empty() && digits.len() <= 64)
            .then(|| Self::Digits { before: before.trim_start().to_owned(), least: digits.len() })
    }

    /// The number as it is shown.
    pub(super) fn apply(&self, number: &str) -> String {
        match self {
            Self::Currency(mark) => format!("{mark} {number}"),
            Self::Digits { before, least } if number.bytes().all(|digit| digit.is_ascii_digit()) => {
                format!("{before}{number:0>least$}")
            }
            Self::Digits { .. } => number.to_owned(),
        }
    }
}

/// The sign of `[$€-407]`; `None` for a colour, a condition, or a language alone.
fn symbol(chars: &mut Chars<'_>) -> Option<String> {
    let inside: String = chars.by_ref().take_while(|c| *c != ']').collect();
    let symbol = inside.strip_prefix('$')?;
    let symbol = symbol.rsplit_once('-').map_or(symbol, |(symbol, _)| symbol).trim();
    (!symbol.is_empty()).then(|| symbol.to_owned())
}

fn currency(text: &str) -> Option<Shown> {
    let text = text.trim();
    let sign = text.chars().any(|c| "$€£¥₹₽₩₺₴₦₱৳₪฿₸₫₡₲₨".contains(c));
    let code = text.len() == 3 && text.bytes().all(|letter| letter.is_ascii_uppercase());
    let rupees = text.trim_end_matches('.').eq_ignore_ascii_case("rs");
    ((sign || code || rupees) && is_currency_mark(text)).then(|| Shown::Currency(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_shows_currencies_zeros_and_letters() {
        let shown = |code: &str, number: &str| Shown::of(code).map(|shown| shown.apply(number));
        for (code, number, text) in [
            ("[$€-407] #,##0.00", "100", "€ 100"),
            ("#,##0.00 [$EUR]", "100.5", "EUR 100.5"),
            ("[$₹-4009]\\ #,##0", "1299", "₹ 1299"),
            ("\"$\"#,##0.00;[Red]-\"$\"#,##0.00", "-5", "$ -5"),
            ("_(\"£\"* #,##0.00_)", "5", "£ 5"),
            ("\"Rs.\" 0", "5", "Rs. 5"),
            ("000000", "42", "000042"),
            ("\"INV-\"0000", "43", "INV-0043"),
            ("\"#\"0", "1005", "#1005"),
            ("\\O\\R\\D000", "7", "ORD007"),
            ("000000", "1.5", "1.5"),
        ] {
            assert_eq!(shown(code, number).as_deref(), Some(text), "{code}");
        }
        for code in
            ["General", "0", "0.00", "#,##0", "@", "0 \"kg\"", "000-0000", "[Red]0", "[$-409]0", "0%", "0.00E+00"]
        {
            assert_eq!(Shown::of(code), None, "{code}");
        }
    }
}
