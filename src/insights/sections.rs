//! Decides which figures, series and tables make up each part of the report and of the dashboard.
//!
//! It must never count anything itself: the store and `domain/figures.rs` do.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::quality::{ModelFacts, quality};
use super::range::Range;
use super::shape::{Chart, Figure, Line, Section, Series, Table, Unit, in_rupees, number};
use crate::domain::figures::{
    AlertFigures, OrderFigures, OrderSums, Paid, Period, RefundFigures, TalkFigures, percentile, share,
};
use crate::domain::words::excerpt;
use crate::store::{Result, Store};

/// Rows of a table at most.
const MOST_ROWS: usize = 12;
/// Entries of lists at most.
const MOST_LISTED: u32 = 20;

/// The parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// What a team lead looks at first.
    Overview,
    /// Orders, delays, ratings.
    Orders,
    /// Refunds that were paid.
    Refunds,
    /// Requests for a person.
    Alerts,
    /// Who wrote, how much, and how fast the answers were.
    Conversations,
    /// What customers wanted and how they sounded.
    Nlu,
    /// What the model is, how sure it was, and what people corrected.
    Quality,
    /// The audit trail.
    Audit,
}

impl Part {
    /// All, in the order of the whole report.
    pub const ALL: [Self; 8] = [
        Self::Overview,
        Self::Orders,
        Self::Refunds,
        Self::Alerts,
        Self::Conversations,
        Self::Nlu,
        Self::Quality,
        Self::Audit,
    ];
}

/// What is looked at.
#[derive(Debug, Clone)]
pub struct Options {
    /// Which time, as it was asked for.
    pub range: Range,
    /// The same as it is now.
    pub period: Period,
    /// Only orders and refunds of this platform.
    pub platform: Option<String>,
    /// Within how many seconds a customer is to be answered.
    pub response_target_seconds: u32,
    /// Below this confidence in the intent the bot asks instead of acting.
    pub clarify_below: f64,
    /// What is known of the model that reads messages.
    pub model: Option<Arc<ModelFacts>>,
}

impl Options {
    pub(super) fn section(&self, key: &'static str, title: &'static str) -> Section {
        let mut about = self.range.title();
        if let Some(platform) = &self.platform {
            about += &format!(", {platform}");
        }
        Section::new(key, title, about)
    }
}

/// Makes a part.
///
/// # Errors
/// When the store fails.
pub async fn build(store: &dyn Store, part: Part, options: &Options) -> Result<Section> {
    match part {
        Part::Overview => overview(store, options).await,
        Part::Orders => orders(store, options).await,
        Part::Refunds => refunds(store, options).await,
        Part::Alerts => alerts(store, options).await,
        Part::Conversations => conversations(store, options).await,
        Part::Nlu => nlu(store, options).await,
        Part::Quality => quality(store, options).await,
        Part::Audit => audit(store, options).await,
    }
}

