//! `ecomres events`: shows what the shop's other systems were told and were not, tries again, and tells what events look like.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::{ArgGroup, Args, Subcommand};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::output::{Output, visible};
use super::{Global, InputError, app};
use crate::config::Config;
use crate::domain::event::{Event, EventData, EventId, EventType, SigningSecret, TestData, example, schema};
use crate::domain::words::excerpt;
use crate::events::{
    Clock, Courier, Dispatcher, DispatcherSettings, Endpoint, EndpointError, EndpointSettings, Outcome,
};
use crate::store::{self, Dispatch, DispatchSearch, DispatchState, EventBacklog, Store};

/// See which events reached the shop's other systems, and deliver again what did not
#[derive(Debug, Args)]
#[command(
    after_help = "`ecomres bot` and `ecomres serve` deliver events to the endpoints of [events]: each is one POST request with a JSON \
    body {type, timestamp, data},\nsigned as Standard Webhooks say (webhook-id, webhook-timestamp, webhook-signature). An endpoint answers with 200 to 299 within \
    [events] timeout_seconds;\nanything else is tried again 7 times within 28 hours, then parked. It may get an event twice, always with the same \
    webhook-id,\nand events in another order than they happened: `timestamp` tells when. 410 stops an endpoint until `ecomres events retry`.\n\n\
    Examples:\n  ecomres events secret\n  ecomres events send-test\n  ecomres events list --parked\n  ecomres events retry --all\n  \
    ecomres events schema refund.paid"
)]
pub struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Events and how far they are, the latest first
    #[command(after_help = "Examples:\n  ecomres events list\n  ecomres events list --parked --endpoint erp --json")]
    List {
        /// Only those that are no longer tried
        #[arg(long, conflicts_with = "waiting")]
        parked: bool,
        /// Only those that are still tried
        #[arg(long)]
        waiting: bool,
        /// Only those to this endpoint
        #[arg(long, value_name = "NAME")]
        endpoint: Option<String>,
        /// How many at most
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
        limit: u32,
    },
    /// One event: what is sent, and how far it is
    #[command(after_help = "Example:\n  ecomres events show evt_01977f3a…")]
    Show {
        /// The event's id, as `events list` shows it
        #[arg(value_name = "ID")]
        id: String,
    },
    /// Deliver parked events again, with all attempts
    #[command(
        group = ArgGroup::new("which").required(true).multiple(true).args(["id", "endpoint", "all"]),
        after_help = "Also opens an endpoint again that answered 410 Gone. `ecomres bot` or `ecomres serve` delivers.\n\n\
        Examples:\n  ecomres events retry evt_01977f3a…\n  ecomres events retry --endpoint erp\n  ecomres events retry --all"
    )]
    Retry {
        /// Only this event
        #[arg(value_name = "ID", conflicts_with = "all")]
        id: Option<String>,
        /// Only those to this endpoint
        #[arg(long, value_name = "NAME")]
        endpoint: Option<String>,
        /// All that are parked
        #[arg(long)]
        all: bool,
    },
    /// Send one signed event of the type endpoint.test to an endpoint at once, and tell what it answers
    #[command(
        after_help = "Nothing is stored, and nothing is tried again.\n\nExamples:\n  ecomres events send-test\n  ecomres events send-test --endpoint erp"
    )]
    SendTest {
        /// Only to this endpoint
        #[arg(long, value_name = "NAME")]
        endpoint: Option<String>,
    },
    /// The types of events; of one type, the JSON schema of what is sent
    #[command(after_help = "Fields may be added to a type; none is renamed or removed.\n\n\
        Examples:\n  ecomres events schema\n  ecomres events schema refund.paid > refund-paid.schema.json\n  \
        ecomres events schema conversation.handed_over --example")]
    Schema {
        /// The type
        #[arg(value_name = "TYPE")]
        of: Option<String>,
        /// An example with made-up data in place of the schema
        #[arg(long, requires = "of")]
        example: bool,
    },
    /// Make a secret that events are signed with
    #[command(
        after_help = "It is printed once, and stored nowhere. To change one without a gap: set [events] previous_secret to the one before\n\
        until the receiver has the new one; both sign meanwhile.\n\nExample:\n  echo \"ECOMRES_EVENTS_SECRET=$(ecomres events secret)\" >> .env"
    )]
    Secret,
}

