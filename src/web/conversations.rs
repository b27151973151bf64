//! The list of conversations: queues with the longest wait first, a search that leads to what it found, and pages.

use std::collections::{BTreeSet, HashSet};

use axum::extract::{Extension, RawQuery, State};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use maud::{Markup, html};

use super::access::Session;
use super::conversation::{address, tone, who};
use super::drafts::Drafts;
use super::forms::{Fields, encode};
use super::pins::{self, Pins};
use super::queues::{Cases, MAX_COUNTED, Queue, deadline};
use super::search::{around, hits, marked, number};
use super::{AppState, Inner, PageError, alerts, layout, tasks, views};
use crate::domain::desk::PinKind;
use crate::domain::ids::{OrderId, UserId};
use crate::domain::message::{ChatMessage, Role};
use crate::domain::stats::Outcome;
use crate::domain::target::Deadline;
use crate::domain::words::excerpt;
use crate::insights::{ConversationSummary, MAX_MESSAGES};
use crate::store::{AnsweredBy, Search};

/// The sentiments that triage gives.
const SENTIMENTS: [&str; 3] = ["positive", "neutral", "negative"];
/// What most messages are, so that nothing is said of it.
pub(super) const NEUTRAL: &str = "neutral";
/// Conversations beside an open one.
const BESIDE: usize = 30;
/// Conversations on a page.
const MAX_SHOWN: usize = 50;
/// The furthest page.
const MAX_PAGE: usize = 200;
/// Messages of a conversation that are searched for the one that was found.
const HIT_REACH: u32 = 3 * MAX_MESSAGES;
/// Customers that are looked at at the same time.
const AT_ONCE: usize = 16;
/// The filters, as parameters of the address.
const FILTERS: [&str; 13] =
    ["queue", "outcome", "tag", "q", "user", "order", "intent", "sentiment", "mode", "only", "range", "from", "to"];

fn search(state: &AppState, fields: &Fields, queue: Queue) -> Result<Search, PageError> {
    let times = ["range", "from", "to"].iter().any(|name| fields.some(name).is_some());
    let period = if times {
        let range = super::pages::range(fields)?;
        Some(range.period(state.now(), &state.settings.zone, state.settings.gap))
    } else {
        None
    };
    let user = fields.get("user");
    Ok(Search {
        text: fields.get("q").to_owned(),
        user: number(user).unwrap_or_else(|| user.to_owned()),
        order: fields.some("order").map(OrderId::new),
        intent: fields.some("intent").map(str::to_owned),
        sentiment: fields.some("sentiment").map(str::to_owned),
        answered_by: match fields.get("mode") {
            "bot" => Some(AnsweredBy::Bot),
            "person" => Some(AnsweredBy::Person),
            _ if queue == Queue::Bot => Some(AnsweredBy::Bot),
            _ if queue.is_of_people() && queue != Queue::Mentions => Some(AnsweredBy::Person),
            _ => None,
        },
        undelivered: fields.get("only") == "undelivered",
        opted_out: fields.get("only") == "opted_out",
        from: period.as_ref().and_then(|period| period.from),
        until: earlier(period.map(|period| period.until), fields.some("before").and_then(|text| text.parse().ok())),
    })
}

