//! Amounts, percentages and contacts that a reply may repeat because the shop's own texts hold them.
//!
//! It must never be filled with what customers or tools wrote.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::contacts::{contacts, digits_of};
use super::readable::fold;
use super::says_done;
use super::text::{self, amounts_in};
use crate::domain::currency::{Amount, ShopMoney};
use crate::domain::ids::IdPatterns;
use crate::domain::pattern::pattern;

/// Identifiers that are only shown as examples.
const EXAMPLES: [&str; 2] = ["ORD123456", "CUST1234"];

static SHARE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?i)(\d[\d.,]*)\s*(?:%|per\s?cent\b|pct\b|percentage\b|फीसदी|प्रतिशत|fisdi\b|pratishat\b)")
});
static COUPON: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i:\b(?:coupon|voucher|promo(?:tion)?|gift|discount|cash\s?back)s?(?:\s+(?:code|card|number))*|\b(?:code|pin))\b(?i:\s+is)?[\s:#=\-–“\"'‘]*([A-Z]{3,}[A-Z0-9]*\d[A-Z0-9]*|[A-Z]{5,}|\d+[A-Z]{2,}\w*)\b"#,
    )
});

/// Fewer words are no quotation: anybody says them.
const QUOTED: usize = 5;

/// What the shop's own texts hold.
#[derive(Debug, Clone, Default)]
pub struct ShopTexts {
    amounts: Vec<Amount>,
    shares: Vec<String>,
    contacts: Vec<String>,
    sentences: HashSet<String>,
    /// Those in which a sign stands for “done”.
    done: HashSet<String>,
}

impl ShopTexts {
    /// Reads the shop's texts.
    pub fn read<'a>(texts: impl IntoIterator<Item = &'a str>, patterns: &IdPatterns, money: &ShopMoney) -> Self {
        let mut found = Self::default();
        for text in texts {
            found.add(text, patterns, money);
        }
        found
    }

    /// Adds a text of the shop, such as a passage of its documents that was found in this turn.
    pub fn add(&mut self, text: &str, patterns: &IdPatterns, money: &ShopMoney) {
        self.amounts.extend(amounts_in(text, money).into_iter().filter_map(|(_, meaning)| meaning.amount(money)));
        self.shares.extend(shares(text));
        self.contacts.extend(contacts(text, patterns).into_iter().map(|contact| plain_contact(&contact)));
        for sentence in text::sentences(text) {
            let words = words(sentence);
            if says_done(sentence) {
                self.done.insert(words.clone());
            }
            self.sentences.insert(words);
        }
    }

    pub(super) fn amounts(&self) -> &[Amount] {
        &self.amounts
    }

    pub(super) fn holds_share(&self, share: &str) -> bool {
        self.shares.iter().any(|known| known == share)
    }

    pub(super) fn holds_contact(&self, contact: &str) -> bool {
        self.contacts.contains(&plain_contact(contact))
    }

    /// Whether the shop has written this very sentence; with a sign for “done” only where it wrote one there.
    pub(super) fn holds_sentence(&self, sentence: &str) -> bool {
        let known = if says_done(sentence) { &self.done } else { &self.sentences };
        !known.is_empty() && known.contains(&words(sentence))
    }

    /// What a sentence says beside whole sentences of the shop that it quotes (“Sorry, …”), where it quotes one. Parts
    /// of a sentence are no quotation: what is left out may be its condition. The signs beside them stay: “re-fun-ded” is a word
    /// only with what divides it, and ✅ says something alone.
    pub(super) fn beside_quotes(&self, sentence: &str) -> Option<String> {
        if self.sentences.is_empty() {
            return None;
        }
        let all = format!(" {} ", words(sentence));
        let quoted = |known: &&String| known.split(' ').count() >= QUOTED && all.contains(&format!(" {known} "));
        let mut quotes: Vec<&String> = self.sentences.iter().filter(quoted).collect();
        // The longest first: one may be a part of another.
        quotes.sort_unstable_by_key(|known| std::cmp::Reverse((known.len(), *known)));
        let mut rest = fold(sentence);
        let mut quotes_any = false;
        for known in quotes {
            while let Some(place) = place_of(known, &rest) {
                rest.replace_range(place, " ");
                quotes_any = true;
            }
        }
        quotes_any.then_some(rest)
    }
}

