//! Decides how the tools speak the Model Context Protocol: as a server for assistants, and as a client of other servers.
//!
//! It must never hold a rule about money or identity, nor know a tool that is not in the catalogue: whatever is called
//! goes through [`Toolbox`](crate::tools::Toolbox) on behalf of an operator.

pub mod client;
pub mod foreign;
pub mod http;
mod prompts;
mod resources;
mod server;
pub mod stdio;

pub use server::Server;
