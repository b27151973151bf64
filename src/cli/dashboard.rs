//! `ecomres dashboard`: serves the pages of the support team.

use std::io::{IsTerminal as _, Read as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use clap::Args;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::anchor::Anchor;
use super::mcp::{ALONE, open_store};
use super::output::Output;
use super::{Global, InputError, app, quality, team};
use crate::channels::whatsapp;
use crate::config::Config;
use crate::http::serve::{listen, serve_within};
use crate::http::shutdown;
use crate::store::Store;
use crate::web::{self, Access, AccessError, CannedReply, OrderTools, Role, Settings, TeamMember};

/// Serve the support team's pages: statistics, alerts, conversations, the audit trail
#[derive(Debug, Args)]
#[expect(clippy::doc_markdown, reason = "clap shows these comments as help")]
#[command(
    after_help = "Without [dashboard] password_hash, token or users it shows a link when it starts, which logs a browser of this machine in.\n\
    --i-am-alone does without: only direct requests of this machine are served, and no proxy or tunnel may lead to it.\n\
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
    /// Serve without a login, to direct requests of this machine only: to try it out where nobody else is on it
    #[arg(long)]
    i_am_alone: bool,
}

pub(super) fn run(options: &Options, global: &Global) -> anyhow::Result<()> {
    if options.hash_password {
        return print_hash();
    }
    let config = app::load_served_config(global)?;
    let address = SocketAddr::new(options.bind, options.port);
    // Before anything is opened: without a lock nothing is started.
    let (access, link) = if let Some(access) = access(&config, address, options.i_am_alone)? {
        (access, None)
    } else {
        let (access, link) = Access::by_link(address, &config.dashboard.allowed_hosts)?;
        (access, Some(link))
    };
    let connections = app::connections(&config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("starting the runtime")?;
    runtime.block_on(async {
        let store = open_store(global, &config)?;
        let anchor = Anchor::new(Arc::clone(&store), &config.audit)?;
        let stop = shutdown::on_signal().context("listening for signals")?;
        let tools = team::tools(global, &config, &store)?;
        let app = pages(global, &config, store, (access, Some(tools)), &stop)?;
        let listener = listen(address).await?;
        let address = listener.local_addr().context("reading the address")?;
        if !global.quiet {
            eprintln!("dashboard at http://{address}/");
        }
        // Whoever asked for silence cannot log in without it all the same.
        if let Some(link) = link {
            eprintln!("log in with this link, while this runs: http://{address}{link}");
        }
        let serving = serve_within(&connections, app, listener, stop.clone(), web::SHUTDOWN_GRACE);
        let (served, ()) = tokio::join!(serving, anchor.run(stop));
        served.context("serving the dashboard")
    })
}

/// Reads a password from standard input and prints its hash.
fn print_hash() -> anyhow::Result<()> {
    if std::io::stdin().is_terminal() {
        eprintln!("Type the password, then Enter and Ctrl-D (it is shown as you type):");
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).context("reading the password")?;
    let password = text.trim_end_matches(['\r', '\n']);
    if password.chars().count() < 8 {
        return Err(InputError::with_hint(
            "the password has fewer than 8 characters",
            "choose a longer one: whoever has it reads what customers wrote",
        )
        .into());
    }
    Output::stdout().line(web::hash_password(password)?)?;
    Ok(())
}

/// Who may use the pages at an address; `None` where nothing is set that opens them.
///
/// # Errors
/// When a setting is wrong, or other machines reach the address and nothing is set.
pub(super) fn access(config: &Config, address: SocketAddr, alone: bool) -> anyhow::Result<Option<Access>> {
    let settings = &config.dashboard;
    let users: Vec<TeamMember> = settings
        .users
        .iter()
        .filter_map(|user| {
            // Settings with an unknown role were refused when they were read.
            let role = Role::parse(user.role.trim())?;
            Some(TeamMember {
                name: user.name.clone(),
                role,
                password_hash: user.password_hash.clone(),
                token: user.token.clone(),
            })
        })
        .collect();
    let hosts = &settings.allowed_hosts;
    match Access::with_users(address, &settings.password_hash, &settings.token, hosts, &users) {
        Ok(access) => Ok(Some(access)),
        Err(AccessError::NoLock | AccessError::NoLogin(_)) if alone => {
            let access = Access::alone(address)?;
            eprintln!(
                "warning: {ALONE} sees what customers wrote and answers them. No proxy or tunnel may lead to it."
            );
            Ok(Some(access))
        }
        Err(AccessError::NoLock) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn canned_replies(config: &Config) -> Vec<CannedReply> {
    let replies = config.team.replies.iter();
    replies.map(|one| CannedReply { name: one.name.trim().to_owned(), text: one.text.trim().to_owned() }).collect()
}

/// The pages, with what does something to orders on them.
pub(super) fn pages(
    global: &Global,
    config: &Config,
    store: Arc<dyn Store>,
    (access, tools): (Access, Option<Arc<dyn OrderTools>>),
    stop: &CancellationToken,
) -> anyhow::Result<Router> {
    Ok(web::router(Settings {
        store,
        access,
        zone: config.zone()?,
        gap: config.triage.gap(),
        limits: whatsapp::LIMITS,
        template: super::bot::template(&config.whatsapp),
        money: config.money(),
        policy: Some(config.policy()?),
        tools,
        agent_limit: config.agent_refund_limit()?,
        setup: Some(Arc::new(team::OwnSetup { global: global.clone(), config: config.clone() })),
        targets: config.targets()?,
        round_robin: config.team.round_robin,
        ask_rating: config.team.ask_rating,
        response_target_seconds: config.dashboard.response_target_seconds,
        model: quality::source(global, config),
        replies: canned_replies(config),
        home: config.country()?,
        library: app::library(global, config)?,
        clock: Arc::new(Timestamp::now),
        disk: app::store_disk(global, config),
        stop: stop.clone(),
    }))
}
