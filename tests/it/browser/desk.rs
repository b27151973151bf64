//! Working in the inbox: what is typed stays, the messages go on beside it, and a lost connection comes back.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ecomres::domain::desk::{Pin, PinKind};
use ecomres::domain::ids::UserId;
use ecomres::domain::message::{Basis, ChatMessage, Role};
use ecomres::store::Store;
use jiff::Timestamp;
use serde_json::{Value, json};
use thirtyfour::prelude::*;

use super::driver::Browser;

const CUSTOMER: &str = "919000000777";
const SOON: Duration = Duration::from_secs(10);

async fn said(store: &dyn Store, role: Role, text: &str) {
    let message = ChatMessage {
        user_id: UserId::new(CUSTOMER),
        role,
        text: text.to_owned(),
        at: Timestamp::now(),
        turn: 1,
        intent: None,
        sentiment: None,
        response_ms: None,
        basis: Basis::default(),
    };
    store.append_messages(&[message]).await.unwrap();
}

async fn value(browser: &Browser) -> Value {
    browser.run("return document.getElementById('reply').value").await
}

/// Waits until a script returns true.
async fn until(browser: &Browser, script: &str) {
    browser.until(&format!("return {script}"), SOON).await;
}

pub(super) async fn inbox(one: &Browser, other: &Browser, store: &dyn Store) {
    for number in 0..60 {
        said(store, Role::User, &format!("question {number}: where is my order, and why is nobody answering me?"))
            .await;
    }
    let chat = format!("/conversation?user={CUSTOMER}");
    one.go(&chat).await;
    one.driver.find(By::XPath("//button[text()='Take over']")).await.unwrap().click().await.unwrap();
    until(one, "document.getElementById('reply') !== null").await;
    until(one, "document.getElementById('live').textContent === 'Live'").await;
    let end = "(() => { const chat = document.getElementById('chat'); \
        return chat.scrollHeight - chat.scrollTop - chat.clientHeight < 5; })()";
    until(one, end).await;

    // A message comes while somebody types: it is seen, and neither the words nor what is open are touched.
    one.run("document.querySelector('#note').closest('details').open = true; window.mark = 1").await;
    one.driver.find(By::Id("reply")).await.unwrap().send_keys("Dear customer, we").await.unwrap();
    said(store, Role::User, "and another one").await;
    until(one, "document.getElementById('chat').innerText.includes('and another one') && window.mark === 1").await;
    until(one, end).await;
    let kept = "document.activeElement.id === 'reply' && document.querySelector('#note').closest('details').open";
    until(one, kept).await;
    one.driver.find(By::Id("reply")).await.unwrap().send_keys(" are late").await.unwrap();
    assert_eq!(value(one).await, "Dear customer, we are late", "typing went on in its place");

    // Whoever reads further up stays there, and is told how many came.
    one.run("document.getElementById('chat').scrollTop = 0").await;
    for text in ["one more", "two more", "three more"] {
        said(store, Role::User, text).await;
    }
    until(one, "document.getElementById('newer').innerText.startsWith('3 new') && document.getElementById('chat').scrollTop === 0").await;
    one.driver.find(By::Id("newer")).await.unwrap().click().await.unwrap();
    until(one, end).await;
    until(one, "document.getElementById('newer').hidden").await;

    // The draft is there after loading the page anew, in another tab, and where another browser is logged in as the same person.
    one.go(&chat).await;
    assert_eq!(value(one).await, "Dear customer, we are late");
    let begun = std::time::Instant::now();
    while store.drafts_of("dashboard", 9).await.unwrap().is_empty() {
        assert!(begun.elapsed() < SOON, "the server has no draft");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    other.go(&chat).await;
    assert_eq!(value(other).await, "Dear customer, we are late");
    let first = one.driver.window().await.unwrap();
    let tab = one.driver.new_tab().await.unwrap();
    one.driver.switch_to_window(tab).await.unwrap();
    one.go(&chat).await;
    one.driver.find(By::Id("reply")).await.unwrap().send_keys(" today").await.unwrap();
    one.driver.switch_to_window(first.clone()).await.unwrap();
    until(one, "document.getElementById('reply').value === 'Dear customer, we are late today'").await;

    // Undone, it is not sent; sent, it is no draft any more, here and in the other tab.
    let sent = async || store.outgoing_of(&UserId::new(CUSTOMER), 9).await.unwrap().len();
    one.driver.find(By::XPath("//button[text()='Send']")).await.unwrap().click().await.unwrap();
    one.driver.find(By::XPath("//button[text()='Undo']")).await.unwrap().click().await.unwrap();
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!((sent().await, value(one).await), (0, json!("Dear customer, we are late today")));
    // Ctrl+Enter sends, five seconds later.
    one.run("document.getElementById('reply').focus()").await;
    one.driver
        .action_chain()
        .key_down(Key::Control)
        .send_keys(Key::Enter)
        .key_up(Key::Control)
        .perform()
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(sent().await, 0, "not yet");
    until(one, "document.querySelector('[data-told=queued]') !== null").await;
    assert_eq!((sent().await, value(one).await), (1, json!("")));
    assert!(store.drafts_of("dashboard", 9).await.unwrap().is_empty());

    // A refusal is red and keeps the words.
    one.run("document.getElementById('reply').value = 'Dear {name}'").await;
    one.run("document.getElementById('reply').dispatchEvent(new Event('input', {bubbles: true}))").await;
    one.run("document.getElementById('reply').form.submit()").await;
    until(one, "document.querySelector('.warning[data-told=unfilled]') !== null").await;
    assert_eq!(value(one).await, "Dear {name}");

    // Canned replies open with a slash; what is not known is selected.
    one.run("document.getElementById('reply').value = ''").await;
    one.driver.find(By::Id("reply")).await.unwrap().send_keys("/la").await.unwrap();
    until(one, "!document.getElementById('canned').hidden").await;
    one.driver.action_chain().send_keys(Key::Enter).perform().await.unwrap();
    assert_eq!(value(one).await, "Dear {name}, {order_id} is late.");
    let selected =
        "const at = document.getElementById('reply'); return at.value.slice(at.selectionStart, at.selectionEnd)";
    assert_eq!(one.run(selected).await, "{name}");

    // Keys: out of the field, the list of keys, the note.
    one.driver.action_chain().send_keys(Key::Escape).perform().await.unwrap();
    one.driver.action_chain().send_keys("?").perform().await.unwrap();
    until(one, "document.querySelector('dialog[open]') !== null").await;
    one.driver.action_chain().send_keys(Key::Escape).perform().await.unwrap();
    until(one, "document.querySelector('dialog[open]') === null").await;
    one.driver.action_chain().send_keys("r").perform().await.unwrap();
    until(one, "document.activeElement.id === 'reply'").await;
    one.is_clean("inbox").await;

    // Twelve conversations and more fit on a screen.
    one.go("/conversations").await;
    let rows = "[...document.querySelectorAll('a.talk')].filter((one) => one.getBoundingClientRect().bottom <= 900).length >= 12";
    until(one, rows).await;
    one.driver.action_chain().send_keys("jj").perform().await.unwrap();
    until(one, "[...document.querySelectorAll('a.talk')].indexOf(document.activeElement) === 1").await;
    one.driver.action_chain().send_keys("k").perform().await.unwrap();
    until(one, "[...document.querySelectorAll('a.talk')].indexOf(document.activeElement) === 0").await;
}

/// The connection breaks, a proxy answers 502 for a while, and the page is live again without anybody's doing.
pub(super) async fn connection(browser: &Browser, away: &AtomicBool) {
    let live = "document.getElementById('live').textContent === 'Live'";
    browser.go("/alerts").await;
    until(browser, live).await;
    browser.command("Network.enable", json!({})).await;
    let network =
        |offline: bool| json!({"offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1});
    away.store(true, Ordering::Relaxed);
    browser.command("Network.emulateNetworkConditions", network(true)).await;
    until(browser, &format!("!({live})")).await;
    browser.command("Network.emulateNetworkConditions", network(false)).await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(browser.run(&format!("return {live}")).await, Value::Bool(false), "while there is no stream");
    away.store(false, Ordering::Relaxed);
    browser.until(&format!("return {live}"), Duration::from_secs(20)).await;
    // The browser tells of what could not be loaded.
    browser.driver.browser_log().await.unwrap();
}

/// Two members of the team at the same conversation, and what one of them leaves for the other.
pub(super) async fn people(one: &Browser, night: &Browser, store: &dyn Store) {
    let chat = format!("/conversation?user={CUSTOMER}");
    one.go(&chat).await;
    if one.run("return document.getElementById('reply') === null").await == json!(true) {
        one.driver.find(By::XPath("//button[text()='Take over']")).await.unwrap().click().await.unwrap();
        until(one, "document.getElementById('reply') !== null").await;
    }
    night.go(&chat).await;
    until(one, "document.getElementById('presence').textContent.startsWith('night is looking')").await;
    night.driver.find(By::Id("reply")).await.unwrap().send_keys("hello").await.unwrap();
    let busy = "document.querySelector('#presence.busy')?.textContent.startsWith('night is typing') === true";
    until(one, busy).await;
    one.picture("two-people", 1440).await;
    // It is forgotten a moment later, and when the other one leaves.
    let calm = "return document.querySelector('#presence.busy') === null";
    one.until(calm, Duration::from_secs(20)).await;
    night.go("/conversations").await;
    until(one, "document.getElementById('presence').textContent === ''").await;

    // A tag shows in the other's list.
    one.driver
        .find(By::Css("#pins input[name=tag]:not([type=hidden])"))
        .await
        .unwrap()
        .send_keys("Late parcel")
        .await
        .unwrap();
    one.driver.find(By::XPath("//button[text()='Add']")).await.unwrap().click().await.unwrap();
    until(one, "document.querySelector('[data-told=tagged]') !== null").await;
    let tagged = "[...document.querySelectorAll('.talk .chip.tag')].some((chip) => chip.textContent === 'late-parcel')";
    until(night, tagged).await;

    // Who is mentioned finds it, and says that they saw it.
    one.run("document.querySelector('#note').closest('details').open = true").await;
    one.driver.find(By::Id("note")).await.unwrap().send_keys("@night please call them").await.unwrap();
    one.driver.find(By::XPath("//button[text()='Save the note']")).await.unwrap().click().await.unwrap();
    until(one, "document.querySelector('[data-told=noted]') !== null").await;
    until(night, "document.querySelector('a[href=\"/conversations?queue=mentions\"]') !== null").await;
    night.go(&chat).await;
    night.driver.find(By::XPath("//button[text()='Seen']")).await.unwrap().click().await.unwrap();
    until(night, "document.querySelector('#asked') === null && document.querySelector('[data-told=seen]') !== null")
        .await;

    // Put away until a time, it comes back to an open page by itself.
    let now = Timestamp::now();
    store
        .save_pin(&Pin {
            user_id: UserId::new(CUSTOMER),
            kind: PinKind::Snooze,
            name: String::new(),
            by: "night".to_owned(),
            at: now,
            until: Some(now + jiff::SignedDuration::from_secs(8)),
        })
        .await
        .unwrap();
    night.go("/conversations?queue=mine").await;
    one.go("/conversations?queue=mine").await;
    let there = format!("document.querySelector('.talk[href*=\"{CUSTOMER}\"]') !== null");
    until(one, &format!("!({there})")).await;
    one.until(&format!("return {there}"), Duration::from_secs(20)).await;
}
