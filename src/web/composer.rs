//! Where the team writes: replies, internal notes, and what is done about the alert of a conversation.

use jiff::SignedDuration;
use maud::{Markup, html};

use super::access::Session;
use super::attach;
use super::canned::{self, CannedReply};
use super::drafts::Drafts;
use super::forms::Fields;
use super::queues::{Queue, deadline};
use super::{AppState, alerts, emoji, layout, suggestion, templates};
use crate::domain::alert::Alert;
use crate::domain::outgoing::{Body, Outgoing};
use crate::domain::sendable::{Refused, permitted};
use crate::domain::target::Deadline;
use crate::domain::words::excerpt;
use crate::insights::ConversationView;
use crate::knowledge::Passage;

/// What the forms of a conversation are made of.
pub(super) struct Composer<'a> {
    pub(super) state: &'a AppState,
    pub(super) session: &'a Session,
    pub(super) talk: &'a ConversationView,
    pub(super) drafts: &'a Drafts,
    pub(super) queue: Queue,
    /// Texts that the team sends often.
    pub(super) replies: &'a [CannedReply],
    /// The order that a reply is likely about, and the customer's name.
    pub(super) known: (Option<&'a str>, Option<&'a str>),
    /// What was promised next.
    pub(super) due: Option<Deadline>,
    /// What the shop's documents say to the customer's question.
    pub(super) suggested: Option<&'a Passage>,
}