/// The earlier of two times, where there are two.
fn earlier(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// Customers that fit, and before when messages were not searched. What may be a telephone number also finds customers by it,
/// in whatever way it is written; they come first.
async fn find(state: &Inner, search: &Search, limit: u32) -> Result<(Vec<UserId>, Option<Timestamp>), PageError> {
    let store = state.store();
    let found = store.find_conversations(search, limit, store.search_limit()).await?;
    let Some(number) = number(&search.text).filter(|_| search.user.is_empty()) else {
        return Ok((found.users, found.unsearched_before));
    };
    let named = Search { text: String::new(), user: number, ..search.clone() };
    let named = store.find_conversations(&named, limit, store.search_limit()).await?;
    let mut seen = HashSet::new();
    let mut users = named.users;
    users.extend(found.users);
    users.retain(|user| seen.insert(user.clone()));
    users.truncate(limit as usize);
    Ok((users, found.unsearched_before))
}

/// The customers of a page of the list, whether there are more, and before when messages were not searched.
struct Listed {
    users: Vec<UserId>,
    more: bool,
    unsearched: Option<Timestamp>,
}

async fn listed(
    state: &AppState,
    session: &Session,
    fields: &Fields,
    (queue, cases): (Queue, &Cases),
    (page, shown): (usize, usize),
) -> Result<Listed, PageError> {
    let search = search(state, fields, queue)?;
    let has = |name: &&str| fields.some(name).is_some();
    let filtered = FILTERS.iter().any(|name| !["queue", "outcome", "tag"].contains(name) && has(name));
    let limit = u32::try_from(page * shown + 1).unwrap_or(u32::MAX);
    let tagged = match fields.some("tag") {
        Some(tag) => Some(state.store().pins(PinKind::Tag, Some(tag), MAX_COUNTED).await?),
        None => None,
    };
    // Lists that are no search, the first of them in its order; the others leave out what they do not hold.
    let mut lists: Vec<Vec<UserId>> = Vec::new();
    let mut narrowed = filtered;
    if let Some(outcome) = Outcome::parse(fields.get("outcome")) {
        lists.push(ended(state, fields, outcome).await?);
        // The time is that of the sessions.
        narrowed = ["q", "user", "order", "intent", "sentiment", "mode", "only"].iter().any(has);
    }
    if queue.is_of_people() {
        lists.push(cases.users(queue, session));
    }
    lists.extend(tagged.map(|pins| pins.into_iter().map(|pin| pin.user_id).collect()));
    let (users, unsearched) = if let Some((users, others)) = lists.split_first_mut() {
        let mut users = std::mem::take(users);
        if narrowed || (others.is_empty() && queue == Queue::Bot) {
            let (found, _) = find(state, &search, MAX_COUNTED).await?;
            let found: HashSet<UserId> = found.into_iter().collect();
            users.retain(|user| found.contains(user));
        }
        for other in others {
            let other: HashSet<&UserId> = other.iter().collect();
            users.retain(|user| other.contains(user));
        }
        (users, None)
    } else {
        find(state, &search, limit).await?
    };
    let more = users.len() > page * shown;
    let users = users.into_iter().skip((page - 1) * shown).take(shown).collect();
    Ok(Listed { users, more, unsearched })
}

/// The customers whose sessions ended so in the time of the address: as the overview counts them, the latest first.
async fn ended(state: &AppState, fields: &Fields, outcome: Outcome) -> Result<Vec<UserId>, PageError> {
    let period = super::pages::range(fields)?.period(state.now(), &state.settings.zone, state.settings.gap);
    let alerts = state.store().alert_rows().await?;
    let mut stats = state.store().conversation_stats(&period, &alerts).await?;
    Ok(stats.ended.remove(&outcome).unwrap_or_default())
}

pub(super) async fn list(
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
    RawQuery(query): RawQuery,
) -> Result<Markup, PageError> {
    let fields = Fields::read(&query.unwrap_or_default());
    let queue = Queue::parse(fields.get("queue"));
    let page = fields.get("page").parse::<usize>().unwrap_or(1).clamp(1, MAX_PAGE);
    let cases = Cases::read(&state, &session).await?;
    let Listed { users, more, unsearched } =
        listed(&state, &session, &fields, (queue, &cases), (page, MAX_SHOWN)).await?;
    let talks = state.store().conversation_summaries(&users).await?;
    let rows: Vec<Row> = stream::iter(talks)
        .map(|talk| row_of(&state, &cases, talk, fields.get("q")))
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    let drafts = Drafts::of(&state, &session).await?;
    let views = views::bar(&state, &session, &fields).await?;
    let tags = pins::tags(&state).await?;
    let tasks = tasks::section(&state, &session, &fields).await?;
    let outcome = Outcome::EACH.iter().find(|(_, word, _)| *word == fields.get("outcome")).map(|(.., name)| *name);
    let order = if queue.is_of_people() { "the longest wait first" } else { "the latest first" };
    let main = html! {
        div.heading {
            h1 { "Conversations" }
            p.about { @if let Some(outcome) = outcome { (outcome) ", " } (order) }
            (queues(&state, &session, &cases, queue).await?)
        }
        (filters(&fields, queue, &tags))
        (views)
        @if rows.is_empty() { p.nothing { "No conversation fits." } }
        ul.talks #talks data-again=[cases.next_back().map(Timestamp::as_millisecond)] {
            @for row in &rows { li data-key=(row.talk.user_id) { (row.markup(&state, &session, &drafts, queue)) } }
        }
        (pages(&fields, page, more))
        @if session.may_change() { p.note { a href=(same(&fields).replacen("/conversations", "/export/conversations.csv", 1)) download="" { "As CSV" } " (2,000 conversations at most)" } }
        @if let Some(before) = unsearched {
            p.note {
                "Messages from before " (layout::time(before, &state.settings.zone)) " were not searched. "
                a href=(format!("{}before={}", same(&fields), encode(&before.to_string()))) { "Search further back" }
            }
        }
        (tasks)
    };
    Ok(layout::page("/conversations", "Conversations", &session, state.pending().await?, &main))
}

