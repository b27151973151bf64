//! The forward and backward pass over a batch. Dropout masks are drawn in the same order as in `model/distilbert`.

use super::attention::{attend, attend_backward};
use super::loss::cross_entropy;
use super::norm::Normalized;
use super::{Block, Objective, Sentences, TrainingNetwork, TrainingWorkspace};
use crate::model::dropout::{Dropout, Mask};
use crate::model::scores::Scores;
use crate::packed::linear::Epilogue;
use crate::packed::memory::Rows;

/// Rows of a chunk of what is done row by row.
const ROW_BLOCK: usize = 32;

/// What a forward pass saves for the backward pass, and memory for both.
pub(super) struct Tape {
    embedded: Normalized,
    /// The input of each layer, and the output of the last.
    inputs: Vec<Rows>,
    blocks: Vec<LayerActivations>,
    pooled: Rows,
    /// Of each head.
    logits: Vec<Rows>,
    gradients: Gradients,
}

/// What one layer of the transformer saves.
struct LayerActivations {
    qkv: Rows,
    context: Rows,
    attended: Normalized,
    attention_output: Rows,
    /// After the activation, and its derivative there.
    hidden: Rows,
    derivatives: Rows,
    fed: Normalized,
}

/// Gradients of the backward pass.
struct Gradients {
    /// Of the output of what comes next backward.
    output: Rows,
    /// Becomes `output`.
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
    pub(super) fn new(layers: usize, heads: usize) -> Self {
        let activations = || LayerActivations {
            qkv: Rows::new(),
            context: Rows::new(),
            attended: Normalized::new(),
            attention_output: Rows::new(),
            hidden: Rows::new(),
            derivatives: Rows::new(),
            fed: Normalized::new(),
        };
        let [output, next, dropped, hidden, qkv, pooled] = std::array::from_fn(|_| Rows::new());
        Self {
            embedded: Normalized::new(),
            inputs: (0..=layers).map(|_| Rows::new()).collect(),
            blocks: (0..layers).map(|_| activations()).collect(),
            pooled: Rows::new(),
            logits: (0..heads).map(|_| Rows::new()).collect(),
            gradients: Gradients { output, next, dropped, hidden, qkv, pooled },
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

impl TrainingNetwork {
    /// Adds the gradients of a batch and returns the loss of each head, before its weight. Without a label in the batch
    /// nothing is added.
    pub(crate) fn accumulate_gradients(
        &mut self,
        texts: &[&[u32]],
        dropout: Dropout,
        objective: &Objective,
    ) -> Vec<Option<f64>> {
        let _guard = self.workspace.executor.pool.wake();
        let sentences = Sentences::new(texts);
        let masks = Masks::draw(Some(dropout), self.dropout, self.blocks.len());
        self.forward(texts, &sentences, &masks);
        let losses = self.losses(objective);
        if losses.iter().any(Option::is_some) {
            self.backward(texts, &sentences, &masks);
        }
        losses
    }

    /// Logits of tokenized texts, without dropout.
    pub(crate) fn scores(&mut self, texts: &[&[u32]]) -> Vec<Scores> {
        if texts.is_empty() {
            return Vec::new();
        }
        let _guard = self.workspace.executor.pool.wake();
        let sentences = Sentences::new(texts);
        self.forward(texts, &sentences, &Masks::draw(None, self.dropout, self.blocks.len()));
        for (classifier, logits) in self.classifiers.iter().zip(&mut self.tape.logits) {
            classifier.forward(&mut self.workspace, &self.tape.pooled, Epilogue::None, logits);
        }
        let logits = &self.tape.logits;
        (0..texts.len()).map(|text| logits.iter().map(|of| of.row(text).to_vec()).collect()).collect()
    }

    /// From tokens to pooled vectors.
    fn forward(&mut self, texts: &[&[u32]], sentences: &Sentences, masks: &Masks) {
        self.pack();
        let Self { parameters, workspace, tape, .. } = self;
        let Tape { embedded, inputs, blocks: saved, .. } = tape;
        let tokens: Vec<(usize, usize)> =
            texts.iter().flat_map(|text| text.iter().enumerate().map(|(at, id)| (*id as usize, at))).collect();
        let (words, positions) = (&parameters[self.words].values, &parameters[self.positions].values);
        let (dim, padded_index) = (self.dim, &sentences.padded_index);
        embedded.hat.resize(tokens.len(), dim);
        let embed = |number: usize, row: &mut [f32]| {
            let (word, position) = tokens[number];
            let sums = words[word * dim..].iter().zip(&positions[position * dim..]);
            row.iter_mut().zip(sums).for_each(|(to, (word, position))| *to = word + position);
        };
        let drop = |number: usize, row: &mut [f32]| apply(masks.embedded.as_ref(), padded_index[number] * dim, row);
        self.norm.forward(workspace, parameters, embedded, &mut inputs[0], embed, drop);
        for (number, (block, saved)) in self.blocks.iter().zip(saved).enumerate() {
            let [attention, fed] = &masks.blocks[number];
            let [x, y] = &mut inputs[number..number + 2] else { continue };
            block.qkv.forward(workspace, x, Epilogue::None, &mut saved.qkv);
            attend(workspace, &saved.qkv, sentences, self.heads, attention.as_ref(), &mut saved.context);
            block.out.forward(workspace, &saved.context, Epilogue::Add(x), &mut saved.attended.hat);
            block.attention_norm.forward(
                workspace,
                parameters,
                &mut saved.attended,
                &mut saved.attention_output,
                |_, _| (),
                |_, _| (),
            );
            block.lin1.forward(workspace, &saved.attention_output, Epilogue::None, &mut saved.hidden);
            activate(workspace, self.gelu, &mut saved.hidden, &mut saved.derivatives);
            block.lin2.forward(workspace, &saved.hidden, Epilogue::None, &mut saved.fed.hat);
            let residual = &saved.attention_output;
            let join = |number: usize, row: &mut [f32]| {
                apply(fed.as_ref(), padded_index[number] * dim, row);
                row.iter_mut().zip(residual.row(number)).for_each(|(sum, x)| *sum += x);
            };
            block.norm.forward(workspace, parameters, &mut saved.fed, y, join, |_, _| ());
        }
        self.pool(sentences, masks);
    }

    /// One vector per sentence: that of its first token, or the mean.
    #[expect(clippy::cast_precision_loss, reason = "a sentence has far fewer than 2^24 tokens")]
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
                let factor = 1.0 / (ends[1] - ends[0]) as f32;
                for sum in to.iter_mut() {
                    *sum *= factor;
                }
            }
            apply(masks.pooled.as_ref(), sentence * self.dim, to);
        }
    }

