//! Decides which files the pages load: all from inside this program, packed once and kept by browsers for as long as they
//! stay the same.
//!
//! It must never read a file of this machine.

use std::io::Write as _;
use std::sync::LazyLock;

use axum::extract::{Path, RawQuery};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest as _, Sha256};

/// One file.
struct Asset {
    name: &'static str,
    kind: &'static str,
    content: &'static str,
    /// The same packed; `None` where packing is not worth it.
    packed: Option<Vec<u8>>,
    /// A digest of the content: addresses end with it.
    digest: String,
}

/// The files, by name, with their type.
const FILES: [(&str, &str, &str); 5] = [
    ("app.css", "text/css; charset=utf-8", include_str!("assets/app.css")),
    ("app.js", "text/javascript; charset=utf-8", include_str!("assets/app.js")),
    ("charts.js", "text/javascript; charset=utf-8", include_str!("assets/charts.js")),
    ("echarts.min.js", "text/javascript; charset=utf-8", include_str!("assets/echarts.min.js")),
    ("icon.svg", "image/svg+xml", include_str!("assets/icon.svg")),
];

/// For an address that holds the digest, a year: another content has another address.
const FOR_LONG: &str = "public, max-age=31536000, immutable";
/// For any other address: asked again each time, which costs an answer without content.
const ASK_AGAIN: &str = "no-cache";

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| FILES.into_iter().map(prepare).collect());

fn prepare((name, kind, content): (&'static str, &'static str, &'static str)) -> Asset {
    let digest = Sha256::digest(content.as_bytes()).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let mut packer = GzEncoder::new(Vec::new(), Compression::best());
    let packed = packer.write_all(content.as_bytes()).and_then(|()| packer.finish());
    Asset { name, kind, content, packed: packed.ok().filter(|packed| packed.len() < content.len()), digest }
}

fn known(name: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.name == name)
}

/// Where a file is served.
pub(super) fn address(name: &str) -> String {
    known(name).map_or_else(|| format!("/assets/{name}"), |asset| format!("/assets/{name}?{}", asset.digest))
}

/// Whether a list of encodings holds gzip, and does not refuse it.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let listed = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    listed.split(',').any(|one| {
        let (coding, weight) = one.split_once(';').unwrap_or((one, ""));
        let refused = weight.trim().strip_prefix("q=").and_then(|q| q.parse::<f32>().ok()).is_some_and(|q| q <= 0.0);
        matches!(coding.trim(), "gzip" | "*") && !refused
    })
}

pub(super) async fn file(Path(name): Path<String>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let Some(asset) = known(&name) else { return (StatusCode::NOT_FOUND, "there is no such file\n").into_response() };
    let kept = if query.as_deref() == Some(asset.digest.as_str()) { FOR_LONG } else { ASK_AGAIN };
    let packed = asset.packed.as_deref().filter(|_| takes_gzip(&headers));
    // Two representations of one file are told apart by their tags.
    let tag = format!("\"{}{}\"", asset.digest, if packed.is_some() { "-gzip" } else { "" });
    let about = [
        (header::CONTENT_TYPE, asset.kind.to_owned()),
        (header::CACHE_CONTROL, kept.to_owned()),
        (header::VARY, "accept-encoding".to_owned()),
        (header::ETAG, tag.clone()),
    ];
    let same = headers
        .get(header::IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|tags| tags.split(',').any(|one| one.trim().trim_start_matches("W/") == tag));
    if same {
        return (StatusCode::NOT_MODIFIED, about).into_response();
    }
    match packed {
        Some(packed) => (about, [(header::CONTENT_ENCODING, "gzip")], packed).into_response(),
        None => (about, asset.content).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn gzip_is_for_those_who_take_it() {
        let takes = |value: &'static str| {
            takes_gzip(&HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(value))]))
        };
        assert!(takes("gzip") && takes("br, gzip;q=0.5") && takes("*"));
        assert!(!takes("") && !takes("br") && !takes("gzip;q=0") && !takes_gzip(&HeaderMap::new()));
    }

    #[test]
    fn another_content_has_another_address() {
        let one = prepare(("a", "text/css", "a{}"));
        assert_ne!(one.digest, prepare(("a", "text/css", "b{}")).digest);
        assert_eq!(one.packed, None, "packing so little makes it longer");
        assert!(address("app.css").starts_with("/assets/app.css?") && known("../Cargo.toml").is_none());
    }
}