async fn overview(store: &dyn Store, options: &Options) -> Result<Section> {
    let (period, platform) = (&options.period, options.platform.as_deref());
    let rows = store.alert_rows().await?;
    let talk = store.talk_figures(period, &rows).await?;
    let orders = store.order_figures(period, platform).await?;
    let refunds = store.refund_figures(period, platform).await?;
    let alerts = AlertFigures::count(period, &rows);
    let mut section = options.section("overview", "Overview");
    let refund_share = (orders.total.orders > 0).then(|| share(refunds.total.refunds, orders.total.orders)).flatten();
    section.figures = vec![
        Figure::count("users", "Customers served", talk.users),
        Figure::count("users_today", "Customers today", talk.users_today),
        Figure::count("sessions", "Conversations", talk.sessions)
            .with(format!("{} messages of customers", counted(talk.messages))),
        Figure::new("mean_response_ms", "Average response", Unit::Milliseconds, talk.mean_response_ms())
            .with(format!("of {} replies", counted(talk.responses.len() as u64))),
        Figure::new("p95_response_ms", "95 % answered within", Unit::Milliseconds, talk.p95_response_ms().map(number)),
        Figure::new("intervention_rate", "Human intervention", Unit::Share, talk.intervention_rate()).with(format!(
            "{} of {} conversations",
            counted(talk.handed_over),
            counted(talk.sessions)
        )),
        Figure::new("auto_resolution_rate", "Resolved by the bot", Unit::Share, talk.auto_resolution_rate())
            .with(format!("{} so far; {} may re-open", counted(talk.auto_resolved), counted(talk.still_open))),
        Figure::count("pending_alerts", "Pending alerts", alerts.pending)
            .with(format!("{} of them urgent", alerts.pending_high)),
        Figure::count("refunds", "Refunds paid", refunds.total.refunds),
        Figure::new("refund_amount", "Refunded", Unit::Rupees, Some(in_rupees(refunds.total.amount))),
        Figure::new("refund_share", "Refunds per order", Unit::Share, refund_share)
            .with(format!("of {} orders", counted(orders.total.orders))),
        Figure::new("mean_rating", "Service rating", Unit::Stars, orders.total.mean_rating())
            .with(format!("of {} rated orders", counted(orders.total.rated))),
        triage_reuse(&talk),
        degraded(&talk),
    ];
    section.series = vec![
        intents(&talk),
        sentiment_over_time(period, &talk),
        ratings(&orders),
        response_trend(period, &talk, options.response_target_seconds),
    ];
    undated(&mut section, &orders);
    Ok(section)
}

/// A count as people read it.
fn counted(count: u64) -> String {
    Unit::Count.show(Some(number(count)))
}

fn triage_reuse(talk: &TalkFigures) -> Figure {
    Figure::new("triage_reuse_rate", "Triage cache hits", Unit::Share, talk.triage_reuse_rate()).with(format!(
        "{} of {} turns needed no new reading",
        counted(talk.triage_reused),
        counted(talk.triaged)
    ))
}

fn degraded(talk: &TalkFigures) -> Figure {
    Figure::new("degraded_share", "Language model degraded", Unit::Share, talk.degraded_share()).with(format!(
        "the playbook wrote {} of {} replies in its place",
        counted(talk.degraded),
        counted(talk.llm_replies)
    ))
}

fn undated(section: &mut Section, orders: &OrderFigures) {
    if orders.undated > 0 {
        section
            .notes
            .push(format!("{} orders have no date, so they belong to no range but “all”.", counted(orders.undated)));
    }
}

/// Values under names, the largest first.
pub(super) fn ranked(map: &BTreeMap<String, u64>) -> Vec<(String, Option<f64>)> {
    let mut sorted: Vec<(&String, &u64)> = map.iter().collect();
    sorted.sort_by(|one, other| other.1.cmp(one.1).then(one.0.cmp(other.0)));
    sorted.into_iter().map(|(name, count)| (name.clone(), Some(number(*count)))).collect()
}

/// The points of a period, or those where something happened.
fn points<'a>(period: &Period, seen: impl Iterator<Item = &'a String>) -> Vec<String> {
    let all = period.points();
    if all.is_empty() { seen.cloned().collect() } else { all }
}

fn intents(talk: &TalkFigures) -> Series {
    Series::one("intents", "What customers wanted", Chart::Donut, Unit::Count, ranked(&talk.intents))
}

fn sentiment_over_time(period: &Period, talk: &TalkFigures) -> Series {
    let labels = points(period, talk.sentiment_points.keys());
    let lines = talk.sentiments.keys().map(|name| Line {
        name: name.clone(),
        values: labels
            .iter()
            .map(|label| {
                let there = talk.sentiment_points.get(label).and_then(|point| point.get(name));
                Some(number(there.copied().unwrap_or(0)))
            })
            .collect(),
    });
    let lines = lines.collect();
    Series { key: "sentiment", title: "Sentiment over time", chart: Chart::Stack, unit: Unit::Count, labels, lines }
}

fn ratings(orders: &OrderFigures) -> Series {
    let values = orders.ratings.iter().map(|(stars, count)| (format!("{stars} ★"), Some(number(*count))));
    Series::one("ratings", "Service ratings", Chart::Bars, Unit::Count, values)
}

