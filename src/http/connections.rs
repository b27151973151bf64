//! Which connections are open, and which of them has to go: for its time is up, or to make place for a new one.
//!
//! The system gives a process only so many descriptors. Where clients have taken their share of them, a new connection is
//! taken all the same, and the one that has done nothing for the longest is closed for it. So whoever opens many and says
//! nothing, or speaks as slowly as can be, displaces only others of the kind, and a webhook that comes in is served.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::client::{Client, Ends, TrustedProxies, network_of};
use super::host::is_local;
use super::resources::connections_within_the_limit_of_files;

/// How long a connection over which nothing has come yet may stay so, and how long one over which requests were answered:
/// longer than proxies keep theirs, so that it is they who close them.
const FIRST_REQUEST_TIMEOUT: Duration = Duration::from_secs(15);
const IDLE_TIMEOUT: Duration = Duration::from_secs(75);
/// How long the head of a request may take to come in, then its body, and how long the client may take to receive the answer.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
const ANSWER_TIMEOUT: Duration = Duration::from_mins(2);
/// How long a new connection waits for one that was told to go.
const ROOM_TIMEOUT: Duration = Duration::from_millis(250);
/// The least share of one address.
const LEAST_PER_ADDRESS: usize = 16;

/// What a connection is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nothing of a request has come.
    Idle = 0,
    /// The head of a request is coming in.
    Head = 1,
    /// Its body is.
    Body = 2,
    /// The request is there, and its answer is not.
    Work = 3,
    /// The answer is going out.
    Answer = 4,
    /// The answer has no end by itself.
    Stream = 5,
}

impl Phase {
    fn of(bits: u64) -> Self {
        match bits & 7 {
            0 => Self::Idle,
            1 => Self::Head,
            2 => Self::Body,
            3 => Self::Work,
            4 => Self::Answer,
            _ => Self::Stream,
        }
    }

    /// Whether a connection may be closed in it to make place: nothing that the server has begun is lost then.
    fn may_go(self) -> bool {
        matches!(self, Self::Idle | Self::Head | Self::Body | Self::Answer)
    }
}

/// How many of each there may be.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections.
    pub connections: usize,
    /// Connections from one address that is neither this machine's nor a trusted proxy's; and requests at the same time of
    /// one client behind a trusted proxy.
    pub per_address: usize,
}

impl Limits {
    /// As many as the limit of open files has place for, which is raised as far as it may be; or fewer, where `connections`
    /// or `per_address` says so (0: a quarter of all for one address).
    pub fn of_system(connections: usize, per_address: usize) -> Self {
        let most = connections_within_the_limit_of_files();
        let connections = if connections == 0 { most } else { connections.min(most) };
        let share = if per_address == 0 { (connections / 4).max(LEAST_PER_ADDRESS) } else { per_address };
        Self { connections, per_address: share }
    }
}

/// All connections of the process.
#[derive(Debug)]
pub struct Connections {
    limits: Limits,
    proxies: TrustedProxies,
    begun: Instant,
    open: Mutex<HashMap<u64, Arc<Connection>>>,
    next: AtomicU64,
    left: Notify,
    /// Requests in work, by the client behind a trusted proxy.
    requests: Mutex<HashMap<IpAddr, usize>>,
    displaced: AtomicU64,
    late: AtomicU64,
    refused: AtomicU64,
}

/// What has become of connections so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Open now.
    pub open: u64,
    /// Closed to make place for others.
    pub displaced: u64,
    /// Closed because their time was up.
    pub late: u64,
    /// Refused because all others had work.
    pub refused: u64,
}

/// One connection.
#[derive(Debug)]
pub(super) struct Connection {
    number: u64,
    ends: Ends,
    begun: Instant,
    /// The milliseconds since `begun` at which its phase began, times eight, and the phase.
    state: AtomicU64,
    /// Whether a request was answered over it.
    served: AtomicBool,
    /// Whether it was told to go.
    going: AtomicBool,
    pub(super) told_to_go: Notify,
}

