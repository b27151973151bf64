//! A person takes over, or is offered; never said before the hand-over is on record.

use super::Language;

/// A person has been asked in.
pub fn done(language: Language) -> &'static str {
    match language {
        _ => "I've asked a member of our team to take over. They can see this whole conversation and will reply here.",
    }
}

/// A person has been asked in, in place of a reply that was held back.
pub fn done_short(language: Language) -> &'static str {
    match language {
        _ => "I've asked a member of our team to take over. They will reply here.",
    }
}

/// A person has been asked in because no reply could be found.
pub fn done_without_answer(language: Language) -> &'static str {
    match language {
        _ => {
            "I'm having trouble answering this myself, so I've asked a member of our team to take over. They will reply here."
        }
    }
}

/// Neither a reply could be found nor a person asked in.
pub fn failed_without_answer(language: Language) -> &'static str {
    match language {
        _ => "I'm having trouble answering right now. Please write again in a few minutes.",
    }
}

/// The customer asked for a person, and asking one in failed.
pub fn failed(language: Language) -> &'static str {
    match language {
        _ => {
            "I tried to bring in a member of our team, but that did not work just now. Please write “agent” again in a minute."
        }
    }
}

/// Offers a person in place of a reply that was held back.
pub fn offer_unconfirmed(language: Language) -> &'static str {
    match language {
        _ => "I don't want to tell you anything I can't confirm. Shall I bring in a member of our team? (yes / no)",
    }
}

/// Offers the person whom the sentence before spoke of.
pub fn shall_i_bring_one_in(language: Language) -> &'static str {
    match language {
        _ => "Shall I bring one in? (yes / no)",
    }
}
