//! `ecomres sample`: writes generated data. It must never overwrite a file without `--yes`.

mod orders;

use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::Subcommand;
use jiff::civil::Date;

use super::output::Output;
use super::{Global, InputError};

/// Make up data to try things out with
#[derive(Debug, clap::Args)]
#[command(arg_required_else_help = true)]
pub struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Orders(OrdersOptions),
}

/// Write a CSV file of made-up orders
///
/// The same options always give the same file. Dates lie in the 90 days before --until. The first 20 orders carry no
/// telephone number, so that anybody may ask for them; all others do. The numbers belong to nobody: Delhi numbers
/// (+91 11) start with 2 to 7, these with 0. Order ORD000003 is always the one of the documented refund conversation:
/// Beverages, ₹599, delivered with items missing.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  ecomres sample orders --out orders.csv\n  \
    ecomres sample orders --rows 10000 --seed 42 | ecomres import -")]
struct OrdersOptions {
    /// How many orders
    #[arg(long, value_name = "N", default_value_t = 500, allow_negative_numbers = true,
        value_parser = clap::value_parser!(u32).range(1..=999_999))]
    rows: u32,
    /// Another seed gives other orders
    #[arg(long, value_name = "S", default_value_t = 7, allow_negative_numbers = true, value_parser = seed)]
    seed: u64,
    /// All orders are from before this day
    #[arg(long, value_name = "DATE", default_value = "2026-11-01")]
    until: Date,
    /// Write to a file [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

fn seed(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("a seed is a whole number from 0 to {}", u64::MAX))
}

/// Runs the command.
///
/// # Errors
/// The file exists or cannot be written.
pub fn run(options: Options, global: &Global) -> anyhow::Result<()> {
    let What::Orders(options) = options.what;
    let orders = orders::Sample::new(options.rows, options.seed, options.until);
    let Some(path) = &options.out else {
        let mut output = Output::stdout();
        orders.write(|text| output.text(text))?;
        output.flush()?;
        return Ok(());
    };
    let failed = |error: io::Error| {
        let message = format!("{} cannot be written: {error}", path.display());
        InputError::with_hint(message, "name a file in a folder that may be written and has space")
    };
    let fill = |file: &mut dyn Write| {
        let mut file = BufWriter::new(file);
        orders.write(|text| file.write_all(text.as_bytes())).and_then(|()| file.flush())
    };
    match std::fs::metadata(path) {
        Ok(about) if about.is_dir() => {
            let message = format!("{} is a folder", path.display());
            return Err(InputError::with_hint(message, "name a file in it, such as orders.csv").into());
        }
        Ok(_) if !global.yes => {
            let message = format!("{} exists already", path.display());
            return Err(InputError::with_hint(message, "add --yes to overwrite it, or name another file").into());
        }
        // A device or pipe is written to, never replaced.
        Ok(about) if !about.is_file() => {
            let mut device = OpenOptions::new().write(true).open(path).map_err(failed)?;
            return Ok(fill(&mut device).map_err(failed)?);
        }
        _ => {}
    }
    // Written beside and renamed: a full disk leaves no half a file, and an old one stays until the new one is whole.
    let target = path.canonicalize().unwrap_or_else(|_| path.clone());
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".ecomres-sample-");
    // What the user's umask leaves of it, as for any other file.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(folder).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => failed(io::Error::other(format!("the folder {} does not exist", folder.display()))),
        _ => failed(error),
    })?;
    fill(file.as_file_mut()).map_err(failed)?;
    let moved = if global.yes { file.persist(&target) } else { file.persist_noclobber(&target) };
    moved.map_err(|error| failed(error.error))?;
    Ok(())
}
