//! Praise, complaints and apologies; an apology never admits more than the customer said.

use super::Language;

/// Answers praise.
pub fn praise(language: Language) -> &'static str {
    match language {
        _ => "Thank you so much, that's lovely to hear! 😊",
    }
}

/// Answers a remark.
pub fn remark(language: Language) -> &'static str {
    match language {
        _ => "Thank you for telling us, every remark helps. If there is something to put right, send me the order id.",
    }
}

/// Answers a complaint.
pub fn complaint(language: Language) -> &'static str {
    match language {
        _ => {
            "I'm sorry we let you down, and thank you for saying so. If there is something to put right, send me the order id and tell me what happened, or say “agent” for a person."
        }
    }
}

/// Answers a second complaint.
pub fn complaint_again(language: Language) -> &'static str {
    match language {
        _ => {
            "I hear you, and I'm sorry. Send me the order id and I look at it at once, or say “agent” and a person takes over."
        }
    }
}

/// Apologises for an order that is late.
pub fn sorry_for_delay(language: Language) -> &'static str {
    match language {
        _ => "I'm sorry your order is taking longer than it should.",
    }
}

/// Apologises to an upset customer who asks where an order is.
pub fn sorry_for_wait(language: Language) -> &'static str {
    match language {
        _ => "I'm sorry for the wait.",
    }
}

/// Apologises for missing, wrong or spoiled items.
pub fn sorry_for_order(language: Language) -> &'static str {
    match language {
        _ => "I'm sorry that something was wrong with your order.",
    }
}

/// Apologises to an upset customer who asks for a refund.
pub fn sorry_to_hear(language: Language) -> &'static str {
    match language {
        _ => "I'm sorry to hear that.",
    }
}

/// Apologises before something that only a person can do, and for a delivery that did not arrive.
pub fn sorry_about_that(language: Language) -> &'static str {
    match language {
        _ => "I'm sorry about that.",
    }
}

/// Apologises to an upset customer who did not say what is wrong.
pub fn sorry_you_have_trouble(language: Language) -> &'static str {
    match language {
        _ => "I'm sorry you have trouble.",
    }
}

/// Apologises to an upset customer who is handed over.
pub fn sorry_about_trouble(language: Language) -> &'static str {
    match language {
        _ => "I'm sorry about the trouble.",
    }
}