fn response_trend(period: &Period, talk: &TalkFigures, target: u32) -> Series {
    let labels = points(period, talk.response_points.keys());
    let line = |name: &str, value: &dyn Fn(&[u64]) -> Option<f64>| Line {
        name: name.to_owned(),
        values: labels.iter().map(|label| talk.response_points.get(label).and_then(|taken| value(taken))).collect(),
    };
    let mut lines = vec![
        line("average", &|taken| crate::domain::figures::mean(taken.iter().sum(), taken.len() as u64)),
        line("95 % within", &|taken| percentile(taken, 0.95).map(number)),
    ];
    if !talk.responses.is_empty() {
        lines.push(Line { name: "target".to_owned(), values: vec![Some(f64::from(target) * 1_000.0); labels.len()] });
    }
    Series {
        key: "response_trend",
        title: "Response time",
        chart: Chart::Lines,
        unit: Unit::Milliseconds,
        labels,
        lines,
    }
}

fn named(name: &str) -> String {
    if name.is_empty() { "(not known)".to_owned() } else { name.to_owned() }
}

fn order_table(
    key: &'static str,
    title: &'static str,
    first: &'static str,
    map: &BTreeMap<String, OrderSums>,
) -> Table {
    let rows = map.iter().map(|(name, sums)| {
        vec![
            named(name),
            counted(sums.orders),
            Unit::Share.show(sums.delay_rate()),
            Unit::Minutes.show(sums.mean_minutes()),
            sums.mean_value().map_or_else(|| "—".to_owned(), |value| value.to_string()),
            Unit::Stars.show(sums.mean_rating()),
            Unit::Share.show(share(sums.refund_requested, sums.orders)),
        ]
    });
    let columns = vec![first, "Orders", "Delayed", "Delivery", "Value", "Rating", "Refund asked"];
    Table { key, title, columns, rows: rows.collect() }
}

async fn orders(store: &dyn Store, options: &Options) -> Result<Section> {
    let figures = store.order_figures(&options.period, options.platform.as_deref()).await?;
    let total = &figures.total;
    let mut section = options.section("orders", "Orders");
    section.figures = vec![
        Figure::count("orders", "Orders", total.orders),
        Figure::count("delayed", "Delayed", total.delayed)
            .with(format!("of {} where it is known", counted(total.delay_known))),
        Figure::new("delay_rate", "Share delayed", Unit::Share, total.delay_rate()),
        Figure::new("delivery_minutes", "Delivery time", Unit::Minutes, total.mean_minutes()),
        Figure::new("order_value", "Order value", Unit::Rupees, total.mean_value().map(in_rupees)),
        Figure::new("order_value_total", "Value together", Unit::Rupees, Some(in_rupees(total.value))),
        Figure::new("mean_rating", "Service rating", Unit::Stars, total.mean_rating()),
        Figure::count("refund_requested", "Refund asked for in the file", total.refund_requested),
    ];
    let bars = |key, title, unit, map: &BTreeMap<String, OrderSums>, value: fn(&OrderSums) -> Option<f64>| {
        Series::one(key, title, Chart::Bars, unit, map.iter().map(|(name, sums)| (named(name), value(sums))))
    };
    section.series = vec![
        bars("orders_by_platform", "Orders by platform", Unit::Count, &figures.platforms, |sums| {
            Some(number(sums.orders))
        }),
        bars("delivery_by_platform", "Delivery time by platform", Unit::Minutes, &figures.platforms, |sums| {
            sums.mean_minutes()
        }),
        bars("delays_by_category", "Share delayed by category", Unit::Share, &figures.categories, |sums| {
            sums.delay_rate()
        }),
        bars("delivery_by_category", "Delivery time by category", Unit::Minutes, &figures.categories, |sums| {
            sums.mean_minutes()
        }),
        ratings(&figures),
        Series::one(
            "delays_by_hour",
            "Share delayed by hour of the day",
            Chart::Lines,
            Unit::Share,
            figures.hours.iter().map(|(hour, sums)| (format!("{hour:02}:00"), sums.delay_rate())),
        ),
    ];
    section.tables = vec![
        order_table("platforms", "By platform", "Platform", &figures.platforms),
        order_table("categories", "By category", "Category", &figures.categories),
    ];
    if figures.hours.is_empty() && total.orders > 0 {
        section.notes.push("No order has a date and time, so delays cannot be told by hour.".to_owned());
    }
    undated(&mut section, &figures);
    Ok(section)
}

