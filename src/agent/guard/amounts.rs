//! Finds amounts of money in a reply.
//!
//! It must never overlook one: what looks like money and names no exact amount of a currency counts as an unknown amount.

use std::fmt::Write as _;
use std::sync::LazyLock;

use regex::Regex;

use crate::domain::currency::{Amount, Currency, SIGN_AFTER, SIGN_BEFORE, ShopMoney};
use crate::domain::pattern::pattern;

/// `₹599`, `Rs:599`, `₹5 lakh`, `₹500-600`, `US$599`, `EUR 5`.
static SIGN_FIRST: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"(?i)(?P<sign>{SIGN_BEFORE}|{OTHER_SIGN})[\s.:=]*(?P<n>{NUMBER}(?: 000)*)(?P<scale>{SCALE})?(?:\s*(?:-|–|—|to)\s*(?P<to>\d{{3,}}(?:[\d.,']*\d)?))?"
    ))
});
/// `599 rupees`, `599/-`, `5 lakh rupaye`, `5 euros`, `1.234,50 €`.
static SIGN_LAST: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(r"(?i)(?P<n>{NUMBER})(?P<scale>{SCALE})?\s*(?P<sign>/-|/=|{SIGN_AFTER}|{OTHER_SIGN_AFTER})"))
});
/// Signs beside those of [`SIGN_BEFORE`]: money of no state, and other spellings.
const OTHER_SIGN: &str = r"(?:रू(?:पय[ेा])?|\b(?:btc|usdt|bitcoins?))";
const OTHER_SIGN_AFTER: &str = r"(?:रू(?:पय[ेा])?|(?:btc|usdt|bitcoins?|bucks)\b)";
const NUMBER: &str = r"\d(?:[\d.,']*\d)?";
const SCALE: &str = r"\s*(?:lakhs?|lacs?|crores?|cr|thousand|hundred|million|k|हजार|लाख)\b";
/// `five hundred rupees`, `rupees fifty`, `पाँच सौ रुपये`.
static IN_WORDS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"(?i)\b{WORDS}\s+(?:rupees?|rs|inr|rupaye|rupay|rupaiy[ae]|rupya|bucks|dollars?)\b|\b(?:rupees|rs|inr|rupaye)[\s.:]+{WORDS}\b|{HINDI}\s*(?:रुप|रूप)"
    ))
});
/// `five thousand`, in a sentence about money.
static LARGE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"(?i)\b{WORDS}[\s-]+(?:hundred|thousand|lakhs?|lacs?|crores?|million|hazaa?r|sau)\b|{HINDI}\s*(?:सौ|हजार|लाख|करोड)"
    ))
});
const WORDS: &str = r"(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|twenty|thirty|fou?rty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|lakhs?|lacs?|crores?|million|half|ek|teen|chaar|paa?nch|chh?ah?|saat|aath|nau|bees|tees|chaa?lis|pach?aas|pachas|saath|sattar|assi|nabbe|sau|hazaa?r|hajaa?r)";
const HINDI: &str =
    r"(?:एक|दो|तीन|चार|पाँच|पांच|छह|सात|आठ|नौ|दस|बीस|तीस|चालीस|पचास|साठ|सत्तर|अस्सी|नब्बे|सौ|हजार|लाख|करोड|करोड़)";
/// `1.5L`, in a sentence about money.
static SHORT_LAKH: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b\d[\d,.]*\s?(?:L|K|Cr)\b"));
/// `five-nine-nine`: digits as words.
static SPELLED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(r"(?i)\b{DIGIT}(?:[\s,.\-–]+{DIGIT}){{2,}}\b|{HINDI_DIGIT}(?:[\s,\-]+{HINDI_DIGIT}){{2,}}"))
});
/// Any word for a number: without one the patterns for words find nothing.
static NUMBER_WORD: LazyLock<Regex> =
    LazyLock::new(|| pattern(&format!(r"(?i)(?-u:\b)(?:{WORDS}|{DIGIT})(?-u:\b)|{HINDI}|{HINDI_DIGIT}")));
