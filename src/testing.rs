//! A small shop for tests: orders, a word-list classifier, and a clock that the test moves.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use crate::agent::guard::ShopTexts;
use crate::agent::{Agent, Incoming, Settings as AgentSettings, TurnReport};
use crate::config::Config;
use crate::domain::caller::{Caller, Customer, Verification};
use crate::domain::consent::{LiveOffers, Manner, Said};
use crate::domain::conversation::{MessagePlace, Offer};
use crate::domain::currency::Amount;
use crate::domain::ids::{IdPatterns, OrderId, OrderNames, QuoteId, UserId};
use crate::domain::money::Money;
use crate::domain::order::Order;
use crate::domain::outgoing::{Delivery, Outgoing};
use crate::domain::phone::Country;
use crate::domain::refund::RefundPolicy;
use crate::domain::topic::{self, intent};
use crate::inbox::Worker;
use crate::llm::ChatModel;
use crate::llm::playbook::faq::{Faq, SHIPPED};
use crate::llm::playbook::{Playbook, Settings};
use crate::nlu::{Classifier, NluError, Prediction};
use crate::store::sqlite::SqliteStore;
use crate::store::{ImportMode, Store};
use crate::support::{Context, Rules, SupportService};
use crate::tools::Toolbox;

/// Reads messages by word lists: quick, and the same on every machine.
pub(crate) struct WordList;

#[async_trait]
impl Classifier for WordList {
    async fn classify(&self, text: &str) -> Result<Prediction, NluError> {
        let touched = topic::topics_in(text);
        let order = [
            intent::HUMAN,
            intent::REFUND,
            intent::CONTENT,
            intent::DELAY,
            intent::MANAGE,
            intent::PAYMENT,
            intent::TRACK,
            intent::FEEDBACK,
        ];
        let intent = order.into_iter().find(|intent| touched.contains(intent)).unwrap_or(intent::OTHER);
        let lower = text.to_lowercase();
        let upset =
            ["furious", "angry", "worst", "ridiculous", "pathetic", "!!!"].iter().any(|word| lower.contains(word));
        let bad = upset || matches!(intent, intent::CONTENT | intent::DELAY);
        Ok(Prediction {
            intent: intent.to_owned(),
            intent_confidence: 0.95,
            sentiment: if bad { "negative" } else { "neutral" }.to_owned(),
            sentiment_confidence: if upset { 0.98 } else { 0.8 },
            intents: Vec::new(),
            sentiments: Vec::new(),
            heads: std::collections::BTreeMap::new(),
        })
    }
}

/// An order without a telephone number.
pub(crate) fn order(number: u32, category: &str, rupees: i64) -> Order {
    Order {
        id: OrderId::new(&format!("ORD{number:06}")),
        customer_id: format!("CUST{number:04}"),
        platform: "JioMart".into(),
        placed: "21:29.5".into(),
        placed_at: None,
        delivery_minutes: Some(25),
        category: category.into(),
        value: Some(Money::from_rupees(rupees)),
        feedback: String::new(),
        rating: Some(3),
        delayed: Some(false),
        refund_requested: Some(false),
        phone: None,
        date: None,
        status: None,
        details: crate::domain::order::OrderDetails::default(),
    }
}

/// A shop with a scratch store.
pub(crate) struct Shop {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) rules: Rules,
    pub(crate) config: Config,
    pub(crate) now: Timestamp,
}

impl Shop {
    /// The default policy; orders ORD000001 to ORD000009, of which 3 is the documented one and 9 has a telephone number.
    pub(crate) async fn open() -> Self {
        Self::with(|_| {}).await
    }

