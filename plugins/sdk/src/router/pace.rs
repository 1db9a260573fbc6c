//! Expected duration, cost and quality of an agent's attempts: its own mean for a skill, shrunk towards what its mean over all
//! skills and the skill's mean over all agents predict, the more the fewer attempts there were.

use std::collections::BTreeMap;

use super::{Agent, SkillStats};

/// The prediction counts as this many attempts.
const PRIOR: f64 = 3.0;

/// What an attempt is expected to be like; none where no record tells.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Expected {
    /// Time from assignment to claim, in milliseconds.
    pub latency: Option<f64>,
    /// Cost in millionths of the operator's currency.
    pub cost: Option<f64>,
    /// The mean score of accepted work, 0.0 to 1.0.
    pub quality: Option<f64>,
}

/// The means of a pool, computed once per snapshot.
pub struct Pace<'a> {
    agents: &'a [Agent],
    latency: Usual<'a>,
    cost: Usual<'a>,
    quality: Usual<'a>,
}

impl<'a> Pace<'a> {
    /// The means of these agents.
    pub fn of(agents: &'a [Agent]) -> Self {
        let of = |measure| Usual::of(agents, measure);
        Self { agents, latency: of(latency), cost: of(cost), quality: of(quality) }
    }

    /// The mean duration of an attempt in milliseconds; none before the first.
    pub fn usual(&self) -> Option<f64> {
        self.latency.overall
    }

    /// The means for tasks with these skills.
    pub fn at<'s>(&'s self, skills: &'s [&'s str]) -> PaceAt<'s> {
        let factors = [&self.latency, &self.cost, &self.quality].map(|usual| usual.factors(skills));
        PaceAt { pace: self, skills, factors }
    }
}

/// The means for tasks with certain skills.
pub struct PaceAt<'s> {
    pace: &'s Pace<'s>,
    skills: &'s [&'s str],
    /// Of each skill, by measure.
    factors: [Vec<f64>; 3],
}

impl PaceAt<'_> {
    /// What is expected of the agent at this index of the snapshot: the mean over the skills.
    pub fn expected(&self, agent: usize) -> Expected {
        let Some(own) = self.pace.agents.get(agent) else { return Expected::default() };
        let records: Vec<Option<&SkillStats>> = self.skills.iter().map(|skill| own.record(skill)).collect();
        let [latency, cost, quality] = &self.factors;
        let quality = self.pace.quality.expected(agent, &records, quality);
        Expected {
            latency: self.pace.latency.expected(agent, &records, latency),
            cost: self.pace.cost.expected(agent, &records, cost),
            quality: quality.map(|quality| quality.clamp(0.0, 1.0)),
        }
    }
}

fn latency(stats: &SkillStats) -> Option<f64> {
    (stats.latency > 0).then_some(stats.latency as f64)
}

fn cost(stats: &SkillStats) -> Option<f64> {
    stats.cost_micros.map(|cost| cost as f64)
}

fn quality(stats: &SkillStats) -> Option<f64> {
    stats.quality.filter(|quality| quality.is_finite())
}

type Measure = fn(&SkillStats) -> Option<f64>;

/// Means of one measure.
struct Usual<'a> {
    measure: Measure,
    /// Over everything.
    overall: Option<f64>,
    /// Of each agent over all skills.
    agents: Vec<Option<f64>>,
    /// Of each skill over all agents, as a multiple of these agents' own means.
    skills: BTreeMap<&'a str, f64>,
}

