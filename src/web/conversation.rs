//! One conversation: its messages, what was done in it, the notes of the team, and its forms.

use axum::extract::{Extension, RawQuery, State};
use axum::response::Redirect;
use maud::{Markup, html};

use super::access::Session;
use super::actions::{self, Outcome, Rules};
use super::canned::{self, has_gap};
use super::composer::Composer;
use super::conversations;
use super::customer::Customer;
use super::drafts::{self, Drafts};
use super::forms::{Fields, encode};
use super::labels::Labelling;
use super::pins::Pins;
use super::queues::{self, Cases, Queue};
use super::search::{hits, marked};
use super::{AppState, PageError, alerts, layout, media, suggestion, templates, tool_calls};
use crate::domain::alert::Alert;
use crate::domain::desk::{Note, mentions};
use crate::domain::ids::UserId;
use crate::domain::media::MediaFile;
use crate::domain::message::{ChatMessage, Role};
use crate::domain::outgoing::{Delivery, Outgoing, Receipt};
use crate::insights::{self, ConversationView, Turn};
use crate::support::{desk, rating};

/// Internal notes that are shown.
const MAX_NOTES: u32 = 200;
/// The furthest page of earlier messages.
const MAX_PAGE: u32 = 100;

pub(super) fn tone(sentiment: &str) -> &'static str {
    match sentiment {
        "negative" => "high",
        "positive" => "good",
        _ => "plain",
    }
}

pub(super) fn who(role: Role) -> &'static str {
    match role {
        Role::User => "Customer",
        Role::Assistant => "Bot",
        Role::Agent => "Team",
    }
}

/// The address of a conversation; within a queue it leads on through that.
pub(super) fn address(user: &UserId, queue: Queue) -> String {
    let more = if queue.is_of_people() { format!("&queue={}", queue.word()) } else { String::new() };
    format!("/conversation?user={}{more}", encode(user.as_str()))
}

pub(super) async fn view(
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
    RawQuery(query): RawQuery,
) -> Result<Markup, PageError> {
    let fields = Fields::read(&query.unwrap_or_default());
    let user = UserId::new(fields.some("user").ok_or(PageError::NotFound)?);
    let page = fields.get("page").parse::<u32>().unwrap_or(1).clamp(1, MAX_PAGE);
    let talk = insights::view(state.store(), &user, page).await?.ok_or(PageError::NotFound)?;
    let labels = Labelling::of(&state, &session, &talk).await;
    let notes = state.store().notes_of(&user, MAX_NOTES).await?;
    let drafts = Drafts::of(&state, &session).await?;
    let queue = Queue::parse(fields.get("queue"));
    let cases = Cases::read(&state, &session).await?;
    let (before, after) = if queue.is_of_people() { cases.neighbours(queue, &session, &user) } else { (None, None) };
    let listed = conversations::beside(&state, &session, (queue, &cases), (&user, &drafts)).await?;
    let pins = Pins::of(&state, &user).await?;
    let of_people = talk.alert.as_ref().is_some_and(|alert| !alert.bot_answers);
    let heard = queues::heard(&state.store().recent_messages(&user, queues::MESSAGES).await?);
    let begun = talk.alert.as_ref().map(Alert::begun);
    let pinned = pins.card(&state, &session, &user, (of_people, heard, begun)).await?;
    let customer = Customer::read(&state, &talk).await?;
    let known = customer.known(&talk);
    let said: Vec<ChatMessage> = talk.turns.iter().flat_map(|turn| turn.said.iter().cloned()).collect();
    let due = talk.alert.as_ref().and_then(|alert| state.settings.targets.next(alert, &said));
    let suggested = suggestion::of(&state, &talk).await;
    let suggested = suggested.as_ref();
    let replies = canned::all(&state).await?;
    let composer = Composer {
        state: &state,
        session: &session,
        talk: &talk,
        drafts: &drafts,
        queue,
        known,
        due,
        suggested,
        replies: &replies,
    };
    let files = media::Shown::of(&state, &user).await?;
    let chat = Chat { state: &state, labels: &labels, files: &files, wanted: fields.get("q") };
    let evidence = match &talk.alert {
        Some(alert) => media::of_alert(&state, alert).await?,
        None => Vec::new(),
    };
    let main = html! {
        div.heading {
            p.back {
                a href=(format!("/conversations?queue={}", queue.word())) { "← Conversations" }
                @if let Some(before) = &before { " · " a rel="prev" href=(address(before, queue)) { "Previous" } }
                @if let Some(after) = &after { " · " a rel="next" href=(address(after, queue)) { "Next" } }
                a.to-customer href="#beside" { "Customer ↓" }
            }
            h1 { (user.as_str()) }
            p.about {
                @if talk.alert.as_ref().is_some_and(|alert| !alert.bot_answers) { "a person answers, the bot is silent" }
                @else { "the bot answers" }
                " " (conversations::marks(talk.undelivered, talk.contact.opted_out().is_some()))
            }
        }
        (alerts::notice(&state, &fields).await?)
        (pins.asked(&state, &session, &user))
        div.desk #desk data-user=(user) {
            (listed)
            div.talking #talking {
                div.chat #chat tabindex="0" role="log" aria-label="Messages" {
                    @if page > 1 { p.note { a href=(address(&user, queue)) { "To the latest messages" } } }
                    @if talk.earlier { p.note { a href=(earlier(&user, queue, chat.wanted, page)) { "Earlier messages" } } }
                    (chat.turns(&talk, &notes))
                    @if talk.turns.is_empty() { p.nothing { "No message is stored any more." } }
                }
                button.second.small #newer type="button" hidden data-own="" { "new ↓" }
                (composer.forms())
            }
            div.beside #beside tabindex="0" role="region" aria-label="Customer" {
                (composer.alert_card(&media::links(&evidence)))
                (pinned)
                (customer.pane(&state, &talk, &notes))
            }
        }
    };
    Ok(layout::page("/conversations", user.as_str(), &session, state.pending().await?, &main))
}

