//! The queues of conversations: what is unassigned, mine, or waits for us, the longest wait first.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};

use super::access::Session;
use super::{Inner, PageError, layout};
use crate::domain::alert::{Alert, AlertSearch, AlertStatus};
use crate::domain::desk::{Pin, PinKind};
use crate::domain::ids::UserId;
use crate::domain::message::{ChatMessage, Role};
use crate::domain::rating;
use crate::domain::target::Deadline;
use crate::store::{AnsweredBy, Search};

/// Pending alerts that are looked at.
const MAX_READ: u32 = 500;
/// Of each customer that many messages are searched for the first that nobody answered.
pub(super) const MESSAGES: u32 = 30;
/// Customers that are looked at at the same time.
const AT_ONCE: usize = 16;
/// Conversations that are counted: more are said to be more.
pub(super) const MAX_COUNTED: u32 = 1_000;

/// A queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Queue {
    Unassigned,
    Mine,
    Waiting,
    Snoozed,
    Mentions,
    All,
    Bot,
}

impl Queue {
    /// Every queue, with its word in addresses and its name.
    pub(super) const EACH: [(Self, &'static str, &'static str); 7] = [
        (Self::Unassigned, "unassigned", "Unassigned"),
        (Self::Mine, "mine", "Mine"),
        (Self::Waiting, "waiting", "Waiting for us"),
        (Self::Snoozed, "snoozed", "Snoozed"),
        (Self::Mentions, "mentions", "Mentions"),
        (Self::All, "all", "All"),
        (Self::Bot, "bot", "Bot"),
    ];

    pub(super) fn parse(word: &str) -> Self {
        Self::EACH.iter().find(|(_, known, _)| *known == word).map_or(Self::All, |(queue, ..)| *queue)
    }

    pub(super) fn word(self) -> &'static str {
        Self::EACH.iter().find(|(queue, ..)| *queue == self).map_or("all", |(_, word, _)| word)
    }

    pub(super) fn name(self) -> &'static str {
        Self::EACH.iter().find(|(queue, ..)| *queue == self).map_or("All", |(.., name)| *name)
    }

    /// Whether it is a list of its own, and no search.
    pub(super) fn is_of_people(self) -> bool {
        !matches!(self, Self::All | Self::Bot)
    }

    /// Whether it is shown only where it holds something.
    pub(super) fn is_rare(self) -> bool {
        matches!(self, Self::Snoozed | Self::Mentions)
    }
}

/// A customer with a pending alert.
#[derive(Debug, Clone)]
pub(super) struct Case {
    pub(super) alert: Alert,
    /// Since when the customer waits for an answer; `None` where the last word was ours.
    pub(super) since: Option<Timestamp>,
    /// When the customer wrote last.
    pub(super) heard: Option<Timestamp>,
    /// Until when it is put away.
    pub(super) snoozed: Option<Timestamp>,
    /// What was promised next.
    pub(super) due: Option<Deadline>,
}

impl Case {
    /// Whether what was promised is late.
    pub(super) fn is_overdue(&self, now: Timestamp) -> bool {
        self.due.is_some_and(|due| due.at <= now)
    }
}

/// A pending alert with what was read for it: what becomes of that goes by the time, and by who looks.
struct Read {
    alert: Alert,
    since: Option<Timestamp>,
    heard: Option<Timestamp>,
    due: Option<Deadline>,
}

/// All of them, and whether there are more.
type AllRead = (Vec<Read>, bool);

/// How long what was read is kept where the store says that nothing changed: not every change has to show there.
const KEPT_FOR: SignedDuration = SignedDuration::from_secs(10);

/// What was read last, with the change token of before and when that was.
#[derive(Default)]
pub(super) struct CaseCache(Mutex<Option<(String, Timestamp, Arc<AllRead>)>>);

impl CaseCache {
    fn get(&self, token: &str, now: Timestamp) -> Option<Arc<AllRead>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = |at: Timestamp| at <= now && now.duration_since(at) < KEPT_FOR;
        kept.as_ref().filter(|(known, at, _)| known == token && fresh(*at)).map(|(.., read)| Arc::clone(read))
    }

    fn put(&self, token: String, now: Timestamp, read: &Arc<AllRead>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((token, now, Arc::clone(read)));
    }
}

