//! The classifier: reading model folders, the numbers against an independent reference, and unusual input.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ecomres::nlu::{Classifier, Engine, ModelLocation, NluError, check, inspect};
use rstest::rstest;

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tiny-model")
}

fn copy() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("temporary folder");
    for entry in std::fs::read_dir(fixture()).expect("fixture") {
        let path = entry.expect("entry").path();
        std::fs::copy(&path, dir.path().join(path.file_name().expect("name"))).expect("copied");
    }
    dir
}

fn edit(dir: &Path, file: &str, change: impl Fn(&mut serde_json::Value)) {
    let path = dir.join(file);
    let mut value = serde_json::from_slice(&std::fs::read(&path).expect("read")).expect("JSON");
    change(&mut value);
    std::fs::write(path, value.to_string()).expect("written");
}

#[test]
fn reference_logits_agree() {
    let outcome = check(fixture()).expect("agrees");
    assert_eq!(outcome.cases, 6);
    assert!(outcome.largest_difference <= 1e-4);
}

#[test]
fn changed_weights_are_noticed_by_check() {
    let dir = copy();
    let path = dir.path().join("model.safetensors");
    let mut bytes = std::fs::read(&path).expect("read");
    // The last tensor's last number: its highest byte holds the sign and the exponent.
    *bytes.last_mut().expect("bytes") ^= 0x83;
    std::fs::write(&path, bytes).expect("written");
    let error = check(dir.path()).expect_err("differs");
    assert!(matches!(error, NluError::Reference { .. }), "{error}");
}

#[test]
fn a_batch_gives_what_each_text_gives_alone() {
    let engine = Engine::load(fixture()).expect("loads");
    let texts: Vec<String> = (0..50).map(|n| "where is my order ".repeat(n % 7 + 1) + n.to_string().as_str()).collect();
    let together = engine.classify_batch_blocking(&texts).expect("batch");
    for (text, prediction) in texts.iter().zip(&together) {
        let alone = engine.classify_blocking(text).expect("alone");
        assert_eq!(alone.intent, prediction.intent);
        assert!((alone.intent_confidence - prediction.intent_confidence).abs() < 1e-5);
        assert_eq!(prediction.intents.len(), 9);
        let sum: f32 = prediction.sentiments.iter().map(|one| one.confidence).sum();
        assert!((sum - 1.0).abs() < 1e-5);
    }
}

#[rstest]
#[case::empty(String::new())]
#[case::spaces("   \n\t ".to_owned())]
#[case::emoji("😡😡🎉".to_owned())]
#[case::nul("a\u{0}b".to_owned())]
#[case::long_text("where is my order? ".repeat(5_500))]
#[case::long_word("x".repeat(100_000))]
#[case::other_scripts("मेरा ऑर्डर कहाँ है 我的订单在哪里".to_owned())]
fn any_text_gets_an_answer_quickly(#[case] text: String) {
    let engine = Engine::load(fixture()).expect("loads");
    let start = Instant::now();
    let prediction = engine.classify_blocking(&text).expect("classified");
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    assert!(prediction.intent_confidence > 0.0 && prediction.intent_confidence <= 1.0);
}

#[tokio::test]
async fn tasks_share_the_engine_and_too_many_are_refused() {
    let engine = Engine::load(fixture()).expect("loads");
    let tasks: Vec<_> = (0..600)
        .map(|n| {
            let engine = engine.clone();
            tokio::spawn(async move { engine.classify(&format!("order {n} {}", "is late ".repeat(30))).await })
        })
        .collect();
    let (mut answered, mut refused) = (0, 0);
    for task in tasks {
        match task.await.expect("task") {
            Ok(_) => answered += 1,
            Err(NluError::Overloaded { waiting }) => {
                assert_eq!(waiting, 256);
                refused += 1;
            }
            Err(error) => panic!("{error}"),
        }
    }
    // The queue holds 256; the thread takes a few more out while 600 come in at once.
    assert!(answered >= 256, "{answered}");
    assert!(refused > 0, "{refused}");
    engine.classify("and now it answers again").await.expect("answered");
}

#[test]
fn f16_weights_answer_almost_the_same() {
    let dir = copy();
    let path = dir.path().join("model.safetensors");
    let bytes = std::fs::read(&path).expect("read");
    let file = safetensors::SafeTensors::deserialize(&bytes).expect("weights");
    let halves: Vec<(String, Vec<usize>, Vec<u8>)> = file
        .iter()
        .map(|(name, view)| {
            let data = view.data().as_chunks::<4>().0.iter();
            let data = data.flat_map(|four| half::f16::from_f32(f32::from_le_bytes(*four)).to_le_bytes()).collect();
            (name.to_owned(), view.shape().to_vec(), data)
        })
        .collect();
    let views = halves.iter().map(|(name, shape, data)| {
        let view = safetensors::tensor::TensorView::new(safetensors::Dtype::F16, shape.clone(), data);
        (name.clone(), view.expect("view"))
    });
    std::fs::write(&path, safetensors::serialize(views, None).expect("encoded")).expect("written");
    let (full, half) = (Engine::load(fixture()).expect("f32"), Engine::load(dir.path()).expect("f16"));
    assert_eq!(half.info().precision.to_string(), "f16");
    for text in ["where is my order", "i want my money back"] {
        let (a, b) = (full.classify_blocking(text).expect("f32"), half.classify_blocking(text).expect("f16"));
        assert_eq!(a.intent, b.intent);
        assert!((a.intent_confidence - b.intent_confidence).abs() < 0.01);
    }
}

