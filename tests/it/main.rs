//! The integration tests, in one binary.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails where something unexpected is missing")]
#![expect(clippy::print_stdout, reason = "seeds and measured numbers are read beside the outcome of a test")]
#![expect(
    clippy::disallowed_methods,
    reason = "tests speak to servers of their own, not through the client of the program"
)]

use std::path::{Path, PathBuf};

mod alone;
mod architecture;
mod attach;
mod bench;
mod bot_chaos;
mod browser;
mod chaos;
mod cli;
mod consent;
mod crowd;
mod currency;
mod danger;
mod dashboard;
mod data;
mod delivery;
mod desk;
mod dotenv;
mod duty;
mod eval;
mod events;
mod files;
mod guard;
mod ids;
mod import;
mod inbox;
mod knowledge;
mod label;
mod lead;
mod live_orders;
mod llm;
mod mcp;
mod media;
mod members;
mod nlu;
mod operations;
mod order_actions;
mod palette;
mod pins;
mod promote;
mod redteam;
mod refunds;
mod replay;
mod retention;
mod simulate;
mod spoken;
mod store;
mod team;
mod templates;
mod train;
mod values;
mod watching;
mod whatsapp;
mod workers;

/// A file of the material in `../shared`, beside the repository. Only ignored tests read it: `.ci/run` runs them, and they
/// fail where it is missing.
fn shared(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared").join(name);
    assert!(path.exists(), "{} is missing", path.display());
    path
}
