//! Voice messages, photos and documents of customers: the real program, with a stand-in for the Graph API and for a service that
//! writes recordings down.

use std::io::Cursor;
use std::process::Child;
use std::time::{Duration, Instant};

use ecomres::domain::ids::MessageId;
use ecomres::domain::media::MediaId;
use image::codecs::jpeg::JpegEncoder;
use image::{ImageFormat, Rgb, RgbImage};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::cli::{ecomres, run};
use crate::dashboard::{Lines, started};
use crate::mcp::client::{terminate, wait};
use crate::whatsapp::{Bot, holds, said};

const CUSTOMER: &str = "919876500001";
/// A killed process's work is taken up again soon.
const SOON: (&str, &str) = ("ECOMRES_WHATSAPP__LEASE_SECONDS", "1");

fn photo() -> Vec<u8> {
    let mut bytes = Vec::new();
    RgbImage::from_pixel(6, 4, Rgb([180, 20, 20])).write_with_encoder(JpegEncoder::new(&mut bytes)).unwrap();
    bytes
}

/// A photo that says where it was taken.
fn photo_with_a_place() -> Vec<u8> {
    let mut exif =
        b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x01\0\0\0\0\0\0\0GPSLatitude 12.9716".to_vec();
    let mut bytes = vec![0xFF, 0xD8, 0xFF, 0xE1];
    bytes.extend(u16::try_from(exif.len() + 2).unwrap().to_be_bytes());
    bytes.append(&mut exif);
    bytes.extend_from_slice(&photo()[2..]);
    bytes
}

fn chunk(kind: [u8; 4], data: &[u8]) -> Vec<u8> {
    let mut chunk = u32::try_from(data.len()).unwrap().to_be_bytes().to_vec();
    chunk.extend(kind);
    chunk.extend(data);
    let mut crc = flate2::Crc::new();
    crc.update(&chunk[4..]);
    chunk.extend(crc.sum().to_be_bytes());
    chunk
}

/// A PNG of 60,000 × 60,000 pixels in a few bytes.
fn bomb() -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    let side = 60_000_u32.to_be_bytes();
    bytes.extend(chunk(*b"IHDR", &[&side[..], &side[..], &[8, 6, 0, 0, 0]].concat()));
    bytes.extend(chunk(*b"IDAT", &[0x78, 0x9c, 0x63, 0, 0, 0, 1, 0, 1]));
    bytes.extend(chunk(*b"IEND", &[]));
    bytes
}

/// A PNG that is a page as well.
fn polyglot() -> Vec<u8> {
    let mut bytes = Vec::new();
    RgbImage::from_pixel(3, 3, Rgb([1, 2, 3])).write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png).unwrap();
    bytes.extend_from_slice(b"<!DOCTYPE html><script>alert(1)</script>");
    bytes
}

/// Puts a file where Meta has it.
async fn put(graph: &MockServer, id: &str, content: &[u8]) {
    put_as(graph, id, content, Duration::ZERO, |_| {}).await;
}

/// The same, late, and described otherwise.
async fn put_as(graph: &MockServer, id: &str, content: &[u8], delay: Duration, change: impl FnOnce(&mut Value)) {
    let mut described = json!({
        "url": format!("{}/files/{id}", graph.uri()), "mime_type": "image/jpeg", "file_size": content.len(), "id": id,
        "sha256": hex::encode(Sha256::digest(content)), "messaging_product": "whatsapp",
    });
    change(&mut described);
    let get = |at: String| Mock::given(method("GET")).and(path(at)).and(header("authorization", "Bearer token"));
    get(format!("/v25.0/{id}")).respond_with(ResponseTemplate::new(200).set_body_json(described)).mount(graph).await;
    let answer = ResponseTemplate::new(200).set_body_bytes(content).set_delay(delay);
    get(format!("/files/{id}")).respond_with(answer).mount(graph).await;
}

fn store(bot: &Bot) -> rusqlite::Connection {
    rusqlite::Connection::open(bot.folder.path().join("shop.db")).unwrap()
}

/// A column of a file.
fn column(bot: &Bot, id: &str, column: &str) -> Option<String> {
    let sql = format!("SELECT CAST({column} AS TEXT) FROM media WHERE source = ?1");
    store(bot).query_row(&sql, [id], |row| row.get(0)).unwrap_or_default()
}

