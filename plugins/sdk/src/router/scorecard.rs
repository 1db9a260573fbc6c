//! Chooses the best candidate by a weighted sum, with the scores that explain the choice.

use std::cmp::Ordering;

use super::{Assignment, Choice, Factor, Score};

/// The most fallbacks, for the case that the chosen agent is gone.
const FALLBACKS: usize = 8;

/// Names and weights of the factors. Of equal totals, the first candidate by id wins.
pub struct Scorecard<const N: usize>(pub [(&'static str, f64); N]);

impl<const N: usize> Scorecard<N> {
    /// The factors for the answer.
    pub fn factors(&self) -> Vec<Factor> {
        self.0.iter().map(|(name, weight)| Factor { name: (*name).to_owned(), weight: *weight }).collect()
    }

    /// Assigns the candidate with the highest total. `values` returns a candidate's values in the order of the factors; `reason`
    /// gets the chosen one and its values.
    pub fn assign(
        &self,
        candidates: &[u32],
        mut values: impl FnMut(u32) -> [f64; N],
        reason: impl FnOnce(u32, &[f64]) -> String,
    ) -> Choice {
        let mut scores: Vec<Score> =
            candidates.iter().map(|&agent| self.score(agent, values(agent))).collect();
        let ranked = ranking(&scores);
        let Some((&best, rest)) = ranked.split_first() else {
            return Choice::Reject(String::from("no agent is eligible"));
        };
        scores[best].propensity = 1.0;
        let agent = scores[best].agent;
        Choice::Assign(Assignment {
            agent,
            fallbacks: rest.iter().map(|&index| scores[index].agent).collect(),
            reason: reason(agent, &scores[best].values),
            scores,
        })
    }

    fn score(&self, agent: u32, values: [f64; N]) -> Score {
        Score {
            agent,
            // Not `sum`, which starts at -0.0.
            total: self.0.iter().zip(values).fold(0.0, |total, ((_, weight), value)| total + weight * value),
            propensity: 0.0,
            values: values.into(),
            forecast: None,
        }
    }
}

/// The indices of the best scores, best first: the chosen one and its fallbacks.
fn ranking(scores: &[Score]) -> Vec<usize> {
    let better =
        |&a: &usize, &b: &usize| -> Ordering { scores[b].total.total_cmp(&scores[a].total).then(a.cmp(&b)) };
    let mut ranked: Vec<usize> = (0..scores.len()).collect();
    if ranked.len() > FALLBACKS + 1 {
        ranked.select_nth_unstable_by(FALLBACKS, better);
        ranked.truncate(FALLBACKS + 1);
    }
    ranked.sort_unstable_by(better);
    ranked
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assigned(choice: Choice) -> Assignment {
        match choice {
            Choice::Assign(assignment) => assignment,
            other => panic!("not an assignment: {other:?}"),
        }
    }

    #[test]
    fn the_highest_total_is_chosen_and_explained() {
        let card = Scorecard([("speed", 2.0), ("cost", -1.0)]);
        let values = [[1.0, 1.0], [3.0, 2.0], [2.0, 1.0]];
        let assignment = assigned(card.assign(
            &[4, 5, 7],
            |agent| values[[4, 5, 7].iter().position(|a| *a == agent).unwrap()],
            |agent, values| format!("{agent} with {values:?}"),
        ));
        assert_eq!(assignment.agent, 5);
        assert_eq!(assignment.fallbacks, [7, 4]);
        assert_eq!(assignment.reason, "5 with [3.0, 2.0]");
        let totals: Vec<f64> = assignment.scores.iter().map(|score| score.total).collect();
        assert_eq!(totals, [1.0, 4.0, 3.0]);
        let propensities: Vec<f64> = assignment.scores.iter().map(|score| score.propensity).collect();
        assert_eq!(propensities, [0.0, 1.0, 0.0]);
    }

    #[test]
    fn equal_totals_go_to_the_first_and_fallbacks_end() {
        let card = Scorecard([("same", 1.0)]);
        let candidates: Vec<u32> = (0..20).collect();
        let assignment = assigned(card.assign(&candidates, |_| [0.5], |_, _| String::new()));
        assert_eq!(assignment.agent, 0);
        assert_eq!(assignment.fallbacks, [1, 2, 3, 4, 5, 6, 7, 8]);
    }

    #[test]
    fn without_candidates_the_request_is_rejected() {
        let card = Scorecard([("same", 1.0)]);
        let choice = card.assign(&[], |_| [0.5], |_, _| String::new());
        assert_eq!(choice, Choice::Reject(String::from("no agent is eligible")));
    }
}
