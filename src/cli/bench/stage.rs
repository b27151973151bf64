//! The scratch store that conversations begin with: orders and documents.

use std::collections::btree_map;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::bench::case::{Case, Who};
use crate::bench::dates;
use crate::bench::judge::{Article, Articles};
use crate::bench::log::{Call, Entry};
use crate::bench::talk::{Said, Shop, World, talk};
use crate::cli::chat::Chat;
use crate::cli::scenarios::{Line, read_line};
use crate::cli::{Global, InputError, app};
use crate::config::Config;
use crate::domain::conversation::Mode;
use crate::domain::ids::{OrderId, UserId};
use crate::domain::order::{Order, OrderLine};
use crate::import::Input;
use crate::knowledge::Library;
use crate::llm::ChatModel;
use crate::nlu::Engine;
use crate::store::sqlite::SqliteStore;
use crate::store::{self, Store};
use crate::tools::Toolbox;

/// A message that is not answered by then is a fault.
const TURN_TIMEOUT: Duration = Duration::from_mins(5);

/// What every conversation begins with.
pub(super) struct Stage {
    global: Global,
    config: Config,
    library: Arc<Library>,
    base: Arc<SqliteStore>,
    world: World,
    engine: Engine,
    model: Arc<dyn ChatModel>,
}

impl Stage {
    /// Loads the orders, and reads the documents.
    ///
    /// # Errors
    /// When orders or documents cannot be read, or a case names an order that is not there.
    pub(super) async fn prepare(
        global: &Global,
        config: Config,
        orders: Option<&Path>,
        cases: &[Case],
        (engine, model): (Engine, Arc<dyn ChatModel>),
    ) -> anyhow::Result<Self> {
        let base = base(global, &config, orders).await?;
        let store = Arc::clone(&base) as Arc<dyn Store>;
        let mut articles = Articles::new();
        for case in cases {
            for (field, id) in case.orders() {
                if let btree_map::Entry::Vacant(place) = articles.entry(id.clone()) {
                    place.insert(articles_of(&find(store.as_ref(), case, &field, &id).await?));
                }
            }
        }
        let patterns = app::patterns(&config, store.as_ref()).await?;
        let library = app::library(global, &config)?;
        let stage =
            Self { global: global.clone(), config, library, base, world: World { articles, patterns }, engine, model };
        for case in cases {
            // Who cannot write is found before the first conversation.
            stage.customer(case).await?;
        }
        Ok(stage)
    }

    /// What is known beside the cases.
    pub(super) fn world(&self) -> &World {
        &self.world
    }

    /// Holds the conversation of a case, in a store of its own.
    ///
    /// # Errors
    /// When it cannot begin. What fails in it is a fault in its log.
    pub(super) async fn hold(&self, case: &Case) -> anyhow::Result<Vec<Entry>> {
        let store: Arc<dyn Store> = Arc::new(self.base.scratch_copy()?);
        let toolbox = self.toolbox(&store)?;
        let toolbox = app::bot_tools(&self.global, &self.config, toolbox, None, app::TOOLS_TIMEOUT).await?;
        let worker = app::worker(&self.config, Arc::clone(&store), toolbox, Arc::clone(&self.model))?;
        let mut chat = Chat::new(&store, worker, self.customer(case).await?);
        Ok(talk(case, &self.world, &mut chat).await)
    }

    fn toolbox(&self, store: &Arc<dyn Store>) -> anyhow::Result<Toolbox> {
        let engine = Arc::new(self.engine.clone());
        app::toolbox_with(&self.config, Arc::clone(store), engine, Arc::clone(&self.library))
    }

    /// Who writes in a case: a telephone number, where an order has one.
    async fn customer(&self, case: &Case) -> anyhow::Result<UserId> {
        let id = match &case.who {
            Who::Number(number) => return Ok(UserId::new(number.as_str())),
            Who::BuyerOf(id) => id,
        };
        let order = find(&*self.base, case, "customer", id).await?;
        let number = order.numbers(self.config.country()?).next();
        number.map(UserId::new).ok_or_else(|| {
            InputError::with_hint(
                format!("case {}: customer: order {id} has no telephone number that can be read", case.id),
                "say who writes with \"phone\": \"919876543210\", or any name",
            )
            .into()
        })
    }
}

