//! Text with delimiters: finds the delimiter, and reads row after row with the line numbers of an editor.

use super::super::error::ImportError;
use super::encoding::{Encoded, Text, decode};
use super::{Input, Row, Rows};

/// A text file with delimiters.
#[derive(Debug, Clone)]
pub(in crate::import) struct Delimited {
    text: Encoded,
    delimiter: u8,
    /// Whether cells can stand in quotes.
    quoting: bool,
    /// Whether the first line only names the delimiter.
    announced: bool,
}

impl Delimited {
    pub(super) fn new(text: Encoded) -> Result<Self, ImportError> {
        let sample = text.sample()?;
        let sample = if sample.contains(&b'\n') {
            sample
        } else {
            sample.iter().map(|byte| if *byte == b'\r' { b'\n' } else { *byte }).collect()
        };
        let first = sample.split(|byte| *byte == b'\n').find(|line| !line.trim_ascii().is_empty()).unwrap_or_default();
        let announced = announced(first);
        let delimiter = announced.unwrap_or_else(|| most_regular(&sample));
        // Amazon's reports hold inches (`12" pipe`) and know no quotes.
        let amazon = delimiter == b'\t' && !first.contains(&b'"') && contains(first, b"order-id");
        Ok(Self { text, delimiter, quoting: !amazon, announced: announced.is_some() })
    }

    pub(super) fn kind(&self) -> &'static str {
        match self.delimiter {
            b'\t' => "tab-separated text",
            b';' => "CSV with “;”",
            b'|' => "CSV with “|”",
            b',' => "CSV",
            _ => "CSV with a delimiter of its own",
        }
    }

    pub(super) fn encoding(&self) -> &'static str {
        self.text.name()
    }

    pub(super) fn rows(&self) -> Result<DelimitedRows, ImportError> {
        let mut rows = DelimitedRows {
            input: self.text.input().clone(),
            reader: csv::ReaderBuilder::new()
                .has_headers(false)
                .flexible(true)
                .delimiter(self.delimiter)
                .quoting(self.quoting)
                // Only a line feed ends a row: a carriage return before it is trimmed off the last cell. So a row ends
                // exactly where its line does, and its line number is known.
                .terminator(csv::Terminator::Any(b'\n'))
                .buffer_capacity(64 * 1024)
                .from_reader(self.text.text()?),
            record: csv::ByteRecord::new(),
        };
        if self.announced {
            let mut row = Row::default();
            rows.next(&mut row)?;
        }
        Ok(rows)
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// The delimiter of a line such as `sep=;`, which Excel reads and writes.
fn announced(line: &[u8]) -> Option<u8> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let line = line.strip_prefix(b"\"").map_or(line, |line| line.strip_suffix(b"\"").unwrap_or(line));
    let (name, value) = line.split_at_checked(4)?;
    match value {
        [delimiter, ..]
            if name.eq_ignore_ascii_case(b"sep=") && delimiter.is_ascii() && !delimiter.is_ascii_alphanumeric() =>
        {
            Some(*delimiter).filter(|delimiter| !matches!(delimiter, b'"' | b'\n' | b'\r'))
        }
        _ => None,
    }
}

/// What may stand between cells.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];
/// Lines that are looked at.
const LOOKED_AT: usize = 60;

/// Of `,`, `;`, tab and `|` the one that parts most names of columns in a line; where no line has two, the one that stands the same number of
/// times in most lines, outside quotes: title lines and texts with commas are fewer than rows.
fn most_regular(sample: &[u8]) -> u8 {
    let mut lines: Vec<[u32; 4]> = Vec::new();
    let mut line = [0; 4];
    let (mut inside, mut blank) = (false, true);
    for byte in sample {
        inside ^= *byte == b'"';
        blank &= byte.is_ascii_whitespace() && *byte != b'\t';
        if *byte == b'\n' && !inside {
            if !blank {
                lines.push(line);
            }
            (line, blank) = ([0; 4], true);
        } else if let Some(place) = DELIMITERS.iter().position(|delimiter| !inside && delimiter == byte) {
            line[place] += 1;
        }
    }
    // The last line may be cut off.
    if !blank && lines.len() < 2 {
        lines.push(line);
    }
    let regular = |place: usize| {
        let mut counts: Vec<u32> = lines.iter().map(|line| line[place]).filter(|count| *count > 0).collect();
        counts.sort_unstable();
        let runs = counts.chunk_by(|a, b| a == b).map(|run| (run.len(), run.first().copied().unwrap_or_default()));
        runs.max().unwrap_or_default()
    };
    // The first of those that are equal; text without any delimiter is one column.
    let best = (0..DELIMITERS.len()).rev().max_by_key(|place| (names(sample, DELIMITERS[*place]), regular(*place)));
    best.and_then(|place| DELIMITERS.get(place)).copied().unwrap_or(b',')
}

/// The most names of columns that a delimiter parts in a line; one says nothing.
fn names(sample: &[u8], delimiter: u8) -> usize {
    let is_name = |cell: &&[u8]| {
        let cell = cell.trim_ascii();
        let cell = cell.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")).unwrap_or(cell);
        cell.len() <= 100 && super::super::field::recognized(&decode(cell).0).is_some()
    };
    let count = |line: &[u8]| line.split(|byte| *byte == delimiter).take(200).filter(is_name).count();
    let most = sample.split(|byte| *byte == b'\n').take(LOOKED_AT).map(count).max().unwrap_or_default();
    if most > 1 { most } else { 0 }
}

/// The rows of a text file.
pub(super) struct DelimitedRows {
    input: Input,
    reader: csv::Reader<Text>,
    record: csv::ByteRecord,
}

impl Rows for DelimitedRows {
    fn next(&mut self, row: &mut Row) -> Result<bool, ImportError> {
        loop {
            self.reader.get_ref().begin_row();
            let before = self.reader.position().line();
            let more = self.reader.read_byte_record(&mut self.record).map_err(|error| match error.kind() {
                csv::ErrorKind::Io(error) => self.input.failed(before, &error),
                _ => self.input.failed(before, &error),
            })?;
            if !more {
                return Ok(false);
            }
            row.cells.clear();
            row.recoded = false;
            for cell in &self.record {
                let (text, recoded) = decode(cell);
                row.recoded |= recoded;
                row.cells.push_field(unwrapped(text.trim_matches(|c: char| c.is_whitespace() || c == '\u{FEFF}')));
            }
            // Every row ends with a line feed (`Text` adds the last one), so it starts as many lines before this one as
            // there are line feeds in its cells: the reader's own position counts blank lines before it too. Only a quote
            // that is never closed takes the last line feed with it.
            let inner: u64 = self.record.as_slice().iter().map(|byte| u64::from(*byte == b'\n')).sum();
            row.line = self.reader.position().line().saturating_sub(1 + inner).max(before);
            row.last_line = row.line + inner;
            let open = self.record.as_slice().ends_with(b"\n") && self.reader.get_ref().ended_inside_quotes();
            row.broken = open.then_some("a quote is opened in this row and never closed: all that follows is one cell");
            if !row.is_blank() || open {
                return Ok(true);
            }
        }
    }
}

/// The text inside Excel's `="00123"`, which keeps it from being read as a number.
fn unwrapped(cell: &str) -> &str {
    let inside = cell.strip_prefix("=\"").and_then(|rest| rest.strip_suffix('"'));
    inside.map_or(cell, str::trim)
}
