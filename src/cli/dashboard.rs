//! Decides how the pages of the support team are served: where they listen and what opens them.
//!
//! It must never show them to other machines without a password or a token.

use std::io::{IsTerminal as _, Read as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use clap::Args;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::mcp::{open_store, stop_on_signal};
use super::output::Output;
use super::{Global, Problem, app, quality};
use crate::config::Config;
use crate::mcp::http::listen;
use crate::store::Store;
use crate::web::{self, Access, Role, Settings, User};

/// Serve the support team's pages: figures, alerts, conversations, the audit trail
#[derive(Debug, Args)]
#[command(
    after_help = "Without [dashboard] password_hash, token or users only this machine is served, without a login.\n\
    To other machines offer it behind a proxy with HTTPS. Served besides: /healthz and /readyz.\n\
    Ctrl-C or SIGTERM ends it.\n\n\
    Examples:\n  ecomres dashboard --store shop.db\n  ecomres dashboard --hash-password < password.txt\n  \
    ecomres dashboard --bind 0.0.0.0 --port 8501"
)]
pub struct Options {
    /// The address to listen at; 0.0.0.0 for all of this machine's
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    bind: IpAddr,
    /// The port to listen at; 0 for any free one
    #[arg(long, value_name = "PORT", default_value_t = 8501)]
    port: u16,
    /// Read a password from standard input and print its hash for [dashboard] password_hash
    #[arg(long)]
    hash_password: bool,
}

pub(super) fn run(options: Options, global: &Global) -> anyhow::Result<()> {
    if options.hash_password {
        return hash();
    }
    let config = app::load_config(global)?;
    let address = SocketAddr::new(options.bind, options.port);
    // Before anything is opened: what is not guarded is not begun.
    let access = access(&config, address)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("starting the runtime")?;
    runtime.block_on(async {
        let store = open_store(global, &config)?;
        let stop = stop_on_signal();
        let app = pages(global, &config, store, access, &stop)?;
        let listener = listen(address).await?;
        let address = listener.local_addr().context("reading the address")?;
        if !global.quiet {
            eprintln!("dashboard at http://{address}/");
        }
        web::serve(app, listener, stop).await.context("serving the dashboard")
    })
}

fn hash() -> anyhow::Result<()> {
    if std::io::stdin().is_terminal() {
        eprintln!("Type the password, then Enter and Ctrl-D (it is shown as you type):");
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).context("reading the password")?;
    let password = text.trim_end_matches(['\r', '\n']);
    if password.chars().count() < 8 {
        return Err(Problem::with_hint(
            "the password has fewer than 8 characters",
            "choose a longer one: whoever has it reads what customers wrote",
        )
        .into());
    }
    Output::stdout().line(web::hash_password(password)?)?;
    Ok(())
}

/// What guards the pages at an address.
pub(super) fn access(config: &Config, address: SocketAddr) -> anyhow::Result<Access> {
    let settings = &config.dashboard;
    let users: Vec<User> = settings
        .users
        .iter()
        .filter_map(|user| {
            // The settings were read with a known role only.
            let role = Role::parse(user.role.trim())?;
            Some(User {
                name: user.name.clone(),
                role,
                password_hash: user.password_hash.clone(),
                token: user.token.clone(),
            })
        })
        .collect();
    Ok(Access::with_users(address, &settings.password_hash, &settings.token, &settings.allowed_hosts, &users)?)
}

/// The pages.
pub(super) fn pages(
    global: &Global,
    config: &Config,
    store: Arc<dyn Store>,
    access: Access,
    stop: &CancellationToken,
) -> anyhow::Result<Router> {
    Ok(web::router(Settings {
        store,
        access,
        zone: config.zone()?,
        gap: config.triage.gap(),
        response_target_seconds: config.dashboard.response_target_seconds,
        model: quality::source(global, config),
        clock: Arc::new(Timestamp::now),
        stop: stop.clone(),
    }))
}
