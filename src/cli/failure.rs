//! Decides how an error is shown and which exit code it gives.
//!
//! It must never show more than one clear sentence and a hint, and nothing of it on standard output.

use std::io;
use std::process::ExitCode;

use super::output::visible;
use crate::bot::NotifyError;
use crate::channels::whatsapp::SetupError;
use crate::config::ConfigError;
use crate::import::ImportError;
use crate::insights::RangeError;
use crate::llm::LlmError;
use crate::mcp::http::HttpError;
use crate::mcp::stdio::StdioError;
use crate::nlu::NluError;
use crate::store::StoreError;
use crate::web::AccessError;

/// Bad input that no module has a word for: one sentence and what to do about it.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Problem {
    message: String,
    hint: Option<String>,
}

impl Problem {
    /// A problem without advice.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None }
    }

    /// A problem and what to do about it.
    pub fn with_hint(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: Some(hint.into()) }
    }
}

/// Exit code of bad input or data.
const BAD_INPUT: u8 = 1;
/// Exit code of bad arguments (clap's own) and of an unexpected fault.
const FAULT: u8 = 2;
/// Exit code after Ctrl-C, as shells count it.
const INTERRUPTED: u8 = 130;

/// Writes the error to standard error and returns its exit code.
pub(super) fn show(error: &anyhow::Error) -> ExitCode {
    let (code, hint) = judge(error);
    eprintln!("error: {}", visible(&format!("{error:#}")));
    if let Some(hint) = hint {
        eprintln!("  hint: {}", visible(&hint));
    }
    ExitCode::from(code)
}

/// What to do about an error.
pub(super) fn hint(error: &anyhow::Error) -> Option<String> {
    judge(error).1
}

fn judge(error: &anyhow::Error) -> (u8, Option<String>) {
    for cause in error.chain() {
        if let Some(known) = cause.downcast_ref::<Problem>() {
            return (BAD_INPUT, known.hint.clone());
        }
        let inside = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if let Some(known) = inside.and_then(|inside| inside.downcast_ref::<Problem>()) {
            return (BAD_INPUT, known.hint.clone());
        }
        if let Some(known) = cause.downcast_ref::<ConfigError>() {
            return (BAD_INPUT, known.hint());
        }
        if let Some(known) = cause.downcast_ref::<ImportError>() {
            let code = match known {
                ImportError::Store(StoreError::Backend { .. }) => FAULT,
                ImportError::Interrupted => INTERRUPTED,
                _ => BAD_INPUT,
            };
            return (code, known.hint());
        }
        if let Some(known) = cause.downcast_ref::<NluError>() {
            return (if known.is_fault() { FAULT } else { BAD_INPUT }, known.hint());
        }
        if let Some(known) = cause.downcast_ref::<LlmError>() {
            return (BAD_INPUT, known.hint());
        }
        if let Some(known) = cause.downcast_ref::<HttpError>() {
            return (if matches!(known, HttpError::Fault(_)) { FAULT } else { BAD_INPUT }, known.hint());
        }
        if let Some(known) = cause.downcast_ref::<RangeError>() {
            return (BAD_INPUT, known.hint());
        }
        if let Some(known) = cause.downcast_ref::<AccessError>() {
            return (BAD_INPUT, known.hint());
        }
        if let Some(known) = cause.downcast_ref::<SetupError>() {
            return (BAD_INPUT, known.hint());
        }
        if let Some(known) = cause.downcast_ref::<NotifyError>() {
            return (BAD_INPUT, known.hint());
        }
        if let Some(known) = cause.downcast_ref::<StdioError>() {
            return (if matches!(known, StdioError::Fault(_)) { FAULT } else { BAD_INPUT }, known.hint());
        }
        if let Some(known) = cause.downcast_ref::<StoreError>() {
            let fault = matches!(known, StoreError::Backend { .. });
            return (if fault { FAULT } else { BAD_INPUT }, known.hint());
        }
    }
    (FAULT, None)
}
