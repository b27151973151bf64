//! The templates of the shop's account: read from Meta now and then, listed for admins, and to be chosen from where free text may not
//! be sent any more.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{Extension, State};
use axum::response::Redirect;
use maud::{Markup, html};

use super::access::Session;
use super::forms::{Fields, encode};
use super::setup::Setup;
use super::{AppState, PageError, layout};
use crate::domain::outgoing::{Body, KnownTemplate};

/// How long what was read is taken for what there is, and how long after a failure it is asked again.
const KEPT_FOR: Duration = Duration::from_mins(15);
const AGAIN_AFTER: Duration = Duration::from_mins(1);
/// The longest value of a place, in characters.
const LONGEST: usize = 500;
/// The longest draft of them, in bytes as it is stored.
const MOST_TYPED: usize = 16 * 1_024;
/// The field of a draft that holds what was typed into the places of a template.
pub(super) const DRAFT: &str = "template";

/// What is known of the templates.
#[derive(Clone, Default)]
pub(super) struct Known {
    /// As they were read last; `None`: not yet.
    all: Option<Arc<Vec<KnownTemplate>>>,
    /// Why they could not be read since.
    why: Option<String>,
    /// When they were asked for last.
    asked: Option<Instant>,
}

impl Known {
    fn ready(&self) -> Vec<KnownTemplate> {
        self.all.iter().flat_map(|all| all.iter()).filter(|template| template.is_ready()).cloned().collect()
    }
}

#[derive(Default)]
pub(super) struct TemplateCache(Mutex<Known>);