const DIGIT: &str = r"(?:zero|oh|one|two|three|four|five|six|seven|eight|nine|double|triple|ek|do|teen|chaa?r|paa?nch|chh?[ae]h?|saat|aath|nau|shunya|uno|dos|tres|cuatro|cinco|seis|siete|ocho|nueve|cero|eins|zwei|drei|vier|fünf|funf|sechs|sieben|acht|neun|null|un|deux|trois|quatre|cinq|sept|huit|neuf|um|dois|quatro|sete|oito|nove|due|tre|quattro|cinque|otto)";
const HINDI_DIGIT: &str = "(?:शून्य|एक|दो|तीन|चार|पाँच|पांच|छह|छः|सात|आठ|नौ)";
/// `5 lakh`, in a sentence about money.
static SCALED: LazyLock<Regex> = LazyLock::new(|| pattern(&format!(r"(?i){NUMBER}{SCALE}")));
static BARE: LazyLock<Regex> = LazyLock::new(|| pattern(NUMBER));
/// Dates and identifiers of numbers.
static GROUPS: LazyLock<Regex> = LazyLock::new(|| pattern(r"\d+(?:[-/]\d+){2,}"));

/// A sentence about money.
static MONEY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:refund\w*|money|amount\w*|paise|paisa|rupees?|rupaye|paid|pay|payment|credit\w*|reimburs\w*|wapas|cash\s?back|compensat\w*|voucher|coupon|back|fee|fees|price|cost|costs|worth|value|total|bill|receive|get|charge[ds]?|deduct\w*|milenge|milega)\b|रिफंड|पैसे|पैसा|वापस",
    )
});
/// A unit after a number that is not money.
static COUNTED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)^(?:\s*(?:-|–|to)\s*\d+)?\s*(?:more\s+)?(?:business\s+|working\s+)?(?:days?|din|hours?|hrs?|ghante|minutes?|mins?|seconds?|secs?|weeks?|months?|years?|g|gm|gms|grams?|kg|ml|l|ltr|litres?|pcs|pieces?|items?|orders?|packs?|%|percent|characters?|digits?|points|am|pm|stars?|minute|minutos?|d[ií]as?|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)\b|^\s*(?:%|दिन|मिनट|घंटे|يوم|ايام|دقيقه|دقيقة|دقائق)",
    )
});
/// A word before a number that is an identifier or a date.
static NAMED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)(?:\b(?:order|id|no|number|code|pin|pincode)[\s.:]*|#\s*|\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*[\s,.]*|\b(?:enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre|diciembre|janeiro|fevereiro|mar[cç]o|maio|junho|julho|setembro|outubro|novembro|dezembro)\s+(?:de\s+)?|(?:जनवरी|फरवरी|मार्च|अप्रैल|मई|जून|जुलाई|अगस्त|सितंबर|अक्टूबर|नवंबर|दिसंबर|يناير|فبراير|مارس|ابريل|مايو|يونيو|يوليو|اغسطس|سبتمبر|اكتوبر|نوفمبر|ديسمبر)\s+)$",
    )
});

/// Stands for an amount while the next patterns run; `plain` has removed it from replies.
pub(super) const PLACEHOLDER: char = '¤';

/// What a number of a text can mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meaning {
    /// The number as it is written; `None` where it names no exact amount.
    number: Option<String>,
    /// The currencies that its sign can mean; `None` where it has no sign.
    currencies: Option<Vec<Currency>>,
}

impl Meaning {
    const UNKNOWN: Self = Self { number: None, currencies: None };

    /// Whether it is this amount, in a text of this shop.
    pub fn is(&self, amount: Amount, shop: &ShopMoney) -> bool {
        let number = self.number.as_ref().and_then(|number| shop.read_number(number, amount.currency));
        number == Some(amount.money)
            && self.currencies.as_ref().is_none_or(|currencies| currencies.contains(&amount.currency))
    }

