//! Decides how everything is served by one process: the bot and the tool server at one address.
//!
//! It must never offer the tools to other machines without a token.

use std::net::SocketAddr;

use clap::Args;
use secrecy::ExposeSecret as _;

use super::{Global, app, bot};
use crate::mcp::Server;
use crate::mcp::http::{self, HttpOptions};

/// Serve everything in one process: the bot, and the tools at /mcp
#[derive(Debug, Args)]
#[command(
    after_help = "What `ecomres bot` and `ecomres mcp --http` do, at one address and with one end. Whoever reaches /mcp may call the \
    tools:\nan address that other machines reach needs MCP_TOKEN.\n\n\
    Examples:\n  ecomres serve --store shop.db\n  MCP_TOKEN=… ecomres serve --bind 0.0.0.0 --port 8000 --read-only"
)]
pub struct Options {
    #[command(flatten)]
    bot: bot::Options,
    /// Leave out the tools at /mcp that pay or alert: process_refund and request_human_intervention
    #[arg(long)]
    read_only: bool,
}

pub(super) fn run(options: Options, global: &Global) -> anyhow::Result<()> {
    let listen = &options.bot.listen;
    let address = SocketAddr::new(listen.bind, listen.port);
    let token = Some(app::load_config(global)?.mcp.token).filter(|token| !token.expose_secret().is_empty());
    http::check_exposure(address, token.as_ref())?;
    bot::start(&options.bot, global, |config, toolbox, stop| {
        let server = Server::new(toolbox.clone(), options.read_only);
        let http_options = HttpOptions {
            token: token.clone(),
            allowed_hosts: config.mcp.allowed_hosts.clone(),
            allowed_origins: config.mcp.allowed_origins.clone(),
            local: http::is_local(address.ip()),
            requests_per_second: config.mcp.requests_per_second,
            stop: stop.clone(),
        };
        Ok(http::router(&server, &http_options))
    })
}
