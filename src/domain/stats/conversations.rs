//! Statistics of conversations: who wrote, in which sessions, how fast and by whom they were answered. No message, turn
//! or session is counted twice.

use std::collections::{BTreeMap, HashMap};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::{Period, REOPENED_WITHIN, mean, percentile, share};
use crate::domain::ids::UserId;
use crate::domain::message::Role;
use crate::domain::rating::LABEL;

/// The fields of a message that are counted.
#[derive(Debug, Clone, Copy)]
pub struct ConversationRow<'a> {
    /// The customer.
    pub user: &'a str,
    /// The author.
    pub role: Role,
    /// When.
    pub at: Timestamp,
    /// The turn it belongs to.
    pub turn: u64,
    /// The intent.
    pub intent: Option<&'a str>,
    /// The sentiment.
    pub sentiment: Option<&'a str>,
    /// Of a reply: milliseconds from the message to the reply.
    pub response_ms: Option<u64>,
    /// The confidence of the intent, where the message itself was classified.
    pub intent_confidence: Option<f64>,
    /// Whether an earlier triage result was reused.
    pub reused: Option<bool>,
    /// Of a reply: whether the playbook wrote it because the language model could not.
    pub degraded: Option<bool>,
}

/// Statistics of the conversations of a period.
///
/// A session begins with a message of the customer after a silence of the customer of at least the period's gap. It
/// counts in the period in which it begins. It was handed over if an alert of the customer was raised between its
/// beginning and the beginning of the next one; it was abandoned if nobody of the team wrote in it after that, until the
/// customer was silent for at least the gap. It was reopened if the next one began within 24 hours of its last message. It is
/// unanswered if nothing came after the customer's last message for ten minutes, and it was not handed over. The bot resolved it
/// if the bot replied in it, the last word was not the customer's, and it was neither handed over nor reopened.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ConversationStats {
    /// Customers who wrote.
    pub users: u64,
    /// Customers who wrote on the last day of the period.
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
    /// How many were reopened within 24 hours.
    pub reopened: u64,
    /// How many ended less than 24 hours ago: they may still be reopened.
    pub still_open: u64,
    /// How many nobody answered at their end, and that were not handed over.
    pub unanswered: u64,
    /// How many were handed over, and the team wrote nothing before the customer was silent for long.
    pub abandoned: u64,
    /// The customers whose sessions ended so, the one with the latest session first; of many the latest.
    #[serde(skip)]
    pub ended: BTreeMap<Outcome, Vec<UserId>>,
    /// Turns by intent.
    pub intents: BTreeMap<String, u64>,
    /// Turns by sentiment.
    pub sentiments: BTreeMap<String, u64>,
    /// Turns by hour or day and sentiment.
    pub sentiment_points: BTreeMap<String, BTreeMap<String, u64>>,
    /// Sessions that began, by hour or day.
    pub session_points: BTreeMap<String, u64>,
    /// Turns of which it is known whether triage ran or was reused.
    pub triaged: u64,
    /// Of those, how many reused an earlier triage result.
    pub triage_reused: u64,
    /// Replies with a language model configured, as far as is known.
    pub llm_replies: u64,
    /// Of those, how many the playbook wrote instead.
    pub degraded: u64,
    /// The confidence of the intent, of every turn that was classified and has it.
    #[serde(skip)]
    pub confidences: Vec<f64>,
    /// Milliseconds from message to reply, of every reply that has it.
    #[serde(skip)]
    pub responses: Vec<u64>,
    /// The same milliseconds by hour or day.
    #[serde(skip)]
    pub response_points: BTreeMap<String, Vec<u64>>,
}

impl ConversationStats {
    /// The mean milliseconds from message to reply.
    pub fn mean_response_ms(&self) -> Option<f64> {
        mean(self.responses.iter().sum(), self.responses.len() as u64)
    }

    /// The 95th percentile of the milliseconds from message to reply.
    pub fn p95_response_ms(&self) -> Option<u64> {
        percentile(&self.responses, 0.95)
    }

    /// The share of turns that reused a triage result; `None` where nothing is known.
    pub fn triage_reuse_rate(&self) -> Option<f64> {
        share(self.triage_reused, self.triaged)
    }

