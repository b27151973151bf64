//! Whether a customer agreed, as far as the words do not decide it: an offer can be agreed to only while it is live, and
//! only by a message that answers it. [`Consent::given`] is the only way to a [`Consent`], and [`LiveOffers::find`] the
//! only way to what it needs.
//!
//! | | must be so |
//! |---|---|
//! | the offer | the channel accepted the message that shows it and has not reported it as failed; nothing was sent to the customer, or waits to be sent, after it |
//! | the customer's message | was written, not spoken, by them for this chat: no edit of an earlier one, not forwarded, no button of another program; its words are all of it, and nothing that cannot be read, and no wish about messages, stands beside it in the turn |
//! | where | it was written to the number of the shop that the offer left from |
//! | what it is about | it replies to no message, or to the very message that shows the offer; a button holds live quotes only |
//! | when | it was sent after the channel accepted the offer: see [`LiveOffers::came_before`] |

use jiff::{SignedDuration, Timestamp};

use super::{Press, agrees_to_proposal, without_amounts};
use crate::domain::conversation::{MessagePlace, Offer};
use crate::domain::currency::Amount;
use crate::domain::ids::{IdPatterns, MessageId, OrderId, QuoteId};
use crate::domain::outgoing::{Body, Delivery, Outgoing, Receipt};
use crate::domain::proposal::Proposal;

/// How much later than the channel accepted a message we may note that it did, where nothing is slow.
const RECORDING: SignedDuration = SignedDuration::from_millis(50);

/// The offers that the customer can agree to at this time: those that the last message to them shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveOffers {
    quotes: Vec<QuoteId>,
    /// The channel's identifier of the message that shows them.
    message: String,
    /// When the channel accepted it, by our clock.
    accepted_at: Timestamp,
    /// The same by the channel's clock, where it has told.
    sent_at: Option<Timestamp>,
    /// When the customer's message that it answers was sent, by the channel's clock.
    asked_at: Option<Timestamp>,
    /// How far our clock is ahead of the channel's, at most.
    lag: Option<SignedDuration>,
    /// The shop's number that they left from, where it is known.
    number: Option<String>,
}

impl LiveOffers {
    /// The offers of a conversation that are live. `outbox` holds the latest messages to the customer, in their order,
    /// sent or not. `None` where none is live.
    pub fn find(offered: &[Offer], outbox: &[Outgoing]) -> Option<Self> {
        // An emoji on a message of the customer says nothing that a yes could be about.
        let last = outbox.iter().rev().find(|message| !matches!(message.body, Body::Reaction { .. }))?;
        let place = MessagePlace { turn: last.turn, sequence: last.sequence };
        let undelivered = matches!(last.receipt, Some(Receipt::Failed | Receipt::Deleted));
        if last.state != Delivery::Sent || undelivered {
            return None;
        }
        let message = last.provider_id.clone().filter(|id| !id.is_empty())?;
        let is_shown = |offer: &&Offer| offer.shown_in == Some(place) && is_shown(offer, last.body.text());
        let quotes: Vec<QuoteId> = offered.iter().filter(is_shown).map(|offer| offer.quote_id.clone()).collect();
        let answers = last.answers.as_ref();
        (!quotes.is_empty()).then(|| Self {
            quotes,
            message,
            accepted_at: last.next_at,
            sent_at: last.sent_at,
            asked_at: answers.map(|answers| answers.at),
            lag: answers.and_then(|answers| answers.lag),
            number: answers.and_then(|answers| answers.number.clone()),
        })
    }

    /// The quotes.
    pub fn quotes(&self) -> &[QuoteId] {
        &self.quotes
    }

    /// Whether a reply to this message is about the offers; one that replies to none is.
    pub fn are_meant_by(&self, about: Option<&MessageId>) -> bool {
        about.is_none_or(|about| about.as_str() == self.message)
    }

    /// Whether a message was written in the chat with another number of the shop. What an earlier version stored, and the
    /// console, name none.
    fn is_elsewhere(&self, said: &Said) -> bool {
        matches!((&self.number, &said.number), (Some(of_offer), Some(of_answer)) if of_offer != of_answer)
    }

    /// Whether a message of the customer was sent before the channel accepted the offer.
    ///
    /// Two clocks are never compared with each other. The channel's times are whole seconds, so what bears the same
    /// second was not sent before; within that second the order of arrival here decides.
    ///
    /// Where the channel has not told yet when it took the offer, that moment is reckoned on its clock: it is at least
    /// the time at which we heard that it was accepted, less what our clock may be ahead. How much that is at most tells
    /// the message that asked for the offer: it cannot have arrived before it was sent. However wrong our clock is, it
    /// is wrong by the same in both, so nobody who answers what they have read is refused; and a message that was
    /// written before the offer is told from an answer wherever the one that asked for it came without delay.
    fn came_before(&self, said: &Said) -> bool {
        let sent = said.sent_at.as_second();
        let arrived_before = said.received_at.duration_since(self.accepted_at) < -RECORDING;
        if let Some(accepted) = self.sent_at.map(Timestamp::as_second) {
            return sent < accepted || (sent == accepted && arrived_before);
        }
        let reckoned = self.lag.and_then(|lag| self.accepted_at.checked_sub(lag).ok());
        arrived_before || [self.asked_at, reckoned].into_iter().flatten().any(|earliest| sent < earliest.as_second())
    }
}