/// The list of a queue beside one of its conversations, the beginning of it.
pub(super) async fn beside(
    state: &AppState,
    session: &Session,
    (queue, cases): (Queue, &Cases),
    (open, drafts): (&UserId, &Drafts),
) -> Result<Markup, PageError> {
    let listed = listed(state, session, &Fields::default(), (queue, cases), (1, BESIDE)).await?;
    let talks = state.store().conversation_summaries(&listed.users).await?;
    let rows: Vec<Row> =
        stream::iter(talks).map(|talk| row_of(state, cases, talk, "")).buffered(AT_ONCE).try_collect().await?;
    Ok(html! {
        section.listed #listed aria-label="Conversations of this queue" {
            p.head { a href=(format!("/conversations?queue={}", queue.word())) { (queue.name()) } }
            ul {
                @for row in &rows {
                    li data-key=(row.talk.user_id) { (row.short(state, drafts, queue, row.talk.user_id == *open)) }
                }
            }
            @if listed.more { p.note { a href=(format!("/conversations?queue={}", queue.word())) { "All of them" } } }
        }
    })
}

/// The rows of a list as cells of a file, at most so many.
pub(super) async fn exported(
    state: &AppState,
    session: &Session,
    fields: &Fields,
    (queue, cases, limit): (Queue, &Cases, usize),
) -> Result<Vec<Vec<String>>, PageError> {
    let Listed { users, .. } = listed(state, session, fields, (queue, cases), (1, limit)).await?;
    let mut rows = Vec::new();
    // By pages, so that others are read in between.
    for some in users.chunks(MAX_SHOWN) {
        for talk in state.store().conversation_summaries(some).await? {
            let row = row_of(state, cases, talk, "").await?;
            rows.push(row.cells());
        }
    }
    Ok(rows)
}

/// The address of the same list, for more parameters.
fn same(fields: &Fields) -> String {
    let filters = FILTERS.iter().filter_map(|name| Some(format!("{name}={}&", encode(fields.some(name)?))));
    format!("/conversations?{}", filters.collect::<String>())
}

/// Links to the pages before and after.
fn pages(fields: &Fields, page: usize, more: bool) -> Markup {
    let before = fields.some("before").map(|before| format!("before={}&", encode(before))).unwrap_or_default();
    layout::paging(&format!("{}{before}page", same(fields)), page, more)
}

async fn queues(state: &AppState, session: &Session, cases: &Cases, chosen: Queue) -> Result<Markup, PageError> {
    let mut counted = Vec::new();
    for (queue, word, name) in Queue::EACH {
        counted.push((queue, word, name, cases.count(state, queue, session).await?));
    }
    Ok(html! {
        div.choices.queues role="group" aria-label="Queues" {
            @for (queue, word, name, count) in counted.into_iter().filter(|(queue, _, _, count)| *queue == chosen || !queue.is_rare() || count != "0") {
                a href=(format!("/conversations?queue={word}")) aria-current=[(queue == chosen).then_some("true")] {
                    (name) " " span.badge { (count) }
                }
            }
        }
    })
}