impl Composer<'_> {
    /// The alert that a person answers for; `None` while the bot answers.
    fn handed_over(&self) -> Option<&Alert> {
        self.talk.alert.as_ref().filter(|alert| !alert.bot_answers)
    }

    /// A form of the conversation. One with `undo` is sent a moment later.
    fn form(&self, action: &str, undo: bool, inner: &Markup) -> Markup {
        html! {
            form.act method="post" action=(format!("/conversation/{action}")) data-key=(format!("form-{action}"))
                data-undo[undo] {
                (layout::csrf(self.session))
                input type="hidden" name="user" value=(self.talk.user_id.as_str());
                @if self.queue.is_of_people() { input type="hidden" name="queue" value=(self.queue.word()); }
                (inner)
                @if undo { (undo_bar()) }
            }
        }
    }

    /// The reply, where a person answers, and the internal note.
    pub(super) fn forms(&self) -> Markup {
        let user = &self.talk.user_id;
        html! {
            div.composer #composer {
                p.presence #presence role="status" data-own="" {}
                @if self.handed_over().is_some() { (self.reply()) }
                @else if self.session.may_change() {
                    (self.form("take-over", false, &html! {
                        button type="submit" { "Take over" }
                        p.note { "The bot answers. It then stays silent until you give the conversation back." }
                    }))
                }
                @if self.handed_over().is_none() && !self.drafts.text(user, "reply").is_empty() {
                    p.note { "Your draft is kept: “" (self.drafts.text(user, "reply")) "”" }
                }
                @if self.session.may_change() {
                    details.noting data-key="noting" open[!self.drafts.text(user, "note").is_empty()] {
                        summary { "Internal note" }
                        (self.form("note", false, &html! {
                            label for="note" { "Only the team sees it; @name asks a member to look" }
                            textarea #note name="note" rows="2" maxlength=(self.state.settings.limits.text) required
                                data-draft="note" data-user=(user) { (self.drafts.text(user, "note")) }
                            button.second type="submit" { "Save the note" }
                        }))
                    }
                }
            }
        }
    }

    /// Why a person was asked, what the customer sent, who works on it, and giving it back.
    pub(super) fn alert_card(&self, files: &Markup) -> Markup {
        let Some(alert) = self.handed_over() else {
            return html! {
                @if let Some(alert) = &self.talk.alert {
                    div.card.actions #case {
                        p { strong { "An alert is open: " } (alert.reason) " " (alerts::assignee(self.session, alert)) }
                        (files)
                    }
                }
            };
        };
        html! {
            div.card.actions #case {
                p.line {
                    span { strong { "Why a person was asked: " } (alert.reason) } " " (alerts::assignee(self.session, alert))
                    " " (deadline(self.state, self.due))
                }
                (files)
                (alerts::history(self.state, alert))
                @if self.session.may_change() {
                    (alerts::claim_form(self.state, self.session, alert, "/conversation", ""))
                    (alerts::assign_form(self.state, self.session, alert, "/conversation", ""))
                    (self.form("return", false, &html! {
                        (self.drafts.note_field(&self.talk.user_id, "return", "What was done (recorded in the audit trail)"))
                        button.second type="submit" { "Return to bot" }
                    }))
                }
            }
        }
    }

    /// What may be written to the customer now, and the form for that: free text, a template only, or nothing.
    fn reply(&self) -> Markup {
        let (state, session, talk) = (self.state, self.session, self.talk);
        let text = self.drafts.text(&talk.user_id, "reply");
        let (now, limits, template) = (state.now(), &state.settings.limits, state.settings.template.as_ref());
        let zone = &state.settings.zone;
        let window = limits.free_text_window;
        let draft = Outgoing::text(talk.user_id.clone(), 0, 0, "", now);
        let free_until = talk.contact.free_until(window);
        let closed = html! {
            @match free_until {
                Some(until) => {
                    "The " (window.as_hours()) " hours after the customer’s last message ended " (layout::time(until, zone))
                    ": on WhatsApp only an approved template is delivered."
                }
                None => { "The customer has not written yet: on WhatsApp only an approved template is delivered." }
            }
        };
        match permitted(&draft, &talk.contact, template, window, now) {
            Ok(Body::Template { name, .. }) => html! {
                p.note { strong { "Template only. " } (closed) }
                (self.templates())
                @if session.may_change() {
                    (self.form("reply", true, &html! {
                        label for="reply" { "What fills the template “" (name) "”" }
                        input #reply name="text" maxlength=(limits.template_text) required value=(text)
                            data-draft="reply" data-user=(talk.user_id);
                        button type="submit" { "Send the template" }
                    }))
                }
            },
            Ok(_) => html! {
                @if let Some(until) = free_until {
                    p.note {
                        "You may write freely for " (hours_and_minutes(until.duration_since(now))) ", until "
                        (layout::time(until, zone)) "."
                    }
                }
                @if session.may_change() {
                    (self.form("reply", true, &html! {
                        label for="reply" { "Reply" }
                        textarea #reply name="text" rows="3" maxlength=(limits.text) required
                            data-draft="reply" data-user=(talk.user_id) { (text) }
                        @if let Some(passage) = self.suggested { (suggestion::shown(passage)) }
                        (canned::list(self.replies, self.known))
                        button type="submit" { "Send" }
                        (emoji::picker())
                        (attach::field(state, &talk.user_id))
                    }))
                }
            },
            Err(Refused::OptedOut { since }) => html! {
                p.note {
                    strong { "Opted out. " } "The customer asked for no more messages " (layout::time(since, zone))
                    " and has not written since: nothing can be sent until they do."
                }
            },
            Err(Refused::NoTemplate { .. } | Refused::NoText { .. }) => {
                let templates = self.templates();
                html! {
                    p.note {
                        strong { "Template only. " } (closed)
                        @if templates.0.is_empty() { " " (templates::none(self.state)) }
                    }
                    (templates)
                }
            }
        }
    }

    /// The approved templates of the account, each with the places that are to be filled.
    fn templates(&self) -> Markup {
        if !self.session.may_change() {
            return html! {};
        }
        let ready = templates::ready(self.state);
        let typed = Fields::read(self.drafts.text(&self.talk.user_id, templates::DRAFT));
        html! {
            @if !ready.is_empty() {
                div.templates role="group" aria-label="Templates" {
                    @for template in &ready {
                        details.template name="template" data-key=(format!("template-{}", template.key()))
                            open[typed.get("template") == template.key()] {
                            summary { strong { (template.name) } " " span.chip { (template.language) } " " (excerpt(&template.text, 90)) }
                            form.act method="post" action="/conversation/reply" data-undo {
                                (layout::csrf(self.session))
                                input type="hidden" name="user" value=(self.talk.user_id.as_str());
                                @if self.queue.is_of_people() { input type="hidden" name="queue" value=(self.queue.word()); }
                                (templates::fields(template, &typed))
                                button type="submit" { "Send this template" }
                                (undo_bar())
                            }
                        }
                    }
                }
            }
        }
    }
}

/// What is shown while a form with `data-undo` waits.
fn undo_bar() -> Markup {
    html! {
        div.undo hidden data-own="" role="status" {
            span { "Sent in 5 seconds." }
            button.second.small type="button" value="undo" { "Undo" }
            button.second.small type="button" value="now" { "Send now" }
        }
    }
}

/// A duration in hours and minutes.
fn hours_and_minutes(time: SignedDuration) -> String {
    let minutes = time.as_mins();
    if minutes >= 60 { format!("{} h {} min", minutes / 60, minutes % 60) } else { format!("{minutes} min") }
}
