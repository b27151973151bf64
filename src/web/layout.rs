//! What every page has around it: head, navigation, the data attributes that the script reads.
//!
//! Texts are always escaped, and markup holds neither script nor style.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use maud::{DOCTYPE, Markup, html};

use super::access::Session;
use super::assets::address;
use super::forms::Fields;
use super::live::Waiting;

/// The tabs: address and name. The last one is for admins.
const TABS: [(&str, &str); 8] = [
    ("/", "Overview"),
    ("/alerts", "Alerts"),
    ("/conversations", "Conversations"),
    ("/team", "Team"),
    ("/analytics", "Analytics"),
    ("/quality", "Quality"),
    ("/audit", "Audit"),
    (SETTINGS, "Settings"),
];
const SETTINGS: &str = "/settings";

/// The logo of the program.
fn logo() -> Markup {
    html! {
        span.mark aria-hidden="true" {
            svg viewBox="0 0 16 16" fill="currentColor" {
                path d="M2 3.5A1.5 1.5 0 0 1 3.5 2h9A1.5 1.5 0 0 1 14 3.5v6a1.5 1.5 0 0 1-1.5 1.5H8l-3.2 2.7A.5.5 0 0 1 4 13.3V11H2z" {}
            }
        }
    }
}

/// The picture beside the name of a tab, as the outline that a pen draws.
fn icon(tab: &str) -> Markup {
    let outline = match tab {
        "/" => "M2.5 2.5h4v5h-4zM9.5 2.5h4v3h-4zM9.5 8.5h4v5h-4zM2.5 10.5h4v3h-4z",
        "/alerts" => {
            "M8 2a4 4 0 0 1 4 4c0 3.5 1.5 4.5 1.5 4.5h-11S4 9.5 4 6a4 4 0 0 1 4-4zM6.7 13.2a1.5 1.5 0 0 0 2.6 0"
        }
        "/conversations" => "M2.5 3.5h11v7.5H8l-3 2.5V11H2.5zM5.2 6.2h5.6M5.2 8.4h3.6",
        "/team" => {
            "M5.5 7.5a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM2 13c0-2.2 1.5-3.6 3.5-3.6S9 10.8 9 13M10.5 7.5a2 2 0 1 0 0-4M11 9.5c1.8.2 3 1.5 3 3.5"
        }
        "/analytics" => "M2.5 13.5h11M4.5 13.5V9M8 13.5v-11M11.5 13.5V6",
        "/quality" => "M8 1.8l1.8 3.9 4.2.5-3.1 2.9.8 4.2L8 11.2l-3.7 2.1.8-4.2L2 6.2l4.2-.5z",
        "/audit" => "M8 1.8l5 1.8v4.2c0 3.2-2.2 5.3-5 6.4-2.8-1.1-5-3.2-5-6.4V3.6zM5.8 7.9l1.6 1.6 2.9-3.1",
        SETTINGS => "M2.5 4.5h6M11.5 4.5h2M2.5 11.5h2M7.5 11.5h6M10 3v3M6 10v3",
        _ => "M8 2.2a5.8 5.8 0 1 0 0 11.6A5.8 5.8 0 0 0 8 2.2zM8 5.2v3.2l2 1.4",
    };
    html! {
        svg viewBox="0 0 16 16" fill="none" stroke="currentColor" stroke-width="1.3" stroke-linejoin="round" stroke-linecap="round"
            aria-hidden="true" { path d=(outline) {} }
    }
}

fn head(title: &str) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            title { (title) " · ecomres" }
            link rel="icon" href=(address("icon.svg")) type="image/svg+xml";
            link rel="stylesheet" href=(address("app.css"));
            link rel="stylesheet" href=(address("inbox.css"));
            script src=(address("charts.js")) defer {}
            script src=(address("update.js")) defer {}
            script src=(address("app.js")) defer {}
            script src=(address("drafts.js")) defer {}
            script src=(address("inbox.js")) defer {}
            script src=(address("palette.js")) defer {}
            script src=(address("notices.js")) defer {}
        }
    }
}

/// A page of a tab, with the numbers of pending alerts.
pub(super) fn page(tab: &str, title: &str, session: &Session, waiting: Waiting, main: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            (head(title))
            body data-pending=(waiting.pending) data-high=(waiting.high) data-newest=(waiting.newest) data-live="on" data-me=(session.name())
                data-charts=(address("echarts.min.js")) {
                a.skip href="#main" { "Skip to the content" }
                header.top {
                    a.brand href="/" { (logo()) "ecomres" }
                    nav aria-label="Sections" {
                        @for (address, name) in TABS.into_iter().filter(|(address, _)| *address != SETTINGS || session.may_administer()) {
                            a href=(address) aria-current=[(address == tab).then_some("page")] {
                                (icon(address))
                                (name)
                                @if address == "/alerts" && waiting.pending > 0 { " " span.badge { (waiting.pending) } }
                            }
                        }
                    }
                    span.live #live role="status" { "" }
                    details.account {
                        summary { span.name { @if session.logged_in { (session.name()) " · " (session.role()) } @else { "This browser" } } }
                        div.panel {
                            // Made by scripts: without them they would do nothing.
                            div.switches #switches data-own="" {}
                            @if session.logged_in {
                                form method="post" action="/logout" {
                                    (csrf(session))
                                    button.quiet type="submit" { "Log out" }
                                }
                            }
                        }
                    }
                }
                main #main tabindex="-1" { (main) }
            }
        }
    }
}

