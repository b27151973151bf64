//! Messages of a turn that are nothing but a wish to get no messages, or messages again. They are recorded before the turn, are
//! not answered by the agent, and are confirmed once by the program.

use jiff::Timestamp;

use super::parsed::{ParsedMessages, said};
use crate::agent::TurnReport;
use crate::domain::consent::{LiveOffers, Manner, Press, own_words};
use crate::domain::opt_out::{Preference, Source, answers_a_question, wish};
use crate::domain::sentences::opt_out as sentences;
use crate::store::{Claim, Result, Store};
use crate::support::opt_out;

/// The wishes of a turn.
#[derive(Debug, Default)]
pub(super) struct Wishes {
    found: bool,
    nothing_else: bool,
    confirmation: Option<&'static str>,
}

impl Wishes {
    /// Whether the turn holds nothing but wishes.
    pub(super) fn are_all(&self) -> bool {
        self.found && self.nothing_else
    }

    /// Puts the confirmation before the reply. It is also given while a person has the conversation: it is about messages, not
    /// about what was asked.
    pub(super) fn confirm(&self, report: &mut TurnReport) {
        if let Some(confirmation) = self.confirmation {
            report.reply = Some(match report.reply.take() {
                Some(reply) => format!("{confirmation}\n\n{reply}"),
                None => confirmation.to_owned(),
            });
        }
    }
}

/// Records the wishes of a claim's messages, and takes them out of what the agent answers. A turn that runs again finds what
/// it recorded and confirms it again; a wish that was in force before is not confirmed. A turn of which something was taken out
/// agrees to nothing. A bare “stop” to the offers that are `live` is a no to them, and no wish.
pub(super) async fn record(
    store: &dyn Store,
    claim: &Claim,
    parsed: &mut ParsedMessages,
    live: Option<&LiveOffers>,
    now: Timestamp,
) -> Result<Wishes> {
    let mut wishes = Wishes::default();
    // What was edited or deleted meanwhile counts as it is now.
    let texts = parsed.incoming.texts.clone();
    let counts = |text: &str| texts.iter().any(|counted| counted == text);
    let mut taken: Vec<String> = Vec::new();
    for message in &claim.messages {
        let text = &*own_words(message.content.text());
        let Some(wish) = wish(text).filter(|_| message.content.is_from_customer() && counts(text)) else { continue };
        let pressed = message.content.pressed().map(Press::read);
        // Somebody else's word, or a button below a message of this program: those say yes and no.
        if message.context.forwarded || pressed.as_ref().is_some_and(|press| *press != Press::Foreign) {
            continue;
        }
        let meant = live.is_some_and(|live| live.are_meant_by(message.context.about.as_ref()));
        if meant && pressed.is_none() && answers_a_question(text) {
            continue;
        }
        if !wish.stop {
            // A recording agrees to nothing: a word may be misheard.
            if matches!(message.content, crate::domain::inbound::Content::Voice { .. }) {
                continue;
            }
            let known = store.preference(&claim.user_id).await?;
            let undoes = known.is_some_and(|known| known.stopped || known.is_of(&message.id));
            // “Start” from somebody who gets messages is a message like any other.
            if !undoes {
                continue;
            }
        }
        let stated = Preference {
            stopped: wish.stop,
            at: message.sent_at,
            source: Source::Message,
            message: Some(message.id.clone()),
        };
        let holds = opt_out::record(store, &claim.user_id, &stated, now).await?;
        wishes.found = true;
        taken.push(text.to_owned());
        parsed.incoming.said.push(said(message, Manner::InPart));
        if holds.is_some_and(|holds| holds.stopped == wish.stop && holds.is_of(&message.id)) {
            let sentence = if wish.stop { sentences::stopped } else { sentences::resumed };
            wishes.confirmation = Some(sentence(wish.tongue));
        }
    }
    parsed.incoming.texts.retain(|text| !taken.contains(text));
    wishes.nothing_else = wishes.found && !parsed.has_text();
    Ok(wishes)
}
