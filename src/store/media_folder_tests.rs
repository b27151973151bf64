//! Contents in their folder.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::domain::ids::{MessageId, UserId};
use crate::domain::inbound::{Content, Context, Inbound, Media};
use crate::domain::media::{MediaFile, MediaState};
use crate::store::sqlite::SqliteStore;
use crate::store::{Erasure as _, MediaFiles as _, StoreSettings, forget};

fn names(folder: &MediaFolder) -> BTreeSet<String> {
    let names = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
    names.map(|name| name.into_string().unwrap()).collect()
}

fn kept(folder: &MediaFolder, bytes: &[u8]) -> String {
    let mut content = folder.begin().unwrap();
    content.write(bytes).unwrap();
    folder.keep(content).unwrap().digest
}

#[test]
fn a_content_is_there_once_and_whole_and_its_owners_alone() {
    let place = tempfile::tempdir().unwrap();
    let folder = MediaFolder::new(place.path().join("shop.db.media"), 100);
    assert_eq!(folder.used().unwrap(), 0, "it is not there yet");
    let digest = kept(&folder, b"a photo");
    assert_eq!((kept(&folder, b"a photo"), folder.used().unwrap()), (digest.clone(), 7));
    assert_eq!(folder.read(&digest).unwrap().unwrap(), b"a photo");
    let mut half = folder.begin().unwrap();
    half.write(b"half").unwrap();
    drop(half);
    assert_eq!(names(&folder), [digest.clone(), LOCK.to_owned()].into());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(folder.path()), mode(&folder.place(&digest))), (0o700, 0o600));
        assert!(!is_open_to_others(&folder).unwrap());
    }
    // What somebody changed is not taken for it, and no name leads out of the folder.
    fs::write(folder.place(&digest), "another").unwrap();
    assert!(folder.read(&digest).is_err());
    fs::write(place.path().join("secret"), "x").unwrap();
    assert_eq!(folder.read("../secret").unwrap(), None);
    folder.remove("../secret").unwrap();
    assert!(place.path().join("secret").exists());
    folder.remove(&digest).unwrap();
    folder.remove(&digest).unwrap();
    assert_eq!(folder.read(&digest).unwrap(), None);
}

#[test]
fn a_full_folder_takes_nothing_more() {
    let place = tempfile::tempdir().unwrap();
    let folder = MediaFolder::new(place.path().join("media"), 10);
    kept(&folder, b"12345");
    let mut content = folder.begin().unwrap();
    content.write(b"1234").unwrap();
    assert!(matches!(content.write(b"56"), Err(KeepError::Full)));
    drop(content);
    kept(&folder, b"67890");
    assert!(matches!(folder.begin(), Err(KeepError::Full)));
}

/// Notes the photo of a message, and that this is its content; without one, that it is claimed.
async fn note(store: &SqliteStore, user: &str, message: &str, content: Option<&str>) -> MediaFile {
    let message = Inbound {
        id: MessageId::new(message),
        user_id: UserId::new(user),
        sent_at: Timestamp::UNIX_EPOCH,
        received_at: Timestamp::UNIX_EPOCH,
        number: None,
        content: Content::Media { media: Media::Image, caption: String::new(), file: "9".to_owned() },
        context: Context::default(),
    };
    store.note_media(&[MediaFile::of(&message).unwrap()]).await.unwrap();
    let claimed = store.claim_media(Timestamp::UNIX_EPOCH, SignedDuration::from_secs(9)).await.unwrap().unwrap();
    if let Some(content) = content {
        assert!(store.save_media(&claimed, &done(&claimed, content)).await.unwrap());
    }
    claimed
}

fn done(claimed: &MediaFile, content: &str) -> MediaFile {
    MediaFile { state: MediaState::Stored, sha256: Some(content.to_owned()), ..claimed.clone() }
}

