//! `ecomres completions`: writes the completion script of a shell.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::output::Output;
use super::{Cli, Global};

/// Write the completion script for a shell
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ecomres completions bash > /etc/bash_completion.d/ecomres")]
pub struct Options {
    /// The shell
    shell: Shell,
}

pub(super) fn run(options: &Options, _global: &Global) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut Cli::command(), "ecomres", &mut script);
    Output::stdout().text(String::from_utf8_lossy(&script))?;
    Ok(())
}
