//! Answers to the question about the team's work: they are kept and thanked for, and are no message to the agent.

use jiff::Timestamp;

use super::parsed::ParsedMessages;
use crate::agent::TurnReport;
use crate::domain::consent::own_words;
use crate::domain::conversation::Mode;
use crate::domain::inbound::Inbound;
use crate::domain::rating::read_press;
use crate::domain::sentences::{Language, rating as sentences};
use crate::store::{Claim, Result, Store};
use crate::support::rating;

/// The answers of a turn.
#[derive(Debug, Default)]
pub(super) struct Answers {
    /// Whether one was kept: a button that is pressed once more says nothing new.
    kept: bool,
}

impl Answers {
    /// Thanks for them, where nothing else is said and the bot answers: into a conversation that a person has taken over it would
    /// speak for them, and whoever waits there would seem to be answered.
    pub(super) fn thank(&self, report: &mut TurnReport) {
        if self.kept && report.reply.is_none() && report.conversation.mode == Mode::Bot {
            report.reply = Some(sentences::thanks(Language::of(&report.conversation)).to_owned());
        }
    }
}

/// Whether a message answers the question about the team's work.
pub(super) fn is_answer(message: &Inbound) -> bool {
    message.content.pressed().and_then(read_press).is_some()
}

/// Keeps the answers among a claim's messages, and takes their words out of what the agent answers. A turn that runs again keeps
/// nothing twice.
pub(super) async fn record(
    store: &dyn Store,
    claim: &Claim,
    parsed: &mut ParsedMessages,
    now: Timestamp,
) -> Result<Answers> {
    let mut answers = Answers::default();
    for message in &claim.messages {
        let Some((alert, score)) = message.content.pressed().and_then(read_press) else { continue };
        let kept = rating::answered(store, &claim.user_id, (&alert, score), now).await?;
        // An earlier attempt may have kept it, and was cut off before it said so.
        answers.kept |= kept || claim.attempt > 1;
        let text = own_words(message.content.text());
        if let Some(place) = parsed.incoming.texts.iter().position(|one| *one == *text) {
            parsed.incoming.texts.remove(place);
        }
    }
    Ok(answers)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::SignedDuration;

    use crate::domain::alert::{Alert, Priority, Quoted};
    use crate::domain::ids::{AlertId, MessageId, UserId};
    use crate::domain::inbound::{Content, Context, Inbound};
    use crate::domain::rating::{LABEL, Rating, Score, press};
    use crate::inbox::Clock;
    use crate::testing::Shop;

    #[tokio::test]
    async fn an_answer_is_kept_and_thanked_for_and_no_model_reads_it() {
        let shop = Shop::open().await;
        let worker = shop.worker_with(shop.playbook());
        let (user, alert) = (UserId::new("91"), AlertId::new("ALERT_1"));
        let rating = Rating {
            alert_id: alert.clone(),
            user_id: user.clone(),
            agent: "desk".to_owned(),
            asked_at: shop.now,
            score: None,
            answered_at: None,
        };
        assert!(shop.store.begin_rating(&rating).await.unwrap());
        let say = async |id: &str, content: Content, seconds: i64| {
            let at = shop.now + SignedDuration::from_secs(seconds);
            let message = Inbound {
                id: MessageId::new(id),
                user_id: user.clone(),
                sent_at: at,
                received_at: at,
                number: None,
                content,
                context: Context::default(),
            };
            shop.store.accept(&[message], at).await.unwrap();
            let clock: Clock = Arc::new(move || at);
            let claim = worker.claim(Some(&user), &clock).await.unwrap().unwrap();
            worker.work(claim, &clock).await;
            let said = shop.store.recent_messages(&user, 1).await.unwrap().remove(0);
            said.text
        };
        let button = |score| Content::Button { text: "👍 Good".to_owned(), payload: press(&alert, score) };
        assert_eq!(say("one", button(Score::Good), 10).await, "Thank you for telling us!");
        assert_eq!(
            say("two", button(Score::Bad), 20).await,
            "👍 Good",
            "once: nothing is said to a button that is pressed again"
        );
        let about: Vec<_> =
            shop.store.recent_messages(&user, 9).await.unwrap().into_iter().map(|one| one.intent).collect();
        assert_eq!(about, vec![Some(LABEL.to_owned()); 3], "no figure counts them");
        let kept = shop.store.ratings(shop.now, 9).await.unwrap().remove(0);
        assert_eq!((kept.score, kept.answered_at), (Some(Score::Good), Some(shop.now + SignedDuration::from_secs(10))));
        let conversation = shop.store.conversation(&user).await.unwrap().unwrap();
        assert_eq!(conversation.triage, None, "nothing was read of it");
        let text = Content::Text { text: "where is my order ORD000001".to_owned() };
        assert!(say("three", text, 30).await.contains("ORD000001"));
        // Another alert's question is answered while a person has taken over, and the customer waits for them.
        let other = AlertId::new("ALERT_2");
        let asked = Rating { alert_id: other.clone(), ..rating };
        assert!(shop.store.begin_rating(&asked).await.unwrap());
        let message = Quoted::FromCustomer("a person, please");
        let pending = Alert::raise(AlertId::new("ALERT_3"), user.clone(), "why", message, Priority::Low, shop.now);
        shop.store.open_alert(&pending).await.unwrap();
        let press = Content::Button { text: "👎 Bad".to_owned(), payload: press(&other, Score::Bad) };
        assert_eq!(say("four", press, 40).await, "👎 Bad", "the bot says nothing there");
        let kept = shop.store.ratings(shop.now, 9).await.unwrap();
        assert!(
            kept.iter().any(|one| one.alert_id == other && one.score == Some(Score::Bad)),
            "it is kept all the same"
        );
    }
}
