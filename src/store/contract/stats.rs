//! The stats, compared with counts that are made here from the rows, in another way.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;

use super::*;
use crate::domain::currency::Currency;
use crate::domain::order::OrderDetails;
use crate::domain::outgoing::{Outgoing, Receipt, Status};
use crate::domain::stats::Period;

pub(super) const HOUR: i64 = 3_600;

pub(super) fn period(from: Option<i64>, until: i64) -> Period {
    Period {
        from: from.map(at),
        until: at(until),
        zone: TimeZone::get("Asia/Kolkata").unwrap(),
        gap: SignedDuration::from_hours(24),
    }
}

/// Messages of five customers over some days, always the same ones.
pub(super) fn rows() -> Vec<ChatMessage> {
    let mut rows = Vec::new();
    for asker in 1..=5_u32 {
        let mut second = i64::from(asker) * HOUR;
        for turn in 1..=12_u64 {
            // Some pauses are longer than a day.
            second += i64::try_from(turn).unwrap() * i64::from(asker) * HOUR / 2 + 61;
            for part in 0..=(turn % 2) {
                rows.push(ChatMessage {
                    user_id: user(asker),
                    role: Role::User,
                    text: format!("part {part} of ORD{asker:03}{turn:03} 100%_sure"),
                    at: at(second),
                    turn,
                    intent: Some(
                        ["track_order", "refund_request", "other"][usize::try_from(turn % 3).unwrap()].to_owned(),
                    ),
                    sentiment: Some(["neutral", "negative"][usize::try_from(turn % 2).unwrap()].to_owned()),
                    response_ms: None,
                    // The first turns have no basis, as messages that were saved before the basis was.
                    basis: Basis {
                        reused: (turn > 2).then_some(turn % 3 == 0),
                        intent_confidence: (turn > 2 && turn % 3 != 0)
                            .then_some(f64::from(asker) / 10.0 + f64::from(u32::try_from(turn).unwrap()) / 100.0),
                        sentiment_confidence: None,
                        degraded: None,
                    },
                });
                second += 1;
            }
            rows.push(ChatMessage {
                user_id: user(asker),
                role: if turn % 4 == 0 { Role::Agent } else { Role::Assistant },
                text: "reply".to_owned(),
                at: at(second),
                turn,
                intent: None,
                sentiment: None,
                response_ms: (turn % 4 != 0).then_some(turn * u64::from(asker) * 10),
                basis: Basis {
                    degraded: (turn > 3 && turn % 4 != 0).then_some((turn + u64::from(asker)) % 3 == 0),
                    ..Basis::default()
                },
            });
        }
    }
    rows
}

/// The sessions of a customer: all its messages, first to last.
fn sessions(rows: &[ChatMessage], asker: u32, until: Timestamp) -> Vec<Vec<&ChatMessage>> {
    let own: Vec<&ChatMessage> = rows.iter().filter(|row| row.user_id == user(asker) && row.at < until).collect();
    let customers: Vec<Timestamp> = own.iter().filter(|row| row.role == Role::User).map(|row| row.at).collect();
    let begins: Vec<Timestamp> = customers
        .iter()
        .enumerate()
        .filter(|(index, at)| *index == 0 || at.duration_since(customers[index - 1]) >= SignedDuration::from_hours(24))
        .map(|(_, at)| *at)
        .collect();
    begins
        .iter()
        .enumerate()
        .map(|(index, begin)| {
            let end = begins.get(index + 1).copied().unwrap_or(until);
            own.iter().filter(|row| row.at >= *begin && row.at < end).copied().collect()
        })
        .collect()
}

fn request_for_person(number: u32, asker: u32, created_at: Timestamp) -> Alert {
    Alert {
        id: AlertId::new(format!("ALERT_{number}")),
        user_id: user(asker),
        reason: "asked for a person".to_owned(),
        last_message: "a person please".to_owned(),
        priority: Priority::High,
        status: AlertStatus::Pending,
        created_at,
        bot_answers: false,
        handling: Handling::default(),
    }
}

