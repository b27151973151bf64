//! What an import asks on a terminal: columns that are not certain, dates that can be read in two ways, and whether all orders are
//! replaced.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use super::super::InputError;
use super::super::output::visible;
use super::summary::{column_table, grouped};
use crate::import::values::DateOrder;
use crate::import::{Choice, Field, FileSummary};

fn answer(question: &str) -> anyhow::Result<String> {
    eprint!("{} ", visible(question));
    io::stderr().flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(answer.trim().to_lowercase())
}

/// Whether all orders of a store are replaced.
pub(super) fn replace(store: &str, orders: u64, from_stdin: bool) -> anyhow::Result<()> {
    if from_stdin || !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(InputError::with_hint(
            format!("replacing all orders of {store} needs a yes, and there is no terminal to ask on"),
            "add --yes, or --dry-run to see what would happen",
        )
        .into());
    }
    match answer(&format!("Replace all {} orders in {store}? Refunds stay. [y/N]", grouped(orders)))?.as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(InputError::new(format!("nothing was changed: the orders of {store} stay")).into()),
    }
}

/// Which number of a date is the day.
pub(super) fn dates(file: &str, column: &str, why: &str) -> anyhow::Result<DateOrder> {
    eprintln!("{}", visible(&format!("{file}: in column “{column}”, {why}.")));
    match answer("Day first or month first? [d/m]")?.as_str() {
        "d" | "day" | "day first" | "day-first" => Ok(DateOrder::DayFirst),
        "m" | "month" | "month first" | "month-first" => Ok(DateOrder::MonthFirst),
        _ => Err(InputError::with_hint("nothing was imported", "add --dates day-first or --dates month-first").into()),
    }
}

/// Whether a column is the order's id.
pub(super) fn id(file: &str, column: &str) -> anyhow::Result<Choice> {
    let question = format!("{file}: is “{column}” the order's id, as customers write it? [y/N]");
    match answer(&question)?.as_str() {
        "y" | "yes" => Ok(Choice { column: column.to_owned(), field: Some(Field::OrderId), required: false }),
        _ => Err(InputError::with_hint(
            "nothing was imported",
            "say which column is the order's id, such as --map \"Ref=Order ID\"",
        )
        .into()),
    }
}

/// Whether the columns are right; returns suggestions that were accepted, if they are asked about.
pub(super) fn columns(summary: &FileSummary, suggestions: bool) -> anyhow::Result<Vec<Choice>> {
    eprint!("{}", visible(&column_table(summary)));
    let mut chosen = Vec::new();
    for suggestion in summary.suggestions.iter().filter(|_| suggestions) {
        let question =
            format!("Is “{}” ({}) the {}? [y/N]", suggestion.column, suggestion.examples.join(", "), suggestion.field);
        if matches!(answer(&question)?.as_str(), "y" | "yes")
            && let Ok(choice) = Choice::new(&suggestion.column, suggestion.field)
        {
            chosen.push(Choice { required: false, ..choice });
        }
    }
    if !chosen.is_empty() {
        return Ok(chosen);
    }
    match answer("Import with these columns? [Y/n]")?.as_str() {
        "" | "y" | "yes" => Ok(Vec::new()),
        _ => Err(InputError::with_hint(
            "nothing was imported",
            "say what a column holds with --map, such as --map \"Ref=Order ID\"; see `ecomres import --help`",
        )
        .into()),
    }
}
