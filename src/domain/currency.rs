//! Currencies: which there are, in which units their amounts are counted, and by which signs and words they are known.
//!
//! The list is ISO 4217's, the symbols are those of Unicode CLDR; `tests/currency/tables.mjs` writes both tables.

mod amount;
mod shop_money;

use std::collections::HashMap;
use std::fmt;
use std::sync::LazyLock;

pub use amount::Amount;
pub use shop_money::ShopMoney;

/// A currency that ISO 4217 lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

/// A text is no currency.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CurrencyError {
    /// Nothing is called so.
    #[error("“{0}” is no currency of ISO 4217\nhint: three letters, such as INR, USD or EUR")]
    Unknown(String),
    /// Several currencies have this sign or name.
    #[error("“{text}” can be {}\nhint: write the three letters", among(.may_be))]
    Ambiguous {
        /// The sign or name.
        text: String,
        /// What it can mean, the most usual first.
        may_be: Vec<Currency>,
    },
}

fn among(currencies: &[Currency]) -> String {
    let codes: Vec<&str> = currencies.iter().take(4).map(Currency::code).collect();
    codes.join(" or ")
}

/// What is known of a currency.
struct Row {
    code: &'static str,
    /// Digits of its minor unit.
    digits: u8,
    /// Digits that a whole amount is usually shown with.
    usual: u8,
    /// What stands for it and for no other currency.
    symbol: &'static str,
    /// What stands for it where it is the usual one.
    short: &'static str,
    name: &'static str,
}

static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| {
    let row = |line: &'static str| {
        let mut cells = line.split('\t');
        Some(Row {
            code: cells.next().filter(|code| code.len() == 3)?,
            digits: cells.next()?.parse().ok()?,
            usual: cells.next()?.parse().ok()?,
            symbol: cells.next()?,
            short: cells.next()?,
            name: cells.next()?,
        })
    };
    include_str!("currency/currencies.txt").lines().filter(|line| !line.starts_with('#')).filter_map(row).collect()
});

/// Signs and words besides the symbols of CLDR, in lower case; the most usual meaning first. Plurals lose their `s`.
const WORDS: &[(&str, &[&str])] = &[
    ("rs", &["INR", "PKR", "LKR", "NPR", "MUR", "SCR"]),
    ("₨", &["INR", "PKR", "LKR", "NPR", "MUR", "SCR"]),
    ("rupee", &["INR", "PKR", "LKR", "NPR", "MUR", "SCR"]),
    ("rupaye", &["INR", "NPR", "PKR"]),
    ("rupay", &["INR", "NPR", "PKR"]),
    ("rupaiye", &["INR", "NPR", "PKR"]),
    ("rupaiya", &["INR", "NPR", "PKR"]),
    ("rupya", &["INR", "NPR", "PKR"]),
    ("रु", &["INR", "NPR"]),
    ("रुपये", &["INR", "NPR"]),
    ("रुपया", &["INR", "NPR"]),
    ("रुपए", &["INR", "NPR"]),
    ("us$", &["USD"]),
    ("us dollar", &["USD"]),
    ("dollar", &["USD", "CAD", "AUD", "SGD", "NZD", "HKD", "TWD"]),
    ("buck", &["USD", "CAD", "AUD", "INR"]),
    ("euro", &["EUR"]),
    ("pound", &["GBP", "EGP"]),
    ("yen", &["JPY"]),
    ("円", &["JPY"]),
    ("rmb", &["CNY"]),
    ("yuan", &["CNY"]),
    ("元", &["CNY", "TWD"]),
    ("s$", &["SGD"]),
    ("dh", &["AED", "MAD"]),
    ("dirham", &["AED", "MAD"]),
    ("sr", &["SAR"]),
    ("riyal", &["SAR", "QAR", "OMR", "YER"]),
    ("rial", &["OMR", "IRR", "YER"]),
    ("dinar", &["KWD", "BHD", "JOD", "IQD", "TND", "LYD", "DZD", "RSD"]),
    ("kd", &["KWD"]),
    ("bd", &["BHD"]),
    ("tk", &["BDT"]),
    ("taka", &["BDT"]),
    ("ksh", &["KES"]),
    ("kr", &["SEK", "NOK", "DKK", "ISK"]),
    ("krona", &["SEK", "ISK"]),
    ("krone", &["NOK", "DKK"]),
    ("kroner", &["NOK", "DKK"]),
    ("kronor", &["SEK"]),
    ("franc", &["CHF", "XOF", "XAF"]),
    ("zloty", &["PLN"]),
    ("zl", &["PLN"]),
    ("real", &["BRL"]),
    ("reais", &["BRL"]),
    ("peso", &["MXN", "PHP", "ARS", "CLP", "COP", "UYU", "DOP", "CUP"]),
    ("lira", &["TRY"]),
    ("tl", &["TRY"]),
    ("rand", &["ZAR"]),
    ("naira", &["NGN"]),
    ("baht", &["THB"]),
    ("won", &["KRW"]),
    ("ringgit", &["MYR"]),
    ("rupiah", &["IDR"]),
    ("dong", &["VND"]),
    ("shekel", &["ILS"]),
    ("ruble", &["RUB", "BYN"]),
    ("rouble", &["RUB", "BYN"]),
];

