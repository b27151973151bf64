//! The pages with statistics, and the cache of what was counted for them.

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
use super::{AppState, Inner, PageError, charts, layout, now};
use crate::domain::stats::Outcome;
use crate::insights::{Options, Range, ReportSection, Section, build};
use crate::store::StoreError;

/// How long a section is valid where nothing changed: the range itself moves on.
const MAX_AGE: Duration = Duration::from_secs(20);
/// After counting, this many times its duration passes before the next count, whatever changed: at most a third of a core
/// is used.
const PAUSE_FACTOR: u32 = 2;
/// What takes longer to count is shown as it was, counted in the background, and shown then.
const SLOW: Duration = Duration::from_millis(20);
/// Older sections are never shown.
const MAX_STALE_AGE: Duration = Duration::from_secs(30);
/// Sections that are cached at most.
const MAX_SLOTS: usize = 64;

/// Section, range (with a mark where the time before it is meant), platform.
type Key = (ReportSection, String, String);
/// Marks the range of a key as the time before it.
const BEFORE: &str = "before ";

/// A section, and when it was counted.
#[derive(Clone)]
pub(super) struct CountedSection {
    section: Arc<Section>,
    /// When it was counted.
    pub(super) at: Timestamp,
}

impl std::ops::Deref for CountedSection {
    type Target = Section;

    fn deref(&self) -> &Section {
        &self.section
    }
}

struct CacheEntry {
    section: CountedSection,
    change_token: String,
    since: Instant,
    took: Duration,
}

impl CacheEntry {
    /// Whether there is no need to count again.
    fn is_valid(&self, change_token: &str) -> bool {
        self.change_token == change_token && self.since.elapsed() < MAX_AGE
    }

    /// How long to wait before counting again in the background, while this is still shown; `None`: count now.
    fn wait(&self) -> Option<Duration> {
        let age = self.since.elapsed();
        let rest = (self.took * PAUSE_FACTOR).saturating_sub(age);
        (age < MAX_STALE_AGE && (self.took > SLOW || !rest.is_zero())).then_some(rest)
    }
}

#[derive(Default)]
struct Slot {
    entry: Mutex<Option<CacheEntry>>,
    /// One request counts at a time; the others that need the same wait for its result.
    counting: Arc<tokio::sync::Mutex<()>>,
}

impl Slot {
    fn entry(&self) -> MutexGuard<'_, Option<CacheEntry>> {
        self.entry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The cached sections.
#[derive(Default)]
pub(super) struct SectionCache(Mutex<HashMap<Key, Arc<Slot>>>);

impl SectionCache {
    fn slot(&self, key: &Key) -> Arc<Slot> {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if slots.len() >= MAX_SLOTS && !slots.contains_key(key) {
            let old = |slot: &Slot| slot.entry().as_ref().is_none_or(|known| known.since.elapsed() > MAX_AGE);
            slots.retain(|_, slot| Arc::strong_count(slot) > 1 || !old(slot));
        }
        if slots.len() >= MAX_SLOTS && !slots.contains_key(key) {
            // Not cached: counted for this one request.
            return Arc::default();
        }
        Arc::clone(slots.entry(key.clone()).or_default())
    }
}

impl AppState {
    /// Counts the overview in the background, once, so that the first pages need not wait for it.
    pub(super) fn warm(&self) {
        if self.warmed.set(()).is_err() {
            return;
        }
        let state = self.clone();
        tokio::spawn(async move {
            // The longest range first: what it reads serves every other range as well.
            for range in Range::WORDS.iter().rev().filter_map(|word| Range::parse(word).ok()) {
                if let Err(error) = state.section(ReportSection::Overview, &range, None).await {
                    tracing::debug!(?error, "sections could not be counted ahead");
                }
            }
        });
    }

    /// A section, counted now or a moment ago.
    pub(super) async fn section(
        &self,
        part: ReportSection,
        range: &Range,
        platform: Option<&str>,
    ) -> Result<CountedSection, PageError> {
        self.section_of(part, (range, false), platform).await
    }

