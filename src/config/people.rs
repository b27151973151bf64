//! The members of the team in the settings, and the texts that they send often.

use secrecy::SecretString;
use serde::Deserialize;
use toml::Value;

/// A member of the team, one `[[dashboard.users]]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DashboardUserConfig {
    /// The name for logging in.
    pub name: String,
    /// `viewer`, `agent` or `admin`.
    pub role: String,
    /// The argon2 hash of their password, or empty.
    #[serde(default)]
    pub password_hash: SecretString,
    /// A token that gives them access to the pages as well, or empty.
    #[serde(default)]
    pub token: SecretString,
}

/// How the team writes.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TeamConfig {
    /// Texts that the team sends often.
    pub replies: Vec<CannedReplyConfig>,
    /// Minutes within which a person answers a customer who was handed over; 0: nothing is promised.
    pub first_reply_minutes: u32,
    /// Hours within which an alert is resolved; 0: nothing is promised.
    pub resolve_hours: u32,
    /// Whether new alerts are assigned to members by turns.
    pub round_robin: bool,
    /// Whether customers are asked about the team's work.
    pub ask_rating: bool,
    /// The most that an agent lets go back to a customer, in the shop's currency; 0: what the policy allows.
    pub agent_refund_limit: serde_json::Value,
}

/// A text that the team sends often, one `[[team.replies]]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CannedReplyConfig {
    /// What is typed after a slash to get it.
    pub name: String,
    /// The text; `{order_id}` and `{name}` are filled in.
    pub text: String,
}

/// The longest canned reply, in characters: as long as a message may be.
const LONGEST_REPLY: usize = 4_096;

/// Checks the canned replies of a settings file. The error completes “team.replies …”.
pub(super) fn check_replies(replies: &[Value]) -> Result<(), String> {
    let mut names: Vec<&str> = Vec::new();
    for (index, reply) in replies.iter().enumerate() {
        let wrong = |why: String| format!("number {}: {why}", index + 1);
        let reply = reply.as_table().ok_or_else(|| wrong("it must be a section [[team.replies]]".to_owned()))?;
        if let Some(unknown) = reply.keys().find(|key| !["name", "text"].contains(&key.as_str())) {
            return Err(wrong(format!("there is no “{unknown}”; there are: name, text")));
        }
        let text = |key: &str| reply.get(key).and_then(Value::as_str).map(str::trim).unwrap_or_default();
        let name = text("name");
        let plain = |c: char| c.is_lowercase() || c.is_numeric() || c == '-';
        if name.is_empty() || name.chars().count() > 40 || !name.chars().all(plain) {
            return Err(wrong("name must be 1 to 40 small letters, digits or “-”".to_owned()));
        }
        if names.contains(&name) {
            return Err(wrong(format!("the name {name} is there twice")));
        }
        names.push(name);
        let words = text("text");
        if words.is_empty() || words.chars().count() > LONGEST_REPLY {
            return Err(wrong(format!("the text of {name} must have 1 to {LONGEST_REPLY} characters")));
        }
    }
    Ok(())
}

const KEYS: [&str; 4] = ["name", "role", "password_hash", "token"];
/// The roles of members of the team.
const ROLES: [&str; 3] = ["viewer", "agent", "admin"];

/// Checks the members of a settings file. The error completes “dashboard.users …”.
pub(super) fn check(users: &[Value]) -> Result<(), String> {
    for (index, user) in users.iter().enumerate() {
        let wrong = |why: String| format!("number {}: {why}", index + 1);
        let user = user.as_table().ok_or_else(|| wrong("it must be a section [[dashboard.users]]".to_owned()))?;
        if let Some(unknown) = user.keys().find(|key| !KEYS.contains(&key.as_str())) {
            return Err(wrong(format!("there is no “{unknown}”; there are: {}", KEYS.join(", "))));
        }
        let text = |key: &str| match user.get(key) {
            None => Ok(""),
            Some(Value::String(text)) => Ok(text.trim()),
            Some(_) => Err(wrong(format!("{key} must be text in quotes"))),
        };
        let name = text("name")?;
        if name.is_empty() {
            return Err(wrong("it needs a name".to_owned()));
        }
        let role = text("role")?;
        if !ROLES.contains(&role) {
            let found = if role.is_empty() { "none".to_owned() } else { format!("“{}”", role.escape_debug()) };
            return Err(wrong(format!("the role of {name} must be {}; found: {found}", ROLES.join(" or "))));
        }
        if text("password_hash")?.is_empty() && text("token")?.is_empty() {
            return Err(wrong(format!("{name} needs a password_hash or a token")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_canned_replies_are_named() {
        let checked =
            |toml: &str| check_replies(toml::from_str::<toml::Table>(toml).unwrap()["replies"].as_array().unwrap());
        let whole = "[[replies]]\nname = 'late'\ntext = 'Sorry, {name}'\n";
        assert_eq!(checked(whole), Ok(()));
        for (toml, expected) in [
            ("replies = ['x']", "number 1: it must be a section"),
            (&whole.replace("text", "words"), "there is no “words”"),
            (&whole.replace("late", "La te"), "name must be 1 to 40 small letters"),
            (&format!("{whole}{whole}"), "number 2: the name late is there twice"),
            (&whole.replace("Sorry, {name}", " "), "the text of late must have"),
        ] {
            let error = checked(toml).unwrap_err();
            assert!(error.contains(expected), "{toml}: {error}");
        }
    }

    #[test]
    fn wrong_members_are_named() {
        let checked = |toml: &str| check(toml::from_str::<toml::Table>(toml).unwrap()["users"].as_array().unwrap());
        let whole = "[[users]]\nname = 'front-desk'\nrole = 'agent'\ntoken = 's3cret'\n";
        assert_eq!(checked(whole), Ok(()));
        for (toml, expected) in [
            ("users = ['x']", "number 1: it must be a section"),
            (&whole.replace("token", "word"), "there is no “word”"),
            (&whole.replace("front-desk", " "), "needs a name"),
            (&whole.replace("agent", "boss"), "must be viewer or agent or admin; found: “boss”"),
            (&whole.replace("role = 'agent'", ""), "found: none"),
            (&whole.replace("s3cret", ""), "front-desk needs a password_hash or a token"),
            (&whole.replace("'s3cret'", "5"), "token must be text"),
        ] {
            let error = checked(toml).unwrap_err();
            assert!(error.contains(expected) && !error.contains("s3cret"), "{toml}: {error}");
        }
    }
}