/// The store that is copied for each conversation.
async fn base(global: &Global, config: &Config, orders: Option<&Path>) -> anyhow::Result<Arc<SqliteStore>> {
    let store = Arc::new(SqliteStore::scratch()?);
    let scratch = Arc::clone(&store) as Arc<dyn Store>;
    if let Some(path) = orders {
        app::load_orders_from(&scratch, Some(&with_dates(path, config)?), config).await?;
        return Ok(store);
    }
    let location = app::store_location(global, config);
    let Some(path) = store::file_path(location)? else {
        return Err(InputError::with_hint(
            format!("orders are not copied from a server, and the store is {}", store::display_location(location)),
            "give a file with orders: --orders FILE",
        )
        .into());
    };
    if path.exists() || global.store.is_some() {
        let own = Arc::new(SqliteStore::scratch_with_orders_of(path)?);
        let orders = (Arc::clone(&own) as Arc<dyn Store>).count_orders().await?;
        if orders > 0 || global.store.is_some() {
            return Ok(own);
        }
    }
    app::load_orders_from(&scratch, None, config).await?;
    Ok(store)
}

/// A text file with its times ago as dates; anything else as it is.
fn with_dates(path: &Path, config: &Config) -> anyhow::Result<Input> {
    // A pipe gives its content once.
    let bytes = path.is_file().then(|| std::fs::read(path).ok()).flatten();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok()).filter(|text| text.contains("{-"));
    let Some(text) = text else { return Ok(Input::file(path)?) };
    let now = config.zone()?.to_datetime(Timestamp::now());
    Ok(Input::stream(&path.display().to_string(), dates::filled(&text, now).as_bytes())?)
}

async fn find(store: &dyn Store, case: &Case, field: &str, id: &OrderId) -> anyhow::Result<Order> {
    store.order(id).await?.ok_or_else(|| {
        InputError::with_hint(
            format!("case {}: {field}: there is no order {id}", case.id),
            "name an order of the file that --orders gives; one that is not to be there stands in \"unknown\"",
        )
        .into()
    })
}

fn articles_of(order: &Order) -> Vec<Article> {
    let article = |line: &OrderLine| Article { sku: line.sku.clone().unwrap_or_default(), name: line.name.clone() };
    order.details.lines.iter().map(article).collect()
}

impl Shop for Chat {
    async fn answer(&mut self, message: &str) -> Result<Said, String> {
        // Files were checked for lines that move the clock by no time.
        let moved = message.starts_with('+').then(|| read_line(message).ok().flatten()).flatten();
        let line = moved.unwrap_or_else(|| Line { later: SignedDuration::ZERO, text: message.to_owned() });
        let heard = tokio::time::timeout(TURN_TIMEOUT, self.say(&line))
            .await
            .map_err(|_| format!("no answer within {} s", TURN_TIMEOUT.as_secs()))?
            .map_err(|error| format!("{error:#}"))?
            .ok_or("nothing was said")?;
        let conversation = &heard.report.conversation;
        let sent: Vec<&str> = heard.sent.iter().map(|message| message.body.text()).collect();
        let tools = heard.report.calls.iter().map(|call| Call {
            tool: call.tool.clone(),
            arguments: call.arguments.clone(),
            result: call.result.clone(),
        });
        Ok(Said {
            reply: heard.report.reply.clone().or_else(|| (!sent.is_empty()).then(|| sent.join("\n"))),
            tools: tools.collect(),
            with_person: conversation.mode != Mode::Bot,
            waiting_for: json!(conversation.waiting_for).as_str().unwrap_or_default().to_owned(),
            triage: heard.report.triage.as_ref().map(|read| {
                json!({"intent": read.intent, "sentiment": read.sentiment, "topic": read.topic, "urgency": read.urgency})
            }),
        })
    }
}
