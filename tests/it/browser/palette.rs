//! With the keyboard alone: the command palette, emoji; and what the browser notifies of.

use std::time::Duration;

use ecomres::domain::alert::{Alert, AlertStatus, Handling, Priority};
use ecomres::domain::ids::{AlertId, UserId};
use ecomres::domain::message::{Basis, ChatMessage, Role};
use ecomres::store::Store;
use jiff::Timestamp;
use serde_json::json;
use thirtyfour::prelude::*;

use super::driver::Browser;

const CUSTOMER: &str = "919000000888";
const SOON: Duration = Duration::from_secs(10);

async fn until(browser: &Browser, script: &str) {
    browser.until(&format!("return {script}"), SOON).await;
}

async fn press(browser: &Browser, keys: impl Into<TypingData>) {
    browser.driver.action_chain().send_keys(keys).perform().await.unwrap();
}

async fn open_palette(browser: &Browser) {
    browser.driver.action_chain().key_down(Key::Control).send_keys("k").key_up(Key::Control).perform().await.unwrap();
    until(browser, "document.activeElement.closest('#palette') !== null").await;
}

/// Types into the palette, waits for the choice that is wanted, and takes it.
async fn choose(browser: &Browser, words: &str, wanted: &str) {
    open_palette(browser).await;
    press(browser, words).await;
    let first = format!(
        "document.querySelector('#palette li[aria-selected=true] span')?.textContent.startsWith({}) === true",
        json!(wanted)
    );
    until(browser, &first).await;
    press(browser, Key::Enter).await;
}

async fn said(store: &dyn Store, text: &str) {
    let message = ChatMessage {
        user_id: UserId::new(CUSTOMER),
        role: Role::User,
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

pub(super) async fn palette(browser: &Browser, store: &dyn Store, axe: &str) {
    said(store, "is anybody there?").await;
    browser.go("/").await;
    open_palette(browser).await;
    for dark in [false, true] {
        browser.shape(1440, dark).await;
        browser.is_accessible("the palette", axe).await;
    }
    browser.shape(1440, false).await;
    browser.picture("palette-1440-light", 1440).await;
    press(browser, Key::Escape).await;
    until(browser, "document.querySelector('dialog[open]') === null").await;
    // A page, an order, a conversation by its number.
    choose(browser, "quali", "Quality").await;
    until(browser, "location.pathname === '/quality'").await;
    choose(browser, "ORD000777", "ORD000777, ").await;
    until(browser, "location.pathname === '/order'").await;
    choose(browser, "+91 90000 00888", CUSTOMER).await;
    until(browser, &format!("location.search === '?user={CUSTOMER}'")).await;
    // What the page offers.
    choose(browser, "take over", "Take over").await;
    until(browser, "document.getElementById('reply') !== null").await;
    choose(browser, "assign night", "Assign to night").await;
    until(browser, "document.querySelector('#case')?.innerText.includes('with night') === true").await;
    choose(browser, "/late", "/late").await;
    until(browser, "document.getElementById('reply').value.startsWith('Dear {name}')").await;
    browser.run("document.getElementById('reply').value = 'It comes: '").await;

    // An emoji by its name, where the cursor is.
    browser.run("const at = document.getElementById('reply'); at.focus(); at.setSelectionRange(9, 9); document.querySelector('#emoji summary').focus()").await;
    press(browser, Key::Enter).await;
    until(browser, "document.activeElement.closest('#emoji .panel') !== null").await;
    browser.is_accessible("the emoji", axe).await;
    press(browser, "parcel").await;
    until(browser, "[...document.querySelectorAll('[data-emoji]')].filter((one) => !one.hidden).length === 1").await;
    press(browser, Key::Enter).await;
    until(
        browser,
        "document.getElementById('reply').value === 'It comes:📦 ' && document.activeElement.id === 'reply'",
    )
    .await;
    // It is no draft of anybody's.
    browser.run("const at = document.getElementById('reply'); at.value = ''; at.dispatchEvent(new Event('input', {bubbles: true}))").await;

    // The list of keys, by its own key and from the palette.
    choose(browser, "keys", "Keys").await;
    until(browser, "document.querySelector('#keys[open]')?.innerText.includes('Ctrl+K') === true").await;
    browser.is_accessible("the keys", axe).await;
    press(browser, Key::Escape).await;
    choose(browser, "snooze hour", "Snooze for an hour").await;
    until(browser, "document.querySelector('[data-told=snoozed]') !== null").await;
    choose(browser, "resolve", "Resolve: return to the bot").await;
    until(browser, "document.querySelector('[data-told=returned]') !== null").await;
    browser.is_clean("the palette").await;
}

/// What a customer wrote is in no notification, and nobody who looks at the page gets one.
pub(super) async fn notices(browser: &Browser, store: &dyn Store) {
    browser.command("Browser.grantPermissions", json!({"permissions": ["notifications"]})).await;
    browser.go("/alerts").await;
    browser
        .run(
            "window.noticed = []; const Real = window.Notification;
             window.Notification = class { constructor(title, more) { window.noticed.push(title + ' ' + more.body); } close() {} };
             window.Notification.permission = 'granted'; window.Notification.requestPermission = async () => 'granted';
             window.looks = false; document.hasFocus = () => window.looks;
             document.querySelector('.account').open = true; document.getElementById('notices').click();",
        )
        .await;
    until(browser, "document.getElementById('notices').textContent === 'Notifications on'").await;
    // What there was before is known by then.
    until(browser, "Object.keys(localStorage).some((key) => key.startsWith('ecomres.noticed:'))").await;
    said(store, "the secret word").await;
    let alert = Alert {
        id: AlertId::new("ALERT_NOTICED"),
        user_id: UserId::new(CUSTOMER),
        reason: "the secret word".to_owned(),
        last_message: "the secret word".to_owned(),
        priority: Priority::High,
        status: AlertStatus::Pending,
        created_at: Timestamp::now(),
        bot_answers: false,
        handling: Handling::default(),
    };
    store.open_alert(&alert).await.unwrap();
    let told = format!("window.noticed.includes('New message {CUSTOMER} · Unassigned')");
    until(browser, &told).await;
    assert_eq!(browser.run("return window.noticed.join().includes('secret')").await, json!(false));
    let count = browser.run("window.looks = true; return window.noticed.length").await;
    said(store, "another one").await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(browser.run("return window.noticed.length").await, count, "whoever looks sees it there");
    browser.run("localStorage.removeItem('ecomres.notices')").await;
}
