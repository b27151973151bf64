//! Decides what the pages of figures show, and how long figures that were counted once are shown again.
//!
//! It must never show figures of another range than the one that was asked for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{Extension, RawQuery, State};
use futures_util::try_join;
use jiff::Timestamp;
use maud::{Markup, html};

use super::access::Session;
use super::forms::{Fields, encode};
use super::live::Waiting;
use super::{Desk, Inner, Trouble, charts, layout};
use crate::insights::{Options, Part, Range, Section, build};
use crate::store::StoreError;

/// How long figures hold where nothing changed: the range itself moves on.
const LONGEST: Duration = Duration::from_secs(20);
/// How many times as long as counting took they are not counted again, whatever changed: at most a third of a core counts.
const TIMES: u32 = 2;
/// What takes longer to count is shown as it was, counted anew beside, and shown anew then.
const DEAR: Duration = Duration::from_millis(20);
/// Older figures are never shown.
const OLDEST: Duration = Duration::from_secs(30);
/// Figures that are kept at once.
const MOST_KEPT: usize = 64;

type Key = (Part, String, String);

/// Figures, and of which moment they are.
#[derive(Clone)]
pub(super) struct Shown {
    section: Arc<Section>,
    /// When they were counted.
    pub(super) at: Timestamp,
}

impl std::ops::Deref for Shown {
    type Target = Section;

    fn deref(&self) -> &Section {
        &self.section
    }
}

struct Counted {
    shown: Shown,
    mark: String,
    since: Instant,
    took: Duration,
}

impl Counted {
    /// Whether there is no need to count again.
    fn holds(&self, mark: &str) -> bool {
        self.mark == mark && self.since.elapsed() < LONGEST
    }

    /// How long to wait before counting again beside, while this is still shown; `None`: count now.
    fn wait(&self) -> Option<Duration> {
        let age = self.since.elapsed();
        let rest = (self.took * TIMES).saturating_sub(age);
        (age < OLDEST && (self.took > DEAR || !rest.is_zero())).then_some(rest)
    }
}

#[derive(Default)]
struct Slot {
    counted: Mutex<Option<Counted>>,
    /// One counts at a time: all others who want the same get what it comes to.
    counting: Arc<tokio::sync::Mutex<()>>,
}

impl Slot {
    fn known(&self) -> MutexGuard<'_, Option<Counted>> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Figures that were counted.
#[derive(Default)]
pub(super) struct Kept(Mutex<HashMap<Key, Arc<Slot>>>);

impl Kept {
    fn slot(&self, key: &Key) -> Arc<Slot> {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if slots.len() >= MOST_KEPT && !slots.contains_key(key) {
            let old = |slot: &Slot| slot.known().as_ref().is_none_or(|known| known.since.elapsed() > LONGEST);
            slots.retain(|_, slot| Arc::strong_count(slot) > 1 || !old(slot));
        }
        if slots.len() >= MOST_KEPT && !slots.contains_key(key) {
            // Not kept: counted for this one request.
            return Arc::default();
        }
        Arc::clone(slots.entry(key.clone()).or_default())
    }
}

impl Desk {
    /// Counts beside what is looked at first, once: whoever comes to the pages finds it counted.
    pub(super) fn warm(&self) {
        if self.warmed.set(()).is_err() {
            return;
        }
        let desk = self.clone();
        tokio::spawn(async move {
            // Everything first: what that reads serves every other range as well.
            for range in Range::WORDS.iter().rev().filter_map(|word| Range::parse(word).ok()) {
                if let Err(trouble) = desk.part(Part::Overview, &range, None).await {
                    tracing::debug!(?trouble, "figures could not be counted ahead");
                }
            }
        });
    }

    /// A part, counted now or a moment ago.
    pub(super) async fn part(&self, part: Part, range: &Range, platform: Option<&str>) -> Result<Shown, Trouble> {
        let slot = self.kept.slot(&(part, range.word(), platform.unwrap_or_default().to_owned()));
        let mark = self.store().change_mark().await?;
        let later = {
            let known = slot.known();
            match known.as_ref() {
                Some(known) if known.holds(&mark) => return Ok(known.shown.clone()),
                Some(known) => known.wait().map(|wait| (wait, known.shown.clone())),
                None => None,
            }
        };
        let options = self.options(part, range.clone(), platform).await;
        if let Some((wait, shown)) = later {
            self.count_later(slot, part, options, wait);
            return Ok(shown);
        }
        let _alone = slot.counting.lock().await;
        if let Some(known) = slot.known().as_ref().filter(|known| known.holds(&mark)) {
            return Ok(known.shown.clone());
        }
        Ok(self.count(&slot, part, &options, mark).await?)
    }

