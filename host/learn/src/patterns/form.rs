//! The canonical form of a small DAG whose nodes have kinds: two DAGs have the same form if and only if they are
//! isomorphic.

use std::collections::HashMap;

use super::super::number::real;

/// Size of the largest sub-DAGs that are examined.
pub(super) const LARGEST: usize = 4;

/// The kind of each node; 0 beyond the size of the form.
pub(super) type Kinds = [usize; LARGEST];

/// The node at each position; the identity beyond the size.
pub(super) type Order = [usize; LARGEST];

/// Bit `4 i + j` stands for an edge from node i to node j.
type Edges = u16;

/// A DAG with its nodes in the topological order that gives the least edges, then the least kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Form {
    size: usize,
    edges: Edges,
    kinds: Kinds,
}

fn bit(from: usize, to: usize) -> Edges {
    1 << (LARGEST * from + to)
}

/// The edges between these nodes, by their indices among them.
pub(super) fn edges(places: &[usize], children: &[Vec<usize>]) -> Edges {
    let mut edges = 0;
    for (from, place) in places.iter().enumerate() {
        for child in &children[*place] {
            if let Some(to) = places.iter().position(|other| other == child) {
                edges |= bit(from, to);
            }
        }
    }
    edges
}

const ORDERS: [Order; 24] = [
    [0, 1, 2, 3],
    [0, 1, 3, 2],
    [0, 2, 1, 3],
    [0, 2, 3, 1],
    [0, 3, 1, 2],
    [0, 3, 2, 1],
    [1, 0, 2, 3],
    [1, 0, 3, 2],
    [1, 2, 0, 3],
    [1, 2, 3, 0],
    [1, 3, 0, 2],
    [1, 3, 2, 0],
    [2, 0, 1, 3],
    [2, 0, 3, 1],
    [2, 1, 0, 3],
    [2, 1, 3, 0],
    [2, 3, 0, 1],
    [2, 3, 1, 0],
    [3, 0, 1, 2],
    [3, 0, 2, 1],
    [3, 1, 0, 2],
    [3, 1, 2, 0],
    [3, 2, 0, 1],
    [3, 2, 1, 0],
];

/// Every order of `size` nodes.
fn orders(size: usize) -> impl Iterator<Item = Order> {
    ORDERS.into_iter().filter(move |order| (size..LARGEST).all(|place| order[place] == place))
}

/// The same edges with the nodes in this order; none if an edge would point backwards.
fn ordered(edges: Edges, order: &Order, size: usize) -> Option<Edges> {
    let mut found = 0;
    for from in 0..size {
        for to in 0..size {
            if edges & bit(order[from], order[to]) != 0 {
                if from >= to {
                    return None;
                }
                found |= bit(from, to);
            }
        }
    }
    Some(found)
}

/// The orders of nodes that give a shape its form, for each set of edges seen so far.
#[derive(Default)]
pub(super) struct Forms(HashMap<(usize, Edges), Least>);

/// The least edges that a topological order of some nodes can give, and all orders that do.
type Least = (Edges, Vec<Order>);

impl Forms {
    /// The form, and the node at each of its positions. None if the edges aren't those of a DAG.
    pub(super) fn of(&mut self, kinds: Kinds, edges: Edges, size: usize) -> Option<(Form, Order)> {
        let (edges, orders) = self.0.entry((size, edges)).or_insert_with(|| least(edges, size));
        let form = |order: &Order| (Form { size, edges: *edges, kinds: moved(kinds, order, size) }, *order);
        orders.iter().map(form).min()
    }
}

fn least(edges: Edges, size: usize) -> Least {
    let all = orders(size).filter_map(|order| Some((ordered(edges, &order, size)?, order)));
    let all: Vec<(Edges, Order)> = all.collect();
    let least = all.iter().map(|(edges, _)| *edges).min().unwrap_or(0);
    (least, all.into_iter().filter(|(edges, _)| *edges == least).map(|(_, order)| order).collect())
}

fn moved(kinds: Kinds, order: &Order, size: usize) -> Kinds {
    let mut moved = Kinds::default();
    for (slot, node) in moved.iter_mut().zip(order).take(size) {
        *slot = kinds[*node];
    }
    moved
}

