//! Which orders the words of a message lead to: what ids look like now, by which names orders are known, and whose a number
//! is that nothing is said of.
//!
//! It must never tell anybody whether an order exists: what is found here changes what a customer is shown only where the
//! order is theirs.

use std::time::{Duration, Instant};

use super::SupportService;
use crate::domain::caller::Caller;
use crate::domain::ids::{Certainty, IdPatterns, Mention, OrderId, OrderNames, UserId};
use crate::store::Result;

/// How long what ids look like counts as known.
const FRESH: Duration = Duration::from_millis(500);
/// Parts of a message that are looked up; who writes more of them names no order of their own.
const MOST_MENTIONS: usize = 8;

/// What the ids in a message lead to.
#[derive(Debug, Clone, Default)]
pub struct Recognised {
    /// By which names the writer calls orders.
    pub names: OrderNames,
    /// Orders of the writer that a number is, of which nothing is said.
    pub own: Vec<OrderId>,
}

impl SupportService {
    /// What ids look like, as far as this process knows.
    pub fn patterns(&self) -> IdPatterns {
        self.ids.now()
    }

    /// The same for a caller: customers have names for orders, and have named some.
    pub fn patterns_for(&self, caller: &Caller) -> IdPatterns {
        match caller {
            Caller::Customer(customer) => {
                let patterns = self.patterns().knowing(&customer.names, &customer.named_orders);
                // A number answers what was asked.
                let answers = customer.proof_asked || customer.offers.is_some();
                if answers { patterns.without_lone_numbers() } else { patterns }
            }
            Caller::Operator { .. } => self.patterns(),
        }
    }

    /// Learns what the ids of the shop's orders look like by now. Cheap: it may be called in every turn.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn refresh_ids(&self) -> Result<()> {
        if !self.ids.learns() || self.looked_at().is_some_and(|at| at.elapsed() < FRESH) {
            return Ok(());
        }
        let forms = self.store.order_id_forms().await?;
        self.ids.learn(&forms);
        *self.ids_looked_at.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(Instant::now());
        Ok(())
    }

    fn looked_at(&self) -> Option<Instant> {
        *self.ids_looked_at.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Looks up what a customer's message may name. `names`: those that are known from earlier messages; `asked`: the
    /// message answers the question for an id; `patterns`: what finds ids in it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn recognise(
        &self,
        user: &UserId,
        text: &str,
        asked: bool,
        names: &OrderNames,
        patterns: &IdPatterns,
    ) -> Result<Recognised> {
        let mut found = Recognised { names: names.clone(), own: Vec::new() };
        for mention in patterns.mentions(text, asked).into_iter().take(MOST_MENTIONS) {
            if mention.certainty == Certainty::Alike {
                continue;
            }
            self.look_for(user, &mention, &mut found).await?;
        }
        Ok(found)
    }

    async fn look_for(&self, user: &UserId, mention: &Mention, found: &mut Recognised) -> Result<()> {
        for name in std::iter::once(&mention.id).chain(&mention.others) {
            for id in self.orders_like(name).await? {
                if self.is_own(user, &id).await? {
                    // Written in the likeliest family's way, it is their order all the same.
                    found.names.add(mention.id.clone(), id.clone());
                    found.own.push(id);
                    return Ok(());
                }
            }
        }
        if mention.certainty == Certainty::Named
            && let Some(id) = self.orders_called(&mention.id).await?.into_iter().next()
        {
            found.names.add(mention.id.clone(), id);
        }
        Ok(())
    }

    /// The orders of a name: the one whose id it is, else those that customers know by it.
    async fn orders_called(&self, name: &OrderId) -> Result<Vec<OrderId>> {
        if self.store.order(name).await?.is_some() {
            return Ok(vec![name.clone()]);
        }
        self.store.orders_named(name.as_str()).await
    }

    /// The same, and those that differ from it in the sign of a number alone: `1005` may mean the writer's own `#1005`, also
    /// where a stranger's order has that very id.
    async fn orders_like(&self, name: &OrderId) -> Result<Vec<OrderId>> {
        let mut found = self.orders_called(name).await?;
        for id in self.store.orders_named(name.as_str()).await? {
            if !found.contains(&id) {
                found.push(id);
            }
        }
        Ok(found)
    }

    async fn is_own(&self, user: &UserId, id: &OrderId) -> Result<bool> {
        if self.store.binding(id).await?.as_ref() == Some(user) {
            return Ok(true);
        }
        match self.store.order(id).await? {
            Some(order) => self.has_number(user, &order).await,
            None => Ok(false),
        }
    }

    /// The one order that a member of the team means by an id or by what customers know; `None`: none, or several.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn order_called(&self, name: &str) -> Result<Option<OrderId>> {
        let written = self.patterns().order_of(name);
        for name in std::iter::once(OrderId::new(name)).chain(written) {
            match self.orders_called(&name).await?.as_slice() {
                [] => {}
                [one] => return Ok(Some(one.clone())),
                _ => return Ok(None),
            }
        }
        Ok(None)
    }
}
