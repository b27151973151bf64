//! Which tools of third parties a language model may call, and under which names.
//!
//! Only allowed tools are offered; one about money only where it is allowed by its own name.

use std::sync::Arc;
use std::time::Duration;

use rmcp::model::Tool;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::client::{Client, Target};
use crate::domain::words::words;
use crate::tools::{CANCEL, CHANGE, ForeignTool, RETURN, RemoteError, RemoteTools, ToolSpec};

/// A third party's server.
#[derive(Debug, Clone)]
pub struct ForeignServer {
    /// What its tools' names begin with.
    pub prefix: String,
    /// Where it is.
    pub target: Target,
    /// The tools that may be called; `*` stands for all that are not about money.
    pub allow: Vec<String>,
    /// How long it may take to start.
    pub start: Duration,
}

/// Prefixes of words about moving money.
const MONEY: [&str; 14] = [
    "refund",
    "reimburs",
    "pay",
    "payout",
    "charge",
    "chargeback",
    "credit",
    "debit",
    "transfer",
    "money",
    "cash",
    "compensat",
    "voucher",
    "withdraw",
];

/// The longest name that model providers accept.
const MAX_NAME_CHARS: usize = 64;

/// The first pause before a server that could not be reached is tried again; each is twice as long as the one before.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_mins(5);

/// Lists the tools of each server once. One that cannot be reached is logged and left out: the shop's own tools work
/// without it.
pub async fn tools_of(servers: Vec<ForeignServer>) -> Vec<ForeignTool> {
    let mut found = Vec::new();
    for server in servers {
        match list(&server).await {
            Ok(tools) => found.extend(tools),
            Err(error) => tracing::warn!(server = %server.prefix, %error, "its tools are not offered"),
        }
    }
    found
}

/// Connects to each server in the background, however long that takes, and gives its tools to `add` once it has them.
/// What is returned ends when each was tried once.
pub fn connect_in_background(
    servers: Vec<ForeignServer>,
    add: impl Fn(Vec<ForeignTool>) + Clone + Send + 'static,
) -> impl Future<Output = ()> {
    let tried: Vec<_> = servers
        .into_iter()
        .map(|server| {
            let add = add.clone();
            let (done, tried) = oneshot::channel::<()>();
            tokio::spawn(async move {
                let mut done = Some(done);
                let mut pause = FIRST_PAUSE;
                loop {
                    match list(&server).await {
                        Ok(tools) => {
                            tracing::info!(server = %server.prefix, tools = tools.len(), "its tools are offered");
                            return add(tools);
                        }
                        Err(error) if done.is_some() => {
                            tracing::warn!(server = %server.prefix, %error, "its tools are not offered until it answers");
                        }
                        Err(error) => tracing::debug!(server = %server.prefix, %error, "it does not answer yet"),
                    }
                    // Whoever waits for the first attempt has waited long enough.
                    drop(done.take());
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            });
            tried
        })
        .collect();
    async move {
        for tried in tried {
            // An error says as well that the first attempt is over.
            let _ = tried.await;
        }
    }
}

async fn list(server: &ForeignServer) -> Result<Vec<ForeignTool>, RemoteError> {
    let client = Arc::new(Client::new(server.target.clone()).with_start_time(server.start));
    let tools = client.tools().await?;
    for name in server.allow.iter().filter(|name| *name != "*") {
        if tools.iter().all(|tool| tool.name != name.as_str()) {
            tracing::warn!(server = %server.prefix, tool = %name, "it has no such tool");
        }
    }
    let offered = tools.iter().filter(|tool| is_allowed(&server.allow, tool));
    Ok(offered
        .map(|tool| ForeignTool {
            spec: describe(&server.prefix, tool),
            name: tool.name.clone().into_owned(),
            server: Arc::clone(&client) as Arc<dyn RemoteTools>,
        })
        .collect())
}

fn is_allowed(allow: &[String], tool: &Tool) -> bool {
    allow.iter().any(|name| name == tool.name.as_ref())
        || (allow.iter().any(|name| name == "*") && !is_about_money(tool) && !changes_orders(tool))
}

/// Whether a tool is one of those that here wait for a customer's yes: elsewhere they would not.
fn changes_orders(tool: &Tool) -> bool {
    [CANCEL, CHANGE, RETURN].contains(&tool.name.as_ref())
}

/// Whether the name, title or description of a tool mentions money.
fn is_about_money(tool: &Tool) -> bool {
    let texts = [Some(tool.name.as_ref()), tool.title.as_deref(), tool.description.as_deref()];
    let text = texts.into_iter().flatten().collect::<Vec<_>>().join(" ");
    // `issueRefund` and `issue_refund` are two words each.
    let mut split = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if c.is_uppercase() || !c.is_alphanumeric() {
            split.push(' ');
        }
        if c.is_alphanumeric() {
            split.push(c);
        }
    }
    let whole = words(&text);
    words(&split).iter().chain(&whole).any(|word| MONEY.iter().any(|money| word.starts_with(money)))
}

/// The tool as a model sees it: with the prefix of its server, in the characters that model providers accept.
fn describe(prefix: &str, tool: &Tool) -> ToolSpec {
    let name: String = format!("{prefix}_{}", tool.name)
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '_' })
        .take(MAX_NAME_CHARS)
        .collect();
    let hints = tool.annotations.as_ref();
    ToolSpec {
        title: tool.title.clone().unwrap_or_else(|| name.clone()).into(),
        name: name.into(),
        description: tool.description.clone().unwrap_or_default(),
        input: Value::Object(tool.input_schema.as_ref().clone()),
        output: tool.output_schema.as_ref().map_or_else(|| json!({"type": "object"}), |schema| json!(**schema)),
        writes: hints.and_then(|hints| hints.read_only_hint) != Some(true),
        idempotent: hints.is_some_and(rmcp::model::ToolAnnotations::is_idempotent),
        destructive: hints.is_none_or(rmcp::model::ToolAnnotations::is_destructive),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(name: &'static str, description: &'static str) -> Tool {
        Tool::new(name, description, Arc::new(serde_json::Map::new()))
    }

    #[test]
    fn money_needs_its_own_name_on_the_list() {
        let all = vec!["*".to_owned()];
        for (name, description) in [
            ("process_refund", ""),
            ("issueRefund", ""),
            ("REFUND", ""),
            ("give", "Pays the customer back."),
            ("x", "Creates a store-credit voucher"),
            ("adjust-reimbursement", ""),
        ] {
            let tool = tool(name, description);
            assert!(!is_allowed(&all, &tool), "{name}: {description}");
            assert!(is_allowed(&[name.to_owned()], &tool));
            assert!(!is_allowed(&[], &tool));
        }
        let harmless = tool("track_parcel", "Tells where a parcel is.");
        assert!(is_allowed(&all, &harmless) && !is_allowed(&["other".to_owned()], &harmless));
    }

    #[test]
    fn names_carry_their_prefix_and_fit() {
        let spec = describe("courier", &tool("track.parcel/v2", "Tells where a parcel is."));
        assert_eq!(spec.name, "courier_track_parcel_v2");
        assert!(spec.writes && spec.destructive, "what a tool does not declare is assumed at its worst");
        assert_eq!(describe(&"x".repeat(80), &tool("y", "")).name.len(), MAX_NAME_CHARS);
    }
}
