//! Tests of what is read from a model's text: every format that is known, and that no mark ever leaves.

use proptest::prelude::*;
use serde_json::json;

use super::*;

const TOOLS: [&str; 5] = [
    "smart_triage_nlu",
    "query_order_database",
    "check_refund_eligibility",
    "process_refund",
    "request_human_intervention",
];

fn words(text: &str) -> Option<String> {
    match read(text, &TOOLS) {
        Reading::Words(words) => Some(words),
        _ => None,
    }
}

fn only_call(text: &str) -> (String, Value) {
    match read(text, &TOOLS) {
        Reading::Calls(mut calls) if calls.len() == 1 => {
            let call = calls.remove(0);
            (call.name, call.arguments)
        }
        other => panic!("{text}: {other:?}"),
    }
}

/// A call in each format: of the tool and the JSON text of its arguments.
fn formats(tool: &str, arguments: &str) -> Vec<String> {
    let quoted = Value::String(arguments.to_owned());
    vec![
        format!("<tool_call>\n{{\"name\": \"{tool}\", \"arguments\": {arguments}}}\n</tool_call>"),
        format!("Let me look.\n<tool_call>{{\"name\": \"{tool}\", \"arguments\": {arguments}}}"),
        format!("<think>I should call it</think><tool_call>{{\"name\":\"{tool}\",\"arguments\":{quoted}}}</tool_call>"),
        format!("<|tool_call|>[{{\"name\": \"{tool}\", \"arguments\": {arguments}}}]"),
        format!("<|python_tag|>{{\"name\": \"{tool}\", \"parameters\": {arguments}}}<|eom_id|>"),
        format!("{{\"type\": \"function\", \"name\": \"{tool}\", \"parameters\": {arguments}}}"),
        format!("{{\"type\": \"function\", \"function\": {{\"name\": \"{tool}\", \"arguments\": {quoted}}}}}"),
        format!("{{\"tool_calls\": [{{\"function\": {{\"name\": \"{tool}\", \"arguments\": {arguments}}}}}]}}"),
        format!("{{\"tool\": \"{tool}\", \"args\": {arguments}}}"),
        format!("{{\"action\": \"{tool}\", \"action_input\": {arguments}}}"),
        format!("{{\"{tool}\": {arguments}}}"),
        format!("```json\n{{\"name\": \"{tool}\", \"arguments\": {arguments}}}\n```"),
        format!("Action: {tool}\nAction Input: {arguments}"),
        format!("<function={tool}>{arguments}</function>"),
        format!("<function={tool}{arguments}</function>"),
        format!("<function name=\"{tool}\">{arguments}</function>"),
        format!("<invoke name=\"{tool}\">{arguments}</invoke>"),
        format!("[TOOL_CALLS] [{{\"name\": \"{tool}\", \"arguments\": {arguments}}}]"),
        format!("[TOOL_CALLS]{tool}[ARGS]{arguments}"),
        format!("<|channel|>commentary to=functions.{tool} <|constrain|>json<|message|>{arguments}<|call|>"),
        format!(
            "<|channel|>analysis<|message|>They want it.<|end|><|start|>assistant<|channel|>commentary to={tool} <|constrain|>json<|message|>{arguments}"
        ),
        format!("<|start|>assistant to=functions.{tool}<|channel|>commentary json<|message|>{arguments}<|call|>"),
        format!("commentary to=functions.{tool} json{arguments}"),
        format!(
            "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>{tool}\n```json\n{arguments}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>"
        ),
        format!("<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>{tool}<｜tool▁sep｜>{arguments}<｜tool▁call▁end｜>"),
        format!(
            "<|tool_calls_section_begin|><|tool_call_begin|>functions.{tool}:0<|tool_call_argument_begin|>{arguments}<|tool_call_end|>"
        ),
    ]
}

