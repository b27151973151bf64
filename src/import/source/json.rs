//! JSON: an array of objects, an object with such an array inside (`{"orders": […]}`), or one object after the other (JSONL). Objects are
//! read one by one; what is nested becomes columns with dotted names, and lists of objects stay JSON.

use std::collections::{HashMap, HashSet};
use std::io::{BufRead as _, BufReader};

use serde_json::{Map, Value};

use super::super::error::ImportError;
use super::encoding::{Encoded, Text};
use super::{Row, Rows};

/// The longest object, in bytes.
const LONGEST: usize = 16 * 1024 * 1024;
/// The longest object with everything inside, where its orders do not stand under a name that says so.
const LONGEST_WHOLE: usize = 256 * 1024 * 1024;
/// Names of the list of orders inside an object.
const LISTS: [&str; 9] = ["orders", "data", "results", "records", "rows", "result", "value", "list", "order"];
/// The deepest nesting that becomes columns.
const DEEPEST: usize = 6;

/// Whether a text is JSON.
pub(super) fn is_json(start: &[u8]) -> bool {
    let text = start.trim_ascii_start();
    match text {
        [b'{', rest @ ..] => matches!(rest.trim_ascii_start(), [b'"' | b'}', ..]),
        [b'[', rest @ ..] => matches!(rest.trim_ascii_start(), [b'{' | b']', ..]),
        _ => false,
    }
}

/// A file of JSON objects.
#[derive(Debug)]
pub(in crate::import) struct Objects {
    text: Encoded,
    columns: Vec<String>,
    shape: Shape,
    lines: bool,
}

/// Where the objects stand.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Shape {
    /// One after the other, or in an array.
    Plain,
    /// In the list of this name, in the one object of the file.
    Under(String),
    /// Somewhere in the one object of the file, which is read whole.
    Inside,
}

impl Objects {
    /// Finds the objects and the names of all their columns.
    pub(super) fn open(text: Encoded) -> Result<Self, ImportError> {
        let sample = text.sample()?;
        let lines = sample.trim_ascii_start().starts_with(b"{");
        let mut found = Self { shape: shape(&sample), text, columns: Vec::new(), lines };
        let mut scanner = found.scanner()?;
        let (mut seen, mut columns) = (HashSet::new(), Vec::new());
        let mut count = 0_u64;
        while let Some((_, object)) = scanner.next()? {
            count += 1;
            if let Ok(object) = object {
                flatten(&object, &mut |name, _| {
                    if !seen.contains(name) {
                        seen.insert(name.to_owned());
                        columns.push(name.to_owned());
                    }
                });
            }
        }
        if count == 0 || columns.is_empty() {
            return Err(ImportError::NoObjects { file: found.text.input().name().to_owned() });
        }
        found.lines &= count > 1 && found.shape == Shape::Plain;
        found.columns = columns;
        Ok(found)
    }

    pub(super) fn kind(&self) -> &'static str {
        if self.lines { "JSONL" } else { "JSON" }
    }

    pub(super) fn encoding(&self) -> &'static str {
        self.text.name()
    }

    /// The names of the columns.
    pub(in crate::import) fn columns(&self) -> &[String] {
        &self.columns
    }

    fn scanner(&self) -> Result<Scanner, ImportError> {
        let mut scanner = Scanner {
            text: self.text.clone(),
            reader: BufReader::with_capacity(64 * 1024, self.text.text()?),
            line: 1,
            ready: Vec::new().into_iter(),
            depth: 0,
        };
        match &self.shape {
            Shape::Plain => {}
            Shape::Under(name) => scanner.skip_to(name)?,
            Shape::Inside => scanner.read_whole()?,
        }
        Ok(scanner)
    }

    pub(super) fn rows(&self) -> Result<ObjectRows, ImportError> {
        let places = self.columns.iter().enumerate().map(|(place, name)| (name.clone(), place)).collect();
        Ok(ObjectRows { scanner: self.scanner()?, places, cells: vec![String::new(); self.columns.len()] })
    }
}

