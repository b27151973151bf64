//! Decides which command runs and how its outcome becomes an exit code.
//!
//! It must never hold the work itself: each command is one file here, and calls the modules that do it.

pub mod eval;
pub mod model;
pub mod output;
pub mod predict;
pub mod train;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

/// Resolves e-commerce customer messages on WhatsApp end to end.
#[derive(Debug, Parser)]
#[command(name = "ecomres", version, about, max_term_width = 100, arg_required_else_help = true)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Flags that mean the same for every command.
#[derive(Debug, Clone, Default, Args)]
pub struct Global {
    /// Where everything is kept: a file for the embedded store
    #[arg(long, global = true, value_name = "PATH", help_heading = "Global options")]
    pub store: Option<String>,
    /// Settings file [default: ecomres.toml, where there is one]
    #[arg(long, global = true, value_name = "FILE", help_heading = "Global options")]
    pub config: Option<PathBuf>,
    /// Model folder in the Hugging Face layout [default: the shipped model]
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
    #[arg(long, short, global = true, help_heading = "Global options")]
    pub quiet: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
enum Command {
    Train(Box<train::Options>),
    Eval(eval::Options),
    Predict(predict::Options),
    Model(model::Options),
}

/// Parses the arguments, runs the command and returns its exit code: 0 on success, 1 on bad input or data, 2 on bad
/// arguments or an unexpected fault.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(1)
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<()> {
    match cli.command {
        Command::Train(options) => train::run(*options, &cli.global),
        Command::Eval(options) => eval::run(options, &cli.global),
        Command::Predict(options) => predict::run(options, &cli.global),
        Command::Model(options) => model::run(options, &cli.global),
    }
}