    /// The loss of each head, its classifier's gradient, and that of the pooled vectors.
    fn losses(&mut self, objective: &Objective) -> Vec<Option<f64>> {
        let Self { parameters, workspace, tape: Tape { pooled, logits, gradients, .. }, classifiers, .. } = self;
        let mut losses: Vec<Option<f64>> = Vec::with_capacity(classifiers.len());
        for (number, (classifier, logits)) in classifiers.iter().zip(logits).enumerate() {
            let Some(targets) = &objective.targets[number] else {
                losses.push(None);
                continue;
            };
            classifier.forward(workspace, pooled, Epilogue::None, logits);
            let loss = cross_entropy(logits, targets, objective.batch_weight, objective.weights[number]);
            classifier.accumulate_gradients(workspace, pooled, logits, parameters);
            if losses.iter().any(Option::is_some) {
                classifier.backward(workspace, logits, Epilogue::Add(&gradients.pooled), &mut gradients.next);
                std::mem::swap(&mut gradients.pooled, &mut gradients.next);
            } else {
                classifier.backward(workspace, logits, Epilogue::None, &mut gradients.pooled);
            }
            losses.push(Some(loss));
        }
        losses
    }

    /// From the gradient of the pooled vectors to that of every weight.
    fn backward(&mut self, texts: &[&[u32]], sentences: &Sentences, masks: &Masks) {
        self.unpool(sentences, masks);
        let Self { parameters, workspace, tape, .. } = self;
        let Tape { embedded, inputs, blocks: saved, gradients, .. } = tape;
        let (dim, padded_index) = (self.dim, &sentences.padded_index);
        for (number, (block, saved)) in self.blocks.iter().zip(saved).enumerate().rev() {
            let Block { qkv, out, attention_norm, lin1, lin2, norm } = block;
            let [attention, fed] = &masks.blocks[number];
            norm.backward(workspace, parameters, &saved.fed, &mut gradients.output, |_, _| ());
            let gradient = match fed {
                None => &gradients.output,
                Some(mask) => {
                    drop_copy(workspace, mask, padded_index, &gradients.output, &mut gradients.dropped);
                    &gradients.dropped
                }
            };
            lin2.accumulate_gradients(workspace, &saved.hidden, gradient, parameters);
            lin2.backward(workspace, gradient, Epilogue::Multiply(&saved.derivatives), &mut gradients.hidden);
            lin1.accumulate_gradients(workspace, &saved.attention_output, &gradients.hidden, parameters);
            lin1.backward(workspace, &gradients.hidden, Epilogue::Add(&gradients.output), &mut gradients.next);
            std::mem::swap(&mut gradients.output, &mut gradients.next);
            attention_norm.backward(workspace, parameters, &saved.attended, &mut gradients.output, |_, _| ());
            out.accumulate_gradients(workspace, &saved.context, &gradients.output, parameters);
            out.backward(workspace, &gradients.output, Epilogue::None, &mut gradients.dropped);
            attend_backward(
                workspace,
                &saved.qkv,
                &gradients.dropped,
                sentences,
                self.heads,
                attention.as_ref(),
                &mut gradients.qkv,
            );
            qkv.accumulate_gradients(workspace, &inputs[number], &gradients.qkv, parameters);
            qkv.backward(workspace, &gradients.qkv, Epilogue::Add(&gradients.output), &mut gradients.next);
            std::mem::swap(&mut gradients.output, &mut gradients.next);
        }
        let undrop = |number: usize, row: &mut [f32]| apply(masks.embedded.as_ref(), padded_index[number] * dim, row);
        self.norm.backward(workspace, parameters, embedded, &mut gradients.output, undrop);
        for (text, start) in texts.iter().zip(&sentences.starts) {
            for (position, word) in text.iter().enumerate() {
                let gradient = gradients.output.row(start + position);
                parameters[self.words].add_row(*word as usize, gradient);
                parameters[self.positions].add_row(position, gradient);
            }
        }
    }

