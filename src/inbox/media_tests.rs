//! Conversations in which customers show and speak, on the embedded store with its folder, with a clock that the test moves.

use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;

use super::{Outcome, TurnObserver, Worker};
use crate::agent::{Incoming, TurnReport};
use crate::config::Config;
use crate::domain::alert::Priority;
use crate::domain::ids::{MessageId, OrderId, UserId};
use crate::domain::inbound::{Content, Context, Inbound, Media};
use crate::domain::media::{MediaFile, MediaId, MediaState};
use crate::domain::order::{Order, OrderState};
use crate::store::sqlite::SqliteStore;
use crate::store::{Claim, ImportMode, MediaFolder, Store};
use crate::testing::Shop;

pub(super) const USER: &str = "a";

/// One customer's conversation in a shop that keeps files.
pub(super) struct Talk {
    pub(super) shop: Shop,
    pub(super) worker: Worker,
    pub(super) now: Timestamp,
    pub(super) messages: u32,
    _folder: TempDir,
}

impl Talk {
    pub(super) async fn begin() -> Self {
        Self::with(|_| {}).await
    }

    pub(super) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        Self::keeping(1_000_000, change).await
    }

    /// In a shop that keeps so many bytes of files.
    pub(super) async fn keeping(quota: u64, change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let media = MediaFolder::new(folder.path().join("media"), quota);
        let shop = Shop::over(SqliteStore::scratch().unwrap().with_media(Some(media)), change).await;
        let worker = shop.worker_with(shop.playbook()).with_hearing(true);
        let now = shop.now;
        Self { shop, worker, now, messages: 0, _folder: folder }
    }

    pub(super) fn store(&self) -> &Arc<dyn Store> {
        &self.shop.store
    }

    pub(super) async fn import(&self, order: Order) {
        let mut import = self.store().begin_import(ImportMode::Upsert).await.unwrap();
        import.write(vec![order]).await.unwrap();
        import.commit().await.unwrap();
    }

    pub(super) fn wait(&mut self, hours: i64) {
        self.now += SignedDuration::from_hours(hours);
    }

    /// Delivers a message, as the intake does, and runs its turn.
    pub(super) async fn deliver(&mut self, content: Content) -> TurnReport {
        self.deliver_done(content, |file| file).await
    }

    /// The same, and what became of its file before.
    pub(super) async fn deliver_done(
        &mut self,
        content: Content,
        done: impl FnOnce(MediaFile) -> MediaFile,
    ) -> TurnReport {
        let outcome = self.outcome(content, done).await;
        let Outcome::Answered(report) = outcome else { panic!("no answer: {outcome:?}") };
        *report
    }

    pub(super) async fn outcome(&mut self, content: Content, done: impl FnOnce(MediaFile) -> MediaFile) -> Outcome {
        self.accept(vec![content], done).await;
        let claim = self.claim().await;
        self.run(claim).await
    }

    /// Delivers messages that arrive together, and runs their turn.
    pub(super) async fn deliver_all(&mut self, contents: Vec<Content>) -> TurnReport {
        self.accept(contents, |file| file).await;
        let claim = self.claim().await;
        let Outcome::Answered(report) = self.run(claim).await else { panic!("no answer") };
        *report
    }

    pub(super) async fn accept(&mut self, contents: Vec<Content>, done: impl FnOnce(MediaFile) -> MediaFile) {
        self.now += SignedDuration::from_secs(20);
        let mut messages = Vec::new();
        for (place, content) in contents.into_iter().enumerate() {
            self.messages += 1;
            messages.push(Inbound {
                id: MessageId::new(format!("m{}", self.messages)),
                user_id: UserId::new(USER),
                sent_at: self.now + SignedDuration::from_millis(i64::try_from(place).unwrap()),
                received_at: self.now,
                number: None,
                content,
                context: Context::default(),
            });
        }
        self.store().note_media(&MediaFile::all(&messages)).await.unwrap();
        if let Some(claimed) = self.store().claim_media(self.now, SignedDuration::from_secs(30)).await.unwrap() {
            let outcome = done(MediaFile { state: MediaState::Stored, next_at: self.now, ..claimed.clone() });
            assert!(self.store().save_media(&claimed, &outcome).await.unwrap());
        }
        self.store().accept(&messages, self.now).await.unwrap();
    }

    pub(super) fn clock(&self) -> super::Clock {
        let now = self.now;
        Arc::new(move || now)
    }

    pub(super) async fn claim(&self) -> Claim {
        self.worker.claim(None, &self.clock()).await.unwrap().unwrap()
    }

    pub(super) async fn run(&self, claim: Claim) -> Outcome {
        let now = self.now;
        let outcome = self.worker.work(claim, &self.clock()).await;
        // What was said arrives.
        while let Some(message) = self.store().claim_outgoing(None, now, SignedDuration::from_secs(30)).await.unwrap() {
            self.store().sent(&message, &format!("sent-{}", message.identity()), now).await.unwrap();
        }
        outcome
    }

    pub(super) async fn write(&mut self, text: &str) -> String {
        self.deliver(Content::Text { text: text.to_owned() }).await.reply.unwrap_or_default()
    }

    pub(super) async fn speak(&mut self, words: &str) -> String {
        let recording = Content::Media { media: Media::Audio, caption: String::new(), file: "9".to_owned() };
        let heard = |file| MediaFile { transcript: Some(words.to_owned()), ..file };
        self.deliver_done(recording, heard).await.reply.unwrap_or_default()
    }

    pub(super) async fn show(&mut self, media: Media, caption: &str) -> String {
        let photo = Content::Media { media, caption: caption.to_owned(), file: "9".to_owned() };
        self.deliver(photo).await.reply.unwrap_or_default()
    }
}

