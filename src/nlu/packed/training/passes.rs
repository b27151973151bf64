//! Decides in which order a batch is computed, forth and back, and what is kept between.
//!
//! It must never draw dropout in another order than `distilbert` does.

use super::attention::{attend, attend_back};
use super::loss::cross_entropy;
use super::norm::Normalized;
use super::{Block, Objective, Rows, Sentences, Tools, Trainee};
use crate::nlu::dropout::{Dropout, Mask};
use crate::nlu::model::Scores;
use crate::nlu::packed::linear::After;

/// Rows of a part of what is done row by row.
const BAND: usize = 32;

/// What a forward pass leaves for the way back, and memory for both.
pub(super) struct Tape {
    embedded: Normalized,
    /// What goes into each layer, and what comes out of the last.
    inputs: Vec<Rows>,
    blocks: Vec<Kept>,
    pooled: Rows,
    logits: [Rows; 2],
    work: Work,
}

/// What one layer of the transformer leaves.
struct Kept {
    qkv: Rows,
    context: Rows,
    attended: Normalized,
    middle: Rows,
    /// After the activation, and its slope there.
    hidden: Rows,
    slopes: Rows,
    fed: Normalized,
}

/// Gradients on the way back.
struct Work {
    gradient: Rows,
    next: Rows,
    dropped: Rows,
    hidden: Rows,
    qkv: Rows,
    pooled: Rows,
}

/// The masks of one pass, in the order in which they are drawn.
struct Masks {
    embedded: Option<Mask>,
    /// Of attention and of the feed-forward layer.
    blocks: Vec<[Option<Mask>; 2]>,
    pooled: Option<Mask>,
}

impl Tape {
    pub(super) fn new(layers: usize) -> Self {
        let kept = || Kept {
            qkv: Rows::new(),
            context: Rows::new(),
            attended: Normalized::new(),
            middle: Rows::new(),
            hidden: Rows::new(),
            slopes: Rows::new(),
            fed: Normalized::new(),
        };
        let [gradient, next, dropped, hidden, qkv, pooled] = std::array::from_fn(|_| Rows::new());
        Self {
            embedded: Normalized::new(),
            inputs: (0..=layers).map(|_| Rows::new()).collect(),
            blocks: (0..layers).map(|_| kept()).collect(),
            pooled: Rows::new(),
            logits: std::array::from_fn(|_| Rows::new()),
            work: Work { gradient, next, dropped, hidden, qkv, pooled },
        }
    }
}

impl Masks {
    fn draw(dropout: Option<Dropout>, [rate, attention, classifier]: [f64; 3], layers: usize) -> Self {
        let Some(mut dropout) = dropout else {
            return Self { embedded: None, blocks: vec![[None; 2]; layers], pooled: None };
        };
        let embedded = dropout.next(rate);
        let blocks = (0..layers).map(|_| [dropout.next(attention), dropout.next(rate)]).collect();
        Self { embedded, blocks, pooled: dropout.next(classifier) }
    }
}

impl Trainee {
    /// Adds the gradients of a batch and returns the loss of each task, before its weight; no gradient where no task
    /// has a label.
    pub(in crate::nlu) fn learn(
        &mut self,
        texts: &[&[u32]],
        dropout: Dropout,
        objective: &Objective,
    ) -> [Option<f64>; 2] {
        let _awake = self.tools.workers.team.wake();
        let sentences = Sentences::new(texts);
        let masks = Masks::draw(Some(dropout), self.dropout, self.blocks.len());
        self.forth(texts, &sentences, &masks);
        let losses = self.compare(objective);
        if losses.iter().any(Option::is_some) {
            self.back(texts, &sentences, &masks);
        }
        losses
    }

    /// Logits of tokenized texts, without dropout.
    pub(in crate::nlu) fn scores(&mut self, texts: &[&[u32]]) -> Vec<Scores> {
        if texts.is_empty() {
            return Vec::new();
        }
        let _awake = self.tools.workers.team.wake();
        let sentences = Sentences::new(texts);
        self.forth(texts, &sentences, &Masks::draw(None, self.dropout, self.blocks.len()));
        for (task, logits) in self.tasks.iter().zip(&mut self.tape.logits) {
            if let Some(task) = task {
                task.forth(&mut self.tools, &self.tape.pooled, After::Nothing, logits);
            }
        }
        let row = |task: usize, text| {
            self.tasks[task].as_ref().map_or(Vec::new(), |_| self.tape.logits[task].row(text).to_vec())
        };
        (0..texts.len()).map(|text| Scores { intent: row(0, text), sentiment: row(1, text) }).collect()
    }