    /// The share of replies that the playbook wrote instead of the language model; `None` where nothing is known.
    pub fn degraded_share(&self) -> Option<f64> {
        share(self.degraded, self.llm_replies)
    }

    /// The number of turns with less confidence than this.
    pub fn unsure(&self, below: f64) -> u64 {
        self.confidences.iter().filter(|confidence| **confidence < below).count() as u64
    }

    /// A histogram of the confidences: from 0 to below 0.1, and so on; the last bin includes 1.
    pub fn confidence_bins(&self) -> [u64; 10] {
        let mut bins = [0; 10];
        for confidence in &self.confidences {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 10")]
            let bin = (confidence.clamp(0.0, 1.0) * 10.0) as usize;
            bins[bin.min(9)] += 1;
        }
        bins
    }

    /// The share of sessions that were handed over.
    pub fn intervention_rate(&self) -> Option<f64> {
        share(self.handed_over, self.sessions)
    }

    /// The share of sessions that the bot resolved.
    pub fn auto_resolution_rate(&self) -> Option<f64> {
        share(self.auto_resolved, self.sessions)
    }
}

/// How a session ended. Of one session several may hold: what was handed over may be reopened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The bot resolved it.
    Resolved,
    /// Nobody answered.
    Unanswered,
    /// It was handed over, and nobody of the team answered in time.
    Abandoned,
    /// The customer came back within 24 hours.
    Reopened,
    /// It was handed over.
    HandedOver,
}

impl Outcome {
    /// Every outcome, with its word in addresses and its name.
    pub const EACH: [(Self, &'static str, &'static str); 5] = [
        (Self::Resolved, "resolved", "Resolved by the bot"),
        (Self::Unanswered, "unanswered", "Unanswered"),
        (Self::Abandoned, "abandoned", "Abandoned"),
        (Self::Reopened, "reopened", "Re-opened"),
        (Self::HandedOver, "handed_over", "Handed over"),
    ];

    /// The outcome of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::EACH.iter().find(|(_, known, _)| *known == word).map(|(outcome, ..)| *outcome)
    }
}

/// The most customers that are listed of an outcome.
const MAX_LISTED: usize = 1_000;
/// How long a customer's message may wait before its session is unanswered.
const ANSWER_WITHIN: SignedDuration = SignedDuration::from_mins(10);

struct Session {
    start: Timestamp,
    last: Timestamp,
    last_by_customer: Timestamp,
    replied: bool,
    /// Whether the last word was not the customer's.
    answered: bool,
    last_by_team: Option<Timestamp>,
}

/// Indices for labels, from 0 in the order in which they come.
#[derive(Default)]
struct LabelIndex {
    indices: HashMap<String, usize>,
    names: Vec<String>,
}

impl LabelIndex {
    fn index_of(&mut self, label: &str) -> usize {
        if let Some(index) = self.indices.get(label) {
            return *index;
        }
        self.names.push(label.to_owned());
        self.indices.insert(label.to_owned(), self.names.len() - 1);
        self.names.len() - 1
    }
}

/// Indices for the points of a series. A calendar computation takes longer than all the rest of counting a message, so
/// it is made once for each point.
struct PointIndex<'a> {
    period: &'a Period,
    labels: LabelIndex,
    spans: BTreeMap<Timestamp, (Timestamp, usize)>,
    last: (Timestamp, Timestamp, usize),
}

impl<'a> PointIndex<'a> {
    fn new(period: &'a Period) -> Self {
        let none = (Timestamp::MAX, Timestamp::MIN, 0);
        Self { period, labels: LabelIndex::default(), spans: BTreeMap::new(), last: none }
    }

    fn index_of(&mut self, at: Timestamp) -> usize {
        if at >= self.last.0 && at < self.last.1 {
            return self.last.2;
        }
        if let Some((from, (until, index))) = self.spans.range(..=at).next_back()
            && at < *until
        {
            self.last = (*from, *until, *index);
            return *index;
        }
        let (from, until) = self.period.span(at);
        let index = self.labels.index_of(&self.period.point(at));
        self.spans.insert(from, (until, index));
        self.last = (from, until, index);
        index
    }
}

/// The value at an index of a list that grows as needed.
fn at_index<T: Default>(list: &mut Vec<T>, index: usize) -> &mut T {
    if list.len() <= index {
        list.resize_with(index + 1, T::default);
    }
    &mut list[index]
}

