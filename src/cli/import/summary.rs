//! The summary of an import as text.

use std::fmt::Write as _;
use std::time::Duration;

use crate::import::{FileSummary, How, ImportSummary};

/// Columns that are not used and are named.
const NAMED: usize = 12;

/// The summary as it is shown.
pub(super) fn as_text(summary: &ImportSummary, took: Duration) -> String {
    let seconds = took.as_secs_f64();
    let names: Vec<&str> = summary.files.iter().map(|file| file.file.as_str()).collect();
    let verb = if summary.dry_run { "would import" } else { "imported" };
    let orders = counted(summary.added + summary.updated, "order");
    let lines = if summary.lines > 0 { format!(" with {}", counted(summary.lines, "line")) } else { String::new() };
    let mut text = format!("{verb} {orders}{lines} from {} in {seconds:.1} s\n", names.join(", "));
    let mut line = |count: u64, what: &str| {
        if count > 0 {
            let _ = writeln!(text, "  {:>9}  {what}", grouped(count));
        }
    };
    line(summary.added, "new");
    line(summary.updated, "replaced");
    line(summary.kept, "known, left as they were");
    let repeated = if summary.mode == "append" {
        "repeated within the import: the first counts"
    } else {
        "repeated within the import: the last counts"
    };
    line(summary.repeated, repeated);
    line(summary.twins, "warning: new orders that are, or may be, in the store under another id");
    line(summary.bad_rows, "bad rows, skipped");
    let sums: u64 = summary.files.iter().map(|file| file.sums_left_out).sum();
    line(sums, "rows with sums below the orders, left out");
    line(summary.dates_not_readable, "dates not readable, kept as text");
    line(summary.values_left_out, "other values not readable, left out");
    line(
        summary.phones_not_plausible,
        "of the bad rows for their telephone number: write it with + and the country code, or set shop.country",
    );
    line(summary.ids_not_like_pattern, "warning: order ids that are not found in messages: see orders.pattern");
    for (own, known) in &summary.first_twins {
        let _ = writeln!(text, "  order {own} is in the store as {known}: a refund of one sends the other to a person");
    }
    if summary.twins > 0 {
        text += "  hint: import the column with the ids that the store has, such as --map \"COLUMN=Order ID\"\n";
    }
    for file in summary.files.iter().chain(&summary.lines_file) {
        text += &about(file, summary.dry_run);
    }
    if summary.dry_run {
        text += "  nothing was written (--dry-run)\n";
    }
    text
}

/// What a file was, and how it was read; of one that is as `ecomres sample orders` writes it, only what is odd.
fn about(summary: &FileSummary, whole: bool) -> String {
    let FileSummary { file, encoding, unknown_columns, .. } = summary;
    let original = summary.preset == Some("original");
    let mut text = String::new();
    if !original || !summary.format.starts_with("CSV") || summary.rows_above_header > 0 {
        let _ = writeln!(text, "  {file}: {}", described(summary));
    } else if !encoding.starts_with("UTF-8") {
        let _ = writeln!(text, "  {file}: read as {encoding}");
    }
    if whole {
        text += &column_table(summary);
    } else if !original {
        let used: Vec<String> =
            summary.columns.iter().map(|used| format!("{} = {}", used.column, used.field)).collect();
        let _ = writeln!(text, "  {file}: columns used: {}", used.join(", "));
    }
    for sheet in &summary.sheets_not_read {
        let _ = writeln!(
            text,
            "  {file}: sheet “{sheet}” is not read: its columns are not those of the sheet that is; save it as a file of its own to import it"
        );
    }
    for sheet in &summary.sheets_hidden {
        let _ = writeln!(
            text,
            "  {file}: sheet “{sheet}” is hidden and is not read: show it, and import the file again, if it holds orders"
        );
    }
    if !summary.read_by_settings.is_empty() {
        let read = summary.read_by_settings.join(", ");
        let _ = writeln!(text, "  {file}: read as [import] dates and decimal of the settings say: {read}");
    }
    for note in &summary.notes {
        let _ = writeln!(text, "  {note}");
    }
    if summary.more_notes > 0 {
        let _ = writeln!(text, "  {file}: … and {} more such notes", grouped(summary.more_notes));
    }
    if !unknown_columns.is_empty() {
        let columns = counted(unknown_columns.len() as u64, "column");
        let more = unknown_columns.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(", and {more} more") } else { String::new() };
        let named: Vec<&str> = unknown_columns.iter().take(NAMED).map(String::as_str).collect();
        let _ = writeln!(text, "  {file}: {columns} not used: {}{more}", named.join(", "));
    }
    for suggestion in &summary.suggestions {
        let (column, field) = (&suggestion.column, suggestion.field);
        let _ = writeln!(text, "  {file}: “{column}” may be {field}: if so, add --map \"{column}={field}\"");
    }
    text
}

/// `CSV with “;”, UTF-8, export of shopify, header in line 4 below 2 rows of titles`.
fn described(summary: &FileSummary) -> String {
    let mut text = format!("{}, {}", summary.format, summary.encoding);
    match summary.preset {
        Some("original") => {}
        Some(preset) => drop(write!(text, ", export of {preset}")),
        None => text += ", export of no known shop",
    }
    if summary.header_line > 1 {
        let _ = write!(text, ", header in line {}", summary.header_line);
    }
    if summary.rows_above_header > 0 {
        let _ = write!(text, " below {} with titles", counted(summary.rows_above_header, "row"));
    }
    text
}

/// The columns of a file, what they hold, and examples.
pub(super) fn column_table(summary: &FileSummary) -> String {
    let shown = |text: &str, width: usize| {
        let text = crate::domain::words::excerpt(text, width);
        let gap = width.saturating_sub(text.chars().count());
        format!("{text}{}", " ".repeat(gap))
    };
    let mut text = format!("  {} {} how      examples\n", shown("column", 28), shown("is", 24));
    for used in &summary.columns {
        let how = match used.how {
            How::Preset => "preset",
            How::Name => "name",
            How::Map => "map",
            How::Content => "content",
        };
        let read_as = used.read_as.as_ref().map(|read_as| format!(" ({read_as})")).unwrap_or_default();
        let examples = used.examples.join(" · ");
        let _ = writeln!(text, "  {} {} {how:8} {examples}{read_as}", shown(&used.column, 28), shown(used.field, 24));
    }
    for suggestion in &summary.suggestions {
        let field = format!("{}?", suggestion.field);
        let examples = suggestion.examples.join(" · ");
        let _ = writeln!(text, "  {} {} not used {examples}", shown(&suggestion.column, 28), shown(&field, 24));
    }
    text
}

/// `100,000 orders`, `1 order`.
pub(in crate::cli) fn counted(count: u64, what: &str) -> String {
    match what.strip_suffix("ry") {
        _ if count == 1 => format!("1 {what}"),
        Some(stem) => format!("{} {stem}ries", grouped(count)),
        None => format!("{} {what}s", grouped(count)),
    }
}

/// `100,000`.
pub(super) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut shown = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}
