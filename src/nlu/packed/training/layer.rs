//! A linear layer, forward and backward, and the gradient of its weights. No result depends on the number of threads.

#![expect(unsafe_code, reason = "chunks write to different elements of the same gradient")]

use super::TrainingWorkspace;
use super::kernels::{MAX_ROWS, Outer};
use super::parameters::Parameter;
use crate::packed::kernels::PANEL;
use crate::packed::linear::{Epilogue, Linear};
use crate::packed::memory::{Buffer, Rows};
use crate::packed::thread_pool::ThreadPool;

/// Rows whose outer products are added up before the sums go to memory: a panel of them stays in the second-level
/// cache.
const DEPTH: usize = 1024;

/// Strips of a chunk of a gradient.
const STRIPS: usize = 8;

/// One linear layer, or several with the same inputs side by side.
pub(super) struct Layer {
    inputs: usize,
    outputs: usize,
    sections: Vec<Section>,
    forward: Linear,
    /// From the gradient of the outputs to that of the inputs.
    backward: Linear,
}

/// One layer of those side by side.
struct Section {
    /// Index of the weight among the parameters; the bias is the next.
    weight: usize,
    /// Its first output among those of all.
    start: usize,
    width: usize,
}

/// One panel to be filled with weights.
pub(super) struct Unpacked<'a> {
    layer: (usize, usize),
    sections: &'a [Section],
    panel: &'a mut [f32],
    number: usize,
    forward: bool,
}

impl Layer {
    /// Layers of `inputs`: pairs of the index of the weight among the parameters and the number of outputs.
    pub(super) fn new(inputs: usize, layers: &[(usize, usize)]) -> Self {
        let mut outputs = 0;
        let sections = layers.iter().map(|(weight, width)| {
            outputs += width;
            Section { weight: *weight, start: outputs - width, width: *width }
        });
        let sections = sections.collect();
        let (forward, backward) = (Linear::zeros(inputs, outputs), Linear::zeros(outputs, inputs));
        Self { inputs, outputs, sections, forward, backward }
    }

