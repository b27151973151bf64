//! Malformed frames: whatever a client sends, nothing panics, nothing hangs, and the next good call works.

use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;

use super::client::{Session, shop};

/// How many frames are sent: the variable `ECOMRES_FRAMES`, else a few.
fn frames() -> u32 {
    std::env::var("ECOMRES_FRAMES").ok().and_then(|count| count.parse().ok()).unwrap_or(300)
}

fn frame() -> impl Strategy<Value = Vec<u8>> {
    let method = prop_oneof![
        Just("tools/call"),
        Just("tools/list"),
        Just("initialize"),
        Just("server/discover"),
        Just("resources/read"),
        Just("prompts/get"),
        Just("notifications/cancelled"),
        Just("notifications/progress"),
        Just("logging/setLevel"),
        Just("subscriptions/listen"),
        Just("no/such"),
    ];
    let value = prop_oneof![
        Just(json!(null)),
        Just(json!(-1)),
        Just(json!(1e300)),
        Just(json!([])),
        Just(json!({})),
        Just(json!("x")),
        Just(json!({"name": "query_order_database", "arguments": {"order_id": {"$gt": ""}}})),
        Just(json!({"name": "process_refund", "arguments": [1, 2]})),
        Just(json!({"name": 5})),
        Just(json!({"uri": "ecomres://orders/%ff"})),
        Just(json!({"requestId": 7, "reason": 5})),
        Just(json!({"_meta": {"progressToken": {}, "io.modelcontextprotocol/protocolVersion": 1}})),
        ".{0,40}".prop_map(|text| json!({"name": text, "arguments": {"text": text}})),
    ];
    // Ids that no good call of this test uses.
    let id = prop_oneof![
        Just("null".to_owned()),
        Just("-9223372036854775808".to_owned()),
        Just("99999999999999999999999999999999999999".to_owned()),
        Just("1.5e308".to_owned()),
        Just("{}".to_owned()),
        Just("[[]]".to_owned()),
        (1_000_000_i64..).prop_map(|id| id.to_string()),
        "[a-z]{0,300}".prop_map(|id| format!("\"{id}\"")),
    ];
    let shaped = (method, value, id, prop_oneof![Just("2.0"), Just("1.0"), Just("")]).prop_map(
        |(method, value, id, version)| {
            format!("{{\"jsonrpc\":\"{version}\",\"id\":{id},\"method\":\"{method}\",\"params\":{value}}}").into_bytes()
        },
    );
    let deep = (1_usize..20_000, any::<bool>()).prop_map(|(depth, closed)| {
        let mut text = "{\"jsonrpc\":\"2.0\",\"id\":1000000,\"method\":\"tools/call\",\"params\":".to_owned();
        text += &"[".repeat(depth);
        if closed {
            text += &"]".repeat(depth);
            text.push('}');
        }
        text.into_bytes()
    });
    let half =
        (any::<prop::sample::Index>(), Just(br#"{"jsonrpc":"2.0","id":1000000,"method":"tools/list"}"#.to_vec()))
            .prop_map(|(at, whole)| whole[..at.index(whole.len())].to_vec());
    let large = (0_usize..2_000_000).prop_map(|size| {
        let mut text = b"{\"jsonrpc\":\"2.0\",\"id\":1000000,\"method\":\"".to_vec();
        text.resize(text.len() + size, b'x');
        text.extend(b"\"}");
        text
    });
    prop_oneof![
        8 => shaped,
        4 => prop::collection::vec(any::<u8>(), 0..200),
        2 => deep,
        2 => half,
        1 => large,
        1 => Just(b"[{\"jsonrpc\":\"2.0\",\"id\":1000000,\"method\":\"ping\"}]".to_vec()),
        1 => Just(b"{\"jsonrpc\":\"2.0\",\"id\":1000000,\"result\":{}}".to_vec()),
        1 => Just(b"\xef\xbb\xbf{\"jsonrpc\":\"2.0\"}".to_vec()),
        1 => Just(b"{\"id\":\"\xff\xfe\"}".to_vec()),
    ]
}

#[test]
fn the_next_good_call_works() {
    let folder = shop();
    // Nobody reads its standard error meanwhile: that must not stall it either.
    let mut session = Session::start(folder.path(), &[]);
    session.initialize("2025-11-25");
    let session = std::cell::RefCell::new(session);
    let mut runner = TestRunner::new(Config { cases: frames(), failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&frame(), |mut frame| {
        let mut session = session.borrow_mut();
        // A frame is one line.
        frame.retain(|byte| *byte != b'\n');
        frame.push(b'\n');
        prop_assert!(session.try_send_bytes(&frame), "it no longer reads");
        let id = 10_000 + i64::from(rand_id(&frame));
        session.send(
            &json!({
                "jsonrpc": "2.0", "id": id, "method": "tools/call",
                "params": {"name": "query_order_database", "arguments": {"order_id": "ORD000003"}}
            })
            .to_string(),
        );
        for _ in 0..100 {
            let answer = session.receive(Duration::from_secs(20));
            prop_assert!(answer.is_some(), "no answer any more");
            let answer = answer.unwrap_or_default();
            if answer["id"] == id {
                prop_assert_eq!(&answer["result"]["structuredContent"]["Order ID"], "ORD000003");
                return Ok(());
            }
        }
        Err(TestCaseError::fail("too much noise"))
    });
    outcome.unwrap();
    let (code, errors) = session.into_inner().end();
    assert_eq!(code, Some(0), "{errors}");
    assert!(!errors.contains("panicked"), "{errors}");
}

/// An id that differs from frame to frame.
fn rand_id(frame: &[u8]) -> u16 {
    frame.iter().fold(7_u16, |sum, byte| sum.wrapping_mul(31).wrapping_add(u16::from(*byte)))
}
