//! Splitting text into comparable words, and shortening it.

/// The words of a text in lower case, without punctuation, emoji and symbols; digits stay. Marks that people leave out are
/// left out: “dirección” is `direccion`, “أين” is `اين`, “ख़राब” is `खराब`.
pub fn words(text: &str) -> Vec<String> {
    // What joins or parts letters of Indian scripts belongs to their word, and so do marks that stand by themselves.
    let inside = |c: char| c.is_alphanumeric() || matches!(c, '\'' | '’' | '\u{94D}') || plain(c).is_none();
    text.split(|c: char| !inside(c))
        .map(|word| word.trim_matches(['\'', '’']))
        .map(|word| word.chars().flat_map(char::to_lowercase).filter_map(plain).collect::<String>())
        .filter(|word| !word.is_empty())
        .collect()
}

/// A letter in lower case as it is compared: without marks that people leave out; none for a mark that stands by itself.
pub fn plain(c: char) -> Option<char> {
    Some(match c {
        'á' | 'à' | 'â' | 'ã' | 'ä' | 'å' | 'ă' => 'a',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'í' | 'ì' | 'î' | 'ï' | 'ı' => 'i',
        'ó' | 'ò' | 'ô' | 'õ' | 'ö' => 'o',
        'ú' | 'ù' | 'û' | 'ü' | 'ư' | 'ừ' | 'ủ' => 'u',
        'đ' => 'd',
        'ỳ' | 'ý' => 'y',
        'ñ' => 'n',
        'ç' => 'c',
        'ё' => 'е',
        'أ' | 'إ' | 'آ' | 'ٱ' => 'ا',
        'ى' => 'ي',
        'ة' => 'ه',
        '\u{95B}' => 'ज',
        '\u{95C}' => 'ड',
        '\u{95D}' => 'ढ',
        '\u{95E}' => 'फ',
        '’' | 'ʼ' => '\'',
        // Combining accents, vowel marks of Arabic, its stretching, and what joins without being seen.
        '\u{300}'..='\u{36f}'
        | '\u{64b}'..='\u{652}'
        | '\u{640}'
        | '\u{200b}'..='\u{200f}'
        | '\u{feff}'
        | '\u{93c}' => {
            return None;
        }
        other => other,
    })
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
        assert_eq!(words("¿Dirección, NÃO? Sa\u{303}o"), ["direccion", "nao", "sao"]);
        assert_eq!(words("أين طَلَبِي؟ المشكلة"), ["اين", "طلبي", "المشكله"]);
        assert_eq!(words("मेरा ऑर्डर ख़राब है।"), ["मेरा", "ऑर्डर", "खराब", "है"]);
    }

    #[test]
    fn an_excerpt_never_splits_a_character() {
        assert_eq!(excerpt("₹₹₹", 2), "₹₹…");
        assert_eq!(excerpt("abc", 3), "abc");
    }
}
