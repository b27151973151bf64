//! What is served over HTTP, and the tool servers of third parties, in the settings.

use std::fmt;

use secrecy::SecretString;
use serde::Deserialize;
use toml::Value;

use crate::domain::address::without_credentials;

/// What clients reach over HTTP, whatever is served there.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerConfig {
    /// Addresses and networks of the proxies whose word about a client's address counts.
    pub trusted_proxies: Vec<String>,
    /// The header in which they name the client.
    pub client_header: String,
    /// The most connections at the same time; 0: as many as the limit of open files has place for.
    pub connections: u32,
    /// The most connections of one address; 0: a quarter of all.
    pub connections_per_address: u32,
}

/// Metrics.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetricsConfig {
    /// The token that `/metrics` is asked with; empty: none.
    pub token: SecretString,
    /// The address of their own at which they are served; empty: none.
    pub listen: String,
}

/// The tool server (Model Context Protocol).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct McpConfig {
    /// The token that every request over HTTP must carry.
    pub token: SecretString,
    /// Host names under which the server is reached.
    pub allowed_hosts: Vec<String>,
    /// Origins of web pages that may call.
    pub allowed_origins: Vec<String>,
    /// The most requests a second from one address.
    pub requests_per_second: u32,
    /// Seconds that another tool server may take to start.
    pub start_seconds: u32,
    /// Tool servers of third parties.
    pub servers: Vec<McpServerConfig>,
}

/// A third party's tool server, one `[[mcp.servers]]`.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct McpServerConfig {
    /// The prefix of the names of its tools.
    pub name: String,
    /// Its URL, or empty.
    #[serde(default)]
    pub url: String,
    /// The command that starts it, or empty.
    #[serde(default)]
    pub command: String,
    /// The token for it, or empty.
    #[serde(default)]
    pub token: SecretString,
    /// The tools that may be called; `*` stands for all that are not about money.
    pub allow: Vec<String>,
}

impl fmt::Debug for McpServerConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // URL and command may hold secrets.
        let url = without_credentials(&self.url);
        f.debug_struct("McpServerConfig").field("name", &self.name).field("url", &url).finish_non_exhaustive()
    }
}

const KEYS: [&str; 5] = ["name", "url", "command", "token", "allow"];

/// Checks the servers of a settings file. The error completes “mcp.servers …”.
pub(super) fn check(servers: &[Value]) -> Result<(), String> {
    let mut names = Vec::new();
    for (index, server) in servers.iter().enumerate() {
        let wrong = |why: String| format!("number {}: {why}", index + 1);
        let server = server.as_table().ok_or_else(|| wrong("it must be a section [[mcp.servers]]".to_owned()))?;
        if let Some(unknown) = server.keys().find(|key| !KEYS.contains(&key.as_str())) {
            return Err(wrong(format!("there is no “{unknown}”; there are: {}", KEYS.join(", "))));
        }
        let text = |key: &str| match server.get(key) {
            None => Ok(""),
            Some(Value::String(text)) => Ok(text.trim()),
            Some(_) => Err(wrong(format!("{key} must be text in quotes"))),
        };
        let name = text("name")?;
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty() || name.len() > 20 || !name.chars().all(plain) {
            return Err(wrong("name must be 1 to 20 letters, digits or _".to_owned()));
        }
        if names.contains(&name) {
            return Err(wrong(format!("there is another server of the name {name}")));
        }
        names.push(name);
        text("token")?;
        if text("url")?.is_empty() == text("command")?.is_empty() {
            return Err(wrong(format!("{name} needs a url or a command, and not both")));
        }
        let list = server.get("allow").and_then(Value::as_array).filter(|list| list.iter().all(Value::is_str));
        if list.is_none_or(Vec::is_empty) {
            return Err(wrong(format!("{name} needs allow, the list of its tools that may be called, or [\"*\"]")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(toml: &str) -> Result<(), String> {
        let table: toml::Table = toml::from_str(toml).unwrap();
        check(table["servers"].as_array().unwrap())
    }

    #[test]
    fn wrong_servers_are_named() {
        let whole = "[[servers]]\nname = 'courier'\nurl = 'http://127.0.0.1:9/mcp'\nallow = ['track']\n";
        assert_eq!(checked(whole), Ok(()));
        for (toml, expected) in [
            ("servers = ['x']", "number 1: it must be a section"),
            (&whole.replace("url", "uri"), "there is no “uri”"),
            (&whole.replace("courier", "a b"), "name must be"),
            (&whole.replace("['track']", "[]"), "courier needs allow"),
            (&whole.replace("allow = ['track']", ""), "courier needs allow"),
            (&format!("{whole}command = 'x'"), "not both"),
            (&whole.replace("'http://127.0.0.1:9/mcp'", "''"), "a url or a command"),
            (&whole.replace("'http://127.0.0.1:9/mcp'", "5"), "url must be text"),
            (&format!("{whole}{whole}"), "number 2: there is another server of the name courier"),
        ] {
            let error = checked(toml).unwrap_err();
            assert!(error.contains(expected), "{toml}: {error}");
        }
    }
}