pub(in crate::store) async fn conversations_are_counted(fresh: TestStore) {
    let rows = rows();
    fresh.store.append_messages(&rows).await.unwrap();
    for (number, asker, second) in [(1, 2, 30 * HOUR), (2, 4, 90 * HOUR)] {
        fresh.store.open_alert(&request_for_person(number, asker, at(second))).await.unwrap();
    }
    let alerts = fresh.store.alert_rows().await.unwrap();
    assert_eq!(alerts.len(), 2);
    let raised = |asker: u32| alerts.iter().filter(move |alert| alert.user == user(asker).as_str());
    for (from, until) in [(None, 1_000), (Some(24), 120), (Some(100), 130), (Some(60), 61), (Some(2_000), 2_001)] {
        let period = period(from.map(|hour| hour * HOUR), until * HOUR);
        let stats = fresh.store.conversation_stats(&period, &alerts).await.unwrap();
        let within: Vec<&ChatMessage> = rows.iter().filter(|row| period.holds(row.at)).collect();
        let of = |role: Role| within.iter().filter(move |row| row.role == role);
        let named = |label: fn(&ChatMessage) -> Option<String>| {
            let turns: BTreeSet<_> =
                of(Role::User).map(|row| (row.user_id.as_str().to_owned(), row.turn, label(row).unwrap())).collect();
            turns.into_iter().fold(BTreeMap::<String, u64>::new(), |mut counts, (_, _, label)| {
                *counts.entry(label).or_default() += 1;
                counts
            })
        };
        let users: BTreeSet<_> = of(Role::User).map(|row| row.user_id.as_str()).collect();
        assert_eq!(stats.users, users.len() as u64, "{from:?}..{until}");
        assert_eq!(stats.messages, of(Role::User).count() as u64);
        assert_eq!(stats.replies, of(Role::Assistant).count() as u64);
        assert_eq!(stats.agent_messages, of(Role::Agent).count() as u64);
        assert_eq!(stats.intents, named(|row| row.intent.clone()));
        assert_eq!(stats.sentiments, named(|row| row.sentiment.clone()));
        // A burst has the basis of its first message within the time.
        let turns: BTreeMap<_, _> =
            of(Role::User).rev().map(|row| ((row.user_id.as_str().to_owned(), row.turn), row.basis)).collect();
        let reused: Vec<bool> = turns.values().filter_map(|basis| basis.reused).collect();
        assert_eq!(stats.triaged, reused.len() as u64, "{from:?}..{until}");
        assert_eq!(stats.triage_reused, reused.iter().filter(|reused| **reused).count() as u64);
        let degraded: Vec<bool> = of(Role::Assistant).filter_map(|row| row.basis.degraded).collect();
        assert_eq!(stats.llm_replies, degraded.len() as u64);
        assert_eq!(stats.degraded, degraded.iter().filter(|degraded| **degraded).count() as u64);
        #[expect(clippy::cast_precision_loss, reason = "small counts of a test")]
        let rate = |part: u64, whole: usize| (whole > 0).then(|| part as f64 / whole as f64);
        assert_eq!(stats.triage_reuse_rate(), rate(stats.triage_reused, reused.len()));
        assert_eq!(stats.degraded_share(), rate(stats.degraded, degraded.len()));
        let mut sure: Vec<f64> = turns.values().filter_map(|basis| basis.intent_confidence).collect();
        let mut confidences = stats.confidences.clone();
        sure.sort_by(f64::total_cmp);
        confidences.sort_by(f64::total_cmp);
        assert_eq!(confidences, sure);
        let below = sure.iter().filter(|confidence| **confidence < 0.4).count() as u64;
        assert_eq!(stats.unsure(0.4), below);
        assert_eq!(stats.confidence_bins().iter().sum::<u64>(), sure.len() as u64);
        let mut responses: Vec<u64> = within.iter().filter_map(|row| row.response_ms).collect();
        let mut counted = stats.responses.clone();
        responses.sort_unstable();
        counted.sort_unstable();
        assert_eq!(counted, responses);
        let today: BTreeSet<_> = rows
            .iter()
            .filter(|row| row.role == Role::User && row.at >= period.today() && row.at < period.until)
            .map(|row| row.user_id.as_str())
            .collect();
        assert_eq!(stats.users_today, today.len() as u64);
        let (mut begun, mut handed, mut resolved, mut unanswered, mut abandoned) = (0, 0, 0, 0, 0);
        let mut unanswered_users = BTreeSet::new();
        for asker in 1..=5 {
            let sessions = sessions(&rows, asker, period.until);
            for (index, session) in sessions.iter().enumerate() {
                let (first, last) = (session.first().unwrap().at, session.last().unwrap().at);
                if !period.holds(first) {
                    continue;
                }
                begun += 1;
                let next = sessions.get(index + 1).map(|next| next[0].at);
                let person = raised(asker)
                    .any(|alert| alert.created_at >= first && alert.created_at < next.unwrap_or(period.until));
                let again = next.is_some_and(|next| next.duration_since(last) < SignedDuration::from_hours(24));
                let replied = session.iter().any(|row| row.role == Role::Assistant);
                let answered = session.last().unwrap().role != Role::User;
                let heard = session.iter().rfind(|row| row.role == Role::User).unwrap().at;
                let silent = period.until.duration_since(heard);
                let left = next.is_some() || silent >= SignedDuration::from_hours(24);
                let raised = raised(asker).map(|alert| alert.created_at).filter(|at| *at >= first).min();
                let team =
                    |row: &&ChatMessage| row.role == Role::Agent && raised.is_some_and(|raised| row.at >= raised);
                handed += u64::from(person);
                resolved += u64::from(replied && answered && !person && !again);
                abandoned += u64::from(person && left && !session.iter().any(team));
                if !person && !answered && (next.is_some() || silent >= SignedDuration::from_mins(10)) {
                    unanswered += 1;
                    unanswered_users.insert(user(asker));
                }
            }
        }
        assert_eq!((stats.sessions, stats.handed_over, stats.auto_resolved), (begun, handed, resolved));
        assert_eq!((stats.unanswered, stats.abandoned), (unanswered, abandoned), "{from:?}..{until}");
        let listed = stats.ended.get(&crate::domain::stats::Outcome::Unanswered).cloned().unwrap_or_default();
        assert_eq!(listed.into_iter().collect::<BTreeSet<_>>(), unanswered_users);
    }
    let everything = fresh.store.conversation_stats(&period(None, 1_000 * HOUR), &alerts).await.unwrap();
    assert!(everything.triage_reused > 0 && everything.degraded > 0 && everything.unsure(0.4) > 0, "{everything:?}");
    assert!(everything.sessions > 5 && everything.handed_over > 0 && everything.auto_resolved > 0, "{everything:?}");
}

