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
const ASKING: [&str; 82] = [
    "do",
    "does",
    "did",
    "can",
    "could",
    "will",
    "would",
    "is",
    "are",
    "was",
    "may",
    "shall",
    "should",
    "have",
    "has",
    "what",
    "whats",
    "when",
    "where",
    "wheres",
    "which",
    "who",
    "whose",
    "why",
    "how",
    "hows",
    "any",
    "kya",
    "kab",
    "kaise",
    "kitna",
    "kitne",
    "kitni",
    "kahan",
    "que",
    "cual",
    "cuando",
    "cuanto",
    "cuanta",
    "cuantos",
    "donde",
    "como",
    "puedo",
    "hay",
    "tienen",
    "qual",
    "quando",
    "quanto",
    "quantos",
    "onde",
    "posso",
    "tem",
    "voces",
    "cuantas",
    "cuales",
    "quanta",
    "quantas",
    "quais",
    "puede",
    "pueden",
    "tiene",
    "vcs",
    "kaun",
    "kis",
    "kidhar",
    "kyun",
    "kyu",
    "هل",
    "كم",
    "متى",
    "كيف",
    "اين",
    "ما",
    "ماذا",
    "क्या",
    "कब",
    "कैसे",
    "कितना",
    "कितने",
    "कितनी",
    "कहां",
    "कौन",
];

/// Words that begin a question which yes or no answers.
const WHETHER: [&str; 30] = [
    "do",
    "does",
    "did",
    "can",
    "could",
    "will",
    "would",
    "is",
    "are",
    "was",
    "may",
    "shall",
    "should",
    "have",
    "has",
    "any",
    "puedo",
    "hay",
    "tienen",
    "posso",
    "tem",
    "puede",
    "pueden",
    "tiene",
    "pode",
    "aceptan",
    "aceitam",
    "kya",
    "क्या",
    "هل",
];

/// Whether a text asks something that yes or no answers.
pub(super) fn asks_whether(text: &str) -> bool {
    folded_words(text).first().is_some_and(|first| WHETHER.contains(&first.as_str()))
}

/// Words that ask wherever they stand.
const ANYWHERE: [&str; 14] =
    ["kya", "kab", "kaise", "kitna", "kitne", "kitni", "kahan", "kaun", "क्या", "कब", "कैसे", "कितना", "कितने", "कहां"];

/// Words that join two questions.
const JOINING: [&str; 12] = ["and", "also", "plus", "or", "aur", "tatha", "y", "e", "tambien", "tambem", "و", "और"];

/// The parts of a message that ask, in their order: sentences with a question mark or that begin with a word that asks, cut before
/// a comma or a word that joins where another question begins there. A message that is one question has none.
pub(super) fn questions(text: &str) -> Vec<&str> {
    let asking = |word: &str| ASKING.contains(&folded_words(word).concat().as_str());
    let joining = |word: &str| JOINING.contains(&folded_words(word).concat().as_str());
    let mut parts: Vec<&str> = Vec::new();
    for sentence in super::chunks::sentences(text) {
        let words: Vec<&str> = sentence.split_whitespace().collect();
        let place = |word: &str| word.as_ptr() as usize - sentence.as_ptr() as usize;
        let mut begin = 0;
        let mut asked = words.first().copied().is_some_and(asking);
        for at in 1..words.len() {
            let after_comma = words[at - 1].ends_with([',', ';', ':', '،', '–']);
            let next = words.get(at + 1).copied().unwrap_or_default();
            // “…, also is there”, “… and how much”, “…, how much”.
            let joined = joining(words[at]) && (asking(next) || after_comma && joining(next));
            if after_comma && (asking(words[at]) || asked) || joined {
                asked = asking(words[at]) || joined;
                parts.push(&sentence[begin..place(words[at])]);
                begin = place(words[at]);
            }
        }
        parts.push(&sentence[begin..]);
    }
    let asks = |part: &&str| {
        let first = part.split_whitespace().find(|word| !joining(word) && !["so", "but", "hi", "hey"].contains(word));
        part.trim_end().ends_with(['?', '؟'])
            || first.is_some_and(asking)
            || part.split_whitespace().any(|word| ANYWHERE.contains(&folded_words(word).concat().as_str()))
    };
    parts.retain(asks);
    parts.retain(|part| part.trim() != text.trim());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_asks_is_found() {
        assert_eq!(
            questions("It is a gift. Do you wrap it, and how much is it?"),
            ["Do you wrap it, ", "and how much is it?"]
        );
        assert_eq!(
            questions("delivery ka charge kya hai aur kab khulta hai"),
            ["delivery ka charge kya hai ", "aur kab khulta hai"]
        );
        assert_eq!(questions("do you wrap it, it is for my niece"), ["do you wrap it, "]);
        assert!(questions("I like it.").is_empty() && questions("is it good").is_empty());
        assert!(is_foreign("refund kab milega") && !is_foreign("where is my refund"));
    }
}
