//! Files that the team sends: kept under their digest, then queued as a message. A script sends them as they are; what they are is
//! told by their content.

use axum::body::Bytes;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use maud::{Markup, html};

use super::access::Session;
use super::actions::{self, Outcome};
use super::forms::Fields;
use super::{AppState, PageError};
use crate::domain::ids::{MessageId, UserId};
use crate::domain::media::{HEAD, MediaFile, largest_sent, sent_as, sniffed};
use crate::domain::outgoing::{Body, Outgoing};
use crate::domain::sendable::permitted;
use crate::store::{Kept, MediaFolder};

/// The address that takes files.
pub(super) const PATH: &str = "/conversation/attach";
/// The largest file, in bytes.
pub(super) const MAX_BYTES: usize = 16 * 1_024 * 1_024;
/// What the transcript of a file begins with.
pub(super) const SIGN: char = '📎';
/// The longest name, in characters.
const LONGEST_NAME: usize = 100;
/// What is chosen from in a browser.
const ACCEPTED: &str =
    "image/jpeg,image/png,video/mp4,audio/ogg,audio/mpeg,audio/aac,audio/amr,audio/mp4,application/pdf";

/// The bytes of a request that is no form.
#[derive(Debug, Clone)]
pub(super) struct Upload(pub(super) Bytes);

/// The field for a file; nothing where no files are kept.
pub(super) fn field(state: &AppState, user: &UserId) -> Markup {
    html! {
        @if state.store().media_folder().is_some() {
            label.attach {
                "Attach a file"
                input #attach type="file" accept=(ACCEPTED) data-user=(user);
            }
            span.note #attached role="status" data-own="" {}
        }
    }
}

/// The name of a file as it is sent.
fn name(text: &str) -> String {
    let last = text.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = last.chars().filter(|c| !c.is_control()).take(LONGEST_NAME).collect();
    if name.trim().is_empty() { "file".to_owned() } else { name.trim().to_owned() }
}

fn keep(folder: &MediaFolder, bytes: &[u8]) -> Option<Kept> {
    let mut content = folder.begin().ok()?;
    content.write(bytes).ok()?;
    folder.keep(content).ok()
}

pub(super) async fn attach(
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
    Extension(fields): Extension<Fields>,
    upload: Option<Extension<Upload>>,
) -> Result<(StatusCode, &'static str), PageError> {
    let user = fields.some("user").map(UserId::new).ok_or(PageError::BadRequest("No customer is named."))?;
    let Some(Extension(Upload(bytes))) = upload.filter(|Extension(Upload(bytes))| !bytes.is_empty()) else {
        return Err(PageError::BadRequest("No file came."));
    };
    let refused = |why| Ok((StatusCode::CONFLICT, why));
    let store = state.store();
    let mime = sniffed(bytes.get(..HEAD).unwrap_or(&bytes));
    let Some(kind) = sent_as(mime) else {
        return refused("Not sent: only JPEG and PNG pictures, MP4 videos, recordings and PDF files are.");
    };
    if bytes.len() > largest_sent(kind) {
        return refused("Not sent: pictures may have 5 MB, other files 16 MB.");
    }
    let alert = store.pending_alert(&user).await?.filter(|alert| !alert.bot_answers);
    let Some(alert) = alert else { return refused("Not sent: the bot answers this customer. Take over first.") };
    let (now, limits) = (state.now(), &state.settings.limits);
    let contact = store.contact(&user).await?;
    let draft = Outgoing::text(user.clone(), 0, 0, "", now);
    // Free content or nothing: a template holds no file.
    if !matches!(permitted(&draft, &contact, None, limits.free_text_window, now), Ok(Body::Text { .. })) {
        return refused(
            "Not sent: files leave within 24 hours of the customer's last message only, and after no opt-out.",
        );
    }
    let Some(folder) = store.media_folder().cloned() else {
        return refused("Not sent: no files are kept here ([media] quota_mb).");
    };
    let size = bytes.len() as u64;
    let kept = tokio::task::spawn_blocking(move || keep(&folder, &bytes)).await.ok().flatten();
    let Some(kept) = kept else { return refused("Not sent: the folder of files is full, or cannot be written.") };
    let sha256 = kept.digest.clone();
    let name = name(fields.get("name"));
    let message = MessageId::new(format!("team:{}:{}", now.as_microsecond(), sha256));
    let file = MediaFile::of_team(user.clone(), message, (mime, size), &sha256, now);
    // Noted first, so that the content has somebody whom it goes with; until then nobody may remove it as unused.
    store.note_media(std::slice::from_ref(&file)).await?;
    store.save_media(&file, &file).await?;
    drop(kept);
    let caption: String = fields.get("caption").chars().take(limits.text_with_choices).collect();
    let text = if caption.is_empty() { format!("{SIGN} {name}") } else { format!("{SIGN} {name}\n{caption}") };
    let body = Body::File { sha256, mime: mime.to_owned(), name, caption };
    match actions::queue(store, &session.actor(now), &alert, &text, body).await? {
        Outcome::Queued => Ok((StatusCode::OK, "On its way.")),
        _ => refused("Not sent: somebody else changed this conversation at the same moment. Try again."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_of_no_folder() {
        for (text, expected) in
            [("a/b\\c.pdf", "c.pdf"), ("..", ".."), ("\n", "file"), ("", "file"), (" x.png ", "x.png")]
        {
            assert_eq!(name(text), expected);
        }
        assert_eq!(name(&"x".repeat(300)).len(), LONGEST_NAME);
    }
}