async fn refunds(store: &dyn Store, options: &Options) -> Result<Section> {
    let figures = store.refund_figures(&options.period, options.platform.as_deref()).await?;
    let orders = store.order_figures(&options.period, options.platform.as_deref()).await?;
    let total = figures.total;
    let mut section = options.section("refunds", "Refunds");
    let refund_share = (orders.total.orders > 0).then(|| share(total.refunds, orders.total.orders)).flatten();
    let average = (total.refunds > 0).then(|| in_rupees(total.amount) / number(total.refunds));
    section.figures = vec![
        Figure::count("refunds", "Refunds paid", total.refunds),
        Figure::new("refund_amount", "Refunded", Unit::Rupees, Some(in_rupees(total.amount))),
        Figure::new("mean_refund", "A refund on average", Unit::Rupees, average),
        Figure::new("refund_share", "Refunds per order", Unit::Share, refund_share)
            .with(format!("of {} orders", counted(orders.total.orders))),
    ];
    section.series = refund_series(&options.period, &figures);
    section.tables = vec![paid_table(&figures)];
    undated(&mut section, &orders);
    Ok(section)
}

fn refund_series(period: &Period, figures: &RefundFigures) -> Vec<Series> {
    let amounts = |map: &BTreeMap<String, Paid>| -> Vec<(String, Option<f64>)> {
        map.iter().map(|(name, paid)| (named(name), Some(in_rupees(paid.amount)))).collect()
    };
    let by_time = points(period, figures.points.keys()).into_iter().map(|point| {
        let paid = figures.points.get(&point).copied().unwrap_or_default();
        (point, Some(in_rupees(paid.amount)))
    });
    vec![
        Series::one("refunds_over_time", "Refunded over time", Chart::Stack, Unit::Rupees, by_time),
        Series::one(
            "refunds_by_category",
            "Refunded by category",
            Chart::Bars,
            Unit::Rupees,
            amounts(&figures.categories),
        ),
        Series::one(
            "refunds_by_platform",
            "Refunded by platform",
            Chart::Bars,
            Unit::Rupees,
            amounts(&figures.platforms),
        ),
    ]
}

fn paid_table(figures: &RefundFigures) -> Table {
    let mut sorted: Vec<(&String, &Paid)> = figures.reasons.iter().collect();
    sorted.sort_by(|one, other| other.1.refunds.cmp(&one.1.refunds).then(one.0.cmp(other.0)));
    let row = |(reason, paid): (&String, &Paid)| {
        vec![excerpt(&named(reason), 120), counted(paid.refunds), paid.amount.to_string()]
    };
    Table {
        key: "reasons",
        title: "Most frequent reasons",
        columns: vec!["Reason", "Refunds", "Amount"],
        rows: sorted.into_iter().take(MOST_ROWS).map(row).collect(),
    }
}

async fn alerts(store: &dyn Store, options: &Options) -> Result<Section> {
    let figures = AlertFigures::count(&options.period, &store.alert_rows().await?);
    let mut section = options.section("alerts", "Alerts");
    section.figures = vec![
        Figure::count("pending", "Pending now", figures.pending),
        Figure::count("pending_high", "Urgent now", figures.pending_high),
        Figure::count("raised", "Raised", figures.raised),
        Figure::count("resolved", "Of those, settled", figures.resolved),
        Figure::new("minutes_to_settle", "Time to settle", Unit::Minutes, figures.mean_minutes()),
    ];
    let by_time = points(&options.period, figures.points.keys()).into_iter().map(|point| {
        let raised = figures.points.get(&point).copied().unwrap_or(0);
        (point, Some(number(raised)))
    });
    let priorities = ["high", "medium", "low"]
        .into_iter()
        .filter_map(|word| figures.priorities.get(word).map(|count| (word.to_owned(), Some(number(*count)))));
    section.series = vec![
        Series::one("alerts_over_time", "Raised over time", Chart::Stack, Unit::Count, by_time),
        Series::one("alerts_by_priority", "Raised by priority", Chart::Bars, Unit::Count, priorities),
    ];
    let latest = store.alerts(MOST_LISTED).await?;
    let rows = latest.iter().filter(|alert| alert.status == crate::domain::alert::AlertStatus::Pending).map(|alert| {
        vec![
            alert.priority.as_str().to_owned(),
            alert.created_at.strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
            alert.user_id.as_str().to_owned(),
            excerpt(&alert.reason, 120),
        ]
    });
    section.tables = vec![Table {
        key: "pending_alerts",
        title: "Pending, the most urgent first",
        columns: vec!["Priority", "Raised", "Customer", "Reason"],
        rows: rows.collect(),
    }];
    Ok(section)
}