/// Whether a text shows an offer: the sentence that it was made with, or of a refund its order and amount.
pub fn is_shown(offer: &Offer, text: &str) -> bool {
    let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    match offer.says.as_deref() {
        Some(says) => !says.trim().is_empty() && plain(text).contains(&plain(says)),
        None => offer.amount.is_some_and(|amount| shows(text, &offer.order_id, amount)),
    }
}

/// Whether one sentence of a text holds the order and the amount of an offer.
pub fn shows(text: &str, order: &OrderId, amount: Amount) -> bool {
    text.split(['\n', '!', '?', '।', '؟']).flat_map(|line| line.split(". ")).any(|sentence| {
        sentence.to_uppercase().contains(order.as_str())
            && without_amounts(sentence).1.iter().any(|named| named.is(amount))
    })
}

/// How a message of the customer came about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Manner {
    /// It was written, as it is.
    Written,
    /// A button was pressed, or a row of a list chosen.
    Pressed(Press),
    /// It is another text for a message that was sent before, or such a message.
    Edited,
    /// It was written elsewhere, perhaps by somebody else, or from something else: a product, an advertisement.
    Forwarded,
    /// It was spoken, and a service wrote it down: it may have heard something else.
    ByVoice,
    /// The words are not all of it: a part was taken out, or there is something that words do not hold, such as a picture.
    InPart,
}

impl Manner {
    /// Whether it is the customer's own answer to what was said here.
    pub fn is_answer(&self) -> bool {
        match self {
            Self::Written => true,
            Self::Pressed(press) => *press != Press::Foreign,
            Self::Edited | Self::Forwarded | Self::ByVoice | Self::InPart => false,
        }
    }
}

/// What is known of a message of the customer beside its words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// When it was sent, by the channel's clock.
    pub sent_at: Timestamp,
    /// When it arrived, by our clock.
    pub received_at: Timestamp,
    /// The shop's number that it was sent to, where it is known.
    pub number: Option<String>,
    /// The message that it replies to, if any.
    pub about: Option<MessageId>,
    /// How it came about.
    pub manner: Manner,
}

/// Why messages agree to nothing, whatever they say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoConsent {
    /// No offer is live: its message did not reach the customer, or something was said after it.
    NothingLive,
    /// The customer wrote it before the channel accepted the offer.
    Earlier,
    /// It is about another message, or it is no answer of the customer's own.
    Elsewhere,
}

/// The messages of a turn that answer live offers. What they agree to, if anything, their words decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent<'a> {
    /// The quotes that they can agree to.
    quotes: Vec<&'a QuoteId>,
    text: &'a str,
}

impl<'a> Consent<'a> {
    /// What the messages of a turn, with the text `text`, can agree to: each of them has to answer the live offers.
    ///
    /// # Errors
    /// Why they can agree to nothing.
    pub fn given(live: Option<&'a LiveOffers>, said: &[Said], text: &'a str) -> Result<Self, NoConsent> {
        let live = live.ok_or(NoConsent::NothingLive)?;
        let is_other = |said: &Said| !live.are_meant_by(said.about.as_ref()) || live.is_elsewhere(said);
        if said.is_empty() || said.iter().any(|said| !said.manner.is_answer() || is_other(said)) {
            return Err(NoConsent::Elsewhere);
        }
        if said.iter().any(|said| live.came_before(said)) {
            return Err(NoConsent::Earlier);
        }
        let mut quotes: Vec<&QuoteId> = live.quotes.iter().collect();
        let mut pressed: Option<Vec<&QuoteId>> = None;
        for said in said {
            match &said.manner {
                Manner::Pressed(Press::Yes(ids)) => {
                    if !ids.iter().all(|id| live.quotes.contains(id)) {
                        return Err(NoConsent::Elsewhere);
                    }
                    pressed.get_or_insert_default().extend(live.quotes.iter().filter(|id| ids.contains(id)));
                }
                Manner::Pressed(_) => return Err(NoConsent::Elsewhere),
                _ => {}
            }
        }
        if let Some(pressed) = pressed {
            quotes.retain(|id| pressed.contains(id));
        }
        Ok(Self { quotes, text })
    }

    /// Whether it agrees to this proposal: it is live and meant, and the words are a plain yes to its order, to what is
    /// proposed, and to its amount.
    pub fn covers(&self, proposal: &Proposal, patterns: &IdPatterns) -> bool {
        self.quotes.contains(&&proposal.id) && agrees_to_proposal(self.text, proposal, patterns)
    }
}

#[cfg(test)]
#[path = "live_tests.rs"]
mod tests;
