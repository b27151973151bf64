//! Replacing models: a better one is promoted, a worse one refused, and running processes load the new one. The tiny model of
//! `fixtures` is trained, which takes seconds.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use ecomres::nlu::{
    Classifier as _, Columns, Computation, Dataset, DeviceChoice, ModelSummary, Precision, Reload, ReloadingEngine,
    TrainOptions, compare, replace_model, train,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::cli::{ecomres, run};
use crate::mcp::client::{Session, shop};

const MESSAGES: [(&str, &str, &str); 3] = [
    ("where is my order", "track_order", "neutral"),
    ("money back", "request_refund", "negative"),
    ("thank you so much", "provide_feedback_on_service", "positive"),
];

/// Messages that one word tells apart; `turned` gives each the labels of the next.
fn rows(turned: bool, endings: std::ops::Range<u32>) -> String {
    let mut text = "text,intent,sentiment\n".to_owned();
    for n in endings {
        for (place, (message, ..)) in MESSAGES.iter().enumerate() {
            let (_, intent, mood) = MESSAGES[(place + usize::from(turned)) % 3];
            writeln!(text, "{message} {n},{intent},{mood}").unwrap();
        }
    }
    text
}

struct Models {
    dir: TempDir,
}

impl Models {
    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }
}

/// One that learned the messages, one that learned them wrong, and rows that neither has seen. Made once.
fn models() -> &'static Models {
    static MODELS: OnceLock<Models> = OnceLock::new();
    MODELS.get_or_init(|| {
        let models = Models { dir: tempfile::tempdir().unwrap() };
        for (name, turned) in [("good", false), ("bad", true)] {
            let data = models.path(&format!("{name}.csv"));
            std::fs::write(&data, rows(turned, 0..20)).unwrap();
            train(&options(data, models.path(name)), &mut |_| {}, &AtomicBool::new(false)).unwrap();
        }
        std::fs::write(models.path("test.csv"), rows(false, 20..40)).unwrap();
        models
    })
}

fn options(data: PathBuf, out: PathBuf) -> TrainOptions {
    TrainOptions {
        data: vec![data],
        validation: Vec::new(),
        out,
        base: Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tiny-model").into(),
        columns: Columns::default(),
        resume: false,
        precision: Precision::F32,
        device: DeviceChoice::Cpu,
        computation: Computation::Own,
        epochs: Some(12),
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
        augment: 0.0,
        balanced: true,
        head_weights: std::collections::BTreeMap::new(),
        patience: Some(12),
        val_split: 0.2,
        seed: 7,
        pooling: None,
        max_tokens: 40,
    }
}

/// Puts a model into a fresh folder, in which it may be replaced.
fn placed(name: &str) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let live = dir.path().join("live");
    replace_model(models().path(name), &live, "first").unwrap();
    (dir, live)
}

fn hash(folder: &Path) -> String {
    ModelSummary::read(folder).unwrap().sha256
}

#[test]
fn a_training_writes_what_it_was_trained_on() {
    let training = ModelSummary::read(models().path("good")).unwrap().training.unwrap();
    // A fifth of the rows of each intent validate.
    assert_eq!((training.rows, training.intents.len(), training.intents["track_order"]), (48, 3, 16));
    assert_eq!(training.sentiments.values().sum::<u64>(), 48);
    assert!(training.intent_scores.unwrap().accuracy > 0.9 && training.sentiment_scores.unwrap().f1_macro > 0.9);
}

#[test]
fn the_better_of_two_models_is_named() {
    let models = models();
    let rows = Dataset::read(&[models.path("test.csv")], &Columns::default()).unwrap();
    let found = compare(models.path("bad"), models.path("good"), &rows).unwrap();
    let intent = found.intent.clone().unwrap();
    assert!(found.better && !found.worse, "{found:?}");
    assert_eq!((intent.rows, intent.only_first, intent.accuracy[1]), (60, 0, 1.0));
    assert!(intent.mcnemar_p < 1e-9 && intent.accuracy_difference[0] > 0.9, "{intent:?}");
    assert!(found.sentiment.unwrap().is_better());
    let same = compare(models.path("good"), models.path("good"), &rows).unwrap();
    assert!(!same.better && !same.worse && same.intent.unwrap().mcnemar_p >= 1.0);

    let (good, bad, data) = (models.text("good"), models.text("bad"), models.text("test.csv"));
    let here = tempfile::tempdir().unwrap();
    let compare = |arguments: &[&str]| run(ecomres(here.path()).args(["model", "compare"]).args(arguments));
    let (code, out, err) = compare(&[&good, &bad, "--data", &data]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("McNemar's exact test p = 0.0000") && out.contains("B is significantly worse"), "{out}");
    let (code, out, _) = compare(&[&good, &bad, "--data", &data, "--json"]);
    let json: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &json["comparison"]["worse"]), (0, &json!(true)));
    assert_eq!(json["comparison"]["intent"]["only_second"], 0);
    let (code, _, err) = compare(&[&good, "nowhere", "--data", &data]);
    assert!(code == 1 && err.contains("nowhere") && err.contains("hint:"), "{err}");
}

