//! Decides what conversations come to: who wrote, in which sessions, how fast they were answered and by whom.
//!
//! It must never count a message, a turn or a session twice, nor one that is outside of the period.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use serde::Serialize;

use super::{Period, REOPENED_WITHIN, mean, percentile, share};
use crate::domain::message::Role;

/// What is needed of a message.
#[derive(Debug, Clone, Copy)]
pub struct TalkRow<'a> {
    /// Whose conversation.
    pub user: &'a str,
    /// Who said it.
    pub role: Role,
    /// When.
    pub at: Timestamp,
    /// The turn it belongs to.
    pub turn: u64,
    /// What triage made of it.
    pub intent: Option<&'a str>,
    /// How it sounded.
    pub sentiment: Option<&'a str>,
    /// Of a reply: milliseconds from the message to the reply.
    pub response_ms: Option<u64>,
    /// How sure the model was of the intent, where the message itself was read.
    pub intent_confidence: Option<f64>,
    /// Whether an earlier reading was used again.
    pub reused: Option<bool>,
    /// Of a reply: whether the playbook wrote it because the language model could not.
    pub degraded: Option<bool>,
}

/// What conversations of a period come to.
///
/// A session begins with a message of the customer after a silence of the customer of at least the period's gap. It counts
/// in the period in which it begins. It was handed over where an alert of the customer was raised from its beginning to the
/// beginning of the next one. It was resolved by the bot where the bot replied in it, it was not handed over, and the next
/// one did not begin within 24 hours of its last message.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct TalkFigures {
    /// Customers who wrote.
    pub users: u64,
    /// Customers who wrote on the day that the period ends in.
    pub users_today: u64,
    /// Messages of customers.
    pub messages: u64,
    /// Replies of the bot.
    pub replies: u64,
    /// Messages of the team.
    pub agent_messages: u64,
    /// Turns: bursts of messages that are answered together.
    pub turns: u64,
    /// Sessions that began.
    pub sessions: u64,
    /// Of those, how many were handed over.
    pub handed_over: u64,
    /// How many the bot resolved, as far as is known by now.
    pub auto_resolved: u64,
    /// How many were opened again within 24 hours.
    pub reopened: u64,
    /// How many ended less than 24 hours ago: they may still be opened again.
    pub still_open: u64,
    /// Turns by what the customer wanted.
    pub intents: BTreeMap<String, u64>,
    /// Turns by how the customer sounded.
    pub sentiments: BTreeMap<String, u64>,
    /// The same by hour or day.
    pub sentiment_points: BTreeMap<String, BTreeMap<String, u64>>,
    /// Sessions that began, by hour or day.
    pub session_points: BTreeMap<String, u64>,
    /// Turns of which it is known whether a reading was made or used again.
    pub triaged: u64,
    /// Of those, how many used an earlier reading again.
    pub triage_reused: u64,
    /// Replies that a language model was asked for, as far as is known.
    pub llm_replies: u64,
    /// Of those, how many the playbook wrote in its place.
    pub degraded: u64,
    /// How sure the model was of the intent, of every turn that was read and has it.
    #[serde(skip)]
    pub confidences: Vec<f64>,
    /// Milliseconds from message to reply, of every reply that has it.
    #[serde(skip)]
    pub responses: Vec<u64>,
    /// The same by hour or day.
    #[serde(skip)]
    pub response_points: BTreeMap<String, Vec<u64>>,
}

impl TalkFigures {
    /// Milliseconds from message to reply on average.
    pub fn mean_response_ms(&self) -> Option<f64> {
        mean(self.responses.iter().sum(), self.responses.len() as u64)
    }

    /// Milliseconds within which 95 of 100 replies came.
    pub fn p95_response_ms(&self) -> Option<u64> {
        percentile(&self.responses, 0.95)
    }

    /// The share of turns that needed no new reading; `None` where nothing is known.
    pub fn triage_reuse_rate(&self) -> Option<f64> {
        share(self.triage_reused, self.triaged)
    }

    /// The share of replies that the playbook wrote in place of the language model; `None` where nothing is known.
    pub fn degraded_share(&self) -> Option<f64> {
        share(self.degraded, self.llm_replies)
    }

    /// Turns that were read with less confidence than this.
    pub fn unsure(&self, below: f64) -> u64 {
        self.confidences.iter().filter(|confidence| **confidence < below).count() as u64
    }

