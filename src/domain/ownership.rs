//! Whose order an order without a telephone number is: which answers show that somebody is its buyer, when one is needed, and
//! what looks like somebody trying out order ids.

use std::sync::LazyLock;

use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp};
use regex::Regex;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::currency::{self, Currency};
use super::ids::{IdPatterns, OrderId, UserId};
use super::money::{Decimal, Money};
use super::order::{Order, column};
use super::phone::Country;

/// Answers that one identity may give in 24 hours.
pub const ANSWERS_OF_IDENTITY: u32 = 6;
/// Answers that can be guessed (not the customer id) that all identities together may give for one order in 24 hours.
pub const ANSWERS_FOR_ORDER: u32 = 12;
/// Identities that may ask for an order that is not theirs in 24 hours, before somebody is told.
pub const IDENTITIES_OF_ORDER: u32 = 4;
/// Neighbouring order ids, none of them known to be one's own, that are asked for by chance at most.
const NEIGHBOURS: usize = 2;
/// How far two order numbers are apart at most to be neighbours.
const NEAR: u64 = 3;
/// The answers of one kind in a message that are looked at; with more of them none is, since that is trying out.
const MOST_IN_MESSAGE: usize = 4;
/// How long an order is young: its id is known to hardly anybody but its buyer.
const YOUNG: SignedDuration = SignedDuration::from_hours(24);

/// Something that only the buyer of an order knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// The customer id that the order was placed with.
    CustomerId,
    /// What was paid for the order, to the minor unit.
    Amount,
    /// The last four digits of a telephone number of the order, for customers whose own number WhatsApp does not show.
    #[serde(rename = "phone_last4")]
    PhoneLast4,
}

impl Proof {
    /// Every kind, by its name in the settings.
    pub const ALL: [(&'static str, Self); 3] =
        [("customer_id", Self::CustomerId), ("amount", Self::Amount), ("phone_last4", Self::PhoneLast4)];

    /// The kind of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name.trim()).map(|(_, kind)| *kind)
    }

    /// The name in the settings, and in the store.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }

    /// Whether other identities' wrong answers of this kind shut everybody out: there are few values to try. With a customer
    /// id its buyer is never shut out.
    pub fn is_weak(self) -> bool {
        self != Self::CustomerId
    }

    /// Whether an order's data can be asked for this.
    fn applies_to(self, order: &Order) -> bool {
        match self {
            Self::CustomerId => !order.customer_id.trim().is_empty(),
            Self::Amount => order.value.is_some_and(|value| value > Money::ZERO),
            Self::PhoneLast4 => order.phones().next().is_some(),
        }
    }
}

/// What is asked of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// To see it.
    See,
    /// Money: a quote or a refund.
    Money,
}

/// Whom an order is bound to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Binding {
    /// The order.
    pub order_id: OrderId,
    /// The customer.
    pub user_id: UserId,
    /// Since when.
    pub at: Timestamp,
    /// What the customer knew of it; `None`: nothing was asked, and whoever knows it takes the order over.
    pub proof: Option<String>,
}

/// How a placeholder begins that stands for a customer whose data was erased.
pub const ERASED: &str = "erased/";

impl Binding {
    /// Whether nobody else can become the owner by knowing something.
    pub fn is_final(&self) -> bool {
        self.proof.is_some() || self.user_id.as_str().starts_with(ERASED)
    }
}

/// An answer that a customer gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// What it may be.
    pub kind: Proof,
    /// The answer: a customer id in capitals, an amount as it was written, or four digits.
    pub value: String,
}

#[expect(clippy::expect_used, reason = "constant patterns: the tests below compile each of them")]
fn constant(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern compiles")
}

/// A number that is no part of a longer word or number.
static NUMBER: LazyLock<Regex> =
    LazyLock::new(|| constant(r"(?:^|[^\w.,-])(\d(?:(?:[\d.,'’]|[\u{A0}\u{202F}]\d){0,16}\d)?)"));
/// A date of numbers that does not begin with its year.
static NUMBERS: LazyLock<Regex> = LazyLock::new(|| constant(r"^\s*\d{1,2}[./-]\d{1,2}[./-]\d{2,4}\b"));
/// Words that make a number an amount.
static MONEY: LazyLock<Regex> = LazyLock::new(|| {
    constant(&format!(
        r"(?i){before}\s*\d|\d\s*{after}|\b(?:rs\.?|inr|rupees?|rupaye|rupay|paid|price|amount|total|bill|worth|cost)\b|\d\s*/-|रुपय|रुपए|रु",
        before = currency::SIGN_BEFORE,
        after = currency::SIGN_AFTER,
    ))
});

