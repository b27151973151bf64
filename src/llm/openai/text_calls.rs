//! What a model wrote into its text although it belongs elsewhere: thoughts, marks of its own format, and calls. Pure.
//!
//! It must never let a text out that holds a mark, an object as programs write them, or the name of a tool: a customer
//! reads words only. A call is made only where it names one of the offered tools.

use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde_json::{Map, Value};

use crate::domain::pattern::pattern;

/// Calls that are read from one text.
const MAX_CALLS: usize = 8;
/// Places of a text at which a JSON value is looked for.
const MAX_VALUES: usize = 1_000;

/// What a text amounts to.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Reading {
    /// Words for the customer.
    Words(String),
    /// Calls that were written as text.
    Calls(Vec<Written>),
    /// Neither: why, as the end of “the answer cannot be used: it …”.
    Unusable(&'static str),
}

/// A call that was written as text.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Written {
    /// One of the offered tools.
    pub name: String,
    /// Its arguments.
    pub arguments: Value,
}

/// Reads a text of a model; `offered`: the names of the tools.
pub(super) fn read(text: &str, offered: &[&str]) -> Reading {
    let said = without_thoughts(&harmony(&without_edges(text)));
    let calls = calls_in(&said, offered);
    if !calls.is_empty() {
        return Reading::Calls(calls);
    }
    let said = without_edges(&WRAPPER.replace_all(&said, ""));
    if said.is_empty() {
        return Reading::Unusable("it holds only thoughts");
    }
    if is_internal(&said, offered) {
        return Reading::Unusable("it holds marks of the model's own format");
    }
    Reading::Words(said)
}

/// The offered tool that a name means: some models add the namespace of their training, a number or a mark to it.
pub(super) fn offered_name<'a>(written: &str, offered: &[&'a str]) -> Option<&'a str> {
    let edge = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '(' | ')');
    let bare = written.split("<|").next().unwrap_or_default().trim_matches(edge);
    let bare = bare.trim_end_matches(|c: char| c.is_ascii_digit()).strip_suffix(':').unwrap_or(bare);
    let last = bare.rsplit(['.', ':', '/']).next().unwrap_or(bare);
    [bare, last].into_iter().find_map(|name| offered.iter().copied().find(|tool| *tool == name))
}

/// Arguments as a call holds them: an object, the text of one (also twice over), or nothing. Text that is no JSON stays a
/// text, and the tool describes the error to the model.
pub(super) fn arguments(value: &Value) -> Value {
    let mut value = value.clone();
    for _ in 0..3 {
        let Value::String(text) = &value else { break };
        let bare = text.trim();
        let bare = bare.strip_prefix("```json").or_else(|| bare.strip_prefix("```")).unwrap_or(bare);
        let bare = bare.strip_suffix("```").unwrap_or(bare).trim();
        if bare.is_empty() {
            return Value::Object(Map::new());
        }
        match serde_json::from_str(bare) {
            Ok(read) => value = read,
            Err(_) => break,
        }
    }
    if value.is_null() { Value::Object(Map::new()) } else { value }
}

// --- thoughts -------------------------------------------------------------------------------------------------------

/// Tags around a thought.
static THOUGHT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)<\s*(/?)\s*(?:seed:|ant_?)?(?:think(?:ing)?|thoughts?|reasoning|reflection|analysis|scratchpad|inner_monologue)(?:\s[^<>]*)?>",
    )
});
/// The same in other brackets; the group holds what only a closing one has.
static OTHER_THOUGHT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?i)\[(/?)think\]|◁(/?)think▷|<\|(?:begin_of_|(end_of_|/))?(?:thought|think|thinking)\|>")
});
/// Tags around what is for the customer.
static WRAPPER: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)</?(?:answer|final|final_answer|response|output|reply|message)>"));
/// What models end or begin a text with, and services should have removed.
static END: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)(?:\s*(?:<[|｜][^<>|｜\n]{1,40}[|｜]>|</s>|<eos>|<end_of_turn>))+\s*$"));
static BEGIN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)^\s*(?:<s>|<bos>|<start_of_turn>model|<\|im_start\|>\s*assistant|<\|start_header_id\|>\s*assistant\s*<\|end_header_id\|>|\s)+",
    )
});

