//! Questions of customers that no document of the shop answers: what the team may write next.
//!
//! It must never keep an order id, a number or an address that a customer wrote.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::Serialize;

use super::ids::{IdPatterns, UserId};
use super::words::excerpt;

/// Examples that are shown of a question.
const EXAMPLES: usize = 3;
/// Characters that are kept of a question.
const LONGEST: usize = 300;

/// A question that was asked in a conversation and not answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unanswered {
    /// Who asked.
    pub user_id: UserId,
    /// The turn in which it was asked: asked again in it, it counts once.
    pub turn: u64,
    /// Its words that say something: alike questions have the same.
    pub question: String,
    /// What was asked, without ids, numbers and addresses.
    pub text: String,
    /// When it was asked.
    pub at: Timestamp,
}

/// Alike questions that were not answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KnowledgeGap {
    /// The words that they have in common.
    pub question: String,
    /// How often it was asked.
    pub count: u64,
    /// When it was asked last.
    pub last_at: Timestamp,
    /// How it was asked, the latest first.
    pub examples: Vec<String>,
}

impl KnowledgeGap {
    /// Counts questions that are alike: what was asked most comes first, of the same count the latest.
    pub fn count(asked: impl IntoIterator<Item = Unanswered>) -> Vec<Self> {
        let mut asked: Vec<Unanswered> = asked.into_iter().collect();
        asked.sort_by_key(|one| std::cmp::Reverse(one.at));
        let mut gaps: Vec<Self> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        for one in asked {
            let place = *places.entry(one.question.clone()).or_insert(gaps.len());
            if place == gaps.len() {
                gaps.push(Self { question: one.question, count: 0, last_at: one.at, examples: Vec::new() });
            }
            let gap = &mut gaps[place];
            gap.count += 1;
            if gap.examples.len() < EXAMPLES && !gap.examples.contains(&one.text) {
                gap.examples.push(one.text);
            }
        }
        gaps.sort_by(|a, b| b.count.cmp(&a.count).then(b.last_at.cmp(&a.last_at)));
        gaps
    }
}

/// What is kept of a question: without ids, and with “…” in place of numbers, mail addresses and links.
pub fn without_particulars(text: &str, patterns: &IdPatterns) -> String {
    let bare = patterns.with_ids_as(text, "…");
    let words = bare.split_whitespace().map(|word| {
        let address = word.contains('@') || word.contains("://") || word.starts_with("www.");
        // “9 months” says something, “9845012345” names somebody.
        let digits = word.chars().filter(|c| c.is_numeric()).count();
        if address || digits > 3 || (digits > 0 && word.chars().any(char::is_alphabetic)) { "…" } else { word }
    });
    let mut kept: Vec<&str> = words.collect();
    kept.dedup_by(|a, b| *a == "…" && *b == "…");
    excerpt(&kept.join(" "), LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(user: &str, question: &str, text: &str, second: i64) -> Unanswered {
        Unanswered {
            user_id: UserId::new(user),
            turn: 1,
            question: question.to_owned(),
            text: text.to_owned(),
            at: Timestamp::from_second(second).unwrap(),
        }
    }

    #[test]
    fn alike_questions_are_counted() {
        let gaps = KnowledgeGap::count([
            asked("1", "parking", "Parking?", 1),
            asked("2", "bitcoin", "bitcoin?", 5),
            asked("3", "parking", "is there parking", 3),
            asked("4", "wifi", "wifi?", 2),
        ]);
        let seen: Vec<(&str, u64)> = gaps.iter().map(|gap| (gap.question.as_str(), gap.count)).collect();
        assert_eq!(seen, [("parking", 2), ("bitcoin", 1), ("wifi", 1)]);
        assert_eq!(gaps[0].examples, ["is there parking", "Parking?"]);
        assert_eq!(gaps[0].last_at, Timestamp::from_second(3).unwrap());
    }

    #[test]
    fn nobody_is_named() {
        let kept = without_particulars(
            "for ORD123456 call 98450 12345 or a@b.example, is 9 months EMI there?",
            &IdPatterns::default(),
        );
        assert_eq!(kept, "for … call … or … is 9 months EMI there?");
    }
}
