//! Decides whether training learns, repeats itself, survives interruption and refuses what it cannot use.
//!
//! It must never take longer than a few seconds: it trains the tiny model of `fixtures`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use assert_cmd::Command;
use ecomres::nlu::{
    Columns, Computation, Dataset, DeviceChoice, Engine, Event, Finished, NluError, Precision, TrainOptions,
};
use ecomres::nlu::{check, evaluate_folder, train};
use tempfile::TempDir;

fn tiny_model() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tiny-model")
}

/// Sixty messages that one word tells apart, in groups of two.
fn rows(sentiment: bool) -> String {
    let mut text = if sentiment { "text,intent,sentiment,group\n" } else { "text,intent,group\n" }.to_owned();
    for n in 0..20 {
        for (message, intent, mood) in [
            ("where is my order", "track_order", "neutral"),
            ("money back", "request_refund", "negative"),
            ("thank you so much", "provide_feedback_on_service", "positive"),
        ] {
            let mood = if sentiment { format!(",{mood}") } else { String::new() };
            writeln!(text, "{message} {n},{intent}{mood},{intent}{}", n / 2).unwrap();
        }
    }
    text
}

struct Case {
    dir: TempDir,
}

impl Case {
    fn new(text: &str) -> Self {
        let dir = tempfile::tempdir().expect("temporary folder");
        std::fs::write(dir.path().join("data.csv"), text).expect("written");
        Self { dir }
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data.csv")
    }

    fn options(&self, out: &str) -> TrainOptions {
        TrainOptions {
            data: vec![self.data()],
            validation: Vec::new(),
            out: self.dir.path().join(out),
            base: tiny_model().into(),
            columns: Columns::default(),
            resume: false,
            precision: Precision::F32,
            device: DeviceChoice::Cpu,
            computation: Computation::Own,
            epochs: Some(6),
            batch_size: 8,
            accumulate: 1,
            lr: 3e-3,
            head_lr: 1e-2,
            layer_decay: 0.9,
            warmup: 0.1,
            weight_decay: 0.01,
            clip: 1.0,
            dropout: None,
            label_smoothing: 0.05,
            augment: 0.1,
            balanced: true,
            head_weights: std::collections::BTreeMap::new(),
            patience: Some(6),
            val_split: 0.2,
            seed: 7,
            pooling: None,
            max_tokens: 40,
        }
    }
}

fn run(options: &TrainOptions) -> Result<Finished, NluError> {
    train(options, &mut |_| {}, &AtomicBool::new(false))
}

#[test]
fn training_learns_and_writes_a_whole_folder() {
    let case = Case::new(&rows(true));
    // Sixty short rows are too few to misspell some of them.
    let options = TrainOptions { augment: 0.0, ..case.options("model") };
    let mut steps = 0;
    let finished =
        train(&options, &mut |event| steps += usize::from(matches!(event, Event::Step(_))), &AtomicBool::new(false))
            .expect("trained");
    let validation = finished.validation.expect("validation rows");
    assert!(validation.intent_classification.expect("intents").accuracy > 0.9);
    assert!(validation.sentiment_classification.expect("sentiments").accuracy > 0.9);
    check(&options.out).expect("the reference logits agree");
    let engine = Engine::load(&options.out).expect("loads");
    assert_eq!(engine.classify_blocking("money back please").expect("classified").intent, "request_refund");
    let card = std::fs::read_to_string(options.out.join("MODEL_CARD.md")).expect("card");
    assert!(card.contains(&finished.sha256) && card.contains("data.csv"), "{card}");
    let metrics = std::fs::read_to_string(options.out.join("metrics.jsonl")).expect("metrics");
    assert_eq!(metrics.lines().count(), steps + finished.epochs);
    assert!(metrics.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()));
    assert!(!options.out.join("checkpoint").exists());
}

#[test]
fn the_same_seed_gives_the_same_model_and_another_seed_another() {
    let case = Case::new(&rows(true));
    let hash = |out: &str, seed: u64| {
        let options = TrainOptions { seed, epochs: Some(2), ..case.options(out) };
        run(&options).expect("trained").sha256
    };
    let first = hash("a", 1);
    assert_eq!(first, hash("b", 1));
    assert_ne!(first, hash("c", 2));
}