/// Words of money that are no usual word besides, of [`Currency::from_symbol`], in patterns that ignore letters' case.
macro_rules! words {
    () => {
        concat!(
            r"rs|inr|rupees?|rupaye|rupay|rupaiy[ea]|rupya|us dollars?|usd|dollars?|eur|euros?|gbp|pounds?|yen|",
            r"jpy|yuan|rmb|cny|cad|aud|nzd|sgd|hkd|twd|chf|francs?|sek|nok|dkk|kron[aeo]r?|pln|zł|zlotych|zloty|",
            r"czk|kč|huf|ron|bgn|aed|dh|dhs|dirhams?|sar|riyals?|rials?|qar|omr|kwd|bhd|jod|dinars?|egp|ils|",
            r"shekels?|zar|ngn|naira|kes|ksh|pkr|bdt|tk|taka|lkr|npr|thb|baht|myr|ringgit|rm|idr|rp|rupiah|php|",
            r"pesos?|vnd|krw|mxn|brl|reais|lira|rub|rubles?|roubles?|uah|tnd|xof|xaf|fcfa",
        )
    };
}

/// Codes that stand for money only in capitals. Those that are words in capital letters too, such as `ALL`, are not there.
macro_rules! capitals {
    () => {
        concat!(
            "AFN|AMD|ANG|AOA|ARS|AWG|AZN|BAM|BBD|BIF|BMD|BND|BOV|BSD|BTN|BWP|BYN|BZD|CDF|CHE|CHW|CLF|CLP|COP|COU|",
            "CRC|CUC|CVE|DJF|DOP|DZD|ERN|ETB|FJD|FKP|GEL|GHS|GIP|GMD|GNF|GTQ|GYD|HNL|HRK|HTG|IQD|IRR|ISK|JMD|KGS|",
            "KHR|KMF|KPW|KYD|KZT|LAK|LBP|LRD|LSL|LYD|MAD|MDL|MGA|MKD|MMK|MNT|MRU|MUR|MVR|MWK|MXV|MZN|NAD|NIO|PAB|",
            "PEN|PGK|PYG|RSD|RWF|SBD|SCR|SDG|SHP|SLE|SLL|SRD|SSP|STN|SVC|SYP|SZL|TJS|TMT|TRY|TTD|TZS|UGX|USN|UYI|",
            "UYU|UYW|UZS|VED|VES|VUV|WST|XAD|XCD|XCG|XPF|YER|ZMW|ZWG|ZWL",
        )
    };
}

/// A pattern, ignoring letters' case, of the signs and words of money that stand before a number in a text.
pub const SIGN_BEFORE: &str =
    concat!(r"(?:(?-i:\b[A-Z]{1,3})?\p{Sc}|रु(?:पय[ेा]|पए)?|\b(?:", words!(), r")\.?|(?-i:\b(?:", capitals!(), r")))");

