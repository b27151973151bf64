//! Rules of the design that neither the compiler nor clippy (`clippy.toml`) can check: which module may use which, and what
//! only one module may name.
//!
//! `src/nlu` is a package of its own: that it uses no module of the program is checked by the compiler.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Which modules each module may use. `cli` may use all.
const EDGES: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("config", &["domain"]),
    ("telemetry", &[]),
    ("files", &[]),
    ("store", &["domain", "files"]),
    ("import", &["domain", "store"]),
    ("knowledge", &[]),
    ("support", &["domain", "knowledge", "store", "telemetry"]),
    ("tools", &["support", "nlu", "domain"]),
    ("net", &[]),
    ("http", &[]),
    ("llm", &["domain", "tools", "net", "telemetry"]),
    ("agent", &["tools", "llm", "domain", "support"]),
    ("bench", &["domain", "tools"]),
    ("channels", &["domain", "net", "http"]),
    ("inbox", &["agent", "channels", "store", "support", "domain", "telemetry"]),
    ("media", &["channels", "inbox", "llm", "store", "support", "domain", "telemetry"]),
    ("bot", &["channels", "inbox", "store", "support", "domain", "telemetry", "net", "http"]),
    ("refunds", &["store", "support", "domain", "telemetry", "net", "http"]),
    ("events", &["store", "support", "domain", "telemetry", "net", "http"]),
    ("orders_api", &["domain", "import", "store", "http", "telemetry"]),
    ("mcp", &["tools", "domain", "net", "http"]),
    ("insights", &["store", "domain", "files"]),
    ("web", &["insights", "knowledge", "support", "store", "http", "domain", "files"]),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files below a folder with this extension, and their texts.