/// Counts by index; the end replaces the indices by their labels.
#[derive(Default)]
struct Counts {
    intents: Vec<u64>,
    sentiments: Vec<u64>,
    /// By point, then by sentiment.
    sentiment_points: Vec<Vec<u64>>,
    session_points: Vec<u64>,
    response_points: Vec<Vec<u64>>,
}

/// Counts messages. They must come customer by customer, each customer's in their order.
pub struct ConversationCounter<'a> {
    period: &'a Period,
    today: Timestamp,
    raised: HashMap<String, Vec<Timestamp>>,
    stats: ConversationStats,
    counts: Counts,
    points: PointIndex<'a>,
    intents: LabelIndex,
    sentiments: LabelIndex,
    user: String,
    /// Customers with a session in the period, and how their sessions ended, by their place.
    names: Vec<Box<str>>,
    ended: BTreeMap<Outcome, Vec<(Timestamp, usize)>>,
    session: Option<Session>,
    turn: Option<u64>,
    wrote: bool,
    wrote_today: bool,
}

impl<'a> ConversationCounter<'a> {
    /// For a period, with the times at which alerts were raised by customer.
    pub fn new(period: &'a Period, raised: HashMap<String, Vec<Timestamp>>) -> Self {
        Self {
            period,
            today: period.today(),
            raised,
            stats: ConversationStats::default(),
            counts: Counts::default(),
            points: PointIndex::new(period),
            intents: LabelIndex::default(),
            sentiments: LabelIndex::default(),
            user: String::new(),
            names: Vec::new(),
            ended: BTreeMap::new(),
            session: None,
            turn: None,
            wrote: false,
            wrote_today: false,
        }
    }

    /// Counts the next message. What is about the team's work is none: it would reopen a session, or end one with the bot's word.
    pub fn add(&mut self, row: &ConversationRow<'_>) {
        if row.intent == Some(LABEL) {
            return;
        }
        if row.user != self.user {
            self.end_customer();
            row.user.clone_into(&mut self.user);
        }
        if row.at >= self.period.until {
            return;
        }
        self.update_session(row);
        if row.role == Role::User && row.at >= self.today && !self.wrote_today {
            self.wrote_today = true;
            self.stats.users_today += 1;
        }
        if !self.period.holds(row.at) {
            return;
        }
        match row.role {
            Role::User => self.add_customer_message(row),
            Role::Assistant => self.stats.replies += 1,
            Role::Agent => self.stats.agent_messages += 1,
        }
        if let Some(degraded) = row.degraded.filter(|_| row.role == Role::Assistant) {
            self.stats.llm_replies += 1;
            self.stats.degraded += u64::from(degraded);
        }
        if let Some(taken) = row.response_ms.filter(|_| row.role == Role::Assistant) {
            self.stats.responses.push(taken);
            at_index(&mut self.counts.response_points, self.points.index_of(row.at)).push(taken);
        }
    }

    fn add_customer_message(&mut self, row: &ConversationRow<'_>) {
        self.stats.messages += 1;
        if !self.wrote {
            self.wrote = true;
            self.stats.users += 1;
        }
        if self.turn == Some(row.turn) {
            return;
        }
        self.turn = Some(row.turn);
        self.stats.turns += 1;
        if let Some(reused) = row.reused {
            self.stats.triaged += 1;
            self.stats.triage_reused += u64::from(reused);
        }
        self.stats.confidences.extend(row.intent_confidence);
        if let Some(intent) = row.intent {
            *at_index(&mut self.counts.intents, self.intents.index_of(intent)) += 1;
        }
        if let Some(sentiment) = row.sentiment {
            let index = self.sentiments.index_of(sentiment);
            *at_index(&mut self.counts.sentiments, index) += 1;
            let point = at_index(&mut self.counts.sentiment_points, self.points.index_of(row.at));
            *at_index(point, index) += 1;
        }
    }

