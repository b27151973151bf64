//! Joins the identities of one customer, so that conversation, offers, bound orders, alerts and transcript stay whole when a
//! number changes, or when WhatsApp shows a number and another identity together. Nothing is moved for that: new identities
//! lead to the customer whom the first one named.
//!
//! Only the channel's own statements come here, after their signature was checked. A number that somebody gave up belongs to a
//! new customer from then on.

use jiff::Timestamp;
use jiff::civil::DateTime;
use serde_json::json;

use crate::domain::audit::{AuditPhase, AuditRecord, SYSTEM};
use crate::domain::conversation::Conversation;
use crate::domain::identity::{self, Identity, NumberChange, OwnNumber, SamePerson};
use crate::domain::ids::{MessageId, UserId, transport_phone};
use crate::store::{Result, Store};

use super::handoff::SAVE_ATTEMPTS;

/// The customers who write under these identities, in their order.
///
/// # Errors
/// When the store fails.
pub async fn customers_of(store: &dyn Store, of: &[UserId]) -> Result<Vec<UserId>> {
    let known = store.identities(of).await?;
    let customer = |user: &UserId| {
        known.iter().find(|one| one.identity == *user).map_or_else(|| user.clone(), |one| one.customer.clone())
    };
    Ok(of.iter().map(customer).collect())
}

/// Where a customer is written to; `None` where their only identity is somebody else's by now.
///
/// # Errors
/// When the store fails.
pub async fn address_of(store: &dyn Store, customer: &UserId) -> Result<Option<UserId>> {
    let identities = store.identities_of(customer).await?;
    let address = identity::address(customer, &identities);
    if identities.is_empty() {
        let holder = customers_of(store, std::slice::from_ref(&address)).await?;
        return Ok(Some(address).filter(|_| holder.first() == Some(customer)));
    }
    Ok(Some(address))
}

/// The numbers that a customer has and had.
///
/// # Errors
/// When the store fails.
pub async fn numbers_of(
    store: &dyn Store,
    customer: &UserId,
    local: impl Fn(Timestamp) -> DateTime,
) -> Result<Vec<OwnNumber>> {
    let identities = store.identities_of(customer).await?;
    let mut named: Vec<UserId> = identities.iter().map(|one| one.identity.clone()).collect();
    named.push(customer.clone());
    let changes = store.number_changes(customer, &named).await?;
    Ok(identity::numbers_of(customer, &identities, &changes, local))
}

async fn record(
    store: &dyn Store,
    action: &str,
    arguments: serde_json::Value,
    customer: &UserId,
    at: Timestamp,
) -> Result<()> {
    let record = AuditRecord {
        at,
        actor: SYSTEM.to_owned(),
        action: action.to_owned(),
        phase: AuditPhase::Finished,
        arguments,
        result: json!({"user_id": customer}),
    };
    store.append_audit(&record).await.map(drop)
}

async fn has_written(store: &dyn Store, user: &UserId) -> Result<bool> {
    Ok(store.conversation(user).await?.is_some())
}

async fn lead(store: &dyn Store, identity: &UserId, customer: &UserId, at: Timestamp, replace: bool) -> Result<UserId> {
    let entry = Identity { identity: identity.clone(), customer: customer.clone(), at };
    Ok(store.save_identity(&entry, replace).await?.customer)
}

/// Takes the channel's word that a customer changed their number, and returns the customer. Said again, it changes nothing.
///
/// # Errors
/// When the store fails: said again, it is completed.
pub async fn number_changed(store: &dyn Store, change: &NumberChange, now: Timestamp) -> Result<UserId> {
    let named = [change.old.clone()];
    let customer = customers_of(store, &named).await?.swap_remove(0);
    if change.old == change.new || transport_phone(&change.old).is_none() {
        return Ok(customer);
    }
    // The clock of the channel may be ahead of ours by little; what comes later must not look older.
    let wanted = NumberChange { customer, at: change.at.min(now), ..change.clone() };
    let known = store.number_changes(&wanted.customer, &named).await?.iter().any(|one| one.event == change.event);
    let saved = store.save_number_change(&wanted).await?;
    let customer = saved.customer.clone();
    let taken = lead(store, &saved.new, &customer, saved.at, true).await?;
    // Whoever writes from the former number is somebody new.
    lead(store, &saved.old, &identity::heir(&saved.old, &saved.event), saved.at, true).await?;
    if taken == customer {
        // What the customer did under the new number before this was known.
        store.rebind(&saved.new, &customer, Some(saved.at)).await?;
        // An identity without a number may go with the number: it is said again beside the new one.
        let scoped = store.identities_of(&customer).await?;
        let scoped = scoped.into_iter().map(|one| one.identity).filter(|one| transport_phone(one).is_none());
        let scoped: Vec<UserId> = scoped.filter(|one| *one != customer).collect();
        if !known {
            store.remove_identities(&customer, &scoped).await?;
        }
    }
    if !known {
        tracing::info!(user = customer.masked(), new = saved.new.masked(), "a customer has another number");
        let arguments = json!({"old": saved.old, "new": saved.new, "message_id": saved.event});
        record(store, "change_number", arguments, &customer, now).await?;
    }
    Ok(customer)
}