fn filters(fields: &Fields, queue: Queue, tags: &BTreeSet<String>) -> Markup {
    let mode = fields.get("mode");
    let more = ["user", "order", "tag", "intent", "sentiment", "mode", "only", "from", "to"];
    let any = more.iter().any(|name| fields.some(name).is_some());
    html! {
        form.filters method="get" action="/conversations" {
            @if let Some(outcome) = fields.some("outcome") { input type="hidden" name="outcome" value=(outcome); }
            @if let Some(range) = fields.some("range") { input type="hidden" name="range" value=(range); }
            @if queue.is_of_people() || queue == Queue::Bot { input type="hidden" name="queue" value=(queue.word()); }
            label { span.hidden { "Text or telephone number" } input type="search" name="q" value=(fields.get("q")) placeholder="Text or telephone number"; }
            button type="submit" { "Search" }
            @if !fields.is_empty() { a href="/conversations" { "All" } }
            details.more data-key="more" open[any] {
                summary { "More filters" }
                div.filters {
                    label { "Customer " input type="search" name="user" value=(fields.get("user")) size="14"; }
                    label { "Order " input type="search" name="order" value=(fields.get("order")) size="11"; }
                    @if !tags.is_empty() || fields.some("tag").is_some() {
                        label {
                            "Tag "
                            select name="tag" {
                                option value="" { "any" }
                                @for tag in tags { option value=(tag) selected[tag == fields.get("tag")] { (tag) } }
                            }
                        }
                    }
                    label { "Intent " input name="intent" value=(fields.get("intent")) size="14"; }
                    label {
                        "Sentiment "
                        select name="sentiment" {
                            option value="" { "any" }
                            @for word in SENTIMENTS {
                                option value=(word) selected[word == fields.get("sentiment")] { (word) }
                            }
                        }
                    }
                    label {
                        "Who answers "
                        select name="mode" {
                            @for (value, name) in [("", "anybody"), ("bot", "the bot"), ("person", "a person")] {
                                option value=(value) selected[value == mode] { (name) }
                            }
                        }
                    }
                    label {
                        "Only "
                        select name="only" {
                            @for (value, name) in [("", "any"), ("undelivered", "undelivered messages"), ("opted_out", "opted out")] {
                                option value=(value) selected[value == fields.get("only")] { (name) }
                            }
                        }
                    }
                    label { "From " input type="date" name="from" value=(fields.get("from")); }
                    label { "to " input type="date" name="to" value=(fields.get("to")); }
                }
            }
        }
    }
}

/// A conversation of the list.
struct Row {
    talk: ConversationSummary,
    /// Since when the customer waits for a person.
    since: Option<Timestamp>,
    /// Until when it is put away.
    snoozed: Option<Timestamp>,
    /// What was promised next.
    due: Option<Deadline>,
    pins: Pins,
    /// The latest message that holds what was searched for, and on which page of the conversation it is.
    hit: Option<(ChatMessage, usize)>,
    wanted: String,
}

async fn row_of(state: &Inner, cases: &Cases, talk: ConversationSummary, wanted: &str) -> Result<Row, PageError> {
    let case = cases.of(&talk.user_id);
    let (since, snoozed) = (case.and_then(|case| case.since), case.and_then(|case| case.snoozed));
    let due = case.and_then(|case| case.due);
    let pins = Pins::of(state, &talk.user_id).await?;
    let hit = if wanted.is_empty() {
        None
    } else {
        let messages = state.store().recent_messages(&talk.user_id, HIT_REACH).await?;
        let found = messages.into_iter().rev().enumerate().find(|(_, message)| !hits(&message.text, wanted).is_empty());
        found.map(|(place, message)| (message, place / MAX_MESSAGES as usize + 1))
    };
    Ok(Row { talk, since, snoozed, due, pins, hit, wanted: wanted.to_owned() })
}

