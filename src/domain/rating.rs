//! What customers say of the team's work: asked once for a resolved alert, answered with a button.

use jiff::Timestamp;
use serde::Serialize;

use super::ids::{AlertId, UserId};
use super::outgoing::Body;

/// The intent that the question, its answer and the thanks are stored with: figures leave them out, as they are about the team's work
/// and not about a customer's matter.
pub const LABEL: &str = "rating";

/// How the identifier of a button begins that answers the question.
const PRESS: &str = "rating:";

/// What a customer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Score {
    /// Not helped.
    Bad,
    /// So so.
    Fair,
    /// Helped.
    Good,
}

impl Score {
    /// Every score, the best first, as they are offered.
    pub const ALL: [Self; 3] = [Self::Good, Self::Fair, Self::Bad];

    /// The word used in stores.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bad => "bad",
            Self::Fair => "fair",
            Self::Good => "good",
        }
    }

    /// Reads the word used in stores.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|score| score.as_str() == text)
    }
}

/// A question that a customer was asked about the team's work, and their answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rating {
    /// The alert that it is about: one question for each.
    pub alert_id: AlertId,
    /// The customer.
    pub user_id: UserId,
    /// Who resolved the alert.
    pub agent: String,
    /// When the customer was asked.
    pub asked_at: Timestamp,
    /// What they answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<Score>,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answered_at: Option<Timestamp>,
}

/// The identifier of the button that answers the question about an alert.
pub fn press(alert: &AlertId, score: Score) -> String {
    format!("{PRESS}{}:{}", alert.as_str(), score.as_str())
}

/// What such a button answers; `None` where it is none.
pub fn read_press(id: &str) -> Option<(AlertId, Score)> {
    let (alert, score) = id.strip_prefix(PRESS)?.rsplit_once(':')?;
    Some((AlertId::new(alert), Score::parse(score)?))
}

/// Whether a message asks a customer about the team's work: all of its buttons answer that.
pub fn is_question(body: &Body) -> bool {
    matches!(body, Body::Buttons { buttons, .. }
        if !buttons.is_empty() && buttons.iter().all(|button| read_press(&button.id).is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_button_says_which_alert_and_which_score() {
        let alert = AlertId::new("ALERT_1:2");
        for score in Score::ALL {
            assert_eq!(read_press(&press(&alert, score)), Some((alert.clone(), score)));
        }
        for other in ["yes:q1", "rating:ALERT_1", "rating:ALERT_1:great", ""] {
            assert_eq!(read_press(other), None, "{other}");
        }
        assert!(Score::Good > Score::Bad);
    }
}
