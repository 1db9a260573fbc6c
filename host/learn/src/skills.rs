//! Skills that agents have but don't declare, skills that they declare but don't have, and kinds of files that ought
//! to be a skill.

mod proposals;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use proposals::{Proposal, proposals};

use baton_core::episode::Episode;

use super::evidence::telling;
use super::proportion::Proportion;

/// Thresholds for discovering and refuting skills.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SkillThresholds {
    /// To discover a skill: the minimum number of accepted attempts,
    pub accepted: usize,
    /// and a lower bound for the acceptance rate, at 97.5 % confidence.
    pub above: f64,
    /// To refute a skill: the minimum number of attempts,
    pub attempts: usize,
    /// and an upper bound for the acceptance rate, at 97.5 % confidence.
    pub below: f64,
}

impl Default for SkillThresholds {
    fn default() -> Self {
        Self { accepted: 5, above: 0.5, attempts: 8, below: 0.4 }
    }
}

/// An agent's acceptance rate at something.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Ability {
    /// The agent's name.
    pub agent: String,
    /// The skill, or the pattern of a proposal.
    pub skill: String,
    /// Attempts that say something about the agent's ability.
    pub attempts: usize,
    /// Those that were accepted.
    pub accepted: usize,
    /// 95 % interval of the acceptance rate, 0.0 to 1.0.
    pub low: f64,
    /// See `low`.
    pub high: f64,
    /// Numbers of events, those that support the finding first.
    pub evidence: Vec<i64>,
}

/// Differences from what agents declare.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Skills {
    /// Not declared but proven, best first.
    pub discovered: Vec<Ability>,
    /// Declared but refuted, worst first.
    pub refuted: Vec<Ability>,
    /// Skills that nobody declares yet, surest first.
    pub proposals: Vec<Proposal>,
}

/// The results of one agent's attempts at one thing.
#[derive(Default)]
struct Record {
    seen: Proportion,
    events: Vec<(bool, i64)>,
}

impl Record {
    fn add(&mut self, good: bool, seq: i64) {
        self.seen.add(good);
        self.events.push((good, seq));
    }

    fn ability(&self, agent: &str, skill: &str, wanted: bool) -> Ability {
        let (low, high) = self.seen.interval();
        Ability {
            agent: agent.to_owned(),
            skill: skill.to_owned(),
            attempts: self.seen.of,
            accepted: self.seen.good,
            low,
            high,
            evidence: telling(self.events.iter().map(|(good, seq)| (*good == wanted, *seq))),
        }
    }
}

/// Compares results with the skills that each agent declares; an agent that isn't in `declared` declares none.
#[must_use]
pub fn skills(
    episodes: &[Episode],
    declared: &BTreeMap<String, Vec<String>>,
    bar: &SkillThresholds,
) -> Skills {
    let mut agents: BTreeMap<&str, Vec<(&Episode, bool)>> = BTreeMap::new();
    for episode in episodes {
        if let Some(good) = episode.verdict.ability() {
            agents.entry(&episode.agent).or_default().push((episode, good));
        }
    }
    let (mut discovered, mut refuted) = (Vec::new(), Vec::new());
    for (agent, attempts) in agents {
        let says = declared.get(agent).map_or(&[][..], Vec::as_slice);
        discovered.extend(proven(agent, &attempts, says, bar));
        refuted.extend(disproven(agent, attempts, says, bar));
    }
    discovered.sort_by(|a, b| b.low.total_cmp(&a.low));
    refuted.sort_by(|a, b| a.high.total_cmp(&b.high));
    Skills { discovered, refuted, proposals: proposals(episodes, bar) }
}

fn by_skill<'a>(
    attempts: &[(&'a Episode, bool)],
    counts: impl Fn(&String) -> bool,
) -> BTreeMap<&'a str, Record> {
    let mut trials: BTreeMap<&str, Record> = BTreeMap::new();
    for (episode, good) in attempts {
        for skill in episode.skills.iter().filter(|skill| counts(skill)) {
            trials.entry(skill).or_default().add(*good, episode.seq);
        }
    }
    trials
}

