//! Decodes the bytes of a text file: finds the encoding by a byte-order mark, by zero bytes (UTF-16 without one), by whether it is UTF-8,
//! and else by its letters. Line ends become line feeds. Text that is not in the encoding is reported.

use std::borrow::Cow;
use std::cell::Cell;
use std::io::{self, Cursor, Read};

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::super::error::ImportError;
use super::{Bytes, Input};

/// Bytes that are looked at to find delimiter and line ends.
const SAMPLE: u64 = 64 * 1024;
/// The longest row, in bytes. A quote that is never closed would otherwise read the rest of the file into one cell.
const LONGEST_ROW: u64 = 4 * 1024 * 1024;

/// A text file whose encoding is known.
#[derive(Debug, Clone)]
pub(in crate::import) struct Encoded {
    input: Input,
    name: &'static str,
    /// What turns it into UTF-8; `None` where it is UTF-8, or UTF-8 and something older mixed.
    decoder: Option<&'static Encoding>,
    /// Bytes of the byte-order mark.
    mark: u64,
    /// Whether lines end with carriage returns alone.
    returns: bool,
}

impl Encoded {
    /// Finds the encoding of a file that begins with `start`.
    pub(super) fn detect(input: &Input, start: &[u8], hint: Option<&str>) -> Result<Self, ImportError> {
        if start.is_empty() {
            return Err(ImportError::Empty { file: input.name().to_owned() });
        }
        let (name, decoder, mark) = match start {
            [0xEF, 0xBB, 0xBF, ..] => ("UTF-8 with BOM", None, 3),
            [0xFF, 0xFE, ..] => ("UTF-16LE", Some(UTF_16LE), 2),
            [0xFE, 0xFF, ..] => ("UTF-16BE", Some(UTF_16BE), 2),
            _ => match wide(start) {
                Some(true) => ("UTF-16LE without BOM", Some(UTF_16LE), 0),
                Some(_) => ("UTF-16BE without BOM", Some(UTF_16BE), 0),
                None if start.contains(&0) => {
                    return Err(ImportError::NotText { file: input.name().to_owned(), guess: guess(start) });
                }
                None => match survey(input, hint)? {
                    Some(found) if found == WINDOWS_1252 => ("UTF-8", None, 0),
                    Some(found) => (found.name(), Some(found), 0),
                    None => ("UTF-8", None, 0),
                },
            },
        };
        let mut found = Self { input: input.clone(), name, decoder, mark, returns: false };
        let sample = found.sample()?;
        found.returns = sample.contains(&b'\r') && !sample.contains(&b'\n');
        if sample.trim_ascii().is_empty() && (sample.len() as u64) < SAMPLE {
            return Err(ImportError::Empty { file: input.name().to_owned() });
        }
        Ok(found)
    }

    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn input(&self) -> &Input {
        &self.input
    }

    /// The first part of the text.
    pub(super) fn sample(&self) -> Result<Vec<u8>, ImportError> {
        let mut sample = Vec::new();
        let failed = |error: io::Error| self.input.failed(1, &error);
        self.decoded()?.take(SAMPLE).read_to_end(&mut sample).map_err(failed)?;
        Ok(sample)
    }

    fn decoded(&self) -> Result<Decoded, ImportError> {
        let mut source = self.input.open()?;
        io::copy(&mut source.by_ref().take(self.mark), &mut io::sink())
            .map_err(|error| self.input.failed(1, &error))?;
        Ok(match self.decoder {
            None => Decoded::Plain(source),
            Some(encoding) => Decoded::Recoded(Box::new(Recoded {
                source,
                decoder: encoding.new_decoder_without_bom_handling(),
                ready: Cursor::default(),
                ended: false,
            })),
        })
    }

    /// The text, from its start.
    pub(super) fn text(&self) -> Result<Text, ImportError> {
        Ok(Text {
            source: self.decoded()?,
            returns: self.returns,
            allowance: Cell::new(LONGEST_ROW),
            last: b'\n',
            last_visible: b'\n',
            ended: false,
        })
    }
}

/// Whether text is UTF-16 without a mark: `Some(true)` with the low byte first. Delimiters, digits and most letters have a zero byte.
fn wide(start: &[u8]) -> Option<bool> {
    let pairs = start.len() / 2;
    let zeros = |place: usize| start.chunks_exact(2).filter(|pair| pair[place] == 0).count();
    let (first, second) = (zeros(0), zeros(1));
    // A third: text in another script has zero bytes only in its delimiters and digits.
    if pairs < 4 || first.max(second) * 10 < pairs || first.min(second) * 10 > first.max(second) {
        return None;
    }
    Some(second > first)
}