/// The answers in a customer's own words, of the kinds that the shop asks for. `asked`: the message answers that question, so
/// that a plain number counts; otherwise an amount has to be called one. `customer_ids`: those written so far.
pub fn answers(
    text: &str,
    customer_ids: &[String],
    kinds: &[Proof],
    patterns: &IdPatterns,
    asked: bool,
) -> Vec<Answer> {
    let bare = patterns.without_ids(text);
    let numbers: Vec<&str> = NUMBER
        .captures_iter(&bare)
        .filter_map(|hit| hit.get(1))
        .filter(|hit| {
            let mut next = bare[hit.end()..].chars();
            match next.next() {
                Some('.' | ',') => !next.next().is_some_and(char::is_numeric),
                next => !next.is_some_and(char::is_alphanumeric),
            }
        })
        .map(|hit| hit.as_str().trim_end_matches([',', '.']))
        .collect();
    let mut found = Vec::new();
    for kind in kinds {
        let mut values: Vec<String> = match kind {
            Proof::CustomerId => customer_ids.iter().map(|id| id.trim().to_uppercase()).collect(),
            Proof::Amount if asked || MONEY.is_match(&bare) => {
                // What it is worth depends on the order's currency.
                let is_number =
                    |number: &&&str| ['.', ','].iter().any(|mark| Decimal::read(number, *mark, 4).is_some());
                numbers.iter().filter(is_number).map(|number| (*number).to_owned()).collect()
            }
            Proof::PhoneLast4 if asked => {
                numbers.iter().filter(|number| number.len() == 4).map(|number| (*number).to_owned()).collect()
            }
            Proof::Amount | Proof::PhoneLast4 => Vec::new(),
        };
        values.sort_unstable();
        values.dedup();
        if *kind == Proof::CustomerId || values.len() <= MOST_IN_MESSAGE {
            found.extend(values.into_iter().map(|value| Answer { kind: *kind, value }));
        }
    }
    found
}

/// Whether an answer is right for an order. An order with a telephone number is asked about only where that cannot say whose it is.
pub fn proves(order: &Order, answer: &Answer, country: Country) -> bool {
    answer.kind.applies_to(order)
        && match answer.kind {
            Proof::CustomerId => order.customer_id.trim().eq_ignore_ascii_case(&answer.value),
            Proof::Amount => order.value.is_some_and(|value| is_written(&answer.value, value, order.currency())),
            Proof::PhoneLast4 => {
                answer.value.len() == 4 && order.numbers(country).any(|number| number.ends_with(&answer.value))
            }
        }
}

/// Whether a number is an amount of a currency, in any country's way of writing numbers.
fn is_written(number: &str, amount: Money, currency: Currency) -> bool {
    let read = |mark| Decimal::read(number, mark, currency.minor_units())?.to_money(currency).ok();
    ['.', ','].into_iter().any(|mark| read(mark) == Some(amount))
}

/// What a customer may be shown of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The order, for the program itself.
    pub order: Order,
    /// Whether it is known to be the customer's. If not, neither the customer nor a language model may be given anything
    /// that shows whose it is: see [`Seen::to_json`].
    pub proven: bool,
}

/// What is told of an order that is not known to be the customer's: where it is, and nothing of who bought it, what it cost,
/// how it is paid, where it goes, or where its way can be followed.
const TOLD_UNPROVEN: [&str; 12] = [
    column::ORDER_ID,
    column::PLATFORM,
    column::PLACED,
    column::DELIVERY_MINUTES,
    column::CATEGORY,
    column::DELAY,
    column::DATE,
    column::STATUS,
    column::DISPLAY_ID,
    column::STATE,
    column::CARRIER,
    column::DELIVERED_AT,
];
/// Those of them that hold the shop's own words, in which anything may stand.
const OWN_WORDS: [&str; 5] = [column::PLATFORM, column::CATEGORY, column::STATUS, column::DISPLAY_ID, column::CARRIER];

impl Seen {
    /// The order as JSON, with nothing in it that counts as a proof unless it is proven.
    pub fn to_json(&self) -> Map<String, Value> {
        let whole = self.with_plain_dates(self.order.to_json());
        if self.proven {
            return whole;
        }
        let told = |name: &String, value: &Value| {
            TOLD_UNPROVEN.contains(&name.as_str())
                && !(OWN_WORDS.contains(&name.as_str()) && value.as_str().is_some_and(|text| self.gives_away(text)))
        };
        let mut map: Map<String, Value> = whole.into_iter().filter(|(name, value)| told(name, value)).collect();
        let note = "What it cost, and whose it is, is told and refunded only once the customer has written what only its buyer knows.";
        map.insert("Note".into(), note.into());
        map
    }

