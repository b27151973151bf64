//! The shop's documents as a shop uses them: import, check, ask, and what is not answered.

use std::path::Path;

use ecomres::domain::ids::UserId;
use ecomres::domain::knowledge_gap::Unanswered;
use ecomres::knowledge::{Library, built_in};
use ecomres::llm::playbook::faq::{Faq, SHIPPED};
use jiff::Timestamp;
use serde_json::Value;

use crate::cli::{ecomres, run};
use crate::mcp::client::{Session, shop};

fn documents() -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/knowledge/home").display().to_string()
}

/// Runs `ecomres knowledge …` and returns the exit code, its JSON and standard error.
fn knowledge(folder: &Path, arguments: &[&str]) -> (i32, Value, String) {
    let (code, out, err) = run(ecomres(folder).arg("knowledge").args(arguments).arg("--json"));
    (code, serde_json::from_str(&out).unwrap_or(Value::Null), err)
}

#[test]
fn documents_are_imported_checked_and_asked() {
    let folder = tempfile::tempdir().unwrap();
    let (code, _, err) = knowledge(folder.path(), &["check"]);
    assert!(code == 1 && err.contains("hint:") && err.contains("knowledge import"), "{code} {err}");
    let (code, told, err) = knowledge(folder.path(), &["import", &documents()]);
    assert_eq!((code, &told["copied"], err.as_str()), (0, &14.into(), ""), "{told}");
    assert!(folder.path().join("knowledge/shipping.md").exists());
    let (code, told, _) = knowledge(folder.path(), &["check"]);
    assert_eq!((code, &told["documents"], &told["problems"]), (0, &14.into(), &Value::Array(Vec::new())), "{told}");

    let (code, told, _) = knowledge(folder.path(), &["ask", "how much does shipping cost?"]);
    assert_eq!((code, &told["answerable"]), (0, &true.into()));
    let first = &told["passages"][0];
    assert!(
        first["text"].as_str().unwrap().contains("₹79") && first["title"] == "Shipping › What shipping costs",
        "{first}"
    );
    assert!(first["source"].as_str().unwrap().starts_with("shipping.md:"), "{first}");
    let (_, told, _) = knowledge(folder.path(), &["ask", "¿cuánto cuesta el envío?"]);
    assert!(told["passages"][0]["text"].as_str().unwrap().contains("₹79"), "{told}");
    // The general answers that are there without documents stand behind them.
    let empty = tempfile::tempdir().unwrap();
    let (_, told, _) = knowledge(empty.path(), &["ask", "where do I find my order id?"]);
    assert_eq!(told["passages"][0]["source"], "built-in", "{told}");
    let (code, told, _) = knowledge(folder.path(), &["ask", "do you sell motorcycles?"]);
    assert_eq!((code, told), (0, serde_json::json!({"answerable": false, "passages": []})));
    let (_, out, _) = run(ecomres(folder.path()).args(["knowledge", "ask", "do you sell motorcycles?"]));
    assert_eq!(out, "No document answers this.\n");

    std::fs::write(folder.path().join("knowledge/terms.pdf"), "%PDF").unwrap();
    std::fs::write(
        folder.path().join("knowledge/copy.md"),
        std::fs::read(folder.path().join("knowledge/jobs.md")).unwrap(),
    )
    .unwrap();
    let (code, out, _) = run(ecomres(folder.path()).args(["knowledge", "check"]));
    assert!(
        code == 0 && out.contains("terms.pdf: PDF is not read") && out.contains("the same text as"),
        "{code} {out}"
    );
    let empty = tempfile::tempdir().unwrap();
    let (code, _, err) = knowledge(folder.path(), &["import", &empty.path().display().to_string()]);
    assert!(code == 1 && err.contains("hint:") && err.contains("Markdown"), "{code} {err}");
    let (code, _, err) =
        run(ecomres(folder.path()).env("ECOMRES_KNOWLEDGE__FOLDER", "nowhere").args(["knowledge", "ask", "hours"]));
    assert!(code == 1 && err.contains("nowhere is no folder"), "{code} {err}");
}

