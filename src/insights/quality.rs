//! The section about the quality of the classification: the model, its confidence, corrections, and drift from the
//! training data.

use std::collections::BTreeMap;

use super::elements::{Chart, Line, Section, Series, Stat, Table, Unit, number, ranked};
use super::model::ModelFacts;
use super::options::Options;
use crate::domain::stats::{CorrectedLabels, CorrectionStats, Drift, share};
use crate::store::{Result, Store};

/// The least number of turns for a meaningful distribution of labels.
const MIN_TURNS: u64 = 100;
/// Characters of a hash that are shown.
const SHORT_HASH: usize = 12;

pub(super) async fn quality(store: &dyn Store, options: &Options) -> Result<Section> {
    let period = &options.period;
    let stats = store.conversation_stats(period, &[]).await?;
    let corrected = CorrectionStats::count(&store.corrections(period.from, period.until).await?);
    let model = options.model.as_deref();
    let training = model.and_then(|model| model.training.as_ref());
    let drift = training.and_then(|training| Drift::between(&training.intents, &stats.intents));
    let (read, unsure) = (stats.confidences.len() as u64, stats.unsure(options.clarify_below));
    let mut section = options.section("quality", "Quality of the readings");
    section.stats = vec![
        Stat::count("read", "Turns read with a known confidence", read),
        Stat::count("abstentions", "Too unsure to act on", unsure)
            .with(format!("below {:.2}: the bot asks what is meant", options.clarify_below)),
        Stat::new("abstention_rate", "Share of those", Unit::Share, share(unsure, read)),
        Stat::count("corrected", "Messages corrected by people", corrected.messages),
        Stat::count("intents_changed", "Intents changed", corrected.intents.changed)
            .with(format!("{} confirmed", corrected.intents.confirmed)),
        Stat::count("sentiments_changed", "Sentiments changed", corrected.sentiments.changed)
            .with(format!("{} confirmed", corrected.sentiments.confirmed)),
        Stat::new("stability_index", "Drift of the intents", Unit::Ratio, drift.map(|drift| drift.stability_index))
            .with("population stability index: below 0.1 is little, above 0.25 much"),
        Stat::new("divergence", "Jensen-Shannon divergence", Unit::Ratio, drift.map(|drift| drift.divergence))
            .with("0: the same mix as in training; 1: nothing in common"),
    ];
    let bins = stats.confidence_bins();
    let bins = bins.iter().enumerate().map(|(bin, count)| (bin_name(bin), (read > 0).then(|| number(*count))));
    section.series = vec![Series::one("confidences", "Confidence in the intent", Chart::Bars, Unit::Count, bins)];
    if let Some(training) = training {
        section.series.push(intent_mix(&training.intents, &stats.intents));
    }
    section.tables = vec![
        confusion_table("intent_confusion", "Corrected intents", &corrected.intents),
        confusion_table("sentiment_confusion", "Corrected sentiments", &corrected.sentiments),
    ];
    if let Some(model) = model {
        section.tables.push(model_table(model));
    }
    match (model, training, drift) {
        (None, ..) => section.notes.push("No model folder could be read: nothing is known of the model.".to_owned()),
        (_, None, _) => section.notes.push(
            "The model's folder does not say what its weights were trained on (training.json), so drift is not known."
                .to_owned(),
        ),
        (.., Some(drift)) => section.notes.push(format!("Drift: {}.", drift.in_words())),
        (.., None) => section.notes.push("No turn has an intent in this time, so drift is not known.".to_owned()),
    }
    let turns: u64 = stats.intents.values().sum();
    if drift.is_some() && turns < MIN_TURNS {
        section.notes.push(format!("Drift is computed from {turns} turns only: chance alone moves so few."));
    }
    if read == 0 && stats.turns > 0 {
        section.notes.push("The confidence of these turns was not saved.".to_owned());
    }
    Ok(section)
}

fn bin_name(bin: usize) -> String {
    let upper = bin + 1;
    format!("0.{bin} to {}.{}", upper / 10, upper % 10)
}

/// The shares of each intent, in training and now.
fn intent_mix(training: &BTreeMap<String, u64>, now: &BTreeMap<String, u64>) -> Series {
    let (all, seen): (u64, u64) = (training.values().sum(), now.values().sum());
    let mut labels = training.clone();
    for label in now.keys() {
        labels.entry(label.clone()).or_default();
    }
    let labels: Vec<String> = ranked(&labels).into_iter().map(|(label, _)| label).collect();
    let line = |name: &str, counts: &BTreeMap<String, u64>, of: u64| Line {
        name: name.to_owned(),
        values: labels.iter().map(|label| share(counts.get(label).copied().unwrap_or(0), of)).collect(),
    };
    let lines = vec![line("in training", training, all), line("now", now, seen)];
    Series {
        key: "intent_mix",
        title: "Intents in training and now",
        chart: Chart::Bars,
        unit: Unit::Share,
        labels,
        lines,
    }
}

fn confusion_table(key: &'static str, title: &'static str, labels: &CorrectedLabels) -> Table {
    let rows = labels.pairs.iter().map(|(predicted, given, count)| {
        let predicted = if predicted.is_empty() { "(none)" } else { predicted };
        vec![predicted.to_owned(), given.clone(), Unit::Count.show(Some(number(*count)))]
    });
    Table { key, title, columns: vec!["The model said", "A person says", "Messages"], rows: rows.collect() }
}

