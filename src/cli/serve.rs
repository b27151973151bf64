//! `ecomres serve`: the bot and the tool server at one address, and the dashboard at another, which no webhook has to reach. What
//! has no lock is not served.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use clap::Args;
use secrecy::ExposeSecret as _;

use super::mcp::ALONE;
use super::team::TeamTools;
use super::{Global, app, bot, dashboard};
use crate::http::host::is_local;
use crate::mcp::Server;
use crate::mcp::http::{self, HttpOptions, Lock};
use crate::web::OrderTools;

/// Serve everything in one process: the bot, the tools at /mcp, and the dashboard
#[derive(Debug, Args)]
#[expect(clippy::doc_markdown, reason = "clap shows these comments as help")]
#[command(
    after_help = "What `ecomres bot` does, with the four variables in .env that it needs; besides, at the same address, what `ecomres mcp --http` does, where MCP_TOKEN is set; and at a port of \
    its own what\n`ecomres dashboard` does, where [dashboard] password_hash, token or users are set. What has no lock is not served.\n\n\
    --i-am-alone serves both without a lock, to direct requests of this machine only. A proxy or a tunnel for webhooks makes strangers\n\
    look like this machine: never use both.\n\n\
    Examples:\n  MCP_TOKEN=… ecomres serve --store shop.db\n  MCP_TOKEN=… ecomres serve --bind 0.0.0.0 --port 8000 --read-only\n  \
    ecomres serve --i-am-alone            # beside the bot, the tools and the dashboard without a lock"
)]
pub struct Options {
    #[command(flatten)]
    bot: bot::Options,
    /// Leave out the tools at /mcp that pay or alert: process_refund and request_human_intervention
    #[arg(long)]
    read_only: bool,
    /// The address of the dashboard: only this machine's own without [dashboard] password_hash, token or users
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    dashboard_bind: IpAddr,
    /// The port of the dashboard; 0 for any free one
    #[arg(long, value_name = "PORT", default_value_t = 8501)]
    dashboard_port: u16,
    /// Serve the tools and the dashboard without a lock, to direct requests of this machine only: to try them out where nobody
    /// else is on it
    #[arg(long)]
    i_am_alone: bool,
}

pub(super) fn run(options: &Options, global: &Global) -> anyhow::Result<()> {
    let listen = &options.bot.listen;
    let address = SocketAddr::new(listen.bind, listen.port);
    let config = app::load_served_config(global)?;
    let has_token = !config.mcp.token.expose_secret().trim().is_empty();
    let lock = if has_token || options.i_am_alone {
        Some(Lock::find(address, &config.mcp.token, options.i_am_alone)?.0)
    } else {
        None
    };
    let dashboard_address = SocketAddr::new(options.dashboard_bind, options.dashboard_port);
    // Before anything is opened: what is set wrongly is told at once.
    let mut access = dashboard::access(&config, dashboard_address, options.i_am_alone)?;
    match &lock {
        Some(Lock::Alone) => {
            eprintln!("warning: {ALONE} may call the tools and pay refunds. No proxy or tunnel may lead to it.");
        }
        Some(Lock::Token(_)) => {}
        None if global.quiet => {}
        None => eprintln!("/mcp is not served: set MCP_TOKEN to serve the tools (to try them out: --i-am-alone)"),
    }
    if access.is_none() && !global.quiet {
        eprintln!(
            "the dashboard is not served: set [dashboard] password_hash (ecomres dashboard --hash-password), token or users (to try \
             it out: --i-am-alone)"
        );
    }
    bot::start(&options.bot, global, |config, store, toolbox, stop| {
        let routes = match &lock {
            Some(lock) => {
                let http_options = HttpOptions {
                    lock: lock.clone(),
                    allowed_hosts: config.mcp.allowed_hosts.clone(),
                    allowed_origins: config.mcp.allowed_origins.clone(),
                    local: is_local(address.ip()),
                    requests_per_second: config.mcp.requests_per_second,
                    stop: stop.clone(),
                };
                http::router(&Server::new(toolbox.clone(), options.read_only), &http_options)
            }
            None => Router::new(),
        };
        let dashboard = match access.take() {
            Some(access) => {
                // Orders that are on another server are its own team's.
                let own = options.bot.tools.is_none();
                let tools = own.then(|| Arc::new(TeamTools(toolbox.clone())) as Arc<dyn OrderTools>);
                let pages = dashboard::pages(global, config, Arc::clone(store), (access, tools), stop)?;
                Some((dashboard_address, pages))
            }
            None => None,
        };
        Ok(bot::AdditionalServices { routes, dashboard })
    })
}
