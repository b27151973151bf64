//! Conversations with a stand-in for the language model's service: the requests, their order, and each way it can fail.
//!
//! The requests are saved in the target folder for `tests/llm.sh`, which checks them against the service's own schema.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use crate::cli::{ecomres, run};

const MODEL: &str = "openai/gpt-oss-120b";
const FALLBACK: &str = "openai/gpt-oss-20b";

/// Gives its answers one after the other and records the requests.
#[derive(Clone, Default)]
struct Script {
    answers: Arc<Mutex<VecDeque<ResponseTemplate>>>,
    asked: Arc<Mutex<Vec<Value>>>,
}

impl Respond for Script {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        save(&body);
        assert_eq!(request.headers["authorization"], "Bearer test-key");
        self.asked.lock().unwrap().push(body);
        self.answers.lock().unwrap().pop_front().unwrap_or_else(|| ResponseTemplate::new(503))
    }
}

/// Saves a request for `tests/llm.sh`.
fn save(body: &Value) {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("llm-requests");
    std::fs::create_dir_all(&folder).unwrap();
    let name = format!("{}-{}.json", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    std::fs::write(folder.join(name), body.to_string()).unwrap();
}

/// A stand-in for the service.
struct Service {
    server: MockServer,
    script: Script,
    runtime: tokio::runtime::Runtime,
    folder: tempfile::TempDir,
}

impl Service {
    fn with(answers: Vec<ResponseTemplate>) -> Self {
        Self::with_models(answers, &[MODEL, FALLBACK, "llama-3.3-70b-versatile"])
    }

    fn with_models(answers: Vec<ResponseTemplate>, models: &[&str]) -> Self {
        let listed: Vec<Value> = models.iter().map(|id| json!({"id": id, "object": "model", "active": true})).collect();
        Self::with_list(answers, &json!({"object": "list", "data": listed}))
    }

    /// With the answer to the request for the models as it is.
    fn with_list(answers: Vec<ResponseTemplate>, list: &Value) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let script = Script { answers: Arc::new(Mutex::new(answers.into())), ..Script::default() };
        let server = runtime.block_on(async {
            let server = MockServer::start().await;
            let models = ResponseTemplate::new(200).set_body_json(list);
            Mock::given(method("GET")).and(path("/openai/v1/models")).respond_with(models).mount(&server).await;
            let chat = Mock::given(method("POST")).and(path("/openai/v1/chat/completions"));
            chat.respond_with(script.clone()).mount(&server).await;
            server
        });
        Self { server, script, runtime, folder: tempfile::tempdir().unwrap() }
    }

    fn command(&self, arguments: &[&str]) -> assert_cmd::Command {
        let mut command = ecomres(self.folder.path());
        command
            .env("GROQ_API_KEY", "test-key")
            .env("ECOMRES_LLM__BASE_URL", format!("{}/openai/v1", self.server.uri()))
            .args(arguments);
        command
    }

    /// Holds a conversation; gives its events and what was written to standard error.
    fn hold(&self, messages: &[&str], change: impl FnOnce(&mut assert_cmd::Command)) -> (Vec<Value>, String) {
        std::fs::write(self.folder.path().join("script.txt"), messages.join("\n")).unwrap();
        let mut command = self.command(&["simulate", "--script", "script.txt", "--json", "--user-id", "919876543210"]);
        change(&mut command);
        let (code, out, err) = run(&mut command);
        assert_eq!(code, 0, "{err}");
        (out.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), err)
    }

    fn asked(&self) -> Vec<Value> {
        self.script.asked.lock().unwrap().clone()
    }

    fn models_asked(&self) -> Vec<String> {
        self.asked().iter().map(|body| body["model"].as_str().unwrap().to_owned()).collect()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // What serves must still run while the server is taken down.
        let _guard = self.runtime.enter();
    }
}

fn answer(message: &Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": MODEL,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 900, "completion_tokens": 40, "total_tokens": 940},
    }))
}

fn says(text: &str) -> ResponseTemplate {
    answer(&json!({"role": "assistant", "content": text}))
}

