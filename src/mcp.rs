//! The Model Context Protocol: a server that offers the tools to assistants, and a client of other servers.
//!
//! There are no rules about money or identity here: every call goes through [`Toolbox`](crate::tools::Toolbox) on behalf of
//! an operator.

pub mod client;
pub mod foreign;
pub mod http;
mod manners;
mod prompts;
mod resources;
mod server;
pub mod stdio;

pub use server::Server;
