//! Decides where a copy of the store goes.
//!
//! It must never overwrite a file that it was not told to overwrite.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::output::Output;
use super::{Global, app};
use crate::store;

/// Copy the store to a file, also while it is in use
#[derive(Debug, Args)]
#[command(
    after_help = "The copy is the store as it is at one moment. It is made beside its place, checked and then moved there; \
    to restore it, stop everything and put it in the place of the store.\n\n\
    Examples:\n  ecomres backup ecomres-monday.db\n  ecomres backup --store shop.db --yes /backups/shop.db"
)]
pub struct Options {
    /// The copy; a file that is there already is only replaced with --yes
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

pub(super) fn run(options: Options, global: &Global) -> anyhow::Result<()> {
    let config = app::load_config(global)?;
    let location = app::store_location(global, &config);
    let report = store::backup(location, &options.file, global.yes)?;
    let mut output = Output::stdout();
    if global.json {
        let file = options.file.display().to_string();
        output.json(&json!({"store": location, "file": file, "bytes": report.bytes, "schema": report.schema}))?;
    } else {
        output.line(format!(
            "{} holds all of {location}: {:.1} MB, schema {}, intact.",
            options.file.display(),
            report.bytes as f64 / 1e6,
            report.schema
        ))?;
    }
    Ok(())
}
