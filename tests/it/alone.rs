//! The program alone: copied into an empty folder, with nothing beside it and nothing set.

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use serde_json::Value;
use tempfile::TempDir;

use crate::cli::run;

/// A folder with a copy of the program, and an empty one to run it in.
struct Alone {
    _program_folder: TempDir,
    program: PathBuf,
    folder: TempDir,
}

impl Alone {
    fn new() -> Self {
        let (program_folder, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let program = program_folder.path().join("ecomres");
        std::fs::copy(env!("CARGO_BIN_EXE_ecomres"), &program).unwrap();
        Self { _program_folder: program_folder, program, folder }
    }

    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        run(Command::new(&self.program).args(arguments).current_dir(self.folder.path()).env_clear())
    }

    /// What it writes, which must be JSON.
    fn json(&self, arguments: &[&str]) -> Value {
        let (code, out, err) = self.run(&[arguments, &["--json"]].concat());
        assert_eq!(code, 0, "{arguments:?}: {err}");
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {out}"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

#[test]
fn it_reads_messages_and_holds_conversations() {
    let alone = Alone::new();
    let read = alone.json(&["predict", "where is my order?"]);
    assert_eq!(read["intent"], "track_order");
    let (code, out, err) = alone.run(&["simulate", "--scenario", "refund"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("Done: ₹599 for order ORD000003 has been refunded"), "{out}");
    assert_eq!(std::fs::read_dir(alone.folder.path()).unwrap().count(), 0, "nothing is left behind");
}

#[test]
fn it_says_that_its_model_is_built_in_and_whole() {
    let alone = Alone::new();
    let findings = alone.json(&["doctor"]);
    let found = |part: &str| {
        let mut all = findings.as_array().unwrap().iter();
        all.find(|finding| finding["part"] == part).unwrap_or_else(|| panic!("{part} is not in {findings}")).clone()
    };
    assert!(found("model")["found"].as_str().unwrap().starts_with("built-in: loaded in "), "{findings}");
    for part in ["settings", "model", "tokenizer", "reference"] {
        assert_eq!(found(part)["verdict"], "ok", "{findings}");
    }
    let (code, out, err) = alone.run(&["model", "info"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.starts_with("folder      built-in\n") && out.contains("model.safetensors"), "{out}");
    let (code, out, err) = alone.run(&["model", "check", "built-in"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.starts_with("built-in: ") && out.contains("texts agree with the reference"), "{out}");
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("model");
    let mut of_folder = alone.json(&["model", "info", shipped.to_str().unwrap()]);
    of_folder["folder"] = "built-in".into();
    assert_eq!(alone.json(&["model", "info"]), of_folder);
}

#[test]
fn another_model_is_used_where_it_is_named_and_not_where_it_lies_around() {
    let alone = Alone::new();
    let tiny = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tiny-model");
    std::fs::create_dir(alone.path("model")).unwrap();
    for entry in std::fs::read_dir(&tiny).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, alone.path("model").join(path.file_name().unwrap())).unwrap();
    }
    let folder = |arguments: &[&str]| alone.json(arguments)["folder"].as_str().unwrap().to_owned();
    assert_eq!(folder(&["model", "info"]), "built-in");
    assert_eq!(folder(&["model", "info", "--model", "model"]), "model");
    std::fs::write(alone.path("ecomres.toml"), "[model]\nfolder = \"model\"\n").unwrap();
    assert_eq!(folder(&["model", "info"]), "model");
    assert_eq!(folder(&["model", "info", "--model", "built-in"]), "built-in");
}

#[test]
fn it_trains_from_the_built_in_model_and_promotes_into_a_folder() {
    let alone = Alone::new();
    let rows: Vec<String> = (0..4)
        .map(|n| format!("where is it {n},track_order,neutral\nmoney back {n},request_refund,negative\n"))
        .collect();
    let rows = rows.concat();
    std::fs::write(alone.path("rows.csv"), format!("text,intent,sentiment\n{rows}")).unwrap();
    let (code, _, err) =
        alone.run(&["train", "--data", "rows.csv", "--out", "new", "--epochs", "1", "--val-split", "0", "--quiet"]);
    assert_eq!(code, 0, "{err}");
    for name in ["tokenizer.json", "vocab.txt", "model.safetensors"] {
        assert!(alone.path("new").join(name).is_file(), "{name}");
    }
    let promote = |arguments: &[&str]| alone.run(&[&["model", "promote"], arguments].concat());
    let (code, _, err) = promote(&["new", "--data", "rows.csv"]);
    assert!(code == 1 && err.contains("built-in") && err.contains("--to DIR"), "{err}");
    // Also where there is nothing to compare it with.
    let (code, _, err) = promote(&["built-in", "--to", "fresh", "--data", "nope.csv"]);
    assert!(code == 1 && err.contains("nope.csv"), "{err}");
    let (code, _, err) = promote(&["--undo"]);
    assert!(code == 1 && err.contains("built-in") && err.contains("--to DIR"), "{err}");
    // An empty folder takes the place of the built-in model, so the new one is held against that.
    let (code, _, err) = promote(&["new", "--to", "live", "--data", "rows.csv"]);
    assert!(code == 1 && err.contains("new knows other labels than built-in"), "{err}");
    assert!(!alone.path("live").exists());
    let (code, out, err) = promote(&["new", "--to", "live", "--data", "rows.csv", "--force"]);
    assert!(code == 0 && out.contains("promoted"), "{out}{err}");
    let (code, out, err) = promote(&["built-in", "--to", "live", "--data", "rows.csv", "--force"]);
    assert!(code == 0 && out.contains("live.backup-"), "{out}{err}");
    let hash = |model: &str| alone.json(&["model", "info", model])["files"][3]["sha256"].clone();
    assert_eq!(hash("live"), hash("built-in"));
    let compared = alone.json(&["model", "compare", "built-in", "live", "--data", "rows.csv"]);
    assert_eq!((&compared["first"], &compared["comparison"]["better"]), (&"built-in".into(), &false.into()));
}