    /// The dates as the import read them: what the shop wrote, `12/01/2026`, is another day for the next reader.
    fn with_plain_dates(&self, mut whole: Map<String, Value>) -> Map<String, Value> {
        for name in [column::DATE, column::PLACED] {
            let Some(text) = whole.get(name).and_then(Value::as_str).filter(|text| NUMBERS.is_match(text)) else {
                continue;
            };
            let time = text.contains(':');
            let read = self.order.placed_at.map(|at| {
                let pattern = if time { "%Y-%m-%d %H:%M:%S" } else { "%Y-%m-%d" };
                Value::from(at.strftime(pattern).to_string())
            });
            whole.insert(name.to_owned(), read.unwrap_or_else(|| Value::from("")));
        }
        whole
    }

    /// Whether a text holds what counts as a proof, or who bought it.
    fn gives_away(&self, text: &str) -> bool {
        let lower = text.to_lowercase().replace(',', "");
        let details = &self.order.details;
        let names = details.customer_name.iter().flat_map(|name| name.split_whitespace());
        let mut texts = [Some(self.order.customer_id.as_str()), details.email.as_deref(), details.address.as_deref()]
            .into_iter()
            .flatten()
            .chain(names.filter(|name| name.chars().count() > 2))
            .map(|text| text.trim().to_lowercase().replace(',', ""))
            .filter(|text| !text.is_empty());
        let one = 10_i64.pow(self.order.currency().minor_units());
        let whole = self.order.value.map(|value| (value.minor_units() / one).to_string());
        let last_of = |phone: &str| {
            let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
            digits[digits.len().saturating_sub(4)..].to_owned()
        };
        let lasts: Vec<String> = self.order.phones().map(last_of).filter(|last| !last.is_empty()).collect();
        let mut numbers = lower.split(|c: char| !c.is_ascii_digit()).filter(|digits| !digits.is_empty());
        texts.any(|text| lower.contains(&text))
            || numbers.any(|digits| Some(digits) == whole.as_deref() || lasts.iter().any(|last| digits.ends_with(last)))
    }
}

/// Whether an order is bound only to somebody who knows something of it. `now` is the shop's local time.
pub fn needs_proof(order: &Order, kinds: &[Proof], access: Access, now: DateTime) -> bool {
    if kinds.is_empty() {
        return false;
    }
    let young = order.placed_at.is_some_and(|placed| {
        let age = now.duration_since(placed);
        age >= SignedDuration::ZERO && age < YOUNG
    });
    access == Access::Money || !young
}

/// The orders of a list that are neighbours of one by their numbers, itself included.
pub fn neighbours<'a>(id: &OrderId, of: &'a [OrderId]) -> Vec<&'a OrderId> {
    let split = |id: &OrderId| -> Option<(String, u64)> {
        let text = id.as_str();
        let digits = text.len() - text.trim_end_matches(|c: char| c.is_ascii_digit()).len();
        let (prefix, number) = text.split_at(text.len() - digits);
        Some((prefix.to_owned(), number.parse().ok()?))
    };
    let Some((prefix, number)) = split(id) else { return Vec::new() };
    let mut numbered: Vec<(u64, &OrderId)> = of
        .iter()
        .filter_map(|other| split(other).filter(|(other, _)| *other == prefix).map(|(_, number)| (number, other)))
        .collect();
    numbered.sort_unstable_by_key(|(number, _)| *number);
    numbered.dedup_by_key(|(number, _)| *number);
    // The run of near numbers that holds this one.
    let runs = numbered.chunk_by(|one, next| next.0 - one.0 <= NEAR);
    runs.filter(|run| run.iter().any(|(other, _)| *other == number))
        .flat_map(|run| run.iter().map(|(_, id)| *id))
        .collect()
}

/// Whether so many neighbouring orders, none of them one's own, are no chance.
pub fn is_trying_out(strangers: usize) -> bool {
    strangers > NEIGHBOURS
}

#[cfg(test)]
mod tests {
    use jiff::civil::datetime;

    use super::*;
    use crate::domain::order::{OrderDetails, OrderLine, OrderState};
    use crate::testing::order;

    const ALL: [Proof; 3] = [Proof::CustomerId, Proof::Amount, Proof::PhoneLast4];