    /// Copies the bias and returns the panels for [`pack`] to fill.
    pub(super) fn unpacked(&mut self, parameters: &[Parameter]) -> Vec<Unpacked<'_>> {
        let Self { inputs, outputs, sections, forward, backward } = self;
        let (panels, bias) = forward.full_mut();
        for section in sections.iter() {
            bias[section.start..][..section.width].copy_from_slice(&parameters[section.weight + 1].values);
        }
        let forward = panels.chunks_exact_mut(*inputs * PANEL).enumerate().map(|one| (one, true));
        let backward = backward.full_mut().0.chunks_exact_mut(*outputs * PANEL).enumerate().map(|one| (one, false));
        let layer = (*inputs, *outputs);
        let unpacked = |((number, panel), forward)| Unpacked { layer, sections, panel, number, forward };
        forward.chain(backward).map(unpacked).collect()
    }

    /// `out = rows · weights + bias`.
    pub(super) fn forward(
        &self,
        workspace: &mut TrainingWorkspace,
        rows: &Rows,
        epilogue: Epilogue<'_>,
        out: &mut Rows,
    ) {
        self.forward.multiply(&mut workspace.executor, rows, epilogue, out);
    }

    /// The gradient of the rows from that of the outputs.
    pub(super) fn backward(
        &self,
        workspace: &mut TrainingWorkspace,
        gradient: &Rows,
        epilogue: Epilogue<'_>,
        out: &mut Rows,
    ) {
        self.backward.multiply(&mut workspace.executor, gradient, epilogue, out);
    }

    /// Adds the gradient of the weights: the sum of the rows' outer products with the gradients of their outputs.
    pub(super) fn accumulate_gradients(
        &self,
        workspace: &mut TrainingWorkspace,
        rows: &Rows,
        gradient: &Rows,
        parameters: &mut [Parameter],
    ) {
        assert!(rows.count() == gradient.count() && [rows.width(), gradient.width()] == [self.inputs, self.outputs]);
        for first in (0..rows.count()).step_by(DEPTH) {
            let depth = DEPTH.min(rows.count() - first);
            self.prepare(workspace, rows, gradient, (first, depth));
            self.add_products(workspace, depth, parameters);
        }
    }

    /// Packs a few rows into strips and their gradients into panels, and sums the latter.
    fn prepare(&self, workspace: &mut TrainingWorkspace, rows: &Rows, gradient: &Rows, (first, depth): (usize, usize)) {
        let TrainingWorkspace { executor, kernels, strips, panels, sums, .. } = workspace;
        let height = kernels.rows;
        let columns = self.outputs.div_ceil(PANEL);
        strips.resize(self.inputs.div_ceil(height) * height * depth);
        panels.resize(columns * PANEL * depth);
        sums.resize(columns * PANEL);
        let strips = strips.chunks_exact_mut(height * depth).enumerate().map(|(at, strip)| PackChunk::Strip(at, strip));
        let panels = panels.chunks_exact_mut(PANEL * depth).zip(sums.chunks_exact_mut(PANEL)).enumerate();
        let panels = panels.map(|(at, (panel, sums))| PackChunk::Panel(at, panel, sums));
        executor.pool.for_each(strips.chain(panels).collect(), |_, _, chunk| match chunk {
            PackChunk::Strip(at, strip) => {
                let (from, count) = (*at * height, height.min(self.inputs - *at * height));
                for (k, to) in strip.chunks_exact_mut(height).enumerate() {
                    to[..count].copy_from_slice(&rows.row(first + k)[from..][..count]);
                    to[count..].fill(0.0);
                }
            }
            PackChunk::Panel(at, panel, sums) => {
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

    fn add_products(&self, workspace: &mut TrainingWorkspace, depth: usize, parameters: &mut [Parameter]) {
        let TrainingWorkspace { executor, kernels, strips, panels, sums, .. } = workspace;
        let height = kernels.rows;
        let mut targets = Vec::with_capacity(self.sections.len());
        for section in &self.sections {
            let (bias, add) = parameters[section.weight + 1].gradient_mut();
            for (to, sum) in bias.iter_mut().zip(&sums[section.start..]) {
                *to = if add { *to + sum } else { *sum };
            }
            let (weight, add) = parameters[section.weight].gradient_mut();
            assert_eq!(weight.len(), self.inputs * section.width);
            targets.push(Target { to: weight.as_mut_ptr(), add, start: section.start, width: section.width });
        }
        let (strips, panels): (&Buffer<f32>, &Buffer<f32>) = (strips, panels);
        let (strip_count, columns) = (self.inputs.div_ceil(height), self.outputs.div_ceil(PANEL));
        let groups = strip_count.div_ceil(STRIPS);
        let targets = &targets;
        executor.pool.run(columns * groups, &|_, chunk| {
            let (column, group) = (chunk / groups, chunk % groups);
            let panel = &panels[column * PANEL * depth..][..PANEL * depth];
            let mut tile = Tile([0.0; MAX_ROWS * PANEL]);
            for strip in group * STRIPS..((group + 1) * STRIPS).min(strip_count) {
                let numbers = &strips[strip * height * depth..][..height * depth];
                let (strip_pointer, panel, sums) = (numbers.as_ptr(), panel.as_ptr(), tile.0.as_mut_ptr());
                // SAFETY: strip and panel have `depth` rows of the kernel's height and of PANEL numbers, and the tile
                // has room for the highest strip.
                unsafe { kernels.outer(&Outer { strip: strip_pointer, step: height, depth, panel, tile: sums }) };
                let first = strip * height;
                for (row, sums) in (first..self.inputs.min(first + height)).zip(tile.0.chunks_exact(PANEL)) {
                    for target in targets {
                        // SAFETY: the row is one of the `inputs` that the target has; no other chunk has this row and
                        // these columns. The parameters are borrowed until `run` returns.
                        unsafe { target.write(row, column * PANEL, sums) };
                    }
                }
            }
        });
    }
}

/// A chunk of [`Layer::prepare`]: its number, and what is filled.
enum PackChunk<'a> {
    Strip(usize, &'a mut [f32]),
    /// A panel and the sums of its columns.
    Panel(usize, &'a mut [f32], &'a mut [f32]),
}

/// Sums on cache lines of their own.
#[repr(align(64))]
struct Tile([f32; MAX_ROWS * PANEL]);

/// The gradient of one of the layers side by side, of which threads write different elements.
struct Target {
    to: *mut f32,
    add: bool,
    start: usize,
    width: usize,
}
// SAFETY: a pointer without an owner; `add_products` ensures that no two chunks use the same elements.
unsafe impl Sync for Target {}

impl Target {
    /// Writes or adds those of the sums, which begin at a column of all layers, that belong to this one.
    ///
    /// # Safety
    /// The gradient has the row, and nobody else uses these columns of it.
    unsafe fn write(&self, row: usize, column: usize, sums: &[f32]) {
        let (from, to) = (column.max(self.start), (column + sums.len()).min(self.start + self.width));
        if from >= to {
            return;
        }
        let sums = &sums[from - column..to - column];
        // SAFETY: columns `from .. to` are among the layer's; the row, and that nobody else uses them, is the caller's promise.
        let elements =
            unsafe { std::slice::from_raw_parts_mut(self.to.add(row * self.width + from - self.start), sums.len()) };
        if self.add {
            elements.iter_mut().zip(sums).for_each(|(element, sum)| *element += sum);
        } else {
            elements.copy_from_slice(sums);
        }
    }
}

/// Fills panels with the weights as they are now.
pub(super) fn pack(pool: &mut ThreadPool, unpacked: Vec<Unpacked<'_>>, parameters: &[Parameter]) {
    pool.for_each(unpacked, |_, _, unpacked| {
        let first = unpacked.number * PANEL;
        for section in unpacked.sections {
            let values = &parameters[section.weight].values;
            if unpacked.forward {
                let (from, to) = (first.max(section.start), (first + PANEL).min(section.start + section.width));
                if from < to {
                    let rows =
                        unpacked.panel.as_chunks_mut::<PANEL>().0.iter_mut().zip(values.chunks_exact(section.width));
                    rows.for_each(|(panel, row)| {
                        panel[from - first..to - first].copy_from_slice(&row[from - section.start..to - section.start]);
                    });
                }
            } else {
                let panel = &mut unpacked.panel[section.start * PANEL..][..section.width * PANEL];
                let rows = first..(first + PANEL).min(unpacked.layer.0);
                transpose_into(panel, &values[rows.start * section.width..rows.end * section.width], section.width);
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
