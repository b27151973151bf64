//! The route `POST /orders`.
//!
//! Nothing of a body is received that shows neither the token nor a signature, and it is answered once everything in it is on the
//! disk. A shop's webhook that cannot be used is answered with 200 all the same: sending it again changes nothing, and after a few
//! failures Shopify removes a subscription and WooCommerce disables a webhook, and with it every order to come
//! (<https://shopify.dev/docs/apps/build/webhooks/troubleshooting-webhooks>, `WC_Webhook::failed_delivery`). It is logged and counted.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use jiff::Timestamp;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;

use super::lock::{Denied, OrdersLock, Shown, is_ping};
use super::shopify::Delivery;
use super::{Reading, Refusal, ShopContext, Source, document, intake, shopify, woocommerce};
use crate::domain::words::excerpt;
use crate::http::body::BodyPlaces;
use crate::http::client::Client;
use crate::http::guesses::GuessLimit;
use crate::http::lenient;
use crate::store::Store;
use crate::telemetry::metric;

/// The largest body, in bytes: some ten thousand orders with their lines.
pub const LARGEST_BODY: usize = 16 * 1024 * 1024;
/// Bytes of all bodies together that are coming in or being worked on.
const MOST_BODY_BYTES: usize = 64 * 1024 * 1024;
/// Requests that are worked on at the same time; more of them wait.
const CONCURRENCY: usize = 128;
/// A body of more bytes is read on a thread of its own: it would keep other requests waiting.
const LONG_TO_READ: usize = 128 * 1024;
/// How long a body may take to come in.
const BODY_TIMEOUT: Duration = Duration::from_secs(15);
/// How long a request may take, including the time to receive it.
const TIMEOUT: Duration = Duration::from_secs(25);

/// What an [`OrdersServer`] needs.
pub struct OrdersSettings {
    /// Where orders are saved.
    pub store: Arc<dyn Store>,
    /// Who may send them.
    pub lock: OrdersLock,
    /// What their values are read by.
    pub shop: ShopContext,
    /// The time.
    pub clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

/// Answers requests.
#[derive(Clone)]
pub struct OrdersServer(Arc<Inner>);

struct Inner {
    settings: OrdersSettings,
    bodies: Arc<BodyPlaces>,
    work: Semaphore,
    guesses: GuessLimit,
}

impl OrdersServer {
    /// A server.
    pub fn new(settings: OrdersSettings) -> Self {
        Self(Arc::new(Inner {
            settings,
            bodies: BodyPlaces::new(MOST_BODY_BYTES),
            work: Semaphore::new(CONCURRENCY),
            guesses: GuessLimit::default(),
        }))
    }
}

/// The route `/orders`.
pub fn routes(server: OrdersServer) -> Router {
    Router::new()
        .route("/orders", post(receive))
        // Whoever sent it sends it again: all of it is idempotent.
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, TIMEOUT))
        .layer(CatchPanicLayer::new())
        .with_state(server)
}

fn count(source: &'static str, result: &'static str) {
    metrics::counter!(metric::ORDER_REQUESTS, "source" => source, "result" => result).increment(1);
}