#[tokio::test]
async fn contents_go_with_their_customers_and_what_was_left_behind_goes() {
    let place = tempfile::tempdir().unwrap();
    let folder = MediaFolder::new(place.path().join("media"), 1_000);
    let store = SqliteStore::scratch().unwrap().with_media(Some(folder.clone()));
    let shared = kept(&folder, b"the same photo");
    let own = kept(&folder, b"a photo of one");
    for (user, message, content) in [("1", "a", &shared), ("1", "b", &own), ("2", "c", &shared)] {
        note(&store, user, message, Some(content)).await;
    }
    forget(&store, &UserId::new("1"), &Timestamp::now).await.unwrap();
    assert_eq!(folder.read(&own).unwrap(), None);
    assert!(folder.read(&shared).unwrap().is_some(), "another customer sent the same");
    // A content that is not noted yet may be in a moment; one that was left behind long ago, and half of one, go.
    let fresh = kept(&folder, b"not noted yet");
    let left = kept(&folder, b"left behind");
    let half = folder.path().join(".partial-x");
    fs::write(&half, "half").unwrap();
    for path in [&folder.place(&left), &half, &folder.place(&shared)] {
        let long_ago = SystemTime::now() - 2 * LEFT_BEHIND;
        File::options().write(true).open(path).unwrap().set_modified(long_ago).unwrap();
    }
    tidy(&store).await.unwrap();
    assert_eq!((folder.read(&left).unwrap(), half.exists()), (None, false));
    assert!(folder.read(&fresh).unwrap().is_some() && folder.read(&shared).unwrap().is_some());
}

#[tokio::test]
async fn two_stores_do_not_share_a_folder() {
    let place = tempfile::tempdir().unwrap();
    let shared = || MediaFolder::new(place.path().join("media"), 1_000).that_may_be_shared();
    let one = SqliteStore::open(&place.path().join("one.db")).unwrap().with_media(Some(shared()));
    let other = SqliteStore::open(&place.path().join("other.db")).unwrap().with_media(Some(shared()));
    own(&one).await.unwrap();
    let photo = kept(&shared(), b"a photo of one");
    note(&one, "1", "a", Some(&photo)).await;
    // Long enough ago to look as if nobody had it.
    let long_ago = SystemTime::now() - 2 * LEFT_BEHIND;
    File::options().write(true).open(shared().place(&photo)).unwrap().set_modified(long_ago).unwrap();
    for refused in [own(&other).await, tidy(&other).await, remove_unused(&other, vec![photo.clone()]).await] {
        let refused = refused.unwrap_err();
        assert!(matches!(refused, StoreError::FolderOfAnother { .. }), "{refused}");
        assert!(refused.hint().unwrap().contains("[media] folder"));
    }
    assert!(forget(&other, &UserId::new("1"), &Timestamp::now).await.is_err(), "before anything is erased");
    // The same store again, as another process has it.
    let again = SqliteStore::open(&place.path().join("one.db")).unwrap().with_media(Some(shared()));
    tidy(&again).await.unwrap();
    assert!(shared().read(&photo).unwrap().is_some());
    // The folder beside a file is that file's by its name, whatever the file was before.
    let settings = StoreSettings::default();
    assert!(!settings.media_folder("shop.db").may_be_shared && settings.media_folder("mongodb://host").may_be_shared);
}

#[tokio::test]
async fn a_copy_of_a_store_does_not_have_its_folder() {
    let place = tempfile::tempdir().unwrap();
    let (file, copy) = (place.path().join("one.db"), place.path().join("copy.db"));
    let folder = || MediaFolder::new(place.path().join("media"), 1_000).that_may_be_shared();
    {
        let store = SqliteStore::open(&file).unwrap().with_media(Some(folder()));
        own(&store).await.unwrap();
    }
    fs::copy(&file, &copy).unwrap();
    let copied = SqliteStore::open(&copy).unwrap().with_media(Some(folder()));
    let store = SqliteStore::open(&file).unwrap().with_media(Some(folder()));
    // What the store notes since the copy does not know.
    let photo = kept(&folder(), b"noted since");
    note(&store, "1", "a", Some(&photo)).await;
    let long_ago = SystemTime::now() - 2 * LEFT_BEHIND;
    File::options().write(true).open(folder().place(&photo)).unwrap().set_modified(long_ago).unwrap();
    let refused = tidy(&copied).await.unwrap_err();
    let hint = refused.hint().unwrap();
    assert!(hint.contains("/.store: then this store takes the folder, and removes every file"), "{hint}");
    assert!(folder().read(&photo).unwrap().is_some());
    tidy(&store).await.unwrap();
    // Whoever does what the hint says.
    fs::remove_file(folder().path().join(OWNER)).unwrap();
    own(&copied).await.unwrap();
    assert!(own(&store).await.is_err());
}

