//! Who is let through.

use axum::http::{Extensions, Uri};

use super::login::{Login, attempt};
use super::*;
use crate::store::sqlite::SqliteStore;
use crate::web::users::hash_password;

/// A token that nobody finds by trying.
const LONG: &str = "a-token-0123456789-0123456789-0123456789";

fn access(address: &str, hash: &str, token: &str) -> Result<Access, AccessError> {
    Access::new(address.parse().unwrap(), &hash.to_owned().into(), &token.to_owned().into(), &["shop.example".into()])
}

#[test]
fn nothing_is_served_without_a_lock() {
    assert!(matches!(access("127.0.0.1:1", "", ""), Err(AccessError::NoLock)));
    assert!(matches!(access("[::1]:1", "", " "), Err(AccessError::NoLock)));
    let (here, everywhere) = ("127.0.0.1:1".parse().unwrap(), "0.0.0.0:1".parse().unwrap());
    assert!(Access::alone(here).is_ok() && Access::by_link(here, &[]).is_ok());
    assert!(matches!(Access::alone(everywhere), Err(AccessError::NotAlone(_))));
    assert!(matches!(Access::by_link(everywhere, &[]), Err(AccessError::NoLogin(_))));
    assert!(matches!(access("0.0.0.0:1", "", " "), Err(AccessError::NoLogin(_))));
    assert!(access("0.0.0.0:1", "", "token").is_ok());
    assert!(matches!(access("127.0.0.1:1", "plain", ""), Err(AccessError::InvalidHash { .. })));
}

#[test]
fn names_that_could_be_rebound_are_refused() {
    let permits = |access: &Access, host: &str| {
        let headers = HeaderMap::from_iter([(header::HOST, host.parse().unwrap())]);
        access.hosts.as_ref().is_none_or(|hosts| hosts.permit(&Uri::from_static("/"), &headers))
    };
    let open = access("127.0.0.1:1", "", "token").unwrap();
    for host in ["localhost:8501", "127.0.0.1", "[::1]:8501", "shop.example"] {
        assert!(permits(&open, host), "{host}");
    }
    for host in ["evil.example", "localhost.evil.example", "10.0.0.1"] {
        assert!(!permits(&open, host), "{host}");
    }
    assert!(permits(&access("0.0.0.0:1", "", "token").unwrap(), "any.example"), "whoever comes has to log in");
}

#[test]
fn forms_of_other_sites_are_recognised_by_their_origin() {
    let headers = |origin: &str| {
        HeaderMap::from_iter([
            (header::HOST, "localhost:8501".parse().unwrap()),
            (header::ORIGIN, origin.parse().unwrap()),
        ])
    };
    assert!(is_same_origin(&headers("http://localhost:8501")) && is_same_origin(&HeaderMap::new()));
    assert!(!is_same_origin(&headers("http://localhost:9")) && !is_same_origin(&headers("null")));
}

#[test]
fn a_login_leads_to_pages_of_this_server_only() {
    for path in ["/alerts?status=all", "/conversation?user=91%3Cb%3E&told=x#m3", "/?range=24h"] {
        assert_eq!(own_path(path), Some(path));
    }
    let long = format!("/{}", "x".repeat(MAX_NEXT_BYTES));
    for path in [
        "",
        "/",
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "/a\r\nb",
        "/a b",
        "/login?next=/",
        "/logout",
        &long,
    ] {
        assert_eq!(own_path(path), None, "{path:?}");
    }
    assert_eq!(login_address(Some("/alerts?q=a%20b")), "/login?next=%2Falerts%3Fq%3Da%2520b");
    assert_eq!(login_address(Some("//evil.example")), "/login");
}

