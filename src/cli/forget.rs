//! `ecomres forget`: exports one customer's data, then erases it. Nothing is erased before the export is complete and, without
//! `--yes`, confirmed.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use jiff::Timestamp;

use super::output::Output;
use super::{Global, InputError, app, files};
use crate::domain::ids::{UserId, transport_phone};
use crate::domain::media::extension;
use crate::domain::phone::{self, Country};
use crate::store::{self, Erased, ErasureReceipt, PersonalData, Store};
use crate::support::identities;

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
    /// Where the customer's data is written before it is erased, and their files in FILE.media [default: standard output, without
    /// the files]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(super) fn run(options: &Options, global: &Global) -> anyhow::Result<()> {
    let config = app::load_config(global)?;
    let (location, settings) = (app::store_location(global, &config), app::server_settings(&config));
    let store = app::open_existing_store(location, &settings)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("starting the runtime")?;
    let (user, data) = runtime.block_on(find(store.as_ref(), &options.user, config.country()?))?;
    if data.is_empty() {
        let refunds = match data.refunds.len() {
            0 => String::new(),
            count => format!(" but {count} in the refund ledger, which stays"),
        };
        return Err(InputError::with_hint(
            format!("nothing is kept of {user} in {}{refunds}", store::display_location(location)),
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
    if let Some(path) = &options.out {
        let folder = crate::files::beside(path, ".media");
        write_files(store.as_ref(), &data, &folder)?;
        write(path, &data)?;
    } else {
        output.json_pretty(&data)?;
        output.flush()?;
    }
    let receipt = runtime.block_on(store::forget(store.as_ref(), &user, &Timestamp::now))?;
    match &options.out {
        Some(_) if global.json => output.json(&receipt)?,
        Some(_) => output.line(summary(&receipt))?,
        // Standard output holds only the customer's data.
        None => eprintln!("{}", summary(&receipt)),
    }
    Ok(())
}

/// The customer that was typed, with what is kept of them: as WhatsApp names them, or by a number as people write it. Also by a
/// number that the customer got later.
async fn find(store: &dyn Store, typed: &str, home: Country) -> anyhow::Result<(UserId, PersonalData)> {
    let customer = async |user: UserId| {
        let named = identities::customers_of(store, std::slice::from_ref(&user)).await?;
        let user = named.into_iter().next().unwrap_or(user);
        let data = store::personal_data(store, &user).await?;
        anyhow::Ok((user, data))
    };
    let first = customer(UserId::new(typed.trim())).await?;
    if first.1.is_empty() && first.1.refunds.is_empty() {
        // With its country code the number is WhatsApp's name for them, once its signs are left out.
        let bare: String = typed.chars().filter(|c| !c.is_whitespace() && !"+-().".contains(*c)).collect();
        let digits = transport_phone(&UserId::new(&bare));
        for number in digits.into_iter().chain(phone::read(typed, home).ok()) {
            let found = customer(UserId::new(&number)).await?;
            if !(found.1.is_empty() && found.1.refunds.is_empty()) {
                return Ok(found);
            }
        }
    }
    Ok(first)
}

fn ask(user: &UserId, data: &PersonalData, location: &str) -> anyhow::Result<()> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(InputError::with_hint(
            format!("erasing what is kept of {user} needs a yes, and there is no terminal to ask on"),
            "add --yes",
        )
        .into());
    }
    eprint!(
        "Erase what {} holds of {user} ({} messages, {} alerts, {} entries of the audit trail)? Refunds stay. [y/N] ",
        store::display_location(location),
        data.chats.len().max(data.inbox.len()),
        data.alerts.len(),
        data.audit.len()
    );
    io::stderr().flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    match answer.trim().to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(InputError::new(format!("nothing was changed: what is kept of {user} stays")).into()),
    }
}

/// Writes what the customer sent into a folder: each file under its identifier in the data. They are on the disk when this returns.
fn write_files(store: &dyn Store, data: &PersonalData, to: &Path) -> anyhow::Result<()> {
    let Some(folder) = store.media_folder() else { return Ok(()) };
    let failed = |error: io::Error| {
        InputError::with_hint(
            format!("what the customer sent cannot be written to {}: {error}; nothing was erased", to.display()),
            "name a place that may be written and has room",
        )
    };
    let mut begun = false;
    for file in &data.media {
        let Some(digest) = file.content() else { continue };
        let unread = |why: String| {
            InputError::with_hint(
                format!("{} of what the customer sent cannot be read: {why}; nothing was erased", file.id.as_str()),
                "name the folder of the contents in [media] folder, or leave --out away",
            )
        };
        let content = folder.read(digest).map_err(|error| unread(error.to_string()))?;
        let Some(content) = content else { return Err(unread("its content is not in the folder".to_owned()).into()) };
        if !begun {
            let mut builder = std::fs::DirBuilder::new();
            #[cfg(unix)]
            std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
            builder.create(to).map_err(failed)?;
            begun = true;
        }
        let name = format!("{}.{}", file.id.as_str(), extension(file.mime.as_deref().unwrap_or_default()));
        crate::files::write_whole(&to.join(name), &content).map_err(failed)?;
    }
    Ok(())
}

/// Writes the data to a file that only its owner may read. It is on the disk when this returns.
fn write(path: &Path, data: &PersonalData) -> anyhow::Result<()> {
    let failed = |error: io::Error| {
        InputError::with_hint(
            format!("{} cannot be written: {error}; nothing was erased", path.display()),
            "name a place that may be written and has room",
        )
    };
    let mut text = serde_json::to_string_pretty(data).context("writing the data as JSON")?;
    text.push('\n');
    crate::files::write_whole(path, text.as_bytes()).map_err(failed)?;
    Ok(())
}

fn summary(receipt: &ErasureReceipt) -> String {
    let Erased {
        chats,
        corrections,
        unanswered,
        drafts,
        notes,
        pins,
        media,
        conversations: _,
        inbox,
        outbox,
        alerts,
        bindings,
        lookups,
        quotes,
        events,
        audit,
        ..
    } = receipt.erased;
    format!(
        "Erased: {chats} messages of the transcript, {corrections} corrected labels, {unanswered} unanswered questions, {drafts} drafts, {notes} notes and {pins} tags of the team, {media} files, {inbox} of the inbox, {outbox} replies, {alerts} alerts, {quotes} offers, {events} events, \
         {lookups} lookups, {bindings} bindings, {audit} entries of the audit trail. Refunds stay.\n\
         Reference on record: {}\nSalt, kept nowhere else: {}",
        receipt.reference, receipt.salt
    )
}
