//! Corrections of the labels of a message by a person, and the page about the quality of the model.
//!
//! Only labels that the model knows are accepted: another one could not be learned with the others.

use axum::extract::{Extension, RawQuery, State};
use axum::response::Redirect;
use maud::{Markup, html};
use serde_json::{Value, json};

use super::access::Session;
use super::conversation::{known_user, tone};
use super::forms::{Fields, encode};
use super::pages::{range, ranges};
use super::{AppState, PageError, charts, knowledge, layout};
use crate::domain::audit::AuditPhase;
use crate::domain::correction::{Correction, can_be_corrected, message_key};
use crate::domain::ids::UserId;
use crate::domain::message::ChatMessage;
use crate::domain::topic::intent;
use crate::insights::{ConversationView, ModelFacts, Range, ReportSection};
use crate::store::{Result, Store};
use crate::support::Actor;

/// Messages of a conversation that are searched for the corrected one: more than are shown.
const MAX_MESSAGES: u32 = 400;
/// The labels of the label guide, where no model folder can be read.
const INTENTS: [&str; 9] = [
    intent::MANAGE,
    intent::OTHER,
    intent::FEEDBACK,
    intent::DELAY,
    intent::CONTENT,
    intent::PAYMENT,
    intent::HUMAN,
    intent::REFUND,
    intent::TRACK,
];
const SENTIMENTS: [&str; 3] = ["negative", "neutral", "positive"];

/// The labels on offer.
struct Choices {
    intents: Vec<String>,
    sentiments: Vec<String>,
}

impl Choices {
    fn of(model: Option<&ModelFacts>) -> Self {
        let or = |of_model: Option<&Vec<String>>, usual: &[&str]| match of_model {
            Some(labels) if !labels.is_empty() => labels.clone(),
            _ => usual.iter().map(|label| (*label).to_owned()).collect(),
        };
        Self {
            intents: or(model.map(|model| &model.intents), &INTENTS),
            sentiments: or(model.map(|model| &model.sentiments), &SENTIMENTS),
        }
    }
}

/// The menus beside the messages of a conversation, to correct their labels.
pub(super) struct Labelling<'a> {
    session: &'a Session,
    talk: &'a ConversationView,
    choices: Choices,
}

impl<'a> Labelling<'a> {
    pub(super) async fn of(state: &AppState, session: &'a Session, talk: &'a ConversationView) -> Self {
        Self { session, talk, choices: Choices::of(state.model().await.as_deref()) }
    }

    /// Two clicks: one opens the labels, one chooses. Nothing where nothing can be corrected.
    pub(super) fn menu(&self, message: &ChatMessage) -> Markup {
        if !self.session.may_change() || !can_be_corrected(message) {
            return html! {};
        }
        let correction = self.talk.corrections.iter().find(|one| one.is_of(message));
        let given = |pick: fn(&Correction) -> &Option<String>| correction.and_then(|one| pick(one).as_deref());
        let (intent, sentiment) = (given(|one| &one.intent), given(|one| &one.sentiment));
        html! {
            @if let Some(one) = correction {
                p.meta.corrected {
                    "A person says: "
                    @if let Some(intent) = intent { span.chip.good { (intent) } " " }
                    @if let Some(sentiment) = sentiment { span.chip.(tone(sentiment)) { (sentiment) } " " }
                    span.note { "(" (one.by) ")" }
                }
            }
            details.relabel id=(anchor(message)) {
                summary { "Correct" }
                (self.choice(message, "intent", "Intent", &self.choices.intents, intent.or(message.intent.as_deref())))
                (self.choice(
                    message, "sentiment", "Sentiment", &self.choices.sentiments, sentiment.or(message.sentiment.as_deref())
                ))
            }
        }
    }

