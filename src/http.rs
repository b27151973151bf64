//! What every HTTP server of this program shares: who sent a request and whether it is this machine's own, how many
//! connections there may be and for how long, receiving bodies, serving until a signal, the signals themselves.
//!
//! It knows no route: [`crate::bot`], [`crate::mcp`] and [`crate::web`] bring their own, and none of them uses another.

pub mod body;
pub mod client;
pub mod connections;
pub mod guesses;
pub mod host;
pub mod lenient;
pub mod local;
pub mod resources;
pub mod serve;
pub mod shutdown;
mod traffic;
