//! What the bot did to orders and the shop has to carry out in its own systems: the open list, and the form that marks one as
//! done. Only forms that the role of the session allows are shown.

use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use futures_util::future::try_join_all;
use maud::{Markup, html};

use super::access::Session;
use super::customer::{customer_link, order_link};
use super::forms::Fields;
use super::{AppState, Inner, PageError, layout, media, order_actions};
use crate::domain::action::Action;
use crate::domain::media::MediaFile;
use crate::support::actions;

/// Actions on a page, and the furthest page.
const MAX_SHOWN: usize = 20;
const MAX_PAGE: usize = 500;

/// The open actions; nothing where there are none.
pub(super) async fn section(state: &Inner, session: &Session, fields: &Fields) -> Result<Markup, PageError> {
    let page = fields.get("tasks").parse::<usize>().unwrap_or(1).clamp(1, MAX_PAGE);
    let limit = u32::try_from(page * MAX_SHOWN + 1).unwrap_or(u32::MAX);
    let open = state.store().actions(true, limit).await?;
    let more = open.len() > page * MAX_SHOWN;
    let open: Vec<Action> = open.into_iter().skip((page - 1) * MAX_SHOWN).take(MAX_SHOWN).collect();
    let files = try_join_all(open.iter().map(|action| media::of_order(state, &action.order_id))).await?;
    Ok(html! {
        @if !open.is_empty() || page > 1 {
            section aria-labelledby="tasks" {
                h2 #tasks { "To do for orders" }
                p.about { "done for customers here, and to be carried out in the shop's own systems" }
                div.list { @for (action, files) in open.iter().zip(&files) { (card(state, session, action, files)) } }
                (layout::paging("/conversations?tasks", page, more))
            }
        }
    })
}

fn card(state: &Inner, session: &Session, action: &Action, files: &[MediaFile]) -> Markup {
    let money = &state.settings.money;
    let later = action.amount.filter(|_| action.owes_money()).map(|amount| money.show(amount));
    html! {
        article.card data-action=(action.id) data-key=(action.id) {
            div.line {
                span.chip { (action.kind) }
                strong { (order_link(&action.order_id)) }
                @if let Some(user) = &action.user_id { (customer_link(user)) }
                (layout::time(action.at, &state.settings.zone))
            }
            p { (action.summary()) }
            @if !action.reason.is_empty() { p.about { "“" (action.reason) "”" } }
            (media::links(files))
            @if let Some(amount) = &later { p.about { (amount) " goes back with it once it is marked as done." } }
            @if session.may_change() {
                form method="post" action="/actions/done" {
                    (layout::csrf(session))
                    input type="hidden" name="id" value=(action.id);
                    button.second type="submit" { @if later.is_some() { "Done, pay it back" } @else { "Done" } }
                }
            }
        }
    }
}

pub(super) async fn done(
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
    Extension(fields): Extension<Fields>,
) -> Result<Response, PageError> {
    let id = fields.some("id").ok_or(PageError::BadRequest("No action is named."))?;
    let owed = state.store().action(id).await?.filter(Action::owes_money).and_then(|action| action.amount);
    if let Some(why) = order_actions::above_limit(&state, &session, owed) {
        let page = layout::message_with_link("Not done", &why, "/conversations", "Back");
        return Ok((StatusCode::CONFLICT, page).into_response());
    }
    let policy = state.settings.policy.as_ref();
    match actions::finish(state.store(), policy, &session.actor(state.now()), id).await? {
        Some(_) => Ok(Redirect::to("/conversations").into_response()),
        None => Err(PageError::NotFound),
    }
}
