//! How a word sounds, so that an English word in Devanagari finds itself: “मिलेट” is “millet”.
//!
//! It must never be used for a word that means something by itself: few words of Hindi sound like an English one by meaning.

/// Sounds that a word has at least; shorter ones are alike by chance.
const FEWEST: usize = 3;

/// The consonants of a word, those that one script writes as one being one; none where there are too few. Vowels, “h” and “y” are
/// written in too many ways.
pub(super) fn consonants(word: &str) -> Option<String> {
    let letters: Vec<char> = word.chars().collect();
    let mut sounds = String::new();
    for (at, &letter) in letters.iter().enumerate() {
        let next = letters.get(at + 1).copied().unwrap_or_default();
        let soft = matches!(next, 'e' | 'i' | 'y');
        let sound = match letter {
            'c' if next == 'h' => "c",
            'p' if next == 'h' => "f",
            'c' if soft => "s",
            'g' if soft => "j",
            'x' => "ks",
            'c' | 'k' | 'q' | 'क' | 'ख' => "k",
            'g' | 'ग' | 'घ' => "g",
            'च' | 'छ' => "c",
            'j' | 'z' | 'ज' | 'झ' => "j",
            't' | 'ट' | 'ठ' | 'त' | 'थ' => "t",
            'd' | 'ड' | 'ढ' | 'द' | 'ध' => "d",
            'ं' | 'ँ' if matches!(next, 'प' | 'फ' | 'ब' | 'भ' | 'म') => "m",
            'n' | 'न' | 'ण' | 'ङ' | 'ञ' | 'ं' | 'ँ' => "n",
            'p' | 'प' => "p",
            'f' | 'फ' => "f",
            'b' | 'ब' | 'भ' => "b",
            'm' | 'म' => "m",
            'r' | 'र' => "r",
            'l' | 'ल' => "l",
            'v' | 'w' | 'व' => "v",
            's' | 'श' | 'ष' | 'स' => "s",
            _ => "",
        };
        if !sounds.ends_with(sound) || sound.is_empty() {
            sounds.push_str(sound);
        }
    }
    // The plural of English is written as it sounds: “कुकीज़”.
    if sounds.len() > FEWEST && sounds.ends_with(['s', 'j']) {
        sounds.pop();
    }
    (sounds.len() >= FEWEST).then_some(sounds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_sounds_alike_in_both_scripts() {
        for (one, other) in [
            ("मिलेट", "millet"),
            ("प्रोडक्ट", "product"),
            ("मेंबरशिप", "membership"),
            ("चार्जर", "charger"),
            ("वारंटी", "warranty"),
            ("सैंडल", "sandals"),
        ] {
            assert!(consonants(one).is_some() && consonants(one) == consonants(other), "{one} {other}");
        }
        assert_eq!(consonants("चाय"), None);
        assert_ne!(consonants("दुकान"), consonants("token"));
    }
}
