//! What needs somebody now, at the top of the overview: each number leads to what it counts.

use maud::{Markup, html};

use super::access::Session;
use super::queues::{Cases, Queue};
use super::{AppState, PageError};
use crate::domain::refund::RefundState;

/// What is counted beside conversations; more are said to be more.
const MAX_COUNTED: u32 = 100;

pub(super) async fn section(state: &AppState, session: &Session) -> Result<Markup, PageError> {
    let (store, now) = (state.store(), state.now());
    let cases = Cases::read(state, session).await?;
    let count = |queue: Queue| cases.users(queue, session).len();
    let overdue = cases.of_people().filter(|case| case.snoozed.is_none() && case.is_overdue(now)).count();
    let failed = store.refunds_in(&[RefundState::Failed], MAX_COUNTED).await?.len();
    let tasks = store.actions(true, MAX_COUNTED).await?.len();
    let counted = [
        (overdue, "overdue", "/conversations?queue=waiting"),
        (count(Queue::Unassigned), "unassigned", "/conversations?queue=unassigned"),
        (count(Queue::Waiting), "waiting for us", "/conversations?queue=waiting"),
        (count(Queue::Mine), "mine", "/conversations?queue=mine"),
        (count(Queue::Mentions), "mention you", "/conversations?queue=mentions"),
        (failed, "failed refunds", "/alerts?q=refund"),
        (tasks, "to do for orders", "/conversations#tasks"),
    ];
    let shown: Vec<_> = counted.into_iter().filter(|(count, ..)| *count > 0).collect();
    let most = MAX_COUNTED as usize;
    Ok(html! {
        section #now aria-label="What needs somebody now" {
            @if shown.is_empty() { p.note { "Nothing needs you now." } }
            @else {
                ul.now {
                    @for (count, what, address) in &shown {
                        li data-key=(what) {
                            a.urgent[*what == "overdue" || *what == "failed refunds"] href=(address) {
                                strong { (count) @if *count >= most && what.ends_with('s') { "+" } } " " (what)
                            }
                        }
                    }
                }
            }
        }
    })
}