#[test]
fn interrupted_and_resumed_is_the_same_as_uninterrupted() {
    let case = Case::new(&rows(true));
    let options = TrainOptions { epochs: Some(3), accumulate: 2, ..case.options("whole") };
    let whole = run(&options).expect("trained");
    let broken = TrainOptions { out: case.dir.path().join("broken"), ..options };
    // Once within the first epoch, once within the second.
    for (resume, at) in [(false, 2), (true, 5)] {
        let stop = AtomicBool::new(false);
        let options = TrainOptions { resume, ..broken.clone() };
        let mut observe = |event: Event<'_>| {
            if matches!(event, Event::Step(step) if step.step == at) {
                stop.store(true, Ordering::Relaxed);
            }
        };
        let error = train(&options, &mut observe, &stop).expect_err("stopped");
        assert!(matches!(&error, NluError::Interrupted { step, .. } if *step == at), "{error}");
        assert!(error.hint().expect("hint").contains("--resume"));
        assert!(!options.out.join("model.safetensors").exists());
    }
    let other = TrainOptions { resume: true, lr: 1e-5, ..broken.clone() };
    let error = run(&other).expect_err("other settings");
    assert!(error.to_string().contains("other data, settings or base model"), "{error}");
    let resumed = run(&TrainOptions { resume: true, ..broken }).expect("resumed");
    assert_eq!(resumed.sha256, whole.sha256);
    let metrics = std::fs::read_to_string(resumed.folder.join("metrics.jsonl")).expect("metrics");
    let steps = metrics.lines().filter(|line| line.contains("\"gradient_norm\"")).count();
    assert_eq!(steps, 9);
}

#[test]
fn nothing_to_resume_is_reported() {
    let case = Case::new(&rows(true));
    let error = run(&TrainOptions { resume: true, ..case.options("model") }).expect_err("no checkpoint");
    assert!(error.to_string().contains("nothing to resume"), "{error}");
}

#[test]
fn intents_alone_can_be_trained() {
    let case = Case::new(&rows(false));
    let options = case.options("model");
    let finished = run(&options).expect("trained");
    let validation = finished.validation.expect("validation rows");
    assert!(validation.intent_classification.expect("intents").accuracy > 0.9);
    assert_eq!(validation.sentiment_classification, None);
    let prediction = Engine::load(&options.out).expect("loads").classify_blocking("money back").expect("classified");
    assert_eq!((prediction.sentiment.as_str(), prediction.sentiment_confidence), ("", 0.0));
}

#[test]
fn any_heads_can_be_trained_and_are_told_everywhere() {
    let mut text = "text,sentiment,area,urgency\n".to_owned();
    for n in 0..20 {
        writeln!(text, "where is my order {n},neutral,parcel,normal\nmoney back {n},negative,bank,\nthank you so much {n},positive,,normal").unwrap();
    }
    writeln!(text, "call the police,negative,law,danger\nit burnt my hand,negative,parcel,danger").unwrap();
    let case = Case::new(&text);
    let columns = Columns::default().for_heads(["area", "sentiment", "urgency"]);
    let options = TrainOptions { augment: 0.0, columns, ..case.options("model") };
    let mut single = Vec::new();
    let mut observe = |event: Event<'_>| {
        if let Event::Start(start) = event {
            single.clone_from(&start.single_labels);
        }
    };
    let finished = train(&options, &mut observe, &AtomicBool::new(false)).expect("trained");
    assert_eq!(single, ["data.csv:62: area \"law\""], "learnt, and told that it cannot be checked");
    let validation = finished.validation.expect("validation rows");
    assert_eq!(validation.intent_classification, None);
    let area = validation.other_heads["area"].report.as_ref().expect("labelled rows");
    assert!(area.accuracy > 0.8, "{area:?}");
    assert!(validation.other_heads["urgency"].calibration.is_some());
    let checked = check(&options.out).expect("the reference logits agree");
    assert!(checked.largest_difference < 1e-4);
    let engine = Engine::load(&options.out).expect("loads");
    let prediction = engine.classify_blocking("money back please").expect("classified");
    assert_eq!((prediction.intent.as_str(), prediction.sentiment.as_str()), ("", "negative"));
    assert_eq!(prediction.heads["area"].label, "bank");
    assert_eq!(prediction.heads["area"].labels.len(), 3);
    let info = std::fs::read_to_string(options.out.join("label_info.json")).expect("labels");
    let info: serde_json::Value = serde_json::from_str(&info).expect("JSON");
    assert_eq!(info["heads"], serde_json::json!(["sentiment", "area", "urgency"]));
    // The command line tells and scores all of them, from the same columns.
    let model = options.out.to_str().expect("a path");
    let out = |arguments: &[&str]| {
        let mut command = Command::cargo_bin("ecomres").expect("built");
        let output =
            command.current_dir(case.dir.path()).args(arguments).args(["--model", model]).output().expect("run");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    };
    let said = out(&["predict", "money back please"]);
    assert!(said.contains("negative") && said.contains("bank") && said.contains("normal"), "{said}");
    let said = out(&["eval", "--data", "data.csv", "--out", "scores"]);
    assert!(said.contains("area (") && said.contains("urgency (") && said.contains("sentiment ("), "{said}");
    let table = std::fs::read_to_string(case.dir.path().join("scores/predictions.csv")).expect("written");
    assert!(
        table.starts_with("place,text,intent,") && table.lines().next().expect("header").contains("predicted_area")
    );
    assert!(case.dir.path().join("scores/confusion_matrix_area.svg").exists());
    let said = out(&["model", "info"]);
    assert!(said.contains("area        3: bank, law, parcel") && !said.contains("intents"), "{said}");
}

