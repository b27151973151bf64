//! Decides which tools of third parties a language model may call, and under which names.
//!
//! It must never offer one that was not allowed, nor one about money that was not allowed by its own name.

use std::sync::Arc;

use rmcp::model::Tool;
use serde_json::{Value, json};

use super::client::{Client, Target};
use crate::domain::words::words;
use crate::tools::{ForeignTool, RemoteTools, ToolSpec};

/// A third party's server.
#[derive(Debug, Clone)]
pub struct ForeignServer {
    /// What its tools' names begin with.
    pub prefix: String,
    /// Where it is.
    pub target: Target,
    /// The tools that may be called; `*` stands for all that are not about money.
    pub allow: Vec<String>,
}

/// Beginnings of words that money is moved with.
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

/// The longest name that model providers take.
const LONGEST_NAME: usize = 64;

/// Asks each server for its tools. One that cannot be reached is told and left out: the shop's own tools work without it.
pub async fn tools_of(servers: Vec<ForeignServer>) -> Vec<ForeignTool> {
    let mut found = Vec::new();
    for server in servers {
        let client = Arc::new(Client::new(server.target.clone()));
        match client.tools().await {
            Err(error) => tracing::warn!(server = %server.prefix, %error, "its tools are not offered"),
            Ok(tools) => {
                for name in server.allow.iter().filter(|name| *name != "*") {
                    if tools.iter().all(|tool| tool.name != name.as_str()) {
                        tracing::warn!(server = %server.prefix, tool = %name, "it has no such tool");
                    }
                }
                let offered = tools.iter().filter(|tool| is_allowed(&server.allow, tool));
                found.extend(offered.map(|tool| ForeignTool {
                    spec: describe(&server.prefix, tool),
                    name: tool.name.clone().into_owned(),
                    server: Arc::clone(&client) as Arc<dyn RemoteTools>,
                }));
            }
        }
    }
    found
}

fn is_allowed(allow: &[String], tool: &Tool) -> bool {
    allow.iter().any(|name| name == tool.name.as_ref())
        || (allow.iter().any(|name| name == "*") && !is_about_money(tool))
}

/// Whether a tool's name or its words speak of money.
fn is_about_money(tool: &Tool) -> bool {
    let spoken = [Some(tool.name.as_ref()), tool.title.as_deref(), tool.description.as_deref()];
    let text = spoken.into_iter().flatten().collect::<Vec<_>>().join(" ");
    // `issueRefund` and `issue_refund` are two words each.
    let mut apart = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if c.is_uppercase() || !c.is_alphanumeric() {
            apart.push(' ');
        }
        if c.is_alphanumeric() {
            apart.push(c);
        }
    }
    let together = words(&text);
    words(&apart).iter().chain(&together).any(|word| MONEY.iter().any(|money| word.starts_with(money)))
}

/// The tool as it is told to a model: with its server's prefix, in the letters that model providers take.
fn describe(prefix: &str, tool: &Tool) -> ToolSpec {
    let name: String = format!("{prefix}_{}", tool.name)
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '_' })
        .take(LONGEST_NAME)
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
        assert!(spec.writes && spec.destructive, "what a tool does not say of itself is taken at its worst");
        assert_eq!(describe(&"x".repeat(80), &tool("y", "")).name.len(), LONGEST_NAME);
    }
}
