//! Decides which command runs and how its outcome becomes an exit code.
//!
//! It must never hold the work itself: each command is one file here, and calls the modules that do it.

pub mod eval;
pub mod import;
pub mod model;
pub mod output;
pub mod predict;
pub mod sample;
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
    Import(import::Options),
    Sample(sample::Options),
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
            if let Some(hint) = hint_of(&error) {
                eprintln!("hint: {hint}");
            }
            ExitCode::from(1)
        }
    }
}

/// What to do about an error, where its module knows.
fn hint_of(error: &anyhow::Error) -> Option<String> {
    error.chain().find_map(|cause| {
        let import = cause.downcast_ref::<crate::import::ImportError>().and_then(crate::import::ImportError::hint);
        let store = || cause.downcast_ref::<crate::store::StoreError>().and_then(crate::store::StoreError::hint);
        let asked = || cause.downcast_ref::<import::Refused>().and_then(import::Refused::hint);
        let sample = || cause.downcast_ref::<sample::SampleError>().and_then(sample::SampleError::hint);
        import.or_else(store).or_else(asked).or_else(sample)
    })
}

/// Where the store is: a file, or the connection string of another backend.
pub(crate) fn store_location(global: &Global) -> String {
    global.store.clone().unwrap_or_else(|| "ecomres.db".to_owned())
}

/// Opens the store that the flags name.
pub(crate) fn open_store(global: &Global) -> anyhow::Result<std::sync::Arc<dyn crate::store::Store>> {
    Ok(crate::store::open(&store_location(global))?)
}

fn run(cli: Cli) -> anyhow::Result<()> {
    match cli.command {
        Command::Import(options) => import::run(options, &cli.global),
        Command::Sample(options) => sample::run(options, &cli.global),
        Command::Train(options) => train::run(*options, &cli.global),
        Command::Eval(options) => eval::run(options, &cli.global),
        Command::Predict(options) => predict::run(options, &cli.global),
        Command::Model(options) => model::run(options, &cli.global),
    }
}
