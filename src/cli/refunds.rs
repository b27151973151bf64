//! `ecomres refunds`: lists refunds and how far they are, and lets a person decide about those that do not go on.

use std::sync::Arc;

use anyhow::Context as _;
use clap::{Args, Subcommand, ValueEnum};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::arguments::why;
use super::output::Output;
use super::{Global, InputError, app};
use crate::domain::currency::ShopMoney;
use crate::domain::refund::{Change, Refund, RefundState, STILL_ARRIVING};
use crate::inbox::system_clock;
use crate::refunds::{Moved, change};
use crate::store::{self, Store};
use crate::support::Actor;

/// How often a change is tried again while others change the refund.
const ATTEMPTS: u32 = 8;

/// See how far refunds are, try failed ones again, and settle those that nobody knows of
#[derive(Debug, Args)]
#[command(
    after_help = "A refund is requested (on record here), submitted (the payment service has it), paid or failed. `ecomres bot` and `serve` send \
    what waits and ask for what was sent; a failed one is tried again by nobody but you. With [refund] provider = \"ledger\" refunds \
    are simulated: on record, and no money moves.\n\n\
    Examples:\n  ecomres refunds list --state failed\n  ecomres refunds show ORD000003\n  \
    ecomres refunds retry ORD000003 --by front-desk\n  \
    ecomres refunds settle ORD000003 --as paid --note \"paid by bank transfer, reference 4711\""
)]
pub struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The latest refunds, and how far they are
    #[command(after_help = "Examples:\n  ecomres refunds list\n  ecomres refunds list --state failed --json")]
    List {
        /// Only those in this state
        #[arg(long, value_enum)]
        state: Option<StateName>,
        /// At most so many
        #[arg(long, value_name = "COUNT", default_value_t = 50)]
        limit: u32,
    },
    /// Everything that is known of one refund
    #[command(after_help = "Example:\n  ecomres refunds show ORD000003 --json")]
    Show {
        /// The order's id, or the transaction of the refund
        #[arg(value_name = "ORDER")]
        id: String,
    },
    /// Try a failed refund again: the payment service is asked first whether it has paid
    #[command(after_help = "Example:\n  ecomres refunds retry ORD000003 --by front-desk")]
    Retry {
        /// The order's id, or the transaction of the refund
        #[arg(value_name = "ORDER")]
        id: String,
        /// Who does it: goes on record
        #[arg(long, value_name = "NAME", default_value = "terminal", value_parser = super::alerts::name)]
        by: String,
    },
    /// Say what became of a refund, after looking at the payment service's own pages: goes on record
    #[command(
        after_help = "Examples:\n  ecomres refunds settle ORD000003 --as paid --note \"paid by bank transfer\"\n  \
        ecomres refunds settle ORD000003 --as failed --note \"not on Stripe's page\""
    )]
    Settle {
        /// The order's id, or the transaction of the refund
        #[arg(value_name = "ORDER")]
        id: String,
        /// Whether the customer has the money
        #[arg(long = "as", value_enum)]
        outcome: Outcome,
        /// How you know; goes on record
        #[arg(long, value_name = "TEXT", value_parser = why)]
        note: String,
        /// Who does it: goes on record
        #[arg(long, value_name = "NAME", default_value = "terminal", value_parser = super::alerts::name)]
        by: String,
    },
    /// Send and look up what is due now, once, where no bot runs
    #[command(after_help = "Example:\n  ecomres refunds run --store shop.db")]
    Run,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum StateName {
    Requested,
    Submitted,
    Paid,
    Failed,
}

