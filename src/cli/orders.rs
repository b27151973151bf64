//! `ecomres orders`: shows whom an order is bound to and what was done to it, removes a binding, and tells what order ids look like.

use anyhow::Context as _;
use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::json;

use super::arguments::why;
use super::output::{Output, visible};
use super::{Global, InputError, app};
use crate::domain::action::Action;
use crate::domain::currency::{Amount, ShopMoney};
use crate::domain::ids::{Family, IdForms, IdPatterns, OrderId, Source};
use crate::domain::order::Order;
use crate::domain::ownership::Binding;
use crate::orders_api;
use crate::store::{self, Closed, Store};
use crate::support::{Actor, actions, orders};

/// See whom an order is bound to, what was done to orders, and what order ids look like
#[derive(Debug, Args)]
#[command(
    after_help = "An order without a telephone number is bound to the first customer who shows that it is theirs (see orders.verification \
    and orders.claim_proof). Whoever was bound wrongly is shown the order until it is unbound; then the next customer who shows \
    that it is theirs gets it. A refund that was paid stays paid.\n\n\
    Examples:\n  ecomres orders show ORD000003\n  ecomres orders unbind ORD000003 --reason \"bound to a stranger\""
)]
pub struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// What is known of an order, whom it is bound to, and whether it was refunded
    #[command(after_help = "Examples:\n  ecomres orders show ORD000003 --json\n  ecomres orders show '#1001'")]
    Show {
        /// The order's id, or the number that customers know it by
        #[arg(value_name = "ORDER")]
        id: String,
    },
    /// The JSON Schema of what is posted to /orders of `ecomres bot` and `ecomres serve`
    #[command(
        after_help = "The names in it are those of the fields; the columns of a file are taken as well. A document is a whole order: what it does not hold is \
        not known of it\nafterwards. Webhooks orders/* of Shopify and order.* of WooCommerce are taken as they are.\n\n\
        Examples:\n  ecomres orders schema\n  curl -H \"Authorization: Bearer $ORDERS_TOKEN\" --json '{\"order_id\": \"1001\", \"total\": \"599.00\", \"status\": \"delivered\"}' \\\n       \
        https://bot.example.com/orders"
    )]
    Schema,
    /// What the ids of the orders look like: what messages are searched for, and the example that customers are shown
    #[command(after_help = "A setting, orders.pattern, overrides what was learnt.\n\nExample:\n  ecomres orders forms")]
    Forms,
    /// What was done to orders for customers, and has to be carried out in the shop's own systems
    #[command(after_help = "Examples:\n  ecomres orders actions --open\n  ecomres orders actions --limit 200 --json")]
    Actions {
        /// Only those that are not done yet
        #[arg(long)]
        open: bool,
        /// At most so many, the latest first
        #[arg(long, value_name = "COUNT", default_value_t = 50)]
        limit: u32,
    },
    /// Say that an action was carried out; the money of a return goes back with that
    #[command(after_help = "Example:\n  ecomres orders done ACT_0197 --by front-desk")]
    Done {
        /// The action's id, as `ecomres orders actions` shows it
        #[arg(value_name = "ACTION")]
        id: String,
        /// Who does it: goes on record
        #[arg(long, value_name = "NAME", default_value = "terminal", value_parser = super::alerts::name)]
        by: String,
    },
    /// Bind an order to nobody: goes on record with who had it
    #[command(
        after_help = "Example:\n  ecomres orders unbind ORD000003 --by front-desk --reason \"bound to a stranger\""
    )]
    Unbind {
        /// The order's id, or the number that customers know it by
        #[arg(value_name = "ORDER")]
        id: String,
        /// Who does it: goes on record
        #[arg(long, value_name = "NAME", default_value = "terminal", value_parser = super::alerts::name)]
        by: String,
        /// Why; goes on record
        #[arg(long, value_name = "TEXT", value_parser = why)]
        reason: String,
    },
}