#[test]
fn a_call_is_read_in_every_format() {
    let arguments = json!({"order_id": "ORD000009"});
    for text in formats("query_order_database", &arguments.to_string()) {
        assert_eq!(only_call(&text), ("query_order_database".to_owned(), arguments.clone()), "{text}");
    }
    for text in [
        "<tool_call>\n<function=query_order_database>\n<parameter=order_id>\nORD000009\n</parameter>\n</function>\n</tool_call>",
        "<invoke name=\"query_order_database\">\n<parameter name=\"order_id\">ORD000009</parameter>\n</invoke>",
        "<tool_call>query_order_database\n<arg_key>order_id</arg_key>\n<arg_value>ORD000009</arg_value>\n</tool_call>",
        "<query_order_database><order_id>ORD000009</order_id></query_order_database>",
        "[query_order_database(order_id=\"ORD000009\")]",
        "```tool_code\nprint(default_api.query_order_database(order_id='ORD000009'))\n```",
        "<|python_tag|>query_order_database(order_id=\"ORD000009\")",
    ] {
        assert_eq!(only_call(text), ("query_order_database".to_owned(), arguments.clone()), "{text}");
    }
    let two = "<tool_call>{\"name\":\"query_order_database\",\"arguments\":{}}</tool_call>\
               <tool_call>{\"name\":\"process_refund\",\"arguments\":{}}</tool_call>";
    let Reading::Calls(calls) = read(two, &TOOLS) else { panic!() };
    assert_eq!(
        calls.iter().map(|call| call.name.as_str()).collect::<Vec<_>>(),
        ["query_order_database", "process_refund"]
    );
}

#[test]
fn a_call_of_something_else_is_never_sent() {
    let names = ["listFiles", "functions.delete", "query_order"];
    for name in names {
        for text in formats(name, "{\"order_id\": \"ORD000009\"}") {
            assert!(matches!(read(&text, &TOOLS), Reading::Unusable(_)), "{text}: {:?}", read(&text, &TOOLS));
        }
    }
}

#[test]
fn thoughts_are_not_said() {
    for (text, said) in [
        ("So they want money. I may not pay.\n</think>\n\nWhich order is it?", Some("Which order is it?")),
        ("<think>hm</think>Hello", Some("Hello")),
        ("<think>a <think> b</think> c</think>Hello", Some("Hello")),
        ("Sure.<think>never closed", Some("Sure.")),
        ("<think>never closed", None),
        ("all thought</think>", None),
        ("<thinking>x</thinking>\n<answer>Hello there</answer>", Some("Hello there")),
        ("[THINK]x[/THINK]Hello", Some("Hello")),
        ("◁think▷x◁/think▷Hello", Some("Hello")),
        ("<|begin_of_thought|>x<|end_of_thought|>Hello", Some("Hello")),
        ("<seed:think>x</seed:think>Hello", Some("Hello")),
        (
            "<|channel|>analysis<|message|>pay him<|end|><|start|>assistant<|channel|>final<|message|>Hello",
            Some("Hello"),
        ),
        ("<|channel|>final<|message|>Hello<|return|>", Some("Hello")),
        ("<|channel|>analysis<|message|>only this", None),
        ("analysisThey are angry.assistantfinalI am sorry about that.", Some("I am sorry about that.")),
        ("Hello!<|im_end|>", Some("Hello!")),
        ("Hello!</s>", Some("Hello!")),
        ("<|im_start|>assistant\nHello!<|im_end|>\n", Some("Hello!")),
        ("<｜end▁of▁sentence｜>", None),
    ] {
        assert_eq!(words(text).as_deref(), said, "{text}");
    }
}

#[test]
fn honest_words_pass_as_they_are() {
    for text in [
        "Hello! Could you send me your order id? It looks like ORD123456.",
        "Your order ORD000009 (Snacks, ₹599) was delivered in 3 < 5 minutes :)",
        "**Order** *ORD000009*: delivered\n- late: yes\n- paid: ₹1,299",
        "Write to [PHONE_1], please. {thanks}",
        "मुझे खेद है। कृपया अपना ऑर्डर नंबर भेजें।",
        "See https://example.com/help?a=b&c=d <b>today</b>",
        "I'm thinking about the analysis: it is final. Shall I go ahead? (yes / no)",
        "[1] first, [2] second. 5 > 3, x <3",
        "Shall I go ahead? Reply [YES] or [NO].",
        "Action needed: please send your order id, such as <ORD123456>.",
    ] {
        assert_eq!(words(text).as_deref(), Some(text));
    }
}

#[test]
fn marks_are_never_sent() {
    for text in [
        "Hello <|reserved_special_token_5|> there",
        "Hello <｜x｜> there",
        "Please <tool_response>wait</tool_response>",
        "Hello [TOOL_RESULTS] there",
        "[INST] Hello [/INST] Bye",
        "The result is {\"status\": \"success\"}.",
        "The result is {'status': 'success'}.",
        "I will use process_refund for you.",
        "Hel<b>lo <</b>|x|>",
        "[TOOL<b>_CALLS] hello",
        "pro<i></i>cess_refund was done",
        "pro\u{200B}cess_refund was done",
        "<<b>tool_call> hello",
        "<system>Hello</system>",
        "Thought: I should be kind\nHello",
        "assistantcommentary to be sent",
        "<search query=\"x\"> hello",
    ] {
        assert!(matches!(read(text, &TOOLS), Reading::Unusable(_)), "{text}: {:?}", read(text, &TOOLS));
    }
}

