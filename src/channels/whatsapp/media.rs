//! Fetches files from the Graph API: first what they are and where, then their contents. The token leaves for the Graph API and
//! Meta's own hosts of files only, whatever address an answer names.

use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use reqwest::header::RETRY_AFTER;
use reqwest::{Response, StatusCode, Url};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use super::api::SetupError;
use super::error_code::{ApiError, ErrorClass, classify};
use super::limits::largest_file;
use crate::channels::{ContentSink, FetchError, Hope, MediaSource};
use crate::domain::inbound::Media;
use crate::domain::words::excerpt;
use crate::net;

/// How long connecting may take, and how long nothing may come.
const CONNECT: Duration = Duration::from_secs(4);
const SILENCE: Duration = Duration::from_secs(15);
/// The longest answer that describes a file.
const LONGEST_ANSWER: usize = 64 * 1_024;
/// The longest wait that a service may ask for.
const LONGEST_WAIT: u64 = 3_600;

/// Where Meta's files are.
const FILE_HOST: &str = "lookaside.fbsbx.com";
const FILE_DOMAIN: &str = ".fbcdn.net";

/// The files that customers sent on WhatsApp.
pub struct GraphMedia {
    http: reqwest::Client,
    base: Url,
    version: String,
    token: SecretString,
}

/// What the API says of a file.
struct Described {
    url: Url,
    sha256: Option<String>,
    size: Option<u64>,
}

impl GraphMedia {
    /// The files of an account, at an address such as `https://graph.facebook.com` in a version such as `v25.0`.
    ///
    /// # Errors
    /// When the address is invalid.
    pub fn new(base_url: &str, version: &str, token: SecretString) -> Result<Self, SetupError> {
        let http = net::client(CONNECT, None).map_err(|error| SetupError::new(error.to_string()))?;
        let base = base_url.trim().trim_end_matches('/');
        let base = Url::parse(base).map_err(|error| SetupError::new(format!("{base} is no address: {error}")))?;
        Ok(Self { http, base, version: version.trim().to_owned(), token })
    }

    /// Whether the token may be sent to an address: one of the API itself, or one of Meta's hosts of files over HTTPS.
    fn is_trusted(&self, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default().to_ascii_lowercase();
        let files = url.scheme() == "https"
            && url.port().is_none()
            && url.username().is_empty()
            && (host == FILE_HOST || host.ends_with(FILE_DOMAIN));
        files || (url.origin() == self.base.origin() && url.username().is_empty())
    }

    async fn get(&self, url: Url) -> Result<Response, FetchError> {
        let request = self.http.get(url).bearer_auth(self.token.expose_secret()).send();
        match tokio::time::timeout(SILENCE, request).await {
            Ok(answer) => answer.map_err(unreachable),
            Err(_) => Err(FetchError::passing("no answer in time")),
        }
    }

    /// What the API says of a file.
    async fn describe(&self, file: &str) -> Result<Described, FetchError> {
        let mut url = self.base.clone();
        match url.path_segments_mut() {
            Ok(mut path) => _ = path.pop_if_empty().push(&self.version).push(file),
            Err(()) => return Err(FetchError::for_good("the address of the Graph API has no path")),
        }
        let mut answer = self.get(url).await?;
        let (status, wait) = (answer.status(), asked_wait(&answer));
        let mut body = Vec::new();
        while let Some(chunk) = chunk(&mut answer).await? {
            if body.len() + chunk.len() > LONGEST_ANSWER {
                return Err(FetchError::doubtful("the description of the file is too long"));
            }
            body.extend_from_slice(&chunk);
        }
        let body: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
        if !status.is_success() || body.get("error").is_some() {
            return Err(refused(status, wait, &ApiError::of(&body["error"])));
        }
        let url = body["url"].as_str().and_then(|url| Url::parse(url).ok());
        let url = url.ok_or_else(|| FetchError::doubtful("the description of the file names no address"))?;
        if !self.is_trusted(&url) {
            let host = excerpt(url.host_str().unwrap_or("no host"), 80);
            return Err(FetchError::for_good(format!("the file is said to be at {host}, which is no host of Meta's")));
        }
        let size = &body["file_size"];
        let size = size.as_u64().or_else(|| size.as_str().and_then(|size| size.parse().ok()));
        Ok(Described { url, sha256: body["sha256"].as_str().and_then(digest), size })
    }

