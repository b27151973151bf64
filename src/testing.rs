//! Decides nothing: a small shop for tests, with orders, a word-list classifier and a clock that the test moves.
//!
//! It must never be compiled into the program.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use crate::agent::{Agent, Incoming, Settings as AgentSettings, TurnReport};
use crate::config::Config;
use crate::desk::{Context, Desk, Rules};
use crate::domain::caller::{Caller, Customer, Verification};
use crate::domain::ids::{IdPatterns, OrderId, QuoteId, UserId};
use crate::domain::money::Money;
use crate::domain::order::Order;
use crate::domain::refund::RefundPolicy;
use crate::domain::topic::{self, intent};
use crate::inbox::Worker;
use crate::llm::ChatModel;
use crate::llm::playbook::faq::{Faq, SHIPPED};
use crate::llm::playbook::{Playbook, Settings};
use crate::nlu::{Classifier, NluError, Prediction};
use crate::store::sqlite::SqliteStore;
use crate::store::{ImportMode, Store};
use crate::tools::Toolbox;

/// Reads messages by word lists: quick, and the same on every machine.
pub(crate) struct WordList;

#[async_trait]
impl Classifier for WordList {
    async fn classify(&self, text: &str) -> Result<Prediction, NluError> {
        let touched = topic::touched(text);
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
        value: Money::from_rupees(rupees),
        feedback: String::new(),
        rating: Some(3),
        delayed: Some(false),
        refund_requested: Some(false),
        phone: None,
        date: None,
        status: None,
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
        let mut config = Config::defaults().unwrap();
        change(&mut config);
        let store: Arc<dyn Store> = Arc::new(SqliteStore::scratch().unwrap());
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
            patterns: IdPatterns::default(),
            verification: config.orders.verification,
            daily_limit: config.orders.daily_limit,
            phone_country: "91".into(),
            zone: config.zone().unwrap(),
        };
        Self { store, rules, config, now: "2026-06-01T10:00:00Z".parse().unwrap() }
    }

    pub(crate) fn policy(&self) -> &RefundPolicy {
        &self.rules.policy
    }

    pub(crate) fn desk(&self) -> Desk {
        Desk::new(Arc::clone(&self.store), self.rules.clone())
    }

    pub(crate) fn toolbox(&self) -> Toolbox {
        Toolbox::new(self.desk(), Arc::new(WordList))
    }

    pub(crate) fn playbook(&self) -> Playbook {
        Playbook::new(Settings {
            faq: Faq::read(SHIPPED, &[("arrival", "3-5 business days"), ("quote_minutes", "30")]).unwrap(),
            patterns: IdPatterns::default(),
            strict: self.rules.verification == Verification::Strict,
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
            written: Default::default(),
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

    /// Says something and returns what the turn came to.
    pub(crate) async fn turn(&mut self, text: &str) -> TurnReport {
        self.now += SignedDuration::from_secs(20);
        let incoming = Incoming { texts: vec![text.to_owned()], pressed: None };
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

/// A customer's context at a turn, as the agent would make it.
pub(crate) fn customer(user: &str, turn: u64, text: &str, offered: &[&QuoteId], now: Timestamp) -> Context {
    Context {
        caller: Caller::Customer(Customer {
            user: UserId::new(user),
            turn,
            text: text.into(),
            offered: offered.iter().map(|id| (*id).clone()).collect(),
            pressed: None,
            named_orders: (0..200).chain([999_999]).map(|number| OrderId::new(&format!("ORD{number:06}"))).collect(),
            customer_ids: Vec::new(),
        }),
        now,
    }
}
