//! Pictures of what the laboratory found, as SVG text: white ground, no fonts needed to lay them out, colours that the
//! colour-blind can tell apart, legends beside the data. The same data give the same text.

use kuva::plot::scatter::MarkerShape;
use kuva::plot::{LinePlot, ScatterPlot};
use kuva::render::plots::Plot;
use thiserror::Error;

use super::calibration::Bin;

mod canvas;
mod place;

use canvas::{Axis, Canvas, Legend, named};

/// What is written around a chart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caption {
    pub title: String,
    /// What is measured from left to right, with its unit.
    pub across: String,
    /// And from bottom to top.
    pub up: String,
}

/// A named course of a figure, from left to right.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    pub name: String,
    pub points: Vec<Point>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    pub x: f64,
    pub y: f64,
    /// Low and high end of what it may be instead. A course has a band if all its points do.
    pub band: Option<(f64, f64)>,
}

/// A router, or whatever else has its cost and its quality.
#[derive(Clone, Debug, PartialEq)]
pub struct Spot {
    pub name: String,
    pub cost: f64,
    pub quality: f64,
}

/// Why there is no picture.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PlotError {
    #[error("there is nothing to draw")]
    Nothing,
    #[error("{name} holds a number that is not finite or too large to draw")]
    Number { name: String },
}

/// By Okabe and Ito, "Color Universal Design", 2008; the two that are faint on white come last.
const COLOURS: [&str; 7] = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#000000", "#E69F00", "#56B4E9"];
const GREY: &str = "#777777";

/// Larger numbers leave a double too few digits to tell ticks apart.
const LARGEST: f64 = 1e12;

fn drawable(name: &str, numbers: impl IntoIterator<Item = f64>) -> Result<(), PlotError> {
    let sound = numbers.into_iter().all(|number| number.abs() <= LARGEST);
    if sound { Ok(()) } else { Err(PlotError::Number { name: name.to_owned() }) }
}

/// How often what was forecast came to pass, against the forecast, with intervals and the number of forecasts behind
/// each point. On the diagonal forecasts are right.
///
/// # Errors
/// [`PlotError`] says what is missing or wrong.
pub fn reliability(title: &str, bins: &[Bin]) -> Result<String, PlotError> {
    if bins.is_empty() {
        return Err(PlotError::Nothing);
    }
    for bin in bins {
        drawable(title, [bin.chance, bin.came.estimate, bin.came.low, bin.came.high])?;
    }
    let observed: Vec<(f64, f64)> = bins.iter().map(|bin| (bin.chance, bin.came.estimate)).collect();
    let reach = |bin: &Bin| (bin.came.estimate - bin.came.low, bin.came.high - bin.came.estimate);
    let [below, above] = counts(bins);
    let plots = vec![
        diagonal().into(),
        LinePlot::new().with_data(observed.clone()).with_color(COLOURS[0]).with_stroke_width(1.5).into(),
        ScatterPlot::new()
            .with_data(observed)
            .with_color(COLOURS[0])
            .with_size(4.0)
            .with_y_err_asymmetric(bins.iter().map(reach))
            .with_legend("observed, count")
            .into(),
        below.with_label_style(place::BELOW).into(),
        above.with_label_style(place::ABOVE).into(),
    ];
    let caption = Caption { title: title.to_owned(), across: "forecast".into(), up: "came to pass".into() };
    // Room for the count beside a point at 1.
    let across = Axis { low: 0.0, high: 1.08 };
    Ok(Canvas::square().draw(plots, &caption, across, Axis { low: 0.0, high: 1.0 }, Legend::Beside))
}

/// Of the points, as texts at invisible marks: those that go below their point, and those that go above it because the
/// line falls or the axis is near.
fn counts(bins: &[Bin]) -> [ScatterPlot; 2] {
    let next = bins.iter().skip(1).map(Some).chain([None]);
    let falls =
        |bin: &Bin, next: Option<&Bin>| next.is_some_and(|next| next.came.estimate < bin.came.estimate);
    let (above, below): (Vec<_>, Vec<_>) =
        bins.iter().zip(next).partition(|(bin, next)| bin.came.estimate < 0.05 || falls(bin, *next));
    [below, above].map(|some| {
        ScatterPlot::new()
            .with_data(some.iter().map(|(bin, _)| (bin.chance, bin.came.estimate)))
            .with_size(place::UNSEEN)
            .with_marker_opacity(0.0)
            .with_labels(some.iter().map(|(bin, _)| bin.count.to_string()))
    })
}

fn diagonal() -> LinePlot {
    LinePlot::new()
        .with_data([(0.0, 0.0), (1.0, 1.0)])
        .with_color(GREY)
        .with_stroke_width(1.0)
        .with_dashed()
        .with_legend("perfect")
}

