//! Splitting text into comparable words, and shortening it.

/// The words of a text in lower case, without punctuation, emoji and symbols; digits stay.
pub fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '\'' || c == '’'))
        .map(|word| word.trim_matches(['\'', '’']).replace('’', "'").to_lowercase())
        .filter(|word| !word.is_empty())
        .collect()
}

/// The first `characters` characters of a text, with “…” after them where something is left out.
pub fn excerpt(text: &str, characters: usize) -> String {
    let mut indices = text.char_indices().skip(characters);
    match indices.next() {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_bare_and_lower() {
        assert_eq!(words("Don’t REFUND, it's fine 👍 ORD000003!"), ["don't", "refund", "it's", "fine", "ord000003"]);
        assert!(words("👍👍 !!").is_empty());
    }

    #[test]
    fn an_excerpt_never_splits_a_character() {
        assert_eq!(excerpt("₹₹₹", 2), "₹₹…");
        assert_eq!(excerpt("abc", 3), "abc");
    }
}
