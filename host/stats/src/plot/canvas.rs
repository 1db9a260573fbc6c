//! The canvas of charts: size, margins, axes, and the resulting SVG.

use kuva::plot::LegendPosition;
use kuva::render::layout::Layout;
use kuva::render::plots::Plot;

use super::Caption;

/// Where the legend is, never on top of the data.
#[derive(Clone, Copy, Debug)]
pub(super) enum Legend {
    Beside,
    None,
}

/// The range of an axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Axis {
    pub low: f64,
    pub high: f64,
}

impl Axis {
    /// From the least to the greatest number, or some range around a single one; the numbers must be finite.
    pub(super) fn around(numbers: impl IntoIterator<Item = f64>) -> Self {
        let (low, high) =
            numbers.into_iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), number| {
                (low.min(number), high.max(number))
            });
        // A range that is tiny compared with its numbers would show only rounding errors.
        if high - low > 1e-9 * low.abs().max(high.abs()) {
            return Self { low, high };
        }
        let about = if low.is_finite() { f64::midpoint(low, high) } else { 0.0 };
        let reach = if about == 0.0 { 1.0 } else { about.abs() / 10.0 };
        Self { low: about - reach, high: about + reach }
    }

    /// With a margin at both ends, but not below 0 for non-negative numbers.
    pub(super) fn roomy(self) -> Self {
        let air = 0.07 * (self.high - self.low);
        let low = if self.low >= 0.0 { (self.low - air).max(0.0) } else { self.low - air };
        Self { low, high: self.high + air }
    }
}

/// In pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Canvas {
    width: f64,
    height: f64,
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

impl Canvas {
    pub(super) fn wide() -> Self {
        Self { width: 860.0, height: 460.0, left: 80.0, right: 30.0, top: 50.0, bottom: 60.0 }
    }

    pub(super) fn square() -> Self {
        Self { width: 680.0, height: 540.0, ..Self::wide() }
    }

    /// Width and height of the plot area, without a legend.
    pub(super) fn area(self) -> (f64, f64) {
        (self.width - self.left - self.right, self.height - self.top - self.bottom)
    }

    /// A point's position, from the upper left corner of the plot area.
    pub(super) fn pixel(self, across: (f64, Axis), up: (f64, Axis)) -> (f64, f64) {
        let part = |(value, axis): (f64, Axis)| (value - axis.low) / (axis.high - axis.low);
        let (width, height) = self.area();
        (part(across) * width, (1.0 - part(up)) * height)
    }

    pub(super) fn draw(
        self,
        plots: Vec<Plot>,
        caption: &Caption,
        across: Axis,
        up: Axis,
        legend: Legend,
    ) -> String {
        let layout = Layout::auto_from_plots(&plots)
            .with_width(self.width)
            .with_height(self.height)
            .with_title(worded(&caption.title, CAPTION))
            .with_x_label(worded(&caption.across, CAPTION))
            .with_y_label(worded(&caption.up, NAME))
            .with_x_axis_min(across.low)
            .with_x_axis_max(across.high)
            .with_y_axis_min(up.low)
            .with_y_axis_max(up.high);
        let layout = match legend {
            Legend::Beside => {
                layout.with_legend_position(LegendPosition::OutsideRightTop).with_legend_box(false)
            }
            Legend::None => {
                layout.with_force_margins(self.left, self.right).with_force_margins_y(self.top, self.bottom)
            }
        };
        self.settled(&kuva::render_to_svg(plots, layout))
    }

    /// kuva numbers clip paths over the life of the process; here they start at 0, so that the same data give the
    /// same text. The view box lets a page show the chart at any size.
    fn settled(self, svg: &str) -> String {
        const CLIP: &str = "kuva-clip-";
        let mut met: Vec<&str> = Vec::new();
        let mut parts = svg.split(CLIP);
        let head = parts.next().unwrap_or_default();
        let view = format!("<svg viewBox=\"0 0 {} {}\" ", self.width, self.height);
        let mut text = head.replacen("<svg ", &view, 1);
        for part in parts {
            let end = part.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(part.len());
            let (number, rest) = part.split_at(end);
            let place = met.iter().position(|one| *one == number).unwrap_or_else(|| {
                met.push(number);
                met.len() - 1
            });
            text.push_str(&format!("clip-{place}{rest}"));
        }
        text
    }
}

/// Longer names would leave no room for data.
const NAME: usize = 32;

/// Longer captions don't fit above or beside it.
const CAPTION: usize = 90;

pub(super) fn named(text: &str) -> String {
    worded(text, NAME)
}

/// A text that can be drawn: without characters that XML forbids, without dollars, at which kuva starts a formula,
/// and not too long.
fn worded(text: &str, longest: usize) -> String {
    let foreign = |letter: char| letter.is_control() || matches!(letter, '\u{fffe}' | '\u{ffff}');
    let plain = |letter: char| if foreign(letter) { ' ' } else { letter };
    let mut short: String = text.chars().map(plain).take(longest).collect();
    if text.chars().count() > longest {
        short.push('…');
    }
    short.replace('$', "\\$")
}
