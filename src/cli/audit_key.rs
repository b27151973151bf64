//! `ecomres audit-key`: shows which key signs the audit trail, and puts another one into use on record.

use anyhow::Context as _;
use clap::Args;
use serde_json::json;

use super::import::counted;
use super::output::Output;
use super::{Global, InputError, app};
use crate::store::{self, KeyPlace};

/// What to say of a key that may be nowhere but here.
const KEEP: &str = "warning: this process has the key from its environment or settings, and keeps no copy: store it now where \
    every process of this store reads it (its env file, or a file that [audit] key_file names), or nothing can write to the store";

/// Show the key that signs the audit trail, or put another one into use
#[derive(Debug, Args)]
#[command(
    after_help = "The key is ECOMRES_AUDIT_KEY (32 bytes or more in hexadecimal or base64), or in the file [audit] key_file, or in \
    the file beside the store, STORE.audit-key, which is made at the first start. All processes of one store need the same.\n\n\
    --begin is for a new key, also where the one before is lost: the trail goes on, signed with it from an entry on that \
    says so. Before that, check what is there: ecomres report audit --verify --heads LOG\n\n\
    A new key is stored first, where every process of the store reads it from then on: a key that is only in the \
    environment of this command is lost with it. One that another took the place of is never put into use again.\n\n\
    Examples:\n  ecomres audit-key\n  (umask 077; openssl rand -hex 32 > /etc/ecomres/audit-key-2)\n  \
    ECOMRES_AUDIT__KEY_FILE=/etc/ecomres/audit-key-2 ecomres audit-key --begin"
)]
pub struct Options {
    /// Put the key into use, on record: from the next entry on it signs
    #[arg(long)]
    begin: bool,
}

pub(super) fn run(options: &Options, global: &Global) -> anyhow::Result<()> {
    let config = app::load_config(global)?;
    let (location, settings) = (app::store_location(global, &config), app::server_settings(&config));
    let shown = store::display_location(location);
    // A mistyped place must not make a store.
    let store = store::open_read_only_with(location, &settings)?;
    let store = if options.begin { store::begin_signing(location, &settings)? } else { store };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("starting the runtime")?;
    let check = runtime.block_on(store.check_audit())?;
    let Some(loaded) = store.audit_key() else {
        return Err(InputError::with_hint(
            format!("there is no key for the audit trail of {shown}"),
            "it is made when the store is first written; or name a file that holds 32 bytes in hexadecimal (openssl rand \
             -hex 32) as [audit] key_file",
        )
        .into());
    };
    let mut output = Output::stdout();
    if global.json {
        let place = loaded.place.to_string();
        output
            .json(&json!({"key": loaded.key.id(), "place": place, "signed": check.signed, "entries": check.entries}))?;
    } else {
        let (id, place, of) = (loaded.key.id(), &loaded.place, counted(check.entries, "entry"));
        output.line(match check.entries {
            0 => format!("The key {id} in {place} signs the audit trail of {shown}, which has no entries yet."),
            _ => format!("The key {id} in {place} signed {} of the {of} of {shown}.", check.signed),
        })?;
    }
    if !global.quiet && options.begin && loaded.place == KeyPlace::Settings {
        eprintln!("{KEEP}");
    }
    if !global.quiet && matches!(loaded.place, KeyPlace::File { beside: true, .. }) {
        eprintln!("{}", app::KEY_BESIDE);
    }
    Ok(())
}