async fn receive(State(OrdersServer(server)): State<OrdersServer>, request: Request<Body>) -> Response {
    let (head, body) = request.into_parts();
    let client = Client::of(&head.extensions);
    let lock = &server.settings.lock;
    let shown = match lock.look(&head.headers, &client, &server.guesses) {
        Ok(shown) => shown,
        Err(denied) => return denied.into_response(),
    };
    let largest = if shown == Shown::MaybePing { 64 } else { LARGEST_BODY };
    let received = match server.bodies.receive(&head.headers, body, largest, BODY_TIMEOUT).await {
        Ok(received) => received,
        Err(error) => {
            count("any", error.as_str());
            return error.into_response();
        }
    };
    let source = match shown {
        Shown::Token => Source::Api,
        Shown::MaybePing if is_ping(&received.bytes) => {
            tracing::info!("WooCommerce tried this address out: the webhook was saved there");
            return (StatusCode::OK, "ok\n").into_response();
        }
        Shown::MaybePing => return Denied::Nothing.into_response(),
        Shown::Signature(source, given) => {
            if let Err(denied) = lock.check(source, given, &received.bytes, &client, &server.guesses) {
                return denied.into_response();
            }
            source
        }
    };
    let Ok(_work) = server.work.acquire().await else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let readings = match read(&server, source, head.headers, received.bytes.clone()).await {
        Ok(readings) => readings,
        Err(reason) => return unreadable(source, &reason),
    };
    match intake::save(&server.settings.store, source, readings).await {
        Ok(report) => {
            count(source.as_str(), "saved");
            (status(source, &report), Json(report)).into_response()
        }
        Err(error) => {
            count(source.as_str(), "failed");
            tracing::error!(%error, source = source.as_str(), "orders could not be saved: they have to be sent again");
            let told = json!({"error": "the orders could not be saved, or not all of them: send them again"});
            (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "5")], Json(told)).into_response()
        }
    }
}

fn status(source: Source, report: &intake::Report) -> StatusCode {
    match (source, report.refused.is_empty(), report.accepted) {
        (Source::Shopify | Source::WooCommerce, ..) | (Source::Api, true, _) => StatusCode::OK,
        (Source::Api, false, 0) => StatusCode::UNPROCESSABLE_ENTITY,
        (Source::Api, false, _) => StatusCode::MULTI_STATUS,
    }
}

fn unreadable(source: Source, reason: &str) -> Response {
    count(source.as_str(), "malformed");
    tracing::warn!(source = source.as_str(), reason = excerpt(reason, 160), "a body of orders is not JSON");
    let status = if source == Source::Api { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    (status, Json(json!({"accepted": 0, "error": reason}))).into_response()
}

/// Reads a body; the error says what it is, where it is not JSON.
async fn read(server: &Arc<Inner>, source: Source, headers: HeaderMap, body: Bytes) -> Result<Vec<Reading>, String> {
    if body.len() <= LONG_TO_READ {
        return read_now(server, source, &headers, &body);
    }
    let server = Arc::clone(server);
    let work = tokio::task::spawn_blocking(move || read_now(&server, source, &headers, &body));
    work.await.unwrap_or_else(|_| Err("it cannot be read".to_owned()))
}

fn read_now(server: &Inner, source: Source, headers: &HeaderMap, body: &[u8]) -> Result<Vec<Reading>, String> {
    let (shop, now) = (&server.settings.shop, (server.settings.clock)());
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    if source == Source::Api {
        return documents(body, &mut |document| document::read(document, shop, now));
    }
    let (value, replaced) = lenient::parse(body).map_err(|error| format!("it is not JSON: {error}"))?;
    if replaced != lenient::Replaced::default() {
        tracing::warn!(?replaced, source = source.as_str(), "parts of an order could not be read and were replaced");
    }
    let reading = if source == Source::Shopify {
        let delivery = Delivery {
            topic: header("x-shopify-topic"),
            triggered_at: header("x-shopify-triggered-at"),
            test: header("x-shopify-test").is_some_and(|test| test.eq_ignore_ascii_case("true")),
        };
        shopify::read(&value, delivery, shop, now)
    } else {
        woocommerce::read(&value, header("x-wc-webhook-topic"), shop, now)
    };
    if let Reading::Refused { .. } = reading {
        let id = header("x-shopify-webhook-id").or_else(|| header("x-wc-webhook-delivery-id")).unwrap_or_default();
        // Why, and of which order, is told where it is refused.
        tracing::warn!(
            source = source.as_str(),
            delivery = excerpt(id, 80).escape_debug().to_string(),
            "a delivery holds no order that can be used"
        );
    }
    Ok(vec![reading])
}

/// Reads each document of a body as it comes, so that no more than one of them is in memory as JSON. Where part of the body
/// is odd, that part is replaced, and all of it is read at once.
fn documents(body: &[u8], read: &mut dyn FnMut(&Value) -> Reading) -> Result<Vec<Reading>, String> {
    let mut readings = Vec::new();
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let strict = Each { read, into: &mut readings }.deserialize(&mut deserializer).and_then(|()| deserializer.end());
    let Err(error) = strict else { return Ok(readings) };
    let Ok((value, replaced)) = lenient::parse(body) else {
        return Err(format!("the body is not JSON: {error}"));
    };
    let list = match &value {
        Value::Array(list) => Some(list),
        Value::Object(fields) if is_envelope(fields.keys().map(String::as_str)) => fields["orders"].as_array(),
        _ => None,
    };
    let mut readings: Vec<Reading> = match (list, &value) {
        (Some(list), _) => list.iter().map(read).collect(),
        (None, Value::Object(_)) => vec![read(&value)],
        (None, _) => return Err("the body is neither an order nor a list of orders".to_owned()),
    };
    let lost = replaced.numbers + replaced.nested;
    if lost > 0 {
        let reason = format!(
            "{lost} values of the body cannot be read, such as a number that is too large or nesting without end, and count as empty"
        );
        for reading in &mut readings {
            if let Reading::Order(_, left_out) = reading {
                left_out.push(Refusal { field: "body", reason: reason.clone() });
            }
        }
    }
    Ok(readings)
}

/// Whether an object is a list of orders with its name.
fn is_envelope<'a>(mut names: impl Iterator<Item = &'a str>) -> bool {
    names.any(|name| name == "orders")
}