async fn becomes(bot: &Bot, id: &str, state: &str) {
    let begun = Instant::now();
    while column(bot, id, "state").as_deref() != Some(state) {
        let now = (column(bot, id, "state"), column(bot, id, "error"));
        assert!(begun.elapsed() < Duration::from_secs(25), "{id} does not become {state}: {now:?}");
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
}

/// Sends a file, and returns its message.
async fn send(bot: &Bot, kind: &str, id: &str, caption: &str) -> MessageId {
    let mut inside = json!({"id": id, "mime_type": "image/jpeg"});
    if !caption.is_empty() {
        inside["caption"] = caption.into();
    }
    let message = bot.message(CUSTOMER, kind, &inside);
    bot.deliver(&message).await;
    MessageId::new(message["messages"][0]["id"].as_str().unwrap())
}

/// The team's pages over the store of a bot.
struct Pages {
    child: Child,
    url: String,
    http: reqwest::Client,
    _lines: Lines,
}

impl Pages {
    fn open(bot: &Bot) -> Self {
        let (child, url, lines) = started(bot.folder.path(), &["--i-am-alone"]);
        Self { child, url, http: reqwest::Client::new(), _lines: lines }
    }

    async fn get(&self, page: &str) -> reqwest::Response {
        self.http.get(format!("{}{page}", self.url)).send().await.unwrap()
    }

    async fn text(&self, page: &str) -> String {
        self.get(page).await.text().await.unwrap()
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        terminate(&self.child);
        wait(&mut self.child, Duration::from_secs(20));
    }
}

fn holds_bytes(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_photo_is_thanked_for_kept_and_shown_without_where_it_was_taken() {
    let mut bot = Bot::start(&["bot"], &[]).await;
    let original = photo_with_a_place();
    put(&bot.graph, "one", &original).await;
    put(&bot.graph, "two", &photo()).await;
    let first = send(&bot, "image", "one", "").await;
    let thanks = said(&bot.reply(CUSTOMER, 1).await);
    holds(&thanks, &["Thank you, the photo is with the case.", "What is it about?"]);
    // Thanked for once: the next one gets a sign.
    send(&bot, "image", "two", "").await;
    assert_eq!(bot.reply(CUSTOMER, 2).await["type"], "reaction");
    becomes(&bot, "one", "stored").await;
    becomes(&bot, "two", "stored").await;
    // The order that is spoken of next has them.
    bot.write(CUSTOMER, "I want a refund for ORD000003, it arrived broken").await;
    holds(&said(&bot.reply(CUSTOMER, 3).await), &["₹599"]);
    assert_eq!(column(&bot, "one", "order_id").as_deref(), Some("ORD000003"));
    bot.write(CUSTOMER, "I want to talk to a human agent").await;
    holds(&said(&bot.reply(CUSTOMER, 4).await), &["member of our team"]);

    // While a person has the conversation nothing is said, and what comes belongs to the same order.
    put(&bot.graph, "three", &polyglot()).await;
    send(&bot, "image", "three", "").await;
    bot.silence(CUSTOMER, 4).await;
    becomes(&bot, "three", "stored").await;
    assert_eq!(column(&bot, "three", "order_id").as_deref(), Some("ORD000003"));

    let id = MediaId::of(&first);
    let pages = Pages::open(&bot);
    let page = pages.text(&format!("conversation?user={CUSTOMER}")).await;
    holds(&page, &[&format!("<img src=\"/media/{}\" loading=\"lazy\"", id.as_str()), "3 photos", "With order"]);
    holds(&pages.text("alerts").await, &["3 photos", &format!("href=\"/media/{}\"", id.as_str())]);
    holds(&pages.text("order?id=ORD000003").await, &["3 photos"]);
    let shown = pages.get(&format!("media/{}", id.as_str())).await;
    let says = |name: &str| shown.headers()[name].to_str().unwrap().to_owned();
    assert_eq!((says("content-type"), says("x-content-type-options")), ("image/jpeg".into(), "nosniff".into()));
    assert!(says("content-security-policy").contains("sandbox"));
    let bytes = shown.bytes().await.unwrap();
    assert!(holds_bytes(&original, b"GPSLatitude") && !holds_bytes(&bytes, b"GPSLatitude"));
    let picture = image::load_from_memory(&bytes).unwrap();
    assert_eq!((picture.width(), picture.height()), (6, 4));
    for wrong in ["media/0", "media/..%2Fshop.db", &format!("media/{}", "0".repeat(32))] {
        assert_eq!(pages.get(wrong).await.status(), 404, "{wrong}");
    }
    drop(pages);
    // Nobody but its owner reads them, and they go with their customer.
    let folder = bot.folder.path().join("shop.db.media");
    let count = || {
        let names = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| !name.to_string_lossy().starts_with('.')).count()
    };
    assert_eq!(count(), 3);
    assert_eq!(bot.end(), Some(0));
    let forget = ["forget", CUSTOMER, "--yes", "--store", "shop.db", "--out", "theirs.json"];
    let (code, out, err) = run(ecomres(bot.folder.path()).args(forget));
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("3 files"), "{out}");
    assert_eq!(count(), 0);
    let theirs = std::fs::read_to_string(bot.folder.path().join("theirs.json")).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&theirs).unwrap()["media"][2]["id"], id.as_str());
    let copy = bot.folder.path().join("theirs.json.media").join(format!("{}.jpg", id.as_str()));
    assert_eq!(std::fs::read(copy).unwrap(), original);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_login_is_before_every_file() {
    let bot = Bot::start(&["bot"], &[]).await;
    put(&bot.graph, "one", &photo()).await;
    let id = MediaId::of(&send(&bot, "image", "one", "").await);
    becomes(&bot, "one", "stored").await;
    let (mut child, url, _lines) = started(bot.folder.path(), &[]);
    let plain = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let refused = plain.get(format!("{url}media/{}", id.as_str())).send().await.unwrap();
    assert_eq!(refused.status(), 303);
    terminate(&child);
    wait(&mut child, Duration::from_secs(20));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_only_looks_like_a_picture_is_never_shown_as_it_is() {
    let mut bot = Bot::start(&["bot"], &[]).await;
    let page = b"<!DOCTYPE html><script>alert(1)</script>";
    let files: [(&str, &str, Vec<u8>); 4] = [
        ("both", "image", polyglot()),
        ("bomb", "image", bomb()),
        ("page", "image", page.to_vec()),
        ("invoice", "document", b"%PDF-1.7 invoice".to_vec()),
    ];
    let mut ids = Vec::new();
    for (name, kind, content) in &files {
        put(&bot.graph, name, content).await;
        ids.push(MediaId::of(&send(&bot, kind, name, "it arrived like this").await));
        becomes(&bot, name, "stored").await;
    }
    let mimes = files.iter().map(|(name, ..)| column(&bot, name, "mime").unwrap()).collect::<Vec<_>>();
    assert_eq!(mimes, ["image/png", "image/png", "application/octet-stream", "application/pdf"]);
    let pages = Pages::open(&bot);
    let shown = async |place: usize, how: &str| {
        let answer = pages.get(&format!("media/{}{how}", ids[place].as_str())).await;
        let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        let (kind, end) = (header("content-type").unwrap(), header("content-disposition"));
        assert!(header("content-security-policy").unwrap().contains("sandbox"));
        assert_eq!(header("x-content-type-options").as_deref(), Some("nosniff"));
        (kind, end, answer.bytes().await.unwrap())
    };
    let (kind, end, bytes) = shown(0, "").await;
    assert_eq!((kind.as_str(), end), ("image/png", None));
    assert!(!holds_bytes(&bytes, b"<script>") && image::load_from_memory(&bytes).is_ok());
    let begun = Instant::now();
    // A browser would decode it as well: its own bytes are handed out to whoever asks for the original, and as no picture.
    assert_eq!(pages.get(&format!("media/{}", ids[1].as_str())).await.status(), 404);
    assert!(begun.elapsed() < Duration::from_secs(5));
    let (kind, end, bytes) = shown(1, "?download=1").await;
    assert!(kind == "application/octet-stream" && end.unwrap().starts_with("attachment") && bytes == bomb());
    let (kind, end, _) = shown(2, "").await;
    assert!(kind == "application/octet-stream" && end.unwrap().starts_with("attachment"));
    let (kind, end, _) = shown(3, "").await;
    assert!(kind == "application/pdf" && end.unwrap().ends_with(".pdf\""));
    holds(&pages.text(&format!("conversation?user={CUSTOMER}")).await, &["Download the document"]);
    drop(pages);
    assert_eq!(bot.end(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_fetched_is_given_up_and_marked_and_what_passes_is_not() {
    let mut bot = Bot::start(&["bot"], &[SOON]).await;
    let content = photo();
    put_as(&bot.graph, "other", &content, Duration::ZERO, |file| file["sha256"] = "ab".repeat(32).into()).await;
    put_as(&bot.graph, "large", &content, Duration::ZERO, |file| file["file_size"] = 6_000_000.into()).await;
    put_as(&bot.graph, "elsewhere", &content, Duration::ZERO, |file| file["url"] = "https://evil.example/f".into())
        .await;
    // Busy at first, and with an address that has expired.
    let get = |at: &str| Mock::given(method("GET")).and(path(at));
    get("/v25.0/busy").respond_with(ResponseTemplate::new(503)).up_to_n_times(1).mount(&bot.graph).await;
    put(&bot.graph, "busy", &content).await;
    get("/files/expired").respond_with(ResponseTemplate::new(404)).up_to_n_times(1).mount(&bot.graph).await;
    put(&bot.graph, "expired", &content).await;
    for id in ["gone", "other", "large", "elsewhere", "busy", "expired"] {
        send(&bot, "image", id, "").await;
    }
    for id in ["gone", "large", "elsewhere", "other"] {
        becomes(&bot, id, "failed").await;
    }
    becomes(&bot, "busy", "stored").await;
    becomes(&bot, "expired", "stored").await;
    holds(&column(&bot, "other", "error").unwrap(), &["digest"]);
    holds(&column(&bot, "large", "error").unwrap(), &["larger"]);
    holds(&column(&bot, "elsewhere", "error").unwrap(), &["evil.example"]);
    let reasons: Vec<String> = bot.alerts().iter().map(|alert| alert["reason"].as_str().unwrap().to_owned()).collect();
    holds(&reasons.join("\n"), &["could not be fetched"]);
    let pages = Pages::open(&bot);
    holds(&pages.text(&format!("conversation?user={CUSTOMER}")).await, &["The photo could not be fetched"]);
    drop(pages);
    assert_eq!(bot.end(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neither_the_webhook_nor_the_reply_waits_for_a_photo() {
    let mut bot = Bot::start(&["bot"], &[]).await;
    put_as(&bot.graph, "slow", &photo(), Duration::from_secs(6), |_| {}).await;
    let begun = Instant::now();
    send(&bot, "image", "slow", "where is my order ORD000001").await;
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    holds(&said(&bot.reply(CUSTOMER, 1).await), &["Thank you, the photo is with the case.", "ORD000001"]);
    assert_ne!(column(&bot, "slow", "state").as_deref(), Some("stored"));
    becomes(&bot, "slow", "stored").await;
    assert_eq!(bot.end(), Some(0));
}

/// Kills the process so often, each time a little later after a photo arrived: while it is described, fetched, written, moved into its
/// place or recorded. Nothing is lost, and nothing is left that nobody has.
async fn nothing_is_lost_under_kills(kills: u32) {
    let mut bot = Bot::start(&["bot"], &[SOON]).await;
    let names: Vec<String> = (0..kills).map(|number| format!("photo-{number}")).collect();
    for (number, name) in (0..kills).zip(&names) {
        let content = [photo(), number.to_be_bytes().to_vec()].concat();
        put_as(&bot.graph, name, &content, Duration::from_millis(60), |_| {}).await;
        send(&bot, "image", name, "").await;
        tokio::time::sleep(Duration::from_millis(u64::from(number * 20 % 190))).await;
        bot.kill_and_start(&["bot"], &[SOON]);
    }
    for name in &names {
        becomes(&bot, name, "stored").await;
        let digest = column(&bot, name, "sha256").unwrap();
        let content = std::fs::read(bot.folder.path().join("shop.db.media").join(&digest)).unwrap();
        assert_eq!(hex::encode(Sha256::digest(content)), digest);
    }
    assert_eq!(bot.end(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_process_loses_no_file() {
    nothing_is_lost_under_kills(8).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes: the process is started a hundred times"]
async fn a_process_that_is_killed_a_hundred_times_loses_no_file() {
    nothing_is_lost_under_kills(100).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_from_before_go_with_their_customer_although_none_are_taken_any_more() {
    let mut bot = Bot::start(&["bot"], &[]).await;
    put(&bot.graph, "one", &photo()).await;
    send(&bot, "image", "one", "").await;
    becomes(&bot, "one", "stored").await;
    assert_eq!(bot.end(), Some(0));
    let content = bot.folder.path().join("shop.db.media").join(column(&bot, "one", "sha256").unwrap());
    assert!(content.exists());
    let forget = ["forget", CUSTOMER, "--yes", "--store", "shop.db"];
    let (code, _, err) = run(ecomres(bot.folder.path()).args(forget).env("ECOMRES_MEDIA__QUOTA_MB", "0"));
    assert_eq!(code, 0, "{err}");
    assert!(!content.exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_that_holds_another_stores_files_is_refused() {
    let shared = tempfile::tempdir().unwrap();
    let folder = ("ECOMRES_MEDIA__FOLDER", shared.path().to_str().unwrap());
    let mut bot = Bot::start(&["bot"], &[folder]).await;
    assert_eq!(bot.end(), Some(0));
    let other = crate::mcp::client::shop();
    let mut command = ecomres(other.path());
    for (name, value) in [("VERIFY_TOKEN", "v"), ("APP_SECRET", "s"), ("ACCESS_TOKEN", "t"), ("PHONE_ID", "42"), folder]
    {
        command.env(name, value);
    }
    let (code, _, err) = run(command.args(["bot", "--port", "0", "--store", "shop.db"]));
    assert_ne!(code, 0);
    holds(&err, &["another store", "hint:", "[media] folder"]);
}

/// A bot with a service that hears this, and one that answers nothing in words, so that the playbook answers.
async fn hearing(heard: ResponseTemplate) -> Bot {
    let graph = MockServer::start().await;
    let base = format!("{}/openai/v1", graph.uri());
    Mock::given(method("POST"))
        .and(path("/openai/v1/audio/transcriptions"))
        .and(header("authorization", "Bearer key-of-the-service"))
        .respond_with(heard)
        .mount(&graph)
        .await;
    Mock::given(method("POST"))
        .and(path("/openai/v1/chat/completions"))
        .respond_with(ResponseTemplate::new(401))
        .mount(&graph)
        .await;
    let environment = [
        ("ECOMRES_LLM__BASE_URL", base.as_str()),
        ("GROQ_API_KEY", "key-of-the-service"),
        ("ECOMRES_LLM__TRANSCRIBE_MODEL", "whisper-large-v3"),
        ("ECOMRES_ESCALATION__FAILURES", "1000"),
    ];
    Bot::start_on(graph, &["bot"], &environment).await
}

fn words(text: &str) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({"text": text}))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_voice_message_is_answered_like_a_written_one() {
    let mut bot = hearing(words(" Where is my order ORD000001? ").set_delay(Duration::from_millis(900))).await;
    put(&bot.graph, "voice", b"OggS voice").await;
    let id = MediaId::of(&send(&bot, "audio", "voice", "").await);
    holds(&said(&bot.reply(CUSTOMER, 1).await), &["ORD000001"]);
    let text: String =
        store(&bot).query_row("SELECT text FROM chats WHERE role = 'user'", [], |row| row.get(0)).unwrap();
    assert_eq!(text, "🎤 Where is my order ORD000001?");
    let requests = bot.graph.received_requests().await.unwrap();
    let form = requests.iter().find(|request| request.url.path().ends_with("/transcriptions")).unwrap();
    let form = String::from_utf8_lossy(&form.body).into_owned();
    holds(&form, &["whisper-large-v3", "OggS voice", "recording.ogg"]);
    let pages = Pages::open(&bot);
    let page = pages.text(&format!("conversation?user={CUSTOMER}")).await;
    holds(&page, &[&format!("src=\"/media/{}\"", id.as_str()), "<audio", "🎤 Where is my order"]);
    let ask = pages.http.get(format!("{}media/{}", pages.url, id.as_str())).header("range", "bytes=0-3");
    let part = ask.send().await.unwrap();
    assert_eq!((part.status().as_u16(), part.headers()["content-type"].to_str().unwrap()), (206, "audio/ogg"));
    assert_eq!(part.bytes().await.unwrap().as_ref(), b"OggS");
    drop(pages);
    assert_eq!(bot.end(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_spoken_yes_moves_no_money_and_shows_the_offer_again() {
    let mut bot = hearing(words("Yes, refund")).await;
    put(&bot.graph, "voice", b"OggS voice").await;
    bot.write(CUSTOMER, "I want a refund for ORD000003, items are missing").await;
    holds(&said(&bot.reply(CUSTOMER, 1).await), &["₹599", "Shall I go ahead?"]);
    send(&bot, "audio", "voice", "").await;
    let again = bot.reply(CUSTOMER, 2).await;
    holds(&said(&again), &["₹599", "Shall I go ahead?"]);
    let refunds = || store(&bot).query_row("SELECT count(*) FROM refunds", [], |row| row.get::<_, u32>(0)).unwrap();
    assert_eq!(refunds(), 0);
    let button = &again["interactive"]["action"]["buttons"][0]["reply"];
    let press = json!({"type": "button_reply", "button_reply": button});
    bot.deliver(&bot.message(CUSTOMER, "interactive", &press)).await;
    holds(&said(&bot.reply(CUSTOMER, 3).await), &["RFND_"]);
    assert_eq!(refunds(), 1);
    assert_eq!(bot.end(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_here_can_hear_is_a_persons_to_hear_and_that_is_said_once() {
    // No service; one that refuses; one that hears nothing.
    for heard in [None, Some(ResponseTemplate::new(400)), Some(words("  "))] {
        let mut bot = match heard {
            Some(heard) => hearing(heard).await,
            None => Bot::start(&["bot"], &[]).await,
        };
        put(&bot.graph, "voice", b"OggS voice").await;
        put(&bot.graph, "again", b"OggS again").await;
        bot.write(CUSTOMER, "¿Dónde está mi pedido ORD000001?").await;
        holds(&said(&bot.reply(CUSTOMER, 1).await), &["ORD000001"]);
        send(&bot, "audio", "voice", "").await;
        holds(&said(&bot.reply(CUSTOMER, 2).await), &["Gracias por su mensaje de voz", "persona"]);
        let alerts = bot.alerts();
        assert_eq!(alerts.len(), 1);
        holds(alerts[0]["reason"].as_str().unwrap(), &["voice message"]);
        assert_eq!(alerts[0]["last_message"], "[audio]");
        send(&bot, "audio", "again", "").await;
        bot.silence(CUSTOMER, 2).await;
        becomes(&bot, "voice", "stored").await;
        let pages = Pages::open(&bot);
        holds(&pages.text("alerts").await, &["2 voice messages"]);
        holds(&pages.text(&format!("conversation?user={CUSTOMER}")).await, &["<audio", "2 voice messages"]);
        drop(pages);
        assert_eq!(bot.end(), Some(0));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_written_beside_a_recording_is_answered() {
    let mut bot = Bot::start(&["bot"], &[]).await;
    put(&bot.graph, "voice", b"OggS voice").await;
    for (number, order) in [(1, "ORD000001"), (2, "ORD000002")] {
        let mut both = bot.message(CUSTOMER, "audio", &json!({"id": "voice"}));
        let text = bot.message(CUSTOMER, "text", &json!({"body": format!("where is my order {order}?")}));
        both["messages"].as_array_mut().unwrap().push(text["messages"][0].clone());
        bot.deliver(&both).await;
        let told = said(&bot.reply(CUSTOMER, number).await);
        holds(&told, &[order]);
        assert_eq!(told.contains("Thank you for your voice message."), number == 1, "said once: {told}");
    }
    let alerts = bot.alerts();
    assert_eq!((alerts.len(), &alerts[0]["bot_answers"]), (1, &json!(true)));
    assert_eq!(bot.end(), Some(0));
}
