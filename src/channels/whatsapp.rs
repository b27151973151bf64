//! The WhatsApp Business Cloud API: sending messages, and what webhooks contain. A webhook is never trusted before its
//! signature was checked, and a message that cannot be read never affects the rest of its batch.
//!
//! | module | contents |
//! |---|---|
//! | `signature` | the signature check of webhooks |
//! | `payload` | the contents of webhooks: messages, echoes, statuses |
//! | `wire` | the JSON of requests to the Graph API |
//! | `limits` | the limits of the API |
//! | `error_code` | the meaning of the Graph API's error codes |
//! | `rate` | the rate limits of sending |
//! | `gate` | whether a number may send, while the set-up keeps everything back |
//! | `api` | the channel itself |
//! | `media` | the files that customers sent |
//! | `templates` | the templates of the account |
//! | `upload` | the files that the team sends |

mod api;
mod error_code;
mod gate;
mod limits;
mod media;
pub mod payload;
mod rate;
pub mod signature;
mod templates;
mod upload;
pub mod wire;

pub use crate::domain::outgoing::Template;
pub use api::{Settings, SetupError, WhatsApp};
pub use limits::LIMITS;
pub use media::GraphMedia;
pub use rate::RateLimits;
pub use templates::Account;
pub use upload::FileSource;

#[cfg(test)]
mod api_tests;
