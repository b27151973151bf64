//! Decides how one customer's data is handed out and erased.
//!
//! It must never erase before what is kept was written out whole, nor without a yes.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use jiff::Timestamp;

use super::output::Output;
use super::{Global, Problem, app, files};
use crate::domain::ids::UserId;
use crate::store::{self, Erased, Forgotten, PersonalData};

/// Hand out, then erase, what is kept of one customer
#[derive(Debug, Args)]
#[command(
    after_help = "First everything that is kept of the customer is written as JSON; then the transcript, messages, replies, \
    conversation, alerts, offers and lookups are erased, orders stay bound to nobody, and in the audit trail only what the \
    books need is left. The refund ledger stays as it is. The erasure is on record under a reference that names nobody; the \
    receipt holds the salt with which the customer can show that it is theirs. Orders are the shop's own data: import \
    without them to remove them.\n\n\
    It works while messages are answered: a turn in work is dropped, which may take up to a minute.\n\n\
    Examples:\n  ecomres forget 919876543210 --out 919876543210.json\n  ecomres forget 919876543210 --yes > data.json"
)]
pub struct Options {
    /// The customer, as `inbox list` and `alerts list` show them
    #[arg(value_name = "USER")]
    user: String,
    /// Where the customer's data is written before it is erased [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(super) fn run(options: Options, global: &Global) -> anyhow::Result<()> {
    let user = UserId::new(options.user.trim());
    let config = app::load_config(global)?;
    let (location, settings) = (app::store_location(global, &config), app::server_settings(&config));
    let store = app::open_existing_store(location, &settings)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("starting the runtime")?;
    let data = runtime.block_on(store::personal_data(store.as_ref(), &user))?;
    if data.is_empty() {
        let refunds = match data.refunds.len() {
            0 => String::new(),
            count => format!(" but {count} in the refund ledger, which stays"),
        };
        return Err(Problem::with_hint(
            format!("nothing is kept of {user} in {}{refunds}", store::shown(location)),
            "write the customer as `ecomres inbox list` and `ecomres alerts list` show them",
        )
        .into());
    }
    if let Some(path) = &options.out {
        files::refuse_existing(path, global)?;
    }
    if !global.yes {
        ask(&user, &data, location)?;
    }
    let mut output = Output::stdout();
    match &options.out {
        Some(path) => write(path, &data)?,
        None => {
            output.json_pretty(&data)?;
            output.flush()?;
        }
    }
    let forgotten = runtime.block_on(store::forget(store.as_ref(), &user, &Timestamp::now))?;
    match &options.out {
        Some(_) if global.json => output.json(&forgotten)?,
        Some(_) => output.line(receipt(&forgotten))?,
        // The customer's data is all that goes to standard output.
        None => eprintln!("{}", receipt(&forgotten)),
    }
    Ok(())
}

fn ask(user: &UserId, data: &PersonalData, location: &str) -> anyhow::Result<()> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(Problem::with_hint(
            format!("erasing what is kept of {user} needs a yes, and there is no terminal to ask on"),
            "add --yes",
        )
        .into());
    }
    eprint!(
        "Erase what {} holds of {user} ({} messages, {} alerts, {} entries of the audit trail)? Refunds stay. [y/N] ",
        store::shown(location),
        data.chats.len().max(data.inbox.len()),
        data.alerts.len(),
        data.audit.len()
    );
    io::stderr().flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    match answer.trim().to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Problem::new(format!("nothing was changed: what is kept of {user} stays")).into()),
    }
}

/// Writes the data to a file that only its owner may read, and that is on the disk when this returns.
fn write(path: &Path, data: &PersonalData) -> anyhow::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let failed = |error: io::Error| {
        Problem::with_hint(
            format!("{} cannot be written: {error}; nothing was erased", path.display()),
            "name a place that may be written and has room",
        )
    };
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    let mut text = serde_json::to_string_pretty(data).context("writing the data as JSON")?;
    text.push('\n');
    file.write_all(text.as_bytes()).and_then(|()| file.as_file().sync_all()).map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

fn receipt(forgotten: &Forgotten) -> String {
    let Erased {
        chats, corrections, conversations: _, inbox, outbox, alerts, bindings, lookups, quotes, audit, ..
    } = forgotten.erased;
    format!(
        "Erased: {chats} messages of the transcript, {corrections} corrected labels, {inbox} of the inbox, {outbox} replies, {alerts} alerts, {quotes} offers, \
         {lookups} lookups, {bindings} bindings, {audit} entries of the audit trail. Refunds stay.\n\
         Reference on record: {}\nSalt, kept nowhere else: {}",
        forgotten.reference, forgotten.salt
    )
}