/// A page outside of the tabs.
pub(super) fn without_tabs(title: &str, main: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            (head(title))
            body { main.alone { p.brand { (logo()) "ecomres" } (main) } }
        }
    }
}

/// A page with one sentence.
pub(super) fn message(title: &str, text: &str) -> Markup {
    message_with_link(title, text, "/", "To the dashboard")
}

/// A page with one sentence and a link that goes on.
pub(super) fn message_with_link(title: &str, text: &str, address: &str, label: &str) -> Markup {
    without_tabs(
        title,
        &html! {
            div.card { h1 { (title) } p { (text) } p { a href=(address) { (label) } } }
        },
    )
}

/// Links to the pages of a list before and after one; `address` ends with the name of the parameter.
pub(super) fn paging(address: &str, page: usize, more: bool) -> Markup {
    html! {
        @if page > 1 || more {
            p.paging {
                @if page > 1 { a href=(format!("{address}={}", page - 1)) { "← Page " (page - 1) } }
                span { "Page " (page) }
                @if more { a href=(format!("{address}={}", page + 1)) { "Next page →" } }
            }
        }
    }
}

/// A label of the model in the words of a person: `track_order` is “track order”.
pub(super) fn in_words(label: &str) -> String {
    label.replace('_', " ")
}

/// The field with the CSRF token, for every form.
pub(super) fn csrf(session: &Session) -> Markup {
    html! { input type="hidden" name="csrf" value=(session.csrf); }
}

/// A time: in the time zone of the shop, which the script replaces by the viewer's.
pub(super) fn time(at: Timestamp, zone: &TimeZone) -> Markup {
    html! {
        time datetime=(at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()) {
            (zone.to_datetime(at).strftime("%-d %b %Y, %H:%M").to_string())
        }
    }
}

/// Words in addresses of changes that were refused: what was typed is still there.
const REFUSALS: [&str; 11] =
    ["notag", "notime", "unfilled", "gone", "busy", "unwritten", "nomessage", "empty", "bot", "notemplate", "optedout"];

/// A notice about a change, or, in red, that it was refused. `word` is for the scripts.
pub(super) fn told(word: &str, text: &str, refused: bool) -> Markup {
    html! {
        @if refused { p.warning role="alert" data-told=(word) { (text) } }
        @else { p.told role="status" data-told=(word) { (text) } }
    }
}

/// The notice about a change, by the word in the address.
pub(super) fn notice(fields: &Fields) -> Markup {
    let word = fields.get("told");
    let text = match word {
        "resolved" => "The alert is resolved: the bot answers this customer again.",
        "gone" => "This alert was resolved before.",
        "taken" => "You have taken over: the bot is silent in this conversation.",
        "queued" => "Your reply is on its way.",
        "returned" => "The bot answers this customer again.",
        "busy" => "Not saved: somebody else changed this conversation at the same moment. Try again.",
        "corrected" => "Thank you: the message is saved as an example to train with.",
        "answered" => "The answer is written: the bot gives it from now on.",
        "saved" => "Saved, and on record.",
        "away" => "You are away: no new alerts are assigned to you.",
        "on" => "You are on: new alerts may be assigned to you.",
        "acted" => "Done, and on record.",
        "actedbefore" => "It was done before: nothing more was done.",
        "tagged" => "The tag is added.",
        "untagged" => "The tag is removed.",
        "snoozed" => "Put away: it comes back by itself, or when the customer writes.",
        "woken" => "It is back in its queue.",
        "seen" => "It is no longer among your mentions.",
        "notag" => "Not added: a tag has 1 to 40 letters, digits and dashes.",
        "notime" => "Not put away: choose a time that is still to come, within a year.",
        "noted" => "Your note is saved. Only the team sees it.",
        "unfilled" => "Not sent: fill in what stands in braces first, or remove it.",
        "unwritten" => "The answer could not be written: the log says why.",
        "nomessage" => "This message is not there any more.",
        "empty" => "Not sent: write something first, at most 4,096 characters.",
        "bot" => "Not sent: the bot answers this customer. Take the conversation over before you reply.",
        "notemplate" => {
            "Not sent: the customer wrote too long ago, so only an approved template may be sent, and none is set ([whatsapp] template)."
        }
        "optedout" => "Not sent: the customer opted out of messages and has not written since.",
        _ => return html! {},
    };
    told(word, text, REFUSALS.contains(&word))
}