impl<'a> Usual<'a> {
    fn of(agents: &'a [Agent], measure: Measure) -> Self {
        let all =
            |agent: &'a Agent| agent.record("").and_then(|stats| Some((measure(stats)?, weight(stats))));
        let mut overall = Mean::default();
        agents.iter().for_each(|agent| overall.add(all(agent)));
        let overall = overall.value();
        let means: Vec<Option<f64>> =
            agents.iter().map(|agent| drawn(agent.record(""), measure, overall)).collect();
        let mut skills: BTreeMap<&str, Mean> = BTreeMap::new();
        for (agent, usual) in agents.iter().zip(&means) {
            for stats in agent.stats.iter().filter(|stats| !stats.skill.is_empty()) {
                let relative = measure(stats).zip(*usual).filter(|(_, usual)| *usual > 0.0);
                let relative = relative.map(|(value, usual)| (value / usual, weight(stats)));
                skills.entry(&stats.skill).or_default().add(relative);
            }
        }
        let factor = |(skill, mean): (&'a str, Mean)| (skill, mean.towards(1.0));
        Self { measure, overall, agents: means, skills: skills.into_iter().map(factor).collect() }
    }

    fn factors(&self, skills: &[&str]) -> Vec<f64> {
        skills.iter().map(|skill| self.skills.get(skill).copied().unwrap_or(1.0)).collect()
    }

    /// `records` are the agent's on skills with these factors.
    fn expected(&self, agent: usize, records: &[Option<&SkillStats>], factors: &[f64]) -> Option<f64> {
        let usual = self.agents.get(agent).copied().flatten();
        if records.is_empty() {
            return usual;
        }
        let mut mean = Mean::default();
        for (record, factor) in records.iter().zip(factors) {
            let prior = usual.map(|usual| usual * factor);
            mean.add(drawn(*record, self.measure, prior).map(|value| (value, 1.0)));
        }
        mean.value()
    }
}

/// The mean of a record, shrunk towards a prior.
fn drawn(stats: Option<&SkillStats>, measure: Measure, prior: Option<f64>) -> Option<f64> {
    let mut mean = Mean::default();
    mean.add(stats.and_then(|stats| Some((measure(stats)?, weight(stats)))));
    mean.add(prior.map(|prior| (prior, PRIOR)));
    mean.value()
}

fn weight(stats: &SkillStats) -> f64 {
    stats.trials.clamp(0.0, 100.0)
}

/// Accumulates a weighted mean.
#[derive(Default)]
struct Mean {
    sum: f64,
    weight: f64,
}

impl Mean {
    fn add(&mut self, known: Option<(f64, f64)>) {
        if let Some((value, weight)) = known {
            self.sum += value * weight;
            self.weight += weight;
        }
    }

    fn value(&self) -> Option<f64> {
        (self.weight > 0.0).then(|| self.sum / self.weight)
    }

    fn towards(&self, prior: f64) -> f64 {
        (self.sum + PRIOR * prior) / (self.weight + PRIOR)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{agent, stats};

    fn timed(id: &str, entries: &[(&str, u64, f64)]) -> Agent {
        let entry = |(skill, latency, trials): &(&str, u64, f64)| SkillStats {
            latency: *latency,
            trials: *trials,
            cost_micros: Some(latency * 2),
            ..stats(skill)
        };
        Agent { stats: entries.iter().map(entry).collect(), ..agent(id, &[]) }
    }

    #[test]
    fn much_of_a_record_counts_and_little_of_it_is_drawn_to_the_usual() {
        let agents = [timed("a", &[("", 100, 97.0), ("x", 100, 97.0)]), timed("b", &[])];
        let pace = Pace::of(&agents);
        let usual = Expected { latency: Some(100.0), cost: Some(200.0), quality: None };
        for skills in [&["x"][..], &[]] {
            assert_eq!([0, 1].map(|agent| pace.at(skills).expected(agent)), [usual; 2]);
        }
        assert_eq!(pace.at(&[]).expected(2), Expected::default());
        assert_eq!(pace.usual(), Some(100.0));
    }

    #[test]
    fn a_slow_skill_is_slow_for_whoever_has_not_done_it() {
        let agents = [
            timed("a", &[("", 200, 60.0), ("slow", 300, 30.0), ("quick", 100, 30.0)]),
            timed("b", &[("", 100, 60.0), ("quick", 50, 60.0)]),
        ];
        let pace = Pace::of(&agents);
        let latency = |skills: &[&str]| pace.at(skills).expected(1).latency.unwrap();
        let (slow, quick) = (latency(&["slow"]), latency(&["quick"]));
        assert!(slow > 2.5 * quick, "{slow} {quick}");
        let both = latency(&["quick", "slow"]);
        assert!((both - 0.5 * (slow + quick)).abs() < 1e-9);
    }

    #[test]
    fn nothing_known_is_nothing_said() {
        let agents = [agent("a", &[])];
        for skills in [&["x"][..], &[]] {
            assert_eq!(Pace::of(&agents).at(skills).expected(0), Expected::default());
        }
        assert_eq!(Pace::of(&agents).usual(), None);
    }
}
