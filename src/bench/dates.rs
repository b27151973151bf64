//! Dates of an order file that are told as times ago: `{-3d}`, `{-6h}`, `{-25m}`. So orders of a test stay as old as they are meant to be.

use std::sync::LazyLock;

use jiff::civil::DateTime;
use jiff::{Span, ToSpan as _};
use regex::{Captures, Regex};

/// A text with the times ago as dates and times, by the clock of the shop.
pub fn filled(text: &str, now: DateTime) -> String {
    static AGO: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\{-(\d{1,6})([dhm])\}").ok());
    let Some(ago) = AGO.as_ref() else { return text.to_owned() };
    let at = |found: &Captures| {
        let count: i64 = found[1].parse().unwrap_or_default();
        let span: Span = match &found[2] {
            "d" => count.days(),
            "h" => count.hours(),
            _ => count.minutes(),
        };
        now.saturating_sub(span).strftime("%Y-%m-%d %H:%M").to_string()
    };
    ago.replace_all(text, at).into_owned()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn times_ago_become_dates() {
        let now = date(2026, 3, 1).at(10, 30, 0, 0);
        let text = "Order ID,Placed,Order Date,Items\nA1,{-2d},{-2d},\"[{\"\"name\"\": \"\"Tea, {big}\"\"}]\"\nA2,{-45m},{-11h},\n";
        assert_eq!(
            filled(text, now),
            "Order ID,Placed,Order Date,Items\nA1,2026-02-27 10:30,2026-02-27 10:30,\"[{\"\"name\"\": \"\"Tea, {big}\"\"}]\"\nA2,2026-03-01 09:45,2026-02-28 23:30,\n"
        );
        assert_eq!(filled("[{\"placed\": \"{-1d}\"}]", now), "[{\"placed\": \"2026-02-28 10:30\"}]");
        assert_eq!(filled("nothing to do", now), "nothing to do");
    }
}
