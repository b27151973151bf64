//! The team: who is on, what each of them has and did, and what customers say of it. Beside it alerts are assigned and made urgent.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use axum::extract::{Extension, RawQuery, State};
use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};

use super::access::Session;
use super::forms::Fields;
use super::queues::Cases;
use super::{AppState, PageError, layout, pages};
use crate::domain::alert::Handled;
use crate::domain::desk::EntryKind;
use crate::domain::rating::{Rating, Score};
use crate::support::duty;

/// How often alerts are looked at that are to be assigned, or wait too long.
const PAUSE: Duration = Duration::from_secs(10);
/// Resolved alerts, and answers of customers, that are counted.
const MAX_READ: u32 = 20_000;

/// Assigns alerts and makes those urgent that wait too long, where the settings want that, until the server ends.
pub(super) fn watch(state: &AppState) {
    let settings = &state.settings;
    if !settings.round_robin && settings.targets.are_none() {
        return;
    }
    let state = state.clone();
    tokio::spawn(async move {
        loop {
            tokio::select! {
                () = state.settings.stop.cancelled() => return,
                () = tokio::time::sleep(PAUSE) => {}
            }
            let (store, now) = (state.store(), state.now());
            state.settings.access.read_added(store, false).await;
            let looked = async {
                if state.settings.round_robin {
                    let members = state.settings.access.members();
                    let members: Vec<&str> = members.iter().map(String::as_str).collect();
                    duty::assign_new(store, &members, now).await?;
                }
                duty::raise_overdue(store, &state.settings.targets, now).await
            };
            if let Err(error) = looked.await {
                tracing::warn!(%error, "alerts cannot be looked at at the moment");
            }
        }
    });
}

/// What one member has and did.
#[derive(Debug, Default)]
struct Figures {
    assigned: usize,
    overdue: usize,
    resolved: Vec<SignedDuration>,
    taken: Vec<SignedDuration>,
    asked: usize,
    scores: [usize; 3],
}

impl Figures {
    fn add(&mut self, handled: &Handled) {
        self.resolved.push(handled.resolved_at.duration_since(handled.created_at));
        self.taken.extend(handled.claimed_at.map(|claimed| claimed.duration_since(handled.created_at)));
    }

    fn rate(&mut self, rating: &Rating) {
        self.asked += 1;
        if let Some(score) = rating.score {
            let place = Score::ALL.iter().position(|known| *known == score).unwrap_or_default();
            if let Some(count) = self.scores.get_mut(place) {
                *count += 1;
            }
        }
    }

    fn row(&self, name: &str, state: &str) -> Markup {
        let [good, fair, bad] = self.scores;
        let answered = good + fair + bad;
        html! {
            tr data-key=(name) {
                th scope="row" { (name) @if !state.is_empty() { " " span.chip { (state) } } }
                td.n { (self.assigned) }
                td.n { @if self.overdue > 0 { span.chip.high { (self.overdue) } } @else { "0" } }
                td.n { (self.resolved.len()) }
                td.n { (shown(median(&self.taken))) }
                td.n { (shown(median(&self.resolved))) }
                td.n { (good) " / " (fair) " / " (bad) }
                td.n { @if answered > 0 { (good * 100 / answered) " % of " (answered) } @else { "–" } }
            }
        }
    }
}

fn median(times: &[SignedDuration]) -> Option<SignedDuration> {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied()
}

fn shown(time: Option<SignedDuration>) -> String {
    let Some(time) = time else { return "–".to_owned() };
    let minutes = time.as_mins();
    match (minutes / (24 * 60), minutes / 60) {
        (0, 0) => format!("{minutes} min"),
        (0, hours) => format!("{hours} h {} min", minutes % 60),
        (days, hours) => format!("{days} d {} h", hours % 24),
    }
}

