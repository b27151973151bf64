//! What of a chunk is given as an answer.
//!
//! It must never change a sentence, nor begin or end within one.

use std::collections::HashMap;

use super::chunks::{Chunk, sentences};
use super::index::Index;
use super::question::{Question, count_terms, kinds_of};
use super::terms::Weight;

/// Characters of a passage, at most, unless one sentence has more.
pub(super) const LONGEST: usize = 600;
/// Up to so many characters a chunk is given whole.
const WHOLE: usize = 450;
/// A neighbour is given too that holds this share of the question more.
const MORE: f32 = 0.1;
/// What a number of the question counts, and the kind of answer that is wanted, as shares of the question.
const NUMBER: f32 = 0.5;
const OF_KIND: f32 = 0.2;
/// Up to so many characters a list or a table is.
const SHORT: usize = 240;
/// A line of a list is given that holds at least this share of what the best one does.
const LINE: f32 = 0.75;
/// The best line of a list stands out where it holds this share of the question.
const STANDS_OUT: f32 = 0.15;

impl Index {
    /// The part of a chunk that answers a question. `weights`: what each word of the question counts.
    pub(super) fn excerpt(&self, chunk: &Chunk, question: &Question, weights: &[f32]) -> String {
        let whole = chunk.text();
        if whole.chars().count() <= WHOLE {
            return self.lines(&whole, question, weights);
        }
        let total: f32 = weights.iter().sum();
        let held: Vec<Vec<f32>> = chunk.paragraphs.iter().map(|text| self.held(text, question, weights)).collect();
        let Some(best) = most(&held) else { return String::new() };
        let length = |text: &str| text.chars().count();
        let paragraph = &chunk.paragraphs[best];
        if length(paragraph) > LONGEST {
            return self.window(paragraph, question, weights);
        }
        let mut range = best..best + 1;
        for neighbour in [best.checked_add(1), best.checked_sub(1)].into_iter().flatten() {
            let Some(text) = chunk.paragraphs.get(neighbour) else { continue };
            let more: f32 = held[neighbour].iter().zip(&held[best]).map(|(there, here)| (there - here).max(0.0)).sum();
            let size: usize = chunk.paragraphs[range.clone()].iter().map(|text| length(text)).sum();
            if more > MORE * total && size + length(text) < LONGEST {
                range = range.start.min(neighbour)..range.end.max(neighbour + 1);
            }
        }
        // “We bring it to:” alone is no answer.
        if paragraph.trim_end().ends_with(':') && range.end < chunk.paragraphs.len() {
            range.end += 1;
        }
        self.lines(&chunk.paragraphs[range].join("\n"), question, weights)
    }

    /// The lines of a list or a table that answer, in their order, with what introduces them; all of them where none stands out.
    fn lines(&self, text: &str, question: &Question, weights: &[f32]) -> String {
        let lines: Vec<&str> = text.lines().collect();
        if text.chars().count() <= SHORT || lines.len() < 3 {
            return text.to_owned();
        }
        let held: Vec<Vec<f32>> = lines.iter().map(|line| self.held(line, question, weights)).collect();
        // What every line holds, such as the name of a column, tells none from the others.
        let common: Vec<f32> = (0..=weights.len())
            .map(|word| held.iter().map(|line| line.get(word).copied().unwrap_or_default()).fold(f32::MAX, f32::min))
            .collect();
        let own = |line: &Vec<f32>| line.iter().zip(&common).map(|(held, common)| held - common).sum::<f32>();
        let scores: Vec<f32> = held.iter().map(own).collect();
        let best = scores.iter().copied().fold(0.0, f32::max);
        if best < STANDS_OUT * weights.iter().sum::<f32>() {
            return text.to_owned();
        }
        let introduces = |at: usize| lines[at].trim_end().ends_with(':');
        let answers = |at: &usize| !introduces(*at) && scores[*at] >= LINE * best;
        if !(0..lines.len()).any(|at| answers(&at)) {
            return text.to_owned();
        }
        let kept = (0..lines.len()).filter(|at| introduces(*at) || answers(at));
        kept.map(|at| lines[at]).collect::<Vec<_>>().join("\n")
    }

    /// The sentences of a long paragraph around the one that holds most of the question.
    fn window(&self, paragraph: &str, question: &Question, weights: &[f32]) -> String {
        let sentences = sentences(paragraph);
        let held: Vec<Vec<f32>> = sentences.iter().map(|text| self.held(text, question, weights)).collect();
        let Some(best) = most(&held) else { return String::new() };
        let mut range = best..best + 1;
        let mut size = sentences[best].chars().count();
        loop {
            let before = range.start.checked_sub(1);
            let after = Some(range.end).filter(|end| *end < sentences.len());
            let gain = |at: Option<usize>| at.map_or(-1.0, |at| held[at].iter().sum::<f32>());
            let fits = |at: Option<usize>| at.filter(|at| size + sentences[*at].chars().count() <= LONGEST);
            let (first, second) = if gain(before) > gain(after) { (before, after) } else { (after, before) };
            let Some(next) = fits(first).or(fits(second)) else { break };
            size += sentences[next].chars().count();
            range = range.start.min(next)..range.end.max(next + 1);
        }
        sentences[range].concat().trim().to_owned()
    }

    /// How much of each word of the question a text holds.
    fn held(&self, text: &str, question: &Question, weights: &[f32]) -> Vec<f32> {
        let mut counts = HashMap::new();
        count_terms(text, &mut counts);
        let ids: Vec<usize> = counts.keys().filter_map(|term| self.ids.get(term).copied()).collect();
        let total: f32 = weights.iter().sum();
        let kinds = kinds_of(text) & question.kinds;
        let of_kind = f32::from(u8::try_from(kinds.count_ones()).unwrap_or(0)) * OF_KIND * total;
        let share = question.wanted.iter().zip(weights).map(|(wanted, weight)| {
            let best = wanted.any.iter().filter(|(id, _)| ids.contains(id)).map(|(_, factor)| *factor);
            // A number tells little of the subject, and much of the row of a table.
            let weight = if wanted.weight == Weight::Number { NUMBER * total } else { weight.max(0.1) };
            best.fold(0.0, f32::max) * weight
        });
        share.chain([of_kind]).collect()
    }
}

/// The place with the highest sum, the first of several.
fn most(held: &[Vec<f32>]) -> Option<usize> {
    let sums = held.iter().map(|held| held.iter().sum::<f32>());
    let best = sums.enumerate().fold(None, |best: Option<(usize, f32)>, (at, sum)| match best {
        Some((_, highest)) if highest >= sum => best,
        _ => Some((at, sum)),
    });
    best.map(|(at, _)| at)
}
