//! Conversations with a stand-in for the language model's service: what is asked, in which order, and what becomes of
//! each way it can fail.
//!
//! The requests are kept in the target folder for `tests/llm.sh`, which checks them against the service's own description.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use crate::cli::{ecomres, run};

const MODEL: &str = "openai/gpt-oss-120b";
const FALLBACK: &str = "openai/gpt-oss-20b";

/// Gives its answers one after the other and keeps what it was asked.
#[derive(Clone, Default)]
struct Script {
    answers: Arc<Mutex<VecDeque<ResponseTemplate>>>,
    asked: Arc<Mutex<Vec<Value>>>,
}

impl Respond for Script {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        keep(&body);
        assert_eq!(request.headers["authorization"], "Bearer test-key");
        self.asked.lock().unwrap().push(body);
        self.answers.lock().unwrap().pop_front().unwrap_or_else(|| ResponseTemplate::new(503))
    }
}

/// Keeps a request for `tests/llm.sh`.
fn keep(body: &Value) {
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
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let script = Script { answers: Arc::new(Mutex::new(answers.into())), ..Script::default() };
        let listed: Vec<Value> = models.iter().map(|id| json!({"id": id, "object": "model", "active": true})).collect();
        let server = runtime.block_on(async {
            let server = MockServer::start().await;
            let models = ResponseTemplate::new(200).set_body_json(json!({"object": "list", "data": listed}));
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

/// One of the service's recorded errors, or `None` where the shared folder is not there.
fn recorded(name: &str) -> Option<ResponseTemplate> {
    let file: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/fixtures/groq").join(name);
    let Ok(text) = std::fs::read_to_string(&file) else {
        eprintln!("not run: {} is not there", file.display());
        return None;
    };
    let recorded: Value = serde_json::from_str(&text).unwrap();
    let status = u16::try_from(recorded["status"].as_u64().unwrap()).unwrap();
    let mut template = ResponseTemplate::new(status).set_body_json(&recorded["body"]);
    for (name, value) in recorded["headers"].as_object().unwrap() {
        template = template.insert_header(name.as_str(), value.as_str().unwrap());
    }
    Some(template)
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
        assert_eq!(body["tools"].as_array().unwrap().len(), 5);
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
        says("I'm sorry about that! I can refund ₹599 for order ORD000003. Shall I go ahead? (yes / no)"),
        calls("process_refund", "{\"order_id\":\"ORD000003\",\"amount\":599,\"reason\":\"items missing\"}"),
        says("Done: ₹599 for order ORD000003 has been refunded."),
    ]);
    let (events, _) = service.hold(&["I want a refund, items are missing", "ORD000003", "yes please"], |_| {});
    assert_eq!(called(&events[1]), ["query_order_database", "check_refund_eligibility"]);
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
fn a_rate_limit_is_kept_to_and_another_model_answers_meanwhile() {
    let Some(limited) = recorded("rate_limit_429.json") else { return };
    let service = Service::with(vec![limited, says("Hello from the other model!"), says("And again.")]);
    let begun = Instant::now();
    let (events, _) = service.hold(&["hello there friend", "are you well today"], |_| {});
    assert_eq!((reply(&events[0]), reply(&events[1])), ("Hello from the other model!", "And again."));
    // It asked for ten seconds: within these the first model is not asked again.
    assert_eq!(service.models_asked(), [MODEL, FALLBACK, FALLBACK]);
    assert!(begun.elapsed() < Duration::from_secs(9));
}

#[test]
fn a_service_without_capacity_is_asked_twice_more_and_then_its_other_model() {
    let Some(full) = recorded("flex_498.json") else { return };
    let service = Service::with(vec![full.clone(), full.clone(), full, says("Hello from the other model!")]);
    let (events, _) = service.hold(&["hello there friend"], |_| {});
    assert_eq!(reply(&events[0]), "Hello from the other model!");
    assert_eq!(service.models_asked(), [MODEL, MODEL, MODEL, FALLBACK]);
}

#[test]
fn a_call_that_failed_is_tried_once_more_calmer_and_then_the_playbook_answers() {
    let Some(failed) = recorded("tool_use_failed_400.json") else { return };
    let service = Service::with(vec![failed.clone(), failed]);
    let (events, err) = service.hold(&["where is ORD000001"], |_| {});
    let asked = service.asked();
    assert_eq!(asked.len(), 2);
    assert!(asked[1]["temperature"].as_f64().unwrap() < asked[0]["temperature"].as_f64().unwrap());
    assert!(reply(&events[0]).contains("ORD000001") && called(&events[0]) == ["query_order_database"]);
    assert!(err.contains("the playbook answers in place of the language model"), "{err}");
    let Some(failed) = recorded("tool_use_failed_400.json") else { return };
    let service = Service::with(vec![failed, says("Now it worked.")]);
    assert_eq!(reply(&service.hold(&["where is my parcel"], |_| {}).0[0]), "Now it worked.");
}

#[test]
fn a_tool_that_is_not_there_is_told_to_the_model() {
    let Some(unknown) = recorded("tool_not_in_request_400.json") else { return };
    let service = Service::with(vec![unknown, says("I can look your order up. What is its id?")]);
    let (events, _) = service.hold(&["where is my parcel"], |_| {});
    assert!(reply(&events[0]).contains("look your order up"));
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
fn a_service_that_is_not_there_is_a_warning() {
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
fn offline_asks_nobody() {
    let service = Service::with(vec![says("never said")]);
    let (events, _) = service.hold(&["where is ORD000001"], |command| {
        command.arg("--offline");
    });
    assert!(reply(&events[0]).contains("ORD000001") && service.asked().is_empty());
}