fn calls(name: &str, arguments: &str) -> ResponseTemplate {
    let call = json!({"id": "call_x", "type": "function", "function": {"name": name, "arguments": arguments}});
    answer(&json!({"role": "assistant", "content": null, "reasoning": "I should look.", "tool_calls": [call]}))
}

/// An answer of the service that refuses a request.
fn refused(status: u16, error: &Value) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(json!({"error": error}))
}

/// The model wrote a call that the service could not read.
fn unreadable_call() -> ResponseTemplate {
    let error = json!({
        "message": "Failed to call a function.", "type": "invalid_request_error", "code": "tool_use_failed",
        "failed_generation": "<function=query_order_database{\"order_id\": \"ORD000001\"}</function>",
    });
    refused(400, &error)
}

fn called(event: &Value) -> Vec<&str> {
    event["tools"].as_array().unwrap().iter().map(|call| call["tool"].as_str().unwrap()).collect()
}

fn reply(event: &Value) -> &str {
    event["reply"].as_str().unwrap_or_default()
}

#[test]
fn the_documented_order_conversation() {
    let service = Service::with(vec![
        says("Of course! Please send me your order id."),
        calls("query_order_database", "{\"order_id\":\"ORD000001\"}"),
        says("Thanks! Your order ORD000001 was delivered. **Anything else?**"),
    ]);
    let (events, _) = service.hold(&["Where is my order?", "ORD000001"], |_| {});
    assert_eq!(called(&events[1]), ["query_order_database"]);
    assert_eq!(reply(&events[1]), "Thanks! Your order ORD000001 was delivered. *Anything else?*");
    let asked = service.asked();
    assert_eq!(asked.len(), 3);
    for body in &asked {
        assert_eq!((&body["parallel_tool_calls"], &body["tool_choice"]), (&json!(false), &json!("auto")));
        assert_eq!(body["tools"].as_array().unwrap().len(), 11);
        assert_eq!(body["model"], MODEL);
    }
    let roles = |body: &Value| -> Vec<String> {
        body["messages"]
            .as_array()
            .unwrap()
            .iter()
            .map(|message| message["role"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(roles(&asked[2]), ["system", "user", "assistant", "user", "assistant", "tool"]);
    let system = asked[0]["messages"][0]["content"].as_str().unwrap();
    assert!(system.contains("intent track_order") && system.contains("Today is "), "{system}");
    let result = asked[2]["messages"][5]["content"].as_str().unwrap();
    assert!(result.starts_with("<tool_result>") && result.contains("Order Value (INR)"), "{result}");
}

#[test]
fn the_documented_refund_conversation() {
    let service = Service::with(vec![
        says("I'm sorry to hear that. What is your order id?"),
        calls("query_order_database", "{\"order_id\":\"ORD000003\"}"),
        calls("check_refund_eligibility", "{\"order_id\":\"ORD000003\"}"),
        says("I'm sorry about that! [[offer]]"),
        calls("process_refund", "{\"order_id\":\"ORD000003\",\"amount\":599,\"reason\":\"items missing\"}"),
        says("Done: ₹599 for order ORD000003 has been refunded."),
    ]);
    let (events, _) = service.hold(&["I want a refund, items are missing", "ORD000003", "yes please"], |_| {});
    assert_eq!(called(&events[1]), ["query_order_database", "check_refund_eligibility"]);
    let offer = "I can refund ₹599 for order ORD000003.\nShall I go ahead? Please reply yes or no.";
    assert_eq!(reply(&events[1]), format!("I'm sorry about that!\n{offer}"));
    assert_eq!(called(&events[2]), ["process_refund"]);
    assert_eq!(events[2]["tools"][0]["result"]["status"], "success");
    assert_eq!(events[2]["guard"], Value::Null);
    assert!(reply(&events[2]).contains("₹599"), "{}", events[2]);
}

#[test]
fn the_documented_escalation_conversation() {
    let service = Service::with(vec![
        calls("request_human_intervention", "{\"reason\":\"upset about repeated delays\",\"priority\":\"high\"}"),
        says("I'm so sorry. I've asked a member of our team to take over."),
    ]);
    let said = ["This is the third time it is late and nobody answers, get me a manager!", "hello?"];
    let (events, _) = service.hold(&said, |_| {});
    assert_eq!(called(&events[0]), ["request_human_intervention"]);
    assert!(reply(&events[0]).contains("member of our team"));
    assert_eq!(events[1]["reply"], Value::Null);
    assert_eq!(service.asked().len(), 2, "while a person answers, nobody asks the model");
}

/// The whole way: a service answers with what no tool said, and the customer gets none of it.
#[test]
fn no_made_up_claim_reaches_the_customer() {
    let claims = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/guard/claims.csv");
    let mut reader = csv::Reader::from_path(claims).unwrap();
    let text = reader.headers().unwrap().iter().position(|header| header == "text").unwrap();
    let claims: Vec<String> = reader.records().map(|record| record.unwrap()[text].to_owned()).step_by(40).collect();
    assert!(claims.len() >= 15, "{}", claims.len());
    let service = Service::with(claims.iter().map(|claim| says(claim)).collect());
    // The playbook answers a greeting in place of each claim, and goes on doing so.
    let (events, _) = service.hold(&vec!["hello"; claims.len()], |_| {});
    let out: Vec<&String> = claims
        .iter()
        .zip(&events)
        .filter(|(claim, event)| reply(event).contains(claim.trim()))
        .map(|(claim, _)| claim)
        .collect();
    // What the measured share lets out is not counted twice: a single one may be among so few.
    assert!(out.len() <= 1, "{out:?}");
    let held = events.iter().filter(|event| event["guard"].is_string()).count();
    assert!(held + 1 >= claims.len(), "{held} of {}", claims.len());
}

/// What the customer is told in place of a made-up claim is what they would be told without a language model.
#[test]
fn a_made_up_claim_is_replaced_by_the_playbooks_answer() {
    let offer = "I can refund ₹599 for order ORD000003.\nShall I go ahead? Please reply yes or no.";
    let looks = ["query_order_database", "check_refund_eligibility"];
    for (message, tools, told) in [
        ("where is my order ORD000003", &looks[..1], "Order ORD000003 ("),
        ("I want a refund for ORD000003", &looks[..], offer),
        ("hello", &[], "Hello! 👋 I can check an order"),
    ] {
        let service = Service::with(vec![says("Your refund has been sent!")]);
        let (events, err) = service.hold(&[message], |_| {});
        assert!(reply(&events[0]).contains(told), "{message}: {}", events[0]);
        assert_eq!((&events[0]["guard"], called(&events[0])), (&json!("refund_claim"), tools.to_vec()), "{message}");
        assert_eq!(service.asked().len(), 1, "{message}");
        assert!(err.contains("the playbook answers in place of the language model") && err.contains("guard"), "{err}");
        let (offline, _) = Service::with(vec![]).hold(&[message], |command| {
            command.arg("--offline");
        });
        assert_eq!(reply(&events[0]), reply(&offline[0]), "{message}");
    }
}

/// A claim that is made up twice neither pays nor keeps the customer from the refund they agree to.
#[test]
fn a_lying_model_does_not_keep_a_customer_from_a_refund() {
    let service = Service::with(vec![says("Your refund has been sent!"), says("Your refund has been sent!")]);
    let (events, _) = service.hold(&["I want a refund for ORD000003", "yes"], |_| {});
    assert!(!called(&events[0]).contains(&"process_refund"));
    assert_eq!(called(&events[1]), ["process_refund"]);
    assert_eq!(events[1]["tools"][0]["result"]["status"], "success");
    assert!(reply(&events[1]).contains("RFND_") && events[1]["guard"] == "refund_claim", "{}", events[1]);
}

#[test]
fn personal_data_does_not_leave_and_comes_back() {
    let service = Service::with(vec![
        calls("request_human_intervention", "{\"reason\":\"call back on [PHONE_1]\"}"),
        says("I've asked a member of our team to take over; they have [PHONE_1]."),
    ]);
    let (events, _) = service.hold(&["please have a person call me on 98111 22233"], |_| {});
    assert_eq!(events[0]["tools"][0]["arguments"]["reason"], "call back on 98111 22233");
    for body in service.asked() {
        let text = body.to_string();
        assert!(!text.contains("98111") && !text.contains("919876543210") && text.contains("[PHONE_1]"), "{text}");
    }
    let service = Service::with(vec![says("Hello!")]);
    service.hold(&["I am at 98111 22233"], |command| {
        command.env("ECOMRES_PRIVACY__MASK", "false");
    });
    assert!(service.asked()[0].to_string().contains("98111 22233"));
}

#[test]
fn a_rate_limit_is_obeyed_and_another_model_answers_meanwhile() {
    let error = json!({
        "message": "Rate limit reached on tokens per minute (TPM): Limit 8000, Used 7412, Requested 1900.",
        "type": "tokens", "code": "rate_limit_exceeded",
    });
    let limited = refused(429, &error).insert_header("retry-after", "10");
    let service = Service::with(vec![limited, says("Hello from the other model!"), says("Hello again.")]);
    let begun = Instant::now();
    let (events, _) = service.hold(&["hello there friend", "are you well today"], |_| {});
    assert_eq!((reply(&events[0]), reply(&events[1])), ("Hello from the other model!", "Hello again."));
    // It asked for ten seconds: within these the first model is not asked again.
    assert_eq!(service.models_asked(), [MODEL, FALLBACK, FALLBACK]);
    assert!(begun.elapsed() < Duration::from_secs(9));
}

#[test]
fn a_service_without_capacity_is_asked_twice_more_and_then_its_other_model() {
    let full = refused(498, &json!({"message": "capacity_exceeded", "code": "capacity_exceeded"}));
    let service = Service::with(vec![full.clone(), full.clone(), full, says("Hello from the other model!")]);
    let (events, _) = service.hold(&["hello there friend"], |_| {});
    assert_eq!(reply(&events[0]), "Hello from the other model!");
    assert_eq!(service.models_asked(), [MODEL, MODEL, MODEL, FALLBACK]);
}

#[test]
fn an_unreadable_call_is_retried_at_a_lower_temperature_and_then_the_playbook_answers() {
    let service = Service::with(vec![unreadable_call(), unreadable_call()]);
    let (events, err) = service.hold(&["where is ORD000001"], |_| {});
    let asked = service.asked();
    assert_eq!(asked.len(), 2);
    assert!(asked[1]["temperature"].as_f64().unwrap() < asked[0]["temperature"].as_f64().unwrap());
    assert!(reply(&events[0]).contains("ORD000001") && called(&events[0]) == ["query_order_database"]);
    assert!(err.contains("the playbook answers in place of the language model"), "{err}");
    let service = Service::with(vec![unreadable_call(), says("Which order is it?")]);
    assert_eq!(reply(&service.hold(&["where is my parcel"], |_| {}).0[0]), "Which order is it?");
}

#[test]
fn the_model_is_told_which_tools_there_are() {
    let error = json!({
        "message": "tool call validation failed: attempted to call tool 'listFiles' which was not in request.tools",
        "type": "invalid_request_error", "code": "tool_use_failed",
    });
    let unknown = refused(400, &error);
    let service = Service::with(vec![unknown, says("Which order is it?")]);
    let (events, _) = service.hold(&["where is my parcel"], |_| {});
    assert_eq!(reply(&events[0]), "Which order is it?");
    let asked = service.asked();
    let told = asked[1]["messages"].as_array().unwrap().last().unwrap()["content"].as_str().unwrap().to_owned();
    assert!(told.contains("listFiles") && told.contains("query_order_database"), "{told}");
}

#[test]
fn arguments_that_cannot_be_read_go_back_to_the_model_once() {
    let service = Service::with(vec![
        calls("query_order_database", "{\"order_id\": ORD000001"),
        calls("query_order_database", "{\"order_id\": \"ORD000001\"}"),
        says("Your order ORD000001 was delivered."),
    ]);
    let (events, _) = service.hold(&["where is ORD000001"], |_| {});
    assert_eq!(reply(&events[0]), "Your order ORD000001 was delivered.");
    let asked = service.asked();
    let last = asked[1]["messages"].as_array().unwrap().last().unwrap();
    assert!(last["content"].as_str().unwrap().contains("give an object"), "{last}");
    let service = Service::with(vec![calls("query_order_database", "{"), calls("query_order_database", "[1]")]);
    let (events, _) = service.hold(&["where is ORD000001"], |_| {});
    assert_eq!(service.asked().len(), 2);
    assert!(reply(&events[0]).contains("ORD000001"), "the playbook answers: {}", events[0]);
}

#[test]
fn every_other_failure_ends_with_the_playbooks_answer() {
    let slow = || says("too late").set_delay(Duration::from_secs(30));
    for (name, answers, asked) in [
        (
            "a wrong key",
            vec![ResponseTemplate::new(401).set_body_json(json!({"error": {"message": "Invalid API Key"}}))],
            1,
        ),
        ("no such model", vec![ResponseTemplate::new(404), ResponseTemplate::new(404)], 2),
        ("down", (0..6).map(|_| ResponseTemplate::new(503)).collect(), 6),
        (
            "a page",
            vec![
                ResponseTemplate::new(200).set_body_string("<html>"),
                ResponseTemplate::new(200).set_body_string("{}"),
            ],
            2,
        ),
        ("empty", vec![says(""), says(" ")], 2),
        ("slow", vec![slow(), slow()], 1),
        ("a redirect", vec![ResponseTemplate::new(302).insert_header("location", "http://127.0.0.1:9/"); 2], 2),
    ] {
        let service = Service::with(answers);
        let (events, err) = service.hold(&["where is ORD000001"], |command| {
            command.env("ECOMRES_LLM__TURN_SECONDS", if name == "slow" { "1" } else { "20" });
        });
        assert!(reply(&events[0]).contains("ORD000001"), "{name}: {}", events[0]);
        assert!(err.contains("the playbook answers"), "{name}: {err}");
        assert!(!err.contains("test-key"), "{name}: {err}");
        assert_eq!(service.asked().len(), asked, "{name}");
    }
}

#[test]
fn an_unreachable_service_is_a_warning() {
    let service = Service::with(vec![]);
    let (events, err) = service.hold(&["where is ORD000001", "thanks"], |command| {
        command.env("ECOMRES_LLM__BASE_URL", "http://127.0.0.1:9/v1");
    });
    assert!(reply(&events[0]).contains("ORD000001"));
    assert!(err.contains("the models could not be listed"), "{err}");
    let (_, out, _) = run(service.command(&["doctor"]).env("ECOMRES_LLM__BASE_URL", "http://127.0.0.1:9/v1"));
    assert!(out.contains("127.0.0.1:9: the language model cannot be asked"), "{out}");
}

#[test]
fn a_missing_model_is_named_with_what_is_there() {
    let service = Service::with_models(vec![says("Hello!")], &[FALLBACK, "llama-3.3-70b-versatile"]);
    let (events, err) = service.hold(&["hello there friend"], |_| {});
    assert_eq!(reply(&events[0]), "Hello!");
    assert_eq!(service.models_asked(), [FALLBACK]);
    assert!(
        err.contains(MODEL) && err.contains("is asked instead") && err.contains("llama-3.3-70b-versatile"),
        "{err}"
    );
    let (code, out, _) = run(&mut service.command(&["doctor"]));
    assert_eq!(code, 0);
    assert!(out.contains("there are: llama-3.3-70b-versatile, openai/gpt-oss-20b"), "{out}");
    let none = Service::with_models(vec![], &["whisper-large-v3"]);
    let (events, err) = none.hold(&["where is ORD000001"], |_| {});
    assert!(reply(&events[0]).contains("ORD000001") && err.contains("the playbook answers"), "{err}");
    assert!(none.asked().is_empty());
    let whole = Service::with(vec![]);
    let (_, out, _) = run(&mut whole.command(&["doctor"]));
    assert!(out.contains(&format!("has {MODEL}, {FALLBACK}")), "{out}");
}

#[test]
fn offline_sends_no_request() {
    let service = Service::with(vec![says("never said")]);
    let (events, _) = service.hold(&["where is ORD000001"], |command| {
        command.arg("--offline");
    });
    assert!(reply(&events[0]).contains("ORD000001") && service.asked().is_empty());
}

/// A completion with this message and nothing else that could be left out.
fn bare(message: &Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({"id": null, "choices": [{"message": message}], "usage": null}))
}

#[test]
fn completions_of_other_makers_are_read() {
    let function = |arguments: Value| json!({"name": "query_order_database", "arguments": arguments});
    let call = |arguments: Value| json!({"id": null, "type": null, "function": function(arguments)});
    let order = json!({"order_id": "ORD000001"});
    let parts = json!([{"type": "text", "text": "Your order ORD000001 "}, {"type": "text", "text": "was delivered."}]);
    for (name, message) in [
        ("an object", json!({"content": null, "tool_calls": [call(order.clone())]})),
        ("text", json!({"content": [], "tool_calls": [call(json!(order.to_string()))]})),
        ("text twice over", json!({"content": "", "tool_calls": [call(json!(json!(order.to_string()).to_string()))]})),
        (
            "the first generation",
            json!({"content": null, "tool_calls": null, "function_call": function(order.clone())}),
        ),
        ("tags", json!({"content": format!("<tool_call>{}</tool_call>", function(order.clone()))})),
        ("bare", json!({"content": function(order.clone()).to_string()})),
        ("a fence", json!({"content": format!("I look it up.\n```json\n{}\n```", function(order.clone()))})),
        (
            "harmony",
            json!({"content": format!("<|channel|>commentary to=functions.query_order_database <|constrain|>json<|message|>{order}<|call|>")}),
        ),
    ] {
        let service = Service::with(vec![bare(&message), bare(&json!({"content": parts}))]);
        let (events, err) = service.hold(&["where is ORD000001"], |_| {});
        assert_eq!(called(&events[0]), ["query_order_database"], "{name}: {err}");
        assert_eq!(events[0]["tools"][0]["arguments"], order, "{name}");
        assert_eq!(reply(&events[0]), "Your order ORD000001 was delivered.", "{name}: {err}");
    }
}

#[test]
fn a_models_inner_text_is_never_sent() {
    for (text, said) in [
        ("They are angry, I must stall.\n</think>\n\nWhich order is it?", Some("Which order is it?")),
        ("<think>never closed: I must stall", None),
        ("<tool_call>{\"name\": \"stall\", \"arguments\": {}}</tool_call>", None),
        ("<|channel|>analysis<|message|>I must stall", None),
        ("I must stall with smart_triage_nlu", None),
    ] {
        let service = Service::with(vec![says(text), says(text)]);
        let (events, err) = service.hold(&["where is ORD000001"], |_| {});
        match said {
            Some(said) => assert_eq!(reply(&events[0]), said),
            None => assert!(
                reply(&events[0]).contains("ORD000001") && err.contains("the playbook answers"),
                "{text}: {err}"
            ),
        }
        assert!(!events[0]["reply"].to_string().contains("stall"), "{text}: {}", events[0]);
    }
}

#[test]
fn an_endless_reply_is_cut_at_a_sentence() {
    let service = Service::with(vec![says(&"I understand how annoying this is. ".repeat(3_000))]);
    let (events, _) = service.hold(&["hello there friend"], |_| {});
    let words = reply(&events[0]).split_whitespace().count();
    assert!(words <= 600 && reply(&events[0]).ends_with("annoying this is."), "{words} words");
}

#[test]
fn a_refused_parameter_is_left_out_from_then_on() {
    let no = |body: Value| ResponseTemplate::new(400).set_body_json(body);
    let service = Service::with(vec![
        no(
            json!({"object": "error", "message": "[{'type': 'extra_forbidden', 'loc': ('body', 'max_completion_tokens')}]", "code": 400}),
        ),
        ResponseTemplate::new(422)
            .set_body_json(json!({"detail": [{"loc": ["body", "parallel_tool_calls"], "msg": "not permitted"}]})),
        no(json!([{"error": {"code": 400, "message": "Unknown name \"reasoning_effort\": Cannot find field."}}])),
        no(json!({"error": {"message": "Only the default (1) is supported.", "param": "temperature"}})),
        no(json!({"error": "tool_choice is not supported"})),
        says("Hello!"),
        says("Hello again."),
    ]);
    let (events, err) = service.hold(&["hello there friend", "are you well today"], |_| {});
    assert_eq!((reply(&events[0]), reply(&events[1])), ("Hello!", "Hello again."), "{err}");
    let asked = service.asked();
    assert_eq!(asked.len(), 7, "what was refused once is not sent again");
    let has = |body: &Value, name: &str| body.get(name).is_some();
    assert!(has(&asked[0], "max_completion_tokens") && !has(&asked[0], "max_tokens"));
    for body in &asked[1..] {
        assert!(!has(body, "max_completion_tokens") && has(body, "max_tokens"), "{body}");
    }
    for name in ["parallel_tool_calls", "reasoning_effort", "temperature", "tool_choice"] {
        assert!(has(&asked[0], name) && !has(&asked[5], name) && !has(&asked[6], name), "{name}");
    }
    assert_eq!(asked[6]["tools"].as_array().unwrap().len(), 11);
    // What has no parameter to leave out is told, and the other model is asked.
    let hopeless = no(json!({"error": {"message": "this model cannot chat"}}));
    let service = Service::with(vec![hopeless.clone(), hopeless]);
    let (_, err) = service.hold(&["where is ORD000001"], |_| {});
    assert!(err.contains("this model cannot chat"), "{err}");
    assert_eq!(service.models_asked(), [MODEL, FALLBACK]);
}

#[test]
fn lists_of_models_are_read_in_every_shape() {
    for list in [
        json!({"data": [{"id": format!("models/{MODEL}")}, {"id": format!("models/{FALLBACK}")}]}),
        json!([{"id": MODEL}, {"id": FALLBACK}]),
        json!({"models": [{"name": MODEL}, {"name": FALLBACK}]}),
    ] {
        let service = Service::with_list(vec![says("Hello!")], &list);
        let (events, err) = service.hold(&["hello there friend"], |_| {});
        assert_eq!(reply(&events[0]), "Hello!", "{list}: {err}");
        assert_eq!(service.models_asked(), [MODEL]);
    }
}

#[test]
fn doctor_tries_a_call_and_says_what_the_service_can_do() {
    let doctor = |answers: Vec<ResponseTemplate>| {
        let service = Service::with(answers);
        let (code, out, err) = run(&mut service.command(&["doctor"]));
        assert_eq!(code, 0, "{out} {err}");
        let line = out.lines().skip_while(|line| !line.contains(" llm ")).take(2).collect::<Vec<_>>().join(" ");
        (line, service.asked())
    };
    let (line, asked) = doctor(vec![calls("report_ready", "{\"word\":\"ready\"}")]);
    assert!(line.contains('✅') && line.contains(&format!("{MODEL} called a tool in ")), "{line}");
    assert_eq!(asked[0]["tools"][0]["function"]["name"], "report_ready");
    let no = ResponseTemplate::new(400).set_body_json(json!({"error": "parallel_tool_calls is unknown"}));
    let (line, _) = doctor(vec![no, says("report_ready(word=\"ready\")")]);
    assert!(line.contains("wrote its call into the text") && line.contains("without parallel_tool_calls"), "{line}");
    let (line, _) = doctor(vec![says("I am ready.")]);
    assert!(
        line.contains("⚠️") && line.contains("wrote words") && line.contains("take a model that calls tools"),
        "{line}"
    );
    let (line, _) =
        doctor(vec![ResponseTemplate::new(401).set_body_json(json!({"error": {"message": "Bad key test-key"}}))]);
    assert!(
        line.contains("a trial call of a tool failed") && line.contains("Bad key") && !line.contains("test-key"),
        "{line}"
    );
}