/// Where the objects of a text stand, as its first part shows.
fn shape(sample: &[u8]) -> Shape {
    let text = String::from_utf8_lossy(sample);
    let text = text.trim_start();
    if !text.starts_with('{') {
        return Shape::Plain;
    }
    // The names of the first object, up to its end or to that of the sample.
    let (mut depth, mut string, mut escaped) = (0_u32, None, false);
    let mut last = String::new();
    let mut inside_list: Option<(u32, String)> = None;
    let mut lists = Vec::new();
    let mut names = Vec::new();
    for (place, byte) in text.bytes().enumerate() {
        if let Some(start) = string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => {
                    text.get(start..place).unwrap_or_default().clone_into(&mut last);
                    string = None;
                }
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => string = Some(place + 1),
            b':' if depth == 1 => names.push(last.clone()),
            b'[' => {
                depth += 1;
                if depth == 2 {
                    inside_list = Some((depth, names.last().cloned().unwrap_or_default()));
                }
            }
            b'{' => {
                if let Some((at, name)) = &inside_list
                    && *at == depth
                    && !lists.contains(name)
                {
                    lists.push(name.clone());
                }
                depth += 1;
            }
            b']' | b'}' => {
                depth = depth.saturating_sub(1);
                if depth < 2 {
                    inside_list = None;
                }
                if depth == 0 {
                    break;
                }
            }
            _ => {}
        }
    }
    if let Some(name) = lists.iter().find(|name| LISTS.contains(&name.to_lowercase().as_str())) {
        return Shape::Under(name.clone());
    }
    // An order names itself; a wrapper does not.
    let id = |name: &String| {
        super::super::field::recognized(name).is_some_and(|found| found.0 == super::super::field::Field::OrderId)
    };
    let order = names.iter().any(|name| id(name) || name == "id" || name == "name" || name == "number");
    if order || depth == 0 && names.len() > 3 { Shape::Plain } else { Shape::Inside }
}

/// The line where an object begins, and the object; or why it is none.
type Found = (u64, Result<Map<String, Value>, String>);

/// Reads objects one by one.
struct Scanner {
    text: Encoded,
    reader: BufReader<Text>,
    line: u64,
    /// Objects that were read already.
    ready: std::vec::IntoIter<Found>,
    /// Whether the list that is read has begun.
    depth: u32,
}

impl Scanner {
    fn failed(&self, reason: &str) -> ImportError {
        self.text.input().failed(self.line, &reason)
    }

    fn peek(&mut self) -> Result<Option<u8>, ImportError> {
        self.reader.get_ref().begin_row();
        match self.reader.fill_buf() {
            Ok(bytes) => Ok(bytes.first().copied()),
            Err(error) => Err(self.text.input().failed(self.line, &error)),
        }
    }

    fn take(&mut self) -> Result<Option<u8>, ImportError> {
        let byte = self.peek()?;
        if let Some(byte) = byte {
            self.reader.consume(1);
            self.line += u64::from(byte == b'\n');
        }
        Ok(byte)
    }

