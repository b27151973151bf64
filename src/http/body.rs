//! Receiving bodies from strangers: within a time, and all of them together within some memory.
//!
//! Where they would take more, the one that has been coming in for the longest gives way: whoever sends at once what was
//! announced is served, however many others hold theirs back.

use std::collections::BTreeMap;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use http_body::Body as _;
use tokio::sync::Notify;

/// How long what is left of a body that is too large is thrown away: a client that is still sending when the connection is
/// closed reads no answer, only that the connection broke.
const LINGER: Duration = Duration::from_secs(2);

/// Why a body was not received.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// It is larger than bodies may be.
    #[error("the body is too large")]
    TooLarge,
    /// It was not there in time.
    #[error("the body did not come in time")]
    TooSlow,
    /// It gave way to others.
    #[error("there is no place for the body at the moment")]
    Crowded,
    /// The connection broke, or what came is no body.
    #[error("the body is not whole")]
    Broken,
}

impl BodyError {
    /// The label for metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TooLarge => "large",
            Self::TooSlow => "slow",
            Self::Crowded => "crowded",
            Self::Broken => "broken",
        }
    }
}

impl IntoResponse for BodyError {
    fn into_response(self) -> Response {
        let status = match self {
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Crowded => StatusCode::SERVICE_UNAVAILABLE,
            Self::Broken => StatusCode::BAD_REQUEST,
        };
        (status, format!("{self}\n")).into_response()
    }
}

/// Bodies that are coming in, or are being worked on.
#[derive(Debug)]
pub struct BodyPlaces {
    /// Bytes of all of them together.
    most: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    held: usize,
    next: u64,
    /// Those that are still coming in, the oldest first, and what tells them to give way.
    coming: BTreeMap<u64, Arc<Notify>>,
}

/// A whole body, which holds its place until it is dropped.
#[derive(Debug)]
pub struct Received {
    /// The body.
    pub bytes: Bytes,
    _place: Place,
}

/// The bytes that one body holds of the places.
#[derive(Debug)]
struct Place {
    places: Arc<BodyPlaces>,
    number: u64,
    bytes: usize,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.places.state();
        state.held = state.held.saturating_sub(self.bytes);
        state.coming.remove(&self.number);
    }
}

impl Place {
    /// Takes more bytes. Where that is too much, the oldest that are still coming in give way: this one as well, where it is
    /// the oldest.
    fn grow(&mut self, bytes: usize) -> Result<(), BodyError> {
        let mut state = self.places.state();
        state.held += bytes;
        self.bytes += bytes;
        if state.held <= self.places.most {
            return Ok(());
        }
        match state.coming.pop_first() {
            Some((number, _)) if number == self.number => Err(BodyError::Crowded),
            Some((_, oldest)) => {
                // What it holds is given back as soon as it is told.
                oldest.notify_one();
                Ok(())
            }
            None => Err(BodyError::Crowded),
        }
    }
}

impl BodyPlaces {
    /// Places for bodies of so many bytes together.
    pub fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, state: Mutex::default() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Receives a body of at most `largest` bytes within a time. What is larger is not kept; twice
    /// what a body may have is thrown away at most, so that the client reads the refusal.
    ///
    /// # Errors
    /// Why it was not received.
    pub async fn receive(
        self: &Arc<Self>,
        headers: &HeaderMap,
        body: Body,
        largest: usize,
        within: Duration,
    ) -> Result<Received, BodyError> {
        let announced = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
        if announced.and_then(|length| length.parse::<u64>().ok()).is_some_and(|length| length > largest as u64) {
            discard(pin!(body), largest).await;
            return Err(BodyError::TooLarge);
        }
        let give_way = Arc::new(Notify::new());
        let mut place = {
            let mut state = self.state();
            let number = state.next;
            state.next += 1;
            state.coming.insert(number, Arc::clone(&give_way));
            Place { places: Arc::clone(self), number, bytes: 0 }
        };
        let bytes = tokio::select! {
            bytes = read(body, largest, &mut place) => bytes?,
            () = give_way.notified() => return Err(BodyError::Crowded),
            () = tokio::time::sleep(within) => return Err(BodyError::TooSlow),
        };
        self.state().coming.remove(&place.number);
        Ok(Received { bytes, _place: place })
    }
}

