//! The queues of conversations: what is unassigned, mine, or waits for us, the longest wait first.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;

use super::access::Session;
use super::{Inner, PageError};
use crate::domain::alert::{Alert, AlertSearch, AlertStatus};
use crate::domain::ids::UserId;
use crate::domain::message::{ChatMessage, Role};
use crate::store::{AnsweredBy, Search};

/// Pending alerts that are looked at.
const MAX_READ: u32 = 500;
/// Of each customer that many messages are searched for the first that nobody answered.
const MESSAGES: u32 = 30;
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
    All,
    Bot,
}

impl Queue {
    /// Every queue, with its word in addresses and its name.
    pub(super) const EACH: [(Self, &'static str, &'static str); 5] = [
        (Self::Unassigned, "unassigned", "Unassigned"),
        (Self::Mine, "mine", "Mine"),
        (Self::Waiting, "waiting", "Waiting for us"),
        (Self::All, "all", "All"),
        (Self::Bot, "bot", "Bot"),
    ];

    pub(super) fn parse(word: &str) -> Self {
        Self::EACH.iter().find(|(_, known, _)| *known == word).map_or(Self::All, |(queue, ..)| *queue)
    }

    pub(super) fn word(self) -> &'static str {
        Self::EACH.iter().find(|(queue, ..)| *queue == self).map_or("all", |(_, word, _)| word)
    }

    /// Whether it holds only customers with a pending alert.
    pub(super) fn is_of_people(self) -> bool {
        matches!(self, Self::Unassigned | Self::Mine | Self::Waiting)
    }
}

/// A customer with a pending alert.
#[derive(Debug, Clone)]
pub(super) struct Case {
    pub(super) alert: Alert,
    /// Since when the customer waits for an answer; `None` where the last word was ours.
    pub(super) since: Option<Timestamp>,
}

/// The customers with pending alerts, the longest wait first; those who do not wait come last.
pub(super) struct Cases {
    cases: Vec<Case>,
    /// Whether there are more than were looked at.
    more: bool,
}

/// Since when a customer waits: the first of the messages after our last one.
pub(super) fn waits_since(messages: &[ChatMessage]) -> Option<Timestamp> {
    let after = messages.iter().rposition(|message| message.role != Role::User).map_or(0, |place| place + 1);
    messages.get(after).map(|message| message.at)
}

impl Cases {
    pub(super) async fn read(state: &Inner) -> Result<Self, PageError> {
        let pending = AlertSearch { status: Some(AlertStatus::Pending), ..AlertSearch::default() };
        let mut alerts = state.store().find_alerts(&pending, MAX_READ + 1).await?;
        let more = alerts.len() > MAX_READ as usize;
        alerts.truncate(MAX_READ as usize);
        alerts.retain(Alert::is_of_customer);
        let mut cases: Vec<Case> = stream::iter(alerts)
            .map(|alert| async move {
                let messages = state.store().recent_messages(&alert.user_id, MESSAGES).await?;
                Ok::<_, PageError>(Case { since: waits_since(&messages), alert })
            })
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        cases.sort_by_key(|case| (case.since.is_none(), case.since, case.alert.created_at));
        Ok(Self { cases, more })
    }

    pub(super) fn of(&self, user: &UserId) -> Option<&Case> {
        self.cases.iter().find(|case| case.alert.user_id == *user)
    }

    fn holds(queue: Queue, session: &Session, case: &Case) -> bool {
        match queue {
            Queue::Unassigned => case.alert.handling.assignee.is_none(),
            Queue::Mine => case.alert.handling.assignee.as_deref() == Some(session.name()),
            Queue::Waiting => case.since.is_some() && !case.alert.bot_answers,
            Queue::All | Queue::Bot => false,
        }
    }

    /// The customers of a queue of people, the longest wait first.
    pub(super) fn users(&self, queue: Queue, session: &Session) -> Vec<UserId> {
        let of = self.cases.iter().filter(|case| Self::holds(queue, session, case));
        of.map(|case| case.alert.user_id.clone()).collect()
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
    }

    #[test]
    fn queues_have_words() {
        for (queue, word, _) in Queue::EACH {
            assert_eq!((Queue::parse(word), queue.word()), (queue, word));
        }
        assert_eq!(Queue::parse("else"), Queue::All);
    }
}
