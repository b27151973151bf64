//! Files, and what they are: found by their content, not by their names. A file is read twice (once to see what its columns hold, once
//! for the orders), so what is no file on a disk is kept in memory or, where it is long, in a temporary file first.

pub(super) mod delimited;
pub(super) mod encoding;
pub(super) mod json;
pub(super) mod sheet;

use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::ImportError;

/// Bytes of a stream that are kept in memory; longer ones go to a temporary file, which has no name and goes with the process.
const IN_MEMORY: usize = 4 * 1024 * 1024;

/// Something that can be read, from its start, as often as needed.
#[derive(Clone)]
pub struct Input {
    name: String,
    content: Content,
}

#[derive(Clone)]
enum Content {
    Path(PathBuf),
    Temporary(Arc<File>),
    Memory(Arc<Vec<u8>>),
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Input").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Input {
    /// A file.
    ///
    /// # Errors
    /// When there is no such file, it is a folder, or it may not be read.
    pub fn file(path: &Path) -> Result<Self, ImportError> {
        let name = path.display().to_string();
        let file = open_file(path)?;
        let regular = file.metadata().is_ok_and(|about| about.is_file());
        // A pipe gives its content once.
        if !regular {
            return Self::stream(&name, file);
        }
        Ok(Self { name, content: Content::Path(path.to_owned()) })
    }

    /// What a stream gives until it ends; messages call it `name`.
    ///
    /// # Errors
    /// When it cannot be read, or not be kept.
    pub fn stream(name: &str, mut source: impl Read) -> Result<Self, ImportError> {
        let failed = |error: io::Error| ImportError::Read { file: name.to_owned(), line: 1, reason: error.to_string() };
        let mut start = Vec::new();
        source.by_ref().take(IN_MEMORY as u64).read_to_end(&mut start).map_err(failed)?;
        let content = if start.len() < IN_MEMORY {
            Content::Memory(Arc::new(start))
        } else {
            let mut file = tempfile::tempfile().map_err(failed)?;
            io::copy(&mut Cursor::new(start).chain(source), &mut file).map_err(failed)?;
            Content::Temporary(Arc::new(file))
        };
        Ok(Self { name: name.to_owned(), content })
    }

    /// The same, which messages call by another name.
    #[must_use]
    pub fn called(self, name: String) -> Self {
        Self { name, ..self }
    }

    /// How messages call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A reader of its bytes, from the start. Of one input, only the latest may be in use.
    pub(super) fn open(&self) -> Result<Bytes, ImportError> {
        let failed = |error: io::Error| ImportError::Open { file: self.name.clone(), reason: error.to_string() };
        Ok(match &self.content {
            Content::Path(path) => Bytes::File(BufReader::with_capacity(64 * 1024, open_file(path)?)),
            Content::Temporary(file) => {
                let mut file = file.try_clone().map_err(failed)?;
                file.seek(SeekFrom::Start(0)).map_err(failed)?;
                Bytes::File(BufReader::with_capacity(64 * 1024, file))
            }
            Content::Memory(bytes) => Bytes::Memory(Cursor::new(Shared(Arc::clone(bytes)))),
        })
    }

    pub(super) fn failed(&self, line: u64, reason: &impl fmt::Display) -> ImportError {
        ImportError::Read { file: self.name.clone(), line, reason: reason.to_string() }
    }
}

/// Bytes of an input.
pub(super) enum Bytes {
    File(BufReader<File>),
    Memory(Cursor<Shared>),
}

pub(super) struct Shared(Arc<Vec<u8>>);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Read for Bytes {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.read(buffer),
            Self::Memory(bytes) => bytes.read(buffer),
        }
    }
}

impl Seek for Bytes {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match self {
            Self::File(file) => file.seek(to),
            Self::Memory(bytes) => bytes.seek(to),
        }
    }
}

/// Opens a file for reading, with a clear reason where that fails.
fn open_file(path: &Path) -> Result<File, ImportError> {
    let failed = |reason: String| ImportError::Open { file: path.display().to_string(), reason };
    if path.is_dir() {
        return Err(failed("it is a folder".to_owned()));
    }
    File::open(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => failed("there is no such file".to_owned()),
        io::ErrorKind::PermissionDenied => failed("there is no permission to read it".to_owned()),
        _ => failed(error.to_string()),
    })
}

/// One row of a file.
#[derive(Debug, Default)]
pub(super) struct Row {
    /// Its cells, trimmed.
    pub(super) cells: csv::StringRecord,
    /// The line (or, in a sheet, the row) where it starts, from 1.
    pub(super) line: u64,
    /// The line where it ends.
    pub(super) last_line: u64,
    /// Whether some of it was not in the encoding of the file.
    pub(super) recoded: bool,
    /// Why it cannot be used, whatever it holds.
    pub(super) broken: Option<&'static str>,
    /// In which of the sheets that are read it is; 0 is the one whose header is read.
    pub(super) part: usize,
}

