//! Random histories of two customers, compared with a small model of the rules.

use std::sync::atomic::{AtomicU32, Ordering};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::inbox::{LEASE, ids, text, turn_of};
use super::*;

/// Something that happens. A claim is named by its index among all claims so far, so that old ones act too.
#[derive(Debug, Clone)]
enum Step {
    Accept { who: usize, sent: i64 },
    Repeat(usize),
    Claim { who: usize },
    Renew(usize),
    Finish(usize),
    Fail { claim: usize, retry: Option<i64> },
    Release(usize),
    Retry { who: usize },
    Pass(i64),
}

fn step() -> impl Strategy<Value = Step> {
    let who = 0..2_usize;
    // Mostly the latest claims.
    let index = prop_oneof![4 => Just(0_usize), 1 => 0..4_usize];
    prop_oneof![
        4 => (who.clone(), -20..20_i64).prop_map(|(who, sent)| Step::Accept { who, sent }),
        1 => (0..9_usize).prop_map(Step::Repeat),
        5 => who.clone().prop_map(|who| Step::Claim { who }),
        2 => index.clone().prop_map(Step::Renew),
        4 => index.clone().prop_map(Step::Finish),
        2 => (index.clone(), proptest::option::of(1..50_i64)).prop_map(|(claim, retry)| Step::Fail { claim, retry }),
        1 => index.prop_map(Step::Release),
        1 => who.prop_map(|who| Step::Retry { who }),
        3 => (1..40_i64).prop_map(Step::Pass),
    ]
}

/// What the rules say of one conversation.
#[derive(Debug, Default)]
struct Model {
    due: Option<i64>,
    /// The number of the current claim.
    held: Option<u64>,
    fence: u64,
    attempts: u32,
    parked: bool,
    /// Time sent and identifier; its index is the order of arrival.
    waiting: Vec<(i64, String)>,
    answered: Vec<String>,
    arrived: bool,
}

impl Model {
    fn accept(&mut self, sent: i64, id: String, now: i64) {
        self.waiting.push((sent, id));
        self.arrived = true;
        if std::mem::take(&mut self.parked) {
            self.attempts = 0;
        }
        self.due.get_or_insert(now);
    }

    fn claimed(&self, now: i64) -> Option<Vec<String>> {
        let mut next: Vec<&(i64, String)> = self.waiting.iter().collect();
        next.sort_by_key(|(sent, _)| *sent);
        let due = self.due.is_some_and(|due| due <= now);
        due.then(|| next.into_iter().map(|(_, id)| id.clone()).collect())
    }
}

