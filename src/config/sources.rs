//! Where settings come from besides the defaults: a settings file, `.env` and the environment.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use figment::Figment;
use figment::providers::{Format, Serialized, Toml};

use super::setting::{self, SETTINGS, suggestion};
use super::{ConfigError, DEFAULTS, dotenv};

/// Variables with names of their own: those of the original system, `MCP_TOKEN`, `ORDERS_TOKEN`, `ECOMRES_AUDIT_KEY` and
/// `ECOMRES_EVENTS_SECRET`; each with its setting.
const NAMED_VARIABLES: [(&str, &str); 11] = [
    ("MONGO_URI", "store.location"),
    ("ECOMRES_AUDIT_KEY", "audit.key"),
    ("ECOMRES_EVENTS_SECRET", "events.secret"),
    ("GROQ_API_KEY", "llm.api_key"),
    ("MCP_TOKEN", "mcp.token"),
    ("ORDERS_TOKEN", "orders.token"),
    ("VERIFY_TOKEN", "whatsapp.verify_token"),
    ("APP_ID", "whatsapp.app_id"),
    ("APP_SECRET", "whatsapp.app_secret"),
    ("ACCESS_TOKEN", "whatsapp.access_token"),
    ("PHONE_ID", "whatsapp.phone_id"),
];

/// The variable for logging, which is no setting.
const LOG_VARIABLE: &str = "ECOMRES_LOG";

/// The sources of settings besides the defaults.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The settings file; without one, `ecomres.toml` is used where it exists.
    pub file: Option<PathBuf>,
    /// The folder with `ecomres.toml` and `.env`.
    pub folder: PathBuf,
    /// The environment.
    pub environment: Vec<(OsString, OsString)>,
}

impl Sources {
    /// The current folder and the environment of this process.
    pub fn process(file: Option<PathBuf>) -> Self {
        Self { file, folder: PathBuf::new(), environment: std::env::vars_os().collect() }
    }

    /// All values, the later source first.
    ///
    /// # Errors
    /// When a named file cannot be read, or a key or value is wrong: the error names the source and the key.
    pub(super) fn read(&self) -> Result<Settings, ConfigError> {
        let mut figment = Figment::from(Toml::string(DEFAULTS));
        let mut origins: BTreeMap<String, String> = BTreeMap::new();
        let mut from = |values: &[Setting], place: &str| {
            origins.extend(values.iter().map(|(key, _)| (key.clone(), place.to_owned())));
        };
        let named = self.file.clone();
        let usual = self.folder.join("ecomres.toml");
        if let Some(path) = named.or_else(|| usual.exists().then_some(usual)) {
            let values = read_file(&path)?;
            from(&values, &path.display().to_string());
            figment = with_values(figment, values);
        }
        let dotenv = self.folder.join(".env");
        let mut notices = Vec::new();
        if dotenv.exists() {
            for (name, value) in read_dotenv(&dotenv, &self.environment, &mut notices)? {
                let values = read_variable(&format!("{}: ", dotenv.display()), &name, &value)?;
                from(&values, &format!("{} {name}", dotenv.display()));
                figment = with_values(figment, values);
            }
        }
        for (name, value) in &self.environment {
            let Some(name) = name.to_str() else { continue };
            if let Some(value) = value.to_str() {
                let values = read_variable("", name, value)?;
                from(&values, name);
                figment = with_values(figment, values);
            } else if is_ours(name) {
                return Err(ConfigError::Invalid(format!("the value of {name} is not UTF-8")));
            }
        }
        Ok(Settings { figment, origins, notices })
    }
}

/// What the sources say.
pub(super) struct Settings {
    /// The defaults, and over them what each source sets.
    pub(super) figment: Figment,
    /// The place at which each setting was set.
    pub(super) origins: BTreeMap<String, String>,
    /// What is odd, and no error.
    pub(super) notices: Vec<String>,
}

/// A key with its value.
type Setting = (String, toml::Value);

fn with_values(figment: Figment, values: Vec<Setting>) -> Figment {
    values.into_iter().fold(figment, |figment, (key, value)| figment.merge(Serialized::default(&key, value)))
}

