//! A confusion matrix as a picture, SVG and PNG. Needs no font and no display.

use std::fmt::Write as _;

use anyhow::Context as _;

use super::font::{ADVANCE, HEIGHT, WIDTH, glyph};
use crate::nlu::TaskReport;

/// Red, green and blue.
type Colour = [u8; 3];

const WHITE: Colour = [255, 255, 255];
const INK: Colour = [38, 38, 38];
const FRAME: Colour = [190, 190, 190];
/// Rows of the matrix that nothing was tested of.
const UNTESTED: Colour = [238, 238, 238];
const RIGHT: Colour = [33, 102, 172];
const WRONG: Colour = [203, 75, 22];

/// Cells narrower than this would be more frame than colour.
const FRAMED: usize = 10;

/// Where a text's anchor is.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Anchor {
    Start,
    Middle,
    End,
}

#[derive(Debug)]
enum Shape {
    Square { x: usize, y: usize, side: usize, colour: Colour },
    Text { x: usize, y: usize, scale: usize, anchor: Anchor, upward: bool, colour: Colour, text: String },
}

/// A picture of squares and texts, in pixels from the top left.
#[derive(Debug)]
pub(super) struct Chart {
    width: usize,
    height: usize,
    shapes: Vec<Shape>,
}

/// The confusion matrix of a task. The colour of a cell is the square root of its share of the row: without the root,
/// the few per cent that matter could not be told from none.
#[expect(clippy::cast_precision_loss, reason = "a colour needs two digits")]
pub(super) fn confusion(task: &str, report: &TaskReport) -> Chart {
    let count = report.labels.len();
    let (side, scale) = match count {
        0..=12 => (56, 2),
        13..=30 => (30, 2),
        31..=120 => (16, 1),
        _ => (6, 1),
    };
    // Labels of tiny cells would lie on each other.
    let step = (HEIGHT * scale + 2).div_ceil(side);
    let totals: Vec<usize> = report.confusion_matrix.iter().map(|row| row.iter().sum()).collect();
    let names: Vec<String> =
        report.labels.iter().zip(&totals).map(|(label, rows)| format!("{label} ({rows})")).collect();
    let letters = |texts: &[String]| texts.iter().map(|text| text.chars().count()).max().unwrap_or(0);
    let (margin, gap) = (20, 8);
    let title =
        format!("{task}: {} rows, accuracy {:.4}, macro F1 {:.4}", report.rows, report.accuracy, report.f1_macro);
    let left = margin + 2 * HEIGHT + 2 * gap + letters(&names) * ADVANCE * scale;
    let top = margin + 4 * HEIGHT + 4 * gap + letters(&report.labels) * ADVANCE * scale;
    let matrix = count * side;
    let mut chart = Chart {
        width: (left + matrix + margin).max(2 * margin + title.chars().count() * ADVANCE * 2),
        height: top + matrix + margin,
        shapes: Vec::new(),
    };
    chart.text((margin, margin + HEIGHT), 2, Anchor::Start, false, INK, title);
    chart.text((left + matrix / 2, margin + 3 * HEIGHT + gap), 2, Anchor::Middle, false, INK, "predicted".to_owned());
    chart.text((margin + HEIGHT, top + matrix / 2), 2, Anchor::Middle, true, INK, "true (rows)".to_owned());
    for (number, (label, name)) in report.labels.iter().zip(&names).enumerate().step_by(step) {
        let middle = number * side + side / 2;
        chart.text((left + middle, top - gap), scale, Anchor::Start, true, INK, label.clone());
        chart.text((left - gap, top + middle), scale, Anchor::End, false, INK, name.clone());
    }
    // Each cell draws its upper and left line; this leaves the lower and right ones of the last.
    chart.shapes.push(Shape::Square { x: left, y: top, side: matrix + 1, colour: FRAME });
    for (truth, row) in report.confusion_matrix.iter().enumerate() {
        for (predicted, cell) in row.iter().enumerate() {
            let (x, y) = (left + predicted * side, top + truth * side);
            let strength = (*cell as f64 / totals[truth].max(1) as f64).sqrt();
            let full = if truth == predicted { RIGHT } else { WRONG };
            let colour = if totals[truth] == 0 { UNTESTED } else { mix(WHITE, full, strength) };
            if side < FRAMED {
                chart.shapes.push(Shape::Square { x, y, side, colour });
            } else {
                chart.shapes.push(Shape::Square { x, y, side, colour: FRAME });
                chart.shapes.push(Shape::Square { x: x + 1, y: y + 1, side: side - 1, colour });
            }
            let text = cell.to_string();
            let size = (1..=scale).rev().find(|size| text.len() * ADVANCE * size < side && HEIGHT * size + 2 < side);
            if let Some(size) = size.filter(|_| *cell > 0) {
                let ink = if strength > 0.6 { WHITE } else { INK };
                chart.text((x + side / 2, y + side / 2), size, Anchor::Middle, false, ink, text);
            }
        }
    }
    chart
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between two bytes lies a byte")]
fn mix(from: Colour, to: Colour, share: f64) -> Colour {
    let channel = |at: usize| (f64::from(from[at]) + (f64::from(to[at]) - f64::from(from[at])) * share).round() as u8;
    [channel(0), channel(1), channel(2)]
}

impl Chart {
    fn text(&mut self, at: (usize, usize), scale: usize, anchor: Anchor, upward: bool, colour: Colour, text: String) {
        self.shapes.push(Shape::Text { x: at.0, y: at.1, scale, anchor, upward, colour, text });
    }

    /// The picture as SVG. Its letters are as wide as the dots of the PNG: 0.6 of the size, as in any monospaced font.
    pub(super) fn svg(&self) -> String {
        let (width, height) = (self.width, self.height);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} \
             {height}\" font-family=\"monospace\">\n<rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n"
        );
        let hex = |[red, green, blue]: Colour| format!("#{red:02x}{green:02x}{blue:02x}");
        // Writing into a string cannot fail.
        for shape in &self.shapes {
            let _ = match shape {
                Shape::Square { x, y, side, colour } => {
                    let fill = hex(*colour);
                    writeln!(svg, "<rect x=\"{x}\" y=\"{y}\" width=\"{side}\" height=\"{side}\" fill=\"{fill}\"/>")
                }
                Shape::Text { x, y, scale, anchor, upward, colour, text } => {
                    let anchor = match anchor {
                        Anchor::Start => "start",
                        Anchor::Middle => "middle",
                        Anchor::End => "end",
                    };
                    let turn = if *upward { format!(" transform=\"rotate(-90 {x} {y})\"") } else { String::new() };
                    writeln!(
                        svg,
                        "<text x=\"{x}\" y=\"{y}\" font-size=\"{}\" text-anchor=\"{anchor}\" \
                         dominant-baseline=\"central\" fill=\"{}\"{turn}>{}</text>",
                        10 * scale,
                        hex(*colour),
                        escape(text)
                    )
                }
            };
        }
        svg + "</svg>\n"
    }

    /// The picture as PNG.
    ///
    /// # Errors
    /// It has no pixel, or more than the format allows.
    pub(super) fn png(&self) -> anyhow::Result<Vec<u8>> {
        let side = |pixels: usize| u32::try_from(pixels).context("a picture of that size");
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, side(self.width)?, side(self.height)?);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&self.dots())?;
        writer.finish()?;
        Ok(file)
    }

    /// Three bytes for each pixel, row by row.
    fn dots(&self) -> Vec<u8> {
        let mut dots = vec![255; self.width * self.height * 3];
        let mut fill = |left: usize, top: usize, side: usize, colour: Colour| {
            for y in top..(top + side).min(self.height) {
                for x in left..(left + side).min(self.width) {
                    let at = (y * self.width + x) * 3;
                    dots[at..at + 3].copy_from_slice(&colour);
                }
            }
        };
        for shape in &self.shapes {
            match shape {
                Shape::Square { x, y, side, colour } => fill(*x, *y, *side, *colour),
                Shape::Text { x, y, scale, anchor, upward, colour, text } => {
                    let length = (text.chars().count() * ADVANCE).saturating_sub(ADVANCE - WIDTH) * scale;
                    let before = match anchor {
                        Anchor::Start => 0,
                        Anchor::Middle => length / 2,
                        Anchor::End => length,
                    };
                    for (number, letter) in text.chars().enumerate() {
                        for (column, bits) in glyph(letter).into_iter().enumerate() {
                            for row in (0..HEIGHT).filter(|row| bits >> row & 1 == 1) {
                                let along = (number * ADVANCE + column) * scale;
                                let across = row * scale;
                                let (half, turned) = (HEIGHT * scale / 2, *scale);
                                let (left, top) = if *upward {
                                    ((x + across).saturating_sub(half), (y + before).saturating_sub(along + turned))
                                } else {
                                    ((x + along).saturating_sub(before), (y + across).saturating_sub(half))
                                };
                                fill(left, top, *scale, *colour);
                            }
                        }
                    }
                }
            }
        }
        dots
    }
}