    /// The one amount that it is in a text of this shop; without a sign it is of the shop's own currency.
    pub fn amount(&self, shop: &ShopMoney) -> Option<Amount> {
        let currency = match self.currencies.as_deref() {
            None => shop.currency(),
            Some([currency, ..]) => *currency,
            Some([]) => return None,
        };
        Some(Amount::new(shop.read_number(self.number.as_ref()?, currency)?, currency))
    }
}

/// An amount as it is shown, and what it can mean.
type ShownAmount = (String, Meaning);

/// Digits in groups with spaces between, as some countries write them.
static SPACED: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b\d{1,3}(?: \d{3})+\b"));

/// Extracts the amounts of a sentence: `₹0` replaces the first one found.
pub(super) fn extract(sentence: &str, shop: &ShopMoney) -> (String, Vec<ShownAmount>) {
    let text = if shop.groups_with_spaces() && sentence.contains(char::is_numeric) {
        SPACED.replace_all(sentence, |hit: &regex::Captures<'_>| hit[0].replace(' ', "'")).into_owned()
    } else {
        sentence.to_owned()
    };
    let text = if sentence.contains(char::is_numeric) { with_code(&text, shop) } else { text };
    let mut found = Extraction { text, amounts: Vec::new() };
    let (in_words, in_digits) = (NUMBER_WORD.is_match(sentence), sentence.contains(char::is_numeric));
    let about_money = (in_words || in_digits) && MONEY.is_match(sentence);
    if in_words {
        found.in_words(about_money);
    }
    if !in_digits {
        return found.done();
    }
    let meaning = |sign: &str, number: &str, scaled: bool| {
        let sign = if matches!(sign, "/-" | "/=") { "₹" } else { sign };
        let number = number.trim_end_matches(',').replace(' ', "");
        if scaled { Meaning::UNKNOWN } else { Meaning { number: Some(number), currencies: Some(shop.meanings(sign)) } }
    };
    found.extract(&SIGN_FIRST, |hit, text| {
        let start = hit.get(0)?.start();
        // “599 rupees 3 days” and “599₹ 3 items”: the sign belongs to the number before it.
        let leads = shop.puts_symbols_first() && !hit["sign"].starts_with(char::is_alphabetic);
        let before = if leads { &text[..start] } else { text[..start].trim_end() };
        if before.ends_with(|c: char| c.is_ascii_digit()) && !ends_with_placeholder(before) {
            return None;
        }
        let scaled = hit.name("scale").is_some();
        let mut amounts = vec![meaning(&hit["sign"], &hit["n"], scaled)];
        amounts.extend(hit.name("to").map(|to| meaning(&hit["sign"], to.as_str(), false)));
        Some(amounts)
    });
    found.extract(&SIGN_LAST, |hit, text| {
        let start = hit.get(0)?.start();
        (!joined(&text[..start])).then(|| vec![meaning(&hit["sign"], &hit["n"], hit.name("scale").is_some())])
    });
    if about_money {
        found.extract(&SHORT_LAKH, |hit, text| (!joined(&text[..hit.get(0)?.start()])).then(|| vec![Meaning::UNKNOWN]));
        let dates: Vec<_> = GROUPS.find_iter(&found.text).map(|hit| hit.range()).collect();
        for range in dates {
            let blank = " ".repeat(range.len());
            found.text.replace_range(range, &blank);
        }
        found.extract(&SCALED, |hit, text| (!joined(&text[..hit.get(0)?.start()])).then(|| vec![Meaning::UNKNOWN]));
        found.extract(&BARE, |hit, text| {
            let whole = hit.get(0)?;
            let (before, after) = (&text[..whole.start()], &text[whole.end()..]);
            let runs_on = after.starts_with(|c: char| c.is_alphanumeric());
            let other = joined(before) || runs_on || COUNTED.is_match(after) || NAMED.is_match(before);
            let meaning = Meaning { number: Some(whole.as_str().to_owned()), currencies: None };
            (whole_digits(whole.as_str(), shop) >= 3 && !other).then(|| vec![meaning])
        });
    }
    found.done()
}

/// A sentence in which the shop's own symbol is the code of its currency, where it consists of letters: “599 kr.”, “1 234 Ft”.
fn with_code(text: &str, shop: &ShopMoney) -> String {
    let code = shop.currency().code();
    let symbol = super::text::plain(shop.symbol(shop.currency()));
    let is_digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
    let in_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    if symbol == code || !symbol.contains(char::is_alphabetic) {
        return text.to_owned();
    }
    let (mut out, mut from) = (String::new(), 0);
    for (at, _) in text.match_indices(&symbol) {
        let (before, after) = (&text[..at], &text[at + symbol.len()..]);
        let leads = is_digit(after.trim_start().chars().next()) && !in_word(before.chars().next_back());
        let follows = is_digit(before.trim_end().chars().next_back()) && !in_word(after.chars().next());
        if at >= from && (leads || follows) {
            out.push_str(&text[from..at]);
            out.extend([" ", code, " "]);
            from = at + symbol.len();
        }
    }
    out + &text[from..]
}

/// The digits of a number before its decimals.
fn whole_digits(number: &str, shop: &ShopMoney) -> usize {
    let digits = |text: &str| text.bytes().filter(u8::is_ascii_digit).count();
    let one = 10_i64.pow(shop.currency().minor_units());
    match shop.read_number(number, shop.currency()) {
        Some(money) => (money.minor_units() / one).to_string().len(),
        None => number.split('.').next().map_or(0, digits),
    }
}

struct Extraction {
    text: String,
    amounts: Vec<ShownAmount>,
}

impl Extraction {
    /// Amounts that are written as words.
    fn in_words(&mut self, about_money: bool) {
        self.extract(&IN_WORDS, |_, _| Some(vec![Meaning::UNKNOWN]));
        self.extract(&SPELLED, |_, _| Some(vec![Meaning::UNKNOWN]));
        if about_money {
            self.extract(&LARGE, |hit, text| {
                (!COUNTED.is_match(&text[hit.get(0)?.end()..])).then(|| vec![Meaning::UNKNOWN])
            });
        }
    }

    fn done(self) -> (String, Vec<ShownAmount>) {
        (self.text.replace(PLACEHOLDER, "₹"), self.amounts)
    }

    /// Replaces the matches of a pattern for which `read` gives amounts.
    fn extract(&mut self, pattern: &Regex, read: impl Fn(&regex::Captures<'_>, &str) -> Option<Vec<Meaning>>) {
        let (mut rest, mut from) = (String::new(), 0);
        for hit in pattern.captures_iter(&self.text) {
            let Some(whole) = hit.get(0) else { continue };
            let Some(amounts) = read(&hit, &self.text) else { continue };
            rest.push_str(&self.text[from..whole.start()]);
            for amount in amounts {
                let _ = write!(rest, " {PLACEHOLDER}{} ", self.amounts.len());
                self.amounts.push((whole.as_str().trim().to_owned(), amount));
            }
            from = whole.end();
        }
        rest.push_str(&self.text[from..]);
        self.text = rest;
    }
}

/// Whether a number after this text is part of something else: a word, a placeholder, a decimal.
fn joined(before: &str) -> bool {
    before.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '@' | PLACEHOLDER | '.' | ','))
}

/// Whether a text ends with a placeholder: its number is no amount.
fn ends_with_placeholder(before: &str) -> bool {
    let number = before.trim_end_matches(|c: char| c.is_ascii_digit());
    number.ends_with(['@', PLACEHOLDER])
}
