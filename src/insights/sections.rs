//! Builds the sections of the report and of the dashboard from the stats of the store.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::elements::{Chart, Line, Section, Series, Stat, Table, Unit, number, ranked};
use super::options::{Options, ReportSection};
use super::quality::quality;
use crate::domain::currency::{Amount, ShopMoney};
use crate::domain::money::Money;
use crate::domain::refund::{Refund, RefundState};
use crate::domain::stats::{
    AlertStats, ConversationStats, OrderStats, OrderSums, Paid, Period, RefundStats, Sum, Sums, percentile, share,
};
use crate::domain::words::excerpt;
use crate::store::{Result, Store};

/// The most rows of a table.
const MAX_ROWS: usize = 12;
/// The most days of a series without a beginning.
const MOST_DAYS: usize = 4_000;
/// Refunds that are counted as not paid, at most.
const OPEN: u32 = 1_000;
/// The most entries of a list.
const MAX_LISTED: u32 = 20;

/// Builds a section.
///
/// # Errors
/// When the store fails.
pub async fn build(store: &dyn Store, section: ReportSection, options: &Options) -> Result<Section> {
    match section {
        ReportSection::Overview => overview(store, options).await,
        ReportSection::Orders => orders(store, options).await,
        ReportSection::Refunds => refunds(store, options).await,
        ReportSection::Alerts => alerts(store, options).await,
        ReportSection::Conversations => conversations(store, options).await,
        ReportSection::Nlu => nlu(store, options).await,
        ReportSection::Quality => quality(store, options).await,
        ReportSection::Audit => audit(store, options).await,
    }
}

async fn overview(store: &dyn Store, options: &Options) -> Result<Section> {
    let (period, platform) = (&options.period, options.platform.as_deref());
    let rows = store.alert_rows().await?;
    let stats = store.conversation_stats(period, &rows).await?;
    let orders = store.order_stats(period, platform).await?;
    let refunds = store.refund_stats(period, platform).await?;
    let alerts = AlertStats::count(period, &rows);
    let mut section = options.section("overview", "Overview");
    section.stats = vec![
        Stat::count("users", "Customers served", stats.users),
        Stat::count("users_today", "Customers today", stats.users_today),
        Stat::count("sessions", "Conversations", stats.sessions)
            .with(format!("{} messages of customers", formatted(stats.messages))),
        Stat::new("mean_response_ms", "Average response", Unit::Milliseconds, stats.mean_response_ms())
            .with(format!("of {} replies", formatted(stats.responses.len() as u64))),
        Stat::new("p95_response_ms", "95 % answered within", Unit::Milliseconds, stats.p95_response_ms().map(number)),
        Stat::new("intervention_rate", "Human intervention", Unit::Share, stats.intervention_rate()).with(format!(
            "{} of {} conversations",
            formatted(stats.handed_over),
            formatted(stats.sessions)
        )),
        Stat::new("auto_resolution_rate", "Resolved by the bot", Unit::Share, stats.auto_resolution_rate())
            .with(format!("{} so far; {} may re-open", formatted(stats.auto_resolved), formatted(stats.still_open))),
        Stat::count("unanswered", "Unanswered", stats.unanswered).with("the last word was the customer’s"),
        Stat::count("abandoned", "Abandoned", stats.abandoned).with("handed over, and the team wrote nothing in time"),
        Stat::count("reopened", "Re-opened", stats.reopened).with("the customer came back within 24 hours"),
        Stat::count("handed_over", "Handed over", stats.handed_over).with("a person was asked for"),
        Stat::count("pending_alerts", "Pending alerts", alerts.pending)
            .with(format!("{} of them urgent", alerts.pending_high)),
        Stat::count("undelivered", "Undelivered messages now", store.backlog().await?.unsent_parked)
            .with("given up, or failed after they were sent; whenever that was".to_owned()),
        refunds_paid(&refunds),
        refunded(&refunds.total, &options.money),
        refund_share(&refunds, &orders),
        Stat::new("mean_rating", "Service rating", Unit::Stars, orders.total.mean_rating())
            .with(format!("of {} rated orders", formatted(orders.total.rated))),
        triage_reuse(&stats),
        degraded(&stats),
    ];
    section.series = vec![
        intents(&stats),
        sentiment_over_time(period, &stats),
        ratings(&orders),
        response_trend(period, &stats, options.response_target_seconds),
    ];
    undated(&mut section, &orders);
    other_currencies(&mut section, "Refunds", &refunds.total.amounts, &options.money);
    Ok(section)
}

