//! What a client of the tool server sends over standard input, after the handshake and without one.
#![no_main]

use std::io::Cursor;
use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use ecomres::config::Config;
use ecomres::domain::caller::Verification;
use ecomres::domain::ids::IdPatterns;
use ecomres::domain::phone::Country;
use ecomres::mcp::{Server, stdio};
use ecomres::nlu::{Classifier, NluError, Prediction};
use ecomres::store::sqlite::SqliteStore;
use ecomres::support::{Rules, SupportService};
use ecomres::tools::Toolbox;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

const HANDSHAKE: &str = concat!(
    r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","#,
    r#""capabilities":{},"clientInfo":{"name":"fuzz","version":"1"}}}"#,
    "\n",
    r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
    "\n",
);

/// The same answer to every text: the model is not what is tested.
struct Constant;

#[async_trait]
impl Classifier for Constant {
    async fn classify(&self, _: &str) -> Result<Prediction, NluError> {
        Ok(Prediction {
            intent: "other".to_owned(),
            intent_confidence: 0.9,
            sentiment: "neutral".to_owned(),
            sentiment_confidence: 0.9,
            intents: Vec::new(),
            sentiments: Vec::new(),
            heads: std::collections::BTreeMap::new(),
        })
    }
}

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime"));

static SERVER: LazyLock<Server> = LazyLock::new(|| {
    let config = Config::defaults().expect("the shipped settings");
    let rules = Rules {
        policy: config.policy().expect("the shipped policy"),
        actions: config.actions().expect("the shipped policy"),
        patterns: IdPatterns::default(),
        verification: Verification::Claim,
        claim_proof: Vec::new(),
        daily_limit: 1_000,
        country: Country::parse("IN").unwrap(),
        zone: config.zone().expect("the shipped time zone"),
    };
    let store = Arc::new(SqliteStore::scratch().expect("a store in memory"));
    Server::new(Toolbox::new(SupportService::new(store, rules), Arc::new(Constant)), false)
});

fn serve(input: Vec<u8>) {
    let stop = CancellationToken::new();
    // An error is a valid end: the first message may ask for a version that is not spoken.
    let ended = RUNTIME.block_on(stdio::serve(SERVER.session(), Cursor::new(input), tokio::io::sink(), stop));
    drop(ended);
}

libfuzzer_sys::fuzz_target!(|frames: &[u8]| {
    serve([HANDSHAKE.as_bytes(), frames].concat());
    if frames.windows(10).any(|window| window == b"initialize") {
        serve(frames.to_vec());
    }
});