impl Connection {
    /// Begins a phase.
    pub(super) fn enter(&self, phase: Phase) {
        if phase == Phase::Idle {
            self.served.store(true, Ordering::Relaxed);
        }
        let since = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX >> 3);
        self.state.store((since << 3) | phase as u64, Ordering::Release);
    }

    /// Begins a phase where another one is running, and no third.
    pub(super) fn enter_from(&self, from: Phase, phase: Phase) {
        if self.phase() == from {
            self.enter(phase);
        }
    }

    pub(super) fn phase(&self) -> Phase {
        Phase::of(self.state.load(Ordering::Acquire))
    }

    pub(super) fn ends(&self) -> Ends {
        self.ends
    }

    /// When its phase began, where it may go in it.
    fn may_go_since(&self) -> Option<u64> {
        let state = self.state.load(Ordering::Acquire);
        (Phase::of(state).may_go() && !self.going.load(Ordering::Relaxed)).then_some(state >> 3)
    }

    fn is_over_time(&self) -> bool {
        let state = self.state.load(Ordering::Acquire);
        let most = match Phase::of(state) {
            Phase::Idle if self.served.load(Ordering::Relaxed) => IDLE_TIMEOUT,
            Phase::Idle => FIRST_REQUEST_TIMEOUT,
            Phase::Head => HEAD_TIMEOUT,
            Phase::Body => BODY_TIMEOUT,
            Phase::Answer => ANSWER_TIMEOUT,
            // They have times of their own.
            Phase::Work | Phase::Stream => return false,
        };
        self.begun.elapsed().saturating_sub(Duration::from_millis(state >> 3)) > most
    }

    fn tell_to_go(&self) {
        self.going.store(true, Ordering::Relaxed);
        self.told_to_go.notify_one();
    }

    /// Whether it still has to go, now that it was told to: a request that has come whole since then is answered.
    pub(super) fn has_to_go(&self) -> bool {
        let goes = self.phase().may_go();
        if !goes {
            self.going.store(false, Ordering::Relaxed);
        }
        goes
    }
}

/// Keeps a connection on the list. Dropped after its socket.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) connection: Arc<Connection>,
    connections: Arc<Connections>,
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.connections.open().remove(&self.connection.number);
        self.connections.left.notify_one();
    }
}

/// A request in work of a client behind a trusted proxy; of anybody else nothing.
#[derive(Debug)]
pub(super) struct Counted {
    of: Option<(Arc<Connections>, IpAddr)>,
}

impl Drop for Counted {
    fn drop(&mut self) {
        let Some((connections, address)) = &self.of else { return };
        let mut requests = connections.requests();
        if let Some(count) = requests.get_mut(address) {
            *count -= 1;
            if *count == 0 {
                requests.remove(address);
            }
        }
    }
}

impl Connections {
    /// No connections yet.
    pub fn new(limits: Limits, proxies: TrustedProxies) -> Arc<Self> {
        Arc::new(Self {
            limits,
            proxies,
            begun: Instant::now(),
            open: Mutex::default(),
            next: AtomicU64::new(0),
            left: Notify::new(),
            requests: Mutex::default(),
            displaced: AtomicU64::new(0),
            late: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        })
    }