    /// The gradient of the last layer's output from that of the pooled vectors.
    #[expect(clippy::cast_precision_loss, reason = "a sentence has far fewer than 2^24 tokens")]
    fn unpool(&mut self, sentences: &Sentences, masks: &Masks) {
        let Gradients { output: gradient, pooled, .. } = &mut self.tape.gradients;
        gradient.resize(sentences.padded_index.len(), self.dim);
        for (sentence, ends) in sentences.starts.windows(2).enumerate() {
            let from = pooled.row_mut(sentence);
            apply(masks.pooled.as_ref(), sentence * self.dim, from);
            let factor = if self.mean_pooling { 1.0 / (ends[1] - ends[0]) as f32 } else { 1.0 };
            for row in ends[0]..ends[1] {
                let factor = if self.mean_pooling || row == ends[0] { factor } else { 0.0 };
                gradient.row_mut(row).iter_mut().zip(&*from).for_each(|(to, from)| *to = from * factor);
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
fn drop_copy(workspace: &mut TrainingWorkspace, mask: &Mask, padded_index: &[usize], rows: &Rows, out: &mut Rows) {
    let width = rows.width();
    out.resize(rows.count(), width);
    let stride = out.stride();
    workspace.executor.pool.for_each(out.row_blocks(ROW_BLOCK).collect(), |_, block, out| {
        for (number, out) in out.chunks_mut(stride).enumerate() {
            let number = block * ROW_BLOCK + number;
            out[..width].copy_from_slice(rows.row(number));
            mask.apply(padded_index[number] * width, &mut out[..width]);
        }
    });
}

/// Applies the activation in place and saves its derivative.
fn activate(workspace: &mut TrainingWorkspace, gelu: bool, rows: &mut Rows, derivatives: &mut Rows) {
    let width = rows.width();
    derivatives.resize(rows.count(), width);
    let (stride, kernels) = (rows.stride(), workspace.kernels);
    let blocks = rows.row_blocks(ROW_BLOCK).zip(derivatives.row_blocks(ROW_BLOCK)).collect();
    workspace.executor.pool.for_each(blocks, |_, _, (rows, derivatives)| {
        for (row, derivatives) in rows.chunks_mut(stride).zip(derivatives.chunks_mut(stride)) {
            let (row, derivatives) = (&mut row[..width], &mut derivatives[..width]);
            if gelu {
                kernels.gelu(row, derivatives);
                continue;
            }
            for (value, derivative) in row.iter_mut().zip(derivatives) {
                *derivative = if *value > 0.0 { 1.0 } else { 0.0 };
                // NaN stays NaN, so that damaged weights are never hidden.
                *value = if *value < 0.0 { 0.0 } else { *value };
            }
        }
    });
}