fn escape(text: &str) -> String {
    let visible = text.chars().filter(|letter| !letter.is_control());
    visible.fold(String::with_capacity(text.len()), |mut escaped, letter| {
        match letter {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            other => escaped.push(other),
        }
        escaped
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn report(labels: &[&str], matrix: Vec<Vec<usize>>) -> TaskReport {
        TaskReport {
            rows: matrix.iter().flatten().sum(),
            accuracy: 0.5,
            balanced_accuracy: 0.5,
            f1_macro: 0.5,
            f1_weighted: 0.5,
            precision_macro: 0.5,
            precision_weighted: 0.5,
            recall_macro: 0.5,
            recall_weighted: 0.5,
            per_class_metrics: BTreeMap::new(),
            untested_labels: Vec::new(),
            labels: labels.iter().map(|label| (*label).to_owned()).collect(),
            confusion_matrix: matrix,
            expected_calibration_error: 0.0,
            mean_confidence: 0.5,
        }
    }

    /// Width, height and the three bytes of each pixel.
    fn decode(file: &[u8]) -> (usize, usize, Vec<u8>) {
        let mut reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().unwrap();
        let mut dots = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut dots).unwrap();
        assert_eq!((info.color_type, info.bit_depth), (png::ColorType::Rgb, png::BitDepth::Eight));
        (info.width as usize, info.height as usize, dots)
    }

    #[test]
    fn the_png_decodes_to_the_squares_that_were_drawn() {
        let chart = confusion("intent", &report(&["a", "b"], vec![vec![3, 1], vec![0, 0]]));
        let (width, height, dots) = decode(&chart.png().unwrap());
        assert_eq!((width, height), (chart.width, chart.height));
        assert_eq!(dots, chart.dots());
        let squares: Vec<_> = chart
            .shapes
            .iter()
            .filter_map(|shape| match shape {
                Shape::Square { x, y, side: 55, colour } => Some((*x, *y, *colour)),
                _ => None,
            })
            .collect();
        assert_eq!(squares.len(), 4);
        for (x, y, colour) in &squares {
            let at = ((y + 2) * chart.width + x + 2) * 3;
            assert_eq!(dots[at..at + 3], *colour);
        }
        assert!(squares[0].2 != squares[1].2 && squares[2].2 == UNTESTED && squares[3].2 == UNTESTED);
        assert!(dots.chunks(3).any(|dot| *dot == INK), "no letter was drawn");
    }

    #[test]
    fn labels_are_escaped_and_no_text_leaves_the_picture() {
        let long = "a rather long label & <one> with ünïcode \u{7}";
        let chart = confusion("intent", &report(&[long, "b"], vec![vec![3, 1], vec![0, 7]]));
        let svg = chart.svg();
        assert!(svg.contains("a rather long label &amp; &lt;one&gt; with ünïcode  (4)"), "{svg}");
        for shape in &chart.shapes {
            if let Shape::Text { x, y, scale, anchor, upward, text, .. } = shape {
                let length = text.chars().count() * ADVANCE * scale;
                let (before, after) = match anchor {
                    Anchor::Start => (0, length),
                    Anchor::Middle => (length / 2, length / 2),
                    Anchor::End => (length, 0),
                };
                let (least, most, size) =
                    if *upward { (after, before, chart.height) } else { (before, after, chart.width) };
                let at = if *upward { *y } else { *x };
                assert!(at >= least && at + most <= size, "{text} at {x}, {y}");
            }
        }
    }

    #[test]
    fn many_labels_give_a_picture_of_bearable_size() {
        let names: Vec<String> = (0..200).map(|n| format!("label_{n}")).collect();
        let labels: Vec<&str> = names.iter().map(String::as_str).collect();
        let matrix = (0..200).map(|n| (0..200).map(|m| usize::from(n == m)).collect()).collect();
        let chart = confusion("intent", &report(&labels, matrix));
        assert!(chart.width < 2000 && chart.height < 2000, "{} × {}", chart.width, chart.height);
        assert!(chart.png().unwrap().len() < 200_000);
    }
}
