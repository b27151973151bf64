//! The command line as its users meet it: help, wrong arguments, settings, doctor.

use std::path::Path;

use assert_cmd::Command;

/// The program, in a folder of its own, without this machine's settings.
pub(crate) fn ecomres(folder: &Path) -> Command {
    let mut command = Command::cargo_bin("ecomres").unwrap();
    command.current_dir(folder).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    // What a customer has to know of an order has tests of its own (`simulate.rs`, `support/tests.rs`).
    command.env("ECOMRES_ORDERS__CLAIM_PROOF", "");
    command
}

/// Runs and returns exit code, standard output and standard error.
pub(crate) fn run(command: &mut Command) -> (i32, String, String) {
    let output = command.output().unwrap();
    (
        output.status.code().unwrap_or(-1),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

#[test]
fn help_of_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let (code, help, _) = run(ecomres(folder.path()).arg("--help"));
    assert_eq!(code, 0);
    insta::assert_snapshot!("help", help);
    for command in [
        "import",
        "orders",
        "simulate",
        "replay",
        "bench",
        "doctor",
        "report",
        "sample",
        "completions",
        "mcp",
        "bot",
        "serve",
        "dashboard",
        "alerts",
        "inbox",
        "events",
        "knowledge",
        "backup",
        "audit-key",
        "retention",
        "forget",
        "label",
        "train",
        "eval",
        "predict",
        "model",
    ] {
        let (code, help, _) = run(ecomres(folder.path()).args([command, "--help"]));
        assert_eq!(code, 0, "{command}");
        insta::assert_snapshot!(format!("help_{command}"), help);
    }
}

#[test]
fn wrong_arguments_end_with_2() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in
        [vec!["frobnicate"], vec!["simulate"], vec!["simulate", "--scenario", "party"], vec!["import"], vec![]]
    {
        let (code, out, err) = run(ecomres(folder.path()).args(&arguments));
        assert_eq!(code, 2, "{arguments:?}");
        assert!(out.is_empty() && !err.is_empty(), "{arguments:?}");
    }
}

#[test]
fn wrong_settings_end_with_1_and_name_the_key() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ecomres.toml"), "[refund]\npresett = 'grocery'\n").unwrap();
    let (code, out, err) = run(ecomres(folder.path()).args(["report", "audit"]));
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.contains("refund.presett") && err.contains("did you mean “preset”?"), "{err}");
    let (code, _, err) = run(ecomres(folder.path()).args(["report", "audit", "--config", "nowhere.toml"]));
    assert_eq!(code, 1);
    assert!(err.contains("nowhere.toml") && err.contains("hint:"), "{err}");
}

#[test]
fn wrong_variables_are_named_and_the_settings_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    for (name, value) in [("ECOMRES_REFUND_MAX_AUTOMATIC", "500"), ("ECOMRES_REFUND__PRESET", "x")] {
        let (code, _, err) = run(ecomres(folder.path()).args(["simulate", "--scenario", "order"]).env(name, value));
        assert_eq!(code, 1, "{err}");
        assert!(err.contains(name) && err.contains("ecomres doctor --settings"), "{err}");
    }
    let (code, out, err) = run(ecomres(folder.path()).args(["doctor", "--settings"]));
    assert_eq!((code, err.as_str()), (0, ""));
    assert_eq!(out, ecomres::config::DEFAULTS);
    std::fs::create_dir(folder.path().join(".env")).unwrap();
    let (code, _, err) = run(ecomres(folder.path()).args(["report", "audit"]));
    assert!(code == 1 && err.contains(".env cannot be read") && err.contains("move it away"), "{err}");
}

