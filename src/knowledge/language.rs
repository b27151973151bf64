//! Which parts of a message ask something, and whether it is in another language than English, by its small words.

use super::terms::folded_words;

/// Small words of Hindi in Latin letters, Spanish and Portuguese that are no English words.
const SMALL: [&str; 86] = [
    "kya", "hai", "hain", "ka", "ki", "ke", "ko", "se", "mein", "mujhe", "mera", "meri", "mere", "aap", "aapka",
    "kaise", "kahan", "kitna", "kitne", "kitni", "kab", "bhi", "nahi", "aur", "kar", "karna", "karo", "sakta", "sakte",
    "chahiye", "milega", "hoga", "raha", "wala", "el", "la", "los", "las", "un", "una", "del", "al", "en", "con",
    "por", "para", "que", "como", "cuando", "cuanto", "cuantos", "donde", "puedo", "tengo", "hay", "mi", "su", "es",
    "esta", "tienen", "o", "os", "as", "um", "uma", "da", "dos", "na", "nao", "qual", "quando", "quanto", "onde",
    "posso", "tem", "voces", "meu", "minha", "seu", "fazem", "sao", "eu", "pode", "aceptan", "aceitam", "hacen",
];

/// Whether at least a fifth of the words, and one, are such words.
pub(super) fn is_foreign(text: &str) -> bool {
    let words = folded_words(text);
    let small = words.iter().filter(|word| SMALL.contains(&word.as_str())).count();
    small > 0 && small * 5 >= words.len()
}

/// Words that begin a question.
const ASKING: [&str; 54] = [
    "do", "does", "did", "can", "could", "will", "would", "is", "are", "am", "was", "may", "shall", "should", "have",
    "has", "what", "whats", "when", "where", "wheres", "which", "who", "whose", "why", "how", "hows", "any", "kya",
    "kab", "kaise", "kitna", "kitne", "kitni", "kahan", "que", "cual", "cuando", "cuanto", "cuanta", "cuantos",
    "donde", "como", "puedo", "hay", "tienen", "qual", "quando", "quanto", "quantos", "onde", "posso", "tem", "voces",
];

/// The parts of a message that ask, the last first: sentences with a question mark or that begin with a word that asks, and of
/// those the parts between commas that do. The message as a whole is not among them.
pub(super) fn questions(text: &str) -> Vec<&str> {
    let asks = |part: &str| {
        let first = folded_words(part)
            .into_iter()
            .find(|word| !["and", "so", "but", "also", "hi", "hey", "y", "e"].contains(&word.as_str()));
        part.trim_end().ends_with(['?', '؟']) || first.is_some_and(|first| ASKING.contains(&first.as_str()))
    };
    let mut found: Vec<&str> = Vec::new();
    for sentence in super::chunks::sentences(text).into_iter().rev() {
        if !asks(sentence) {
            continue;
        }
        found.push(sentence);
        let parts: Vec<&str> = sentence.split([',', ';', ':', '–', '،']).collect();
        if parts.len() > 1 {
            found.extend(parts.into_iter().rev().filter(|part| asks(part)));
        }
    }
    found.retain(|part| part.trim() != text.trim());
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_asks_is_found() {
        assert_eq!(
            questions("It is a gift. Do you wrap it, and how much is it?"),
            ["Do you wrap it, and how much is it?", " and how much is it?", "Do you wrap it",]
        );
        assert!(questions("I like it.").is_empty() && questions("is it good").is_empty());
        assert!(is_foreign("refund kab milega") && !is_foreign("where is my refund"));
    }
}
