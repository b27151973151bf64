//! Decides which files the pages load: all from inside this program.
//!
//! It must never read a file of this machine.

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

/// The files, by name, with their type.
const FILES: &[(&str, &str, &str)] = &[
    ("app.css", "text/css; charset=utf-8", include_str!("assets/app.css")),
    ("app.js", "text/javascript; charset=utf-8", include_str!("assets/app.js")),
    ("echarts.min.js", "text/javascript; charset=utf-8", include_str!("assets/echarts.min.js")),
    ("icon.svg", "image/svg+xml", include_str!("assets/icon.svg")),
];

/// What addresses of files end with, so that a browser keeps them until there is another version.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

pub(super) async fn file(Path(name): Path<String>) -> Response {
    match FILES.iter().find(|(known, ..)| *known == name) {
        Some((_, kind, content)) => {
            ([(header::CONTENT_TYPE, *kind), (header::CACHE_CONTROL, "private, max-age=3600")], *content)
                .into_response()
        }
        None => (StatusCode::NOT_FOUND, "there is no such file\n").into_response(),
    }
}
