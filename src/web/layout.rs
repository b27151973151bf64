//! Decides what every page has around it: head, navigation, the marks that the script goes by.
//!
//! It must never put text into a page unescaped, nor script or style into its markup.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use maud::{DOCTYPE, Markup, html};

use super::access::Session;
use super::assets::VERSION;
use super::forms::Fields;
use super::live::Waiting;

/// The tabs: address and name.
const TABS: [(&str, &str); 6] = [
    ("/", "Overview"),
    ("/alerts", "Alerts"),
    ("/conversations", "Conversations"),
    ("/analytics", "Analytics"),
    ("/quality", "Quality"),
    ("/audit", "Audit"),
];

fn head(title: &str) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            title { (title) " · ecomres" }
            link rel="icon" href="/assets/icon.svg" type="image/svg+xml";
            link rel="stylesheet" href=(format!("/assets/app.css?{VERSION}"));
            script src=(format!("/assets/echarts.min.js?{VERSION}")) defer {}
            script src=(format!("/assets/app.js?{VERSION}")) defer {}
        }
    }
}

/// A page of a tab, with who waits for a person.
pub(super) fn page(tab: &str, title: &str, session: &Session, waiting: Waiting, main: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            (head(title))
            body data-pending=(waiting.pending) data-high=(waiting.high) data-newest=(waiting.newest) data-live="on" {
                a.skip href="#main" { "Skip to the content" }
                header.top {
                    a.brand href="/" { span.mark aria-hidden="true" {} "ecomres" }
                    nav aria-label="Sections" {
                        @for (address, name) in TABS {
                            a href=(address) aria-current=[(address == tab).then_some("page")] {
                                (name)
                                @if address == "/alerts" && waiting.pending > 0 { " " span.badge { (waiting.pending) } }
                            }
                        }
                    }
                    span.live #live role="status" { "" }
                    @if session.logged_in {
                        span.live { (session.name()) " · " (session.role()) }
                        form method="post" action="/logout" {
                            (csrf(session))
                            button.quiet type="submit" { "Log out" }
                        }
                    }
                }
                main #main tabindex="-1" { (main) }
            }
        }
    }
}

/// A page outside of the tabs.
pub(super) fn outside(title: &str, main: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            (head(title))
            body { main.alone { (main) } }
        }
    }
}

/// A page that only tells something.
pub(super) fn bare(title: &str, told: &str) -> Markup {
    outside(
        title,
        html! {
            div.card { h1 { (title) } p { (told) } p { a href="/" { "To the dashboard" } } }
        },
    )
}

/// The token that every form carries.
pub(super) fn csrf(session: &Session) -> Markup {
    html! { input type="hidden" name="csrf" value=(session.csrf); }
}

/// A time: the shop's in the page, the viewer's where scripts run.
pub(super) fn time(at: Timestamp, zone: &TimeZone) -> Markup {
    html! {
        time datetime=(at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()) {
            (zone.to_datetime(at).strftime("%-d %b %Y, %H:%M").to_string())
        }
    }
}

/// What a change led to, by the word in the address.
pub(super) fn told(fields: &Fields) -> Markup {
    let told = match fields.get("told") {
        "resolved" => "The alert is settled: the bot answers this customer again.",
        "gone" => "This alert was settled before.",
        "taken" => "You have taken over: the bot is silent in this conversation.",
        "queued" => "Your reply is on its way.",
        "returned" => "The bot answers this customer again.",
        "busy" => "Somebody else changed this conversation at the same moment: try again.",
        "corrected" => "Thank you: the message is kept as an example to train with.",
        "nomessage" => "This message is not there any more.",
        "empty" => "Write something first, at most 4,096 characters.",
        "bot" => "Take the conversation over before you reply.",
        _ => return html! {},
    };
    html! { p.told role="status" { (told) } }
}
