//! What is pinned to a conversation: its tags, a snooze, and whom a note mentions.

use std::collections::BTreeSet;

use axum::extract::{Extension, State};
use axum::response::Redirect;
use jiff::civil::{DateTime, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};

use super::access::Session;
use super::conversation::{known_user, redirect};
use super::forms::{Fields, encode};
use super::{AppState, Inner, PageError, layout};
use crate::domain::desk::{LONGEST_NAME, Pin, PinKind, tag};
use crate::domain::ids::UserId;
use crate::support::desk;

/// Pins that are looked at for the tags that there are.
const MAX_READ: u32 = 1_000;
/// The hour at which a conversation comes back that was put away until another day.
const MORNING: i8 = 9;
/// The longest snooze, in days.
const MAX_DAYS: i64 = 366;
/// For how long a conversation is put away: the word in the form, and its name.
const TIMES: [(&str, &str); 4] = [
    ("1h", "for an hour"),
    ("3h", "for three hours"),
    ("tomorrow", "until tomorrow, 9:00"),
    ("monday", "until Monday, 9:00"),
];

/// When a snooze ends that begins now; `None` where the word is none, or the time is past or too far away.
fn until(word: &str, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let date = zone.to_datetime(now).date();
    let morning = |date: jiff::civil::Date| date.at(MORNING, 0, 0, 0);
    let local = match word {
        "1h" => return now.checked_add(SignedDuration::from_hours(1)).ok(),
        "3h" => return now.checked_add(SignedDuration::from_hours(3)).ok(),
        "tomorrow" => morning(date.tomorrow().ok()?),
        "monday" => morning(date.nth_weekday(1, Weekday::Monday).ok()?),
        text => text.parse::<DateTime>().ok()?,
    };
    let until = zone.to_timestamp(local).ok()?;
    let furthest = now.checked_add(SignedDuration::from_hours(24 * MAX_DAYS)).ok()?;
    (now < until && until <= furthest).then_some(until)
}

/// What is pinned to one conversation.
pub(super) struct Pins(Vec<Pin>);

impl Pins {
    pub(super) async fn of(state: &Inner, user: &UserId) -> Result<Self, PageError> {
        Ok(Self(state.store().pins_of(user).await?))
    }

    /// Its tags.
    pub(super) fn tags(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter(|pin| pin.kind == PinKind::Tag).map(|pin| pin.name.as_str())
    }

    fn snooze(&self, now: Timestamp, (heard, begun): (Option<Timestamp>, Option<Timestamp>)) -> Option<&Pin> {
        self.0.iter().find(|pin| pin.kind == PinKind::Snooze && pin.holds(now, heard, begun))
    }

    /// Who asked this member to look at it, with the button that says that they did.
    pub(super) fn asked(&self, state: &Inner, session: &Session, user: &UserId) -> Markup {
        let asked = self.0.iter().find(|pin| pin.kind == PinKind::Mention && pin.name == session.name());
        html! {
            @if let Some(pin) = asked {
                div.card.asked #asked {
                    p { strong { (pin.by) } " mentioned you " (layout::time(pin.at, &state.settings.zone)) "." }
                    @if session.may_change() { (form(session, user, "seen", &html! { button.second.small type="submit" { "Seen" } })) }
                }
            }
        }
    }

    /// The card beside a conversation. `of_people`: a person answers, so that it can be put away. `heard`, `begun`: when the customer
    /// wrote last, and since when their alert waits.
    pub(super) async fn card(
        &self,
        state: &Inner,
        session: &Session,
        user: &UserId,
        (of_people, heard, begun): (bool, Option<Timestamp>, Option<Timestamp>),
    ) -> Result<Markup, PageError> {
        let (zone, changes) = (&state.settings.zone, session.may_change());
        let snooze = self.snooze(state.now(), (heard, begun));
        let known = if changes { tags(state).await? } else { BTreeSet::new() };
        Ok(html! {
            section.card.facts #pins {
                h2 { "Tags" }
                div.chips {
                    @for tag in self.tags() {
                        span.chip.tag data-key=(tag) {
                            a href=(format!("/conversations?tag={}", encode(tag))) { (tag) }
                            @if changes {
                                (form(session, user, "untag", &html! {
                                    input type="hidden" name="tag" value=(tag);
                                    button.quiet type="submit" aria-label=(format!("Remove the tag {tag}")) { "×" }
                                }))
                            }
                        }
                    }
                    @if self.tags().next().is_none() { span.note { "None." } }
                }
                @if changes {
                    (form(session, user, "tag", &html! {
                        label { span.hidden { "Tag" } input name="tag" maxlength=(LONGEST_NAME) required list="tags" placeholder="Add a tag"; }
                        datalist #tags { @for tag in &known { option value=(tag) {} } }
                        button.second type="submit" { "Add" }
                    }))
                }
                @match snooze.and_then(|pin| Some((pin, pin.until?))) {
                    Some((pin, until)) => {
                        p.note data-again=(until.as_millisecond()) {
                            "Snoozed by " (pin.by) " until " (layout::time(until, zone)) ", or until the customer writes."
                        }
                        @if changes { (form(session, user, "wake", &html! { button.second type="submit" { "Wake it up" } })) }
                    }
                    None if changes && of_people => {
                        details.snoozing data-key="snoozing" {
                            summary { "Snooze" }
                            (form(session, user, "snooze", &html! {
                                label {
                                    span.hidden { "For how long" }
                                    select name="for" {
                                        @for (word, name) in TIMES { option value=(word) { (name) } }
                                        option value="time" { "until the time below" }
                                    }
                                }
                                label { span.hidden { "Until" } input type="datetime-local" name="until"; }
                                button.second type="submit" { "Snooze" }
                            }))
                        }
                    }
                    None => {}
                }
            }
        })
    }
}

