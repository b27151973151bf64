//! What a turn makes of photos, documents and recordings: a recording is read as its words, once they are written down, and is a
//! person's to hear where they never are; a photo is thanked for, and becomes evidence for the order that was just spoken of.

use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp};

use super::parsed::ParsedMessages;
use crate::agent::TurnReport;
use crate::domain::conversation::{Conversation, Mode, WaitingFor};
use crate::domain::danger::{self, Told};
use crate::domain::ids::{AlertId, OrderId, UserId};
use crate::domain::inbound::{Content, Inbound, Media};
use crate::domain::media::MediaId;
use crate::domain::message::{ChatMessage, Role};
use crate::domain::sentences::handoff::answers_again;
use crate::domain::sentences::{Language, join, media as sentences};
use crate::store::{Claim, Result, Store};
use crate::support::handoff;
use crate::telemetry::metric;

/// How long a turn waits for the words of a recording, from its arrival on.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_secs(90);
/// How long a turn waits for a photo that may have to show what is wrong: until it is fetched, and a service has looked at it.
const LONGEST_LOOK: SignedDuration = SignedDuration::from_secs(20);
/// Files of a customer among which such a photo is looked for.
const MAX_FILES: u32 = 30;
/// When a turn looks again whether they are there.
pub(super) const LOOK_AGAIN: SignedDuration = SignedDuration::from_millis(400);
/// What a customer sent so long before an order was spoken of is evidence for it.
const RECENT: SignedDuration = SignedDuration::from_hours(24);

/// The claim with the words of its recordings in their place; `None` where some are still being written down, or a photo is fetched or
/// looked at. `hears`: somebody writes recordings down; `needs_photos`: what is wrong may have to be shown.
pub(super) async fn heard(
    store: &dyn Store,
    claim: &Claim,
    (hears, needs_photos): (bool, bool),
    now: Timestamp,
) -> Result<Option<Claim>> {
    let mut claim = claim.clone();
    // A danger that is written waits for no recording.
    let urgent = claim.messages.iter().any(|message| danger::told(message.content.text()) == Told::Surely);
    if needs_photos && !urgent && is_being_looked_at(store, &claim, now).await? {
        return Ok(None);
    }
    for message in &mut claim.messages {
        if !matches!(message.content, Content::Media { media: Media::Audio, .. }) {
            continue;
        }
        let Some(file) = store.media_file(&MediaId::of(&message.id)).await? else { continue };
        match file.transcript.filter(|words| !words.trim().is_empty()) {
            Some(text) => message.content = Content::Voice { text },
            None if hears && !urgent && file.state.is_open() && waits(message, LONGEST_WAIT, now) => return Ok(None),
            None => {}
        }
    }
    Ok(Some(claim))
}

fn waits(message: &Inbound, longest: SignedDuration, now: Timestamp) -> bool {
    now.duration_since(message.received_at) < longest
}