    /// What has become of connections so far.
    pub fn counts(&self) -> Counts {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            open: self.open().len() as u64,
            displaced: count(&self.displaced),
            late: count(&self.late),
            refused: count(&self.refused),
        }
    }

    /// Those of this process where nothing was set: within the limit of open files, without trusted proxies.
    pub fn of_process() -> Arc<Self> {
        static OF_PROCESS: OnceLock<Arc<Connections>> = OnceLock::new();
        Arc::clone(OF_PROCESS.get_or_init(|| Self::new(Limits::of_system(0, 0), TrustedProxies::default())))
    }

    /// How many of each there may be.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Whose word about a client's address counts.
    pub fn proxies(&self) -> &TrustedProxies {
        &self.proxies
    }

    fn open(&self) -> MutexGuard<'_, HashMap<u64, Arc<Connection>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn requests(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a new connection on the list; `None` where all others have work to do, and none can go for it.
    pub(super) async fn admit(self: &Arc<Self>, ends: Ends) -> Option<Listed> {
        let listed = self.list(ends).await;
        if listed.is_none() {
            self.refused.fetch_add(1, Ordering::Relaxed);
        }
        listed
    }

    async fn list(self: &Arc<Self>, ends: Ends) -> Option<Listed> {
        if !self.make_room_at(ends.peer.ip()) {
            return None;
        }
        let until = tokio::time::Instant::now() + ROOM_TIMEOUT;
        while !self.make_room() {
            tokio::time::timeout_at(until, self.left.notified()).await.ok()?;
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let connection = Connection {
            number,
            ends,
            begun: self.begun,
            state: AtomicU64::new(0),
            served: AtomicBool::new(false),
            going: AtomicBool::new(false),
            told_to_go: Notify::new(),
        };
        connection.enter(Phase::Idle);
        connection.served.store(false, Ordering::Relaxed);
        let connection = Arc::new(connection);
        self.open().insert(number, Arc::clone(&connection));
        Some(Listed { connection, connections: Arc::clone(self) })
    }

    /// Whether one address may have another connection. Where it has all it may have, its oldest goes.
    fn make_room_at(&self, address: IpAddr) -> bool {
        if is_local(address) || self.proxies.contain(address) {
            return true;
        }
        let network = network_of(address);
        let open = self.open();
        let its = open.values().filter(|connection| network_of(connection.ends.peer.ip()) == network);
        let its: Vec<&Arc<Connection>> = its.filter(|connection| !connection.going.load(Ordering::Relaxed)).collect();
        its.len() < self.limits.per_address || self.displace(its.into_iter(), 1) > 0
    }

    /// Whether there is place for another one; where it becomes scarce, the oldest are told to go: several at once, so that those
    /// who come next need neither wait nor look for more.
    fn make_room(&self) -> bool {
        let open = self.open();
        let most = self.limits.connections;
        let slack = (most / 16).max(1);
        if open.len() + slack > most {
            let going = open.values().filter(|connection| connection.going.load(Ordering::Relaxed)).count();
            if open.len() - going + slack > most {
                let wanted = open.len() - going + 2 * slack - most;
                self.displace(open.values(), wanted.min((open.len() - going).div_ceil(2)));
            }
        }
        open.len() < most
    }

    /// Tells some that do nothing to go: descriptors have run out all the same.
    pub(super) fn give_back_some(&self) -> usize {
        let open = self.open();
        self.displace(open.values(), (open.len() / 8).clamp(1, 64))
    }

    /// Tells those to go whose time is up.
    pub(super) fn sweep(&self) {
        let late: Vec<Arc<Connection>> = self
            .open()
            .values()
            .filter(|connection| connection.is_over_time() && !connection.going.load(Ordering::Relaxed))
            .map(Arc::clone)
            .collect();
        self.late.fetch_add(late.len() as u64, Ordering::Relaxed);
        for connection in late {
            connection.tell_to_go();
        }
    }

    /// Tells those to go that have done nothing for the longest; how many were told.
    fn displace<'a>(&self, connections: impl Iterator<Item = &'a Arc<Connection>>, wanted: usize) -> usize {
        let told = tell_oldest(connections, wanted);
        self.displaced.fetch_add(told as u64, Ordering::Relaxed);
        told
    }

    /// Counts a request of a client behind a trusted proxy, whose connections say nothing of who is behind it; `None` where it
    /// has as many in work as one address may have.
    pub(super) fn count_request(self: &Arc<Self>, ends: &Ends, client: &Client) -> Option<Counted> {
        if client.shared || !self.proxies.contain(ends.peer.ip()) {
            return Some(Counted { of: None });
        }
        let mut requests = self.requests();
        let count = requests.entry(client.address).or_insert(0);
        if *count >= self.limits.per_address {
            return None;
        }
        *count += 1;
        Some(Counted { of: Some((Arc::clone(self), client.address)) })
    }
}

/// Tells those to go that have done nothing for the longest; how many were told.
fn tell_oldest<'a>(connections: impl Iterator<Item = &'a Arc<Connection>>, wanted: usize) -> usize {
    if wanted == 0 {
        return 0;
    }
    let since = connections.filter_map(|connection| Some((connection.may_go_since()?, connection)));
    let mut idle: Vec<(u64, &Arc<Connection>)> = since.collect();
    if wanted < idle.len() {
        idle.select_nth_unstable_by_key(wanted, |(since, connection)| (*since, connection.number));
        idle.truncate(wanted);
    }
    for (_, connection) in &idle {
        connection.tell_to_go();
    }
    idle.len()
}

#[cfg(test)]
#[path = "connections_tests.rs"]
mod tests;