impl Form {
    /// The form without its kinds.
    pub(super) fn shape(&self) -> Self {
        Self { kinds: Kinds::default(), ..*self }
    }

    pub(super) fn size(&self) -> usize {
        self.size
    }

    pub(super) fn kinds(&self) -> &[usize] {
        self.kinds.get(..self.size).unwrap_or_default()
    }

    pub(super) fn edges(&self) -> Vec<(usize, usize)> {
        let pairs = (0..self.size).flat_map(|from| (0..self.size).map(move |to| (from, to)));
        pairs.filter(|(from, to)| self.edges & bit(*from, *to) != 0).collect()
    }

    /// Number of different assignments of its kinds to the nodes of its shape that give this form.
    pub(super) fn arrangements(&self) -> usize {
        let (_, same) = least(self.edges, self.size);
        let mut dealt: Vec<Kinds> = same.iter().map(|order| moved(self.kinds, order, self.size)).collect();
        dealt.sort_unstable();
        dealt.dedup();
        dealt.len()
    }

    /// The probability that given tasks of a run get exactly these kinds if its kinds are assigned at random.
    pub(super) fn dealt(&self, kinds: &[usize], tasks: usize) -> f64 {
        let mut chance = 1.0;
        for (place, kind) in self.kinds().iter().enumerate() {
            let gone = self.kinds().iter().take(place).filter(|before| *before == kind).count();
            let left = kinds.get(*kind).copied().unwrap_or(0).saturating_sub(gone);
            chance *= real(left) / real(tasks.saturating_sub(place).max(1));
        }
        chance
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIAMOND: [(usize, usize); 4] = [(0, 1), (0, 2), (1, 3), (2, 3)];

    fn form(kinds: Kinds, pairs: &[(usize, usize)], size: usize) -> Option<Form> {
        let edges = pairs.iter().fold(0, |edges, (from, to)| edges | bit(*from, *to));
        Forms::default().of(kinds, edges, size).map(|(form, _)| form)
    }

    #[test]
    fn every_renumbering_of_a_dag_has_one_form() {
        let kinds = [7, 5, 6, 5];
        let expected = form(kinds, &DIAMOND, 4).unwrap();
        assert_eq!(orders(4).count(), 24);
        for order in orders(4) {
            let mut moved = Kinds::default();
            let place = |node: usize| order.iter().position(|other| *other == node).unwrap();
            (0..4).for_each(|node| moved[place(node)] = kinds[node]);
            let pairs = DIAMOND.map(|(from, to)| (place(from), place(to)));
            assert_eq!(form(moved, &pairs, 4), Some(expected));
        }
    }

    #[test]
    fn different_dags_have_different_forms() {
        let fork = form([1, 2, 2, 0], &[(0, 1), (0, 2)], 3);
        let join = form([2, 2, 1, 0], &[(0, 2), (1, 2)], 3);
        let chain = form([1, 2, 2, 0], &[(0, 1), (1, 2)], 3);
        assert!(fork != join && fork != chain && join != chain);
        assert_eq!(form([1, 2, 0, 0], &[(0, 1), (1, 0)], 2), None);
    }

    #[test]
    fn arrangements_count_what_differs() {
        let count = |kinds, pairs: &[(usize, usize)], size| form(kinds, pairs, size).unwrap().arrangements();
        assert_eq!(count([1, 2, 3, 0], &[(0, 1), (0, 2)], 3), 2);
        assert_eq!(count([1, 2, 2, 0], &[(0, 1), (0, 2)], 3), 1);
        assert_eq!(count([1, 2, 3, 4], &DIAMOND, 4), 2);
        assert_eq!(count([1, 2, 3, 4], &[(0, 1), (1, 2), (2, 3)], 4), 1);
    }

    #[test]
    fn the_chance_of_a_deal_is_without_replacement() {
        let kinds = [0, 2, 3];
        let pair = form([1, 1, 0, 0], &[(0, 1)], 2).unwrap();
        assert!((pair.dealt(&kinds, 5) - 2.0 / 5.0 * 1.0 / 4.0).abs() < 1e-12);
    }
}