pub(in crate::store) async fn orders_and_refunds_are_counted(fresh: TestStore) {
    let orders: Vec<Order> = (0..60_u32)
        .map(|number| Order {
            platform: ["JioMart", "Blinkit", ""][number as usize % 3].to_owned(),
            category: ["Dairy", "Snacks"][number as usize % 2].to_owned(),
            value: (number % 6 != 1).then(|| Money::from_minor_units(i64::from(number) * 1_337 + 45)),
            rating: (number % 7 != 0).then_some(u8::try_from(number % 5 + 1).unwrap()),
            delayed: [None, Some(true), Some(false)][number as usize % 3],
            refund_requested: (number % 11 != 3).then_some(number % 4 == 0),
            delivery_minutes: (number % 5 != 0).then_some(number),
            details: OrderDetails {
                currency: (number % 10 == 9).then(|| Currency::new("EUR").unwrap()),
                ..OrderDetails::default()
            },
            placed_at: (number % 2 == 0)
                .then(|| jiff::civil::datetime(2025, 6, 16, 0, 0, 0, 0) + SignedDuration::from_hours(number.into())),
            ..order(number)
        })
        .collect();
    import(&fresh.store, ImportMode::Upsert, orders.clone()).await;
    // `at(0)` is 2025-06-15 20:36:40 in India.
    for (period, platform) in [
        (period(None, 0), None),
        (period(None, 0), Some("Blinkit")),
        (period(Some(10 * HOUR), 40 * HOUR), None),
        (period(Some(10 * HOUR), 40 * HOUR), Some("JioMart")),
    ] {
        let stats = fresh.store.order_stats(&period, platform).await.unwrap();
        let of_platform = |order: &&Order| platform.is_none_or(|platform| order.platform == platform);
        let (from, until) = period.local();
        let fits: Vec<&Order> = orders
            .iter()
            .filter(of_platform)
            .filter(|order| from.is_none_or(|from| order.placed_at.is_some_and(|at| at >= from && at < until)))
            .collect();
        assert!(!fits.is_empty());
        let total = &stats.total;
        assert_eq!(total.orders, fits.len() as u64);
        for currency in [Currency::INR, Currency::new("EUR").unwrap()] {
            let of: Vec<i64> = fits
                .iter()
                .filter(|order| order.currency() == currency)
                .filter_map(|order| order.value.map(Money::minor_units))
                .collect();
            let sum = total.values.of(currency);
            assert_eq!((sum.count, sum.amount.minor_units()), (of.len() as u64, of.iter().sum()), "{currency}");
        }
        assert_eq!(total.refund_known, fits.iter().filter(|order| order.refund_requested.is_some()).count() as u64);
        assert_eq!(total.delayed, fits.iter().filter(|order| order.delayed == Some(true)).count() as u64);
        assert_eq!(total.delay_known, fits.iter().filter(|order| order.delayed.is_some()).count() as u64);
        assert_eq!(total.refund_requested, fits.iter().filter(|o| o.refund_requested == Some(true)).count() as u64);
        let minutes: Vec<u64> = fits.iter().filter_map(|order| order.delivery_minutes.map(u64::from)).collect();
        assert_eq!((total.timed, total.minutes), (minutes.len() as u64, minutes.iter().sum()));
        let stars: Vec<u64> = fits.iter().filter_map(|order| order.rating.map(u64::from)).collect();
        assert_eq!((total.rated, total.stars), (stars.len() as u64, stars.iter().sum()));
        for (category, sums) in &stats.categories {
            assert_eq!(sums.orders, fits.iter().filter(|order| order.category == *category).count() as u64);
        }
        for (hour, sums) in &stats.hours {
            let at_hour = |order: &&&Order| order.placed_at.is_some_and(|at| at.hour() == i8::try_from(*hour).unwrap());
            assert_eq!(sums.orders, fits.iter().filter(at_hour).count() as u64);
        }
        assert_eq!(
            stats.hours.values().map(|sums| sums.orders).sum::<u64>(),
            fits.iter().filter(|order| order.placed_at.is_some()).count() as u64
        );
        let undated = orders.iter().filter(of_platform).filter(|order| order.placed_at.is_none()).count() as u64;
        assert_eq!(stats.undated, if from.is_some() { undated } else { 0 });
    }
    // Refunds are of `at(number)`; order 99 is not there.
    let mut paid = Vec::new();
    for number in [0, 1, 2, 3, 4, 50, 99] {
        paid.push(fresh.store.record_refund(approved(number)).await.unwrap().refund);
    }
    let euros =
        Order { details: OrderDetails { currency: Currency::new("EUR"), ..OrderDetails::default() }, ..order(98) };
    fresh.store.record_refund(approved_of(ProviderKind::Ledger, &euros, 500)).await.unwrap();
    let all = fresh.store.refund_stats(&period(None, 1_000), None).await.unwrap();
    let sums = all.total.amounts;
    assert_eq!((sums.of(Currency::INR).count, sums.of(euros.currency()).amount), (7, Money::from_rupees(599)));
    assert_eq!(
        sums.besides(Currency::INR).map(|(currency, sum)| (currency, sum.count)).collect::<Vec<_>>(),
        [(euros.currency(), 1)]
    );
    let stats = fresh.store.refund_stats(&period(Some(1), 50), None).await.unwrap();
    let fits: Vec<_> = paid.iter().filter(|refund| refund.at >= at(1) && refund.at < at(50)).collect();
    assert_eq!((stats.total.refunds, stats.simulated, fits.len()), (4, 4, 4));
    assert_eq!(
        stats.total.amounts.of(Currency::INR).amount.minor_units(),
        fits.iter().map(|refund| refund.amount.minor_units()).sum::<i64>()
    );
    let all = fresh.store.refund_stats(&period(None, 400), None).await.unwrap();
    let counts: Vec<(&str, u64)> = all.categories.iter().map(|(name, paid)| (name.as_str(), paid.refunds)).collect();
    assert_eq!(counts, [("", 1), ("Dairy", 4), ("Snacks", 2)]);
    assert_eq!(all.reasons["items missing"].refunds, 7);
    assert_eq!(all.points.values().map(|paid| paid.refunds).sum::<u64>(), 7);
    let some = fresh.store.refund_stats(&period(None, 1_000), Some("Blinkit")).await.unwrap();
    assert_eq!(some.total.refunds, 2, "orders 1 and 4");
}

