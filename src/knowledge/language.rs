//! Whether a question is in another language than English, by its small words.

use super::terms::folded_words;

/// Small words of Hindi in Latin letters, Spanish and Portuguese that are no English words.
const SMALL: [&str; 86] = [
    "kya", "hai", "hain", "ka", "ki", "ke", "ko", "se", "mein", "mujhe", "mera", "meri", "mere", "aap", "aapka", "kaise", "kahan", "kitna",
    "kitne", "kitni", "kab", "bhi", "nahi", "aur", "kar", "karna", "karo", "sakta", "sakte", "chahiye", "milega", "hoga", "raha", "wala", "el",
    "la", "los", "las", "un", "una", "del", "al", "en", "con", "por", "para", "que", "como", "cuando", "cuanto", "cuantos", "donde", "puedo",
    "tengo", "hay", "mi", "su", "es", "esta", "tienen", "o", "os", "as", "um", "uma", "da", "dos", "na", "nao", "qual", "quando", "quanto",
    "onde", "posso", "tem", "voces", "meu", "minha", "seu", "fazem", "sao", "eu", "pode", "aceptan", "aceitam", "hacen",
];

/// Whether at least a fifth of the words, and one, are such words.
pub(super) fn is_foreign(text: &str) -> bool {
    let words = folded_words(text);
    let small = words.iter().filter(|word| SMALL.contains(&word.as_str())).count();
    small > 0 && small * 5 >= words.len()
}
