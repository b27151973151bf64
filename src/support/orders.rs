//! Whose order it is: which orders a caller sees, how an order is bound to a customer, and what is told to the team of somebody
//! who tries out order ids. A refused order looks exactly like an unknown one, also in what it costs to ask for it.

use jiff::Timestamp;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::{Actor, Context, SupportService, handoff, identities};
use crate::domain::alert::{Alert, Priority, Quoted};
use crate::domain::caller::{Caller, Customer, Verification};
use crate::domain::currency::Amount;
use crate::domain::identity::OwnNumber;
use crate::domain::ids::{OrderId, UserId};
use crate::domain::lookup;
use crate::domain::order::{Order, OrderDetails};
use crate::domain::ownership::{self, Access, Answer, Binding, Proof, Seen};
use crate::store::{Result, Store, StoreError};

/// What the team is told of somebody who asks for more orders than one customer has.
const MANY: &str = "Asks for more orders in a day than one customer has";
/// What the team is told of somebody who asks for orders with neighbouring numbers.
const SEQUENCE: &str = "Asks for one order number after the other, and none of these orders is theirs";
/// What the team is told of somebody whose answers about orders are wrong.
const GUESSES: &str = "Guesses what only the buyer of an order knows";
/// What the team is told of an order that several customers ask for.
const CROWD: &str = "Several customers ask for an order that is not theirs";

/// An entry of the limits that names nobody.
fn anonymous(parts: &[&str]) -> OrderId {
    let digest = Sha256::digest(parts.join("/").as_bytes());
    OrderId::new(&hex::encode(&digest[..12]))
}

/// The most orders that [`SupportService::own_orders`] gives.
pub const OWN_ORDERS: usize = 10;
/// How many orders of a number are looked at for them: some may be of whoever had the number before.
const OF_NUMBER: u32 = 100;

/// The order for who showed that it is theirs, but whose telephone number is not known to be its number: without what leads to
/// its buyer.
fn without_contact(order: Order) -> Order {
    let details = OrderDetails {
        customer_name: None,
        email: None,
        other_phones: Vec::new(),
        address: None,
        postal_code: None,
        ..order.details
    };
    Order { phone: None, details, ..order }
}

/// Whether somebody may have an order.
enum Claim {
    /// It is not known to be theirs.
    Refused,
    /// They named it first: they may see where it is, and nothing that counts as a proof.
    Named,
    /// It is theirs, or the shop asks for nothing.
    Proven,
}

fn has_phone(order: &Order) -> bool {
    order.phones().next().is_some()
}

