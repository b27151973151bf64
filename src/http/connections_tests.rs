use super::*;

fn ends(peer: &str) -> Ends {
    Ends { peer: format!("{peer}:4000").parse().unwrap(), local: "127.0.0.1:8000".parse().unwrap() }
}

fn told(listed: &Listed) -> bool {
    listed.connection.going.load(Ordering::Relaxed)
}

fn connections(most: usize, per_address: usize) -> Arc<Connections> {
    let proxies = TrustedProxies::new(vec!["10.9.9.9".parse().unwrap()], super::super::client::ClientHeader::default());
    Connections::new(Limits { connections: most, per_address }, proxies)
}

/// Phases have milliseconds.
async fn later() {
    tokio::time::sleep(Duration::from_millis(3)).await;
}

#[tokio::test]
async fn the_one_that_did_nothing_for_the_longest_goes_and_what_works_stays() {
    let all = connections(4, 100);
    let mut listed = Vec::new();
    for _ in 0..3 {
        listed.push(all.admit(ends("127.0.0.1")).await.unwrap());
        later().await;
    }
    listed[0].connection.enter(Phase::Work);
    listed[1].connection.enter(Phase::Head);
    later().await;
    // Two go for one, so that the next need not wait: the third, idle since before the head of the second began to come, and
    // the second; the first has work, and the last has just come.
    listed.push(all.admit(ends("127.0.0.1")).await.unwrap());
    assert!(all.admit(ends("127.0.0.1")).await.is_none(), "nobody has gone yet");
    assert_eq!(listed.iter().map(told).collect::<Vec<_>>(), [false, true, true, false]);
    listed.remove(2);
    listed.push(all.admit(ends("127.0.0.1")).await.unwrap());
    assert!(!told(&listed[0]) && listed[0].connection.phase() == Phase::Work);
    // Told to go, it got its request in all the same.
    let head = &listed[1];
    assert!(told(head));
    head.connection.enter(Phase::Work);
    assert!(!head.connection.has_to_go() && !told(head));
}

#[tokio::test]
async fn where_all_have_work_a_new_one_is_refused() {
    let all = connections(2, 100);
    let busy = [all.admit(ends("127.0.0.1")).await.unwrap(), all.admit(ends("127.0.0.1")).await.unwrap()];
    for listed in &busy {
        listed.connection.enter(Phase::Work);
    }
    assert!(all.admit(ends("127.0.0.1")).await.is_none());
    drop(busy);
    assert!(all.admit(ends("127.0.0.1")).await.is_some());
    assert_eq!(all.counts(), Counts { open: 0, displaced: 0, late: 0, refused: 1 });
}

#[tokio::test]
async fn one_address_displaces_its_own_and_no_others() {
    let all = connections(100, 2);
    let other = all.admit(ends("198.51.100.7")).await.unwrap();
    later().await;
    let first = all.admit(ends("203.0.113.9")).await.unwrap();
    later().await;
    let second = all.admit(ends("203.0.113.9")).await.unwrap();
    let third = all.admit(ends("203.0.113.9")).await.unwrap();
    assert!(told(&first) && !told(&second) && !told(&third) && !told(&other));
    second.connection.enter(Phase::Work);
    third.connection.enter(Phase::Stream);
    assert!(all.admit(ends("203.0.113.9")).await.is_none(), "all that it may have is in work");
    for peer in ["127.0.0.1", "10.9.9.9"] {
        let many: Vec<_> = (0..5).map(|_| all.make_room_at(peer.parse().unwrap())).collect();
        assert_eq!(many, [true; 5], "{peer} is not one client");
    }
    let network: Vec<_> = ["2001:db8::1", "2001:db8::2", "2001:db8::3"].into_iter().collect();
    let mut listed = Vec::new();
    for peer in network {
        listed.push(all.admit(ends(&format!("[{peer}]"))).await.unwrap());
        later().await;
    }
    assert!(told(&listed[0]) && !told(&listed[2]), "a network is one client");
}

#[tokio::test]
async fn requests_behind_a_trusted_proxy_are_counted_by_client() {
    let all = connections(100, 2);
    let (proxy, direct) = (ends("10.9.9.9"), ends("198.51.100.7"));
    let client = |last: u8| Client { address: IpAddr::from([203, 0, 113, last]), shared: false };
    let held = [all.count_request(&proxy, &client(1)).unwrap(), all.count_request(&proxy, &client(1)).unwrap()];
    assert!(all.count_request(&proxy, &client(1)).is_none() && all.count_request(&proxy, &client(2)).is_some());
    assert!(all.count_request(&direct, &client(1)).is_some(), "its connections are counted");
    drop(held);
    assert!(all.count_request(&proxy, &client(1)).is_some());
    assert!(all.requests().is_empty());
}

#[tokio::test]
async fn every_phase_but_work_ends() {
    let all = connections(10, 10);
    let listed = all.admit(ends("127.0.0.1")).await.unwrap();
    let at = |phase: Phase, seconds: u64, served: bool| {
        let begun = Instant::now().checked_sub(Duration::from_secs(seconds)).unwrap();
        let connection = Connection {
            number: 0,
            ends: listed.connection.ends,
            begun,
            state: AtomicU64::new(phase as u64),
            served: AtomicBool::new(served),
            going: AtomicBool::new(false),
            told_to_go: Notify::new(),
        };
        connection.is_over_time()
    };
    assert!(at(Phase::Idle, 16, false) && !at(Phase::Idle, 16, true) && at(Phase::Idle, 76, true));
    assert!(at(Phase::Head, 11, true) && !at(Phase::Head, 9, true) && at(Phase::Body, 31, true));
    assert!(at(Phase::Answer, 121, true) && !at(Phase::Work, 599, true) && !at(Phase::Stream, 599, true));
    all.sweep();
    assert!(!told(&listed));
}
