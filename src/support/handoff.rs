//! Hands a customer's conversation to a person. Whatever the cause, an alert is raised, and the bot leaves its matter to the team
//! as long as it is pending; what it still says to the customer, `agent/turn/waiting.rs` decides.
//!
//! | cause | function | conversation |
//! |---|---|---|
//! | the bot, or an operator's tool call, asks for a person | [`request`] | the turn marks it |
//! | a member of the team takes over in the dashboard | [`take_over`] | marked at once |
//! | a member of the team writes from the business app | [`take_over_from_app`] | marked at once |
//! | a customer who waits sends something that cannot be read, after a long wait | [`report_waiting`] | handed over already |
//! | a message to the customer could not be delivered | [`report_undelivered`] | no hand-over: the bot goes on answering |
//! | nobody here can hear what a customer said | [`report_need`] | the turn marks it, where nothing was written beside it |
//! | a customer sends an order from the catalogue, or fills in a form | [`report_need`] | as well |
//! | a photo of a customer could not be fetched | [`report_unfetched`] | no hand-over: the bot goes on answering |
//! | a refund failed, or does not go on | [`report_failed_refund`], [`report_stuck_refund`] | no hand-over: the bot goes on answering |
//! | an action was carried out, and its money cannot be paid here | [`report_unpaid_action`] | no hand-over: the bot goes on answering |
//! | a refund that failed was paid after all | [`report_paid_after_failure`] | no hand-over: the bot goes on answering |
//! | nothing can be sent, because of the set-up | [`report_set_up`] | none: it is nobody's |
//! | events do not reach the shop's systems | [`report_events`] | none: it is nobody's |

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{Actor, Context};
use crate::domain::action::Action;
use crate::domain::alert::{Alert, Assigned, Priority, Quoted};
use crate::domain::caller::Caller;
use crate::domain::conversation::{Conversation, Mode};
use crate::domain::currency::{Amount, ShopMoney};
use crate::domain::ids::{AlertId, UserId};
use crate::domain::inbound::Inbound;
use crate::domain::media::MediaFile;
use crate::domain::message::Role;
use crate::domain::outgoing::Outgoing;
use crate::domain::proposal::ProposalKind;
use crate::domain::refund::Refund;
use crate::store::{Result, Store};
use crate::telemetry::metric;

pub use crate::domain::alert::{EVENTS, SET_UP};

/// How often a conversation is saved again after another writer changed it meanwhile.
pub const SAVE_ATTEMPTS: u32 = 5;
/// How many of the latest messages are searched for the customer's last one.
const RECENT_MESSAGES: u32 = 20;

/// A request for a person.
#[derive(Debug, Clone)]
pub struct HandoffRequest {
    /// The alert's identifier, where another server raised it already.
    pub id: Option<AlertId>,
    /// The customer, as the arguments say; a customer's own identity always wins.
    pub user_id: String,
    /// Why.
    pub reason: String,
    /// The customer's last message.
    pub last_message: String,
    /// How urgent it is.
    pub priority: Priority,
}

/// What a customer sent that only a person can use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// A recording that nobody here can hear.
    Hear,
    /// An order from the channel's catalogue.
    Sell,
    /// What was filled into a form of the shop's.
    Read,
}

impl Need {
    /// Why a person is asked for.
    fn reason(self) -> &'static str {
        match self {
            Self::Hear => "The customer sent a voice message that could not be written down: listen to it",
            Self::Sell => "The customer sent an order from the catalogue: take it up in the shop",
            Self::Read => "The customer filled in a form: read it",
        }
    }
}

/// Why a person is asked for again, for the team.
pub fn waited(waited: SignedDuration) -> String {
    format!("The customer writes again after waiting for {} h", waited.as_hours())
}

pub(super) fn new_alert_id() -> AlertId {
    AlertId::new(format!("ALERT_{}", Uuid::now_v7().simple()))
}