impl SupportService {
    /// The order, if the caller may see it, or ask for its money; the lookup is counted, and may bind the order to the
    /// customer. `None`: it is unknown or not theirs, which are never told apart. Customers see only orders of their own
    /// telephone number, and those that they have named themselves.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn record_lookup(&self, context: &Context, id: &OrderId, access: Access) -> Result<Option<Seen>> {
        let order = self.store.order(id).await?;
        self.record_lookup_of(context, id, order, access).await
    }

    /// Applies the rules of [`SupportService::record_lookup`] to what was found for an order id, here or on another
    /// server.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn record_lookup_of(
        &self,
        context: &Context,
        id: &OrderId,
        order: Option<Order>,
        access: Access,
    ) -> Result<Option<Seen>> {
        let seen = |order: Option<Order>, proven| order.map(|order| Seen { order, proven });
        let Caller::Customer(customer) = &context.caller else { return Ok(seen(order, true)) };
        if let Some(order) = &order
            && self.has_number(&customer.user, order).await?
        {
            return Ok(seen(Some(order.clone()), true));
        }
        if !customer.named_orders.contains(id) {
            return Ok(None);
        }
        let has_phone = order.as_ref().is_some_and(has_phone);
        let bound = self.store.binding_of(id).await?.filter(|binding| binding.user_id == customer.user);
        if let Some(binding) = &bound {
            let proven = self.is_proven(binding);
            let enough = if has_phone {
                binding.proof.is_some() && self.rules.verification == Verification::Claim
            } else {
                proven || (access == Access::See && self.rules.verification == Verification::Claim)
            };
            if enough {
                return Ok(seen(order.map(without_contact), proven));
            }
        }
        // A lookup of an order that is not known to be theirs counts whether it exists or not: trying many ids must not
        // pay.
        if !self.store.try_record_lookup(id, &customer.user, context.now, self.rules.daily_limit).await? {
            self.tell_team(customer, MANY, context.now).await?;
            return Ok(None);
        }
        match self.claim_order(customer, id, order.as_ref(), access, context.now).await? {
            Claim::Proven => Ok(seen(order.map(without_contact), true)),
            Claim::Named => {
                self.note_sequence(customer, id, context.now).await?;
                Ok(seen(order, false))
            }
            Claim::Refused => {
                if order.is_some() {
                    self.note_crowd(customer, id, context.now).await?;
                }
                self.note_sequence(customer, id, context.now).await?;
                Ok(None)
            }
        }
    }

    /// Whether a binding shows that the order is the customer's, as far as the shop asks for that.
    fn is_proven(&self, binding: &Binding) -> bool {
        binding.proof.is_some()
            || match self.rules.verification {
                Verification::Claim => self.rules.claim_proof.is_empty(),
                Verification::Off => true,
                Verification::Strict => false,
            }
    }

    /// The numbers that a customer has and had.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn numbers_of(&self, user: &UserId) -> Result<Vec<OwnNumber>> {
        identities::numbers_of(self.store.as_ref(), user, |at| self.local(at)).await
    }

    /// The orders of a customer by the numbers that are, or were when the order was placed, their own: the latest first and
    /// those without a date last, at most [`OWN_ORDERS`].
    ///
    /// # Errors
    /// When the store fails.
    pub async fn own_orders(&self, user: &UserId) -> Result<Vec<Order>> {
        let (country, mut found) = (self.rules.country, Vec::<Order>::new());
        for own in self.numbers_of(user).await? {
            let orders = self.store.orders_of_number(&own.number, country, OF_NUMBER).await?;
            for order in orders {
                if own.owns(&own.number, order.placed_at) && found.iter().all(|known| known.id != order.id) {
                    found.push(order);
                }
            }
        }
        found.sort_by(|one, other| (other.placed_at, &other.id).cmp(&(one.placed_at, &one.id)));
        found.truncate(OWN_ORDERS);
        Ok(found)
    }

    /// Whether one of the order's numbers is, or was when the order was placed, the customer's own.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn has_number(&self, user: &UserId, order: &Order) -> Result<bool> {
        let of_order: Vec<String> = order.numbers(self.rules.country).collect();
        if of_order.is_empty() {
            return Ok(false);
        }
        let own = self.numbers_of(user).await?;
        Ok(own.iter().any(|own| of_order.iter().any(|number| own.owns(number, order.placed_at))))
    }

    /// Whether the order's numbers do not say that it is somebody else's: there is none, the customer's own is hidden, or one
    /// is a number that the customer has or had, at another time. Then what only the buyer knows decides.
    async fn may_be_theirs(&self, user: &UserId, order: &Order) -> Result<bool> {
        if !has_phone(order) {
            return Ok(true);
        }
        let own = self.numbers_of(user).await?;
        Ok(own.is_empty() || order.numbers(self.rules.country).any(|number| own.iter().any(|own| own.number == number)))
    }

    /// Tries to claim an order for a customer. Under [`Verification::Claim`] this binds the order, to the first customer of a
    /// young order, and else to the first who knows something that only its buyer knows.
    async fn claim_order(
        &self,
        customer: &Customer,
        id: &OrderId,
        order: Option<&Order>,
        access: Access,
        now: Timestamp,
    ) -> Result<Claim> {
        let kinds = match self.rules.verification {
            Verification::Off if order.is_some_and(|order| !has_phone(order)) => return Ok(Claim::Proven),
            Verification::Off => return Ok(Claim::Refused),
            Verification::Strict => &[Proof::CustomerId],
            Verification::Claim => self.rules.proofs_asked(),
        };
        let claimed = match order {
            Some(order) if self.may_be_theirs(&customer.user, order).await? => Some(order),
            _ => None,
        };
        let strict = self.rules.verification == Verification::Strict;
        let asked = match claimed {
            // An unknown order is asked about as an old one is.
            None => !kinds.is_empty(),
            Some(order) => strict || has_phone(order) || ownership::needs_proof(order, kinds, access, self.local(now)),
        };
        if !asked {
            let Some(order) = claimed else { return Ok(Claim::Refused) };
            if self.store.bind_order(&order.id, &customer.user, now).await? == customer.user {
                return Ok(if kinds.is_empty() { Claim::Proven } else { Claim::Named });
            }
            // Somebody else named it first: what only the buyer knows still opens it.
        }
        let proven = match (self.proof(customer, id, claimed, kinds, now).await?, claimed) {
            (Some(_), Some(_)) if strict => true,
            (Some(proof), Some(order)) => {
                self.store.prove_binding(&order.id, &customer.user, proof, now).await? == customer.user
            }
            _ => false,
        };
        Ok(if proven { Claim::Proven } else { Claim::Refused })
    }

    /// What the customer knows of the order. Every answer counts before it is looked at, right or wrong, for an order that
    /// exists or not: who has used up the limit learns nothing more. Others' wrong answers never shut out who knows the
    /// customer id, and only who answers wrongly is named to the team.
    async fn proof(
        &self,
        customer: &Customer,
        id: &OrderId,
        order: Option<&Order>,
        kinds: &[Proof],
        now: Timestamp,
    ) -> Result<Option<Proof>> {
        let mut patterns = self.patterns().knowing(&customer.names, &customer.named_orders);
        if customer.proof_asked {
            patterns = patterns.without_lone_numbers();
        }
        let answers =
            ownership::answers(&customer.text, &customer.customer_ids, kinds, &patterns, customer.proof_asked);
        let (of_order, _) = lookup::strangers_of(id);
        for answer in answers {
            let given = OrderId::new(&format!("{id}/{}/{}", answer.kind.as_str(), answer.value));
            let whose = lookup::answers_of(&customer.user);
            let limit = ownership::ANSWERS_OF_IDENTITY;
            let more_left = self.store.try_record_lookup(&given, &whose, now, limit - 1).await?;
            if !more_left && !self.store.try_record_lookup(&given, &whose, now, limit).await? {
                self.tell_team(customer, GUESSES, now).await?;
                return Ok(None);
            }
            let what = anonymous(&[customer.user.as_str(), &answer.value]);
            let few = self.store.try_record_lookup(&what, &of_order, now, ownership::ANSWERS_FOR_ORDER).await?;
            let right = match order {
                Some(order) if ownership::proves(order, &answer, self.rules.country) => {
                    !self.was_told(&customer.user, order, &answer).await?
                }
                _ => false,
            };
            if right && (few || !answer.kind.is_weak()) {
                return Ok(Some(answer.kind));
            }
            if !right && (!few || !more_left) {
                self.tell_team(customer, GUESSES, now).await?;
            }
        }
        Ok(None)
    }

    /// Whether an answer repeats what the program itself told this customer of the order: that shows nothing.
    async fn was_told(&self, user: &UserId, order: &Order, answer: &Answer) -> Result<bool> {
        let (Proof::Amount, Some(value)) = (answer.kind, order.value) else { return Ok(false) };
        let value = Amount::new(value, order.currency());
        let conversation = self.store.conversation(user).await?;
        Ok(conversation.is_some_and(|conversation| conversation.known.orders_of(value).any(|known| *known == order.id)))
    }

    /// Notes that somebody asked for an order that is not known to be theirs, and tells the team where many do.
    async fn note_crowd(&self, customer: &Customer, id: &OrderId, now: Timestamp) -> Result<()> {
        let (_, identities) = lookup::strangers_of(id);
        let who = anonymous(&[customer.user.as_str()]);
        if !self.store.try_record_lookup(&who, &identities, now, ownership::IDENTITIES_OF_ORDER).await? {
            self.tell_team(customer, &format!("{CROWD}: {id}"), now).await?;
        }
        Ok(())
    }

    /// Tells the team of somebody who asks for one order id after the other, none of them known to be theirs: before anything
    /// is shown or paid of this one.
    async fn note_sequence(&self, customer: &Customer, id: &OrderId, now: Timestamp) -> Result<()> {
        let mut strangers = 0;
        for near in ownership::neighbours(id, &customer.named_orders).into_iter().take(16) {
            let bound = self.store.binding_of(near).await?;
            let bound = bound.is_some_and(|bound| bound.user_id == customer.user && self.is_proven(&bound));
            let own = !bound && {
                let order = self.store.order(near).await?;
                match &order {
                    Some(order) => self.has_number(&customer.user, order).await?,
                    None => false,
                }
            };
            strangers += usize::from(!bound && !own);
        }
        if ownership::is_trying_out(strangers) {
            self.tell_team(customer, SEQUENCE, now).await?;
        }
        Ok(())
    }

    /// Raises an alert, unless a pending one of the customer says the same.
    async fn tell_team(&self, customer: &Customer, what: &str, now: Timestamp) -> Result<()> {
        let pending = self.store.pending_alert(&customer.user).await?;
        if pending.is_some_and(|alert| alert.reason.contains(what)) {
            return Ok(());
        }
        tracing::warn!(user = customer.user.masked(), what, "somebody may be trying out order ids");
        let quoted = Quoted::FromCustomer(&customer.text);
        let alert = Alert::raise(handoff::new_alert_id(), customer.user.clone(), what, quoted, Priority::High, now);
        // The limits hold whoever answers; whoever asks for an order that strangers tried must not be met with silence.
        self.store.open_alert(&alert.while_the_bot_answers()).await.map(drop)
    }
}

/// Removes the binding of an order for a member of the team, with a record of who had it. `None`: it is bound to nobody.
///
/// # Errors
/// When the store fails.
pub async fn unbind(
    store: &dyn Store,
    actor: &Actor,
    id: &OrderId,
    reason: &str,
) -> std::result::Result<Option<Binding>, StoreError> {
    if store.binding_of(id).await?.is_none() {
        return Ok(None);
    }
    let arguments = json!({"order_id": id, "reason": reason});
    actor.record_start(store, "unbind_order", &arguments).await?;
    let bound = store.unbind_order(id).await?;
    let result = match &bound {
        Some(binding) => {
            json!({"status": "unbound", "user_id": binding.user_id, "since": binding.at, "proof": binding.proof})
        }
        None => json!({"status": "not_bound"}),
    };
    actor.record_end(store, "unbind_order", arguments, result).await?;
    Ok(bound)
}
