//! The port to customers, [`Channel`], and a channel in memory. A channel never retries by itself: the sender decides
//! when, so that messages keep their order. A channel takes only a [`Sendable`], so nothing else can leave.

mod media_source;
pub mod whatsapp;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use crate::domain::ids::{MessageId, UserId};
use crate::domain::outgoing::{ChannelLimits, Outgoing, Status, Template};
use crate::domain::sendable::Sendable;
pub use media_source::{ContentSink, FetchError, Hope, MediaSource};

/// A channel's identifier of a message that it accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentId(pub String);

/// What kind of error kept a channel from accepting a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendErrorKind {
    /// It may succeed later: the message is retried up to the limit of attempts.
    Transient,
    /// It will never succeed: the message is parked, and the team is alerted.
    Permanent,
    /// The channel accepts nothing until somebody mends its set-up: the message waits, and this is no attempt of it.
    Paused,
}

/// Whose fault it is that a message failed after the channel had accepted it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The message's, or its receiver's: it will not be delivered.
    Message,
    /// The set-up's: every message fails until somebody mends it.
    SetUp,
}

/// Why a channel did not accept a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the channel did not take the message: {reason}")]
pub struct SendError {
    /// The error of the channel.
    pub reason: String,
    /// The time that the channel asks to wait.
    pub retry_after: Option<Duration>,
    /// The kind of error.
    pub kind: SendErrorKind,
}

impl SendError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self.kind {
            SendErrorKind::Transient => None,
            SendErrorKind::Permanent => {
                Some("the message is parked: mend the cause, then run ecomres inbox retry".to_owned())
            }
            SendErrorKind::Paused => Some(
                "mend what the reason says (a new ACCESS_TOKEN needs a new start): nothing is lost, all is sent then"
                    .to_owned(),
            ),
        }
    }
}

/// A connection to customers.
#[async_trait]
pub trait Channel: Send + Sync {
    /// Sends one message. Once this returned, the channel is responsible for delivering it.
    ///
    /// # Errors
    /// When the channel did not accept it.
    async fn send(&self, message: &Sendable) -> Result<SentId, SendError>;

    /// What the channel accepts. A channel that stands for the real one in the console or in a test has its limits.
    fn limits(&self) -> ChannelLimits {
        whatsapp::LIMITS
    }

    /// Shows the customer that their message, to this of the shop's numbers, was read and a reply is being written. Errors
    /// are only logged.
    async fn show_typing(&self, _user: &UserId, _message: &MessageId, _number: Option<&str>) {}

    /// The template that is sent where free text must not be; `None` where none is set.
    fn template(&self) -> Option<Template> {
        None
    }

    /// Learns from a status of a message, and says whose fault a failure is.
    fn note_status(&self, _status: &Status) -> Fault {
        Fault::Message
    }

    /// Whether it makes sense to hand in a message now: not while the set-up keeps everything back and no attempt is due.
    fn may_send(&self) -> bool {
        true
    }

    /// Why nothing can be sent at this time; `None` where it can.
    fn unavailable_reason(&self) -> Option<String> {
        None
    }
}

/// A channel that collects messages in memory, for the console or a test.
#[derive(Debug, Default)]
pub struct CollectingChannel(Mutex<Vec<Outgoing>>);

impl CollectingChannel {
    /// The messages that were sent since the last call, in their order.
    pub fn take(&self) -> Vec<Outgoing> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl Channel for CollectingChannel {
    async fn send(&self, sendable: &Sendable) -> Result<SentId, SendError> {
        let message = Outgoing { body: sendable.body().clone(), ..sendable.message().clone() };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(message.clone());
        Ok(SentId(format!("console-{}-{}-{}", message.user_id, message.turn, message.sequence)))
    }
}
