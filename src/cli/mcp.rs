//! `ecomres mcp`: the tool server over standard input and output, or over HTTP.
//!
//! Standard output belongs to the protocol: messages go to standard error.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;
use clap::Args;

use super::anchor::Anchor;
use super::output::protocol_pipes;
use super::{Global, app};
use crate::config::Config;
use crate::http::host::is_local;
use crate::http::serve::listen;
use crate::http::shutdown;
use crate::mcp::http::{self, HttpOptions, Lock, MadeUp, Serving};
use crate::mcp::{Server, stdio};
use crate::store::{self, Store};

/// How the warning of a server without a lock begins.
pub(super) const ALONE: &str = "--i-am-alone: there is no lock. Whoever can send a request from this machine";

/// Offer the tools to assistants and other agents over the Model Context Protocol
#[derive(Debug, Args)]
#[expect(clippy::doc_markdown, reason = "clap shows these comments as help")]
#[command(
    after_help = "Without --http it serves the program that started it, over standard input and output, until the input \
    ends.\nOver HTTP every request must carry MCP_TOKEN (Authorization: Bearer …). Where it is not set, one is made up for this run and\n\
    shown; only an address of this machine is served then. --i-am-alone does without a token: only direct requests of this machine are\n\
    served, and no proxy or tunnel may lead to it.\n\n\
    Examples:\n  ecomres mcp --store shop.db\n  MCP_TOKEN=… ecomres mcp --http 127.0.0.1:8001 --store shop.db\n  \
    ecomres mcp --http --i-am-alone       # to try it out\n  MCP_TOKEN=… ecomres mcp --http 0.0.0.0:8001 --read-only\n  npx @modelcontextprotocol/inspector ecomres mcp --store shop.db"
)]
pub struct Options {
    /// Serve HTTP at this address instead, at the path /mcp [default when given alone: 127.0.0.1:8001]
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1, default_missing_value = "127.0.0.1:8001")]
    http: Option<SocketAddr>,
    /// Leave out the tools that pay or alert: process_refund and request_human_intervention
    #[arg(long)]
    read_only: bool,
    /// Serve HTTP without a token, to direct requests of this machine only: to try it out where nobody else is on it
    #[arg(long, requires = "http")]
    i_am_alone: bool,
}

pub(super) fn run(options: &Options, global: &Global) -> anyhow::Result<()> {
    let config = app::load_served_config(global)?;
    // Before anything is opened: without a lock nothing is started.
    let locked = match options.http {
        Some(address) => Some((address, Lock::find(address, &config.mcp.token, options.i_am_alone)?)),
        None => None,
    };
    let say = |line: String| {
        if !global.quiet {
            eprintln!("{line}");
        }
    };
    let begun = Instant::now();
    let engine = app::reloading_engine(global, &config)?;
    say(format!("model loaded in {} ms", begun.elapsed().as_millis()));
    let runtime = app::small_runtime()?;
    let served = runtime.block_on(async {
        let store = open_store(global, &config)?;
        let location = store::display_location(app::store_location(global, &config));
        match store.count_orders().await? {
            0 => eprintln!("warning: the store {location} holds no orders; ecomres import FILE.csv --store {location}"),
            orders => say(format!("database connected: {location}, {orders} orders")),
        }
        let anchor = Anchor::new(Arc::clone(&store), &config.audit)?;
        let anchor = if options.http.is_some() { anchor } else { anchor.without_log() };
        let server = Server::new(app::toolbox(global, &config, store, engine)?, options.read_only);
        let stop = shutdown::on_signal().context("listening for signals")?;
        // Ends with what is served, which may end by itself.
        let ended = stop.child_token();
        let anchor = tokio::spawn({
            let ended = ended.clone();
            async move { anchor.run(ended).await }
        });
        let finish = async move || {
            ended.cancel();
            let _ = anchor.await;
        };
        let Some((address, (lock, made_up))) = locked else {
            say(format!("server initialising on standard input and output, {} tools", server.tool_count()));
            let (input, output) = protocol_pipes();
            let served = stdio::serve(server, input, output, stop).await;
            finish().await;
            return Ok(served?);
        };
        let listener = listen(address).await?;
        let address = listener.local_addr().context("reading the address")?;
        say(format!("server initialising at http://{address}/mcp, {} tools", server.tool_count()));
        if let Some(MadeUp(token)) = made_up {
            eprintln!(
                "MCP_TOKEN is not set. For this run: Authorization: Bearer {token}\n\
                 (set MCP_TOKEN in the environment or .env to keep one; --i-am-alone does without)"
            );
        }
        if matches!(lock, Lock::Alone) {
            eprintln!("warning: {ALONE} may call the tools and pay refunds. No proxy or tunnel may lead to it.");
        }
        let serving = Serving { connections: app::connections(&config)?, disk: app::store_disk(global, &config) };
        let http_options = HttpOptions {
            lock,
            allowed_hosts: config.mcp.allowed_hosts.clone(),
            allowed_origins: config.mcp.allowed_origins.clone(),
            local: is_local(address.ip()),
            requests_per_second: config.mcp.requests_per_second,
            stop: stop.clone(),
        };
        let served = http::serve(server, http_options, serving, listener, stop).await;
        finish().await;
        Ok(served?)
    });
    // A blocked read from standard input must not delay the end.
    runtime.shutdown_background();
    served
}

/// Opens the store. One that `--store` names must exist: a mistyped name must not create an empty shop.
pub(super) fn open_store(global: &Global, config: &Config) -> anyhow::Result<Arc<dyn Store>> {
    let location = app::store_location(global, config);
    let settings = app::server_settings(config);
    if global.store.is_some() {
        return Ok(app::open_existing_store(location, &settings)?);
    }
    Ok(store::open_with(location, &settings)?)
}
