//! Reads orders from a file: finds out what the file is and what its columns hold, then gives one order after the other.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::io::Read;
use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::error::{ImportError, RowError};
use super::field::{Field, Kind};
use super::header::{self, Header};
use super::lines::LinesFile;
use super::mapping::{Choice, Mapping};
use super::preset::Preset;
use super::row::{CellError, Draft, Readers, order_id};
use super::source::{Input, Row, Rows, Table};
use super::summary::{FileSummary, summary_of};
use super::survey::{Survey, samples};
use super::values::{DateContext, DateOrder, DecimalMark, in_doubt, names_refunds, names_returns};
use crate::domain::currency::Currency;
use crate::domain::ids::{IdPatterns, OrderId, Source};
use crate::domain::order::{Order, column};
use crate::domain::phone::Country;
use crate::domain::words::excerpt;

/// How files are read.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Whose export it is, where somebody said it.
    pub from: Option<Preset>,
    /// What somebody said about columns.
    pub choices: Vec<Choice>,
    /// How dates are read that can be read in two ways.
    pub dates: Option<DateOrder>,
    /// How amounts are read that can be read in two ways.
    pub decimal: Option<DecimalMark>,
    /// The country of telephone numbers, which are checked where it is known.
    pub country: Option<Country>,
    /// The shop's currency.
    pub currency: Currency,
    /// The shop's time zone, and today.
    pub context: DateContext,
    /// What finds order ids in messages: ids that do not match are counted.
    pub patterns: Option<IdPatterns>,
    /// Whether dates and decimal marks are those of the settings file: then it is said where they decide.
    pub kept: [bool; 2],
    /// Whether a rating or a yes-or-no that cannot be read refuses its row, whatever file it is in.
    pub strict_values: bool,
}

impl Default for Settings {
    /// Rupees, UTC, telephone numbers not checked.
    fn default() -> Self {
        Self {
            from: None,
            choices: Vec::new(),
            dates: None,
            decimal: None,
            country: None,
            currency: Currency::INR,
            context: DateContext::new(TimeZone::UTC, Timestamp::now()),
            patterns: None,
            kept: [false; 2],
            strict_values: false,
        }
    }
}

impl Settings {
    /// Letters of the country, by which old encodings are told apart.
    pub(super) fn hint(&self) -> Option<String> {
        self.country.map(|country| country.id().to_ascii_lowercase())
    }
}

/// Words for a sum, as they stand in the column of ids below the orders.
const SUMS: &[&str] = &[
    "total",
    "totals",
    "grandtotal",
    "subtotal",
    "sum",
    "overalltotal",
    "summe",
    "gesamt",
    "gesamtsumme",
    "zwischensumme",
    "totale",
    "soustotal",
    "totalgeneral",
    "totalgeral",
    "suma",
    "soma",
    "totaal",
    "toplam",
    "geneltoplam",
    "razem",
    "итого",
    "всего",
    "jumlah",
    "कुल",
    "योग",
    "kul",
];

/// Reads orders from one file.
pub struct OrderReader {
    rows: Box<dyn Rows>,
    row: Row,
    table: Table,
    header: Header,
    mapping: Mapping,
    readers: Readers,
    survey: Survey,
    summary: FileSummary,
    recoded_rows: u64,
    /// The order whose rows are being read.
    current: Option<Group>,
    /// Orders whose rows do not stand together, in the order in which they came.
    held: Vec<Group>,
    held_places: HashMap<OrderId, usize>,
    ready: VecDeque<Result<Order, RowError>>,
    ended: bool,
    lines: Option<LinesFile>,
}

/// The rows of one order.
struct Group {
    id: OrderId,
    /// `None` where one of the rows cannot be used: then the order cannot, either.
    draft: Option<Draft>,
    /// The last row of the order, in a file in which each row is a whole order.
    later: Option<Draft>,
    /// The sheet of its rows.
    part: usize,
}

impl fmt::Debug for OrderReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OrderReader").field("summary", &self.summary).finish_non_exhaustive()
    }
}

impl OrderReader {
    /// Opens a file and finds out what it is.
    ///
    /// # Errors
    /// As [`OrderReader::with`], and when the file cannot be opened.
    pub fn open(path: &Path) -> Result<Self, ImportError> {
        Self::with(&Input::file(path)?, &Settings::default())
    }

    /// Finds out what a stream holds; messages call it `name`. It is read to its end first.
    ///
    /// # Errors
    /// As [`OrderReader::with`].
    pub fn new(name: &str, source: impl Read) -> Result<Self, ImportError> {
        Self::with(&Input::stream(name, source)?, &Settings::default())
    }

