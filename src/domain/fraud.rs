//! Finds messages of customers who tell that somebody, in the shop's name or another, asks them for what no shop asks for: a
//! secret of their bank, access to their telephone, or money before money comes.
//!
//! It looks for the structure of such a report and not for phrases: somebody else; a demand of theirs that the customer give or do
//! something (who asks and who gives is read from the words before the verb); and beside that verb what no shop asks for. A bank
//! account or a card is where money goes: neither is a secret by itself, and a promise is no demand.

mod vocabulary;

use vocabulary::{
    ABOUT_MONEY, ACCESSES, ACTS, ALLOWED, ANDS, ASKS, CARDS, CODES, COMING, CUSTOMERS, DUTIES, ENTERING, FEES, FILLERS,
    FIRST, GAVE, GIFTS, LATE_ACTS, LATE_ASKS, LATE_PAYS, LATE_SAYS, LINKS, NEGATIONS, NOBODY_ELSE, NOT_TO_GIVE,
    OF_WHOM, OFTEN_MISSPELT, ORDINARY, OWN_APP, PAID, PARTIES, PASSIVES, PAYS, POLITE, PROGRAMS, PRONOUNS, PURPOSES,
    Phrases, RECEIVERS, RIDER_ASKS, RIDERS, SAYS, SCANS, SECRETS, SENT, SHOPS, candidates,
};

/// What the stranger wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// A one-time password, a PIN, a card number.
    Secret,
    /// Access to the telephone or its screen.
    Access,
    /// A fee, or a payment that is called a refund.
    Money,
}

/// The language in which it is told: that of the warning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tongue {
    /// English.
    English,
    /// Hindi in Latin letters.
    Hinglish,
    /// Hindi.
    Hindi,
    /// Spanish.
    Spanish,
    /// Portuguese.
    Portuguese,
    /// Arabic.
    Arabic,
    /// German.
    German,
    /// French.
    French,
}

/// A report of attempted fraud.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    /// What was asked for.
    pub wanted: Wanted,
    /// Whether the customer has given it.
    pub given: bool,
    /// The language of the message.
    pub tongue: Tongue,
}

impl Report {
    /// The reason of the alert.
    pub fn reason(&self) -> &'static str {
        match (self.wanted, self.given) {
            (Wanted::Secret, false) => "Fraud: somebody asks the customer for an OTP, PIN, password or card number",
            (Wanted::Secret, true) => "Fraud: the customer gave an OTP, PIN, password or card number to somebody",
            (Wanted::Access, false) => "Fraud: somebody wants access to the customer's telephone or screen",
            (Wanted::Access, true) => "Fraud: the customer let somebody into their telephone or screen",
            (Wanted::Money, false) => "Fraud: somebody wants a fee or payment from the customer for a refund or parcel",
            (Wanted::Money, true) => "Fraud: the customer paid somebody a fee for a refund or parcel",
        }
    }
}

/// The longest text that a customer can send; what is longer is not read further, so that reading takes no time.
const LONGEST: usize = 4096;
/// How many words may lie between a verb and what it is about.
const NEAR: usize = 7;
/// How many words may lie between who demands and what the customer shall do.
const FAR: usize = 14;

/// Whether two words differ in at most one letter, or in two that changed places.
fn alike(one: &str, other: &str) -> bool {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let start = one.iter().zip(&other).take_while(|(a, b)| a == b).count();
    let (one, other) = (&one[start..], &other[start..]);
    let end = one.iter().rev().zip(other.iter().rev()).take_while(|(a, b)| a == b).count();
    match (&one[..one.len() - end], &other[..other.len() - end]) {
        ([a, b], [c, d]) => a == d && b == c,
        (a, b) => a.len() <= 1 && b.len() <= 1,
    }
}