    fn found(text: &str, asked: bool) -> Vec<String> {
        let patterns = IdPatterns::default();
        let answers = answers(text, &patterns.customers_in(text), &ALL, &patterns, asked);
        answers.into_iter().map(|answer| format!("{}={}", answer.kind.as_str(), answer.value)).collect()
    }

    #[test]
    fn names() {
        for (name, kind) in Proof::ALL {
            assert_eq!((Proof::parse(name), kind.as_str()), (Some(kind), name));
        }
        assert_eq!(Proof::parse("shoe_size"), None);
    }

    #[test]
    fn answers_are_read_from_the_customers_words() {
        assert_eq!(found("cust0042, I think", false), ["customer_id=CUST0042"]);
        assert_eq!(found("299", true), ["amount=299"]);
        assert_eq!(found("it was 1,299.50", true), ["amount=1,299.50"]);
        assert_eq!(found("4821", true), ["amount=4821", "phone_last4=4821"]);
        assert_eq!(found("I paid Rs. 450 for it", false), ["amount=450"]);
        assert_eq!(found("₹450", false), ["amount=450"]);
        assert_eq!(found("1.234,50 €", false), ["amount=1.234,50"]);
        assert_eq!(found("it was KWD 1.250", false), ["amount=1.250"]);
        assert_eq!(found("ORD000042 came 45 minutes late", false), Vec::<String>::new());
        assert_eq!(found("ORD000042", true), Vec::<String>::new());
        assert_eq!(found("no idea", true), Vec::<String>::new());
        // A message of guesses holds no answer.
        assert_eq!(found("100 or 150 or 200 or 250 or 300", true), Vec::<String>::new());
        assert_eq!(found("a12 12b 1.2.3 99x", true), Vec::<String>::new());
    }

    #[test]
    fn an_answer_is_right_for_the_order_it_belongs_to() {
        let country = Country::parse("IN").unwrap();
        let right =
            |order: &Order, kind, value: &str| proves(order, &Answer { kind, value: value.to_owned() }, country);
        let bare = order(7, "Dairy", 450);
        assert!(right(&bare, Proof::CustomerId, "CUST0007") && right(&bare, Proof::Amount, "450"));
        assert!(!right(&bare, Proof::CustomerId, "CUST0008") && !right(&bare, Proof::Amount, "451"));
        assert!(!right(&bare, Proof::PhoneLast4, ""), "it has no number");
        for (units, code, text, is_right) in [
            (123_450, "EUR", "1.234,50", true),
            (123_450, "EUR", "1,234.50", true),
            (123_450, "EUR", "1234.5", true),
            (1_235, "JPY", "1,235", true),
            (1_235, "JPY", "12.35", false),
            (1_250, "KWD", "1.25", true),
            (1_250, "KWD", "1250", false),
        ] {
            let details = OrderDetails { currency: Currency::new(code), ..OrderDetails::default() };
            let worth = Order { value: Some(Money::from_minor_units(units)), details, ..order(7, "Dairy", 0) };
            assert_eq!(right(&worth, Proof::Amount, text), is_right, "{text} of {units} {code}");
        }
        let nameless = Order { customer_id: " ".to_owned(), value: Some(Money::ZERO), ..order(8, "Dairy", 0) };
        assert!(!right(&nameless, Proof::CustomerId, "") && !right(&nameless, Proof::Amount, "0"));
        let with_phone = Order { phone: Some("081234 56789".to_owned()), ..order(9, "Dairy", 450) };
        assert!(right(&with_phone, Proof::PhoneLast4, "6789") && !right(&with_phone, Proof::PhoneLast4, "6788"));
        assert!(right(&with_phone, Proof::Amount, "450") && right(&with_phone, Proof::CustomerId, "CUST0009"));
    }

    #[test]
    fn a_young_order_is_seen_without_proof_and_money_never_moves_without() {
        let now = datetime(2026, 6, 2, 12, 0, 0, 0);
        let placed = |at| Order { placed_at: at, ..order(1, "Dairy", 100) };
        let needs = |at, access| needs_proof(&placed(at), &ALL, access, now);
        assert!(!needs(Some(datetime(2026, 6, 1, 12, 30, 0, 0)), Access::See));
        assert!(needs(Some(datetime(2026, 6, 1, 12, 30, 0, 0)), Access::Money));
        assert!(needs(Some(datetime(2026, 6, 1, 12, 0, 0, 0)), Access::See), "a day old");
        assert!(needs(Some(datetime(2026, 6, 3, 12, 0, 0, 0)), Access::See), "of tomorrow");
        assert!(needs(None, Access::See), "without a date");
        assert!(!needs_proof(&placed(None), &[], Access::Money, now), "the shop asks for nothing");
    }

