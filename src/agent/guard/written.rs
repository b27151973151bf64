//! Decides what a reply may say because the shop has written it: amounts, percentages, contacts, examples.
//!
//! It must never be filled with anything but the shop's own texts.

use std::sync::LazyLock;

use regex::Regex;

use super::amounts_in;
use super::text::{self, pattern};
use crate::domain::ids::IdPatterns;
use crate::domain::money::Money;
use crate::llm::mask::Mask;

/// Identifiers that are only shown as examples.
const EXAMPLES: [&str; 2] = ["ORD123456", "CUST1234"];

static SHARE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?i)(\d[\d.,]*)\s*(?:%|per\s?cent\b|pct\b|percentage\b|फीसदी|प्रतिशत|fisdi\b|pratishat\b)")
});
static LINK: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i:\b(?:https?|ftp|upi|tel|mailto|whatsapp|intent)[:]/{0,2}[^\s]+|\bwww\.[^\s]+|\bwa\.me\S*|\bbit\.ly\S*)|\b[a-zA-Z0-9-]+(?:\.[a-z0-9-]+)*\.(?:com|in|co|org|net|io|me|ly|shop|app|info|link|xyz|online|store|site|top|live|club|dev|ru|cn|biz|page|gg|tk|us|uk)(?:/[^\s]*|\b)|(?i:\b[a-z0-9-]+\s*(?:\[|\()\s*(?:\.|dot)\s*(?:\]|\))\s*[a-z]{2,})",
    )
});

/// What the shop's own texts hold.
#[derive(Debug, Clone, Default)]
pub struct Written {
    amounts: Vec<Money>,
    shares: Vec<String>,
    contacts: Vec<String>,
}

impl Written {
    /// Reads the shop's texts.
    pub fn read<'a>(texts: impl IntoIterator<Item = &'a str>, patterns: &IdPatterns) -> Self {
        let mut written = Self::default();
        for text in texts {
            written.amounts.extend(amounts_in(text).into_iter().filter_map(|(_, amount)| amount));
            written.shares.extend(shares(text));
            written.contacts.extend(contacts(text, patterns));
        }
        written
    }

    pub(super) fn amounts(&self) -> &[Money] {
        &self.amounts
    }

    pub(super) fn holds_share(&self, share: &str) -> bool {
        self.shares.iter().any(|known| known == share)
    }

    pub(super) fn holds_contact(&self, contact: &str) -> bool {
        self.contacts.iter().any(|known| known == contact)
    }

    pub(super) fn is_example(&self, id: &str) -> bool {
        EXAMPLES.contains(&id)
    }
}

/// The percentages of a text, as `5 %`.
pub(super) fn shares(text: &str) -> Vec<String> {
    let plain = text::plain(text);
    SHARE.captures_iter(&plain).map(|hit| format!("{} %", hit[1].trim_end_matches(['.', ',']))).collect()
}

/// The links, telephone numbers, and addresses of a text.
pub(super) fn contacts(text: &str, patterns: &IdPatterns) -> Vec<String> {
    let mut found: Vec<String> =
        LINK.find_iter(text).map(|hit| hit.as_str().trim_end_matches(['.', ',', ')']).to_owned()).collect();
    let mut mask = Mask::new(patterns.clone(), true);
    mask.hide(text);
    found.extend(mask.hidden().map(str::to_owned));
    found
}

/// Whether a contact is a link.
pub(super) fn is_link(contact: &str) -> bool {
    LINK.is_match(contact) && !contact.contains('@')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contacts_and_shares_are_found() {
        let of = |text: &str| contacts(text, &IdPatterns::default());
        for text in [
            "pay at https://evil.example/x",
            "see www.evil.example",
            "go to refunds-now.com/claim please",
            "evil[.]com",
            "upi://pay?pa=x",
            "call +91 98765 43210",
            "call 1800 123 4567",
            "mail help@evil.example",
            "pay to thief@okbank",
            "wa.me/919876543210",
        ] {
            assert!(!of(text).is_empty(), "{text}");
        }
        for text in [
            "Your order ORD000003 came on 2026-06-01 at 10:30.",
            "RFND_20260101120000_ORD000003",
            "Thanks.In a minute I can tell more, e.g. the status.",
            "₹12,34,567.00 is a lot",
        ] {
            assert!(of(text).is_empty(), "{text}: {:?}", of(text));
        }
        assert_eq!(shares("50% off, ५ प्रतिशत and 2.5 per cent"), ["50 %", "5 %", "2.5 %"]);
        let written = Written::read(["Write to help@shop.example; we keep 5 %, ₹49 at most."], &IdPatterns::default());
        assert!(written.holds_contact("help@shop.example") && written.holds_share("5 %"));
        assert_eq!(written.amounts(), [Money::from_rupees(49)]);
    }
}
