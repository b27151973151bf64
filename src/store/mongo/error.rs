//! Maps the errors of the driver to those of the store. Texts of the driver that may hold a credential are not passed
//! on.

use std::time::Duration;

use mongodb::bson;
use mongodb::error::{Error, ErrorKind, WriteFailure};

use super::super::StoreError;
use crate::domain::ids::OrderId;

/// Why an operation failed.
#[derive(Debug)]
pub(super) enum BackendError {
    /// The driver or the server says so.
    Driver(Error),
    /// Stored data cannot be read as what it should be.
    Content(String),
    /// Another program paid the order back.
    PaidElsewhere(OrderId),
    /// An error of the store already.
    Known(StoreError),
}

impl From<Error> for BackendError {
    fn from(error: Error) -> Self {
        Self::Driver(error)
    }
}

impl From<bson::error::Error> for BackendError {
    fn from(error: bson::error::Error) -> Self {
        Self::Content(format!("a document cannot be read: {error}"))
    }
}

/// The error code of a duplicate key.
pub(super) const DUPLICATE: i32 = 11_000;
const NOT_WRITABLE: [i32; 6] = [91, 189, 10_107, 11_600, 11_602, 13_435];
const NO_PERMISSION: [i32; 2] = [13, 8_000];
const READ_ONLY: [i32; 2] = [20_003, 13_436];
const DISK_FULL: [i32; 2] = [14_031, 28_600];
const TIMED_OUT: [i32; 6] = [50, 64, 89, 100, 202, 262];

impl BackendError {
    /// Whether a unique key refused the write.
    pub(super) fn is_duplicate(&self) -> bool {
        matches!(self, Self::Driver(error) if code(error) == Some(DUPLICATE))
    }

    /// Whether the same may succeed in a moment: the connection or the primary was lost.
    pub(super) fn is_transient(&self) -> bool {
        let Self::Driver(error) = self else { return false };
        let lost = matches!(
            *error.kind,
            ErrorKind::Io(_) | ErrorKind::ServerSelection { .. } | ErrorKind::ConnectionPoolCleared { .. }
        );
        lost || code(error).is_some_and(|code| NOT_WRITABLE.contains(&code))
    }

    pub(super) fn into_error(self, shown: &str, doing: &'static str, limit: Duration) -> StoreError {
        let path = shown.to_owned();
        let error = match self {
            Self::Content(reason) => return StoreError::Odd { path, reason },
            Self::PaidElsewhere(order) => {
                let reason = format!("order {order} was paid back by another program meanwhile");
                return StoreError::Backend { doing, reason };
            }
            Self::Known(error) => return error,
            Self::Driver(error) => error,
        };
        tracing::debug!(doing, %error, "the driver failed");
        let seconds = limit.as_secs();
        match (error.kind.as_ref(), code(&error)) {
            (ErrorKind::Authentication { .. }, _) | (_, Some(18)) => {
                StoreError::Refused { path, reason: "it does not accept the user or the password".to_owned() }
            }
            (ErrorKind::ServerSelection { message, .. }, _) if message.contains("uthentication") => {
                StoreError::Refused { path, reason: "it does not accept the user or the password".to_owned() }
            }
            (ErrorKind::ServerSelection { message, .. }, _) => {
                let reason = if message.contains("onnection refused") {
                    "nothing listens there (connection refused)"
                } else if message.contains("ertificate") || message.contains("TLS") || message.contains("tls") {
                    "no safe connection (TLS) could be made"
                } else if message.contains("failed to lookup") || message.contains("resolve") {
                    "there is no such host"
                } else {
                    "no primary server answers"
                };
                StoreError::Unreachable { path, reason: reason.to_owned() }
            }
            (ErrorKind::InvalidTlsConfig { .. }, _) => {
                StoreError::Address { path, reason: "its TLS options cannot be used".to_owned() }
            }
            (ErrorKind::DnsResolve { .. }, _) => {
                StoreError::Unreachable { path, reason: "its name cannot be resolved".to_owned() }
            }
            (ErrorKind::Io(io), _) => {
                StoreError::Unreachable { path, reason: format!("the connection was lost ({})", io.kind()) }
            }
            (ErrorKind::ConnectionPoolCleared { .. }, _) => {
                StoreError::Unreachable { path, reason: "the connection was lost".to_owned() }
            }
            (_, Some(code)) if NOT_WRITABLE.contains(&code) => {
                StoreError::Unreachable { path, reason: "it has no primary server at the moment".to_owned() }
            }
            (_, Some(code)) if NO_PERMISSION.contains(&code) => {
                StoreError::Refused { path, reason: format!("the user has no permission for {doing}") }
            }
            (_, Some(code)) if READ_ONLY.contains(&code) => {
                StoreError::Unwritable { path, reason: "it is read-only".to_owned() }
            }
            (_, Some(code)) if DISK_FULL.contains(&code) => {
                StoreError::Unwritable { path, reason: "the disk is full".to_owned() }
            }
            (_, Some(code)) if TIMED_OUT.contains(&code) => StoreError::Slow { path, doing, seconds },
            _ => StoreError::Backend { doing, reason: message(&error) },
        }
    }
}

fn code(error: &Error) -> Option<i32> {
    match error.kind.as_ref() {
        ErrorKind::Command(command) => Some(command.code),
        ErrorKind::Write(WriteFailure::WriteError(write)) => Some(write.code),
        ErrorKind::Write(WriteFailure::WriteConcernError(concern)) => Some(concern.code),
        ErrorKind::InsertMany(many) => {
            let first = many.write_errors.as_ref().and_then(|errors| errors.first()).map(|write| write.code);
            first.or_else(|| many.write_concern_error.as_ref().map(|concern| concern.code))
        }
        _ => None,
    }
}

fn message(error: &Error) -> String {
    match error.kind.as_ref() {
        ErrorKind::Command(command) => command.message.clone(),
        ErrorKind::Write(WriteFailure::WriteError(write)) => write.message.clone(),
        ErrorKind::Write(WriteFailure::WriteConcernError(concern)) => concern.message.clone(),
        other => other.to_string(),
    }
}

/// The indexes of the documents of an unordered insert that a unique key refused; any other error is returned.
pub(super) fn duplicates(outcome: mongodb::error::Result<impl Sized>) -> Result<Vec<usize>, BackendError> {
    let Err(error) = outcome else { return Ok(Vec::new()) };
    if let ErrorKind::InsertMany(many) = error.kind.as_ref()
        && many.write_concern_error.is_none()
        && let Some(errors) = &many.write_errors
        && errors.iter().all(|write| write.code == DUPLICATE)
    {
        return Ok(errors.iter().map(|write| write.index).collect());
    }
    Err(error.into())
}