impl TemplateCache {
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn setup(state: &AppState) -> Option<Arc<dyn Setup>> {
    state.settings.setup.as_ref().filter(|setup| setup.has_templates()).map(Arc::clone)
}

/// What is known; read in the background where that is long ago, and shown then. `None`: the account is not set.
fn known(state: &AppState) -> Option<Known> {
    let setup = setup(state)?;
    let (known, due) = {
        let mut known = state.templates.lock();
        let keep = if known.why.is_some() { AGAIN_AFTER } else { KEPT_FOR };
        let due = known.asked.is_none_or(|at| at.elapsed() > keep);
        if due {
            // One at a time.
            known.asked = Some(Instant::now());
        }
        (known.clone(), due)
    };
    if due {
        tokio::spawn(read(state.clone(), setup));
    }
    Some(known)
}

/// Reads them. What was read before stays where that fails.
async fn read(state: AppState, setup: Arc<dyn Setup>) {
    let answer = tokio::task::spawn_blocking(move || setup.templates()).await;
    let answer = answer.unwrap_or_else(|_| Err("the log says why".to_owned()));
    {
        let mut known = state.templates.lock();
        known.asked = Some(Instant::now());
        match answer {
            Ok(all) => (known.all, known.why) = (Some(Arc::new(all)), None),
            Err(why) => known.why = Some(why),
        }
    }
    state.live.notify();
}

/// Those that may be sent.
pub(super) fn ready(state: &AppState) -> Vec<KnownTemplate> {
    known(state).map(|known| known.ready()).unwrap_or_default()
}

/// Why there is none to choose.
pub(super) fn none(state: &AppState) -> Markup {
    match known(state) {
        Some(Known { all: None, why: Some(why), .. }) => html! { "They cannot be read from Meta: " (why) },
        Some(Known { all: None, .. }) => html! { "They are being read from Meta." },
        _ => html! { "None is set: name an approved one in " code { "[whatsapp] template" } "." },
    }
}

/// The message of a form that chose a template, and what the customer reads; `None` where it chose none.
///
/// # Errors
/// When it is none that may be sent, or a place is not filled.
pub(super) async fn chosen(state: &AppState, fields: &Fields) -> Result<Option<(Body, String)>, PageError> {
    let Some(key) = fields.some("template") else { return Ok(None) };
    if let Some(setup) = setup(state)
        && state.templates.lock().all.is_none()
    {
        // The program was started a moment ago: the page is of before.
        read(state.clone(), setup).await;
    }
    let template = ready(state).into_iter().find(|template| template.key() == key);
    let template = template.ok_or(PageError::BadRequest("This template cannot be sent: load the page again."))?;
    let values: Vec<String> = (1..=template.places.unwrap_or_default())
        .map(|place| fields.get(&format!("place{place}")).to_owned())
        .collect();
    if values.iter().any(|value| value.is_empty() || value.chars().count() > LONGEST) {
        return Err(PageError::BadRequest(
            "Every place of the template has to be filled, with 500 characters at most.",
        ));
    }
    let text = template.text_with(&values);
    Ok(Some((template.filled(values), text)))
}

/// What was typed into a form that chose a template, as a draft; `None` where it chose none.
pub(super) fn typed(fields: &Fields) -> Option<String> {
    let key = fields.some("template")?;
    let places = fields.names().filter(|name| name.starts_with("place"));
    let mut pairs = vec![format!("template={}", encode(key))];
    pairs.extend(places.map(|name| format!("{}={}", encode(name), encode(fields.get(name)))));
    // What no form of ours sends is kept by nobody.
    Some(pairs.join("&")).map(|text| if text.len() <= MOST_TYPED { text } else { String::new() })
}

/// The text of a template with its places to fill in, and what was typed into them before.
pub(super) fn fields(template: &KnownTemplate, typed: &Fields) -> Markup {
    let before = |place: &str| Some(typed.whole(place)).filter(|_| typed.get("template") == template.key());
    html! {
        input type="hidden" name="template" value=(template.key());
        p.text { (template.text) }
        @for place in 1..=template.places.unwrap_or_default() {
            @let name = format!("place{place}");
            label { "{{" (place) "}}" input name=(name) value=[before(&name)] maxlength=(LONGEST) required autocomplete="off"; }
        }
    }
}

/// The list, for admins.
pub(super) fn section(state: &AppState, session: &Session) -> Markup {
    let known = known(state);
    html! {
        section.card.facts #templates {
            h2 { "Templates" }
            @match &known {
                None => { p.note { "Name the account in " code { "[whatsapp] account_id" } " to see its templates here, and to choose among them." } }
                Some(Known { all: None, why: None, .. }) => { p.note { "They are being read from Meta." } }
                Some(Known { all, why, .. }) => {
                    @if let Some(why) = why { p.warning role="status" { "They cannot be read from Meta: " (why) } }
                    @match all.as_deref() {
                        Some(all) if all.is_empty() => { p.note { "The account has none." } }
                        Some(all) => {
                            @if why.is_some() { p.note { "As they were read before:" } }
                            (table(all))
                        }
                        None => {}
                    }
                }
            }
            @if known.is_some() {
                form.act method="post" action="/settings/templates" {
                    (layout::csrf(session))
                    button.second type="submit" { "Read them again" }
                }
            }
        }
    }
}

fn table(all: &[KnownTemplate]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Templates" {
            table {
                thead { tr { @for name in ["Name", "Language", "Category", "Status", "Text"] { th scope="col" { (name) } } } }
                tbody {
                    @for template in all {
                        tr data-key=(template.key()) {
                            th scope="row" { (template.name) }
                            td { (template.language) }
                            td { (template.category.to_lowercase()) }
                            td {
                                span.chip.(if template.status == "APPROVED" { "good" } else { "medium" }) { (template.status.to_lowercase()) }
                                @if template.places.is_none() { " " span.note { "needs more than text: not offered here" } }
                            }
                            td { (template.text) }
                        }
                    }
                }
            }
        }
    }
}

pub(super) async fn read_again(State(state): State<AppState>, Extension(_): Extension<Session>) -> Redirect {
    state.templates.lock().asked = None;
    known(&state);
    Redirect::to("/settings")
}