/// The customers with pending alerts, the longest wait first; those who do not wait come last.
pub(super) struct Cases {
    listed: Vec<Case>,
    /// The customers of notes that mention whoever looks, the latest first.
    mentions: Vec<UserId>,
    /// When this was read.
    at: Timestamp,
    /// Whether there are more than were looked at.
    more: bool,
}

/// Since when a customer waits: the first of the messages after our last one.
pub(super) fn waits_since(messages: &[ChatMessage]) -> Option<Timestamp> {
    // What is about the team's work is no wait, and ends none.
    let of_matter = |message: &&ChatMessage| message.intent.as_deref() != Some(rating::LABEL);
    let waiting = messages.iter().rev().filter(of_matter).take_while(|message| message.role == Role::User);
    waiting.last().map(|message| message.at)
}

impl Read {
    /// How it is at a time, with what may have put it away.
    fn at(&self, now: Timestamp, snooze: Option<&Pin>) -> Case {
        let snooze = snooze.filter(|pin| pin.holds(now, self.heard, Some(self.alert.begun())));
        let snoozed = snooze.and_then(|pin| pin.until);
        Case { alert: self.alert.clone(), since: self.since, heard: self.heard, snoozed, due: self.due }
    }
}

/// When the customer wrote last, by the time of the transcript.
pub(super) fn heard<'a>(
    messages: impl IntoIterator<Item = &'a ChatMessage, IntoIter: DoubleEndedIterator>,
) -> Option<Timestamp> {
    let of_matter =
        |message: &&ChatMessage| message.role == Role::User && message.intent.as_deref() != Some(rating::LABEL);
    messages.into_iter().rev().find(of_matter).map(|message| message.at)
}

impl Cases {
    pub(super) async fn read(state: &Inner, session: &Session) -> Result<Self, PageError> {
        let (now, store) = (state.now(), state.store());
        let mentions = store.pins(PinKind::Mention, Some(session.name()), MAX_READ).await?;
        let mentions = mentions.into_iter().map(|pin| pin.user_id).collect();
        // Read each time: a pin changes no change token.
        let snoozes = store.pins(PinKind::Snooze, None, MAX_READ).await?;
        let snoozes: HashMap<UserId, Pin> = snoozes.into_iter().map(|pin| (pin.user_id.clone(), pin)).collect();
        // Before what it stands for: what changes meanwhile is read again next time.
        let token = store.change_token().await?;
        let read = if let Some(read) = state.cases.get(&token, now) {
            read
        } else {
            let read = Arc::new(Self::read_all(state).await?);
            state.cases.put(token, now, &read);
            read
        };
        let (all, more) = (&read.0, read.1);
        let mut listed: Vec<Case> = all.iter().map(|one| one.at(now, snoozes.get(&one.alert.user_id))).collect();
        listed.sort_by_key(|case| {
            // What is late comes first, the latest before.
            let late = case.due.map(|due| due.at).filter(|at| *at <= now);
            (late.is_none(), late, case.since.is_none(), case.since, case.alert.created_at)
        });
        Ok(Self { listed, mentions, at: now, more })
    }

    async fn read_all(state: &Inner) -> Result<AllRead, PageError> {
        let store = state.store();
        let pending = AlertSearch { status: Some(AlertStatus::Pending), ..AlertSearch::default() };
        let mut alerts = store.find_alerts(&pending, MAX_READ + 1).await?;
        let more = alerts.len() > MAX_READ as usize;
        alerts.truncate(MAX_READ as usize);
        alerts.retain(Alert::is_of_customer);
        let read = stream::iter(alerts)
            .map(|alert| async {
                let messages = store.recent_messages(&alert.user_id, MESSAGES).await?;
                let due = state.settings.targets.next(&alert, &messages);
                Ok::<_, PageError>(Read { since: waits_since(&messages), heard: heard(&messages), due, alert })
            })
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        Ok((read, more))
    }

    pub(super) fn of(&self, user: &UserId) -> Option<&Case> {
        self.listed.iter().find(|case| case.alert.user_id == *user)
    }

    /// Those for whom a person has to answer.
    pub(super) fn of_people(&self) -> impl Iterator<Item = &Case> {
        self.listed.iter().filter(|case| !case.alert.bot_answers)
    }

