//! Placement of labels, so that they cover neither spots nor lines nor each other.

use kuva::plot::volcano::LabelStyle;

/// Radius of a spot in pixels.
pub(super) const MARK: f64 = 5.0;

/// To the right of a point: below it, clear of a rising line, or above it, clear of a falling one.
pub(super) const BELOW: LabelStyle = LabelStyle::Arrow { offset_x: 5.0, offset_y: -16.0 };
pub(super) const ABOVE: LabelStyle = LabelStyle::Arrow { offset_x: 5.0, offset_y: 7.0 };

/// Radius of an invisible marker, large enough that no arrow is drawn from it to a label at these places.
pub(super) const UNSEEN: f64 = 16.0;

/// Offsets from a spot to the start of its label, or to its end if the label is on the left; y is upwards, to the
/// baseline. Nearer ones are tried first; farther ones get a leader line.
const OFFSETS: [(f64, f64); 14] = [
    (8.0, -4.0),
    (-8.0, -4.0),
    (8.0, 10.0),
    (-8.0, 10.0),
    (8.0, -18.0),
    (-8.0, -18.0),
    (14.0, 26.0),
    (-14.0, 26.0),
    (14.0, -34.0),
    (-14.0, -34.0),
    (22.0, 44.0),
    (-22.0, 44.0),
    (22.0, -52.0),
    (-22.0, -52.0),
];

/// Width and height of a letter, in pixels, rounded up.
const LETTER: (f64, f64) = (7.2, 12.0);

/// An occupied rectangle.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Patch {
    left: f64,
    top: f64,
    right: f64,
    bottom: f64,
}

impl Patch {
    fn around((x, y): (f64, f64), reach: f64) -> Self {
        Self { left: x - reach, top: y - reach, right: x + reach, bottom: y + reach }
    }

    #[expect(clippy::cast_precision_loss, reason = "names are short")]
    fn of(name: &str, spot: (f64, f64), offset: (f64, f64)) -> Self {
        let width = name.chars().count() as f64 * LETTER.0;
        let (begin, foot) = (spot.0 + offset.0, spot.1 - offset.1);
        let left = if offset.0 >= 0.0 { begin } else { begin - width };
        Self { left, top: foot - LETTER.1, right: left + width, bottom: foot + 3.0 }
    }

    fn meets(self, other: Self) -> bool {
        self.left < other.right
            && other.left < self.right
            && self.top < other.bottom
            && other.top < self.bottom
    }

    fn within(self, (width, height): (f64, f64)) -> bool {
        self.left >= 0.0 && self.top >= 0.0 && self.right <= width && self.bottom <= height
    }
}

/// A place for each label, in one greedy pass: the first where it covers nothing, else the first where it covers only
/// the line, else the first. `area`, spots and line are in pixels.
pub(super) fn beside(
    spots: &[(f64, f64)],
    names: &[String],
    line: &[(f64, f64)],
    area: (f64, f64),
) -> Vec<LabelStyle> {
    let drawn: Vec<Patch> = steps(line).map(|point| Patch::around(point, 1.0)).collect();
    let mut taken: Vec<Patch> = spots.iter().map(|spot| Patch::around(*spot, MARK)).collect();
    let mut styles = Vec::new();
    for (spot, name) in spots.iter().zip(names) {
        let tried = OFFSETS.map(|offset| (offset, Patch::of(name, *spot, offset)));
        let clear = |patch: Patch, of: &[Patch]| !of.iter().any(|other| patch.meets(*other));
        let possible = |(_, patch): &&((f64, f64), Patch)| patch.within(area) && clear(*patch, &taken);
        let free = tried.iter().filter(possible).find(|(_, patch)| clear(*patch, &drawn));
        let (offset, patch) = free.or_else(|| tried.iter().find(possible)).copied().unwrap_or(tried[0]);
        taken.push(patch);
        styles.push(LabelStyle::Arrow { offset_x: offset.0, offset_y: offset.1 });
    }
    styles
}

/// Points along a line, closer to each other than a letter is wide.
fn steps(line: &[(f64, f64)]) -> impl Iterator<Item = (f64, f64)> {
    const PARTS: i32 = 200;
    line.windows(2).flat_map(|ends| {
        let (from, to) = (ends[0], ends[ends.len() - 1]);
        (0..=PARTS).map(move |part| {
            let share = f64::from(part) / f64::from(PARTS);
            (from.0 + share * (to.0 - from.0), from.1 + share * (to.1 - from.1))
        })
    })
}

#[cfg(test)]
mod tests {
    use baton_core::seed::Seed;

    use super::*;

    const AREA: (f64, f64) = (700.0, 350.0);

    fn placed(spots: &[(f64, f64)], names: &[String], line: &[(f64, f64)]) -> Vec<Patch> {
        let patch = |((spot, name), style): ((&(f64, f64), &String), LabelStyle)| match style {
            LabelStyle::Arrow { offset_x, offset_y } => Patch::of(name, *spot, (offset_x, offset_y)),
            LabelStyle::Exact | LabelStyle::Nudge | LabelStyle::Repel => unreachable!(),
        };
        spots.iter().zip(names).zip(beside(spots, names, line, AREA)).map(patch).collect()
    }

    #[test]
    fn names_cover_neither_each_other_nor_spots_while_there_is_room() {
        for run in 0..50 {
            let draw = |i: i64| Seed(run).of(i).fraction();
            let spots: Vec<(f64, f64)> =
                (0..8).map(|i| (draw(2 * i) * AREA.0, draw(2 * i + 1) * AREA.1)).collect();
            let names: Vec<String> = (0..8).map(|i| format!("router number {i}")).collect();
            let found = placed(&spots, &names, &[]);
            for (place, patch) in found.iter().enumerate() {
                assert!(patch.within(AREA));
                assert!(found[..place].iter().all(|other| !patch.meets(*other)));
                assert!(spots.iter().all(|spot| !patch.meets(Patch::around(*spot, MARK))));
            }
        }
    }

    #[test]
    fn a_name_avoids_the_line_and_the_edge() {
        let name = ["name".to_owned()];
        let straight = placed(&[(100.0, 100.0)], &name, &[(100.0, 100.0), (300.0, 100.0)]);
        assert!(straight[0].right < 100.0, "{straight:?}");
        let edge = placed(&[(690.0, 100.0)], &name, &[]);
        assert!(edge[0].right < 690.0, "{edge:?}");
    }

    #[test]
    fn where_there_is_no_room_a_name_stands_all_the_same() {
        let names = vec!["a name that is far too long for the little room that there is".repeat(3); 30];
        assert_eq!(beside(&vec![(5.0, 5.0); 30], &names, &[], AREA).len(), 30);
        assert!(beside(&[], &[], &[], AREA).is_empty());
    }
}