pub(super) fn run(options: Options, global: &Global) -> anyhow::Result<()> {
    let config = app::load_config(global)?;
    let (location, settings) = (app::store_location(global, &config), app::server_settings(&config));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("starting the runtime")?;
    let place = store::display_location(location);
    let (text, json) = match options.command {
        Command::Schema => {
            let schema = orders_api::schema();
            (serde_json::to_string_pretty(&schema)?, schema)
        }
        Command::Show { id } => {
            let store = store::open_read_only_with(location, &settings)?;
            runtime.block_on(async {
                let id = named(store.as_ref(), &id).await?;
                show(store.as_ref(), &id, &place, &config.money()).await
            })?
        }
        Command::Forms => {
            let store = store::open_read_only_with(location, &settings)?;
            let patterns = runtime.block_on(app::patterns(&config, store.as_ref()))?;
            let forms = runtime.block_on(store.order_id_forms())?;
            (described_forms(&patterns, &forms), forms_as_json(&patterns, &forms))
        }
        Command::Actions { open, limit } => {
            let store = store::open_read_only_with(location, &settings)?;
            let actions = runtime.block_on(store.actions(open, limit))?;
            listed_actions(&actions, &place, &config.money())
        }
        Command::Done { id, by } => {
            let store = app::open_existing_store(location, &settings)?;
            let (actor, policy) = (Actor { name: by, now: Timestamp::now() }, config.policy()?);
            let closed = runtime.block_on(actions::finish(store.as_ref(), Some(&policy), &actor, id.trim()))?;
            let Some(closed) = closed else {
                let hint = "ecomres orders actions --open lists what there is to do";
                return Err(InputError::with_hint(format!("there is no action {} in {place}", id.trim()), hint).into());
            };
            finished(&closed, &config.money())
        }
        Command::Unbind { id, by, reason } => {
            let store = app::open_existing_store(location, &settings)?;
            let actor = Actor { name: by, now: Timestamp::now() };
            let id = runtime.block_on(named(store.as_ref(), &id))?;
            let Some(binding) = runtime.block_on(orders::unbind(store.as_ref(), &actor, &id, &reason))? else {
                return Err(InputError::with_hint(
                    format!("{id} is bound to nobody in {place}"),
                    format!("ecomres orders show {id} shows what is known of it"),
                )
                .into());
            };
            let text = format!("{id} is bound to nobody now; it was {}.", described(&binding));
            (text, json!({"order_id": id, "status": "unbound", "was": binding}))
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

fn listed_actions(actions: &[Action], place: &str, money: &ShopMoney) -> (String, serde_json::Value) {
    let line = |action: &Action| {
        let amount = action.amount.map_or_else(String::new, |amount| format!(", {}", money.show(amount)));
        let done = action.done.as_ref().map_or("open".to_owned(), |done| format!("done by {}", done.by));
        let (id, order, at) = (&action.id, &action.order_id, action.at.strftime("%Y-%m-%d %H:%M:%SZ"));
        format!("{id}  {at}  {order}  {}: {}{amount} ({done})", action.kind, visible(&action.summary()))
    };
    let lines: Vec<String> = actions.iter().map(line).collect();
    let text =
        if lines.is_empty() { format!("There is nothing to do for orders in {place}.") } else { lines.join("\n") };
    let json: Vec<serde_json::Value> = actions.iter().map(action_json).collect();
    (text, json!({"actions": json}))
}

fn action_json(action: &Action) -> serde_json::Value {
    let mut value = serde_json::to_value(action).unwrap_or_default();
    value["state"] = action.state().into();
    value["amount"] = action.amount.map_or(serde_json::Value::Null, Amount::to_json);
    value["currency"] = action.amount.map_or(serde_json::Value::Null, |amount| amount.currency.code().into());
    value
}

fn finished(closed: &Closed, money: &ShopMoney) -> (String, serde_json::Value) {
    let Closed { action, refund, already } = closed;
    let mut text = match (already, &action.done) {
        (true, Some(done)) => format!("{} was done before, by {}.", action.id, done.by),
        _ => format!("{} is done.", action.id),
    };
    if let Some(refund) = refund {
        let state = super::refunds::state_words(refund);
        text = format!("{text} Refund: {}, {state} ({}).", money.show(refund.refunded()), refund.transaction_id);
    }
    if action.leaves_money()
        && let Some(amount) = action.amount
    {
        let amount = money.show(amount);
        text = format!("{text} Its money did not go back here: pay what is still owed of {amount} by hand.");
    }
    let status = if *already { "already_done" } else { "done" };
    let transaction = refund.as_ref().map(|refund| refund.transaction_id.clone());
    (text, json!({"status": status, "action": action_json(action), "transaction_id": transaction}))
}

fn source(patterns: &IdPatterns) -> &'static str {
    match patterns.source() {
        Source::Setting => "setting",
        Source::Learnt => "learnt",
        Source::Default => "default",
    }
}

fn forms_as_json(patterns: &IdPatterns, forms: &IdForms) -> serde_json::Value {
    let family = |family: &Family| json!({"example": family.example(), "ids": family.count(), "found_anywhere": family.stands_alone()});
    json!({
        "source": source(patterns),
        "families": patterns.families().iter().map(family).collect::<Vec<_>>(),
        "ids_seen": forms.seen(),
        "ids_not_found": forms.unusable(),
    })
}

/// The families of order ids, a line each.
pub(super) fn described_forms(patterns: &IdPatterns, forms: &IdForms) -> String {
    let mut lines = vec![match patterns.source() {
        Source::Setting => "Order ids are found as the setting orders.pattern says:".to_owned(),
        Source::Learnt => format!("Order ids are found as {} ids look that were seen:", forms.seen()),
        Source::Default => "No ids were seen yet; order ids are found that look like this:".to_owned(),
    }];
    for family in patterns.families() {
        let count = if family.count() > 0 { format!(" ({} seen)", family.count()) } else { String::new() };
        let way = if family.stands_alone() {
            "anywhere in a message"
        } else {
            "where the words around say so: “order …”, an answer to the question for it, or the customer's own order"
        };
        lines.push(format!("  {}{count}: {way}", family.example()));
    }
    if patterns.families().is_empty() {
        lines.push("  exactly what the pattern matches; customers are shown no example".to_owned());
    }
    if forms.unusable() > 0 {
        lines.push(format!(
            "  {} ids have no digit, or are too long: no message is searched for those",
            forms.unusable()
        ));
    }
    lines.join("\n")
}

fn described(binding: &Binding) -> String {
    let proof = match binding.proof.as_deref() {
        Some(proof) => format!("who knew: {proof}"),
        None => "who was asked for nothing".to_owned(),
    };
    format!("bound to {} since {}, {proof}", binding.user_id, binding.at.strftime("%Y-%m-%d %H:%M:%SZ"))
}

/// The order of a name: an id, or the number that customers know. One that is not there may still be bound or refunded.
pub(super) async fn named(store: &dyn Store, name: &str) -> anyhow::Result<OrderId> {
    let id = OrderId::new(name);
    if store.order(&id).await?.is_some() || store.refund_of(&id).await?.is_some() {
        return Ok(id);
    }
    match store.orders_named(name).await?.as_slice() {
        [] => Ok(id),
        [one] => Ok(one.clone()),
        several => {
            let ids: Vec<&str> = several.iter().map(OrderId::as_str).collect();
            let message = format!("{} orders are called {}: {}", ids.len(), name.trim(), ids.join(", "));
            Err(InputError::with_hint(message, "name one of them by its id").into())
        }
    }
}

/// What is known of an order beside its numbers, a line each.
fn facts(order: &Order, money: &ShopMoney) -> Vec<String> {
    let shown = |amount| money.show(Amount::new(amount, order.currency()));
    let details = &order.details;
    let placed = order.placed_at.map(|at| at.to_string()).or_else(|| order.date.clone());
    let state = details.state.map(|state| state.to_string()).or_else(|| order.status.clone());
    let paid = [details.payment_state.map(|state| state.to_string()), details.payment_method.clone()];
    let paid: Vec<String> = paid.into_iter().flatten().collect();
    let carried = [&details.carrier, &details.tracking_number, &details.tracking_url];
    let carried: Vec<&str> = carried.into_iter().flatten().map(String::as_str).collect();
    let mut lines = Vec::new();
    let mut line = |what: &str, value: Option<String>| {
        // A line each, whatever the shop's data holds.
        let value = value.map(|value| value.split_whitespace().collect::<Vec<_>>().join(" "));
        lines.extend(value.filter(|value| !value.is_empty()).map(|value| format!("  {what}: {}", visible(&value))));
    };
    line("called", details.display_id.clone());
    line("placed", placed);
    line("status", state);
    line("category", Some(order.category.clone()));
    line("value", order.value.map(shown));
    line("payment", Some(paid.join(", ")));
    line("carrier", Some(carried.join(", ")));
    line("invoice", details.invoice_url.clone());
    for one in &details.lines {
        let price = one.price.map(|price| format!(" at {}", shown(price))).unwrap_or_default();
        line("item", Some(format!("{} × {}{price}", one.quantity, one.name)));
    }
    lines
}

async fn show(
    store: &dyn Store,
    id: &OrderId,
    place: &str,
    money: &ShopMoney,
) -> anyhow::Result<(String, serde_json::Value)> {
    let (order, binding, refund) = (store.order(id).await?, store.binding_of(id).await?, store.refund_of(id).await?);
    let done = store.actions_of(id).await?;
    if order.is_none() && binding.is_none() && refund.is_none() {
        let hint = "ecomres import adds orders; ids are compared without regard to case";
        return Err(InputError::with_hint(format!("there is no order {id} in {place}"), hint).into());
    }
    let mut lines = vec![match &order {
        Some(order) => match order.phones().count() {
            0 => format!("{id}: has no telephone number"),
            1 => format!("{id}: answers to its telephone number"),
            count => format!("{id}: answers to each of its {count} telephone numbers"),
        },
        None => format!("{id}: is not among the orders"),
    }];
    lines.extend(order.iter().flat_map(|order| facts(order, money)));
    lines.push(binding.as_ref().map_or("  bound to nobody".to_owned(), |binding| format!("  {}", described(binding))));
    if let Some(refund) = &refund {
        lines.push(format!(
            "  refund: {}, {} ({})",
            money.show(refund.refunded()),
            super::refunds::state_words(refund),
            refund.transaction_id
        ));
    }
    lines.extend(done.iter().map(|action| {
        format!("  {}: {} ({}, {})", action.kind, visible(&action.summary()), action.state(), action.id)
    }));
    let json = json!({
        "order_id": id,
        "actions": done.iter().map(action_json).collect::<Vec<_>>(),
        "order": order.map(|order| order.to_json()),
        "binding": binding,
        "refund": refund.map(|refund| {
            json!({
                "transaction_id": refund.transaction_id, "amount": refund.amount, "currency": refund.currency, "state": refund.state(),
                "simulated": refund.is_simulated(),
            })
        }),
    });
    Ok((lines.join("\n"), json))
}