    /// How many turns were read with a confidence from 0 to below 0.1, and so on; the last one holds 1 as well.
    pub fn confidence_bins(&self) -> [u64; 10] {
        let mut bins = [0; 10];
        for confidence in &self.confidences {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let bin = (confidence.clamp(0.0, 1.0) * 10.0) as usize;
            bins[bin.min(9)] += 1;
        }
        bins
    }

    /// The share of sessions that a person was asked into.
    pub fn intervention_rate(&self) -> Option<f64> {
        share(self.handed_over, self.sessions)
    }

    /// The share of sessions that the bot resolved.
    pub fn auto_resolution_rate(&self) -> Option<f64> {
        share(self.auto_resolved, self.sessions)
    }
}

struct Session {
    start: Timestamp,
    last: Timestamp,
    last_by_customer: Timestamp,
    replied: bool,
}

/// Numbers for words, from 0 on in the order in which they come.
#[derive(Default)]
struct Words {
    numbers: HashMap<String, usize>,
    names: Vec<String>,
}

impl Words {
    fn number(&mut self, word: &str) -> usize {
        if let Some(number) = self.numbers.get(word) {
            return *number;
        }
        self.names.push(word.to_owned());
        self.numbers.insert(word.to_owned(), self.names.len() - 1);
        self.names.len() - 1
    }
}

/// Numbers for the points of a series. Asking a calendar takes longer than all the rest of counting a message, so it is
/// asked once for each point.
struct Points<'a> {
    period: &'a Period,
    labels: Words,
    spans: BTreeMap<Timestamp, (Timestamp, usize)>,
    last: (Timestamp, Timestamp, usize),
}

impl<'a> Points<'a> {
    fn new(period: &'a Period) -> Self {
        let none = (Timestamp::MAX, Timestamp::MIN, 0);
        Self { period, labels: Words::default(), spans: BTreeMap::new(), last: none }
    }

    fn number(&mut self, at: Timestamp) -> usize {
        if at >= self.last.0 && at < self.last.1 {
            return self.last.2;
        }
        if let Some((from, (until, number))) = self.spans.range(..=at).next_back()
            && at < *until
        {
            self.last = (*from, *until, *number);
            return *number;
        }
        let (from, until) = self.period.span(at);
        let number = self.labels.number(&self.period.point(at));
        self.spans.insert(from, (until, number));
        self.last = (from, until, number);
        number
    }
}

/// The place of a number in a list that grows as it must.
fn at_number<T: Default>(list: &mut Vec<T>, number: usize) -> &mut T {
    if list.len() <= number {
        list.resize_with(number + 1, T::default);
    }
    &mut list[number]
}

/// What is counted under numbers, until the end gives them their names.
#[derive(Default)]
struct Tallies {
    intents: Vec<u64>,
    sentiments: Vec<u64>,
    /// By point, then by sentiment.
    sentiment_points: Vec<Vec<u64>>,
    session_points: Vec<u64>,
    response_points: Vec<Vec<u64>>,
}

/// Counts messages that come customer by customer, each customer's in their order.
pub struct TalkCounter<'a> {
    period: &'a Period,
    today: Timestamp,
    raised: HashMap<String, Vec<Timestamp>>,
    figures: TalkFigures,
    tallies: Tallies,
    points: Points<'a>,
    intents: Words,
    sentiments: Words,
    user: String,
    session: Option<Session>,
    turn: Option<u64>,
    wrote: bool,
    wrote_today: bool,
}

impl<'a> TalkCounter<'a> {
    /// For a period, with the times at which alerts were raised by customer.
    pub fn new(period: &'a Period, raised: HashMap<String, Vec<Timestamp>>) -> Self {
        Self {
            period,
            today: period.today(),
            raised,
            figures: TalkFigures::default(),
            tallies: Tallies::default(),
            points: Points::new(period),
            intents: Words::default(),
            sentiments: Words::default(),
            user: String::new(),
            session: None,
            turn: None,
            wrote: false,
            wrote_today: false,
        }
    }

