//! The files that the pages load: all from inside this program, compressed once, and cached by browsers for as long as
//! their content stays the same. No file of this machine is ever read.

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
    /// The content in gzip; `None` where that is no shorter.
    compressed: Option<Vec<u8>>,
    /// A digest of the content: addresses end with it.
    digest: String,
}

/// The files, by name, with their type.
const FILES: [(&str, &str, &str); 11] = [
    ("app.css", "text/css; charset=utf-8", include_str!("assets/app.css")),
    ("inbox.css", "text/css; charset=utf-8", include_str!("assets/inbox.css")),
    ("app.js", "text/javascript; charset=utf-8", include_str!("assets/app.js")),
    ("update.js", "text/javascript; charset=utf-8", include_str!("assets/update.js")),
    ("drafts.js", "text/javascript; charset=utf-8", include_str!("assets/drafts.js")),
    ("inbox.js", "text/javascript; charset=utf-8", include_str!("assets/inbox.js")),
    ("palette.js", "text/javascript; charset=utf-8", include_str!("assets/palette.js")),
    ("notices.js", "text/javascript; charset=utf-8", include_str!("assets/notices.js")),
    ("charts.js", "text/javascript; charset=utf-8", include_str!("assets/charts.js")),
    ("echarts.min.js", "text/javascript; charset=utf-8", include_str!("assets/echarts.min.js")),
    ("icon.svg", "image/svg+xml", include_str!("assets/icon.svg")),
];

/// For an address that holds the digest, a year: another content has another address.
const IMMUTABLE: &str = "public, max-age=31536000, immutable";
/// For any other address: revalidated each time, which costs an answer without content.
const REVALIDATE: &str = "no-cache";

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| FILES.into_iter().map(prepare).collect());

fn prepare((name, kind, content): (&'static str, &'static str, &'static str)) -> Asset {
    let digest = hex::encode(&Sha256::digest(content.as_bytes())[..8]);
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let compressed = encoder.write_all(content.as_bytes()).and_then(|()| encoder.finish());
    Asset {
        name,
        kind,
        content,
        compressed: compressed.ok().filter(|compressed| compressed.len() < content.len()),
        digest,
    }
}

fn known(name: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.name == name)
}

/// Where a file is served.
pub(super) fn address(name: &str) -> String {
    known(name).map_or_else(|| format!("/assets/{name}"), |asset| format!("/assets/{name}?{}", asset.digest))
}

/// Whether a list of encodings holds gzip, and does not refuse it.
fn accepts_gzip(headers: &HeaderMap) -> bool {
    let listed = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    listed.split(',').any(|one| {
        let (coding, weight) = one.split_once(';').unwrap_or((one, ""));
        let refused = weight.trim().strip_prefix("q=").and_then(|q| q.parse::<f32>().ok()).is_some_and(|q| q <= 0.0);
        matches!(coding.trim(), "gzip" | "*") && !refused
    })
}

pub(super) async fn file(Path(name): Path<String>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let Some(asset) = known(&name) else { return (StatusCode::NOT_FOUND, "there is no such file\n").into_response() };
    let cache_control = if query.as_deref() == Some(asset.digest.as_str()) { IMMUTABLE } else { REVALIDATE };
    let compressed = asset.compressed.as_deref().filter(|_| accepts_gzip(&headers));
    // The two representations of a file need different tags.
    let tag = format!("\"{}{}\"", asset.digest, if compressed.is_some() { "-gzip" } else { "" });
    let headers_of_file = [
        (header::CONTENT_TYPE, asset.kind.to_owned()),
        (header::CACHE_CONTROL, cache_control.to_owned()),
        (header::VARY, "accept-encoding".to_owned()),
        (header::ETAG, tag.clone()),
    ];
    let same = headers
        .get(header::IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|tags| tags.split(',').any(|one| one.trim().trim_start_matches("W/") == tag));
    if same {
        return (StatusCode::NOT_MODIFIED, headers_of_file).into_response();
    }
    match compressed {
        Some(compressed) => (headers_of_file, [(header::CONTENT_ENCODING, "gzip")], compressed).into_response(),
        None => (headers_of_file, asset.content).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn gzip_is_for_those_who_accept_it() {
        let accepts = |value: &'static str| {
            accepts_gzip(&HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(value))]))
        };
        assert!(accepts("gzip") && accepts("br, gzip;q=0.5") && accepts("*"));
        assert!(!accepts("") && !accepts("br") && !accepts("gzip;q=0") && !accepts_gzip(&HeaderMap::new()));
    }

    #[test]
    fn another_content_has_another_address() {
        let one = prepare(("a", "text/css", "a{}"));
        assert_ne!(one.digest, prepare(("a", "text/css", "b{}")).digest);
        assert_eq!(one.compressed, None, "compressing so little makes it longer");
        assert!(address("app.css").starts_with("/assets/app.css?") && known("../Cargo.toml").is_none());
    }
}