/// The text without tokens at its end and its beginning that say only that it ends or begins.
fn without_edges(text: &str) -> String {
    let text = END.replace(text, |found: &Captures<'_>| {
        // A call may end with its own mark, and so may a thought.
        let mark = found[0].to_lowercase();
        let means = ["call", "tool", "python", "thought", "think", "message", "channel"];
        if means.iter().any(|word| mark.contains(word)) { found[0].to_owned() } else { String::new() }
    });
    BEGIN.replace(&text, "").trim().to_owned()
}

/// What is outside of thoughts. All before a closing tag without an opening one is a thought, and all after an opening one
/// that is never closed.
fn without_thoughts(text: &str) -> String {
    let text = OTHER_THOUGHT.replace_all(text, |found: &Captures<'_>| {
        let closing = (1..=3).any(|group| found.get(group).is_some_and(|group| !group.is_empty()));
        if closing { "</think>" } else { "<think>" }
    });
    let (mut said, mut from, mut open) = (String::new(), 0, false);
    for tag in THOUGHT.captures_iter(&text) {
        let Some(whole) = tag.get(0) else { continue };
        let closing = !tag[1].is_empty();
        match (closing, open) {
            (false, false) => said.push_str(&text[from..whole.start()]),
            (true, false) => said.clear(),
            _ => {}
        }
        open = !closing;
        from = whole.end();
    }
    if !open {
        said.push_str(&text[from..]);
    }
    said
}

static HARMONY: LazyLock<Regex> = LazyLock::new(|| pattern(r"<\|(start|end|return|call|channel|message|constrain)\|>"));
static RECIPIENT: LazyLock<Regex> = LazyLock::new(|| pattern(r"\bto=([\w.]+)"));
/// The same format after a service removed its marks and left the words between them.
static BARE_HARMONY: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?s)^(?:analysis|commentary|assistant(?:analysis|commentary)).*?assistantfinal(.*)$"));

/// The messages of the harmony format (gpt-oss) as one text: calls as `to=NAME {…}`, of the rest only what is final.
fn harmony(text: &str) -> String {
    if let Some(found) = BARE_HARMONY.captures(text) {
        return found[1].to_owned();
    }
    if !(text.contains("<|channel|>") || text.contains("<|message|>")) {
        return text.to_owned();
    }
    let (mut out, mut head, mut body): (Vec<String>, String, Option<String>) = (Vec::new(), String::new(), None);
    let mut begun = false;
    let mut flush = |head: &mut String, body: &mut Option<String>, begun: bool| {
        let (header, said) = (std::mem::take(head), body.take());
        let channel = header.split_once("channel=").map(|(_, channel)| channel.trim_start().to_lowercase());
        match (RECIPIENT.captures(&header), said) {
            (Some(to), Some(said)) => out.push(format!("to={} {said}", &to[1])),
            (None, Some(said)) if channel.as_deref().is_none_or(|channel| channel.starts_with("final")) => {
                out.push(said);
            }
            // Words before the first mark.
            (None, None) if channel.is_none() && !begun => out.push(header),
            _ => {}
        }
    };
    let mut from = 0;
    for mark in HARMONY.captures_iter(text) {
        let Some(whole) = mark.get(0) else { continue };
        let before = &text[from..whole.start()];
        body.as_mut().unwrap_or(&mut head).push_str(before);
        from = whole.end();
        match &mark[1] {
            "message" => body = Some(String::new()),
            "constrain" => head.push(' '),
            "channel" => {
                if body.is_some() {
                    flush(&mut head, &mut body, begun);
                }
                head.push_str(" channel=");
            }
            end => {
                flush(&mut head, &mut body, begun);
                begun = end == "start";
            }
        }
    }
    body.as_mut().unwrap_or(&mut head).push_str(&text[from..]);
    flush(&mut head, &mut body, begun);
    out.join("\n")
}

