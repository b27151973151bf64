//! Decides how the tool server is started: over standard input and output, or over HTTP.
//!
//! It must never write anything but the protocol to standard output: what it has to say goes to standard error.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;
use clap::Args;
use secrecy::ExposeSecret;
use tokio_util::sync::CancellationToken;

use super::output::protocol_pipes;
use super::{Global, app};
use crate::config::Config;
use crate::mcp::http::{self, HttpOptions};
use crate::mcp::{Server, stdio};
use crate::store::{self, Store};

/// Offer the tools to assistants and other agents over the Model Context Protocol
#[derive(Debug, Args)]
#[command(
    after_help = "Without --http it serves the program that started it, over standard input and output, until the input \
    ends.\nWhoever reaches an HTTP address may call the tools: one that other machines reach needs MCP_TOKEN.\n\n\
    Examples:\n  ecomres mcp --store shop.db\n  ecomres mcp --http 127.0.0.1:8001 --store shop.db\n  \
    MCP_TOKEN=… ecomres mcp --http 0.0.0.0:8001 --read-only\n  npx @modelcontextprotocol/inspector ecomres mcp --store shop.db"
)]
pub struct Options {
    /// Serve HTTP at this address instead, at the path /mcp [default when given alone: 127.0.0.1:8001]
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1, default_missing_value = "127.0.0.1:8001")]
    http: Option<SocketAddr>,
    /// Leave out the tools that pay or alert: process_refund and request_human_intervention
    #[arg(long)]
    read_only: bool,
}

pub(super) fn run(options: Options, global: &Global) -> anyhow::Result<()> {
    let config = app::load_config(global)?;
    let token = Some(config.mcp.token.clone()).filter(|token| !token.expose_secret().is_empty());
    if let Some(address) = options.http {
        http::check_exposure(address, token.as_ref())?;
    }
    let say = |line: String| {
        if !global.quiet {
            eprintln!("{line}");
        }
    };
    let begun = Instant::now();
    let engine = app::live_engine(global, &config)?;
    say(format!("model loaded in {} ms", begun.elapsed().as_millis()));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("starting the runtime")?;
    let served = runtime.block_on(async {
        let store = open_store(global, &config)?;
        let location = app::store_location(global, &config);
        match store.count_orders().await? {
            0 => eprintln!("warning: the store {location} holds no orders; ecomres import FILE.csv --store {location}"),
            orders => say(format!("database connected: {location}, {orders} orders")),
        }
        let server = Server::new(app::toolbox(&config, store, engine)?, options.read_only);
        let stop = stop_on_signal();
        let Some(address) = options.http else {
            say(format!("server initialising on standard input and output, {} tools", server.tool_count()));
            let (input, output) = protocol_pipes();
            return Ok(stdio::serve(server, input, output, stop).await?);
        };
        let listener = http::listen(address).await?;
        let address = listener.local_addr().context("reading the address")?;
        say(format!("server initialising at http://{address}/mcp, {} tools", server.tool_count()));
        let http_options = HttpOptions {
            token,
            allowed_hosts: config.mcp.allowed_hosts.clone(),
            allowed_origins: config.mcp.allowed_origins.clone(),
            local: http::is_local(address.ip()),
            requests_per_second: config.mcp.requests_per_second,
            stop: stop.clone(),
        };
        Ok(http::serve(server, http_options, listener, stop).await?)
    });
    // A read from standard input cannot be taken back: it must not hold up the end.
    runtime.shutdown_background();
    served
}

/// Opens the store. One that was named must be there: a mistyped name must not make an empty shop.
pub(super) fn open_store(global: &Global, config: &Config) -> anyhow::Result<Arc<dyn Store>> {
    let location = app::store_location(global, config);
    let settings = app::server_settings(config);
    if global.store.is_some() {
        return Ok(app::open_existing_store(location, &settings)?);
    }
    Ok(store::open_with(location, &settings)?)
}

/// Cancelled by Ctrl-C and by SIGTERM.
pub(super) fn stop_on_signal() -> CancellationToken {
    let stop = CancellationToken::new();
    let cancelled = stop.clone();
    tokio::spawn(async move {
        let interrupt = tokio::signal::ctrl_c();
        #[cfg(unix)]
        {
            let Ok(mut terminate) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) else {
                return;
            };
            tokio::select! {
                _ = interrupt => {}
                _ = terminate.recv() => {}
            }
        }
        #[cfg(not(unix))]
        let _ = interrupt.await;
        cancelled.cancel();
    });
    stop
}
