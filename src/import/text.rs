//! Decides how the bytes of a file become text: encoding, delimiter, and how long a row may be.
//!
//! It must never guess silently: what was not UTF-8 is reported.

use std::borrow::Cow;
use std::cell::Cell;
use std::io::{self, Read};

use encoding_rs::{Decoder, DecoderResult, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::ImportError;

/// Bytes looked at to tell what a file is.
const LOOK: usize = 64 * 1024;
/// The longest row. A quote that is never closed would otherwise swallow the rest of the file.
const LONGEST_ROW: u64 = 4 * 1024 * 1024;

/// The text of a source as UTF-8 (or as the single bytes of an older encoding), always ended by a line feed.
pub(super) struct Text {
    start: io::Cursor<Vec<u8>>,
    rest: Box<dyn Read + Send>,
    /// Bytes that may be read before the row that is being read has to end.
    allowance: Cell<u64>,
    last: u8,
    last_visible: u8,
    ended: bool,
}

impl Text {
    /// Looks at the start of a source. Also returns the name of the encoding.
    pub(super) fn new(name: &str, mut source: Box<dyn Read + Send>) -> Result<(Self, &'static str), ImportError> {
        let failed = |error: io::Error| ImportError::Read { file: name.to_owned(), line: 1, reason: error.to_string() };
        let mut start = peek(&mut source).map_err(failed)?;
        let mut encoding = "UTF-8";
        if start.starts_with(&[0xEF, 0xBB, 0xBF]) {
            start.drain(..3);
            encoding = "UTF-8 with BOM";
        } else if let Some((wide, name)) = wide_encoding(&start) {
            encoding = name;
            source = Box::new(Utf16 {
                source: Box::new(io::Cursor::new(start.split_off(2)).chain(source)),
                decoder: wide.new_decoder_without_bom_handling(),
                ready: io::Cursor::default(),
                ended: false,
            });
            start = peek(&mut source).map_err(failed)?;
        }
        if start.is_empty() {
            return Err(ImportError::Empty { file: name.to_owned() });
        }
        if start.contains(&0) {
            let guess = if start.starts_with(b"PK\x03\x04") { Some("a spreadsheet or an archive") } else { None };
            return Err(ImportError::NotText { file: name.to_owned(), guess });
        }
        let text = Self {
            start: io::Cursor::new(start),
            rest: source,
            allowance: Cell::new(LONGEST_ROW),
            last: b'\n',
            last_visible: b'\n',
            ended: false,
        };
        Ok((text, encoding))
    }

    /// A new row begins.
    pub(super) fn begin_row(&self) {
        self.allowance.set(LONGEST_ROW);
    }

    /// Whether the last cell of the row that was just read, which ends with a line feed, runs into the end of the text
    /// because its quote is never closed.
    pub(super) fn ended_inside_quotes(&self) -> bool {
        self.ended && self.last_visible != b'"'
    }

    /// The delimiter: of `,`, `;` and tab the one that the first line holds most of, outside quotes.
    pub(super) fn delimiter(&self) -> u8 {
        let line = self.start.get_ref().split(|byte| *byte == b'\n').find(|line| !line.trim_ascii().is_empty());
        let mut counts = [(b',', 0), (b';', 0), (b'\t', 0)];
        let mut inside = false;
        for byte in line.unwrap_or_default() {
            inside ^= *byte == b'"';
            if let Some(count) = counts.iter_mut().find(|(delimiter, _)| !inside && delimiter == byte) {
                count.1 += 1;
            }
        }
        // The first of equals: a header without any delimiter is read as one column.
        counts.iter().rev().max_by_key(|(_, count)| *count).map_or(b',', |(delimiter, _)| *delimiter)
    }
}

impl Read for Text {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        if self.allowance.get() == 0 {
            let limit = LONGEST_ROW / (1024 * 1024);
            return Err(io::Error::other(format!("a row is longer than {limit} MiB: is a quote not closed?")));
        }
        let mut read = self.start.read(buffer)?;
        if read == 0 {
            read = self.rest.read(buffer)?;
        }
        self.allowance.set(self.allowance.get().saturating_sub(read as u64));
        let bytes = buffer.get(..read).unwrap_or_default();
        if let Some(visible) = bytes.iter().rfind(|byte| !byte.is_ascii_whitespace()) {
            self.last_visible = *visible;
        }
        match (bytes.last().copied(), buffer.first_mut()) {
            (Some(last), _) => self.last = last,
            (None, Some(first)) => {
                self.ended = true;
                if self.last != b'\n' {
                    self.last = b'\n';
                    *first = b'\n';
                    return Ok(1);
                }
            }
            (None, None) => {}
        }
        Ok(read)
    }
}

/// Reads until [`LOOK`] bytes are there, or the first line with content is (somebody may be typing), or the source
/// ends.
fn peek(source: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut start = vec![0; LOOK];
    let mut filled = 0;
    while filled < LOOK {
        match source.read(&mut start[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        if filled >= 4 && start[..filled].trim_ascii_start().contains(&b'\n') {
            break;
        }
    }
    start.truncate(filled);
    Ok(start)
}

fn wide_encoding(start: &[u8]) -> Option<(&'static encoding_rs::Encoding, &'static str)> {
    match start {
        [0xFF, 0xFE, ..] => Some((UTF_16LE, "UTF-16LE")),
        [0xFE, 0xFF, ..] => Some((UTF_16BE, "UTF-16BE")),
        _ => None,
    }
}

/// Turns UTF-16 into UTF-8 as it is read.
struct Utf16 {
    source: Box<dyn Read + Send>,
    decoder: Decoder,
    ready: io::Cursor<Vec<u8>>,
    ended: bool,
}

impl Read for Utf16 {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.ready.read(buffer)?;
            if read > 0 || self.ended || buffer.is_empty() {
                return Ok(read);
            }
            let mut raw = [0; 16 * 1024];
            let count = self.source.read(&mut raw)?;
            self.ended = count == 0;
            let mut text = String::with_capacity(count * 3 + 16);
            let mut input = raw.get(..count).unwrap_or_default();
            loop {
                let (result, used) = self.decoder.decode_to_string_without_replacement(input, &mut text, self.ended);
                input = input.get(used..).unwrap_or_default();
                match result {
                    DecoderResult::InputEmpty => break,
                    DecoderResult::OutputFull => text.reserve(input.len() * 3 + 16),
                    DecoderResult::Malformed(..) => text.push('\u{FFFD}'),
                }
            }
            self.ready = io::Cursor::new(text.into_bytes());
        }
    }
}

/// The text of a cell, and whether it was not UTF-8: then it is read as Windows-1252, the superset of Latin-1 that
/// spreadsheets write.
pub(super) fn decode(cell: &[u8]) -> (Cow<'_, str>, bool) {
    match std::str::from_utf8(cell) {
        Ok(text) => (Cow::Borrowed(text), false),
        Err(_) => (WINDOWS_1252.decode_without_bom_handling(cell).0, true),
    }
}