/// The share of orders that were paid back. Refunds count when they are paid, orders when they were placed: where there are more
/// refunds than orders, one is no share of the other.
fn refund_share(refunds: &RefundStats, orders: &OrderStats) -> Stat {
    let (paid, placed) = (refunds.total.refunds, orders.total.orders);
    let value = share(paid, placed).filter(|share| *share <= 1.0);
    let stat = Stat::new("refund_share", "Refunds per order", Unit::Share, value);
    if paid > placed {
        return stat.with(format!(
            "{} refunds paid, {} orders placed in this time",
            formatted(paid),
            formatted(placed)
        ));
    }
    stat.with(format!("of {} orders", formatted(placed)))
}

/// An amount of the shop's own currency, in its units.
fn in_units(amount: Money, money: &ShopMoney) -> f64 {
    amount.in_units(money.currency())
}

/// The sum in the shop's own currency.
fn own(sums: &Sums, money: &ShopMoney) -> Sum {
    sums.of(money.currency())
}

fn refunded(paid: &Paid, money: &ShopMoney) -> Stat {
    let amount = own(&paid.amounts, money).amount;
    Stat::new("refund_amount", "Refunded", Unit::Money(*money), Some(in_units(amount, money)))
}

/// Says what is not in the amounts of a section, since amounts of different currencies cannot be added up.
fn other_currencies(section: &mut Section, what: &str, sums: &Sums, money: &ShopMoney) {
    let others: Vec<String> = sums
        .besides(money.currency())
        .map(|(currency, sum)| {
            format!("{} in {currency} ({})", formatted(sum.count), money.show(Amount::new(sum.amount, currency)))
        })
        .collect();
    if !others.is_empty() {
        let (own, others) = (money.currency(), others.join(", "));
        section.notes.push(format!("The amounts are those in {own}. {what} in other currencies: {others}."));
    }
}

/// A count for display.
fn formatted(count: u64) -> String {
    Unit::Count.show(Some(number(count)))
}

fn triage_reuse(stats: &ConversationStats) -> Stat {
    Stat::new("triage_reuse_rate", "Triage cache hits", Unit::Share, stats.triage_reuse_rate()).with(format!(
        "{} of {} turns needed no new reading",
        formatted(stats.triage_reused),
        formatted(stats.triaged)
    ))
}

fn degraded(stats: &ConversationStats) -> Stat {
    Stat::new("degraded_share", "Language model degraded", Unit::Share, stats.degraded_share()).with(format!(
        "the playbook wrote {} of {} replies in its place",
        formatted(stats.degraded),
        formatted(stats.llm_replies)
    ))
}

fn undated(section: &mut Section, orders: &OrderStats) {
    if orders.undated > 0 {
        section
            .notes
            .push(format!("{} orders have no date, so they belong to no range but “all”.", formatted(orders.undated)));
    }
}

/// The points in time of a period, also those without data. Where it has no beginning, the first with data is the first.
fn points<'a>(period: &Period, seen: impl Iterator<Item = &'a String>) -> Vec<String> {
    let all = period.points();
    if !all.is_empty() {
        return all;
    }
    let seen: Vec<String> = seen.cloned().collect();
    let Some(mut day) = seen.iter().min().and_then(|day| day.parse::<Date>().ok()) else { return seen };
    let last = period.zone.to_datetime(period.until).date();
    let mut days = Vec::new();
    while day <= last && days.len() < MOST_DAYS {
        days.push(day.to_string());
        let Ok(next) = day.tomorrow() else { break };
        day = next;
    }
    // A single message with a wrong year would else leave no room for the others.
    if day <= last { seen } else { days }
}

fn intents(stats: &ConversationStats) -> Series {
    Series::one("intents", "What customers wanted", Chart::Donut, Unit::Count, ranked(&stats.intents))
}

fn sentiment_over_time(period: &Period, stats: &ConversationStats) -> Series {
    let labels = points(period, stats.sentiment_points.keys());
    let lines = stats.sentiments.keys().map(|name| Line {
        name: name.clone(),
        values: labels
            .iter()
            .map(|label| {
                let count = stats.sentiment_points.get(label).and_then(|point| point.get(name));
                Some(number(count.copied().unwrap_or(0)))
            })
            .collect(),
    });
    let lines = lines.collect();
    Series { key: "sentiment", title: "Sentiment over time", chart: Chart::Stack, unit: Unit::Count, labels, lines }
}

