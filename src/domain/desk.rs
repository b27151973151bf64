//! What the team writes and keeps that no customer sees: drafts, internal notes, what is pinned to a conversation, and what
//! members keep for themselves.

use jiff::Timestamp;
use serde::Serialize;

use super::ids::UserId;

/// The longest draft or note, in characters: more than a message may have, so that what is too long can be shortened.
pub const LONGEST: usize = 10_000;
/// The longest tag, and the longest name of a view, in characters.
pub const LONGEST_NAME: usize = 40;
/// Tags that one conversation has at most.
pub const MOST_TAGS: usize = 20;

/// What somebody of the team has written and not sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Draft {
    /// Who writes.
    pub by: String,
    /// The customer that it is about.
    pub user_id: UserId,
    /// What it is for, such as `reply`: there is one draft for each.
    pub field: String,
    /// The words.
    pub text: String,
    /// When they were written.
    pub at: Timestamp,
}

/// A note of the team in a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Note {
    /// The customer.
    pub user_id: UserId,
    /// Who wrote it.
    pub by: String,
    /// The words.
    pub text: String,
    /// When.
    pub at: Timestamp,
}

/// What is pinned to a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PinKind {
    /// A word that the team finds it by; the pin's name is the word.
    Tag,
    /// It is put away for a time; the pin has no name.
    Snooze,
    /// A member is asked to look at it; the pin's name is the member.
    Mention,
}

impl PinKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Tag, Self::Snooze, Self::Mention];

    /// The word used in stores.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tag => "tag",
            Self::Snooze => "snooze",
            Self::Mention => "mention",
        }
    }

    /// Reads the word used in stores.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// Something that the team pinned to a conversation: one for each customer, kind and name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pin {
    /// The customer.
    pub user_id: UserId,
    /// What it is.
    pub kind: PinKind,
    /// The tag, or the member who is mentioned; empty for a snooze.
    pub name: String,
    /// Who pinned it.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// When a snooze ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

impl Pin {
    /// Whether this snooze still puts its conversation away: its time is not over, the customer has not written since (`heard`, by
    /// the time of the transcript), and what waits now had `begun` when it was put away.
    pub fn holds(&self, now: Timestamp, heard: Option<Timestamp>, begun: Option<Timestamp>) -> bool {
        let knows = |at: Option<Timestamp>| at.is_none_or(|at| at <= self.at);
        self.until.is_some_and(|until| now < until) && knows(heard) && knows(begun)
    }
}

/// A tag as it is kept: small letters, digits and signs of no ASCII, with single dashes between words. `None` where nothing is left of it, or too much.
pub fn tag(text: &str) -> Option<String> {
    let small = text.trim().trim_start_matches('#').to_lowercase();
    // Signs that belong to letters, as in Devanagari, are no letters themselves.
    let parts = |c: char| c.is_whitespace() || (c.is_ascii() && !c.is_ascii_alphanumeric());
    let words = small.split(parts).filter(|word| !word.is_empty());
    let tag = words.collect::<Vec<_>>().join("-");
    (!tag.is_empty() && tag.chars().count() <= LONGEST_NAME).then_some(tag)
}

/// The members whom a note names with `@`, once each, in their order.
pub fn mentions<'a>(text: &str, members: &[&'a str]) -> Vec<&'a str> {
    let of_name = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
    let mut found: Vec<&str> = Vec::new();
    let mut before = ' ';
    for (place, c) in text.char_indices() {
        // An address such as mia@shop.example names nobody.
        if c == '@' && !of_name(before) {
            let rest = text.get(place + 1..).unwrap_or_default();
            let named = rest.split(|c: char| !of_name(c)).next().unwrap_or_default().to_lowercase();
            // A point at its end is of the sentence.
            let named = named.trim_end_matches(['.', '-', '_']);
            found.extend(members.iter().find(|member| **member == named && !found.contains(member)));
        }
        before = c;
    }
    found
}

/// What a member keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EntryKind {
    /// A saved view: its name, and the filters of the list as a query.
    View,
    /// A session of the pages: the digest of its key, and until when it holds.
    Session,
    /// Who is away: alerts are not assigned to them.
    Away,
    /// A canned reply that was written on the pages.
    Reply,
    /// A member who was added on the pages: their role, and the hash of their password.
    Member,
    /// Who looks at conversations and types in them on the pages of a process, which is the owner. It is outdated after moments.
    Presence,
    /// What was done with an alert, which is the owner: that a member released it, or that it was made urgent.
    Duty,
}

impl EntryKind {
    /// The word used in stores.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::View => "view",
            Self::Session => "session",
            Self::Away => "away",
            Self::Reply => "reply",
            Self::Member => "member",
            Self::Presence => "presence",
            Self::Duty => "duty",
        }
    }
}

/// Something that a member of the team keeps: one for each kind, owner and name. It is about no customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TeamEntry {
    /// What it is.
    pub kind: EntryKind,
    /// Whose it is; empty: the team's.
    pub owner: String,
    /// What it is called.
    pub name: String,
    /// What it says.
    pub value: String,
    /// Since when.
    pub at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_has_one_writing() {
        for (text, kept) in [
            ("Damaged goods", Some("damaged-goods")),
            (" #VIP ", Some("vip")),
            ("क्या हुआ!", Some("क्या-हुआ")),
            ("--", None),
            ("", None),
        ] {
            assert_eq!(tag(text).as_deref(), kept, "{text}");
        }
        assert_eq!(tag(&"x".repeat(40)).map(|tag| tag.len()), Some(40));
        assert_eq!(tag(&"x".repeat(41)), None);
    }

    #[test]
    fn a_note_mentions_members_only() {
        let members = ["night", "front-desk", "lead"];
        for (text, named) in [
            ("@night please look, @Lead. @night!", vec!["night", "lead"]),
            ("cc (@front-desk)", vec!["front-desk"]),
            ("mia@night.example, @nobody, night, @ night", vec![]),
            ("@night.example", vec![]),
        ] {
            assert_eq!(mentions(text, &members), named, "{text}");
        }
    }

    #[test]
    fn a_snooze_ends_with_its_time_or_with_a_message() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let (user_id, kind) = (UserId::new("1"), PinKind::Snooze);
        let pin = Pin { user_id, kind, name: String::new(), by: "desk".into(), at: at(100), until: Some(at(200)) };
        assert!(pin.holds(at(199), None, None) && pin.holds(at(199), Some(at(100)), Some(at(100))));
        assert!(!pin.holds(at(200), None, None) && !pin.holds(at(150), Some(at(101)), None));
        assert!(!pin.holds(at(150), None, Some(at(101))), "a later alert was not put away");
        assert!(!Pin { until: None, ..pin }.holds(at(150), None, None));
    }
}