pub(super) async fn page(
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
    RawQuery(query): RawQuery,
) -> Result<Markup, PageError> {
    let fields = Fields::read(&query.unwrap_or_default());
    let range = pages::range(&fields)?;
    let (store, now) = (state.store(), state.now());
    let period = range.period(now, &state.settings.zone, state.settings.gap);
    let is_within = |at: Timestamp| period.from.is_none_or(|from| from <= at) && at < period.until;
    let away: HashSet<String> = store.entries(EntryKind::Away, None).await?.into_iter().map(|one| one.owner).collect();
    let mut of: BTreeMap<String, Figures> = BTreeMap::new();
    let mut all = Figures::default();
    for name in state.settings.access.members() {
        of.entry(name).or_default();
    }
    for case in Cases::read(&state, &session).await?.of_people() {
        let overdue = usize::from(case.is_overdue(now));
        all.overdue += overdue;
        if let Some(name) = &case.alert.handling.assignee {
            let one = of.entry(name.clone()).or_default();
            one.assigned += 1;
            one.overdue += overdue;
            all.assigned += 1;
        }
    }
    for handled in store.handled_alerts(period.from, MAX_READ).await? {
        if is_within(handled.resolved_at) {
            all.add(&handled);
            if let Some(name) = &handled.by {
                of.entry(name.clone()).or_default().add(&handled);
            }
        }
    }
    for rating in store.ratings(period.from.unwrap_or(Timestamp::MIN), MAX_READ).await? {
        if is_within(rating.asked_at) {
            all.rate(&rating);
            of.entry(rating.agent.clone()).or_default().rate(&rating);
        }
    }
    let is_away = away.contains(session.name());
    let main = html! {
        div.heading {
            h1 { "Team" }
            p.about { "who is on, and what was done in this time" }
            (pages::ranges("/team", &range, None))
        }
        (layout::notice(&fields))
        @if session.may_change() && session.logged_in {
            form.act #duty method="post" action="/team/away" {
                (layout::csrf(&session))
                input type="hidden" name="state" value=(if is_away { "on" } else { "away" });
                p { @if is_away { "You are away." } @else { "You are on." } }
                button.second type="submit" { @if is_away { "I am back" } @else { "I am away" } }
            }
        }
        div.card.scroll tabindex="0" role="region" aria-label="Members" {
            table {
                thead {
                    tr {
                        th scope="col" { "Member" }
                        @for name in ["Assigned now", "Overdue now", "Resolved", "Taken after", "Resolved after", "Good / so-so / not", "Satisfied"] {
                            th.n scope="col" { (name) }
                        }
                    }
                }
                tbody {
                    @for (name, figures) in &of { (figures.row(name, if away.contains(name) { "away" } else { "" })) }
                    (all.row("Everybody", ""))
                }
            }
        }
        p.note { "Times are medians, from the moment that a person was asked for. " (promised(&state)) }
        @if all.asked > 0 { p.note { (all.asked) " customers were asked how the team did." } }
    };
    Ok(layout::page("/team", "Team", &session, state.pending().await?, &main))
}

/// What customers are promised, in words.
fn promised(state: &AppState) -> String {
    let targets = &state.settings.targets;
    let one =
        |what: &str, time: Option<SignedDuration>| time.map(|time| format!("{what} within {}", shown(Some(time))));
    let all: Vec<String> = [one("a first reply", targets.first_reply), one("a resolution", targets.resolution)]
        .into_iter()
        .flatten()
        .collect();
    if all.is_empty() {
        "Nothing is promised ([team] first_reply_minutes, resolve_hours).".to_owned()
    } else {
        format!("Promised: {}.", all.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_as_people_say_them() {
        let minutes = |count| Some(SignedDuration::from_mins(count));
        for (time, text) in
            [(None, "–"), (minutes(7), "7 min"), (minutes(125), "2 h 5 min"), (minutes(3_000), "2 d 2 h")]
        {
            assert_eq!(shown(time), text);
        }
        let times = [9, 1, 5].map(SignedDuration::from_mins);
        assert_eq!((median(&times), median(&[])), (minutes(5), None));
    }
}
