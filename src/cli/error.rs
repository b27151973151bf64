//! Shows errors on standard error, as one sentence and a hint, and maps them to exit codes.

use std::io;
use std::process::ExitCode;

use super::input_error::InputError;
use super::output::visible;
use crate::bot::NotifyError;
use crate::channels::whatsapp::SetupError;
use crate::config::ConfigError;
use crate::events::EndpointError;
use crate::http::serve::ListenError;
use crate::import::ImportError;
use crate::insights::RangeError;
use crate::llm::LlmError;
use crate::mcp::http::HttpError;
use crate::mcp::stdio::StdioError;
use crate::nlu::NluError;
use crate::store::StoreError;
use crate::web::AccessError;

/// Exit code of bad input or data.
const BAD_INPUT: u8 = 1;
/// Exit code of bad arguments (clap's own) and of an internal error.
const INTERNAL: u8 = 2;
/// Exit code after Ctrl-C, as shells count it.
const INTERRUPTED: u8 = 130;

/// Writes the error to standard error and returns its exit code.
pub(super) fn show(error: &anyhow::Error) -> ExitCode {
    let (code, hint) = classify(error);
    eprintln!("error: {}", visible(&format!("{error:#}")));
    if let Some(hint) = hint {
        eprintln!("  hint: {}", visible(&hint));
    }
    ExitCode::from(code)
}

/// The hint of an error.
pub(super) fn hint(error: &anyhow::Error) -> Option<String> {
    classify(error).1
}

fn classify(error: &anyhow::Error) -> (u8, Option<String>) {
    for cause in error.chain() {
        if let Some(known) = cause.downcast_ref::<InputError>() {
            return (BAD_INPUT, known.hint.clone());
        }
        let inside = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if let Some(known) = inside.and_then(|inside| inside.downcast_ref::<InputError>()) {
            return (BAD_INPUT, known.hint.clone());
        }
        if let Some(known) = cause.downcast_ref::<ConfigError>() {
            return (BAD_INPUT, known.hint());
        }
        if let Some(known) = cause.downcast_ref::<ImportError>() {
            let code = match known {
                ImportError::Store(StoreError::Backend { .. } | StoreError::Panicked { .. }) => INTERNAL,
                ImportError::Interrupted => INTERRUPTED,
                _ => BAD_INPUT,
            };
            return (code, known.hint());
        }
        if let Some(known) = cause.downcast_ref::<NluError>() {
            return (if known.is_internal() { INTERNAL } else { BAD_INPUT }, known.hint());
        }
        if let Some(known) = cause.downcast_ref::<LlmError>() {
            return (BAD_INPUT, known.hint());
        }
        if let Some(known) = cause.downcast_ref::<HttpError>() {
            return (if matches!(known, HttpError::Serve(_)) { INTERNAL } else { BAD_INPUT }, known.hint());
        }
        if let Some(known) = cause.downcast_ref::<ListenError>() {
            return (BAD_INPUT, known.hint());
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
        if let Some(known) = cause.downcast_ref::<EndpointError>() {
            return (BAD_INPUT, known.hint());
        }
        if let Some(known) = cause.downcast_ref::<StdioError>() {
            return (if matches!(known, StdioError::Serve(_)) { INTERNAL } else { BAD_INPUT }, known.hint());
        }
        if let Some(known) = cause.downcast_ref::<StoreError>() {
            let internal = matches!(known, StoreError::Backend { .. } | StoreError::Panicked { .. });
            return (if internal { INTERNAL } else { BAD_INPUT }, known.hint());
        }
    }
    (INTERNAL, None)
}