#[test]
fn how_well_documents_answer_is_measured() {
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("pages");
    std::fs::create_dir_all(pages.join("north")).unwrap();
    std::fs::write(
        pages.join("north/help.md"),
        "# Help\n\n## Parking\n\nBehind the shop.\n\n## Gifts\n\nWe wrap them.\n",
    )
    .unwrap();
    let asked = folder.path().join("asked.jsonl");
    let place = |heading: &str| serde_json::json!([{"document": "help.md", "heading": heading}]);
    let lines = [
        serde_json::json!({"id": "1", "folder": "north", "language": "en", "question": "is there parking?", "passages": place("Parking"), "holds": "behind"}),
        serde_json::json!({"id": "2", "folder": "north", "language": "en", "question": "is there parking?", "passages": place("Gifts"), "part": "b"}),
        serde_json::json!({"id": "3", "folder": "north", "question": "do you sell whales?", "passages": []}),
        serde_json::json!({"id": "4", "folder": "north", "question": "do you wrap gifts?", "passages": []}),
    ];
    std::fs::write(&asked, lines.map(|line| format!("{line}\n")).concat()).unwrap();
    let (pages, file) = (pages.display().to_string(), asked.display().to_string());
    let (code, told, err) = knowledge(folder.path(), &["check", &pages, "--questions", &file, "--mistakes"]);
    assert_eq!((code, err.as_str()), (0, ""), "{told}");
    assert_eq!((&told["answerable"], &told["first"], &told["first_percent"]), (&2.into(), &1.into(), &50.0.into()));
    assert_eq!(
        (&told["unanswerable"], &told["made_up"], &told["not_found"]),
        (&2.into(), &1.into(), &0.into()),
        "{told}"
    );
    assert_eq!((&told["languages"]["en"]["first"], &told["with_the_answer"]), (&1.into(), &1.into()), "{told}");
    assert!(told["milliseconds_per_search"].as_f64().unwrap() > 0.0);
    let wrong: Vec<(&str, &str)> = told["mistakes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["id"].as_str().unwrap(), one["what"].as_str().unwrap()))
        .collect();
    assert_eq!(wrong, [("2", "another_first"), ("4", "made_up")]);
    let (code, told, _) = knowledge(folder.path(), &["check", &pages, "--questions", &file, "--part", "b"]);
    assert_eq!((code, &told["answerable"], &told["mistakes"]), (0, &1.into(), &Value::Null));
    let (_, out, _) =
        run(ecomres(folder.path()).args(["knowledge", "check", &pages, "--questions", &file, "--mistakes"]));
    assert!(
        out.contains("50.0 %  (1 of 2)") && out.contains("2: another passage came first — is there parking?"),
        "{out}"
    );
    let (code, _, err) = knowledge(folder.path(), &["check", &pages, "--questions", &file, "--part", "c"]);
    assert!(code == 1 && err.contains("none of that part"), "{code} {err}");
    std::fs::write(&asked, "{}\n").unwrap();
    let (code, _, err) = knowledge(folder.path(), &["check", &pages, "--questions", &file]);
    assert!(code == 1 && err.contains("line 1: missing field") && err.contains("hint:"), "{code} {err}");
}

#[test]
fn the_built_in_answers_are_found_in_every_language() {
    let faq = Faq::read(SHIPPED, &[("arrival", "3-5 business days"), ("quote_minutes", "30")]).unwrap();
    let chunk = |(name, words, answer): (&str, String, &str)| built_in(name, &words, answer);
    let library = Library::open(None, faq.entries().map(chunk).collect());
    for (question, name) in [
        ("what payment methods do you accept?", "Payment methods"),
        ("payment ke kya tareeke hain?", "Payment methods"),
        ("भुगतान के क्या तरीके हैं?", "Payment methods"),
        ("¿qué métodos de pago aceptan?", "Payment methods"),
        ("quais são as formas de pagamento?", "Payment methods"),
        ("ما هي طرق الدفع؟", "Payment methods"),
    ] {
        let found = library.search(question);
        assert_eq!(found.first().map(|passage| passage.title.as_str()), Some(name), "{question}: {found:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_answered_is_listed_until_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let store = ecomres::store::open(&folder.path().join("ecomres.db").display().to_string()).unwrap();
    for (user, text) in [("1", "is there a sauna"), ("2", "is there a sauna"), ("3", "do you rent tents?")] {
        let one = Unanswered {
            user_id: UserId::new(user),
            turn: 1,
            question: ecomres::knowledge::normalised(text),
            text: text.to_owned(),
            at: Timestamp::now(),
        };
        store.record_unanswered(&one).await.unwrap();
    }
    let (code, told, _) = knowledge(folder.path(), &["gaps"]);
    let gaps: Vec<(&str, u64)> = told["gaps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|gap| (gap["examples"][0].as_str().unwrap(), gap["count"].as_u64().unwrap()))
        .collect();
    assert_eq!((code, gaps), (0, vec![("is there a sauna", 2), ("do you rent tents?", 1)]));
    std::fs::create_dir(folder.path().join("knowledge")).unwrap();
    std::fs::write(folder.path().join("knowledge/sauna.md"), "# Sauna\n\nThere is a sauna on the roof.\n").unwrap();
    let (_, out, _) = run(ecomres(folder.path()).args(["knowledge", "gaps"]));
    assert!(out.contains("1 ×") && out.contains("do you rent tents?") && !out.contains("sauna"), "{out}");
    let (_, told, _) = knowledge(folder.path(), &["gaps", "--all"]);
    assert_eq!(told["gaps"].as_array().unwrap().len(), 2);
}

#[test]
fn a_client_of_the_tools_asks_the_documents_and_sees_changes() {
    let folder = shop();
    let (code, _, err) = knowledge(folder.path(), &["import", &documents()]);
    assert_eq!(code, 0, "{err}");
    let mut session = Session::start(folder.path(), &[]);
    session.initialize("2025-11-25");
    let mut ask = |query: &str| {
        let answer = session.call("search_knowledge", serde_json::json!({"query": query}));
        answer["structuredContent"].clone()
    };
    let found = ask("is there parking in Pune?");
    assert!(found["passages"][0]["text"].as_str().unwrap().contains("20 parking spaces"), "{found}");
    assert_eq!(ask("is there a sauna")["answerable"], false);
    std::fs::write(folder.path().join("knowledge/sauna.md"), "# Sauna\n\nThere is a sauna on the roof.\n").unwrap();
    let until = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while ask("is there a sauna")["answerable"] == false {
        assert!(std::time::Instant::now() < until, "the change is not seen");
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
}