impl Row {
    /// What a file holds of it.
    fn cells(&self) -> Vec<String> {
        let talk = &self.talk;
        let triage = talk.conversation.as_ref().and_then(|conversation| conversation.triage.as_ref());
        let assignee = talk.alert.as_ref().and_then(|alert| alert.handling.assignee.clone());
        let last = talk.last.as_ref();
        let tags: Vec<&str> = self.pins.tags().collect();
        vec![
            talk.user_id.as_str().to_owned(),
            last.map(|message| message.at.to_string()).unwrap_or_default(),
            last.map(|message| who(message.role).to_owned()).unwrap_or_default(),
            last.map(|message| message.text.clone()).unwrap_or_default(),
            triage.map(|triage| triage.intent.clone()).unwrap_or_default(),
            triage.map(|triage| triage.sentiment.clone()).unwrap_or_default(),
            assignee.unwrap_or_default(),
            tags.join(" "),
            self.since.map(|at| at.to_string()).unwrap_or_default(),
            talk.undelivered.to_string(),
            talk.opted_out.map(|at| at.to_string()).unwrap_or_default(),
        ]
    }

    /// Whether a person answers; the bot is silent then.
    fn is_of_person(&self) -> bool {
        self.talk.alert.as_ref().is_some_and(|alert| !alert.bot_answers)
    }

    /// As it stands in the list beside an open conversation: two short lines.
    fn short(&self, state: &AppState, drafts: &Drafts, queue: Queue, is_open: bool) -> Markup {
        let (talk, zone) = (&self.talk, &state.settings.zone);
        html! {
            a.near.line href=(address(&talk.user_id, queue)) aria-current=[is_open.then_some("true")] {
                strong { (talk.user_id.as_str()) }
                @if let Some(message) = &talk.last { (layout::time(message.at, zone)) }
                @if let Some(message) = &talk.last {
                    span.excerpt { @if message.role != Role::User { (who(message.role)) ": " } (excerpt(&message.text, 80)) }
                }
                @if self.since.is_some() { span.chip.high { "waits" } }
                @if self.due.is_some_and(|due| due.at <= state.now()) { span.chip.high { "overdue" } }
                @if drafts.begun(&talk.user_id) { span.chip.medium { "draft" } }
            }
        }
    }

    fn markup(&self, state: &AppState, session: &Session, drafts: &Drafts, queue: Queue) -> Markup {
        let (talk, zone) = (&self.talk, &state.settings.zone);
        let triage = talk.conversation.as_ref().and_then(|conversation| conversation.triage.as_ref());
        let mut place = address(&talk.user_id, queue);
        if let Some((_, page)) = &self.hit {
            let more = if *page > 1 { format!("&page={page}") } else { String::new() };
            place = format!("{place}&q={}{more}#hit", encode(&self.wanted));
        }
        let shown = self.hit.as_ref().map(|(message, _)| message).or(talk.last.as_ref());
        html! {
            // Who looks for one that the bot answers needs no words of this page.
            a.talk.line href=(place) data-person[self.is_of_person()] {
                span.wait { @if let Some(since) = self.since { span.hidden { "waits since " } (layout::time(since, zone)) } }
                strong { (talk.user_id.as_str()) }
                @if let Some(message) = shown {
                    @let (sign, text) = around(&message.text, &self.wanted);
                    span.excerpt {
                        @if message.role != Role::User { (who(message.role)) ": " }
                        (sign) (marked(&excerpt(text, 160), &self.wanted))
                    }
                }
                span.chips {
                    @if drafts.begun(&talk.user_id) { span.chip.medium { "draft" } }
                    (deadline(state, self.due))
                    @if let Some(until) = self.snoozed { span.chip { "until " (layout::time(until, zone)) } }
                    @for tag in self.pins.tags() { span.chip.tag { (tag) } }
                    (marks(talk.undelivered, talk.opted_out.is_some()))
                    @if let Some(alert) = &talk.alert { (alerts::assignee(session, alert)) }
                    @if let Some(triage) = triage {
                        // Most are neutral: only the others say something.
                        @if triage.sentiment != NEUTRAL { span.chip.(tone(&triage.sentiment)) { (triage.sentiment) } }
                        span.chip { (layout::in_words(&triage.intent)) }
                    }
                }
                span.when { @if let Some(message) = shown { (layout::time(message.at, zone)) } }
            }
        }
    }
}

/// What keeps messages from a customer.
pub(super) fn marks(undelivered: u64, opted_out: bool) -> Markup {
    html! {
        @if undelivered > 0 { span.chip.high { (undelivered) " undelivered" } }
        @if opted_out { span.chip.medium { "opted out" } }
    }
}
