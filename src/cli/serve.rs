//! Decides how everything is served by one process: the bot and the tool server at one address, the dashboard at another,
//! which no webhook has to reach.
//!
//! It must never offer the tools or the dashboard to other machines without a lock.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use clap::Args;
use secrecy::ExposeSecret as _;

use super::{Global, app, bot, dashboard};
use crate::mcp::Server;
use crate::mcp::http::{self, HttpOptions};

/// Serve everything in one process: the bot, the tools at /mcp, and the dashboard
#[derive(Debug, Args)]
#[command(
    after_help = "What `ecomres bot` and `ecomres mcp --http` do, at one address, and `ecomres dashboard` at a port of its own. Whoever reaches /mcp may call the \
    tools:\nan address that other machines reach needs MCP_TOKEN.\n\n\
    Examples:\n  ecomres serve --store shop.db\n  MCP_TOKEN=… ecomres serve --bind 0.0.0.0 --port 8000 --read-only"
)]
pub struct Options {
    #[command(flatten)]
    bot: bot::Options,
    /// Leave out the tools at /mcp that pay or alert: process_refund and request_human_intervention
    #[arg(long)]
    read_only: bool,
    /// The address of the dashboard: only this machine's own without [dashboard] password_hash or token
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    dashboard_bind: IpAddr,
    /// The port of the dashboard; 0 for any free one
    #[arg(long, value_name = "PORT", default_value_t = 8501)]
    dashboard_port: u16,
}

pub(super) fn run(options: Options, global: &Global) -> anyhow::Result<()> {
    let listen = &options.bot.listen;
    let address = SocketAddr::new(listen.bind, listen.port);
    let token = Some(app::load_config(global)?.mcp.token).filter(|token| !token.expose_secret().is_empty());
    http::check_exposure(address, token.as_ref())?;
    let pages = SocketAddr::new(options.dashboard_bind, options.dashboard_port);
    // Before anything is opened: what is not guarded is not begun.
    dashboard::access(&app::load_config(global)?, pages)?;
    bot::start(&options.bot, global, |config, store, toolbox, stop| {
        let server = Server::new(toolbox.clone(), options.read_only);
        let http_options = HttpOptions {
            token: token.clone(),
            allowed_hosts: config.mcp.allowed_hosts.clone(),
            allowed_origins: config.mcp.allowed_origins.clone(),
            local: http::is_local(address.ip()),
            requests_per_second: config.mcp.requests_per_second,
            stop: stop.clone(),
        };
        let dashboard = dashboard::pages(global, config, Arc::clone(store), dashboard::access(config, pages)?, stop)?;
        Ok(bot::Beside { routes: http::router(&server, &http_options), dashboard: Some((pages, dashboard)) })
    })
}
