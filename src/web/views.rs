//! Saved views: filters of the list of conversations under a name, for each member. They hold no words that were searched for
//! and no customer, so that nothing of a customer stays in them.

use axum::extract::{Extension, State};
use axum::response::Redirect;
use jiff::Timestamp;
use maud::{Markup, html};

use super::access::Session;
use super::forms::{Fields, encode};
use super::{AppState, Inner, PageError, layout};
use crate::domain::desk::{EntryKind, LONGEST_NAME, TeamEntry};

/// The filters that a view keeps.
const KEPT: [&str; 8] = ["queue", "outcome", "intent", "sentiment", "mode", "only", "tag", "range"];
/// Views of one member at most.
const MAX_VIEWS: usize = 30;
/// The longest value of a filter, in characters.
const LONGEST_VALUE: usize = 100;

/// What a view keeps of filters, as a query.
fn kept(fields: &Fields) -> String {
    let fits = |value: &&str| value.chars().count() <= LONGEST_VALUE;
    let pairs = KEPT.iter().filter_map(|name| Some(format!("{name}={}", encode(fields.some(name).filter(fits)?))));
    pairs.collect::<Vec<_>>().join("&")
}

/// The views of a member as links, and the form that saves the filters of the page as one.
pub(super) async fn bar(state: &Inner, session: &Session, fields: &Fields) -> Result<Markup, PageError> {
    let views = state.store().entries(EntryKind::View, Some(session.name())).await?;
    let here = kept(fields);
    let is_known = views.iter().any(|view| view.value == here);
    Ok(html! {
        @if !views.is_empty() || !here.is_empty() {
            div.views role="group" aria-label="Saved views" {
                @for view in &views {
                    span.chip.tag data-key=(view.name) {
                        a href=(format!("/conversations?{}", view.value)) aria-current=[(view.value == here).then_some("true")] { (view.name) }
                        @if session.may_change() {
                            form.pin method="post" action="/views/remove" {
                                (layout::csrf(session))
                                input type="hidden" name="name" value=(view.name);
                                button.quiet type="submit" aria-label=(format!("Remove the view {}", view.name)) { "×" }
                            }
                        }
                    }
                }
                @if session.may_change() && !here.is_empty() && !is_known {
                    form.pin method="post" action="/views/save" {
                        (layout::csrf(session))
                        input type="hidden" name="query" value=(here);
                        label { span.hidden { "Name" } input name="name" maxlength=(LONGEST_NAME) required placeholder="Save these filters as"; }
                        button.second.small type="submit" { "Save" }
                    }
                }
            }
        }
    })
}

pub(super) async fn save(
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
    Extension(fields): Extension<Fields>,
) -> Result<Redirect, PageError> {
    let name: String = fields.get("name").chars().filter(|c| !c.is_control()).take(LONGEST_NAME).collect();
    let query = kept(&Fields::read(fields.get("query")));
    if name.is_empty() || query.is_empty() {
        return Err(PageError::BadRequest("A view needs a name and filters."));
    }
    let views = state.store().entries(EntryKind::View, Some(session.name())).await?;
    if views.len() >= MAX_VIEWS && views.iter().all(|view| view.name != name) {
        return Err(PageError::BadRequest("There are as many views as there may be: remove one first."));
    }
    let at: Timestamp = state.now();
    let owner = session.name().to_owned();
    let view = TeamEntry { kind: EntryKind::View, owner, name, value: query.clone(), at };
    state.store().save_entry(&view).await?;
    Ok(Redirect::to(&format!("/conversations?{query}")))
}

pub(super) async fn remove(
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
    Extension(fields): Extension<Fields>,
) -> Result<Redirect, PageError> {
    state.store().remove_entry(EntryKind::View, session.name(), fields.get("name")).await?;
    Ok(Redirect::to("/conversations"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_keeps_no_words_and_no_customer() {
        let fields = Fields::read("q=91987&user=91987&order=7&tag=vip&queue=mine&from=2026-01-01&csrf=x&tag=second");
        assert_eq!(kept(&fields), "queue=mine&tag=vip");
        assert_eq!(kept(&Fields::read(&format!("intent={}", "x".repeat(101)))), "");
    }
}
