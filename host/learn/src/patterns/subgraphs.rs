//! Every connected set of 2 to 4 tasks of a run, each once.

use std::collections::BTreeSet;

use baton_core::id::RunId;
use baton_core::seed::Seed;

use super::form::LARGEST;

/// Calls back with each set, at most `limit` times; returns whether those were all. The order in which tasks are
/// visited is random for each run, so that under the limit no part of a plan is always examined and another never.
/// Source: algorithm ESU of Wernicke, "Efficient Detection of Network Motifs", 2006.
pub(super) fn each(children: &[Vec<usize>], run: RunId, limit: usize, visit: impl FnMut(&[usize])) -> bool {
    let mut order: Vec<usize> = (0..children.len()).collect();
    order.sort_by_key(|place| (Seed(0).of(run.0).of(i64::try_from(*place).unwrap_or(0)).0, *place));
    let mut rank = vec![0; order.len()];
    for (number, place) in order.iter().enumerate() {
        rank[*place] = number;
    }
    let mut search = Search { near: near(children), rank, left: limit, visit };
    order.iter().all(|root| {
        let open = search.near[*root]
            .iter()
            .copied()
            .filter(|next| search.rank[*next] > search.rank[*root])
            .collect();
        search.extend(&mut vec![*root], open)
    })
}

/// The neighbours of each task, whichever depends on the other.
fn near(children: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut near = vec![BTreeSet::new(); children.len()];
    for (parent, children) in children.iter().enumerate() {
        for child in children {
            near[parent].insert(*child);
            near[*child].insert(parent);
        }
    }
    near.into_iter().map(|near| near.into_iter().collect()).collect()
}

struct Search<F> {
    near: Vec<Vec<usize>>,
    /// Sets are built upwards from the task of the lowest rank.
    rank: Vec<usize>,
    left: usize,
    visit: F,
}

impl<F: FnMut(&[usize])> Search<F> {
    /// Calls back with all sets that extend these by tasks of `open` and by what becomes reachable through them.
    /// False if the limit was reached.
    fn extend(&mut self, places: &mut Vec<usize>, mut open: Vec<usize>) -> bool {
        while let Some(next) = open.pop() {
            if self.left == 0 {
                return false;
            }
            self.left -= 1;
            let fresh = self.fresh(places, next);
            places.push(next);
            (self.visit)(places);
            let whole = places.len() == LARGEST || self.extend(places, [open.as_slice(), &fresh].concat());
            places.pop();
            if !whole {
                return false;
            }
        }
        true
    }

    /// Neighbours of the next task that aren't neighbours of the others.
    fn fresh(&self, places: &[usize], next: usize) -> Vec<usize> {
        let Some(root) = places.first() else { return Vec::new() };
        let reachable =
            |other: &usize| places.iter().any(|place| place == other || self.near[*place].contains(other));
        let later = |other: &usize| self.rank[*other] > self.rank[*root];
        self.near[next].iter().copied().filter(|other| later(other) && !reachable(other)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connected(set: &[usize], near: &[Vec<usize>]) -> bool {
        let mut reached = vec![set[0]];
        let mut place = 0;
        while let Some(at) = reached.get(place).copied() {
            let next: Vec<usize> = near[at]
                .iter()
                .copied()
                .filter(|other| set.contains(other) && !reached.contains(other))
                .collect();
            reached.extend(next);
            place += 1;
        }
        reached.len() == set.len()
    }

    /// Every subset of 12 tasks, tried.
    #[test]
    fn each_connected_set_comes_up_once() {
        for seed in 0..30 {
            let draw = |a: i64, b: i64| Seed(seed).of(a).of(b).fraction();
            let children: Vec<Vec<usize>> = (0..12)
                .map(|a: usize| {
                    (a + 1..12)
                        .filter(|b| draw(i64::try_from(a).unwrap(), i64::try_from(*b).unwrap()) < 0.2)
                        .collect()
                })
                .collect();
            let near = near(&children);
            let mut expected: Vec<Vec<usize>> = (0_u32..1 << 12)
                .filter(|set| (2..=4).contains(&set.count_ones()))
                .map(|set| (0..12).filter(|place| set >> place & 1 == 1).collect::<Vec<usize>>())
                .filter(|set| connected(set, &near))
                .collect();
            let mut found = Vec::new();
            let whole = each(&children, RunId(1), 10_000, |set| {
                let mut set = set.to_vec();
                set.sort_unstable();
                found.push(set);
            });
            expected.sort();
            found.sort();
            assert!(whole);
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn no_more_are_told_than_the_limit() {
        let star: Vec<Vec<usize>> =
            (0..40).map(|place| if place == 0 { (1..40).collect() } else { vec![] }).collect();
        let mut visited = 0;
        assert!(!each(&star, RunId(1), 500, |_| visited += 1));
        assert_eq!(visited, 500);
        assert!(each(&[], RunId(1), 0, |_| {}));
    }
}
