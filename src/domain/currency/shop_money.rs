//! The shop's own currency, and how amounts are written there: symbol, its place, groups and decimals.
//!
//! It must never write two amounts alike that are not: another currency than the shop's own is named so that it cannot be
//! taken for it.

use std::fmt::Write as _;
use std::sync::LazyLock;

use super::{Amount, Currency};
use crate::domain::money::{Decimal, Money};

/// How a country writes amounts.
struct Row {
    country: [u8; 2],
    /// Its own money.
    currency: Currency,
    /// What stands for it there.
    symbol: &'static str,
    style: Style,
    /// The locale of CLDR that the style is from.
    locale: &'static str,
}

/// Where the parts of an amount are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Style {
    symbol_first: bool,
    /// A space between symbol and number, whatever the symbol is.
    spaced: bool,
    decimal: char,
    group: char,
    /// The digits of each group but the last, which has three.
    group_size: usize,
    /// The digits of whole units from which there are groups.
    grouped_from: usize,
}

/// What parts a symbol from its number: a line does not break there.
const SPACE: char = '\u{A0}';

impl Style {
    /// Reads an example, such as `1.234.567,50 ¤`.
    fn parse(example: &str, grouped_from: usize) -> Option<Self> {
        let symbol_first = example.starts_with('¤');
        let number = example.trim_matches('¤');
        let spaced = number.contains(SPACE) && number.trim_matches(SPACE).len() < number.len();
        let number = number.trim_matches(SPACE);
        let marks: Vec<(usize, char)> = number.char_indices().filter(|(_, c)| !c.is_ascii_digit()).collect();
        let [first, second, decimal] = marks[..] else { return None };
        Some(Self {
            symbol_first,
            spaced,
            decimal: decimal.1,
            group: first.1,
            group_size: second.0 - first.0 - first.1.len_utf8(),
            grouped_from,
        })
    }

    fn grouped(&self, digits: &str) -> String {
        if digits.len() < self.grouped_from {
            return digits.to_owned();
        }
        let (head, tail) = digits.split_at(digits.len().saturating_sub(3));
        let mut out = String::new();
        for (index, digit) in head.chars().enumerate() {
            if index > 0 && (head.len() - index).is_multiple_of(self.group_size.max(1)) {
                out.push(self.group);
            }
            out.push(digit);
        }
        if !out.is_empty() {
            out.push(self.group);
        }
        out + tail
    }
}

static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| {
    let row = |line: &'static str| {
        let mut cells = line.split('\t');
        Some(Row {
            country: cells.next()?.as_bytes().try_into().ok()?,
            currency: Currency::new(cells.next()?)?,
            symbol: cells.next()?,
            style: Style::parse(cells.next()?, cells.next()?.parse().ok()?)?,
            locale: cells.next()?,
        })
    };
    include_str!("countries.txt").lines().filter(|line| !line.starts_with('#')).filter_map(row).collect()
});

/// The country whose customs count for a currency that several have, or that none has as its own.
const HOMES: [(&str, &[u8; 2]); 12] = [
    ("EUR", b"DE"),
    ("USD", b"US"),
    ("GBP", b"GB"),
    ("AUD", b"AU"),
    ("NZD", b"NZ"),
    ("CHF", b"CH"),
    ("DKK", b"DK"),
    ("NOK", b"NO"),
    ("ILS", b"IL"),
    ("ZAR", b"ZA"),
    ("XOF", b"SN"),
    ("XAF", b"CM"),
];

fn row(country: [u8; 2]) -> Option<&'static Row> {
    ROWS.binary_search_by_key(&country, |row| row.country).ok().and_then(|at| ROWS.get(at))
}

/// The country of a currency.
fn home(currency: Currency) -> Option<&'static Row> {
    let named = HOMES.iter().find(|(code, _)| *code == currency.code()).and_then(|(_, country)| row(**country));
    // Most codes begin with their country's.
    let own = || {
        let letters = currency.code().as_bytes();
        row([*letters.first()?, *letters.get(1)?]).filter(|row| row.currency == currency)
    };
    named.or_else(own).or_else(|| ROWS.iter().find(|row| row.currency == currency))
}

/// A shop's currency, and how it writes amounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShopMoney {
    currency: Currency,
    symbol: &'static str,
    style: Style,
    locale: &'static str,
}

impl Default for ShopMoney {
    /// Rupees, as India writes them: `₹1,23,456.50`.
    fn default() -> Self {
        Self::new(Currency::INR, None)
    }
}

impl ShopMoney {
    /// The money of a shop. `country`: two letters (ISO 3166). Its customs count where its money is this currency; else those
    /// of the currency's own country, so that a shop that sells in dollars writes dollars as its customers do.
    pub fn new(currency: Currency, country: Option<&str>) -> Self {
        let there = country
            .and_then(|country| country.to_ascii_uppercase().as_bytes().try_into().ok())
            .and_then(row)
            .filter(|row| row.currency == currency);
        let found = there.or_else(|| home(currency));
        let plain =
            Style { symbol_first: true, spaced: false, decimal: '.', group: ',', group_size: 3, grouped_from: 4 };
        Self {
            currency,
            symbol: found.map_or_else(|| currency.symbol(), |row| row.symbol),
            style: found.map_or(plain, |row| row.style),
            locale: found.map_or("en", |row| row.locale),
        }
    }