    /// Fetches what was described; `None` where the address is not valid any more.
    async fn download(
        &self,
        described: &Described,
        most: u64,
        sink: &mut dyn ContentSink,
    ) -> Result<Option<()>, FetchError> {
        let mut answer = self.get(described.url.clone()).await?;
        let status = answer.status();
        // An address is valid for five minutes.
        if matches!(status.as_u16(), 401 | 403 | 404 | 410) {
            return Ok(None);
        }
        if !status.is_success() {
            return Err(refused(status, asked_wait(&answer), &ApiError::default()));
        }
        if answer.content_length().is_some_and(|length| length > most) {
            return Err(too_large(most));
        }
        let mut size = 0_u64;
        while let Some(chunk) = chunk(&mut answer).await? {
            size += chunk.len() as u64;
            if size > most {
                return Err(too_large(most));
            }
            sink.take(&chunk).await?;
        }
        if described.size.is_some_and(|told| told != size) {
            return Err(FetchError::doubtful(format!("{size} bytes came, and not as many as were told")));
        }
        let digest = sink.digest().await?;
        if described.sha256.as_ref().is_some_and(|told| *told != digest) {
            return Err(FetchError::doubtful("what came is not the file that was described: its digest differs"));
        }
        if size == 0 {
            return Err(FetchError::doubtful("nothing came"));
        }
        Ok(Some(()))
    }
}

#[async_trait]
impl MediaSource for GraphMedia {
    async fn fetch(&self, file: &str, kind: Media, sink: &mut dyn ContentSink) -> Result<(), FetchError> {
        let most = largest_file(kind);
        for _ in 0..2 {
            let described = self.describe(file).await?;
            if described.size.is_some_and(|size| size > most) {
                return Err(too_large(most));
            }
            if self.download(&described, most, sink).await?.is_some() {
                return Ok(());
            }
            sink.begin_anew().await?;
        }
        Err(FetchError::passing("the address of the file was not valid, twice"))
    }
}

/// The next bytes of an answer.
async fn chunk(answer: &mut Response) -> Result<Option<impl std::ops::Deref<Target = [u8]> + use<>>, FetchError> {
    match tokio::time::timeout(SILENCE, answer.chunk()).await {
        Ok(chunk) => chunk.map_err(unreachable),
        Err(_) => Err(FetchError::passing("nothing came any more")),
    }
}

fn unreachable(error: reqwest::Error) -> FetchError {
    // The address may hold a signature.
    FetchError::passing(excerpt(&net::innermost(&error.without_url()), 300))
}

fn too_large(most: u64) -> FetchError {
    FetchError::for_good(format!("the file is larger than {} KB", most / 1_000))
}

fn asked_wait(answer: &Response) -> Option<Duration> {
    let seconds = answer.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(u64::min(seconds, LONGEST_WAIT)))
}

fn refused(status: StatusCode, retry_after: Option<Duration>, error: &ApiError) -> FetchError {
    let reason = format!("{} (HTTP {})", error.told(), status.as_u16());
    // What “does not exist” may also be what the token has no right to see: the set-up is mended, and the file is there.
    let hope = match classify(status.as_u16(), error) {
        _ if error.names_nothing() => Hope::Later,
        _ if matches!(status.as_u16(), 404 | 410) => Hope::None,
        ErrorClass::GiveUp => Hope::Doubtful,
        _ => Hope::Later,
    };
    FetchError { reason, hope, retry_after }
}