pub(super) fn holds(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "“{part}” is not in: {text}");
    }
}

#[tokio::test]
async fn whoever_waits_for_a_person_and_sends_a_photo_or_a_recording_is_not_left_alone() {
    // A photo, a recording that nobody wrote down, one that somebody did, and words, for comparison.
    for kind in ["photo", "document", "unheard", "spoken", "written"] {
        let mut talk = Talk::begin().await;
        holds(&talk.write("let me talk to a manager").await, &["asked a member of our team"]);
        let send = async |talk: &mut Talk| match kind {
            "photo" => talk.show(Media::Image, "").await,
            "document" => talk.show(Media::Document, "").await,
            "unheard" => talk.show(Media::Audio, "").await,
            "spoken" => talk.speak("hello? nobody replied to me yet").await,
            _ => talk.write("hello? nobody replied to me yet").await,
        };
        talk.wait(3);
        assert_eq!(send(&mut talk).await, "", "{kind}: it is early");
        assert_eq!(talk.store().alerts(5).await.unwrap()[0].priority, Priority::Medium, "{kind}");
        talk.wait(1);
        holds(&send(&mut talk).await, &["nobody has replied", "with our team"]);
        let alerts = talk.store().alerts(5).await.unwrap();
        assert_eq!((alerts.len(), alerts[0].priority), (1, Priority::High), "{kind}");
        holds(&alerts[0].reason, &["after waiting for 4 h"]);
        assert_eq!(send(&mut talk).await, "", "{kind}: said once in so many hours");
        // The team finds it with the alert.
        let files = crate::support::alerts::media_of(talk.store().as_ref(), &alerts[0]).await.unwrap();
        assert_eq!(files.len(), if kind == "written" { 0 } else { 3 }, "{kind}");
        assert_eq!(
            talk.store().media_file(&MediaId::of(&MessageId::new("m2"))).await.unwrap().is_some(),
            kind != "written"
        );
    }
}

#[tokio::test]
async fn a_place_is_offered_as_the_address_and_changes_it_after_a_yes_alone() {
    let tower = "Orchid Tower, 22 Residency Road, Bengaluru 560038";
    for (place, told, address) in [
        ("Orchid Tower; 22 Residency Road, Bengaluru 560038; 12.97, 77.6", tower, tower),
        ("12.9716, 77.5946", "map position 12.9716, 77.5946", "12.9716, 77.5946"),
    ] {
        // Asked for, or out of the blue; the order named before, or asked for after it.
        for before in ["please change the delivery address of ORD000012", "where is my order ORD000012", ""] {
            let mut talk = Talk::begin().await;
            let mut open = crate::testing::order(12, "Dairy", 300);
            open.details.state = Some(OrderState::Placed);
            talk.import(open).await;
            if !before.is_empty() {
                talk.write(before).await;
            }
            let mut asked = talk.deliver(Content::Location { place: place.to_owned() }).await.reply.unwrap_or_default();
            if before.is_empty() {
                holds(&asked, &["order id"]);
                asked = talk.write("ORD000012").await;
            }
            holds(&asked, &[told, "ORD000012"]);
            assert!(talk.store().actions_of(&OrderId::new("ORD000012")).await.unwrap().is_empty(), "{before}");
            let done = talk.write("yes").await;
            let actions = talk.store().actions_of(&OrderId::new("ORD000012")).await.unwrap();
            let [action] = actions.as_slice() else { panic!("{before}: {asked} / {done}") };
            assert_eq!(action.details.change.as_ref().map(|change| change.value.as_str()), Some(address), "{before}");
        }
    }
}

#[tokio::test]
async fn a_contact_card_is_offered_as_the_number_to_call() {
    let mut talk = Talk::begin().await;
    let mut open = crate::testing::order(12, "Dairy", 300);
    open.details.state = Some(OrderState::Placed);
    talk.import(open).await;
    talk.write("where is my order ORD000012").await;
    let card = |names: &[&str]| Content::Contacts { names: names.iter().map(|name| (*name).to_owned()).collect() };
    // Of two numbers none is taken.
    let asked = talk.deliver(card(&["Lucía (919123400567, 919123400568)"])).await.reply.unwrap();
    assert!(!asked.contains("9123400567"), "{asked}");
    let asked = talk.deliver(card(&["Lucía (+91 91234 00567)"])).await.reply.unwrap();
    holds(&asked, &["+919123400567", "ORD000012"]);
    assert!(talk.store().actions_of(&OrderId::new("ORD000012")).await.unwrap().is_empty());
    talk.write("yes").await;
    let actions = talk.store().actions_of(&OrderId::new("ORD000012")).await.unwrap();
    assert_eq!(actions[0].details.change.as_ref().map(|change| change.value.as_str()), Some("+919123400567"));
}

