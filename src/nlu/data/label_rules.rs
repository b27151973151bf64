//! Labels by rules that a person can read and change. A message that no rule fits stays unlabelled.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::NluError;

/// The rules that are used by default.
pub const LABEL_RULES: &str = include_str!("../../../data/label_rules.toml");

/// All rules.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelRules {
    /// For order feedback.
    pub orders: OrderRules,
    /// For support tickets.
    pub support: SupportRules,
}

/// Rules for order feedback.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderRules {
    /// Names of the text's column.
    pub text: Vec<String>,
    /// Names of the rating's column.
    pub rating: Vec<String>,
    rule: Vec<OrderRule>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct OrderRule {
    #[serde(default)]
    when: Vec<String>,
    #[serde(default)]
    unless: Vec<String>,
    rating: Option<[f64; 2]>,
    intent: String,
    sentiment: Option<String>,
}

/// Rules for support tickets.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SupportRules {
    /// Names of the text's column.
    pub text: Vec<String>,
    /// Names of the column with the other system's intents.
    pub intent: Vec<String>,
    intents: BTreeMap<String, String>,
    #[serde(default)]
    sentiment: Vec<SentimentRule>,
    #[serde(default)]
    gaps: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct SentimentRule {
    #[serde(default)]
    when: Vec<String>,
    #[serde(default)]
    unless: Vec<String>,
    #[serde(default)]
    intents: Vec<String>,
    sentiment: Option<String>,
}

/// Labels given by a rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RuleLabels {
    /// The intent.
    pub intent: String,
    /// The sentiment, where the rule gives one.
    pub sentiment: Option<String>,
}

impl LabelRules {
    /// Reads rules; `place` is where they come from, for the error message.
    ///
    /// # Errors
    /// The text is no TOML, lacks or misspells a key, or a rule could never or wrongly fit.
    pub fn parse(text: &str, place: &str) -> Result<Self, NluError> {
        let fail = |reason: String| {
            NluError::data(format!("{place}: {reason}"), "`ecomres label --show-rules` prints rules that work")
        };
        let rules: Self = toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(1, |span| text[..span.start].matches('\n').count() + 1);
            fail(format!("line {line}: {}", error.message().replace('\n', " ")))
        })?;
        for (number, rule) in rules.orders.rule.iter().enumerate() {
            let number = number + 1;
            if rule.intent.trim().is_empty() {
                return Err(fail(format!("orders.rule {number} has an empty intent")));
            }
            if let Some([low, high]) = rule.rating
                && (low > high || !low.is_finite() || !high.is_finite())
            {
                return Err(fail(format!("orders.rule {number}: rating {low} to {high} holds no number")));
            }
        }
        for (theirs, ours) in &rules.support.intents {
            if ours.trim().is_empty() {
                return Err(fail(format!("support.intents.{theirs} is empty")));
            }
        }
        Ok(rules)
    }
}

impl OrderRules {
    /// Labels of a feedback, by the first rule that fits.
    pub fn label(&self, text: &str, rating: Option<f64>) -> Option<RuleLabels> {
        let words = words(text);
        let fits = |rule: &&OrderRule| {
            let rated = match (rule.rating, rating) {
                (None, _) => true,
                (Some(_), None) => false,
                (Some([low, high]), Some(rating)) => (low..=high).contains(&rating),
            };
            rated && matches_words(&words, &rule.when, &rule.unless)
        };
        let rule = self.rule.iter().find(fits)?;
        Some(RuleLabels { intent: rule.intent.clone(), sentiment: rule.sentiment.clone() })
    }
}

impl SupportRules {
    /// Labels of a ticket with another system's intent.
    pub fn label(&self, text: &str, theirs: &str) -> Option<RuleLabels> {
        let theirs = canonical_name(theirs);
        let intent =
            self.intents.iter().find(|(name, _)| canonical_name(name) == theirs).map(|(_, ours)| ours.clone())?;
        let words = words(text);
        let fits = |rule: &&SentimentRule| {
            let asked = rule.intents.is_empty() || rule.intents.iter().any(|name| canonical_name(name) == theirs);
            asked && matches_words(&words, &rule.when, &rule.unless)
        };
        let sentiment = self.sentiment.iter().find(fits).and_then(|rule| rule.sentiment.clone());
        Some(RuleLabels { intent, sentiment })
    }

    /// The text with its `{{placeholders}}` filled.
    pub fn fill(&self, text: &str) -> String {
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let Some((name, remainder)) = after.split_once("}}") else { break };
            let name = name.trim().to_lowercase();
            let known = self.gaps.iter().find(|(gap, _)| gap.to_lowercase() == name);
            filled += before;
            filled += known.map_or(name.as_str(), |(_, value)| value);
            rest = remainder;
        }
        filled + rest
    }
}

/// An intent's name in lower case, with underscores.
fn canonical_name(name: &str) -> String {
    name.trim().to_lowercase().replace([' ', '-'], "_")
}

fn words(text: &str) -> Vec<String> {
    // A typographic apostrophe is the same word.
    text.replace('’', "'")
        .split(|letter: char| !letter.is_alphanumeric() && letter != '\'')
        .map(|word| word.trim_matches('\'').to_lowercase())
        .filter(|word| !word.is_empty())
        .collect()
}

