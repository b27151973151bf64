//! What the words around a number say of it: that it names an order, or that it is an amount, a date, a telephone number or
//! a quantity. It must never take a number for an order where nothing says so.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use crate::domain::pattern::pattern;

/// What the words around a number say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    /// It names an order, in so many words.
    Order,
    /// It is some number: “no. 1001”, “it is 1001”.
    Number,
    /// It is something else.
    Other,
    /// Nothing.
    Nothing,
}

/// Amounts, dates, times, quantities and telephone numbers.
static OTHERS: LazyLock<[Regex; 7]> = LazyLock::new(|| {
    let months = r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?|जनवरी|फरवरी|मार्च|अप्रैल|मई|जून|जुलाई|अगस्त|सितंबर|अक्टूबर|नवंबर|दिसंबर)";
    [
        pattern(
            r"(?:[₹$€£¥৳]|\b(?:rs|inr|usd|eur|gbp|aed|rupees?|rupaye|rupay|rupiye|taka|dollars?|euros?)\b\.?)\s*[:=]?\s*\d[\d,]*(?:\.\d+)?",
        ),
        pattern(
            r"\d[\d,]*(?:\.\d+)?\s*(?:/-|[₹$€£¥৳%]|(?:rs|inr|usd|eur|gbp|aed|rupees?|rupaye|rupay|rupiye|rupya|taka|bucks|dollars?|euros?|percent|only\s*/-)\b|रुपय|रुपए|रुपये|रु\b|टका|টাকা|ரூபாய்|రూపాయ)",
        ),
        pattern(&format!(
            r"\b\d{{1,4}}[/.-]\d{{1,2}}[/.-]\d{{1,4}}\b|\b\d{{1,2}}(?:st|nd|rd|th)?\s*(?:of\s+)?{months}\b\.?,?(?:\s*'?\d{{2,4}}\b)?|\b{months}\b\.?\s*\d{{1,2}}(?:st|nd|rd|th)?\b(?:,?\s*\d{{4}}\b)?|\b{months}\b\.?,?\s*(?:19|20)\d\d\b|\b\d{{1,2}}(?:st|nd|rd|th)\b|\b(?:in|since|year|until|till)\s+(?:19|20)\d\d\b"
        )),
        pattern(
            r"\b\d{1,2}[:.]\d{2}(?::\d{2})?\s*(?:am|pm|hrs?|baje|बजे)?\b|\b\d{1,4}\s*(?:am|pm|o'?clock|hrs|baje|बजे)\b",
        ),
        pattern(
            r"\b\d[\d,.]*\s*(?:x|kgs?|g|gms?|grams?|mg|ml|l|ltrs?|litres?|liters?|cm|mm|m|km|kms|inch|inches|ft|feet|oz|lbs?|pcs?|pieces?|packs?|packets?|items?|units?|bottles?|box|boxes|bags?|dozen|cans?|pairs?|days?|din|hours?|hrs?|ghante|ghanta|mins?|minutes?|minat|secs?|seconds?|weeks?|hafte|months?|mahine|mahina|years?|saal|times|baar|people|persons?|log|stars?|orders|points?|calls|messages|customers|gb|mb|tb|watts?|mah|kilos?|lakhs?|crores?|thousand|hundred|दिन|घंटे|मिनट|बार|साल|किलो|महीने|हफ्ते|ग्राम|लीटर)\b|\b(?:x|qty\.?|quantity)\s*[:=]?\s*\d+\b",
        ),
        // The zeros do not stand inside of an id: 402-0010000-3336666.
        pattern(r"(?:\+\d|(?:^|[^\w/#.-])00[1-9])[\d ()-]{7,}\d"),
        pattern(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"),
    ]
});

/// The parts of a plain text that are amounts, dates, times, quantities, telephone numbers or addresses, in bytes.
pub(super) fn others(text: &str) -> Vec<Range<usize>> {
    if !text.bytes().any(|byte| byte.is_ascii_digit()) {
        return Vec::new();
    }
    OTHERS.iter().flat_map(|pattern| pattern.find_iter(text).map(|hit| hit.range())).collect()
}