#[rstest]
#[case("model.safetensors")]
#[case("config.json")]
#[case("label_info.json")]
fn a_missing_file_is_named(#[case] file: &str) {
    let dir = copy();
    std::fs::remove_file(dir.path().join(file)).expect("removed");
    let error = Engine::load(dir.path()).expect_err("missing");
    assert!(matches!(&error, NluError::Missing { path } if path.ends_with(file)), "{error}");
    assert!(error.hint().is_some());
}

#[test]
fn without_tokenizer_json_the_vocabulary_does() {
    let dir = copy();
    std::fs::remove_file(dir.path().join("tokenizer.json")).expect("removed");
    check(dir.path()).expect("the same tokens and numbers");
    std::fs::remove_file(dir.path().join("vocab.txt")).expect("removed");
    let error = Engine::load(dir.path()).expect_err("missing");
    assert!(error.to_string().contains("tokenizer.json"), "{error}");
}

#[test]
fn texts_are_cut_where_the_tokenizer_says() {
    let dir = copy();
    let long = "where is my order ".repeat(200);
    let tokens = |dir: &Path| {
        let mut reference: serde_json::Value =
            serde_json::from_slice(&std::fs::read(dir.join("reference_logits.json")).expect("read")).expect("JSON");
        reference["cases"][0]["text"] = long.as_str().into();
        std::fs::write(dir.join("reference_logits.json"), reference.to_string()).expect("written");
        // The error tells which tokens it makes.
        check(dir).expect_err("other tokens").to_string().rsplit("makes ").next().expect("tokens").matches(',').count()
            + 1
    };
    assert_eq!(inspect(dir.path()).expect("described").model.max_tokens, 40);
    assert_eq!(tokens(dir.path()), 40);
    edit(dir.path(), "tokenizer.json", |tokenizer| {
        tokenizer["truncation"] =
            serde_json::json!({"direction": "Right", "max_length": 20, "strategy": "LongestFirst", "stride": 0});
    });
    assert_eq!(inspect(dir.path()).expect("described").model.max_tokens, 20);
    assert_eq!(tokens(dir.path()), 20);
    edit(dir.path(), "tokenizer.json", |tokenizer| tokenizer["truncation"]["max_length"] = 5000.into());
    assert_eq!(tokens(dir.path()), 40, "never more than the model has positions");
}

#[test]
fn a_folder_without_a_reference_is_offered_one() {
    let dir = copy();
    let run = |more: &[&str]| {
        let mut command = assert_cmd::Command::cargo_bin("ecomres").expect("the program");
        command.args(["model", "check"]).arg(dir.path()).args(more).output().expect("ran")
    };
    std::fs::remove_file(dir.path().join("reference_logits.json")).expect("removed");
    let told = run(&[]);
    let text = String::from_utf8_lossy(&told.stderr).into_owned();
    assert_eq!(told.status.code(), Some(1));
    assert!(
        text.contains("has no reference_logits.json. 6 texts were computed") && text.contains("hint: add --yes"),
        "{text}"
    );
    assert!(!dir.path().join("reference_logits.json").exists());
    let written = run(&["--yes"]);
    assert!(String::from_utf8_lossy(&written.stdout).contains("6 texts agree with the reference"), "{written:?}");
    assert!(run(&[]).status.success());
}

#[test]
fn cut_off_weights_are_reported_with_a_hint() {
    let dir = copy();
    let path = dir.path().join("model.safetensors");
    let bytes = std::fs::read(&path).expect("read");
    std::fs::write(&path, &bytes[..bytes.len() / 2]).expect("written");
    let error = Engine::load(dir.path()).expect_err("cut off");
    assert!(error.to_string().contains("cut off"), "{error}");
    assert!(error.hint().expect("hint").contains("copy it again"));
}

#[test]
fn sizes_that_contradict_the_weights_name_the_tensor() {
    for (key, value, tensor) in [
        ("n_layers", 3, "distilbert.transformer.layer.2.attention.q_lin.weight is missing"),
        ("hidden_dim", 128, "distilbert.transformer.layer.0.ffn.lin1.weight has shape [64, 32], expected [128, 32]"),
        ("vocab_size", 200, "word_embeddings.weight has shape"),
    ] {
        let dir = copy();
        edit(dir.path(), "config.json", |config| config[key] = value.into());
        let error = Engine::load(dir.path()).expect_err(key);
        assert!(error.to_string().contains(tensor), "{error}");
        assert!(error.hint().is_some());
    }
}

#[test]
fn a_label_too_many_is_reported_with_both_counts() {
    let dir = copy();
    edit(dir.path(), "label_info.json", |labels| {
        labels["intent_labels"].as_array_mut().expect("list").push("tenth".into());
    });
    let error = Engine::load(dir.path()).expect_err("ten labels");
    assert!(error.to_string().contains("10 intent labels"), "{error}");
    assert!(error.to_string().contains("9 rows"), "{error}");
}

#[test]
fn a_vocabulary_larger_than_the_embedding_is_refused() {
    let dir = copy();
    edit(dir.path(), "tokenizer.json", |tokenizer| tokenizer["model"]["vocab"]["extra"] = 5000.into());
    let error = Engine::load(dir.path()).expect_err("too large");
    assert!(error.to_string().contains("token number 5000"), "{error}");
}

#[test]
fn the_folder_is_described() {
    let info = inspect(fixture()).expect("described");
    assert_eq!((info.model.dim, info.model.layers, info.model.heads), (32, 2, 4));
    assert_eq!(info.tensors.len(), 40);
    assert!(info.files.iter().any(|file| file.name == "vocab.txt" && file.sha256.len() == 64));
}

#[test]
fn an_explicit_folder_that_is_not_there_is_named() {
    let error = ModelLocation::find(Some(Path::new("/no/such/folder"))).expect_err("not there");
    assert!(error.to_string().contains("/no/such/folder"), "{error}");
    assert!(error.hint().expect("hint").contains("--model"));
}