/// Takes the channel's word that a number and another identity are one person's.
///
/// # Errors
/// When the store fails: said again, it is completed.
pub async fn same_person(store: &dyn Store, same: &SamePerson, now: Timestamp) -> Result<()> {
    let (number, scoped) = (&same.number, &same.scoped);
    let known = store.identities(&[number.clone(), scoped.clone()]).await?;
    let of = |user: &UserId| known.iter().find(|one| one.identity == *user).map(|one| one.customer.clone());
    let (of_number, of_scoped) = (of(number), of(scoped));
    if of_number.is_some() && of_number == of_scoped {
        return Ok(());
    }
    let at = same.at.min(now);
    let customer = match (of_number, of_scoped) {
        // The account is known, and has this number now.
        (None, Some(account)) if !has_written(store, number).await? => account,
        (held, Some(account)) => {
            give_up(store, same, &held.unwrap_or_else(|| number.clone()), &account, at).await?;
            account
        }
        (held, None) => {
            let customer = held.clone().unwrap_or_else(|| number.clone());
            let others = store.identities_of(&customer).await?;
            let other_account = others.iter().any(|one| transport_phone(&one.identity).is_none());
            if other_account {
                // Somebody else's account has the number now.
                give_up(store, same, &customer, scoped, at).await?;
                scoped.clone()
            } else if has_written(store, scoped).await? {
                if held.is_none() && !has_written(store, number).await? {
                    scoped.clone()
                } else {
                    merge(store, scoped, &customer, now).await?;
                    customer
                }
            } else {
                customer
            }
        }
    };
    let customer = lead(store, scoped, &customer, at, false).await?;
    lead(store, number, &customer, at, false).await?;
    tracing::info!(user = customer.masked(), "two identities are one customer's");
    let arguments = json!({"number": number, "identity": scoped, "message_id": same.event});
    record(store, "join_identities", arguments, &customer, now).await
}

/// A number goes from one customer to another.
async fn give_up(store: &dyn Store, same: &SamePerson, from: &UserId, to: &UserId, at: Timestamp) -> Result<()> {
    let change = NumberChange {
        // The same message may tell of a change of number as well.
        event: MessageId::new(format!("{}/number", same.event)),
        old: same.number.clone(),
        new: same.scoped.clone(),
        customer: from.clone(),
        at,
    };
    store.save_number_change(&change).await?;
    lead(store, &same.number, to, at, true).await.map(drop)
}

/// Gives a customer what another identity of theirs did before it was known to be theirs: orders, offers, what the bot waits
/// for, and the request for a person. The messages stay where they were said.
async fn merge(store: &dyn Store, from: &UserId, into: &UserId, now: Timestamp) -> Result<()> {
    store.rebind(from, into, None).await?;
    if let Some(pending) = store.pending_alert(from).await? {
        let note = format!("The customer is also {into}: the request goes on there");
        store
            .open_alert(&crate::domain::alert::Alert {
                user_id: into.clone(),
                id: super::handoff::new_alert_id(),
                ..pending.clone()
            })
            .await?;
        let resolution = crate::domain::alert::Resolution { at: now, by: None, note };
        store.resolve_alert(&pending.id, &resolution).await?;
    }
    let Some(other) = store.conversation(from).await? else { return Ok(()) };
    for _ in 0..SAVE_ATTEMPTS {
        let mut conversation = store.conversation(into).await?.unwrap_or_else(|| Conversation::new(into.clone()));
        conversation.absorb(&other);
        if store.save_conversation(&conversation).await? {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "identities_tests.rs"]
mod tests;
