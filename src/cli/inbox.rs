//! `ecomres inbox`: shows what waits for an answer, and makes parked work due again. It answers and sends nothing
//! itself.

use anyhow::Context as _;
use clap::{ArgGroup, Args, Subcommand};
use jiff::Timestamp;
use serde_json::json;

use super::output::{Output, visible};
use super::{Global, InputError, app};
use crate::domain::ids::UserId;
use crate::domain::outgoing::Outgoing;
use crate::domain::words::excerpt;
use crate::store::{self, Backlog, OTHER_NUMBERS, Unfinished, WorkState};

/// See what waits for an answer, and try again what was given up
#[derive(Debug, Args)]
#[command(
    after_help = "A conversation whose turn failed too often is parked with its error; so is a reply that the channel did not take, or that was not delivered. \
    A parked conversation is also tried again when its customer writes again.\n\n\
    Examples:\n  ecomres inbox list\n  ecomres inbox retry 919876543210\n  ecomres inbox retry --all"
)]
pub struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// What is parked, in work and waiting, and the replies that were given up
    #[command(after_help = "Example:\n  ecomres inbox list --json")]
    List {
        /// How many conversations, and how many replies, at most
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
        limit: u32,
    },
    /// Try parked conversations and replies again
    #[command(
        group = ArgGroup::new("whose").required(true).args(["user", "all"]),
        after_help = "Examples:\n  ecomres inbox retry 919876543210\n  ecomres inbox retry --all"
    )]
    Retry {
        /// The customer, as `inbox list` shows them
        #[arg(value_name = "USER")]
        user: Option<String>,
        /// All customers
        #[arg(long)]
        all: bool,
    },
}

pub(super) fn run(options: Options, global: &Global) -> anyhow::Result<()> {
    let config = app::load_config(global)?;
    let (location, settings) = (app::store_location(global, &config), app::server_settings(&config));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("starting the runtime")?;
    let mut output = Output::stdout();
    match options.command {
        Command::List { limit } => {
            let store = store::open_read_only_with(location, &settings)?;
            let (backlog, work, replies, others) = runtime.block_on(async {
                tokio::try_join!(
                    store.backlog(),
                    store.unfinished(limit),
                    store.parked_outgoing(limit),
                    store.counted(OTHER_NUMBERS)
                )
            })?;
            let others = others.map_or(0, |tally| tally.count);
            if global.json {
                output.json(&json!({
                    "backlog": backlog,
                    "conversations": work,
                    "parked_replies": replies,
                    "of_other_numbers": others,
                }))?;
            } else {
                list(&mut output, &backlog, &work, &replies)?;
                if others > 0 {
                    output.line(format!(
                        "\n{} of numbers that are not in PHONE_ID: not answered",
                        counted(others, "message or status", "messages and statuses")
                    ))?;
                }
            }
        }
        Command::Retry { user, all: _ } => {
            if user.as_deref().is_some_and(|user| user.trim().is_empty()) {
                return Err(
                    InputError::with_hint("the customer is empty", "ecomres inbox list shows the parked ones").into()
                );
            }
            let user = user.map(|user| UserId::new(user.trim()));
            let store = app::open_existing_store(location, &settings)?;
            let now = Timestamp::now();
            let (conversations, replies) = runtime.block_on(async {
                tokio::try_join!(store.retry_parked(user.as_ref(), now), store.retry_outgoing(user.as_ref(), now))
            })?;
            if let Some(user) = user.filter(|_| conversations + replies == 0) {
                return Err(InputError::with_hint(
                    format!("nothing of {user} is parked in {}", store::display_location(location)),
                    "ecomres inbox list shows what is",
                )
                .into());
            }
            if global.json {
                output.json(&json!({"conversations": conversations, "replies": replies}))?;
            } else {
                output.line(format!(
                    "Tried again: {}, {}.",
                    counted(conversations, "conversation", "conversations"),
                    counted(replies, "reply", "replies")
                ))?;
            }
        }
    }
    Ok(())
}

fn list(output: &mut Output, backlog: &Backlog, work: &[Unfinished], replies: &[Outgoing]) -> std::io::Result<()> {
    output.line(format!(
        "{} waiting, {} in work, {} parked; {} to send, {} parked or undelivered",
        counted(backlog.waiting, "conversation", "conversations"),
        backlog.in_work,
        backlog.parked,
        counted(backlog.unsent, "reply", "replies"),
        backlog.unsent_parked
    ))?;
    if !work.is_empty() {
        output.line(format!(
            "\n{:<24} {:<8} {:>8} {:>8}  {:<20}  until or since",
            "customer", "state", "messages", "attempts", "oldest message"
        ))?;
    }
    for entry in work {
        let (state, at, who) = match &entry.state {
            WorkState::Waiting { due } => ("waiting", due, String::new()),
            WorkState::InWork { worker, until } => ("in work", until, format!("  by {worker}")),
            WorkState::Parked { at } => ("parked", at, String::new()),
        };
        output.line(visible(&format!(
            "{:<24} {state:<8} {:>8} {:>8}  {:<20}  {}{who}",
            entry.user_id.as_str(),
            entry.messages,
            entry.attempts,
            time(&entry.since),
            time(at),
        )))?;
        if let Some(error) = &entry.error {
            output.line(visible(&format!("    {}", excerpt(error, 300))))?;
        }
    }
    if !replies.is_empty() {
        output.line("\nparked and undelivered replies")?;
    }
    for reply in replies {
        output.line(visible(&format!(
            "{:<24} turn {}, {}  since {}\n    {}\n    “{}”",
            reply.user_id.as_str(),
            reply.turn,
            counted(u64::from(reply.attempts), "attempt", "attempts"),
            time(&reply.next_at),
            excerpt(reply.error.as_deref().unwrap_or_default(), 300),
            excerpt(reply.body.text(), 100).replace('\n', " "),
        )))?;
    }
    Ok(())
}

fn time(at: &Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}
