//! Drafts: what a member of the team has typed and not sent, kept so that nothing of it is lost.

use axum::extract::{Extension, State};
use axum::http::StatusCode;
use maud::{Markup, html};

use super::access::Session;
use super::forms::Fields;
use super::{AppState, Inner, PageError};
use crate::domain::alert::AlertSearch;
use crate::domain::desk::{Draft, LONGEST};
use crate::domain::ids::UserId;

/// What drafts are for: the names of their fields.
const FIELDS: [&str; 4] = ["reply", "note", "return", "resolve"];
/// Drafts of one person that are shown.
const MAX_READ: u32 = 500;

/// The drafts of whoever asks for a page.
pub(super) struct Drafts(Vec<Draft>);

impl Drafts {
    pub(super) async fn of(state: &Inner, session: &Session) -> Result<Self, PageError> {
        if !session.may_change() {
            return Ok(Self(Vec::new()));
        }
        Ok(Self(state.store().drafts_of(session.name(), MAX_READ).await?))
    }

    /// The draft for a field; empty where there is none.
    pub(super) fn text(&self, user: &UserId, field: &str) -> &str {
        let of = |draft: &&Draft| draft.user_id == *user && draft.field == field;
        self.0.iter().find(of).map_or("", |draft| draft.text.as_str())
    }

    /// Whether there is a reply to a customer, or a note, that was begun.
    pub(super) fn begun(&self, user: &UserId) -> bool {
        self.0.iter().any(|draft| draft.user_id == *user)
    }

    /// The field for a note about what was done: `field` says for what.
    pub(super) fn note_field(&self, user: &UserId, field: &str, placeholder: &str) -> Markup {
        html! {
            label {
                span.hidden { "Note" }
                input name="note" maxlength="2000" placeholder=(placeholder) value=(self.text(user, field))
                    data-draft=(field) data-user=(user);
            }
        }
    }
}

async fn put(state: &Inner, session: &Session, user: &UserId, field: &str, text: &str) -> Result<(), PageError> {
    let draft = Draft {
        by: session.name().to_owned(),
        user_id: user.clone(),
        field: field.to_owned(),
        text: text.to_owned(),
        at: state.now(),
    };
    Ok(state.store().save_draft(&draft).await?)
}

/// Keeps a text as a draft, of a customer that there is; an empty one removes it.
pub(super) async fn keep(
    state: &Inner,
    session: &Session,
    user: &UserId,
    field: &str,
    text: &str,
) -> Result<(), PageError> {
    if !text.is_empty() && !is_known(state, user).await? {
        return Ok(());
    }
    put(state, session, user, field, text).await
}

/// Whether anything is stored of a customer: no draft is kept for others.
async fn is_known(state: &Inner, user: &UserId) -> Result<bool, PageError> {
    let store = state.store();
    if store.conversation(user).await?.is_some() || !store.recent_messages(user, 1).await?.is_empty() {
        return Ok(true);
    }
    let search = AlertSearch { text: user.to_string(), ..AlertSearch::default() };
    Ok(store.find_alerts(&search, 100).await?.iter().any(|alert| alert.user_id == *user))
}

pub(super) async fn save(
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
    Extension(fields): Extension<Fields>,
) -> Result<StatusCode, PageError> {
    let user = fields.some("user").map(UserId::new).ok_or(PageError::BadRequest("No customer is named."))?;
    let (field, text) = (fields.get("field"), fields.whole("text"));
    if !FIELDS.contains(&field) {
        return Err(PageError::BadRequest("There is no such field."));
    }
    if text.chars().count() > LONGEST {
        return Err(PageError::BadRequest("This draft is too long."));
    }
    if !text.is_empty() && !is_known(&state, &user).await? {
        return Err(PageError::NotFound);
    }
    put(&state, &session, &user, field, text).await?;
    Ok(StatusCode::NO_CONTENT)
}