    /// The same of the time before, which is as long; `None` where the range has no beginning.
    async fn section_before(&self, part: ReportSection, range: &Range) -> Result<Option<CountedSection>, PageError> {
        let period = range.period(self.now(), &self.settings.zone, self.settings.gap);
        if period.before().is_none() {
            return Ok(None);
        }
        self.section_of(part, (range, true), None).await.map(Some)
    }

    async fn section_of(
        &self,
        part: ReportSection,
        (range, before): (&Range, bool),
        platform: Option<&str>,
    ) -> Result<CountedSection, PageError> {
        let word = if before { format!("{BEFORE}{}", range.word()) } else { range.word() };
        let slot = self.sections.slot(&(part, word, platform.unwrap_or_default().to_owned()));
        let token = self.store().change_token().await?;
        let later = {
            let known = slot.entry();
            match known.as_ref() {
                Some(known) if known.is_valid(&token) => return Ok(known.section.clone()),
                Some(known) => known.wait().map(|wait| (wait, known.section.clone())),
                None => None,
            }
        };
        let options = self.options(part, (range.clone(), before), platform).await;
        if let Some((wait, stale)) = later {
            self.count_later(slot, (part, before), options, wait);
            return Ok(stale);
        }
        let _guard = slot.counting.lock().await;
        if let Some(known) = slot.entry().as_ref().filter(|known| known.is_valid(&token)) {
            return Ok(known.section.clone());
        }
        Ok(self.count(&slot, part, &options, token).await?)
    }

    /// Counts in the background, once, and notifies open pages.
    fn count_later(&self, slot: Arc<Slot>, (part, before): (ReportSection, bool), options: Options, wait: Duration) {
        let Ok(guard) = Arc::clone(&slot.counting).try_lock_owned() else { return };
        let state = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(wait).await;
            let counted = async {
                let token = state.store().change_token().await?;
                let options = state.options(part, (options.range, before), options.platform.as_deref()).await;
                state.count(&slot, part, &options, token).await
            };
            match counted.await {
                Ok(_) => state.live.notify(),
                Err(error) => tracing::warn!(%error, "sections could not be counted again"),
            }
            drop(guard);
        });
    }

    async fn count(
        &self,
        slot: &Slot,
        part: ReportSection,
        options: &Options,
        change_token: String,
    ) -> Result<CountedSection, StoreError> {
        let (begun, at) = (Instant::now(), self.now());
        let section = Arc::new(build(self.store(), part, options).await?);
        let counted = CountedSection { section, at };
        let entry = CacheEntry { section: counted.clone(), change_token, since: begun, took: begun.elapsed() };
        *slot.entry() = Some(entry);
        Ok(counted)
    }
}

impl Inner {
    async fn options(&self, part: ReportSection, (range, before): (Range, bool), platform: Option<&str>) -> Options {
        let settings = &self.settings;
        let now = range.period(self.now(), &settings.zone, settings.gap);
        let period = if before { now.before().unwrap_or(now) } else { now };
        Options {
            range,
            period,
            platform: platform.map(str::to_owned),
            money: settings.money,
            response_target_seconds: settings.response_target_seconds,
            clarify_below: settings.model.clarify_below,
            model: if part == ReportSection::Quality { self.model().await } else { None },
        }
    }

    /// The pending alerts.
    pub(super) async fn pending(&self) -> Result<Waiting, PageError> {
        Ok(Waiting::of(&self.store().pending_alerts().await?))
    }
}

/// The time range of an address.
///
/// # Errors
/// When it is no range.
pub(super) fn range(fields: &Fields) -> Result<Range, PageError> {
    if fields.some("from").is_some() || fields.some("to").is_some() {
        let word = format!("{}..{}", fields.get("from"), fields.get("to"));
        return Range::parse(&word).map_err(|_| PageError::BadRequest("These days are no range of time."));
    }
    Range::parse(fields.some("range").unwrap_or("7d")).map_err(|_| PageError::BadRequest("This is no range of time."))
}