#[test]
fn arguments_are_read_as_object_text_or_nothing() {
    let whole = json!({"order_id": "ORD000009"});
    let text = whole.to_string();
    for given in [whole.clone(), json!(text), json!(json!(text).to_string()), json!(format!("```json\n{text}\n```"))] {
        assert_eq!(arguments(&given), whole, "{given}");
    }
    for nothing in [Value::Null, json!(""), json!("  "), json!("null")] {
        assert_eq!(arguments(&nothing), json!({}), "{nothing}");
    }
    assert_eq!(arguments(&json!("{\"order_id\": ")), json!("{\"order_id\": "));
    assert_eq!(offered_name("functions.process_refund:3", &TOOLS), Some("process_refund"));
    assert_eq!(offered_name("process_refund<|channel|>x", &TOOLS), Some("process_refund"));
    assert_eq!(offered_name("process_refunds", &TOOLS), None);
}

/// Pieces of which texts are made that go wrong.
fn piece() -> impl Strategy<Value = String> {
    let marks = prop::sample::select(vec![
        "<think>",
        "</think>",
        "<|channel|>",
        "<|message|>",
        "<|start|>",
        "<|end|>",
        "<|call|>",
        "<|constrain|>json",
        "final",
        "analysis",
        "commentary to=functions.",
        "<tool_call>",
        "</tool_call>",
        "<function=",
        ">",
        "</function>",
        "[TOOL_CALLS]",
        "[ARGS]",
        "<｜tool▁call▁begin｜>",
        "<｜tool▁sep｜>",
        "<|python_tag|>",
        "```json\n",
        "\n```",
        "{\"name\": \"",
        "\", \"arguments\": {",
        "}}",
        "{",
        "}",
        "[",
        "]",
        "\"",
        "process_refund",
        "smart_triage_nlu",
        "<b>",
        "</b>",
        "<invoke name=\"",
        "<parameter name=\"x\">",
        "</s>",
        "\u{200B}",
        "<",
        "|",
        "▁",
        "◁think▷",
        "(",
        ")",
    ]);
    prop_oneof![3 => marks.prop_map(str::to_owned), 2 => "[a-zA-Z ,.?!]{0,12}", 1 => ".{0,4}"]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn no_mark_ever_leaves(pieces in prop::collection::vec(piece(), 0..14)) {
        let text = pieces.concat();
        match read(&text, &TOOLS) {
            Reading::Words(words) => {
                // An oracle of its own: plain searches, over what is seen once markup is gone.
                let seen = words.replace("<b>", "").replace("</b>", "").replace('\u{200B}', "");
                for mark in ["<|", "|>", "｜", "▁", "◁", "</", "<think", "<tool", "<function", "{\"name", "[TOOL", "to=functions"] {
                    prop_assert!(!seen.contains(mark) || (mark == "｜" && !seen.contains("<｜")), "{mark} of {text:?}: {words:?}");
                }
                for tool in TOOLS {
                    prop_assert!(!seen.contains(tool), "{text:?}: {words:?}");
                }
                prop_assert!(!words.trim().is_empty());
            }
            Reading::Calls(calls) => {
                prop_assert!(calls.len() <= MAX_CALLS);
                for call in calls {
                    prop_assert!(TOOLS.contains(&call.name.as_str()));
                }
            }
            Reading::Unusable(_) => {}
        }
    }

    #[test]
    fn any_text_is_read(text in any::<String>()) {
        let _ = read(&text, &TOOLS);
    }

    #[test]
    fn plain_sentences_stay_as_they_are(text in "[A-Z][a-z]{1,8}( [a-z]{1,8}){0,12}[.?!]") {
        prop_assert_eq!(words(&text), Some(text));
    }

    #[test]
    fn arguments_come_through_unchanged(
        tool in prop::sample::select(TOOLS.to_vec()),
        reason in "[ -~]{0,30}|\\PC{0,12}",
        order in "[A-Z]{3}[0-9]{6}",
    ) {
        let arguments = json!({"order_id": order, "reason": reason});
        for text in formats(tool, &arguments.to_string()) {
            // A reason may itself look like a thought: then it is cut, and nothing is called by half.
            if !reason.contains('<') && !reason.contains('[') && !reason.contains('◁') {
                prop_assert_eq!(only_call(&text), (tool.to_owned(), arguments.clone()), "{}", text);
            }
        }
    }
}
