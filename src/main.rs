//! The binary: an allocator, a provider of cryptography, and [`ecomres::cli`].

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // One provider of cryptography for every connection. It fails only where there is one already.
    ecomres::net::provide_cryptography();
    ecomres::cli::main()
}