/// The words of a text in lower case, with misspelt and spaced-out ones put right.
fn words(text: &str) -> Vec<String> {
    let mut plain = String::new();
    let keep = |c: char| {
        let punctuation = matches!(c, '\u{2000}'..='\u{206F}' | '।' | '،' | '؟' | '؛' | '¿' | '¡' | '«' | '»');
        c.is_alphanumeric() || (!c.is_ascii() && !c.is_whitespace() && !punctuation)
    };
    for c in text.chars().take(LONGEST) {
        // An apostrophe is part of the word.
        if matches!(c, '\'' | '’') || ('\u{200B}'..='\u{200F}').contains(&c) {
            continue;
        }
        if keep(c) {
            plain.extend(c.to_lowercase());
        } else {
            plain.push(' ');
        }
    }
    let mut words: Vec<String> = Vec::new();
    let mut letters = 0;
    for word in plain.split_whitespace() {
        letters = if word.chars().count() == 1 { letters + 1 } else { 0 };
        words.push(word.to_owned());
        // `o t p`, `a n y d e s k`: a run of letters is one word.
        if letters >= 3 {
            let start = words.len() - if letters == 3 { 3 } else { 2 };
            let joined = words.split_off(start).concat();
            words.push(joined);
        }
        put_right(&mut words);
    }
    words
}

/// Gives the last word, or the last two written apart, the name that they nearly are.
fn put_right(words: &mut Vec<String>) {
    let Some(last) = words.last() else { return };
    // `install a …` is two words.
    let apart = words.len().checked_sub(2).filter(|at| !OFTEN_MISSPELT.contains(&words[*at].as_str()));
    let two = apart.map(|at| words[at..].concat());
    let name = |word: &str| OFTEN_MISSPELT.iter().find(|name| word.len() >= 6 && alike(word, name));
    if let Some(name) = name(last) {
        words.pop();
        words.push((*name).to_owned());
    } else if let Some(name) = two.as_deref().and_then(name) {
        words.truncate(words.len() - 2);
        words.push((*name).to_owned());
    }
}

fn same(word: &str, pattern: &str) -> bool {
    let is = |word: &str| pattern.strip_suffix('*').map_or(word == pattern, |stem| word.starts_with(stem));
    // Arabic writes “and” and “so” as part of the word that follows.
    is(word) || word.strip_prefix(['و', 'ف']).is_some_and(|rest| rest.chars().count() >= 3 && is(rest))
}

fn starts(words: &[String], phrase: &[&str]) -> bool {
    let [first, rest @ ..] = phrase else { return false };
    words.first().is_some_and(|word| same(word, first))
        && words.len() >= phrase.len()
        && words[1..].iter().zip(rest).all(|(word, pattern)| same(word, pattern))
}

fn is_one(word: &str, list: &Phrases) -> bool {
    candidates(list, word).iter().any(|phrase| phrase.len() == 1 && same(word, phrase[0]))
}

/// Where phrases of a list stand: the first word and the one after the last.
type Places = Vec<(usize, usize)>;

fn places(words: &[String], list: &Phrases) -> Places {
    let longest = |at: usize| {
        candidates(list, &words[at]).iter().filter(|phrase| starts(&words[at..], phrase)).map(Vec::len).max()
    };
    (0..words.len()).filter_map(|at| Some((at, at + longest(at)?))).collect()
}

fn without(words: &[String], list: &Phrases) -> Vec<String> {
    let found = places(words, list);
    let inside = |at: &usize| !found.iter().any(|(from, to)| (from..to).contains(&at));
    (0..words.len()).filter(inside).map(|at| words[at].clone()).collect()
}

/// A message, read once.
struct Reading {
    words: Vec<String>,
    /// Demands and statements of somebody else, whose verb stands before what is demanded, or after it.
    asks: Places,
    late_asks: Places,
    says: Places,
    /// What the customer shall do.
    acts: Places,
    late_acts: Places,
    /// Whether somebody else is spoken of who is not a rider.
    party: bool,
    rider: bool,
}

impl Reading {
    fn of(words: Vec<String>) -> Self {
        let rider = !places(&words, &RIDERS).is_empty();
        let party = !places(&without(&words, &RIDERS), &PARTIES).is_empty();
        let reading = Self {
            asks: places(&words, &ASKS),
            late_asks: places(&words, &LATE_ASKS),
            says: places(&words, &SAYS),
            acts: places(&words, &ACTS),
            late_acts: places(&words, &LATE_ACTS),
            party,
            rider,
            words,
        };
        let somebody = |at: &(usize, usize)| reading.by_somebody(at.0);
        let asks = reading.asks.iter().copied().filter(somebody).collect();
        let says = reading.says.iter().copied().filter(somebody).collect();
        let late_asks = reading.late_asks.iter().copied().filter(|at| !reading.by_customer_late(at.0)).collect();
        let to_give = |at: &(usize, usize)| reading.to_give(*at);
        let acts = reading.acts.iter().copied().filter(to_give).collect();
        let late_acts = reading.late_acts.iter().copied().filter(to_give).collect();
        Self { asks, late_asks, says, acts, late_acts, ..reading }
    }

