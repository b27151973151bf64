//! The quality of the model as far as it is known: what people corrected, and how far the mix of intents has drifted
//! from the training data.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::domain::correction::Correction;

/// The share that replaces 0, for which a population stability index is not defined.
const SMALLEST_SHARE: f64 = 1e-4;

/// Corrections of one task.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct CorrectedLabels {
    /// Messages with another label than the predicted one.
    pub changed: u64,
    /// Messages whose predicted label was confirmed.
    pub confirmed: u64,
    /// Changed messages by predicted and given label, the most frequent first.
    pub pairs: Vec<(String, String, u64)>,
}

/// Corrections of both tasks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct CorrectionStats {
    /// Messages with a correction.
    pub messages: u64,
    /// Their intents.
    pub intents: CorrectedLabels,
    /// Their sentiments.
    pub sentiments: CorrectedLabels,
}

impl CorrectionStats {
    /// Counts corrections; each message may be there once only.
    pub fn count(corrections: &[Correction]) -> Self {
        let of = |pick: fn(&Correction) -> (&Option<String>, &Option<String>)| {
            let mut labels = CorrectedLabels::default();
            let mut pairs: BTreeMap<(String, String), u64> = BTreeMap::new();
            for (predicted, given) in corrections.iter().map(pick) {
                let Some(given) = given else { continue };
                if predicted.as_ref() == Some(given) {
                    labels.confirmed += 1;
                    continue;
                }
                labels.changed += 1;
                *pairs.entry((predicted.clone().unwrap_or_default(), given.clone())).or_default() += 1;
            }
            labels.pairs = pairs.into_iter().map(|((predicted, given), count)| (predicted, given, count)).collect();
            labels.pairs.sort_by_key(|pair| std::cmp::Reverse(pair.2));
            labels
        };
        Self {
            messages: corrections.len() as u64,
            intents: of(|one| (&one.predicted_intent, &one.intent)),
            sentiments: of(|one| (&one.predicted_sentiment, &one.sentiment)),
        }
    }
}

/// The distance between two mixes of labels.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Drift {
    /// Population stability index: the sum of `(b − a) · ln(b / a)` over the shares of each label; 0 for equal mixes,
    /// without an upper bound. A share of 0 counts as 0.0001.
    pub stability_index: f64,
    /// Jensen-Shannon divergence in bits: 0 for equal mixes, 1 for mixes that have no label in common.
    pub divergence: f64,
}

impl Drift {
    /// Compares two mixes by their counts; `None` where one of them is empty.
    #[expect(clippy::cast_precision_loss, reason = "counts of messages, far below 2^53")]
    pub fn between(expected: &BTreeMap<String, u64>, found: &BTreeMap<String, u64>) -> Option<Self> {
        let (all, seen): (u64, u64) = (expected.values().sum(), found.values().sum());
        if all == 0 || seen == 0 {
            return None;
        }
        let labels: BTreeSet<&String> = expected.keys().chain(found.keys()).collect();
        let mut drift = Self { stability_index: 0.0, divergence: 0.0 };
        for label in labels {
            let share =
                |counts: &BTreeMap<String, u64>, of: u64| counts.get(label).copied().unwrap_or(0) as f64 / of as f64;
            let (a, b) = (share(expected, all), share(found, seen));
            let middle = f64::midpoint(a, b);
            let term = |share: f64| if share > 0.0 { share * (share / middle).log2() / 2.0 } else { 0.0 };
            drift.divergence += term(a) + term(b);
            let (a, b) = (a.max(SMALLEST_SHARE), b.max(SMALLEST_SHARE));
            drift.stability_index += (b - a) * (b / a).ln();
        }
        Some(drift)
    }

    /// An explanation by the usual bounds of the stability index: 0.1 and 0.25.
    pub fn in_words(&self) -> &'static str {
        if self.stability_index < 0.1 {
            "customers write about what the model was trained on"
        } else if self.stability_index < 0.25 {
            "the mix has moved: look at which intents grew, and correct some messages of them"
        } else {
            "the mix is another one than in training: correct messages, export them and train again"
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::domain::ids::UserId;

    fn counts(of: &[(&str, u64)]) -> BTreeMap<String, u64> {
        of.iter().map(|(label, count)| ((*label).to_owned(), *count)).collect()
    }

    #[test]
    fn drift_is_that_of_the_textbook() {
        let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-9, "{a} {b}");
        let training = counts(&[("a", 50), ("b", 50)]);
        let same = Drift::between(&training, &counts(&[("a", 3), ("b", 3)])).unwrap();
        near(same.stability_index, 0.0);
        near(same.divergence, 0.0);
        // (0.7 - 0.5) ln(0.7/0.5) + (0.3 - 0.5) ln(0.3/0.5)
        let moved = Drift::between(&training, &counts(&[("a", 7), ("b", 3)])).unwrap();
        near(moved.stability_index, 0.2 * 1.4_f64.ln() - 0.2 * 0.6_f64.ln());
        // H(0.6, 0.4) - (H(0.5, 0.5) + H(0.7, 0.3)) / 2, in bits.
        let entropy = |p: f64| -p * p.log2() - (1.0 - p) * (1.0 - p).log2();
        near(moved.divergence, entropy(0.6) - f64::midpoint(entropy(0.5), entropy(0.7)));
        let apart = Drift::between(&training, &counts(&[("c", 9)])).unwrap();
        near(apart.divergence, 1.0);
        assert!(apart.stability_index > 5.0 && apart.stability_index.is_finite());
        assert_eq!(Drift::between(&training, &counts(&[])), None);
        assert_eq!(Drift::between(&counts(&[("a", 0)]), &training), None);
        assert!(same.in_words() != moved.in_words() && moved.in_words() != apart.in_words());
    }

    #[test]
    fn corrections_are_counted_by_pair() {
        let one = |predicted: &str, given: Option<&str>, sentiment: Option<&str>| Correction {
            user_id: UserId::new("1"),
            turn: 1,
            text: "t".to_owned(),
            said_at: Timestamp::UNIX_EPOCH,
            predicted_intent: Some(predicted.to_owned()),
            predicted_sentiment: Some("neutral".to_owned()),
            intent: given.map(str::to_owned),
            sentiment: sentiment.map(str::to_owned),
            by: "operator:a".to_owned(),
            at: Timestamp::UNIX_EPOCH,
        };
        let stats = CorrectionStats::count(&[
            one("a", Some("b"), None),
            one("a", Some("a"), Some("negative")),
            one("b", Some("a"), Some("neutral")),
            one("a", Some("b"), None),
            one("a", None, Some("positive")),
        ]);
        assert_eq!((stats.messages, stats.intents.changed, stats.intents.confirmed), (5, 3, 1));
        let pair = |from: &str, to: &str, count| (from.to_owned(), to.to_owned(), count);
        assert_eq!(stats.intents.pairs, [pair("a", "b", 2), pair("b", "a", 1)]);
        assert_eq!((stats.sentiments.changed, stats.sentiments.confirmed), (2, 1));
        assert_eq!(CorrectionStats::count(&[]), CorrectionStats::default());
    }
}
