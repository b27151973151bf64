//! Words without their endings.
//!
//! It must never make two words of other meaning one on purpose: an ending goes only where enough of the word stays.

/// Endings of Arabic words that are no part of the stem: feminine, plural, dual and what belongs to whom.
const ARABIC: [&str; 14] = ["تكم", "اتي", "ها", "هم", "كم", "نا", "ات", "ان", "ون", "ين", "يه", "تي", "ه", "ي"];
/// Endings of Hindi words: gender, number and case.
const HINDI: [&str; 14] = ["ियों", "ियां", "ियाँ", "ाओं", "ुओं", "ों", "ें", "ीं", "यां", "ी", "े", "ा", "ो", "ि"];

/// A word without the first of some endings, where at least three letters stay.
fn without_ending(word: &str, endings: &[&str]) -> String {
    let stem = endings.iter().find_map(|ending| {
        let rest = word.strip_suffix(ending)?;
        (rest.chars().count() >= 3).then_some(rest)
    });
    stem.unwrap_or(word).to_owned()
}

/// The stem of a word: English endings, plurals of Spanish and Portuguese, and endings of Hindi and Arabic.
pub(super) fn stem(word: &str) -> String {
    match word.chars().next() {
        Some('\u{600}'..='\u{6FF}') => {
            // “you (all) ship” is “ship” with a letter before it.
            let verb = word.strip_prefix(['ي', 'ت', 'ن']).filter(|rest| rest.chars().count() >= 4);
            return without_ending(verb.unwrap_or(word), &ARABIC);
        }
        Some('\u{900}'..='\u{97F}') => return without_ending(word, &HINDI),
        _ => {}
    }
    if !word.bytes().all(|byte| byte.is_ascii_lowercase()) || word.len() < 4 {
        return word.to_owned();
    }
    let mut stem = word.to_owned();
    for (ending, instead, least) in [
        ("ations", "", 4),
        ("ation", "", 4),
        ("ments", "", 4),
        ("ment", "", 4),
        ("iness", "y", 3),
        ("ness", "", 4),
        ("ically", "ic", 3),
        ("ability", "able", 3),
        ("ables", "", 4),
        ("able", "", 4),
        ("ible", "", 4),
        ("ously", "ous", 3),
        ("fully", "ful", 3),
        ("ingly", "", 3),
        ("ings", "", 3),
        ("ing", "", 3),
        ("ies", "y", 2),
        ("ied", "y", 2),
        ("edly", "", 3),
        ("ed", "", 3),
        ("ions", "", 4),
        ("ion", "", 4),
        ("sses", "ss", 2),
        ("xes", "x", 2),
        ("ches", "ch", 2),
        ("shes", "sh", 2),
        ("es", "e", 3),
        ("ss", "ss", 2),
        ("us", "us", 2),
        ("s", "", 3),
        ("ly", "", 4),
    ] {
        if let Some(rest) = word.strip_suffix(ending)
            && rest.len() >= least
            && rest.bytes().any(|letter| b"aeiouy".contains(&letter))
        {
            stem = format!("{rest}{instead}");
            break;
        }
    }
    // “cancelled”, “shipping”: one letter of two; “charge” and “charging” end alike.
    let bytes = stem.as_bytes();
    if let [.., a, b] = bytes
        && a == b
        && !b"aeiou".contains(a)
        && stem.len() > 3
    {
        stem.pop();
    }
    if stem.len() > 4 && stem.ends_with('e') {
        stem.pop();
    }
    if stem.len() > 3 && stem.ends_with('y') {
        stem.pop();
        stem.push('i');
    }
    stem
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_a_word_have_one_stem() {
        for forms in [
            ["cancel", "cancelled", "cancelling", "cancels"],
            ["deliver", "delivered", "delivering", "delivers"],
            ["charge", "charges", "charged", "charging"],
            ["delivery", "deliveries", "delivery", "deliveries"],
            ["return", "returned", "returnable", "returning"],
            ["install", "installation", "installing", "installs"],
            ["box", "boxes", "box", "boxed"],
            ["जूता", "जूते", "जूतों", "जूता"],
            ["شحن", "تشحنون", "شحن", "شحنها"],
        ] {
            for form in forms {
                assert_eq!(stem(form), stem(forms[0]), "{form}");
            }
        }
    }
}