pub(in crate::store) async fn a_message_status_changes_the_token(fresh: TestStore) {
    let store = &fresh.store;
    let mut next = Conversation::new(user(1));
    next.turn = 1;
    let said = ChatMessage {
        user_id: user(1),
        role: Role::Agent,
        text: "A person here.".to_owned(),
        at: at(1),
        turn: 1,
        intent: None,
        sentiment: None,
        response_ms: None,
        basis: Basis::default(),
    };
    let outgoing = Outgoing::text(user(1), 1, 0, "A person here.", at(1));
    assert!(store.save_reply(&next, &said, &outgoing).await.unwrap());
    let claimed = store.claim_outgoing(None, at(2), SignedDuration::from_secs(30)).await.unwrap().unwrap();
    assert!(store.sent(&claimed, "p-1", at(2)).await.unwrap());
    let other = (fresh.again)();
    let mut tokens = vec![other.change_token().await.unwrap()];
    for receipt in [Receipt::Sent, Receipt::Delivered, Receipt::Read] {
        let identity = None;
        let status = Status {
            provider_id: "p-1".to_owned(),
            identity,
            receipt,
            at: Some(at(3)),
            code: None,
            error: None,
            again: false,
            number: None,
        };
        assert!(store.follow_status(&status, at(3)).await.unwrap().is_some());
        tokens.push(other.change_token().await.unwrap());
        assert!(store.follow_status(&status, at(4)).await.unwrap().is_none());
        assert_eq!(other.change_token().await.unwrap(), tokens[tokens.len() - 1], "old news is none");
    }
    let different: BTreeSet<&String> = tokens.iter().collect();
    assert_eq!(different.len(), tokens.len(), "{tokens:?}");
}