fn proven(
    agent: &str,
    attempts: &[(&Episode, bool)],
    says: &[String],
    bar: &SkillThresholds,
) -> Vec<Ability> {
    by_skill(attempts, |skill| !says.contains(skill))
        .iter()
        .map(|(skill, trials)| trials.ability(agent, skill, true))
        .filter(|ability| ability.accepted >= bar.accepted && ability.low > bar.above)
        .collect()
}

/// A refusal counts only if the agent declares all skills of the task, since an undeclared one may be the reason.
/// Skills are refuted one at a time, the worst first, and tasks that needed a refuted one no longer count.
fn disproven(
    agent: &str,
    attempts: Vec<(&Episode, bool)>,
    says: &[String],
    bar: &SkillThresholds,
) -> Vec<Ability> {
    let mut left: Vec<(&Episode, bool)> = attempts
        .into_iter()
        .filter(|(episode, _)| episode.skills.iter().all(|skill| says.contains(skill)))
        .collect();
    let mut found: Vec<Ability> = Vec::new();
    loop {
        let trials = by_skill(&left, |_| true);
        let worst = trials
            .iter()
            .map(|(skill, trials)| trials.ability(agent, skill, false))
            .filter(|ability| ability.attempts >= bar.attempts && ability.high < bar.below)
            .min_by(|a, b| a.high.total_cmp(&b.high).then_with(|| a.skill.cmp(&b.skill)));
        let Some(worst) = worst else { return found };
        left.retain(|(episode, _)| !episode.skills.contains(&worst.skill));
        found.push(worst);
    }
}

#[cfg(test)]
mod tests {
    use baton_core::knowledge::Verdict;

    use super::*;

    fn attempts(agent: &str, skills: &[&str], good: i64, bad: i64) -> Vec<Episode> {
        let attempt = |n: i64| Episode {
            agent: agent.into(),
            skills: skills.iter().map(|skill| (*skill).to_owned()).collect(),
            verdict: if n < good { Verdict::Accepted } else { Verdict::Refused },
            ..crate::sample::sample(n)
        };
        (0..good + bad).map(attempt).collect()
    }

    fn declared(agent: &str, skills: &[&str]) -> BTreeMap<String, Vec<String>> {
        BTreeMap::from([(agent.to_owned(), skills.iter().map(|skill| (*skill).to_owned()).collect())])
    }

    fn names(abilities: &[Ability]) -> Vec<(&str, &str)> {
        abilities.iter().map(|ability| (ability.agent.as_str(), ability.skill.as_str())).collect()
    }

    #[test]
    fn what_is_proven_and_not_declared_is_discovered() {
        let episodes = [attempts("a", &["rust", "sql"], 9, 1), attempts("b", &["rust"], 4, 0)].concat();
        let found = skills(&episodes, &declared("a", &["rust"]), &SkillThresholds::default());
        assert_eq!(names(&found.discovered), [("a", "sql")]);
        assert_eq!((found.discovered[0].attempts, found.discovered[0].accepted), (10, 9));
        assert!(found.refuted.is_empty());
    }

    #[test]
    fn many_attempts_at_even_odds_prove_nothing() {
        let found = skills(&attempts("a", &["sql"], 60, 55), &BTreeMap::new(), &SkillThresholds::default());
        assert_eq!(found, Skills::default());
    }

    #[test]
    fn what_is_declared_and_disproven_is_refuted() {
        let found =
            skills(&attempts("a", &["sql"], 1, 12), &declared("a", &["sql"]), &SkillThresholds::default());
        assert_eq!(names(&found.refuted), [("a", "sql")]);
        assert_eq!(found.refuted[0].evidence.first(), Some(&12));
        let few =
            skills(&attempts("a", &["sql"], 0, 7), &declared("a", &["sql"]), &SkillThresholds::default());
        assert!(few.refuted.is_empty());
    }

    #[test]
    fn only_the_skill_to_blame_is_refuted() {
        let together = attempts("a", &["review", "sql"], 0, 20);
        let found = skills(&together, &declared("a", &["review"]), &SkillThresholds::default());
        assert!(found.refuted.is_empty(), "sql is not declared, and may be the reason");
        let episodes = [together, attempts("a", &["sql"], 1, 20), attempts("a", &["review"], 3, 1)].concat();
        let found = skills(&episodes, &declared("a", &["review", "sql"]), &SkillThresholds::default());
        assert_eq!(names(&found.refuted), [("a", "sql")]);
    }
}