    /// Finds out what an input holds.
    ///
    /// # Errors
    /// When it is empty, or is no table; no column is the order's id for certain; or dates can be read in two ways.
    pub fn with(input: &Input, settings: &Settings) -> Result<Self, ImportError> {
        let known: Vec<String> = settings.choices.iter().map(|choice| super::field::plain(&choice.column)).collect();
        let score = |rows: &[Row]| header::score(rows, &known);
        let table = Table::new(input, settings.hint().as_deref(), &score)?;
        let header = Header::find(input.name(), &table, &known)?;
        let samples = samples(&table, &header)?;
        let mapping = Mapping::new(input.name(), &header.names, &samples, settings.from, &settings.choices)?;
        if !mapping.has(Field::OrderId) {
            let near = mapping.suggestions.iter().find(|suggestion| suggestion.field == Field::OrderId.name());
            return Err(ImportError::NoId {
                file: input.name().to_owned(),
                line: header.line,
                found: header.names,
                near: near.map(|suggestion| suggestion.column.clone()),
            });
        }
        let (readers, survey) = Readers::decide(input.name(), &table, &header, &mapping, settings)?;
        let mut summary = summary_of(input, &table, &header, &mapping, &readers, &samples);
        for (column, reason) in &mapping.notes {
            let (file, column) = (input.name().to_owned(), mapping.names.get(*column).cloned());
            summary.note(RowError { file, sheet: None, line: header.line, column, reason: reason.clone() });
        }
        // `(- Refund)`: a plug-in's names of amounts of which what went back is taken off already.
        let about = |name: &String| (names_refunds(name) || names_returns(name)) && !name.contains("(-");
        for name in summary.unknown_columns.clone().into_iter().filter(about) {
            let hint = format!("it is not used: if it says what was given back, add --map \"{name}=Refund Status\"");
            let (file, line) = (input.name().to_owned(), header.line);
            summary.note(RowError { file, sheet: None, line, column: Some(name), reason: hint });
        }
        Ok(Self {
            rows: table.rows()?,
            row: Row::default(),
            table,
            header,
            mapping,
            readers,
            survey,
            summary,
            recoded_rows: 0,
            current: None,
            held: Vec::new(),
            held_places: HashMap::new(),
            ready: VecDeque::new(),
            ended: false,
            lines: None,
        })
    }

    /// Refuses rows whose telephone number cannot be read in the shop's country, and counts the order ids that do not match
    /// the shop's pattern.
    #[must_use]
    pub fn expecting(mut self, patterns: IdPatterns, country: Country) -> Self {
        self.readers.settings.patterns = Some(patterns);
        self.readers.settings.country = Some(country);
        self
    }

    /// Takes the lines of its orders from a second file.
    #[must_use]
    pub fn with_lines(mut self, lines: LinesFile) -> Self {
        self.lines = Some(lines);
        self
    }

    /// The second file with the lines of its orders.
    pub(super) fn lines_file(&self) -> Option<&LinesFile> {
        self.lines.as_ref()
    }

