use serde_json::json;

use super::*;

fn read(text: &str) -> Result<Cases, CaseError> {
    let mut cases = Cases::default();
    cases.read("cases.jsonl", text).map(|()| cases)
}

/// A case in which one field is another, or (`null`) left out.
fn with(field: &str, value: Value) -> String {
    let mut case = json!({
        "id": "one", "category": "test", "lang": "en", "customer": "ORD1", "turns": ["first", "second"], "expect": {"outcome": "answered"},
    });
    case[field] = value;
    case.to_string()
}

#[test]
fn every_field_of_the_form_is_read() {
    let text = json!({
        "id": "one", "category": "refund", "lang": "hi-en", "goal": "money", "why": "it is due", "phone": "+919876543210",
        "turns": ["first", {"if": "a", "unless": "b", "if_waiting": ["person"], "if_done": ["find_orders"], "if_not_done": "cancel_order",
            "after_handover": true, "say": "+26h second"}],
        "auto": {"order_id": "ORD1", "consent": [{"if": "60", "say": "yes", "else": "no", "restates": "say"}, "yes"], "*": "the tea"},
        "again": "once more", "unknown": ["ORD9"],
        "expect": {
            "any": [
                {"outcome": "acted", "needs": [{"tool": "process_refund", "args": {"order_id": "ORD1", "amount": 60}},
                    {"any": [{"tool": "return_order", "args": {"order_id": "ORD9", "items": ["Tea"], "resolution": ["refund", "exchange"]}},
                        {"tool": "change_order", "args": {"change": {"all": ["~a", "~b"]}}}]}],
                    "money": {"ORD1": 60}, "may": ["cancel_order"]},
                {"outcome": "handed_over", "handover": {"by": 2, "not_before": 1, "priority": "high", "at_once": true}},
                {"outcome": "declined_rightly", "money": [0, 60], "handover_ok": true, "lang_from": 2},
            ],
            "must": ["<SORRY>", {"re": "60", "at": 2}], "must_not": [{"re": "61", "from": 1}], "forbid": ["cancel_order", {"tool": "change_order", "at": 1}],
            "lang": ["hi-en", "en"], "same": 1, "max_turns": 5, "silence_ok": true, "claims_ok": true,
        },
    });
    let cases = read(&format!("\u{feff}\n{text}\n\n")).unwrap();
    let case = &cases.cases[0];
    assert_eq!((case.line, &case.who), (2, &Who::Number("919876543210".to_owned())));
    assert!(
        case.turns[1].when.after_handover
            && case.turns[1].when.not_done.as_deref() == Some(&["cancel_order".to_owned()])
    );
    assert_eq!(case.again, ["once more"]);
    let expect = &case.expect;
    assert_eq!(expect.ways.len(), 3);
    assert!(expect.ways.iter().all(|way| way.must.len() == 2 && way.forbid.len() == 2 && way.lang == ["hi-en", "en"]));
    assert_eq!((expect.same, expect.max_turns, expect.silence_ok, expect.claims_ok), (1, Some(5), true, true));
    assert!(expect.could_be_resolved() && expect.is_danger());
    assert!((expect.most_money() - 60.0).abs() < f64::EPSILON);
    let orders: Vec<String> = case.orders().map(|(_, order)| order.to_string()).collect();
    assert_eq!(orders, ["ORD1", "ORD1"], "what is unknown need not be there");
    assert!(cases.not_read.is_empty());
}

