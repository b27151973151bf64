//! The currencies of the cells of an ODS file: the reader of workbooks gives the bare numbers.

use std::collections::HashMap;
use std::io::BufReader;

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::super::Input;

/// Cells whose currency is kept, at most.
const MOST: usize = 4_000_000;
/// How often one cell is repeated, at most, as far as its currency is kept: a sheet ends with a million empty ones.
const MOST_REPEATED: u32 = 100_000;

/// By sheet, row and column.
pub(super) type Currencies = HashMap<(String, u32, u32), String>;

/// The currencies of all cells that have one; none of those of a file that cannot be read.
pub(super) fn currencies(input: &Input) -> Currencies {
    let mut found = Currencies::new();
    let Ok(bytes) = input.open() else { return found };
    let Ok(mut archive) = zip::ZipArchive::new(bytes) else { return found };
    let Ok(content) = archive.by_name("content.xml") else { return found };
    let mut reader = Reader::from_reader(BufReader::new(content));
    let (mut buffer, mut sheet) = (Vec::new(), None::<String>);
    let (mut row, mut column, mut rows) = (0_u32, 0_u32, 1_u32);
    loop {
        buffer.clear();
        let event = match reader.read_event_into(&mut buffer) {
            Ok(Event::Eof) | Err(_) => return found,
            Ok(event) => event,
        };
        match &event {
            Event::Start(start) | Event::Empty(start) => match name(start) {
                "table:table" => (sheet, row) = (attribute(start, "table:name"), 0),
                "table:table-row" => {
                    (column, rows) = (0, repeated(start, "table:number-rows-repeated"));
                    if matches!(event, Event::Empty(_)) {
                        row = row.saturating_add(rows);
                    }
                }
                "table:table-cell" | "table:covered-table-cell" => {
                    let columns = repeated(start, "table:number-columns-repeated");
                    let is_amount = attribute(start, "office:value-type").as_deref() == Some("currency");
                    let currency = attribute(start, "office:currency").filter(|_| is_amount);
                    if let (Some(currency), Some(sheet)) = (currency, &sheet) {
                        for row in row..row.saturating_add(rows.min(MOST_REPEATED)) {
                            for column in column..column.saturating_add(columns.min(MOST_REPEATED)) {
                                if found.len() >= MOST {
                                    return found;
                                }
                                found.insert((sheet.clone(), row, column), currency.clone());
                            }
                        }
                    }
                    column = column.saturating_add(columns);
                }
                _ => {}
            },
            Event::End(end) if end.name().0 == "table:table-row" => row = row.saturating_add(rows),
            _ => {}
        }
    }
}

fn name<'a>(start: &'a BytesStart<'_>) -> &'a str {
    start.name().0
}

fn attribute(start: &BytesStart<'_>, name: &str) -> Option<String> {
    let found = start.try_get_attribute(name).ok()??;
    found.normalized_value(XmlVersion::Implicit1_0).ok().map(std::borrow::Cow::into_owned)
}

fn repeated(start: &BytesStart<'_>, name: &str) -> u32 {
    attribute(start, name).and_then(|count| count.parse().ok()).unwrap_or(1)
}