/// Words for an order, by how they begin.
const ORDER: &[&str] = &[
    "order",
    "ordr",
    "oder",
    "oredr",
    "purchase",
    "parcel",
    "package",
    "shipment",
    "consignment",
    "ऑर्डर",
    "आर्डर",
    "ओर्डर",
    "ऑडर",
    "पार्सल",
    "অর্ডার",
    "ஆர்டர்",
    "ఆర్డర్",
    "ಆರ್ಡರ್",
    "ഓർഡർ",
    "ઓર્ડર",
    "ਆਰਡਰ",
    "ଅର୍ଡର",
    "آرڈر",
    "طلب",
    "الطلب",
    "سفارش",
    "pedido",
    "orden",
    "compra",
    "commande",
    "bestell",
    "auftrag",
    "ordine",
    "encomenda",
    "zamówieni",
    "zamowieni",
    "заказ",
    "замовлен",
    "поръчк",
    "objednáv",
    "comanda",
    "comandă",
    "rendelés",
    "beställning",
    "tilaus",
    "sipariş",
    "siparis",
    "pesanan",
    "παραγγελ",
    "הזמנה",
];
/// The same in scripts that are written without spaces: they stand inside of a word.
const ORDER_INSIDE: &[&str] = &["订单", "訂單", "注文", "주문", "คำสั่งซื้อ", "ออเดอร์", "đơn"];
/// Words that begin like those and are something else.
const NO_ORDER: &[&str] = &["ordered", "ordering", "ordinary", "comandante"];
/// Words for what a number is, if it is no order's.
const OTHER: &[&str] = &[
    "phone",
    "fone",
    "mobile",
    "mob",
    "cell",
    "telephone",
    "tel",
    "ph",
    "contact",
    "whatsapp",
    "wa",
    "call",
    "calling",
    "callback",
    "dial",
    "ring",
    "sms",
    "text",
    "fax",
    "helpline",
    "toll",
    "pin",
    "pincode",
    "zip",
    "zipcode",
    "postal",
    "postcode",
    "code",
    "otp",
    "cvv",
    "password",
    "passcode",
    "flat",
    "house",
    "home",
    "door",
    "plot",
    "room",
    "apartment",
    "apt",
    "floor",
    "tower",
    "wing",
    "block",
    "sector",
    "street",
    "road",
    "gate",
    "lane",
    "villa",
    "ward",
    "phase",
    "bus",
    "train",
    "flight",
    "gali",
    "shop",
    "invoice",
    "bill",
    "receipt",
    "transaction",
    "txn",
    "utr",
    "rrn",
    "ref",
    "reference",
    "payment",
    "customer",
    "cust",
    "client",
    "account",
    "acc",
    "member",
    "membership",
    "tracking",
    "awb",
    "docket",
    "ticket",
    "case",
    "complaint",
    "request",
    "coupon",
    "voucher",
    "promo",
    "sku",
    "item",
    "items",
    "product",
    "model",
    "size",
    "card",
    "policy",
    "gst",
    "gstin",
    "aadhaar",
    "aadhar",
    "pan",
    "license",
    "vehicle",
    "paid",
    "pay",
    "paying",
    "pays",
    "cost",
    "costs",
    "costing",
    "price",
    "priced",
    "worth",
    "total",
    "amount",
    "balance",
    "charge",
    "charged",
    "deducted",
    "debited",
    "credited",
    "spent",
    "value",
    "wallet",
    "cashback",
    "qty",
    "quantity",
    "year",
    "dated",
    "date",
    "since",
    "age",
    "aged",
    "over",
    "than",
    "around",
    "approx",
    "approximately",
    "almost",
    "nearly",
    "under",
    "within",
    "before",
    "every",
    "last",
    "next",
    "per",
    "version",
    "ios",
    "android",
    "windows",
    "iphone",
    "batch",
    "lot",
    "channel",
    "page",
    "step",
    "option",
    "world",
    "top",
    "class",
    "route",
    "exit",
    "फोन",
    "फ़ोन",
    "मोबाइल",
    "पिन",
    "मकान",
    "फ्लैट",
    "ओटीपी",
    "भुगतान",
    "कीमत",
    "teléfono",
    "telefono",
    "telefon",
    "numéro de téléphone",
    "precio",
    "pagué",
    "código",
    "codigo",
    "prix",
    "preis",
    "código",
    "телефон",
    "код",
    "цена",
];
/// Words for a number.
const NUMBER: &[&str] = &[
    "no",
    "nos",
    "num",
    "number",
    "numbers",
    "nr",
    "nummer",
    "numero",
    "número",
    "numéro",
    "n",
    "nº",
    "id",
    "ids",
    "#",
    "नंबर",
    "नम्बर",
    "संख्या",
    "आईडी",
    "номер",
    "رقم",
    "نمبر",
    "号",
    "번호",
    "番号",
];
/// Words that say nothing of what a number is.
const LITTLE: &[&str] = &[
    "is",
    "it's",
    "its",
    "it",
    "was",
    "were",
    "are",
    "the",
    "a",
    "an",
    "my",
    "mine",
    "our",
    "mera",
    "meri",
    "mere",
    "hai",
    "h",
    "hain",
    "he",
    "ka",
    "ki",
    "ke",
    "ko",
    "this",
    "that",
    "these",
    "here",
    "here's",
    "one",
    "hi",
    "hello",
    "hey",
    "please",
    "pls",
    "plz",
    "of",
    "with",
    "sorry",
    "ok",
    "okay",
    "sir",
    "madam",
    "ma'am",
    "bhai",
    "ji",
    "i",
    "think",
    "maybe",
    "and",
    "aur",
    "or",
    "ya",
    "also",
    "so",
    "for",
    "named",
    "called",
    "should",
    "be",
    "yeh",
    "ye",
    "yah",
    "wo",
    "woh",
    "to",
    "toh",
    "es",
    "el",
    "la",
    "mi",
    "de",
    "del",
    "du",
    "est",
    "ist",
    "das",
    "die",
    "der",
    "meine",
    "mein",
    "ma",
    "le",
    "y",
    "et",
    "und",
    "है",
    "हैं",
    "मेरा",
    "मेरी",
    "का",
    "की",
    "के",
    "को",
    "यह",
    "ये",
    "वो",
    "और",
    "जी",
    "это",
    "мой",
    "هو",
    "هي",
    "ہے",
    "s",
    "thanks",
    "me",
    "on",
    "at",
    "thank",
    "you",
    "yours",
    "wala",
    "wali",
    "waala",
];