/// Throws away what is still to come of a body, up to so many bytes.
async fn discard(mut body: Pin<&mut Body>, most: usize) {
    let all = async {
        let mut left = most.saturating_mul(2);
        while let Some(Ok(frame)) = std::future::poll_fn(|context| body.as_mut().poll_frame(context)).await {
            left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
            if left == 0 {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(LINGER, all).await;
}

async fn read(body: Body, largest: usize, place: &mut Place) -> Result<Bytes, BodyError> {
    let mut body = pin!(body);
    let mut whole = Vec::new();
    while let Some(frame) = std::future::poll_fn(|context| body.as_mut().poll_frame(context)).await {
        let Ok(data) = frame.map_err(|_| BodyError::Broken)?.into_data() else { continue };
        if whole.len() + data.len() > largest {
            discard(body, largest).await;
            return Err(BodyError::TooLarge);
        }
        let before = whole.capacity();
        whole.extend_from_slice(&data);
        place.grow(whole.capacity() - before)?;
    }
    Ok(whole.into())
}

#[cfg(test)]
mod tests {
    use futures_util::{StreamExt as _, stream};
    use tokio::time::timeout;

    use super::*;

    const SOON: Duration = Duration::from_secs(20);

    /// A body that sends so many bytes and then nothing more, without an end.
    fn held_back(bytes: usize) -> Body {
        let first = stream::iter([Ok::<_, std::io::Error>(vec![b'x'; bytes])]);
        Body::from_stream(first.chain(stream::pending()))
    }

    #[tokio::test]
    async fn a_body_is_received_whole_and_gives_its_place_back() {
        let places = BodyPlaces::new(1_000);
        for _ in 0..5 {
            let received = places.receive(&HeaderMap::new(), Body::from(vec![b'x'; 900]), 900, SOON).await.unwrap();
            assert_eq!(received.bytes.len(), 900);
            assert!(places.state().held >= 900);
        }
        let state = places.state();
        assert_eq!((state.held, state.coming.len()), (0, 0));
    }

    #[tokio::test]
    async fn what_is_too_large_too_slow_or_broken_is_told() {
        let (places, none) = (BodyPlaces::new(1_000), HeaderMap::new());
        let announced = HeaderMap::from_iter([(header::CONTENT_LENGTH, "101".parse().unwrap())]);
        // It is not awaited for long: the body would never come.
        let early = places.receive(&announced, held_back(1), 100, SOON);
        assert_eq!(timeout(SOON, early).await.unwrap().unwrap_err(), BodyError::TooLarge);
        let late = places.receive(&none, Body::from(vec![b'x'; 101]), 100, SOON);
        assert_eq!(late.await.unwrap_err(), BodyError::TooLarge);
        let slow = places.receive(&none, held_back(1), 100, Duration::from_millis(20));
        assert_eq!(slow.await.unwrap_err(), BodyError::TooSlow);
        let broken = stream::iter([Ok("x"), Err(std::io::Error::other("gone"))]);
        let broken = places.receive(&none, Body::from_stream(broken), 100, SOON);
        assert_eq!(broken.await.unwrap_err(), BodyError::Broken);
        assert_eq!(places.state().held, 0);
    }

    #[tokio::test]
    async fn whoever_holds_back_gives_way_to_whoever_sends() {
        let places = BodyPlaces::new(10_000);
        let slow: Vec<_> = (0..3)
            .map(|_| {
                let places = Arc::clone(&places);
                tokio::spawn(async move { places.receive(&HeaderMap::new(), held_back(3_000), 5_000, SOON).await })
            })
            .collect();
        while places.state().held < 9_000 {
            tokio::task::yield_now().await;
        }
        let honest = places.receive(&HeaderMap::new(), Body::from(vec![b'x'; 3_000]), 5_000, SOON).await.unwrap();
        assert_eq!(honest.bytes.len(), 3_000);
        let first = timeout(SOON, slow.into_iter().next().unwrap()).await.unwrap().unwrap();
        assert_eq!(first.unwrap_err(), BodyError::Crowded, "the oldest");
    }
}
