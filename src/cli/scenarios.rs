//! Decides which conversations `simulate` can hold by name, and how a script is read.
//!
//! It must never hold an answer: only what customers write.

use jiff::SignedDuration;

/// A conversation to simulate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Scenario {
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
    /// Two orders in one message, and only one refund.
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
    pub fn expand(self) -> Vec<(&'static str, &'static str)> {
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
    (Scenario::Order, "order", "hey, wheres my order\nord000001\nthanks!\n+25h Any news on my parcel?\nORD000001"),
    (
        Scenario::Refund,
        "refund",
        "Hello, I want a refund for my last order, some items never made it into the bag\nORD000003\nyes",
    ),
    (
        Scenario::Complaint,
        "complaint",
        "Two packets were missing from my delivery ORD000004\nhow long would it take?\nno, leave it, I will keep what came\nactually please refund it after all\nyes go ahead",
    ),
    (Scenario::Vague, "vague", "I have a problem\nit is about what you sent me, half of it is broken\nORD000005\nok"),
    (
        Scenario::Multi,
        "multi",
        "Please refund ORD000006 and ORD000007, both came spoiled\nyes only for ORD000006\nyes ORD000006\nand what about ORD000007\nyes",
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
        "This is the third time this month! The delivery was late again, the milk was spoiled and leaking, the rider was rude, and nobody ever answers. I am furious and I want this sorted out ORD000008",
    ),
];

/// One message of a script, and how far the clock moves before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// How far the clock moves first.
    pub later: SignedDuration,
    /// The message; empty when only the clock moves.
    pub text: String,
}

/// Reads one line of a script: `+25h` at its start moves the clock; empty lines and `#` comments give `None`.
pub fn read_line(line: &str) -> Option<Line> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    if let Some(rest) = line.strip_prefix('+') {
        let (span, text) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        if let Some(later) = duration(span) {
            return Some(Line { later, text: text.trim().to_owned() });
        }
    }
    Some(Line { later: SignedDuration::ZERO, text: line.to_owned() })
}

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
        assert_eq!(read_line("+25h hello"), Some(Line { later: SignedDuration::from_hours(25), text: "hello".into() }));
        assert_eq!(read_line(" +2d "), Some(Line { later: SignedDuration::from_hours(48), text: String::new() }));
        assert_eq!(read_line("+1 for that").unwrap().text, "+1 for that");
        assert_eq!(read_line("+919876543210").unwrap().text, "+919876543210");
        assert_eq!(read_line("# a remark"), None);
        assert_eq!(read_line("  "), None);
    }

    #[test]
    fn all_holds_every_scenario() {
        assert_eq!(Scenario::All.expand().len(), 9);
        assert_eq!(Scenario::Refund.expand().len(), 1);
    }
}
