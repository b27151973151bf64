//! Files of customers on pages. A picture is decoded and made anew from its pixels, so that nothing else of it reaches a browser: no
//! place where it was taken, no other file that hides in it. A recording is handed out as it is, everything else as a download; all
//! of it in a sandbox without scripts, and with the type that the content shows.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::future::try_join_all;
use maud::{Markup, html};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::customer::order_link;
use super::forms::Fields;
use super::{AppState, Inner, PageError};
use crate::domain::alert::Alert;
use crate::domain::inbound::{Media, VOICE_SIGN};
use crate::domain::media::{MediaFile, MediaId, MediaState, UNKNOWN_TYPE, extension};
use crate::domain::message::{ChatMessage, Role};
use crate::domain::picture;
use crate::support::alerts::media_of;

/// Nothing of a file runs, whatever it is.
const SANDBOX: &str = "default-src 'none'; sandbox; frame-ancestors 'none'";
/// The longest side of a picture on a page, in pixels; larger ones are made smaller.
const LONGEST_SIDE: u32 = 2_560;
/// How much of a file is read at a time.
const PART: usize = 64 * 1_024;
/// Files of a customer that are looked at for a page.
const MAX_FILES: u32 = 500;
/// Files that are linked from an alert or a task.
const MAX_LINKS: u32 = 30;

/// Pictures that are decoded at once: each may take much memory.
pub(super) struct Decoders(Arc<Semaphore>);

impl Default for Decoders {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(2)))
    }
}

/// The file with this identifier.
pub(super) async fn file(
    State(state): State<AppState>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let id = MediaId::parse(&id).ok_or(PageError::NotFound)?;
    let store = state.store();
    let file = store.media_file(&id).await?.ok_or(PageError::NotFound)?;
    let (Some(digest), Some(folder)) = (file.content(), store.media_folder()) else { return Err(PageError::NotFound) };
    let mime = file.mime.as_deref().unwrap_or(UNKNOWN_TYPE);
    let is_asked_for = Fields::read(&query.unwrap_or_default()).some("download").is_some();
    if file.is_picture() && !is_asked_for {
        let place = state.decoders.place().await.ok_or(PageError::NotFound)?;
        let content = folder.content(digest).await?.ok_or(PageError::NotFound)?;
        // Its own bytes go to no page: a browser would show them.
        let (mime, picture) = made_anew_apart(place, mime, content).await.ok_or(PageError::NotFound)?;
        return Ok((sandboxed(mime), picture).into_response());
    }
    let asks_for_part = file.is_recording() && headers.contains_key(header::RANGE);
    let content = match file.size.filter(|_| asks_for_part) {
        // Browsers ask for many.
        Some(size) => folder.opened_for_part(digest, size).await?,
        None => folder.opened(digest).await?,
    };
    let content = content.ok_or(PageError::NotFound)?;
    // A picture is handed out as nothing that a browser opens.
    let mime = if file.is_picture() { UNKNOWN_TYPE } else { mime };
    if file.is_recording() {
        return Ok(part(&headers, mime, content));
    }
    let name = format!("attachment; filename=\"{}.{}\"", id.as_str(), extension(mime));
    let length = content.1;
    let head = [(header::CONTENT_DISPOSITION, name), (header::CONTENT_LENGTH, length.to_string())];
    Ok((sandboxed(mime), head, body(content.0, length)).into_response())
}

