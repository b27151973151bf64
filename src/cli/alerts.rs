//! `ecomres alerts`: shows alerts and changes the one that is named.

use anyhow::Context as _;
use clap::{Args, Subcommand, ValueEnum};
use jiff::Timestamp;
use serde_json::json;

use super::output::Output;
use super::{Global, InputError, app};
use crate::domain::alert::{Alert, AlertSearch, AlertStatus, Assigned, AssigneeFilter, Priority, Reopened};
use crate::domain::ids::AlertId;
use crate::domain::words::excerpt;
use crate::store::{self, Store};
use crate::support::{Actor, alerts};

/// See who waits for a person, claim an alert, resolve it, reopen it
#[derive(Debug, Args)]
#[command(
    after_help = "While an alert of a customer is pending the bot is silent; when it is resolved the bot answers again.\nEach \
    change is put on record under the name that --by says.\n\n\
    Examples:\n  ecomres alerts list\n  ecomres alerts claim ALERT_01a2… --by front-desk\n  \
    ecomres alerts resolve ALERT_01a2… --note \"refund explained\""
)]
pub struct Options {
    #[command(subcommand)]
    command: Command,
}

/// Which alert, and who changes it.
#[derive(Debug, Args)]
struct Named {
    /// The alert's id, as `alerts list` shows it
    #[arg(value_name = "ID")]
    id: String,
    /// Who does it: goes on record, and with the alert
    #[arg(long, value_name = "NAME", default_value = "terminal", value_parser = name)]
    by: String,
}

pub(super) fn name(text: &str) -> Result<String, String> {
    let text = text.trim().to_lowercase();
    if text.is_empty() || text.chars().count() > 40 || text.contains(char::is_whitespace) {
        return Err("a name is one word of 1 to 40 characters".to_owned());
    }
    Ok(text)
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Urgency {
    High,
    Medium,
    Low,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The alerts: pending first, then by priority and age
    #[command(
        after_help = "Example:\n  ecomres alerts list --all --json\n  ecomres alerts list --unassigned --priority high"
    )]
    List {
        /// Resolved ones too
        #[arg(long)]
        all: bool,
        /// How many at most
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
        limit: u32,
        /// Only those of this assignee
        #[arg(long, value_name = "NAME", value_parser = name, conflicts_with = "unassigned")]
        assignee: Option<String>,
        /// Only those without an assignee
        #[arg(long)]
        unassigned: bool,
        /// Only those that are this urgent
        #[arg(long, value_enum)]
        priority: Option<Urgency>,
        /// Only those with this in the reason, the last message, the note or the customer's identity
        #[arg(long, value_name = "TEXT", default_value = "")]
        text: String,
    },
    #[command(flatten)]
    Change(Change),
}

#[derive(Debug, Subcommand)]
enum Change {
    /// Become the assignee of an unassigned alert
    #[command(after_help = "Example:\n  ecomres alerts claim ALERT_01a20714aefc7603aa5deef4fedde444 --by front-desk")]
    Claim {
        #[command(flatten)]
        named: Named,
        /// Take it from this member of the team, who is the assignee now
        #[arg(long, value_name = "NAME", value_parser = name)]
        from: Option<String>,
    },
    /// Make a claimed alert unassigned again
    #[command(after_help = "Example:\n  ecomres alerts release ALERT_01a20714aefc7603aa5deef4fedde444 --by front-desk")]
    Release {
        #[command(flatten)]
        named: Named,
    },
    /// Resolve an alert: the bot answers that customer again
    #[command(
        after_help = "Example:\n  ecomres alerts resolve ALERT_01a20714aefc7603aa5deef4fedde444 --note \"paid back by hand\""
    )]
    Resolve {
        #[command(flatten)]
        named: Named,
        /// What was done; stays with the alert
        #[arg(long, value_name = "TEXT", default_value = "")]
        note: String,
    },
    /// Reopen a resolved alert: the bot is silent for that customer
    #[command(after_help = "Example:\n  ecomres alerts reopen ALERT_01a20714aefc7603aa5deef4fedde444")]
    Reopen {
        #[command(flatten)]
        named: Named,
    },
}

