//! The members of the team in the settings.

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