pub(super) fn run(options: Options, global: &Global) -> anyhow::Result<()> {
    let mut output = Output::stdout();
    match options.command {
        Command::Secret => Ok(output.line(SigningSecret::write(&rand::random()))?),
        Command::Schema { of, example } => print_schema(&mut output, global, of.as_deref(), example),
        Command::SendTest { endpoint } => send_test(&mut output, global, endpoint.as_deref()),
        Command::List { parked, waiting, endpoint, limit } => {
            let states = match (parked, waiting) {
                (true, _) => vec![DispatchState::Parked],
                (_, true) => vec![DispatchState::Waiting, DispatchState::Sending],
                _ => Vec::new(),
            };
            list(&mut output, global, &DispatchSearch { states, endpoint, event: None }, limit)
        }
        Command::Show { id } => show(&mut output, global, &EventId::new(id.trim())),
        Command::Retry { id, endpoint, all: _ } => {
            retry(&mut output, global, id.map(|id| EventId::new(id.trim())).as_ref(), endpoint.as_deref())
        }
    }
}

/// The endpoints of the settings.
///
/// # Errors
/// The first that cannot be used.
pub(super) fn endpoints(config: &Config) -> Result<Vec<Arc<Endpoint>>, EndpointError> {
    let all = config.events.all_endpoints().into_iter();
    let settings = all.map(|one| EndpointSettings {
        name: one.name,
        url: one.url,
        secrets: vec![one.secret, one.previous_secret],
        types: one.types,
    });
    settings.map(|settings| Endpoint::new(&settings).map(Arc::new)).collect()
}

fn timeout(config: &Config) -> Duration {
    Duration::from_secs(config.events.timeout_seconds.into())
}

/// What delivers events while the bot runs.
pub(super) fn dispatcher(config: &Config, store: &Arc<dyn Store>, clock: &Clock) -> anyhow::Result<Dispatcher> {
    let courier = Courier::new(timeout(config), config.events.customer_identity)?;
    let settings = DispatcherSettings::new(timeout(config));
    Ok(Dispatcher::new(Arc::clone(store), endpoints(config)?, courier, settings, Arc::clone(clock)))
}

fn print_schema(output: &mut Output, global: &Global, of: Option<&str>, with_example: bool) -> anyhow::Result<()> {
    let Some(name) = of else {
        if global.json {
            let all: Vec<Value> = EventType::ALL.into_iter().map(schema).collect();
            return Ok(output.json(&all)?);
        }
        for known in EventType::ALL {
            output.line(format!("{:<26} {}", known.as_str(), known.meaning()))?;
        }
        return Ok(());
    };
    let known = EventType::parse(name.trim()).ok_or_else(|| {
        let known = EventType::ALL.map(EventType::as_str).join(", ");
        InputError::with_hint(
            format!("there is no type “{}” of events", excerpt(name, 60)),
            format!("there are: {known}"),
        )
    })?;
    let value = if with_example { example(known).payload(true) } else { schema(known) };
    Ok(if global.json { output.json(&value) } else { output.json_pretty(&value) }?)
}

/// The endpoints of the settings, or the one that is named.
fn named_endpoints(config: &Config, name: Option<&str>) -> anyhow::Result<Vec<Arc<Endpoint>>> {
    let mut endpoints = endpoints(config)?;
    if endpoints.is_empty() {
        return Err(InputError::with_hint(
            "no endpoint is set: events go nowhere",
            "set [events] url in ecomres.toml and ECOMRES_EVENTS_SECRET in .env",
        )
        .into());
    }
    let known: Vec<String> = endpoints.iter().map(|endpoint| endpoint.name().to_owned()).collect();
    endpoints.retain(|endpoint| name.is_none_or(|name| endpoint.name() == name.trim()));
    if endpoints.is_empty() {
        return Err(InputError::with_hint(
            format!("there is no endpoint “{}” in the settings", excerpt(name.unwrap_or_default(), 60)),
            format!("there are: {}", known.join(", ")),
        )
        .into());
    }
    Ok(endpoints)
}