// --- calls ----------------------------------------------------------------------------------------------------------

const NAMES: [&str; 7] = ["name", "tool_name", "tool", "function", "action", "recipient_name", "function_name"];
const ARGUMENTS: [&str; 9] =
    ["arguments", "parameters", "args", "params", "input", "action_input", "tool_input", "function_args", "kwargs"];
const LISTS: [&str; 5] = ["tool_calls", "function_calls", "calls", "tool_call", "function_call"];

/// What may stand between the name of a tool and its arguments.
static GLUE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)^(?:<[|｜][^<>]{0,40}[|｜]>|</?[a-z_]+>|\[[a-z_]+\]|```\w*|:\d+|\b(?:json|args|arguments|parameters|action|input|commentary|with|code)\b|[\s:=>("'`|*,.]|->)*$"#,
    )
});
static OPENING: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)<(?:invoke|function_call|function|tool|tool_call|tool_use|call)\s+(?:name|tool)\s*=\s*["']?([\w.:-]+)["']?[^<>]*>|<(?:function|tool|invoke)=["']?([\w.:-]+)["']?>|<tool_call>\s*([\w.:-]+)\s*<arg_key>|<([a-z]\w+)>"#,
    )
});
static PARAMETER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?is)<(?:parameter|param|arg|argument)(?:=|\s+name\s*=\s*)["']?([\w-]+)["']?[^<>]*>\s*(.*?)\s*</(?:parameter|param|arg|argument)>|<arg_key>\s*([\w-]+)\s*</arg_key>\s*<arg_value>\s*(.*?)\s*</arg_value>|<([a-z]\w*)>\s*([^<>]*?)\s*</[a-z]\w*>"#,
    )
});
static KEYWORD: LazyLock<Regex> =
    LazyLock::new(|| pattern(r#"(\w+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([^,\s)]+))"#));

/// The calls in a text, whatever the format: as JSON, as tags, or as a program would write them.
fn calls_in(text: &str, offered: &[&str]) -> Vec<Written> {
    // A name of a tool must be in it, in every format.
    if !offered.iter().any(|name| text.contains(name)) {
        return Vec::new();
    }
    let mut calls = json_calls(text, offered);
    if calls.is_empty() {
        calls = tag_calls(text, offered);
    }
    if calls.is_empty() {
        calls = code_calls(text, offered);
    }
    calls.truncate(MAX_CALLS);
    calls
}

fn json_calls(text: &str, offered: &[&str]) -> Vec<Written> {
    let (mut calls, mut at, mut end_of_last) = (Vec::new(), 0, 0);
    for _ in 0..MAX_VALUES {
        let Some(open) = text[at..].find(['{', '[']) else { break };
        let start = at + open;
        let mut values = serde_json::Deserializer::from_str(&text[start..]).into_iter::<Value>();
        let Some(Ok(value)) = values.next() else {
            at = start + 1;
            continue;
        };
        let end = start + values.byte_offset();
        let found = calls.len();
        calls_of(&value, offered, 0, &mut calls);
        if calls.len() == found
            && value.is_object()
            && let Some(name) = name_before(&text[end_of_last..start], offered)
        {
            calls.push(Written { name: name.to_owned(), arguments: value });
        }
        (at, end_of_last) = (end, end);
    }
    calls
}

/// The calls that a JSON value describes.
fn calls_of(value: &Value, offered: &[&str], depth: usize, calls: &mut Vec<Written>) {
    if depth > 4 || calls.len() >= MAX_CALLS {
        return;
    }
    let map = match value {
        Value::Array(list) => {
            return list.iter().for_each(|value| calls_of(value, offered, depth + 1, calls));
        }
        Value::Object(map) => map,
        _ => return,
    };
    let named = NAMES.iter().find_map(|key| {
        let name = map.get(*key)?.as_str()?;
        offered_name(name, offered).map(|name| (*key, name))
    });
    if let Some((key, name)) = named {
        let given = ARGUMENTS.iter().find_map(|key| map.get(*key)).map_or_else(
            || {
                let beside = |other: &&String| *other != key && !matches!(other.as_str(), "id" | "type" | "thought");
                let rest = map.iter().filter(|(other, _)| beside(other));
                Value::Object(rest.map(|(name, value)| (name.clone(), value.clone())).collect())
            },
            arguments,
        );
        calls.push(Written { name: name.to_owned(), arguments: given });
        return;
    }
    let inside = LISTS.iter().chain(&NAMES).find_map(|key| map.get(*key)).filter(|inside| !inside.is_string());
    if let Some(inside) = inside {
        return calls_of(inside, offered, depth + 1, calls);
    }
    // `{"query_order_database": {"order_id": …}}`
    for (name, value) in map {
        if let Some(name) = offered_name(name, offered).filter(|_| value.is_object()) {
            calls.push(Written { name: name.to_owned(), arguments: value.clone() });
        }
    }
}

/// The tool that is named right before a JSON object, with nothing but marks in between.
fn name_before<'a>(before: &str, offered: &[&'a str]) -> Option<&'a str> {
    let places = offered.iter().filter_map(|name| before.rfind(name).map(|at| (at + name.len(), *name)));
    let (end, name) = places.max()?;
    let word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let start = end - name.len();
    let whole = !word(before[..start].chars().next_back()) && !word(before[end..].chars().next());
    (whole && before.len() - end <= 200 && GLUE.is_match(&before[end..])).then_some(name)
}