fn files(folder: &str, extension: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push((path.clone(), std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found
}

/// The sources of the program, without those of the package `src/nlu`.
fn sources() -> Vec<(PathBuf, String)> {
    let mut found = files("src", "rs");
    found.retain(|(path, _)| !path.starts_with(root().join("src/nlu")));
    assert!(found.len() > 150, "only {} sources were found", found.len());
    found
}

/// The module a file belongs to: `store/sqlite/ledger.rs` to `store`.
fn module(path: &Path) -> String {
    let relative = path.strip_prefix(root().join("src")).unwrap();
    let first = relative.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

/// Tests may use anything.
fn is_test(path: &Path) -> bool {
    let name = path.file_name().unwrap().to_string_lossy();
    let inside = path
        .strip_prefix(root())
        .unwrap()
        .components()
        .any(|folder| ["contract", "tests"].iter().any(|test| folder.as_os_str() == *test));
    inside || name.ends_with("tests.rs") || ["testing.rs", "contract.rs"].contains(&name.as_ref())
}

/// The code of a file without its comments and its unit tests.
fn code(text: &str) -> String {
    let production = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    production.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// The modules that a file uses: those after `crate::`, and the package of the model, which the program re-exports as `nlu`.
fn used(code: &str) -> Vec<String> {
    let paths = code.match_indices("crate::").map(|(index, found)| &code[index + found.len()..]);
    let mut used: Vec<String> =
        paths.map(|path| path.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()).collect();
    used.extend(code.matches("ecomres_nlu::").map(|_| "nlu".to_owned()));
    used
}

#[test]
fn modules_use_only_those_they_may() {
    let edges: BTreeMap<&str, BTreeSet<&str>> =
        EDGES.iter().map(|(from, to)| (*from, to.iter().copied().collect())).collect();
    let mut seen = BTreeSet::new();
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let from = module(&path);
        if is_test(&path) || ["cli", "lib", "main"].contains(&from.as_str()) {
            continue;
        }
        let allowed = edges.get(from.as_str()).unwrap_or_else(|| panic!("src/{from} is not in the list of edges"));
        for to in used(&code(&text)) {
            if to != from && !allowed.contains(to.as_str()) {
                wrong.push(format!("{}: {from} uses {to}", path.display()));
            }
            seen.insert((from.clone(), to));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // An edge that nobody uses is taken out of the list; this also shows that the test still sees the uses.
    let unused: Vec<_> = EDGES
        .iter()
        .flat_map(|(from, to)| to.iter().map(move |to| (*from, *to)))
        .filter(|(from, to)| !seen.contains(&((*from).to_owned(), (*to).to_owned())))
        .collect();
    assert!(unused.is_empty(), "nobody uses {unused:?}");
}

/// Fails where one of these words is in the code outside of one folder.
fn only_in(folder: &str, words: &[&str]) {
    let mut wrong = Vec::new();
    let mut found = 0;
    for (path, text) in sources() {
        for line in code(&text).lines().filter(|line| words.iter().any(|word| line.contains(word))) {
            found += 1;
            if !path.starts_with(root().join(folder))
                && !is_test(&path)
                && path != root().join(folder).with_extension("rs")
            {
                wrong.push(format!("{}: {}", path.display(), line.trim()));
            }
        }
    }
    assert!(found > 0, "{words:?} is nowhere: the test no longer sees it");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_the_store_names_sqlite() {
    only_in("src/store", &["rusqlite"]);
}

#[test]
fn only_the_store_names_mongodb() {
    only_in("src/store/mongo", &["mongodb::", "use mongodb", "bson::"]);
}

/// The window, the template and the opt-out hold because a channel takes only a `Sendable`, whose fields are private, and only
/// the sender makes one.
#[test]
fn only_the_sender_makes_what_leaves() {
    only_in("src/inbox/sender", &["Sendable::new("]);
    // And only the channel writes to the API.
    only_in("src/channels/whatsapp", &["wire::request("]);
    let sends: Vec<_> = sources()
        .into_iter()
        .filter(|(path, text)| !is_test(path) && code(text).contains("channel.send("))
        .map(|(path, _)| path.strip_prefix(root()).unwrap().to_string_lossy().into_owned())
        .collect();
    assert_eq!(sends, ["src/inbox/sender.rs"]);
}

/// Clippy forbids methods everywhere or nowhere: what only the domain must not do is found here.
#[test]
fn the_domain_reads_no_clock_and_no_file() {
    let domain: Vec<_> = sources().into_iter().filter(|(path, _)| module(path) == "domain").collect();
    assert!(domain.len() > 15, "only {} files of the domain were found", domain.len());
    for (path, text) in domain {
        for forbidden in ["::now()", "std::fs", "std::net", "std::env", "tokio", "SystemTime", "Instant"] {
            assert!(!code(&text).contains(forbidden), "{}: {forbidden}", path.display());
        }
    }
}

/// Nobody runs an ignored test by chance: a script names it, or the module it is in.
#[test]
fn every_ignored_test_is_run_by_a_script() {
    let mut scripts: String = files("tests", "sh").into_iter().map(|(_, text)| text).collect();
    scripts += &std::fs::read_to_string(root().join(".ci/run")).unwrap();
    // These are processes that other tests start.
    let started = ["chaos::worker", "events::killed::worker", "refunds::worker", "store::child"];
    let mut seen = 0;
    for (path, text) in files("tests/it", "rs") {
        let module = path.strip_prefix(root().join("tests/it")).unwrap().with_extension("");
        let module = module.to_string_lossy().replace(['/', '\\'], "::");
        for (index, _) in text.match_indices("\n#[ignore") {
            let name = text[index..].split_once("fn ").unwrap().1.split('(').next().unwrap();
            let test = format!("{module}::{name}");
            let whole_size = test.starts_with("chaos::whole_size") && scripts.contains("chaos::whole_size");
            assert!(whole_size || started.contains(&test.as_str()) || scripts.contains(&test), "no script runs {test}");
            seen += 1;
        }
    }
    assert!(seen >= 12, "only {seen} ignored tests were found");
}
