//! Keeps in the settings file what was said about columns, so that the next import needs nothing.

use std::path::PathBuf;

use super::super::Global;
use super::super::output::visible;
use crate::config::Config;
use crate::files::write_whole;
use crate::import::Choice;

/// Writes what is not in the settings yet into the settings file, and says so. Where that fails, it says what to write there: the import itself
/// is done.
pub(super) fn keep(choices: &[Choice], dates: Option<&str>, decimal: Option<&str>, config: &Config, global: &Global) {
    let field = |choice: &Choice| choice.field.map_or("ignore", |field| field.name());
    let new = |choice: &&Choice| config.import.columns.get(&choice.column).map(String::as_str) != Some(field(choice));
    let columns: Vec<(String, String)> =
        choices.iter().filter(new).map(|choice| (choice.column.clone(), field(choice).to_owned())).collect();
    let mut values = Vec::new();
    values.extend(dates.filter(|dates| *dates != config.import.dates).map(|dates| ("dates", dates)));
    values.extend(decimal.filter(|decimal| *decimal != config.import.decimal).map(|decimal| ("decimal", decimal)));
    if columns.is_empty() && values.is_empty() {
        return;
    }
    let path = global.config.clone().unwrap_or_else(|| PathBuf::from("ecomres.toml"));
    let path = std::fs::canonicalize(&path).unwrap_or(path);
    let before = match std::fs::read_to_string(&path) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(error),
    };
    let shown: Vec<String> = columns
        .iter()
        .map(|(column, field)| format!("{column} = {field}"))
        .chain(values.iter().map(|(name, value)| format!("{name} = {value}")))
        .collect();
    let edited = before.ok().and_then(|before| edited(&before, &columns, &values));
    let written = edited.is_some_and(|text| write_whole(&path, text.as_bytes()).is_ok());
    if written && !global.quiet {
        eprintln!("{}", visible(&format!("kept in {} for the next import: {}", path.display(), shown.join(", "))));
    } else if !written {
        eprintln!(
            "{}",
            visible(&format!(
                "warning: {} cannot be changed; add to its sections [import] and [import.columns]: {}",
                path.display(),
                shown.join(", ")
            ))
        );
    }
}

/// The text of a settings file with these columns and values; all else stays as it is. `None` where that cannot be done.
fn edited(text: &str, columns: &[(String, String)], values: &[(&str, &str)]) -> Option<String> {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for (name, value) in values {
        set(&mut lines, "[import]", name, value);
    }
    for (column, field) in columns {
        set(&mut lines, "[import.columns]", column, field);
    }
    let edited = lines.join("\n") + "\n";
    // What a person wrote may have a form that lines do not show, such as `columns = {…}`.
    let read: toml::Table = toml::from_str(&edited).ok()?;
    let import = read.get("import")?;
    let all = columns
        .iter()
        .all(|(column, field)| import.get("columns").and_then(|all| all.get(column)?.as_str()) == Some(field));
    let all = all && values.iter().all(|(name, value)| import.get(name).and_then(toml::Value::as_str) == Some(value));
    all.then_some(edited)
}

/// Sets a key of a section, which is added at the end where there is none.
fn set(lines: &mut Vec<String>, section: &str, key: &str, value: &str) {
    let line = format!("{} = {}", toml::Value::from(key), toml::Value::from(value));
    let line = if section == "[import]" { format!("{key} = {}", toml::Value::from(value)) } else { line };
    let Some(start) = lines.iter().position(|line| line.trim() == section) else {
        if lines.last().is_some_and(|last| !last.trim().is_empty()) {
            lines.push(String::new());
        }
        lines.extend([section.to_owned(), line]);
        return;
    };
    let rest = lines.iter().skip(start + 1).position(|line| line.trim_start().starts_with('['));
    let end = rest.map_or(lines.len(), |rest| start + 1 + rest);
    let is_key = |line: &String| {
        let table: Option<toml::Table> = toml::from_str(line).ok();
        table.is_some_and(|table| table.contains_key(key))
    };
    match (start + 1..end).find(|place| lines.get(*place).is_some_and(is_key)) {
        Some(place) => lines.splice(place..=place, [line]).for_each(drop),
        None => lines.insert(start + 1, line),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_settings_file_keeps_what_a_person_wrote() {
        let columns =
            [("Total \"net\"".to_owned(), "Order Value (INR)".to_owned()), ("Ref".to_owned(), "Order ID".to_owned())];
        let fresh = edited("", &columns, &[("dates", "day-first")]).unwrap();
        assert_eq!(
            fresh,
            "[import]\ndates = \"day-first\"\n\n[import.columns]\n\"Ref\" = \"Order ID\"\n'Total \"net\"' = \"Order Value (INR)\"\n"
        );
        let text = "# mine\n[shop]\ncountry = \"IN\" # home\n\n[import.columns]\nRef = \"Display ID\"\n# a note\n[refund]\nwindow_days = 3\n";
        let edited_text = edited(text, &columns, &[]).unwrap();
        assert!(
            edited_text.starts_with("# mine\n[shop]\ncountry = \"IN\" # home\n\n[import.columns]\n"),
            "{edited_text}"
        );
        assert!(edited_text.contains("\"Ref\" = \"Order ID\"\n# a note\n[refund]\n"), "{edited_text}");
        assert_eq!(edited(&edited_text, &columns, &[]).as_deref(), Some(edited_text.as_str()));
        assert_eq!(edited("[import]\ncolumns = { A = \"Order ID\" }\n", &columns, &[]), None);
    }
}