/// One document, a list of them, or an object with a list `orders`.
struct Each<'a> {
    read: &'a mut dyn FnMut(&Value) -> Reading,
    into: &'a mut Vec<Reading>,
}

impl<'de> DeserializeSeed<'de> for Each<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Each<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an order, a list of orders, or an object with a list “orders”")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(document) = list.next_element::<Value>()? {
            self.into.push((self.read)(&document));
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        let mut fields = serde_json::Map::new();
        let mut list = false;
        while let Some(name) = object.next_key::<String>()? {
            if name == "orders" && !list {
                list = true;
                object.next_value_seed(Each { read: &mut *self.read, into: &mut *self.into })?;
            } else {
                fields.insert(name, object.next_value()?);
            }
        }
        if fields.is_empty() && !list {
            return Err(A::Error::custom("the object is empty"));
        }
        // An order may have a field of that name as well.
        if !list || document::names_an_order(&fields) {
            self.into.push((self.read)(&Value::Object(fields)));
        }
        Ok(())
    }
}

impl IntoResponse for Denied {
    fn into_response(self) -> Response {
        let (source, why) = match self {
            Self::Nothing => ("any", "nothing"),
            Self::Token => ("api", "token"),
            Self::Malformed(source) => (source.as_str(), "malformed"),
            Self::Wrong(source) => (source.as_str(), "wrong"),
            Self::NoSecret(source) => (source.as_str(), "no_secret"),
            Self::TooManyGuesses => ("any", "guesses"),
        };
        metrics::counter!(metric::ORDER_REQUESTS, "source" => source, "result" => "denied").increment(1);
        tracing::warn!(source, why, "orders were refused");
        let challenge = [(header::WWW_AUTHENTICATE, "Bearer realm=\"ecomres orders\"")];
        match self {
            Self::TooManyGuesses => {
                let later = [(header::RETRY_AFTER, "60")];
                (StatusCode::TOO_MANY_REQUESTS, later, "too many wrong tokens or signatures came from this address\n")
                    .into_response()
            }
            Self::Nothing | Self::Token => {
                let needed = "a bearer token is needed, [orders] token, or the signature of a shop's webhook\n";
                (StatusCode::UNAUTHORIZED, challenge, needed).into_response()
            }
            Self::NoSecret(source) => {
                let needed =
                    format!("webhooks of this shop system are not taken: set [orders] {}_secret\n", source.as_str());
                (StatusCode::UNAUTHORIZED, needed).into_response()
            }
            Self::Malformed(_) | Self::Wrong(_) => {
                (StatusCode::UNAUTHORIZED, "the signature does not fit\n").into_response()
            }
        }
    }
}

#[cfg(test)]
#[path = "http_tests.rs"]
mod tests;