/// Raises an alert for a request. A pending alert of the customer is returned instead, merged with the request.
///
/// # Errors
/// When the store fails.
pub async fn request(store: &dyn Store, context: &Context, request: HandoffRequest) -> Result<Alert> {
    let (user_id, last_message) = match &context.caller {
        Caller::Customer(customer) => (customer.user.clone(), customer.sent.as_str()),
        Caller::Operator { .. } => (UserId::new(request.user_id), request.last_message.as_str()),
    };
    let id = request.id.unwrap_or_else(new_alert_id);
    let message = Quoted::FromCustomer(last_message);
    store.open_alert(&Alert::raise(id, user_id, &request.reason, message, request.priority, context.now)).await
}

/// Silences the bot in a conversation for a member of the team, who becomes the assignee unless there is one. A running
/// turn is discarded, so its reply is never sent.
///
/// # Errors
/// When the store fails.
pub async fn take_over(store: &dyn Store, actor: &Actor, user: &UserId) -> Result<()> {
    let arguments = json!({"user_id": user});
    actor.record_start(store, "take_over", &arguments).await?;
    let messages = store.recent_messages(user, RECENT_MESSAGES).await?;
    let pending = store.pending_alert(user).await?.filter(|pending| !pending.bot_answers);
    let alert = if let Some(pending) = pending {
        pending
    } else {
        let last = messages.iter().rev().find(|message| message.role == Role::User);
        let last = Quoted::FromCustomer(last.map_or("", |message| &message.text));
        let reason = "A member of the team answers from the dashboard";
        store.open_alert(&Alert::raise(new_alert_id(), user.clone(), reason, last, Priority::Low, actor.now)).await?
    };
    if let Assigned::Held(other) = store.assign_alert(&alert.id, None, Some(&actor.name), actor.now).await? {
        tracing::debug!(assignee = other.handling.assignee, "the alert keeps its assignee");
    }
    let marked = mark_handed_over(store, user, &alert.id).await?;
    let result = json!({"status": "taken_over", "alert_id": alert.id, "marked": marked});
    actor.record_end(store, "take_over", arguments, result).await
}

/// Silences the bot in the conversation in which a member of the team wrote `echo` from the business app. A running
/// turn is discarded, so its reply is never sent. Returns whether this was new: a redelivery changes nothing, also
/// after the alert was resolved.
///
/// # Errors
/// When the store fails.
pub async fn take_over_from_app(store: &dyn Store, echo: &Inbound, now: Timestamp) -> Result<bool> {
    // The identifier is derived from the message, so that a redelivery finds the alert of the first delivery.
    let digest = Sha256::digest(echo.id.as_str());
    let id = AlertId::new(format!("ALERT_{}", hex::encode(&digest[..16])));
    let pending = store.pending_alert(&echo.user_id).await?.filter(|pending| !pending.bot_answers);
    if store.alert(&id).await?.is_some() || pending.is_some() {
        return Ok(false);
    }
    let text = echo.content.transcript_text();
    let reason = "A member of the team answers from the business app";
    let alert = Alert::raise(id, echo.user_id.clone(), reason, Quoted::ToCustomer(&text), Priority::Low, now);
    metrics::counter!(metric::HAND_OVERS, "by" => "team").increment(1);
    let alert = match store.open_alert(&alert).await {
        Ok(alert) => alert,
        // Another process took the same step at the same moment.
        Err(_) if store.alert(&alert.id).await?.is_some() => return Ok(false),
        Err(error) => return Err(error),
    };
    mark_handed_over(store, &echo.user_id, &alert.id).await?;
    Ok(true)
}

/// Makes the alert of a customer graver who waits for the team, and has sent something that cannot be read.
///
/// # Errors
/// When the store fails.
pub async fn report_waiting(
    store: &dyn Store,
    user: &UserId,
    last_message: &str,
    so_long: SignedDuration,
    now: Timestamp,
) -> Result<()> {
    let message = Quoted::FromCustomer(last_message);
    let alert = Alert::raise(new_alert_id(), user.clone(), &waited(so_long), message, Priority::High, now);
    store.open_alert(&alert).await.map(drop)
}