#[test]
fn a_worse_model_is_refused_and_a_better_one_can_be_taken_back() {
    let models = models();
    let (dir, live) = placed("good");
    let (good, bad) = (hash(&models.path("good")), hash(&models.path("bad")));
    let live_text = live.to_str().unwrap();
    let data = models.text("test.csv");
    let promote =
        |arguments: &[&str]| run(ecomres(dir.path()).args(["model", "promote", "--to", live_text]).args(arguments));
    let (code, _, err) = promote(&[&models.text("bad"), "--data", &data]);
    assert_eq!(code, 1);
    assert!(err.contains("significantly worse") && err.contains("intent accuracy") && err.contains("hint:"), "{err}");
    assert_eq!((hash(&live), std::fs::read_dir(dir.path()).unwrap().count()), (good.clone(), 1), "nothing changed");
    let (code, out, err) = promote(&[&models.text("bad"), "--data", &data, "--force", "--json"]);
    assert_eq!(code, 0, "{err}");
    let json: Value = serde_json::from_str(&out).unwrap();
    let kept = PathBuf::from(json["kept"].as_str().unwrap());
    assert_eq!((hash(&live), hash(&kept)), (bad.clone(), good.clone()));
    assert!(kept.file_name().unwrap().to_str().unwrap().starts_with("live.backup-20"), "{kept:?}");
    let (code, out, err) = promote(&["--undo"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("brought back") && out.contains("live.undone-20"), "{out}");
    assert_eq!(hash(&live), good);
    assert_eq!(promote(&[]).0, 2, "a model and rows are needed");
    assert_eq!(promote(&[&models.text("bad")]).0, 2, "without rows nobody knows whether it is worse");
    // The tiny model of the fixtures knows other labels.
    let tiny = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tiny-model");
    let (code, _, err) = promote(&[tiny.to_str().unwrap(), "--data", &data]);
    assert!(code == 1 && err.contains("other labels") && err.contains("with manage_order"), "{err}");
    assert_eq!(hash(&live), good);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_in_use_is_replaced_with_its_folder_only_by_a_valid_one() {
    let models = models();
    let (_dir, folder) = placed("bad");
    let live = ReloadingEngine::load(&folder).unwrap();
    let intent = async || live.classify("money back 30").await.unwrap().intent;
    assert_eq!(intent().await, "provide_feedback_on_service");
    assert!(matches!(live.poll(), Reload::Unchanged));
    replace_model(models.path("good"), &folder, "second").unwrap();
    assert!(matches!(live.poll(), Reload::Changing), "it is looked at twice");
    assert!(matches!(live.poll(), Reload::Loaded));
    assert!(matches!(live.poll(), Reload::Unchanged));
    assert_eq!(intent().await, "request_refund");

    // Somebody copies half a model over it, then whole weights that are not those of the reference.
    let weights = folder.join("model.safetensors");
    let whole = std::fs::read(&weights).unwrap();
    std::fs::write(&weights, &whole[..whole.len() / 2]).unwrap();
    assert!(matches!(live.poll(), Reload::Changing));
    assert!(matches!(live.poll(), Reload::Refused(_)));
    assert!(matches!(live.poll(), Reload::Unchanged), "reported once");
    std::fs::copy(models.path("bad/model.safetensors"), &weights).unwrap();
    live.poll();
    match live.poll() {
        Reload::Refused(error) => assert!(error.to_string().contains("reference logits"), "{error}"),
        other => panic!("{other:?}"),
    }
    std::fs::remove_file(folder.join("config.json")).unwrap();
    assert!(matches!((live.poll(), live.poll()), (Reload::Changing, Reload::Changing)), "it is not whole");
    assert_eq!(intent().await, "request_refund", "the model that was loaded goes on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watched_model_is_replaced_while_it_answers() {
    let models = models();
    let (_dir, folder) = placed("bad");
    let live = ReloadingEngine::load(&folder).unwrap();
    live.watch(Duration::from_millis(30)).unwrap();
    replace_model(models.path("good"), &folder, "second").unwrap();
    let begun = Instant::now();
    let mut asked = 0;
    // Not one question fails meanwhile.
    while live.classify("money back 30").await.unwrap().intent != "request_refund" {
        asked += 1;
        assert!(begun.elapsed() < Duration::from_secs(20), "it was never loaded");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert!(asked > 0, "it was not yet loaded when it was asked for the first time");
}

#[test]
fn a_running_server_picks_a_promoted_model_up() {
    let models = models();
    let (_dir, folder) = placed("bad");
    let shop = shop();
    let mut session = Session::start(shop.path(), &["--model", folder.to_str().unwrap()]);
    session.initialize("2025-11-25");
    let mut intent = || {
        let result = session.call("smart_triage_nlu", json!({"text": "money back 30"}));
        result["structuredContent"]["intent"].as_str().unwrap().to_owned()
    };
    assert_eq!(intent(), "provide_feedback_on_service");
    let folder = folder.to_str().unwrap();
    let arguments = ["model", "promote", &models.text("good"), "--to", folder, "--data", &models.text("test.csv")];
    let (code, out, err) = run(ecomres(shop.path()).args(arguments));
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("B is significantly better") && out.contains("promoted"), "{out}");
    let begun = Instant::now();
    while intent() != "request_refund" {
        assert!(begun.elapsed() < Duration::from_secs(30), "it was never loaded");
        std::thread::sleep(Duration::from_millis(100));
    }
}
