use super::super::period::tests::period;
use super::*;

fn row(user: &'static str, role: Role, at: &str, turn: u64) -> ConversationRow<'static> {
    ConversationRow {
        user,
        role,
        at: at.parse().unwrap(),
        turn,
        intent: (role == Role::User).then_some("refund_request"),
        sentiment: (role == Role::User).then_some("neutral"),
        response_ms: (role == Role::Assistant).then_some(100 * turn),
        intent_confidence: None,
        reused: None,
        degraded: None,
    }
}

fn count(period: &Period, raised: &[(&str, &str)], rows: &[ConversationRow<'_>]) -> ConversationStats {
    let mut by: HashMap<String, Vec<Timestamp>> = HashMap::new();
    for (user, at) in raised {
        by.entry((*user).to_owned()).or_default().push(at.parse().unwrap());
    }
    let mut counter = ConversationCounter::new(period, by);
    for row in rows {
        counter.add(row);
    }
    counter.finish()
}

#[test]
fn a_day_of_silence_begins_a_session() {
    let all = period("", "2026-01-10T00:00:00Z");
    let rows = [
        row("a", Role::User, "2026-01-01T00:00:00Z", 1),
        row("a", Role::User, "2026-01-01T00:00:01Z", 1),
        row("a", Role::Assistant, "2026-01-01T00:00:02Z", 1),
        row("a", Role::User, "2026-01-02T00:00:00Z", 2),
        row("a", Role::User, "2026-01-03T00:00:00Z", 3),
        row("b", Role::User, "2026-01-03T00:00:00Z", 1),
        row("b", Role::Assistant, "2026-01-03T00:00:00Z", 1),
    ];
    let stats = count(&all, &[], &rows);
    assert_eq!((stats.users, stats.messages, stats.turns, stats.sessions), (2, 5, 4, 3));
    assert_eq!(stats.intents["refund_request"], 4, "a burst is one turn");
    // a's first ran to the 2nd at 00:00:00 and was opened again just a day after, and its last question was answered by
    // nobody; b's was answered and left alone.
    assert_eq!((stats.auto_resolved, stats.reopened, stats.still_open, stats.unanswered), (1, 0, 0, 2));
}

#[test]
fn the_question_about_the_team_and_its_answer_are_in_no_figure() {
    let all = period("", "2026-01-10T00:00:00Z");
    let rows = [row("a", Role::User, "2026-01-01T00:00:00Z", 1), row("a", Role::Agent, "2026-01-01T00:10:00Z", 1)];
    let about = |role, at| ConversationRow { intent: Some(LABEL), sentiment: None, ..row("a", role, at, 2) };
    let asked = [
        about(Role::Assistant, "2026-01-01T00:11:00Z"),
        about(Role::User, "2026-01-02T00:00:00Z"),
        about(Role::Assistant, "2026-01-02T00:00:01Z"),
    ];
    let with: Vec<ConversationRow<'_>> = rows.iter().chain(&asked).copied().collect();
    assert_eq!(count(&all, &[], &with), count(&all, &[], &rows));
    let stats = count(&all, &[], &with);
    assert_eq!((stats.sessions, stats.replies, stats.auto_resolved, stats.reopened), (1, 0, 0, 0));
}

#[test]
fn a_session_that_an_agent_ended_late_can_be_opened_again() {
    let all = period("", "2026-01-10T00:00:00Z");
    let rows = [
        row("a", Role::User, "2026-01-01T00:00:00Z", 1),
        row("a", Role::Assistant, "2026-01-01T20:00:00Z", 1),
        row("a", Role::User, "2026-01-02T01:00:00Z", 2),
        row("a", Role::Assistant, "2026-01-02T01:00:01Z", 2),
    ];
    let stats = count(&all, &[("a", "2026-01-02T01:00:00Z")], &rows);
    assert_eq!((stats.sessions, stats.reopened, stats.auto_resolved, stats.handed_over), (2, 1, 0, 1));
}

#[test]
fn every_outcome_is_counted_and_names_its_customers() {
    let all = period("", "2026-01-10T00:00:00Z");
    let day = |text: &str| format!("2026-01-0{text}:00Z");
    let times: Vec<String> = ["1T00:00", "1T00:01", "1T00:02", "1T00:03", "2T00:00"].into_iter().map(day).collect();
    let at = |index: usize| times[index].as_str();
    let rows = [
        row("answered", Role::User, at(0), 1),
        row("answered", Role::Assistant, at(1), 1),
        row("ignored", Role::User, at(0), 1),
        row("ignored", Role::Assistant, at(1), 1),
        row("ignored", Role::User, at(2), 2),
        row("left", Role::User, at(0), 1),
        row("left", Role::Agent, at(1), 2),
        row("helped", Role::User, at(0), 1),
        row("helped", Role::Agent, at(3), 2),
        row("just now", Role::User, "2026-01-09T23:55:00Z", 1),
        row("waits", Role::User, "2026-01-09T23:00:00Z", 1),
    ];
    let raised = [("left", at(2)), ("helped", at(2)), ("waits", "2026-01-09T23:01:00Z")];
    let stats = count(&all, &raised, &rows);
    let of = |outcome: Outcome| {
        stats.ended.get(&outcome).into_iter().flatten().map(UserId::as_str).collect::<Vec<_>>().join(" ")
    };
    assert_eq!((stats.auto_resolved, stats.unanswered, stats.abandoned, stats.handed_over), (1, 1, 1, 3));
    assert_eq!((of(Outcome::Resolved), of(Outcome::Unanswered)), ("answered".to_owned(), "ignored".to_owned()));
    assert_eq!((of(Outcome::Abandoned), of(Outcome::HandedOver)), ("left".to_owned(), "waits helped left".to_owned()));
    for (outcome, word, _) in Outcome::EACH {
        assert_eq!(Outcome::parse(word), Some(outcome));
    }
}

#[test]
fn a_session_counts_where_it_begins() {
    let second = period("2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z");
    let rows = [
        row("a", Role::User, "2026-01-01T23:59:00Z", 1),
        row("a", Role::User, "2026-01-02T00:01:00Z", 2),
        row("b", Role::User, "2026-01-02T00:01:00Z", 1),
        row("b", Role::Assistant, "2026-01-02T00:01:01Z", 1),
        row("c", Role::User, "2026-01-03T00:00:00Z", 1),
    ];
    let stats = count(&second, &[], &rows);
    assert_eq!((stats.users, stats.sessions, stats.messages), (2, 1, 2));
    assert_eq!((stats.auto_resolved, stats.still_open), (1, 1));
    assert_eq!((stats.mean_response_ms(), stats.p95_response_ms()), (Some(100.0), Some(100)));
    assert_eq!(count(&second, &[], &[]).auto_resolution_rate(), None);
}