pub(in crate::store) async fn a_reply_of_the_team_is_saved_whole(fresh: TestStore) {
    let store = &fresh.store;
    let mut conversation = Conversation::new(user(1));
    conversation.turn = 1;
    assert!(store.save_conversation(&conversation).await.unwrap());
    let mut next = store.conversation(&user(1)).await.unwrap().unwrap();
    next.turn = 2;
    let said = ChatMessage {
        user_id: user(1),
        role: Role::Agent,
        text: "A person here.".to_owned(),
        at: at(9),
        turn: 2,
        intent: None,
        sentiment: None,
        response_ms: None,
        basis: Basis::default(),
    };
    let outgoing = Outgoing::text(user(1), 2, 0, "A person here.", at(9));
    let before = store.change_token().await.unwrap();
    assert_eq!(before, store.change_token().await.unwrap(), "nothing happened");
    assert!(store.save_reply(&next, &said, &outgoing).await.unwrap());
    assert_ne!(before, store.change_token().await.unwrap());
    assert!(!store.save_reply(&next, &said, &outgoing).await.unwrap(), "an older version");
    let again = (fresh.again)();
    assert_eq!(again.recent_messages(&user(1), 9).await.unwrap(), [said]);
    assert_eq!(again.outgoing_of(&user(1), 9).await.unwrap(), [outgoing]);
    assert_eq!(again.conversation(&user(1)).await.unwrap().unwrap().turn, 2);
    let claimed = again.claim_outgoing(None, at(10), SignedDuration::from_secs(5)).await.unwrap().unwrap();
    assert_eq!(claimed.body.text(), "A person here.");
}

pub(in crate::store) async fn every_change_changes_the_token(fresh: TestStore) {
    let store = &fresh.store;
    let other = (fresh.again)();
    let mut tokens = vec![other.change_token().await.unwrap()];
    store.append_messages(&rows()[..1]).await.unwrap();
    tokens.push(other.change_token().await.unwrap());
    let alert = Alert {
        id: AlertId::new("ALERT_1"),
        user_id: user(1),
        reason: "r".to_owned(),
        last_message: "m".to_owned(),
        priority: Priority::Low,
        status: AlertStatus::Pending,
        created_at: at(0),
        bot_answers: false,
        handling: Handling::default(),
    };
    store.open_alert(&alert).await.unwrap();
    tokens.push(other.change_token().await.unwrap());
    store.resolve_alert(&alert.id, &resolved(at(1))).await.unwrap();
    tokens.push(other.change_token().await.unwrap());
    store.record_refund(approved(1)).await.unwrap();
    tokens.push(other.change_token().await.unwrap());
    store.append_audit(&record(1)).await.unwrap();
    tokens.push(other.change_token().await.unwrap());
    let different: BTreeSet<&String> = tokens.iter().collect();
    assert_eq!(different.len(), tokens.len(), "{tokens:?}");
}
