//! Random records without teams, as null models.

use baton_core::seed::Seed;

use super::graph::Record;
use crate::number::real;

/// Mean number of swaps per entry.
const ROUNDS: usize = 12;
/// Tolerated change of a column's sum, as a fraction.
const SLACK: f64 = 0.15;

/// Tasks assigned at random, with the same number per agent and per trade; and hand-offs likewise. This keeps degrees
/// and nothing else. Source: Newman and Girvan, "Finding and Evaluating Community Structure in Networks", 2004.
pub(super) fn dealt(record: &Record, seed: Seed) -> Record {
    record.with(deal(&record.trades, seed.of(1)), deal(&record.handed, seed.of(2)))
}

/// The same agents with the same amounts of work, assigned to random trades; and with the same amounts of hand-offs,
/// assigned to random agents.
pub(super) fn traded(record: &Record, seed: Seed) -> Record {
    let mut trades = record.trades.clone();
    let mut handed = record.handed.clone();
    shuffle(&mut trades, seed.of(1));
    shuffle(&mut handed, seed.of(2));
    record.with(trades, handed)
}

/// A random table with the same sums of rows and columns.
fn deal(table: &[Vec<usize>], seed: Seed) -> Vec<Vec<usize>> {
    let units = table.iter().flat_map(|row| row.iter().enumerate());
    let mut columns: Vec<usize> =
        units.flat_map(|(column, count)| std::iter::repeat_n(column, *count)).collect();
    for (last, number) in (1..columns.len()).rev().zip(0..) {
        columns.swap(last, below(seed.of(number), last + 1));
    }
    let mut next = columns.into_iter();
    let mut dealt: Vec<Vec<usize>> = table.iter().map(|row| vec![0; row.len()]).collect();
    for (row, before) in dealt.iter_mut().zip(table) {
        for column in next.by_ref().take(before.iter().sum()) {
            row[column] += 1;
        }
    }
    dealt
}

/// Repeatedly swaps the entries of two rows at two columns: each row keeps its entries, and so its sum and its number
/// of non-zero entries; each column keeps its sum within the slack. This is the weighted form of degree-preserving
/// edge switching. Source: Maslov and Sneppen, "Specificity and Stability in Topology of Protein Networks", 2002.
fn shuffle(table: &mut [Vec<usize>], seed: Seed) {
    let (rows, columns) = (table.len(), table.first().map_or(0, Vec::len));
    if rows < 2 || columns < 2 {
        return;
    }
    let mut entries = Entries::of(table, columns);
    let before: Vec<usize> = (0..columns).map(|column| table.iter().map(|row| row[column]).sum()).collect();
    let mut sums = before.clone();
    for (number, _) in (0..).zip(0..ROUNDS * entries.places.len()) {
        let draw = seed.of(number);
        let (a, c) = entries.places[below(draw.of(1), entries.places.len())];
        let (b, d) = (below(draw.of(2), rows), below(draw.of(3), columns));
        if a == b || c == d {
            continue;
        }
        let (left, right) = (table[a][c] + table[b][c], table[a][d] + table[b][d]);
        let (new_c, new_d) = (sums[c] + right - left, sums[d] + left - right);
        if near(new_c, before[c]) && near(new_d, before[d]) {
            (sums[c], sums[d]) = (new_c, new_d);
            for row in [a, b] {
                table[row].swap(c, d);
                entries.swap(row, c, d);
            }
        }
    }
}

/// Positions of the non-zero entries of a table.
struct Entries {
    places: Vec<(usize, usize)>,
    /// For each cell the number of its entry plus 1; 0 without an entry.
    numbers: Vec<Vec<usize>>,
}

impl Entries {
    fn of(table: &[Vec<usize>], columns: usize) -> Self {
        let mut entries = Self { places: Vec::new(), numbers: vec![vec![0; columns]; table.len()] };
        for (row, values) in table.iter().enumerate() {
            for (column, _) in values.iter().enumerate().filter(|(_, value)| **value > 0) {
                entries.places.push((row, column));
                entries.numbers[row][column] = entries.places.len();
            }
        }
        entries
    }

    fn swap(&mut self, row: usize, c: usize, d: usize) {
        self.numbers[row].swap(c, d);
        for column in [c, d] {
            if let Some(entry) = self.numbers[row][column].checked_sub(1) {
                self.places[entry] = (row, column);
            }
        }
    }
}

fn near(sum: usize, before: usize) -> bool {
    real(sum.abs_diff(before)) <= (SLACK * real(before)).max(2.0)
}

fn below(seed: Seed, bound: usize) -> usize {
    let bound = u64::try_from(bound).unwrap_or(u64::MAX);
    usize::try_from(seed.0 % bound.max(1)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_keep_their_entries_and_columns_nearly_their_sums() {
        let table: Vec<Vec<usize>> = (0..12_usize)
            .map(|row| {
                (0..12_usize)
                    .map(|column| if row / 4 == column / 4 { 40 + row } else { column % 3 })
                    .collect()
            })
            .collect();
        let mut moved = table.clone();
        shuffle(&mut moved, Seed(7));
        let sorted = |row: &[usize]| {
            let mut row = row.to_vec();
            row.sort_unstable();
            row
        };
        for (before, after) in table.iter().zip(&moved) {
            assert_eq!(sorted(before), sorted(after));
        }
        for column in 0..12 {
            let sum = |table: &[Vec<usize>]| table.iter().map(|row| row[column]).sum::<usize>();
            assert!(near(sum(&moved), sum(&table)), "{} {}", sum(&moved), sum(&table));
        }
        let inside: usize = (0..12)
            .map(|row| {
                (0..12).filter(|column| row / 4 == column / 4).map(|column| moved[row][column]).sum::<usize>()
            })
            .sum();
        let all: usize = moved.iter().flatten().sum();
        assert!(real(inside) < 0.5 * real(all), "{inside} of {all} still in the blocks");
    }

    #[test]
    fn tables_too_small_to_shuffle_stay_as_they_are() {
        for mut table in [vec![], vec![vec![]], vec![vec![3, 4]], vec![vec![3], vec![4]]] {
            let before = table.clone();
            shuffle(&mut table, Seed(1));
            assert_eq!(table, before);
        }
    }
}