#[test]
fn a_loss_that_is_not_finite_ends_the_training_with_advice() {
    let case = Case::new(&rows(true));
    let options = TrainOptions { lr: 1e35, head_lr: 1e35, warmup: 0.0, ..case.options("model") };
    let error = run(&options).expect_err("diverges");
    assert!(error.to_string().contains("at step"), "{error}");
    assert!(error.hint().expect("hint").contains("--lr"));
    assert!(!options.out.join("model.safetensors").exists());
}

#[test]
fn a_label_the_model_does_not_know_is_named_by_eval() {
    let case = Case::new("text,intent,sentiment\nhello,greeting,neutral\n");
    let data = Dataset::read(&[case.data()], &Columns::default()).expect("read");
    let error = evaluate_folder(tiny_model(), &data).expect_err("unknown label");
    assert!(error.to_string().contains("data.csv:2: the model does not know the intent \"greeting\""), "{error}");
    assert!(error.hint().expect("hint").contains("track_order"));
}

fn ecomres() -> Command {
    let mut command = Command::cargo_bin("ecomres").expect("binary");
    command.arg("--model").arg(tiny_model());
    command
}

#[test]
fn predict_answers_arguments_and_lines_with_the_documented_fields() {
    let output = ecomres().args(["predict", "--json", "where is my order?"]).output().expect("run");
    assert!(output.status.success());
    let one: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let keys: Vec<&str> = one.as_object().expect("object").keys().map(String::as_str).collect();
    assert_eq!(keys, ["intent", "intent_confidence", "sentiment", "sentiment_confidence", "abstained", "text"]);
    let confidence = one["intent_confidence"].as_f64().expect("number");
    assert!((confidence * 1e4 - (confidence * 1e4).round()).abs() < 1e-9);

    let lines = "where is my order?\r\n\n\u{1F621}\n".repeat(40);
    let output = ecomres().args(["predict", "--json", "--top-k", "2"]).write_stdin(lines).output().expect("run");
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert_eq!(text.lines().count(), 120);
    let first: serde_json::Value = serde_json::from_str(text.lines().next().expect("line")).expect("JSON");
    assert_eq!(first["intents"].as_array().map(Vec::len), Some(2));
    assert!((first["intent_confidence"].as_f64().expect("number") - confidence).abs() < 1e-4);
}

#[test]
fn predict_survives_bytes_that_are_not_text() {
    let output = ecomres().arg("predict").write_stdin(vec![0xFF, 0xFE, b'a', b'\n']).output().expect("run");
    assert!(output.status.success());
    assert_eq!(String::from_utf8(output.stdout).expect("UTF-8").lines().count(), 1);
}

#[test]
fn eval_writes_the_documented_keys() {
    let case = Case::new("text,intent_label,sentiment_label\nwhere is it,track_order,neutral\nbad,,negative\n");
    let output = ecomres().args(["eval", "--json", "--data"]).arg(case.data()).output().expect("run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let value: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    for key in ["accuracy", "balanced_accuracy", "f1_weighted", "f1_macro", "per_class_metrics"] {
        assert!(value["intent_classification"].get(key).is_some(), "{key}");
        assert!(value["sentiment_classification"].get(key).is_some(), "{key}");
    }
    assert_eq!(
        (&value["intent_classification"]["rows"], &value["sentiment_classification"]["rows"]),
        (&1.into(), &2.into())
    );
    assert!(value.get("confidence_scores").is_some() && value.get("test_info").is_some());
    let shown = ecomres().args(["eval", "--data"]).arg(case.data()).output().expect("run");
    assert!(String::from_utf8_lossy(&shown.stdout).contains("balanced accuracy"));
}

#[test]
fn bad_input_exits_with_1_and_bad_arguments_with_2() {
    let case = Case::new("text,category\na,b\n");
    let model = case.dir.path().join("model");
    let train = |extra: &[&str]| {
        let mut command = ecomres();
        command.args(["train", "--out"]).arg(&model).arg("--data").arg(case.data()).args(extra);
        command.output().expect("run")
    };
    let output = train(&[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        String::from_utf8_lossy(&output.stderr)
            .contains("no column intent or intent_label or label_intent or customer_intent, found text, category")
    );
    let output = train(&["--intent-column", "category"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("only \"b\" as intent, a classifier needs two"));
    assert_eq!(train(&["--lr", "-1"]).status.code(), Some(2));
}

#[test]
fn a_folder_with_a_model_is_not_overwritten_unasked() {
    let case = Case::new(&rows(true));
    let out = case.dir.path().join("model");
    std::fs::create_dir(&out).expect("created");
    std::fs::write(out.join("model.safetensors"), "precious").expect("written");
    let output = ecomres().args(["train", "--out"]).arg(&out).arg("--data").arg(case.data()).output().expect("run");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--yes"));
    assert_eq!(std::fs::read(out.join("model.safetensors")).expect("read"), b"precious");
}
