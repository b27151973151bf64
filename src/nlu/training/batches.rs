//! Makes the batches of a training ready: where a card computes, on another thread and ahead of their step.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

use crate::NluError;
use crate::data::batching::{Row, targets};
use crate::packed::Objective;

/// Steps whose batches wait for the card.
const AHEAD: usize = 4;

/// A batch that is ready to be computed.
#[derive(Clone)]
pub(crate) struct Batch {
    /// Token ids of its rows.
    pub(crate) ids: Vec<Vec<u32>>,
    /// Their targets.
    pub(crate) objective: Objective,
}

/// The rows of a training and what their losses weigh.
#[derive(Debug, Clone)]
pub(crate) struct Preparer {
    pub(crate) rows: Vec<Row>,
    /// Of each head.
    pub(crate) class_weights: Vec<Vec<f32>>,
    /// Of each head's loss.
    pub(crate) head_weights: Vec<f64>,
    pub(crate) label_smoothing: f32,
}

impl Preparer {
    /// The batches of one step.
    fn step(&self, group: &[Vec<usize>]) -> Vec<Batch> {
        #[expect(clippy::cast_precision_loss, reason = "a step has few batches")]
        let batch_weight = 1.0 / group.len() as f64;
        group.iter().map(|batch| self.batch(batch, batch_weight)).collect()
    }

    fn batch(&self, batch: &[usize], batch_weight: f64) -> Batch {
        let rows: Vec<&Row> = batch.iter().map(|row| &self.rows[*row]).collect();
        let of_head = |(head, weights): (usize, &Vec<f32>)| {
            targets(&rows.iter().map(|row| row.labels[head]).collect::<Vec<_>>(), weights, self.label_smoothing)
        };
        let targets = self.class_weights.iter().enumerate().map(of_head).collect();
        let objective = Objective { targets, weights: self.head_weights.clone(), batch_weight };
        Batch { ids: rows.iter().map(|row| row.ids.clone()).collect(), objective }
    }
}

/// The batches of the rest of an epoch, step by step.
pub(crate) enum Batches {
    /// Each is made when it is asked for.
    Now(Arc<Preparer>, std::vec::IntoIter<Vec<Vec<usize>>>),
    /// Another thread makes them; the number is of the steps that are still to come.
    Ahead(Receiver<Vec<Batch>>, usize),
}

impl Batches {
    /// `groups` are the rows of each batch of each step.
    ///
    /// # Errors
    /// A thread cannot be started.
    pub(crate) fn new(preparer: &Arc<Preparer>, groups: Vec<Vec<Vec<usize>>>, ahead: bool) -> Result<Self, NluError> {
        let preparer = Arc::clone(preparer);
        if !ahead {
            return Ok(Self::Now(preparer, groups.into_iter()));
        }
        let steps = groups.len();
        let (sender, receiver) = sync_channel(AHEAD);
        std::thread::Builder::new()
            .name("batches".to_owned())
            // A receiver that is gone means that the training has ended.
            .spawn(move || groups.iter().try_for_each(|group| sender.send(preparer.step(group))))
            .map_err(|error| NluError::Internal(format!("a thread cannot start: {error}")))?;
        Ok(Self::Ahead(receiver, steps))
    }

    /// The batches of the next step; none at the end of the epoch.
    ///
    /// # Errors
    /// The thread that makes them has ended too early.
    pub(crate) fn next(&mut self) -> Result<Option<Vec<Batch>>, NluError> {
        match self {
            Self::Now(preparer, groups) => Ok(groups.next().map(|group| preparer.step(&group))),
            Self::Ahead(_, 0) => Ok(None),
            Self::Ahead(receiver, steps) => {
                *steps -= 1;
                let ended = |_| NluError::Internal("the thread that makes batches has ended".to_owned());
                receiver.recv().map(Some).map_err(ended)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_made_ahead_are_those_made_on_demand() {
        let row = |number: u32| Row {
            ids: (0..=number % 5).collect(),
            augmented: Vec::new(),
            labels: vec![Some(number as usize % 3), None],
        };
        let preparer = Arc::new(Preparer {
            rows: (0..20).map(row).collect(),
            class_weights: vec![vec![1.0; 3], vec![1.0; 2]],
            head_weights: vec![1.0, 0.5],
            label_smoothing: 0.1,
        });
        let groups: Vec<Vec<Vec<usize>>> = (0..10).map(|step| vec![vec![step, step + 1], vec![step + 9]]).collect();
        let mut now = Batches::new(&preparer, groups.clone(), false).unwrap();
        let mut ahead = Batches::new(&preparer, groups, true).unwrap();
        for _ in 0..10 {
            let [now, ahead] = [&mut now, &mut ahead].map(|batches| batches.next().unwrap().unwrap());
            assert_eq!(now.len(), 2);
            for (one, other) in now.iter().zip(&ahead) {
                assert_eq!(one.ids, other.ids);
                assert_eq!(one.objective.targets, other.objective.targets);
                assert!(one.objective.targets[0].is_some() && one.objective.targets[1].is_none());
                assert_eq!((one.objective.batch_weight, &one.objective.weights), (0.5, &vec![1.0, 0.5]));
            }
        }
        assert!(now.next().unwrap().is_none() && ahead.next().unwrap().is_none());
    }
}