/// Several figures over time, or over tasks, with a legend and the bands that they have.
///
/// # Errors
/// [`PlotError`] says what is missing or wrong.
pub fn curves(caption: &Caption, courses: &[Curve]) -> Result<String, PlotError> {
    if courses.iter().all(|course| course.points.is_empty()) {
        return Err(PlotError::Nothing);
    }
    for course in courses {
        drawable(
            &course.name,
            course.points.iter().flat_map(|point| [point.x, point.y, point.low(), point.high()]),
        )?;
    }
    let points = || courses.iter().flat_map(|course| &course.points);
    let across = Axis::around(points().map(|point| point.x));
    let up = Axis::around(points().flat_map(|point| [point.y, point.low(), point.high()])).roomy();
    let plots = courses.iter().enumerate().map(|(place, course)| course.plot(place)).collect();
    Ok(Canvas::wide().draw(plots, caption, across, up, Legend::Beside))
}

impl Point {
    fn low(self) -> f64 {
        self.band.map_or(self.y, |(low, _)| low)
    }

    fn high(self) -> f64 {
        self.band.map_or(self.y, |(_, high)| high)
    }
}

impl Curve {
    fn plot(&self, place: usize) -> Plot {
        let mut line = LinePlot::new()
            .with_data(self.points.iter().map(|point| (point.x, point.y)))
            .with_color(COLOURS[place % COLOURS.len()])
            .with_stroke_width(2.0)
            .with_legend(named(&self.name));
        if !self.points.is_empty() && self.points.iter().all(|point| point.band.is_some()) {
            let (low, high) =
                (self.points.iter().map(|point| point.low()), self.points.iter().map(|point| point.high()));
            line = line.with_band(low, high);
        }
        // Colours come round again; a broken line is another line.
        match place / COLOURS.len() % 3 {
            0 => line.into(),
            1 => line.with_dashed().into(),
            _ => line.with_dotted().into(),
        }
    }
}

/// Cost against quality, each spot with its name, and a broken line through those that nothing beats in both.
///
/// # Errors
/// [`PlotError`] says what is missing or wrong.
pub fn scatter(caption: &Caption, spots: &[Spot]) -> Result<String, PlotError> {
    if spots.is_empty() {
        return Err(PlotError::Nothing);
    }
    for spot in spots {
        drawable(&spot.name, [spot.cost, spot.quality])?;
    }
    let across = Axis::around(spots.iter().map(|spot| spot.cost)).roomy();
    let up = Axis::around(spots.iter().map(|spot| spot.quality)).roomy();
    let canvas = Canvas::wide();
    let efficient = front(spots);
    let line: Vec<(f64, f64)> = efficient.iter().map(|spot| (spot.cost, spot.quality)).collect();
    let mut plots: Vec<Plot> =
        vec![LinePlot::new().with_data(line).with_color(GREY).with_stroke_width(1.5).with_dashed().into()];
    let names: Vec<String> = spots.iter().map(|spot| named(&spot.name)).collect();
    let pixel = |spot: &Spot| canvas.pixel((spot.cost, across), (spot.quality, up));
    let drawn: Vec<(f64, f64)> = efficient.iter().map(|spot| pixel(spot)).collect();
    let pixels: Vec<(f64, f64)> = spots.iter().map(pixel).collect();
    let styles = place::beside(&pixels, &names, &drawn, canvas.area());
    for ((spot, name), style) in spots.iter().zip(&names).zip(styles) {
        let colour = if efficient.contains(&spot) { COLOURS[0] } else { GREY };
        plots.push(mark(spot, colour).with_labels([name.as_str()]).with_label_style(style).into());
    }
    let caption = Caption {
        title: format!("{} (line: nothing is cheaper and better)", caption.title),
        ..caption.clone()
    };
    Ok(canvas.draw(plots, &caption, across, up, Legend::None))
}

fn mark(spot: &Spot, colour: &str) -> ScatterPlot {
    ScatterPlot::new()
        .with_data([(spot.cost, spot.quality)])
        .with_color(colour)
        .with_size(place::MARK)
        .with_marker(MarkerShape::Circle)
}

/// The spots to which no other is at least as cheap and at least as good, and better in one; by rising cost. Of equal
/// spots all belong to it.
#[must_use]
pub fn front(spots: &[Spot]) -> Vec<&Spot> {
    let beaten = |spot: &Spot| {
        spots.iter().any(|other| {
            other.cost <= spot.cost
                && other.quality >= spot.quality
                && (other.cost < spot.cost || other.quality > spot.quality)
        })
    };
    let mut front: Vec<&Spot> = spots.iter().filter(|spot| !beaten(spot)).collect();
    front.sort_by(|left, right| left.cost.total_cmp(&right.cost).then_with(|| left.name.cmp(&right.name)));
    front
}

#[cfg(test)]
mod tests {
    use baton_core::seed::Seed;

    use super::*;
    use crate::calibration::{self, Forecast};

    fn caption(title: &str) -> Caption {
        Caption { title: title.into(), across: "tasks".into(), up: "regret".into() }
    }

    fn spot(name: &str, cost: f64, quality: f64) -> Spot {
        Spot { name: name.into(), cost, quality }
    }

    fn course(name: &str, values: &[f64]) -> Curve {
        let points = values.iter().zip(0_i32..).map(|(y, x)| Point { x: f64::from(x), y: *y, band: None });
        Curve { name: name.into(), points: points.collect() }
    }

