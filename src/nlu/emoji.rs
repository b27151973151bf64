//! Decides which words emoji stand for, so that a vocabulary without emoji still hears their tone.
//!
//! It must never touch anything but emoji, and lives inside `tokenizer.json`, so that every program that reads the
//! folder sees the same words.

use serde_json::{Value, json};

/// Emoji and the words put in their place.
const WORDS: [(&str, &str); 15] = [
    // Variation selectors, joiners and skin tones say nothing here.
    ("\u{FE0F}\u{200D}🏻🏼🏽🏾🏿", ""),
    ("😡🤬😠👿💢🤯", " angry "),
    ("😤😒🙄😑", " annoyed "),
    ("😞😔😢😭🙁☹😟😩😫🥺😥😓😖😣😿", " sad "),
    ("😀😃😄😁😊🙂☺🤩😇😆🤗😌😎", " happy "),
    ("😂🤣😅", " laughing "),
    ("👍👌👏💯✅🔥🙌💪⭐🌟✨", " great "),
    ("👎❌", " bad "),
    ("🙏", " thanks "),
    ("❤💕💖💙💚💛🧡💜💗♥😍🥰😘", " love "),
    ("🤔😕😐🤷❓", " confused "),
    ("🤮🤢🤧", " disgusting "),
    ("🎉🥳🎊", " celebrate "),
    ("💔", " heartbroken "),
    ("😱😰😨😧😳", " shocked "),
];

/// Puts the replacements in front of a tokenizer's own normalizer, and removes its padding and cutting, which are the
/// reader's affair. The argument is the content of a `tokenizer.json`.
pub(crate) fn teach(tokenizer: &mut Value) {
    let mut steps: Vec<Value> = WORDS
        .iter()
        .map(|(emoji, word)| json!({"type": "Replace", "pattern": {"Regex": format!("[{emoji}]")}, "content": word}))
        .collect();
    match tokenizer["normalizer"].take() {
        Value::Null => {}
        own => steps.push(own),
    }
    tokenizer["normalizer"] = json!({"type": "Sequence", "normalizers": steps});
    tokenizer["padding"] = Value::Null;
    tokenizer["truncation"] = Value::Null;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_emoji_has_two_meanings() {
        let mut seen = std::collections::HashSet::new();
        for (emoji, word) in WORDS {
            for character in emoji.chars() {
                assert!(seen.insert(character), "{character} → {word}");
                assert!(!character.is_alphanumeric());
            }
        }
    }
}