async fn start(access: &Access, store: &dyn Store, now: Timestamp) -> String {
    let known = access.users.find("").unwrap();
    access.start_session(store, ("", &known), now).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_session_is_known_by_its_cookie_also_after_a_restart() {
    let closed = access("0.0.0.0:1", "", LONG).unwrap();
    assert!(closed.session(&HeaderMap::new()).is_none());
    let (store, now) = (SqliteStore::scratch().unwrap(), Timestamp::from_second(1_750_000_000).unwrap());
    let key = start(&closed, &store, now).await;
    let with = |value: String| HeaderMap::from_iter([(header::COOKIE, value.parse().unwrap())]);
    let (right, wrong) = (with(format!("a=b; {COOKIE}={key}")), with(format!("{COOKIE}={key}0")));
    let csrf = closed.session(&right).unwrap().csrf;
    assert!(closed.session(&wrong).is_none());
    let later = async |hash: &str, token: &str, headers: &HeaderMap, hours: i64| {
        let again = access("0.0.0.0:1", hash, token).unwrap();
        assert!(again.session(headers).is_none(), "another process");
        again.restored(&store, headers, now + jiff::SignedDuration::from_hours(hours)).await
    };
    assert_eq!(later("", LONG, &right, 11).await.unwrap().csrf, csrf, "open pages still send their forms");
    assert!(later("", LONG, &right, 12).await.is_none(), "it has ended");
    assert!(
        later("", LONG, &wrong, 1).await.is_none()
            && later("", "changed-0123456789-0123456789-012345", &right, 1).await.is_none()
    );
    let stored =
        format!("{:?}", crate::store::Desk::entries(&store, crate::domain::desk::EntryKind::Session, None).await);
    assert!(!stored.contains(&key) && !stored.contains(&csrf), "what is stored opens nothing");
    closed.end_sessions(&store, &right).await.unwrap();
    assert!(later("", LONG, &right, 1).await.is_none() && closed.session(&right).is_none());
}

#[tokio::test]
async fn a_session_that_another_process_ended_is_none_any_more() {
    let (one, other) = (access("0.0.0.0:1", "", LONG).unwrap(), access("0.0.0.0:1", "", LONG).unwrap());
    let (store, now) = (SqliteStore::scratch().unwrap(), Timestamp::from_second(1_750_000_000).unwrap());
    let key = start(&one, &store, now).await;
    let headers = HeaderMap::from_iter([(header::COOKIE, format!("{COOKIE}={key}").parse().unwrap())]);
    let at = |seconds| now + jiff::SignedDuration::from_secs(seconds);
    for access in [&one, &other] {
        assert!(access.current(&store, &headers, at(1)).await.is_some());
    }
    assert!(one.current(&store, &headers, at(40)).await.is_some(), "it is still there");
    other.end_sessions(&store, &headers).await.unwrap();
    assert!(other.current(&store, &headers, at(41)).await.is_none());
    assert!(one.current(&store, &headers, at(69)).await.is_some(), "not every request looks into the store");
    assert!(one.current(&store, &headers, at(70)).await.is_none());
}

#[tokio::test]
async fn a_login_whose_member_was_changed_while_it_was_checked_is_none() {
    let closed = access("0.0.0.0:1", "", LONG).unwrap();
    let (store, now) = (SqliteStore::scratch().unwrap(), Timestamp::from_second(1_750_000_000).unwrap());
    let (one, other) = (hash_password("one").unwrap(), hash_password("other").unwrap());
    let mia = |role, hash: &str| vec![(Member { name: "mia".to_owned(), role }, hash.to_owned())];
    let was = || {
        closed.users.set_added(mia(Role::Admin, &one));
        closed.users.find("mia").unwrap()
    };
    for (what, changed) in
        [("removed", Vec::new()), ("demoted", mia(Role::Viewer, &one)), ("renewed", mia(Role::Admin, &other))]
    {
        // Between the check and the session.
        let known = was();
        closed.users.set_added(changed.clone());
        assert!(closed.start_session(&store, ("mia", &known), now).await.unwrap().is_none(), "{what}");
        // A moment later, whoever noticed it.
        let known = was();
        let key = closed.start_session(&store, ("mia", &known), now).await.unwrap().unwrap();
        let headers = HeaderMap::from_iter([(header::COOKIE, format!("{COOKIE}={key}").parse().unwrap())]);
        assert!(closed.session(&headers).is_some());
        closed.users.set_added(changed);
        assert!(closed.session(&headers).is_none(), "{what}");
        assert!(closed.restored(&store, &headers, now).await.is_none(), "{what}");
    }
}

#[tokio::test]
async fn nothing_is_stored_by_which_a_short_token_could_be_guessed() {
    let (store, now) = (SqliteStore::scratch().unwrap(), Timestamp::from_second(1_750_000_000).unwrap());
    let hash = hash_password("correct horse").unwrap();
    for (hash, token, stored) in [("", "t0ken", 0), ("", LONG, 1), (hash.as_str(), "", 2), (hash.as_str(), "t0ken", 3)]
    {
        let access = access("0.0.0.0:1", hash, token).unwrap();
        let key = start(&access, &store, now).await;
        let headers = HeaderMap::from_iter([(header::COOKIE, format!("{COOKIE}={key}").parse().unwrap())]);
        let entries = crate::store::Desk::entries(&store, crate::domain::desk::EntryKind::Session, None).await.unwrap();
        assert_eq!(entries.len(), stored, "{token}");
        let later = now + jiff::SignedDuration::from_hours(1);
        assert!(access.current(&store, &headers, later).await.is_some(), "it holds here in any case");
    }
}

#[test]
fn whoever_is_alone_is_an_admin() {
    let open = Access::alone("127.0.0.1:1".parse().unwrap()).unwrap().session(&HeaderMap::new()).unwrap();
    assert!(open.may_change() && open.may_administer() && !open.logged_in);
    assert_eq!(open.actor(Timestamp::UNIX_EPOCH).actor(), "operator:dashboard");
}

#[test]
fn a_browser_is_known_by_what_only_the_server_could_have_marked() {
    let closed = access("0.0.0.0:1", "", "t0ken").unwrap();
    let mark = closed.users.find("").unwrap().device_mark("", "17");
    let known = |access: &Access, name: &str, value: String| {
        let cookie = format!("{DEVICE_COOKIE}={value}").parse().unwrap();
        access.known_device(name, &HeaderMap::from_iter([(header::COOKIE, cookie)]))
    };
    assert_eq!(known(&closed, "", format!("17.{mark}")), Some("17".to_owned()));
    assert_eq!(known(&closed, "", format!("18.{mark}")), None, "the mark of another number");
    assert_eq!(known(&closed, "lead", format!("17.{mark}")), None, "of another name");
    assert_eq!(known(&access("0.0.0.0:1", "", "changed").unwrap(), "", format!("17.{mark}")), None);
    assert_eq!(known(&closed, "", "17".to_owned()), None);
}

#[tokio::test]
async fn strangers_lock_nobody_out_who_has_the_link() {
    let (closed, link) = Access::by_link("127.0.0.1:1".parse().unwrap(), &[]).unwrap();
    let key = link.split_once('=').unwrap().1;
    let store = SqliteStore::scratch().unwrap();
    let status = async |secret: &str| {
        let login = Login { name: "", secret, next: None };
        attempt((&closed, &store, Timestamp::UNIX_EPOCH), &Extensions::new(), &HeaderMap::new(), &login).await.status()
    };
    let mut last = StatusCode::OK;
    for number in 0..40 {
        last = status(&format!("wrong-{number}")).await;
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(status(key).await, StatusCode::SEE_OTHER);
    assert_eq!(status(&key[1..]).await, StatusCode::TOO_MANY_REQUESTS, "a part of it is a wrong one");
}

#[test]
fn every_form_but_those_of_the_login_needs_a_role() {
    assert_eq!((required_role("/logout"), required_role("/alerts/claim")), (Role::Viewer, Role::Agent));
    assert_eq!((required_role("/alerts/reopen"), required_role("/whatever/comes")), (Role::Admin, Role::Agent));
}
