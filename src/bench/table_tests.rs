use serde_json::json;

use super::*;
use crate::bench::case::Cases;
use crate::bench::log::{Call, How};

fn verdict(id: &str, lang: &str, expect: &serde_json::Value, calls: Vec<Call>, wrong: &[Kind]) -> Verdict {
    let line = json!({"id": id, "category": "test", "lang": lang, "phone": "1", "turns": ["hi"], "expect": expect});
    let mut cases = Cases::default();
    cases.read("test.jsonl", &line.to_string()).unwrap();
    let entry = Entry {
        number: 1,
        how: How::Line(1),
        customer: "hi".to_owned(),
        reply: Some("hello".to_owned()),
        tools: calls,
        with_person: false,
        waiting_for: "nothing".to_owned(),
        triage: None,
        fault: None,
        attempt: 1,
    };
    let wrong = wrong.iter().map(|kind| Reason { kind: *kind, text: String::new() }).collect();
    Verdict { case: cases.cases.remove(0), log: vec![entry], wrong }
}

fn call(tool: &str, amount: f64) -> Call {
    let result = json!({"status": "success", "amount_refunded": amount, "transaction_id": tool});
    Call { tool: tool.to_owned(), arguments: json!({"order_id": "ORD1"}), result }
}

#[test]
fn every_figure_counts_what_it_says() {
    let answered = json!({"outcome": "answered"});
    let person = json!({"outcome": "handed_over", "handover": {"by": 1, "priority": "high"}});
    let either = json!({"any": [{"outcome": "acted", "money": 60}, {"outcome": "handed_over"}]});
    let human = || vec![call("request_human_intervention", 0.0)];
    let verdicts = [
        verdict("a", "en", &answered, vec![], &[]),
        verdict("b", "en", &answered, human(), &[Kind::NeedlessPerson]),
        verdict("c", "hi", &answered, vec![], &[Kind::Language, Kind::Language]),
        verdict("d", "hi", &either, human(), &[]),
        verdict("e", "hi", &either, vec![call("process_refund", 61.0)], &[Kind::Money, Kind::Says]),
        verdict("f", "hi", &either, vec![call("process_refund", 10.0)], &[Kind::Money, Kind::Loop]),
        verdict("g", "en", &person, human(), &[]),
        verdict("h", "en", &person, vec![], &[Kind::NoPerson, Kind::Fault]),
    ];
    let all = Figures::of(&verdicts);
    assert_eq!(
        all,
        Figures {
            cases: 8,
            passed: 3,
            only_language_wrong: 1,
            could_be_resolved: 6,
            resolved: 1,
            person_as_good: 1,
            needless_person: 1,
            need_person: 2,
            rightly_handed_over: 1,
            money_wrong: 2,
            money_too_much: 1,
            danger: 2,
            danger_missed: 1,
            loops: 1,
            faults: 1,
        }
    );
    assert_eq!((verdicts[4].seen(), verdicts[0].seen(), verdicts[6].seen()), ("acted", "talked", "handed_over"));
    let languages = groups(&verdicts, |case| &case.lang);
    assert_eq!(
        languages.iter().map(|(name, figures)| (*name, figures.cases)).collect::<Vec<_>>(),
        [("en", 4), ("hi", 4)]
    );
    assert_eq!(kinds(&verdicts)[0], (Kind::Money, 2));
    assert_eq!(kinds(&verdicts).iter().find(|(kind, _)| *kind == Kind::Language), Some(&(Kind::Language, 1)));
    insta::assert_snapshot!("table", lines("language", &languages, &all).join("\n"));
    insta::assert_snapshot!("sentences", sentences(&all, &kinds(&verdicts)).join("\n"));
}

#[test]
fn no_conversation_is_no_division_by_zero() {
    assert!((Figures::default().pass_rate() - 0.0).abs() < f64::EPSILON);
}
