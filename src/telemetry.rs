//! Logs to standard error, and metrics.
//!
//! Secrets are never logged, and texts of messages only at the levels debug and trace.

pub mod metric;

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

/// The environment variable with a filter.
const VARIABLE: &str = "ECOMRES_LOG";

/// Starts logging: warnings by default, and where the audit trail ends (target `audit_head`). `verbose` is the number of `-v` flags; the variable `ECOMRES_LOG` (a filter such as
/// `ecomres=debug`) has precedence over both flags.
pub fn start(verbose: u8, quiet: bool) {
    let level = match (quiet, verbose) {
        // Errors of clients of the tool server are answered to the client. In the log they could stall the server, where
        // the program that started it never reads its standard error.
        (true, _) => "error,rmcp=off",
        // Where the audit trail ends is published here: a few lines an hour.
        (false, 0) => "warn,rmcp=off,audit_head=info",
        (false, 1) => "ecomres=info,warn,audit_head=info",
        (false, 2) => "ecomres=debug,info",
        // No tracing of other crates: the tokenizer writes a line for every word of its vocabulary.
        _ => "ecomres=trace,info",
    };
    let filter = match std::env::var_os(VARIABLE).filter(|filter| !filter.is_empty()) {
        None => EnvFilter::new(level),
        Some(filter) => filter.to_str().and_then(|filter| EnvFilter::try_new(filter).ok()).unwrap_or_else(|| {
            eprintln!(
                "warning: {VARIABLE} is {:?}, which is no filter such as ecomres=debug: it is not used",
                filter.to_string_lossy()
            );
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