    /// A shop whose settings were changed.
    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        Self::over(SqliteStore::scratch().unwrap(), change).await
    }

    /// A shop over an empty store.
    pub(crate) async fn over(store: SqliteStore, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::defaults().unwrap();
        // The question for a proof is tested on its own: other tests are about what comes after it.
        config.orders.claim_proof.clear();
        change(&mut config);
        let store: Arc<dyn Store> = Arc::new(store);
        let mut orders: Vec<Order> = (1..=8).map(|number| order(number, "Dairy", 100 * i64::from(number))).collect();
        orders[2] = order(3, "Beverages", 599);
        let mut with_phone = order(9, "Snacks", 250);
        with_phone.phone = Some("+91 98765 43210".into());
        orders.push(with_phone);
        let mut import = store.begin_import(ImportMode::Upsert).await.unwrap();
        import.write(orders).await.unwrap();
        import.commit().await.unwrap();
        let rules = Rules {
            policy: config.policy().unwrap(),
            actions: config.actions().unwrap(),
            patterns: IdPatterns::default(),
            verification: config.orders.verification,
            daily_limit: config.orders.daily_limit,
            claim_proof: config.claim_proof().unwrap(),
            country: Country::parse("IN").unwrap(),
            zone: config.zone().unwrap(),
        };
        Self { store, rules, config, now: "2026-06-01T10:00:00Z".parse().unwrap() }
    }

    pub(crate) fn policy(&self) -> &RefundPolicy {
        &self.rules.policy
    }

    pub(crate) fn support(&self) -> SupportService {
        SupportService::new(Arc::clone(&self.store), self.rules.clone())
    }

    pub(crate) fn toolbox(&self) -> Toolbox {
        Toolbox::new(self.support(), Arc::new(WordList))
    }

    pub(crate) fn playbook(&self) -> Playbook {
        Playbook::new(Settings {
            faq: Faq::read(SHIPPED, &[("arrival", "3-5 business days"), ("quote_minutes", "30")]).unwrap(),
            strict: self.rules.verification == Verification::Strict,
            proofs: self.rules.proofs_asked().to_vec(),
            clarify_below: 0.45,
            very_negative: 0.9,
            failures: self.config.escalation.failures,
        })
    }

    pub(crate) fn worker_with(&self, model: impl ChatModel + 'static) -> Worker {
        self.worker_over(self.toolbox(), model)
    }

    pub(crate) fn worker_over(&self, toolbox: Toolbox, model: impl ChatModel + 'static) -> Worker {
        let settings = AgentSettings {
            patterns: IdPatterns::default(),
            gap: self.config.triage.gap(),
            remind: self.config.escalation.remind(),
            hours: self.config.opening_hours().unwrap(),
            money: crate::domain::currency::ShopMoney::default(),
            shop_texts: ShopTexts::default(),
            needs_photo: self.config.needs_photo().unwrap(),
        };
        Worker::new(Arc::clone(&self.store), Agent::new(toolbox, Arc::new(model), settings))
    }

    /// A conversation with the playbook.
    pub(crate) fn chat(&self, user: &str) -> Chat {
        Chat { worker: self.worker_with(self.playbook()), user: UserId::new(user), now: self.now }
    }
}

/// One customer's conversation.
pub(crate) struct Chat {
    pub(crate) worker: Worker,
    pub(crate) user: UserId,
    pub(crate) now: Timestamp,
}

impl Chat {
    /// A conversation with a worker.
    pub(crate) fn over(worker: Worker, user: &str, now: Timestamp) -> Self {
        Self { worker, user: UserId::new(user), now }
    }

    /// Says something and returns the turn's report.
    pub(crate) async fn turn(&mut self, text: &str) -> TurnReport {
        self.now += SignedDuration::from_secs(20);
        let incoming = Incoming::typed(text);
        self.worker.take_turn(&self.user, &incoming, self.now).await.unwrap()
    }

    /// Says something and returns the reply; silence is an empty text.
    pub(crate) async fn say(&mut self, text: &str) -> String {
        self.turn(text).await.reply.unwrap_or_default()
    }

    /// Lets time pass.
    pub(crate) fn wait(&mut self, span: SignedDuration) {
        self.now += span;
    }
}

/// A message that was written after everything else.
pub(crate) fn written() -> Said {
    Said { sent_at: Timestamp::MAX, received_at: Timestamp::MAX, number: None, about: None, manner: Manner::Written }
}

/// Quotes that a message to the customer shows, which the channel accepted long ago.
pub(crate) fn live_offers(quotes: &[&QuoteId]) -> Option<LiveOffers> {
    let place = MessagePlace { turn: 1, sequence: 0 };
    let order = |number: usize| OrderId::new(&format!("SHOWN-{number}"));
    let offer = |(number, id): (usize, &&QuoteId)| Offer {
        shown_in: Some(place),
        ..Offer::new((*id).clone(), order(number), Amount::rupees(100))
    };
    let text: Vec<String> = (0..quotes.len()).map(|number| format!("₹100 for {}", order(number))).collect();
    let message = Outgoing::text(UserId::new("a"), place.turn, place.sequence, text.join(", "), Timestamp::UNIX_EPOCH);
    let sent = Outgoing { state: Delivery::Sent, provider_id: Some("sent".to_owned()), ..message };
    LiveOffers::find(&quotes.iter().enumerate().map(offer).collect::<Vec<_>>(), &[sent])
}

/// A customer's context at a turn, as the agent would make it.
pub(crate) fn customer(user: &str, turn: u64, text: &str, offered: &[&QuoteId], now: Timestamp) -> Context {
    Context {
        caller: Caller::Customer(Customer {
            user: UserId::new(user),
            turn,
            text: text.into(),
            language: crate::domain::sentences::Language::default(),
            offers: live_offers(offered).map(Box::new),
            said: vec![written()],
            named_orders: (0..200).chain([999_999]).map(|number| OrderId::new(&format!("ORD{number:06}"))).collect(),
            names: OrderNames::default(),
            customer_ids: Vec::new(),
            proof_asked: false,
            showing: crate::domain::caller::Showing::default(),
            sent: text.into(),
        }),
        now,
    }
}