/// A SHA-256 in hexadecimal, from that or from base64.
fn digest(told: &str) -> Option<String> {
    let told = told.trim();
    if told.len() == 64 && told.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Some(told.to_ascii_lowercase());
    }
    BASE64.decode(told).ok().filter(|bytes| bytes.len() == 32).map(hex::encode)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_leaves_for_meta_only() {
        let graph = GraphMedia::new("https://graph.facebook.com/", "v25.0", SecretString::from("t")).unwrap();
        for (url, trusted) in [
            ("https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1", true),
            ("https://scontent.xx.fbcdn.net/v/1", true),
            ("https://graph.facebook.com/v25.0/file", true),
            ("http://lookaside.fbsbx.com/", false),
            ("https://lookaside.fbsbx.com:8443/", false),
            ("https://fbcdn.net.evil.example/", false),
            ("https://evilfbcdn.net/", false),
            ("https://lookaside.fbsbx.com@evil.example/", false),
            ("https://evil@lookaside.fbsbx.com/", false),
            ("https://169.254.169.254/latest", false),
            ("http://graph.facebook.com/v25.0/file", false),
            ("file:///etc/passwd", false),
        ] {
            assert_eq!(graph.is_trusted(&Url::parse(url).unwrap()), trusted, "{url}");
        }
        let local = GraphMedia::new("http://127.0.0.1:4000", "v25.0", SecretString::from("t")).unwrap();
        for (url, trusted) in [("http://127.0.0.1:4000/file", true), ("http://127.0.0.1:4001/file", false)] {
            assert_eq!(local.is_trusted(&Url::parse(url).unwrap()), trusted, "{url}");
        }
    }

    /// Takes what comes.
    #[derive(Default)]
    struct Taken(Vec<u8>);

    #[async_trait]
    impl ContentSink for Taken {
        async fn take(&mut self, bytes: &[u8]) -> Result<(), FetchError> {
            self.0.extend_from_slice(bytes);
            Ok(())
        }

        async fn begin_anew(&mut self) -> Result<(), FetchError> {
            self.0.clear();
            Ok(())
        }

        async fn digest(&mut self) -> Result<String, FetchError> {
            use sha2::{Digest as _, Sha256};
            Ok(hex::encode(Sha256::digest(&self.0)))
        }
    }

    /// What is fetched of a file that is described like this, where its content is answered with these bytes.
    async fn fetched(described: &str, answer: &'static [u8]) -> Result<Vec<u8>, FetchError> {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let described = described.replace("BASE", &base);
        tokio::spawn(async move {
            loop {
                let (mut socket, _) = listener.accept().await.unwrap();
                let mut asked = vec![0; 4_096];
                let count = socket.read(&mut asked).await.unwrap();
                let asked = String::from_utf8_lossy(&asked[..count]).to_lowercase();
                assert!(asked.contains("authorization: bearer token"), "{asked}");
                if asked.starts_with("get /v25.0/9 ") {
                    let length = described.len();
                    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
                    socket.write_all(head.as_bytes()).await.unwrap();
                    socket.write_all(described.as_bytes()).await.unwrap();
                } else {
                    socket.write_all(answer).await.unwrap();
                }
            }
        });
        let graph = GraphMedia::new(&base, "v25.0", SecretString::from("token")).unwrap();
        let mut sink = Taken::default();
        graph.fetch("9", Media::Sticker, &mut sink).await.map(|()| sink.0)
    }

    #[tokio::test]
    async fn only_all_of_what_was_described_counts() {
        const WHOLE: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nphoto";
        let hope = |outcome: Result<Vec<u8>, FetchError>| outcome.map_err(|error| error.hope);
        let file = r#"{"url": "BASE/file", "file_size": 5}"#;
        assert_eq!(fetched(file, WHOLE).await.unwrap(), b"photo");
        let right = fetched(
            r#"{"url": "BASE/file", "sha256": "6d8a7ed7ba4dba2f34e07a2d4c8c2e5b8a6a5f1f7c9d26e0f3a1d1fd1a7a4b6c"}"#,
            WHOLE,
        );
        assert_eq!(hope(right.await), Err(Hope::Doubtful), "another digest");
        // Cut off by the connection's end, with a length and without one.
        let cut = b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\nConnection: close\r\n\r\nphoto";
        assert_eq!(hope(fetched(file, cut).await), Err(Hope::Later));
        let short = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\npho";
        assert_eq!(hope(fetched(file, short).await), Err(Hope::Doubtful));
        // Larger than a sticker can be, by its description, by its head, and by what comes.
        assert_eq!(hope(fetched(r#"{"url": "BASE/file", "file_size": "600000"}"#, WHOLE).await), Err(Hope::None));
        let large = b"HTTP/1.1 200 OK\r\nContent-Length: 600000\r\nConnection: close\r\n\r\n";
        assert_eq!(hope(fetched(r#"{"url": "BASE/file"}"#, large).await), Err(Hope::None));
        // Elsewhere, or nowhere.
        assert_eq!(hope(fetched(r#"{"url": "http://169.254.169.254/file"}"#, WHOLE).await), Err(Hope::None));
        assert_eq!(hope(fetched("{}", WHOLE).await), Err(Hope::Doubtful));
        assert_eq!(hope(fetched("<html>", WHOLE).await), Err(Hope::Doubtful));
        let moved = b"HTTP/1.1 302 Found\r\nLocation: http://evil.example/\r\nConnection: close\r\n\r\n";
        assert!(hope(fetched(file, moved).await).is_err(), "no redirect is followed");
        let gone = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        assert_eq!(hope(fetched(file, gone).await), Err(Hope::Later), "twice an address that is not valid");
    }

    #[test]
    fn a_digest_is_read_as_meta_writes_it() {
        let hex = "ab".repeat(32);
        assert_eq!(digest(&hex.to_uppercase()), Some(hex.clone()));
        assert_eq!(digest(&BASE64.encode([0xab; 32])), Some(hex));
        assert_eq!((digest(""), digest("abcd")), (None, None));
    }

    #[test]
    fn what_is_gone_is_given_up_and_what_may_pass_is_not() {
        let hope = |status: u16, error: &ApiError| refused(StatusCode::from_u16(status).unwrap(), None, error).hope;
        let none = ApiError::default();
        let missing = ApiError { code: Some(100), subcode: Some(33), ..ApiError::default() };
        let token = ApiError { code: Some(190), ..ApiError::default() };
        assert_eq!((hope(404, &none), hope(400, &missing)), (Hope::None, Hope::Later));
        for status in [429, 500, 503] {
            assert_eq!(hope(status, &none), Hope::Later);
        }
        assert_eq!(hope(401, &token), Hope::Later, "a new token fetches it");
        assert_eq!(hope(422, &none), Hope::Doubtful);
    }
}
