//! What stands beside the digits of an amount: signs, abbreviations and codes of currencies, and decorations.

use crate::domain::currency::Currency;

/// Signs and abbreviations, in lower case, and the currencies that each may mean.
const SIGNS: &[(&str, &str)] = &[
    ("₹", "INR"),
    ("रु", "INR NPR"),
    ("रू", "INR NPR"),
    ("rs", "INR PKR LKR NPR MUR SCR"),
    ("₨", "INR PKR LKR NPR MUR SCR"),
    ("re", "INR"),
    ("rupees", "INR PKR LKR NPR MUR SCR"),
    ("$", "USD CAD AUD NZD SGD HKD MXN ARS CLP COP TWD BND FJD JMD TTD UYU NAD LRD BSD BBD BZD DOP XCD"),
    ("us$", "USD"),
    ("u$s", "USD"),
    ("ca$", "CAD"),
    ("c$", "CAD"),
    ("a$", "AUD"),
    ("au$", "AUD"),
    ("nz$", "NZD"),
    ("s$", "SGD"),
    ("hk$", "HKD"),
    ("mx$", "MXN"),
    ("nt$", "TWD"),
    ("r$", "BRL"),
    ("€", "EUR"),
    ("eur", "EUR"),
    ("euro", "EUR"),
    ("£", "GBP EGP LBP"),
    ("¥", "JPY CNY"),
    ("円", "JPY"),
    ("元", "CNY TWD HKD"),
    ("rmb", "CNY"),
    ("₩", "KRW"),
    ("원", "KRW"),
    ("₽", "RUB"),
    ("руб", "RUB BYN"),
    ("р", "RUB BYN"),
    ("₴", "UAH"),
    ("грн", "UAH"),
    ("₺", "TRY"),
    ("tl", "TRY"),
    ("₫", "VND"),
    ("đ", "VND"),
    ("₦", "NGN"),
    ("₱", "PHP"),
    ("৳", "BDT"),
    ("tk", "BDT"),
    ("₪", "ILS"),
    ("฿", "THB"),
    ("₸", "KZT"),
    ("₵", "GHS"),
    ("gh₵", "GHS"),
    ("ksh", "KES"),
    ("kshs", "KES"),
    ("tsh", "TZS"),
    ("ush", "UGX"),
    ("r", "ZAR"),
    ("rp", "IDR"),
    ("rm", "MYR"),
    ("kr", "SEK NOK DKK ISK"),
    ("zł", "PLN"),
    ("zl", "PLN"),
    ("kč", "CZK"),
    ("kc", "CZK"),
    ("ft", "HUF"),
    ("lei", "RON"),
    ("лв", "BGN"),
    ("fr", "CHF"),
    ("sfr", "CHF"),
    ("dh", "AED MAD"),
    ("dhs", "AED MAD"),
    ("د.إ", "AED"),
    ("درهم", "AED MAD"),
    ("ر.س", "SAR"),
    ("ريال", "SAR QAR OMR YER"),
    ("﷼", "SAR QAR OMR IRR YER"),
    ("د.ك", "KWD"),
    ("ج.م", "EGP"),
    ("le", "EGP"),
    ("s/", "PEN"),
    ("₡", "CRC"),
    ("₲", "PYG"),
    ("q", "GTQ"),
    ("bs", "BOB"),
];

/// The codes that are seen beside amounts; others are read only where the shop or the row names them.
const CODES: &str = "INR USD EUR GBP AED AFN ALL AMD ARS AUD AZN BAM BBD BDT BGN BHD BND BOB BRL BYN CAD CHF CLP CNY COP CRC CZK \
     DKK DOP DZD EGP ETB FJD GEL GHS GTQ HKD HNL HUF IDR ILS IQD IRR ISK JMD JOD JPY KES KHR KRW KWD KZT LAK LBP LKR LYD \
     MAD MDL MKD MMK MOP MUR MVR MXN MYR NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR \
     SEK SGD THB TND TRY TTD TWD TZS UAH UGX UYU UZS VES VND XAF XCD XOF XPF YER ZAR ZMW";

/// What UTF-8 looks like where somebody read it as Windows-1252.
pub(super) const MOJIBAKE: &[(&str, &str)] = &[
    ("â‚¹", "₹"),
    ("â\u{201A}¹", "₹"),
    ("â\u{82}¹", "₹"),
    ("â‚¬", "€"),
    ("â\u{82}¬", "€"),
    ("Â£", "£"),
    ("Â¥", "¥"),
    ("â‚º", "₺"),
    ("â‚±", "₱"),
    ("â‚©", "₩"),
    ("Â\u{A0}", " "),
    ("â€¯", " "),
    ("â€‰", " "),
    ("Â", ""),
];

/// Whether a text is a sign, an abbreviation or a code of any currency.
pub(in crate::import) fn is_currency_mark(mark: &str) -> bool {
    means(mark, Currency::INR).is_some()
}

/// The currency that a mark beside amounts means in a shop; `None` where it is no mark, `Some(None)` where it may mean several, and the
/// shop's is none of them.
#[expect(clippy::option_option, reason = "no mark and a mark of several currencies are two things")]
pub(in crate::import) fn currency_of_mark(mark: &str, shop: Currency) -> Option<Option<Currency>> {
    if means(mark, shop)? {
        return Some(Some(shop));
    }
    let lower = mark.trim().trim_matches(['.', ':', ' ']).to_lowercase();
    let codes = SIGNS.iter().find(|(sign, _)| *sign == lower).map_or(lower.as_str(), |(_, codes)| codes);
    Some(Currency::new(&codes.to_uppercase()).filter(|_| !codes.contains(' ')))
}

/// Whether a mark may mean a currency; `None` where it means none at all.
pub(super) fn means(mark: &str, currency: Currency) -> Option<bool> {
    let mark = mark.trim().trim_matches(['.', ':', ' ']);
    let lower = mark.to_lowercase();
    if let Some((_, codes)) = SIGNS.iter().find(|(sign, _)| *sign == lower) {
        return Some(codes.split(' ').any(|code| code == currency.code()));
    }
    if lower.eq_ignore_ascii_case(currency.code()) {
        return Some(true);
    }
    CODES.split_ascii_whitespace().any(|code| code.eq_ignore_ascii_case(&lower)).then_some(false)
}