/// The same of those that stand after a number.
pub const SIGN_AFTER: &str =
    concat!(r"(?:(?-i:[A-Z]{1,3})?\p{Sc}|रु(?:पय[ेा]|पए)?|(?:", words!(), r")\b\.?|(?-i:(?:", capitals!(), r")\b))");

/// What a sign or word can mean, by the word in lower case.
static MEANINGS: LazyLock<HashMap<String, Vec<Currency>>> = LazyLock::new(|| {
    // Who writes a sign of many means one of these first.
    const USUAL: [&str; 12] = ["INR", "USD", "EUR", "GBP", "JPY", "CNY", "CAD", "AUD", "SGD", "NZD", "HKD", "MXN"];
    let place = |currency: &Currency| USUAL.iter().position(|code| *code == currency.code()).unwrap_or(USUAL.len());
    let mut all: Vec<Currency> = Currency::all().collect();
    all.sort_by_key(|currency| (place(currency), *currency));
    let mut meanings: HashMap<String, Vec<Currency>> = HashMap::new();
    let mut add = |word: &str, currency: Currency| {
        let known = meanings.entry(word.trim_end_matches('.').to_lowercase()).or_default();
        if !known.contains(&currency) {
            known.push(currency);
        }
    };
    for (word, codes) in WORDS {
        codes.iter().filter_map(|code| Currency::new(code)).for_each(|currency| add(word, currency));
    }
    for currency in all {
        for word in [currency.code(), currency.symbol(), currency.short_symbol(), currency.name()] {
            // A letter alone is no sign of money in a text.
            if word.chars().count() > 1 || !word.chars().all(char::is_alphabetic) {
                add(word, currency);
            }
        }
    }
    meanings
});

impl Currency {
    /// The Indian rupee.
    pub const INR: Self = Self(*b"INR");

    /// The currency of a code, in any case; `None` where ISO 4217 does not list it.
    pub fn new(code: &str) -> Option<Self> {
        let letters: [u8; 3] = code.trim().as_bytes().try_into().ok()?;
        let found = Self(letters.map(|letter| letter.to_ascii_uppercase()));
        found.row().is_some().then_some(found)
    }

    /// The currency of a code, or of a sign or name that only one has, such as `€` or `Euro`.
    ///
    /// # Errors
    /// When it is no currency, or several are called so; the text ends with a hint.
    pub fn parse(text: &str) -> Result<Self, CurrencyError> {
        let shown = || text.trim().chars().take(40).collect::<String>();
        match Self::from_symbol(text) {
            [] => Err(CurrencyError::Unknown(shown())),
            [one] => Ok(*one),
            several => Err(CurrencyError::Ambiguous { text: shown(), may_be: several.to_vec() }),
        }
    }