impl Row {
    /// Whether it has no content: many exports of spreadsheets end with lines of delimiters only.
    fn is_blank(&self) -> bool {
        self.cells.iter().all(str::is_empty)
    }
}

/// The rows of a file, one after the other.
pub(super) trait Rows: Send {
    /// Reads the next row that is not blank; false at the end.
    fn next(&mut self, row: &mut Row) -> Result<bool, ImportError>;
}

/// What a text is that begins like markup: shops give pages of a login or an error under the name of a table.
fn markup(sample: &[u8]) -> Option<&'static str> {
    let start = sample.trim_ascii_start();
    let begins = |with: &str| start.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with.as_bytes()));
    if ["<!doctype html", "<html", "<table", "<head", "<body", "<!--"].iter().any(|with| begins(with)) {
        return Some("a web page (HTML)");
    }
    begins("<?xml").then_some("XML")
}

/// A file whose kind is known.
#[derive(Debug)]
pub(super) enum Table {
    /// Text with delimiters.
    Delimited(delimited::Delimited),
    /// A sheet of a workbook.
    Sheet(sheet::Sheet),
    /// JSON objects.
    Json(json::Objects),
}

impl Table {
    /// Finds out what a file is. `hint`: letters of a country, which help to tell old encodings apart. `score`: how much the first rows of a
    /// sheet look like a table of orders, and the row that names its columns.
    pub(super) fn new(input: &Input, hint: Option<&str>, score: sheet::Score<'_>) -> Result<Self, ImportError> {
        let mut start = vec![0; 8 * 1024];
        let mut source = input.open()?;
        let mut filled = 0;
        while filled < start.len() {
            let read = source.read(&mut start[filled..]).map_err(|error| input.failed(1, &error))?;
            if read == 0 {
                break;
            }
            filled += read;
        }
        start.truncate(filled);
        drop(source);
        if sheet::is_workbook(&start) {
            return Ok(Self::Sheet(sheet::Sheet::open(input, score)?));
        }
        let no_table = |what| ImportError::NoTable { file: input.name().to_owned(), what };
        if let Some(what) = encoding::guess(&start) {
            return Err(no_table(what));
        }
        let text = encoding::Encoded::detect(input, &start, hint)?;
        let sample = text.sample()?;
        if let Some(what) = markup(&sample) {
            return Err(no_table(what));
        }
        if json::is_json(&sample) {
            return Ok(Self::Json(json::Objects::open(text)?));
        }
        if matches!(serde_json::from_slice(&sample), Ok(serde_json::Value::Array(_))) {
            return Err(ImportError::NoObjects { file: input.name().to_owned() });
        }
        Ok(Self::Delimited(delimited::Delimited::new(text)?))
    }

    /// Its rows, from the first one.
    pub(super) fn rows(&self) -> Result<Box<dyn Rows>, ImportError> {
        match self {
            Self::Delimited(table) => Ok(Box::new(table.rows()?)),
            Self::Sheet(table) => Ok(Box::new(table.rows()?)),
            Self::Json(table) => Ok(Box::new(table.rows()?)),
        }
    }

    /// What it is, as the summary says it: `CSV with “;”`.
    pub(super) fn kind(&self) -> String {
        match self {
            Self::Delimited(table) => table.kind().to_owned(),
            Self::Sheet(table) => table.kind(),
            Self::Json(table) => table.kind().to_owned(),
        }
    }

    pub(super) fn encoding(&self) -> &'static str {
        match self {
            Self::Delimited(table) => table.encoding(),
            Self::Sheet(_) => "UTF-8",
            Self::Json(table) => table.encoding(),
        }
    }

    /// The sheet of a row.
    pub(super) fn sheet(&self, row: &Row) -> Option<&str> {
        self.sheet_of(row.part)
    }

    /// A sheet by its place among those that are read.
    pub(super) fn sheet_of(&self, part: usize) -> Option<&str> {
        match self {
            Self::Sheet(table) => table.name(part),
            _ => None,
        }
    }

    /// Sheets that are hidden, and are not read.
    pub(super) fn hidden(&self) -> &[String] {
        match self {
            Self::Sheet(table) => table.hidden(),
            _ => &[],
        }
    }

    /// Sheets that may hold orders and are not read.
    pub(super) fn unread(&self) -> &[String] {
        match self {
            Self::Sheet(table) => table.unread(),
            _ => &[],
        }
    }
}