impl StateName {
    fn state(self) -> RefundState {
        match self {
            Self::Requested => RefundState::Requested,
            Self::Submitted => RefundState::Submitted,
            Self::Paid => RefundState::Paid,
            Self::Failed => RefundState::Failed,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Outcome {
    Paid,
    Failed,
}

pub(super) fn run(options: Options, global: &Global) -> anyhow::Result<()> {
    let config = app::load_config(global)?;
    let (location, settings) = (app::store_location(global, &config), app::server_settings(&config));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("starting the runtime")?;
    let place = store::display_location(location);
    let to_read = || store::open_read_only_with(location, &settings);
    let to_write = || app::open_existing_store(location, &settings);
    let (text, json) = match options.command {
        Command::List { state, limit } => runtime.block_on(list(to_read()?.as_ref(), state, limit, &config.money()))?,
        Command::Show { id } => {
            let store = to_read()?;
            let refund = runtime.block_on(find(store.as_ref(), &id, &place))?;
            (described(&refund, &config.refund.estimated_arrival, &config.money()), as_json(&refund))
        }
        Command::Retry { id, by } => {
            let actor = Actor { name: by, now: Timestamp::now() };
            let refund = runtime.block_on(decide(to_write()?, &actor, &id, &place, &Change::Again))?;
            let text = format!(
                "{} is requested again (attempt {}); `ecomres bot` or `ecomres refunds run` sends it.",
                refund.transaction_id, refund.progress.attempt
            );
            (text, as_json(&refund))
        }
        Command::Settle { id, outcome, note, by } => {
            let actor = Actor { name: by, now: Timestamp::now() };
            let what = Change::Found { paid: outcome == Outcome::Paid, note };
            let refund = runtime.block_on(decide(to_write()?, &actor, &id, &place, &what))?;
            (format!("{} is {} now.", refund.transaction_id, state_words(&refund)), as_json(&refund))
        }
        Command::Run => {
            let store = to_write()?;
            let job = app::refund_job(&config, store, system_clock())?;
            let steps = runtime.block_on(job.run_due())?;
            let text = match steps {
                0 => "No refund is due.".to_owned(),
                1 => "One step was done; ecomres refunds list shows how far refunds are.".to_owned(),
                steps => format!("{steps} steps were done; ecomres refunds list shows how far refunds are."),
            };
            (text, json!({"steps": steps}))
        }
    };
    let mut output = Output::stdout();
    if global.json {
        output.json(&json)?;
    } else {
        output.line(text)?;
    }
    Ok(())
}

/// The state of a refund in words: one that the ledger alone stands for is simulated.
pub(super) fn state_words(refund: &Refund) -> String {
    let state = refund.state().as_str();
    if refund.is_simulated() { format!("{state} (simulated)") } else { state.to_owned() }
}

async fn find(store: &dyn Store, id: &str, place: &str) -> anyhow::Result<Refund> {
    let id = id.trim();
    let refund = match store.refund(id).await? {
        None => store.refund_of(&super::orders::named(store, id).await?).await?,
        found => found,
    };
    refund.ok_or_else(|| {
        let hint = "ecomres refunds list shows them; name the order or the transaction";
        InputError::with_hint(format!("there is no refund of {id} in {place}"), hint).into()
    })
}

async fn list(
    store: &dyn Store,
    state: Option<StateName>,
    limit: u32,
    money: &ShopMoney,
) -> anyhow::Result<(String, Value)> {
    let refunds = match state {
        None => store.refunds(limit).await?,
        Some(state) => store.refunds_in(&[state.state()], limit).await?,
    };
    let lines: Vec<String> = refunds
        .iter()
        .map(|refund| {
            let route = &refund.route;
            let trouble = refund.progress.reason.as_ref().or(refund.progress.problem.as_ref());
            let trouble = trouble.map_or_else(String::new, |why| format!("  {why}"));
            format!(
                "{}  {:<9}  {:<8}  {:>12}  {}{trouble}",
                refund.at.strftime("%Y-%m-%d %H:%M"),
                refund.state().as_str(),
                if refund.is_simulated() { "simulated" } else { route.provider.as_str() },
                money.show(refund.refunded()),
                refund.transaction_id
            )
        })
        .collect();
    let text = if lines.is_empty() { "There are no such refunds.".to_owned() } else { lines.join("\n") };
    Ok((text, Value::Array(refunds.iter().map(as_json).collect())))
}

fn as_json(refund: &Refund) -> Value {
    let mut value = refund.unchanging();
    if let Some(map) = value.as_object_mut() {
        map.insert("amount".to_owned(), refund.amount.to_json(refund.currency));
        map.insert("fee".to_owned(), refund.fee.to_json(refund.currency));
        map.insert("state".to_owned(), json!(refund.state()));
        map.insert("simulated".to_owned(), json!(refund.is_simulated()));
        map.insert("progress".to_owned(), json!(refund.progress));
    }
    value
}

fn described(refund: &Refund, arrival: &str, money: &ShopMoney) -> String {
    let time = |at: Timestamp| at.strftime("%Y-%m-%d %H:%M:%SZ").to_string();
    let (route, progress) = (&refund.route, &refund.progress);
    let mut lines =
        vec![format!("{}: {} of {}", refund.transaction_id, money.show(refund.refunded()), refund.order_id)];
    let mut add = |name: &str, value: Option<String>| {
        lines.extend(value.map(|value| format!("  {:<14} {value}", format!("{name}:"))));
    };
    add("state", Some(state_words(refund)));
    add("provider", Some(route.provider.as_str().to_owned()));
    add("payment", route.payment_id.clone());
    add("their id", progress.provider_id.clone());
    add("key", (!refund.is_simulated()).then(|| refund.idempotency_key()));
    add("requested", Some(format!("{}, by {}", time(refund.at), refund.actor)));
    add("attempt", (progress.attempt > 1).then(|| progress.attempt.to_string()));
    add("first sent", progress.sent_at.map(time));
    add("last sent", progress.last_sent_at.filter(|last| progress.sent_at != Some(*last)).map(time));
    add("submitted", progress.submitted_at.map(time));
    add("settled", progress.settled_at.filter(|_| !refund.is_simulated()).map(time));
    let expected = if refund.is_simulated() { None } else { refund.expected_by(arrival) };
    add("expected by", expected.map(|day| day.to_string()));
    add("why", progress.reason.clone());
    add("trouble", progress.problem.clone());
    add("next step", progress.next_at.map(time));
    lines.join("\n")
}

/// Makes a person's change to a refund, as it is at that moment.
async fn decide(store: Arc<dyn Store>, actor: &Actor, id: &str, place: &str, what: &Change) -> anyhow::Result<Refund> {
    for _ in 0..ATTEMPTS {
        let refund = find(store.as_ref(), id, place).await?;
        if refund.is_simulated() {
            return Err(InputError::with_hint(
                format!("{} is simulated: no money moves, so there is nothing to decide", refund.transaction_id),
                "[refund] provider names who moves the money of later refunds",
            )
            .into());
        }
        if matches!(what, Change::Found { paid: false, .. }) && refund.progress.may_still_arrive(actor.now) {
            return Err(InputError::with_hint(
                format!("{} was sent a moment ago, and may still arrive", refund.transaction_id),
                format!("look again in {} minutes", STILL_ARRIVING.as_mins()),
            )
            .into());
        }
        match change(store.as_ref(), &actor.actor(), &refund, what.clone(), actor.now).await? {
            Moved::Done(refund) => return Ok(*refund),
            Moved::Overtaken => {}
            Moved::Impossible(_) => {
                let (state, wanted) = (refund.state().as_str(), matches!(what, Change::Again));
                let hint = if wanted {
                    "only a failed refund is tried again; where you know that one was not paid, settle it as failed first"
                } else {
                    "ecomres refunds show shows what is known of it"
                };
                return Err(InputError::with_hint(format!("{} is {state}", refund.transaction_id), hint).into());
            }
        }
    }
    Err(InputError::with_hint(format!("{id} is being worked on"), "try again in a moment").into())
}