pub(in crate::store) async fn leases_and_order_hold_in_any_history(fresh: TestStore) {
    let customers = AtomicU32::new(1_000);
    let config = Config { cases: 48, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new(config);
    let handle = tokio::runtime::Handle::current();
    tokio::task::block_in_place(|| {
        let steps = proptest::collection::vec(step(), 1..40);
        runner
            .run(&steps, |steps| {
                // Customers of their own for each history: what an earlier one left behind does not matter.
                let first = customers.fetch_add(2, Ordering::Relaxed);
                handle.block_on(history(&fresh.store, first, &steps));
                Ok(())
            })
            .unwrap();
    });
}

#[expect(clippy::too_many_lines, reason = "one arm for each step, beside what the model expects of it")]
async fn history(store: &Arc<dyn Store>, first: u32, steps: &[Step]) {
    let mut models = [Model::default(), Model::default()];
    let mut accepted: Vec<(usize, i64, String)> = Vec::new();
    let mut claims: Vec<(usize, Claim)> = Vec::new();
    let mut now = 0;
    let asker = |who: usize| first + u32::try_from(who).unwrap();
    // Whatever happened, in the end everything is answered.
    let end = [
        Step::Retry { who: 0 },
        Step::Retry { who: 1 },
        Step::Pass(1_000),
        Step::Claim { who: 0 },
        Step::Finish(0),
        Step::Claim { who: 1 },
        Step::Finish(0),
        Step::Claim { who: 0 },
        Step::Claim { who: 1 },
    ];
    for step in steps.iter().chain(&end) {
        let named = |index: usize| claims.len().checked_sub(index + 1).map(|index| claims[index].clone());
        match step {
            Step::Pass(seconds) => now += seconds,
            Step::Accept { who, sent } => {
                let id = format!("{first}-{}", accepted.len());
                let message = text(&id, asker(*who), now + sent);
                assert_eq!(store.accept(&[message], at(now)).await.unwrap().new, 1);
                models[*who].accept(now + sent, id.clone(), now);
                accepted.push((*who, now + sent, id));
            }
            Step::Repeat(index) => {
                let Some((who, sent, id)) = accepted.get(*index) else { continue };
                let repeated = store.accept(&[text(id, asker(*who), *sent)], at(now)).await.unwrap();
                assert_eq!(repeated, Accepted { new: 0, repeated: 1 });
            }
            Step::Claim { who } => {
                let model = &mut models[*who];
                let expected = model.claimed(now);
                let claim = store.claim(Some(&user(asker(*who))), "w", at(now), LEASE).await.unwrap();
                let found = claim.as_ref().map(|claim| ids(claim).into_iter().map(str::to_owned).collect());
                assert_eq!(found, expected, "{step:?} at {now}");
                let Some(claim) = claim else { continue };
                assert!(claim.fence > model.fence, "the number only grows");
                model.attempts += 1;
                assert_eq!(claim.attempt, model.attempts);
                model.fence = claim.fence;
                (model.held, model.arrived, model.due) = (Some(claim.fence), false, Some(now + LEASE.as_secs()));
                claims.push((*who, claim));
            }
            Step::Renew(index) => {
                let Some((who, claim)) = named(*index) else { continue };
                let model = &mut models[who];
                let current = model.held == Some(claim.fence);
                assert_eq!(store.renew(&claim, at(now), LEASE).await.unwrap(), current, "{step:?} at {now}");
                if current {
                    model.due = Some(now + LEASE.as_secs());
                }
            }
            Step::Finish(index) => {
                let Some((who, claim)) = named(*index) else { continue };
                let model = &mut models[who];
                let turn = turn_of(store, &claim, "reply").await;
                let expected = if model.held == Some(claim.fence) { Finished::Saved } else { Finished::Lost };
                assert_eq!(store.finish(&claim, &turn, at(now)).await.unwrap(), expected, "{step:?} at {now}");
                if expected == Finished::Saved {
                    let done: Vec<String> = ids(&claim).into_iter().map(str::to_owned).collect();
                    model.waiting.retain(|(_, id)| !done.contains(id));
                    model.answered.extend(done);
                    (model.held, model.attempts) = (None, 0);
                    model.due = model.arrived.then_some(now);
                }
            }
            Step::Fail { claim: index, retry } => {
                let Some((who, claim)) = named(*index) else { continue };
                let model = &mut models[who];
                let current = model.held == Some(claim.fence);
                let due = retry.map(|after| now + after);
                let failed = store.fail(&claim, "failed", due.map(at), at(now)).await.unwrap();
                assert_eq!(failed, current, "{step:?} at {now}");
                if current {
                    (model.held, model.due, model.parked) = (None, due, due.is_none());
                }
            }
            Step::Release(index) => {
                let Some((who, claim)) = named(*index) else { continue };
                let model = &mut models[who];
                let current = model.held == Some(claim.fence);
                assert_eq!(store.release(&claim, at(now)).await.unwrap(), current, "{step:?} at {now}");
                if current {
                    (model.held, model.due) = (None, Some(now));
                    model.attempts -= 1;
                }
            }
            Step::Retry { who } => {
                let model = &mut models[*who];
                let retried = store.retry_parked(Some(&user(asker(*who))), at(now)).await.unwrap();
                assert_eq!(retried, u64::from(model.parked), "{step:?} at {now}");
                if std::mem::take(&mut model.parked) {
                    (model.due, model.attempts) = (Some(now), 0);
                }
            }
        }
    }
    for (who, model) in models.iter().enumerate() {
        assert!(model.waiting.is_empty(), "{model:?}");
        let transcript = store.recent_messages(&user(asker(who)), 1_000).await.unwrap();
        let said: Vec<String> = transcript
            .iter()
            .filter(|message| message.role == Role::User)
            .map(|message| message.text.trim_start_matches("text of ").to_owned())
            .collect();
        assert_eq!(said, model.answered, "each message once, in the order of its turns");
        let replies = transcript.len() - said.len();
        assert_eq!(store.outgoing_of(&user(asker(who)), 1_000).await.unwrap().len(), replies);
    }
}