    /// Counts the next message.
    pub fn add(&mut self, row: &TalkRow<'_>) {
        if row.user != self.user {
            self.end_customer();
            row.user.clone_into(&mut self.user);
        }
        if row.at >= self.period.until {
            return;
        }
        self.follow_session(row);
        if row.role == Role::User && row.at >= self.today && !self.wrote_today {
            self.wrote_today = true;
            self.figures.users_today += 1;
        }
        if !self.period.holds(row.at) {
            return;
        }
        match row.role {
            Role::User => self.add_customers(row),
            Role::Assistant => self.figures.replies += 1,
            Role::Agent => self.figures.agent_messages += 1,
        }
        if let Some(degraded) = row.degraded.filter(|_| row.role == Role::Assistant) {
            self.figures.llm_replies += 1;
            self.figures.degraded += u64::from(degraded);
        }
        if let Some(taken) = row.response_ms.filter(|_| row.role == Role::Assistant) {
            self.figures.responses.push(taken);
            at_number(&mut self.tallies.response_points, self.points.number(row.at)).push(taken);
        }
    }

    fn add_customers(&mut self, row: &TalkRow<'_>) {
        self.figures.messages += 1;
        if !self.wrote {
            self.wrote = true;
            self.figures.users += 1;
        }
        if self.turn == Some(row.turn) {
            return;
        }
        self.turn = Some(row.turn);
        self.figures.turns += 1;
        if let Some(reused) = row.reused {
            self.figures.triaged += 1;
            self.figures.triage_reused += u64::from(reused);
        }
        self.figures.confidences.extend(row.intent_confidence);
        if let Some(intent) = row.intent {
            *at_number(&mut self.tallies.intents, self.intents.number(intent)) += 1;
        }
        if let Some(sentiment) = row.sentiment {
            let number = self.sentiments.number(sentiment);
            *at_number(&mut self.tallies.sentiments, number) += 1;
            let point = at_number(&mut self.tallies.sentiment_points, self.points.number(row.at));
            *at_number(point, number) += 1;
        }
    }

    fn follow_session(&mut self, row: &TalkRow<'_>) {
        let customer = row.role == Role::User;
        match &mut self.session {
            Some(session) if !customer || row.at.duration_since(session.last_by_customer) < self.period.gap => {
                session.last = session.last.max(row.at);
                session.replied |= row.role == Role::Assistant;
                if customer {
                    session.last_by_customer = row.at;
                }
            }
            _ if customer => {
                self.end_session(Some(row.at));
                self.session = Some(Session { start: row.at, last: row.at, last_by_customer: row.at, replied: false });
            }
            // What the team writes before the customer ever did is no session.
            _ => {}
        }
    }

    fn end_session(&mut self, next: Option<Timestamp>) {
        let Some(session) = self.session.take() else { return };
        if !self.period.holds(session.start) {
            return;
        }
        let before_next = |at: Timestamp| next.is_none_or(|next| at < next) && at < self.period.until;
        let raised = self.raised.get(&self.user).map(Vec::as_slice).unwrap_or_default();
        let handed_over = raised.iter().any(|at| *at >= session.start && before_next(*at));
        let reopened = next.is_some_and(|next| next.duration_since(session.last) < REOPENED_WITHIN);
        let figures = &mut self.figures;
        figures.sessions += 1;
        figures.handed_over += u64::from(handed_over);
        figures.reopened += u64::from(reopened);
        figures.auto_resolved += u64::from(session.replied && !handed_over && !reopened);
        let ended_lately = self.period.until.duration_since(session.last) < REOPENED_WITHIN;
        figures.still_open += u64::from(next.is_none() && ended_lately);
        *at_number(&mut self.tallies.session_points, self.points.number(session.start)) += 1;
    }

    fn end_customer(&mut self) {
        self.end_session(None);
        self.turn = None;
        self.wrote = false;
        self.wrote_today = false;
    }

    /// What it all comes to.
    pub fn finish(mut self) -> TalkFigures {
        self.end_customer();
        let Tallies { intents, sentiments, sentiment_points, session_points, response_points } = self.tallies;
        let counted = |words: &Words, counts: Vec<u64>| -> BTreeMap<String, u64> {
            words.names.iter().cloned().zip(counts).filter(|(_, count)| *count > 0).collect()
        };
        let labels = &self.points.labels;
        self.figures.intents = counted(&self.intents, intents);
        self.figures.sentiments = counted(&self.sentiments, sentiments);
        self.figures.session_points = counted(labels, session_points);
        let points = labels.names.iter().cloned().zip(sentiment_points);
        let points = points.map(|(label, counts)| (label, counted(&self.sentiments, counts)));
        self.figures.sentiment_points = points.filter(|(_, counts)| !counts.is_empty()).collect();
        let points = labels.names.iter().cloned().zip(response_points);
        self.figures.response_points = points.filter(|(_, taken)| !taken.is_empty()).collect();
        self.figures
    }
}