    fn choice(&self, message: &ChatMessage, name: &str, title: &str, labels: &[String], now: Option<&str>) -> Markup {
        html! {
            form.choices method="post" action="/conversation/label" aria-label=(title) {
                (layout::csrf(self.session))
                input type="hidden" name="user" value=(message.user_id.as_str());
                input type="hidden" name="turn" value=(message.turn);
                input type="hidden" name="message" value=(message_key(&message.text));
                span.note { (title) ": " }
                @for label in labels {
                    button.quiet type="submit" name=(name) value=(label)
                        aria-pressed=(if now == Some(label) { "true" } else { "false" }) { (label) }
                    " "
                }
            }
        }
    }
}

/// The anchor of a message on its page.
fn anchor(message: &ChatMessage) -> String {
    format!("m{}-{}", message.turn, message_key(&message.text))
}

/// The labels that a person chose.
struct Choice {
    intent: Option<String>,
    sentiment: Option<String>,
}

impl Choice {
    /// Reads the form.
    ///
    /// # Errors
    /// When no label is named, or one that the model does not know.
    fn read(fields: &Fields, choices: &Choices) -> std::result::Result<Self, PageError> {
        let chosen = |name: &str, labels: &[String]| match fields.some(name) {
            None => Ok(None),
            Some(label) if labels.iter().any(|known| known == label) => Ok(Some(label.to_owned())),
            Some(_) => Err(PageError::BadRequest("This is no label that the model knows.")),
        };
        let choice =
            Self { intent: chosen("intent", &choices.intents)?, sentiment: chosen("sentiment", &choices.sentiments)? };
        if choice.intent.is_none() && choice.sentiment.is_none() {
            return Err(PageError::BadRequest("No label is named."));
        }
        Ok(choice)
    }
}

pub(super) async fn correct(
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
    Extension(fields): Extension<Fields>,
) -> std::result::Result<Redirect, PageError> {
    let user = known_user(&state, &fields).await?;
    let choice = Choice::read(&fields, &Choices::of(state.model().await.as_deref()))?;
    let turn = fields.get("turn").parse().map_err(|_| PageError::BadRequest("No turn is named."))?;
    let saved =
        save_correction(state.store(), &session.actor(state.now()), &user, turn, fields.get("message"), choice).await?;
    Ok(match saved {
        Some(anchor) => Redirect::to(&format!("/conversation?user={}&told=corrected#{anchor}", encode(user.as_str()))),
        None => Redirect::to(&format!("/conversation?user={}&told=nomessage", encode(user.as_str()))),
    })
}

/// Saves a correction, with entries in the audit trail before and after, without the text of the message. The anchor of the
/// message; `None` where it does not exist.
async fn save_correction(
    store: &dyn Store,
    actor: &Actor,
    user: &UserId,
    turn: u64,
    mark: &str,
    choice: Choice,
) -> Result<Option<String>> {
    let said = store.recent_messages(user, MAX_MESSAGES).await?;
    let own = said.iter().filter(|message| message.turn == turn && can_be_corrected(message));
    let Some((part, message)) = own.enumerate().find(|(_, message)| message_key(&message.text) == mark) else {
        return Ok(None);
    };
    let before = store.corrections_of(user).await?.into_iter().find(|one| one.is_of(message));
    let correction = Correction {
        intent: choice.intent,
        sentiment: choice.sentiment,
        ..Correction::of(message, &actor.name, actor.now)
    };
    let arguments = json!({
        "user_id": user, "turn": turn, "part": part, "intent": correction.intent, "sentiment": correction.sentiment,
        "predicted": {"intent": message.intent, "sentiment": message.sentiment},
        "before": before.map(|one| json!({"intent": one.intent, "sentiment": one.sentiment})),
    });
    actor.record(store, "correct_label", arguments.clone(), AuditPhase::Started, Value::Null).await?;
    let saved = store.correct(&correction).await?;
    let result = json!({"status": if saved { "corrected" } else { "not_there" }});
    actor.record(store, "correct_label", arguments, AuditPhase::Finished, result).await?;
    Ok(saved.then(|| anchor(message)))
}

