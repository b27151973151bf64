//! `ecomres backup`: copies the store to a file. An existing file is replaced only with `--yes`.

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
    to restore it, stop everything and put it in the place of the store. Only you may read it. The key of the audit trail is not \
    in it: keep a copy of that apart (`ecomres audit-key` shows where it is).\n\n\
    Examples:\n  ecomres backup ecomres-monday.db\n  ecomres backup --store shop.db --yes /backups/shop.db"
)]
pub struct Options {
    /// The copy; a file that is there already is only replaced with --yes
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

#[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

pub(super) fn run(options: &Options, global: &Global) -> anyhow::Result<()> {
    let config = app::load_config(global)?;
    let location = app::store_location(global, &config);
    let report = store::backup(location, &options.file, global.yes)?;
    let location = store::display_location(location);
    let mut output = Output::stdout();
    if global.json {
        let file = options.file.display().to_string();
        output.json(&json!({"store": location, "file": file, "bytes": report.bytes, "schema": report.schema}))?;
    } else {
        output.line(format!(
            "{} holds all of {location}: {:.1} MB, schema {}, intact.",
            options.file.display(),
            megabytes(report.bytes),
            report.schema
        ))?;
    }
    Ok(())
}
