//! Decides how a linear layer is computed forth and back, and how the gradient of its weights is.
//!
//! It must never let a result depend on how many threads there are.

#![allow(unsafe_code)]

use super::kernels::{MOST_ROWS, Outer};
use super::parameters::Parameter;
use super::{Buffer, Linear, PANEL, Rows, Tools};
use crate::nlu::packed::linear::After;
use crate::nlu::packed::team::Team;

/// Rows whose outer products are added up before the sums go to memory: a panel of them stays in the second-level
/// cache.
const DEPTH: usize = 1024;

/// Strips of a part of a gradient.
const STRIPS: usize = 8;

/// One linear layer, or several with the same inputs side by side.
pub(super) struct Layer {
    inputs: usize,
    outputs: usize,
    parts: Vec<Part>,
    forward: Linear,
    /// From the gradient of the outputs to that of the inputs.
    backward: Linear,
}

/// One layer of those side by side.
struct Part {
    /// Numbers of the weight and, one further, of the bias among the parameters.
    weight: usize,
    /// Its first output among those of all.
    start: usize,
    width: usize,
}

/// One panel to be filled with weights.
pub(super) struct Unpacked<'a> {
    layer: (usize, usize),
    parts: &'a [Part],
    panel: &'a mut [f32],
    number: usize,
    forward: bool,
}

impl Layer {
    /// Layers of `inputs`, whose weights have these numbers among the parameters, and as many outputs.
    pub(super) fn new(inputs: usize, layers: &[(usize, usize)]) -> Self {
        let mut outputs = 0;
        let parts = layers.iter().map(|(weight, width)| {
            outputs += width;
            Part { weight: *weight, start: outputs - width, width: *width }
        });
        let parts = parts.collect();
        let (forward, backward) = (Linear::zeros(inputs, outputs), Linear::zeros(outputs, inputs));
        Self { inputs, outputs, parts, forward, backward }
    }

    /// The panels that [`pack`] is to fill; the bias is copied.
    pub(super) fn unpacked(&mut self, parameters: &[Parameter]) -> Vec<Unpacked<'_>> {
        let Self { inputs, outputs, parts, forward, backward } = self;
        let (panels, bias) = forward.full_mut();
        for part in parts.iter() {
            bias[part.start..][..part.width].copy_from_slice(&parameters[part.weight + 1].values);
        }
        let forth = panels.chunks_exact_mut(*inputs * PANEL).enumerate().map(|one| (one, true));
        let back = backward.full_mut().0.chunks_exact_mut(*outputs * PANEL).enumerate().map(|one| (one, false));
        let layer = (*inputs, *outputs);
        let unpacked = |((number, panel), forward)| Unpacked { layer, parts, panel, number, forward };
        forth.chain(back).map(unpacked).collect()
    }

    /// `out = rows · weights + bias`.
    pub(super) fn forth(&self, tools: &mut Tools, rows: &Rows, after: After<'_>, out: &mut Rows) {
        self.forward.multiply(&mut tools.workers, rows, after, out);
    }

    /// The gradient of the rows from that of the outputs.
    pub(super) fn back(&self, tools: &mut Tools, gradient: &Rows, after: After<'_>, out: &mut Rows) {
        self.backward.multiply(&mut tools.workers, gradient, after, out);
    }

    /// Adds the gradient of the weights: the sum of the rows' outer products with the gradients of their outputs.
    pub(super) fn learn(&self, tools: &mut Tools, rows: &Rows, gradient: &Rows, parameters: &mut [Parameter]) {
        assert!(rows.count() == gradient.count() && [rows.width(), gradient.width()] == [self.inputs, self.outputs]);
        for first in (0..rows.count()).step_by(DEPTH) {
            let depth = DEPTH.min(rows.count() - first);
            self.prepare(tools, rows, gradient, (first, depth));
            self.add_products(tools, depth, parameters);
        }
    }

    /// Packs a few rows into strips and their gradients into panels, and adds up the latter.
    fn prepare(&self, tools: &mut Tools, rows: &Rows, gradient: &Rows, (first, depth): (usize, usize)) {
        let Tools { workers, kernels, strips, panels, sums, .. } = tools;
        let height = kernels.rows;
        let columns = self.outputs.div_ceil(PANEL);
        strips.resize(self.inputs.div_ceil(height) * height * depth);
        panels.resize(columns * PANEL * depth);
        sums.resize(columns * PANEL);
        enum Work<'a> {
            Strip(usize, &'a mut [f32]),
            Panel(usize, &'a mut [f32], &'a mut [f32]),
        }
        let strips = strips.chunks_exact_mut(height * depth).enumerate().map(|(at, strip)| Work::Strip(at, strip));
        let panels = panels.chunks_exact_mut(PANEL * depth).zip(sums.chunks_exact_mut(PANEL)).enumerate();
        let panels = panels.map(|(at, (panel, sums))| Work::Panel(at, panel, sums));
        workers.team.share(strips.chain(panels).collect(), |_, _, work| match work {
            Work::Strip(at, strip) => {
                let (from, count) = (*at * height, height.min(self.inputs - *at * height));
                for (k, to) in strip.chunks_exact_mut(height).enumerate() {
                    to[..count].copy_from_slice(&rows.row(first + k)[from..][..count]);
                    to[count..].fill(0.0);
                }
            }
            Work::Panel(at, panel, sums) => {
                let (from, count) = (*at * PANEL, PANEL.min(self.outputs - *at * PANEL));
                sums.fill(0.0);
                for (k, to) in panel.as_chunks_mut::<PANEL>().0.iter_mut().enumerate() {
                    to[..count].copy_from_slice(&gradient.row(first + k)[from..][..count]);
                    to[count..].fill(0.0);
                    sums.iter_mut().zip(to).for_each(|(sum, value)| *sum += *value);
                }
            }
        });
    }

    fn add_products(&self, tools: &mut Tools, depth: usize, parameters: &mut [Parameter]) {
        let Tools { workers, kernels, strips, panels, sums, .. } = tools;
        let height = kernels.rows;
        let mut targets = Vec::with_capacity(self.parts.len());
        for part in &self.parts {
            let (bias, add) = parameters[part.weight + 1].gradient_mut();
            for (to, sum) in bias.iter_mut().zip(&sums[part.start..]) {
                *to = if add { *to + sum } else { *sum };
            }
            let (weight, add) = parameters[part.weight].gradient_mut();
            assert_eq!(weight.len(), self.inputs * part.width);
            targets.push(Target { to: weight.as_mut_ptr(), add, start: part.start, width: part.width });
        }
        let (strips, panels): (&Buffer<f32>, &Buffer<f32>) = (strips, panels);
        let (strip_count, columns) = (self.inputs.div_ceil(height), self.outputs.div_ceil(PANEL));
        let groups = strip_count.div_ceil(STRIPS);
        let targets = &targets;
        workers.team.run(columns * groups, &|_, part| {
            let (column, group) = (part / groups, part % groups);
            let panel = &panels[column * PANEL * depth..][..PANEL * depth];
            let mut tile = Tile([0.0; MOST_ROWS * PANEL]);
            for strip in group * STRIPS..((group + 1) * STRIPS).min(strip_count) {
                let numbers = &strips[strip * height * depth..][..height * depth];
                let (strip_pointer, panel, sums) = (numbers.as_ptr(), panel.as_ptr(), tile.0.as_mut_ptr());
                // SAFETY: strip and panel have `depth` rows of the kernel's height and of PANEL numbers, and the tile
                // has room for the highest.
                unsafe { kernels.outer(&Outer { strip: strip_pointer, step: height, depth, panel, tile: sums }) };
                let first = strip * height;
                for (row, sums) in (first..self.inputs.min(first + height)).zip(tile.0.chunks_exact(PANEL)) {
                    for target in targets {
                        // SAFETY: the row is one of the `inputs` that the target has; no other part has this row and
                        // these columns.
                        unsafe { target.put(row, column * PANEL, sums) };
                    }
                }
            }
        });
    }
}