    fn update_session(&mut self, row: &ConversationRow<'_>) {
        let customer = row.role == Role::User;
        match &mut self.session {
            Some(session) if !customer || row.at.duration_since(session.last_by_customer) < self.period.gap => {
                session.last = session.last.max(row.at);
                session.replied |= row.role == Role::Assistant;
                session.answered = !customer;
                if row.role == Role::Agent {
                    session.last_by_team = Some(row.at);
                }
                if customer {
                    session.last_by_customer = row.at;
                }
            }
            _ if customer => {
                self.end_session(Some(row.at));
                self.session = Some(Session {
                    start: row.at,
                    last: row.at,
                    last_by_customer: row.at,
                    replied: false,
                    answered: false,
                    last_by_team: None,
                });
            }
            // A message of the team before the customer's first one begins no session.
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
        let alert = raised.iter().filter(|at| **at >= session.start && before_next(**at)).min().copied();
        let handed_over = alert.is_some();
        let reopened = next.is_some_and(|next| next.duration_since(session.last) < REOPENED_WITHIN);
        let silent = self.period.until.duration_since(session.last_by_customer);
        let left = next.is_some() || silent >= self.period.gap;
        let abandoned = left && alert.is_some_and(|alert| session.last_by_team.is_none_or(|at| at < alert));
        let unanswered = !handed_over && !session.answered && (next.is_some() || silent >= ANSWER_WITHIN);
        let resolved = session.replied && session.answered && !handed_over && !reopened;
        let stats = &mut self.stats;
        stats.sessions += 1;
        stats.handed_over += u64::from(handed_over);
        stats.reopened += u64::from(reopened);
        stats.auto_resolved += u64::from(resolved);
        stats.unanswered += u64::from(unanswered);
        stats.abandoned += u64::from(abandoned);
        if self.names.last().is_none_or(|name| **name != *self.user) {
            self.names.push(self.user.as_str().into());
        }
        for (outcome, holds) in [
            (Outcome::Resolved, resolved),
            (Outcome::Unanswered, unanswered),
            (Outcome::Abandoned, abandoned),
            (Outcome::Reopened, reopened),
            (Outcome::HandedOver, handed_over),
        ] {
            if holds {
                self.ended.entry(outcome).or_default().push((session.start, self.names.len() - 1));
            }
        }
        let ended_lately = self.period.until.duration_since(session.last) < REOPENED_WITHIN;
        stats.still_open += u64::from(next.is_none() && ended_lately);
        *at_index(&mut self.counts.session_points, self.points.index_of(session.start)) += 1;
    }

    fn end_customer(&mut self) {
        self.end_session(None);
        self.turn = None;
        self.wrote = false;
        self.wrote_today = false;
    }

    /// The statistics of all messages that were added.
    pub fn finish(mut self) -> ConversationStats {
        self.end_customer();
        let Counts { intents, sentiments, sentiment_points, session_points, response_points } = self.counts;
        let by_label = |labels: &LabelIndex, counts: Vec<u64>| -> BTreeMap<String, u64> {
            labels.names.iter().cloned().zip(counts).filter(|(_, count)| *count > 0).collect()
        };
        let names = self.names;
        self.stats.ended = self.ended.into_iter().map(|(outcome, ended)| (outcome, latest(&names, ended))).collect();
        let labels = &self.points.labels;
        self.stats.intents = by_label(&self.intents, intents);
        self.stats.sentiments = by_label(&self.sentiments, sentiments);
        self.stats.session_points = by_label(labels, session_points);
        let points = labels.names.iter().cloned().zip(sentiment_points);
        let points = points.map(|(label, counts)| (label, by_label(&self.sentiments, counts)));
        self.stats.sentiment_points = points.filter(|(_, counts)| !counts.is_empty()).collect();
        let points = labels.names.iter().cloned().zip(response_points);
        self.stats.response_points = points.filter(|(_, taken)| !taken.is_empty()).collect();
        self.stats
    }
}

/// The customers with the latest sessions, each once.
fn latest(names: &[Box<str>], mut ended: Vec<(Timestamp, usize)>) -> Vec<UserId> {
    // Customers come in any order, which must not show.
    ended.sort_unstable_by(|one, other| other.0.cmp(&one.0).then_with(|| names.get(one.1).cmp(&names.get(other.1))));
    let mut seen = std::collections::HashSet::new();
    let customers = ended.into_iter().filter(|(_, place)| seen.insert(*place)).take(MAX_LISTED);
    customers.filter_map(|(_, place)| names.get(place)).map(|name| UserId::new(name.as_ref())).collect()
}

#[cfg(test)]
#[path = "conversations_tests.rs"]
mod tests;
