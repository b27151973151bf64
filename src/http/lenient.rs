//! Reads JSON of which a part is odd: that part is replaced and counted, and the rest is read.
//!
//! A text with half of a surrogate pair, a value that is nested without end, or a number that no computer holds makes a
//! whole document unreadable for a strict parser, and with it the messages of every other customer in the same webhook.

use serde_json::Value;

/// How deep values may be nested. Messages of a webhook are at 8; the parser gives up at 128.
const DEEPEST: usize = 100;

/// How many parts were replaced, by kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Replaced {
    /// Characters of texts: halves of surrogate pairs, control characters, bytes that are no UTF-8.
    pub characters: u32,
    /// Values that are nested too deep.
    pub nested: u32,
    /// Numbers that cannot be held, and words such as `NaN`.
    pub numbers: u32,
}

/// Parses a document. One that a strict parser reads is read as it is.
///
/// # Errors
/// When it is no JSON even where odd parts are replaced: the strict parser's error.
pub fn parse(body: &[u8]) -> Result<(Value, Replaced), serde_json::Error> {
    let strict = match serde_json::from_slice(body) {
        Ok(value) => return Ok((value, Replaced::default())),
        Err(error) => error,
    };
    let text = String::from_utf8_lossy(body);
    let mut repair =
        Repair { text: &text, at: 0, out: String::with_capacity(text.len()), replaced: Replaced::default() };
    if let std::borrow::Cow::Owned(_) = text {
        repair.replaced.characters += 1;
    }
    repair.document();
    match serde_json::from_str(&repair.out) {
        Ok(value) => Ok((value, repair.replaced)),
        Err(_) => Err(strict),
    }
}

struct Repair<'a> {
    text: &'a str,
    at: usize,
    out: String,
    replaced: Replaced,
}