fn model_table(model: &ModelFacts) -> Table {
    let row = |name: &str, value: String| vec![name.to_owned(), value];
    let mut rows = vec![
        row("Folder", model.folder.clone()),
        row("Weights (SHA-256)", model.sha256.chars().take(SHORT_HASH).collect::<String>() + "…"),
        row("Network", model.network.clone()),
        row("Intents", model.intents.join(", ")),
        row("Sentiments", model.sentiments.join(", ")),
    ];
    rows.extend(model.other_heads.iter().map(|(head, labels)| row(head, labels.join(", "))));
    if let Some(training) = &model.training {
        rows.push(row("Trained on", format!("{} messages", Unit::Count.show(Some(number(training.rows))))));
        for score in &training.scores {
            let scores = format!(
                "accuracy {:.4}, macro F1 {:.4}, calibration error {:.4} ({} rows)",
                score.accuracy,
                score.f1_macro,
                score.calibration_error,
                Unit::Count.show(Some(number(score.rows)))
            );
            rows.push(row(&format!("{} on validation rows", score.task), scores));
        }
    }
    Table { key: "model", title: "The model", columns: vec!["What", "Value"], rows }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::Timestamp;
    use jiff::tz::TimeZone;

    use super::*;
    use crate::domain::correction::Correction;
    use crate::domain::ids::UserId;
    use crate::domain::message::{Basis, ChatMessage, Role};
    use crate::insights::{Range, ReportSection, TrainingFacts, build};
    use crate::store::sqlite::SqliteStore;
    use crate::store::{Corrections as _, Transcript as _};

    fn options(model: Option<ModelFacts>) -> Options {
        let range = Range::parse("all").unwrap();
        let now = Timestamp::from_second(1_750_100_000).unwrap();
        Options {
            period: range.period(now, &TimeZone::UTC, jiff::SignedDuration::from_hours(24)),
            range,
            platform: None,
            money: crate::domain::currency::ShopMoney::default(),
            response_target_seconds: 5,
            clarify_below: 0.45,
            model: model.map(Arc::new),
        }
    }

    #[tokio::test]
    async fn unknown_values_are_not_shown() {
        let store = SqliteStore::scratch().unwrap();
        let section = build(&store, ReportSection::Quality, &options(None)).await.unwrap();
        let value = |key: &str| section.stats.iter().find(|stat| stat.key == key).unwrap().value;
        assert_eq!((value("read"), value("abstention_rate"), value("stability_index")), (Some(0.0), None, None));
        assert!(section.series.iter().all(Series::is_empty));
        assert!(section.notes.iter().any(|note| note.contains("No model folder")), "{:?}", section.notes);
    }

    #[tokio::test]
    async fn the_stats_are_those_of_the_messages() {
        let store = SqliteStore::scratch().unwrap();
        let said: Vec<ChatMessage> = [(1, "track_order", 0.95), (2, "other", 0.30), (3, "track_order", 0.44)]
            .into_iter()
            .map(|(turn, intent, confidence)| ChatMessage {
                user_id: UserId::new("1"),
                role: Role::User,
                text: format!("message {turn}"),
                at: Timestamp::from_second(1_750_000_000 + i64::try_from(turn).unwrap()).unwrap(),
                turn,
                intent: Some(intent.to_owned()),
                sentiment: Some("neutral".to_owned()),
                response_ms: None,
                basis: Basis { intent_confidence: Some(confidence), reused: Some(false), ..Basis::default() },
            })
            .collect();
        store.append_messages(&said).await.unwrap();
        let one = Correction {
            intent: Some("request_refund".to_owned()),
            ..Correction::of(&said[1], "operator:a", said[2].at)
        };
        assert!(store.correct(&one).await.unwrap());
        let intents = BTreeMap::from([("track_order".to_owned(), 50), ("other".to_owned(), 50)]);
        let training = TrainingFacts { rows: 100, intents, scores: Vec::new() };
        let facts = ModelFacts { training: Some(training), ..ModelFacts::default() };
        let section = build(&store, ReportSection::Quality, &options(Some(facts))).await.unwrap();
        let value = |key: &str| section.stats.iter().find(|stat| stat.key == key).unwrap().value;
        assert_eq!((value("read"), value("abstentions")), (Some(3.0), Some(2.0)));
        assert_eq!(value("abstention_rate"), Some(2.0 / 3.0));
        assert_eq!((value("corrected"), value("intents_changed")), (Some(1.0), Some(1.0)));
        let (a, b) = (2.0_f64 / 3.0, 1.0_f64 / 3.0);
        let expected = (a - 0.5) * (a / 0.5).ln() + (b - 0.5) * (b / 0.5).ln();
        assert!((value("stability_index").unwrap() - expected).abs() < 1e-12);
        let confidences = section.series.iter().find(|series| series.key == "confidences").unwrap();
        let counts: Vec<f64> = confidences.lines[0].values.iter().map(|value| value.unwrap()).collect();
        assert_eq!(counts, [0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
        assert_eq!(confidences.labels[9], "0.9 to 1.0");
        let mix = section.series.iter().find(|series| series.key == "intent_mix").unwrap();
        assert_eq!(mix.labels, ["other", "track_order"]);
        assert_eq!(mix.lines[1].values, [Some(1.0 / 3.0), Some(2.0 / 3.0)]);
        let table = section.tables.iter().find(|table| table.key == "intent_confusion").unwrap();
        assert_eq!(table.rows, [["other", "request_refund", "1"]]);
        assert!(section.notes.iter().any(|note| note.contains("3 turns only")), "{:?}", section.notes);
    }
}