    /// The currencies that a sign, word or code can mean, the most usual first: `₹`, `Rs.`, `US$`, `euros`, `KWD`. Letters' case
    /// and a dot at the end do not matter. Empty where it means none.
    pub fn from_symbol(text: &str) -> &'static [Self] {
        let word = text.trim().trim_end_matches('.').to_lowercase();
        let known = |word: &str| MEANINGS.get(word).map(Vec::as_slice);
        known(&word).or_else(|| known(word.strip_suffix('s')?)).unwrap_or_default()
    }

    fn row(self) -> Option<&'static Row> {
        ROWS.binary_search_by(|row| row.code.as_bytes().cmp(&self.0[..])).ok().and_then(|at| ROWS.get(at))
    }

    /// Its code, such as `INR`.
    pub fn code(&self) -> &'static str {
        self.row().map_or("", |row| row.code)
    }

    /// The digits of its minor unit by ISO 4217: 2 for most, 0 for JPY, 3 for KWD, at most 4.
    pub fn minor_units(self) -> u32 {
        self.row().map_or(2, |row| row.digits.into())
    }

    /// The digits that a whole amount is usually shown with: fewer than [`Currency::minor_units`] where nobody uses these.
    fn usual_digits(self) -> u32 {
        self.row().map_or(2, |row| row.usual.into())
    }

    /// What stands for it, and for no other currency but the US dollar's `$`: `₹`, `CA$`, `KWD`.
    pub fn symbol(self) -> &'static str {
        self.row().map_or("", |row| row.symbol)
    }

    /// What stands for it among people who use it: `$`, `kr`.
    fn short_symbol(self) -> &'static str {
        self.row().map_or("", |row| row.short)
    }

    /// Its English name, such as `Indian Rupee`.
    pub fn name(self) -> &'static str {
        self.row().map_or("", |row| row.name)
    }

    /// Every currency, by its code.
    pub fn all() -> impl Iterator<Item = Self> {
        ROWS.iter().filter_map(|row| row.code.as_bytes().try_into().ok()).map(Self)
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl serde::Serialize for Currency {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> serde::Deserialize<'de> for Currency {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = String::deserialize(deserializer)?;
        Self::new(&code).ok_or_else(|| serde::de::Error::custom(format!("“{code}” is no currency")))
    }
}

impl Default for Currency {
    /// The rupee: what earlier versions stored without a currency is in rupees.
    fn default() -> Self {
        Self::INR
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table_is_read() {
        let lines = include_str!("currency/currencies.txt").lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(ROWS.len(), lines);
        assert!(ROWS.is_sorted_by_key(|row| row.code), "found by bisection");
        for row in ROWS.iter() {
            assert!(row.digits <= 4 && row.usual <= row.digits && !row.symbol.is_empty() && !row.name.is_empty());
        }
        let digits = |code| Currency::new(code).map(Currency::minor_units);
        assert_eq!(["JPY", "INR", "KWD", "CLF"].map(digits), [Some(0), Some(2), Some(3), Some(4)]);
        assert_eq!(["ABC", "IN", "INRS", "", "XXX", "XAU", "₹"].map(Currency::new), [None; 7]);
        assert_eq!(Currency::new(" usd ").map(|currency| currency.code().to_owned()).as_deref(), Some("USD"));
    }

    #[test]
    fn signs_and_words_mean_what_they_can_mean() {
        let codes = |text| Currency::from_symbol(text).iter().map(Currency::code).collect::<Vec<_>>();
        assert_eq!(codes("₹"), ["INR"]);
        assert_eq!(codes("€"), ["EUR"]);
        assert_eq!(codes("Euros"), ["EUR"]);
        assert_eq!(codes("US$"), ["USD"]);
        assert_eq!(codes("kwd"), ["KWD"]);
        assert_eq!(codes("Rs.")[..2], ["INR", "PKR"]);
        assert_eq!(codes("rupees")[0], "INR");
        assert_eq!(codes("$")[..3], ["USD", "CAD", "AUD"]);
        assert_eq!(codes("¥"), ["JPY", "CNY"]);
        assert_eq!(codes("£")[0], "GBP");
        assert_eq!(codes("xyz"), [""; 0]);
        assert_eq!(codes(""), [""; 0]);
        assert_eq!(Currency::parse("€").map(|currency| currency.to_string()), Ok("EUR".to_owned()));
        for currency in Currency::all() {
            assert_eq!(Currency::parse(currency.code()), Ok(currency));
            assert!(Currency::from_symbol(currency.symbol()).contains(&currency), "{currency}");
        }
        for (word, meanings) in WORDS {
            assert!(meanings.iter().all(|code| Currency::new(code).is_some()), "{word}");
        }
    }

    #[test]
    fn what_is_no_currency_is_refused_with_a_hint() {
        let error = |text| Currency::parse(text).unwrap_err().to_string();
        assert_eq!(error("RUPIA"), "“RUPIA” is no currency of ISO 4217\nhint: three letters, such as INR, USD or EUR");
        assert_eq!(error("$"), "“$” can be USD or CAD or AUD or SGD\nhint: write the three letters");
    }
}
