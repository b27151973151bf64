//! The question about the team's work, its answers, and the thanks.

use super::Language::{self, Arabic, English, Hindi, Hinglish, Portuguese, Spanish};
use crate::domain::rating::Score;

/// Asks how the team did.
pub fn question(language: Language) -> &'static str {
    match language {
        English => "How did we do? One tap is enough.",
        Hinglish => "Hamari madad kaisi rahi? Bas ek button dabayein.",
        Hindi => "हमारी मदद कैसी रही? बस एक बटन दबाएँ।",
        Spanish => "¿Qué tal le hemos atendido? Basta con pulsar un botón.",
        Portuguese => "Como foi o nosso atendimento? Basta tocar em um botão.",
        Arabic => "كيف كانت خدمتنا؟ تكفي ضغطة واحدة.",
    }
}

/// The label of an answer.
pub fn label(language: Language, score: Score) -> &'static str {
    match (language, score) {
        (English, Score::Good) => "👍 Good",
        (English, Score::Fair) => "😐 So-so",
        (English, Score::Bad) => "👎 Not good",
        (Hinglish, Score::Good) => "👍 Achhi",
        (Hinglish, Score::Fair) => "😐 Theek-thaak",
        (Hinglish, Score::Bad) => "👎 Achhi nahi",
        (Hindi, Score::Good) => "👍 अच्छी",
        (Hindi, Score::Fair) => "😐 ठीक-ठाक",
        (Hindi, Score::Bad) => "👎 अच्छी नहीं",
        (Spanish, Score::Good) => "👍 Bien",
        (Spanish | Portuguese, Score::Fair) => "😐 Regular",
        (Spanish, Score::Bad) => "👎 Mal",
        (Portuguese, Score::Good) => "👍 Bom",
        (Portuguese, Score::Bad) => "👎 Ruim",
        (Arabic, Score::Good) => "👍 جيدة",
        (Arabic, Score::Fair) => "😐 مقبولة",
        (Arabic, Score::Bad) => "👎 غير جيدة",
    }
}

/// Thanks for an answer.
pub fn thanks(language: Language) -> &'static str {
    match language {
        English => "Thank you for telling us!",
        Hinglish => "Batane ke liye dhanyavaad!",
        Hindi => "बताने के लिए धन्यवाद!",
        Spanish => "¡Gracias por decírnoslo!",
        Portuguese => "Obrigado por nos contar!",
        Arabic => "شكرًا على إخبارنا!",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_fit_into_buttons_and_differ() {
        for language in [English, Hinglish, Hindi, Spanish, Portuguese, Arabic] {
            let labels = Score::ALL.map(|score| label(language, score));
            assert!(labels.iter().all(|label| label.chars().count() <= 20), "{labels:?}");
            assert!(labels[0] != labels[1] && labels[1] != labels[2] && labels[0] != labels[2]);
            assert!(!question(language).is_empty() && !thanks(language).is_empty());
        }
    }
}