    /// The columns of orders that the file lacks.
    pub(super) fn lacks(&self) -> Vec<&'static str> {
        let mut lacks = self.mapping.lacks();
        if self.lines.is_some() {
            lacks.retain(|lacked| *lacked != column::ITEMS);
        }
        lacks
    }

    /// The counts so far.
    pub fn summary(&self) -> &FileSummary {
        &self.summary
    }

    /// The next order, or the error of a row; `None` at the end.
    ///
    /// # Errors
    /// When the source cannot be read further.
    pub fn read_next(&mut self) -> Result<Option<Result<Order, RowError>>, ImportError> {
        loop {
            if let Some(ready) = self.ready.pop_front() {
                return Ok(Some(ready));
            }
            if self.ended {
                return Ok(None);
            }
            let mut row = std::mem::take(&mut self.row);
            let more = self.rows.next(&mut row)?;
            if more && !self.header.covers(&row) {
                self.take_row(&row);
            } else if !more {
                self.ended = true;
                self.finish_current();
                for group in std::mem::take(&mut self.held) {
                    self.finish_group(group);
                }
            }
            self.row = row;
        }
    }

    fn take_row(&mut self, row: &Row) {
        self.summary.rows += 1;
        if row.recoded {
            self.recoded_rows += 1;
            let plural = if self.recoded_rows == 1 { "row is" } else { "rows are" };
            self.summary.encoding =
                format!("Windows-1252 ({} {plural} not {})", self.recoded_rows, self.table.encoding());
        }
        if let Some(reason) = row.broken {
            return self.refuse(row, None, CellError { column: None, reason: reason.to_owned() });
        }
        let width = self.header.names.len();
        let surplus = row.cells.iter().skip(width).any(|cell| !cell.is_empty());
        if surplus || (row.cells.len() < width && matches!(self.table, Table::Delimited(_))) {
            let reason = format!("the row has {} cells, the header names {width} columns", row.cells.len());
            let reason = if row.last_line > row.line {
                format!("{reason}; the row goes on to line {}: is a quote not closed?", row.last_line)
            } else {
                reason
            };
            let id = self.id_of(row).and_then(Result::ok);
            return self.refuse(row, id, CellError { column: None, reason });
        }
        let id = match self.id_of(row) {
            // A row without an id goes on with the order above it, where rows are items.
            None if self.current.is_some() && self.mapping.has_lines && self.is_only_item(row) => {
                let Some(id) = self.current.as_ref().map(|group| group.id.clone()) else { return };
                id
            }
            Some(Ok(id)) if self.is_sum(row, &id) => {
                self.finish_current();
                self.summary.sums_left_out += 1;
                let column = self.mapping.of(Field::OrderId).next().map(|found| found.column);
                let reason = format!("“{}” is no order, but a sum of those above: left out", excerpt(id.as_str(), 40));
                let note = self.row_error(row, CellError { column, reason });
                return self.summary.note(note);
            }
            Some(Ok(id)) => id,
            other => {
                let column = self.mapping.of(Field::OrderId).next().map(|found| found.column);
                let reason = other.and_then(Result::err).unwrap_or_else(|| "the cell is empty".to_owned());
                self.finish_current();
                return self.refuse(row, None, CellError { column, reason });
            }
        };
        if let Some(column) = self.survey.given_back.column(&row.cells) {
            let read = self.readers.read(&self.mapping, &row.cells, id);
            let text = excerpt(row.cells.get(column).unwrap_or_default(), 40);
            let about = format!("“{text}”: the row is about money given back, and is no order");
            return self.refuse(row, None, read.err().unwrap_or(CellError { column: Some(column), reason: about }));
        }
        match self.readers.read(&self.mapping, &row.cells, id.clone()) {
            Ok(mut draft) => {
                if self.survey.given_back.concerns(id.as_str()) {
                    let payment = &mut draft.order.details.payment_state;
                    *payment = in_doubt(*payment);
                    let reason =
                        "another row says that money of it was given back: whether it is paid is taken as unknown";
                    draft.left_out.notes.push(CellError { column: None, reason: reason.to_owned() });
                }
                for word in std::mem::take(&mut draft.left_out.words) {
                    let word = self.row_error(row, word);
                    let known = |note: &RowError| note.column == word.column && note.reason == word.reason;
                    if !self.summary.notes.iter().any(known) {
                        self.summary.note(word);
                    }
                }
                for note in std::mem::take(&mut draft.left_out.notes) {
                    let note = self.row_error(row, note);
                    self.summary.note(note);
                }
                if let Err(error) = self.add(&id, draft, row.part) {
                    self.refuse(row, Some(id), error);
                }
            }
            Err(error) => self.refuse(row, Some(id), error),
        }
    }

    fn id_of(&self, row: &Row) -> Option<Result<OrderId, String>> {
        let mut cells = self.mapping.of(Field::OrderId).filter_map(|found| row.cells.get(found.column));
        cells.find(|cell| !cell.is_empty()).map(order_id)
    }

    /// Whether a row holds a sum: nothing says who ordered, or when, and its id is a word where those of the file have digits, or
    /// a word for a sum stands in the place of the id or before it.
    fn is_sum(&self, row: &Row, id: &OrderId) -> bool {
        let of_nobody = self.mapping.is_of_nobody(&row.cells);
        let word = |text: &str| SUMS.contains(&super::field::plain(text).as_str());
        if !id.as_str().contains(char::is_numeric) {
            return if of_nobody {
                word(id.as_str()) || self.survey.ids_have_digits()
            } else {
                self.mapping.has_nobody() && word(id.as_str())
            };
        }
        let before = self.mapping.of(Field::OrderId).map(|found| found.column).min().unwrap_or_default();
        of_nobody && row.cells.iter().take(before).any(word)
    }

    fn row_error(&self, row: &Row, error: CellError) -> RowError {
        RowError {
            file: self.summary.file.clone(),
            sheet: self.table.sheet(row).map(str::to_owned),
            line: row.line,
            column: error.column.and_then(|column| self.mapping.names.get(column).cloned()),
            reason: error.reason,
        }
    }

    /// Whether nothing but an item is in a row.
    fn is_only_item(&self, row: &Row) -> bool {
        let filled = |field: Field| {
            self.mapping.of(field).any(|found| row.cells.get(found.column).is_some_and(|cell| !cell.is_empty()))
        };
        (filled(Field::ItemName) || filled(Field::ItemSku)) && !filled(Field::Value)
    }

    /// Adds a row to its order.
    fn add(&mut self, id: &OrderId, draft: Draft, part: usize) -> Result<(), CellError> {
        let group = Group { id: id.clone(), draft: None, later: None, part };
        if !self.mapping.has_lines && !self.survey.is_scattered(id) {
            self.finish_group(Group { draft: Some(draft), ..group });
            return Ok(());
        }
        let has_lines = self.mapping.has_lines;
        let Some(known) = self.group(id) else {
            self.begin(Group { draft: Some(draft), ..group });
            return Ok(());
        };
        let (known_part, later) = (known.part, known.later.take());
        let Some(mut first) = known.draft.take() else { return Ok(()) };
        if known_part != part {
            let sheet = self.table.sheet_of(known_part).unwrap_or_default();
            let reason = format!(
                "order {id} is on sheet “{sheet}” as well, and is left out: import the sheets that belong together as files of their own"
            );
            return Err(CellError { column: None, reason });
        }
        let mut last = None;
        if has_lines {
            self.readers.merge(&self.mapping, &mut first, draft)?;
        } else {
            self.readers.repeats(later.as_ref().unwrap_or(&first), &draft)?;
            self.summary.repeated += u64::from(later.is_some());
            last = Some(draft);
        }
        if let Some(group) = self.group(id) {
            (group.draft, group.later) = (Some(first), last);
        }
        Ok(())
    }

    /// The group of an order whose rows are being read.
    fn group(&mut self, id: &OrderId) -> Option<&mut Group> {
        if let Some(place) = self.held_places.get(id) {
            return self.held.get_mut(*place);
        }
        self.current.as_mut().filter(|group| group.id == *id)
    }

    fn begin(&mut self, group: Group) {
        self.finish_current();
        if self.survey.is_scattered(&group.id) {
            self.held_places.insert(group.id.clone(), self.held.len());
            self.held.push(group);
        } else {
            self.current = Some(group);
        }
    }

    fn finish_current(&mut self) {
        if let Some(group) = self.current.take() {
            self.finish_group(group);
        }
    }

    fn finish_group(&mut self, group: Group) {
        for draft in group.draft.into_iter().chain(group.later) {
            self.finish_draft(draft);
        }
    }

    fn finish_draft(&mut self, draft: Draft) {
        self.summary.values_left_out += draft.left_out.values;
        self.summary.phones_not_plausible += draft.phones_left_out;
        let mut order = self.readers.finish(&self.mapping, draft);
        if let Some(lines) = self.lines.as_ref().and_then(|lines| lines.of(&order.id)) {
            order.details.lines = lines;
        }
        let dated = order.placed_at.is_some() || (order.placed.is_empty() && order.date.is_none());
        self.summary.dates_not_readable += u64::from(!dated);
        if let Some(patterns) = &self.readers.settings.patterns {
            let expected = patterns.source() == Source::Setting;
            self.summary.ids_not_like_pattern += u64::from(expected && !patterns.is_order(order.id.as_str()));
        }
        self.summary.orders += 1;
        self.summary.lines += order.details.lines.len() as u64;
        self.ready.push_back(Ok(order));
    }

    /// Refuses a row, and the order that it is about.
    fn refuse(&mut self, row: &Row, id: Option<OrderId>, error: CellError) {
        self.summary.bad_rows += 1;
        let field = error.column.and_then(|column| self.mapping.uses.iter().find(|found| found.column == column));
        self.summary.phones_not_plausible += u64::from(field.is_some_and(|found| found.field.kind() == Kind::Phone));
        let error = self.row_error(row, error);
        self.ready.push_back(Err(error));
        if let Some(id) = id.filter(|_| self.mapping.has_lines) {
            if let Some(group) = self.group(&id) {
                group.draft = None;
            } else {
                self.begin(Group { id, draft: None, later: None, part: row.part });
            }
        }
    }
}
