//! Chooses a candidate.

use std::cmp::Ordering;

use baton_sdk::executor::Child;

use crate::consensus::{Text, closeness, votes};
use crate::spec::Choose;

/// `all` succeeded, `last` are those of the last round that anybody survived. None when there are none.
pub fn choose<'a>(how: Choose, all: &[&'a Child], last: &[&'a Child]) -> Option<&'a Child> {
    match how {
        Choose::Best => match all.iter().any(|child| child.score().is_some()) {
            true => best(all),
            false => most_frequent(last),
        },
        Choose::Vote => most_frequent(last),
        Choose::Consensus => most_alike(last),
    }
}

fn best<'a>(candidates: &[&'a Child]) -> Option<&'a Child> {
    first_of(candidates, better)
}

/// The first of those that nothing is better than.
fn first_of<'a>(candidates: &[&'a Child], compare: impl Fn(&Child, &Child) -> Ordering) -> Option<&'a Child> {
    let mut found: Option<&Child> = None;
    for candidate in candidates {
        match found {
            Some(found) if compare(candidate, found) != Ordering::Greater => {}
            Some(_) | None => found = Some(candidate),
        }
    }
    found
}

/// By score, then by cost; unknown scores and costs lose.
fn better(one: &Child, other: &Child) -> Ordering {
    let score = |child: &Child| child.score().unwrap_or(f64::NEG_INFINITY);
    let cost = |child: &Child| child.cost().unwrap_or(u64::MAX);
    score(one).total_cmp(&score(other)).then(cost(other).cmp(&cost(one)))
}

/// The best candidate of the largest group with the same output; of equally large groups, of the one that is most similar to
/// all others.
fn most_frequent<'a>(candidates: &[&'a Child]) -> Option<&'a Child> {
    let texts = texts(candidates);
    let votes = votes(candidates, &texts);
    let most = votes.first()?.len();
    let winners: Vec<&Child> = votes
        .iter()
        .take_while(|vote| vote.len() == most)
        .flatten()
        .map(|index| candidates[*index])
        .collect();
    match votes.get(1).is_some_and(|vote| vote.len() == most) {
        true => most_alike_of(candidates, &texts, &winners),
        false => best(&winners),
    }
}

fn most_alike<'a>(candidates: &[&'a Child]) -> Option<&'a Child> {
    most_alike_of(candidates, &texts(candidates), candidates)
}

/// Of `among`, the one that is most like all candidates (the medoid).
fn most_alike_of<'a>(candidates: &[&'a Child], texts: &[Text], among: &[&'a Child]) -> Option<&'a Child> {
    let closeness = closeness(texts);
    let of = |child: &Child| {
        let at = candidates.iter().position(|candidate| candidate.name == child.name);
        at.map_or(0.0, |at| closeness[at])
    };
    let among: Vec<&Child> =
        candidates.iter().copied().filter(|child| among.iter().any(|one| one.name == child.name)).collect();
    first_of(&among, |one, other| of(one).total_cmp(&of(other)).then_with(|| better(one, other)))
}

fn texts(candidates: &[&Child]) -> Vec<Text> {
    candidates.iter().map(|child| Text::of(child.output())).collect()
}