#[tokio::test]
async fn an_order_from_the_catalogue_and_a_form_are_a_persons() {
    let mut talk = Talk::begin().await;
    let form = || Content::Form { lines: vec!["slot: Friday".to_owned()] };
    holds(&talk.deliver(form()).await.reply.unwrap(), &["Thank you for filling in the form", "member of our team"]);
    let alert = talk.store().alerts(5).await.unwrap().remove(0);
    holds(&alert.reason, &["filled in a form"]);
    holds(&alert.last_message, &["slot: Friday"]);
    // Who waits sends one more.
    talk.wait(5);
    holds(&talk.deliver(form()).await.reply.unwrap(), &["nobody has replied"]);
    let mut talk = Talk::begin().await;
    let lines = vec!["2 × di9 at 30 USD".to_owned()];
    let cart = Content::Order { text: String::new(), products: 1, lines };
    holds(&talk.deliver(cart).await.reply.unwrap(), &["Thank you for your order", "member of our team"]);
    let alerts = talk.store().alerts(5).await.unwrap();
    holds(&alerts[0].reason, &["order from the catalogue"]);
    holds(&alerts[0].last_message, &["2 × di9"]);
}

fn place() -> Content {
    Content::Location { place: "12 Lake Road, Pune; 18.52, 73.85".to_owned() }
}

fn cart() -> Content {
    Content::Order { text: String::new(), products: 1, lines: vec!["2 × di9 at 30 USD".to_owned()] }
}

fn recording() -> Content {
    Content::Media { media: Media::Audio, caption: String::new(), file: "9".to_owned() }
}

#[tokio::test]
async fn all_that_only_a_person_can_use_reaches_one() {
    let listens = "a member of our team will, and will reply here";
    for (contents, told, reasons, quoted) in [
        (
            vec![cart(), recording()],
            vec![listens, "your order"],
            vec!["catalogue", "listen to it"],
            vec!["2 × di9", "[audio]"],
        ),
        (vec![cart(), place()], vec!["your order"], vec!["catalogue"], vec!["2 × di9", "12 Lake Road"]),
        (vec![place(), recording()], vec![listens], vec!["listen to it"], vec!["12 Lake Road", "[audio]"]),
    ] {
        let mut talk = Talk::begin().await;
        let reply = talk.deliver_all(contents).await.reply.unwrap();
        holds(&reply, &told);
        assert!(!reply.contains("order id"), "{reply}");
        let alerts = talk.store().alerts(5).await.unwrap();
        assert_eq!(alerts.len(), 1);
        holds(&alerts[0].reason, &reasons);
        holds(&alerts[0].last_message, &quoted);
    }
}

#[tokio::test]
async fn a_turn_whose_process_died_after_its_alert_still_tells_the_customer() {
    let text = |text: &str| Content::Text { text: text.to_owned() };
    for (contents, told) in [
        (vec![text("let me talk to a manager"), place()], "asked a member of our team"),
        (vec![place(), text("let me talk to a manager")], "asked a member of our team"),
        (vec![text("where is my order ORD000012"), cart()], "your order"),
        (vec![cart(), place()], "your order"),
        (vec![recording(), Content::Contacts { names: vec!["Ana (919876500002)".to_owned()] }], "voice message"),
    ] {
        let shown = format!("{contents:?}");
        let mut talk = Talk::begin().await;
        talk.accept(contents, |file| file).await;
        let lost = talk.claim().await;
        talk.now += SignedDuration::from_secs(60);
        let again = talk.claim().await;
        // The first one comes as far as the alert.
        assert!(matches!(talk.run(lost).await, Outcome::Lost), "{shown}");
        assert_eq!(talk.store().alerts(5).await.unwrap().len(), 1, "{shown}");
        let Outcome::Answered(report) = talk.run(again).await else { panic!("{shown}") };
        holds(&report.reply.unwrap_or_default(), &[told]);
    }
}

/// The turns that were passed on.
#[derive(Default)]
struct Seen(Mutex<Vec<String>>);

impl TurnObserver for Seen {
    fn on_turn(&self, _: &UserId, incoming: &Incoming, _: Timestamp, _: &TurnReport) {
        self.0.lock().unwrap().push(incoming.sent_text());
    }
}

#[tokio::test]
async fn only_turns_with_words_are_recorded() {
    let mut talk = Talk::begin().await;
    let seen = Arc::new(Seen::default());
    talk.worker = talk.worker.clone().with_observer(Arc::clone(&seen) as Arc<dyn TurnObserver>);
    talk.deliver(place()).await;
    talk.show(Media::Document, "").await;
    talk.write("where is my order ORD000012").await;
    let seen = seen.0.lock().unwrap().clone();
    assert_eq!(seen, ["where is my order ORD000012"], "a recording does not hold where somebody lives");
}
