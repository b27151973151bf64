//! Files that customers' messages hold.

use super::*;
use crate::domain::ids::MessageId;
use crate::domain::inbound::{Content, Context, Inbound, Media};
use crate::domain::media::{MediaFile, MediaId, MediaState};
use crate::domain::view::{Shows, View};
use crate::store::MediaWork;

const LEASE: SignedDuration = SignedDuration::from_secs(30);

fn file(message: &str, asker: u32, media: Media, second: i64) -> MediaFile {
    let message = Inbound {
        id: MessageId::new(message),
        user_id: user(asker),
        sent_at: at(second),
        received_at: at(second),
        number: None,
        content: Content::Media { media, caption: String::new(), file: format!("meta-{message}") },
        context: Context::default(),
    };
    MediaFile::of(&message).unwrap()
}

fn stored(claimed: &MediaFile, content: &str, second: i64) -> MediaFile {
    MediaFile {
        state: MediaState::Stored,
        next_at: at(second),
        mime: Some("image/jpeg".to_owned()),
        size: Some(7),
        sha256: Some(content.to_owned()),
        ..claimed.clone()
    }
}

pub(in crate::store) async fn media_files_are_noted_once_and_claimed_by_one(fresh: TestStore) {
    let (store, other) = (&fresh.store, (fresh.again)());
    let voice = file("a", 1, Media::Audio, 1);
    store.note_media(&[voice.clone(), file("b", 2, Media::Image, 2)]).await.unwrap();
    other.note_media(&[MediaFile { source: "another".to_owned(), ..voice.clone() }]).await.unwrap();
    assert_eq!(other.media_file(&voice.id).await.unwrap(), Some(voice.clone()), "a redelivery changes nothing");
    assert_eq!(store.media_file(&MediaId::of(&MessageId::new("nobody's"))).await.unwrap(), None);
    assert_eq!(store.claim_media(at(0), LEASE).await.unwrap(), None, "nothing is due yet");
    // The one that is due for longest, by one of many.
    let tasks = (0..8).map(|number| {
        let store = if number % 2 == 0 { store.clone() } else { other.clone() };
        tokio::spawn(async move { store.claim_media(at(1), LEASE).await.unwrap() })
    });
    let mut claims = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        claims.extend(task.await.unwrap());
    }
    let [claimed] = claims.as_slice() else { panic!("{claims:?}") };
    assert_eq!(*claimed, MediaFile { tries: 1, next_at: at(31), ..voice.clone() });
    // Its process died: it is claimed again, and the first claim changes nothing any more.
    let again = other.claim_media(at(31), LEASE).await.unwrap().unwrap();
    assert_eq!(again.id, file("b", 2, Media::Image, 2).id, "the other one was due before");
    let again = other.claim_media(at(31), LEASE).await.unwrap().unwrap();
    assert_eq!((&again.id, again.tries), (&voice.id, 2));
    assert!(!store.save_media(claimed, &stored(claimed, "content", 40)).await.unwrap());
    // It comes back after a failure, and from one state to the next begins with no tries.
    let waits = MediaFile { next_at: at(50), error: Some("HTTP 500".to_owned()), ..again.clone() };
    assert!(store.save_media(&again, &waits).await.unwrap());
    assert_eq!(store.claim_media(at(49), LEASE).await.unwrap(), None);
    let third = store.claim_media(at(50), LEASE).await.unwrap().unwrap();
    assert_eq!((third.tries, third.error.as_deref()), (3, Some("HTTP 500")));
    let before = store.change_token().await.unwrap();
    let unheard = MediaFile { state: MediaState::Unheard, error: None, ..stored(&third, "content", 51) };
    assert!(store.save_media(&third, &unheard).await.unwrap());
    let heard = other.claim_media(at(51), LEASE).await.unwrap().unwrap();
    assert_eq!((heard.state, heard.tries, heard.error.as_deref()), (MediaState::Unheard, 1, None));
    let seen = View { shows: Shows::Payment, says: "a".to_owned(), amount: Some("₹9".to_owned()), reference: None };
    let done = MediaFile { transcript: Some(String::new()), seen: Some(seen), ..stored(&heard, "content", 52) };
    assert!(other.save_media(&heard, &done).await.unwrap());
    assert_eq!(store.media_file(&voice.id).await.unwrap(), Some(MediaFile { tries: 0, ..done.clone() }));
    assert_ne!(store.change_token().await.unwrap(), before, "open pages show it");
    let rest = store.claim_media(at(90), LEASE).await.unwrap().unwrap();
    let failed =
        MediaFile { state: MediaState::Failed, next_at: at(90), error: Some("gone".to_owned()), ..rest.clone() };
    assert!(store.save_media(&rest, &failed).await.unwrap());
    assert_eq!(store.claim_media(at(9_000), LEASE).await.unwrap(), None);
}