impl Repair<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn document(&mut self) {
        let mut depth = 0_usize;
        while let Some(c) = self.rest().chars().next() {
            match c {
                '"' => self.string(),
                '{' | '[' if depth == DEEPEST => {
                    self.skip_value();
                    self.out += "null";
                    self.replaced.nested += 1;
                }
                '{' | '[' => {
                    depth += 1;
                    self.push(c);
                }
                '}' | ']' => {
                    depth = depth.saturating_sub(1);
                    self.push(c);
                }
                c if c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '.') => self.word(),
                c => self.push(c),
            }
        }
    }

    fn push(&mut self, c: char) {
        self.out.push(c);
        self.at += c.len_utf8();
    }

    /// Passes over an object or an array, whatever is in it.
    fn skip_value(&mut self) {
        let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
        let length = self.rest().char_indices().find_map(|(at, c)| {
            match c {
                _ if escaped => escaped = false,
                '\\' if quoted => escaped = true,
                '"' => quoted = !quoted,
                '{' | '[' if !quoted => depth += 1,
                '}' | ']' if !quoted => depth -= 1,
                _ => {}
            }
            (depth == 0).then_some(at + c.len_utf8())
        });
        self.at += length.unwrap_or(self.rest().len());
    }

    /// A number, `true`, `false` or `null`; anything else becomes `null`.
    fn word(&mut self) {
        let rest = self.rest();
        let end =
            rest.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '+' | '.')).unwrap_or(rest.len());
        let word = &rest[..end];
        let kept = serde_json::from_str::<Value>(word).is_ok();
        let word = if kept { word.to_owned() } else { "null".to_owned() };
        self.replaced.numbers += u32::from(!kept);
        self.out += &word;
        self.at += end;
    }

    /// A text: only what no parser reads is replaced.
    fn string(&mut self) {
        self.push('"');
        while let Some(c) = self.rest().chars().next() {
            match c {
                '"' => return self.push(c),
                '\\' => self.escape(),
                c if c < ' ' => {
                    self.at += 1;
                    self.odd();
                }
                c => self.push(c),
            }
        }
    }

    fn odd(&mut self) {
        self.out += "\\ufffd";
        self.replaced.characters += 1;
    }

    /// A character that is written as an escape.
    fn escape(&mut self) {
        let unit = |text: &str| {
            let digits = text.strip_prefix("\\u")?.get(..4)?;
            let digits = digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then_some(digits)?;
            u32::from_str_radix(digits, 16).ok()
        };
        let rest = self.rest();
        let length = match (unit(rest), rest.get(6..).and_then(unit)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => 12,
            (Some(0xd800..=0xdfff), _) => {
                self.at += 6;
                return self.odd();
            }
            (Some(_), _) => 6,
            (None, _) if rest.len() > 1 && "\"\\/bfnrt".contains(char::from(rest.as_bytes()[1])) => 2,
            // No such escape: the backslash is what is odd.
            (None, _) => {
                self.at += 1;
                return self.odd();
            }
        };
        let kept = rest[..length].to_owned();
        self.out += &kept;
        self.at += length;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(text: &str) -> (Value, Replaced) {
        parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn odd_parts_are_replaced_and_counted() {
        let characters = |count| Replaced { characters: count, ..Replaced::default() };
        assert_eq!(read(r#"["a\ud83d", "ok"]"#), (json!(["a\u{fffd}", "ok"]), characters(1)));
        assert_eq!(
            read(r#"["\udc00\ud800\ud83d\ude00\\ud800"]"#),
            (json!(["\u{fffd}\u{fffd}😀\\ud800"]), characters(2))
        );
        assert_eq!(
            read(r#"{"k\ud800": "\ud800\u0041\ud800"}"#),
            (json!({"k\u{fffd}": "\u{fffd}A\u{fffd}"}), characters(3))
        );
        assert_eq!(
            read("[\"a\u{1}b\", \"c\\x\", \"\\u12\"]"),
            (json!(["a\u{fffd}b", "c\u{fffd}x", "\u{fffd}u12"]), characters(3))
        );
        assert_eq!(parse(b"[\"a\xff\", 1]").unwrap(), (json!(["a\u{fffd}", 1]), characters(1)));
        let (value, replaced) = read("[1e999, NaN, -Infinity, 1e5, true, null, 12]");
        assert_eq!((value, replaced.numbers), (json!([null, null, null, 1e5, true, null, 12]), 3));
        let deep = format!(r#"{{"deep": {}"]}}"{}, "after": 1}}"#, "[{\"a\":".repeat(4_000), "}]".repeat(4_000));
        let (value, replaced) = read(&deep);
        assert_eq!((&value["after"], replaced.nested), (&json!(1), 1));
        for hopeless in ["", "{", "\"", "[1,", "\"\\", "\u{feff}"] {
            assert!(parse(hopeless.as_bytes()).is_err(), "{hopeless}");
        }
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf =
            prop_oneof![any::<i64>().prop_map(Value::from), "\\PC{0,8}".prop_map(Value::from), Just(Value::Null)];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::btree_map("\\PC{0,4}", inner, 0..4)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn one_odd_part_spoils_nothing(before in value(), after in value(), odd in prop_oneof![
            Just(r#""\ud912""#.to_owned()), Just(r#""x\udfff y""#.to_owned()), Just("NaN".to_owned()), Just("1e400".to_owned()),
            Just("\"\u{7}\"".to_owned()), Just(r#""\q""#.to_owned()), (129..2_000_usize).prop_map(|deep| "[".repeat(deep) + "]".repeat(deep).as_str()),
        ]) {
            let text = format!(r#"{{"before": {before}, "odd": {odd}, "list": [{odd}, {after}]}}"#);
            prop_assert!(serde_json::from_str::<Value>(&text).is_err());
            let (read, replaced) = read(&text);
            prop_assert_eq!(&read["before"], &before);
            prop_assert_eq!(&read["list"][1], &after);
            prop_assert_eq!(replaced.characters + replaced.nested + replaced.numbers, 2);
        }

        #[test]
        fn sound_documents_are_read_as_they_are(value in value()) {
            let text = value.to_string();
            prop_assert_eq!(read(&text), (value.clone(), Replaced::default()));
            let mut repair = Repair { text: &text, at: 0, out: String::new(), replaced: Replaced::default() };
            repair.document();
            prop_assert_eq!(&repair.out, &text, "the repair changes nothing either");
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in r#"([\[\]{}"\\u0-9d,:ax-]|\PC){0,60}"#) {
            let _ = (parse(&bytes).is_ok(), parse(text.as_bytes()).is_ok());
        }
    }
}