    fn word(&self, at: usize) -> &str {
        self.words.get(at).map_or("", String::as_str)
    }

    fn is_any(&self, at: usize, list: &Phrases) -> bool {
        self.words.get(at).is_some_and(|word| is_one(word, list))
    }

    fn has(&self, list: &Phrases) -> bool {
        !places(&self.words, list).is_empty()
    }

    /// Whether the subject of the verb is a person who is not the customer, nor the shop that reads this, nor a program.
    fn by_somebody(&self, verb: usize) -> bool {
        let before = self.words[..verb].iter().rposition(|word| !is_one(word, &FILLERS));
        let Some(subject) = before.filter(|at| verb - at <= 5) else { return self.party };
        if self.word(subject) == "to" && subject > 0 && self.is_any(subject - 1, &ALLOWED) {
            return self.party;
        }
        if (subject + 1..verb).any(|at| self.is_any(at, &ANDS)) {
            // `he knew my order and wanted …`: the subject stands further ahead.
            let nearest = self.words[..verb].iter().rev().take(12).find_map(|word| {
                let of = |list: &Phrases| is_one(word, list);
                if of(&CUSTOMERS) { Some(false) } else { of(&PRONOUNS).then_some(true) }
            });
            // `needs` is never the customer's.
            let other = nearest.unwrap_or(self.party) || (self.word(verb).ends_with('s') && self.party);
            return other && (self.party || !self.rider);
        }
        let passive = (subject + 1..verb).any(|at| self.is_any(at, &PASSIVES));
        let from =
            self.is_any(subject, &SHOPS) && (subject.saturating_sub(3)..subject).any(|at| self.is_any(at, &OF_WHOM));
        if self.is_any(subject, &NOBODY_ELSE) && !passive && !from {
            return false;
        }
        // German and French put the customer behind the verb in a question.
        if matches!(self.word(verb), "will" | "möchte") && self.word(verb + 1) == "ich" {
            return false;
        }
        self.party || (passive && !self.rider) || (self.is_any(subject, &PRONOUNS) && !self.rider)
    }

    /// The same for a verb at the end of its clause.
    fn by_customer_late(&self, verb: usize) -> bool {
        let clause = verb.saturating_sub(6)..verb;
        let customer = clause.clone().any(|at| self.is_any(at, &CUSTOMERS));
        customer && !clause.clone().any(|at| self.is_any(at, &PASSIVES))
    }

    /// Whether it is the customer who shall do it, and not the one who did it or to whom it is done.
    fn to_give(&self, (verb, end): (usize, usize)) -> bool {
        // `says send me the code`: the very words of the other.
        let polite = verb.checked_sub(1).filter(|at| self.is_any(*at, &POLITE)).unwrap_or(verb);
        if self.says.iter().any(|says| says.1 == polite) {
            return true;
        }
        let before = verb.saturating_sub(2)..verb;
        let other = before.clone().any(|at| self.is_any(at, &NOT_TO_GIVE));
        // `send me`: it comes to the customer.
        let to_customer = matches!(self.word(end), "me" | "us" | "mujhe" | "mir" | "मुझे")
            || (verb > 0
                && !(verb > 1 && self.word(verb - 2) == "that")
                && matches!(self.word(verb - 1), "mujhe" | "मुझे" | "me" | "us" | "mir" | "nos" | "te" | "i" | "we"));
        !other && !to_customer
    }

    /// Whether one of the verbs is near one of the things, after (`late`: before) which it stands.
    fn link(verbs: &[(usize, usize)], things: &[(usize, usize)], late: bool, within: usize) -> bool {
        let near = |verb: &(usize, usize), thing: &(usize, usize)| {
            let gap = if late { verb.0.checked_sub(thing.1) } else { thing.0.checked_sub(verb.1) };
            gap.is_some_and(|gap| gap <= within)
        };
        verbs.iter().any(|verb| things.iter().any(|thing| near(verb, thing)))
    }