fn is_order(word: &str) -> bool {
    !NO_ORDER.contains(&word)
        && (ORDER.iter().any(|stem| word.starts_with(stem)) || ORDER_INSIDE.iter().any(|stem| word.contains(stem)))
}

/// The words of a text in the order in which they stand, with signs that number something.
fn words(text: &str) -> impl DoubleEndedIterator<Item = &str> {
    let in_word = |c: char| {
        c.is_alphanumeric()
            || matches!(c, '\'' | '#' | '\u{300}'..='\u{36F}' | '\u{900}'..='\u{DFF}' | '\u{E30}'..='\u{E4E}')
    };
    text.split(move |c: char| !in_word(c)).filter(|word| !word.is_empty())
}

fn is_number(word: &str) -> bool {
    word.trim_start_matches('#').bytes().all(|byte| byte.is_ascii_digit())
}

/// The clause before a place: from the last end of a sentence on, but for abbreviations such as “no.”.
fn before(text: &str) -> &str {
    let mut from = 0;
    for (at, c) in text.char_indices() {
        let ends = match c {
            '!' | '?' | ';' | '\n' | '।' | '؟' | '。' | '？' => true,
            '.' => {
                let word = words(&text[..at]).next_back().unwrap_or_default();
                let next = text[at + 1..].chars().next();
                next.is_none_or(char::is_whitespace) && !NUMBER.contains(&word) && !is_order(word)
            }
            _ => false,
        };
        if ends {
            from = at + c.len_utf8();
        }
    }
    &text[from..]
}

/// What the words before and after a number say of it. Both are plain.
pub(super) fn said(text: &str, range: &Range<usize>) -> Said {
    let clause = before(&text[..range.start]);
    // A letter right before it, of a script without spaces: the words are joined.
    let mut numbered = false;
    let mut nothing_else = true;
    for word in words(clause).rev().take(8) {
        if is_order(word) {
            return Said::Order;
        }
        if OTHER.contains(&word) {
            return Said::Other;
        }
        if NUMBER.contains(&word) || word.starts_with('#') && word.len() == 1 {
            numbered = true;
        } else if !LITTLE.contains(&word) && !is_number(word) {
            nothing_else = false;
            break;
        }
    }
    let after = &text[range.end..];
    let end = after.find(['.', '!', '?', ';', '\n', ',', '।']).unwrap_or(after.len());
    for word in words(&after[..end]).take(3) {
        if is_order(word) {
            return Said::Order;
        }
        if !LITTLE.contains(&word) && !NUMBER.contains(&word) {
            break;
        }
    }
    if text[..range.start].ends_with('#') || (numbered && nothing_else) { Said::Number } else { Said::Nothing }
}

/// Whether a text holds nothing but these parts and words that say nothing: then the message is the number.
pub(super) fn is_all(text: &str, parts: &[Range<usize>]) -> bool {
    let mut rest = String::with_capacity(text.len());
    let mut from = 0;
    let mut sorted: Vec<&Range<usize>> = parts.iter().collect();
    sorted.sort_by_key(|part| part.start);
    for part in sorted {
        rest.push_str(text.get(from..part.start).unwrap_or_default());
        rest.push(' ');
        from = from.max(part.end);
    }
    rest.push_str(text.get(from..).unwrap_or_default());
    let signs = rest
        .chars()
        .all(|c| c.is_alphanumeric() || c.is_whitespace() || "#.,:;!?'\"()-–_/*[]{}<>&।".contains(c) || !c.is_ascii());
    signs && words(&rest).all(|word| NUMBER.contains(&word) || LITTLE.contains(&word))
}
