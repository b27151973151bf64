//! Tests of reading `.env`: a table, and properties over any text. `tests/dotenv.sh` compares it with python-dotenv itself.

use proptest::prelude::*;

use super::*;

/// Names and values, with variables put in from an environment that holds HOME alone.
fn values(text: &str) -> Vec<(String, Option<String>)> {
    let environment = |name: &str| (name == "HOME").then(|| "/home/shop".to_owned());
    resolve(&parse(text).assignments, environment).into_iter().map(|found| (found.name, found.value)).collect()
}

fn value(text: &str) -> String {
    let read = values(text);
    assert_eq!(read.len(), 1, "{text}: {read:?}");
    read[0].1.clone().unwrap_or_else(|| panic!("{text}"))
}

#[test]
fn values_are_read_as_python_reads_them() {
    for (text, expected) in [
        ("A=b", "b"),
        ("A = b ", "b"),
        ("export A=b", "b"),
        ("  export\tA=b", "b"),
        ("'A'=b", "b"),
        ("\u{FEFF}A=b", "b"),
        ("A=b\r\n", "b"),
        ("A=p$1x$y$$", "p$1x$y$$"),
        ("A=two words here", "two words here"),
        ("A=b#c", "b#c"),
        ("A=b # c", "b"),
        ("A=b\t# c # d", "b"),
        ("A=#b", "#b"),
        ("A= # b", ""),
        ("A=", ""),
        ("A=a=b==", "a=b=="),
        ("A=it's \"so\"", "it's \"so\""),
        ("A=C:\\temp\\new", "C:\\temp\\new"),
        ("A='it\\'s \\\\ \\n'", "it's \\ \\n"),
        ("A=\"a\\tb\\nc \\\"d\\\" \\\\ \\x\"", "a\tb\nc \"d\" \\ \\x"),
        ("A='two\nlines'", "two\nlines"),
        ("A=\"x # y\" # z", "x # y"),
        ("A=${HOME}/x", "/home/shop/x"),
        ("A='${HOME}'", "/home/shop"),
        ("A=${NONE}x${NONE:-d}", "xd"),
        ("A=${HOME:-d}", "/home/shop"),
        ("A=${NONE:x}${", "${NONE:x}${"),
        ("A=ü€😀", "ü€😀"),
    ] {
        assert_eq!(value(text), expected, "{text}");
    }
}

#[test]
fn several_lines_and_what_is_between() {
    let text = "# first\n\nA=1\nB\nA=2 # again\nC=${A}${B}\n\n  # last";
    let read = parse(text);
    assert_eq!(read.unreadable, []);
    let lines: Vec<(&str, usize)> = read.assignments.iter().map(|found| (found.name.as_str(), found.line)).collect();
    assert_eq!(lines, [("A", 3), ("B", 4), ("A", 5), ("C", 6)]);
    assert_eq!(values(text)[3].1.as_deref(), Some("2"));
    let unset = resolve(&parse("A=x${B}${C:-d}").assignments, |_| None);
    assert_eq!((unset[0].value.as_deref(), &unset[0].unset), (Some("xd"), &vec!["B".to_owned()]));
}

#[test]
fn what_cannot_be_read_is_named_and_the_rest_is_read() {
    for (text, line, reason) in [
        ("A=1\nB=\"open\nC=2", 2, "its quote is not closed"),
        ("A=1\nB='open\nC=2", 2, "its quote is not closed"),
        ("A=1\nB=\"x\" y\nC=2", 2, "there is text after the closing quote"),
        ("A=1\nB 2\nC=2", 2, "there is no “=” after the name"),
        ("A=1\n=x\nC=2", 2, "there is no name before “=”"),
        ("A=1\n'B=x\nC=2", 2, "the quote of its name is not closed"),
        ("A=1\n\n\nexport B C\nC=2", 4, "there is no “=” after the name"),
    ] {
        let read = parse(text);
        assert_eq!(
            read.unreadable.iter().map(|line| (line.line, line.reason)).collect::<Vec<_>>(),
            [(line, reason)],
            "{text}"
        );
        let names: Vec<&str> = read.assignments.iter().map(|found| found.name.as_str()).collect();
        assert_eq!(names, ["A", "C"], "{text}");
    }
}

proptest! {
    #[test]
    fn any_text_is_read_to_its_end(text in any::<String>(), odd in r##"(?:[A-C]|[='"#$\\{}:\-# \t\n\r]|export ){0,60}"##) {
        for text in [text, odd] {
            let read = parse(&text);
            let lines = text.matches(['\n', '\r']).count() + 1;
            for found in &read.assignments {
                prop_assert!(!found.name.is_empty() && found.line >= 1 && found.line <= lines);
            }
            for found in &read.unreadable {
                prop_assert!(found.line >= 1 && found.line <= lines);
            }
            resolve(&read.assignments, |_| None);
        }
    }

    #[test]
    fn a_quoted_value_is_any_value(value in "[^\0\r]{0,40}", other in "[a-z]{0,5}") {
        let dollar = |text: String| text.replace("${", "$ {");
        let value = dollar(value);
        let quoted = value.replace('\\', "\\\\").replace('\'', "\\'");
        let text = format!("A='{quoted}'\nB={other}\n");
        let read = values(&text);
        prop_assert_eq!(&read, &vec![("A".to_owned(), Some(value)), ("B".to_owned(), Some(other))]);
    }

    #[test]
    fn a_plain_value_stays_as_it_is(value in r#"[!-"$-~][!-~]{0,30}"#) {
        prop_assume!(!value.starts_with(['"', '\'']) && !value.contains("${"));
        let text = format!("A={value}");
        let read = parse(&text);
        prop_assert_eq!(read.assignments[0].value.as_deref(), Some(value.as_str()));
    }
}
