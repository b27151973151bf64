//! The bot's HTTP side: webhooks become stored messages, and health, readiness and metrics are served.
//!
//! A webhook is answered with 200 only when everything in it is stored, and not parsed when its signature is wrong.

mod health;
mod http;
mod intake;
mod notify;

pub use health::{ChannelCheck, DiskCheck, FailedCheck, HealthCheck, StoreCheck, failed_checks};
pub use http::{LARGEST_WEBHOOK, SHUTDOWN_GRACE, Server, ServerSettings, metrics_routes, routes};
pub use intake::Intake;
pub use notify::{AlertNotifier, AlertSink, MailSink, NotifyError, WebhookSink};