    /// Acts near these things that somebody demands.
    fn told_to(&self, acts: &Places, late_acts: &Places, things: &Places) -> bool {
        let linked = |late: bool| {
            let acts = if late { late_acts } else { acts };
            acts.iter().copied().filter(move |act| Self::link(&[*act], things, late, NEAR))
        };
        let acts: Places = linked(false).chain(linked(true)).collect();
        let early =
            |leads: &Places| leads.iter().any(|lead| acts.iter().any(|act| act.0 >= lead.1 && act.0 - lead.1 <= FAR));
        let late =
            |leads: &Places| leads.iter().any(|lead| acts.iter().any(|act| lead.0 >= act.1 && lead.0 - act.1 <= 5));
        let late_says: Places =
            places(&self.words, &LATE_SAYS).into_iter().filter(|at| !self.by_customer_late(at.0)).collect();
        early(&self.asks)
            || early(&self.says)
            || (self.party && (early(&late_says) || late(&late_says) || late(&self.late_asks)))
    }

    /// Whether one of these things is demanded of the customer.
    fn demanded(&self, things: &Places) -> bool {
        let asked = self.asks.iter().any(|ask| {
            things.iter().any(|thing| {
                let between = thing.0.checked_sub(ask.1).filter(|gap| *gap <= NEAR).map(|_| ask.1..thing.0);
                // `asked me to wait for the code`: what shall be done is another thing.
                between.is_some_and(|mut between| !between.any(|at| matches!(self.word(at), "to" | "i" | "de" | "que")))
            })
        });
        let late = self.party && Self::link(&self.late_asks, things, true, NEAR);
        asked || late || self.told_to(&self.acts, &self.late_acts, things)
    }

    /// Whether the customer says that they must give one of these things, or gave it, to somebody.
    fn must_give(&self, things: &Places) -> bool {
        let duties = places(&self.words, &DUTIES);
        let acts: Places = self.acts.iter().copied().filter(|act| !self.is_any(act.0, &ENTERING)).collect();
        let bound: Places = acts.into_iter().filter(|act| Self::link(&duties, &[*act], false, 1)).collect();
        let late =
            |act: &(usize, usize)| Self::link(&duties, &[*act], false, NEAR) && Self::link(&[*act], things, true, 1);
        self.party && (Self::link(&bound, things, false, NEAR) || self.late_acts.iter().any(late))
    }

    fn gave(&self, things: &Places) -> bool {
        let gave = places(&self.words, &GAVE);
        Self::link(&gave, things, false, NEAR) || Self::link(&gave, things, true, NEAR)
    }

    /// The codes and secrets that are spoken of, without those that only failed to come.
    fn secrets(&self) -> Places {
        let comes = |thing: &(usize, usize)| {
            let next = thing.1..(thing.1 + 4).min(self.words.len());
            let failed =
                next.clone().any(|at| self.is_any(at, &NEGATIONS)) && next.clone().any(|at| self.is_any(at, &COMING));
            let place = next.clone().next().is_some_and(|at| {
                self.word(thing.0) == "pin"
                    && self.word(at).len() >= 5
                    && self.word(at).bytes().all(|byte| byte.is_ascii_digit())
            });
            // A code typed into the shop's own app stays with the customer.
            let own = (thing.1..(thing.1 + 5).min(self.words.len())).any(|at| self.is_any(at, &OWN_APP));
            !failed && !place && !own
        };
        let mut things = places(&self.words, &SECRETS);
        // A code at the door is part of the delivery.
        if !self.rider || (self.party && self.has(&ABOUT_MONEY)) {
            things.extend(places(&self.words, &CODES));
        }
        things.retain(comes);
        things
    }

    fn wants_secret(&self) -> Option<bool> {
        let secrets = self.secrets();
        let gave = self.gave(&secrets) && (self.party || (!self.rider && self.has(&RECEIVERS)));
        let rider =
            self.rider && Self::link(&places(&self.words, &RIDER_ASKS), &places(&self.words, &SECRETS), false, NEAR);
        if self.demanded(&secrets) || self.must_give(&secrets) || gave || rider {
            return Some(gave);
        }
        // A card is where money goes, but not when it is to be typed in behind a link that somebody sent.
        let entering: Places = self.acts.iter().copied().filter(|act| self.is_any(act.0, &ENTERING)).collect();
        let link =
            self.party && self.has(&LINKS) && (self.has(&SENT) || !self.says.is_empty() || !self.asks.is_empty());
        let late: Places = self.late_acts.iter().copied().filter(|act| self.is_any(act.0, &ENTERING)).collect();
        let cards = places(&self.words, &CARDS);
        (link && (Self::link(&entering, &cards, false, 3) || Self::link(&late, &cards, true, 3))).then_some(false)
    }

