//! Dates of an order file that are told as times ago: `{-3d}`, `{-6h}`, `{-25m}`. So orders of a test stay as old as they are meant to be.

use std::sync::LazyLock;

use jiff::civil::DateTime;
use jiff::{Span, ToSpan as _};
use regex::Regex;

/// The column that holds a date without a time of day.
const DAY_COLUMN: &str = "order date";

/// A text with the times ago as dates and times, by the clock of the shop. In a table, the column `Order Date` gets the date alone.
pub fn filled(text: &str, now: DateTime) -> String {
    static AGO: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\{-(\d{1,6})([dhm])\}").ok());
    let Some(ago) = AGO.as_ref() else { return text.to_owned() };
    let day_column = day_column(text);
    let mut filled = String::with_capacity(text.len());
    let (mut done, mut place) = (0, Place::default());
    for found in ago.captures_iter(text) {
        let (Some(whole), Some(count), Some(unit)) = (found.get(0), found.get(1), found.get(2)) else { continue };
        let before = &text[done..whole.start()];
        place.pass(before);
        filled.push_str(before);
        done = whole.end();
        let count: i64 = count.as_str().parse().unwrap_or_default();
        let span: Span = match unit.as_str() {
            "d" => count.days(),
            "h" => count.hours(),
            _ => count.minutes(),
        };
        let at = now.saturating_sub(span);
        let form = if place.row > 0 && Some(place.column) == day_column { "%Y-%m-%d" } else { "%Y-%m-%d %H:%M" };
        filled.push_str(&at.strftime(form).to_string());
    }
    filled.push_str(&text[done..]);
    filled
}

/// Where in a delimited text something is.
#[derive(Default)]
struct Place {
    row: usize,
    column: usize,
    quoted: bool,
}

impl Place {
    fn pass(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                '"' => self.quoted = !self.quoted,
                ',' | ';' | '\t' if !self.quoted => self.column += 1,
                '\n' if !self.quoted => {
                    self.row += 1;
                    self.column = 0;
                }
                _ => {}
            }
        }
    }
}

fn day_column(text: &str) -> Option<usize> {
    let header = text.trim_start_matches('\u{feff}').lines().next()?;
    header.split([',', ';', '\t']).position(|name| name.trim().trim_matches('"').eq_ignore_ascii_case(DAY_COLUMN))
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
            "Order ID,Placed,Order Date,Items\nA1,2026-02-27 10:30,2026-02-27,\"[{\"\"name\"\": \"\"Tea, {big}\"\"}]\"\nA2,2026-03-01 09:45,2026-02-28,\n"
        );
        assert_eq!(filled("[{\"placed\": \"{-1d}\"}]", now), "[{\"placed\": \"2026-02-28 10:30\"}]");
        assert_eq!(filled("nothing to do", now), "nothing to do");
    }
}
