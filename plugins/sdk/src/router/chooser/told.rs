//! What of the bids is told in an answer.

use std::cmp::Ordering;

use super::bid::Bid;
use crate::router::Score;

/// How many agents are named for the case that the chosen one is gone.
const FALLBACKS: usize = 8;

/// Scores in one answer. What a router answers is copied, and 16 MiB may be: 1,000 candidates for each of 256 tasks
/// would be more.
const SCORES: usize = 80_000;

/// The best of those that are open beside the chosen one, best first.
pub fn best(bids: &[Bid], open: &[usize], chosen: usize) -> Vec<usize> {
    let mut others: Vec<usize> = open.iter().copied().filter(|at| *at != chosen).collect();
    if others.len() > FALLBACKS {
        others.select_nth_unstable_by(FALLBACKS, |a, b| better(bids, *a, *b));
        others.truncate(FALLBACKS);
    }
    others.sort_unstable_by(|a, b| better(bids, *a, *b));
    others
}

/// The scores of all candidates, in their order; where there are too many for an answer to so many requests, those of the
/// highest totals and of the chosen one.
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