#[test]
fn a_lock_is_not_waited_for_without_end_and_none_is_needed_where_there_are_none() {
    let place = tempfile::tempdir().unwrap();
    let folder = MediaFolder::new(place.path().join("media"), 1_000);
    folder.make().unwrap();
    let held = folder.lock().unwrap();
    let refused = folder.lock_within(Duration::from_millis(20)).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::TimedOut);
    drop(held);
    drop(folder.lock_within(Duration::ZERO).unwrap());
    assert!(has_no_locks(&ErrorKind::Unsupported.into()) && !has_no_locks(&ErrorKind::PermissionDenied.into()));
    #[cfg(target_os = "linux")]
    assert!(has_no_locks(&io::Error::from_raw_os_error(37)), "a network file system without its lock daemon");
}

#[test]
fn a_part_is_read_without_the_rest() {
    let place = tempfile::tempdir().unwrap();
    let folder = MediaFolder::new(place.path().join("media"), 1_000);
    let digest = kept(&folder, b"a recording");
    let (mut part, size) = folder.open_for_part(&digest, 11).unwrap().unwrap();
    assert_eq!((part.stream_position().unwrap(), size), (0, 11));
    assert!(folder.open_for_part(&digest, 12).is_err() && folder.open_for_part("../x", 11).unwrap().is_none());
    // Whole it is checked.
    fs::write(folder.place(&digest), b"another one").unwrap();
    assert!(folder.open_for_part(&digest, 11).is_ok() && folder.open(&digest).is_err());
    folder.remove(&digest).unwrap();
    assert!(folder.open_for_part(&digest, 11).unwrap().is_none());
}

#[tokio::test]
async fn what_is_no_longer_taken_still_goes() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("shop.db");
    let before = MediaFolder::new(place.path().join("shop.db.media"), 1_000);
    let photo = kept(&before, b"a photo");
    {
        let store = SqliteStore::open(&file).unwrap().with_media(Some(before.clone()));
        note(&store, "1", "a", Some(&photo)).await;
    }
    // [media] quota_mb = 0
    let store = crate::store::open(file.to_str().unwrap()).unwrap();
    assert!(!store.media_folder().unwrap().takes());
    assert!(store.media_folder().unwrap().begin().is_err());
    forget(store.as_ref(), &UserId::new("1"), &Timestamp::now).await.unwrap();
    assert_eq!(before.read(&photo).unwrap(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_kept_while_the_same_is_removed_stays() {
    let place = tempfile::tempdir().unwrap();
    let folder = MediaFolder::new(place.path().join("media"), 1_000_000);
    let store = Arc::new(SqliteStore::scratch().unwrap().with_media(Some(folder.clone())));
    for round in 0..60 {
        // The last one who had it was forgotten; another customer sends the same picture.
        let photo = kept(&folder, b"the same");
        let claimed = note(&store, "2", &format!("b{round}"), None).await;
        let removing = {
            let (store, photo) = (store.clone(), photo.clone());
            tokio::spawn(async move { remove_unused(store.as_ref(), vec![photo]).await.unwrap() })
        };
        let mut content = folder.begin().unwrap();
        content.write(b"the same").unwrap();
        let keeping = folder.clone();
        let kept = tokio::task::spawn_blocking(move || keeping.keep(content).unwrap()).await.unwrap();
        // Time enough for whoever does not wait.
        tokio::time::sleep(Duration::from_millis(round % 4)).await;
        assert!(store.save_media(&claimed, &done(&claimed, &kept.digest)).await.unwrap());
        drop(kept);
        removing.await.unwrap();
        assert!(folder.read(&photo).unwrap().is_some(), "round {round}");
        store.erase_data_of(&UserId::new("2"), Timestamp::now()).await.unwrap();
    }
}
