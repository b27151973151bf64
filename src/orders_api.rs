//! Live orders: what the shop's systems post becomes orders in the store, whole, at once, and in the right order of versions.
//!
//! It is either the shop's own program, which knows the token, or a webhook of Shopify or WooCommerce, which is signed. Nothing
//! of a body is read before it is certain who sent it, nothing is acknowledged that is not on the disk, and an older version of
//! an order never replaces a newer one. Refunds, quotes and bindings are not reached from here: no order is ever removed.

mod document;
mod fields;
mod http;
mod intake;
mod lock;
mod shopify;
mod woocommerce;

pub use document::schema;
pub use fields::ShopContext;
pub use http::{LARGEST_BODY, OrdersServer, OrdersSettings, routes};
pub use lock::OrdersLock;

use crate::domain::order::Order;

/// Who sends orders, as metrics and logs call it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    /// A program of the shop's own.
    Api,
    /// A webhook of Shopify.
    Shopify,
    /// A webhook of WooCommerce.
    WooCommerce,
}

impl Source {
    fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Shopify => "shopify",
            Self::WooCommerce => "woocommerce",
        }
    }
}

/// What one element of a body says.
#[derive(Debug, PartialEq)]
enum Reading {
    /// An order as it is now; what of it was left out, because it could not be read.
    Order(Box<Order>, Vec<Refusal>),
    /// The shop deleted the order that its system calls so.
    Deleted(String),
    /// Nothing that changes an order: why.
    Nothing(&'static str),
    /// It is no order that can be used.
    Refused {
        /// The order, as far as it is known.
        id: Option<String>,
        why: Refusal,
    },
}

/// What of an order cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Refusal {
    /// Which field: a name of this program, so it may be logged.
    field: &'static str,
    /// What was found and why it cannot be used: for whoever sent it, and, without how a customer is reached, for the log.
    reason: String,
}

impl Refusal {
    fn new(field: &'static str, reason: impl Into<String>) -> Self {
        Self { field, reason: reason.into() }
    }
}