fn tag_calls(text: &str, offered: &[&str]) -> Vec<Written> {
    let openings: Vec<(usize, usize, &str)> = OPENING
        .captures_iter(text)
        .filter_map(|found| {
            let name = (1..=4).find_map(|group| found.get(group))?;
            Some((found.get(0)?.start(), name.end(), offered_name(name.as_str(), offered)?))
        })
        .collect();
    let mut calls = Vec::new();
    for (index, (_, from, name)) in openings.iter().enumerate() {
        let to = openings.get(index + 1).map_or(text.len(), |(start, ..)| *start);
        let mut given = Map::new();
        for found in PARAMETER.captures_iter(text.get(*from..to).unwrap_or_default()) {
            let pair = [(1, 2), (3, 4), (5, 6)]
                .into_iter()
                .find_map(|(key, value)| Some((found.get(key)?.as_str(), found.get(value)?.as_str())));
            let Some((key, value)) = pair else { continue };
            let shaped = value.starts_with(['{', '[']) || matches!(value, "true" | "false" | "null");
            let read = shaped.then(|| serde_json::from_str(value).ok()).flatten();
            given.insert(key.to_owned(), read.unwrap_or_else(|| Value::String(value.to_owned())));
        }
        calls.push(Written { name: (*name).to_owned(), arguments: Value::Object(given) });
    }
    calls
}

/// Calls such as `query_order_database(order_id="…")`.
fn code_calls(text: &str, offered: &[&str]) -> Vec<Written> {
    let mut calls: Vec<(usize, Written)> = Vec::new();
    for name in offered {
        for (at, _) in text.match_indices(name) {
            let word = text[..at].chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '_');
            let Some(inside) = text[at + name.len()..].strip_prefix('(').filter(|_| !word) else { continue };
            let mut given = Map::new();
            let (mut quote, mut end) = (None, inside.len());
            for (index, c) in inside.char_indices() {
                match quote {
                    Some(open) if c == open => quote = None,
                    None if c == '"' || c == '\'' => quote = Some(c),
                    None if c == ')' => {
                        end = index;
                        break;
                    }
                    _ => {}
                }
            }
            for found in KEYWORD.captures_iter(&inside[..end]) {
                let text =
                    (2..=3).find_map(|group| found.get(group)).map(|text| Value::String(text.as_str().to_owned()));
                let bare = || {
                    found.get(4).map_or(Value::Null, |bare| {
                        serde_json::from_str(bare.as_str()).unwrap_or_else(|_| Value::String(bare.as_str().to_owned()))
                    })
                };
                given.insert(found[1].to_owned(), text.unwrap_or_else(bare));
            }
            calls.push((at, Written { name: (*name).to_owned(), arguments: Value::Object(given) }));
            if calls.len() >= MAX_CALLS {
                break;
            }
        }
    }
    calls.sort_by_key(|(at, _)| *at);
    calls.into_iter().map(|(_, call)| call).collect()
}