/// The address of earlier messages of the same conversation.
fn earlier(user: &UserId, queue: Queue, wanted: &str, page: u32) -> String {
    let wanted = if wanted.is_empty() { String::new() } else { format!("&q={}#hit", encode(wanted)) };
    format!("{}&page={}{wanted}", address(user, queue), page + 1)
}

/// The messages of a conversation, with what was searched for marked.
struct Chat<'a> {
    state: &'a AppState,
    labels: &'a Labelling<'a>,
    files: &'a media::Shown,
    wanted: &'a str,
}

impl Chat<'_> {
    /// Turns and notes in the order of time.
    fn turns(&self, talk: &ConversationView, notes: &[Note]) -> Markup {
        let begins = |turn: &Turn| turn.said.first().map(|message| message.at);
        let mut notes = notes.iter().peekable();
        // Notes of before the messages that are shown belong to earlier ones.
        if let Some(first) = talk.turns.first().and_then(begins).filter(|_| talk.earlier) {
            while notes.next_if(|note| note.at < first).is_some() {}
        }
        // The latest message that holds what was searched for is where the page goes.
        let mut latest = talk.turns.iter().flat_map(|turn| &turn.said).rev();
        let hit = latest.find(|message| !hits(&message.text, self.wanted).is_empty());
        let mut parts = Vec::new();
        for turn in &talk.turns {
            while let Some(note) = notes.next_if(|note| begins(turn).is_some_and(|at| note.at < at)) {
                parts.push(self.note(note));
            }
            parts.push(self.turn(turn, hit));
        }
        html! {
            @for part in parts { (part) }
            @for note in notes { (self.note(note)) }
        }
    }

    fn note(&self, note: &Note) -> Markup {
        html! {
            div.bubble.internal data-key=(format!("n{}-{}", note.at.as_microsecond(), note.by)) {
                p.text { (marked(&note.text, self.wanted)) }
                p.meta { "Internal note · " (note.by) " · " (layout::time(note.at, &self.state.settings.zone)) }
            }
        }
    }

    fn turn(&self, turn: &Turn, hit: Option<&ChatMessage>) -> Markup {
        // What the customer wrote, then what was done about it, then what was answered.
        let (asked, answered): (Vec<_>, Vec<_>) = turn.said.iter().partition(|message| message.role == Role::User);
        let begun = turn.said.first().map_or(0, |message| message.at.as_microsecond());
        let is_hit = |message: &ChatMessage| hit.is_some_and(|hit| std::ptr::eq(hit, message));
        let key = |kind: &str, place: usize| format!("{kind}{}-{begun}-{place}", turn.number);
        html! {
            @for (place, message) in asked.iter().enumerate() {
                // Several files may have come in one moment.
                @let alike = |other: &&&ChatMessage| other.at == message.at && media::kind_of(other) == media::kind_of(message);
                @let file = self.files.of_message(message, asked[..place].iter().filter(alike).count());
                (self.bubble(message, (&[], file), &key("m", place), is_hit(message)))
            }
            @for (place, call) in turn.calls.iter().enumerate() { (tool_calls::shown(call, &key("c", place))) }
            @let last = answered.len().saturating_sub(1);
            @for (index, message) in answered.into_iter().enumerate() {
                // One text may be sent as several messages: the remaining ones belong to the last text.
                @let own = if index == last { turn.sent.get(index..) } else { turn.sent.get(index..=index) };
                (self.bubble(message, (own.unwrap_or_default(), self.files.of_team(message)), &key("r", index), is_hit(message)))
            }
        }
    }

    fn bubble(
        &self,
        message: &ChatMessage,
        (sent, file): (&[Outgoing], Option<&MediaFile>),
        key: &str,
        hit: bool,
    ) -> Markup {
        html! {
            div.bubble.(message.role.as_str()) data-key=(key) id=[hit.then_some("hit")] {
                p.text { (marked(&message.text, self.wanted)) }
                @if let Some(file) = file { (media::shown(file, &message.text)) }
                p.meta {
                    (who(message.role)) " · " (layout::time(message.at, &self.state.settings.zone))
                    // A reply has the labels of what it answers.
                    @if message.role == Role::User {
                        @if let Some(intent) = &message.intent { " · " span.chip { (layout::in_words(intent)) } }
                        @if let Some(sentiment) = message.sentiment.as_deref().filter(|sentiment| *sentiment != conversations::NEUTRAL) {
                            " " span.chip.(tone(sentiment)) { (sentiment) }
                        }
                    }
                    @if let Some(taken) = message.response_ms { " · after " (insights::Unit::Milliseconds.show(Some(milliseconds(taken)))) }
                    @if let Some(sent) = sent.iter().min_by_key(|sent| progress(sent)) { " · " (delivery_state(sent)) }
                }
                @if let Some(error) = sent.iter().find(|sent| progress(sent).0 == 0).and_then(|sent| sent.error.as_deref()) {
                    p.note { "Not delivered: " (error) }
                }
                (self.labels.menu(message))
            }
        }
    }
}