/// What every answer with a file says.
fn sandboxed(mime: &str) -> [(header::HeaderName, String); 4] {
    [
        (header::CONTENT_TYPE, mime.to_owned()),
        (header::CONTENT_SECURITY_POLICY, SANDBOX.to_owned()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (header::ACCEPT_RANGES, if mime.starts_with("audio/") { "bytes" } else { "none" }.to_owned()),
    ]
}

/// So many bytes of a file from where it stands, a part at a time: a document of a hundred megabytes is never in memory.
fn body(file: File, length: u64) -> Body {
    let parts = futures_util::stream::unfold(Some((file, length)), |left| async move {
        let (mut file, left) = left.filter(|(_, left)| *left > 0)?;
        let read = tokio::task::spawn_blocking(move || {
            let mut part = vec![0; usize::try_from(left).unwrap_or(PART).min(PART)];
            file.read_exact(&mut part).map(|()| (part, file))
        });
        match read.await.map_err(io::Error::other).and_then(|read| read) {
            Ok((part, file)) => {
                let left = left - part.len() as u64;
                Some((Ok(part), Some((file, left))))
            }
            Err(error) => Some((Err(error), None)),
        }
    });
    Body::from_stream(parts)
}

/// A recording, or the part of it that is asked for: some browsers play nothing else.
fn part(headers: &HeaderMap, mime: &str, (mut file, length): (File, u64)) -> Response {
    let asked = headers.get(header::RANGE).and_then(|value| value.to_str().ok());
    let range = asked.and_then(|asked| asked.strip_prefix("bytes=")).and_then(|asked| range(asked, length));
    // The place is in memory of the system at once: nothing is read.
    let range = range.filter(|range| file.seek(SeekFrom::Start(range.start)).is_ok());
    let Some(range) = range else {
        return (sandboxed(mime), [(header::CONTENT_LENGTH, length.to_string())], body(file, length)).into_response();
    };
    let told = format!("bytes {}-{}/{length}", range.start, range.end - 1);
    let part = range.end - range.start;
    let head = [(header::CONTENT_RANGE, told), (header::CONTENT_LENGTH, part.to_string())];
    (StatusCode::PARTIAL_CONTENT, sandboxed(mime), head, body(file, part)).into_response()
}

/// One range of bytes such as `0-` or `-500`; `None` where it is none of a content of this length: then all of it is sent.
fn range(asked: &str, length: u64) -> Option<std::ops::Range<u64>> {
    let (from, to) = asked.trim().split_once('-')?;
    let range = match (from.parse::<u64>(), to.parse::<u64>()) {
        (Ok(from), Ok(to)) => from..to.saturating_add(1).min(length),
        (Ok(from), Err(_)) if to.is_empty() => from..length,
        (Err(_), Ok(last)) if from.is_empty() => length.saturating_sub(last)..length,
        _ => return None,
    };
    (range.start < range.end).then_some(range)
}

impl Decoders {
    /// A place among those that decode.
    async fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.0).acquire_owned().await.ok()
    }
}

/// A picture of this type from its pixels alone, and its type; `None` where it cannot be decoded, or is too large. The place is
/// held until it is decoded, also where nobody waits for it any more.
async fn made_anew_apart(place: OwnedSemaphorePermit, mime: &str, content: Vec<u8>) -> Option<(&'static str, Vec<u8>)> {
    let mime = mime.to_owned();
    let decode = move || {
        let _place = place;
        picture::made_anew(&mime, &content, LONGEST_SIDE)
    };
    let made = tokio::task::spawn_blocking(decode).await.ok()?;
    made.inspect_err(|error| tracing::info!(%error, "a picture of a customer is not shown")).ok()
}

/// The files of a conversation, each with its message.
pub(super) struct Shown {
    files: Vec<MediaFile>,
}

impl Shown {
    /// The files of a customer.
    pub(super) async fn of(state: &Inner, user: &crate::domain::ids::UserId) -> Result<Self, PageError> {
        Ok(Self { files: state.store().media_of(user, MAX_FILES).await? })
    }

    /// The file of a message of the transcript: of that moment and kind. `place`: of how many such messages of that moment it is
    /// one, from 0.
    pub(super) fn of_message(&self, message: &ChatMessage, place: usize) -> Option<&MediaFile> {
        let kind = kind_of(message)?;
        let moment = message.at.as_millisecond();
        let mut fitting = self.files.iter().filter(|file| file.kind == kind && file.at.as_millisecond() == moment);
        fitting.nth(place)
    }

    /// The file that the team sent with a message.
    pub(super) fn of_team(&self, message: &ChatMessage) -> Option<&MediaFile> {
        let moment = message.at.as_millisecond();
        let sent = message.role == Role::Agent && message.text.starts_with(super::attach::SIGN);
        self.files.iter().find(|file| sent && file.is_of_team() && file.at.as_millisecond() == moment)
    }
}

/// The kind of the file that a message of the transcript stands for.
pub(super) fn kind_of(message: &ChatMessage) -> Option<Media> {
    if message.role != Role::User {
        return None;
    }
    if message.text.starts_with(VOICE_SIGN) {
        return Some(Media::Audio);
    }
    let (kind, _) = message.text.strip_prefix('[')?.split_once(']')?;
    Media::parse(kind)
}

