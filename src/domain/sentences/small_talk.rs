//! Greetings, thanks, and questions about the conversation itself; never a word about an order.

use super::Language;

/// Answers a greeting.
pub fn greeting(language: Language) -> &'static str {
    match language {
        _ => "Hello! 👋 I can check an order, sort out a problem with it, or arrange a refund. What can I do for you?",
    }
}

/// Answers thanks.
pub fn you_are_welcome(language: Language) -> &'static str {
    match language {
        _ => "You're welcome! 😊 Write any time you need something.",
    }
}

/// Answers a goodbye.
pub fn goodbye(language: Language) -> &'static str {
    match language {
        _ => "Goodbye, and take care! Write any time you need something.",
    }
}

/// Answers “ok” and a declined offer of a person.
pub fn all_right(language: Language) -> &'static str {
    match language {
        _ => "All right. Is there anything else I can do for you?",
    }
}

/// Answers “who are you?”.
pub fn introduction(language: Language) -> &'static str {
    match language {
        _ => {
            "I'm the shop's automatic assistant. I can check orders and arrange refunds, and I can bring in a person whenever you say “agent”."
        }
    }
}

/// Answers “how are you?”.
pub fn doing_well(language: Language) -> &'static str {
    match language {
        _ => "I'm doing well, thank you for asking! What can I do for you today?",
    }
}

/// Asks whether there is more to do.
pub fn anything_else(language: Language) -> &'static str {
    match language {
        _ => "Is there anything else I can do for you?",
    }
}

/// Ends a request that the customer no longer wants to follow.
pub fn leave_it(language: Language) -> &'static str {
    match language {
        _ => "All right, I leave it at that. Write any time you need something.",
    }
}

/// Asks what a message is about that says too little.
pub fn what_is_it_about(language: Language) -> &'static str {
    match language {
        _ => {
            "I'd like to help. What is it about: where an order is, something wrong with it, a refund, or a payment? If you have an order id, send it along."
        }
    }
}

/// Offers a person after a second message that says too little.
pub fn not_understood(language: Language) -> &'static str {
    match language {
        _ => "I'm not sure I understand. Shall I bring in a member of our team? (yes / no)",
    }
}

/// Offers a person for a question without a written answer.
pub fn no_answer(language: Language) -> &'static str {
    match language {
        _ => {
            "I don't have an answer to that, and I don't want to guess. Shall I bring in a member of our team? (yes / no)"
        }
    }
}