/// The percentages of a text, as `5 %`.
pub(super) fn shares(text: &str) -> Vec<String> {
    if !text.contains(char::is_numeric) {
        return Vec::new();
    }
    let plain = text::plain(text);
    SHARE.captures_iter(&plain).map(|hit| format!("{} %", hit[1].trim_end_matches(['.', ',']))).collect()
}

/// The code of a voucher, which no tool gives.
pub(super) fn coupon(text: &str) -> Option<String> {
    let plain = text::plain(text);
    let lower = plain.to_lowercase();
    let words = ["coupon", "voucher", "promo", "gift", "discount", "cash", "code", "pin"];
    if !words.iter().any(|word| lower.contains(word)) {
        return None;
    }
    let hit = COUPON.captures(&plain)?;
    (!EXAMPLES.contains(&&hit[1])).then(|| hit[1].to_owned())
}

/// A contact as it is compared: in lower case, a number by its digits.
fn plain_contact(contact: &str) -> String {
    digits_of(contact).unwrap_or_else(|| contact.to_lowercase())
}

/// Where in a folded text the words of a sentence stand, one after the other.
fn place_of(known: &str, folded: &str) -> Option<Range<usize>> {
    let wanted: Vec<&str> = known.split(' ').collect();
    let mut there: Vec<Range<usize>> = Vec::new();
    for (at, letter) in folded.char_indices().filter(|(_, letter)| letter.is_alphanumeric()) {
        match there.last_mut().filter(|word| word.end == at) {
            Some(word) => word.end += letter.len_utf8(),
            None => there.push(at..at + letter.len_utf8()),
        }
    }
    let same =
        |words: &&[Range<usize>]| words.iter().zip(&wanted).all(|(word, wanted)| folded[word.clone()] == **wanted);
    let found = there.windows(wanted.len()).find(same)?;
    Some(found.first()?.start..found.last()?.end)
}

/// The words of a sentence, as they are compared.
fn words(sentence: &str) -> String {
    fold(sentence).split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coupons_shares_and_the_shops_own_words_are_found() {
        for text in ["the coupon code is SORRY500", "Voucher: FREE100", "promo code “SAVE20”", "use code WELCOME"] {
            assert!(coupon(text).is_some(), "{text}");
        }
        for text in
            ["Your PIN code is needed", "order ORD000003", "The coupon could not be used.", "a code like ORD123456"]
        {
            assert_eq!(coupon(text), None, "{text}");
        }
        assert_eq!(shares("50% off, ५ प्रतिशत and 2.5 per cent"), ["50 %", "5 %", "2.5 %"]);
        let texts = ["Write to help@shop.example; we keep 5 %, ₹49 at most."];
        let shop = ShopTexts::read(texts, &IdPatterns::default(), &ShopMoney::default());
        assert!(shop.holds_contact("help@shop.example") && shop.holds_share("5 %"));
        assert_eq!(shop.amounts(), [Amount::rupees(49)]);
        assert!(shop.holds_sentence("*write to help@shop.example;* we keep 5 %, ₹49 at most"));
        assert!(!shop.holds_sentence("we keep 5 %"));
        let quoted = "Our page says: write to help@shop.example; we keep 5 %, ₹49 at most.";
        assert_eq!(shop.beside_quotes(quoted).as_deref(), Some("our page says:  ."), "the signs stay");
        assert_eq!(shop.beside_quotes("Our page says: we keep 5 %."), None);
    }
}