/// The label of one of the ranges on offer.
fn label(word: &str) -> String {
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
                        aria-current=[(chosen.word() == word).then_some("true")] { (label(word)) }
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

/// When a page was counted. Every time of the page is by the shop's clock, which is said.
fn counted_at(state: &AppState, at: Timestamp) -> Markup {
    let zone = state.settings.zone.iana_name().unwrap_or("the shop’s clock");
    let counted = state.settings.zone.to_datetime(at).strftime("%-d %b %Y, %H:%M");
    html! { p.note { "Counted " (counted.to_string()) ". Days and hours of this page are those of the shop: " (zone) "." } }
}

/// The conversations that a number of the overview counts.
fn conversations_of(key: &str, range: &Range) -> Option<String> {
    let time = match range {
        Range::Between(from, to) => format!("from={}&to={}", encode(from), encode(to)),
        _ => format!("range={}", encode(&range.word())),
    };
    match key {
        "pending_alerts" => Some("/alerts".to_owned()),
        "undelivered" => Some("/conversations?only=undelivered".to_owned()),
        "users" | "sessions" => Some(format!("/conversations?{time}")),
        "auto_resolution_rate" => Some(format!("/conversations?outcome=resolved&{time}")),
        _ => Outcome::parse(key).map(|_| format!("/conversations?outcome={key}&{time}")),
    }
}

pub(super) async fn overview(
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
    RawQuery(query): RawQuery,
) -> Result<Markup, PageError> {
    let fields = Fields::read(&query.unwrap_or_default());
    let range = range(&fields)?;
    let section = state.section(ReportSection::Overview, &range, None).await?;
    let before = state.section_before(ReportSection::Overview, &range).await?;
    let before = before.as_deref();
    let main = html! {
        div.heading { h1 { "Overview" } p.about { (section.about) } (ranges("/", &range, None)) }
        (now::section(&state, &session).await?)
        (charts::stats_with(&section, before, &|key| conversations_of(key, &range)))
        @if before.is_some() { p.note { "▲ and ▼ compare with the time before, which is as long." } }
        (charts::series(&section))
        (charts::notes(&section))
        (counted_at(&state, section.at))
    };
    Ok(layout::page("/", "Overview", &session, state.pending().await?, &main))
}

pub(super) async fn analytics(
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
    RawQuery(query): RawQuery,
) -> Result<Markup, PageError> {
    let fields = Fields::read(&query.unwrap_or_default());
    // Orders are imported as a whole, often without dates: all of them by default.
    let range = if fields.some("range").or(fields.some("from")).or(fields.some("to")).is_none() {
        Range::All
    } else {
        range(&fields)?
    };
    let platform = fields.some("platform");
    let (orders, refunds, nlu, everything) = try_join!(
        state.section(ReportSection::Orders, &range, platform),
        state.section(ReportSection::Refunds, &range, platform),
        state.section(ReportSection::Nlu, &range, None),
        state.section(ReportSection::Orders, &Range::All, None)
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
        @if session.may_change() {
            @let time = if let Range::Between(from, to) = &range { format!("from={}&to={}", encode(from), encode(to)) } else { format!("range={}", encode(&range.word())) };
            @let of = platform.map(|name| format!("&platform={}", encode(name))).unwrap_or_default();
            p.note { a href=(format!("/export/orders.csv?{time}{of}")) download="" { "These orders as CSV" } }
        }
        @for section in [&orders, &refunds, &nlu].map(std::ops::Deref::deref) {
            section.part aria-label=(section.title) {
                h2 #(section.key) { (section.title) }
                (charts::stats(section, &|_| None))
                (charts::series(section))
                (charts::tables(section))
                (charts::notes(section))
            }
        }
        (counted_at(&state, orders.at.min(refunds.at).min(nlu.at)))
    };
    Ok(layout::page("/analytics", "Analytics", &session, state.pending().await?, &main))
}
