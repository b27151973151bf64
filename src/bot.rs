//! Decides how webhooks become durable work, and how the bot's server tells that it is alive, ready and busy.
//!
//! It must never answer 200 before everything in a webhook is durable, nor look into one whose signature is wrong.

mod http;
mod intake;
mod notify;
mod ready;

pub use http::{LARGEST_WEBHOOK, Server, ServerSettings, routes, serve};
pub use intake::Intake;
pub use notify::{Mail, Notifier, NotifyError, Post, Way};
pub use ready::{ChannelPart, Part, StorePart, Trouble, trouble_of};
