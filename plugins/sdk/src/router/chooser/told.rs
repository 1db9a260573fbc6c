//! The part of the bids that goes into an answer.

use std::cmp::Ordering;

use super::bid::Bid;
use crate::router::Score;

/// The most fallbacks, for the case that the chosen agent is gone.
const FALLBACKS: usize = 8;

/// The most scores in one answer: an answer is copied, and its size is limited.
const SCORES: usize = 80_000;

/// The best of the open candidates besides the chosen one, best first.
pub fn best(bids: &[Bid], open: &[usize], chosen: usize) -> Vec<usize> {
    let mut others: Vec<usize> = open.iter().copied().filter(|at| *at != chosen).collect();
    if others.len() > FALLBACKS {
        others.select_nth_unstable_by(FALLBACKS, |a, b| better(bids, *a, *b));
        others.truncate(FALLBACKS);
    }
    others.sort_unstable_by(|a, b| better(bids, *a, *b));
    others
}

/// The scores of all candidates, in their order. If there are too many for one answer, only the highest totals and the chosen
/// one.
pub fn scores(bids: &[Bid], chosen: usize, requests: usize) -> Vec<Score> {
    let most = (SCORES / requests.max(1)).max(16);
    if bids.len() <= most {
        return bids.iter().map(Bid::score).collect();
    }
    let mut others: Vec<usize> = (0..bids.len()).filter(|at| *at != chosen).collect();
    others.select_nth_unstable_by(most - 1, |a, b| better(bids, *a, *b));
    others.truncate(most - 1);
    others.push(chosen);
    others.sort_unstable();
    others.into_iter().map(|at| bids[at].score()).collect()
}

fn better(bids: &[Bid], a: usize, b: usize) -> Ordering {
    bids[b].total.total_cmp(&bids[a].total).then(a.cmp(&b))
}
