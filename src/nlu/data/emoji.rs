//! Words in place of emoji, for vocabularies without emoji. The replacements are stored in `tokenizer.json`, so that every
//! program that reads the folder applies them.

use serde_json::{Value, json};

/// Emoji and the words put in their place.
const WORDS: [(&str, &str); 15] = [
    // Variation selectors, joiners and skin tones are removed.
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

/// Puts the replacements before a tokenizer's own normalizer, and removes padding and truncation, which each reader does for
/// itself. The argument is the content of a `tokenizer.json`.
pub(crate) fn add_replacements(tokenizer: &mut Value) {
    let mut steps: Vec<Value> = WORDS
        .iter()
        .map(|(emoji, word)| json!({"type": "Replace", "pattern": {"Regex": format!("[{emoji}]")}, "content": word}))
        .collect();
    match tokenizer["normalizer"].take() {
        Value::Null => {}
        normalizer => steps.push(normalizer),
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