/// Sums on cache lines of their own.
#[repr(align(64))]
struct Tile([f32; MOST_ROWS * PANEL]);

/// The gradient of one of the layers side by side, which threads write to at different places.
struct Target {
    to: *mut f32,
    add: bool,
    start: usize,
    width: usize,
}
// SAFETY: a bare address; `add_products` sees to it that no two parts use the same places.
unsafe impl Sync for Target {}

impl Target {
    /// Puts what of these sums, which begin at a column of all layers, belongs to this one.
    ///
    /// # Safety
    /// The gradient has the row, and nobody else uses these columns of it.
    unsafe fn put(&self, row: usize, column: usize, sums: &[f32]) {
        let (from, to) = (column.max(self.start), (column + sums.len()).min(self.start + self.width));
        if from >= to {
            return;
        }
        let sums = &sums[from - column..to - column];
        // SAFETY: columns `from .. to` are among the layer's, the row is the caller's promise.
        let places =
            unsafe { std::slice::from_raw_parts_mut(self.to.add(row * self.width + from - self.start), sums.len()) };
        if self.add {
            places.iter_mut().zip(sums).for_each(|(place, sum)| *place += sum);
        } else {
            places.copy_from_slice(sums);
        }
    }
}

/// Fills panels with the weights as they are now.
pub(super) fn pack(team: &mut Team, unpacked: Vec<Unpacked<'_>>, parameters: &[Parameter]) {
    team.share(unpacked, |_, _, unpacked| {
        let first = unpacked.number * PANEL;
        for part in unpacked.parts {
            let values = &parameters[part.weight].values;
            if unpacked.forward {
                let (from, to) = (first.max(part.start), (first + PANEL).min(part.start + part.width));
                if from < to {
                    let rows =
                        unpacked.panel.as_chunks_mut::<PANEL>().0.iter_mut().zip(values.chunks_exact(part.width));
                    rows.for_each(|(panel, row)| {
                        panel[from - first..to - first].copy_from_slice(&row[from - part.start..to - part.start]);
                    });
                }
            } else {
                let panel = &mut unpacked.panel[part.start * PANEL..][..part.width * PANEL];
                let rows = first..(first + PANEL).min(unpacked.layer.0);
                transpose_into(panel, &values[rows.start * part.width..rows.end * part.width], part.width);
            }
        }
    });
}

/// Writes up to [`PANEL`] rows of `width` numbers as the columns of a panel.
pub(super) fn transpose_into(panel: &mut [f32], rows: &[f32], width: usize) {
    // A cache line of each row at a time.
    const LINE: usize = 16;
    for column in (0..width).step_by(LINE) {
        let count = LINE.min(width - column);
        let panel = &mut panel[column * PANEL..][..count * PANEL];
        for (number, row) in rows.chunks_exact(width).enumerate() {
            for (to, value) in panel.chunks_exact_mut(PANEL).zip(&row[column..][..count]) {
                to[number] = *value;
            }
        }
    }
}