// --- what never leaves ----------------------------------------------------------------------------------------------

/// Tags of markup, which are removed from a reply later and say nothing of a call.
static MARKUP: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?i)</?(?:b|i|u|em|strong|p|br|div|span|ul|ol|li|h[1-6]|a|code|pre|customer_message)(?:\s[^<>]*)?/?>")
});
/// Anything that looks like a mark of some model's format.
static MARK: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        // Special tokens: <|…|>, <｜…｜>, and their halves.
        r"<\s*[|｜]|[|｜]\s*>|[▁◁▷]|<<\s*/?\s*SYS",
        // Control tags: a word in angle brackets, one with an attribute, or the beginning of a closing one.
        r"|</|</?\s*[A-Za-z_][A-Za-z_:.-]*\s*/?>|</?[A-Za-z_][\w:.-]*\s*=|<[A-Za-z_][\w:.-]*\s+[\w:-]+\s*=",
        // Control words in square brackets: [TOOL_CALLS], [/INST]; not [YES].
        r"|\[[A-Z]+(?:_[A-Z]+)+\]|\[/[A-Z]+\]|\[(?:INST|ARGS|THINK|SYS|SYSTEM|TOOLS?|IMG|UNK|PAD|BOS|EOS|SEP|CLS|MASK)\]",
        // Objects as programs write them.
        r#"|\{\s*["'“”]?[\w -]{1,64}["'“”]?\s*:|\[\s*\{|```\s*(?:json|xml|python|tool)"#,
        // Names of channels and roles that lost their marks.
        r"|\bto=\w|assistant(?:final|analysis|commentary)|^(?:analysis|commentary|final)[A-Z]|^(?:analysis|commentary)\s+to=",
        r"|(?m:^\s*(?:Thought|Action Input|Observation|Final Answer)\s*:)",
    ))
});

/// Whether a text holds anything that is a model's or a program's and not a customer's to read: also where characters that
/// nobody sees, or tags of markup, would be taken out of the middle of it later.
fn is_internal(text: &str, offered: &[&str]) -> bool {
    let visible = |text: &str| text.chars().filter(|c| !is_unseen(*c)).collect::<String>();
    let bare = visible(&MARKUP.replace_all(&visible(text), ""));
    // Taking out a tag can make another one of what was around it.
    let again = MARKUP.replace_all(&bare, "");
    let without_stars: String = again.chars().filter(|c| !matches!(c, '*' | '~' | '`')).collect();
    [bare.as_str(), again.as_ref(), &without_stars]
        .iter()
        .any(|text| MARK.is_match(text) || offered.iter().any(|name| name.contains('_') && text.contains(name)))
}

fn is_unseen(c: char) -> bool {
    (c.is_control() && !matches!(c, '\n' | '\t' | '\r'))
        || matches!(c, '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}')
        || matches!(c, '\u{2060}'..='\u{206F}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFF0}'..='\u{FFFB}')
        || matches!(c, '\u{E000}'..='\u{F8FF}' | '\u{E0000}'..='\u{10FFFF}')
}

#[cfg(test)]
#[path = "text_calls_tests.rs"]
mod tests;