    /// Goes to the list of this name in the object that begins here.
    fn skip_to(&mut self, name: &str) -> Result<(), ImportError> {
        let (mut string, mut escaped) = (None::<Vec<u8>>, false);
        let (mut last, mut depth) = (Vec::new(), 0_u32);
        let mut found = false;
        while let Some(byte) = self.take()? {
            if let Some(text) = &mut string {
                match byte {
                    _ if escaped => escaped = false,
                    b'\\' => escaped = true,
                    b'"' => {
                        last = string.take().unwrap_or_default();
                        continue;
                    }
                    _ => {}
                }
                if text.len() < 200 {
                    text.push(byte);
                }
                continue;
            }
            match byte {
                b'"' => string = Some(Vec::new()),
                b':' if depth == 1 => found = last == name.as_bytes(),
                b'[' if found && depth == 1 => {
                    self.depth = 1;
                    return Ok(());
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        Ok(())
    }

    /// Reads the one object of the file, and finds the list inside.
    fn read_whole(&mut self) -> Result<(), ImportError> {
        let mut text = Vec::new();
        while let Some(byte) = self.take()? {
            text.push(byte);
            if text.len() > LONGEST_WHOLE {
                return Err(self.failed("the one object of the file is too long"));
            }
        }
        let whole: Value =
            serde_json::from_slice(&text).map_err(|error| self.failed(&format!("it is no JSON: {error}")))?;
        let found = match longest_list(&whole, 0) {
            Some(list) => list.iter().map(|value| (1, object(value.clone()))).collect(),
            None => vec![(1, object(whole))],
        };
        self.ready = found.into_iter();
        Ok(())
    }

    /// The next object and the line where it begins; or why it is none.
    fn next(&mut self) -> Result<Option<Found>, ImportError> {
        if let Some(ready) = self.ready.next() {
            return Ok(Some(ready));
        }
        loop {
            match self.peek()? {
                None => return Ok(None),
                Some(b']' | b'}') if self.depth > 0 => return Ok(None),
                Some(b'{') => break,
                Some(byte) if byte.is_ascii_whitespace() || matches!(byte, b',' | b'[' | b']' | 0x1E) => {
                    self.depth += u32::from(byte == b'[');
                    self.depth = self.depth.saturating_sub(u32::from(byte == b']'));
                    self.take()?;
                }
                Some(_) => {
                    // Something else than an object: until the next comma or line.
                    let line = self.line;
                    let mut text = Vec::new();
                    while let Some(byte) = self.peek()?.filter(|byte| !matches!(byte, b',' | b'\n' | b'{')) {
                        if text.len() < 100 {
                            text.push(byte);
                        }
                        self.take()?;
                    }
                    let text = crate::domain::words::excerpt(&String::from_utf8_lossy(&text), 40);
                    return Ok(Some((line, Err(format!("“{text}” is no object")))));
                }
            }
        }
        let line = self.line;
        let mut text = Vec::new();
        let (mut depth, mut inside, mut escaped) = (0_u32, false, false);
        while let Some(byte) = self.take()? {
            text.push(byte);
            if text.len() > LONGEST {
                return Err(self.failed("an object is longer than 16 MiB: is a bracket not closed?"));
            }
            match byte {
                _ if escaped => escaped = false,
                b'\\' if inside => escaped = true,
                b'"' => inside = !inside,
                b'{' | b'[' if !inside => depth += 1,
                b'}' | b']' if !inside => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
        let read = serde_json::from_slice::<Value>(&text).map_err(|error| format!("it is no JSON: {error}"));
        Ok(Some((line, read.and_then(object))))
    }
}

/// An object; GraphQL wraps it once more.
fn object(value: Value) -> Result<Map<String, Value>, String> {
    match value {
        Value::Object(mut object) if object.len() <= 2 && object.get("node").is_some_and(Value::is_object) => {
            match object.remove("node") {
                Some(Value::Object(node)) => Ok(node),
                _ => Err("it is no object".to_owned()),
            }
        }
        Value::Object(object) => Ok(object),
        other => Err(format!("“{}” is no object", crate::domain::words::excerpt(&other.to_string(), 40))),
    }
}

/// The longest list of objects that an object holds, without looking into those of a list.
fn longest_list(value: &Value, depth: usize) -> Option<&Vec<Value>> {
    let object = value.as_object().filter(|_| depth < DEEPEST)?;
    let lists = object.values().filter_map(|inside| match inside {
        Value::Array(list) if list.iter().any(Value::is_object) => Some(list),
        inside => longest_list(inside, depth + 1),
    });
    lists.max_by_key(|list| list.len())
}

/// Every value of an object with its dotted name. Lists of objects stay JSON; of the deliveries of an order the latest one also becomes
/// columns.
pub(in crate::import) fn flatten(object: &Map<String, Value>, each: &mut dyn FnMut(&str, &Value)) {
    fn inside(prefix: &str, object: &Map<String, Value>, depth: usize, each: &mut dyn FnMut(&str, &Value)) {
        for (name, value) in object {
            let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
            match value {
                Value::Object(object) if depth < DEEPEST => inside(&path, object, depth + 1, each),
                Value::Array(list) if name == "fulfillments" || name == "shipments" => {
                    if let Some(Value::Object(latest)) = list.last() {
                        inside(&path, latest, depth + 1, each);
                    }
                }
                value => each(&path, value),
            }
        }
    }
    inside("", object, 0, each);
}

/// The text of a value.
pub(in crate::import) fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.trim().to_owned(),
        Value::Array(list) if list.iter().all(|one| !one.is_object() && !one.is_array()) => {
            list.iter().map(cell).collect::<Vec<_>>().join(", ")
        }
        Value::Array(list) if list.is_empty() => String::new(),
        Value::Object(object) if object.is_empty() => String::new(),
        other => other.to_string(),
    }
}

/// The rows of a JSON file.
pub(super) struct ObjectRows {
    scanner: Scanner,
    places: HashMap<String, usize>,
    cells: Vec<String>,
}

impl Rows for ObjectRows {
    fn next(&mut self, row: &mut Row) -> Result<bool, ImportError> {
        let Some((line, object)) = self.scanner.next()? else { return Ok(false) };
        self.cells.iter_mut().for_each(String::clear);
        row.broken = None;
        match object {
            Ok(object) => flatten(&object, &mut |name, value| {
                if let Some(slot) = self.places.get(name).and_then(|place| self.cells.get_mut(*place)) {
                    *slot = cell(value);
                }
            }),
            Err(_) => row.broken = Some("it is no JSON object that can be read"),
        }
        row.cells.clear();
        for cell in &self.cells {
            row.cells.push_field(cell);
        }
        row.line = line;
        row.last_line = line;
        row.recoded = false;
        Ok(true)
    }
}