fn form(session: &Session, user: &UserId, action: &str, inner: &Markup) -> Markup {
    html! {
        form.pin method="post" action=(format!("/conversation/{action}")) {
            (layout::csrf(session))
            input type="hidden" name="user" value=(user);
            (inner)
        }
    }
}

/// The tags that the team uses.
pub(super) async fn tags(state: &Inner) -> Result<BTreeSet<String>, PageError> {
    let pins = state.store().pins(PinKind::Tag, None, MAX_READ).await?;
    Ok(pins.into_iter().map(|pin| pin.name).collect())
}

pub(super) async fn add_tag(
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
    Extension(fields): Extension<Fields>,
) -> Result<Redirect, PageError> {
    let user = known_user(&state, &fields).await?;
    let Some(tag) = tag(fields.get("tag")) else { return Ok(redirect(&fields, &user, "notag")) };
    desk::tag(state.store(), &session.actor(state.now()), &user, &tag).await?;
    Ok(redirect(&fields, &user, "tagged"))
}

pub(super) async fn remove_tag(
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
    Extension(fields): Extension<Fields>,
) -> Result<Redirect, PageError> {
    let user = known_user(&state, &fields).await?;
    desk::untag(state.store(), &session.actor(state.now()), &user, fields.get("tag")).await?;
    Ok(redirect(&fields, &user, "untagged"))
}

pub(super) async fn snooze(
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
    Extension(fields): Extension<Fields>,
) -> Result<Redirect, PageError> {
    let user = known_user(&state, &fields).await?;
    let word = if fields.get("for") == "time" { fields.get("until") } else { fields.get("for") };
    let Some(until) = until(word, state.now(), &state.settings.zone) else {
        return Ok(redirect(&fields, &user, "notime"));
    };
    desk::snooze(state.store(), &session.actor(state.now()), &user, until).await?;
    Ok(redirect(&fields, &user, "snoozed"))
}

pub(super) async fn wake(
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
    Extension(fields): Extension<Fields>,
) -> Result<Redirect, PageError> {
    let user = known_user(&state, &fields).await?;
    desk::wake(state.store(), &session.actor(state.now()), &user).await?;
    Ok(redirect(&fields, &user, "woken"))
}

pub(super) async fn seen(
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
    Extension(fields): Extension<Fields>,
) -> Result<Redirect, PageError> {
    let user = known_user(&state, &fields).await?;
    state.store().remove_pin(&user, PinKind::Mention, session.name()).await?;
    Ok(redirect(&fields, &user, "seen"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snooze_ends_by_the_shops_clock() {
        let zone = TimeZone::get("Asia/Kolkata").unwrap();
        // A Tuesday, 23:30 in India.
        let now: Timestamp = "2026-12-01T18:00:00Z".parse().unwrap();
        let ends = |word: &str| until(word, now, &zone).map(|at| zone.to_datetime(at).to_string());
        assert_eq!(ends("1h").as_deref(), Some("2026-12-02T00:30:00"));
        assert_eq!(ends("tomorrow").as_deref(), Some("2026-12-02T09:00:00"));
        assert_eq!(ends("monday").as_deref(), Some("2026-12-07T09:00:00"));
        assert_eq!(ends("2026-12-24T10:30").as_deref(), Some("2026-12-24T10:30:00"));
        for word in ["", "soon", "2026-12-01T23:30", "2027-12-24T10:30"] {
            assert_eq!(ends(word), None, "{word}");
        }
    }
}
