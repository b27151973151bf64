//! `ecomres doctor`: checks every component, and names the setting that repairs it. It changes nothing and shows no secret.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, TcpListener};
use std::time::Instant;

use anyhow::Context as _;
use clap::Args;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::output::Output;
use super::{Global, InputError, app, bot, error};
use crate::config::{Config, DEFAULTS};
use crate::domain::audit::AuditCheck;
use crate::domain::ids::{Family, Source, UserId};
use crate::domain::refund::RefundState;
use crate::files::{self, Others};
use crate::llm::LlmError;
use crate::llm::openai::TrialCall;
use crate::nlu::{Engine, NluError, check};
use crate::store::{self, Backlog, KeyPlace, OTHER_NUMBERS, Store, StoreError, SweepReport};
use crate::support::handoff;
use crate::web::CheckLine;

/// The age at which the last retention sweep, which is hourly while the bot runs, is overdue.
const SWEEP_OVERDUE: SignedDuration = SignedDuration::from_hours(25);

/// Check every component, and say what to do about what is wrong
#[derive(Debug, Args)]
#[command(
    after_help = "Exit code 1 when a component is broken (❌); one that is merely not set up (⚠️) is no error.\n\n\
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

pub(super) fn run(options: &Options, global: &Global) -> anyhow::Result<()> {
    if options.settings {
        Output::stdout().text(DEFAULTS)?;
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("starting the runtime")?;
    let mut findings = Vec::new();
    match app::load_config(global) {
        Err(error) => {
            findings.push(broken("settings", format!("{error:#}"), error::hint(&error)));
        }
        Ok(config) => {
            findings.push(settings(&config));
            findings.extend(runtime.block_on(store_findings(global, &config)));
            findings.extend(model(global, &config));
            findings.push(runtime.block_on(llm(&config)));
            findings.push(whatsapp(&config));
            findings.extend(runtime.block_on(refund_providers(&config)));
            findings.extend(ports());
        }
    }
    let mut output = Output::stdout();
    if global.json {
        output.json_pretty(&findings)?;
    } else {
        for finding in &findings {
            let symbol = match finding.verdict {
                Verdict::Ok => "✅",
                Verdict::Warning => "⚠️ ",
                Verdict::Broken => "❌",
            };
            output.line(format!("{symbol} {:<10} {}", finding.part, finding.found))?;
            if let Some(hint) = &finding.hint {
                output.line(format!("   {:<10} → {hint}", ""))?;
            }
        }
    }
    let count = findings.iter().filter(|finding| finding.verdict == Verdict::Broken).count();
    if count > 0 {
        let components = if count == 1 { "one component is".to_owned() } else { format!("{count} components are") };
        return Err(InputError::new(format!("{components} broken")).into());
    }
    Ok(())
}

/// What the pages show of it: every part but the ports, which this process holds itself.
pub(super) fn lines(global: &Global, config: &Config) -> Vec<CheckLine> {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return vec![line(broken("program", error.to_string(), None))],
    };
    let mut findings = vec![settings(config)];
    findings.extend(runtime.block_on(store_findings(global, config)));
    findings.extend(model(global, config));
    findings.push(runtime.block_on(llm(config)));
    findings.push(whatsapp(config));
    findings.extend(runtime.block_on(refund_providers(config)));
    findings.into_iter().map(line).collect()
}

fn line(finding: Finding) -> CheckLine {
    let verdict = match finding.verdict {
        Verdict::Ok => "ok",
        Verdict::Warning => "warning",
        Verdict::Broken => "broken",
    };
    let hint = finding.hint.unwrap_or_default();
    CheckLine { verdict, part: finding.part.to_owned(), found: finding.found, hint }
}

