//! Files that the team sends from the pages: judged by their content, kept with the customer, queued for the channel, and nothing
//! without the token of the session.

use std::sync::Arc;

use ecomres::domain::ids::UserId;
use ecomres::domain::message::{Basis, ChatMessage, Role as Said};
use ecomres::domain::outgoing::Body;
use ecomres::store::sqlite::SqliteStore;
use ecomres::store::{MediaFolder, Store, forget};
use ecomres::web::Settings;
use jiff::{SignedDuration, Timestamp};
use reqwest::StatusCode;

use crate::team::{log_in, team_with};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_is_kept_and_queued_and_goes_with_its_customer() {
    let folder = tempfile::tempdir().unwrap();
    let media = MediaFolder::new(folder.path().join("media"), 20_000_000);
    let store: Arc<dyn Store> = Arc::new(SqliteStore::scratch().unwrap().with_media(Some(media.clone())));
    let page = team_with(|settings| Settings { store: Arc::clone(&store), ..settings }).await;
    let desk = log_in(&page, "desk", "desk-token").await.unwrap();
    let user = UserId::new("91701");
    let said = |minutes: i64| ChatMessage {
        user_id: user.clone(),
        role: Said::User,
        text: "where is my invoice?".to_owned(),
        at: Timestamp::now() - SignedDuration::from_mins(minutes),
        turn: 1,
        intent: None,
        sentiment: None,
        response_ms: None,
        basis: Basis::default(),
    };
    store.append_messages(&[said(25 * 60)]).await.unwrap();
    let send = async |bytes: &[u8], csrf: &str, query: &str| {
        let request = page.http.post(format!("{}/conversation/attach?user=91701&{query}", page.url));
        let request = request.header("cookie", desk.cookie()).header("content-type", "application/octet-stream");
        let answer = request.header("x-csrf", csrf).body(bytes.to_vec()).send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    };
    let pdf = b"%PDF-1.7 the invoice";
    let query = "name=..%2Finvoice.pdf&caption=Here+it+is";
    assert_eq!(send(pdf, "0", query).await.0, StatusCode::FORBIDDEN, "no file without the token");
    let right = desk.csrf();
    assert_eq!(send(pdf, "", &format!("csrf={right}")).await.0, StatusCode::FORBIDDEN, "an address holds no token");
    let (status, told) = send(pdf, right, query).await;
    assert!(status == StatusCode::CONFLICT && told.contains("the bot answers"), "{told}");
    desk.post("/conversation/take-over", &[("user", "91701")]).await.unwrap();
    let (status, told) = send(pdf, right, query).await;
    assert!(status == StatusCode::CONFLICT && told.contains("within 24 hours"), "{told}");
    store.append_messages(&[said(1)]).await.unwrap();
    assert!(desk.get("/conversation?user=91701").await.contains("id=\"attach\" type=\"file\""));
    let (status, told) = send(b"<html>", right, "name=invoice.pdf").await;
    assert!(status == StatusCode::CONFLICT && told.contains("only JPEG"), "by its content: {told}");
    let large = [b"\x89PNG\r\n\x1a\n".as_slice(), &vec![0; 5 * 1_024 * 1_024]].concat();
    assert!(send(&large, right, "name=a.png").await.1.contains("5 MB"));
    assert_eq!(send(&vec![0; 16 * 1_024 * 1_024 + 1], right, "name=a").await.0, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(send(b"", right, "name=a").await.0, StatusCode::BAD_REQUEST);
    assert!(store.outgoing_of(&user, 9).await.unwrap().is_empty());
    assert_eq!(send(pdf, right, query).await, (StatusCode::OK, "On its way.".to_owned()));
    let sent = store.outgoing_of(&user, 9).await.unwrap().remove(0);
    let Body::File { sha256, mime, name, caption } = sent.body else { panic!("{:?}", sent.body) };
    assert_eq!((mime.as_str(), name.as_str(), caption.as_str()), ("application/pdf", "invoice.pdf", "Here it is"));
    assert_eq!(media.read(&sha256).unwrap().unwrap(), pdf);
    assert!(desk.get("/conversation?user=91701").await.contains("📎 invoice.pdf\nHere it is"));
    let file = store.media_of(&user, 9).await.unwrap().remove(0);
    assert!(file.content() == Some(sha256.as_str()) && file.is_of_team() && !file.is_evidence(), "{file:?}");
    assert!(
        store.claim_media(Timestamp::MAX, SignedDuration::ZERO).await.unwrap().is_none(),
        "nothing is to be fetched"
    );
    forget(store.as_ref(), &user, &Timestamp::now).await.unwrap();
    assert_eq!(media.read(&sha256).unwrap(), None, "it goes with its customer");
}
