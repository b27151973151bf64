use std::future::ready;

use serde_json::json;

use super::*;
use crate::bench::case::Cases;

/// A program that answers as it is told, and keeps what it heard.
#[derive(Default)]
struct Scripted {
    answers: VecDeque<Said>,
    heard: Vec<String>,
}

impl Shop for Scripted {
    fn answer(&mut self, message: &str) -> impl Future<Output = Result<Said, String>> {
        self.heard.push(message.to_owned());
        ready(self.answers.pop_front().ok_or_else(|| "nobody is there".to_owned()))
    }
}

fn said(reply: &str, waiting_for: &str) -> Said {
    Said { reply: Some(reply.to_owned()), waiting_for: waiting_for.to_owned(), ..Said::default() }
}

fn with_person() -> Said {
    Said { with_person: true, ..said("A person will answer.", "nothing") }
}

fn with_call(tool: &str) -> Said {
    let result = json!({"status": "success"});
    Said { tools: vec![Call { tool: tool.to_owned(), result, ..Call::default() }], ..said("Done.", "nothing") }
}

/// What is said in a case, and why, where the program answers so.
fn held(case: &Value, answers: Vec<Said>) -> Vec<(String, String)> {
    let mut whole = json!({"id": "one", "category": "test", "lang": "en", "phone": "1", "expect": {"outcome": "answered", "must": ["never said"]}});
    whole.as_object_mut().unwrap().extend(case.as_object().unwrap().clone());
    let mut cases = Cases::default();
    cases.read("test.jsonl", &whole.to_string()).unwrap();
    let world = World { articles: Articles::new(), patterns: IdPatterns::new("", "").unwrap() };
    let mut shop = Scripted { answers: answers.into(), ..Scripted::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let log = runtime.block_on(talk(&cases.cases[0], &world, &mut shop));
    assert_eq!(log.iter().map(|entry| &entry.customer).collect::<Vec<_>>(), shop.heard.iter().collect::<Vec<_>>());
    log.into_iter().map(|entry| (entry.customer, entry.how.label())).collect()
}

/// The same without why.
fn words(case: &Value, answers: Vec<Said>) -> Vec<String> {
    held(case, answers).into_iter().map(|(words, _)| words).collect()
}

#[test]
fn questions_are_answered_before_the_next_line_and_the_wish_is_said_again() {
    let case = json!({
        "turns": ["where is it", "thanks"], "again": ["but where", "tell me", "a third time"],
        "auto": {"order_id": "ORD000003", "person": "no"},
    });
    let asks = || said("Which order?", "order_id");
    let answers = vec![
        asks(),
        asks(),
        asks(),
        said("A person?", "person"),
        said("Hm.", "nothing"),
        said("Hm!", "nothing"),
        said("…", "nothing"),
    ];
    assert_eq!(
        held(&case, answers),
        [
            ("where is it", "line 1"),
            ("ORD000003", "answer to order_id"),
            ("ORD000003", "answer to order_id"),
            ("thanks", "line 2"),
            ("no", "answer to person"),
            ("but where", "again"),
            ("tell me", "again"),
        ]
        .map(|(words, how)| (words.to_owned(), how.to_owned()))
    );
}

#[test]
fn a_line_that_names_the_order_is_the_answer_to_which_one() {
    let case = json!({"turns": ["where is it", "it is ORD000004"], "auto": {"order_id": "ORD000003"}});
    assert_eq!(
        words(&case, vec![said("Which?", "which_order"), said("Ok", "nothing")]),
        ["where is it", "it is ORD000004"]
    );
    let case = json!({"turns": ["where is it", "thanks"], "auto": {"order_id": "ORD000003"}});
    let answers = vec![said("Which?", "which_order"), said("Ok", "nothing"), said("Ok", "nothing")];
    assert_eq!(words(&case, answers), ["where is it", "ORD000003", "thanks"]);
}

#[test]
fn lines_depend_on_the_reply_the_question_and_what_was_done() {
    let case = json!({"turns": [
        "start",
        {"if": "offer", "say": "it is an offer"},
        {"unless": "offer", "say": "it is none"},
        {"if_waiting": ["person"], "say": "a person is offered"},
        {"if_done": ["process_refund"], "say": "it was paid"},
        {"if_not_done": ["process_refund"], "say": "it was not paid"},
    ]});
    let end = || said("…", "nothing");
    assert_eq!(
        words(&case, vec![said("An OFFER!", "nothing"), end(), end(), end()]),
        ["start", "it is an offer", "it is none", "it was not paid"]
    );
    assert_eq!(
        words(&case, vec![said("Hm", "person"), said("Hm", "person"), end(), end()]),
        ["start", "it is none", "a person is offered", "it was not paid"]
    );
    assert_eq!(words(&case, vec![with_call("process_refund"), end(), end()]), ["start", "it is none", "it was paid"]);
}

#[test]
fn an_answer_looks_at_what_was_asked() {
    let consent = json!({"if": "₹60", "say": "yes", "else": "no, only the butter"});
    let case = json!({"turns": ["refund the butter"], "auto": {"consent": consent}});
    let answers = vec![said("₹900 then? yes or no", "consent"), said("₹60.00?", "consent"), said("Done", "nothing")];
    assert_eq!(
        held(&case, answers),
        [("refund the butter", "line 1"), ("no, only the butter", "correction"), ("yes", "answer to consent")]
            .map(|(words, how)| (words.to_owned(), how.to_owned()))
    );
    // Asked in words only, and by a program that does not say what it waits for.
    let case = json!({"turns": ["cancel it"], "auto": {"consent": ["yes", "yes, do it"]}});
    let answers =
        vec![said("Shall I cancel it?", "nothing"), said("Please confirm.", "nothing"), said("Done", "nothing")];
    assert_eq!(words(&case, answers), ["cancel it", "yes", "yes, do it"]);
}

#[test]
fn anything_else_is_answered_until_the_customer_is_tired() {
    let case = json!({"turns": ["help"], "auto": {"*": "the tea is missing"}, "again": ["never said"]});
    let asks = || said("Your customer id?", "customer_id");
    assert_eq!(
        held(&case, vec![asks(), asks(), asks(), asks()]),
        [("help", "line 1"), ("the tea is missing", "answer to *"), ("the tea is missing", "answer to *")]
            .map(|(words, how)| (words.to_owned(), how.to_owned()))
    );
}

#[test]
fn with_a_person_only_lines_that_wait_are_said() {
    let case = json!({"turns": ["a person please", "hello?", "+25h still nobody", "really nobody?"]});
    assert_eq!(words(&case, vec![with_person(), with_person()]), ["a person please"]);
    let case = json!({"turns": ["a person please", "+25h still nobody", "really nobody?"]});
    assert_eq!(
        words(&case, vec![with_person(), with_person(), with_person()]),
        ["a person please", "+25h still nobody", "really nobody?"]
    );
    let case = json!({"turns": ["a person please", {"say": "it burns!", "after_handover": true}, "hello?"]});
    assert_eq!(
        words(&case, vec![with_person(), with_person(), with_person()]),
        ["a person please", "it burns!", "hello?"]
    );
}

#[test]
fn a_conversation_ends_with_a_fault_or_after_ten_messages() {
    let case = json!({"turns": ["hello", "again"]});
    assert_eq!(words(&case, vec![]), ["hello"]);
    let lines: Vec<String> = (1..=12).map(|line| format!("line {line}")).collect();
    let answers = (0..12).map(|_| said("Hm", "nothing")).collect();
    assert_eq!(words(&json!({"turns": lines}), answers).len(), MOST_MESSAGES);
}