async fn conversations(store: &dyn Store, options: &Options) -> Result<Section> {
    let talk = store.talk_figures(&options.period, &store.alert_rows().await?).await?;
    let mut section = options.section("conversations", "Conversations");
    section.figures = vec![
        Figure::count("users", "Customers", talk.users),
        Figure::count("sessions", "Conversations", talk.sessions),
        Figure::count("messages", "Messages of customers", talk.messages),
        Figure::count("replies", "Replies of the bot", talk.replies),
        Figure::count("agent_messages", "Messages of the team", talk.agent_messages),
        Figure::count("handed_over", "Handed over", talk.handed_over),
        Figure::count("auto_resolved", "Resolved by the bot", talk.auto_resolved),
        Figure::count("reopened", "Re-opened within 24 hours", talk.reopened),
        Figure::new("mean_response_ms", "Average response", Unit::Milliseconds, talk.mean_response_ms()),
        Figure::new("p95_response_ms", "95 % answered within", Unit::Milliseconds, talk.p95_response_ms().map(number)),
        degraded(&talk),
    ];
    let by_time = points(&options.period, talk.session_points.keys()).into_iter().map(|point| {
        let begun = talk.session_points.get(&point).copied().unwrap_or(0);
        (point, Some(number(begun)))
    });
    section.series = vec![
        Series::one("sessions_over_time", "Conversations begun", Chart::Stack, Unit::Count, by_time),
        response_trend(&options.period, &talk, options.response_target_seconds),
    ];
    Ok(section)
}

async fn nlu(store: &dyn Store, options: &Options) -> Result<Section> {
    let talk = store.talk_figures(&options.period, &[]).await?;
    let mut section = options.section("nlu", "Intents and sentiment");
    section.figures = vec![
        Figure::count("turns", "Turns", talk.turns),
        Figure::count("labelled", "With an intent", talk.intents.values().sum()),
        triage_reuse(&talk),
    ];
    let sentiments = ranked(&talk.sentiments);
    section.series = vec![
        intents(&talk),
        Series::one("sentiments", "How customers sounded", Chart::Bars, Unit::Count, sentiments),
        sentiment_over_time(&options.period, &talk),
    ];
    Ok(section)
}

async fn audit(store: &dyn Store, options: &Options) -> Result<Section> {
    let end = store.audit_length().await?;
    let mut section = Section::new("audit", "Audit trail", "the latest entries".to_owned());
    section.figures = vec![Figure::count("last_entry", "Place of the last entry", end)];
    let from = end.saturating_sub(u64::from(MOST_LISTED)) + 1;
    let entries = store.audit_entries(from, MOST_LISTED).await?;
    let rows = entries.iter().rev().map(|entry| match entry.record() {
        Some(record) => vec![
            entry.seq.to_string(),
            options.period.zone.to_datetime(record.at).strftime("%Y-%m-%d %H:%M:%S").to_string(),
            record.actor,
            record.action,
            excerpt(&record.result.to_string(), 100),
        ],
        None => vec![entry.seq.to_string(), String::new(), String::new(), String::new(), "(cannot be read)".to_owned()],
    });
    section.tables = vec![Table {
        key: "entries",
        title: "Latest entries",
        columns: vec!["Place", "Time", "Actor", "Call", "Result"],
        rows: rows.collect(),
    }];
    section.notes.push("Whether the chain holds: ecomres report audit --verify".to_owned());
    Ok(section)
}
