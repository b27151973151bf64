//! The command line: parses the arguments, runs one command, and turns its outcome into an exit code.
//!
//! Each command is one file here, which calls the modules that do the work.

pub mod alerts;
mod anchor;
mod app;
mod arguments;
pub mod audit_key;
pub mod backup;
pub mod bench;
pub mod bot;
mod chat;
pub mod completions;
pub mod dashboard;
pub mod doctor;
mod error;
pub mod eval;
pub mod events;
mod files;
pub mod forget;
pub mod import;
pub mod inbox;
mod input_error;
pub mod knowledge;
pub mod label;
pub mod mcp;
pub mod model;
pub mod orders;
pub mod output;
pub mod predict;
mod quality;
mod recording;
pub mod refunds;
pub mod replay;
pub mod report;
pub mod retention;
pub mod sample;
mod scenarios;
mod scores;
pub mod serve;
pub mod simulate;
mod team;
pub mod train;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

pub use app::{load_config, open_store_read_only, store_location};
pub use input_error::InputError;

/// Resolves e-commerce customer messages on WhatsApp end to end.
#[derive(Debug, Parser)]
#[command(
    name = "ecomres",
    version,
    about,
    max_term_width = 100,
    arg_required_else_help = true,
    after_help = "Examples:\n  ecomres simulate --scenario refund\n  ecomres import orders.csv\n  ecomres doctor"
)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Flags that mean the same for every command.
#[derive(Debug, Clone, Default, Args)]
pub struct Global {
    /// Where all data is stored: a file for the embedded store [default: ecomres.db]
    #[arg(long, global = true, value_name = "PATH", help_heading = "Global options")]
    pub store: Option<String>,
    /// Settings file [default: ecomres.toml, where there is one]
    #[arg(long, global = true, value_name = "FILE", help_heading = "Global options")]
    pub config: Option<PathBuf>,
    /// Model folder in the Hugging Face layout [default: the built-in model]
    #[arg(long, global = true, value_name = "DIR", help_heading = "Global options")]
    pub model: Option<PathBuf>,
    /// Print results as JSON
    #[arg(long, global = true, help_heading = "Global options")]
    pub json: bool,
    /// Answer yes to every question
    #[arg(long, short = 'y', global = true, help_heading = "Global options")]
    pub yes: bool,
    /// More detail on standard error (repeat for more)
    #[arg(long, short, global = true, action = clap::ArgAction::Count, help_heading = "Global options")]
    pub verbose: u8,
    /// Only errors on standard error, no progress bars
    #[arg(long, short, global = true, conflicts_with = "verbose", help_heading = "Global options")]
    pub quiet: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
enum Command {
    Import(import::Options),
    Sample(sample::Options),
    Label(label::Options),
    Train(Box<train::Options>),
    Eval(eval::Options),
    Predict(predict::Options),
    Model(model::Options),
    Simulate(simulate::Options),
    Bot(bot::Options),
    Serve(serve::Options),
    Dashboard(dashboard::Options),
    Replay(replay::Options),
    Bench(bench::Options),
    Mcp(mcp::Options),
    Alerts(alerts::Options),
    Orders(orders::Options),
    Refunds(refunds::Options),
    Inbox(inbox::Options),
    Events(events::Options),
    Knowledge(knowledge::Options),
    Report(report::Options),
    Backup(backup::Options),
    AuditKey(audit_key::Options),
    Retention(retention::Options),
    Forget(forget::Options),
    Doctor(doctor::Options),
    Completions(completions::Options),
}

/// Parses the arguments, runs the command and returns its exit code: 0 on success, 1 on bad input or data, 2 on bad
/// arguments or an unexpected error.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    crate::telemetry::start(cli.global.verbose, cli.global.quiet);
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => error::show(&error),
    }
}

fn run(cli: Cli) -> anyhow::Result<()> {
    let global = &cli.global;
    match cli.command {
        Command::Import(options) => import::run(&options, global),
        Command::Sample(options) => sample::run(options, global),
        Command::Label(options) => label::run(&options, global),
        Command::Train(options) => train::run(*options, global),
        Command::Eval(options) => eval::run(options, global),
        Command::Predict(options) => predict::run(&options, global),
        Command::Model(options) => model::run(options, global),
        Command::Simulate(options) => simulate::run(options, global),
        Command::Bot(options) => bot::run(&options, global),
        Command::Serve(options) => serve::run(&options, global),
        Command::Dashboard(options) => dashboard::run(&options, global),
        Command::Replay(options) => replay::run(&options, global),
        Command::Bench(options) => bench::run(&options, global),
        Command::Mcp(options) => mcp::run(&options, global),
        Command::Alerts(options) => alerts::run(options, global),
        Command::Orders(options) => orders::run(options, global),
        Command::Refunds(options) => refunds::run(options, global),
        Command::Inbox(options) => inbox::run(options, global),
        Command::Events(options) => events::run(options, global),
        Command::Knowledge(options) => knowledge::run(options, global),
        Command::Backup(options) => backup::run(&options, global),
        Command::AuditKey(options) => audit_key::run(&options, global),
        Command::Retention(options) => retention::run(options, global),
        Command::Forget(options) => forget::run(&options, global),
        Command::Report(options) => report::run(options, global),
        Command::Doctor(options) => doctor::run(&options, global),
        Command::Completions(options) => completions::run(&options, global),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn verify_cli() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_shows_an_example() {
        for command in Cli::command().get_subcommands_mut() {
            let nested: Vec<String> = command.get_subcommands().map(|nested| nested.get_name().to_owned()).collect();
            let help = command.render_long_help().to_string();
            assert!(help.contains("Example") || !nested.is_empty(), "{} shows no example:\n{help}", command.get_name());
        }
    }
}
