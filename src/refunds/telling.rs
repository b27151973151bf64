//! Tells people that a refund was paid, or failed: the team by an alert, the customer by one message where the shop may write
//! freely or has a template.
//!
//! It must never write to a customer who wants no messages, or whose conversation a person has.

use jiff::Timestamp;

use crate::domain::conversation::Mode;
use crate::domain::currency::ShopMoney;
use crate::domain::message::{Basis, ChatMessage, Role};
use crate::domain::outgoing::{Body, ChannelLimits, Outgoing, Template};
use crate::domain::refund::{Refund, RefundState};
use crate::domain::sendable::permitted;
use crate::domain::sentences::{Language, refunds};
use crate::store::{Result, Store};

/// How many of the latest messages to a customer are searched for the one that tells of the refund.
const RECENT: u32 = 100;

/// How customers are told.
#[derive(Debug, Clone)]
pub struct Telling {
    /// What the channel accepts.
    pub limits: ChannelLimits,
    /// The template for messages outside of the window, if one is set.
    pub template: Option<Template>,
    /// When the money arrives, in the shop's words.
    pub arrival: String,
    /// How the shop writes amounts.
    pub money: ShopMoney,
}

impl Telling {
    /// Queues the message that a refund was paid, or failed, unless it is there. Nothing is queued where it may not leave. `false`:
    /// the conversation went on meanwhile, each of so many `attempts`, and the customer has still to be told.
    pub(super) async fn tell(&self, store: &dyn Store, refund: &Refund, attempts: u32, now: Timestamp) -> Result<bool> {
        let Some(user) = refund.customer() else { return Ok(true) };
        for _ in 0..attempts {
            // Read before the messages: whoever queues one in between makes the save below fail.
            let Some(mut conversation) = store.conversation(&user).await? else { return Ok(true) };
            if matches!(conversation.mode, Mode::HandedOver { .. }) {
                return Ok(true);
            }
            let text = self.text(Language::of(&conversation), refund);
            let sent = store.outgoing_of(&user, RECENT).await?;
            if sent.iter().any(|message| message.body.text() == text) {
                return Ok(true);
            }
            let contact = store.contact(&user).await?;
            if contact.opted_out().is_some() {
                return Ok(true);
            }
            let draft = Outgoing::text(user.clone(), 0, 0, &text, now);
            let window = self.limits.free_text_window;
            let body = match permitted(&draft, &contact, self.template.as_ref(), window, now) {
                Ok(Body::Template { .. }) if text.chars().count() > self.limits.template_text => return Ok(true),
                Ok(body) => body,
                Err(_) => return Ok(true),
            };
            // A turn of its own: no message to the customer had its number.
            conversation.turn += 1;
            let turn = conversation.turn;
            conversation.known.add_refund(crate::domain::conversation::PaidRefund::of(refund));
            let said = ChatMessage {
                user_id: user.clone(),
                role: Role::Assistant,
                text: text.clone(),
                at: now,
                turn,
                intent: None,
                sentiment: None,
                response_ms: None,
                basis: Basis::default(),
            };
            let outgoing = Outgoing { body, ..Outgoing::text(user.clone(), turn, 0, &text, now) };
            if store.save_reply(&conversation, &said, &outgoing).await? {
                return Ok(true);
            }
        }
        tracing::warn!(
            user = user.masked(),
            "a customer is not told of a refund yet: the conversation went on meanwhile"
        );
        Ok(false)
    }

    fn text(&self, language: Language, refund: &Refund) -> String {
        let amount = self.money.show(refund.refunded());
        let (order, transaction) = (&refund.order_id, refund.transaction_id.as_str());
        match refund.state() {
            RefundState::Failed => refunds::failed_since(language, amount, order, transaction),
            _ => refunds::paid_since(language, amount, order, transaction, Some(self.arrival.as_str())),
        }
    }
}