fn send_test(output: &mut Output, global: &Global, name: Option<&str>) -> anyhow::Result<()> {
    let config = app::load_config(global)?;
    let endpoints = named_endpoints(&config, name)?;
    let courier = Courier::new(timeout(&config), config.events.customer_identity)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("starting the runtime")?;
    let mut failed = Vec::new();
    for endpoint in &endpoints {
        let now = Timestamp::now();
        let data = EventData::Test(TestData { endpoint: endpoint.name().to_owned() });
        let event = Event { id: EventId::of(uuid::Uuid::now_v7()), at: now, user_id: None, data };
        let outcome = runtime.block_on(courier.deliver(endpoint, &event, now));
        let (delivered, found) = match outcome {
            Outcome::Delivered(status) => (true, format!("it answers {status}: it takes events")),
            Outcome::Gone => (false, "it answers 410: it wants no events".to_owned()),
            Outcome::Failed { reason, .. } => (false, reason),
        };
        if !delivered {
            failed.push(endpoint.name());
        }
        let (name, host) = (endpoint.name(), endpoint.host());
        if global.json {
            output.json(
                &json!({"endpoint": name, "host": host, "id": event.id, "delivered": delivered, "found": found}),
            )?;
        } else {
            output.line(visible(&format!("{name} at {host}: {found}")))?;
        }
    }
    if failed.is_empty() {
        return Ok(());
    }
    Err(InputError::with_hint(
        format!("{} took no event", failed.join(" and ")),
        "the receiver has to answer a POST request with 200 to 299 where the signature is right: see its log",
    )
    .into())
}

fn list(output: &mut Output, global: &Global, search: &DispatchSearch, limit: u32) -> anyhow::Result<()> {
    let config = app::load_config(global)?;
    let store = app::open_store_read_only(global)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("starting the runtime")?;
    let (backlog, dispatches, closed) = runtime.block_on(async {
        tokio::try_join!(store.event_backlog(), store.dispatches(search, limit), store.closed_endpoints())
    })?;
    if global.json {
        let dispatches: Vec<Value> = dispatches.iter().map(|dispatch| as_json(dispatch, &config)).collect();
        return Ok(output.json(&json!({"backlog": backlog, "closed": closed, "events": dispatches}))?);
    }
    output.line(in_words(&backlog))?;
    for one in &closed {
        output.line(visible(&format!(
            "{} wants no more events since {}: ecomres events retry --endpoint {}",
            one.endpoint,
            time(&one.at),
            one.endpoint
        )))?;
    }
    if !dispatches.is_empty() {
        output.line(format!(
            "\n{:<36} {:<25} {:<12} {:<9} {:>8}  {}",
            "id", "type", "endpoint", "state", "attempts", "at"
        ))?;
    }
    for dispatch in &dispatches {
        output.line(visible(&format!(
            "{:<36} {:<25} {:<12} {:<9} {:>8}  {}",
            dispatch.event.id.as_str(),
            dispatch.event.event_type().as_str(),
            dispatch.endpoint,
            dispatch.state.as_str(),
            dispatch.attempt(),
            time(&dispatch.event.at),
        )))?;
        if dispatch.state != DispatchState::Delivered
            && let Some(error) = &dispatch.error
        {
            output.line(visible(&format!("    {}", excerpt(error, 300))))?;
        }
    }
    Ok(())
}

/// How many events wait, in words.
pub(super) fn in_words(backlog: &EventBacklog) -> String {
    let since = backlog.oldest.map(|at| format!(", the oldest of {}", time(&at))).unwrap_or_default();
    format!("{} to deliver{since}; {} parked", backlog.new + backlog.waiting, backlog.parked)
}