/// Raises an alert for what only a person can use. `bot_answers`: something was written beside it, which the bot answers.
///
/// # Errors
/// When the store fails.
pub async fn report_need(
    store: &dyn Store,
    need: Need,
    user: &UserId,
    (last_message, bot_answers): (&str, bool),
    now: Timestamp,
) -> Result<Alert> {
    let message = Quoted::FromCustomer(last_message);
    let alert = Alert::raise(new_alert_id(), user.clone(), need.reason(), message, Priority::Medium, now);
    store.open_alert(&if bot_answers { alert.while_the_bot_answers() } else { alert }).await
}

/// Raises an alert for a photo or a document that could not be fetched. The bot goes on answering.
///
/// # Errors
/// When the store fails.
pub async fn report_unfetched(store: &dyn Store, file: &MediaFile, now: Timestamp) -> Result<()> {
    let reason = format!("A file of the customer ({}) could not be fetched: ask for it again", file.kind.as_str());
    let message = format!("[{}]", file.kind.as_str());
    let message = Quoted::FromCustomer(&message);
    let alert = Alert::raise(new_alert_id(), file.user_id.clone(), &reason, message, Priority::Low, now);
    store.open_alert(&alert.while_the_bot_answers()).await.map(drop)
}

/// Raises an alert for a message that could not be delivered. The bot goes on answering: a customer who writes is reached
/// again, and has to learn what the lost message said.
///
/// # Errors
/// When the store fails.
pub async fn report_undelivered(store: &dyn Store, message: &Outgoing, error: &str, now: Timestamp) -> Result<()> {
    let reason = format!("A message to the customer could not be delivered: {error}");
    let text = Quoted::ToCustomer(message.body.text());
    let user = message.user_id.clone();
    let alert = Alert::raise(new_alert_id(), user, &reason, text, Priority::Medium, now);
    store.open_alert(&alert.while_the_bot_answers()).await.map(drop)
}

/// Whose alert it is when a refund has no customer here: an operator requested it.
const NO_CUSTOMER: &str = "refunds";

/// Raises an alert for a refund that could not be paid. The bot goes on answering: it knows how far the refund is.
///
/// # Errors
/// When the store fails.
pub async fn report_failed_refund(store: &dyn Store, refund: &Refund, now: Timestamp) -> Result<()> {
    let why = refund.progress.reason.as_deref().unwrap_or("no reason is known");
    let (order, transaction) = (&refund.order_id, &refund.transaction_id);
    let reason = format!(
        "The refund of {} for order {order} could not be paid: {why} ({transaction}); ecomres refunds retry {order}",
        written(refund.refunded())
    );
    raise_about_money(store, refund.customer(), (&reason, &refund.reason), now).await
}

/// Raises an alert for a refund that does not go on by itself.
///
/// # Errors
/// When the store fails.
pub async fn report_stuck_refund(store: &dyn Store, refund: &Refund, now: Timestamp) -> Result<()> {
    let why = refund.progress.problem.as_deref().unwrap_or("nobody has confirmed that it is paid");
    let (order, transaction) = (&refund.order_id, &refund.transaction_id);
    let reason = format!(
        "The refund of {} for order {order} is {} and does not go on: {why} ({transaction}); ecomres refunds show {order}",
        written(refund.refunded()),
        refund.state().as_str()
    );
    raise_about_money(store, refund.customer(), (&reason, &refund.reason), now).await
}

/// Raises an alert for an action that the team carried out, and whose money somebody has to pay by hand.
///
/// # Errors
/// When the store fails.
pub async fn report_unpaid_action(store: &dyn Store, action: &Action, now: Timestamp) -> Result<()> {
    let Some(amount) = action.amount else { return Ok(()) };
    let (order, amount) = (&action.order_id, written(amount));
    let what = if action.kind == ProposalKind::Cancel { "cancellation" } else { "return" };
    let reason = format!(
        "The {what} of order {order} is carried out, and the {amount} that were promised with it are not paid here: look at what \
         was paid back already, and pay the rest by hand; ecomres orders show {order}"
    );
    raise_about_money(store, action.user_id.clone(), (&reason, &action.reason), now).await
}