/// The order of delivery states: those that will not arrive first, then by progress.
fn progress(sent: &Outgoing) -> (u8, Option<Receipt>) {
    let state = match (sent.state, sent.receipt) {
        (Delivery::Parked, _) | (_, Some(Receipt::Failed | Receipt::Deleted)) => 0,
        (Delivery::Queued | Delivery::Sending, _) => 1,
        (Delivery::Sent, _) => 2,
    };
    (state, sent.receipt)
}

/// The delivery state of a message, with the ticks that people know from their telephones.
fn delivery_state(sent: &Outgoing) -> Markup {
    let (sign, label) = match (sent.state, sent.receipt) {
        (Delivery::Parked, _) | (_, Some(Receipt::Failed)) => ("✕", "not delivered"),
        (_, Some(Receipt::Read)) => ("✓✓", "read"),
        (_, Some(Receipt::Deleted)) => ("✕", "deleted"),
        (_, Some(Receipt::Delivered)) => ("✓✓", "delivered"),
        (Delivery::Sent, _) => ("✓", "sent"),
        (Delivery::Queued | Delivery::Sending, _) => ("…", "waits to be sent"),
    };
    html! {
        span.ticks.read[label == "read"].failed[sign == "✕"] title=[sent.error.as_deref()] {
            span aria-hidden="true" { (sign) } " " (label)
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53 ms, which is 285,000 years")]
fn milliseconds(taken: u64) -> f64 {
    taken as f64
}

pub(super) fn redirect(fields: &Fields, user: &UserId, word: &str) -> Redirect {
    Redirect::to(&format!("{}&told={word}", address(user, Queue::parse(fields.get("queue")))))
}

fn user_id(fields: &Fields) -> Result<UserId, PageError> {
    fields.some("user").map(UserId::new).ok_or(PageError::BadRequest("No customer is named."))
}

/// The customer that a form names. Only known ones: a mistyped name must not begin a conversation.
pub(super) async fn known_user(state: &AppState, fields: &Fields) -> Result<UserId, PageError> {
    let user = user_id(fields)?;
    let store = state.store();
    let there = store.conversation(&user).await?.is_some() || !store.recent_messages(&user, 1).await?.is_empty();
    if there { Ok(user) } else { Err(PageError::NotFound) }
}

pub(super) async fn take_over(
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
    Extension(fields): Extension<Fields>,
) -> Result<Redirect, PageError> {
    let user = known_user(&state, &fields).await?;
    let outcome = actions::take_over(state.store(), &session.actor(state.now()), &user).await?;
    Ok(redirect(&fields, &user, outcome.word()))
}

pub(super) async fn reply(
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
    Extension(fields): Extension<Fields>,
) -> Result<Redirect, PageError> {
    let (user, text) = (user_id(&fields)?, fields.get("text"));
    let rules = Rules { limits: &state.settings.limits, template: state.settings.template.as_ref() };
    let actor = session.actor(state.now());
    // What is refused stays a draft: nobody has to write it twice. A reply that was begun is no part of a template.
    let (field, typed) = match templates::typed(&fields) {
        Some(typed) => (templates::DRAFT, typed),
        None => ("reply", text.to_owned()),
    };
    let outcome = match templates::chosen(&state, &fields).await {
        Ok(Some((body, shown))) => actions::reply_with(state.store(), &actor, &user, (&shown, body), rules).await?,
        Ok(None) if has_gap(text) => Outcome::Unfilled,
        Ok(None) => actions::reply(state.store(), &actor, &user, text, rules).await?,
        Err(refused) => {
            drafts::keep(&state, &session, &user, field, &typed).await?;
            return Err(refused);
        }
    };
    let left = if outcome == Outcome::Queued { "" } else { typed.as_str() };
    drafts::keep(&state, &session, &user, field, left).await?;
    Ok(redirect(&fields, &user, outcome.word()))
}

pub(super) async fn note(
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
    Extension(fields): Extension<Fields>,
) -> Result<Redirect, PageError> {
    let user = known_user(&state, &fields).await?;
    let text = fields.get("note");
    let actor = session.actor(state.now());
    let outcome = actions::note(state.store(), &actor, &user, text, state.settings.limits.text).await?;
    if outcome == Outcome::Noted {
        let members = state.settings.access.members();
        let members: Vec<&str> = members.iter().map(String::as_str).collect();
        desk::mention(state.store(), &actor, &user, &mentions(text, &members)).await?;
    }
    let left = if outcome == Outcome::Noted { "" } else { text };
    drafts::keep(&state, &session, &user, "note", left).await?;
    Ok(redirect(&fields, &user, outcome.word()))
}

pub(super) async fn return_to_bot(
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
    Extension(fields): Extension<Fields>,
) -> Result<Redirect, PageError> {
    let user = user_id(&fields)?;
    let pending = state.store().pending_alert(&user).await?;
    let outcome = actions::give_back(state.store(), &session.actor(state.now()), &user, fields.get("note")).await?;
    if outcome == Outcome::Returned {
        if let Some(alert) = pending.filter(|_| state.settings.ask_rating) {
            rating::ask(state.store(), &state.settings.limits, &alert.id, state.now()).await?;
        }
        drafts::keep(&state, &session, &user, "return", "").await?;
    }
    Ok(redirect(&fields, &user, outcome.word()))
}
