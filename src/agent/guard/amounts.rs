//! Decides what counts as an amount of money in a reply.
//!
//! It must never overlook one: what looks like money and names no exact amount in rupees counts as an unknown amount.

use std::sync::LazyLock;

use regex::Regex;

use super::text::pattern;
use crate::domain::money::Money;

/// `$500`, `5 euros`.
static FOREIGN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)(?:[$€£¥₩₽₺₫₪₿฿₦₱]|\b(?:usd|eur|gbp|aed|btc|usdt|dollars?|euros?|pounds?|dirhams?|bitcoins?)\b)\s*\d[\d,.]*|\d[\d,.]*\s*(?:[$€£¥₩₽₺₫₪₿฿₦₱]|(?:usd|eur|gbp|aed|btc|usdt|dollars?|euros?|pounds?|dirhams?|bitcoins?)\b)",
    )
});
/// `₹599`, `Rs:599`, `₹5 lakh`, `₹500-600`.
static SIGN_FIRST: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"(?i)(?P<sign>₹|रु(?:पय[ेा]|पए)?|रू(?:पय[ेा])?|\b(?:inr|rs|rupees?|rupaye))[\s.:=]*(?P<n>{NUMBER}(?: 000)*)(?P<scale>{SCALE})?(?:\s*(?:-|–|—|to)\s*(?P<to>\d{{3,}}[\d,]*(?:\.\d+)?))?"
    ))
});
/// `599 rupees`, `599/-`, `5 lakh rupaye`.
static SIGN_LAST: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"(?i)(?P<n>{NUMBER})(?P<scale>{SCALE})?\s*(?:₹|/-|/=|रु|रू|(?:inr|rs|rupees?|rupaye|rupay|rupaiy[ae]|rupya|bucks)\b)"
    ))
});
const NUMBER: &str = r"\d[\d,]*(?:\.\d+)?";
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
/// What a number counts that is no money.
static COUNTED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)^(?:\s*(?:-|–|to)\s*\d+)?\s*(?:more\s+)?(?:business\s+|working\s+)?(?:days?|din|hours?|hrs?|ghante|minutes?|mins?|seconds?|secs?|weeks?|months?|years?|g|gm|gms|grams?|kg|ml|l|ltr|litres?|pcs|pieces?|items?|orders?|packs?|%|percent|characters?|digits?|points|am|pm|stars?|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)\b|^\s*%",
    )
});
/// What stands before a number that names something.
static NAMED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)(?:\b(?:order|id|no|number|code|pin|pincode)[\s.:]*|#\s*|\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*[\s,.]*)$",
    )
});

/// Stands for an amount while others are looked for; no reply holds it any more.
pub(super) const PLACE: char = '¤';

/// An amount as it is shown and as it is.
type Shown = (String, Option<Money>);

/// Takes the amounts out of a sentence: `₹0` stands where the first one found was.
pub(super) fn take(sentence: &str) -> (String, Vec<Shown>) {
    let mut found = Found { text: sentence.to_owned(), amounts: Vec::new() };
    let about_money = MONEY.is_match(sentence);
    found.all(&FOREIGN, |_, _| Some(vec![None]));
    found.all(&SIGN_FIRST, |hit, text| {
        let start = hit.get(0)?.start();
        // “599 rupees 3 days” and “599₹ 3 items”: the sign belongs to the number before it.
        let before = if &hit["sign"] == "₹" { &text[..start] } else { text[..start].trim_end() };
        if before.ends_with(|c: char| c.is_ascii_digit()) && !names(before) {
            return None;
        }
        let scaled = hit.name("scale").is_some();
        let mut amounts = vec![if scaled { None } else { read(&hit["n"]) }];
        amounts.extend(hit.name("to").map(|to| read(to.as_str())));
        Some(amounts)
    });
    found.all(&SIGN_LAST, |hit, text| {
        let start = hit.get(0)?.start();
        (!joined(&text[..start])).then(|| vec![if hit.name("scale").is_some() { None } else { read(&hit["n"]) }])
    });
    found.all(&IN_WORDS, |_, _| Some(vec![None]));
    if about_money {
        found.all(&LARGE, |hit, text| (!COUNTED.is_match(&text[hit.get(0)?.end()..])).then(|| vec![None]));
        let dates: Vec<_> = GROUPS.find_iter(&found.text).map(|hit| hit.range()).collect();
        for range in dates {
            let blank = " ".repeat(range.len());
            found.text.replace_range(range, &blank);
        }
        found.all(&SCALED, |hit, text| (!joined(&text[..hit.get(0)?.start()])).then(|| vec![None]));
        found.all(&BARE, |hit, text| {
            let whole = hit.get(0)?;
            let (before, after) = (&text[..whole.start()], &text[whole.end()..]);
            let digits = whole.as_str().split('.').next()?.bytes().filter(u8::is_ascii_digit).count();
            let runs_on = after.starts_with(|c: char| c.is_alphanumeric());
            let other = joined(before) || runs_on || COUNTED.is_match(after) || NAMED.is_match(before);
            (digits >= 3 && !other).then(|| vec![read(whole.as_str())])
        });
    }
    (found.text.replace(PLACE, "₹"), found.amounts)
}

struct Found {
    text: String,
    amounts: Vec<Shown>,
}

impl Found {
    /// Takes out what a pattern finds where `read` gives amounts for it.
    fn all(&mut self, pattern: &Regex, read: impl Fn(&regex::Captures<'_>, &str) -> Option<Vec<Option<Money>>>) {
        let (mut rest, mut from) = (String::new(), 0);
        for hit in pattern.captures_iter(&self.text) {
            let Some(whole) = hit.get(0) else { continue };
            let Some(amounts) = read(&hit, &self.text) else { continue };
            rest.push_str(&self.text[from..whole.start()]);
            for amount in amounts {
                rest.push_str(&format!(" {PLACE}{} ", self.amounts.len()));
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
    before.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '@' | PLACE | '.' | ','))
}

/// Whether a text ends with a placeholder: its number is no amount.
fn names(before: &str) -> bool {
    let number = before.trim_end_matches(|c: char| c.is_ascii_digit());
    number.ends_with(['@', PLACE])
}

fn read(digits: &str) -> Option<Money> {
    Money::parse(&digits.trim_end_matches(',').replace(' ', "")).ok()
}