    fn bins(count: usize) -> Vec<Bin> {
        let forecasts: Vec<Forecast> = (0..300)
            .map(|i| {
                let draw = |k: i64| Seed(8).of(i).of(k).fraction();
                Forecast { group: "any".into(), chance: draw(0), came: draw(1) < draw(0) }
            })
            .collect();
        calibration::reliability(&forecasts, count, 0.95)
    }

    #[test]
    fn the_front_holds_what_nothing_beats() {
        let spots = [
            spot("a", 3.0, 0.7),
            spot("b", 1.0, 0.5),
            spot("c", 2.0, 0.4),
            spot("d", 1.0, 0.5),
            spot("f", 4.0, 0.7),
            spot("e", 3.0, 0.6),
        ];
        let names: Vec<&str> = front(&spots).iter().map(|spot| spot.name.as_str()).collect();
        assert_eq!(names, ["b", "d", "a"]);
        assert!(front(&[]).is_empty());
    }

    #[test]
    fn the_same_data_give_the_same_picture() {
        let spots = [spot("a", 3.0, 0.7), spot("b", 1.0, 0.5)];
        let lines = [course("one", &[1.0, 2.0]), course("two", &[2.0, 1.0])];
        let draw =
            || (reliability("r", &bins(5)), curves(&caption("c"), &lines), scatter(&caption("s"), &spots));
        assert_eq!(draw(), draw());
    }

    #[test]
    fn a_picture_has_a_white_ground_a_view_box_and_its_words() {
        let svg = curves(&caption("a < b & $c$"), &[course("first & last", &[0.5, 0.25])]).unwrap();
        assert!(svg.starts_with("<svg viewBox=\"0 0 860 460\" "), "{}", &svg[..200]);
        assert!(svg.contains("width=\"860\" height=\"460\"") && svg.contains("fill=\"white\""));
        assert!(svg.contains("a &lt; b &amp; $c$") && svg.contains("first &amp; last"), "{svg}");
        let svg = scatter(&caption("s"), &[spot("alpha", 1.0, 0.5), spot("beta", 2.0, 0.4)]).unwrap();
        assert!(svg.contains(">alpha<") && svg.contains(">beta<") && svg.contains("fill=\"white\""));
        let svg = reliability("r", &bins(3)).unwrap();
        assert_eq!(svg.matches(">100<").count(), 3, "each point has its count");
    }

    #[test]
    fn what_can_not_be_drawn_is_named() {
        assert_eq!(reliability("r", &[]), Err(PlotError::Nothing));
        assert_eq!(curves(&caption("c"), &[course("empty", &[])]), Err(PlotError::Nothing));
        assert_eq!(scatter(&caption("s"), &[]), Err(PlotError::Nothing));
        for number in [f64::NAN, f64::INFINITY, -1e13] {
            let named = Err(PlotError::Number { name: "odd".into() });
            assert_eq!(curves(&caption("c"), &[course("odd", &[1.0, number])]), named);
            assert_eq!(scatter(&caption("s"), &[spot("odd", number, 1.0)]), named);
        }
        let banded = Point { x: 0.0, y: 0.0, band: Some((0.0, f64::NAN)) };
        assert!(curves(&caption("c"), &[Curve { name: "odd".into(), points: vec![banded] }]).is_err());
    }

    #[test]
    fn odd_data_and_odd_names_still_make_a_picture() {
        let names = [
            "",
            " ",
            "\u{0}\u{1b}[31m",
            "日本語のとても長い名前",
            &"long ".repeat(200),
            "a\nb",
            "$x^2$ \\frac{1}{2}",
        ];
        let numbers = [0.0, -0.0, 1e-300, 1e12, -1e12, 1.0, 1.0 + f64::EPSILON, 1e-12];
        for (i, name) in names.iter().enumerate() {
            for left in numbers {
                for right in numbers {
                    let lines =
                        [course(name, &[left, right]), course(names[(i + 1) % names.len()], &[right])];
                    let svg = curves(&caption(name), &lines).unwrap();
                    assert!(svg.ends_with("</svg>\n") || svg.ends_with("</svg>"), "{svg}");
                    assert!(!svg.contains("NaN") && !svg.contains("inf"), "{left} {right} {svg}");
                    assert!(!svg.contains(|letter: char| letter.is_control() && letter != '\n'));
                    let svg =
                        scatter(&caption(name), &[spot(name, left, right), spot("b", right, left)]).unwrap();
                    assert!(!svg.contains("NaN") && !svg.contains("inf"), "{left} {right} {svg}");
                }
            }
        }
        assert!(reliability("one", &bins(1)).is_ok());
        let many: Vec<Curve> =
            (0..60).map(|i| course(&format!("course {i}"), &[f64::from(i), 1.0])).collect();
        assert!(curves(&caption("many"), &many).is_ok());
        let crowd: Vec<Spot> = (0..200).map(|i| spot("crowd", 1.0, 1.0 + 1e-3 * f64::from(i % 3))).collect();
        assert!(scatter(&caption("crowd"), &crowd).is_ok());
    }
}