fn as_json(dispatch: &Dispatch, config: &Config) -> Value {
    json!({
        "id": dispatch.event.id,
        "endpoint": dispatch.endpoint,
        "state": dispatch.state,
        "attempts": dispatch.attempt(),
        "next_at": dispatch.next_at,
        "error": dispatch.error,
        "payload": dispatch.event.payload(config.events.customer_identity),
    })
}

fn show(output: &mut Output, global: &Global, id: &EventId) -> anyhow::Result<()> {
    let config = app::load_config(global)?;
    let store = app::open_store_read_only(global)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("starting the runtime")?;
    let search = DispatchSearch { event: Some(id.clone()), ..DispatchSearch::default() };
    let (event, dispatches) =
        runtime.block_on(async { tokio::try_join!(store.event(id), store.dispatches(&search, 1_000)) })?;
    let Some(event) = event else {
        return Err(InputError::with_hint(
            format!("there is no event {}", excerpt(id.as_str(), 60)),
            "ecomres events list shows their ids; delivered ones are kept for [retention] events_days",
        )
        .into());
    };
    let payload = event.payload(config.events.customer_identity);
    if global.json {
        let dispatches: Vec<Value> = dispatches
            .iter()
            .map(|one| {
                let mut value = as_json(one, &config);
                if let Some(fields) = value.as_object_mut() {
                    fields.retain(|name, _| !["id", "payload"].contains(&name.as_str()));
                }
                value
            })
            .collect();
        return Ok(output.json(&json!({"id": event.id, "payload": payload, "endpoints": dispatches}))?);
    }
    output.line(format!("webhook-id: {id}"))?;
    output.json_pretty(&payload)?;
    if dispatches.is_empty() {
        output.line("\nNo endpoint gets it yet, or none wants events of this type.")?;
    }
    for one in &dispatches {
        let (what, at) = match one.state {
            DispatchState::Waiting => ("next attempt", &one.next_at),
            DispatchState::Sending => ("at the latest again", &one.next_at),
            DispatchState::Parked | DispatchState::Delivered => ("since", &one.next_at),
        };
        output.line(visible(&format!(
            "\n{}: {}, {} attempts, {what} {}",
            one.endpoint,
            one.state.as_str(),
            one.attempt(),
            time(at)
        )))?;
        if let Some(error) = &one.error {
            output.line(visible(&format!("    {}", excerpt(error, 300))))?;
        }
    }
    Ok(())
}

fn retry(output: &mut Output, global: &Global, id: Option<&EventId>, endpoint: Option<&str>) -> anyhow::Result<()> {
    let config = app::load_config(global)?;
    let (location, settings) = (app::store_location(global, &config), app::server_settings(&config));
    let store = app::open_existing_store(location, &settings)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("starting the runtime")?;
    let endpoint = endpoint.map(str::trim);
    let (retried, was_closed) = runtime.block_on(async {
        let closed = store.closed_endpoints().await?;
        let was_closed = closed.iter().any(|one| Some(one.endpoint.as_str()) == endpoint);
        Ok::<_, store::StoreError>((store.retry_dispatches(id, endpoint, Timestamp::now()).await?, was_closed))
    })?;
    if retried == 0 && !was_closed && (id.is_some() || endpoint.is_some()) {
        return Err(InputError::with_hint(
            format!("no such event is parked in {}", store::display_location(location)),
            "ecomres events list --parked shows what is",
        )
        .into());
    }
    if global.json {
        output.json(&json!({"events": retried, "opened": was_closed}))?;
    } else {
        let events = if retried == 1 { "event" } else { "events" };
        let opened = if was_closed { " The endpoint gets events again." } else { "" };
        output.line(format!("Tried again while the bot runs: {retried} {events}.{opened}"))?;
    }
    Ok(())
}

/// The endpoints of the settings, in words: for `doctor`.
pub(super) fn endpoints_in_words(config: &Config) -> Result<String, EndpointError> {
    let endpoints = endpoints(config)?;
    let shown = endpoints.iter().map(|endpoint| format!("{} at {}", endpoint.name(), endpoint.host()));
    Ok(shown.collect::<Vec<_>>().join(", "))
}

fn time(at: &Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}
