use proptest::prelude::*;

use super::*;

fn message(state: Delivery) -> Outgoing {
    Outgoing { state, ..Outgoing::text(UserId::new("91"), 3, 0, "hello", Timestamp::UNIX_EPOCH) }
}

fn status(receipt: Receipt, id: &str) -> Status {
    Status {
        provider_id: id.to_owned(),
        identity: None,
        receipt,
        at: Some(Timestamp::UNIX_EPOCH),
        code: None,
        error: Some("why".to_owned()),
        again: false,
        number: None,
    }
}

#[test]
fn a_status_marks_a_message_as_sent_whose_response_was_lost() {
    for state in [Delivery::Queued, Delivery::Sending, Delivery::Parked] {
        let sent = message(state).with_status(&status(Receipt::Delivered, "p"), Timestamp::MAX).unwrap();
        assert_eq!((sent.state, sent.provider_id.as_deref()), (Delivery::Sent, Some("p")));
        let failed = message(state).with_status(&status(Receipt::Failed, "p"), Timestamp::MAX).unwrap();
        let expected = if state == Delivery::Sending { Delivery::Parked } else { state };
        assert_eq!((failed.state, failed.provider_id), (expected, None), "it is tried again, or stays parked");
    }
}

#[test]
fn a_failure_of_the_set_up_is_no_attempt_of_the_message() {
    let again = Status { again: true, ..status(Receipt::Failed, "p") };
    for state in [Delivery::Sent, Delivery::Sending] {
        let sent = Outgoing { attempts: 3, provider_id: Some("p".to_owned()), ..message(state) };
        let queued = sent.with_status(&again, Timestamp::MAX).unwrap();
        assert_eq!(
            (queued.state, queued.next_at, queued.provider_id.as_deref()),
            (Delivery::Queued, Timestamp::MAX, None)
        );
        assert_eq!((queued.counted_attempts(), queued.error.as_deref()), (0, Some("why")));
        assert_eq!(queued.with_status(&again, Timestamp::MAX), None, "the report comes again");
    }
}

#[test]
fn a_sent_message_that_failed_is_parked_and_an_earlier_attempt_says_nothing() {
    let sent = Outgoing { provider_id: Some("p".to_owned()), ..message(Delivery::Sent) };
    let failed = sent.with_status(&status(Receipt::Failed, "p"), Timestamp::MAX).unwrap();
    assert_eq!(
        (failed.state, failed.error.as_deref(), failed.next_at),
        (Delivery::Parked, Some("why"), Timestamp::MAX)
    );
    assert_eq!(sent.with_status(&status(Receipt::Read, "another"), Timestamp::MAX), None);
    let arrived = failed.with_status(&status(Receipt::Delivered, "p"), Timestamp::MAX).unwrap();
    assert_eq!((arrived.state, arrived.error), (Delivery::Sent, None), "it arrived all the same");
}

#[test]
fn a_message_that_failed_after_it_arrived_is_parked_once() {
    for arrived in [Receipt::Delivered, Receipt::Read] {
        let sent = Outgoing { provider_id: Some("p".to_owned()), ..message(Delivery::Sent) };
        let there = sent.with_status(&status(arrived, "p"), Timestamp::UNIX_EPOCH).unwrap();
        for again in [false, true] {
            let failed = Status { again, ..status(Receipt::Failed, "p") };
            let gone = there.with_status(&failed, Timestamp::MAX).unwrap();
            assert_eq!(
                (gone.state, gone.receipt, gone.error.as_deref()),
                (Delivery::Parked, Some(arrived), Some("why"))
            );
            assert_eq!(gone.with_status(&failed, Timestamp::MAX), None, "the report comes again");
            assert_eq!(gone.with_status(&status(arrived, "p"), Timestamp::MAX), None, "old news");
        }
    }
}

#[test]
fn texts_are_split_at_sentences() {
    let text = format!("{} One more. {}", "A sentence. ".repeat(3).trim_end(), "word ".repeat(5));
    assert_eq!(
        split(&text, 40),
        ["A sentence. A sentence. A sentence.", "One more. word word word word word"].map(str::to_owned)
    );
    assert_eq!(split("a\nb", 4), ["a\nb"]);
    assert_eq!(split("first line\nsecond", 12), ["first line", "second"]);
    assert_eq!(split("₹₹₹₹₹", 2), ["₹₹", "₹₹", "₹"]);
    assert!(split("  ", 2).is_empty());
}

proptest! {
    #[test]
    fn parts_are_short_and_lose_nothing(text in "[a-zé₹👍.!? \n]{0,300}", longest in 1_usize..60) {
        let parts = split(&text, longest);
        for part in &parts {
            prop_assert!(part.chars().count() <= longest && !part.trim().is_empty());
        }
        let bare = |text: &str| text.split_whitespace().collect::<String>();
        prop_assert_eq!(bare(&parts.concat()), bare(&text));
    }

    #[test]
    fn receipts_never_go_back(order in proptest::collection::vec(0_usize..5, 0..12)) {
        let mut known = Outgoing { provider_id: Some("p".to_owned()), ..message(Delivery::Sent) };
        for place in order {
            if let Some(next) = known.with_status(&status(Receipt::ALL[place], "p"), Timestamp::UNIX_EPOCH) {
                let fails = Receipt::ALL[place] == Receipt::Failed && next.state == Delivery::Parked;
                prop_assert!(next.receipt > known.receipt || (fails && next.receipt == known.receipt));
                known = next;
            }
        }
    }

    #[test]
    fn an_identity_comes_back(user in "[A-Z.:0-9a-z]{1,40}", turn in any::<u64>(), sequence in any::<u32>()) {
        let identity = Identity { user_id: UserId::new(user), turn, sequence };
        prop_assert_eq!(Identity::parse(&identity.to_string()), Some(identity));
    }

    #[test]
    fn anything_else_is_no_identity(text in ".{0,60}") {
        if let Some(identity) = Identity::parse(&text) {
            prop_assert!(text.starts_with("ecomres:") && !identity.user_id.as_str().is_empty());
        }
    }
}
