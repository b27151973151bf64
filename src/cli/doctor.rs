//! Decides whether each part could work, and which line of configuration mends it.
//!
//! It must never change anything, nor show a secret.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::time::Instant;

use anyhow::Context as _;
use clap::Args;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::output::Output;
use super::{Global, Problem, app, failure};
use crate::config::{Config, DEFAULTS};
use crate::nlu::{Engine, NluError, check, locate_model};
use crate::store::{self, Backlog, Store, StoreError, SweepReport};

/// When a sweep, which is hourly where messages are answered, is late.
const LATE: SignedDuration = SignedDuration::from_hours(25);

/// Check every part, and say what to do about what is wrong
#[derive(Debug, Args)]
#[command(
    after_help = "Exit code 1 when a part is broken (❌); a part that is merely not set up (⚠️) is no error.\n\n\
    Examples:\n  ecomres doctor\n  ecomres doctor --store shop.db --json\n  ecomres doctor --settings > ecomres.toml"
)]
pub struct Options {
    /// Print all settings with their defaults and meaning, as a settings file, and check nothing
    #[arg(long)]
    settings: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Ok,
    Warning,
    Broken,
}

#[derive(Debug, Serialize)]
struct Finding {
    part: &'static str,
    verdict: Verdict,
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

fn ok(part: &'static str, found: impl Into<String>) -> Finding {
    Finding { part, verdict: Verdict::Ok, found: found.into(), hint: None }
}

fn warning(part: &'static str, found: impl Into<String>, hint: impl Into<String>) -> Finding {
    Finding { part, verdict: Verdict::Warning, found: found.into(), hint: Some(hint.into()) }
}

fn broken(part: &'static str, found: impl Into<String>, hint: Option<String>) -> Finding {
    Finding { part, verdict: Verdict::Broken, found: found.into(), hint }
}

pub(super) fn run(options: Options, global: &Global) -> anyhow::Result<()> {
    if options.settings {
        Output::stdout().text(DEFAULTS)?;
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("starting the runtime")?;
    let mut findings = Vec::new();
    match app::load_config(global) {
        Err(error) => {
            findings.push(broken("settings", format!("{error:#}"), failure::hint(&error)));
        }
        Ok(config) => {
            findings.push(settings(&config));
            findings.extend(runtime.block_on(store_findings(global, &config)));
            findings.extend(model(global, &config));
            findings.push(runtime.block_on(llm(&config)));
            findings.push(whatsapp(&config));
            findings.extend(ports());
        }
    }
    let mut output = Output::stdout();
    if global.json {
        output.json_pretty(&findings)?;
    } else {
        for finding in &findings {
            let mark = match finding.verdict {
                Verdict::Ok => "✅",
                Verdict::Warning => "⚠️ ",
                Verdict::Broken => "❌",
            };
            output.line(format!("{mark} {:<10} {}", finding.part, finding.found))?;
            if let Some(hint) = &finding.hint {
                output.line(format!("   {:<10} → {hint}", ""))?;
            }
        }
    }
    let count = findings.iter().filter(|finding| finding.verdict == Verdict::Broken).count();
    if count > 0 {
        let parts = if count == 1 { "one part is".to_owned() } else { format!("{count} parts are") };
        return Err(Problem::new(format!("{parts} broken")).into());
    }
    Ok(())
}

fn settings(config: &Config) -> Finding {
    match app::load_faq(config) {
        Ok(_) => ok("settings", "read, every key is known"),
        Err(error) => broken("settings", format!("{error:#}"), failure::hint(&error)),
    }
}

async fn store_findings(global: &Global, config: &Config) -> Vec<Finding> {
    let location = app::store_location(global, config);
    let store = match store::look_with(location, &app::server_settings(config)) {
        Ok(store) => store,
        Err(StoreError::Missing { path }) => {
            return vec![warning(
                "store",
                format!("{path} is not there yet; it is made when it is first used"),
                "ecomres import FILE.csv",
            )];
        }
        Err(error) => return vec![broken("store", error.to_string(), error.hint())],
    };
    let mut findings = Vec::new();
    match store.health().await {
        Err(error) => findings.push(broken("store", error.to_string(), error.hint())),
        Ok(health) if health.problems.is_empty() && !health.writable => findings.push(broken(
            "store",
            format!("{} is intact, and cannot be written", health.location),
            Some("give write permission for the file and its folder".into()),
        )),
        Ok(health) if health.problems.is_empty() => {
            findings.push(ok(
                "store",
                format!("{} at {}, schema {}, intact", health.backend, health.location, health.schema),
            ));
            findings.push(ok("indexes", health.indexes.join("; ")));
        }
        Ok(health) => findings.push(broken(
            "store",
            format!("{} is damaged: {}", health.location, health.problems.join("; ")),
            Some("restore a backup, or name another file with --store PATH".into()),
        )),
    }
    match store.count_orders().await {
        Err(error) => findings.push(broken("orders", error.to_string(), error.hint())),
        Ok(0) => findings.push(warning("orders", "there are none", "ecomres import FILE.csv")),
        Ok(count) => findings.push(ok("orders", super::import::counted(count, "order"))),
    }
    match store.backlog().await {
        Err(error) => findings.push(broken("inbox", error.to_string(), error.hint())),
        Ok(Backlog { waiting, in_work, parked, unsent, unsent_parked, .. }) => {
            let found = format!(
                "{waiting} conversations waiting, {in_work} in work, {parked} parked; {unsent} replies to send, \
                 {unsent_parked} parked"
            );
            findings.push(if parked + unsent_parked == 0 {
                ok("inbox", found)
            } else {
                warning("inbox", found, "ecomres inbox list shows why; ecomres inbox retry --all tries again")
            });
        }
    }
    findings.push(retention(config, store.as_ref()).await);
    match app::verify_audit(store.as_ref()).await {
        Err(error) => findings.push(broken("audit", error.to_string(), error.hint())),
        Ok(check) => match check.broken {
            None => {
                let entries = super::report::entries(&check);
                findings.push(ok("audit", format!("{entries}, the chain holds and the refunds agree")));
            }
            Some((place, why)) => findings.push(broken(
                "audit",
                format!("the trail is broken at entry {place}: {why}"),
                Some("keep this file as evidence, and compare it with a backup".into()),
            )),
        },
    }
    findings
}

async fn retention(config: &Config, store: &dyn Store) -> Finding {
    const PART: &str = "retention";
    let keep = &config.retention;
    let days = |days: u32| match days {
        0 => "for ever".to_owned(),
        1 => "for 1 day".to_owned(),
        days => format!("for {days} days"),
    };
    let set = format!(
        "chats are kept {}, answered messages {}, the audit trail {}",
        days(keep.chats_days),
        days(keep.inbox_days),
        days(keep.audit_days)
    );
    let last = match store.last_sweep().await {
        Ok(last) => last,
        Err(error) => return broken(PART, error.to_string(), error.hint()),
    };
    let told = match &last {
        None => format!("{set}; nothing was removed yet"),
        Some(last) => format!(
            "{set}; last looked through on {}: {}",
            last.at.strftime("%Y-%m-%d %H:%M:%SZ"),
            super::retention::removed(last)
        ),
    };
    let now = Timestamp::now();
    let recent = |last: &SweepReport| now.duration_since(last.at) < LATE;
    match last {
        Some(last) if last.trail_broken => {
            warning(PART, format!("{told}; the audit trail was not cut, because it is broken"), "see “audit”")
        }
        _ if keep.keep_for().is_for_ever() => ok(PART, told),
        Some(last) if recent(&last) => ok(PART, told),
        _ => warning(PART, told, "ecomres retention removes what is older now"),
    }
}

fn model(global: &Global, config: &Config) -> Vec<Finding> {
    let configured = (!config.model.folder.is_empty()).then(|| Path::new(config.model.folder.as_str()));
    let folder = match locate_model(global.model.as_deref().or(configured)) {
        Ok(folder) => folder,
        Err(error) => return vec![broken("model", error.to_string(), error.hint())],
    };
    let begun = Instant::now();
    let engine = match Engine::load(&folder) {
        Ok(engine) => engine,
        Err(error) => return vec![broken("model", error.to_string(), error.hint())],
    };
    let loaded = begun.elapsed().as_millis();
    let begun = Instant::now();
    let mut findings = match engine.classify_blocking("where is my order") {
        Err(error) => return vec![broken("model", error.to_string(), error.hint())],
        Ok(prediction) => vec![
            ok("model", format!("{}: loaded in {loaded} ms", folder.display())),
            ok(
                "tokenizer",
                format!("“where is my order” is read as {} in {} ms", prediction.intent, begun.elapsed().as_millis()),
            ),
        ],
    };
    drop(engine);
    findings.push(match check(&folder) {
        Ok(outcome) => ok(
            "reference",
            format!(
                "{} texts give the logits on record, largest difference {:.1e}",
                outcome.cases, outcome.largest_difference
            ),
        ),
        Err(NluError::Missing { path }) => warning(
            "reference",
            format!("{} is not there: whether the weights are whole cannot be told", path.display()),
            "`ecomres train` and the shipped model come with one",
        ),
        Err(error) => broken("reference", error.to_string(), error.hint()),
    });
    findings
}

async fn llm(config: &Config) -> Finding {
    if !config.llm.is_remote() {
        return warning("llm", "no API key: the built-in playbook answers", "GROQ_API_KEY=… in .env");
    }
    let remote = match app::remote_model(config) {
        Ok(remote) => remote,
        Err(error) => return broken("llm", format!("{error:#}"), failure::hint(&error)),
    };
    let host = remote.host();
    match remote.look().await {
        // The playbook answers meanwhile, so nothing is broken.
        Err(error) => warning("llm", format!("{host}: {error}"), error.hint().unwrap_or_default()),
        Ok(found) => match found.missing.first() {
            None => ok("llm", format!("{host} has {}", found.usable.join(", "))),
            Some(missing) => warning(
                "llm",
                app::missing_model(missing, &host, &found),
                "set [llm] model and fallback_model to models that are there",
            ),
        },
    }
}

fn whatsapp(config: &Config) -> Finding {
    let missing = config.whatsapp.missing();
    match missing.len() {
        0 => ok("whatsapp", "all five variables are set: ecomres bot answers customers"),
        5 => warning(
            "whatsapp",
            "not set up: conversations can only be simulated",
            "VERIFY_TOKEN, APP_ID, APP_SECRET, ACCESS_TOKEN and PHONE_ID in .env",
        ),
        _ => broken(
            "whatsapp",
            format!(
                "set up in part: {} missing",
                if missing.len() == 1 { format!("{} is", missing[0]) } else { format!("{} are", missing.join(", ")) }
            ),
            Some(format!("{}=… in .env, or remove the others", missing[0])),
        ),
    }
}

fn ports() -> Vec<Finding> {
    let taken: Vec<String> = [(8000, "bot"), (8501, "dashboard"), (8001, "MCP")]
        .into_iter()
        .filter(|(port, _)| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_err())
        .map(|(port, purpose)| format!("{port} ({purpose})"))
        .collect();
    if taken.is_empty() {
        return vec![ok("ports", "8000 (bot), 8501 (dashboard) and 8001 (MCP) are free")];
    }
    vec![warning(
        "ports",
        format!("in use: {}", taken.join(", ")),
        "end the other program, or choose another port with --port",
    )]
}