pub(super) async fn quality(
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
    RawQuery(query): RawQuery,
) -> std::result::Result<Markup, PageError> {
    let fields = Fields::read(&query.unwrap_or_default());
    // Corrections are few: a month by default.
    let chosen = if fields.some("range").or(fields.some("from")).or(fields.some("to")).is_none() {
        Range::parse("30d").map_err(|_| PageError::NotFound)?
    } else {
        range(&fields)?
    };
    let section = state.section(ReportSection::Quality, &chosen, None).await?;
    let documents = knowledge::section(&state, &session, &fields).await?;
    let main = html! {
        (layout::notice(&fields))
        div.heading { h1 { "Quality" } p.about { (section.about) } (ranges("/quality", &chosen, None)) }
        (charts::stats(&section, &|_| None))
        (charts::series(&section))
        (charts::tables(&section))
        (charts::notes(&section))
        p.note {
            "Corrected and unsure messages become training rows with " code { "ecomres label export" } "; "
            code { "ecomres model promote" } " puts a better model in the place of this one."
        }
        (documents)
    };
    Ok(layout::page("/quality", "Quality", &session, state.pending().await?, &main))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::domain::message::{Basis, Role};
    use crate::store::sqlite::SqliteStore;
    use crate::store::{Audit as _, Corrections as _, Transcript as _};

    #[tokio::test]
    async fn a_correction_is_saved_and_recorded_without_the_text() {
        let store = SqliteStore::scratch().unwrap();
        let (user, now) = (UserId::new("919876500001"), Timestamp::from_second(1_750_000_000).unwrap());
        let said = ChatMessage {
            user_id: user.clone(),
            role: Role::User,
            text: "where is my parcel".to_owned(),
            at: now,
            turn: 3,
            intent: Some("other".to_owned()),
            sentiment: Some("neutral".to_owned()),
            response_ms: None,
            basis: Basis::default(),
        };
        store.append_messages(std::slice::from_ref(&said)).await.unwrap();
        let intent = |label: &str| Choice { intent: Some(label.to_owned()), sentiment: None };
        let mark = message_key(&said.text);
        let by = |name: &str| Actor { name: name.to_owned(), now };
        assert_eq!(save_correction(&store, &by("a"), &user, 4, &mark, intent("track_order")).await.unwrap(), None);
        assert_eq!(save_correction(&store, &by("a"), &user, 3, "0", intent("track_order")).await.unwrap(), None);
        assert_eq!(store.audit_length().await.unwrap(), 0);
        assert!(save_correction(&store, &by("a"), &user, 3, &mark, intent("track_order")).await.unwrap().is_some());
        assert!(save_correction(&store, &by("b"), &user, 3, &mark, intent("request_refund")).await.unwrap().is_some());
        let saved = store.corrections_of(&user).await.unwrap();
        assert_eq!((saved.len(), saved[0].intent.as_deref()), (1, Some("request_refund")), "the later one counts");
        assert_eq!((saved[0].by.as_str(), saved[0].predicted_intent.as_deref()), ("b", Some("other")));
        let entries = store.audit_entries(1, 9).await.unwrap();
        assert_eq!(entries.len(), 4, "each change before and after");
        assert!(!entries.iter().any(|entry| entry.content.contains("parcel")), "no message text");
        let second = entries[2].record().unwrap();
        assert_eq!((second.phase, &second.arguments["before"]["intent"]), (AuditPhase::Started, &json!("track_order")));
        assert_eq!(entries[3].record().unwrap().result["status"], "corrected");
    }

    #[test]
    fn only_labels_that_the_model_knows_are_accepted() {
        let choices = Choices::of(None);
        assert_eq!((choices.intents.len(), choices.sentiments.len()), (9, 3));
        let read = |form: &str| Choice::read(&Fields::read(form), &choices);
        assert_eq!(read("intent=track_order").ok().and_then(|choice| choice.intent).as_deref(), Some("track_order"));
        for wrong in ["intent=%3Cscript%3E", "intent=", "", "sentiment=furious", "intent=track_order&sentiment=x"] {
            assert!(matches!(read(wrong), Err(PageError::BadRequest(_))), "{wrong}");
        }
    }
}