    #[test]
    fn a_date_that_can_be_read_in_two_ways_is_told_as_it_was_read() {
        let told = |text: &str, at| {
            let order =
                Order { date: Some(text.to_owned()), placed: text.to_owned(), placed_at: at, ..order(1, "Dairy", 1) };
            let json = Seen { order, proven: true }.to_json();
            (json[column::DATE].as_str().unwrap().to_owned(), json[column::PLACED].as_str().unwrap().to_owned())
        };
        let at = Some(datetime(2026, 12, 1, 10, 5, 0, 0));
        let both = |text: &str| (text.to_owned(), text.to_owned());
        assert_eq!(told("12/01/2026", at), both("2026-12-01"));
        assert_eq!(told("1.12.26 10:05", at), both("2026-12-01 10:05:00"));
        assert_eq!(told("12/01/2026", None), both(""));
        for plain in ["2026-12-01", "1 Dec 2026", "10:05:00"] {
            assert_eq!(told(plain, at), both(plain));
        }
    }

    #[test]
    fn neighbours_by_number() {
        let id = |text: &str| OrderId::new(text);
        let of: Vec<OrderId> = ["ORD000010", "ORD000011", "ORD000013", "ORD000900", "WEB000012", "x"].map(id).to_vec();
        assert_eq!(neighbours(&id("ORD000011"), &of).len(), 3);
        assert_eq!(neighbours(&id("ORD000900"), &of).len(), 1);
        assert!(neighbours(&id("x"), &of).is_empty() && neighbours(&id("ORD5"), &of).is_empty());
        assert!(!is_trying_out(2) && is_trying_out(3));
    }

    #[test]
    fn an_unproven_order_tells_nothing_that_counts_as_a_proof() {
        let whole = Order {
            feedback: "I paid 768, call 98765".to_owned(),
            status: Some("Out for delivery: collect Rs. 1,768 in cash".to_owned()),
            platform: "cust0007's app".to_owned(),
            phone: Some("+91 81234 56789".to_owned()),
            ..order(7, "Dairy", 1_768)
        };
        let unproven = Seen { order: whole.clone(), proven: false };
        let json = Value::Object(unproven.to_json()).to_string().to_lowercase();
        for secret in ["768", "cust0007", "6789", "98765"] {
            assert!(!json.contains(secret), "{secret}: {json}");
        }
        assert!(json.contains("ord000007") && json.contains("dairy"), "{json}");
        let details = OrderDetails {
            display_id: Some("#1001".to_owned()),
            customer_name: Some("Asha Rao".to_owned()),
            email: Some("asha@example.com".to_owned()),
            other_phones: vec!["+91 98450 12345".to_owned()],
            state: Some(OrderState::OutForDelivery),
            lines: vec![OrderLine { name: "Milk".to_owned(), quantity: 2, ..OrderLine::default() }],
            shipping: Some(Money::from_rupees(41)),
            payment_method: Some("Visa 4242".to_owned()),
            payment_id: Some("pay_1".to_owned()),
            address: Some("12 MG Road".to_owned()),
            postal_code: Some("560001".to_owned()),
            carrier: Some("Delhivery".to_owned()),
            tracking_number: Some("AWB77".to_owned()),
            tracking_url: Some("https://track.example/AWB77".to_owned()),
            ..OrderDetails::default()
        };
        let full = Order { status: Some("handed to Mrs Rao, 12345".to_owned()), details, ..whole.clone() };
        let json = Value::Object(Seen { order: full.clone(), proven: false }.to_json()).to_string();
        for secret in ["Rao", "asha", "12345", "Milk", "41", "4242", "pay_1", "MG Road", "560001", "AWB77"] {
            assert!(!json.contains(secret), "{secret}: {json}");
        }
        for told in ["#1001", "out for delivery", "Delhivery"] {
            assert!(json.contains(told), "{told}: {json}");
        }
        let odd = OrderDetails { carrier: Some("Asha's brother".to_owned()), ..full.details.clone() };
        let json = Value::Object(Seen { order: Order { details: odd, ..full }, proven: false }.to_json()).to_string();
        assert!(!json.contains("brother"), "{json}");
        let plain = Order { status: Some("Out for delivery".to_owned()), ..whole };
        assert_eq!(Seen { order: plain.clone(), proven: false }.to_json()[column::STATUS], "Out for delivery");
        assert_eq!(Seen { order: plain.clone(), proven: true }.to_json(), plain.to_json());
    }
}