/// Whether it is not known yet what a photo or a video shows.
async fn is_being_looked_at(store: &dyn Store, claim: &Claim, now: Timestamp) -> Result<bool> {
    let shows =
        |message: &&Inbound| matches!(message.content, Content::Media { media: Media::Image | Media::Video, .. });
    for photo in claim.messages.iter().filter(shows).filter(|photo| waits(photo, LONGEST_LOOK, now)) {
        if store.media_file(&MediaId::of(&photo.id)).await?.is_some_and(|file| file.state.is_open()) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The orders of the photos of a customer, of late, that may show what is wrong, and what stands on photos that may name an order.
pub(super) async fn shown(
    store: &dyn Store,
    user: &UserId,
    now: Timestamp,
) -> Result<(Vec<Option<OrderId>>, Vec<String>)> {
    let since = now.saturating_sub(RECENT).unwrap_or(Timestamp::MIN);
    let mut files = store.media_of(user, MAX_FILES).await?;
    files.retain(|file| file.at >= since);
    let photos = files.iter().filter(|file| file.shows_a_fault()).map(|file| file.order_id.clone()).collect();
    Ok((photos, files.into_iter().filter_map(|file| file.seen?.reference).collect()))
}

/// The order that what a customer sends is evidence for: the one that was named last, where the customer was shown it. Where a
/// person has the conversation, and what was named before is forgotten, the one that was shown last.
pub(super) fn order_spoken_of(conversation: &Conversation, now: Timestamp) -> Option<&OrderId> {
    let shown = &conversation.known.orders;
    let last = match &conversation.mode {
        Mode::HandedOver { .. } if conversation.order_ids.is_empty() => shown.last()?,
        _ => conversation.order_ids.last()?,
    };
    (shown.contains(last) && !conversation.gap_before(now, RECENT)).then_some(last)
}

/// Makes what the customer sent lately evidence for the order that the turn is about, where either is new.
pub(super) async fn attach(
    store: &dyn Store,
    report: &TurnReport,
    parsed: &ParsedMessages,
    before: Option<&OrderId>,
    now: Timestamp,
) -> Result<()> {
    let Some(order) = order_spoken_of(&report.conversation, now) else { return Ok(()) };
    if parsed.evidence.is_empty() && before == Some(order) {
        return Ok(());
    }
    let since = now.saturating_sub(RECENT).unwrap_or(Timestamp::MIN);
    let attached = store.attach_media(&report.conversation.user_id, since, order).await?;
    if attached > 0 {
        let user = report.conversation.user_id.masked();
        tracing::info!(user, order = order.as_str(), attached, "files of a customer are evidence for an order");
    }
    Ok(())
}

/// Thanks for what was sent, before the reply; alone, it also asks what it is about, where nothing is wished or asked yet. What was
/// thanked for a moment ago is not again.
pub(super) fn thank(report: &mut TurnReport, parsed: &ParsedMessages, history: &[ChatMessage]) {
    let Some(first) = parsed.evidence.first() else { return };
    let conversation = &report.conversation;
    if conversation.mode != Mode::Bot && report.reply.is_none() {
        return;
    }
    let language = Language::of(conversation);
    let only =
        parsed.evidence.iter().all(|media| media == first).then_some(*first).filter(|_| parsed.evidence.len() == 1);
    let last = history.iter().rev().find(|message| message.role != Role::User);
    let thanked = last.is_some_and(|last| is_thanks(&last.text));
    let open = conversation.pending.is_some() || conversation.waiting_for != WaitingFor::Nothing;
    let asks = !open && !parsed.needs_person();
    let thanks = sentences::thanks(language, only);
    report.reply = match report.reply.take() {
        Some(reply) if thanked => Some(reply),
        Some(reply) => Some(format!("{thanks}\n\n{reply}")),
        None if thanked => None,
        None if asks => Some(format!("{thanks} {}", sentences::what_is_it_about(language))),
        None => Some(thanks.to_owned()),
    };
}

fn is_thanks(text: &str) -> bool {
    let kinds = [None, Some(Media::Image), Some(Media::Video), Some(Media::Document)];
    let mut said = Language::ALL.into_iter().flat_map(|language| kinds.map(|only| sentences::thanks(language, only)));
    said.any(|thanks| text.starts_with(thanks))
}

/// Asks for a person who listens to what nobody here could hear, takes up an order from the catalogue, or reads a form, and says so.
/// Where nothing was written beside it, the conversation passes to people. Beside words that the bot answers it is said once. `opens`:
/// when people answer next, where nobody does now. The alert, where one was raised.
pub(super) async fn pass_on(
    store: &dyn Store,
    claim: &Claim,
    parsed: &ParsedMessages,
    history: &[ChatMessage],
    (report, opens): (&mut TurnReport, Option<DateTime>),
    now: Timestamp,
) -> Result<Option<AlertId>> {
    if report.conversation.mode != Mode::Bot {
        return Ok(None);
    }
    let written = parsed.has_text();
    let language = Language::of(&report.conversation);
    let needs = [
        (parsed.unheard, handoff::Need::Hear, sentences::a_person_listens(language)),
        (parsed.cart, handoff::Need::Sell, sentences::a_person_takes_the_order(language)),
        (parsed.form, handoff::Need::Read, sentences::a_person_reads_the_form(language)),
    ];
    let sent = parsed.incoming.sent_text();
    let (mut raised, mut told) = (None, Vec::new());
    for (_, need, sentence) in needs.into_iter().filter(|(is_there, ..)| *is_there) {
        // They become one alert with all reasons.
        raised = Some(handoff::report_need(store, need, &claim.user_id, (&sent, written), now).await?.id);
        let said = |message: &ChatMessage| message.role == Role::Assistant && message.text.contains(sentence);
        if !(written && history.iter().any(said)) {
            told.push(sentence);
        }
    }
    let Some(alert_id) = raised else { return Ok(None) };
    let conversation = &mut report.conversation;
    if !written {
        metrics::counter!(metric::HAND_OVERS, "by" => "bot").increment(1);
        conversation.mode = Mode::HandedOver { alert_id: alert_id.clone() };
        conversation.reset_context();
        conversation.waiting_since = Some(now);
    }
    if told.is_empty() {
        return Ok(Some(alert_id));
    }
    let opens = opens.map(|at| answers_again(language, at)).unwrap_or_default();
    let told = join(told.into_iter().chain([opens.as_str()]));
    report.reply = Some(match report.reply.take() {
        Some(reply) => format!("{told}\n\n{reply}"),
        None => told,
    });
    Ok(Some(alert_id))
}
