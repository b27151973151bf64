//! Decides what is logged and where: to standard error, warnings unless asked for more.
//!
//! It must never log a secret, and no message text above debug.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

/// Starts logging. `verbose` counts the `-v` flags; the variable `ECOMRES_LOG` (a filter such as
/// `ecomres=debug`) wins over both flags.
pub fn start(verbose: u8, quiet: bool) {
    let level = match (quiet, verbose) {
        (true, _) => "error",
        (false, 0) => "warn",
        (false, 1) => "ecomres=info,warn",
        (false, 2) => "ecomres=debug,info",
        _ => "trace",
    };
    let filter = EnvFilter::try_from_env("ECOMRES_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    // A second start (in tests) keeps the first subscriber.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .try_init();
}