pub(in crate::store) async fn media_files_belong_to_orders_and_go(fresh: TestStore) {
    let (store, other) = (&fresh.store, (fresh.again)());
    let files = [
        file("old", 1, Media::Image, 0),
        file("photo", 1, Media::Image, 100),
        file("invoice", 1, Media::Document, 101),
        file("voice", 1, Media::Audio, 102),
        file("other", 2, Media::Image, 103),
    ];
    store.note_media(&files).await.unwrap();
    assert_eq!(store.attach_media(&user(1), at(50), &id(1)).await.unwrap(), 2, "the photo and the invoice");
    assert_eq!(other.attach_media(&user(1), at(50), &id(2)).await.unwrap(), 0, "they have an order");
    let messages = |files: Vec<MediaFile>| files.into_iter().map(|file| file.message.to_string()).collect::<Vec<_>>();
    assert_eq!(messages(other.media_of_order(&id(1), 9).await.unwrap()), ["invoice", "photo"]);
    assert_eq!(messages(store.media_of_order(&id(1), 1).await.unwrap()), ["invoice"]);
    assert_eq!(messages(store.media_of(&user(1), 9).await.unwrap()), ["voice", "invoice", "photo", "old"]);
    // What waits to be fetched stays, whatever its age.
    for _ in 0..3 {
        let claimed = store.claim_media(at(101), LEASE).await.unwrap().unwrap();
        assert!(store.save_media(&claimed, &stored(&claimed, "content", 101)).await.unwrap());
    }
    assert_eq!(store.sweep_step(Sweepable::Media, at(101), 9).await.unwrap(), 2);
    assert_eq!(messages(store.media_of(&user(1), 9).await.unwrap()), ["voice", "invoice"]);
    assert_eq!(personal_data(store.as_ref(), &user(1)).await.unwrap().media.len(), 2);
    assert_eq!(forget(store.as_ref(), &user(1), &|| at(200)).await.unwrap().erased.media, 2);
    assert!(personal_data(store.as_ref(), &user(1)).await.unwrap().is_empty());
    assert_eq!(messages(store.media_of(&user(2), 9).await.unwrap()), ["other"]);
}

pub(in crate::store) async fn contents_go_with_the_last_file_that_has_them(fresh: TestStore) {
    let store = &fresh.store;
    let both = [file("one", 1, Media::Image, 1), file("two", 2, Media::Image, 2)];
    store.note_media(&both).await.unwrap();
    let (shared, own) = ("a".repeat(64), "b".repeat(64));
    for content in [&shared, &shared] {
        let claimed = store.claim_media(at(9), LEASE).await.unwrap().unwrap();
        assert!(store.save_media(&claimed, &stored(&claimed, content, 9)).await.unwrap());
    }
    let digests = [shared.clone(), own.clone()];
    assert_eq!(store.media_contents(&digests).await.unwrap(), std::slice::from_ref(&shared));
    forget(store.as_ref(), &user(1), &|| at(10)).await.unwrap();
    assert_eq!(
        store.media_contents(&digests).await.unwrap(),
        std::slice::from_ref(&shared),
        "another customer sent the same"
    );
    forget(store.as_ref(), &user(2), &|| at(10)).await.unwrap();
    assert!(store.media_contents(&digests).await.unwrap().is_empty());
}