pub(super) fn run(options: Options, global: &Global) -> anyhow::Result<()> {
    let config = app::load_config(global)?;
    let (location, settings) = (app::store_location(global, &config), app::server_settings(&config));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("starting the runtime")?;
    let mut output = Output::stdout();
    let change = match options.command {
        Command::List { all, limit, assignee, unassigned, priority, text } => {
            let search = AlertSearch {
                status: (!all).then_some(AlertStatus::Pending),
                priority: priority.map(|priority| match priority {
                    Urgency::High => Priority::High,
                    Urgency::Medium => Priority::Medium,
                    Urgency::Low => Priority::Low,
                }),
                assignee: if unassigned {
                    Some(AssigneeFilter::Unassigned)
                } else {
                    assignee.map(AssigneeFilter::Named)
                },
                text,
                resolved_since: None,
            };
            let store = store::open_read_only_with(location, &settings)?;
            for alert in runtime.block_on(store.find_alerts(&search, limit))? {
                if global.json { output.json(&alert)? } else { output.line(describe(&alert))? }
            }
            return Ok(());
        }
        Command::Change(change) => change,
    };
    let store = app::open_existing_store(location, &settings)?;
    let (text, json) = runtime.block_on(apply(store.as_ref(), change, &store::display_location(location)))?;
    if global.json {
        output.json(&json)?;
    } else {
        output.line(text)?;
    }
    Ok(())
}

/// Applies a change; returns the outcome as text and as JSON.
async fn apply(store: &dyn Store, change: Change, place: &str) -> anyhow::Result<(String, serde_json::Value)> {
    let by = |named: &Named| (AlertId::new(named.id.trim()), Actor { name: named.by.clone(), now: Timestamp::now() });
    let none = |id: &AlertId, kind: &str| {
        InputError::with_hint(
            format!("there is no {kind} alert {id} in {place}"),
            "ecomres alerts list --all shows them",
        )
    };
    Ok(match change {
        Change::Claim { named, from } => {
            let (id, by) = by(&named);
            match alerts::claim(store, &by, &id, from.as_deref()).await? {
                Assigned::Done(alert) => (format!("{id} is yours, {}.", by.name), json!(alert)),
                Assigned::Held(alert) => return Err(held(&alert).into()),
                Assigned::Gone => return Err(none(&id, "pending").into()),
            }
        }
        Change::Release { named } => {
            let (id, by) = by(&named);
            match alerts::release(store, &by, &id).await? {
                Assigned::Done(alert) => (format!("{id} is unassigned again."), json!(alert)),
                Assigned::Held(alert) => return Err(held(&alert).into()),
                Assigned::Gone => return Err(none(&id, "pending").into()),
            }
        }
        Change::Resolve { named, note } => {
            let (id, by) = by(&named);
            if !alerts::resolve(store, &by, &id, &note).await? {
                return Err(none(&id, "pending").into());
            }
            let json = json!({"alert_id": id, "status": AlertStatus::Resolved});
            (format!("{id} is resolved: the bot answers this customer again."), json)
        }
        Change::Reopen { named } => {
            let (id, by) = by(&named);
            match alerts::reopen(store, &by, &id).await? {
                Reopened::Done(alert) => {
                    (format!("{id} is open again: the bot is silent for {}.", alert.user_id), json!(alert))
                }
                Reopened::Pending(alert) => (format!("{id} is open already."), json!(alert)),
                Reopened::Other(other) => {
                    return Err(InputError::with_hint(
                        format!("{} has another pending alert, {}, and there can be one only", other.user_id, other.id),
                        format!("resolve that one first: ecomres alerts resolve {}", other.id),
                    )
                    .into());
                }
                Reopened::Gone => return Err(none(&id, "such").into()),
            }
        }
    })
}

fn held(alert: &Alert) -> InputError {
    match &alert.handling.assignee {
        Some(name) => InputError::with_hint(
            format!("{name} is the assignee of {}", alert.id),
            format!("to take it from them: ecomres alerts claim {} --from {name}", alert.id),
        ),
        None => InputError::with_hint(
            format!("{} is unassigned", alert.id),
            format!("claim it without --from: ecomres alerts claim {}", alert.id),
        ),
    }
}

fn describe(alert: &Alert) -> String {
    let handling = &alert.handling;
    let text = format!(
        "{}  {:<8} {:<6} {}  {}{}\n    {}\n    last message: {}",
        alert.id,
        alert.status.as_str(),
        alert.priority.as_str(),
        alert.created_at.strftime("%Y-%m-%d %H:%M:%SZ"),
        alert.user_id,
        handling.assignee.as_ref().map(|name| format!("  with {name}")).unwrap_or_default(),
        excerpt(&alert.reason, 300),
        excerpt(&alert.last_message, 200),
    );
    if let Some(at) = handling.resolved_at {
        let by = handling.resolved_by.as_ref().map(|name| format!(" by {name}")).unwrap_or_default();
        let note = handling.note.as_ref().map(|note| format!(": {}", excerpt(note, 300))).unwrap_or_default();
        let at = at.strftime("%Y-%m-%d %H:%M:%SZ");
        return format!("{text}\n    resolved{by} {at}{note}");
    }
    text
}
