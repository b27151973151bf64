//! Files of customers on pages. A picture is decoded and made anew from its pixels, so that nothing else of it reaches a browser: no
//! place where it was taken, no other file that hides in it. A recording is handed out as it is, everything else as a download; all
//! of it in a sandbox without scripts, and with the type that the content shows.

use std::io::Cursor;
use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::future::try_join_all;
use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageDecoder as _, ImageError, ImageFormat, ImageReader, Limits};
use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::customer::order_link;
use super::forms::Fields;
use super::{AppState, Inner, PageError};
use crate::domain::alert::Alert;
use crate::domain::inbound::{Media, VOICE_SIGN};
use crate::domain::media::{MediaFile, MediaId, MediaState, UNKNOWN_TYPE, extension};
use crate::domain::message::{ChatMessage, Role};

/// Nothing of a file runs, whatever it is.
const SANDBOX: &str = "default-src 'none'; sandbox; frame-ancestors 'none'";
/// The largest picture that is decoded, in pixels, and the memory that its decoder may take, in bytes.
const MOST_PIXELS: u64 = 40_000_000;
const MOST_MEMORY: u64 = 256 * 1_024 * 1_024;
/// The longest side of a picture on a page, in pixels; larger ones are made smaller.
const LONGEST_SIDE: u32 = 2_560;
/// The quality of photos, of 100.
const QUALITY: u8 = 88;
/// Files of a customer that are looked at for a page.
const MAX_FILES: u32 = 500;
/// Files that are linked from an alert or a task.
const MAX_LINKS: u32 = 30;
/// What came so long before an alert belongs to it.
const BEFORE_ALERT: SignedDuration = SignedDuration::from_hours(24);

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
    let content = folder.content(digest).await?.ok_or(PageError::NotFound)?;
    // A picture is handed out as nothing that a browser opens.
    let mime = if file.is_picture() { UNKNOWN_TYPE } else { mime };
    if file.is_recording() {
        return Ok(part(&headers, mime, content));
    }
    let name = format!("attachment; filename=\"{}.{}\"", id.as_str(), extension(mime));
    Ok((sandboxed(mime), [(header::CONTENT_DISPOSITION, name)], content).into_response())
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

/// A recording, or the part of it that is asked for: some browsers play nothing else.
fn part(headers: &HeaderMap, mime: &str, content: Vec<u8>) -> Response {
    let asked = headers.get(header::RANGE).and_then(|value| value.to_str().ok());
    let Some(range) =
        asked.and_then(|asked| asked.strip_prefix("bytes=")).and_then(|asked| range(asked, content.len()))
    else {
        return (sandboxed(mime), content).into_response();
    };
    let told = format!("bytes {}-{}/{}", range.start, range.end - 1, content.len());
    let part = content[range].to_vec();
    (StatusCode::PARTIAL_CONTENT, sandboxed(mime), [(header::CONTENT_RANGE, told)], part).into_response()
}

/// One range of bytes such as `0-` or `-500`; `None` where it is none of a content of this length: then all of it is sent.
fn range(asked: &str, length: usize) -> Option<std::ops::Range<usize>> {
    let (from, to) = asked.trim().split_once('-')?;
    let range = match (from.parse::<usize>(), to.parse::<usize>()) {
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
    let format = ImageFormat::from_mime_type(mime)?;
    let decode = move || {
        let _place = place;
        made_anew(format, &content)
    };
    let made = tokio::task::spawn_blocking(decode).await.ok()?;
    made.inspect_err(|error| tracing::info!(%error, "a picture of a customer is not shown")).ok()
}

fn made_anew(format: ImageFormat, content: &[u8]) -> Result<(&'static str, Vec<u8>), ImageError> {
    let mut limits = Limits::default();
    limits.max_alloc = Some(MOST_MEMORY);
    let mut reader = ImageReader::with_format(Cursor::new(content), format);
    reader.limits(limits);
    let mut decoder = reader.into_decoder()?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MOST_PIXELS {
        return Err(ImageError::Limits(image::error::LimitError::from_kind(
            image::error::LimitErrorKind::DimensionError,
        )));
    }
    // What says how it was held is not in the pixels.
    let orientation = decoder.orientation()?;
    let mut picture = DynamicImage::from_decoder(decoder)?;
    picture.apply_orientation(orientation);
    if picture.width().max(picture.height()) > LONGEST_SIDE {
        picture = picture.thumbnail(LONGEST_SIDE, LONGEST_SIDE);
    }
    let mut bytes = Vec::new();
    if format == ImageFormat::Jpeg {
        picture.into_rgb8().write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, QUALITY))?;
        return Ok(("image/jpeg", bytes));
    }
    // With its transparent parts.
    picture.into_rgba8().write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png)?;
    Ok(("image/png", bytes))
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

