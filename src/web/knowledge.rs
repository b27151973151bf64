//! What customers asked that no document answers, on the page about quality, with a form that writes the answer.
//!
//! An answer goes into a file of the shop's own folder: the question may be written anew there, and names no customer.

use axum::extract::{Extension, State};
use axum::response::Redirect;
use maud::{Markup, html};
use serde_json::{Value, json};

use super::access::Session;
use super::forms::Fields;
use super::{AppState, PageError, layout};
use crate::domain::audit::AuditPhase;
use crate::domain::words::excerpt;
use crate::knowledge::ANSWERS;
use crate::store::Result;
use crate::support::knowledge::gaps;

/// Questions on a page, and the furthest page.
const SHOWN: usize = 20;
const MAX_PAGE: usize = 500;
/// The longest question and answer, in characters.
const LONGEST_QUESTION: usize = 300;
const LONGEST_ANSWER: usize = 2_000;

/// The section of the page.
pub(super) async fn section(state: &AppState, session: &Session, fields: &Fields) -> Result<Markup> {
    let found = gaps(state.store(), &state.settings.library, false).await?;
    let page = fields.get("gaps").parse::<usize>().unwrap_or(1).clamp(1, MAX_PAGE);
    let more = found.len() > page * SHOWN;
    let found: Vec<_> = found.into_iter().skip((page - 1) * SHOWN).take(SHOWN).collect();
    Ok(html! {
        section #gaps {
            h2 { "Questions that no document answers" }
            @if found.is_empty() {
                p.note { "Nothing was asked that no document answers." }
            } @else {
                p.note {
                    "What customers asked, without order ids and numbers. An answer is written into " code { (ANSWERS) }
                    " of the shop's documents, and is used from then on."
                }
                @for gap in &found {
                    article.gap {
                        h3 { (gap.examples.first().unwrap_or(&gap.question)) }
                        p.meta {
                            (gap.count) " " (if gap.count == 1 { "time" } else { "times" }) ", last "
                            (layout::time(gap.last_at, &state.settings.zone))
                        }
                        @for other in gap.examples.iter().skip(1) { p.note { (other) } }
                        @if session.may_administer() {
                            (form(session, gap.examples.first().unwrap_or(&gap.question)))
                        }
                    }
                }
                (layout::paging("/quality?gaps", page, more))
            }
        }
    })
}

fn form(session: &Session, question: &str) -> Markup {
    html! {
        details {
            summary { "Write the answer" }
            form method="post" action="/knowledge/answer" {
                (layout::csrf(session))
                label {
                    "Question "
                    input name="question" value=(question) maxlength=(LONGEST_QUESTION) required;
                }
                label {
                    "Answer "
                    textarea name="answer" rows="3" maxlength=(LONGEST_ANSWER) required {}
                }
                button type="submit" { "Save the answer" }
            }
        }
    }
}

/// Writes an answer into the folder, with entries in the audit trail before and after.
pub(super) async fn answer(
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
    Extension(fields): Extension<Fields>,
) -> std::result::Result<Redirect, PageError> {
    let (question, text) = (fields.get("question"), fields.get("answer"));
    let fits = |text: &str, longest: usize| !text.is_empty() && text.chars().count() <= longest;
    if !fits(question, LONGEST_QUESTION) || !fits(text, LONGEST_ANSWER) {
        return Err(PageError::BadRequest("Write a question and an answer; the answer may have 2,000 characters."));
    }
    let actor = session.actor(state.now());
    let arguments = json!({"question": excerpt(question, LONGEST_QUESTION), "answer": text});
    actor.record(state.store(), "answer_gap", arguments.clone(), AuditPhase::Started, Value::Null).await?;
    let library = std::sync::Arc::clone(&state.settings.library);
    let (asked, told) = (question.to_owned(), text.to_owned());
    let written = tokio::task::spawn_blocking(move || library.add_answer(&asked, &told)).await;
    let failed = match written {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(error.to_string()),
        Err(error) => Some(error.to_string()),
    };
    if let Some(why) = &failed {
        tracing::error!(why, "an answer could not be written");
    }
    let result = json!({"status": if failed.is_none() { "written" } else { "failed" }});
    actor.record(state.store(), "answer_gap", arguments, AuditPhase::Finished, result).await?;
    let told = if failed.is_none() { "answered" } else { "unwritten" };
    Ok(Redirect::to(&format!("/quality?told={told}#gaps")))
}