/// A file below its message, whose text this is.
pub(super) fn shown(file: &MediaFile, text: &str) -> Markup {
    let (address, word) = (file.path(), file.kind.counted(1));
    html! {
        div.file data-key=(format!("f{}", file.id.as_str())) {
            @if file.content().is_none() {
                @if file.state == MediaState::Failed {
                    p.note { "The " (word) " could not be fetched" @if let Some(why) = &file.error { ": " (why) } }
                } @else {
                    p.note { "The " (word) " is being fetched." }
                }
            } @else if file.is_picture() {
                a href=(address) target="_blank" rel="noopener" {
                    img src=(address) loading="lazy" alt=(format!("The {word} that {} sent", if file.is_of_team() { "the team" } else { "the customer" }));
                }
                p.note { a href=(format!("{address}?download=1")) download { "Download the original" } " (" (size(file)) ")" }
                @if let Some(view) = &file.seen {
                    p.note { "Seen by a service: " (view.shows.told()) @if !view.says.is_empty() { " — “" (view.says) "”" } }
                    @if view.amount.is_some() || view.reference.is_some() {
                        p.note { "It reads: " (view.amount.as_deref().unwrap_or("no amount")) ", reference " (view.reference.as_deref().unwrap_or("none")) }
                    }
                }
            } @else if file.is_recording() {
                // The words came when the message was answered already.
                @if let Some(words) = file.transcript.as_deref().filter(|words| !words.is_empty() && !text.starts_with(VOICE_SIGN)) {
                    p.text { (VOICE_SIGN) (words) }
                }
                audio controls preload="none" src=(address) aria-label=(format!("The {word} that {} sent", if file.is_of_team() { "the team" } else { "the customer" })) {}
                @if file.transcript.is_none() && file.state == MediaState::Stored {
                    p.note { "Nobody has written it down" @if let Some(why) = &file.error { ": " (why) } }
                }
            } @else {
                p.note { a href=(address) download { "Download the " (word) } " (" (size(file)) ")" }
            }
            @if let Some(order) = &file.order_id { p.note { "With order " (order_link(order)) } }
        }
    }
}

fn size(file: &MediaFile) -> String {
    let bytes = file.size.unwrap_or_default();
    let kind = extension(file.mime.as_deref().unwrap_or_default()).to_uppercase();
    if bytes >= 1_000_000 {
        format!("{kind}, {} MB", bytes / 1_000_000)
    } else {
        format!("{kind}, {} KB", bytes.div_ceil(1_000))
    }
}

/// How many files there are of each kind, each with a link: “2 photos: 1 2”. Nothing where there are none.
pub(super) fn links(files: &[MediaFile]) -> Markup {
    let kinds = [Media::Image, Media::Video, Media::Document, Media::Audio];
    let of_kind = |kind: Media| files.iter().rev().filter(move |file| file.kind == kind);
    html! {
        @if files.iter().any(|file| file.kind != Media::Sticker) {
            p.files {
                @for kind in kinds {
                    @let count = of_kind(kind).count();
                    @if count > 0 {
                        span.chip {
                            (count) " " (kind.counted(count))
                            @for (place, file) in of_kind(kind).enumerate() {
                                " "
                                @if file.content().is_some() {
                                    a href=(file.path()) target="_blank" rel="noopener"
                                        aria-label=(format!("{} {}", kind.counted(1), place + 1)) { (place + 1) }
                                } @else { "(" (place + 1) ": not here)" }
                            }
                        }
                        " "
                    }
                }
            }
        }
    }
}

/// The files that belong to an alert.
pub(super) async fn of_alert(state: &Inner, alert: &Alert) -> Result<Vec<MediaFile>, PageError> {
    Ok(media_of(state.store(), alert).await?)
}

/// As [`of_alert`], for each of these alerts.
pub(super) async fn of_alerts(state: &Inner, alerts: &[Alert]) -> Result<Vec<Vec<MediaFile>>, PageError> {
    try_join_all(alerts.iter().map(|alert| of_alert(state, alert))).await
}

/// The files that are evidence for an order.
pub(super) async fn of_order(state: &Inner, order: &crate::domain::ids::OrderId) -> Result<Vec<MediaFile>, PageError> {
    Ok(state.store().media_of_order(order, MAX_LINKS).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_recording_is_within_it() {
        for (asked, expected) in [
            ("0-", Some(0..100)),
            ("0-1", Some(0..2)),
            ("90-200", Some(90..100)),
            ("-10", Some(90..100)),
            ("-1000", Some(0..100)),
            ("100-", None),
            ("5-4", None),
            ("-", None),
            ("a-b", None),
            ("0-1,5-6", None),
        ] {
            assert_eq!(range(asked, 100), expected, "{asked}");
        }
        assert_eq!(range("0-", 0), None);
    }
}