#[test]
fn a_report_creates_no_store() {
    let folder = tempfile::tempdir().unwrap();
    let (code, out, err) = run(ecomres(folder.path()).args(["report", "audit", "--verify"]));
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.contains("the store ecomres.db does not exist") && err.contains("hint: "), "{err}");
    std::fs::create_dir(folder.path().join("shop")).unwrap();
    for (store, told) in [("", "the store's name is empty"), ("shop", "it is a folder")] {
        let (code, _, err) = run(ecomres(folder.path()).args(["report", "audit", "--store", store]));
        assert!(code == 1 && err.contains(told) && err.contains("hint: "), "{err}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "only the folder that was made here");
    let (code, _, err) = run(ecomres(folder.path()).args(["report", "audit", "--last", "-1"]));
    assert!(code == 2 && err.contains("1..=1000000"), "{err}");
}

#[test]
fn a_closed_pipe_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let script = format!(
        "{} completions bash | head -n 1; exit ${{PIPESTATUS[0]}}",
        assert_cmd::cargo::cargo_bin("ecomres").display()
    );
    let output = std::process::Command::new("bash").args(["-c", &script]).current_dir(folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn doctor_refuses_what_a_server_refuses_at_its_start() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ecomres.toml");
    for (settings, told) in [
        ("[server]\ntrusted_proxies = ['my-proxy']", "[server] trusted_proxies: “my-proxy”"),
        ("[metrics]\nlisten = 'here'", "[metrics] listen is “here”"),
        ("[orders]\nclaim_proof = ['shoe_size']", "orders.claim_proof holds “shoe_size”"),
        ("[dashboard]\npassword_hash = 'open sesame'", "[dashboard] password_hash is no argon2 hash"),
        ("[[dashboard.users]]\nname = 'a b'\nrole = 'agent'\ntoken = 'long-enough-for-this'", "a name is 1 to 40"),
        ("[whatsapp]\nphone_id = '7, 8,,9'", "PHONE_ID is not the identifier"),
        ("[alerts]\nsmtp_url = 'no-scheme'", ""),
        ("[mcp]\ntoken = 'fifteen-letters'", "MCP_TOKEN ([mcp] token) has fewer than 16"),
        ("[metrics]\ntoken = 'short'", "[metrics] token has fewer than 16"),
        ("[dashboard]\ntoken = 'short'", "[dashboard] token has fewer than 16"),
        (
            "[[dashboard.users]]\nname = 'mia'\nrole = 'agent'\ntoken = 'short'",
            "the token of mia in [[dashboard.users]]",
        ),
    ] {
        std::fs::write(&file, settings).unwrap();
        let command = || {
            let mut command = ecomres(folder.path());
            command.env_remove("ECOMRES_ORDERS__CLAIM_PROOF");
            command
        };
        let (code, out, _) = run(command().arg("doctor"));
        assert!(code == 1 && out.contains("❌ settings") && out.contains(told), "{settings}: {out}");
        for server in [&["dashboard", "--port", "0"][..], &["serve", "--port", "0"], &["bot"], &["mcp", "--http"]] {
            let (code, _, err) = run(command().args(server));
            assert!(code == 1 && err.contains(told) && err.contains("hint: "), "{server:?}, {settings}: {err}");
        }
    }
    std::fs::write(&file, "[metrics]\nlisten = '0.0.0.0:9464'").unwrap();
    let (code, out, _) = run(ecomres(folder.path()).arg("doctor"));
    assert!(code == 0 && out.contains("⚠️  settings") && out.contains("reads the metrics"), "{out}");
    for typed in ["mongodb:/mia:W0rd99@127.0.0.1/shop", "mongodb//mia:W0rd99@127.0.0.1/shop"] {
        let (code, out, err) = run(ecomres(folder.path()).arg("doctor").env("MONGO_URI", typed));
        assert!(code == 1 && out.contains("it does not begin with mongodb://"), "{out}");
        let (_, other, told) = run(ecomres(folder.path()).args(["alerts", "list", "--store", typed]));
        for text in [out, err, other, told] {
            assert!(!text.contains("W0rd99") && !text.contains("mia"), "{text}");
        }
    }
}

#[test]
fn doctor_names_what_is_wrong_and_how_to_fix_it() {
    let folder = tempfile::tempdir().unwrap();
    let (code, out, _) = run(ecomres(folder.path()).arg("doctor"));
    assert_eq!(code, 0, "{out}");
    for part in ["settings", "store", "model", "tokenizer", "reference", "llm", "whatsapp", "ports"] {
        assert!(out.contains(part), "{part} is not in:\n{out}");
    }
    assert!(!folder.path().join("ecomres.db").exists(), "doctor must not make a store");

    std::fs::write(folder.path().join(".env"), "VERIFY_TOKEN=a\nAPP_ID=b\nAPP_SECRET=very-secret\nPHONE_ID=c\n")
        .unwrap();
    std::fs::write(folder.path().join("broken.db"), "this is no database, but it is long enough to be looked at")
        .unwrap();
    let (code, out, err) = run(ecomres(folder.path()).args(["doctor", "--store", "broken.db", "--model", "nowhere"]));
    assert_eq!(code, 1, "{out}");
    assert!(out.contains("❌ whatsapp") && out.contains("ACCESS_TOKEN"), "{out}");
    assert!(out.contains("❌ store") && out.contains("broken.db"), "{out}");
    assert!(out.contains("❌ model") && out.contains("nowhere"), "{out}");
    assert!(err.contains("3 components are broken"), "{err}");
    assert!(!out.contains("very-secret"));

    let (code, out, _) = run(ecomres(folder.path()).args(["doctor", "--store", "broken.db", "--json"]));
    assert_eq!(code, 1);
    let findings: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert!(
        findings.as_array().unwrap().iter().any(|finding| finding["part"] == "store" && finding["verdict"] == "broken")
    );
}