fn read_file(path: &Path) -> Result<Vec<Setting>, ConfigError> {
    let failed = |reason: String| ConfigError::Invalid(format!("{}{reason}", path.display()));
    let text = std::fs::read_to_string(path)
        .map_err(|error| ConfigError::Unreadable { path: path.to_owned(), reason: error.to_string() })?;
    let sections = toml::from_str::<toml::Table>(&text).map_err(|error| {
        let before = text.get(..error.span().map_or(0, |span| span.start)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        failed(format!(":{line}: {}", error.message().lines().collect::<Vec<_>>().join("; ")))
    })?;
    let mut found = Vec::new();
    for (section, keys) in &sections {
        let inside = |key: &str| key.split_once('.').is_some_and(|(known, _)| known == section);
        let Some(keys) = keys.as_table() else {
            return Err(failed(format!(": “{section}” stands outside of any section")));
        };
        if !SETTINGS.iter().any(|(key, _)| inside(key)) {
            let known = SETTINGS.iter().filter_map(|(key, _)| key.split_once('.')).map(|(name, _)| name.to_owned());
            return Err(failed(format!(": there is no section [{section}]{}", suggestion(section, known))));
        }
        // A section inside a section: `[refund.stripe]`.
        let mut flat: Vec<(String, &toml::Value)> = Vec::new();
        for (name, value) in keys {
            let nested = format!("{section}.{name}.");
            match value.as_table() {
                Some(table) if SETTINGS.iter().any(|(key, _)| key.starts_with(&nested)) => {
                    flat.extend(table.iter().map(|(inner, value)| (format!("{name}.{inner}"), value)));
                }
                _ => flat.push((name.clone(), value)),
            }
        }
        for (name, value) in &flat {
            let key = format!("{section}.{name}");
            let Some(kind) = setting::kind(&key) else {
                let known = SETTINGS.iter().filter(|(key, _)| inside(key));
                let known = known.filter_map(|(key, _)| key.split_once('.')).map(|(_, name)| name.to_owned());
                return Err(failed(format!(": there is no setting “{key}”{}", suggestion(name, known))));
            };
            let value = kind.read(value).map_err(|reason| failed(format!(": {key} {reason}")))?;
            found.push((key, value));
        }
    }
    Ok(found)
}

/// The variables of `.env`, the last of each name. What is odd about one of ours is noticed; one that cannot be read is an
/// error. Its values are secrets and are never shown.
fn read_dotenv(
    path: &Path,
    environment: &[(OsString, OsString)],
    notices: &mut Vec<String>,
) -> Result<Vec<(String, String)>, ConfigError> {
    let unreadable =
        |error: &dyn std::fmt::Display| ConfigError::Unreadable { path: path.to_owned(), reason: error.to_string() };
    let failed = |line: usize, reason: String| ConfigError::DotEnv {
        path: path.to_owned(),
        reason: format!("line {line}: {reason}"),
    };
    let bytes = std::fs::read(path).map_err(|error| unreadable(&error))?;
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        return Err(unreadable(&"it is UTF-16"));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let line = error.as_bytes()[..error.utf8_error().valid_up_to()].split(|byte| *byte == b'\n').count();
        unreadable(&format!("line {line} is not UTF-8"))
    })?;
    let read = dotenv::parse(&text);
    let mut notice = |line: usize, what: String| notices.push(format!("{}: line {line}: {what}", path.display()));
    for dotenv::Unreadable { line, reason, text } in &read.unreadable {
        if let Some(name) = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').find(|word| is_ours(word)) {
            return Err(failed(*line, format!("{name} cannot be read: {reason}")));
        }
        notice(*line, format!("it is passed over, because {reason}"));
    }
    let variable = |name: &str| {
        let found = environment.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.to_string_lossy().into_owned())
    };
    let mut values: Vec<dotenv::Resolved> = Vec::new();
    for found in dotenv::resolve(&read.assignments, variable) {
        let dotenv::Resolved { name, value, line, unset } = &found;
        if !is_ours(name) {
            let bare: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            if is_ours(&bare.to_uppercase()) && NAMED_VARIABLES.iter().any(|(known, _)| *known == bare.to_uppercase()) {
                notice(*line, format!("“{name}” is another name than {}, and is passed over", bare.to_uppercase()));
            }
            continue;
        }
        match value {
            None => notice(*line, format!("{name} has no “=”, and is not set")),
            Some(value) if value.contains('\0') => {
                return Err(failed(*line, format!("the value of {name} holds a zero byte")));
            }
            Some(value) => {
                if value.starts_with(['“', '”', '‘', '’', '„']) {
                    notice(*line, format!("{name} begins with a typographic quote, which belongs to the value"));
                }
                let inside = value.lines().skip(1).filter_map(|line| line.split_once('='));
                if let Some((other, _)) = inside.into_iter().find(|(other, _)| is_ours(other.trim())) {
                    notice(
                        *line,
                        format!("the quotes of {name} go over several lines and hold {} as well", other.trim()),
                    );
                }
            }
        }
        for unset in unset {
            notice(*line, format!("${{{unset}}} in {name} is not set: nothing is put in its place"));
        }
        if let Some(at) = values.iter().position(|earlier| earlier.name == *name) {
            let earlier = values.remove(at);
            if earlier.value != *value {
                notice(*line, format!("{name} is set in line {} as well: this one holds", earlier.line));
            }
        }
        values.push(found);
    }
    Ok(values.into_iter().filter_map(|found| Some((found.name, found.value?))).collect())
}

/// Whether a variable belongs to this program.
fn is_ours(name: &str) -> bool {
    (name.starts_with("ECOMRES_") && name != LOG_VARIABLE) || NAMED_VARIABLES.iter().any(|(known, _)| *known == name)
}

/// The setting that a variable stands for, if it is one of ours. An unknown name is an error, so that a misspelt limit
/// is not ignored.
fn read_variable(source: &str, name: &str, value: &str) -> Result<Vec<Setting>, ConfigError> {
    if !is_ours(name) {
        return Ok(Vec::new());
    }
    let known = NAMED_VARIABLES.iter().find(|(known, _)| *known == name);
    if known.is_some() && value.is_empty() {
        return Ok(Vec::new());
    }
    let key = if let Some((_, key)) = known {
        (*key).to_owned()
    } else {
        let rest = name.trim_start_matches("ECOMRES_").to_lowercase();
        rest.replace("__", ".")
    };
    let Some(kind) = setting::kind(&key) else {
        let nearest = suggestion(name, SETTINGS.iter().map(|(key, _)| setting::variable(key)));
        return Err(ConfigError::Invalid(format!("{source}the variable {name} stands for no setting{nearest}")));
    };
    let value = kind.read_variable(value).map_err(|reason| ConfigError::Invalid(format!("{source}{name} {reason}")))?;
    Ok(vec![(key, value)])
}