fn matches_words(words: &[String], when: &[String], unless: &[String]) -> bool {
    let is = |wanted: &str, word: &String| match wanted.strip_suffix('*') {
        Some(start) => word.starts_with(start),
        None => word == wanted,
    };
    let holds = |line: &String| {
        let line = line.to_lowercase();
        let wanted: Vec<&str> = line.split_whitespace().collect();
        !wanted.is_empty()
            && words
                .windows(wanted.len())
                .any(|window| window.iter().zip(&wanted).all(|(word, wanted)| is(wanted, word)))
    };
    (when.is_empty() || when.iter().any(holds)) && !unless.iter().any(holds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{INTENTS, SENTIMENTS};
    use proptest::prelude::*;

    fn shipped() -> LabelRules {
        LabelRules::parse(LABEL_RULES, "shipped").expect("the shipped rules")
    }

    #[test]
    fn shipped_rules_name_labels_of_this_project_only() {
        let rules = shipped();
        assert!(
            !rules.orders.rule.is_empty() && !rules.support.sentiment.is_empty() && !rules.support.intents.is_empty()
        );
        let sentiments = rules.support.sentiment.iter().map(|rule| rule.sentiment.clone());
        for sentiment in sentiments.chain(rules.orders.rule.iter().map(|rule| rule.sentiment.clone())).flatten() {
            assert!(SENTIMENTS.contains(&sentiment.as_str()), "{sentiment}");
        }
        for intent in rules.orders.rule.iter().map(|rule| &rule.intent).chain(rules.support.intents.values()) {
            assert!(INTENTS.contains(&intent.as_str()), "{intent}");
        }
    }

    #[test]
    fn feedback_is_labelled_by_words_and_rating() {
        let rules = shipped().orders;
        for (text, rating, expected) in [
            ("Easy checkout, loved every bit", 5.0, Some(("provide_feedback_on_service", "positive"))),
            ("Two items were missing", 2.0, Some(("report_order_content_issue", "negative"))),
            ("You sent the wrong item", 1.0, Some(("report_order_content_issue", "negative"))),
            ("The fish was not fresh", 2.0, Some(("report_order_content_issue", "negative"))),
            ("Very late, and nobody was happy", 2.0, Some(("report_delivery_delay", "negative"))),
            ("It was not late this time", 3.0, Some(("provide_feedback_on_service", "neutral"))),
            ("It came very late", 2.0, Some(("report_delivery_delay", "negative"))),
            ("The rider was rude", 2.0, Some(("provide_feedback_on_service", "negative"))),
            ("The box could be smaller", 3.0, Some(("provide_feedback_on_service", "neutral"))),
            ("I want my money back", 1.0, Some(("request_refund", "negative"))),
            // Words and rating contradict each other.
            ("Horrible, never again", 5.0, None),
            ("Excellent, loved it", 1.0, None),
        ] {
            let found = rules.label(text, Some(rating));
            let found = found.as_ref().map(|one| (one.intent.as_str(), one.sentiment.as_deref().unwrap_or("")));
            assert_eq!(found, expected, "{text}");
        }
        assert_eq!(rules.label("Excellent", None), None, "every shipped rule asks for a rating");
    }

    #[test]
    fn tickets_are_labelled_by_their_intent_and_their_words() {
        let rules = shipped().support;
        for (text, theirs, expected) in [
            ("cancel my order", "cancel_order", Some(("request_refund", Some("neutral")))),
            ("where is it", "Track Order", Some(("track_order", Some("neutral")))),
            ("give me a damn human", "contact-human-agent", Some(("request_human_agent", Some("negative")))),
            ("I have a claim", "complaint", Some(("provide_feedback_on_service", Some("negative")))),
            ("a problem with a payment", "payment_issue", Some(("report_payment_issue", None))),
            ("I'm fed up with this payment page", "payment_issue", Some(("report_payment_issue", Some("negative")))),
            ("sing me a song", "sing", None),
        ] {
            let found = rules.label(text, theirs);
            let found = found.as_ref().map(|one| (one.intent.as_str(), one.sentiment.as_deref()));
            assert_eq!(found, expected, "{text}");
        }
        let filled = rules.fill("cancel {{Order Number}} for {{Pet Name}} {{");
        assert_eq!(filled, "cancel ORD104732 for pet name {{");
    }

    #[test]
    fn rules_that_cannot_work_are_errors_with_their_place() {
        for (from, to, expected) in [
            ("rating = [1, 2]", "rating = [2, 1]", "orders.rule 1: rating 2 to 1 holds no number"),
            ("intent = \"request_refund\"", "intent = \" \"", "orders.rule 1 has an empty intent"),
            ("unless = [\"no refund", "unles = [\"no refund", "unknown field `unles`"),
            ("track_order = \"track_order\"", "track_order = \"\"", "support.intents.track_order is empty"),
            ("[orders]", "[orders", "mine.toml: line 5"),
        ] {
            assert!(LABEL_RULES.contains(from), "{from}");
            let error = LabelRules::parse(&LABEL_RULES.replacen(from, to, 1), "mine.toml").expect_err(to);
            assert!(error.to_string().contains(expected) && error.hint().is_some(), "{error}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in any::<String>(), rating in any::<f64>(), intent in ".{0,12}") {
            let rules = shipped();
            rules.orders.label(&text, Some(rating));
            rules.support.label(&text, &intent);
            let filled = rules.support.fill(&text);
            prop_assert!(text.contains("{{") || filled == text);
        }
    }
}