    /// From tokens to pooled vectors.
    fn forth(&mut self, texts: &[&[u32]], sentences: &Sentences, masks: &Masks) {
        self.pack();
        let Self { parameters, tools, tape, .. } = self;
        let Tape { embedded, inputs, blocks: kept, .. } = tape;
        let tokens: Vec<(usize, usize)> =
            texts.iter().flat_map(|text| text.iter().enumerate().map(|(at, id)| (*id as usize, at))).collect();
        let (words, positions) = (&parameters[self.words].values, &parameters[self.positions].values);
        let (dim, places) = (self.dim, &sentences.places);
        embedded.hat.resize(tokens.len(), dim);
        let embed = |number: usize, row: &mut [f32]| {
            let (word, position) = tokens[number];
            let sums = words[word * dim..].iter().zip(&positions[position * dim..]);
            row.iter_mut().zip(sums).for_each(|(to, (word, position))| *to = word + position);
        };
        let drop = |number: usize, row: &mut [f32]| apply(masks.embedded.as_ref(), places[number] * dim, row);
        self.norm.forth(tools, parameters, embedded, &mut inputs[0], embed, drop);
        for (number, (block, kept)) in self.blocks.iter().zip(kept).enumerate() {
            let [attention, fed] = &masks.blocks[number];
            let [x, y] = &mut inputs[number..number + 2] else { continue };
            block.qkv.forth(tools, x, After::Nothing, &mut kept.qkv);
            attend(tools, &kept.qkv, sentences, self.heads, attention.as_ref(), &mut kept.context);
            block.out.forth(tools, &kept.context, After::Add(x), &mut kept.attended.hat);
            block.attention_norm.forth(tools, parameters, &mut kept.attended, &mut kept.middle, |_, _| (), |_, _| ());
            block.lin1.forth(tools, &kept.middle, After::Nothing, &mut kept.hidden);
            activate(tools, self.gelu, &mut kept.hidden, &mut kept.slopes);
            block.lin2.forth(tools, &kept.hidden, After::Nothing, &mut kept.fed.hat);
            let middle = &kept.middle;
            let join = |number: usize, row: &mut [f32]| {
                apply(fed.as_ref(), places[number] * dim, row);
                row.iter_mut().zip(middle.row(number)).for_each(|(sum, x)| *sum += x);
            };
            block.norm.forth(tools, parameters, &mut kept.fed, y, join, |_, _| ());
        }
        self.pool(sentences, masks);
    }

    /// One vector per sentence: that of its first token, or the mean.
    fn pool(&mut self, sentences: &Sentences, masks: &Masks) {
        let Tape { inputs, pooled, .. } = &mut self.tape;
        let Some(x) = inputs.last() else { return };
        pooled.resize(sentences.count(), self.dim);
        for (sentence, ends) in sentences.starts.windows(2).enumerate() {
            let to = pooled.row_mut(sentence);
            to.copy_from_slice(x.row(ends[0]));
            if self.mean_pooling {
                for row in ends[0] + 1..ends[1] {
                    to.iter_mut().zip(x.row(row)).for_each(|(sum, x)| *sum += x);
                }
                let share = 1.0 / (ends[1] - ends[0]) as f32;
                to.iter_mut().for_each(|sum| *sum *= share);
            }
            apply(masks.pooled.as_ref(), sentence * self.dim, to);
        }
    }

    /// The loss of each task, its classifier's gradient, and that of the pooled vectors.
    fn compare(&mut self, objective: &Objective) -> [Option<f64>; 2] {
        let Self { parameters, tools, tape: Tape { pooled, logits, work, .. }, tasks, .. } = self;
        let mut losses = [None; 2];
        for (number, (task, logits)) in tasks.iter().zip(logits).enumerate() {
            let (Some(task), Some(targets)) = (task, &objective.targets[number]) else { continue };
            task.forth(tools, pooled, After::Nothing, logits);
            losses[number] = Some(cross_entropy(logits, targets, objective.share, objective.weights[number]));
            task.learn(tools, pooled, logits, parameters);
            if number == 1 && losses[0].is_some() {
                task.back(tools, logits, After::Add(&work.pooled), &mut work.next);
                std::mem::swap(&mut work.pooled, &mut work.next);
            } else {
                task.back(tools, logits, After::Nothing, &mut work.pooled);
            }
        }
        losses
    }

