//! Compares every kernel variant that this processor has with plain sums, and the network with the reference.

#![expect(clippy::cast_precision_loss, reason = "sizes and sums are small")]

use burn::tensor::Device;
use proptest::prelude::*;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::bytes::{ByteKernels, ByteProduct, GROUP};
use super::kernels::{EpilogueOp, Kernels, PANEL, Panel, Product, available};
use super::*;
use crate::model::distilbert::Network;
use crate::model::loaded::Model;
use crate::model::weights::{Precision, Weights};

fn numbers(random: &mut StdRng, count: usize) -> Vec<f32> {
    (0..count).map(|_| random.random_range(-1.0..1.0)).collect()
}

/// The error function by its Taylor series, or 1 where it is that to f32.
fn erf(x: f64) -> f64 {
    if x.abs() > 4.5 {
        return x.signum();
    }
    let (mut term, mut sum) = (x, x);
    for n in 1..200 {
        term *= -x * x / f64::from(n);
        sum += term / f64::from(2 * n + 1);
    }
    sum * 2.0 / std::f64::consts::PI.sqrt()
}

fn gelu(x: f64) -> f64 {
    0.5 * x * (1.0 + erf(x / std::f64::consts::SQRT_2))
}

#[test]
fn the_fastest_variant_of_this_processor_comes_first_and_the_portable_one_last() {
    let names: Vec<&str> = available().iter().map(|kernels| kernels.name).collect();
    assert_eq!(names.last(), Some(&"portable"));
    #[cfg(target_arch = "x86_64")]
    assert_eq!(names[0] == "AVX-512", is_x86_feature_detected!("avx512f"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn products_are_those_of_plain_sums(
        count in 1usize..40, depth in 1usize..70, epilogue in 0usize..5, half: bool, bias: bool, seed: u64,
    ) {
        let random = &mut StdRng::seed_from_u64(seed);
        let stride = depth + random.random_range(0..5);
        let rows = numbers(random, count * stride);
        let bits: Vec<u16> =
            numbers(random, depth * PANEL).iter().map(|x| half::f16::from_f32(*x).to_bits()).collect();
        let panel: Vec<f32> = bits.iter().map(|bits| half::f16::from_bits(*bits).to_f32()).collect();
        let added = numbers(random, count * PANEL);
        let biases = numbers(random, PANEL);
        for kernels in available() {
            let mut out = vec![f32::NAN; count * (PANEL + 3)];
            let epilogue = match epilogue {
                0 => EpilogueOp::None,
                1 => EpilogueOp::Gelu,
                2 => EpilogueOp::Relu,
                3 => EpilogueOp::Add { rows: added.as_ptr(), stride: PANEL },
                _ => EpilogueOp::Multiply { rows: added.as_ptr(), stride: PANEL },
            };
            let panel_pointer = if half { Panel::Half(bits.as_ptr()) } else { Panel::Full(panel.as_ptr()) };
            product(kernels, (&rows, stride, count), depth, panel_pointer, bias.then_some(&biases), epilogue, &mut out);
            for row in 0..count {
                for column in 0..PANEL {
                    let products = (0..depth)
                        .map(|k| f64::from(rows[row * stride + k]) * f64::from(panel[k * PANEL + column]));
                    let sum = products.sum::<f64>() + if bias { f64::from(biases[column]) } else { 0.0 };
                    let expected = match epilogue {
                        EpilogueOp::None => sum,
                        EpilogueOp::Gelu => gelu(sum),
                        EpilogueOp::Relu => sum.max(0.0),
                        EpilogueOp::Add { .. } => sum + f64::from(added[row * PANEL + column]),
                        EpilogueOp::Multiply { .. } => sum * f64::from(added[row * PANEL + column]),
                    };
                    let found = f64::from(out[row * (PANEL + 3) + column]);
                    prop_assert!((found - expected).abs() < 2e-5, "{}: {found} {expected}", kernels.name);
                }
                prop_assert!(out[row * (PANEL + 3) + PANEL..(row + 1) * (PANEL + 3)].iter().all(|x| x.is_nan()));
            }
        }
    }

    #[test]
    fn softmax_is_that_of_the_definition(
        rows in 1usize..5, columns in 1usize..100, scale in 0.01f32..2.0, spread in 0.1f32..60.0, seed: u64,
    ) {
        let random = &mut StdRng::seed_from_u64(seed);
        let stride = columns.next_multiple_of(PANEL);
        let values: Vec<f32> = numbers(random, rows * stride).iter().map(|x| x * spread).collect();
        for kernels in available() {
            let mut found = values.clone();
            kernels.softmax(&mut found, stride, columns, scale);
            for (found, values) in found.chunks(stride).zip(values.chunks(stride)) {
                let scaled: Vec<f64> = values[..columns].iter().map(|x| f64::from(*x) * f64::from(scale)).collect();
                let largest = scaled.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let powers: Vec<f64> = scaled.iter().map(|x| (x - largest).exp()).collect();
                let sum: f64 = powers.iter().sum();
                for (found, power) in found.iter().zip(&powers) {
                    prop_assert!((f64::from(*found) - power / sum).abs() < 2e-6, "{}", kernels.name);
                }
            }
        }
    }

    #[test]
    fn layer_normalization_is_that_of_the_definition(width in 1usize..100, offset in -3.0f32..3.0, seed: u64) {
        let random = &mut StdRng::seed_from_u64(seed);
        let row: Vec<f32> = numbers(random, width).iter().map(|x| x + offset).collect();
        let (gamma, beta) = (numbers(random, width), numbers(random, width));
        let mean = row.iter().map(|x| f64::from(*x)).sum::<f64>() / width as f64;
        let variance = row.iter().map(|x| (f64::from(*x) - mean).powi(2)).sum::<f64>() / width as f64;
        for kernels in available() {
            let mut found = row.clone();
            kernels.normalize(&mut found, &gamma, &beta);
            // One number minus itself is rounding error only.
            for at in 0..if width > 1 { width } else { 0 } {
                let scaled = (f64::from(row[at]) - mean) / (variance + 1e-12).sqrt();
                let expected = scaled * f64::from(gamma[at]) + f64::from(beta[at]);
                let tolerance = 1e-4 + 1e-5 / variance.sqrt();
                prop_assert!((f64::from(found[at]) - expected).abs() < tolerance, "{}", kernels.name);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn products_of_bytes_are_those_of_whole_numbers(
        count in 1usize..40, groups in 1usize..30, epilogue in 0usize..5, extreme: bool, seed: u64,
    ) {
        let random = &mut StdRng::seed_from_u64(seed);
        let stride = groups * GROUP + random.random_range(0..9);
        let rows: Vec<u8> = (0..count * stride).map(|_| if extreme { 255 } else { random.random() }).collect();
        let panel: Vec<i8> = (0..groups * GROUP * PANEL)
            .map(|_| if extreme { [-127, 127][usize::from(random.random_bool(0.9))] } else { random.random_range(-127..=127) })
            .collect();
        let ranges: Vec<[f32; 2]> = (0..count).map(|_| [random.random_range(0.0..1e-4), random.random_range(-1.0..0.0)]).collect();
        let [scales, sums, biases] = std::array::from_fn(|_| numbers(random, PANEL));
        let added = numbers(random, count * PANEL);
        for kernels in bytes::available() {
            let mut out = vec![f32::NAN; count * (PANEL + 3)];
            let epilogue = match epilogue {
                0 => EpilogueOp::None,
                1 => EpilogueOp::Gelu,
                2 => EpilogueOp::Relu,
                3 => EpilogueOp::Add { rows: added.as_ptr(), stride: PANEL },
                _ => EpilogueOp::Multiply { rows: added.as_ptr(), stride: PANEL },
            };
            let product = ByteProduct {
                rows: rows.as_ptr(),
                stride,
                count,
                ranges: ranges.as_ptr(),
                groups,
                panel: panel.as_ptr(),
                column_scales: scales.as_ptr(),
                column_sums: sums.as_ptr(),
                bias: biases.as_ptr(),
                out: out.as_mut_ptr(),
                out_stride: PANEL + 3,
                epilogue,
            };
            byte_product(kernels, &product);
            for row in 0..count {
                for column in 0..PANEL {
                    let whole: i64 = (0..groups * GROUP)
                        .map(|k| {
                            let weight = panel[((k / GROUP) * PANEL + column) * GROUP + k % GROUP];
                            i64::from(rows[row * stride + k]) * i64::from(weight)
                        })
                        .sum();
                    let [scale, minimum] = ranges[row].map(f64::from);
                    let sum = whole as f64 * scale * f64::from(scales[column])
                        + minimum * f64::from(sums[column])
                        + f64::from(biases[column]);
                    let expected = match epilogue {
                        EpilogueOp::None => sum,
                        EpilogueOp::Gelu => gelu(sum),
                        EpilogueOp::Relu => sum.max(0.0),
                        EpilogueOp::Add { .. } => sum + f64::from(added[row * PANEL + column]),
                        EpilogueOp::Multiply { .. } => sum * f64::from(added[row * PANEL + column]),
                    };
                    let found = f64::from(out[row * (PANEL + 3) + column]);
                    let tolerance = 2e-6 * sum.abs().max(5.0);
                    prop_assert!((found - expected).abs() < tolerance, "{}: {found} {expected}", kernels.name);
                }
                prop_assert!(out[row * (PANEL + 3) + PANEL..(row + 1) * (PANEL + 3)].iter().all(|x| x.is_nan()));
            }
        }
    }

    #[test]
    fn bytes_spread_over_the_range_of_a_row(width in 1usize..100, offset in -3.0f32..3.0, flat: bool, seed: u64) {
        let random = &mut StdRng::seed_from_u64(seed);
        let row: Vec<f32> = numbers(random, width).iter().map(|x| if flat { offset } else { x + offset }).collect();
        for kernels in bytes::available() {
            let mut found = vec![7; width + 3];
            let [scale, minimum] = kernels.quantize(&row, &mut found);
            prop_assert_eq!(&found[width..], &[7, 7, 7]);
            for (x, byte) in row.iter().zip(&found) {
                let again = f32::from(*byte) * scale + minimum;
                prop_assert!((again - x).abs() <= scale * 0.501 + 1e-6, "{}: {x} {again}", kernels.name);
            }
        }
    }
}

/// One product through a variant's kernel.
#[expect(unsafe_code, reason = "the kernel is what is tested")]
fn byte_product(kernels: &ByteKernels, product: &ByteProduct) {
    // SAFETY: everything is made to these sizes by the test.
    unsafe { kernels.product(product) };
}

/// One product through a variant's kernel; `out` has rows of `PANEL + 3` numbers.
#[expect(unsafe_code, reason = "the kernel is what is tested")]
fn product(
    kernels: &Kernels,
    (rows, stride, count): (&[f32], usize, usize),
    depth: usize,
    panel: Panel,
    bias: Option<&Vec<f32>>,
    epilogue: EpilogueOp,
    out: &mut [f32],
) {
    assert!(rows.len() >= count * stride && stride >= depth && out.len() == count * (PANEL + 3));
    let bias = bias.map_or(std::ptr::null(), Vec::as_ptr);
    let (rows, out, out_stride) = (rows.as_ptr(), out.as_mut_ptr(), PANEL + 3);
    // SAFETY: rows and sums are checked above; panel, bias and added rows are made to these sizes by the test.
    unsafe { kernels.product(&Product { rows, stride, count, depth, panel, bias, out, out_stride, epilogue }) };
}

#[test]
fn gelu_is_exact_to_a_millionth() {
    let panel = [1.0_f32; PANEL];
    let rows: Vec<f32> = (-1000..=1000).map(|n| n as f32 / 100.0).collect();
    for kernels in available() {
        let mut out = vec![0.0; rows.len() * (PANEL + 3)];
        product(kernels, (&rows, 1, rows.len()), 1, Panel::Full(panel.as_ptr()), None, EpilogueOp::Gelu, &mut out);
        for (x, found) in rows.iter().zip(out.chunks(PANEL + 3)) {
            let expected = gelu(f64::from(*x));
            assert!(
                (f64::from(found[0]) - expected).abs() < 1e-6 * f64::from(x.abs().max(1.0)),
                "{}: {x}",
                kernels.name
            );
        }
    }
}

/// A network of random weights, and its weights file.
pub(super) struct Sample {
    pub(super) config: ModelConfig,
    pub(super) labels: Vec<(String, usize)>,
    folder: tempfile::TempDir,
    pub(super) texts: Vec<Vec<u32>>,
}

impl Sample {
    fn new(seed: u64, precision: Precision) -> Self {
        let random = &mut StdRng::seed_from_u64(seed);
        let heads = random.random_range(1..5);
        let sizes = [heads * random.random_range(1..20), random.random_range(1..4), random.random_range(1..90)];
        Self::sized(random, sizes, heads, precision)
    }

    pub(super) fn sized(
        random: &mut StdRng,
        [dim, layers, hidden]: [usize; 3],
        heads: usize,
        precision: Precision,
    ) -> Self {
        let (vocabulary, positions) = (random.random_range(5..40), random.random_range(3..80));
        let names = ["intent", "sentiment", "topic", "urgency"].into_iter().take(random.random_range(1..5));
        let labels: Vec<_> = names.map(|head| (head.to_owned(), random.random_range(1..40))).collect();
        let json = serde_json::json!({
            "model_type": "distilbert", "dim": dim, "n_layers": layers, "n_heads": heads, "hidden_dim": hidden,
            "vocab_size": vocabulary, "max_position_embeddings": positions,
            "activation": if random.random_bool(0.8) { "gelu" } else { "relu" },
            "pooling": if random.random_bool(0.5) { "cls" } else { "mean" },
        });
        let folder = tempfile::tempdir().expect("temporary folder");
        std::fs::write(folder.path().join("config.json"), json.to_string()).expect("written");
        let config = ModelConfig::read(folder.path()).expect("valid");
        let mut weights = Weights::empty("sample");
        let mut add = |name: &str, shape: &[usize], center: f32, spread: f32| {
            let values = numbers(random, shape.iter().product()).iter().map(|x| center + x * spread).collect();
            weights.put(name, shape, values);
        };
        add("distilbert.embeddings.word_embeddings.weight", &[vocabulary, dim], 0.0, 1.0);
        add("distilbert.embeddings.position_embeddings.weight", &[positions, dim], 0.0, 1.0);
        let mut linear: Vec<_> = labels.iter().map(|(head, rows)| (format!("{head}_classifier"), dim, *rows)).collect();
        let mut norms = vec!["distilbert.embeddings.LayerNorm".to_owned()];
        for layer in 0..layers {
            let at = format!("distilbert.transformer.layer.{layer}");
            for name in ["q_lin", "k_lin", "v_lin", "out_lin"] {
                linear.push((format!("{at}.attention.{name}"), dim, dim));
            }
            linear.push((format!("{at}.ffn.lin1"), dim, hidden));
            linear.push((format!("{at}.ffn.lin2"), hidden, dim));
            norms.extend([format!("{at}.sa_layer_norm"), format!("{at}.output_layer_norm")]);
        }
        for (name, inputs, outputs) in linear {
            add(&format!("{name}.weight"), &[outputs, inputs], 0.0, (3.0 / inputs as f32).sqrt());
            add(&format!("{name}.bias"), &[outputs], 0.0, 0.3);
        }
        for name in norms {
            add(&format!("{name}.weight"), &[dim], 1.0, 0.3);
            add(&format!("{name}.bias"), &[dim], 0.0, 0.3);
        }
        weights.write(&folder.path().join("model.safetensors"), precision).expect("written");
        let texts = (0..random.random_range(1..9))
            .map(|_| {
                let tokens = random.random_range(1..=positions);
                (0..tokens).map(|_| random.random_range(0..u32::try_from(vocabulary).expect("small"))).collect()
            })
            .collect();
        Self { config, labels, folder, texts }
    }

    pub(super) fn weights(&self) -> Weights {
        Weights::read(&self.folder.path().join("model.safetensors")).expect("read")
    }

    fn packed(&self, executor: Executor, arithmetic: Arithmetic) -> PackedNetwork {
        let mut source = Source::open(self.folder.path()).expect("opened");
        PackedNetwork::with(executor, arithmetic, &self.config, &self.labels, &mut source).expect("loaded")
    }

    fn reference(&self) -> Vec<Scores> {
        let mut weights = self.weights();
        let (config, device) = (&self.config, Device::flex());
        let network = Network::from_weights(config, config.vocab_size, &self.labels, &mut weights, &device);
        crate::model::loaded::scores(&network.expect("loaded"), &self.texts).expect("scored")
    }
}

fn difference(a: &[Scores], b: &[Scores]) -> f32 {
    assert_eq!(a.len(), b.len());
    let logits = |scores: &Scores| scores.iter().flatten().copied().collect::<Vec<_>>();
    let pairs = a.iter().zip(b).flat_map(|(a, b)| {
        let (a, b) = (logits(a), logits(b));
        assert_eq!(a.len(), b.len());
        a.into_iter().zip(b)
    });
    pairs.map(|(a, b)| (a - b).abs()).fold(0.0, |a, b| if b.is_nan() { b } else { a.max(b) })
}

fn agrees(sample: &Sample) {
    let reference = sample.reference();
    for kernels in available() {
        for threads in [1, 2, 3] {
            let network = sample.packed(Executor::new(kernels, bytes::available()[0], threads), Arithmetic::Full);
            let together = network.scores(&sample.texts).expect("scored");
            let distance = difference(&together, &reference);
            assert!(distance < 1e-4, "{}, {threads} threads: {distance} {:?}", kernels.name, sample.config);
            for (text, expected) in sample.texts.iter().zip(together) {
                // Bit for bit: what else is in the batch must not matter.
                assert_eq!(network.scores(&[text]).expect("scored"), [expected], "{}", kernels.name);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn the_network_is_the_reference(seed: u64, half: bool) {
        agrees(&Sample::new(seed, if half { Precision::F16 } else { Precision::F32 }));
    }
}

#[test]
fn the_usual_widths_are_the_reference_too() {
    let random = &mut StdRng::seed_from_u64(1);
    for ([dim, hidden], heads) in [([384, 1536], 12), ([768, 3072], 12)] {
        for precision in [Precision::F32, Precision::F16] {
            agrees(&Sample::sized(random, [dim, 1, hidden], heads, precision));
        }
    }
}

/// How far the logits are from the reference's, as a share of their own spread.
fn deviation(found: &[Scores], reference: &[Scores]) -> f32 {
    let logits = |scores: &[Scores]| scores.iter().flat_map(|scores| scores[0].clone()).collect::<Vec<_>>();
    let (found, reference) = (logits(found), logits(reference));
    let mean = reference.iter().sum::<f32>() / reference.len() as f32;
    let square = |differences: &mut dyn Iterator<Item = f32>| differences.map(|x| x * x).sum::<f32>();
    let error = square(&mut found.iter().zip(&reference).map(|(a, b)| a - b));
    (error / square(&mut reference.iter().map(|x| x - mean))).sqrt()
}

#[test]
fn eight_bits_stay_near_the_reference_and_do_not_mix_texts() {
    for (seed, [dim, hidden], heads) in [(1, [384, 1536], 12), (2, [768, 3072], 12), (3, [90, 50], 3)] {
        let sample = Sample::sized(&mut StdRng::seed_from_u64(seed), [dim, 2, hidden], heads, Precision::F16);
        let reference = sample.reference();
        for kernels in bytes::available() {
            let network = sample.packed(Executor::new(available()[0], kernels, 2), Arithmetic::Int8);
            let together = network.scores(&sample.texts).expect("scored");
            let deviation = deviation(&together, &reference);
            assert!(deviation > 0.0 && deviation < 0.03, "{}: {deviation}", kernels.name);
            for (text, expected) in sample.texts.iter().zip(together) {
                assert_eq!(network.scores(&[text]).expect("scored"), [expected], "{}", kernels.name);
            }
        }
    }
}

#[test]
fn a_damaged_weight_is_never_hidden() {
    for seed in 0..6 {
        let sample = Sample::new(seed, Precision::F32);
        let path = sample.folder.path().join("model.safetensors");
        let whole = Weights::read(&path).expect("read");
        for name in whole.tensors.keys().filter(|name| !name.contains("embeddings.weight")) {
            let mut weights = whole.clone();
            let values = &mut weights.tensors.get_mut(name).expect("there").values;
            let middle = values.len() / 2;
            values[middle] = f32::NAN;
            weights.write(&path, Precision::F32).expect("written");
            for (kernels, bytes) in available().into_iter().zip(bytes::available()) {
                for arithmetic in [Arithmetic::Full, Arithmetic::Int8] {
                    let network = sample.packed(Executor::new(kernels, bytes, 1), arithmetic);
                    for scores in network.scores(&sample.texts).expect("scored") {
                        let finite = scores.iter().flatten().all(|logit| logit.is_finite());
                        assert!(!finite, "{name} with {} and {arithmetic:?}", kernels.name);
                    }
                }
            }
        }
    }
}

#[test]
fn what_the_network_cannot_take_is_an_error() {
    let sample = Sample::new(7, Precision::F32);
    let network = sample.packed(Executor::new(available()[0], bytes::available()[0], 1), Arithmetic::Full);
    let longest = sample.config.max_position_embeddings;
    for text in [vec![], vec![0; longest + 1], vec![u32::try_from(sample.config.vocab_size).expect("small")]] {
        assert!(network.scores(&[text]).is_err());
    }
    assert_eq!(network.scores::<Vec<u32>>(&[]).expect("nothing to do"), Vec::<Scores>::new());
}

/// The fixture's logits come from a program of its own, burn's from training's forward pass.
#[test]
fn the_tiny_model_is_its_published_logits_and_the_reference() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/tiny-model");
    let text = std::fs::read_to_string(folder.join("reference_logits.json")).expect("read");
    let published: crate::model::inspect::Reference = serde_json::from_str(&text).expect("JSON");
    let (packed, reference) =
        (Model::serve(&folder, Arithmetic::Full).expect("packed"), Model::load(&folder).expect("reference"));
    let ids: Vec<Vec<u32>> = published.cases.iter().map(|case| case.input_ids.clone()).collect();
    let expected: Vec<Scores> =
        published.cases.into_iter().map(|case| vec![case.intent_logits, case.sentiment_logits]).collect();
    let found = packed.scores(&ids).expect("scored");
    assert!(expected.len() > 3 && difference(&found, &expected) < 1e-4);
    assert!(difference(&found, &reference.scores(&ids).expect("scored")) < 1e-4);
    let (a, b) = (packed.info, reference.info);
    assert_eq!((a.parameters, a.precision, a.intents), (b.parameters, b.precision, b.intents));
}
