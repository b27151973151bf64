//! Decides what is logged and where: to standard error, warnings unless asked for more; and what is counted.
//!
//! It must never log a secret, and no message text above debug.

pub mod metric;

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

/// The variable with a filter.
const VARIABLE: &str = "ECOMRES_LOG";

/// Starts logging. `verbose` counts the `-v` flags; the variable `ECOMRES_LOG` (a filter such as
/// `ecomres=debug`) wins over both flags.
pub fn start(verbose: u8, quiet: bool) {
    let level = match (quiet, verbose) {
        // What a client of the tool server sends wrongly is told to that client. It must not fill the log as well: a
        // program that starts the server and never reads its standard error would stall it.
        (true, _) => "error,rmcp=off",
        (false, 0) => "warn,rmcp=off",
        (false, 1) => "ecomres=info,warn",
        (false, 2) => "ecomres=debug,info",
        // The tracing of other crates drowns ours: the tokenizer has a line for every word of its vocabulary.
        _ => "ecomres=trace,info",
    };
    let filter = match std::env::var_os(VARIABLE).filter(|filter| !filter.is_empty()) {
        None => EnvFilter::new(level),
        Some(filter) => filter.to_str().and_then(|filter| EnvFilter::try_new(filter).ok()).unwrap_or_else(|| {
            eprintln!("warning: {VARIABLE} is {filter:?}, which is no filter such as ecomres=debug: it is not used");
            EnvFilter::new(level)
        }),
    };
    // A second start (in tests) keeps the first subscriber.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .try_init();
}
