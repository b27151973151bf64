//! Searching: telephone numbers in any writing, and where a text holds what was searched for.

use std::ops::Range;

use maud::{Markup, html};

use crate::domain::phone;

/// The fewest digits that a part of a telephone number has.
const FEWEST: usize = 4;
/// Characters that are shown before what was found.
const BEFORE: usize = 40;

/// The digits of a text that may be a telephone number, or a part of one, in whatever way it is written: without what is dialled
/// before it, `+`, `00` or the `0` of the country.
pub(super) fn number(text: &str) -> Option<String> {
    let text: String = text.trim().chars().filter_map(phone::plain).collect();
    let text = text.replace("(0)", "");
    let plain = text.chars().all(|c| c.is_ascii_digit() || " +-()./".contains(c));
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.trim_start_matches('0');
    (plain && digits.len() >= FEWEST).then(|| digits.to_owned())
}

/// Where a text holds what was searched for, letters' case aside: ranges of bytes, in their order.
pub(super) fn hits(text: &str, wanted: &str) -> Vec<Range<usize>> {
    let wanted: Vec<char> = wanted.trim().chars().flat_map(char::to_lowercase).collect();
    if wanted.is_empty() {
        return Vec::new();
    }
    // Each character in lower case with the place of the one that it comes from.
    let folded: Vec<(usize, char)> =
        text.char_indices().flat_map(|(place, c)| c.to_lowercase().map(move |lower| (place, lower))).collect();
    let end = |index: usize| {
        let place = folded.get(index).map_or(0, |(place, _)| *place);
        place + text.get(place..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8)
    };
    let mut found: Vec<Range<usize>> = Vec::new();
    for (index, window) in folded.windows(wanted.len()).enumerate() {
        let Some((place, _)) = window.first() else { continue };
        let fits = window.iter().map(|(_, c)| c).eq(&wanted);
        if fits && found.last().is_none_or(|last| last.end <= *place) {
            found.push(*place..end(index + wanted.len() - 1));
        }
    }
    found
}

/// A text in which what was searched for is marked.
pub(super) fn marked(text: &str, wanted: &str) -> Markup {
    let mut parts = Vec::new();
    let mut rest = 0;
    for hit in hits(text, wanted) {
        parts.push((text.get(rest..hit.start).unwrap_or_default(), false));
        rest = hit.end;
        parts.push((text.get(hit).unwrap_or_default(), true));
    }
    parts.push((text.get(rest..).unwrap_or_default(), false));
    html! {
        @for (part, hit) in parts { @if hit { mark { (part) } } @else { (part) } }
    }
}

/// The part of a text that holds what was searched for, with a little before it.
pub(super) fn around<'a>(text: &'a str, wanted: &str) -> (&'static str, &'a str) {
    let Some(first) = hits(text, wanted).into_iter().next() else { return ("", text) };
    let before = text.get(..first.start).unwrap_or_default();
    match before.char_indices().rev().nth(BEFORE) {
        Some((place, _)) => ("…", text.get(place..).unwrap_or_default()),
        None => ("", text),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_found_in_any_writing() {
        for text in [
            "+91 98765 00002",
            "919876500002",
            "0091-98765-00002",
            "(91) 98765.00002",
            "+91\u{a0}98765\u{2011}00002",
            "९१ ९८७६५ ००००२",
        ] {
            assert_eq!(number(text).as_deref(), Some("919876500002"), "{text}");
        }
        assert_eq!(number("098765 00002").as_deref(), Some("9876500002"), "as at home");
        assert_eq!(number("+44 (0)20 7946 0018").as_deref(), Some("442079460018"));
        assert_eq!(number("+91 98").as_deref(), Some("9198"), "a part");
        for text in ["", "12", "order 98765", "#1001", "user-98765", "98765, 43210"] {
            assert_eq!(number(text), None, "{text}");
        }
    }

    #[test]
    fn what_was_searched_for_is_marked_and_markup_is_text() {
        assert_eq!(
            marked("Tea <b>TEA</b>", "tea").into_string(),
            "<mark>Tea</mark> &lt;b&gt;<mark>TEA</mark>&lt;/b&gt;"
        );
        assert_eq!(marked("a & b", "").into_string(), "a &amp; b");
        assert_eq!(hits("İstanbul istanbul", "istanbul").len(), 1, "the dotted letter is two in lower case");
        assert_eq!(hits("aaaa", "aa"), [0..2, 2..4]);
        let long = format!("{}needle", "hay ".repeat(60));
        let (sign, shown) = around(&long, "needle");
        assert!(sign == "…" && shown.ends_with("needle") && shown.len() < 60, "{shown}");
        assert_eq!(around("needle", "needle"), ("", "needle"));
    }

    proptest! {
        #[test]
        fn hits_are_in_order_and_within_the_text(text in ".{0,40}", wanted in ".{0,3}") {
            let mut end = 0;
            for hit in hits(&text, &wanted) {
                prop_assert!(hit.start >= end && text.get(hit.clone()).is_some_and(|part| !part.is_empty()));
                end = hit.end;
            }
        }
    }
}
