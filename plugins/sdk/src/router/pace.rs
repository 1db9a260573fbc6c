//! How long agents take, what they charge and how good the work is that is accepted: an agent's own mean for a skill, drawn towards what its mean over all
//! skills and the skill's mean over all agents let expect, the more the fewer attempts there were.

use std::collections::BTreeMap;

use super::{Agent, SkillStats};

/// An expectation from the rest of the record counts as so many attempts.
const PRIOR: f64 = 3.0;

/// Expected time, cost and quality of attempts, worked out once for a snapshot.
pub struct Pace<'a> {
    agents: &'a [Agent],
    latency: Usual<'a>,
    cost: Usual<'a>,
    quality: Usual<'a>,
}

impl<'a> Pace<'a> {
    pub fn of(agents: &'a [Agent]) -> Self {
        let of = |measure| Usual::of(agents, measure);
        Self { agents, latency: of(latency), cost: of(cost), quality: of(quality) }
    }

    /// What an attempt usually takes, in milliseconds; none if nobody was ever timed.
    pub fn usual(&self) -> Option<f64> {
        self.latency.overall
    }

    /// From assignment to claim, in milliseconds, as the mean over `skills`; none if nobody was ever timed.
    pub fn latency(&self, agent: u32, skills: &[&str]) -> Option<f64> {
        self.latency.expected(self.agents.get(agent as usize)?, agent, skills, latency)
    }

    /// Of an attempt, in millionths, as the mean over `skills`; none if nobody's cost was ever known.
    pub fn cost(&self, agent: u32, skills: &[&str]) -> Option<f64> {
        self.cost.expected(self.agents.get(agent as usize)?, agent, skills, cost)
    }

    /// The mean score of accepted work, 0.0 to 1.0, as the mean over `skills`; none if nothing was ever checked.
    pub fn quality(&self, agent: u32, skills: &[&str]) -> Option<f64> {
        let quality = self.quality.expected(self.agents.get(agent as usize)?, agent, skills, quality)?;
        Some(quality.clamp(0.0, 1.0))
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
    /// Over everything.
    overall: Option<f64>,
    /// Of each agent over all skills.
    agents: Vec<Option<f64>>,
    /// Of each skill over all agents, as a multiple of what these agents usually have.
    skills: BTreeMap<&'a str, f64>,
}

impl<'a> Usual<'a> {
    fn of(agents: &'a [Agent], measure: Measure) -> Self {
        let mut overall = Mean::default();
        for agent in agents {
            overall.add(agent.record("").and_then(|stats| Some((measure(stats)?, weight(stats)))));
        }
        let overall = overall.value();
        let own = |agent: &Agent| own(agent.record(""), measure, overall);
        let means: Vec<Option<f64>> = agents.iter().map(own).collect();
        let mut skills: BTreeMap<&str, Mean> = BTreeMap::new();
        for (agent, usual) in agents.iter().zip(&means) {
            for stats in agent.stats.iter().filter(|stats| !stats.skill.is_empty()) {
                let relative = measure(stats).zip(*usual).filter(|(_, usual)| *usual > 0.0);
                let relative = relative.map(|(value, usual)| (value / usual, weight(stats)));
                skills.entry(&stats.skill).or_default().add(relative);
            }
        }
        let factor = |(skill, mean): (&'a str, Mean)| (skill, mean.towards(1.0));
        Self { overall, agents: means, skills: skills.into_iter().map(factor).collect() }
    }

    fn expected(&self, agent: &Agent, index: u32, skills: &[&str], measure: Measure) -> Option<f64> {
        let usual = self.agents.get(index as usize).copied().flatten().or(self.overall);
        if skills.is_empty() {
            return usual;
        }
        let mut mean = Mean::default();
        for skill in skills {
            let factor = self.skills.get(skill).copied().unwrap_or(1.0);
            let prior = usual.map(|usual| usual * factor);
            mean.add(own(agent.record(skill), measure, prior).map(|value| (value, 1.0)));
        }
        mean.value()
    }
}

fn own(stats: Option<&SkillStats>, measure: Measure, prior: Option<f64>) -> Option<f64> {
    let mut mean = Mean::default();
    mean.add(stats.and_then(|stats| Some((measure(stats)?, weight(stats)))));
    mean.add(prior.map(|prior| (prior, PRIOR)));
    mean.value()
}

fn weight(stats: &SkillStats) -> f64 {
    stats.trials.clamp(0.0, 100.0)
}

/// A weighted mean in the making.
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
        assert_eq!(pace.latency(0, &["x"]), Some(100.0));
        assert_eq!(pace.latency(1, &["x"]), Some(100.0));
        assert_eq!(pace.cost(1, &[]), Some(200.0));
        assert_eq!(pace.latency(2, &["x"]), None);
    }

    #[test]
    fn a_slow_skill_is_slow_for_whoever_has_not_done_it() {
        let agents = [
            timed("a", &[("", 200, 60.0), ("slow", 300, 30.0), ("quick", 100, 30.0)]),
            timed("b", &[("", 100, 60.0), ("quick", 50, 60.0)]),
        ];
        let pace = Pace::of(&agents);
        let (slow, quick) = (pace.latency(1, &["slow"]).unwrap(), pace.latency(1, &["quick"]).unwrap());
        assert!(slow > 2.5 * quick, "{slow} {quick}");
        let both = pace.latency(1, &["quick", "slow"]).unwrap();
        assert!((both - 0.5 * (slow + quick)).abs() < 1e-9);
    }

    #[test]
    fn nothing_known_is_nothing_said() {
        let agents = [agent("a", &[])];
        assert_eq!(Pace::of(&agents).latency(0, &["x"]), None);
        assert_eq!(Pace::of(&agents).cost(0, &[]), None);
    }
}