fn settings(config: &Config) -> Finding {
    match app::check_settings(config) {
        Ok(()) if !config.notices.is_empty() => warning(
            "settings",
            format!("read, every key is known; {}", config.notices.join("; ")),
            "write one NAME=value a line; single quotes keep a value as it is, apart from ${NAME}",
        ),
        Ok(()) if bot::metrics_are_open(config) => {
            warning("settings", bot::OPEN_METRICS, "set [metrics] token, or listen at 127.0.0.1")
        }
        Ok(()) => ok("settings", "read, every key is known"),
        Err(error) => broken("settings", format!("{error:#}"), error::hint(&error)),
    }
}

async fn store_findings(global: &Global, config: &Config) -> Vec<Finding> {
    let location = app::store_location(global, config);
    let store = match store::open_read_only_with(location, &app::server_settings(config)) {
        Ok(store) => store,
        Err(StoreError::Missing { path }) => {
            return vec![warning(
                "store",
                format!("{path} does not exist yet; it is created when it is first used"),
                "ecomres import FILE.csv",
            )];
        }
        Err(error) => return vec![broken("store", error.to_string(), error.hint())],
    };
    let mut findings = Vec::new();
    findings.extend(open_files(location));
    findings.extend(health(store.as_ref(), !matches!(store::file_path(location), Ok(Some(_)))).await);
    match store.moved_over().await {
        Err(error) => findings.push(broken("original", error.to_string(), error.hint())),
        Ok(lines) if lines.is_empty() => {}
        Ok(lines) => findings.push(ok("original", lines.join("; "))),
    }
    match store.unreadable().await {
        Err(error) => findings.push(broken("documents", error.to_string(), error.hint())),
        Ok(odd) if odd.is_empty() => {}
        Ok(odd) => findings.push(warning(
            "documents",
            format!("some cannot be read and are passed over: {}", odd.join("; ")),
            "mend or remove them: nothing else is affected",
        )),
    }
    match store.count_orders().await {
        Err(error) => findings.push(broken("orders", error.to_string(), error.hint())),
        Ok(0) => findings.push(warning("orders", "there are none", "ecomres import FILE.csv")),
        Ok(count) => {
            findings.push(ok("orders", super::import::counted(count, "order")));
            findings.push(order_ids(config, store.as_ref()).await);
        }
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
    findings.extend(events(config, store.as_ref()).await);
    match store.pending_alert(&UserId::new(handoff::SET_UP)).await {
        Err(error) => findings.push(broken("sending", error.to_string(), error.hint())),
        Ok(None) => {}
        Ok(Some(alert)) => findings.push(broken(
            "sending",
            alert.reason,
            Some("mend it at Meta or in .env: everything that waits is sent then, and the alert resolved".to_owned()),
        )),
    }
    match store.counted(OTHER_NUMBERS).await {
        Err(error) => findings.push(broken("numbers", error.to_string(), error.hint())),
        Ok(None) => {}
        Ok(Some(tally)) => findings.push(ok(
            "numbers",
            format!(
                "{} of webhooks for numbers that are not in PHONE_ID: not answered, the last on {}",
                super::import::counted(tally.count, "part"),
                tally.last.strftime("%Y-%m-%d %H:%M:%SZ")
            ),
        )),
    }
    findings.extend(open_refunds(store.as_ref()).await);
    findings.push(retention(config, store.as_ref()).await);
    findings.push(media(config, store.as_ref()));
    match app::verify_audit(store.as_ref()).await {
        Err(error) => findings.push(broken("audit", error.to_string(), error.hint())),
        Ok(check) => match check.broken {
            None => {
                let entries = super::report::entries(&check);
                findings.push(ok("audit", format!("{entries}, the chain holds and the refunds agree")));
                findings.push(audit_key(store.as_ref(), &check));
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

/// Events for the shop's other systems; nothing where there are none.
async fn events(config: &Config, store: &dyn Store) -> Option<Finding> {
    const PART: &str = "events";
    let (backlog, closed) = match (store.event_backlog().await, store.closed_endpoints().await) {
        (Ok(backlog), Ok(closed)) => (backlog, closed),
        (Err(error), _) | (_, Err(error)) => return Some(broken(PART, error.to_string(), error.hint())),
    };
    if !config.events.is_on() {
        let left = backlog.new + backlog.waiting + backlog.parked;
        let found = format!("no endpoint is set, and {}", super::events::in_words(&backlog));
        return (left > 0).then(|| warning(PART, found, "set [events] url again, or leave them: nobody gets them"));
    }
    let endpoints = match super::events::endpoints_in_words(config) {
        Ok(endpoints) => endpoints,
        Err(error) => return Some(broken(PART, error.to_string(), error.hint())),
    };
    let found = format!("{endpoints}: {}", super::events::in_words(&backlog));
    let names: Vec<&str> = closed.iter().map(|one| one.endpoint.as_str()).collect();
    Some(match names.first() {
        Some(first) => warning(
            PART,
            format!("{found}; {} answered 410 Gone and gets none", names.join(" and ")),
            format!("ecomres events retry --endpoint {first}, once it takes events again"),
        ),
        None if backlog.parked > 0 => {
            warning(PART, found, "ecomres events list --parked shows why; ecomres events retry --all tries again")
        }
        None => ok(PART, format!("{found}; ecomres events send-test tries them")),
    })
}

/// What order ids look like; a warning where a setting finds none of those that are there.
async fn order_ids(config: &Config, store: &dyn Store) -> Finding {
    let found = async { anyhow::Ok((app::patterns(config, store).await?, store.order_id_forms().await?)) }.await;
    let (patterns, forms) = match found {
        Ok(found) => found,
        Err(error) => return broken("order ids", error.to_string(), None),
    };
    let examples = |families: &[Family]| families.iter().map(Family::example).collect::<Vec<_>>().join(", ");
    let stored = forms.families();
    let like = match examples(patterns.families()) {
        empty if empty.is_empty() => "as orders.pattern matches".to_owned(),
        examples => format!("like {examples}"),
    };
    match patterns.source() {
        Source::Setting if !stored.is_empty() && stored.iter().all(|family| !patterns.is_order(family.example())) => {
            let found = format!("found {like}; those of the orders look like {}", examples(&stored));
            warning("order ids", found, "leave orders.pattern empty: what ids look like is learnt from the orders")
        }
        Source::Setting => ok("order ids", format!("{like}, by orders.pattern")),
        Source::Learnt => ok("order ids", format!("{like}, learnt from the orders")),
        Source::Default => warning(
            "order ids",
            format!("the ids of the orders have no digits: messages are searched for ids {like}"),
            "set orders.pattern",
        ),
    }
}

async fn health(store: &dyn Store, on_server: bool) -> Vec<Finding> {
    match store.health().await {
        Err(error) => vec![broken("store", error.to_string(), error.hint())],
        Ok(health) if health.problems.is_empty() && !health.writable => vec![broken(
            "store",
            format!("{} is intact, and cannot be written", health.location),
            Some("give write permission for the file and its folder".into()),
        )],
        Ok(health) if on_server && health.schema == 0 => vec![warning(
            "store",
            format!(
                "{} at {}: this program has not worked on it yet. What is there is read as it is",
                health.backend, health.location
            ),
            "ecomres serve adds its own collections and indexes beside what is there, and changes or removes none of it",
        )],
        Ok(health) if on_server && !health.problems.is_empty() => vec![warning(
            "store",
            format!("{} at {}: {}", health.backend, health.location, health.problems.join("; ")),
            "an index that is missing is made at the next start; orders that are there twice are read, and told apart by nobody: \
             keep one of each",
        )],
        Ok(health) if health.problems.is_empty() => vec![
            ok("store", format!("{} at {}, schema {}, intact", health.backend, health.location, health.schema)),
            ok("indexes", health.indexes.join("; ")),
        ],
        Ok(health) => vec![broken(
            "store",
            format!("{} is damaged: {}", health.location, health.problems.join("; ")),
            Some("restore a backup, or name another file with --store PATH".into()),
        )],
    }
}

fn audit_key(store: &dyn Store, check: &AuditCheck) -> Finding {
    const PART: &str = "audit key";
    const ELSEWHERE: &str =
        "ECOMRES_AUDIT_KEY, or [audit] key_file in a folder where whoever may write the store may not write";
    let signatures = super::report::signatures(check);
    match store.audit_key() {
        // Nothing that writes starts like this.
        None if check.unchecked > 0 => {
            broken(PART, signatures, Some("where the key is lost: ecomres audit-key --begin".into()))
        }
        None => warning(PART, "there is none: the audit trail is not signed", ELSEWHERE),
        Some(loaded) => {
            let found = format!("{} in {}. {signatures}", loaded.key.id(), loaded.place);
            match loaded.place {
                KeyPlace::File { path, .. } if matches!(files::others(&path), Ok(Others::Everybody)) => {
                    warning(PART, format!("{found} Everybody may read it."), format!("chmod 600 {}", path.display()))
                }
                KeyPlace::File { beside: true, .. } => {
                    warning(PART, format!("{found} It lies beside the store."), ELSEWHERE)
                }
                _ => ok(PART, found),
            }
        }
    }
}

/// Files of the store that others than their owner may read.
fn open_files(location: &str) -> Option<Finding> {
    let path = store::file_path(location).ok().flatten()?;
    let open: Vec<String> = ["", "-wal", "-shm"]
        .into_iter()
        .map(|end| files::beside(path, end))
        .filter(|path| files::others(path).is_ok_and(|others| others != Others::None))
        .map(|path| path.display().to_string())
        .collect();
    let files = open.join(" ");
    (!open.is_empty()).then(|| {
        warning("files", format!("others may read what customers wrote: {files}"), format!("chmod 600 {files}"))
    })
}

async fn retention(config: &Config, store: &dyn Store) -> Finding {
    const PART: &str = "retention";
    let settings = &config.retention;
    let days = |days: u32| match days {
        0 => "for ever".to_owned(),
        1 => "for 1 day".to_owned(),
        days => format!("for {days} days"),
    };
    let events = if config.events.is_on() { format!(", events {}", days(settings.events_days)) } else { String::new() };
    let set = format!(
        "chats are kept {}, answered messages {}, the audit trail {}{events}",
        days(settings.chats_days),
        days(settings.inbox_days),
        days(settings.audit_days)
    );
    let last = match store.last_sweep().await {
        Ok(last) => last,
        Err(error) => return broken(PART, error.to_string(), error.hint()),
    };
    let summary = match &last {
        None => format!("{set}; nothing was removed yet"),
        Some(last) => format!(
            "{set}; last sweep on {}: {}",
            last.at.strftime("%Y-%m-%d %H:%M:%SZ"),
            super::retention::removed(last)
        ),
    };
    let now = Timestamp::now();
    let recent = |last: &SweepReport| now.duration_since(last.at) < SWEEP_OVERDUE;
    match last {
        Some(last) if last.trail_broken => {
            warning(PART, format!("{summary}; the audit trail was not cut, because it is broken"), "see “audit”")
        }
        _ if config.retention_policy().keeps_everything() => ok(PART, summary),
        Some(last) if recent(&last) => ok(PART, summary),
        _ => warning(PART, summary, "ecomres retention removes what is older now"),
    }
}

/// Files of customers: how much there is, and who hears recordings.
fn media(config: &Config, store: &dyn Store) -> Finding {
    const PART: &str = "media";
    let needs_photo = !config.policy.needs_photo.is_empty();
    let unseen = "no photo can be asked for where none is kept: empty [policy] needs_photo, or set [media] quota_mb";
    let Some(folder) = store.media_folder() else {
        let found = "this store keeps no files of customers";
        return if needs_photo { warning(PART, found, unseen) } else { ok(PART, found) };
    };
    let (used, place) = match folder.used() {
        Ok(used) => (used, folder.path().display()),
        Err(error) => {
            let found = format!("{} cannot be read: {error}", folder.path().display());
            return broken(PART, found, Some("give its owner back what this program needs: chmod 700".to_owned()));
        }
    };
    let hears = match config.llm.transcribes_with() {
        Some(model) => format!("{model} writes voice messages down"),
        None => "a person listens to voice messages".to_owned(),
    };
    let megabytes = |bytes: u64| bytes.div_ceil(1_000_000);
    if !folder.takes() {
        let kept =
            if used > 0 { format!("; {} MB from before are in {place}", megabytes(used)) } else { String::new() };
        let found = format!("files of customers are not fetched: [media] quota_mb is 0{kept}");
        return if needs_photo { warning(PART, found, unseen) } else { ok(PART, found) };
    }
    let sees = config.llm.sees_with().map(|model| format!("; {model} looks at photos")).unwrap_or_default();
    let found = format!("{} of {} MB in {place}; {hears}{sees}", megabytes(used), megabytes(folder.quota()));
    if config.llm.transcribes_with().is_none() && !config.llm.transcribe_model.trim().is_empty() {
        return warning(PART, found, "[llm] transcribe_model needs the key of its service: GROQ_API_KEY=… in .env");
    }
    if config.llm.sees_with().is_none() && !config.llm.vision_model.trim().is_empty() {
        return warning(PART, found, "[llm] vision_model needs the key of its service: GROQ_API_KEY=… in .env");
    }
    if store::is_open_to_others(folder).unwrap_or(false) {
        return warning(PART, format!("{found}; others may read what customers sent"), format!("chmod -R go= {place}"));
    }
    if used / 10 >= folder.quota() / 11 {
        return warning(PART, found, "nothing is kept of files for which there is no place: raise [media] quota_mb");
    }
    ok(PART, found)
}

fn model(global: &Global, config: &Config) -> Vec<Finding> {
    let location = match app::configured_model(global, config) {
        Ok(location) => location,
        Err(error) => return vec![broken("model", error.to_string(), error.hint())],
    };
    let begun = Instant::now();
    let engine = match Engine::load(&location) {
        Ok(engine) => engine,
        Err(error) => return vec![broken("model", error.to_string(), error.hint())],
    };
    let loaded = begun.elapsed().as_millis();
    let begun = Instant::now();
    let mut findings = match engine.classify_blocking("where is my order") {
        Err(error) => return vec![broken("model", error.to_string(), error.hint())],
        Ok(prediction) => vec![
            ok("model", format!("{location}: loaded in {loaded} ms")),
            ok(
                "tokenizer",
                format!("“where is my order” is read as {} in {} ms", prediction.intent, begun.elapsed().as_millis()),
            ),
        ],
    };
    drop(engine);
    findings.push(match check(&location) {
        Ok(outcome) => ok(
            "reference",
            format!(
                "{} texts give the reference logits, largest difference {:.1e}",
                outcome.cases, outcome.largest_difference
            ),
        ),
        Err(NluError::Missing { path }) => warning(
            "reference",
            format!("{} does not exist: the weights cannot be verified", path.display()),
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
        Err(error) => return broken("llm", format!("{error:#}"), error::hint(&error)),
    };
    let host = remote.host();
    let (mut found, mut hints) = match remote.list_models().await {
        // Some services have no list: the trial below says whether the model is there.
        Err(error @ LlmError::Refused { status: 404 | 405, .. }) => {
            (format!("{host} gives no list of models ({error})"), Vec::new())
        }
        // The playbook answers instead, so nothing is broken.
        Err(error) => return warning("llm", format!("{host}: {error}"), error.hint().unwrap_or_default()),
        Ok(listed) => match listed.missing.first() {
            None => (format!("{host} has {}", listed.usable.join(", ")), Vec::new()),
            Some(missing) => (
                app::missing_model(missing, &host, &listed),
                vec!["set [llm] model and fallback_model to models that are there".to_owned()],
            ),
        },
    };
    match remote.try_call().await {
        // Said already.
        Err(LlmError::NoModel { .. }) => {}
        Err(error) => {
            let _ = write!(found, "; a trial call of a tool failed: {error}");
            hints.extend(error.hint());
        }
        Ok(trial) => {
            let model = &trial.model;
            let seconds = trial.elapsed.as_secs_f64();
            let did = match trial.calls {
                TrialCall::Plain => "called a tool",
                TrialCall::AsText => "wrote its call into the text, where it is read,",
                TrialCall::None => "was asked for a call of a tool and wrote words",
            };
            let _ = write!(found, "; {model} {did} in {seconds:.1} s");
            if trial.calls == TrialCall::None {
                hints.push("take a model that calls tools: without them it can look up and pay nothing".to_owned());
            }
            if !trial.refused.is_empty() {
                let _ = write!(found, ", without {}, which it refuses", trial.refused.join(", "));
            }
        }
    }
    if hints.is_empty() { ok("llm", found) } else { warning("llm", found, hints.join("; ")) }
}

/// Refunds that are not paid yet, or could not be.
async fn open_refunds(store: &dyn Store) -> Option<Finding> {
    const PART: &str = "refunds";
    let states = [RefundState::Requested, RefundState::Submitted, RefundState::Failed];
    let open = match store.refunds_in(&states, 1_000).await {
        Ok(open) if open.is_empty() => return None,
        Ok(open) => open,
        Err(error) => return Some(broken(PART, error.to_string(), error.hint())),
    };
    let count = |state| open.iter().filter(|refund| refund.state() == state).count();
    let found = format!(
        "{} requested, {} submitted, {} failed",
        count(RefundState::Requested),
        count(RefundState::Submitted),
        count(RefundState::Failed)
    );
    let now = Timestamp::now();
    let stuck = open.iter().any(|refund| refund.progress.problem.is_some() || refund.progress.is_stuck(now));
    if count(RefundState::Failed) == 0 && !stuck {
        return Some(ok(PART, found));
    }
    Some(warning(PART, found, "ecomres refunds list shows why; retry or settle decides what becomes of them"))
}

/// Whether the keys of who moves the money are right: nothing is paid to find out.
async fn refund_providers(config: &Config) -> Vec<Finding> {
    const PART: &str = "payments";
    // An error is said with the settings already.
    let Ok(providers) = app::refund_providers(config) else { return Vec::new() };
    let mut findings = Vec::new();
    if config.refund.provider().is_simulated() {
        let hint = "[refund] provider names who moves the money: webhook, razorpay or stripe";
        findings.push(warning(PART, "refunds are simulated: nobody moves money", hint));
    }
    for provider in providers.iter() {
        let name = provider.kind().as_str();
        findings.push(match provider.check().await {
            Ok(found) => ok(PART, format!("{name}: {found}")),
            Err(why) => {
                broken(PART, format!("{name}: {why}"), Some(format!("see [refund.{name}]: keys, address, connection")))
            }
        });
    }
    findings
}

fn whatsapp(config: &Config) -> Finding {
    let missing = config.whatsapp.missing();
    match missing.len() {
        0 => ok("whatsapp", numbers(config)),
        4 => warning(
            "whatsapp",
            "not set up: conversations can only be simulated",
            "VERIFY_TOKEN, APP_SECRET, ACCESS_TOKEN and PHONE_ID in .env",
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

fn numbers(config: &Config) -> String {
    let ids = config.whatsapp.phone_ids();
    let from = if ids.len() > 1 { format!(" from {} numbers", ids.len()) } else { String::new() };
    format!("all four variables are set: ecomres bot answers customers{from}")
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