fn ratings(orders: &OrderStats) -> Series {
    let values = orders.ratings.iter().map(|(stars, count)| (format!("{stars} ★"), Some(number(*count))));
    Series::one("ratings", "Service ratings", Chart::Bars, Unit::Count, values)
}

fn response_trend(period: &Period, stats: &ConversationStats, target: u32) -> Series {
    let labels = points(period, stats.response_points.keys());
    let line = |name: &str, value: &dyn Fn(&[u64]) -> Option<f64>| Line {
        name: name.to_owned(),
        values: labels.iter().map(|label| stats.response_points.get(label).and_then(|taken| value(taken))).collect(),
    };
    let mut lines = vec![
        line("average", &|taken| crate::domain::stats::mean(taken.iter().sum(), taken.len() as u64)),
        line("95 % within", &|taken| percentile(taken, 0.95).map(number)),
    ];
    if !stats.responses.is_empty() {
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
    money: &ShopMoney,
) -> Table {
    let rows = map.iter().map(|(name, sums)| {
        vec![
            named(name),
            formatted(sums.orders),
            Unit::Share.show(sums.delay_rate()),
            Unit::Minutes.show(sums.mean_minutes()),
            own(&sums.values, money).mean().map_or_else(|| "—".to_owned(), |value| money.show(money.own(value))),
            Unit::Stars.show(sums.mean_rating()),
            Unit::Share.show(sums.refund_request_rate()),
        ]
    });
    let columns = vec![first, "Orders", "Delayed", "Delivery", "Value", "Rating", "Refund asked"];
    Table { key, title, columns, rows: rows.collect() }
}

fn with_value(values: &Sum) -> String {
    format!("of {} with a known value", formatted(values.count))
}

async fn orders(store: &dyn Store, options: &Options) -> Result<Section> {
    let stats = store.order_stats(&options.period, options.platform.as_deref()).await?;
    let (total, money) = (&stats.total, &options.money);
    let (values, unit) = (own(&total.values, money), Unit::Money(*money));
    let mut section = options.section("orders", "Orders");
    section.stats = vec![
        Stat::count("orders", "Orders", total.orders),
        Stat::count("delayed", "Delayed", total.delayed)
            .with(format!("of {} where it is known", formatted(total.delay_known))),
        Stat::new("delay_rate", "Share delayed", Unit::Share, total.delay_rate()),
        Stat::new("delivery_minutes", "Delivery time", Unit::Minutes, total.mean_minutes())
            .with(format!("of {} with a known time", formatted(total.timed))),
        Stat::new("order_value", "Order value", unit, values.mean().map(|value| in_units(value, money)))
            .with(with_value(&values)),
        Stat::new("order_value_total", "Total value", unit, Some(in_units(values.amount, money)))
            .with(with_value(&values)),
        Stat::new("mean_rating", "Service rating", Unit::Stars, total.mean_rating())
            .with(format!("of {} rated", formatted(total.rated))),
        Stat::count("refund_requested", "Refund asked for in the file", total.refund_requested)
            .with(format!("of {} where it is known", formatted(total.refund_known))),
    ];
    let bars = |key, title, unit, map: &BTreeMap<String, OrderSums>, value: fn(&OrderSums) -> Option<f64>| {
        Series::one(key, title, Chart::Bars, unit, map.iter().map(|(name, sums)| (named(name), value(sums))))
    };
    section.series = vec![
        bars("orders_by_platform", "Orders by platform", Unit::Count, &stats.platforms, |sums| {
            Some(number(sums.orders))
        }),
        bars("delivery_by_platform", "Delivery time by platform", Unit::Minutes, &stats.platforms, |sums| {
            sums.mean_minutes()
        }),
        bars("delays_by_category", "Share delayed by category", Unit::Share, &stats.categories, |sums| {
            sums.delay_rate()
        }),
        bars("delivery_by_category", "Delivery time by category", Unit::Minutes, &stats.categories, |sums| {
            sums.mean_minutes()
        }),
        ratings(&stats),
        Series::one(
            "delays_by_hour",
            "Share delayed by hour of the day",
            Chart::Lines,
            Unit::Share,
            stats.hours.iter().map(|(hour, sums)| (format!("{hour:02}:00"), sums.delay_rate())),
        ),
    ];
    section.tables = vec![
        order_table("platforms", "By platform", "Platform", &stats.platforms, money),
        order_table("categories", "By category", "Category", &stats.categories, money),
    ];
    if stats.hours.is_empty() && total.orders > 0 {
        section.notes.push("No order has a date and time, so delays cannot be shown by hour.".to_owned());
    }
    undated(&mut section, &stats);
    other_currencies(&mut section, "Orders", &total.values, money);
    Ok(section)
}

async fn refunds(store: &dyn Store, options: &Options) -> Result<Section> {
    let stats = store.refund_stats(&options.period, options.platform.as_deref()).await?;
    let orders = store.order_stats(&options.period, options.platform.as_deref()).await?;
    let (total, money) = (&stats.total, &options.money);
    let open = store.refunds_in(&[RefundState::Requested, RefundState::Submitted, RefundState::Failed], OPEN).await?;
    let counted =
        |failed: bool| open.iter().filter(|refund| (refund.state() == RefundState::Failed) == failed).count() as u64;
    let mut section = options.section("refunds", "Refunds");
    let paid = own(&total.amounts, money);
    let average = (paid.count > 0).then(|| in_units(paid.amount, money) / number(paid.count));
    section.stats = vec![
        refunds_paid(&stats),
        Stat::count("refunds_under_way", "Refunds under way", counted(false))
            .with("requested or submitted, not paid yet"),
        Stat::count("refunds_failed", "Refunds failed", counted(true)).with("a person decides"),
        refunded(total, money),
        Stat::new("mean_refund", "A refund on average", Unit::Money(*money), average),
        refund_share(&stats, &orders),
    ];
    if stats.elsewhere.refunds > 0 {
        let paid = Stat::count("refunds_elsewhere", "Paid back by another program", stats.elsewhere.refunds);
        let amount = money.show(money.own(own(&stats.elsewhere.amounts, money).amount));
        section.stats.push(paid.with(format!("{amount}, not counted with ours")));
    }
    section.series = refund_series(&options.period, &stats, money);
    section.tables = vec![paid_table(&stats, money)];
    if !open.is_empty() {
        section.tables.push(open_table(&open, money));
    }
    undated(&mut section, &orders);
    other_currencies(&mut section, "Refunds", &total.amounts, money);
    Ok(section)
}

/// How many refunds were paid, and of how many of them only the ledger says so.
fn refunds_paid(stats: &RefundStats) -> Stat {
    let stat = Stat::count("refunds", "Refunds paid", stats.total.refunds);
    match stats.simulated {
        0 => stat,
        some if some == stats.total.refunds => stat.with("simulated: no money moved"),
        some => stat.with(format!("{} of them simulated: no money moved", formatted(some))),
    }
}

/// The latest refunds that are not paid, whenever they were requested.
fn open_table(open: &[Refund], money: &ShopMoney) -> Table {
    let row = |refund: &Refund| {
        let why = refund.progress.reason.as_ref().or(refund.progress.problem.as_ref());
        vec![
            refund.order_id.to_string(),
            money.show(refund.refunded()),
            refund.state().as_str().to_owned(),
            refund.route.provider.as_str().to_owned(),
            refund.at.strftime("%Y-%m-%d %H:%MZ").to_string(),
            why.map_or_else(String::new, |why| excerpt(why, 160)),
        ]
    };
    Table {
        key: "open_refunds",
        title: "Refunds that are not paid",
        columns: vec!["Order", "Amount", "State", "Through", "Requested", "Why"],
        rows: open.iter().take(MAX_ROWS).map(row).collect(),
    }
}

fn refund_series(period: &Period, stats: &RefundStats, money: &ShopMoney) -> Vec<Series> {
    let unit = Unit::Money(*money);
    let value = |paid: &Paid| Some(in_units(own(&paid.amounts, money).amount, money));
    let amounts = |map: &BTreeMap<String, Paid>| -> Vec<(String, Option<f64>)> {
        map.iter().map(|(name, paid)| (named(name), value(paid))).collect()
    };
    let by_time = points(period, stats.points.keys()).into_iter().map(|point| {
        let paid = stats.points.get(&point).map_or(Some(0.0), value);
        (point, paid)
    });
    vec![
        Series::one("refunds_over_time", "Refunded over time", Chart::Stack, unit, by_time),
        Series::one("refunds_by_category", "Refunded by category", Chart::Bars, unit, amounts(&stats.categories)),
        Series::one("refunds_by_platform", "Refunded by platform", Chart::Bars, unit, amounts(&stats.platforms)),
    ]
}

fn paid_table(stats: &RefundStats, money: &ShopMoney) -> Table {
    let mut sorted: Vec<(&String, &Paid)> = stats.reasons.iter().collect();
    sorted.sort_by(|one, other| other.1.refunds.cmp(&one.1.refunds).then(one.0.cmp(other.0)));
    let row = |(reason, paid): (&String, &Paid)| {
        let amount = money.show(money.own(own(&paid.amounts, money).amount));
        vec![excerpt(&named(reason), 120), formatted(paid.refunds), amount]
    };
    Table {
        key: "reasons",
        title: "Most frequent reasons",
        columns: vec!["Reason", "Refunds", "Amount"],
        rows: sorted.into_iter().take(MAX_ROWS).map(row).collect(),
    }
}

async fn alerts(store: &dyn Store, options: &Options) -> Result<Section> {
    let stats = AlertStats::count(&options.period, &store.alert_rows().await?);
    let mut section = options.section("alerts", "Alerts");
    section.stats = vec![
        Stat::count("pending", "Pending now", stats.pending),
        Stat::count("pending_high", "Urgent now", stats.pending_high),
        Stat::count("raised", "Raised", stats.raised),
        Stat::count("resolved", "Of those, resolved", stats.resolved),
        Stat::new("minutes_to_settle", "Time to resolve", Unit::Minutes, stats.mean_minutes()),
    ];
    let by_time = points(&options.period, stats.points.keys()).into_iter().map(|point| {
        let raised = stats.points.get(&point).copied().unwrap_or(0);
        (point, Some(number(raised)))
    });
    let priorities = ["high", "medium", "low"]
        .into_iter()
        .filter_map(|word| stats.priorities.get(word).map(|count| (word.to_owned(), Some(number(*count)))));
    section.series = vec![
        Series::one("alerts_over_time", "Raised over time", Chart::Stack, Unit::Count, by_time),
        Series::one("alerts_by_priority", "Raised by priority", Chart::Bars, Unit::Count, priorities),
    ];
    let latest = store.alerts(MAX_LISTED).await?;
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
    let stats = store.conversation_stats(&options.period, &store.alert_rows().await?).await?;
    let mut section = options.section("conversations", "Conversations");
    section.stats = vec![
        Stat::count("users", "Customers", stats.users),
        Stat::count("sessions", "Conversations", stats.sessions),
        Stat::count("messages", "Messages of customers", stats.messages),
        Stat::count("replies", "Replies of the bot", stats.replies),
        Stat::count("agent_messages", "Messages of the team", stats.agent_messages),
        Stat::count("handed_over", "Handed over", stats.handed_over),
        Stat::count("auto_resolved", "Resolved by the bot", stats.auto_resolved),
        Stat::count("reopened", "Re-opened within 24 hours", stats.reopened),
        Stat::count("unanswered", "Unanswered", stats.unanswered),
        Stat::count("abandoned", "Abandoned", stats.abandoned),
        Stat::new("mean_response_ms", "Average response", Unit::Milliseconds, stats.mean_response_ms()),
        Stat::new("p95_response_ms", "95 % answered within", Unit::Milliseconds, stats.p95_response_ms().map(number)),
        degraded(&stats),
    ];
    let by_time = points(&options.period, stats.session_points.keys()).into_iter().map(|point| {
        let begun = stats.session_points.get(&point).copied().unwrap_or(0);
        (point, Some(number(begun)))
    });
    section.series = vec![
        Series::one("sessions_over_time", "Conversations begun", Chart::Stack, Unit::Count, by_time),
        response_trend(&options.period, &stats, options.response_target_seconds),
    ];
    Ok(section)
}

async fn nlu(store: &dyn Store, options: &Options) -> Result<Section> {
    let stats = store.conversation_stats(&options.period, &[]).await?;
    let mut section = options.section("nlu", "Intents and sentiment");
    section.stats = vec![
        Stat::count("turns", "Turns", stats.turns),
        Stat::count("labelled", "With an intent", stats.intents.values().sum()),
        triage_reuse(&stats),
    ];
    let sentiments = ranked(&stats.sentiments);
    section.series = vec![
        intents(&stats),
        Series::one("sentiments", "How customers sounded", Chart::Bars, Unit::Count, sentiments),
        sentiment_over_time(&options.period, &stats),
    ];
    Ok(section)
}

async fn audit(store: &dyn Store, options: &Options) -> Result<Section> {
    let end = store.audit_length().await?;
    let mut section = Section::new("audit", "Audit trail", "the latest entries".to_owned());
    section.stats = vec![Stat::count("last_entry", "Place of the last entry", end)];
    let from = end.saturating_sub(u64::from(MAX_LISTED)) + 1;
    let entries = store.audit_entries(from, MAX_LISTED).await?;
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
