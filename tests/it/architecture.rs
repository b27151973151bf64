//! Holds the edges and invariants of the design: who may use whom, and who may do what.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Who may use whom. `cli` uses all, and everybody may use `domain`.
const EDGES: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("config", &["domain"]),
    ("telemetry", &[]),
    ("nlu", &[]),
    ("store", &["domain"]),
    ("import", &["domain", "store"]),
    ("desk", &["domain", "store"]),
    ("tools", &["desk", "nlu", "domain"]),
    ("net", &[]),
    ("llm", &["domain", "tools", "net"]),
    ("agent", &["tools", "llm", "domain", "desk"]),
    ("channels", &["domain", "net"]),
    ("inbox", &["agent", "channels", "store", "domain", "telemetry"]),
    ("bot", &["channels", "inbox", "store", "domain", "telemetry", "net"]),
    ("mcp", &["tools", "domain", "net"]),
    ("insights", &["store", "domain"]),
    ("web", &["insights", "desk", "store", "mcp", "domain"]),
];

fn sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![root];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push((path.clone(), std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(found.len() > 30, "the sources are not where they were");
    found
}

/// The module a file belongs to: `store/sqlite/ledger.rs` to `store`.
fn module(path: &Path) -> String {
    let relative = path.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap();
    let first = relative.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

/// Tests may use anything.
fn is_test(path: &Path) -> bool {
    let name = path.file_name().unwrap().to_string_lossy();
    let inside = path.components().any(|part| ["contract", "tests"].iter().any(|folder| part.as_os_str() == *folder));
    inside || name.ends_with("tests.rs") || ["testing.rs", "contract.rs"].contains(&name.as_ref())
}

/// The code of a file without its comments and its unit tests.
fn code(text: &str) -> String {
    let production = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    production.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

#[test]
fn modules_use_only_whom_they_may() {
    let edges: BTreeMap<&str, BTreeSet<&str>> =
        EDGES.iter().map(|(from, to)| (*from, to.iter().copied().collect())).collect();
    let mut seen = 0;
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let from = module(&path);
        if is_test(&path) || ["cli", "lib", "main"].contains(&from.as_str()) {
            continue;
        }
        let allowed = edges.get(from.as_str()).unwrap_or_else(|| panic!("src/{from} is not in the list of edges"));
        let code = code(&text);
        for (index, _) in code.match_indices("crate::") {
            let to: String = code[index + 7..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            seen += 1;
            if to != from && !allowed.contains(to.as_str()) {
                wrong.push(format!("{}: {from} uses {to}", path.display()));
            }
        }
    }
    assert!(seen > 60, "only {seen} uses were found: the test no longer sees them");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Each rule: what is forbidden, and where it is allowed all the same.
fn only_in(what: &[&str], allowed: impl Fn(&str) -> bool) {
    let mut wrong = Vec::new();
    let mut found = 0;
    for (path, text) in sources() {
        let relative = path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap().to_string_lossy().replace('\\', "/");
        for line in code(&text).lines() {
            if what.iter().any(|what| line.contains(what)) {
                found += 1;
                if !allowed(&relative) && !is_test(&path) {
                    wrong.push(format!("{relative}: {}", line.trim()));
                }
            }
        }
    }
    assert!(found > 0, "{what:?} is nowhere: the test no longer sees it");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_the_model_names_burn() {
    only_in(&["burn::", "use burn"], |path| path.starts_with("src/nlu"));
}

#[test]
fn only_the_output_writes_to_stdout() {
    only_in(&["io::stdout(", " println!(", " print!(", "stdio_pipes("], |path| path == "src/cli/output.rs");
}

#[test]
fn only_the_store_names_sqlite() {
    only_in(&["rusqlite"], |path| path.starts_with("src/store"));
}

#[test]
fn only_the_store_names_mongodb() {
    only_in(&["mongodb::", "use mongodb", "bson::"], |path| path.starts_with("src/store/mongo"));
}

#[test]
fn there_is_one_http_client_builder() {
    only_in(&["reqwest::Client::builder", "reqwest::Client::new", "ClientBuilder"], |path| path == "src/net.rs");
}

#[test]
fn the_domain_reads_no_clock_and_no_file() {
    for (path, text) in sources() {
        if module(&path) != "domain" {
            continue;
        }
        for forbidden in ["::now()", "std::fs", "std::net", "std::env", "tokio", "SystemTime", "Instant"] {
            assert!(!code(&text).contains(forbidden), "{}: {forbidden}", path.display());
        }
    }
}

#[test]
fn agent_and_models_name_no_store() {
    for (path, text) in sources() {
        if ["agent", "llm"].contains(&module(&path).as_str()) && !is_test(&path) {
            assert!(!code(&text).contains("store::"), "{}", path.display());
        }
    }
}

#[test]
fn only_the_policy_makes_an_approved_refund() {
    only_in(&["ApprovedRefund {"], |path| path == "src/domain/refund.rs");
}

#[test]
fn every_module_says_what_it_decides_and_must_never_do() {
    for (path, text) in sources() {
        if is_test(&path) || ["lib", "testing"].contains(&module(&path).as_str()) {
            continue;
        }
        let head: String = text.lines().take_while(|line| line.starts_with("//!")).collect::<Vec<_>>().join(" ");
        assert!(head.contains("ever") && head.len() > 60, "{}: {head}", path.display());
    }
}