/// The word for a kind of files.
fn word(kind: Media, count: usize) -> String {
    let word = match kind {
        Media::Image => "photo",
        Media::Video => "video",
        Media::Audio => "voice message",
        Media::Document => "document",
        Media::Sticker => "sticker",
    };
    if count == 1 { word.to_owned() } else { format!("{word}s") }
}

fn address(file: &MediaFile) -> String {
    format!("/media/{}", file.id.as_str())
}

/// A file below its message, whose text this is.
pub(super) fn shown(file: &MediaFile, text: &str) -> Markup {
    let (address, word) = (address(file), word(file.kind, 1));
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
                    img src=(address) loading="lazy" alt=(format!("The {word} that the customer sent"));
                }
                p.note { a href=(format!("{address}?download=1")) download { "Download the original" } " (" (size(file)) ")" }
            } @else if file.is_recording() {
                // The words came when the message was answered already.
                @if let Some(words) = file.transcript.as_deref().filter(|words| !words.is_empty() && !text.starts_with(VOICE_SIGN)) {
                    p.text { (VOICE_SIGN) (words) }
                }
                audio controls preload="none" src=(address) aria-label=(format!("The {word} that the customer sent")) {}
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
                            (count) " " (word(kind, count))
                            @for (place, file) in of_kind(kind).enumerate() {
                                " "
                                @if file.content().is_some() {
                                    a href=(address(file)) target="_blank" rel="noopener"
                                        aria-label=(format!("{} {}", word(kind, 1), place + 1)) { (place + 1) }
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

/// The files that belong to an alert: what its customer sent from a day before on.
pub(super) async fn of_alert(state: &Inner, alert: &Alert) -> Result<Vec<MediaFile>, PageError> {
    if !alert.is_of_customer() {
        return Ok(Vec::new());
    }
    let since = alert.created_at.saturating_sub(BEFORE_ALERT).unwrap_or(Timestamp::MIN);
    let mut files = state.store().media_of(&alert.user_id, MAX_LINKS).await?;
    files.retain(|file| file.at >= since);
    Ok(files)
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
    use image::RgbImage;

    use super::*;

    fn jpeg() -> Vec<u8> {
        let mut bytes = Vec::new();
        let picture = RgbImage::from_pixel(4, 2, image::Rgb([200, 10, 10]));
        picture.write_with_encoder(JpegEncoder::new(&mut bytes)).unwrap();
        bytes
    }

    #[test]
    fn only_the_pixels_of_a_picture_are_left_held_as_it_was() {
        // Where it was taken, and that it was held sideways.
        let mut exif =
            b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0GPSLatitude 12.9716".to_vec();
        let mut marked = vec![0xFF, 0xD8, 0xFF, 0xE1];
        marked.extend(u16::try_from(exif.len() + 2).unwrap().to_be_bytes());
        marked.append(&mut exif);
        marked.extend_from_slice(&jpeg()[2..]);
        marked.extend_from_slice(b"<script>alert(1)</script>");
        let (mime, made) = made_anew(ImageFormat::Jpeg, &marked).unwrap();
        assert_eq!(mime, "image/jpeg");
        for hidden in [&b"GPSLatitude"[..], b"Exif", b"<script>"] {
            assert!(!made.windows(hidden.len()).any(|window| window == hidden));
        }
        let picture = image::load_from_memory(&made).unwrap();
        assert_eq!((picture.width(), picture.height()), (2, 4));
    }

    #[test]
    fn what_is_no_picture_or_too_large_a_one_is_not_decoded() {
        assert!(made_anew(ImageFormat::Png, b"\x89PNG\r\n\x1a\n<html>").is_err());
        let mut half = jpeg();
        half.truncate(20);
        assert!(made_anew(ImageFormat::Jpeg, &half).is_err());
    }

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