/// What a file that is no text is.
pub(super) fn guess(start: &[u8]) -> Option<&'static str> {
    match start {
        [b'P', b'K', 3, 4, ..] => Some("an archive"),
        [b'%', b'P', b'D', b'F', ..] => Some("a PDF"),
        [0x1F, 0x8B, ..] => Some("a compressed file"),
        _ => None,
    }
}

/// Reads a file whole: `None` where it is UTF-8, else the encoding that its letters are most likely in. Where some of it is UTF-8 and
/// some is not, that is Windows-1252: it is read cell by cell.
fn survey(input: &Input, hint: Option<&str>) -> Result<Option<&'static Encoding>, ImportError> {
    let failed = |error: io::Error| input.failed(1, &error);
    let mut source = input.open()?;
    let mut decoder = UTF_8.new_decoder_without_bom_handling();
    let (mut valid, mut invalid) = (0_u64, 0_u64);
    let mut raw = vec![0; 64 * 1024];
    let mut text = vec![0; 3 * 64 * 1024 + 16];
    loop {
        let read = source.read(&mut raw).map_err(failed)?;
        let ended = read == 0;
        let mut rest = raw.get(..read).unwrap_or_default();
        if !ended && rest.is_ascii() && invalid == 0 {
            // Nothing to learn; a sequence that was cut off before it is found by the decoder.
            let (result, ..) = decoder.decode_to_utf8_without_replacement(rest, &mut text, false);
            invalid += u64::from(matches!(result, DecoderResult::Malformed(..)));
            continue;
        }
        loop {
            let (result, used, written) = decoder.decode_to_utf8_without_replacement(rest, &mut text, ended);
            rest = rest.get(used..).unwrap_or_default();
            valid += text.get(..written).unwrap_or_default().iter().filter(|byte| **byte >= 0xC0).count() as u64;
            match result {
                DecoderResult::Malformed(..) => invalid += 1,
                DecoderResult::OutputFull => {}
                DecoderResult::InputEmpty => break,
            }
        }
        if ended {
            break;
        }
    }
    if invalid == 0 {
        return Ok(None);
    }
    // In text of an older encoding hardly anything is UTF-8 by chance.
    if valid > invalid {
        return Ok(Some(WINDOWS_1252));
    }
    let mut source = input.open()?;
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    loop {
        let read = source.read(&mut raw).map_err(failed)?;
        detector.feed(raw.get(..read).unwrap_or_default(), read == 0);
        if read == 0 {
            break;
        }
    }
    let hint = hint.filter(|hint| hint.bytes().all(|letter| letter.is_ascii_lowercase()));
    Ok(Some(detector.guess(hint.map(str::as_bytes), Utf8Detection::Deny)))
}

enum Decoded {
    Plain(Bytes),
    Recoded(Box<Recoded>),
}

impl Read for Decoded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(source) => source.read(buffer),
            Self::Recoded(source) => source.read(buffer),
        }
    }
}

/// Turns an encoding into UTF-8 as it is read.
struct Recoded {
    source: Bytes,
    decoder: Decoder,
    ready: Cursor<Vec<u8>>,
    ended: bool,
}

impl Read for Recoded {
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
            self.ready = Cursor::new(text.into_bytes());
        }
    }
}

/// The text of a file as UTF-8 (or, where it is mixed, as bytes), always ended by a line feed.
pub(super) struct Text {
    source: Decoded,
    returns: bool,
    /// Bytes that may be read before the row that is being read has to end.
    allowance: Cell<u64>,
    last: u8,
    last_visible: u8,
    ended: bool,
}

impl Text {
    /// Resets the limit for a new row.
    pub(super) fn begin_row(&self) {
        self.allowance.set(LONGEST_ROW);
    }

    /// Whether the last cell of the row that was just read, which ends with a line feed, runs into the end of the text
    /// because its quote is never closed.
    pub(super) fn ended_inside_quotes(&self) -> bool {
        self.ended && self.last_visible != b'"'
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
        let read = self.source.read(buffer)?;
        self.allowance.set(self.allowance.get().saturating_sub(read as u64));
        let bytes = buffer.get_mut(..read).unwrap_or_default();
        if self.returns {
            bytes.iter_mut().filter(|byte| **byte == b'\r').for_each(|byte| *byte = b'\n');
        }
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

/// The text of a cell, and whether it was not UTF-8: then it is read as Windows-1252, the superset of Latin-1 that
/// spreadsheets write.
pub(super) fn decode(cell: &[u8]) -> (Cow<'_, str>, bool) {
    match std::str::from_utf8(cell) {
        Ok(text) => (Cow::Borrowed(text), false),
        Err(_) => (WINDOWS_1252.decode_without_bom_handling(cell).0, true),
    }
}
