//! Decides how the team sees who waits for a person, and gives a conversation back to the bot.
//!
//! It must never settle an alert that was not named.

use anyhow::Context as _;
use clap::{Args, Subcommand};
use jiff::Timestamp;

use super::output::Output;
use super::{Global, Problem, app};
use crate::domain::alert::AlertStatus;
use crate::domain::ids::AlertId;
use crate::domain::words::excerpt;
use crate::store;

/// See who waits for a person, and settle it
#[derive(Debug, Args)]
#[command(
    after_help = "While an alert of a customer is pending the bot is silent; when it is settled the bot answers again.\n\n\
    Examples:\n  ecomres alerts list\n  ecomres alerts resolve ALERT_01a2…"
)]
pub struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// The alerts: pending first, then by priority and age
    #[command(after_help = "Example:\n  ecomres alerts list --all --json")]
    List {
        /// Settled ones too
        #[arg(long)]
        all: bool,
        /// How many at most
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
        limit: u32,
    },
    /// Settle an alert: the bot answers that customer again
    #[command(after_help = "Example:\n  ecomres alerts resolve ALERT_01a20714aefc7603aa5deef4fedde444")]
    Resolve {
        /// The alert's id, as `alerts list` shows it
        #[arg(value_name = "ID")]
        id: String,
    },
}

pub(super) fn run(options: Options, global: &Global) -> anyhow::Result<()> {
    let config = app::load_config(global)?;
    let (location, settings) = (app::store_location(global, &config), app::server_settings(&config));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("starting the runtime")?;
    let mut output = Output::stdout();
    match options.what {
        What::List { all, limit } => {
            let store = store::look_with(location, &settings)?;
            let alerts = runtime.block_on(store.alerts(limit))?;
            for alert in alerts.iter().filter(|alert| all || alert.status == AlertStatus::Pending) {
                if global.json {
                    output.json(alert)?;
                    continue;
                }
                output.line(format!(
                    "{}  {:<8} {:<6} {}  {}\n    {}\n    last message: {}",
                    alert.id,
                    alert.status.as_str(),
                    alert.priority.as_str(),
                    alert.created_at.strftime("%Y-%m-%d %H:%M:%SZ"),
                    alert.user_id,
                    excerpt(&alert.reason, 300),
                    excerpt(&alert.last_message, 200),
                ))?;
            }
        }
        What::Resolve { id } => {
            let store = app::open_existing_store(location, &settings)?;
            let id = AlertId::new(id.trim());
            if !runtime.block_on(store.resolve_alert(&id, Timestamp::now()))? {
                return Err(Problem::with_hint(
                    format!("there is no pending alert {id} in {}", store::shown(location)),
                    "ecomres alerts list shows the pending ones",
                )
                .into());
            }
            let settled = serde_json::json!({"alert_id": id, "status": AlertStatus::Resolved});
            if global.json {
                output.json(&settled)?;
            } else {
                output.line(format!("{id} is settled: the bot answers this customer again."))?;
            }
        }
    }
    Ok(())
}
