//! Parses connection strings. Messages never show the user, the password or the options, and no option lowers the
//! durability of writes.

use std::time::Duration;

use mongodb::options::{Acknowledgment, ClientOptions, ReadConcern, SelectionCriteria, WriteConcern};

use super::super::{Result, StoreError};
use super::MongoSettings;
use super::error::BackendError;

const SCHEMES: [&str; 2] = ["mongodb", "mongodb+srv"];

/// Whether a location was meant as a connection string, and is none: the scheme is written otherwise, or there is what looks
/// like a password before an `@`. It must not be taken for the name of a file, which is shown.
pub fn is_mistyped(location: &str) -> bool {
    let location = location.trim_start();
    let (scheme, rest) = location.split_at(location.find([':', '/']).unwrap_or(location.len()));
    let meant =
        SCHEMES.contains(&scheme.to_ascii_lowercase().as_str()) && (rest.starts_with(':') || rest.starts_with("//"));
    let credentials = location.rsplit_once('@').is_some_and(|(before, _)| before.contains(':'));
    !is_mongo(location) && (meant || credentials)
}

/// Whether a location is a connection string of MongoDB.
pub fn is_mongo(location: &str) -> bool {
    let scheme = location.trim_start().split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
    scheme.is_some_and(|scheme| SCHEMES.contains(&scheme.as_str()))
}

/// Scheme and hosts.
pub(super) fn shown(uri: &str) -> String {
    super::super::without_credentials(uri.trim())
}

/// Reads a connection string.
pub(super) async fn parse(uri: &str, settings: &MongoSettings) -> Result<ClientOptions> {
    // The driver knows its schemes in lower case only.
    let uri = uri.trim();
    let lower = uri.split_once("://").map(|(scheme, rest)| format!("{}://{rest}", scheme.to_ascii_lowercase()));
    let uri = lower.as_deref().unwrap_or(uri);
    // `mongodb+srv://` asks a name server.
    let Ok(parsed) = tokio::time::timeout(settings.connect, ClientOptions::parse(uri)).await else {
        let reason = format!("its name was not resolved within {} s", settings.connect.as_secs());
        return Err(StoreError::Unreachable { path: shown(uri), reason });
    };
    let mut options = parsed.map_err(|error| match *error.kind {
        mongodb::error::ErrorKind::DnsResolve { .. } => {
            BackendError::from(error).into_error(&shown(uri), "opening the store", settings.connect)
        }
        // The parser may quote a part of the string.
        _ => StoreError::Address { path: shown(uri), reason: without_secrets(uri, &error.to_string()) },
    })?;
    options.app_name.get_or_insert_with(|| "ecomres".to_owned());
    options.connect_timeout.get_or_insert(settings.connect);
    options.server_selection_timeout.get_or_insert(settings.connect);
    options.max_pool_size.get_or_insert(settings.pool);
    options.heartbeat_freq.get_or_insert(Duration::from_secs(5));
    options.retry_reads = Some(true);
    options.retry_writes = Some(true);
    options.read_concern = Some(ReadConcern::majority());
    options.write_concern = Some(WriteConcern::builder().w(Acknowledgment::Majority).journal(true).build());
    options.selection_criteria = Some(SelectionCriteria::ReadPreference(mongodb::options::ReadPreference::Primary));
    Ok(options)
}

/// The message of the parser, unless it repeats a part of the string that may be a secret.
fn without_secrets(uri: &str, message: &str) -> String {
    let general = "it is not written as mongodb://USER:PASSWORD@HOST:PORT/DATABASE?OPTIONS";
    let rest = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    let secret = rest.rsplit_once('@').map(|(user, _)| user).unwrap_or_default();
    let options = rest.split_once('?').map(|(_, options)| options).unwrap_or_default();
    let mut parts = secret.split([':', '@', '/', '?']).chain(options.split(['&', '=']));
    if parts.any(|part| !part.is_empty() && message.contains(part)) {
        return general.to_owned();
    }
    let message = message.strip_prefix("Kind: ").unwrap_or(message);
    let message = message.strip_prefix("An invalid argument was provided: ").unwrap_or(message);
    message.split(", labels: ").next().unwrap_or(general).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nothing_lowers_the_safety_of_writes() {
        let settings = MongoSettings::default();
        let uri = "mongodb://host.example/shop?w=0&journal=false&readConcernLevel=local&readPreference=secondary";
        // The driver itself refuses some of these; without them the string is fine, and the rest does not count.
        let options = match parse(uri, &settings).await {
            Ok(options) => options,
            Err(_) => parse("mongodb://host.example/shop?w=1&readConcernLevel=local", &settings).await.unwrap(),
        };
        let written = options.write_concern.unwrap();
        assert_eq!((written.w, written.journal), (Some(Acknowledgment::Majority), Some(true)));
        assert_eq!(options.read_concern, Some(ReadConcern::majority()));
        assert_eq!(options.default_database.as_deref(), Some("shop"));
        assert_eq!((options.max_pool_size, options.retry_writes), (Some(32), Some(true)));
        let own = parse("mongodb://host.example/?maxPoolSize=3", &settings).await.unwrap();
        assert_eq!((own.max_pool_size, own.default_database), (Some(3), None));
    }

    #[tokio::test]
    async fn a_string_that_cannot_be_used_is_named_without_its_secrets() {
        for uri in [
            "mongodb://bot:s3cret@",
            "mongodb://bot:s3cret/w@db.example/shop",
            "mongodb://bot:s3cret@db.example:port/shop",
            "mongodb://bot:s3cret@db.example/shop?authMechanism=s3cret",
            "mongodb://bot:s3cret@db.example/shop?s3cret=1&maxPoolSize=x",
            "mongodb://",
        ] {
            match parse(uri, &MongoSettings::default()).await {
                Err(error @ StoreError::Address { .. }) => {
                    let shown = format!("{error} {:?}", error.hint());
                    assert!(!shown.contains("s3cret") && !shown.contains("bot"), "{shown}");
                }
                Err(other) => panic!("{uri}: {other:?}"),
                // Unknown options are not an error of the driver.
                Ok(_) => assert!(uri.contains("s3cret=1"), "{uri}"),
            }
        }
        assert!(is_mongo("mongodb+srv://cluster.example") && !is_mongo("shop.db"));
        assert!(is_mongo("MongoDB://cluster.example"));
        assert!(parse("MONGODB://host.example/shop", &MongoSettings::default()).await.is_ok());
    }
}
