//! Standard output: the only module that writes there, and only results. Progress, warnings and errors go to standard error.

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};

use serde::Serialize;

use rmcp::transport::io::{StdioReader, StdioWriter, stdio_pipes};

use super::input_error::InputError;

/// Writes results to standard output.
///
/// A reader that closes the pipe early (`ecomres … | head`) is no error: the process then ends with exit code 0, as
/// command-line tools do.
#[derive(Debug)]
pub struct Output {
    out: io::StdoutLock<'static>,
}

impl Output {
    /// Locks standard output for this command.
    #[expect(clippy::disallowed_methods, reason = "only this module writes to standard output")]
    pub fn stdout() -> Self {
        Self { out: io::stdout().lock() }
    }

    /// Whether standard output is a terminal, so that tables may use colour and width.
    #[expect(clippy::disallowed_methods, reason = "only this module writes to standard output")]
    pub fn is_terminal() -> bool {
        io::stdout().is_terminal()
    }

    /// Writes one line of text.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub fn line(&mut self, text: impl AsRef<str>) -> io::Result<()> {
        let written = self.out.write_all(text.as_ref().as_bytes()).and_then(|()| self.out.write_all(b"\n"));
        checked(written)
    }

    /// Writes text as it is, without a line end.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub fn text(&mut self, text: impl AsRef<str>) -> io::Result<()> {
        let written = self.out.write_all(text.as_ref().as_bytes());
        checked(written)
    }

    /// Writes one value as one line of JSON.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub fn json(&mut self, value: &impl Serialize) -> io::Result<()> {
        let text = serde_json::to_string(value).map_err(io::Error::other)?;
        self.line(text)
    }

    /// Writes one value as indented JSON.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub fn json_pretty(&mut self, value: &impl Serialize) -> io::Result<()> {
        let text = serde_json::to_string_pretty(value).map_err(io::Error::other)?;
        self.line(text)
    }

    /// Flushes the buffer; to be called before waiting for input or work.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub fn flush(&mut self) -> io::Result<()> {
        let flushed = self.out.flush();
        checked(flushed)
    }
}

/// Ends the process where nobody reads its output any more; adds a hint to any other error.
fn checked(written: io::Result<()>) -> io::Result<()> {
    match written {
        // Nothing has to be cleaned up: temporary stores are in memory, and a store file is consistent at any moment.
        #[expect(clippy::exit, reason = "a closed pipe ends the command, as it ends other command-line tools")]
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
        Err(error) => Err(io::Error::new(
            error.kind(),
            InputError::with_hint(
                format!("the result cannot be written to standard output: {error}"),
                "free some space where it goes to, or send it elsewhere",
            ),
        )),
        Ok(()) => Ok(()),
    }
}

/// Standard input and output for a protocol that owns both: nothing else may be written to standard output then.
/// Needs a running runtime.
#[expect(clippy::disallowed_methods, reason = "only this module writes to standard output")]
pub(super) fn protocol_pipes() -> (StdioReader, StdioWriter) {
    stdio_pipes()
}

/// Escapes control characters, which could move the cursor, change colours or rename the window of a terminal. Line ends and
/// tabs stay.
pub fn visible(text: &str) -> Cow<'_, str> {
    let hidden = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    if !text.contains(hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if hidden(c) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_written_out() {
        assert_eq!(visible("two\nlines\tand ₹599 🙂"), "two\nlines\tand ₹599 🙂");
        assert_eq!(visible("\u{1b}[31mred\r\u{9b}"), "\\u{1b}[31mred\\u{d}\\u{9b}");
    }
}
