//! The conversations that `simulate` knows by name, and the format of scripts. They never hold an answer, only what
//! customers write.

use jiff::SignedDuration;

use crate::domain::words::excerpt;

/// A conversation to simulate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Scenario {
    /// Small talk and general questions.
    General,
    /// Where is my order, and a day later once more.
    Order,
    /// The documented refund: asks for the id, quotes, pays after a yes.
    Refund,
    /// Items are missing, and the customer changes their mind.
    Complaint,
    /// A customer who does not say what is wrong.
    Vague,
    /// Two orders in one message, and one yes for both.
    Multi,
    /// A customer who wants a person.
    Human,
    /// A customer whose order cannot be found.
    Frustrated,
    /// An upset customer with several problems at once.
    Complex,
    /// All of them, one after the other.
    All,
}

impl Scenario {
    /// The conversations to hold, with their names.
    pub(super) fn expand(self) -> Vec<(&'static str, &'static str)> {
        match self {
            Self::All => EVERY.iter().map(|(_, name, script)| (*name, *script)).collect(),
            one => EVERY
                .iter()
                .filter(|(scenario, ..)| *scenario == one)
                .map(|(_, name, script)| (*name, *script))
                .collect(),
        }
    }
}

const EVERY: &[(Scenario, &str, &str)] = &[
    (
        Scenario::General,
        "general",
        "Hi there!\nWhat are your business hours?\nHow long does a refund take to arrive?\nWho won the cricket match yesterday evening in Mumbai?\nno thanks\nok thank you, bye",
    ),
    (
        Scenario::Order,
        "order",
        "hey, wheres my order\nord000001\nCUST3487\nthanks!\n+25h Any news on my parcel?\nORD000001",
    ),
    (
        Scenario::Refund,
        "refund",
        "Hello, I want a refund for my last order, some items never made it into the bag\nORD000003, my customer id is CUST6815\nyes",
    ),
    (
        Scenario::Complaint,
        "complaint",
        "Two packets were missing from my delivery ORD000004 (CUST3001)\nhow long would it take?\nno, leave it, I will keep what came\nactually please refund it after all\nyes go ahead",
    ),
    (
        Scenario::Vague,
        "vague",
        "I have a problem\nit is about what you sent me, half of it is rotten\nORD000012, CUST5306\nmy money back please\nyes",
    ),
    (
        Scenario::Multi,
        "multi",
        "Please refund ORD000006 and ORD000007, both came spoiled\nCUST1542 and CUST1360\nyes for both",
    ),
    (Scenario::Human, "human", "Can I talk to a real person please?\nhello? anybody there?"),
    (
        Scenario::Frustrated,
        "frustrated",
        "WHERE IS MY ORDER???\nI dont have any order id\nORD999999\nno!! find it yourself, this is ridiculous\nyes",
    ),
    (
        Scenario::Complex,
        "complex",
        "This is the third time this month! The delivery was late again, the milk was spoiled and leaking, the rider was rude, and nobody ever answers. I am furious and I want this sorted out ORD000017",
    ),
];

/// One message of a script, and how far the clock moves before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// How far the clock moves first.
    pub later: SignedDuration,
    /// The message; empty when only the clock moves.
    pub text: String,
}

/// Reads one line of a script: `+25h` at its start moves the clock; empty lines and comments (`# …`) give `None`.
///
/// # Errors
/// When the line starts with `+` and a digit and is neither a time nor a telephone number: what is wrong with it.
pub(super) fn read_line(line: &str) -> Result<Option<Line>, String> {
    let line = line.trim();
    if line.is_empty() || line == "#" || line.starts_with("# ") {
        return Ok(None);
    }
    let message = || Ok(Some(Line { later: SignedDuration::ZERO, text: line.to_owned() }));
    let Some(rest) = line.strip_prefix('+').filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit())) else {
        return message();
    };
    let (span, text) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    if let Some(later) = duration(span) {
        return Ok(Some(Line { later, text: text.trim().to_owned() }));
    }
    let digits = rest.chars().filter(char::is_ascii_digit).count();
    if digits >= 7 && rest.chars().all(|c| c.is_ascii_digit() || matches!(c, ' ' | '-' | '(' | ')')) {
        return message();
    }
    Err(format!("“+{}” moves the clock by no time that is known here", excerpt(span, 40)))
}

/// The hint for a line that cannot be read.
pub(super) const CLOCK_HINT: &str = "write +90s, +15m, +25h or +2d (ten years at most), a space, and then the message";

/// `90s`, `15m`, `25h` or `2d`, up to ten years.
fn duration(text: &str) -> Option<SignedDuration> {
    let unit = text.chars().last()?;
    let count: i64 = text.strip_suffix(unit)?.parse().ok().filter(|count| *count >= 0)?;
    let seconds = count.checked_mul(match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return None,
    })?;
    (seconds <= 10 * 366 * 86_400).then(|| SignedDuration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_move_the_clock() {
        let read = |line: &str| read_line(line).unwrap();
        assert_eq!(read("+25h hello"), Some(Line { later: SignedDuration::from_hours(25), text: "hello".into() }));
        assert_eq!(read(" +2d "), Some(Line { later: SignedDuration::from_hours(48), text: String::new() }));
        for text in ["+919876543210", "+91 98765-43210", "+ one more", "+"] {
            assert_eq!(read(text), Some(Line { later: SignedDuration::ZERO, text: text.into() }));
        }
        assert_eq!(read("# a remark"), None);
        assert_eq!(read("  "), None);
    }

    #[test]
    fn a_time_that_is_none_is_an_error() {
        for line in ["+2w hello", "+5 x", "+1.5h hi", "+25hhello", "+1 for that", "+99999999d x", "+5"] {
            let error = read_line(line).unwrap_err();
            assert!(error.contains(line.split(' ').next().unwrap()), "{error}");
        }
    }

    #[test]
    fn all_holds_every_scenario() {
        assert_eq!(Scenario::All.expand().len(), 9);
        assert_eq!(Scenario::Refund.expand().len(), 1);
    }
}