    fn wants_access(&self) -> Option<bool> {
        let programs = places(&self.words, &PROGRAMS);
        let accesses = places(&self.words, &ACCESSES);
        let gave = self.gave(&programs) || self.gave(&accesses);
        let led = !self.asks.is_empty() || !self.says.is_empty() || self.has(&LATE_SAYS);
        let program = !programs.is_empty() && (self.party || led || gave);
        let late = self.party && Self::link(&self.late_asks, &accesses, true, NEAR);
        let told = self.party && self.has(&LATE_SAYS) && !accesses.is_empty();
        let lets = (self.demanded(&accesses) || late || told || self.must_give(&accesses)) && !accesses.is_empty();
        (program || lets || (gave && self.party)).then_some(gave)
    }

    fn wants_money(&self) -> Option<bool> {
        let paid = self.has(&PAID);
        let fees = places(&self.words, &FEES);
        let pays = |list: &Phrases| -> Places {
            places(&self.words, list).into_iter().filter(|at| self.to_give(*at)).collect()
        };
        let (pays, late_pays) = (pays(&PAYS), pays(&LATE_PAYS));
        let mut before = fees.clone();
        before.extend(places(&self.words, &FIRST));
        let prize = self.has(&GIFTS)
            && self.party
            && (!self.asks.is_empty()
                || !self.late_asks.is_empty()
                || !pays.is_empty()
                || !fees.is_empty()
                || !late_pays.is_empty());
        if prize {
            return Some(paid);
        }
        if self.rider || !self.has(&PURPOSES) {
            return None;
        }
        let asked = self.demanded(&fees);
        let told = self.told_to(&pays, &late_pays, &before);
        let scans = places(&self.words, &SCANS);
        let sent = self.party && Self::link(&places(&self.words, &SENT), &scans, false, 4);
        let scan = sent || self.demanded(&scans) || self.told_to(&pays, &late_pays, &scans);
        (asked || told || scan).then_some(paid)
    }
}

/// Reads a message for a report that somebody asks for a secret, for access, or for money before money comes.
pub fn reported(text: &str) -> Option<Report> {
    let words = without(&words(text), &ORDINARY);
    let things = [&PROGRAMS, &ACCESSES, &SECRETS, &CODES, &CARDS, &FEES, &FIRST, &SCANS, &GIFTS];
    if things.iter().all(|list| places(&words, list).is_empty()) {
        return None;
    }
    let reading = Reading::of(words);
    let wanted = [
        (Wanted::Access, reading.wants_access()),
        (Wanted::Secret, reading.wants_secret()),
        (Wanted::Money, reading.wants_money()),
    ];
    let (wanted, given) = wanted.into_iter().find_map(|(wanted, given)| Some((wanted, given?)))?;
    Some(Report { wanted, given, tongue: tongue(text, &reading.words) })
}

fn tongue(text: &str, words: &[String]) -> Tongue {
    let any = |range: std::ops::RangeInclusive<char>| text.chars().any(|c| range.contains(&c));
    let count = |list: &str| words.iter().filter(|word| list.split(' ').any(|other| other == word.as_str())).count();
    if any('\u{900}'..='\u{97F}') {
        return Tongue::Hindi;
    }
    if any('\u{600}'..='\u{6FF}') {
        return Tongue::Arabic;
    }
    let counts = [
        (count("the a my is for to and from your i he me of that was"), Tongue::English),
        (count("hai hain koi ne mera mere mujhe se ka ki ko raha rahe aur kar aaya ek bola wale"), Tongue::Hinglish),
        (count("el la los que por mi una alguien me su y es dice para de pidió piden"), Tongue::Spanish),
        (count("o um uma que meu minha alguém me sua e do da em para de pediu não"), Tongue::Portuguese),
        (
            count("der die das ich und ein eine mein meine meinen von mich mir ist will soll nach hat jemand den für"),
            Tongue::German,
        ),
        (count("le la les un une je et de mon ma votre me pour par qui que dit du chez vous est des"), Tongue::French),
    ];
    // The first of equals.
    let most = counts.into_iter().rev().max_by_key(|(count, _)| *count);
    most.map_or(Tongue::English, |(_, tongue)| tongue)
}

#[cfg(test)]
#[path = "fraud_tests.rs"]
mod tests;
