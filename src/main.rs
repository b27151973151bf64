//! Parses the command line, runs the command and maps its error to an exit code.
//!
//! It must never hold logic of its own: everything testable lives in the library.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // One provider of cryptography for every connection. It fails only where there is one already.
    ecomres::net::provide_cryptography();
    ecomres::cli::main()
}
