//! A small picker of emoji for replies: some dozens with their names, which its search looks through.

use maud::{Markup, html};

/// What a team writes to customers with, by groups of meaning: the sign, and the words that it is found by.
const EMOJI: [(&str, &str); 48] = [
    ("🙂", "slight smile"),
    ("😊", "smile happy"),
    ("😀", "grin happy"),
    ("😄", "laugh happy"),
    ("😉", "wink"),
    ("😍", "love eyes"),
    ("🤗", "hug"),
    ("🤔", "thinking"),
    ("😅", "relief sweat"),
    ("😔", "sad sorry"),
    ("😢", "cry sad"),
    ("😕", "confused"),
    ("😮", "surprised"),
    ("😴", "sleep"),
    ("🙏", "please thanks namaste"),
    ("👍", "thumbs up yes good"),
    ("👎", "thumbs down no bad"),
    ("👋", "wave hello bye"),
    ("👏", "applause clap"),
    ("🙌", "hooray hands"),
    ("💪", "strong"),
    ("🤝", "handshake deal"),
    ("👇", "below down"),
    ("👉", "right point"),
    ("❤️", "heart love"),
    ("💛", "yellow heart"),
    ("🎉", "party celebrate"),
    ("🎁", "gift present"),
    ("🎂", "cake birthday"),
    ("💐", "flowers"),
    ("⭐", "star rating"),
    ("✨", "sparkles new"),
    ("✅", "done check yes"),
    ("❌", "cross no"),
    ("❗", "important"),
    ("❓", "question"),
    ("⏳", "wait hourglass"),
    ("⏰", "clock time"),
    ("📅", "calendar date"),
    ("📦", "parcel package order"),
    ("🚚", "delivery truck"),
    ("🛵", "rider scooter"),
    ("🏠", "home address"),
    ("📍", "place location"),
    ("💳", "card payment"),
    ("💰", "money refund"),
    ("📷", "camera photo"),
    ("📞", "telephone call"),
];

/// The picker. Scripts show it: without them it would do nothing.
pub(super) fn picker() -> Markup {
    html! {
        details.emoji #emoji data-key="emoji" hidden {
            summary { "Emoji" }
            div.panel {
                label { span.hidden { "Search emoji" } input type="search" placeholder="Search" autocomplete="off"; }
                div.signs role="group" aria-label="Emoji" {
                    @for (sign, name) in EMOJI {
                        button.quiet type="button" data-emoji=(sign) aria-label=(name) title=(name) { (sign) }
                    }
                }
                p.note hidden role="status" { "None is called so." }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_has_a_sign_and_words_of_its_own() {
        let signs: BTreeSet<&str> = EMOJI.iter().map(|(sign, _)| *sign).collect();
        let names: BTreeSet<&str> = EMOJI.iter().map(|(_, name)| *name).collect();
        assert_eq!((signs.len(), names.len()), (EMOJI.len(), EMOJI.len()));
        assert!(signs.iter().all(|sign| !sign.is_ascii()) && names.iter().all(|name| name.is_ascii()));
    }
}
