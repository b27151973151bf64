//! Decides what the pages of figures show, and how long figures that were counted once are shown again.
//!
//! It must never show figures of another range than the one that was asked for.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{Extension, RawQuery, State};
use maud::{Markup, html};
use tokio::sync::Mutex;

use super::access::Session;
use super::forms::{Fields, encode};
use super::live::Waiting;
use super::{Desk, Inner, Trouble, charts, layout};
use crate::insights::{Options, Part, Range, Section, build};

/// How long figures hold where nothing changed: the range itself moves on.
const LONGEST: Duration = Duration::from_secs(20);
/// How many times as long as counting took they hold, whatever changed: counting never takes more than a tenth of a core.
const TIMES: u32 = 10;
/// Figures that are kept at once.
const MOST_KEPT: usize = 64;

struct Counted {
    section: Arc<Section>,
    mark: String,
    at: Instant,
    took: Duration,
}

/// Figures that were counted.
#[derive(Default)]
pub(super) struct Kept(Mutex<HashMap<(Part, String, String), Counted>>);

impl Inner {
    async fn options(&self, part: Part, range: Range, platform: Option<&str>) -> Options {
        let settings = &self.settings;
        let period = range.period(self.now(), &settings.zone, settings.gap);
        Options {
            range,
            period,
            platform: platform.map(str::to_owned),
            response_target_seconds: settings.response_target_seconds,
            clarify_below: settings.model.clarify_below,
            model: if part == Part::Quality { self.model().await } else { None },
        }
    }

    /// A part, counted now or a moment ago.
    pub(super) async fn part(
        &self,
        part: Part,
        range: &Range,
        platform: Option<&str>,
    ) -> Result<Arc<Section>, Trouble> {
        let key = (part, range.word(), platform.unwrap_or_default().to_owned());
        let mark = self.store().change_mark().await?;
        // One counts at a time: all others who want the same get what it comes to.
        let mut kept = self.kept.0.lock().await;
        if let Some(known) = kept.get(&key) {
            let age = known.at.elapsed();
            if (known.mark == mark && age < LONGEST) || age < known.took * TIMES {
                return Ok(Arc::clone(&known.section));
            }
        }
        let begun = Instant::now();
        let options = self.options(part, range.clone(), platform).await;
        let section = Arc::new(build(self.store(), part, &options).await?);
        kept.retain(|_, known| known.at.elapsed() < LONGEST.max(known.took * TIMES));
        if kept.len() < MOST_KEPT {
            let counted = Counted { section: Arc::clone(&section), mark, at: Instant::now(), took: begun.elapsed() };
            kept.insert(key, counted);
        }
        Ok(section)
    }

    /// Who waits for a person.
    pub(super) async fn pending(&self) -> Result<Waiting, Trouble> {
        Ok(Waiting::of(&self.store().alert_rows().await?))
    }
}

/// The range of an address; what is no range is told.
pub(super) fn range(fields: &Fields) -> Result<Range, Trouble> {
    if fields.some("from").is_some() || fields.some("to").is_some() {
        let word = format!("{}..{}", fields.get("from"), fields.get("to"));
        return Range::parse(&word).map_err(|_| Trouble::Wrong("These days are no range of time."));
    }
    Range::parse(fields.some("range").unwrap_or("7d")).map_err(|_| Trouble::Wrong("This is no range of time."))
}

pub(super) fn ranges(path: &str, chosen: &Range, platform: Option<&str>) -> Markup {
    let more = platform.map(|name| format!("&platform={}", encode(name))).unwrap_or_default();
    let (from, to) = match chosen {
        Range::Between(from, to) => (from.as_str(), to.as_str()),
        _ => ("", ""),
    };
    html! {
        div.ranges {
            div.choices role="group" aria-label="Time range" {
                @for word in Range::WORDS {
                    a href=(format!("{path}?range={word}{more}"))
                        aria-current=[(chosen.word() == word).then_some("true")] { (word) }
                }
            }
            form.days method="get" action=(path) {
                label { "From " input type="date" name="from" value=(from); }
                label { "to " input type="date" name="to" value=(to); }
                @if let Some(name) = platform { input type="hidden" name="platform" value=(name); }
                button type="submit" { "Show" }
            }
        }
    }
}

pub(super) async fn overview(
    State(desk): State<Desk>,
    Extension(session): Extension<Session>,
    RawQuery(query): RawQuery,
) -> Result<Markup, Trouble> {
    let fields = Fields::read(&query.unwrap_or_default());
    let range = range(&fields)?;
    let section = desk.part(Part::Overview, &range, None).await?;
    let keys = section.figures.iter().map(|figure| figure.key).filter(|key| *key != "users_today");
    let keys: Vec<&str> = keys.collect();
    let main = html! {
        div.heading { h1 { "Overview" } p.about { (section.about) } (ranges("/", &range, None)) }
        (charts::figures(&section, &keys))
        (charts::series(&section))
        (charts::notes(&section))
    };
    Ok(layout::page("/", "Overview", &session, desk.pending().await?, main))
}

pub(super) async fn analytics(
    State(desk): State<Desk>,
    Extension(session): Extension<Session>,
    RawQuery(query): RawQuery,
) -> Result<Markup, Trouble> {
    let fields = Fields::read(&query.unwrap_or_default());
    // Orders are imported as a whole, often without dates.
    let range = if fields.some("range").or(fields.some("from")).or(fields.some("to")).is_none() {
        Range::All
    } else {
        range(&fields)?
    };
    let platform = fields.some("platform");
    let orders = desk.part(Part::Orders, &range, platform).await?;
    let refunds = desk.part(Part::Refunds, &range, platform).await?;
    let nlu = desk.part(Part::Nlu, &range, None).await?;
    let everything = desk.part(Part::Orders, &Range::All, None).await?;
    let platforms: Vec<String> = everything
        .tables
        .iter()
        .filter(|table| table.key == "platforms")
        .flat_map(|table| table.rows.iter().filter_map(|row| row.first().cloned()))
        .collect();
    let main = html! {
        div.heading {
            h1 { "Analytics" }
            p.about { (orders.about) }
            (ranges("/analytics", &range, platform))
            div.choices role="group" aria-label="Platform" {
                a href=(format!("/analytics?range={}", encode(&range.word())))
                    aria-current=[platform.is_none().then_some("true")] { "All platforms" }
                @for name in &platforms {
                    a href=(format!("/analytics?range={}&platform={}", encode(&range.word()), encode(name)))
                        aria-current=[(platform == Some(name)).then_some("true")] { (name) }
                }
            }
        }
        @for section in [&orders, &refunds, &nlu] {
            section.part aria-label=(section.title) {
                h2 { (section.title) }
                (charts::figures(section, &[]))
                (charts::series(section))
                (charts::tables(section))
                (charts::notes(section))
            }
        }
    };
    Ok(layout::page("/analytics", "Analytics", &session, desk.pending().await?, main))
}