    /// Counts beside, once, and tells the pages.
    fn count_later(&self, slot: Arc<Slot>, part: Part, options: Options, wait: Duration) {
        let Ok(alone) = Arc::clone(&slot.counting).try_lock_owned() else { return };
        let desk = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(wait).await;
            let counted = async {
                let mark = desk.store().change_mark().await?;
                let options = desk.options(part, options.range, options.platform.as_deref()).await;
                desk.count(&slot, part, &options, mark).await
            };
            match counted.await {
                Ok(_) => desk.live.tell(),
                Err(error) => tracing::warn!(%error, "figures could not be counted anew"),
            }
            drop(alone);
        });
    }

    async fn count(&self, slot: &Slot, part: Part, options: &Options, mark: String) -> Result<Shown, StoreError> {
        let (begun, at) = (Instant::now(), self.now());
        let section = Arc::new(build(self.store(), part, options).await?);
        let shown = Shown { section, at };
        let counted = Counted { shown: shown.clone(), mark, since: begun, took: begun.elapsed() };
        *slot.known() = Some(counted);
        Ok(shown)
    }
}

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

/// A ready range as it is written on a page.
fn shown(word: &str) -> String {
    match word.split_at(word.len().saturating_sub(1)) {
        (count, unit) if count.bytes().all(|byte| byte.is_ascii_digit()) => format!("{count} {unit}"),
        _ => "All".to_owned(),
    }
}

pub(super) fn ranges(path: &str, chosen: &Range, platform: Option<&str>) -> Markup {
    let more = platform.map(|name| format!("&platform={}", encode(name))).unwrap_or_default();
    let own = matches!(chosen, Range::Between(..));
    let (from, to) = match chosen {
        Range::Between(from, to) => (from.as_str(), to.as_str()),
        _ => ("", ""),
    };
    html! {
        div.ranges {
            div.choices role="group" aria-label="Time range" {
                @for word in Range::WORDS {
                    a href=(format!("{path}?range={word}{more}"))
                        aria-current=[(chosen.word() == word).then_some("true")] { (shown(word)) }
                }
                details.custom.chosen[own] {
                    summary { @if own { (chosen.title()) } @else { "Custom" } }
                    form.days method="get" action=(path) {
                        label { "From" input type="date" name="from" value=(from); }
                        label { "To" input type="date" name="to" value=(to); }
                        @if let Some(name) = platform { input type="hidden" name="platform" value=(name); }
                        button type="submit" { "Show" }
                    }
                }
            }
        }
    }
}

/// Of which moment figures are; days and hours of charts are the shop's.
fn counted(desk: &Desk, at: Timestamp) -> Markup {
    let zone = desk.settings.zone.iana_name().unwrap_or("the shop’s clock");
    html! { p.note { "Counted " (layout::time(at, &desk.settings.zone)) ". Days are those of " (zone) "." } }
}

pub(super) async fn overview(
    State(desk): State<Desk>,
    Extension(session): Extension<Session>,
    RawQuery(query): RawQuery,
) -> Result<Markup, Trouble> {
    let fields = Fields::read(&query.unwrap_or_default());
    let range = range(&fields)?;
    let section = desk.part(Part::Overview, &range, None).await?;
    let main = html! {
        div.heading { h1 { "Overview" } p.about { (section.about) } (ranges("/", &range, None)) }
        (charts::figures(&section, &[]))
        (charts::series(&section, &desk.settings.zone))
        (charts::notes(&section))
        (counted(&desk, section.at))
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
    let (orders, refunds, nlu, everything) = try_join!(
        desk.part(Part::Orders, &range, platform),
        desk.part(Part::Refunds, &range, platform),
        desk.part(Part::Nlu, &range, None),
        desk.part(Part::Orders, &Range::All, None)
    )?;
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
        @for section in [&orders, &refunds, &nlu].map(std::ops::Deref::deref) {
            section.part aria-label=(section.title) {
                h2 #(section.key) { (section.title) }
                (charts::figures(section, &[]))
                (charts::series(section, &desk.settings.zone))
                (charts::tables(section))
                (charts::notes(section))
            }
        }
        (counted(&desk, orders.at.min(refunds.at).min(nlu.at)))
    };
    Ok(layout::page("/analytics", "Analytics", &session, desk.pending().await?, main))
}