    /// The money of a country; `None` where the country is not known.
    pub fn currency_of(country: &str) -> Option<Currency> {
        let country: [u8; 2] = country.trim().to_ascii_uppercase().as_bytes().try_into().ok()?;
        row(country).map(|row| row.currency)
    }

    /// The shop's own currency.
    pub fn currency(&self) -> Currency {
        self.currency
    }

    /// The locale of CLDR in which amounts are written, such as `en-IN`: for programs in a browser.
    pub fn locale(&self) -> &'static str {
        self.locale
    }

    /// So much of the shop's own currency.
    pub fn own(&self, money: Money) -> Amount {
        Amount::new(money, self.currency)
    }

    /// Whether groups of digits are parted by spaces here.
    pub fn groups_with_spaces(&self) -> bool {
        self.style.group.is_whitespace()
    }

    /// Whether symbols stand before numbers here.
    pub fn puts_symbols_first(&self) -> bool {
        self.style.symbol_first
    }

    /// What stands for a currency here: for the shop's own what people there write, for others what means no third one.
    pub fn symbol(&self, currency: Currency) -> &'static str {
        match currency.symbol() {
            _ if currency == self.currency => self.symbol,
            "$" => "US$",
            // Where the shop's own is written the same, the other is written by its letters.
            same if same == self.symbol => currency.code(),
            symbol => symbol,
        }
    }

    /// The currencies that a sign can mean in a text of this shop: the shop's own where it can, else
    /// the one that is written so here, else all that it can.
    pub fn meanings(&self, sign: &str) -> Vec<Currency> {
        let sign = sign.trim();
        if sign == self.symbol || sign.trim_end_matches('.').eq_ignore_ascii_case(self.symbol.trim_end_matches('.')) {
            return vec![self.currency];
        }
        let all = Currency::from_symbol(sign);
        // What this shop writes so means one currency.
        let own = all.contains(&self.currency).then_some(self.currency);
        let written = || all.iter().copied().find(|currency| self.symbol(*currency) == sign);
        own.or_else(written).map_or_else(|| all.to_vec(), |currency| vec![currency])
    }

    /// An amount as people read it: `₹1,23,456.50`, `$1,234.50`, `1.234,50 €`, `¥1,235`, `KWD 1.250`.
    ///
    /// Whole amounts of rupees, and of currencies whose minor unit nobody uses, are without decimals.
    pub fn show(&self, amount: Amount) -> String {
        let Amount { money, currency } = amount;
        let sign = if money.minor_units() < 0 { "-" } else { "" };
        let number = self.number(money, currency);
        let symbol = self.symbol(currency);
        let letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let mut out = sign.to_owned();
        if self.style.symbol_first {
            out.push_str(symbol);
            if self.style.spaced || letter(symbol.chars().next_back()) {
                out.push(SPACE);
            }
            out.push_str(&number);
        } else {
            out.push_str(&number);
            if self.style.spaced || letter(symbol.chars().next()) {
                out.push(SPACE);
            }
            out.push_str(symbol);
        }
        out
    }

    /// The digits of an amount, without its sign.
    fn number(&self, money: Money, currency: Currency) -> String {
        let digits = currency.minor_units();
        let one = 10_u64.pow(digits);
        let units = money.minor_units().unsigned_abs();
        let mut out = self.style.grouped(&(units / one).to_string());
        let (rest, usual) = (units % one, currency.usual_digits());
        if digits > 0 && (rest > 0 || (usual > 0 && currency != Currency::INR)) {
            out.push(self.style.decimal);
            let _ = write!(out, "{rest:0width$}", width = digits as usize);
        }
        out
    }

    /// A count, with the groups of this shop: `12,34,567`.
    pub fn show_count(&self, count: i64) -> String {
        let sign = if count < 0 { "-" } else { "" };
        format!("{sign}{}", self.style.grouped(&count.unsigned_abs().to_string()))
    }

    /// A number as this shop writes it, such as `1.234,50`, as an amount of a currency. `None` where it is none, or not exact.
    pub fn read_number(&self, text: &str, currency: Currency) -> Option<Money> {
        Decimal::read(text, self.style.decimal, currency.minor_units())?.to_money(currency).ok()
    }

    /// Reads what [`ShopMoney::show`] writes: a number, and a sign that means one currency here.
    pub fn read(&self, text: &str) -> Option<Amount> {
        let text = text.trim();
        let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let first = text.find(|c: char| c.is_ascii_digit())?;
        let last = text.rfind(|c: char| c.is_ascii_digit())? + 1;
        let sign = [&text[..first], &text[last..]].concat();
        let currencies = self.meanings(&sign);
        let [currency] = currencies[..] else { return None };
        let money = self.read_number(&text[first..last], currency)?;
        Some(Amount::new(if negative { Money::from_minor_units(-money.minor_units()) } else { money }, currency))
    }
}

#[cfg(test)]
#[path = "shop_money_tests.rs"]
mod tests;