    fn holds(queue: Queue, session: &Session, case: &Case) -> bool {
        if case.snoozed.is_some() {
            return queue == Queue::Snoozed;
        }
        match queue {
            Queue::Unassigned => case.alert.handling.assignee.is_none(),
            Queue::Mine => case.alert.handling.assignee.as_deref() == Some(session.name()),
            Queue::Waiting => case.since.is_some() && !case.alert.bot_answers,
            Queue::Snoozed | Queue::Mentions | Queue::All | Queue::Bot => false,
        }
    }

    /// The customers of a queue of people, the longest wait first.
    pub(super) fn users(&self, queue: Queue, session: &Session) -> Vec<UserId> {
        if queue == Queue::Mentions {
            return self.mentions.clone();
        }
        let of = self.listed.iter().filter(|case| Self::holds(queue, session, case));
        of.map(|case| case.alert.user_id.clone()).collect()
    }

    /// When the first of those that are put away comes back, or what was promised is late.
    pub(super) fn next_back(&self) -> Option<Timestamp> {
        let now = self.at;
        let due = |case: &Case| case.due.map(|due| due.at).filter(|at| now < *at);
        self.listed.iter().flat_map(|case| [case.snoozed, due(case)]).flatten().min()
    }

    /// The customers before and after one in a queue.
    pub(super) fn neighbours(
        &self,
        queue: Queue,
        session: &Session,
        user: &UserId,
    ) -> (Option<UserId>, Option<UserId>) {
        let users = self.users(queue, session);
        let Some(place) = users.iter().position(|one| one == user) else { return (None, users.into_iter().next()) };
        let before = place.checked_sub(1).and_then(|place| users.get(place).cloned());
        (before, users.get(place + 1).cloned())
    }

    /// How many a queue holds, in words.
    pub(super) async fn count(&self, state: &Inner, queue: Queue, session: &Session) -> Result<String, PageError> {
        if queue.is_of_people() {
            let count = self.users(queue, session).len();
            return Ok(if self.more { format!("{count}+") } else { count.to_string() });
        }
        let answered_by = (queue == Queue::Bot).then_some(AnsweredBy::Bot);
        let search = Search { answered_by, ..Search::default() };
        let found = state.store().find_conversations(&search, MAX_COUNTED, state.store().search_limit()).await?;
        let count = found.users.len();
        Ok(if count >= MAX_COUNTED as usize { format!("{count}+") } else { count.to_string() })
    }
}

/// What was promised next, with the time that is left or was lost.
pub(super) fn deadline(state: &Inner, due: Option<Deadline>) -> Markup {
    let late = due.is_some_and(|due| due.at <= state.now());
    html! {
        @if let Some(due) = due {
            span.chip.due.high[late] {
                (due.aim.as_str()) @if late { " overdue" } @else { " due" }
                // Lists have room for the word alone.
                span.since[late] { @if late { " since" } " " (layout::time(due.at, &state.settings.zone)) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::message::Basis;

    #[test]
    fn a_customer_waits_since_the_first_message_that_nobody_answered() {
        let said = |role, second| ChatMessage {
            user_id: UserId::new("1"),
            role,
            text: "hello".to_owned(),
            at: Timestamp::from_second(second).unwrap(),
            turn: 1,
            intent: None,
            sentiment: None,
            response_ms: None,
            basis: Basis::default(),
        };
        let since = |messages: &[ChatMessage]| waits_since(messages).map(Timestamp::as_second);
        assert_eq!(since(&[]), None);
        assert_eq!(since(&[said(Role::User, 1), said(Role::User, 2)]), Some(1));
        assert_eq!(since(&[said(Role::User, 1), said(Role::Assistant, 2)]), None);
        let again = [said(Role::User, 1), said(Role::Agent, 2), said(Role::User, 3), said(Role::User, 4)];
        assert_eq!(since(&again), Some(3));
        let about = |message| ChatMessage { intent: Some(rating::LABEL.to_owned()), ..message };
        let asked = [said(Role::User, 1), about(said(Role::User, 2)), about(said(Role::Assistant, 3))];
        assert_eq!(since(&asked), Some(1), "thanks for a rating answer no question");
        assert_eq!(since(&[said(Role::Agent, 1), about(said(Role::User, 2))]), None, "and a rating is none");
        assert_eq!(heard(&asked), Some(Timestamp::from_second(1).unwrap()));
    }

    #[test]
    fn queues_have_words() {
        for (queue, word, _) in Queue::EACH {
            assert_eq!((Queue::parse(word), queue.word()), (queue, word));
        }
        assert_eq!(Queue::parse("else"), Queue::All);
    }
}