#[cfg(test)]
mod tests {
    use super::super::period::tests::period;
    use super::*;

    fn row(user: &'static str, role: Role, at: &str, turn: u64) -> TalkRow<'static> {
        TalkRow {
            user,
            role,
            at: at.parse().unwrap(),
            turn,
            intent: (role == Role::User).then_some("refund_request"),
            sentiment: (role == Role::User).then_some("neutral"),
            response_ms: (role == Role::Assistant).then_some(100 * turn),
            intent_confidence: None,
            reused: None,
            degraded: None,
        }
    }

    fn count(period: &Period, raised: &[(&str, &str)], rows: &[TalkRow<'_>]) -> TalkFigures {
        let mut by: HashMap<String, Vec<Timestamp>> = HashMap::new();
        for (user, at) in raised {
            by.entry((*user).to_owned()).or_default().push(at.parse().unwrap());
        }
        let mut counter = TalkCounter::new(period, by);
        for row in rows {
            counter.add(row);
        }
        counter.finish()
    }

    #[test]
    fn a_day_of_silence_begins_a_session() {
        let all = period("", "2026-01-10T00:00:00Z");
        let rows = [
            row("a", Role::User, "2026-01-01T00:00:00Z", 1),
            row("a", Role::User, "2026-01-01T00:00:01Z", 1),
            row("a", Role::Assistant, "2026-01-01T00:00:02Z", 1),
            row("a", Role::User, "2026-01-02T00:00:00Z", 2),
            row("a", Role::User, "2026-01-03T00:00:00Z", 3),
            row("b", Role::User, "2026-01-03T00:00:00Z", 1),
            row("b", Role::Assistant, "2026-01-03T00:00:00Z", 1),
        ];
        let figures = count(&all, &[], &rows);
        assert_eq!((figures.users, figures.messages, figures.turns, figures.sessions), (2, 5, 4, 3));
        assert_eq!(figures.intents["refund_request"], 4, "a burst is one turn");
        // a's first ran to the 2nd at 00:00:00 and was opened again just a day after; b's was answered and left alone.
        assert_eq!((figures.auto_resolved, figures.reopened, figures.still_open), (2, 0, 0));
    }

    #[test]
    fn a_session_that_an_agent_ended_late_can_be_opened_again() {
        let all = period("", "2026-01-10T00:00:00Z");
        let rows = [
            row("a", Role::User, "2026-01-01T00:00:00Z", 1),
            row("a", Role::Assistant, "2026-01-01T20:00:00Z", 1),
            row("a", Role::User, "2026-01-02T01:00:00Z", 2),
            row("a", Role::Assistant, "2026-01-02T01:00:01Z", 2),
        ];
        let figures = count(&all, &[("a", "2026-01-02T01:00:00Z")], &rows);
        assert_eq!((figures.sessions, figures.reopened, figures.auto_resolved, figures.handed_over), (2, 1, 0, 1));
    }

    #[test]
    fn a_session_counts_where_it_begins() {
        let second = period("2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z");
        let rows = [
            row("a", Role::User, "2026-01-01T23:59:00Z", 1),
            row("a", Role::User, "2026-01-02T00:01:00Z", 2),
            row("b", Role::User, "2026-01-02T00:01:00Z", 1),
            row("b", Role::Assistant, "2026-01-02T00:01:01Z", 1),
            row("c", Role::User, "2026-01-03T00:00:00Z", 1),
        ];
        let figures = count(&second, &[], &rows);
        assert_eq!((figures.users, figures.sessions, figures.messages), (2, 1, 2));
        assert_eq!((figures.auto_resolved, figures.still_open), (1, 1));
        assert_eq!((figures.mean_response_ms(), figures.p95_response_ms()), (Some(100.0), Some(100)));
        assert_eq!(count(&second, &[], &[]).auto_resolution_rate(), None);
    }
}