pub(in crate::store) async fn files_of_one_moment_keep_their_order(fresh: TestStore) {
    let store = &fresh.store;
    // One webhook with messages that are out of order, as it may hold them.
    let message = |name: &str, sent: i64| Inbound {
        id: MessageId::new(name),
        user_id: user(1),
        sent_at: at(sent),
        received_at: at(50),
        number: None,
        content: Content::Media { media: Media::Image, caption: String::new(), file: name.to_owned() },
        context: Context::default(),
    };
    let webhook = [("z", 9), ("y", 2), ("c", 2), ("x", 5), ("a", 30), ("b", 10)];
    let files = MediaFile::all(&webhook.map(|(name, sent)| message(name, sent)));
    store.note_media(&files).await.unwrap();
    assert_eq!(store.attach_media(&user(1), at(0), &id(1)).await.unwrap(), 6);
    let sources = |files: Vec<MediaFile>| files.into_iter().map(|file| file.source).collect::<Vec<_>>();
    let sent = ["y", "c", "x", "z", "b", "a"];
    assert_eq!(sources(store.media_of(&user(1), 9).await.unwrap()), sent);
    assert_eq!(sources(store.media_of_order(&id(1), 9).await.unwrap()), sent);
    assert_eq!(sources(personal_data(store.as_ref(), &user(1)).await.unwrap().media), sent);
}

pub(in crate::store) async fn evidence_of_a_pending_alert_outlives_retention(fresh: TestStore) {
    let store = &fresh.store;
    for (name, asker) in [("waits", 1), ("resolved", 2), ("none", 3)] {
        store.note_media(&[file(name, asker, Media::Image, 1)]).await.unwrap();
        let claimed = store.claim_media(at(1), LEASE).await.unwrap().unwrap();
        assert!(store.save_media(&claimed, &stored(&claimed, name, 1)).await.unwrap());
    }
    let alerts = [1, 2].map(|asker| alert(asker, asker, Priority::High));
    for alert in &alerts {
        store.open_alert(alert).await.unwrap();
    }
    store.resolve_alert(&alerts[1].id, &resolved(at(5))).await.unwrap();
    assert_eq!(store.sweep_step(Sweepable::Media, at(100), 9).await.unwrap(), 2);
    assert_eq!(store.media_of(&user(1), 9).await.unwrap().len(), 1, "a person is to look at it");
    store.resolve_alert(&alerts[0].id, &resolved(at(200))).await.unwrap();
    assert_eq!(store.sweep_step(Sweepable::Media, at(100), 9).await.unwrap(), 1);
}

pub(in crate::store) async fn a_store_has_one_name(fresh: TestStore) {
    let tasks = (0..8).map(|_| {
        let store = (fresh.again)();
        tokio::spawn(async move { store.media_owner().await.unwrap() })
    });
    let name = fresh.store.media_owner().await.unwrap();
    for task in tasks.collect::<Vec<_>>() {
        assert_eq!(task.await.unwrap(), name);
    }
    assert!(name.len() >= 32, "{name}");
}

pub(in crate::store) async fn photos_that_are_looked_at_keep_nobody_waiting(fresh: TestStore) {
    let store = &fresh.store;
    store.note_media(&[file("a", 1, Media::Image, 1)]).await.unwrap();
    let photo = store.claim_media(at(1), LEASE).await.unwrap().unwrap();
    let unseen = MediaFile { state: MediaState::Unseen, ..stored(&photo, "content", 2) };
    assert!(store.save_media(&photo, &unseen).await.unwrap());
    assert_eq!(store.claim_media_for(MediaWork::Fetching, at(9), LEASE).await.unwrap(), None);
    store.note_media(&[file("b", 2, Media::Audio, 5)]).await.unwrap();
    let voice = store.claim_media_for(MediaWork::Fetching, at(9), LEASE).await.unwrap().unwrap();
    assert_eq!(voice.kind, Media::Audio, "although the photo was due before");
    let heard = MediaFile { state: MediaState::Unheard, ..stored(&voice, "sound", 9) };
    assert!(store.save_media(&voice, &heard).await.unwrap());
    let looked = store.claim_media_for(MediaWork::Looking, at(9), LEASE).await.unwrap().unwrap();
    assert_eq!(looked.id, photo.id);
    assert_eq!(store.claim_media_for(MediaWork::Looking, at(9), LEASE).await.unwrap(), None);
    let unheard = store.claim_media_for(MediaWork::Fetching, at(9), LEASE).await.unwrap().unwrap();
    assert_eq!(unheard.id, voice.id);
}