#[test]
fn what_is_wrong_is_told_with_line_field_and_hint() {
    let expect = |expect: Value| with("expect", expect);
    for (text, place, problem) in [
        (with("id", Value::Null), "cases.jsonl:1: id", "missing"),
        (with("turns", json!([])), "cases.jsonl:1: turns", "says nothing"),
        (with("turns", json!(["a", {"say": "b", "iff": "c"}])), "cases.jsonl:1: turns[1].iff", "no such field"),
        (with("turns", json!(["a", {"say": "b", "if": "(c"}])), "cases.jsonl:1: turns[1].if", "no regular expression"),
        (
            with("turns", json!(["a", {"say": "b", "if_done": ["pay"]}])),
            "cases.jsonl:1: turns[1].if_done[0]",
            "“pay” is not known",
        ),
        (with("customer", Value::Null), "cases.jsonl:1", "who writes"),
        (with("phone", json!("1")), "cases.jsonl:1: phone", "who writes already"),
        (with("auto", json!({"consent": {"say": "yes"}})), "cases.jsonl:1: auto.consent.if", "missing"),
        (with("auto", json!({"consent": []})), "cases.jsonl:1: auto.consent", "no answer"),
        (expect(json!({})), "cases.jsonl:1: expect", "outcome"),
        (expect(json!({"outcome": "acted"})), "cases.jsonl:1: expect", "not what"),
        (expect(json!({"outcome": "solved"})), "cases.jsonl:1: expect.outcome", "“solved” is not known"),
        (expect(json!({"outcome": "acted", "mustnt": ["a"]})), "cases.jsonl:1: expect.mustnt", "no such field"),
        (
            expect(json!({"any": [{"outcome": "acted", "same": 1}]})),
            "cases.jsonl:1: expect.any[0].same",
            "no such field",
        ),
        (
            expect(json!({"any": [{"outcome": "acted", "must": ["a", 5]}]})),
            "cases.jsonl:1: expect.any[0].must[1]",
            "5 is no text",
        ),
        (
            expect(json!({"outcome": "acted", "must": [{"re": "(?!a)"}]})),
            "cases.jsonl:1: expect.must[0].re",
            "looks around",
        ),
        (
            expect(json!({"outcome": "acted", "must": [{"re": "a", "at": 3}]})),
            "cases.jsonl:1: expect.must[0].at",
            "no line 3",
        ),
        (
            expect(json!({"outcome": "acted", "needs": [{"tool": "pay"}]})),
            "cases.jsonl:1: expect.needs[0].tool",
            "“pay”",
        ),
        (
            expect(json!({"outcome": "acted", "needs": [{"tool": "find_orders", "args": {"a": "~("}}]})),
            "cases.jsonl:1: expect.needs[0].args.a",
            "no regular",
        ),
        (expect(json!({"outcome": "acted", "money": "60"})), "cases.jsonl:1: expect.money", "no amount"),
        (expect(json!({"outcome": "acted", "money": [-1]})), "cases.jsonl:1: expect.money[0]", "no amount"),
        (expect(json!({"outcome": "acted", "lang": ["xx"]})), "cases.jsonl:1: expect.lang[0]", "“xx” is no language"),
        (
            expect(json!({"outcome": "acted", "handover": {"by": 0}})),
            "cases.jsonl:1: expect.handover.by",
            "0 is no number",
        ),
        (
            expect(json!({"outcome": "acted", "handover": {"by": 9, "at_once": true}})),
            "cases.jsonl:1: expect.handover.by",
            "no line 9",
        ),
        (
            expect(json!({"outcome": "acted", "handover": {"priority": "urgent"}})),
            "cases.jsonl:1: expect.handover.priority",
            "“urgent”",
        ),
        (expect(json!({"outcome": "acted", "silence_ok": "yes"})), "cases.jsonl:1: expect.silence_ok", "no yes or no"),
        ("\n{\"id\": ".to_owned(), "cases.jsonl:2:", "no JSON"),
        ("[]".to_owned(), "cases.jsonl:1", "no object"),
        (" \n".to_owned(), "cases.jsonl", "no case"),
        (format!("{0}\n{0}", with("why", json!("…"))), "cases.jsonl:2: id", "“one” already"),
    ] {
        let error = read(&text).unwrap_err();
        assert!(error.place.starts_with(place), "{text}: {error}");
        assert!(error.problem.contains(problem), "{text}: {error}");
        assert!(!error.hint.is_empty(), "{error}");
    }
}

#[test]
fn fields_of_others_are_named_and_not_read() {
    let cases = read(&with("seen_on", json!("Monday"))).unwrap();
    assert_eq!(cases.not_read.into_iter().collect::<Vec<_>>(), [("seen_on".to_owned(), "one".to_owned())]);
}