    /// From the gradient of the pooled vectors to that of every weight.
    fn back(&mut self, texts: &[&[u32]], sentences: &Sentences, masks: &Masks) {
        self.unpool(sentences, masks);
        let Self { parameters, tools, tape, .. } = self;
        let Tape { embedded, inputs, blocks: kept, work, .. } = tape;
        let (dim, places) = (self.dim, &sentences.places);
        for (number, (block, kept)) in self.blocks.iter().zip(kept).enumerate().rev() {
            let Block { qkv, out, attention_norm, lin1, lin2, norm } = block;
            let [attention, fed] = &masks.blocks[number];
            norm.back(tools, parameters, &kept.fed, &mut work.gradient, |_, _| ());
            let gradient = match fed {
                None => &work.gradient,
                Some(mask) => {
                    drop_copy(tools, mask, places, &work.gradient, &mut work.dropped);
                    &work.dropped
                }
            };
            lin2.learn(tools, &kept.hidden, gradient, parameters);
            lin2.back(tools, gradient, After::Times(&kept.slopes), &mut work.hidden);
            lin1.learn(tools, &kept.middle, &work.hidden, parameters);
            lin1.back(tools, &work.hidden, After::Add(&work.gradient), &mut work.next);
            std::mem::swap(&mut work.gradient, &mut work.next);
            attention_norm.back(tools, parameters, &kept.attended, &mut work.gradient, |_, _| ());
            out.learn(tools, &kept.context, &work.gradient, parameters);
            out.back(tools, &work.gradient, After::Nothing, &mut work.dropped);
            attend_back(tools, &kept.qkv, &work.dropped, sentences, self.heads, attention.as_ref(), &mut work.qkv);
            qkv.learn(tools, &inputs[number], &work.qkv, parameters);
            qkv.back(tools, &work.qkv, After::Add(&work.gradient), &mut work.next);
            std::mem::swap(&mut work.gradient, &mut work.next);
        }
        let undrop = |number: usize, row: &mut [f32]| apply(masks.embedded.as_ref(), places[number] * dim, row);
        self.norm.back(tools, parameters, embedded, &mut work.gradient, undrop);
        for (text, start) in texts.iter().zip(&sentences.starts) {
            for (position, word) in text.iter().enumerate() {
                let gradient = work.gradient.row(start + position);
                parameters[self.words].add_row(*word as usize, gradient);
                parameters[self.positions].add_row(position, gradient);
            }
        }
    }

    /// The gradient of the last layer's output from that of the pooled vectors.
    fn unpool(&mut self, sentences: &Sentences, masks: &Masks) {
        let Work { gradient, pooled, .. } = &mut self.tape.work;
        gradient.resize(sentences.places.len(), self.dim);
        for (sentence, ends) in sentences.starts.windows(2).enumerate() {
            let from = pooled.row_mut(sentence);
            apply(masks.pooled.as_ref(), sentence * self.dim, from);
            let share = if self.mean_pooling { 1.0 / (ends[1] - ends[0]) as f32 } else { 1.0 };
            for row in ends[0]..ends[1] {
                let share = if self.mean_pooling || row == ends[0] { share } else { 0.0 };
                gradient.row_mut(row).iter_mut().zip(&*from).for_each(|(to, from)| *to = from * share);
            }
        }
    }
}

fn apply(mask: Option<&Mask>, first: usize, row: &mut [f32]) {
    if let Some(mask) = mask {
        mask.apply(first, row);
    }
}

/// Copies rows and multiplies a mask into them.
fn drop_copy(tools: &mut Tools, mask: &Mask, places: &[usize], rows: &Rows, out: &mut Rows) {
    let width = rows.width();
    out.resize(rows.count(), width);
    let stride = out.stride();
    tools.workers.team.share(out.bands(BAND).collect(), |_, band, out| {
        for (number, out) in out.chunks_mut(stride).enumerate() {
            let number = band * BAND + number;
            out[..width].copy_from_slice(rows.row(number));
            mask.apply(places[number] * width, &mut out[..width]);
        }
    });
}

/// Applies the activation in place and keeps its slope.
fn activate(tools: &mut Tools, gelu: bool, rows: &mut Rows, slopes: &mut Rows) {
    let width = rows.width();
    slopes.resize(rows.count(), width);
    let (stride, kernels) = (rows.stride(), tools.kernels);
    let bands = rows.bands(BAND).zip(slopes.bands(BAND)).collect();
    tools.workers.team.share(bands, |_, _, (rows, slopes)| {
        for (row, slopes) in rows.chunks_mut(stride).zip(slopes.chunks_mut(stride)) {
            let (row, slopes) = (&mut row[..width], &mut slopes[..width]);
            if gelu {
                kernels.gelu(row, slopes);
                continue;
            }
            for (value, slope) in row.iter_mut().zip(slopes) {
                *slope = if *value > 0.0 { 1.0 } else { 0.0 };
                // What is no number stays what it is, so that damage is never hidden.
                *value = if *value < 0.0 { 0.0 } else { *value };
            }
        }
    });
}