/// Raises an alert for a refund that counts as failed, and of which the shop's own program says that it was paid.
///
/// # Errors
/// When the store fails.
pub async fn report_paid_after_failure(store: &dyn Store, refund: &Refund, now: Timestamp) -> Result<()> {
    let (order, transaction) = (&refund.order_id, &refund.transaction_id);
    let reason = format!(
        "The refund of {} for order {order} counts as failed, and your own program says that it was paid ({transaction}); \
         do not pay it again; ecomres refunds settle {order} --as paid --note \"…\"",
        written(refund.refunded())
    );
    raise_about_money(store, refund.customer(), (&reason, &refund.reason), now).await
}

/// The amount as every reader understands it, whatever the shop's own money is.
fn written(amount: Amount) -> String {
    ShopMoney::new(amount.currency, None).show(amount)
}

/// Raises an alert about money: why, and the words of who asked for it. The bot goes on answering.
async fn raise_about_money(
    store: &dyn Store,
    user: Option<UserId>,
    (reason, words): (&str, &str),
    now: Timestamp,
) -> Result<()> {
    let user = user.unwrap_or_else(|| UserId::new(NO_CUSTOMER));
    let alert = Alert::raise(new_alert_id(), user, reason, Quoted::FromCustomer(words), Priority::High, now);
    store.open_alert(&alert.while_the_bot_answers()).await.map(drop)
}

/// Raises the alert that nothing can be sent because of the set-up; there is one at most, however many messages wait.
///
/// # Errors
/// When the store fails.
pub async fn report_set_up(store: &dyn Store, error: &str, now: Timestamp) -> Result<()> {
    let user = UserId::new(SET_UP);
    let reason = format!("Nothing can be sent to customers, and nothing is lost: {error}");
    let pending = store.pending_alert(&user).await?;
    let alert = Alert::raise(new_alert_id(), user, &reason, Quoted::FromCustomer(""), Priority::High, now);
    if pending.is_some_and(|pending| pending.merged_with(&alert).reason == pending.reason) {
        return Ok(());
    }
    store.open_alert(&alert).await.map(drop)
}

/// Resolves the alert of [`report_set_up`], if there is one: messages are sent again.
///
/// # Errors
/// When the store fails.
pub async fn resolve_set_up(store: &dyn Store, now: Timestamp) -> Result<()> {
    let Some(alert) = store.pending_alert(&UserId::new(SET_UP)).await? else { return Ok(()) };
    let actor = Actor { name: "ecomres".to_owned(), now };
    super::alerts::resolve(store, &actor, &alert.id, "messages are sent again").await.map(drop)
}

/// Raises the alert that events do not reach an endpoint of the shop. There is one at most, and it names each endpoint once,
/// however many events are parked.
///
/// # Errors
/// When the store fails.
pub async fn report_events(store: &dyn Store, endpoint: &str, reason: &str, now: Timestamp) -> Result<()> {
    let user = UserId::new(EVENTS);
    let pending = store.pending_alert(&user).await?;
    let alert = Alert::raise(new_alert_id(), user, reason, Quoted::FromCustomer(""), Priority::Medium, now);
    let named = format!("endpoint {endpoint} ");
    if pending.is_some_and(|pending| pending.reason.contains(&named)) {
        return Ok(());
    }
    store.open_alert(&alert).await.map(drop)
}

/// Marks a conversation as handed over, so that a running turn is discarded and its reply never sent. `false` where
/// other writers were faster each time: the next turn follows the pending alert all the same.
///
/// # Errors
/// When the store fails.
pub(super) async fn mark_handed_over(store: &dyn Store, user: &UserId, alert: &AlertId) -> Result<bool> {
    for _ in 0..SAVE_ATTEMPTS {
        let stored = store.conversation(user).await?;
        let mut conversation = stored.unwrap_or_else(|| Conversation::new(user.clone()));
        conversation.mode = Mode::HandedOver { alert_id: alert.clone() };
        conversation.reset_context();
        if store.save_conversation(&conversation).await? {
            return Ok(true);
        }
    }
    Ok(false)
}
